#include "config_from_python.hpp"

#include <pybind11/stl.h>

#include <cmath>
#include <set>

namespace py = pybind11;

namespace redisload {
namespace {

Duration to_duration(double seconds) {
  // Beyond what nanoseconds hold the validation says no; here it must only not overflow.
  const double ns = std::clamp(std::isnan(seconds) ? -1.0 : seconds * 1e9, -9e18, 9e18);
  return Duration(static_cast<std::int64_t>(std::llround(ns)));
}

// One level of the dict; reports a key that nobody reads, which would be a silently lost setting.
class Reader {
 public:
  Reader(const py::dict& values, std::string path) : values_(values), path_(std::move(path)) {}

  template <typename T>
  void read(const char* name, T& into) {
    if (const py::object value = take(name); !value.is_none()) into = cast<T>(name, value);
  }
  template <typename T>
  void read(const char* name, std::optional<T>& into) {
    if (const py::object value = take(name); !value.is_none()) into = cast<T>(name, value);
  }
  void read_duration(const char* name, Duration& into) {
    if (const py::object value = take(name); !value.is_none())
      into = to_duration(cast<double>(name, value));
  }
  void read_duration(const char* name, std::optional<Duration>& into) {
    if (const py::object value = take(name); !value.is_none())
      into = to_duration(cast<double>(name, value));
  }
  template <typename E>
  void read_choice(const char* name, E& into,
                   const std::vector<std::pair<std::string, E>>& choices) {
    const py::object value = take(name);
    if (value.is_none()) return;
    const auto text = cast<std::string>(name, value);
    for (const auto& [known, choice] : choices) {
      if (known == text) {
        into = choice;
        return;
      }
    }
    throw py::value_error(path_ + name + ": unknown choice '" + text + "'");
  }
  Reader section(const char* name) {
    const py::object value = take(name);
    return Reader(value.is_none() ? py::dict() : cast<py::dict>(name, value), path_ + name + ".");
  }
  py::object take(const char* name) {
    known_.insert(name);
    return values_.contains(name) ? py::object(values_[name]) : py::object(py::none());
  }
  void finish() const {
    for (const auto& item : values_) {
      const auto name = py::str(item.first).cast<std::string>();
      if (!known_.contains(name))
        throw py::type_error("unknown configuration field " + path_ + name);
    }
  }

 private:
  template <typename T>
  T cast(const char* name, const py::object& value) const {
    try {
      return value.cast<T>();
    } catch (const py::cast_error&) {
      throw py::type_error(path_ + name + ": cannot use " + py::repr(value).cast<std::string>());
    }
  }

  py::dict values_;
  std::string path_;
  std::set<std::string> known_;
};

void read_target(Reader reader, TargetConfig& target) {
  reader.read("host", target.host);
  reader.read("port", target.port);
  reader.read("unix_path", target.unix_path);
  reader.read("database", target.database);
  reader.read("username", target.username);
  reader.read("password", target.password);
  reader.read("protocol", target.protocol);
  reader.finish();
}

void read_workload(Reader reader, WorkloadConfig& workload) {
  reader.read("name", workload.name);
  if (const py::object weights = reader.take("weights"); !weights.is_none()) {
    for (const auto& item : weights.cast<py::dict>()) {
      workload.weights.emplace_back(item.first.cast<std::string>(), item.second.cast<double>());
    }
  }
  if (const py::object options = reader.take("options"); !options.is_none()) {
    for (const auto& item : options.cast<py::dict>())
      workload.options.emplace_back(item.first.cast<std::string>(), item.second.cast<double>());
  }
  if (const py::object commands = reader.take("commands"); !commands.is_none()) {
    for (const auto& item : commands.cast<py::list>()) {
      Reader one(item.cast<py::dict>(), "workload.commands.");
      CommandConfig command;
      one.read("text", command.text);
      one.read("weight", command.weight);
      one.read("name", command.name);
      one.finish();
      workload.commands.push_back(std::move(command));
    }
  }
  reader.read("script", workload.script);
  reader.finish();
}

void read_topology(Reader reader, TopologyConfig& topology) {
  reader.read("client_pools", topology.client_pools);
  reader.read("clients_per_pool", topology.clients_per_pool);
  reader.read("threads_per_pool", topology.threads_per_pool);
  reader.read("max_connections", topology.max_connections);
  reader.read_choice<Checkout>(
      "checkout", topology.checkout,
      {{"pinned", Checkout::pinned}, {"per_operation", Checkout::per_operation}});
  reader.read("eager", topology.eager);
  reader.finish();
}

void read_keys(Reader reader, KeysConfig& keys) {
  reader.read("count", keys.count);
  reader.read("prefix", keys.prefix);
  reader.read_choice<KeyDistribution>("distribution", keys.distribution,
                                      {{"uniform", KeyDistribution::uniform},
                                       {"sequential", KeyDistribution::sequential},
                                       {"zipfian", KeyDistribution::zipfian},
                                       {"normal", KeyDistribution::normal},
                                       {"hotset", KeyDistribution::hotset},
                                       {"latest", KeyDistribution::latest},
                                       {"moving", KeyDistribution::moving}});
  reader.read("zipf_exponent", keys.zipf_exponent);
  reader.read("normal_mean", keys.normal_mean);
  reader.read("normal_deviation", keys.normal_deviation);
  reader.read("hot_keys", keys.hot_keys);
  reader.read("hot_operations", keys.hot_operations);
  reader.read("move_every", keys.move_every);
  reader.read("length_bytes", keys.length_bytes);
  reader.read("hash_tags", keys.hash_tags);
  reader.read("partition", keys.partition);
  reader.finish();
}

void read_values(Reader reader, ValuesConfig& values) {
  reader.read("size_bytes", values.size_bytes);
  reader.read("sizes", values.sizes);
  reader.read_choice<ValueContent>("content", values.content,
                                   {{"random", ValueContent::random},
                                    {"printable", ValueContent::printable},
                                    {"compressible", ValueContent::compressible},
                                    {"verified", ValueContent::verified}});
  reader.read("compression", values.compression);
  reader.read_duration("ttl_s", values.ttl);
  reader.read_duration("ttl_max_s", values.ttl_max);
  reader.read("ttl_jitter", values.ttl_jitter);
  reader.finish();
}

void read_timeouts(Reader reader, TimeoutsConfig& timeouts) {
  reader.read_duration("resolve_s", timeouts.resolve);
  reader.read_duration("connect_s", timeouts.connect);
  reader.read_duration("handshake_s", timeouts.handshake);
  reader.read_duration("response_s", timeouts.response);
  reader.read_duration("pool_s", timeouts.pool);
  reader.read_duration("grace_s", timeouts.grace);
  reader.finish();
}

void read_budget(const py::object& value, ErrorBudget& budget) {
  if (value.is_none()) return;
  if (py::isinstance<py::int_>(value)) {
    budget.count = value.cast<std::uint64_t>();
  } else {
    budget.share = value.cast<double>();
  }
}

}  // namespace

RunConfig config_from_python(const py::dict& values) {
  RunConfig config;
  Reader reader(values, "");
  read_target(reader.section("target"), config.target);
  read_workload(reader.section("workload"), config.workload);
  read_topology(reader.section("topology"), config.topology);
  read_keys(reader.section("keys"), config.keys);
  read_values(reader.section("values"), config.values);
  read_timeouts(reader.section("timeouts"), config.timeouts);
  reader.read("pipeline", config.pipeline);
  reader.read_duration("duration_s", config.duration);
  reader.read("operations", config.operations);
  read_budget(reader.take("max_errors"), config.max_errors);
  reader.read_duration("objective_s", config.objective);
  reader.read_duration("warmup_s", config.warmup);
  reader.read("prefill", config.prefill);
  reader.read("cleanup", config.cleanup);
  reader.read("rate", config.rate);
  reader.read_choice<Arrivals>("arrivals", config.arrivals,
                               {{"poisson", Arrivals::poisson}, {"constant", Arrivals::constant}});
  if (const py::object steps = reader.take("scenario"); !steps.is_none()) {
    for (const auto& item : steps.cast<py::list>()) {
      Reader one(item.cast<py::dict>(), "scenario.");
      ScenarioStep step;
      one.read("name", step.name);
      one.read_duration("duration_s", step.duration);
      one.read("rate", step.rate);
      one.read("to_rate", step.to_rate);
      one.read_duration("think_s", step.think);
      one.finish();
      config.scenario.push_back(std::move(step));
    }
  }
  reader.read_duration("think_s", config.think);
  reader.read("hit_ratio", config.hit_ratio);
  reader.read("seed", config.seed);
  reader.read_duration("interval_s", config.interval);
  reader.read("sample_rate", config.sample_rate);
  reader.read("sample_limit", config.sample_limit);
  reader.read("cpus", config.cpus);
  reader.read("app_name", config.app_name);
  reader.read("name", config.name);
  reader.finish();
  return config;
}

}  // namespace redisload
