"""The order of handlers that ask to be called before or after others."""

from __future__ import annotations

from charms_reactive._errors.rare import EventUseError
from charms_reactive.handlers import _short_action_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Sequence, Set, Tuple

__all__ = ["arrange"]


def arrange(
    given: Tuple[Any, ...], order: Sequence[Tuple[Any, Any]], groups: Sequence[Tuple[Any, str]]
) -> Tuple[Any, ...]:
    """Handlers in the order that they ask for, and else as they were.

    Args:
        given: the handlers, in order of registration.
        order: pairs of handlers or names of groups, of which the first is called before the second.
        groups: handlers with the names of their groups.

    Raises:
        EventUseError: each of some is to be called after another one of them.
    """

    def those(what: Any) -> List[Any]:
        if isinstance(what, str):
            members = [handler for handler, group in groups if group == what]
            return [one for one in given if any(_is(one, member) for member in members)]
        return [one for one in given if _is(one, what)]

    earlier: Dict[int, Set[int]] = {id(one): set() for one in given}
    for first, then in order:
        before = those(first)
        for one in those(then):
            earlier[id(one)].update(id(other) for other in before if other is not one)
    waiting, done = list(given), []
    while waiting:
        at = next((at for at, one in enumerate(waiting) if not earlier[id(one)]), None)
        if at is None:
            names = ", ".join(sorted(_short_action_id(_plain(one)) for one in waiting))
            raise EventUseError("handlers of events are each to be called before the other: %s" % names)
        ready = waiting.pop(at)
        done.append(ready)
        for left in earlier.values():
            left.discard(id(ready))
    return tuple(done)


def _plain(handler: Any) -> Any:
    plain = getattr(handler, "__wrapped__", handler)
    return getattr(plain, "__func__", plain)


def _is(one: Any, other: Any) -> bool:
    return bool(one == other or getattr(one, "__wrapped__", one) == other)
