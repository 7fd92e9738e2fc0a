"""Workloads as TOML: what is saved is what is loaded, and what is wrong in a file is said."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import redisload as rl
from redisload._toml import loads
from redisload.observation import KeyType, ObservedWorkload

if TYPE_CHECKING:
    from pathlib import Path

OBSERVED = ObservedWorkload(
    name="custom",
    commands=(rl.Command("GET {key}", 62.5), rl.Command('SET {key} "a\\x00b" EX 5', 37.5, "odd \" \\ 'ü'")),
    options={"elements": 12},
    keys=rl.Keys(1234, length_bytes=40),
    values=rl.Values(sizes="10:3,20", ttl_s=60.0),
    types={
        "string": KeyType(0.75, 750, 0.5, 60.0, 15.0),
        "ReJSON-RL": KeyType(0.25, 250, 0.0),
    },
    left_out={"CLIENT|SETNAME": 0.01, "EVALSHA": 0.002},
    rate=1234.5,
    database_keys=1300,
    observed_s=5.01,
    source="redis://me:***@db:6379/0",
)
WORKLOADS = [
    OBSERVED,
    ObservedWorkload(name="custom", commands=(rl.Command("PING"),), source="unix:///s?db=0"),
    rl.Workload(),
    rl.Workload("basic_rw", weights={"GET": 9, "SET": 1.5}),
    rl.Workload("list_operations", options={"elements": 3}, keys=500, values="16-64"),
    rl.Workload("custom", commands=(rl.Command("GET {key}"),), values=9),
    rl.Workload("script", script="return redis.call('GET', KEYS[1]) -- 'ü'\n"),
    rl.Workload(
        keys=rl.Keys(7, prefix="a:", hash_tags=3, partition=True), values=rl.Values(5, content="printable")
    ),
]


@pytest.mark.parametrize("workload", WORKLOADS, ids=range(len(WORKLOADS)))
def test_what_is_saved_is_loaded(workload: rl.Workload, tmp_path: Path) -> None:
    file = tmp_path / "workload.toml"
    workload.save(file)
    loaded = rl.Workload.load(str(file))
    assert loaded == workload
    assert type(loaded) is type(workload)
    assert loads(file.read_text("utf-8"))["schema"] == 1


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"commands": ["GET {key}"]}, {"commands": (rl.Command("GET {key}"),)}),
        ({"commands": {"GET {key}": 9}}, {"commands": (rl.Command("GET {key}", 9),)}),
        ({"values": rl.Values(sizes=(1, 9))}, {"values": rl.Values(sizes="1-9")}),
        ({"values": rl.Values(sizes={1: 9, 5: 2})}, {"values": rl.Values(sizes="1:9.0,5:2.0")}),
        ({"values": rl.Values(ttl_s=timedelta(minutes=2))}, {"values": rl.Values(ttl_s=120.0)}),
        ({"keys": rl.Keys(distribution=rl.Zipfian(0.5))}, {"keys": rl.Keys(distribution="zipfian:0.5")}),
        (
            {"keys": rl.Keys(distribution=rl.MovingHotSpot(0.1, 0.9, 5_000_000))},
            {"keys": rl.Keys(distribution="moving:0.1:0.9:5000000")},
        ),
    ],
)
def test_other_spellings_become_texts(written: dict[str, Any], read: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "workload.toml"
    rl.Workload("basic_rw", **written).save(file)
    assert rl.Workload.load(file) == rl.Workload("basic_rw", **read)


def test_a_script_in_a_file_goes_along(tmp_path: Path) -> None:
    (tmp_path / "a.lua").write_text("return 1")
    rl.Workload("script", script=tmp_path / "a.lua").save(tmp_path / "workload.toml")
    assert rl.Workload.load(tmp_path / "workload.toml").script == "return 1"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("name = ", ["TOML"]),
        ("schema = 2", ["schema = 2: 1: a newer redisload"]),
        ("schema = 1\nnmae = 'custom'", ["nmae = 'nmae': one of", "did you mean 'name'?"]),
        ("name = 5\nrate = 'fast'", ["name = 5: a text", "rate = 'fast': a number"]),
        ("[keys]\ncuont = 3\n[values]\nsize = 3", ["keys.cuont", "did you mean 'count'?", "values.size"]),
        ("commands = 3", ["commands = 3: tables [[commands]]"]),
        ("commands = [3]", ["commands[0] = 3: a table"]),
        ("[[commands]]\nweight = 3", ["commands[0]", "text"]),
        ("[types]\nstring = 3", ["types.string = 3: a table"]),
        ("[types.string]\nshare = 3", ["types.string", "sampled"]),
        ("weights = 3", ["weights = 3: a table of numbers"]),
        ("keys = true", ["keys = True: a table, or a whole number"]),
    ],
)
def test_what_is_wrong_in_a_file_is_said(text: str, problems: list[str], tmp_path: Path) -> None:
    file = tmp_path / "workload.toml"
    file.write_text(text)
    with pytest.raises(rl.ConfigError) as caught:
        rl.Workload.load(file)
    for problem in problems:
        assert problem in str(caught.value)
    assert all(problem.path.startswith(str(file)) for problem in caught.value.problems)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\x00")
    with pytest.raises(rl.ConfigError, match="TOML"):
        rl.Workload.load(tmp_path / "a.toml")
    with pytest.raises(FileNotFoundError):
        rl.Workload.load(tmp_path / "none.toml")


def test_sizes_that_are_none_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(rl.ConfigError, match=r"values\.sizes"):
        rl.Workload(values=rl.Values(sizes=(1, 2, 3))).save(tmp_path / "a.toml")  # type: ignore[arg-type]
    assert not (tmp_path / "a.toml").exists()
