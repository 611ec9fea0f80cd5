"""Emissions as they are seen from outside: by tests, by instrumentation, by the record and log of a hook.

Imported when somebody watches. Then each handler is called through an object that tells of it.
"""

from __future__ import annotations

from time import perf_counter

from charms_reactive import trace
from charms_reactive._juju import juju_log

from . import event_registry
from .event_class import class_of
from .event_failures import name_of, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple, Type

    from .event_class import Event
    from .event_registry import Handler, Registry

__all__ = ["Emission", "EventListener", "capture_events", "instrument", "watch"]


class EventListener:
    """What :func:`instrument` takes: override what you want to be told. Nothing of it may raise.

    What does is logged, and counts as a failed handler.
    """

    def emitted(self, event: Event, handlers: Tuple[Handler, ...]) -> None:
        """An event is about to be delivered to these handlers, perhaps to none."""

    def before(self, event: Event, handler: Handler) -> None:
        """A handler is about to be called."""

    def after(self, event: Event, handler: Handler, seconds: float) -> None:
        """A handler has returned, after that time."""

    def error(self, event: Event, handler: Handler, seconds: float, error: BaseException) -> None:
        """A handler has raised, after that time."""


class instrument:  # noqa: N801 -- it reads as the statement that it is part of
    """Tell a listener of every emission, from now on or while a ``with`` block lasts.

    Args:
        listener: an :class:`EventListener`, or anything with its methods.
    """

    def __init__(self, listener: Any) -> None:
        self._listener = listener
        registry = event_registry.in_use
        registry.watchers = (*registry.watchers, listener)
        registry.changed()
        trace.watch(1)

    def __enter__(self) -> instrument:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Tell it no more."""
        registry = event_registry.in_use
        left = tuple(one for one in registry.watchers if one is not self._listener)
        trace.watch(len(left) - len(registry.watchers))
        registry.watchers = left
        registry.changed()


class Emission:
    """One emission, as :class:`capture_events` has seen it.

    Attributes:
        event: the event, as its handlers have left it.
        handlers: for each handler that was called the function, and the exception that it has raised or
            ``None``.
    """

    def __init__(self, event: Event) -> None:
        self.event = event
        self.handlers: List[Tuple[Handler, Optional[BaseException]]] = []

    @property
    def origin(self) -> Any:
        """The origin of the event."""
        return self.event.origin

    @property
    def errors(self) -> List[BaseException]:
        """The exceptions of its handlers."""
        return [error for _, error in self.handlers if error is not None]

    def __repr__(self) -> str:
        names = ", ".join(name_of(handler) for handler, _ in self.handlers) or "nobody"
        return "<emission of %r to %s>" % (self.event, names)


class capture_events(EventListener):  # noqa: N801 -- as above
    """Keep every emission, heard or not, while a ``with`` block lasts.

    ``with capture_events(Ready) as seen: …`` has them in the list ``seen``.

    Args:
        event_classes: only those of these classes and their subclasses; by default all.
    """

    def __init__(self, *event_classes: Type[Event]) -> None:
        self._classes = tuple(class_of(one) for one in event_classes)
        self._seen: List[Emission] = []
        self._open: Dict[int, Emission] = {}
        self._running: List[instrument] = []

    def __enter__(self) -> List[Emission]:
        self._running.append(instrument(self))
        return self._seen

    def __exit__(self, *_: object) -> None:
        self._running.pop().stop()

    def emitted(self, event: Event, handlers: Tuple[Handler, ...]) -> None:
        if not self._classes or isinstance(event, self._classes):
            self._open[id(event)] = Emission(event)
            self._seen.append(self._open[id(event)])

    def after(self, event: Event, handler: Handler, seconds: float) -> None:
        self._note(event, handler, None)

    def error(self, event: Event, handler: Handler, seconds: float, error: BaseException) -> None:
        self._note(event, handler, error)

    def _note(self, event: Event, handler: Handler, error: Optional[BaseException]) -> None:
        if id(event) in self._open:
            self._open[id(event)].handlers.append((handler, error))


class _Noted(EventListener):
    """Tells the notes of the hook and the log, which have names and no values."""

    def __init__(self, notes: Any, traced: bool) -> None:
        self._notes = notes
        self._traced = traced
        self._handlers: List[List[str]] = []

    def emitted(self, event: Event, handlers: Tuple[Handler, ...]) -> None:
        kind = type(event).__name__
        origin = event.origin
        words = origin if isinstance(origin, str) else getattr(origin, "__qualname__", None)
        if words is None and origin is not None:
            words = type(origin).__qualname__
        if self._notes is not None:
            detail = {"attributes": sorted(vars(event).keys() - {"origin"}), "origin": words}
            self._notes.event(kind, dict(detail, handlers=self._handlers))
        if self._traced:
            of = "" if words is None else " of %s" % words
            heard = ", ".join(map(_name, handlers)) or "nobody"
            juju_log.log("tracer: event %s%s -> %s" % (kind, of, heard), juju_log.DEBUG)

    def after(self, event: Event, handler: Handler, seconds: float) -> None:
        self._handlers.append([_name(handler), "ok"])

    def error(self, event: Event, handler: Handler, seconds: float, error: BaseException) -> None:
        self._handlers.append([_name(handler), type(error).__name__])


def _name(handler: Any) -> str:
    return name_of(getattr(handler, "__wrapped__", handler))


class Watched:
    """A handler that is called, and those who are told of it."""

    __slots__ = ("_told", "handler")

    def __init__(self, handler: Handler, told: Tuple[Any, ...]) -> None:
        self.handler = handler
        self._told = told

    def __call__(self, event: Event) -> object:
        told, handler = self._told, self.handler
        _tell(told, "before", event, handler)
        begin = perf_counter()
        try:
            result = handler(event)
        except BaseException as error:
            _tell(told, "error", event, handler, perf_counter() - begin, error)
            raise
        _tell(told, "after", event, handler, perf_counter() - begin)
        return result


def _tell(told: Tuple[Any, ...], what: str, *words: Any) -> None:
    for one in told:
        tell = getattr(one, what, None)
        if tell is not None:
            try:
                tell(*words)
            except Exception as error:  # noqa: BLE001 -- who only listens must not break what it listens to
                report("a listener of events, %s, failed" % type(one).__qualname__, error)


def watch(registry: Registry, delivery: Any, handlers: Tuple[Handler, ...]) -> Tuple[Any, ...]:
    """Tell of an emission; returns what to call in place of its handlers."""
    told: Tuple[Any, ...] = registry.watchers
    notes = trace.notes
    if notes is not None and not notes.whole:
        notes.event(type(delivery.event).__name__)
        notes = None
    if notes is not None or trace.traced:
        told = (*told, _Noted(notes, trace.traced))
    if not told:
        return handlers
    _tell(told, "emitted", delivery.event, handlers)
    return tuple(Watched(handler, told) for handler in handlers)
