"""The watchdog of an embedded server, run as ``python -I -S _watchdog.py OWNER DIRECTORY BINARY``.

It makes the private directory, is the parent of the server, and ends the server and removes the directory as
soon as its owner is gone, however the owner went: end of the pipe on standard input, or the owner's process
descriptor (a forked child of the owner may still hold the pipe). Being the parent it never signals a process
number that has been given to somebody else. It imports nothing of redisload.

Commands, a line each: ``start``, ``signal N``, ``end``. Messages: ``ready``, ``started PID``,
``exited STATUS`` (a negative one is the signal), ``failed TEXT``.
"""
# pathlib and typing would double the start-up time of this process.
# ruff: noqa: PTH102, PTH106, PTH108, PTH118, S606

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys

TYPE_CHECKING = False  # as a type checker knows it, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable

_END_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_PR_SET_PDEATHSIG = 1


class Watchdog:
    """Owner of the server process and of the private directory; everything runs on the main thread."""

    def __init__(self, owner: int, directory: str, binary: str) -> None:
        self._owner = owner
        self._directory = directory
        self._binary = binary
        self._child: int | None = None
        self._ending = False
        self._pending = b""
        self._prctl = _load_prctl()

    def run(self) -> None:
        """Serves the owner until it ends or asks for the end."""
        wake, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in _END_SIGNALS:
            signal.signal(number, self._on_end_signal)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.mkdir(self._directory, 0o700)
        try:
            self._serve(wake)
        finally:
            self._kill_child()
            _remove(self._directory)

    def _serve(self, wake: int) -> None:
        waiting = select.poll()
        waiting.register(0, select.POLLIN)
        waiting.register(wake, select.POLLIN)
        owner_fd = _open_process(self._owner)
        if owner_fd is not None:
            waiting.register(owner_fd, select.POLLIN)
        self._tell("ready")
        # A parent that is already another one: the owner went before we could open its descriptor.
        self._ending = self._ending or os.getppid() != self._owner
        while not self._ending:
            readable = {fd for fd, _ in waiting.poll()}
            if wake in readable:
                os.read(wake, 4096)
                self._reap()
            if 0 in readable:
                self._read_commands()
            if owner_fd in readable:
                self._ending = True

    def _on_end_signal(self, *_: object) -> None:
        self._ending = True

    def _read_commands(self) -> None:
        data = os.read(0, 4096)
        if not data:
            self._ending = True
            return
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            command, _, argument = line.partition(b" ")
            if command == b"start" and self._child is None:
                self._start()
            elif command == b"signal" and self._child is not None:
                os.kill(self._child, int(argument))
            elif command == b"end":
                self._ending = True

    def _start(self) -> None:
        me = os.getpid()
        try:
            log = os.open(
                os.path.join(self._directory, "server.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
            )
            child = os.fork()
        except OSError as error:
            self._tell(f"failed {error}")
            return
        if child == 0:
            self._become_server(me, log)
        os.close(log)
        self._child = child
        self._tell(f"started {child}")

    def _become_server(self, parent: int, log: int) -> None:
        try:
            for number in (*_END_SIGNALS, signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            # One thread and one only starts the server here, so the death signal means what its name says.
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == parent:
                null = os.open(os.devnull, os.O_RDONLY)
                os.dup2(null, 0)
                os.dup2(log, 1)
                os.dup2(log, 2)
                os.execv(self._binary, [self._binary, os.path.join(self._directory, "redis.conf")])
        except OSError as error:
            os.write(log, f"cannot start {self._binary}: {error}\n".encode())
        finally:
            os._exit(127)

    def _reap(self) -> None:
        if self._child is None:
            return
        pid, status = os.waitpid(self._child, os.WNOHANG)
        if pid != 0:
            self._child = None
            self._tell(f"exited {os.waitstatus_to_exitcode(status)}")

    def _kill_child(self) -> None:
        if self._child is not None:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
            self._child = None

    def _tell(self, message: str) -> None:
        try:
            os.write(1, message.encode() + b"\n")
        except OSError:  # nobody reads any more
            self._ending = True


def _load_prctl() -> Callable[..., object]:
    if sys.platform == "linux":
        with contextlib.suppress(
            ImportError, OSError, AttributeError
        ):  # a Python without ctypes does without
            import ctypes

            prctl: Callable[..., object] = ctypes.CDLL(None).prctl
            return prctl
    return lambda *_: 0


def _open_process(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (
        AttributeError,
        OSError,
    ):  # not Linux, an older kernel, or already gone (seen by the pipe or getppid)
        return None


def _remove(directory: str) -> None:
    for folder, folders, files in os.walk(directory, topdown=False):
        for name in files:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))
        for name in folders:
            with contextlib.suppress(OSError):
                os.rmdir(os.path.join(folder, name))
    with contextlib.suppress(OSError):
        os.rmdir(directory)


if __name__ == "__main__":
    Watchdog(int(sys.argv[1]), sys.argv[2], sys.argv[3]).run()
