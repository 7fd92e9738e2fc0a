#include "redisload/workload/key_distribution.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <utility>

#include "redisload/workload/key_names.hpp"

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

namespace {

// How many names the digits can tell apart, of the data type that leaves the fewest.
std::uint64_t names_hold(const KeysConfig& keys) {
  std::uint64_t names = 1;
  for (std::size_t i = 0; i < KeyNames::of(keys, "counter").digits; ++i) names *= 10;
  return std::max(names, keys.count);
}

}  // namespace

Keyspace::Part::Part(const KeysConfig& keys, std::uint64_t n)
    : count(std::max<std::uint64_t>(n, 1)),
      hot(std::clamp<std::uint64_t>(
          static_cast<std::uint64_t>(std::llround(keys.hot_keys * static_cast<double>(count))), 1,
          count)),
      ranks(count, keys.zipf_exponent),
      scramble(count) {}

Keyspace::Keyspace(const KeysConfig& keys, std::uint64_t connections)
    : distribution_(keys.distribution),
      partitioned_(keys.partition),
      count_(std::max<std::uint64_t>(keys.count, 1)),
      absent_offset_(names_hold(keys) - count_),
      lanes_(std::clamp<std::uint64_t>(connections, 1, count_)),
      normal_mean_(keys.normal_mean),
      normal_deviation_(keys.normal_deviation),
      hot_operations_(keys.hot_operations),
      move_every_(std::max<std::uint64_t>(keys.move_every, 1)),
      whole_(keys, count_),
      lane_parts_{Part(keys, count_ / lanes_), Part(keys, count_ / lanes_ + 1)} {}

std::uint64_t Keyspace::draw(Random& random, std::uint64_t connection,
                             std::uint64_t position) const {
  if (!partitioned_ && distribution_ != KeyDistribution::latest)
    return draw_from(whole_, random, position);
  const std::uint64_t own = lane(connection);
  return own + lanes_ * draw_from(lane_part(own), random, position);
}

// Sequential keys are the generator's business; here they are only continued.
std::uint64_t Keyspace::draw_from(const Part& part, Random& random, std::uint64_t position) const {
  switch (distribution_) {
    case KeyDistribution::zipfian:
      return part.scramble(part.ranks.draw(random) - 1);
    case KeyDistribution::normal:
      return normal(part, random);
    case KeyDistribution::hotset: {
      const bool hot = part.hot == part.count || random.unit() < hot_operations_;
      return part.scramble(hot ? random.below(part.hot)
                               : part.hot + random.below(part.count - part.hot));
    }
    case KeyDistribution::moving: {
      const std::uint64_t start = position / move_every_ * part.hot % part.count;
      const bool hot = part.hot == part.count || random.unit() < hot_operations_;
      const std::uint64_t at =
          hot ? random.below(part.hot) : part.hot + random.below(part.count - part.hot);
      return (start + at) % part.count;
    }
    case KeyDistribution::latest: {
      const std::uint64_t back = part.ranks.draw(random) - 1;
      return (position + part.count - 1 - back % part.count) % part.count;
    }
    default:
      return random.below(part.count);
  }
}

// The Box-Muller transform (G. Box and M. Muller, Annals of Mathematical Statistics 29(2), 1958);
// what falls outside the keyspace is drawn again.
std::uint64_t Keyspace::normal(const Part& part, Random& random) const {
  constexpr int kTries = 1000;  // a mean far outside would never end
  const auto count = static_cast<double>(part.count);
  for (int i = 0; i < kTries; ++i) {
    const double radius = std::sqrt(-2.0 * std::log(random.unit_positive()));
    const double angle = 2.0 * std::numbers::pi * random.unit();
    const double at = count * (normal_mean_ + normal_deviation_ * radius * std::cos(angle));
    if (at >= 0 && at < count) return static_cast<std::uint64_t>(at);
  }
  return random.below(part.count);
}

std::uint64_t Keyspace::further(const OperationRequest& request, std::uint32_t number) const {
  const bool absent = request.key >= count_;
  const std::uint64_t first = absent ? request.key - absent_offset_ : request.key;
  const std::uint64_t region = absent ? absent_offset_ : 0;
  if (distribution_ == KeyDistribution::sequential) {
    if (partitioned_) {
      const std::uint64_t own = lane(request.detail);
      return region + own + lanes_ * ((first / lanes_ + number - 1) % lane_part(own).count);
    }
    return region + (first + (number - 1) * (lanes_ % count_)) % count_;
  }
  std::uint64_t mix = request.value_seed + number * 0x9e3779b97f4a7c15ULL;
  Random random(splitmix64(mix));
  return region + draw(random, request.detail, request.origin);
}

KeyGenerator::KeyGenerator(std::shared_ptr<const Keyspace> space, std::uint64_t connection,
                           std::uint64_t connections)
    : space_(std::move(space)),
      connection_(connection),
      step_(connections % space_->count_),
      position_(0),
      fast_uniform_(space_->distribution_ == KeyDistribution::uniform && !space_->partitioned_) {
  if (space_->distribution_ == KeyDistribution::sequential && !space_->partitioned_)
    position_ = connection % space_->count_;
}

std::uint64_t KeyGenerator::next_placed(Random& random, bool writes) {
  const Keyspace& space = *space_;
  const std::uint64_t own = space.lane(connection_);
  switch (space.distribution_) {
    case KeyDistribution::sequential: {
      if (space.partitioned_)
        return own + space.lanes_ * (position_++ % space.lane_part(own).count);
      const std::uint64_t key = position_;
      position_ += step_;  // both are below the count, which is far from overflow
      if (position_ >= space.count_) position_ -= space.count_;
      return key;
    }
    case KeyDistribution::latest:
      // A write takes the next key in line, a read one that was written not long ago.
      if (writes) return own + space.lanes_ * (position_++ % space.lane_part(own).count);
      return space.draw(random, connection_, position_);
    case KeyDistribution::moving:
      return space.draw(random, connection_, position_++);
    default:
      return space.draw(random, connection_, position_);
  }
}

}  // namespace redisload
