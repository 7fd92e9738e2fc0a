"""Flags of a run, made from the table of settings, and the configuration that they ask for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redisload._collect import Collector
from redisload._convert import UnusableError, from_text
from redisload._convert_data import distribution_shapes
from redisload._format import ABSENT, duration, size
from redisload._settings import Setting, settings, workloads
from redisload.cli.command import GroupedOption
from redisload.cli.commands import commands_from_file, commands_from_texts, put_tests
from redisload.errors import ConfigError
from redisload.scenarios import load_scenario
from redisload.shapes import PARTS
from redisload.targets import MASK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redisload.config import RunConfig
    from redisload.errors import Problem

# Flags beside the rule's own one: the habits of redis-cli and redis-benchmark.
_ALSO = {
    "target.host": ("-h",),
    "target.port": ("-p",),
    "target.unix_path": ("-s",),
    "target.password": ("-a", "--pass"),
    "target.username": ("--user",),
    "operations": ("-n", "--requests"),
    "pipeline": ("-P",),
    "values.size_bytes": ("-d",),
    "keys.count": ("-r",),
    "workload.options": ("--workload-option",),
}
_HIDDEN_ALSO = {
    "topology.client_pools": "--client-instances",
    "topology.clients_per_pool": "--connections-per-client",
    "topology.threads_per_pool": "--threads-per-client",
}
_SHORT_FORMS = {"connections": "topology.max_connections", "threads": "topology.threads_per_pool"}
# Parts of --key-distribution.
_NO_FLAG = frozenset(PARTS)
_REPEATED = ("workload.commands", "workload.options")
_GROUPS = {
    "target": "Target",
    "workload": "Workload",
    "keys": "Keys and values",
    "values": "Keys and values",
    "topology": "Topology",
    "timeouts": "Timeouts",
    "": "Load",
}
_METAVARS = {
    "int": "N",
    "float": "N",
    "duration": "TIME",
    "bytes": "SIZE",
    "str": "TEXT",
    "weights": "NAME=N,…",
    "options": "NAME=N,…",
    "commands": "[N:]COMMAND",
    "steps": "FILE",
    "count_or_share": "N|N%",
    "int_list": "N,N-N",
}


def run_options() -> list[GroupedOption]:
    """Every flag that configures a run, in the order of the help."""
    options = [_short_form("connections", "-c"), _short_form("threads")]
    options.extend(_option(setting) for setting in settings().values() if setting.path not in _NO_FLAG)
    options.append(
        GroupedOption(
            ["command_files", "--command-file"],
            metavar="FILE",
            multiple=True,
            group="Workload",
            help="Commands as --command takes them, one a line; lines that begin with # are left out.",
        )
    )
    options.append(
        GroupedOption(
            ["tests", "-t", "--tests"],
            metavar="NAME,…",
            group="Workload",
            help="Commands in equal shares, such as set,get (one run, not one a command).",
        )
    )
    order = ["Target", "Workload", "Load", "Keys and values", "Topology", "Timeouts"]
    return sorted(options, key=lambda option: order.index(option.group))


def parameter_name(path: str) -> str:
    """What click calls the flag of a setting."""
    return "set_" + path.replace(".", "_")


def config_from_flags(
    url: str | None, flags: Mapping[str, Any], *, problems: list[Problem], progress: bool
) -> RunConfig:
    """The configuration; raises ConfigError with these problems and all others."""
    collector = Collector(flags=True)
    collector.problems.extend(problems)
    if url is not None:
        collector.add_target(url)
        _only_one(
            collector, flags, ("target.host", "target.port", "target.unix_path"), "either a URL or this flag"
        )
    for setting in settings().values():
        text = flags.get(parameter_name(setting.path))
        if text not in (None, ()):
            _add(collector, setting, text, setting.flag)
    _add_commands(collector, flags)
    for name, path in _SHORT_FORMS.items():
        if flags.get(name) is not None:
            _add(collector, settings()[path], flags[name], f"--{name}")
            shared = ("topology.checkout", "topology.eager")
            topology = [one for one in settings() if one.startswith("topology.") and one not in shared]
            _only_one(
                collector, flags, tuple(topology), "either --connections and --threads, or the topology"
            )
            flags = {flag: value for flag, value in flags.items() if not flag.startswith("set_topology_")}
    if flags.get("tests") is not None:
        _only_one(collector, flags, ("workload.weights", "workload.commands"), "either this flag or --tests")
        put_tests(collector, flags["tests"], flags)
    named = url is not None or any(
        flags.get(parameter_name(f"target.{one}")) for one in ("host", "port", "unix_path")
    )
    _password_from_environment(collector, flags, named=named)
    return collector.finish(embedded=not named, python={"progress": progress})


def _password_from_environment(collector: Collector, flags: Mapping[str, Any], *, named: bool) -> None:
    """``REDISCLI_AUTH``, as redis-cli has it: the way to give a password that ps does not show."""
    password = os.environ.get("REDISCLI_AUTH")
    if named and password and flags.get(parameter_name("target.password")) is None:
        collector.put_default("target.password", password, "REDISCLI_AUTH")


def _add_commands(collector: Collector, flags: Mapping[str, Any]) -> None:
    commands = list(
        commands_from_texts(collector, "--command", flags.get(parameter_name("workload.commands")) or ())
    )
    for path in flags.get("command_files") or ():
        commands.extend(commands_from_file(collector, path))
    if commands or flags.get("command_files"):
        collector.put_commands(commands, "--command")


def _add(collector: Collector, setting: Setting, text: Any, flag: str) -> None:
    if setting.path == "workload.commands":
        return
    if setting.path == "scenario":
        _add_scenario(collector, text, flag)
        return
    if setting.path == "workload.options":
        text = ",".join(text) if isinstance(text, tuple) else text
    if setting.path == "keys.distribution":
        collector.put_distribution(text, flag)
        return
    if setting.path in ("values.size_bytes", "values.sizes"):
        collector.put_sizes(text, flag)
        return
    if setting.path == "workload.script" and text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            collector.problem(flag, repr(text), f"Lua, or @FILE that can be read ({error})")
            return
    if isinstance(text, bool):
        collector.put(setting.path, text, flag)
        return
    try:
        collector.put(setting.path, from_text(setting, text), flag)
    except UnusableError as error:
        collector.problem(flag, MASK if setting.secret else repr(text), str(error))


def _add_scenario(collector: Collector, path: str, flag: str) -> None:
    try:
        collector.add_scenario(load_scenario(path), flag)
    except ConfigError as error:
        collector.problems.extend(error.problems)
    except (OSError, ValueError) as error:
        collector.problem(flag, repr(path), f"a TOML file that can be read ({error})")


def _only_one(collector: Collector, flags: Mapping[str, Any], paths: tuple[str, ...], allowed: str) -> None:
    for path in paths:
        value = flags.get(parameter_name(path))
        if value not in (None, ()):
            collector.problem(settings()[path].flag, repr(value), f"{allowed}, not both")


def _short_form(name: str, *also: str) -> GroupedOption:
    setting = settings()[_SHORT_FORMS[name]]
    text = {"connections": "Connections of a single client pool.", "threads": "Worker threads."}[name]
    return GroupedOption(
        [name, f"--{name}", *also],
        metavar="N",
        group="Load",
        help=f"{text}  [default: {setting.default}]",
    )


def _option(setting: Setting) -> GroupedOption:
    group = _GROUPS.get(setting.section, "Load")
    name, flag = parameter_name(setting.path), setting.flag
    if setting.kind == "bool":
        return GroupedOption(
            [name, f"{flag}/--no-{flag[2:]}"], default=None, group=group, help=_help(setting)
        )
    flags = [*_ALSO.get(setting.path, ()), flag]
    if setting.path in _HIDDEN_ALSO:
        flags.append(_HIDDEN_ALSO[setting.path])
    metavar = "NAME" if setting.kind == "choice" else _METAVARS.get(setting.kind, "VALUE")
    repeated = setting.path in _REPEATED
    return GroupedOption([name, *flags], metavar=metavar, group=group, help=_help(setting), multiple=repeated)


def _help(setting: Setting) -> str:
    text = setting.doc.rstrip(".") + "."
    if setting.path == "target.password":
        text += " Others see it in ps: prefer the environment's REDISCLI_AUTH."
    if setting.path == "workload.name":
        text = f"Which operations are sent: {', '.join(workloads())}."
    if setting.path == "workload.script":
        text += " A text, or @FILE."
    if setting.path == "values.size_bytes":
        text += " What --value-sizes takes may stand here too."
    if setting.path == "keys.distribution":
        text += f" One of {distribution_shapes()}; every part is optional."
    elif setting.kind == "choice":
        text += f" One of {', '.join(setting.choices)}."
    shown = _default(setting)
    return text if shown == ABSENT else f"{text}  [default: {shown}]"


def _default(setting: Setting) -> str:
    value = setting.default
    if value is None or value in ("", {}, []):
        return ABSENT
    if setting.kind == "duration":
        return duration(value)
    if setting.kind == "bytes":
        return size(value)
    if setting.kind == "bool":
        return "on" if value else "off"
    return (
        f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)
    )
