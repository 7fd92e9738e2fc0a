"""The process of ``misbehaving.MisbehavingServer``; not imported by tests."""

from __future__ import annotations

import random
import select
import socket
import sys
import time
from typing import TYPE_CHECKING

from event_loop import EventLoop, listen, reset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REPLIES = {
    b"PING": b"+PONG\r\n",
    b"GET": b"$-1\r\n",
    b"HELLO": b"-ERR unknown command 'HELLO'\r\n",
    b"INFO": b"$21\r\nredis_version:0.0.0\r\n\r\n",
    b"CONFIG": b"*0\r\n",
    b"COMMAND": b"*0\r\n",
    **dict.fromkeys((b"INCR", b"DEL", b"UNLINK", b"EXISTS", b"DBSIZE"), b":1\r\n"),
}
_OTHERWISE = b"+OK\r\n"
_RESP_TYPES = b"+-:$*_,#!=(%~>|"
_NESTING = b"*1\r\n" * 100_000
_HUGE_BULK_BYTES = 64 * 1024 * 1024
_SECOND_NS = 1_000_000_000


class Connection:
    """One client: what it sent and was not understood yet, what it is owed."""

    def __init__(self, server: MisbehavingProcess, stream: socket.socket) -> None:
        self._server = server
        self._stream = stream
        self._input = bytearray()
        self._output = bytearray()
        self._slow_output = bytearray()
        self._filler_bytes = 0
        self._close_after_output = False
        self._struck = False  # what is done once on a connection was done
        self.open = True
        stream.setblocking(False)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.loop.watch(stream.fileno(), select.EPOLLIN, self._on_ready)

    def reply(self, data: bytes) -> None:
        """Owes the client these bytes; they go out at the end of the turn."""
        self._output += data

    def close_after_reply(self) -> None:
        """Closes once everything owed was sent; further commands are ignored."""
        self._close_after_output = True

    def trickle(self, data: bytes) -> None:
        """Owes the client these bytes, one a second."""
        if not self._slow_output:
            self._server.loop.call_at(time.monotonic_ns(), self._trickle_one)
        self._slow_output += data

    def strike(self, data: bytes, filler_bytes: int = 0) -> None:
        """Sends these bytes and so many more, once on each connection."""
        if not self._struck:
            self._struck = True
            self.reply(data)
            self._filler_bytes = filler_bytes

    def end(self, how: Callable[[socket.socket], None] = socket.socket.close) -> None:
        """Closes; ``reset`` for RST."""
        if self.open:
            self.open = False
            self._server.connections.discard(self)
            self._server.loop.forget(self._stream.fileno())
            how(self._stream)

    def _on_ready(self, events: int) -> None:
        try:
            if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                self._read()
            if self.open:
                self._write()
        except BlockingIOError:
            pass
        except OSError:
            self.end()

    def _read(self) -> None:
        data = self._stream.recv(65536)
        if not data:
            self.end()
            return
        self._input += data
        for name in _take_commands(self._input):
            if self.open and not self._close_after_output:
                self._server.on_command(self, name)

    def _write(self) -> None:
        if self._output:
            del self._output[: self._stream.send(self._output)]
        while not self._output and self._filler_bytes > 0:
            self._filler_bytes -= self._stream.send(b"x" * min(65536, self._filler_bytes))
            self._server.loop.change(self._stream.fileno(), select.EPOLLIN | select.EPOLLOUT)
            return  # others have their turn
        if self._close_after_output and not self._output:
            self.end()
            return
        more = select.EPOLLOUT if self._output or self._filler_bytes > 0 else 0
        self._server.loop.change(self._stream.fileno(), select.EPOLLIN | more)

    def _trickle_one(self) -> None:
        if not self.open or not self._slow_output:
            return
        self.reply(bytes(self._slow_output[:1]))
        del self._slow_output[:1]
        self._on_ready(select.EPOLLOUT)
        if self._slow_output:
            self._server.loop.call_at(time.monotonic_ns() + _SECOND_NS, self._trickle_one)


class MisbehavingProcess:
    """The listener, and the commands of ``misbehaving.MisbehavingServer``."""

    def __init__(self, kind: str, after: int) -> None:
        self.loop = EventLoop(self)
        self.connections: set[Connection] = set()
        self._kind = kind
        self._behaviour: Callable[[Connection, bytes], None] = getattr(self, "_" + kind)
        self._after = after
        self._forced: bool | None = None
        self._random = random.Random(1)
        self._accepted = self._commands = self._replies = 0
        self._listener = listen()
        self.port = self._listener.getsockname()[1]
        self.loop.watch(self._listener.fileno(), select.EPOLLIN, self._on_accept)

    def misbehave(self, on: bool) -> None:
        """Command."""
        self._forced = on

    def counts(self) -> dict[str, int]:
        """Command."""
        connections = {"accepted": self._accepted, "open": len(self.connections)}
        return {**connections, "commands": self._commands, "replies": self._replies}

    def on_command(self, connection: Connection, name: bytes) -> None:
        """A client sent this command."""
        self._commands += 1
        if self._misbehaves():
            self._behaviour(connection, name)
        else:
            connection.reply(self._proper(name))

    def _misbehaves(self) -> bool:
        if self._forced is not None:
            return self._forced
        return 0 <= self._after <= self._replies

    def _proper(self, name: bytes) -> bytes:
        self._replies += 1
        return _REPLIES.get(name, _OTHERWISE)

    def _on_accept(self, _: int) -> None:
        while True:
            try:
                stream, _address = self._listener.accept()
            except OSError:
                return
            self._accepted += 1
            if self._kind == "closes_on_accept" and self._misbehaves():
                stream.close()
            else:
                self.connections.add(Connection(self, stream))

    def _never_answers(self, connection: Connection, name: bytes) -> None:
        pass

    def _garbage(self, connection: Connection, name: bytes) -> None:
        noise = self._random.randbytes(48)
        connection.reply(bytes(byte for byte in noise if byte not in _RESP_TYPES))

    def _closes_after_each_reply(self, connection: Connection, name: bytes) -> None:
        connection.reply(self._proper(name))
        connection.close_after_reply()

    def _trickle(self, connection: Connection, name: bytes) -> None:
        connection.trickle(self._proper(name))

    def _huge_bulk(self, connection: Connection, name: bytes) -> None:
        connection.strike(b"$99999999999999\r\n", _HUGE_BULK_BYTES)

    def _deep_nesting(self, connection: Connection, name: bytes) -> None:
        connection.strike(_NESTING)

    def _resets(self, connection: Connection, name: bytes) -> None:
        connection.end(reset)

    def _closes_on_accept(self, connection: Connection, name: bytes) -> None:
        connection.close_after_reply()


def _take_commands(data: bytearray) -> Iterator[bytes]:
    """The names of the complete commands (arrays of bulk strings, or inline) at the front, taken off it."""
    while (end := data.find(b"\r\n")) >= 0:
        if data[:1] != b"*":
            words = bytes(data[:end]).split()
            del data[: end + 2]
            if words:
                yield words[0].upper()
            continue
        position, name = end + 2, b""
        for index in range(int(data[1:end])):
            end = data.find(b"\r\n", position)
            if end < 0:
                return
            start = end + 2
            position = start + int(data[position + 1 : end]) + 2
            if position > len(data):
                return
            if index == 0:
                name = bytes(data[start : position - 2]).upper()
        del data[:position]
        yield name


if __name__ == "__main__":
    process = MisbehavingProcess(sys.argv[1], int(sys.argv[2]))
    process.loop.run(process.port)
