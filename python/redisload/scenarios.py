"""Scenarios: a run as a list of phases: load, warm-up, steps, ramps, think time.

In Python ``rl.run(url, scenario=[rl.Load(), rl.Warmup(2), rl.Step(10, rate=1000), rl.Ramp(9, 1000, 9000)])``
in TOML, for ``redisload run --scenario FILE``::

    [[phase]]
    kind = "warmup"
    duration = "2s"

    [[phase]]
    kind = "ramp"
    name = "morning"
    duration = "30s"
    rate = 1000
    to_rate = 20000
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redisload._convert import as_number, as_text, duration_from_text
from redisload._settings import nearest
from redisload._toml import TOMLDecodeError, loads
from redisload.errors import ConfigError, Problem

if TYPE_CHECKING:
    import os

    Seconds = float | timedelta


@dataclass(frozen=True)
class Load:
    """Every key of the keyspace is written once before anything else: what ``prefill=True`` does."""


@dataclass(frozen=True)
class Warmup:
    """Load at the first step's rate that the result leaves out; ``duration_s`` in seconds."""

    duration_s: Seconds


@dataclass(frozen=True)
class Step:
    """``duration_s`` seconds at ``rate`` operations/s (None: closed loop; 0: nothing arrives).

    ``think_s``: in a closed loop, the pause of each connection between a reply and its next operation.
    """

    duration_s: Seconds
    rate: float | None = None
    think_s: Seconds | None = None
    name: str | None = None


@dataclass(frozen=True)
class Ramp:
    """``duration_s`` seconds in which the rate goes evenly from ``rate`` to ``to_rate`` operations/s."""

    duration_s: Seconds
    rate: float
    to_rate: float
    name: str | None = None


Phase = Load | Warmup | Step | Ramp

_KINDS = {"load": Load, "warmup": Warmup, "step": Step, "ramp": Ramp}
_FIELDS = {
    "load": (),
    "warmup": ("duration",),
    "step": ("duration", "rate", "think", "name"),
    "ramp": ("duration", "rate", "to_rate", "name"),
}
_NEEDED = {
    "load": (),
    "warmup": ("duration",),
    "step": ("duration",),
    "ramp": ("duration", "rate", "to_rate"),
}


def load_scenario(path: str | os.PathLike[str]) -> list[Phase]:
    """The phases that a TOML file lists; raises ConfigError with every problem, OSError without it."""
    try:
        document = loads(Path(path).read_text(encoding="utf-8"))
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([Problem("scenario", str(path), f"a TOML file: {error}")]) from None
    problems = [
        Problem(f"scenario.{name}", repr(value), "phases, each under [[phase]]")
        for name, value in document.items()
        if name != "phase"
    ]
    rows = document.get("phase", [])
    if not isinstance(rows, list) or not rows:
        problems.append(Problem("scenario.phase", repr(rows), "at least one [[phase]]"))
        rows = []
    phases = [_from_row(row, f"scenario.phase[{i}]", problems) for i, row in enumerate(rows)]
    if problems:
        raise ConfigError(problems)
    return [phase for phase in phases if phase is not None]


def split(scenario: object, spelled: str = "scenario") -> tuple[dict[str, Any], list[Problem]]:
    """The settings that a list of phases means (scenario, prefill, warmup_s), and what is wrong with it."""
    if isinstance(scenario, (str, bytes, Mapping)) or not isinstance(scenario, Sequence):
        return {}, [Problem(spelled, repr(scenario), "a list of rl.Load, rl.Warmup, rl.Step and rl.Ramp")]
    problems: list[Problem] = []
    settings: dict[str, Any] = {}
    steps: list[dict[str, Any]] = []
    for i, given in enumerate(scenario):
        path = f"{spelled}[{i}]"
        phase = _from_row(_row_of(given), path, problems)
        if isinstance(phase, (Step, Ramp)):
            step = {name: value for name, value in asdict(phase).items() if value is not None}
            steps.append({"name": f"{type(phase).__name__.lower()} {len(steps) + 1}", **step})
            continue
        if phase is None:
            continue
        name, value = ("warmup_s", phase.duration_s) if isinstance(phase, Warmup) else ("prefill", True)
        if steps:
            problems.append(Problem(path, repr(given), "load and warm-up stand before all steps"))
        elif name in settings:
            problems.append(Problem(path, repr(given), "one load and one warm-up at most"))
        settings[name] = value
    if not steps and not problems:
        problems.append(Problem(spelled, repr(scenario), "at least one step or ramp"))
    settings["scenario"] = steps
    return settings, problems


def _row_of(phase: object) -> object:
    """A phase as the table that a file would hold."""
    if not isinstance(phase, Phase):
        return phase
    row = {name: value for name, value in asdict(phase).items() if value is not None}
    return {"kind": type(phase).__name__.lower(), **row}


def _from_row(row: object, path: str, problems: list[Problem]) -> Phase | None:
    """A phase from a table; None when something is wrong with it, which is then in ``problems``."""
    if not isinstance(row, Mapping):
        problems.append(Problem(path, repr(row), "rl.Load, rl.Warmup, rl.Step, rl.Ramp, or a table of one"))
        return None
    before = len(problems)
    given = {str(name).removesuffix("_s"): value for name, value in row.items()}
    kind = given.pop("kind", "ramp" if "to_rate" in given else "step")
    if not isinstance(kind, str) or kind not in _KINDS:
        problems.append(
            Problem(f"{path}.kind", repr(kind), f"one of {', '.join(_KINDS)}{nearest(str(kind), _KINDS)}")
        )
        return None
    fields = _FIELDS[kind]
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in fields:
            allowed = f"one of kind, {', '.join(fields)}{nearest(name, fields)}" if fields else "nothing more"
            problems.append(Problem(f"{path}.{name}", repr(value), allowed))
            continue
        try:
            values[name + "_s" if name in ("duration", "think") else name] = _value(name, value)
        except (TypeError, ValueError, KeyError):
            problems.append(Problem(f"{path}.{name}", repr(value), _ALLOWED[name]))
    problems.extend(
        Problem(f"{path}.{name}", "nothing", _ALLOWED[name]) for name in _NEEDED[kind] if name not in given
    )
    return None if len(problems) > before else _KINDS[kind](**values)


_ALLOWED = {
    "duration": "a time, such as 10 or '500ms'",
    "think": "a time, such as 0.01 or '10ms'",
    "rate": "operations/s, a number",
    "to_rate": "operations/s, a number",
    "name": "a text",
}


def _value(name: str, value: object) -> object:
    if name == "name":
        return as_text(value)
    if name in ("rate", "to_rate"):
        return as_number(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return duration_from_text(value) if isinstance(value, str) else as_number(value)
