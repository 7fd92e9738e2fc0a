// What each worker is to do: immutable, made once from a valid configuration. Shares add up to the
// whole exactly, and depend on the configuration and the seed alone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "redisload/config/run_config.hpp"

namespace redisload {

struct WorkerShare {
  std::uint32_t worker = 0;
  std::uint32_t first_connection = 0;  // logical connections [first, first + count)
  std::uint32_t connections = 0;
  std::uint32_t senders = 0;              // of them, those that send operations
  std::uint32_t first_sender = 0;         // how many senders the workers before it have
  std::uint32_t sending_rank = 0;         // its place among the workers that have senders
  std::optional<std::uint64_t> arrivals;  // open loop with a limit: how many are this worker's
  std::optional<int> cpu;                 // pinned to it
  std::uint32_t pool = 0;                 // per_operation: whose clients it uses
  std::uint32_t place_in_pool = 0;        // per_operation: its place among the pool's threads
};

// From `offset_ns` of the measured window on.
struct RateStep {
  std::int64_t offset_ns = 0;
  double rate = 0;
};
struct ThinkStep {
  std::int64_t offset_ns = 0;
  std::int64_t think_ns = 0;
};

struct RunPlan {
  RunConfig config;  // effective: duration and seed are set
  std::uint64_t seed = 0;
  std::uint32_t connections = 0;
  std::uint32_t senders = 0;  // connections, or threads (per_operation), that send operations
  std::uint32_t sending_workers = 0;  // workers that have one
  std::vector<WorkerShare> workers;
  std::vector<RateStep> rates;     // of a scenario, ramps in small steps; empty: none
  std::vector<ThinkStep> thinks;   // likewise
  bool threads_reduced = false;    // fewer workers than threads asked for
  std::size_t prefill_window = 1;  // operations in flight a connection while prefilling
  std::string connection_name;     // "<name>:w0:c17" and "<name>:control" are made from it
  bool per_operation() const noexcept {
    return config.topology.checkout == Checkout::per_operation;
  }
  bool open_loop() const noexcept { return config.rate.has_value() || !rates.empty(); }
  // The rate asked for at this offset of the measured window; 0 in a closed loop.
  double rate_at(std::int64_t offset_ns) const noexcept;
  double first_rate() const noexcept {
    return rates.empty() ? config.rate.value_or(0) : rates.front().rate;
  }
};

// Whether operations go out on a connection of so many; a subscriber's only receives.
using Sends = std::function<bool(std::uint64_t connection, std::uint64_t connections)>;

RunPlan make_plan(const RunConfig& config, const Sends& sends = nullptr);
// The configuration as it is carried out: duration and seed are set.
RunConfig effective(const RunConfig& config);

// Of `total` operations, those of logical connection i of n (closed loop): the same for every run,
// so that the same seed sends the very same commands.
constexpr std::uint64_t share_of(std::uint64_t total, std::uint64_t i, std::uint64_t n) noexcept {
  return total / n + (i < total % n ? 1 : 0);
}

std::string load_connection_name(const RunPlan& plan, std::uint32_t worker,
                                 std::uint32_t connection);
std::string control_connection_name(const RunPlan& plan);

}  // namespace redisload
