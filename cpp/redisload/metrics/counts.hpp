// What is counted of operations (INTERFACE.md, "What is counted"). A plain value.
#pragma once

#include <cstdint>

namespace redisload {

struct OperationCounts {
  std::uint64_t offered = 0;
  std::uint64_t issued = 0;
  std::uint64_t not_sent = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t lost = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t attempts = 0;
  std::uint64_t retries = 0;
  std::uint64_t late_replies = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t error_replies = 0;  // of failed: those that the server answered
  std::uint64_t good = 0;  // succeeded at the first attempt, within the objective if there is one

  OperationCounts& operator+=(const OperationCounts& o) noexcept {
    offered += o.offered, issued += o.issued, not_sent += o.not_sent, succeeded += o.succeeded;
    failed += o.failed, timed_out += o.timed_out, lost += o.lost, hits += o.hits;
    misses += o.misses, attempts += o.attempts, retries += o.retries;
    late_replies += o.late_replies, bytes_sent += o.bytes_sent;
    bytes_received += o.bytes_received, error_replies += o.error_replies, good += o.good;
    return *this;
  }
  friend bool operator==(const OperationCounts&, const OperationCounts&) = default;
};

}  // namespace redisload
