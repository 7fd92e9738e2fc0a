"""Workloads of several commands an operation, at a real server, against the server's own account of them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import redisload as rl
from redisload._settings import workloads
from support.conservation import assert_conserved
from support.server_view import ServerView, commands_of
from support.statistics import chi_square_p
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import redis

    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis

SHELL = [sys.executable, "-c", "from redisload.cli import main; main()"]
NAMES = ["transaction", "script", "stream_operations"]
KEYS = {"transaction": 300, "script": 300, "stream_operations": 16}
BLIND = rl.Workload("transaction", weights={"MULTI": 1})
WATCHED = rl.Workload("transaction", weights={"WATCH": 1})
CHECKED_OUT = rl.Topology(checkout="per_operation", threads_per_pool=3, clients_per_pool=2, max_connections=4)
PIPELINED = {"transaction": BLIND, "script": "script", "stream_operations": "stream_operations"}


@pytest.fixture
def view(redis_server: EmbeddedServer) -> Iterator[ServerView]:
    with ServerView(redis_server.url) as opened:
        yield opened


def codes(result: rl.Result) -> set[str]:
    return {one["code"] for one in result.warnings}


@pytest.mark.parametrize("name", NAMES)
class TestEveryWorkload:
    @pytest.mark.parametrize(
        "load",
        [
            {"connections": 1},
            {"connections": 20, "protocol": 2},
            {"connections": 20, "threads": 2, "protocol": 3},
            {"connections": 20, "threads": 2, "rate": 8_000},
            {"connections": 5, "rate": 8_000, "arrivals": "constant", "protocol": 3},
            {"topology": CHECKED_OUT},
            {"topology": CHECKED_OUT, "rate": 4_000},
        ],
        ids=[
            "one connection",
            "RESP2",
            "RESP3, two workers",
            "open loop, two workers",
            "constant rate, RESP3",
            "per operation",
            "per operation, open loop",
        ],
    )
    def test_commandstats_agree_exactly(
        self, redis_server: EmbeddedServer, view: ServerView, name: str, load: dict[str, Any]
    ) -> None:
        result = rl.run(
            redis_server.url,
            workload=name,
            keys=KEYS[name],
            operations=4_000,
            warmup_s=0.1,
            cleanup=True,
            **load,
        )
        assert commands_of(result) == view.commands()
        assert_conserved(result)
        assert result.errors == {}
        assert result.totals.succeeded == result.totals.issued == 4_000
        for phase in ("prefill", "warmup", "cleanup"):
            assert sum(result.commands[phase].values()) > 0, phase
        assert view.call("DBSIZE") == 0
        assert not codes(result) & {"prefill_incomplete", "unexpected_misses"}

    @pytest.mark.parametrize("limit", [{"operations": 20_000}, {"duration_s": 0.4}], ids=["count", "time"])
    def test_pipelined(
        self, redis_server: EmbeddedServer, view: ServerView, name: str, limit: dict[str, Any]
    ) -> None:
        result = rl.run(
            redis_server.url,
            workload=PIPELINED[name],
            keys=KEYS[name],
            pipeline=16,
            connections=20,
            threads=2,
            **limit,
        )
        assert commands_of(result) == view.commands()
        assert_conserved(result)
        assert result.errors == {}
        assert result.totals.succeeded > 0
        assert not codes(result) & {"prefill_incomplete", "unexpected_misses"}

    def test_its_mix_matches_the_weights(self, redis_server: EmbeddedServer, name: str) -> None:
        weights = {one["label"]: one["weight"] for one in workloads()[name]["commands"]}
        share = np.array(list(weights.values())) / sum(weights.values())
        for seed in range(5 if len(weights) > 1 else 1):
            result = rl.run(
                redis_server.url,
                workload=name,
                keys=KEYS[name],
                operations=100_000,
                seed=seed,
                connections=50,
            )
            assert list(result.operations) == list(weights)
            seen = np.array([operation["issued"] for operation in result.operations.values()])
            assert seen.sum() == 100_000
            if len(weights) > 1:
                assert chi_square_p(seen, share * 100_000) > 1e-4, (seed, seen)

    def test_the_same_seed_issues_the_same_operations(self, redis_server: EmbeddedServer, name: str) -> None:
        options: dict[str, Any] = {"workload": name, "keys": 16, "operations": 3_001, "connections": 7}
        first, second = (rl.run(redis_server.url, seed=5, **options) for _ in range(2))
        issued = [{label: one["issued"] for label, one in run.operations.items()} for run in (first, second)]
        assert issued[0] == issued[1]
        assert first.commands["measure"] == second.commands["measure"]

    def test_connections_that_are_killed_come_back(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis, name: str
    ) -> None:
        with rl.start(
            redis_server.url, workload=name, keys=KEYS[name], duration_s=0, connections=10, interval_s=0.05
        ) as run:
            wait_until(lambda: run.snapshot().totals.succeeded > 1_000, what="load")
            redis_client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            before = run.snapshot().totals.succeeded
            wait_until(lambda: run.snapshot().totals.succeeded > before + 1_000, what="load after it")
        result = run.wait()
        assert_conserved(result)
        assert {kind.split(".")[0] for kind in result.errors} <= {"connection"}

    def test_from_the_shell(
        self, redis_server: EmbeddedServer, view: ServerView, name: str, tmp_path: Path
    ) -> None:
        saved = tmp_path / "run.json"
        command = [*SHELL, "run", redis_server.url, "--workload", name, "-n", "2k", "--cleanup"]
        if name != "stream_operations":  # which has few keys of itself
            command += ["-r", "200"]
        done = subprocess.run([*command, "--json", str(saved)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        result = rl.load(saved)
        assert result.totals.succeeded == 2_000
        assert commands_of(result) == view.commands()
        for counter in result.counters:
            assert counter in done.stdout


class TestTransaction:
    def test_connections_that_watch_the_same_keys_conflict(
        self, redis_server: EmbeddedServer, view: ServerView
    ) -> None:
        result = rl.run(
            redis_server.url, workload=WATCHED, keys=2, operations=5_000, connections=20, threads=2
        )
        conflicts = result.counters["conflicts"]
        assert 0 < conflicts < 5_000
        assert result.commands["queued_only"] == {"SET": conflicts}
        assert result.totals.succeeded == 5_000
        assert commands_of(result) == view.commands()
        assert view.commands()["SET"] == 2 + 5_000 - conflicts

    @pytest.mark.parametrize("protocol", [2, 3])
    def test_one_connection_has_none(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis, protocol: int
    ) -> None:
        result = rl.run(
            redis_server.url,
            workload="transaction",
            keys=2,
            operations=2_000,
            connections=1,
            protocol=protocol,
        )
        assert result.counters == {"conflicts": 0}
        assert "queued_only" not in result.commands or not result.commands["queued_only"]
        counters = [
            int(redis_client.get(name) or 0) for name in redis_client.scan_iter("redisload:counter:*")
        ]
        assert sum(counters) == result.commands["measure"]["INCR"] == result.operations["MULTI"]["issued"]

    def test_hits_are_the_servers(self, redis_server: EmbeddedServer, view: ServerView) -> None:
        result = rl.run(redis_server.url, workload="transaction", keys=300, operations=5_000, connections=10)
        stats = view.stats("stats")
        assert (result.totals.hits, result.totals.misses) == (stats["keyspace_hits"], 0)
        assert stats["keyspace_misses"] == 0
        assert result.totals.hits == result.commands["measure"]["GET"]

    @pytest.mark.parametrize("pipeline", [1, 8])
    def test_an_error_inside_exec_is_a_failed_operation(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis, view: ServerView, pipeline: int
    ) -> None:
        view.call("RPUSH", "redisload:counter:000000000003", "a")
        result = rl.run(
            redis_server.url, workload=BLIND, keys=10, operations=4_000, connections=5, pipeline=pipeline
        )
        wrong = result.errors["reply.WRONGTYPE"]
        assert result.errors == {"reply.WRONGTYPE": wrong}
        assert result.totals.failed == wrong == view.errors()["WRONGTYPE"]
        assert 200 < wrong < 800  # a tenth of the keys
        assert_conserved(result)
        assert commands_of(result) == view.commands()

    def test_after_an_error_the_key_is_unwatched(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis, view: ServerView
    ) -> None:
        view.call("RPUSH", "redisload:string:000000000003", "a")
        result = rl.run(
            redis_server.url, workload=WATCHED, keys=10, operations=2_000, connections=1, prefill=False
        )
        failed = result.totals.failed
        assert result.errors == {"reply.WRONGTYPE": failed}
        assert result.commands["measure"]["UNWATCH"] in (failed, failed - 1)  # the last may be the end
        assert result.counters["conflicts"] == 0
        assert_conserved(result)
        assert commands_of(result) == view.commands()

    def test_where_the_memory_is_full(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server(options={"maxmemory": "1b", "maxmemory-policy": "noeviction"})
        with ServerView(server.url) as view:
            result = rl.run(
                server.url, workload="transaction", keys=50, operations=2_000, connections=5, prefill=False
            )
            assert commands_of(result) == view.commands()
        assert_conserved(result)
        assert result.totals.failed == 2_000  # of each a SET is refused
        assert result.errors == {"reply.OOM": 2_000}
        assert not result.commands.get("queued_only")  # then nothing else is queued either

    def test_what_exec_refuses_was_queued_only(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server()
        with ServerView(server.url) as view:
            view.call("ACL", "SETUSER", "limited", "on", ">secret", "~*", "+@all", "-incr")
            result = rl.run(
                server.url, workload=BLIND, keys=50, operations=2_000, username="limited", password="secret"
            )
            sent = commands_of(result)
            assert {name: count for name, count in view.commands().items() if name in sent} == sent
        assert_conserved(result)
        assert result.errors == {"reply.NOPERM": 2_000}
        assert result.commands["queued_only"] == {"SET": 2_000, "GET": 2_000}

    def test_watch_is_not_pipelined(self, redis_server: EmbeddedServer) -> None:
        with pytest.raises(rl.ConfigError, match="WATCH"):
            rl.run(redis_server.url, workload="transaction", pipeline=4, operations=10)


class TestScript:
    def test_a_flush_in_mid_run_is_survived(self, redis_server: EmbeddedServer, view: ServerView) -> None:
        with rl.start(
            redis_server.url,
            workload="script",
            keys=100,
            duration_s=0,
            connections=10,
            threads=2,
            pipeline=4,
            interval_s=0.05,
        ) as run:
            for _ in range(3):
                before = run.snapshot().totals.succeeded
                wait_until(lambda: run.snapshot().totals.succeeded > before + 1_000, what="load")  # noqa: B023
                view.call("SCRIPT", "FLUSH")
            wait_until(lambda: run.snapshot().totals.succeeded > before + 2_000, what="load after it")
        result = run.wait()
        assert result.errors == {}
        assert result.counters["noscript"] >= 3
        assert result.commands["measure"]["EVAL"] == result.counters["noscript"]
        assert result.commands["measure"]["EVALSHA"] == result.totals.issued == result.totals.succeeded
        assert result.commands["in_script"] == dict.fromkeys(("GET", "SET"), result.totals.succeeded)
        assert commands_of(result) == view.commands()
        assert_conserved(result)

    def test_without_prefill_the_first_operations_bring_it(
        self, redis_server: EmbeddedServer, view: ServerView
    ) -> None:
        view.call("SCRIPT", "FLUSH")
        result = rl.run(
            redis_server.url, workload="script", keys=100, operations=2_000, connections=10, prefill=False
        )
        stats = view.stats("stats")
        assert 1 <= result.counters["noscript"] <= 10
        assert result.errors == {}
        assert commands_of(result) == view.commands()
        assert (result.totals.hits, result.totals.misses) == (
            stats["keyspace_hits"],
            stats["keyspace_misses"],
        )
        assert result.totals.misses == 100  # each key once

    @pytest.mark.parametrize("protocol", [2, 3])
    def test_of_the_users_own(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis, protocol: int
    ) -> None:
        workload = rl.Workload(
            "script", script="redis.call('RPUSH', KEYS[1], ARGV[1])\nreturn {'{key}', \"\\n\", false}"
        )
        result = rl.run(
            redis_server.url,
            workload=workload,
            keys=rl.Keys(10, prefix="own:"),
            values=7,
            operations=1_000,
            connections=5,
            prefill=False,
            protocol=protocol,
        )
        assert result.errors == {}
        assert result.totals.hits == result.totals.misses == 0
        names = list(redis_client.scan_iter("own:*"))
        assert sum(redis_client.llen(name) for name in names) == 1_000
        assert result.commands.get("in_script", {}) == {}

    def test_errors_within_it(self, redis_server: EmbeddedServer, view: ServerView) -> None:
        view.call("RPUSH", "redisload:string:000000000003", "a")
        view.call("SCRIPT", "FLUSH")
        result = rl.run(
            redis_server.url, workload="script", keys=10, operations=2_000, connections=5, prefill=False
        )
        assert result.errors == {"reply.WRONGTYPE": result.totals.failed}
        assert 100 < result.totals.failed < 400
        assert commands_of(result) == view.commands()
        assert_conserved(result)

    def test_where_the_memory_is_full(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server(options={"maxmemory": "1b", "maxmemory-policy": "noeviction"})
        with ServerView(server.url) as view:
            result = rl.run(server.url, workload="script", keys=50, operations=1_000, prefill=False)
            assert commands_of(result) == view.commands()
        assert result.totals.failed == 1_000
        assert_conserved(result)

    def test_keys_live_as_long_as_asked_for(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        rl.run(
            redis_server.url,
            workload="script",
            keys=50,
            operations=2_000,
            values=rl.Values(8, ttl_s=100),
        )
        lives = [redis_client.pttl(name) for name in redis_client.scan_iter()]
        assert len(lives) == 50
        assert all(90_000 < life <= 100_000 for life in lives)


def pending(client: redis.Redis, group: str) -> int:
    """What the server says is delivered to the group and not acknowledged, all streams together."""
    return sum(client.xpending(name, group)["pending"] for name in client.scan_iter("redisload:stream:*"))


class TestStreams:
    @pytest.mark.parametrize("protocol", [2, 3])
    @pytest.mark.parametrize("threads", [1, 2])
    def test_pending_is_the_servers(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis, protocol: int, threads: int
    ) -> None:
        workload = rl.Workload("stream_operations", options={"groups": 2, "count": 3})
        result = rl.run(
            redis_server.url,
            workload=workload,
            operations=10_000,
            warmup_s=0.1,
            connections=20,
            threads=threads,
            pipeline=4,
            protocol=protocol,
        )
        rows = result.tables["groups"]
        assert [row["group"] for row in rows] == [0, 1]
        for row in rows:
            assert (
                row["pending"]
                == row["delivered"] - row["acknowledged"]
                == pending(redis_client, f"g{row['group']}")
            )
            assert row["pending"] > 0
        assert redis_client.dbsize() == 16  # its own number of streams

    def test_what_is_added_is_delivered_and_timed(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        result = rl.run(
            redis_server.url,
            workload="stream_operations",
            keys=4,
            operations=10_000,
            connections=10,
            values=rl.Values(50, content="printable"),
        )
        counters = result.counters
        names = list(redis_client.scan_iter())
        assert sum(redis_client.xlen(name) for name in names) == counters["added"]
        assert counters["added"] == result.operations["XADD"]["succeeded"]
        groups = [group for name in names for group in redis_client.xinfo_groups(name)]
        assert counters["added"] - counters["delivered"] == sum(group["lag"] for group in groups)
        assert result.delivery.count == counters["delivered"] > 0.9 * counters["added"]
        assert 0 < result.delivery.min_s < result.delivery.max_s < 10
        for _, fields in redis_client.xrange(names[0], count=5):
            assert list(fields) == ["sent", "value"]
        reads = result.operations["XREADGROUP"]
        assert reads["hits"] + reads["misses"] == reads["succeeded"]

    def test_lengths_are_bounded(self, redis_server: EmbeddedServer, redis_client: redis.Redis) -> None:
        workload = rl.Workload("stream_operations", weights={"XADD": 1}, options={"maxlen": 200, "groups": 1})
        rl.run(redis_server.url, workload=workload, keys=2, operations=10_000, pipeline=10)
        # MAXLEN ~ takes whole nodes of 100 entries away.
        assert all(200 <= redis_client.xlen(name) < 400 for name in redis_client.scan_iter())

    def test_groups_that_are_there_already_are_used(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        results = [
            rl.run(
                redis_server.url,
                workload="stream_operations",
                keys=4,
                operations=3_000,
                connections=connections,
            )
            for connections in (10, 5)
        ]
        for result in results:
            assert result.errors == {}
            assert "prefill_incomplete" not in codes(result)
        left = sum(result.tables["groups"][0]["pending"] for result in results)
        assert left == pending(redis_client, "g0")
