"""Targets: what is loaded, from a URL, from a redis-py client, or from an embedded server's handle.

Everything here turns a target into settings by path (``target.host``, ``target.database``, …). Nothing
connects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from redisload._convert import UnusableError, from_text
from redisload._settings import nearest, settings
from redisload._unavailable import NOT_YET, SCHEMES
from redisload.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "***"

_TCP_SCHEMES = ("redis", "valkey")
_URL_FORMS = "redis://[user:password@]host[:port][/database] or unix:///path?db=0"
# redis-py's query names that mean something to a load, and the setting each stands for.
_QUERY = {
    "db": "target.database",
    "username": "target.username",
    "password": "target.password",
    "protocol": "target.protocol",
    "client_name": "name",
    "socket_timeout": "timeouts.response_s",
    "socket_connect_timeout": "timeouts.connect_s",
}


def mask_url(url: str) -> str:
    """The URL without its password, also when it is not a well-formed one."""
    masked = re.sub(r"(://[^:@/?]*):.*@", rf"\1:{MASK}@", url, count=1)
    return re.sub(r"([?&][^=&]*(?:pass|pw|secret)[^=&]*=)[^&]*", rf"\1{MASK}", masked)


def target_settings(target: object) -> tuple[dict[str, Any], list[Problem]]:
    """The settings that a target carries, and what is wrong with it.

    A target is a URL, a redis-py or valkey-py client, or anything with a ``url`` (such as ``rl.server()``).
    """
    if target is None:
        allowed = f"a URL ({_URL_FORMS}) or a redis-py client; leave it out for an embedded server"
        return {}, [Problem("target", "None", allowed)]
    if isinstance(target, str):
        return _from_url(target)
    if hasattr(target, "connection_pool") or hasattr(target, "nodes_manager"):
        return _from_client(target)
    if isinstance(url := getattr(target, "url", None), str):
        return _from_url(url)
    return {}, [Problem("target", type(target).__name__, f"a URL ({_URL_FORMS}) or a redis-py client")]


def describe(values: Mapping[str, Any]) -> str:
    """The URL of effective ``target.*`` settings, its password masked."""
    username, password = values.get("target.username"), values.get("target.password")
    user = f"{username or ''}:{MASK}@" if password else f"{username}@" if username else ""
    if path := values.get("target.unix_path"):
        return f"unix://{user}{path}?db={values['target.database']}"
    host = values["target.host"]
    host = f"[{host}]" if ":" in host else host
    return f"redis://{user}{host}:{values['target.port']}/{values['target.database']}"


def _from_url(url: str) -> tuple[dict[str, Any], list[Problem]]:
    shown = repr(mask_url(url))
    scheme, separator, _ = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        hint = (
            f"; did you mean 'redis://{mask_url(url)}'?"
            if re.fullmatch(r"[\w.\-]+(:\d+)?(/\d+)?", url)
            else ""
        )
        return {}, [Problem("target", shown, f"a URL such as {_URL_FORMS}{hint}")]
    if scheme in SCHEMES:
        return {}, [Problem("target", shown, f"{SCHEMES[scheme]} is {NOT_YET}")]
    if scheme not in (*_TCP_SCHEMES, "unix"):
        hint = nearest(scheme, (*_TCP_SCHEMES, "unix"))
        return {}, [Problem("target", shown, f"{_URL_FORMS}{hint}")]
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return {}, [Problem("target", shown, f"{_URL_FORMS} ({_public(error)})")]
    problems: list[Problem] = []
    values = _unix(parts) if scheme == "unix" else _tcp(parts, port, shown, problems)
    if scheme == "unix" and not parts.path.strip("/"):
        problems.append(Problem("target", shown, "the path of a unix socket: unix:///path/to/socket?db=0"))
    if parts.username:
        values["target.username"] = unquote(parts.username)
    if parts.password:
        values["target.password"] = unquote(parts.password)
    _add_query(parts.query, values, problems)
    return values, problems


def _public(error: ValueError) -> str:
    """The reason of urllib, unless it quotes the URL, which may hold a password."""
    text = str(error)
    return "the port is not a number from 0 to 65535" if "ort" in text else "it is not a well-formed URL"


def _tcp(parts: SplitResult, port: int | None, shown: str, problems: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if parts.hostname:
        values["target.host"] = unquote(parts.hostname)
    if port is not None:
        values["target.port"] = port
    database = unquote(parts.path).strip("/")
    if database:
        if database.isdecimal():
            values["target.database"] = int(database)
        else:
            problems.append(Problem("target", shown, f"a database number after the host, not {database!r}"))
    return values


def _unix(parts: SplitResult) -> dict[str, Any]:
    # What stands between // and the first / is the user info, or a part of a relative path.
    authority = parts.netloc.rpartition("@")[2]
    return {"target.unix_path": unquote(authority + parts.path)}


def _add_query(query: str, values: dict[str, Any], problems: list[Problem]) -> None:
    for name, text in parse_qsl(query, keep_blank_values=True):
        path = f"target.?{name}"
        if name not in _QUERY:
            later = f"{NOT_YET}; " if name.startswith(("ssl_", "sentinel_")) else ""
            known = ", ".join(sorted(_QUERY))
            shown = MASK if re.search("pass|pw|secret", name) else repr(text)
            problems.append(Problem(path, shown, f"{later}one of {known}{nearest(name, _QUERY)}"))
            continue
        setting = settings()[_QUERY[name]]
        try:
            values[setting.path] = from_text(setting, text)
        except UnusableError as error:
            problems.append(Problem(path, MASK if setting.secret else repr(text), str(error)))


def _from_client(client: object) -> tuple[dict[str, Any], list[Problem]]:
    """Host, port or path, database and credentials of a redis-py client, without using its connections."""
    shown = type(client).__name__
    pool = getattr(client, "connection_pool", None)
    if pool is None or hasattr(client, "nodes_manager"):
        return {}, [Problem("target", shown, f"Redis Cluster is {NOT_YET}")]
    if "Sentinel" in type(pool).__name__:
        return {}, [Problem("target", shown, f"Sentinel is {NOT_YET}")]
    if "SSL" in getattr(pool.connection_class, "__name__", ""):
        return {}, [Problem("target", shown, f"TLS is {NOT_YET}")]
    kwargs = pool.connection_kwargs
    names = {
        "host": "target.host",
        "port": "target.port",
        "path": "target.unix_path",
        "db": "target.database",
        "username": "target.username",
        "password": "target.password",
    }
    values = {path: kwargs[name] for name, path in names.items() if kwargs.get(name) is not None}
    if (provider := kwargs.get("credential_provider")) is not None:
        credentials = tuple(provider.get_credentials())
        values["target.password"] = credentials[-1]
        if len(credentials) == 2:
            values["target.username"] = credentials[0]
    return values, []
