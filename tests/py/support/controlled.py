"""A helper process of a test, controlled by JSON lines.

A process of its own, so that the GIL of the test does not distort its times.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType


class ControlledProcess:
    """Runs a script of this folder that is made of an ``event_loop.EventLoop``; a context manager.

    ``port`` is where the script listens on 127.0.0.1. The script ends when its standard input does, so also
    when the test process is killed.
    """

    host = "127.0.0.1"

    def __init__(self, script: str, *arguments: str) -> None:
        # Without site and environment it starts in half the time.
        command = [sys.executable, "-S", "-E", "-s", str(Path(__file__).with_name(script)), *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port: int = self._answer()["port"]

    @property
    def pid(self) -> int:
        """Process number of the helper."""
        return self._process.pid

    def call(self, command: str, **arguments: Any) -> Any:
        """Has the script do something; returns what its function ``command`` returns."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
        self._process.stdin.flush()
        return self._answer()["result"]

    def close(self) -> None:
        """Ends the process and waits for its end; fails if it failed."""
        if self._process.returncode is not None:
            return
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            status = self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        assert status == 0, f"the helper process ended with status {status}"

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the helper process is gone, status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer
