#include "redisload/metrics/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "redisload/base/random.hpp"

namespace redisload {
namespace {

namespace layout = histogram_layout;

std::vector<std::int64_t> uniform_values(std::size_t n) {
  Random random(11);
  std::vector<std::int64_t> values(n);
  for (auto& v : values) v = static_cast<std::int64_t>(random.below(50'000'000));
  return values;
}

// Pareto with exponent 1.1: no finite variance, values from 10 µs to hours.
std::vector<std::int64_t> heavy_tailed_values(std::size_t n) {
  Random random(12);
  std::vector<std::int64_t> values(n);
  for (auto& v : values) {
    const double x = 10'000 * std::pow(random.unit_positive(), -1 / 1.1);
    v = static_cast<std::int64_t>(std::min(x, 3.5e12));
  }
  return values;
}

// Both sides of every bucket edge at every power of two.
std::vector<std::int64_t> edge_values() {
  std::vector<std::int64_t> values = {0, 1, 2, 1023, 1024, 2047, 2048, 2049};
  for (int power = 12; (std::int64_t{1} << power) <= layout::kHighestValueNs; ++power) {
    const std::int64_t edge = std::int64_t{1} << power;
    const std::int64_t width = edge >> 10;
    for (const std::int64_t v : {edge - 1, edge, edge + 1, edge + width - 1, edge + width}) {
      values.push_back(std::min(v, layout::kHighestValueNs));
    }
  }
  values.push_back(layout::kHighestValueNs);
  return values;
}

class HistogramPrecision : public testing::TestWithParam<std::string> {
 protected:
  std::vector<std::int64_t> values() const {
    if (GetParam() == "uniform") return uniform_values(100'000);
    if (GetParam() == "heavy_tailed") return heavy_tailed_values(100'000);
    return edge_values();
  }
};

TEST_P(HistogramPrecision, QuantilesAreWithinThePromiseOfExactRanks) {
  std::vector<std::int64_t> exact = values();
  Histogram h;
  for (const auto v : exact) h.record(v);
  std::sort(exact.begin(), exact.end());
  for (std::size_t rank = 1; rank <= exact.size(); rank += 1 + exact.size() / 997) {
    const double q = static_cast<double>(rank) / static_cast<double>(exact.size());
    const std::int64_t want = exact[rank - 1];
    const std::int64_t got = h.quantile_ns(q).value();
    // Never below the exact value, never above its bucket: 1/1024 of it.
    EXPECT_GE(got, want);
    EXPECT_LE(static_cast<double>(got - want), static_cast<double>(want) / 1024.0) << want;
  }
  EXPECT_EQ(h.quantile_ns(1.0), exact.back());
}

TEST_P(HistogramPrecision, MomentsAreExact) {
  const std::vector<std::int64_t> exact = values();
  Histogram h;
  long double sum = 0;
  for (const auto v : exact) {
    h.record(v);
    sum += static_cast<long double>(v);
  }
  const long double mean = sum / static_cast<long double>(exact.size());
  long double squares = 0;
  for (const auto v : exact)
    squares += (static_cast<long double>(v) - mean) * (static_cast<long double>(v) - mean);
  const auto std = static_cast<double>(std::sqrt(squares / static_cast<long double>(exact.size())));
  EXPECT_DOUBLE_EQ(h.mean_ns().value(), static_cast<double>(mean));
  EXPECT_NEAR(h.std_ns().value(), std, std * 1e-12);
  EXPECT_EQ(h.min_ns(), *std::min_element(exact.begin(), exact.end()));
  EXPECT_EQ(h.max_ns(), *std::max_element(exact.begin(), exact.end()));
}

TEST_P(HistogramPrecision, MergedPartsEqualTheWhole) {
  const std::vector<std::int64_t> exact = values();
  Histogram whole;
  std::vector<Histogram> parts(7);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    whole.record(exact[i]);
    parts[i % parts.size()].record(exact[i]);
  }
  Histogram forward, backward;
  for (const auto& part : parts) forward.merge(part);
  for (std::size_t i = parts.size(); i-- != 0;) backward.merge(parts[i]);
  EXPECT_EQ(forward, whole);
  EXPECT_EQ(backward, whole);
}

TEST_P(HistogramPrecision, TheHotFormCountsTheSame) {
  std::vector<std::uint32_t> counts(layout::kIndexCount);
  HistogramRecorder recorder;
  recorder.attach(counts.data());
  Histogram direct;
  for (const auto v : values()) {
    recorder.record(v);
    direct.record(v);
  }
  Histogram merged;
  merged.merge(recorder);
  EXPECT_EQ(merged, direct);
  recorder.reset();
  EXPECT_TRUE(recorder.empty());
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 0U),
            static_cast<std::ptrdiff_t>(counts.size()));
}

INSTANTIATE_TEST_SUITE_P(Data, HistogramPrecision,
                         testing::Values("uniform", "heavy_tailed", "edges"),
                         [](const auto& parameter) { return parameter.param; });

TEST(HistogramLayout, BucketsTileTheRangeWithoutGapOrOverlap) {
  for (std::size_t i = 0; i < layout::kIndexCount; ++i) {
    ASSERT_EQ(layout::index_of(layout::lowest_of(i)), i);
    ASSERT_EQ(layout::index_of(layout::highest_of(i)), i);
    ASSERT_EQ(layout::lowest_of(i + 1), layout::highest_of(i) + 1);
  }
  EXPECT_EQ(layout::lowest_of(0), 0);
  EXPECT_GE(layout::highest_of(layout::kLastIndex), layout::kHighestValueNs);
}

TEST(Histogram, AFiveSecondReplyIsReportedAsFiveSeconds) {
  Histogram h;
  h.record(5'000'000'000);
  EXPECT_EQ(h.quantile_ns(0.5), 5'000'000'000);
  EXPECT_EQ(h.max_ns(), 5'000'000'000);
  EXPECT_EQ(h.std_ns(), 0.0);
}

TEST(Histogram, AboveOneHourIsCountedAndReadsAsTheTrueMaximum) {
  Histogram h;
  h.record(layout::kHighestValueNs);
  EXPECT_EQ(h.overflow(), 0u);
  h.record(layout::kHighestValueNs + 1);
  h.record(2 * layout::kHighestValueNs);
  EXPECT_EQ(h.overflow(), 2u);
  EXPECT_EQ(h.count(), 3u);
  EXPECT_EQ(h.quantile_ns(1.0 / 3), layout::kHighestValueNs);
  EXPECT_EQ(h.quantile_ns(0.5), 2 * layout::kHighestValueNs);
  EXPECT_EQ(h.buckets().back().count, 2u);
}

TEST(Histogram, RankIsTheCeilingWithoutBinaryNoise) {
  Histogram h;
  for (std::int64_t v = 1; v <= 1000; ++v) h.record(v);
  EXPECT_EQ(h.quantile_ns(0.999), 999);
  EXPECT_EQ(h.quantile_ns(0.9991), 1000);
  EXPECT_EQ(h.quantile_ns(0.5), 500);
  EXPECT_EQ(h.quantile_ns(0.0), 1);
  for (int p = 1; p <= 99; ++p) EXPECT_EQ(h.percentile_ns(p), p * 10) << p;
  // 0.07 * 100 is 7.000000000000001 in binary.
  Histogram hundred;
  for (std::int64_t v = 1; v <= 100; ++v) hundred.record(v);
  EXPECT_EQ(hundred.quantile_ns(0.07), 7);
}

TEST(Histogram, APercentileNeedsTenEventsBeyondIt) {
  Histogram h;
  for (std::int64_t v = 1; v <= 19; ++v) h.record(v);
  EXPECT_EQ(h.percentile_ns(50), std::nullopt);  // rank 10, nine beyond
  h.record(20);
  EXPECT_EQ(h.percentile_ns(50), 10);
  EXPECT_EQ(h.percentile_ns(99), std::nullopt);
  EXPECT_EQ(h.quantile_ns(0.99), 20);
  EXPECT_EQ(h.percentile_ns(100), std::nullopt);
}

TEST(Histogram, CensoredEventsRankAboveEverything) {
  Histogram h;
  h.record(1000, 90);
  h.record_censored(10);
  EXPECT_EQ(h.quantile_ns(0.9), 1000);
  EXPECT_EQ(h.quantile_ns(0.91), std::nullopt);
  EXPECT_EQ(h.percentile_ns(90), 1000);  // the ten censored are beyond it
  EXPECT_EQ(h.percentile_ns(95), std::nullopt);
  EXPECT_EQ(h.fraction_below(1'000'000), 0.9);
  EXPECT_EQ(h.mean_ns(), 1000.0);
  EXPECT_EQ(h.censored_floor_ns(), 1000);
  h.set_censored_floor(10'000);
  EXPECT_EQ(h.censored_floor_ns(), 10'000);
  h.set_censored_floor(500);
  EXPECT_EQ(h.censored_floor_ns(), 10'000);
}

TEST(Histogram, EmptySaysNothing) {
  const Histogram h;
  EXPECT_EQ(h.min_ns(), std::nullopt);
  EXPECT_EQ(h.max_ns(), std::nullopt);
  EXPECT_EQ(h.mean_ns(), std::nullopt);
  EXPECT_EQ(h.std_ns(), std::nullopt);
  EXPECT_EQ(h.quantile_ns(0.5), std::nullopt);
  EXPECT_EQ(h.percentile_ns(0), std::nullopt);
  EXPECT_EQ(h.fraction_below(1), std::nullopt);
  EXPECT_EQ(h.censored_floor_ns(), std::nullopt);
  EXPECT_TRUE(h.buckets().empty());
}

TEST(Histogram, OnlyCensoredHasNoValues) {
  Histogram h;
  h.record_censored(100);
  EXPECT_EQ(h.quantile_ns(0.01), std::nullopt);
  EXPECT_EQ(h.percentile_ns(1), std::nullopt);
  EXPECT_EQ(h.fraction_below(1), 0.0);
  EXPECT_EQ(h.censored_floor_ns(), std::nullopt);
  h.set_censored_floor(7);
  EXPECT_EQ(h.censored_floor_ns(), 7);
}

TEST(Histogram, FractionBelowCountsWholeBuckets) {
  Histogram h;
  for (std::int64_t v = 1; v <= 100; ++v) h.record(v);
  EXPECT_EQ(h.fraction_below(0), 0.0);
  EXPECT_EQ(h.fraction_below(25), 0.25);
  EXPECT_EQ(h.fraction_below(100), 1.0);
}

TEST(Histogram, DeviationDoesNotCancelForLargeEqualValues) {
  Histogram h;
  h.record(3'599'999'999'999, 1'000'000'000);
  EXPECT_EQ(h.std_ns(), 0.0);
  h.record(3'599'999'999'997, 1'000'000'000);
  EXPECT_NEAR(h.std_ns().value(), 1.0, 1e-9);
}

TEST(Histogram, MergingWithItselfDoubles) {
  Histogram h;
  h.record(1000, 3);
  h.record(1'000'000, 2);
  h.record_censored(1);
  Histogram twice = h;
  twice.merge(h);
  h.merge(h);
  EXPECT_EQ(h, twice);
  EXPECT_EQ(h.count(), 10u);
  EXPECT_EQ(h.censored(), 2u);
}

TEST(Histogram, EqualityIsAboutContent) {
  Histogram a, b;
  a.record(100);
  a.record(1'000'000'000);
  b.record(1'000'000'000);
  b.record(100);
  EXPECT_EQ(a, b);
  b.record(100);
  EXPECT_FALSE(a == b);
}

TEST(Histogram, NegativeValuesCountAsZero) {
  std::vector<std::uint32_t> counts(layout::kIndexCount);
  HistogramRecorder recorder;
  recorder.attach(counts.data());
  recorder.record(-5);
  Histogram h, direct;
  h.merge(recorder);
  direct.record(-5);
  EXPECT_EQ(h, direct);
  EXPECT_EQ(h.max_ns(), 0);
}

}  // namespace
}  // namespace redisload
