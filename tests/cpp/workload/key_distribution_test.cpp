#include "redisload/workload/key_distribution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "support/statistics.hpp"

namespace redisload {
namespace {

using test::chi_square_p;

constexpr int kDraws = 200'000;

KeysConfig keys(std::uint64_t count, KeyDistribution distribution, double exponent = 0.99) {
  KeysConfig config;
  config.count = count;
  config.distribution = distribution;
  config.zipf_exponent = exponent;
  return config;
}

// Bins of one rank from the hottest on, joined where fewer than 10 would be expected.
struct RankBins {
  std::vector<std::size_t> bin_of_rank;  // [rank - 1]
  std::vector<double> expected;
};

RankBins rank_bins(std::uint64_t count, double exponent) {
  std::vector<double> share(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    share[i] = std::pow(static_cast<double>(i + 1), -exponent);
  }
  const double sum = std::accumulate(share.rbegin(), share.rend(), 0.0);
  RankBins bins;
  double open = 0.0;
  for (std::uint64_t i = 0; i < count; ++i) {
    open += share[i] / sum * kDraws;
    bins.bin_of_rank.push_back(bins.expected.size());
    if (open >= 10.0) {
      bins.expected.push_back(open);
      open = 0.0;
    }
  }
  // What is too small for a bin of its own at the end joins the last one.
  bins.expected.back() += open;
  for (auto& bin : bins.bin_of_rank) bin = std::min(bin, bins.expected.size() - 1);
  return bins;
}

class Zipfian : public testing::TestWithParam<double> {};

// MEASURING R17.
TEST_P(Zipfian, FollowsItsLawOverTheWholeKeyspace) {
  for (const std::uint64_t count : {2ULL, 50ULL, 1000ULL, 100'000ULL}) {
    const RankBins bins = rank_bins(count, GetParam());
    std::vector<std::uint64_t> rank_of_key(count);
    for (std::uint64_t rank = 1; rank <= count; ++rank)
      rank_of_key[key_of_rank(rank, count)] = rank;
    for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
      Random random(seed);
      KeyGenerator generator(keys(count, KeyDistribution::zipfian, GetParam()), 0, 1);
      std::vector<double> observed(bins.expected.size());
      for (int i = 0; i < kDraws; ++i) {
        observed[bins.bin_of_rank[rank_of_key.at(generator.next(random)) - 1]] += 1.0;
      }
      EXPECT_GT(chi_square_p(observed, bins.expected), 1e-4)
          << "exponent " << GetParam() << " count " << count << " seed " << seed;
    }
  }
}

// Each end alone, so that an error there cannot hide among many right bins.
TEST_P(Zipfian, IsRightAtBothEnds) {
  const std::uint64_t count = 20;
  double sum = 0.0;
  for (int i = 1; i <= 20; ++i) sum += std::pow(i, -GetParam());
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
    Random random(seed);
    const ZipfianRanks ranks(count, GetParam());
    double first = 0.0;
    double last = 0.0;
    for (int i = 0; i < kDraws; ++i) {
      const std::uint64_t rank = ranks.draw(random);
      ASSERT_GE(rank, 1u);
      ASSERT_LE(rank, count);
      first += rank == 1 ? 1.0 : 0.0;
      last += rank == count ? 1.0 : 0.0;
    }
    const double expected_first = kDraws / sum;
    const double expected_last = kDraws * std::pow(20.0, -GetParam()) / sum;
    EXPECT_GT(chi_square_p({first, kDraws - first}, {expected_first, kDraws - expected_first}),
              1e-4);
    EXPECT_GT(chi_square_p({last, kDraws - last}, {expected_last, kDraws - expected_last}), 1e-4);
  }
}

TEST_P(Zipfian, HoldsItsLawInTheLargestKeyspace) {
  // Halves of the range on a logarithmic scale; sums of x^-s by the midpoint integral, which is
  // exact to far below the noise from rank 1000 on, and term by term before.
  const double s = GetParam();
  const auto integral = [s](double a, double b) {
    return s == 1.0 ? std::log(b / a) : (std::pow(b, 1 - s) - std::pow(a, 1 - s)) / (1 - s);
  };
  const std::vector<double> edges{1, 10, 100, 1000, 1e6, 1e8, 1e10, 1e11, 3e11, 1e12};
  std::vector<double> share;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    double sum = 0.0;
    if (edges[i] < 1000) {
      for (double x = edges[i]; x < edges[i + 1]; ++x) sum += std::pow(x, -s);
    } else {
      sum = integral(edges[i] - 0.5, edges[i + 1] - 0.5);
    }
    share.push_back(sum);
  }
  const double total = std::accumulate(share.begin(), share.end(), 0.0);
  // Bins that expect too few join their neighbour.
  std::vector<double> expected;
  std::vector<double> upper;
  double open = 0.0;
  for (std::size_t i = 0; i < share.size(); ++i) {
    open += share[i] / total * kDraws;
    if (open < 10.0) continue;
    expected.push_back(open);
    upper.push_back(edges[i + 1]);
    open = 0.0;
  }
  expected.back() += open;
  upper.back() = 2e12;
  ASSERT_GE(expected.size(), 2u);
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
    Random random(seed);
    const ZipfianRanks ranks(kMaxKeyCount, s);
    std::vector<double> observed(expected.size());
    for (int i = 0; i < kDraws; ++i) {
      const std::uint64_t rank = ranks.draw(random);
      ASSERT_GE(rank, 1u);
      ASSERT_LE(rank, kMaxKeyCount);
      const auto bin = std::upper_bound(upper.begin(), upper.end(), static_cast<double>(rank));
      observed[static_cast<std::size_t>(bin - upper.begin())] += 1.0;
    }
    EXPECT_GT(chi_square_p(observed, expected), 1e-4) << s << " " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Exponents, Zipfian,
                         testing::Values(0.0, 0.5, 0.99, 1.0, 1.0 + 1e-12, 1.3, 3.0));

TEST(ZipfianRanks, StaysInRangeAtExtremes) {
  for (const double exponent : {0.0, 1.0, 50.0, 1000.0}) {
    for (const std::uint64_t count : {std::uint64_t{1}, std::uint64_t{2}, kMaxKeyCount}) {
      Random random(3);
      const ZipfianRanks ranks(count, exponent);
      for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t rank = ranks.draw(random);
        ASSERT_GE(rank, 1u);
        ASSERT_LE(rank, exponent >= 50.0 ? 1u : count);
      }
    }
  }
}

TEST(KeyScramble, IsAPermutationOfEveryKeyspace) {
  for (std::uint64_t count = 1; count <= 600; ++count) {
    std::vector<bool> seen(count);
    for (std::uint64_t rank = 1; rank <= count; ++rank) {
      const std::uint64_t key = key_of_rank(rank, count);
      ASSERT_LT(key, count);
      ASSERT_FALSE(seen[key]) << "count " << count;
      seen[key] = true;
    }
  }
}

TEST(KeyScramble, SpreadsTheHotKeysOverTheKeyspace) {
  const std::uint64_t count = 1'000'000;
  std::vector<double> observed(20);
  std::uint64_t neighbours = 0;
  for (std::uint64_t rank = 1; rank <= 2000; ++rank) {
    const std::uint64_t key = key_of_rank(rank, count);
    observed[key * 20 / count] += 1.0;
    const auto gap =
        static_cast<std::int64_t>(key) - static_cast<std::int64_t>(key_of_rank(rank + 1, count));
    if (std::abs(gap) < 100) ++neighbours;
  }
  // Not a random sample but a fixed permutation: no twentieth is left out or crowded.
  for (const double in_part : observed) EXPECT_NEAR(in_part, 100.0, 60.0);
  EXPECT_LT(neighbours, 20u);
}

TEST(KeyScramble, LargestKeyspaceStaysInRange) {
  for (std::uint64_t rank = 1; rank < 10'000; ++rank) {
    ASSERT_LT(key_of_rank(rank, kMaxKeyCount), kMaxKeyCount);
    ASSERT_LT(key_of_rank(kMaxKeyCount - rank, kMaxKeyCount), kMaxKeyCount);
  }
}

TEST(KeyGenerator, UniformIsUniform) {
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
    Random random(seed);
    KeyGenerator generator(keys(1000, KeyDistribution::uniform), 0, 1);
    std::vector<double> observed(1000);
    for (int i = 0; i < kDraws; ++i) observed.at(generator.next(random)) += 1.0;
    EXPECT_GT(chi_square_p(observed, std::vector<double>(1000, kDraws / 1000.0)), 1e-4);
  }
}

TEST(KeyGenerator, SequentialIsConnectionPlusMultiplesOfConnections) {
  Random random(1);
  KeyGenerator generator(keys(10, KeyDistribution::sequential), 1, 4);
  std::vector<std::uint64_t> drawn;
  for (int i = 0; i < 8; ++i) drawn.push_back(generator.next(random));
  EXPECT_EQ(drawn, (std::vector<std::uint64_t>{1, 5, 9, 3, 7, 1, 5, 9}));
}

TEST(KeyGenerator, SequentialConnectionsTogetherCoverTheKeyspaceExactly) {
  for (const auto& [count, connections] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {1000, 1}, {1000, 50}, {1024, 7}, {10, 50}, {1, 3}}) {
    // connections * count draws in all: every key exactly `connections` times.
    std::vector<std::uint64_t> times(count);
    Random random(1);
    for (std::uint64_t c = 0; c < connections; ++c) {
      KeyGenerator generator(keys(count, KeyDistribution::sequential), c, connections);
      for (std::uint64_t i = 0; i < count; ++i) ++times.at(generator.next(random));
    }
    EXPECT_EQ(times, std::vector<std::uint64_t>(count, connections))
        << count << " keys, " << connections << " connections";
  }
}

TEST(KeyGenerator, SequentialFirstRoundTakesEachKeyOnce) {
  std::vector<int> times(1000);
  Random random(1);
  for (std::uint64_t c = 0; c < 50; ++c) {
    KeyGenerator generator(keys(1000, KeyDistribution::sequential), c, 50);
    for (int i = 0; i < 1000 / 50; ++i) ++times.at(generator.next(random));
  }
  EXPECT_EQ(times, std::vector<int>(1000, 1));
}

}  // namespace
}  // namespace redisload
