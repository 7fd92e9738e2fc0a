// Everything one worker records in one interval: counters and histograms by dense numbers, in
// memory allocated once. Written by the worker; once handed over, read and reset by the collector,
// who gives it back (DESIGN, "Recorder").
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "redisload/base/operation.hpp"
#include "redisload/base/workload_events.hpp"
#include "redisload/metrics/counts.hpp"
#include "redisload/metrics/error_kinds.hpp"
#include "redisload/metrics/histogram_recorder.hpp"

namespace redisload {

struct LabelInfo {
  std::string name;     // as results name the operation
  std::string command;  // as the server's commandstats counts it; empty: its tallies say
};

// Histograms that belong to no label.
enum class Series : std::uint8_t { lateness, connect_time, pool_wait };
inline constexpr std::size_t kSeries = 3;

// What is recorded in a run; fixed at its start, shared by all workers.
struct RecorderLayout {
  std::vector<LabelInfo> labels;
  std::size_t operation_labels = 0;  // labels [0, operation_labels) are the workload's
  std::optional<std::int64_t> objective_ns;
  std::vector<std::string> nodes = {"target"};
  std::vector<std::string> extra_series;  // numbered from kSeries on: batch, delivery, …
  std::vector<Tally> tallies;
};

// State that a worker keeps up to date as plain numbers; read at each interval's end.
struct Gauges {
  std::uint64_t in_flight = 0;
  std::uint64_t connections = 0;
  double target_rate = std::numeric_limits<double>::quiet_NaN();  // NaN: closed loop
};

// A place in the run: intervals are numbered within their phase, phases follow one another.
struct Position {
  Phase phase = Phase::connect;
  std::uint64_t index = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

// Where a worker stands that is done.
inline constexpr Position kRunOver{Phase::done, UINT64_MAX};

struct LabelSet {
  OperationCounts counts;
  HistogramRecorder service, response, error_time;
  std::uint64_t censored_service = 0, censored_response = 0;
  std::array<std::uint64_t, ErrorKinds::kNumbers> errors{};
};

class IntervalSet {
 public:
  IntervalSet(const RecorderLayout& layout, std::uint32_t worker);

  bool empty() const noexcept;
  // Zeroes what was touched; where and when it stands is left to the recorder.
  void reset() noexcept;

  const std::uint32_t worker;
  std::vector<LabelSet> labels;
  std::vector<HistogramRecorder> series;
  std::vector<std::uint64_t> tallies;
  std::uint64_t offered = 0;
  std::uint64_t not_sent = 0;                                // arrivals that never got a label
  std::array<std::uint64_t, ErrorKinds::kNumbers> errors{};  // of those
  std::array<std::uint64_t, ErrorKinds::kNumbers> connection_faults{};
  std::uint64_t samples_dropped = 0;
  Gauges gauges;

  // Intervals [first, last] of the phase; more than one only when the collector was late.
  Position first, last;
  // Where the worker goes on: the collector closes an interval that every worker has passed. The
  // intervals between `last` and `next` of the same phase were empty.
  Position next;
  std::int64_t start_ns = 0, end_ns = 0;
  std::int64_t phase_start_ns = 0;  // interval `phase_base` begins here
  std::uint64_t phase_base = 0;

 private:
  struct Free {
    void operator()(std::uint32_t* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<std::uint32_t[], Free> counts_;
};

}  // namespace redisload
