"""The unit state: the one place that knows ``unitdata.kv()``.

The rows of the unit state are the truth about flags. The engine's bitset is a cache over them, and
before each use a handful of attribute reads tells whether anything else has written or rolled back:
the identity of the ``Storage``, ``Connection.total_changes`` and ``Connection.in_transaction``, and
outside a transaction ``PRAGMA data_version``, which other processes move. What these cannot tell, a
rollback with another transaction begun behind it, an authorizer on the connection does: SQLite asks
it about every statement that begins or ends a transaction or savepoint when it is prepared, which
``commit()``, ``rollback()`` and the implicit ``BEGIN`` of Python's sqlite3 do each time. One thing
remains unseen: a charm that rolls back and begins again, both as SQL text that it has used before,
and changes no row in between. The old flags are then seen until the next change of any row.

This module also owns commit, rollback and undo. A hook is one transaction as long as nobody commits.
A shell handler needs the rows committed while it runs, so before one is started the rows of ours
as they were committed last are put beside them (the *undo* row) in the same commit. Once the child
is back, the mark that arms it is deleted in the transaction that is open from there on. Whoever
commits next decides: the charm's own ``flush()`` commits that deletion as well, which makes what it
flushed the state to go back to; our next commit before a child arms it again; a failure or a kill
leaves it armed, and it is applied, at the latest when the next process adopts the state.

If the hook's process is killed alone, its shell handler lives on. Commands know by their environment
which hook they belong to, and no longer write once that hook has been undone.
"""

from __future__ import annotations

import json
import os
import sqlite3
import weakref
from errno import EACCES, ENOSPC, EPERM, EROFS

from charmhelpers.core import unitdata

from ._engine import new_engine
from ._processes import is_alive as _is_alive
from ._processes import left_behind as _left_behind
from ._processes import this_process
from ._rows import ARMED as _ARMED
from ._rows import CHANGES as CHANGES
from ._rows import CLEAR_TRIGGERS as CLEAR_TRIGGERS
from ._rows import FILES_SEEN as FILES_SEEN
from ._rows import FLAGS as FLAGS
from ._rows import HOOK_VARIABLE as HOOK_VARIABLE
from ._rows import PHASE as PHASE
from ._rows import REMOVED as REMOVED
from ._rows import SET_TRIGGERS as SET_TRIGGERS
from ._rows import UNDO as _UNDO
from ._rows import WATCH as WATCH
from ._rows import lock_timeout, range_below
from .errors import ReactiveError, UnitStateError, UnitStateLockedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    #: A flag that differs between two moments, and whether it is set now.
    Change = Tuple[str, bool]

__all__ = ["OMITTED", "UnitState", "this_process", "unit"]

# Everything of ours.
_OURS = range_below("reactive.")
_FLAG_ROWS = range_below(FLAGS)

# Rows that live for one hook at the most. 1.5.x leaves some of them behind.
_OLD_TRIGGERS = "reactive.flag_triggers."
_SCRATCH_KEYS = (PHASE, REMOVED, CHANGES, WATCH, _UNDO, _ARMED)
_SCRATCH_PREFIXES = (SET_TRIGGERS, CLEAR_TRIGGERS, _OLD_TRIGGERS)

# The same as conditions with their parameters: each hook asks and deletes several times.
_IS_TRIGGER = " OR ".join(["key >= ? AND key < ?"] * len(_SCRATCH_PREFIXES))
_TRIGGERS = tuple(bound for prefix in _SCRATCH_PREFIXES for bound in range_below(prefix))
_IS_SCRATCH = "key IN (%s) OR %s" % (", ".join("?" * len(_SCRATCH_KEYS)), _IS_TRIGGER)
_SCRATCH = _SCRATCH_KEYS + _TRIGGERS

# The hooks that were undone while processes of theirs went on; there for as long as those are.
_UNDONE = "reactive.dispatch.undone"

# Actions that SQLite names to an authorizer.
_TRANSACTION = 22
_SAVEPOINT = 32


class _Omitted:
    """The type of :data:`OMITTED`."""

    def __repr__(self) -> str:
        return "None"  # so that signatures read as they always did


#: Stands for a flag's value that was not given, which leaves a stored one alone.
OMITTED = _Omitted()


def _is_scratch(key: str) -> bool:
    return key in _SCRATCH_KEYS or key == _UNDONE or key.startswith(_SCRATCH_PREFIXES)


class UnitState:
    """The flags of the unit, in the engine and in its rows, and the transaction around them."""

    def __init__(self) -> None:
        self.engine = new_engine()
        # The Storage that was adopted. A weak reference, because a charm or a test that replaces
        # `unitdata._KV` lets go of it, and it must not hold its locks any longer for our sake.
        self._storage: Callable[[], Any] = _nothing
        # The file as it was then, to notice when it is no longer the one that has the path.
        self._file: Optional[Tuple[int, int]] = None
        # What the connection looked like when the engine was last known to agree with the rows.
        self._changes = -1
        self._in_transaction = False
        self._data_version = -1
        # A command run by a shell handler leaves its changes for the dispatch that waits for it.
        self.record_changes = False
        #: Seconds to wait for a file that another process holds; as charmhelpers does it if ``None``.
        self.lock_timeout: Optional[float] = None
        # Savepoints have been seen: a rollback to one changes rows and nothing that we can see.
        self._savepoints = False
        # A child is back and the undo row disarmed, in a transaction that may yet be rolled back.
        self._took_back = False
        # The hook whose shell handler has started this process.
        self._hook: Optional[str] = None
        # What that hook had told its child processes, if this is a hook as well. It keeps its undo row: what
        # a hook inside of it commits is its own to undo.
        self._outer: Optional[Dict[str, str]] = None
        #: What adopting the state had to undo of a hook that was killed.
        self.recovered: List[Change] = []

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
            raise self.explain("read", error) from None

    def _open(self) -> Any:
        """The charm's own ``Storage``; opened here only if nobody has opened it yet."""
        try:
            return unitdata.kv()
        except (sqlite3.Error, OSError) as error:
            self._storage = _nothing
            raise self.explain("open", error) from None

    def _adopt(self, kv: Any) -> None:
        """Take over a ``Storage`` not seen before: another one than the last, or the first."""
        self._storage = weakref.ref(kv)
        self._savepoints = self._took_back = False
        self.forget()
        try:
            # The undo row is read over a second connection while this one holds its changes back;
            # a cache that spills would lock that reader out.
            self._query("PRAGMA cache_spill = OFF")
            if self.lock_timeout is not None:
                self._query("PRAGMA busy_timeout = %d" % (self.lock_timeout * 1000))
            kv.conn.set_authorizer(self._authorize)
            self._file = _identity(self._database())
            self._hook = os.environ.get(HOOK_VARIABLE)
            self.recover()
            self._reload()
        except BaseException:
            self.forget()
            self._storage = _nothing
            raise

    def _authorize(self, action: int, *_: Optional[str]) -> int:
        """SQLite prepares a statement: allow it, and note what begins or ends a transaction."""
        if action == _TRANSACTION:
            self._changes = -1
        elif action == _SAVEPOINT:
            self._changes = -1
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
        if self._took_back and self._conn.in_transaction:
            self._delete(_ARMED)  # its deletion may have been rolled back
        # Not by substr(): SQLite's ends at a NUL, which a flag may contain.
        rows = self._query("SELECT key FROM kv WHERE key >= ? AND key < ?", _FLAG_ROWS)
        changes: List[Change] = self.engine.load([key[len(FLAGS) :] for (key,) in rows])
        self._stamp()
        return changes

    def _stamp(self) -> None:
        """Note that engine and rows agree now."""
        conn = self._conn
        self._in_transaction = conn.in_transaction
        if not self._in_transaction:
            self._data_version = self._read_data_version()
        # Last: the statements of this class, too, pass by the authorizer.
        self._changes = -1 if self._savepoints and self._in_transaction else conn.total_changes

    def forget(self) -> None:
        """Trust the engine's flags no longer; the next use reads the rows again."""
        self._changes = -1

    def value(self, flag: str, default: Any = None) -> Any:
        """The value stored with a flag, ``default`` if the flag is not set."""
        return self.get(FLAGS + flag, default)

    def values(self) -> Dict[str, Any]:
        """Every flag that is set, with its value."""
        return self.getrange(FLAGS)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of any row."""
        self.fresh()
        with _Explained(self, "read"):
            rows = self._query("SELECT data FROM kv WHERE key = ?", (key,))
        return self._decode(key, rows[0][0]) if rows else default

    def getrange(self, prefix: str) -> Dict[str, Any]:
        """The values of all rows below a prefix that ends in a dot, without that prefix."""
        self.fresh()
        with _Explained(self, "read"):
            rows = self._query("SELECT key, data FROM kv WHERE key >= ? AND key < ?", range_below(prefix))
        return {key[len(prefix) :]: self._decode(key, data) for key, data in rows}

    def joined(self, prefix: str) -> str:
        """The stored values of all rows that begin so, as one text; a tenth of the time of reading each."""
        self.fresh()
        with _Explained(self, "read"):
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
                process was interrupted and undone.
        """
        engine = self.fresh()
        if not self._in_transaction:
            with _Explained(self, "write"):
                self._conn.execute("BEGIN IMMEDIATE")
                # Another process may have written between the check and the lock.
                self._in_transaction = True
                if self._read_data_version() != self._data_version:
                    self._reload()
                elif not self._savepoints:
                    self._changes = self._conn.total_changes
                if self._took_back:
                    self._delete(_ARMED)  # its deletion may have been rolled back
        if self._hook is not None:
            self._refuse_if_undone(self._hook)
        return engine

    def _refuse_if_undone(self, hook: str) -> None:
        """Let nothing be written for a hook that was killed and is undone, or is going to be."""
        with _Explained(self, "read"):
            if _is_alive(hook) or not (self._armed() == hook or hook in self._undone()):
                return
            self._conn.rollback()
        self.forget()
        raise UnitStateError(
            self._path(),
            "write",
            "the hook that started this process was interrupted, and what it had changed is undone",
        )

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
        kv = self._kv
        if kv.revision and not _is_scratch(key):
            # Inside HookData the storage also keeps a history of each key.
            value = json.loads(data)
            self._change(lambda: kv.set(key, value))
        else:
            self._execute("INSERT OR REPLACE INTO kv (key, data) VALUES (?, ?)", (key, data))

    def _delete(self, key: str) -> None:
        kv = self._kv
        if kv.revision and not _is_scratch(key):
            self._change(lambda: kv.unset(key))
        else:
            self._execute("DELETE FROM kv WHERE key = ?", (key,))

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

    # -- commit, rollback, undo ----------------------------------------------------------------
    def start(self) -> None:
        """Begin a hook: repair what a killed one left behind, and drop its scratch rows."""
        self.fresh()
        self._took_back = False
        self._outer = None
        if self._has_scratch():
            self.begin()
            with _Explained(self, "read"):
                if self._is_inside():
                    rows = self._query("SELECT key, data FROM kv WHERE " + _IS_SCRATCH, _SCRATCH)
                    self._outer = {key: data for key, data in rows if key not in (_UNDO, _ARMED)}
                elif self._armed() == this_process():  # a hook before it that could not be rolled back
                    self.recovered = self._undo({})
                    self._reload()
                if self._outer is None and self._query("SELECT 1 FROM kv WHERE key = ?", (REMOVED,)):
                    # Only 1.5.x leaves this, having run handlers; which changes of files it has used
                    # up, its shared row of each file tells, and not what ours had seen before.
                    self._execute("DELETE FROM kv WHERE key >= ? AND key < ?", range_below(FILES_SEEN))
            self._drop_scratch()

    def commit(self) -> None:
        """End a hook that succeeded: nothing is left to undo, and everything is on disk."""
        self.fresh()
        self._check_file("commit")
        if self._has_scratch():
            self.begin()
            self._drop_scratch()
            self._hand_back()
        with _Explained(self, "commit"):
            self._kv.flush()
        self._took_back = False
        self.recovered = []
        self._stamp_or_forget()

    def flush(self) -> None:
        """Commit what was written so far, without ending the hook."""
        self._check_file("commit")
        with _Explained(self, "commit"):
            self._kv.flush()
        self.forget()

    def rollback(self) -> List[Change]:
        """End a hook that failed: every row of ours becomes what it was before.

        Returns:
            The flags that this changed back.
        """
        if unitdata._KV is None and self._storage is _nothing:
            return []  # it could not even be opened
        before = set(self.engine.flags())
        self._took_back = False
        self.recovered = []
        with _Explained(self, "roll back"):
            if unitdata._KV is None or unitdata._KV is not self._kv:
                self._adopt(self._open())
            conn = self._conn
            conn.rollback()
            inside = self._is_inside()
            if self._armed() is not None and not inside:
                conn.execute("BEGIN IMMEDIATE")
                self._undo({})
                self._drop_scratch()
                conn.commit()
            elif self._has_scratch() and (self._outer is not None or not inside):
                try:
                    conn.execute("BEGIN IMMEDIATE")
                    self._drop_scratch()
                    self._hand_back()
                    conn.commit()
                except (sqlite3.Error, UnitStateError):
                    conn.rollback()  # it does no harm, and the next hook drops it
            self._reload()
        after = set(self.engine.flags())
        return [(flag, False) for flag in sorted(before - after)] + [
            (flag, True) for flag in sorted(after - before)
        ]

    def before_child(self, scratch: Dict[str, object]) -> None:
        """Commit, so that a child process sees the flags and may write; keep the way back.

        Args:
            scratch: rows that the child needs for as long as it runs, and their values.
        """
        self.begin()
        self._check_file("commit")
        with _Explained(self, "commit"):
            if self._outer is None:
                undo = self._undo_row()
                if undo is not None:
                    self._write(_UNDO, undo)
                self._write(_ARMED, json.dumps(this_process()))
            for key, value in scratch.items():
                self._write(key, json.dumps(value))
            self._conn.commit()
            # What the child leaves running in the background may write at any time from here on.
            self._query("PRAGMA busy_timeout = %d" % (lock_timeout() * 1000))
        self._took_back = False
        self._stamp_or_forget()

    def after_child(self) -> List[Change]:
        """Take over what a child process did: its changes, in order as far as they are known."""
        before = set(self.engine.flags())
        self.forget()
        self._took_back = self._outer is None
        self.begin()
        recorded = [(item[1:], item[:1] == "+") for item in self.get(CHANGES, [])]
        touched = self.get(WATCH, {}).get("pending", [])
        for key in (CHANGES, WATCH, REMOVED):
            self._delete(key)
        if self._outer is None:
            self._delete(_ARMED)
        after = set(self.engine.flags())
        named = {flag for flag, _ in recorded}
        changes = recorded + [(flag, False) for flag in sorted(before - after) if flag not in named]
        changes += [(flag, True) for flag in sorted(after - before) if flag not in named]
        # A flag that came and went has changed all the same; helpers of 1.5.x record only names.
        for flag in [flag for flag, _ in recorded] + touched:
            self.engine.touch(flag)
        return changes

    def note_change(self, change: Change) -> None:
        """Leave a change for the dispatch that waits for this process, if one does."""
        if self.get(_ARMED) is None:
            return
        flag, on = change
        watch = self.get(WATCH, {})
        watch["pending"] = watch.get("pending", []) + [flag]
        self.set(WATCH, watch)
        changes = self.get(CHANGES, [])
        changes.append(("+" if on else "-") + flag)
        self.set(CHANGES, changes)
        if not on:
            self.set(REMOVED, True)

    def recover(self) -> None:
        """Undo what a hook left that was killed while or after a shell handler ran.

        Called when a state is adopted, before anything reads it. The commands that a shell handler
        runs see the mark of the living hook above them and leave everything alone.
        """
        hook = self._armed()
        if hook is None or _is_alive(hook):
            return
        conn = self._conn
        own = not conn.in_transaction  # else the charm has written rows of its own already
        if own:
            conn.execute("BEGIN IMMEDIATE")
        try:
            if self._armed() == hook:  # nobody was quicker
                if self._watched_by() == hook:
                    self.recovered = self._undo({} if own else self._uncommitted())
                    undone = [other for other in self._undone() + [hook] if _left_behind(other)]
                    if undone:
                        self._write(_UNDONE, json.dumps(undone))
                else:  # 1.5.x has run hooks since; what they found and made of it is the truth now
                    self._delete(_ARMED)
                    self._delete(_UNDO)
            if own:
                conn.commit()
        except BaseException:
            if own:
                conn.rollback()
            raise

    def _is_inside(self) -> bool:
        """Whether a shell handler of another hook, which goes on, has started this one."""
        armed = self._armed()
        return armed is not None and armed != this_process() and _is_alive(armed)

    def _armed(self) -> Optional[str]:
        """The process for whose hook the undo row is armed."""
        rows = self._query("SELECT data FROM kv WHERE key = ?", (_ARMED,))
        if not rows:
            return None
        process = self._decode_undo(_ARMED, rows[0][0], str)
        assert isinstance(process, str)
        if not process.partition(" ")[0].isdigit():
            raise self._damaged(_ARMED, "it names no process")
        return process

    def _undone(self) -> List[str]:
        """The hooks that were undone while processes of theirs went on."""
        rows = self._query("SELECT data FROM kv WHERE key = ?", (_UNDONE,))
        hooks: List[str] = self._decode_undo(_UNDONE, rows[0][0], list) if rows else []
        return hooks

    def _watched_by(self) -> object:
        """The process whose dispatch wrote the watch row; a dispatch of 1.5.x replaces that row."""
        rows = self._query("SELECT data FROM kv WHERE key = ?", (WATCH,))
        try:
            return json.loads(rows[0][0])["hook"]
        except (IndexError, KeyError, TypeError, ValueError):
            return None

    def _undo_row(self) -> Optional[str]:
        """What to write to the undo row; ``None`` if it stands there already."""
        armed = self._committed("key = ?", (_ARMED,))
        if armed:
            hook = self._decode_undo(_ARMED, armed[_ARMED], str)
            # The row of this hook, or of a dead one that is undone in this transaction, is what to
            # go back to. Any other is of a living hook that has this one inside a shell handler.
            if hook == this_process() or not _is_alive(hook):
                if self._query("SELECT 1 FROM kv WHERE key = ?", (_UNDO,)):
                    return None
                return self._committed("key = ?", (_UNDO,)).get(_UNDO)
        rows = self._committed("key >= ? AND key < ?", _OURS)
        return json.dumps({key: data for key, data in rows.items() if not _is_scratch(key)})

    def _committed(self, condition: str, parameters: Tuple[object, ...]) -> Dict[str, str]:
        """Rows as they were committed last; none if the state is in memory, where no child sees it."""
        path = self._database()
        if not path:
            return {}
        reader = sqlite3.connect(path)
        try:
            return dict(
                reader.execute("SELECT key, CAST(data AS TEXT) FROM kv WHERE " + condition, parameters)
            )
        finally:
            reader.close()

    def _uncommitted(self) -> Dict[str, Optional[str]]:
        """What the open transaction has made of our rows; ``None`` for one that it deleted."""
        committed = self._committed("key >= ? AND key < ?", _OURS)
        rows = dict(self._query("SELECT key, data FROM kv WHERE key >= ? AND key < ?", _OURS))
        changed: Dict[str, Optional[str]] = {key: None for key in committed if key not in rows}
        changed.update((key, data) for key, data in rows.items() if committed.get(key, changed) != data)
        return changed

    def _undo(self, keep: Dict[str, Optional[str]]) -> List[Change]:
        """Go back to the undo row, in the open transaction, except for the rows in ``keep``."""
        rows = dict(self._query("SELECT key, data FROM kv WHERE key >= ? AND key < ?", _OURS))
        if _UNDO not in rows:
            raise self._damaged(_UNDO, "it is missing")
        target: Dict[str, str] = self._decode_undo(_UNDO, rows[_UNDO], dict)
        for key, data in keep.items():
            target.pop(key, None)
            if data is not None:
                target[key] = data
        if _UNDONE in rows:
            target[_UNDONE] = rows[_UNDONE]
        changes = []
        for key in rows:
            if key not in target:
                self._execute("DELETE FROM kv WHERE key = ?", (key,))
                if key.startswith(FLAGS):
                    changes.append((key[len(FLAGS) :], False))
        for key, data in target.items():
            if key not in rows or rows[key] != data:
                self._execute("INSERT OR REPLACE INTO kv (key, data) VALUES (?, ?)", (key, data))
                if key.startswith(FLAGS) and key not in rows:
                    changes.append((key[len(FLAGS) :], True))
        self.forget()
        return changes

    def _has_scratch(self) -> bool:
        with _Explained(self, "read"):
            rows = self._query(
                "SELECT 1 FROM kv WHERE key = ? OR %s LIMIT 1" % _IS_SCRATCH, (_UNDONE, *_SCRATCH)
            )
        return bool(rows)

    def _drop_scratch(self) -> None:
        """Delete all scratch rows, in the open transaction; the undo row only if it is this hook's."""
        if self._outer is None:
            self._execute("DELETE FROM kv WHERE " + _IS_SCRATCH, _SCRATCH)
        else:
            kept = "DELETE FROM kv WHERE key NOT IN (?, ?) AND (%s)" % _IS_SCRATCH
            self._execute(kept, (_UNDO, _ARMED, *_SCRATCH))
        with _Explained(self, "read"):
            if not any(map(_left_behind, self._undone())):
                self._delete(_UNDONE)

    def _hand_back(self) -> None:
        """Leave to the hook around this one what it had told its child processes."""
        for key, data in (self._outer or {}).items():
            self._write(key, data)

    def drop_triggers(self) -> None:
        """Delete the scratch rows of all triggers."""
        self.begin()
        self._execute("DELETE FROM kv WHERE " + _IS_TRIGGER, _TRIGGERS)

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
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        if isinstance(error, sqlite3.OperationalError) and ("locked" in reason or "busy" in reason):
            advice = "another process holds it; see which one with: fuser %s" % (path or "FILE")
            return UnitStateLockedError(path, doing, reason, advice)
        if "not a database" in reason or "malformed" in reason or "file is encrypted" in reason:
            advice = "it is not an SQLite database or is damaged; restore it from a backup or move it away"
        elif "full" in reason or getattr(error, "errno", None) == ENOSPC:
            advice = "free some space on that file system; nothing of this hook is kept"
        elif "readonly" in reason or getattr(error, "errno", None) in (EACCES, EPERM, EROFS):
            advice = "check owner and mode of it and its directory, and whether the file system is read-only"
        elif "I/O error" in reason:
            advice = "check the disk and the quota; the kernel's log may say more"
        elif "no such table" in reason:
            advice = "it is no unit state; something has replaced it, or UNIT_STATE_DB names another file"
        elif "closed database" in reason:
            advice = "leave unitdata.kv() open; what this hook has changed is undone when the next one starts"
        elif isinstance(error, OSError) or "unable to open" in reason:
            advice = "check CHARM_DIR and UNIT_STATE_DB"
        else:
            advice = ""
        return UnitStateError(path, doing, reason, advice)

    def _decode_undo(self, key: str, data: Any, kind: type) -> Any:
        try:
            value = json.loads(data)
        except (TypeError, ValueError) as error:
            raise self._damaged(key, error) from None
        if not isinstance(value, kind):
            raise self._damaged(key, "it holds no %s" % kind.__name__)
        return value

    def _damaged(self, key: str, reason: object) -> UnitStateError:
        """What was to bring the rows back cannot be read, and going on would make that final."""
        advice = (
            "a hook was interrupted and cannot be undone: restore the file from a backup, or accept "
            "the flags as they are with: sqlite3 %s \"DELETE FROM kv WHERE key LIKE '%s%%'\""
        ) % (self._path() or "FILE", _UNDO)
        return UnitStateError(self._path(), "read", "row %s is damaged (%s)" % (key, reason), advice)

    def _check_file(self, doing: str) -> None:
        """Refuse to write to a file that no longer has its path: nobody would find it again."""
        with _Explained(self, "read"):
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


def _nothing() -> None:
    """In place of a weak reference as long as there is nothing to refer to."""


def _identity(path: str) -> Optional[Tuple[int, int]]:
    """What tells a file from another one of the same path; ``None`` if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


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
            raise self._state.explain(self._doing, error) from None


#: The state of this process's unit. Everything that needs it reads this name when it runs.
unit = UnitState()
