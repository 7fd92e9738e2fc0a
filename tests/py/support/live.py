"""Looking at a live run, and its times on the clock of the test."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from support.waiting import wait_until

if TYPE_CHECKING:
    import numpy as np

    import redisload as rl
    from redisload.handle import RunHandle


def wait_for_measure(run: RunHandle, timeout_s: float = 20.0) -> None:
    """Returns when the measured window is open."""
    wait_until(
        lambda: any(phase["phase"] == "measure" for phase in run.snapshot().phases),
        timeout_s,
        "the measured window",
    )


def zero_ns(result: rl.Result) -> int:
    """The run's zero in ns of ``time.monotonic_ns``, good to a few ms: it is found through the wall clock."""
    return round(result.started_at * 1e9) - (time.time_ns() - time.monotonic_ns())


def measured(result: rl.Result, column: str) -> np.ndarray:
    """A column of the samples of operations that were due in the measured window."""
    samples = result.samples
    inside: np.ndarray = samples["phase"] == samples.names["phase"].index("measure")
    values: np.ndarray = samples[column][inside]
    return values


def completions_ns(result: rl.Result, outcome: str = "succeeded") -> np.ndarray:
    """When the sampled operations with this outcome were completed, in ns of ``time.monotonic_ns``."""
    wanted = measured(result, "outcome") == result.samples.names["outcome"].index(outcome)
    times: np.ndarray = measured(result, "completed_ns")[wanted] + zero_ns(result)
    return times
