// The workloads that are tables of templates: mixes, prefill, cleanup, hits and misses.
#include "redisload/workload/template_mix.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "redisload/workload/workload_registry.hpp"
#include "support/command_words.hpp"
#include "support/statistics.hpp"

namespace redisload {
namespace {

using test::words_of;

NoWorkloadEvents no_events;

class CountedEvents final : public WorkloadEvents {
 public:
  void tally(std::uint16_t number, std::uint64_t times) override { tallies[number] += times; }
  void series(std::uint16_t, std::int64_t) override {}
  std::map<std::uint16_t, std::uint64_t> tallies;
};

RunConfig config_of(const std::string& name) {
  RunConfig config;
  config.workload.name = name;
  config.keys.count = 100;
  return config;
}

RunConfig custom(std::vector<CommandConfig> commands) {
  RunConfig config = config_of("custom");
  config.workload.commands = std::move(commands);
  return config;
}

std::vector<std::string> encoded(OperationStream& stream, const OperationRequest& request) {
  OutputBuffer out;
  stream.encode(request, out);
  return words_of(std::string(out.view()));
}

const std::vector<std::string> kTables{"basic_rw",       "high_throughput",       "list_operations",
                                       "set_operations", "sorted_set_operations", "hash_operations",
                                       "pipeline"};

TEST(Mixes, FollowTheirWeights) {
  for (const std::string& name : kTables) {
    std::vector<double> weights;
    double sum = 0;
    for (const WorkloadKind& kind : workload_kinds()) {
      if (kind.name != name) continue;
      for (const MixCommand& command : kind.commands) weights.push_back(command.weight);
    }
    for (const double weight : weights) sum += weight;
    for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
      const auto workload = make_workload(config_of(name), seed);
      const auto stream = workload->stream(0, 50, no_events);
      std::vector<double> observed(weights.size());
      std::vector<double> expected;
      for (int i = 0; i < 50'000; ++i) observed.at(stream->next().label) += 1;
      for (const double weight : weights) expected.push_back(50'000 * weight / sum);
      EXPECT_GT(test::chi_square_p(observed, expected), 1e-4) << name << " seed " << seed;
    }
  }
}

TEST(Mixes, EveryDataTypeHasAPrefixOfItsOwn) {
  const std::map<std::string, std::string> prefixes{{"list_operations", "redisload:list:"},
                                                    {"set_operations", "redisload:set:"},
                                                    {"sorted_set_operations", "redisload:zset:"},
                                                    {"hash_operations", "redisload:hash:"},
                                                    {"high_throughput", "redisload:string:"}};
  for (const auto& [name, prefix] : prefixes) {
    const auto workload = make_workload(config_of(name), 1);
    const auto stream = workload->stream(0, 1, no_events);
    for (int i = 0; i < 200; ++i) {
      const auto words = encoded(*stream, stream->next());
      EXPECT_TRUE(words.at(1).starts_with(prefix)) << words.at(1);
    }
  }
}

TEST(Mixes, PrefillWritesEveryKeyOnceWithAllItsElements) {
  const std::map<std::string, std::pair<std::string, std::size_t>> expected{
      {"list_operations", {"RPUSH", 2 + 20}},
      {"set_operations", {"SADD", 2 + 20}},
      {"sorted_set_operations", {"ZADD", 2 + 40}},
      {"hash_operations", {"HSET", 2 + 40}}};
  for (const auto& [name, shape] : expected) {
    RunConfig config = config_of(name);
    config.workload.options = {{"elements", 20}};
    const auto workload = make_workload(config, 1);
    ASSERT_EQ(workload->prefill_count(), 100u);
    EXPECT_EQ(workload->prefill_labels().at(0).command, shape.first);
    std::set<std::string> keys;
    for (std::uint64_t i = 0; i < 100; ++i) {
      OutputBuffer out;
      workload->encode_prefill(workload->prefill(i), out);
      const auto words = words_of(std::string(out.view()));
      EXPECT_EQ(words.at(0), shape.first);
      EXPECT_EQ(words.size(), shape.second);
      keys.insert(words.at(1));
    }
    EXPECT_EQ(keys.size(), 100u);
    EXPECT_EQ(workload->cleanup_count(), 100u);
  }
}

TEST(Mixes, ElementsOfTheMixAreThoseOfThePrefill) {
  RunConfig config = config_of("set_operations");
  config.workload.options = {{"elements", 3}};
  config.workload.weights = {{"SADD", 1}};
  const auto workload = make_workload(config, 1);
  const auto stream = workload->stream(0, 1, no_events);
  std::set<std::string> members;
  for (int i = 0; i < 200; ++i) members.insert(encoded(*stream, stream->next()).at(2));
  EXPECT_EQ(members, (std::set<std::string>{"member:000000", "member:000001", "member:000002"}));
}

TEST(CustomCommands, MixTypesWithoutMeetingAWrongOne) {
  const auto workload = make_workload(custom({{"GET {key}", 3, {}},
                                              {"LPUSH {key} {value}", 1, {}},
                                              {"INCR {key}", 1, {}},
                                              {"EXPIRE {key} 10", 1, {}}}),
                                      1);
  EXPECT_EQ(workload->labels().size(), 4u);
  EXPECT_EQ(workload->prefill_count(), 200u);  // strings and lists; counters need none
  const auto stream = workload->stream(0, 1, no_events);
  for (int i = 0; i < 300; ++i) {
    const auto words = encoded(*stream, stream->next());
    const std::string prefix = words[0] == "LPUSH"  ? "redisload:list:"
                               : words[0] == "INCR" ? "redisload:counter:"
                                                    : "redisload:string:";
    EXPECT_TRUE(words.at(1).starts_with(prefix)) << words[0] << " " << words[1];
  }
}

TEST(CustomCommands, AreLabelledByCommandOrName) {
  const auto workload = make_workload(
      custom({{"SET {key} {value}", 1, {}}, {"set {key} x", 1, {}}, {"GET {key}", 1, "read"}}), 1);
  EXPECT_EQ(workload->labels().at(0).name, "SET");
  EXPECT_EQ(workload->labels().at(1).name, "SET#2");
  EXPECT_EQ(workload->labels().at(1).command, "SET");
  EXPECT_EQ(workload->labels().at(2).name, "read");
  EXPECT_EQ(workload->labels().at(2).command, "GET");
}

TEST(CustomCommands, EveryProblemIsReportedWithItsPlace) {
  const auto problems = workload_problems(
      custom({{"GET {ky}", 1, {}}, {"SET {key} {int:9:1}", -1, {}}, {"", 1, {}}}));
  ASSERT_EQ(problems.size(), 4u);
  EXPECT_EQ(problems[0].path, "commands[0]");
  EXPECT_TRUE(problems[0].allowed.starts_with("at character 5:")) << problems[0].allowed;
  EXPECT_EQ(problems[1].path, "commands[1]");
  EXPECT_TRUE(problems[1].allowed.starts_with("at character 16:")) << problems[1].allowed;
  EXPECT_EQ(problems[2].path, "commands[1].weight");
  EXPECT_EQ(problems[3].path, "commands[2]");
  EXPECT_EQ(workload_problems(custom({})).size(), 1u);
}

TEST(CustomCommands, WhatChangesAConnectionIsRefused) {
  for (const char* text :
       {"SUBSCRIBE a", "monitor", "CLIENT REPLY OFF", "MULTI", "watch {key}", "QUIT", "HELLO 3"}) {
    const auto problems = workload_problems(custom({{text, 1, {}}}));
    ASSERT_EQ(problems.size(), 1u) << text;
    EXPECT_EQ(problems[0].path, "commands[0]");
  }
  EXPECT_TRUE(
      workload_problems(custom({{"CLIENT ID", 1, {}}, {"PUBLISH a {value}", 1, {}}})).empty());
}

TEST(HitRatio, SoManyReadsAskForKeysThatAreThere) {
  RunConfig config = config_of("basic_rw");
  config.hit_ratio = 0.8;
  const auto workload = make_workload(config, 7);
  const auto stream = workload->stream(0, 1, no_events);
  double reads = 0;
  double inside = 0;
  for (int i = 0; i < 200'000; ++i) {
    const OperationRequest request = stream->next();
    const std::string& label = workload->labels()[request.label].name;
    if (label == "GET") {
      reads += 1;
      inside += request.key < 100 ? 1 : 0;
    }
    if (label == "SET") {
      EXPECT_LT(request.key, 100u);
    }
    if (label == "DEL") {
      EXPECT_GE(request.key, 999'999'999'900u) << "would take away what reads are to find";
    }
  }
  EXPECT_NEAR(inside / reads, 0.8, 0.01);
  EXPECT_DOUBLE_EQ(workload->expected_miss_share(), 1 - 0.8);
}

TEST(VerifiedContent, ForeignBytesAreCounted) {
  RunConfig config = config_of("basic_rw");
  config.values.size_bytes = 64;
  config.values.content = ValueContent::verified;
  config.workload.weights = {{"SET", 1}, {"GET", 1}};
  const auto workload = make_workload(config, 7);
  CountedEvents events;
  const auto stream = workload->stream(0, 1, events);
  OperationRequest request;
  do request = stream->next();
  while (workload->labels()[request.label].name != "SET");
  std::string value = encoded(*stream, request).at(2);
  OperationRequest get = request;
  get.label = 1;
  const auto answer = [&](const std::string& bytes) {
    ReplySink* sink = stream->parts(get);
    sink->element('$', static_cast<std::int64_t>(bytes.size()), false, 0);
    sink->bytes(std::string_view(bytes).substr(0, 10));
    sink->bytes(std::string_view(bytes).substr(10));
    return stream->read(get, Reply{'$', false, static_cast<std::int64_t>(bytes.size()), {}});
  };
  EXPECT_EQ(answer(value).hits, 1u);
  EXPECT_EQ(events.tallies[0], 0u);
  value[40] = static_cast<char>(value[40] + 1);
  EXPECT_EQ(answer(value).hits, 1u);
  EXPECT_EQ(events.tallies[0], 1u);
  answer(std::string(1000, 'x'));
  EXPECT_EQ(events.tallies[0], 2u);
}

TEST(Reading, ElementsOfAnMgetCountOneByOne) {
  const auto workload = make_workload(custom({{"MGET {key} {key} {key}", 1, {}}}), 1);
  const auto stream = workload->stream(0, 1, no_events);
  OperationRequest request = stream->next();
  ReplySink* sink = stream->parts(request);
  ASSERT_NE(sink, nullptr);
  sink->element('*', 3, false, 0);
  sink->element('$', 1, false, 1);
  sink->bytes("x");
  sink->element('$', -1, true, 1);
  sink->element('$', 0, false, 1);
  const ReplyMeaning meaning = stream->read(request, Reply{'*', false, 3, {}});
  EXPECT_EQ(meaning.hits, 2u);
  EXPECT_EQ(meaning.misses, 1u);
}

TEST(Expiry, EveryLifetimeLiesInItsRange) {
  RunConfig config = config_of("high_throughput");
  config.values.ttl = std::chrono::seconds(10);
  config.values.ttl_max = std::chrono::seconds(20);
  config.values.ttl_jitter = 0.1;
  config.workload.weights = {{"SET", 1}};
  const auto workload = make_workload(config, 7);
  const auto stream = workload->stream(0, 1, no_events);
  long lowest = 1'000'000;
  long highest = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto words = encoded(*stream, stream->next());
    ASSERT_EQ(words.at(3), "PX");
    const long ms = std::stol(words.at(4));
    lowest = std::min(lowest, ms);
    highest = std::max(highest, ms);
  }
  EXPECT_GE(lowest, 9000);
  EXPECT_LT(lowest, 9100);
  EXPECT_LE(highest, 22'000);
  EXPECT_GT(highest, 21'900);
  EXPECT_DOUBLE_EQ(workload->expected_miss_share(), 0.0) << "nothing is read";
}

TEST(Options, UnknownOnesAndWrongValuesAreRefused) {
  RunConfig config = config_of("list_operations");
  config.workload.options = {{"elemnts", 3}, {"elements", 0}};
  const auto problems = workload_problems(config);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].path, "workload.options.elemnts");
  EXPECT_EQ(problems[1].path, "workload.options.elements");
}

TEST(DataProblems, ShapesThatDoNotFitAreRefused) {
  RunConfig config = config_of("basic_rw");
  config.values.content = ValueContent::verified;
  config.values.size_bytes = 15;
  config.keys.length_bytes = 8;
  auto problems = workload_problems(config);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].path, "keys.length_bytes");
  EXPECT_EQ(problems[1].path, "values.size_bytes");
  config = config_of("basic_rw");
  config.values.sizes = "5-3";
  problems = workload_problems(config);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].path, "values.sizes");
}

}  // namespace
}  // namespace redisload
