"""State files that are missing, damaged, locked, of another mode, or very large."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import List

import pytest

from .support import SCHEMA, Unit

pytestmark = pytest.mark.long


def test_a_missing_file_is_made(unit: Unit) -> None:
    unit.file.unlink()
    assert unit.run("is_flag_set", "a") == (1, "", "")
    assert unit.run("set_flag", "a") == (0, "", "")
    assert unit.flags() == ["a"]
    assert unit.file.stat().st_mode & 0o777 == 0o600


def test_an_empty_file_gets_its_tables(unit: Unit) -> None:
    unit.file.write_bytes(b"")
    assert unit.run("set_flag", "a") == (0, "", "")
    assert unit.flags() == ["a"]


def test_the_state_may_be_elsewhere(unit: Unit, tmp_path: Path) -> None:
    elsewhere = tmp_path / "file: odd?mode=ro#x"
    connection = sqlite3.connect(str(elsewhere))
    connection.executescript(SCHEMA)
    connection.close()
    env = {"UNIT_STATE_DB": str(elsewhere)}
    assert unit.run("set_flag", "a", env=env) == (0, "", "")
    assert unit.run("is_flag_set", "a", env=env) == (0, "", "")
    assert unit.flags() == []


@pytest.mark.parametrize("words", [["is_flag_set", "a"], ["set_flag", "a"]])
def test_no_database(unit: Unit, words: List[str]) -> None:
    unit.file.write_bytes(b"something else entirely" * 100)
    done = unit.run(*words)
    assert (done.status, done.out) == (2, "")
    assert "it is not an SQLite database or is damaged" in done.err
    assert unit.file.read_bytes() == b"something else entirely" * 100


def test_no_directory(unit: Unit) -> None:
    done = unit.run("set_flag", "a", env={"CHARM_DIR": "/no/such/place"})
    assert done.status == 2
    assert "check CHARM_DIR and UNIT_STATE_DB" in done.err


def test_tables_of_somebody_else_stay_as_they_are(unit: Unit) -> None:
    unit.write({"charm.own": {"x": 1}, "reactive.statesman": 1})
    connection = unit.connect()
    connection.execute("CREATE TABLE notice (x)")
    connection.execute("INSERT INTO notice VALUES (1)")
    unit.run("set_flag", "a")
    unit.run("clear_flag", "a")
    assert unit.rows() == {"charm.own": {"x": 1}, "reactive.statesman": 1}
    assert connection.execute("SELECT x FROM notice").fetchall() == [(1,)]
    connection.close()


def test_a_trigger_that_cannot_be_read_is_an_error_and_changes_nothing(unit: Unit) -> None:
    connection = unit.connect()
    connection.execute("INSERT INTO kv VALUES ('reactive.flag_set_triggers.x', '{')")
    connection.close()
    done = unit.run("set_flag", "x")
    assert done.status == 2
    assert "reactive.flag_set_triggers.x is not JSON" in done.err
    connection = unit.connect()
    assert connection.execute("SELECT count(*) FROM kv").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize("mode", ["DELETE", "WAL", "TRUNCATE", "PERSIST"])
def test_journals_of_every_kind(unit: Unit, mode: str) -> None:
    connection = unit.connect()
    assert connection.execute("PRAGMA journal_mode = %s" % mode).fetchone() == (mode.lower(),)
    connection.close()
    assert unit.run("set_flag", "a") == (0, "", "")
    assert unit.run("set_flag", "b") == (0, "", "")
    assert unit.run("clear_flag", "a") == (0, "", "")
    assert unit.run("get_flags") == (0, "b", "")


CRASH = """\
import os, signal, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA cache_size = 1")
c.execute("BEGIN")
for n in range(2000):
    c.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", ("reactive.states.x%d" % n, '"' + "x" * 500 + '"'))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("words", [["is_flag_set", "x1"], ["get_flags"], ["set_flag", "a"]])
def test_what_a_crash_left_half_written_is_rolled_back(unit: Unit, words: List[str]) -> None:
    unit.set("a")
    done = subprocess.run([sys.executable, "-c", CRASH, str(unit.file)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert unit.file.with_name(unit.file.name + "-journal").stat().st_size > 512
    assert unit.run(*words).status in (0, 1)
    assert unit.flags() == ["a"]


def test_100_000_flags(unit: Unit) -> None:
    unit.set(*("flag.number.%06d" % number for number in range(100_000)))
    unit.without_framework()
    began = time.monotonic()
    assert unit.run("is_flag_set", "flag.number.077777").status == 0
    assert unit.run("set_flag", "one.more").status == 0
    assert unit.run("clear_flag", "flag.number.000000").status == 0
    assert time.monotonic() - began < 5
    done = unit.run("-j", "get_flags")
    assert len(json.loads(done.out)) == 100_000


def test_a_reader_that_stops_early_is_no_error(unit: Unit) -> None:
    unit.set(*("flag.number.%05d" % number for number in range(20_000)))
    line = "set -o pipefail; '%s' get_flags | head -n 1" % unit.path
    done = subprocess.run(["bash", "-c", line], env=unit.env, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"flag.number.00000\n", b"")


def test_an_answer_that_cannot_be_printed_is_status_2(unit: Unit) -> None:
    unit.set("a")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [str(unit.path), "get_flags"], env=unit.env, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    assert b"No space left on device" in done.stderr


@pytest.mark.parametrize("command", ["get_flags", "get_states"])
def test_an_answer_that_nobody_wants_is_no_error(unit: Unit, command: str) -> None:
    unit.set("a")
    line = "'%s' %s >&-" % (unit.path, command)
    done = subprocess.run(["bash", "-c", line], env=unit.env, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_only_be_read(unit: Unit) -> None:
    unit.set("a")
    unit.file.chmod(0o400)
    done = unit.run("set_flag", "b")
    assert done.status == 2
    assert "check owner and mode" in done.err


def test_a_full_disk_is_an_error_and_changes_nothing(unit: Unit) -> None:
    """A limit on the size of files stands for the disk."""
    unit.set(*map(str, range(200)))
    before = unit.rows()
    limit = unit.file.stat().st_size // 1024
    line = "ulimit -f %d; trap '' XFSZ; exec '%s' set_flag x --value %s" % (limit, unit.path, "x" * 50_000)
    done = subprocess.run(["bash", "-c", line], env=unit.env, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"cannot" in done.stderr
    assert unit.rows() == before


# -- hooks that were killed ----------------------------------------------------------------------

DEAD = "4194300 gone 1"


def test_what_a_killed_hook_left_is_undone_before_anything_is_answered(unit: Unit) -> None:
    unit.set("changed.by.it")
    unit.write(
        {
            "reactive.dispatch.undo": {"reactive.states.before": "null"},
            "reactive.dispatch.undo.armed": DEAD,
            "reactive.state_watch": {"iteration": 0, "changes": [], "pending": [], "hook": DEAD},
        }
    )
    assert unit.run("is_flag_set", "before") == (0, "", "")
    assert unit.flags() == ["before"]


def test_what_a_killed_hook_has_started_writes_no_more(unit: Unit) -> None:
    unit.write(
        {
            "reactive.dispatch.undo": {},
            "reactive.dispatch.undo.armed": DEAD,
            "reactive.state_watch": {"iteration": 0, "changes": [], "pending": [], "hook": DEAD},
        }
    )
    done = unit.run("set_flag", "late", env={"CHARMS_REACTIVE_HOOK": DEAD})
    assert done.status == 2
    assert "has failed or was killed, and what it had changed is undone" in done.err
    assert unit.flags() == []
