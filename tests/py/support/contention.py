"""How long threads were kept waiting for a processor by whatever else ran, as the kernel counts it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redisload import RunHandle


def share_withheld(run: RunHandle, duration_s: float) -> float:
    """Waits for the run's end; the share of ``duration_s`` in which its average worker wanted to run in vain.

    Second field of /proc/<pid>/task/<tid>/schedstat, of the one run that this process has.
    """
    waited_ns: dict[str, int] = {}
    while not run.done:
        for task in Path("/proc/self/task").iterdir():
            try:
                if (task / "comm").read_text().startswith("redisload-w"):
                    waited_ns[task.name] = int((task / "schedstat").read_text().split()[1])
            except (FileNotFoundError, ProcessLookupError):  # it has just ended
                continue
        time.sleep(0.02)
    assert waited_ns, "no worker was seen"
    return sum(waited_ns.values()) / len(waited_ns) / 1e9 / duration_s
