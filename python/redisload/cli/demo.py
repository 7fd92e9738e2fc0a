"""``redisload demo``: a server frozen for a second, and who notices."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

import click

from redisload._collect import config_from_arguments
from redisload._convert import duration_from_text
from redisload._format import maximum_cell, milliseconds, percentile_cell
from redisload._layout import Line, Span, table, wrap
from redisload._progress import statistic_line
from redisload.cli.output import print_lines
from redisload.errors import ConfigError, Problem, RunError
from redisload.runner import start_config

if TYPE_CHECKING:
    from redisload._core import Histogram
    from redisload.embedded import EmbeddedServer
    from redisload.results import Result

_RATE = 2_000.0
_KEYS = 10_000
_FREEZE_S = 1.0
_SHORTEST_S = 4.0
_PERCENTILES = (50.0, 95.0, 99.0)


class Frozen(NamedTuple):
    """A run during which the server stood still, with the clock's times of that."""

    result: Result
    freeze_s: float


@click.command("demo", short_help="Freeze a server for a second and see which figures show it.")
@click.option(
    "--duration", metavar="TIME", default="10s", show_default=True, help="Length of each of the two runs."
)
def demo_command(duration: str) -> None:
    """Start a server, load it twice, freeze it for one second each time, and compare what the figures say.

    Once as most tools do (closed loop: each connection waits for its reply before it sends again), once at a
    steady rate as users do (open loop). Arithmetic tells what the percentiles must be.
    """
    try:
        duration_s = duration_from_text(duration)
    except (ValueError, KeyError):
        duration_s = 0.0
    if duration_s < _SHORTEST_S:
        raise ConfigError([Problem("--duration", repr(duration), f"a time of at least {_SHORTEST_S:g} s")])

    from redisload.embedded import server

    with server() as running:
        print_lines(
            [[Span(f"{running.product} {running.version}, frozen for 1 s in mid-run (SIGSTOP)", "title")], []]
        )
        _say(f"1/2  closed loop, 10 connections, {duration_s:g} s: as fast as the replies come")
        closed = _run_frozen(running, duration_s, connections=10)
        _say(f"2/2  open loop, {_RATE:,.0f} operations/s evenly spaced, {duration_s:g} s: as users come")
        opened = _run_frozen(
            running, duration_s, connections=10, pipeline=64, rate=_RATE, arrivals="constant"
        )
    print_lines(_conclusion(closed, opened))


def implied_percentile(percentile: float, window_s: float, freeze_s: float) -> float | None:
    """Seconds that arithmetic demands of a percentile; None where the freeze does not reach.

    Evenly spaced arrivals over the window, those of the freeze wait until its end: (freeze - x) / window of
    all wait longer than x, so the percentile p is freeze - (1 - p) * window.
    """
    waited_s = freeze_s - (1 - percentile / 100) * window_s
    return waited_s if waited_s > 0 else None


def _run_frozen(server: EmbeddedServer, duration_s: float, **options: object) -> Frozen:
    arguments = {"keys": _KEYS, "duration_s": duration_s, "progress": False, **options}
    pid = server.pid
    if pid is None:
        raise RunError(f"the embedded server ended:\n{server.log_tail()}")
    measured = freeze_s = errors = 0.0
    with start_config(config_from_arguments(server.url, arguments)) as run:
        for row in run:
            errors += int(row["failed"]) + int(row["timed_out"]) + int(row["lost"])
            if row["phase"] == "measure":
                _say("  " + statistic_line(row, int(errors), closed_loop="rate" not in options), dim=True)
            measured += float(row["duration_s"]) if row["phase"] == "measure" else 0.0
            if not freeze_s and measured >= duration_s / 2 - 1:
                freeze_s = _freeze(pid)
                _say(f"         the server was frozen for {freeze_s:.3f} s", dim=True)
        result = run.wait()
    return Frozen(result, freeze_s)


def _freeze(pid: int) -> float:
    """How long it really was."""
    os.kill(pid, signal.SIGSTOP)
    start = time.monotonic()
    try:
        time.sleep(_FREEZE_S)
    finally:
        os.kill(pid, signal.SIGCONT)
    return time.monotonic() - start


def _say(text: str, *, dim: bool = False) -> None:
    print_lines([[Span(text, "dim" if dim else "strong")]])


def _conclusion(closed: Frozen, opened: Frozen) -> list[Line]:
    window_s = float(opened.result.totals["elapsed_s"])
    implied = [implied_percentile(percentile, window_s, opened.freeze_s) for percentile in _PERCENTILES]
    rows = [
        ["latency in ms", *(f"p{percentile:g}" for percentile in _PERCENTILES), "max"],
        ["what a closed-loop tool prints", *_cells(closed.result.service_time)],
        ["what users waited (open loop)", *_cells(opened.result.response_time)],
        [
            "what arithmetic says",
            *("(no wait)" if wait_s is None else milliseconds(wait_s) for wait_s in implied),
            milliseconds(opened.freeze_s),
        ],
    ]
    share = opened.freeze_s / window_s
    asked = closed.result.totals["issued"]
    text = (
        f"The server stood still for {opened.freeze_s:.3f} s of {window_s:.1f} s. Of users who come evenly, "
        f"{share * 100:.0f} % came during that and waited until its end: the first of them all of it, the "
        f"last hardly. The closed loop had 10 connections, so only 10 of its {asked:,} requests waited: it "
        "stopped asking while the server stood still, and its percentiles never saw it. That is coordinated "
        "omission. redisload says so under every closed-loop result, and measures from the intended start "
        "when you set a rate:"
    )
    command = [Span(f"  redisload run --rate {_RATE:.0f} redis://…", "strong")]
    return [[], *table(rows, gap=3, styles=("", "strong", "")), [], *wrap(text), [], command]


def _cells(histogram: Histogram) -> list[str]:
    return [*(percentile_cell(histogram, percentile) for percentile in _PERCENTILES), maximum_cell(histogram)]
