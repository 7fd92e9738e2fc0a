// Samples: which operations become one, and how the limit thins them.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "metrics/collector_fixture.hpp"

namespace redisload {
namespace {

CollectorOptions sampling(double rate, std::uint64_t limit) {
  CollectorOptions options = test_options();
  options.sample_rate = rate;
  options.sample_limit = limit;
  options.seed = 17;
  return options;
}

// One operation each microsecond, numbered by its connection; response_ns(i) gives its time.
template <typename Response>
MetricsSnapshot run(CollectorOptions options, std::uint32_t operations, const Response& response) {
  Collector collector(std::move(options));
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  std::int64_t now = 0;
  for (std::uint32_t i = 0; i < operations; ++i) {
    now += 1000;
    r.advance(now);
    Sample op;
    op.completed_ns = now;
    op.intended_ns = op.sent_ns = now - response(i);
    op.connection = i;
    r.succeeded(op, 0, 0);
    if (i % 5000 == 0) collector.poll();
  }
  r.begin_phase(Phase::drain, now + 1);
  r.finish(now + 1);
  collector.close();
  return collector.snapshot(now);
}

std::int64_t constant(std::uint32_t) { return 100; }

TEST(Samples, RateOneKeepsEveryOperation) {
  const MetricsSnapshot s = run(sampling(1.0, 1'000'000), 50'000, constant);
  ASSERT_EQ(s.samples->size(), 50'000u);
  const std::set<std::uint32_t> distinct(s.samples->connection.begin(),
                                         s.samples->connection.end());
  EXPECT_EQ(distinct.size(), 50'000u);
  EXPECT_EQ(std::count(s.samples->weight.begin(), s.samples->weight.end(), 1u), 50'000);
  EXPECT_EQ(s.samples_dropped, 0u);
  EXPECT_EQ(s.effective_sample_rate, 1.0);
}

TEST(Samples, RateZeroKeepsNoneNotEvenTheSlowest) {
  EXPECT_EQ(run(sampling(0.0, 1'000'000), 1000, constant).samples->size(), 0u);
  EXPECT_EQ(run(sampling(1.0, 0), 1000, constant).samples->size(), 0u);
}

TEST(Samples, ARateTakesThatShareAtIndependentPlaces) {
  const std::uint32_t n = 200'000;
  const MetricsSnapshot s = run(sampling(0.02, 1'000'000), n, constant);
  std::vector<std::uint32_t> taken;
  for (std::size_t i = 0; i < s.samples->size(); ++i) {
    if (s.samples->weight[i] == 1) taken.push_back(s.samples->connection[i]);
  }
  std::sort(taken.begin(), taken.end());
  // Binomial(200000, 0.02): 4000 ± 63; five deviations.
  EXPECT_NEAR(static_cast<double>(taken.size()), 4000, 315);
  // Gaps are geometric with mean 50: the share of gaps of at most 35 is 1 - 0.98^35 = 50.7 %.
  std::size_t small = 0;
  for (std::size_t i = 1; i < taken.size(); ++i) small += taken[i] - taken[i - 1] <= 35;
  EXPECT_NEAR(static_cast<double>(small) / static_cast<double>(taken.size()), 0.507, 0.04);
  // Uniform over the run: chi-square of 20 equal parts, 19 degrees of freedom, p = 1e-4: 50.8.
  std::vector<double> parts(20);
  for (const auto i : taken) parts[i / (n / 20)] += 1;
  double chi_square = 0;
  const double expected = static_cast<double>(taken.size()) / 20;
  for (const double part : parts) chi_square += (part - expected) * (part - expected) / expected;
  EXPECT_LT(chi_square, 50.8);
}

TEST(Samples, AtTheLimitEverySecondGoesAndWeightsDouble) {
  const std::uint32_t n = 100'000;
  const MetricsSnapshot s = run(sampling(1.0, 10'000), n, constant);
  EXPECT_LE(s.samples->size(), 10'000u);
  EXPECT_GT(s.samples->size(), 4'000u);
  double weight = 0;
  std::set<std::uint32_t> weights;
  std::vector<double> parts(20);
  for (std::size_t i = 0; i < s.samples->size(); ++i) {
    weight += s.samples->weight[i];
    if (s.samples->weight[i] == 0) continue;
    weights.insert(s.samples->weight[i]);
    parts[s.samples->connection[i] / (n / 20)] += 1;
  }
  // All kept samples stand for the same number of operations, and together for all of them.
  EXPECT_EQ(weights.size(), 1u);
  EXPECT_EQ(*weights.begin(), 16u);
  EXPECT_DOUBLE_EQ(s.effective_sample_rate, 1.0 / 16);
  EXPECT_NEAR(weight, n, 0.05 * n);
  for (const double part : parts) EXPECT_NEAR(part, n / 16.0 / 20, 0.25 * n / 16.0 / 20);
}

TEST(Samples, TheSlowestOfEachIntervalAreKept) {
  // Two slow operations in each of five intervals of 10,000 operations, sampled at 0.1 %.
  CollectorOptions options = sampling(0.001, 1'000'000);
  options.interval_ns = 10'000'000;
  const MetricsSnapshot s = run(options, 50'000, [](std::uint32_t i) {
    return i % 5000 == 2500 ? std::int64_t{50'000'000} : std::int64_t{100};
  });
  const auto& samples = *s.samples;
  std::set<std::uint32_t> kept(samples.connection.begin(), samples.connection.end());
  for (std::uint32_t i = 2500; i < 50'000; i += 5000) EXPECT_TRUE(kept.contains(i)) << i;
  EXPECT_EQ(kept.size(), samples.size());  // nothing twice
  const auto extra = std::count(samples.weight.begin(), samples.weight.end(), 0u);
  EXPECT_GE(extra, 10 - 1);
  EXPECT_LE(extra, 6 * 8);
}

TEST(Samples, ThinningNeverLosesTheSlowest) {
  CollectorOptions options = sampling(1.0, 2'000);
  options.interval_ns = 10'000'000;
  const MetricsSnapshot s = run(options, 50'000, [](std::uint32_t i) {
    return i % 5000 == 2500 ? std::int64_t{50'000'000} : std::int64_t{100};
  });
  const std::set<std::uint32_t> kept(s.samples->connection.begin(), s.samples->connection.end());
  for (std::uint32_t i = 2500; i < 50'000; i += 5000) EXPECT_TRUE(kept.contains(i)) << i;
  EXPECT_LE(s.samples->size(), 2'000u);
}

TEST(Samples, TimesCountFromTheRunsZeroAndNeverStaysMinusOne) {
  CollectorOptions options = sampling(1.0, 100);
  options.zero_ns = 5000;
  Collector collector(options);
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 5000);
  Sample op;
  op.intended_ns = 5100;
  op.outcome = Outcome::not_sent;
  r.ended(op, r.error_kind("run.ended"));
  r.finish(6000);
  collector.close();
  const auto samples = collector.snapshot(0).samples;
  ASSERT_EQ(samples->size(), 1u);
  EXPECT_EQ(samples->intended_ns[0], 100);
  EXPECT_EQ(samples->sent_ns[0], -1);
  EXPECT_EQ(samples->completed_ns[0], -1);
  EXPECT_EQ(samples->outcome[0], static_cast<std::uint8_t>(Outcome::not_sent));
}

TEST(Samples, PrefillIsNotSampled) {
  Collector collector(sampling(1.0, 1000));
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::prefill, 0);
  succeed(r, 500, 2);
  r.begin_phase(Phase::measure, 1000);
  succeed(r, 300'000, 1);
  r.finish(kTestSecond);
  collector.close();
  const auto samples = collector.snapshot(0).samples;
  ASSERT_EQ(samples->size(), 1u);
  EXPECT_EQ(samples->operation[0], 1);
}

TEST(Samples, WithoutAFreeBlockSamplesAreDroppedAndCountedAndNoCountIsLost) {
  Collector collector(sampling(1.0, 1'000'000));
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  const std::uint64_t room = SampleQueue::kBlocksPerWorker * SampleBlock::kCapacity;
  const std::uint64_t operations = room + 10'000;
  for (std::uint64_t i = 0; i < operations; ++i) succeed(r, 300'000 + static_cast<std::int64_t>(i));
  r.finish(kTestSecond);
  collector.close();
  const MetricsSnapshot s = collector.snapshot(kTestSecond);
  EXPECT_EQ(s.totals.counts.succeeded, operations);
  EXPECT_EQ(s.samples->size() + s.samples_dropped, operations);
  EXPECT_EQ(s.samples->size(), room);
}

}  // namespace
}  // namespace redisload
