"""The unit state as hooks use it: commit, rollback and undo.

A hook is one transaction as long as nobody commits.
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

from charmhelpers.core import unitdata

from charms_reactive._errors import UnitStateError

from .fresh_rows import (
    IS_SCRATCH,
    IS_TRIGGER,
    OMITTED,
    SCRATCH,
    TRIGGERS,
    Explained,
    FreshRows,
    is_scratch,
    nothing,
)
from .processes import is_alive as _is_alive
from .processes import left_behind as _left_behind
from .processes import this_process
from .rows import ARMED as ARMED
from .rows import CHANGES as CHANGES
from .rows import CLEAR_TRIGGERS as CLEAR_TRIGGERS
from .rows import FILES_SEEN as FILES_SEEN
from .rows import FLAGS as FLAGS
from .rows import HOOK_VARIABLE as HOOK_VARIABLE
from .rows import PHASE as PHASE
from .rows import REMOVED as REMOVED
from .rows import SET_TRIGGERS as SET_TRIGGERS
from .rows import UNDO as UNDO
from .rows import UNDONE as UNDONE
from .rows import WATCH as WATCH
from .rows import lock_timeout, range_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from .fresh_rows import Change as Change

__all__ = ["OMITTED", "UnitState", "this_process", "unit"]

# Everything of ours.
_OURS = range_below("reactive.")


class UnitState(FreshRows):
    """The flags of the unit, in the engine and in its rows, and the transaction around them."""

    def __init__(self) -> None:
        super().__init__()
        # A command run by a shell handler leaves its changes for the dispatch that waits for it.
        self.record_changes = False
        # A child is back and the undo row disarmed, in a transaction that may yet be rolled back.
        self._took_back = False
        # The charm keeps the file locked between its transactions, which it must not while it is lent.
        self._lent_exclusive = False
        # The hook whose shell handler has started this process.
        self._hook: Optional[str] = None
        # What that hook had told its child processes, if this is a hook as well. It keeps its undo row: what
        # a hook inside of it commits is its own to undo.
        self._outer: Optional[Dict[str, str]] = None
        #: What adopting the state had to undo of a hook that was killed.
        self.recovered: List[Change] = []

    def _adopted(self) -> None:
        self._took_back = self._lent_exclusive = False
        self._hook = os.environ.get(HOOK_VARIABLE)
        if self._hook is not None and not self._hook.partition(" ")[0].isdigit():
            reason = "the environment has %s=%r, which names no process" % (HOOK_VARIABLE, self._hook)
            raise UnitStateError(self._path(), "open", reason, "only the framework sets it: unset it")
        self.recover()

    def _begun(self) -> None:
        if self._took_back:
            self._delete(ARMED)  # its deletion may have been rolled back

    def _may_write(self) -> None:
        if self._hook is not None:
            self._refuse_if_undone(self._hook)

    def _refuse_if_undone(self, hook: str) -> None:
        """Let nothing be written for a hook that was killed and is undone, or is going to be."""
        with Explained(self, "read"):
            if _is_alive(hook) or not (self._armed() == hook or hook in self._undone()):
                return
            self._conn.rollback()
        self.forget()
        raise UnitStateError(
            self._path(),
            "write",
            "the hook that started this process was interrupted, and what it had changed is undone",
        )

    def start(self) -> None:
        """Begin a hook: repair what a killed one left behind, and drop its scratch rows."""
        self.fresh()
        if self.stand_in is not None:
            return
        self._took_back = False
        self._outer = None
        if self._has_scratch():
            self.begin()
            with Explained(self, "read"):
                if self._is_inside():
                    rows = self._query("SELECT key, data FROM kv WHERE " + IS_SCRATCH, SCRATCH)
                    self._outer = {key: data for key, data in rows if key not in (UNDO, ARMED)}
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
        if self.stand_in is not None:
            self.stand_in.flush()
            return
        self._check_file("commit")
        if self._has_scratch():
            self.begin()
            self._drop_scratch()
            self._hand_back()
        with Explained(self, "commit"):
            self._kv.flush()
        self._took_back = False
        self.recovered = []
        self._stamp_or_forget()

    def flush(self) -> None:
        """Commit what was written so far, without ending the hook."""
        if self.stand_in is not None:
            self.stand_in.flush()
            return
        self._check_file("commit")
        with Explained(self, "commit"):
            self._kv.flush()
        self.forget()

    def rollback(self) -> List[Change]:
        """End a hook that failed: every row of ours becomes what it was before.

        Returns:
            The flags that this changed back.
        """
        if self.stand_in is not None or (unitdata._KV is None and self._storage is nothing):
            return []  # there is no going back for a stand-in, and the other could not even be opened
        before = set(self.engine.flags())
        self._took_back = False
        self.recovered = []
        with Explained(self, "roll back"):
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
        if self.stand_in is not None:
            for key, value in scratch.items():
                self.stand_in.set(key, value)
            self.stand_in.flush()
            return
        self._check_file("commit")
        with Explained(self, "commit"):
            if self._outer is None:
                undo = self._undo_row()
                if undo is not None:
                    self._write(UNDO, undo)
                self._write(ARMED, json.dumps(this_process()))
            for key, value in scratch.items():
                self._write(key, json.dumps(value))
            self._conn.commit()
            self._lent_exclusive = self._keeps_its_lock()
            if self._lent_exclusive:
                self._query("PRAGMA main.locking_mode = NORMAL")
                self._query("SELECT 1 FROM sqlite_master LIMIT 1")  # only this gives the lock back
            # What the child leaves running in the background may write at any time from here on.
            self._query("PRAGMA busy_timeout = %d" % (lock_timeout() * 1000))
        self._took_back = False
        self._stamp_or_forget()

    def after_child(self) -> List[Change]:
        """Take over what a child process did: its changes, in order as far as they are known."""
        if self.stand_in is not None:
            return []
        before = set(self.engine.flags())
        self.forget()
        if self._lent_exclusive:
            self._lent_exclusive = False
            with Explained(self, "read"):
                self._query("PRAGMA main.locking_mode = EXCLUSIVE")  # as the charm wants it
        self._took_back = self._outer is None
        self.begin()
        recorded = [(item[1:], item[:1] == "+") for item in self.get(CHANGES, [])]
        touched = self.get(WATCH, {}).get("pending", [])
        for key in (CHANGES, WATCH, REMOVED):
            self._delete(key)
        if self._outer is None:
            self._delete(ARMED)
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
        if self.get(ARMED) is None:
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
                        self._write(UNDONE, json.dumps(undone))
                else:  # 1.5.x has run hooks since; what they found and made of it is the truth now
                    self._delete(ARMED)
                    self._delete(UNDO)
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
        rows = self._query("SELECT data FROM kv WHERE key = ?", (ARMED,))
        if not rows:
            return None
        process = self._decode_undo(ARMED, rows[0][0], str)
        assert isinstance(process, str)
        if not process.partition(" ")[0].isdigit():
            raise self._damaged(ARMED, "it names no process")
        return process

    def _undone(self) -> List[str]:
        """The hooks that were undone while processes of theirs went on."""
        rows = self._query("SELECT data FROM kv WHERE key = ?", (UNDONE,))
        hooks: List[str] = self._decode_undo(UNDONE, rows[0][0], list) if rows else []
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
        armed = self._committed("key = ?", (ARMED,))
        if armed:
            hook = self._decode_undo(ARMED, armed[ARMED], str)
            # The row of this hook, or of a dead one that is undone in this transaction, is what to
            # go back to. Any other is of a living hook that has this one inside a shell handler.
            if hook == this_process() or not _is_alive(hook):
                if self._query("SELECT 1 FROM kv WHERE key = ?", (UNDO,)):
                    return None
                return self._committed("key = ?", (UNDO,)).get(UNDO)
        rows = self._committed("key >= ? AND key < ?", _OURS)
        return json.dumps({key: data for key, data in rows.items() if not is_scratch(key)})

    def _committed(self, condition: str, parameters: Tuple[object, ...]) -> Dict[str, str]:
        """Rows as they were committed last; none if the state is in memory, where no child sees it."""
        path = self._database()
        if not path:
            return {}
        if self._keeps_its_lock():
            # No other connection may read the file, and none may write it: what is there was committed, as
            # the cache does not spill, and can be read without any lock.
            address = "".join("%%%02x" % ord(one) if one in "%?#" else one for one in path)
            reader = sqlite3.connect("file:%s?immutable=1" % address, uri=True)
        else:
            reader = sqlite3.connect(path)
        try:
            return dict(
                reader.execute("SELECT key, CAST(data AS TEXT) FROM kv WHERE " + condition, parameters)
            )
        finally:
            reader.close()

    def _keeps_its_lock(self) -> bool:
        """Whether the charm's connection keeps the file locked between transactions.

        The storage of the operator framework has it so for good; ``ops_reactive_interface`` gives it the
        connection that reactive charms share.
        """
        mode: str = self._query("PRAGMA main.locking_mode")[0][0]
        return mode == "exclusive"

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
        if UNDO not in rows:
            raise self._damaged(UNDO, "it is missing")
        target: Dict[str, str] = self._decode_undo(UNDO, rows[UNDO], dict)
        for key, data in keep.items():
            target.pop(key, None)
            if data is not None:
                target[key] = data
        if UNDONE in rows:
            target[UNDONE] = rows[UNDONE]
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
        with Explained(self, "read"):
            rows = self._query(
                "SELECT 1 FROM kv WHERE key = ? OR %s LIMIT 1" % IS_SCRATCH, (UNDONE, *SCRATCH)
            )
        return bool(rows)

    def _drop_scratch(self) -> None:
        """Delete all scratch rows, in the open transaction; the undo row only if it is this hook's."""
        if self._outer is None:
            self._execute("DELETE FROM kv WHERE " + IS_SCRATCH, SCRATCH)
        else:
            kept = "DELETE FROM kv WHERE key NOT IN (?, ?) AND (%s)" % IS_SCRATCH
            self._execute(kept, (UNDO, ARMED, *SCRATCH))
        with Explained(self, "read"):
            if not any(map(_left_behind, self._undone())):
                self._delete(UNDONE)

    def _hand_back(self) -> None:
        """Leave to the hook around this one what it had told its child processes."""
        for key, data in (self._outer or {}).items():
            self._write(key, data)

    def drop_triggers(self) -> None:
        """Delete the scratch rows of all triggers."""
        self.begin()
        if self.stand_in is not None:
            self.stand_in.drop_triggers()
            return
        self._execute("DELETE FROM kv WHERE " + IS_TRIGGER, TRIGGERS)

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
        ) % (self._path() or "FILE", UNDO)
        return UnitStateError(self._path(), "read", "row %s is damaged (%s)" % (key, reason), advice)


#: The state of this process's unit. Everything that needs it reads this name when it runs.
unit = UnitState()
