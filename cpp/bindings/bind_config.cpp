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

// What was given may stand in a file of any bytes.
py::object readable(const std::string& text) {
  return py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<py::ssize_t>(text.size()), "backslashreplace"));
}

py::list problems_of(const py::dict& config) {
  const RunConfig read = config_from_python(config);
  std::vector<ConfigProblem> problems = validate(read);
  for (ConfigProblem& problem : workload_problems(read)) problems.push_back(std::move(problem));
  py::list list;
  for (const ConfigProblem& problem : problems) {
    py::dict row;
    row["path"] = problem.path;
    row["given"] = readable(problem.given);
    row["allowed"] = readable(problem.allowed);
    list.append(row);
  }
  return list;
}

py::list kinds() {
  py::list list;
  for (const WorkloadKind& kind : workload_kinds()) {
    py::list commands;
    for (const MixCommand& command : kind.commands) {
      py::dict row;
      row["label"] = command.label;
      row["text"] = command.text;
      row["weight"] = command.weight;
      commands.append(row);
    }
    py::list options;
    for (const WorkloadOption& option : kind.options) {
      py::dict row;
      row["name"] = option.name;
      row["default"] = option.otherwise;
      row["minimum"] = option.minimum;
      row["maximum"] = option.maximum;
      row["doc"] = option.doc;
      options.append(row);
    }
    py::dict defaults;
    for (const auto& [path, value] : kind.defaults) defaults[py::str(path)] = value;
    py::dict row;
    row["name"] = kind.name;
    row["doc"] = kind.doc;
    row["commands"] = commands;
    row["options"] = options;
    row["defaults"] = defaults;
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
        for (const std::string& name : workload_names()) names.append(name);
        return names;
      },
      "The names of the built-in workloads.");
  module.def("workloads", &kinds,
             "The built-in workloads: name, doc, commands (label, text, weight), options (name, "
             "default, minimum, maximum, doc), defaults (settings by path that differ where they "
             "are not given).");
}

}  // namespace redisload
