// Every workload, one function each; workload_registry.cpp lists them.
#pragma once

#include "redisload/workload/workload_registry.hpp"

namespace redisload {

WorkloadKind basic_rw();
WorkloadKind high_throughput();
WorkloadKind list_operations();
WorkloadKind set_operations();
WorkloadKind sorted_set_operations();
WorkloadKind hash_operations();
WorkloadKind pipeline();
WorkloadKind pub_sub();
WorkloadKind transaction();
WorkloadKind script();
WorkloadKind stream_operations();
WorkloadKind custom();

}  // namespace redisload
