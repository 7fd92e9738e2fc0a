// How large values are: fixed, uniform over a range, a weighted list, log-normal, or as a file
// says. A size follows from the value's seed alone. Immutable; used by any thread.
//
//   32    16-1024    32:9,4KiB:1    lognormal:MEDIAN:SIGMA[:MAX]    @FILE (lines "SIZE [WEIGHT]")
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "redisload/config/run_config.hpp"
#include "redisload/workload/weighted_choice.hpp"

namespace redisload {

inline constexpr std::uint64_t kLargestValue = 512ULL << 20;

class ValueSizes {
 public:
  explicit ValueSizes(std::uint64_t fixed) : low_(fixed), high_(fixed) {}
  // Throws std::invalid_argument saying what is wrong and what is allowed.
  static ValueSizes parse(const std::string& text);
  // Of a configuration; throws likewise.
  static ValueSizes of(const ValuesConfig& values);

  bool fixed() const noexcept { return kind_ == Kind::range && low_ == high_; }
  std::uint64_t largest() const noexcept { return high_; }
  std::uint64_t smallest() const noexcept { return low_; }
  double mean() const noexcept;
  std::uint64_t size(std::uint64_t seed) const noexcept { return fixed() ? low_ : varying(seed); }

 private:
  enum class Kind : std::uint8_t { range, list, lognormal };
  void set_list(std::vector<std::uint64_t> sizes, const std::vector<double>& weights);
  static ValueSizes parse_list(const std::string& text);
  static ValueSizes parse_lognormal(const std::string& text);
  static ValueSizes read_file(const std::string& path);
  std::uint64_t varying(std::uint64_t seed) const noexcept;

  Kind kind_ = Kind::range;
  std::uint64_t low_, high_;
  std::vector<std::uint64_t> sizes_;
  std::optional<WeightedChoice> choice_;
  double list_mean_ = 0;
  double median_ = 0, sigma_ = 0;
};

}  // namespace redisload
