"""Objects that have events: what an ``Endpoint`` needs of them, without the events themselves."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple, Type, TypeVar

    from .event_class import Event
    from .object_events import BoundEvent

    T = TypeVar("T", bound="ObjectEvents")

__all__ = ["Object", "ObjectEvents"]


class ObjectEvents:
    """Base of the containers in which a class declares the events of its objects.

    Each event is an :class:`~charms.reactive.events.EventSource`; the container stands in the class as
    ``on``, and in each object ``on`` is a container of that object's own events::

        class DatabaseEvents(ObjectEvents):
            ready = EventSource(DatabaseReady)

        class Database(Object):
            on = DatabaseEvents()

        database.on.ready.emit(host="10.0.0.7")

    ``on["ready"]`` is the same as ``on.ready``.
    """

    # The object whose events these are; None for the container in the class.
    _object: Any = None

    def __get__(self: T, instance: Any, owner: Optional[type] = None) -> T:
        # Not kept in the object: a copy of that would have the events of the original.
        if instance is None:
            return self
        bound = object.__new__(type(self))
        if self.__dict__:
            bound.__dict__.update(self.__dict__)
        bound._object = instance
        return bound

    def events(self) -> Dict[str, BoundEvent[Any]]:
        """The events of this object by name, those of base classes first, in the order they were declared."""
        names: Dict[str, None] = {}
        for base in reversed(type(self).__mro__):
            names.update((name, None) for name, value in vars(base).items() if _is_source(value))
        return {name: getattr(self, name) for name in names if _is_source(_declared(type(self), name))}

    def __getitem__(self, name: str) -> BoundEvent[Any]:
        if not _is_source(_declared(type(self), name)):
            known = ", ".join(self.events()) or "none"
            raise KeyError("%s has no event %r; it has: %s" % (type(self).__qualname__, name, known))
        event: BoundEvent[Any] = getattr(self, name)
        return event

    @classmethod
    def define_event(cls, event_kind: str, event_type: Type[Event]) -> None:
        """Declare an event whose name is known only at run time.

        Args:
            event_kind: its name, an attribute of ``on`` from now on.
            event_type: its class.

        Raises:
            EventUseError: the name is taken or no name, or ``event_type`` is no event class.
        """
        from .object_events import define_event

        define_event(cls, event_kind, event_type)

    def __repr__(self) -> str:
        names = ", ".join(self.events())
        return "<%s of %r: %s>" % (type(self).__qualname__, self._object, names)


class Object:
    """Base of classes whose objects have events of their own, declared in the container ``on``.

    There is nothing to call in its constructor. Handlers are registered with
    :func:`~charms.reactive.events.observe`, and belong to the one object whose event they observe: they
    live as long as it does.
    """

    on: ObjectEvents = ObjectEvents()

    def _names_as_origin(self) -> Tuple[str, ...]:
        """What ``handle_event`` takes as the origin, beside the object itself, to hear its events."""
        return ()


def _declared(kind: type, name: str) -> Any:
    for base in kind.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return None


def _is_source(value: object) -> bool:
    return getattr(type(value), "_is_event_source", False) is True
