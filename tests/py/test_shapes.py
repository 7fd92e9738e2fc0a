"""Keys, values and workloads as they are given: in Python, as texts, as flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import redisload as rl
from redisload import _core
from redisload._settings import settings
from support.configured import by_flags, config, problems_of

if TYPE_CHECKING:
    from pathlib import Path

DISTRIBUTIONS: list[tuple[object, str, dict[str, object]]] = [
    ("uniform", "uniform", {}),
    (rl.Zipfian(1.3), "zipfian:1.3", {"zipf_exponent": 1.3}),
    (rl.Zipfian(), "zipfian", {"zipf_exponent": 0.99}),
    (rl.Normal(0.25, 0.05), "normal:0.25:0.05", {"normal_mean": 0.25, "normal_deviation": 0.05}),
    (rl.Normal(deviation=0.05), "normal::0.05", {"normal_mean": 0.5, "normal_deviation": 0.05}),
    (rl.HotSet(0.1, 0.9), "hotset:0.1:0.9", {"hot_keys": 0.1, "hot_operations": 0.9}),
    (rl.HotSet(keys=0.1), "hotset:0.1", {"hot_keys": 0.1, "hot_operations": 0.8}),
    (rl.Latest(0.5), "latest:0.5", {"zipf_exponent": 0.5}),
    (rl.MovingHotSpot(0.1, 0.9, 2000), "moving:0.1:0.9:2k", {"hot_keys": 0.1, "move_every": 2000}),
    (rl.MovingHotSpot(every=7), "moving:::7", {"hot_keys": 0.2, "move_every": 7}),
]


class TestDistributions:
    @pytest.mark.parametrize(("value", "text", "parts"), DISTRIBUTIONS, ids=lambda one: str(one)[:24])
    def test_a_value_type_a_text_and_a_flag_are_the_same(
        self, value: object, text: str, parts: dict[str, object]
    ) -> None:
        made = [
            config(keys=rl.Keys(distribution=value)),  # type: ignore[arg-type]
            config(keys=rl.Keys(distribution=text)),
            config(keys={"distribution": text}),
            by_flags(keys__distribution=text),
        ]
        assert all(one.to_dict() == made[0].to_dict() for one in made)
        keys = made[0].to_dict()["keys"]
        assert keys["distribution"] == text.partition(":")[0]
        assert parts.items() <= keys.items()

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("zipfain", "did you mean 'zipfian'"),
            ("uniform:1", "uniform, without parts"),
            ("zipfian:", "zipfian:EXPONENT, every part optional"),
            ("zipfian:1:2", "zipfian:EXPONENT"),
            ("zipfian:x", "EXPONENT a number from 0 to 20"),
            ("hotset:x:0.5", "hotset:KEYS:OPERATIONS, KEYS"),
            ("hotset:0.5:2", "a number from 0 to 1"),
            ("moving:0.1:0.9:0", "a whole number from 1"),
            ("", "one of uniform"),
        ],
    )
    def test_what_is_wrong_says_what_would_be_right(self, text: str, words: str) -> None:
        assert words in problems_of(keys=rl.Keys(distribution=text))["keys.distribution"][1]
        assert words in problems_of(by_flags, keys__distribution=text)["--key-distribution"][1]

    def test_parts_of_the_wrong_type(self) -> None:
        found = problems_of(keys=rl.Keys(distribution=rl.HotSet("many")))  # type: ignore[arg-type]
        assert "hotset:KEYS:OPERATIONS, keys a number" in found["keys.distribution"][1]
        assert "zipfian" in problems_of(keys=rl.Keys(distribution=3))["keys.distribution"][1]  # type: ignore[arg-type]


SIZES: list[tuple[object, str]] = [
    ("16-1024", "16-1024"),
    ((16, 1024), "16-1024"),
    ({32: 9, 4096: 1}, "32:9.0,4096:1.0"),
    ("32:9,4KiB:1", "32:9,4KiB:1"),
    ("lognormal:100:0.5:1KiB", "lognormal:100:0.5:1KiB"),
]


class TestValues:
    @pytest.mark.parametrize(("given", "kept"), SIZES, ids=[kept for _, kept in SIZES])
    def test_sizes_that_vary(self, given: object, kept: str) -> None:
        made = [config(values=given), config(values=rl.Values(sizes=given))]  # type: ignore[arg-type]
        made += [config(values={"sizes": given}), by_flags(values__sizes=kept)]
        made.append(by_flags(values__size_bytes=kept))
        assert [one["values.sizes"] for one in made] == [kept] * 5
        assert all(one["values.size_bytes"] == 32 for one in made)

    @pytest.mark.parametrize("text", ["4096", "4KiB", "4k"])
    def test_one_size_as_a_text(self, text: str) -> None:
        for made in (config(values=text), by_flags(values__size_bytes=text)):
            assert made["values.size_bytes"] == 4096
            assert made["values.sizes"] is None

    def test_sizes_from_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "sizes"
        path.write_text("# what was seen\n100 3\n\n2KiB\n")
        assert config(values=f"@{path}")["values.sizes"] == f"@{path}"
        path.write_text("100 3 7\n")
        assert "line 1" in problems_of(values=f"@{path}")["values"][1]
        assert "cannot be read" in problems_of(by_flags, values__size_bytes="@/none")["--value-size"][1]

    @pytest.mark.parametrize(
        "sizes", [{}, {"a": 1}, {32: "x"}, {-1: 1}, (1,), (1, 2, 3), 3.5, {True: 1}, (9, 3)], ids=str
    )
    def test_what_are_no_sizes(self, sizes: object) -> None:
        assert "16-1024" in problems_of(values=rl.Values(sizes=sizes))["values.sizes"][1]  # type: ignore[arg-type]

    def test_one_size_or_sizes(self) -> None:
        found = problems_of(values=rl.Values(64, sizes="16-1024"))
        assert "not both" in found["values.sizes"][1]
        found = problems_of(by_flags, values__size_bytes="64", values__sizes="32")
        assert "not both" in found["--value-sizes"][1]
        assert config(values=rl.Values(sizes="4KiB"))["values.size_bytes"] == 4096

    def test_times_to_live(self) -> None:
        made = by_flags(values__ttl_s="1m", values__ttl_max_s="2m", values__ttl_jitter="0.1")
        assert made.to_dict() == config(values=rl.Values(ttl_s=60, ttl_max_s=120, ttl_jitter=0.1)).to_dict()
        assert "ttl_s or more" in problems_of(values=rl.Values(ttl_s=2, ttl_max_s=1))["values.ttl_max_s"][1]

    def test_verified_values_have_room_for_their_checksum(self) -> None:
        found = problems_of(by_flags, values__size_bytes="8", values__content="verified")
        assert "16 bytes" in found["--value-size"][1]
        found = problems_of(values=rl.Values(8, content="verfied"))
        assert "did you mean 'verified'" in found["values.content"][1]


class TestKeys:
    def test_shapes_of_names(self) -> None:
        made = config(keys=rl.Keys(10, length_bytes=40, hash_tags=3, partition=True))
        flags = by_flags(keys__count="10", keys__length_bytes="40", keys__hash_tags="3", keys__partition=True)
        assert made.to_dict() == flags.to_dict()

    def test_a_name_must_have_room_for_its_prefix_and_digits(self) -> None:
        found = problems_of(keys=rl.Keys(1000, length_bytes=10))
        assert "the prefix and the digits" in found["keys.length_bytes"][1]

    def test_a_hit_ratio_needs_keys_to_hit(self) -> None:
        assert "prefill" in problems_of(by_flags, hit_ratio="0.8", prefill=False)["--hit-ratio"][1]


class TestWorkloads:
    def test_an_unknown_one_is_answered_with_the_nearest_alone(self) -> None:
        found = problems_of(workload=rl.Workload("lists_operations", weights={"LPUSH": 1}))
        assert list(found) == ["workload.name"]
        assert "did you mean 'list_operations'" in found["workload.name"][1]

    @pytest.mark.parametrize("about", _core.workloads(), ids=lambda about: about["name"])
    def test_its_own_defaults_hold_where_nothing_else_is_given(self, about: dict[str, Any]) -> None:
        options = {"commands": ["GET {key}"]} if about["name"] == "custom" else {}
        made = config(workload=rl.Workload(about["name"], **options))  # type: ignore[arg-type]
        for path, value in about["defaults"].items():
            section, _, name = path.rpartition(".")
            assert made[path] == value
            assert (made.to_dict()[section] if section else made.to_dict())[name] == value
            assert (made.core_dict()[section] if section else made.core_dict())[name] == value
        for path, setting in settings().items():
            if path not in about["defaults"] and not path.startswith(("target.", "workload.")):
                assert made[path] == setting.default

    def test_what_is_given_comes_before_a_workloads_default(self) -> None:
        assert config(workload="high_throughput")["pipeline"] == 16
        assert config(workload="high_throughput", pipeline=1)["pipeline"] == 1
        assert by_flags(workload__name="pipeline")["pipeline"] == 10
        assert by_flags(workload__name="pipeline", pipeline="3")["pipeline"] == 3

    def test_options(self) -> None:
        made = config(workload=rl.Workload("hash_operations", options={"elements": 20}))
        assert made["workload.options"] == {"elements": 20.0}
        flags = by_flags(workload__name="hash_operations", workload__options=("elements=20",))
        assert flags.to_dict() == made.to_dict()

    def test_wrong_options_are_told_by_name(self) -> None:
        made = rl.Workload("hash_operations", options={"elemnts": 20, "elements": 0})
        found = problems_of(workload=made)
        assert "elements" in found["workload.options.elemnts"][1]
        assert found["workload.options.elements"][0] == "0"
        flags = problems_of(by_flags, workload__name="hash_operations", workload__options=("elements=0",))
        assert flags["--option"][0] == "elements=0"
        assert "elements=20" in problems_of(by_flags, workload__options=("elements",))["--option"][1]

    def test_keys_and_values_that_go_with_it(self) -> None:
        workload = rl.Workload("basic_rw", keys=rl.Keys(77), values="1-9")
        assert config(workload=workload)["keys.count"] == 77
        assert config(workload=workload)["values.sizes"] == "1-9"
        assert config(workload=workload, keys=5)["keys.count"] == 5
        assert config(workload=workload, values=8)["values.sizes"] is None
        assert "keys.count" in problems_of(workload=rl.Workload(keys=rl.Keys(0)))
