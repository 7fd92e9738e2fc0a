// The commands that open a connection: HELLO or AUTH, SELECT, CLIENT SETNAME. Sent in one write;
// the answers are judged in order. Encoded with hiredis.
#pragma once

#include <string>
#include <vector>

#include "redisload/config/run_config.hpp"

namespace redisload {

struct HandshakeStep {
  std::string command;            // as commandstats names it: "CLIENT|SETNAME"
  std::string stage;              // auth or handshake
  bool optional;                  // a refusal is no fault (old servers, narrow ACLs)
  std::size_t confirmations = 0;  // a subscription is answered by so many pushes; 0: by a reply
};

struct Handshake {
  std::vector<HandshakeStep> steps;
  std::string bytes;
};

// One command in RESP.
std::string format_command(const std::vector<std::string>& words);

// `protocol`: what HELLO asks for where the target does not say; 0: no HELLO.
Handshake make_handshake(const TargetConfig& target, const std::string& connection_name,
                         int protocol = 0);

// A subscription at its end.
void append_subscription(Handshake& handshake, const std::vector<std::string>& words,
                         std::size_t confirmations);

}  // namespace redisload
