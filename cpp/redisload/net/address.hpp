// Where a connection goes: the addresses of a name, in the order in which they are tried.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "redisload/config/run_config.hpp"

namespace redisload {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::string text;  // "127.0.0.1:6379", "[::1]:6379" or the unix path

  int family() const noexcept { return storage.ss_family; }
  const sockaddr* raw() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

// Looks a target's name up, on a thread of its own, because the resolver knows no deadline.
// Throws TargetError (stage resolve) when the name has no address, or no answer comes in time or
// before cancelled() says so.
std::vector<Address> resolve(const TargetConfig& target, Duration timeout,
                             const std::function<bool()>& cancelled);

}  // namespace redisload
