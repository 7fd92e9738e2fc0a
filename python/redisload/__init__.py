"""redisload: an honest, fast load on Redis and Valkey, from Python, notebooks, pytest and the shell.

>>> import redisload as rl
>>> result = rl.run("redis://127.0.0.1:6379", rate=5_000, duration_s=10)
>>> print(result.report())

Everything is imported when it is first used, so that ``import redisload`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redisload._core import Histogram
    from redisload._storage import load
    from redisload.comparison import Comparison, compare
    from redisload.config import Command, Timeouts, Topology, Workload
    from redisload.embedded import EmbeddedServer, server
    from redisload.errors import (
        ConfigError,
        PoolTimeout,
        Problem,
        RedisloadError,
        RunError,
        RunInterrupted,
        ServerNotFound,
        TargetError,
    )
    from redisload.handle import RunHandle
    from redisload.results import Result
    from redisload.runner import run, start
    from redisload.scenarios import Load, Ramp, Step, Warmup, load_scenario
    from redisload.shapes import HotSet, Keys, Latest, MovingHotSpot, Normal, Values, Zipfian
    from redisload.totals import OperationResult, Samples, Totals

    __version__: str

__all__ = [
    "Command",
    "Comparison",
    "ConfigError",
    "EmbeddedServer",
    "Histogram",
    "HotSet",
    "Keys",
    "Latest",
    "Load",
    "MovingHotSpot",
    "Normal",
    "OperationResult",
    "PoolTimeout",
    "Problem",
    "Ramp",
    "RedisloadError",
    "Result",
    "RunError",
    "RunHandle",
    "RunInterrupted",
    "Samples",
    "ServerNotFound",
    "Step",
    "TargetError",
    "Timeouts",
    "Topology",
    "Totals",
    "Values",
    "Warmup",
    "Workload",
    "Zipfian",
    "compare",
    "load",
    "load_scenario",
    "run",
    "server",
    "start",
]

_HOMES = {
    "redisload._core": ("Histogram",),
    "redisload._storage": ("load",),
    "redisload.comparison": ("Comparison", "compare"),
    "redisload.config": ("Command", "Timeouts", "Topology", "Workload"),
    "redisload.embedded": ("EmbeddedServer", "server"),
    "redisload.errors": (
        "ConfigError",
        "PoolTimeout",
        "Problem",
        "RedisloadError",
        "RunError",
        "RunInterrupted",
        "ServerNotFound",
        "TargetError",
    ),
    "redisload.handle": ("RunHandle",),
    "redisload.results": ("Result",),
    "redisload.runner": ("run", "start"),
    "redisload.scenarios": ("Load", "Ramp", "Step", "Warmup", "load_scenario"),
    "redisload.shapes": ("HotSet", "Keys", "Latest", "MovingHotSpot", "Normal", "Values", "Zipfian"),
    "redisload.totals": ("OperationResult", "Samples", "Totals"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    elif name == "__version__":
        from importlib.metadata import version

        value = version("redisload")
    else:
        raise AttributeError(_no_such(name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def _no_such(name: str) -> str:
    if name.startswith("_"):
        return f"module 'redisload' has no attribute {name!r}"
    from difflib import get_close_matches

    from redisload._unavailable import NAMES, NOT_YET

    if name in NAMES:
        return f"redisload.{name} is {NOT_YET}"
    near = get_close_matches(name, __all__, n=1)
    return f"module 'redisload' has no attribute {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
