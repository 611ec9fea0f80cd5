"""Unit states that cannot be read or written: an error that names the file, and nothing changed."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
from charmhelpers.core import unitdata

from charms.reactive import get_flags, is_flag_set, set_flag
from charms_reactive._unit_state.hook_file import lives
from charms_reactive.errors import UnitStateError, UnitStateLockedError
from framework.support import Finished, Framework, Unit

from .charm import BEFORE, check_integrity, make, read_rows, state_file, write_rows

pytestmark = pytest.mark.long

_HANDLER = """
from charms.reactive import hook, set_flag, clear_flag

@hook("update-status")
def it():
    set_flag("new")
    clear_flag("cleared")
"""


def hook(unit: Unit, **env: str) -> Finished:
    if not (unit.directory / "reactive" / "it.py").exists():
        unit.write("reactive/it.py", _HANDLER)
    return unit.run(env=env)


def command(unit: Unit, **env: str) -> Finished:
    return unit.command("set_flag", "new", env=env)


def question(unit: Unit, **env: str) -> Finished:
    return unit.command("is_flag_set", "untouched", env=env)


ENTRIES = [hook, command, question]
Entry = Callable[..., Finished]


def complains(done: Finished, *words: str) -> None:
    """It failed, with these words on stderr and one traceback at most, for the error itself."""
    assert done.status not in (0, 1 if "Traceback" not in done.stderr else 0), done
    for word in words:
        assert word in done.stderr, done.stderr
    assert done.stderr.count("Traceback (most recent call last)") <= 1, done.stderr
    assert "During handling of the above" not in done.stderr
    assert "direct cause of the following" not in done.stderr


# -- cannot be opened ---------------------------------------------------------------------------
@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(
    "content", [b"this is no database at all\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_not_a_database(unit: Unit, entry: Entry, content: bytes) -> None:
    state_file(unit.directory).write_bytes(content)
    done = entry(unit)
    complains(done, "cannot open the unit state %s" % state_file(unit.directory), "restore it from a backup")
    assert state_file(unit.directory).read_bytes() == content


@pytest.mark.parametrize("entry", ENTRIES)
def test_damaged_pages(unit: Unit, entry: Entry) -> None:
    write_rows(unit.directory, {**BEFORE, **{"reactive.states.%d" % n: "null" for n in range(1000)}})
    content = bytearray(state_file(unit.directory).read_bytes())
    content[4096:] = b"\xaa" * (len(content) - 4096)
    state_file(unit.directory).write_bytes(content)
    complains(
        entry(unit), "unit state %s" % state_file(unit.directory), "malformed", "restore it from a backup"
    )
    assert state_file(unit.directory).read_bytes() == bytes(content)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_directory_in_its_place(unit: Unit, entry: Entry) -> None:
    state_file(unit.directory).mkdir()
    complains(entry(unit), "cannot open the unit state %s: Is a directory" % state_file(unit.directory))


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_directory_that_is_none(unit: Unit, entry: Entry) -> None:
    path = unit.write("file", "") / "state.db"
    done = entry(unit, UNIT_STATE_DB=str(path))
    complains(
        done, "cannot open the unit state %s: Not a directory; check CHARM_DIR and UNIT_STATE_DB" % path
    )


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_directory_that_is_not_there(unit: Unit, entry: Entry) -> None:
    path = unit.directory / "gone" / "state.db"
    done = entry(unit, UNIT_STATE_DB=str(path))
    complains(done, "cannot open the unit state %s: No such file or directory" % path)


# -- cannot be written --------------------------------------------------------------------------
@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A small file system with the unit state of an earlier hook, ``state.db``."""
    if os.geteuid() != 0 or not _may_mount(tmp_path):
        pytest.skip("mounting is not allowed here; the tests without a mount cover the same errors")
    directory = tmp_path / "small"
    directory.mkdir()
    _mount("-t", "tmpfs", "-o", "size=256k", "none", str(directory))
    try:
        write_rows(tmp_path, BEFORE)
        shutil.copy(str(tmp_path / ".unit-state.db"), str(directory / "state.db"))
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def _may_mount(directory: Path) -> bool:
    probe = directory / "probe"
    probe.mkdir()
    try:
        _mount("-t", "tmpfs", "none", str(probe))
    except (OSError, subprocess.CalledProcessError):
        return False
    subprocess.run(["umount", str(probe)], check=True)
    return True


def read_small(directory: Path) -> Dict[str, str]:
    """The rows of ``state.db``, read without its file system."""
    for path in directory.glob("state.db*"):
        shutil.copy(str(path), str(directory.parent / path.name.replace("state.db", ".unit-state.db")))
    return read_rows(directory.parent)


def test_a_file_that_may_grow_no_more(unit: Unit) -> None:
    make(unit, shells=False)
    unit.write("reactive/it.py", _HANDLER.replace('set_flag("new")', 'set_flag("new", "x" * 200000)'))
    unit.hook_file("hooks/update-status")
    script = "ulimit -f 100; exec %s" % (unit.directory / "hooks" / "update-status")
    done = unit.execute(["bash", "-c", script], {"JUJU_HOOK_NAME": "update-status"})
    complains(done, "unit state %s" % state_file(unit.directory))
    assert read_rows(unit.directory) == BEFORE
    check_integrity(unit.directory)


@pytest.mark.parametrize("shells", [True, False], ids=["with shell handlers", "without"])
def test_a_full_disk(unit: Unit, small: Path, shells: bool) -> None:
    make(unit, shells)
    with open(small / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"x" * 4096):
            pass
    done = unit.run(env={"UNIT_STATE_DB": str(small / "state.db"), "CHILD": "none"})
    complains(done, "unit state %s" % (small / "state.db"), "full", "free some space")
    assert read_small(small) == BEFORE


def test_a_disk_that_fills_while_a_shell_handler_runs(unit: Unit, small: Path) -> None:
    make(unit)
    unit.write(
        "reactive/d.sh",
        """\
        #!/bin/bash
        ran=$TOOLS_SAID/fills.$PPID
        if [[ "$1" == --test ]]; then [[ ! -e $ran ]]; exit; fi
        touch "$ran"
        charms.reactive set_flag from.bash || exit
        cat /dev/zero 2>/dev/null >%s || true
        """
        % (small / "filler"),
        executable=True,
    )
    unit.write("reactive/e.py", _HANDLER.replace('set_flag("new")', 'set_flag("new", "x" * 9000)'))
    done = unit.run(env={"UNIT_STATE_DB": str(small / "state.db"), "CHILD": "none"})
    complains(done, "unit state %s" % (small / "state.db"), "full", "free some space")
    # There was no room to undo either. Once there is, the next one does.
    (small / "filler").unlink()
    assert unit.command("is_flag_set", "cleared", env={"UNIT_STATE_DB": str(small / "state.db")}).status == 0
    assert read_small(small) == BEFORE


def test_no_more_pages(unit: Unit) -> None:
    """As a full disk is to SQLite, wherever these tests run."""
    unit.write(
        "reactive/it.py",
        """
        from charmhelpers.core import unitdata
        from charms.reactive import hook, set_flag

        @hook("update-status")
        def it():
            kv = unitdata.kv()
            pages, = kv.conn.execute("PRAGMA page_count").fetchone()
            kv.conn.execute("PRAGMA max_page_count = %d" % pages)
            for number in range(10000):
                set_flag("new.%d" % number)
        """,
    )
    write_rows(unit.directory, BEFORE)
    done = unit.run()
    complains(done, "unit state %s" % state_file(unit.directory), "full", "free some space")
    assert read_rows(unit.directory) == BEFORE


@pytest.mark.parametrize("entry", [hook, command])
def test_a_read_only_file_system(unit: Unit, small: Path, entry: Entry) -> None:
    _mount("-o", "remount,ro", str(small))
    done = entry(unit, UNIT_STATE_DB=str(small / "state.db"))
    complains(
        done, "cannot open the unit state %s: Read-only file system" % (small / "state.db"), "check owner"
    )


def test_a_connection_that_may_only_read(framework: Framework) -> None:
    write_rows(framework.directory, BEFORE)
    storage = unitdata.kv()
    storage.conn.close()
    storage.conn = sqlite3.connect("file:%s?mode=ro" % state_file(framework.directory), uri=True)
    storage.cursor = storage.conn.cursor()
    assert is_flag_set("kept")
    with pytest.raises(
        UnitStateError, match=r"cannot write the unit state .*readonly.*; check owner and mode"
    ):
        set_flag("new")
    assert not is_flag_set("new")


# -- locked -------------------------------------------------------------------------------------
_LOCKED = """
import sqlite3
connect = sqlite3.connect
sqlite3.connect = lambda *args, **options: connect(*args, **{**options, "timeout": 0.2})
"""


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_locked_by_another_process(unit: Unit, entry: Entry, lock: str) -> None:
    write_rows(unit.directory, BEFORE)
    # Every process of the unit waits a fifth of a second instead of five seconds, or of sixty.
    unit.write("quick/sitecustomize.py", _LOCKED)
    path = "%s:%s" % (unit.directory / "quick", unit.env["PYTHONPATH"])
    holder = sqlite3.connect(str(state_file(unit.directory)), isolation_level=None)
    holder.execute("BEGIN %s" % lock)
    try:
        done = entry(unit, PYTHONPATH=path, CHARMS_REACTIVE_LOCK_TIMEOUT="0.2")
    finally:
        holder.close()
    if entry is question and lock == "IMMEDIATE":
        assert done.status == 0  # who only reads is not kept out
    else:
        complains(done, "unit state %s: database is locked" % state_file(unit.directory), "fuser")
    assert read_rows(unit.directory) == BEFORE


def test_a_reader_that_keeps_the_commit_out(framework: Framework, kv: Any) -> None:
    kv.conn.execute("PRAGMA busy_timeout = 50")
    set_flag("a")
    reader = sqlite3.connect(str(state_file(framework.directory)), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM kv").fetchall()
    with pytest.raises(UnitStateLockedError, match=r"cannot commit the unit state .* locked"):
        framework.state.commit()
    reader.close()
    assert get_flags() == ["a"]
    framework.state.commit()
    assert framework.committed_flags() == ["a"]


# -- gone ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["deleted", "replaced"])
@pytest.mark.parametrize("shells", [True, False], ids=["with shell handlers", "without"])
def test_deleted_in_the_middle_of_a_hook(unit: Unit, how: str, shells: bool) -> None:
    make(unit, shells)
    unit.write(
        "reactive/b0.py",
        """
        import os, shutil
        from charms.reactive import hook, set_flag

        @hook("update-status")
        def vandal():
            path = os.path.join(os.environ["CHARM_DIR"], ".unit-state.db")
            if %r == "replaced":
                shutil.copy(path, path + ".new")
                os.replace(path + ".new", path)
            else:
                os.unlink(path)
            set_flag("into.nowhere")
        """
        % how,
    )
    done = unit.run(env={"CHILD": "none"})
    complains(done, "unit state %s" % state_file(unit.directory), "deleted or replaced")
    if how == "replaced":
        unit.command("get_flags")
        assert read_rows(unit.directory) == BEFORE
    else:
        assert not state_file(unit.directory).exists()


# -- damaged undo rows --------------------------------------------------------------------------
ARMED = json.dumps("4194305 gone")
WATCHED = json.dumps({"iteration": 0, "changes": [], "pending": [], "hook": "4194305 gone"})


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(
    ("undo", "armed"),
    [
        ("{", ARMED),
        ("[]", ARMED),
        ("null", ARMED),
        (None, ARMED),
        ("{}", "{"),
        ("{}", "17"),
        ("{}", '"nobody"'),
    ],
)
def test_an_undo_row_that_cannot_be_read(unit: Unit, entry: Entry, undo: Any, armed: str) -> None:
    rows = {**BEFORE, "reactive.dispatch.undo.armed": armed, "reactive.state_watch": WATCHED}
    if undo is not None:
        rows["reactive.dispatch.undo"] = undo
    write_rows(unit.directory, rows)
    done = entry(unit)
    complains(done, "unit state %s" % state_file(unit.directory), "row reactive.dispatch.undo", "is damaged")
    assert read_rows(unit.directory) == rows
    # What the message says helps, helps.
    statement = done.stderr.rpartition('"DELETE')[2].partition('"')[0]
    state = sqlite3.connect(str(state_file(unit.directory)))
    state.execute("DELETE" + statement)
    state.commit()
    state.close()
    assert entry(unit).status == 0


def test_a_child_that_deletes_the_undo_row_fails_the_hook_and_no_more(framework: Framework, kv: Any) -> None:
    set_flag("kept")
    framework.state.commit()
    set_flag("a")
    framework.state.before_child({})
    kv.conn.execute("DELETE FROM kv WHERE key = 'reactive.dispatch.undo'")
    kv.flush()
    with pytest.raises(UnitStateError, match="it is missing"):
        framework.state.rollback()
    assert framework.committed_flags() == ["a", "kept"]  # not: everything deleted


# -- bad flags ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("set_flag(7)", ["a flag must be a string, not int"]),
        ("set_flag(None)", ["a flag must be a string, not NoneType"]),
        ("set_flag('good', object())", ["the value of flag 'good' cannot be stored as JSON"]),
        ("set_flag('\\ud800')", ["a flag must be a string", "UTF-8"]),
        ("is_flag_set(['a'])", ["a flag must be a string, not list"]),
    ],
)
def test_bad_flags_and_values(unit: Unit, statement: str, words: List[str]) -> None:
    make(unit, shells=False)
    unit.write(
        "reactive/it.py",
        "from charms.reactive import hook, is_flag_set, set_flag\n\n"
        "@hook('update-status')\ndef it():\n    set_flag('early')\n    %s\n" % statement,
    )
    done = unit.run()
    complains(done, *words)
    assert "reactive/it.py" in done.stderr
    assert read_rows(unit.directory) == BEFORE


# -- an error in the middle of ending -----------------------------------------------------------
def test_a_rollback_that_is_locked_out_is_made_up_for(unit: Unit) -> None:
    make(unit)
    unit.write("quick/sitecustomize.py", _LOCKED)
    unit.write(
        "reactive/f.py",
        """
        import os, subprocess, sys
        from charmhelpers.core import unitdata
        from charms.reactive import hook

        HOLD = '''
        import os, sqlite3, sys, time
        state = sqlite3.connect(os.path.join(os.environ["CHARM_DIR"], ".unit-state.db"), isolation_level=None)
        state.execute("BEGIN IMMEDIATE")
        print("held", flush=True)
        time.sleep(1)
        '''.replace("\\n        ", "\\n")

        @hook("update-status")
        def locks():
            unitdata.kv().flush(False)
            holder = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE)
            holder.stdout.readline()
            raise RuntimeError("as asked")
        """,
    )
    path = "%s:%s" % (unit.directory / "quick", unit.env["PYTHONPATH"])
    done = unit.run(env={"PYTHONPATH": path, "CHILD": "both", "CHARMS_REACTIVE_LOCK_TIMEOUT": "0.2"})
    assert done.status != 0
    assert "as asked" in done.stderr
    assert "could not be rolled back" in unit.log_text()
    assert read_rows(unit.directory) != BEFORE
    assert unit.command("is_flag_set", "cleared").status == 0
    assert read_rows(unit.directory) == BEFORE


def test_files_are_left_closed(framework: Framework) -> None:
    """The second connection and the look at other processes leave no descriptor behind."""
    set_flag("a")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        framework.state.before_child({})
        framework.state.after_child()
        lives("1 nobody", framework.state._database())
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > before
    assert sys.getrefcount(unitdata._KV) < 10
