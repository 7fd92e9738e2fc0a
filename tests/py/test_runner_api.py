"""rl.run, rl.start and the handle, on real servers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import redis

import redisload as rl
from support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis

QUICK: dict[str, Any] = {"keys": 1000, "connections": 4}


def check_counts(result: rl.Result) -> None:
    totals = result.totals
    assert totals.offered == totals.issued + totals.not_sent
    assert totals.issued == totals.succeeded + totals.failed + totals.timed_out + totals.lost
    assert sum(result.errors.values()) == totals.not_sent + totals.failed + totals.timed_out + totals.lost
    assert sum(operation.issued for operation in result.operations.values()) == totals.issued
    window = [row for row in result.intervals if row["phase"] in ("measure", "drain")]
    for name in ("offered", "issued", "succeeded", "failed", "timed_out", "lost", "not_sent"):
        assert sum(int(row[name]) for row in window) == totals[name], name


class TestRun:
    def test_a_count_of_operations(self, redis_server: EmbeddedServer) -> None:
        result = rl.run(redis_server.url, operations=5000, **QUICK)
        check_counts(result)
        assert result.totals.issued == result.totals.succeeded == 5000
        assert result.stop_reason == "operations"
        assert result.final
        assert result.closed_loop
        assert not result.interrupted
        assert result.service_time.count == 5000
        assert result.commands["prefill"]["SET"] == 1000
        assert sum(result.commands["measure"].values()) == 5000

    def test_without_a_target_there_is_a_server_for_the_run(self) -> None:
        result = rl.run(operations=100, **QUICK)
        assert result.totals.succeeded == 100
        assert result.config["target"]["embedded"]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", result.config["target"]["port"]))

    def test_a_unix_socket_and_a_redis_py_client(self, redis_server: EmbeddedServer) -> None:
        for target in (redis_server.unix_url, redis.Redis.from_url(redis_server.url), redis_server):
            assert rl.run(target, operations=50, **QUICK).totals.succeeded == 50

    def test_an_open_loop_and_its_times(self, redis_server: EmbeddedServer) -> None:
        result = rl.run(
            redis_server.url,
            rate=1000,
            arrivals="constant",
            duration_s=0.5,
            sample_rate=1.0,
            interval_s=0.1,
            **QUICK,
        )
        check_counts(result)
        assert not result.closed_loop
        assert result.totals.offered == pytest.approx(500, abs=2)
        assert len(result.intervals) >= 5
        samples = result.samples
        in_window = samples["phase"] == samples.names["phase"].index("measure")
        gaps = np.diff(np.sort(samples["intended_ns"][in_window]))
        assert gaps.min() >= 999_000
        assert gaps.max() <= 1_001_000
        assert (samples["completed_ns"][in_window] >= samples["sent_ns"][in_window]).all()

    def test_saved_and_loaded_and_parts(self, redis_server: EmbeddedServer, tmp_path: Path) -> None:
        result = rl.run(redis_server.url, duration_s=0.5, interval_s=0.1, sample_rate=0.1, rate=2000, **QUICK)
        result.save(tmp_path / "run")
        again = rl.load(tmp_path / "run")
        assert again == result
        (tmp_path / "json").write_text(result.to_json())
        assert rl.load(tmp_path / "json").to_dict() == result.to_dict()
        measured = result.intervals[result.intervals["phase"] == "measure"]
        start_s = float(measured["start_s"][1])
        for whole in (result, again):
            part = whole.between(start_s + 0.01, start_s + 0.05)
            assert part.totals.issued == int(measured["issued"][1])
            assert part.service_time.count == int(measured["succeeded"][1])
            assert [one["code"] for one in part.warnings].count("between_widened") == 1
            assert part.to_json()
        everything = result.between(0, 1e6)
        assert everything.response_time == result.response_time
        assert everything.totals.issued == result.totals.issued
        with pytest.raises(ValueError, match="before the end"):
            result.between(2, 1)

    def test_provenance(self, redis_server: EmbeddedServer) -> None:
        environment = rl.run(redis_server.url, operations=10, **QUICK).environment
        assert environment["redisload"] == rl.__version__
        assert environment["server"]["redis_version"] == redis_server.version
        assert environment["cores"] == os.cpu_count()
        assert environment["same_host"] is True
        assert environment["other_runs"] == 0

    def test_the_password_is_nowhere(self, start_server: Any) -> None:
        server = start_server(options={"requirepass": "hunter2hunter2"})
        result = rl.run(server.url, operations=10, **QUICK)
        for text in (result.to_json(), repr(result), result.report(), str(result.environment)):
            assert "hunter2" not in text
        with pytest.raises(rl.TargetError) as caught:
            rl.run(server.url.replace("hunter2", "hunter3", 1), operations=10, **QUICK)
        assert caught.value.stage == "auth"
        assert "hunter" not in str(caught.value)


class TestTargetErrors:
    def test_a_refused_port(self) -> None:
        with pytest.raises(rl.TargetError) as caught:
            rl.run("redis://127.0.0.1:1", operations=10)
        assert caught.value.stage == "connect"
        assert "redis://127.0.0.1:1/0" in str(caught.value)

    def test_an_unknown_host(self) -> None:
        with pytest.raises(rl.TargetError) as caught:
            rl.run("redis://no-such-host.invalid", operations=10)
        assert caught.value.stage == "resolve"

    def test_raised_from_each_way_of_waiting(self) -> None:
        handle = rl.start("redis://127.0.0.1:1", operations=10)
        for _ in range(2):
            with pytest.raises(rl.TargetError):
                handle.wait()
        with pytest.raises(rl.TargetError), rl.start("redis://127.0.0.1:1", operations=10) as run:
            wait_until(lambda: run.done)

        async def awaited() -> None:
            await rl.start("redis://127.0.0.1:1", operations=10)

        with pytest.raises(rl.TargetError):
            asyncio.run(awaited())


class TestHandle:
    def test_a_block_stops_the_run(self, redis_server: EmbeddedServer) -> None:
        with rl.start(redis_server.url, duration_s=0, **QUICK) as run:
            assert not run.done
            next(iter(run))
            assert "running" in repr(run)
        result = run.wait()
        assert run.done
        assert result.stop_reason == "stopped"
        assert run.wait() is result
        check_counts(result)

    def test_an_exception_in_the_block_stops_it_too(self, redis_server: EmbeddedServer) -> None:
        with pytest.raises(ZeroDivisionError), rl.start(redis_server.url, duration_s=0, **QUICK) as run:
            _ = 1 / 0
        assert run.done

    def test_a_snapshot(self, redis_server: EmbeddedServer) -> None:
        with rl.start(redis_server.url, duration_s=0, interval_s=0.05, **QUICK) as run:
            for interval in run:
                if interval["phase"] == "measure":
                    break
            snapshot = run.snapshot()
            assert not snapshot.final
            assert snapshot.stop_reason is None
            assert snapshot.totals.issued > 0
            assert "still running" in repr(snapshot)
            assert snapshot.report()
            assert snapshot.to_json()
        assert run.snapshot().final

    def test_every_interval_once_for_every_reader(self, redis_server: EmbeddedServer) -> None:
        run = rl.start(redis_server.url, duration_s=0.5, interval_s=0.05, **QUICK)
        first = list(run)
        result = run.wait()
        assert [row.tobytes() for row in first] == [row.tobytes() for row in result.intervals]
        assert [row.tobytes() for row in run] == [row.tobytes() for row in result.intervals]

    def test_wait_with_a_time(self, redis_server: EmbeddedServer) -> None:
        with rl.start(redis_server.url, duration_s=0, **QUICK) as run:
            with pytest.raises(TimeoutError):
                run.wait(timeout_s=0.05)
            assert not run.done

    def test_pause_is_not_in_the_elapsed_time(self, redis_server: EmbeddedServer) -> None:
        with rl.start(redis_server.url, duration_s=0, interval_s=0.05, **QUICK) as run:
            for interval in run:
                if interval["phase"] == "measure":
                    break
            run.pause()
            before = time.monotonic()
            time.sleep(0.3)
            paused_s = time.monotonic() - before
            run.resume()
        result = run.wait()
        measure = next(phase for phase in result.phases if phase["phase"] == "measure")
        assert measure["end_s"] - measure["start_s"] - result.totals.elapsed_s == pytest.approx(
            paused_s, abs=0.1
        )

    def test_set_rate(self, redis_server: EmbeddedServer) -> None:
        with rl.start(redis_server.url, duration_s=0, rate=100, interval_s=0.1, **QUICK) as run:
            rates = []
            for interval in run:
                rates.append(float(interval["target_rate"]))
                if len(rates) == 2:
                    run.set_rate(500)
                if rates[-1] == 500:
                    break
            for wrong in (0, -1, float("nan"), "fast", None):
                with pytest.raises(rl.ConfigError):
                    run.set_rate(wrong)  # type: ignore[arg-type]
        assert 100 in rates

    def test_set_rate_on_a_closed_loop_is_a_config_error(self, redis_server: EmbeddedServer) -> None:
        with (
            rl.start(redis_server.url, duration_s=0, **QUICK) as run,
            pytest.raises(rl.ConfigError, match="closed loop"),
        ):
            run.set_rate(100)

    def test_the_callback_gets_every_interval_on_its_own_thread(self, redis_server: EmbeddedServer) -> None:
        seen, threads = [], set()

        def on_interval(row: np.void) -> None:
            seen.append(row.tobytes())
            threads.add(threading.current_thread())

        result = rl.run(redis_server.url, duration_s=0.3, interval_s=0.05, on_interval=on_interval, **QUICK)
        assert seen == [row.tobytes() for row in result.intervals]
        assert threading.main_thread() not in threads

    def test_exceptions_of_the_callback_are_counted(
        self, redis_server: EmbeddedServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        result = rl.run(
            redis_server.url, duration_s=0.3, interval_s=0.05, on_interval=lambda row: row["nothing"], **QUICK
        )
        warning = next(one for one in result.warnings if one["code"] == "callback_failed")
        assert f"raised {len(result.intervals)} times" in warning["message"]
        assert [record.name for record in caplog.records] == ["redisload"]
        assert result.totals.issued > 0

    def test_several_at_once_in_threads(self, redis_server: EmbeddedServer) -> None:
        results: list[rl.Result] = []

        def run_one() -> None:
            results.append(rl.run(redis_server.url, operations=2000, **QUICK))

        threads = [threading.Thread(target=run_one) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [result.totals.succeeded for result in results] == [2000] * 3
        assert max(result.environment["other_runs"] for result in results) >= 1


class TestAsync:
    def test_await_iterate_and_never_block(self, redis_server: EmbeddedServer) -> None:
        async def main() -> tuple[rl.Result, int, int]:
            ticks = rows = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.01)
                    ticks += 1

            ticking = asyncio.create_task(tick())
            async with rl.start(redis_server.url, duration_s=0.5, interval_s=0.1, **QUICK) as run:
                async for _ in run:
                    rows += 1
                result = await run
            ticking.cancel()
            return result, ticks, rows

        result, ticks, rows = asyncio.run(main())
        assert rows == len(result.intervals)
        assert ticks >= 10
        assert result.stop_reason == "duration"

    def test_several_waiters_and_cancelling_one(self, redis_server: EmbeddedServer) -> None:
        async def main() -> list[rl.Result]:
            run = rl.start(redis_server.url, duration_s=0.4, **QUICK)

            async def wait() -> rl.Result:
                return await run

            cancelled, *others = [asyncio.create_task(wait()) for _ in range(3)]
            await asyncio.sleep(0.05)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            assert not run.done
            return await asyncio.gather(*others)

        first, second = asyncio.run(main())
        assert first is second
        assert first.stop_reason == "duration"

    def test_leaving_the_block_stops(self, redis_server: EmbeddedServer) -> None:
        async def main() -> rl.Result:
            async with rl.start(redis_server.url, duration_s=0, **QUICK) as run:
                await asyncio.sleep(0.05)
            return await run

        assert asyncio.run(main()).stop_reason == "stopped"


def run_script(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupted(code: str, *arguments: str, times: int = 1) -> tuple[float, str, str, int]:
    """Sends SIGINT when the script says that it is ready; seconds until its end, output, errors, status."""
    script = run_script(code, *arguments)
    assert script.stdout is not None
    assert script.stdout.readline().strip() == "ready"
    start = time.monotonic()
    for _ in range(times):
        script.send_signal(signal.SIGINT)
        time.sleep(0.02)
    out, err = script.communicate(timeout=30)
    return time.monotonic() - start, out, err, script.returncode


READY = """
import sys
import redisload as rl
said = []
def ready(row):
    if row["phase"] == "measure" and not said:
        said.append(True)
        print("ready", flush=True)
arguments = dict(duration_s=60, interval_s=0.05, keys=100, connections=4, on_interval=ready)
"""


class TestInterrupts:
    def test_ctrl_c_returns_the_result_within_a_second(self, redis_server: EmbeddedServer) -> None:
        code = (
            READY
            + """
import time
result = rl.run(sys.argv[1], **arguments)
t = result.totals
whole = t.issued == t.succeeded + t.failed + t.timed_out + t.lost
print(result.interrupted, result.stop_reason, whole, t.issued > 0)
"""
        )
        seconds, out, err, status = interrupted(code, redis_server.url)
        assert out.split() == ["True", "interrupted", "True", "True"], err
        assert status == 0
        assert seconds < 3  # the interpreter's own end included; the run has less than a second

    def test_ctrl_c_with_a_frozen_server(self, start_server: Any) -> None:
        server = start_server()
        code = (
            READY
            + """
import os, signal, threading, time
run = rl.start(sys.argv[1], **arguments)
while not said:
    time.sleep(0.01)
os.kill(int(sys.argv[2]), signal.SIGSTOP)
try:
    sent = []
    def send():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Timer(0.2, send).start()
    result = run.wait()
    print(result.interrupted, time.monotonic() - sent[0])
finally:
    os.kill(int(sys.argv[2]), signal.SIGCONT)
"""
        )
        script = run_script(code, server.url, str(server.pid))
        out, err = script.communicate(timeout=30)
        told, seconds = out.splitlines()[-1].split()
        assert told == "True", err
        assert float(seconds) < 1.0

    def test_raise_carries_the_result(self, redis_server: EmbeddedServer) -> None:
        code = (
            READY
            + """
try:
    rl.run(sys.argv[1], on_interrupt="raise", **arguments)
except rl.RunInterrupted as error:
    print(isinstance(error, KeyboardInterrupt), error.result.interrupted, error.result.totals.issued > 0)
"""
        )
        _, out, err, _ = interrupted(code, redis_server.url)
        assert out.split() == ["True", "True", "True"], err

    def test_iterating_ends_and_the_result_is_there(self, redis_server: EmbeddedServer) -> None:
        code = (
            READY
            + """
with rl.start(sys.argv[1], **arguments) as run:
    for interval in run:
        pass
    print(run.wait().stop_reason)
"""
        )
        _, out, err, status = interrupted(code, redis_server.url)
        assert (out.split(), status) == (["interrupted"], 0), err

    def test_at_exit_runs_are_stopped(self, redis_server: EmbeddedServer) -> None:
        code = (
            READY
            + """
run = rl.start(sys.argv[1], **arguments)
next(iter(run))
"""
        )
        start = time.monotonic()
        script = run_script(code, redis_server.url)
        _, err = script.communicate(timeout=30)
        assert (script.returncode, err) == (0, "")
        assert time.monotonic() - start < 20


def test_in_a_forked_child_a_handle_is_dead(redis_server: EmbeddedServer) -> None:
    code = (
        READY
        + """
import os
with rl.start(sys.argv[1], **arguments) as run:
    next(iter(run))
    child = os.fork()
    if child == 0:
        dead = 0
        calls = [run.snapshot, run.stop, run.wait, run.pause, run.resume]
        calls += [lambda: run.set_rate(1), lambda: iter(run)]
        for call in calls:
            try:
                call()
            except rl.RunError:
                dead += 1
        own = rl.run(sys.argv[1], operations=10, keys=10).totals.succeeded
        print(dead, "another process" in repr(run), own, flush=True)
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    print(status, run.done, flush=True)
print(run.wait().stop_reason)
"""
    )
    script = run_script(code.replace("on_interval=ready", "progress=False"), redis_server.url)
    out, err = script.communicate(timeout=60)
    assert out.split() == ["7", "True", "10", "0", "False", "stopped"], err


JUPYTER = """
import sys, threading, time
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
outputs, started, interrupted = [], threading.Event(), []
def on_output(message):
    outputs.append(message)
    if "op/s" in message["content"].get("text", ""):
        started.set()
def interrupt():
    started.wait(30)
    interrupted.append(time.monotonic())
    manager.interrupt_kernel()
threading.Thread(target=interrupt, daemon=True).start()
code = f"import redisload as rl; rl.run({sys.argv[1]!r}, duration_s=60, interval_s=0.1, keys=100)"
reply = client.execute_interactive(code, timeout=60, output_hook=on_output)
shown = [one["content"]["data"] for one in outputs if one["msg_type"] == "execute_result"]
seconds = time.monotonic() - interrupted[0]
client.stop_channels()
manager.shutdown_kernel(now=True)
text, html = shown[0]["text/plain"], shown[0]["text/html"]
print(reply["content"]["status"], "interrupted" in text, "<table>" in html, seconds)
"""


def test_the_interrupt_of_a_jupyter_kernel(redis_server: EmbeddedServer) -> None:
    driver = run_script(JUPYTER, redis_server.url)
    out, err = driver.communicate(timeout=100)
    status, was_interrupted, has_table, seconds = out.split()
    assert (status, was_interrupted, has_table) == ("ok", "True", "True"), err
    assert float(seconds) < 1.5  # the kernel's own way included; the run has less than a second
