#include "redisload/workload/value_generator.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "redisload/base/random.hpp"

namespace redisload {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);
// Larger than the window of common compressors' fast modes, small enough to stay in a cache.
constexpr std::size_t kBlockBytes = 256 * 1024;
constexpr std::uint64_t kBlockSeed = 0x7265646973'6c6f61ULL;
constexpr std::size_t kUnit = 1024;  // of compressible values: random bytes, then filling
constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::uint64_t checksum(std::uint64_t seed, std::uint64_t key, std::size_t size) noexcept {
  std::uint64_t state = seed;
  std::uint64_t sum = splitmix64(state);
  state = sum ^ key;
  sum = splitmix64(state);
  state = sum ^ size;
  return splitmix64(state);
}

void to_printable(char* bytes, std::size_t size) noexcept {
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = kAlphabet[static_cast<unsigned char>(bytes[i]) & 63U];
}

}  // namespace

ValueGenerator::ValueGenerator(ValueSizes sizes, ValueContent content, double compression)
    : sizes_(std::move(sizes)), content_(content), random_share_(1.0 / std::max(compression, 1.0)) {
  if (sizes_.largest() <= kLargestDrawn) return;
  block_ = std::make_unique_for_overwrite<char[]>(kBlockBytes);
  Random random(kBlockSeed);
  for (std::size_t i = 0; i < kBlockBytes; i += kWord) {
    const std::uint64_t word = random.next();
    std::memcpy(block_.get() + i, &word, kWord);
  }
}

// splitmix64's first word is a bijection of the seed: different seeds, different values.
void ValueGenerator::fill_words(char* out, std::size_t size, std::uint64_t seed) const noexcept {
  for (; size >= kWord; size -= kWord, out += kWord) {
    const std::uint64_t word = splitmix64(seed);
    std::memcpy(out, &word, kWord);
  }
  if (size != 0) {
    const std::uint64_t word = splitmix64(seed);
    std::memcpy(out, &word, size);
  }
}

void ValueGenerator::fill_from_block(char* out, std::size_t size,
                                     std::uint64_t seed) const noexcept {
  const std::uint64_t first = splitmix64(seed);
  std::memcpy(out, &first, kWord);
  out += kWord;
  std::size_t left = size - kWord;
  std::size_t offset = (splitmix64(seed) % (kBlockBytes / kWord)) * kWord;
  while (left != 0) {
    const std::size_t part = std::min(left, kBlockBytes - offset);
    std::memcpy(out, block_.get() + offset, part);
    out += part;
    left -= part;
    offset = 0;
  }
}

void ValueGenerator::fill_random(char* out, std::size_t size, std::uint64_t seed) const noexcept {
  if (size <= kLargestDrawn) {
    fill_words(out, size, seed);
  } else {
    fill_from_block(out, size, seed);
  }
}

// Each unit begins with bytes that do not compress and goes on with bytes that vanish.
void ValueGenerator::fill_compressible(char* out, std::size_t size,
                                       std::uint64_t seed) const noexcept {
  while (size != 0) {
    const std::size_t unit = std::min(size, kUnit);
    const auto random = static_cast<std::size_t>(
        std::llround(std::ceil(random_share_ * static_cast<double>(unit))));
    fill_random(out, std::min(random, unit), splitmix64(seed));
    if (random < unit) std::memset(out + random, ' ', unit - random);
    out += unit;
    size -= unit;
  }
}

void ValueGenerator::fill_otherwise(char* out, std::size_t size, std::uint64_t seed,
                                    std::uint64_t key) const noexcept {
  switch (content_) {
    case ValueContent::random:
      fill_random(out, size, seed);
      return;
    case ValueContent::printable:
      fill_random(out, size, seed);
      to_printable(out, size);
      return;
    case ValueContent::compressible:
      fill_compressible(out, size, seed);
      return;
    case ValueContent::verified:
      break;
  }
  if (size < kVerifiedHeader) return fill_random(out, size, seed);
  const std::uint64_t sum = checksum(seed, key, size);
  std::memcpy(out, &seed, kWord);
  std::memcpy(out + kWord, &sum, kWord);
  fill_random(out + kVerifiedHeader, size - kVerifiedHeader, seed);
}

bool ValueGenerator::genuine(std::string_view value, std::uint64_t key,
                             std::string& scratch) const {
  if (value.size() < kVerifiedHeader || value.size() > sizes_.largest()) return false;
  std::uint64_t seed = 0;
  std::memcpy(&seed, value.data(), kWord);
  scratch.resize(value.size());
  fill(scratch.data(), value.size(), seed, key);
  return value == scratch;
}

}  // namespace redisload
