"""Costs that are no ratio: recording an operation, importing the package, handing samples to numpy."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import ratios
from benchmarks.processes import CLIENT_CPU, pinned, run_child
from benchmarks.rows import Line
from benchmarks.targets import instant_sink

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Tell: TypeAlias = Callable[[str], None]

ROOT = Path(__file__).resolve().parents[3]
RECORDING_LIMIT_NS, IMPORT_LIMIT_MS, SAMPLES = 10.0, 80.0, 10_000_000
_RECORDING = re.compile(r"sample_rate 0\.01: *[\d.]+ ns an operation \(best; median ([\d.]+)\)")


def recording(pairs: int, tell: Tell) -> tuple[list[Line], dict[str, Any]]:
    """CPU of recording one operation, as tests/cpp/metrics/recorder_benchmark.cpp measures it (R11)."""
    binary = ROOT / "build/default/tests/cpp/recorder_benchmark"
    given = os.environ.get("REDISLOAD_RECORDER_BENCHMARK", str(binary))
    medians = []
    for run in range(6):
        output = subprocess.run(
            pinned(CLIENT_CPU, [given]), capture_output=True, text=True, check=True
        ).stdout
        found = _RECORDING.search(output)
        if not found:
            raise RuntimeError(f"what does the recorder benchmark say?\n{output}")
        medians.append(float(found[1]))
        tell(f"run {run + 1}/6: {medians[-1]:.2f} ns")
    estimate = ratios.median_with_interval(medians)
    line = Line(
        "recorder alone, 1 % samples", "CPU to record an operation", f"{estimate.median:.1f} ns", "",
        f"[{estimate.low:.1f}, {estimate.high:.1f}] ns", f"≤ {RECORDING_LIMIT_NS:g} ns",
        ratios.at_most(estimate, RECORDING_LIMIT_NS),
    )  # fmt: skip
    return [line], {"row": "recorder", "values_ns": medians}


IMPORTS = {
    "import redisload": "import redisload",
    # numpy, rich and the core come with the first name that needs them: what a script pays in the end
    "import redisload, its names used": "from redisload import Result, RunConfig, load, run, server, start",
    "import numpy": "import numpy",
}


def importing(pairs: int, tell: Tell) -> tuple[list[Line], dict[str, Any]]:
    """CPU of importing redisload beside ``import numpy``, each in a new interpreter."""
    cpu_ms: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for pair in range(-1, pairs):  # the first one only fills the file cache
        for name in IMPORTS if pair % 2 == 0 else reversed(IMPORTS):
            spent = run_child([sys.executable, "-c", IMPORTS[name]])
            if pair >= 0:
                cpu_ms[name].append(1e3 * spent.cpu_s)
    lines = []
    base = cpu_ms["import numpy"]
    for name in list(IMPORTS)[:-1]:
        more = [ours - numpy for ours, numpy in zip(cpu_ms[name], base, strict=True)]
        estimate = ratios.median_with_interval(more)
        tell(f"{name}: {estimate.median:+.1f} ms")
        lines.append(
            Line(
                "a new interpreter", f"CPU of {name} - import numpy",
                f"{statistics.median(cpu_ms[name]):.0f} ms", f"{statistics.median(base):.0f} ms",
                f"{estimate.median:+.1f} [{estimate.low:+.1f}, {estimate.high:+.1f}] ms",
                f"≤ +{IMPORT_LIMIT_MS:g} ms", ratios.at_most(estimate, IMPORT_LIMIT_MS),
            )
        )  # fmt: skip
    return lines, {"row": "import", "cpu_ms": cpu_ms}


# Run in a process of its own, so that its memory is its own. A column that owns nothing, that two readings
# see at one address, and that added no memory to the process was not copied.
_SAMPLES_SCRIPT = """
import json, resource, sys, time
import numpy as np
import redisload as rl

def resident_mib():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * resource.getpagesize() / 2**20

count = int(sys.argv[2])
result = rl.run(sys.argv[1], workload=rl.Workload("basic_rw", weights={"SET": 1, "GET": 1}), keys=100_000,
                connections=50, pipeline=64, operations=count, sample_rate=1.0, sample_limit=count,
                prefill=False, progress=False)
before, start = resident_mib(), time.process_time()
names = ("intended_ns", "sent_ns", "completed_ns", "operation", "outcome", "connection", "bytes", "phase",
         "attempts", "node", "weight")
columns = {name: result.samples[name] for name in names}
spent_ms, added_mib = 1e3 * (time.process_time() - start), resident_mib() - before
again = {name: result.samples[name] for name in names}
print(json.dumps({
    "samples": min(len(c) for c in columns.values()),
    "bytes": sum(c.nbytes for c in columns.values()),
    "contiguous": all(c.flags.c_contiguous for c in columns.values()),
    "owned": [n for n, c in columns.items() if c.flags.owndata],
    "moved": [n for n, c in columns.items() if c.ctypes.data != again[n].ctypes.data],
    "read_ms": spent_ms, "added_mib": added_mib,
    "completed": bool((columns["completed_ns"] >= columns["sent_ns"]).all()),
}))
"""


def samples(pairs: int, tell: Tell) -> tuple[list[Line], dict[str, Any]]:
    """Ten million samples as numpy columns: views of the core's memory, or copies?"""
    with instant_sink() as sink:
        output = subprocess.run(
            [sys.executable, "-c", _SAMPLES_SCRIPT, f"redis://127.0.0.1:{sink.port}", str(SAMPLES)],
            capture_output=True, text=True, check=True, cwd="/",
        ).stdout  # fmt: skip
    facts = json.loads(output)
    tell(output.strip())
    copied = facts["owned"] or facts["moved"] or not facts["contiguous"] or facts["added_mib"] > 8
    whole = facts["samples"] == SAMPLES and facts["completed"]
    line = Line(
        f"{facts['samples']:,} samples", "reading all columns into numpy",
        f"{facts['read_ms']:.1f} ms, +{max(0.0, facts['added_mib']):.1f} MiB", "",
        f"{facts['bytes'] / 2**20:,.0f} MiB seen", "no copy",
        "missed" if copied or not whole else "holds",
    )  # fmt: skip
    return [line], {"row": "samples", **facts}


COSTS: dict[str, Callable[[int, Tell], tuple[list[Line], dict[str, Any]]]] = {
    "recorder": recording,
    "import": importing,
    "samples": samples,
}
