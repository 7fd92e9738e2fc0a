#include "redisload/metrics/interval_histograms.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "redisload/base/random.hpp"
#include "redisload/metrics/histogram_codec.hpp"

namespace redisload {
namespace {

constexpr std::size_t kRows = 40;

Histogram histogram_of(std::uint64_t seed) {
  Random random(seed);
  Histogram h;
  for (int i = 0; i < 300; ++i)
    h.record(static_cast<std::int64_t>(100'000 + random.below(900'000)));
  return h;
}

RowHistograms row(std::size_t number, Phase phase = Phase::measure) {
  RowHistograms r;
  r.first_row = r.last_row = number;
  r.phase = phase;
  r.not_sent = 1;
  r.lateness = HistogramCodec::encode(histogram_of(1000 + number));
  r.labels.push_back({1, HistogramCodec::encode(histogram_of(number)),
                      HistogramCodec::encode(histogram_of(500 + number))});
  return r;
}

IntervalHistograms filled(std::size_t limit_bytes) {
  IntervalHistograms h({"SET", "GET"}, limit_bytes);
  for (std::size_t i = 0; i < kRows; ++i) h.add(row(i, i < 5 ? Phase::warmup : Phase::measure));
  return h;
}

TEST(IntervalHistograms, MergeAnyRange) {
  const IntervalHistograms h = filled(IntervalHistograms::kLimitBytes);
  EXPECT_EQ(h.entries(), kRows);
  EXPECT_EQ(h.merged(7, 7, IntervalMeasure::service), histogram_of(7));
  Histogram two = histogram_of(507);
  two.merge(histogram_of(508));
  EXPECT_EQ(h.merged(7, 8, IntervalMeasure::response, "GET"), two);
  two.record_censored(2);
  EXPECT_EQ(h.merged(7, 8, IntervalMeasure::response), two);
  EXPECT_EQ(h.merged(7, 8, IntervalMeasure::service, "SET"), Histogram{});
  EXPECT_EQ(h.merged(7, 7, IntervalMeasure::lateness), histogram_of(1007));
  EXPECT_EQ(h.covered(7, 8), std::pair(std::size_t{7}, std::size_t{8}));
  EXPECT_EQ(h.covered(100, 200), std::nullopt);
  EXPECT_THROW(h.merged(0, 1, IntervalMeasure::service, "DEL"), std::invalid_argument);
}

TEST(IntervalHistograms, OverTheLimitNeighboursOfAPhaseAreJoinedAndNothingIsLost) {
  const IntervalHistograms whole = filled(IntervalHistograms::kLimitBytes);
  const IntervalHistograms small = filled(whole.bytes() / 4);
  EXPECT_LE(small.bytes(), whole.bytes() / 4);
  EXPECT_LT(small.entries(), kRows);
  EXPECT_EQ(small.merged(0, kRows, IntervalMeasure::response),
            whole.merged(0, kRows, IntervalMeasure::response));
  const auto [first, last] = small.covered(20, 20).value();
  EXPECT_LE(first, 20u);
  EXPECT_GE(last, 20u);
  EXPECT_GT(last - first, 0u);
  EXPECT_EQ(small.merged(20, 20, IntervalMeasure::service),
            whole.merged(first, last, IntervalMeasure::service));
  EXPECT_EQ(small.covered(0, 4).value().second, 4u);  // not joined across the phases
}

TEST(IntervalHistograms, ACopyIsNotChangedByLaterRows) {
  IntervalHistograms h = filled(IntervalHistograms::kLimitBytes);
  const IntervalHistograms copy = h;
  h.add(row(kRows));
  EXPECT_EQ(copy.entries(), kRows);
  EXPECT_EQ(h.entries(), kRows + 1);
}

TEST(IntervalHistograms, BytesReadBackWhole) {
  const IntervalHistograms h = filled(20'000);
  const IntervalHistograms back = IntervalHistograms::from_bytes(h.to_bytes());
  EXPECT_EQ(back.labels(), h.labels());
  EXPECT_EQ(back.entries(), h.entries());
  EXPECT_EQ(back.merged(0, kRows, IntervalMeasure::response, "GET"),
            h.merged(0, kRows, IntervalMeasure::response, "GET"));
  EXPECT_EQ(back.to_bytes(), h.to_bytes());
}

TEST(IntervalHistograms, GarbageIsRejected) {
  const std::string bytes = filled(IntervalHistograms::kLimitBytes).to_bytes();
  EXPECT_THROW(IntervalHistograms::from_bytes(""), std::invalid_argument);
  EXPECT_THROW(IntervalHistograms::from_bytes("garbage, not histograms"), std::invalid_argument);
  EXPECT_THROW(IntervalHistograms::from_bytes(bytes + "x"), std::invalid_argument);
  for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 97) {
    EXPECT_THROW(IntervalHistograms::from_bytes(std::string_view(bytes).substr(0, size)),
                 std::invalid_argument);
  }
}

TEST(IntervalHistograms, DamageIsRejectedOrReadsAsHistograms) {
  const std::string bytes = filled(20'000).to_bytes();
  Random random(8);
  for (int i = 0; i < 1000; ++i) {
    std::string damaged = bytes;
    damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    try {
      const IntervalHistograms h = IntervalHistograms::from_bytes(damaged);
      EXPECT_LE(h.entries(), kRows);
      h.merged(0, kRows, IntervalMeasure::response);
    } catch (const std::invalid_argument&) {
    }
  }
}

}  // namespace
}  // namespace redisload
