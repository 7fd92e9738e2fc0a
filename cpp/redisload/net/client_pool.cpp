#include "redisload/net/client_pool.hpp"

#include <algorithm>
#include <utility>

namespace redisload {

std::optional<std::uint32_t> FreeClientQueue::take(std::int64_t until_ns) {
  std::uint32_t client = 0;
  if (queue_.try_dequeue(client)) return client;
  for (;;) {
    const std::int64_t left_ns = until_ns - clock_.now_ns();
    if (left_ns <= 0) return std::nullopt;
    // It waits by the wall clock: look at ours again after a while, in case that one was set.
    constexpr std::int64_t kLongestMicroseconds = 1'000'000;
    const std::int64_t wait_us = std::min(left_ns / kMicrosecond + 1, kLongestMicroseconds);
    if (queue_.wait_dequeue_timed(client, wait_us)) return client;
  }
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
