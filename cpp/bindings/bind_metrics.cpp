#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <array>
#include <cstring>
#include <utility>

#include "bindings.hpp"
#include "redisload/metrics/snapshot.hpp"

namespace py = pybind11;

namespace redisload {

namespace {

// --- intervals

constexpr std::size_t kPhaseLetters = 8;

// A row as numpy reads it: every column 8 bytes wide, the text last.
struct PackedRow {
  double start_s, duration_s;
  std::int64_t offered, issued, not_sent, succeeded, failed, timed_out, lost;
  double target_rate, throughput;
  std::int64_t in_flight, connections;
  double lateness_p99_s;
  LatencyColumns service, response;
  std::array<char32_t, kPhaseLetters> phase;
};

struct Column {
  std::string name;
  const char* format;
  std::size_t offset;
};

std::vector<Column> interval_columns() {
#define REDISLOAD_COLUMN(name, format) {#name, format, offsetof(PackedRow, name)}
  std::vector<Column> columns = {
      REDISLOAD_COLUMN(start_s, "f8"),        REDISLOAD_COLUMN(duration_s, "f8"),
      REDISLOAD_COLUMN(phase, "U8"),          REDISLOAD_COLUMN(offered, "i8"),
      REDISLOAD_COLUMN(issued, "i8"),         REDISLOAD_COLUMN(not_sent, "i8"),
      REDISLOAD_COLUMN(succeeded, "i8"),      REDISLOAD_COLUMN(failed, "i8"),
      REDISLOAD_COLUMN(timed_out, "i8"),      REDISLOAD_COLUMN(lost, "i8"),
      REDISLOAD_COLUMN(target_rate, "f8"),    REDISLOAD_COLUMN(throughput, "f8"),
      REDISLOAD_COLUMN(in_flight, "i8"),      REDISLOAD_COLUMN(connections, "i8"),
      REDISLOAD_COLUMN(lateness_p99_s, "f8"),
  };
#undef REDISLOAD_COLUMN
  const std::array<const char*, 7> latencies = {"p50_s",  "p90_s", "p95_s", "p99_s",
                                                "p999_s", "max_s", "mean_s"};
  static_assert(sizeof(LatencyColumns) == latencies.size() * sizeof(double));
  const auto add = [&](const std::string& prefix, std::size_t offset) {
    for (std::size_t i = 0; i < latencies.size(); ++i) {
      columns.push_back({prefix + latencies[i], "f8", offset + i * sizeof(double)});
    }
  };
  add("service_", offsetof(PackedRow, service));
  add("response_", offsetof(PackedRow, response));
  return columns;
}

py::dtype interval_dtype() {
  py::list names, formats, offsets;
  for (const Column& column : interval_columns()) {
    names.append(column.name);
    formats.append(column.format);
    offsets.append(column.offset);
  }
  return {names, formats, offsets, sizeof(PackedRow)};
}

PackedRow packed(const IntervalRow& row) {
  const auto whole = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
  PackedRow p{};
  p.start_s = row.start_s;
  p.duration_s = row.duration_s;
  p.offered = whole(row.offered);
  p.issued = whole(row.issued);
  p.not_sent = whole(row.not_sent);
  p.succeeded = whole(row.succeeded);
  p.failed = whole(row.failed);
  p.timed_out = whole(row.timed_out);
  p.lost = whole(row.lost);
  p.target_rate = row.target_rate;
  p.throughput = row.throughput;
  p.in_flight = whole(row.in_flight);
  p.connections = whole(row.connections);
  p.lateness_p99_s = row.lateness_p99_s;
  p.service = row.service;
  p.response = row.response;
  const std::string_view phase = to_string(row.phase).substr(0, kPhaseLetters);
  std::copy(phase.begin(), phase.end(), p.phase.begin());
  return p;
}

// --- samples

template <typename T>
py::array view(const std::vector<T>& column, const py::capsule& owner) {
  py::array array(py::dtype::of<T>(), {static_cast<py::ssize_t>(column.size())}, {}, column.data(),
                  owner);
  array.attr("flags").attr("writeable") = false;
  return array;
}

py::dict samples_dict(const std::shared_ptr<const SampleColumns>& columns) {
  using Shared = std::shared_ptr<const SampleColumns>;
  const py::capsule owner(new Shared(columns),
                          [](void* shared) { delete static_cast<Shared*>(shared); });
  py::dict samples;
  samples["intended_ns"] = view(columns->intended_ns, owner);
  samples["sent_ns"] = view(columns->sent_ns, owner);
  samples["completed_ns"] = view(columns->completed_ns, owner);
  samples["operation"] = view(columns->operation, owner);
  samples["outcome"] = view(columns->outcome, owner);
  samples["connection"] = view(columns->connection, owner);
  samples["bytes"] = view(columns->bytes, owner);
  samples["phase"] = view(columns->phase, owner);
  samples["attempts"] = view(columns->attempts, owner);
  samples["node"] = view(columns->node, owner);
  samples["weight"] = view(columns->weight, owner);
  return samples;
}

py::dict sample_names(const MetricsSnapshot& snapshot) {
  py::list outcomes, phases;
  for (int i = 0; i < kOutcomes; ++i) outcomes.append(py::str(to_string(static_cast<Outcome>(i))));
  for (int i = 0; i < kPhases; ++i) phases.append(py::str(to_string(static_cast<Phase>(i))));
  py::dict names;
  names["operation"] = snapshot.operation_names;
  names["outcome"] = outcomes;
  names["phase"] = phases;
  names["node"] = snapshot.node_names;
  return names;
}

// --- counts

void add_counts(py::dict& into, const OperationCounts& counts) {
  into["offered"] = counts.offered;
  into["issued"] = counts.issued;
  into["not_sent"] = counts.not_sent;
  into["succeeded"] = counts.succeeded;
  into["failed"] = counts.failed;
  into["timed_out"] = counts.timed_out;
  into["lost"] = counts.lost;
  into["hits"] = counts.hits;
  into["misses"] = counts.misses;
  into["attempts"] = counts.attempts;
  into["retries"] = counts.retries;
  into["late_replies"] = counts.late_replies;
  into["bytes_sent"] = counts.bytes_sent;
  into["bytes_received"] = counts.bytes_received;
}

py::dict operation_dict(OperationMetrics& metrics) {
  py::dict operation;
  add_counts(operation, metrics.counts);
  operation["throughput"] = metrics.throughput;
  operation["goodput"] = metrics.goodput;
  operation["errors"] = metrics.errors;
  operation["service_time"] = std::move(metrics.service_time);
  operation["response_time"] = std::move(metrics.response_time);
  operation["error_time"] = std::move(metrics.error_time);
  return operation;
}

// --- interval histograms

IntervalMeasure measure_named(const std::string& name) {
  if (name == "service") return IntervalMeasure::service;
  if (name == "response") return IntervalMeasure::response;
  if (name == "lateness") return IntervalMeasure::lateness;
  throw py::value_error("measure must be 'service', 'response' or 'lateness', not '" + name + "'");
}

void bind_interval_histograms(py::module_& m) {
  py::class_<IntervalHistograms>(
      m, "IntervalHistograms",
      "The histograms of a run's intervals, by row number of `intervals`. Neighbouring rows'\n"
      "histograms are joined when all of them outgrow 64 MiB; covered() says so.")
      .def(
          "merged",
          [](const IntervalHistograms& self, std::size_t first_row, std::size_t last_row,
             const std::string& measure, const std::optional<std::string>& label) {
            const IntervalMeasure which = measure_named(measure);
            const py::gil_scoped_release release;
            return self.merged(first_row, last_row, which, label);
          },
          py::arg("first_row"), py::arg("last_row"), py::arg("measure") = "response",
          py::arg("label") = py::none(),
          "The histogram of rows first_row to last_row, both included; measure: 'service',\n"
          "'response' or 'lateness'; label: an operation's name, or None for all together.\n"
          "Raises ValueError for an unknown measure or label.")
      .def("covered", &IntervalHistograms::covered, py::arg("first_row"), py::arg("last_row"),
           "The rows (first, last) that merged() really covers, or None if it covers none.")
      .def_property_readonly("labels", &IntervalHistograms::labels,
                             "The operations' names, those of prefill and cleanup included.")
      .def("__len__", &IntervalHistograms::entries)
      .def(
          "to_bytes", [](const IntervalHistograms& self) { return py::bytes(self.to_bytes()); },
          "All of it, for saving; from_bytes() gives it back.")
      .def_static(
          "from_bytes",
          [](const py::bytes& data) {
            return IntervalHistograms::from_bytes(std::string_view(data));
          },
          py::arg("data"), "Reads to_bytes(). Raises ValueError for anything else.")
      .def(py::pickle(
          [](const IntervalHistograms& self) { return py::make_tuple(py::bytes(self.to_bytes())); },
          [](const py::tuple& state) {
            if (state.size() != 1) throw py::value_error("not interval histograms' state");
            return IntervalHistograms::from_bytes(state[0].cast<std::string>());
          }));
}

}  // namespace

py::array interval_array(const std::vector<IntervalRow>& rows) {
  py::array array(interval_dtype(), static_cast<py::ssize_t>(rows.size()));
  auto* out = static_cast<char*>(array.mutable_data());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const PackedRow row = packed(rows[i]);
    std::memcpy(out + i * sizeof(PackedRow), &row, sizeof(PackedRow));
  }
  return array;
}

py::dict to_python(MetricsSnapshot&& snapshot) {
  py::dict result;
  py::dict totals;
  add_counts(totals, snapshot.totals.counts);
  totals["elapsed_s"] = snapshot.elapsed_s;
  totals["throughput"] = snapshot.totals.throughput;
  totals["goodput"] = snapshot.totals.goodput;
  result["totals"] = totals;
  py::dict operations;
  for (OperationMetrics& operation : snapshot.operations) {
    operations[py::str(operation.name)] = operation_dict(operation);
  }
  result["operations"] = operations;
  result["service_time"] = std::move(snapshot.totals.service_time);
  result["response_time"] = std::move(snapshot.totals.response_time);
  result["error_time"] = std::move(snapshot.totals.error_time);
  result["lateness"] = std::move(snapshot.lateness);
  result["connect_time"] = std::move(snapshot.connect_time);
  result["pool_wait"] = std::move(snapshot.pool_wait);
  py::dict series;
  for (auto& [name, histogram] : snapshot.extra_series)
    series[py::str(name)] = std::move(histogram);
  result["series"] = series;
  result["counters"] = snapshot.counters;
  result["errors"] = snapshot.totals.errors;
  result["connection_faults"] = snapshot.connection_faults;
  result["commands"] = snapshot.commands;
  result["intervals"] = interval_array(snapshot.intervals);
  result["interval_histograms"] = std::move(snapshot.interval_histograms);
  result["samples"] = samples_dict(snapshot.samples);
  result["sample_names"] = sample_names(snapshot);
  result["samples_dropped"] = snapshot.samples_dropped;
  result["effective_sample_rate"] = snapshot.effective_sample_rate;
  return result;
}

void bind_metrics(py::module_& m) { bind_interval_histograms(m); }

}  // namespace redisload
