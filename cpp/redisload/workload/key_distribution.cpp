#include "redisload/workload/key_distribution.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace redisload {

// Rejection-inversion for monotone discrete distributions: W. Hörmann and G. Derflinger,
// "Rejection-inversion to generate variates from monotone discrete distributions", ACM TOMACS 6(3),
// 1996. The integral of x^-s is written as expm1((1-s) log x) / (1-s), which has no pole at s = 1.
namespace {

// expm1(x) / x and log1p(x) / x, right also at 0, where the quotient is 0/0.
double expm1_over(double x) {
  return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1.0 + x / 2.0 * (1.0 + x / 3.0);
}
double log1p_over(double x) {
  return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1.0 - x * (0.5 - x / 3.0);
}

}  // namespace

ZipfianRanks::ZipfianRanks(std::uint64_t count, double exponent)
    : count_(static_cast<double>(std::max<std::uint64_t>(count, 1))),
      exponent_(exponent),
      integral_first_(integral(1.5) - 1.0),
      integral_last_(integral(count_ + 0.5)),
      sure_(2.0 - inverse_integral(integral(2.5) - density(2.0))) {}

double ZipfianRanks::density(double x) const { return std::exp(-exponent_ * std::log(x)); }

double ZipfianRanks::integral(double x) const {
  const double log_x = std::log(x);
  return expm1_over((1.0 - exponent_) * log_x) * log_x;
}

double ZipfianRanks::inverse_integral(double y) const {
  // Rounding may put the argument of the logarithm just below its end.
  const double t = std::max(y * (1.0 - exponent_), -1.0);
  return std::exp(log1p_over(t) * y);
}

std::uint64_t ZipfianRanks::draw(Random& random) const {
  for (;;) {
    const double u = integral_last_ + random.unit() * (integral_first_ - integral_last_);
    const double x = inverse_integral(u);
    double rank = std::floor(x + 0.5);
    if (!(rank > 1.0)) rank = 1.0;
    if (!(rank < count_)) rank = count_;
    if (rank - x <= sure_ || u >= integral(rank + 0.5) - density(rank)) {
      return static_cast<std::uint64_t>(rank);
    }
  }
}

// Each step of mix() is a bijection of the words of that many bits (an odd multiplier modulo a
// power of two, a right shift folded in); walking the cycle until the word is below the count makes
// it one of [0, count) (J. Black and P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA
// 2002). The words are less than twice as many as the keys: two steps a key on average, at most.
KeyScramble::KeyScramble(std::uint64_t count) : count_(std::max<std::uint64_t>(count, 1)) {
  const int bits = std::max(static_cast<int>(std::bit_width(count_ - 1)), 1);
  mask_ = ~std::uint64_t{0} >> (64 - bits);
  shift_ = (bits + 1) / 2;
}

std::uint64_t KeyScramble::mix(std::uint64_t x) const noexcept {
  x = (x + 0x9e3779b97f4a7c15ULL) & mask_;
  for (const std::uint64_t multiplier :
       {0xbf58476d1ce4e5b9ULL, 0x94d049bb133111ebULL, 0xd1342543de82ef95ULL}) {
    x = (x * multiplier) & mask_;
    x ^= x >> shift_;
  }
  return x;
}

std::uint64_t KeyScramble::operator()(std::uint64_t index) const noexcept {
  do {
    index = mix(index);
  } while (index >= count_);
  return index;
}

std::uint64_t key_of_rank(std::uint64_t rank, std::uint64_t count) {
  return KeyScramble(count)(rank - 1);
}

KeyGenerator::KeyGenerator(const KeysConfig& keys, std::uint64_t connection,
                           std::uint64_t connections)
    : distribution_(keys.distribution),
      count_(std::max<std::uint64_t>(keys.count, 1)),
      position_(connection % count_),
      step_(connections % count_),
      ranks_(count_, keys.zipf_exponent),
      scramble_(count_) {}

}  // namespace redisload
