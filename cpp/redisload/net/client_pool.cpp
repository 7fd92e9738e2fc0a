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

std::optional<std::uint32_t> FreeClientLine::take(std::int64_t until_ns, std::int64_t since_ns) {
  std::unique_lock lock(mutex_);
  if (!free_.empty()) {
    const std::uint32_t client = free_.back();
    free_.pop_back();
    return client;
  }
  if (until_ns <= clock_.now_ns()) return std::nullopt;
  Waiter me{since_ns};
  enter(me);
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

// Who comes back to wait on has the place of when it first asked.
void FreeClientLine::enter(Waiter& waiter) {
  Waiter** place = &first_;
  while (*place != nullptr && (*place)->since_ns <= waiter.since_ns) place = &(*place)->behind;
  waiter.behind = *place;
  *place = &waiter;
}

void FreeClientLine::leave(const Waiter& waiter) {
  Waiter** place = &first_;
  while (*place != &waiter) place = &(*place)->behind;
  *place = waiter.behind;
}

std::size_t FreeClientLine::waiting() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const Waiter* one = first_; one != nullptr; one = one->behind) ++count;
  return count;
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
