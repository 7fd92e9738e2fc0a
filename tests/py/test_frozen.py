"""A server that stands still: what users waited, against arithmetic on times that the test itself took."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import redis

import redisload as rl
from support.conservation import assert_conserved
from support.freeze import Freeze, freeze
from support.live import completions_ns, measured, wait_for_measure, zero_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from redisload.embedded import EmbeddedServer
    from support.proxy import Proxy

pytestmark = pytest.mark.redis


def run_frozen(
    server: EmbeddedServer, after_s: float, for_s: float, **options: Any
) -> tuple[rl.Result, Freeze]:
    """A run whose server stands still for_s, beginning after_s into the measured window."""
    assert server.pid is not None
    before_ns = time.monotonic_ns()
    with rl.start(server.url, **{"keys": 10_000, "sample_rate": 1.0, **options}) as run:
        started_ns = time.monotonic_ns()
        wait_for_measure(run)
        time.sleep(after_s)
        times = freeze(server.pid, for_s)
        result = run.wait()
    assert_conserved(result)
    assert before_ns - 5_000_000 <= zero_ns(result) <= started_ns + 5_000_000
    return result, times


def implied_waits_s(result: rl.Result, times: Freeze) -> np.ndarray:
    """What each arrival has to wait if the server is at once with all but what came while it was frozen."""
    due_ns = measured(result, "intended_ns") + zero_ns(result)
    frozen = (due_ns >= times.asked_ns) & (due_ns < times.released_ns)
    return np.sort(np.where(frozen, times.released_ns - due_ns, 0)) / 1e9


def quantile(ordered: np.ndarray, q: float) -> float:
    """By nearest rank, as a histogram of the result."""
    return float(ordered[int(np.ceil(q * len(ordered))) - 1])


def report_row(result: rl.Result, name: str) -> list[str]:
    """The cells p50, p90, p95, p99, p99.9, max, mean of a latency in the report."""
    line = next(line for line in result.report().splitlines() if line.startswith(name))
    return line.removeprefix(name).replace("> ", ">").split()


def test_open_loop_shows_the_freeze_as_arithmetic_says(start_server: Callable[..., EmbeddedServer]) -> None:
    result, times = run_frozen(
        start_server(), 4.0, 1.0, rate=2000, arrivals="constant", duration_s=10, connections=8, pipeline=16
    )
    assert result.totals.offered == pytest.approx(20_000, abs=1)
    implied = implied_waits_s(result, times)
    assert quantile(implied, 0.95) == pytest.approx(0.5, abs=0.05)  # 2,000 of 20,000 wait 0 to 1 s
    for q in (0.95, 0.99):
        assert result.response_time.percentile(100 * q) == pytest.approx(quantile(implied, q), abs=0.025)
    assert result.response_time.max_s == pytest.approx(times.duration_s, abs=0.025)
    # The windows took 128 of the waiting arrivals: service time does not know of the others.
    assert result.service_time.p99_s < 0.1
    assert (result.valid, result.closed_loop, result.stop_reason) == (True, False, "duration")
    assert result.totals.issued == result.totals.succeeded == result.totals.offered
    # The report gives both, the response time first.
    lines = result.report().splitlines()
    head = next(index for index, line in enumerate(lines) if line.startswith("latency in ms"))
    assert [line.split()[0] for line in lines[head + 1 : head + 3]] == ["response", "service"]
    assert float(report_row(result, "response time")[3]) == pytest.approx(
        1e3 * result.response_time.p99_s, rel=0.01
    )
    assert float(report_row(result, "service time")[3]) == pytest.approx(
        1e3 * result.service_time.p99_s, rel=0.01
    )


def test_closed_loop_is_labelled_and_hides_no_waiting(start_server: Callable[..., EmbeddedServer]) -> None:
    result, times = run_frozen(
        start_server(), 1.0, 1.0, duration_s=3, connections=5, threads=2, pipeline=4, sample_rate=0.0
    )
    slots = 5 * 4
    response = result.response_time
    assert response.max_s == pytest.approx(times.duration_s, abs=0.025)
    assert response.count == result.totals.offered
    assert response.mean_s * response.count == pytest.approx(slots * result.totals.elapsed_s, rel=0.005)
    # A third of the run was an outage; a closed loop's percentiles do not show it, so they are labelled.
    assert result.service_time.p99_s < 0.1
    assert result.closed_loop
    assert result.to_dict()["closed_loop"] is True
    assert "Closed loop: " in result.report()
    assert "closed loop" in repr(result)
    assert result.valid


def test_a_reply_of_5_s_is_reported_as_5_s(redis_server: EmbeddedServer) -> None:
    slept_s: list[float] = []

    def sleep() -> None:
        with redis.Redis.from_url(redis_server.url, socket_timeout=20) as client:
            client.ping()
            before = time.monotonic()
            client.execute_command("DEBUG", "SLEEP", "5")
            slept_s.append(time.monotonic() - before)

    with rl.start(redis_server.url, keys=1000, connections=4, duration_s=6, interval_s=0.5) as run:
        wait_for_measure(run)
        time.sleep(0.3)
        sleeper = threading.Thread(target=sleep)
        sleeper.start()
        result = run.wait()
        sleeper.join()
    assert_conserved(result)
    for histogram in (result.service_time, result.response_time):
        assert 4.975 <= histogram.max_s <= slept_s[0] + 0.025
        assert histogram.quantile(1.0) == pytest.approx(histogram.max_s, rel=0.001)
        slow = histogram.buckets()[histogram.buckets()["low_s"] > 4]
        assert int(slow["count"].sum()) == 4  # one for each connection
    assert json.loads(result.to_json())["service_time"]["max_s"] == result.service_time.max_s
    assert result.intervals["service_max_s"][~np.isnan(result.intervals["service_max_s"])].max() == (
        result.service_time.max_s
    )
    assert result.totals.timed_out == 0


def test_delay_of_a_proxy_moves_the_median_by_as_much(
    redis_server: EmbeddedServer, start_proxy: Callable[..., Proxy]
) -> None:
    proxy = start_proxy(redis_server.port)
    url = f"redis://127.0.0.1:{proxy.port}"
    medians: dict[float, list[tuple[float, float]]] = {0.0: [], 0.005: []}
    held_s: list[float] = []
    for delay_s in (0.0, 0.005, 0.005, 0.0):
        proxy.set(delay_s=delay_s)
        with rl.start(url, rate=500, duration_s=1.5, connections=10, keys=1000) as run:
            wait_for_measure(run)
            proxy.delays_s()  # those of prefill
            result = run.wait()
        assert_conserved(result)
        medians[delay_s].append((result.service_time.p50_s, result.response_time.p50_s))
        held_s += proxy.delays_s() if delay_s else []
    service_s, response_s = np.mean(medians[0.005], axis=0) - np.mean(medians[0.0], axis=0)
    assert service_s == pytest.approx(np.median(held_s), abs=0.0003)
    assert response_s == pytest.approx(np.median(held_s), abs=0.0003)


class TestPastTheTimeout:
    def test_censored_percentiles_are_absent_and_late_replies_dropped(
        self, start_server: Callable[..., EmbeddedServer]
    ) -> None:
        result, times = run_frozen(
            start_server(), 1.0, 2.0, rate=500, arrivals="constant", duration_s=4,
            connections=8, pipeline=128, timeouts=rl.Timeouts(response_s=1, grace_s=5),
        )  # fmt: skip
        due_ns = measured(result, "intended_ns") + zero_ns(result)
        implied = int(((due_ns >= times.asked_ns) & (due_ns < times.released_ns - 10**9)).sum())
        assert result.totals.timed_out == pytest.approx(implied, abs=15)  # half of those due in the freeze
        assert result.errors == {"timeout.response": result.totals.timed_out}
        assert result.totals.late_replies == result.totals.timed_out  # and none of them in a histogram
        assert not [event for event in result.events if event["kind"] in ("disconnect", "reconnect")]
        assert result.valid  # the freeze ended and its backlog was worked off

        for name in ("response time", "service time"):
            histogram = getattr(result, name.replace(" ", "_"))
            floor_s = max(1.0, histogram.max_s)
            assert histogram.censored == result.totals.timed_out
            assert histogram.p50_s < 0.1
            assert (histogram.p90_s, histogram.p95_s, histogram.p99_s, histogram.p999_s) == (None,) * 4
            assert histogram.censored_floor_s == floor_s
            shown = report_row(result, name)
            assert shown[1:6] == [f">{1e3 * floor_s:,.0f}"] * 5
            assert not shown[0].startswith(">")
            out = json.loads(result.to_json())[name.replace(" ", "_")]
            assert [out[key] for key in ("p90_s", "p95_s", "p99_s", "p999_s")] == [None] * 4
            assert out["percentiles_s"]["99"] is None
            assert out["p50_s"] == histogram.p50_s
        assert "never got an answer" in result.report()
        # Had they been left out, the freeze would have made the tail better than it was.
        assert result.response_time.fraction_below(1.5) == pytest.approx(1 - implied / 2000, abs=0.02)

    def test_silence_past_the_grace_reopens_the_connection(
        self, start_server: Callable[..., EmbeddedServer]
    ) -> None:
        response_s, grace_s = 0.5, 0.5
        result, times = run_frozen(
            start_server(), 0.5, 2.0, rate=400, arrivals="constant", duration_s=4.5,
            connections=4, pipeline=128,
            timeouts=rl.Timeouts(response_s=response_s, grace_s=grace_s, connect_s=1, handshake_s=0.5),
        )  # fmt: skip
        closed = [event for event in result.events if event["kind"] == "disconnect"]
        assert len(closed) == 4
        for event in closed:
            assert event["message"].startswith("connection.unresponsive")
            silent_s = event["time_s"] + (zero_ns(result) - times.asked_ns) / 1e9
            assert response_s + grace_s - 0.03 <= silent_s <= response_s + grace_s + 0.3
        # Those sent in the last response_s before that had not timed out: they went with their connection.
        assert set(result.errors) == {"timeout.response", "connection.unresponsive"}
        assert result.totals.timed_out == result.errors["timeout.response"]
        assert result.totals.lost == result.errors["connection.unresponsive"]
        assert result.totals.timed_out == pytest.approx(400 * grace_s, abs=40)
        assert result.totals.lost == pytest.approx(400 * response_s, abs=40)
        assert result.totals.late_replies == 0
        # The frozen server's backlog takes connections and answers none of them.
        assert set(result.connection_faults) <= {"timeout.handshake", "timeout.connect"}
        reopened = [event for event in result.events if event["kind"] == "reconnect"]
        assert sorted(event["connection"] for event in reopened) == [0, 1, 2, 3]
        after_s = (completions_ns(result) - times.released_ns) / 1e9
        assert after_s[after_s > 0].min() < 1.5  # one backoff of at most 1 s, and a moment
        assert result.totals.not_sent == 0
        assert result.valid

    @pytest.mark.parametrize("rate", [None, 400])
    def test_a_freeze_to_the_end_is_no_measurement(
        self, start_server: Callable[..., EmbeddedServer], rate: float | None
    ) -> None:
        timeouts = rl.Timeouts(response_s=0.4, grace_s=0.4)
        options = {"rate": rate, "arrivals": "constant"} if rate else {}
        result, times = run_frozen(
            start_server(), 0.5, 2.0, duration_s=1.8, connections=4, timeouts=timeouts, **options
        )
        assert not result.valid
        assert "target_unresponsive" in [warning["code"] for warning in result.warnings]
        assert completions_ns(result).max() <= times.asked_ns + 10_000_000
        assert result.totals.timed_out + result.totals.lost + result.totals.not_sent > 0
