// basic_rw, high_throughput and pipeline: single keys of strings (and counters).
#include "redisload/workload/workloads.hpp"

namespace redisload {
namespace {

constexpr double kBatch = 10;
constexpr double kDeep = 16;

// SET carries the configuration's time to live.
std::vector<MixCommand> with_expiry(std::vector<MixCommand> commands, const ValuesConfig& values) {
  for (MixCommand& command : commands) {
    if (command.text.starts_with("SET ")) command.text += expiry(values);
  }
  return commands;
}

WorkloadKind string_kind(std::string name, std::string doc, std::vector<MixCommand> commands,
                         bool batched) {
  WorkloadKind kind;
  kind.name = std::move(name);
  kind.doc = std::move(doc);
  kind.commands = std::move(commands);
  kind.make = [commands = kind.commands, batched](const RunConfig& config, std::uint64_t seed) {
    Mix mix;
    mix.commands = with_expiry(weighted(commands, config.workload), config.values);
    mix.batch = batched ? config.pipeline : 1;
    return std::make_shared<const TemplateMix>(std::move(mix), config, seed);
  };
  return kind;
}

}  // namespace

// INCR works on counters under a prefix of its own, so that it never meets a string. GET of a key
// that DEL took away is a miss, not a failure; DEL of nothing succeeds.
WorkloadKind basic_rw() {
  return string_kind("basic_rw", "single keys: SET, GET, DEL and INCR",
                     {{"SET", "SET {key} {value}", 45},
                      {"GET", "GET {key}", 45},
                      {"DEL", "DEL {key}", 5},
                      {"INCR", "INCR {key}", 5}},
                     false);
}

WorkloadKind high_throughput() {
  WorkloadKind kind =
      string_kind("high_throughput", "SET and GET, pipelined 16 deep unless told otherwise",
                  {{"SET", "SET {key} {value}", 50}, {"GET", "GET {key}", 50}}, false);
  kind.defaults = {{"pipeline", kDeep}};
  return kind;
}

WorkloadKind pipeline() {
  WorkloadKind kind = string_kind(
      "pipeline", "batches of mixed commands that are sent together and wait for all replies",
      {{"SET", "SET {key} {value}", 40},
       {"GET", "GET {key}", 40},
       {"INCR", "INCR {key}", 10},
       {"DEL", "DEL {key}", 10}},
      true);
  kind.defaults = {{"pipeline", kBatch}};
  return kind;
}

}  // namespace redisload
