"""Saved results: a zip of JSON, arrays and histograms. No pickle: loading runs no code of the file."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redisload._serialize import SCHEMA, from_dict, plain
from redisload.errors import RedisloadError
from redisload.results import Result

if TYPE_CHECKING:
    Encoded = dict[str, Any]

_MAIN = "result.json"
_KIND = "redisload-run"


def save(data: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Writes the file beside its place and moves it there, so that a reader sees the old one or the whole
    new one.
    """
    target = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        os.fchmod(handle, 0o666 & ~_umask())
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                encoded = _Writer(archive).encode(data)
                head = {"schema": SCHEMA, "kind": _KIND, "data": encoded}
                archive.writestr(_MAIN, json.dumps(head, allow_nan=False, ensure_ascii=False))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def load(path: str | os.PathLike[str]) -> Result:
    """Reads a file of ``result.save``, or the JSON of ``to_json`` and ``--json`` (without samples).

    Raises RedisloadError when the file is neither, OSError when it cannot be read.
    """
    with Path(path).open("rb") as file:
        try:
            if zipfile.is_zipfile(file):
                return Result(_load_archive(file))
            file.seek(0)
            return Result(_load_json(file.read()))
        except _NOT_OURS as error:
            raise RedisloadError(f"{os.fspath(path)}: not a saved result of redisload ({error})") from error


_NOT_OURS = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    EOFError,
    zipfile.BadZipFile,
    RecursionError,
)


def _load_archive(file: Any) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        head = json.loads(archive.read(_MAIN))
        _check(head, _KIND)
        data: dict[str, Any] = _decode(head["data"], archive)
        Result(data).to_dict()  # whatever is missing shows here, not at first use
        return data


def _load_json(text: bytes) -> dict[str, Any]:
    out = json.loads(text)
    _check(out, "run")
    return from_dict(out)


def _check(head: Any, kind: str) -> None:
    if not isinstance(head, dict) or head.get("kind") != kind:
        raise ValueError("another kind of file")
    if head.get("schema") != SCHEMA:
        raise ValueError(f"schema {head.get('schema')!r}; this version reads {SCHEMA}")


class _Writer:
    """Puts arrays and histograms beside the JSON and names them in it."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._written = 0

    def encode(self, value: Any) -> Any:
        import numpy as np

        from redisload._core import Histogram, IntervalHistograms

        if isinstance(value, Mapping):
            return {str(name): self.encode(one) for name, one in value.items()}
        if isinstance(value, np.ndarray):
            buffer = io.BytesIO()
            np.save(buffer, _packed(value), allow_pickle=False)
            return {"$array": self._write("npy", buffer.getvalue())}
        if isinstance(value, Histogram):
            return {"$histogram": self._write("histogram", value.to_bytes())}
        if isinstance(value, IntervalHistograms):
            return {"$intervals": self._write("intervals", value.to_bytes())}
        if isinstance(value, (list, tuple)):
            return [self.encode(one) for one in value]
        return plain(value)

    def _write(self, suffix: str, content: bytes) -> str:
        name = f"{self._written:04}.{suffix}"
        self._written += 1
        self._archive.writestr(name, content)
        return name


def _decode(value: Any, archive: zipfile.ZipFile) -> Any:
    import numpy as np

    from redisload._core import Histogram, IntervalHistograms

    if isinstance(value, list):
        return [_decode(one, archive) for one in value]
    if not isinstance(value, dict):
        return value
    if name := value.get("$array"):
        return np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
    if name := value.get("$histogram"):
        return Histogram.from_bytes(archive.read(name))
    if name := value.get("$intervals"):
        return IntervalHistograms.from_bytes(archive.read(name))
    return {name: _decode(one, archive) for name, one in value.items()}


def _packed(array: Any) -> Any:
    """With its columns one after the other: numpy's format knows no other order."""
    import numpy as np

    if array.dtype.names is None:
        return array
    return array.astype(np.dtype([(name, array.dtype[name]) for name in array.dtype.names]))


def _umask() -> int:
    # The process' mask can only be read by setting it; /proc shows it without that race.
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return int(next(line for line in lines if line.startswith("Umask:")).split()[1], 8)
    return 0o077
