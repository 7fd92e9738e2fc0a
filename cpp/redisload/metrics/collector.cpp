#include "redisload/metrics/collector.hpp"

#include <cmath>
#include <utility>

namespace redisload {

namespace {
bool is_sampling(const CollectorOptions& options) {
  return options.sample_rate > 0.0 && options.sample_limit > 0;
}
}  // namespace

Collector::Collector(CollectorOptions options)
    : options_(std::move(options)),
      sample_queue_(options_.workers, is_sampling(options_)),
      samples_(is_sampling(options_) ? options_.sample_limit : 0, options_.zero_ns),
      totals_(options_.layout, options_.response_timeout_ns),
      series_(options_.layout, options_.workers, options_.zero_ns, options_.interval_ns,
              options_.response_timeout_ns, options_.interval_histogram_bytes) {
  for (std::size_t w = 0; w < options_.workers; ++w) {
    recorders_.push_back(std::make_unique<Recorder>(
        options_.layout, static_cast<std::uint32_t>(w), options_.zero_ns, options_.interval_ns,
        handed_, sample_queue_, is_sampling(options_) ? options_.sample_rate : 0.0,
        Random::stream(options_.seed, StreamPurpose::samples, w)));
  }
}

bool Collector::take_sets() {
  bool any = false;
  IntervalSet* set = nullptr;
  while (handed_.try_dequeue(set)) {
    Recorder& recorder = *recorders_[set->worker];
    {
      const std::lock_guard lock(mutex_);
      totals_.add(*set, recorder.error_kinds());
      series_.add(*set);
    }
    set->reset();
    recorder.give_back(set);
    any = true;
  }
  return any;
}

bool Collector::take_samples() {
  bool any = false;
  while (SampleBlock* block = sample_queue_.pop()) {
    samples_.append(*block);
    sample_queue_.give_back(block);
    any = true;
  }
  if (any) sample_queue_.halvings.store(samples_.halvings(), std::memory_order_relaxed);
  return any;
}

bool Collector::poll() {
  // Sets first: a worker hands its last block of samples over before its last set, so that when all
  // sets are here, all samples are.
  const bool sets = take_sets();
  const bool any = take_samples() || sets;
  if (!sets) return any;
  const std::lock_guard lock(mutex_);
  const bool closed = series_.close_passed();
  finished_ = finished_ || series_.all_done();
  if (closed || finished_) changed_.notify_all();
  return any;
}

void Collector::close() {
  poll();
  const std::lock_guard lock(mutex_);
  series_.close_all();
  finished_ = true;
  changed_.notify_all();
}

bool Collector::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

MetricsSnapshot Collector::snapshot(std::int64_t window_ns) const {
  MetricsSnapshot snapshot;
  for (std::size_t i = 0; i < options_.layout.operation_labels; ++i) {
    snapshot.operation_names.push_back(options_.layout.labels[i].name);
  }
  snapshot.node_names = options_.layout.nodes;
  const std::lock_guard lock(mutex_);
  totals_.fill(snapshot, window_ns);
  snapshot.final = finished_;
  snapshot.intervals = series_.rows();
  snapshot.interval_histograms = series_.histograms();
  if (finished_) {
    snapshot.samples = samples_.columns();
    snapshot.samples_dropped += samples_.dropped();
  } else {
    snapshot.samples = std::make_shared<const SampleColumns>();
  }
  if (is_sampling(options_)) {
    const auto halvings = sample_queue_.halvings.load(std::memory_order_relaxed);
    snapshot.effective_sample_rate = std::ldexp(options_.sample_rate, -static_cast<int>(halvings));
  }
  return snapshot;
}

IntervalRows Collector::wait_rows(std::size_t since, std::chrono::nanoseconds timeout) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return finished_ || series_.rows().size() > since; });
  IntervalRows found;
  found.finished = finished_;
  const auto& rows = series_.rows();
  if (since < rows.size()) {
    found.rows.assign(rows.begin() + static_cast<std::ptrdiff_t>(since), rows.end());
  }
  return found;
}

}  // namespace redisload
