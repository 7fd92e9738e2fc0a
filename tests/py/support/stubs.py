"""Makes the type stub of the extension module; `./dev stubs` writes it, test_stubs.py compares it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

STUB = Path(__file__).parents[3] / "python" / "redisload" / "_core.pyi"


def generate(module: str = "redisload._core") -> str:
    """The stub of an installed extension module; RuntimeError with the generator's words if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pybind11_stubgen", module, "--output-dir", folder, "--exit-code"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        (stub,) = Path(folder).rglob("*.pyi")
        lines = [line.rstrip() for line in stub.read_text().splitlines()]
    lines = [line for line in lines if not line.startswith("__all__")]  # the module has none
    # Versions of libraries belong to the machine, not to the interface.
    lines = [re.sub(r"^(\w+_version: str) = .*", r"\1", line) for line in lines]
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    STUB.write_text(generate())
    print(STUB)
