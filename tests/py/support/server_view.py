"""A real server's own account of what it was sent, by an independent client whose calls are left out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from redisload import Result

_CONTAINERS = ("ACL", "CLIENT", "CONFIG", "COMMAND", "MEMORY", "SCRIPT")


class ServerView:
    """What a server counted since this view was opened, without this view's own commands.

    Its one connection is opened before the first count is taken, so redis-py's handshake is not in any.
    """

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, decode_responses=True, single_connection_client=True)
        self._own: Counter[str] = Counter()
        self._client.ping()
        self._start = self._raw_commands()

    def call(self, *words: str | int) -> Any:
        """Sends a command and takes it into account."""
        name = str(words[0]).upper()
        self._own[f"{name}|{str(words[1]).upper()}" if name in _CONTAINERS else name] += 1
        return self._client.execute_command(*words)

    def commands(self) -> dict[str, int]:
        """``calls + rejected_calls`` of ``INFO commandstats`` by command, ``CLIENT|SETNAME`` for subcommands.

        An INFO is counted by the server after it was answered: the one that reads is not in its own answer.
        """
        own = Counter(self._own)
        grown = self._raw_commands()
        grown.subtract(self._start)
        grown.subtract(own)
        assert min(grown.values(), default=0) >= 0, f"someone reset the statistics: {grown}"
        return {name: count for name, count in grown.items() if count}

    def stats(self, section: str) -> dict[str, Any]:
        """One section of INFO."""
        info: dict[str, Any] = self.call("INFO", section)
        return info

    def errors(self) -> dict[str, int]:
        """Error replies by code since the last ``CONFIG RESETSTAT``."""
        stats = self.stats("errorstats")
        return {name.removeprefix("errorstat_"): int(one["count"]) for name, one in stats.items()}

    def connection_names(self) -> Counter[str]:
        """The names in ``CLIENT LIST``, this view's own connection left out."""
        own = int(self.call("CLIENT", "ID"))
        lines = self.call("CLIENT", "LIST").splitlines()
        listed = [dict(field.split("=", 1) for field in line.split()) for line in lines]
        return Counter(one["name"] for one in listed if int(one["id"]) != own)

    def _raw_commands(self) -> Counter[str]:
        stats = self.call("INFO", "commandstats")
        counts: Counter[str] = Counter()
        for name, one in stats.items():
            counts[name.removeprefix("cmdstat_").upper()] += one["calls"] + one["rejected_calls"]
        return counts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()


def commands_of(result: Result) -> dict[str, int]:
    """Every command of a run by name as the server counts it, all phases and control traffic together."""
    total: Counter[str] = Counter()
    for phase in ("prefill", "warmup", "measure", "cleanup", "control"):
        total.update(result.commands[phase])
    total.update(result.commands.get("in_script", {}))
    total.subtract(result.commands.get("queued_only", {}))
    assert min(total.values(), default=0) >= 0, f"more was only queued than was sent: {total}"
    return {name: count for name, count in total.items() if count}
