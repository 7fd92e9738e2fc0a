"""What must add up in every result, whatever the server did (INTERFACE.md, "What is counted")."""

from __future__ import annotations

from collections import Counter
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import redisload as rl
    from redisload.results import OperationResult, Totals

_ENDS = ("succeeded", "failed", "timed_out", "lost")
_IN_ROWS = ("offered", "issued", "not_sent", *_ENDS)
# An arrival that waits until the end for a connection is of no operation yet: nothing was drawn for it.
_BY_OPERATION = (
    *("issued", *_ENDS, "hits", "misses", "attempts", "retries", "late_replies"),
    *("bytes_sent", "bytes_received"),
)


def assert_conserved(result: rl.Result, *, from_json: bool = False, keys_per_read: int = 1) -> None:
    """Fails when any count, error, interval, histogram or sample of the result contradicts another.

    from_json: the result was read from JSON, which holds no histograms of intervals; keys_per_read: the most
    keys that one operation reads (an MGET of 10 counts 10).
    """
    _assert_counts(result.totals, result.errors, keys_per_read)
    for operation in result.operations.values():
        _assert_counts(operation, operation["errors"], keys_per_read)
        _assert_histograms(operation, operation["not_sent"])
    _assert_histograms(result, result.totals.not_sent)
    _assert_operations_add_up(result)
    _assert_intervals_add_up(result, with_histograms=not from_json)
    _assert_samples(result)


def undrawn(result: rl.Result) -> int:
    """Arrivals that ended as not_sent before an operation was drawn for them."""
    drawn: int = sum(operation["not_sent"] for operation in result.operations.values())
    waiting: int = result.totals.not_sent - drawn
    return waiting


def _assert_counts(counts: Totals, errors: dict[str, int], keys_per_read: int) -> None:
    assert counts["offered"] == counts["issued"] + counts["not_sent"]
    assert counts["issued"] == sum(counts[name] for name in _ENDS)
    assert sum(errors.values()) == sum(counts[name] for name in ("not_sent", "failed", "timed_out", "lost"))
    assert all(number > 0 for number in errors.values())
    assert counts["attempts"] - counts["retries"] == counts["issued"]
    assert counts["hits"] + counts["misses"] <= counts["succeeded"] * keys_per_read
    assert counts["late_replies"] <= counts["timed_out"]


def _assert_histograms(part: rl.Result | OperationResult, not_sent: int) -> None:
    """Successes are recorded; what never got an answer is censored; error replies stand apart (R22)."""
    unsuccessful = sum(part.totals[name] for name in ("failed", "timed_out", "lost"))
    assert part.service_time.count == part.response_time.count == part.totals["succeeded"]
    assert part.service_time.censored + part.error_time.count == unsuccessful
    assert part.response_time.censored == part.service_time.censored + not_sent
    assert part.error_time.count <= part.totals["failed"]


def _assert_operations_add_up(result: rl.Result) -> None:
    operations = list(result.operations.values())
    for name in _BY_OPERATION:
        assert sum(operation[name] for operation in operations) == result.totals[name], name
    waiting = undrawn(result)
    assert waiting >= 0
    assert sum(operation["offered"] for operation in operations) == result.totals.offered - waiting
    by_operation: Counter[str] = sum((Counter(operation["errors"]) for operation in operations), Counter())
    left = Counter(result.errors) - by_operation
    assert by_operation + left == Counter(result.errors)
    assert left.total() == waiting
    assert set(left) <= {"run.ended", "run.stopped"}
    for name in ("service_time", "error_time"):
        assert reduce(add, (operation[name] for operation in operations)) == getattr(result, name), name
    # A histogram of its own: the sum of one operation would be that operation's.
    nothing = type(result.response_time)()
    responses = reduce(add, (operation["response_time"] for operation in operations), nothing)
    if waiting:
        responses.record_censored(waiting)
    assert responses == result.response_time


def _assert_intervals_add_up(result: rl.Result, *, with_histograms: bool) -> None:
    rows = result.intervals
    window = rows[np.isin(rows["phase"], ("measure", "drain"))]
    for name in _IN_ROWS:
        assert int(window[name].sum()) == result.totals[name], name
    assert (rows["start_s"][1:] >= rows["start_s"][:-1]).all()
    measured = window[window["phase"] == "measure"]
    rows_s = float(measured["duration_s"].sum())
    if any(event["kind"] == "pause" for event in result.events):
        assert rows_s > result.totals.elapsed_s - 0.005  # rows go on while the window stands still
    else:
        assert abs(rows_s - result.totals.elapsed_s) < 0.005
    completed = float((measured["throughput"] * measured["duration_s"]).sum())
    assert abs(completed - result.totals.throughput * result.totals.elapsed_s) <= 1e-6 * completed + 0.5
    if not len(window):  # ended before it was measured
        assert result.totals.offered == 0
        return
    if not with_histograms:
        return
    everything = result.between(0.0, 1e9)
    for name in ("service_time", "response_time"):
        assert getattr(everything, name) == getattr(result, name), name
        for label, operation in result.operations.items():
            assert everything.operations[label][name] == operation[name], (label, name)


def _assert_samples(result: rl.Result) -> None:
    samples = result.samples
    if result.config["sample_rate"] != 1.0 or samples.dropped or (samples["weight"] != 1).any():
        return  # not every operation has its row
    outcome, names = samples["outcome"], samples.names
    inside = samples["phase"] == names["phase"].index("measure")
    for name in (*_ENDS, "not_sent"):
        expected = result.totals[name] - (undrawn(result) if name == "not_sent" else 0)
        assert int((inside & (outcome == names["outcome"].index(name))).sum()) == expected, name
    answered = inside & (samples["completed_ns"] >= 0)
    assert (samples["sent_ns"][answered] >= samples["intended_ns"][answered]).all()
    assert (samples["completed_ns"][answered] >= samples["sent_ns"][answered]).all()
