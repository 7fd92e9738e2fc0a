"""Gathering a configuration: arguments and flags in, one checked RunConfig or one ConfigError with every
problem out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from redisload import _core
from redisload._convert import UnusableError, from_python
from redisload._settings import Setting, default, nearest, settings
from redisload._unavailable import ARGUMENTS, CHECKOUTS, DISTRIBUTIONS, NOT_YET, WORKLOADS
from redisload.config import (
    ARGUMENT_NAMES,
    EMBEDDED,
    PYTHON_ONLY,
    SECTIONS,
    SETTING_OF,
    SHORT_FORMS,
    RunConfig,
    Workload,
    Zipfian,
    nested,
    shown,
)
from redisload.errors import ConfigError, Problem
from redisload.targets import MASK, target_settings

_MOST = 2**63 - 1


def config_from_arguments(target: object, options: Mapping[str, Any]) -> RunConfig:
    """The configuration of ``rl.run(target, **options)``; raises ConfigError with every problem."""
    collector = Collector()
    if target is not EMBEDDED:
        collector.add_target(target)
    for name, value in options.items():
        collector.add_argument(name, value)
    if options.get("topology") is not None and (short := {"connections", "threads"} & options.keys()):
        for name in sorted(short):
            collector.problem(
                name, repr(options[name]), "either connections and threads, or topology, not both"
            )
    return collector.finish(embedded=target is EMBEDDED, python={**PYTHON_ONLY, **_python_only(options)})


def _python_only(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in PYTHON_ONLY if name in options}


class Collector:
    """Gathers values by path, with the name that the user knows each by, and everything that is wrong with
    them.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._given: dict[str, Any] = {}
        self._spelled: dict[str, str] = {}

    def problem(self, path: str, given: str, allowed: str) -> None:
        self.problems.append(Problem(path, given, allowed))

    def add_target(self, target: object) -> None:
        values, problems = target_settings(target)
        self._given.update(values)
        self._spelled.update(dict.fromkeys(values, "target"))
        self.problems.extend(problems)

    def add_argument(self, name: str, value: Any) -> None:
        """One keyword argument of ``rl.run``."""
        if name not in ARGUMENT_NAMES:
            text = MASK if "pass" in name else repr(value)
            self.problem(name, text, f"no such argument{nearest(name, ARGUMENT_NAMES)}")
        elif name in ARGUMENTS:
            if value is not None:
                self.problem(name, type(value).__name__, NOT_YET)
        elif name in PYTHON_ONLY:
            self._check_python_only(name, value)
        elif name == "workload":
            self._add_workload(value)
        elif name in SECTIONS:
            self._add_section(name, value)
        else:
            self.add(SETTING_OF.get(name, name), value, name)

    def add(self, path: str, value: Any, spelled: str) -> None:
        """One setting, from Python; ``spelled`` is the name that the user knows it by."""
        self._spelled[path] = spelled
        try:
            self.put(path, from_python(settings()[path], value), spelled)
        except UnusableError as error:
            self.problem(spelled, shown(path, value), str(error))

    def put(self, path: str, value: Any, spelled: str) -> None:
        """One setting, already converted."""
        self._spelled[path] = spelled
        if path == "topology.checkout" and value in CHECKOUTS:
            self.problem(spelled, repr(value), f"'pinned' ({value} is {NOT_YET})")
            return
        if path == "workload.name" and value in WORKLOADS:
            self.problem(
                spelled, repr(value), f"this workload is {NOT_YET}; there is {default('workload.name')!r}"
            )
            return
        setting = settings()[path]
        if setting.choices and isinstance(value, str) and value not in setting.choices:
            self.problem(spelled, repr(value), setting.allowed + nearest(value, setting.choices))
            return
        if not _in_range(setting, value):
            self.problem(spelled, shown(path, value), setting.allowed)
            return
        self._given[path] = value

    def put_default(self, path: str, value: Any, spelled: str) -> None:
        """One setting that whatever was given before overrides."""
        if path not in self._given:
            self.put(path, value, spelled)

    def put_distribution(self, text: str, spelled: str) -> None:
        """A key distribution as text: ``uniform``, ``sequential``, ``zipfian``, ``zipfian:0.99``."""
        name, colon, exponent = text.partition(":")
        names = settings()["keys.distribution"].choices
        if name.lower() in DISTRIBUTIONS:
            self.problem(spelled, repr(text), f"this distribution is {NOT_YET}; there are {', '.join(names)}")
        elif name in names and not colon:
            self.put("keys.distribution", name, spelled)
        elif name == "zipfian":
            try:
                self.add("keys.zipf_exponent", float(exponent), spelled)
                self.put("keys.distribution", name, spelled)
            except ValueError:
                self.problem(spelled, repr(text), "zipfian with a number as exponent, such as 'zipfian:0.99'")
        else:
            known = f"{', '.join(names)}, or with an exponent 'zipfian:0.99'"
            self.problem(spelled, repr(text), f"one of {known}{nearest(name, names)}")

    def finish(self, *, embedded: bool, python: Mapping[str, Any]) -> RunConfig:
        """The checked configuration; raises ConfigError with every problem found here and in the core."""
        known = {problem.path for problem in self.problems}
        for found in _core.validate(nested(self._given)):
            path = found["path"]
            spelled = self._spelled.get(path) or self._spelled.get(f"target.{path}", path)
            if spelled not in known:
                self.problem(spelled, shown(path, found["given"], text=True), found["allowed"])
        if self.problems:
            raise ConfigError(self.problems)
        return RunConfig(given=dict(self._given), embedded=embedded, **python)

    def _add_section(self, name: str, value: Any) -> None:
        section = SECTIONS[name]
        if value is None and name == "topology":
            return
        if isinstance(value, section):
            for field in fields(section):
                self._add_field(name, field.name, getattr(value, field.name), is_default=field.default)
        elif isinstance(value, Mapping):
            names = [field.name for field in fields(section)]
            for field_name, one in value.items():
                if field_name in names:
                    self._add_field(name, field_name, one)
                else:
                    hint = nearest(str(field_name), names)
                    self.problem(f"{name}.{field_name}", repr(one), f"one of {', '.join(names)}{hint}")
        elif name in SHORT_FORMS and not isinstance(value, str):
            self.add(SHORT_FORMS[name], value, name)
        else:
            short = ", or a whole number" if name in SHORT_FORMS else ""
            self.problem(name, repr(value), f"rl.{section.__name__}(…) or a dict{short}")

    def _add_field(self, section: str, name: str, value: Any, is_default: Any = MISSING) -> None:
        path = f"{section}.{name}"
        if is_default is not MISSING and value == is_default and type(value) is type(is_default):
            return
        if path != "keys.distribution":
            self.add(path, value, path)
        elif isinstance(value, Zipfian):
            self.put(path, "zipfian", path)
            self.add("keys.zipf_exponent", value.exponent, path)
        elif isinstance(value, str):
            self.put_distribution(value, path)
        else:
            self.problem(
                path, repr(value), "'uniform', 'sequential', rl.Zipfian(exponent=0.99) or 'zipfian:0.99'"
            )

    def _add_workload(self, value: Any) -> None:
        if isinstance(value, str):
            self.add("workload.name", value, "workload")
        elif isinstance(value, Workload):
            self.add("workload.name", value.name, "workload.name")
            if value.weights is not None:
                self.add("workload.weights", value.weights, "workload.weights")
        elif isinstance(value, (Mapping, list, tuple)):
            self.problem(
                "workload", type(value).__name__, f"custom commands are {NOT_YET}; give a workload's name"
            )
        else:
            self.problem("workload", repr(value), "a workload's name, or rl.Workload(…)")

    def _check_python_only(self, name: str, value: Any) -> None:
        if name == "progress" and value not in (True, False, "auto"):
            self.problem(name, repr(value), "True, False or 'auto'")
        elif name == "on_interrupt" and value not in ("return", "raise"):
            self.problem(name, repr(value), "'return' or 'raise'" + nearest(str(value), ("return", "raise")))
        elif name == "on_interval" and value is not None and not callable(value):
            self.problem(name, repr(value), "a function that takes one row of result.intervals")


def _in_range(setting: Setting, value: Any) -> bool:
    """What the core could not even read; its own checks are finer."""
    numbers = (
        list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    )
    low = setting.minimum if setting.minimum is not None else -_MOST
    high = setting.maximum if setting.maximum is not None else _MOST
    return all(low <= number <= high for number in numbers if isinstance(number, (int, float)))
