// Reads a RunConfig from the nested dict that Python's model makes of itself; what is missing or
// None keeps the default. Throws TypeError (py::type_error) for a value of the wrong type.
#pragma once

#include <pybind11/pybind11.h>

#include "redisload/config/run_config.hpp"

namespace redisload {

RunConfig config_from_python(const pybind11::dict& config);

}  // namespace redisload
