"""The one typed configuration model: arguments of :func:`redisload.run`, its value types, and what the shell
sets.

Defaults are the core's. A configuration is checked as a whole: everything wrong with it comes in one
ConfigError.
"""

# ruff: noqa: RUF009 -- default() only reads a constant table of the core

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from redisload._settings import default, settings
from redisload._unavailable import ARGUMENTS
from redisload.shapes import Keys, Values
from redisload.targets import MASK, describe

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from redisload.observation import ObservedWorkload
    from redisload.scenarios import Phase
    from redisload.shapes import Seconds

EMBEDDED: Any = type("Embedded", (), {"__repr__": lambda self: "<an embedded server>"})()
"""The target when none is named: a server of redisload's own."""


@dataclass(frozen=True)
class Command:
    """A command of your own, ``rl.Command("SET {key} {value} EX {int:60:120}", weight=1)``.

    Words are quoted as in redis-cli. ``{key}`` is a key of its own each time it stands there, ``{key:N}`` the
    command's N-th key (again); ``{value} {field} {member} {score} {int:LOW:HIGH} {choice:A,B,…} {ttl}
    {ttl_ms}`` are drawn anew for each operation; a literal brace is ``{{`` or ``}}``. ``name`` is how results
    call it (None: as the server does).
    """

    text: str
    weight: float = 1.0
    name: str | None = None


@dataclass(frozen=True)
class Workload:
    """A workload by name, with what it is told.

    ``weights`` maps its commands to shares, as ``{"SET": 45, "GET": 45}``; ``options`` are numbers of its
    own, as ``{"elements": 20}``; ``commands`` are those of the workload "custom", each a text or an
    ``rl.Command``; ``script`` is the Lua of the workload "script" (a text, or the path of a file). ``keys``
    and ``values`` go with it: a run takes them where it is given none itself.
    """

    name: str = default("workload.name")
    weights: Mapping[str, float] | None = None
    options: Mapping[str, float] | None = None
    commands: Sequence[str | Command] | Mapping[str, float] | None = None
    script: str | os.PathLike[str] | None = None
    keys: Keys | int | None = None
    values: Values | int | str | None = None

    @staticmethod
    def like(
        target: object,
        observe_s: Seconds = 5,
        sample_keys: int = 1000,
        *,
        username: str | None = None,
        password: str | None = None,
    ) -> ObservedWorkload:
        """A workload that imitates a live server, made by looking at it gently for ``observe_s`` seconds.

        The weights are how often others sent each command meanwhile (``INFO commandstats``, which counts for
        all databases). Types, sizes and times to live come from at most ``sample_keys`` keys of the target's
        database, found with SCAN: lengths and lifetimes are asked for, no value is read, and there is no
        MONITOR. It costs the server about four quick commands a sampled key, on one connection named
        ``redisload:control-like``; they are not counted. What cannot be known is a usual number (ten keys an
        MGET, ten elements a range), and sizes of values within lists, hashes and streams are estimated from
        the memory that they take: look at ``commands`` before use.

        ``target`` is what ``rl.run`` takes, and a server must be at work there. Raises ConfigError for wrong
        arguments, TargetError when the server cannot be reached or refuses us, RunError when it refuses one
        of the questions or was sent nothing that can be imitated.
        """
        from redisload.observation import observe

        return observe(target, observe_s, sample_keys, username=username, password=password)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Workload:
        """The workload that a TOML file holds, as ``save`` writes it.

        Raises ConfigError with every problem of the file, OSError when it cannot be read.
        """
        from redisload._workload_file import load

        return load(path)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the workload as TOML, to be read, edited and loaded again. Raises OSError."""
        from redisload._workload_file import save

        save(self, path)


@dataclass(frozen=True)
class Topology:
    """Client pools x clients per pool x max_connections TCP connections; threads_per_pool workers for each
    pool.

    ``checkout``: "pinned" (each connection belongs to one worker) or "per_operation" (a worker takes a client
    out of its pool for each operation; the wait is ``result.pool_wait``); ``eager``: "per_operation" opens
    all connections at the start.
    """

    client_pools: int = default("topology.client_pools")
    clients_per_pool: int = default("topology.clients_per_pool")
    threads_per_pool: int = default("topology.threads_per_pool")
    max_connections: int = default("topology.max_connections")
    checkout: str = default("topology.checkout")
    eager: bool = default("topology.eager")


@dataclass(frozen=True)
class Timeouts:
    """Deadlines by stage, in seconds (a number or a timedelta)."""

    resolve_s: Seconds = default("timeouts.resolve_s")
    connect_s: Seconds = default("timeouts.connect_s")
    handshake_s: Seconds = default("timeouts.handshake_s")
    response_s: Seconds = default("timeouts.response_s")
    pool_s: Seconds = default("timeouts.pool_s")
    grace_s: Seconds = default("timeouts.grace_s")


class RunOptions(TypedDict, total=False):
    """The keyword arguments of :func:`redisload.run` and :func:`redisload.start`, in their order."""

    workload: str | Workload | Sequence[str | Command] | Mapping[str, float]
    connections: int
    threads: int
    topology: Topology | Mapping[str, Any] | None
    pipeline: int
    duration_s: Seconds | None
    operations: int | None
    max_errors: float | None
    objective_s: Seconds | None
    warmup_s: Seconds
    prefill: bool
    cleanup: bool
    rate: float | None
    arrivals: Literal["poisson", "constant"]
    scenario: Sequence[Phase | Mapping[str, Any]] | None
    think_s: Seconds
    hit_ratio: float | None
    keys: Keys | int | Mapping[str, Any]
    values: Values | int | str | tuple[int, int] | Mapping[Any, Any]
    seed: int | None
    interval_s: Seconds
    sample_rate: float
    sample_limit: int
    timeouts: Timeouts | Mapping[str, Any]
    tls: None
    resilience: None
    username: str | None
    password: str | None
    protocol: int | None
    cpus: list[int] | None
    app_name: str
    name: str | None
    progress: bool | Literal["auto"]
    on_interval: Callable[[Any], object] | None
    on_interrupt: Literal["return", "raise"]
    config: None


ARGUMENT_NAMES: tuple[str, ...] = tuple(RunOptions.__annotations__)
SECTIONS: dict[str, type] = {"keys": Keys, "values": Values, "topology": Topology, "timeouts": Timeouts}
SHORT_FORMS = {"keys": "keys.count", "values": "values.size_bytes"}
SETTING_OF = {
    "connections": "topology.max_connections",
    "threads": "topology.threads_per_pool",
    "username": "target.username",
    "password": "target.password",
    "protocol": "target.protocol",
}
PYTHON_ONLY: dict[str, Any] = {"progress": "auto", "on_interval": None, "on_interrupt": "return"}


def argument_default(name: str) -> Any:
    """What an argument of ``rl.run`` is when it is left out."""
    if name in PYTHON_ONLY:
        return PYTHON_ONLY[name]
    if name in SECTIONS:
        return None if name == "topology" else SECTIONS[name]()
    path = "workload.name" if name == "workload" else SETTING_OF.get(name, name)
    return None if name in ARGUMENTS else default(path)


@dataclass(frozen=True, repr=False)
class RunConfig:
    """A checked configuration: what was given, by path; everything else is the core's default."""

    given: Mapping[str, Any]
    embedded: bool = False
    progress: bool | str = "auto"
    on_interval: Callable[[Any], object] | None = None
    on_interrupt: str = "return"

    def __getitem__(self, path: str) -> Any:
        """The effective value of a setting."""
        return self.given[path] if path in self.given else default(path)

    def __repr__(self) -> str:
        texts = {path: shown(path, value) for path, value in self.given.items()}
        return f"RunConfig({', '.join(f'{path}={value}' for path, value in texts.items())})"

    @property
    def url(self) -> str:
        """The target as a URL, its password masked."""
        return describe({path: self[path] for path in settings() if path.startswith("target.")})

    @property
    def closed_loop(self) -> bool:
        """Neither a rate nor a scenario with rates is asked for."""
        return self["rate"] is None and all(step.get("rate") is None for step in self["scenario"] or ())

    def core_dict(self) -> dict[str, Any]:
        """What the core takes: nested, only what was given. Holds the password: never show it."""
        return nested(self.given)

    def to_dict(self) -> dict[str, Any]:
        """Every effective value, nested, secrets masked, fit for JSON."""
        effective = {path: self[path] for path in settings()}
        for path, setting in settings().items():
            if setting.secret and effective[path] is not None:
                effective[path] = MASK
        whole = nested(effective)
        whole["target"]["url"] = self.url
        whole["target"]["embedded"] = self.embedded
        return whole


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by path as a tree of dicts."""
    result: dict[str, Any] = {}
    for path, value in flat.items():
        section, _, name = path.rpartition(".")
        (result.setdefault(section, {}) if section else result)[name] = value
    return result


def shown(path: str, value: Any, *, text: bool = False) -> str:
    """A value as problems show it: secrets masked."""
    if path in settings() and settings()[path].secret and value is not None:
        return MASK
    return str(value) if text else repr(value)
