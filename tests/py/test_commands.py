"""Commands of the user's own: from Python, the shell, a file, and by redis-benchmark's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import redisload as rl
from redisload import _core
from support.configured import by_flags, config, problems_of

if TYPE_CHECKING:
    from pathlib import Path

TWO = [{"text": "GET {key}", "weight": 9.0}, {"text": "SET {key} {value}", "weight": 1.0}]


class TestPython:
    @pytest.mark.parametrize(
        "workload",
        [
            {"GET {key}": 9, "SET {key} {value}": 1},
            [rl.Command("GET {key}", weight=9), "SET {key} {value}"],
            (rl.Command("GET {key}", 9), {"text": "SET {key} {value}"}),
            rl.Workload("custom", commands={"GET {key}": 9, "SET {key} {value}": 1}),
            rl.Workload(commands=[rl.Command("GET {key}", 9), rl.Command("SET {key} {value}")]),
        ],
        ids=["dict", "list", "tuple", "workload", "nameless workload"],
    )
    def test_every_form(self, workload: object) -> None:
        made = config(workload=workload)
        assert made["workload.name"] == "custom"
        assert made["workload.commands"] == TWO

    def test_names(self) -> None:
        made = config(workload=[rl.Command("GET {key}", name="read")])
        assert made["workload.commands"] == [{"text": "GET {key}", "weight": 1.0, "name": "read"}]

    def test_every_problem_with_its_place(self) -> None:
        found = problems_of(
            workload=[
                "GET {kye}",
                rl.Command("SET {key} 'x"),
                "GET {key}",
                rl.Command("GET {key}", weight=-1),
                rl.Command("GET {key}", weight="much"),  # type: ignore[arg-type]
                3,
                "{key} x",
            ]
        )
        assert "at character 5" in found["workload[0]"][1]
        assert found["workload[0]"][0] == "GET {kye}"
        assert "at character 11" in found["workload[1]"][1]
        assert found["workload[3].weight"][0].startswith("-1")
        assert "rl.Command" in found["workload[4]"][1]
        assert "rl.Command" in found["workload[5]"][1]
        assert "first word" in found["workload[6]"][1]
        assert "workload[2]" not in found

    def test_in_a_workload_the_place_is_its_own(self) -> None:
        found = problems_of(workload=rl.Workload("custom", commands=["GET {kye}"]))
        assert "at character 5" in found["workload.commands[0]"][1]

    def test_a_time_to_live_must_be_known(self) -> None:
        for text in ("SET {key} 1 EX {ttl}", "SET {key} 1 PX {ttl_ms}"):
            assert "values.ttl_s" in problems_of(workload=[text])["workload[0]"][1]
            assert config(workload=[text], values=rl.Values(ttl_s=1))["workload.name"] == "custom"

    def test_a_function_is_refused_plainly(self) -> None:
        found = problems_of(workload=[rl.Command(print)])  # type: ignore[arg-type]
        assert "commands are texts" in found["workload[0]"][1]
        assert "rl.Command" in problems_of(workload=[print])["workload[0]"][1]

    def test_none_at_all(self) -> None:
        assert "at least one command" in problems_of(workload=[])["workload"][1]
        assert "at least one command" in problems_of(workload="custom")["workload.commands"][1]
        assert "above 0" in problems_of(workload={"GET {key}": 0})["workload"][1]

    def test_only_custom_has_commands(self) -> None:
        found = problems_of(workload=rl.Workload("list_operations", commands=["GET {key}"]))
        assert "the workload custom" in found["workload.commands"][1]


class TestShell:
    def test_weights_and_no_weights(self) -> None:
        made = by_flags(workload__commands=("9:GET {key}", "SET {key} {value}"))
        assert made["workload.commands"] == TWO
        assert made["workload.name"] == "custom"
        only = by_flags(workload__commands=("0.5: GET user:{int:1:9}",))["workload.commands"]
        assert only == [{"text": "GET user:{int:1:9}", "weight": 0.5}]

    def test_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "commands"
        path.write_text("# reads\n9:GET {key}\n\n  # writes\nSET {key} {value}\n")
        assert by_flags(command_files=(str(path),))["workload.commands"] == TWO
        both = by_flags(command_files=(str(path),), workload__commands=("PING",))["workload.commands"]
        assert [one["text"] for one in both] == ["PING", "GET {key}", "SET {key} {value}"]

    def test_every_problem_with_its_place(self, tmp_path: Path) -> None:
        path = tmp_path / "commands"
        path.write_text("GET {key}\n\nGET {kye}\n")
        with pytest.raises(rl.ConfigError) as caught:
            by_flags(workload__commands=("9:GET {kye}", "SET {int:9:1}"), command_files=(str(path), "/none"))
        found = [(problem.path, problem.allowed) for problem in caught.value.problems]
        assert [name for name, _ in found if name == "--command"] == ["--command"] * 2
        assert sum("at character 5" in text for _, text in found) == 2
        assert sum("at character 10" in text for _, text in found) == 1
        assert f"--command-file {path} line 3" in dict(found)
        assert "can be read" in dict(found)["--command-file"]

    def test_a_file_of_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "commands").write_text("# nothing\n")
        found = problems_of(by_flags, command_files=(str(tmp_path / "commands"),))
        assert "at least one command" in found["--command"][1]

    def test_with_another_workload(self) -> None:
        found = problems_of(by_flags, workload__name="basic_rw", workload__commands=("GET {key}",))
        assert "the workload custom" in found["--command"][1]
        assert "at least one" in problems_of(by_flags, workload__name="custom")["--command"][1]

    def test_a_script_from_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "x.lua"
        path.write_text("return 1")
        shell = {"workload__name": "script"}
        assert by_flags(**shell, workload__script=f"@{path}")["workload.script"] == "return 1"
        assert by_flags(**shell, workload__script="return 2")["workload.script"] == "return 2"
        made = config(workload=rl.Workload("script", script=path))
        assert made["workload.script"] == "return 1"
        assert "@FILE" in problems_of(by_flags, **shell, workload__script="@/none")["--script"][1]
        found = problems_of(workload=rl.Workload("script", script=tmp_path))
        assert "can be read" in found["workload.script"][1]


class TestRedisBenchmarksTests:
    @pytest.mark.parametrize(
        ("tests", "workload"),
        [
            ("set,get", "basic_rw"),
            ("GET", "basic_rw"),
            ("lpush", "list_operations"),
            ("lpush,rpop", "list_operations"),
            ("sadd", "set_operations"),
            ("zadd", "sorted_set_operations"),
            ("hset", "hash_operations"),
        ],
    )
    def test_a_workload_that_has_all_of_them(self, tests: str, workload: str) -> None:
        made = by_flags(tests=tests)
        assert made["workload.name"] == workload
        assert made["workload.weights"] == dict.fromkeys(tests.upper().split(","), 1.0)

    def test_a_mix_that_none_has(self) -> None:
        names = ["SET", "LPUSH", "SADD", "HSET", "ZADD", "INCR", "RPOP", "SPOP", "PING"]
        made = by_flags(tests=",".join(names).lower())
        assert made["workload.name"] == "custom"
        commands = made["workload.commands"]
        assert [one["name"] for one in commands] == names
        assert [one["text"].split()[0] for one in commands] == [one["name"] for one in commands]
        assert {one["weight"] for one in commands} == {1.0}

    def test_every_name_alone(self) -> None:
        names = "ping_inline ping_mbulk set get incr lpush rpush lpop rpop sadd hset spop zadd zpopmin mset"
        for name in [*names.split(), "lrange_100", "lrange_300", "lrange_500", "lrange_600"]:
            made = by_flags(tests=name)
            assert not _core.validate(made.core_dict()), name

    def test_expiring_sets(self) -> None:
        made = by_flags(tests="set,lpush", values__ttl_s="10")
        assert made["workload.commands"][0]["text"] == "SET {key} {value} PX {ttl_ms}"

    @pytest.mark.parametrize("tests", ["gte", "set,gte", ",", ""])
    def test_what_is_none(self, tests: str) -> None:
        assert "one of set, get" in problems_of(by_flags, tests=tests)["--tests"][1]

    def test_of_a_workload_that_is_named(self) -> None:
        assert by_flags(tests="set", workload__name="pipeline")["workload.name"] == "pipeline"
        found = problems_of(by_flags, tests="set", workload__name="set_operations")
        assert "a command of set_operations" in found["--tests"][1]

    def test_not_beside_weights_or_commands(self) -> None:
        options: list[dict[str, Any]] = [
            {"workload__weights": "SET=1"},
            {"workload__commands": ("GET {key}",)},
        ]
        for one in options:
            assert any("not both" in text for _, text in problems_of(by_flags, tests="set", **one).values())
