"""Commands of the user's own on the shell: ``--command``, ``--command-file`` and redis-benchmark's ``-t``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from redisload._convert import UnusableError
from redisload._convert_data import command_from_text
from redisload._settings import nearest, workloads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from redisload._collect import Collector

# redisload's own form of redis-benchmark's tests that no workload has.
_TESTS = {
    "PING": "PING",
    "PING_INLINE": "PING",
    "PING_MBULK": "PING",
    "RPUSH": "RPUSH {key} {value}",
    "LPOP": "LPOP {key}",
    "SPOP": "SPOP {key}",
    "ZPOPMIN": "ZPOPMIN {key}",
    "LRANGE_100": "LRANGE {key} 0 99",
    "LRANGE_300": "LRANGE {key} 0 299",
    "LRANGE_500": "LRANGE {key} 0 499",
    "LRANGE_600": "LRANGE {key} 0 599",
    "MSET": "MSET" + " {key} {value}" * 10,
}


def commands_from_texts(
    collector: Collector, spelled: str, texts: Iterable[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each with the name by which the user knows it; what is no text is noted as a problem."""
    for text in texts:
        try:
            yield spelled, command_from_text(text)
        except UnusableError as error:
            collector.problem(spelled, repr(text), str(error))


def commands_from_file(collector: Collector, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """One a line; blank lines and those that begin with # are left out."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        collector.problem("--command-file", repr(path), f"a text file that can be read ({error})")
        return
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield from commands_from_texts(collector, f"--command-file {path} line {number}", [line])


def put_tests(collector: Collector, text: str, flags: Mapping[str, Any]) -> None:
    """Commands in equal shares: the first workload that has all of them, else they are custom commands."""
    names = list(dict.fromkeys(name.strip().upper() for name in text.split(",") if name.strip()))
    weights = dict.fromkeys(names, 1.0)
    if flags.get("set_workload_name") is not None:
        collector.put("workload.weights", weights, "--tests")
        return
    for workload, about in workloads().items():
        if names and set(names) <= {command["label"].upper() for command in about["commands"]}:
            collector.put("workload.name", workload, "--tests")
            collector.put("workload.weights", weights, "--tests")
            return
    known = _known_tests(expire=flags.get("set_values_ttl_s") is not None)
    wrong = [name for name in names if name not in known]
    for name in wrong or ([] if names else [text]):
        allowed = f"one of {', '.join(one.lower() for one in known)}"
        collector.problem("--tests", repr(name.lower()), allowed + nearest(name, known))
    if names and not wrong:
        commands = [("--tests", {"text": known[name], "weight": 1.0, "name": name}) for name in names]
        collector.put_commands(commands, "--tests")


def _known_tests(*, expire: bool) -> dict[str, str]:
    """Label → template: single commands of the built-in workloads, and redis-benchmark's others."""
    known: dict[str, str] = {}
    for about in workloads().values():
        for command in about["commands"]:
            if command["text"]:
                known.setdefault(command["label"], command["text"])
    if expire and "SET" in known:
        known["SET"] += " PX {ttl_ms}"
    return known | _TESTS
