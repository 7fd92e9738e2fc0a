"""The Python line that asks for the same run, from a result's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisload._settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    keys = changed.pop("keys", {})
    arguments.extend(_section("keys", _distribution(keys, config), short="count"))
    arguments.extend(_section("values", changed.pop("values", {}), short="size_bytes"))
    arguments.extend(_section("timeouts", changed.pop("timeouts", {})))
    arguments.extend(f"{name}={value!r}" for name, value in changed.items())
    return _wrapped(arguments, width)


class _Code(str):
    """Text that is code already."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _changed(config: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from the defaults, nested, the target left out."""
    changed: dict[str, Any] = {}
    for path, setting in settings().items():
        section, _, name = path.rpartition(".")
        if section == "target":
            continue
        value = (config.get(section, {}) if section else config).get(name, setting.default)
        if value != setting.default and value is not None:
            (changed.setdefault(section, {}) if section else changed)[name] = value
    return changed


def _workload(changed: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    name = config["workload"]["name"]
    if "weights" in changed:
        return [f"workload=rl.Workload({name!r}, {_BREAK}weights={_numbers(changed['weights'])})"]
    return [f"workload={name!r}"] if changed else []


def _numbers(weights: Mapping[str, float]) -> str:
    return "{" + f", {_BREAK}".join(f"{name!r}: {weight:g}" for name, weight in weights.items()) + "}"


def _topology(changed: Mapping[str, Any]) -> list[str]:
    short = {"max_connections": "connections", "threads_per_pool": "threads"}
    if set(changed) <= set(short):
        return [f"{short[name]}={value}" for name, value in changed.items()]
    return _section("topology", changed)


def _distribution(changed: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(changed)
    changed.pop("zipf_exponent", None)
    if changed.get("distribution") == "zipfian":
        changed["distribution"] = _Code(f"rl.Zipfian({config['keys']['zipf_exponent']!r})")
    return changed


def _section(name: str, changed: Mapping[str, Any], short: str | None = None) -> list[str]:
    if not changed:
        return []
    if short is not None and set(changed) == {short}:
        return [f"{name}={changed[short]!r}"]
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
