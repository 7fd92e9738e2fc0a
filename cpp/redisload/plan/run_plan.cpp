#include "redisload/plan/run_plan.hpp"

#include <algorithm>
#include <random>

namespace redisload {
namespace {

// Enough in flight to keep a server busy, little enough not to hold much memory.
std::size_t prefill_window(const RunConfig& config, std::uint32_t connections) {
  constexpr std::uint64_t kInFlight = 4096;
  constexpr std::uint64_t kBytesPerConnection = 1 << 20;
  const std::uint64_t by_count = std::clamp<std::uint64_t>(kInFlight / connections, 4, 64);
  const std::uint64_t by_size =
      std::max<std::uint64_t>(1, kBytesPerConnection / (config.values.size_bytes + 1));
  return static_cast<std::size_t>(std::min(by_count, by_size));
}

// CLIENT SETNAME takes no spaces, newlines or control characters.
std::string printable_name(std::string name) {
  for (char& c : name) {
    if (c < '!' || c > '~') c = '-';
  }
  return name;
}

}  // namespace

RunPlan make_plan(const RunConfig& config) {
  RunPlan plan;
  plan.config = config;
  if (!config.duration && !config.operations) plan.config.duration = kDefaultDuration;
  if (!config.seed) {
    std::random_device device;
    // 53 bits: survives every JSON reader.
    plan.config.seed = ((static_cast<std::uint64_t>(device()) << 32) | device()) >> 11;
  }
  plan.seed = *plan.config.seed;
  const TopologyConfig& topology = config.topology;
  plan.connections = static_cast<std::uint32_t>(topology.client_pools * topology.clients_per_pool *
                                                topology.max_connections);
  const std::uint64_t threads = topology.client_pools * topology.threads_per_pool;
  const auto workers =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(threads, plan.connections));
  plan.threads_reduced = workers < threads;
  plan.prefill_window = prefill_window(config, plan.connections);
  plan.connection_name = printable_name(config.name.value_or(config.app_name));
  std::uint32_t first = 0;
  for (std::uint32_t w = 0; w < workers; ++w) {
    WorkerShare share;
    share.worker = w;
    share.first_connection = first;
    share.connections = static_cast<std::uint32_t>(share_of(plan.connections, w, workers));
    if (config.rate && config.operations) share.arrivals = share_of(*config.operations, w, workers);
    if (!config.cpus.empty()) share.cpu = config.cpus[w % config.cpus.size()];
    first += share.connections;
    plan.workers.push_back(share);
  }
  return plan;
}

std::string load_connection_name(const RunPlan& plan, std::uint32_t worker,
                                 std::uint32_t connection) {
  return plan.connection_name + ":w" + std::to_string(worker) + ":c" + std::to_string(connection);
}

std::string control_connection_name(const RunPlan& plan) {
  return plan.connection_name + ":control";
}

}  // namespace redisload
