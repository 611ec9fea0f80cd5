"""Edges: what each handler has heard of flags that were set or cleared, kept from hook to hook.

The engine knows what a handler has heard in this hook, and forgets it as soon as the flag changes back.
Here it is told at the beginning of each dispatch what was heard before; and what a handler hears is kept
once it has succeeded, in the hook's own transaction. So a handler that fails, and a hook that fails or is
killed, have heard nothing.
"""

from __future__ import annotations

from functools import partial

from charms_reactive import handlers
from charms_reactive._unit_state import unit_state
from charms_reactive._unit_state.rows import HEARD_CLEAR, HEARD_SET, storable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List

    from charms_reactive.handlers import Handler

__all__ = ["hear", "is_news", "recall"]

_KNOWN = "reactive.edges."


def hear(handler: Handler, flag: str, on: bool, name: str) -> None:
    """Let a handler hear of a flag that becomes set, or cleared.

    Args:
        handler: the handler.
        flag: the flag.
        on: whether it is to hear of it when it is set.
        name: a name for the handler that stays the same when its charm is edited.
    """
    if handler not in handlers.hearing:
        handlers.hearing.append(handler)
        handler.add_post_callback(partial(_remember, handler))
        handler.heard_as = name
    handler.add_edge(flag, on)


def is_news(flag: str, on: bool, name: str) -> bool:
    """Whether a flag is so, and the handler of that name has not heard of it."""
    unit = unit_state.unit
    is_set: bool = unit.fresh().is_set(flag)
    return is_set == on and name not in unit.get(_row(flag, on), [])


def _row(flag: str, on: bool) -> str:
    return (HEARD_SET if on else HEARD_CLEAR) + flag


def recall(anew: bool = True) -> None:
    """Tell the engine what was heard before.

    Args:
        anew: it is to forget what it knows of that.
    """
    unit = unit_state.unit
    engine = unit.engine
    if anew:
        engine.forget_heard()
    for handler in handlers.hearing:
        number = _number(handler)
        if number < 0:
            continue
        for flag, on in handler._edges:
            row = _row(flag, on)
            known = unit.get(row)
            if known and engine.is_set(flag) != on:
                unit.unset(row)  # somebody has changed it back who knows nothing of edges
            elif known and handler.heard_as in known:
                engine.hear(number, flag, on)
            elif anew and not on:
                _take_baseline(handler, number, flag)


def _number(handler: Handler) -> int:
    """The engine's number of a handler; -1 of one that is registered no more."""
    number = handler._number
    numbered = handlers._numbered
    known = number is not None and number < len(numbered) and numbered[number] is handler
    return number if known and number is not None else -1


def _take_baseline(handler: Handler, number: int, flag: str) -> None:
    """A flag that has never been set was not cleared: who is new does not hear of it."""
    unit = unit_state.unit
    row = storable(_KNOWN + handler.heard_as)
    known: List[str] = unit.get(row, [])
    if flag in known:
        return
    unit.set(row, [*known, flag])
    if not unit.fresh().is_set(flag):
        unit.engine.hear(number, flag, False)
        _note(handler, flag, False)


def _remember(handler: Handler) -> None:
    """Keep what a handler has heard that has just succeeded."""
    number = _number(handler)
    if number >= 0:
        for flag, on in unit_state.unit.engine.heard(number):
            _note(handler, flag, on)


def _note(handler: Handler, flag: str, on: bool) -> None:
    unit = unit_state.unit
    known: List[str] = unit.get(_row(flag, on), [])
    if handler.heard_as not in known:
        unit.note_heard(flag, on, [*known, handler.heard_as])
