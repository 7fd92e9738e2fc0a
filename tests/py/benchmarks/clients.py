"""The tools that are compared, as commands that send an exact number of SETs and GETs, half and half."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from benchmarks.processes import Spent, output_of, run_child
from benchmarks.targets import KEY_COUNT, KEY_PREFIX, VALUE_BYTES

if TYPE_CHECKING:
    from benchmarks.targets import Target


@dataclass(frozen=True)
class Load:
    """Connections, each with so many operations in flight."""

    connections: int
    pipeline: int


class Client(Protocol):
    """A tool under measurement: one thread, on one processor."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def version(self) -> str:
        """Name and version, to print."""

    def run(self, target: Target, load: Load, operations: int) -> Spent:
        """Sends ``operations``, half of them SET and half GET, and says what that cost."""


def _script(name: str) -> str:
    """A command of this interpreter's environment."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else (shutil.which(name) or name)


@dataclass(frozen=True)
class Redisload:
    """Ours, through its shell as a user runs it: statistics line every interval, report at the end."""

    name: str = "redisload"
    options: tuple[str, ...] = ("--sample-rate", "0.01", "--interval", "1s")

    def version(self) -> str:
        """Name and version, to print."""
        return output_of([_script("redisload"), "--version"])

    def run(self, target: Target, load: Load, operations: int) -> Spent:
        """Sends the operations in random order; fails unless every one succeeded."""
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            spent = run_child(
                [
                    _script("redisload"), "run", f"redis://127.0.0.1:{target.port}", "--threads", "1",
                    "-c", str(load.connections), "-P", str(load.pipeline), "-n", str(operations),
                    "-d", str(VALUE_BYTES), "-r", str(KEY_COUNT), "--key-prefix", KEY_PREFIX,
                    "-t", "set,get", "--no-prefill",
                    *self.options, "--json", file.name,
                ]
            )  # fmt: skip
            totals = json.loads(Path(file.name).read_text())["totals"]
        if totals["succeeded"] != operations:
            raise RuntimeError(f"redisload: {totals['succeeded']} of {operations} operations succeeded")
        return spent


@dataclass(frozen=True)
class RedisBenchmark:
    """redis-benchmark runs SET, then GET, so many of each."""

    name: str = "redis-benchmark"

    def version(self) -> str:
        """Name and version, to print."""
        return output_of(["redis-benchmark", "--version"])

    def run(self, target: Target, load: Load, operations: int) -> Spent:
        """Sends the SETs, then the GETs."""
        return run_child(
            [
                "redis-benchmark", "-h", "127.0.0.1", "-p", str(target.port),
                "-c", str(load.connections), "-P", str(load.pipeline), "-n", str(operations // 2),
                "-d", str(VALUE_BYTES), "-r", str(KEY_COUNT), "-t", "set,get", "-q",
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
