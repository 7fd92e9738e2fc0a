"""What a run measured: final and immutable (a live run's snapshot has ``final == False``)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from redisload.totals import COUNTS, RATES, OperationResult, Samples, Totals

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    from redisload._core import Histogram


class Result:
    """The result of a run; see the attributes for what it holds, ``report()`` for reading it at once."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = dict(data)

    # -- counts and latencies ----------------------------------------------------------------------

    @cached_property
    def totals(self) -> Totals:
        """Counts of the measured window, ``elapsed_s``, ``throughput`` and ``goodput`` (operations per
        second).
        """
        return Totals(self._data["totals"])

    @cached_property
    def operations(self) -> dict[str, OperationResult]:
        """By label ("GET"): the fields of totals, errors and latencies of one operation."""
        return {label: OperationResult(values) for label, values in self._data["operations"].items()}

    @property
    def service_time(self) -> Histogram:
        """From the send to the reply."""
        return self._histogram("service_time")

    @property
    def response_time(self) -> Histogram:
        """From the intended start to the reply: with a rate set, what a user waits."""
        return self._histogram("response_time")

    @property
    def error_time(self) -> Histogram:
        """From the send to the error reply, of failed operations."""
        return self._histogram("error_time")

    @property
    def lateness(self) -> Histogram:
        """How late the client itself released operations: its own fault, part of their response time."""
        return self._histogram("lateness")

    @property
    def connect_time(self) -> Histogram:
        """From the start of connecting to the end of the handshake."""
        return self._histogram("connect_time")

    @property
    def pool_wait(self) -> Histogram:
        """Waiting for a client of the pool (per_operation checkout)."""
        return self._histogram("pool_wait")

    @property
    def batch(self) -> Histogram:
        """From when a batch was due to its last reply (workload "pipeline"); empty for others."""
        return self._series("batch")

    @property
    def delivery(self) -> Histogram:
        """From sending a message to its receipt (workloads with messages), on one clock; empty for others."""
        return self._series("delivery")

    @property
    def series(self) -> dict[str, Histogram]:
        """What a workload timed beside its operations, by name; also attributes of the result."""
        return dict(self._data.get("series", {}))

    @property
    def counters(self) -> dict[str, int]:
        """What a workload counted beside its operations, such as ``corrupt_values`` or ``conflicts``."""
        return dict(self._data.get("counters", {}))

    @property
    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """What a workload found beside its operations, by name of the table, such as a row a subscriber."""
        return {name: [dict(row) for row in rows] for name, rows in self._data.get("report", {}).items()}

    @property
    def base_rtt(self) -> Histogram | None:
        """PING round trips on an idle connection, before the load."""
        histogram: Histogram | None = self._data.get("base_rtt")
        return histogram

    @property
    def errors(self) -> dict[str, int]:
        """By ``class.detail``; their sum is not_sent + failed + timed_out + lost."""
        return dict(self._data["errors"])

    @property
    def connection_faults(self) -> dict[str, int]:
        """Faults that no operation suffered, such as a refused reconnect."""
        return dict(self._data.get("connection_faults", {}))

    @property
    def commands(self) -> dict[str, dict[str, int]]:
        """Commands sent, by phase and name: what the server's ``INFO commandstats`` is compared with.

        ``queued_only``: queued in a MULTI whose EXEC did not run them, which the server does not count;
        ``in_script``: called by a built-in script, which it does.
        """
        return {phase: dict(counts) for phase, counts in self._data["commands"].items()}

    # -- over time ---------------------------------------------------------------------------------

    @property
    def intervals(self) -> np.ndarray:
        """One row an interval, a structured array; NaN where a number is absent."""
        array: np.ndarray = self._data["intervals"]
        return array

    @cached_property
    def samples(self) -> Samples:
        """Sampled operations; empty without ``sample_rate``."""
        return Samples(
            self._data.get("samples") or {},
            self._data.get("sample_names") or {},
            self._data.get("samples_dropped", 0),
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """Connects, disconnects and the like, with ``time_s`` from the run's start."""
        return list(self._data["events"])

    @property
    def phases(self) -> list[dict[str, Any]]:
        """``phase``, ``start_s``, ``end_s`` from the run's start; "measure" is the window."""
        return list(self._data["phases"])

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Steps of the scenario as far as they were carried out: name, start_s, end_s, rate, to_rate."""
        return list(self._data.get("steps", []))

    @property
    def nodes(self) -> dict[str, Any]:
        """Results by cluster node; empty for a standalone server."""
        return dict(self._data.get("nodes", {}))

    def between(self, start_s: float, end_s: float) -> Result:
        """The part of the run from start_s to end_s (seconds from the run's start), of whole intervals.

        Widens to the intervals that the range touches, with the warning ``between_widened`` when it had to.
        Counts that intervals do not hold are None. Raises ValueError for an empty range, RunError when the
        result holds no interval histograms (it was loaded from JSON).
        """
        from redisload._combine import between

        return Result(between(self._data, start_s, end_s))

    # -- judgement and origin ----------------------------------------------------------------------

    @property
    def verdict(self) -> str:
        """One of client-bound, server-bound, unsaturated, unknown."""
        return str(self._data["verdict"])

    @property
    def valid(self) -> bool:
        """Whether the run did what was asked; the reasons against it stand in ``warnings``."""
        return bool(self._data["valid"])

    @property
    def warnings(self) -> list[dict[str, str]]:
        """``[{"code": "rate_not_reached", "message": "…"}]``."""
        return list(self._data["warnings"])

    @property
    def closed_loop(self) -> bool:
        """True without a rate: such a run cannot show what waiting users felt."""
        return bool(self._data["closed_loop"])

    @property
    def final(self) -> bool:
        """False for a snapshot of a run that goes on."""
        return bool(self._data["final"])

    @property
    def interrupted(self) -> bool:
        """Ctrl-C (or SIGTERM in the shell) ended the run."""
        return bool(self._data["interrupted"])

    @property
    def stop_reason(self) -> str | None:
        """duration, operations, max_errors, stopped, interrupted, stalled or target_lost; None while
        running.
        """
        reason: str | None = self._data["stop_reason"]
        return reason

    @property
    def seed(self) -> int:
        """The run's seed: the same one gives the same operations."""
        return int(self._data["seed"])

    @property
    def name(self) -> str | None:
        """The name given to the run."""
        name: str | None = self._data["config"].get("name")
        return name

    @property
    def started_at(self) -> float:
        """Unix time in seconds: a label, never used for measuring."""
        return float(self._data["started_at"])

    @property
    def config(self) -> dict[str, Any]:
        """The effective configuration, secrets masked."""
        return dict(self._data["config"])

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, host, processors, the server and its settings: where the numbers come from."""
        return dict(self._data["environment"])

    # -- out ---------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Schema 1, plain values only; absent numbers are None."""
        from redisload._serialize import to_dict

        return to_dict(self._data)

    def to_json(self, *, indent: int | None = None) -> str:
        """Schema 1 as JSON text; absent numbers are null."""
        import json

        return json.dumps(self.to_dict(), indent=indent, allow_nan=False, ensure_ascii=False)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes everything to one file, which :func:`redisload.load` reads back whole; replaces it
        atomically.
        """
        from redisload._storage import save

        save(self._data, path)

    def to_pandas(self, table: str = "intervals") -> pd.DataFrame:
        """A data frame of "intervals", "operations", "samples", "errors", "events" or one of ``tables``;
        needs pandas.
        """
        from redisload._frames import to_pandas

        return to_pandas(self, table)

    def plot(self) -> Figure:
        """Latency percentiles, and latency and throughput over time; needs matplotlib."""
        from redisload.plots import plot

        return plot(self)

    def report(self) -> str:
        """The report of the shell, as plain text of 80 columns."""
        from redisload.report import plain_report

        return plain_report(self)

    def merge(self, other: Result) -> Result:
        """This result and another one as one load: counts added, histograms merged, nothing averaged.

        The time is the union of both measured windows, so that runs side by side add up their throughput and
        runs one after the other do not.
        """
        from redisload._combine import merge

        return Result(merge(self._data, other._data))

    def __getattr__(self, name: str) -> Any:
        if name in COUNTS or name in RATES:
            return self.totals[name]
        series: Mapping[str, Histogram] = self.__dict__.get("_data", {}).get("series", {})
        if name in series:
            return series[name]
        raise AttributeError(f"a Result has no {name!r}")

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, Result) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        from redisload.report import short_text

        return short_text(self)

    def _repr_html_(self) -> str:
        from redisload._html import result_html

        return result_html(self)

    def __getstate__(self) -> dict[str, Any]:
        return {"_data": self._data}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._data = state["_data"]

    def _histogram(self, name: str) -> Histogram:
        histogram: Histogram = self._data[name]
        return histogram

    def _series(self, name: str) -> Histogram:
        histogram: Histogram | None = self._data.get("series", {}).get(name)
        return type(self.service_time)() if histogram is None else histogram
