"""Parts of results and sums of them. Histograms are merged, never percentiles averaged."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from redisload.errors import RunError
from redisload.totals import COUNTS, HISTOGRAMS, OPERATION_HISTOGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_WINDOW = ("measure", "drain")
# Ends of intervals are sums of seconds: an interval that only touches a range by rounding is not in it.
_ROUNDING_S = 1e-9
_ROW_COUNTS = ("offered", "issued", "not_sent", "succeeded", "failed", "timed_out", "lost")


def between(data: Mapping[str, Any], start_s: float, end_s: float) -> dict[str, Any]:
    """The data of the measured part of a run from start_s to end_s, of whole intervals."""
    import numpy as np

    if not start_s < end_s:
        raise ValueError(f"between({start_s}, {end_s}): the start must lie before the end")
    store = data.get("interval_histograms")
    if store is None:
        raise RunError("no interval histograms: the result is from JSON, or a part or a sum of others")
    rows = data["intervals"]
    ends = rows["start_s"] + rows["duration_s"]
    within = (rows["start_s"] < end_s - _ROUNDING_S) & (ends > start_s + _ROUNDING_S)
    inside = within & np.isin(rows["phase"], _WINDOW)
    if not inside.any():
        raise ValueError(f"between({start_s}, {end_s}): no measured interval lies there")
    first, last = (int(index) for index in np.flatnonzero(inside)[[0, -1]])
    service, response = (
        store.merged(first, last, "service", None),
        store.merged(first, last, "response", None),
    )
    covered = store.covered(first, last)
    if covered is None:
        raise ValueError(f"between({start_s}, {end_s}): nothing was recorded there")
    part = rows[covered[0] : covered[1] + 1]
    low_s, high_s = float(part["start_s"][0]), float(part["start_s"][-1] + part["duration_s"][-1])
    out = dict(data)
    out["intervals"] = part
    out["totals"] = _row_totals(part)
    out["service_time"], out["response_time"] = service, response
    out["operations"] = {
        label: {
            **dict.fromkeys(COUNTS),
            "errors": {},
            "service_time": store.merged(first, last, "service", label),
            "response_time": store.merged(first, last, "response", label),
            "error_time": type(service)(),
        }
        for label in data["operations"]
    }
    empty = {name: type(service)() for name in HISTOGRAMS if name not in ("service_time", "response_time")}
    out.update(empty, errors={}, connection_faults={}, commands={}, interval_histograms=None)
    out.update(series={}, counters={}, report={})
    out["events"] = [event for event in data["events"] if low_s <= event["time_s"] < high_s]
    out["samples"] = _samples_between(data.get("samples") or {}, low_s, high_s)
    if low_s < start_s - _ROUNDING_S or high_s > end_s + _ROUNDING_S:
        message = f"whole intervals: {low_s:.3f} to {high_s:.3f} s instead of {start_s:.3f} to {end_s:.3f} s"
        out["warnings"] = [*data["warnings"], {"code": "between_widened", "message": message}]
    return out


def _row_totals(rows: Any) -> dict[str, Any]:
    totals: dict[str, Any] = dict.fromkeys((*COUNTS, "elapsed_s", "throughput", "goodput"))
    totals.update({name: int(rows[name].sum()) for name in _ROW_COUNTS})
    window = rows[rows["phase"] == "measure"]
    elapsed_s = float(window["duration_s"].sum())
    completed = float((window["throughput"] * window["duration_s"]).sum())
    totals["elapsed_s"] = elapsed_s
    totals["throughput"] = completed / elapsed_s if elapsed_s else None
    return totals


def _samples_between(samples: Mapping[str, Any], low_s: float, high_s: float) -> dict[str, Any]:
    if not samples:
        return {}
    completed = samples["completed_ns"]
    inside = (completed >= low_s * 1e9) & (completed < high_s * 1e9)
    return {name: column[inside] for name, column in samples.items()}


def merge(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """The data of two runs as one load; times count from the first one's start."""
    import numpy as np

    if b["started_at"] < a["started_at"]:
        a, b = b, a
    shift_s = b["started_at"] - a["started_at"]
    out = dict(a)
    out["totals"] = _merged_totals(a, b, shift_s)
    for name in HISTOGRAMS:
        out[name] = a[name] + b[name]
    out["base_rtt"] = _optional_sum(a.get("base_rtt"), b.get("base_rtt"))
    out["operations"] = _merged_operations(a["operations"], b["operations"])
    for name in ("errors", "connection_faults"):
        out[name] = _sum_counts(a.get(name, {}), b.get(name, {}))
    for name in ("counters", "series", "report"):
        out[name] = _sum_named(a.get(name, {}), b.get(name, {}))
    out["steps"] = [*a.get("steps", []), *(_shifted(step, shift_s) for step in b.get("steps", []))]
    out["commands"] = {
        phase: _sum_counts(a["commands"].get(phase, {}), b["commands"].get(phase, {}))
        for phase in dict.fromkeys((*a["commands"], *b["commands"]))
    }
    later = b["intervals"].copy()
    later["start_s"] += shift_s
    rows = np.concatenate([a["intervals"], later])
    out["intervals"] = rows[np.argsort(rows["start_s"], kind="stable")]
    out["interval_histograms"] = None
    events = [*a["events"], *({**event, "time_s": event["time_s"] + shift_s} for event in b["events"])]
    out["events"] = sorted(events, key=lambda event: event["time_s"])
    out["phases"] = [*a["phases"], *(_shifted(phase, shift_s) for phase in b["phases"])]
    out["samples"], out["sample_names"] = _merged_samples(a, b, round(shift_s * 1e9))
    out["samples_dropped"] = a.get("samples_dropped", 0) + b.get("samples_dropped", 0)
    out["warnings"] = [*a["warnings"], *(one for one in b["warnings"] if one not in a["warnings"])]
    out["valid"], out["final"] = a["valid"] and b["valid"], a["final"] and b["final"]
    out["interrupted"] = a["interrupted"] or b["interrupted"]
    out["closed_loop"] = a["closed_loop"] or b["closed_loop"]
    out["verdict"] = a["verdict"] if a["verdict"] == b["verdict"] else "unknown"
    return out


def _merged_totals(a: Mapping[str, Any], b: Mapping[str, Any], shift_s: float) -> dict[str, Any]:
    parts = [a["totals"], b["totals"]]
    totals: dict[str, Any] = {name: _sum(part.get(name) for part in parts) for name in COUNTS}
    totals["elapsed_s"] = elapsed_s = _union_s(a, b, shift_s)
    for rate in ("throughput", "goodput"):
        done = _sum(None if part.get(rate) is None else part[rate] * part["elapsed_s"] for part in parts)
        totals[rate] = None if done is None or not elapsed_s else done / elapsed_s
    return totals


def _union_s(a: Mapping[str, Any], b: Mapping[str, Any], shift_s: float) -> float:
    """The length of both measured windows together, pauses left out."""
    windows = [_window(a), _window(b)]
    elapsed = [float(one["totals"]["elapsed_s"] or 0.0) for one in (a, b)]
    if windows[0] is None or windows[1] is None:
        return sum(elapsed)
    (low_a, high_a), (low_b, high_b) = windows[0], windows[1]
    overlap_s = max(0.0, min(high_a, high_b + shift_s) - max(low_a, low_b + shift_s))
    return max(sum(elapsed) - overlap_s, *elapsed)


def _window(data: Mapping[str, Any]) -> tuple[float, float] | None:
    for phase in data["phases"]:
        if phase["phase"] == "measure" and phase["end_s"] is not None:
            return float(phase["start_s"]), float(phase["end_s"])
    return None


def _merged_operations(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for label in dict.fromkeys((*a, *b)):
        if label not in a or label not in b:
            merged[label] = a.get(label) or b[label]
            continue
        one, other = a[label], b[label]
        merged[label] = {
            **{name: _sum((one.get(name), other.get(name))) for name in COUNTS if name in one},
            "errors": _sum_counts(one["errors"], other["errors"]),
            **{name: one[name] + other[name] for name in OPERATION_HISTOGRAMS},
        }
    return merged


def _merged_samples(
    a: Mapping[str, Any], b: Mapping[str, Any], shift_ns: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    import numpy as np

    first, second = a.get("samples") or {}, b.get("samples") or {}
    if not first or not second:
        held = a if first else b
        return dict(held.get("samples") or {}), dict(held.get("sample_names") or {})
    names = {column: list(texts) for column, texts in a["sample_names"].items()}
    columns = {}
    for column, values in first.items():
        added = second[column]
        if column.endswith("_ns"):
            added = np.where(added < 0, added, added + shift_ns)
        elif column in names:
            texts = b["sample_names"][column]
            names[column].extend(text for text in texts if text not in names[column])
            codes = np.array([names[column].index(text) for text in texts], dtype=values.dtype)
            added = codes[added] if len(texts) else added
        columns[column] = np.concatenate([values, added.astype(values.dtype)])
    return columns, names


def _shifted(phase: Mapping[str, Any], shift_s: float) -> dict[str, Any]:
    moved = {name: phase[name] + shift_s for name in ("start_s", "end_s") if phase[name] is not None}
    return {**phase, **moved}


def _sum_counts(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(a) + Counter(b))


def _sum_named(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Counters, histograms or rows of tables by name; a counter that is 0 stays."""
    both = {name: a[name] + b[name] for name in a if name in b}
    return {**a, **b, **both}


def _sum(values: Iterable[Any]) -> Any:
    known = list(values)
    return None if any(value is None for value in known) else sum(known)


def _optional_sum(a: Any, b: Any) -> Any:
    return a if b is None else b if a is None else a + b
