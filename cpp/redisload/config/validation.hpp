// Says everything that is wrong with a configuration, at once.
#pragma once

#include <vector>

#include "redisload/base/error.hpp"
#include "redisload/config/run_config.hpp"

namespace redisload {

inline constexpr double kHighestRate = 1e8;

// Empty: the run can be started. What only the workload can judge is in workload_problems().
std::vector<ConfigProblem> validate(const RunConfig& config);

}  // namespace redisload
