// An application's client object: up to so many connections to the target, made as they are needed.
// It has no thread: whoever holds it (ClientPool) drives its connections, one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "redisload/net/connection.hpp"

namespace redisload {

// Makes the connection with this number, closed.
using MakeConnection = std::function<std::unique_ptr<Connection>(std::uint32_t number)>;

class Client {
 public:
  // A logical connection and what is remembered of it between two holders.
  struct Place {
    std::unique_ptr<Connection> connection;
    std::int64_t reopen_ns = 0;  // closed: not before
    std::int64_t used_ns = 0;    // when an operation last ended on it
    bool stood = false;          // it was counted as ready
    bool opened_before = false;
    bool refused = false;  // the latest attempt to open it failed
  };

  // Its connections have the numbers [first_connection, first_connection + most).
  Client(std::uint32_t number, std::uint32_t first_connection, std::uint32_t most,
         const MakeConnection& make);

  std::uint32_t number() const noexcept { return number_; }
  std::uint32_t first_connection() const noexcept { return first_connection_; }
  std::uint32_t most() const noexcept { return most_; }
  std::uint32_t made() const noexcept { return static_cast<std::uint32_t>(places_.size()); }
  // Makes the connections up to this one where they are missing; index < most().
  Place& place(std::uint32_t index);

  // A connection that is ready and holds no operation, the last used one first; null: none.
  Place* idle() noexcept;
  // Whether another connection should be opened now: there may be one more, none is under way, and
  // the target did not just refuse one.
  bool may_grow() const noexcept;
  // When, after `after_ns`, something is to be done about its connections without a byte from the
  // target: a reopening, or the deadline of connecting. kNever: nothing.
  std::int64_t due_ns(std::int64_t after_ns) const noexcept;
  // False: one of its connections is closed, under way or waits for a late reply.
  bool settled() const noexcept { return settled_; }
  void set_settled(bool settled) noexcept { settled_ = settled; }

 private:
  const std::uint32_t number_, first_connection_, most_;
  const MakeConnection& make_;
  std::vector<Place> places_;
  std::size_t last_used_ = 0;
  bool settled_ = true;
};

}  // namespace redisload
