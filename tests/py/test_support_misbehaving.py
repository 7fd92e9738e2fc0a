"""Each misbehaving server of the tests misbehaves as it says, from the start and in mid-run."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import redis

from support.leaks import assert_no_leak, usage
from support.misbehaving import KINDS, MisbehavingServer
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROPER = [(b"PING", b"+PONG\r\n"), (b"SET k v", b"+OK\r\n"), (b"GET k", b"$-1\r\n"), (b"INCR k", b":1\r\n")]


class Client:
    """A plain connection."""

    def __init__(self, server: MisbehavingServer) -> None:
        self.socket = socket.create_connection((server.host, server.port), timeout=5)

    def ask(self, *commands: bytes) -> None:
        """Sends the commands at once, as arrays of bulk strings."""
        data = b""
        for command in commands:
            words = command.split()
            bulks = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
            data += b"*%d\r\n%s" % (len(words), bulks)
        self.socket.sendall(data)

    def read(self, size: int) -> bytes:
        """So many bytes, or fewer if the connection ends."""
        data = b""
        while len(data) < size and (more := self.socket.recv(size - len(data))):
            data += more
        return data

    def assert_silent(self, for_s: float = 0.3) -> None:
        """Nothing comes, not even an end."""
        self.socket.settimeout(for_s)
        with pytest.raises(TimeoutError):
            self.socket.recv(1)
        self.socket.settimeout(5)

    def assert_proper(self) -> None:
        """The four kinds of right answers."""
        for command, reply in PROPER:
            self.ask(command)
            assert self.read(len(reply)) == reply


@pytest.fixture
def client_of(misbehaving_server: Callable[..., MisbehavingServer]) -> Iterator[Callable[..., Client]]:
    """Starts a server of a kind and connects to it."""
    made: list[Client] = []

    def connect(kind: str, after: int | None = 0) -> Client:
        made.append(Client(misbehaving_server(kind, after)))
        return made[-1]

    yield connect
    for client in made:
        client.socket.close()


@pytest.mark.parametrize("kind", KINDS)
def test_behaves_for_the_first_replies(
    kind: str, misbehaving_server: Callable[..., MisbehavingServer]
) -> None:
    server = misbehaving_server(kind, after=4)
    client = Client(server)
    client.assert_proper()
    assert server.counts() == {"accepted": 1, "open": 1, "commands": 4, "replies": 4}
    client.ask(b"PING", b"PING")
    if kind in ("closes_after_each_reply", "trickle"):
        assert client.read(1) == b"+"
        assert server.counts()["replies"] > 4
    else:
        wait_until(lambda: server.counts()["commands"] > 4)
        assert server.counts()["replies"] == 4
    client.socket.close()


@pytest.mark.parametrize("kind", KINDS)
def test_behaves_until_told(kind: str, misbehaving_server: Callable[..., MisbehavingServer]) -> None:
    server = misbehaving_server(kind, after=None)
    with redis.Redis(port=server.port, retry=None, protocol=2) as independent:
        for _ in range(50):
            assert independent.ping()
        assert independent.set("key", "value")
        assert independent.get("key") is None
    server.misbehave()
    client = Client(server)
    client.socket.settimeout(0.3)
    with client.socket, suppress(TimeoutError, ConnectionError):
        client.ask(b"PING", b"PING")
        assert client.read(14) != b"+PONG\r\n" * 2
    server.misbehave(False)
    client = Client(server)
    with client.socket:
        client.assert_proper()


def test_never_answers(client_of: Callable[..., Client]) -> None:
    client = client_of("never_answers")
    client.ask(b"PING", b"PING")
    client.assert_silent()


def test_garbage_is_no_resp(client_of: Callable[..., Client]) -> None:
    client = client_of("garbage")
    client.ask(b"PING")
    assert client.read(20)[:1] not in b"+-:$*_,#!=(%~>|"


def test_closes_after_each_reply(client_of: Callable[..., Client]) -> None:
    client = client_of("closes_after_each_reply")
    client.ask(b"PING", b"PING", b"PING")
    assert client.read(100) == b"+PONG\r\n"


def test_trickle(client_of: Callable[..., Client]) -> None:
    client = client_of("trickle")
    start = time.monotonic()
    client.ask(b"PING", b"PING")
    assert client.read(3) == b"+PO"
    assert time.monotonic() - start > 1.9
    client.assert_silent(0.5)


def test_huge_bulk(client_of: Callable[..., Client]) -> None:
    client = client_of("huge_bulk")
    client.ask(b"GET k", b"GET k")
    assert client.read(17) == b"$99999999999999\r\n"[:17]
    assert client.read(1_000_000)[-10:] == b"x" * 10


def test_deep_nesting(client_of: Callable[..., Client]) -> None:
    client = client_of("deep_nesting")
    client.ask(b"GET k", b"GET k")
    assert client.read(400_000) == b"*1\r\n" * 100_000
    client.assert_silent()


def test_resets(client_of: Callable[..., Client]) -> None:
    client = client_of("resets")
    client.ask(b"PING")
    with pytest.raises(ConnectionResetError):
        client.read(1)


def test_closes_on_accept(client_of: Callable[..., Client]) -> None:
    assert client_of("closes_on_accept").read(1) == b""


def test_unknown_kind() -> None:
    with pytest.raises(ValueError, match="rude"):
        MisbehavingServer("rude")


def test_leaves_nothing_behind() -> None:
    before = usage()
    with MisbehavingServer("garbage"), MisbehavingServer("trickle"):
        assert usage().children == before.children + 2
    assert_no_leak(before)
