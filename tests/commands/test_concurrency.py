"""Many commands at once: all arrive, and none fails because another one writes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import List, Optional

import pytest

from charms_reactive._unit_state.rows import lock_timeout

from .support import LentBy, Unit

pytestmark = [pytest.mark.long, pytest.mark.once]

MANY = 20


def finish(running: List[subprocess.Popen[bytes]]) -> None:
    for process in running:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out, err) == (0, b"", b"")


def test_flags_set_by_twenty_processes_all_arrive(unit: Unit) -> None:
    finish([unit.start("set_flag", "flag.%02d" % number) for number in range(MANY)])
    assert unit.flags() == ["flag.%02d" % number for number in range(MANY)]


def test_twenty_processes_on_a_unit_that_has_no_state_yet(unit: Unit) -> None:
    unit.file.unlink()
    finish([unit.start("set_flag", "flag.%02d" % number) for number in range(MANY)])
    assert unit.flags() == ["flag.%02d" % number for number in range(MANY)]


def test_the_dispatch_that_waits_hears_of_every_change(unit: Unit) -> None:
    """Each adds to the same rows; none may overwrite what another one has added."""
    unit.set(*("old.%02d" % number for number in range(MANY)))
    hook = LentBy(unit)
    unit.env.update(CHARMS_REACTIVE_HOOK=hook.name, CHARMS_REACTIVE_LENT="1")
    unit.write(
        {
            "reactive.dispatch.undo": {},
            "reactive.dispatch.undo.armed": hook.name,
            "reactive.dispatch.changes": [],
            "reactive.state_watch": {"iteration": 0, "changes": [], "pending": []},
            "reactive.flag_set_triggers.new.03": {"set_flag": ["followed"], "clear_flag": []},
        }
    )
    started = []
    for number in range(MANY):
        started += [
            unit.start(*words)
            for words in (
                ["set_flag", "new.%02d" % number],
                ["clear_flag", "old.%02d" % number],
                ["toggle_flag", "both.%02d" % number, "yes" if number % 2 else "no"],
            )
        ]
    finish(started)
    hook.succeed()
    wanted = ["+new.%02d" % number for number in range(MANY)]
    wanted += ["-old.%02d" % number for number in range(MANY)]
    wanted += ["+both.%02d" % number for number in range(1, MANY, 2)] + ["+followed"]
    rows = unit.rows()
    assert sorted(rows["reactive.dispatch.changes"]) == sorted(wanted)
    assert sorted(rows["reactive.state_watch"]["pending"]) == sorted(change[1:] for change in wanted)
    assert unit.flags() == sorted(change[1:] for change in wanted if change[0] == "+")


HOOK = """\
import sys, time
from charmhelpers.core import unitdata
from charms_reactive import clear_flag, set_flag
from charms_reactive._unit_state import unit_state
unit_state.unit.lock_timeout = 60
for number in range(20):
    set_flag("hook.%02d" % number)
    time.sleep(0.02)  # and the file is locked meanwhile
    unitdata.kv().flush()
    time.sleep(0.005)
"""


def test_beside_a_hook_that_writes_now_and_then(unit: Unit) -> None:
    hook = subprocess.Popen([sys.executable, "-c", HOOK], env=unit.env, cwd=str(unit.directory))
    running = []
    for number in range(MANY):
        running.append(unit.start("set_flag", "flag.%02d" % number))
        time.sleep(0.02)
    finish(running)
    assert hook.wait(60) == 0
    assert len(unit.flags()) == 2 * MANY


def test_a_lock_is_waited_for(unit: Unit) -> None:
    holder = unit.connect()
    holder.execute("BEGIN IMMEDIATE")
    waiting = unit.start("set_flag", "a")
    time.sleep(0.5)
    assert waiting.poll() is None
    assert unit.run("is_flag_set", "a") == (1, "", "")  # readers need not wait for it
    holder.execute("COMMIT")
    holder.close()
    finish([waiting])
    assert unit.flags() == ["a"]


@pytest.mark.parametrize(
    ("how", "words"), [("IMMEDIATE", ["set_flag", "a"]), ("EXCLUSIVE", ["is_flag_set", "a"])]
)
def test_but_not_for_ever(unit: Unit, how: str, words: List[str]) -> None:
    holder = unit.connect()
    holder.execute("BEGIN %s" % how)
    began = time.monotonic()
    done = unit.run(*words, env={"CHARMS_REACTIVE_LOCK_TIMEOUT": "0.3"})
    assert 0.3 <= time.monotonic() - began < 30
    holder.execute("ROLLBACK")
    holder.close()
    assert (done.status, done.out) == (2, "")
    assert "another process holds it" in done.err


@pytest.mark.parametrize(
    ("given", "in_hook", "seconds"),
    [(None, False, 60), (None, True, 3600), ("0.5", True, 0.5), ("0", False, 0), ("-1", False, 60)]
    + [("nan", True, 3600), ("1e9", False, 60), ("soon", False, 60)],
)
def test_what_a_hook_has_started_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, given: Optional[str], in_hook: bool, seconds: float
) -> None:
    """A bash handler has left it running, and a handler in Python holds the file for longer than a minute."""
    if given is None:
        monkeypatch.delenv("CHARMS_REACTIVE_LOCK_TIMEOUT", raising=False)
    else:
        monkeypatch.setenv("CHARMS_REACTIVE_LOCK_TIMEOUT", given)
    assert lock_timeout(in_hook) == seconds


@pytest.mark.parametrize("next_one", [False, True], ids=["nobody else", "beside the next hook"])
def test_a_hook_that_is_lost_while_a_command_waits(unit: Unit, next_one: bool) -> None:
    hook = LentBy(unit)
    holder = unit.connect()
    holder.execute("BEGIN IMMEDIATE")
    unit.env.update(CHARMS_REACTIVE_HOOK=hook.name, CHARMS_REACTIVE_LENT="1")
    late = unit.start("set_flag", "late")
    time.sleep(0.5)
    hook.die()
    following = LentBy(unit, hook.name) if next_one else None
    if following is not None:
        following.path.write_text("%s\n2 next\n" % hook.name)
    holder.execute("COMMIT")
    holder.close()
    _, err = late.communicate(timeout=60)
    assert late.returncode == 2
    assert b"has failed or was killed, and what it had changed is undone" in err
    assert unit.flags() == []
    if following is not None:
        following.die()
    hook.path.unlink()  # as the next one does that succeeds
    assert unit.run("set_flag", "late") == (0, "", "")


def test_what_is_set_already_needs_no_lock(unit: Unit) -> None:
    unit.set("a")
    holder = unit.connect()
    holder.execute("BEGIN IMMEDIATE")
    assert unit.run("set_flag", "a", env={"CHARMS_REACTIVE_LOCK_TIMEOUT": "0"}) == (0, "", "")
    assert unit.run("clear_flag", "b", env={"CHARMS_REACTIVE_LOCK_TIMEOUT": "0"}) == (0, "", "")
    holder.close()
    assert json.dumps(unit.flags()) == '["a"]'
