"""Workloads as TOML files: ``rl.Workload.save`` and ``rl.Workload.load``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import tomli_w

from redisload._convert import UnusableError
from redisload._convert_data import sizes_text
from redisload._settings import nearest
from redisload._toml import TOMLDecodeError, loads
from redisload.config import Command, Workload
from redisload.errors import ConfigError, Problem
from redisload.observation import KeyType, ObservedWorkload
from redisload.shapes import Distribution, Keys, Values, distribution_settings

_SCHEMA = 1
_TABLES: dict[str, type] = {"keys": Keys, "values": Values}
_NUMBERS = (int, float)
# What each single value of a workload may be.
_EXPECTED: dict[str, tuple[Any, str]] = {
    "name": (str, "a text"),
    "script": (str, "a text"),
    "source": (str, "a text"),
    "weights": (dict, "a table of numbers"),
    "options": (dict, "a table of numbers"),
    "left_out": (dict, "a table of numbers"),
    "types": (dict, "a table of tables"),
    "keys": (int, "a table, or a whole number"),
    "values": ((int, str), "a table, a whole number or a text"),
    "rate": (_NUMBERS, "a number"),
    "observed_s": (_NUMBERS, "a number"),
    "database_keys": (int, "a whole number"),
}


def save(workload: Workload, path: str | os.PathLike[str]) -> None:
    """Writes a workload as TOML, only what differs from its defaults.

    Raises ConfigError for sizes that are none, OSError when the file cannot be written.
    """
    try:
        document = {"schema": _SCHEMA, **_document(workload)}
    except UnusableError as error:
        raise ConfigError([Problem("values.sizes", repr(workload.values), str(error))]) from None
    Path(path).write_text(tomli_w.dumps(document), encoding="utf-8")


def load(path: str | os.PathLike[str]) -> Workload:
    """The workload of a TOML file: an ObservedWorkload if it was one.

    Raises ConfigError with every problem of the file, OSError when it cannot be read.
    """
    try:
        document = loads(Path(path).read_text(encoding="utf-8"))
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(str(path), "the file", f"TOML ({error})")]) from None
    return _Reader(str(path)).workload(document)


def _document(workload: Workload) -> dict[str, Any]:
    document = {
        one.name: _plain(value)
        for one in fields(workload)
        if (value := getattr(workload, one.name)) is not None and value not in ({}, ())
    }
    if isinstance(workload.commands, Mapping):
        document["commands"] = [{"text": text, "weight": n} for text, n in workload.commands.items()]
    elif workload.commands:
        document["commands"] = [
            {"text": one} if isinstance(one, str) else _plain(one) for one in workload.commands
        ]
    return document


def _plain(value: Any) -> Any:
    """What TOML knows."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, os.PathLike):  # a script in a file of its own
        return Path(value).read_text(encoding="utf-8")
    if isinstance(value, (Keys, Values, Command, KeyType)):
        return {
            one.name: sizes_text(shown) if one.name == "sizes" else _plain(shown)
            for one in fields(value)
            if (shown := getattr(value, one.name)) != one.default and shown is not None
        }
    if isinstance(value, Distribution):
        name, settings = distribution_settings(value)
        return ":".join([name, *(str(number) for _, number in settings)])
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    return value


class _Reader:
    """Reads a document; gathers everything that is wrong with it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._problems: list[Problem] = []

    def workload(self, document: dict[str, Any]) -> Workload:
        schema = document.pop("schema", _SCHEMA)
        if schema != _SCHEMA:
            self._wrong("schema", schema, f"{_SCHEMA}: a newer redisload wrote this file")
        known = {one.name for one in fields(ObservedWorkload)}
        observed = document.keys() & (known - {one.name for one in fields(Workload)})
        kind = ObservedWorkload if observed else Workload
        given = {
            name: self._field(name, value) for name, value in document.items() if self._knows(name, known, "")
        }
        if self._problems:
            raise ConfigError(self._problems)
        return kind(**given)

    def _field(self, name: str, value: Any) -> Any:
        if name in _TABLES and isinstance(value, dict):
            return self._table(_TABLES[name], value, name)
        if name == "commands":
            return self._commands(value)
        if name == "types" and isinstance(value, dict):
            return {kind: self._table(KeyType, one, f"types.{kind}") for kind, one in value.items()}
        words = _EXPECTED[name]
        if not isinstance(value, words[0]) or isinstance(value, bool):
            self._wrong(name, value, words[1])
        return value

    def _commands(self, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(self._table(Command, one, f"commands[{i}]") for i, one in enumerate(value))
        self._wrong("commands", value, "tables [[commands]] with text and weight")
        return ()

    def _table(self, kind: type, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            self._wrong(path, value, "a table")
            return None
        names = {one.name for one in fields(kind)}
        given = {name: one for name, one in value.items() if self._knows(name, names, f"{path}.")}
        try:
            return kind(**given)
        except TypeError as error:
            self._wrong(path, value, str(error).partition(" ")[2])
            return None

    def _knows(self, name: str, names: set[str], before: str) -> bool:
        if name not in names:
            self._wrong(before + name, name, f"one of {', '.join(sorted(names))}{nearest(name, names)}")
        return name in names

    def _wrong(self, where: str, given: Any, allowed: str) -> None:
        self._problems.append(Problem(f"{self._path}: {where}", repr(given), allowed))
