"""Handling for a while, once, in an order, or not at all; who handles what. Imported by who asks for it."""

from __future__ import annotations

from collections import namedtuple

from charms_reactive._errors.rare import EventUseError

from . import event_registry, system_events
from .event_class import class_of, origin_of
from .event_failures import name_of
from .event_order import arrange
from .event_registry import check_handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, List, NamedTuple, Optional, Tuple, Type

    from .event_class import Event
    from .event_registry import Handler

    class Handling(NamedTuple):
        """One registration of a handler.

        Attributes:
            handler: what is called.
            event_class: for which class it is registered.
            origin: the origin that it wants to hear; ``None`` for all.
            where: file, line and name of the function.
        """

        handler: Handler
        event_class: Type[Event]
        origin: Any
        where: str
else:
    Handling = namedtuple("Handling", ["handler", "event_class", "origin", "where"])

__all__ = ["Handling", "Once", "SubclassesOf", "handle", "handlers", "mute", "set_order"]


class Once:
    """A handler of events that is called for the first one that it hears."""

    def __init__(self, handler: Any, registrations: List[Tuple[Any, Any]]) -> None:
        self.__wrapped__ = handler
        self._registrations = registrations

    def __call__(self, event: Event) -> object:
        for event_class, origin in self._registrations:
            event_registry.in_use.remove(event_class, origin, self)
        return self.__wrapped__(event)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Once) and bool(self.__wrapped__ == other.__wrapped__)

    def __hash__(self) -> int:
        return hash((Once, self.__wrapped__))


class SubclassesOf:
    """An origin that is a class, and every class that comes from it. It has no hash: each is compared."""

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SubclassesOf):
            return self._cls is other._cls
        return isinstance(other, type) and issubclass(other, self._cls)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "subclasses of %s" % self._cls.__qualname__


def handlers(event_class: Type[Event], /, origin: Any = None) -> List[Handling]:
    """Who handles the events of a class, those of its base classes included, in order.

    Args:
        event_class: the class, or ``PostRecordUpdate[Setting]``.
        origin: only those that would hear an event with this origin; by default all.

    Returns:
        The registrations. Observers of single objects are not among them.
    """
    origin = origin_of(event_class, origin)
    wanted = class_of(event_class)
    registry = event_registry.in_use
    plan = registry.plan(wanted)
    entries = plan.entries if origin is None else plan.matching(origin)
    order = plan.arranged(tuple(entry[2] for entry in entries))
    ranks = {id(handler): rank for rank, handler in enumerate(order)}
    found = []
    for number, its_origin, handler in sorted(entries, key=lambda entry: ranks.get(id(entry[2]), 0)):
        kind = next(
            base for base in wanted.__mro__ if (number, its_origin, handler) in registry.entries.get(base, ())
        )
        plain = getattr(handler, "__wrapped__", handler)
        found.append(Handling(plain, kind, its_origin, name_of(plain)))
    return found


class handle:  # noqa: N801 -- it reads as the statement that it is part of
    """Handle the events of a class for as long as a ``with`` block lasts.

    Args:
        event_class: as for :func:`handle_event`.
        handler: is called with each event.
        origin: as for :func:`handle_event`.
    """

    def __init__(self, event_class: Type[Event], handler: Handler, /, origin: Any = None) -> None:
        check_handler(handler)
        self._origin = origin_of(event_class, origin)
        self._class = class_of(event_class)
        self._handler = handler
        self._added: List[bool] = []

    def __enter__(self) -> handle:
        registry = event_registry.in_use
        self._added.append(registry.add(self._class, self._origin, self._handler))
        system_events.listen(self._class)
        return self

    def __exit__(self, *_: object) -> None:
        if self._added.pop():
            event_registry.in_use.remove(self._class, self._origin, self._handler)


class mute:  # noqa: N801 -- as above
    """Let nobody hear the events of these classes, and of their subclasses, while a ``with`` block lasts.

    Emissions return their events as ever; flags that they set are set.
    """

    def __init__(self, *event_classes: Type[Event]) -> None:
        self._classes = [class_of(one) for one in event_classes]

    def __enter__(self) -> mute:
        registry = event_registry.in_use
        registry.muted = [*registry.muted, *self._classes]
        registry.changed()
        return self

    def __exit__(self, *_: object) -> None:
        registry = event_registry.in_use
        left = list(registry.muted)
        for one in self._classes:
            left.remove(one)
        registry.muted = left
        registry.changed()


def set_order(handler: Any, group: Optional[str], before: Any, after: Any) -> None:
    """Put a handler into a group, before and after others.

    Args:
        handler: the handler.
        group: a name under which others may refer to it.
        before: a handler or the name of a group, or several, that are called after it.
        after: the same of those that are called before it.

    Raises:
        EventUseError: the order has no beginning.
    """
    registry = event_registry.in_use
    known = list(registry.order), list(registry.groups)
    if group is not None:
        registry.groups.append((handler, group))
    registry.order += [(handler, other) for other in _each(before)]
    registry.order += [(other, handler) for other in _each(after)]
    try:
        arrange(tuple(dict.fromkeys(_named(registry))), registry.order, registry.groups)
    except EventUseError:
        registry.order[:], registry.groups[:] = known
        raise
    registry.changed()


def _each(given: Any) -> List[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _named(registry: Any) -> Iterator[Any]:
    for handler, _ in registry.groups:
        yield handler
    for pair in registry.order:
        yield from (one for one in pair if not isinstance(one, str))
