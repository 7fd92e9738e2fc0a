"""Scenarios at a real server: what arrives in each step and ramp, against the arithmetic of their rates."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

import redisload as rl
from support.conservation import assert_conserved
from support.live import wait_for_measure
from support.server_view import ServerView, commands_of
from test_cli import shell

if TYPE_CHECKING:
    from pathlib import Path

    from redisload.embedded import EmbeddedServer

pytestmark = pytest.mark.redis

STEPS: list[rl.Step | rl.Ramp] = [
    rl.Step(1, rate=1_000),
    rl.Ramp(2, 1_000, 5_000, name="morning"),
    rl.Step(0.5, rate=0),
    rl.Step(1, rate=3_000),
]
ARRIVALS = [1_000, 6_000, 0, 3_000]
CHECKED_OUT = rl.Topology(checkout="per_operation", threads_per_pool=4, clients_per_pool=4)
TOML = """
[[phase]]
kind = "load"

[[phase]]
kind = "warmup"
duration = "200ms"

[[phase]]
kind = "step"
name = "night"
duration = 0.5
rate = 1000

[[phase]]
duration_s = "500ms"
rate = 1000
to_rate = 3000
"""
AS_PYTHON = [
    rl.Load(),
    rl.Warmup(0.2),
    rl.Step(0.5, rate=1000, name="night"),
    rl.Ramp(0.5, 1000, 3000),
]


def spans(result: rl.Result) -> list[tuple[float, float]]:
    return [(step["start_s"], step["end_s"]) for step in result.steps]


def parts(result: rl.Result) -> list[rl.Result]:
    """The result of each step; steps end with an interval here, so nothing is widened."""
    each = [result.between(start_s, end_s) for start_s, end_s in spans(result)]
    assert all("between_widened" not in {one["code"] for one in part.warnings} for part in each)
    return each


class TestConstantArrivals:
    @pytest.mark.parametrize(
        "load",
        [{}, {"threads": 2, "pipeline": 4}, {"topology": CHECKED_OUT}],
        ids=["one worker", "two workers", "per operation"],
    )
    def test_counts_are_those_of_the_rates(self, redis_server: EmbeddedServer, load: dict[str, Any]) -> None:
        with ServerView(redis_server.url) as view:
            result = rl.run(
                redis_server.url, scenario=STEPS, arrivals="constant", keys=1_000, interval_s=0.1, **load
            )
            assert commands_of(result) == view.commands()
        assert_conserved(result)
        assert not result.closed_loop
        assert result.totals.elapsed_s == pytest.approx(4.5, abs=0.01)
        assert result.totals.offered == pytest.approx(sum(ARRIVALS), abs=2)
        offered = [part.totals.offered for part in parts(result)]
        assert offered == [pytest.approx(arrivals, abs=2) for arrivals in ARRIVALS]

    def test_what_the_result_says_of_its_steps(self, redis_server: EmbeddedServer) -> None:
        result = rl.run(redis_server.url, scenario=STEPS, arrivals="constant", keys=100, interval_s=0.1)
        named = [(step["name"], step["rate"], step["to_rate"]) for step in result.steps]
        assert named == [
            ("step 1", 1_000, 1_000), ("morning", 1_000, 5_000), ("step 3", 0, 0), ("step 4", 3_000, 3_000)
        ]  # fmt: skip
        (window,) = (phase for phase in result.phases if phase["phase"] == "measure")
        ends = np.cumsum([step.duration_s for step in STEPS])
        assert [end_s - window["start_s"] for _, end_s in spans(result)] == pytest.approx(ends, abs=1e-6)
        assert [start_s for start_s, _ in spans(result)][1:] == [end_s for _, end_s in spans(result)][:-1]
        assert "scenario of 4 steps, open loop at 0 to 5,000 op/s (constant arrivals)" in result.report()
        assert json.loads(result.to_json())["steps"] == result.steps

    def test_target_rate_follows(self, redis_server: EmbeddedServer) -> None:
        result = rl.run(redis_server.url, scenario=STEPS, arrivals="constant", keys=100, interval_s=0.1)
        rows = result.intervals[result.intervals["phase"] == "measure"]
        middle_s = rows["start_s"] + rows["duration_s"] / 2
        first, ramp, silence, last = (
            rows[(middle_s > start_s) & (middle_s < end_s)] for start_s, end_s in spans(result)
        )
        for step, rate in ((first, 1_000), (silence, 0), (last, 3_000)):
            assert set(step["target_rate"]) == {rate}
        # A row of a ramp has a rate that the ramp had meanwhile: 200/s from row to row.
        begins = 1_000 + 200 * np.arange(20)
        assert ((ramp["target_rate"] >= begins) & (ramp["target_rate"] <= begins + 200)).all()
        assert ramp["offered"] == pytest.approx(110 + 20 * np.arange(20), abs=1)

    def test_a_ramp_may_fall_and_be_shorter_than_its_own_steps(self, redis_server: EmbeddedServer) -> None:
        scenario = [rl.Ramp(0.99, 4_000, 0), rl.Ramp(0.01, 0, 10_000), rl.Ramp(0.5, 333, 1_001)]
        result = rl.run(redis_server.url, scenario=scenario, arrivals="constant", keys=100)
        assert result.totals.offered == pytest.approx(1_980 + 50 + 333.5, abs=3)


def test_poisson_arrivals_have_the_same_mean(redis_server: EmbeddedServer) -> None:
    result = rl.run(redis_server.url, scenario=STEPS, keys=1_000, interval_s=0.1, threads=2, seed=11)
    offered = [part.totals.offered for part in parts(result)]
    assert offered[2] == 0
    for seen, mean in zip([*offered, sum(offered)], [*ARRIVALS, sum(ARRIVALS)], strict=True):
        assert abs(seen - mean) <= 5 * math.sqrt(mean), offered
    assert offered != ARRIVALS


class TestThinkTime:
    def test_it_bounds_a_closed_loop(self, redis_server: EmbeddedServer) -> None:
        result = rl.run(redis_server.url, connections=10, think_s=0.01, duration_s=1.5, keys=100)
        assert 800 <= result.totals.throughput <= 1_000
        assert "closed loop with 10 ms of thinking" in result.report()

    @pytest.mark.parametrize("topology", [None, CHECKED_OUT], ids=["pinned", "per operation"])
    def test_each_step_has_its_own(self, redis_server: EmbeddedServer, topology: rl.Topology | None) -> None:
        scenario = [
            rl.Step(1, think_s=0.01),
            rl.Step(1, think_s=timedelta(milliseconds=40)),
            rl.Step(0.5, think_s=0),
        ]
        load: dict[str, Any] = {"connections": 4} if topology is None else {"topology": topology}
        result = rl.run(redis_server.url, scenario=scenario, keys=100, interval_s=0.1, **load)
        assert result.closed_loop
        assert_conserved(result)
        first, second, last = (part.totals.throughput for part in parts(result))
        # Four at a time, each at most once a pause; one of each began before its step did.
        assert 0.8 * 400 <= first <= 404
        assert 0.8 * 100 <= second <= 108
        assert last > 2_000
        assert [step["rate"] for step in result.steps] == [None] * 3
        assert np.isnan(result.intervals["target_rate"]).all()


class TestLoadAndWarmup:
    def test_they_come_first_and_are_not_counted(self, redis_server: EmbeddedServer) -> None:
        result = rl.run(
            redis_server.url, scenario=[rl.Load(), rl.Warmup(0.5), rl.Step(0.5, rate=800)],
            arrivals="constant", keys=300, workload={"GET {key}": 1},
        )  # fmt: skip
        assert result.commands["prefill"] == {"SET": 300}
        assert result.commands["warmup"] == {"GET": pytest.approx(400, abs=2)}
        assert result.commands["measure"] == {"GET": pytest.approx(400, abs=2)}
        assert [phase["phase"] for phase in result.phases][-3:] == ["prefill", "warmup", "measure"]
        assert [step["name"] for step in result.steps] == ["step 1"]

    def test_the_warm_up_has_the_first_rate_of_a_ramp(self, redis_server: EmbeddedServer) -> None:
        result = rl.run(
            redis_server.url, scenario=[rl.Warmup(0.5), rl.Ramp(0.5, 2_000, 200)],
            arrivals="constant", keys=100, prefill=False,
        )  # fmt: skip
        assert sum(result.commands["warmup"].values()) == pytest.approx(1_000, rel=0.02)
        assert result.totals.offered == pytest.approx(550, abs=2)


class TestFiles:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "day.toml"
        path.write_text(TOML, encoding="utf-8")
        return path

    def test_a_file_is_a_list(self, path: Path) -> None:
        assert rl.load_scenario(path) == AS_PYTHON

    def test_the_shell_runs_what_python_runs(
        self, redis_server: EmbeddedServer, path: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out.json"
        shell("run", redis_server.url, "-r", "100", "--arrivals", "constant", "--scenario", str(path),
              "--json", str(out))  # fmt: skip
        seen = json.loads(out.read_text())
        result = rl.run(redis_server.url, scenario=AS_PYTHON, keys=100, arrivals="constant")
        assert seen["config"]["scenario"] == result.to_dict()["config"]["scenario"]
        assert seen["config"]["warmup_s"] == result.config["warmup_s"] == 0.2
        assert seen["totals"]["offered"] == pytest.approx(1_500, abs=2)
        assert result.totals.offered == pytest.approx(1_500, abs=2)
        assert [step["name"] for step in seen["steps"]] == ["night", "ramp 2"]

    def test_tables_in_python_are_phases_too(self, redis_server: EmbeddedServer) -> None:
        rows = [
            {"duration": "300ms", "rate": 500},
            {"kind": "ramp", "duration_s": 0.3, "rate": 0, "to_rate": 1e3},
        ]
        result = rl.run(redis_server.url, scenario=rows, arrivals="constant", keys=100)
        assert result.totals.offered == pytest.approx(300, abs=2)

    def test_everything_wrong_with_a_file_is_listed(self, tmp_path: Path) -> None:
        wrong = tmp_path / "wrong.toml"
        wrong.write_text(
            'extra = 1\n[[phase]]\nduration = "1 parsec"\n[[phase]]\nkind = "rmap"\n'
            '[[phase]]\nkind = "ramp"\nduration = "1s"\nrate = true\nspeed = 3\n'
            '[[phase]]\nkind = "load"\nduration = "1s"\n'
        )
        error = shell("run", "--scenario", str(wrong), "--pipeline", "x", status=2).stderr
        for path in (
            "scenario.extra",
            "scenario.phase[0].duration",
            "scenario.phase[1].kind",
            "scenario.phase[2].rate",
            "scenario.phase[2].speed",
            "scenario.phase[2].to_rate",
            "scenario.phase[3].duration",
            "--pipeline",
        ):
            assert f"{path} " in error
        assert "8 problems" in error
        assert "did you mean 'ramp'?" in error

    @pytest.mark.parametrize("text", ["[[phase]\n", "", "phase = 3\n", "\xff\xfe"])
    def test_a_file_that_is_none(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "broken.toml"
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(rl.ConfigError, match="scenario"):
            rl.load_scenario(path)
        assert "scenario" in shell("run", "--scenario", str(path), status=2).stderr

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="nowhere"):
            rl.load_scenario(tmp_path / "nowhere.toml")
        assert "--scenario" in shell("run", "--scenario", str(tmp_path / "nowhere"), status=2).stderr


WRONG: list[tuple[Any, dict[str, Any], list[str]]] = [
    ([], {}, ["scenario"]),
    (
        [rl.Step(cast("Any", "1 parsec")), rl.Step(1, rate=cast("Any", "a"))],
        {},
        ["scenario[0].duration", "scenario[1].rate"],
    ),
    (
        [rl.Step(float("nan")), rl.Step(1, name=cast("Any", 3))],
        {},
        ["scenario[0].duration", "scenario[1].name"],
    ),
    ([rl.Warmup(1), rl.Warmup(2), rl.Step(1)], {}, ["scenario[1]"]),
    ([rl.Step(1, rate=5)], {"think_s": 0.1}, ["think_s"]),
    ("day.toml", {}, ["scenario"]),
    ([3], {}, ["scenario[0]"]),
    ([rl.Load()], {}, ["scenario"]),
    ([rl.Step(1), rl.Warmup(1), rl.Load()], {}, ["scenario[1]", "scenario[2]"]),
    (
        [{"kind": "stp"}, {"to_rate": 4, "rate": "x"}],
        {},
        ["scenario[0].kind", "scenario[1].rate", "scenario[1].duration"],
    ),
    (
        [rl.Step(-1, rate=5), rl.Step(1), rl.Ramp(1, -5, 1e10)],
        {"pipeline": 0},
        ["pipeline", "scenario[0].duration_s", "scenario[1].rate", "scenario[2].rate", "scenario[2].to_rate"],
    ),
    ([rl.Step(1, rate=5, think_s=1)], {}, ["scenario[0].think_s"]),
    ([rl.Step(1, rate=5)], {"rate": 5, "duration_s": 5}, ["duration_s", "rate"]),
    ([rl.Warmup(-1), rl.Step(1)], {}, ["warmup_s"]),
]


@pytest.mark.parametrize(("scenario", "options", "paths"), WRONG)
def test_everything_wrong_is_listed_with_its_place(
    redis_server: EmbeddedServer, scenario: Any, options: dict[str, Any], paths: list[str]
) -> None:
    with pytest.raises(rl.ConfigError) as caught:
        rl.run(redis_server.url, scenario=scenario, **options)
    assert sorted(problem.path for problem in caught.value.problems) == sorted(paths)


def test_a_scenario_keeps_to_its_timetable(redis_server: EmbeddedServer) -> None:
    with rl.start(
        redis_server.url, scenario=[rl.Step(0.6, rate=1_000)], arrivals="constant", keys=100
    ) as run:
        wait_for_measure(run)
        with pytest.raises(rl.ConfigError, match="timetable"):
            run.pause()
        with pytest.raises(rl.ConfigError, match="steps have their own rates"):
            run.set_rate(5)
        result = run.wait()
    assert result.totals.offered == pytest.approx(600, abs=2)
    assert result.totals.elapsed_s == pytest.approx(0.6, abs=0.01)


def test_steps_end_where_the_run_was_stopped(redis_server: EmbeddedServer) -> None:
    with rl.start(
        redis_server.url, scenario=[rl.Step(0.3, rate=500), rl.Step(60, rate=500)], keys=100
    ) as run:
        wait_for_measure(run)
        for interval in run:
            if interval["phase"] == "measure":
                run.stop()
        result = run.wait()
    assert result.stop_reason == "stopped"
    (_, first_end), (second_start, second_end) = spans(result)
    assert second_start == first_end
    assert second_end - second_start < 5


def test_the_report_has_a_row_a_step(redis_server: EmbeddedServer) -> None:
    result = rl.run(
        redis_server.url,
        scenario=[
            rl.Step(0.5, rate=1_000, name="calm"),
            rl.Ramp(0.5, 1_000, 3_000),
            rl.Step(0.3, rate=500),
            rl.Step(0.2, rate=500),
        ],
        arrivals="constant",
        interval_s=0.25,
        keys=100,
    )
    rows = {line.split()[0]: line for line in result.report().splitlines() if line}
    assert rows["calm"].split()[1:5] == ["500", "ms", "1,000", "1,000"]
    assert "1,000 → 3,000" in rows["ramp"]
    assert "2,000" in rows["ramp"]
    assert "of whole intervals" in rows["*"], "300 ms are no whole intervals"
    assert "step" not in rl.run(redis_server.url, operations=10, keys=10).report()
