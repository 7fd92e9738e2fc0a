// What each bind_<concept>.cpp adds to the module, and the conversions they share. Called with the
// GIL held.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vector>

#include "redisload/metrics/snapshot.hpp"

namespace redisload {

namespace py = pybind11;

void bind_config(pybind11::module_& m);
void bind_control(pybind11::module_& m);
void bind_errors(pybind11::module_& m);
void bind_histogram(pybind11::module_& m);
void bind_metrics(pybind11::module_& m);
void bind_run(pybind11::module_& m);

// The metrics' part of the result dict: totals, operations, histograms, errors, commands,
// intervals, samples. Histograms are moved out of the snapshot; samples become read-only numpy
// views that keep the columns alive, without a copy.
pybind11::dict to_python(MetricsSnapshot&& snapshot);
// A structured array with the columns of INTERFACE.md's `intervals`.
pybind11::array interval_array(const std::vector<IntervalRow>& rows);

}  // namespace redisload
