#include "redisload/metrics/sample_store.hpp"

#include <algorithm>
#include <bit>

namespace redisload {

namespace {
// Memory is only touched when it is filled; a limit above this grows as vectors do.
constexpr std::uint64_t kReserve = 16'000'000;
}  // namespace

SampleStore::SampleStore(std::uint64_t limit, std::int64_t zero_ns)
    : limit_(limit), zero_ns_(zero_ns) {
  const auto room = static_cast<std::size_t>(std::min(limit, kReserve));
  columns_->for_each([room](auto& column) { column.reserve(room); });
  slow_.reserve(room);
}

std::uint32_t SampleStore::thinned(std::uint32_t weight) noexcept {
  const std::uint32_t now = std::uint32_t{1} << halvings_;
  while (weight != 0 && weight < now) {
    bool& keep = keep_next_[static_cast<std::size_t>(std::countr_zero(weight))];
    keep = !keep;
    weight = keep ? weight * 2 : 0;
  }
  return weight;
}

void SampleStore::append(const SampleBlock& block) {
  for (std::uint32_t i = 0; i < block.size; ++i) add(block.samples[i]);
}

void SampleStore::add(const Sample& sample) {
  std::uint32_t weight = thinned(sample.weight);
  while (columns_->size() >= limit_ && weight != 0 && halvings_ < kMaxHalvings) {
    halve();
    weight = thinned(weight);
  }
  if (weight == 0 && !sample.slow) return;
  if (columns_->size() >= limit_ || (weight == 0 && slow_only_ >= limit_ / 2)) {
    ++dropped_;
    return;
  }
  const auto since_zero = [this](std::int64_t ns) { return ns < 0 ? -1 : ns - zero_ns_; };
  SampleColumns& c = *columns_;
  c.intended_ns.push_back(since_zero(sample.intended_ns));
  c.sent_ns.push_back(since_zero(sample.sent_ns));
  c.completed_ns.push_back(since_zero(sample.completed_ns));
  c.operation.push_back(sample.label);
  c.outcome.push_back(static_cast<std::uint8_t>(sample.outcome));
  c.connection.push_back(sample.connection);
  c.bytes.push_back(sample.bytes);
  c.phase.push_back(static_cast<std::uint8_t>(sample.phase));
  c.attempts.push_back(sample.attempts);
  c.node.push_back(sample.node);
  c.weight.push_back(weight);
  slow_.push_back(sample.slow);
  if (weight == 0) ++slow_only_;
}

void SampleStore::halve() {
  ++halvings_;
  SampleColumns& c = *columns_;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < c.size(); ++i) {
    const bool had_weight = c.weight[i] != 0;
    const std::uint32_t weight = thinned(c.weight[i]);
    if (weight == 0 && had_weight) {
      if (!slow_[i] || slow_only_ >= limit_ / 2) continue;
      ++slow_only_;
    }
    c.weight[i] = weight;
    c.for_each([&](auto& column) { column[kept] = column[i]; });
    slow_[kept] = slow_[i];
    ++kept;
  }
  c.for_each([kept](auto& column) { column.resize(kept); });
  slow_.resize(kept);
}

}  // namespace redisload
