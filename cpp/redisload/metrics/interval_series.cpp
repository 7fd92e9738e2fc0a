#include "redisload/metrics/interval_series.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "redisload/metrics/histogram_codec.hpp"

namespace redisload {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double seconds(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

template <typename T>
double seconds_or_nan(const std::optional<T>& ns) {
  return ns ? static_cast<double>(*ns) / 1e9 : kNan;
}

LatencyColumns columns(const Histogram& h) {
  const auto percentile = [&h](double p) { return seconds_or_nan(h.percentile_ns(p)); };
  return {percentile(50),
          percentile(90),
          percentile(95),
          percentile(99),
          percentile(99.9),
          seconds_or_nan(h.max_ns()),
          seconds_or_nan(h.mean_ns())};
}

bool has_rows(Phase phase) {
  return phase == Phase::prefill || phase == Phase::warmup || phase == Phase::measure ||
         phase == Phase::drain;
}

std::vector<std::string> names(const RecorderLayout& layout) {
  std::vector<std::string> found;
  for (const LabelInfo& label : layout.labels) found.push_back(label.name);
  return found;
}

}  // namespace

void add_latencies(const LabelSet& label, std::int64_t deadline_ns, Histogram& service,
                   Histogram& response) {
  service.merge(label.service);
  response.merge(label.response);
  service.record_censored(label.censored_service);
  response.record_censored(label.censored_response);
  if (label.counts.timed_out == 0) return;
  service.set_censored_floor(deadline_ns);
  response.set_censored_floor(deadline_ns);
}

IntervalSeries::IntervalSeries(const RecorderLayout& layout, std::size_t workers,
                               std::int64_t zero_ns, std::int64_t interval_ns,
                               std::int64_t deadline_ns, std::size_t limit_bytes)
    : workers_(workers),
      labels_(layout.labels.size()),
      zero_ns_(zero_ns),
      interval_ns_(interval_ns),
      deadline_ns_(deadline_ns),
      progress_(workers),
      histograms_(names(layout), limit_bytes) {}

void IntervalSeries::add(const IntervalSet& set) {
  progress_[set.worker] = set.next;
  if (!has_rows(set.first.phase)) return;
  if (set.end_ns > set.start_ns || !set.empty()) {
    OpenRow& open = row(set.first, set.last);
    open.start_ns = std::min(open.start_ns, set.start_ns);
    open.end_ns = std::max(open.end_ns, set.end_ns);
    open.gauges[set.worker] = set.gauges;
    open.counts.offered += set.offered;
    open.counts.not_sent += set.not_sent;
    open.unlabelled_not_sent += set.not_sent;
    open.lateness.merge(set.series[static_cast<std::size_t>(Series::lateness)]);
    for (std::size_t i = 0; i < labels_; ++i) {
      open.counts += set.labels[i].counts;
      add_latencies(set.labels[i], deadline_ns_, open.labels[i].service, open.labels[i].response);
    }
  }
  if (set.next.phase != set.last.phase) return;
  for (Position p{set.last.phase, set.last.index + 1}; p < set.next; ++p.index) {
    OpenRow& skipped = row(p, p);
    const std::int64_t start_ns =
        set.phase_start_ns + static_cast<std::int64_t>(p.index - set.phase_base) * interval_ns_;
    skipped.start_ns = std::min(skipped.start_ns, start_ns);
    skipped.end_ns = std::max(skipped.end_ns, start_ns + interval_ns_);
    skipped.gauges[set.worker] = set.gauges;
  }
}

IntervalSeries::OpenRow& IntervalSeries::row(Position first, Position last) {
  auto it = open_.upper_bound(first);
  if (it != open_.begin() && std::prev(it)->second.last >= first) --it;
  if (it == open_.end() || it->first > last) {
    OpenRow& fresh = open_[first];
    fresh.last = last;
    fresh.labels.resize(labels_);
    fresh.gauges.resize(workers_);
    return fresh;
  }
  if (it->first <= first && it->second.last >= last) return it->second;
  // A worker whose set spans several intervals joins their rows.
  auto node = open_.extract(it++);
  for (; it != open_.end() && it->first <= last; it = open_.erase(it)) {
    join(node.mapped(), it->second);
  }
  node.key() = std::min(node.key(), first);
  node.mapped().last = std::max(node.mapped().last, last);
  return open_.insert(std::move(node)).position->second;
}

void IntervalSeries::join(OpenRow& into, const OpenRow& from) {
  into.last = std::max(into.last, from.last);
  into.start_ns = std::min(into.start_ns, from.start_ns);
  into.end_ns = std::max(into.end_ns, from.end_ns);
  into.counts += from.counts;
  into.unlabelled_not_sent += from.unlabelled_not_sent;
  into.lateness.merge(from.lateness);
  for (std::size_t i = 0; i < into.labels.size(); ++i) {
    into.labels[i].service.merge(from.labels[i].service);
    into.labels[i].response.merge(from.labels[i].response);
  }
  for (std::size_t w = 0; w < into.gauges.size(); ++w) {
    if (from.gauges[w]) into.gauges[w] = from.gauges[w];
  }
}

bool IntervalSeries::close_passed() {
  const Position passed = *std::min_element(progress_.begin(), progress_.end());
  const std::size_t before = rows_.size();
  while (!open_.empty() && open_.begin()->second.last < passed) {
    close(open_.begin()->second, open_.begin()->first.phase);
    open_.erase(open_.begin());
  }
  return rows_.size() != before;
}

void IntervalSeries::close_all() {
  for (const auto& [first, open] : open_) close(open, first.phase);
  open_.clear();
}

bool IntervalSeries::all_done() const noexcept {
  return std::all_of(progress_.begin(), progress_.end(),
                     [](const Position& p) { return p == kRunOver; });
}

void IntervalSeries::close(const OpenRow& open, Phase phase) {
  IntervalRow row;
  // With a limit of operations, each worker's drain begins when its own share is done; the run's
  // begins when the last one's does.
  std::int64_t start_ns = open.start_ns;
  if (phase == Phase::drain) start_ns = std::min(std::max(start_ns, latest_end_ns_), open.end_ns);
  latest_end_ns_ = std::max(latest_end_ns_, open.end_ns);
  row.start_s = seconds(start_ns - zero_ns_);
  row.duration_s = seconds(open.end_ns - start_ns);
  row.phase = phase;
  const OperationCounts& c = open.counts;
  row.offered = c.offered, row.issued = c.issued, row.not_sent = c.not_sent;
  row.succeeded = c.succeeded, row.failed = c.failed;
  row.timed_out = c.timed_out, row.lost = c.lost;
  const auto completed = static_cast<double>(c.succeeded + c.error_replies);
  row.throughput = row.duration_s > 0 ? completed / row.duration_s : kNan;
  for (const auto& gauges : open.gauges) {
    if (!gauges) continue;
    row.in_flight += gauges->in_flight;
    row.connections += gauges->connections;
    row.target_rate += gauges->target_rate;
  }
  Latencies all;
  for (const Latencies& label : open.labels) {
    all.service.merge(label.service);
    all.response.merge(label.response);
  }
  all.response.record_censored(open.unlabelled_not_sent);
  row.service = columns(all.service);
  row.response = columns(all.response);
  row.lateness_p99_s = seconds_or_nan(open.lateness.percentile_ns(99));
  histograms_.add(histograms_of(open, phase));
  rows_.push_back(row);
}

RowHistograms IntervalSeries::histograms_of(const OpenRow& open, Phase phase) const {
  RowHistograms row;
  row.first_row = row.last_row = rows_.size();
  row.phase = phase;
  row.not_sent = open.unlabelled_not_sent;
  row.lateness = HistogramCodec::encode(open.lateness);
  for (std::size_t i = 0; i < labels_; ++i) {
    const Latencies& label = open.labels[i];
    if (label.service.total() == 0 && label.response.total() == 0) continue;
    row.labels.push_back({static_cast<std::uint32_t>(i), HistogramCodec::encode(label.service),
                          HistogramCodec::encode(label.response)});
  }
  return row;
}

}  // namespace redisload
