// The open loop of one worker: releases arrivals as their time comes and hands them out in order as
// connections become free for them.
//
// What was released and is not yet taken is the backlog. It needs no memory, however long: its head
// stands in a small ring, the rest is only a count, made again from a copy of the schedule that was
// left behind. So a target that stands still never makes the pacer drop or slow arrivals.
//
// Owned and used by one worker; no allocation after construction, except in set_rate().
// Times are nanoseconds of the run's clock.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "redisload/base/time_source.hpp"
#include "redisload/pacing/arrival_schedule.hpp"
#include "redisload/plan/run_plan.hpp"

namespace redisload {

class OpenLoopPacer {
 public:
  static constexpr std::uint64_t kNoBudget = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint64_t kReleaseLimit = 16'384;
  static constexpr std::uint64_t kCounted = 1'000'000;

  OpenLoopPacer(Arrivals arrivals, std::uint64_t worker, std::uint64_t workers, std::uint64_t seed)
      : ahead_(arrivals, worker, workers, seed), behind_(ahead_) {}

  // Begins a phase: no backlog, no stop, `rate` arrivals/s of all workers together, at most
  // `budget` arrivals of this worker. A later phase goes on with the same random stream.
  void start(std::int64_t t0_ns, double rate, std::uint64_t budget = kNoBudget);

  // Releases the arrivals meant for `now_ns` or before and calls on_release(intended_ns) for each;
  // at most `limit` of them: at a rate that no processor could even count, the worker's turn must
  // still end. What is left comes with the next call, with its intended times.
  template <typename OnRelease>
  void release(std::int64_t now_ns, OnRelease&& on_release, std::uint64_t limit = kReleaseLimit) {
    for (; limit != 0 && next_release_ns() <= now_ns; --limit) on_release(release_next());
  }

  // At the end of a window: how many arrivals before `end_ns` were never released; there are none
  // in a worker that kept up. Nothing is released afterwards. Exact up to kCounted arrivals; past
  // that, what the rate implies.
  std::uint64_t abandon(std::int64_t end_ns);

  // When the next arrival is to be released; kNever: none (paused, stopped, out of budget).
  std::int64_t next_release_ns() {
    if (released_ >= budget_) return kNever;
    const std::int64_t next = ahead_.peek_ns(timeline_);
    return next < stop_ns_ ? next : kNever;
  }

  bool waiting() const noexcept { return released_ != taken_; }
  std::uint64_t waiting_count() const noexcept { return released_ - taken_; }
  std::uint64_t released_count() const noexcept { return released_; }
  std::uint64_t taken_count() const noexcept { return taken_; }
  std::uint64_t budget() const noexcept { return budget_; }

  // The intended time of the longest waiting arrival; waiting() holds.
  std::int64_t front_ns() {
    if (ring_size_ == 0) refill();
    return ring_[ring_head_];
  }
  // Hands it out.
  std::int64_t take() {
    const std::int64_t intended = front_ns();
    ring_head_ = (ring_head_ + 1) % kRing;
    --ring_size_;
    ++taken_;
    return intended;
  }

  // From `from_ns` on, or from right after the latest released arrival if that is later: `rate`
  // arrivals/s of all workers together, 0 pauses. All workers are given the same `from_ns`, a
  // little ahead of the clock, so that a constant rate stays even over them.
  // `before`: arrivals that a schedule of several steps has had by then (see RateSegment).
  void set_rate(std::int64_t from_ns, double rate, double before = 0.0) {
    timeline_.append(std::max(from_ns, after_latest()), rate, before);
  }

  // The rates of a scenario whose first one start() was given, ahead of time; `share` is what of
  // each is this pacer's kind of arrival (batches: one over their size).
  void follow(std::int64_t start_ns, const std::vector<RateStep>& steps, double share);

  // No arrival at or after `at_ns`; what was released stays. Calls can only bring it forward.
  void stop(std::int64_t at_ns) { stop_ns_ = std::min(stop_ns_, at_ns); }

 private:
  static constexpr std::size_t kRing = 1024;

  std::int64_t release_next();
  void refill();
  std::int64_t after_latest() const noexcept {
    return latest_ns_ == kNever ? std::numeric_limits<std::int64_t>::min() : latest_ns_ + 1;
  }

  RateTimeline timeline_;
  ArrivalSchedule ahead_;   // what comes next
  ArrivalSchedule behind_;  // the first arrival that no longer fitted into the ring, if any
  std::array<std::int64_t, kRing> ring_{};
  std::size_t ring_head_ = 0;
  std::size_t ring_size_ = 0;
  std::uint64_t released_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t budget_ = 0;
  std::int64_t latest_ns_ = kNever;  // the latest released; kNever: none yet
  std::int64_t stop_ns_ = kNever;
};

}  // namespace redisload
