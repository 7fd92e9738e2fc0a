// Where a workload counts and times what is neither an operation nor an outcome: conflicts of
// WATCH, messages delivered, commands that a script called. Numbers are places in
// Workload::tallies() and Workload::series(). Used by the worker that owns the stream.
#pragma once

#include <cstdint>
#include <string>

namespace redisload {

// What is counted beside operations.
struct Tally {
  enum class Kind : std::uint8_t {
    counter,      // stands in result.counters under its name
    sent,         // a command sent; name as commandstats has it
    queued_only,  // a command queued in a MULTI whose EXEC did not run it
    in_script     // a command that a script called
  };
  Kind kind = Kind::counter;
  std::string name;
};

class WorkloadEvents {
 public:
  virtual ~WorkloadEvents() = default;
  virtual void tally(std::uint16_t number, std::uint64_t times) = 0;
  virtual void series(std::uint16_t number, std::int64_t ns) = 0;
};

// For whoever only wants the commands of a workload.
class NoWorkloadEvents final : public WorkloadEvents {
 public:
  void tally(std::uint16_t, std::uint64_t) override {}
  void series(std::uint16_t, std::int64_t) override {}
};

}  // namespace redisload
