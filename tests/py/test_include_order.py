"""The order in which the C++ folders may include each other; CONTRIBUTING.md draws it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "cpp" / "redisload"
# Each level may include the levels before it and its own folder, never a neighbour within its level
# where the level holds folders that are to stay strangers.
LEVELS = (
    ("base",),
    ("config",),
    ("plan",),
    ("workload", "pacing", "net", "metrics"),
    ("cache_aside", "results"),
    ("run",),
)
LEVEL_OF = {folder: level for level, folders in enumerate(LEVELS) for folder in folders}
STRANGERS = frozenset(LEVELS[3])
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
QUEUE_HEADER = "concurrentqueue"


def included(source: str) -> list[str]:
    """The paths that a C++ source includes, comments left out."""
    without_comments = re.sub(r"//[^\n]*|/\*.*?\*/", "", source, flags=re.DOTALL)
    return INCLUDE.findall(without_comments)


def problem(folder: str, header: str) -> str | None:
    """What is wrong with a file of `folder` that includes `header`; None if nothing is."""
    parts = header.split("/")
    if QUEUE_HEADER in header and folder != "base":
        return "only base/queue.hpp includes moodycamel's queue"
    if parts[0] == "bindings" or "pybind11" in header or header == "Python.h":
        return "the core knows nothing of Python"
    if parts[0] != "redisload":
        return None
    other = parts[1]
    if other not in LEVEL_OF:
        return f"{other} is no folder of the core"
    if other == folder:
        return None
    if LEVEL_OF[other] > LEVEL_OF[folder]:
        return f"{folder} comes before {other}"
    if folder in STRANGERS and other in STRANGERS:
        return f"{folder} and {other} never include each other"
    return None


def sources() -> list[Path]:
    return sorted(path for path in CORE.rglob("*") if path.suffix in (".hpp", ".cpp"))


def test_the_core_keeps_the_include_order() -> None:
    problems = [
        f"{path.relative_to(CORE)} includes {header}: {wrong}"
        for path in sources()
        for header in included(path.read_text())
        if (wrong := problem(path.relative_to(CORE).parts[0], header))
    ]
    assert len(sources()) > 10
    assert problems == []


def test_every_folder_has_its_place() -> None:
    assert {path.relative_to(CORE).parts[0] for path in sources()} <= set(LEVEL_OF)


def test_one_file_includes_the_queue() -> None:
    includers = [
        path.relative_to(CORE).as_posix()
        for path in sources()
        if any(QUEUE_HEADER in header for header in included(path.read_text()))
    ]
    assert includers == ["base/queue.hpp"]


@pytest.mark.parametrize(
    ("folder", "header", "allowed"),
    [
        ("net", "redisload/base/error.hpp", True),
        ("net", "redisload/net/connection.hpp", True),
        ("net", "hiredis/read.h", True),
        ("net", "redisload/metrics/recorder.hpp", False),
        ("base", "redisload/config/run_config.hpp", False),
        ("plan", "redisload/net/connection.hpp", False),
        ("run", "redisload/metrics/recorder.hpp", True),
        ("metrics", "redisload/run/run.hpp", False),
        ("metrics", "concurrentqueue/concurrentqueue.h", False),
        ("results", "pybind11/pybind11.h", False),
        ("run", "redisload/elsewhere/thing.hpp", False),
    ],
)
def test_the_rule_itself(folder: str, header: str, allowed: bool) -> None:
    assert (problem(folder, header) is None) is allowed


def test_includes_in_comments_do_not_count() -> None:
    assert included('// #include "a.hpp"\n#include "b.hpp"\n/*\n#include "c.hpp"\n*/\n# include <d>\n') == [
        "b.hpp",
        "d",
    ]
