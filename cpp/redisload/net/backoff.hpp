// How long to wait before the next attempt: doubling from `initial` to `cap`, with jitter over the
// upper half so that connections that broke together do not come back together.
#pragma once

#include <algorithm>
#include <chrono>

#include "redisload/base/random.hpp"
#include "redisload/config/run_config.hpp"

namespace redisload {

struct BackoffLimits {
  Duration initial = std::chrono::milliseconds(10);
  Duration cap = std::chrono::seconds(1);
};

class Backoff {
 public:
  explicit Backoff(BackoffLimits limits, Random random) : limits_(limits), random_(random) {}

  // Never more than the cap.
  Duration next() {
    const Duration full =
        std::min(limits_.cap, limits_.initial * (std::int64_t{1} << std::min(failures_, 30)));
    ++failures_;
    return full / 2 + Duration(static_cast<std::int64_t>(random_.unit() *
                                                         static_cast<double>(full.count() / 2)));
  }
  void reset() noexcept { failures_ = 0; }
  int failures() const noexcept { return failures_; }

 private:
  BackoffLimits limits_;
  Random random_;
  int failures_ = 0;
};

}  // namespace redisload
