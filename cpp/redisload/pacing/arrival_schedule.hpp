// When operations are meant to begin in an open loop: a cursor over the arrivals of one worker.
//
// The schedule is one for the whole run and at the whole rate; worker w of W has its share of it:
//   constant  t0 + (w + k W) / rate, k = 0, 1, 2 …: all workers together are exactly even;
//   Poisson   an own stream at rate / W: all together are exactly Poisson at the rate.
// At a change of rate a constant schedule begins anew at t0 = the change; a Poisson one draws its
// next arrival anew from there, which changes nothing, as it has no memory.
//
// A small value: two copies over the same timeline give the same arrivals, also when a change of
// rate was appended while one of them was ahead. Used by one worker. Times are nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>

#include "redisload/base/random.hpp"
#include "redisload/base/time_source.hpp"
#include "redisload/config/run_config.hpp"
#include "redisload/pacing/rate_timeline.hpp"

namespace redisload {

class ArrivalSchedule {
 public:
  ArrivalSchedule(Arrivals arrivals, std::uint64_t worker, std::uint64_t workers,
                  std::uint64_t seed)
      : arrivals_(arrivals),
        worker_(static_cast<double>(worker)),
        workers_(static_cast<double>(workers)),
        random_(Random::stream(seed, StreamPurpose::arrivals, worker)) {}

  // To the beginning of a timeline that was just started. The random stream goes on.
  void start(const RateTimeline& timeline) { enter(timeline, 0); }

  // The next arrival; kNever: none at the rates known so far.
  std::int64_t peek_ns(const RateTimeline& timeline) {
    while (segment_ + 1 < timeline.size() && next_ns_ >= timeline[segment_ + 1].from_ns) {
      enter(timeline, segment_ + 1);
    }
    return next_ns_;
  }

  // Takes it; it is not kNever.
  std::int64_t pop(const RateTimeline& timeline) {
    const std::int64_t arrival = peek_ns(timeline);
    advance(timeline[segment_]);
    return arrival;
  }

  // How many arrivals from the next one to `end_ns` the rates imply.
  double expected_before(const RateTimeline& timeline, std::int64_t end_ns) const;

 private:
  void enter(const RateTimeline& timeline, std::size_t segment);
  void advance(const RateSegment& segment);

  Arrivals arrivals_;
  double worker_;
  double workers_;
  Random random_;
  std::size_t segment_ = 0;
  double arrived_ = 0.0;    // constant: arrivals of this segment so far
  double offset_ns_ = 0.0;  // Poisson: of the latest arrival, from the segment's begin
  std::int64_t next_ns_ = kNever;
};

}  // namespace redisload
