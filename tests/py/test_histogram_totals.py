"""Histograms of real runs against exact values, the PyPI hdrhistogram, their intervals and their sums."""

from __future__ import annotations

import itertools
import json
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram

import redisload as rl
from support.conservation import assert_conserved
from support.live import measured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redisload._core import Histogram

pytestmark = pytest.mark.redis

HOUR_NS = 3_600_000_000_000
PERCENTILES = [0, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100]


@pytest.fixture(scope="module")
def result() -> Iterator[rl.Result]:
    """An open-loop run of which every operation was sampled."""
    with rl.server() as server:
        yield rl.run(
            server.url, rate=4000, duration_s=3, connections=8, threads=2, pipeline=4, keys=10_000, seed=3,
            sample_rate=1.0, interval_s=0.1,
        )  # fmt: skip


def times_ns(result: rl.Result, kind: str, label: str | None = None) -> np.ndarray:
    """The exact service or response times of the operations that succeeded, sorted."""
    names = result.samples.names
    wanted = measured(result, "outcome") == names["outcome"].index("succeeded")
    if label is not None:
        wanted &= measured(result, "operation") == names["operation"].index(label)
    begin = measured(result, {"service_time": "sent_ns", "response_time": "intended_ns"}[kind])
    return np.sort((measured(result, "completed_ns") - begin)[wanted])


def ranked_s(exact_ns: np.ndarray, censored: int, percentile: float) -> Any:
    """The exact percentile to three digits; None where censored operations, longer than all others, lie."""
    rank = max(1, int(np.ceil(percentile / 100 * (len(exact_ns) + censored) - 1e-9)))
    return pytest.approx(exact_ns[rank - 1] / 1e9, rel=0.001) if rank <= len(exact_ns) else None


def histograms(result: rl.Result) -> Iterator[tuple[str, str | None, Histogram]]:
    for kind in ("service_time", "response_time"):
        yield kind, None, getattr(result, kind)
        for label, operation in result.operations.items():
            yield kind, label, operation[kind]


def recorded(histogram: HdrHistogram) -> list[tuple[int, int]]:
    steps = histogram.get_recorded_iterator()
    return [(step.value_iterated_to, step.count_added_in_this_iter_step) for step in steps]


def test_every_count_agrees_with_every_other(result: rl.Result) -> None:
    assert_conserved(result)
    assert result.totals.succeeded > 1000
    assert len(result.intervals) > 30


def test_exact_values_within_three_digits(result: rl.Result) -> None:
    for kind, label, histogram in histograms(result):
        exact = times_ns(result, kind, label)
        assert len(exact) == histogram.count > 100
        assert histogram.min_s == exact[0] / 1e9
        assert histogram.max_s == exact[-1] / 1e9
        assert histogram.mean_s == pytest.approx(exact.mean() / 1e9, rel=1e-9)
        assert histogram.std_s == pytest.approx(exact.std() / 1e9, rel=1e-6)
        for percentile in PERCENTILES:
            value_s = ranked_s(exact, histogram.censored, percentile)
            assert histogram.quantile(percentile / 100) == value_s, (kind, label)
        for row in histogram.buckets():
            inside = (exact >= row["low_s"] * 1e9 - 0.5) & (exact <= row["high_s"] * 1e9 + 0.5)
            assert row["count"] <= inside.sum()
            assert row["high_s"] - row["low_s"] <= max(1e-9, 0.001 * row["low_s"])


def test_equal_to_the_hdrhistogram_of_others(result: rl.Result) -> None:
    for kind, label, histogram in histograms(result):
        theirs = HdrHistogram(1, HOUR_NS, 3)
        for value_ns in times_ns(result, kind, label):
            theirs.record_value(int(value_ns))
        ours = HdrHistogram.decode(histogram.to_hdr())
        assert ours.get_total_count() == theirs.get_total_count() == histogram.count
        assert recorded(ours) == recorded(theirs)
        assert type(histogram).from_hdr(theirs.encode()).to_hdr() == histogram.to_hdr()
        uncensored = type(histogram).from_hdr(histogram.to_hdr())
        # They round the rank p/100 * n to the nearest one and we take the next one above: these meet in each.
        for rank in np.unique(np.geomspace(1, histogram.count, 40).astype(int)):
            quantile = (float(rank) - 0.25) / histogram.count
            value_s = theirs.get_value_at_percentile(100 * quantile) / 1e9
            assert uncensored.quantile(quantile) == pytest.approx(value_s, rel=0.001)


def test_parts_of_a_run_merge_to_the_whole(result: rl.Result) -> None:
    window = result.intervals[np.isin(result.intervals["phase"], ("measure", "drain"))]
    edges = [float(window["start_s"][index]) for index in (0, 7, 8, 20)] + [1e9]
    parts = [result.between(low + 1e-6, high) for low, high in itertools.pairwise(edges)]
    for name in ("offered", "issued", "succeeded"):
        assert sum(part.totals[name] for part in parts) == result.totals[name]
    for kind, label, histogram in histograms(result):
        pieces = [part.operations[label][kind] if label else getattr(part, kind) for part in parts]
        assert reduce(add, pieces) == histogram
        assert sum(piece.count for piece in pieces) == histogram.count
    # Each interval's percentiles are those of its own histogram, not of the run's.
    row = window[9]
    alone = result.between(float(row["start_s"]) + 1e-6, float(row["start_s"] + row["duration_s"]) - 1e-6)
    assert alone.response_time.p95_s == row["response_p95_s"]
    assert alone.service_time.max_s == row["service_max_s"]
    assert alone.service_time.count == row["succeeded"]


def test_two_results_merge_to_their_sum(result: rl.Result) -> None:
    other = rl.run(operations=5000, connections=4, keys=1000, sample_rate=1.0)
    both = result.merge(other)
    for name in ("offered", "issued", "succeeded", "failed", "lost", "hits", "misses", "bytes_sent"):
        assert both.totals[name] == result.totals[name] + other.totals[name]
        for label, operation in both.operations.items():
            assert operation[name] == result.operations[label][name] + other.operations[label][name]
    for kind, label, histogram in histograms(both):
        parts = [one.operations[label][kind] if label else getattr(one, kind) for one in (result, other)]
        assert histogram == parts[0] + parts[1] == parts[1] + parts[0]
        exact = np.sort(np.concatenate([times_ns(one, kind, label) for one in (result, other)]))
        assert histogram.count == len(exact)
        assert histogram.quantile(0.9) == ranked_s(exact, histogram.censored, 90)
    assert both.commands["measure"] == {
        name: result.commands["measure"][name] + other.commands["measure"][name]
        for name in result.commands["measure"]
    }
    assert other.merge(result).to_dict()["response_time"] == both.to_dict()["response_time"]


def test_saving_keeps_every_bucket(result: rl.Result, tmp_path: Path) -> None:
    result.save(tmp_path / "run.rl")
    loaded = rl.load(tmp_path / "run.rl")
    (tmp_path / "run.json").write_text(result.to_json())
    from_json = rl.load(tmp_path / "run.json")
    for again in (loaded, from_json):
        for (kind, label, before), (_, _, after) in zip(histograms(result), histograms(again), strict=True):
            assert after == before, (kind, label)
            assert after.to_bytes() == before.to_bytes()
        for name in ("lateness", "connect_time", "error_time", "base_rtt"):
            assert getattr(again, name) == getattr(result, name)
        assert again.totals == result.totals
    assert_conserved(loaded)  # samples and interval histograms included
    assert loaded == result
    out = json.loads(result.to_json())
    decoded = HdrHistogram.decode(out["response_time"]["hdr"])
    assert decoded.get_total_count() == out["response_time"]["count"] == result.response_time.count
    assert out["response_time"]["p99_s"] == result.response_time.p99_s
