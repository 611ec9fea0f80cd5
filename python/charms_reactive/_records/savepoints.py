"""Changes of a hook that are kept as a whole or not at all: savepoints in the hook's own transaction."""

from __future__ import annotations

import sqlite3

from charms_reactive import handlers
from charms_reactive._errors import UnitStateError
from charms_reactive._events import event_registry
from charms_reactive._unit_state import unit_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

__all__ = ["atomic"]


class atomic:  # noqa: N801 -- it reads as the statement that it is part of
    """Keep what is written inside as a whole, or, if an exception comes out, nothing of it.

    It is a savepoint in the hook's transaction, for all rows of the unit state: records, flags and what the
    charm keeps in ``unitdata.kv()``. The exception goes on. Blocks may stand in one another. What events
    have made of it outside of the unit state stays; callbacks of :func:`on_commit` from inside are dropped.

    Raises:
        UnitStateError: the unit state cannot be written; or something inside has committed, after which
            there is no going back.
    """

    def __init__(self) -> None:
        self._open: List[Any] = []

    def __enter__(self) -> atomic:
        unit = unit_state.unit
        unit.begin()
        if unit.stand_in is not None:
            self._open.append(None)  # a test's storage has nothing to go back to
            return self
        name = "reactive_%d" % len(event_registry.in_use.savepoints)
        _execute("SAVEPOINT %s" % name)
        event_registry.in_use.savepoints.append(name)
        self._open.append((name, len(event_registry.in_use.after_commit)))
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        opened = self._open.pop()
        if opened is None:
            return
        name, callbacks = opened
        registry = event_registry.in_use
        if registry.savepoints and registry.savepoints[-1] == name:
            registry.savepoints.pop()
        if unit_state.unit.forked:
            return
        if kind is None:
            _execute("RELEASE %s" % name)
            return
        del registry.after_commit[callbacks:]
        try:
            _execute("ROLLBACK TO %s" % name)
            _execute("RELEASE %s" % name)
        except UnitStateError:
            if unit_state.unit._conn.in_transaction:
                raise
            # The hook was rolled back already, and this block with it.
        unit_state.unit.forget()
        if handlers.hearing:
            from charms_reactive._dispatch import edges  # few charms have such handlers

            # What was heard before is so again; what the handler hears in which this happens is not kept yet.
            unit_state.unit.fresh()
            edges.recall(anew=False)


def _execute(sql: str) -> None:
    """Run a statement on savepoints, after which flags are as fresh as before it."""
    unit = unit_state.unit
    unit.fresh()
    foreign = unit._savepoints
    try:
        unit._conn.execute(sql)
    except sqlite3.Error as error:
        unit.forget()
        if "no such savepoint" in str(error):
            reason = "something inside of atomic() has committed, so that nothing can be undone"
            raise UnitStateError(unit._path(), "go back in", reason, "commit nothing there") from None
        raise unit.explain("write", error) from None
    unit._savepoints = foreign
    unit._epoch += 1
    unit._stamp_or_forget()
