// Lists, sets, sorted sets and hashes. Prefill gives every key `elements` elements; the weights add
// and take away at the same rate, so that sizes stay about what they were.
#include "redisload/workload/workloads.hpp"

namespace redisload {

WorkloadKind list_operations() {
  return mixed_kind("list_operations", "lists: LPUSH, RPOP, LLEN and LRANGE",
                    {{"LPUSH", "LPUSH {key} {value}", 30},
                     {"RPOP", "RPOP {key}", 30},
                     {"LLEN", "LLEN {key}", 20},
                     {"LRANGE", "LRANGE {key} 0 9", 20}},
                    KeySpace::list);
}

WorkloadKind set_operations() {
  return mixed_kind("set_operations", "sets: SADD, SREM, SISMEMBER, SCARD and SMEMBERS",
                    {{"SADD", "SADD {key} {member}", 30},
                     {"SREM", "SREM {key} {member}", 15},
                     {"SISMEMBER", "SISMEMBER {key} {member}", 30},
                     {"SCARD", "SCARD {key}", 15},
                     {"SMEMBERS", "SMEMBERS {key}", 10}},
                    KeySpace::set);
}

WorkloadKind sorted_set_operations() {
  return mixed_kind("sorted_set_operations", "sorted sets: ZADD, ZREM, ZRANGE, ZRANK and ZSCORE",
                    {{"ZADD", "ZADD {key} {score} {member}", 30},
                     {"ZREM", "ZREM {key} {member}", 15},
                     {"ZRANGE", "ZRANGE {key} 0 9", 20},
                     {"ZRANK", "ZRANK {key} {member}", 15},
                     {"ZSCORE", "ZSCORE {key} {member}", 20}},
                    KeySpace::zset);
}

WorkloadKind hash_operations() {
  return mixed_kind("hash_operations", "hashes: HSET, HGET, HDEL and HGETALL",
                    {{"HSET", "HSET {key} {field} {value}", 35},
                     {"HGET", "HGET {key} {field}", 40},
                     {"HDEL", "HDEL {key} {field}", 10},
                     {"HGETALL", "HGETALL {key}", 15}},
                    KeySpace::hash);
}

}  // namespace redisload
