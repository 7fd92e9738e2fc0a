#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "redisload/net/transport.hpp"

namespace redisload {
namespace {

IoResult from_errno() {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {IoStatus::blocked, 0, 0};
  return {IoStatus::failed, 0, errno};
}

}  // namespace

IoResult PlainTransport::connect(const Address& address) {
  close();
  descriptor_ = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) return {IoStatus::failed, 0, errno};
  const int on = 1;
  setsockopt(descriptor_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  if (address.family() != AF_UNIX)
    setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(descriptor_, address.raw(), address.size) == 0) return {};
  // A unix socket whose backlog is full says EAGAIN, and never becomes ready by itself: a failure,
  // so that the backoff tries again.
  if (errno == EINPROGRESS || errno == EINTR) return {IoStatus::blocked, 0, 0};
  return {IoStatus::failed, 0, errno};
}

IoResult PlainTransport::finish_connect() {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
    return {IoStatus::failed, 0, errno};
  if (error != 0) return {IoStatus::failed, 0, error};
  sockaddr_storage peer{};
  size = sizeof peer;
  if (getpeername(descriptor_, reinterpret_cast<sockaddr*>(&peer), &size) == 0) return {};
  return errno == ENOTCONN ? IoResult{IoStatus::blocked, 0, 0}
                           : IoResult{IoStatus::failed, 0, errno};
}

IoResult PlainTransport::read(char* buffer, std::size_t size) {
  const ssize_t n = ::recv(descriptor_, buffer, size, 0);
  if (n > 0) return {IoStatus::ok, static_cast<std::size_t>(n), 0};
  if (n == 0) return {IoStatus::closed, 0, 0};
  return from_errno();
}

IoResult PlainTransport::write(const char* data, std::size_t size) {
  const ssize_t n = ::send(descriptor_, data, size, MSG_NOSIGNAL);
  if (n >= 0) return {IoStatus::ok, static_cast<std::size_t>(n), 0};
  return from_errno();
}

void PlainTransport::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace redisload
