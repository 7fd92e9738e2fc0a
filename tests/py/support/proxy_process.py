"""The process of ``proxy.Proxy``; not imported by tests."""

from __future__ import annotations

import errno
import select
import socket
import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from event_loop import EventLoop, bind, listen, reset

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK_BYTES = 64 * 1024
_QUEUE_BYTES = 4 * 1024 * 1024
_SMALL_BYTES = 16 * 1024
_MAX_RECORDED = 2_000_000


class Direction:
    """One way of a connection: chunks wait until due, then go out as far as bandwidth and socket allow."""

    def __init__(self, pair: Pair, name: str, source: socket.socket, sink: socket.socket) -> None:
        self._pair = pair
        self._proxy = pair.proxy
        self._name = name
        self._source = source
        self._sink = sink
        self._queue: deque[tuple[int, int, bytes]] = deque()  # due, received (0: its delay is recorded), data
        self._queued_bytes = 0
        self._free_ns = 0  # when bandwidth lets the next slice go
        self._timer_ns = 0
        self.blocked = False  # the sink's buffer is full
        self.ended = False  # the source has sent its FIN
        self.finished = False  # and everything before it went out
        self.sent_bytes = 0

    @property
    def wants_data(self) -> bool:
        """Whether the source should be read."""
        return not self.ended and self._queued_bytes < (_SMALL_BYTES if self._pair.slow else _QUEUE_BYTES)

    def receive(self) -> None:
        """The source is readable."""
        data = self._source.recv(_CHUNK_BYTES)
        now_ns = time.monotonic_ns()
        if not data:
            self.ended = True
        elif self._proxy.black_hole or self._pair.half_open:
            return
        else:
            self._queue.append((now_ns + self._proxy.delay_ns[self._name], now_ns, data))
            self._queued_bytes += len(data)
        if self._pair.connected:
            self.pump()

    def pump(self) -> None:
        """Sends what is due."""
        while self._queue and not self.blocked:
            due_ns, received_ns, data = self._queue[0]
            now_ns = time.monotonic_ns()
            due_ns = max(due_ns, self._free_ns)
            if due_ns > now_ns:
                self._wake_at(due_ns)
                return
            if received_ns:
                self._proxy.record(self._name, now_ns - received_ns)
            self._send(data, now_ns)
        if self.ended and not self._queue and not self.finished:
            self.finished = True
            self._pair.on_finished(self._sink)

    def _send(self, data: bytes, now_ns: int) -> None:
        limit = self._proxy.bytes_per_s if self._name == "replies" and self._pair.limited else 0
        piece = data[: max(1, limit // 100)] if limit else data
        cut = self._proxy.cut_after_bytes if self._name == "replies" else 0
        if cut:
            piece = piece[: max(0, cut - self.sent_bytes)]
        try:
            sent = self._sink.send(piece) if piece else 0
        except BlockingIOError:
            sent = 0
            self.blocked = True
        if sent < len(piece):
            self.blocked = True
        if limit:
            self._free_ns = max(now_ns, self._free_ns) + sent * 1_000_000_000 // limit
        self.sent_bytes += sent
        self._proxy.bytes[self._name] += sent
        self._queued_bytes -= sent
        if sent == len(data):
            self._queue.popleft()
        else:
            self._queue[0] = (0, 0, data[sent:])
        if cut and self.sent_bytes >= cut:
            self._queue.clear()
            raise ConnectionAbortedError(errno.ECONNABORTED, "cut")

    def _wake_at(self, when_ns: int) -> None:
        if self._timer_ns != when_ns:
            self._timer_ns = when_ns
            self._proxy.loop.call_at(when_ns, lambda: self._pair.on_timer(self))


class Pair:
    """A client's connection and ours to the server behind."""

    def __init__(self, proxy: ProxyProcess, client: socket.socket, number: int) -> None:
        self.proxy = proxy
        self.number = number
        self.slow = number == proxy.slow_connection
        self.connected = False
        self.half_open = False
        self._client = client
        self._server = socket.socket()
        self._open = True
        for side in (client, self._server):
            side.setblocking(False)
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = Direction(self, "requests", client, self._server)
        self._replies = Direction(self, "replies", self._server, client)
        if self.slow:  # before connecting: the window that is offered follows from it
            self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BYTES)
        self._server.connect_ex(proxy.target)
        proxy.loop.watch(client.fileno(), select.EPOLLIN, self._on_client)
        proxy.loop.watch(self._server.fileno(), select.EPOLLOUT, self._on_server)

    @property
    def limited(self) -> bool:
        """Whether its bandwidth is."""
        return self.slow or self.proxy.slow_connection < 0

    def end(self, how: str) -> None:
        """Closes both sides, with RST or FIN."""
        if not self._open:
            return
        self._open = False
        self.proxy.pairs.discard(self)
        for side in (self._client, self._server):
            if side.fileno() >= 0:
                self.proxy.loop.forget(side.fileno())
                if how == "reset":
                    reset(side)
                else:
                    side.close()

    def lose_server(self) -> None:
        """The server is let go; the client is not told."""
        self.half_open = True
        if self._server.fileno() >= 0:
            self.proxy.loop.forget(self._server.fileno())
            self._server.close()

    def on_timer(self, direction: Direction) -> None:
        """A chunk may be due."""
        if self._open and not self.half_open:
            self._guarded(direction.pump)

    def on_finished(self, sink: socket.socket) -> None:
        """One direction has ended."""
        if self._requests.finished and self._replies.finished:
            self.end("close")
        elif not self.half_open:
            sink.shutdown(socket.SHUT_WR)

    def _on_client(self, events: int) -> None:
        self._guarded(lambda: self._ready(events, self._requests, self._replies))

    def _on_server(self, events: int) -> None:
        if not self.connected:
            if self._server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
                self.end("reset")
                return
            self.connected = True
            self._guarded(self._requests.pump)
            events &= ~select.EPOLLOUT
        self._guarded(lambda: self._ready(events, self._replies, self._requests))

    def _ready(self, events: int, incoming: Direction, outgoing: Direction) -> None:
        if events & select.EPOLLERR:
            self.end("reset")
            return
        if events & select.EPOLLOUT:
            outgoing.blocked = False
            outgoing.pump()
        if self._open and events & (select.EPOLLIN | select.EPOLLHUP) and incoming.wants_data:
            incoming.receive()
            if incoming.ended and self.half_open:
                self.end("close")

    def _guarded(self, action: Callable[[], None]) -> None:
        if not self._open:
            return
        try:
            action()
        except BlockingIOError:
            pass
        except ConnectionAbortedError:
            self.end(self.proxy.cut_with)
        except OSError:
            self.end("reset")
        if self._open:
            self._watch(self._client, self._requests, self._replies)
            if self.connected and not self.half_open:
                self._watch(self._server, self._replies, self._requests)

    def _watch(self, side: socket.socket, incoming: Direction, outgoing: Direction) -> None:
        events = (select.EPOLLIN if incoming.wants_data else 0) | (select.EPOLLOUT if outgoing.blocked else 0)
        if self.proxy.watched.get(side.fileno()) != (self, events):
            self.proxy.watched[side.fileno()] = (self, events)
            self.proxy.loop.change(side.fileno(), events)


class ProxyProcess:
    """The listener, the settings, and the commands of ``proxy.Proxy``."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.loop = EventLoop(self)
        self.pairs: set[Pair] = set()
        self.watched: dict[int, tuple[Pair, int]] = {}
        self.delay_ns = {"requests": 0, "replies": 0}
        self.bytes_per_s = 0
        self.slow_connection = -1
        self.black_hole = False
        self.cut_after_bytes = 0
        self.cut_with = "reset"
        self.bytes = {"requests": 0, "replies": 0}
        self._delays: dict[str, list[int]] = {"requests": [], "replies": []}
        self._accepted = 0
        self._listener = listen()
        self.port = self._listener.getsockname()[1]
        self._refusing = False
        self.loop.watch(self._listener.fileno(), select.EPOLLIN, self._on_accept)

    def record(self, direction: str, held_ns: int) -> None:
        """Keeps how long a chunk was held."""
        if len(self._delays[direction]) < _MAX_RECORDED:
            self._delays[direction].append(held_ns)

    def set(self, settings: dict[str, float | str]) -> None:
        """Command."""
        for name, value in settings.items():
            if name in ("delay_s", "request_delay_s"):
                self.delay_ns["replies" if name == "delay_s" else "requests"] = round(float(value) * 1e9)
            elif name in ("bytes_per_s", "cut_after_bytes", "slow_connection"):
                setattr(self, name, int(value))
            elif name in ("black_hole", "cut_with"):
                setattr(self, name, value)
            else:
                raise ValueError(f"no setting {name!r}")

    def refuse(self, on: bool) -> None:
        """Command: a bound socket that does not listen keeps the port and refuses."""
        if on == self._refusing:
            return
        if on:
            self.loop.forget(self._listener.fileno())
        self._listener.close()
        made = bind(self.port) if on else listen(self.port)
        if made is None:
            raise OSError("the port was taken by another process")
        self._listener, self._refusing = made, on
        if not on:
            self.loop.watch(self._listener.fileno(), select.EPOLLIN, self._on_accept)

    def end_connections(self, how: str) -> int:
        """Command."""
        pairs = list(self.pairs)
        for pair in pairs:
            pair.end(how)
        return len(pairs)

    def half_open(self) -> int:
        """Command."""
        for pair in self.pairs:
            pair.lose_server()
        return len(self.pairs)

    def take_delays(self, direction: str) -> list[float]:
        """Command."""
        taken, self._delays[direction] = self._delays[direction], []
        return [held_ns / 1e9 for held_ns in taken]

    def counts(self) -> dict[str, int]:
        """Command."""
        counted = {"request_bytes": self.bytes["requests"], "reply_bytes": self.bytes["replies"]}
        return {"accepted": self._accepted, "open": len(self.pairs), **counted}

    def _on_accept(self, _: int) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            self.pairs.add(Pair(self, client, self._accepted))
            self._accepted += 1


if __name__ == "__main__":
    proxy = ProxyProcess((sys.argv[1], int(sys.argv[2])))
    proxy.loop.run(proxy.port)
