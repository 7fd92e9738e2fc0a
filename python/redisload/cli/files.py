"""``redisload report`` and ``redisload compare``: saved results."""

from __future__ import annotations

import click

from redisload.cli.output import print_lines


@click.command("report", short_help="Print the report of a saved result.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON instead.")
def report_command(file: str, as_json: bool) -> None:
    """Print the report of a file written by --save or --json."""
    from redisload._storage import load
    from redisload.report import report_lines

    result = load(file)
    if as_json:
        click.echo(result.to_json(indent=1))
    else:
        print_lines(report_lines(result))


@click.command("compare", short_help="Compare two saved results.")
@click.argument("a", type=click.Path(exists=True, dir_okay=False))
@click.argument("b", type=click.Path(exists=True, dir_okay=False))
def compare_command(a: str, b: str) -> None:
    """Compare two files written by --save or --json: what changed from A to B, and how sure that is."""
    from redisload._storage import load
    from redisload.comparison import compare

    click.echo(compare(load(a), load(b)).report())
