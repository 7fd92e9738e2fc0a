// Time that moves on only when every thread that takes part waits for it, and then to the earliest
// time that one waits for: what threads do at an instant costs none. With the twin of a pool's free
// list: whoever asked first is served first, at the very instant.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <optional>

#include "redisload/net/client_pool.hpp"

namespace redisload::test {

class SimulatedTime final : public TimeSource {
 public:
  // So many threads take part; each ends with leave().
  explicit SimulatedTime(int threads) : running_(threads) {}

  std::int64_t now_ns() const noexcept override { return now_ns_.load(); }
  void sleep(std::int64_t ns) {
    std::unique_lock lock(mutex_);
    wait(lock, now_ns_ + ns);
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    --running_;
    move_on();
  }

 private:
  friend class SimulatedFreeClients;
  struct Waiter {
    std::int64_t until_ns;
    bool asks = false;  // for a client
    bool woken = false;
    std::optional<std::uint32_t> client;
  };

  std::optional<std::uint32_t> wait(std::unique_lock<std::mutex>& lock, std::int64_t until_ns,
                                    bool asks = false) {
    const auto me = waiters_.insert(waiters_.end(), Waiter{until_ns, asks, false, {}});
    --running_;
    move_on();
    woken_.wait(lock, [&] { return me->woken; });
    const auto client = me->client;
    waiters_.erase(me);
    return client;
  }
  void wake(Waiter& waiter) {
    waiter.woken = true;
    ++running_;
    woken_.notify_all();
  }
  void move_on() {
    if (running_ != 0) return;
    Waiter* next = nullptr;
    for (Waiter& one : waiters_) {
      if (!one.woken && (next == nullptr || one.until_ns < next->until_ns)) next = &one;
    }
    if (next == nullptr) return;
    now_ns_ = std::max(now_ns_.load(), next->until_ns);
    wake(*next);
  }

  std::mutex mutex_;
  std::condition_variable woken_;
  std::list<Waiter> waiters_;  // in the order in which they came
  int running_;
  std::atomic<std::int64_t> now_ns_{kSecond};
};

class SimulatedFreeClients final : public FreeClients {
 public:
  explicit SimulatedFreeClients(SimulatedTime& time) : time_(time) {}

  void give(std::uint32_t client) override {
    const std::lock_guard lock(time_.mutex_);
    for (SimulatedTime::Waiter& one : time_.waiters_) {
      if (!one.asks || one.woken) continue;
      one.client = client;
      return time_.wake(one);
    }
    free_.push_back(client);
  }
  std::optional<std::uint32_t> take(std::int64_t until_ns, std::int64_t /*since_ns*/) override {
    std::unique_lock lock(time_.mutex_);
    if (free_.empty()) {
      if (until_ns <= time_.now_ns()) return std::nullopt;
      return time_.wait(lock, until_ns, true);
    }
    const std::uint32_t client = free_.front();
    free_.pop_front();
    return client;
  }

 private:
  SimulatedTime& time_;
  std::deque<std::uint32_t> free_;
};

}  // namespace redisload::test
