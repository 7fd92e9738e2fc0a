"""Real servers, misbehaving ones and proxies; each ends with the test or the module that asked for it."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import redis

from redisload.embedded import EmbeddedServer, server
from support.misbehaving import MisbehavingServer
from support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_configure() -> None:
    """Ctrl-C works in what tests start, also where pytest runs as a background job, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def module_redis_server() -> Iterator[EmbeddedServer]:
    """One real server for all tests of a module; ``redis_server`` gives it out empty."""
    with server(options={"enable-debug-command": "local"}) as running:
        yield running


@pytest.fixture
def redis_server(module_redis_server: EmbeddedServer) -> EmbeddedServer:
    """A real server that is empty, with its statistics and settings as at the start of the module.

    Shared by the module: a test that kills or reconfigures its server takes ``start_server``.
    """
    if not module_redis_server.running:
        module_redis_server.restart()
    with redis.Redis.from_url(module_redis_server.url) as client:
        client.flushall()
        client.config_resetstat()
    return module_redis_server


@pytest.fixture
def redis_client(redis_server: EmbeddedServer) -> Iterator[redis.Redis]:
    """redis-py, an independent client, connected to ``redis_server``."""
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


@pytest.fixture
def start_server() -> Iterator[Callable[..., EmbeddedServer]]:
    """Starts real servers of the test's own: ``start_server(options={...}, persistent=True)``."""
    yield from _factory(server)


@pytest.fixture
def start_proxy() -> Iterator[Callable[..., Proxy]]:
    """Starts TCP proxies: ``start_proxy(server.port, delay_s=0.01)``."""
    yield from _factory(Proxy)


@pytest.fixture
def misbehaving_server() -> Iterator[Callable[..., MisbehavingServer]]:
    """Starts misbehaving servers: ``misbehaving_server("garbage", after=100)``."""
    yield from _factory(MisbehavingServer)


def _factory(make: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    with ExitStack() as stack:

        def start(*arguments: Any, **options: Any) -> Any:
            return stack.enter_context(make(*arguments, **options))

        yield start
