#include "redisload/workload/workload_registry.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "redisload/workload/workloads.hpp"

namespace redisload {
namespace {

const WorkloadKind* find(std::string_view name) {
  const auto& kinds = workload_kinds();
  const auto found = std::ranges::find(kinds, name, &WorkloadKind::name);
  return found == kinds.end() ? nullptr : &*found;
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
  for (const WorkloadKind& known : workload_kinds()) {
    names += (names.empty() ? "" : ", ") + known.name;
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

std::string plain(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

void check_options(const WorkloadKind& kind, const RunConfig& config,
                   std::vector<ConfigProblem>& found) {
  std::string known;
  for (const WorkloadOption& one : kind.options) known += (known.empty() ? "" : ", ") + one.name;
  for (const auto& [name, value] : config.workload.options) {
    const std::string path = "workload.options." + name;
    const auto option = std::ranges::find(kind.options, name, &WorkloadOption::name);
    if (option == kind.options.end()) {
      found.push_back({path, plain(value),
                       known.empty() ? kind.name + " has no options"
                                     : "an option of " + kind.name + ": " + known});
    } else if (!std::isfinite(value) || value < option->minimum || value > option->maximum) {
      found.push_back(
          {path, plain(value), plain(option->minimum) + " … " + plain(option->maximum)});
    }
  }
}

// What the shapes of keys and values ask of each other.
void check_data(const RunConfig& config, std::vector<ConfigProblem>& found) {
  const KeysConfig& keys = config.keys;
  if (keys.length_bytes) {
    KeysConfig shortest = keys;
    const std::size_t digits = std::to_string(std::max<std::uint64_t>(keys.count, 1) - 1).size();
    shortest.length_bytes.reset();
    // The longest prefix of any data type, so that every name is as long as asked for.
    const std::size_t before = KeyNames::of(shortest, "counter").size() - kKeyDigits;
    if (*keys.length_bytes < before + digits) {
      found.push_back({"keys.length_bytes", std::to_string(*keys.length_bytes),
                       "at least " + std::to_string(before + digits) +
                           ": the prefix and the digits of the key count"});
    }
  }
  if (config.hit_ratio && config.prefill == false) {
    found.push_back({"hit_ratio", plain(*config.hit_ratio), "prefill, so that keys can be hit"});
  }
  if (config.hit_ratio) {
    std::uint64_t names = 1;
    for (std::size_t i = 0; i < KeyNames::of(keys, "counter").digits; ++i) names *= 10;
    if (keys.count > names / 2) {
      found.push_back({"keys.count", std::to_string(keys.count),
                       "at most " + std::to_string(names / 2) +
                           " with a hit ratio: half of the names must stay without a key"});
    }
  }
  try {
    const ValueSizes sizes = ValueSizes::of(config.values);
    if (config.values.content == ValueContent::verified &&
        sizes.smallest() < ValueGenerator::kVerifiedHeader) {
      found.push_back({config.values.sizes ? "values.sizes" : "values.size_bytes",
                       std::to_string(sizes.smallest()),
                       "at least 16 bytes with verified content"});
    }
    const double in_flight = static_cast<double>(sizes.largest()) *
                             static_cast<double>(config.pipeline) *
                             static_cast<double>(config.topology.connections());
    const double elements = option(config.workload, "elements", 1);
    if (elements * static_cast<double>(sizes.largest()) > static_cast<double>(kLargestValue)) {
      found.push_back(
          {"workload.options.elements", plain(elements),
           "elements × largest value of at most 512 MiB: prefill writes a key at once"});
    }
    constexpr double kMostInFlight = 4.0 * (1ULL << 30);
    if (config.values.sizes && in_flight > kMostInFlight) {
      found.push_back({"values.sizes", *config.values.sizes,
                       "connections × pipeline × largest value of at most 4 GiB in flight"});
    }
  } catch (const std::invalid_argument& error) {
    found.push_back({"values.sizes", config.values.sizes.value_or(""), error.what()});
  }
}

}  // namespace

// One line a workload.
const std::vector<WorkloadKind>& workload_kinds() {
  static const std::vector<WorkloadKind> kinds{
      basic_rw(),
      high_throughput(),
      list_operations(),
      set_operations(),
      sorted_set_operations(),
      hash_operations(),
      pub_sub(),
      pipeline(),
      transaction(),
      script(),
      stream_operations(),
      custom(),
  };
  return kinds;
}

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const WorkloadKind& known : workload_kinds()) names.push_back(known.name);
  return names;
}

std::vector<ConfigProblem> workload_problems(const RunConfig& config) {
  const WorkloadKind* const kind = find(config.workload.name);
  if (kind == nullptr) return {unknown_name(config.workload.name)};
  std::vector<ConfigProblem> found;
  if (!kind->commands.empty()) found = weight_problems(kind->name, kind->commands, config);
  check_options(*kind, config, found);
  check_data(config, found);
  if (kind->name != "custom" && !config.workload.commands.empty())
    found.push_back({"commands", "given", "the workload custom, or no commands"});
  if (kind->name != "script" && config.workload.script)
    found.push_back({"workload.script", "given", "the workload script, or no script"});
  if (kind->problems) {
    for (ConfigProblem& one : kind->problems(config)) found.push_back(std::move(one));
  }
  return found;
}

std::shared_ptr<const Workload> make_workload(const RunConfig& config, std::uint64_t seed) {
  auto problems = workload_problems(config);
  if (!problems.empty()) throw ConfigError(std::move(problems));
  return find(config.workload.name)->make(config, seed);
}

WorkloadKind mixed_kind(std::string name, std::string doc, std::vector<MixCommand> commands,
                        KeySpace primary) {
  WorkloadKind kind;
  kind.name = std::move(name);
  kind.doc = std::move(doc);
  kind.commands = std::move(commands);
  kind.options = {{"elements", 10, 1, 10'000, "elements of every key after prefill"}};
  kind.make = [commands = kind.commands, primary](const RunConfig& config, std::uint64_t seed) {
    Mix mix;
    mix.commands = weighted(commands, config.workload);
    mix.primary = primary;
    mix.elements = static_cast<std::uint64_t>(option(config.workload, "elements", 10));
    return std::make_shared<const TemplateMix>(std::move(mix), config, seed);
  };
  return kind;
}

}  // namespace redisload
