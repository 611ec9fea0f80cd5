"""Handlers in bash that run on change."""

from __future__ import annotations

from typing import Any, List

import pytest

from framework.support import Unit

SCRIPT = """\
#!/bin/bash
source charms.reactive.sh

@when_set db.ready
function set_() { tell set; }

@when_cleared db.ready
@when_not paused
function cleared() { tell cleared; }

@when_changed config=port file=app.conf
@when go
function changed() { tell changed; }

@once_per 2.1
@when go
function once() { tell once; }

@unless_hook update-status stop
@when go
function unless() { tell unless; }

@when_set again
function again() {
    tell again
    if [[ ! -e done ]]; then touch done; clear_flag again; set_flag again; fi
}

@when blink
function blinks() { clear_flag blink; clear_flag db.ready; set_flag db.ready; }

function tell() {
    juju-log "ran $1"
    if [[ "${FAILING-}" == "$1" ]]; then exit 3; fi
}

reactive_handler_main
"""


@pytest.fixture(params=["charms.reactive", "charms.reactive-python"])
def bash_unit(request: pytest.FixtureRequest, unit: Unit) -> Unit:
    """A unit of that charm, whose commands are one program or the other."""
    command = unit.bin / "charms.reactive"
    target = command.resolve().parent / request.param
    command.unlink()
    command.symlink_to(target)
    unit.write("reactive/app.sh", SCRIPT, executable=True)
    unit.answer("config-get", '{"port": 80}')
    return unit


def ran(unit: Unit, hook: str = "config-changed", ends: int = 0, **env: Any) -> List[str]:
    before = len(unit.logged())
    done = unit.run(hook, env=env)
    assert (done.status != 0) == bool(ends), done.stderr
    return [message[4:] for _, message in unit.logged()[before:] if message.startswith("ran ")]


@pytest.mark.long
def test_they_hear_as_handlers_in_python_do(bash_unit: Unit) -> None:
    unit = bash_unit
    assert ran(unit) == []
    unit.command("set_flag", "db.ready")
    assert ran(unit, ends=1, FAILING="set") == ["set"]
    assert ran(unit) == ["set"]
    assert ran(unit) == []
    unit.command("clear_flag", "db.ready")
    assert ran(unit) == ["cleared"]
    assert ran(unit) == []
    unit.command("set_flag", "go")
    assert ran(unit, "update-status") == ["changed", "once"]
    assert ran(unit) == ["unless"]
    unit.write("app.conf", "x")
    assert ran(unit) == ["changed", "unless"]
    unit.answer("config-get", '{"port": 81}')
    unit.command("clear_flag", "go")
    assert ran(unit) == []
    unit.command("set_flag", "go")
    assert ran(unit, "update-status") == ["changed"]


@pytest.mark.long
def test_a_flag_that_a_script_clears_and_sets_is_news(bash_unit: Unit) -> None:
    unit = bash_unit
    unit.command("set_flag", "again")
    assert ran(unit) == ["again", "again"]
    assert ran(unit) == []
    unit.command("set_flag", "db.ready")
    assert ran(unit) == ["set"]
    unit.command("set_flag", "blink")
    assert ran(unit) == ["set"]
    assert ran(unit) == []


@pytest.mark.parametrize(
    ("decorator", "words"),
    [
        ("@when_set", "@when_set names nothing"),
        ("@once_per a b", "@once_per takes one key"),
        ("@when_changed port", "@when_changed takes config=NAME and file=PATH, and not 'port'"),
    ],
)
def test_a_mistake_is_told_with_its_line(unit: Unit, decorator: str, words: str) -> None:
    text = "#!/bin/bash\nsource charms.reactive.sh\n%s\nfunction it() { :; }\nreactive_handler_main\n"
    unit.write("reactive/app.sh", text % decorator, executable=True)
    done = unit.run("install")
    assert done.status != 0
    assert "reactive/app.sh:3: " + words in done.stderr.replace(":4:", ":3:")


def test_the_command_test_answers_for_them(bash_unit: Unit) -> None:
    unit = bash_unit
    ran(unit)
    unit.command("set_flag", "db.ready")
    path = str(unit.directory / "reactive/app.sh")
    specs = [
        "a %s:4:set_ when_set 'db.ready'" % path,
        "b %s:7:cleared when_cleared 'db.ready'" % path,
        "c %s:11:changed when_changed 'file=nowhere'" % path,
        "d %s:15:once once_per '2.1'" % path,
        "e %s:19:unless unless_hook 'update-status'" % path,
    ]
    done = unit.command("test", *specs, env={"JUJU_HOOK_NAME": "install"})
    assert done.stdout.strip() == "a,d,e", done.stderr
    ran(unit)
    assert unit.command("test", specs[0]).stdout.strip() == ""
