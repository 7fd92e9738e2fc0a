// Checkout per_operation: threads that share clients wait as queueing has it, and every count adds
// up, whatever becomes of the server.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "redisload/base/error.hpp"
#include "support/run_checks.hpp"
#include "support/sink.hpp"

namespace redisload {
namespace {

using test::commands_of;
using test::expect_conserved;
using test::finished;
using test::LoadRun;
using test::Sink;
using test::SinkOptions;
using test::small_run;
using test::TestServer;

RunConfig pooled(const TestServer& server, std::uint64_t clients, std::uint64_t threads) {
  RunConfig config = small_run(server);
  config.topology.checkout = Checkout::per_operation;
  config.topology.clients_per_pool = clients;
  config.topology.threads_per_pool = threads;
  return config;
}

TEST(PerOperation, FourThreadsOnOneClientWaitThreeServices) {
  SinkOptions options;
  options.delay_ns = 10 * kMillisecond;
  Sink sink(options);
  std::thread serving([&] { sink.run(); });
  RunConfig config;
  config.target.port = sink.port();
  config.topology.checkout = Checkout::per_operation;
  config.topology.threads_per_pool = 4;
  config.topology.max_connections = 3;
  config.keys.count = 100;
  config.prefill = false;
  config.duration = std::chrono::milliseconds(2'500);
  LoadRun run(config);
  const RunResults results = finished(run);
  sink.stop();
  serving.join();

  expect_conserved(results);
  const MetricsSnapshot& metrics = results.metrics;
  const double service_ms = metrics.totals.service_time.mean_ns().value_or(0) / 1e6;
  EXPECT_GE(service_ms, 10.0);
  // 30 ms; on a machine that does other things too, what the sink then took.
  EXPECT_NEAR(metrics.pool_wait.mean_ns().value_or(0) / 1e6, 3 * service_ms, 3.0);
  EXPECT_NEAR(metrics.totals.response_time.mean_ns().value_or(0) / 1e6, 4 * service_ms, 4.0);
  EXPECT_EQ(results.connections, 1U);  // one was enough
}

struct Load {
  const char* name;
  std::optional<double> rate;
  std::optional<std::uint64_t> operations;
  std::uint64_t pipeline;
};

class PerOperationCounts : public ::testing::TestWithParam<Load> {};

TEST_P(PerOperationCounts, AddUpAndAreTheServers) {
  const Load& load = GetParam();
  TestServer server;
  RunConfig config = pooled(server, 2, 3);
  config.prefill = config.cleanup = true;
  config.rate = load.rate;
  config.operations = load.operations;
  config.pipeline = load.pipeline;
  if (!load.operations) config.duration = std::chrono::milliseconds(120);
  LoadRun run(config);
  const RunResults results = finished(run);
  EXPECT_NO_THROW(run.raise_error());
  expect_conserved(results);
  const OperationCounts& totals = results.metrics.totals.counts;
  EXPECT_GT(totals.succeeded, 0U);
  EXPECT_EQ(totals.failed + totals.timed_out + totals.lost, 0U);
  if (load.operations) {
    EXPECT_EQ(totals.issued, *load.operations);
  }
  EXPECT_EQ(commands_of(results), server.commands());
  EXPECT_EQ(results.workers, 3U);
  EXPECT_GE(results.metrics.pool_wait.count() * load.pipeline, totals.issued);
}

INSTANTIATE_TEST_SUITE_P(
    Loads, PerOperationCounts,
    ::testing::Values(Load{"closed_time", {}, {}, 1}, Load{"closed_count", {}, 503, 1},
                      Load{"closed_pipelined", {}, 503, 7}, Load{"open_time", 5'000, {}, 1},
                      Load{"open_count", 5'000, 503, 1}, Load{"open_pipelined", 5'000, 503, 7}),
    [](const auto& load) { return std::string(load.param.name); });

TEST(PerOperation, TheSameSeedSendsTheSameFromEachThread) {
  std::vector<std::multiset<std::string>> sent;
  for (int repeat = 0; repeat < 2; ++repeat) {
    TestServer server;
    RunConfig config = pooled(server, 1, 3);
    config.operations = 300;
    LoadRun run(config);
    finished(run);
    std::multiset<std::string> all;
    for (const auto& [name, stream] : server.streams()) all.insert(stream.begin(), stream.end());
    sent.push_back(std::move(all));
  }
  EXPECT_GE(sent[0].size(), 300U);
  EXPECT_EQ(sent[0], sent[1]);
}

TEST(PerOperation, AFrozenServerMakesThreadsWaitInVain) {
  TestServer server;
  RunConfig config = pooled(server, 1, 4);
  config.duration = std::chrono::milliseconds(700);
  config.timeouts.pool = std::chrono::milliseconds(100);
  config.timeouts.grace = std::chrono::milliseconds(100);
  LoadRun run(config);
  while (run.results().metrics.totals.counts.succeeded == 0) run.wait(std::chrono::milliseconds(5));
  server.freeze(true);
  const RunResults results = finished(run);
  server.freeze(false);
  expect_conserved(results);
  const auto& errors = results.metrics.totals.errors;
  ASSERT_TRUE(errors.contains("timeout.pool"));
  // 0.1 s each, for three threads; the fourth holds the client.
  EXPECT_GE(errors.at("timeout.pool"), 9U);
  EXPECT_LE(errors.at("timeout.pool"), 21U);
  EXPECT_EQ(results.metrics.totals.counts.lost, 1U);
}

TEST(PerOperation, WhileAConnectionOwesALateReplyAnotherIsUsed) {
  // The first operation on the first connection is answered after 0.3 s.
  TestServer server([](const TestServer::Command& command) {
    TestServer::Answer answer = TestServer::usual(command);
    if (command.is_operation && command.operations == 20)
      answer.delay = std::chrono::milliseconds(300);
    return answer;
  });
  RunConfig config = pooled(server, 1, 1);
  config.duration = std::chrono::milliseconds(600);
  config.timeouts.response = std::chrono::milliseconds(100);
  LoadRun run(config);
  const RunResults results = finished(run);
  expect_conserved(results);
  const OperationCounts& totals = results.metrics.totals.counts;
  EXPECT_EQ(totals.timed_out, 1U);
  EXPECT_EQ(totals.late_replies, 1U);
  EXPECT_GT(totals.succeeded, 100U);
  EXPECT_EQ(results.connections, 2U);
}

TEST(PerOperation, BrokenConnectionsComeBack) {
  TestServer server;
  RunConfig config = pooled(server, 2, 3);
  config.topology.eager = true;
  config.duration = std::chrono::milliseconds(400);
  LoadRun run(config);
  while (run.results().metrics.totals.counts.succeeded < 20) run.wait(std::chrono::milliseconds(2));
  EXPECT_EQ(server.accepted(), 8U + 1U);  // and one of control
  server.close_all();
  const RunResults results = finished(run);
  expect_conserved(results);
  EXPECT_EQ(results.connections, 8U);
  EXPECT_GT(server.accepted(), 9U);
  EXPECT_EQ(results.stop_reason, StopReason::duration);
}

TEST(PerOperation, ARefusalBeforeAnythingWasAnsweredIsTheTargets) {
  std::uint16_t port = 0;
  {
    const TestServer gone;
    port = gone.port();
  }
  RunConfig config;
  config.target.port = port;
  config.topology.checkout = Checkout::per_operation;
  config.topology.threads_per_pool = 2;
  config.duration = std::chrono::milliseconds(100);
  LoadRun run(config);
  finished(run);
  EXPECT_THROW(run.raise_error(), TargetError);
}

}  // namespace
}  // namespace redisload
