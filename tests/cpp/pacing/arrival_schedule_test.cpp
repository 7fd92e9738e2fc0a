#include "redisload/pacing/arrival_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/statistics.hpp"

namespace redisload {
namespace {

constexpr std::int64_t kStart = 5'000'000'000'123;

std::vector<std::int64_t> arrivals(Arrivals kind, std::uint64_t worker, std::uint64_t workers,
                                   double rate, std::size_t count, std::uint64_t seed = 1) {
  RateTimeline timeline;
  timeline.start(kStart, rate);
  ArrivalSchedule schedule(kind, worker, workers, seed);
  schedule.start(timeline);
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < count; ++i) times.push_back(schedule.pop(timeline));
  return times;
}

std::vector<std::int64_t> merged(Arrivals kind, std::uint64_t workers, double rate,
                                 std::size_t count_each, std::uint64_t seed = 1) {
  std::vector<std::int64_t> all;
  std::int64_t complete_until = kNever;
  for (std::uint64_t w = 0; w < workers; ++w) {
    const auto times = arrivals(kind, w, workers, rate, count_each, seed);
    complete_until = std::min(complete_until, times.back());
    all.insert(all.end(), times.begin(), times.end());
  }
  std::sort(all.begin(), all.end());
  std::erase_if(all, [&](std::int64_t t) { return t > complete_until; });
  return all;
}

void expect_poisson(const std::vector<std::int64_t>& times, double rate) {
  std::vector<double> gaps;
  std::int64_t last = kStart;
  for (const auto time : times) {
    gaps.push_back(static_cast<double>(time - last) / 1e9);
    last = time;
  }
  EXPECT_GT(test::kolmogorov_smirnov_p(gaps, [&](double x) { return 1.0 - std::exp(-rate * x); }),
            1e-4);
  // Counts in windows of 100 mean gaps: variance / mean is 1 ± 5 standard errors.
  const double window_ns = 100.0 / rate * 1e9;
  const auto windows = static_cast<std::size_t>(static_cast<double>(last - kStart) / window_ns);
  std::vector<double> counts(windows);
  for (const auto time : times) {
    const auto window = static_cast<std::size_t>(static_cast<double>(time - kStart) / window_ns);
    if (window < windows) counts[window] += 1.0;
  }
  EXPECT_NEAR(test::dispersion(counts), 1.0, 5.0 * std::sqrt(2.0 / static_cast<double>(windows)));
  // The rate itself: n arrivals take n / rate, give or take sqrt(n) / rate.
  const double n = static_cast<double>(times.size());
  EXPECT_NEAR(static_cast<double>(last - kStart) / 1e9 * rate, n, 5.0 * std::sqrt(n));
}

// MEASURING R3, on intended times at fixed seeds.
TEST(ArrivalSchedule, PoissonGapsAreExponentialAndCountsPoisson) {
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
    for (const double rate : {200.0, 2'000.0, 1e6}) {
      expect_poisson(arrivals(Arrivals::poisson, 0, 1, rate, 40'000, seed), rate);
    }
  }
}

TEST(ArrivalSchedule, PoissonWorkersTogetherArePoissonAtTheWholeRate) {
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
    for (const std::uint64_t workers : {2ULL, 3ULL}) {
      expect_poisson(merged(Arrivals::poisson, workers, 2'000.0, 20'000, seed), 2'000.0);
    }
  }
}

TEST(ArrivalSchedule, PoissonWorkersDiffer) {
  const auto one = arrivals(Arrivals::poisson, 0, 2, 2'000.0, 100);
  EXPECT_NE(one, arrivals(Arrivals::poisson, 1, 2, 2'000.0, 100));
  EXPECT_EQ(one, arrivals(Arrivals::poisson, 0, 2, 2'000.0, 100));
  EXPECT_NE(one, arrivals(Arrivals::poisson, 0, 2, 2'000.0, 100, 2));
}

TEST(ArrivalSchedule, ConstantIsExactlyEven) {
  for (const std::uint64_t workers : {1ULL, 2ULL, 3ULL}) {
    for (const double rate : {5'000.0, 20'000.0}) {
      const auto gap = static_cast<std::int64_t>(1e9 / rate);
      const auto times = merged(Arrivals::constant, workers, rate, 30'000);
      for (std::size_t k = 0; k < times.size(); ++k) {
        ASSERT_EQ(times[k], kStart + static_cast<std::int64_t>(k) * gap) << workers << " workers";
      }
    }
  }
}

TEST(ArrivalSchedule, ConstantDoesNotDrift) {
  // 30,000/s does not divide a second into whole nanoseconds; after 100 s it still is on time.
  const auto times = arrivals(Arrivals::constant, 0, 1, 30'000.0, 3'000'001);
  for (std::size_t k = 0; k < times.size(); k += 30'000) {
    ASSERT_EQ(times[k], kStart + static_cast<std::int64_t>(k / 30'000) * kSecond);
  }
  for (std::size_t k = 1; k < times.size(); ++k) {
    ASSERT_NEAR(static_cast<double>(times[k] - times[k - 1]), 1e9 / 30'000, 1.0);
  }
}

class RateChanges : public testing::TestWithParam<Arrivals> {};

TEST_P(RateChanges, ZeroPausesAndALaterRateResumes) {
  RateTimeline timeline;
  timeline.start(kStart, 1'000.0);
  ArrivalSchedule schedule(GetParam(), 0, 1, 1);
  schedule.start(timeline);
  timeline.append(kStart + kSecond, 0.0);
  int before = 0;
  while (schedule.peek_ns(timeline) != kNever) {
    EXPECT_LT(schedule.pop(timeline), kStart + kSecond);
    ++before;
  }
  EXPECT_NEAR(before, 1'000, 150);
  timeline.append(kStart + 5 * kSecond, 2'000.0);
  int after = 0;
  while (schedule.peek_ns(timeline) < kStart + 6 * kSecond) {
    EXPECT_GE(schedule.pop(timeline), kStart + 5 * kSecond);
    ++after;
  }
  EXPECT_NEAR(after, 2'000, 250);
}

// A copy left behind meets every change of rate when it comes to it, and must then give the very
// arrivals that the copy ahead gave, which met them as they were appended.
TEST_P(RateChanges, ACopyLeftBehindGivesTheSameArrivals) {
  RateTimeline timeline;
  timeline.start(kStart, 1'000.0);
  ArrivalSchedule ahead(GetParam(), 1, 3, 42);
  ahead.start(timeline);
  ArrivalSchedule behind = ahead;
  std::vector<std::int64_t> times;
  const auto run_until = [&](std::int64_t until) {
    while (ahead.peek_ns(timeline) <= until) times.push_back(ahead.pop(timeline));
  };
  std::int64_t now = kStart;
  for (const double rate : {5'000.0, 10.0, 0.0, 0.0, 300.0, 20'000.0, 0.0, 1'000.0}) {
    now += kSecond / 3;
    run_until(now);
    timeline.append(now + 1, rate);
    timeline.append(now + 1, rate);  // an empty segment between
  }
  run_until(now + kSecond);
  ASSERT_GT(times.size(), 1'000u);
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  for (const auto time : times) ASSERT_EQ(behind.pop(timeline), time);
}

INSTANTIATE_TEST_SUITE_P(Kinds, RateChanges,
                         testing::Values(Arrivals::poisson, Arrivals::constant));

TEST(ArrivalSchedule, ConstantBeginsAnewAtAChangeOfRate) {
  RateTimeline timeline;
  timeline.start(0, 10.0);
  ArrivalSchedule schedule(Arrivals::constant, 1, 2, 1);
  schedule.start(timeline);
  timeline.append(kSecond, 4.0);
  std::vector<std::int64_t> times;
  while (schedule.peek_ns(timeline) < 2 * kSecond) times.push_back(schedule.pop(timeline));
  EXPECT_EQ(times, (std::vector<std::int64_t>{100'000'000, 300'000'000, 500'000'000, 700'000'000,
                                              900'000'000, 1'250'000'000, 1'750'000'000}));
}

TEST(ArrivalSchedule, PoissonKeepsItsLawOverManyChangesToTheSameRate) {
  RateTimeline timeline;
  timeline.start(kStart, 2'000.0);
  ArrivalSchedule schedule(Arrivals::poisson, 0, 1, 9);
  schedule.start(timeline);
  for (int i = 1; i < 20'000; ++i) timeline.append(kStart + i * kMillisecond, 2'000.0);
  std::vector<std::int64_t> times;
  for (int i = 0; i < 39'000; ++i) times.push_back(schedule.pop(timeline));
  expect_poisson(times, 2'000.0);
}

TEST(ArrivalSchedule, TheSlowestRatesNeverWrapAround) {
  for (const auto kind : {Arrivals::poisson, Arrivals::constant}) {
    std::int64_t last = 0;
    RateTimeline timeline;
    timeline.start(kStart, 1e-9);
    ArrivalSchedule schedule(kind, 0, 1, 3);
    schedule.start(timeline);
    for (int i = 0; i < 100 && schedule.peek_ns(timeline) != kNever; ++i) {
      ASSERT_GE(schedule.peek_ns(timeline), last);
      last = schedule.pop(timeline);
    }
    EXPECT_EQ(schedule.peek_ns(timeline), kNever);
  }
}

}  // namespace
}  // namespace redisload
