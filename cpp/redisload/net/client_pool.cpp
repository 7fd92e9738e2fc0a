#include "redisload/net/client_pool.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace redisload {

void FreeClientLine::give(std::uint32_t client) {
  const std::lock_guard lock(mutex_);
  if (first_ == nullptr) {
    free_.push_back(client);
    return;
  }
  Waiter& next = *first_;
  leave(next);
  next.client = client;
  next.woken.notify_one();  // under the lock: afterwards it may be gone
}

std::optional<std::uint32_t> FreeClientLine::take(std::int64_t until_ns) {
  std::unique_lock lock(mutex_);
  if (!free_.empty()) {
    const std::uint32_t client = free_.back();
    free_.pop_back();
    return client;
  }
  Waiter me;
  (last_ == nullptr ? first_ : last_->behind) = &me;
  last_ = &me;
  while (!me.client) {
    const std::int64_t left_ns = until_ns - clock_.now_ns();
    if (left_ns <= 0) {
      leave(me);
      return std::nullopt;
    }
    me.woken.wait_for(lock, std::chrono::nanoseconds(std::min(left_ns, kSecond)));
  }
  return me.client;
}

std::size_t FreeClientLine::waiting() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const Waiter* one = first_; one != nullptr; one = one->behind) ++count;
  return count;
}

void FreeClientLine::leave(const Waiter& waiter) {
  Waiter* before = nullptr;
  Waiter* at = first_;
  while (at != &waiter) {
    before = at;
    at = at->behind;
  }
  (before == nullptr ? first_ : before->behind) = waiter.behind;
  if (last_ == &waiter) last_ = before;
}

ClientPool::ClientPool(std::uint32_t clients, std::uint32_t connections,
                       std::uint32_t first_connection, MakeConnection make,
                       std::unique_ptr<FreeClients> free)
    : make_(std::move(make)), free_(std::move(free)) {
  for (std::uint32_t i = 0; i < clients; ++i) {
    clients_.push_back(
        std::make_unique<Client>(i, first_connection + i * connections, connections, make_));
  }
}

}  // namespace redisload
