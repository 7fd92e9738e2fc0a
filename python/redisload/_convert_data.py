"""What describes keys, values and commands, from Python or from text, as the core takes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from redisload._convert import (
    UnusableError,
    as_bytes_count,
    as_number,
    as_text,
    from_python,
    from_text,
)
from redisload._settings import nearest, settings
from redisload.config import Command
from redisload.shapes import DISTRIBUTIONS, Distribution, distribution_settings

SIZES = (
    "a size, a range such as '16-1024' or (16, 1024), weights such as '32:9,4KiB:1' or {32: 9, 4096: 1}, "
    "'lognormal:MEDIAN:SIGMA' or '@FILE'"
)
_COMMAND = "a command as a text, such as 'GET {key}', or rl.Command('GET {key}', weight=1, name=None)"
_WEIGHTED = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+):(.*)", re.DOTALL)


def distribution_shapes() -> str:
    """What may be given, as problems show it."""
    return ", ".join(_shape(name) for name in DISTRIBUTIONS)


def _shape(name: str) -> str:
    parts = [path.rpartition("_")[2].upper() for path in DISTRIBUTIONS[name][1]]
    return ":".join((name, *parts))


def distribution_from_python(value: Distribution) -> dict[str, Any]:
    """The settings of a value type such as rl.Zipfian; raises UnusableError."""
    name, given = distribution_settings(value)
    made: dict[str, Any] = {"keys.distribution": name}
    for path, one in given:
        try:
            made[path] = from_python(settings()[path], one)
        except UnusableError as error:
            raise UnusableError(f"{_shape(name)}, {path.rpartition('_')[2]} {error}") from None
    return made


def distribution_from_text(text: str) -> dict[str, Any]:
    """The settings of ``zipfian:0.99`` and the like, every part optional; raises UnusableError."""
    name, *parts = text.split(":")
    if name not in DISTRIBUTIONS:
        raise UnusableError(f"one of {distribution_shapes()}{nearest(name, DISTRIBUTIONS)}")
    paths = DISTRIBUTIONS[name][1]
    if len(parts) > len(paths) or (parts and not parts[-1]):
        raise UnusableError(_shape(name) + (", every part optional" if paths else ", without parts"))
    made: dict[str, Any] = {"keys.distribution": name}
    for path, part in zip(paths, parts, strict=False):
        if not part:
            continue
        try:
            made[path] = from_text(settings()[path], part)
        except UnusableError as error:
            raise UnusableError(f"{_shape(name)}, {path.rpartition('_')[2].upper()} {error}") from None
    return made


def sizes_text(value: Any) -> str:
    """Sizes as the core reads them; raises UnusableError."""
    try:
        if isinstance(value, str):
            return as_text(value)
        if isinstance(value, Mapping):
            return ",".join(f"{as_bytes_count(size)}:{as_number(value[size])!r}" for size in value)
        low, high = (as_bytes_count(one) for one in value)
    except (TypeError, ValueError, OverflowError):
        raise UnusableError(SIZES) from None
    return f"{low}-{high}"


def are_sizes(value: Any) -> bool:
    """Whether a value stands for sizes, where a dict of named settings may stand too."""
    if isinstance(value, Mapping):
        return bool(value) and not any(isinstance(name, str) for name in value)
    return isinstance(value, (str, tuple))


def command_from_python(value: Any) -> dict[str, Any]:
    """A command as the core takes it; raises UnusableError."""
    if isinstance(value, Command):
        value = {"text": value.text, "weight": value.weight, "name": value.name}
    elif isinstance(value, str):
        value = {"text": value}
    elif not isinstance(value, Mapping) or not {"text"} <= value.keys() <= {"text", "weight", "name"}:
        raise UnusableError(_COMMAND)
    if callable(value["text"]):
        raise UnusableError("commands are texts; operations written in Python are not available yet")
    try:
        text, name = as_text(value["text"]), value.get("name")
        made = {"text": text, "weight": as_number(value.get("weight", 1.0))}
        return made if name is None else {**made, "name": as_text(name)}
    except (TypeError, ValueError, OverflowError):
        raise UnusableError(_COMMAND) from None


def command_from_text(text: str) -> dict[str, Any]:
    """``9:GET {key}``: a weight and a colon may stand in front."""
    match = _WEIGHTED.fullmatch(text)
    weight, command = (float(match[1]), match[2].strip()) if match else (1.0, text.strip())
    try:
        return {"text": as_text(command), "weight": as_number(weight)}
    except (TypeError, ValueError):
        raise UnusableError("a command such as '9:GET {key}', in UTF-8") from None
