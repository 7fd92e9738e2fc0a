#include "redisload/metrics/sample_queue.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace redisload {

SampleQueue::SampleQueue(std::size_t workers, bool enabled)
    // Room for every block, so that pushing never allocates.
    : full_(enabled ? workers * kBlocksPerWorker : 1, workers, 0) {
  for (std::size_t w = 0; w < workers; ++w) {
    free_.push_back(std::make_unique<Queue<SampleBlock*>>(enabled ? 2 * kBlocksPerWorker : 1));
  }
  if (!enabled) return;
  blocks_ = std::make_unique_for_overwrite<SampleBlock[]>(workers * kBlocksPerWorker);
  for (std::size_t i = 0; i < workers * kBlocksPerWorker; ++i) {
    blocks_[i].worker = static_cast<std::uint32_t>(i / kBlocksPerWorker);
    free_[blocks_[i].worker]->enqueue(&blocks_[i]);
  }
}

SampleBlock* SampleQueue::take_free(std::size_t worker) noexcept {
  SampleBlock* block = nullptr;
  return free_[worker]->try_dequeue(block) ? block : nullptr;
}

bool SampleQueue::push(const ProducerToken& token, SampleBlock* block) noexcept {
  return full_.try_enqueue(token, block);
}

SampleBlock* SampleQueue::pop() noexcept {
  SampleBlock* block = nullptr;
  return full_.try_dequeue(block) ? block : nullptr;
}

void SampleQueue::give_back(SampleBlock* block) noexcept {
  block->size = 0;
  free_[block->worker]->enqueue(block);
}

Sampler::Sampler(SampleQueue& queue, std::size_t worker, double rate, Random random)
    : queue_(queue), token_(queue.producer_token()), random_(random), worker_(worker), rate_(rate) {
  set_halvings(0);
}

void Sampler::set_halvings(std::uint32_t halvings) noexcept {
  halvings_ = halvings;
  log_miss_ = std::log1p(-std::ldexp(rate_, -static_cast<int>(halvings)));
}

void Sampler::set_active(bool active) noexcept {
  active_ = active && rate_ > 0.0;
  skip_ = active_ ? draw_skip() : INT64_MAX;
  slow_bar_ = active_ ? -1 : INT64_MAX;
}

std::int64_t Sampler::draw_skip() noexcept {
  // The distance to the next success of independent draws is geometric.
  if (std::isinf(log_miss_)) return 1;  // every operation
  const double skip = std::floor(std::log(random_.unit_positive()) / log_miss_) + 1.0;
  return static_cast<std::int64_t>(std::min(skip, 1e18));
}

void Sampler::take(const Sample& op, std::int64_t response_ns) noexcept {
  if (!active_) {
    skip_ = INT64_MAX;
    return;
  }
  Sample sample = op;
  sample.weight = 0;
  sample.slow = false;
  if (skip_ <= 0) {
    sample.weight = std::uint32_t{1} << halvings_;
    skip_ = draw_skip();
  }
  if (response_ns > slow_bar_) {
    keep_slow(sample, response_ns);
  } else {
    emit(sample);
  }
}

void Sampler::keep_slow(const Sample& op, std::int64_t response_ns) noexcept {
  const auto slower = [](const Slow& a, const Slow& b) { return a.response_ns > b.response_ns; };
  if (slow_count_ == kSlowest) {
    std::pop_heap(slow_.begin(), slow_.end(), slower);
    --slow_count_;
    if (slow_[slow_count_].sample.weight != 0) emit(slow_[slow_count_].sample);
  }
  slow_[slow_count_++] = {op, response_ns};
  std::push_heap(slow_.begin(), slow_.begin() + static_cast<std::ptrdiff_t>(slow_count_), slower);
  if (slow_count_ == kSlowest) slow_bar_ = slow_[0].response_ns;
}

void Sampler::emit(const Sample& sample) noexcept {
  if (block_ == nullptr) {
    block_ = queue_.take_free(worker_);
    if (block_ == nullptr) {
      ++dropped_;
      return;
    }
    const std::uint32_t halvings = queue_.halvings.load(std::memory_order_relaxed);
    if (halvings != halvings_) {
      set_halvings(halvings);
      skip_ = draw_skip();  // geometric: what is left to skip may be drawn anew
    }
  }
  block_->samples[block_->size++] = sample;
  if (block_->size == SampleBlock::kCapacity) push_block();
}

void Sampler::push_block() noexcept {
  if (queue_.push(token_, block_)) {
    block_ = nullptr;
  } else {  // not seen with the queue's capacity; the block is used again
    dropped_ += block_->size;
    block_->size = 0;
  }
}

void Sampler::end_interval() noexcept {
  for (std::size_t i = 0; i < slow_count_; ++i) {
    slow_[i].sample.slow = true;
    emit(slow_[i].sample);
  }
  slow_count_ = 0;
  if (active_) slow_bar_ = -1;
}

void Sampler::finish() noexcept {
  end_interval();
  set_active(false);
  if (block_ != nullptr && block_->size != 0) push_block();
}

std::uint64_t Sampler::take_dropped() noexcept { return std::exchange(dropped_, 0); }

}  // namespace redisload
