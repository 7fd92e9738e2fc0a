// How bytes come and go: a plain socket, TLS, or a script in a test. Non-blocking; owned and driven
// by one connection. A transport may have to read in order to write and may hold bytes that epoll
// cannot see (has_pending); the connection copes with both.
#pragma once

#include <cstddef>
#include <cstdint>

#include "redisload/net/address.hpp"

namespace redisload {

enum class IoStatus : std::uint8_t {
  ok,       // `bytes` went through (a write may be partial)
  blocked,  // try again when the descriptor is ready
  closed,   // the other side ended the stream
  failed,   // `error` is an errno
};

struct IoResult {
  IoStatus status = IoStatus::ok;
  std::size_t bytes = 0;
  int error = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Opens a descriptor and begins to connect: ok (done), blocked (in progress) or failed.
  virtual IoResult connect(const Address& address) = 0;
  // After the descriptor became writable: ok when connected (and, with TLS, shaken hands).
  virtual IoResult finish_connect() = 0;
  virtual IoResult read(char* buffer, std::size_t size) = 0;
  virtual IoResult write(const char* data, std::size_t size) = 0;
  virtual bool has_pending() const = 0;
  virtual void close() = 0;
  // −1 when closed.
  virtual int descriptor() const = 0;
};

// A TCP or unix socket: non-blocking, CLOEXEC, TCP_NODELAY and keep-alive, never SIGPIPE.
class PlainTransport final : public Transport {
 public:
  PlainTransport() = default;
  ~PlainTransport() override { PlainTransport::close(); }
  PlainTransport(const PlainTransport&) = delete;
  PlainTransport& operator=(const PlainTransport&) = delete;

  IoResult connect(const Address& address) override;
  IoResult finish_connect() override;
  IoResult read(char* buffer, std::size_t size) override;
  IoResult write(const char* data, std::size_t size) override;
  bool has_pending() const override { return false; }
  void close() override;
  int descriptor() const override { return descriptor_; }

 private:
  int descriptor_ = -1;
};

}  // namespace redisload
