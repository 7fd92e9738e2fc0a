#include "redisload/pacing/open_loop_pacer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace redisload {
namespace {

std::vector<std::int64_t> release(OpenLoopPacer& pacer, std::int64_t now_ns) {
  std::vector<std::int64_t> released;
  pacer.release(now_ns, [&](std::int64_t intended) { released.push_back(intended); }, UINT64_MAX);
  return released;
}

std::vector<std::int64_t> take_all(OpenLoopPacer& pacer) {
  std::vector<std::int64_t> taken;
  while (pacer.waiting()) {
    EXPECT_EQ(pacer.front_ns(), pacer.front_ns());
    taken.push_back(pacer.take());
  }
  return taken;
}

TEST(OpenLoopPacer, ReleasesWhatIsDueAndNothingElse) {
  OpenLoopPacer pacer(Arrivals::constant, 0, 1, 1);
  pacer.start(1'000, 1e6);
  EXPECT_EQ(pacer.next_release_ns(), 1'000);
  EXPECT_TRUE(release(pacer, 999).empty());
  EXPECT_FALSE(pacer.waiting());
  EXPECT_EQ(release(pacer, 3'000), (std::vector<std::int64_t>{1'000, 2'000, 3'000}));
  EXPECT_EQ(pacer.waiting_count(), 3u);
  EXPECT_EQ(pacer.next_release_ns(), 4'000);
  EXPECT_EQ(pacer.take(), 1'000);
  EXPECT_EQ(release(pacer, 4'500), std::vector<std::int64_t>{4'000});
  EXPECT_EQ(take_all(pacer), (std::vector<std::int64_t>{2'000, 3'000, 4'000}));
}

TEST(OpenLoopPacer, TakesWhatItReleasedWhateverTheOrderOfCalls) {
  for (const auto kind : {Arrivals::poisson, Arrivals::constant}) {
    OpenLoopPacer pacer(kind, 1, 2, 7);
    pacer.start(0, 100'000.0);
    Random random(5);
    std::vector<std::int64_t> released;
    std::vector<std::int64_t> taken;
    std::int64_t now = 0;
    for (int turn = 0; turn < 3'000; ++turn) {
      now += static_cast<std::int64_t>(random.below(2 * kMillisecond));
      for (const auto time : release(pacer, now)) released.push_back(time);
      // Stretches that take little let a backlog of tens of thousands grow, others work it off.
      const std::uint64_t most = turn / 500 % 2 == 0 ? 20 : 200;
      for (std::uint64_t i = random.below(most); i > 0 && pacer.waiting(); --i) {
        taken.push_back(pacer.take());
      }
      if (turn % 100 == 50) pacer.set_rate(now + kMillisecond, 50'000.0 + 1'000.0 * turn / 50);
      if (turn % 400 == 60) pacer.set_rate(now + kMillisecond, 0.0);
    }
    for (const auto time : take_all(pacer)) taken.push_back(time);
    EXPECT_EQ(taken, released);
    EXPECT_GT(released.size(), 50'000u);
    EXPECT_EQ(pacer.released_count(), released.size());
  }
}

TEST(OpenLoopPacer, AnEndlessBacklogNeedsNoMemory) {
  OpenLoopPacer pacer(Arrivals::poisson, 0, 1, 3);
  pacer.start(0, 1e6);
  std::uint64_t sum = 0;
  const auto add = [&](std::int64_t intended) { sum += static_cast<std::uint64_t>(intended); };
  pacer.release(5 * kSecond, add, UINT64_MAX);
  pacer.set_rate(5 * kSecond + 1, 2e6);
  pacer.release(8 * kSecond, add, UINT64_MAX);
  EXPECT_NEAR(static_cast<double>(pacer.waiting_count()), 11e6, 20e3);
  std::uint64_t taken = 0;
  std::int64_t last = 0;
  while (pacer.waiting()) {
    const std::int64_t intended = pacer.take();
    ASSERT_GE(intended, last);
    last = intended;
    taken += static_cast<std::uint64_t>(intended);
  }
  EXPECT_EQ(taken, sum);
  // A value of this size holds everything there is but the list of rates.
  static_assert(sizeof(OpenLoopPacer) < 16 * 1024);
}

TEST(OpenLoopPacer, OneCallReleasesAtMostItsLimit) {
  OpenLoopPacer pacer(Arrivals::constant, 0, 1, 1);
  pacer.start(0, 1e9);
  std::uint64_t released = 0;
  pacer.release(kSecond, [&](std::int64_t) { ++released; });
  EXPECT_EQ(released, OpenLoopPacer::kReleaseLimit);
  EXPECT_EQ(pacer.next_release_ns(), static_cast<std::int64_t>(released));
}

TEST(OpenLoopPacer, StopEndsArrivalsAndKeepsTheBacklog) {
  OpenLoopPacer pacer(Arrivals::constant, 0, 1, 1);
  pacer.start(0, 1'000.0);
  pacer.stop(3 * kMillisecond);
  pacer.stop(kSecond);  // cannot be put off again
  pacer.set_rate(2 * kMillisecond, 2'000.0);
  EXPECT_EQ(release(pacer, kSecond),
            (std::vector<std::int64_t>{0, 1'000'000, 2'000'000, 2'500'000}));
  EXPECT_EQ(pacer.next_release_ns(), kNever);
  EXPECT_EQ(pacer.waiting_count(), 4u);
}

TEST(OpenLoopPacer, TheBudgetEndsArrivals) {
  OpenLoopPacer pacer(Arrivals::poisson, 0, 1, 1);
  pacer.start(0, 1'000.0, 5);
  EXPECT_EQ(release(pacer, 100 * kSecond).size(), 5u);
  EXPECT_EQ(pacer.next_release_ns(), kNever);
  pacer.start(0, 1'000.0, 0);
  EXPECT_EQ(pacer.next_release_ns(), kNever);
}

TEST(OpenLoopPacer, AChangeInThePastBeginsAfterTheLatestArrival) {
  OpenLoopPacer pacer(Arrivals::constant, 0, 1, 1);
  pacer.start(0, 1'000.0);
  release(pacer, 10 * kMillisecond);
  pacer.set_rate(0, 0.0);
  EXPECT_EQ(pacer.next_release_ns(), kNever);
  EXPECT_EQ(pacer.waiting_count(), 11u);
  pacer.set_rate(20 * kMillisecond, 1'000.0);
  EXPECT_EQ(pacer.next_release_ns(), 20 * kMillisecond);
  EXPECT_EQ(take_all(pacer).size(), 11u);
}

TEST(OpenLoopPacer, ANewPhaseStartsEmptyAndContinuesTheRandomStream) {
  OpenLoopPacer pacer(Arrivals::poisson, 0, 1, 1);
  pacer.start(0, 1'000.0);
  pacer.stop(kSecond);
  const auto warmup = release(pacer, kSecond);
  EXPECT_TRUE(pacer.waiting());
  pacer.start(0, 1'000.0);
  EXPECT_FALSE(pacer.waiting());
  const auto measured = release(pacer, kSecond);
  EXPECT_FALSE(measured.empty());
  EXPECT_NE(measured, warmup);
}

TEST(OpenLoopPacer, AbandonCountsWhatWasNeverReleased) {
  OpenLoopPacer pacer(Arrivals::constant, 0, 2, 1);
  pacer.start(0, 2'000.0);
  release(pacer, 99 * kMillisecond);
  EXPECT_EQ(pacer.released_count(), 100u);
  EXPECT_EQ(pacer.abandon(kSecond), 900u);
  EXPECT_EQ(pacer.next_release_ns(), kNever);
  EXPECT_EQ(pacer.waiting_count(), 100u);
  EXPECT_EQ(take_all(pacer).size(), 100u);
}

TEST(OpenLoopPacer, AbandonKeepsToStopAndBudget) {
  OpenLoopPacer pacer(Arrivals::constant, 0, 1, 1);
  pacer.start(0, 1'000.0, 50);
  EXPECT_EQ(pacer.abandon(kSecond), 50u);
  pacer.start(0, 1'000.0);
  pacer.stop(20 * kMillisecond);
  EXPECT_EQ(pacer.abandon(kSecond), 20u);
}

TEST(OpenLoopPacer, AbandonAtAnImpossibleRateIsWhatTheRatesImply) {
  for (const auto kind : {Arrivals::poisson, Arrivals::constant}) {
    OpenLoopPacer pacer(kind, 0, 2, 1);
    pacer.start(0, 2e12);
    pacer.set_rate(kSecond, 1e12);
    EXPECT_NEAR(static_cast<double>(pacer.abandon(2 * kSecond)), 1.5e12, 1e8);
    pacer.start(0, 2e12, 2'000'000);
    EXPECT_EQ(pacer.abandon(2 * kSecond), 2'000'000u);
  }
}

// A ramp is made of many short steps; together they have exactly the arrivals of the ramp, whose
// intended times rise as its integral says.
TEST(OpenLoopPacer, ARampOfManyStepsNeitherLosesNorGainsAnArrival) {
  RunConfig config;
  config.arrivals = Arrivals::constant;
  config.topology.threads_per_pool = 3;
  ScenarioStep calm;
  calm.duration = std::chrono::seconds(1);
  calm.rate = 1000;
  ScenarioStep ramp;
  ramp.duration = std::chrono::seconds(2);
  ramp.rate = 1000;
  ramp.to_rate = 5000;
  config.scenario = {calm, ramp};
  const RunPlan plan = make_plan(config);
  EXPECT_EQ(plan.config.duration, std::optional<Duration>(std::chrono::seconds(3)));
  std::vector<std::int64_t> times;
  for (std::uint64_t worker = 0; worker < 3; ++worker) {
    OpenLoopPacer pacer(Arrivals::constant, worker, 3, 1);
    pacer.start(0, plan.first_rate());
    pacer.follow(0, plan.rates, 1.0);
    pacer.stop(3 * kSecond);
    pacer.release(3 * kSecond, [&](std::int64_t at) { times.push_back(at); });
  }
  std::sort(times.begin(), times.end());
  ASSERT_EQ(times.size(), 7000u);
  for (std::size_t n = 1000; n < times.size(); n += 37) {
    const double t = static_cast<double>(times[n]) / 1e9 - 1;
    EXPECT_NEAR(1000 + 1000 * t + 1000 * t * t, static_cast<double>(n), 2.0);
  }
}

}  // namespace
}  // namespace redisload
