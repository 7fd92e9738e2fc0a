"""Click commands that list every wrong flag at once, and group their options in the help."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from redisload._settings import nearest
from redisload._unavailable import FLAGS, NOT_YET, SUBCOMMANDS
from redisload.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

PROBLEMS = "redisload.problems"


class GroupedOption(click.Option):
    """An option with the heading that it stands under."""

    def __init__(self, *args: Any, group: str = "Options", **kwargs: Any) -> None:
        self.group = group
        super().__init__(*args, **kwargs)


class CollectingCommand(click.Command):
    """Goes on after a wrong flag: what was wrong stands in ``ctx.meta[PROBLEMS]`` for the command to show."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses what is right and notes what is wrong."""
        problems: list[Problem] = ctx.meta.setdefault(PROBLEMS, [])
        left = list(args)
        while True:
            try:
                return super().parse_args(ctx, list(left))
            except click.NoSuchOption as error:
                problems.append(self._unknown(ctx, error.option_name))
                _remove(left, error.option_name)
            except click.BadOptionUsage as error:
                problems.append(Problem(error.option_name, "nothing", "a value"))
                _remove(left, error.option_name)
            except click.UsageError as error:
                problems.append(Problem("arguments", " ".join(left) or "nothing", error.format_message()))
                return super().parse_args(ctx, [])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options under their headings."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and not isinstance(parameter, click.Argument):
                groups.setdefault(getattr(parameter, "group", "Other"), []).append(record)
        groups["Other"] = groups.pop("Other", [])
        for group, records in groups.items():
            with formatter.section(group):
                formatter.write_dl(records, col_max=26)

    def _unknown(self, ctx: click.Context, name: str) -> Problem:
        if name in FLAGS:
            return Problem(name, "given", f"{FLAGS[name]}: {NOT_YET}")
        known = [
            flag
            for parameter in self.get_params(ctx)
            for flag in (*parameter.opts, *parameter.secondary_opts)
        ]
        return Problem(
            name, "given", f"no such flag{nearest(name, [flag for flag in known if flag[0] == '-'])}"
        )


class SuggestingGroup(click.Group):
    """Names the nearest command for a wrong one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of a name, or what may have been meant."""
        name = args[0]
        if name in SUBCOMMANDS:
            raise click.UsageError(f"redisload {name} is {NOT_YET}", ctx)
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise click.UsageError(f"no such command {name!r}{nearest(name, self.list_commands(ctx))}", ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they were added."""
        return list(self.commands)


def show_problems(problems: Sequence[Problem], *, help_command: str) -> None:
    """Every problem on standard error, a line each."""
    click.echo(
        f"redisload: {len(problems)} problem{'s' if len(problems) > 1 else ''} in what was given:", err=True
    )
    for problem in problems:
        given = "" if problem.given == "given" else f" {problem.given}"
        click.echo(f"  {problem.path}{given}: {problem.allowed}", err=True)
    click.echo(f"Nothing was started. See {help_command} --help.", err=True)


def fail(message: str, advice: str = "") -> None:
    """An expected error: what happened and what to do, no traceback."""
    click.echo(f"redisload: {message}", err=True)
    if advice:
        click.echo(advice, err=True)


def interactive_output() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def _remove(arguments: list[str], name: str) -> None:
    """Takes a flag, and what looks like its value, out of the arguments."""
    for index, argument in enumerate(arguments):
        if argument == name or argument.startswith(f"{name}="):
            has_value = argument == name and index + 1 < len(arguments) and _is_value(arguments[index + 1])
            del arguments[index : index + (2 if has_value else 1)]
            return
    # A short flag inside a cluster such as -xc: the whole cluster goes.
    for index, argument in enumerate(arguments):
        if argument.startswith("-") and not argument.startswith("--") and name.lstrip("-") in argument:
            del arguments[index]
            return
    arguments.clear()


def _is_value(argument: str) -> bool:
    return not argument.startswith("-") and "://" not in argument
