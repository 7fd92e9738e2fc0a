// Time that stands still until a test moves it.
#pragma once

#include <cstdint>

#include "redisload/base/time_source.hpp"

namespace redisload::test {

class FakeClock final : public TimeSource {
 public:
  explicit FakeClock(std::int64_t now_ns = kSecond) : now_ns_(now_ns) {}
  std::int64_t now_ns() const noexcept override { return now_ns_; }
  void advance(std::int64_t by_ns) noexcept { now_ns_ += by_ns; }

 private:
  std::int64_t now_ns_;
};

}  // namespace redisload::test
