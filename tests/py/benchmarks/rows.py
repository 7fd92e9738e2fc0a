"""The loads of the table, and what each has to show."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import ratios
from benchmarks.clients import Client, Load, OneByOne, OnlyFirst, RedisBenchmark, Redisload, RespBenchmark
from benchmarks.pairs import LEAST_WORK_S, measure_load
from benchmarks.targets import instant_sink, real_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.pairs import LoadResult

# The server's processor counts as full from here on, if nothing else ran on the machine.
CORE_FULL, OTHERS_QUIET = 0.97, 0.05

OURS, REDIS_BENCHMARK, RESP_BENCHMARK = Redisload(), RedisBenchmark(), RespBenchmark()


@dataclass(frozen=True)
class Line:
    """One line of the table: a value of ours, a peer's, and the claim about their ratio."""

    row: str
    measure: str
    ours: str
    peer: str
    ratio: str
    limit: str
    verdict: str


@dataclass(frozen=True)
class Row:
    """A load, the tools on it, and the limits; None claims nothing."""

    name: str
    title: str
    load: Load
    peers: tuple[Client, ...] = (REDIS_BENCHMARK,)
    ours: Client = OURS
    sink: bool = False
    cpu_limits: tuple[float | None, ...] = (None,)
    throughput_limit: float | None = None
    or_core_full: bool = False
    pairs_factor: int = 1  # a small effect takes more pairs


def _command_row(command: str, *, collection: bool) -> Row:
    """A command of a workload beside redis-benchmark's test of that name."""
    load = Load(50, 1, (command,), collection)
    return Row(command, f"50 connections, {command.upper()}", load, cpu_limits=(0.7,))


CUSTOM = Redisload("mixed", custom=True)
ROWS = [
    Row("50", "50 connections", Load(50, 1), (REDIS_BENCHMARK, RESP_BENCHMARK),
        cpu_limits=(0.65, 1.0), throughput_limit=1.25, or_core_full=True),
    Row("300", "300 connections", Load(300, 1), (REDIS_BENCHMARK, RESP_BENCHMARK),
        cpu_limits=(0.65, 1.0), throughput_limit=1.25, or_core_full=True),
    Row("1000", "1,000 connections", Load(1000, 1), (REDIS_BENCHMARK, RESP_BENCHMARK),
        cpu_limits=(0.65, 1.0)),
    Row("p16", "50 connections, pipeline 16", Load(50, 16), cpu_limits=(0.8,), throughput_limit=0.95),
    Row("p64", "50 connections, pipeline 64", Load(50, 64), throughput_limit=0.95),
    Row("sink64", "pipeline 64, instant sink", Load(50, 64), sink=True, cpu_limits=(0.75,),
        throughput_limit=0.95),
    # Pairs of runs: a switch within one run would need a build of its own.
    Row("sampling", "pipeline 16, instant sink", Load(50, 16),
        (Redisload("without samples and intervals", ("--sample-rate", "0", "--interval", "1h")),),
        sink=True, cpu_limits=(1.03,), pairs_factor=4),
    *(_command_row(command, collection=False) for command in ("set", "get", "incr")),
    *(_command_row(command, collection=True) for command in ("lpush", "rpop", "sadd", "hset", "zadd")),
    # One thread, one connection, one operation in flight: what taking the client and giving it back costs.
    Row("checkout", "1 connection, per_operation", Load(1, 1), (Redisload("pinned"),),
        ours=Redisload("per_operation", checkout="per_operation"), cpu_limits=(1.25,)),
    # The four one by one are the same work without the choice; SET alone is a single template, literally.
    Row("mix", "50 connections, mix of 4 templates", Load(50, 1, ("set", "get", "incr", "hset")),
        (OneByOne("the 4 one by one", CUSTOM), OnlyFirst("SET alone", CUSTOM)), ours=CUSTOM,
        cpu_limits=(1.1, 1.1)),
]  # fmt: skip


def run_row(row: Row, pairs: int, tell: Callable[[str], None]) -> tuple[list[Line], dict[str, Any]]:
    """Measures a row: its lines of the table, and everything measured, for JSON."""
    clients = [row.ours, *row.peers]
    with instant_sink() if row.sink else real_server() as target:
        result = measure_load(clients, target, row.load, pairs * row.pairs_factor, tell)
    lines = []
    for peer, limit in zip(row.peers, row.cpu_limits, strict=True):
        lines.append(_cpu_line(row, result, peer.name, limit))
        if row.throughput_limit is not None and isinstance(peer, RedisBenchmark):
            lines.append(_throughput_line(row, result, peer.name))
    return lines, _record(row, result)


def _cpu_line(row: Row, result: LoadResult, peer: str, limit: float | None) -> Line:
    def value(m: Any) -> float:
        return float(m.cpu_per_operation_s)

    estimate = ratios.median_with_interval(result.paired(row.ours.name, peer, value))
    return Line(
        row.title,
        f"client CPU per operation / {peer}",
        f"{1e6 * result.median(row.ours.name, value):.3f} µs",
        f"{1e6 * result.median(peer, value):.3f} µs",
        str(estimate),
        "" if limit is None else f"≤ {limit:g}",
        "" if limit is None else ratios.at_most(estimate, limit),
    )


def _throughput_line(row: Row, result: LoadResult, peer: str) -> Line:
    def value(m: Any) -> float:
        return float(m.throughput)

    estimate = ratios.median_with_interval(result.paired(row.ours.name, peer, value))
    assert row.throughput_limit is not None
    verdict: str = ratios.at_least(estimate, row.throughput_limit)
    limit = f"≥ {row.throughput_limit:g}"
    if row.or_core_full:
        core = result.median(row.ours.name, lambda m: m.core_busy)
        others = result.median(row.ours.name, lambda m: m.other_busy)
        limit += f", or the server's core ≥ {CORE_FULL:.0%} busy"
        if verdict != "holds" and core >= CORE_FULL:
            verdict = "holds" if others <= OTHERS_QUIET else "not shown: others used the core too"
        verdict += f" (core {core:.1%})"
    return Line(
        row.title,
        f"operations/s / {peer}",
        f"{result.median(row.ours.name, value):,.0f}/s",
        f"{result.median(peer, value):,.0f}/s",
        str(estimate),
        limit,
        verdict,
    )


def _record(row: Row, result: LoadResult) -> dict[str, Any]:
    tools = {}
    for name, measurements in result.measurements.items():
        tools[name] = {
            "operations": asdict(result.sizes[name]),
            "runs_below_least_work": sum(m.work_s < LEAST_WORK_S for m in measurements),
            "measurements": [asdict(m) for m in measurements],
        }
    return {"row": row.name, "load": asdict(row.load), "load_average": result.load_average, "tools": tools}


def context(record: dict[str, Any]) -> str:
    """How quiet the machine was while a row was measured, in a line."""
    parts = []
    for name, tool in record["tools"].items():
        done = tool["measurements"]
        typical = {
            key: statistics.median(m[key] for m in done)
            for key in ("core_busy", "server_busy", "other_busy", "stolen", "work_s")
        }
        parts.append(
            f"{name}: runs of {typical['work_s']:.1f} s "
            f"({tool['runs_below_least_work']} below {LEAST_WORK_S:g} s), "
            f"server core {typical['core_busy']:.0%} busy (server {typical['server_busy']:.0%}), "
            f"other work {typical['other_busy']:.2f} and stolen {max(0.0, typical['stolen']):.2f} processors"
        )
    low, high = record["load_average"]
    return f"load average {low:.1f} before, {high:.1f} after; " + "; ".join(parts)
