#include "redisload/net/poller.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

#include "redisload/base/time_source.hpp"

namespace redisload {

Poller::Poller() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  watched_.reserve(8);
  watched_.push_back({wake_, POLLIN, 0});
}

Poller::~Poller() { ::close(wake_); }

void Poller::watch(int descriptor, bool writing) {
  watched_.push_back(
      {descriptor, static_cast<short>(POLLIN | POLLRDHUP | (writing ? POLLOUT : 0)), 0});
}

void Poller::wait(std::int64_t timeout_ns) {
  timeout_ns = std::clamp<std::int64_t>(timeout_ns, 0, 3600 * kSecond);
  timespec timeout{};
  timeout.tv_sec = timeout_ns / kSecond;
  timeout.tv_nsec = timeout_ns % kSecond;
  for (pollfd& one : watched_) one.revents = 0;
  if (ppoll(watched_.data(), watched_.size(), &timeout, nullptr) <= 0) return;
  if (watched_.front().revents == 0) return;
  std::uint64_t woken = 0;
  [[maybe_unused]] const ssize_t ignored = ::read(wake_, &woken, sizeof woken);
}

void Poller::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = ::write(wake_, &one, sizeof one);
}

}  // namespace redisload
