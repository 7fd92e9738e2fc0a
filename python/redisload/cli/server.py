"""``redisload server``: a server of redisload's own in the foreground."""

from __future__ import annotations

import signal
import sys
import time

import click

from redisload._settings import nearest


@click.command("server", short_help="Run a private server until Ctrl-C.")
@click.option(
    "--binary", metavar="FILE", help="The redis-server or valkey-server to start.  [default: found on PATH]"
)
@click.option("--persistent", is_flag=True, help="Persist the data while it runs.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of redis.conf; may be given again.",
)
def server_command(binary: str | None, persistent: bool, options: tuple[str, ...]) -> None:
    """Start a real server in a private directory, print its URLs, and end it on Ctrl-C or SIGTERM."""
    from redisload.embedded import server

    settings = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise click.UsageError(
                f"--option {option}: NAME=VALUE{nearest(name, ('maxmemory', 'maxmemory-policy'))}"
            )
        settings[name] = value
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    with server(binary=binary, options=settings, persistent=persistent) as running:
        click.echo(f"{running.product} {running.version}, pid {running.pid} ({running.binary})")
        click.echo(running.url)
        click.echo(running.unix_url)
        click.echo("Ctrl-C ends it.", err=True)
        sys.stdout.flush()
        try:
            while running.running:
                time.sleep(0.2)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
            return
    raise click.ClickException("the server ended by itself")
