"""Kill test: a hook that is killed at any moment leaves our rows as before it or as after it.

Each round starts from the same unit state, runs a hook that does a great deal, kills it at a moment
that is spread over the hook's real duration, lets the next process open the state as the next hook
does, and compares every row. The number of kills is CHARMS_REACTIVE_KILLS, default 300.
"""

from __future__ import annotations

import math
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple

import pytest
from charmhelpers.core import unitdata

from charms_reactive._unit_state import unit_state
from framework.support import Unit

from .charm import check_integrity, read_rows, state_file

pytestmark = pytest.mark.once

KILLS = int(os.environ.get("CHARMS_REACTIVE_KILLS", "300"))

SCRATCH = ("reactive.dispatch.", "reactive.state_watch", "reactive.flag_")

_HANDLERS = """
import os, signal
from charmhelpers.core import unitdata
from charms.reactive import (
    clear_flag, data_changed, helpers, hook, is_flag_set, register_trigger, set_flag, toggle_flag, when,
)

register_trigger(when="churn.0", set_flag="by.trigger")
register_trigger(when_not="churn.0", clear_flag="by.trigger")


def churn(name, generation):
    kv = unitdata.kv()
    for number in range(150):
        toggle_flag("churn.%d" % number, not is_flag_set("churn.%d" % number))
        set_flag("{}.{}".format(name, number % 40), generation)
        kv.set("mine.%s.%d" % (name, number % 10), generation)
        if number % 5 == 0:
            data_changed("data.%d" % number, [name, generation])
            helpers.mark_invoked("%s.%s.%d" % (name, generation, number))
    toggle_flag("even", not is_flag_set("even"))
    for number in range(150):
        toggle_flag("churn.%d" % number, not is_flag_set("churn.%d" % number))


@hook("update-status")
def {name}():
    churn("{name}", unitdata.kv().get("generation"))
"""

_SHELL = """\
#!{python} -SEs
import os, sqlite3, sys
mark = "%s/ran.%s.%d" % (os.environ["TOOLS_SAID"], os.path.basename(sys.argv[0]), os.getppid())
if sys.argv[1] == "--test":
    sys.exit(os.path.exists(mark))
open(mark, "w").close()
state = sqlite3.connect(os.path.join(os.environ["CHARM_DIR"], ".unit-state.db"))
generation = state.execute("SELECT data FROM kv WHERE key = 'generation'").fetchone()[0]
for number in range(15):
    state.execute("REPLACE INTO kv VALUES (?, ?)", ("reactive.states.raw.%d" % number, generation))
    state.execute("REPLACE INTO kv VALUES (?, ?)", ("reactive.invoked.raw.%s" % generation, "true"))
    state.execute("REPLACE INTO kv VALUES (?, ?)", ("mine.raw", generation))
    state.execute("DELETE FROM kv WHERE key = 'reactive.states.{name}.5'")
    if number % 5 == 0:
        state.commit()
state.commit()
state.close()
"""

_BASH = """\
#!/bin/bash
mark=$TOOLS_SAID/ran.bash.$PPID
if [[ "$1" == --test ]]; then [[ ! -e $mark ]]; exit; fi
touch "$mark"
charms.reactive set_flag from.bash "--value=$(date +%N)" || exit
charms.reactive clear_flag kept || exit
"""

_LAST = """
from charmhelpers.core import unitdata
from charms.reactive import clear_flag, hook, set_flag


@hook("update-status")
def last():
    set_flag("from.bash", "settled")
    set_flag("kept", unitdata.kv().get("generation"))
    for number in range(60):
        clear_flag("churn.%d" % number) if number % 2 else set_flag("churn.%d" % number)
"""


class KillCharm:
    """A unit whose ``update-status`` takes the rows from one state to another."""

    def __init__(self, unit: Unit, shells: bool) -> None:
        self.unit = unit
        self.shells = shells
        names = ["a", "c", "e"]
        for name in names:
            text = _HANDLERS.replace("{name}", name)
            unit.write("reactive/%s.py" % name, text)
        if shells:
            for file, name in (("b", "a"), ("d", "c")):
                unit.write("reactive/" + file, _SHELL.format(python=sys.executable, name=name), True)
            unit.write("reactive/d.sh", _BASH, True)
        unit.write("reactive/z.py", _LAST)
        unit.hook_file("hooks/update-status")
        unit.env["CHARMS_REACTIVE_LOG"] = "off"
        unit.env["PYTHONDONTWRITEBYTECODE"] = ""
        self.file = state_file(unit.directory)
        self._prepare()

    def _prepare(self) -> None:
        """Run a hook, so that there is something to go back to; note the rows before and after one more."""
        state = unitdata.Storage(str(self.file))
        state.set("generation", 1)
        state.flush()
        state.close()
        self._run_to_the_end()
        with sqlite3.connect(str(self.file)) as connection:
            connection.execute("UPDATE kv SET data = '2' WHERE key = 'generation'")
        connection.close()
        self.start = self.file.with_name("start.db")
        shutil.copy(str(self.file), str(self.start))
        self.before = read_rows(self.unit.directory)
        self.durations = sorted(self._run_to_the_end() for _ in range(3) if not self.reset())
        self.after = read_rows(self.unit.directory)
        assert len(set(self.before.items()) ^ set(self.after.items())) > 100

    def reset(self) -> None:
        for path in self.file.parent.glob(".unit-state.db*"):
            path.unlink()
        shutil.copy(str(self.start), str(self.file))
        for path in self.unit.said.glob("ran.*"):
            path.unlink()

    def begin(self) -> subprocess.Popen[bytes]:
        # Its own session, so that the whole group can be killed; output goes nowhere.
        return subprocess.Popen(
            [str(self.unit.directory / "hooks" / "update-status")],
            cwd=str(self.unit.directory),
            env={**self.unit.env, "JUJU_HOOK_NAME": "update-status"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _run_to_the_end(self) -> float:
        began = time.monotonic()
        with self.begin() as process:
            assert process.wait(60) == 0
        return time.monotonic() - began

    def phase(self) -> str:
        """Where a killed hook was, by what it left on disk."""
        rows = read_committed(self.file)
        ours = {key: data for key, data in rows.items() if not key.startswith(SCRATCH)}
        if "reactive.dispatch.undo.armed" not in rows:
            return "after its last commit" if ours == self.after else "with nothing to undo"
        return "before any change was committed" if ours == self.before else "with changes half committed"


def read_committed(file: Path) -> Dict[str, str]:
    """The committed rows, leaving everything on disk as it is: the files are copied first."""
    copy = file.parent / "copy"
    copy.mkdir()
    try:
        copy_files(file, copy)
        return read_rows(copy)
    finally:
        shutil.rmtree(str(copy))


def copy_files(file: Path, directory: Path) -> None:
    """Copy a database with its journal."""
    for path in file.parent.glob(file.name + "*"):
        shutil.copy(str(path), str(directory / path.name))


def open_as_the_next_hook_does(file: Path) -> Dict[str, str]:
    """Let a new unit state adopt the file, as main() and every command begin, and return all rows."""
    kept = unitdata._KV
    unitdata._KV = unitdata.Storage(str(file))
    try:
        state = unit_state.UnitState()
        state.start()
        state.commit()
    finally:
        unitdata._KV.close()
        unitdata._KV = kept
    return read_rows(file.parent)


def members(group: int) -> Iterator[Tuple[int, bytes]]:
    """The processes of a group that still run, each with its state as the kernel names it."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in b"ZX":
            yield int(path.parent.name), fields[0]


def wait_for_the_group(group: int) -> None:
    """Until nobody of the hook is left: an orphan goes on in its own time."""
    deadline = time.monotonic() + 30
    while any(True for _ in members(group)):
        assert time.monotonic() < deadline, "processes of the hook are still there"
        time.sleep(0.005)


def stop(group: int) -> None:
    """Stop all processes of a group, and wait until they are."""
    os.killpg(group, signal.SIGSTOP)
    deadline = time.monotonic() + 0.05  # one that has just forked stops no sooner than its child goes on
    while any(state not in b"Tt" for _, state in members(group)) and time.monotonic() < deadline:
        time.sleep(0.0002)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)


def kill_main_only(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)


def check(charm: KillCharm, rows: Dict[str, str], when: float) -> str:
    if rows == charm.before:
        return "before"
    assert rows == charm.after, "between, %.1f ms into the hook: %s" % (
        when * 1000,
        sorted(set(rows.items()) ^ set(charm.before.items()))[:10],
    )
    return "after"


def summary(charm: KillCharm, outcomes: List[Tuple[str, str]]) -> str:
    counted = Counter(outcomes)
    lines = ["%d kills over a hook of %.0f ms:" % (len(outcomes), charm.durations[1] * 1000)]
    lines += ["%5d  killed %s: rows as %s" % (counted[key], *key) for key in sorted(counted)]
    return "\n".join(lines)


CASES = [
    pytest.param(True, kill_group, 0.35, id="shell handlers, whole group"),
    pytest.param(True, kill_main_only, 0.35, id="shell handlers, main process alone"),
    pytest.param(False, kill_group, 0.3, id="no shell handlers"),
]


@pytest.mark.parametrize(("shells", "kill", "share"), CASES)
def test_killed_at_a_random_moment(
    unit: Unit,
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
    engine_count: int,
    shells: bool,
    kill: Callable[[subprocess.Popen[bytes]], None],
    share: float,
) -> None:
    charm = KillCharm(unit, shells)
    rounds = math.ceil(KILLS * share / engine_count)
    chance = random.Random(rounds)
    outcomes: List[Tuple[str, str]] = []
    duration = charm.durations[1]
    too_late = 0
    while len(outcomes) < rounds:
        charm.reset()
        # The first eighth is the interpreter's own start, in which there is nothing to go wrong. The
        # rounds are not taken in order, because a machine is busier at one time than at another.
        moment = duration * (0.12 + 0.95 * ((len(outcomes) * 7919) % rounds + chance.random()) / rounds)
        with charm.begin() as process:
            time.sleep(moment)
            ended = process.poll() is not None
            if not ended:
                kill(process)
        duration *= 0.9 if ended else 1.01  # how long the hook takes at present
        wait_for_the_group(process.pid)
        if ended:  # no kill
            too_late += 1
            assert too_late < rounds, "this hook takes a different time whenever it runs"
            continue
        phase = charm.phase()
        rows = open_as_the_next_hook_does(charm.file)
        outcomes.append((phase, check(charm, rows, moment)))
        check_integrity(unit.directory)
    with capsys.disabled():
        print("\n" + summary(charm, outcomes))
    at_work = sum(phase.startswith(("before", "with ")) for phase, _ in outcomes)
    assert at_work > 0.4 * rounds, "too few kills hit the hook at work"
    if shells:
        half = sum(phase == "with changes half committed" for phase, _ in outcomes)
        assert half > 0.25 * rounds, "too few kills left something to undo"


@pytest.mark.parametrize("shells", [True, False], ids=["with shell handlers", "without"])
def test_power_lost_at_a_random_moment(
    unit: Unit, capsys: pytest.CaptureFixture[str], engine_count: int, shells: bool
) -> None:
    """The files as they are on disk at some moment, taken elsewhere, are a state to go on from."""
    charm = KillCharm(unit, shells)
    turns = 3
    each = max(10, int(KILLS * 0.15 / engine_count))
    taken: List[Tuple[float, Path]] = []
    outcomes: Counter[str] = Counter()
    journals = 0
    directory = unit.directory.parent / "taken"
    for turn in range(10 * turns):
        if turn >= turns and len(taken) >= turns * each / 2:
            break  # on a busy machine a hook is over before it was looked at often enough
        charm.reset()
        process = charm.begin()
        began = time.monotonic()
        try:
            while process.poll() is None:
                stop(process.pid)  # so that the files are of one moment
                target = directory / ("%d" % len(taken))
                target.mkdir(parents=True)
                copy_files(charm.file, target)
                taken.append((time.monotonic() - began, target / charm.file.name))
                os.killpg(process.pid, signal.SIGCONT)
                time.sleep(charm.durations[1] / each)
            assert process.wait(60) == 0
        finally:
            if process.poll() is None:
                kill_group(process)
                process.wait()
    for moment, file in taken:
        journals += file.with_name(file.name + "-journal").exists()
        rows = open_as_the_next_hook_does(file)
        outcomes[check(charm, rows, moment)] += 1
        check_integrity(file.parent)
    with capsys.disabled():
        print("\n%d copies, %d with a journal: %s" % (len(taken), journals, dict(outcomes)))
    assert len(taken) >= turns * each / 2
    assert outcomes["before"] > 0.4 * len(taken)
    assert journals > 0.05 * len(taken)
