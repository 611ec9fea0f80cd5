"""Settings of hooks that make no sense are told at WARNING in each hook, with what is done in their place."""

from __future__ import annotations

from typing import List

import pytest

from charms_reactive._juju import hook_tools, settings

from .support import Framework, Unit


def warnings(framework: Framework, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> List[str]:
    monkeypatch.setenv(variable, value)
    framework.logged.clear()
    framework.main()
    return framework.lines("WARNING")


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("STRICT", "maybe", "must be 1 or 0, not 'maybe'; taken as 0"),
        ("STRICT", "2", "must be 1 or 0, not '2'; taken as 0"),
        ("TOOL_TIMEOUT", "abc", "must be a number of seconds above 0 and up to 86400, not 'abc'; using 300"),
        ("TOOL_TIMEOUT", "0", "must be a number of seconds above 0 and up to 86400, not '0'; using 300"),
        ("TOOL_TIMEOUT", "-1", "must be a number of seconds above 0 and up to 86400, not '-1'; using 300"),
        ("TOOL_TIMEOUT", "nan", "must be a number of seconds above 0 and up to 86400, not 'nan'; using 300"),
        ("TOOL_TIMEOUT", "inf", "must be a number of seconds above 0 and up to 86400, not 'inf'; using 300"),
        ("LOCK_TIMEOUT", "abc", "must be a number of seconds from 0 to 86400, not 'abc'; it is not heeded"),
        ("LOCK_TIMEOUT", "-1", "must be a number of seconds from 0 to 86400, not '-1'; it is not heeded"),
        ("LOG", "loud", "must be off, info or trace, not 'loud'; using info"),
        ("TRACE", "1", "must be true, not '1'; charms.reactive.sh is not traced"),
    ],
)
def test_a_setting_that_makes_no_sense(
    framework: Framework, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    name = "CHARMS_REACTIVE_" + variable
    for _ in range(2):
        assert warnings(framework, monkeypatch, name, value) == ["%s %s" % (name, told)]


@pytest.mark.parametrize(
    ("variable", "values"),
    [
        ("STRICT", ["1", "true", "YES", "on", "0", "false", "no", "Off", ""]),
        ("TOOL_TIMEOUT", ["1", "0.5", "86400", ""]),
        ("LOCK_TIMEOUT", ["0", "0.5", "86400", ""]),
        ("LOG", ["off", "info", "TRACE", ""]),
        ("TRACE", ["true", "false", "0", ""]),
    ],
)
def test_a_setting_that_makes_sense(
    framework: Framework, monkeypatch: pytest.MonkeyPatch, variable: str, values: List[str]
) -> None:
    for value in values:
        assert warnings(framework, monkeypatch, "CHARMS_REACTIVE_" + variable, value) == []


def test_what_is_done_in_their_place(framework: Framework, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("abc", "0", "-1", "nan", "inf"):
        monkeypatch.setenv("CHARMS_REACTIVE_TOOL_TIMEOUT", value)
        assert hook_tools.tool_timeout() == 300
    monkeypatch.setenv("CHARMS_REACTIVE_STRICT", "maybe")
    assert settings.strict() is False
    monkeypatch.setenv("CHARMS_REACTIVE_STRICT", "Yes")
    assert settings.strict() is True


@pytest.mark.long
def test_an_option_of_the_charm_that_makes_no_sense(unit: Unit) -> None:
    unit.write("config.yaml", "options: {reactive-strict: {type: string}}\n")
    unit.answer("config-get", '{"reactive-strict": "perhaps"}')
    text = "from charms.reactive import *\n@not_unless('x')\ndef g(): pass\n@when_not('a')\ndef f(): g()\n"
    unit.write("reactive/app.py", text)
    assert unit.run().status == 0
    assert "reactive-strict must be true or false, not 'perhaps'; taken as false" in unit.log_text()


@pytest.mark.long
def test_a_hook_around_this_one_that_is_none(unit: Unit) -> None:
    done = unit.run(env={"CHARMS_REACTIVE_HOOK": "junk"})
    assert done.status == 1
    told = done.stderr.strip().splitlines()[-1]
    assert "UnitStateError: cannot open the unit state" in told
    assert "CHARMS_REACTIVE_HOOK='junk', which names no process; only the framework sets it: unset it" in told
