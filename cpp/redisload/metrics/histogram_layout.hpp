// Where a duration is counted: the bucket layout of HdrHistogram with 3 significant digits, unit
// 1 ns, highest value 1 h (MEASURING R6). A bucket is never wider than 1/1024 of its values.
//
// Layout after Gil Tene's HdrHistogram (public domain,
// https://hdrhistogram.github.io/HdrHistogram/): values below 2048 ns have a bucket each; every
// further power of two is cut into 1024 equal ones. Pure functions; any thread. All values are
// nanoseconds.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace redisload {

__extension__ using Uint128 = unsigned __int128;

namespace histogram_layout {

inline constexpr int kSubBucketBits = 11;  // 2048 sub-buckets: 3 significant digits
inline constexpr std::int64_t kHalfCount = 1 << (kSubBucketBits - 1);
inline constexpr int kSignificantDigits = 3;
inline constexpr std::int64_t kHighestValueNs = 3'600'000'000'000;  // above it: overflow
// Greater values are recorded as this (104 days), so that sums of squares fit into 128 bits.
inline constexpr std::int64_t kClampNs = std::int64_t{1} << 53;

// value_ns >= 0.
constexpr std::size_t index_of(std::int64_t value_ns) noexcept {
  const auto value = static_cast<std::uint64_t>(value_ns);
  const int bucket =
      static_cast<int>(std::bit_width(value | (2 * kHalfCount - 1))) - kSubBucketBits;
  return static_cast<std::size_t>(bucket) * kHalfCount + static_cast<std::size_t>(value >> bucket);
}

constexpr int bucket_of_index(std::size_t index) noexcept {
  return index < 2 * kHalfCount ? 0 : static_cast<int>(index / kHalfCount) - 1;
}
// The least value that is counted in bucket `index`.
constexpr std::int64_t lowest_of(std::size_t index) noexcept {
  const int bucket = bucket_of_index(index);
  return (static_cast<std::int64_t>(index) - bucket * kHalfCount) << bucket;
}
// The greatest value that is counted in bucket `index`.
constexpr std::int64_t highest_of(std::size_t index) noexcept {
  return lowest_of(index) + (std::int64_t{1} << bucket_of_index(index)) - 1;
}

inline constexpr std::size_t kLastIndex = index_of(kHighestValueNs);
inline constexpr std::size_t kIndexCount = kLastIndex + 1;

}  // namespace histogram_layout
}  // namespace redisload
