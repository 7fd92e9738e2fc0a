// Picks an index with given probabilities: Walker's alias method in Vose's form (M. D. Vose, "A
// linear algorithm for generating random numbers with a given distribution", IEEE TSE 17(9), 1991),
// O(1) and one random word a pick. Immutable after construction; used by any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "redisload/base/random.hpp"

namespace redisload {

class WeightedChoice {
 public:
  // Weights are finite and not negative, at least one is positive; zero is never picked.
  explicit WeightedChoice(const std::vector<double>& weights);

  std::uint32_t pick(Random& random) const noexcept {
    // The high part of word * size is the column, the low part is a fraction uniform within it.
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(random.next()) * columns_.size();
    const auto column = static_cast<std::uint32_t>(product >> 64);
    const Column& c = columns_[column];
    return static_cast<std::uint64_t>(product) < c.keep ? column : c.alias;
  }

 private:
  struct Column {
    std::uint64_t keep = 0;  // of 2^64
    std::uint32_t alias = 0;
  };
  std::vector<Column> columns_;
};

}  // namespace redisload
