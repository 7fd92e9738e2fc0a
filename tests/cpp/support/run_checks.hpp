// What holds for the result of every run, whatever happened in it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>

#include "redisload/results/run_results.hpp"
#include "redisload/run/run.hpp"
#include "support/test_server.hpp"

namespace redisload::test {

using LoadRun = ::redisload::Run;  // a test case has a Run of its own

inline std::uint64_t sum_of(const ErrorCounts& errors) {
  std::uint64_t sum = 0;
  for (const auto& [kind, count] : errors) sum += count;
  return sum;
}

// INTERFACE.md, "What is counted": nothing is lost between the lines.
inline void expect_conserved(const OperationMetrics& metrics) {
  const OperationCounts& c = metrics.counts;
  EXPECT_EQ(c.offered, c.issued + c.not_sent) << metrics.name;
  EXPECT_EQ(c.issued, c.succeeded + c.failed + c.timed_out + c.lost) << metrics.name;
  EXPECT_EQ(sum_of(metrics.errors), c.not_sent + c.failed + c.timed_out + c.lost) << metrics.name;
  EXPECT_EQ(metrics.service_time.count(), c.succeeded) << metrics.name;
  EXPECT_EQ(metrics.response_time.count(), c.succeeded) << metrics.name;
}

inline void expect_conserved(const RunResults& results) {
  const MetricsSnapshot& metrics = results.metrics;
  expect_conserved(metrics.totals);
  OperationCounts sum;
  for (const OperationMetrics& operation : metrics.operations) {
    expect_conserved(operation);
    sum += operation.counts;
  }
  EXPECT_EQ(sum.issued, metrics.totals.counts.issued);
  EXPECT_EQ(sum.succeeded, metrics.totals.counts.succeeded);
  EXPECT_EQ(sum.attempts, metrics.totals.counts.attempts);
  EXPECT_LE(sum.not_sent, metrics.totals.counts.not_sent);  // arrivals without a label beside
  OperationCounts rows;
  for (const IntervalRow& row : metrics.intervals) {
    if (row.phase != Phase::measure && row.phase != Phase::drain) continue;
    rows.offered += row.offered, rows.issued += row.issued, rows.not_sent += row.not_sent;
    rows.succeeded += row.succeeded, rows.failed += row.failed, rows.timed_out += row.timed_out,
        rows.lost += row.lost;
  }
  const OperationCounts& total = metrics.totals.counts;
  EXPECT_EQ(rows.offered, total.offered);
  EXPECT_EQ(rows.issued, total.issued);
  EXPECT_EQ(rows.not_sent, total.not_sent);
  EXPECT_EQ(rows.succeeded, total.succeeded);
  EXPECT_EQ(rows.failed + rows.timed_out + rows.lost, total.failed + total.timed_out + total.lost);
}

// Commands as the result has them, of all phases and of control.
inline std::map<std::string, std::uint64_t> commands_of(const RunResults& results) {
  std::map<std::string, std::uint64_t> all = results.control_commands;
  for (const auto& [phase, commands] : results.metrics.commands) {
    for (const auto& [name, count] : commands) all[name] += count;
  }
  return all;
}

// A small load on the server: four connections, a hundred keys, nothing written beforehand.
inline RunConfig small_run(const TestServer& server) {
  RunConfig config;
  config.target = server.target();
  config.topology.max_connections = 4;
  config.keys.count = 100;
  config.prefill = false;
  config.seed = 1;
  config.interval = std::chrono::milliseconds(50);
  config.timeouts.grace = std::chrono::seconds(1);
  return config;
}

inline RunResults finished(LoadRun& run) {
  EXPECT_TRUE(run.wait(std::chrono::seconds(30)));
  return run.results();
}

}  // namespace redisload::test
