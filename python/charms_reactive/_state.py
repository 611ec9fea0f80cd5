"""The unit state: the one place that knows ``unitdata.kv()``.

The rows of the unit state are the truth about flags. The engine's bitset is a cache over them, and
before each use a handful of attribute reads tells whether anything else has written or rolled back:
the identity of the ``Storage``, ``Connection.total_changes`` and ``Connection.in_transaction``, and
outside a transaction ``PRAGMA data_version``, which other processes move.

This module also owns commit, rollback and undo. A hook is one transaction as long as nobody commits.
A shell handler needs the rows committed while it runs, so before one is started the rows of ours
as they were committed last are put beside them (the *undo* rows) in the same commit. Once the child
is back, the mark that arms them is deleted in the transaction that is open from there on. Whoever
commits next decides: the charm's own ``flush()`` commits that deletion as well, which makes what it
flushed the state to go back to; our next commit before a child arms them again; a failure or a kill
leaves them armed, and they are applied, at the latest when the next process adopts the state.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import namedtuple

from charmhelpers.core import unitdata

from ._engine import new_engine
from .errors import ReactiveError, UnitStateError, UnitStateLockedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, NamedTuple, Optional, Tuple

__all__ = ["OMITTED", "UnitState", "unit"]

FLAGS = "reactive.states."

# Everything of ours; '/' is the character after '.', so this is a range on the primary key.
_OURS = ("reactive.", "reactive/")
_FLAG_ROWS = (FLAGS, FLAGS[:-1] + "/")

# Rows that live for one hook at the most. 1.5.x leaves some of them behind.
PHASE = "reactive.dispatch.phase"
REMOVED = "reactive.dispatch.removed_state"
CHANGES = "reactive.dispatch.changes"
WATCH = "reactive.state_watch"
SET_TRIGGERS = "reactive.flag_set_triggers."
CLEAR_TRIGGERS = "reactive.flag_clear_triggers."
_OLD_TRIGGERS = "reactive.flag_triggers."
_UNDO = "reactive.dispatch.undo"
_ARMED = "reactive.dispatch.undo.armed"
_SCRATCH_KEYS = (PHASE, REMOVED, CHANGES, WATCH)
_SCRATCH_PREFIXES = (SET_TRIGGERS, CLEAR_TRIGGERS, _OLD_TRIGGERS)


class _Omitted:
    """The type of :data:`OMITTED`."""

    def __repr__(self) -> str:
        return "None"  # so that signatures read as they always did


#: Stands for a flag's value that was not given, which leaves a stored one alone.
OMITTED = _Omitted()


if TYPE_CHECKING:

    class Change(NamedTuple):
        """A flag that differs between two moments."""

        flag: str
        on: bool
else:
    Change = namedtuple("Change", ["flag", "on"])


def _range(prefix: str) -> Tuple[str, str]:
    return prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _is_scratch(key: str) -> bool:
    return key in _SCRATCH_KEYS or key in (_UNDO, _ARMED) or key.startswith(_SCRATCH_PREFIXES)


def _process_start(pid: int) -> Optional[str]:
    """When the process began, in a form that tells two uses of one pid apart; ``None`` if it is gone."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as stat:
            # The second field is the program's name in parentheses and may hold anything.
            fields = stat.read().rpartition(b")")[2].split()
        if fields[0] in (b"Z", b"X"):
            return None
        with open("/proc/sys/kernel/random/boot_id") as boot:
            return "%s %s" % (boot.read().strip(), fields[19].decode())
    except FileNotFoundError:
        if os.path.isdir("/proc/self"):
            return None
    except (OSError, IndexError):
        pass
    try:  # no /proc here: the pid has to do
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    return "pid"


class UnitState:
    """The flags of the unit, in the engine and in its rows, and the transaction around them."""

    def __init__(self) -> None:
        self.engine = new_engine()
        self._kv: Any = None
        self._conn: Any = None
        # What the connection looked like when the engine was last known to agree with the rows.
        self._changes = -1
        self._in_transaction = False
        self._data_version = -1
        # A command run by a shell handler leaves its changes for the dispatch that waits for it.
        self.record_changes = False
        #: What adopting the state had to undo of a hook that was killed.
        self.recovered: List[Change] = []

    # -- reading -------------------------------------------------------------------------------
    def fresh(self) -> Any:
        """The engine, with its flags true to the rows of this moment.

        Raises:
            UnitStateError: the unit state cannot be opened or read.
        """
        conn = self._conn
        try:
            if (
                conn.total_changes == self._changes
                and conn.in_transaction
                and self._in_transaction
                and unitdata._KV is self._kv
            ):
                return self.engine
        except (AttributeError, sqlite3.ProgrammingError):
            pass  # nothing adopted yet, or the connection was closed under us
        self._refresh()
        return self.engine

    def _refresh(self) -> None:
        try:
            kv = unitdata._KV
            if kv is None or kv is not self._kv:
                self._adopt(self._open())
                return
            conn = self._conn
            if (
                conn.total_changes == self._changes
                and not conn.in_transaction
                and not self._in_transaction
                and self._read_data_version() == self._data_version
            ):
                return
            self._reload()
        except sqlite3.Error as error:
            self.forget()
            raise self.explain("read", error) from error

    def _open(self) -> Any:
        """The charm's own ``Storage``; opened here only if nobody has opened it yet."""
        try:
            return unitdata.kv()
        except (sqlite3.Error, OSError) as error:
            raise self.explain("open", error) from error

    def _adopt(self, kv: Any) -> None:
        """Take over a ``Storage`` not seen before: another one than the last, or the first."""
        self._kv = kv
        self._conn = kv.conn
        try:
            # The undo rows are read over a second connection while this one holds its changes back;
            # a cache that spills would lock that reader out.
            self._conn.execute("PRAGMA cache_spill = OFF")
            if not self._conn.in_transaction:
                self.recover()
            self._reload()
        except BaseException:
            self.forget()
            self._kv = None
            raise

    def _read_data_version(self) -> int:
        version: int = self._conn.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _reload(self) -> List[Change]:
        """Make the engine's flags those of the rows; returns what that changed."""
        names = [
            name
            for (name,) in self._conn.execute(
                "SELECT substr(key, %d) FROM kv WHERE key >= ? AND key < ?" % (len(FLAGS) + 1), _FLAG_ROWS
            )
        ]
        changes = [Change(*change) for change in self.engine.load(names)]
        self._stamp()
        return changes

    def _stamp(self) -> None:
        """Note that engine and rows agree now."""
        conn = self._conn
        self._changes = conn.total_changes
        self._in_transaction = conn.in_transaction
        if not self._in_transaction:
            self._data_version = self._read_data_version()

    def forget(self) -> None:
        """Trust the engine's flags no longer; the next use reads the rows again."""
        self._changes = -1

    def value(self, flag: str, default: Any = None) -> Any:
        """The value stored with a flag, ``default`` if the flag is not set."""
        self.fresh()
        return self._kv.get(FLAGS + flag, default)

    def values(self) -> Dict[str, Any]:
        """Every flag that is set, with its value."""
        self.fresh()
        return {name: json.loads(data) for name, data in self._rows_below(FLAGS)}

    def get(self, key: str, default: Any = None) -> Any:
        """The value of any row."""
        self.fresh()
        with _Explained(self, "read"):
            row = self._conn.execute("SELECT data FROM kv WHERE key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])

    def _rows_below(self, prefix: str) -> List[Tuple[str, str]]:
        with _Explained(self, "read"):
            rows: List[Tuple[str, str]] = self._conn.execute(
                "SELECT substr(key, ?), data FROM kv WHERE key >= ? AND key < ?",
                (len(prefix) + 1,) + _range(prefix),
            ).fetchall()
        return rows

    def getrange(self, prefix: str) -> Dict[str, Any]:
        """The values of all rows below a prefix that ends in a dot, without that prefix."""
        self.fresh()
        return {key: json.loads(data) for key, data in self._rows_below(prefix)}

    # -- writing -------------------------------------------------------------------------------
    def begin(self) -> Any:
        """The engine, true to the rows, with the right to write them held by this connection.

        Raises:
            UnitStateLockedError: another process holds the unit state.
            UnitStateError: the unit state cannot be opened or written.
        """
        engine = self.fresh()
        if not self._in_transaction:
            with _Explained(self, "write"):
                self._conn.execute("BEGIN IMMEDIATE")
                # Another process may have written between the check and the lock.
                self._in_transaction = True
                if self._read_data_version() != self._data_version:
                    self._reload()
        return engine

    def write_flag(self, flag: str, on: bool, value: object = OMITTED) -> None:
        """Write or delete the row of a flag, after :meth:`begin`."""
        if on:
            self._write(FLAGS + flag, "null" if value is OMITTED else json.dumps(value))
        else:
            self._delete(FLAGS + flag)

    def set(self, key: str, value: object) -> None:
        """Write any row, in the open transaction."""
        self.begin()
        self._write(key, json.dumps(value))

    def unset(self, key: str) -> None:
        """Delete any row, in the open transaction."""
        self.begin()
        self._delete(key)

    def _write(self, key: str, data: str) -> None:
        try:
            if self._kv.revision:
                # Inside HookData the storage also keeps a history of each key.
                self._kv.set(key, json.loads(data))
            else:
                self._conn.execute("INSERT OR REPLACE INTO kv (key, data) VALUES (?, ?)", (key, data))
        except sqlite3.Error as error:
            self.forget()
            raise self.explain("write", error) from error
        self._changes = self._conn.total_changes

    def _delete(self, key: str) -> None:
        try:
            if self._kv.revision:
                self._kv.unset(key)
            else:
                self._conn.execute("DELETE FROM kv WHERE key = ?", (key,))
        except sqlite3.Error as error:
            self.forget()
            raise self.explain("write", error) from error
        self._changes = self._conn.total_changes

    # -- commit, rollback, undo ----------------------------------------------------------------
    def start(self) -> None:
        """Begin a hook: repair what a killed one left behind, and drop its scratch rows."""
        self.fresh()
        if self._has_scratch():
            self.begin()
            self._drop_scratch()

    def commit(self) -> None:
        """End a hook that succeeded: nothing is left to undo, and everything is on disk."""
        self.fresh()
        if self._has_scratch():
            self.begin()
            self._drop_scratch()
        with _Explained(self, "commit"):
            self._kv.flush()
        self._stamp_or_forget()

    def flush(self) -> None:
        """Commit what was written so far, without ending the hook."""
        with _Explained(self, "commit"):
            self._kv.flush()
        self.forget()

    def rollback(self) -> List[Change]:
        """End a hook that failed: every row of ours becomes what it was before.

        Returns:
            The flags that this changed back.
        """
        if self._kv is None or unitdata._KV is not self._kv:
            if unitdata._KV is None:
                return []
            self._kv, self._conn = unitdata._KV, unitdata._KV.conn
        with _Explained(self, "roll back"):
            before = set(self.engine.flags())
            self._conn.rollback()
            self._apply_undo()
            self._reload()
            after = set(self.engine.flags())
        return [Change(flag, False) for flag in sorted(before - after)] + [
            Change(flag, True) for flag in sorted(after - before)
        ]

    def before_child(self, scratch: Dict[str, object]) -> None:
        """Commit, so that a child process sees the flags and may write; keep the way back.

        Args:
            scratch: rows that the child needs for as long as it runs, and their values.
        """
        self.begin()
        armed, rows = self._committed_rows()
        with _Explained(self, "commit"):
            if not armed:
                self._write(_UNDO, json.dumps(rows))
            self._write(_ARMED, json.dumps({"pid": os.getpid(), "started": _process_start(os.getpid())}))
            for key, value in scratch.items():
                self._write(key, json.dumps(value))
            self._conn.commit()
        self._stamp_or_forget()

    def after_child(self) -> List[Change]:
        """Take over what a child process did: its changes, in order as far as they are known."""
        before = set(self.engine.flags())
        self.forget()
        self.begin()
        recorded = [Change(item[1:], item[:1] == "+") for item in self.get(CHANGES, [])]
        touched = self.get(WATCH, {}).get("pending", [])
        with _Explained(self, "write"):
            for key in (_ARMED, CHANGES, WATCH, REMOVED):
                self._delete(key)
        after = set(self.engine.flags())
        named = {change.flag for change in recorded}
        changes = recorded + [Change(flag, False) for flag in sorted(before - after) if flag not in named]
        changes += [Change(flag, True) for flag in sorted(after - before) if flag not in named]
        # A flag that came and went has changed all the same; helpers of 1.5.x record only names.
        for flag in [change.flag for change in recorded] + touched:
            self.engine.touch(flag)
        return changes

    def note_change(self, change: Change) -> None:
        """Leave a change for the dispatch that waits for this process, if one does."""
        watch = self.get(WATCH)
        if watch is None:
            return
        watch["pending"] = watch.get("pending", []) + [change.flag]
        self.set(WATCH, watch)
        changes = self.get(CHANGES, [])
        changes.append(("+" if change.on else "-") + change.flag)
        self.set(CHANGES, changes)
        if not change.on:
            self.set(REMOVED, True)

    def recover(self) -> None:
        """Undo what a hook left that was killed while or after a shell handler ran.

        Called when a state is adopted, before anything reads it. The commands that a shell handler
        runs see the mark of the living hook above them and leave everything alone.
        """
        row = self._conn.execute("SELECT data FROM kv WHERE key = ?", (_ARMED,)).fetchone()
        if row is None:
            return
        owner = json.loads(row[0])
        if _process_start(owner["pid"]) == owner["started"]:
            return
        self._conn.execute("BEGIN IMMEDIATE")
        try:
            self.recovered = self._apply_undo()
        except BaseException:
            self._conn.rollback()
            raise

    def _committed_rows(self) -> Tuple[bool, Dict[str, str]]:
        """Our rows as they were committed last, and whether undo rows are armed among them."""
        query = "SELECT key, data FROM kv WHERE key >= ? AND key < ?"
        with _Explained(self, "read"):
            if self._kv.db_path == ":memory:":
                return False, {}  # no child can see this state, so nothing will have to be undone
            reader = sqlite3.connect(self._kv.db_path)
            try:
                rows = dict(reader.execute(query, _OURS))
            finally:
                reader.close()
        return _ARMED in rows, {key: data for key, data in rows.items() if not _is_scratch(key)}

    def _apply_undo(self) -> List[Change]:
        """Go back to the undo rows if they are armed, and commit."""
        conn = self._conn
        rows = dict(conn.execute("SELECT key, data FROM kv WHERE key >= ? AND key < ?", _OURS))
        if _ARMED not in rows:
            conn.rollback()  # ends the transaction of recover(), if another process was quicker
            return []
        kept: Dict[str, str] = json.loads(rows.get(_UNDO, "{}"))
        changes = []
        for key in rows:
            if key not in kept:
                conn.execute("DELETE FROM kv WHERE key = ?", (key,))
                if key.startswith(FLAGS):
                    changes.append(Change(key[len(FLAGS) :], False))
        for key, data in kept.items():
            if rows.get(key) != data:
                conn.execute("INSERT OR REPLACE INTO kv (key, data) VALUES (?, ?)", (key, data))
                if key.startswith(FLAGS) and key not in rows:
                    changes.append(Change(key[len(FLAGS) :], True))
        conn.commit()
        return changes

    def _has_scratch(self) -> bool:
        with _Explained(self, "read"):
            for key in _SCRATCH_KEYS + (_UNDO, _ARMED):
                if self._conn.execute("SELECT 1 FROM kv WHERE key = ?", (key,)).fetchone():
                    return True
            for prefix in _SCRATCH_PREFIXES:
                if self._conn.execute(
                    "SELECT 1 FROM kv WHERE key >= ? AND key < ? LIMIT 1", _range(prefix)
                ).fetchone():
                    return True
        return False

    def _drop_scratch(self) -> None:
        with _Explained(self, "write"):
            for key in _SCRATCH_KEYS + (_UNDO, _ARMED):
                self._conn.execute("DELETE FROM kv WHERE key = ?", (key,))
        self.drop_triggers()

    def drop_triggers(self) -> None:
        """Delete the scratch rows of all triggers."""
        self.begin()
        with _Explained(self, "write"):
            for prefix in _SCRATCH_PREFIXES:
                self._conn.execute("DELETE FROM kv WHERE key >= ? AND key < ?", _range(prefix))
        self._changes = self._conn.total_changes

    def _stamp_or_forget(self) -> None:
        try:
            self._stamp()
        except sqlite3.Error:
            self.forget()

    # -- errors --------------------------------------------------------------------------------
    def explain(self, doing: str, error: BaseException) -> ReactiveError:
        """An error of ours that says which file failed, doing what, and what may help."""
        path = self._path()
        reason = str(error) or type(error).__name__
        if isinstance(error, sqlite3.OperationalError) and ("locked" in reason or "busy" in reason):
            advice = "another process holds it; see which one with: fuser %s" % (path or "FILE")
            return UnitStateLockedError(path, doing, reason, advice)
        if "not a database" in reason or "malformed" in reason or "file is encrypted" in reason:
            advice = "it is not an SQLite database or is damaged; restore it from a backup or move it away"
        elif "full" in reason:
            advice = "free some space on that file system; nothing of this hook was kept"
        elif "readonly" in reason or isinstance(error, PermissionError):
            advice = "check owner and mode of it and its directory, and whether the file system is read-only"
        elif isinstance(error, FileNotFoundError):
            advice = "check CHARM_DIR and UNIT_STATE_DB"
        else:
            advice = ""
        return UnitStateError(path, doing, reason, advice)

    def _path(self) -> Optional[str]:
        if self._kv is not None:
            path: Optional[str] = self._kv.db_path
            return path
        return os.environ.get("UNIT_STATE_DB") or os.path.join(
            os.environ.get("CHARM_DIR", ""), ".unit-state.db"
        )


class _Explained:
    """Turns SQLite's errors into ours; leaves the engine untrusted after one."""

    def __init__(self, state: UnitState, doing: str) -> None:
        self._state = state
        self._doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: Optional[BaseException], traceback: object) -> None:
        if isinstance(error, sqlite3.Error):
            self._state.forget()
            raise self._state.explain(self._doing, error) from error


#: The state of this process's unit. Everything that needs it reads this name when it runs.
unit = UnitState()
