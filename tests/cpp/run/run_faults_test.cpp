// Targets that break, stay silent or send rubbish in mid-run: counted, and the run ends in time.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/run_checks.hpp"

namespace redisload {
namespace {

using namespace std::chrono_literals;
using test::commands_of;
using test::expect_conserved;
using test::finished;
using test::LoadRun;
using test::small_run;
using test::TestServer;
using Answer = TestServer::Answer;
using Command = TestServer::Command;

// What a server does instead of answering.
struct Reaction {
  const char* bytes = "";
  bool close = false;
};

Answer to_answer(const Reaction& reaction) { return {reaction.bytes, reaction.close, {}}; }

struct Break {
  const char* name;
  Reaction reaction;
  const char* kind;  // what the errors' names begin with
};

class RunBreak : public ::testing::TestWithParam<Break> {};

// Every 40th operation gets the fault in place of its reply; the connection is opened again.
TEST_P(RunBreak, IsCountedAndReconnected) {
  const Answer answer = to_answer(GetParam().reaction);
  TestServer server([answer](const Command& command) {
    return command.is_operation && command.operations % 40 == 39 ? answer
                                                                 : TestServer::usual(command);
  });
  RunConfig config = small_run(server);
  config.pipeline = 4;
  config.operations = 400;
  config.duration = 20s;
  LoadRun run(config);
  const RunResults results = finished(run);
  EXPECT_NO_THROW(run.raise_error());
  expect_conserved(results);
  const OperationMetrics& totals = results.metrics.totals;
  EXPECT_EQ(results.stop_reason, StopReason::operations);
  EXPECT_EQ(totals.counts.issued, 400U);
  EXPECT_GE(totals.counts.lost, 5U);
  EXPECT_GT(totals.counts.succeeded, 200U);
  const bool met = std::any_of(totals.errors.begin(), totals.errors.end(), [](const auto& error) {
    return error.first.starts_with(GetParam().kind);
  });
  EXPECT_TRUE(met) << ::testing::PrintToString(totals.errors);
  EXPECT_EQ(totals.counts.retries, 0U);
  EXPECT_GT(server.accepted(), 5U);
  // What was lost with a socket may never have been read by the server.
  const auto sent = commands_of(results);
  for (const auto& [name, count] : server.commands()) EXPECT_LE(count, sent.at(name)) << name;
}

INSTANTIATE_TEST_SUITE_P(
    Each, RunBreak,
    ::testing::Values(Break{"ClosesInsteadOfReplying", {"", true}, "connection."},
                      Break{"HalfAReplyThenCloses", {"$10\r\nabc", true}, "connection."},
                      Break{"Rubbish", {"rubbish\r\n", false}, "protocol.invalid"},
                      Break{"TooLarge", {"$99999999999999\r\n", false}, "protocol.too_large"}),
    [](const auto& each) { return each.param.name; });

TEST(RunFaults, ASecondReplyToOneOperationIsAFaultOfTheConnection) {
  TestServer server([](const Command& command) {
    const bool twice = command.is_operation && command.operations % 40 == 39;
    return twice ? Answer{"+OK\r\n+OK\r\n", false, {}} : TestServer::usual(command);
  });
  RunConfig config = small_run(server);
  config.operations = 400;
  LoadRun run(config);
  const RunResults results = finished(run);
  expect_conserved(results);
  EXPECT_EQ(results.metrics.totals.counts.succeeded, 400U);
  EXPECT_EQ(results.metrics.connection_faults.at("protocol.invalid"), 10U);
}

TEST(RunFaults, NestedWithoutEndInMidRun) {
  std::string nested;
  for (int i = 0; i < 100'000; ++i) nested += "*1\r\n";
  TestServer server([nested](const Command& command) {
    const bool rubbish =
        command.operations >= 200 && (command.is_operation || command.words.front() == "INFO");
    return rubbish ? Answer{nested, false, {}} : TestServer::usual(command);
  });
  RunConfig config = small_run(server);
  config.duration = 300ms;
  LoadRun run(config);
  const RunResults results = finished(run);
  EXPECT_NO_THROW(run.raise_error());
  expect_conserved(results);
  EXPECT_GT(results.metrics.totals.errors.at("protocol.nesting"), 0U);
}

TEST(RunFaults, ClosingAfterEachReplyCostsAReconnectEach) {
  TestServer server([](const Command& command) {
    Answer answer = TestServer::usual(command);
    answer.close = command.is_operation;
    return answer;
  });
  RunConfig config = small_run(server);
  config.operations = 40;
  config.duration = 20s;
  LoadRun run(config);
  const RunResults results = finished(run);
  EXPECT_NO_THROW(run.raise_error());
  expect_conserved(results);
  EXPECT_EQ(results.metrics.totals.counts.issued, 40U);
  EXPECT_GT(results.metrics.totals.counts.succeeded, 0U);
}

TEST(RunFaults, LateRepliesAreCountedAndDropped) {
  TestServer server([](const Command& command) {
    Answer answer = TestServer::usual(command);
    if (command.is_operation && command.operations % 50 == 49) answer.delay = 120ms;
    return answer;
  });
  RunConfig config = small_run(server);
  config.operations = 200;
  config.timeouts.response = 40ms;
  LoadRun run(config);
  const RunResults results = finished(run);
  expect_conserved(results);
  const OperationMetrics& totals = results.metrics.totals;
  EXPECT_GE(totals.counts.timed_out, 3U);
  EXPECT_EQ(totals.errors.at("timeout.response"), totals.counts.timed_out);
  EXPECT_LE(totals.counts.late_replies, totals.counts.timed_out);
  EXPECT_GE(totals.counts.late_replies, 1U);
  EXPECT_EQ(totals.counts.lost, 0U);
  EXPECT_EQ(server.accepted(), 5U);  // nobody reconnected
  EXPECT_GE(totals.service_time.censored(), totals.counts.timed_out);
}

// A window that ends with an operation that timed out lasted as long as that took.
TEST(RunFaults, AnOperationThatTimedOutBelongsToTheWindow) {
  TestServer server([](const Command& command) {
    return command.is_operation && command.operations == 49 ? Answer{} : TestServer::usual(command);
  });
  RunConfig config = small_run(server);
  config.topology.max_connections = 1;
  config.operations = 50;
  config.timeouts.response = 150ms;
  LoadRun run(config);
  const RunResults results = finished(run);
  expect_conserved(results);
  EXPECT_EQ(results.stop_reason, StopReason::operations);
  EXPECT_EQ(results.metrics.totals.counts.timed_out, 1U);
  EXPECT_GE(results.metrics.elapsed_s, 0.15);
}

TEST(RunFaults, SilenceAfterATimeoutClosesTheConnection) {
  TestServer server([](const Command& command) {
    const bool mute = command.is_operation && command.connection == 2 && command.operations >= 20;
    return mute ? Answer{} : TestServer::usual(command);
  });
  RunConfig config = small_run(server);
  config.pipeline = 3;
  config.operations = 2'000;
  config.timeouts.response = 200ms;
  config.timeouts.grace = 100ms;
  LoadRun run(config);
  const RunResults results = finished(run);
  expect_conserved(results);
  EXPECT_EQ(results.stop_reason, StopReason::operations);
  EXPECT_EQ(results.metrics.totals.counts.timed_out, 3U);
  EXPECT_GT(server.accepted(), 5U);
}

class RunDeadTarget : public ::testing::TestWithParam<bool> {};

TEST_P(RunDeadTarget, EndsAtDurationAndGrace) {
  TestServer server;
  RunConfig config = small_run(server);
  config.pipeline = 4;
  config.interval = 10ms;
  config.duration = 700ms;
  config.timeouts.grace = 200ms;
  if (GetParam()) config.rate = 1'000;
  LoadRun run(config);
  for (std::size_t row = 0; run.results().metrics.totals.counts.succeeded < 20; ++row) {
    ASSERT_FALSE(run.collector().wait_rows(row, 10s).rows.empty());
  }
  server.freeze(true);
  EXPECT_TRUE(run.wait(5s));  // far below the response timeout
  const RunResults results = run.results();
  server.freeze(false);
  EXPECT_NO_THROW(run.raise_error());
  expect_conserved(results);
  const OperationMetrics& totals = results.metrics.totals;
  EXPECT_DOUBLE_EQ(results.metrics.elapsed_s, 0.7);
  EXPECT_EQ(totals.counts.lost, 16U);  // the whole window, and nothing more
  EXPECT_EQ(totals.errors.at("run.ended"), totals.counts.lost + totals.counts.not_sent);
  EXPECT_FALSE(results.valid);
  if (GetParam()) {
    EXPECT_GT(totals.counts.not_sent, 0U);
    EXPECT_FALSE(totals.response_time.percentile_ns(99).has_value());
  }
}

INSTANTIATE_TEST_SUITE_P(Each, RunDeadTarget, ::testing::Bool(),
                         [](const auto& each) { return each.param ? "open_loop" : "closed_loop"; });

TEST(RunFaults, PrefillThatIsNeverAnsweredAgainStalls) {
  TestServer server([](const Command& command) {
    return command.is_operation && command.operations >= 10 ? Answer{} : TestServer::usual(command);
  });
  RunConfig config = small_run(server);
  config.prefill = true;
  config.keys.count = 10'000;
  config.timeouts.response = 100ms;
  config.timeouts.grace = 100ms;
  LoadRun run(config);
  EXPECT_TRUE(run.wait(10s));
  EXPECT_EQ(run.results().stop_reason, StopReason::stalled);
}

TEST(RunFaults, PrefillSurvivesALostConnection) {
  TestServer server([](const Command& command) {
    return Answer{
        TestServer::usual(command).bytes, command.is_operation && command.operations == 150, {}};
  });
  RunConfig config = small_run(server);
  config.prefill = true;
  config.keys.count = 500;
  config.operations = 10;
  LoadRun run(config);
  const RunResults results = finished(run);
  EXPECT_EQ(results.observed.prefilled, 500U);
  EXPECT_EQ(results.metrics.totals.counts.succeeded, 10U);
}

// Windows so large that writes are cut short: what was encoded and not written is sent once more,
// as a first attempt.
TEST(RunFaults, BrokenInAHalfWrittenWindow) {
  TestServer server;
  RunConfig config = small_run(server);
  config.workload.weights = {{"SET", 1}};
  config.values.size_bytes = 100'000;
  config.pipeline = 256;
  config.topology.max_connections = 1;
  config.interval = 10ms;
  config.duration = 20s;
  config.operations = 3'000;
  LoadRun run(config);
  for (std::size_t row = 0; run.results().metrics.totals.counts.succeeded < 20; ++row) {
    ASSERT_FALSE(run.collector().wait_rows(row, 10s).rows.empty());
  }
  server.freeze(true);
  EXPECT_FALSE(run.wait(50ms));  // the socket's buffers fill
  server.close_all();
  server.freeze(false);
  const RunResults results = finished(run);
  expect_conserved(results);
  const OperationCounts& totals = results.metrics.totals.counts;
  EXPECT_EQ(totals.issued, 3'000U);
  EXPECT_EQ(totals.retries, 0U);
  EXPECT_EQ(totals.attempts, totals.issued);
  EXPECT_GT(totals.lost + totals.failed, 0U);
}

}  // namespace
}  // namespace redisload
