"""Every message of pub_sub is accounted for, by the servers' and an independent client's own counts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis

import redisload as rl
from support.conservation import assert_conserved
from support.live import wait_for_measure
from support.server_view import ServerView, commands_of
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redisload.embedded import EmbeddedServer
    from support.proxy import Proxy

pytestmark = pytest.mark.redis


@pytest.fixture
def view(redis_server: EmbeddedServer) -> Iterator[ServerView]:
    """The server's own account."""
    with ServerView(redis_server.url) as opened:
        yield opened


def pub_sub(**options: float) -> rl.Workload:
    """The workload with these options."""
    return rl.Workload("pub_sub", options=options)


def assert_books(result: rl.Result, subscribers: int) -> None:
    """Fails when the books of publishers and subscribers contradict each other."""
    counters, rows = result.counters, result.tables["subscribers"]
    assert len(rows) == subscribers
    for row in rows:
        assert row["delivered"] + row["lost"] + row["absent"] == counters["published"], row
    for counter, column in (
        ("delivered", "delivered"),
        ("lost", "lost"),
        ("missed_while_absent", "absent"),
        ("duplicated", "duplicated"),
        ("out_of_order", "out_of_order"),
        ("unconfirmed", "unconfirmed"),
    ):
        assert counters[counter] == sum(row[column] for row in rows), counter
    assert counters["receivers"] - counters["delivered"] == (
        counters["lost"] + counters["other_receivers"] - counters["uncounted"]
    )
    assert result.delivery.count == counters["delivered"] + counters["unconfirmed"]
    totals = result.totals
    assert counters["published"] == totals.succeeded + totals.late_replies
    assert counters["published"] + counters["unknown"] == totals.issued - result.errors.get("reply.NOPERM", 0)
    assert ("messages_lost" in {one["code"] for one in result.warnings}) == (counters["lost"] > 0)


def assert_nothing_missed(result: rl.Result, subscribers: int) -> None:
    """Every message reached every subscriber, once and in order."""
    assert_books(result, subscribers)
    counters = dict(result.counters)
    published = counters.pop("published")
    assert counters.pop("delivered") == counters.pop("receivers") == subscribers * published
    assert not any(counters.values()), counters
    assert all(row["reconnects"] == 0 for row in result.tables["subscribers"])


@pytest.mark.parametrize(
    ("connections", "threads", "pipeline", "limit"),
    [
        (2, 1, 1, {"duration_s": 0.5}),
        (10, 1, 1, {"duration_s": 0.5}),
        (10, 2, 8, {"operations": 20_000}),
        (11, 2, 1, {"operations": 5_001}),
        (3, 3, 4, {"operations": 3_000}),  # a worker of each kind
        (10, 2, 1, {"rate": 3_000, "duration_s": 0.7}),
        (10, 2, 1, {"rate": 5_000, "operations": 3_000}),
    ],
)
def test_every_message_arrives(
    redis_server: EmbeddedServer,
    view: ServerView,
    connections: int,
    threads: int,
    pipeline: int,
    limit: dict[str, Any],
) -> None:
    result = rl.run(
        redis_server.url,
        workload="pub_sub",
        connections=connections,
        threads=threads,
        pipeline=pipeline,
        interval_s=0.1,
        **limit,
    )
    assert commands_of(result) == view.commands()
    assert result.commands["measure"] == {"PUBLISH": result.totals.issued}
    subscribers = connections // 2
    assert result.commands["control"]["SUBSCRIBE"] == subscribers
    assert result.commands["control"]["HELLO"] == connections
    assert_nothing_missed(result, subscribers)
    assert_conserved(result)
    assert result.totals.issued == result.totals.succeeded > 100
    if "operations" in limit:
        assert result.totals.issued == limit["operations"]
    assert result.delivery.min_s > 0
    assert set(result.operations) == {"PUBLISH"}
    assert [row["connection"] for row in result.tables["subscribers"]] == sorted(
        row["connection"] for row in result.tables["subscribers"]
    )


def test_channels_and_patterns(redis_server: EmbeddedServer, view: ServerView) -> None:
    names = {f"app:channel:{number:06d}" for number in range(7)}
    with rl.start(
        redis_server.url,
        duration_s=0,
        workload=pub_sub(subscribers=4, patterns=3, channels=7),
        keys=rl.Keys(prefix="app:"),
        connections=6,
        values=100,
        interval_s=0.05,
    ) as run:
        wait_for_measure(run)
        assert set(view.call("PUBSUB", "CHANNELS")) == names
        assert view.call("PUBSUB", "NUMSUB", *sorted(names))[1::2] == [1] * 7
        assert view.call("PUBSUB", "NUMPAT") == 1  # the three share it
        wait_until(lambda: run.snapshot().counters["delivered"] > 1_000, what="deliveries")
    result = run.wait()
    control = result.commands["control"]
    assert (control["SUBSCRIBE"], control["PSUBSCRIBE"]) == (1, 3)
    assert_nothing_missed(result, 4)


def test_messages_of_the_warm_up_are_not_counted(redis_server: EmbeddedServer, view: ServerView) -> None:
    result = rl.run(
        redis_server.url,
        duration_s=0.3,
        warmup_s=0.3,
        workload="pub_sub",
        connections=8,
        threads=2,
        pipeline=4,
    )
    assert result.commands["warmup"]["PUBLISH"] > 100
    assert commands_of(result) == view.commands()
    assert_nothing_missed(result, 4)
    assert result.counters["published"] == result.totals.succeeded


def test_the_time_of_a_delivery_is_that_of_its_way(
    redis_server: EmbeddedServer, start_proxy: Callable[..., Proxy]
) -> None:
    proxy = start_proxy(redis_server.port, delay_s=0.05)
    result = rl.run(
        f"redis://127.0.0.1:{proxy.port}", rate=200, duration_s=1, workload="pub_sub", connections=4
    )
    assert_nothing_missed(result, 2)
    assert min(proxy.delays_s()) >= 0.05
    assert result.delivery.min_s >= 0.0499
    assert result.delivery.quantile(0.5) < 0.1
    (drained,) = (phase for phase in result.phases if phase["phase"] == "measure")
    assert drained["end_s"] - drained["start_s"] >= 1  # what was on its way was waited for


class TestOthersOnTheSameChannels:
    def test_another_listener_is_counted_apart(self, redis_server: EmbeddedServer) -> None:
        with redis.Redis.from_url(redis_server.url) as client, client.pubsub() as listener:
            listener.subscribe("redisload:channel:000001")
            assert listener.get_message(timeout=5)["type"] == "subscribe"
            result = rl.run(redis_server.url, operations=1_000, workload=pub_sub(channels=4), connections=4)
            heard = 0
            while listener.get_message(timeout=0.3) is not None:
                heard += 1
        assert_books(result, 2)
        assert result.counters["lost"] == 0
        assert result.counters["other_receivers"] == heard
        assert 150 < heard < 350  # a quarter of the messages
        assert result.counters["receivers"] == 2_000 + heard

    def test_messages_of_others_are_none_of_ours(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        with rl.start(
            redis_server.url, duration_s=0, workload="pub_sub", connections=8, interval_s=0.05
        ) as run:
            wait_for_measure(run)
            for size in (0, 5, 31, 32, 1_000):
                assert redis_client.publish("redisload:channel:000003", "x" * size) == 4
            wait_until(lambda: run.snapshot().counters["foreign"] == 20, what="foreign messages")
        result = run.wait()
        assert result.counters["foreign"] == 20
        assert_books(result, 4)
        assert result.counters["lost"] == result.counters["duplicated"] == 0


class TestBrokenConnections:
    """The books close whatever breaks."""

    def test_subscribers_that_are_disconnected_again_and_again(self, redis_server: EmbeddedServer) -> None:
        with (
            redis.Redis.from_url(redis_server.url) as client,
            rl.start(
                redis_server.url,
                duration_s=1.5,
                workload=pub_sub(channels=3),
                connections=8,
                threads=2,
                pipeline=4,
            ) as run,
        ):
            wait_for_measure(run)
            for _ in range(5):
                time.sleep(0.1)
                assert client.client_kill_filter(_type="pubsub") == 4
                wait_until(lambda: len(client.client_list("pubsub")) == 4, what="their return")
            result = run.wait()
        assert_books(result, 4)
        assert_conserved(result)
        counters = result.counters
        assert counters["missed_while_absent"] > 0
        assert counters["other_receivers"] == counters["uncounted"] == counters["out_of_order"] == 0
        assert [row["reconnects"] for row in result.tables["subscribers"]] == [5] * 4
        assert sum(event["kind"] == "disconnect" for event in result.events) == 20

    def test_publishers_that_are_disconnected(self, redis_server: EmbeddedServer) -> None:
        with (
            redis.Redis.from_url(redis_server.url) as client,
            rl.start(redis_server.url, duration_s=1.2, workload="pub_sub", connections=8, pipeline=16) as run,
        ):
            wait_for_measure(run)
            for _ in range(4):
                time.sleep(0.15)
                client.client_kill_filter(_type="normal", skipme=True)
            result = run.wait()
        assert_books(result, 4)
        assert_conserved(result)
        totals = result.totals
        assert result.counters["unknown"] == totals.lost + totals.failed > 0
        assert result.counters["lost"] == result.counters["missed_while_absent"] == 0
        assert result.counters["unconfirmed"] <= 4 * result.counters["unknown"]

    def test_a_server_that_is_killed(self, start_server: Callable[..., EmbeddedServer]) -> None:
        server = start_server()
        with rl.start(
            server.url, duration_s=2, workload="pub_sub", connections=8, timeouts=rl.Timeouts(grace_s=1)
        ) as run:
            wait_for_measure(run)
            time.sleep(0.3)
            server.kill()
            time.sleep(0.3)
            server.restart()
            result = run.wait()
        assert_books(result, 4)
        assert_conserved(result)
        assert all(row["reconnects"] == 1 for row in result.tables["subscribers"])

    def test_a_refused_publish_is_no_message(
        self, redis_server: EmbeddedServer, redis_client: redis.Redis
    ) -> None:
        acl = ("on", ">secret", "allchannels", "+@all", "-publish")
        redis_client.execute_command("ACL", "SETUSER", "listener", *acl)
        try:
            url = redis_server.url.replace("redis://", "redis://listener:secret@")
            result = rl.run(url, operations=500, workload="pub_sub", connections=4)
        finally:
            redis_client.acl_deluser("listener")
        assert result.errors == {"reply.NOPERM": 500}
        assert_books(result, 2)
        assert result.counters["published"] == result.counters["unknown"] == 0


def test_a_slow_subscriber_is_disconnected_and_every_message_accounted_for(
    start_server: Callable[..., EmbeddedServer], start_proxy: Callable[..., Proxy]
) -> None:
    """The slow one's bandwidth is a fraction of what is published; the server throws it out when its output
    buffer is over the limit, with all that stood in it.
    """
    server = start_server(options={"client-output-buffer-limit": "pubsub 64kb 0 0"})
    slow, other = 1, 3  # 0 and 2 publish
    proxy = start_proxy(server.port, slow_connection=slow, bytes_per_s=4_000_000)
    with ServerView(server.url) as view:
        result = rl.run(
            f"redis://127.0.0.1:{proxy.port}",
            rate=1_000,
            duration_s=3,
            values=8_000,
            workload=pub_sub(channels=4),
            connections=4,
            timeouts=rl.Timeouts(grace_s=20),
        )
        assert commands_of(result) == view.commands()
    assert_books(result, 2)
    assert_conserved(result)
    counters, rows = result.counters, {row["connection"]: row for row in result.tables["subscribers"]}
    assert rows[slow]["lost"] >= 5  # its output buffer held 64 KiB of them
    assert rows[slow]["reconnects"] >= 1
    assert rows[other]["delivered"] == counters["published"]
    assert rows[other]["reconnects"] == 0
    assert counters["receivers"] - counters["delivered"] == counters["lost"] == rows[slow]["lost"]
    assert counters["missed_while_absent"] == rows[slow]["absent"] > 0
    unsound = ("duplicated", "out_of_order", "unknown", "unconfirmed", "other_receivers", "uncounted")
    assert {name: counters[name] for name in unsound} == dict.fromkeys(unsound, 0)
    assert proxy.counts()["accepted"] == 4 + 1 + rows[slow]["reconnects"]
    broken = [event for event in result.events if event["kind"] == "disconnect"]
    assert {event["connection"] for event in broken} == {slow}
    assert len(broken) == rows[slow]["reconnects"]
    assert "messages_lost" in {one["code"] for one in result.warnings}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"protocol": 2}, "protocol"),
        ({"connections": 1}, "connections"),
        ({"values": 31}, "values"),
        ({"workload": pub_sub(subscribers=4)}, "workload.options.subscribers"),
        ({"workload": pub_sub(subscribers=2, patterns=3)}, "workload.options.patterns"),
        ({"workload": rl.Workload("pub_sub", weights={"PUBLISH": 1})}, "workload.weights"),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, Any], path: str) -> None:
    arguments = {"workload": "pub_sub", "connections": 4, **settings}
    with pytest.raises(rl.ConfigError) as refused:
        rl.run("redis://127.0.0.1:1", **arguments)
    assert str(refused.value).startswith(f"{path} = ")


def test_the_shell_shows_deliveries(redis_server: EmbeddedServer) -> None:
    shell = [sys.executable, "-c", "from redisload.cli import main; main()", "run", redis_server.url]
    arguments = ["--workload", "pub_sub", "--connections", "6", "--operations", "600"]
    done = subprocess.run(
        [*shell, *arguments, "--json", "-"], capture_output=True, text=True, timeout=60, check=True
    )
    result = json.loads(done.stdout)
    assert result["counters"]["delivered"] == 1_800
    assert len(result["tables"]["subscribers"]) == 3
    done = subprocess.run([*shell, *arguments], capture_output=True, text=True, timeout=60, check=True)
    assert "delivery" in done.stdout
    assert "1,800" in done.stdout
    assert "subscribers" in done.stdout
