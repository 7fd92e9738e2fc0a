"""The system's limits that a load meets: open files and ephemeral ports; the core checks them."""

from __future__ import annotations

import resource
from pathlib import Path


def raise_open_files() -> None:
    """Raises this process' soft limit of open files to its hard one; only the shell does this."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def ephemeral_ports() -> int:
    """How many local ports TCP connections to one address can have."""
    try:
        low, high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()
        return int(high) - int(low) + 1
    except (OSError, ValueError):
        return 65535 - 32768
