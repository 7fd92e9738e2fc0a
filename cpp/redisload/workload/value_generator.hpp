// The bytes of values: random and binary, printable, compressible, or verified. They follow from
// the value seed (and, where verified, the key) alone, so that a command can be encoded again byte
// for byte. Immutable after construction; used by any thread.
//
// A verified value begins with its seed and a checksum of seed, key and size; the rest follows from
// the seed. Whoever reads it back can tell that it is whole and belongs to its key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "redisload/config/run_config.hpp"
#include "redisload/workload/value_sizes.hpp"

namespace redisload {

class ValueGenerator {
 public:
  static constexpr std::size_t kVerifiedHeader = 16;

  explicit ValueGenerator(std::size_t size_bytes)
      : ValueGenerator(ValueSizes(size_bytes), ValueContent::random, 1.0) {}
  // Throws std::invalid_argument where `sizes` is wrong.
  explicit ValueGenerator(const ValuesConfig& values)
      : ValueGenerator(ValueSizes::of(values), values.content, values.compression) {}
  ValueGenerator(ValueSizes sizes, ValueContent content, double compression);

  const ValueSizes& sizes() const noexcept { return sizes_; }
  bool fixed_size() const noexcept { return sizes_.fixed(); }
  bool verified() const noexcept { return content_ == ValueContent::verified; }
  // Of the value that belongs to `seed`.
  std::size_t size(std::uint64_t seed) const noexcept { return sizes_.size(seed); }
  // Where all are alike; else the largest.
  std::size_t size_bytes() const noexcept { return sizes_.largest(); }

  // Writes exactly `size` bytes. Different seeds give different first eight bytes (of random and
  // verified content).
  void fill(char* out, std::size_t size, std::uint64_t seed, std::uint64_t key) const noexcept {
    if (content_ == ValueContent::random && size <= kLargestDrawn) [[likely]] {
      fill_words(out, size, seed);
    } else {
      fill_otherwise(out, size, seed, key);
    }
  }
  void fill(char* out, std::uint64_t seed) const noexcept { fill(out, size(seed), seed, 0); }

  // Whether `value` is what was written under this key; `scratch` is overwritten.
  bool genuine(std::string_view value, std::uint64_t key, std::string& scratch) const;

 private:
  // Up to here drawing the words costs less than the cache misses of copying them.
  static constexpr std::size_t kLargestDrawn = 128;

  void fill_words(char* out, std::size_t size, std::uint64_t seed) const noexcept;
  void fill_from_block(char* out, std::size_t size, std::uint64_t seed) const noexcept;
  void fill_random(char* out, std::size_t size, std::uint64_t seed) const noexcept;
  void fill_compressible(char* out, std::size_t size, std::uint64_t seed) const noexcept;
  void fill_otherwise(char* out, std::size_t size, std::uint64_t seed,
                      std::uint64_t key) const noexcept;

  ValueSizes sizes_;
  ValueContent content_;
  double random_share_;
  std::unique_ptr<char[]> block_;  // large values only
};

}  // namespace redisload
