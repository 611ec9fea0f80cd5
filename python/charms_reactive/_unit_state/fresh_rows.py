"""The rows, and the engine's flags kept true to them: the one place that knows ``unitdata.kv()``.

The rows of the unit state are the truth about flags. The engine's bitset is a cache over them, and
before each use a handful of attribute reads tells whether anything else has written or rolled back:
the identity of the ``Storage``, ``Connection.total_changes`` and ``Connection.in_transaction``, and
outside a transaction ``PRAGMA data_version``, which other processes move. What these cannot tell, a
rollback with another transaction begun behind it, an authorizer on the connection does: SQLite asks
it about every statement that begins or ends a transaction or savepoint when it is prepared, which
``commit()``, ``rollback()`` and the implicit ``BEGIN`` of Python's sqlite3 do each time. One thing
remains unseen: a charm that rolls back and begins again, both as SQL text that it has used before,
and changes no row in between. The old flags are then seen until the next change of any row.
"""

from __future__ import annotations

import json
import os
import sqlite3
import weakref
from _thread import get_ident
from errno import EACCES, ENOSPC, EPERM, EROFS

from charmhelpers.core import unitdata

from charms_reactive._engine.choice import new_engine
from charms_reactive._errors import ReactiveError, UnitStateError, UnitStateLockedError

from .rows import (
    ARMED,
    CHANGES,
    CLEAR_TRIGGERS,
    FLAGS,
    HEARD,
    HEARD_CLEAR,
    HEARD_SET,
    KEPT,
    PHASE,
    REMOVED,
    SET_TRIGGERS,
    UNDO,
    UNDONE,
    WATCH,
    range_below,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Set, Tuple

    from .stand_in import StandIn

    #: A flag that differs between two moments, and whether it is set now.
    Change = Tuple[str, bool]

__all__ = ["OMITTED", "Explained", "FreshRows", "is_scratch"]

_FLAG_ROWS = range_below(FLAGS)

# Rows that live for one hook at the most. 1.5.x leaves some of them behind.
_OLD_TRIGGERS = "reactive.flag_triggers."
_SCRATCH_KEYS = (PHASE, REMOVED, CHANGES, WATCH, UNDO, ARMED, KEPT, UNDONE)
_SCRATCH_PREFIXES = (SET_TRIGGERS, CLEAR_TRIGGERS, _OLD_TRIGGERS)

# The same as conditions with their parameters: each hook asks and deletes several times.
IS_TRIGGER = " OR ".join(["key >= ? AND key < ?"] * len(_SCRATCH_PREFIXES))
TRIGGERS = tuple(bound for prefix in _SCRATCH_PREFIXES for bound in range_below(prefix))
IS_SCRATCH = "key IN (%s) OR %s" % (", ".join("?" * len(_SCRATCH_KEYS)), IS_TRIGGER)
SCRATCH = _SCRATCH_KEYS + TRIGGERS

# What opens the unit state, unless a test puts something else there.
_own_kv = unitdata.kv

# Actions that SQLite names to an authorizer.
_TRANSACTION = 22
_SAVEPOINT = 32


_FOR_THREADS = "let the thread return what it has found, and change flags where the hook runs"


class _Omitted:
    """The type of :data:`OMITTED`."""

    def __repr__(self) -> str:
        return "None"  # so that signatures read as they always did


#: Stands for a flag's value that was not given, which leaves a stored one alone.
OMITTED = _Omitted()


def is_scratch(key: str) -> bool:
    """Whether a row lives for one hook at the most."""
    return key in _SCRATCH_KEYS or key.startswith(_SCRATCH_PREFIXES)


class FreshRows:
    """The flags of the unit in the engine and in its rows, and any other row."""

    def __init__(self) -> None:
        self.engine = new_engine()
        # The Storage that was adopted. A weak reference, because a charm or a test that replaces
        # `unitdata._KV` lets go of it, and it must not hold its locks any longer for our sake.
        self._storage: Callable[[], Any] = nothing
        # The file as it was then, to notice when it is no longer the one that has the path.
        self._file: Optional[Tuple[int, int]] = None
        # What the connection looked like when the engine was last known to agree with the rows.
        self._changes = -1
        self._in_transaction = False
        self._data_version = -1
        #: Seconds to wait for a file that another process holds; as charmhelpers does it if ``None``.
        self.lock_timeout: Optional[float] = None
        # The rows of edges that were heard, as far as they are known; whether there may be any.
        self._heard: Optional[Set[str]] = None
        self._hears = True
        # Counts what begins or ends a transaction or a savepoint, for who remembers something until then.
        self._epoch = 0
        # Savepoints have been seen: a rollback to one changes rows and nothing that we can see.
        self._savepoints = False
        #: How many flags there were when the rows were last read.
        self.loaded = 0
        #: Is told of changes that neither this process's engine has made nor a child of the hook.
        self.on_reload: Optional[Callable[[List[Change]], None]] = None
        #: What a test has put in the place of charmhelpers' storage, as long as it stands there.
        self.stand_in: Optional[StandIn] = None
        # For whom this process writes was found out since the transaction began.
        self._checked = False
        # The thread in which the connection may be used.
        self._thread = 0
        #: This process is a fork of the one whose connection this is, and must leave it alone.
        self.forked = False

    @property
    def _kv(self) -> Any:
        return self._storage()

    @property
    def _conn(self) -> Any:
        return self._storage().conn

    # -- reading -------------------------------------------------------------------------------
    def fresh(self) -> Any:
        """The engine, with its flags true to the rows of this moment.

        Raises:
            UnitStateError: the unit state cannot be opened or read.
        """
        try:
            kv = unitdata._KV
            conn = kv.conn
            if (
                conn.total_changes == self._changes
                and conn.in_transaction
                and self._in_transaction
                and self._storage() is kv
                and unitdata.kv is _own_kv
            ):
                return self.engine
        except (AttributeError, sqlite3.ProgrammingError):
            pass  # nothing adopted yet, or the connection was closed under us
        self._refresh()
        return self.engine if self.stand_in is None else self.stand_in

    def _refresh(self) -> None:
        try:
            kv = unitdata._KV
            if kv is None or kv is not self._kv or unitdata.kv is not _own_kv or self.stand_in is not None:
                kv = self._open()
                if not isinstance(getattr(kv, "conn", None), sqlite3.Connection):
                    self._stand_beside(kv)
                    return
                self.stand_in = None
                if kv is not self._kv:
                    self._adopt(kv)
                    return
            if self.forked:
                return  # it knows the flags of the moment of the fork
            conn = self._conn
            if (
                conn.total_changes == self._changes
                and not conn.in_transaction
                and not self._in_transaction
                and self._read_data_version() == self._data_version
            ):
                return
            self._reload_and_tell()
        except sqlite3.Error as error:
            self.forget()
            raise self.explain("read", error) from None

    def _open(self) -> Any:
        """The charm's own ``Storage``; opened here only if nobody has opened it yet."""
        try:
            return unitdata.kv()
        except (sqlite3.Error, OSError) as error:
            self._storage = nothing
            raise self.explain("open", error) from None

    def _stand_beside(self, kv: Any) -> None:
        """Work with what a test has put in the place of charmhelpers' storage."""
        from .stand_in import StandIn  # no hook has one

        if self.stand_in is None or self.stand_in.storage is not kv:
            self.stand_in = StandIn(kv, self.engine)
        self.forget()

    def _adopt(self, kv: Any) -> None:
        """Take over a ``Storage`` not seen before: another one than the last, or the first."""
        self._storage = weakref.ref(kv)
        self._savepoints = False
        self.forget()
        try:
            # The undo row is read over a second connection while this one holds its changes back;
            # a cache that spills would lock that reader out.
            self._query("PRAGMA cache_spill = OFF")
            if self.lock_timeout is not None:
                self._query("PRAGMA busy_timeout = %d" % (self.lock_timeout * 1000))
            kv.conn.set_authorizer(self._authorize)
            self._file = _identity(self._database())
            self._thread = get_ident()
            self._adopted()
            self._reload()
        except BaseException:
            self.forget()
            self._storage = nothing
            raise

    def _authorize(self, action: int, *_: Optional[str]) -> int:
        """SQLite prepares a statement: allow it, and note what begins or ends a transaction."""
        if action == _TRANSACTION:
            self._changes = -1
            self._checked = False
            self._epoch += 1
        elif action == _SAVEPOINT:
            self._changes = -1
            self._epoch += 1
            self._savepoints = True
        return 0  # SQLITE_OK

    def _query(self, sql: str, parameters: Tuple[object, ...] = ()) -> List[Tuple[Any, ...]]:
        """All rows, as tuples, whatever kind of row a charm has chosen for the connection."""
        cursor = self._conn.cursor()
        cursor.row_factory = None
        rows: List[Tuple[Any, ...]] = cursor.execute(sql, parameters).fetchall()
        return rows

    def _read_data_version(self) -> int:
        version: int = self._query("PRAGMA data_version")[0][0]
        return version

    def _database(self) -> str:
        """The file of the unit state as SQLite opened it; empty for one that is in memory."""
        for _, name, path in self._query("PRAGMA database_list"):
            if name == "main":
                return path or ""
        return ""

    def _reload(self) -> List[Change]:
        """Make the engine's flags those of the rows; returns what that changed."""
        if self._conn.in_transaction:
            self._begun()
        # Not by substr(): SQLite's ends at a NUL, which a flag may contain.
        rows = self._query("SELECT key FROM kv WHERE key >= ? AND key < ?", _FLAG_ROWS)
        changes: List[Change] = self.engine.load([key[len(FLAGS) :] for (key,) in rows])
        self._heard, self._hears = None, True
        self.loaded = len(rows)
        self._stamp()
        return changes

    def _reload_and_tell(self) -> None:
        changes = self._reload()
        if changes and self.on_reload is not None:
            self.on_reload(changes)

    def _stamp(self) -> None:
        """Note that engine and rows agree now."""
        conn = self._conn
        self._in_transaction = conn.in_transaction
        if not self._in_transaction:
            self._data_version = self._read_data_version()
            self._checked = False
        # Last: the statements of this class, too, pass by the authorizer.
        self._changes = -1 if self._savepoints and self._in_transaction else conn.total_changes

    def _stamp_or_forget(self) -> None:
        try:
            self._stamp()
        except sqlite3.Error:
            self.forget()

    def forget(self) -> None:
        """Trust the engine's flags no longer; the next use reads the rows again."""
        self._changes = -1

    def distrust(self) -> bool:
        """Before the engine changes: trust it no more, until :meth:`trust` says that the rows have followed.

        Whatever interrupts that, the rows are believed afterwards.

        Returns:
            Whether engine and rows agreed until now.
        """
        if self.stand_in is not None:
            return False
        agreed: bool = self._changes == self._conn.total_changes
        self._changes = -1
        return agreed

    def trust(self, agreed: bool) -> None:
        """The rows have followed the engine, and agree with it if they did before."""
        if agreed:
            self._changes = self._conn.total_changes

    def value(self, flag: str, default: Any = None) -> Any:
        """The value stored with a flag, ``default`` if the flag is not set."""
        return self.get(FLAGS + flag, default)

    def values(self) -> Dict[str, Any]:
        """Every flag that is set, with its value."""
        return self.getrange(FLAGS)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of any row."""
        self.fresh()
        if self.stand_in is not None:
            return self.stand_in.get(key, default)
        with Explained(self, "read"):
            rows = self._query("SELECT data FROM kv WHERE key = ?", (key,))
        return self._decode(key, rows[0][0]) if rows else default

    def getrange(self, prefix: str) -> Dict[str, Any]:
        """The values of all rows below a prefix that ends in a dot, without that prefix."""
        self.fresh()
        if self.stand_in is not None:
            given: Dict[str, Any] = self.stand_in.getrange(prefix)
            return given
        with Explained(self, "read"):
            rows = self._query("SELECT key, data FROM kv WHERE key >= ? AND key < ?", range_below(prefix))
        return {key[len(prefix) :]: self._decode(key, data) for key, data in rows}

    def joined(self, prefix: str) -> str:
        """The stored values of all rows that begin so, as one text; a tenth of the time of reading each."""
        self.fresh()
        if self.stand_in is not None:
            return self.stand_in.joined(prefix)
        with Explained(self, "read"):
            rows = self._query(
                "SELECT group_concat(data, '') FROM"
                " (SELECT data FROM kv WHERE key >= ? AND key < ? ORDER BY key)",
                range_below(prefix),
            )
        return str(rows[0][0] or "")

    def _decode(self, key: str, data: Any) -> Any:
        try:
            return json.loads(data)
        except (TypeError, ValueError) as error:
            path, name = self._path(), key.replace("'", "''")
            reason = "row %s is not JSON (%s)" % (key, error)
            advice = "look at it with: sqlite3 %s \"SELECT data FROM kv WHERE key = '%s'\"" % (path, name)
            raise UnitStateError(path, "read", reason, advice) from None

    # -- writing -------------------------------------------------------------------------------
    def begin(self) -> Any:
        """The engine, true to the rows, with the right to write them held by this connection.

        Raises:
            UnitStateLockedError: another process holds the unit state.
            UnitStateError: the unit state cannot be opened or written, or the hook that started this
                process has failed or was killed, or this process is a fork of the one that runs the hook.
        """
        engine = self.fresh()
        if self.stand_in is not None:
            return engine
        if self.forked:
            raise self._of_a_fork("write")
        if get_ident() != self._thread:
            raise self._of_another_thread("write")
        if not self._in_transaction:
            with Explained(self, "write"):
                self._begin_immediate()
                # Another process may have written between the check and the lock.
                self._in_transaction = True
                if self._read_data_version() != self._data_version:
                    self._reload_and_tell()
                elif self._savepoints:
                    self.forget()  # what rolls back to one may be a statement that was prepared before
                else:
                    self._changes = self._conn.total_changes
                self._begun()
        if not self._checked:
            self._may_write()
        return engine

    def write_flag(self, flag: str, on: bool, value: object = OMITTED) -> None:
        """Write or delete the row of a flag, after :meth:`begin`."""
        if self.stand_in is not None:
            self.stand_in.write_flag(flag, on, None if value is OMITTED else value)
            return
        if on:
            self._write(FLAGS + flag, "null" if value is OMITTED else json.dumps(value))
        else:
            self._delete(FLAGS + flag)
        if self._hears:
            self._unhear(flag, on)

    def _unhear(self, flag: str, on: bool) -> None:
        """What was heard of a flag is over when it changes back."""
        if self._heard is None:
            with Explained(self, "read"):
                rows = self._query("SELECT key FROM kv WHERE key >= ? AND key < ?", range_below(HEARD))
            self._heard = {key for (key,) in rows}
        row = (HEARD_CLEAR if on else HEARD_SET) + flag
        if row in self._heard:
            self._heard.discard(row)
            self._delete(row)
        self._hears = bool(self._heard)

    def note_heard(self, flag: str, on: bool, handlers: List[str]) -> None:
        """Note which handlers have heard that a flag became so."""
        row = (HEARD_SET if on else HEARD_CLEAR) + flag
        self.set(row, handlers)
        self._hears = True
        if self._heard is not None:
            self._heard.add(row)

    def set(self, key: str, value: object) -> None:
        """Write any row, in the open transaction."""
        self.begin()
        if self.stand_in is not None:
            self.stand_in.set(key, value)
        else:
            self._write(key, json.dumps(value))

    def unset(self, key: str) -> None:
        """Delete any row, in the open transaction."""
        self.begin()
        if self.stand_in is not None:
            self.stand_in.unset(key)
        else:
            self._delete(key)

    def _write(self, key: str, data: str) -> None:
        kv = self._kv
        if kv.revision and not is_scratch(key):
            # Inside HookData the storage also keeps a history of each key.
            value = json.loads(data)
            self._change(lambda: kv.set(key, value))
        else:
            self._execute("INSERT OR REPLACE INTO kv (key, data) VALUES (?, ?)", (key, data))
        self._wrote(key, data)

    def _delete(self, key: str) -> None:
        kv = self._kv
        if kv.revision and not is_scratch(key):
            self._change(lambda: kv.unset(key))
        else:
            self._execute("DELETE FROM kv WHERE key = ?", (key,))
        self._wrote(key, None)

    def _execute(self, sql: str, parameters: Tuple[object, ...]) -> None:
        conn = self._conn
        self._change(lambda: conn.execute(sql, parameters))

    def _change(self, write: Callable[[], object]) -> None:
        """Change rows in a way that the engine knows of already."""
        conn = self._conn
        # A callback of the charm may have changed rows since the engine was last compared with them.
        agreed = conn.total_changes == self._changes
        try:
            write()
        except sqlite3.Error as error:
            self.forget()
            raise self.explain("write", error) from None
        if agreed:
            self._changes = conn.total_changes

    # -- what a transaction is for is known one class above ------------------------------------------
    def _adopted(self) -> None:
        """A state was adopted, and nothing has read it yet."""

    def _begun(self) -> None:
        """A transaction is open, and may be another one than was seen last."""

    def _begin_immediate(self) -> None:
        """Begin a transaction that may write."""
        self._conn.execute("BEGIN IMMEDIATE")

    def _may_write(self) -> None:
        """Raise what forbids to write."""

    def _wrote(self, key: str, data: Optional[str]) -> None:
        """A row was written, or deleted where there are no data."""

    def _of_another_thread(self, doing: str) -> UnitStateError:
        return UnitStateError(
            self._path(),
            doing,
            "another thread has opened it, and SQLite's objects can only be used in that same thread",
            _FOR_THREADS,
        )

    def _of_a_fork(self, doing: str) -> UnitStateError:
        return UnitStateError(
            self._path(),
            doing,
            "this process is a fork of the one that opened it, and no connection of SQLite survives a fork",
            "change flags in the process that runs the hook, and end the fork with os._exit()",
        )

    # -- errors --------------------------------------------------------------------------------
    def explain(self, doing: str, error: BaseException) -> ReactiveError:
        """An error of ours that says which file failed, doing what, and what may help."""
        path = self._path()
        reason = str(error) or type(error).__name__
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        if isinstance(error, sqlite3.OperationalError) and ("locked" in reason or "busy" in reason):
            from .lock_holders import who_holds

            return UnitStateLockedError(path, doing, reason, who_holds(path))
        if "not a database" in reason or "malformed" in reason or "file is encrypted" in reason:
            advice = "it is not an SQLite database or is damaged; restore it from a backup or move it away"
        elif "full" in reason or getattr(error, "errno", None) == ENOSPC:
            advice = "free some space on that file system; nothing of this hook is kept"
        elif "readonly" in reason or getattr(error, "errno", None) in (EACCES, EPERM, EROFS):
            advice = "check owner and mode of it and its directory, and whether the file system is read-only"
        elif "I/O error" in reason:
            advice = "check the disk and the quota; the kernel's log may say more"
        elif "same thread" in reason:
            advice = _FOR_THREADS
        elif "no such table" in reason:
            advice = "it is no unit state; something has replaced it, or UNIT_STATE_DB names another file"
        elif "closed database" in reason:
            advice = "leave unitdata.kv() open; what this hook has changed is undone when the next one starts"
        elif isinstance(error, OSError) or "unable to open" in reason:
            advice = "check CHARM_DIR and UNIT_STATE_DB"
        else:
            advice = ""
        return UnitStateError(path, doing, reason, advice)

    def _check_file(self, doing: str) -> None:
        """Refuse to write to a file that no longer has its path: nobody would find it again."""
        with Explained(self, "read"):
            path = self._database()
        if path and _identity(path) != self._file:
            reason = "the file was deleted or replaced while this process had it open"
            raise UnitStateError(path, doing, reason, "nothing may touch it while a hook runs")

    def _path(self) -> Optional[str]:
        kv = self._kv or unitdata._KV
        if kv is not None:
            path: Optional[str] = kv.db_path
            return path
        return os.environ.get("UNIT_STATE_DB") or os.path.join(
            os.environ.get("CHARM_DIR", ""), ".unit-state.db"
        )


def nothing() -> None:
    """In place of a weak reference as long as there is nothing to refer to."""


def _identity(path: str) -> Optional[Tuple[int, int]]:
    """What tells a file from another one of the same path; ``None`` if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Explained:
    """Turns SQLite's errors into ours; leaves the engine untrusted after one."""

    def __init__(self, state: FreshRows, doing: str) -> None:
        self._state = state
        self._doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: Optional[BaseException], traceback: object) -> None:
        if isinstance(error, sqlite3.Error):
            self._state.forget()
            raise self._state.explain(self._doing, error) from None
