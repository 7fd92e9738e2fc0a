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
  table.choice("workload.name", c.workload.name.c_str(), {"basic_rw"}, "which operations are sent")
      .maybe("workload.weights", "weights", 0, {},
             "share of each command, SET=45,GET=45; none: the workload's own mix")
      .number("topology.client_pools", c.topology.client_pools, 1, 1024, "client pools")
      .number("topology.clients_per_pool", c.topology.clients_per_pool, 1, 1024,
              "clients in each pool")
      .number("topology.threads_per_pool", c.topology.threads_per_pool, 1, 1024,
              "worker threads of each pool")
      .number("topology.max_connections", c.topology.max_connections, 1, 100000,
              "connections of each client")
      .choice("topology.checkout", "pinned", {"pinned"}, "pinned: a worker owns its connections")
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
              "how arrivals are spaced in an open loop");
}

void add_data(Table& table, const RunConfig& c) {
  table.number("keys.count", c.keys.count, 1, 1e12, "keys in the keyspace")
      .maybe("keys.prefix", "str", {}, {}, "what key names begin with; none: the workload's own")
      .choice("keys.distribution", "uniform", {"uniform", "sequential", "zipfian"},
              "which keys are used how often; zipfian:0.99 sets the exponent")
      .real("keys.zipf_exponent", c.keys.zipf_exponent, 0, 20,
            "exponent of the zipfian distribution")
      .size("values.size_bytes", c.values.size_bytes, 0, 512.0 * 1024 * 1024, "bytes of each value")
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
