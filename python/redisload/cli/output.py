"""Printing the report's lines with rich: colour on a terminal, plain text elsewhere."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from redisload._layout import Line

_STYLES = {"title": "bold cyan", "strong": "bold", "dim": "dim", "good": "green", "bad": "bold red"}


@cache
def console(*, error: bool = False) -> Console:
    """Standard output, or standard error."""
    from rich.console import Console

    return Console(stderr=error, highlight=False, emoji=False, markup=False, soft_wrap=True)


def print_lines(lines: Sequence[Line], *, error: bool = False) -> None:
    """Lines of a report."""
    from rich.text import Text

    for line in lines:
        console(error=error).print(
            Text.assemble(*((span.text, _STYLES.get(span.style, "")) for span in line))
        )
