"""What a workload counted and timed beside its operations, as the report shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redisload._format import count, plural
from redisload._layout import WIDTH, Line, Span, table

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
