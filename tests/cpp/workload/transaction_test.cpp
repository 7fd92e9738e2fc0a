// transaction: what is sent, what its replies mean, what counts as queued only.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "support/statistics.hpp"
#include "support/stream_rig.hpp"

namespace redisload {
namespace {

using test::StreamRig;
using test::Words;
using Counts = std::map<std::string, std::uint64_t>;

RunConfig config_of() {
  RunConfig config;
  config.workload.name = "transaction";
  config.keys.count = 100;
  config.values.size_bytes = 8;
  return config;
}

StreamRig rig_of(const RunConfig& config = config_of()) {
  return StreamRig(make_workload(config, 1));
}

Words names_of(const std::vector<Words>& commands) {
  Words names;
  for (const Words& words : commands) names.push_back(words.front());
  return names;
}

bool another(const NextStep& step) { return step.kind == NextStep::Kind::another_command; }

TEST(Transaction, BlindOneIsSentTogether) {
  StreamRig rig = rig_of();
  const auto commands = rig.commands(rig.next("MULTI"));
  EXPECT_EQ(names_of(commands), (Words{"MULTI", "SET", "GET", "INCR", "EXEC"}));
  const std::string number = commands[1][1].substr(commands[1][1].size() - 12);
  EXPECT_EQ(commands[1][1], "redisload:string:" + number);
  EXPECT_EQ(commands[2][1], commands[1][1]);
  EXPECT_EQ(commands[3][1], "redisload:counter:" + number);
  EXPECT_EQ(commands[1][2].size(), 8u);
}

TEST(Transaction, KeysOfOneTransactionShareTheirHashTag) {
  RunConfig config = config_of();
  config.keys.hash_tags = 7;
  StreamRig rig = rig_of(config);
  const auto tag = [](const std::string& key) {
    return key.substr(key.find('{'), key.find('}') - key.find('{'));
  };
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) {
    const auto commands = rig.commands(rig.next("MULTI"));
    EXPECT_EQ(tag(commands[1][1]), tag(commands[3][1]));
    seen.insert(tag(commands[1][1]));
  }
  EXPECT_EQ(seen.size(), 7u);
}

TEST(Transaction, AsManyCommandsAreQueuedAsAskedFor) {
  RunConfig config = config_of();
  config.workload.options = {{"queued", 50}};
  StreamRig rig = rig_of(config);
  const auto names = names_of(rig.commands(rig.next("MULTI")));
  ASSERT_EQ(names.size(), 52u);
  EXPECT_EQ(names[49], "SET");
  EXPECT_EQ(names[50], "GET");
  config.workload.options = {{"queued", 51}};
  EXPECT_EQ(workload_problems(config).at(0).path, "workload.options.queued");
}

TEST(Transaction, SetCarriesTheTimeToLive) {
  RunConfig config = config_of();
  config.values.ttl = std::chrono::seconds(3);
  StreamRig rig = rig_of(config);
  const auto commands = rig.commands(rig.next("MULTI"));
  ASSERT_EQ(commands[1].size(), 5u);
  EXPECT_EQ(commands[1][3], "PX");
  EXPECT_EQ(commands[1][4], "3000");
}

TEST(Transaction, BlindOneThatRanIsTallied) {
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
    StreamRig rig = rig_of();
    OperationRequest request = rig.next("MULTI");
    const auto played = rig.play(
        request, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n$8\r\nabcdefgh\r\n:1\r\n",
        chunk);
    EXPECT_FALSE(played.failed);
    EXPECT_EQ(played.hits, 1u);
    EXPECT_EQ(played.misses, 0u);
    EXPECT_FALSE(another(played.next));
    EXPECT_EQ(rig.tallied(), (Counts{{"sent MULTI", 1},
                                     {"sent SET", 1},
                                     {"sent GET", 1},
                                     {"sent INCR", 1},
                                     {"sent EXEC", 1}}));
  }
}

TEST(Transaction, AnErrorInsideExecFailsItWithItsCode) {
  for (const std::string error :
       {"-WRONGTYPE Operation against\r\n", "!15\r\nWRONGTYPE Opera\r\n"}) {
    for (const std::size_t chunk : {std::size_t{1}, SIZE_MAX}) {
      StreamRig rig = rig_of();
      OperationRequest request = rig.next("MULTI");
      const auto played = rig.play(
          request, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n$-1\r\n" + error, chunk);
      EXPECT_TRUE(played.failed);
      EXPECT_EQ(played.error.substr(0, 10), "WRONGTYPE ");
      const Counts tallied = rig.tallied();
      EXPECT_EQ(tallied.count("queued_only SET"), 0u);  // they ran
    }
  }
}

TEST(Transaction, ErrorsOfOneTransactionAreForgottenByTheNext) {
  StreamRig rig = rig_of();
  const std::string queued = "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n$1\r\na\r\n";
  OperationRequest first = rig.next("MULTI");
  EXPECT_TRUE(rig.play(first, queued + "-ERR increment would overflow\r\n").failed);
  OperationRequest second = rig.next("MULTI");
  EXPECT_FALSE(rig.play(second, queued + ":1\r\n").failed);
}

TEST(Transaction, WhatExecRefusedWasQueuedOnly) {
  StreamRig rig = rig_of();
  OperationRequest request = rig.next("MULTI");
  const auto played = rig.play(request,
                               "+OK\r\n-OOM command not allowed\r\n+QUEUED\r\n+QUEUED\r\n"
                               "-EXECABORT Transaction discarded because of previous errors.\r\n");
  EXPECT_TRUE(played.failed);
  EXPECT_EQ(played.error, "OOM command not allowed");
  const Counts tallied = rig.tallied();
  EXPECT_EQ(tallied.at("queued_only GET"), 1u);
  EXPECT_EQ(tallied.at("queued_only INCR"), 1u);
  EXPECT_EQ(tallied.count("queued_only SET"), 0u);  // rejected, so it was not queued
  EXPECT_EQ(tallied.count("conflicts"), 0u);
}

TEST(Transaction, WatchedOneGoesInTwoStages) {
  for (const std::string nil : {"*-1\r\n", "_\r\n", ""}) {
    StreamRig rig = rig_of();
    OperationRequest request = rig.next("WATCH");
    const auto first = rig.commands(request);
    EXPECT_EQ(names_of(first), (Words{"WATCH", "GET"}));
    auto played = rig.play(request, "+OK\r\n$8\r\nabcdefgh\r\n");
    EXPECT_FALSE(played.failed);
    EXPECT_EQ(played.hits, 1u);
    ASSERT_TRUE(another(played.next));
    EXPECT_EQ(rig.tallied(), (Counts{{"sent WATCH", 1}, {"sent GET", 1}}));

    const auto second = rig.commands(request);
    EXPECT_EQ(names_of(second), (Words{"MULTI", "SET", "EXEC"}));
    EXPECT_EQ(second[1][1], first[0][1]);
    EXPECT_EQ(first[1][1], first[0][1]);
    played = rig.play(request, "+OK\r\n+QUEUED\r\n" + (nil.empty() ? "*1\r\n+OK\r\n" : nil));
    EXPECT_FALSE(played.failed);
    EXPECT_FALSE(another(played.next));
    Counts expected{{"sent MULTI", 1}, {"sent SET", 1}, {"sent EXEC", 1}};
    if (!nil.empty()) {
      expected["conflicts"] = 1;
      expected["queued_only SET"] = 1;
    }
    EXPECT_EQ(rig.tallied(), expected);
    EXPECT_EQ(names_of(rig.commands(rig.next("MULTI"))).front(), "MULTI");
  }
}

TEST(Transaction, AMissIsCounted) {
  for (const std::string nil : {"$-1\r\n", "_\r\n"}) {
    StreamRig rig = rig_of();
    OperationRequest request = rig.next("WATCH");
    const auto played = rig.play(request, "+OK\r\n" + nil);
    EXPECT_EQ(played.hits, 0u);
    EXPECT_EQ(played.misses, 1u);
    EXPECT_TRUE(another(played.next));
  }
}

TEST(Transaction, WhatLeavesItsKeyWatchedIsFollowedByUnwatch) {
  for (const bool expired : {false, true}) {
    StreamRig rig = rig_of();
    OperationRequest request = rig.next("WATCH");
    const auto played =
        rig.play(request, expired ? "+OK\r\n$-1\r\n" : "+OK\r\n-WRONGTYPE Operation\r\n", SIZE_MAX,
                 0, expired);
    EXPECT_EQ(played.failed, !expired);
    EXPECT_FALSE(another(played.next));

    OperationRequest other = rig.next("WATCH");
    EXPECT_EQ(names_of(rig.commands(other)), (Words{"UNWATCH", "WATCH", "GET"}));
    EXPECT_TRUE(rig.play(other, "+OK\r\n+OK\r\n-WRONGTYPE Operation\r\n").failed);

    OperationRequest after = rig.next("MULTI");
    EXPECT_EQ(names_of(rig.commands(after)),
              (Words{"UNWATCH", "MULTI", "SET", "GET", "INCR", "EXEC"}));
    rig.tallied();
    EXPECT_FALSE(rig.play(after,
                          "+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
                          "*3\r\n+OK\r\n$1\r\na\r\n:1\r\n")
                     .failed);
    EXPECT_EQ(rig.tallied().at("sent UNWATCH"), 1u);
    EXPECT_EQ(rig.commands(rig.next("MULTI")).size(), 5u);
  }
}

TEST(Transaction, ANewConnectionWatchesNothing) {
  StreamRig rig = rig_of();
  OperationRequest request = rig.next("WATCH");
  rig.play(request, "+OK\r\n-WRONGTYPE Operation\r\n");
  rig.stream->disconnected(0);
  EXPECT_EQ(rig.commands(rig.next("WATCH")).size(), 2u);
}

TEST(Transaction, MixIs70_30) {
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
    const auto workload = make_workload(config_of(), seed);
    NoWorkloadEvents events;
    const auto stream = workload->stream(0, 50, events);
    std::vector<double> observed(2);
    for (int i = 0; i < 100'000; ++i) observed.at(stream->next().label) += 1.0;
    EXPECT_GT(test::chi_square_p(observed, {70'000, 30'000}), 1e-4);
  }
}

TEST(Transaction, WatchIsNotPipelined) {
  RunConfig config = config_of();
  config.pipeline = 2;
  const auto problems = workload_problems(config);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].path, "pipeline");
  EXPECT_NE(problems[0].allowed.find("WATCH"), std::string::npos);
  config.workload.weights = {{"MULTI", 1}};
  EXPECT_TRUE(workload_problems(config).empty());
  config.hit_ratio = 0.5;
  EXPECT_EQ(workload_problems(config).at(0).path, "hit_ratio");
}

TEST(Transaction, PrefillAndCleanup) {
  const auto workload = make_workload(config_of(), 1);
  EXPECT_EQ(workload->prefill_count(), 100u);
  EXPECT_EQ(workload->prefill_keys(), 100u);
  std::set<std::string> cleaned;
  for (std::uint64_t i = 0; i < workload->cleanup_count(); ++i) {
    OutputBuffer out;
    workload->encode_cleanup(workload->cleanup(i), out);
    const auto commands = test::commands_in(out.view());
    EXPECT_EQ(commands.at(0).at(0), "UNLINK");
    cleaned.insert(commands[0].at(1));
  }
  EXPECT_EQ(cleaned.size(), 200u);
  EXPECT_EQ(*cleaned.begin(), "redisload:counter:000000000000");
  EXPECT_EQ(*cleaned.rbegin(), "redisload:string:000000000099");
}

}  // namespace
}  // namespace redisload
