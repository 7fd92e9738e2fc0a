"""Gathering a configuration: arguments and flags in, one checked RunConfig or one ConfigError with every
problem out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redisload import _core
from redisload._convert import UnusableError, from_python, from_text
from redisload._convert_data import (
    are_sizes,
    command_from_python,
    distribution_from_python,
    distribution_from_text,
    distribution_shapes,
    sizes_text,
)
from redisload._settings import Setting, nearest, settings, workload_defaults, workloads
from redisload._unavailable import ARGUMENTS, NOT_YET
from redisload.config import (
    ARGUMENT_NAMES,
    EMBEDDED,
    PYTHON_ONLY,
    SECTIONS,
    SETTING_OF,
    SHORT_FORMS,
    RunConfig,
    Workload,
    nested,
    shown,
)
from redisload.errors import ConfigError, Problem
from redisload.shapes import Distribution
from redisload.targets import MASK, target_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

_CUSTOM = "custom"
_MOST = 2**63 - 1


def config_from_arguments(target: object, options: Mapping[str, Any]) -> RunConfig:
    """The configuration of ``rl.run(target, **options)``; raises ConfigError with every problem."""
    collector = Collector()
    if target is not EMBEDDED:
        collector.add_target(target)
    for name, value in options.items():
        collector.add_argument(name, value)
    if isinstance(workload := options.get("workload"), Workload):
        collector.add_what_goes_with(workload, given=options.keys())
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

    def __init__(self, *, flags: bool = False) -> None:
        self.problems: list[Problem] = []
        self._flags = flags
        self._given: dict[str, Any] = {}
        self._spelled: dict[str, str] = {}
        self._by_scenario: set[str] = set()

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
        elif name == "scenario" and value is not None:
            self.add_scenario(value, name)
        elif name in SECTIONS:
            self._add_section(name, value)
        else:
            self.add(SETTING_OF.get(name, name), value, name)

    def add_scenario(self, phases: object, spelled: str) -> None:
        """A list of phases: the steps, and what load and warm-up mean."""
        from redisload.scenarios import split

        found, problems = split(phases, spelled)
        self.problems.extend(problems)
        for path, value in found.items():
            if path in self._given and path != "scenario":
                self.problem(
                    path, repr(self._given[path]), f"either this or a phase of the {spelled}, not both"
                )
            elif not problems:
                self.add(path, value, spelled if path == "scenario" else path)
                self._by_scenario.add(path)

    def add_what_goes_with(self, workload: Workload, given: Iterable[str]) -> None:
        """A workload's own keys and values, where the run was given none."""
        for name in ("keys", "values"):
            value = getattr(workload, name)
            if value is not None and name not in given:
                self._add_section(name, value)

    def add(self, path: str, value: Any, spelled: str) -> None:
        """One setting, from Python; ``spelled`` is the name that the user knows it by."""
        self._spelled[path] = spelled
        try:
            self.put(path, from_python(settings()[path], value), spelled)
        except UnusableError as error:
            self.problem(spelled, shown(path, value), str(error))

    def put(self, path: str, value: Any, spelled: str) -> None:
        """One setting, already converted."""
        if path in self._by_scenario:
            self.problem(spelled, shown(path, value), "either this or a phase of the scenario, not both")
            return
        self._spelled[path] = spelled
        setting = settings()[path]
        choices = tuple(workloads()) if path == "workload.name" else setting.choices
        if choices and isinstance(value, str) and value not in choices:
            self.problem(spelled, repr(value), f"one of {', '.join(choices)}{nearest(value, choices)}")
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
        """A key distribution as text: ``uniform``, ``zipfian:0.99``, ``hotset:0.2:0.8``."""
        try:
            self._put_all(distribution_from_text(text), spelled)
        except UnusableError as error:
            self.problem(spelled, repr(text), str(error))

    def put_sizes(self, value: Any, spelled: str) -> None:
        """One size of all values, or how they vary."""
        if isinstance(value, str):
            with suppress(UnusableError):  # not one size
                value = from_text(settings()["values.size_bytes"], value)
        if "values.size_bytes" in self._given:
            self.problem(spelled, repr(value), "either one size, or sizes, not both")
        elif isinstance(value, int):
            self.add("values.size_bytes", value, spelled)
        else:
            try:
                self.put("values.sizes", sizes_text(value), spelled)
            except UnusableError as error:
                self.problem(spelled, repr(value), str(error))

    def put_commands(self, commands: Iterable[tuple[str, dict[str, Any]]], spelled: str) -> None:
        """Commands of the user's own, each with the name that the user knows it by."""
        named = list(commands)
        for index, (name, _) in enumerate(named):
            self._spelled[f"commands[{index}]"] = name
            self._spelled[f"commands[{index}].weight"] = name if self._flags else f"{name}.weight"
        self._spelled["workload.commands"] = spelled
        self._given["workload.commands"] = [command for _, command in named]

    def finish(self, *, embedded: bool, python: Mapping[str, Any]) -> RunConfig:
        """The checked configuration; raises ConfigError with every problem found here and in the core."""
        if self._given.get("workload.commands") is not None and "workload.name" not in self._spelled:
            self._given["workload.name"] = _CUSTOM
        for path, value in workload_defaults(self._given.get("workload.name", "")).items():
            self._given.setdefault(path, value)
        known = {problem.path for problem in self.problems}
        wrong_workload = self._spelled.get("workload.name") in known
        for found in _core.validate(nested(self._given)):
            path = found["path"]
            if wrong_workload and path.startswith(("workload.", "commands")):
                continue  # these are of the default workload
            spelled, given = self._in_users_words(path, shown(path, found["given"], text=True))
            if spelled not in known:
                self.problem(spelled, given, found["allowed"])
        if self.problems:
            raise ConfigError(self.problems)
        return RunConfig(given=dict(self._given), embedded=embedded, **python)

    def _in_users_words(self, path: str, given: str) -> tuple[str, str]:
        """The name by which the user knows what the core found wrong, and what was given."""
        for name in (path, f"target.{path}", f"workload.{path}"):
            if name in self._spelled:
                return self._spelled[name], given
        for parent in ("workload.weights", "workload.options"):
            if path.startswith(f"{parent}."):
                name, spelled = path.removeprefix(f"{parent}."), self._spelled.get(parent, parent)
                if spelled.startswith("--"):
                    return spelled, given if given == name else f"{name}={given}"
                return f"{spelled}.{name}", given
        path = path if path in settings() else f"workload.{path}" if path == "commands" else path
        return (settings()[path].flag if self._flags and path in settings() else path), given

    def _put_all(self, values: Mapping[str, Any], spelled: str) -> None:
        for path, value in values.items():
            self.put(path, value, spelled)

    def _add_section(self, name: str, value: Any) -> None:
        section = SECTIONS[name]
        if value is None and name == "topology":
            return
        if isinstance(value, section):
            for field in fields(section):
                self._add_field(name, field.name, getattr(value, field.name), is_default=field.default)
        elif name == "values" and are_sizes(value):
            self.put_sizes(value, name)
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
        try:
            if path == "values.sizes" and value is not None:
                self.put_sizes(value, path)
            elif path != "keys.distribution":
                self.add(path, value, path)
            elif isinstance(value, Distribution):
                self._put_all(distribution_from_python(value), path)
            elif isinstance(value, str):
                self.put_distribution(value, path)
            else:
                raise UnusableError(f"one of {distribution_shapes()}, or rl.Zipfian(…) and its like")
        except UnusableError as error:
            self.problem(path, repr(value), str(error))

    def _add_workload(self, value: Any) -> None:
        if isinstance(value, str):
            self.add("workload.name", value, "workload")
        elif isinstance(value, Workload):
            if value.commands is not None:
                self._add_commands(value.commands, "workload.commands")
            if value.commands is None or value.name != Workload.name:
                self.add("workload.name", value.name, "workload.name")
            for name in ("weights", "options"):
                if (one := getattr(value, name)) is not None:
                    self.add(f"workload.{name}", one, f"workload.{name}")
            if value.script is not None:
                self._add_script(value.script)
        elif isinstance(value, (Mapping, list, tuple)):
            self._add_commands(value, "workload")
        else:
            self.problem("workload", repr(value), "a workload's name, rl.Workload(…), or a list of commands")

    def _add_commands(self, value: Any, spelled: str) -> None:
        if isinstance(value, Mapping):
            value = [{"text": text, "weight": weight} for text, weight in value.items()]
        elif not isinstance(value, (list, tuple)):
            self.problem(spelled, repr(value), settings()["workload.commands"].allowed)
            return
        commands = []
        for index, one in enumerate(value):
            try:
                commands.append((f"{spelled}[{index}]", command_from_python(one)))
            except UnusableError as error:
                self.problem(f"{spelled}[{index}]", repr(one), str(error))
        if commands or not value:
            self.put_commands(commands, spelled)

    def _add_script(self, value: Any) -> None:
        spelled = "workload.script"
        if isinstance(value, os.PathLike):
            try:
                value = Path(value).read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                self.problem(spelled, repr(value), f"a file that can be read ({error})")
                return
        self.add(spelled, value, spelled)

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
