"""Upgrade and downgrade (SPEC 2): hooks of 1.5.3 and ours take turns on one unit state."""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
from typing import Any, Dict, List

import pytest

from framework.support import Finished, Unit
from reference import Reference, reference

from .charm import read_rows, state_file

pytestmark = [pytest.mark.long, pytest.mark.once]

_CHARM = """
import os, signal
from charmhelpers.core import unitdata
from charms.reactive import (
    clear_flag, data_changed, helpers, hook, is_flag_set, only_once, register_trigger, set_flag,
    toggle_flag, when, when_file_changed, when_not,
)
from charms.reactive.flags import get_states

TURN = int(os.environ["TURN"])
register_trigger(when="turned", set_flag="triggered")


def tell(what):
    with open(os.path.join(os.environ["TOOLS_SAID"], "told"), "a") as file:
        file.write("%d %s\\n" % (TURN, what))


@when_not("never")
@only_once
def once():
    tell("once")


@only_once
def once_alone():
    tell("once alone")


@when_file_changed(os.path.join(os.environ["CHARM_DIR"], "watched"))
def file_changed():
    tell("file")


@hook("update-status")
def every_hook():
    for id, data in (("same", {"b": [1, 2], "a": None}), ("other", {"turn": TURN // 2})):
        if helpers.data_changed(id, data):
            tell("data " + id)
    if not helpers.was_invoked("by hand"):
        helpers.mark_invoked("by hand")
        tell("invoked by hand")
    states = get_states()
    assert states.get("value", TURN - 1) == TURN - 1, states
    set_flag("value", TURN)
    set_flag("relation.connected", {"relation": "db", "conversations": ["reactive.conversations.db.global"]})
    toggle_flag("odd", TURN % 2)
    set_flag("turn.%d" % TURN)
    clear_flag("turn.%d" % (TURN - 2))
    unitdata.kv().set("reactive.conversations.db.global.local-data.turn", TURN)
    clear_flag("triggered")
    clear_flag("turned")
    set_flag("turned")
    assert is_flag_set("triggered")


@hook("start")
def start():
    tell("start")
    set_flag("by.start")
    if os.environ.get("END") == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
"""

_SHELL = """\
#!/bin/bash
mark=$TOOLS_SAID/ran.$TURN
if [[ "$1" == --test ]]; then [[ ! -e $mark ]]; exit; fi
touch "$mark"
charms.reactive set_flag by.shell || exit
charms.reactive set_flag "by.shell.$TURN" || exit
charms.reactive clear_flag "by.shell.$((TURN - 1))"
"""


class Turns:
    """One charm on one unit state, run by either version."""

    def __init__(self, unit: Unit, old: Reference) -> None:
        self.unit = unit
        self.old = old
        self.turn = 0
        unit.write("reactive/it.py", _CHARM)
        unit.write("reactive/aa.sh", _SHELL, executable=True)
        (unit.directory / "watched").write_text("first")
        unit.hook_file("hooks/hook")

    def run(self, who: str, hook: str = "update-status", **env: str) -> Finished:
        self.turn += 1
        variables = {**self.unit.env, "TURN": str(self.turn), "JUJU_HOOK_NAME": hook, **env}
        script = str(self.unit.directory / "hooks" / "hook")
        if who == "ours":
            return self.unit.execute([script], variables)
        # Not the file's own first line, which names the interpreter of this process.
        no_path: Dict[str, Any] = {"PYTHONPATH": None}
        return self.unit.execute(
            [self.old.python, script], {**self.old.hook_environment(variables), **no_path}
        )

    def good(self, who: str, **env: str) -> None:
        done = self.run(who, **env)
        assert done.status == 0, "%s: %s\n%s" % (who, done.stderr, self.unit.log_text()[-2000:])

    def told(self) -> List[str]:
        path = self.unit.said / "told"
        return path.read_text().splitlines() if path.exists() else []

    def rows(self) -> Dict[str, Any]:
        return {key: json.loads(data) for key, data in read_rows(self.unit.directory).items()}

    def flags(self) -> List[str]:
        return sorted(key[16:] for key in self.rows() if key.startswith("reactive.states."))


@pytest.fixture(scope="module")
def old() -> Reference:
    return reference()


@pytest.fixture
def turns(unit: Unit, old: Reference) -> Turns:
    return Turns(unit, old)


def test_it_is_1_5_3_that_is_compared(old: Reference, unit: Unit) -> None:
    script = (
        "import charms.reactive; from importlib.metadata import version; print(version('charms.reactive'))"
    )
    done = unit.execute([old.python, "-c", script], {"PYTHONPATH": None})
    assert done.stdout.strip() == "1.5.3", done.stderr


@pytest.mark.parametrize("first", ["1.5.3", "ours"])
def test_taking_turns(turns: Turns, first: str) -> None:
    order = [first, "ours" if first == "1.5.3" else "1.5.3"] * 3
    for number, who in enumerate(order, 1):
        if number == 4:
            (turns.unit.directory / "watched").write_text("second")
        turns.good(who)
        rows = turns.rows()
        assert rows["reactive.states.value"] == number
        assert rows["reactive.conversations.db.global.local-data.turn"] == number
        assert rows["reactive.states.relation.connected"]["relation"] == "db"
        expected = ["by.shell", "by.shell.%d" % number]
        expected += ["odd"] * (number % 2) + ["relation.connected", "triggered"]
        expected += ["turn.%d" % turn for turn in (number - 1, number) if turn > 0]
        assert turns.flags() == expected + ["turned", "value"]
    told = turns.told()
    # Nothing runs twice because the other version ran in between, and nothing is missed.
    assert [line for line in told if "once" in line and "alone" not in line] == ["1 once"]
    assert [line for line in told if "once alone" in line] == ["1 once alone"]
    assert [line for line in told if "by hand" in line] == ["1 invoked by hand"]
    assert [line for line in told if "data same" in line] == ["1 data same"]
    assert [line for line in told if "data other" in line] == [
        "%d data other" % turn for turn in (1, 2, 4, 6)
    ]
    assert [line for line in told if "file" in line] == ["1 file", "4 file"]


@pytest.mark.parametrize("who", ["1.5.3", "ours"])
def test_hashes_are_the_same_rows(turns: Turns, who: str) -> None:
    turns.good(who)
    rows = turns.rows()
    text = json.dumps({"a": None, "b": [1, 2]}, sort_keys=True)
    assert rows["reactive.data_changed.same"] == hashlib.md5(text.encode()).hexdigest()
    watched = str(turns.unit.directory / "watched")
    assert rows["reactive.files_changed." + watched] == hashlib.md5(b"first").hexdigest()
    assert rows["reactive.invoked.by hand"] is True


def test_scratch_that_1_5_3_leaves_is_gone_after_our_hook(turns: Turns) -> None:
    turns.good("1.5.3")
    left = {key for key in turns.rows() if key.startswith(("reactive.dispatch.", "reactive.state_watch"))}
    assert left, "this test is about what 1.5.3 leaves"
    turns.good("ours")
    assert not {key for key in turns.rows() if key.startswith(("reactive.dispatch.", "reactive.state_watch"))}
    assert not [key for key in turns.rows() if key.startswith("reactive.flag_")]


def test_our_hook_after_a_failed_one_of_1_5_3(turns: Turns) -> None:
    turns.good("1.5.3")
    turns.unit.write("reactive/zz.py", "raise RuntimeError('as asked')")
    assert turns.run("1.5.3").status != 0
    (turns.unit.directory / "reactive" / "zz.py").unlink()
    turns.turn = 1
    for mark in turns.unit.said.glob("ran.2"):
        mark.unlink()
    turns.good("ours")
    assert turns.rows()["reactive.states.value"] == 2


def test_a_downgrade_after_a_kill_of_ours(turns: Turns) -> None:
    turns.good("ours")
    assert turns.run("ours", "start", END="kill").status == -signal.SIGKILL
    turns.turn = 1
    for mark in turns.unit.said.glob("ran.*"):
        mark.unlink()
    turns.good("1.5.3")
    assert turns.rows()["reactive.states.value"] == 2
    flags = turns.flags()
    # And up again: what 1.5.3 has done since is not undone with the hook that was killed before it.
    assert turns.unit.command("get_flags").stdout.split() == flags
    turns.good("ours")
    rows = turns.rows()
    assert rows["reactive.states.value"] == 3
    assert not [key for key in rows if key.startswith("reactive.dispatch.")]


def test_a_kill_of_ours_and_no_downgrade(turns: Turns) -> None:
    turns.good("ours")
    flags = turns.flags()
    assert turns.run("ours", "start", END="kill").status == -signal.SIGKILL
    assert turns.flags() != flags
    assert turns.unit.command("get_flags").stdout.split() == flags


def test_a_failed_hook_of_1_5_3_in_between_changes_nothing_of_that(turns: Turns) -> None:
    turns.good("ours")
    flags = turns.flags()
    assert turns.run("ours", "start", END="kill").status == -signal.SIGKILL
    turns.unit.write("reactive/aaa.py", "raise RuntimeError('as asked')")
    assert turns.run("1.5.3").status != 0
    assert turns.unit.command("get_flags").stdout.split() == flags


def test_the_command_line_of_1_5_3_inside_our_hook(turns: Turns) -> None:
    # A handler that names the other version's command, for example by its path.
    text = _SHELL.replace("charms.reactive", str(turns.old.bin / "charms.reactive"))
    text = text.replace("mark=", "unset PYTHONPATH\nmark=", 1)
    turns.unit.write("reactive/aa.sh", text, executable=True)
    turns.good("ours")
    assert {"by.shell", "by.shell.1", "value"} <= set(turns.flags())
    assert turns.run("ours", "start", END="kill").status == -signal.SIGKILL
    turns.unit.command("get_flags")
    assert {"by.shell", "by.shell.1", "value"} <= set(turns.flags())
    assert "by.shell.2" not in turns.flags()


def test_the_tables_stay_those_of_charmhelpers(turns: Turns) -> None:
    turns.good("ours")
    state = sqlite3.connect(str(state_file(turns.unit.directory)))
    tables = {name for (name,) in state.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    state.close()
    assert tables == {"kv", "kv_revisions", "hooks", "sqlite_sequence"}
