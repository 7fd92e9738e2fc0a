// stream_operations: what is sent, what is read out of XREADGROUP's replies, what is acknowledged.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "redisload/workload/stream_entries.hpp"
#include "support/statistics.hpp"
#include "support/stream_rig.hpp"

namespace redisload {
namespace {

using test::StreamRig;
using test::Words;
using Counts = std::map<std::string, std::uint64_t>;

RunConfig config_of(std::vector<std::pair<std::string, double>> options = {}) {
  RunConfig config;
  config.workload.name = "stream_operations";
  config.workload.options = std::move(options);
  config.keys.count = 4;
  config.values.size_bytes = 8;
  return config;
}

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

// What XREADGROUP answers: entries of one stream, each sent at the time given.
std::string entries(int protocol, const std::vector<std::pair<std::string, std::int64_t>>& all) {
  std::string text = protocol == 3 ? "%1\r\n" : "*1\r\n*2\r\n";
  text += bulk("redisload:stream:000000000001") + "*" + std::to_string(all.size()) + "\r\n";
  for (const auto& [id, sent_ns] : all) {
    text += "*2\r\n" + bulk(id) + "*4\r\n" + bulk("sent") + bulk(std::to_string(sent_ns)) +
            bulk("value") + bulk("12-34567");
  }
  return text;
}

std::int64_t now_ns() { return MonotonicClock().now_ns(); }

TEST(StreamOperations, AnEntryCarriesWhenItWasSent) {
  StreamRig rig(make_workload(config_of(), 1));
  const OperationRequest request = rig.next("XADD");
  const std::int64_t before_ns = now_ns();
  const Words words = rig.commands(request).at(0);
  ASSERT_EQ(words.size(), 10u);
  EXPECT_EQ(Words(words.begin() + 2, words.begin() + 7),
            (Words{"MAXLEN", "~", "100000", "*", "sent"}));
  EXPECT_EQ(words[1].substr(0, 17), "redisload:stream:");
  EXPECT_GE(std::stoll(words[7]), before_ns);  // of its encoding, not of its drawing
  EXPECT_LE(std::stoll(words[7]), now_ns());
  EXPECT_EQ(words[8], "value");
  EXPECT_EQ(words[9].size(), 8u);
}

TEST(StreamOperations, OptionsAreFollowed) {
  StreamRig rig(make_workload(config_of({{"maxlen", 0}, {"count", 3}, {"groups", 5}}), 1), 17);
  EXPECT_EQ(rig.commands(rig.next("XADD")).at(0).at(2), "*");
  std::set<std::string> groups;
  for (int i = 0; i < 200; ++i) {
    const Words words = rig.commands(rig.next("XREADGROUP")).at(0);
    ASSERT_EQ(words.size(), 9u);
    EXPECT_EQ(words[1], "GROUP");
    groups.insert(words[2]);
    EXPECT_EQ(Words(words.begin() + 3, words.begin() + 7), (Words{"c17", "COUNT", "3", "STREAMS"}));
    EXPECT_EQ(words[8], ">");
  }
  EXPECT_EQ(groups, (std::set<std::string>{"g0", "g1", "g2", "g3", "g4"}));
}

TEST(StreamOperations, SeveralInFlightKeepTheirOwnBytes) {
  RunConfig config = config_of();
  config.pipeline = 6;
  StreamRig rig(make_workload(config, 1));
  std::vector<OperationRequest> requests;
  std::vector<std::vector<Words>> first;
  for (int i = 0; i < 6; ++i) {
    requests.push_back(rig.stream->next());
    first.push_back(rig.commands(requests.back()));
  }
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(rig.commands(requests[i]), first[i]);
}

TEST(StreamOperations, WhatIsReadIsTimedAndAcknowledgedOnce) {
  for (const int protocol : {2, 3}) {
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{5}, SIZE_MAX}) {
      StreamRig rig(make_workload(config_of({{"count", 3}}), 1));
      OperationRequest read = rig.next("XREADGROUP");
      const std::string key = rig.commands(read).at(0).at(7);
      const std::int64_t start_ns = now_ns();
      const auto played = rig.play(read,
                                   entries(protocol, {{"1700000000000-0", start_ns},
                                                      {"1700000000000-1", start_ns + 1000},
                                                      {"1700000000007-123", start_ns + 2000}}),
                                   chunk, start_ns + 5000);
      EXPECT_FALSE(played.failed);
      EXPECT_EQ(played.hits, 1u);
      EXPECT_EQ(played.misses, 0u);
      EXPECT_EQ(rig.tallied(), (Counts{{"delivered", 3}}));
      EXPECT_EQ(rig.timed(), (std::vector<std::int64_t>{5000, 4000, 3000}));

      OperationRequest acknowledge = rig.next("XACK");
      EXPECT_EQ(rig.commands(acknowledge).at(0), (Words{"XACK", key, "g0", "1700000000000-0",
                                                        "1700000000000-1", "1700000000007-123"}));
      EXPECT_FALSE(rig.play(acknowledge, ":3\r\n").failed);
      EXPECT_EQ(rig.tallied(), (Counts{{"acknowledged", 3}}));

      const Words nothing = rig.commands(rig.next("XACK")).at(0);
      EXPECT_EQ(Words(nothing.begin() + 2, nothing.end()), (Words{"g0", "0-1"}));
    }
  }
}

TEST(StreamOperations, EntriesFromBeforeTheRunAreNotTimed) {
  const std::int64_t before_ns = now_ns();
  StreamRig rig(make_workload(config_of(), 1));
  OperationRequest read = rig.next("XREADGROUP");
  rig.play(read, entries(2, {{"1-0", before_ns}, {"2-0", before_ns + 3'600'000'000'000}}), SIZE_MAX,
           now_ns());
  EXPECT_EQ(rig.tallied(), (Counts{{"delivered", 2}}));
  EXPECT_TRUE(rig.timed().empty());
}

TEST(StreamOperations, NothingNewIsAMiss) {
  for (const std::string nil : {"*-1\r\n", "_\r\n"}) {
    StreamRig rig(make_workload(config_of(), 1));
    OperationRequest read = rig.next("XREADGROUP");
    const auto played = rig.play(read, nil);
    EXPECT_FALSE(played.failed);
    EXPECT_EQ(played.hits, 0u);
    EXPECT_EQ(played.misses, 1u);
    EXPECT_EQ(rig.tallied(), Counts{});
  }
}

TEST(StreamOperations, AnAcknowledgementIsOfOneStreamAndAtMostCount) {
  const auto workload = make_workload(config_of({{"count", 2}}), 1);
  StreamRig rig(workload);
  using Entries = std::vector<std::pair<std::string, std::string>>;  // key, id
  Entries delivered;
  Entries acknowledged;
  int number = 0;
  const auto acknowledge = [&](const Words& words) {
    EXPECT_LE(words.size(), 5u);
    for (std::size_t i = 3; i < words.size() && words[i] != "0-1"; ++i)
      acknowledged.emplace_back(words[1], words[i]);
    return words.at(3) != "0-1";
  };
  for (int i = 0; i < 1000; ++i) {
    OperationRequest request = rig.stream->next();
    const Words words = rig.commands(request).at(0);
    if (words[0] == "XACK") acknowledge(words);
    if (words[0] != "XREADGROUP") continue;
    std::vector<std::pair<std::string, std::int64_t>> some;
    for (int k = 0; k <= i % 2; ++k) {
      some.emplace_back(std::to_string(1000 + number++) + "-7", 1);
      delivered.emplace_back(words.at(7), some.back().first);
    }
    rig.play(request, entries(2, some));
  }
  while (acknowledge(rig.commands(rig.next("XACK")).at(0))) {
  }
  EXPECT_GT(delivered.size(), 300u);
  EXPECT_EQ(acknowledged, delivered);
}

TEST(StreamEntries, WhatIsKeptForAcknowledgementIsBounded) {
  Unacknowledged kept;
  for (std::uint64_t i = 0; i < 100; ++i) {
    kept.push({{i, 0}, 0, 0});
    if (i % 3 == 0) kept.pop();
  }
  EXPECT_EQ(kept.size(), 66u);
  for (std::uint64_t i = 100; i < 10'000; ++i) kept.push({{i, 0}, 0, 0});
  ASSERT_EQ(kept.size(), Unacknowledged::kMost);
  for (std::uint64_t i = 34; !kept.empty(); ++i, kept.pop()) ASSERT_EQ(kept.front().id.ms, i);
}

TEST(StreamOperations, ReportIsOfTheWholeRunByGroup) {
  const auto workload = make_workload(config_of(), 1);
  StreamRig one(workload, 0), other(workload, 1);
  for (StreamRig* rig : {&one, &other}) {
    OperationRequest read = rig->next("XREADGROUP");
    rig->play(read, entries(3, {{"1-0", 1}, {"1-1", 1}}));
  }
  OperationRequest acknowledge = other.next("XACK");
  other.play(acknowledge, ":1\r\n");  // the other was taken by somebody
  const auto report = workload->report({one.stream.get(), other.stream.get()});
  EXPECT_EQ(report.table, "groups");
  ASSERT_EQ(report.rows.size(), 1u);
  EXPECT_EQ(report.rows[0].values,
            (std::vector<std::pair<std::string, std::int64_t>>{
                {"group", 0}, {"delivered", 4}, {"acknowledged", 1}, {"pending", 3}}));
}

TEST(StreamOperations, PrefillMakesTheGroupsOfEveryStream) {
  const auto workload = make_workload(config_of({{"groups", 2}}), 1);
  ASSERT_EQ(workload->prefill_count(), 8u);
  EXPECT_EQ(workload->prefill_keys(), 4u);
  std::set<Words> made;
  for (std::uint64_t i = 0; i < 8; ++i) {
    OutputBuffer out;
    workload->encode_prefill(workload->prefill(i), out);
    made.insert(test::commands_in(out.view()).at(0));
  }
  EXPECT_EQ(made.size(), 8u);
  EXPECT_EQ(*made.begin(),
            (Words{"XGROUP", "CREATE", "redisload:stream:000000000000", "g0", "$", "MKSTREAM"}));
  EXPECT_FALSE(workload->prefill_failed({'-', false, 0, "BUSYGROUP Consumer Group name exists"}));
  EXPECT_TRUE(workload->prefill_failed({'-', false, 0, "WRONGTYPE Operation"}));
  EXPECT_FALSE(workload->prefill_failed({'+', false, 0, "OK"}));
  EXPECT_EQ(workload->cleanup_count(), 4u);
}

TEST(StreamOperations, MixIs40_30_30) {
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
    const auto workload = make_workload(config_of(), seed);
    NoWorkloadEvents events;
    const auto stream = workload->stream(0, 50, events);
    std::vector<double> observed(3);
    for (int i = 0; i < 100'000; ++i) observed.at(stream->next().label) += 1.0;
    EXPECT_GT(test::chi_square_p(observed, {40'000, 30'000, 30'000}), 1e-4);
  }
}

}  // namespace
}  // namespace redisload
