"""What workloads add to a result: counters, series, tables; and how it is kept, added up and shown."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import redisload as rl
from support.sample_results import data, histogram, latencies, result

if TYPE_CHECKING:
    from pathlib import Path


def with_extras(**changes: Any) -> rl.Result:
    """What workloads add: a counter that is 0 and one that is not, a series, a table; and a step."""
    return result(
        counters={"lost": 0, "delivered": 7},
        series={"delivery": histogram(latencies(2_000, 1e-3)), "other": histogram([1e-3])},
        report={"subscribers": [{"connection": 1, "delivered": 7}]},
        steps=[{"name": "ramp 1", "start_s": 0.5, "end_s": 4.5, "rate": 1.0, "to_rate": None}],
        **changes,
    )


class TestWhatWorkloadsAdd:
    def test_reading(self) -> None:
        made = with_extras()
        assert made.counters == {"lost": 0, "delivered": 7}
        assert made.series.keys() == {"delivery", "other"}
        assert made.delivery == made.series["delivery"]
        assert made.other.count == 1
        assert made.batch.count == 0
        assert made.tables["subscribers"] == [{"connection": 1, "delivered": 7}]
        assert made.steps[0]["name"] == "ramp 1"
        made.counters["lost"] = 9
        made.tables["subscribers"][0]["delivered"] = 9
        assert made == with_extras()

    def test_a_result_of_before_has_none(self) -> None:
        made = result()
        assert (made.counters, made.series, made.tables, made.steps) == ({}, {}, {}, [])
        assert made.delivery.count == 0
        with pytest.raises(AttributeError, match="has no 'other'"):
            _ = made.other

    def test_saved_json_and_pickled(self, tmp_path: Path) -> None:
        made = with_extras()
        made.save(tmp_path / "run")
        (tmp_path / "run.json").write_text(made.to_json())
        for again in (
            rl.load(tmp_path / "run"),
            rl.load(tmp_path / "run.json"),
            pickle.loads(pickle.dumps(made)),
            copy.deepcopy(made),
        ):
            assert again == made
            assert again.counters == made.counters
            assert again.delivery == made.delivery
            assert again.tables == made.tables
            assert again.steps == made.steps
        out = json.loads(made.to_json())
        assert out["counters"]["delivered"] == 7
        assert out["series"]["delivery"]["count"] == 2_000
        assert out["tables"]["subscribers"][0]["connection"] == 1

    def test_merged(self) -> None:
        merged = with_extras().merge(with_extras(started_at=1_790_000_100.25))
        assert merged.counters == {"lost": 0, "delivered": 14}
        assert merged.delivery.count == 4_000
        assert len(merged.tables["subscribers"]) == 2
        assert [step["start_s"] for step in merged.steps] == [0.5, 100.5]
        one_sided = result().merge(with_extras())
        assert one_sided.counters == with_extras().counters
        assert one_sided.delivery == with_extras().delivery

    def test_as_a_frame(self) -> None:
        assert with_extras().to_pandas("subscribers")["delivered"].tolist() == [7]
        with pytest.raises(ValueError, match="did you mean 'subscribers'"):
            with_extras().to_pandas("subscriber")

    def test_in_the_report(self) -> None:
        text = with_extras().report()
        for part in ("delivery ", "delivered", "subscribers", "other"):
            assert part in text
        assert all(len(line) <= 80 for line in text.splitlines()[1:])
        wide = [{f"a long column {number}": number for number in range(12)}] * 30
        text = result(report={"wide_one": wide}).report()
        assert "result.tables['wide_one'] (30 rows)" in text
        assert all(len(line) <= 80 for line in text.splitlines()[1:])

    def test_evictions_and_expiries(self) -> None:
        environment = data()["environment"] | {"server": {"evicted_keys": 3, "expired_keys": 1}}
        assert "3 keys evicted, 1 key expired during the run" in result(environment=environment).report()
        assert "evicted" not in result().report()

    def test_the_wait_for_a_client(self) -> None:
        assert "pool wait" in result(pool_wait=histogram(latencies(200, 1e-3))).report()
        assert "pool wait" not in result().report()
