"""The server's process as its owner sees it: through the watchdog, which is its parent."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from redisload.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ["ServerProcess"]

_WATCHDOG_SCRIPT = Path(__file__).with_name("_watchdog.py")
_WATCHDOG_TIMEOUT_S = 30.0


class ServerProcess:
    """A watchdog, the private directory that it made, and at most one server process in it.

    Thread-safe. Belongs to the process that made it: in a forked child every method raises RunError, except
    that :meth:`end` does nothing there.
    """

    def __init__(self, directory: Path, binary: str) -> None:
        """Starts the watchdog, which makes the directory; no server yet.

        Raises:
            RunError: the watchdog cannot be started.
        """
        self._owner = os.getpid()
        self._directory = directory
        self._lock = threading.RLock()
        self._unread = b""
        self._ready = False
        self._gone = False
        self._failure: str | None = None
        self.pid: int | None = None
        """Process number of the running server."""
        self.exit_status: int | None = None
        """How the last server ended: its exit code, or minus the signal's number."""
        try:
            self._watchdog = subprocess.Popen(
                [
                    sys.executable or "python3",
                    "-I",
                    "-S",
                    str(_WATCHDOG_SCRIPT),
                    str(self._owner),
                    str(directory),
                    binary,
                ],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,  # Ctrl-C in the terminal is for us, not for the server
            )
        except OSError as error:
            raise RunError(f"cannot start the watchdog of an embedded server: {error}") from error
        try:
            self._wait_until(lambda: self._ready, _WATCHDOG_TIMEOUT_S, "the watchdog did not start")
        except BaseException:
            self.end()
            raise

    def start(self) -> None:
        """Starts the server; returns once the process exists, which is before it answers.

        Raises:
            RunError: it cannot be started, or one is running.
        """
        with self._owned():
            self.poll()
            if self.pid is not None:
                raise RunError("the embedded server is already running")
            self.exit_status = self._failure = None
            self._send(b"start\n")
            self._wait_until(lambda: self._started(), _WATCHDOG_TIMEOUT_S, "the server was not started")
            if self._failure is not None:
                raise RunError(f"cannot start the embedded server: {self._failure}")

    def terminate(self, number: signal.Signals, timeout_s: float) -> None:
        """Sends the running server a signal and waits for its end; after timeout_s it is killed."""
        with self._owned():
            self.poll()
            if self.pid is None:
                return
            # A server that was frozen has to run again to see any signal but SIGKILL.
            self._send(b"signal %d\nsignal %d\n" % (number, signal.SIGCONT))
            try:
                self._wait_until(lambda: self.pid is None, timeout_s, "the server did not end")
            except RunError:
                self._send(b"signal %d\n" % signal.SIGKILL)
                self._wait_until(lambda: self.pid is None, _WATCHDOG_TIMEOUT_S, "the server did not end")

    @property
    def lost(self) -> bool:
        """Whether the watchdog is gone, and the server with it: nothing can be started here any more."""
        return self._gone

    def poll(self) -> int | None:
        """The process number of the running server, None when there is none."""
        with self._owned():
            while self._receive(0.0):
                pass
            return self.pid

    def end(self) -> None:
        """Kills the server, removes the directory, ends the watchdog; does nothing when done before."""
        if os.getpid() != self._owner:
            self._abandon()
            return
        with self._lock:
            if not self._gone:
                with contextlib.suppress(RunError):
                    self._send(b"end\n")  # said, because a forked child of ours may keep the pipe open
            self._close_streams()
            self._gone = True
            self.pid = None
            try:
                self._watchdog.wait(_WATCHDOG_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._watchdog.kill()
                self._watchdog.wait()
            if self._watchdog.returncode != 0:  # it was killed: what it would have done is left to us
                shutil.rmtree(self._directory, ignore_errors=True)

    def _abandon(self) -> None:
        # In a forked child. There is nothing to wait for; otherwise Popen and its files warn of being left.
        self._watchdog.returncode = 0
        self._close_streams()

    def _close_streams(self) -> None:
        for stream in (self._watchdog.stdin, self._watchdog.stdout):
            if stream is not None:
                stream.close()

    def _owned(self) -> AbstractContextManager[bool]:
        # Looked at before locking: in a forked child another thread's lock would never be given back.
        if os.getpid() != self._owner:
            raise RunError(f"this embedded server belongs to process {self._owner}, not to its forked child")
        return self._lock

    def _started(self) -> bool:
        return self.pid is not None or self.exit_status is not None or self._failure is not None

    def _send(self, line: bytes) -> None:
        stdin = self._watchdog.stdin
        if self._gone or stdin is None:
            raise RunError("the embedded server has been closed")
        try:
            stdin.write(line)
        except OSError as error:
            self._lose_watchdog()
            raise RunError("the watchdog of the embedded server is gone, and the server with it") from error

    def _wait_until(self, done: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not done():
            if self._gone:
                raise RunError("the watchdog of the embedded server is gone, and the server with it")
            left = deadline - time.monotonic()
            if left <= 0:
                raise RunError(f"{otherwise} within {timeout_s:g} s")
            self._receive(left)

    def _receive(self, timeout_s: float) -> bool:
        """Takes in what the watchdog says; False when it said nothing within timeout_s."""
        stdout = self._watchdog.stdout
        if self._gone or stdout is None:
            return False
        waiting = select.poll()
        waiting.register(stdout, select.POLLIN)
        if not waiting.poll(timeout_s * 1000):
            return False
        data = os.read(stdout.fileno(), 4096)
        if not data:
            self._lose_watchdog()
            return False
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            if word == "ready":
                self._ready = True
            elif word == "started":
                self.pid = int(rest)
            elif word == "exited":
                self.pid, self.exit_status = None, int(rest)
            elif word == "failed":
                self._failure = rest
        return True

    def _lose_watchdog(self) -> None:
        self._gone = True
        self.pid = None
