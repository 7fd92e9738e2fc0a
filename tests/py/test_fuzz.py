"""Whatever is typed as a template, a size, a distribution or a flag: accepted, or refused with its place."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import redisload as rl
from redisload._python_line import python_line
from redisload._settings import settings as all_settings
from redisload.cli.options import parameter_name, run_options
from support.configured import by_flags, config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redisload.config import RunConfig

FUZZ = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)

PIECES = [
    *(
        "GET",
        "SET",
        "MGET",
        "CLIENT",
        " ",
        "  ",
        "\t",
        "\n",
        "{",
        "}",
        "{{",
        "}}",
        "{key}",
        "{key:2}",
        "{key:0}",
    ),
    *(
        "{key:x}",
        "{key:1025}",
        "{value}",
        "{field}",
        "{member}",
        "{score}",
        "{int:1:9}",
        "{int:9:1}",
        "{int:}",
    ),
    *(
        "{int:-9223372036854775808:9223372036854775807}",
        "{choice:a,b}",
        "{choice:}",
        "{ttl}",
        "{ttl_ms}",
        "{x}",
    ),
    *(
        '"',
        "'",
        "\\",
        "\\x0",
        "\\xff",
        "\\n",
        "\0",
        "é",
        "\U0001f600",
        "\ud800",
        ":",
        ",",
        "9:",
        "#",
        "@",
        "-",
    ),
]
TEXTS = st.one_of(st.text(max_size=20), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
NUMBERS = [
    "0",
    "1",
    "-1",
    "16",
    "1e3",
    "4KiB",
    "513MiB",
    "9" * 30,
    "0.5",
    "nan",
    "inf",
    ":",
    "-",
    ",",
    "@",
    "x",
    "",
]
SHAPES = st.lists(
    st.sampled_from(
        [
            *NUMBERS,
            "lognormal",
            "zipfian",
            "hotset",
            "normal",
            "latest",
            "moving",
            "uniform",
            "%",
            " ",
            "\0",
            "\ud800",
        ]
    ),
    max_size=6,
)
SIZES = st.one_of(st.text(max_size=12), SHAPES.map("".join), SHAPES.map(":".join), SHAPES.map("-".join))
ANYTHING: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=5,
)


def refused_or_whole(make: Callable[..., RunConfig], **options: Any) -> list[rl.Problem]:
    """The problems; of an accepted configuration none, and it can be shown, saved and asked for again."""
    try:
        made = make(**options)
    except rl.ConfigError as error:
        problems = list(error.problems)
    else:
        problems = []
    if problems:
        assert all(problem.path and problem.allowed for problem in problems)
        return problems
    whole = made.to_dict()
    assert json.loads(json.dumps(whole)) == whole
    lines = python_line(whole)
    again = eval("".join(lines).replace("rl.run(", "dict(target=", 1), {"rl": rl})
    again.pop("target")
    assert config(**again).to_dict() == whole
    return []


@FUZZ
@given(TEXTS)
def test_templates(text: str) -> None:
    for problem in refused_or_whole(config, workload=[text]):
        assert problem.path == "workload[0]"
        assert "at character " in problem.allowed or "command" in problem.allowed
    for problem in refused_or_whole(by_flags, workload__commands=(text,)):
        assert problem.path == "--command"


@FUZZ
@given(SIZES)
def test_sizes(text: str) -> None:
    for problem in refused_or_whole(config, values=rl.Values(sizes=text)):
        assert problem.path == "values.sizes"
    for problem in refused_or_whole(by_flags, values__size_bytes=text):
        assert problem.path == "--value-size"


@FUZZ
@given(SIZES)
def test_distributions(text: str) -> None:
    for problem in refused_or_whole(config, keys=rl.Keys(distribution=text)):
        assert problem.path == "keys.distribution"
    for problem in refused_or_whole(by_flags, keys__distribution=text):
        assert problem.path == "--key-distribution"


FLAGS = sorted(
    path for path in all_settings() if parameter_name(path) in {option.name for option in run_options()}
)


@FUZZ
@given(st.dictionaries(st.sampled_from(FLAGS), TEXTS | SIZES, max_size=4))
def test_flags(values: dict[str, str]) -> None:
    flags: dict[str, Any] = {}
    for path, text in values.items():
        kind = all_settings()[path].kind
        repeated = path in ("workload.commands", "workload.options")
        flags[path.replace(".", "__")] = (text,) if repeated else bool(text) if kind == "bool" else text
    known = {option.opts[-1] for option in run_options()} | {
        name for one in run_options() for name in one.opts
    }
    if any(path.startswith("target.") for path in values):
        with contextlib.suppress(rl.ConfigError):
            by_flags(**flags)
        return
    for problem in refused_or_whole(by_flags, **flags):
        assert problem.path.split(" ")[0] in known, problem


@FUZZ
@given(st.sampled_from(sorted(rl.run.__signature__.parameters)), ANYTHING)  # type: ignore[attr-defined]
def test_arguments(name: str, value: Any) -> None:
    if name in ("target", "on_interval"):
        with contextlib.suppress(rl.ConfigError):
            config(**{} if name == "target" else {name: value})
        return
    for problem in refused_or_whole(config, **{name: value}):
        assert problem.path.startswith(name) or problem.path in ("topology", "values.size_bytes"), problem


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "file"


@FUZZ
@given(name=st.text(max_size=10), content=st.binary(max_size=20))
def test_files(fuzzed: Path, name: str, content: bytes) -> None:
    fuzzed.write_bytes(content)
    for path in (str(fuzzed), name):
        refused_or_whole(by_flags, command_files=(path,))
        refused_or_whole(by_flags, values__sizes=f"@{path}")


TOML_VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["load", "warmup", "step", "ramp", "1s", "500ms", "-1s", "1e400s", ""]),
    st.lists(st.integers(0, 3), max_size=2),
)
PHASES = st.lists(
    st.dictionaries(
        st.sampled_from(["kind", "name", "duration", "duration_s", "rate", "to_rate", "think", "thnk"]),
        TOML_VALUES,
        max_size=5,
    ),
    max_size=4,
)


@FUZZ
@given(PHASES)
def test_scenarios(fuzzed: Path, phases: list[dict[str, Any]]) -> None:
    for problem in refused_or_whole(config, scenario=phases):
        assert problem.path.startswith(("scenario", "warmup_s")), problem
    fuzzed.write_text(tomli_w.dumps({"phase": phases}), encoding="utf-8")
    for problem in refused_or_whole(by_flags, scenario=str(fuzzed)):
        assert problem.path.startswith(("scenario", "--scenario", "--warmup", "warmup_s")), problem


@FUZZ
@given(st.binary(max_size=40))
def test_scenario_files_of_anything(fuzzed: Path, content: bytes) -> None:
    fuzzed.write_bytes(content)
    refused_or_whole(by_flags, scenario=str(fuzzed))
