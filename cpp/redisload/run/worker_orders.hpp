// What the controller tells a worker, and what a worker lets the controller see. Orders travel
// through a mutex and an eventfd (never on the path of an operation); a status has one writer.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "redisload/base/operation.hpp"
#include "redisload/base/time_source.hpp"

namespace redisload {

struct BeginPhase {
  Phase phase = Phase::measure;
  std::int64_t start_ns = 0;
  std::int64_t end_ns = kNever;  // no operation begins at or after it
  std::int64_t grace_ns = 0;     // how long its last operations may take after that
};
// The window closes at `at_ns`; what is in flight `grace_ns` later is lost.
struct EndPhase {
  std::int64_t at_ns = 0;
  std::int64_t grace_ns = 0;
  std::string error_kind;  // run.ended or run.stopped
};
struct SetRate {
  std::int64_t from_ns = 0;
  double rate = 0;  // of the whole run
};
struct Pause {
  std::int64_t at_ns = 0;
};
struct Resume {
  std::int64_t at_ns = 0;
  std::int64_t end_ns = kNever;  // the window's new end: paused time is not part of it
};
struct Quit {};
using WorkerOrder = std::variant<BeginPhase, EndPhase, SetRate, Pause, Resume, Quit>;

class OrderBox {
 public:
  void post(WorkerOrder order) {
    const std::lock_guard lock(mutex_);
    orders_.push_back(std::move(order));
    waiting_.store(true, std::memory_order_release);
  }
  bool waiting() const noexcept { return waiting_.load(std::memory_order_acquire); }
  std::vector<WorkerOrder> take() {
    const std::lock_guard lock(mutex_);
    waiting_.store(false, std::memory_order_release);
    return std::exchange(orders_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<WorkerOrder> orders_;
  std::atomic<bool> waiting_{false};
};

struct alignas(64) WorkerStatus {
  std::atomic<std::uint32_t> phases_done{0};
  std::atomic<std::uint32_t> ready{0};            // connections
  std::atomic<std::uint64_t> issued{0};           // in the measured window
  std::atomic<std::uint64_t> unsuccessful{0};     // failed + timed_out + lost there
  std::atomic<std::uint64_t> answered{0};         // replies of operations, in all phases
  std::atomic<std::uint64_t> phase_succeeded{0};  // in the current phase
  std::atomic<std::uint64_t> waiting{0};          // arrivals that no connection has taken yet
  std::atomic<std::int64_t> last_answer_ns{0};
  std::atomic<std::int64_t> last_end_ns{0};  // of an operation, whatever its outcome
  std::atomic<std::int64_t> busy_ns{0};      // not waiting, and not polling in vain
};

}  // namespace redisload
