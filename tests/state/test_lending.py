"""A charm that keeps the unit state locked for itself, and handlers in bash that have to write it.

The operator framework's storage sets ``PRAGMA locking_mode=EXCLUSIVE``, so that a lock that it has got once
is held until the connection is closed; ``ops_reactive_interface`` has it use the connection of
``unitdata.kv()``.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from charms_reactive.errors import UnitStateLockedError
from framework.support import Framework, Unit

from .charm import BEFORE, check_integrity, make, read_rows, state_file, write_rows

pytestmark = pytest.mark.long

# As ops sets up its storage: the lock is taken at once, and there is a table of its own.
_OPS = """
from charmhelpers.core import unitdata

connection = unitdata.kv().conn
connection.execute("PRAGMA locking_mode=EXCLUSIVE")
connection.execute("CREATE TABLE IF NOT EXISTS snapshot (handle TEXT PRIMARY KEY, data BLOB)")
connection.execute("REPLACE INTO snapshot VALUES ('StoredStateData[_stored]', 'x')")
connection.commit()
"""

# Behind the handlers in bash: whether the charm still has what it wants.
_ASK = """
import os, sqlite3
from charms.reactive import hook
from charmhelpers.core import unitdata

@hook("update-status")
def ask():
    mode = unitdata.kv().conn.execute("PRAGMA locking_mode").fetchone()[0]
    if not os.environ.get("ASK"):
        return
    unitdata.kv().flush()  # from here on nobody else may even read
    other = sqlite3.connect(os.environ["CHARM_DIR"] + "/.unit-state.db", timeout=0.05)
    try:
        other.execute("SELECT count(*) FROM kv").fetchone()
        kept_out = "no"
    except sqlite3.OperationalError:
        kept_out = "yes"
    open(os.environ["CHARM_DIR"] + "/asked", "w").write(mode + " " + kept_out)
"""


def keep_locked(unit: Unit) -> Unit:
    make(unit)
    unit.write("reactive/a.py", _OPS + (unit.directory / "reactive/a.py").read_text())
    unit.write("reactive/e0.py", _ASK)
    return unit


@pytest.mark.parametrize("child", ["cli", "raw", "both"])
def test_a_child_writes_and_the_charm_has_its_lock_back(unit: Unit, child: str) -> None:
    keep_locked(unit)
    began = time.monotonic()
    done = unit.run(env={"CHILD": child, "ASK": "1"})
    assert done.status == 0, done.stderr
    assert time.monotonic() - began < 20
    flags = set(read_rows(unit.directory, "reactive.states."))
    expected = {"cli": {"first.cli", "second.cli"}, "raw": {"first.raw", "second.raw"}}
    for kind, names in expected.items():
        if child in (kind, "both"):
            assert {"reactive.states." + name for name in names} <= flags
    assert (unit.directory / "asked").read_text() == "exclusive yes"


@pytest.mark.parametrize("end", ["exception", "kill", "term"])
@pytest.mark.parametrize("flush", ["", "before"])
def test_and_a_hook_that_fails_is_undone(unit: Unit, end: str, flush: str) -> None:
    keep_locked(unit)
    unit.run(env={"CHILD": "both", "END": end, "FLUSH": flush})
    for path in (unit.directory / "reactive").glob("*.sh"):
        path.unlink()
    assert unit.run("start").status == 0
    rows = read_rows(unit.directory)
    rows.pop("mine.before", None)
    if flush:  # the charm itself has committed what came before that
        assert "reactive.states.before.new" in rows
        assert "reactive.states.first.cli" not in rows
    else:
        assert rows == BEFORE
    check_integrity(unit.directory)


def test_a_path_that_an_address_would_take_for_something_else(unit: Unit) -> None:
    keep_locked(unit)
    os.rename(str(unit.directory), str(unit.directory) + " 100%?#")
    unit.directory = type(unit.directory)(str(unit.directory) + " 100%?#")
    unit.env.update(CHARM_DIR=str(unit.directory), JUJU_CHARM_DIR=str(unit.directory))
    assert unit.run(env={"CHILD": "cli", "END": "exception"}).status == 1
    assert read_rows(unit.directory) == BEFORE


# -- who holds it -----------------------------------------------------------------------------------
_IMPATIENT = """
import subprocess
from charms.reactive import hook, set_flag

@hook("update-status")
def parent():
    set_flag("mine")
    child = subprocess.run(["charms.reactive", "set_flag", "theirs"], stderr=subprocess.PIPE)
    open("said", "wb").write(child.stderr)
    raise SystemExit(child.returncode != 2)
"""


def test_a_child_that_nobody_has_lent_the_state_is_told_of_its_own_hook(unit: Unit) -> None:
    write_rows(unit.directory, BEFORE)
    unit.write("reactive/parent.py", _IMPATIENT)
    done = unit.run(env={"CHARMS_REACTIVE_LOCK_TIMEOUT": "0.2"})
    assert done.status == 0, done.stderr
    said = (unit.directory / "said").read_text()
    assert "database is locked" in said
    assert "the hook that has started this process holds it" in said
    assert "hooks/update-status" in said


def test_another_process_is_named(unit: Unit) -> None:
    write_rows(unit.directory, BEFORE)
    hold = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE');"
        " print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(state_file(unit.directory))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        done = unit.command("set_flag", "a", env={"CHARMS_REACTIVE_LOCK_TIMEOUT": "0.2"})
        holder.send_signal(signal.SIGKILL)
    assert done.status == 2
    assert "another process holds it (process %d: " % holder.pid in done.stderr
    assert "fuser" in done.stderr


def test_this_process_is_told_of_itself(framework: Framework) -> None:
    framework.state.set("a", 1)
    framework.state.flush()
    other = sqlite3.connect(str(state_file(framework.directory)), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    framework.state._conn.execute("PRAGMA busy_timeout = 20")
    with pytest.raises(UnitStateLockedError, match="this very process holds it, over another connection"):
        framework.state.set("a", 2)
    other.close()
