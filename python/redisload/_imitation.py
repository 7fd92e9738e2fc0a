"""From what was seen of a server to a load like it: templates for its commands, sizes for its values."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from redisload.config import Command
from redisload.shapes import Keys, Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from redisload._sampling import SampledKey

_MANY = 10  # keys of an MGET or MSET, elements of a range: no count that the server keeps tells
_GROUPS = 21  # sizes that stand for a sample: an odd number, so that one is its median
_OTHERWISE_TTL_S = 60.0
_CERTAIN = 0.98  # of keys that live for a while: the others are chance
_LONGEST_NAME = len("redisload:counter:")  # the longest beginning of a name that a run gives
_MOST_ELEMENTS = 10_000

# By data type: what a command is imitated as. No placeholder stands for what cannot be known from outside
# (ranges, counts): there it is a usual one. ELEMENTS is the median number of elements that was seen.
_TEMPLATES: dict[str, tuple[str, ...]] = {
    "string": (
        "GET {key}",
        "SET {key} {value}",
        "SETEX {key} {ttl} {value}",
        "PSETEX {key} {ttl_ms} {value}",
        "SETNX {key} {value}",
        "GETSET {key} {value}",
        "GETDEL {key}",
        "GETEX {key}",
        "APPEND {key} {value}",
        "STRLEN {key}",
        "GETRANGE {key} 0 31",
        "SUBSTR {key} 0 31",
        "SETRANGE {key} 0 {value}",
        "GETBIT {key} {int:0:255}",
        "SETBIT {key} {int:0:255} 1",
        "BITCOUNT {key}",
        "MGET" + " {key}" * _MANY,
        "MSET" + " {key} {value}" * _MANY,
    ),
    "counter": (
        "INCR {key}",
        "DECR {key}",
        "INCRBY {key} {int:1:100}",
        "DECRBY {key} {int:1:100}",
    ),
    "list": (
        "LPUSH {key} {value}",
        "RPUSH {key} {value}",
        "LPUSHX {key} {value}",
        "RPUSHX {key} {value}",
        "LPOP {key}",
        "RPOP {key}",
        "LLEN {key}",
        f"LRANGE {{key}} 0 {_MANY - 1}",
        "LINDEX {key} 0",
        "LREM {key} 1 {value}",
        "LTRIM {key} 0 ELEMENTS",
        "RPOPLPUSH {key} {key}",
        "LMOVE {key} {key} RIGHT LEFT",
    ),
    "set": (
        "SADD {key} {member}",
        "SREM {key} {member}",
        "SISMEMBER {key} {member}",
        "SMISMEMBER {key} {member} {member}",
        "SCARD {key}",
        "SMEMBERS {key}",
        "SPOP {key}",
        "SRANDMEMBER {key}",
        "SSCAN {key} 0",
        "SMOVE {key} {key} {member}",
        "SINTER {key} {key}",
        "SUNION {key} {key}",
        "SDIFF {key} {key}",
    ),
    "zset": (
        "ZADD {key} {score} {member}",
        "ZINCRBY {key} 1 {member}",
        "ZREM {key} {member}",
        "ZSCORE {key} {member}",
        "ZMSCORE {key} {member} {member}",
        "ZRANK {key} {member}",
        "ZREVRANK {key} {member}",
        "ZCARD {key}",
        "ZCOUNT {key} -inf +inf",
        f"ZRANGE {{key}} 0 {_MANY - 1}",
        f"ZREVRANGE {{key}} 0 {_MANY - 1}",
        f"ZRANGEBYSCORE {{key}} -inf +inf LIMIT 0 {_MANY}",
        f"ZREVRANGEBYSCORE {{key}} +inf -inf LIMIT 0 {_MANY}",
        "ZPOPMIN {key}",
        "ZPOPMAX {key}",
        "ZRANDMEMBER {key}",
        "ZSCAN {key} 0",
        "ZREMRANGEBYRANK {key} ELEMENTS -1",
    ),
    "hash": (
        "HSET {key} {field} {value}",
        "HMSET {key} {field} {value}",
        "HSETNX {key} {field} {value}",
        "HGET {key} {field}",
        "HMGET {key} {field} {field}",
        "HGETALL {key}",
        "HKEYS {key}",
        "HVALS {key}",
        "HDEL {key} {field}",
        "HEXISTS {key} {field}",
        "HLEN {key}",
        "HSTRLEN {key} {field}",
        "HRANDFIELD {key}",
        "HSCAN {key} 0",
        # A field of its own: the others hold no numbers.
        "HINCRBY {key} count:{int:1:10} 1",
    ),
    "stream": (
        "XADD {key} MAXLEN ~ ELEMENTS * field {value}",
        "XLEN {key}",
        f"XRANGE {{key}} - + COUNT {_MANY}",
        f"XREVRANGE {{key}} + - COUNT {_MANY}",
        "XTRIM {key} MAXLEN ~ ELEMENTS",
    ),
    # On keys of the data type that is used most.
    "": (
        "DEL {key}",
        "UNLINK {key}",
        "EXISTS {key}",
        "EXPIRE {key} {ttl}",
        "PEXPIRE {key} {ttl_ms}",
        "TTL {key}",
        "PTTL {key}",
        "PERSIST {key}",
        "TYPE {key}",
        "TOUCH {key}",
        "DUMP {key}",
        "PING",
    ),
}
_TEMPLATE_OF = {text.partition(" ")[0]: text for texts in _TEMPLATES.values() for text in texts}
_TYPE_OF = {text.partition(" ")[0]: kind for kind, texts in _TEMPLATES.items() for text in texts}
# Where one of these is sent, SET is not what makes keys expire.
_EXPIRING = ("SETEX", "PSETEX", "GETEX", "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT")


class Imitation:
    """A load like the one that was seen."""

    def __init__(self, calls: Mapping[str, int], keys: Sequence[SampledKey], database_keys: int) -> None:
        self._calls = calls
        self._database_keys = database_keys
        counters = any(_TYPE_OF.get(name) == "counter" for name in calls)
        self.by_type: dict[str, list[SampledKey]] = {}
        """The sample by data type, as a run names them: a string that holds an integer is a counter where
        counters are counted.
        """
        for key in keys:
            kind = "counter" if counters and key.kind == "string" and key.integer else key.kind
            self.by_type.setdefault(kind, []).append(key)
        self._sampled = len(keys)
        self.imitated = sum(number for name, number in calls.items() if name in _TEMPLATE_OF)
        """Calls of commands that can be imitated."""
        self.elements = self._elements()
        """The median number of elements of the collections that commands are about."""
        self.commands = tuple(self._commands())
        """Weights are percent of the imitated commands, the greatest first."""
        self.values = self._values()
        """None: nothing was sampled that would tell."""
        self.keys = self._keys()
        """None: nothing was sampled that would tell."""

    def left_out(self) -> dict[str, float]:
        """What cannot be imitated, as shares of all commands that were seen."""
        total = sum(self._calls.values())
        others = {name: n / total for name, n in self._calls.items() if name not in _TEMPLATE_OF}
        return dict(sorted(others.items(), key=lambda item: -item[1]))

    def _commands(self) -> Iterable[Command]:
        elements = str(self.elements or 1000)
        for name, number in sorted(self._calls.items(), key=lambda item: -item[1]):
            if name not in _TEMPLATE_OF:
                continue
            text = _TEMPLATE_OF[name].replace("ELEMENTS", elements)
            weight = _rounded(100 * number / self.imitated)
            expiring = 0.0 if any(other in self._calls for other in _EXPIRING) else self._expiring()
            if name != "SET" or expiring <= 1 - _CERTAIN:
                yield Command(text, weight)
            elif expiring >= _CERTAIN:
                yield Command(f"{text} PX {{ttl_ms}}", weight)
            else:
                yield Command(text, _rounded(weight * (1 - expiring)))
                yield Command(f"{text} PX {{ttl_ms}}", _rounded(weight * expiring), "SET PX")

    def _expiring(self) -> float:
        strings = self.by_type.get("string", [])
        return sum(key.ttl_ms is not None for key in strings) / len(strings) if strings else 0.0

    def _elements(self) -> int | None:
        counts = [
            key.size
            for kind in ("list", "set", "zset", "hash", "stream")
            if self._weight_of(kind)
            for key in self.by_type.get(kind, [])
            if key.size
        ]
        return min(_MOST_ELEMENTS, round(median(counts))) if counts else None

    def _weight_of(self, kind: str, *, written: bool = False) -> int:
        """Calls of commands on a data type; ``written``: of those that carry a value."""
        return sum(
            number
            for name, number in self._calls.items()
            if _TYPE_OF.get(name) == kind and (not written or "{value}" in _TEMPLATE_OF[name])
        )

    def _values(self) -> Values | None:
        sizes = {kind: [*map(value_bytes, keys)] for kind, keys in self.by_type.items()}
        known = {kind: [one for one in found if one is not None] for kind, found in sizes.items()}
        # The sizes of the type that is written most are those of all.
        best = max(
            (kind for kind in known if known[kind] and self._weight_of(kind)),
            key=lambda kind: (self._weight_of(kind, written=True), self._weight_of(kind)),
            default=None,
        )
        given = size_arguments(known[best]) if best is not None else {}
        if any("{ttl" in command.text for command in self.commands):
            lives = [key.ttl_ms for keys in self.by_type.values() for key in keys if key.ttl_ms is not None]
            given["ttl_s"] = lifetime_s(lives) if lives else _OTHERWISE_TTL_S
        return Values(**given) if given else None

    def _keys(self) -> Keys | None:
        used = [kind for kind in self.by_type if self._weight_of(kind)] or [*self.by_type]
        if not self._sampled or not used:
            return None
        # A run has as many keys of each type that it uses: as many as there are of the most frequent one.
        most = max(len(self.by_type[kind]) for kind in used)
        count = max(1, round(self._database_keys * most / self._sampled))
        name_bytes = round(median(key.name_bytes for kind in used for key in self.by_type[kind]))
        fits = name_bytes >= _LONGEST_NAME + len(str(count - 1))
        return Keys(count=count, length_bytes=name_bytes if fits else None)


def value_bytes(key: SampledKey) -> int | None:
    """Bytes of a string, or of one value within a list, hash or stream, as its memory lets us guess.

    What an element costs beside its value was measured with MEMORY USAGE on Redis 7.0: 4 bytes in a list; in
    a hash with fields of 12 bytes 16 while it is packed, 64 as a table; about 30 in a stream.
    """
    if key.kind == "string":
        return key.size
    if not key.size or key.memory_bytes is None:
        return None
    each = (key.memory_bytes - key.name_bytes) / key.size
    if key.kind == "list":
        each -= 150 / key.size + 4
    elif key.kind == "hash":
        each -= 80 / key.size
        packed = each < 90 and key.size <= 512
        each -= 16 if packed else 64
    else:
        each -= 30
    return max(1, round(each))


def size_arguments(sizes: Sequence[int]) -> dict[str, Any]:
    """The arguments of ``rl.Values`` for values of these sizes: one size, a few with their weights, or the
    means of equally many each, which keep the median and the mean.
    """
    ordered = sorted(sizes)
    counts: dict[int, int] = {}
    for size in ordered:
        counts[size] = counts.get(size, 0) + 1
    if len(counts) == 1:
        return {"size_bytes": ordered[0]}
    if len(counts) > _GROUPS:
        bounds = [round(i * len(ordered) / _GROUPS) for i in range(_GROUPS + 1)]
        counts = {}
        for low, high in pairwise(bounds):
            mean = round(sum(ordered[low:high]) / (high - low))
            counts[mean] = counts.get(mean, 0) + 1
    if len(set(counts.values())) == 1:
        return {"sizes": ",".join(map(str, counts))}
    return {"sizes": ",".join(f"{size}:{number}" for size, number in counts.items())}


def lifetime_s(left_ms: Sequence[int]) -> float:
    """How long keys live, from what is left to some of them: what 99 % do not exceed, as whole seconds where
    it is one or more. Nobody knows how old they are, so the greatest are taken for new.
    """
    ordered = sorted(left_ms)
    most_ms = max(1, ordered[math.ceil(0.99 * len(ordered)) - 1])
    return float(math.ceil(most_ms / 1000)) if most_ms >= 1000 else most_ms / 1000


def _rounded(weight: float) -> float:
    """Four digits say enough."""
    return float(f"{weight:.4g}")
