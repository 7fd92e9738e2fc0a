#include "redisload/net/fault.hpp"

#include <cerrno>
#include <cstring>

namespace redisload {
namespace {

struct Known {
  int error;
  const char* kind;
  const char* advice;
};

constexpr Known kKnown[] = {
    {ECONNREFUSED, "connection.refused",
     "nothing listens there: is the server up, and the port right?"},
    {ECONNRESET, "connection.reset",
     "the other side ended the connection: does it, or a proxy before it, refuse us?"},
    {EPIPE, "connection.reset", "the other side closed the connection while we wrote"},
    {ETIMEDOUT, "connection.timed_out", "the network gave up on the connection"},
    {EHOSTUNREACH, "connection.unreachable", "no route to the host"},
    {ENETUNREACH, "connection.unreachable", "no route to the network"},
    {ENOENT, "connection.refused", "no such unix socket: check the path"},
    {EACCES, "connection.denied", "no permission to connect: check the socket's owner and mode"},
    {EAGAIN, "connection.refused", "the server's backlog is full"},
    {EADDRNOTAVAIL, "connection.no_ports",
     "no free local port: fewer connections, or widen net.ipv4.ip_local_port_range"},
    {EMFILE, "connection.no_descriptors", "no free file descriptor: raise `ulimit -n`"},
    {ENFILE, "connection.no_descriptors", "the machine has no free file descriptor"},
};

}  // namespace

Fault describe_io(const IoResult& result, const std::string& stage, const std::string& address) {
  if (result.status == IoStatus::closed) {
    return {
        "connection.closed", stage,
        address +
            " closed the connection (its log may say why: maxclients, a timeout, protected mode?)"};
  }
  for (const Known& known : kKnown) {
    if (known.error == result.error)
      return {known.kind, stage,
              address + ": " + std::strerror(result.error) + " (" + known.advice + ")"};
  }
  return {"connection.error", stage, address + ": " + std::strerror(result.error)};
}

Fault describe_protocol(ProtocolFault fault, const std::string& stage, const std::string& address) {
  switch (fault) {
    case ProtocolFault::too_large:
      return {"protocol.too_large", stage,
              address + " announced a reply of more than 512 MiB: is it a Redis or Valkey server?"};
    case ProtocolFault::nesting:
      return {"protocol.nesting", stage,
              address + " nested a reply deeper than 32 levels: is it a Redis or Valkey server?"};
    default:
      return {"protocol.invalid", stage,
              address +
                  " sent bytes that are no RESP reply: is it a Redis or Valkey server, and not a "
                  "TLS port?"};
  }
}

std::string_view error_code(std::string_view text) noexcept {
  std::size_t size = 0;
  while (size < text.size() && size < 32 &&
         ((text[size] >= 'A' && text[size] <= 'Z') ||
          (size != 0 && ((text[size] >= '0' && text[size] <= '9') || text[size] == '_')))) {
    ++size;
  }
  const bool word_ends = size == text.size() || text[size] == ' ';
  return size >= 2 && word_ends ? text.substr(0, size) : std::string_view("ERR");
}

}  // namespace redisload
