"""What a workload counted and timed beside its operations, as the report shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisload._format import ABSENT, count, duration, percentile_cell, plural, rate
from redisload._layout import WIDTH, Line, Span, table
from redisload.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redisload._core import Histogram
    from redisload.results import Result

_MOST_ROWS = 10
_LABEL = 16


def series_of(result: Result) -> Iterator[tuple[str, Histogram]]:
    """Further latencies that are not empty: the wait for a client, batches, deliveries."""
    named = {"pool wait": result.pool_wait, **result.series}
    for name, histogram in named.items():
        if histogram.count:
            yield name.replace("_", " ")[:_LABEL], histogram


def counted_lines(result: Result) -> list[Line]:
    """Counters, the server's evictions and expiries, and tables, as far as there are any."""
    lines: list[Line] = []
    if result.counters:
        counted = [
            ["counted", ""],
            *([f"  {name}", count(number)] for name, number in result.counters.items()),
        ]
        lines.extend(table(counted))
    server = result.environment.get("server") or {}
    facts = [
        f"{plural(server[name], 'key')} {word}"
        for name, word in (("evicted_keys", "evicted"), ("expired_keys", "expired"))
        if server.get(name)
    ]
    if facts:
        lines.append([Span(f"server    {', '.join(facts)} during the run")])
    for name, rows in result.tables.items():
        lines.extend(_table_lines(name, rows))
    return lines


def step_lines(result: Result) -> list[Line]:
    """One row a step of the scenario, from the intervals that it covers."""
    rows = []
    for step in result.steps:
        try:
            part = result.between(step["start_s"], step["end_s"])
        except (RunError, ValueError):
            continue  # a result from JSON holds no histograms of intervals; nothing happened in a pause
        histogram = part.service_time if result.closed_loop else part.response_time
        widened = any(one["code"] == "between_widened" for one in part.warnings)
        done = part.totals["succeeded"] / max(part.totals["elapsed_s"], 1e-9)
        rows.append(
            [
                step["name"][:_LABEL] + (" *" if widened else ""),
                duration(round(step["end_s"] - step["start_s"], 6)),
                _rates(step),
                rate(done),
                *(percentile_cell(histogram, p) for p in (50, 99, 99.9)),
            ]
        )
    if not rows:
        return []
    lines = table([["step", "for", "asked op/s", "done op/s", "p50", "p99", "p99.9"], *rows])
    if any(row[0].endswith(" *") for row in rows):
        lines.append([Span("* of whole intervals: a shorter --interval shows it apart", "dim")])
    return lines


def _rates(step: dict[str, Any]) -> str:
    if step["rate"] is None:
        return ABSENT
    if step["to_rate"] == step["rate"]:
        return rate(step["rate"])
    return f"{rate(step['rate'])} → {rate(step['to_rate'])}"


def _table_lines(name: str, rows: list[dict[str, int]]) -> list[Line]:
    if not rows:
        return []
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[count(row.get(column)) for column in columns] for row in rows[:_MOST_ROWS]]
    widths = [max(len(column), *(len(row[place]) for row in cells)) for place, column in enumerate(columns)]
    while sum(widths) + len(widths) - 1 >= WIDTH and len(widths) > 1:
        widths.pop()  # what does not fit stands in result.tables
    shown = len(widths)
    lines = [
        [Span(name.replace("_", " "), "dim")],
        *table([columns[:shown], *(row[:shown] for row in cells)]),
    ]
    if len(rows) > _MOST_ROWS or shown < len(columns):
        lines.append([Span(f"all of it: result.tables[{name!r}] ({plural(len(rows), 'row')})", "dim")])
    return lines
