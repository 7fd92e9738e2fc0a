"""What an installed redisload carries beside its code."""

from __future__ import annotations

from importlib import metadata, resources

import pytest

import redisload


def test_version_is_the_distribution_s() -> None:
    assert redisload.__version__ == metadata.version("redisload")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("LICENSE", "MIT License"),
        ("hiredis.txt", "Salvatore Sanfilippo"),
        ("fast_float.txt", "fast_float authors"),
        ("concurrentqueue.txt", "Cameron Desrochers"),
        ("pybind11.txt", "Wenzel Jakob"),
        ("README.txt", "OpenSSL"),
    ],
)
def test_licences_are_installed(name: str, words: str) -> None:
    files = metadata.files("redisload") or []
    (found,) = [file for file in files if "licenses" in file.parts and file.name == name]
    assert words in found.read_text()


def test_package_is_marked_as_typed() -> None:
    assert resources.files("redisload").joinpath("py.typed").is_file()
