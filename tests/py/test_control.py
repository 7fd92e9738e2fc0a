"""Pausing, resuming, changing the rate and stopping, as samples and a recording sink saw it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import redisload as rl
from support.conservation import assert_conserved
from support.server_view import ServerView, commands_of
from support.sink import Sink
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redisload.embedded import EmbeddedServer

OPTIONS: dict[str, Any] = {"connections": 20, "prefill": False, "interval_s": 0.05, "sample_rate": 1.0}
GRACE_NS = 50_000_000  # for an order to reach the workers and what they sent to reach the sink


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with Sink("record", log=tmp_path / "log") as running:
        yield running


@pytest.fixture
def silent_sink() -> Iterator[Sink]:
    """Keeps no log."""
    with Sink() as running:
        yield running


def wait_for_load(run: rl.RunHandle, operations: int = 100) -> None:
    wait_until(lambda: run.snapshot().totals.succeeded >= operations, what="load")


def load_times_ns(sink: Sink) -> np.ndarray:
    """When the load's commands arrived, by ``time.monotonic_ns``; without the control connection."""
    sink.close()
    log = sink.read_log()
    load = [number for number, name in log.names.items() if not name.endswith(":control")]
    times: np.ndarray = log.commands["time_ns"][np.isin(log.commands["connection"], load)]
    return times


def intended_ns(result: rl.Result) -> np.ndarray:
    return np.sort(result.samples["intended_ns"])


class TestSetRate:
    def test_a_constant_rate_is_even_before_and_after(self, sink: Sink) -> None:
        with rl.start(sink.url, rate=1_000, arrivals="constant", duration_s=1.2, **OPTIONS) as run:
            wait_for_load(run, 300)
            asked_ns = time.monotonic_ns()
            run.set_rate(4_000)
            result = run.wait()
        assert_conserved(result)
        times = intended_ns(result)
        gaps = np.diff(times)
        (change,) = np.flatnonzero((gaps != 1_000_000) & (gaps != 250_000))
        assert (gaps[:change] == 1_000_000).all()
        assert (gaps[change + 1 :] == 250_000).all()
        assert gaps[change] <= 1_000_000
        assert change >= 300
        (event,) = (one for one in result.events if one["kind"] == "rate")
        assert times[change] <= event["time_s"] * 1e9 + 1 < times[change + 2]
        # Both together fill the window.
        assert abs(gaps.sum() - 1.2e9) < 1e6 + 250_000

        handshakes = OPTIONS["connections"]
        before = np.count_nonzero(load_times_ns(sink) < asked_ns)
        assert before == pytest.approx(change + handshakes, abs=60)

    @pytest.mark.parametrize("arrivals", ["poisson", "constant"])
    def test_the_rate_is_the_total_of_all_workers(self, silent_sink: Sink, arrivals: Any) -> None:
        with rl.start(
            silent_sink.url, rate=500, arrivals=arrivals, duration_s=1.5, threads=2, seed=5, **OPTIONS
        ) as run:
            wait_for_load(run, 50)
            run.set_rate(8_000)
            result = run.wait()
        assert_conserved(result)
        (event,) = (one for one in result.events if one["kind"] == "rate")
        times = intended_ns(result)
        after = np.count_nonzero(times >= event["time_s"] * 1e9)
        (window,) = (one for one in result.phases if one["phase"] == "measure")
        expected = 8_000 * (window["start_s"] + 1.5 - event["time_s"])
        assert after == pytest.approx(expected, abs=5 * np.sqrt(expected))
        measured = result.intervals[result.intervals["phase"] == "measure"]
        assert measured["target_rate"][0] == 500
        assert measured["target_rate"][-2] == 8_000

    def test_several_changes(self, sink: Sink) -> None:
        rates = (2_000, 500, 5_000, 1_000)
        with rl.start(sink.url, rate=1_000, arrivals="constant", duration_s=0, **OPTIONS) as run:
            for rate in rates:
                issued = run.snapshot().totals.issued
                wait_for_load(run, issued + 50)
                run.set_rate(rate)
            wait_for_load(run, run.snapshot().totals.issued + 200)
        result = run.wait()
        assert_conserved(result)
        gaps = np.diff(intended_ns(result))
        own = {1_000_000, 500_000, 2_000_000, 200_000}
        assert own <= set(gaps.tolist())
        assert np.count_nonzero(~np.isin(gaps, list(own))) <= len(rates)

    def test_refused_in_a_closed_loop_and_for_no_rate(self, sink: Sink) -> None:
        with rl.start(sink.url, duration_s=0, **OPTIONS) as run:
            with pytest.raises(rl.ConfigError) as caught:
                run.set_rate(1_000)
            assert [problem.path for problem in caught.value.problems] == ["rate"]
        with rl.start(sink.url, rate=100, duration_s=0, **OPTIONS) as run:
            for useless in (0, -1, float("nan"), float("inf"), None, "fast"):
                with pytest.raises(rl.ConfigError):
                    run.set_rate(useless)  # type: ignore[arg-type]
            wait_for_load(run, 5)
        assert_conserved(run.wait())


class TestPause:
    @pytest.mark.parametrize("threads", [1, 2])
    @pytest.mark.parametrize(
        "options",
        [{}, {"pipeline": 8}, {"rate": 2_000}, {"rate": 2_000, "arrivals": "constant"}],
        ids=["closed loop", "pipelined", "poisson", "constant"],
    )
    def test_nothing_is_sent_meanwhile_and_the_time_does_not_count(
        self, sink: Sink, threads: int, options: dict[str, Any]
    ) -> None:
        with rl.start(sink.url, duration_s=0.6, threads=threads, **OPTIONS, **options) as run:
            wait_for_load(run)
            run.pause()
            paused_ns = time.monotonic_ns()
            time.sleep(0.4)
            resumed_ns = time.monotonic_ns()
            run.resume()
            result = run.wait()
            ended_ns = time.monotonic_ns()
        assert_conserved(result)
        assert result.stop_reason == "duration"
        assert result.totals.elapsed_s == pytest.approx(0.6, abs=0.01)
        times = load_times_ns(sink)
        assert not np.any((times > paused_ns + GRACE_NS) & (times < resumed_ns))
        # The window went on for what was left of it.
        after = times[times >= resumed_ns]
        assert len(after) > 0
        assert times.max() - times.min() > 0.6e9 + (resumed_ns - paused_ns) - 3 * GRACE_NS
        assert times.max() < ended_ns
        if "rate" in options:
            # No arrival was meant for the pause: nobody waited through it.
            expected = 2_000 * 0.6
            assert result.totals.offered == pytest.approx(expected, abs=5 * np.sqrt(expected))
            assert np.diff(intended_ns(result)).max() > 0.39e9
        assert result.response_time.max_s < 0.3
        assert {"pause", "resume"} <= {one["kind"] for one in result.events}

    @pytest.mark.redis
    def test_counts_stay_exact(self, redis_server: EmbeddedServer) -> None:
        with ServerView(redis_server.url) as view:
            with rl.start(
                redis_server.url, operations=30_000, connections=20, threads=2, keys=500, interval_s=0.05
            ) as run:
                wait_for_load(run)
                for _ in range(3):
                    run.pause()
                    time.sleep(0.05)
                    run.resume()
                result = run.wait()
            assert commands_of(result) == view.commands()
        assert_conserved(result)
        assert result.totals.succeeded == 30_000

    def test_twice_is_once(self, sink: Sink) -> None:
        with rl.start(sink.url, duration_s=0.4, **OPTIONS) as run:
            run.resume()  # of what is not paused: nothing
            wait_for_load(run)
            run.pause()
            run.pause()
            time.sleep(0.2)
            run.resume()
            run.resume()
            result = run.wait()
        assert_conserved(result)
        assert result.totals.elapsed_s == pytest.approx(0.4, abs=0.01)

    @pytest.mark.parametrize("options", [{}, {"rate": 2_000}], ids=["closed loop", "open loop"])
    def test_stopped_while_paused(self, sink: Sink, options: dict[str, Any]) -> None:
        with rl.start(sink.url, duration_s=30, **OPTIONS, **options) as run:
            wait_for_load(run)
            started_s = time.monotonic()
            run.pause()
            time.sleep(0.3)
            run.stop()
            result = run.wait()
        assert_conserved(result)
        assert result.stop_reason == "stopped"
        assert result.totals.elapsed_s < time.monotonic() - started_s + 1.5
        assert result.totals.lost == 0

    def test_a_pause_longer_than_the_window_does_not_end_it(self, sink: Sink) -> None:
        with rl.start(sink.url, duration_s=0.3, rate=1_000, arrivals="constant", **OPTIONS) as run:
            wait_for_load(run, 50)
            run.pause()
            time.sleep(0.6)
            assert not run.done
            run.resume()
            result = run.wait()
        assert_conserved(result)
        assert result.totals.offered == pytest.approx(300, abs=2)

    def test_a_rate_given_while_paused_holds_after_it(self, sink: Sink) -> None:
        with rl.start(sink.url, duration_s=1, rate=500, arrivals="constant", **OPTIONS) as run:
            wait_for_load(run, 50)
            run.pause()
            run.set_rate(5_000)
            time.sleep(0.2)
            resumed_ns = time.monotonic_ns()
            run.resume()
            result = run.wait()
        assert_conserved(result)
        gaps = np.diff(intended_ns(result))
        assert set(gaps.tolist()) - {gaps.max()} <= {2_000_000, 200_000}
        times = load_times_ns(sink)
        assert np.count_nonzero(times > resumed_ns) > np.count_nonzero(times <= resumed_ns)


class TestStop:
    def test_at_once_and_with_a_result(self, sink: Sink) -> None:
        with rl.start(sink.url, duration_s=60, **OPTIONS) as run:
            wait_for_load(run)
            started_s = time.monotonic()
            run.stop()
            result = run.wait()
        assert time.monotonic() - started_s < 1
        assert_conserved(result)
        assert result.stop_reason == "stopped"
        assert not result.interrupted
        assert result.totals.issued == result.totals.succeeded

    @pytest.mark.parametrize("when", ["prefill", "warmup"])
    def test_before_the_window(self, silent_sink: Sink, when: str) -> None:
        options = {**OPTIONS, "prefill": when == "prefill", "warmup_s": 30, "keys": 100_000_000}
        with rl.start(silent_sink.url, duration_s=1, **options) as run:
            wait_until(lambda: when in run.snapshot().intervals["phase"], what=when)
            started_s = time.monotonic()
            run.stop()
            result = run.wait()
        assert time.monotonic() - started_s < 1
        assert_conserved(result)
        assert result.stop_reason == "stopped"
        assert result.totals.issued == 0
        assert result.commands[when]
        assert not result.commands["measure"]

    @pytest.mark.redis
    @pytest.mark.parametrize("budget", [50, 0.5])
    def test_by_the_error_budget(self, start_server: Callable[..., EmbeddedServer], budget: float) -> None:
        server = start_server(options={"maxmemory": "1b", "maxmemory-policy": "noeviction"})
        with ServerView(server.url) as view:
            result = rl.run(
                server.url, duration_s=60, connections=5, prefill=False, max_errors=budget, keys=100,
                workload=rl.Workload("basic_rw", weights={"SET": 3, "GET": 1}),
            )  # fmt: skip
            assert commands_of(result) == view.commands()
        assert_conserved(result)
        assert result.stop_reason == "max_errors"
        assert result.totals.failed > 50
