#include "redisload/pacing/open_loop_pacer.hpp"

namespace redisload {

void OpenLoopPacer::start(std::int64_t t0_ns, double rate, std::uint64_t budget) {
  timeline_.start(t0_ns, rate);
  ahead_.start(timeline_);
  ring_head_ = ring_size_ = 0;
  released_ = taken_ = 0;
  budget_ = budget;
  latest_ns_ = kNever;
  stop_ns_ = kNever;
}

void OpenLoopPacer::follow(std::int64_t start_ns, const std::vector<RateStep>& steps,
                           double share) {
  double before = 0;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const auto length_ns = static_cast<double>(steps[i].offset_ns - steps[i - 1].offset_ns);
    before += steps[i - 1].rate * share * length_ns / static_cast<double>(kSecond);
    set_rate(start_ns + steps[i].offset_ns, steps[i].rate * share, before);
  }
}

std::int64_t OpenLoopPacer::release_next() {
  const std::uint64_t left_out = waiting_count() - ring_size_;
  const bool fits = left_out == 0 && ring_size_ < kRing;
  if (!fits && left_out == 0) behind_ = ahead_;
  latest_ns_ = ahead_.pop(timeline_);
  if (fits) {
    ring_[(ring_head_ + ring_size_) % kRing] = latest_ns_;
    ++ring_size_;
  }
  ++released_;
  return latest_ns_;
}

std::uint64_t OpenLoopPacer::abandon(std::int64_t end_ns) {
  std::uint64_t left = 0;
  const std::uint64_t budget = budget_ - released_;
  while (left < budget && left < kCounted &&
         std::min(end_ns, stop_ns_) > ahead_.peek_ns(timeline_)) {
    ahead_.pop(timeline_);
    ++left;
  }
  if (left == kCounted && left < budget) {
    const double more = ahead_.expected_before(timeline_, std::min(end_ns, stop_ns_));
    left += std::min(budget - left, static_cast<std::uint64_t>(std::min(more, 0x1.0p62)));
  }
  budget_ = released_;
  return left;
}

void OpenLoopPacer::refill() {
  const std::uint64_t left_out = waiting_count();
  ring_head_ = 0;
  ring_size_ = static_cast<std::size_t>(std::min<std::uint64_t>(left_out, kRing));
  for (std::size_t i = 0; i < ring_size_; ++i) ring_[i] = behind_.pop(timeline_);
}

}  // namespace redisload
