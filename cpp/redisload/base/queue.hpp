// The only place that includes moodycamel's concurrentqueue: lock-free, many producers; one
// reader, or threads that wait for an element. Producer tokens make an enqueue a few nanoseconds.
#pragma once

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#include <concurrentqueue/blockingconcurrentqueue.h>
#include <concurrentqueue/concurrentqueue.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace redisload {

template <typename T>
using Queue = moodycamel::ConcurrentQueue<T>;
using ProducerToken = moodycamel::ProducerToken;
using ConsumerToken = moodycamel::ConsumerToken;

// Whose readers can wait. They look a hundred times before they sleep (0.1 µs), not ten thousand
// times: a wait for a client is as long as an operation, and others want the processor.
struct BlockingQueueTraits : moodycamel::ConcurrentQueueDefaultTraits {
  static const int MAX_SEMA_SPINS = 100;
};
template <typename T>
using BlockingQueue = moodycamel::BlockingConcurrentQueue<T, BlockingQueueTraits>;

}  // namespace redisload
