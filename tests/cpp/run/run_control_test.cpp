// What users do to a run: stop, pause, another rate, an error budget; and when it ends.
#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>

#include "redisload/base/error.hpp"
#include "support/run_checks.hpp"

namespace redisload {
namespace {

using namespace std::chrono_literals;
using test::expect_conserved;
using test::finished;
using test::LoadRun;
using test::small_run;
using test::TestServer;

// Until the run has answered operations of its window; false: it never did.
bool under_way(LoadRun& run, std::uint64_t operations = 20) {
  for (std::size_t row = 0; row < 400; ++row) {
    const IntervalRows rows = run.collector().wait_rows(row, 10s);
    if (rows.rows.empty()) return false;
    if (run.results().metrics.totals.counts.succeeded >= operations) return true;
  }
  return false;
}

RunConfig endless(const TestServer& server) {
  RunConfig config = small_run(server);
  config.duration = Duration::zero();
  config.interval = 10ms;
  return config;
}

TEST(RunControl, StopEndsARunWithoutADuration) {
  for (const auto& rate : {std::optional<double>(), std::optional<double>(2'000)}) {
    TestServer server;
    RunConfig config = endless(server);
    config.rate = rate;
    LoadRun run(config);
    ASSERT_TRUE(under_way(run));
    run.stop(StopReason::stopped);
    const RunResults results = finished(run);
    expect_conserved(results);
    EXPECT_EQ(results.stop_reason, StopReason::stopped);
    EXPECT_TRUE(results.final);
    EXPECT_EQ(results.metrics.totals.counts.lost, 0U);
    EXPECT_GT(results.metrics.elapsed_s, 0.0);
  }
}

TEST(RunControl, WhatAnUnansweringServerHoldsAtAStopIsLost) {
  TestServer server;
  RunConfig config = endless(server);
  config.pipeline = 3;
  LoadRun run(config);
  ASSERT_TRUE(under_way(run));
  server.freeze(true);
  run.stop(StopReason::interrupted);
  const RunResults results = finished(run);
  server.freeze(false);
  expect_conserved(results);
  EXPECT_EQ(results.stop_reason, StopReason::interrupted);
  EXPECT_LE(results.metrics.totals.counts.lost, 12U);
  if (results.metrics.totals.counts.lost != 0) {
    EXPECT_EQ(results.metrics.totals.errors.at("run.stopped"),
              results.metrics.totals.counts.lost + results.metrics.totals.counts.not_sent);
  }
}

TEST(RunControl, StopBeforeTheHandshakeIsAnswered) {
  TestServer server([](const TestServer::Command&) { return TestServer::Answer{}; });
  RunConfig config = small_run(server);
  config.prefill = config.cleanup = true;
  LoadRun run(config);
  run.stop(StopReason::stopped);
  EXPECT_TRUE(run.wait(3s));  // not the five seconds of the handshake's deadline
  EXPECT_EQ(run.results().metrics.totals.counts.issued, 0U);
}

TEST(RunControl, StopWhilePrefilling) {
  TestServer server([](const TestServer::Command& command) {
    TestServer::Answer answer = TestServer::usual(command);
    if (command.is_operation) answer.delay = 1ms;
    return answer;
  });
  RunConfig config = small_run(server);
  config.prefill = true;
  config.keys.count = 1'000'000;
  LoadRun run(config);
  while (server.commands()["SET"] == 0) ASSERT_FALSE(run.wait(1ms));
  run.stop(StopReason::stopped);
  const RunResults results = finished(run);
  EXPECT_EQ(results.stop_reason, StopReason::stopped);
  EXPECT_EQ(results.metrics.totals.counts.issued, 0U);
  EXPECT_EQ(results.metrics.commands.at("prefill").at("SET"), server.commands().at("SET"));
}

TEST(RunControl, PausedTimeIsNotInTheWindow) {
  for (const auto& rate : {std::optional<double>(), std::optional<double>(2'000)}) {
    TestServer server;
    RunConfig config = small_run(server);
    config.duration = 200ms;
    config.interval = 10ms;
    config.rate = rate;
    config.arrivals = Arrivals::constant;
    LoadRun run(config);
    ASSERT_TRUE(under_way(run));
    run.pause();
    run.pause();                    // once is enough
    EXPECT_FALSE(run.wait(400ms));  // longer than the window
    const std::uint64_t paused_at = server.commands()["GET"];
    EXPECT_FALSE(run.wait(50ms));
    EXPECT_EQ(server.commands()["GET"], paused_at);
    run.resume();
    const RunResults results = finished(run);
    expect_conserved(results);
    EXPECT_NEAR(results.metrics.elapsed_s, 0.2, 1e-9);
    EXPECT_EQ(results.stop_reason, StopReason::duration);
    if (rate) {
      EXPECT_NEAR(static_cast<double>(results.metrics.totals.counts.offered), 400.0, 4.0);
    }
  }
}

TEST(RunControl, StoppedWhilePausedPastTheNominalEnd) {
  TestServer server;
  RunConfig config = small_run(server);
  config.duration = 150ms;
  config.interval = 10ms;
  config.cleanup = true;
  LoadRun run(config);
  ASSERT_TRUE(under_way(run));
  run.pause();
  EXPECT_FALSE(run.wait(300ms));
  run.stop(StopReason::stopped);
  const RunResults results = finished(run);
  expect_conserved(results);
  EXPECT_EQ(results.stop_reason, StopReason::stopped);
  EXPECT_LT(results.metrics.elapsed_s, 0.15);
  EXPECT_EQ(results.metrics.commands.at("cleanup").at("UNLINK"),
            200U);  // a pause ends with its phase
}

TEST(RunControl, SetRateAtOnceAndLater) {
  TestServer server;
  RunConfig config = endless(server);
  config.rate = 1;
  LoadRun run(config);
  run.set_rate(3'000);  // before there are workers, perhaps
  ASSERT_TRUE(under_way(run, 50));
  run.set_rate(6'000);
  ASSERT_TRUE(under_way(run, 200));
  EXPECT_THROW(run.set_rate(0), ConfigError);
  EXPECT_THROW(run.set_rate(1e9), ConfigError);
  EXPECT_THROW(run.set_rate(std::numeric_limits<double>::quiet_NaN()), ConfigError);
  run.stop(StopReason::stopped);
  expect_conserved(finished(run));
}

TEST(RunControl, AClosedLoopHasNoRate) {
  TestServer server;
  LoadRun run(endless(server));
  EXPECT_THROW(run.set_rate(100), ConfigError);
}

TEST(RunControl, ErrorBudgets) {
  const auto failing = [](const TestServer::Command& command) {
    if (command.words.front() == "GET") return TestServer::Answer{"-ERR no\r\n", false, {}};
    return TestServer::usual(command);
  };
  for (const bool by_count : {true, false}) {
    TestServer server(failing);
    RunConfig config = endless(server);
    if (by_count) {
      config.max_errors.count = 30;
    } else {
      config.max_errors.share = 0.2;
    }
    LoadRun run(config);
    const RunResults results = finished(run);
    expect_conserved(results);
    EXPECT_EQ(results.stop_reason, StopReason::max_errors);
    EXPECT_GT(results.metrics.totals.counts.failed, by_count ? 30U : 20U);
  }
}

TEST(RunControl, AnErrorBudgetThatHoldsEndsNothing) {
  TestServer server;
  RunConfig config = small_run(server);
  config.max_errors.count = 0;
  config.operations = 300;
  LoadRun run(config);
  EXPECT_EQ(finished(run).stop_reason, StopReason::operations);
}

TEST(RunControl, ALowRateThatNeverAskedIsNoTargetError) {
  TestServer server;
  RunConfig config = small_run(server);
  config.rate = 0.001;
  config.arrivals = Arrivals::poisson;
  config.duration = 50ms;
  LoadRun run(config);
  const RunResults results = finished(run);
  EXPECT_EQ(results.metrics.totals.counts.offered, 0U);
  EXPECT_NO_THROW(run.raise_error());
}

TEST(RunControl, TheDoneDescriptorTellsTheEnd) {
  TestServer server;
  RunConfig config = small_run(server);
  config.operations = 10;
  LoadRun run(config);
  EXPECT_GE(run.done_descriptor(), 0);
  finished(run);
  std::uint64_t value = 0;
  EXPECT_EQ(read(run.done_descriptor(), &value, sizeof value), static_cast<ssize_t>(sizeof value));
}

TEST(RunControl, ABrokenConfigurationStartsNothing) {
  RunConfig config;
  config.pipeline = 0;
  config.workload.name = "basic_wr";
  try {
    LoadRun run(config);
    FAIL() << "started";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.problems().size(), 2U);
  }
}

TEST(RunControl, SeveralRunsAtOnce) {
  TestServer server;
  RunConfig config = small_run(server);
  config.operations = 400;
  LoadRun first(config);
  LoadRun second(config);
  LoadRun third(config);
  for (LoadRun* run : {&first, &second, &third}) {
    const RunResults results = finished(*run);
    expect_conserved(results);
    EXPECT_EQ(results.metrics.totals.counts.succeeded, 400U);
  }
}

TEST(RunControl, DestroyedWhileRunning) {
  TestServer server;
  LoadRun run(endless(server));
  ASSERT_TRUE(under_way(run));
}

}  // namespace
}  // namespace redisload
