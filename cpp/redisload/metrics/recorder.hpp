// A worker's writing end of the metrics. Owned by the collector, used by its worker alone; on the
// per-operation path there is no lock, atomic read-modify-write, allocation or formatting
// (MEASURING R10), about 10 ns an operation (R11).
//
// It records into one of a few IntervalSets. At each interval boundary the set goes to the
// collector and an empty one takes its place; when the collector is late and none is free, the
// worker goes on in the same set. Times are nanoseconds of the run's monotonic clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "redisload/base/queue.hpp"
#include "redisload/metrics/error_kinds.hpp"
#include "redisload/metrics/interval_set.hpp"
#include "redisload/metrics/sample_queue.hpp"

namespace redisload {

class Recorder {
 public:
  // handed: the queue to the collector, shared by the workers; zero_ns: the run's start, from which
  // on phase connect is recorded.
  Recorder(const RecorderLayout& layout, std::uint32_t worker, std::int64_t zero_ns,
           std::int64_t interval_ns, Queue<IntervalSet*>& handed, SampleQueue& samples,
           double sample_rate, Random random);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Call before recording what happened at now_ns.
  void advance(std::int64_t now_ns) {
    if (now_ns >= boundary_ns_) [[unlikely]]
      roll(now_ns);
  }
  // When an idle worker has to wake and call advance().
  std::int64_t boundary_ns() const noexcept { return boundary_ns_; }
  // Closes what is open at start_ns and opens the phase's first interval there; intervals then end
  // every interval_ns. Phases follow their order; beginning the same one again (after a pause)
  // continues its numbering. What was recorded after start_ns is counted where it was recorded,
  // except in an interval that began at start_ns or later: that one goes over to the new phase.
  void begin_phase(Phase phase, std::int64_t start_ns);
  // Closes and hands over everything. Whatever is recorded afterwards is lost.
  void finish(std::int64_t end_ns);

  // An operation is due: n arrivals of a schedule, or the freed places of a closed loop.
  void offered(std::uint64_t n) noexcept { set_->offered += n; }
  void lateness(std::int64_t ns) noexcept { series(Series::lateness, ns); }
  void connect_time(std::int64_t ns) noexcept { series(Series::connect_time, ns); }
  void pool_wait(std::int64_t ns) noexcept { series(Series::pool_wait, ns); }
  void series(Series number, std::int64_t ns) noexcept { series(std::size_t(number), ns); }
  void series(std::size_t number, std::int64_t ns) noexcept { set_->series[number].record(ns); }

  void tally(std::size_t number, std::uint64_t times) noexcept { set_->tallies[number] += times; }

  // Its first byte was handed to the socket; bytes of its whole encoded form.
  void sent(std::uint16_t label, bool first_attempt, std::uint32_t bytes) noexcept {
    OperationCounts& counts = set_->labels[label].counts;
    ++counts.attempts;
    ++(first_attempt ? counts.issued : counts.retries);
    counts.bytes_sent += bytes;
  }
  // A further command of an operation that was issued before: sent, but no operation of its own.
  // Where the label has no command, its stream tallies what is sent, and an attempt is the whole.
  void sent_further(std::uint16_t label, std::uint32_t bytes) noexcept {
    if (!layout_.labels[label].command.empty()) ++set_->labels[label].counts.attempts;
    set_->labels[label].counts.bytes_sent += bytes;
  }
  // Answered without an error; hits and misses are keys read.
  void succeeded(const Sample& op, std::uint32_t hits, std::uint32_t misses) noexcept {
    LabelSet& label = set_->labels[op.label];
    const std::int64_t response_ns = op.completed_ns - op.intended_ns;
    ++label.counts.succeeded;
    label.counts.hits += hits;
    label.counts.misses += misses;
    label.counts.bytes_received += op.bytes;
    label.counts.good += op.attempts == 1 && response_ns <= objective_ns_;
    label.service.record(op.completed_ns - op.sent_ns);
    label.response.record(response_ns);
    sampler_.offer(op, response_ns);
  }
  // Answered with an error reply; error_time holds its service time.
  void failed_reply(const Sample& op, std::uint8_t error_kind) noexcept;
  // Ended without a reply; op.outcome: failed (its connection broke before its last byte was
  // written), timed_out, lost, or not_sent. Censored in both histograms, not_sent in response time.
  void ended(const Sample& op, std::uint8_t error_kind) noexcept;
  // Arrivals that no operation was ever drawn for; censored in the run's response time.
  void not_sent(std::uint64_t n, std::uint8_t error_kind) noexcept {
    set_->not_sent += n;
    set_->errors[error_kind] += n;
  }
  // The reply of an operation that had timed out.
  void late_reply(std::uint16_t label, std::uint32_t bytes = 0) noexcept {
    ++set_->labels[label].counts.late_replies;
    set_->labels[label].counts.bytes_received += bytes;
  }
  // A fault without an operation.
  void connection_fault(std::uint8_t error_kind) noexcept { ++set_->connection_faults[error_kind]; }

  // The number of "class.detail" for the calls above.
  std::uint8_t error_kind(std::string_view name) noexcept { return kinds_.number(name); }
  Gauges& gauges() noexcept { return gauges_; }
#ifdef REDISLOAD_SWITCHED_SAMPLING
  void set_sampling(bool on) noexcept { sampler_.set_active(on); }
#endif
  Phase phase() const noexcept { return open_.phase; }

  // Collector side: error names (any thread), and the return of a set that was reset.
  const ErrorKinds& error_kinds() const noexcept { return kinds_; }
  void give_back(IntervalSet* set) noexcept { free_.enqueue(set); }

 private:
  // 32-bit counts cannot overflow within this time; longer intervals are handed over in parts.
  static constexpr std::int64_t kPartNs = 60'000'000'000;
  static constexpr std::size_t kSets = 3;

  void roll(std::int64_t now_ns);
  void open(IntervalSet* set, Position position, std::int64_t start_ns);
  void hand_over(std::int64_t end_ns, Position next);
  IntervalSet* free_set() noexcept;
  IntervalSet* free_or_new_set();
  std::uint64_t index_at(std::int64_t ns) const noexcept;
  std::int64_t end_of(std::uint64_t index) const noexcept {
    return phase_start_ns_ + static_cast<std::int64_t>(index - phase_base_ + 1) * interval_ns_;
  }

  IntervalSet* set_ = nullptr;
  std::int64_t boundary_ns_ = 0;
  std::int64_t objective_ns_;
  Gauges gauges_;
  Sampler sampler_;

  const RecorderLayout& layout_;
  const std::uint32_t worker_;
  const std::int64_t interval_ns_;
  Position open_;  // the interval that is open
  std::int64_t phase_start_ns_ = 0;
  std::uint64_t phase_base_ = 0;  // the interval that begins at phase_start_ns_
  bool opened_by_phase_ = true;   // the open set began with its phase, not at a boundary
  ErrorKinds kinds_;
  Queue<IntervalSet*>& handed_;
  ProducerToken handed_token_;
  Queue<IntervalSet*> free_;
  std::vector<std::unique_ptr<IntervalSet>> sets_;
};

}  // namespace redisload
