// What each worker is to do: immutable, made once from a valid configuration. Shares add up to the
// whole exactly, and depend on the configuration and the seed alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "redisload/config/run_config.hpp"

namespace redisload {

struct WorkerShare {
  std::uint32_t worker = 0;
  std::uint32_t first_connection = 0;  // logical connections [first, first + count)
  std::uint32_t connections = 0;
  std::optional<std::uint64_t> arrivals;  // open loop with a limit: how many are this worker's
  std::optional<int> cpu;                 // pinned to it
};

struct RunPlan {
  RunConfig config;  // effective: duration and seed are set
  std::uint64_t seed = 0;
  std::uint32_t connections = 0;
  std::vector<WorkerShare> workers;
  bool threads_reduced = false;    // fewer workers than threads asked for
  std::size_t prefill_window = 1;  // operations in flight a connection while prefilling
  std::string connection_name;     // "<name>:w0:c17" and "<name>:control" are made from it
  bool open_loop() const noexcept { return config.rate.has_value(); }
};

RunPlan make_plan(const RunConfig& config);

// Of `total` operations, those of logical connection i of n (closed loop): the same for every run,
// so that the same seed sends the very same commands.
constexpr std::uint64_t share_of(std::uint64_t total, std::uint64_t i, std::uint64_t n) noexcept {
  return total / n + (i < total % n ? 1 : 0);
}

std::string load_connection_name(const RunPlan& plan, std::uint32_t worker,
                                 std::uint32_t connection);
std::string control_connection_name(const RunPlan& plan);

}  // namespace redisload
