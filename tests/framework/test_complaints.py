"""What people have asked for since 2015: charms that are right here and wrong with 1.5.3, in the same run."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from reference import reference

from .support import Unit

pytestmark = pytest.mark.once

HEAD = """\
import os
from charms.reactive import *
from charmhelpers.core import hookenv

def tell(words):
    hookenv.log("ran " + words)
    if os.environ.get("FAILING") == words:
        raise OSError(words)
"""

# What a charm writes with 1.5.3, and what it writes here.
FILE = """
@when_file_changed("app.conf")
def restart():
    tell("restart")

@when_file_changed("app.conf")
def reload():
    tell("reload")
"""

ONCE = """
@only_once
def migrate():
    tell("migrate")
"""

ONCE_HERE = """
@once_per("schema-2")
def migrate():
    tell("migrate")
"""

RESTARTS = """
@hook("config-changed")
def configure():
    set_flag("app.configured")

@when("app.configured")
def restart():
    tell("restart")
"""

RESTARTS_HERE = RESTARTS.replace('@when("app.configured")', '@when_set("app.configured")')

LOST = """
def answer():
    return [1, 2]

@when("db.ready")
def write():
    if data_changed("answer", answer()):
        hookenv_flush()
        tell("write")

def hookenv_flush():
    from charmhelpers.core import unitdata
    unitdata.kv().flush()

@hook("install")
def install():
    set_flag("db.ready")
"""

LOST_HERE = """
def answer():
    return [1, 2]

@when("db.ready")
@when_changed(data=answer)
def write():
    hookenv_flush()
    tell("write")

def hookenv_flush():
    from charmhelpers.core import unitdata
    unitdata.kv().flush()

@hook("install")
def install():
    set_flag("db.ready")
"""


class Side:
    """The same unit with one of the two frameworks."""

    def __init__(self, directory: Path, old: bool) -> None:
        directory.mkdir()
        self.unit = Unit(directory, "pure")
        self.python = None
        if old:
            self.unit.env = reference().hook_environment(self.unit.env)
            self.python = reference().python

    def charm(self, source: str) -> None:
        self.unit.write("reactive/app.py", HEAD + source)

    def run(self, hook: str, failing: str = "") -> List[str]:
        """What the handlers told in a hook; it fails if it is to."""
        if self.python is not None:
            self.unit.write(
                "hooks/" + hook,
                "#!%s\nfrom charms.reactive import main\nmain()\n" % self.python,
                executable=True,
            )
        before = len(self.unit.logged())
        done = self.unit.run(hook, env={"FAILING": failing})
        assert (done.status != 0) == bool(failing), done.stderr
        return [message[4:] for _, message in self.unit.logged()[before:] if message.startswith("ran ")]


@pytest.fixture
def sides(tmp_path: Path) -> List[Side]:
    return [Side(tmp_path / "here", False), Side(tmp_path / "old", True)]


def test_a_file_that_two_handlers_watch(sides: List[Side]) -> None:
    told = []
    for side in sides:
        side.charm(FILE)
        side.unit.write("app.conf", "1")
        told.append([side.run("install"), side.run("update-status")])
        side.unit.write("app.conf", "2")
        told[-1].append(side.run("config-changed"))
    assert told[0] == [["restart", "reload"], [], ["restart", "reload"]]
    assert told[1] == [["restart"], [], ["restart"]]


def test_once_that_runs_again_when_a_line_is_added_above_it(sides: List[Side]) -> None:
    told = []
    for side, source in zip(sides, (ONCE_HERE, ONCE)):
        side.charm(source)
        told.append([side.run("install"), side.run("update-status")])
        side.charm("\n# A comment.\n" + source)
        told[-1].append(side.run("upgrade-charm"))
    assert told == [[["migrate"], [], []], [["migrate"], [], ["migrate"]]]


def test_update_status_that_restarts_services(sides: List[Side]) -> None:
    told = []
    for side, source in zip(sides, (RESTARTS_HERE, RESTARTS)):
        side.charm(source)
        told.append([side.run(hook) for hook in ("config-changed", "update-status", "update-status")])
    assert told == [[["restart"], [], []], [["restart"]] * 3]


def test_the_option_does_so_for_a_charm_as_it_is(sides: List[Side]) -> None:
    told = []
    for side in sides:
        side.charm(RESTARTS)
        side.unit.write("config.yaml", "options:\n  reactive-update-status: {type: string, default: quiet}\n")
        side.unit.answer("config-get", '{"reactive-update-status": "quiet"}')
        told.append([side.run(hook) for hook in ("config-changed", "update-status", "update-status")])
    assert told == [[["restart"], [], []], [["restart"]] * 3]


def test_a_crash_that_loses_a_change(sides: List[Side]) -> None:
    told = []
    for side, source in zip(sides, (LOST_HERE, LOST)):
        side.charm(source)
        told.append([side.run("install", failing="write"), side.run("install"), side.run("update-status")])
    assert told == [[["write"], ["write"], []], [["write"], [], []]]
