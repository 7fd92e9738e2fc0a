#include "redisload/pacing/arrival_schedule.hpp"

#include <algorithm>
#include <cmath>

namespace redisload {

void ArrivalSchedule::enter(const RateTimeline& timeline, std::size_t segment) {
  segment_ = segment;
  // An arrival right at the change belongs to what follows, whichever way its sum was rounded.
  constexpr double kRounding = 1e-6;
  const double before = timeline[segment].before;
  arrived_ = std::max(0.0, std::ceil((before - worker_) / workers_ - kRounding));
  offset_ns_ = 0.0;
  advance(timeline[segment]);
}

// Every time is computed from the segment's begin, in double: at a day's distance its step is a
// sixteenth of a nanosecond, and rounding never adds up to a rate that is off.
void ArrivalSchedule::advance(const RateSegment& segment) {
  if (segment.rate <= 0.0) {
    next_ns_ = kNever;
    return;
  }
  const double second = static_cast<double>(kSecond);
  if (arrivals_ == Arrivals::constant) {
    offset_ns_ =
        std::max(0.0, worker_ + arrived_ * workers_ - segment.before) * second / segment.rate;
    arrived_ += 1.0;
  } else {
    offset_ns_ -= std::log(random_.unit_positive()) * workers_ * second / segment.rate;
  }
  const double room = static_cast<double>(kNever - segment.from_ns) / 2.0;
  next_ns_ = offset_ns_ < room ? segment.from_ns + std::llround(offset_ns_) : kNever;
}

double ArrivalSchedule::expected_before(const RateTimeline& timeline, std::int64_t end_ns) const {
  double arrivals = 0.0;
  for (std::size_t i = segment_; i < timeline.size(); ++i) {
    const std::int64_t from = std::max(timeline[i].from_ns, next_ns_);
    const std::int64_t to =
        i + 1 < timeline.size() ? std::min(timeline[i + 1].from_ns, end_ns) : end_ns;
    if (to > from) arrivals += static_cast<double>(to - from) * timeline[i].rate;
  }
  return arrivals / workers_ / static_cast<double>(kSecond);
}

}  // namespace redisload
