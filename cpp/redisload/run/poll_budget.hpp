// How near an arrival must be for a worker to poll for it instead of sleeping.
#pragma once

#include <sched.h>

#include <chrono>

#include "redisload/plan/run_plan.hpp"

namespace redisload {

// 60 µs, the usual lateness of a kernel sleep; zero where the workers together would take every
// processor that this process may use: a polling client must not starve a server beside it.
inline Duration poll_budget(const RunPlan& plan) {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int usable = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  const bool room = static_cast<std::size_t>(usable) > plan.workers.size();
  return room ? Duration(std::chrono::microseconds(60)) : Duration::zero();
}

}  // namespace redisload
