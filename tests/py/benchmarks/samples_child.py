"""Takes samples of a run, reads them as numpy columns, and prints what that cost, as JSON.

A program of its own, so that its memory is its own: ``samples_child.py URL COUNT``. A column was not copied
when it owns nothing, its memory belongs to the core (a capsule), two readings see one address, and reading
added no memory to the process.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redisload as rl

if TYPE_CHECKING:
    import numpy as np

COLUMNS = (
    "intended_ns", "sent_ns", "completed_ns", "operation", "outcome", "connection", "bytes", "phase",
    "attempts", "node", "weight",
)  # fmt: skip


def resident_mib() -> float:
    """Memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def is_of_core(column: np.ndarray[Any, Any]) -> bool:
    """Whether the memory is kept alive by the core, not by an array."""
    return type(column.base).__name__ == "PyCapsule"


def main(url: str, count: int) -> None:
    """Runs and prints; more operations than samples, because a busy machine drops some."""
    result = rl.run(
        url, workload=rl.Workload("basic_rw", weights={"SET": 1, "GET": 1}), keys=100_000, prefill=False,
        connections=50, pipeline=64, operations=count * 3 // 2, sample_rate=1.0, sample_limit=count * 2,
        progress=False,
    )  # fmt: skip
    before_mib, start_s = resident_mib(), time.process_time()
    columns = {name: result.samples[name] for name in COLUMNS}
    read_ms, added_mib = 1e3 * (time.process_time() - start_s), resident_mib() - before_mib
    facts = {
        "samples": min(len(column) for column in columns.values()),
        "bytes": sum(column.nbytes for column in columns.values()),
        "contiguous": all(column.flags.c_contiguous for column in columns.values()),
        "owned": [name for name, column in columns.items() if column.flags.owndata],
        "not_of_core": [name for name in COLUMNS if not is_of_core(columns[name])],
        "moved": [name for name in COLUMNS if columns[name].ctypes.data != result.samples[name].ctypes.data],
        "read_ms": read_ms,
        "added_mib": added_mib,
        "resident_mib": before_mib,
        "completed": bool((columns["completed_ns"] >= columns["sent_ns"]).all()),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
