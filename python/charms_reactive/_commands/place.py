"""Where a command finds the unit state: a question makes none, and what has no charm around it is refused.

charmhelpers makes the file wherever it is asked for it. For a hook that is right. A person in a wrong
directory would be told that no flag is set, and leave a file behind that the next one takes for the unit's.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import Iterator

from charmhelpers.core import unitdata

from charms_reactive.errors import UnitStateError

__all__ = ["of_state"]

_IN_MEMORY = ":memory:"

# Either makes a directory one of a charm.
_OF_CHARMS = ("metadata.yaml", "charmcraft.yaml")


@contextlib.contextmanager
def of_state(asks: bool) -> Iterator[None]:
    """The unit state that a command is about; for a question an empty one in memory where there is none yet.

    Args:
        asks: whether the command only asks.

    Raises:
        UnitStateError: there is no unit state, and nothing says that there should be one: neither a charm in
            its directory, nor, for a command that changes something, an environment variable that names it.
            Or the file is another kind of database.
    """
    if unitdata._KV is not None or _is_there(asks):
        yield
        return
    # Not by the environment, which others read as well.
    unitdata._KV = storage = unitdata.Storage(_IN_MEMORY)
    try:
        yield
    finally:
        unitdata._KV = None
        storage.close()


def _is_there(asks: bool) -> bool:
    """Whether the unit state is to be opened; if not, one without rows answers."""
    named = os.environ.get("UNIT_STATE_DB")
    if named == _IN_MEMORY:
        return True
    charm = os.environ.get("CHARM_DIR", "")
    path = os.path.join(charm, ".unit-state.db") if named is None else named
    if os.path.exists(path):
        return not asks or _has_tables(path)
    if named is not None:
        if not os.path.isdir(os.path.dirname(named) or "."):
            return True  # nothing can be there: opening it will tell
        charm = charm or os.environ.get("JUJU_CHARM_DIR", "")
    of_charm = any(os.path.isfile(os.path.join(charm, name)) for name in _OF_CHARMS)
    if not of_charm and (asks or not (charm or named)):
        shown = charm or _current_directory()
        raise UnitStateError(
            path if os.path.isabs(path) else os.path.join(_current_directory(), path),
            "read" if asks else "write",
            "there is no such file, and %s is not the directory of a charm" % shown,
            "set CHARM_DIR to the charm directory of the unit, for example "
            "/var/lib/juju/agents/unit-app-0/charm, or UNIT_STATE_DB to the file",
        )
    return not asks


def _has_tables(path: str) -> bool:
    """Whether a file is a unit state, and not just empty."""
    if not os.path.isfile(path):
        return True  # whatever it is, opening it will tell
    if not os.path.getsize(path):
        return False
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error:
        return True  # locked or damaged: there are sentences for that
    if names and "kv" not in names:
        reason = "it is another kind of database: it has no table kv, but %s" % ", ".join(sorted(names)[:3])
        raise UnitStateError(path, "read", reason, "set UNIT_STATE_DB to the file of the unit")
    return bool(names)


def _current_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "the current directory"
