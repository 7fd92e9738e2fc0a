// script: EVALSHA, and EVAL where the server does not know it.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/stream_rig.hpp"

namespace redisload {
namespace {

using test::StreamRig;
using test::Words;
using Counts = std::map<std::string, std::uint64_t>;

RunConfig config_of() {
  RunConfig config;
  config.workload.name = "script";
  config.keys.count = 100;
  config.values.size_bytes = 8;
  return config;
}

Words prefilled(const Workload& workload, std::uint64_t index) {
  OutputBuffer out;
  workload.encode_prefill(workload.prefill(index), out);
  return test::commands_in(out.view()).at(0);
}

// SHA-1 of a known text: FIPS 180-1, Appendix A ("abc").
TEST(Script, IsNamedByItsSha1) {
  RunConfig config = config_of();
  config.workload.script = "abc";
  StreamRig rig(make_workload(config, 1));
  const auto words = rig.commands(rig.next("EVALSHA")).at(0);
  ASSERT_EQ(words.size(), 5u);
  EXPECT_EQ(words[0], "EVALSHA");
  EXPECT_EQ(words[1], "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(words[2], "1");
  EXPECT_EQ(words[3].substr(0, 17), "redisload:string:");
  EXPECT_EQ(words[4].size(), 8u);
}

TEST(Script, PrefillLoadsItFirstAndWritesEachKey) {
  RunConfig config = config_of();
  const std::string text = "return {KEYS[1], '\"', ARGV[1]}\n-- { } \\ \xc3\xa9";
  config.workload.script = text;
  const auto workload = make_workload(config, 1);
  ASSERT_EQ(workload->prefill_count(), 101u);
  EXPECT_EQ(workload->prefill_keys(), 100u);
  EXPECT_EQ(prefilled(*workload, 0), (Words{"SCRIPT", "LOAD", text}));
  EXPECT_EQ(workload->prefill_labels().at(0).command, "SCRIPT|LOAD");
  EXPECT_EQ(prefilled(*workload, 1).at(1), "redisload:string:000000000000");
  EXPECT_EQ(prefilled(*workload, 100).at(1), "redisload:string:000000000099");
  EXPECT_EQ(workload->cleanup_count(), 100u);
}

TEST(Script, WhereItIsNotKnownItsTextFollows) {
  const auto workload = make_workload(config_of(), 1);
  StreamRig rig(workload);
  OperationRequest request = rig.next("EVALSHA");
  const Words by_hash = rig.commands(request).at(0);
  auto played = rig.play(request, "-NOSCRIPT No matching script. Please use EVAL.\r\n");
  EXPECT_FALSE(played.failed);
  EXPECT_EQ(played.hits + played.misses, 0u);
  ASSERT_EQ(played.next.kind, NextStep::Kind::another_command);
  EXPECT_EQ(rig.tallied(), (Counts{{"sent EVALSHA", 1}, {"noscript", 1}}));

  const Words by_text = rig.commands(request).at(0);
  EXPECT_EQ(by_text[0], "EVAL");
  EXPECT_EQ(by_text[1], prefilled(*workload, 0).at(2));
  EXPECT_EQ(Words(by_text.begin() + 2, by_text.end()), Words(by_hash.begin() + 2, by_hash.end()));
  played = rig.play(request, "$-1\r\n");
  EXPECT_FALSE(played.failed);
  EXPECT_EQ(played.misses, 1u);
  EXPECT_EQ(played.next.kind, NextStep::Kind::done);
  EXPECT_EQ(rig.tallied(), (Counts{{"sent EVAL", 1}, {"in_script GET", 1}, {"in_script SET", 1}}));
}

TEST(Script, WhatItCallsIsTalliedAsFarAsItCame) {
  const auto tallied = [](const std::string& reply) {
    StreamRig rig(make_workload(config_of(), 1));
    OperationRequest request = rig.next("EVALSHA");
    const auto played = rig.play(request, reply);
    EXPECT_EQ(played.failed, reply[0] == '-');
    EXPECT_EQ(played.next.kind, NextStep::Kind::done);
    Counts counts = rig.tallied();
    counts.erase("sent EVALSHA");
    return counts;
  };
  const Counts both{{"in_script GET", 1}, {"in_script SET", 1}};
  EXPECT_EQ(tallied("$8\r\nabcdefgh\r\n"), both);
  EXPECT_EQ(tallied("-WRONGTYPE Operation against a key. script: ab, on @user_script:1.\r\n"),
            (Counts{{"in_script GET", 1}}));
  EXPECT_EQ(tallied("-OOM command not allowed. script: ab, on @user_script:5.\r\n"), both);
  EXPECT_EQ(tallied("-NOPERM this user has no permissions to run 'evalsha'\r\n"), Counts{});
}

TEST(Script, OfOnesOwnMayAnswerAnythingAndCallAnything) {
  RunConfig config = config_of();
  config.workload.script = "return redis.call('INCR', 'a')";
  const auto workload = make_workload(config, 1);
  EXPECT_FALSE(workload->labels().at(0).reads_keys);
  StreamRig rig(workload);
  OperationRequest request = rig.next("EVALSHA");
  const auto played = rig.play(request, "*2\r\n:1\r\n$-1\r\n");
  EXPECT_FALSE(played.failed);
  EXPECT_EQ(played.hits + played.misses, 0u);
  EXPECT_EQ(rig.tallied(), (Counts{{"sent EVALSHA", 1}}));
}

TEST(Script, ATimeToLiveIsItsSecondArgument) {
  RunConfig config = config_of();
  config.values.ttl = std::chrono::milliseconds(1500);
  StreamRig rig(make_workload(config, 1));
  const auto words = rig.commands(rig.next("EVALSHA")).at(0);
  ASSERT_EQ(words.size(), 6u);
  EXPECT_EQ(words[5], "1500");
}

TEST(Script, ProblemsAreReported) {
  RunConfig config = config_of();
  config.workload.script = "";
  EXPECT_EQ(workload_problems(config).at(0).path, "workload.script");
  config.workload.script = "return 1";
  EXPECT_TRUE(workload_problems(config).empty());
  config.workload.name = "basic_rw";
  EXPECT_EQ(workload_problems(config).at(0).path, "workload.script");
}

}  // namespace
}  // namespace redisload
