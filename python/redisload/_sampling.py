"""What a live server is doing, seen gently: command counts from INFO, and the shape of a few of its keys.

No MONITOR, no value is read: lengths, times to live and encodings are asked for in small batches, and the
connection's own commands are left out of the counts.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redisload import _core
from redisload.errors import RunError, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redisload.config import RunConfig

CONNECTION_NAME = "redisload:control-like"
# Of each type, how its size is asked for; https://redis.io/docs/latest/commands/
_SIZE_COMMANDS = {
    "string": "STRLEN",
    "list": "LLEN",
    "set": "SCARD",
    "zset": "ZCARD",
    "hash": "HLEN",
    "stream": "XLEN",
}
_WITH_VALUES = ("list", "hash", "stream")  # their elements hold values, whose size only memory tells
_BATCH = 50  # keys a round trip
_SCAN_COUNT = "100"


@dataclass(frozen=True)
class SampledKey:
    """The shape of one key."""

    kind: str
    """string, list, set, zset, hash, stream; another name is a module's."""
    name_bytes: int
    ttl_ms: int | None
    """What was left of its life; None: it does not expire."""
    size: int | None
    """Bytes of a string, elements of anything else."""
    integer: bool = False
    """A string that the server holds as an integer: a counter, most likely."""
    memory_bytes: int | None = None
    """Of lists, hashes and streams: the server's estimate, with the name and all overhead."""


@dataclass(frozen=True)
class Observed:
    """What was seen of a server."""

    calls: Counter[str]
    """Commands that others sent meanwhile, as commandstats names them, in upper case."""
    elapsed_s: float
    """Seconds between the two readings of the counts."""
    database_keys: int
    """DBSIZE of the chosen database."""
    keys: list[SampledKey]


def observe(config: RunConfig, observe_s: float, sample_keys: int) -> Observed:
    """Counts the commands of ``observe_s`` seconds and samples keys meanwhile.

    Raises TargetError when the server cannot be reached or refuses us, RunError when it refuses a question,
    stops answering, or had its statistics reset.
    """
    timeout_s = float(config["timeouts.response_s"])
    with closing(_core.ControlConnection(config.core_dict(), CONNECTION_NAME, timeout_s)) as connection:
        server = _Server(connection)
        before = server.command_counts()
        start = time.monotonic()
        database_keys = server.database_keys()
        keys = _Sample(server, sample_keys).take(spread_s=observe_s / 2)
        time.sleep(max(0.0, start + observe_s - time.monotonic()))
        after = server.command_counts()
        elapsed_s = time.monotonic() - start
    after.subtract(before)
    if any(number < 0 for number in after.values()):
        raise RunError("the server's statistics were reset while they were observed: observe it again")
    return Observed(Counter({name: n for name, n in after.items() if n}), elapsed_s, database_keys, keys)


class _Server:
    """Questions to the server."""

    def __init__(self, connection: _core.ControlConnection) -> None:
        self._connection = connection

    def ask(self, *questions: list[Any]) -> list[Any]:
        """The answers, errors among them."""
        return self._connection.ask(list(questions))

    def must(self, *words: Any) -> Any:
        """One answer; an error is raised."""
        (answer,) = self.ask(list(words))
        if isinstance(answer, RunError):
            raise self.refused(words[0], answer)
        return answer

    def refused(self, command: str, answer: RunError) -> Exception:
        """What to raise for an error reply."""
        if str(answer).startswith("NOAUTH"):
            return TargetError(f"the server wants a password: give username and password ({answer})", "auth")
        return RunError(f"the server refuses {command}, which Workload.like needs: {answer}")

    def command_counts(self) -> Counter[str]:
        """Calls by command since the server's start, those of this connection left out.

        A call is counted when it was answered, so this INFO itself is not in its own answer.
        """
        own = Counter(self._connection.sent)
        text = self.must("INFO", "commandstats").decode(errors="replace")
        counts: Counter[str] = Counter()
        for line in text.splitlines():
            name, colon, fields = line.partition(":")
            if colon and name.startswith("cmdstat_"):
                counts[name.removeprefix("cmdstat_").upper()] = _calls(fields)
        for name, number in own.items():
            # Servers before 7.0 count subcommands under their container's name.
            counted = name if name in counts else name.partition("|")[0]
            counts[counted] -= number
        return counts

    def database_keys(self) -> int:
        """How many keys the chosen database holds."""
        return int(self.must("DBSIZE"))


def _calls(fields: str) -> int:
    """``calls + rejected_calls``: what was sent, whatever became of it."""
    values = dict(field.partition("=")[::2] for field in fields.split(","))
    return int(values.get("calls", 0)) + int(values.get("rejected_calls", 0))


class _Sample:
    """Keys in the order of SCAN: that of their hashes, which has nothing to do with what they hold."""

    def __init__(self, server: _Server, wanted: int) -> None:
        self._server = server
        self._wanted = wanted
        self._refusal: Exception | None = None

    def take(self, spread_s: float) -> list[SampledKey]:
        """The sample, shorter where there are fewer keys; spread thin over so many seconds."""
        taken: list[SampledKey] = []
        start, asked = time.monotonic(), 0
        for names in self._batches():
            taken.extend(self._shapes(names))
            asked += len(names)
            due = start + spread_s * asked / self._wanted
            time.sleep(max(0.0, due - time.monotonic()))
        if not taken and self._refusal is not None:
            raise self._refusal
        return taken

    def _batches(self) -> Iterable[list[bytes]]:
        """Different key names, at most so many as are wanted, by at most so many SCANs as that can take."""
        seen: set[bytes] = set()
        cursor: Any = b"0"
        for _ in range(10 + self._wanted // 10 if self._wanted else 0):
            cursor, found = self._server.must("SCAN", cursor, "COUNT", _SCAN_COUNT)
            new = [name for name in dict.fromkeys(found) if name not in seen][: self._wanted - len(seen)]
            seen.update(new)
            for begin in range(0, len(new), _BATCH):
                yield new[begin : begin + _BATCH]
            if cursor == b"0" or len(seen) == self._wanted:
                return

    def _shapes(self, names: list[bytes]) -> list[SampledKey]:
        questions = [[command, name] for name in names for command in ("TYPE", "PTTL")]
        answers = self._asked(questions)
        kinds = [kind.decode() if isinstance(kind, bytes) else None for kind in answers[::2]]
        present = [
            (name, kind, ttl)
            for name, kind, ttl in zip(names, kinds, answers[1::2], strict=True)
            if kind not in (None, "none") and isinstance(ttl, int) and ttl != -2
        ]
        sizes = iter(self._asked([question for name, kind, _ in present for question in _about(name, kind)]))
        return [
            _shape(name, str(kind), ttl, [next(sizes) for _ in _about(name, kind)])
            for name, kind, ttl in present
        ]

    def _asked(self, questions: list[list[Any]]) -> list[Any]:
        answers = self._server.ask(*questions)
        for (command, *_), answer in zip(questions, answers, strict=True):
            if isinstance(answer, RunError) and self._refusal is None:
                self._refusal = self._server.refused(command, answer)
        return answers


def _about(name: bytes, kind: str | None) -> list[list[Any]]:
    """The questions about a key of this type."""
    if kind not in _SIZE_COMMANDS:
        return []
    questions: list[list[Any]] = [[_SIZE_COMMANDS[kind], name]]
    if kind == "string":
        questions.append(["OBJECT", "ENCODING", name])
    elif kind in _WITH_VALUES:
        questions.append(["MEMORY", "USAGE", name])
    return questions


def _shape(name: bytes, kind: str, ttl: int, answers: list[Any]) -> SampledKey:
    size, more = [*answers, None, None][:2]
    return SampledKey(
        kind=kind,
        name_bytes=len(name),
        ttl_ms=ttl if ttl >= 0 else None,
        size=size if isinstance(size, int) else None,
        integer=more == b"int",
        memory_bytes=more if isinstance(more, int) else None,
    )
