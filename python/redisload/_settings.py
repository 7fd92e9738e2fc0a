"""The table of settings: every configurable value once, as the core states it.

Arguments of :func:`redisload.run`, fields of its value types and flags of the shell are all made from this
table. Types, defaults, ranges and descriptions stand in the C++ core and are only read here.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from redisload import _core

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Setting:
    """One configurable value."""

    path: str
    """Its dotted name in the configuration: ``keys.count``."""
    kind: str
    """int, float, bool, str, duration (seconds), bytes, choice, or a name of its own (weights, budget,
    cpus).
    """
    default: Any
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    optional: bool
    """None is a value of it."""
    secret: bool
    doc: str

    @property
    def section(self) -> str:
        """``keys`` of ``keys.count``; empty for a value at the top."""
        return self.path.rpartition(".")[0]

    @property
    def name(self) -> str:
        """``count`` of ``keys.count``."""
        return self.path.rpartition(".")[2]

    @property
    def flag(self) -> str:
        """The flag of the shell, by the flag rule: ``keys.count`` is ``--key-count``."""
        return flag_of(self.path)

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        if self.choices and self.kind == "choice":
            words = "one of " + ", ".join(self.choices)
        else:
            words = _KIND_WORDS.get(self.kind, self.kind)
            words += _range_words(self.minimum, self.maximum)
        return words + (", or None" if self.optional else "")


_KIND_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "str": "a text",
    "duration": "seconds as a number, or a timedelta",
    "bytes": "a whole number of bytes",
    "weights": "a dict of command names to weights, such as {'SET': 45, 'GET': 45}",
    "count_or_share": "a count (a whole number) or a share (a fraction between 0 and 1)",
    "int_list": "a list of processor numbers",
    "options": "a dict of option names to numbers, such as {'elements': 20}",
    "commands": "a list of commands, such as ['GET {key}', rl.Command('SET {key} {value}', weight=9)]",
    "steps": "a list of steps, such as [{'duration_s': 10, 'rate': 1000, 'to_rate': 5000}]",
}

_FLAG_PREFIXES = {"keys": "key", "values": "value", "timeouts": "timeout"}
_FLAG_NAMES = {
    "target.database": "--dbnum",
    "workload.name": "--workload",
    "workload.weights": "--weights",
    "workload.options": "--option",
    "workload.commands": "--command",
}


def flag_of(path: str) -> str:
    """The flag of a setting: ``_`` becomes ``-``, a unit at the end is dropped, a section is a prefix."""
    if path in _FLAG_NAMES:
        return _FLAG_NAMES[path]
    section, _, name = path.rpartition(".")
    for unit in ("_s", "_bytes"):
        name = name.removesuffix(unit)
    prefix = _FLAG_PREFIXES.get(section)
    return "--" + (f"{prefix}-{name}" if prefix else name).replace("_", "-")


def _range_words(minimum: float | None, maximum: float | None) -> str:
    if minimum is not None and maximum is not None:
        return f" from {minimum:,.12g} to {maximum:,.12g}"
    if minimum is not None:
        return f" of at least {minimum:,.12g}"
    if maximum is not None:
        return f" of at most {maximum:,.12g}"
    return ""


@cache
def settings() -> dict[str, Setting]:
    """All settings by path, in the core's order."""
    table = {}
    for field in _core.config_fields():
        table[field["path"]] = Setting(
            path=field["path"],
            kind=field["type"],
            default=field["default"],
            minimum=field.get("minimum"),
            maximum=field.get("maximum"),
            choices=tuple(field.get("choices") or ()),
            optional=bool(field.get("optional", False)),
            secret=bool(field.get("secret", False)),
            doc=field.get("doc", ""),
        )
    return table


def default(path: str) -> Any:
    """The core's default of a setting."""
    return settings()[path].default


@cache
def workloads() -> dict[str, dict[str, Any]]:
    """The workloads by name, as the core describes them: doc, commands, options, defaults."""
    return {one["name"]: one for one in _core.workloads()}


def workload_defaults(name: str) -> dict[str, Any]:
    """Settings by path that a workload has another default for, such as its pipeline; none for an unknown
    one.
    """
    given = workloads().get(name, {}).get("defaults", {})
    return {path: int(value) if settings()[path].kind == "int" else value for path, value in given.items()}


def nearest(name: str, valid: Iterable[str]) -> str:
    """``"; did you mean 'uniform'?"`` when a valid name is near to the given one, else nothing."""
    by_lower = {one.lower(): one for one in valid}
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""
