"""Results as pandas data frames; numbers are not copied where pandas allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisload.totals import OPERATION_HISTOGRAMS

if TYPE_CHECKING:
    import pandas as pd

    from redisload.results import Result

TABLES = ("intervals", "operations", "samples", "errors", "events")


def to_pandas(result: Result, table: str) -> pd.DataFrame:
    """One table; ValueError for an unknown one, ImportError with the extra's name without pandas."""
    names = (*TABLES, *result.tables)
    if table not in names:
        from redisload._settings import nearest

        raise ValueError(f"no table {table!r}: one of {', '.join(names)}{nearest(table, names)}")
    pandas = _pandas()
    frame: pd.DataFrame
    if table not in TABLES:
        frame = pandas.DataFrame(result.tables[table])
    elif table == "intervals":
        frame = pandas.DataFrame(result.intervals)
    elif table == "operations":
        frame = pandas.DataFrame.from_dict(_operations(result), orient="index").rename_axis("operation")
    elif table == "samples":
        frame = pandas.DataFrame(_sample_columns(result, pandas), copy=False)
    elif table == "errors":
        rows = [
            (label, kind, count) for label, kinds in _errors(result).items() for kind, count in kinds.items()
        ]
        frame = pandas.DataFrame(rows, columns=["operation", "error", "count"])
    else:
        frame = pandas.DataFrame(result.events, columns=["time_s", "kind", "connection", "message"])
    return frame


def _pandas() -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_pandas needs pandas: pip install 'redisload[analysis]'") from error
    return pd


def _operations(result: Result) -> dict[str, dict[str, Any]]:
    rows = {}
    for label, operation in result.operations.items():
        row: dict[str, Any] = dict(operation.totals)
        for name in OPERATION_HISTOGRAMS:
            histogram = operation[name]
            prefix = name.removesuffix("_time")
            for measure in ("p50_s", "p90_s", "p95_s", "p99_s", "p999_s", "max_s", "mean_s"):
                row[f"{prefix}_{measure}"] = getattr(histogram, measure)
        rows[label] = row
    return rows


def _sample_columns(result: Result, pandas: Any) -> dict[str, Any]:
    names = result.samples.names
    return {
        column: pandas.Categorical.from_codes(codes, names[column]) if column in names else codes
        for column, codes in result.samples.items()
    }


def _errors(result: Result) -> dict[str, dict[str, int]]:
    """By operation; what no operation's label holds (arrivals that were never drawn) stands under ""."""
    by_label = {label: dict(operation["errors"]) for label, operation in result.operations.items()}
    rest = dict(result.errors)
    for kinds in by_label.values():
        for kind, number in kinds.items():
            rest[kind] = rest.get(kind, 0) - number
    return {**by_label, "": {kind: number for kind, number in rest.items() if number > 0}}
