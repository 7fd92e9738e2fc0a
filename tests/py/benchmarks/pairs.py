"""Client CPU and throughput of several tools on one load, measured in interleaved pairs."""

from __future__ import annotations

import math
import os
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.processes import MachineTime, Spent

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.clients import Client, Load
    from benchmarks.targets import Target

# A measurement is a long and a short run; what both have in common (start, connecting, report) cancels out.
SHORT_SHARE = 0.1
LEAST_WORK_S, WORK_S = 2.0, 3.0


@dataclass(frozen=True)
class Measurement:
    """(Long run minus short run) of one tool, per operation or per second of the difference."""

    cpu_per_operation_s: float
    throughput: float
    work_s: float  # of the long run without what the short one shows to be start and end
    core_busy: float  # the server's processor, 0..1
    server_busy: float  # the server's process
    other_busy: float  # processors' worth of what is neither client nor server
    stolen: float  # processors' worth that the host took


@dataclass(frozen=True)
class Sizes:
    """Operations of the long and of the short run."""

    long: int
    short: int


@dataclass
class LoadResult:
    """All measurements of a load: by tool, in the order of the pairs."""

    measurements: dict[str, list[Measurement]]
    sizes: dict[str, Sizes]
    load_average: tuple[float, float] = field(default=(0.0, 0.0))  # before, after

    def paired(self, a: str, b: str, value: Callable[[Measurement], float]) -> list[float]:
        """value(a) / value(b), pair by pair."""
        return [value(x) / value(y) for x, y in zip(self.measurements[a], self.measurements[b], strict=True)]

    def median(self, name: str, value: Callable[[Measurement], float]) -> float:
        """The median of one tool's measurements."""
        return statistics.median(value(m) for m in self.measurements[name])


def _run(client: Client, target: Target, load: Load, operations: int) -> tuple[Spent, MachineTime, int]:
    target.prepare(load.commands, operations)
    counted = target.commands_run(load.commands) if target.counts else 0
    before = MachineTime.now(target.pid)
    spent = client.run(target, load, operations)
    machine = MachineTime.now(target.pid) - before
    done = target.commands_run(load.commands) - counted if target.counts else operations
    if abs(done - operations) > operations / 1000:
        raise RuntimeError(f"{client.name} was to send {operations} operations, the server ran {done}")
    return spent, machine, done


def _measure(client: Client, target: Target, load: Load, sizes: Sizes) -> Measurement:
    short, short_machine, n1 = _run(client, target, load, sizes.short)
    long, long_machine, n2 = _run(client, target, load, sizes.long)
    cpu_s, wall_s = long.cpu_s - short.cpu_s, long.wall_s - short.wall_s
    if cpu_s <= 0 or wall_s <= 0:
        raise RuntimeError(f"{client.name}: {n2} operations took no more than {n1}: too busy a machine")
    machine = long_machine - short_machine
    return Measurement(
        cpu_per_operation_s=cpu_s / (n2 - n1),
        throughput=(n2 - n1) / wall_s,
        work_s=wall_s * n2 / (n2 - n1),
        core_busy=machine.core_busy_s / wall_s,
        server_busy=machine.server_s / wall_s,
        other_busy=(machine.machine_busy_s - cpu_s - machine.server_s) / wall_s,
        stolen=machine.stolen_s / wall_s,
    )


def _rounded(operations: float, load: Load) -> int:
    """Equal shares of the commands for every connection, in whole pipelines."""
    step = len(load.commands) * load.connections * load.pipeline
    return max(1, math.ceil(operations / step)) * step


def _sizes(client: Client, target: Target, load: Load) -> Sizes:
    """Finds how many operations take ``WORK_S``."""
    operations = _rounded(20_000 * load.pipeline, load)
    base = _run(client, target, load, _rounded(1, load))[0].wall_s
    while True:
        work_s = _run(client, target, load, operations)[0].wall_s - base
        if work_s > WORK_S / 3:
            break
        operations = _rounded(operations * min(8.0, WORK_S / 2 / max(work_s, 0.05)), load)
    return _sized(operations * WORK_S / work_s, load)


def _sized(long: float, load: Load) -> Sizes:
    return Sizes(_rounded(long, load), _rounded(long * SHORT_SHARE, load))


def measure_load(
    clients: list[Client], target: Target, load: Load, pairs: int, tell: Callable[[str], None]
) -> LoadResult:
    """Measures every tool ``pairs`` times, in the order A B C, C B A, A B C ...

    So each tool forms a pair with its neighbour in time, and a drift of the machine falls on both alike.
    """
    before = os.getloadavg()[0]
    sizes = {client.name: _sizes(client, target, load) for client in clients}
    result = LoadResult({client.name: [] for client in clients}, sizes)
    for pair in range(pairs):
        for client in clients if pair % 2 == 0 else reversed(clients):
            done = _measure(client, target, load, sizes[client.name])
            result.measurements[client.name].append(done)
            if done.work_s < 1.1 * LEAST_WORK_S:  # the machine has become quicker; what was measured stays
                sizes[client.name] = _sized(1.3 * sizes[client.name].long, load)
        told = ", ".join(
            f"{name} {1e6 * newest[-1].cpu_per_operation_s:.3f} µs"
            for name, newest in result.measurements.items()
        )
        tell(f"pair {pair + 1}/{pairs}: {told}")
    result.load_average = (before, os.getloadavg()[0])
    return result
