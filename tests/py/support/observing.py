"""Looking at a server with rl.Workload.like while known commands are sent to it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import redis

import redisload as rl
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redisload.observation import ObservedWorkload

NAME = "redisload:control-like"
# What redis-py sends of its own, and the look at CLIENT LIST below.
CLIENTS = {"HELLO", "CLIENT|SETINFO", "CLIENT|LIST"}


@contextmanager
def looking(url: str, **options: Any) -> Iterator[Future[ObservedWorkload]]:
    """Looks at a server on another thread; the block is entered once its commands count."""
    with ThreadPoolExecutor(1) as pool, redis.Redis.from_url(url) as client:
        made = pool.submit(rl.Workload.like, url, **{"observe_s": 1.0, **options})

        def begun() -> bool:
            mine = [one for one in client.client_list() if one["name"] == NAME]
            return made.done() or any(one["cmd"] not in ("client|setname", "info", "NULL") for one in mine)

        wait_until(begun, 20, "the first question after INFO")
        yield made


def send(url: str, calls: dict[str, int]) -> None:
    """These commands, words joined by spaces, so often; the server counts what it refuses too."""
    with redis.Redis.from_url(url) as client:
        for command, number in calls.items():
            for _ in range(number):
                with suppress(redis.ResponseError):
                    client.execute_command(*command.split())
