// What a run is asked to do: plain values, every default stated here and nowhere else. Python's
// typed model, its arguments and the shell's flags read their defaults from this struct.
// Durations are std::chrono; std::optional means "not given".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace redisload {

using Duration = std::chrono::nanoseconds;

enum class KeyDistribution : std::uint8_t { uniform, sequential, zipfian };
enum class Arrivals : std::uint8_t { poisson, constant };
enum class Checkout : std::uint8_t { pinned, per_operation };

struct KeysConfig {
  std::uint64_t count = 1'000'000;
  std::optional<std::string> prefix;  // none: the workload's own
  KeyDistribution distribution = KeyDistribution::uniform;
  double zipf_exponent = 0.99;
};

struct ValuesConfig {
  std::uint64_t size_bytes = 32;
};

struct WorkloadConfig {
  std::string name = "basic_rw";
  // Command name → weight; empty: the workload's own mix.
  std::vector<std::pair<std::string, double>> weights;
};

struct TopologyConfig {
  std::uint64_t client_pools = 1;
  std::uint64_t clients_per_pool = 1;
  std::uint64_t threads_per_pool = 1;
  std::uint64_t max_connections = 50;
  Checkout checkout = Checkout::pinned;
};

struct TimeoutsConfig {
  Duration resolve = std::chrono::seconds(5);
  Duration connect = std::chrono::seconds(5);
  Duration handshake = std::chrono::seconds(5);
  Duration response = std::chrono::seconds(10);
  Duration pool = std::chrono::seconds(1);
  Duration grace = std::chrono::seconds(5);
};

struct TargetConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;
  std::string unix_path;  // set: a unix socket instead of host and port
  std::uint32_t database = 0;
  std::optional<std::string> username;
  std::optional<std::string> password;
  std::optional<int> protocol;  // 2 or 3: HELLO is sent; none: RESP2 without HELLO
};

// After how many failed + timed_out + lost operations a run stops: a count, or a share of issued.
struct ErrorBudget {
  std::optional<std::uint64_t> count;
  std::optional<double> share;
};

struct RunConfig {
  TargetConfig target;
  WorkloadConfig workload;
  TopologyConfig topology;
  std::uint64_t pipeline = 1;
  std::optional<Duration> duration;  // neither this nor operations: 10 s; zero: until stopped
  std::optional<std::uint64_t> operations;
  ErrorBudget max_errors;
  std::optional<Duration> objective;
  Duration warmup{0};
  bool prefill = true;
  bool cleanup = false;
  std::optional<double> rate;  // operations/s of the whole run: open loop
  Arrivals arrivals = Arrivals::poisson;
  KeysConfig keys;
  ValuesConfig values;
  std::optional<std::uint64_t> seed;
  Duration interval = std::chrono::seconds(1);
  double sample_rate = 0.0;
  std::uint64_t sample_limit = 10'000'000;
  TimeoutsConfig timeouts;
  std::vector<int> cpus;  // worker w is pinned to cpus[w % size]; empty: not pinned
  std::string app_name = "redisload";
  std::optional<std::string> name;
};

// The run's length when neither a duration nor a number of operations is given.
inline constexpr Duration kDefaultDuration = std::chrono::seconds(10);

}  // namespace redisload
