#include "redisload/config/validation.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <cmath>
#include <fstream>
#include <sstream>

namespace redisload {
namespace {

class Problems {
 public:
  template <typename T>
  void unless(bool fine, const std::string& path, const T& given, const std::string& allowed) {
    if (fine) return;
    std::ostringstream text;
    text << given;
    list_.push_back({path, text.str(), allowed});
  }
  std::vector<ConfigProblem> take() { return std::move(list_); }

 private:
  std::vector<ConfigProblem> list_;
};

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

void check_load(const RunConfig& config, Problems& problems) {
  constexpr double kLongestS = 366.0 * 86400;
  if (config.duration) {
    problems.unless(config.duration->count() >= 0 && seconds(*config.duration) <= kLongestS,
                    "duration_s", seconds(*config.duration),
                    "0 (until stopped) or more seconds, at most a year");
  }
  if (config.operations)
    problems.unless(*config.operations >= 1, "operations", *config.operations, "at least 1");
  problems.unless(config.warmup.count() >= 0 && seconds(config.warmup) <= kLongestS, "warmup_s",
                  seconds(config.warmup), "0 or more seconds");
  problems.unless(config.think.count() >= 0 && seconds(config.think) <= kLongestS, "think_s",
                  seconds(config.think), "0 or more seconds");
  const bool paced = config.rate || (!config.scenario.empty() && config.scenario.front().rate);
  problems.unless(config.think.count() == 0 || !paced, "think_s", seconds(config.think),
                  "either a rate or a think time: an open loop does not wait for replies");
  double scenario_s = 0;
  for (std::size_t i = 0; i < config.scenario.size(); ++i) {
    const ScenarioStep& step = config.scenario[i];
    const std::string path = "scenario[" + std::to_string(i) + "]";
    const auto is_rate = [](const std::optional<double>& rate) {
      return !rate || (*rate >= 0 && *rate <= kHighestRate);
    };
    problems.unless(seconds(step.duration) > 0 && seconds(step.duration) <= kLongestS,
                    path + ".duration_s", seconds(step.duration), "above 0 seconds");
    problems.unless(is_rate(step.rate), path + ".rate", step.rate.value_or(0),
                    "0 … 100,000,000 operations/s");
    problems.unless(is_rate(step.to_rate), path + ".to_rate", step.to_rate.value_or(0),
                    "0 … 100,000,000 operations/s");
    problems.unless(!step.to_rate || step.rate, path + ".to_rate", step.to_rate.value_or(0),
                    "a rate beside it, from which the ramp begins");
    problems.unless(step.rate.has_value() == config.scenario.front().rate.has_value(),
                    path + ".rate", "none", "a rate for every step, or for none (closed loop)");
    problems.unless(!step.think || (step.think->count() >= 0 && !step.rate), path + ".think_s",
                    step.think ? seconds(*step.think) : 0.0,
                    "0 or more seconds, in a closed loop (without a rate)");
    scenario_s += seconds(step.duration);
  }
  if (!config.scenario.empty()) {
    problems.unless(scenario_s <= kLongestS, "scenario", scenario_s, "at most a year in all");
    problems.unless(!config.rate, "rate", config.rate.value_or(0),
                    "either a scenario, whose steps have their rates, or a rate");
    problems.unless(!config.duration, "duration_s", config.duration ? seconds(*config.duration) : 0,
                    "either a scenario, whose steps have their lengths, or a duration");
  }
  problems.unless(config.pipeline >= 1 && config.pipeline <= 65'536, "pipeline", config.pipeline,
                  "1 … 65536");
  if (config.rate) {
    problems.unless(
        *config.rate > 0 && *config.rate <= kHighestRate, "rate", *config.rate,
        "above 0 and at most 100,000,000 operations/s (leave it out for a closed loop)");
  }
  if (config.max_errors.share) {
    problems.unless(*config.max_errors.share >= 0 && *config.max_errors.share < 1, "max_errors",
                    *config.max_errors.share, "a count (int) or a share from 0 to below 1 (float)");
  }
  if (config.objective)
    problems.unless(config.objective->count() > 0, "objective_s", seconds(*config.objective),
                    "above 0 seconds");
}

void check_keys(const RunConfig& config, Problems& problems) {
  constexpr std::uint64_t kMostKeys = 1'000'000'000'000;
  problems.unless(config.keys.count >= 1 && config.keys.count <= kMostKeys, "keys.count",
                  config.keys.count, "1 … 10^12");
  if (config.keys.prefix)
    problems.unless(config.keys.prefix->size() <= 1024, "keys.prefix", config.keys.prefix->size(),
                    "at most 1024 bytes");
  const KeysConfig& keys = config.keys;
  const auto share = [&](const char* path, double value) {
    problems.unless(std::isfinite(value) && value >= 0 && value <= 1, path, value, "0 … 1");
  };
  share("keys.normal_mean", keys.normal_mean);
  share("keys.hot_keys", keys.hot_keys);
  share("keys.hot_operations", keys.hot_operations);
  problems.unless(keys.normal_deviation > 0 && keys.normal_deviation <= 10, "keys.normal_deviation",
                  keys.normal_deviation, "above 0 and at most 10");
  problems.unless(keys.move_every >= 1, "keys.move_every", keys.move_every, "at least 1 operation");
  if (keys.length_bytes)
    problems.unless(*keys.length_bytes <= 4096, "keys.length_bytes", *keys.length_bytes,
                    "at most 4096 bytes");
  if (keys.hash_tags)
    problems.unless(*keys.hash_tags >= 1 && *keys.hash_tags <= 1'000'000, "keys.hash_tags",
                    *keys.hash_tags, "1 … 1,000,000");
  const double exponent = config.keys.zipf_exponent;
  problems.unless(std::isfinite(exponent) && exponent >= 0 && exponent <= 20, "keys.distribution",
                  exponent, "a zipf exponent from 0 to 20");
  constexpr std::uint64_t kLargestValue = 512ULL << 20;
  problems.unless(config.values.size_bytes <= kLargestValue, "values.size_bytes",
                  config.values.size_bytes, "0 … 512 MiB");
  const ValuesConfig& values = config.values;
  problems.unless(values.compression >= 1 && values.compression <= 1000, "values.compression",
                  values.compression, "1 … 1000");
  share("values.ttl_jitter", values.ttl_jitter);
  if (values.ttl)
    problems.unless(seconds(*values.ttl) >= 0.001, "values.ttl_s", seconds(*values.ttl),
                    "at least a millisecond");
  if (values.ttl_max)
    problems.unless(values.ttl && *values.ttl_max >= *values.ttl, "values.ttl_max_s",
                    seconds(*values.ttl_max), "ttl_s or more");
  if (config.hit_ratio) share("hit_ratio", *config.hit_ratio);
  constexpr std::uint64_t kMostInFlight = 4ULL << 30;
  const TopologyConfig& topology = config.topology;
  const std::uint64_t in_flight = config.values.size_bytes * config.pipeline *
                                  topology.client_pools * topology.clients_per_pool *
                                  topology.max_connections;
  problems.unless(config.values.size_bytes > kLargestValue || in_flight <= kMostInFlight,
                  "values.size_bytes", config.values.size_bytes,
                  "connections × pipeline × value size of at most 4 GiB in flight");
}

void check_topology(const TopologyConfig& topology, Problems& problems) {
  const auto counted = [&](const char* path, std::uint64_t value, std::uint64_t most) {
    problems.unless(value >= 1 && value <= most, path, value, "1 … " + std::to_string(most));
  };
  counted("topology.client_pools", topology.client_pools, 1024);
  counted("topology.clients_per_pool", topology.clients_per_pool, 1024);
  counted("topology.threads_per_pool", topology.threads_per_pool, 1024);
  counted("topology.max_connections", topology.max_connections, 100'000);
  const std::uint64_t total =
      topology.client_pools * topology.clients_per_pool * topology.max_connections;
  problems.unless(total <= 100'000, "topology", total, "at most 100,000 connections in all");
  if (topology.checkout != Checkout::per_operation) return;
  const std::uint64_t threads = topology.client_pools * topology.threads_per_pool;
  problems.unless(threads <= 1024, "topology", threads,
                  "at most 1,024 threads in all with checkout per_operation");
}

// Every open descriptor of a run has its place before it starts, not in its middle.
void check_limits(const RunConfig& config, Problems& problems) {
  const TopologyConfig& topology = config.topology;
  const std::uint64_t connections =
      topology.client_pools * topology.clients_per_pool * topology.max_connections;
  if (connections > 100'000) return;
  const bool many_threads = topology.checkout == Checkout::per_operation;
  const std::uint64_t ours =
      64 + (many_threads ? topology.client_pools * topology.threads_per_pool : 0);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    problems.unless(connections + ours <= limit.rlim_cur, "connections", connections,
                    "at most " + std::to_string(limit.rlim_cur > ours ? limit.rlim_cur - ours : 0) +
                        " with this process's limit of " + std::to_string(limit.rlim_cur) +
                        " open files: raise `ulimit -n`");
  }
  if (!config.target.unix_path.empty()) return;
  std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (range >> low >> high) {
    problems.unless(connections + ours <= high - low, "connections", connections,
                    "at most " + std::to_string(high - low - ours) +
                        " local ports: widen net.ipv4.ip_local_port_range");
  }
}

void check_timeouts(const TimeoutsConfig& timeouts, Problems& problems) {
  const auto positive = [&](const char* path, Duration value) {
    problems.unless(value.count() > 0 && seconds(value) <= 3600, path, seconds(value),
                    "above 0 and at most 3600 seconds");
  };
  positive("timeouts.resolve_s", timeouts.resolve);
  positive("timeouts.connect_s", timeouts.connect);
  positive("timeouts.handshake_s", timeouts.handshake);
  positive("timeouts.response_s", timeouts.response);
  positive("timeouts.pool_s", timeouts.pool);
  problems.unless(timeouts.grace.count() >= 0 && seconds(timeouts.grace) <= 3600,
                  "timeouts.grace_s", seconds(timeouts.grace), "0 … 3600 seconds");
}

void check_target(const TargetConfig& target, Problems& problems) {
  if (target.unix_path.empty()) {
    problems.unless(!target.host.empty(), "target.host", "''", "a host name or address");
    problems.unless(target.port != 0, "target.port", target.port, "1 … 65535");
  }
  if (target.protocol)
    problems.unless(*target.protocol == 2 || *target.protocol == 3, "protocol", *target.protocol,
                    "2 or 3");
  problems.unless(!target.username || target.password, "username", target.username.value_or(""),
                  "a password beside it");
}

void check_rest(const RunConfig& config, Problems& problems) {
  constexpr Duration kShortest = std::chrono::milliseconds(10);
  problems.unless(config.interval >= kShortest && seconds(config.interval) <= 3600, "interval_s",
                  seconds(config.interval), "0.01 … 3600 seconds");
  problems.unless(config.sample_rate >= 0 && config.sample_rate <= 1, "sample_rate",
                  config.sample_rate, "0 … 1, a share of the operations");
  problems.unless(config.sample_limit >= 1000 && config.sample_limit <= 1'000'000'000,
                  "sample_limit", config.sample_limit, "1,000 … 10^9");
  problems.unless(!config.app_name.empty(), "app_name", "''", "a name");
  cpu_set_t usable;
  CPU_ZERO(&usable);
  sched_getaffinity(0, sizeof usable, &usable);
  for (const int cpu : config.cpus) {
    problems.unless(
        cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET(static_cast<std::size_t>(cpu), &usable), "cpus",
        cpu, "numbers of processors that this process may use");
  }
}

}  // namespace

std::vector<ConfigProblem> validate(const RunConfig& config) {
  Problems problems;
  check_target(config.target, problems);
  check_load(config, problems);
  check_topology(config.topology, problems);
  check_limits(config, problems);
  check_keys(config, problems);
  check_timeouts(config.timeouts, problems);
  check_rest(config, problems);
  return problems.take();
}

}  // namespace redisload
