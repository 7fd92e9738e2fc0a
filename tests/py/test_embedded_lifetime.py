"""An embedded server lives as long as its owner: not longer, whatever ends the owner, and not shorter."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from redisload.embedded import EmbeddedServer, server
from support.leaks import assert_no_leak, children, is_gone, usage
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.redis

GONE_WITHIN_S = 5.0

OWNER = """
import os, signal, sys, time
from redisload.embedded import server
signal.signal(signal.SIGINT, signal.default_int_handler)  # both are ignored in some shells' background
signal.signal(signal.SIGHUP, signal.SIG_DFL)
running = server()
pids = [running.pid]
with open(f"/proc/{running.pid}/stat") as stat:
    watchdog = stat.read().rpartition(")")[2].split()[1]
print(running.pid, watchdog, running.port, running.directory, flush=True)
"""


class Owner:
    """A process that owns a server, and what it said about it."""

    def __init__(self, code: str) -> None:
        search_path = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": search_path},
            start_new_session=True,
            text=True,
        )
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        assert words, self.process.stderr.read() if self.process.stderr else ""
        self.server_pid, self.watchdog_pid, self.port = map(int, words[:3])
        self.directory = Path(words[3])

    def said(self) -> str:
        """The next line that the owner prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def assert_server_answers(self) -> None:
        """The server lives."""
        with redis.Redis(port=self.port, retry=None) as client:
            assert client.ping()

    def assert_all_gone(self) -> None:
        """Server, watchdog and directory are gone, or will be within the bound."""
        wait_until(lambda: is_gone(self.server_pid), GONE_WITHIN_S, "the end of the server")
        wait_until(lambda: is_gone(self.watchdog_pid), GONE_WITHIN_S, "the end of the watchdog")
        assert not self.directory.exists()


def is_parent(parent: int, child: int) -> bool:
    """Whether child is one of parent's."""
    return child in children(parent)


@contextmanager
def owner(code: str) -> Iterator[Owner]:
    """Runs an owner with this code after the start of its server; kills it if it is still there."""
    started = Owner(code)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.process.pid, signal.SIGKILL)
        started.process.communicate()


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGABRT]
)
def test_signal_that_ends_the_owner_ends_the_server(number: signal.Signals) -> None:
    with owner("time.sleep(60)") as started:
        started.assert_server_answers()
        os.kill(started.process.pid, number)
        started.assert_all_gone()


@pytest.mark.parametrize(
    "ending",
    [
        "pass",
        "raise ValueError('the user failed')",
        "sys.exit(3)",
        "os._exit(4)",
        "os.execv('/bin/true', ['true'])",
    ],
)
def test_end_of_the_owner_ends_the_server(ending: str) -> None:
    with owner(f"sys.stdin.readline()\n{ending}") as started:
        started.assert_server_answers()
        started.process.communicate("go on\n")
        started.assert_all_gone()


def test_frozen_server_ends_with_its_owner() -> None:
    with owner("time.sleep(60)") as started:
        os.kill(started.server_pid, signal.SIGSTOP)
        os.kill(started.process.pid, signal.SIGKILL)
        started.assert_all_gone()


def test_owner_killed_while_a_forked_child_lives_on() -> None:
    code = """
child = os.fork()
if child == 0:
    time.sleep(60)
print(child, flush=True)
time.sleep(60)
"""
    with owner(code) as started:
        child = int(started.said())
        os.kill(started.process.pid, signal.SIGKILL)
        started.assert_all_gone()
        assert not is_gone(child)


def test_owner_closes_while_a_forked_child_lives_on() -> None:
    code = """
child = os.fork()
if child == 0:
    time.sleep(60)
running.close()
print(child, flush=True)
time.sleep(60)
"""
    with owner(code) as started:
        child = int(started.said())
        assert not is_gone(child)
        started.assert_all_gone()


@pytest.mark.parametrize(
    "ending", ["pass", "sys.exit(0)", "os._exit(0)", "raise ValueError", "running.close()"]
)
def test_end_of_a_forked_child_does_not_end_the_server(ending: str) -> None:
    code = f"""
import warnings
warnings.simplefilter("error")
pid = os.fork()
if pid == 0:
    with running:
        {ending}
    sys.exit(0)
os.waitpid(pid, 0)
print("collected", flush=True)
time.sleep(60)
"""
    with owner(code) as started:
        assert started.said() == "collected"
        started.assert_server_answers()
        os.kill(started.process.pid, signal.SIGTERM)
        _, errors = started.process.communicate()
        assert "Warning" not in errors
        started.assert_all_gone()


def test_methods_in_a_forked_child_are_refused() -> None:
    code = """
from redisload.errors import RunError
import socket
if os.fork() == 0:
    refused = 0
    for method in (running.stop, running.kill, running.restart):
        try:
            method()
        except RunError as error:
            refused += "forked child" in str(error)
    socket.create_connection((running.host, running.port)).close()
    print(refused, running.pid in pids, flush=True)
    os._exit(0)
time.sleep(60)
"""
    with owner(code) as started:
        assert started.said() == "3 True"
        started.assert_server_answers()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server() -> None:
    code = """
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
time.sleep(60)
"""
    with owner(code) as started:
        assert started.said() == "ready"
        os.killpg(started.process.pid, signal.SIGINT)
        assert started.said() == "interrupted"
        started.assert_server_answers()
        assert os.getsid(started.server_pid) == started.watchdog_pid


def test_end_of_the_thread_that_started_it_does_not_end_it(
    start_server: Callable[..., EmbeddedServer],
) -> None:
    made: list[EmbeddedServer] = []
    thread = threading.Thread(target=lambda: made.append(start_server()))
    thread.start()
    thread.join()
    with redis.Redis.from_url(made[0].url, retry=None) as client:
        assert client.ping()


def test_killed_watchdog_takes_the_server_along_and_a_restart_mends_it(
    start_server: Callable[..., EmbeddedServer],
) -> None:
    running = start_server()
    pid, port, directory = running.pid, running.port, running.directory
    assert pid is not None
    (watchdog,) = (child for child in children() if is_parent(child, pid))
    os.kill(watchdog, signal.SIGKILL)
    wait_until(lambda: is_gone(pid), GONE_WITHIN_S, "the end of the server")
    wait_until(lambda: not running.running)
    running.restart()
    assert (running.port, running.directory) == (port, directory)
    with redis.Redis.from_url(running.url, retry=None) as client:
        assert client.ping()
    running.close()
    assert not directory.exists()


def test_nothing_of_ours_is_inherited(tmp_path: Path, start_server: Callable[..., EmbeddedServer]) -> None:
    with (tmp_path / "mine").open("w") as mine, socket.create_server(("127.0.0.1", 0)) as listening:
        mine_fd, listening_fd = mine.fileno(), listening.fileno()
        os.set_inheritable(mine_fd, True)
        os.set_inheritable(listening_fd, True)
        secret = {str(Path(f"/proc/self/fd/{fd}").readlink()) for fd in (mine_fd, listening_fd)}
        running = start_server()
        assert running.pid is not None
        (watchdog,) = (child for child in children() if is_parent(child, running.pid))
        for pid in (running.pid, watchdog):
            held = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
            assert not secret & held
        std = [str(Path(f"/proc/{running.pid}/fd/{fd}").readlink()) for fd in (0, 1, 2)]
        assert std == ["/dev/null", *[str(running.directory / "server.log")] * 2]


def test_collected_object_ends_its_server() -> None:
    before = usage()
    running: Any = server()
    pid = running.pid
    del running
    gc.collect()
    assert is_gone(pid)
    assert_no_leak(before)


def test_failed_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = usage()
    kept: list[Path] = []

    def interrupted(self: EmbeddedServer, *_: object) -> bool:
        kept.append(self.directory)
        raise KeyboardInterrupt

    monkeypatch.setattr(EmbeddedServer, "_wait_until_ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        server()
    assert not kept[0].exists()
    assert_no_leak(before)


def test_closing_twice_is_harmless(start_server: Callable[..., EmbeddedServer]) -> None:
    running = start_server()
    running.close()
    running.close()
    running.kill()
    running.stop()
    assert not running.running
    assert running.pid is None


def test_needs_neither_numpy_nor_the_core() -> None:
    code = """
import sys
sys.modules["numpy"] = sys.modules["redisload._core"] = None
from redisload.embedded import server
with server() as running:
    assert running.running
"""
    search_path = os.pathsep.join(path for path in sys.path if path)
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env={**os.environ, "PYTHONPATH": search_path}, check=True
    )
