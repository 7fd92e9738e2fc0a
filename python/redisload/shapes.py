"""What keys and values look like: the value types ``Keys`` and ``Values`` and the key distributions."""

# ruff: noqa: RUF009 -- default() only reads a constant table of the core

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from redisload._settings import default

if TYPE_CHECKING:
    from collections.abc import Mapping

Seconds = float | timedelta


@dataclass(frozen=True)
class Zipfian:
    """Zipfian keys, scrambled over the keyspace: the k-th most popular is drawn in proportion to k **
    -exponent. As text: ``zipfian:EXPONENT``.
    """

    exponent: float = default("keys.zipf_exponent")


@dataclass(frozen=True)
class Normal:
    """Keys drawn around one place: ``mean`` and ``deviation`` are shares of the keyspace. As text:
    ``normal:MEAN:DEVIATION``.
    """

    mean: float = default("keys.normal_mean")
    deviation: float = default("keys.normal_deviation")


@dataclass(frozen=True)
class HotSet:
    """``operations`` (a share) of the operations take ``keys`` (a share) of the keys, the others take the
    rest; uniform within both. As text: ``hotset:KEYS:OPERATIONS``.
    """

    keys: float = default("keys.hot_keys")
    operations: float = default("keys.hot_operations")


@dataclass(frozen=True)
class Latest:
    """Writes go through the keyspace in turn; reads take what was written lately, zipfian by age. As text:
    ``latest:EXPONENT``.
    """

    exponent: float = default("keys.zipf_exponent")


@dataclass(frozen=True)
class MovingHotSpot:
    """A hot set of neighbouring keys that moves on after ``every`` operations of a connection. As text:
    ``moving:KEYS:OPERATIONS:EVERY``.
    """

    keys: float = default("keys.hot_keys")
    operations: float = default("keys.hot_operations")
    every: int = default("keys.move_every")


Distribution = Zipfian | Normal | HotSet | Latest | MovingHotSpot

# Name of a distribution → its value type, and the settings of its fields, in their order.
DISTRIBUTIONS: dict[str, tuple[type | None, tuple[str, ...]]] = {
    "uniform": (None, ()),
    "sequential": (None, ()),
    "zipfian": (Zipfian, ("keys.zipf_exponent",)),
    "normal": (Normal, ("keys.normal_mean", "keys.normal_deviation")),
    "hotset": (HotSet, ("keys.hot_keys", "keys.hot_operations")),
    "latest": (Latest, ("keys.zipf_exponent",)),
    "moving": (MovingHotSpot, ("keys.hot_keys", "keys.hot_operations", "keys.move_every")),
}
PARTS = frozenset(path for _, paths in DISTRIBUTIONS.values() for path in paths)
"""Settings that are given as parts of a distribution and have no name of their own."""


@dataclass(frozen=True)
class Keys:
    """The keyspace: how many keys, what their names look like, and which are drawn.

    ``prefix`` is their names' beginning (None: the workload's own). ``distribution`` is "uniform",
    "sequential", one of ``rl.Zipfian``, ``rl.Normal``, ``rl.HotSet``, ``rl.Latest``, ``rl.MovingHotSpot``, or
    such a one as text: "zipfian:0.99", "hotset:0.2:0.8". ``length_bytes`` makes every name so long;
    ``hash_tags`` puts one of so many hash tags into it; with ``partition`` each connection has keys of its
    own.
    """

    count: int = default("keys.count")
    prefix: str | None = default("keys.prefix")
    distribution: str | Distribution = default("keys.distribution")
    length_bytes: int | None = default("keys.length_bytes")
    hash_tags: int | None = default("keys.hash_tags")
    partition: bool = default("keys.partition")


@dataclass(frozen=True)
class Values:
    """The values that are written.

    ``sizes`` in place of ``size_bytes`` where sizes vary: a range ``(16, 1024)`` or "16-1024"; sizes with
    weights ``{32: 9, 4096: 1}`` or "32:9,4KiB:1"; "lognormal:MEDIAN:SIGMA[:MAX]"; "@FILE" with a line
    "SIZE [WEIGHT]" each. ``content`` is "random", "printable", "compressible" (to one part in
    ``compression``), or "verified": every GET is checked against what was written under its key, and what
    differs is counted in ``result.counters["corrupt_values"]``. ``ttl_s`` is the time to live of what SET
    writes, spread evenly up to ``ttl_max_s``, and by the share ``ttl_jitter`` up and down.
    """

    size_bytes: int = default("values.size_bytes")
    sizes: str | Mapping[int, float] | tuple[int, int] | None = default("values.sizes")
    content: str = default("values.content")
    compression: float = default("values.compression")
    ttl_s: Seconds | None = default("values.ttl_s")
    ttl_max_s: Seconds | None = default("values.ttl_max_s")
    ttl_jitter: float = default("values.ttl_jitter")


def distribution_settings(value: Distribution) -> tuple[str, list[tuple[str, Any]]]:
    """A distribution's name, and its settings by path."""
    for name, (kind, paths) in DISTRIBUTIONS.items():
        if kind is type(value):
            given = [getattr(value, field.name) for field in fields(value)]
            return name, list(zip(paths, given, strict=True))
    raise TypeError(type(value))
