"""Numbers for people: few digits, always with their unit's meaning, the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redisload._core import Histogram

ABSENT = "-"


def count(value: float | None) -> str:
    """``1,234,567``."""
    return ABSENT if value is None else f"{value:,.0f}"


def rate(value: float | None) -> str:
    """Operations per second: ``101,234``; below a hundred with a decimal."""
    if value is None:
        return ABSENT
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def milliseconds(seconds: float | None) -> str:
    """Three digits, in ms without the unit: ``0.412``, ``12.3``, ``5,003``; ``-`` when absent."""
    if seconds is None or seconds != seconds:
        return ABSENT
    value = seconds * 1e3
    if value < 9.9995:
        return f"{value:.3f}"
    if value < 99.95:
        return f"{value:.1f}"
    return f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """``10 s``, ``500 ms``, ``2 min``: as short as it stays exact enough."""
    if seconds is None:
        return ABSENT
    if seconds == 0:
        return "0 s"
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    if seconds >= 120 and seconds % 60 == 0:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def size(value: float | None) -> str:
    """Bytes: ``32 B``, ``4 KiB``, ``1.2 MiB``."""
    if value is None:
        return ABSENT
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:,.0f} TiB"


def percent(share: float | None, digits: int = 1) -> str:
    """``95.2 %``."""
    return ABSENT if share is None else f"{share * 100:.{digits}f} %"


def plural(number: float, word: str) -> str:
    """``1 thread``, ``50 connections``."""
    return f"{number:,.0f} {word}" + ("" if number == 1 else "s")


def is_censored(histogram: Histogram, percentile: float) -> bool:
    """Whether the percentile's rank falls among operations that never were answered."""
    return bool(histogram.censored) and histogram.quantile(percentile / 100) is None


def percentile_cell(histogram: Histogram, percentile: float) -> str:
    """A percentile in ms; ``> x`` among the censored, ``-`` when too few samples lie beyond it."""
    if is_censored(histogram, percentile):
        return f"> {milliseconds(histogram.censored_floor_s)}"
    return milliseconds(histogram.percentile(percentile))


def maximum_cell(histogram: Histogram) -> str:
    """The maximum in ms; with censored operations it is unknown, only above ``> x``."""
    if histogram.censored:
        return f"> {milliseconds(histogram.censored_floor_s)}"
    return milliseconds(histogram.max_s)


def errors_of(totals: Any) -> int:
    """The sum of failed, timed_out and lost."""
    return sum(totals[name] or 0 for name in ("failed", "timed_out", "lost"))
