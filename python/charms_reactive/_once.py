"""Marks of what ran once: kept by a name that survives edits, and found where 1.5.x put them."""

from __future__ import annotations

from . import _state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

_INVOKED = "reactive.invoked."


def done_before(stable_id: str, path: str, line: object, name: str, others: Iterable[str] = ()) -> bool:
    """Whether a function was marked as having run.

    1.5.x marks a function by file, line and name, and forgets it when a line is added above it. A
    mark of that kind counts whatever its line, unless it is the mark of another function.

    Args:
        stable_id: its name without a line.
        path: the file, as in marks of 1.5.x.
        line: the line on which it begins.
        name: its name in the file.
        others: marks of 1.5.x that belong to other functions.
    """
    marks = _state.unit.getrange(_INVOKED)
    if marks.get(stable_id) or marks.get("%s:%s:%s" % (path, line, name)):
        return True
    others = set(others)
    for mark, done in marks.items():
        if done and mark not in others and mark.startswith(path + ":"):
            marked_line, _, marked_name = mark[len(path) + 1 :].partition(":")
            if marked_line.isdigit() and marked_name == name:
                return True
    return False


def remember(*ids: str) -> None:
    """Mark that something ran, under each of these ids."""
    for id in ids:
        _state.unit.set(_INVOKED + id, True)
