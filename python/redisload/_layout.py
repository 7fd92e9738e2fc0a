"""Text in lines of at most 80 columns, in spans with a style."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 80
NO_BREAK = "\u00a0"


class Span(NamedTuple):
    """A piece of a line and what it is: "", "title", "strong", "dim", "good" or "bad"."""

    text: str
    style: str = ""


Line = list[Span]


def table(
    rows: Sequence[Sequence[str]], *, left: int = 1, styles: Sequence[str] = (), gap: int = 2
) -> list[Line]:
    """Aligned columns, the first row as head; the first ``left`` columns flush left, the others right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    if sum(widths) + gap * (len(widths) - 1) >= WIDTH:
        gap = 1
    lines = []
    for number, row in enumerate(rows):
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        style = "dim" if number == 0 else styles[number - 1] if number <= len(styles) else ""
        lines.append([Span((" " * gap).join(cells), style)])
    return lines


def wrap(text: str, *, first: str = "", indent: str = "", style: str = "") -> list[Line]:
    """A paragraph; a no-break space holds two words together."""
    wrapped = textwrap.wrap(
        text, WIDTH - 1, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
    )
    return [[Span(line.replace(NO_BREAK, " "), style)] for line in wrapped]
