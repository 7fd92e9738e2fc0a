// Where time comes from. Everything that measures or waits is handed a TimeSource, so that unit
// tests run on a fake clock. Times are nanoseconds of one monotonic clock (MEASURING R5);
// wall time is only ever a label.
#pragma once

#include <cstdint>
#include <ctime>

namespace redisload {

inline constexpr std::int64_t kNever = INT64_MAX;
inline constexpr std::int64_t kMicrosecond = 1'000;
inline constexpr std::int64_t kMillisecond = 1'000'000;
inline constexpr std::int64_t kSecond = 1'000'000'000;

// Called by any thread.
class TimeSource {
 public:
  virtual ~TimeSource() = default;
  virtual std::int64_t now_ns() const noexcept = 0;
};

class MonotonicClock final : public TimeSource {
 public:
  std::int64_t now_ns() const noexcept override {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * kSecond + t.tv_nsec;
  }
};

}  // namespace redisload
