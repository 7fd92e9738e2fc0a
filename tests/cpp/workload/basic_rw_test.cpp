#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "redisload/workload/workload_registry.hpp"
#include "support/statistics.hpp"

namespace redisload {
namespace {

NoWorkloadEvents no_events;

RunConfig config_of(std::vector<std::pair<std::string, double>> weights = {}) {
  RunConfig config;
  config.workload.weights = std::move(weights);
  config.keys.count = 1000;
  return config;
}

std::vector<std::string> label_names(const std::vector<OperationLabel>& labels) {
  std::vector<std::string> names;
  for (const auto& label : labels) names.push_back(label.name);
  return names;
}

// The first `count` commands of a connection, as bytes.
std::vector<std::string> commands(const std::shared_ptr<const Workload>& workload,
                                  std::uint64_t connection, int count) {
  std::vector<std::string> all;
  const auto stream = workload->stream(connection, 50, no_events);
  for (int i = 0; i < count; ++i) {
    OutputBuffer out;
    EXPECT_EQ(stream->encode(stream->next(), out), 1);
    all.emplace_back(out.view());
  }
  return all;
}

// The second word of a command: its key.
std::string key_of(const std::string& command) {
  std::size_t at = 0;
  for (int lines = 0; lines < 4; ++lines) at = command.find("\r\n", at) + 2;
  return command.substr(at, command.find("\r\n", at) - at);
}

TEST(BasicRw, DefaultMixIs45_45_5_5) {
  const auto workload = make_workload(config_of(), 1);
  EXPECT_EQ(label_names(workload->labels()),
            (std::vector<std::string>{"SET", "GET", "DEL", "INCR"}));
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
    const auto seeded = make_workload(config_of(), seed);
    const auto stream = seeded->stream(0, 50, no_events);
    std::vector<double> observed(4);
    for (int i = 0; i < 100'000; ++i) observed.at(stream->next().label) += 1.0;
    EXPECT_GT(test::chi_square_p(observed, {45'000, 45'000, 5'000, 5'000}), 1e-4);
  }
}

TEST(BasicRw, OnlyReadsCountHitsAndMisses) {
  const auto workload = make_workload(config_of(), 1);
  for (const auto& label : workload->labels()) {
    EXPECT_EQ(label.reads_keys, label.name == "GET");
    EXPECT_EQ(label.command, label.name);
  }
}

TEST(BasicRw, WeightsChooseTheCommandsInAnyCaseAndOrder) {
  const auto workload = make_workload(config_of({{"incr", 1}, {"GET", 0}, {"Set", 3}}), 1);
  EXPECT_EQ(label_names(workload->labels()), (std::vector<std::string>{"SET", "INCR"}));
  const auto reordered = make_workload(config_of({{"SET", 3}, {"INCR", 1}}), 1);
  EXPECT_EQ(commands(workload, 3, 1000), commands(reordered, 3, 1000));
}

TEST(BasicRw, SameSeedSameCommands) {
  const auto one = make_workload(config_of(), 77);
  const auto other = make_workload(config_of(), 77);
  const auto third = make_workload(config_of(), 78);
  EXPECT_EQ(commands(one, 4, 2000), commands(other, 4, 2000));
  EXPECT_NE(commands(one, 4, 2000), commands(third, 4, 2000));
}

TEST(BasicRw, TwoConnectionsDiffer) {
  const auto workload = make_workload(config_of(), 77);
  std::set<std::vector<std::string>> streams;
  for (std::uint64_t connection = 0; connection < 50; ++connection) {
    streams.insert(commands(workload, connection, 20));
  }
  EXPECT_EQ(streams.size(), 50u);
}

TEST(BasicRw, AnOperationIsEncodedAgainByteForByte) {
  const auto workload = make_workload(config_of(), 5);
  const auto stream = workload->stream(0, 1, no_events);
  for (int i = 0; i < 100; ++i) {
    const OperationRequest request = stream->next();
    OutputBuffer first;
    OutputBuffer again;
    stream->encode(request, first);
    stream->encode(request, again);
    EXPECT_EQ(first.view(), again.view());
  }
}

TEST(BasicRw, CountersHaveAPrefixOfTheirOwn) {
  const auto check = [](const RunConfig& config, const std::string& strings,
                        const std::string& counters) {
    const auto workload = make_workload(config, 5);
    int increments = 0;
    for (const auto& command : commands(workload, 0, 2000)) {
      const bool counter = command.find("\r\nINCR\r\n") != std::string::npos;
      increments += counter ? 1 : 0;
      const std::string& prefix = counter ? counters : strings;
      EXPECT_EQ(key_of(command).substr(0, prefix.size()), prefix);
      EXPECT_EQ(key_of(command).size(), prefix.size() + 12);
    }
    EXPECT_GT(increments, 0);
  };
  RunConfig config = config_of();
  check(config, "redisload:string:", "redisload:counter:");
  config.keys.prefix = "mine:";
  check(config, "mine:", "mine:counter:");
}

TEST(BasicRw, ReadsReplies) {
  const auto workload = make_workload(config_of(), 1);
  const auto read = [&](std::uint16_t label, const Reply& reply) {
    OperationRequest request;
    request.label = label;
    return workload->stream(0, 1, no_events)->read(request, reply);
  };
  const Reply ok{'+', false, 0, "OK"};
  const Reply bulk{'$', false, 32, {}};
  const Reply nil{'$', true, -1, {}};
  const Reply null3{'_', true, 0, {}};
  const Reply zero{':', false, 0, {}};
  const Reply error{'-', false, 0, "WRONGTYPE"};
  EXPECT_FALSE(read(0, ok).failed);
  EXPECT_EQ(read(0, ok).hits + read(0, ok).misses, 0u);
  EXPECT_EQ(read(1, bulk).hits, 1u);
  EXPECT_EQ(read(1, bulk).misses, 0u);
  for (const Reply& absent : {nil, null3}) {
    EXPECT_EQ(read(1, absent).hits, 0u);
    EXPECT_EQ(read(1, absent).misses, 1u);
    EXPECT_FALSE(read(1, absent).failed);
  }
  EXPECT_FALSE(read(2, zero).failed);
  EXPECT_EQ(read(2, zero).misses, 0u);
  for (std::uint16_t label = 0; label < 4; ++label) {
    EXPECT_TRUE(read(label, error).failed);
    EXPECT_EQ(read(label, error).hits + read(label, error).misses, 0u);
  }
}

TEST(BasicRw, PrefillSetsEachKeyOnce) {
  const auto workload = make_workload(config_of(), 3);
  ASSERT_EQ(workload->prefill_count(), 1000u);
  EXPECT_EQ(label_names(workload->prefill_labels()), std::vector<std::string>{"SET"});
  std::set<std::string> written;
  std::set<std::string> bytes;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    OutputBuffer out;
    EXPECT_EQ(workload->encode_prefill(workload->prefill(i), out), 1);
    const std::string command(out.view());
    EXPECT_EQ(command.substr(0, 13), "*3\r\n$3\r\nSET\r\n");
    written.insert(key_of(command));
    bytes.insert(command.substr(command.size() - 34));
  }
  EXPECT_EQ(written.size(), 1000u);
  EXPECT_EQ(*written.begin(), "redisload:string:000000000000");
  EXPECT_EQ(*written.rbegin(), "redisload:string:000000000999");
  EXPECT_EQ(bytes.size(), 1000u);
}

TEST(BasicRw, PrefillIsNotNeededForCountersAlone) {
  EXPECT_EQ(make_workload(config_of({{"INCR", 1}}), 1)->prefill_count(), 0u);
  EXPECT_EQ(make_workload(config_of({{"GET", 1}}), 1)->prefill_count(), 1000u);
}

std::set<std::string> cleaned(const RunConfig& config) {
  const auto workload = make_workload(config, 1);
  std::set<std::string> keys;
  for (std::uint64_t i = 0; i < workload->cleanup_count(); ++i) {
    OutputBuffer out;
    EXPECT_EQ(workload->encode_cleanup(workload->cleanup(i), out), 1);
    const std::string command(out.view());
    EXPECT_EQ(command.substr(0, 16), "*2\r\n$6\r\nUNLINK\r\n");
    keys.insert(key_of(command));
  }
  EXPECT_EQ(keys.size(), workload->cleanup_count());
  return keys;
}

TEST(BasicRw, CleanupRemovesWhatTheRunMayHaveWrittenAndNoMore) {
  RunConfig config = config_of();
  const auto all = cleaned(config);
  EXPECT_EQ(all.size(), 2000u);
  EXPECT_EQ(*all.begin(), "redisload:counter:000000000000");
  EXPECT_EQ(*all.rbegin(), "redisload:string:000000000999");

  const auto counters = cleaned(config_of({{"INCR", 1}}));
  EXPECT_EQ(counters.size(), 1000u);
  EXPECT_EQ(*counters.rbegin(), "redisload:counter:000000000999");

  config = config_of({{"GET", 1}, {"DEL", 1}});
  EXPECT_EQ(cleaned(config).size(), 1000u);
  config.prefill = false;  // somebody else's keys
  EXPECT_EQ(cleaned(config).size(), 0u);
}

TEST(BasicRw, ExpectedMissesAreThoseOfDel) {
  const auto share = [](std::vector<std::pair<std::string, double>> weights, bool prefill = true) {
    RunConfig config = config_of(std::move(weights));
    config.prefill = prefill;
    return make_workload(config, 1)->expected_miss_share();
  };
  EXPECT_DOUBLE_EQ(share({}), 0.1);
  EXPECT_DOUBLE_EQ(share({{"SET", 1}, {"GET", 1}}), 0.0);
  EXPECT_DOUBLE_EQ(share({{"GET", 1}}), 0.0);
  EXPECT_DOUBLE_EQ(share({{"GET", 1}, {"DEL", 1}}), 1.0);
  EXPECT_DOUBLE_EQ(share({{"SET", 1}, {"DEL", 1}}), 0.0);
  EXPECT_DOUBLE_EQ(share({}, false), 1.0);
}

// The expectation against what happens to a model of the keyspace.
TEST(BasicRw, MissesOfAModelServerApproachTheExpectedShare) {
  RunConfig config = config_of();
  config.keys.count = 100;
  const auto workload = make_workload(config, 8);
  std::vector<bool> present(100, true);
  const auto stream = workload->stream(0, 1, no_events);
  double reads = 0;
  double misses = 0;
  for (int i = 0; i < 400'000; ++i) {
    const OperationRequest request = stream->next();
    const std::string& name = workload->labels()[request.label].name;
    if (name == "SET") present[request.key] = true;
    if (name == "DEL") present[request.key] = false;
    if (name == "GET") {
      reads += 1;
      misses += present[request.key] ? 0 : 1;
    }
  }
  EXPECT_NEAR(misses / reads, workload->expected_miss_share(), 0.005);
}

TEST(BasicRw, ProblemsAreAllReported) {
  EXPECT_TRUE(workload_problems(config_of()).empty());
  EXPECT_TRUE(workload_problems(config_of({{"set", 0.5}})).empty());
  const auto problems =
      workload_problems(config_of({{"GTE", 1}, {"SET", -2.5}, {"GET", 0}, {"get", 0}}));
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_EQ(problems[0].path, "workload.weights.GTE");
  EXPECT_EQ(problems[0].allowed, "a command of basic_rw: SET, GET, DEL, INCR");
  EXPECT_EQ(problems[1].path, "workload.weights.SET");
  EXPECT_EQ(problems[1].given, "-2.5");
  EXPECT_EQ(problems[1].allowed, "a number of at least 0");
  EXPECT_EQ(problems[2].allowed, "each command once");
  const auto zero = workload_problems(config_of({{"SET", 0}, {"GET", 0}}));
  ASSERT_EQ(zero.size(), 1u);
  EXPECT_EQ(zero[0].path, "workload.weights");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(workload_problems(config_of({{"SET", nan}})).empty());
}

}  // namespace
}  // namespace redisload
