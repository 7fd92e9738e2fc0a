"""The loop of the helper processes: epoll, exact timers, commands on standard input; one thread."""

from __future__ import annotations

import ctypes
import gc
import heapq
import itertools
import json
import os
import select
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_TFD_TIMER_ABSTIME = 1
_libc = ctypes.CDLL(None, use_errno=True)


class _TimerSpec(ctypes.Structure):
    # struct itimerspec of timerfd_settime(2)
    _fields_ = [(name, ctypes.c_long) for name in ("interval_s", "interval_ns", "value_s", "value_ns")]


class EventLoop:
    """Calls back on readiness, at a time, and on commands. Times are ``time.monotonic_ns``."""

    def __init__(self, controlled: object) -> None:
        """``controlled``: its methods are the commands."""
        self._controlled = controlled
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[int], None]] = {}
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        # epoll's own timeout has a resolution of 1 ms.
        self._timer_fd = _libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK_CLOEXEC)
        self._armed_ns = 0
        self._input = b""
        self._running = True
        self.watch(self._timer_fd, select.EPOLLIN, self._on_timer)
        self.watch(0, select.EPOLLIN, self._on_input)

    def watch(self, fd: int, events: int, callback: Callable[[int], None]) -> None:
        """Calls ``callback(events)`` whenever the descriptor is ready."""
        self._callbacks[fd] = callback
        self._epoll.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        """Watches for other events."""
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        """Watches no more; before the descriptor is closed."""
        if self._callbacks.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> None:
        """Calls back once, as soon after when_ns as it can; it cannot be taken back."""
        heapq.heappush(self._timers, (when_ns, next(self._numbers), callback))
        self._arm()

    def run(self, port: int) -> None:
        """Tells the port to whoever started us, and serves until standard input ends."""
        gc.freeze()
        gc.disable()  # no pauses; what lives here is freed by its reference count
        _tell({"port": port})
        while self._running:
            for fd, events in self._epoll.poll():
                callback = self._callbacks.get(fd)
                if callback is not None:
                    callback(events)

    def _on_timer(self, _: int) -> None:
        os.read(self._timer_fd, 8)
        self._armed_ns = 0
        while self._timers and self._timers[0][0] <= time.monotonic_ns():
            heapq.heappop(self._timers)[2]()
        self._arm()

    def _arm(self) -> None:
        if not self._timers or self._timers[0][0] == self._armed_ns:
            return
        self._armed_ns = self._timers[0][0]
        spec = _TimerSpec(0, 0, *divmod(max(1, self._armed_ns), 1_000_000_000))
        _libc.timerfd_settime(self._timer_fd, _TFD_TIMER_ABSTIME, ctypes.byref(spec), None)

    def _on_input(self, _: int) -> None:
        data = os.read(0, 65536)
        if not data:
            self._running = False
            return
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            request: dict[str, Any] = json.loads(line)
            try:
                _tell({"result": getattr(self._controlled, request.pop("command"))(**request)})
            except Exception as error:
                _tell({"error": f"{type(error).__name__}: {error}"})


def listen(port: int = 0) -> socket.socket:
    """A listening socket on 127.0.0.1, at a port that the kernel gives to no client (or at ``port``)."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        listener = bind(port or 10_000 + int.from_bytes(os.urandom(4), "big") % max(1, low - 10_000))
        if listener is not None:
            listener.listen(4096)
            return listener


def bind(port: int) -> socket.socket | None:
    """A socket bound to the port of 127.0.0.1, not listening: who connects is refused. None: it is taken."""
    bound = socket.socket()
    bound.setblocking(False)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        return None
    return bound


def reset(connection: socket.socket) -> None:
    """Closes with RST in place of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
