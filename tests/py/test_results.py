"""Results: reading, saving, JSON, parts and sums, frames, plots."""

from __future__ import annotations

import copy
import io
import json
import math
import pickle
import threading
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import redisload as rl
from support.sample_results import SECRET, data, histogram, result, rows, with_outage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOTALS = [
    "offered",
    "issued",
    "not_sent",
    "succeeded",
    "failed",
    "timed_out",
    "lost",
    "hits",
    "misses",
    "attempts",
    "retries",
    "late_replies",
    "bytes_sent",
    "bytes_received",
    "elapsed_s",
    "throughput",
    "goodput",
]


class TestReading:
    def test_totals_as_items_and_attributes(self) -> None:
        made = result()
        assert set(TOTALS) <= set(made.totals)
        assert made.totals["issued"] == made.totals.issued == made.issued == 4000
        assert dict(made.totals)["throughput"] == made.throughput == 1000.0
        with pytest.raises(AttributeError, match="no total is called 'isued'"):
            _ = made.totals.isued
        with pytest.raises(AttributeError, match="has no 'isued'"):
            _ = made.isued

    def test_operations(self) -> None:
        get = result().operations["GET"]
        assert get.issued == get["issued"] == get.totals.issued == 2000
        assert get.errors == {}
        assert get.service_time.p50_s == pytest.approx(0.4e-3, rel=0.1)
        assert "service_time" not in get.totals

    def test_what_is_given_out_cannot_change_the_result(self) -> None:
        made = result()
        made.errors["x.y"] = 1
        made.commands["measure"]["GET"] = 0
        made.events.clear()
        made.warnings.append({"code": "x", "message": "y"})
        assert made == result()

    def test_samples(self) -> None:
        samples = result().samples
        assert samples["sent_ns"].tolist() == [11, 21, -1]
        assert [samples.names["operation"][code] for code in samples["operation"]] == ["GET", "SET", "SET"]
        assert (samples.count, samples.dropped, len(samples)) == (3, 0, 5)

    def test_plain_attributes(self) -> None:
        made = result(name="mine")
        assert (made.name, made.seed, made.verdict, made.valid, made.final) == (
            "mine",
            42,
            "unsaturated",
            True,
            True,
        )
        assert made.stop_reason == "duration"
        assert made.phases[1]["phase"] == "measure"
        assert made.nodes == {}
        assert made.base_rtt is not None
        assert result(base_rtt=None).base_rtt is None


class TestJson:
    def test_schema_1(self) -> None:
        out = json.loads(result().to_json())
        assert (out["schema"], out["kind"], out["redisload"]) == (1, "run", "0.1.0")
        assert out["started_at"] == "2026-09-21T14:13:20.250000Z"
        assert list(out["totals"]) == TOTALS
        for name in ("service_time", "response_time", "error_time"):
            names = [
                "count",
                "min_s",
                "mean_s",
                "p50_s",
                "p90_s",
                "p95_s",
                "p99_s",
                "p999_s",
                "max_s",
                "percentiles_s",
                "hdr",
            ]
            assert set(names) <= set(out[name])
            assert set(names) <= set(out["operations"]["GET"][name])
        assert out["operations"]["GET"]["errors"] == {}
        assert out["commands"]["measure"] == {"GET": 2000, "SET": 2000}
        assert out["intervals"][0]["phase"] == "measure"
        top = [
            "valid",
            "verdict",
            "warnings",
            "interrupted",
            "stop_reason",
            "seed",
            "errors",
            "events",
            "config",
            "environment",
            "name",
        ]
        assert set(top) <= set(out)

    def test_absent_numbers_are_null_and_never_nan(self) -> None:
        text = result().to_json()
        assert "NaN" not in text
        assert "Infinity" not in text
        out = json.loads(text)
        assert out["error_time"]["p50_s"] is None
        assert out["intervals"][0]["lateness_p99_s"] is None

    def test_a_percentile_on_few_samples_and_one_among_the_censored_are_null(self) -> None:
        few = result(service_time=histogram([1e-3] * 100)).to_dict()["service_time"]
        assert few["p50_s"] is not None
        assert few["p99_s"] is None
        outage = with_outage().to_dict()["response_time"]
        assert (outage["count"], outage["censored"]) == (3600, 400)
        assert outage["p50_s"] is not None
        assert outage["p95_s"] is None
        assert outage["percentiles_s"]["99"] is None
        assert outage["censored_floor_s"] == pytest.approx(10.0)

    def test_no_secret(self) -> None:
        made = result()
        for text in (made.to_json(), repr(made), made.report(), made._repr_html_(), str(made.config)):
            assert SECRET not in text

    def test_plain_python_values_only(self) -> None:
        def check(value: Any) -> None:
            assert value is None or type(value) in (dict, list, str, int, float, bool)
            for one in (
                value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            ):
                check(one)

        check(result().to_dict())


class TestSaving:
    def test_whole_again(self, tmp_path: Path) -> None:
        for made in (result(name="a"), with_outage()):
            made.save(tmp_path / "run.redisload")
            again = rl.load(tmp_path / "run.redisload")
            assert again == made
            assert again.to_dict() == made.to_dict()
            assert again.samples["completed_ns"].tolist() == made.samples["completed_ns"].tolist()
            assert again.samples.names == made.samples.names
            assert again.intervals.tobytes() == made.intervals.tobytes()
            assert again.response_time == made.response_time
            assert again.service_time.std_s == made.service_time.std_s

    def test_no_pickle_in_it(self, tmp_path: Path) -> None:
        result().save(tmp_path / "run")
        with zipfile.ZipFile(tmp_path / "run") as archive:
            names = archive.namelist()
            for name in names:
                if name.endswith(".npy"):
                    np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
            assert not [name for name in names if name.endswith((".pkl", ".pickle"))]

    def test_replaces_atomically_and_leaves_nothing_behind(self, tmp_path: Path) -> None:
        target = tmp_path / "run"
        target.write_text("before")
        broken = data()
        broken["events"] = [{"time_s": 1.0, "kind": object}]
        broken["samples"] = {"sent_ns": np.array([object()])}  # numpy refuses it without pickle
        with pytest.raises(ValueError, match="allow_pickle"):
            rl.Result(broken).save(target)
        assert target.read_text() == "before"
        assert [path.name for path in tmp_path.iterdir()] == ["run"]

    def test_the_file_has_the_rights_that_any_new_file_has(self, tmp_path: Path) -> None:
        result().save(tmp_path / "run")
        (tmp_path / "other").write_text("")
        assert (tmp_path / "run").stat().st_mode == (tmp_path / "other").stat().st_mode

    def test_json_is_read_too(self, tmp_path: Path) -> None:
        made = with_outage()
        (tmp_path / "run.json").write_text(made.to_json())
        again = rl.load(tmp_path / "run.json")
        assert again.totals == made.totals
        assert again.intervals.tobytes() == made.intervals.tobytes()
        assert again.started_at == made.started_at
        assert again.response_time.percentile(50) == pytest.approx(
            made.response_time.percentile(50), rel=1e-3
        )
        assert again.response_time.percentile(99) is None
        assert again.response_time.censored == 400
        assert again.to_dict() == made.to_dict()
        assert again.samples.count == 0
        with pytest.raises(rl.RunError, match="from JSON"):
            again.between(0, 2)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"garbage",
            b"{}",
            b"[]",
            b"null",
            b'{"schema": 1, "kind": "run"}',
            b'{"schema": 9, "kind": "run"}',
            b"[" * 100_000,
            b"PK\x05\x06" + b"\0" * 18,
            b"\xff\xfe",
        ],
    )
    def test_garbage_is_an_error_that_names_the_file(self, content: bytes, tmp_path: Path) -> None:
        (tmp_path / "thing").write_bytes(content)
        with pytest.raises(rl.RedisloadError, match="thing: not a saved result"):
            rl.load(tmp_path / "thing")

    def test_a_damaged_file_is_an_error_or_whole(self, tmp_path: Path) -> None:
        result().save(tmp_path / "run")
        whole = (tmp_path / "run").read_bytes()
        random = np.random.default_rng(5)
        for _ in range(150):
            damaged = bytearray(whole)
            for place in random.integers(0, len(whole), 3):
                damaged[place] ^= int(random.integers(1, 256))
            (tmp_path / "damaged").write_bytes(damaged[: int(random.integers(1, len(whole) + 1))])
            try:
                rl.load(tmp_path / "damaged")
            except rl.RedisloadError as error:
                assert "not a saved result" in str(error)  # noqa: PT017

    def test_a_missing_file_is_an_oserror(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            rl.load(tmp_path / "none")

    def test_pickle_and_copy(self) -> None:
        made = with_outage()
        assert pickle.loads(pickle.dumps(made)) == made
        assert copy.deepcopy(made) == made
        assert result() != made
        assert made != 3
        totals = pickle.loads(pickle.dumps(made.totals))
        assert totals == made.totals


class TestMerge:
    def test_side_by_side_the_rates_add_up(self) -> None:
        merged = result().merge(result())
        assert merged.totals.issued == 8000
        assert merged.totals.elapsed_s == pytest.approx(4.0)
        assert merged.totals.throughput == pytest.approx(2000.0)
        assert merged.service_time.count == 8000
        assert merged.service_time == result().service_time + result().service_time
        assert merged.operations["GET"].issued == 4000
        assert merged.commands["measure"] == {"GET": 4000, "SET": 4000}
        assert merged.samples.count == 6

    def test_one_after_the_other_they_do_not(self) -> None:
        first, second = result(), result(started_at=1_790_000_100.25)
        for merged in (first.merge(second), second.merge(first)):
            assert merged.totals.elapsed_s == pytest.approx(8.0)
            assert merged.totals.throughput == pytest.approx(1000.0)
            assert merged.started_at == first.started_at
            assert merged.intervals["start_s"].tolist() == sorted(merged.intervals["start_s"].tolist())
            assert merged.intervals["start_s"][-1] == pytest.approx(104.5)
            assert merged.events[1]["time_s"] == pytest.approx(101.5)
            assert merged.samples["intended_ns"].tolist()[3] - 10 == 100_000_000_000
            assert merged.samples["sent_ns"][-1] == -1

    def test_what_only_one_has_is_kept(self) -> None:
        other = data(errors={"reply.OOM": 3}, valid=False, warnings=[{"code": "x", "message": "y"}])
        other["operations"] = {"DEL": other["operations"]["GET"]}
        merged = result().merge(rl.Result(other))
        assert set(merged.operations) == {"GET", "SET", "DEL"}
        assert merged.errors == {"reply.OOM": 3}
        assert not merged.valid
        assert merged.warnings == [{"code": "x", "message": "y"}]
        assert json.loads(merged.to_json())["totals"]["issued"] == 8000

    def test_codes_of_samples_are_translated(self) -> None:
        other = data()
        other["sample_names"] = {"operation": ["SET", "DEL"], "outcome": ["lost", "succeeded"]}
        other["samples"]["outcome"] = np.array([0, 1, 1], dtype=np.uint8)
        samples = result().merge(rl.Result(other)).samples
        texts = [samples.names["operation"][code] for code in samples["operation"]]
        assert texts == ["GET", "SET", "SET", "SET", "DEL", "DEL"]
        assert [samples.names["outcome"][code] for code in samples["outcome"]][3:] == [
            "lost",
            "succeeded",
            "succeeded",
        ]


class TestCompare:
    def test_the_same_twice(self) -> None:
        comparison = rl.compare(result(), result())
        assert comparison["throughput"].change == 0
        assert comparison["response p99"].apart is False
        assert "overlap" in comparison.report()
        assert not comparison.warnings

    def test_a_real_difference_and_unlike_circumstances(self) -> None:
        slower = data(connections=20, response_time=histogram([2e-3 + i * 1e-7 for i in range(4000)]))
        slower["environment"] = {**slower["environment"], "cores": 64}
        comparison = rl.compare(result(), rl.Result(slower))
        assert comparison["response p50"].apart is True
        assert comparison["response p50"].change == pytest.approx(3.4, abs=0.5)
        warnings = " ".join(comparison.warnings)
        assert "topology.max_connections differs: 50 and 20" in warnings
        assert "cores differs: 2 and 64" in warnings
        assert all(len(line) <= 80 for line in comparison.report().splitlines())

    def test_too_little_to_say_is_said(self) -> None:
        short = result(intervals=rows(1), response_time=histogram([1e-3] * 5))
        comparison = rl.compare(short, short)
        assert comparison["throughput"].apart is None
        assert comparison["response p99"].apart is None
        assert "unknown" in comparison.report()

    @pytest.mark.parametrize(
        ("freedom", "point"), [(1, 12.706), (3, 3.182), (9, 2.262), (29, 2.045), (1000, 1.962)]
    )
    def test_student(self, freedom: int, point: float) -> None:
        from redisload.comparison import _student_95

        assert _student_95(freedom) == pytest.approx(point, rel=5e-3)


class TestFrames:
    def test_tables(self) -> None:
        made = with_outage()
        intervals = made.to_pandas()
        assert len(intervals) == 5
        assert intervals["phase"].tolist()[-1] == "drain"
        operations = made.to_pandas("operations")
        assert operations.loc["GET", "issued"] == 2000
        assert operations.loc["GET", "service_p50_s"] == pytest.approx(0.4e-3, rel=0.1)
        samples = made.to_pandas("samples")
        assert samples["operation"].tolist() == ["GET", "SET", "SET"]
        errors = made.to_pandas("errors")
        assert errors.values.tolist() == [["", "timeout.response", 400]]
        assert made.to_pandas("events")["kind"].tolist() == ["disconnect"]

    def test_samples_are_not_copied(self) -> None:
        made = result()
        assert np.shares_memory(made.to_pandas("samples")["sent_ns"].to_numpy(), made.samples["sent_ns"])

    def test_an_unknown_table_is_answered_with_the_nearest(self) -> None:
        with pytest.raises(ValueError, match="did you mean 'intervals'"):
            result().to_pandas("interval")

    @pytest.mark.parametrize(("module", "call"), [("pandas", "to_pandas"), ("matplotlib.figure", "plot")])
    def test_without_the_extra_it_is_named(
        self, module: str, call: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, module, None)
        with pytest.raises(ImportError, match=r"redisload\[analysis\]"):
            getattr(result(), call)()


class TestPlot:
    @pytest.mark.parametrize(
        "make", [result, with_outage, lambda: result(rate=1000)], ids=["closed", "outage", "open"]
    )
    def test_two_panels(self, make: Callable[[], rl.Result], tmp_path: Path) -> None:
        figure = make().plot()
        figure.savefig(tmp_path / "plot.png")
        left, right = figure.axes[:2]
        assert left.get_yscale() == "log"
        assert len(left.get_lines()) == 2
        assert len(right.get_lines()) >= 3

    def test_from_a_thread_and_of_an_empty_result(self) -> None:
        empty = result(service_time=histogram(), response_time=histogram(), intervals=rows(0))
        figures: list[object] = []
        thread = threading.Thread(target=lambda: figures.append(empty.plot()))
        thread.start()
        thread.join()
        assert figures


def test_a_result_of_nothing_is_readable_too() -> None:
    empty = data(intervals=rows(0)[:0], operations={}, commands={}, base_rtt=None)
    for name in ("service_time", "response_time", "lateness", "connect_time"):
        empty[name] = histogram()
    empty["totals"] = {**dict.fromkeys(TOTALS, 0), "elapsed_s": 0.0, "throughput": 0.0, "goodput": 0.0}
    made = rl.Result(empty)
    assert math.isclose(made.totals.elapsed_s, 0.0)
    for text in (made.report(), repr(made), made._repr_html_(), made.to_json()):
        assert text
