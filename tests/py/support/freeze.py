"""Freezing a process with SIGSTOP, and when exactly that was."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Freeze:
    """A freeze in ns of the monotonic clock (``time.monotonic_ns``, the core's steady clock)."""

    asked_ns: int
    """Just before SIGSTOP was sent."""
    frozen_ns: int
    """When every thread was seen stopped."""
    released_ns: int = 0
    """Just before SIGCONT was sent; 0 while frozen."""

    @property
    def duration_s(self) -> float:
        """From the asking to the release."""
        return (self.released_ns - self.asked_ns) / 1e9


@contextmanager
def frozen(pid: int) -> Iterator[Freeze]:
    """The process stands still inside the block."""
    asked_ns = time.monotonic_ns()
    os.kill(pid, signal.SIGSTOP)
    freeze = Freeze(asked_ns, asked_ns)
    try:
        wait_until(lambda: _stopped(pid), 5.0, f"the stop of process {pid}")
        freeze.frozen_ns = time.monotonic_ns()
        yield freeze
    finally:
        freeze.released_ns = time.monotonic_ns()
        with suppress(ProcessLookupError):  # killed meanwhile
            os.kill(pid, signal.SIGCONT)


def freeze(pid: int, duration_s: float) -> Freeze:
    """Freezes the process for ``duration_s`` counted from the asking, and returns the exact times."""
    with frozen(pid) as times:
        time.sleep(max(0.0, duration_s - (time.monotonic_ns() - times.asked_ns) / 1e9))
    return times


def _stopped(pid: int) -> bool:
    states = [
        stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return all(state == "T" for state in states)
