"""What is loaded: a real server or the instant sink, each on a processor of its own."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import redisload as rl
from benchmarks.processes import SERVER_CPU
from support.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUE_BYTES, KEY_COUNT, ELEMENT_COUNT = 32, 100_000, 10_000
# The names that redis-benchmark uses (key:000000012345): the same bytes on the wire, and its GETs hit.
KEY_PREFIX = "key:"
# The one list of redis-benchmark, and ours with a single key.
LISTS = ("mylist", KEY_PREFIX + "list:000000000000")
# ARGV: elements in all, a value. In pieces: a call in Lua takes some thousand arguments at most.
_FILL = """
local piece = {}
for i = 1, 1000 do piece[i] = ARGV[2] end
for left = tonumber(ARGV[1]), 1, -1000 do
  redis.call('LPUSH', KEYS[1], unpack(piece, 1, math.min(left, 1000)))
end
"""


@dataclass(frozen=True)
class Target:
    """A server on this host; ``counts`` says whether it can tell how many commands it ran."""

    port: int
    pid: int
    counts: bool

    def prepare(self, commands: tuple[str, ...], operations: int) -> None:
        """Empty lists for LPUSH, which would grow from run to run; for RPOP, one element an operation."""
        if not self.counts or not {"lpush", "rpop"} & set(commands):
            return
        import redis

        with redis.Redis(port=self.port) as client:
            client.delete(*LISTS)
            if "rpop" in commands:
                for name in LISTS:
                    client.eval(_FILL, 1, name, operations, "x" * VALUE_BYTES)

    def commands_run(self, commands: tuple[str, ...]) -> int:
        """Calls of these commands so far, as the server's own statistics say."""
        import redis

        with redis.Redis(port=self.port) as client:
            statistics = client.info("commandstats")
        return sum(statistics.get(f"cmdstat_{name}", {}).get("calls", 0) for name in commands)


@contextlib.contextmanager
def real_server() -> Iterator[Target]:
    """A Redis server without persistence."""
    with rl.server() as server:
        assert server.pid is not None
        for thread in Path(f"/proc/{server.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {SERVER_CPU})
        keys = rl.Keys(count=KEY_COUNT, prefix=KEY_PREFIX)
        rl.run(server.url, keys=keys, values=VALUE_BYTES, operations=1, progress=False)
        yield Target(server.port, server.pid, counts=True)


@contextlib.contextmanager
def instant_sink() -> Iterator[Target]:
    """A server that does nothing but answer: what is left is the client's own cost."""
    with Sink("instant", value_bytes=VALUE_BYTES) as sink:
        os.sched_setaffinity(sink.pid, {SERVER_CPU})
        yield Target(sink.port, sink.pid, counts=False)
