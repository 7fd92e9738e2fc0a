"""Plots of results; matplotlib is imported only here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisload.report import headline_of, plan_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from redisload._core import Histogram
    from redisload.results import Result

_SERVICE, _RESPONSE, _THROUGHPUT, _MARK = "#2a78b5", "#c8452f", "#7a8794", "#d8b13c"
_TICKS = (0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999)


def plot(result: Result) -> Figure:
    """Two panels: latency by percentile, and latency and throughput over time; ImportError without
    matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plot needs matplotlib: pip install 'redisload[analysis]'") from error
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _percentiles(left, result)
    _series(right, result)
    title = result.name or f"{result.config['workload']['name']} on {result.config['target']['url']}"
    figure.suptitle(f"{title}\n{plan_text(result.config)}", fontsize=9)
    return figure


def _percentiles(axes: Axes, result: Result) -> None:
    """Over nines: a tail of one in a thousand takes as much room as one in ten."""
    shown = [
        ("response time", result.response_time, _RESPONSE),
        ("service time", result.service_time, _SERVICE),
    ]
    top = 90.0
    for label, histogram, colour in shown:
        points = _curve(histogram)
        if points:
            nines, milliseconds = zip(*points, strict=True)
            axes.plot(nines, milliseconds, label=label, color=colour, linewidth=1.6)
            top = max(top, 100 * (1 - 10 ** -nines[-1]))
    ticks = [tick for tick in _TICKS if tick <= top + 1e-9]
    axes.set_xticks([_nines(tick) for tick in ticks], [f"{tick:g} %" for tick in ticks])
    axes.set_yscale("log")
    axes.set_xlabel("percentile")
    axes.set_ylabel("ms")
    _finish(axes)


def _curve(histogram: Histogram) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    if not histogram.count:
        return points
    for step in range(241):
        nines = step / 40
        value = histogram.percentile(100 * (1 - 10**-nines))
        if value is None:
            break
        points.append((nines, value * 1e3))
    return points


def _nines(percentile: float) -> float:
    from math import log10

    return -log10(1 - percentile / 100)


def _series(axes: Axes, result: Result) -> None:
    rows = result.intervals
    rows = rows[(rows["phase"] == "measure") | (rows["phase"] == "drain")]
    _, label = headline_of(result)
    kind = label.split()[0]
    middle = rows["start_s"] + rows["duration_s"] / 2
    measured = rows["phase"] == "measure"
    behind: Any = axes.twinx()
    behind.fill_between(
        middle[measured], rows["throughput"][measured], color=_THROUGHPUT, alpha=0.18, linewidth=0
    )
    behind.set_ylabel("operations/s", color=_THROUGHPUT)
    behind.set_ylim(bottom=0)
    axes.set_zorder(behind.get_zorder() + 1)
    axes.patch.set_visible(False)
    colour = _SERVICE if kind == "service" else _RESPONSE
    for percentile, style in (("p50", ":"), ("p90", "-."), ("p99", "-"), ("max", "--")):
        values = rows[f"{kind}_{percentile}_s"] * 1e3
        if (values != values).all():
            continue  # too few operations in every interval to say
        axes.plot(middle, values, style, color=colour, label=f"{label} {percentile}", linewidth=1.4)
    for event in result.events:
        if event["kind"] in ("disconnect", "failover", "redirect"):
            axes.axvline(event["time_s"], color=_MARK, linewidth=0.8)
    axes.set_yscale("log")
    axes.set_xlabel("seconds from the run's start")
    axes.set_ylabel("ms")
    _finish(axes)


def _finish(axes: Axes) -> None:
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(visible=True, which="major", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_lines():
        axes.legend(frameon=False, fontsize=8)
