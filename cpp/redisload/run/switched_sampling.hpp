// A benchmark's instrument, compiled in with REDISLOAD_SWITCHED_SAMPLING alone: sampling goes on
// and off every 500 ms within one run, and each half's cost is noted (MEASURING R11). One worker.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <vector>

#include "redisload/base/time_source.hpp"

namespace redisload {

struct SwitchedPeriod {
  bool on;
  std::int64_t cpu_ns;  // of the process
  std::uint64_t operations;
};

class SwitchedSampling {
 public:
  static constexpr std::int64_t kPeriodNs = 500 * kMillisecond;

  // Whether sampling is on; live progress follows it. Read by any thread.
  static std::atomic<bool>& on() {
    static std::atomic<bool> state{true};
    return state;
  }
  // Written by the worker; read after the run.
  static std::vector<SwitchedPeriod>& periods() {
    static std::vector<SwitchedPeriod> all;
    return all;
  }

  // Called each turn of the measured window; true when a period ended and the state changed.
  bool turn(std::int64_t now_ns, std::uint64_t operations) {
    if (now_ns < next_ns_) return false;
    const std::int64_t cpu_ns = process_cpu_ns();
    if (next_ns_ != 0) {
      periods().push_back({on().load(), cpu_ns - cpu_ns_, operations - operations_});
      on().store(!on().load());
    }
    next_ns_ = now_ns + kPeriodNs;
    cpu_ns_ = cpu_ns;
    operations_ = operations;
    return true;
  }

 private:
  static std::int64_t process_cpu_ns() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * kSecond + t.tv_nsec;
  }

  std::int64_t next_ns_ = 0, cpu_ns_ = 0;
  std::uint64_t operations_ = 0;
};

}  // namespace redisload
