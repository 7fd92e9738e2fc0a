"""What is shown while a run goes on: two live lines on a terminal, one statistics line an interval elsewhere.

A display is driven by whoever waits for the run; it only reads closed intervals and never slows a worker.
"""

# ruff: noqa: T201 -- showing is what this module is for

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

from redisload._format import count, duration, milliseconds, rate

if TYPE_CHECKING:
    from redisload import _core
    from redisload.config import RunConfig

_REDRAW_S = 0.25
_BAR = 36
_SHORTEST_RATE_S = 0.05


class Display(Protocol):
    """Shows one run."""

    def update(self, core: _core.Run) -> None:
        """Called often; shows what is new."""

    def close(self, core: _core.Run | None) -> None:
        """Shows the last of it and leaves the terminal clean; harmless when called again."""


def display_for(config: RunConfig) -> Display | None:
    """``progress="auto"``: a terminal or a notebook gets a display, a script without one nothing."""
    if config.progress is False:
        return None
    if _in_notebook():
        return _LiveDisplay(config, _RewrittenLine())
    if sys.stderr is not None and sys.stderr.isatty():
        return _LiveDisplay(config, _RichLines())
    return StatisticLines(config.closed_loop) if config.progress is True else None


def statistic_line(row: Any, errors: int, *, closed_loop: bool) -> str:
    """One interval in at most 80 columns; which latency it shows is said in the line."""
    kind = "service" if closed_loop else "response"
    p50, p99, p999 = (milliseconds(float(row[f"{kind}_{name}_s"])) for name in ("p50", "p99", "p999"))
    end_s = row["start_s"] + row["duration_s"]
    return (
        f"{end_s:6.1f}s {row['phase']:<7} {_rate_of(row):>7}/s "
        f"{kind} ms p50 {p50:>5} p99 {p99:>5} p99.9 {p999:>5} err {count(errors)}"
    )


def _rate_of(row: Any) -> str:
    """A few replies in the milliseconds of a drain are no rate."""
    value = float(row["throughput"])
    if row["duration_s"] < _SHORTEST_RATE_S:
        return "-"
    return f"{value / 1e3:,.0f}k" if value >= 1e6 else rate(value)


class StatisticLines:
    """One line an interval on standard error."""

    def __init__(self, closed_loop: bool) -> None:
        self._closed_loop = closed_loop
        self._since = 0
        self._errors = 0

    def update(self, core: _core.Run) -> None:
        rows, _ = core.wait_intervals(self._since, 0.0)
        self._since += len(rows)
        for row in rows:
            self._errors += _errors_in(row)
            line = statistic_line(row, self._errors, closed_loop=self._closed_loop)
            print(line, file=sys.stderr, flush=True)

    def close(self, core: _core.Run | None) -> None:
        if core is not None:
            self.update(core)


class _LiveDisplay:
    """Phase and progress, and the figures of the last closed interval."""

    def __init__(self, config: RunConfig, lines: _RichLines | _RewrittenLine) -> None:
        self._kind = "service" if config.closed_loop else "response"
        self._timed = config["operations"] is None
        self._lines = lines
        self._since = 0
        self._errors = 0
        self._figures = ""
        self._drawn_at = 0.0

    def update(self, core: _core.Run) -> None:
        now = time.monotonic()
        if now - self._drawn_at < _REDRAW_S:
            return
        self._drawn_at = now
        rows, _ = core.wait_intervals(self._since, 0.0)
        self._since += len(rows)
        for row in rows:
            self._errors += _errors_in(row)
        if len(rows):
            self._figures = self._describe(rows[-1])
        self._lines.show(self._state(core), self._figures)

    def close(self, core: _core.Run | None) -> None:
        self._lines.close()

    def _state(self, core: _core.Run) -> str:
        now = core.snapshot()
        phase, share = now["current_phase"], now["progress"]
        text = f"{phase:<8}"
        if share is not None:
            full = round(min(max(share, 0.0), 1.0) * _BAR)
            text += "━" * full + "╌" * (_BAR - full) + f" {share * 100:3.0f} %  "
        elapsed_s = now["totals"]["elapsed_s"]
        if phase != "measure":
            return text
        if share and self._timed:
            return f"{text}{elapsed_s:.0f} of {duration(round(elapsed_s / share, 1))}"
        return text + f"{elapsed_s:.0f} s"

    def _describe(self, row: Any) -> str:
        latencies = "  ".join(
            f"{label} {milliseconds(float(row[f'{self._kind}_{name}_s']))}"
            for label, name in (("p50", "p50"), ("p99", "p99"), ("p99.9", "p999"))
        )
        return f"{_rate_of(row)} op/s  {self._kind} ms {latencies}  errors {count(self._errors)}"


class _RichLines:
    """Two lines that are redrawn in place and leave nothing behind."""

    def __init__(self) -> None:
        self._live: Any = None

    def show(self, state: str, figures: str) -> None:
        from rich.text import Text

        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self._live.start()
        content = Text.assemble((state, "cyan"), "\n", (figures, "bold"), no_wrap=True, overflow="ellipsis")
        self._live.update(content, refresh=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


class _RewrittenLine:
    """One line that is written over itself, as notebooks understand it."""

    def __init__(self) -> None:
        self._width = 0

    def show(self, state: str, figures: str) -> None:
        line = f"{state.partition('━')[0].partition('╌')[0].strip()}  {figures}"
        print("\r" + line.ljust(self._width), end="", flush=True)
        self._width = len(line)

    def close(self) -> None:
        if self._width:
            print("\r" + " " * self._width + "\r", end="", flush=True)
            self._width = 0


def _errors_in(row: Any) -> int:
    return int(row["failed"]) + int(row["timed_out"]) + int(row["lost"])


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})
