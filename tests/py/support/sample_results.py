"""Results made by hand, for what reads them: no run, no server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from redisload import Histogram, Result
from redisload._collect import config_from_arguments
from redisload._serialize import interval_dtype

if TYPE_CHECKING:
    from collections.abc import Iterable

SECRET = "hunter2"
URL = f"redis://me:{SECRET}@db.example:6379/0"


def histogram(seconds: Iterable[float] = ()) -> Histogram:
    """Of these times."""
    made = Histogram()
    for value in seconds:
        made.record(value)
    return made


def latencies(count: int, centre_s: float) -> list[float]:
    """A spread of times around one, the same each time."""
    return [float(value) for value in np.random.default_rng(7).lognormal(np.log(centre_s), 0.4, count)]


def rows(count: int, per_row: int = 1000, first_s: float = 0.5) -> np.ndarray:
    """Measured intervals of one second, then the drain's."""
    made = np.full(count + 1, 0, dtype=interval_dtype())
    for name in made.dtype.names or ():
        if made.dtype[name].kind == "f":
            made[name] = np.nan
    made["start_s"] = first_s + np.arange(count + 1)
    made["duration_s"], made["phase"] = 1.0, "measure"
    for name in ("offered", "issued", "succeeded"):
        made[name] = per_row
    made["throughput"] = per_row + np.arange(count + 1) % 3
    made["connections"] = 50
    for kind in ("service", "response"):
        made[f"{kind}_p50_s"], made[f"{kind}_p99_s"], made[f"{kind}_max_s"] = 0.4e-3, 0.9e-3, 5e-3
    made[-1]["phase"], made[-1]["duration_s"] = "drain", 0.01
    for name in ("offered", "issued", "succeeded", "throughput"):
        made[-1][name] = 0
    return made


def data(**changes: Any) -> dict[str, Any]:
    """What a run of 4 s and 4,000 operations leaves; with top-level changes."""
    options = {key: changes.pop(key) for key in ("rate", "connections", "name") if key in changes}
    config = config_from_arguments(URL, options).to_dict()
    service, response = latencies(4000, 0.4e-3), latencies(4000, 0.5e-3)
    counts = dict.fromkeys(
        ("not_sent", "failed", "timed_out", "lost", "misses", "retries", "late_replies"), 0
    ) | {
        "offered": 4000,
        "issued": 4000,
        "succeeded": 4000,
        "attempts": 4000,
        "hits": 2000,
        "bytes_sent": 400_000,
        "bytes_received": 300_000,
    }
    half = {name: value // 2 for name, value in counts.items()}

    def operation(part: slice) -> dict[str, Any]:
        return {
            **half,
            "errors": {},
            "service_time": histogram(service[part]),
            "response_time": histogram(response[part]),
            "error_time": histogram(),
        }

    made: dict[str, Any] = {
        "final": True,
        "valid": True,
        "verdict": "unsaturated",
        "warnings": [],
        "interrupted": False,
        "stop_reason": "duration",
        "seed": 42,
        "started_at": 1_790_000_000.25,
        "phases": [
            {"phase": "connect", "start_s": 0.0, "end_s": 0.5},
            {"phase": "measure", "start_s": 0.5, "end_s": 4.5},
        ],
        "closed_loop": "rate" not in options,
        "current_phase": "done",
        "progress": None,
        "totals": {**counts, "elapsed_s": 4.0, "throughput": 1000.0, "goodput": 990.0},
        "operations": {"GET": operation(slice(0, None, 2)), "SET": operation(slice(1, None, 2))},
        "service_time": histogram(service),
        "response_time": histogram(response),
        "error_time": histogram(),
        "lateness": histogram([1e-6] * 100),
        "connect_time": histogram([1e-3] * 50),
        "pool_wait": histogram(),
        "errors": {},
        "connection_faults": {},
        "commands": {"measure": {"GET": 2000, "SET": 2000}},
        "intervals": rows(4),
        "interval_histograms": None,
        "samples": {
            "intended_ns": np.array([10, 20, 30], dtype=np.int64),
            "sent_ns": np.array([11, 21, -1]),
            "completed_ns": np.array([600_000_000, 2_600_000_000, -1]),
            "operation": np.array([0, 1, 1], dtype=np.uint16),
            "outcome": np.array([0, 0, 3], dtype=np.uint8),
        },
        "sample_names": {
            "operation": ["GET", "SET"],
            "outcome": ["succeeded", "failed", "timed_out", "lost"],
        },
        "samples_dropped": 0,
        "events": [{"time_s": 1.5, "kind": "disconnect", "connection": 3, "message": "connection reset"}],
        "base_rtt": histogram([50e-6] * 30),
        "server": {"redis_version": "7.0.15"},
        "same_host": False,
        "worker_busy": [0.5],
        "workers": 1,
        "connections": 50,
        "config": config,
        "environment": {"redisload": "0.1.0", "host": "a", "cores": 2, "server": {"redis_version": "7.0.15"}},
    }
    return made | changes


def result(**changes: Any) -> Result:
    """The same as a Result."""
    return Result(data(**changes))


def with_outage(**changes: Any) -> Result:
    """An open loop in which 400 of 4,000 operations timed out after 10 s."""
    made = data(rate=1000, **changes)
    for name in ("service_time", "response_time"):
        censored = histogram(latencies(3600, 0.5e-3))
        censored.record_censored(400, floor_s=10.0)
        made[name] = censored
    made["totals"] |= {"succeeded": 3600, "timed_out": 400}
    made["errors"] = {"timeout.response": 400}
    return Result(made)
