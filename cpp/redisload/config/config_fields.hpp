// The configuration as a table: what there is, its type, range and meaning. The defaults are those
// of RunConfig; Python's typed model and the shell's flags are made from this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "redisload/config/run_config.hpp"

namespace redisload {

// monostate: none ("not given").
using ConfigValue = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

struct ConfigField {
  std::string path;  // "keys.count"
  std::string type;  // int, float, bool, str, duration (seconds), bytes, choice, int_list,
                     // count_or_share, weights
  ConfigValue default_value;
  std::optional<double> minimum, maximum;
  std::vector<std::string> choices;
  bool optional = false;  // may be left out for good (None)
  bool secret = false;
  std::string doc;
};

std::vector<ConfigField> config_fields();

}  // namespace redisload
