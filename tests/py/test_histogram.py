"""redisload.Histogram: against exact values, and against the PyPI hdrhistogram as an oracle."""

from __future__ import annotations

import base64
import math
import pickle
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from redisload._core import Histogram, IntervalHistograms

HOUR_NS = 3_600_000_000_000
NANOSECONDS = st.lists(st.integers(min_value=0, max_value=HOUR_NS), min_size=1, max_size=200)


def of_ns(values: Any) -> Histogram:
    histogram = Histogram()
    histogram.record_many(np.asarray(values, dtype=float), unit="ns")
    return histogram


def oracle_of_ns(values: Any) -> Any:
    oracle = HdrHistogram(1, HOUR_NS, 3)
    for value in values:
        assert oracle.record_value(int(value))
    return oracle


def counts_by_bucket(histogram: Histogram) -> dict[int, int]:
    return {round(row["low_s"] * 1e9): int(row["count"]) for row in histogram.buckets()}


def oracle_counts_by_bucket(oracle: Any) -> dict[int, int]:
    return {
        oracle.get_value_from_index(index): oracle.get_count_at_index(index)
        for index in range(oracle.counts_len)
        if oracle.get_count_at_index(index)
    }


def random_values() -> np.ndarray[Any, Any]:
    random = np.random.default_rng(7)
    tail = np.minimum(1e4 * random.pareto(1.1, 20_000) + 1, HOUR_NS)
    return np.concatenate([np.rint(tail), random.integers(0, 5000, 5_000)]).astype(np.int64)


class TestAgainstTheOracle:
    def test_counts_every_bucket_alike(self) -> None:
        values = random_values()
        assert counts_by_bucket(of_ns(values)) == oracle_counts_by_bucket(oracle_of_ns(values))

    @given(NANOSECONDS)
    def test_counts_any_values_alike(self, values: list[int]) -> None:
        assert counts_by_bucket(of_ns(values)) == oracle_counts_by_bucket(oracle_of_ns(values))

    def test_percentiles_are_equal_where_both_rank_alike(self) -> None:
        # The oracle rounds the rank to the nearest, we take the ceiling: at whole ranks they agree.
        values = random_values()
        histogram, oracle = of_ns(values), oracle_of_ns(values)
        n = len(values)
        for rank in [*range(1, n, 997), n - 10, n - 1]:
            expected = oracle.get_value_at_percentile(100 * rank / n)
            assert histogram.quantile(rank / n) == pytest.approx(expected / 1e9, rel=1e-12)

    def test_reads_our_encoding(self) -> None:
        values = random_values()
        decoded = HdrHistogram.decode(of_ns(values).to_hdr())
        assert decoded.get_total_count() == len(values)
        assert oracle_counts_by_bucket(decoded) == counts_by_bucket(of_ns(values))

    def test_writes_what_we_read(self) -> None:
        values = random_values()
        ours = Histogram.from_hdr(oracle_of_ns(values).encode())
        assert counts_by_bucket(ours) == counts_by_bucket(of_ns(values))
        assert ours.count == len(values)

    @given(NANOSECONDS)
    def test_encodings_of_any_values_are_read_both_ways(self, values: list[int]) -> None:
        histogram = of_ns(values)
        assert oracle_counts_by_bucket(HdrHistogram.decode(histogram.to_hdr())) == counts_by_bucket(histogram)
        assert counts_by_bucket(Histogram.from_hdr(histogram.to_hdr())) == counts_by_bucket(histogram)

    def test_an_empty_histogram_travels(self) -> None:
        assert HdrHistogram.decode(Histogram().to_hdr()).get_total_count() == 0
        assert Histogram.from_hdr(HdrHistogram(1, HOUR_NS, 3).encode()) == Histogram()


class TestAgainstExactValues:
    @given(NANOSECONDS, st.floats(min_value=0, max_value=1))
    def test_quantile_is_the_value_of_the_rank(self, values: list[int], q: float) -> None:
        exact = sorted(values)[max(math.ceil(round(q * len(values), 9)), 1) - 1]
        got = of_ns(values).quantile(q)
        assert got is not None
        assert exact <= got * 1e9 + 1e-3
        assert got * 1e9 <= exact * (1 + 1 / 1024) + 1e-3

    @given(NANOSECONDS)
    def test_extremes_and_moments_are_exact(self, values: list[int]) -> None:
        histogram = of_ns(values)
        assert histogram.min_s == min(values) / 1e9
        assert histogram.max_s == max(values) / 1e9
        assert histogram.mean_s == pytest.approx(sum(values) / len(values) / 1e9, rel=1e-12)
        mean = sum(values) / len(values)
        deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values)) / 1e9
        assert histogram.std_s == pytest.approx(deviation, rel=1e-9, abs=1e-15 * max(values))

    @given(NANOSECONDS, NANOSECONDS)
    def test_merged_parts_equal_the_whole(self, a: list[int], b: list[int]) -> None:
        assert of_ns(a) + of_ns(b) == of_ns(a + b) == of_ns(b) + of_ns(a)

    def test_a_reply_of_five_seconds_is_five_seconds(self) -> None:
        histogram = Histogram()
        histogram.record(5.0)
        assert histogram.quantile(0.5) == 5.0
        assert histogram.max_s == 5.0

    def test_overflow_is_counted_and_the_maximum_is_true(self) -> None:
        histogram = Histogram()
        histogram.record(1e-6, count=20)
        histogram.record(7200.0, count=2)
        assert (histogram.count, histogram.overflow, histogram.max_s) == (22, 2, 7200.0)
        assert histogram.quantile(1.0) == 7200.0
        assert int(histogram.buckets()["count"].sum()) == 22


class TestAbsence:
    def test_empty(self) -> None:
        histogram = Histogram()
        for name in ["min_s", "max_s", "mean_s", "std_s", "p50_s", "p999_s", "censored_floor_s"]:
            assert getattr(histogram, name) is None
        assert histogram.percentile(50) is None
        assert histogram.quantile(0.5) is None
        assert histogram.fraction_below(1.0) is None
        assert histogram.confidence_interval(50) == (None, None)
        assert histogram.percentiles([50, 99.9]) == {50: None, 99.9: None}
        assert np.isnan(histogram.percentile([50, 99.9])).all()
        assert len(histogram.buckets()) == 0

    def test_fewer_than_ten_beyond(self) -> None:
        histogram = of_ns(range(1, 101))
        assert histogram.p90_s == 90e-9
        assert histogram.percentile(90.1) is None
        assert histogram.p99_s is None
        assert histogram.quantile(0.99) == 99e-9
        assert np.array_equal(histogram.percentile([50, 99], unit="us"), [0.05, np.nan], equal_nan=True)

    def test_censored(self) -> None:
        histogram = of_ns([1000] * 80)
        histogram.record_censored(20, floor_s=10.0)
        assert (histogram.count, histogram.censored) == (80, 20)
        assert histogram.percentile(80) == 1e-6
        assert histogram.percentile(85) is None
        assert histogram.quantile(0.81) is None
        assert histogram.censored_floor_s == 10.0
        assert histogram.fraction_below(1.0) == 0.8
        assert histogram.mean_s == 1e-6
        low, high = histogram.confidence_interval(80)
        assert low == 1e-6
        assert high is None


class TestReading:
    def test_units_and_shapes(self) -> None:
        histogram = of_ns([1_500_000] * 50)
        assert histogram.percentile(50) == 0.0015
        assert histogram.percentile(50, unit="ms") == 1.5
        assert histogram.percentile(50, "us") == 1500.0
        assert type(histogram.percentile(np.float64(50))) is float
        assert histogram.percentile((50, 60), unit="ms").tolist() == [1.5, 1.5]
        assert histogram.percentile(np.array([[10, 20], [30, 40]])).shape == (2, 2)
        assert histogram.percentile([]).shape == (0,)
        assert histogram.percentiles([50, 99.9]) == {50: 0.0015, 99.9: None}

    def test_fraction_below(self) -> None:
        histogram = of_ns([1000, 2000, 3000, 4000])
        assert histogram.fraction_below(0) == 0.0
        assert histogram.fraction_below(2e-6) == 0.5
        assert histogram.fraction_below(math.inf) == 1.0

    def test_confidence_interval_covers_the_true_percentile(self) -> None:
        # 400 experiments of 1,000 uniform values: 95 % must cover; binomial, five deviations.
        random = np.random.default_rng(3)
        covered = 0
        for _ in range(400):
            low, high = of_ns(random.integers(0, 1000, 1000) * 2**20).confidence_interval(90)
            assert low is not None
            assert high is not None
            covered += low <= 900 * 2**20 / 1e9 * 1.001 and high >= 900 * 2**20 / 1e9 * 0.999
        assert covered >= 400 * 0.95 - 5 * math.sqrt(400 * 0.95 * 0.05)
        wide = of_ns(random.integers(0, 1000, 1000)).confidence_interval(90, level=0.999)
        narrow = of_ns(random.integers(0, 1000, 1000)).confidence_interval(90, level=0.5)
        assert wide[1] - wide[0] > narrow[1] - narrow[0]

    @pytest.mark.parametrize("p", [-0.1, 100.1, math.nan, [50, 101]])
    def test_a_percentile_out_of_range(self, p: Any) -> None:
        with pytest.raises(ValueError, match="within 0 to 100"):
            Histogram().percentile(p)

    def test_other_bad_arguments(self) -> None:
        histogram = Histogram()
        with pytest.raises(ValueError, match="unit must be"):
            histogram.percentile(50, unit="minutes")
        with pytest.raises(ValueError, match="within 0 to 1"):
            histogram.quantile(1.1)
        with pytest.raises(ValueError, match="level"):
            histogram.confidence_interval(50, level=1.0)
        with pytest.raises(TypeError):
            histogram.percentile("fifty")  # type: ignore[arg-type]


class TestRecording:
    @pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf, -math.inf])
    def test_a_bad_duration_is_refused(self, value: float) -> None:
        histogram = Histogram()
        with pytest.raises(ValueError, match="duration"):
            histogram.record(value)
        with pytest.raises(ValueError, match="duration"):
            histogram.record_many([1.0, value])
        assert histogram == Histogram()

    def test_units(self) -> None:
        expected = of_ns([2_000_000])
        for unit, value in [("s", 0.002), ("ms", 2), ("us", 2000), ("ns", 2_000_000)]:
            histogram = Histogram()
            histogram.record_many([value], unit=unit)
            assert histogram == expected
        with pytest.raises(ValueError, match="unit"):
            Histogram().record_many([1.0], unit="h")


class TestValue:
    def test_equality_and_hash(self) -> None:
        assert of_ns([1, 2]) == of_ns([2, 1])
        assert of_ns([1, 2]) != of_ns([1, 3])
        assert of_ns([1]) != "histogram"
        with pytest.raises(TypeError):
            hash(of_ns([1]))
        with pytest.raises(TypeError):
            of_ns([1]) + 1  # type: ignore[operator]

    def test_addition_leaves_its_operands(self) -> None:
        a, b = of_ns([1]), of_ns([2])
        a + b
        assert (a.count, b.count) == (1, 1)

    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_pickle(self, protocol: int) -> None:
        histogram = of_ns(random_values())
        histogram.record(7200.0)
        histogram.record_censored(3, floor_s=10.0)
        assert pickle.loads(pickle.dumps(histogram, protocol)) == histogram
        assert Histogram.from_bytes(histogram.to_bytes()) == histogram

    def test_repr(self) -> None:
        histogram = of_ns([1_000_000] * 30)
        histogram.record_censored(1)
        assert repr(histogram) == "<Histogram count=30 censored=1 p50=1 ms p99=- p99.9=- max=1 ms>"
        assert repr(Histogram()) == "<Histogram count=0>"


def compressed(plain: bytes) -> str:
    body = zlib.compress(plain)
    return base64.b64encode(struct.pack(">II", 0x1C849314, len(body)) + body).decode()


class TestForeignBytes:
    @pytest.mark.parametrize(
        "text",
        ["", "####", "AAAA", compressed(b""), compressed(b"nonsense"), base64.b64encode(bytes(64)).decode()],
    )
    def test_no_hdr_encoding(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"not a histogram|too early"):
            Histogram.from_hdr(text)

    def test_broken_zlib_stream(self) -> None:
        text = base64.b64encode(struct.pack(">II", 0x1C849314, 4) + b"abcd").decode()
        with pytest.raises(ValueError, match="not a histogram"):
            Histogram.from_hdr(text)

    def test_another_precision_is_refused(self) -> None:
        oracle = HdrHistogram(1, HOUR_NS, 2)
        oracle.record_value(5)
        with pytest.raises(ValueError, match="another layout"):
            Histogram.from_hdr(oracle.encode())

    @given(st.binary(max_size=300))
    def test_arbitrary_bytes_never_do_more_than_raise(self, data: bytes) -> None:
        readers: list[Any] = [Histogram.from_bytes, IntervalHistograms.from_bytes]
        for reader in readers:
            with pytest.raises(ValueError, match=r"."):
                reader(b"\xff" + data)
        with pytest.raises(ValueError, match=r"."):
            Histogram.from_hdr(compressed(data))

    def test_interval_histograms_are_saved_empty_too(self) -> None:
        empty = IntervalHistograms.from_bytes(b"RLIH\x01\x00\x00")
        assert len(empty) == 0
        assert empty.covered(0, 10) is None
        assert empty.merged(0, 10) == Histogram()
        assert pickle.loads(pickle.dumps(empty)).to_bytes() == empty.to_bytes()
        with pytest.raises(ValueError, match="measure"):
            empty.merged(0, 1, "latency")
        with pytest.raises(ValueError, match="labelled"):
            empty.merged(0, 1, "service", "GET")
