// The bytes of values: of one size, random and binary, following from the value seed alone, so that
// a command can be encoded again byte for byte. Immutable after construction; used by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace redisload {

class ValueGenerator {
 public:
  explicit ValueGenerator(std::size_t size_bytes);

  std::size_t size_bytes() const noexcept { return size_bytes_; }

  // Writes exactly size_bytes() bytes. Different seeds give different first eight bytes.
  void fill(char* out, std::uint64_t seed) const noexcept {
    if (block_ == nullptr) {
      fill_words(out, seed);
    } else {
      fill_from_block(out, seed);
    }
  }

 private:
  void fill_words(char* out, std::uint64_t seed) const noexcept;
  void fill_from_block(char* out, std::uint64_t seed) const noexcept;

  std::size_t size_bytes_;
  std::unique_ptr<char[]> block_;  // large values only
};

}  // namespace redisload
