"""Sources are listed by name in CMake: none is forgotten, so that no test is left out unseen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", ["cpp", "tests/cpp"])
def test_every_source_is_listed_once(folder: str) -> None:
    base = ROOT / folder
    lists = (base / "CMakeLists.txt").read_text()
    listed = re.findall(r"(?<![\w/])[a-z_]+/[\w/]+\.cpp", re.sub(r"#[^\n]*", "", lists))
    present = [path.relative_to(base).as_posix() for path in base.rglob("*.cpp")]
    assert sorted(listed) == sorted(present)
