"""Tests of distributions, as far as the tests need them."""

from __future__ import annotations

import math

import numpy as np


def chi_square_p(observed: np.ndarray, expected: np.ndarray) -> float:
    """Probability of a chi-square at least this large; both are counts by bin with equal sums.

    By the cube-root approximation of E. B. Wilson and M. M. Hilferty, "The distribution of chi-square", PNAS
    17(12), 1931; with hundreds of bins it is right to some percent also far out.
    """
    assert expected.min() >= 10, "a bin is too small for the test"
    assert math.isclose(float(observed.sum()), float(expected.sum()), rel_tol=1e-9)
    chi_square = float((((observed - expected) ** 2) / expected).sum())
    degrees = len(expected) - 1
    spread = 2 / (9 * degrees)
    deviate = ((chi_square / degrees) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return 0.5 * math.erfc(deviate / math.sqrt(2))


def merge_small_bins(
    observed: np.ndarray, expected: np.ndarray, least: float = 10
) -> tuple[np.ndarray, np.ndarray]:
    """Joins neighbouring bins until ``least`` is expected in each; what is left goes to the last one."""
    starts, inside = [0], 0.0
    for index, one in enumerate(expected.tolist()):
        if inside >= least:
            starts.append(index)
            inside = 0.0
        inside += one
    if inside < least and len(starts) > 1:
        starts.pop()
    return np.add.reduceat(observed, starts), np.add.reduceat(expected, starts)


def dispersion(counts: np.ndarray) -> float:
    """Variance over mean: 1 for counts of a Poisson process, 0 for a clock."""
    return float(counts.var(ddof=1) / counts.mean())


def exponential_p(gaps: np.ndarray, mean: float) -> float:
    """Kolmogorov-Smirnov: probability of a largest deviation from the exponential distribution like this one.

    The asymptotic series of N. Smirnov, "Table for estimating the goodness of fit of empirical
    distributions", Ann. Math. Statist. 19(2), 1948; of thousands of gaps.
    """
    count = len(gaps)
    assert count >= 1_000
    theory = -np.expm1(-np.sort(gaps) / mean)
    steps = np.arange(count + 1) / count
    largest = max(float((steps[1:] - theory).max()), float((theory - steps[:-1]).max()))
    x = largest * math.sqrt(count)
    return min(1.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 101)))
