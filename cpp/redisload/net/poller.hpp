// Readiness of a few descriptors by poll(), and a way for another thread to wake who waits: for a
// blocking caller, which looks at another connection with every operation. wait() and watch()
// belong to one thread; wake() to any.
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace redisload {

class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // What the next wait() looks at: nothing, and then each of these.
  void clear() noexcept { watched_.resize(1); }
  void watch(int descriptor, bool writing);
  // At most timeout_ns (0: looks only).
  void wait(std::int64_t timeout_ns);
  // Of the k-th that was watched, after wait().
  bool readable(std::size_t k) const noexcept {
    return (watched_[k + 1].revents & (POLLIN | POLLHUP | POLLERR | POLLRDHUP)) != 0;
  }
  bool hung_up(std::size_t k) const noexcept {
    return (watched_[k + 1].revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0;
  }
  bool writable(std::size_t k) const noexcept { return (watched_[k + 1].revents & POLLOUT) != 0; }
  void wake() noexcept;

 private:
  int wake_ = -1;
  std::vector<pollfd> watched_;  // the first is wake_
};

}  // namespace redisload
