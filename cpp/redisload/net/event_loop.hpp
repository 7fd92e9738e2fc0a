// Readiness of many descriptors, and a way for another thread to wake the loop. Edge-triggered, and
// both directions are registered once: no epoll_ctl in the steady state. Small on purpose, so that
// an io_uring twin can stand beside it. wait() belongs to one thread; wake() to any.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

namespace redisload {

struct Readiness {
  std::uint32_t token = 0;
  bool hung_up = false;  // read to the end: the other side closed, or an error is pending
  bool writable = false;
};

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Until the descriptor is closed (which takes it out); token < kWakeToken.
  void add(int descriptor, std::uint32_t token);
  // Waits at most timeout_ns (0: looks only; kNever: for ever). The span lives until the next call.
  std::span<const Readiness> wait(std::int64_t timeout_ns);
  void wake() noexcept;

  static constexpr std::uint32_t kWakeToken = UINT32_MAX;

 private:
  int wait_raw(std::int64_t timeout_ns);

  int epoll_ = -1;
  int wake_ = -1;
  bool fine_timeout_ = true;  // the kernel takes nanoseconds
  std::array<epoll_event, 256> raw_{};
  std::array<Readiness, 256> ready_{};
};

}  // namespace redisload
