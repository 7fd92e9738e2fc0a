// A pool of clients, as an application has it: a thread takes one out for an operation, waits when
// none is free, and gives it back. One thread holds a client at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "redisload/base/queue.hpp"
#include "redisload/base/time_source.hpp"
#include "redisload/net/client.hpp"

namespace redisload {

// Numbers of the clients that nobody holds. Any thread.
class FreeClients {
 public:
  virtual ~FreeClients() = default;
  virtual void give(std::uint32_t client) = 0;
  // One of them; waits for it until `until_ns` of its clock at the longest (a time that is over:
  // only looks). A short while after it at the latest: none.
  virtual std::optional<std::uint32_t> take(std::int64_t until_ns) = 0;
};

// The real one: a lock-free queue whose readers sleep in the kernel while it is empty.
class FreeClientQueue final : public FreeClients {
 public:
  FreeClientQueue(std::size_t clients, const TimeSource& clock) : queue_(clients), clock_(clock) {}
  void give(std::uint32_t client) override { queue_.enqueue(client); }
  std::optional<std::uint32_t> take(std::int64_t until_ns) override;

 private:
  BlockingQueue<std::uint32_t> queue_;
  const TimeSource& clock_;
};

class ClientPool {
 public:
  // Of `clients` clients with `connections` connections each at most, numbered from
  // first_connection on. All of them are held at first: who opened their connections gives them.
  ClientPool(std::uint32_t clients, std::uint32_t connections, std::uint32_t first_connection,
             MakeConnection make, std::unique_ptr<FreeClients> free);

  // Any thread.
  Client* take(std::int64_t until_ns) {
    const auto number = free_->take(until_ns);
    return number ? clients_[*number].get() : nullptr;
  }
  void give_back(const Client& client) { free_->give(client.number()); }

  // A connection of a client that the caller holds came up (1) or went down (−1).
  void count_ready(int change) noexcept { ready_.fetch_add(change, std::memory_order_relaxed); }
  void count_opened() noexcept { opened_.fetch_add(1, std::memory_order_relaxed); }
  // Connections that are up now; that were up at some time.
  std::int64_t ready() const noexcept { return ready_.load(std::memory_order_relaxed); }
  std::uint32_t opened() const noexcept { return opened_.load(std::memory_order_relaxed); }

  // For who holds all clients: before they were given, or when no thread is left.
  const std::vector<std::unique_ptr<Client>>& clients() const noexcept { return clients_; }

 private:
  const MakeConnection make_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::unique_ptr<FreeClients> free_;
  std::atomic<std::int64_t> ready_{0};
  std::atomic<std::uint32_t> opened_{0};
};

}  // namespace redisload
