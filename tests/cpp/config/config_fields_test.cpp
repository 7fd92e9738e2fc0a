// The table says what RunConfig says, and what validate() allows.
#include "redisload/config/config_fields.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace redisload {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
ConfigValue whole(std::uint64_t value) { return static_cast<std::int64_t>(value); }

// What RunConfig{} holds, by path.
std::map<std::string, ConfigValue> defaults() {
  const RunConfig c;
  const ConfigValue none;
  return {
      {"target.host", c.target.host},
      {"target.port", whole(c.target.port)},
      {"target.unix_path", c.target.unix_path},
      {"target.database", whole(c.target.database)},
      {"target.username", none},
      {"target.password", none},
      {"target.protocol", none},
      {"workload.name", c.workload.name},
      {"workload.weights", none},
      {"workload.options", none},
      {"workload.commands", none},
      {"workload.script", none},
      {"topology.client_pools", whole(c.topology.client_pools)},
      {"topology.clients_per_pool", whole(c.topology.clients_per_pool)},
      {"topology.threads_per_pool", whole(c.topology.threads_per_pool)},
      {"topology.max_connections", whole(c.topology.max_connections)},
      {"topology.checkout", std::string("pinned")},
      {"topology.eager", c.topology.eager},
      {"pipeline", whole(c.pipeline)},
      {"duration_s", none},
      {"operations", none},
      {"max_errors", none},
      {"objective_s", none},
      {"warmup_s", seconds(c.warmup)},
      {"prefill", c.prefill},
      {"cleanup", c.cleanup},
      {"rate", none},
      {"arrivals", std::string("poisson")},
      {"keys.count", whole(c.keys.count)},
      {"keys.prefix", none},
      {"keys.distribution", std::string("uniform")},
      {"keys.zipf_exponent", c.keys.zipf_exponent},
      {"keys.normal_mean", c.keys.normal_mean},
      {"keys.normal_deviation", c.keys.normal_deviation},
      {"keys.hot_keys", c.keys.hot_keys},
      {"keys.hot_operations", c.keys.hot_operations},
      {"keys.move_every", whole(c.keys.move_every)},
      {"keys.length_bytes", none},
      {"keys.hash_tags", none},
      {"keys.partition", c.keys.partition},
      {"values.size_bytes", whole(c.values.size_bytes)},
      {"values.sizes", none},
      {"values.content", std::string("random")},
      {"values.compression", c.values.compression},
      {"values.ttl_s", none},
      {"values.ttl_max_s", none},
      {"values.ttl_jitter", c.values.ttl_jitter},
      {"scenario", none},
      {"think_s", seconds(c.think)},
      {"hit_ratio", none},
      {"seed", none},
      {"interval_s", seconds(c.interval)},
      {"sample_rate", c.sample_rate},
      {"sample_limit", whole(c.sample_limit)},
      {"timeouts.resolve_s", seconds(c.timeouts.resolve)},
      {"timeouts.connect_s", seconds(c.timeouts.connect)},
      {"timeouts.handshake_s", seconds(c.timeouts.handshake)},
      {"timeouts.response_s", seconds(c.timeouts.response)},
      {"timeouts.pool_s", seconds(c.timeouts.pool)},
      {"timeouts.grace_s", seconds(c.timeouts.grace)},
      {"cpus", none},
      {"app_name", c.app_name},
      {"name", none},
  };
}

TEST(ConfigFields, AreThoseOfRunConfigWithItsDefaults) {
  std::map<std::string, ConfigValue> found;
  for (const ConfigField& field : config_fields()) {
    EXPECT_TRUE(found.emplace(field.path, field.default_value).second) << field.path << " twice";
  }
  const auto expected = defaults();
  for (const auto& [path, value] : expected) {
    ASSERT_EQ(found.count(path), 1U) << path;
    EXPECT_EQ(found.at(path), value) << path;
  }
  EXPECT_EQ(found.size(), expected.size());
}

TEST(ConfigFields, EnumsHaveTheDefaultsOfRunConfig) {
  const RunConfig config;
  EXPECT_EQ(config.topology.checkout, Checkout::pinned);
  EXPECT_EQ(config.arrivals, Arrivals::poisson);
  EXPECT_EQ(config.keys.distribution, KeyDistribution::uniform);
  EXPECT_EQ(config.values.content, ValueContent::random);
}

TEST(ConfigFields, AreWhole) {
  const std::set<std::string> types{
      "int",      "float",          "bool",    "str",     "duration", "bytes", "choice",
      "int_list", "count_or_share", "weights", "options", "commands", "steps"};
  for (const ConfigField& field : config_fields()) {
    EXPECT_EQ(types.count(field.type), 1U) << field.path;
    EXPECT_FALSE(field.doc.empty()) << field.path;
    EXPECT_EQ(std::holds_alternative<std::monostate>(field.default_value), field.optional)
        << field.path;
    EXPECT_EQ(field.type == "choice", !field.choices.empty()) << field.path;
    if (field.type == "choice") {
      const auto& text = std::get<std::string>(field.default_value);
      EXPECT_NE(std::find(field.choices.begin(), field.choices.end(), text), field.choices.end())
          << field.path;
    }
    if (field.minimum && field.maximum) {
      EXPECT_LT(*field.minimum, *field.maximum) << field.path;
    }
    EXPECT_EQ(field.secret, field.path == "target.password") << field.path;
  }
}

}  // namespace
}  // namespace redisload
