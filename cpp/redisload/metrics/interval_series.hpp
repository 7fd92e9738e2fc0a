// The rows of the time series: workers' interval sets become one row each interval, closed when
// every worker has passed it. Owned by the collector; the caller locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "redisload/metrics/counts.hpp"
#include "redisload/metrics/histogram.hpp"
#include "redisload/metrics/interval_histograms.hpp"
#include "redisload/metrics/interval_set.hpp"

namespace redisload {

// Seconds; NaN: absent (too few values, censored, or nothing recorded).
struct LatencyColumns {
  double p50_s, p90_s, p95_s, p99_s, p999_s, max_s, mean_s;
};

// A row of `intervals` (INTERFACE.md). start_s counts from the run's zero.
struct IntervalRow {
  double start_s = 0, duration_s = 0;
  Phase phase = Phase::measure;
  std::uint64_t offered = 0, issued = 0, not_sent = 0, succeeded = 0;
  std::uint64_t failed = 0, timed_out = 0, lost = 0;
  double target_rate = 0;  // operations/s of the whole run; NaN: closed loop
  double throughput = 0;   // succeeded + error replies, per second; NaN: a row without duration
  std::uint64_t in_flight = 0, connections = 0;  // at the row's end
  double lateness_p99_s = 0;
  LatencyColumns service{}, response{};
};

// Adds what one label's set recorded, censored events included; deadline_ns: what a timed-out
// operation lasted at least.
void add_latencies(const LabelSet& label, std::int64_t deadline_ns, Histogram& service,
                   Histogram& response);

class IntervalSeries {
 public:
  IntervalSeries(const RecorderLayout& layout, std::size_t workers, std::int64_t zero_ns,
                 std::int64_t interval_ns, std::int64_t deadline_ns, std::size_t limit_bytes);

  void add(const IntervalSet& set);
  // Closes the rows that every worker has passed; true if there was one.
  bool close_passed();
  // Closes what is left, whoever is missing.
  void close_all();
  // Every worker has finished.
  bool all_done() const noexcept;

  const std::vector<IntervalRow>& rows() const noexcept { return rows_; }
  const IntervalHistograms& histograms() const noexcept { return histograms_; }

 private:
  struct Latencies {
    Histogram service, response;
  };
  struct OpenRow {
    Position last;
    std::int64_t start_ns = INT64_MAX, end_ns = INT64_MIN;
    OperationCounts counts;
    std::uint64_t unlabelled_not_sent = 0;
    std::vector<Latencies> labels;
    Histogram lateness;
    std::vector<std::optional<Gauges>> gauges;  // the newest of each worker
  };
  OpenRow& row(Position first, Position last);
  static void join(OpenRow& into, const OpenRow& from);
  void close(const OpenRow& open, Phase phase);
  RowHistograms histograms_of(const OpenRow& open, Phase phase) const;

  std::size_t workers_, labels_;
  std::int64_t zero_ns_, interval_ns_, deadline_ns_;
  std::vector<Position> progress_;
  std::map<Position, OpenRow> open_;  // by first interval; ranges never overlap
  std::vector<IntervalRow> rows_;
  IntervalHistograms histograms_;
  std::int64_t latest_end_ns_ = INT64_MIN;  // of the rows closed so far
};

}  // namespace redisload
