"""The exceptions of redisload, one tree::

    RedisloadError
    ├── ConfigError (ValueError)         .problems: all that is wrong with a configuration, at once
    ├── TargetError (ConnectionError)    .stage: out of reach, or refuses us, before its first answer
    ├── RunError                         a failed run, a dead handle, a server that did not start
    ├── PoolTimeout (TimeoutError)       no client came free in time
    └── ServerNotFound                   no redis-server or valkey-server on this machine

    RunInterrupted (KeyboardInterrupt)   .result: Ctrl-C under on_interrupt="raise"; not a RedisloadError,
                                         so that ``except Exception`` does not swallow it

All of them survive pickling with their attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redisload.results import Result

__all__ = [
    "ConfigError",
    "PoolTimeout",
    "Problem",
    "RedisloadError",
    "RunError",
    "RunInterrupted",
    "ServerNotFound",
    "TargetError",
]


class Problem(NamedTuple):
    """One thing that is wrong with a configuration."""

    path: str
    """Where: the dotted name of the value, such as ``keys.count``."""
    given: str
    """What was given, as text; a secret is masked by whoever makes the problem."""
    allowed: str
    """What would be right, in words."""

    def __str__(self) -> str:
        return f"{self.path} = {self.given}: {self.allowed}"


class RedisloadError(Exception):
    """Base of all errors that redisload raises on purpose."""


class ConfigError(RedisloadError, ValueError):
    """A configuration that cannot be used; lists every problem, not only the first."""

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem | tuple[str, str, str]]) -> None:
        self.problems = tuple(Problem(*problem) for problem in problems)
        if len(self.problems) == 1:
            message = str(self.problems[0])
        else:
            listed = "".join(f"\n  {problem}" for problem in self.problems)
            message = f"{len(self.problems)} problems in the configuration:{listed}"
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,), self.__dict__


class TargetError(RedisloadError, ConnectionError):
    """The target cannot be reached, or refuses us, before its first answer."""

    stage: str
    """One of resolve, connect, tls, auth, handshake, first_reply."""

    def __init__(self, message: str, stage: str) -> None:
        self.stage = stage
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.stage), self.__dict__


class RunError(RedisloadError):
    """What was asked cannot be done: a run failed, its handle is dead, an embedded server did not start."""


class PoolTimeout(RedisloadError, TimeoutError):  # noqa: N818  (a public name)
    """No client came free in its pool within ``timeouts.pool_s``."""


class ServerNotFound(RedisloadError):  # noqa: N818  (a public name)
    """There is no server program to start; the message says where was looked and how to get one."""


class RunInterrupted(KeyboardInterrupt):
    """A run was interrupted by Ctrl-C and ``on_interrupt="raise"`` was asked for."""

    result: Result
    """What the run measured until then."""

    def __init__(self, result: Result) -> None:
        self.result = result
        super().__init__("the run was interrupted; its result is in .result")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.result,), self.__dict__
