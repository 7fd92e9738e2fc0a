"""Every workload that mixes single commands, at a real server, against the server's own account of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import redisload as rl
from redisload._settings import workloads
from support.conservation import assert_conserved
from support.server_view import ServerView, commands_of
from support.statistics import chi_square_p

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis

SHELL = [sys.executable, "-c", "from redisload.cli import main; main()"]
CUSTOM = {
    "GET {key}": 5,
    "SET {key} {value}": 3,
    "MGET {key} {key} {key:1}": 1,
    "HSET {key} {field} {value}": 1,
}
NAMES = [
    *("basic_rw", "high_throughput", "list_operations", "set_operations", "sorted_set_operations"),
    *("hash_operations", "pipeline", "custom"),
]


@pytest.fixture
def view(redis_server: EmbeddedServer) -> Iterator[ServerView]:
    with ServerView(redis_server.url) as opened:
        yield opened


def workload_of(name: str) -> Any:
    return CUSTOM if name == "custom" else name


def weights_of(name: str) -> dict[str, float]:
    """Label → weight, as documented."""
    if name == "custom":
        return {text.split()[0]: float(weight) for text, weight in CUSTOM.items()}
    return {command["label"]: command["weight"] for command in workloads()[name]["commands"]}


@pytest.mark.parametrize("name", NAMES)
class TestEveryWorkload:
    @pytest.mark.parametrize(
        "load",
        [{"connections": 20}, {"connections": 20, "threads": 2, "rate": 20_000}],
        ids=["closed loop", "open loop on two workers"],
    )
    def test_commandstats_agree_exactly(
        self, redis_server: EmbeddedServer, view: ServerView, name: str, load: dict[str, Any]
    ) -> None:
        result = rl.run(
            redis_server.url,
            workload=workload_of(name),
            keys=300,
            operations=6_000,
            warmup_s=0.1,
            cleanup=True,
            **load,
        )
        assert commands_of(result) == view.commands()
        assert_conserved(result, keys_per_read=3 if name == "custom" else 1)
        assert result.errors == {}
        assert result.totals.succeeded == sum(result.commands["measure"].values()) == 6_000
        assert sum(result.commands["prefill"].values()) % 300 == 0
        assert sum(result.commands["prefill"].values()) > 0
        assert sum(result.commands["warmup"].values()) > 0
        assert view.call("DBSIZE") == 0
        codes = {one["code"] for one in result.warnings}
        assert not codes & {"prefill_incomplete", "unexpected_misses", "evictions"}

    def test_its_own_misses_are_expected(self, redis_server: EmbeddedServer, name: str) -> None:
        result = rl.run(
            redis_server.url, workload=workload_of(name), keys=20_000, operations=5_000, connections=20
        )
        assert not {one["code"] for one in result.warnings} & {"unexpected_misses", "evictions"}

    def test_its_mix_matches_the_weights(self, redis_server: EmbeddedServer, name: str) -> None:
        weights = weights_of(name)
        share = np.array(list(weights.values())) / sum(weights.values())
        for seed in range(5):
            result = rl.run(
                redis_server.url,
                workload=workload_of(name),
                operations=100_000,
                seed=seed,
                keys=1_000,
                pipeline=50,
                connections=20,
            )
            assert list(result.operations) == list(weights)
            seen = np.array([operation["issued"] for operation in result.operations.values()])
            assert chi_square_p(seen, share * 100_000) > 1e-4, (seed, seen)

    def test_from_the_shell(self, redis_server: EmbeddedServer, view: ServerView, name: str) -> None:
        flags = ["--workload", name]
        if name == "custom":
            flags = [part for text, weight in CUSTOM.items() for part in ("--command", f"{weight}:{text}")]
        command = [
            *SHELL,
            "run",
            redis_server.url,
            *flags,
            "-n",
            "3k",
            "-r",
            "200",
            "--cleanup",
            "--json",
            "-",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        out = json.loads(done.stdout)
        total: Counter[str] = Counter()
        for phase in ("prefill", "warmup", "measure", "cleanup", "control"):
            total.update(out["commands"][phase])
        assert dict(total) == view.commands()
        assert out["totals"]["succeeded"] == 3_000
        assert set(out["operations"]) == set(weights_of(name))


def test_weights_of_the_users_own(redis_server: EmbeddedServer, view: ServerView) -> None:
    workload = rl.Workload("set_operations", weights={"SADD": 1, "scard": 1}, options={"elements": 3})
    result = rl.run(redis_server.url, workload=workload, keys=50, operations=2_000)
    assert set(result.commands["measure"]) == {"SADD", "SCARD"}
    assert result.commands["prefill"] == {"SADD": 50}
    assert commands_of(result) == view.commands()
    assert {view.call("SCARD", name) for name in view.call("KEYS", "*")} == {3}


class TestBatches:
    def test_a_batch_takes_as_long_as_its_slowest_command(self, redis_server: EmbeddedServer) -> None:
        result = rl.run(
            redis_server.url, workload="pipeline", pipeline=20, connections=5, operations=20_000, keys=200
        )
        assert result.batch.count == 1_000
        assert result.batch == result.series["batch"]
        assert result.batch.min_s >= result.service_time.min_s
        assert result.batch.max_s >= result.service_time.max_s
        for share in (0.25, 0.5, 0.75, 0.95):
            assert result.batch.quantile(share) >= result.service_time.quantile(share)
        assert "batch " in result.report()

    def test_other_workloads_have_none(self, redis_server: EmbeddedServer) -> None:
        result = rl.run(redis_server.url, operations=500, pipeline=10, keys=100)
        assert result.batch.count == result.delivery.count == 0
        assert result.series == {}


class TestCustom:
    def test_labels(self, redis_server: EmbeddedServer, view: ServerView) -> None:
        commands = [
            "GET {key}",
            rl.Command("GET {key} ", name="cold"),
            rl.Command("get {key}", weight=2),
            "CLIENT ID",
        ]
        result = rl.run(redis_server.url, workload=commands, operations=4_000, keys=100)
        assert set(result.operations) == {"GET", "cold", "GET#2", "CLIENT|ID"}
        assert commands_of(result) == view.commands()
        assert result.totals.hits == sum(result.operations[name].issued for name in ("GET", "cold", "GET#2"))

    def test_placeholders_as_another_client_sees_them(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        drawn = r"{int:-3:5}|{choice:a,b,,d}|{field}|{member}|{score}|{{x}}\x01\n"
        text = f"""RPUSH seen "{drawn}" '{{value}} "' {{ttl_ms}}"""
        draws = 20_000
        rl.run(
            redis_server.url,
            workload=rl.Workload(commands=[text], options={"elements": 4}),
            operations=draws,
            keys=10,
            pipeline=50,
            prefill=False,
            seed=3,
            values=rl.Values(9, content="printable", ttl_s=1, ttl_max_s=1.009),
        )
        seen = redis_client.lrange("seen", 0, -1)
        assert len(seen) == 3 * draws
        columns = list(zip(*(one.split("|") for one in seen[::3]), strict=True))
        assert set(columns.pop()) == {"{x}\x01\n"}
        scores = np.array([float(score) for score in columns.pop()])
        assert scores.min() >= 0
        assert scores.max() < 1
        for values, expected in zip(
            columns,
            (
                [str(number) for number in range(-3, 6)],
                ["a", "b", "", "d"],
                [f"field:{number:06}" for number in range(4)],
                [f"member:{number:06}" for number in range(4)],
            ),
            strict=True,
        ):
            counts = Counter(values)
            assert set(counts) == set(expected)
            observed = np.array([counts[one] for one in expected])
            assert chi_square_p(observed, np.full(len(expected), draws / len(expected))) > 1e-4
        uniform, _ = np.histogram(scores, bins=20, range=(0, 1))
        assert chi_square_p(uniform, np.full(20, draws / 20)) > 1e-4
        assert {len(one) for one in seen[1::3]} == {11}
        assert all(one.endswith(' "') and one.isprintable() for one in seen[1::3])
        assert {int(one) for one in seen[2::3]} == set(range(1000, 1010))

    def test_each_key_is_one_of_its_own_unless_numbered(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        text = "RPUSH seen {key} {key} {key:1} {key:2}"
        rl.run(
            redis_server.url, workload=[text], operations=5_000, keys=rl.Keys(1000, prefix="k"), prefill=False
        )
        seen = redis_client.lrange("seen", 0, -1)
        first, second, again, second_again = (seen[place::4] for place in range(4))
        assert first == again
        assert second == second_again
        assert sum(one == other for one, other in zip(first, second, strict=True)) < 50  # about 5

    def test_a_command_that_does_not_exist_is_the_servers_to_refuse(
        self, redis_server: EmbeddedServer
    ) -> None:
        result = rl.run(redis_server.url, workload=["NOSUCH {key}", "GET {key}"], operations=2_000, keys=10)
        assert result.errors == {"reply.ERR": result.operations["NOSUCH"]["failed"]}
        assert_conserved(result)
