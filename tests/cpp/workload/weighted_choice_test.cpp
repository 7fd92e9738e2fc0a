#include "redisload/workload/weighted_choice.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "support/statistics.hpp"

namespace redisload {
namespace {

std::vector<double> picks(const std::vector<double>& weights, std::uint64_t seed, int draws) {
  const WeightedChoice choice(weights);
  Random random(seed);
  std::vector<double> observed(weights.size());
  for (int i = 0; i < draws; ++i) observed.at(choice.pick(random)) += 1.0;
  return observed;
}

TEST(WeightedChoice, PicksInProportion) {
  for (const std::vector<double>& weights : std::vector<std::vector<double>>{
           {45, 45, 5, 5}, {1, 1}, {9, 1}, {0.001, 3, 0.5}, {1, 2, 3, 4, 5, 6, 7}}) {
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<double> expected;
    for (const double weight : weights) expected.push_back(weight / sum * 100'000);
    for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
      EXPECT_GT(test::chi_square_p(picks(weights, seed, 100'000), expected), 1e-4);
    }
  }
}

TEST(WeightedChoice, NeverPicksWeightZero) {
  for (const std::vector<double>& weights :
       std::vector<std::vector<double>>{{0, 1}, {1, 0}, {0, 0.1, 0, 0.2, 0}, {1e-300, 0, 1}}) {
    const auto observed = picks(weights, 9, 10'000);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      EXPECT_EQ(observed[i] == 0.0, weights[i] < 1e-200) << i;
    }
  }
}

TEST(WeightedChoice, OneIndexIsAlwaysPicked) { EXPECT_EQ(picks({7}, 1, 100).front(), 100.0); }

}  // namespace
}  // namespace redisload
