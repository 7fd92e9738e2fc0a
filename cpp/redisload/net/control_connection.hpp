// The run's own questions to the server (PING, INFO, CONFIG GET, DBSIZE), apart from the load: one
// hiredis connection, synchronous, every step with a deadline. A server that does not answer costs
// a deadline once, then every question is answered with nothing. Used by one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "redisload/net/address.hpp"
#include "redisload/net/handshake.hpp"

struct redisContext;

namespace redisload {

class ControlConnection {
 public:
  // Never throws for a target that does not answer: connected() says so.
  ControlConnection(const Address& address, const TargetConfig& target, const std::string& name, Duration timeout);
  ~ControlConnection();

  bool connected() const noexcept { return context_ != nullptr; }
  // How long each later question may take.
  void set_timeout(Duration timeout);
  // The reply as text (bulk, status or integer); none for an error, nil, or a lost connection.
  std::optional<std::string> ask(const std::vector<std::string>& words);
  // Pairs of a flat array or map reply.
  std::map<std::string, std::string> ask_pairs(const std::vector<std::string>& words);
  // INFO's lines as a map.
  std::map<std::string, std::string> info();
  // How often each command was sent, as commandstats names it.
  const std::map<std::string, std::uint64_t>& sent() const noexcept { return sent_; }

 private:
  void* send(const std::vector<std::string>& words);

  struct Closer {
    void operator()(redisContext* context) const noexcept;
  };
  std::unique_ptr<redisContext, Closer> context_;
  std::map<std::string, std::uint64_t> sent_;
};

}  // namespace redisload
