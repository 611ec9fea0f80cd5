"""Typed events: their classes, who hears them, and when; imports the dispatch and what is below it.

Here is what an ``Endpoint`` needs of them: objects that have events, without the events themselves.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple, TypeVar

    T = TypeVar("T", bound="NoEvents")

__all__ = ["NoEvents", "Object"]


class NoEvents:
    """What ``on`` is in classes that declare no events: a container without any.

    The containers with events are :class:`~charms.reactive.events.ObjectEvents`.
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

    def events(self) -> Dict[str, Any]:
        """The events of this object by name, those of base classes first, in the order they were declared."""
        return {}

    def __getitem__(self, name: str) -> Any:
        known = ", ".join(self.events()) or "none"
        raise KeyError("%s has no event %r; it has: %s" % (type(self).__qualname__, name, known))

    def __repr__(self) -> str:
        names = ", ".join(self.events())
        return "<%s of %s: %s>" % (type(self).__qualname__, type(self._object).__name__, names)


class Object:
    """Base of classes whose objects have events of their own, declared in the container ``on``.

    There is nothing to call in its constructor. Handlers are registered with
    :func:`~charms.reactive.events.observe`, and belong to the one object whose event they observe: they
    live as long as it does.
    """

    on = NoEvents()

    def _names_as_origin(self) -> Tuple[str, ...]:
        """What ``handle_event`` takes as the origin, beside the object itself, to hear its events."""
        return ()
