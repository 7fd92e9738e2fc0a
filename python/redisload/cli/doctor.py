"""``redisload doctor``: what is here, and what on this machine would spoil a measurement."""

from __future__ import annotations

import importlib.util
import os
import platform
import resource
from typing import TYPE_CHECKING, NamedTuple

import click

from redisload._environment import cgroup_cpus, clock_source, cpu_model, machine
from redisload._layout import Line, Span, wrap
from redisload._limits import ephemeral_ports
from redisload.cli.output import print_lines
from redisload.errors import ServerNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEW_FILES = 1100  # 1,000 connections and what a process needs besides
_EXTRAS = {"pandas": "to_pandas", "matplotlib": "plot"}


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    found: str
    advice: str = ""
    """What to do about it; empty when it is fine."""
    fatal: bool = False
    """Nothing can run."""


@click.command("doctor", short_help="Show what is installed and what may spoil a measurement.")
@click.pass_context
def doctor_command(ctx: click.Context) -> None:
    """Look at versions, server program, processors, limits, clock. Exit code 3 when nothing can run."""
    findings = list(examine())
    lines: list[Line] = []
    for finding in findings:
        mark, style = (
            ("ok  ", "good") if not finding.advice else ("fail", "bad") if finding.fatal else ("warn", "bad")
        )
        lines.append([Span(mark, style), Span(f"  {finding.what:<16}{finding.found}")])
        if finding.advice:
            lines.extend(wrap(finding.advice, first=" " * 22, indent=" " * 22, style="dim"))
    print_lines(lines)
    ctx.exit(3 if any(finding.fatal for finding in findings) else 0)


def examine() -> Iterator[Finding]:
    """Everything that is looked at, in the order of the report."""
    about = machine()
    yield Finding("redisload", f"{about['redisload']}, Python {about['python']}, numpy {about['numpy']}")
    yield _server()
    yield from _core_facts()
    yield from _processors()
    yield _open_files()
    yield _ports()
    yield Finding("kernel", f"{about['kernel']} {about['architecture']}")
    yield _clock()
    for package, feature in _EXTRAS.items():
        present = importlib.util.find_spec(package) is not None
        yield Finding(
            package, f"{'installed' if present else 'not installed'} ({feature}; redisload[analysis])"
        )


def _server() -> Finding:
    from redisload.embedded import find_server_binary

    try:
        binary = find_server_binary()
    except ServerNotFound as error:
        # Servers elsewhere can be loaded without one here.
        return Finding("server program", "none", str(error))
    return Finding(
        "server program", f"{binary.product} {binary.version}, {binary.path} (from {binary.source})"
    )


def _core_facts() -> Iterator[Finding]:
    try:
        from redisload import _core
    except ImportError as error:
        yield Finding("core", "cannot be loaded", f"{error}: reinstall redisload", fatal=True)
        return
    yield Finding("core", f"hiredis {_core.hiredis_version}, {_core.openssl_version} (TLS comes later)")


def _processors() -> Iterator[Finding]:
    usable, cores = len(os.sched_getaffinity(0)), os.cpu_count() or 1
    model = cpu_model() or platform.machine()
    advice = ""
    if usable < 2:
        advice = (
            "With one core, load and server take turns on it: latencies will be of the scheduler's making."
        )
    yield Finding("processors", f"{usable} of {cores} usable ({model})", advice)
    quota = cgroup_cpus()
    if quota is not None:
        advice = (
            "The quota stops the whole process for milliseconds when it is used up." if quota < usable else ""
        )
        yield Finding("cgroup quota", f"{quota:g} cores", advice)


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = f"{_limit(soft)} (redisload run raises it to {_limit(hard)})"
    few = hard != resource.RLIM_INFINITY and hard < _FEW_FILES
    return Finding(
        "open files", text, "Each connection needs one: raise the limit with ulimit -n." if few else ""
    )


def _limit(value: int) -> str:
    return "unlimited" if value == resource.RLIM_INFINITY else f"{value:,}"


def _ports() -> Finding:
    ports = ephemeral_ports()
    advice = "Raise net.ipv4.ip_local_port_range for many connections." if ports < 10_000 else ""
    return Finding("ephemeral ports", f"{ports:,}", advice)


def _clock() -> Finding:
    source = clock_source()
    slow = source in ("hpet", "acpi_pm", "jiffies")
    advice = (
        "Reading this clock costs a microsecond or more an operation; tsc or kvm-clock would not."
        if slow
        else ""
    )
    return Finding("clock source", source or "unknown", advice)
