#include "redisload/metrics/order_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace redisload {

namespace {

// Probabilities of binomial(n, q), up to a common factor, by the ratio of neighbours from the most
// likely value outwards, until they no longer count.
class BinomialWeights {
 public:
  BinomialWeights(std::uint64_t n, double q) : n_(static_cast<double>(n)), odds_(q / (1.0 - q)) {
    const double mode = std::min(std::floor((n_ + 1.0) * q), n_);
    first_ = last_ = mode;
    first_weight_ = sum_ = 1.0;
    while (first_ > 0.0 && first_weight_ > kNothing) {
      first_weight_ /= ratio(first_ - 1.0);
      first_ -= 1.0;
      sum_ += first_weight_;
    }
    for (double weight = 1.0; last_ < n_ && weight > kNothing; last_ += 1.0) {
      weight *= ratio(last_);
      sum_ += weight;
    }
  }
  // P(k + 1) / P(k).
  double ratio(double k) const noexcept { return (n_ - k) / (k + 1.0) * odds_; }

  static constexpr double kNothing = 1e-18;
  double n_, odds_;
  double first_, last_;  // the values that count
  double first_weight_, sum_;
};

}  // namespace

RankBounds quantile_rank_bounds(std::uint64_t n, double q, double level) {
  if (n == 0) return {};
  if (q <= 0.0) return {0, 1};
  if (q >= 1.0) return {n, 0};
  const double tail = (1.0 - level) / 2.0;
  const BinomialWeights weights(n, q);
  double k = weights.first_;
  double weight = weights.first_weight_ / weights.sum_;
  double cumulated = weight;  // P(X <= k)
  while (cumulated <= tail && k < weights.last_) {
    weight *= weights.ratio(k);
    k += 1.0;
    cumulated += weight;
  }
  // k is the least value with P(X <= k) > tail: its predecessors hold at most `tail`.
  RankBounds bounds;
  bounds.low = static_cast<std::uint64_t>(k);
  while (cumulated < 1.0 - tail && k < weights.last_) {
    weight *= weights.ratio(k);
    k += 1.0;
    cumulated += weight;
  }
  const auto high = static_cast<std::uint64_t>(k) + 1;
  bounds.high = high > n ? 0 : high;
  return bounds;
}

}  // namespace redisload
