"""Results as plain values (schema 1), and back from them."""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from redisload.totals import COUNTS, HISTOGRAMS, OPERATION_HISTOGRAMS, RATES

if TYPE_CHECKING:
    from redisload._core import Histogram

SCHEMA = 1
_PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999)
_MEASURED = ("min_s", "mean_s", "std_s", "p50_s", "p90_s", "p95_s", "p99_s", "p999_s", "max_s")
_PLAIN = (
    "closed_loop",
    "same_host",
    "final",
    "samples_dropped",
    "effective_sample_rate",
    "workers",
    "connections",
    "worker_busy",
)


def to_dict(data: Mapping[str, Any]) -> dict[str, Any]:
    """A result as plain values: None for what is absent, never NaN."""
    out: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "run",
        "redisload": data["environment"].get("redisload"),
        "name": data["config"].get("name"),
        "started_at": _iso(data["started_at"]),
    }
    for name in ("valid", "verdict", "warnings", "interrupted", "stop_reason", "seed"):
        out[name] = data[name]
    out["totals"] = {name: data["totals"].get(name) for name in (*COUNTS, *RATES)}
    for name in HISTOGRAMS:
        out[name] = histogram_to_dict(data[name])
    out["base_rtt"] = None if data.get("base_rtt") is None else histogram_to_dict(data["base_rtt"])
    out["operations"] = {label: _operation(values) for label, values in data["operations"].items()}
    for name in ("commands", "errors", "connection_faults", "events", "phases"):
        out[name] = data.get(name, {})
    out["counters"] = data.get("counters", {})
    out["series"] = {name: histogram_to_dict(one) for name, one in data.get("series", {}).items()}
    out["tables"] = data.get("report", {})
    out["steps"] = data.get("steps", [])
    out["nodes"] = data.get("nodes", {})
    out["intervals"] = rows_to_dicts(data["intervals"])
    out.update({name: data[name] for name in _PLAIN if name in data})
    out["config"] = data["config"]
    out["environment"] = data["environment"]
    plain_out: dict[str, Any] = plain(out)
    return plain_out


def histogram_to_dict(histogram: Histogram) -> dict[str, Any]:
    """Counts, summary and every percentile that rests on enough samples.

    ``hdr`` is HdrHistogram's form of it, ``exact`` redisload's own, with what the other does not hold.
    """
    out: dict[str, Any] = {"count": histogram.count, "censored": histogram.censored}
    for name in _MEASURED:
        out[name] = getattr(histogram, name)
    out["percentiles_s"] = {f"{p:g}": histogram.percentile(p) for p in _PERCENTILES}
    if histogram.censored:
        out["censored_floor_s"] = histogram.censored_floor_s
    out["hdr"] = histogram.to_hdr()
    out["exact"] = b64encode(histogram.to_bytes()).decode("ascii")
    return out


def rows_to_dicts(rows: Any) -> list[dict[str, Any]]:
    """A structured array as a list of dicts."""
    names = rows.dtype.names
    return [dict(zip(names, row, strict=True)) for row in rows.tolist()]


def plain(value: Any) -> Any:
    """The value in JSON's types: numpy scalars converted, numbers that are not finite None."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, Sequence):
        return [plain(one) for one in value]
    return str(value)


def from_dict(out: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a result that was written as JSON: whole but for samples and interval histograms.

    Raises KeyError, TypeError or ValueError when it is something else.
    """
    import numpy as np

    data = {name: out[name] for name in (*_DATA_KEYS, *_PLAIN) if name in out}
    data["started_at"] = datetime.fromisoformat(out["started_at"].replace("Z", "+00:00")).timestamp()
    for name in HISTOGRAMS:
        data[name] = _histogram(out[name])
    data["base_rtt"] = None if out.get("base_rtt") is None else _histogram(out["base_rtt"])
    data["series"] = {name: _histogram(one) for name, one in out.get("series", {}).items()}
    data["report"] = out.get("tables", {})
    data["operations"] = {
        label: {**values, **{name: _histogram(values[name]) for name in OPERATION_HISTOGRAMS}}
        for label, values in out["operations"].items()
    }
    dtype = interval_dtype()
    rows = [
        tuple(np.nan if row[name] is None else row[name] for name in dtype.names or ())
        for row in out["intervals"]
    ]
    data["intervals"] = np.array(rows, dtype=dtype)
    return {**data, "interval_histograms": None, "samples": {}, "sample_names": {}}


_DATA_KEYS = (
    "valid", "verdict", "warnings", "interrupted", "stop_reason", "seed", "totals", "commands", "errors",
    "connection_faults", "events", "phases", "steps", "counters", "nodes", "config", "environment",
)  # fmt: skip


def interval_dtype() -> Any:
    """The columns of ``result.intervals``."""
    import numpy as np

    counts = ("offered", "issued", "not_sent", "succeeded", "failed", "timed_out", "lost")
    latencies = [
        (f"{kind}_{measure}_s", "f8")
        for kind in ("service", "response")
        for measure in ("p50", "p90", "p95", "p99", "p999", "max", "mean")
    ]
    return np.dtype(
        [
            ("start_s", "f8"),
            ("duration_s", "f8"),
            ("phase", "U8"),
            *[(name, "i8") for name in counts],
            ("target_rate", "f8"),
            ("throughput", "f8"),
            ("in_flight", "i8"),
            ("connections", "i8"),
            ("lateness_p99_s", "f8"),
            *latencies,
        ]
    )


def _operation(values: Mapping[str, Any]) -> dict[str, Any]:
    counts = {name: value for name, value in values.items() if name in (*COUNTS, *RATES)}
    histograms = {name: histogram_to_dict(values[name]) for name in OPERATION_HISTOGRAMS}
    return {**counts, "errors": values["errors"], **histograms}


def _histogram(out: Mapping[str, Any]) -> Histogram:
    from redisload._core import Histogram

    if "exact" in out:
        return Histogram.from_bytes(b64decode(out["exact"], validate=True))
    histogram = Histogram.from_hdr(out["hdr"])
    if out.get("censored"):
        histogram.record_censored(out["censored"], out.get("censored_floor_s") or 0.0)
    return histogram


def _iso(unix_s: float) -> str:
    moment = datetime.fromtimestamp(unix_s, tz=timezone.utc)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
