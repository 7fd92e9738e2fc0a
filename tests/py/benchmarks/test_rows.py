"""What the rows of ``./dev bench`` send, as the server counts it; nothing here measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis

from benchmarks.clients import OneByOne, OnlyFirst
from benchmarks.rows import ROWS
from benchmarks.targets import ELEMENT_COUNT, LISTS, VALUE_BYTES, real_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.targets import Target

pytestmark = pytest.mark.redis

OPERATIONS = 2_000
BY_NAME = {row.name: row for row in ROWS}
COMMAND_ROWS = ["set", "get", "incr", "lpush", "rpop", "sadd", "hset", "zadd", "checkout", "mix"]


@pytest.fixture
def target() -> Iterator[Target]:
    with real_server() as started:
        yield started


@pytest.fixture
def client(target: Target) -> Iterator[redis.Redis]:
    with redis.Redis(port=target.port) as connected:
        yield connected


def calls(client: redis.Redis, commands: tuple[str, ...]) -> dict[str, int]:
    counted = client.info("commandstats")
    return {name: counted.get(f"cmdstat_{name}", {}).get("calls", 0) for name in commands}


@pytest.mark.parametrize("name", COMMAND_ROWS)
def test_every_tool_of_a_row_sends_its_operations(target: Target, client: redis.Redis, name: str) -> None:
    row = BY_NAME[name]
    for tool in (row.ours, *row.peers):
        target.prepare(row.load.commands, OPERATIONS)
        before = calls(client, row.load.commands)
        tool.run(target, row.load, OPERATIONS)
        after = calls(client, row.load.commands)
        sent = {command: after[command] - before[command] for command in row.load.commands}
        assert sum(sent.values()) == OPERATIONS
        if isinstance(tool, OnlyFirst):
            assert sent[row.load.commands[0]] == OPERATIONS
        elif isinstance(tool, OneByOne):
            assert set(sent.values()) == {OPERATIONS // len(row.load.commands)}
        else:  # in random order: equal shares within 5 standard deviations
            share = OPERATIONS / len(row.load.commands)
            assert all(abs(count - share) <= 5 * share**0.5 for count in sent.values())


def test_gets_of_all_tools_find_their_keys(target: Target, client: redis.Redis) -> None:
    row = BY_NAME["get"]
    for tool in (row.ours, *row.peers):
        before = client.info("stats")
        tool.run(target, row.load, OPERATIONS)
        after = client.info("stats")
        assert after["keyspace_hits"] - before["keyspace_hits"] == OPERATIONS
        assert after["keyspace_misses"] == before["keyspace_misses"]


def test_every_pop_finds_an_element(target: Target, client: redis.Redis) -> None:
    row = BY_NAME["rpop"]
    target.prepare(row.load.commands, OPERATIONS)
    left = set(LISTS)
    for tool in (row.ours, *row.peers):
        tool.run(target, row.load, OPERATIONS - 1)
        assert sorted(client.llen(name) for name in left)[:1] == [1]
        left = {name for name in left if client.llen(name) > 1}
    assert left == set()


@pytest.mark.parametrize("name", ["lpush", "sadd", "hset", "zadd"])
def test_a_collection_is_alike_for_all_tools(target: Target, client: redis.Redis, name: str) -> None:
    row = BY_NAME[name]
    client.flushdb()
    # expected number of different ones among so many draws
    different = ELEMENT_COUNT * (1 - (1 - 1 / ELEMENT_COUNT) ** OPERATIONS)
    for tool in (row.ours, *row.peers):
        tool.run(target, row.load, OPERATIONS)
        (key,) = client.keys()  # a single one
        if name == "lpush":
            assert client.llen(key) == OPERATIONS
            assert {len(value) for value in client.lrange(key, 0, -1)} == {VALUE_BYTES}
        elif name == "sadd":
            assert client.scard(key) == pytest.approx(different, rel=0.05)
        elif name == "hset":
            assert client.hlen(key) == pytest.approx(different, rel=0.05)
            assert {len(value) for value in client.hvals(key)} == {VALUE_BYTES}
        else:
            assert client.zcard(key) == pytest.approx(different, rel=0.05)
        client.flushdb()
