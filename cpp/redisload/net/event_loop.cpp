#include "redisload/net/event_loop.hpp"

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "redisload/base/error.hpp"
#include "redisload/base/time_source.hpp"

namespace redisload {

EventLoop::EventLoop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (epoll_ < 0 || wake_ < 0) {
    const std::string why = std::strerror(errno);
    if (epoll_ >= 0) close(epoll_);
    if (wake_ >= 0) close(wake_);
    throw RunError("no event loop: " + why + " (raise `ulimit -n`?)");
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = kWakeToken;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
}

EventLoop::~EventLoop() {
  close(epoll_);
  close(wake_);
}

void EventLoop::add(int descriptor, std::uint32_t token) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u32 = token;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
    throw RunError(std::string("epoll_ctl: ") + std::strerror(errno));
  }
}

int EventLoop::wait_raw(std::int64_t timeout_ns) {
  const int size = static_cast<int>(raw_.size());
  if (timeout_ns <= 0) return epoll_wait(epoll_, raw_.data(), size, 0);
  if (timeout_ns == kNever) return epoll_wait(epoll_, raw_.data(), size, -1);
#ifdef SYS_epoll_pwait2  // by number: glibc has a wrapper only from 2.35 on
  if (fine_timeout_) {
    static constexpr std::size_t kSignalSetSize = 8;
    timespec timeout{timeout_ns / kSecond, timeout_ns % kSecond};
    const long n =
        syscall(SYS_epoll_pwait2, epoll_, raw_.data(), size, &timeout, nullptr, kSignalSetSize);
    if (n >= 0 || errno == EINTR) return static_cast<int>(n);
    fine_timeout_ = false;  // an old kernel, or a container that forbids what it does not know
  }
#endif
  return epoll_wait(epoll_, raw_.data(), size, static_cast<int>(timeout_ns / kMillisecond));
}

std::span<const Readiness> EventLoop::wait(std::int64_t timeout_ns) {
  const int n = wait_raw(timeout_ns);
  std::size_t count = 0;
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = raw_[static_cast<std::size_t>(i)];
    if (event.data.u32 == kWakeToken) {
      std::uint64_t drained = 0;
      [[maybe_unused]] const ssize_t ignored = read(wake_, &drained, sizeof drained);
      continue;
    }
    ready_[count++] = {event.data.u32, (event.events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0,
                       (event.events & EPOLLOUT) != 0};
  }
  return {ready_.data(), count};
}

void EventLoop::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = write(wake_, &one, sizeof one);
}

}  // namespace redisload
