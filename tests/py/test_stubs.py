"""The committed type stub is the one that the built extension gives, and it tells the truth."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support import stubs

ROOT = Path(__file__).parents[2]
# pybind11's classes have a metaclass that no stub names; a class that only a run makes has a constructor that
# refuses. Other members have names of their own: they stay checked.
ALLOWED = (r"redisload\._core\.[A-Z]\w*", r"redisload\._core\.IntervalHistograms\.__init__")


def test_regenerating_leaves_no_difference() -> None:
    assert stubs.STUB.read_text() == stubs.generate(), "run ./dev stubs"


def test_stub_agrees_with_the_module(tmp_path: Path) -> None:
    allowlist = tmp_path / "allowlist.txt"
    allowlist.write_text("".join(f"{name}\n" for name in ALLOWED))
    command = [sys.executable, "-m", "mypy.stubtest", "redisload._core", "--allowlist", str(allowlist)]
    command += ["--ignore-unused-allowlist", "--mypy-config-file", "pyproject.toml"]
    environment = {**os.environ, "MYPYPATH": "python"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
