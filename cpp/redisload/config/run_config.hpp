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

enum class KeyDistribution : std::uint8_t {
  uniform,
  sequential,
  zipfian,
  normal,
  hotset,
  latest,
  moving
};
enum class ValueContent : std::uint8_t { random, printable, compressible, verified };
enum class Arrivals : std::uint8_t { poisson, constant };
enum class Checkout : std::uint8_t { pinned, per_operation };

struct KeysConfig {
  std::uint64_t count = 1'000'000;
  std::optional<std::string> prefix;  // none: the workload's own
  KeyDistribution distribution = KeyDistribution::uniform;
  double zipf_exponent = 0.99;                // zipfian, latest
  double normal_mean = 0.5;                   // of the keyspace
  double normal_deviation = 0.15;             // of the keyspace
  double hot_keys = 0.2;                      // hotset, moving: this share of the keys …
  double hot_operations = 0.8;                // … gets this share of the operations
  std::uint64_t move_every = 10'000;          // moving: operations of a connection
  std::optional<std::uint64_t> length_bytes;  // of a key's name; none: prefix and 12 digits
  std::optional<std::uint64_t> hash_tags;     // how many different ones; none: no hash tags
  bool partition = false;                     // each connection has keys of its own
};

struct ValuesConfig {
  std::uint64_t size_bytes = 32;
  std::optional<std::string> sizes;  // how sizes vary; none: all size_bytes
  ValueContent content = ValueContent::random;
  double compression = 2.0;         // compressible: to 1/compression
  std::optional<Duration> ttl;      // of the keys that SET writes
  std::optional<Duration> ttl_max;  // uniform from ttl to this
  double ttl_jitter = 0.0;          // ± this share
};

// A command of the user's own.
struct CommandConfig {
  std::string text;  // "SET {key} {value}"
  double weight = 1.0;
  std::optional<std::string> name;  // how results call it
};

struct WorkloadConfig {
  std::string name = "basic_rw";
  // Command name → weight; empty: the workload's own mix.
  std::vector<std::pair<std::string, double>> weights;
  // Numbers of the workload's own (members, channels …); what is not named has its default.
  std::vector<std::pair<std::string, double>> options;
  std::vector<CommandConfig> commands;  // of workload custom
  std::optional<std::string> script;    // of workload script: Lua; none: its own
};

struct TopologyConfig {
  std::uint64_t client_pools = 1;
  std::uint64_t clients_per_pool = 1;
  std::uint64_t threads_per_pool = 1;
  std::uint64_t max_connections = 50;
  Checkout checkout = Checkout::pinned;
  bool eager = false;  // per_operation: all connections at the start
  std::uint64_t connections() const noexcept {
    return client_pools * clients_per_pool * max_connections;
  }
};

struct TimeoutsConfig {
  Duration resolve = std::chrono::seconds(5);
  Duration connect = std::chrono::seconds(5);
  Duration handshake = std::chrono::seconds(5);
  Duration response = std::chrono::seconds(10);
  Duration pool = std::chrono::seconds(1);
  Duration grace = std::chrono::seconds(5);
};

// A part of the measured window: so long at this rate, or at a rate that goes evenly to another.
struct ScenarioStep {
  std::string name;
  Duration duration{};
  std::optional<double> rate;     // none: closed loop; 0: nothing arrives
  std::optional<double> to_rate;  // a ramp ends here
  std::optional<Duration> think;  // closed loop
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
  std::vector<ScenarioStep> scenario;  // of the measured window, in this order; empty: one step
  Duration think{0};                   // closed loop: between a reply and the next operation
  std::optional<double> hit_ratio;     // of reads: the others ask for keys that are never written
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
