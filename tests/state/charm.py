"""A charm whose hooks change rows of every kind, in its own process and in children, and then end somehow."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Dict, Mapping, Optional

from charmhelpers.core import unitdata

from framework.support import Unit

Rows = Dict[str, str]

# What the environment may say: SHELL=0|1 (are there shell handlers), CHILD=cli|raw|both (how they
# write), FLUSH=before|between|after (when the charm commits, seen from them), END (see `_ENDS`).
_BEFORE = """
import os
from charmhelpers.core import unitdata
from charms.reactive import clear_flag, data_changed, helpers, hook, register_trigger, set_flag

register_trigger(when="before.new", set_flag="by.trigger")


@hook("update-status")
def before():
    set_flag("before.new", {"by": "hook"})
    set_flag("kept", "changed by the hook")
    clear_flag("cleared")
    data_changed("data", "changed by the hook")
    helpers.mark_invoked("before")
    unitdata.kv().set("reactive.conversations.db.global.local-data.k", "changed by the hook")
    unitdata.kv().set("mine.before", 1)
    if "before" in os.environ.get("FLUSH", ""):
        unitdata.kv().flush()
        set_flag("before.flushed")
"""

_SHELL = """\
#!/bin/bash
ran=$TOOLS_SAID/$(basename "$0").$PPID
if [[ "$1" == --test ]]; then [[ ! -e $ran ]]; exit; fi
touch "$ran"
if [[ "$CHILD" == cli || "$CHILD" == both ]]; then
    charms.reactive set_flag {name}.cli || exit
    charms.reactive clear_flag kept || exit
    charms.reactive register_trigger --when x --set_flag y || exit
fi
if [[ "$CHILD" == raw || "$CHILD" == both ]]; then
    {python} - <<'PYTHON' || exit
import os, sqlite3
state = sqlite3.connect(os.path.join(os.environ["CHARM_DIR"], ".unit-state.db"))
state.execute("REPLACE INTO kv VALUES ('reactive.states.{name}.raw', 'null')")
state.execute("REPLACE INTO kv VALUES ('reactive.invoked.before', '2')")
state.execute("DELETE FROM kv WHERE key = 'reactive.states.cleared'")
state.execute("REPLACE INTO kv VALUES ('mine.{name}', '1')")
state.commit()
PYTHON
fi
{end}
"""

_BETWEEN = """
import os
from charmhelpers.core import unitdata
from charms.reactive import hook, set_flag

@hook("update-status")
def between():
    set_flag("between")
    if "rollback" in os.environ.get("FLUSH", ""):
        unitdata.kv().flush(False)
        set_flag("between.again")
    if "between" in os.environ.get("FLUSH", ""):
        unitdata.kv().flush()
        set_flag("between.flushed")
"""

_AFTER = """
import os, signal, sys
from charmhelpers.core import hookenv, unitdata
from charms.reactive import clear_flag, hook, register_trigger, set_flag

END = os.environ.get("END", "")


def end():
    set_flag("at.the.end")
    if END == "exception":
        raise RuntimeError("as asked")
    elif END == "exit 1":
        sys.exit(1)
    elif END == "exit 0":
        sys.exit(0)
    elif END == "keyboard":
        raise KeyboardInterrupt
    elif END == "term":
        os.kill(os.getpid(), signal.SIGTERM)
    elif END == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif END == "_exit":
        os._exit(3)


@hook("update-status")
def after():
    clear_flag("by.trigger")
    set_flag("kept", "changed again")
    set_flag("after")
    unitdata.kv().set("mine.after", 1)
    if "after" in os.environ.get("FLUSH", ""):
        unitdata.kv().flush()
        set_flag("after.flushed")
    if os.environ.get("WHERE") == "callback":
        register_trigger(when="ending", callback=end)
        set_flag("ending")
    elif os.environ.get("WHERE") == "atexit":
        hookenv.atexit(end)
    else:
        end()
"""

BEFORE: Rows = {
    "reactive.states.kept": '"the old value"',
    "reactive.states.cleared": "null",
    "reactive.states.untouched": '{"relation": "db", "conversations": ["reactive.conversations.db"]}',
    "reactive.data_changed.data": '"0123"',
    "reactive.invoked.one": "true",
    "reactive.conversations.db.global.local-data.k": '"the old value"',
}
MINE: Rows = {"mine.old": "1"}


def make(unit: Unit, shells: bool = True) -> Unit:
    """Fill a unit's charm, and write the rows that an earlier hook has left."""
    unit.write("reactive/a.py", _BEFORE)
    if shells:
        for file, name, end in (("b.sh", "first", ""), ("d.sh", "second", '[[ "$END" != shell ]] || exit 7')):
            text = _SHELL.format(name=name, python=sys.executable, end=end)
            unit.write("reactive/" + file, text, executable=True)
    unit.write("reactive/c.py", _BETWEEN)
    unit.write("reactive/e.py", _AFTER)
    write_rows(unit.directory, {**BEFORE, **MINE})
    return unit


def state_file(directory: Path) -> Path:
    return directory / ".unit-state.db"


def write_rows(directory: Path, rows: Mapping[str, Optional[str]]) -> None:
    """Write rows, in a new unit state as charmhelpers makes it if there is none."""
    storage = unitdata.Storage(str(state_file(directory)))
    storage.conn.executemany("REPLACE INTO kv VALUES (?, ?)", sorted(rows.items()))
    storage.flush()
    storage.close()


def read_rows(directory: Path, prefix: Optional[str] = "reactive.") -> Rows:
    """The rows with this prefix as they are on disk, text for text; all of them without a prefix."""
    state = sqlite3.connect(str(state_file(directory)))
    try:
        rows = dict(state.execute("SELECT key, data FROM kv"))
    finally:
        state.close()
    return {key: data for key, data in rows.items() if prefix is None or key.startswith(prefix)}


def check_integrity(directory: Path) -> None:
    state = sqlite3.connect(str(state_file(directory)))
    try:
        assert state.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        state.close()
