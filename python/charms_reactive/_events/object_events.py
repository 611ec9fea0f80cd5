"""Events on objects: the sources that declare them, and the events of one object."""

from __future__ import annotations

from charms_reactive._errors import kind_of
from charms_reactive._errors.rare import EventUseError

from . import NoEvents, event_registry
from .event_class import Event, class_of, set_attribute
from .event_delivery import Delivery, emit_now, emit_queued
from .event_registry import check_handler, numbers, once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Generic, List, Optional, Tuple, Type, TypeVar, Union, overload

    from typing_extensions import ParamSpec

    from .event_registry import Entry, Handler, Plan, Registry

    E = TypeVar("E", bound=Event)
    F = TypeVar("F", bound=Callable[..., Any])
    #: What the constructor of the event takes; nobody needs to write it, BoundEvent[Ready] will do.
    Attributes = ParamSpec("Attributes", default=...)

    class _OfEvent(Generic[E, Attributes]):
        """For type checkers; the import of typing is too dear for a hook."""
else:

    class _OfEvent:
        __slots__ = ()

        @classmethod
        def __class_getitem__(cls, event_class: object) -> type:
            return cls

    E = Attributes = None

__all__ = ["BoundEvent", "EventSource", "ObjectEvents", "observe", "unobserve"]

# Where an object keeps who observes it.
_KEPT = "_observers_of_events"


class ObjectEvents(NoEvents):
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

    def events(self) -> Dict[str, BoundEvent[Any]]:
        """The events of this object by name, those of base classes first, in the order they were declared."""
        names: Dict[str, None] = {}
        for base in reversed(type(self).__mro__):
            names.update((name, None) for name, value in vars(base).items() if _is_source(value))
        return {name: getattr(self, name) for name in names if _is_source(_declared(type(self), name))}

    def __getitem__(self, name: str) -> BoundEvent[Any]:
        if not _is_source(_declared(type(self), name)):
            super().__getitem__(name)
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
        name: Any = event_kind
        if not (isinstance(name, str) and name.isidentifier()):
            shown = ascii(name) if isinstance(name, str) else kind_of(name)
            raise EventUseError("%s cannot be the name of an event; it has to be an identifier" % shown)
        if _declared(cls, event_kind) is not None:
            raise EventUseError("%s has %r already" % (cls.__qualname__, event_kind))
        source: EventSource[Any] = EventSource(event_type)
        source.__set_name__(cls, event_kind)
        setattr(cls, event_kind, source)


def _declared(kind: type, name: str) -> Any:
    for base in kind.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return None


def _is_source(value: object) -> bool:
    return isinstance(value, EventSource)


class EventSource(_OfEvent[E, Attributes]):
    """Declares an event in an :class:`ObjectEvents` container: ``ready = EventSource(DatabaseReady)``.

    Args:
        event_class: the class of the event.
        sets: a flag that every emission sets, before the handlers run, in place of the one that the
            class names (an empty string: none); ``{endpoint_name}`` in it stands for the name of the
            endpoint that emits.

    Raises:
        EventUseError: ``event_class`` is no event class.
    """

    if TYPE_CHECKING:
        event_class: Type[E]
        sets: Optional[str]
        name: str

        # As what is called, so that it is known what emit() takes.
        def __init__(self, event_class: Callable[Attributes, E], *, sets: Optional[str] = None) -> None: ...
    else:

        def __init__(self, event_class: Type[E], *, sets: Optional[str] = None) -> None:
            self.event_class = class_of(event_class)
            if sets is not None and not isinstance(sets, str):
                raise EventUseError("sets names one flag, and is not %s" % kind_of(sets))
            self.sets = self.event_class._sets if sets is None else sets or None
            self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        if self.name:
            raise EventUseError(
                "one EventSource cannot be both %r and %r; make another for the second" % (self.name, name)
            )
        if not issubclass(owner, ObjectEvents):
            raise EventUseError(
                "EventSource %r belongs into a subclass of ObjectEvents, not into %s"
                % (name, owner.__qualname__)
            )
        self.name = name

    if TYPE_CHECKING:

        @overload
        def __get__(self, container: None, owner: type) -> EventSource[E, Attributes]: ...

        @overload
        def __get__(self, container: ObjectEvents, owner: type) -> BoundEvent[E, Attributes]: ...

    def __get__(
        self, container: Optional[ObjectEvents], owner: type
    ) -> Union[EventSource[E, Attributes], BoundEvent[E, Attributes]]:
        if container is None:
            return self
        return BoundEvent(container._object, self)

    def __repr__(self) -> str:
        return "EventSource(%s)" % self.event_class.__qualname__


class BoundEvent(_OfEvent[E, Attributes]):
    """An event of one object, such as ``database.on.ready``: what is emitted and observed.

    Attributes:
        event_class: the class of the event.
        name: the event's name in its container.
        object: the object that it belongs to.
    """

    __slots__ = ("_source", "object")

    def __init__(self, object: Any, source: EventSource[E, Attributes]) -> None:  # noqa: A002 -- the field's own name
        self.object = object
        self._source = source

    @property
    def event_class(self) -> Type[E]:
        """The class of the event."""
        return self._source.event_class

    @property
    def name(self) -> str:
        """The event's name in its container."""
        return self._source.name

    if TYPE_CHECKING:

        def emit(self, *args: Attributes.args, **attrs: Attributes.kwargs) -> E: ...
    else:

        def emit(self, /, **attrs: Any) -> E:
            """Make an event and run its handlers: at once, or once the event that is being handled is done.

            Args:
                attrs: the event's attributes.

            Returns:
                The event. If it has to wait, no handler has seen it yet.

            Raises:
                EventAttributeError: the class has no attribute of that name; it is a :class:`TypeError`.
                EventUseError: this is the event of a class, and only its objects have events.
                EventCycleError: handlers keep causing the same events.
            """
            if self.object is None:
                raise self._of_no_object("emitted")
            registry = event_registry.in_use
            event = self._source.event_class(**attrs)
            set_attribute(event, "origin", self.object)
            if registry.current is None:
                emit_now(registry, Delivery(event, None, self), self.handlers(registry))
            else:
                emit_queued(registry.current, Delivery(event, registry.current, self))
            return event

    @property
    def flag(self) -> Optional[str]:
        """The flag that an emission sets, or ``None``."""
        flag = self._source.sets
        if flag is None or "{endpoint_name}" not in flag:
            return flag
        name = getattr(self.object, "endpoint_name", None)
        if not isinstance(name, str):
            raise EventUseError("%s sets the flag %s, and is no event of an endpoint" % (self, flag))
        return flag.replace("{endpoint_name}", name)

    def handlers(self, registry: Registry) -> Tuple[Handler, ...]:
        """Who hears it: those who observe it, and those who handle its class, in order of registration."""
        source = self._source
        plan = registry.plans.get(source.event_class) or registry.plan(source.event_class)
        observers = _observers(self.object)
        if observers is None:
            return plan.arranged(once(self._matching(plan))) if plan.origins else plan.everywhere
        observed = observers.of.get(source.name, ())
        kept = observers.cache.get(source.name)
        if kept is None or kept[0] is not observed or kept[1] is not plan:
            heard = plan.arranged(once([*observed, *self._matching(plan)])) if not plan.muted else ()
            kept = (observed, plan, heard)
            observers.cache[source.name] = kept
        return kept[2]

    def _matching(self, plan: Plan) -> List[Entry]:
        """Who handles the event's class, with this object as the origin or with none."""
        matching = plan.matching(self.object)
        if plan.origins:
            for name in getattr(self.object, "_names_as_origin", tuple)():
                matching += plan.matching(name)
        return matching

    def _of_no_object(self, what: str) -> EventUseError:
        return EventUseError(
            "event %r of a class cannot be %s; take the on of one of its objects" % (self.name, what)
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundEvent):
            return NotImplemented
        return self.object is other.object and self._source is other._source

    def __hash__(self) -> int:
        return hash((id(self.object), id(self._source)))

    def __str__(self) -> str:
        kind = type(self.object).__name__ if self.object is not None else "?"
        return "%s.on.%s" % (kind, self.name)

    def __repr__(self) -> str:
        return "<event %s of %s>" % (self.name, type(self.object).__name__)


class _Observers:
    """Who observes the events of one object; kept in the object, and gone with it."""

    def __init__(self, owner: int = 0) -> None:
        self.owner = owner
        self.of: Dict[str, Tuple[Entry, ...]] = {}
        # By the event's name: what the handlers were found from, and the handlers.
        self.cache: Dict[str, Tuple[Tuple[Entry, ...], Plan, Tuple[Handler, ...]]] = {}

    def __reduce__(self) -> Any:
        return _Observers, ()  # a copy of the object is another object, and nobody observes it


def _observers(emitter: Any) -> Optional[_Observers]:
    """The observers of an object, if there are any."""
    try:
        kept: Optional[_Observers] = emitter.__dict__.get(_KEPT)
    except AttributeError:  # it is no Object, and has slots only
        return None
    # A shallow copy of the object has what belongs to the original.
    return kept if kept is not None and kept.owner == id(emitter) else None


if TYPE_CHECKING:

    @overload
    def observe(bound_event: BoundEvent[E, ...], handler: F) -> F: ...

    @overload
    def observe(bound_event: BoundEvent[E, ...]) -> Callable[[F], F]: ...


def observe(bound_event: BoundEvent[E, ...], handler: Any = None) -> Any:
    """Have a handler called whenever this event of this object is emitted.

    Without a handler it is a decorator: ``@observe(database.on.ready)``. The handler, and with a bound
    method its object, is kept for as long as the object whose event it observes. Observing the same
    event twice with the same handler is the same as once.

    Args:
        bound_event: an event of an object, ``database.on.ready``.
        handler: is called with the event; a bound method mostly.

    Returns:
        The handler, or the decorator, which returns what it decorates.

    Raises:
        EventUseError: that is no event of an object, or the handler can be none.
    """
    if not isinstance(bound_event, BoundEvent):
        raise EventUseError(
            "observe() takes the event of an object, such as database.on.ready, and not %s"
            % kind_of(bound_event)
        )
    if bound_event.object is None:
        raise bound_event._of_no_object("observed")
    if handler is None:
        return lambda function: observe(bound_event, function)
    check_handler(handler)
    emitter = bound_event.object
    observers = _observers(emitter)
    if observers is None:
        observers = _Observers(id(emitter))
        try:
            emitter.__dict__[_KEPT] = observers
        except AttributeError:
            kind = type(emitter).__qualname__
            raise EventUseError("%s has no room for observers; derive it from events.Object" % kind) from None
    entries = observers.of.get(bound_event.name, ())
    if not any(known == handler for _, _, known in entries):
        observers.of[bound_event.name] = entries + ((next(numbers), None, handler),)
    return handler


def unobserve(bound_event: BoundEvent[Any], handler: Handler) -> bool:
    """Take back what :func:`observe` has registered. An emission that is running still calls it.

    Returns:
        Whether it was registered.
    """
    observers = _observers(bound_event.object)
    if observers is None:
        return False
    entries = observers.of.get(bound_event.name, ())
    left = tuple(entry for entry in entries if entry[2] != handler)
    if len(left) == len(entries):
        return False
    observers.of[bound_event.name] = left
    return True
