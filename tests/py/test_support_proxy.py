"""The proxy of the tests does what it says; other tests build on it."""

from __future__ import annotations

import socket
import statistics
import time
from typing import TYPE_CHECKING

import pytest
import redis

from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from redisload.embedded import EmbeddedServer
    from support.proxy import Proxy

pytestmark = pytest.mark.redis


@pytest.fixture
def proxy(start_proxy: Callable[..., Proxy], redis_server: EmbeddedServer) -> Proxy:
    """A proxy before the module's server."""
    return start_proxy(redis_server.port)


def connect(proxy: Proxy) -> redis.Redis:
    """redis-py through the proxy; one connection, retries nothing, waits half a second."""
    return redis.Redis(port=proxy.port, retry=None, socket_timeout=0.5, single_connection_client=True)


def raw(proxy: Proxy, data: bytes = b"PING\r\n") -> socket.socket:
    """A plain connection through the proxy that has sent these bytes."""
    connection = socket.create_connection((proxy.host, proxy.port), timeout=5)
    connection.sendall(data)
    return connection


def received(connection: socket.socket, size: int) -> bytes:
    """Exactly so many bytes, or fewer if the connection ends."""
    data = b""
    while len(data) < size and (more := connection.recv(size - len(data))):
        data += more
    return data


def test_forwards_everything_both_ways(proxy: Proxy) -> None:
    value = bytes(range(256)) * 40_000
    with connect(proxy) as client:
        client.set("key", value)
        assert client.get("key") == value
        counts = proxy.counts()
    assert counts["accepted"] == 1
    assert counts["open"] == 1
    assert counts["request_bytes"] > len(value)
    assert counts["reply_bytes"] > len(value)
    wait_until(lambda: proxy.counts()["open"] == 0)


def test_many_connections(proxy: Proxy) -> None:
    connections = [raw(proxy) for _ in range(200)]
    for connection in connections:
        assert received(connection, 7) == b"+PONG\r\n"
    assert proxy.counts()["open"] == 200
    for connection in connections:
        connection.close()
    wait_until(lambda: proxy.counts()["open"] == 0)


def test_delay_is_held_and_recorded(proxy: Proxy) -> None:
    with connect(proxy) as client:
        client.ping()
        proxy.delays_s("replies")
        proxy.delays_s("requests")
        proxy.set(delay_s=0.02, request_delay_s=0.01)
        took = []
        for _ in range(20):
            start = time.perf_counter()
            client.ping()
            took.append(time.perf_counter() - start)
        replies, requests = proxy.delays_s("replies"), proxy.delays_s("requests")
    assert len(replies) == len(requests) == 20
    assert min(replies) >= 0.02
    assert min(requests) >= 0.01
    # Every exchange lasts at least as long as its two chunks were held.
    assert all(total >= up + down for total, up, down in zip(took, requests, replies, strict=True))
    assert statistics.median(replies) < 0.03
    assert proxy.delays_s() == []


def test_delayed_chunks_keep_their_order(proxy: Proxy) -> None:
    proxy.set(delay_s=0.01)
    commands = b"".join(b"ECHO %d\r\n" % number for number in range(1000, 2000))
    with raw(proxy, b"") as connection:
        for start in range(0, len(commands), 700):
            connection.sendall(commands[start : start + 700])
        expected = b"".join(b"$4\r\n%d\r\n" % number for number in range(1000, 2000))
        assert received(connection, len(expected)) == expected


def test_bandwidth(proxy: Proxy) -> None:
    with connect(proxy) as client:
        client.set("key", b"x" * 30_000)
        proxy.set(bytes_per_s=100_000)
        start = time.monotonic()
        assert len(client.get("key")) == 30_000
        assert time.monotonic() - start > 0.25
        proxy.set(bytes_per_s=0)
        assert len(client.get("key")) == 30_000


def test_one_slow_connection(proxy: Proxy) -> None:
    proxy.set(slow_connection=1, bytes_per_s=30_000)
    took = []
    for _ in range(3):
        with connect(proxy) as client:
            client.set("key", b"x" * 12_000)
            start = time.monotonic()
            assert len(client.get("key")) == 12_000
            took.append(time.monotonic() - start)
    assert took[1] > 0.35
    assert max(took[0], took[2]) < took[1]


def test_trickle(proxy: Proxy) -> None:
    proxy.set(bytes_per_s=1)
    with raw(proxy) as connection:
        start = time.monotonic()
        assert received(connection, 3) == b"+PO"
        assert time.monotonic() - start > 1.9


def test_refuses_and_accepts_again(proxy: Proxy) -> None:
    with connect(proxy) as before:
        proxy.refuse()
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            raw(proxy)
        assert before.ping()
        proxy.refuse(False)
        with raw(proxy) as connection:
            assert received(connection, 7) == b"+PONG\r\n"


def test_resets(proxy: Proxy) -> None:
    with raw(proxy) as connection:
        assert received(connection, 7) == b"+PONG\r\n"
        assert proxy.reset_connections() == 1
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with raw(proxy) as connection:
        assert received(connection, 7) == b"+PONG\r\n"


def test_closes(proxy: Proxy) -> None:
    with raw(proxy) as connection:
        assert received(connection, 7) == b"+PONG\r\n"
        assert proxy.close_connections() == 1
        assert connection.recv(1) == b""


def test_black_hole(proxy: Proxy) -> None:
    with raw(proxy) as before:
        assert received(before, 7) == b"+PONG\r\n"
        proxy.set(black_hole=True)
        before.sendall(b"PING\r\n")
        with raw(proxy) as after:
            for connection in (before, after):
                connection.settimeout(0.3)
                with pytest.raises(TimeoutError):
                    connection.recv(1)
            proxy.set(black_hole=False)
            after.settimeout(5)
            after.sendall(b"PING\r\n")
            assert received(after, 7) == b"+PONG\r\n"


def test_half_open(proxy: Proxy, redis_client: redis.Redis) -> None:
    with raw(proxy) as connection:
        assert received(connection, 7) == b"+PONG\r\n"
        assert len(redis_client.client_list()) == 2
        assert proxy.half_open() == 1
        wait_until(lambda: len(redis_client.client_list()) == 1)
        connection.sendall(b"PING\r\n")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        with raw(proxy) as later:
            assert received(later, 7) == b"+PONG\r\n"


@pytest.mark.parametrize("how", ["reset", "close"])
def test_cut_after_bytes(proxy: Proxy, how: str) -> None:
    proxy.set(cut_after_bytes=10, cut_with=how)
    with raw(proxy, b"PING\r\nPING\r\n") as connection:
        assert received(connection, 10) == b"+PONG\r\n+PO"
        if how == "reset":
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        else:
            assert connection.recv(1) == b""


def test_end_of_the_server_reaches_the_client(
    start_proxy: Callable[..., Proxy], start_server: Callable[..., EmbeddedServer]
) -> None:
    server = start_server()
    proxy = start_proxy(server.port)
    with raw(proxy) as connection:
        assert received(connection, 7) == b"+PONG\r\n"
        server.kill()
        assert connection.recv(1) == b""
    with pytest.raises(ConnectionError), raw(proxy) as connection:  # as early as while it connects
        connection.recv(1)
    server.restart()
    with raw(proxy) as connection:
        assert received(connection, 7) == b"+PONG\r\n"


def test_unknown_setting_is_an_error(proxy: Proxy) -> None:
    with pytest.raises(RuntimeError, match="no setting 'speed'"):
        proxy.set(speed=1)
