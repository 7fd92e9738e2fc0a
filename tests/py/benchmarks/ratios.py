"""Medians of paired values, their intervals, and whether a limit holds."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["holds", "missed", "not shown"]


@dataclass(frozen=True)
class Estimate:
    """A median with its interval; ``coverage`` is what the interval really covers (at least 0.95)."""

    median: float
    low: float
    high: float
    coverage: float
    count: int

    def __str__(self) -> str:
        return f"{self.median:.3f} [{self.low:.3f}, {self.high:.3f}]"


def median_with_interval(values: list[float], confidence: float = 0.95) -> Estimate:
    """The median and the narrowest symmetric pair of order statistics that covers it.

    Distribution-free: the number of values below the true median is binomial(n, 1/2)
    (David & Nagaraja, Order Statistics, 7.1).

    Raises:
        ValueError: fewer than 6 values, whose extremes cover the median in less than 95 % of cases.
    """
    count = len(values)
    ordered = sorted(values)
    tail = 0.0  # P(fewer than `rank` values lie below the median)
    rank, outside = 0, 0.0
    while rank < count / 2:
        tail += math.comb(count, rank) / 2**count
        if 2 * tail > 1 - confidence:
            break
        rank, outside = rank + 1, 2 * tail
    if rank == 0:
        raise ValueError(f"{count} values cannot bound a median with {confidence:.0%} confidence")
    return Estimate(statistics.median(ordered), ordered[rank - 1], ordered[count - rank], 1 - outside, count)


def at_most(estimate: Estimate, limit: float) -> Verdict:
    """A limit from above holds when the interval's upper end is within it."""
    if estimate.high <= limit:
        return "holds"
    return "missed" if estimate.low > limit else "not shown"


def at_least(estimate: Estimate, limit: float) -> Verdict:
    """A limit from below holds when the interval's lower end reaches it."""
    if estimate.low >= limit:
        return "holds"
    return "missed" if estimate.high < limit else "not shown"
