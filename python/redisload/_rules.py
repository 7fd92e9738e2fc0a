"""Rules over a final result, as ``--fail-on`` takes them: ``p99 > 5ms``, ``error_rate > 1%``, ``GET.p99 >
2ms``.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redisload._convert import count_from_text, duration_from_text
from redisload._format import errors_of, is_censored, milliseconds, percent, rate
from redisload._settings import nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from redisload._core import Histogram
    from redisload.results import Result

_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p999": 99.9, "p99.9": 99.9}
_LATENCIES = (*_PERCENTILES, "max", "mean")
_RATES = ("throughput", "goodput")
METRICS = (*_LATENCIES, *(f"service_{name}" for name in _LATENCIES), "error_rate", *_RATES)
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_RULE = re.compile(
    r"\s*(?:([^\s<>=]+)\.)?(p99\.9|service_p99\.9|[A-Za-z][A-Za-z_0-9]*)\s*(>=|<=|>|<)\s*(.+?)\s*"
)
ALLOWED = (
    "a rule such as 'p99 > 5ms', 'service_p99 > 2ms', 'GET.p99 > 2ms', 'error_rate > 1%', 'throughput < 50k'"
)


@dataclass(frozen=True)
class Rule:
    """When it holds, the run fails."""

    text: str
    label: str | None
    metric: str
    comparison: str
    limit: float

    def broken_by(self, result: Result) -> str | None:
        """Why the result does not meet what the rule demands; None when it does.

        A latency counts from the intended start (``service_`` from the send). A percentile among operations
        that never were answered is greater than any limit; too few samples to say is not met either.
        """
        source: Any = result
        if self.label is not None:
            source = result.operations.get(self.label)
            if source is None:
                return f"{self.text}: there was no operation {self.label}"
        if self.metric in ("error_rate", *_RATES):
            return self._rate(source if self.label is not None else result.totals)
        name = self.metric.removeprefix("service_")
        histogram = source["service_time" if name != self.metric else "response_time"] if self.label else None
        if histogram is None:
            histogram = result.service_time if name != self.metric else result.response_time
        return self._latency(histogram, name)

    def _latency(self, histogram: Histogram, name: str) -> str | None:
        if not histogram.count + histogram.censored:
            return f"{self.text}: nothing was measured"
        if _censored(histogram, name):
            if self.comparison in (">", ">="):
                floor = milliseconds(histogram.censored_floor_s)
                return f"{self.text}: {name} is beyond {floor} ms (never answered)"
            return None
        value = (
            histogram.percentile(_PERCENTILES[name])
            if name in _PERCENTILES
            else getattr(histogram, f"{name}_s")
        )
        if value is None:
            return f"{self.text}: too few samples to say ({histogram.count:,})"
        return self._judge(value, f"{milliseconds(value)} ms")

    def _rate(self, totals: Any) -> str | None:
        if self.metric == "error_rate":
            if not totals["issued"]:
                return f"{self.text}: nothing was issued"
            share = errors_of(totals) / totals["issued"]
            return self._judge(share, percent(share, 3))
        value = totals.get(self.metric)
        return f"{self.text}: not known" if value is None else self._judge(value, f"{rate(value)} op/s")

    def _judge(self, value: float, shown: str) -> str | None:
        return f"{self.text}: it is {shown}" if _COMPARISONS[self.comparison](value, self.limit) else None


def parse_rule(text: str) -> Rule:
    """Raises ValueError with what is allowed."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise ValueError(ALLOWED)
    label, metric, comparison, limit = match.groups()
    if metric not in METRICS:
        raise ValueError(f"a metric of {', '.join(METRICS)}{nearest(metric, METRICS)}")
    try:
        return Rule(text.strip(), label, metric.replace("p99.9", "p999"), comparison, _limit(metric, limit))
    except (ValueError, KeyError, TypeError):
        raise ValueError(ALLOWED) from None


def _limit(metric: str, text: str) -> float:
    if metric == "error_rate":
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    if metric in _RATES:
        return count_from_text(text.removesuffix("/s").removesuffix("op").strip())
    if not re.search("[a-zµ]$", text):
        raise ValueError  # a latency without a unit: seconds to some, milliseconds to others
    return duration_from_text(text)


def _censored(histogram: Histogram, name: str) -> bool:
    if name in _PERCENTILES:
        return is_censored(histogram, _PERCENTILES[name])
    return bool(histogram.censored)  # the greatest, and so the mean, is not known
