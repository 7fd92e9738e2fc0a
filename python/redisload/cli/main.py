"""The command group, and how errors become messages and exit codes."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from redisload.cli.command import SuggestingGroup, fail, show_problems
from redisload.cli.demo import demo_command
from redisload.cli.doctor import doctor_command
from redisload.cli.files import compare_command, report_command
from redisload.cli.run import run_command
from redisload.cli.server import server_command
from redisload.errors import ConfigError, RedisloadError, ServerNotFound, TargetError

EXIT_USAGE, EXIT_NOT_RUN, EXIT_SIGINT = 2, 3, 130

_ADVICE = {
    "resolve": "Check the host's name.",
    "connect": "Check that the server runs there and that no firewall is between; without a URL, redisload "
    "starts a server of its own.",
    "auth": "Check user and password (REDISCLI_AUTH=… redisload run --user NAME URL).",
    "handshake": "Check that this is a Redis or Valkey server, and its log.",
    "first_reply": "The server accepts connections but does not answer: is it loading, or busy?",
}


@click.group(cls=SuggestingGroup, context_settings={"help_option_names": ["--help"]}, no_args_is_help=True)
@click.version_option(package_name="redisload", message="redisload %(version)s")
def shell() -> None:
    """An honest, fast load on Redis and Valkey.

    Start with: redisload run (a server of its own), redisload demo, redisload doctor.
    """


for _command in (run_command, demo_command, server_command, doctor_command, report_command, compare_command):
    shell.add_command(_command)


def run_shell() -> NoReturn:
    """Runs the command line of this process and exits: 0 done, 1 not met, 2 usage, 3 not run, 130 Ctrl-C."""
    try:
        code = shell.main(prog_name="redisload", standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        error.show()
        code = EXIT_USAGE
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except ConfigError as error:
        command = click.get_current_context(silent=True)
        show_problems(error.problems, help_command=command.command_path if command else "redisload run")
        code = EXIT_USAGE
    except TargetError as error:
        fail(f"could not run: {error} (stage: {error.stage})", _ADVICE.get(error.stage, ""))
        code = EXIT_NOT_RUN
    except ServerNotFound as error:
        fail(str(error), "Or name a server: redisload run redis://HOST:PORT")
        code = EXIT_NOT_RUN
    except RedisloadError as error:
        fail(str(error))
        code = EXIT_NOT_RUN
    except (KeyboardInterrupt, click.Abort):
        code = EXIT_SIGINT
    except BrokenPipeError:
        # Whoever read our output is gone; without this, Python complains once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        fail(str(error))
        code = EXIT_NOT_RUN
    sys.exit(code if isinstance(code, int) else 0)
