"""The report, the rules of --fail-on, and how numbers are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import redisload as rl
from redisload import _format
from redisload._progress import statistic_line
from redisload._rules import parse_rule
from redisload.cli.demo import implied_percentile
from redisload.report import VERDICTS
from support.sample_results import data, histogram, latencies, result, rows, with_outage

if TYPE_CHECKING:
    from collections.abc import Callable


def broken_by(rule: str, made: rl.Result) -> str | None:
    return parse_rule(rule).broken_by(made)


class TestReport:
    @pytest.mark.parametrize(
        "make",
        [result, lambda: result(rate=1000), with_outage, lambda: with_outage(name="a long name " * 3)],
        ids=["closed", "open", "outage", "long name"],
    )
    def test_it_is_eighty_columns_wide(self, make: Callable[[], rl.Result]) -> None:
        body = make().report().splitlines()[1:]
        assert all(len(line) <= 80 for line in body)

    def test_everything_stands_in_it(self) -> None:
        text = result(rate=1000).report()
        for part in (
            "redis://me:***@db.example:6379/0",
            "open loop at 1,000 op/s",
            "50 connections",
            "GET",
            "SET",
            "response time",
            "service time",
            "unsaturated",
            "rl.run(",
            "rate=1000.0",
            "7.0.15",
            "goodput",
            "0 errors",
            "4,000 operations",
        ):
            assert part in text

    def test_a_rate_makes_response_time_the_headline(self) -> None:
        opened, closed = result(rate=1000).report(), result().report()
        assert opened.index("response time ") < opened.index("service time ")
        assert closed.index("service time ") < closed.index("response time ")

    def test_a_closed_loop_is_labelled(self) -> None:
        assert "cannot show" in result().report()
        assert "cannot show" not in result(rate=1000).report()

    def test_censored_percentiles_are_shown_as_greater(self) -> None:
        text = with_outage().report()
        line = next(line for line in text.splitlines() if line.startswith("response time "))
        assert line.count("> 10,000") == 4  # p95, p99, p99.9 and the maximum
        assert "400 operations never got an answer" in " ".join(text.split())
        assert "timeout.response" in text

    def test_too_few_samples_are_a_dash(self) -> None:
        made = result(service_time=histogram([1e-3] * 50))
        line = next(line for line in made.report().splitlines() if line.startswith("service time "))
        assert line.split()[2:7] == ["1.000", "-", "-", "-", "-"]

    def test_warnings_and_invalidity_and_interruption(self) -> None:
        text = result(
            valid=False,
            interrupted=True,
            warnings=[{"code": "rate_not_reached", "message": "only 50 % could be sent"}],
        ).report()
        assert "INVALID" in text
        assert "[rate_not_reached]" in text
        assert "interrupted" in text

    @pytest.mark.parametrize("verdict", VERDICTS)
    def test_every_verdict_says_what_it_means(self, verdict: str) -> None:
        assert f"{verdict}: " in result(verdict=verdict).report()

    def test_the_same_host_is_said(self) -> None:
        environment = {**data()["environment"], "same_host": True}
        assert "share this machine" in result(environment=environment).report()

    def test_short_texts(self) -> None:
        made = with_outage()
        assert len(repr(made).splitlines()) == 3
        assert "> 10,000" in repr(made)
        assert "still running" in repr(result(final=False))
        assert "&gt; 10,000" in made._repr_html_()
        assert "<script" not in made._repr_html_()

    def test_html_is_escaped(self) -> None:
        warnings = [{"code": "x", "message": "<b>&</b>"}]
        assert "&lt;b&gt;" in result(warnings=warnings)._repr_html_()


class TestRules:
    @pytest.mark.parametrize(
        ("rule", "broken"),
        [
            ("p99 > 5ms", False),
            ("p50 > 100us", True),
            ("p50 >= 100us", True),
            ("p99.9 > 1s", True),  # of 4,000 operations: too few to say
            ("service_p99.9 > 1s", True),
            ("service_p50 > 0.3ms", True),
            ("max > 1m", False),
            ("mean > 1us", True),
            ("GET.p50 > 100us", True),
            ("SET.service_p50 > 1s", False),
            ("throughput < 2k", True),
            ("throughput < 1000", False),
            ("goodput < 995 op/s", True),
            ("error_rate > 1%", False),
            ("error_rate >= 0", True),
            ("error_rate<0.5", True),
        ],
    )
    def test_holding(self, rule: str, broken: bool) -> None:
        assert (broken_by(rule, result(rate=1000)) is not None) == broken

    def test_a_censored_percentile_is_greater_than_any_limit(self) -> None:
        made = with_outage()
        assert "never answered" in str(broken_by("p99 > 1h", made))
        assert "never answered" in str(broken_by("max > 1h", made))
        assert broken_by("p99 < 1us", made) is None
        assert broken_by("p50 > 1s", made) is None
        assert broken_by("error_rate > 9%", made) is not None

    def test_too_few_samples_are_not_met_either(self) -> None:
        made = result(response_time=histogram([1e-3] * 50))
        assert "too few samples" in str(broken_by("p99 > 1h", made))
        assert "nothing was measured" in str(broken_by("p99 > 1h", result(response_time=histogram())))
        assert broken_by("max > 1h", made) is None

    def test_an_operation_that_never_was(self) -> None:
        assert "no operation DEL" in str(broken_by("DEL.p99 > 1s", result()))

    @pytest.mark.parametrize(
        "rule",
        ["", "p99", "p99 > ", "p99 = 5ms", "p99 > 5", "p99 > 5 bananas", "throughput > x", "error_rate > x%"],
    )
    def test_what_is_no_rule(self, rule: str) -> None:
        with pytest.raises(ValueError, match="a rule such as"):
            parse_rule(rule)

    def test_an_unknown_metric_is_answered_with_the_nearest(self) -> None:
        with pytest.raises(ValueError, match="did you mean 'throughput'"):
            parse_rule("thruput < 5")


class TestFormat:
    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (0.0004123, "0.412"),
            (0.01234, "12.3"),
            (0.1234, "123"),
            (5.003, "5,003"),
            (None, "-"),
            (float("nan"), "-"),
        ],
    )
    def test_milliseconds(self, seconds: float | None, text: str) -> None:
        assert _format.milliseconds(seconds) == text

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (10, "10 s"),
            (0.5, "500 ms"),
            (2.25, "2.2 s"),
            (120, "2 min"),
            (0, "0 s"),
            (2e-5, "20 µs"),
            (None, "-"),
        ],
    )
    def test_durations(self, seconds: float | None, text: str) -> None:
        assert _format.duration(seconds) == text

    @pytest.mark.parametrize(
        ("size", "text"), [(32, "32 B"), (4096, "4 KiB"), (1023, "1023 B"), (1e7, "9.54 MiB")]
    )
    def test_sizes(self, size: float, text: str) -> None:
        assert _format.size(size) == text

    @pytest.mark.parametrize("closed_loop", [True, False])
    def test_a_statistics_line_fits_and_says_which_latency(self, closed_loop: bool) -> None:
        row = rows(1)[0]
        row["throughput"], row["response_p999_s"] = 1_234_567, 12.345
        line = statistic_line(row, 1_000, closed_loop=closed_loop)
        assert len(line) <= 80
        assert ("service" in line) == closed_loop
        assert ("response" in line) != closed_loop


class TestDemoArithmetic:
    def test_a_second_in_ten(self) -> None:
        assert implied_percentile(95, 10, 1) == pytest.approx(0.5)
        assert implied_percentile(99, 10, 1) == pytest.approx(0.9)
        assert implied_percentile(50, 10, 1) is None

    def test_it_agrees_with_a_simulation(self) -> None:
        arrivals = [i / 2000 for i in range(20_000)]
        waits = sorted(max(0.0, 5.0 - at) if at >= 4.0 else 0.0 for at in arrivals)
        for percentile in (92, 95, 99, 99.9):
            exact = waits[round(percentile / 100 * len(waits)) - 1]
            assert implied_percentile(percentile, 10, 1) == pytest.approx(exact, abs=2e-3)


def test_latencies_are_reproducible() -> None:
    assert latencies(10, 1e-3) == latencies(10, 1e-3)
