"""Marks of what ran once: kept by a name that survives edits, and found where 1.5.x put them."""

from __future__ import annotations

from charms_reactive._unit_state import unit_state
from charms_reactive._unit_state.rows import storable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Tuple

_INVOKED = "reactive.invoked."


def done_before(stable_id: str, path: str, line: object, name: str, any_line: bool = True) -> bool:
    """Whether a function was marked as having run.

    1.5.x marks a function by file, line and name, and forgets it when a line is added above it. Here
    a mark of that kind counts whatever its line.

    Args:
        stable_id: its name without a line.
        path: the file, as in marks of 1.5.x.
        line: the line on which it begins.
        name: its name in the file.
        any_line: whether the file has no other function of this name that a mark of 1.5.x may be of.
    """
    marks = unit_state.unit.getrange(_INVOKED)
    stable_id, path, name = storable(stable_id), storable(path), storable(name)
    if marks.get(stable_id) or marks.get("%s:%s:%s" % (path, line, name)):
        return True
    return any_line and any(done and _without_line(mark) == (path, name) for mark, done in marks.items())


def _without_line(mark: str) -> Optional[Tuple[str, str]]:
    """File and name of a mark of 1.5.x; ``None`` if it is not of that kind."""
    path, line, name = ("::" + mark).rsplit(":", 2)
    return (path[2:], name) if line.isdigit() else None


def remember(*ids: str) -> None:
    """Mark that something ran, under each of these ids."""
    for id in ids:
        unit_state.unit.set(storable(_INVOKED + id), True)
