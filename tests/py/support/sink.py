"""The C++ sink (tests/cpp/support/sink.hpp) as a process, and its log as Python objects."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from types import TracebackType

_ROOT = Path(__file__).resolve().parents[3]
_SOURCES = [
    _ROOT / "tests/cpp/support" / name
    for name in ("sink.cpp", "sink_log.cpp", "command_scan.cpp", "sink_main.cpp")
]

CONNECT, NAME, COMMAND, DISCONNECT = 1, 2, 3, 4

# SinkLog::Record of tests/cpp/support/sink_log.hpp
RECORD = np.dtype(
    [
        ("time_ns", "<i8"),
        ("offset", "<u8"),
        ("length", "<u4"),
        ("connection", "<u4"),
        ("event", "<u4"),
        ("reserved", "<u4"),
    ]
)


@functools.cache
def sink_binary() -> Path:
    """The sink's program: ``$REDISLOAD_SINK``, else the default preset's if up to date, else built now."""
    given = os.environ.get("REDISLOAD_SINK")
    if given:
        return Path(given)
    built = _ROOT / "build/default/tests/cpp/redisload_sink"
    sources = [*_SOURCES, *(_ROOT / "tests/cpp/support").glob("*.hpp")]
    if built.exists() and built.stat().st_mtime >= max(source.stat().st_mtime for source in sources):
        return built
    binary = Path(_build_directory().name) / "redisload_sink"
    command = [
        os.environ.get("CXX", "g++"),
        "-std=c++20",
        "-O2",
        f"-I{_ROOT / 'tests/cpp'}",
        *map(str, _SOURCES),
    ]
    subprocess.run([*command, "-o", str(binary)], check=True)
    return binary


@functools.cache
def _build_directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="redisload-sink-")


class Sink:
    """A RESP server that answers at once or after a delay and can log what it got; a context manager.

    It ends when its standard input does, so also when the test process is killed.

    Args:
        mode: ``instant``; ``delay``: each reply leaves ``delay_s`` after its command came; ``record``: at
            once, and everything received is logged to ``log``.
        delay_s: seconds, of ``delay``.
        log: where to log, in any mode; read it with ``read_log`` after ``close``.
        value_bytes: size of GET's replies.
        port: 0 takes a free one.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        mode: Literal["instant", "delay", "record"] = "instant",
        *,
        delay_s: float = 0.01,
        log: Path | None = None,
        value_bytes: int = 3,
        port: int = 0,
    ) -> None:
        self._log = log
        arguments = [
            "--port",
            str(port),
            "--mode",
            mode,
            "--value-bytes",
            str(value_bytes),
            "--exit-with-stdin",
        ]
        if mode == "delay":
            arguments += ["--delay-ms", repr(delay_s * 1000)]
        if log is not None:
            arguments += ["--log", str(log)]
        self._process = subprocess.Popen(
            [str(sink_binary()), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith(b"port "):
            self._close_streams()
            raise RuntimeError(f"the sink did not start, status {self._process.wait(30)}")
        self.port = int(line.split()[1])

    @property
    def pid(self) -> int:
        """Process number."""
        return self._process.pid

    @property
    def url(self) -> str:
        """Its address as a target."""
        return f"redis://{self.host}:{self.port}"

    def close(self) -> None:
        """Ends the process, which writes its log out, and waits for its end; fails if it failed."""
        if self._process.returncode is not None:
            return
        self._close_streams()
        try:
            status = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        assert status == 0, f"the sink ended with status {status}"

    def _close_streams(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def read_log(self) -> SinkLog:
        """What it received; it must be closed."""
        assert self._log is not None, "this sink keeps no log"
        assert self._process.returncode is not None, "close the sink first: its log is buffered"
        return SinkLog.read(self._log)

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class SinkLog:
    """What a sink received, in the order of receipt; times are CLOCK_MONOTONIC, as ``time.monotonic_ns``.

    A command's time is that of the receipt that completed it: commands of one read share it.
    """

    records: np.ndarray  # of RECORD
    data: bytes

    @classmethod
    def read(cls, path: Path) -> SinkLog:
        """Reads the log's two files."""
        return cls(np.fromfile(path, RECORD), path.with_name(path.name + ".bytes").read_bytes())

    @property
    def commands(self) -> np.ndarray:
        """The records of commands."""
        commands: np.ndarray = self.records[self.records["event"] == COMMAND]
        return commands

    @property
    def names(self) -> dict[int, str]:
        """Connection number → the name it gave itself last."""
        named = self.records[self.records["event"] == NAME]
        return {int(record["connection"]): self.bytes_of(record).decode() for record in named}

    def bytes_of(self, record: np.void) -> bytes:
        """The bytes that a record points to: a command as received, or a name."""
        begin = int(record["offset"])
        return self.data[begin : begin + int(record["length"])]

    def words(self, record: np.void) -> list[bytes]:
        """A command's words."""
        return parse_words(self.bytes_of(record))

    def streams(self) -> dict[str, list[bytes]]:
        """Connection name → its commands as received, in order; connections without a name are left out."""
        names = self.names
        streams: dict[str, list[bytes]] = {name: [] for name in names.values()}
        commands = self.commands
        columns = (commands[column].tolist() for column in ("connection", "offset", "length"))
        for connection, offset, length in zip(*columns, strict=True):
            if connection in names:
                streams[names[connection]].append(self.data[offset : offset + length])
        return streams

    def counts(self) -> dict[str, int]:
        """Command name, upper case → how often it came."""
        counts: dict[str, int] = {}
        commands = self.commands
        for offset, length in zip(commands["offset"].tolist(), commands["length"].tolist(), strict=True):
            # *N\r\n$L\r\nNAME\r\n, or an inline command
            head = self.data[offset : offset + min(length, 64)].split(b"\r\n")
            name = (head[2] if head[0].startswith(b"*") else head[0].split()[0]).decode().upper()
            counts[name] = counts.get(name, 0) + 1
        return counts


def parse_words(command: bytes) -> list[bytes]:
    """The words of one command: an array of bulk strings, or one line."""
    if not command.startswith(b"*"):
        return command.split()
    at = command.index(b"\r\n") + 2
    words: list[bytes] = []
    for _ in range(int(command[1 : at - 2])):
        end = command.index(b"\r\n", at)
        length = int(command[at + 1 : end])
        words.append(command[end + 2 : end + 2 + length])
        at = end + 2 + length + 2
    return words
