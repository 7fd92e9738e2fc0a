"""The configuration file of an embedded server: our defaults, the user's options over them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redisload.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["checked_options", "config_text", "refused_option"]

# What redisload itself relies on; the allowed text says so.
_OURS = frozenset(
    [
        "bind",
        "daemonize",
        "dir",
        "logfile",
        "pidfile",
        "supervised",
        "tls-port",
        "unixsocket",
        "unixsocketperm",
    ]
)
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_SECRET = re.compile(r"pass|auth|user|secret")
_REFUSED = re.compile(r">>> '([a-z0-9-]+)[^\n]*\n(.*)", re.DOTALL)
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def checked_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Options with normalised names.

    Raises:
        ConfigError: with a problem for each option that cannot be used.
    """
    problems: list[Problem] = []
    checked: dict[str, Any] = {}
    for key, value in (options or {}).items():
        name = str(key).lower().replace("_", "-").removeprefix("--")
        if _NAME.fullmatch(name) is None:
            problems.append(Problem(f"options.{key}", "…", "a directive of redis.conf, such as 'maxmemory'"))
        elif name in _OURS:
            problems.append(Problem(f"options.{key}", repr(value), "not an option: redisload sets it itself"))
        elif name == "port" and not (isinstance(value, int) and 0 < value < 65536):
            problems.append(
                Problem("options.port", repr(value), "a port from 1 to 65535; left out: a free one")
            )
        else:
            checked[name] = value
    if problems:
        raise ConfigError(problems)
    return checked


def config_text(directory: Path, port: int, options: Mapping[str, Any], persistent: bool) -> bytes:
    """The text of redis.conf.

    A file and not arguments, because everybody on the machine can read the arguments of a process and an
    option may be a password.
    """
    directives: dict[str, Any] = {
        "bind": "127.0.0.1",
        "port": port,
        "protected-mode": True,
        "unixsocket": str(directory / "redis.sock"),
        "unixsocketperm": "700",
        "dir": str(directory),
        "daemonize": False,
        "logfile": "",
        "maxmemory": _memory_bytes() // 2,
        "maxmemory-policy": "noeviction",
        "appendonly": persistent,
    }
    if not persistent:
        directives["save"] = ""
    directives.update(options)
    lines = [line for name, value in directives.items() for line in _lines(name, value)]
    return b"\n".join(lines) + b"\n"


def refused_option(server_said: str, options: Mapping[str, Any]) -> Problem:
    """The problem that a server named when it refused its configuration; secrets are not repeated."""
    match = _REFUSED.search(server_said)
    if match is None:
        return Problem(
            "options", repr(sorted(options)), f"what the server accepts; it said: {server_said.strip()}"
        )
    name, reason = match[1], " ".join(match[2].split())
    given = "…" if _SECRET.search(name) else repr(options.get(name))
    return Problem(f"options.{name}", given, f"the server refuses it: {reason}")


def _lines(name: str, value: Any) -> list[bytes]:
    # A list is several arguments of one directive; a list of lists is the directive several times.
    if not isinstance(value, (list, tuple)):
        return [_line(name, [value])]
    if value and all(isinstance(item, (list, tuple)) for item in value):
        return [_line(name, item) for item in value]
    return [_line(name, value)]


def _line(name: str, values: list[Any] | tuple[Any, ...]) -> bytes:
    return b" ".join([name.encode(), *(_quoted(value) for value in values)])


def _quoted(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"yes" if value else b"no"
    raw = value if isinstance(value, bytes) else str(value).encode()
    plain = set(b"-_./:@+*~&abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    if raw and plain.issuperset(raw):
        return raw
    return b'"' + b"".join(bytes([c]) if c in plain or c == 0x20 else b"\\x%02x" % c for c in raw) + b'"'


def _memory_bytes() -> int:
    """Memory that this process may use at most: the machine's, or its container's when that is less."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(memory, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # no cgroup v2, or "max"
        return memory
