#include "redisload/workload/weighted_choice.hpp"

#include <cstddef>

namespace redisload {

WeightedChoice::WeightedChoice(const std::vector<double>& weights) : columns_(weights.size()) {
  double sum = 0.0;
  std::uint32_t heaviest = 0;
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    if (weights[i] > weights[heaviest]) heaviest = i;
  }

  std::vector<double> scaled;
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    scaled.push_back(weights[i] / sum * static_cast<double>(weights.size()));
    (scaled[i] < 1.0 ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const std::uint32_t less = small.back();
    const std::uint32_t more = large.back();
    small.pop_back();
    columns_[less] = {static_cast<std::uint64_t>(scaled[less] * 0x1.0p64), more};
    scaled[more] -= 1.0 - scaled[less];
    if (scaled[more] < 1.0) {
      large.pop_back();
      small.push_back(more);
    }
  }
  // What rounding leaves over is a full column; one of weight zero still is never picked.
  for (const auto* rest : {&small, &large}) {
    for (const std::uint32_t i : *rest) columns_[i] = {UINT64_MAX, i};
  }
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0.0 && columns_[i].alias == i) columns_[i] = {0, heaviest};
  }
}

}  // namespace redisload
