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
from redisload.targets import MASK, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    Seconds = float | timedelta

EMBEDDED: Any = type("Embedded", (), {"__repr__": lambda self: "<an embedded server>"})()
"""The target when none is named: a server of redisload's own."""


@dataclass(frozen=True)
class Zipfian:
    """Zipfian keys, scrambled over the keyspace: the k-th most popular is drawn in proportion to k **
    -exponent.
    """

    exponent: float = default("keys.zipf_exponent")


@dataclass(frozen=True)
class Keys:
    """The keyspace: how many keys, their names' beginning (None: the workload's own), and which are drawn.

    ``distribution`` is "uniform", "sequential", ``rl.Zipfian(exponent=0.99)`` or, as text, "zipfian:0.99".
    """

    count: int = default("keys.count")
    prefix: str | None = default("keys.prefix")
    distribution: str | Zipfian = default("keys.distribution")


@dataclass(frozen=True)
class Values:
    """The values that are written."""

    size_bytes: int = default("values.size_bytes")


@dataclass(frozen=True)
class Workload:
    """A workload by name; ``weights`` maps its commands to shares, as ``{"SET": 45, "GET": 45}``."""

    name: str = default("workload.name")
    weights: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Topology:
    """Client pools x clients per pool x max_connections TCP connections; threads_per_pool workers for each
    pool.
    """

    client_pools: int = default("topology.client_pools")
    clients_per_pool: int = default("topology.clients_per_pool")
    threads_per_pool: int = default("topology.threads_per_pool")
    max_connections: int = default("topology.max_connections")
    checkout: str = default("topology.checkout")


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

    workload: str | Workload | Mapping[str, Any]
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
    keys: Keys | int | Mapping[str, Any]
    values: Values | int | Mapping[str, Any]
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
