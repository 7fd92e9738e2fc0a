"""Costs on one side: recording an operation, sampling, importing the package, handing samples to numpy."""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import ratios
from benchmarks.processes import CLIENT_CPU, output_of, pinned, run_child
from benchmarks.rows import Line
from benchmarks.targets import instant_sink

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Tell: TypeAlias = Callable[[str], None]

ROOT = Path(__file__).resolve().parents[3]
SWITCHED_PAIRS, SWITCHED_LIMIT = 60, 1.03
RECORDING_LIMIT_NS, IMPORT_LIMIT_MS, SAMPLES = 10.0, 80.0, 10_000_000
_RECORDING = re.compile(r"sample_rate 0\.01: *[\d.]+ ns an operation \(best; median ([\d.]+)\)")


def recording(pairs: int, tell: Tell) -> tuple[list[Line], dict[str, Any]]:
    """CPU of recording one operation, as tests/cpp/metrics/recorder_benchmark.cpp measures it (R11)."""
    binary = ROOT / "build/default/tests/cpp/recorder_benchmark"
    given = os.environ.get("REDISLOAD_RECORDER_BENCHMARK", str(binary))
    medians = []
    for run in range(6):
        output = output_of(pinned(CLIENT_CPU, [given]))
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
    "import redisload, its names used": "from redisload import Keys, Result, load, run, server, start",
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


def samples(pairs: int, tell: Tell) -> tuple[list[Line], dict[str, Any]]:
    """Ten million samples as numpy columns: views of the core's memory, or copies?"""
    child = Path(__file__).with_name("samples_child.py")
    with instant_sink() as sink:
        output = output_of([sys.executable, str(child), f"redis://127.0.0.1:{sink.port}", str(SAMPLES)])
    facts = json.loads(output)
    tell(output.strip())
    odd = facts["owned"] + facts["not_of_core"] + facts["moved"]
    copied = odd or not facts["contiguous"] or facts["added_mib"] > 8
    if facts["samples"] < SAMPLES:
        raise RuntimeError(f"only {facts['samples']:,} samples, the others were dropped: too busy a machine")
    line = Line(
        f"{facts['samples']:,} samples", "reading all columns into numpy",
        f"{facts['read_ms']:.1f} ms, +{max(0.0, facts['added_mib']):.1f} MiB", "",
        f"{facts['bytes'] / 2**20:,.0f} MiB seen", "no copy",
        "missed" if copied or not facts["completed"] else "holds",
    )  # fmt: skip
    return [line], {"row": "samples", **facts}


def switching(pairs: int, tell: Tell) -> tuple[list[Line], dict[str, Any]]:
    """1 % samples and live progress, on and off every 500 ms within one run (R11): at least 60 pairs."""
    binary = ROOT / "build/default/tests/cpp/sampling_benchmark"
    wanted = max(SWITCHED_PAIRS, pairs)
    with instant_sink() as sink:
        output = output_of(pinned(CLIENT_CPU, [str(binary), str(sink.port), str(3 * wanted // 2 + 4), "16"]))
    periods = [(state == "on", float(value)) for state, value in (row.split() for row in output.splitlines())]
    # neighbours, every third one left out: so the pairs stand in the order A B B A
    paired = []
    for i in range(2, len(periods) - 1, 3):  # the first two warm up
        first, second = periods[i], periods[i + 1]
        on, off = (first, second) if first[0] else (second, first)
        paired.append(on[1] / off[1])
    if len(paired) < SWITCHED_PAIRS:
        raise RuntimeError(f"only {len(paired)} pairs of periods")
    estimate = ratios.median_with_interval(paired)
    tell(f"{len(paired)} pairs: {estimate}")
    line = Line(
        "sink, pipeline 16, one run", "1 % samples + progress: client CPU / operation",
        f"{statistics.median(v for on, v in periods if on):.0f} ns",
        f"{statistics.median(v for on, v in periods if not on):.0f} ns",
        str(estimate), f"≤ {SWITCHED_LIMIT:g}", ratios.at_most(estimate, SWITCHED_LIMIT),
    )  # fmt: skip
    return [line], {"row": "switched", "periods": periods}


COSTS: dict[str, Callable[[int, Tell], tuple[list[Line], dict[str, Any]]]] = {
    "recorder": recording,
    "switched": switching,
    "import": importing,
    "samples": samples,
}
