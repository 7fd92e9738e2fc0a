#include "redisload/config/config_fields.hpp"

#include "redisload/config/validation.hpp"

namespace redisload {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
std::int64_t integer(std::uint64_t value) { return static_cast<std::int64_t>(value); }

class Table {
 public:
  Table& number(const char* path, std::uint64_t value, double low, double high, const char* doc) {
    return add({path, "int", integer(value), low, high, {}, false, false, doc});
  }
  Table& size(const char* path, std::uint64_t value, double low, double high, const char* doc) {
    return add({path, "bytes", integer(value), low, high, {}, false, false, doc});
  }
  Table& real(const char* path, double value, double low, double high, const char* doc) {
    return add({path, "float", value, low, high, {}, false, false, doc});
  }
  Table& duration(const char* path, Duration value, double low, double high, const char* doc) {
    return add({path, "duration", seconds(value), low, high, {}, false, false, doc});
  }
  Table& flag(const char* path, bool value, const char* doc) {
    return add({path, "bool", value, {}, {}, {}, false, false, doc});
  }
  Table& text(const char* path, const std::string& value, const char* doc) {
    return add({path, "str", value, {}, {}, {}, false, false, doc});
  }
  Table& choice(const char* path, const char* value, std::vector<std::string> choices,
                const char* doc) {
    return add({path, "choice", std::string(value), {}, {}, std::move(choices), false, false, doc});
  }
  // Something that may be left out for good.
  Table& maybe(const char* path, const char* type, std::optional<double> low,
               std::optional<double> high, const char* doc, bool secret = false) {
    return add({path, type, {}, low, high, {}, true, secret, doc});
  }
  std::vector<ConfigField> take() { return std::move(fields_); }

 private:
  Table& add(ConfigField field) {
    fields_.push_back(std::move(field));
    return *this;
  }
  std::vector<ConfigField> fields_;
};

constexpr double kYear = 366.0 * 86400;

void add_target(Table& table, const TargetConfig& target) {
  table.text("target.host", target.host, "host name or address of the server")
      .number("target.port", target.port, 1, 65535, "TCP port of the server")
      .text("target.unix_path", target.unix_path, "path of a unix socket, instead of host and port")
      .number("target.database", target.database, 0, 2147483647, "database number (SELECT)")
      .maybe("target.username", "str", {}, {},
             "ACL user; the password alone authenticates the default user")
      .maybe("target.password", "str", {}, {}, "password; masked wherever it could be shown", true)
      .maybe("target.protocol", "int", 2, 3,
             "RESP version to ask for with HELLO; none: RESP2 without HELLO");
}

void add_load(Table& table, const RunConfig& c) {
  table
      .text(
          "workload.name", c.workload.name,
          "which operations are sent: basic_rw, high_throughput, list_operations, set_operations, "
          "sorted_set_operations, hash_operations, pipeline, pub_sub, stream_operations, "
          "transaction, script or custom")
      .maybe("workload.weights", "weights", 0, {},
             "share of each command, SET=45,GET=45; none: the workload's own mix")
      .maybe("workload.options", "options", {}, {},
             "numbers of the workload's own, elements=20,channels=4; none: its defaults")
      .maybe("workload.commands", "commands", {}, {},
             "a command of your own, '9:GET {key}': weight, colon, command; may be given again")
      .maybe("workload.script", "str", {}, {},
             "Lua of the workload script, with KEYS[1] and ARGV[1]; none: its own")
      .number("topology.client_pools", c.topology.client_pools, 1, 1024,
              "client pools, as the processes of an application have them; client_pools × "
              "clients_per_pool × max_connections connections in all")
      .number("topology.clients_per_pool", c.topology.clients_per_pool, 1, 1024,
              "clients in each pool, each with connections of its own")
      .number("topology.threads_per_pool", c.topology.threads_per_pool, 1, 1024,
              "worker threads of each pool; with per_operation they use their pool's clients alone")
      .number("topology.max_connections", c.topology.max_connections, 1, 100000,
              "connections of each client; with per_operation at most so many, opened as needed")
      .choice(
          "topology.checkout", "pinned", {"pinned", "per_operation"},
          "pinned: a worker owns its connections; per_operation: a thread takes a client out of "
          "its pool for each operation, as an application does, and the wait is measured")
      .flag("topology.eager", c.topology.eager,
            "per_operation: open all connections at the start, not as they are needed")
      .number("pipeline", c.pipeline, 1, 65536,
              "operations in flight on each connection (a sliding window)")
      .maybe("duration_s", "duration", 0, kYear,
             "length of the measured window; 0: until stopped; neither this nor operations: 10 s")
      .maybe("operations", "int", 1, {}, "operations of the measured window")
      .maybe(
          "max_errors", "count_or_share", 0, {},
          "stop after this many failed, timed out and lost operations: a count, or a share below 1")
      .maybe("objective_s", "duration", 0, {},
             "response time within which an operation counts as goodput")
      .duration("warmup_s", c.warmup, 0, kYear,
                "load before the measured window, not counted in its result")
      .flag("prefill", c.prefill, "write every key of the keyspace once before the load")
      .flag("cleanup", c.cleanup, "remove the run's keys afterwards")
      .maybe("rate", "float", 0, kHighestRate,
             "operations/s of the whole run (open loop); none: closed loop, each connection sends "
             "when it is answered")
      .choice("arrivals", "poisson", {"poisson", "constant"},
              "how arrivals are spaced in an open loop")
      .maybe(
          "scenario", "steps", {}, {},
          "steps of the measured window: each a length, a rate or a ramp between two, a think time")
      .duration("think_s", c.think, 0, kYear,
                "closed loop: pause of each connection between a reply and its next operation")
      .maybe("hit_ratio", "float", 0, 1,
             "share of reads that find their key; the others ask for keys that are never written");
}

void add_data(Table& table, const RunConfig& c) {
  table.number("keys.count", c.keys.count, 1, 1e12, "keys in the keyspace")
      .maybe("keys.prefix", "str", {}, {}, "what key names begin with; none: the workload's own")
      .choice("keys.distribution", "uniform",
              {"uniform", "sequential", "zipfian", "normal", "hotset", "latest", "moving"},
              "which keys are used how often")
      .real("keys.zipf_exponent", c.keys.zipf_exponent, 0, 20,
            "exponent of the zipfian and latest distributions")
      .real("keys.normal_mean", c.keys.normal_mean, 0, 1,
            "mean of the normal distribution, as a share of the keyspace")
      .real("keys.normal_deviation", c.keys.normal_deviation, 1e-6, 10,
            "standard deviation of the normal distribution, as a share of the keyspace")
      .real("keys.hot_keys", c.keys.hot_keys, 0, 1,
            "share of the keys that are hot (hotset, moving)")
      .real("keys.hot_operations", c.keys.hot_operations, 0, 1,
            "share of the operations that take hot keys (hotset, moving)")
      .number("keys.move_every", c.keys.move_every, 1, 1e12,
              "operations of a connection after which the hot spot moves on (moving)")
      .maybe("keys.length_bytes", "bytes", 1, 4096,
             "bytes of a key's name; none: its prefix and 12 digits")
      .maybe(
          "keys.hash_tags", "int", 1, 1e6,
          "different hash tags in key names, which on a cluster bring keys together; none: no tag")
      .flag("keys.partition", c.keys.partition, "each connection has keys of its own")
      .size("values.size_bytes", c.values.size_bytes, 0, 512.0 * 1024 * 1024, "bytes of each value")
      .maybe("values.sizes", "str", {}, {},
             "sizes that vary: 16-1024, 32:9,4KiB:1 (weights), lognormal:MEDIAN:SIGMA[:MAX], @FILE")
      .choice("values.content", "random", {"random", "printable", "compressible", "verified"},
              "what values are made of; verified: every GET is checked against what was written")
      .real("values.compression", c.values.compression, 1, 1000,
            "compressible values shrink to one part in so many")
      .maybe("values.ttl_s", "duration", 0.001, kYear, "time to live of what SET writes")
      .maybe("values.ttl_max_s", "duration", 0.001, kYear, "lifetimes are spread from ttl to this")
      .real("values.ttl_jitter", c.values.ttl_jitter, 0, 1,
            "lifetimes vary by this share, up and down")
      .maybe("seed", "int", 0, {},
             "seed of all randomness; the same seed sends the same operations; none: a new one, "
             "shown in the result");
}

void add_measuring(Table& table, const RunConfig& c) {
  table.duration("interval_s", c.interval, 0.01, 3600, "length of an interval of the time series")
      .real("sample_rate", c.sample_rate, 0, 1,
            "share of operations whose times are kept one by one")
      .number("sample_limit", c.sample_limit, 1000, 1e9,
              "most samples kept; beyond, every second one goes and the rate halves")
      .duration("timeouts.resolve_s", c.timeouts.resolve, 0, 3600, "looking up the host name")
      .duration("timeouts.connect_s", c.timeouts.connect, 0, 3600, "opening a connection")
      .duration("timeouts.handshake_s", c.timeouts.handshake, 0, 3600,
                "authentication and naming of a connection")
      .duration("timeouts.response_s", c.timeouts.response, 0, 3600,
                "waiting for a reply; longer ones are counted as timed out")
      .duration("timeouts.pool_s", c.timeouts.pool, 0, 3600,
                "waiting for a client of a pool (checkout per_operation)")
      .duration("timeouts.grace_s", c.timeouts.grace, 0, 3600,
                "what is in flight at the end of the window may still be answered for this long")
      .maybe("cpus", "int_list", 0, {},
             "processors that workers are pinned to, in turn; none: not pinned")
      .text("app_name", c.app_name, "name of the application in metrics")
      .maybe("name", "str", {}, {},
             "name of the run, and of its connections in CLIENT LIST; none: app_name");
}

}  // namespace

std::vector<ConfigField> config_fields() {
  const RunConfig defaults;
  Table table;
  add_target(table, defaults.target);
  add_load(table, defaults);
  add_data(table, defaults);
  add_measuring(table, defaults);
  return table.take();
}

}  // namespace redisload
