"""What a workload made by rl.Workload.like does: it can be run, looked at, changed."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

import redisload as rl
from support.observing import CLIENTS, looking, send
from support.server_view import ServerView, commands_of

if TYPE_CHECKING:
    import redis

    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis

SENT = {
    "string": "GET SET SETEX PSETEX SETNX GETSET GETDEL GETEX APPEND STRLEN GETRANGE SUBSTR SETRANGE GETBIT "
    "SETBIT BITCOUNT MGET MSET DEL UNLINK EXISTS EXPIRE PEXPIRE TTL PTTL PERSIST TYPE TOUCH DUMP PING",
    "counter": "INCR DECR INCRBY DECRBY",
    "list": "LPUSH RPUSH LPUSHX RPUSHX LPOP RPOP LLEN LRANGE LINDEX LREM LTRIM RPOPLPUSH LMOVE EXPIRE",
    "set": "SADD SREM SISMEMBER SMISMEMBER SCARD SMEMBERS SPOP SRANDMEMBER SSCAN SMOVE SINTER SUNION SDIFF",
    "zset": "ZADD ZINCRBY ZREM ZSCORE ZMSCORE ZRANK ZREVRANK ZCARD ZCOUNT ZRANGE ZREVRANGE ZRANGEBYSCORE "
    "ZREVRANGEBYSCORE ZPOPMIN ZPOPMAX ZRANDMEMBER ZSCAN ZREMRANGEBYRANK",
    "hash": "HSET HMSET HSETNX HGET HMGET HGETALL HKEYS HVALS HDEL HEXISTS HLEN HSTRLEN HRANDFIELD HSCAN "
    "HINCRBY",
    "stream": "XADD XLEN XRANGE XREVRANGE XTRIM",
}


@pytest.mark.parametrize("kind", [*SENT, "all"])
def test_a_run_of_it_sends_what_was_seen_without_errors(
    redis_server: EmbeddedServer, redis_client: redis.Redis, kind: str
) -> None:
    names = dict.fromkeys(" ".join(SENT.values()).split() if kind == "all" else SENT[kind].split())
    with looking(redis_server.url) as made:
        send(redis_server.url, dict.fromkeys(names, 3))  # refused for want of words, and counted
    seen = made.result()
    assert seen.left_out.keys() <= CLIENTS
    redis_client.flushall()
    with ServerView(redis_server.url) as view:
        result = rl.run(redis_server.url, workload=seen, operations=200 * len(names), keys=50, connections=4)
        assert view.commands() == commands_of(result)
    assert result.errors == {}
    assert {name for name, sent in result.commands["measure"].items() if sent} == names.keys()


def test_its_mix_is_the_weights(redis_server: EmbeddedServer) -> None:
    calls = {"GET a": 70, "SET a b": 20, "LPUSH l v": 8, "RPOP l": 2}
    with looking(redis_server.url) as made:
        send(redis_server.url, calls)
    total = 20_000
    result = rl.run(redis_server.url, workload=made.result(), operations=total, keys=100, seed=1)
    sent = result.commands["measure"]
    expected = {command.split()[0]: number * total / 100 for command, number in calls.items()}
    chi_square = sum((sent[name] - mean) ** 2 / mean for name, mean in expected.items())
    assert chi_square < 21.1  # three degrees of freedom: one in 10,000


def test_a_run_takes_its_keys_and_values_unless_it_is_given_others(
    redis_server: EmbeddedServer, redis_client: redis.Redis
) -> None:
    for i in range(40):
        redis_client.set(f"session:0123456789:{i:06}", "x" * 77, ex=600)
    with looking(redis_server.url) as made:
        send(redis_server.url, {"SET session:0123456789:000001 x EX 600": 9, "GET a": 1})
    seen = made.result()
    redis_client.flushall()
    result = rl.run(redis_server.url, workload=seen, operations=400)
    assert result.errors == {}
    written = redis_client.keys()
    assert len(written) == 40
    assert {len(name) for name in written} == {len("session:0123456789:000000")}
    assert {redis_client.strlen(name) for name in written} == {77}
    assert all(595_000 < redis_client.pttl(name) <= 600_000 for name in written)
    redis_client.flushall()
    given = rl.run(redis_server.url, workload=seen, operations=400, keys=rl.Keys(10, prefix="other:"))
    assert given.config["keys"]["count"] == 10
    assert all(name.startswith("other:") for name in redis_client.scan_iter())
    assert given.config["values"]["ttl_s"] == seen.values.ttl_s


def test_it_can_be_looked_at_edited_and_pickled(
    redis_server: EmbeddedServer, redis_client: redis.Redis
) -> None:
    redis_client.set("a", "12345")
    with looking(redis_server.url) as made:
        send(redis_server.url, {"SET a 12345": 3, "GET a": 1, "ECHO x": 1})
    seen = made.result()
    assert isinstance(seen, rl.Workload)
    assert "SET 75 %, GET 25 %" in repr(seen)
    assert "ECHO" in repr(seen)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(seen)
    shown = console.export_text()
    for text in ("SET {key} {value}", "75", "GET {key}", "ECHO", "string", "5 B", "100.0 %"):
        assert text in shown, text
    more = replace(seen, commands=(*seen.commands, rl.Command("DEL {key}", 25)), values=rl.Values(9))
    assert rl.run(redis_server.url, workload=more, operations=500, keys=20).operations.keys() == {
        "SET", "GET", "DEL"
    }  # fmt: skip
    assert pickle.loads(pickle.dumps(seen)) == seen
