"""Children pinned to a processor, and what they and the machine spent meanwhile."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_ALLOWED = sorted(os.sched_getaffinity(0))
SERVER_CPU, CLIENT_CPU = _ALLOWED[0], _ALLOWED[-1]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def pinned(cpu: int, command: list[str]) -> list[str]:
    """The command, run on one processor only."""
    return ["taskset", "-c", str(cpu), *command]


@dataclass(frozen=True)
class Spent:
    """What one child used: its CPU (user + system, with its children) and wall time, in seconds."""

    cpu_s: float
    wall_s: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.cpu_s + other.cpu_s, self.wall_s + other.wall_s)


def run_child(command: list[str], cpu: int = CLIENT_CPU) -> Spent:
    """Runs a command pinned and to its end.

    Raises:
        RuntimeError: its exit status is not 0; with the end of what it printed.
    """
    with tempfile.TemporaryFile() as output:
        start = time.monotonic()
        child = subprocess.Popen(
            pinned(cpu, command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            output.seek(0)
            tail = output.read()[-2000:].decode(errors="replace")
            raise RuntimeError(f"{' '.join(command)}: status {child.returncode}\n{tail}")
    return Spent(usage.ru_utime + usage.ru_stime, wall_s)


def output_of(command: list[str]) -> str:
    """What a command printed.

    Raises:
        RuntimeError: its exit status is not 0; with the end of what it said on standard error.
    """
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout.strip()


@dataclass(frozen=True)
class MachineTime:
    """Seconds since boot: of the server's processor and of all processors; and the server's own."""

    core_busy_s: float
    machine_busy_s: float
    stolen_s: float
    server_s: float

    @classmethod
    def now(cls, server_pid: int) -> MachineTime:
        """Reads /proc."""
        cores = []
        for line in Path("/proc/stat").read_text().splitlines():
            words = line.split()
            if words[0].startswith("cpu") and words[0] != "cpu":
                cores.append([int(word) / _TICKS_PER_S for word in words[1:9]])
        # user nice system idle iowait irq softirq steal
        busy = [sum(core[:3]) + core[5] + core[6] for core in cores]
        after_name = Path(f"/proc/{server_pid}/stat").read_text().rpartition(")")[2].split()
        server_s = (int(after_name[11]) + int(after_name[12])) / _TICKS_PER_S
        return cls(busy[SERVER_CPU], sum(busy), sum(core[7] for core in cores), server_s)

    def __sub__(self, other: MachineTime) -> MachineTime:
        return MachineTime(
            self.core_busy_s - other.core_busy_s,
            self.machine_busy_s - other.machine_busy_s,
            self.stolen_s - other.stolen_s,
            self.server_s - other.server_s,
        )
