// What a recorder counts and when it hands over; read through the collector, as in a run.
#include "redisload/metrics/recorder.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "metrics/collector_fixture.hpp"

namespace redisload {
namespace {

TEST(Recorder, EveryOutcomeIsCountedOnceAndAddsUp) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  r.offered(8);
  for (int i = 0; i < 6; ++i) r.sent(1, true, 10);
  r.sent(1, false, 10);
  r.succeeded(answered(kTestSecond / 2, 1), 3, 1);
  r.failed_reply(answered(kTestSecond / 2, 1), r.error_kind("reply.WRONGTYPE"));
  r.ended(unanswered(Outcome::failed, 1), r.error_kind("connection.reset"));
  r.ended(unanswered(Outcome::timed_out, 1), r.error_kind("timeout.response"));
  r.ended(unanswered(Outcome::lost, 1), r.error_kind("connection.closed"));
  r.ended(unanswered(Outcome::lost, 1), r.error_kind("connection.closed"));
  r.ended(unanswered(Outcome::not_sent, 1), r.error_kind("timeout.pool"));
  r.not_sent(1, r.error_kind("run.ended"));
  r.late_reply(1, 7);
  r.connection_fault(r.error_kind("connection.refused"));
  r.begin_phase(Phase::drain, kTestSecond);
  r.finish(kTestSecond);
  collector.close();
  const MetricsSnapshot s = collector.snapshot(kTestSecond);
  const OperationCounts& c = s.totals.counts;
  EXPECT_EQ(c.offered, c.issued + c.not_sent);
  EXPECT_EQ(c.issued, c.succeeded + c.failed + c.timed_out + c.lost);
  EXPECT_EQ(c.issued, 6u);
  EXPECT_EQ(c.not_sent, 2u);
  EXPECT_EQ(c.failed, 2u);
  EXPECT_EQ(c.error_replies, 1u);
  EXPECT_EQ(c.lost, 2u);
  EXPECT_EQ(c.attempts, 7u);
  EXPECT_EQ(c.retries, 1u);
  EXPECT_EQ(c.hits, 3u);
  EXPECT_EQ(c.misses, 1u);
  EXPECT_EQ(c.late_replies, 1u);
  EXPECT_EQ(c.bytes_sent, 70u);
  EXPECT_EQ(c.bytes_received, 17u);
  const ErrorCounts errors = {{"connection.closed", 2}, {"connection.reset", 1},
                              {"reply.WRONGTYPE", 1},   {"run.ended", 1},
                              {"timeout.pool", 1},      {"timeout.response", 1}};
  EXPECT_EQ(s.totals.errors, errors);
  EXPECT_EQ(s.connection_faults, (ErrorCounts{{"connection.refused", 1}}));
  EXPECT_EQ(s.operations[1].counts.offered, 7u);
  EXPECT_EQ(s.operations[1].errors.at("timeout.pool"), 1u);
  EXPECT_EQ(s.totals.throughput, 2.0);  // the success and the error reply
}

TEST(Recorder, CensoringFollowsTheOutcome) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  for (const Outcome outcome : {Outcome::failed, Outcome::lost, Outcome::not_sent}) {
    r.ended(unanswered(outcome), r.error_kind("x.y"));
  }
  r.not_sent(4, r.error_kind("run.ended"));
  r.failed_reply(answered(1000), r.error_kind("reply.ERR"));
  r.succeeded(answered(kTestSecond / 2), 0, 0);
  r.advance(kTestSecond);
  collector.poll();
  const OperationMetrics totals = collector.snapshot(kTestSecond).totals;
  EXPECT_EQ(totals.service_time.count(), 1u);
  EXPECT_EQ(totals.service_time.censored(), 2u);
  EXPECT_EQ(totals.response_time.censored(), 7u);
  EXPECT_EQ(totals.error_time.count(), 1u);
  EXPECT_EQ(totals.service_time.max_ns(), 100'000);
  EXPECT_EQ(totals.response_time.max_ns(), 200'000);
  EXPECT_EQ(totals.response_time.censored_floor_ns(), 200'000);
  r.ended(unanswered(Outcome::timed_out), r.error_kind("timeout.response"));
  r.finish(kTestSecond + 1);
  collector.close();
  const OperationMetrics after = collector.snapshot(kTestSecond).totals;
  EXPECT_EQ(after.service_time.censored_floor_ns(), 10 * kTestSecond);
}

TEST(Recorder, GoodputIsFirstAttemptsWithinTheObjective) {
  CollectorOptions options = test_options();
  options.layout.objective_ns = 200'000;
  Collector collector(options);
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  Sample op = answered(500'000);
  r.succeeded(op, 0, 0);  // exactly the objective
  op.attempts = 2;
  r.succeeded(op, 0, 0);
  op = answered(500'000);
  op.intended_ns -= 1;
  r.succeeded(op, 0, 0);
  r.begin_phase(Phase::drain, kTestSecond);
  r.succeeded(answered(kTestSecond + 1000), 0, 0);
  r.finish(2 * kTestSecond);
  collector.close();
  const MetricsSnapshot s = collector.snapshot(kTestSecond);
  EXPECT_EQ(s.totals.counts.succeeded, 4u);
  EXPECT_EQ(s.totals.throughput, 3.0);  // the drain's completion is outside the window
  EXPECT_EQ(s.totals.goodput, 1.0);
}

TEST(Recorder, IntervalsEndAtTheirBoundariesAndAnIdleWorkerIsWokenForThem) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  const std::int64_t start = 10 * kTestSecond + 5;
  r.begin_phase(Phase::measure, start);
  EXPECT_EQ(r.boundary_ns(), start + kTestSecond);
  succeed(r, start + kTestSecond - 1);
  succeed(r, start + kTestSecond);
  EXPECT_EQ(r.boundary_ns(), start + 2 * kTestSecond);
  collector.poll();
  r.advance(start + 2 * kTestSecond);
  r.finish(start + 2 * kTestSecond + kTestSecond / 2);
  collector.close();
  const auto rows = collector.snapshot(0).intervals;
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].succeeded, 1u);
  EXPECT_EQ(rows[1].succeeded, 1u);
  EXPECT_EQ(rows[2].succeeded, 0u);
  EXPECT_DOUBLE_EQ(rows[1].start_s, 11.000000005);
  EXPECT_DOUBLE_EQ(rows[1].duration_s, 1.0);
  EXPECT_DOUBLE_EQ(rows[2].duration_s, 0.5);
  EXPECT_EQ(rows[0].throughput, 1.0);
}

TEST(Recorder, IntervalsThatPassedWithoutACallAreEmptyRows) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  succeed(r, 1000);
  succeed(r, 5 * kTestSecond + 1000);
  r.finish(6 * kTestSecond);
  collector.close();
  const auto rows = collector.snapshot(0).intervals;
  ASSERT_EQ(rows.size(), 6u);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_DOUBLE_EQ(rows[i].start_s, static_cast<double>(i));
    EXPECT_DOUBLE_EQ(rows[i].duration_s, 1.0);
    EXPECT_EQ(rows[i].succeeded, i == 0 || i == 5 ? 1u : 0u);
  }
  EXPECT_TRUE(std::isnan(rows[1].service.max_s));
}

TEST(Recorder, PhasesRestartTheirIntervalsAndNeverMix) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.connect_time(777);
  r.begin_phase(Phase::prefill, kTestSecond / 4);
  succeed(r, kTestSecond / 2, 2);
  r.begin_phase(Phase::warmup, kTestSecond);
  succeed(r, kTestSecond + 1000);
  r.begin_phase(Phase::measure, 2 * kTestSecond - 7);
  succeed(r, 2 * kTestSecond);
  r.begin_phase(Phase::drain, 3 * kTestSecond - 7);
  r.begin_phase(Phase::cleanup, 3 * kTestSecond);
  succeed(r, 4 * kTestSecond, 2);
  r.finish(5 * kTestSecond);
  collector.close();
  const MetricsSnapshot s = collector.snapshot(kTestSecond);
  ASSERT_EQ(s.intervals.size(), 4u);
  EXPECT_EQ(s.intervals[0].phase, Phase::prefill);
  EXPECT_EQ(s.intervals[1].phase, Phase::warmup);
  EXPECT_EQ(s.intervals[2].phase, Phase::measure);
  EXPECT_EQ(s.intervals[3].phase, Phase::drain);
  EXPECT_DOUBLE_EQ(s.intervals[0].duration_s, 0.75);
  EXPECT_DOUBLE_EQ(s.intervals[2].duration_s, 1.0);
  EXPECT_EQ(s.totals.counts.succeeded, 1u);
  EXPECT_EQ(s.connect_time.count(), 1u);
  const auto& commands = s.commands;
  EXPECT_EQ(commands.at("prefill").at("SET"), 1u);
  EXPECT_EQ(commands.at("warmup").at("SET"), 1u);
  EXPECT_EQ(commands.at("measure").at("SET"), 1u);
  EXPECT_EQ(commands.at("cleanup").at("SET"), 1u);
  EXPECT_EQ(s.phases[static_cast<std::size_t>(Phase::prefill)].counts.succeeded, 1u);
}

TEST(Recorder, WhatBeganAfterThePhaseEndedGoesToTheNextPhase) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  succeed(r, kTestSecond / 2);
  // The worker saw a completion of the drain before it was told that the window was over.
  succeed(r, kTestSecond + 1000);
  r.begin_phase(Phase::drain, kTestSecond);
  r.finish(kTestSecond + 5000);
  collector.close();
  const MetricsSnapshot s = collector.snapshot(kTestSecond);
  ASSERT_EQ(s.intervals.size(), 2u);
  EXPECT_EQ(s.intervals[1].phase, Phase::drain);
  EXPECT_EQ(s.intervals[1].succeeded, 1u);
  EXPECT_EQ(s.totals.counts.succeeded, 2u);
  EXPECT_EQ(s.totals.throughput, 1.0);
}

TEST(Recorder, AnExactEndLeavesNoEmptyRow) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  r.advance(kTestSecond);
  r.begin_phase(Phase::drain, kTestSecond);
  r.finish(kTestSecond);
  collector.close();
  EXPECT_EQ(collector.snapshot(kTestSecond).intervals.size(), 1u);
}

TEST(Recorder, WhenTheCollectorIsLateItGoesOnAndLosesNothing) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  for (int i = 0; i < 8; ++i) succeed(r, i * kTestSecond + 1000);
  r.begin_phase(Phase::drain, 8 * kTestSecond);
  r.finish(8 * kTestSecond);
  collector.close();
  const MetricsSnapshot s = collector.snapshot(8 * kTestSecond);
  EXPECT_EQ(s.totals.counts.succeeded, 8u);
  EXPECT_EQ(s.totals.service_time.count(), 8u);
  double covered = 0;
  std::uint64_t succeeded = 0;
  for (const auto& row : s.intervals) {
    EXPECT_DOUBLE_EQ(row.start_s, covered);
    covered += row.duration_s;
    succeeded += row.succeeded;
  }
  EXPECT_DOUBLE_EQ(covered, 8.0);
  EXPECT_EQ(succeeded, 8u);
  EXPECT_LT(s.intervals.size(), 8u);  // the last one says that it covers several
}

TEST(Recorder, ALongIntervalIsHandedOverInPartsAndStaysOneRow) {
  CollectorOptions options = test_options();
  options.interval_ns = 600 * kTestSecond;
  Collector collector(options);
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  for (int i = 0; i < 600; i += 10) {
    succeed(r, i * kTestSecond + 1000);
    collector.poll();
    EXPECT_TRUE(collector.snapshot(0).intervals.empty());
  }
  EXPECT_GT(collector.snapshot(0).totals.counts.succeeded, 40u);  // seen before the row closes
  r.finish(600 * kTestSecond);
  collector.close();
  const auto rows = collector.snapshot(0).intervals;
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].succeeded, 60u);
  EXPECT_DOUBLE_EQ(rows[0].duration_s, 600.0);
}

TEST(Recorder, APhaseCanBeginAgainAfterAPause) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  succeed(r, kTestSecond / 2);
  r.begin_phase(Phase::measure, 5 * kTestSecond);
  succeed(r, 5 * kTestSecond + 1000);
  r.finish(6 * kTestSecond);
  collector.close();
  const auto rows = collector.snapshot(0).intervals;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_DOUBLE_EQ(rows[1].start_s, 5.0);
  EXPECT_EQ(rows[1].succeeded, 1u);
}

TEST(Recorder, GaugesAreReadAtTheRowsEnd) {
  Collector collector(test_options(2));
  for (std::size_t w = 0; w < 2; ++w) {
    Recorder& r = collector.recorder(w);
    r.begin_phase(Phase::measure, 0);
    r.gauges() = {10 + w, 25, 1000.0};
    r.advance(kTestSecond);
    r.gauges() = {0, 0, std::nan("")};
    r.finish(2 * kTestSecond);
  }
  collector.close();
  const auto rows = collector.snapshot(0).intervals;
  EXPECT_EQ(rows[0].in_flight, 21u);
  EXPECT_EQ(rows[0].connections, 50u);
  EXPECT_EQ(rows[0].target_rate, 2000.0);
  EXPECT_TRUE(std::isnan(rows[1].target_rate));
}

TEST(Recorder, CallsAfterTheEndAreHarmless) {
  Collector collector(test_options());
  Recorder& r = collector.recorder(0);
  r.begin_phase(Phase::measure, 0);
  r.finish(kTestSecond);
  succeed(r, 5 * kTestSecond);
  EXPECT_EQ(r.boundary_ns(), INT64_MAX);
  collector.close();
  EXPECT_EQ(collector.snapshot(0).totals.counts.succeeded, 0u);
}

}  // namespace
}  // namespace redisload
