"""A user's function called with each interval, on its own thread: it can neither slow nor break a run."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from redisload import _core

_log = logging.getLogger("redisload")
_JOIN_S = 1.0  # how long a result waits for a slow function; what is left is still delivered after it


class IntervalCallback:
    """Feeds the closed intervals of one run to ``on_interval``; its exceptions are counted and logged."""

    def __init__(self, core: _core.Run, function: Callable[[Any], object]) -> None:
        self._core = core
        self._function = function
        self._failures = 0
        self._first: str | None = None
        self._thread = threading.Thread(target=self._deliver, name="redisload-on-interval", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Waits a moment for the last intervals to be delivered."""
        if threading.current_thread() is not self._thread:
            self._thread.join(_JOIN_S)

    def warning(self) -> dict[str, str] | None:
        """For the result, when the function raised."""
        if not self._failures:
            return None
        message = f"on_interval raised {self._failures} times, first {self._first}"
        return {"code": "callback_failed", "message": message}

    def _deliver(self) -> None:
        since, over = 0, False
        while not over:
            rows, over = self._core.wait_intervals(since, 0.5)
            since += len(rows)
            for row in rows:
                self._call(row)

    def _call(self, row: Any) -> None:
        try:
            self._function(row)
        except Exception as error:
            self._failures += 1
            if self._first is None:
                self._first = f"{type(error).__name__}: {error}"
                _log.exception("on_interval raised; the run goes on, further exceptions are only counted")
