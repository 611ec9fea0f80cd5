"""Rows as the text that they are, each changed by one statement: what many small rows need to be quick.

The methods of the unit state decode what they read and replace what they write. Here is whatever says in one
statement what would take them two: that a row was not there before, or that it was still the same.
Where a row cannot be changed so (within charmhelpers' ``HookData``, beside a hook that has lent its state, in
a stand-in that a test has put there), the longer way is taken.
"""

from __future__ import annotations

import json
import sqlite3

from charms_reactive._errors import UnitStateError

from .fresh_rows import Explained
from .rows import range_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Tuple

    from .unit_state import UnitState

__all__ = [
    "count_below",
    "execute",
    "insert",
    "may_write",
    "read",
    "read_below",
    "remove",
    "replace",
    "select",
]


def begin(unit: UnitState) -> Any:
    """Begin a transaction; returns the connection if a statement alone changes a row, else ``None``."""
    unit.begin()
    if unit.stand_in is not None or unit._lender is not None:
        return None
    kv = unit._storage()
    return None if kv.revision else kv.conn


def execute(unit: UnitState, conn: Any, sql: str, parameters: Tuple[object, ...] = ()) -> int:
    """Change rows that are no flags by a statement, after :func:`begin`; returns how many it has changed.

    Raises:
        UnitStateError: SQLite refuses it.
    """
    agreed: bool = conn.total_changes == unit._changes
    try:
        changed: int = conn.execute(sql, parameters).rowcount
    except sqlite3.Error as error:
        unit.forget()
        raise unit.explain("write", error) from None
    if agreed:
        unit._changes = conn.total_changes
    return changed


def insert(unit: UnitState, key: str, data: str) -> bool:
    """Write a row, unless there is one of that key; returns whether it was written."""
    conn = begin(unit)
    if conn is not None:
        return execute(unit, conn, "INSERT OR IGNORE INTO kv (key, data) VALUES (?, ?)", (key, data)) == 1
    if read(unit, key) is not None:
        return False
    _write(unit, key, data)
    return True


def replace(unit: UnitState, key: str, before: str, data: str) -> bool:
    """Write a row, if it is what it was; returns whether it was written."""
    conn = begin(unit)
    if conn is not None:
        return (
            execute(unit, conn, "UPDATE kv SET data = ? WHERE key = ? AND data = ?", (data, key, before)) == 1
        )
    if read(unit, key) != before:
        return False
    _write(unit, key, data)
    return True


def remove(unit: UnitState, key: str) -> bool:
    """Delete a row; returns whether there was one."""
    unit.begin()
    kv = unit._storage()
    if unit.stand_in is None and unit._lender is None and not kv.revision:
        return execute(unit, kv.conn, "DELETE FROM kv WHERE key = ?", (key,)) == 1
    if read(unit, key) is None:
        return False
    unit.unset(key)
    return True


def _write(unit: UnitState, key: str, data: str) -> None:
    unit.set(key, json.loads(data))


def read(unit: UnitState, key: str) -> Optional[str]:
    """The text of a row; ``None`` if there is none."""
    unit.fresh()
    if unit.stand_in is not None:
        found = unit.stand_in.get(key, None)
        return None if found is None else json.dumps(found)
    conn = unit._storage().conn
    try:
        if conn.row_factory is None:
            row = conn.execute("SELECT data FROM kv WHERE key = ?", (key,)).fetchone()
        else:
            row = next(iter(unit._query("SELECT data FROM kv WHERE key = ?", (key,))), None)
    except sqlite3.Error as error:
        unit.forget()
        raise unit.explain("read", error) from None
    return None if row is None else row[0]


def read_below(unit: UnitState, prefix: str) -> List[Tuple[str, str]]:
    """Key and text of all rows below a prefix that ends in a dot, in the order of their keys."""
    unit.fresh()
    if unit.stand_in is not None:
        found = unit.stand_in.getrange(prefix)
        return [(prefix + key, json.dumps(found[key])) for key in sorted(found)]
    with Explained(unit, "read"):
        return unit._query(
            "SELECT key, data FROM kv WHERE key >= ? AND key < ? ORDER BY key", range_below(prefix)
        )


def count_below(unit: UnitState, prefix: str) -> int:
    """How many rows there are below a prefix that ends in a dot."""
    unit.fresh()
    if unit.stand_in is not None:
        return len(unit.stand_in.getrange(prefix))
    with Explained(unit, "read"):
        ((number,),) = unit._query("SELECT count(*) FROM kv WHERE key >= ? AND key < ?", range_below(prefix))
    return int(number)


def select(unit: UnitState, sql: str, parameters: Tuple[object, ...] = ()) -> List[Tuple[Any, ...]]:
    """What a statement finds, after :meth:`fresh`.

    Raises:
        sqlite3.Error: SQLite cannot do it; its caller knows another way.
    """
    return unit._query(sql, parameters)


def may_write(unit: UnitState) -> bool:
    """Whether a write would be part of a hook or a transaction that goes on anyway."""
    if unit.stand_in is not None or unit.forked:
        return False
    if unit._running is None and not unit._in_transaction:
        return False
    try:
        unit.begin()
    except UnitStateError:  # in another thread, or of a hook that is lost: reading goes on
        return False
    return True
