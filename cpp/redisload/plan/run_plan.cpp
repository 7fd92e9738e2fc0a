#include "redisload/plan/run_plan.hpp"

#include <algorithm>
#include <random>

namespace redisload {
namespace {

// Prefill writes a key with all its elements at once.
std::uint64_t bytes_of_a_key(const RunConfig& config) {
  double elements = 1;
  for (const auto& [name, value] : config.workload.options) {
    if (name == "elements") elements = std::max(1.0, value);
  }
  return static_cast<std::uint64_t>(elements * static_cast<double>(config.values.size_bytes));
}

// Enough in flight to keep a server busy, little enough not to hold much memory.
std::size_t prefill_window(const RunConfig& config, std::uint32_t connections) {
  constexpr std::uint64_t kInFlight = 4096;
  constexpr std::uint64_t kBytesPerConnection = 1 << 20;
  const std::uint64_t by_count = std::clamp<std::uint64_t>(kInFlight / connections, 4, 64);
  const std::uint64_t by_size =
      std::max<std::uint64_t>(1, kBytesPerConnection / (bytes_of_a_key(config) + 1));
  return static_cast<std::size_t>(std::min(by_count, by_size));
}

// CLIENT SETNAME takes no spaces, newlines or control characters.
std::string printable_name(std::string name) {
  for (char& c : name) {
    if (c < '!' || c > '~') c = '-';
  }
  return name;
}

// A ramp as steps of its rate in the middle: at each step's end just as many have arrived as in a
// ramp that rises without steps.
void add_rates(const ScenarioStep& step, std::int64_t offset_ns, std::vector<RateStep>& rates) {
  constexpr std::int64_t kShortest = 20'000'000;
  constexpr std::int64_t kMost = 2'000;
  const double from = step.rate.value_or(0);
  const double to = step.to_rate.value_or(from);
  const std::int64_t length_ns = step.duration.count();
  const std::int64_t parts =
      from == to ? 1 : std::clamp<std::int64_t>(length_ns / kShortest, 1, kMost);
  for (std::int64_t i = 0; i < parts; ++i) {
    const double middle = (static_cast<double>(i) + 0.5) / static_cast<double>(parts);
    rates.push_back({offset_ns + length_ns / parts * i, from + (to - from) * middle});
  }
}

// Checkout pinned: the connections are dealt to the workers, and each worker has one.
void add_pinned(RunPlan& plan, std::uint64_t threads, const Sends& sends) {
  const auto workers =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(threads, plan.connections));
  plan.threads_reduced = workers < threads;
  std::uint32_t first = 0;
  for (std::uint32_t w = 0; w < workers; ++w) {
    WorkerShare share;
    share.worker = w;
    share.first_connection = first;
    share.connections = static_cast<std::uint32_t>(share_of(plan.connections, w, workers));
    share.first_sender = plan.senders;
    for (std::uint32_t i = first; i < first + share.connections; ++i)
      share.senders += !sends || sends(i, plan.connections) ? 1 : 0;
    plan.senders += share.senders;
    share.sending_rank = plan.sending_workers;
    plan.sending_workers += share.senders != 0 ? 1 : 0;
    first += share.connections;
    plan.workers.push_back(share);
  }
}

// Checkout per_operation: every thread of every pool sends; the connections are their pools'.
void add_callers(RunPlan& plan) {
  const TopologyConfig& topology = plan.config.topology;
  const auto of_pool =
      static_cast<std::uint32_t>(topology.clients_per_pool * topology.max_connections);
  for (std::uint32_t pool = 0; pool < topology.client_pools; ++pool) {
    for (std::uint32_t thread = 0; thread < topology.threads_per_pool; ++thread) {
      WorkerShare share;
      share.worker = share.first_sender = share.sending_rank = plan.senders;
      share.first_connection = pool * of_pool;
      share.connections = of_pool;
      share.senders = 1;
      share.pool = pool;
      share.place_in_pool = thread;
      ++plan.senders;
      ++plan.sending_workers;
      plan.workers.push_back(share);
    }
  }
}

}  // namespace

double RunPlan::rate_at(std::int64_t offset_ns) const noexcept {
  double rate = first_rate();
  for (const RateStep& step : rates) {
    if (step.offset_ns > offset_ns) break;
    rate = step.rate;
  }
  return rate;
}

RunConfig effective(const RunConfig& config) {
  RunConfig made = config;
  if (!config.scenario.empty()) {
    made.duration = Duration(0);
    for (const ScenarioStep& step : config.scenario) *made.duration += step.duration;
  }
  if (!made.duration && !config.operations) made.duration = kDefaultDuration;
  if (!config.seed) {
    std::random_device device;
    // 53 bits: survives every JSON reader.
    made.seed = ((static_cast<std::uint64_t>(device()) << 32) | device()) >> 11;
  }
  return made;
}

RunPlan make_plan(const RunConfig& config, const Sends& sends) {
  RunPlan plan;
  plan.config = effective(config);
  plan.seed = *plan.config.seed;
  const TopologyConfig& topology = config.topology;
  plan.connections = static_cast<std::uint32_t>(topology.connections());
  const std::uint64_t threads = topology.client_pools * topology.threads_per_pool;
  // What is in flight is bounded by the threads where one takes one connection at a time.
  plan.prefill_window = prefill_window(
      config, plan.per_operation() && !topology.eager
                  ? static_cast<std::uint32_t>(std::min<std::uint64_t>(threads, plan.connections))
                  : plan.connections);
  plan.connection_name = printable_name(config.name.value_or(config.app_name));
  std::int64_t offset_ns = 0;
  for (const ScenarioStep& step : config.scenario) {
    if (step.rate) add_rates(step, offset_ns, plan.rates);
    plan.thinks.push_back({offset_ns, step.think.value_or(config.think).count()});
    offset_ns += step.duration.count();
  }
  if (plan.per_operation()) {
    add_callers(plan);
  } else {
    add_pinned(plan, threads, sends);
  }
  for (WorkerShare& share : plan.workers) {
    if (!config.cpus.empty()) share.cpu = config.cpus[share.worker % config.cpus.size()];
  }
  if (plan.open_loop() && config.operations) {
    for (WorkerShare& share : plan.workers) {
      share.arrivals = share.senders == 0
                           ? 0
                           : share_of(*config.operations, share.sending_rank, plan.sending_workers);
    }
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
