"""What a process holds: threads, descriptors, memory, children. From /proc, of any process of ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from support.waiting import wait_until


class Usage(NamedTuple):
    """What a process held at one moment."""

    threads: int
    descriptors: int
    rss_bytes: int
    children: int


def usage(pid: int | None = None) -> Usage:
    """What process ``pid`` (None: this one) holds now."""
    return Usage(thread_count(pid), descriptor_count(pid), rss_bytes(pid), len(children(pid)))


def thread_count(pid: int | None = None) -> int:
    """Threads, those of C++ included."""
    return len(list(_proc(pid, "task").iterdir()))


def descriptor_count(pid: int | None = None) -> int:
    """Open file descriptors."""
    entries = list(_proc(pid, "fd").iterdir())
    # Reading one's own directory opens one more.
    return len(entries) - (1 if pid is None or pid == os.getpid() else 0)


def rss_bytes(pid: int | None = None) -> int:
    """Resident memory; not yet touched or given back memory is not in it."""
    return int(_proc(pid, "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def children(pid: int | None = None) -> list[int]:
    """Process numbers of the children of all its threads, zombies included."""
    numbers: list[int] = []
    for task in _proc(pid, "task").iterdir():
        numbers += map(int, (task / "children").read_text().split())
    return numbers


def process_state(pid: int) -> str:
    """The letter of ``ps``: R, S, D, T (stopped), Z (zombie); empty when there is no such process."""
    try:
        return _proc(pid, "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def is_gone(pid: int) -> bool:
    """Whether the process runs no more; a zombie that its new parent has not collected does not run."""
    return process_state(pid) in ("", "Z", "X")


def assert_no_leak(before: Usage, timeout_s: float = 5.0) -> None:
    """Threads, descriptors and children come back to what they were; a just closed one may take a moment."""

    def settled() -> bool:
        now = usage()
        return (now.threads, now.descriptors, now.children) == (
            before.threads,
            before.descriptors,
            before.children,
        )

    try:
        wait_until(settled, timeout_s)
    except AssertionError:
        raise AssertionError(f"leak: {before} before, {usage()} after") from None


def _proc(pid: int | None, name: str) -> Path:
    return Path("/proc", "self" if pid is None else str(pid), name)
