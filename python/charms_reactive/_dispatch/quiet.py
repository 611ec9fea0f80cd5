"""A quiet update-status: handlers of flags run only if one of their flags has changed since the hook before.

At the end of each hook the flags are kept; at the beginning of update-status those that differ count as
changed. Only a charm that asks for it imports this.
"""

from __future__ import annotations

from charms_reactive._unit_state import unit_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

__all__ = ["changed_flags", "keep_flags"]

_ROW = "reactive.quiet"


def changed_flags() -> Optional[List[str]]:
    """The flags that differ from those at the end of the hook before; ``None`` if these are not known."""
    unit = unit_state.unit
    before = unit.get(_ROW)
    if before is None:
        return None
    return sorted(set(before) ^ set(unit.fresh().flags()))


def keep_flags() -> None:
    """Keep the flags as they are, at the end of a hook."""
    unit = unit_state.unit
    now = unit.fresh().flags()
    if unit.get(_ROW) != now:
        unit.set(_ROW, now)
