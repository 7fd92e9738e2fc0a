// What the metrics of a run say, merged so far or finally. A value: nothing in it changes or
// belongs to anybody else, except samples and interval histograms, which are shared and immutable.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "redisload/base/operation.hpp"
#include "redisload/metrics/counts.hpp"
#include "redisload/metrics/histogram.hpp"
#include "redisload/metrics/interval_histograms.hpp"
#include "redisload/metrics/interval_series.hpp"
#include "redisload/metrics/sample_store.hpp"

namespace redisload {

// By "class.detail": at most 64 kinds in a run, then "other".
using ErrorCounts = std::map<std::string, std::uint64_t>;

// Operations of the measured window: measure and drain.
struct OperationMetrics {
  std::string name;        // the label; empty for all together
  OperationCounts counts;  // of a label, offered is what was drawn for it: issued + not_sent
  ErrorCounts errors;
  Histogram service_time, response_time;  // successes; what never completed is censored
  Histogram error_time;                   // service time of error replies
  // Completions in the window (not in the drain) per second of it; 0 when it has no length.
  double throughput = 0, goodput = 0;
};

// What a phase counted, all labels together.
struct PhaseCounts {
  OperationCounts counts;
  ErrorCounts errors;
};

struct MetricsSnapshot {
  bool final = false;
  double elapsed_s = 0;                      // the window's length, as the run gave it
  OperationMetrics totals;                   // all operations together
  std::vector<OperationMetrics> operations;  // by label, in the workload's order
  Histogram lateness, pool_wait;             // of the window
  Histogram connect_time;                    // of the whole run
  std::vector<std::pair<std::string, Histogram>> extra_series;  // of the window
  ErrorCounts connection_faults;                                // of the whole run
  std::array<PhaseCounts, kPhases> phases;
  std::map<std::string, std::uint64_t> counters;  // the workload's own, of the window
  // Attempts by command; measure includes the drain. Keys: prefill, warmup, measure, cleanup; of
  // all phases: queued_only (in a MULTI that EXEC did not run), in_script (called by a script).
  std::map<std::string, std::map<std::string, std::uint64_t>> commands;
  std::vector<IntervalRow> intervals;
  IntervalHistograms interval_histograms;
  // Empty until final.
  std::shared_ptr<const SampleColumns> samples;
  std::vector<std::string> operation_names, node_names;  // of the samples' codes
  std::uint64_t samples_dropped = 0;
  double effective_sample_rate = 0;  // the rate asked for, after the limit halved it
};

}  // namespace redisload
