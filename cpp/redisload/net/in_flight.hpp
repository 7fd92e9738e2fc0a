// The operations that a connection holds, oldest first: answered from the front, encoded and sent
// in order behind it. An operation stands here apart from its bytes, so that it can be encoded
// again for another connection. A ring of fixed capacity; one thread.
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>
#include <vector>

#include "redisload/base/operation.hpp"

namespace redisload {

struct InFlight {
  OperationRequest request;
  std::int64_t intended_ns = 0;
  std::int64_t sent_ns = -1;        // clock before the write that took its command's first byte
  std::int64_t first_sent_ns = -1;  // of its first command; −1: not issued
  std::uint64_t end_offset = 0;     // its last byte's place in the bytes of this socket
  std::uint64_t index = 0;  // prefill, cleanup: which one, so that a lost one can be sent again
  std::uint32_t bytes_sent = 0;
  std::uint32_t bytes_received = 0;
  std::uint16_t attempts = 0;
  std::uint16_t replies_left = 0;
  std::uint32_t hits = 0;
  std::uint32_t misses = 0;
  Phase phase = Phase::measure;
  bool expired = false;  // its response deadline passed: already counted, the late reply is dropped
  bool failed = false;   // one of its replies was an error
  bool continued = false;  // this is not its first command
  bool composite = false;  // its stream counts its commands
  std::uint8_t error_kind = 0;
};

class InFlightWindow {
 public:
  explicit InFlightWindow(std::size_t capacity)
      : capacity_(capacity), mask_(std::bit_ceil(capacity) - 1), ring_(std::bit_ceil(capacity)) {}

  std::size_t size() const noexcept { return tail_ - head_; }
  bool empty() const noexcept { return tail_ == head_; }
  bool full() const noexcept { return size() >= capacity_; }
  std::size_t capacity() const noexcept { return capacity_; }
  // How many have been issued and not answered.
  std::size_t issued() const noexcept { return issued_ - head_; }
  bool all_encoded() const noexcept { return encoded_ == tail_; }

  InFlight& push() noexcept {
    assert(size() < ring_.size());
    InFlight& slot = ring_[tail_++ & mask_];
    slot = InFlight{};
    return slot;
  }
  InFlight& front() noexcept { return ring_[head_ & mask_]; }
  void pop() noexcept { ++head_; }

  // The next to encode, the next to be issued.
  InFlight& next_to_encode() noexcept { return ring_[encoded_++ & mask_]; }
  bool any_to_issue() const noexcept { return issued_ != encoded_; }
  InFlight& next_to_issue() noexcept { return ring_[issued_ & mask_]; }
  void mark_issued() noexcept { ++issued_; }

  // The k-th issued one, oldest first.
  InFlight& issued_at(std::size_t k) noexcept { return ring_[(head_ + k) & mask_]; }
  // The issued ones are gone with their socket; the others wait to be encoded again.
  void drop_issued() noexcept { head_ = encoded_ = issued_; }
  // Those that were never issued, oldest first, and forgetting them.
  std::size_t unissued() const noexcept { return tail_ - issued_; }
  InFlight& unissued_at(std::size_t k) noexcept { return ring_[(issued_ + k) & mask_]; }
  void drop_unissued() noexcept { tail_ = encoded_ = issued_; }
  // Of those, only what `keep` says; nothing is encoded, as after drop_issued().
  template <typename Keep>
  void keep_unissued(Keep&& keep) {
    std::uint64_t to = issued_;
    for (std::uint64_t at = issued_; at != tail_; ++at) {
      InFlight& op = ring_[at & mask_];
      if (keep(op)) ring_[to++ & mask_] = op;
    }
    tail_ = to;
  }

 private:
  std::size_t capacity_;
  std::uint64_t mask_;
  std::uint64_t head_ = 0, issued_ = 0, encoded_ = 0, tail_ = 0;  // head ≤ issued ≤ encoded ≤ tail
  std::vector<InFlight> ring_;
};

}  // namespace redisload
