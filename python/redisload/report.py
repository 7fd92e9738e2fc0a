"""The report of a result: text of at most 80 columns that needs no colour; the shell adds some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisload._format import (
    count,
    duration,
    errors_of,
    maximum_cell,
    milliseconds,
    percent,
    percentile_cell,
    plural,
    rate,
    size,
)
from redisload._layout import NO_BREAK, Line, Span, table, wrap
from redisload._python_line import python_line
from redisload._report_workload import counted_lines, series_of, step_lines
from redisload.shapes import DISTRIBUTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redisload._core import Histogram
    from redisload.results import Result

VERDICTS = {
    "client-bound": "the load generator was the limit. Give it more threads (--threads) or more cores before "
    "trusting these as the server's figures.",
    "server-bound": "the server was the limit: these figures are the server's.",
    "unsaturated": "neither side was at its limit: it can take a higher rate or more connections.",
    "unknown": "there is not enough evidence to say which side was the limit.",
}
_CLOSED_LOOP = (
    "Closed loop: every connection waits for its reply before it sends again, so this run cannot show what "
    "waiting users would have felt. Set a rate for that."
)
_PERCENTILES = (50, 90, 95, 99, 99.9)


def plain_report(result: Result) -> str:
    """The report without any style."""
    return "\n".join("".join(span.text for span in line).rstrip() for line in report_lines(result))


def report_lines(result: Result) -> list[Line]:
    """The whole report."""
    parts = [
        _heading(result),
        _totals(result),
        _latencies(result),
        _operations(result),
        step_lines(result),
        counted_lines(result),
        _errors(result),
        _judgement(result),
        _python(result),
    ]
    lines: list[Line] = []
    for part in parts:
        if part:
            lines.extend([*part, []])
    return lines[:-1]


def short_text(result: Result) -> str:
    """Some lines for an interactive session."""
    totals, headline, label = result.totals, *headline_of(result)
    state = "" if result.final else " (still running)"
    flags = ("" if result.valid else "  INVALID") + ("  interrupted" if result.interrupted else "")
    cells = "  ".join(f"p{p:g} {percentile_cell(headline, p)}" for p in (50, 99, 99.9))
    issued, failed = count(totals["issued"]), count(errors_of(totals))
    lines = [
        f"<redisload.Result{state}: {issued} operations in {duration(totals['elapsed_s'])}, "
        f"{rate(totals['throughput'])}/s, {failed} errors{flags}",
        f"  {label} (ms): {cells}  max {maximum_cell(headline)}",
        f"  {'closed loop' if result.closed_loop else 'open loop'}, {result.verdict}>",
    ]
    return "\n".join(lines)


def headline_of(result: Result) -> tuple[Histogram, str]:
    """The latency that stands for a run: response time with a rate, service time in a closed loop."""
    if result.closed_loop:
        return result.service_time, "service time"
    return result.response_time, "response time"


def server_version(server: dict[str, Any]) -> str:
    """``redis 7.0.15``; empty when the server did not tell."""
    version = server.get("valkey_version") or server.get("redis_version")
    return f"{server.get('server_name') or 'redis'} {version}" if version else ""


def plan_text(config: dict[str, Any]) -> str:
    """What was asked for, in words."""
    topology = config["topology"]
    connections = topology["client_pools"] * topology["clients_per_pool"] * topology["max_connections"]
    threads = topology["client_pools"] * topology["threads_per_pool"]
    loop = "closed loop"
    if config.get("scenario"):
        loop = _scenario_text(config)
    elif config["rate"] is not None:
        loop = f"open loop at {rate(config['rate'])} op/s ({config['arrivals']} arrivals)"
    elif config.get("think_s"):
        loop = f"closed loop with {duration(config['think_s'])} of thinking"
    return (
        f"{loop}, {plural(connections, 'connection')}, {plural(threads, 'thread')}, "
        f"pipeline {config['pipeline']}; {_keys_text(config)}, {_values_text(config['values'])}"
    )


def _scenario_text(config: dict[str, Any]) -> str:
    steps = config["scenario"]
    named = f"scenario of {plural(len(steps), 'step')}"
    rates = [step[name] for step in steps for name in ("rate", "to_rate") if step.get(name) is not None]
    if not rates:
        return f"{named}, closed loop"
    ends = " to ".join(rate(one) if one else "0" for one in sorted({min(rates), max(rates)}))
    return f"{named}, open loop at {ends} op/s ({config['arrivals']} arrivals)"


def _keys_text(config: dict[str, Any]) -> str:
    keys = config["keys"]
    paths = DISTRIBUTIONS[keys["distribution"]][1]
    parts = (keys[path.removeprefix("keys.")] for path in paths)
    drawn = " ".join((keys["distribution"], *(f"{part:g}" for part in parts)))
    ratio = "" if config.get("hit_ratio") is None else f", hit ratio {config['hit_ratio']:g}"
    return f"{plural(keys['count'], 'key')} ({drawn}{ratio})"


def _values_text(values: dict[str, Any]) -> str:
    text = f"values of {values.get('sizes') or size(values['size_bytes'])}"
    if values.get("content", "random") != "random":
        text += f" ({values['content']})"
    if values.get("ttl_s") is not None:
        text += f", TTL {duration(values['ttl_s'])}"
        text += f" to {duration(values['ttl_max_s'])}" if values.get("ttl_max_s") is not None else ""
    return text


def _heading(result: Result) -> list[Line]:
    config, environment = result.config, result.environment
    server = environment.get("server") or {}
    version = server_version(server)
    own = "an embedded server, " if config["target"].get("embedded") else ""
    about = f" ({own}{version})" if own or version else ""
    title = config.get("name") or config["workload"]["name"]
    lines: list[Line] = [[Span(title, "title"), Span(f" on {config['target']['url']}{about}")]]
    parts = plan_text(config).replace(" ", NO_BREAK)
    lines.extend(wrap(parts.replace(f",{NO_BREAK}", ", ").replace(f";{NO_BREAK}", "; "), style="dim"))
    if not result.final:
        lines.append([Span("a snapshot: the run goes on", "strong")])
    return lines


def _totals(result: Result) -> list[Line]:
    totals = result.totals
    failed = errors_of(totals)
    reason = f"ended by: {result.stop_reason}" if result.stop_reason else "running"
    line = [
        Span(f"{rate(totals['throughput'])} op/s", "strong"),
        Span(f"   {count(totals['issued'])} operations in {duration(totals['elapsed_s'])} ({reason})   "),
        Span(plural(failed, "error"), "bad" if failed else "good"),
    ]
    facts = []
    if not result.closed_loop or totals["not_sent"]:
        facts.append(f"offered {count(totals['offered'])}, not sent {count(totals['not_sent'])}")
    if totals["goodput"] is not None:
        facts.append(f"goodput {rate(totals['goodput'])} op/s")
    reads = (totals["hits"] or 0) + (totals["misses"] or 0)
    if reads:
        facts.append(f"hits {percent(totals['hits'] / reads)}")
    if totals["elapsed_s"] and totals["bytes_sent"] is not None:
        sent, received = (totals[name] / totals["elapsed_s"] for name in ("bytes_sent", "bytes_received"))
        facts.append(f"{size(sent)}/s out, {size(received)}/s in")
    return [line, *wrap("   ".join(fact.replace(" ", NO_BREAK) for fact in facts))]


def _latencies(result: Result) -> list[Line]:
    response = ("response time", result.response_time)
    service = ("service time", result.service_time)
    shown = [service, response] if result.closed_loop else [response, service]
    if result.error_time.count:
        shown.append(("error replies", result.error_time))
    shown.extend(series_of(result))
    head = ["latency in ms", *(f"p{p:g}" for p in _PERCENTILES), "max", "mean"]
    rows = [head, *([name, *_latency_cells(histogram)] for name, histogram in shown)]
    lines = table(rows, styles=("strong",))
    for text in _latency_notes(result):
        lines.extend(wrap(text, style="dim"))
    return lines


def _latency_cells(histogram: Histogram) -> list[str]:
    cells = [percentile_cell(histogram, percentile) for percentile in _PERCENTILES]
    return [*cells, maximum_cell(histogram), milliseconds(histogram.mean_s)]


def _latency_notes(result: Result) -> Iterable[str]:
    if result.closed_loop:
        yield _CLOSED_LOOP
    else:
        yield "Response time counts from when an operation was due, service time from when it was sent."
    if result.response_time.censored:
        never = result.response_time.censored
        yield (
            f"{plural(never, 'operation')} never got an answer; they rank as slower than all others, and "
            "'>\u00a0x' is a percentile that falls among them. The mean is of answered operations alone."
        )
    rtt = result.base_rtt
    if rtt is not None and rtt.count:
        yield f"Round trip of an idle connection (PING): {milliseconds(rtt.quantile(0.5))} ms in the median."


def _operations(result: Result) -> list[Line]:
    if not result.operations:
        return []
    name = "service_time" if result.closed_loop else "response_time"
    head = ["operation", "count", "errors", "hits", "p50", "p99", "p99.9", "max"]
    rows = [head]
    for label, operation in result.operations.items():
        histogram = operation[name]
        reads = (operation.get("hits") or 0) + (operation.get("misses") or 0)
        rows.append(
            [
                label[:16],
                count(operation.get("issued", histogram.count)),
                count(errors_of(operation)) if operation.get("failed") is not None else "-",
                percent(operation["hits"] / reads) if reads else "",
                *(percentile_cell(histogram, p) for p in (50, 99, 99.9)),
                maximum_cell(histogram),
            ]
        )
    return [*table(rows), [Span(f"p50 to max: {name.replace('_', ' ')} in ms", "dim")]]


def _errors(result: Result) -> list[Line]:
    lines = []
    for title, kinds in (("errors", result.errors), ("connection faults", result.connection_faults)):
        if kinds:
            ordered = sorted(kinds.items(), key=lambda item: -item[1])
            lines.extend(table([[title, ""], *([f"  {kind}", count(number)] for kind, number in ordered)]))
    return lines


def _judgement(result: Result) -> list[Line]:
    lines = wrap(
        f"{result.verdict}: {VERDICTS.get(result.verdict, '')}", first="verdict   ", indent="          "
    )
    if not result.valid:
        text = "this run did not do what was asked; see the warnings before using its figures."
        lines.extend(wrap(text, first="INVALID   ", indent="          ", style="bad"))
    if result.interrupted:
        lines.extend(
            wrap("the run was interrupted; the figures are of the time until then.", first="note      ")
        )
    for warning in result.warnings:
        text = f"{warning['message']} [{warning['code']}]"
        lines.extend(wrap(text, first="warning   ", indent="          ", style="bad"))
    if result.environment.get("same_host"):
        text = "server and load share this machine and its cores: each slows the other."
        lines.extend(wrap(text, first="note      ", indent="          ", style="dim"))
    return lines


def _python(result: Result) -> list[Line]:
    texts = python_line(result.config, width=70)
    heads = ["Python    ", *("          " for _ in texts[1:])]
    return [[Span(head + text, "dim")] for head, text in zip(heads, texts, strict=True)]
