// One operation's record: what samples hold (INTERFACE.md, "samples"). Filled by a worker, moved to
// the collector in blocks. Times are absolute nanoseconds of the run's monotonic clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "redisload/base/operation.hpp"

namespace redisload {

struct Sample {
  std::int64_t intended_ns = -1;
  std::int64_t sent_ns = -1;       // -1: never sent
  std::int64_t completed_ns = -1;  // -1: never answered
  std::uint32_t connection = 0;    // number of the logical connection
  std::uint32_t bytes = 0;         // of the reply, as received
  std::uint16_t label = 0;
  std::uint16_t node = 0;
  std::uint16_t attempts = 1;
  Outcome outcome = Outcome::succeeded;
  Phase phase = Phase::measure;
  // Set by the sampler. An operation stands for weight / sample_rate operations: 1 at the rate that
  // was asked for, doubled with each halving of the rate; 0 for one that was only kept as one of
  // the slowest.
  std::uint32_t weight = 0;
  bool slow = false;  // one of the slowest of its worker and interval: never thinned away
};

struct SampleBlock {
  static constexpr std::size_t kCapacity = 512;
  std::uint32_t worker = 0;
  std::uint32_t size = 0;
  std::array<Sample, kCapacity> samples;
};

}  // namespace redisload
