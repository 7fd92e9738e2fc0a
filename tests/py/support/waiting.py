"""Waiting for something that happens in another process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0, what: str = "the condition") -> float:
    """Looks until the condition holds; returns the seconds that it took, fails after timeout_s."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < timeout_s, f"{what} did not hold within {timeout_s:g} s"
        time.sleep(0.005)
    return time.monotonic() - start
