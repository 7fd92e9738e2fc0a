"""The sink that other tests measure with, seen by an independent client."""

from __future__ import annotations

import itertools
import socket
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import redis

from support.sink import CONNECT, DISCONNECT, Sink, parse_words

if TYPE_CHECKING:
    from pathlib import Path

SET = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\nbc\r\n"


def _receive(connection: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        piece = connection.recv(size - len(got))
        assert piece, f"the sink closed the connection after {got!r}"
        got += piece
    return got


def _client(sink: Sink, name: str | None = None) -> redis.Redis:
    return redis.Redis(port=sink.port, protocol=2, client_name=name)  # the sink refuses HELLO


def test_answers_as_a_server_would() -> None:
    with Sink(value_bytes=32) as sink, _client(sink) as client:
        assert client.ping()
        assert client.set("k", "v") is True
        value = client.get("k")
        assert isinstance(value, bytes)
        assert len(value) == 32
        assert (client.incr("k"), client.delete("k"), client.unlink("k"), client.dbsize()) == (1, 1, 1, 1)
        assert client.exists("k") == 1
        assert client.config_get("save") == {}
        info = client.info()
        assert info["process_id"] == sink.pid
        assert info["used_cpu_user"] >= 0
        with pytest.raises(redis.ResponseError, match="unknown command"):
            client.execute_command("HELLO", "3")


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
def test_commands_may_arrive_in_any_pieces(piece: int) -> None:
    sent = SET * 20 + b"PING\r\n"
    with Sink() as sink, socket.create_connection((sink.host, sink.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(sent), piece):
            connection.sendall(sent[at : at + piece])
        expected = b"+OK\r\n" * 20 + b"+PONG\r\n"
        assert _receive(connection, len(expected)) == expected


def test_large_payloads_and_slow_readers() -> None:
    with Sink(value_bytes=1_000_000) as sink, _client(sink) as client:
        assert client.set("k", b"\r\n*1" * 1_000_000) is True
        with client.pipeline(transaction=False) as pipeline:
            for _ in range(50):
                pipeline.get("k")
            assert [len(value) for value in pipeline.execute()] == [1_000_000] * 50


def test_what_is_no_command_ends_its_connection_only() -> None:
    with Sink() as sink, _client(sink) as client:
        with socket.create_connection((sink.host, sink.port)) as connection:
            connection.sendall(b"*1\r\n:3\r\n")
            assert connection.recv(100) == b""
        assert client.ping()


def test_delay_is_never_shorter_and_keeps_the_order() -> None:
    with Sink("delay", delay_s=0.02) as sink, socket.create_connection((sink.host, sink.port)) as connection:
        for _ in range(10):
            started = time.monotonic()
            connection.sendall(SET + b"PING\r\n")
            assert _receive(connection, 12) == b"+OK\r\n+PONG\r\n"
            assert time.monotonic() - started >= 0.02


def test_delays_of_many_connections_overlap() -> None:
    with Sink("delay", delay_s=0.05) as sink:
        connections = [socket.create_connection((sink.host, sink.port)) for _ in range(100)]
        started = time.monotonic()
        for connection in connections:
            connection.sendall(b"PING\r\n")
        for connection in connections:
            assert _receive(connection, 7) == b"+PONG\r\n"
            connection.close()
        assert 0.05 <= time.monotonic() - started < 100 * 0.05


def test_the_log_holds_every_command(tmp_path: Path) -> None:
    before_ns = time.monotonic_ns()
    with Sink("record", log=tmp_path / "log") as sink:
        for number in range(3):
            with _client(sink, f"load:w0:c{number}") as client:
                with client.pipeline(transaction=False) as pipeline:
                    for key in range(1000):
                        pipeline.set(f"{number}:{key}", b"\r\n$3\r\n")
                    pipeline.execute()
                client.incr("n")
    after_ns = time.monotonic_ns()
    log = sink.read_log()
    assert sorted(log.names.values()) == [f"load:w0:c{number}" for number in range(3)]
    counts = log.counts()
    assert (counts["SET"], counts["INCRBY"]) == (3000, 3)
    for number in range(3):
        words = [parse_words(command) for command in log.streams()[f"load:w0:c{number}"]]
        sets = [word for word in words if word[0] == b"SET"]
        assert sets == [[b"SET", f"{number}:{key}".encode(), b"\r\n$3\r\n"] for key in range(1000)]
    times = log.records["time_ns"]
    assert before_ns <= times[0] <= times[-1] <= after_ns
    assert np.all(np.diff(times) >= 0)
    assert np.count_nonzero(log.records["event"] == CONNECT) == 3
    assert np.count_nonzero(log.records["event"] == DISCONNECT) == 3
    for earlier, later in itertools.pairwise(log.commands):
        assert earlier["offset"] + earlier["length"] <= later["offset"]
    assert log.words(log.commands[-1]) == [b"INCRBY", b"n", b"1"]


def test_it_ends_with_its_owner() -> None:
    sink = Sink()
    with socket.create_connection((sink.host, sink.port)) as connection:
        sink.close()
        assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((sink.host, sink.port))


def test_it_says_why_it_does_not_start(capfd: pytest.CaptureFixture[str]) -> None:
    with Sink() as sink, pytest.raises(RuntimeError, match="status 1"):
        Sink(port=sink.port)
    assert "bind" in capfd.readouterr().err
