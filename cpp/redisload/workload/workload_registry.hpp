// The workloads by name. A new one is a file of its own with a function that returns its
// WorkloadKind, and one line in workload_registry.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redisload/base/error.hpp"
#include "redisload/config/run_config.hpp"
#include "redisload/workload/template_mix.hpp"
#include "redisload/workload/workload.hpp"

namespace redisload {

// A number that only this workload knows: workload.options.<name>.
struct WorkloadOption {
  std::string name;
  double otherwise = 0;  // its default
  double minimum = 0, maximum = 1e9;
  std::string doc;
};

struct WorkloadKind {
  std::string name;
  std::string doc;
  std::vector<MixCommand> commands;  // what weights may name, with the workload's own weights
  std::vector<WorkloadOption> options;
  // Settings that differ from the general defaults when they are not given: pipeline, keys.count.
  std::vector<std::pair<std::string, double>> defaults;
  // What is wrong beside weights, options, keys and values; may be empty.
  std::function<std::vector<ConfigProblem>(const RunConfig&)> problems;
  std::function<std::shared_ptr<const Workload>(const RunConfig&, std::uint64_t seed)> make;
};

const std::vector<WorkloadKind>& workload_kinds();
std::vector<std::string> workload_names();

// Every problem of the configuration's workload part, an unknown name (with the nearest valid one)
// included; empty: none.
std::vector<ConfigProblem> workload_problems(const RunConfig& config);

// The configuration's workload, for the run's seed. Throws ConfigError with all
// workload_problems().
std::shared_ptr<const Workload> make_workload(const RunConfig& config, std::uint64_t seed);

// A kind that mixes these commands and is nothing else.
WorkloadKind mixed_kind(std::string name, std::string doc, std::vector<MixCommand> commands,
                        KeySpace primary);

}  // namespace redisload
