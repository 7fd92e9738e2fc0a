"""Where numbers come from: versions, host, processors, and what else ran."""

from __future__ import annotations

import os
import platform
import socket
import sys
import threading
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_lock = threading.Lock()
_running = 0


class Environment:
    """The provenance of one run; told when it starts and ends."""

    def __init__(self) -> None:
        self._others = 0
        self._running = False

    def run_started(self) -> None:
        """Counts this run, and how many others of the process were there."""
        global _running
        with _lock:
            self._others = _running
            _running += 1
            self._running = True

    def run_ended(self) -> None:
        """Looks once more at the others; harmless when called again."""
        global _running
        with _lock:
            if self._running:
                self._running = False
                _running -= 1
                self._others = max(self._others, _running)

    def to_dict(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Plain values, with what the core learnt about the server."""
        return {
            **machine(),
            "affinity": sorted(os.sched_getaffinity(0)),
            "cgroup_cpus": cgroup_cpus(),
            "steal_share": data.get("steal_share"),
            "other_runs": self._others,
            "server": dict(data.get("server") or {}),
            "same_host": data.get("same_host"),
        }


@cache
def machine() -> dict[str, Any]:
    """What does not change while the process lives."""
    import numpy as np

    return {
        "redisload": version("redisload"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "host": socket.gethostname(),
        "kernel": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "cpu_model": cpu_model(),
        "cores": os.cpu_count(),
        "clock_source": clock_source(),
        "executable": Path(sys.executable).name,
    }


def cpu_model() -> str | None:
    """As /proc/cpuinfo names it."""
    for line in _read("/proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "cpu model"):
            return value.strip()
    return None


def clock_source() -> str | None:
    """What the kernel's clock reads; anything but tsc costs a system call a reading."""
    return _read("/sys/devices/system/clocksource/clocksource0/current_clocksource").strip() or None


def cgroup_cpus() -> float | None:
    """The processors that the cgroup's quota allows; None without a quota."""
    quota, _, period = _read("/sys/fs/cgroup/cpu.max").strip().partition(" ")
    if not quota:
        quota = _read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").strip()
        period = _read("/sys/fs/cgroup/cpu/cpu.cfs_period_us").strip()
    try:
        return int(quota) / int(period) if int(quota) > 0 else None
    except ValueError:
        return None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
