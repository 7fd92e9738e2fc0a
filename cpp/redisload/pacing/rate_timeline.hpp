// The rate of a run over time, as an append-only list of segments. Owned by a pacer, used by its
// worker.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace redisload {

struct RateSegment {
  std::int64_t from_ns = 0;
  double rate = 0.0;  // arrivals/s of all workers together; 0: paused
  // Arrivals that the schedule goes on from: a step of a ramp neither loses nor gains the fraction
  // of one. 0: it begins anew.
  double before = 0.0;
};

class RateTimeline {
 public:
  void start(std::int64_t t0_ns, double rate) { segments_.assign(1, {t0_ns, rate}); }

  // Segments never begin before an earlier one; one may be empty.
  void append(std::int64_t from_ns, double rate, double before = 0.0) {
    segments_.push_back({std::max(from_ns, segments_.back().from_ns), rate, before});
  }

  std::size_t size() const noexcept { return segments_.size(); }
  const RateSegment& operator[](std::size_t index) const noexcept { return segments_[index]; }

 private:
  std::vector<RateSegment> segments_;
};

}  // namespace redisload
