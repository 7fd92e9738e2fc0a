"""Batches and think time where something comes between: broken connections, a pause, the end of a phase."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import redis

import redisload as rl
from support.conservation import assert_conserved
from support.server_view import ServerView

if TYPE_CHECKING:
    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis


# Keeps the server from reading for 20 ms: by then every connection has sent and waits.
BUSY = """
local function now() local t = redis.call('TIME') return t[1] * 1000000 + t[2] end
local until_us = now() + 20000
while now() < until_us do end
"""


def kill_clients(url: str, times: int) -> None:
    """Cuts every connection while its operations are in flight, so many times, a little apart."""
    client = redis.Redis.from_url(url)
    over = threading.Event()
    for _ in range(times):
        over.wait(0.1)
        both = client.pipeline(transaction=True)
        both.eval(BUSY, 0)
        both.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        both.execute()
    client.close()


@pytest.mark.parametrize(
    "load",
    [
        {"think_s": 0.005},
        {"think_s": 0.0},
        {"rate": 20_000.0},
        {"think_s": 0.005, "pipeline": 64},
        {"think_s": 0.005, "workload": "basic_rw", "pipeline": 16},
    ],
    ids=str,
)
def test_broken_connections_start_one_batch_each(redis_server: EmbeddedServer, load: dict[str, Any]) -> None:
    killer = threading.Thread(target=kill_clients, args=(redis_server.url, 10))
    options: dict[str, Any] = {"workload": "pipeline", **load}
    with rl.start(redis_server.url, connections=10, duration_s=1.5, keys=1_000, **options) as run:
        killer.start()
        result = run.wait()
    killer.join()
    assert_conserved(result)
    assert result.totals.lost + result.totals.failed > 0
    assert result.totals.timed_out == 0, "a place that was overwritten waits for ever"
    assert result.totals.retries == 0


@pytest.mark.parametrize(
    "options", [{"workload": "pipeline"}, {"workload": "pipeline", "think_s": 0.002}], ids=str
)
def test_a_pause_keeps_batches_whole(redis_server: EmbeddedServer, options: dict[str, Any]) -> None:
    with rl.start(redis_server.url, connections=10, duration_s=1, keys=1_000, **options) as run:
        for _ in range(5):
            run.pause()
            kill_clients(redis_server.url, 1)
            run.resume()
        result = run.wait()
    assert_conserved(result)
    assert result.totals.retries == result.totals.timed_out == 0


def test_thinking_ends_with_its_phase(redis_server: EmbeddedServer) -> None:
    result = rl.run(
        redis_server.url, operations=500, think_s=0.3, connections=50, keys=20_000, cleanup=True, pipeline=8
    )
    assert_conserved(result)
    assert result.totals.succeeded == 500
    with ServerView(redis_server.url) as view:
        assert view.call("DBSIZE") == 0
    spans = {span["phase"]: span for span in result.phases}
    assert spans["cleanup"]["end_s"] - spans["cleanup"]["start_s"] < 3
