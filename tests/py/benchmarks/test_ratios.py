"""The arithmetic behind the claims of ``./dev bench``; nothing here measures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.ratios import Estimate, at_least, at_most, median_with_interval


def test_the_interval_is_the_pair_of_order_statistics_of_the_tables() -> None:
    # n = 16: ranks 4 and 13, 97.9 %; n = 30: ranks 10 and 21, 95.7 % (Conover, table A3)
    sixteen = median_with_interval([float(i) for i in range(1, 17)])
    assert (sixteen.low, sixteen.median, sixteen.high) == (4.0, 8.5, 13.0)
    assert sixteen.coverage == pytest.approx(0.979, abs=5e-4)
    thirty = median_with_interval([float(i) for i in range(30, 0, -1)])
    assert (thirty.low, thirty.median, thirty.high) == (10.0, 15.5, 21.0)
    assert thirty.coverage == pytest.approx(0.957, abs=5e-4)


def test_six_values_are_bounded_by_their_extremes_and_five_by_nothing() -> None:
    six = median_with_interval([3.0, 1.0, 2.0, 6.0, 5.0, 4.0])
    assert (six.low, six.high) == (1.0, 6.0)
    assert six.coverage == 1 - 2 / 2**6
    with pytest.raises(ValueError, match="5 values"):
        median_with_interval([1.0, 2.0, 3.0, 4.0, 5.0])


@pytest.mark.parametrize("count", [6, 15, 16, 31])
def test_it_covers_the_true_median_as_often_as_it_says(count: int) -> None:
    rounds = 2000
    draws = np.random.default_rng(count).lognormal(0.0, 2.0, (rounds, count))  # its median is 1
    estimates = [median_with_interval(row.tolist()) for row in draws]
    coverage = estimates[0].coverage
    assert coverage >= 0.95
    covered = sum(e.low <= 1.0 <= e.high for e in estimates) / rounds
    assert covered == pytest.approx(coverage, abs=5 * math.sqrt(coverage * (1 - coverage) / rounds))


def test_a_limit_is_judged_by_the_bound_and_not_by_the_median() -> None:
    estimate = Estimate(median=0.6, low=0.5, high=0.7, coverage=0.95, count=16)
    assert at_most(estimate, 0.7) == "holds"
    assert at_most(estimate, 0.65) == "not shown"
    assert at_most(estimate, 0.45) == "missed"
    assert at_least(estimate, 0.5) == "holds"
    assert at_least(estimate, 0.55) == "not shown"
    assert at_least(estimate, 0.75) == "missed"
