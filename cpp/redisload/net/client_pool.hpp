// A pool of clients, as an application has it: a thread takes one out for an operation, waits when
// none is free, and gives it back. One thread holds a client at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "redisload/base/time_source.hpp"
#include "redisload/net/client.hpp"

namespace redisload {

// Numbers of the clients that nobody holds. Any thread.
class FreeClients {
 public:
  virtual ~FreeClients() = default;
  virtual void give(std::uint32_t client) = 0;
  // One of them; waits for it until `until_ns` of its clock at the longest (a time that is over:
  // only looks). A short while after it at the latest: none. `since_ns`: since when the thread has
  // asked, over several calls.
  virtual std::optional<std::uint32_t> take(std::int64_t until_ns, std::int64_t since_ns) = 0;
};

// The real one. Who has waited longest is served first: a client that comes back while somebody
// waits is handed to that thread, and is never free in between. (A queue that anybody may read
// would let the thread that just gave a client back take it again before the one that was woken
// runs, and so again and again, until the others time out.)
class FreeClientLine final : public FreeClients {
 public:
  FreeClientLine(std::size_t clients, const TimeSource& clock) : clock_(clock) {
    free_.reserve(clients);
  }
  void give(std::uint32_t client) override;
  std::optional<std::uint32_t> take(std::int64_t until_ns, std::int64_t since_ns) override;
  // How many threads wait now.
  std::size_t waiting() const;

 private:
  struct Waiter {
    std::int64_t since_ns;
    std::condition_variable woken{};
    std::optional<std::uint32_t> client{};
    Waiter* behind = nullptr;
  };
  void enter(Waiter& waiter);
  void leave(const Waiter& waiter);

  const TimeSource& clock_;
  mutable std::mutex mutex_;         // guards what follows
  std::vector<std::uint32_t> free_;  // the last one given is the first one taken: it is warm
  Waiter* first_ = nullptr;          // who waits, the longest first
};

class ClientPool {
 public:
  // Of `clients` clients with `connections` connections each at most, numbered from
  // first_connection on. All of them are held at first: who opened their connections gives them.
  ClientPool(std::uint32_t clients, std::uint32_t connections, std::uint32_t first_connection,
             MakeConnection make, std::unique_ptr<FreeClients> free);

  // Any thread.
  Client* take(std::int64_t until_ns, std::int64_t since_ns) {
    const auto number = free_->take(until_ns, since_ns);
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
