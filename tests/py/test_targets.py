"""URLs, clients and handles as targets."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import redis.asyncio
from redis.credentials import UsernamePasswordCredentialProvider

import redisload as rl
from redisload._collect import config_from_arguments
from redisload.targets import describe, mask_url, target_settings


def values_of(target: object) -> dict[str, Any]:
    values, problems = target_settings(target)
    assert problems == []
    return {path.removeprefix("target."): value for path, value in values.items()}


def refused(target: object) -> str:
    _, problems = target_settings(target)
    assert problems
    return " ".join(problem.allowed for problem in problems)


class TestUrls:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("redis://h", {"host": "h"}),
            ("redis://h:7000/3", {"host": "h", "port": 7000, "database": 3}),
            ("REDIS://h/", {"host": "h"}),
            ("valkey://h:1", {"host": "h", "port": 1}),
            ("redis://[::1]:6380/1", {"host": "::1", "port": 6380, "database": 1}),
            ("redis://:pw@h", {"host": "h", "password": "pw"}),
            ("redis://me:p%40%2Fw@h", {"host": "h", "username": "me", "password": "p@/w"}),
            ("redis://h?db=4&protocol=3", {"host": "h", "database": 4, "protocol": 3}),
            ("redis://h?username=me&password=p%26w", {"host": "h", "username": "me", "password": "p&w"}),
            ("unix:///tmp/a.sock?db=2", {"unix_path": "/tmp/a.sock", "database": 2}),
            ("unix://me:pw@/tmp/a%20b", {"unix_path": "/tmp/a b", "username": "me", "password": "pw"}),
        ],
    )
    def test_forms(self, url: str, expected: dict[str, Any]) -> None:
        assert values_of(url) == expected

    def test_redis_pys_timeouts_and_name(self) -> None:
        url = "redis://h?client_name=me&socket_timeout=2&socket_connect_timeout=0.5"
        assert values_of(url) == {
            "host": "h",
            "name": "me",
            "timeouts.response_s": 2.0,
            "timeouts.connect_s": 0.5,
        }

    def test_redis_py_reads_them_alike(self) -> None:
        for url in ("redis://me:p%40w@h:7000/3", "unix://me:pw@/tmp/a.sock?db=2", "redis://h:1?db=5"):
            theirs = redis.ConnectionPool.from_url(url).connection_kwargs
            ours = values_of(url)
            names = {"host": "host", "port": "port", "db": "database", "username": "username"}
            names |= {"password": "password", "path": "unix_path"}
            for name, ours_name in names.items():
                assert theirs.get(name) == ours.get(ours_name), (url, name)

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("localhost:6379", "did you mean 'redis://localhost:6379'"),
            ("reids://h", "did you mean 'redis'"),
            ("redis://h:99999", "from 0 to 65535"),
            ("redis://h:port", "from 0 to 65535"),
            ("redis://h/zero", "a database number"),
            ("redis://[::1", "not a well-formed URL"),
            ("unix://", "the path of a unix socket"),
            ("redis://h?dbb=1", "did you mean 'db'"),
            ("redis://h?db=one", "a whole number"),
            ("redis://h?ssl_cert_reqs=none", "not available in 0.1"),
            ("rediss://h", "TLS is not available in 0.1"),
            ("redis+cluster://h1,h2", "Redis Cluster is not available in 0.1"),
            ("redis+sentinel://h/m", "Sentinel is not available in 0.1"),
        ],
    )
    def test_problems(self, url: str, words: str) -> None:
        assert words in refused(url)

    def test_an_argument_goes_before_the_url(self) -> None:
        config = config_from_arguments("redis://me:pw@h?protocol=2", {"username": "you", "protocol": 3})
        assert config["target.username"] == "you"
        assert config["target.password"] == "pw"
        assert config["target.protocol"] == 3


class TestOthers:
    def test_none_says_what_to_do(self) -> None:
        with pytest.raises(rl.ConfigError, match="leave it out for an embedded server"):
            rl.run(None)

    @pytest.mark.parametrize("module", [redis, redis.asyncio], ids=["sync", "asyncio"])
    def test_a_redis_py_client(self, module: Any) -> None:
        client = module.Redis(host="h", port=7000, db=3, username="me", password="pw")
        assert values_of(client) == {
            "host": "h",
            "port": 7000,
            "database": 3,
            "username": "me",
            "password": "pw",
        }

    def test_a_client_on_a_unix_socket_and_with_a_credential_provider(self) -> None:
        assert values_of(redis.Redis(unix_socket_path="/tmp/a"))["unix_path"] == "/tmp/a"
        client = redis.Redis(host="h", credential_provider=UsernamePasswordCredentialProvider("me", "pw"))
        assert {"username": "me", "password": "pw"}.items() <= values_of(client).items()

    def test_a_client_that_uses_tls_is_refused(self) -> None:
        assert "TLS is not available in 0.1" in refused(redis.Redis(host="h", ssl=True))

    def test_something_else(self) -> None:
        assert "a URL" in refused(5)

    def test_anything_with_a_url(self) -> None:
        class Server:
            url = "redis://127.0.0.1:7001/0"

        assert values_of(Server())["port"] == 7001


class TestShowing:
    @pytest.mark.parametrize(
        "url",
        [
            "redis://me:hunter2@h:1/0",
            "redis://:hunter2@h",
            "unix://:hunter2@/tmp/a",
            "redis://h?db=0&password=hunter2",
            "redis://me:a@hunter2@h",
            "valkey://me:hunter2@h:port",
        ],
    )
    def test_a_url_is_masked(self, url: str) -> None:
        assert "hunter2" not in mask_url(url)
        assert "***" in mask_url(url)

    @pytest.mark.parametrize(
        "url",
        ["redis://me:***@[::1]:7000/3", "redis://:***@h:6379/0", "unix:///tmp/a?db=2", "redis://me@h:1/0"],
    )
    def test_a_description_reads_as_the_url(self, url: str) -> None:
        config = config_from_arguments(url, {"password": "x"} if "me@h" in url else {})
        assert mask_url(config.url) == url.replace("me@", "me:***@")
        assert describe({f"target.{name}": config[f"target.{name}"] for name in NAMES}) == config.url


NAMES = ("host", "port", "unix_path", "database", "username", "password")
