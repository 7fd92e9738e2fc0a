#include "redisload/workload/value_generator.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "support/statistics.hpp"

namespace redisload {
namespace {

constexpr char kGuard = '\x5a';

std::string value(const ValueGenerator& values, std::uint64_t seed) {
  std::string bytes(values.size_bytes() + 8, kGuard);
  values.fill(bytes.data(), seed);
  EXPECT_EQ(bytes.substr(values.size_bytes()), std::string(8, kGuard)) << "wrote past its end";
  bytes.resize(values.size_bytes());
  return bytes;
}

class EverySize : public testing::TestWithParam<std::size_t> {};

TEST_P(EverySize, FollowFromTheSeedAlone) {
  const ValueGenerator one(GetParam());
  const ValueGenerator other(GetParam());
  for (const std::uint64_t seed : {0ULL, 1ULL, 99ULL, ~0ULL}) {
    EXPECT_EQ(value(one, seed), value(other, seed));
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, EverySize,
                         testing::Values(0, 1, 7, 8, 9, 32, 100, 128, 129, 4096, 262'144, 600'001));

TEST(ValueGenerator, FirstEightBytesDifferFromSeedToSeed) {
  for (const std::size_t size : {8u, 32u, 129u, 4096u}) {
    const ValueGenerator values(size);
    std::set<std::string> first_words;
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
      first_words.insert(value(values, seed).substr(0, 8));
    }
    EXPECT_EQ(first_words.size(), 1000u) << size;
  }
}

TEST(ValueGenerator, LargeValuesDifferThroughout) {
  const ValueGenerator values(4096);
  const std::string one = value(values, 1);
  const std::string other = value(values, 2);
  for (std::size_t at = 0; at < 4096; at += 256)
    EXPECT_NE(one.substr(at, 256), other.substr(at, 256));
}

TEST(ValueGenerator, BytesAreUniform) {
  const ValueGenerator values(32);
  std::vector<double> observed(256);
  for (std::uint64_t seed = 1; seed <= 12'800; ++seed) {
    for (const char c : value(values, seed)) observed[static_cast<unsigned char>(c)] += 1.0;
  }
  EXPECT_GT(test::chi_square_p(observed, std::vector<double>(256, 1600.0)), 1e-4);
}

// Windows into one block overlap, so no law of independent draws applies, only the proportions.
TEST(ValueGenerator, BytesOfLargeValuesAreSpreadEvenly) {
  const ValueGenerator values(4096);
  std::vector<double> observed(256);
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    for (const char c : value(values, seed)) observed[static_cast<unsigned char>(c)] += 1.0;
  }
  for (const double count : observed) EXPECT_NEAR(count, 16'000.0, 2'400.0);
}

}  // namespace
}  // namespace redisload
