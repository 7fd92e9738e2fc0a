"""The handle of a run that goes on: looking, steering, waiting, and what happens when its owner leaves."""

from __future__ import annotations

import asyncio
import atexit
import os
import time
import weakref
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from redisload._callbacks import IntervalCallback
from redisload._convert import UnusableError, from_python
from redisload._settings import settings
from redisload.errors import ConfigError, RunError, RunInterrupted, TargetError
from redisload.results import Result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator
    from types import TracebackType

    import numpy as np
    from typing_extensions import Self

    from redisload import _core
    from redisload._environment import Environment
    from redisload.config import RunConfig
    from redisload.embedded import EmbeddedServer

_SLICE_S = 0.1  # how long a wait may keep Python from its signal handlers
_POLL_S = 0.02  # how often an asyncio reader looks for closed intervals

_live: weakref.WeakSet[RunHandle] = weakref.WeakSet()
# Left by their owners while they were ending; held, so that at exit they are joined too.
_ending: set[RunHandle] = set()


class RunHandle:
    """A run that goes on: look at it, iterate over its intervals, steer it, wait for its result.

    Used from any thread. In a forked child every handle is dead: its methods raise RunError.
    """

    def __init__(
        self, core: _core.Run, config: RunConfig, environment: Environment, server: EmbeddedServer | None
    ) -> None:
        self._core = core
        self._config = config
        self._environment = environment
        self._server = server
        self._pid = os.getpid()
        self._result: Result | None = None
        self._finalizer = weakref.finalize(self, _end, core, server, self._pid)
        self._callback = (
            IntervalCallback(core, config.on_interval) if config.on_interval is not None else None
        )
        self._display = _display(config)
        environment.run_started()
        _live.add(self)
        _ending.difference_update([handle for handle in _ending if handle._core.wait(0.0)])
        # Registered again each time, so that at exit runs are stopped before the servers that they load.
        atexit.unregister(_stop_all)
        atexit.register(_stop_all)

    # -- looking -----------------------------------------------------------------------------------

    @property
    def done(self) -> bool:
        """Whether the run is over."""
        return bool(self._alive().wait(0.0))

    def snapshot(self) -> Result:
        """What was measured so far, with ``final == False`` until the run is over."""
        data = dict(self._alive().snapshot())
        data["config"] = self._config.to_dict()
        data["environment"] = self._environment.to_dict(data)
        if self._callback is not None and (warning := self._callback.warning()):
            data["warnings"] = [*data["warnings"], warning]
        return Result(data)

    def __iter__(self) -> Iterator[np.void]:
        """Every interval once, as a row of ``result.intervals``, as it closes; ends with the run."""
        self._alive()
        return self._rows()

    def __aiter__(self) -> AsyncIterator[np.void]:
        self._alive()
        return self._rows_async()

    # -- steering ----------------------------------------------------------------------------------

    def set_rate(self, rate: float) -> None:
        """Changes the rate of an open loop, operations/s; ConfigError on a closed loop or for a rate of no
        use.
        """
        core = self._alive()
        if self._config.closed_loop:
            allowed = (
                "only for a run that was started with a rate: a closed loop sends as fast as it is answered"
            )
            raise ConfigError([("rate", repr(rate), allowed)])
        setting = replace(settings()["rate"], optional=False)
        try:
            core.set_rate(from_python(setting, rate))
        except UnusableError as error:
            raise ConfigError([("rate", repr(rate), str(error))]) from None

    def pause(self) -> None:
        """Stops issuing until :meth:`resume`; the time does not count as elapsed."""
        self._alive().pause()

    def resume(self) -> None:
        """Goes on after :meth:`pause`."""
        self._alive().resume()

    def stop(self) -> None:
        """Asks the run to end and returns at once; :meth:`wait` gives the result."""
        self._alive().stop("stopped")

    # -- waiting -----------------------------------------------------------------------------------

    def wait(self, timeout_s: float | None = None) -> Result:
        """Waits for the end and returns the result; the run goes on when TimeoutError says it took too long.

        Raises TargetError when the target could not be loaded at all. Ctrl-C: see :func:`run`.
        """
        if self._result is None and not self._wait_until_over(timeout_s):
            raise TimeoutError(f"the run is not over after {timeout_s} s")
        return self._finish()

    def __await__(self) -> Generator[Any, None, Result]:
        """``result = await run``: never blocks the loop; cancelling the waiter does not stop the run."""
        return self._wait_async().__await__()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if os.getpid() != self._pid:
            return
        self._core.stop(
            "interrupted" if kind is not None and issubclass(kind, KeyboardInterrupt) else "stopped"
        )
        try:
            self._wait_until_over(None)
            if kind is None:
                self._finish()
        finally:
            self._abandon()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if os.getpid() != self._pid:
            return
        self._core.stop("stopped")
        try:
            await self._over()
            if kind is None:
                self._finish()
        finally:
            self._abandon()

    def __repr__(self) -> str:
        state = (
            "of another process"
            if os.getpid() != self._pid
            else "over"
            if self._core.wait(0.0)
            else "running"
        )
        return f"<redisload run on {self._config.url}: {state}>"

    # -- inside ------------------------------------------------------------------------------------

    def _alive(self) -> _core.Run:
        if os.getpid() != self._pid:
            raise RunError("this run belongs to another process: a forked child cannot use its parent's runs")
        return self._core

    def interrupt(self) -> None:
        """Ends the run as Ctrl-C does: its result says ``interrupted``."""
        self._alive().stop("interrupted")

    def _wait_until_over(self, timeout_s: float | None) -> bool:
        """In slices, so that Ctrl-C arrives; the first one ends the run, a second one leaves at once."""
        core = self._alive()
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        interrupted = False
        while True:
            try:
                left_s = (
                    _SLICE_S if deadline is None else min(_SLICE_S, max(0.0, deadline - time.monotonic()))
                )
                if core.wait(left_s):
                    return True
                if self._display is not None:
                    self._display.update(core)
                if deadline is not None and time.monotonic() >= deadline:
                    return False
            except KeyboardInterrupt:
                if interrupted:
                    self._abandon()
                    raise
                interrupted = True
                core.stop("interrupted")

    def _finish(self) -> Result:
        """The final result, once; or the error that the run ended with."""
        core = self._alive()
        if self._result is None:
            if self._display is not None:
                self._display.close(core)
            try:
                core.raise_error()
                if self._callback is not None:
                    self._callback.join()
                self._environment.run_ended()
                self._result = self.snapshot()
            except TargetError as error:
                raise TargetError(f"{self._config.url}: {error}", error.stage) from None
            finally:
                self._release()
        if self._result.interrupted and self._config.on_interrupt == "raise":
            raise RunInterrupted(self._result)
        return self._result

    def _abandon(self) -> None:
        """The owner left without a result: end the run, and its display and server with it."""
        if self._result is None:
            self._core.stop("interrupted")
            if self._display is not None:
                self._display.close(None)
            self._release()
            if not self._core.wait(0.0):
                _ending.add(self)

    def _release(self) -> None:
        self._environment.run_ended()
        _live.discard(self)
        self._finalizer()

    def _rows(self) -> Iterator[np.void]:
        core, since, over = self._alive(), 0, False
        while not over:
            try:
                rows, over = core.wait_intervals(since, _SLICE_S)
            except KeyboardInterrupt:
                core.stop("interrupted")
                self._wait_until_over(None)
                continue
            since += len(rows)
            yield from rows

    async def _rows_async(self) -> AsyncIterator[np.void]:
        core, since, over = self._alive(), 0, False
        while not over:
            rows, over = core.wait_intervals(since, 0.0)
            since += len(rows)
            for row in rows:
                yield row
            if not over and len(rows) == 0:
                await asyncio.sleep(_POLL_S)

    async def _wait_async(self) -> Result:
        await self._over()
        return self._finish()

    async def _over(self) -> None:
        core = self._alive()
        if core.wait(0.0):
            return
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        # A descriptor a waiter: a loop knows one reader for each, and several may wait for the same run.
        descriptor = os.dup(core.done_fd())
        loop.add_reader(descriptor, _wake, over)
        try:
            while not over.done():
                await asyncio.wait([over], timeout=None if self._display is None else _SLICE_S)
                if self._display is not None:
                    self._display.update(core)
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        if self._callback is not None:
            await asyncio.to_thread(self._callback.join)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _end(core: _core.Run, server: EmbeddedServer | None, pid: int) -> None:
    """For a handle that is over, or that nobody holds any more."""
    if os.getpid() == pid:
        core.stop("stopped")
        if server is not None:
            server.close()


def _display(config: RunConfig) -> Any:
    from redisload._progress import display_for

    return display_for(config)


def _stop_all() -> None:
    """At exit: every run of this process is stopped, then joined."""
    handles = [handle for handle in {*_live, *_ending} if handle._pid == os.getpid()]
    for handle in handles:
        handle._core.stop("stopped")
    for handle in handles:
        with suppress(KeyboardInterrupt):
            handle._core.wait(None)
            if handle._callback is not None:
                handle._callback.join()  # a thread inside the core must not meet the end of the interpreter


def _forget_all() -> None:
    _live.clear()
    _ending.clear()


os.register_at_fork(after_in_child=_forget_all)
