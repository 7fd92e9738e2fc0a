// The configuration: its table of fields, its problems, and reading it from a dict.
#include "bindings.hpp"
#include "config_from_python.hpp"
#include "redisload/config/config_fields.hpp"
#include "redisload/config/validation.hpp"
#include "redisload/workload/workload_registry.hpp"

namespace redisload {
namespace {

py::object to_python(const ConfigValue& value) {
  return std::visit(
      [](const auto& held) -> py::object {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>) {
          return py::none();
        } else {
          return py::cast(held);
        }
      },
      value);
}

py::list fields() {
  py::list list;
  for (const ConfigField& field : config_fields()) {
    py::dict row;
    row["path"] = field.path;
    row["type"] = field.type;
    row["default"] = to_python(field.default_value);
    row["minimum"] = field.minimum;
    row["maximum"] = field.maximum;
    row["choices"] = field.choices;
    row["optional"] = field.optional;
    row["secret"] = field.secret;
    row["doc"] = field.doc;
    list.append(row);
  }
  return list;
}

py::list problems_of(const py::dict& config) {
  const RunConfig read = config_from_python(config);
  std::vector<ConfigProblem> problems = validate(read);
  for (ConfigProblem& problem : workload_problems(read)) problems.push_back(std::move(problem));
  py::list list;
  for (const ConfigProblem& problem : problems) {
    py::dict row;
    row["path"] = problem.path;
    row["given"] = problem.given;
    row["allowed"] = problem.allowed;
    list.append(row);
  }
  return list;
}

}  // namespace

void bind_config(py::module_& module) {
  module.def("config_fields", &fields,
             "Every field of a configuration: path, type, default, minimum, maximum, choices, "
             "optional, secret, doc. "
             "Durations are in seconds.");
  module.def("validate", &problems_of, py::arg("config"),
             "Every problem of a configuration (nested dict) as {'path', 'given', 'allowed'}; an "
             "empty list when it can be run. "
             "Raises TypeError for a value of the wrong type.");
  module.def(
      "workload_names",
      [] {
        py::list names;
        for (const std::string_view name : workload_names()) names.append(std::string(name));
        return names;
      },
      "The names of the built-in workloads.");
}

}  // namespace redisload
