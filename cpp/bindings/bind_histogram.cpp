#include <pybind11/numpy.h>
#include <pybind11/operators.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "bindings.hpp"
#include "redisload/metrics/histogram.hpp"
#include "redisload/metrics/histogram_codec.hpp"

namespace py = pybind11;

namespace redisload {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Nanoseconds of one unit; throws ValueError for another name.
double unit_ns(const std::string& unit) {
  if (unit == "s") return 1e9;
  if (unit == "ms") return 1e6;
  if (unit == "us") return 1e3;
  if (unit == "ns") return 1.0;
  throw py::value_error("unit must be 's', 'ms', 'us' or 'ns', not '" + unit + "'");
}

template <typename T>
std::optional<double> in_unit(const std::optional<T>& ns, double unit) {
  if (!ns) return std::nullopt;
  return static_cast<double>(*ns) / unit;
}

double checked(double value, double high, const char* name) {
  if (value >= 0.0 && value <= high) return value;
  throw py::value_error(std::string(name) + " must be within 0 to " + (high == 1.0 ? "1" : "100") +
                        ", not " + py::str(py::float_(value)).cast<std::string>());
}

// Rounded to a whole nanosecond; throws ValueError for a negative or infinite time.
std::int64_t to_ns(double value, double unit) {
  const double ns = value * unit;
  if (!(ns >= 0.0) || std::isinf(ns)) {
    throw py::value_error("a duration must be finite and not negative, not " +
                          py::str(py::float_(value)).cast<std::string>());
  }
  constexpr auto kLargest = static_cast<double>(histogram_layout::kClampNs);
  return static_cast<std::int64_t>(std::llround(std::min(ns, kLargest)));
}

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

void record_many(Histogram& histogram, const Doubles& values, const std::string& unit) {
  const double scale = unit_ns(unit);
  // All or nothing: a bad value must not leave half of the array recorded.
  Histogram added;
  const double* data = values.data();
  for (py::ssize_t i = 0; i < values.size(); ++i) added.record(to_ns(data[i], scale));
  histogram.merge(added);
}

py::object percentile(const Histogram& histogram, const std::variant<Doubles, double>& p,
                      const std::string& unit) {
  const double scale = unit_ns(unit);
  const auto scalar = [&](double value) {
    return in_unit(histogram.percentile_ns(checked(value, 100, "p")), scale);
  };
  if (const auto* one = std::get_if<double>(&p)) return py::cast(scalar(*one));
  const auto& given = std::get<Doubles>(p);
  if (given.ndim() == 0) return py::cast(scalar(*given.data()));
  Doubles values(std::vector<py::ssize_t>(given.shape(), given.shape() + given.ndim()));
  for (py::ssize_t i = 0; i < given.size(); ++i) {
    values.mutable_data()[i] = scalar(given.data()[i]).value_or(kNan);
  }
  return py::object(std::move(values));
}

py::dict percentiles(const Histogram& histogram, const std::vector<double>& ps,
                     const std::string& unit) {
  py::dict result;
  const double scale = unit_ns(unit);
  for (const double p : ps) {
    result[py::float_(p)] = py::cast(in_unit(histogram.percentile_ns(checked(p, 100, "p")), scale));
  }
  return result;
}

py::array buckets(const Histogram& histogram) {
  py::list fields;
  fields.append(py::make_tuple("low_s", "f8"));
  fields.append(py::make_tuple("high_s", "f8"));
  fields.append(py::make_tuple("count", "i8"));
  struct Row {
    double low_s, high_s;
    std::int64_t count;
  };
  const auto found = histogram.buckets();
  py::array result(py::dtype::from_args(fields), static_cast<py::ssize_t>(found.size()));
  auto* rows = static_cast<Row*>(result.mutable_data());
  for (std::size_t i = 0; i < found.size(); ++i) {
    rows[i] = {static_cast<double>(found[i].low_ns) / 1e9,
               static_cast<double>(found[i].high_ns) / 1e9,
               static_cast<std::int64_t>(found[i].count)};
  }
  return result;
}

// HdrHistogram's V2 compressed form: its cookie and length, then zlib's stream of the V2 form.
constexpr std::uint32_t kCompressedCookie = 0x1c849304U | 0x10U;

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string to_hdr(const Histogram& histogram) {
  const py::bytes plain(HistogramCodec::encode_hdr_v2(histogram));
  const auto compressed = py::module_::import("zlib").attr("compress")(plain).cast<std::string>();
  const py::bytes whole(big_endian(kCompressedCookie) +
                        big_endian(static_cast<std::uint32_t>(compressed.size())) + compressed);
  return py::module_::import("base64").attr("b64encode")(whole).cast<std::string>();
}

Histogram from_hdr(const std::variant<py::bytes, py::str>& text) {
  const py::object given = std::visit([](const auto& t) -> py::object { return t; }, text);
  std::string plain;
  try {
    const auto whole = py::module_::import("base64")
                           .attr("b64decode")(given, py::arg("validate") = true)
                           .cast<std::string>();
    if (whole.size() < 8 || whole.compare(0, 4, big_endian(kCompressedCookie)) != 0 ||
        whole.compare(4, 4, big_endian(static_cast<std::uint32_t>(whole.size() - 8))) != 0) {
      throw py::value_error("not a histogram: no HdrHistogram V2 compressed encoding");
    }
    plain = py::module_::import("zlib")
                .attr("decompress")(py::bytes(whole.substr(8)))
                .cast<std::string>();
  } catch (const py::error_already_set& error) {
    throw py::value_error(std::string("not a histogram: ") + error.what());
  }
  return HistogramCodec::decode_hdr_v2(plain);
}

std::string describe(const Histogram& h) {
  std::string text = "<Histogram count=" + std::to_string(h.count());
  if (h.censored() != 0) text += " censored=" + std::to_string(h.censored());
  if (h.overflow() != 0) text += " overflow=" + std::to_string(h.overflow());
  const auto add = [&text](const char* name, const auto& ns) {
    std::array<char, 48> buffer{};
    if (ns) {
      std::snprintf(buffer.data(), buffer.size(), " %s=%.4g ms", name,
                    static_cast<double>(*ns) / 1e6);
    } else {
      std::snprintf(buffer.data(), buffer.size(), " %s=-", name);
    }
    text += buffer.data();
  };
  if (h.total() != 0) {
    add("p50", h.percentile_ns(50));
    add("p99", h.percentile_ns(99));
    add("p99.9", h.percentile_ns(99.9));
    add("max", h.max_ns());
  }
  return text + ">";
}

void bind_attributes(py::class_<Histogram>& cls) {
  const auto percentile_s = [](double p) {
    return [p](const Histogram& h) { return in_unit(h.percentile_ns(p), 1e9); };
  };
  cls.def_property_readonly("count", &Histogram::count, "Recorded values, overflow included.")
      .def_property_readonly("censored", &Histogram::censored,
                             "Events known only to have lasted longer than anything seen.")
      .def_property_readonly("overflow", &Histogram::overflow,
                             "Recorded values above 1 h; they are in count too.")
      .def_property_readonly(
          "min_s", [](const Histogram& h) { return in_unit(h.min_ns(), 1e9); },
          "Least recorded value, exact, in seconds; None when empty.")
      .def_property_readonly(
          "max_s", [](const Histogram& h) { return in_unit(h.max_ns(), 1e9); },
          "Greatest recorded value, exact, in seconds; None when empty.")
      .def_property_readonly(
          "mean_s", [](const Histogram& h) { return in_unit(h.mean_ns(), 1e9); },
          "Mean of the recorded values, exact, in seconds; None when empty.")
      .def_property_readonly(
          "std_s", [](const Histogram& h) { return in_unit(h.std_ns(), 1e9); },
          "Population standard deviation of the recorded values, in seconds.")
      .def_property_readonly(
          "censored_floor_s",
          [](const Histogram& h) { return in_unit(h.censored_floor_ns(), 1e9); },
          "The x of \"> x\" that a censored percentile is shown as, in seconds: the greatest\n"
          "recorded value, or the deadline if any event timed out. None when nothing is censored.")
      .def_property_readonly("p50_s", percentile_s(50), "percentile(50).")
      .def_property_readonly("p90_s", percentile_s(90), "percentile(90).")
      .def_property_readonly("p95_s", percentile_s(95), "percentile(95).")
      .def_property_readonly("p99_s", percentile_s(99), "percentile(99).")
      .def_property_readonly("p999_s", percentile_s(99.9), "percentile(99.9).");
}

void bind_recording(py::class_<Histogram>& cls) {
  cls.def(
         "record",
         [](Histogram& h, double value_s, std::uint64_t count) {
           h.record(to_ns(value_s, 1e9), count);
         },
         py::arg("value_s"), py::arg("count") = 1,
         "Records a duration in seconds, `count` times.\n\n"
         "Raises ValueError if it is negative or not finite.")
      .def("record_many", &record_many, py::arg("values"), py::arg("unit") = "s",
           "Records every value of an array, in `unit`: 's', 'ms', 'us' or 'ns'.\n\n"
           "Raises ValueError, and records nothing, if one is negative or not finite.")
      .def(
          "record_censored",
          [](Histogram& h, std::uint64_t count, double floor_s) {
            h.set_censored_floor(to_ns(floor_s, 1e9));
            h.record_censored(count);
          },
          py::arg("count") = 1, py::arg("floor_s") = 0.0,
          "Counts events of which only is known that they lasted longer than anything recorded,\n"
          "and than `floor_s` seconds (a deadline).");
}

void bind_reading(py::class_<Histogram>& cls) {
  cls.def(
         "percentile", &percentile, py::arg("p"), py::arg("unit") = "s",
         "The p-th percentile (0 to 100) in `unit`: 's', 'ms', 'us' or 'ns'.\n\n"
         "The value of rank ceil(p/100 * (count + censored)), to 3 significant digits and within\n"
         "[min, max]. None (NaN in the array that a sequence gives) when fewer than 10 events lie\n"
         "beyond the rank, or when the rank falls among the censored. Raises ValueError.")
      .def("percentiles", &percentiles, py::arg("ps"), py::arg("unit") = "s",
           "{p: percentile(p)} for each p.")
      .def(
          "quantile",
          [](const Histogram& h, double q) {
            return in_unit(h.quantile_ns(checked(q, 1, "q")), 1e9);
          },
          py::arg("q"),
          "The value of rank ceil(q * (count + censored)) in seconds, 0 <= q <= 1, however few\n"
          "events lie beyond it. None when empty or censored. Raises ValueError.")
      .def(
          "fraction_below",
          [](const Histogram& h, double value_s) {
            if (std::isnan(value_s)) throw py::value_error("value_s must be a number");
            constexpr auto kLargest = static_cast<double>(histogram_layout::kClampNs);
            const double ns = std::clamp(value_s * 1e9, -1.0, kLargest);
            return h.fraction_below(std::llround(ns));
          },
          py::arg("value_s"),
          "The share of all events, censored ones included, at or below `value_s` seconds, to the\n"
          "resolution of a bucket (0.1 %). None when empty.")
      .def(
          "confidence_interval",
          [](const Histogram& h, double p, double level) {
            if (!(level > 0.0 && level < 1.0)) throw py::value_error("level must be within 0 to 1");
            const auto [low, high] = h.confidence_interval_ns(checked(p, 100, "p"), level);
            return py::make_tuple(in_unit(low, 1e9), in_unit(high, 1e9));
          },
          py::arg("p"), py::arg("level") = 0.95,
          "(low, high) in seconds: hold the p-th percentile with at least `level`, whatever the\n"
          "distribution (binomial order statistics; David and Nagaraja, Order Statistics, 7.1).\n"
          "Values are taken as independent, which latencies in a queue are not quite. An end is\n"
          "None where there are too few events to say, or where it is censored.")
      .def("buckets", &buckets,
           "The buckets that are not empty: structured array low_s, high_s, count.");
}

void bind_interchange(py::class_<Histogram>& cls) {
  cls.def("to_hdr", &to_hdr,
          "HdrHistogram's V2 compressed encoding, base64, values in nanoseconds: what `.hlog` "
          "files\n"
          "hold and HdrHistogram.decode() of other languages reads. Censored events and exact\n"
          "extremes are not part of it.")
      .def_static("from_hdr", &from_hdr, py::arg("text"),
                  "Reads to_hdr() and others' encodings of the same layout (lowest value 1 ns,\n"
                  "3 significant digits). Raises ValueError.")
      .def(
          "to_bytes", [](const Histogram& h) { return py::bytes(HistogramCodec::encode(h)); },
          "All of it in a compact form of redisload's own; from_bytes() gives it back equal.")
      .def_static(
          "from_bytes",
          [](const py::bytes& data) { return HistogramCodec::decode(std::string_view(data)); },
          py::arg("data"), "Reads to_bytes(). Raises ValueError for anything else.")
      .def(py::pickle(
          [](const Histogram& h) { return py::make_tuple(py::bytes(HistogramCodec::encode(h))); },
          [](const py::tuple& state) {
            if (state.size() != 1) throw py::value_error("not a histogram's state");
            return HistogramCodec::decode(state[0].cast<std::string>());
          }));
}

}  // namespace

void bind_histogram(py::module_& m) {
  py::class_<Histogram> cls(
      m, "Histogram",
      "A distribution of durations: HdrHistogram's buckets of 3 significant digits from 1 ns to 1 "
      "h\n"
      "(https://hdrhistogram.org), exact minimum, maximum, mean and deviation, and `censored`\n"
      "events beside the recorded ones. Merging is exact: merge(parts) == whole.");
  cls.def(py::init<>(), "An empty histogram.");
  bind_attributes(cls);
  bind_recording(cls);
  bind_reading(cls);
  bind_interchange(cls);
  cls.def(
         "__add__",
         [](const Histogram& a, const Histogram& b) {
           Histogram sum = a;
           sum.merge(b);
           return sum;
         },
         py::is_operator(), py::arg("other"), "Both together, exactly.")
      .def(py::self == py::self, "Equal counts, extremes, sums and censored events.")
      .def("__repr__", &describe);
  cls.attr("__hash__") = py::none();
}

}  // namespace redisload
