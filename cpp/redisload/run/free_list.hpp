// Connections that can take an operation, the longest idle first: a ring in which each stands at
// most once. One thread.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace redisload {

class FreeList {
 public:
  explicit FreeList(std::uint32_t most)
      : ring_(std::bit_ceil(most)), listed_(most, false), mask_(std::bit_ceil(most) - 1) {}

  bool empty() const noexcept { return head_ == tail_; }
  void add(std::uint32_t index) noexcept {
    if (listed_[index]) return;
    listed_[index] = true;
    ring_[tail_++ & mask_] = index;
  }
  std::uint32_t take() noexcept {
    const std::uint32_t index = ring_[head_++ & mask_];
    listed_[index] = false;
    return index;
  }
  void clear() noexcept {
    while (!empty()) take();
  }

 private:
  std::vector<std::uint32_t> ring_;
  std::vector<char> listed_;
  std::uint64_t mask_;
  std::uint64_t head_ = 0, tail_ = 0;
};

}  // namespace redisload
