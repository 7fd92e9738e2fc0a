// Whether a result holds, what limited it, and what a reader has to know of it.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "redisload/results/run_results.hpp"

namespace redisload {
namespace {

constexpr double kBusy = 0.9;  // a thread that works this share of the time is the limit
constexpr double kAtEase = 0.75;
constexpr std::int64_t kSilence = 250'000'000;

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string milliseconds(std::int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f ms", static_cast<double>(ns) / 1e6);
  return text;
}

double busiest(const Observations& observed) {
  double most = 0;
  for (const double share : observed.worker_busy) most = std::max(most, share);
  return most;
}

class Judge {
 public:
  explicit Judge(RunResults& results)
      : r_(results), o_(results.observed), totals_(results.metrics.totals.counts) {}

  void run() {
    r_.verdict = verdict();
    check_issued();
    check_stalled();
    check_lateness();
    check_errors();
    check_messages();
    check_keys();
    check_setup();
  }

 private:
  void warn(const std::string& code, const std::string& message) {
    r_.warnings.push_back({code, message});
  }
  void invalid(const std::string& code, const std::string& message) {
    r_.valid = false;
    warn(code, message);
  }

  // Open loop: was the rate reached? Closed loop: who was waited for?
  std::string verdict() const {
    if (totals_.succeeded + totals_.error_replies == 0) return "unknown";
    const double client = busiest(o_);
    const bool reached =
        !o_.closed_loop && static_cast<double>(issued()) >= 0.99 * static_cast<double>(offered());
    if (o_.server_cpu && *o_.server_cpu >= kBusy && !reached) return "server-bound";
    if (client >= kBusy && !reached) return "client-bound";
    if (reached) return "unsaturated";
    // Both sides and whatever else runs here share the processors, and these are the limit.
    if (machine_is_full()) return "unknown";
    if (o_.server_cpu) {
      if (*o_.server_cpu >= kBusy) return "server-bound";
      return *o_.server_cpu < kAtEase && client < kAtEase ? "unsaturated"
             : *o_.server_cpu >= client                   ? "server-bound"
                                                          : "client-bound";
    }
    // A server that does not tell its load, and a client that mostly waits for it.
    return client < 0.5 ? "server-bound" : "unknown";
  }

  // A low rate leaves pauses of its own.
  std::int64_t longest_silence_ns() const {
    if (o_.closed_loop || offered() == 0) return kSilence;
    return std::max(kSilence, 10 * o_.window_ns / static_cast<std::int64_t>(offered()));
  }

  std::uint64_t offered() const { return totals_.offered; }
  std::uint64_t issued() const { return totals_.issued; }

  bool machine_is_full() const { return o_.same_host && o_.idle_share && *o_.idle_share < 0.1; }

  void check_issued() {
    const std::uint64_t unanswered =
        totals_.timed_out - std::min(totals_.timed_out, totals_.late_replies);
    const std::uint64_t unfinished = totals_.not_sent + totals_.lost + unanswered;
    const bool silent = o_.silent_at_end_ns >= longest_silence_ns() && unfinished != 0;
    if (silent) {
      invalid("target_unresponsive",
              "the target answered nothing in the last " + milliseconds(o_.silent_at_end_ns) +
                  " of the window: what it left unanswered is censored, not measured");
      return;
    }
    if (o_.closed_loop || offered() == 0) return;
    const double share = static_cast<double>(issued()) / static_cast<double>(offered());
    if (share < 0.99) {
      invalid("rate_not_reached",
              "only " + percent(share) +
                  " of the offered operations could be sent; the rest waited for a free " +
                  "connection (" +
                  (busiest(o_) >= kBusy ? "the client's threads were busy: more threads"
                                        : "a lower rate, more connections or a deeper pipeline") +
                  ")");
      return;
    }
    const auto& backlog = o_.backlog;
    const bool grows = backlog.size() == 3 && backlog[0] < backlog[1] && backlog[1] < backlog[2] &&
                       backlog[2] < totals_.not_sent;
    if (grows && static_cast<double>(totals_.not_sent) > 0.002 * static_cast<double>(offered())) {
      invalid("backlog_grows",
              "the operations that waited for a connection became more until the end: the rate is "
              "just above what the target holds");
    }
  }

  // Before the window nothing is measured that could show it.
  void check_stalled() {
    if (r_.stop_reason != StopReason::stalled || !r_.valid) return;
    const std::string phase(r_.phases.empty() ? "set-up" : to_string(r_.phases.back().phase));
    invalid("stalled",
            "the target stopped answering during " + phase +
                ": the run ended after timeouts.response_s + timeouts.grace_s of silence");
  }

  void check_lateness() {
    if (o_.closed_loop) return;
    const Histogram& lateness = r_.metrics.lateness;
    const auto p50 = lateness.percentile_ns(50);
    if (p50 && *p50 > 1'000'000) {
      invalid("client_late", "half of the operations were released more than 1 ms late (median " +
                                 milliseconds(*p50) +
                                 "): this client was too busy to keep the schedule");
      return;
    }
    const auto p99 = lateness.percentile_ns(99);
    const auto response = r_.metrics.totals.response_time.percentile_ns(99);
    if (p99 && response && *p99 * 10 > *response) {
      std::string message = "lateness p99 is " + milliseconds(*p99) +
                            ", more than a tenth of the response p99 of " +
                            milliseconds(*response) + ": part of the tail is this client's own";
      if (o_.steal_share)
        message +=
            " (the host took " + percent(*o_.steal_share) + " of this machine's processor time)";
      warn("lateness", message);
    }
  }

  // The share that the workload explains, a point more, and by how much it varies by chance: which
  // of a small keyspace's keys are gone, and which of them are asked for (four deviations each).
  double most_misses(double reads) const {
    const double expected = o_.expected_miss_share;
    const double deviation = std::sqrt(expected * (1 - expected));
    const double keys = std::max<double>(1, static_cast<double>(o_.keyspace));
    return expected + 0.01 + 4 * deviation * (1 / std::sqrt(keys) + 1 / std::sqrt(reads));
  }

  void check_errors() {
    if (issued() != 0 && totals_.succeeded == 0)
      invalid("nothing_succeeded", "no operation succeeded");
    const auto reads = static_cast<double>(totals_.hits + totals_.misses);
    if (reads > 0 && static_cast<double>(totals_.misses) / reads > most_misses(reads)) {
      warn("unexpected_misses",
           percent(static_cast<double>(totals_.misses) / reads) +
               " of the keys read were not there; the workload itself explains " +
               percent(o_.expected_miss_share) +
               " (prefill, evictions, expiry or another writer?)");
    }
    if (o_.evicted_keys != 0)
      warn("evictions", "the server evicted " + std::to_string(o_.evicted_keys) +
                            " keys during the run (maxmemory)");
  }

  // What a workload of messages finds missing.
  void check_messages() {
    const auto found = r_.metrics.counters.find("lost");
    if (found == r_.metrics.counters.end() || found->second == 0) return;
    warn("messages_lost",
         std::to_string(found->second) +
             " messages did not reach a subscriber to which the server had sent them (a slow one "
             "that it disconnected, client-output-buffer-limit, or a broken connection)");
  }

  void check_keys() {
    if (!o_.prefill_ran || !o_.keys_expected) return;
    const std::uint64_t wanted = o_.prefill_operations.value_or(*o_.keys_expected);
    if (o_.prefilled != wanted) {
      warn("prefill_incomplete", std::to_string(o_.prefilled) + " of " + std::to_string(wanted) +
                                     " commands of the prefill were confirmed");
    } else if (o_.keys_found && *o_.keys_found < *o_.keys_expected) {
      warn("prefill_incomplete", "after prefill the database held " +
                                     std::to_string(*o_.keys_found) + " of " +
                                     std::to_string(*o_.keys_expected) + " keys");
    }
  }

  void check_setup() {
    if (o_.threads_reduced)
      warn("threads_reduced",
           "fewer threads than asked for: a thread without a connection has nothing to do");
    if (r_.verdict == "unknown" && machine_is_full()) {
      warn("machine_busy",
           "this machine's processors were idle for only " + percent(*o_.idle_share) +
               " of the time: load, server and whatever else runs here limit each other");
    }
    if (o_.cleanup_asked && r_.stop_reason == StopReason::interrupted) {
      warn("cleanup_skipped", "the run was interrupted, so its keys were left on the server");
    }
    if (o_.control_lost)
      warn("control_unavailable",
           "the target did not answer INFO after the window: its processor time is unknown");
    if (r_.metrics.samples_dropped != 0) {
      warn("samples_dropped",
           std::to_string(r_.metrics.samples_dropped) +
               " samples were dropped because the collector was late (no count was)");
    }
  }

  RunResults& r_;
  const Observations& o_;
  const OperationCounts& totals_;
};

}  // namespace

void judge(RunResults& results) { Judge(results).run(); }

std::string_view to_string(StopReason reason) noexcept {
  constexpr std::string_view names[] = {"none",    "duration",    "operations", "max_errors",
                                        "stopped", "interrupted", "stalled",    "target_lost"};
  return names[static_cast<int>(reason)];
}

}  // namespace redisload
