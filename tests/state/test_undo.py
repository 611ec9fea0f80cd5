"""A hook that fails or is killed leaves every row of ours as it was before it (SPEC 2, 20 'rollback')."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from charmhelpers.core import hookenv, unitdata

from charms.reactive import clear_flag, get_flags, main, register_trigger, set_flag, when, when_not
from charms_reactive.errors import UnitStateLockedError
from charms_reactive.flags import get_state, get_states
from framework.support import Finished, Framework, Unit

from .charm import BEFORE, MINE, check_integrity, make, read_rows, state_file, write_rows

pytestmark = pytest.mark.long

SCRATCH = {
    "reactive.state_watch": '{"iteration": 3, "changes": ["x"], "pending": ["y"]}',
    "reactive.dispatch.phase": '"other"',
    "reactive.dispatch.removed_state": "true",
    "reactive.flag_set_triggers.a": '{"set_flag": ["from.old.trigger"], "clear_flag": []}',
    "reactive.flag_clear_triggers.a": '{"set_flag": ["from.old.trigger"], "clear_flag": []}',
    "reactive.flag_triggers.a": "{}",
}


def run(unit: Unit, **env: str) -> Finished:
    return unit.run(env={"CHILD": "both", **env})


def drop_shells(unit: Unit) -> None:
    """Take the shell handlers away; a shell that is still reading one keeps it."""
    for path in (unit.directory / "reactive").glob("*.sh"):
        path.unlink()


def flag_rows(unit: Unit) -> List[str]:
    return sorted(key[16:] for key in read_rows(unit.directory, "reactive.states."))


# -- however a hook ends ------------------------------------------------------------------------
@pytest.mark.parametrize("shells", [True, False], ids=["with shell handlers", "without"])
@pytest.mark.parametrize("where", ["handler", "callback", "atexit"])
@pytest.mark.parametrize("end", ["exception", "exit 1", "keyboard"])
def test_a_failed_hook(unit: Unit, end: str, where: str, shells: bool) -> None:
    make(unit, shells)
    done = run(unit, END=end, WHERE=where)
    assert done.status != 0
    assert read_rows(unit.directory) == BEFORE
    log = unit.log_text()
    assert "kept" not in log  # its value came back, it was set all the time
    if shells:
        assert "first.cli is clear again" in log
    assert "cleared is set again" in log
    assert "before.new is clear again" in log


@pytest.mark.parametrize("child", ["cli", "raw", "both", "none"])
def test_a_failed_shell_handler(unit: Unit, child: str) -> None:
    make(unit)
    done = run(unit, END="shell", CHILD=child)
    assert done.status == 1
    assert "reactive/d.sh" in unit.log_text()
    assert "failed with exit status 7" in unit.log_text()
    assert read_rows(unit.directory) == BEFORE


@pytest.mark.parametrize("shells", [True, False], ids=["with shell handlers", "without"])
@pytest.mark.parametrize("end", ["term", "kill", "_exit"])
@pytest.mark.parametrize("next_one", ["hook", "command", "reader"])
def test_a_killed_hook_is_undone_by_whatever_comes_next(
    unit: Unit, end: str, shells: bool, next_one: str
) -> None:
    make(unit, shells)
    status = run(unit, END=end).status
    assert status == {"term": -signal.SIGTERM, "kill": -signal.SIGKILL, "_exit": 3}[end]
    if next_one == "hook":
        drop_shells(unit)
        assert unit.run("start").status == 0
        assert ("first.cli is clear again" in unit.log_text()) == shells
    elif next_one == "command":
        assert unit.command("is_flag_set", "cleared").status == 0
    else:
        assert unit.command("get_flags").stdout.split() == ["cleared", "kept", "untouched"]
    assert read_rows(unit.directory) == BEFORE
    check_integrity(unit.directory)


@pytest.mark.parametrize("end", ["", "exit 0"])
@pytest.mark.parametrize("where", ["handler", "callback"])
def test_a_hook_that_succeeds_keeps_everything_but_its_scratch(unit: Unit, end: str, where: str) -> None:
    make(unit)
    write_rows(unit.directory, SCRATCH)
    done = run(unit, END=end, WHERE=where)
    assert done.status == 0, done.stderr
    rows = read_rows(unit.directory)
    # The two shell handlers each clear `kept`; the last Python handler sets it again.
    assert [name for name in flag_rows(unit) if name != "ending"] == [
        "after",
        "at.the.end",
        "before.new",
        "between",
        "first.cli",
        "first.raw",
        "kept",
        "second.cli",
        "second.raw",
        "untouched",
    ]
    assert rows["reactive.invoked.before"] == "2"
    assert not [
        key for key in rows if key.startswith("reactive.dispatch") or "trigger" in key.partition("states")[0]
    ]
    assert "reactive.state_watch" not in rows


# -- what is not ours, and what was promised ----------------------------------------------------
def test_rows_that_are_not_ours_are_never_undone(unit: Unit) -> None:
    make(unit)
    run(unit, END="exception")
    mine = {key for key in read_rows(unit.directory, None) if not key.startswith("reactive.")}
    # What was committed before the second child, and what children wrote; the rest was in the
    # transaction that failed.
    assert mine == {*MINE, "mine.before", "mine.first", "mine.second"}


@pytest.mark.parametrize("end", ["exception", "kill"])
@pytest.mark.parametrize(
    ("when_flushed", "kept"),
    [
        ("before", {"before.new", "by.trigger", "kept", "untouched"}),
        (
            "between",
            {"before.new", "by.trigger", "between", "first.cli", "first.raw", "untouched"},
        ),
        ("after", {"after", "before.new", "between", "first.cli", "first.raw", "second.cli", "second.raw"}),
        (
            "before between",
            {"before.flushed", "before.new", "between", "by.trigger", "first.cli", "first.raw"},
        ),
        (
            "rollback between",
            {"before.new", "between.again", "by.trigger", "first.cli", "first.raw", "untouched"},
        ),
    ],
)
def test_what_the_charm_has_flushed_stays_and_undo_begins_there(
    unit: Unit, when_flushed: str, kept: Any, end: str
) -> None:
    make(unit)
    assert run(unit, END=end, FLUSH=when_flushed).status != 0
    if end == "kill":
        drop_shells(unit)
        assert unit.run("start").status == 0
    expected = set(kept) | {"untouched"}
    if when_flushed == "after":
        expected |= {"kept"}
    assert set(flag_rows(unit)) == expected
    assert not [key for key in read_rows(unit.directory) if key.startswith("reactive.dispatch.")]


# -- orphans ------------------------------------------------------------------------------------
ORPHAN = """\
#!/bin/bash
ran=$TOOLS_SAID/orphan.$PPID
if [[ "$1" == --test ]]; then [[ ! -e $ran ]]; exit; fi
touch "$ran"
charms.reactive set_flag orphan.early || exit
kill -KILL $PPID
while [[ ! -e {go} ]]; do sleep 0.02; done
charms.reactive is_flag_set untouched; echo "asked: $?" >>{told}
charms.reactive set_flag orphan.late 2>>{told}; echo "set: $?" >>{told}
charms.reactive clear_flag untouched 2>/dev/null; echo "cleared: $?" >>{told}
touch {done}
"""


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


FAILS = "from charms.reactive import hook\n@hook('start')\ndef fails(): raise RuntimeError('as asked')\n"


@pytest.mark.parametrize("next_one", ["", "fails", "succeeds"])
def test_the_shell_handler_of_a_killed_hook_writes_nothing_more_until_a_hook_has_succeeded(
    unit: Unit, tmp_path: Path, next_one: str
) -> None:
    names = {name: tmp_path / name for name in ("go", "told", "done")}
    unit.write("reactive/orphan.sh", ORPHAN.format(**names), executable=True)
    write_rows(unit.directory, BEFORE)
    with subprocess.Popen([str(_hook(unit))], env=unit.env, cwd=str(unit.directory)) as process:
        assert process.wait(30) == -signal.SIGKILL
    if next_one:
        drop_shells(unit)
        unit.write("reactive/fails.py", FAILS if next_one == "fails" else "")
        assert (unit.run("start").status == 0) == (next_one == "succeeds")
        assert read_rows(unit.directory) == BEFORE
    names["go"].touch()
    wait_for(names["done"])
    told = names["told"].read_text()
    assert "asked: 0" in told
    if next_one == "succeeds":
        assert "set: 0" in told
        assert "cleared: 0" in told
        assert "orphan.late" in flag_rows(unit)
        assert "untouched" not in flag_rows(unit)
        return
    assert "set: 2" in told
    assert "cleared: 2" in told
    assert "the hook that started this process has failed or was killed" in told
    drop_shells(unit)
    unit.write("reactive/fails.py", "")
    assert unit.run("start").status == 0
    assert read_rows(unit.directory) == BEFORE


def _hook(unit: Unit) -> Path:
    unit.hook_file("hooks/update-status")
    return unit.directory / "hooks" / "update-status"


def test_a_process_left_by_a_hook_that_succeeded_may_write(unit: Unit, tmp_path: Path) -> None:
    go, finished = tmp_path / "go", tmp_path / "finished"
    unit.write(
        "reactive/daemon.sh",
        """\
        #!/bin/bash
        ran=$TOOLS_SAID/daemon.$PPID
        if [[ "$1" == --test ]]; then [[ ! -e $ran ]]; exit; fi
        touch "$ran"
        (while [[ ! -e %s ]]; do sleep 0.02; done; charms.reactive set_flag late; touch %s) >/dev/null 2>&1 &
        """
        % (go, finished),
        executable=True,
    )
    assert unit.run().status == 0
    go.touch()
    wait_for(finished)
    assert flag_rows(unit) == ["late"]


# -- in one process -----------------------------------------------------------------------------
def test_start_undoes_what_this_process_could_not_roll_back(framework: Framework, kv: Any) -> None:
    set_flag("kept")
    framework.state.commit()
    set_flag("a")
    framework.state.before_child({})
    with pytest.raises(UnitStateLockedError):
        fail_while_locked(framework, kv)
    assert framework.committed_flags() == ["a", "kept"]
    framework.state.start()
    assert framework.state.recovered == [("a", False)]
    assert get_flags() == ["kept"]
    framework.state.commit()
    assert read_rows(framework.directory) == {"reactive.states.kept": "null"}


def fail_while_locked(framework: Framework, kv: Any) -> None:
    kv.conn.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(str(state_file(framework.directory)), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        framework.state.rollback()
    finally:
        other.close()


def test_undo_keeps_what_the_charm_wrote_before_we_looked(framework: Framework) -> None:
    # A hook was killed; the next one writes rows itself before its first flag call.
    write_rows(framework.directory, {"reactive.invoked.one": "1", "reactive.invoked.two": "1", "mine": "1"})
    set_flag("kept")
    framework.state.commit()
    leave_armed(framework)
    kv = unitdata.kv()
    kv.set("mine", 2)
    kv.set("reactive.invoked.one", 3)
    kv.unset("reactive.invoked.two")
    assert get_flags() == ["kept"]
    assert framework.state.recovered == [("lost", False)]
    assert (kv.get("mine"), kv.get("reactive.invoked.one"), kv.get("reactive.invoked.two")) == (2, 3, None)
    # This hook fails, too, after a shell handler: what it goes back to is from before the first one.
    framework.state.start()
    set_flag("lost.again")
    framework.state.before_child({})
    framework.state.after_child()
    framework.state.rollback()
    assert get_flags() == ["kept"]
    rows = read_rows(framework.directory)
    assert rows == {"reactive.states.kept": "null", "reactive.invoked.one": "1", "reactive.invoked.two": "1"}


def leave_armed(framework: Framework) -> None:
    """Leave the state as a hook does that is killed while a shell handler runs."""
    set_flag("lost")
    framework.state.before_child({})
    framework.state._running.let_go()  # as the kernel does for it
    framework.state._running = None
    unitdata._KV.close()
    unitdata._KV = None


def test_a_savepoint_around_flags(framework: Framework, kv: Any) -> None:
    kv.conn.execute("SAVEPOINT here")
    set_flag("a")
    framework.state.before_child({})
    framework.state.after_child()
    set_flag("b")
    framework.state.rollback()
    assert get_flags() == []


def test_values_and_other_rows_come_back_text_for_text(framework: Framework, kv: Any) -> None:
    odd = {
        "reactive.states.spaces": '{"a" :  1}',
        "reactive.states.unicode": '"\u00fc"',
        "reactive.states.nul\0": '"\\u0000"',
        "reactive.other": "not JSON at all",
    }
    kv.conn.executemany("INSERT INTO kv VALUES (?, ?)", odd.items())
    kv.conn.execute("INSERT INTO kv VALUES ('reactive.empty', NULL)")
    kv.flush()
    framework.state.before_child({})
    kv.conn.execute("UPDATE kv SET data = 'changed' WHERE key NOT LIKE 'reactive.dispatch%'")
    kv.flush()
    framework.state.rollback()
    assert read_rows(framework.directory) == {**odd, "reactive.empty": None}


# -- scratch ------------------------------------------------------------------------------------
@pytest.mark.parametrize("end", ["", "exception", "kill"])
@pytest.mark.parametrize("shells", [True, False], ids=["with shell handlers", "without"])
def test_scratch_of_1_5_does_not_survive_a_hook(unit: Unit, end: str, shells: bool) -> None:
    make(unit, shells)
    write_rows(unit.directory, SCRATCH)
    run(unit, END=end)
    if end == "kill":
        run(unit, END="exception")
    rows = read_rows(unit.directory)
    assert not set(rows) & set(SCRATCH)
    if end:
        assert rows == BEFORE
    assert "from.old.trigger" not in json.dumps(rows)


def test_a_command_outside_a_hook_leaves_no_scratch(unit: Unit) -> None:
    write_rows(unit.directory, {**BEFORE, **SCRATCH})
    assert unit.command("set_flag", "new").status == 0
    rows = read_rows(unit.directory)
    assert set(rows) - set(BEFORE) - set(SCRATCH) == {"reactive.states.new"}


@pytest.mark.parametrize("hook", ["update-status", "collect-metrics", "meter-status-changed"])
@pytest.mark.parametrize("end", ["well", "badly"])
def test_triggers_end_with_the_hook(framework: Framework, hook: str, end: str) -> None:
    framework.write(
        "reactive/it.py",
        """
        from charms.reactive import register_trigger, set_flag
        register_trigger(when="a", set_flag="b")
        set_flag("before.anything")
        """,
    )
    if end == "badly":
        framework.write("reactive/later.py", "raise RuntimeError('as asked')")
        with pytest.raises(Exception, match="as asked"):
            framework.main(hook)
    else:
        framework.main(hook)
    assert [key for key in read_rows(framework.directory) if "trigger" in key] == []
    if end == "well":
        set_flag("a")
        assert get_flags() == ["a", "before.anything"]


def test_trigger_rows_are_there_for_children_only_and_gone_from_the_history(unit: Unit) -> None:
    make(unit)
    assert run(unit, END="").status == 0
    with sqlite3.connect(str(state_file(unit.directory))) as state:
        assert state.execute("SELECT count(*) FROM kv_revisions").fetchone() == (0,)
    state.close()


# -- main() in one process ----------------------------------------------------------------------
def test_two_hooks_in_one_process(framework: Framework) -> None:
    told: List[Dict[str, Any]] = []

    @when_not("second")
    def first() -> None:
        set_flag("second", "value")
        told.append(get_states())

    framework.main()
    assert told == [{"second": "value"}]

    @when("second")
    def fails() -> None:
        clear_flag("second")
        raise RuntimeError("as asked")

    framework.hook("start")
    with pytest.raises(RuntimeError, match="as asked"):
        main()
    assert get_state("second") == "value"
    assert framework.committed_flags() == ["second"]


def test_juju_log_that_fails_at_the_end_of_a_hook_fails_it_before_the_commit(framework: Framework) -> None:
    from charms_reactive._juju import juju_log

    def late() -> None:
        set_flag("late")
        juju_log.log("the last word")

    def broken(message: str, level: Any = None) -> None:
        if "the last word" in message:
            raise OSError("the log is gone")

    framework._patches.setattr(hookenv, "log", broken)
    hookenv.atexit(late)
    with pytest.raises(OSError, match="the log is gone"):
        framework.main()
    assert framework.committed_flags() == []


def test_a_trigger_that_fails_in_the_middle_leaves_engine_and_rows_at_one(framework: Framework) -> None:
    def fails() -> None:
        raise RuntimeError("as asked")

    register_trigger(when="a", set_flag="b", callback=fails)
    with pytest.raises(RuntimeError):
        set_flag("a")
    assert get_flags() == ["a", "b"]
    framework.state.forget()
    assert get_flags() == ["a", "b"]
    framework.state.rollback()
    assert get_flags() == []
