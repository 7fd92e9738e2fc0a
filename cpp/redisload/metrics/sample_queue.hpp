// The way of samples from the workers to the collector: blocks of 512 through a lock-free queue,
// back through one queue a worker. All blocks are allocated at construction; where none is free a
// sample is dropped, never waited for (DESIGN, "Samples").
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "redisload/base/queue.hpp"
#include "redisload/base/random.hpp"
#include "redisload/metrics/sample.hpp"

namespace redisload {

// Owned by the collector, outlives the workers' samplers.
class SampleQueue {
 public:
  static constexpr std::size_t kBlocksPerWorker = 128;

  // enabled = false: no memory is taken, every take_free() gives nothing.
  SampleQueue(std::size_t workers, bool enabled);

  // Worker side; `token` is the worker's own.
  SampleBlock* take_free(std::size_t worker) noexcept;
  bool push(const ProducerToken& token, SampleBlock* block) noexcept;
  ProducerToken producer_token() { return ProducerToken(full_); }

  // Collector side.
  SampleBlock* pop() noexcept;
  void give_back(SampleBlock* block) noexcept;

  // How often the rate was halved: set by the collector, read by workers at each new block.
  std::atomic<std::uint32_t> halvings{0};

 private:
  std::unique_ptr<SampleBlock[]> blocks_;
  Queue<SampleBlock*> full_;
  std::vector<std::unique_ptr<Queue<SampleBlock*>>> free_;
};

// A worker's deciding end: which operations become samples. Used by that worker alone.
class Sampler {
 public:
  static constexpr std::size_t kSlowest = 8;  // kept of each interval and worker

  // rate: 0 (off) … 1 (all), of the configuration.
  Sampler(SampleQueue& queue, std::size_t worker, double rate, Random random);

  // After each ended operation; response_ns: INT64_MAX for one that was never answered.
  void offer(const Sample& op, std::int64_t response_ns) noexcept {
    if (--skip_ <= 0 || response_ns > slow_bar_) [[unlikely]]
      take(op, response_ns);
  }
  // Switched off: offer() does next to nothing (phases that are not sampled).
  void set_active(bool active) noexcept;
  // At an interval boundary: the slowest go out.
  void end_interval() noexcept;
  // At the end: the open block goes out too.
  void finish() noexcept;
  // Samples dropped since the last call.
  std::uint64_t take_dropped() noexcept;

 private:
  struct Slow {
    Sample sample;
    std::int64_t response_ns;
  };
  void take(const Sample& op, std::int64_t response_ns) noexcept;
  void keep_slow(const Sample& op, std::int64_t response_ns) noexcept;
  void emit(const Sample& sample) noexcept;
  void push_block() noexcept;
  void set_halvings(std::uint32_t halvings) noexcept;
  std::int64_t draw_skip() noexcept;

  SampleQueue& queue_;
  ProducerToken token_;
  Random random_;
  std::size_t worker_;
  double rate_;
  std::int64_t skip_ = INT64_MAX;
  std::int64_t slow_bar_ = INT64_MAX;  // responses above it are among the slowest
  bool active_ = false;
  std::uint32_t halvings_ = 0;
  double log_miss_ = 0;  // log(1 - today's rate)
  SampleBlock* block_ = nullptr;
  std::size_t slow_count_ = 0;
  std::array<Slow, kSlowest> slow_;
  std::uint64_t dropped_ = 0;
};

}  // namespace redisload
