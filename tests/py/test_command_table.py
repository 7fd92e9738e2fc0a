"""What the core knows of the server's commands, against what a live server says of them.

A server describes each command in ``COMMAND`` (https://redis.io/docs/latest/commands/command/); key
positions are those of its key specifications (https://redis.io/docs/latest/develop/reference/key-specs/).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import redis

if TYPE_CHECKING:
    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis

SOURCE = Path(__file__).parents[2] / "cpp" / "redisload" / "workload" / "command_table.cpp"
ROW = re.compile(r'\{"(\w+)", (\w+), (\w+), (true|false), (true|false), (\d+)\},')
# Where the table means something else than the server's flag "write".
WRITES_OTHERWISE = {"GETEX": "it changes a time to live at most, and only when told so; never a value"}
# Rows that a server may not know: those of Redis 7.2 and 7.4, and of Valkey 8.1; SENTINEL is a sentinel's.
NEWER = {"COMMANDLOG", "HEXPIRE", "HPERSIST", "HPEXPIRE", "HPTTL", "HTTL", "WAITAOF"}
ELSEWHERE = {"SENTINEL"}


class Row(NamedTuple):
    reads: str
    writes: bool
    removes: bool
    first_key: int


class Described(NamedTuple):
    """A command as the server describes it; a container speaks for its subcommands that take a key."""

    writes: bool
    first_key: int
    subcommands: bool


def rows() -> dict[str, Row]:
    found = ROW.findall(SOURCE.read_text(encoding="utf-8"))
    return {
        name: Row(reads, writes == "true", removes == "true", int(first_key))
        for name, _, reads, writes, removes, first_key in found
    }


def with_subcommands() -> set[str]:
    listed = re.search(r"kWithSubcommands\{(.*?)\};", SOURCE.read_text(encoding="utf-8"), re.DOTALL)
    assert listed is not None
    return set(re.findall(r'"([A-Z]+)"', listed[1]))


def pairs(flat: list[Any]) -> dict[bytes, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def first_key(entry: list[Any]) -> int:
    """The first word that is a key by the key specifications; 0: none, or a keyword stands before it."""
    positions = []
    for specification in map(pairs, entry[8]):
        begin, find = pairs(specification[b"begin_search"]), pairs(specification[b"find_keys"])
        if begin[b"type"] != b"index":
            continue
        counted = pairs(find[b"spec"])[b"firstkey"] if find[b"type"] == b"keynum" else 0
        positions.append(pairs(begin[b"spec"])[b"index"] + counted)
    return min(positions, default=0)


def describe(entry: list[Any]) -> Described:
    if not entry[9]:
        return Described(b"write" in entry[2], first_key(entry), False)
    keyed = [one for one in entry[9] if first_key(one)]
    positions = {first_key(one) for one in keyed}
    assert len(positions) <= 1, entry[0]
    return Described(any(b"write" in one[2] for one in keyed), max(positions, default=0), True)


@pytest.fixture(scope="module")
def live(module_redis_server: EmbeddedServer) -> dict[str, Described]:
    """Every command of the server, as RESP2 gives it."""
    with redis.Redis.from_url(module_redis_server.url, protocol=2) as client:
        client.response_callbacks.clear()  # redis-py's own reading of it differs by version
        entries = client.execute_command("COMMAND")
    assert len(entries) > 200
    assert all(len(entry) == 10 for entry in entries), "key specifications: Redis 7 or later"
    return {entry[0].decode().upper(): describe(entry) for entry in entries}


def test_every_row_is_read_here() -> None:
    declared = re.search(r"std::array<CommandTraits, (\d+)> kTable", SOURCE.read_text(encoding="utf-8"))
    assert declared is not None
    assert len(rows()) == int(declared[1]) > 200
    assert len(with_subcommands()) > 10


def test_what_is_missing_on_the_server_is_newer(live: dict[str, Described]) -> None:
    assert set(rows()) - set(live) <= NEWER
    assert with_subcommands() - set(live) <= NEWER | ELSEWHERE


def test_writes_is_the_servers_flag(live: dict[str, Described]) -> None:
    wrong = {
        name: (row.writes, live[name].writes)
        for name, row in rows().items()
        if name in live and (row.writes != live[name].writes) != (name in WRITES_OTHERWISE)
    }
    assert wrong == {}


def test_first_keys_stand_where_the_server_finds_them(live: dict[str, Described]) -> None:
    wrong = {
        name: (row.first_key, live[name].first_key)
        for name, row in rows().items()
        if name in live and row.first_key != live[name].first_key
    }
    assert wrong == {}


def test_commands_with_subcommands_are_the_servers(live: dict[str, Described]) -> None:
    # All commands of the server: also those that have no row.
    assert {name for name, one in live.items() if one.subcommands} == with_subcommands() & set(live)


def test_what_removes_a_key_writes_and_what_reads_one_has_one() -> None:
    assert [name for name, row in rows().items() if row.removes and not row.writes] == []
    assert [name for name, row in rows().items() if row.reads != "nothing" and row.first_key == 0] == []
