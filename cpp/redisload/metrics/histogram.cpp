#include "redisload/metrics/histogram.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "redisload/metrics/order_statistics.hpp"

namespace redisload {

namespace layout = histogram_layout;

namespace {
// The last bucket ends at 1 h: what is above counts as overflow.
std::int64_t highest_counted(std::size_t index) noexcept {
  return std::min(layout::highest_of(index), layout::kHighestValueNs);
}
}  // namespace

void Histogram::cover(std::size_t first, std::size_t last) {
  constexpr auto kStep = static_cast<std::size_t>(layout::kHalfCount);
  first = first / kStep * kStep;
  std::size_t end = (last / kStep + 1) * kStep;
  if (counts_.empty()) {
    first_ = first;
    counts_.resize(end - first);
    return;
  }
  if (first < first_) {
    counts_.insert(counts_.begin(), first_ - first, 0);
    first_ = first;
  }
  if (end > index_end()) counts_.resize(end - first_);
}

std::uint64_t& Histogram::at(std::size_t index) {
  if (index < first_ || index >= index_end()) cover(index, index);
  return counts_[index - first_];
}

void Histogram::record(std::int64_t value_ns, std::uint64_t count) {
  if (count == 0) return;
  value_ns = std::clamp<std::int64_t>(value_ns, 0, layout::kClampNs);
  if (value_ns > layout::kHighestValueNs) {
    overflow_ += count;
  } else {
    at(layout::index_of(value_ns)) += count;
  }
  count_ += count;
  min_ns_ = std::min(min_ns_, value_ns);
  max_ns_ = std::max(max_ns_, value_ns);
  const auto value = static_cast<Uint128>(value_ns);
  sum_ns_ += value * count;
  squares_ += value * value * count;
}

void Histogram::merge(const Histogram& other) {
  const std::size_t end = other.index_end();
  if (!other.counts_.empty()) {
    // A copy of the bounds first: `other` may be this very histogram.
    cover(other.first_, end - 1);
    for (std::size_t i = other.first_; i < end; ++i) counts_[i - first_] += other.count_at(i);
  }
  count_ += other.count_;
  overflow_ += other.overflow_;
  censored_ += other.censored_;
  min_ns_ = std::min(min_ns_, other.min_ns_);
  max_ns_ = std::max(max_ns_, other.max_ns_);
  floor_ns_ = std::max(floor_ns_, other.floor_ns_);
  sum_ns_ += other.sum_ns_;
  squares_ += other.squares_;
}

void Histogram::merge(const HistogramRecorder& recorder) {
  if (recorder.empty()) return;
  std::uint64_t added = recorder.overflow();
  if (recorder.min_ns() <= layout::kHighestValueNs) {
    const std::size_t first = recorder.first_index();
    const std::size_t last = recorder.last_index();
    cover(first, last);
    for (std::size_t i = first; i <= last; ++i) {
      counts_[i - first_] += recorder.count_at(i);
      added += recorder.count_at(i);
    }
  }
  count_ += added;
  overflow_ += recorder.overflow();
  min_ns_ = std::min(min_ns_, recorder.min_ns());
  max_ns_ = std::max(max_ns_, recorder.max_ns());
  sum_ns_ += recorder.sum_ns();
  squares_ += recorder.squares();
}

std::optional<std::int64_t> Histogram::min_ns() const noexcept {
  return count_ == 0 ? std::nullopt : std::optional(min_ns_);
}

std::optional<std::int64_t> Histogram::max_ns() const noexcept {
  return count_ == 0 ? std::nullopt : std::optional(max_ns_);
}

std::optional<double> Histogram::mean_ns() const noexcept {
  if (count_ == 0) return std::nullopt;
  return static_cast<double>(static_cast<long double>(sum_ns_) / static_cast<long double>(count_));
}

std::optional<double> Histogram::std_ns() const noexcept {
  if (count_ == 0) return std::nullopt;
  // Deviations from the whole number below the mean: exact in arithmetic modulo 2^128, so that
  // nothing cancels however large the values are.
  const Uint128 mean = sum_ns_ / count_;
  const Uint128 deviations = squares_ - 2 * mean * sum_ns_ + mean * mean * count_;
  const auto n = static_cast<long double>(count_);
  const long double rest = static_cast<long double>(sum_ns_ - mean * count_) / n;
  const long double variance = static_cast<long double>(deviations) / n - rest * rest;
  return static_cast<double>(std::sqrt(std::max(variance, 0.0L)));
}

std::optional<std::int64_t> Histogram::censored_floor_ns() const noexcept {
  const std::int64_t floor = std::max(max_ns_, floor_ns_);
  return censored_ == 0 || floor <= 0 ? std::nullopt : std::optional(floor);
}

std::uint64_t Histogram::rank_of(double q) const noexcept {
  // 0.999 * 1000 is a hair above 999 in binary: what rounding alone adds must not lift the rank.
  const double x = q * static_cast<double>(total());
  const auto rank = static_cast<std::uint64_t>(std::ceil(x - 4 * DBL_EPSILON * x));
  return std::clamp<std::uint64_t>(rank, 1, std::max<std::uint64_t>(total(), 1));
}

std::optional<std::int64_t> Histogram::value_of_rank(std::uint64_t rank) const noexcept {
  if (rank == 0 || rank > count_) return std::nullopt;
  if (rank > count_ - overflow_) return max_ns_;
  std::uint64_t below = 0;
  std::size_t i = 0;
  while (i + 1 < counts_.size() && below + counts_[i] < rank) below += counts_[i++];
  return std::clamp(highest_counted(first_ + i), min_ns_, max_ns_);
}

std::optional<std::int64_t> Histogram::quantile_ns(double q) const {
  return value_of_rank(total() == 0 ? 0 : rank_of(q));
}

std::optional<std::int64_t> Histogram::percentile_ns(double p) const {
  if (total() == 0) return std::nullopt;
  const std::uint64_t rank = rank_of(p / 100.0);
  return total() - rank < kBeyond ? std::nullopt : value_of_rank(rank);
}

Histogram::Bounds Histogram::confidence_interval_ns(double p, double level) const {
  const RankBounds ranks = quantile_rank_bounds(total(), p / 100.0, level);
  return {value_of_rank(ranks.low), value_of_rank(ranks.high)};
}

std::optional<double> Histogram::fraction_below(std::int64_t x_ns) const {
  if (total() == 0) return std::nullopt;
  std::uint64_t below = 0;
  if (x_ns >= max_ns_) {
    below = count_;
  } else if (x_ns >= min_ns_) {
    const std::size_t last = std::min(layout::index_of(x_ns), layout::kLastIndex);
    for (std::size_t i = first_; i < index_end() && i <= last; ++i) below += counts_[i - first_];
  }
  return static_cast<double>(below) / static_cast<double>(total());
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> found;
  for (std::size_t i = first_; i < index_end(); ++i) {
    if (counts_[i - first_] == 0) continue;
    found.push_back({layout::lowest_of(i), highest_counted(i), counts_[i - first_]});
  }
  if (overflow_ != 0) found.push_back({layout::kHighestValueNs + 1, max_ns_, overflow_});
  return found;
}

bool operator==(const Histogram& a, const Histogram& b) noexcept {
  if (a.count_ != b.count_ || a.overflow_ != b.overflow_ || a.censored_ != b.censored_ ||
      a.min_ns_ != b.min_ns_ || a.max_ns_ != b.max_ns_ || a.floor_ns_ != b.floor_ns_ ||
      a.sum_ns_ != b.sum_ns_ || a.squares_ != b.squares_) {
    return false;
  }
  const std::size_t end = std::max(a.index_end(), b.index_end());
  for (std::size_t i = std::min(a.first_, b.first_); i < end; ++i) {
    if (a.count_at(i) != b.count_at(i)) return false;
  }
  return true;
}

}  // namespace redisload
