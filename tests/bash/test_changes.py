"""Flags that bash functions change: what the dispatch makes of it, and that none is lost or half-seen."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, List

import pytest

from .conftest import BashUnit

pytestmark = [pytest.mark.long, pytest.mark.once]

PYTHON = """\
import os
from charms.reactive import *


def tell(words):
    with open(os.environ["TOLD"], "a") as file:
        file.write(words + "\\n")


@hook("start")
def begin():
    set_flag("a")
    set_flag("b")

"""

RAW = (
    """\
%s - "$@" <<'PYTHON'
import os, sqlite3, sys
state = sqlite3.connect(os.path.join(os.environ["CHARM_DIR"], ".unit-state.db"))
for change in sys.argv[1:]:
    if change[0] == "+":
        state.execute("REPLACE INTO kv VALUES (?, 'null')", ("reactive.states." + change[1:],))
    else:
        state.execute("DELETE FROM kv WHERE key = ?", ("reactive.states." + change[1:],))
state.commit()
PYTHON
"""
    % sys.executable
)


def _change(how: str, *changes: str) -> str:
    """Shell text that makes these changes, each ``+flag`` or ``-flag``, with commands or in the rows."""
    if how == "rows":
        return "set -- %s\n%s" % (" ".join(changes), RAW)
    names = {"+": "set_flag", "-": "clear_flag"}
    return "\n".join("%s %s" % (names[change[0]], change[1:]) for change in changes)


# -- the rest of the dispatch -----------------------------------------------------------------------
@pytest.mark.parametrize("how", ["commands", "rows"])
def test_a_flag_that_is_cleared_takes_its_handlers_from_the_queue(unit: BashUnit, how: str) -> None:
    unit.script("@when a\nf() {\n%s\n}\n" % _change(how, "-b"))
    unit.write("reactive/z.py", PYTHON + "@when('b')\ndef g(): tell('g')\n@when('a')\ndef h(): tell('h')\n")
    unit.script('@when b\ng() { echo bash >>"$TOLD"; }', name="reactive/z.sh")
    unit.succeed("start")
    assert unit.told() == ["h"]


@pytest.mark.parametrize("how", ["commands", "rows"])
def test_a_flag_that_is_set_is_reacted_to_in_the_next_iteration(unit: BashUnit, how: str) -> None:
    unit.script(
        '@when a\nf() {\necho f >>"$TOLD"\n%s\n}\n@when c\ng() { echo g >>"$TOLD"; }' % _change(how, "+c")
    )
    unit.write("reactive/a.py", PYTHON + "@when('c')\ndef h(): tell('h')\n")
    unit.write("reactive/z.py", PYTHON.replace("begin", "other") + "@when('a')\ndef i(): tell('i')\n")
    unit.succeed("start")
    # Not in the iteration in which it was set, and then once.
    assert unit.told() == ["f", "i", "h", "g"]
    assert unit.committed_flags() == ["a", "b", "c"]


@pytest.mark.parametrize("how", ["commands", "rows"])
def test_callbacks_of_triggers_run_when_the_function_has_returned(unit: BashUnit, how: str) -> None:
    unit.script('@when a\nf() {\n%s\necho f >>"$TOLD"\n}' % _change(how, "+c", "-b"))
    unit.write(
        "reactive/a.py",
        PYTHON + "register_trigger(when='c', callback=lambda: tell('set %s' % is_flag_set('c')))\n"
        "register_trigger(when_not='b', callback=lambda: (tell('cleared'), set_flag('by.callback')))\n"
        "@when('by.callback')\ndef seen(): tell('seen')\n",
    )
    unit.succeed("start")
    told = unit.told()
    assert told[0] == "f"
    assert sorted(told[1:3]) == ["cleared", "set True"]
    assert told[3:] == ["seen"]


def test_triggers_act_at_once_for_commands(unit: BashUnit) -> None:
    unit.write(
        "reactive/a.py", PYTHON + "register_trigger(when='c', set_flag='by.trigger', clear_flag='b')\n"
    )
    unit.script(
        '@when a\nf() {\nset_flag c\nall_flags_set by.trigger && echo set >>"$TOLD"\n'
        'any_flags_set b || echo cleared >>"$TOLD"\n}\n@when by.trigger\ng() { echo g >>"$TOLD"; }'
    )
    unit.succeed("start")
    assert unit.told() == ["set", "cleared", "g"]


def test_a_flag_that_came_and_went_has_changed(unit: BashUnit) -> None:
    unit.script('@when a\nf() { set_flag c; clear_flag c; }\n@when_not c\n@when b\ng() { echo g >>"$TOLD"; }')
    unit.write("reactive/a.py", PYTHON)
    unit.succeed("start")
    assert unit.told() == ["g", "g"]


def test_values_of_flags_stay(unit: BashUnit) -> None:
    unit.write("reactive/a.py", PYTHON + "@hook('start')\ndef value(): set_flag('v', {'k': [1]})\n")
    unit.script("@when v\nf() { set_flag v; }")
    unit.succeed("start")
    assert unit.rows("reactive.states.v") == {"reactive.states.v": {"k": [1]}}


# -- failing, killed --------------------------------------------------------------------------------
ENDS = {
    "exit 3": "failed with exit status 3",
    "set -e; false": "failed with exit status 1",
    "kill -TERM $$": "was ended by signal %d" % signal.SIGTERM,
    "kill -KILL $$": "was ended by signal %d" % signal.SIGKILL,
    "exec no-such-command": "failed with exit status 127",
}


@pytest.mark.parametrize("end", ENDS)
def test_nothing_remains_of_a_hook_whose_function_fails(unit: BashUnit, end: str) -> None:
    unit.command("set_flag", "before")
    unit.succeed("install")
    before = unit.rows()
    unit.write("reactive/a.py", PYTHON + "set_flag('early')\n")
    unit.script("@when a\nf() { set_flag c; clear_flag before; }\n@when c\ng() { set_flag d; %s; }" % end)
    unit.script("@when_file_changed data\n@only_once\nh() { :; }", name="reactive/h.sh")
    unit.write("data", "1")
    last = unit.fail("start")
    assert "reactive/foo.sh:7:g" in last
    assert ENDS[end] in last
    assert unit.rows() == before
    assert "before is set again" in unit.log_text()


def test_a_hook_that_is_killed_with_its_function_is_undone_by_the_next(unit: BashUnit) -> None:
    unit.write("reactive/a.py", PYTHON)
    unit.script('@when a\nf() { set_flag c; [[ -e spare ]] || kill -KILL "$PPID"; }')
    assert unit.run("start").status == -signal.SIGKILL
    unit.write("spare", "")
    assert unit.command("get_flags").stdout == ""
    unit.succeed("start")
    assert unit.committed_flags() == ["a", "b", "c"]


def test_a_function_that_exits_with_0_has_done_its_work(unit: BashUnit) -> None:
    unit.script('@only_once\nf() { set_flag a; echo f >>"$TOLD"; exit 0; }')
    unit.succeed()
    unit.succeed()
    assert unit.told() == ["f"]
    assert unit.committed_flags() == ["a"]


def test_what_a_function_merely_returns_means_nothing(unit: BashUnit) -> None:
    unit.script("@when_not a\nf() { set_flag a; false; }\n@when_not b\ng() { set_flag b; return 7; }")
    unit.succeed()
    assert unit.committed_flags() == ["a", "b"]


# -- a hook inside of a function --------------------------------------------------------------------
INSIDE = """\
from charms.reactive import *

register_trigger(when="inner", set_flag="triggered")

@hook("install")
def inner():
    set_flag("inner")
    if is_flag_set("fail.inside"):
        raise RuntimeError("inside")
"""


def _with_a_hook_inside(unit: BashUnit, end: str) -> None:
    """A function of ``start`` that runs ``install``, which has a bash function as well."""
    unit.command("set_flag", "before")
    unit.hook_file("hooks/install")
    unit.write("reactive/inside.py", INSIDE)
    unit.script(
        "@when inner\n@hook install\ng() { :; }\n@hook install\nh() { set_flag deep; }", "reactive/in.sh"
    )
    body = 'set_flag a\nclear_flag before\nJUJU_HOOK_NAME=install "$CHARM_DIR/hooks/install"\n%s' % end
    unit.script("@hook start\nf() {\n%s\n}" % body)


def test_a_hook_inside_of_a_function_is_part_of_the_one_around_it(unit: BashUnit) -> None:
    _with_a_hook_inside(unit, "set_flag b")
    unit.succeed("start")
    assert unit.committed_flags() == ["a", "b", "deep", "inner", "triggered"]
    assert not [key for key in unit.rows() if ".dispatch." in key]


def test_what_a_hook_inside_has_done_is_undone_with_the_one_around_it(unit: BashUnit) -> None:
    _with_a_hook_inside(unit, "exit 3")
    unit.fail("start")
    assert unit.committed_flags() == ["before"]


def test_a_kill_undoes_both(unit: BashUnit) -> None:
    _with_a_hook_inside(unit, '[[ -e spare ]] || kill -KILL "$PPID"\nset_flag b')
    assert unit.run("start").status == -signal.SIGKILL
    assert unit.command("get_flags").stdout == "before"
    unit.write("spare", "")
    unit.succeed("start")
    assert unit.committed_flags() == ["a", "b", "deep", "inner", "triggered"]


def test_a_failure_inside_leaves_the_hook_around_it_to_decide(unit: BashUnit) -> None:
    _with_a_hook_inside(unit, "true")
    unit.command("set_flag", "fail.inside")
    unit.succeed("start")
    assert "inner" not in unit.committed_flags()
    assert {"a", "fail.inside"} <= set(unit.committed_flags())
    assert not [key for key in unit.rows() if ".dispatch." in key]


# -- in parallel, in the background -----------------------------------------------------------------
def test_twenty_commands_at_once_all_arrive(unit: BashUnit) -> None:
    body = """\
@hook start
f() {
    for n in {1..20}; do
        set_flag "set.$n" &
        pids+=($!)
    done
    clear_flag a & pids+=($!)
    for pid in "${pids[@]}"; do
        wait "$pid" || { echo "a command failed" >>"$TOLD"; }
    done
}

@when set.1 set.20
g() { echo g >>"$TOLD"; }
"""
    unit.command("set_flag", "a")
    unit.script(body)
    unit.succeed("start")
    assert unit.told() == ["g"]
    assert sorted(unit.committed_flags()) == sorted("set.%d" % number for number in range(1, 21))


def test_what_is_left_in_the_background_arrives_in_this_dispatch_or_later(
    unit: BashUnit, tmp_path: Path
) -> None:
    """While a Python handler holds the file, which the framework took back when the function returned."""
    body = (
        """\
@hook start
f() {
    for n in {1..5}; do
        { sleep 0.$n; set_flag "late.$n" 2>>"$TOLD" || echo "$n failed" >>"$TOLD"; touch "%s/done.$n"; } &
    done
}
"""
        % tmp_path
    )
    unit.script(body)
    unit.script("@when_not x\ng() { sleep 0.3; set_flag g; }", name="reactive/m.sh")
    unit.write(
        "reactive/z.py",
        "import time\nfrom charms.reactive import *\n"
        "@when_not('x')\ndef z():\n    set_flag('z')\n    time.sleep(0.7)\n",
    )
    unit.succeed("start")
    _wait_for(lambda: len(list(tmp_path.glob("done.*"))) == 5)
    assert unit.told() == []
    assert unit.committed_flags() == ["g"] + ["late.%d" % number for number in range(1, 6)] + ["z"]


def test_what_arrives_while_another_function_runs_counts_in_this_dispatch(
    unit: BashUnit, tmp_path: Path
) -> None:
    unit.script(
        "@hook start\nf() { { until [[ -e go ]]; do sleep 0.02; done; set_flag late; touch arrived; } & }"
    )
    unit.script(
        "@hook start\ng() { touch go; until [[ -e arrived ]]; do sleep 0.02; done; }", name="reactive/m.sh"
    )
    unit.script('@when late\nh() { echo h >>"$TOLD"; }', name="reactive/n.sh")
    unit.succeed("start")
    assert unit.told() == ["h"]


def test_a_file_that_others_hold_for_a_while_fails_nobody(unit: BashUnit) -> None:
    """After a function has started something, the hook waits for it longer than charmhelpers does."""
    hold = (
        "import sqlite3, time\n"
        "state = sqlite3.connect('.unit-state.db', isolation_level=None)\n"
        "state.execute('BEGIN IMMEDIATE')\nopen('held', 'w').close()\n"
        "time.sleep(6)\nstate.execute('COMMIT')\n"
    )
    unit.write("hold.py", hold)
    unit.script(
        "@hook start\nf() { %s hold.py & until [[ -e held ]]; do sleep 0.02; done; }\n"
        "@when_not x\ng() { set_flag g; }" % sys.executable
    )
    unit.succeed("start")
    assert unit.committed_flags() == ["g"]


def test_readers_beside_a_hook_see_flags_of_one_moment(unit: BashUnit) -> None:
    """Two flags that a trigger couples are never seen apart."""
    unit.write(
        "reactive/a.py",
        "from charms.reactive import *\nregister_trigger(when='on', set_flag='too')\n"
        "register_trigger(when_not='on', clear_flag='too')\n",
    )
    unit.script("@hook start\nf() { for n in {1..6}; do set_flag on; clear_flag on; done; set_flag on; }")
    unit.command("clear_flag", "x")  # so that there is a unit state
    hook = unit.directory / "hooks" / "start"
    unit.hook_file("hooks/start")
    seen: List[List[str]] = []
    with subprocess.Popen(
        [str(hook)], cwd=str(unit.directory), env={**unit.env, "JUJU_HOOK_NAME": "start"}
    ) as running:
        while running.poll() is None:
            state = sqlite3.connect(str(unit.directory / ".unit-state.db"), timeout=30)
            try:
                rows = state.execute(
                    "SELECT key FROM kv WHERE key IN (?, ?)", ("reactive.states.on", "reactive.states.too")
                )
                seen.append(sorted(row[0][16:] for row in rows))
            finally:
                state.close()
            time.sleep(0.001)
        assert running.returncode == 0
    assert seen.count(["on", "too"]) + seen.count([]) == len(seen) > 10
    assert unit.committed_flags() == ["on", "too"]


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
