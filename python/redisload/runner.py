"""Starting runs: :func:`run` blocks until the result, :func:`start` returns a live handle."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from redisload import _core
from redisload._collect import config_from_arguments
from redisload._environment import Environment
from redisload._settings import settings
from redisload.config import ARGUMENT_NAMES, EMBEDDED, SETTING_OF, RunConfig, argument_default
from redisload.handle import RunHandle

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from redisload.config import RunOptions
    from redisload.embedded import EmbeddedServer
    from redisload.results import Result


def run(target: object = EMBEDDED, **options: Unpack[RunOptions]) -> Result:
    """Puts a load on a Redis or Valkey server and returns what it measured; blocks, with the GIL free.

    ``target`` is a URL (``redis://[user:password@]host[:port][/db]``, ``unix:///path?db=0``) or a redis-py
    client, whose address and credentials are taken over; left out, a server of redisload's own is started
    for the run. Without ``duration_s`` and ``operations`` the run lasts 10 s; with ``rate`` it is an open
    loop.

    Ctrl-C ends the run within a second and returns its result, marked ``interrupted``
    (``on_interrupt="raise"``: RunInterrupted with ``.result``); a second Ctrl-C raises KeyboardInterrupt at
    once.

    Raises ConfigError with every problem of the arguments, TargetError when the target cannot be reached or
    refuses us before its first answer, ServerNotFound when there is no target and no server program.
    """
    handle = start(target, **options)
    try:
        return handle.wait()
    finally:
        handle._abandon()


def start(target: object = EMBEDDED, **options: Unpack[RunOptions]) -> RunHandle:
    """Starts a load and returns at once; takes the same arguments and raises the same errors as :func:`run`.

    ``with rl.start(...) as run:`` stops and waits when the block is left; ``async with`` and ``await run``
    too.
    """
    return start_config(config_from_arguments(target, options))


def start_config(config: RunConfig, server: EmbeddedServer | None = None) -> RunHandle:
    """Starts a run of a checked configuration; a server given here belongs to the run and ends with it."""
    if config.embedded and server is None:
        from redisload.embedded import server as embedded_server

        server = embedded_server()
    if server is not None:
        config = replace(
            config, given={**config.given, "target.host": "127.0.0.1", "target.port": server.port}
        )
    environment = Environment()
    try:
        core = _core.Run(config.core_dict())
        return RunHandle(core, config, environment, server)
    except BaseException:
        if server is not None:
            server.close()
        raise


_ARGUMENT_DOCS = {
    "workload": "a workload's name, rl.Workload(name, weights={…}, options={…}), or commands: "
    "['GET {key}', rl.Command('SET {key} {value}', weight=9)] or {'GET {key}': 9}",
    "connections": "connections of a single client pool; with threads the short form of topology",
    "threads": "worker threads",
    "topology": "rl.Topology(client_pools, clients_per_pool, threads_per_pool, max_connections, checkout, "
    "eager)",
    "keys": "rl.Keys(count, prefix, distribution, length_bytes, hash_tags, partition), or their number",
    "values": "rl.Values(size_bytes, sizes, content, compression, ttl_s, ttl_max_s, ttl_jitter), or a size, "
    "or sizes such as '16-1024'",
    "timeouts": "rl.Timeouts(resolve_s, connect_s, handshake_s, response_s, pool_s, grace_s)",
    "progress": "True, False, or 'auto': a live display on a terminal and in a notebook, nothing elsewhere",
    "on_interval": "a function, called on its own thread with each interval, a row of result.intervals",
    "on_interrupt": "'return' the result at Ctrl-C, or 'raise' RunInterrupted, which carries it",
}


def _argument_docs() -> str:
    """The section of a docstring that says what each argument is; all that end in _s take a timedelta too."""
    lines = ["", "    Args:", "        target: what is loaded; see above."]
    for name in ARGUMENT_NAMES:
        setting = settings().get(SETTING_OF.get(name, name))
        text = _ARGUMENT_DOCS.get(name) or (setting.doc if setting else "not available in 0.1")
        lines.append(f"        {name}: {text}.")
    return "\n".join(lines) + "\n    "


def _sign(function: Any) -> None:
    """Shows each argument, its default and meaning, which the core states, in place of ``**options``."""
    own = inspect.signature(function)
    keyword = inspect.Parameter.KEYWORD_ONLY
    arguments = [inspect.Parameter(name, keyword, default=argument_default(name)) for name in ARGUMENT_NAMES]
    function.__signature__ = own.replace(parameters=[own.parameters["target"], *arguments])
    if function.__doc__ is not None:  # python -OO drops it
        function.__doc__ = function.__doc__.rstrip() + "\n" + _argument_docs()


for _function in (run, start):
    _sign(_function)
