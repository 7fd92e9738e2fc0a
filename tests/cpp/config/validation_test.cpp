// Every field out of its range gives exactly its own problem; several give all of theirs.
#include "redisload/config/validation.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace redisload {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> problems_of(const RunConfig& config) {
  std::vector<std::string> paths;
  for (const ConfigProblem& problem : validate(config)) {
    EXPECT_FALSE(problem.given.empty()) << problem.path;
    EXPECT_FALSE(problem.allowed.empty()) << problem.path;
    paths.push_back(problem.path);
  }
  return paths;
}

TEST(Validate, TheDefaultsAreFine) { EXPECT_TRUE(validate(RunConfig{}).empty()); }

struct Wrong {
  const char* path;
  std::function<void(RunConfig&)> spoil;
};

const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInfinity = std::numeric_limits<double>::infinity();

std::vector<Wrong> wrongs() {
  return {
      {"target.host", [](RunConfig& c) { c.target.host = ""; }},
      {"target.port", [](RunConfig& c) { c.target.port = 0; }},
      {"protocol", [](RunConfig& c) { c.target.protocol = 4; }},
      {"protocol", [](RunConfig& c) { c.target.protocol = 1; }},
      {"username", [](RunConfig& c) { c.target.username = "alice"; }},
      {"duration_s", [](RunConfig& c) { c.duration = -1ns; }},
      {"duration_s", [](RunConfig& c) { c.duration = std::chrono::hours(24 * 367); }},
      {"operations", [](RunConfig& c) { c.operations = 0; }},
      {"warmup_s", [](RunConfig& c) { c.warmup = -1ns; }},
      {"pipeline", [](RunConfig& c) { c.pipeline = 0; }},
      {"pipeline", [](RunConfig& c) { c.pipeline = 65'537; }},
      {"rate", [](RunConfig& c) { c.rate = 0; }},
      {"rate", [](RunConfig& c) { c.rate = -5; }},
      {"rate", [](RunConfig& c) { c.rate = kNan; }},
      {"rate", [](RunConfig& c) { c.rate = kInfinity; }},
      {"rate", [](RunConfig& c) { c.rate = 1.1e8; }},
      {"max_errors", [](RunConfig& c) { c.max_errors.share = 1; }},
      {"max_errors", [](RunConfig& c) { c.max_errors.share = -0.1; }},
      {"max_errors", [](RunConfig& c) { c.max_errors.share = kNan; }},
      {"objective_s", [](RunConfig& c) { c.objective = 0ns; }},
      {"keys.count", [](RunConfig& c) { c.keys.count = 0; }},
      {"keys.count", [](RunConfig& c) { c.keys.count = 1'000'000'000'001; }},
      {"keys.prefix", [](RunConfig& c) { c.keys.prefix = std::string(1'025, 'x'); }},
      {"keys.distribution", [](RunConfig& c) { c.keys.zipf_exponent = -0.1; }},
      {"keys.distribution", [](RunConfig& c) { c.keys.zipf_exponent = kNan; }},
      {"keys.distribution", [](RunConfig& c) { c.keys.zipf_exponent = 21; }},
      {"values.size_bytes", [](RunConfig& c) { c.values.size_bytes = (512ULL << 20) + 1; }},
      {"values.size_bytes",
       [](RunConfig& c) { c.values.size_bytes = 100 << 20; }},  // × 50 connections
      {"values.size_bytes",
       [](RunConfig& c) {
         c.values.size_bytes = 1 << 20;
         c.topology.client_pools = 10;
         c.topology.clients_per_pool = 10;
       }},
      {"topology.client_pools", [](RunConfig& c) { c.topology.client_pools = 0; }},
      {"topology.client_pools",
       [](RunConfig& c) { c.topology.client_pools = 1'025, c.topology.max_connections = 1; }},
      {"topology.clients_per_pool", [](RunConfig& c) { c.topology.clients_per_pool = 0; }},
      {"topology.threads_per_pool", [](RunConfig& c) { c.topology.threads_per_pool = 0; }},
      {"topology.threads_per_pool", [](RunConfig& c) { c.topology.threads_per_pool = 1'025; }},
      {"topology.max_connections", [](RunConfig& c) { c.topology.max_connections = 0; }},
      {"topology",
       [](RunConfig& c) { c.topology.client_pools = 2, c.topology.max_connections = 99'999; }},
      {"topology",
       [](RunConfig& c) {
         c.topology.checkout = Checkout::per_operation;
         c.topology.client_pools = 5, c.topology.threads_per_pool = 205;
       }},
      {"timeouts.resolve_s", [](RunConfig& c) { c.timeouts.resolve = 0ns; }},
      {"timeouts.connect_s", [](RunConfig& c) { c.timeouts.connect = -1ns; }},
      {"timeouts.handshake_s", [](RunConfig& c) { c.timeouts.handshake = 0ns; }},
      {"timeouts.response_s", [](RunConfig& c) { c.timeouts.response = 2h; }},
      {"timeouts.pool_s", [](RunConfig& c) { c.timeouts.pool = 0ns; }},
      {"timeouts.grace_s", [](RunConfig& c) { c.timeouts.grace = -1ns; }},
      {"interval_s", [](RunConfig& c) { c.interval = 9ms; }},
      {"interval_s", [](RunConfig& c) { c.interval = 2h; }},
      {"sample_rate", [](RunConfig& c) { c.sample_rate = 1.01; }},
      {"sample_rate", [](RunConfig& c) { c.sample_rate = kNan; }},
      {"sample_limit", [](RunConfig& c) { c.sample_limit = 999; }},
      {"app_name", [](RunConfig& c) { c.app_name = ""; }},
      {"cpus", [](RunConfig& c) { c.cpus = {-1}; }},
      {"cpus", [](RunConfig& c) { c.cpus = {1'000'000}; }},
  };
}

TEST(Validate, EachFieldOutOfRangeGivesItsProblemAlone) {
  for (const Wrong& wrong : wrongs()) {
    RunConfig config;
    wrong.spoil(config);
    EXPECT_EQ(problems_of(config), std::vector<std::string>{wrong.path});
  }
}

TEST(Validate, AllProblemsAtOnce) {
  RunConfig config;
  config.target.port = 0;
  config.pipeline = 0;
  config.rate = -1;
  config.keys.count = 0;
  config.timeouts.connect = config.timeouts.grace = -1ns;
  config.sample_rate = 2;
  EXPECT_EQ(problems_of(config),
            (std::vector<std::string>{"target.port", "pipeline", "rate", "keys.count",
                                      "timeouts.connect_s", "timeouts.grace_s", "sample_rate"}));
  const ConfigError error(validate(config));
  EXPECT_EQ(error.problems().size(), 7U);
  for (const ConfigProblem& problem : error.problems())
    EXPECT_NE(std::string(error.what()).find(problem.path), std::string::npos);
}

TEST(Validate, EdgesAreAllowed) {
  RunConfig config;
  config.target.host = "";
  config.target.port = 0;
  config.target.unix_path = "/tmp/x.sock";
  config.target.protocol = 3;
  config.target.username = "";
  config.target.password = "";
  config.duration = 0ns;
  config.operations = 1;
  config.pipeline = 65'536;
  config.rate = kHighestRate;
  config.max_errors.share = 0;
  config.keys.count = 1;
  config.keys.zipf_exponent = 0;
  config.values.size_bytes = 0;
  config.topology.threads_per_pool = 1'024;
  config.topology.max_connections = 1;
  config.timeouts.grace = 0ns;
  config.timeouts.response = 1h;
  config.interval = 10ms;
  config.sample_rate = 1;
  config.sample_limit = 1'000;
  EXPECT_EQ(problems_of(config), std::vector<std::string>{});
}

TEST(Validate, MoreConnectionsThanDescriptorsAreToldBefore) {
  RunConfig config;
  config.topology.max_connections = 100'000;
  config.values.size_bytes = 32;
  for (const std::string& path : problems_of(config)) EXPECT_EQ(path, "connections");
  EXPECT_FALSE(problems_of(config).empty());  // 2^16 ports are fewer, whatever the descriptors
}

}  // namespace
}  // namespace redisload
