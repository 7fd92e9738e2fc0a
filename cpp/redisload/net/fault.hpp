// What went wrong with a connection: the key under which it is counted, the stage in which it
// happened, and a sentence for people.
#pragma once

#include <string>

#include "redisload/net/reply_parser.hpp"
#include "redisload/net/transport.hpp"

namespace redisload {

struct Fault {
  std::string kind;     // "class.detail": connection.reset, timeout.connect, protocol.invalid …
  std::string stage;    // connect, auth, handshake, first_reply
  std::string message;  // with what to do about it
};

// "connection.refused" and its sentence, from what a read, write or connect returned.
Fault describe_io(const IoResult& result, const std::string& stage, const std::string& address);
Fault describe_protocol(ProtocolFault fault, const std::string& stage, const std::string& address);

// The part of an error reply that names its kind: "WRONGTYPE" of "WRONGTYPE Operation against …";
// "ERR" when it does not begin with a capitalised word.
std::string_view error_code(std::string_view text) noexcept;

}  // namespace redisload
