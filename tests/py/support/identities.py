"""The sums that every result must satisfy, whatever happened in its run (INTERFACE, "What is counted")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from redisload import Result

_OUTCOMES = ("succeeded", "failed", "timed_out", "lost")
_COUNTED = ("offered", "issued", "not_sent", *_OUTCOMES)
_SUMMED = (
    *_COUNTED,
    "hits",
    "misses",
    "attempts",
    "retries",
    "late_replies",
    "bytes_sent",
    "bytes_received",
)


def check_identities(result: Result) -> None:
    """Fails at the first sum that does not hold: in the totals, by operation, by interval, by histogram."""
    totals = result.totals
    for counts in (totals, *result.operations.values()):
        assert counts["issued"] == sum(counts[name] for name in _OUTCOMES)
        assert counts["attempts"] >= counts["issued"] - counts["lost"] - counts["failed"]
    assert totals.offered == totals.issued + totals.not_sent
    for name in _SUMMED:
        if name not in ("offered", "not_sent"):  # what never got a connection has no operation yet
            assert sum(one[name] for one in result.operations.values()) == totals[name], name

    unsuccessful = totals.not_sent + totals.failed + totals.timed_out + totals.lost
    assert sum(result.errors.values()) == unsuccessful, result.errors
    for label, one in result.operations.items():
        assert sum(one["errors"].values()) <= unsuccessful, label
        assert one["service_time"].count == one["succeeded"], label

    window = result.intervals[np.isin(result.intervals["phase"], ["measure", "drain"])]
    for name in _COUNTED:
        assert int(window[name].sum()) == totals[name], name

    broken = totals.timed_out + totals.lost + totals.failed - result.error_time.count
    assert result.service_time.count == result.response_time.count == totals.succeeded
    assert result.service_time.censored == broken
    assert result.response_time.censored == broken + totals.not_sent
    if not result.closed_loop:
        assert result.lateness.count <= totals.offered
