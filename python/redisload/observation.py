"""Workloads that imitate a live server: what ``rl.Workload.like`` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from redisload._collect import config_from_arguments
from redisload._format import count, duration, percent, plural, rate, size
from redisload._imitation import Imitation, lifetime_s, value_bytes
from redisload.config import Command, Workload
from redisload.errors import ConfigError, Problem, RunError
from redisload.shapes import Keys, Values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from redisload._sampling import SampledKey
    from redisload.shapes import Seconds

_MOST_SAMPLED = 100_000


@dataclass(frozen=True)
class KeyType:
    """The sampled keys of one data type; "counter" is a string that holds an integer, where INCR and its like
    are sent.
    """

    share: float
    """Of all sampled keys."""
    sampled: int
    """How many of them."""
    expiring: float
    """The share of these that have a time to live."""
    ttl_s: float | None = None
    """What 99 % of these have at most left to live, in seconds."""
    size_bytes: float | None = None
    """The median length of strings; of lists, hashes and streams the median of a value's size, guessed from
    the memory that they take.
    """
    elements: float | None = None
    """The median number of elements."""


@dataclass(frozen=True, repr=False)
class ObservedWorkload(Workload):
    """A workload "custom" that imitates a live server; made by ``rl.Workload.like``.

    Its ``commands`` have weights in percent; its ``keys`` and ``values`` are taken by a run that is given
    none. Look at it (``print``, or ``rich.print`` for tables), change it with ``dataclasses.replace``, keep
    it with ``save`` and ``rl.Workload.load``.
    """

    types: Mapping[str, KeyType] = field(default_factory=dict)
    """What the sampled keys are like, by data type."""
    left_out: Mapping[str, float] = field(default_factory=dict)
    """Commands that were seen and cannot be imitated (blocking, administrative, transactions, scripts,
    unknown ones), each with its share of all that were seen.
    """
    rate: float | None = None
    """Imitated commands per second that were seen: what ``rl.run(rate=…)`` takes."""
    database_keys: int | None = None
    """Keys of the database that was sampled."""
    observed_s: float | None = None
    """How long was looked, in seconds."""
    source: str | None = None
    """The server's URL, its password masked."""

    def __repr__(self) -> str:
        mix = ", ".join(f"{name} {weight:.3g} %" for name, weight in _shares(self)[:8])
        more = len(_shares(self)) - 8
        lines = [
            f"<redisload.ObservedWorkload of {self.source}: {rate(self.rate)} commands/s "
            f"in {duration(self.observed_s)}",
            f"  {mix}" + (f" and {more} more" if more > 0 else ""),
            f"  {_data_text(self)}",
        ]
        if self.left_out:
            lines.append(f"  left out {percent(sum(self.left_out.values()))}: {', '.join(self.left_out)}")
        return "\n".join(lines) + ">"

    def __rich__(self) -> RenderableType:
        """Tables of commands and of data types, for rich."""
        from rich.console import Group
        from rich.table import Table

        commands = Table("command", "weight", title=f"like {self.source}", title_justify="left")
        for one in _commands(self):
            commands.add_row(one.text, f"{one.weight:.4g}")
        for name, share in self.left_out.items():
            commands.add_row(f"[dim]{name}[/] (left out)", f"[dim]{percent(share)} of all[/]")
        types = Table("type", "keys", "expiring", "time to live", "value", "elements")
        for name, seen in self.types.items():
            shares = percent(seen.share), percent(seen.expiring)
            types.add_row(name, *shares, duration(seen.ttl_s), size(seen.size_bytes), count(seen.elements))
        return Group(commands, *([types] if self.types else []), _data_text(self))


def observe(
    target: object,
    observe_s: Seconds = 5,
    sample_keys: int = 1000,
    *,
    username: str | None = None,
    password: str | None = None,
) -> ObservedWorkload:
    """What ``rl.Workload.like`` does; see there."""
    from redisload import _sampling

    seconds = observe_s.total_seconds() if isinstance(observe_s, timedelta) else observe_s
    _check(seconds, sample_keys)
    options = {"username": username, "password": password}
    config = config_from_arguments(target, {name: one for name, one in options.items() if one is not None})
    seen = _sampling.observe(config, seconds, sample_keys)
    made = Imitation(seen.calls, seen.keys, seen.database_keys)
    if not made.imitated:
        raise RunError(_nothing(seconds, config.url, seen.calls))
    return ObservedWorkload(
        name="custom",
        commands=made.commands,
        options=None if made.elements is None else {"elements": made.elements},
        keys=made.keys,
        values=made.values,
        types=_types(made.by_type, len(seen.keys)),
        left_out=made.left_out(),
        rate=made.imitated / seen.elapsed_s,
        database_keys=seen.database_keys,
        observed_s=seen.elapsed_s,
        source=config.url,
    )


def _check(observe_s: Any, sample_keys: Any) -> None:
    problems = []
    number = isinstance(observe_s, (int, float)) and not isinstance(observe_s, bool)
    if not number or not 0 < observe_s <= 86400:
        problems.append(Problem("observe_s", repr(observe_s), "seconds, more than 0 and at most 86,400"))
    if not isinstance(sample_keys, int) or not 0 <= sample_keys <= _MOST_SAMPLED:
        problems.append(Problem("sample_keys", repr(sample_keys), f"a number from 0 to {_MOST_SAMPLED:,}"))
    if problems:
        raise ConfigError(problems)


def _nothing(seconds: float, url: str, calls: Mapping[str, int]) -> str:
    others = f" but {', '.join(sorted(calls))}, which cannot be imitated" if calls else ""
    return f"{url} was sent no command in {duration(seconds)}{others}: observe it at work, or for longer"


def _types(by_type: Mapping[str, Sequence[SampledKey]], sampled: int) -> dict[str, KeyType]:
    return {
        name: _type_of(keys, len(keys) / sampled)
        for name, keys in sorted(by_type.items(), key=lambda item: -len(item[1]))
    }


def _type_of(keys: Sequence[SampledKey], share: float) -> KeyType:
    lives = [key.ttl_ms for key in keys if key.ttl_ms is not None]
    sizes = [one for one in map(value_bytes, keys) if one is not None]
    elements = [key.size for key in keys if key.kind != "string" and key.size is not None]
    return KeyType(
        share=share,
        sampled=len(keys),
        expiring=len(lives) / len(keys),
        ttl_s=lifetime_s(lives) if lives else None,
        size_bytes=float(median(sizes)) if sizes else None,
        elements=float(median(elements)) if elements else None,
    )


def _commands(workload: Workload) -> list[Command]:
    """The commands of a custom workload, however they were written down."""
    given = workload.commands or ()
    if isinstance(given, Mapping):
        return [Command(text, weight) for text, weight in given.items()]
    return [one if isinstance(one, Command) else Command(one) for one in given]


def _shares(workload: Workload) -> list[tuple[str, float]]:
    """What each command is called, and its share of the load in percent."""
    commands = _commands(workload)
    total = sum(one.weight for one in commands) or 1.0
    return [(one.name or one.text.partition(" ")[0], 100 * one.weight / total) for one in commands]


def _data_text(workload: ObservedWorkload) -> str:
    """The suggested keys and values in words."""
    keys, values = workload.keys, workload.values
    parts = []
    if keys is not None:
        parts.append(plural(keys.count if isinstance(keys, Keys) else keys, "key"))
    if isinstance(values, Values):
        sizes = f"{len(str(values.sizes).split(','))} sizes" if values.sizes else size(values.size_bytes)
        parts.append(f"values of {sizes}")
        if values.ttl_s is not None:
            life = values.ttl_s.total_seconds() if isinstance(values.ttl_s, timedelta) else values.ttl_s
            parts.append(f"living {duration(life)}")
    elif values is not None:
        parts.append(f"values of {values}")
    types = ", ".join(f"{name} {percent(one.share, 0)}" for name, one in workload.types.items())
    return ", ".join(parts or ["no key was seen"]) + (f" (seen: {types})" if types else "")
