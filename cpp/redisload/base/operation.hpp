// The words that every part shares: an operation, its outcome, the phases of a run.
#pragma once

#include <cstdint>
#include <string_view>

namespace redisload {

// Every operation ends in exactly one of these (INTERFACE.md, "What is counted").
enum class Outcome : std::uint8_t { succeeded, failed, timed_out, lost, not_sent };
inline constexpr int kOutcomes = 5;

// What a run does, in this order; drain belongs to the measured window.
enum class Phase : std::uint8_t { connect, prefill, warmup, measure, drain, cleanup, done };
inline constexpr int kPhases = 7;

constexpr std::string_view to_string(Outcome outcome) noexcept {
  constexpr std::string_view names[] = {"succeeded", "failed", "timed_out", "lost", "not_sent"};
  return names[static_cast<int>(outcome)];
}
constexpr std::string_view to_string(Phase phase) noexcept {
  constexpr std::string_view names[] = {"connect", "prefill", "warmup", "measure",
                                        "drain",   "cleanup", "done"};
  return names[static_cast<int>(phase)];
}

// What a workload drew: enough to encode it again, byte for byte, for any connection (a retry, a
// redirect). Drawn from the stream of a logical connection, never from a socket.
struct OperationRequest {
  std::uint64_t key = 0;         // key number
  std::uint64_t value_seed = 0;  // the value's bytes follow from it
  std::uint16_t label = 0;       // dense index into the workload's labels
  std::uint16_t stage = 0;       // for operations of several round trips: which one comes next
  std::uint32_t detail = 0;      // free for the workload
  std::uint64_t origin = 0;      // what its further keys are drawn relative to, or a workload's own
};

}  // namespace redisload
