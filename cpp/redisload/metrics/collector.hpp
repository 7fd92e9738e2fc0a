// The only reader of the metrics: takes what the workers' recorders hand over, merges it and
// answers what was measured so far. Owned by the run, and owner of the recorders, so it outlives
// the workers. poll() and close() are called by one thread, everything else by any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "redisload/base/queue.hpp"
#include "redisload/metrics/interval_series.hpp"
#include "redisload/metrics/recorder.hpp"
#include "redisload/metrics/sample_store.hpp"
#include "redisload/metrics/snapshot.hpp"
#include "redisload/metrics/window_totals.hpp"

namespace redisload {

struct CollectorOptions {
  RecorderLayout layout;
  std::size_t workers = 1;
  std::int64_t zero_ns = 0;      // the run's start, before connecting
  std::int64_t interval_ns = 0;  // > 0
  double sample_rate = 0.0;      // 0: no samples, 1: every operation
  std::uint64_t sample_limit = 0;
  std::uint64_t seed = 0;
  std::int64_t response_timeout_ns = 0;  // what a timed-out operation lasted at least
  std::size_t interval_histogram_bytes = IntervalHistograms::kLimitBytes;
};

struct IntervalRows {
  std::vector<IntervalRow> rows;
  bool finished = false;  // no further row will come
};

class Collector {
 public:
  explicit Collector(CollectorOptions options);

  // The writing end of one worker, 0 … workers − 1.
  Recorder& recorder(std::size_t worker) { return *recorders_[worker]; }

  // Takes over whatever was handed over; true if there was anything. Call it a few times each
  // interval, and often enough for samples: each worker has room for 65,536.
  bool poll();
  // After the workers have ended, also those that never called finish(): the last poll.
  void close();

  // Every worker has finished, or close() was called: the snapshot is final.
  bool finished() const;
  // Copies; holds the collector up for milliseconds, the workers never. window_ns: the length of
  // the measured window so far, pauses left out, for the rates.
  MetricsSnapshot snapshot(std::int64_t window_ns) const;
  // Closed rows from number `since` on; waits for one until the timeout.
  IntervalRows wait_rows(std::size_t since, std::chrono::nanoseconds timeout) const;

 private:
  bool take_sets();
  bool take_samples();

  const CollectorOptions options_;
  Queue<IntervalSet*> handed_;
  SampleQueue sample_queue_;
  SampleStore samples_;  // of the polling thread, until finished_
  std::vector<std::unique_ptr<Recorder>> recorders_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  WindowTotals totals_;
  IntervalSeries series_;
  bool finished_ = false;
};

}  // namespace redisload
