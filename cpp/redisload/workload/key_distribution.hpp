// Which key an operation takes: uniform, sequential or zipfian over the keyspace [0, count).
//
// A KeyGenerator belongs to one operation stream and is used by its worker; it is cheap to copy.
// Zipfian ranks are scrambled over the keyspace by one fixed permutation, so that hot keys are not
// neighbours; it does not depend on the seed, so that the hot keys (and on a cluster their slots)
// are the same from run to run and two runs stay comparable.
#pragma once

#include <cstdint>

#include "redisload/base/random.hpp"
#include "redisload/config/run_config.hpp"

namespace redisload {

// The largest keyspace: key numbers are written with 12 digits.
inline constexpr std::uint64_t kMaxKeyCount = 1'000'000'000'000;

// Ranks 1 … count with probability proportional to rank^-exponent; any exponent >= 0, exactly 1
// too; O(1) a draw whatever the count, no tables.
class ZipfianRanks {
 public:
  ZipfianRanks(std::uint64_t count, double exponent);
  std::uint64_t draw(Random& random) const;

 private:
  double density(double x) const;
  double integral(double x) const;
  double inverse_integral(double y) const;

  double count_;
  double exponent_;
  double integral_first_;  // the lower end of what is drawn from, rank 1's whole share included
  double integral_last_;
  double sure_;  // how near to its rank a point is accepted without a further look
};

// A fixed permutation of [0, count).
class KeyScramble {
 public:
  explicit KeyScramble(std::uint64_t count);
  std::uint64_t operator()(std::uint64_t index) const noexcept;

 private:
  std::uint64_t mix(std::uint64_t x) const noexcept;

  std::uint64_t count_;
  std::uint64_t mask_;
  int shift_;
};

// The key that has rank `rank` (1 is the hottest) in a keyspace of `count` keys.
std::uint64_t key_of_rank(std::uint64_t rank, std::uint64_t count);

class KeyGenerator {
 public:
  // For logical connection `connection` of `connections`: sequential takes connection,
  // connection + connections, … modulo the count.
  KeyGenerator(const KeysConfig& keys, std::uint64_t connection, std::uint64_t connections);

  std::uint64_t next(Random& random) {
    if (distribution_ == KeyDistribution::uniform) return random.below(count_);
    return distribution_ == KeyDistribution::zipfian ? next_zipfian(random) : next_sequential();
  }

 private:
  std::uint64_t next_zipfian(Random& random) const { return scramble_(ranks_.draw(random) - 1); }
  std::uint64_t next_sequential() noexcept {
    const std::uint64_t key = position_;
    position_ += step_;  // both are below count_, which is far from overflow
    if (position_ >= count_) position_ -= count_;
    return key;
  }

  KeyDistribution distribution_;
  std::uint64_t count_;
  std::uint64_t position_;
  std::uint64_t step_;
  ZipfianRanks ranks_;
  KeyScramble scramble_;
};

}  // namespace redisload
