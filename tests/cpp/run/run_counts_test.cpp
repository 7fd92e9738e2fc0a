// Whatever the loop, the limit, the threads and the pipeline: every count adds up, and is the
// server's.
#include <gtest/gtest.h>

#include "support/run_checks.hpp"

namespace redisload {
namespace {

using test::commands_of;
using test::expect_conserved;
using test::finished;
using test::LoadRun;
using test::small_run;
using test::TestServer;

enum class Loop : std::uint8_t { closed, constant, poisson };

struct Shape {
  Loop loop;
  bool by_count;
  std::uint64_t threads;
  std::uint64_t pipeline;
};

std::string name_of(const ::testing::TestParamInfo<Shape>& shape) {
  const Shape& s = shape.param;
  const std::string loop = s.loop == Loop::closed     ? "closed"
                           : s.loop == Loop::constant ? "constant"
                                                      : "poisson";
  return loop + (s.by_count ? "_count" : "_time") + "_w" + std::to_string(s.threads) + "_p" +
         std::to_string(s.pipeline);
}

class RunCounts : public ::testing::TestWithParam<Shape> {};

TEST_P(RunCounts, AddUpAndAreTheServers) {
  const Shape& shape = GetParam();
  TestServer server;
  RunConfig config = small_run(server);
  config.prefill = true;
  config.cleanup = true;
  config.topology.threads_per_pool = shape.threads;
  config.pipeline = shape.pipeline;
  if (shape.loop != Loop::closed) config.rate = 5'000;
  config.arrivals = shape.loop == Loop::constant ? Arrivals::constant : Arrivals::poisson;
  if (shape.by_count) {
    config.operations = 503;  // no multiple of anything
  } else {
    config.duration = std::chrono::milliseconds(120);
  }
  LoadRun run(config);
  const RunResults results = finished(run);
  EXPECT_NO_THROW(run.raise_error());

  expect_conserved(results);
  const OperationCounts& totals = results.metrics.totals.counts;
  EXPECT_GT(totals.succeeded, 0U);
  EXPECT_EQ(totals.failed + totals.timed_out + totals.lost, 0U);
  EXPECT_EQ(totals.attempts, totals.issued);
  EXPECT_EQ(totals.retries, 0U);
  EXPECT_EQ(commands_of(results), server.commands());
  EXPECT_EQ(server.accepted(), 5U);  // four and the control connection
  EXPECT_EQ(results.metrics.commands.at("prefill").at("SET"), 100U);
  EXPECT_EQ(results.observed.prefilled, 100U);
  EXPECT_EQ(results.metrics.commands.at("cleanup").at("UNLINK"), 200U);
  if (shape.by_count) {
    EXPECT_EQ(totals.offered, 503U);
    EXPECT_EQ(totals.not_sent, 0U);
    EXPECT_EQ(results.stop_reason, StopReason::operations);
  } else {
    EXPECT_EQ(results.stop_reason, StopReason::duration);
    EXPECT_DOUBLE_EQ(results.metrics.elapsed_s, 0.12);
  }
}

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const Loop loop : {Loop::closed, Loop::constant, Loop::poisson}) {
    for (const bool by_count : {true, false}) {
      for (const std::uint64_t threads : {1U, 2U}) {
        for (const std::uint64_t pipeline : {1U, 16U})
          all.push_back({loop, by_count, threads, pipeline});
      }
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Each, RunCounts, ::testing::ValuesIn(shapes()), name_of);

TEST(RunCountsMore, AConstantRateOffersExactlyItsArrivals) {
  TestServer server;
  RunConfig config = small_run(server);
  config.rate = 1'000;
  config.arrivals = Arrivals::constant;
  config.topology.threads_per_pool = 2;
  config.duration = std::chrono::milliseconds(200);
  LoadRun run(config);
  EXPECT_EQ(finished(run).metrics.totals.counts.offered, 200U);
}

TEST(RunCountsMore, ErrorRepliesAreFailuresWithTheirCode) {
  TestServer server([](const TestServer::Command& command) {
    if (command.words.front() == "GET")
      return TestServer::Answer{"-WRONGTYPE Operation against a key\r\n", false, {}};
    return TestServer::usual(command);
  });
  RunConfig config = small_run(server);
  config.operations = 400;
  LoadRun run(config);
  const RunResults results = finished(run);
  expect_conserved(results);
  const OperationMetrics& totals = results.metrics.totals;
  EXPECT_GT(totals.counts.failed, 100U);
  EXPECT_EQ(totals.errors.at("reply.WRONGTYPE"), totals.counts.failed);
  EXPECT_EQ(totals.error_time.count(), totals.counts.failed);
  for (const OperationMetrics& operation : results.metrics.operations) {
    EXPECT_EQ(operation.counts.failed == 0, operation.name != "GET") << operation.name;
  }
}

TEST(RunCountsMore, MissesAreCountedWhereTheyWereRead) {
  TestServer server([](const TestServer::Command& command) {
    if (command.words.front() == "GET")
      return TestServer::Answer{command.operations % 2 == 0 ? "$-1\r\n" : "$1\r\nx\r\n", false, {}};
    return TestServer::usual(command);
  });
  RunConfig config = small_run(server);
  config.workload.weights = {{"GET", 1}};
  config.topology.max_connections = 1;
  config.operations = 100;
  LoadRun run(config);
  const OperationCounts totals = finished(run).metrics.totals.counts;
  EXPECT_EQ(totals.hits, 50U);
  EXPECT_EQ(totals.misses, 50U);
}

TEST(RunCountsMore, TheSameSeedSendsTheSameStreams) {
  const auto streams_of = [](std::uint64_t seed, std::uint64_t pipeline) {
    TestServer server;
    RunConfig config = small_run(server);
    config.seed = seed;
    config.pipeline = pipeline;
    config.topology.threads_per_pool = 2;
    config.operations = 600;
    LoadRun run(config);
    finished(run);
    return server.streams();
  };
  const auto first = streams_of(5, 1);
  ASSERT_EQ(first.size(), 4U);
  EXPECT_EQ(streams_of(5, 1), first);
  EXPECT_EQ(streams_of(5, 16), first);
  EXPECT_NE(streams_of(6, 1), first);
  EXPECT_NE(first.at("redisload:w0:c0"), first.at("redisload:w0:c1"));
}

}  // namespace
}  // namespace redisload
