"""The Python line that asks for the same run, from a result's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisload._settings import settings, workload_defaults
from redisload.shapes import DISTRIBUTIONS, PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BREAK = "\0"  # where a line may be broken within an argument
_SECTION_TYPES = {"keys": "Keys", "values": "Values", "timeouts": "Timeouts", "topology": "Topology"}


def python_line(config: Mapping[str, Any], width: int = 78) -> list[str]:
    """``rl.run(…)`` in lines of at most ``width`` characters where that is possible; secrets stay masked."""
    arguments = []
    if not config["target"].get("embedded"):
        arguments.append(repr(config["target"]["url"]))
    if config["target"].get("protocol") is not None:
        arguments.append(f"protocol={config['target']['protocol']}")
    changed = _changed(config)
    arguments.extend(_workload(changed.pop("workload", {}), config))
    arguments.extend(_topology(changed.pop("topology", {})))
    keys = _distribution(changed.pop("keys", {}), config)
    arguments.extend(_section("keys", keys, short=("count",)))
    arguments.extend(_section("values", changed.pop("values", {}), short=("size_bytes", "sizes")))
    arguments.extend(_section("timeouts", changed.pop("timeouts", {})))
    if "scenario" in changed:
        steps = [_step(step, number) for number, step in enumerate(changed.pop("scenario"), start=1)]
        arguments.append(f"scenario=[{f', {_BREAK}'.join(steps)}]")
    arguments.extend(f"{name}={value!r}" for name, value in changed.items())
    return _wrapped(arguments, width)


def _step(step: Mapping[str, Any], number: int) -> str:
    kind = "Ramp" if "to_rate" in step else "Step"
    fields = [repr(step["duration_s"])]
    fields += [f"{one}={step[one]!r}" for one in ("rate", "to_rate", "think_s") if one in step]
    if step.get("name", "") != f"{kind.lower()} {number}":
        fields.append(f"name={step.get('name')!r}")
    return f"rl.{kind}({f', {_BREAK}'.join(fields)})"


class _Code(str):
    """Text that is code already."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _changed(config: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from the defaults, nested, the target left out."""
    changed: dict[str, Any] = {}
    of_workload = workload_defaults(config["workload"]["name"])
    for path, setting in settings().items():
        section, _, name = path.rpartition(".")
        if section == "target":
            continue
        default = of_workload.get(path, setting.default)
        value = (config.get(section, {}) if section else config).get(name, default)
        if value != default and value is not None:
            (changed.setdefault(section, {}) if section else changed)[name] = value
    return changed


def _workload(changed: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    name = config["workload"]["name"]
    commands = changed.get("commands")
    if commands is not None and set(changed) == {"name", "commands"}:
        return [f"workload={_commands(commands)}"]
    fields = [repr(name)]
    fields += [f"{one}={_numbers(changed[one])}" for one in ("weights", "options") if one in changed]
    if commands is not None:
        fields.append(f"commands={_commands(commands)}")
    if "script" in changed:
        fields.append(f"script={changed['script']!r}")
    if len(fields) > 1:
        return [f"workload=rl.Workload({f', {_BREAK}'.join(fields)})"]
    return [f"workload={name!r}"] if changed else []


def _commands(commands: Sequence[Mapping[str, Any]]) -> str:
    texts = [command["text"] for command in commands]
    if len(set(texts)) == len(texts) and not any("name" in command for command in commands):
        return _numbers({command["text"]: command["weight"] for command in commands})
    made = []
    for command in commands:
        weight = "" if command["weight"] == 1 else f", weight={_number(command['weight'])}"
        name = f", name={command['name']!r}" if "name" in command else ""
        made.append(f"rl.Command({command['text']!r}{weight}{name})")
    return "[" + f", {_BREAK}".join(made) + "]"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def _numbers(weights: Mapping[str, float]) -> str:
    return "{" + f", {_BREAK}".join(f"{name!r}: {_number(one)}" for name, one in weights.items()) + "}"


def _topology(changed: Mapping[str, Any]) -> list[str]:
    short = {"max_connections": "connections", "threads_per_pool": "threads"}
    if set(changed) <= set(short):
        return [f"{short[name]}={value}" for name, value in changed.items()]
    return _section("topology", changed)


def _distribution(changed: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    parts = {path.removeprefix("keys.") for path in PARTS}
    fields = {name: value for name, value in changed.items() if name not in parts}
    kind, paths = DISTRIBUTIONS[fields.get("distribution", "uniform")]
    if kind is not None:
        given = (repr(config["keys"][path.removeprefix("keys.")]) for path in paths)
        fields["distribution"] = _Code(f"rl.{kind.__name__}({', '.join(given)})")
    return fields


def _section(name: str, changed: Mapping[str, Any], short: Sequence[str] = ()) -> list[str]:
    if not changed:
        return []
    if len(changed) == 1 and (only := next(iter(changed))) in short:
        return [f"{name}={changed[only]!r}"]
    if any(value == settings()[f"{name}.{field}"].default for field, value in changed.items()):
        # The workload has another default: a dict says what is meant, a value type would not.
        fields = f", {_BREAK}".join(f"{field!r}: {value!r}" for field, value in changed.items())
        return [f"{name}={{{fields}}}"]
    fields = f", {_BREAK}".join(f"{field}={value!r}" for field, value in changed.items())
    return [f"{name}=rl.{_SECTION_TYPES[name]}({fields})"]


def _wrapped(arguments: list[str], width: int) -> list[str]:
    lines, line = [], "rl.run("
    pieces = f", {_BREAK}".join(arguments).split(_BREAK)
    pieces[-1] += ")"
    for piece in pieces:
        if len(line) + len(piece.rstrip()) > width and line.strip() not in ("", "rl.run("):
            lines.append(line.rstrip())
            line = "       "
        line += piece
    return [*lines, line]
