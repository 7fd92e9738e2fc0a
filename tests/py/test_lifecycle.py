"""Runs that are interrupted, repeated, run side by side, in a thread, a kernel or a forked child."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import redisload as rl
from support.conservation import assert_conserved
from support.freeze import frozen
from support.leaks import Usage, assert_no_leak, usage
from support.server_view import ServerView, commands_of
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import KernelManager

    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis

# Says "ready" when its run measures; what it prints at the end holds when rl.run came back: the monotonic
# clock is the machine's.
SCRIPT = """
import json, sys, time
import redisload as rl

def ready(row):
    if row["phase"] == "measure" and not said:
        said.append(True)
        print("ready", flush=True)

said = []
options = dict(duration_s=60, interval_s=0.05, keys=100, connections=20, threads=2, on_interval=ready)
result = rl.run(sys.argv[1], **options)
returned_ns = time.monotonic_ns()
t = result.totals
print(json.dumps({
    "returned_ns": returned_ns,
    "interrupted": result.interrupted,
    "stop_reason": result.stop_reason,
    "commands": result.commands,
    "issued": t.issued,
    "ended": t.succeeded + t.failed + t.timed_out + t.lost,
}))
"""


def start_script(code: str, *arguments: str) -> subprocess.Popen[str]:
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def wait_ready(script: subprocess.Popen[str]) -> None:
    assert script.stdout is not None
    assert script.stdout.readline().strip() == "ready", script.communicate()


class TestSigint:
    def test_a_script_gets_its_result_within_a_second(self, redis_server: EmbeddedServer) -> None:
        with ServerView(redis_server.url) as view:
            script = start_script(SCRIPT, redis_server.url)
            wait_ready(script)
            sent_ns = time.monotonic_ns()
            script.send_signal(signal.SIGINT)
            out, err = script.communicate(timeout=30)
            said = json.loads(out)
            assert said["returned_ns"] - sent_ns < 1e9
            assert (script.returncode, err) == (0, "")  # the script went on to its end
            assert said["interrupted"]
            assert said["stop_reason"] == "interrupted"
            assert said["issued"] == said["ended"] > 0
            sent = [said["commands"][phase] for phase in ("prefill", "measure", "control")]
            assert sum(map(sum, (one.values() for one in sent))) == sum(view.commands().values())

    def test_also_when_the_server_answers_nothing(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server()
        script = start_script(SCRIPT, server.url)
        wait_ready(script)
        with frozen(server.pid):
            time.sleep(0.1)  # every window is full
            sent_ns = time.monotonic_ns()
            script.send_signal(signal.SIGINT)
            out, _ = script.communicate(timeout=30)
        said = json.loads(out)
        assert said["returned_ns"] - sent_ns < 1e9
        assert said["interrupted"]
        assert said["issued"] == said["ended"]

    def test_a_second_one_leaves_at_once(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server()
        script = start_script(SCRIPT, server.url)
        wait_ready(script)
        with frozen(server.pid):  # so that the run cannot end between the two
            script.send_signal(signal.SIGINT)
            time.sleep(0.15)
            script.send_signal(signal.SIGINT)
            out, err = script.communicate(timeout=30)
        assert out == ""
        assert err.rstrip().splitlines()[-1] == "KeyboardInterrupt"
        assert script.returncode == -signal.SIGINT

    @pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_the_shell_writes_the_result_and_says_what_happened(
        self, redis_server: EmbeddedServer, tmp_path: Path, sent: signal.Signals, status: int
    ) -> None:
        saved = tmp_path / "result.json"
        command = [
            *(str(Path(sys.executable).with_name("redisload")), "run", redis_server.url),
            *("--duration", "60s", "--interval", "50ms", "--key-count", "100", "--json", str(saved)),
        ]
        shell = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with ServerView(redis_server.url) as view:
            wait_until(lambda: view.commands().get("INCR", 0) > 0, 20, "load")
            sent_s = time.monotonic()
            shell.send_signal(sent)
            out, err = shell.communicate(timeout=30)
            assert time.monotonic() - sent_s < 3  # the run less than 1 s, then the report and the interpreter
            assert shell.returncode == status, err
            assert "Traceback" not in err
            result = rl.load(saved)
            assert result.interrupted
            assert result.stop_reason == "interrupted"
            assert commands_of(result) == view.commands()
        assert_conserved(result, from_json=True)
        assert "INCR" in out


class Kernel:
    """An IPython kernel in a process of its own."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client

    def start(self, code: str) -> None:
        self._running = self._client.execute(textwrap.dedent(code))

    def wait_for(self, beginning: str, timeout_s: float = 30) -> str:
        """What the cell prints from ``beginning`` to its line's end; fails with its traceback if it raised.

        The run's progress, a line that is written over, may stand before it.
        """
        end = time.monotonic() + timeout_s
        while True:
            message = self._client.get_iopub_msg(timeout=max(0.01, end - time.monotonic()))
            if message["parent_header"].get("msg_id") != self._running:
                continue
            if message["msg_type"] == "error":
                raise AssertionError("\n".join(message["content"]["traceback"]))
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                for line in message["content"]["text"].splitlines():
                    if beginning in line:
                        return str(line[line.index(beginning) :].strip())

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def test_interrupt_of_a_jupyter_kernel(redis_server: EmbeddedServer, kernel: Kernel) -> None:
    kernel.start("import sys; sys.argv = ['cell', " + repr(redis_server.url) + "]\n" + SCRIPT)
    assert kernel.wait_for("ready") == "ready"
    sent_ns = time.monotonic_ns()
    kernel.interrupt()
    said = json.loads(kernel.wait_for("{"))
    assert said["returned_ns"] - sent_ns < 1e9
    assert said["interrupted"]
    assert said["issued"] == said["ended"] > 0
    # The kernel lives, and so does the next run in it.
    kernel.start("print('succeeded', rl.run(sys.argv[1], operations=100, keys=10).totals.succeeded)")
    assert kernel.wait_for("succeeded") == "succeeded 100"


SMALL: dict[str, Any] = {"keys": 500, "connections": 20, "threads": 2, "interval_s": 0.05}


class TestSeveralRuns:
    def test_ten_in_sequence(self, redis_server: EmbeddedServer) -> None:
        before = usage()
        with ServerView(redis_server.url) as view:
            sent: dict[str, int] = {}
            for number in range(10):
                result = rl.run(redis_server.url, operations=2_000 + number, sample_rate=1.0, **SMALL)
                assert_conserved(result)
                assert result.totals.succeeded == result.samples.count == 2_000 + number
                for name, count in commands_of(result).items():
                    sent[name] = sent.get(name, 0) + count
                assert view.commands() == sent
        assert_no_leak(before)

    def test_three_at_once(
        self, redis_server: EmbeddedServer, start_server: Callable[..., EmbeddedServer]
    ) -> None:
        servers = [redis_server, start_server(), start_server()]
        before = usage()
        views = [ServerView(one.url) for one in servers]
        runs = [
            rl.start(servers[0].url, operations=20_000, **SMALL),
            rl.start(servers[1].url, duration_s=0.6, rate=5_000, **SMALL),
            rl.start(servers[2].url, duration_s=0.6, pipeline=16, **SMALL),
        ]
        results = [run.wait() for run in runs]
        for result, view in zip(results, views, strict=True):
            with view:
                assert_conserved(result)
                assert commands_of(result) == view.commands()
        assert results[0].totals.succeeded == 20_000
        assert [one.closed_loop for one in results] == [True, False, True]
        assert [one.environment["other_runs"] for one in results] == [2, 2, 2]
        del runs  # a handle keeps its run's descriptors
        assert_no_leak(before)

    def test_one_in_a_thread(self, redis_server: EmbeddedServer) -> None:
        before = usage()
        results: queue.Queue[rl.Result] = queue.Queue()
        with ServerView(redis_server.url) as view:
            thread = threading.Thread(
                target=lambda: results.put(rl.run(redis_server.url, operations=20_000, **SMALL))
            )
            thread.start()
            thread.join(60)
            result = results.get_nowait()
            assert commands_of(result) == view.commands()
        assert_conserved(result)
        assert result.totals.succeeded == 20_000
        assert_no_leak(before)

    def test_one_handle_used_by_many_threads(self, redis_server: EmbeddedServer) -> None:
        rows: list[int] = []
        failures: list[BaseException] = []
        with rl.start(redis_server.url, duration_s=0.6, **SMALL) as run:

            def use(read_rows: bool) -> None:
                try:
                    if read_rows:
                        rows.append(
                            sum(int(row["issued"]) for row in run if row["phase"] in ("measure", "drain"))
                        )
                    issued = 0
                    while not run.done:
                        totals = run.snapshot().totals
                        assert totals.issued >= issued
                        assert totals.succeeded <= totals.issued  # some are in flight
                        issued = totals.issued
                        time.sleep(0.01)
                    assert run.wait() is run.wait()
                except BaseException as error:
                    failures.append(error)

            threads = [threading.Thread(target=use, args=(number < 2,)) for number in range(4)]
            for thread in threads:
                thread.start()
            result = run.wait()
            for thread in threads:
                thread.join(30)
        assert failures == []
        assert_conserved(result)
        assert rows == [result.totals.issued] * 2

    def test_one_in_a_forked_child_beside_its_parents(self, redis_server: EmbeddedServer) -> None:
        """A child forked in mid-run has a dead handle and loads on its own; the parent's run goes on."""
        code = """
        import json, os, sys
        import redisload as rl
        from support.leaks import usage
        from support.server_view import commands_of

        options = dict(keys=500, connections=20, threads=2, progress=False)
        with rl.start(sys.argv[1], duration_s=0, interval_s=0.05, prefill=False, **options) as run:
            next(iter(run))
            child = os.fork()
            if child == 0:
                failed = 0
                uses = [run.snapshot, run.stop, run.wait, run.pause, run.resume, run.__iter__, run.__aiter__]
                for use in (*uses, lambda: run.done, lambda: run.set_rate(1)):
                    try:
                        use()
                    except rl.RunError:
                        failed += 1
                assert failed == 9, failed
                result = rl.run(sys.argv[1], operations=3_000, **options)
                assert result.totals.succeeded == 3_000
                assert usage().threads == 1
                print(json.dumps(commands_of(result)), flush=True)
                sys.exit(0)  # through atexit: the parent's run is not the child's to stop
            assert os.waitpid(child, 0)[1] == 0
            assert not run.done
        result = run.wait()
        assert result.totals.issued == result.totals.succeeded > 0
        assert result.stop_reason == "stopped"
        print(json.dumps(commands_of(result)))
        """
        with ServerView(redis_server.url) as view:
            out, err = start_script(code, redis_server.url).communicate(timeout=60)
            assert err == ""
            child, parent = map(json.loads, out.splitlines())
            both = {name: child.get(name, 0) + parent.get(name, 0) for name in child.keys() | parent.keys()}
            assert view.commands() == both


def test_runs_leave_nothing_behind(redis_server: EmbeddedServer) -> None:
    """After 3 runs of each kind 10 more add less than 4 MiB and no thread or descriptor.

    A late collector on a busy machine can make memory grow once; a leak grows with every ten.
    """
    code = """
    import contextlib, gc, json, sys
    import redisload as rl
    from support.leaks import usage

    options = dict(keys=2_000, connections=50, threads=2, interval_s=0.05, sample_rate=0.5, progress=False)

    def counted():
        rl.run(sys.argv[1], operations=30_000, pipeline=4, warmup_s=0.05, cleanup=True, **options)

    def timed():
        rl.run(sys.argv[1], duration_s=0.2, rate=5_000, **options)

    def stopped():
        with rl.start(sys.argv[1], duration_s=0, **options) as run:
            next(iter(run))
            run.snapshot().to_json()

    def refused():
        with contextlib.suppress(rl.TargetError):
            rl.run("redis://127.0.0.1:1", operations=10)
            raise AssertionError

    def forgotten():
        rl.start(sys.argv[1], duration_s=0.05, **options)

    def all_kinds(times):
        for _ in range(times):
            for kind in (counted, timed, stopped, refused, forgotten):
                kind()
        gc.collect()
        return usage()

    held = [all_kinds(3), all_kinds(10)]
    while held[-1].rss_bytes - held[-2].rss_bytes >= 4 * 2**20 and len(held) < 4:
        held.append(all_kinds(10))
    print(json.dumps(held))
    """
    out, err = start_script(code, redis_server.url).communicate(timeout=100)
    assert err == ""
    held = [Usage(*one) for one in json.loads(out)]
    assert {(one.threads, one.descriptors) for one in held} == {(held[0].threads, held[0].descriptors)}
    assert held[-1].rss_bytes - held[-2].rss_bytes < 4 * 2**20, held
