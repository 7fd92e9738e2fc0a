"""Parts of a result: counts by name, one operation, sampled operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

COUNTS = (
    "offered", "issued", "not_sent", "succeeded", "failed", "timed_out", "lost", "hits", "misses",
    "attempts", "retries", "late_replies", "bytes_sent", "bytes_received",
)  # fmt: skip
RATES = ("elapsed_s", "throughput", "goodput")
HISTOGRAMS = ("service_time", "response_time", "error_time", "lateness", "connect_time", "pool_wait")
OPERATION_HISTOGRAMS = ("service_time", "response_time", "error_time")


class Totals(Mapping[str, Any]):
    """Counts by name, as items and as attributes; None where a part of a run cannot know one.

    ``offered = issued + not_sent`` and ``issued = succeeded + failed + timed_out + lost``, always.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(
                f"no total is called {name!r}; there are {', '.join(self._values)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __repr__(self) -> str:
        return f"Totals({', '.join(f'{name}={value}' for name, value in self._values.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._values,)


class OperationResult(Totals):
    """One operation's counts, with its ``errors``, ``service_time``, ``response_time`` and ``error_time``."""

    __slots__ = ()

    @property
    def totals(self) -> Totals:
        """The counts alone."""
        return Totals({name: value for name, value in self._values.items() if name in (*COUNTS, *RATES)})


class Samples(Mapping[str, "np.ndarray"]):
    """Sampled operations as contiguous numpy columns, all of one length.

    ``intended_ns sent_ns completed_ns`` count from the run's start (-1: never); ``operation outcome phase
    node`` are codes with their texts in ``names[column]``; ``weight`` is how many operations a row stands for
    (0: kept besides, because it was among the slowest of its interval).
    """

    def __init__(
        self, columns: Mapping[str, np.ndarray], names: Mapping[str, list[str]], dropped: int = 0
    ) -> None:
        self._columns = dict(columns)
        self.names = {column: list(texts) for column, texts in names.items()}
        self.dropped = dropped

    def __getitem__(self, column: str) -> np.ndarray:
        return self._columns[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def count(self) -> int:
        """Rows."""
        return len(next(iter(self._columns.values()))) if self._columns else 0

    def __repr__(self) -> str:
        return f"Samples({self.count} rows: {' '.join(self._columns)})"
