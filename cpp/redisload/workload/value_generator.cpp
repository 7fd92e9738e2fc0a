#include "redisload/workload/value_generator.hpp"

#include <algorithm>
#include <cstring>

#include "redisload/base/random.hpp"

namespace redisload {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);
// Up to here drawing the words costs less than the cache misses of copying them.
constexpr std::size_t kLargestDrawn = 128;
// Larger than the window of common compressors' fast modes, small enough to stay in a cache.
constexpr std::size_t kBlockBytes = 256 * 1024;
constexpr std::uint64_t kBlockSeed = 0x7265646973'6c6f61ULL;

}  // namespace

ValueGenerator::ValueGenerator(std::size_t size_bytes) : size_bytes_(size_bytes) {
  if (size_bytes_ <= kLargestDrawn) return;
  block_ = std::make_unique_for_overwrite<char[]>(kBlockBytes);
  Random random(kBlockSeed);
  for (std::size_t i = 0; i < kBlockBytes; i += kWord) {
    const std::uint64_t word = random.next();
    std::memcpy(block_.get() + i, &word, kWord);
  }
}

// splitmix64's first word is a bijection of the seed: different seeds, different values.
void ValueGenerator::fill_words(char* out, std::uint64_t seed) const noexcept {
  std::size_t left = size_bytes_;
  for (; left >= kWord; left -= kWord, out += kWord) {
    const std::uint64_t word = splitmix64(seed);
    std::memcpy(out, &word, kWord);
  }
  if (left != 0) {
    const std::uint64_t word = splitmix64(seed);
    std::memcpy(out, &word, left);
  }
}

void ValueGenerator::fill_from_block(char* out, std::uint64_t seed) const noexcept {
  const std::uint64_t first = splitmix64(seed);
  std::memcpy(out, &first, kWord);
  out += kWord;
  std::size_t left = size_bytes_ - kWord;
  std::size_t offset = (splitmix64(seed) % (kBlockBytes / kWord)) * kWord;
  while (left != 0) {
    const std::size_t part = std::min(left, kBlockBytes - offset);
    std::memcpy(out, block_.get() + offset, part);
    out += part;
    left -= part;
    offset = 0;
  }
}

}  // namespace redisload
