// The core's exceptions become those of redisload/errors.py; one place for both directions.
#include "bindings.hpp"
#include "redisload/base/error.hpp"

namespace redisload {
namespace {

py::object python_error(const char* name) {
  return py::module_::import("redisload.errors").attr(name);
}

void raise(const py::object& error) {
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
}

py::list to_python_problems(const std::vector<ConfigProblem>& problems) {
  const py::object type = python_error("Problem");
  py::list list;
  for (const ConfigProblem& problem : problems)
    list.append(type(problem.path, problem.given, problem.allowed));
  return list;
}

void translate(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const ConfigError& error) {
    raise(python_error("ConfigError")(to_python_problems(error.problems())));
  } catch (const TargetError& error) {
    raise(python_error("TargetError")(error.what(), py::arg("stage") = error.stage()));
  } catch (const RunError& error) {
    raise(python_error("RunError")(error.what()));
  } catch (const Error& error) {
    raise(python_error("RedisloadError")(error.what()));
  }
}

}  // namespace

void bind_errors(py::module_& module) {
  (void)module;
  py::register_local_exception_translator(&translate);
}

}  // namespace redisload
