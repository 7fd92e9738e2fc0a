// Distribution-free confidence bounds of a quantile. Pure functions; any thread.
#pragma once

#include <cstdint>

namespace redisload {

struct RankBounds {
  std::uint64_t low = 0;   // 1-based rank of the lower bound; 0: there is none
  std::uint64_t high = 0;  // 1-based rank of the upper bound; 0: there is none
};

// Ranks of the order statistics that enclose the q-quantile of `n` independent events with
// probability >= level: the number of events below the quantile is binomial(n, q)
// (H. A. David and H. N. Nagaraja, Order Statistics, 3rd ed., section 7.1).
// 0 <= q <= 1, 0 < level < 1.
RankBounds quantile_rank_bounds(std::uint64_t n, double q, double level);

}  // namespace redisload
