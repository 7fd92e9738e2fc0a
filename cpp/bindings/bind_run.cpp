// The handle of a run and the dict that its results become.
#include <unistd.h>

#include "bindings.hpp"
#include "config_from_python.hpp"
#include "redisload/base/error.hpp"
#include "redisload/run/run.hpp"

namespace redisload {
namespace {

double seconds(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

py::list to_python(const std::vector<Warning>& warnings) {
  py::list list;
  for (const Warning& warning : warnings) {
    py::dict row;
    row["code"] = warning.code;
    row["message"] = warning.message;
    list.append(row);
  }
  return list;
}

py::list to_python(const std::vector<PhaseSpan>& phases) {
  py::list list;
  for (const PhaseSpan& span : phases) {
    py::dict row;
    row["phase"] = std::string(to_string(span.phase));
    row["start_s"] = seconds(span.start_ns);
    row["end_s"] =
        span.end_ns < 0 ? py::object(py::none()) : py::object(py::float_(seconds(span.end_ns)));
    list.append(row);
  }
  return list;
}

py::list to_python(const std::vector<StepSpan>& steps) {
  py::list list;
  for (const StepSpan& step : steps) {
    py::dict row;
    row["name"] = step.name;
    row["start_s"] = seconds(step.start_ns);
    row["end_s"] = seconds(step.end_ns);
    row["rate"] = step.rate;
    row["to_rate"] = step.to_rate;
    list.append(row);
  }
  return list;
}

py::list to_python(const std::vector<RecordedEvent>& events) {
  py::list list;
  for (const RecordedEvent& event : events) {
    py::dict row;
    row["time_s"] = seconds(event.at_ns);
    row["kind"] = event.kind;
    row["connection"] =
        event.connection < 0 ? py::object(py::none()) : py::object(py::int_(event.connection));
    row["message"] = event.message;
    list.append(row);
  }
  return list;
}

py::dict server_facts(const RunResults& results) {
  py::dict facts = py::cast(results.server);
  const Observations& observed = results.observed;
  facts["used_cpu_share"] = observed.server_cpu;
  facts["evicted_keys"] = observed.evicted_keys;
  facts["expired_keys"] = observed.expired_keys;
  return facts;
}

py::dict to_python(RunResults&& results) {
  py::dict dict = to_python(std::move(results.metrics));
  const Observations& observed = results.observed;
  dict["final"] = results.final;
  dict["valid"] = results.valid;
  dict["verdict"] = results.verdict;
  dict["warnings"] = to_python(results.warnings);
  dict["interrupted"] = results.stop_reason == StopReason::interrupted;
  dict["stop_reason"] = results.stop_reason == StopReason::none
                            ? py::object(py::none())
                            : py::object(py::str(std::string(to_string(results.stop_reason))));
  dict["seed"] = results.seed;
  dict["started_at"] = results.started_at;
  dict["phases"] = to_python(results.phases);
  dict["steps"] = to_python(results.steps);
  dict["closed_loop"] = observed.closed_loop;
  dict["current_phase"] = std::string(to_string(results.current_phase));
  dict["progress"] = results.progress;
  dict["events"] = to_python(results.events);
  dict["base_rtt"] =
      results.base_rtt.empty() ? py::object(py::none()) : py::cast(results.base_rtt.front());
  dict["server"] = server_facts(results);
  dict["same_host"] = observed.same_host;
  dict["steal_share"] = observed.steal_share;
  dict["worker_busy"] = observed.worker_busy;
  dict["workers"] = results.workers;
  dict["connections"] = results.connections;
  py::dict commands = dict["commands"];
  commands["control"] = results.control_commands;
  py::dict report;
  if (!results.report.table.empty()) {
    py::list rows;
    for (const ReportRow& row : results.report.rows) {
      py::dict values;
      for (const auto& [name, value] : row.values) values[py::str(name)] = value;
      rows.append(values);
    }
    report[py::str(results.report.table)] = rows;
  }
  dict["report"] = report;
  return dict;
}

// A Run whose owner may be a forked child: there its threads do not exist, so it is left alone.
class RunHandle {
 public:
  explicit RunHandle(const RunConfig& config)
      : run_(std::make_unique<Run>(config)), owner_(getpid()) {}
  ~RunHandle() {
    if (getpid() != owner_) {
      [[maybe_unused]] Run* left_alone = run_.release();
      return;
    }
    const py::gil_scoped_release unlocked;
    run_.reset();
  }
  RunHandle(const RunHandle&) = delete;
  RunHandle& operator=(const RunHandle&) = delete;

  Run& get() const {
    if (getpid() != owner_)
      throw RunError(
          "this run belongs to the parent process: a forked child cannot use its handle");
    return *run_;
  }

 private:
  std::unique_ptr<Run> run_;
  const pid_t owner_;
};

std::optional<Duration> to_timeout(std::optional<double> timeout_s) {
  if (!timeout_s) return std::nullopt;
  return Duration(static_cast<std::int64_t>(std::clamp(*timeout_s, 0.0, 1e9) * 1e9));
}

// Waits with the GIL free. Not by py::gil_scoped_release: when the interpreter ends meanwhile,
// taking the GIL back ends this thread by unwinding its stack, and out of a destructor that would
// terminate the process.
template <typename Body>
auto wait_without_gil(Body&& body) {
  PyThreadState* const state = PyEval_SaveThread();
  try {
    auto result = body();
    PyEval_RestoreThread(state);
    return result;
  } catch (const std::exception&) {
    PyEval_RestoreThread(state);
    throw;
  }
}

bool wait(const RunHandle& handle, std::optional<double> timeout_s) {
  Run& run = handle.get();
  const auto timeout = to_timeout(timeout_s);
  return wait_without_gil([&] { return run.wait(timeout); });
}

void stop(const RunHandle& handle, const std::string& reason) {
  if (reason != "stopped" && reason != "interrupted")
    throw py::value_error("reason: stopped or interrupted");
  handle.get().stop(reason == "stopped" ? StopReason::stopped : StopReason::interrupted);
}

py::dict snapshot(const RunHandle& handle) {
  Run& run = handle.get();
  RunResults results;
  {
    const py::gil_scoped_release unlocked;
    results = run.results();
  }
  return to_python(std::move(results));
}

py::tuple wait_intervals(const RunHandle& handle, std::size_t since, double timeout_s) {
  Run& run = handle.get();
  const IntervalRows rows =
      wait_without_gil([&] { return run.collector().wait_rows(since, *to_timeout(timeout_s)); });
  return py::make_tuple(interval_array(rows.rows), rows.finished);
}

}  // namespace

void bind_run(py::module_& module) {
  py::class_<RunHandle>(
      module, "Run",
      "A run; it starts when made and is stopped and joined when destroyed. In a forked child "
      "every method raises RunError.")
      .def(py::init([](const py::dict& config) {
             const RunConfig read = config_from_python(config);
             const py::gil_scoped_release unlocked;
             return std::make_unique<RunHandle>(read);
           }),
           py::arg("config"),
           "Starts a run of a configuration (nested dict). Raises ConfigError with every problem; "
           "nothing is started then.")
      .def("wait", &wait, py::arg("timeout_s") = py::none(),
           "True when the run is over; waits at most timeout_s seconds (None: for ever). The GIL "
           "is free.")
      .def("stop", &stop, py::arg("reason") = "stopped",
           "Closes the window now, returns at once; reason: stopped or interrupted.")
      .def(
          "pause", [](const RunHandle& handle) { handle.get().pause(); },
          "No operation begins until resume(); paused time is not part of the window.")
      .def(
          "resume", [](const RunHandle& handle) { handle.get().resume(); },
          "Operations begin again.")
      .def(
          "set_rate", [](const RunHandle& handle, double rate) { handle.get().set_rate(rate); },
          py::arg("rate"),
          "Operations/s of the whole run from now on. Raises ConfigError in a closed loop.")
      .def(
          "raise_error", [](const RunHandle& handle) { handle.get().raise_error(); },
          "Raises TargetError or RunError if the run failed before its first answered operation.")
      .def("snapshot", &snapshot, "What was measured so far, or finally, as a dict.")
      .def("wait_intervals", &wait_intervals, py::arg("since"), py::arg("timeout_s"),
           "(rows, done): closed rows of the interval series from index `since` on, waiting at "
           "most timeout_s seconds for one.")
      .def(
          "done_fd", [](const RunHandle& handle) { return handle.get().done_descriptor(); },
          "A descriptor that becomes readable when the run is over; it belongs to the run.");
}

}  // namespace redisload
