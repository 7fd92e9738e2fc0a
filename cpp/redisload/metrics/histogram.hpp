// A distribution of durations, merged and read: exact counts in HdrHistogram's buckets (see
// histogram_layout.hpp), with true extremes, exact sum and sum of squares, so that
// merge(parts) == whole, bit for bit.
//
// Two kinds of events rank in it: `count` recorded values and `censored` ones, of which only is
// known that they lasted longer than anything seen (MEASURING, "The times of an operation").
// A plain value: whoever holds it owns it; not synchronised. All times are nanoseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "redisload/metrics/histogram_layout.hpp"
#include "redisload/metrics/histogram_recorder.hpp"

namespace redisload {

class Histogram {
 public:
  // A percentile needs this many events beyond its rank, or it is absent (MEASURING R8).
  static constexpr std::uint64_t kBeyond = 10;

  // Negative values count as 0, values above 1 h also as overflow.
  void record(std::int64_t value_ns, std::uint64_t count = 1);
  void record_censored(std::uint64_t count) noexcept { censored_ += count; }
  // What censored events lasted at least (a deadline); the greatest one set holds.
  void set_censored_floor(std::int64_t ns) noexcept { floor_ns_ = std::max(floor_ns_, ns); }

  void merge(const Histogram& other);
  void merge(const HistogramRecorder& recorder);

  std::uint64_t count() const noexcept { return count_; }        // recorded values, overflow too
  std::uint64_t overflow() const noexcept { return overflow_; }  // of those, above 1 h
  std::uint64_t censored() const noexcept { return censored_; }
  std::uint64_t total() const noexcept { return count_ + censored_; }

  // Of recorded values; absent when there is none. Deviation is the population's.
  std::optional<std::int64_t> min_ns() const noexcept;
  std::optional<std::int64_t> max_ns() const noexcept;
  std::optional<double> mean_ns() const noexcept;
  std::optional<double> std_ns() const noexcept;
  // The x of "> x": the greatest recorded value or the deadline; absent when nothing is censored.
  std::optional<std::int64_t> censored_floor_ns() const noexcept;

  // The value of rank ceil(q * total), read as its bucket's highest value within [min, max];
  // absent when there is no event or the rank falls among the censored. 0 <= q <= 1.
  std::optional<std::int64_t> quantile_ns(double q) const;
  // The same, absent too when fewer than kBeyond events lie beyond the rank. 0 <= p <= 100.
  std::optional<std::int64_t> percentile_ns(double p) const;
  // Bounds that hold the p-th percentile with at least `level`; an end is absent where there are
  // too few events to say, or where its rank falls among the censored.
  using Bounds = std::pair<std::optional<std::int64_t>, std::optional<std::int64_t>>;
  Bounds confidence_interval_ns(double p, double level = 0.95) const;
  // The share of all events at or below x, to the resolution of a bucket; absent when empty.
  std::optional<double> fraction_below(std::int64_t x_ns) const;

  struct Bucket {
    std::int64_t low_ns;   // least value counted here
    std::int64_t high_ns;  // greatest value counted here
    std::uint64_t count;
  };
  // Buckets with a count, ascending; overflow is the last one, from 1 h to max.
  std::vector<Bucket> buckets() const;

  std::uint64_t count_at(std::size_t index) const noexcept {
    return index >= first_ && index - first_ < counts_.size() ? counts_[index - first_] : 0;
  }
  // One past the last bucket with memory.
  std::size_t index_end() const noexcept { return first_ + counts_.size(); }
  std::size_t memory_bytes() const noexcept { return counts_.capacity() * sizeof(std::uint64_t); }

  friend bool operator==(const Histogram& a, const Histogram& b) noexcept;

 private:
  friend class HistogramCodec;

  std::uint64_t& at(std::size_t index);
  void cover(std::size_t first, std::size_t last);
  std::uint64_t rank_of(double q) const noexcept;
  std::optional<std::int64_t> value_of_rank(std::uint64_t rank) const noexcept;

  std::size_t first_ = 0;  // bucket of counts_[0]; the window is widened by whole powers of two
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t overflow_ = 0;
  std::uint64_t censored_ = 0;
  std::int64_t min_ns_ = INT64_MAX;
  std::int64_t max_ns_ = -1;
  std::int64_t floor_ns_ = 0;
  Uint128 sum_ns_ = 0;
  Uint128 squares_ = 0;
};

}  // namespace redisload
