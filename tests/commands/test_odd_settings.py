"""Settings of commands that make no sense: said, and not heeded; the answer is what it is."""

from __future__ import annotations

import pytest

from .support import Unit

pytestmark = pytest.mark.long


@pytest.mark.parametrize("value", ["abc", "-1", "nan", "inf", "1e9", "60s"])
def test_a_time_to_wait_that_is_none(unit: Unit, value: str) -> None:
    unit.set("a")
    env = {"CHARMS_REACTIVE_LOCK_TIMEOUT": value}
    said = "charms.reactive: CHARMS_REACTIVE_LOCK_TIMEOUT must be a number of seconds from 0 to 86400, not %r"
    for words, status, out in (
        (["is_flag_set", "a"], 0, ""),
        (["is_flag_set", "b"], 1, ""),
        (["get_flags"], 0, "a"),
    ):
        done = unit.run(*words, env=env)
        assert (done.status, done.out) == (status, out)
        assert done.err == said % value + "; it is not heeded\n"
    assert unit.run("set_flag", "b", env=env).status == 0
    assert unit.flags() == ["a", "b"]


@pytest.mark.parametrize("value", ["", "0", "0.5", "86400", "1e3"])
def test_a_time_to_wait(unit: Unit, value: str) -> None:
    assert unit.run("set_flag", "a", env={"CHARMS_REACTIVE_LOCK_TIMEOUT": value}) == (0, "", "")


@pytest.mark.parametrize("value", ["junk", "", "12x 3"])
def test_a_hook_that_is_none(unit: Unit, value: str) -> None:
    done = unit.run("set_flag", "a", env={"CHARMS_REACTIVE_HOOK": value})
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert (
        "the environment has CHARMS_REACTIVE_HOOK=%r, which names no process; only the framework" % value
        in done.err
    )
    assert unit.flags() == []
