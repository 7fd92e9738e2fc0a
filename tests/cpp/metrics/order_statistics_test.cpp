#include "redisload/metrics/order_statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "redisload/metrics/histogram.hpp"

namespace redisload {
namespace {

// P(low <= number below the quantile < high), summed directly: what the bounds promise.
double coverage(std::uint64_t n, double q, RankBounds bounds) {
  const std::uint64_t end = bounds.high == 0 ? n + 1 : bounds.high;
  double sum = 0;
  for (std::uint64_t k = bounds.low; k < end; ++k) {
    const auto kd = static_cast<double>(k);
    const auto nd = static_cast<double>(n);
    sum += std::exp(std::lgamma(nd + 1) - std::lgamma(kd + 1) - std::lgamma(nd - kd + 1) +
                    kd * std::log(q) + (nd - kd) * std::log1p(-q));
  }
  return sum;
}

TEST(QuantileRankBounds, CoverAtLeastTheLevelAndNoNarrowerBoundDoes) {
  for (const std::uint64_t n : {10ULL, 100ULL, 1000ULL, 20'000ULL}) {
    for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999}) {
      const RankBounds bounds = quantile_rank_bounds(n, q, 0.95);
      EXPECT_GE(coverage(n, q, bounds), 0.95 - 1e-9) << n << " " << q;
      // Each tail holds at most 2.5 %, but one rank more would hold more than that.
      if (bounds.low != 0) {
        EXPECT_LE(1 - coverage(n, q, {bounds.low, 0}), 0.025 + 1e-9);
      }
      EXPECT_GT(1 - coverage(n, q, {bounds.low + 1, 0}), 0.025 - 1e-9);
    }
  }
}

TEST(QuantileRankBounds, MatchesTheTabulatedMedianInterval) {
  // n = 10, median, 95 %: the 2nd and 9th order statistic (Conover, Practical Nonparametric
  // Statistics, 3rd ed., table A3).
  const RankBounds bounds = quantile_rank_bounds(10, 0.5, 0.95);
  EXPECT_EQ(bounds.low, 2u);
  EXPECT_EQ(bounds.high, 9u);
}

TEST(QuantileRankBounds, AnEndIsAbsentWhereThereAreTooFewEvents) {
  EXPECT_EQ(quantile_rank_bounds(0, 0.5, 0.95).high, 0u);
  EXPECT_EQ(quantile_rank_bounds(5, 0.5, 0.95).low, 0u);  // 2 * 0.5^5 > 5 %
  EXPECT_EQ(quantile_rank_bounds(5, 0.5, 0.95).high, 0u);
  EXPECT_EQ(quantile_rank_bounds(100, 0.999, 0.95).high, 0u);
  EXPECT_GT(quantile_rank_bounds(100, 0.999, 0.95).low, 90u);
}

TEST(QuantileRankBounds, LargeCountsApproachTheNormalLimits) {
  const std::uint64_t n = 100'000'000;
  const RankBounds bounds = quantile_rank_bounds(n, 0.99, 0.95);
  const double centre = 0.99 * static_cast<double>(n);
  const double deviation = std::sqrt(centre * 0.01);
  EXPECT_NEAR(static_cast<double>(bounds.low), centre - 1.959964 * deviation, 3);
  EXPECT_NEAR(static_cast<double>(bounds.high), centre + 1.959964 * deviation, 3);
}

TEST(QuantileRankBounds, CertainQuantilesAreTheExtremes) {
  EXPECT_EQ(quantile_rank_bounds(7, 0.0, 0.95).high, 1u);
  EXPECT_EQ(quantile_rank_bounds(7, 1.0, 0.95).low, 7u);
}

TEST(HistogramConfidenceInterval, HoldsThePercentileAndIsAbsentAmongTheCensored) {
  Histogram h;
  for (std::int64_t v = 1; v <= 1000; ++v) h.record(v);
  auto [low, high] = h.confidence_interval_ns(90);
  ASSERT_TRUE(low && high);
  EXPECT_LT(*low, 900);
  EXPECT_GT(*high, 900);
  h.record_censored(100);
  std::tie(low, high) = h.confidence_interval_ns(90);
  EXPECT_TRUE(low);
  EXPECT_FALSE(high);
}

}  // namespace
}  // namespace redisload
