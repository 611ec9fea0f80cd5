"""Typed events: define one as a class, emit it anywhere, handle it anywhere.

An emission runs every handler of the event before it returns, in the order in which they were
registered. A handler that raises is logged and reported, and stops neither the others nor whoever
emitted the event. Handlers may change the event; whoever emitted it gets it back.

Events on objects (:class:`EventSource`) differ in one thing: emitted while an event is being handled,
they wait until that event is done. So do :class:`FlagSet` and :class:`FlagCleared`.

Handlers stay registered as long as the process lives.
"""

from __future__ import annotations

from ._alias import on_demand
from ._events import Object, event_registry, system_events
from ._events.event_class import Event, class_of, origin_of
from ._events.event_delivery import emit_event
from ._events.event_registry import check_handler
from ._events.object_events import BoundEvent, EventSource, ObjectEvents, observe, unobserve
from ._events.record_events import (
    PostRecordCreate,
    PostRecordDelete,
    PostRecordUpdate,
    PreRecordCreate,
    PreRecordDelete,
    PreRecordUpdate,
    RecordDiff,
)
from ._events.system_events import (
    FlagCleared,
    FlagSet,
    HandlerFailed,
    HandlerInvoked,
    HookCommitted,
    HookFailed,
    HookStarted,
    SystemEvent,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Optional, Type, TypeVar

    from ._events.event_registry import Handler, Reporter
    from ._events.listening import Handling as Handling
    from ._events.listening import handle as handle
    from ._events.listening import handlers as handlers
    from ._events.listening import mute as mute
    from ._events.watching import Emission as Emission
    from ._events.watching import EventListener as EventListener
    from ._events.watching import capture_events as capture_events
    from ._events.watching import instrument as instrument

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = [
    "Event",
    "emit_event",
    "handle_event",
    "unhandle_event",
    "handlers",
    "Handling",
    "handle",
    "mute",
    "capture_events",
    "Emission",
    "instrument",
    "EventListener",
    "set_error_reporter",
    "Object",
    "ObjectEvents",
    "EventSource",
    "BoundEvent",
    "observe",
    "unobserve",
    "SystemEvent",
    "HookStarted",
    "FlagSet",
    "FlagCleared",
    "HandlerInvoked",
    "HandlerFailed",
    "HookCommitted",
    "HookFailed",
    "PreRecordCreate",
    "PostRecordCreate",
    "PreRecordUpdate",
    "PostRecordUpdate",
    "PreRecordDelete",
    "PostRecordDelete",
    "RecordDiff",
]


# -- handling -----------------------------------------------------------------------------------
def handle_event(
    event_class: Type[Event],
    /,
    origin: Any = None,
    *,
    origins: Iterable[Any] = (),
    subclasses: bool = False,
    once: bool = False,
    on_commit: bool = False,
    group: Optional[str] = None,
    before: Any = None,
    after: Any = None,
) -> Callable[[F], F]:
    """Decorate a function to handle the events of a class and of its subclasses.

    The function is called with the event. The decorator returns it unchanged. Registering a function
    twice for the same class and origin is the same as once, and an event for which it is registered
    in several ways comes to it once.

    Args:
        event_class: the class. ``PostRecordUpdate[Setting]`` is the class with the origin ``Setting``; a
            parameter of other classes is for type checkers alone.
        origin: hear only events with this origin, or one equal to it; without it all are heard.
        origins: several of them.
        subclasses: of an origin that is a class, hear also those with a class that comes from it.
        once: call the function for the first event that it hears, and no more.
        on_commit: call the function once the hook is committed, and not at all if it fails; the event is as
            its other handlers have left it, and what the function changes is not kept.
        group: a name under which other handlers may refer to this one.
        before: call the function before these: a handler or the name of a group, or a list of them.
        after: the same, after them. All others keep the order in which they were registered.

    Raises:
        EventUseError: ``event_class`` is no event class, or the function can be no handler: it cannot be
            called with the event alone, or a call of it would run nothing; or the order has no beginning.
    """
    origin = origin_of(event_class, origin)
    wanted = class_of(event_class)
    heard = [origin] if origin is not None else []
    heard += list(origins)
    if subclasses:
        from ._events.listening import SubclassesOf  # few want it

        heard = [SubclassesOf(one) for one in heard]

    def register(handler: F) -> F:
        check_handler(handler)
        called: Any = system_events.AfterCommit(handler) if on_commit else handler
        registrations = [(wanted, one) for one in heard or [None]]
        if once or group or before or after:
            from ._events import listening  # few want it

            if once:
                called = listening.Once(called, registrations)
            if group or before or after:
                listening.set_order(handler, group, before, after)
        for _, one in registrations:
            event_registry.in_use.add(wanted, one, called)
        system_events.listen(wanted)
        return handler

    return register


def unhandle_event(
    handler: Handler, event_class: Type[Event], /, origin: Any = None, *, on_commit: bool = False
) -> bool:
    """Take back what :func:`handle_event` has registered with the same class, origin and ``on_commit``.

    An emission that is running still calls the handler.

    Returns:
        Whether it was registered.
    """
    origin = origin_of(event_class, origin)
    called = system_events.AfterCommit(handler) if on_commit else handler
    return event_registry.in_use.remove(class_of(event_class), origin, called)


def set_error_reporter(reporter: Optional[Reporter]) -> Optional[Reporter]:
    """Choose who is told of each exception in a handler of events, after it was logged.

    Args:
        reporter: is called with the exception, the event and the handler, before the next handler
            runs. What it raises is logged. ``None``: nobody.

    Returns:
        The one before, for who wants to put it back.
    """
    registry = event_registry.in_use
    before, registry.reporter = registry.reporter, reporter
    return before


if not TYPE_CHECKING:
    __getattr__, __dir__ = on_demand(
        globals(),
        {
            **dict.fromkeys(("Handling", "handle", "handlers", "mute"), "_events.listening"),
            **dict.fromkeys(
                ("Emission", "EventListener", "capture_events", "instrument"), "_events.watching"
            ),
        },
    )
