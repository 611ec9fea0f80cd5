"""The rows are the truth (SPEC 2): whoever writes or rolls back, the next flag call sees it."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from charmhelpers.core import unitdata

from charms.reactive import (
    all_flags_set,
    any_flags_set,
    clear_flag,
    data_changed,
    get_flags,
    is_flag_set,
    register_trigger,
    set_flag,
)
from charms_reactive import flags
from charms_reactive.errors import FlagNameError, FlagValueError, UnitStateError
from charms_reactive.flags import State, get_state, get_states
from framework.support import PACKAGES, Framework, Unit

ROW = "reactive.states."


# -- writers in this process --------------------------------------------------------------------
def test_a_flag_written_through_kv_is_set(kv: Any) -> None:
    assert not is_flag_set("a")
    kv.set(ROW + "a", None)
    assert is_flag_set("a")
    assert get_flags() == ["a"]


def test_a_flag_deleted_through_kv_is_clear(kv: Any) -> None:
    set_flag("a")
    kv.unset(ROW + "a")
    assert not is_flag_set("a")


def test_flags_written_by_update_and_dropped_by_unsetrange(kv: Any) -> None:
    kv.update({"a": None, "b": {"relation": "db"}}, prefix=ROW)
    assert all_flags_set("a", "b")
    kv.unsetrange(prefix=ROW)
    assert not any_flags_set("a", "b")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO kv VALUES ('reactive.states.new', 'null')",
        "UPDATE kv SET key = 'reactive.states.new' WHERE key = 'reactive.states.old'",
        "REPLACE INTO kv VALUES ('reactive.states.new', 'null')",
    ],
)
@pytest.mark.parametrize("begun", [True, False], ids=["in a transaction", "outside"])
def test_raw_sql_on_the_connection(kv: Any, statement: str, begun: bool) -> None:
    set_flag("old")
    kv.flush()
    if begun:
        set_flag("begun")
    kv.conn.execute(statement)
    assert is_flag_set("new")


def test_raw_sql_that_empties_the_table(kv: Any) -> None:
    set_flag("a")
    kv.conn.execute("DELETE FROM kv")
    assert get_flags() == []


def test_a_script_that_commits(kv: Any) -> None:
    set_flag("a")
    kv.conn.executescript("DELETE FROM kv; BEGIN; INSERT INTO kv VALUES ('reactive.states.b', 'null')")
    assert get_flags() == ["b"]


def test_rows_written_by_the_callback_of_a_trigger(kv: Any) -> None:
    # The engine goes on with the outer change after the callback, and writes rows for it.
    register_trigger(when="inner", callback=lambda: kv.set(ROW + "raw", None))
    register_trigger(when="outer", set_flag="inner")
    register_trigger(when="outer", clear_flag="gone")
    set_flag("gone")
    set_flag("outer")
    assert get_flags() == ["inner", "outer", "raw"]


def test_rows_written_between_a_flags_change_and_its_value(kv: Any) -> None:
    set_flag("a", 1)
    kv.set(ROW + "b", None)
    set_flag("a", 2)
    assert get_flags() == ["a", "b"]


# -- rollbacks ----------------------------------------------------------------------------------
def roll_back_by_flush(kv: Any) -> None:
    kv.flush(False)


def roll_back_by_connection(kv: Any) -> None:
    kv.conn.rollback()


def roll_back_by_statement(kv: Any) -> None:
    kv.conn.execute("ROLLBACK")


def begin_by_a_write_of_nothing(kv: Any) -> None:
    kv.unset("no.such.key")


def begin_by_statement(kv: Any) -> None:
    kv.conn.execute("BEGIN")


def begin_by_immediate_statement(kv: Any) -> None:
    kv.conn.execute("BEGIN IMMEDIATE")


def begin_nothing(kv: Any) -> None:
    pass


@pytest.mark.parametrize("roll_back", [roll_back_by_flush, roll_back_by_connection, roll_back_by_statement])
@pytest.mark.parametrize(
    "begin",
    [begin_nothing, begin_by_a_write_of_nothing, begin_by_statement, begin_by_immediate_statement],
)
def test_a_rollback(kv: Any, roll_back: Callable[[Any], None], begin: Callable[[Any], None]) -> None:
    set_flag("kept")
    kv.flush()
    set_flag("a")
    clear_flag("kept")
    roll_back(kv)
    begin(kv)  # a transaction is open again, and no row has changed in it
    assert get_flags() == ["kept"]
    if begin is not begin_by_statement and begin is not begin_by_immediate_statement:
        set_flag("a")
        roll_back(kv)
        begin(kv)
        assert get_flags() == ["kept"]


def test_a_script_that_rolls_back_and_begins(kv: Any) -> None:
    set_flag("kept")
    kv.flush()
    for _ in range(3):
        set_flag("a")
        # Not executescript(), which commits first.
        kv.conn.execute("ROLLBACK -- round %d" % _)
        kv.conn.execute("BEGIN -- round %d" % _)
        assert get_flags() == ["kept"]


def test_a_rollback_to_a_savepoint(kv: Any) -> None:
    set_flag("before")
    for _ in range(3):  # the same statements again come from a cache, unprepared
        kv.conn.execute("SAVEPOINT here")
        set_flag("a")
        clear_flag("before")
        assert get_flags() == ["a"]
        kv.conn.execute("ROLLBACK TO here")
        assert get_flags() == ["before"]
        set_flag("b")
        kv.conn.execute("RELEASE here")
        assert get_flags() == ["b", "before"]
        clear_flag("b")


def test_a_statement_that_rolls_back_the_transaction(kv: Any) -> None:
    set_flag("a")
    with pytest.raises(sqlite3.IntegrityError):
        kv.conn.execute("INSERT OR ROLLBACK INTO kv VALUES ('reactive.states.a', 'null')")
    kv.unset("no.such.key")
    assert not is_flag_set("a")


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_hook_data_without_a_revision_file_rolls_back_all_flags(framework: Framework, kv: Any) -> None:
    # charmhelpers reads a file that Juju writes; what happens without it, charms have seen.
    set_flag("a")
    with pytest.raises(FileNotFoundError), unitdata.HookData()():
        pass  # pragma: no cover
    assert get_flags() == []
    kv.unset("no.such.key")
    assert get_flags() == []


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # charmhelpers' own
@pytest.mark.filterwarnings("ignore:.*unclosed file:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_hook_data_commits(
    framework: Framework, kv: Any, other: sqlite3.Connection, monkeypatch: Any
) -> None:
    framework.write("revision", "3\n")
    environment = {"conf": {}, "rels": {}, "env": {}, "unit": "app/0"}
    monkeypatch.setattr("charmhelpers.core.hookenv.execution_environment", lambda: environment)
    set_flag("a")
    with unitdata.HookData()():
        set_flag("b")
        assert is_flag_set("a")
    assert get_flags() == ["a", "b"]
    assert framework.committed_flags() == ["a", "b"]


def fail_after_a_flag() -> None:
    set_flag("a")
    set_flag(7)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_a_failing_hook_scope_takes_its_flags_with_it(kv: Any) -> None:
    with pytest.raises(FlagNameError), kv.hook_scope("one"):
        fail_after_a_flag()
    assert get_flags() == []


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_a_hook_scope_keeps_the_history_of_flags_but_not_of_scratch(kv: Any) -> None:
    with kv.hook_scope("one"):
        set_flag("a", 1)
        set_flag("a", 2)
        register_trigger(when="x", set_flag="y")
    with kv.hook_scope("two"):
        clear_flag("a")
        assert not is_flag_set("a")
    history = [(key, json.loads(data)) for _, key, data, _, _ in kv.gethistory(ROW + "a")]
    assert history == [(ROW + "a", 2), (ROW + "a", "DELETED")]
    rows = kv.conn.execute("SELECT key FROM kv_revisions").fetchall()
    assert {key for (key,) in rows} == {ROW + "a"}


# -- other processes ----------------------------------------------------------------------------
def test_another_process_sets_and_clears(kv: Any, other: sqlite3.Connection) -> None:
    assert get_flags() == []
    other.execute("INSERT INTO kv VALUES ('reactive.states.theirs', 'null')")
    assert is_flag_set("theirs")
    other.execute("DELETE FROM kv")
    assert not is_flag_set("theirs")


def test_another_process_writes_between_two_transactions(kv: Any, other: sqlite3.Connection) -> None:
    for _ in range(3):
        set_flag("a")
        kv.flush()
        other.execute("REPLACE INTO kv VALUES ('reactive.states.theirs', 'null')")
        kv.unset("no.such.key")  # begins a transaction and changes nothing
        assert is_flag_set("theirs")
        kv.flush()
        other.execute("DELETE FROM kv WHERE key = 'reactive.states.theirs'")
        clear_flag("a")
        assert get_flags() == []


def test_a_flag_that_another_process_has_set_is_no_change(kv: Any, other: sqlite3.Connection) -> None:
    told: List[str] = []
    register_trigger(when="theirs", callback=lambda: told.append("set"))
    kv.flush()
    other.execute("INSERT INTO kv VALUES ('reactive.states.theirs', '\"value\"')")
    set_flag("theirs")
    assert told == []
    assert get_state("theirs") == "value"


def test_the_command_line(unit: Unit) -> None:
    assert unit.command("set_flag", "a").status == 0
    assert unit.command("is_flag_set", "a").status == 0
    assert unit.committed_flags() == ["a"]
    assert unit.command("clear_flag", "a").status == 0
    assert unit.command("is_flag_set", "a").status == 1


def test_a_command_between_two_transactions_of_a_handler(unit: Unit) -> None:
    unit.write(
        "reactive/it.py",
        """
        import subprocess
        from charmhelpers.core import unitdata
        from charms.reactive import clear_flag, is_flag_set, set_flag, when_not

        @when_not("done")
        def it():
            set_flag("mine")
            unitdata.kv().flush()
            subprocess.run(["charms.reactive", "set_flag", "theirs"], check=True)
            subprocess.run(["charms.reactive", "clear_flag", "mine"], check=True)
            unitdata.kv().unset("no.such.key")
            assert is_flag_set("theirs") and not is_flag_set("mine")
            set_flag("done")
        """,
    )
    done = unit.run()
    assert done.status == 0, done.stderr
    assert unit.committed_flags() == ["done", "theirs"]


# -- the Storage --------------------------------------------------------------------------------
def test_a_replaced_storage_is_another_state(framework: Framework, kv: Any) -> None:
    set_flag("kept")
    kv.flush()
    set_flag("lost")
    del kv
    unitdata._KV = None
    assert get_flags() == ["kept"]


@pytest.mark.filterwarnings("ignore:.*unclosed database:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_a_storage_that_was_let_go_holds_no_lock(framework: Framework) -> None:
    # Charms and tests do this and write at once; no reference of ours may keep the old one alive.
    set_flag("lost")
    unitdata._KV = None
    gc.collect()  # since CPython 3.10 a connection and its statement cache hold each other
    unitdata.kv().conn.execute("PRAGMA busy_timeout = 0")
    unitdata.kv().set(ROW + "raw", None)
    assert get_flags() == ["raw"]


def test_a_storage_in_memory(framework: Framework) -> None:
    for _ in range(2):
        unitdata._KV = unitdata.Storage(":memory:")
        assert get_flags() == []
        set_flag("a")
        assert get_flags() == ["a"]
        framework.state.before_child({})  # nobody else can see it, and nothing breaks
        assert get_flags() == ["a"]
        framework.state.after_child()
        unitdata._KV.close()


def test_a_closed_storage_is_an_error_that_says_so(framework: Framework, kv: Any) -> None:
    set_flag("a")
    kv.close()
    for attempt in (lambda: is_flag_set("a"), lambda: set_flag("b"), get_states):
        with pytest.raises(UnitStateError, match=r"unit-state\.db: Cannot operate on a closed database"):
            attempt()
    unitdata._KV = None
    assert get_flags() == []


def test_a_relative_path_holds_when_the_charm_changes_directory(
    framework: Framework, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UNIT_STATE_DB", "relative.db")
    set_flag("a")
    monkeypatch.chdir(tmp_path)
    framework.state.before_child({})
    framework.state.after_child()
    framework.state.commit()
    assert get_flags() == ["a"]
    assert not (tmp_path / "relative.db").exists()


@pytest.mark.parametrize("factory", [sqlite3.Row, lambda cursor, row: {"what": row}], ids=["Row", "dict"])
def test_a_row_factory_of_the_charm_is_its_own_affair(framework: Framework, kv: Any, factory: Any) -> None:
    kv.conn.row_factory = factory
    set_flag("a", [1])
    framework.state.before_child({})
    framework.state.after_child()
    kv.unset(ROW + "b")
    assert get_flags() == ["a"]
    assert get_states() == {"a": [1]}
    framework.state.commit()
    assert get_flags() == ["a"]


def test_a_connection_without_implicit_transactions(framework: Framework, kv: Any) -> None:
    kv.conn.isolation_level = None
    set_flag("a")
    assert framework.committed_flags() == []
    framework.state.commit()
    assert framework.committed_flags() == ["a"]


def test_a_write_ahead_log(framework: Framework, kv: Any, other: sqlite3.Connection) -> None:
    assert kv.conn.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    set_flag("a")
    framework.state.before_child({})
    other.execute("INSERT INTO kv VALUES ('reactive.states.theirs', 'null')")
    framework.state.after_child()
    assert get_flags() == ["a", "theirs"]
    framework.state.rollback()
    assert get_flags() == []


def test_another_thread_reads_and_its_failed_write_leaves_no_trace(kv: Any) -> None:
    set_flag("a")
    seen: List[Any] = []

    def work() -> None:
        seen.append(is_flag_set("a"))
        try:
            set_flag("b")
        except UnitStateError as error:
            seen.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen[0] is True
    assert "can only be used in that same thread" in seen[1]
    assert get_flags() == ["a"]


# -- values -------------------------------------------------------------------------------------
def test_an_omitted_value_leaves_the_stored_one(kv: Any) -> None:
    set_flag("a", {"relation": "db"})
    set_flag("a")
    assert get_state("a") == {"relation": "db"}
    assert kv.get(ROW + "a") == {"relation": "db"}


def test_an_explicit_none_replaces_the_stored_value(kv: Any) -> None:
    set_flag("a", 1)
    set_flag("a", None)
    assert get_state("a") is None
    assert kv.conn.execute("SELECT data FROM kv WHERE key = ?", (ROW + "a",)).fetchone() == ("null",)


def test_a_cleared_flag_has_no_value_left(kv: Any) -> None:
    set_flag("a", 1)
    clear_flag("a")
    set_flag("a")
    assert get_state("a", "default") is None


def test_get_state_and_get_states(kv: Any) -> None:
    set_flag("a", [1, {"b": None}])
    set_flag("c")
    assert get_states() == {"a": [1, {"b": None}], "c": None}
    assert get_state("c", "default") is None
    assert get_state("d", "default") == "default"


def test_a_value_replaced_by_raw_sql(kv: Any) -> None:
    set_flag("a", 1)
    kv.conn.execute("UPDATE kv SET data = '2' WHERE key = 'reactive.states.a'")
    assert get_state("a") == 2


def test_a_value_that_json_cannot_hold_changes_nothing(kv: Any) -> None:
    circle: List[Any] = []
    circle.append(circle)
    for value in (object(), {1, 2}, b"bytes", circle):
        with pytest.raises(FlagValueError, match="value of flag 'a' cannot be stored as JSON"):
            set_flag("a", value)
    assert get_flags() == []


def test_a_row_that_is_not_json_is_named(framework: Framework, kv: Any) -> None:
    kv.conn.execute("INSERT INTO kv VALUES ('reactive.states.broken', '{')")
    kv.conn.execute("INSERT INTO kv (key) VALUES ('reactive.states.empty')")
    assert get_flags() == ["broken", "empty"]
    with pytest.raises(UnitStateError, match=r"unit-state\.db: row reactive\.states\.broken is not JSON"):
        get_state("broken")
    with pytest.raises(UnitStateError, match=r"row reactive\.states\.(broken|empty) is not JSON"):
        get_states()
    clear_flag("broken")
    clear_flag("empty")
    assert get_states() == {}


# -- names --------------------------------------------------------------------------------------
NAMES = [
    "",
    " ",
    "100%",
    "under_score",
    "under.score",
    "*?[a]",
    "it's",
    'say "x"',
    "back\\slash",
    "semi;colon -- comment",
    "new\nline",
    "nul\0inside",
    "\0",
    "grün",
    "\u30d5\u30e9\u30b0",
    "\U0001f6a9",
    "e\u0301",
    "\ufeffbom",
    "\uffff",
    "\U0010ffff",
    "{endpoint_name}.joined",
    "x" * 10000,
    "reactive.states.nested",
    "UPPER",
    "upper",
    "_ny",
    "any",
]


def test_any_text_is_a_name(framework: Framework, kv: Any) -> None:
    for name in NAMES:
        set_flag(name, name)
    assert get_flags() == sorted(NAMES)
    framework.state.forget()  # read them all again
    assert get_flags() == sorted(NAMES)
    assert get_states() == {name: name for name in NAMES}
    framework.state.before_child({})
    framework.state.after_child()
    clear_flag("100%")
    assert get_flags() == sorted(set(NAMES) - {"100%"})
    framework.state.rollback()
    assert get_flags() == []


def test_names_that_like_would_confuse(kv: Any) -> None:
    set_flag("under_score")
    assert not is_flag_set("underXscore")
    set_flag("100%")
    assert not is_flag_set("100 percent")
    set_flag("Upper")
    assert not is_flag_set("upper")


def test_rows_beside_the_flags_are_no_flags(kv: Any) -> None:
    for key in ("reactive.states", "reactive.states/a", "reactive.state.a", "Reactive.States.a", "states.a"):
        kv.set(key, None)
    assert get_flags() == []


@pytest.mark.parametrize("flag", [None, 1, 1.0, True, b"bytes", ["a"], ("a",), object()])
def test_what_is_no_string_is_no_flag(kv: Any, flag: Any) -> None:
    set_flag("a")
    for attempt in (set_flag, clear_flag, is_flag_set, all_flags_set, any_flags_set):
        with pytest.raises(FlagNameError, match="a flag must be a string"):
            attempt(flag)
    assert get_flags() == ["a"]


def test_a_lone_surrogate_is_no_text(kv: Any) -> None:
    with pytest.raises(FlagNameError, match="UTF-8"):
        set_flag("\ud800")
    assert get_flags() == []


def test_subclasses_of_str_are_flags(kv: Any) -> None:
    class Loud(str):
        def __str__(self) -> str:
            return "not this"

    for flag in (State("a"), Loud("a")):
        set_flag(flag)
        assert get_flags() == ["a"]
        assert type(get_flags()[0]) is str
        assert is_flag_set(flag)
        assert kv.get(ROW + "a", "missing") is None
        clear_flag(flag)
        assert get_flags() == []


# -- numbers ------------------------------------------------------------------------------------
def test_a_hundred_thousand_flags(framework: Framework, kv: Any) -> None:
    names = ["flag.%06d" % number for number in range(100000)]
    assert get_flags() == []
    kv.conn.executemany("INSERT INTO kv VALUES (?, 'null')", [("reactive.states." + name,) for name in names])
    assert get_flags() == names
    set_flag("one.more")
    framework.state.before_child({})
    kv.conn.execute("DELETE FROM kv WHERE key > 'reactive.states.flag.000009'")
    framework.state.after_child()
    assert len(get_flags()) == 10
    kv.flush()  # by the charm: this is what a failure goes back to
    clear_flag("flag.000000")
    framework.state.rollback()
    assert len(get_flags()) == 10


def test_asking_costs_next_to_nothing_and_reads_no_row(kv: Any) -> None:
    # The budget is a ratio that `make bench` measures; here: not one statement is run.
    statements: List[str] = []
    set_flag("a")
    kv.conn.set_trace_callback(statements.append)
    for _ in range(100):
        assert is_flag_set("a")
    assert statements == []
    kv.conn.set_trace_callback(None)


# -- random programs ----------------------------------------------------------------------------
PUT = "REPLACE INTO kv VALUES (?, 'null')"
DELETE = "DELETE FROM kv WHERE key = ?"

STEPS: Dict[str, Callable[[Any, sqlite3.Connection, str], object]] = {
    "set": lambda kv, other, name: set_flag(name),
    "clear": lambda kv, other, name: clear_flag(name),
    "kv set": lambda kv, other, name: kv.set(ROW + name, None),
    "kv unset": lambda kv, other, name: kv.unset(ROW + name),
    "sql put": lambda kv, other, name: kv.conn.execute(PUT, (ROW + name,)),
    "sql delete": lambda kv, other, name: kv.conn.execute(DELETE, (ROW + name,)),
    "flush": lambda kv, other, name: kv.flush(),
    "roll back": lambda kv, other, name: kv.flush(False),
    "begin": lambda kv, other, name: kv.unset("no.such.key"),
    "their put": lambda kv, other, name: other.execute(PUT, (ROW + name,)),
    "their delete": lambda kv, other, name: other.execute(DELETE, (ROW + name,)),
}


def test_random_writers_are_never_missed(kv: Any, other: sqlite3.Connection, seeds: List[int]) -> None:
    """Any order of flag calls, raw writes, commits, rollbacks and other processes."""
    kv.conn.execute("PRAGMA busy_timeout = 0")
    other.execute("PRAGMA busy_timeout = 0")
    for seed in seeds:
        chance = random.Random(seed)
        done: List[str] = []
        for _ in range(3000):
            name = chance.choice("abc")
            what = chance.choice(list(STEPS))
            done.append("%s %s" % (what, name))
            with contextlib.suppress(sqlite3.OperationalError):  # locked: then nothing happened
                STEPS[what](kv, other, name)
            rows = {key[len(ROW) :] for (key,) in kv.conn.execute("SELECT key FROM kv")}
            story = "seed %d: %s" % (seed, ", ".join(done[-10:]))
            # Not always, so that several steps may come between two calls; and not always the same.
            question = chance.randrange(4)
            if question == 0:
                assert get_flags() == sorted(rows), story
            elif question == 1:
                assert is_flag_set(name) == (name in rows), story


# -- both names ---------------------------------------------------------------------------------
def test_data_changed_sees_rows_of_others(kv: Any, other: sqlite3.Connection) -> None:
    assert data_changed("d", {"b": 1, "a": 2})
    assert not data_changed("d", {"a": 2, "b": 1})
    kv.flush()
    other.execute("DELETE FROM kv WHERE key = 'reactive.data_changed.d'")
    assert data_changed("d", {"a": 2, "b": 1})


def test_a_fresh_process_reads_what_was_committed(framework: Framework, kv: Any) -> None:
    set_flag("a", 1)
    framework.state.commit()
    script = "from charms.reactive import flags; print(flags.get_states())"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "{'a': 1}\n"
    assert flags.get_states() == {"a": 1}
