"""What a result counts is what the server counted, to the operation."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import redisload as rl
from support.conservation import assert_conserved
from support.server_view import ServerView, commands_of
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis

# connections, threads, pipeline, the run's limit: each pair of values of two columns occurs.
COMBINATIONS: list[tuple[int, int, int, dict[str, Any]]] = [
    (1, 1, 1, {"operations": 3_000}),
    (1, 1, 16, {"duration_s": 0.3}),
    (1, 2, 64, {"operations": 40_000}),
    (1, 2, 1, {"duration_s": 0.3}),
    (50, 1, 1, {"duration_s": 0.4}),
    (50, 1, 16, {"operations": 50_001}),
    (50, 1, 64, {"duration_s": 0.4}),
    (50, 2, 1, {"operations": 20_000}),
    (50, 2, 64, {"operations": 60_001}),
    (300, 1, 1, {"operations": 20_000}),
    (300, 1, 64, {"operations": 60_000}),
    (300, 2, 16, {"duration_s": 0.4}),
    (300, 2, 1, {"duration_s": 0.4}),
    (1000, 1, 1, {"duration_s": 0.5}),
    (1000, 1, 16, {"operations": 50_000}),
    (1000, 2, 1, {"operations": 10_000}),
    (1000, 2, 64, {"duration_s": 0.5}),
]


@pytest.fixture
def view(redis_server: EmbeddedServer) -> Iterator[ServerView]:
    with ServerView(redis_server.url) as opened:
        yield opened


def _name(part: Any) -> str:
    return next(iter(part)) if isinstance(part, dict) else str(part)


@pytest.mark.parametrize(("connections", "threads", "pipeline", "limit"), COMBINATIONS, ids=_name)
def test_commandstats_agree_exactly(
    redis_server: EmbeddedServer,
    view: ServerView,
    connections: int,
    threads: int,
    pipeline: int,
    limit: dict[str, Any],
) -> None:
    result = rl.run(
        redis_server.url,
        connections=connections,
        threads=threads,
        pipeline=pipeline,
        keys=2_000,
        warmup_s=0.1,
        cleanup=True,
        **limit,
    )
    assert commands_of(result) == view.commands()
    assert_conserved(result)
    totals = result.totals
    assert totals.issued == totals.succeeded == sum(result.commands["measure"].values()) > 0
    assert result.stop_reason == ("operations" if "operations" in limit else "duration")
    if "operations" in limit:
        assert totals.issued == limit["operations"]
    assert result.valid
    assert any(one["code"] == "threads_reduced" for one in result.warnings) == (threads > connections)
    assert result.commands["prefill"] == {"SET": 2_000}
    assert sum(result.commands["warmup"].values()) > 0
    assert result.commands["cleanup"] == {"UNLINK": 4_000}  # strings and counters
    assert result.commands["control"]["CLIENT|SETNAME"] == connections + 1
    assert view.call("DBSIZE") == 0


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("arrivals", "operations"), [("poisson", None), ("constant", 3_001)])
def test_in_an_open_loop_too(
    redis_server: EmbeddedServer, view: ServerView, threads: int, arrivals: str, operations: int | None
) -> None:
    limit = {"duration_s": 0.4} if operations is None else {"operations": operations}
    result = rl.run(
        redis_server.url,
        rate=10_000,
        arrivals=arrivals,
        connections=20,
        threads=threads,
        warmup_s=0.1,
        keys=500,
        **limit,
    )
    assert commands_of(result) == view.commands()
    assert_conserved(result)
    if operations is not None:
        assert result.totals.offered == result.totals.succeeded == operations
    assert result.totals.issued == sum(result.commands["measure"].values())


@pytest.mark.parametrize("pipeline", [1, 64])
def test_a_stopped_run(redis_server: EmbeddedServer, view: ServerView, pipeline: int) -> None:
    with rl.start(
        redis_server.url, duration_s=0, connections=50, pipeline=pipeline, keys=500, interval_s=0.05
    ) as run:
        wait_until(lambda: run.snapshot().totals.succeeded > 1_000, what="load")
    result = run.wait()
    assert result.stop_reason == "stopped"
    assert commands_of(result) == view.commands()
    assert_conserved(result)
    assert result.totals.lost == 0


def test_rejected_calls_are_counted(start_server: Callable[..., EmbeddedServer]) -> None:
    # Above maxmemory a SET is rejected before it runs: the server counts it in rejected_calls alone.
    server = start_server(options={"maxmemory": "1b", "maxmemory-policy": "noeviction"})
    with ServerView(server.url) as view:
        result = rl.run(server.url, operations=5_000, connections=10, prefill=False, keys=100)
        assert commands_of(result) == view.commands()
        rejected = result.commands["measure"]["SET"] + result.commands["measure"]["INCR"]
        assert result.errors == {"reply.OOM": rejected}
        assert view.errors()["OOM"] == rejected
    assert_conserved(result)
    assert result.totals.failed == rejected
    assert result.error_time.count == rejected
    assert result.operations["SET"]["errors"] == {"reply.OOM": result.operations["SET"]["failed"]}
    assert result.operations["GET"]["failed"] == 0


def test_error_replies_are_the_servers(
    redis_server: EmbeddedServer, redis_client: redis.Redis, view: ServerView
) -> None:
    keys = rl.Keys(count=10, prefix="wrong:")
    redis_client.rpush("wrong:000000000003", "a")
    result = rl.run(
        redis_server.url,
        operations=4_000,
        keys=keys,
        prefill=False,
        workload=rl.Workload("basic_rw", weights={"GET": 1}),
    )
    wrong = result.errors["reply.WRONGTYPE"]
    assert wrong == view.errors()["WRONGTYPE"] == result.operations["GET"]["failed"]
    assert 200 < wrong < 800  # a tenth of the keys
    assert result.totals.misses == 4_000 - wrong
    assert_conserved(result)


def test_hits_and_misses_are_the_servers(redis_server: EmbeddedServer, view: ServerView) -> None:
    result = rl.run(redis_server.url, operations=30_000, keys=300, connections=10, pipeline=4)
    stats = view.stats("stats")
    totals = result.totals
    assert (totals.hits, totals.misses) == (stats["keyspace_hits"], stats["keyspace_misses"])
    assert totals.hits + totals.misses == result.operations["GET"]["succeeded"]
    assert totals.misses > 0  # of what DEL took away


class TestConnections:
    """CLIENT LIST in mid-run shows exactly the connections asked for."""

    @pytest.mark.parametrize(
        ("topology", "shares"),
        [
            (rl.Topology(max_connections=1), [1]),
            (rl.Topology(max_connections=50, threads_per_pool=2), [25, 25]),
            (rl.Topology(max_connections=1000), [1000]),
            (rl.Topology(client_pools=2, clients_per_pool=3, max_connections=50), [150, 150]),
        ],
        ids=["1", "50", "1000", "2x3x50"],
    )
    def test_exactly_those_asked_for(
        self, redis_server: EmbeddedServer, view: ServerView, topology: rl.Topology, shares: list[int]
    ) -> None:
        numbers = itertools.count()
        expected = Counter(
            f"shop:w{worker}:c{next(numbers)}" for worker, share in enumerate(shares) for _ in range(share)
        )
        expected["shop:control"] = 1
        with rl.start(
            redis_server.url, duration_s=0, topology=topology, name="shop", prefill=False, interval_s=0.05
        ) as run:
            wait_until(lambda: run.snapshot().totals.succeeded > 0, what="load")
            assert view.connection_names() == expected
            time.sleep(0.1)
            assert view.connection_names() == expected
        assert run.wait().intervals["connections"].max() == sum(shares)
        wait_until(lambda: not view.connection_names(), what="the end of its connections")

    def test_the_name_is_the_applications_without_one(
        self, redis_server: EmbeddedServer, view: ServerView
    ) -> None:
        with rl.start(
            redis_server.url, duration_s=0, connections=2, app_name="billing", prefill=False, interval_s=0.05
        ) as run:
            wait_until(lambda: run.snapshot().totals.succeeded > 0, what="load")
            assert view.connection_names() == Counter(["billing:w0:c0", "billing:w0:c1", "billing:control"])


class TestKeys:
    @pytest.mark.parametrize(("connections", "threads"), [(1, 1), (50, 1), (7, 2)])
    def test_prefill_leaves_exactly_the_keyspace(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis, connections: int, threads: int
    ) -> None:
        result = rl.run(
            redis_server.url,
            operations=5_000,
            connections=connections,
            threads=threads,
            keys=1_003,
            values=77,
            workload=rl.Workload("basic_rw", weights={"GET": 1}),
        )
        assert redis_client.dbsize() == 1_003
        names = sorted(redis_client.scan_iter(count=1_000))
        assert names == [f"redisload:string:{number:012d}" for number in range(1_003)]
        with redis_client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.strlen(name)
            assert pipeline.execute() == [77] * 1_003
        assert result.commands["prefill"] == {"SET": 1_003}
        assert (result.totals.hits, result.totals.misses) == (5_000, 0)
        codes = {one["code"] for one in result.warnings}
        assert not codes & {"prefill_incomplete", "unexpected_misses", "evictions"}

    def test_without_prefill_nothing_is_written_before(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        weights = rl.Workload("basic_rw", weights={"GET": 1})
        result = rl.run(redis_server.url, operations=1_000, keys=100, prefill=False, workload=weights)
        assert redis_client.dbsize() == 0
        assert result.commands["prefill"] == {}
        assert result.totals.misses == 1_000

    def test_cleanup_removes_the_runs_keys_and_no_others(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        redis_client.set("mine", "1")
        redis_client.set("redisload:string:not-a-number", "1")
        result = rl.run(redis_server.url, operations=20_000, keys=500, cleanup=True)
        assert sorted(redis_client.scan_iter()) == ["mine", "redisload:string:not-a-number"]
        assert result.operations.keys() == {"SET", "GET", "DEL", "INCR"}  # cleanup is not the load
        assert sum(result.commands["measure"].values()) == 20_000

    def test_a_prefix_and_a_database(self, redis_server: EmbeddedServer, redis_client: redis.Redis) -> None:
        rl.run(f"{redis_server.url.removesuffix('/0')}/3", operations=2_000, keys=rl.Keys(50, prefix="a:"))
        assert redis_client.dbsize() == 0
        assert set(redis_client.info("keyspace")) == {"db3"}


def test_intervals_carry_every_phase(redis_server: EmbeddedServer) -> None:
    result = rl.run(
        redis_server.url,
        duration_s=0.5,
        warmup_s=0.2,
        keys=20_000,
        interval_s=0.05,
        rate=5_000,
        connections=10,
    )
    assert_conserved(result)
    rows = result.intervals
    for phase, commands in (("prefill", "prefill"), ("warmup", "warmup")):
        issued = int(rows["issued"][rows["phase"] == phase].sum())
        assert issued == sum(result.commands[commands].values()), phase
    order = [phase for phase, _ in itertools.groupby(rows["phase"].tolist())]
    assert order == [one for one in ("prefill", "warmup", "measure", "drain") if one in order]
    assert {"prefill", "warmup", "measure"} <= set(order)
    assert np.all(np.diff(rows["start_s"]) > 0)
    (measured,) = (one for one in result.phases if one["phase"] == "measure")
    first = rows[rows["phase"] == "measure"][0]
    assert first["start_s"] == pytest.approx(measured["start_s"], abs=1e-6)
