// Sizes of values against their laws, and what values are made of.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <numbers>
#include <set>
#include <stdexcept>
#include <string>

#include "redisload/base/random.hpp"
#include "redisload/workload/value_generator.hpp"
#include "redisload/workload/value_sizes.hpp"
#include "support/statistics.hpp"

namespace redisload {
namespace {

constexpr int kDraws = 100'000;

template <typename Body>
void draw(const ValueSizes& sizes, Body&& body) {
  std::uint64_t state = 42;
  for (int i = 0; i < kDraws; ++i) body(sizes.size(splitmix64(state)));
}

TEST(ValueSizesText, FixedAndRangeAndUnits) {
  EXPECT_TRUE(ValueSizes::parse("32").fixed());
  EXPECT_EQ(ValueSizes::parse("4KiB").size(1), 4096u);
  EXPECT_EQ(ValueSizes::parse("1MiB").largest(), 1u << 20);
  EXPECT_EQ(ValueSizes::parse("0").size(7), 0u);
  const ValueSizes range = ValueSizes::parse("16-19");
  std::vector<double> observed(4);
  draw(range, [&](std::uint64_t size) { observed.at(size - 16) += 1; });
  EXPECT_GT(test::chi_square_p(observed, std::vector<double>(4, kDraws / 4.0)), 1e-4);
  EXPECT_DOUBLE_EQ(range.mean(), 17.5);
}

TEST(ValueSizesText, WeightedList) {
  const ValueSizes sizes = ValueSizes::parse("32:6,1KiB:3,100");
  std::map<std::uint64_t, double> seen;
  draw(sizes, [&](std::uint64_t size) { ++seen[size]; });
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_GT(test::chi_square_p({seen[32], seen[1024], seen[100]},
                               {kDraws * 0.6, kDraws * 0.3, kDraws * 0.1}),
            1e-4);
  EXPECT_NEAR(sizes.mean(), 0.6 * 32 + 0.3 * 1024 + 0.1 * 100, 1e-9);
  EXPECT_EQ(sizes.smallest(), 32u);
}

TEST(ValueSizesText, LogNormalFollowsItsLaw) {
  const ValueSizes sizes = ValueSizes::parse("lognormal:2000:0.5:1MiB");
  std::vector<double> logs;
  draw(sizes, [&](std::uint64_t size) {
    if (logs.size() < 5000)
      logs.push_back((std::log(static_cast<double>(size)) - std::log(2000)) / 0.5);
  });
  const auto normal = [](double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); };
  EXPECT_GT(test::kolmogorov_smirnov_p(logs, normal), 1e-4);
  const ValueSizes capped = ValueSizes::parse("lognormal:2000:2:4000");
  draw(capped, [&](std::uint64_t size) { ASSERT_LE(size, 4000u); });
}

TEST(ValueSizesText, FromAFile) {
  const std::string path = testing::TempDir() + "sizes.txt";
  std::ofstream(path) << "# what was seen\n10 3\n\n20\n";
  const ValueSizes sizes = ValueSizes::parse("@" + path);
  std::map<std::uint64_t, double> seen;
  draw(sizes, [&](std::uint64_t size) { ++seen[size]; });
  EXPECT_GT(test::chi_square_p({seen[10], seen[20]}, {kDraws * 0.75, kDraws * 0.25}), 1e-4);
  std::ofstream(path) << "10 3 4\n";
  EXPECT_THROW(ValueSizes::parse("@" + path), std::invalid_argument);
  std::remove(path.c_str());
  EXPECT_THROW(ValueSizes::parse("@" + path), std::invalid_argument);
}

TEST(ValueSizesText, WhatIsWrongIsRefused) {
  for (const char* text :
       {"", "x", "-1", "5-", "-5", "9-3", "1:", "1:0", "1:-2", ",", "1,,2", "lognormal:", "3:nan",
        "lognormal:0:1", "lognormal:10:-1", "lognormal:10:1:5", "513MiB", "99999999999999999999"}) {
    EXPECT_THROW(ValueSizes::parse(text), std::invalid_argument) << text;
  }
}

ValueGenerator made_of(ValueContent content, std::uint64_t size, double compression = 2) {
  return {ValueSizes(size), content, compression};
}

std::string bytes_of(const ValueGenerator& values, std::uint64_t seed, std::uint64_t key = 0) {
  std::string bytes(values.size(seed), '\0');
  values.fill(bytes.data(), bytes.size(), seed, key);
  return bytes;
}

TEST(ValueContents, PrintableHasNothingElse) {
  for (const std::uint64_t size : {1u, 33u, 5000u}) {
    const ValueGenerator values = made_of(ValueContent::printable, size);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const std::string text = bytes_of(values, seed);
      EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= '!' && c <= '~'; }));
    }
    if (size > 8) {
      EXPECT_NE(bytes_of(values, 1), bytes_of(values, 2));
    }
  }
}

// What is not filling is random: it does not compress.
TEST(ValueContents, CompressibleHasItsShareOfFilling) {
  for (const double ratio : {1.0, 2.0, 4.0, 10.0}) {
    const ValueGenerator values = made_of(ValueContent::compressible, 100'000, ratio);
    const std::string text = bytes_of(values, 5);
    double kept = 0;
    for (std::size_t unit = 0; unit < text.size(); unit += 1024) {
      const std::string_view part = std::string_view(text).substr(unit, 1024);
      kept += static_cast<double>(part.find_last_not_of(' ') + 1);
    }
    EXPECT_NEAR(static_cast<double>(text.size()) / kept, ratio, 0.02 * ratio) << ratio;
  }
}

TEST(ValueContents, VerifiedIsBoundToItsKeyAndEveryByteCounts) {
  std::string scratch;
  for (const std::uint64_t size : {16u, 17u, 64u, 1000u}) {
    const ValueGenerator values = made_of(ValueContent::verified, size);
    const std::string value = bytes_of(values, 77, 5);
    EXPECT_TRUE(values.genuine(value, 5, scratch));
    EXPECT_FALSE(values.genuine(value, 6, scratch));
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::string wrong = value;
      wrong[i] = static_cast<char>(wrong[i] ^ 1);
      EXPECT_FALSE(values.genuine(wrong, 5, scratch)) << i;
    }
    EXPECT_FALSE(values.genuine(value.substr(0, size - 1), 5, scratch));
    EXPECT_FALSE(values.genuine("", 5, scratch));
  }
}

}  // namespace
}  // namespace redisload
