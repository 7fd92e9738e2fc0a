"""
The C++ core of redisload. Private: use the package redisload.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
class Histogram:
    """
    A distribution of durations: HdrHistogram's buckets of 3 significant digits from 1 ns to 1 h
    (https://hdrhistogram.org), exact minimum, maximum, mean and deviation, and `censored`
    events beside the recorded ones. Merging is exact: merge(parts) == whole.
    """
    __hash__: typing.ClassVar[None] = None
    @staticmethod
    def from_bytes(data: bytes) -> Histogram:
        """
        Reads to_bytes(). Raises ValueError for anything else.
        """
    @staticmethod
    def from_hdr(text: bytes | str) -> Histogram:
        """
        Reads to_hdr() and others' encodings of the same layout (lowest value 1 ns,
        3 significant digits). Raises ValueError.
        """
    def __add__(self, other: Histogram) -> Histogram:
        """
        Both together, exactly.
        """
    def __eq__(self, arg0: Histogram) -> bool:
        """
        Equal counts, extremes, sums and censored events.
        """
    def __getstate__(self) -> tuple[bytes]:
        ...
    def __init__(self) -> None:
        """
        An empty histogram.
        """
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: tuple) -> None:
        ...
    def buckets(self) -> numpy.ndarray:
        """
        The buckets that are not empty: structured array low_s, high_s, count.
        """
    def confidence_interval(self, p: typing.SupportsFloat | typing.SupportsIndex, level: typing.SupportsFloat | typing.SupportsIndex = 0.95) -> tuple[float | None, float | None]:
        """
        (low, high) in seconds: hold the p-th percentile with at least `level`, whatever the
        distribution (binomial order statistics; David and Nagaraja, Order Statistics, 7.1).
        Values are taken as independent, which latencies in a queue are not quite. An end is
        None where there are too few events to say, or where it is censored.
        """
    def fraction_below(self, value_s: typing.SupportsFloat | typing.SupportsIndex) -> float | None:
        """
        The share of all events, censored ones included, at or below `value_s` seconds, to the
        resolution of a bucket (0.1 %). None when empty.
        """
    def percentile(self, p: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | typing.SupportsFloat | typing.SupportsIndex, unit: str = 's') -> typing.Any:
        """
        The p-th percentile (0 to 100) in `unit`: 's', 'ms', 'us' or 'ns'.

        The value of rank ceil(p/100 * (count + censored)), to 3 significant digits and within
        [min, max]. None (NaN in the array that a sequence gives) when fewer than 10 events lie
        beyond the rank, or when the rank falls among the censored. Raises ValueError.
        """
    def percentiles(self, ps: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], unit: str = 's') -> dict:
        """
        {p: percentile(p)} for each p.
        """
    def quantile(self, q: typing.SupportsFloat | typing.SupportsIndex) -> float | None:
        """
        The value of rank ceil(q * (count + censored)) in seconds, 0 <= q <= 1, however few
        events lie beyond it. None when empty or censored. Raises ValueError.
        """
    def record(self, value_s: typing.SupportsFloat | typing.SupportsIndex, count: typing.SupportsInt | typing.SupportsIndex = 1) -> None:
        """
        Records a duration in seconds, `count` times.

        Raises ValueError if it is negative or not finite.
        """
    def record_censored(self, count: typing.SupportsInt | typing.SupportsIndex = 1, floor_s: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> None:
        """
        Counts events of which only is known that they lasted longer than anything recorded,
        and than `floor_s` seconds (a deadline).
        """
    def record_many(self, values: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], unit: str = 's') -> None:
        """
        Records every value of an array, in `unit`: 's', 'ms', 'us' or 'ns'.

        Raises ValueError, and records nothing, if one is negative or not finite.
        """
    def to_bytes(self) -> bytes:
        """
        All of it in a compact form of redisload's own; from_bytes() gives it back equal.
        """
    def to_hdr(self) -> str:
        """
        HdrHistogram's V2 compressed encoding, base64, values in nanoseconds: what `.hlog` files
        hold and HdrHistogram.decode() of other languages reads. Censored events and exact
        extremes are not part of it.
        """
    @property
    def censored(self) -> int:
        """
        Events known only to have lasted longer than anything seen.
        """
    @property
    def censored_floor_s(self) -> float | None:
        """
        The x of "> x" that a censored percentile is shown as, in seconds: the greatest
        recorded value, or the deadline if any event timed out. None when nothing is censored.
        """
    @property
    def count(self) -> int:
        """
        Recorded values, overflow included.
        """
    @property
    def max_s(self) -> float | None:
        """
        Greatest recorded value, exact, in seconds; None when empty.
        """
    @property
    def mean_s(self) -> float | None:
        """
        Mean of the recorded values, exact, in seconds; None when empty.
        """
    @property
    def min_s(self) -> float | None:
        """
        Least recorded value, exact, in seconds; None when empty.
        """
    @property
    def overflow(self) -> int:
        """
        Recorded values above 1 h; they are in count too.
        """
    @property
    def p50_s(self) -> float | None:
        """
        percentile(50).
        """
    @property
    def p90_s(self) -> float | None:
        """
        percentile(90).
        """
    @property
    def p95_s(self) -> float | None:
        """
        percentile(95).
        """
    @property
    def p999_s(self) -> float | None:
        """
        percentile(99.9).
        """
    @property
    def p99_s(self) -> float | None:
        """
        percentile(99).
        """
    @property
    def std_s(self) -> float | None:
        """
        Population standard deviation of the recorded values, in seconds.
        """
class IntervalHistograms:
    """
    The histograms of a run's intervals, by row number of `intervals`. Neighbouring rows'
    histograms are joined when all of them outgrow 64 MiB; covered() says so.
    """
    @staticmethod
    def from_bytes(data: bytes) -> IntervalHistograms:
        """
        Reads to_bytes(). Raises ValueError for anything else.
        """
    def __getstate__(self) -> tuple[bytes]:
        ...
    def __len__(self) -> int:
        ...
    def __setstate__(self, arg0: tuple) -> None:
        ...
    def covered(self, first_row: typing.SupportsInt | typing.SupportsIndex, last_row: typing.SupportsInt | typing.SupportsIndex) -> tuple[int, int] | None:
        """
        The rows (first, last) that merged() really covers, or None if it covers none.
        """
    def merged(self, first_row: typing.SupportsInt | typing.SupportsIndex, last_row: typing.SupportsInt | typing.SupportsIndex, measure: str = 'response', label: str | None = None) -> Histogram:
        """
        The histogram of rows first_row to last_row, both included; measure: 'service',
        'response' or 'lateness'; label: an operation's name, or None for all together.
        Raises ValueError for an unknown measure or label.
        """
    def to_bytes(self) -> bytes:
        """
        All of it, for saving; from_bytes() gives it back.
        """
    @property
    def labels(self) -> list[str]:
        """
        The operations' names, those of prefill and cleanup included.
        """
class ControlConnection:
    """
    A connection for questions beside a load; for one thread.
    """
    def __init__(self, config: dict, name: str, timeout_s: typing.SupportsFloat | typing.SupportsIndex) -> None:
        """
        Connects to the target of a configuration (nested dict) and names the connection. timeout_s, in seconds, holds for connecting, for the handshake and for each ask(). Raises TargetError.
        """
    def ask(self, questions: collections.abc.Sequence[collections.abc.Sequence[str]]) -> list:
        """
        Sends all questions, each a list of words, at once; their answers in their order: bytes, int, None, lists (of maps each key before its value), and a RunError, not raised, for an error reply. Raises TargetError before the connection's first answer, RunError later, when it is lost, does not answer in time or with more than 4 MiB. The GIL is free.
        """
    def close(self) -> None:
        """
        Closes the connection; harmless when it is.
        """
    @property
    def sent(self) -> dict[str, int]:
        """
        How often each command was sent, as commandstats names it.
        """
class Run:
    """
    A run; it starts when made and is stopped and joined when destroyed. In a forked child every method raises RunError.
    """
    def __init__(self, config: dict) -> None:
        """
        Starts a run of a configuration (nested dict). Raises ConfigError with every problem; nothing is started then.
        """
    def done_fd(self) -> int:
        """
        A descriptor that becomes readable when the run is over; it belongs to the run.
        """
    def pause(self) -> None:
        """
        No operation begins until resume(); paused time is not part of the window.
        """
    def raise_error(self) -> None:
        """
        Raises TargetError or RunError if the run failed before its first answered operation.
        """
    def resume(self) -> None:
        """
        Operations begin again.
        """
    def set_rate(self, rate: typing.SupportsFloat | typing.SupportsIndex) -> None:
        """
        Operations/s of the whole run from now on. Raises ConfigError in a closed loop.
        """
    def snapshot(self) -> dict:
        """
        What was measured so far, or finally, as a dict.
        """
    def stop(self, reason: str = 'stopped') -> None:
        """
        Closes the window now, returns at once; reason: stopped or interrupted.
        """
    def wait(self, timeout_s: typing.SupportsFloat | typing.SupportsIndex | None = None) -> bool:
        """
        True when the run is over; waits at most timeout_s seconds (None: for ever). The GIL is free.
        """
    def wait_intervals(self, since: typing.SupportsInt | typing.SupportsIndex, timeout_s: typing.SupportsFloat | typing.SupportsIndex) -> tuple:
        """
        (rows, done): closed rows of the interval series from index `since` on, waiting at most timeout_s seconds for one.
        """
def config_fields() -> list:
    """
    Every field of a configuration: path, type, default, minimum, maximum, choices, optional, secret, doc. Durations are in seconds.
    """
def validate(config: dict) -> list:
    """
    Every problem of a configuration (nested dict) as {'path', 'given', 'allowed'}; an empty list when it can be run. Raises TypeError for a value of the wrong type.
    """
def workload_names() -> list:
    """
    The names of the built-in workloads.
    """
def workloads() -> list:
    """
    The built-in workloads: name, doc, commands (label, text, weight), options (name, default, minimum, maximum, doc), defaults (settings by path that differ where they are not given).
    """
hiredis_version: str
openssl_version: str
