"""Servers that break the protocol or the connection, at the start and in mid-run."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

import redisload as rl
from support.conservation import assert_conserved
from support.leaks import assert_no_leak, usage
from support.live import completions_ns, measured, wait_for_measure, zero_ns
from support.misbehaving import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redisload.embedded import EmbeddedServer
    from support.misbehaving import MisbehavingServer

RESPONSE_S, GRACE_S = 0.4, 0.4
TIMEOUTS = rl.Timeouts(
    resolve_s=1, connect_s=0.5, handshake_s=0.5, response_s=RESPONSE_S, pool_s=1, grace_s=GRACE_S
)
SLACK_S = 1.0
"""For a busy machine, and for one question of the run's own that is not answered (≤ response_s)."""

KIND_OF_FAULT = {
    "never_answers": {"timeout.response"},
    "garbage": {"protocol.invalid"},
    "closes_after_each_reply": {"connection.closed", "connection.reset"},
    "trickle": {"timeout.response"},
    "huge_bulk": {"protocol.too_large"},
    "deep_nesting": {"protocol.nesting"},
    "resets": {"connection.reset"},
    "closes_on_accept": {"connection.closed", "connection.reset"},
}
AT_START = {  # what the handshake meets: the stage, and words that say what to do
    "refused": ("connect", "nothing listens there"),
    "never_accepts": ("connect", "timeouts.connect_s"),
    "never_answers": ("handshake", "timeouts.handshake_s"),
    "garbage": ("handshake", "is it a Redis or Valkey server"),
    "closes_after_each_reply": ("first_reply", "its log may say why"),
    "trickle": ("handshake", "timeouts.handshake_s"),
    "huge_bulk": ("handshake", "is it a Redis or Valkey server"),
    "deep_nesting": ("handshake", "is it a Redis or Valkey server"),
    "resets": ("handshake", "does it, or a proxy before it, refuse us?"),
    "closes_on_accept": ("handshake", ""),  # closed or reset, as the kernel sees it
}


@pytest.fixture
def refused_port() -> Iterator[int]:
    """A port of ours at which nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture
def unaccepting_port() -> Iterator[int]:
    """A port of ours whose queue of connections is full and never emptied."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            queued = stack.enter_context(socket.socket())
            queued.setblocking(False)
            queued.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def broken_port(
    refused_port: int, unaccepting_port: int, misbehaving_server: Callable[..., MisbehavingServer]
) -> Callable[[str], int]:
    ports = {"refused": refused_port, "never_accepts": unaccepting_port}
    return lambda kind: ports.get(kind) or misbehaving_server(kind).port


def url(port: int) -> str:
    return f"redis://127.0.0.1:{port}"


def strike(
    server: MisbehavingServer, *, heal_after_s: float | None = None, **options: Any
) -> tuple[rl.Result, int, int]:
    """A run whose server misbehaves from 0.3 s into the window on, for heal_after_s or to the end.

    Also from when to when, in ns of the monotonic clock.
    """
    with rl.start(
        url(server.port), connections=4, pipeline=4, keys=100, timeouts=TIMEOUTS, sample_rate=1.0,
        interval_s=0.2, **options,
    ) as run:  # fmt: skip
        wait_for_measure(run)
        time.sleep(0.3)
        server.misbehave()
        struck_ns = time.monotonic_ns()
        if heal_after_s is not None:
            time.sleep(heal_after_s)
            server.misbehave(False)
        healed_ns = time.monotonic_ns()
        result = run.wait()
    assert_conserved(result)
    return result, struck_ns, healed_ns


class TestAtTheStart:
    @pytest.mark.parametrize("kind", AT_START)
    def test_python_gets_a_target_error_of_the_stage(
        self, kind: str, broken_port: Callable[[str], int]
    ) -> None:
        stage, advice = AT_START[kind]
        port = broken_port(kind)
        before = time.monotonic()
        with pytest.raises(rl.TargetError) as caught:
            rl.run(url(port), connections=4, keys=100, duration_s=1, timeouts=TIMEOUTS)
        assert time.monotonic() - before < 0.5 + SLACK_S
        assert caught.value.stage == stage
        assert advice in str(caught.value)
        assert f"127.0.0.1:{port}" in str(caught.value)
        assert isinstance(caught.value, ConnectionError)

    @pytest.mark.parametrize("kind", AT_START)
    def test_the_shell_exits_3_and_says_what_to_do(
        self, kind: str, broken_port: Callable[[str], int]
    ) -> None:
        port = broken_port(kind)
        options = ["-c", "4", "--key-count", "100", "--duration", "1s"]
        limits = {"connect": "500ms", "handshake": "500ms", "response": "400ms"}
        timeouts = [word for name, limit in limits.items() for word in (f"--timeout-{name}", limit)]
        main = "from redisload.cli import main; main()"
        ended = subprocess.run(
            [sys.executable, "-c", main, "run", url(port), *options, *timeouts],
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        assert ended.returncode == 3, ended
        assert ended.stdout == ""
        assert "Traceback" not in ended.stderr
        message = " ".join(ended.stderr.split())
        assert "could not run: " in message
        assert AT_START[kind][1] in message
        assert f"(stage: {AT_START[kind][0]})" in message
        assert message.count("127.0.0.1") >= 1

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "closes_after_each_reply"])
    @pytest.mark.parametrize("options", [{}, {"prefill": False, "rate": 200}], ids=["prefill", "measure"])
    def test_after_the_handshake_it_is_the_first_reply(
        self, kind: str, options: dict[str, Any], misbehaving_server: Callable[..., MisbehavingServer]
    ) -> None:
        server = misbehaving_server(kind, after=1)  # the answer to CLIENT SETNAME
        before = time.monotonic()
        with pytest.raises(rl.TargetError) as caught:
            rl.run(url(server.port), connections=1, keys=100, duration_s=1, timeouts=TIMEOUTS, **options)
        # The control connection may wait for an answer of its own first.
        assert time.monotonic() - before < 2 * RESPONSE_S + GRACE_S + SLACK_S
        assert caught.value.stage == "first_reply"

    def test_a_name_without_an_address(self) -> None:
        with pytest.raises(rl.TargetError, match=r"no-such-host\.invalid") as caught:
            rl.run("redis://no-such-host.invalid:6379", connections=1, duration_s=1, timeouts=TIMEOUTS)
        assert caught.value.stage == "resolve"

    @pytest.mark.redis
    def test_more_connections_than_the_server_takes(
        self, start_server: Callable[..., EmbeddedServer]
    ) -> None:
        server = start_server(options={"maxclients": 5})
        with pytest.raises(rl.TargetError, match="max number of clients reached") as caught:
            rl.run(server.url, connections=20, keys=100, duration_s=1, timeouts=TIMEOUTS)
        # The refusal stands in the place of the first answer; then the connection is closed.
        assert caught.value.stage in ("handshake", "first_reply")

    def test_a_prefill_that_does_not_get_on_is_stalled(
        self, misbehaving_server: Callable[..., MisbehavingServer]
    ) -> None:
        server = misbehaving_server("closes_after_each_reply", after=1)
        before = time.monotonic()
        result = rl.run(url(server.port), connections=1, keys=100, duration_s=1, timeouts=TIMEOUTS)
        # It answered one operation; from then on only the handshakes.
        assert time.monotonic() - before < RESPONSE_S + 2 * GRACE_S + SLACK_S
        assert result.stop_reason == "stalled"
        assert not result.valid
        assert "stalled" in [warning["code"] for warning in result.warnings]
        assert result.totals.offered == 0


class TestInMidRun:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("rate", [None, 1000], ids=["closed", "open"])
    def test_the_run_ends_in_time_and_counts_add_up(
        self, kind: str, rate: float | None, misbehaving_server: Callable[..., MisbehavingServer]
    ) -> None:
        duration_s = 0.8
        server = misbehaving_server(kind, after=None)
        started = time.monotonic()
        result, struck_ns, _ = strike(server, duration_s=duration_s, rate=rate)
        took_s = time.monotonic() - started
        assert took_s <= result.phases[-1]["start_s"] + duration_s + GRACE_S + SLACK_S
        assert result.stop_reason == "duration"
        assert result.totals.elapsed_s == pytest.approx(duration_s, abs=0.001)

        expected = KIND_OF_FAULT[kind]
        assert expected & set(result.errors)
        # run.ended: what waited at the end of the window or was in flight at the end of the grace.
        assert set(result.errors) <= expected | {"run.ended"}
        after = {"timeout.handshake"} if kind == "never_answers" else set()
        closing = {"connection.closed", "connection.reset"} if kind == "closes_on_accept" else set()
        assert set(result.connection_faults) <= expected | after | closing
        assert result.totals.failed == 0  # all were written whole: the server may have run them
        healthy_ns = measured(result, "completed_ns")[measured(result, "completed_ns") >= 0] + zero_ns(result)
        assert (healthy_ns < struck_ns).sum() > 50
        # Its connections are opened again, and that is all that it answers.
        assert not (healthy_ns > struck_ns + 50_000_000).any()
        assert not result.valid
        assert "target_unresponsive" in [warning["code"] for warning in result.warnings]

    @pytest.mark.parametrize("kind", ["garbage", "never_answers", "deep_nesting", "closes_on_accept"])
    def test_the_run_recovers_when_the_server_does(
        self, kind: str, misbehaving_server: Callable[..., MisbehavingServer]
    ) -> None:
        server = misbehaving_server(kind, after=None)
        result, _, healed_ns = strike(server, duration_s=3.5, rate=500, heal_after_s=1.2)
        after_s = (completions_ns(result) - healed_ns) / 1e9
        # A backoff of at most 1 s, or a handshake that had just begun to wait (0.5 s) and then one.
        assert after_s[after_s > 0].min() < 2.0
        last_s = after_s[after_s > 0].max()
        assert (after_s > last_s - 0.5).sum() == pytest.approx(250, abs=100)  # at the full rate again
        reopened = {event["connection"] for event in result.events if event["kind"] == "reconnect"}
        assert reopened == set(range(4))


@pytest.mark.parametrize("at_start", [False, True], ids=["mid-run", "start"])
@pytest.mark.parametrize("kind", ["huge_bulk", "deep_nesting", "closes_on_accept"])
def test_nothing_is_left_behind(
    kind: str, at_start: bool, misbehaving_server: Callable[..., MisbehavingServer]
) -> None:
    """Threads and descriptors as before; after 3 runs, 10 more add less than 4 MiB."""
    server = misbehaving_server(kind, after=0 if at_start else None)
    options: dict[str, Any] = {"connections": 4, "keys": 100, "duration_s": 0.25, "timeouts": TIMEOUTS}
    gc.collect()
    before = usage()
    rss_bytes: list[int] = []
    for _ in range(13):
        if at_start:
            with pytest.raises(rl.TargetError):
                rl.run(url(server.port), **options)
        else:
            server.misbehave(False)
            with rl.start(url(server.port), rate=2000, **options) as run:
                wait_for_measure(run)
                server.misbehave()
                assert sum(run.wait().errors.values()) > 0
            del run
        gc.collect()
        assert_no_leak(before)
        rss_bytes.append(usage().rss_bytes)
    assert rss_bytes[-1] - rss_bytes[2] < 4 << 20, [one >> 10 for one in rss_bytes]
