"""``redisload run``."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redisload._layout import Span, wrap
from redisload._limits import raise_open_files
from redisload._rules import Rule, parse_rule
from redisload.cli.command import PROBLEMS, CollectingCommand, GroupedOption
from redisload.cli.options import config_from_flags, parameter_name, run_options
from redisload.cli.output import print_lines
from redisload.errors import Problem
from redisload.report import report_lines
from redisload.runner import start_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redisload.handle import RunHandle
    from redisload.results import Result

_DONE, _NOT_MET, _NOTHING_SUCCEEDED, _SIGINT, _SIGTERM = 0, 1, 3, 130, 143


def _run(ctx: click.Context, **flags: Any) -> None:
    problems: list[Problem] = list(ctx.meta.get(PROBLEMS, ()))
    rules = _rules(flags.pop("fail_on"), problems)
    json_path, save_path = flags.pop("json_path"), flags.pop("save_path")
    for flag, path in (("--json", json_path), ("--save", save_path)):
        _check_writable(flag, path, problems)
    raise_open_files()
    config = config_from_flags(flags.pop("url"), flags, problems=problems, progress=not flags.pop("quiet"))
    if flags.get(parameter_name("target.password")):
        text = "redisload: a password on the command line is visible to everyone in ps; REDISCLI_AUTH is not"
        click.echo(text, err=True)
    with _terminable() as termination:
        handle = start_config(config)
        termination.handle = handle
        result = handle.wait()
    _write(result, json_path, save_path)
    broken = [reason for rule in rules if (reason := rule.broken_by(result)) is not None]
    _print(result, rules, broken, to_error=json_path == "-", save_path=save_path)
    ctx.exit(_exit_code(result, terminated=termination.requested, broken=bool(broken)))


def _exit_code(result: Result, *, terminated: bool, broken: bool) -> int:
    if terminated:
        return _SIGTERM
    if result.interrupted:
        return _SIGINT
    if not result.totals["succeeded"]:
        return _NOTHING_SUCCEEDED
    return _NOT_MET if broken else _DONE


class _Termination:
    """SIGTERM ends the run as Ctrl-C does, and its result is still written."""

    def __init__(self) -> None:
        self.requested = False
        self.handle: RunHandle | None = None

    def __call__(self, number: int, frame: object) -> None:
        self.requested = True
        if self.handle is None:
            sys.exit(_SIGTERM)
        self.handle.interrupt()


@contextmanager
def _terminable() -> Iterator[_Termination]:
    termination = _Termination()
    before = signal.signal(signal.SIGTERM, termination)
    try:
        yield termination
    finally:
        signal.signal(signal.SIGTERM, before)


def _rules(texts: tuple[str, ...], problems: list[Problem]) -> list[Rule]:
    rules = []
    for text in texts:
        try:
            rules.append(parse_rule(text))
        except ValueError as error:
            problems.append(Problem("--fail-on", repr(text), str(error)))
    return rules


def _check_writable(flag: str, path: str | None, problems: list[Problem]) -> None:
    """Before the run: finding out after it would lose the result."""
    if path is None or (path == "-" and flag == "--json"):
        return
    directory = Path(path).absolute().parent
    if Path(path).is_dir() or not directory.is_dir() or not os.access(directory, os.W_OK):
        problems.append(Problem(flag, repr(path), "a file in a directory that exists and can be written"))


def _write(result: Result, json_path: str | None, save_path: str | None) -> None:
    if save_path is not None:
        result.save(save_path)
    if json_path == "-":
        click.echo(result.to_json(indent=1))
    elif json_path is not None:
        Path(json_path).write_text(result.to_json(indent=1) + "\n", encoding="utf-8")


def _print(
    result: Result, rules: list[Rule], broken: list[str], *, to_error: bool, save_path: str | None
) -> None:
    lines = report_lines(result)
    if rules:
        lines.append([])
    for reason in broken:
        lines.extend(wrap(reason, first="not met   ", indent="          ", style="bad"))
    if rules and not broken:
        lines.append([Span("met       "), Span(f"all of --fail-on ({len(rules)})", "good")])
    if save_path is not None:
        lines.append(
            [Span(f"saved     {save_path}  (redisload report {save_path}; rl.load({save_path!r}))", "dim")]
        )
    print_lines(lines, error=to_error)


run_command = CollectingCommand(
    "run",
    callback=click.pass_context(_run),
    context_settings={"help_option_names": ["--help"]},
    short_help="Put a load on a server and report what it measured.",
    help="""Put a load on a Redis or Valkey server and report what it measured.

    URL is redis://[user:password@]host[:port][/db] or unix:///path?db=0. Without one, redisload starts
    a server of its own for the run. Times are 10, 10s, 500ms, 2m; sizes 32, 4KiB; numbers 100000, 100k.

    Exit codes: 0 done; 1 --fail-on is not met; 2 usage; 3 could not run, or nothing succeeded; 130 Ctrl-C;
    143 SIGTERM (the result is still written).
    """,
    params=[
        click.Argument(["url"], required=False),
        *run_options(),
        GroupedOption(
            ["json_path", "--json"],
            metavar="FILE|-",
            group="Output",
            help="Write the result as JSON; - to standard output.",
        ),
        GroupedOption(
            ["save_path", "--save"],
            metavar="FILE",
            group="Output",
            help="Save everything, for redisload report and rl.load.",
        ),
        GroupedOption(
            ["fail_on", "--fail-on"],
            multiple=True,
            metavar="RULE",
            group="Output",
            help="Exit with 1 when it holds: 'p99 > 5ms', 'error_rate > 1%', 'GET.p99 > 2ms' (repeatable).",
        ),
        GroupedOption(
            ["quiet", "-q", "--quiet"], is_flag=True, group="Output", help="No progress, only the report."
        ),
    ],
)
