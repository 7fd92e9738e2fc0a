// The only place that includes moodycamel's concurrentqueue: lock-free, many producers, one reader.
// Producer tokens make an enqueue a few nanoseconds.
#pragma once

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#include <concurrentqueue/concurrentqueue.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace redisload {

template <typename T>
using Queue = moodycamel::ConcurrentQueue<T>;
using ProducerToken = moodycamel::ProducerToken;
using ConsumerToken = moodycamel::ConsumerToken;

}  // namespace redisload
