"""The exception tree: what is what, what it says, and that it survives pickling."""

from __future__ import annotations

import pickle

import pytest

from redisload import errors
from redisload.errors import (
    ConfigError,
    PoolTimeout,
    Problem,
    RedisloadError,
    RunError,
    RunInterrupted,
    ServerNotFound,
    TargetError,
)

EXAMPLES = [
    RedisloadError("base"),
    ConfigError([Problem("keys.count", "0", "at least 1"), ("rate", "-1.0", "more than 0")]),
    TargetError("127.0.0.1:6379: Connection refused", "connect"),
    RunError("the run failed"),
    PoolTimeout("no client for 1 s"),
    ServerNotFound("no server program"),
    RunInterrupted({"a": "result"}),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_pickle_keeps_everything(error: BaseException) -> None:
    error.__dict__["run"] = "nightly"
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.args == error.args
    assert copy.__dict__ == error.__dict__


def test_bases() -> None:
    assert {name for name in errors.__all__ if name != "Problem"} == {
        type(error).__name__ for error in EXAMPLES
    }
    for error in EXAMPLES:
        assert isinstance(error, RedisloadError) != isinstance(error, RunInterrupted)
    assert issubclass(ConfigError, ValueError)
    assert issubclass(TargetError, ConnectionError)
    assert issubclass(PoolTimeout, TimeoutError)
    assert issubclass(RunInterrupted, KeyboardInterrupt)
    assert not issubclass(RunInterrupted, Exception)


def test_config_error_names_every_problem() -> None:
    error = EXAMPLES[1]
    assert isinstance(error, ConfigError)
    assert error.problems[1] == Problem(path="rate", given="-1.0", allowed="more than 0")
    assert str(error) == (
        "2 problems in the configuration:\n  keys.count = 0: at least 1\n  rate = -1.0: more than 0"
    )
    assert str(ConfigError(error.problems[:1])) == "keys.count = 0: at least 1"


def test_attributes() -> None:
    error = EXAMPLES[2]
    assert isinstance(error, TargetError)
    assert error.stage == "connect"
    assert error.errno is None
    interrupted = EXAMPLES[-1]
    assert isinstance(interrupted, RunInterrupted)
    assert interrupted.result == {"a": "result"}
