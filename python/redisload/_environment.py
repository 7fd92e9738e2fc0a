"""Where numbers come from: versions, host, processors, and what else ran."""

from __future__ import annotations

import os
import platform
import socket
import threading
import weakref
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_lock = threading.Lock()
_running: weakref.WeakSet[Environment] = weakref.WeakSet()  # a forgotten run ends with its handle


def _forget_parent() -> None:
    """A forked child has no runs, and a lock that nobody holds."""
    global _lock
    _lock = threading.Lock()
    _running.clear()


os.register_at_fork(after_in_child=_forget_parent)


class Environment:
    """The provenance of one run; told when it starts and ends."""

    def __init__(self) -> None:
        self._others = 0

    def run_started(self) -> None:
        """From now on this run is another one to those that go on, and they to it."""
        with _lock:
            self._others = len(_running)
            for other in _running:
                other._others += 1
            _running.add(self)

    def run_ended(self) -> None:
        """No run that starts from now on meets this one; harmless when called again."""
        with _lock:
            _running.discard(self)

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
