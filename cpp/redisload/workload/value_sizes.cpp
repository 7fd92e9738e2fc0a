#include "redisload/workload/value_sizes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <numbers>
#include <sstream>
#include <stdexcept>

#include "redisload/base/random.hpp"

namespace redisload {
namespace {

constexpr std::uint64_t kSizeSeed = 0x73697a65'73697a65ULL;
constexpr std::uint64_t kDefaultCap = 1 << 20;
constexpr std::size_t kMostSizes = 1'000'000;

[[noreturn]] void refuse(const std::string& problem) {
  throw std::invalid_argument(problem +
                              "; sizes are 32, 16-1024, 32:9,4KiB:1, lognormal:MEDIAN:SIGMA[:MAX] "
                              "or @FILE, in bytes or with KiB, MiB");
}

std::uint64_t size_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 7> kUnits{{{"KiB", 1 << 10},
                                                                              {"MiB", 1 << 20},
                                                                              {"GiB", 1 << 30},
                                                                              {"K", 1 << 10},
                                                                              {"M", 1 << 20},
                                                                              {"G", 1 << 30},
                                                                              {"B", 1}}};
  const std::string given(text);
  std::uint64_t unit = 1;
  for (const auto& [name, factor] : kUnits) {
    if (!text.ends_with(name)) continue;
    unit = factor;
    text.remove_suffix(name.size());
    break;
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > kLargestValue / unit)
    refuse("'" + given + "' is not a size of 0 … 512 MiB");
  return number * unit;
}

double number_of(std::string_view text, const char* what) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    refuse("'" + std::string(text) + "' is not a " + what);
  return value;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  if (text.empty() || text.back() == at) parts.emplace_back();
  return parts;
}

}  // namespace

ValueSizes ValueSizes::of(const ValuesConfig& values) {
  return values.sizes ? parse(*values.sizes) : ValueSizes(values.size_bytes);
}

ValueSizes ValueSizes::parse(const std::string& text) {
  if (text.empty()) refuse("no size");
  if (text.starts_with('@')) return read_file(text.substr(1));
  if (text.starts_with("lognormal:")) return parse_lognormal(text);
  if (text.find(':') != std::string::npos || text.find(',') != std::string::npos)
    return parse_list(text);
  const std::size_t dash = text.find('-');
  if (dash == std::string::npos) return ValueSizes(size_of(text));
  ValueSizes made(size_of(std::string_view(text).substr(0, dash)));
  made.high_ = size_of(std::string_view(text).substr(dash + 1));
  if (made.low_ > made.high_) refuse("'" + text + "' ends below its beginning");
  return made;
}

ValueSizes ValueSizes::parse_list(const std::string& text) {
  std::vector<std::uint64_t> sizes;
  std::vector<double> weights;
  for (const std::string& part : split(text, ',')) {
    const std::size_t colon = part.find(':');
    sizes.push_back(size_of(std::string_view(part).substr(0, colon)));
    weights.push_back(colon == std::string::npos ? 1.0
                                                 : number_of(part.c_str() + colon + 1, "weight"));
  }
  ValueSizes made(0);
  made.set_list(std::move(sizes), weights);
  return made;
}

ValueSizes ValueSizes::parse_lognormal(const std::string& text) {
  const auto parts = split(text, ':');
  if (parts.size() != 3 && parts.size() != 4) refuse("'" + text + "'");
  ValueSizes made(0);
  made.kind_ = Kind::lognormal;
  made.median_ = static_cast<double>(size_of(parts[1]));
  made.sigma_ = number_of(parts[2], "sigma");
  made.high_ = parts.size() == 4 ? size_of(parts[3]) : kDefaultCap;
  if (made.median_ < 1 || made.sigma_ < 0 || made.sigma_ > 10 ||
      made.median_ > static_cast<double>(made.high_))
    refuse("'" + text + "' needs a median from 1 to MAX (1 MiB unless given), a sigma of 0 … 10");
  return made;
}

ValueSizes ValueSizes::read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) refuse("the file '" + path + "' cannot be read");
  std::vector<std::uint64_t> sizes;
  std::vector<double> weights;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string size;
    std::string weight;
    std::string more;
    if (!(words >> size)) continue;
    words >> weight >> more;
    if (!more.empty() || sizes.size() == kMostSizes)
      refuse(path + " line " + std::to_string(number) + " is not 'SIZE [WEIGHT]', or one too many");
    sizes.push_back(size_of(size));
    weights.push_back(weight.empty() ? 1.0 : number_of(weight, "weight"));
  }
  if (sizes.empty()) refuse("the file '" + path + "' holds no size");
  ValueSizes made(0);
  made.set_list(std::move(sizes), weights);
  return made;
}

void ValueSizes::set_list(std::vector<std::uint64_t> sizes, const std::vector<double>& weights) {
  double sum = 0;
  double weighted = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (weights[i] < 0) refuse("a weight below 0");
    sum += weights[i];
    weighted += weights[i] * static_cast<double>(sizes[i]);
  }
  if (!(sum > 0)) refuse("all weights are 0");
  kind_ = Kind::list;
  list_mean_ = weighted / sum;
  low_ = *std::ranges::min_element(sizes);
  high_ = *std::ranges::max_element(sizes);
  sizes_ = std::move(sizes);
  choice_.emplace(weights);
}

double ValueSizes::mean() const noexcept {
  if (kind_ == Kind::list) return list_mean_;
  // Of the log-normal before it is cut off at the largest.
  if (kind_ == Kind::lognormal) return median_ * std::exp(sigma_ * sigma_ / 2);
  return (static_cast<double>(low_) + static_cast<double>(high_)) / 2;
}

std::uint64_t ValueSizes::varying(std::uint64_t seed) const noexcept {
  Random random(seed ^ kSizeSeed);
  switch (kind_) {
    case Kind::range:
      return low_ + random.below(high_ - low_ + 1);
    case Kind::list:
      return sizes_[choice_->pick(random)];
    case Kind::lognormal:
      break;
  }
  const double radius = std::sqrt(-2.0 * std::log(random.unit_positive()));
  const double normal = radius * std::cos(2.0 * std::numbers::pi * random.unit());
  const double size = std::round(median_ * std::exp(sigma_ * normal));
  return static_cast<std::uint64_t>(std::clamp(size, 0.0, static_cast<double>(high_)));
}

}  // namespace redisload
