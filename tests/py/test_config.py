"""One typed model: the arguments of rl.run, its value types, the flags; every problem at once."""

from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError
from datetime import timedelta

import numpy as np
import pytest

import redisload as rl
from redisload import _core
from redisload._collect import config_from_arguments
from redisload._convert import duration_from_text, from_text
from redisload._python_line import python_line
from redisload._settings import flag_of, settings
from redisload.cli.options import config_from_flags, run_options
from redisload.config import ARGUMENT_NAMES, EMBEDDED, RunConfig
from redisload.shapes import PARTS

URL = "redis://127.0.0.1:6379/0"


def config(**options: object) -> RunConfig:
    return config_from_arguments(URL, options)


def problems_of(target: object = URL, **options: object) -> dict[str, tuple[str, str]]:
    with pytest.raises(rl.ConfigError) as caught:
        config_from_arguments(target, options)
    return {problem.path: (problem.given, problem.allowed) for problem in caught.value.problems}


class TestNames:
    def test_all_names_are_exported(self) -> None:
        for name in rl.__all__:
            assert getattr(rl, name) is not None
        assert sorted(rl.__all__) == rl.__all__
        assert set(rl.__all__) <= set(dir(rl))

    def test_what_is_reachable_by_a_name_of_the_package_is_in_all_or_a_module(self) -> None:
        public = {name for name, value in vars(rl).items() if not name.startswith("_")}
        modules = {name for name in public if inspect.ismodule(getattr(rl, name))}
        assert public - modules - {"annotations", "importlib", "Any", "TYPE_CHECKING"} <= set(rl.__all__)

    def test_no_public_function_shares_a_submodules_name(self) -> None:
        import pkgutil

        modules = {module.name for module in pkgutil.iter_modules(rl.__path__)}
        assert not modules & set(rl.__all__)

    def test_a_name_of_a_later_version_says_so(self) -> None:
        with pytest.raises(AttributeError, match=r"not available in 0\.1"):
            _ = rl.CacheAside  # type: ignore[attr-defined]

    def test_a_misspelt_name_is_answered_with_the_nearest(self) -> None:
        with pytest.raises(AttributeError, match="did you mean 'Topology'"):
            _ = rl.Topologie  # type: ignore[attr-defined]

    def test_importing_loads_nothing_heavy(self) -> None:
        heavy = "numpy pydantic click rich pandas matplotlib asyncio redisload._core"
        code = f"import sys, redisload; print([name for name in {heavy.split()!r} if name in sys.modules])"
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert out.stdout.strip() == "[]"


class TestDefaults:
    def test_the_signature_shows_what_the_core_states(self) -> None:
        parameters = inspect.signature(rl.run).parameters
        by_path = {field["path"]: field["default"] for field in _core.config_fields()}
        assert list(parameters)[1:] == list(ARGUMENT_NAMES)
        assert parameters["connections"].default == by_path["topology.max_connections"]
        assert parameters["keys"].default == rl.Keys(by_path["keys.count"])
        assert parameters["timeouts"].default.response_s == by_path["timeouts.response_s"]
        assert parameters["target"].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in ARGUMENT_NAMES)

    def test_start_takes_the_same(self) -> None:
        assert inspect.signature(rl.start).parameters == inspect.signature(rl.run).parameters

    def test_the_defaults_are_valid_and_need_nothing_said(self) -> None:
        assert config().core_dict() == {"target": {"host": "127.0.0.1", "port": 6379, "database": 0}}
        assert config_from_arguments(EMBEDDED, {}).embedded

    def test_an_argument_that_is_its_default_is_valid(self) -> None:
        defaults = {
            name: parameter.default
            for name, parameter in inspect.signature(rl.run).parameters.items()
            if name not in ("target", "connections", "threads", "topology")
        }
        assert config(**defaults).to_dict() == config().to_dict()

    def test_every_setting_has_a_default_of_its_own_type_and_words(self) -> None:
        for setting in settings().values():
            assert setting.doc
            assert setting.optional or setting.default is not None


class TestValues:
    def test_short_forms(self) -> None:
        made = config(keys=1000, values=64, connections=7, threads=2)
        assert made["keys.count"] == 1000
        assert made["values.size_bytes"] == 64
        assert made["topology.max_connections"] == 7
        assert made["topology.threads_per_pool"] == 2

    @pytest.mark.parametrize("distribution", [rl.Zipfian(1.3), "zipfian:1.3"], ids=["a value type", "a text"])
    def test_zipfian(self, distribution: object) -> None:
        made = config(keys=rl.Keys(distribution=distribution))  # type: ignore[arg-type]
        assert made["keys.distribution"] == "zipfian"
        assert made["keys.zipf_exponent"] == 1.3

    def test_value_types_or_dicts(self) -> None:
        typed = config(keys=rl.Keys(10, prefix="a:"), topology=rl.Topology(2, 3, 1, 50))
        plain = config(
            keys={"count": 10, "prefix": "a:"},
            topology={"client_pools": 2, "clients_per_pool": 3, "threads_per_pool": 1, "max_connections": 50},
        )
        assert typed.to_dict() == plain.to_dict()

    def test_seconds_as_timedelta_everywhere(self) -> None:
        made = config(
            duration_s=timedelta(minutes=1),
            warmup_s=timedelta(milliseconds=500),
            interval_s=timedelta(seconds=2),
            timeouts=rl.Timeouts(response_s=timedelta(seconds=3)),
        )
        assert made["duration_s"] == 60.0
        assert made["warmup_s"] == 0.5
        assert made["interval_s"] == 2.0
        assert made["timeouts.response_s"] == 3.0

    def test_numbers_of_numpy_and_whole_floats(self) -> None:
        made = config(operations=1e6, pipeline=np.int64(16), rate=np.float32(500), sample_rate=1)
        assert made["operations"] == 1_000_000
        assert type(made["operations"]) is int
        assert made["pipeline"] == 16
        assert made["rate"] == 500.0

    def test_weights(self) -> None:
        made = config(workload=rl.Workload("basic_rw", weights={"set": 1, "GET": 9}))
        assert made["workload.weights"] == {"SET": 1.0, "GET": 9.0}

    @pytest.mark.parametrize(("given", "kept"), [(100, 100), (0.01, 0.01)])
    def test_the_error_budget_is_a_count_or_a_share(self, given: float, kept: float) -> None:
        assert config(max_errors=given)["max_errors"] == kept
        assert type(config(max_errors=given)["max_errors"]) is type(kept)

    def test_value_types_are_frozen_and_picklable(self) -> None:
        with pytest.raises(FrozenInstanceError):
            rl.Keys().count = 3  # type: ignore[misc]
        assert pickle.loads(pickle.dumps(rl.Topology(client_pools=2))) == rl.Topology(client_pools=2)


class TestProblems:
    def test_all_at_once_each_with_path_value_and_what_is_allowed(self) -> None:
        found = problems_of(
            "redis://h:99999",
            keys=rl.Keys(count=-4, distribution="zipfain"),
            pipeline="many",
            values=-1,
            duration_s=float("nan"),
            timeouts=rl.Timeouts(response_s=-1),
            workload="basic_wr",
            conections=3,
        )
        assert set(found) == {
            "target",
            "keys.count",
            "keys.distribution",
            "pipeline",
            "values",
            "duration_s",
            "timeouts.response_s",
            "workload",
            "conections",
        }
        assert found["keys.count"][0] == "-4"
        assert "at least" in found["keys.count"][1] or "from 1" in found["keys.count"][1]
        assert "did you mean 'zipfian'" in found["keys.distribution"][1]
        assert "did you mean 'basic_rw'" in found["workload"][1]
        assert "did you mean 'connections'" in found["conections"][1]

    def test_the_message_lists_them(self) -> None:
        with pytest.raises(rl.ConfigError, match=r"(?s)2 problems.*pipeline = 0.*rate = -1"):
            config(pipeline=0, rate=-1)

    def test_problems_of_python_and_of_the_core_come_together(self) -> None:
        found = problems_of(pipeline="a", objective_s=0, interval_s=0.0001)
        assert set(found) == {"pipeline", "objective_s", "interval_s"}

    def test_a_core_problem_is_told_by_the_name_that_was_used(self) -> None:
        assert set(problems_of(connections=0, threads=0)) == {"connections", "threads"}
        assert set(problems_of(topology=rl.Topology(max_connections=0))) == {"topology.max_connections"}
        assert set(problems_of(protocol=4)) == {"protocol"}

    @pytest.mark.parametrize("name", ["connections", "threads"])
    def test_short_form_and_topology_together(self, name: str) -> None:
        found = problems_of(topology=rl.Topology(), **{name: 2})
        assert "not both" in found[name][1]

    def test_an_unknown_field_of_a_dict_is_answered_with_the_nearest(self) -> None:
        assert "did you mean 'count'" in problems_of(keys={"cuont": 3})["keys.cuont"][1]

    def test_an_unknown_command_name_is_answered_with_the_nearest(self) -> None:
        found = problems_of(workload=rl.Workload("basic_rw", weights={"GTE": 1}))
        assert "GET" in next(iter(found.values()))[1]

    @pytest.mark.parametrize(
        ("options", "path"),
        [
            ({"tls": True}, "tls"),
            ({"resilience": object()}, "resilience"),
            ({"config": {}}, "config"),
        ],
    )
    def test_what_comes_later_is_refused_plainly(self, options: dict[str, object], path: str) -> None:
        assert "not available in 0.1" in problems_of(**options)[path][1]

    @pytest.mark.parametrize("value", [True, "5", 1.5, None, [1]])
    def test_a_wrong_type_is_a_problem(self, value: object) -> None:
        assert "a whole number" in problems_of(pipeline=value)["pipeline"][1]

    @pytest.mark.parametrize("value", [2**63, 10**400, -(2**70)])
    def test_a_number_beyond_the_cores_integers_is_a_problem(self, value: int) -> None:
        assert "seed" in problems_of(seed=value)

    def test_more_connections_than_open_files(self) -> None:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        try:
            found = problems_of(connections=300)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert "ulimit -n" in found["connections"][1]

    def test_options_of_python_alone(self) -> None:
        found = problems_of(progress="yes", on_interval=3, on_interrupt="retrun")
        assert set(found) == {"progress", "on_interval", "on_interrupt"}
        assert "did you mean 'return'" in found["on_interrupt"][1]


class TestSecrets:
    def test_masked_wherever_a_configuration_shows(self) -> None:
        made = config_from_arguments("redis://me:hunter2@h/1", {"name": "x"})
        assert made.core_dict()["target"]["password"] == "hunter2"
        for text in (repr(made), json.dumps(made.to_dict()), made.url, "".join(python_line(made.to_dict()))):
            assert "hunter2" not in text

    def test_masked_in_problems(self) -> None:
        for target, options in [
            ("redis://me:hunter2@h:99999", {}),
            ("redis://h/?passwrd=hunter2", {}),
            ("redsi://me:hunter2@h", {}),
            ("redis://me:hunter2@h/x", {}),
            ("redis://me:hun/ter2hunter2@h", {}),
            (URL, {"passwrod": "hunter2"}),
            (URL, {"password": b"hunter2"}),
        ]:
            with pytest.raises(rl.ConfigError) as caught:
                config_from_arguments(target, options)
            assert "hunter2" not in str(caught.value)
            assert "hunter2" not in repr(caught.value)


class TestText:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("10", 10.0),
            ("10s", 10.0),
            ("500ms", 0.5),
            ("2m", 120.0),
            ("1m30s", 90.0),
            ("1.5h", 5400.0),
            ("20us", 2e-5),
        ],
    )
    def test_durations(self, text: str, seconds: float) -> None:
        assert duration_from_text(text) == pytest.approx(seconds)

    @pytest.mark.parametrize("text", ["", "s", "10 parsecs", "-5s", "1m 30 potatoes", "ten"])
    def test_what_is_no_duration(self, text: str) -> None:
        with pytest.raises((ValueError, KeyError)):
            duration_from_text(text)

    @pytest.mark.parametrize(("text", "size"), [("32", 32), ("4KiB", 4096), ("4k", 4096), ("1MB", 1_000_000)])
    def test_sizes(self, text: str, size: int) -> None:
        assert from_text(settings()["values.size_bytes"], text) == size

    @pytest.mark.parametrize(("text", "number"), [("100000", 100_000), ("100k", 100_000), ("1e6", 1_000_000)])
    def test_counts(self, text: str, number: int) -> None:
        assert from_text(settings()["keys.count"], text) == number

    def test_the_other_kinds(self) -> None:
        assert from_text(settings()["workload.weights"], "set=45,GET=4.5") == {"SET": 45.0, "GET": 4.5}
        assert from_text(settings()["cpus"], "0,2-4") == [0, 2, 3, 4]
        assert from_text(settings()["max_errors"], "1%") == 0.01
        assert from_text(settings()["max_errors"], "100") == 100


class TestFlags:
    @pytest.mark.parametrize(
        ("path", "flag"),
        [
            ("keys.count", "--key-count"),
            ("values.size_bytes", "--value-size"),
            ("topology.client_pools", "--client-pools"),
            ("timeouts.response_s", "--timeout-response"),
            ("duration_s", "--duration"),
            ("app_name", "--app-name"),
            ("workload.options", "--option"),
            ("workload.commands", "--command"),
            ("workload.script", "--script"),
            ("values.ttl_max_s", "--value-ttl-max"),
            ("keys.hash_tags", "--key-hash-tags"),
            ("keys.length_bytes", "--key-length"),
            ("think_s", "--think"),
            ("hit_ratio", "--hit-ratio"),
            ("topology.eager", "--eager"),
        ],
    )
    def test_the_rule(self, path: str, flag: str) -> None:
        assert flag_of(path) == flag

    def test_every_setting_has_its_flag_and_every_argument_its_setting(self) -> None:
        flags = {name for option in run_options() for name in (*option.opts, *option.secondary_opts)}
        for setting in settings().values():
            assert setting.flag in flags or setting.path in {*PARTS, "scenario"}
        assert {"--connections", "--threads", "-c", "-n", "-P", "-d", "-r", "-t", "-h", "-p", "-a"} <= flags
        assert {"--client-instances", "--connections-per-client", "--threads-per-client"} <= flags
        sections = {setting.section for setting in settings().values()} - {"", "target"}
        of_target = {"username", "password", "protocol"}
        top = {setting.path for setting in settings().values() if not setting.section}
        python_only = {"progress", "on_interval", "on_interrupt"}
        later = {"tls", "resilience", "config"}
        assert set(ARGUMENT_NAMES) == sections | top | of_target | python_only | later | {
            "connections",
            "threads",
        }

    def test_no_flag_twice(self) -> None:
        flags = [name for option in run_options() for name in (*option.opts, *option.secondary_opts)]
        assert len(flags) == len(set(flags))

    def test_flags_make_the_configuration_that_arguments_make(self) -> None:
        flags = {
            "connections": "20",
            "set_duration_s": "500ms",
            "set_keys_count": "1k",
            "set_rate": "2k",
            "set_keys_distribution": "zipfian:1.2",
            "set_workload_weights": "SET=1,GET=9",
            "set_prefill": False,
        }
        by_flags = config_from_flags(URL, flags, problems=[], progress=False)
        by_arguments = config(
            connections=20,
            duration_s=0.5,
            rate=2000,
            keys=rl.Keys(1000, distribution=rl.Zipfian(1.2)),
            workload=rl.Workload("basic_rw", weights={"SET": 1, "GET": 9}),
            prefill=False,
        )
        assert by_flags.to_dict() == by_arguments.to_dict()


class TestPythonLine:
    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"connections": 10, "threads": 2, "duration_s": 5.0},
            {"keys": rl.Keys(1000, prefix="a:", distribution=rl.Zipfian(1.2)), "values": 64, "rate": 2000.0},
            {"topology": rl.Topology(2, 3, 1, 10), "workload": rl.Workload("basic_rw", weights={"GET": 9.0})},
            {"timeouts": rl.Timeouts(response_s=2.0), "prefill": False, "max_errors": 0.5, "cpus": [0]},
            {"workload": {"GET {key}": 9, "SET {key} '{value} {{x}}'": 0.123456789}, "values": "16-1024"},
            {
                "workload": rl.Workload(
                    commands=[rl.Command("GET {key}", name="a"), rl.Command("GET {key}", 12_345_678)],
                    options={"elements": 20},
                )
            },
            {"workload": rl.Workload("hash_operations", weights={"HSET": 1}, options={"elements": 3})},
            {"workload": "high_throughput"},
            {"workload": "high_throughput", "pipeline": 1},
            {"workload": "pipeline", "pipeline": 3, "keys": rl.Keys(distribution=rl.Normal(0.25, 0.1))},
            {"keys": rl.Keys(50, distribution=rl.HotSet(0.1, 0.9), length_bytes=40, partition=True)},
            {"keys": rl.Keys(distribution=rl.MovingHotSpot(0.1, 0.9, 500), hash_tags=16)},
            {"keys": rl.Keys(distribution="latest"), "hit_ratio": 0.8, "think_s": 0.25},
            {"values": rl.Values(100, content="verified", ttl_s=10.0, ttl_max_s=20.0, ttl_jitter=0.1)},
            {"values": rl.Values(sizes={32: 9, 4096: 1}, content="compressible", compression=3.0)},
            {"topology": rl.Topology(2, 3, 4, 5, "per_operation", eager=True)},
            {"scenario": [{"duration_s": 2, "rate": 100, "to_rate": 500}, {"duration_s": 1, "rate": 0.0}]},
        ],
    )
    def test_it_asks_for_the_same_run(self, options: dict[str, object]) -> None:
        made = config(**options)
        lines = python_line(made.to_dict(), width=70)
        assert all(len(line) <= 79 for line in lines)
        code = "".join(lines).replace("rl.run(", "again(", 1)
        again = lambda target, **given: config_from_arguments(target, given)  # noqa: E731
        assert eval(code, {"rl": rl, "again": again}).to_dict() == made.to_dict()

    def test_an_embedded_server_is_left_out(self) -> None:
        assert python_line(config_from_arguments(EMBEDDED, {"duration_s": 3}).to_dict()) == [
            "rl.run(duration_s=3.0)"
        ]
