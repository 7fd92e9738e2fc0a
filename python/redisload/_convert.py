"""Conversion of given values, from Python or from text, to what the core takes. Types only: ranges are the
core's.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redisload._settings import Setting

_DURATION_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
}
_BYTE_UNITS = {
    "": 1, "b": 1, "k": 1024, "kb": 1000, "kib": 1024, "m": 1024**2, "mb": 1000**2, "mib": 1024**2,
    "g": 1024**3, "gb": 1000**3, "gib": 1024**3,
}  # fmt: skip
_COUNT_UNITS = {"": 1, "k": 1000, "m": 1_000_000, "g": 1_000_000_000}
_MOST_CPUS = 65535
_NUMBER_WITH_UNIT = re.compile(r"\s*([0-9_]*\.?[0-9_]+(?:e[+-]?[0-9]+)?)\s*([a-zµ]*)\s*", re.IGNORECASE)


class UnusableError(ValueError):
    """A value that cannot be converted; its text says what is allowed."""


def from_python(setting: Setting, value: Any) -> Any:
    """What a script gave, as the core takes it; raises UnusableError."""
    if value is None:
        if setting.optional:
            return None
        raise UnusableError(setting.allowed)
    try:
        return _PYTHON[setting.kind](value)
    except (TypeError, ValueError, KeyError, OverflowError, AttributeError) as error:
        raise UnusableError(_reason(error, setting.allowed)) from None


def from_text(setting: Setting, text: str) -> Any:
    """What the shell gave, as the core takes it; raises UnusableError."""
    try:
        return _TEXT[setting.kind](text)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        words = _TEXT_WORDS.get(setting.kind)
        raise UnusableError(_reason(error, words or setting.allowed.removesuffix(", or None"))) from None


def _reason(error: Exception, otherwise: str) -> str:
    return str(error) if isinstance(error, UnusableError) else otherwise


def as_integer(value: Any) -> int:
    """A whole number; raises TypeError or ValueError."""
    if isinstance(value, (bool, str)):
        raise TypeError
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError
        return int(value)
    return operator.index(value)


def as_number(value: Any) -> float:
    """A finite number; raises TypeError or ValueError."""
    if isinstance(value, (bool, str, bytes)):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise TypeError


def as_text(value: Any) -> str:
    """A text that can be written in UTF-8, as the core has them; raises TypeError or ValueError."""
    if not isinstance(value, str):
        raise TypeError
    value.encode()
    return str(value)


def as_bytes_count(value: Any) -> int:
    """A whole number of bytes; raises TypeError or ValueError."""
    number = as_integer(value)
    if number < 0:
        raise ValueError
    return number


def _seconds(value: Any) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else as_number(value)


def _weights(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise TypeError
    return {as_text(name).upper(): as_number(weight) for name, weight in value.items()}


def _options(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise TypeError
    return {as_text(name): as_number(number) for name, number in value.items()}


_STEP = {
    "name": as_text,
    "duration_s": _seconds,
    "rate": as_number,
    "to_rate": as_number,
    "think_s": _seconds,
}


def _steps(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, (str, bytes, Mapping)):
        raise TypeError
    return [{name: _STEP[name](one) for name, one in step.items() if one is not None} for step in value]


def _budget(value: Any) -> int | float:
    if isinstance(value, float) and 0 < value < 1:
        return value
    return as_integer(value)


def _cpus(value: Any) -> list[int]:
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        raise TypeError
    return [_cpu(as_integer(one)) for one in value]


def _cpu(number: int) -> int:
    if not 0 <= number <= _MOST_CPUS:
        raise ValueError
    return number


_PYTHON = {
    "int": as_integer,
    "bytes": as_integer,
    "float": as_number,
    "bool": _boolean,
    "str": as_text,
    "choice": as_text,
    "duration": _seconds,
    "weights": _weights,
    "count_or_share": _budget,
    "int_list": _cpus,
    "options": _options,
    "steps": _steps,
}


def _with_unit(text: str, units: Mapping[str, float]) -> float:
    match = _NUMBER_WITH_UNIT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return float(match[1]) * units[match[2].lower()]


def duration_from_text(text: str) -> float:
    """Seconds of ``10``, ``500ms``, ``2m``, ``1m30s``; raises ValueError or KeyError."""
    parts = re.findall(r"[0-9_.]+(?:e[+-]?[0-9]+)?\s*[a-zµ]+", text, re.IGNORECASE)
    if len(parts) > 1 and "".join(parts) == text.strip():
        return sum(_with_unit(part, _DURATION_UNITS) for part in parts)
    return _with_unit(text, {"": 1.0, **_DURATION_UNITS})


def count_from_text(text: str) -> int:
    """A whole number: ``100000``, ``100k``, ``1e6``, ``2M``."""
    return as_integer(_with_unit(text, _COUNT_UNITS))


def _bytes_from_text(text: str) -> int:
    return as_integer(_with_unit(text, _BYTE_UNITS))


def _boolean_from_text(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]


def _weights_from_text(text: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, equals, weight = part.partition("=")
        if not equals or not name.strip() or name.strip().upper() in weights:
            raise ValueError(text)
        weights[as_text(name.strip().upper())] = as_number(float(weight))
    return weights


def _options_from_text(text: str) -> dict[str, float]:
    options: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = part.partition("=")
        if not equals or not name.strip() or name.strip() in options:
            raise ValueError(text)
        options[as_text(name.strip())] = as_number(_with_unit(number, _COUNT_UNITS))
    return options


def _budget_from_text(text: str) -> int | float:
    if text.endswith("%"):
        return _budget(float(text[:-1]) / 100)
    return _budget(float(text)) if "." in text else count_from_text(text)


def _cpus_from_text(text: str) -> list[int]:
    cpus: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        cpus.extend(range(_cpu(int(first)), _cpu(int(last if dash else first)) + 1))
    return cpus


_TEXT = {
    "int": count_from_text,
    "bytes": _bytes_from_text,
    "float": lambda text: as_number(_with_unit(text, _COUNT_UNITS)),
    "bool": _boolean_from_text,
    "str": as_text,
    "choice": as_text,
    "duration": duration_from_text,
    "weights": _weights_from_text,
    "count_or_share": _budget_from_text,
    "int_list": _cpus_from_text,
    "options": _options_from_text,
}

_TEXT_WORDS = {
    "duration": "a duration such as 10, 10s, 500ms, 2m",
    "bytes": "a size such as 32, 4KiB, 1MB",
    "weights": "weights such as SET=45,GET=45",
    "options": "numbers such as elements=20,channels=4",
    "count_or_share": "a count such as 100, or a share such as 1% or 0.01",
    "int_list": "processor numbers such as 0,2-3",
    "bool": "true or false",
}
