"""A result in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from redisload._format import count, duration, errors_of, maximum_cell, milliseconds, percentile_cell, rate
from redisload.report import headline_of, plan_text

if TYPE_CHECKING:
    from redisload.results import Result

_PERCENTILES = (50, 90, 99, 99.9)


def result_html(result: Result) -> str:
    """A small table without scripts or styles of its own."""
    totals = result.totals
    state = "" if result.final else " (still running)"
    facts = (
        f"<b>{rate(totals['throughput'])} op/s</b> &middot; {count(totals['issued'])} operations in "
        f"{duration(totals['elapsed_s'])}{state} &middot; {count(errors_of(totals))} errors &middot; "
        f"{escape(result.verdict)}"
    )
    heads = "".join(f"<th>{text}</th>" for text in ("", *(f"p{p:g}" for p in _PERCENTILES), "max", "mean"))
    headline, _ = headline_of(result)
    rows = ""
    for label, histogram in (
        ("response time, ms", result.response_time),
        ("service time, ms", result.service_time),
    ):
        cells = [percentile_cell(histogram, p) for p in _PERCENTILES]
        cells += [maximum_cell(histogram), milliseconds(histogram.mean_s)]
        name = f"<b>{label}</b>" if histogram is headline else label
        rows += f"<tr><td>{name}</td>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    notes = "".join(f"<div>&#9888; {escape(one['message'])}</div>" for one in result.warnings)
    plan = escape(f"{result.config['target']['url']}: {plan_text(result.config)}")
    return f"<div><div>{facts}</div><table><tr>{heads}</tr>{rows}</table><small>{plan}</small>{notes}</div>"
