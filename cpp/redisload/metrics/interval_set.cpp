#include "redisload/metrics/interval_set.hpp"

#include <algorithm>
#include <new>

namespace redisload {

IntervalSet::IntervalSet(const RecorderLayout& layout, std::uint32_t worker_number)
    : worker(worker_number),
      labels(layout.labels.size()),
      series(kSeries + layout.extra_series.size()),
      tallies(layout.tallies.size()) {
  const std::size_t histograms = 3 * labels.size() + series.size();
  // calloc: pages of buckets that are never touched cost no memory.
  counts_.reset(static_cast<std::uint32_t*>(
      std::calloc(histograms * histogram_layout::kIndexCount, sizeof(std::uint32_t))));
  if (counts_ == nullptr) throw std::bad_alloc();
  std::uint32_t* next_counts = counts_.get();
  const auto attach = [&next_counts](HistogramRecorder& histogram) {
    histogram.attach(next_counts);
    next_counts += histogram_layout::kIndexCount;
  };
  for (LabelSet& label : labels) {
    attach(label.service);
    attach(label.response);
    attach(label.error_time);
  }
  for (HistogramRecorder& histogram : series) attach(histogram);
}

bool IntervalSet::empty() const noexcept {
  const auto untouched = [](const LabelSet& l) {
    return l.counts == OperationCounts{} && l.censored_response == 0 && l.censored_service == 0;
  };
  const auto zero = [](std::uint64_t n) { return n == 0; };
  return offered == 0 && not_sent == 0 && samples_dropped == 0 &&
         std::all_of(labels.begin(), labels.end(), untouched) &&
         std::all_of(series.begin(), series.end(), [](const auto& h) { return h.empty(); }) &&
         std::all_of(tallies.begin(), tallies.end(), zero) &&
         std::all_of(connection_faults.begin(), connection_faults.end(), zero);
}

void IntervalSet::reset() noexcept {
  for (LabelSet& label : labels) {
    label.counts = {};
    label.service.reset();
    label.response.reset();
    label.error_time.reset();
    label.censored_service = label.censored_response = 0;
    label.errors.fill(0);
  }
  for (HistogramRecorder& histogram : series) histogram.reset();
  std::fill(tallies.begin(), tallies.end(), 0);
  offered = not_sent = samples_dropped = 0;
  errors.fill(0);
  connection_faults.fill(0);
}

}  // namespace redisload
