"""Keys, values, hit ratios and times to live, as a real server and another client see them."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import redisload as rl
from support.server_view import ServerView
from support.sink import Sink, parse_words
from support.statistics import chi_square_p

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis

READS = rl.Workload("basic_rw", weights={"GET": 1})


def prefilled(server: EmbeddedServer, client: redis.Redis, count: int = 4_000, **options: Any) -> list[int]:
    """STRLEN of every key that prefill wrote."""
    options = {"keys": count, "operations": 100, "workload": READS, **options}
    result = rl.run(server.url, connections=10, pipeline=10, **options)
    assert result.errors == {}
    assert result.totals.misses == 0
    names = list(client.scan_iter(count=1_000))
    assert len(names) == count
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.strlen(name)
        return pipeline.execute()


class TestSizes:
    def test_a_range(self, redis_server: EmbeddedServer, redis_client: redis.Redis) -> None:
        sizes = np.array(prefilled(redis_server, redis_client, values="10-19"))
        assert chi_square_p(np.bincount(sizes)[10:], np.full(10, 400.0)) > 1e-4
        assert set(sizes) == set(range(10, 20))

    def test_weights(self, redis_server: EmbeddedServer, redis_client: redis.Redis) -> None:
        counts = Counter(prefilled(redis_server, redis_client, values={32: 9, 1024: 1}))
        assert set(counts) == {32, 1024}
        assert chi_square_p(np.array([counts[32], counts[1024]]), np.array([3600.0, 400.0])) > 1e-4

    def test_log_normal(self, redis_server: EmbeddedServer, redis_client: redis.Redis) -> None:
        sizes = np.array(prefilled(redis_server, redis_client, values="lognormal:200:0.5:1KiB"))
        assert sizes.max() <= 1024
        assert np.median(sizes) == pytest.approx(200, rel=0.05)
        # A quarter lies below exp(-0.6745 sigma) of the median.
        assert np.quantile(sizes, 0.25) == pytest.approx(200 * math.exp(-0.6745 * 0.5), rel=0.05)

    def test_a_file(self, redis_server: EmbeddedServer, redis_client: redis.Redis, tmp_path: Path) -> None:
        (tmp_path / "sizes").write_text("5 1\n6 3  # more\n")
        counts = Counter(prefilled(redis_server, redis_client, values=f"@{tmp_path / 'sizes'}"))
        assert chi_square_p(np.array([counts[5], counts[6]]), np.array([1000.0, 3000.0])) > 1e-4

    def test_of_what_the_load_writes_too(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        writes = rl.Workload("basic_rw", weights={"SET": 1})
        rl.run(redis_server.url, workload=writes, values="3-5", keys=100, operations=2_000, prefill=False)
        assert {redis_client.strlen(name) for name in redis_client.scan_iter()} == {3, 4, 5}


class TestContent:
    def test_what_values_are_made_of(self, redis_server: EmbeddedServer) -> None:
        import zlib

        import redis as redis_py

        shrunk = {}
        with redis_py.Redis.from_url(redis_server.url) as client:
            for content in ("random", "printable", "compressible"):
                values = rl.Values(2_000, content=content, compression=4.0)
                keys = rl.Keys(50, prefix=f"{content}:")
                rl.run(redis_server.url, workload=READS, values=values, keys=keys, operations=50)
                seen = [client.get(name) for name in client.scan_iter(f"{content}:*")]
                assert len(set(seen)) == 50
                shrunk[content] = 2_000 / np.mean([len(zlib.compress(one, 9)) for one in seen])
                if content == "printable":
                    assert all(one.decode("ascii").isprintable() for one in seen)
        assert shrunk["random"] < 1.01
        assert shrunk["compressible"] == pytest.approx(4.0, rel=0.15)

    @pytest.mark.parametrize("values", [{"size_bytes": 64}, {"sizes": "16-300"}], ids=["fixed", "varying"])
    def test_verified_values_find_what_another_client_wrote(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis, values: dict[str, Any]
    ) -> None:
        shape = rl.Values(content="verified", **values)
        keys = rl.Keys(100, prefix="v:", distribution="sequential")
        options: dict[str, Any] = {"keys": keys, "values": shape, "connections": 1}
        written = rl.run(redis_server.url, operations=5_000, **options)
        assert written.counters == {"corrupt_values": 0}
        # DEL took some away; what is there again is verified, whoever wrote it in which run.
        options |= {"operations": 100, "workload": READS}
        assert rl.run(redis_server.url, **options).counters == {"corrupt_values": 0}
        names = [f"v:{number:012d}" for number in (3, 50, 99)]
        for name in names:
            redis_client.set(name, "x" * 64)
        redis_client.copy("v:000000000007", "v:000000000008", replace=True)  # a whole value of another key
        redis_client.setrange("v:000000000009", 15, "?")
        redis_client.append("v:000000000010", "!")
        result = rl.run(redis_server.url, prefill=False, **options)
        assert result.counters == {"corrupt_values": 6}
        assert result.errors == {}
        assert "corrupt_values" in result.report()


class TestHitRatio:
    @pytest.mark.parametrize(
        ("workload", "ratio"),
        [
            (READS, 0.8),
            ("basic_rw", 0.8),
            ("high_throughput", 0.25),
            ("hash_operations", 0.8),
            ("list_operations", 0.8),
            ({"MGET {key} {key} {key}": 1, "SET {key} {value}": 1, "DEL {key}": 1}, 0.8),
        ],
        ids=["reads", "basic_rw", "a quarter", "hashes", "lists", "custom"],
    )
    def test_it_is_the_servers_own(self, redis_server: EmbeddedServer, workload: Any, ratio: float) -> None:
        with ServerView(redis_server.url) as view:
            result = rl.run(
                redis_server.url, workload=workload, hit_ratio=ratio, keys=1_000, operations=60_000,
                pipeline=20, seed=5,
            )  # fmt: skip
            stats = view.stats("stats")
        hits, misses = stats["keyspace_hits"], stats["keyspace_misses"]
        assert hits / (hits + misses) == pytest.approx(ratio, abs=0.01)
        totals = result.totals
        assert totals.hits / (totals.hits + totals.misses) == pytest.approx(ratio, abs=0.01)
        assert "unexpected_misses" not in {one["code"] for one in result.warnings}

    @pytest.mark.parametrize("ratio", [0.0, 1.0])
    def test_its_ends(self, redis_server: EmbeddedServer, ratio: float) -> None:
        result = rl.run(redis_server.url, workload=READS, hit_ratio=ratio, keys=100, operations=1_000)
        assert (result.totals.hits, result.totals.misses) == ((0, 1_000) if ratio == 0 else (1_000, 0))


class TestTimesToLive:
    @pytest.mark.parametrize(
        ("values", "low_s", "high_s"),
        [
            (rl.Values(ttl_s=100), 100, 100),
            (rl.Values(ttl_s=100, ttl_max_s=200), 100, 200),
            (rl.Values(ttl_s=100, ttl_jitter=0.1), 90, 110),
        ],
        ids=["fixed", "a range", "jitter"],
    )
    def test_the_server_has_them(
        self,
        redis_server: EmbeddedServer,
        redis_client: redis.Redis,
        values: rl.Values,
        low_s: float,
        high_s: float,
    ) -> None:
        start = redis_client.time()
        rl.run(
            redis_server.url,
            workload=rl.Workload("basic_rw", weights={"SET": 1, "GET": 1}),
            values=values,
            keys=500,
            operations=2_000,
        )
        assert redis_client.info("keyspace")["db0"]["expires"] == 500
        names = list(redis_client.scan_iter(count=1_000))
        left_s = np.array([redis_client.pttl(name) for name in names]) / 1e3
        end = redis_client.time()
        took_s = end[0] - start[0] + (end[1] - start[1]) / 1e6
        assert left_s.max() <= high_s
        assert left_s.min() >= low_s - took_s - 0.002
        if high_s > low_s:
            spread = high_s - low_s
            assert left_s.mean() == pytest.approx((low_s + high_s) / 2, abs=took_s + 0.1 * spread)
            assert left_s.max() - left_s.min() > 0.9 * spread

    def test_what_expired_stands_in_the_report(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        # A key is written about every two seconds and lives for a twentieth of one: the next GET expires it.
        result = rl.run(
            redis_server.url, values=rl.Values(ttl_s=0.05), keys=500, rate=500, connections=5, duration_s=0.5
        )
        assert result.environment["server"]["expired_keys"] > 0
        assert "expired during the run" in result.report()
        assert "unexpected_misses" not in {one["code"] for one in result.warnings}


class TestNames:
    def names(self, client: redis.Redis) -> list[str]:
        return sorted(client.scan_iter(count=1_000))

    def test_length(self, redis_server: EmbeddedServer, redis_client: redis.Redis) -> None:
        prefilled(redis_server, redis_client, 100, keys=rl.Keys(100, prefix="u:", length_bytes=30))
        assert self.names(redis_client) == [f"u:{number:028d}" for number in range(100)]

    def test_a_short_length(self, redis_server: EmbeddedServer, redis_client: redis.Redis) -> None:
        rl.run(redis_server.url, workload=READS, keys=rl.Keys(100, prefix="", length_bytes=12), operations=10)
        assert {len(name) for name in self.names(redis_client)} == {12}

    def test_hash_tags(self, redis_server: EmbeddedServer, redis_client: redis.Redis) -> None:
        prefilled(redis_server, redis_client, 100, keys=rl.Keys(100, prefix="u:", hash_tags=8))
        names = self.names(redis_client)
        assert names == sorted(f"u:{{{number % 8:06d}}}:{number:012d}" for number in range(100))

    def test_each_data_type_has_a_prefix_of_its_own(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        commands = [
            "SET {key} 1",
            "LPUSH {key} a",
            "SADD {key} a",
            "ZADD {key} 1 a",
            "HSET {key} a b",
            "INCR {key}",
        ]
        result = rl.run(redis_server.url, workload=commands, keys=20, operations=5_000, prefill=False)
        assert result.errors == {}
        kinds = {(name.split(":")[1], redis_client.type(name)) for name in self.names(redis_client)}
        assert kinds == {
            *(("string", "string"), ("counter", "string"), ("list", "list"), ("set", "set")),
            *(("zset", "zset"), ("hash", "hash")),
        }

    @pytest.mark.parametrize(
        "distribution", ["uniform", "sequential", "zipfian", "hotset", "normal", "moving"]
    )
    def test_a_partition_gives_each_connection_keys_of_its_own(
        self, tmp_path: Path, distribution: str
    ) -> None:
        keys = rl.Keys(40, distribution=distribution, partition=True)
        with Sink("record", log=tmp_path / "log") as sink:
            rl.run(
                sink.url,
                workload=["MGET {key} {key}"],
                keys=keys,
                connections=4,
                operations=8_000,
                prefill=False,
            )
        log = sink.read_log()
        drawn: dict[int, set[int]] = {}
        for name, stream in log.streams().items():
            if not name.endswith(":control"):
                words = [parse_words(command) for command in stream]
                number = int(name.rpartition("c")[2])
                drawn[number] = {int(key[-12:]) for one in words if one[0] == b"MGET" for key in one[1:]}
        assert set(drawn) == {0, 1, 2, 3}
        for number, seen in drawn.items():
            assert seen <= set(range(number, 40, 4))
            assert len(seen) > 5
