"""Freezes happen when they say, and the leak counters see leaks."""

from __future__ import annotations

import mmap
import threading
import time
from typing import TYPE_CHECKING

import pytest
import redis

from support.freeze import freeze, frozen
from support.leaks import assert_no_leak, process_state, usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redisload.embedded import EmbeddedServer


@pytest.mark.redis
def test_frozen_server_answers_nothing_until_released(start_server: Callable[..., EmbeddedServer]) -> None:
    server = start_server()
    assert server.pid is not None
    with redis.Redis(port=server.port, retry=None, socket_timeout=0.2) as client:
        client.ping()
        with frozen(server.pid) as times:
            assert process_state(server.pid) == "T"
            with pytest.raises(redis.TimeoutError):
                client.ping()
        assert times.asked_ns <= times.frozen_ns < times.released_ns <= time.monotonic_ns()
        assert times.duration_s >= 0.2
        assert process_state(server.pid) != "T"
        assert client.ping()


@pytest.mark.redis
def test_freeze_lasts_as_long_as_asked(start_server: Callable[..., EmbeddedServer]) -> None:
    server = start_server()
    assert server.pid is not None
    start_ns = time.monotonic_ns()
    waited_s: list[float] = []
    with redis.Redis(port=server.port, retry=None) as client:
        client.ping()
        thread = threading.Thread(
            target=lambda: [client.blpop("nothing", 0.1), waited_s.append(time.monotonic())]
        )
        thread.start()
        times = freeze(server.pid, 0.3)
        thread.join()
    assert start_ns <= times.asked_ns
    assert times.duration_s >= 0.3
    assert waited_s[0] * 1e9 >= times.released_ns


@pytest.mark.redis
def test_release_of_a_server_killed_meanwhile(start_server: Callable[..., EmbeddedServer]) -> None:
    server = start_server()
    assert server.pid is not None
    with frozen(server.pid):
        server.kill()
    server.restart()
    assert server.running


def test_leaks_are_seen(tmp_path: Path) -> None:
    before = usage()
    assert before.threads >= 1
    assert before.rss_bytes > 1 << 20
    with (tmp_path / "file").open("w"), pytest.raises(AssertionError, match="leak"):
        assert_no_leak(before, timeout_s=0.05)
    ending = threading.Event()
    thread = threading.Thread(target=ending.wait)
    thread.start()
    with pytest.raises(AssertionError, match="leak"):
        assert_no_leak(before, timeout_s=0.05)
    ending.set()
    thread.join()
    assert_no_leak(before)
    held = usage().rss_bytes
    with mmap.mmap(-1, 64 << 20) as block:  # from the kernel: malloc might hand out what other tests freed
        block[::4096] = b"x" * (len(block) // 4096)
        assert usage().rss_bytes - held > 60 << 20
