// Small, fast, seedable randomness. One stream belongs to one logical connection (MEASURING R16),
// so streams are derived from (run seed, purpose, number) and never shared.
//
// xoshiro256++ and splitmix64 follow the public-domain algorithms of Blackman and Vigna
// (https://prng.di.unimi.it/); below() is Lemire's multiply-shift without its rejection step's
// division on the common path (https://arxiv.org/abs/1805.10941).
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace redisload {

// One step of splitmix64: also a good mixer of seeds.
constexpr std::uint64_t splitmix64(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// What a stream of randomness is for: streams of different purposes never meet.
enum class StreamPurpose : std::uint64_t {
  operations = 1,
  arrivals = 2,
  values = 3,
  samples = 4,
  backoff = 5
};

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept {
    for (auto& word : state_) word = splitmix64(seed);
  }

  // The stream of `number` (a logical connection, a worker) of a run.
  static Random stream(std::uint64_t run_seed, StreamPurpose purpose,
                       std::uint64_t number) noexcept {
    std::uint64_t mix = run_seed;
    std::uint64_t seed = splitmix64(mix);
    mix = seed ^ (static_cast<std::uint64_t>(purpose) * 0xd1342543de82ef95ULL);
    seed = splitmix64(mix);
    mix = seed ^ (number * 0xda942042e4dd58b5ULL);
    return Random(splitmix64(mix));
  }

  std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // Uniform over [0, bound), exactly; bound > 0.
  std::uint64_t below(std::uint64_t bound) noexcept {
    __extension__ using Wide = unsigned __int128;
    Wide product = static_cast<Wide>(next()) * bound;
    auto low = static_cast<std::uint64_t>(product);
    if (low < bound) [[unlikely]] {
      const std::uint64_t threshold = (0 - bound) % bound;
      while (low < threshold) {
        product = static_cast<Wide>(next()) * bound;
        low = static_cast<std::uint64_t>(product);
      }
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

  // Uniform over [0, 1), 53 bits.
  double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  // Uniform over (0, 1]: safe to take the logarithm of.
  double unit_positive() noexcept { return static_cast<double>((next() >> 11) + 1) * 0x1.0p-53; }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace redisload
