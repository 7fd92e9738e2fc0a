#include "redisload/metrics/collector.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "metrics/collector_fixture.hpp"
#include "redisload/base/random.hpp"

namespace redisload {
namespace {

TEST(Collector, AnIntervalClosesWhenEveryWorkerHasPassedIt) {
  Collector collector(test_options(2));
  collector.recorder(0).begin_phase(Phase::measure, 0);
  collector.recorder(1).begin_phase(Phase::measure, 0);
  succeed(collector.recorder(0), 1000);
  succeed(collector.recorder(1), 1000);
  collector.recorder(0).advance(3 * kTestSecond);
  collector.poll();
  EXPECT_EQ(collector.snapshot(0).intervals.size(), 0u);
  collector.recorder(1).advance(2 * kTestSecond);
  collector.poll();
  const auto rows = collector.snapshot(0).intervals;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].succeeded, 2u);
  EXPECT_FALSE(collector.finished());
}

TEST(Collector, IntervalsAddUpToTheTotals) {
  Collector collector(test_options(3));
  Random random(9);
  for (std::size_t w = 0; w < 3; ++w) {
    Recorder& r = collector.recorder(w);
    r.begin_phase(Phase::warmup, 0);
    succeed(r, 1000);
    r.begin_phase(Phase::measure, kTestSecond / 3);
    const auto kind = r.error_kind("reply.ERR");
    for (std::int64_t now = kTestSecond / 3; now < 7 * kTestSecond; now += 1'000'000) {
      const auto label = static_cast<std::uint16_t>(random.below(2));
      r.advance(now);
      r.lateness(static_cast<std::int64_t>(random.below(1000)));
      if (random.below(20) == 0) {
        r.offered(1);
        r.sent(label, true, 9);
        r.failed_reply(answered(now, label), kind);
      } else {
        succeed(r, now, label);
      }
      if (random.below(500) == 0) collector.poll();
    }
    r.begin_phase(Phase::drain, 7 * kTestSecond);
    r.ended(unanswered(Outcome::lost), r.error_kind("run.ended"));
    r.not_sent(2, r.error_kind("run.ended"));
    r.finish(7 * kTestSecond + 10);
  }
  collector.close();
  const MetricsSnapshot s = collector.snapshot(7 * kTestSecond);
  OperationCounts sum;
  std::size_t first = s.intervals.size(), last = 0;
  for (std::size_t i = 0; i < s.intervals.size(); ++i) {
    const IntervalRow& row = s.intervals[i];
    if (row.phase != Phase::measure && row.phase != Phase::drain) continue;
    first = std::min(first, i);
    last = i;
    sum.offered += row.offered, sum.issued += row.issued, sum.succeeded += row.succeeded;
    sum.failed += row.failed, sum.lost += row.lost, sum.not_sent += row.not_sent;
  }
  EXPECT_EQ(sum.offered, s.totals.counts.offered);
  EXPECT_EQ(sum.issued, s.totals.counts.issued);
  EXPECT_EQ(sum.succeeded, s.totals.counts.succeeded);
  EXPECT_EQ(sum.failed, s.totals.counts.failed);
  EXPECT_EQ(sum.lost, 3u);
  EXPECT_EQ(sum.not_sent, 6u);
  const IntervalHistograms& h = s.interval_histograms;
  EXPECT_EQ(h.merged(first, last, IntervalMeasure::service), s.totals.service_time);
  EXPECT_EQ(h.merged(first, last, IntervalMeasure::response), s.totals.response_time);
  EXPECT_EQ(h.merged(first, last, IntervalMeasure::lateness), s.lateness);
  EXPECT_EQ(h.merged(first, last, IntervalMeasure::response, "GET"), s.operations[1].response_time);
  Histogram parts = s.operations[0].service_time;
  parts.merge(s.operations[1].service_time);
  EXPECT_EQ(parts, s.totals.service_time);
}

TEST(Collector, ALateWorkerJoinsOnlyTheRowsItCannotTellApart) {
  Collector collector(test_options(2));
  Recorder& late = collector.recorder(0);
  Recorder& timely = collector.recorder(1);
  late.begin_phase(Phase::measure, 0);
  timely.begin_phase(Phase::measure, 0);
  for (int i = 0; i < 6; ++i) {
    succeed(late, i * kTestSecond + 1000);
    succeed(timely, i * kTestSecond + 1000);
  }
  late.finish(6 * kTestSecond);
  timely.finish(6 * kTestSecond);
  collector.close();
  double covered = 0;
  std::uint64_t succeeded = 0;
  for (const auto& row : collector.snapshot(0).intervals) {
    EXPECT_DOUBLE_EQ(row.start_s, covered);
    EXPECT_EQ(static_cast<double>(row.succeeded), 2 * row.duration_s);
    covered += row.duration_s;
    succeeded += row.succeeded;
  }
  EXPECT_DOUBLE_EQ(covered, 6.0);
  EXPECT_EQ(succeeded, 12u);
}

TEST(Collector, RowPercentilesFollowTheRuleOfTen) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  for (int i = 0; i < 100; ++i) succeed(r, 1'000'000 + i);
  r.finish(kTestSecond);
  collector.close();
  const IntervalRow row = collector.snapshot(0).intervals.at(0);
  EXPECT_DOUBLE_EQ(row.service.p90_s, 100e-6);
  EXPECT_TRUE(std::isnan(row.service.p95_s));
  EXPECT_DOUBLE_EQ(row.response.max_s, 200e-6);
  EXPECT_DOUBLE_EQ(row.response.mean_s, 200e-6);
}

TEST(Collector, ErrorKindsOfAllWorkersTogetherAreAtMostSixtyFourAndOther) {
  Collector collector(test_options(2));
  for (std::size_t w = 0; w < 2; ++w) {
    Recorder& r = collector.recorder(w);
    r.begin_phase(Phase::measure, 0);
    for (int i = 0; i < 60; ++i) {
      r.ended(unanswered(Outcome::lost),
              r.error_kind("w" + std::to_string(w) + "." + std::to_string(i)));
    }
    r.finish(kTestSecond);
  }
  collector.close();
  const ErrorCounts errors = collector.snapshot(0).totals.errors;
  EXPECT_EQ(errors.size(), 65u);
  EXPECT_EQ(errors.at("other"), 120u - 64u);
}

TEST(Collector, WaitRowsGivesEachRowOnceAndSaysWhenItIsOver) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  succeed(r, kTestSecond + 1);
  EXPECT_TRUE(collector.wait_rows(0, std::chrono::nanoseconds(0)).rows.empty());
  collector.poll();
  auto rows = collector.wait_rows(0, std::chrono::nanoseconds(0));
  EXPECT_EQ(rows.rows.size(), 1u);
  EXPECT_FALSE(rows.finished);
  r.finish(2 * kTestSecond);
  collector.poll();
  rows = collector.wait_rows(1, std::chrono::nanoseconds(0));
  EXPECT_EQ(rows.rows.size(), 1u);
  EXPECT_TRUE(rows.finished);
  EXPECT_TRUE(collector.wait_rows(99, std::chrono::nanoseconds(0)).rows.empty());
}

TEST(Collector, CloseEndsARunWhoseWorkersNeverFinished) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  succeed(r, kTestSecond + 1);
  collector.close();
  const MetricsSnapshot s = collector.snapshot(kTestSecond);
  EXPECT_TRUE(s.final);
  EXPECT_EQ(s.intervals.size(), 1u);
}

TEST(Collector, ExtraSeriesAreHistogramsOfTheWindow) {
  CollectorOptions options = test_options();
  options.layout.extra_series = {"batch", "delivery"};
  Collector collector(options);
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::warmup, 0);
  r.series(kSeries + 1, 1);
  r.begin_phase(Phase::measure, kTestSecond);
  r.series(kSeries + 1, 42);
  r.pool_wait(5);
  r.finish(2 * kTestSecond);
  collector.close();
  const MetricsSnapshot s = collector.snapshot(kTestSecond);
  EXPECT_EQ(s.extra_series[1].first, "delivery");
  EXPECT_EQ(s.extra_series[1].second.count(), 1u);
  EXPECT_EQ(s.extra_series[0].second.count(), 0u);
  EXPECT_EQ(s.pool_wait.count(), 1u);
}

// For the thread sanitizer too: workers record while one thread collects and another reads.
TEST(Collector, WorkersCollectorAndReadersRunTogether) {
  constexpr std::size_t kWorkers = 2;
  constexpr std::uint64_t kOperations = 60'000;
  CollectorOptions options = test_options(kWorkers);
  options.interval_ns = 1'000'000;
  options.sample_rate = 0.5;
  options.sample_limit = 1'000;
  Collector collector(options);
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (std::size_t w = 0; w < kWorkers; ++w) {
    threads.emplace_back([&collector, w] {
      Recorder& r = collector.recorder(w);
      r.begin_phase(Phase::measure, 0);
      std::int64_t now = 0;
      for (std::uint64_t i = 0; i < kOperations; ++i) {
        now += 1000;
        succeed(r, now, static_cast<std::uint16_t>(i % 2));
        if (i % 100 == 0) r.connection_fault(r.error_kind("fault." + std::to_string(i / 1000)));
      }
      r.begin_phase(Phase::drain, now);
      r.finish(now);
    });
  }
  std::thread reader([&] {
    std::size_t seen = 0;
    while (!over.load()) {
      seen += collector.wait_rows(seen, std::chrono::milliseconds(1)).rows.size();
      const MetricsSnapshot s = collector.snapshot(1);
      EXPECT_LE(s.totals.counts.succeeded, kWorkers * kOperations);
    }
  });
  while (!collector.finished()) collector.poll();
  for (auto& thread : threads) thread.join();
  collector.close();
  over = true;
  reader.join();
  const MetricsSnapshot s = collector.snapshot(1);
  EXPECT_EQ(s.totals.counts.succeeded, kWorkers * kOperations);
  EXPECT_EQ(s.totals.service_time.count(), kWorkers * kOperations);
  EXPECT_LE(s.samples->size(), 1'000u);
  std::uint64_t faults = 0;
  for (const auto& [name, count] : s.connection_faults) faults += count;
  EXPECT_EQ(faults, kWorkers * kOperations / 100);
}

}  // namespace
}  // namespace redisload
