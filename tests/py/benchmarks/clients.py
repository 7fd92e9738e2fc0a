"""The tools that are compared, as commands that send an exact number of operations."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from benchmarks.processes import Spent, output_of, run_child
from benchmarks.targets import ELEMENT_COUNT, KEY_COUNT, KEY_PREFIX, VALUE_BYTES

if TYPE_CHECKING:
    from benchmarks.targets import Target

# What `Redisload(custom=True)` sends for a command.
TEMPLATES = {
    "set": "SET {key} {value}",
    "get": "GET {key}",
    "incr": "INCR {key}",
    "hset": "HSET {key} {field} {value}",
}


@dataclass(frozen=True)
class Load:
    """Connections, each with so many operations in flight: these commands in equal shares.

    ``collection``: on a single key of ``ELEMENT_COUNT`` elements, which is what redis-benchmark does with
    lists, sets, sorted sets and hashes: so the server has the same work. Else on ``KEY_COUNT`` keys.
    """

    connections: int
    pipeline: int
    commands: tuple[str, ...] = ("set", "get")
    collection: bool = False


class Client(Protocol):
    """A tool under measurement: one thread, on one processor."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def version(self) -> str:
        """Name and version, to print."""

    def run(self, target: Target, load: Load, operations: int) -> Spent:
        """Sends ``operations``, the load's commands in equal shares, and says what that cost."""


def _script(name: str) -> str:
    """A command of this interpreter's environment."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else (shutil.which(name) or name)


@dataclass(frozen=True)
class Redisload:
    """Ours, through its shell as a user runs it: statistics line every interval, report at the end.

    ``checkout``: as ``--checkout`` takes it. ``custom``: the commands of ``TEMPLATES``, not a workload's.
    """

    name: str = "redisload"
    options: tuple[str, ...] = ("--sample-rate", "0.01", "--interval", "1s")
    checkout: str = "pinned"
    custom: bool = False

    def version(self) -> str:
        """Name and version, to print."""
        return output_of([_script("redisload"), "--version"])

    def run(self, target: Target, load: Load, operations: int) -> Spent:
        """Sends the operations in random order; fails unless every one succeeded."""
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            spent = run_child(
                [
                    _script("redisload"), "run", f"redis://127.0.0.1:{target.port}",
                    "--checkout", self.checkout, "--threads-per-pool", "1",
                    "--max-connections", str(load.connections), "-P", str(load.pipeline),
                    "-n", str(operations), "-d", str(VALUE_BYTES), "--key-prefix", KEY_PREFIX,
                    *self._workload(load), "--no-prefill", *self.options, "--json", file.name,
                ]
            )  # fmt: skip
            totals = json.loads(Path(file.name).read_text())["totals"]
        if totals["succeeded"] != operations:
            raise RuntimeError(f"{self.name}: {totals['succeeded']} of {operations} operations succeeded")
        return spent

    def _workload(self, load: Load) -> list[str]:
        keys = (
            ["-r", "1", "--option", f"elements={ELEMENT_COUNT}"]
            if load.collection
            else ["-r", str(KEY_COUNT)]
        )
        if not self.custom:
            return [*keys, "-t", ",".join(load.commands)]
        return keys + [word for command in load.commands for word in ("--command", TEMPLATES[command])]


@dataclass(frozen=True)
class OneByOne:
    """Ours, a run for each command: the same operations as one run that mixes them."""

    name: str
    client: Redisload

    def version(self) -> str:
        """Name and version, to print."""
        return self.client.version()

    def run(self, target: Target, load: Load, operations: int) -> Spent:
        """Sends the first command's operations, then the next one's."""
        spent = Spent(0, 0)
        for command in load.commands:
            alone = replace(load, commands=(command,))
            spent += self.client.run(target, alone, operations // len(load.commands))
        return spent


@dataclass(frozen=True)
class OnlyFirst:
    """Ours, with the load's first command alone, as many operations."""

    name: str
    client: Redisload

    def version(self) -> str:
        """Name and version, to print."""
        return self.client.version()

    def run(self, target: Target, load: Load, operations: int) -> Spent:
        """Sends the operations, all of one command."""
        return self.client.run(target, replace(load, commands=load.commands[:1]), operations)


@dataclass(frozen=True)
class RedisBenchmark:
    """redis-benchmark runs one command after another, so many of each."""

    name: str = "redis-benchmark"

    def version(self) -> str:
        """Name and version, to print."""
        return output_of(["redis-benchmark", "--version"])

    def run(self, target: Target, load: Load, operations: int) -> Spent:
        """Sends the first command's operations, then the next one's."""
        return run_child(
            [
                "redis-benchmark", "-h", "127.0.0.1", "-p", str(target.port),
                "-c", str(load.connections), "-P", str(load.pipeline),
                "-n", str(operations // len(load.commands)), "-d", str(VALUE_BYTES),
                "-r", str(ELEMENT_COUNT if load.collection else KEY_COUNT),
                "-t", ",".join(load.commands), "-q",
            ]
        )  # fmt: skip


@dataclass(frozen=True)
class RespBenchmark:
    """resp-benchmark sends one kind of command a run: a run of SETs, then one of GETs."""

    name: str = "resp-benchmark"

    def version(self) -> str:
        """Name and version, to print."""
        return "resp-benchmark " + output_of([_script("resp-benchmark"), "--version"])

    def run(self, target: Target, load: Load, operations: int) -> Spent:
        """Sends the SETs, then the GETs."""
        common = [
            _script("resp-benchmark"), "-h", "127.0.0.1", "-p", str(target.port),
            "-c", str(load.connections), "-P", str(load.pipeline), "-n", str(operations // 2),
            "--cores", "0",  # the first of those it may use
        ]  # fmt: skip
        key = f"{{key uniform {KEY_COUNT}}}"
        sets = run_child([*common, f"SET {key} {{value {VALUE_BYTES}}}"])
        return sets + run_child([*common, f"GET {key}"])
