// A collector driven by hand: two labels, intervals of one second, times given by the test.
#pragma once

#include <utility>

#include "redisload/metrics/collector.hpp"

namespace redisload {

inline constexpr std::int64_t kTestSecond = 1'000'000'000;

inline CollectorOptions test_options(std::size_t workers = 1) {
  CollectorOptions options;
  options.layout.labels = {{"SET", "SET"}, {"GET", "GET"}, {"prefill", "SET"}};
  options.layout.operation_labels = 2;
  options.workers = workers;
  options.interval_ns = kTestSecond;
  options.response_timeout_ns = 10 * kTestSecond;
  return options;
}

// An operation that was intended 200 µs and sent 100 µs before it completed.
inline Sample answered(std::int64_t completed_ns, std::uint16_t label = 0) {
  Sample op;
  op.intended_ns = completed_ns - 200'000;
  op.sent_ns = completed_ns - 100'000;
  op.completed_ns = completed_ns;
  op.label = label;
  op.bytes = 5;
  return op;
}

inline Sample unanswered(Outcome outcome, std::uint16_t label = 0) {
  Sample op;
  op.intended_ns = op.sent_ns = 0;
  op.label = label;
  op.outcome = outcome;
  return op;
}

// One operation from offer to success.
inline void succeed(Recorder& recorder, std::int64_t completed_ns, std::uint16_t label = 0) {
  recorder.advance(completed_ns);
  recorder.offered(1);
  recorder.sent(label, true, 30);
  recorder.succeeded(answered(completed_ns, label), 0, 0);
}

}  // namespace redisload
