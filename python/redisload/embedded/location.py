"""Where an embedded server lives: its directory and its port."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["choose_directory", "random_ports"]

_UNIX_PATH_LIMIT = 100  # sun_path holds 108 bytes on Linux, 104 elsewhere


def choose_directory() -> Path:
    """A path that does not exist yet; the watchdog makes it, and so is there to remove it from the start."""
    name = f"redisload-{os.getpid()}-{os.urandom(6).hex()}"
    directory = Path(tempfile.gettempdir(), name).absolute()
    if len(os.fsencode(directory / "redis.sock")) > _UNIX_PATH_LIMIT:
        directory = Path("/tmp", name)  # noqa: S108  (random name, made exclusively, mode 0700)
    return directory


def random_ports(count: int) -> Iterator[int]:
    """Ports outside the range from which the kernel takes the local ports of outgoing connections.

    Inside it, a client that reconnects to a killed server can be given the very port that it calls, be
    connected to itself, and keep the server from coming back.
    """
    try:
        low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    except (OSError, ValueError):
        low, high = 32768, 60999
    candidates = [port for port in range(15000, 65500) if not low <= port <= high] or list(
        range(15000, 65500)
    )
    chance = (
        random.SystemRandom()
    )  # neither disturbs nor follows the user's seed, and differs in forked children
    for _ in range(count):
        yield chance.choice(candidates)
