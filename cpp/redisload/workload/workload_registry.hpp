// The workloads by name. A new one is a file of its own and one line in workload_registry.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redisload/base/error.hpp"
#include "redisload/config/run_config.hpp"
#include "redisload/workload/workload.hpp"

namespace redisload {

std::vector<std::string_view> workload_names();

// Every problem of the configuration's workload part, an unknown name (with the nearest valid one)
// included; empty: none.
std::vector<ConfigProblem> workload_problems(const RunConfig& config);

// The configuration's workload, for the run's seed. Throws ConfigError with all
// workload_problems().
std::shared_ptr<const Workload> make_workload(const RunConfig& config, std::uint64_t seed);

}  // namespace redisload
