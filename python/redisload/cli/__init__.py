"""The shell: ``redisload run``, ``demo``, ``server``, ``doctor``, ``report``, ``compare``."""

from __future__ import annotations


def main() -> None:
    """The entry point of the ``redisload`` command."""
    from redisload.cli.main import run_shell

    run_shell()
