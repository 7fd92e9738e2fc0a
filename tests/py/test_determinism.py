"""The seed decides the operations, stream by stream, as a recording sink saw them."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import redisload as rl
from support.conservation import assert_conserved
from support.sink import Sink, parse_words
from support.statistics import chi_square_p, merge_small_bins
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from support.proxy import Proxy
    from support.sink import SinkLog

Streams = dict[str, list[bytes]]

GETS = rl.Workload("basic_rw", weights={"GET": 1})
KEY_DIGITS = 12


def load_streams(log: SinkLog, prefilled: int = 0) -> Streams:
    """Connection → its operations in order, without handshakes and the first ``prefilled`` of all."""
    names = {number: name for number, name in log.names.items() if not name.endswith(":control")}
    streams: Streams = {name: [] for name in names.values()}
    commands = log.commands
    columns = (commands[column].tolist() for column in ("connection", "offset", "length"))
    left = prefilled
    for connection, offset, length in zip(*columns, strict=True):
        command = log.data[offset : offset + length]
        if connection not in names or command.startswith(b"*3\r\n$6\r\nCLIENT"):
            continue
        if left:
            left -= 1
        else:
            streams[names[connection]].append(command)
    return streams


def recorded(tmp_path: Path, prefilled: int = 0, **options: Any) -> tuple[Streams, rl.Result]:
    """The streams of one run at a sink, and its result."""
    options = {"prefill": prefilled > 0, "connections": 20, "seed": 11, **options}
    with Sink("record", log=tmp_path / "log") as sink:
        result = rl.run(sink.url, **options)
    assert_conserved(result)
    streams = load_streams(sink.read_log(), prefilled)
    commands = result.commands["warmup"], result.commands["measure"]
    assert sum(map(len, streams.values())) == sum(chain(*(one.values() for one in commands)))
    return streams, result


def assert_one_goes_on(first: Streams, second: Streams, least: int = 10) -> None:
    """Of each connection's two streams the shorter is the beginning of the longer."""
    assert first.keys() == second.keys()
    for name, stream in first.items():
        other = second[name]
        length = min(len(stream), len(other))
        assert length >= least, f"{name} says too little: {len(stream)} and {len(other)} operations"
        assert stream[:length] == other[:length], name


def is_subsequence(part: list[bytes], whole: list[bytes]) -> bool:
    rest = iter(whole)
    return all(one in rest for one in part)


class TestSameSeed:
    @pytest.mark.parametrize(
        "options",
        [
            {"connections": 50},
            {"connections": 50, "threads": 2, "pipeline": 16},
            {"connections": 7, "keys": rl.Keys(count=1_000, distribution=rl.Zipfian(1.2)), "values": 5},
            {"connections": 3, "keys": rl.Keys(count=100, distribution="sequential", prefix="p:")},
        ],
        ids=["defaults", "pipelined on two workers", "zipfian", "sequential"],
    )
    def test_counted_runs_are_equal(self, tmp_path: Path, options: dict[str, Any]) -> None:
        first, result = recorded(tmp_path, operations=5_003, **options)
        second, _ = recorded(tmp_path, operations=5_003, **options)
        assert first == second
        assert len(first) == options["connections"]
        assert max(map(len, first.values())) - min(map(len, first.values())) <= 1
        sizes = map(len, chain.from_iterable(first.values()))
        assert result.totals.bytes_sent == sum(sizes)
        words = Counter(parse_words(command)[0].decode() for command in chain.from_iterable(first.values()))
        assert words == result.commands["measure"]

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"threads": 2, "pipeline": 8},
            {"rate": 10_000},
            {"rate": 10_000, "arrivals": "constant", "threads": 2, "pipeline": 4},
        ],
        ids=["closed loop", "two workers", "poisson", "constant"],
    )
    def test_of_timed_runs_the_shorter_is_the_beginning_of_the_longer(
        self, tmp_path: Path, options: dict[str, Any]
    ) -> None:
        shorter, _ = recorded(tmp_path, duration_s=0.15, **options)
        longer, _ = recorded(tmp_path, duration_s=0.4, **options)
        assert_one_goes_on(shorter, longer)
        assert sum(map(len, longer.values())) > sum(map(len, shorter.values()))

    def test_warm_up_does_not_restart_the_streams(self, tmp_path: Path) -> None:
        warmed, result = recorded(tmp_path, warmup_s=0.1, operations=4_000)
        plain, _ = recorded(tmp_path, duration_s=0.4)
        assert sum(result.commands["warmup"].values()) > 1_000
        assert_one_goes_on(warmed, plain)

    def test_prefill_draws_nothing_from_them(self, tmp_path: Path) -> None:
        first, result = recorded(tmp_path, prefilled=3_000, keys=3_000, operations=4_000)
        second, _ = recorded(tmp_path, keys=3_000, operations=4_000)
        assert result.commands["prefill"] == {"SET": 3_000}
        assert first == second

    def test_a_reconnect_continues_its_stream(
        self, tmp_path: Path, start_proxy: Callable[..., Proxy]
    ) -> None:
        with Sink("record", log=tmp_path / "log") as sink:
            proxy = start_proxy(sink.port)
            with rl.start(
                f"redis://127.0.0.1:{proxy.port}",
                duration_s=0,
                connections=8,
                prefill=False,
                seed=11,
                interval_s=0.05,
            ) as run:
                wait_until(lambda: run.snapshot().totals.succeeded > 3_000, what="load")
                assert proxy.reset_connections() >= 8
                before = run.snapshot().totals.succeeded
                wait_until(lambda: run.snapshot().totals.succeeded > before + 3_000, what="load after it")
            result = run.wait()
        assert_conserved(result)
        assert [one["kind"] for one in result.events].count("reconnect") == 8
        assert result.totals.lost + result.totals.failed <= 8  # what was in flight
        cut = load_streams(sink.read_log())
        longest = max(map(len, cut.values())) + 8
        whole, _ = recorded(tmp_path, operations=8 * longest, connections=8)
        missing = 0
        for name, stream in cut.items():
            assert is_subsequence(stream, whole[name]), name
            missing += whole[name].index(stream[-1]) + 1 - len(stream)
        assert missing <= result.totals.lost + result.totals.failed

    def test_a_drawn_seed_is_in_the_result(self, tmp_path: Path) -> None:
        first, result = recorded(tmp_path, operations=1_000, seed=None)
        assert recorded(tmp_path, operations=1_000, seed=result.seed)[0] == first
        assert recorded(tmp_path, operations=1_000, seed=None)[0] != first


class TestStreamsDiffer:
    def test_from_each_other(self, tmp_path: Path) -> None:
        streams, _ = recorded(tmp_path, operations=50_000, connections=100)
        seen: dict[tuple[bytes, ...], str] = {}
        for name, stream in streams.items():
            for at in range(len(stream) - 3):  # not shifted against each other either
                run = tuple(stream[at : at + 4])
                assert seen.setdefault(run, name) == name
        assert len(seen) > 0.99 * 100 * (500 - 3)  # and none repeats itself

    def test_from_another_seed(self, tmp_path: Path) -> None:
        first, _ = recorded(tmp_path, operations=2_000)
        second, _ = recorded(tmp_path, operations=2_000, seed=12)
        assert not set(map(tuple, first.values())) & set(map(tuple, second.values()))
        heads = [{tuple(stream[:4]) for stream in streams.values()} for streams in (first, second)]
        assert not heads[0] & heads[1]


def keys_by_run(log: SinkLog) -> dict[str, np.ndarray]:
    """Run name → the numbers of the keys that its GETs named; no other command of its begins with a G."""
    data = np.frombuffer(log.data, np.uint8)
    commands = log.commands
    gets = commands[data[commands["offset"] + len(b"*2\r\n$3\r\n")] == ord("G")]
    first_digits = (gets["offset"] + gets["length"]).astype(np.int64) - KEY_DIGITS - len(b"\r\n")
    digits = data[first_digits[:, np.newaxis] + np.arange(KEY_DIGITS)].astype(np.int64) - ord("0")
    numbers = digits @ (10 ** np.arange(KEY_DIGITS - 1, -1, -1))
    run_of = {connection: name.split(":")[0] for connection, name in log.names.items()}
    runs = np.array([run_of[connection] for connection in gets["connection"].tolist()])
    return {name: numbers[runs == name] for name in np.unique(runs).tolist()}


def scramble(count: int) -> np.ndarray:
    """Rank (from 0) → key: the fixed permutation of key_distribution.cpp, as that documents it."""
    bits = max((count - 1).bit_length(), 1)
    mask, shift = 2**bits - 1, (bits + 1) // 2

    def mix(x: int) -> int:
        x = (x + 0x9E3779B97F4A7C15) & mask
        for multiplier in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD1342543DE82EF95):
            x = (x * multiplier) & mask
            x ^= x >> shift
        return x

    def key(rank: int) -> int:
        while (rank := mix(rank)) >= count:
            pass
        return rank

    return np.array([key(rank) for rank in range(count)])


class TestKeys:
    count = 10_000
    draws = 100_000
    seeds = (1, 2, 3, 4, 5)

    def counts_by_key(self, tmp_path: Path, distribution: Any) -> Mapping[int, np.ndarray]:
        """Seed → how often each key was drawn, in count-limited runs."""
        with Sink("record", log=tmp_path / "log") as sink:
            for seed in self.seeds:
                result = rl.run(
                    sink.url,
                    operations=self.draws,
                    seed=seed,
                    name=f"seed{seed}",
                    connections=20,
                    pipeline=32,
                    prefill=False,
                    workload=GETS,
                    keys=rl.Keys(count=self.count, distribution=distribution),
                )
                assert result.totals.succeeded == self.draws
        drawn = keys_by_run(sink.read_log())
        counts = {seed: np.bincount(drawn[f"seed{seed}"], minlength=self.count) for seed in self.seeds}
        assert all(len(one) == self.count and one.sum() == self.draws for one in counts.values())
        return counts

    @pytest.mark.parametrize("exponent", [0.5, 0.99, 1, 1.3])
    def test_zipfian(self, tmp_path: Path, exponent: float) -> None:
        key_of_rank = scramble(self.count)
        assert np.array_equal(np.sort(key_of_rank), np.arange(self.count))
        shares = np.arange(1, self.count + 1, dtype=float) ** -exponent
        expected = shares / shares.sum() * self.draws
        for seed, counts in self.counts_by_key(tmp_path, rl.Zipfian(exponent=exponent)).items():
            by_rank = counts[key_of_rank]
            assert chi_square_p(*merge_small_bins(by_rank, expected)) > 1e-4, f"seed {seed}"
            # Both ends of the ranks, five standard deviations: the hottest key, and the coldest tenth.
            for ends in (slice(0, 1), slice(self.count * 9 // 10, None)):
                share = expected[ends].sum()
                assert abs(by_rank[ends].sum() - share) < 5 * np.sqrt(share), f"seed {seed}"

    def test_hot_keys_are_no_neighbours_and_the_same_for_every_seed(self, tmp_path: Path) -> None:
        hottest = [
            np.argsort(counts)[-5:][::-1].tolist()
            for counts in self.counts_by_key(tmp_path, rl.Zipfian(exponent=1.3)).values()
        ]
        assert hottest == [hottest[0]] * len(self.seeds)
        assert np.abs(np.diff(np.sort(hottest[0]))).min() > 10

    def test_uniform(self, tmp_path: Path) -> None:
        expected = np.full(self.count, self.draws / self.count)
        for seed, counts in self.counts_by_key(tmp_path, "uniform").items():
            assert chi_square_p(counts, expected) > 1e-4, f"seed {seed}"

    def test_sequential_covers_the_keyspace(self, tmp_path: Path) -> None:
        for connections, each in ((10, 100), (7, 1_000), (1, 2_500)):
            with Sink("record", log=tmp_path / "log") as sink:
                rl.run(
                    sink.url,
                    operations=connections * each,
                    connections=connections,
                    prefill=False,
                    workload=GETS,
                    keys=rl.Keys(count=1_000, distribution="sequential"),
                )
            log = sink.read_log()
            for name, stream in load_streams(log).items():
                first = int(name.rpartition("c")[2])
                keys = [int(parse_words(command)[1][-KEY_DIGITS:]) for command in stream]
                assert keys == [(first + k * connections) % 1_000 for k in range(each)]
            (keys_of_all,) = keys_by_run(log).values()
            times = np.bincount(keys_of_all, minlength=1_000)
            assert len(times) == 1_000
            assert times.max() - times.min() <= 1  # every key, as often as any other
