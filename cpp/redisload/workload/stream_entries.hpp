// Entries of a Redis stream: their ids, reading them out of XREADGROUP's reply, and those that a
// connection has read and not acknowledged. Used by one thread.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "redisload/base/reply.hpp"

namespace redisload {

struct EntryId {
  std::uint64_t ms = 0;
  std::uint64_t sequence = 0;
  friend bool operator==(const EntryId&, const EntryId&) = default;

  static constexpr std::size_t kMostBytes = 41;
  // "1700000000000-12"; the end of what was written.
  char* write(char* at) const noexcept {
    at = std::to_chars(at, at + 20, ms).ptr;
    *at++ = '-';
    return std::to_chars(at, at + 20, sequence).ptr;
  }
  static EntryId parse(std::string_view text) noexcept {
    EntryId id;
    const char* const end = text.data() + text.size();
    const auto [dash, error] = std::from_chars(text.data(), end, id.ms);
    if (error == std::errc() && dash != end) std::from_chars(dash + 1, end, id.sequence);
    return id;
  }
};

// Sees XREADGROUP's reply for one stream:
//   RESP2  [[key, [[id, [field, value, …]], …]]]      RESP3  {key: [[id, [field, value, …]], …]}
// Of each entry it keeps the id and the number in its first value.
class EntryReader final : public ReplySink {
 public:
  struct Entry {
    EntryId id;
    std::int64_t first_value = 0;
  };

  explicit EntryReader(std::size_t most) { entries_.reserve(most); }

  void clear() noexcept {
    entries_.clear();
    text_size_ = 0;
    holds_ = Holds::nothing;
  }
  // Of the reply that was read last.
  const std::vector<Entry>& entries() {
    take();
    return entries_;
  }

  void element(char type, std::int64_t /*number*/, bool /*nil*/, int depth) override {
    take();
    if (depth == 0) above_ = type == '%' ? 2 : 3;  // levels above an entry
    if (depth == above_ && type == '*') {
      if (entries_.size() == entries_.capacity()) return;  // more than was asked for
      entries_.emplace_back();
      field_ = 0;
    } else if (depth == above_ + 1 && type == '$') {
      holds_ = Holds::id;
    } else if (depth == above_ + 2 && ++field_ == 2) {
      holds_ = Holds::value;
    }
  }
  void bytes(std::string_view chunk) override {
    if (holds_ == Holds::nothing) return;
    const std::size_t kept = std::min(chunk.size(), text_.size() - text_size_);
    std::memcpy(text_.data() + text_size_, chunk.data(), kept);
    text_size_ += kept;
  }

 private:
  enum class Holds : std::uint8_t { nothing, id, value };

  void take() {
    const std::string_view text(text_.data(), text_size_);
    if (holds_ != Holds::nothing && !entries_.empty()) {
      Entry& entry = entries_.back();
      if (holds_ == Holds::id) entry.id = EntryId::parse(text);
      if (holds_ == Holds::value)
        std::from_chars(text.data(), text.data() + text.size(), entry.first_value);
    }
    holds_ = Holds::nothing;
    text_size_ = 0;
  }

  std::vector<Entry> entries_;
  std::array<char, EntryId::kMostBytes> text_{};
  std::size_t text_size_ = 0;
  Holds holds_ = Holds::nothing;
  int above_ = 3, field_ = 0;
};

// What was read and is to be acknowledged, oldest first; a ring that grows up to a limit. What
// comes beyond that stays pending on the server.
class Unacknowledged {
 public:
  struct Entry {
    EntryId id;
    std::uint64_t key = 0;
    std::uint32_t group = 0;
  };
  static constexpr std::size_t kMost = 8192;

  void push(const Entry& entry) {
    if (size() == ring_.size()) {
      if (ring_.size() == kMost) return;
      grow();
    }
    ring_[tail_++ & (ring_.size() - 1)] = entry;
  }
  bool empty() const noexcept { return head_ == tail_; }
  std::size_t size() const noexcept { return tail_ - head_; }
  const Entry& front() const noexcept { return ring_[head_ & (ring_.size() - 1)]; }
  void pop() noexcept { ++head_; }

 private:
  void grow() {
    std::vector<Entry> larger(std::max<std::size_t>(64, 2 * ring_.size()));
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) larger[i] = ring_[(head_ + i) & (ring_.size() - 1)];
    ring_ = std::move(larger);
    head_ = 0;
    tail_ = count;
  }

  std::vector<Entry> ring_;
  std::size_t head_ = 0, tail_ = 0;
};

}  // namespace redisload
