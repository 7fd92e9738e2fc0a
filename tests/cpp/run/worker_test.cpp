// A worker alone: operations of several commands, addresses, and what its samples say.
#include "redisload/run/worker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "support/run_checks.hpp"
#include "support/stepped_workload.hpp"
#include "support/worker_rig.hpp"

namespace redisload {
namespace {

using namespace std::chrono_literals;
using test::expect_conserved;
using test::small_run;
using test::SteppedWorkload;
using test::TestServer;
using test::WorkerRig;
using Kind = NextStep::Kind;

constexpr std::int64_t kWaitNs = 3 * kMillisecond;

// GET, then SET at once, then two INCRs together after a wait.
SteppedWorkload three_steps() {
  return SteppedWorkload({{{"GET", "k"}, 1, Kind::another_command, 0},
                          {{"SET", "k", "v"}, 1, Kind::wait_until, kWaitNs},
                          {{"INCR", "n"}, 2, Kind::done, 0}});
}

RunConfig stepped_run(const TestServer& server) {
  RunConfig config = small_run(server);
  config.sample_rate = 1;
  config.pipeline = 3;
  return config;
}

void expect_three_steps(const MetricsSnapshot& metrics, const TestServer& server,
                        std::uint64_t operations) {
  expect_conserved(metrics.totals);
  const OperationCounts& totals = metrics.totals.counts;
  EXPECT_EQ(totals.issued, operations);
  EXPECT_EQ(totals.succeeded, operations);
  EXPECT_EQ(totals.retries, 0U);
  EXPECT_EQ(totals.hits, operations);
  EXPECT_EQ(totals.attempts, 3 * operations);  // commands sent (two INCRs are encoded as one)
  auto commands = server.commands();
  EXPECT_EQ(commands["GET"], operations);
  EXPECT_EQ(commands["SET"], operations);
  EXPECT_EQ(commands["INCR"], 2 * operations);
  EXPECT_EQ(metrics.totals.goodput, metrics.totals.throughput);
}

TEST(Worker, SeveralCommandsAreOneOperation) {
  TestServer server;
  const SteppedWorkload workload = three_steps();
  RunConfig config = stepped_run(server);
  config.operations = 60;
  WorkerRig rig(config, workload);
  ASSERT_TRUE(rig.connect());
  ASSERT_TRUE(rig.measure(Duration::max(), 1s));
  const MetricsSnapshot metrics = rig.finish();
  expect_three_steps(metrics, server, 60);
  // One intended and one sent time, the first command's; the wait lies between them and the end.
  const SampleColumns& samples = *metrics.samples;
  ASSERT_EQ(samples.intended_ns.size(), 60U);
  for (std::size_t i = 0; i < samples.intended_ns.size(); ++i) {
    EXPECT_LE(samples.intended_ns[i], samples.sent_ns[i]);
    EXPECT_GE(samples.completed_ns[i] - samples.sent_ns[i], kWaitNs);
    EXPECT_EQ(samples.attempts[i], 1U);
  }
}

TEST(Worker, ClosedLoopPlacesAreReservedWhileAnOperationWaits) {
  TestServer server([](const TestServer::Command& command) {
    TestServer::Answer answer = TestServer::usual(command);
    if (command.is_operation) answer.delay = 10ms;  // the window ends in the first step
    return answer;
  });
  const SteppedWorkload workload = three_steps();
  const RunConfig config = stepped_run(server);
  WorkerRig rig(config, workload);
  ASSERT_TRUE(rig.connect());
  ASSERT_TRUE(rig.measure(5ms, 5s));
  // Begun in the window, ended in the drain in whole; no place was given away meanwhile.
  expect_three_steps(rig.finish(), server, 12);
}

TEST(Worker, OpenLoopKeepsTheWindowWhileOperationsWait) {
  TestServer server;
  const SteppedWorkload workload({{{"GET", "k"}, 1, Kind::wait_until, 20 * kMillisecond},
                                  {{"SET", "k", "v"}, 1, Kind::done, 0}});
  RunConfig config = stepped_run(server);
  config.topology.max_connections = 1;
  config.rate = 2'000;  // far more than three places can take
  config.operations = 60;
  WorkerRig rig(config, workload);
  ASSERT_TRUE(rig.connect());
  ASSERT_TRUE(rig.measure(Duration::max(), 1s));
  const MetricsSnapshot metrics = rig.finish();
  expect_conserved(metrics.totals);
  EXPECT_EQ(metrics.totals.counts.succeeded, 60U);
  // At any time three at most are between their first byte and their end.
  const SampleColumns& samples = *metrics.samples;
  for (std::size_t i = 0; i < samples.sent_ns.size(); ++i) {
    int at_once = 0;
    for (std::size_t j = 0; j < samples.sent_ns.size(); ++j) {
      at_once +=
          samples.sent_ns[j] <= samples.sent_ns[i] && samples.sent_ns[i] < samples.completed_ns[j]
              ? 1
              : 0;
    }
    EXPECT_LE(at_once, 3);
  }
}

TEST(Worker, OperationsThatWaitPastTheGraceAreLost) {
  for (const auto& rate : {std::optional<double>(), std::optional<double>(5'000)}) {
    TestServer server;
    const SteppedWorkload workload({{{"GET", "k"}, 1, Kind::wait_until, 3'600 * kSecond},
                                    {{"SET", "k", "v"}, 1, Kind::done, 0}});
    RunConfig config = stepped_run(server);
    config.rate = rate;
    WorkerRig rig(config, workload);
    ASSERT_TRUE(rig.connect());
    ASSERT_TRUE(rig.measure(40ms, 30ms));
    ASSERT_TRUE(rig.measure(40ms, 30ms));  // nothing of it is left for the next phase
    const MetricsSnapshot metrics = rig.finish();
    expect_conserved(metrics.totals);
    EXPECT_EQ(metrics.totals.counts.lost, 24U);
    EXPECT_EQ(metrics.totals.counts.issued, 24U);
  }
}

TEST(Worker, ALostConnectionLosesWhatItHeldInItsSecondStep) {
  TestServer server([](const TestServer::Command& command) {
    TestServer::Answer answer = TestServer::usual(command);
    if (command.words.front() == "SET" && command.operations == 61)
      return TestServer::Answer{"", true, {}};
    return answer;
  });
  const SteppedWorkload workload(
      {{{"GET", "k"}, 1, Kind::another_command, 0}, {{"SET", "k", "v"}, 1, Kind::done, 0}});
  RunConfig config = stepped_run(server);
  config.topology.max_connections = 1;
  config.pipeline = 1;
  config.operations = 100;
  WorkerRig rig(config, workload);
  ASSERT_TRUE(rig.connect());
  ASSERT_TRUE(rig.measure(Duration::max(), 1s));
  const MetricsSnapshot metrics = rig.finish();
  expect_conserved(metrics.totals);
  EXPECT_EQ(metrics.totals.counts.issued, 100U);
  EXPECT_EQ(metrics.totals.counts.lost, 1U);
  EXPECT_EQ(server.commands().at("GET"), 100U);
}

TEST(Worker, TheNextAddressIsTriedBeforeTheTargetRefusesUs) {
  TestServer server;
  RunConfig config = stepped_run(server);
  config.operations = 10;
  TargetConfig refused = server.target();
  refused.port = test::refused_port();
  const auto never = [] { return false; };
  const Address nobody = resolve(refused, 5s, never).front();
  const Address somebody = resolve(server.target(), 5s, never).front();
  const SteppedWorkload workload({{{"GET", "k"}, 1, Kind::done, 0}});
  {
    WorkerRig rig(config, workload, {nobody, somebody});
    EXPECT_TRUE(rig.connect());
    EXPECT_FALSE(rig.events().refusal().has_value());
    EXPECT_TRUE(rig.measure(Duration::max(), 1s));
    EXPECT_EQ(rig.finish().totals.counts.succeeded, 10U);
  }
  WorkerRig rig(config, workload, {nobody, nobody});
  EXPECT_FALSE(rig.connect());
  ASSERT_TRUE(rig.events().refusal().has_value());
  EXPECT_EQ(rig.events().refusal()->kind, "connection.refused");
}

TEST(Worker, NoOperationOfAClosedLoopBeginsAfterTheWindow) {
  TestServer server;
  SteppedWorkload workload({{{"GET", "k"}, 1, Kind::done, 0}});
  const MonotonicClock clock;
  std::int64_t begun_ns = 0;
  int drawn = 0;
  // The thread is away at the window's end, with replies of other connections still to be read.
  workload.on_next = [&] {
    if (++drawn == 1) begun_ns = clock.now_ns();
    while (drawn == 200 && clock.now_ns() < begun_ns + 40 * kMillisecond) {
    }
  };
  const RunConfig config = stepped_run(server);
  WorkerRig rig(config, workload);
  ASSERT_TRUE(rig.connect());
  ASSERT_TRUE(rig.measure(30ms, 1s));
  const MetricsSnapshot metrics = rig.finish();
  const SampleColumns& samples = *metrics.samples;
  ASSERT_FALSE(samples.intended_ns.empty());
  const auto [first, last] =
      std::minmax_element(samples.intended_ns.begin(), samples.intended_ns.end());
  EXPECT_LT(*last - *first, 30 * kMillisecond);
}

// Each breaks at once: none of them may do it from within the breaking of another.
TEST(Worker, ManyConnectionsThatAreRefusedAtOnce) {
  RunConfig config;
  config.topology.max_connections = 30'000;
  config.target.unix_path = "/no/such/directory/redis.sock";
  const SteppedWorkload workload({{{"GET", "k"}, 1, Kind::done, 0}});
  WorkerRig rig(config, workload);
  EXPECT_FALSE(rig.connect());
  rig.finish();
}

// Little's law, exactly: each place is taken from the start to the end, by one operation after
// another.
TEST(Worker, ResponseTimesOfAClosedLoopFillItsPlaces) {
  TestServer server;
  const SteppedWorkload workload({{{"GET", "k"}, 1, Kind::done, 0}});
  RunConfig config = stepped_run(server);
  config.topology.max_connections = 2;
  config.operations = 400;
  WorkerRig rig(config, workload);
  ASSERT_TRUE(rig.connect());
  ASSERT_TRUE(rig.measure(Duration::max(), 1s));
  const MetricsSnapshot metrics = rig.finish();
  const SampleColumns& samples = *metrics.samples;
  std::vector<std::pair<std::int64_t, std::int64_t>> of_connection[2];
  for (std::size_t i = 0; i < samples.intended_ns.size(); ++i) {
    of_connection[samples.connection[i]].push_back(
        {samples.intended_ns[i], samples.completed_ns[i]});
  }
  for (auto& operations : of_connection) {
    ASSERT_EQ(operations.size(), 200U);
    std::sort(operations.begin(), operations.end());
    std::multiset<std::int64_t> ends;
    for (const auto& [intended, completed] : operations) ends.insert(completed);
    // All but the first three were meant to begin the moment an earlier one ended.
    for (std::size_t i = 3; i < operations.size(); ++i) {
      const auto end = ends.find(operations[i].first);
      ASSERT_NE(end, ends.end());
      ends.erase(end);
    }
  }
}

}  // namespace
}  // namespace redisload
