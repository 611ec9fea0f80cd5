"""The unit state as hooks use it: commit, rollback and undo.

A hook is one transaction as long as nobody commits.
A shell handler needs the rows committed while it runs, so before one is started the rows of ours
as they were committed last are put beside them (the *undo* row) in the same commit. Once the child
is back, the mark that arms it is deleted in the transaction that is open from there on. Whoever
commits next decides: the charm's own ``flush()`` commits that deletion as well, which makes what it
flushed the state to go back to; our next commit before a child arms it again; a failure or a kill
leaves it armed, and it is applied, at the latest when the next process adopts the state.

Who may write what, while a hook has lent its state and after it, follows from three things: the hook that
a process belongs to, by its environment; the hook for which the undo row is armed; and the hook file of
``hook_file``, which proves whether a hook goes on. What a hook has started writes for it, and no more once
it is lost, until another one has succeeded. What others write is theirs: it is noted beside the undo row,
and stays. Without a proof nothing is undone.
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
from .hook_file import HookFile, has_ended, lives, write_down
from .processes import stands_above
from .rows import ARMED as ARMED
from .rows import CHANGES as CHANGES
from .rows import CLEAR_TRIGGERS as CLEAR_TRIGGERS
from .rows import FILES_SEEN as FILES_SEEN
from .rows import FLAGS as FLAGS
from .rows import HEARD as HEARD
from .rows import HOOK_VARIABLE as HOOK_VARIABLE
from .rows import KEPT as KEPT
from .rows import LENT_VARIABLE as LENT_VARIABLE
from .rows import PHASE as PHASE
from .rows import REMOVED as REMOVED
from .rows import SET_TRIGGERS as SET_TRIGGERS
from .rows import UNDO as UNDO
from .rows import WATCH as WATCH
from .rows import lock_timeout, range_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from .fresh_rows import Change as Change

__all__ = ["OMITTED", "UnitState", "unit"]

# Everything of ours.
_OURS = range_below("reactive.")


class UnitState(FreshRows):
    """The flags of the unit, in the engine and in its rows, and the transaction around them."""

    def __init__(self) -> None:
        super().__init__()
        # A command run by a shell handler leaves its changes for the dispatch that waits for it.
        self.record_changes = False
        #: A child process of the hook may write.
        self.lent = False
        # It was this hook that has armed the undo row for that.
        self._arms = False
        # The child is back and the undo row disarmed, in a transaction that may yet be rolled back.
        self._took_back = False
        # The charm keeps the file locked between its transactions, which it must not while it is lent.
        self._lent_exclusive = False
        # The hook that this process runs, from its start to its end.
        self._running: Optional[HookFile] = None
        # The hook that has started this process, or a process that has; whether it had lent its state then.
        self._hook: Optional[str] = None
        self._was_lent = False
        # The hook that has lent its state, and is not the one that this process runs.
        self._lender: Optional[str] = None
        # What that hook had told its child processes, if this is a hook as well. It keeps its undo row: what
        # a hook inside of it commits is its own to undo.
        self._outer: Optional[Dict[str, str]] = None
        #: What adopting the state had to undo of a hook that was killed.
        self.recovered: List[Change] = []

    # -- for whom this process writes ----------------------------------------------------------------
    def _adopted(self) -> None:
        self._took_back = self._lent_exclusive = self.forked = False
        if self._running is None:  # else the environment is already that of what this hook starts
            self._hook = os.environ.get(HOOK_VARIABLE)
            self._was_lent = LENT_VARIABLE in os.environ
        if self._hook is not None and not self._hook.partition(" ")[0].isdigit():
            reason = "the environment has %s=%r, which names no process" % (HOOK_VARIABLE, self._hook)
            raise UnitStateError(self._path(), "open", reason, "only the framework sets it: unset it")
        self.recover()

    def _begun(self) -> None:
        if self._took_back:
            self._delete(ARMED)  # its deletion may have been rolled back

    def _may_write(self) -> None:
        self._check_hooks()

    def _begin_immediate(self) -> None:
        """Begin a transaction that may write, as soon as no other process does."""
        hook = self._hook
        if hook is None or self._was_lent or not stands_above(hook):
            self._conn.execute("BEGIN IMMEDIATE")
            return
        # The hook may hold the file until this process ends, for which it waits.
        timeout = self._query("PRAGMA busy_timeout")[0][0]
        self._query("PRAGMA busy_timeout = 0")
        try:
            self._conn.execute("BEGIN IMMEDIATE")
        finally:
            self._query("PRAGMA busy_timeout = %d" % timeout)

    def _check_hooks(self) -> None:
        """Find out for whom this process writes. The open transaction is for one that may.

        Raises:
            UnitStateError: it belongs to a hook that is lost.
        """
        with Explained(self, "read"):
            armed = self._armed()
            hook = self._hook
            if armed not in (None, hook) and self._may_undo(str(armed)):
                self.recover()  # it was killed since the state was adopted
                self._reload()
                armed = self._armed()
            self._lender = armed if armed != self._own else None
            if hook is None:
                self._checked = True
                return
            if armed == hook:
                lost = has_ended(hook, self._database())
            else:
                lost = lives(hook, self._database()) is False
            if not lost:
                self._checked = True
                return
            self._conn.rollback()
        self.forget()
        raise UnitStateError(
            self._path(),
            "write",
            "the hook that started this process has failed or was killed, and what it had changed is undone; "
            "what it has left running may write again once a hook has succeeded",
        )

    @property
    def _own(self) -> Optional[str]:
        """The name of the hook that this process runs."""
        return None if self._running is None else self._running.hook

    @property
    def hook(self) -> Optional[str]:
        """The name of the hook to which what this process starts belongs."""
        return self._hook if self._outer is not None and self._hook is not None else self._own

    def refuse_fork(self) -> None:
        """A handler has forked, and both processes have come out of it as if they were the hook."""
        raise self._of_a_fork("go on with")

    def in_fork(self) -> None:
        """Leave connection and lock to the process that this one is a fork of."""
        self.forked = self._storage() is not None
        if self._running is not None:
            self._running.let_go()

    def _note_kept(self, key: str, data: Optional[str]) -> None:
        """Note what a row is to be even if the hook that has lent its state is undone."""
        rows = self._query("SELECT data FROM kv WHERE key = ?", (KEPT,))
        kept: Dict[str, Optional[str]] = self._decode_undo(KEPT, rows[0][0], dict) if rows else {}
        kept[key] = data
        self._execute("INSERT OR REPLACE INTO kv (key, data) VALUES (?, ?)", (KEPT, json.dumps(kept)))

    def _wrote(self, key: str, data: Optional[str]) -> None:
        if self._is_outside and not is_scratch(key):
            self._note_kept(key, data)

    @property
    def _is_outside(self) -> bool:
        """Whether what this process writes must stay if the hook that has lent its state is undone."""
        return self._lender is not None and self._lender != self._hook

    def is_lent_by_another(self) -> bool:
        """Whether a hook to which this process does not belong has lent its state, and may be undone."""
        if self._running is not None and self._outer is None:
            return False  # not while this process runs a hook
        if self.stand_in is not None:
            return False
        with Explained(self, "read"):
            armed = self._armed()
        return armed is not None and armed not in (self._own, self._hook)

    def keep_flag(self, flag: str) -> None:
        """Let a flag stay as it is, after :meth:`begin`, though a hook that has lent its state be undone."""
        if self._is_outside:
            with Explained(self, "read"):
                rows = self._query("SELECT data FROM kv WHERE key = ?", (FLAGS + flag,))
            self._note_kept(FLAGS + flag, rows[0][0] if rows else None)

    # -- a hook, from its start to its end ------------------------------------------------------------
    def start(self) -> None:
        """Begin a hook: repair what a killed one left behind, and drop its scratch rows."""
        self.fresh()
        self._end(False)  # a hook before it, in this process, that could not be rolled back
        if self.stand_in is not None:
            self.enter()
            return
        self._took_back = False
        self._outer = None
        self.enter()
        with Explained(self, "read"):
            self.recover()  # once more: whoever had the lock for a moment has it no longer
        if self._has_scratch():
            self.begin()
            with Explained(self, "read"):
                if self._lent_by_another():
                    rows = self._query("SELECT key, data FROM kv WHERE " + IS_SCRATCH, SCRATCH)
                    self._outer = {key: data for key, data in rows if key not in (UNDO, ARMED, KEPT)}
                if self._outer is None and self._query("SELECT 1 FROM kv WHERE key = ?", (REMOVED,)):
                    # Only 1.5.x leaves this, having run handlers; which changes of files it has used
                    # up, its shared row of each file tells, and not what ours had seen before.
                    self._execute("DELETE FROM kv WHERE key >= ? AND key < ?", range_below(FILES_SEEN))
                    # Nor does it know what was heard of flags: better twice than never.
                    self._execute("DELETE FROM kv WHERE key >= ? AND key < ?", range_below(HEARD))
            self._drop_scratch()

    def commit(self) -> None:
        """End a hook that succeeded: nothing is left to undo, and everything is on disk."""
        self.fresh()
        if self.forked:
            raise self._of_a_fork("commit")
        if self.stand_in is not None:
            self.stand_in.flush()
            self._end(True)
            return
        self._check_file("commit")
        if self._has_scratch():
            self.begin()
            self._drop_scratch()
            self._hand_back()
        with Explained(self, "commit"):
            self._kv.flush()
        self._end(True)
        self._took_back = False
        self.recovered = []
        self._stamp_or_forget()

    def enter(self) -> None:
        """Name the hook that this process runs, and say in the hook file that it goes on."""
        if self._running is None:
            self.fresh()
            if self.stand_in is not None:
                self._running = HookFile("")
                return
            with Explained(self, "read"):
                state = self._database()
            if self._hook is not None and lives(self._hook, state):
                state = ""  # that one has the lock, and this one is a part of it
            self._running = HookFile(state)

    def _end(self, succeeded: bool) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.end(succeeded)

    def flush(self) -> None:
        """Commit what was written so far, without ending the hook."""
        if self.forked:
            raise self._of_a_fork("commit")
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
        if self.forked:
            raise self._of_a_fork("roll back")
        own = self._own
        self.lent = self._arms = False
        self._end(False)  # first: whoever has waited for the file must find that this hook is lost
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
            if self._armed() == own is not None:
                conn.execute("BEGIN IMMEDIATE")
                if self._armed() == own:  # nobody was quicker
                    self._undo({})
                    self._drop_scratch()
                conn.commit()
            self.recover()
            if self._has_scratch() and (self._outer is not None or not self._lent_by_another()):
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
        self.enter()
        self.begin()
        if self.stand_in is not None:
            for key, value in scratch.items():
                self.stand_in.set(key, value)
            self.stand_in.flush()
            return
        self._check_file("commit")
        with Explained(self, "commit"):
            self._arms = self._lender is None
            if self._arms:
                for key, data in self._undo_rows().items():
                    if data is not None:
                        self._write(key, data)
                    else:
                        self._delete(key)
                self._write(ARMED, json.dumps(self._own))
            watch: Any = scratch.get(WATCH) or {"iteration": 0, "changes": [], "pending": []}
            for key, value in {**scratch, WATCH: {**watch, "hook": self.hook}}.items():
                self._write(key, json.dumps(value))
            self._conn.commit()
            self._lent_exclusive = self._keeps_its_lock()
            if self._lent_exclusive:
                self._query("PRAGMA main.locking_mode = NORMAL")
                self._query("SELECT 1 FROM sqlite_master LIMIT 1")  # only this gives the lock back
            # What the child leaves running in the background may write at any time from here on.
            self._query("PRAGMA busy_timeout = %d" % (lock_timeout(self._hook is not None) * 1000))
        self._took_back = False
        self.lent = True
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
        self.lent = False
        told, self.on_reload = self.on_reload, None  # whoever takes the changes over tells of them
        try:
            self.begin()
        finally:
            self.on_reload = told
        if self._arms:
            if self._armed() != self._own:
                raise UnitStateError(
                    self._path(),
                    "go on with",
                    "another process has undone what this hook had changed, while a handler in another "
                    "language ran; this hook cannot be kept",
                )
            self._took_back = True
        recorded = [(item[1:], item[:1] == "+") for item in self.get(CHANGES, [])]
        touched = self.get(WATCH, {}).get("pending", [])
        for key in (CHANGES, WATCH, REMOVED):
            self._delete(key)
        if self._arms:
            self._delete(ARMED)
        after = set(self.engine.flags())
        named = {flag for flag, _ in recorded}
        changes = recorded + [(flag, False) for flag in sorted(before - after) if flag not in named]
        changes += [(flag, True) for flag in sorted(after - before) if flag not in named]
        # One that came back to what it was is news for who hears of it, and no change of the flags.
        back = {flag for flag, _ in recorded if (flag in before) == (flag in after)}
        if back:
            self.engine.load(sorted(after ^ back))
            self.engine.load(sorted(after))
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

        Called when a state is adopted, before anything reads it. Whoever comes upon the mark of a hook that
        goes on, or that may go on for all that can be proved, leaves everything alone.
        """
        hook = self._armed()
        if hook is None or not self._may_undo(hook):
            return
        conn = self._conn
        own = not conn.in_transaction  # else the charm has written rows of its own already
        if own:
            conn.execute("BEGIN IMMEDIATE")
        try:
            # Nobody was quicker, and what was found is no longer true of a moment that is over: a hook
            # that ends takes its mark away before it gives up the lock.
            if self._armed() == hook and self._may_undo(hook):
                if self._watched_by() == hook:
                    write_down(hook, self._database())
                    self.recovered = self._undo({} if own else self._uncommitted())
                else:  # 1.5.x has run hooks since; what they found and made of it is the truth now
                    self._delete(ARMED)
                    self._delete(UNDO)
                    self._delete(KEPT)
            if own:
                conn.commit()
        except BaseException:
            if own:
                conn.rollback()
            raise

    def _may_undo(self, hook: str) -> bool:
        """Whether it is proved that a hook, which is not the one that this process runs, has ended."""
        return hook != self._own and has_ended(hook, self._database())

    def _lent_by_another(self) -> bool:
        """Whether a hook that goes on, and is not the one that this process runs, has lent its state."""
        armed = self._armed()
        return armed is not None and armed != self._own and not has_ended(armed, self._database())

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

    def _watched_by(self) -> object:
        """The process whose dispatch wrote the watch row; a dispatch of 1.5.x replaces that row."""
        rows = self._query("SELECT data FROM kv WHERE key = ?", (WATCH,))
        try:
            return json.loads(rows[0][0])["hook"]
        except (IndexError, KeyError, TypeError, ValueError):
            return None

    def _undo_rows(self) -> Dict[str, Optional[str]]:
        """What to write, so that the undo row is what to go back to; ``None`` for a row that must go."""
        armed = self._committed("key = ?", (ARMED,))
        if armed:
            # The row of this hook, or of one that is undone in this transaction, is what to go back to.
            if self._query("SELECT 1 FROM kv WHERE key = ?", (UNDO,)):
                return {}
            kept = self._committed("key IN (?, ?)", (UNDO, KEPT))
            return {UNDO: kept.get(UNDO), KEPT: kept.get(KEPT)}
        rows = self._committed("key >= ? AND key < ?", _OURS)
        return {
            UNDO: json.dumps({key: data for key, data in rows.items() if not is_scratch(key)}),
            KEPT: None,
        }

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
        kept = self._decode_undo(KEPT, rows[KEPT], dict) if KEPT in rows else {}
        for key, data in [*kept.items(), *keep.items()]:
            target.pop(key, None)
            if data is not None:
                target[key] = data
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
            rows = self._query("SELECT 1 FROM kv WHERE %s LIMIT 1" % IS_SCRATCH, SCRATCH)
        return bool(rows)

    def _drop_scratch(self) -> None:
        """Delete all scratch rows, in the open transaction; the undo row only if it is this hook's."""
        if self._outer is None:
            self._execute("DELETE FROM kv WHERE " + IS_SCRATCH, SCRATCH)
        else:
            kept = "DELETE FROM kv WHERE key NOT IN (?, ?, ?) AND (%s)" % IS_SCRATCH
            self._execute(kept, (UNDO, ARMED, KEPT, *SCRATCH))

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
os.register_at_fork(after_in_child=lambda: unit.in_fork())
