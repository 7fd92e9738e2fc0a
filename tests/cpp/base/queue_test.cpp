#include "redisload/base/queue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace redisload {
namespace {

using Element = std::vector<std::int64_t>;
constexpr std::int64_t kProducers = 2;
constexpr std::int64_t kElements = 20'000;  // of each producer: many blocks of 32, used again

// The backlog stays small, so that the queue hands its blocks back to their producers; relaxed, so
// that nothing but the queue itself orders the two sides.
class Backlog {
 public:
  void put() {
    while (size_.load(std::memory_order_relaxed) > 40) std::this_thread::yield();
    size_.fetch_add(1, std::memory_order_relaxed);
  }
  void take() { size_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> size_{0};
};

TEST(Queue, HandsOverEverythingOnceInEachProducersOrder) {
  Queue<Element> queue;
  Backlog backlog;
  std::vector<std::thread> threads;
  for (std::int64_t producer = 0; producer < kProducers; ++producer) {
    threads.emplace_back([&queue, &backlog, producer] {
      ProducerToken token(queue);
      for (std::int64_t i = 0; i < kElements; ++i) {
        backlog.put();
        queue.enqueue(token, Element{producer, i});
      }
    });
  }
  std::array<std::int64_t, kProducers> next{};
  std::int64_t out_of_order = 0;
  Element taken;
  for (std::int64_t left = kProducers * kElements; left > 0;) {
    if (!queue.try_dequeue(taken)) {
      std::this_thread::yield();
      continue;
    }
    backlog.take();
    --left;
    auto& expected = next.at(static_cast<std::size_t>(taken.at(0)));
    if (taken.at(1) != expected++) ++out_of_order;
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(out_of_order, 0);
  EXPECT_FALSE(queue.try_dequeue(taken));
}

}  // namespace
}  // namespace redisload
