"""Checkout ``per_operation``: threads that take a client out of a pool for each operation."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import redisload as rl
from support.conservation import assert_conserved
from support.freeze import frozen
from support.live import measured, wait_for_measure
from support.server_view import ServerView, commands_of
from support.sink import Sink, parse_words
from test_cli import shell
from test_lifecycle import SCRIPT, start_script, wait_ready

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis


def pooled(
    clients: int = 1, threads: int = 1, connections: int = 5, *, pools: int = 1, eager: bool = False
) -> rl.Topology:
    return rl.Topology(
        client_pools=pools,
        clients_per_pool=clients,
        threads_per_pool=threads,
        max_connections=connections,
        checkout="per_operation",
        eager=eager,
    )


class TestConnections:
    @pytest.mark.parametrize("eager", [True, False])
    def test_three_hundred_at_once_or_as_many_as_are_needed(
        self, redis_server: EmbeddedServer, eager: bool
    ) -> None:
        topology = pooled(3, 2, 50, pools=2, eager=eager)
        with ServerView(redis_server.url) as view:
            with rl.start(
                redis_server.url, topology=topology, keys=1000, duration_s=0.6, interval_s=0.1, name="app"
            ) as run:
                wait_for_measure(run)
                names = view.connection_names()
                result = run.wait()
            sent = view.commands()
        control = names.pop("app:control", 0)
        assert control == 1
        # Alone in its client, a thread needs one connection: two pools of three clients.
        assert sum(names.values()) == (300 if eager else 6)
        assert set(names.values()) == {1}  # each name once
        pools = Counter(name.split(":")[1] for name in names)
        assert pools == {"w0": 150, "w1": 150} if eager else {"w0": 3, "w1": 3}
        rows = result.intervals[result.intervals["phase"] == "measure"]
        assert (rows["connections"][1:-1] == (300 if eager else 6)).all()
        assert commands_of(result) == sent
        assert_conserved(result)

    def test_the_shells_other_names_of_the_topology(self, redis_server: EmbeddedServer) -> None:
        with ServerView(redis_server.url) as view:
            shell(
                *("run", redis_server.url, "--client-instances", "2", "--connections-per-client", "3"),
                *("--threads-per-client", "1", "--max-connections", "2", "--checkout", "per_operation"),
                *("--eager", "-r", "100", "-n", "200"),
            )
            assert view.commands()["CLIENT|SETNAME"] == 2 * 3 * 2 + 1


@pytest.mark.parametrize(
    "options",
    [
        {"duration_s": 0.4},
        {"operations": 5_003},
        {"operations": 20_003, "pipeline": 16, "cleanup": True},
        {"rate": 2_000, "duration_s": 0.5, "warmup_s": 0.2},
        {"rate": 20_000, "operations": 8_003, "pipeline": 8, "arrivals": "constant"},
        {"workload": "pipeline", "pipeline": 8, "operations": 4_003},
        {"workload": "pipeline", "pipeline": 8, "operations": 4_003, "rate": 20_000},
        {"workload": "transaction", "operations": 2_003},
        {"workload": "script", "operations": 2_003},
        {"think_s": 0.005, "duration_s": 0.4},
    ],
    ids=lambda options: "-".join(f"{name}={value}" for name, value in options.items()),
)
def test_commandstats_agree_exactly(redis_server: EmbeddedServer, options: dict[str, Any]) -> None:
    with ServerView(redis_server.url) as view:
        result = rl.run(redis_server.url, topology=pooled(2, 3), keys=2_000, sample_rate=1.0, **options)
        assert commands_of(result) == view.commands()
    assert_conserved(result)
    totals = result.totals
    assert totals.failed + totals.timed_out + totals.lost == 0
    if "operations" in options:
        assert totals.issued == options["operations"]
    if set(options) == {"duration_s"}:  # what a thread did one after another is its whole time
        spent_s = (measured(result, "completed_ns") - measured(result, "intended_ns")) / 1e9
        answered = measured(result, "completed_ns") >= 0
        assert spent_s[answered].sum() == pytest.approx(3 * totals.elapsed_s, rel=0.02)


class TestPoolTimeouts:
    def test_one_client_and_a_frozen_server(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server()
        timeouts = rl.Timeouts(pool_s=0.2, response_s=5, grace_s=0.2)
        with rl.start(
            server.url, topology=pooled(1, 4, 2), keys=100, duration_s=1.5, timeouts=timeouts, sample_rate=1.0
        ) as run:
            wait_for_measure(run)
            time.sleep(0.3)
            with frozen(server.pid):
                result = run.wait()
        assert_conserved_with_pool_timeouts(result)
        # Three threads time out every 0.2 s of the 1.2 s left, the fourth holds the client.
        assert 9 <= result.errors["timeout.pool"] <= 21
        assert result.totals.lost == 1
        assert result.pool_wait.max_s == pytest.approx(0.2, abs=0.1)

    def test_a_timeout_of_the_response_gives_the_client_back(
        self, start_server: Callable[..., EmbeddedServer]
    ) -> None:
        server = start_server()
        timeouts = rl.Timeouts(pool_s=0.3, response_s=0.2, grace_s=5)
        with rl.start(
            server.url, topology=pooled(1, 2, 3), keys=100, duration_s=2.5, timeouts=timeouts, interval_s=0.1
        ) as run:
            wait_for_measure(run)
            time.sleep(0.3)
            with frozen(server.pid):
                time.sleep(1.2)
            result = run.wait()
        assert_conserved_with_pool_timeouts(result)
        assert result.errors["timeout.response"] >= 1
        rows = result.intervals[result.intervals["phase"] == "measure"]
        assert rows["succeeded"][-3:].sum() > 0  # it went on afterwards
        assert result.totals.late_replies >= 1


def assert_conserved_with_pool_timeouts(result: rl.Result) -> None:
    assert_conserved(result)
    assert result.errors["timeout.pool"] + result.errors.get("run.ended", 0) >= result.totals.not_sent
    by_operation = [operation["errors"].get("timeout.pool", 0) for operation in result.operations.values()]
    assert sum(by_operation) == result.errors["timeout.pool"]


class TestOutages:
    @pytest.mark.parametrize("options", [{}, {"rate": 1_000}], ids=["closed", "open"])
    def test_a_killed_server_that_comes_back(
        self, start_server: Callable[..., EmbeddedServer], options: dict[str, Any]
    ) -> None:
        server = start_server(persistent=True)
        with rl.start(
            server.url, topology=pooled(2, 3, 2), keys=100, duration_s=2, interval_s=0.1, **options
        ) as run:
            wait_for_measure(run)
            time.sleep(0.3)
            server.kill()
            time.sleep(0.3)
            server.restart()
            result = run.wait()
        assert_conserved(result)
        assert any(kind.startswith("connection.") for kind in result.errors)
        rows = result.intervals[result.intervals["phase"] == "measure"]
        assert (rows["connections"] == 0).any()
        assert rows["succeeded"][-3:].sum() > 0
        assert {event["kind"] for event in result.events} >= {"disconnect", "connect_failed", "reconnect"}

    def test_nobody_listens(self) -> None:
        with Sink() as sink:
            url = sink.url
        with pytest.raises(rl.TargetError) as caught:
            rl.run(url, topology=pooled(2, 2), duration_s=1)
        assert caught.value.stage == "connect"


class TestOpenLoop:
    def test_the_rate_holds_and_waiting_is_response_time_not_lateness(self) -> None:
        with Sink("delay", delay_s=0.01) as sink:
            # One client serves 100 a second at most; 80 % of that arrive, evenly.
            result = rl.run(
                sink.url, topology=pooled(1, 4), rate=80, arrivals="constant", duration_s=2.5,
                prefill=False, keys=100, sample_rate=1.0,
            )  # fmt: skip
        assert_conserved(result)
        assert result.totals.offered == pytest.approx(200, abs=2)
        assert result.totals.not_sent <= 1
        assert result.lateness.p50_s is not None
        assert result.lateness.p50_s < 0.001
        times = np.sort(measured(result, "intended_ns"))
        assert np.diff(times) == pytest.approx(np.full(len(times) - 1, 12.5e6), abs=1e3)

    def test_set_rate(self) -> None:
        with Sink() as sink, rl.start(
            sink.url, topology=pooled(4, 4), rate=500, arrivals="constant", duration_s=2, prefill=False,
            keys=100, sample_rate=1.0,
        ) as run:  # fmt: skip
            wait_for_measure(run)
            time.sleep(0.7)
            run.set_rate(2_000)
            result = run.wait()
        assert_conserved(result)
        late = measured(result, "intended_ns")
        last_half_second = (late > late.max() - 0.5e9).sum()
        assert last_half_second == pytest.approx(1_000, abs=15)


class TestControl:
    def test_pause_sends_nothing_and_its_time_does_not_count(self, redis_server: EmbeddedServer) -> None:
        with ServerView(redis_server.url) as view:
            with rl.start(redis_server.url, topology=pooled(2, 3), keys=100, duration_s=1) as run:
                wait_for_measure(run)
                time.sleep(0.2)
                run.pause()
                time.sleep(0.1)
                before = view.commands()
                time.sleep(0.3)
                assert view.commands() == before
                run.resume()
                result = run.wait()
            assert commands_of(result) == view.commands()
        assert_conserved(result)
        assert result.totals.elapsed_s == pytest.approx(1.0, abs=0.01)

    @pytest.mark.parametrize("options", [{}, {"rate": 500}, {"think_s": 30}], ids=["closed", "open", "think"])
    def test_stop(self, redis_server: EmbeddedServer, options: dict[str, Any]) -> None:
        with rl.start(redis_server.url, topology=pooled(1, 4), keys=100, duration_s=60, **options) as run:
            wait_for_measure(run)
            time.sleep(0.2)
            asked_ns = time.monotonic_ns()
            run.stop()
            result = run.wait()
            assert time.monotonic_ns() - asked_ns < 0.8e9
        assert result.stop_reason == "stopped"
        assert_conserved(result)

    def test_ctrl_c_while_threads_wait_for_the_client_of_a_frozen_server(
        self, start_server: Callable[..., EmbeddedServer]
    ) -> None:
        server = start_server()
        topology = (
            "topology=rl.Topology(clients_per_pool=1, threads_per_pool=4, max_connections=2, "
            'checkout="per_operation")'
        )
        script = start_script(SCRIPT.replace("connections=20, threads=2", topology), server.url)
        wait_ready(script)
        with frozen(server.pid):
            time.sleep(0.2)
            sent_ns = time.monotonic_ns()
            script.send_signal(signal.SIGINT)
            out, err = script.communicate(timeout=30)
        said = json.loads(out)
        assert err == ""
        assert said["returned_ns"] - sent_ns < 1e9
        assert said["interrupted"]
        assert said["issued"] == said["ended"] > 0

    def test_an_error_budget_ends_it(self, redis_server: EmbeddedServer) -> None:
        result = rl.run(
            redis_server.url, workload=[rl.Command("INCRBY {key} many")], topology=pooled(2, 3), keys=10,
            prefill=False, duration_s=20, max_errors=50,
        )  # fmt: skip
        assert_conserved(result)
        assert result.stop_reason == "max_errors"
        assert result.totals.failed == result.totals.issued > 50


def test_the_same_seed_sends_the_same_commands(tmp_path: Path) -> None:
    def sent(name: str, seed: int) -> Counter[bytes]:
        with Sink("record", log=tmp_path / name) as sink:
            result = rl.run(
                sink.url, workload=rl.Workload("basic_rw", weights={"GET": 1, "SET": 1}), keys=1_000,
                topology=pooled(2, 3, pools=2), operations=3_001, pipeline=3, prefill=False, seed=seed,
            )  # fmt: skip
        assert_conserved(result)
        log = sink.read_log()
        commands = log.commands
        words = (
            log.data[offset : offset + length]
            for offset, length in zip(commands["offset"].tolist(), commands["length"].tolist(), strict=True)
        )
        return Counter(one for one in words if parse_words(one)[0] in {b"GET", b"SET"})

    first, second, other = sent("a", 7), sent("b", 7), sent("c", 8)
    assert first.total() == 3_001
    assert first == second != other


def test_subscribers_cannot_take_turns(redis_server: EmbeddedServer) -> None:
    with pytest.raises(rl.ConfigError) as caught:
        rl.run(redis_server.url, workload="pub_sub", topology=pooled(), duration_s=1)
    assert [problem.path for problem in caught.value.problems] == ["topology.checkout"]


def test_too_many_threads_are_refused_before_they_start(redis_server: EmbeddedServer) -> None:
    with pytest.raises(rl.ConfigError, match="1,024 threads"):
        rl.run(redis_server.url, topology=pooled(1, 600, 1, pools=2), duration_s=1)


def test_the_help_explains_the_mapping() -> None:
    text = " ".join(shell("run", "--help").stdout.split())
    factors = ("client_pools", "clients_per_pool", "max_connections")
    assert " \N{MULTIPLICATION SIGN} ".join(factors) in text
    for also in ("--client-instances", "--connections-per-client", "--threads-per-client"):
        assert also in text
