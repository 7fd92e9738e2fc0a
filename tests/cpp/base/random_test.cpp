#include "redisload/base/random.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "support/statistics.hpp"

namespace redisload {
namespace {

using test::chi_square_p;

// The values that the authors' reference code gives for this seed.
TEST(Random, SeedsAreMixedBySplitmix64AsPublished) {
  std::uint64_t state = 1234567;
  EXPECT_EQ(splitmix64(state), 6457827717110365317ULL);
  EXPECT_EQ(splitmix64(state), 3203168211198807973ULL);
  EXPECT_EQ(splitmix64(state), 9817491932198370423ULL);
}

TEST(Random, BelowIsUniform) {
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
    for (const std::uint64_t bound : {2ULL, 3ULL, 10ULL, 1000ULL}) {
      Random random(seed);
      std::vector<double> observed(bound);
      for (int i = 0; i < 100'000; ++i) observed[random.below(bound)] += 1.0;
      const std::vector<double> expected(bound, 100'000.0 / static_cast<double>(bound));
      EXPECT_GT(chi_square_p(observed, expected), 1e-4) << "seed " << seed << " bound " << bound;
    }
  }
}

TEST(Random, BelowHasNoBiasAtABoundNearTheTop) {
  // Without rejection the first third of [0, 3 * 2^62) would come twice as often.
  const std::uint64_t bound = 3ULL << 62;
  Random random(7);
  std::vector<double> observed(3);
  for (int i = 0; i < 100'000; ++i) observed[random.below(bound) >> 62] += 1.0;
  EXPECT_GT(chi_square_p(observed, std::vector<double>(3, 100'000.0 / 3)), 1e-4);
}

TEST(Random, UnitsStayInTheirRangesAndAreUniform) {
  Random random(11);
  std::vector<double> sample;
  for (int i = 0; i < 20'000; ++i) {
    sample.push_back(random.unit());
    ASSERT_GE(sample.back(), 0.0);
    ASSERT_LT(sample.back(), 1.0);
    const double positive = random.unit_positive();
    ASSERT_GT(positive, 0.0);
    ASSERT_LE(positive, 1.0);
  }
  EXPECT_GT(test::kolmogorov_smirnov_p(sample, [](double x) { return x; }), 1e-4);
}

TEST(Random, StreamsDependOnSeedPurposeAndNumberAlone) {
  const auto first = [](std::uint64_t seed, StreamPurpose purpose, std::uint64_t number) {
    return Random::stream(seed, purpose, number).next();
  };
  EXPECT_EQ(first(1, StreamPurpose::operations, 2), first(1, StreamPurpose::operations, 2));
  std::set<std::uint64_t> words;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (const auto purpose : {StreamPurpose::operations, StreamPurpose::arrivals,
                               StreamPurpose::values, StreamPurpose::samples}) {
      for (std::uint64_t number = 0; number < 1000; ++number) {
        words.insert(first(seed, purpose, number));
      }
    }
  }
  EXPECT_EQ(words.size(), 10u * 4u * 1000u);
}

TEST(Random, NeighbouringStreamsAreIndependent) {
  Random a = Random::stream(42, StreamPurpose::operations, 0);
  Random b = Random::stream(42, StreamPurpose::operations, 1);
  std::vector<double> observed(100);
  for (int i = 0; i < 100'000; ++i) observed[a.below(10) * 10 + b.below(10)] += 1.0;
  EXPECT_GT(chi_square_p(observed, std::vector<double>(100, 1000.0)), 1e-4);
}

}  // namespace
}  // namespace redisload
