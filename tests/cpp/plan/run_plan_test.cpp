#include "redisload/plan/run_plan.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace redisload {
namespace {

RunConfig with(std::uint64_t pools, std::uint64_t clients, std::uint64_t threads,
               std::uint64_t connections) {
  RunConfig config;
  config.topology.client_pools = pools;
  config.topology.clients_per_pool = clients;
  config.topology.threads_per_pool = threads;
  config.topology.max_connections = connections;
  return config;
}

TEST(MakePlan, SharesCoverAllConnectionsOnce) {
  for (const std::uint64_t connections : {1U, 2U, 7U, 50U, 300U}) {
    for (const std::uint64_t threads : {1U, 2U, 3U, 8U, 100U}) {
      const RunPlan plan = make_plan(with(1, 1, threads, connections));
      EXPECT_EQ(plan.connections, connections);
      EXPECT_EQ(plan.workers.size(), std::min(threads, connections));
      EXPECT_EQ(plan.threads_reduced, threads > connections);
      std::uint32_t next = 0;
      for (std::size_t w = 0; w < plan.workers.size(); ++w) {
        EXPECT_EQ(plan.workers[w].worker, w);
        EXPECT_EQ(plan.workers[w].first_connection, next);
        EXPECT_GE(plan.workers[w].connections, 1U);
        EXPECT_LE(plan.workers[w].connections, plan.workers.back().connections + 1);
        next += plan.workers[w].connections;
      }
      EXPECT_EQ(next, connections);
    }
  }
}

TEST(MakePlan, TheSeedsExampleOpensThreeHundred) {
  const RunPlan plan = make_plan(with(2, 3, 2, 50));
  EXPECT_EQ(plan.connections, 300U);
  EXPECT_EQ(plan.workers.size(), 4U);
}

TEST(MakePlan, PerOperationEveryThreadOfEveryPoolWorks) {
  RunConfig config = with(2, 3, 4, 1);
  config.topology.checkout = Checkout::per_operation;
  config.operations = 100;
  config.rate = 10;
  const RunPlan plan = make_plan(config);
  ASSERT_EQ(plan.workers.size(), 8U);  // for six connections at most
  EXPECT_FALSE(plan.threads_reduced);
  EXPECT_EQ(plan.connections, 6U);
  EXPECT_EQ(plan.senders, 8U);
  std::uint64_t arrivals = 0;
  for (std::uint32_t w = 0; w < 8; ++w) {
    EXPECT_EQ(plan.workers[w].worker, w);
    EXPECT_EQ(plan.workers[w].pool, w / 4);
    EXPECT_EQ(plan.workers[w].place_in_pool, w % 4);
    arrivals += plan.workers[w].arrivals.value_or(0);
  }
  EXPECT_EQ(arrivals, 100U);
}

TEST(MakePlan, DefaultsToTenSeconds) {
  RunConfig config;
  EXPECT_EQ(make_plan(config).config.duration, std::optional<Duration>(std::chrono::seconds(10)));
  config.operations = 5;
  EXPECT_FALSE(make_plan(config).config.duration.has_value());
  config.duration = Duration::zero();
  EXPECT_EQ(make_plan(config).config.duration, std::optional<Duration>(Duration::zero()));
}

TEST(MakePlan, ArrivalsOfALimitedOpenLoopAddUp) {
  RunConfig config = with(1, 1, 3, 50);
  config.operations = 1'000;
  EXPECT_FALSE(make_plan(config).workers[0].arrivals.has_value());  // closed loop: by connection
  EXPECT_FALSE(make_plan(config).open_loop());
  config.rate = 10;
  const RunPlan plan = make_plan(config);
  EXPECT_TRUE(plan.open_loop());
  std::uint64_t total = 0;
  for (const WorkerShare& share : plan.workers) total += share.arrivals.value();
  EXPECT_EQ(total, 1'000U);
}

TEST(ShareOf, AddsUpAndDiffersByOneAtMost) {
  for (const std::uint64_t total : {0U, 1U, 6U, 7U, 1'000U}) {
    for (const std::uint64_t n : {1U, 3U, 7U}) {
      std::uint64_t sum = 0;
      for (std::uint64_t i = 0; i < n; ++i) {
        sum += share_of(total, i, n);
        EXPECT_LE(share_of(total, 0, n) - share_of(total, i, n), 1U);
      }
      EXPECT_EQ(sum, total);
    }
  }
}

TEST(MakePlan, SeedsAreKeptOrMadeSmallEnoughForEveryReader) {
  RunConfig config;
  config.seed = 42;
  EXPECT_EQ(make_plan(config).seed, 42U);
  config.seed.reset();
  const RunPlan first = make_plan(config);
  const RunPlan second = make_plan(config);
  EXPECT_NE(first.seed, second.seed);
  EXPECT_LT(first.seed, 1ULL << 53);
  EXPECT_EQ(first.config.seed, std::optional<std::uint64_t>(first.seed));
}

TEST(MakePlan, PrefillKeepsMemoryInBounds) {
  RunConfig config = with(1, 1, 1, 50);
  EXPECT_EQ(make_plan(config).prefill_window, 64U);
  EXPECT_EQ(make_plan(with(1, 1, 1, 1'000)).prefill_window, 4U);
  config.values.size_bytes = 100'000;
  EXPECT_EQ(make_plan(config).prefill_window, 10U);
  config.values.size_bytes = 512ULL << 20;
  EXPECT_EQ(make_plan(config).prefill_window, 1U);
}

TEST(MakePlan, ProcessorsAreDealtInTurn) {
  RunConfig config = with(1, 1, 3, 50);
  EXPECT_FALSE(make_plan(config).workers[0].cpu.has_value());
  config.cpus = {4, 7};
  const RunPlan plan = make_plan(config);
  EXPECT_EQ(plan.workers[0].cpu, std::optional<int>(4));
  EXPECT_EQ(plan.workers[1].cpu, std::optional<int>(7));
  EXPECT_EQ(plan.workers[2].cpu, std::optional<int>(4));
}

TEST(ConnectionNames, AreWhatTheServerTakes) {
  RunConfig config;
  EXPECT_EQ(load_connection_name(make_plan(config), 0, 17), "redisload:w0:c17");
  config.app_name = "shop";
  EXPECT_EQ(control_connection_name(make_plan(config)), "shop:control");
  config.name = "Black Friday\n2026 \xc3\xa9";
  EXPECT_EQ(control_connection_name(make_plan(config)), "Black-Friday-2026---:control");
}

}  // namespace
}  // namespace redisload
