"""Two results side by side, with what is known about how sure each figure is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redisload._format import ABSENT, milliseconds, rate
from redisload._settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redisload._core import Histogram
    from redisload.results import Result

_PERCENTILES = (50.0, 99.0)
_CAUTION = (
    "Both intervals come from within one run each: what differs from run to run is not in them. "
    "Repeat both before believing a small difference."
)


@dataclass(frozen=True)
class Figure:
    """One figure of one result: its value and 95 % interval (None: unknown)."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Difference:
    """One figure of both results."""

    metric: str
    """"throughput" (operations/s) or a latency in seconds, such as "response p99"."""
    a: Figure
    b: Figure

    @property
    def change(self) -> float | None:
        """Of b relative to a: 0.1 is ten percent more."""
        if not self.a.value or self.b.value is None:
            return None
        return self.b.value / self.a.value - 1

    @property
    def apart(self) -> bool | None:
        """Whether the intervals do not overlap; None when one of them is unknown."""
        if None in (self.a.low, self.a.high, self.b.low, self.b.high):
            return None
        return bool(self.a.high < self.b.low or self.b.high < self.a.low)  # type: ignore[operator]


@dataclass(frozen=True)
class Comparison:
    """What :func:`compare` found."""

    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]

    def __getitem__(self, metric: str) -> Difference:
        for difference in self.differences:
            if difference.metric == metric:
                return difference
        raise KeyError(metric)

    def __iter__(self) -> Iterator[Difference]:
        return iter(self.differences)

    def report(self) -> str:
        """As the shell prints it."""
        from redisload._layout import table, wrap

        rows = [["", "a", "b", "change", "95 % intervals"]]
        for one in self.differences:
            show = rate if one.metric == "throughput" else milliseconds
            unit = "op/s" if one.metric == "throughput" else "ms"
            change = ABSENT if one.change is None else f"{one.change * 100:+.1f} %"
            verdict = {None: "unknown", True: "apart", False: "overlap"}[one.apart]
            rows.append([f"{one.metric} ({unit})", show(one.a.value), show(one.b.value), change, verdict])
        lines = table(rows)
        for warning in self.warnings:
            lines.extend(wrap(warning, first="warning   ", indent="          "))
        lines.extend(wrap(_CAUTION))
        return "\n".join("".join(span.text for span in line).rstrip() for line in lines)

    def __repr__(self) -> str:
        return self.report()


def compare(a: Result, b: Result) -> Comparison:
    """Throughput, p50 and p99 of two results with their 95 % intervals, and warnings where they are not
    alike.
    """
    differences = [Difference("throughput", _throughput(a), _throughput(b))]
    for name in ("response", "service"):
        for percentile in _PERCENTILES:
            first, second = (getattr(one, f"{name}_time") for one in (a, b))
            metric = f"{name} p{percentile:g}"
            differences.append(Difference(metric, _latency(first, percentile), _latency(second, percentile)))
    return Comparison(tuple(differences), tuple(_warnings(a, b)))


def _latency(histogram: Histogram, percentile: float) -> Figure:
    value = histogram.percentile(percentile)
    low, high = histogram.confidence_interval(percentile)
    return Figure(value, low, high)


def _throughput(result: Result) -> Figure:
    """From the spread of whole intervals; two are too few to say."""
    value = result.totals["throughput"]
    rows = result.intervals
    rows = rows[rows["phase"] == "measure"]
    if len(rows) and len(rows) > 1 and rows["duration_s"][-1] < 0.5 * rows["duration_s"][0]:
        rows = rows[:-1]
    if value is None or len(rows) < 3:
        return Figure(value, None, None)
    half = _student_95(len(rows) - 1) * float(rows["throughput"].std(ddof=1)) / math.sqrt(len(rows))
    return Figure(value, value - half, value + half)


def _student_95(freedom: int) -> float:
    """The two-sided 95 % point of Student's t; Cornish-Fisher (Abramowitz and Stegun 26.7.5), within 0.3 %
    from 3 on.
    """
    exact = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}
    if freedom in exact:
        return exact[freedom]
    x, n = 1.959964, freedom
    first = (x**3 + x) / 4
    second = (5 * x**5 + 16 * x**3 + 3 * x) / 96
    third = (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384
    return x + first / n + second / n**2 + third / n**3


def _warnings(a: Result, b: Result) -> Iterator[str]:
    for name, one in (("a", a), ("b", b)):
        if not one.valid:
            yield f"{name} is not valid: {'; '.join(warning['message'] for warning in one.warnings)}"
        if one.interrupted:
            yield f"{name} was interrupted"
    for path in _config_paths():
        section, _, name = path.rpartition(".")
        values = [(one.config.get(section, {}) if section else one.config).get(name) for one in (a, b)]
        if values[0] != values[1]:
            yield f"{path} differs: {values[0]} and {values[1]}"
    for name, first, second in _environments(a.environment, b.environment):
        yield f"{name} differs: {first} and {second}"


def _config_paths() -> list[str]:
    ignored = ("seed", "name", "app_name", "duration_s", "operations")
    return [path for path in settings() if not path.startswith("target.") and path not in ignored]


def _environments(a: dict[str, Any], b: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    names = (
        "host",
        "kernel",
        "cpu_model",
        "cores",
        "affinity",
        "cgroup_cpus",
        "redisload",
        "python",
        "same_host",
    )
    for name in names:
        if a.get(name) != b.get(name):
            yield name, a.get(name), b.get(name)
    settings_a, settings_b = a.get("server") or {}, b.get("server") or {}
    for name in (
        "server_name",
        "redis_version",
        "io-threads",
        "appendonly",
        "save",
        "maxmemory",
        "maxmemory_policy",
    ):
        if settings_a.get(name) != settings_b.get(name):
            yield f"server {name}", settings_a.get(name), settings_b.get(name)
