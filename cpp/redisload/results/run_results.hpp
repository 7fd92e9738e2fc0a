// What a run found: final and immutable, or so far (`final` false). Plain values; times are
// nanoseconds since the run's zero unless the name says otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "redisload/base/operation.hpp"
#include "redisload/metrics/collector.hpp"
#include "redisload/workload/workload.hpp"

namespace redisload {

struct Warning {
  std::string code;
  std::string message;
};

struct PhaseSpan {
  Phase phase;
  std::int64_t start_ns;
  std::int64_t end_ns;
};

// A step of a scenario, as far as it was carried out.
struct StepSpan {
  std::string name;
  std::int64_t start_ns;
  std::int64_t end_ns;
  std::optional<double> rate, to_rate;
};

struct RecordedEvent {
  std::int64_t at_ns;
  std::string kind;
  std::int64_t connection;
  std::string message;
};

enum class StopReason : std::uint8_t {
  none,
  duration,
  operations,
  max_errors,
  stopped,
  interrupted,
  stalled,
  target_lost
};
std::string_view to_string(StopReason reason) noexcept;

// What the verdict and the warnings are judged on.
struct Observations {
  bool closed_loop = true;
  std::int64_t window_ns = 0;                  // the measured window, without pauses
  std::vector<double> worker_busy;             // share of the window, one a worker
  std::optional<double> server_cpu;            // of one core, from INFO
  std::int64_t silent_at_end_ns = 0;           // since the last answer, when the window closed
  std::vector<std::uint64_t> backlog;          // waiting arrivals at the quarters of the window
  std::optional<std::uint64_t> keys_expected;  // after prefill
  std::optional<std::uint64_t> keys_found;
  std::uint64_t prefilled = 0;                      // operations of prefill that succeeded
  std::optional<std::uint64_t> prefill_operations;  // how many should; none: one a key
  bool prefill_ran = false;
  bool threads_reduced = false;
  bool cleanup_asked = false;
  bool control_lost = false;
  bool same_host = false;
  double expected_miss_share = 0;
  std::uint64_t keyspace = 0;      // keys that reads choose from
  std::uint64_t evicted_keys = 0;  // by the server, during the run
  std::uint64_t expired_keys = 0;
  // Of this machine's processor time during the window.
  std::optional<double> steal_share;
  std::optional<double> idle_share;
};

struct RunResults {
  bool final = false;
  MetricsSnapshot metrics;
  Observations observed;
  std::vector<Histogram> base_rtt;  // one, or none when the server did not answer PING
  bool valid = true;
  std::string verdict = "unknown";
  std::vector<Warning> warnings;
  StopReason stop_reason = StopReason::none;
  std::uint64_t seed = 0;
  double started_at = 0;  // unix seconds
  Phase current_phase = Phase::connect;
  std::optional<double> progress;  // of the current phase
  std::vector<PhaseSpan> phases;
  std::vector<StepSpan> steps;
  std::vector<RecordedEvent> events;
  std::map<std::string, std::uint64_t> control_commands;
  WorkloadReport report;
  std::map<std::string, std::string> server;
  std::uint32_t workers = 0;
  std::uint32_t connections = 0;
};

// Fills valid, verdict and warnings from the rest (MEASURING R2, R4, R9, R14).
void judge(RunResults& results);

}  // namespace redisload
