// Distributions beside uniform, sequential and zipfian, against theory; lanes and further keys.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numbers>
#include <set>
#include <vector>

#include "redisload/workload/key_distribution.hpp"
#include "redisload/workload/key_names.hpp"
#include "support/statistics.hpp"

namespace redisload {
namespace {

constexpr int kDraws = 200'000;

KeysConfig keys(std::uint64_t count, KeyDistribution distribution) {
  KeysConfig config;
  config.count = count;
  config.distribution = distribution;
  return config;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

TEST(Normal, FollowsItsLaw) {
  KeysConfig config = keys(10'000, KeyDistribution::normal);
  config.normal_mean = 0.4;
  config.normal_deviation = 0.1;
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
    Random random(seed);
    KeyGenerator generator(config, 0, 1);
    constexpr int kBins = 50;
    std::vector<double> observed(kBins);
    std::vector<double> expected;
    for (int i = 0; i < kDraws; ++i) observed[generator.next(random) * kBins / 10'000] += 1;
    const double whole = normal_cdf(6.0) - normal_cdf(-4.0);  // what falls outside is drawn again
    for (int bin = 0; bin < kBins; ++bin) {
      const auto edge = [](int at) { return (static_cast<double>(at) / kBins - 0.4) / 0.1; };
      expected.push_back(kDraws * (normal_cdf(edge(bin + 1)) - normal_cdf(edge(bin))) / whole);
    }
    // Bins with hardly anything in them say nothing in a chi-square.
    std::vector<double> o;
    std::vector<double> e;
    for (int bin = 0; bin < kBins; ++bin) {
      if (expected[bin] < 10) continue;
      o.push_back(observed[bin]);
      e.push_back(expected[bin]);
    }
    EXPECT_GT(test::chi_square_p(o, e), 1e-4) << seed;
  }
}

TEST(HotSet, HotKeysGetTheirShareAndAllOfEachKindAreAlike) {
  KeysConfig config = keys(1000, KeyDistribution::hotset);
  config.hot_keys = 0.1;
  config.hot_operations = 0.9;
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
    Random random(seed);
    KeyGenerator generator(config, 0, 1);
    std::vector<double> observed(1000);
    for (int i = 0; i < kDraws; ++i) observed[generator.next(random)] += 1;
    const KeyScramble scramble(1000);
    std::vector<double> in_order;
    std::vector<double> expected;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      in_order.push_back(observed[scramble(i)]);
      expected.push_back(i < 100 ? kDraws * 0.9 / 100 : kDraws * 0.1 / 900);
    }
    EXPECT_GT(test::chi_square_p(in_order, expected), 1e-4) << seed;
  }
}

TEST(HotSet, AllKeysHotIsUniform) {
  KeysConfig config = keys(50, KeyDistribution::hotset);
  config.hot_keys = 1;
  config.hot_operations = 0.2;
  Random random(1);
  KeyGenerator generator(config, 0, 1);
  std::vector<double> observed(50);
  for (int i = 0; i < kDraws; ++i) observed[generator.next(random)] += 1;
  EXPECT_GT(test::chi_square_p(observed, std::vector<double>(50, kDraws / 50.0)), 1e-4);
}

TEST(MovingHotSpot, TakesAnotherWindowAfterSoManyOperations) {
  KeysConfig config = keys(1000, KeyDistribution::moving);
  config.hot_keys = 0.1;
  config.hot_operations = 0.95;
  config.move_every = 5000;
  Random random(3);
  KeyGenerator generator(config, 0, 1);
  for (std::uint64_t window = 0; window < 12; ++window) {
    double hot = 0;
    for (int i = 0; i < 5000; ++i) {
      const std::uint64_t key = generator.next(random);
      hot += key / 100 == window % 10 ? 1 : 0;
    }
    // 5,000 draws of a share of 0.95: five standard deviations.
    EXPECT_NEAR(hot / 5000, 0.95, 5 * std::sqrt(0.95 * 0.05 / 5000)) << window;
  }
}

TEST(Latest, WritesGoOnInLineAndReadsStayNear) {
  KeysConfig config = keys(1000, KeyDistribution::latest);
  Random random(4);
  KeyGenerator generator(config, 3, 10);
  OperationRequest request;
  // Before any write the whole keyspace counts as written: the latest of lane 3 is 993.
  std::map<std::uint64_t, int> seen;
  for (int i = 0; i < 20'000; ++i) {
    generator.next(random, false, 1, request);
    EXPECT_EQ(request.key % 10, 3u);
    ++seen[request.key];
  }
  const auto zipf = [](int rank) {
    double sum = 0;
    for (int k = 1; k <= 100; ++k) sum += std::pow(k, -0.99);
    return std::pow(rank, -0.99) / sum;
  };
  EXPECT_NEAR(seen[993] / 20'000.0, zipf(1), 0.02);
  EXPECT_NEAR(seen[983] / 20'000.0, zipf(2), 0.02);
  for (std::uint64_t k = 0; k < 150; ++k) {
    generator.next(random, true, 1, request);
    EXPECT_EQ(request.key, 3 + 10 * (k % 100));
  }
  seen.clear();
  for (int i = 0; i < 20'000; ++i) {
    generator.next(random, false, 1, request);
    ++seen[request.key];
  }
  EXPECT_NEAR(seen[493] / 20'000.0, zipf(1), 0.02);
}

TEST(Partition, EveryConnectionHasKeysOfItsOwnAndAllKeysBelongToOne) {
  for (const auto distribution : {KeyDistribution::uniform, KeyDistribution::sequential,
                                  KeyDistribution::zipfian, KeyDistribution::hotset}) {
    KeysConfig config = keys(103, distribution);
    config.partition = true;
    config.zipf_exponent = 0.2;
    std::set<std::uint64_t> all;
    for (std::uint64_t connection = 0; connection < 10; ++connection) {
      Random random(connection);
      KeyGenerator generator(config, connection, 10);
      for (int i = 0; i < 3000; ++i) {
        const std::uint64_t key = generator.next(random);
        ASSERT_LT(key, 103u);
        ASSERT_EQ(key % 10, connection);
        all.insert(key);
      }
    }
    EXPECT_EQ(all.size(), 103u);
  }
}

TEST(Partition, MoreConnectionsThanKeysShareLanes) {
  KeysConfig config = keys(3, KeyDistribution::uniform);
  config.partition = true;
  Random random(1);
  KeyGenerator generator(config, 7, 10);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(generator.next(random), 1u);
}

TEST(FurtherKeys, FollowFromTheRequestAndFromTheDistribution) {
  for (const auto distribution :
       {KeyDistribution::uniform, KeyDistribution::zipfian, KeyDistribution::normal,
        KeyDistribution::hotset, KeyDistribution::latest, KeyDistribution::moving}) {
    const KeysConfig config = keys(500, distribution);
    const auto space = std::make_shared<const Keyspace>(config, 4);
    KeyGenerator generator(space, 1, 4);
    Random random(9);
    std::vector<double> first(10);
    std::vector<double> second(10);
    for (int i = 0; i < 40'000; ++i) {
      OperationRequest request;
      generator.next(random, false, 2, request);
      request.value_seed = random.next();
      const std::uint64_t key = space->further(request, 2);
      ASSERT_EQ(key, space->further(request, 2));
      ASSERT_LT(key, 500u);
      first[request.key / 50] += 1;
      second[key / 50] += 1;
    }
    // The same law: two samples, each within six deviations of the other in every tenth.
    for (int bin = 0; bin < 10; ++bin)
      EXPECT_NEAR(first[bin], second[bin], 6 * std::sqrt(first[bin] + second[bin]) + 6);
  }
}

TEST(FurtherKeys, SequentialOnesGoOnAndNoneIsLeftOut) {
  const KeysConfig config = keys(100, KeyDistribution::sequential);
  const auto space = std::make_shared<const Keyspace>(config, 4);
  KeyGenerator generator(space, 1, 4);
  Random random(9);
  std::vector<std::uint64_t> taken;
  for (int i = 0; i < 10; ++i) {
    OperationRequest request;
    generator.next(random, false, 3, request);
    taken.push_back(request.key);
    taken.push_back(space->further(request, 2));
    taken.push_back(space->further(request, 3));
  }
  for (std::uint64_t k = 0; k < taken.size(); ++k) EXPECT_EQ(taken[k], (1 + 4 * k) % 100);
}

TEST(KeyNames, AreAsLongAsAskedFor) {
  KeysConfig config = keys(1000, KeyDistribution::uniform);
  EXPECT_EQ(KeyNames::of(config, "string").size(), std::string("redisload:string:").size() + 12);
  config.prefix = "k:";
  EXPECT_EQ(KeyNames::of(config, "string").prefix, "k:");
  EXPECT_EQ(KeyNames::of(config, "list").prefix, "k:list:");
  config.length_bytes = 5;
  EXPECT_EQ(KeyNames::of(config, "string").size(), 5u);
  EXPECT_EQ(KeyNames::of(config, "string").digits, 3u);
  config.length_bytes = 40;
  EXPECT_EQ(KeyNames::of(config, "string").size(), 40u);
  EXPECT_EQ(KeyNames::of(config, "list").size(), 40u);
  config.hash_tags = 16;
  EXPECT_EQ(KeyNames::of(config, "list").size(), 40u);
}

}  // namespace
}  // namespace redisload
