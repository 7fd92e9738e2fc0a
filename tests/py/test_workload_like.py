"""rl.Workload.like: what it finds on real servers at a known work, what it costs them, and what it makes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import pytest
import redis

import redisload as rl
from support.observing import CLIENTS, NAME, looking, send
from support.server_view import ServerView
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis

ASKED = {"CLIENT|SETNAME", "INFO", "DBSIZE", "SCAN", "TYPE", "PTTL", "OBJECT|ENCODING", "MEMORY|USAGE"} | {
    "STRLEN", "LLEN", "SCARD", "ZCARD", "HLEN", "XLEN"
}  # fmt: skip


def weights(workload: rl.Workload) -> dict[str, float]:
    """By template; they must add up to 100."""
    found = {one.text: one.weight for one in workload.commands}  # type: ignore[union-attr]
    assert sum(found.values()) == pytest.approx(100, abs=0.1)
    return found


class TestWhatItFinds:
    def test_the_weights_and_sizes_of_a_running_load(self, redis_server: EmbeddedServer) -> None:
        asked = {"SET": 30.0, "GET": 60.0, "INCR": 10.0}
        with rl.start(
            redis_server.url,
            workload=rl.Workload("basic_rw", weights=asked),
            keys=3000,
            values="100-300",
            connections=2,
            duration_s=0,
        ) as run:
            wait_until(lambda: run.snapshot().totals.issued > 1000, 20, "the load")
            seen = rl.Workload.like(redis_server.url, observe_s=1.5)
        found = {text.split()[0]: weight for text, weight in weights(seen).items()}
        assert found.keys() == asked.keys()
        assert found == pytest.approx(asked, abs=2)
        assert seen.types["string"].size_bytes == pytest.approx(200, rel=0.1)
        sizes = sorted(int(one.partition(":")[0]) for one in seen.values.sizes.split(","))
        assert sizes[len(sizes) // 2] == pytest.approx(200, rel=0.1)
        assert sum(sizes) / len(sizes) == pytest.approx(200, rel=0.1)
        assert seen.values.ttl_s is None
        assert seen.keys.count == pytest.approx(3000, rel=0.1)
        assert seen.rate * seen.observed_s > 1000
        assert seen.left_out == {}

    @pytest.mark.parametrize("query", ["", "?protocol=3"])
    def test_exact_counts(self, redis_server: EmbeddedServer, query: str) -> None:
        calls = {"GET a": 50, "HGET h f": 25, "RPUSH l v": 15, "PING": 10}
        with looking(redis_server.url + query) as made:
            send(redis_server.url, {**calls, "ECHO x": 3, "BLPOP none 0.001": 2})
        seen = made.result()
        assert weights(seen) == {
            "GET {key}": 50.0,
            "HGET {key} {field}": 25.0,
            "RPUSH {key} {value}": 15.0,
            "PING": 10.0,
        }
        left_out = Counter(seen.left_out)
        assert left_out["ECHO"] / left_out["BLPOP"] == pytest.approx(1.5)
        total = 100 / (1 - sum(left_out.values()))
        assert left_out["ECHO"] * total == pytest.approx(3)
        assert not left_out.keys() & {"SCAN", "TYPE", "DBSIZE", "PTTL", "STRLEN"}
        assert seen.rate == pytest.approx(100 / seen.observed_s)

    def test_what_keys_are_like(self, redis_server: EmbeddedServer, redis_client: redis.Redis) -> None:
        for i in range(60):
            redis_client.set(f"string:{i}", "x" * 500, px=90_000 if i < 30 else None)
            redis_client.set(f"number:{i}", i)
        for i in range(20):
            redis_client.rpush(f"list:{i}", *["x" * 200] * 30)
            redis_client.sadd(f"set:{i}", *range(7))
            redis_client.zadd(f"zset:{i}", {str(n): n for n in range(9)})
            redis_client.hset(f"hash:{i}", mapping={f"f{n}": "x" * 20 for n in range(11)})
            redis_client.xadd(f"stream:{i}", {"f": "v"})
        with looking(redis_server.url) as made:
            send(redis_server.url, {"INCR number:1": 10, "SET string:1 x KEEPTTL": 60, "LLEN list:1": 30})
        seen = made.result()
        shares = {name: one.sampled for name, one in seen.types.items()}
        assert shares == {
            "string": 60, "counter": 60, "list": 20, "set": 20, "zset": 20, "hash": 20, "stream": 20
        }  # fmt: skip
        assert sum(one.share for one in seen.types.values()) == pytest.approx(1)
        assert seen.types["string"].size_bytes == 500
        assert seen.types["string"].expiring == 0.5
        assert seen.types["string"].ttl_s == pytest.approx(90, abs=10)
        assert seen.types["list"].size_bytes == pytest.approx(200, rel=0.1)
        elements = {name: seen.types[name].elements for name in ("list", "set", "zset", "hash", "stream")}
        assert elements == {"list": 30, "set": 7, "zset": 9, "hash": 11, "stream": 1}
        # Half of the strings expire: so does what half of the SETs write.
        assert weights(seen) == {
            "SET {key} {value}": 30.0,
            "SET {key} {value} PX {ttl_ms}": 30.0,
            "LLEN {key}": 30.0,
            "INCR {key}": 10.0,
        }
        assert seen.values.ttl_s == seen.types["string"].ttl_s
        assert seen.options == {"elements": 30}
        assert seen.keys.count == 60
        assert seen.database_keys == 220

    @pytest.mark.parametrize("fill", [20, 200, 2000])
    def test_sizes_within_lists_and_hashes_are_near(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis, fill: int
    ) -> None:
        redis_client.rpush("list", *["x" * fill] * 40)
        redis_client.hset("hash", mapping={f"field:{i:06}": "x" * fill for i in range(40)})
        with looking(redis_server.url) as made:
            send(redis_server.url, {"LPUSH list x": 1})
        for kind in ("list", "hash"):
            assert made.result().types[kind].size_bytes == pytest.approx(fill, rel=0.25), kind

    def test_a_sample_of_a_larger_database(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        sizes = [10, 100, 1000]
        for i, size in enumerate(islice(cycle(sizes), 6000)):
            redis_client.set(f"key:{i}", "x" * size)
        with ServerView(redis_server.url) as view, looking(redis_server.url, sample_keys=600) as made:
            send(redis_server.url, {"GET key:1": 1, "SET key:1 0123456789": 1})
            seen = made.result()
            asked = view.commands()
        assert seen.types["string"].sampled == 600
        assert seen.keys.count == seen.database_keys == 6000
        assert seen.types["string"].size_bytes == 100
        given = dict(one.split(":") for one in seen.values.sizes.split(","))
        assert given.keys() == {"10", "100", "1000"}
        assert all(int(number) == pytest.approx(200, abs=60) for number in given.values())
        assert asked["STRLEN"] == asked["TYPE"] == asked["PTTL"] == 600
        assert asked["SCAN"] < 20

    def test_an_empty_database(self, redis_server: EmbeddedServer) -> None:
        with looking(redis_server.url) as made:
            send(redis_server.url, {"GET a": 1})
        seen = made.result()
        assert (seen.keys, seen.values, seen.types, seen.options) == (None, None, {}, None)
        assert rl.run(redis_server.url, workload=seen, keys=10, operations=10).totals.succeeded == 10


class TestWhatItCosts:
    def test_nothing_else_is_asked_and_its_own_commands_do_not_count(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        for i in range(300):
            redis_client.set(f"string:{i}", "x", ex=1000)
            redis_client.rpush(f"list:{i}", "x")
            redis_client.hset(f"hash:{i}", "f", "v")
            redis_client.sadd(f"set:{i}", "m")
            redis_client.zadd(f"zset:{i}", {"m": 1})
            redis_client.xadd(f"stream:{i}", {"f": "v"})
        with ServerView(redis_server.url) as view:
            errors = view.errors()
            with pytest.raises(rl.RunError, match="was sent no command in 500 ms: observe it at work"):
                rl.Workload.like(redis_server.url, observe_s=0.5, sample_keys=500)
            asked = view.commands()
            assert asked.keys() == ASKED
            assert asked["TYPE"] == asked["PTTL"] == 500
            assert (
                sum(asked[name] for name in ASKED - {"CLIENT|SETNAME", "INFO", "DBSIZE", "SCAN"}) <= 4 * 500
            )
            assert asked["CLIENT|SETNAME"] == asked["DBSIZE"] == 1
            assert NAME not in view.connection_names()
            assert view.errors() == errors

    def test_without_a_sample(self, redis_server: EmbeddedServer, redis_client: redis.Redis) -> None:
        redis_client.set("a", "b")
        with ServerView(redis_server.url) as view, looking(redis_server.url, sample_keys=0) as made:
            send(redis_server.url, {"GET a": 1})
            assert made.result().types == {}
            asked = view.commands().keys() - CLIENTS
        assert asked == {"CLIENT|SETNAME", "INFO", "DBSIZE", "GET"}

    def test_it_takes_as_long_as_was_asked(self, redis_server: EmbeddedServer) -> None:
        redis_client = redis.Redis.from_url(redis_server.url)
        for i in range(1000):
            redis_client.set(f"key:{i}", i)
        with looking(redis_server.url, observe_s=1.5) as made:
            send(redis_server.url, {"GET a": 1})
        redis_client.close()
        assert 1.5 <= made.result().observed_s < 5

    def test_a_thread_goes_on_meanwhile(self, redis_server: EmbeddedServer) -> None:
        stop, turns = threading.Event(), [0]

        def count() -> None:
            while not stop.is_set():
                turns[0] += 1
                time.sleep(0.001)

        thread = threading.Thread(target=count)
        thread.start()
        try:
            with pytest.raises(rl.RunError):
                rl.Workload.like(redis_server.url, observe_s=0.3)
        finally:
            stop.set()
            thread.join()
        assert turns[0] > 10


class TestErrors:
    def test_nobody_there(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server()
        url = server.url
        server.stop()
        with pytest.raises(rl.TargetError, match="refused") as caught:
            rl.Workload.like(url, observe_s=0.1)
        assert caught.value.stage == "connect"

    def test_a_server_that_goes_away(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server()
        with looking(server.url, observe_s=2.0) as made:
            server.kill()
            with pytest.raises(rl.RunError, match=r"closed the connection|reset"):
                made.result()

    def test_a_server_that_does_not_answer(self, misbehaving_server: Callable[..., Any]) -> None:
        silent = misbehaving_server("never_answers")
        with pytest.raises(rl.TargetError, match="did not answer within 200 ms"):
            rl.Workload.like(f"redis://127.0.0.1:{silent.port}?socket_timeout=0.2", observe_s=0.1)

    def test_passwords(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server(options={"requirepass": "right"})
        bare = f"redis://127.0.0.1:{server.port}"
        for url, options in (
            (bare, {}),
            (f"redis://:wrong@127.0.0.1:{server.port}", {}),
            (bare, {"password": "no"}),
        ):
            with pytest.raises(rl.TargetError) as caught:
                rl.Workload.like(url, observe_s=0.1, **options)
            assert caught.value.stage == "auth"
            assert "right" not in str(caught.value)
        with pytest.raises(rl.RunError, match="was sent no command"):
            rl.Workload.like(bare, observe_s=0.1, password="right")

    def test_a_user_who_may_not_ask(self, redis_server: EmbeddedServer, redis_client: redis.Redis) -> None:
        redis_client.set("a", "b")
        redis_client.set("app:1", "b" * 50)
        url = f"redis://watcher:pw@127.0.0.1:{redis_server.port}"
        for rules, needed in (
            (["~*", "+@all", "-info"], "INFO"),
            (["~*", "+@all", "-scan"], "SCAN"),
            (["~*", "+@all", "-dbsize"], "DBSIZE"),
            (["~*", "+@all", "-type"], "TYPE"),
            (["~nothing:*", "+@all"], "TYPE"),
        ):
            redis_client.execute_command("ACL", "SETUSER", "watcher", "reset", "on", ">pw", *rules)
            with pytest.raises(rl.RunError, match=f"refuses {needed}, which Workload.like needs: NOPERM"):
                rl.Workload.like(url, observe_s=0.1)
        # What he may not see is not in the sample; the encoding of a string is not needed.
        redis_client.execute_command(
            "ACL", "SETUSER", "watcher", "reset", "on", ">pw", "~app:*", "+@all", "-object"
        )
        with looking(redis_server.url.replace("//", "//watcher:pw@")) as made:
            send(redis_server.url, {"GET a": 1})
        assert made.result().types["string"].sampled == 1
        assert made.result().values == rl.Values(size_bytes=50)
        assert "pw" not in repr(made.result()).replace("://watcher:***", "")

    def test_statistics_that_are_reset_meanwhile(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        for _ in range(100):
            redis_client.get("a")
        with looking(redis_server.url) as made:
            redis_client.config_resetstat()
            with pytest.raises(rl.RunError, match="reset while they were observed"):
                made.result()

    def test_nothing_that_can_be_imitated(self, redis_server: EmbeddedServer) -> None:
        with looking(redis_server.url) as made:
            send(redis_server.url, {"ECHO a": 1})
            with pytest.raises(
                rl.RunError, match=r"no command in 1 s but .*ECHO.*, which cannot be imitated"
            ):
                made.result()

    def test_wrong_arguments_are_told_all_at_once(self) -> None:
        with pytest.raises(rl.ConfigError) as caught:
            rl.Workload.like("redis://127.0.0.1", observe_s=0, sample_keys=-1)
        assert [problem.path for problem in caught.value.problems] == ["observe_s", "sample_keys"]
        for target in (None, "http://nowhere", "redis://127.0.0.1?nonsense=1"):
            with pytest.raises(rl.ConfigError):
                rl.Workload.like(target)
