#include "redisload/workload/workload_registry.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "redisload/workload/basic_rw.hpp"

namespace redisload {
namespace {

struct Registration {
  std::string_view name;
  std::vector<ConfigProblem> (*problems)(const RunConfig&);
  std::shared_ptr<const Workload> (*make)(const RunConfig&, std::uint64_t seed);
};

template <typename T>
constexpr Registration registration() {
  return {T::kName, &T::problems, [](const RunConfig& config, std::uint64_t seed) {
            return std::shared_ptr<const Workload>(std::make_shared<T>(config, seed));
          }};
}

constexpr std::array kRegistrations{
    registration<BasicRw>(),
};

const Registration* find(std::string_view name) {
  const auto found = std::ranges::find(kRegistrations, name, &Registration::name);
  return found == kRegistrations.end() ? nullptr : &*found;
}

// Levenshtein's, by the two-row method of Wagner and Fischer (J. ACM 21(1), 1974).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

ConfigProblem unknown_name(const std::string& given) {
  std::string names;
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(given.size() / 2, 2) + 1;
  for (const Registration& known : kRegistrations) {
    names += (names.empty() ? "" : ", ") + std::string(known.name);
    const std::size_t distance = edit_distance(given, known.name);
    if (distance < least) {
      least = distance;
      nearest = known.name;
    }
  }
  std::string allowed = "one of: " + names;
  if (!nearest.empty()) allowed += "; did you mean " + std::string(nearest) + "?";
  return {"workload.name", given, allowed};
}

}  // namespace

std::vector<std::string_view> workload_names() {
  std::vector<std::string_view> names;
  for (const Registration& known : kRegistrations) names.push_back(known.name);
  return names;
}

std::vector<ConfigProblem> workload_problems(const RunConfig& config) {
  const Registration* const known = find(config.workload.name);
  if (known == nullptr) return {unknown_name(config.workload.name)};
  return known->problems(config);
}

std::shared_ptr<const Workload> make_workload(const RunConfig& config, std::uint64_t seed) {
  auto problems = workload_problems(config);
  if (!problems.empty()) throw ConfigError(std::move(problems));
  return find(config.workload.name)->make(config, seed);
}

}  // namespace redisload
