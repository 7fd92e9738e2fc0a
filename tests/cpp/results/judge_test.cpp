// Verdicts, validity and warnings, on results made by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "redisload/base/time_source.hpp"
#include "redisload/results/run_results.hpp"

namespace redisload {
namespace {

// A run of 10 s that offered and answered 10,000 operations, at ease on both sides.
class JudgeTest : public ::testing::Test {
 protected:
  JudgeTest() {
    OperationCounts& c = counts();
    c.offered = c.issued = c.succeeded = c.attempts = 10'000;
    observed().window_ns = 10 * kSecond;
    observed().worker_busy = {0.3, 0.4};
    observed().server_cpu = 0.4;
    for (int i = 0; i < 10'000; ++i) {
      results_.metrics.totals.response_time.record(kMillisecond);
      results_.metrics.lateness.record(kMicrosecond);
    }
  }
  OperationCounts& counts() { return results_.metrics.totals.counts; }
  Observations& observed() { return results_.observed; }
  void open_loop() { observed().closed_loop = false; }
  void judged() {
    results_.warnings.clear();
    results_.valid = true;
    judge(results_);
  }
  std::string verdict() {
    judged();
    return results_.verdict;
  }
  bool warned(const std::string& code) const {
    return std::any_of(results_.warnings.begin(), results_.warnings.end(),
                       [&](const Warning& one) { return one.code == code; });
  }
  // n of the offered operations never sent.
  void not_sent(std::uint64_t n) {
    counts().not_sent = n;
    counts().issued = counts().succeeded = counts().offered - n;
  }

  RunResults results_;
};

TEST_F(JudgeTest, NothingToSay) {
  for (const bool closed : {true, false}) {
    observed().closed_loop = closed;
    judged();
    EXPECT_TRUE(results_.valid);
    EXPECT_TRUE(results_.warnings.empty()) << results_.warnings.front().code;
  }
}

TEST_F(JudgeTest, VerdictOfAClosedLoop) {
  EXPECT_EQ(verdict(), "unsaturated");
  observed().worker_busy = {0.2, 0.95};
  EXPECT_EQ(verdict(), "client-bound");
  observed().server_cpu = 0.97;
  EXPECT_EQ(verdict(), "server-bound");
  observed().worker_busy = {0.3};
  EXPECT_EQ(verdict(), "server-bound");
  observed().server_cpu = 0.8;
  EXPECT_EQ(verdict(), "server-bound");
  observed().worker_busy = {0.85};
  EXPECT_EQ(verdict(), "client-bound");
}

TEST_F(JudgeTest, VerdictWithoutTheServersTimes) {
  observed().server_cpu.reset();
  EXPECT_EQ(verdict(), "server-bound");  // the client mostly waited
  observed().worker_busy = {0.6};
  EXPECT_EQ(verdict(), "unknown");
  observed().worker_busy = {0.93};
  EXPECT_EQ(verdict(), "client-bound");
}

TEST_F(JudgeTest, VerdictOfAnOpenLoop) {
  open_loop();
  EXPECT_EQ(verdict(), "unsaturated");
  observed().server_cpu = 0.95;
  EXPECT_EQ(verdict(), "unsaturated");  // busy, and it held the rate
  not_sent(2'000);
  EXPECT_EQ(verdict(), "server-bound");
  observed().server_cpu = 0.3;
  observed().worker_busy = {0.95};
  EXPECT_EQ(verdict(), "client-bound");
}

TEST_F(JudgeTest, WithoutAnAnswerNothingIsKnown) {
  counts().succeeded = 0;
  counts().lost = 10'000;
  EXPECT_EQ(verdict(), "unknown");
  EXPECT_FALSE(results_.valid);
  EXPECT_TRUE(warned("nothing_succeeded"));
}

TEST_F(JudgeTest, RateNotReached) {
  open_loop();
  not_sent(101);
  judged();
  EXPECT_FALSE(results_.valid);
  EXPECT_TRUE(warned("rate_not_reached"));
  not_sent(99);
  judged();
  EXPECT_TRUE(results_.valid);
}

TEST_F(JudgeTest, AClosedLoopHasNoRateToReach) {
  not_sent(4'000);
  judged();
  EXPECT_TRUE(results_.valid);
}

TEST_F(JudgeTest, SilenceToTheEndIsAnUnresponsiveTarget) {
  for (const bool closed : {true, false}) {
    observed().closed_loop = closed;
    observed().silent_at_end_ns = 2 * kSecond;
    counts().lost = 50;
    counts().succeeded = counts().issued - 50;
    judged();
    EXPECT_FALSE(results_.valid);
    EXPECT_TRUE(warned("target_unresponsive"));
    EXPECT_FALSE(warned("rate_not_reached"));
  }
}

TEST_F(JudgeTest, LostMessagesAreAWarning) {
  results_.metrics.counters = {{"delivered", 10}, {"lost", 0}};
  judged();
  EXPECT_FALSE(warned("messages_lost"));
  results_.metrics.counters["lost"] = 3;
  judged();
  EXPECT_TRUE(warned("messages_lost"));
  EXPECT_TRUE(results_.valid);
}

TEST_F(JudgeTest, SilenceThatLeftNothingOpenIsNone) {
  observed().silent_at_end_ns = 2 * kSecond;
  judged();
  EXPECT_TRUE(results_.valid);
}

// Frozen in mid-run and worked off: the backlog rose and fell, everything was sent.
TEST_F(JudgeTest, AFreezeThatWasWorkedOffIsValid) {
  open_loop();
  observed().backlog = {0, 1'000, 0};
  results_.metrics.totals.response_time.record(kSecond);
  judged();
  EXPECT_TRUE(results_.valid);
  EXPECT_TRUE(results_.warnings.empty());
}

TEST_F(JudgeTest, ABacklogThatGrowsToTheEndInvalidates) {
  open_loop();
  not_sent(80);
  observed().backlog = {20, 40, 60};
  judged();
  EXPECT_FALSE(results_.valid);
  EXPECT_TRUE(warned("backlog_grows"));
  observed().backlog = {20, 70, 60};
  judged();
  EXPECT_TRUE(results_.valid);
}

TEST_F(JudgeTest, LatenessOfTheMedianInvalidates) {
  open_loop();
  for (int i = 0; i < 20'000; ++i) results_.metrics.lateness.record(2 * kMillisecond);
  judged();
  EXPECT_FALSE(results_.valid);
  EXPECT_TRUE(warned("client_late"));
  observed().closed_loop = true;
  judged();
  EXPECT_TRUE(results_.valid);
}

TEST_F(JudgeTest, LatenessOfTheTailIsAWarningWithTheStealTime) {
  open_loop();
  for (int i = 0; i < 200; ++i) results_.metrics.lateness.record(kMillisecond / 5);
  observed().steal_share = 0.25;
  judged();
  EXPECT_TRUE(results_.valid);
  ASSERT_TRUE(warned("lateness"));
  EXPECT_NE(results_.warnings.front().message.find("25.0 %"), std::string::npos);
}

TEST_F(JudgeTest, UnexpectedMisses) {
  counts().hits = 446'000;
  counts().misses = 54'000;
  observed().expected_miss_share = 0.1;
  observed().keyspace = 1'000'000;
  judged();
  EXPECT_FALSE(warned("unexpected_misses"));
  counts().misses = 60'000;
  judged();
  EXPECT_TRUE(warned("unexpected_misses"));
  EXPECT_TRUE(results_.valid);
  // Of so few keys as many may be gone by chance.
  observed().keyspace = 300;
  judged();
  EXPECT_FALSE(warned("unexpected_misses"));
  counts().misses = 120'000;
  judged();
  EXPECT_TRUE(warned("unexpected_misses"));
}

TEST_F(JudgeTest, PrefillMustBeWhole) {
  observed().prefill_ran = true;
  observed().keys_expected = 100;
  observed().prefilled = 100;
  observed().keys_found = 100;
  judged();
  EXPECT_FALSE(warned("prefill_incomplete"));
  observed().keys_found = 130;  // others' keys
  judged();
  EXPECT_FALSE(warned("prefill_incomplete"));
  observed().keys_found = 99;
  judged();
  EXPECT_TRUE(warned("prefill_incomplete"));
  observed().keys_found.reset();
  observed().prefilled = 99;
  judged();
  EXPECT_TRUE(warned("prefill_incomplete"));
}

TEST_F(JudgeTest, WhatElseIsToBeKnown) {
  observed().threads_reduced = true;
  observed().evicted_keys = 5;
  observed().control_lost = true;
  results_.metrics.samples_dropped = 3;
  judged();
  for (const char* code :
       {"threads_reduced", "evictions", "control_unavailable", "samples_dropped"})
    EXPECT_TRUE(warned(code)) << code;
  EXPECT_TRUE(results_.valid);
}

TEST_F(JudgeTest, KeysThatAnInterruptLeftBehind) {
  results_.stop_reason = StopReason::interrupted;
  judged();
  EXPECT_FALSE(warned("cleanup_skipped"));
  observed().cleanup_asked = true;
  judged();
  EXPECT_TRUE(warned("cleanup_skipped"));
  results_.stop_reason = StopReason::stopped;  // no hurry: the keys are removed
  judged();
  EXPECT_FALSE(warned("cleanup_skipped"));
}

TEST(StopReasonText, NamesThemAll) {
  EXPECT_EQ(to_string(StopReason::duration), "duration");
  EXPECT_EQ(to_string(StopReason::max_errors), "max_errors");
  EXPECT_EQ(to_string(StopReason::target_lost), "target_lost");
}

}  // namespace
}  // namespace redisload
