// Which key an operation takes, of the keyspace [0, count): uniform, sequential, zipfian, normal, a
// hot set, the latest written, or a hot spot that moves.
//
// A KeyGenerator belongs to one operation stream and is used by its worker; it is cheap to copy.
// Zipfian ranks and the hot set are scrambled over the keyspace by one fixed permutation, so that
// hot keys are not neighbours; it does not depend on the seed, so that the hot keys (and on a
// cluster their slots) are the same from run to run and two runs stay comparable.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "redisload/base/operation.hpp"
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

// How keys are drawn: everything but a stream's own place in it. Immutable; used by any thread.
class Keyspace {
 public:
  // `connections`: how many logical connections share it.
  Keyspace(const KeysConfig& keys, std::uint64_t connections);

  std::uint64_t count() const noexcept { return count_; }
  // What is added to a key's number to make one that nothing ever writes: the far end of what the
  // digits of a name can hold.
  std::uint64_t absent_offset() const noexcept { return absent_offset_; }
  // A key for logical connection `connection` whose sequence stands at `position`.
  std::uint64_t draw(Random& random, std::uint64_t connection, std::uint64_t position) const;
  // Key `number` (from 2 on) of an operation; the same whenever it is asked for.
  std::uint64_t further(const OperationRequest& request, std::uint32_t number) const;

 private:
  friend class KeyGenerator;
  // A distribution over [0, count).
  struct Part {
    explicit Part(const KeysConfig& keys, std::uint64_t count);
    std::uint64_t count;
    std::uint64_t hot;  // keys of the hot set
    ZipfianRanks ranks;
    KeyScramble scramble;
  };

  // Lanes: connection i of C owns the keys i, i + C, i + 2C … (for `latest`, and where the keyspace
  // is partitioned). More connections than keys share lanes.
  std::uint64_t lane(std::uint64_t connection) const noexcept { return connection % lanes_; }
  const Part& lane_part(std::uint64_t lane) const noexcept {
    return lane < count_ % lanes_ ? lane_parts_[1] : lane_parts_[0];
  }
  std::uint64_t draw_from(const Part& part, Random& random, std::uint64_t position) const;
  std::uint64_t normal(const Part& part, Random& random) const;

  KeyDistribution distribution_;
  bool partitioned_;
  std::uint64_t count_;
  std::uint64_t absent_offset_;
  std::uint64_t lanes_;
  double normal_mean_, normal_deviation_;
  double hot_operations_;
  std::uint64_t move_every_;
  Part whole_;
  std::vector<Part> lane_parts_;  // the shorter lanes, the longer ones
};

class KeyGenerator {
 public:
  // For logical connection `connection` of `connections`: sequential takes connection,
  // connection + connections, … modulo the count.
  KeyGenerator(const KeysConfig& keys, std::uint64_t connection, std::uint64_t connections)
      : KeyGenerator(std::make_shared<const Keyspace>(keys, connections), connection, connections) {
  }
  KeyGenerator(std::shared_ptr<const Keyspace> space, std::uint64_t connection,
               std::uint64_t connections);

  std::uint64_t next(Random& random) {
    if (fast_uniform_) return random.below(space_->count_);
    return next_placed(random, false);
  }
  // Into the request, with what its further keys need; `writes`: the operation writes this key.
  void next(Random& random, bool writes, std::uint32_t keys, OperationRequest& request) {
    if (fast_uniform_) [[likely]] {
      request.key = random.below(space_->count_);
      return;
    }
    request.detail = static_cast<std::uint32_t>(connection_);
    for (std::uint32_t n = 0; n < keys; ++n) {
      const std::uint64_t key = next_placed(random, writes);
      if (n == 0) {
        request.key = key;
        request.origin = position_;
        if (space_->distribution_ != KeyDistribution::sequential) return;
      }
    }
  }

 private:
  std::uint64_t next_placed(Random& random, bool writes);

  std::shared_ptr<const Keyspace> space_;
  std::uint64_t connection_;
  std::uint64_t step_;
  std::uint64_t position_;  // sequential: the next key; latest: writes so far; moving: operations
  bool fast_uniform_;
};

}  // namespace redisload
