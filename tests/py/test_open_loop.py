"""The schedule of an open loop, as samples tell it and as a recording sink saw it."""

from __future__ import annotations

import math
import socketserver
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import redisload as rl
from support.conservation import assert_conserved
from support.contention import share_withheld
from support.freeze import freeze, frozen
from support.sink import Sink
from support.statistics import dispersion, exponential_p
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redisload.embedded import EmbeddedServer
    from support.sink import SinkLog


def intended_ns(result: rl.Result) -> np.ndarray:
    """The intended times of the measured window, in order, from the window's start; every one is there."""
    samples = result.samples
    measured = samples["phase"] == samples.names["phase"].index("measure")
    times = np.sort(samples["intended_ns"][measured])
    assert samples.dropped == 0
    assert len(times) == result.totals.issued
    (window,) = (one for one in result.phases if one["phase"] == "measure")
    offset: np.ndarray = times - round(window["start_s"] * 1e9)
    return offset


def sink_arrivals(log: SinkLog, result: rl.Result) -> tuple[np.ndarray, np.ndarray]:
    """When the load's commands of a run without prefill came, ns from the first, and on which connection."""
    load = [number for number, name in log.names.items() if not name.endswith(":control")]
    commands = log.commands[np.isin(log.commands["connection"], load)]
    # The first command of each connection is its handshake.
    _, first = np.unique(commands["connection"], return_index=True)
    commands = np.delete(commands, first)
    assert len(commands) == result.totals.issued
    return commands["time_ns"] - commands["time_ns"][0], commands["connection"]


class OneStuck(socketserver.ThreadingTCPServer):
    """Answers every command with OK, but never an operation of the first connection; a context manager."""

    daemon_threads = True

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            name = b""
            # Without pipelining one receipt is one command.
            while received := self.request.recv(4096):
                if b"SETNAME" in received:
                    name = received
                elif name.endswith(b":c0\r\n"):
                    continue
                self.request.sendall(b"+OK\r\n")

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.url = f"redis://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    def server_close(self) -> None:
        self.shutdown()
        self._thread.join()
        super().server_close()


def codes(result: rl.Result) -> set[str]:
    return {one["code"] for one in result.warnings}


class TestPoisson:
    def test_counts_at_the_sink_are_dispersed_as_poisson_is(self, tmp_path: Path) -> None:
        """One worker and two, 20 s each, at once."""
        windows, width_ns = 200, 100_000_000
        results = []
        with (
            Sink("record", log=tmp_path / "1") as first,
            Sink("record", log=tmp_path / "2") as second,
        ):
            sinks = (first, second)
            runs = [
                rl.start(
                    sink.url,
                    rate=2_000,
                    duration_s=20.2,
                    connections=50,
                    threads=threads,
                    prefill=False,
                    seed=1,
                    sample_rate=1.0,
                )
                for threads, sink in enumerate(sinks, 1)
            ]
            results = [run.wait() for run in runs]
        for sink, result in zip(sinks, results, strict=True):
            assert_conserved(result)
            assert "rate_not_reached" not in codes(result)
            assert result.totals.offered == pytest.approx(40_400, abs=5 * math.sqrt(40_400))
            arrived_ns, _ = sink_arrivals(sink.read_log(), result)
            for times in (arrived_ns, intended_ns(result)):
                counts = np.bincount(times // width_ns)[:windows]
                assert 0.7 <= dispersion(counts) <= 1.35

    @pytest.mark.parametrize("threads", [1, 2])
    def test_intended_times_are_a_poisson_process(self, threads: int) -> None:
        rate, count = 30_000, 30_000
        with Sink() as sink:
            result = rl.run(
                sink.url,
                rate=rate,
                operations=count,
                connections=50,
                threads=threads,
                pipeline=16,
                prefill=False,
                seed=7,
                sample_rate=1.0,
            )
        assert_conserved(result)
        assert result.totals.offered == result.totals.succeeded == count
        times = intended_ns(result)
        if threads == 2:  # which one ends with its share of the count first is chance
            times = times[times < 0.98 * count / rate * 1e9]
        assert exponential_p(np.diff(times), 1e9 / rate) > 1e-4
        counts = np.bincount(times // 1_000_000)[:-1]
        deviation = math.sqrt(2 / len(counts))
        assert 1 - 5 * deviation < dispersion(counts) < 1 + 5 * deviation

    def test_the_schedule_is_the_seeds(self) -> None:
        def schedule(seed: int) -> np.ndarray:
            with Sink() as sink:
                result = rl.run(
                    sink.url,
                    rate=20_000,
                    operations=4_000,
                    threads=2,
                    connections=20,
                    prefill=False,
                    seed=seed,
                    sample_rate=1.0,
                )
            return intended_ns(result)

        first = schedule(3)
        assert np.array_equal(first, schedule(3))
        assert not np.array_equal(first, schedule(4))


class TestConstantRate:
    @pytest.mark.parametrize("threads", [1, 2])
    @pytest.mark.parametrize("rate", [5_000, 20_000])
    def test_intended_times_are_even_and_connections_do_not_send_in_bursts(
        self, tmp_path: Path, rate: int, threads: int
    ) -> None:
        """In 95 % of the 1 ms windows at the sink no more than twice the expected connections send.

        A machine that takes the processor away makes bursts too, as all that was due meanwhile is sent at
        once: the calmest of up to five runs is judged. Only when the workers were kept waiting for more than
        a tenth of each of them, so much is granted. The schedule must be even in every run.
        """
        runs: list[tuple[float, float]] = []  # share of calm windows, share of the time without a processor
        while len(runs) < 5:
            runs.append(self.calm_and_withheld(tmp_path / f"log{len(runs)}", rate, threads))
            if runs[-1][0] >= 0.95:
                return
        assert min(withheld for _, withheld in runs) > 0.1, runs
        assert any(calm >= 0.95 - withheld for calm, withheld in runs), runs

    def calm_and_withheld(self, log: Path, rate: int, threads: int) -> tuple[float, float]:
        duration_s = 2
        with (
            Sink("record", log=log) as sink,
            rl.start(
                sink.url,
                rate=rate,
                arrivals="constant",
                duration_s=duration_s,
                connections=50,
                threads=threads,
                prefill=False,
                sample_rate=1.0,
            ) as run,
        ):
            withheld = share_withheld(run, duration_s)
            result = run.wait()
        assert_conserved(result)
        assert result.totals.offered == rate * duration_s
        # Each on its place in the even schedule, none twice; what was not sent at the end is missing.
        places, off_ns = np.divmod(intended_ns(result), 1_000_000_000 // rate)
        assert not off_ns.any()
        assert len(np.unique(places)) == len(places) == rate * duration_s - result.totals.not_sent
        assert places[-1] < rate * duration_s

        arrived_ns, connections = sink_arrivals(sink.read_log(), result)
        window = arrived_ns // 1_000_000
        senders = np.unique(np.stack([window, connections]), axis=1)[0]
        by_window = np.bincount(senders, minlength=duration_s * 1_000)
        return float(np.mean(by_window <= 2 * rate / 1_000)), withheld

    def test_a_rate_that_divides_nothing_evenly_does_not_drift(self) -> None:
        rate = 7_000
        with Sink() as sink:
            result = rl.run(
                sink.url,
                rate=rate,
                arrivals="constant",
                operations=7_001,
                connections=20,
                threads=2,
                prefill=False,
                sample_rate=1.0,
            )
        exact = np.rint(np.arange(7_001) * (1e9 / rate)).astype(np.int64)
        assert np.abs(intended_ns(result) - exact).max() <= 1

    @pytest.mark.parametrize("threads", [1, 2])
    def test_a_stuck_connection_delays_only_what_it_holds(self, threads: int) -> None:
        with OneStuck() as server:
            result = rl.run(
                server.url,
                rate=500,
                arrivals="constant",
                duration_s=1,
                connections=8,
                threads=threads,
                prefill=False,
                sample_rate=1.0,
                timeouts=rl.Timeouts(grace_s=0.2),
            )
        assert_conserved(result)
        assert result.totals.offered == result.totals.issued == 500
        assert result.totals.lost == 1
        (held,) = result.samples["connection"][result.samples["completed_ns"] < 0]
        assert held == 0


class TestValidity:
    def test_a_rate_out_of_reach(self) -> None:
        with Sink("delay", delay_s=0.01) as sink:
            result = rl.run(
                sink.url,
                rate=2_000,
                arrivals="constant",
                duration_s=0.5,
                connections=4,
                prefill=False,
                interval_s=0.1,
            )
        assert_conserved(result)
        assert not result.valid
        assert "rate_not_reached" in codes(result)
        assert result.totals.offered == 1_000
        assert 100 <= result.totals.issued <= 200  # 4 connections, 10 ms an answer
        assert result.errors == {"run.ended": result.totals.not_sent}
        assert "rate_not_reached" in result.report()
        # Half the arrivals and more never got a connection: the median is longer than anything seen.
        assert result.response_time.p50_s is None
        assert result.service_time.min_s >= 0.01

    @pytest.mark.redis
    @pytest.mark.parametrize("arrivals", ["constant", "poisson"])
    def test_a_rate_that_no_processor_could_send(self, redis_server: EmbeddedServer, arrivals: Any) -> None:
        result = rl.run(
            redis_server.url,
            rate=20_000_000,
            arrivals=arrivals,
            duration_s=0.3,
            connections=10,
            threads=2,
            keys=100,
        )
        assert_conserved(result)
        assert not result.valid
        assert "rate_not_reached" in codes(result)
        assert result.totals.offered == pytest.approx(6_000_000, rel=0.01)
        assert result.totals.elapsed_s == pytest.approx(0.3, abs=0.01)

    @pytest.mark.redis
    def test_a_rate_in_reach(self, redis_server: EmbeddedServer) -> None:
        result = rl.run(
            redis_server.url,
            rate=1_000,
            duration_s=1,
            keys=1_000,
            connections=20,
            pipeline=8,
            sample_rate=1.0,
        )
        assert_conserved(result)
        assert "rate_not_reached" not in codes(result)
        assert result.totals.not_sent == 0
        assert result.verdict == "unsaturated"
        # Lateness is a histogram of every arrival; it is part of each response time.
        assert result.lateness.count == result.totals.offered
        samples = result.samples
        assert (samples["sent_ns"] >= samples["intended_ns"]).all()

    @pytest.mark.redis
    def test_a_server_frozen_to_the_end(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server()
        with rl.start(
            server.url,
            rate=1_000,
            duration_s=1.5,
            connections=10,
            pipeline=16,
            keys=100,
            interval_s=0.05,
            timeouts=rl.Timeouts(grace_s=0.5),
        ) as run:
            wait_until(lambda: run.snapshot().totals.succeeded > 300, what="load")
            with frozen(server.pid):
                result = run.wait(timeout_s=20)
        assert_conserved(result)
        assert not result.valid
        assert "target_unresponsive" in codes(result)
        assert "rate_not_reached" not in codes(result)
        assert result.totals.lost == 160  # ten windows of 16
        assert result.totals.not_sent > 0
        assert result.errors == {"run.ended": result.totals.lost + result.totals.not_sent}
        assert result.totals.elapsed_s == pytest.approx(1.5, abs=0.01)
        assert result.response_time.p99_s is None

    @pytest.mark.redis
    def test_a_freeze_whose_backlog_was_worked_off(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server()
        with rl.start(
            server.url, rate=1_000, duration_s=2, connections=20, pipeline=16, keys=100, interval_s=0.05
        ) as run:
            wait_until(lambda: run.snapshot().totals.succeeded > 200, what="load")
            times = freeze(server.pid, 0.4)
            result = run.wait()
        assert_conserved(result)
        assert not codes(result) & {"target_unresponsive", "rate_not_reached", "backlog_grows"}
        assert result.totals.not_sent == result.totals.lost == 0
        assert times.duration_s - 0.1 < result.response_time.max_s < times.duration_s + 0.5
