// What happened to the run's connections, and the fault that forbids it to begin: written rarely,
// by any thread; read by the controller and by snapshots.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redisload/net/fault.hpp"

namespace redisload {

struct Event {
  std::int64_t at_ns = 0;
  std::string kind;  // connect, disconnect, refused, phase, pause, resume, rate, warning
  std::int64_t connection = -1;  // logical connection, −1 for none
  std::string message;
};

class EventLog {
 public:
  static constexpr std::size_t kMost = 10'000;

  // Beyond kMost events the newest are counted, not kept.
  void add(Event event) {
    const std::lock_guard lock(mutex_);
    if (events_.size() < kMost) {
      events_.push_back(std::move(event));
    } else {
      ++dropped_;
    }
  }
  // The first fault before any operation was answered decides.
  void refuse(const Fault& fault) {
    const std::lock_guard lock(mutex_);
    if (!refusal_) refusal_ = fault;
  }
  std::optional<Fault> refusal() const {
    const std::lock_guard lock(mutex_);
    return refusal_;
  }
  std::vector<Event> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }
  // Set once by whichever worker sees the first answer; from then on faults are counted, not
  // raised.
  bool answered() const noexcept { return answered_.load(std::memory_order_acquire); }
  void set_answered() noexcept { answered_.store(true, std::memory_order_release); }

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
  std::uint64_t dropped_ = 0;
  std::optional<Fault> refusal_;
  std::atomic<bool> answered_{false};
};

}  // namespace redisload
