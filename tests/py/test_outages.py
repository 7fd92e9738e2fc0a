"""Real servers that die, come back, refuse or vanish in mid-run; what is left behind in our process."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis

import redisload as rl
from support.conservation import assert_conserved
from support.freeze import frozen
from support.leaks import assert_no_leak, usage
from support.live import completions_ns, wait_for_measure
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from redisload.embedded import EmbeddedServer
    from support.proxy import Proxy

pytestmark = pytest.mark.redis

RESPONSE_S, GRACE_S = 0.4, 0.4
OPTIONS: dict[str, Any] = {
    "connections": 8,
    "pipeline": 4,
    "keys": 1000,
    "interval_s": 0.2,
    "sample_rate": 1.0,
    "timeouts": rl.Timeouts(connect_s=0.5, handshake_s=0.5, response_s=RESPONSE_S, grace_s=GRACE_S),
}
BROKEN = {"connection.closed", "connection.reset"}
SLACK_S = 1.0


def assert_ended_in_time(result: rl.Result, took_s: float, duration_s: float) -> None:
    assert took_s <= result.phases[-1]["start_s"] + duration_s + GRACE_S + SLACK_S
    assert result.totals.elapsed_s == pytest.approx(duration_s, abs=0.001)
    assert result.stop_reason == "duration"
    assert_conserved(result)


@pytest.mark.parametrize("rate", [None, 1000], ids=["closed", "open"])
def test_killed_and_restarted(start_server: Callable[..., EmbeddedServer], rate: float | None) -> None:
    server = start_server()
    started = time.monotonic()
    with rl.start(server.url, duration_s=4, rate=rate, **OPTIONS) as run:
        wait_for_measure(run)
        time.sleep(0.6)
        server.kill()
        killed_ns = time.monotonic_ns()
        time.sleep(0.8)
        server.restart()
        restarted_ns = time.monotonic_ns()
        result = run.wait()
    assert_ended_in_time(result, time.monotonic() - started, 4)
    # At a low rate there may have been nothing in flight: then the fault stands without an operation.
    assert BROKEN & (set(result.errors) | set(result.connection_faults))
    assert set(result.errors) <= BROKEN
    assert result.totals.lost + result.totals.failed == sum(result.errors.values()) <= 8 * 4
    assert "connection.refused" in result.connection_faults
    assert set(result.connection_faults) <= BROKEN | {"connection.refused"}
    reopened = [event["connection"] for event in result.events if event["kind"] == "reconnect"]
    assert sorted(reopened) == list(range(8))
    done_ns = completions_ns(result)
    assert not ((done_ns > killed_ns + 5_000_000) & (done_ns < restarted_ns - 500_000_000)).any()
    back_s = (done_ns[done_ns > restarted_ns].min() - restarted_ns) / 1e9
    assert back_s < 1.3  # the backoff's cap and a moment
    assert result.intervals["connections"].max() == 8
    assert result.intervals["connections"][result.intervals["phase"] == "measure"][-1] == 8
    if rate is not None:
        assert result.valid  # nothing was left unsent: the backlog was worked off
        waited_s = (restarted_ns - killed_ns) / 1e9
        assert result.response_time.max_s >= waited_s - 0.1
        assert result.totals.not_sent == 0


@pytest.mark.parametrize("rate", [None, 1000], ids=["closed", "open"])
def test_killed_and_never_restarted(start_server: Callable[..., EmbeddedServer], rate: float | None) -> None:
    server = start_server()
    started = time.monotonic()
    with rl.start(server.url, duration_s=1.5, rate=rate, **OPTIONS) as run:
        wait_for_measure(run)
        time.sleep(0.5)
        server.kill()
        result = run.wait()
    assert_ended_in_time(result, time.monotonic() - started, 1.5)
    assert set(result.errors) <= BROKEN | {"run.ended"}
    assert result.errors["run.ended"] == result.totals.not_sent > 0
    assert set(result.connection_faults) <= BROKEN | {"connection.refused"}
    assert not result.valid
    assert {"target_unresponsive", "control_unavailable"} <= {warning["code"] for warning in result.warnings}
    if rate is not None:
        assert result.totals.offered == pytest.approx(1500, abs=200)
        assert result.totals.not_sent == pytest.approx(1000, abs=200)
        assert result.response_time.p50_s is None


def test_killed_in_a_run_without_a_duration_is_stalled(start_server: Callable[..., EmbeddedServer]) -> None:
    server = start_server()
    with rl.start(server.url, operations=10**9, **{**OPTIONS, "sample_rate": 0.0}) as run:
        wait_for_measure(run)
        time.sleep(0.3)
        server.kill()
        killed = time.monotonic()
        result = run.wait()
        took_s = time.monotonic() - killed
    assert_conserved(result)
    assert result.stop_reason == "stalled"
    assert RESPONSE_S + GRACE_S - 0.1 <= took_s <= RESPONSE_S + GRACE_S + SLACK_S
    assert not result.valid


def test_frozen_in_prefill_is_stalled(start_server: Callable[..., EmbeddedServer]) -> None:
    server = start_server()
    assert server.pid is not None
    with rl.start(server.url, duration_s=1, **{**OPTIONS, "keys": 5_000_000}) as run:
        wait_until(lambda: bool(run.snapshot().commands.get("prefill")))
        with frozen(server.pid) as times:
            result = run.wait(timeout_s=10)
        took_s = time.monotonic() - times.asked_ns / 1e9
    assert result.stop_reason == "stalled"
    assert took_s <= RESPONSE_S + 2 * GRACE_S + SLACK_S
    assert result.totals.offered == 0
    assert not result.errors
    assert not result.valid
    assert "stalled" in [warning["code"] for warning in result.warnings]


@pytest.mark.parametrize("how", ["reset", "close"])
def test_connections_cut_by_the_network(
    redis_server: EmbeddedServer, start_proxy: Callable[..., Proxy], how: str
) -> None:
    proxy = start_proxy(redis_server.port)
    started = time.monotonic()
    with rl.start(f"redis://127.0.0.1:{proxy.port}", duration_s=1.5, **OPTIONS) as run:
        for first in (True, False, False):
            wait_for_measure(run)
            time.sleep(0.3)
            cut = proxy.reset_connections if how == "reset" else proxy.close_connections
            assert cut() == (9 if first else 8)  # the control connection is not reopened
        result = run.wait()
    assert_ended_in_time(result, time.monotonic() - started, 1.5)
    assert set(result.errors) <= ({"connection.reset"} if how == "reset" else BROKEN)
    assert 0 < result.totals.lost <= 3 * 8 * 4
    broken = [event["connection"] for event in result.events if event["kind"] == "disconnect"]
    assert sorted(broken) == sorted([*range(8)] * 3)
    # A cut connection that had nothing in flight is a fault without an operation.
    assert set(result.connection_faults) <= BROKEN
    assert result.valid
    assert result.intervals["connections"][result.intervals["phase"] == "measure"][-1] == 8


@pytest.mark.parametrize("cut_after_bytes", [12, 40, 41])
def test_closed_after_each_reply_or_two(
    redis_server: EmbeddedServer, start_proxy: Callable[..., Proxy], cut_after_bytes: int
) -> None:
    """A reply may also be cut in its middle; the server runs the commands all the same."""
    proxy = start_proxy(redis_server.port)
    options = {**OPTIONS, "sample_rate": 0.0}
    with rl.start(f"redis://127.0.0.1:{proxy.port}", duration_s=1, **options) as run:
        wait_for_measure(run)
        started_s = run.snapshot().phases[-1]["start_s"]
        time.sleep(0.2)
        healthy = run.snapshot().totals.succeeded
        proxy.close_connections()
        proxy.set(cut_after_bytes=cut_after_bytes, cut_with="close")
        began = time.monotonic()
        result = run.wait()
    assert_ended_in_time(result, time.monotonic() - began + started_s, 1)
    assert BROKEN & set(result.errors)
    assert set(result.errors) <= BROKEN | {"run.ended"}
    assert result.totals.lost > 32
    assert result.totals.succeeded > healthy  # the connections' first replies count
    assert result.connection_faults.keys() <= BROKEN


def test_black_hole(redis_server: EmbeddedServer, start_proxy: Callable[..., Proxy]) -> None:
    proxy = start_proxy(redis_server.port)
    started = time.monotonic()
    with rl.start(f"redis://127.0.0.1:{proxy.port}", duration_s=4, rate=500, **OPTIONS) as run:
        wait_for_measure(run)
        time.sleep(0.3)
        proxy.set(black_hole=True)
        time.sleep(1.5)
        proxy.set(black_hole=False)
        gone_ns = time.monotonic_ns()
        result = run.wait()
    assert_ended_in_time(result, time.monotonic() - started, 4)
    assert set(result.errors) <= {"timeout.response", "connection.unresponsive"}
    assert result.totals.timed_out > result.totals.late_replies == 0
    assert set(result.connection_faults) <= {"timeout.handshake", "connection.unresponsive"}
    done_ns = completions_ns(result)
    assert (done_ns[done_ns > gone_ns].min() - gone_ns) / 1e9 < 2.0
    assert result.valid


@pytest.mark.parametrize("bytes_per_s", [1, 20])
def test_trickling_network_does_not_outlast_the_deadline(
    redis_server: EmbeddedServer, start_proxy: Callable[..., Proxy], bytes_per_s: int
) -> None:
    """Nor does the run's own question to the server, which INFO answers with some thousand bytes."""
    proxy = start_proxy(redis_server.port)
    started = time.monotonic()
    with rl.start(f"redis://127.0.0.1:{proxy.port}", duration_s=1, **OPTIONS) as run:
        wait_for_measure(run)
        time.sleep(0.3)
        proxy.set(bytes_per_s=bytes_per_s)
        result = run.wait(timeout_s=20)
    assert_ended_in_time(result, time.monotonic() - started, 1)
    assert set(result.errors) <= {"timeout.response", "run.ended"}
    assert "control_unavailable" in [warning["code"] for warning in result.warnings]


def test_an_operation_whose_last_byte_was_not_written_has_failed(
    start_server: Callable[..., EmbeddedServer],
) -> None:
    server = start_server()
    assert server.pid is not None
    options = {**OPTIONS, "connections": 1, "pipeline": 2, "keys": 1, "values": 32 << 20, "prefill": False}
    options["timeouts"] = rl.Timeouts(response_s=5, grace_s=0.5)
    workload = rl.Workload("basic_rw", weights={"SET": 1})
    with rl.start(server.url, workload=workload, duration_s=2, **options) as run:
        wait_for_measure(run)
        time.sleep(0.7)
        with frozen(server.pid):
            time.sleep(0.5)  # until the buffers are full
            server.kill()
        result = run.wait()
    assert_conserved(result)
    # 32 MiB do not fit into the sockets' buffers: behind what the server may have read whole, one command
    # was begun, and it cannot have run that.
    assert result.totals.failed == 1
    assert result.totals.lost <= 1
    assert BROKEN & set(result.operations["SET"]["errors"])
    assert result.error_time.count == 0


def test_error_replies_are_failures_apart_from_latency(redis_server: EmbeddedServer) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        options = {**OPTIONS, "keys": rl.Keys(count=10, prefix="wrong:"), "seed": 1}
        rl.run(redis_server.url, operations=10, **options)
        names = client.keys("wrong:*")
        assert len(names) >= 10
        client.delete(*names)
        for name in names:
            client.rpush(name, "a list")
        workload = rl.Workload("basic_rw", weights={"GET": 3, "DEL": 0, "SET": 0, "INCR": 1})
        result = rl.run(redis_server.url, workload=workload, operations=2000, **{**options, "prefill": False})
    assert_conserved(result)
    get = result.operations["GET"]
    assert get["issued"] == get["failed"] == get["error_time"].count
    assert get["errors"] == {"reply.WRONGTYPE": get["failed"]}
    assert (get["service_time"].count, get["service_time"].censored) == (0, 0)
    assert result.operations["INCR"]["issued"] == result.totals.issued - get["issued"] > 0
    # An error reply was completed, but it is no good.
    assert result.totals.throughput * result.totals.elapsed_s == pytest.approx(2000, abs=1)
    assert result.totals.goodput * result.totals.elapsed_s == pytest.approx(result.totals.succeeded, abs=1)


@pytest.mark.parametrize("max_errors", [3, 1e-5])
def test_the_error_budget_ends_the_run(
    redis_server: EmbeddedServer, start_proxy: Callable[..., Proxy], max_errors: float
) -> None:
    proxy = start_proxy(redis_server.port)
    options = {**OPTIONS, "sample_rate": 0.0, "max_errors": max_errors}
    with rl.start(f"redis://127.0.0.1:{proxy.port}", duration_s=10, **options) as run:
        wait_for_measure(run)
        time.sleep(0.2)
        proxy.reset_connections()
        reset = time.monotonic()
        result = run.wait()
    assert time.monotonic() - reset < 0.5 + SLACK_S
    assert_conserved(result)
    assert result.stop_reason == "max_errors"
    assert result.totals.lost > 3


def test_nothing_is_left_behind(redis_server: EmbeddedServer, start_proxy: Callable[..., Proxy]) -> None:
    """Threads and descriptors as before; after 3 runs, 10 more add less than 4 MiB."""
    proxy = start_proxy(redis_server.port)
    gc.collect()  # what earlier tests left
    before = usage()
    rss_bytes: list[int] = []
    for number in range(13):
        url = f"redis://127.0.0.1:{proxy.port}"
        with rl.start(url, duration_s=0.5, threads=2, **{**OPTIONS, "sample_rate": 0.01}) as run:
            wait_for_measure(run)
            time.sleep(0.1)
            assert proxy.reset_connections() == 9
            proxy.set(black_hole=number % 2 == 1)
            result = run.wait()
        proxy.set(black_hole=False)
        assert result.totals.lost + result.totals.timed_out + sum(result.connection_faults.values()) > 0
        del result, run
        gc.collect()
        assert_no_leak(before)
        rss_bytes.append(usage().rss_bytes)
    assert rss_bytes[-1] - rss_bytes[2] < 4 << 20, [one >> 10 for one in rss_bytes]
