"""Configurations as arguments and as flags make them, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import redisload as rl
from redisload._collect import config_from_arguments
from redisload._settings import settings
from redisload.cli.options import config_from_flags, parameter_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from redisload.config import RunConfig

URL = "redis://127.0.0.1:6379/0"
Problems = dict[str, tuple[str, str]]


def config(**options: object) -> RunConfig:
    """Of the arguments of ``rl.run``."""
    return config_from_arguments(URL, options)


def by_flags(**flags: Any) -> RunConfig:
    """Of flags, each named by the path of its setting with __ for the dot."""
    paths = {name: name.replace("__", ".") for name in flags}
    named = {
        parameter_name(path) if path in settings() else name: flags[name] for name, path in paths.items()
    }
    return config_from_flags(URL, named, problems=[], progress=False)


def problems_of(make: Callable[..., RunConfig] = config, **options: object) -> Problems:
    """Path → what was given and what is allowed."""
    with pytest.raises(rl.ConfigError) as caught:
        make(**options)
    return {problem.path: (problem.given, problem.allowed) for problem in caught.value.problems}
