"""The delivery of events: what runs when, what an exception does, and where a cycle ends.

An event is *delivered* by running its handlers. While they run it is the registry's ``current`` one.
An immediate emission (``emit_event``) is delivered at once, inside the current one if there is any.
A queued one (of an object, or of a changed flag) is put behind the innermost immediate one, and is
delivered when that is done, before whoever emitted that goes on.
"""

from __future__ import annotations

from charms_reactive import flags, trace
from charms_reactive._errors.rare import EventCycleError, EventHandlerError, EventUseError
from charms_reactive._juju import juju_log
from charms_reactive.handlers import _UNRUN

from . import event_registry
from .event_class import class_of, origin_of, set_attribute
from .event_failures import count, log, name_of
from .event_registry import same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Tuple, Type, TypeVar

    from typing_extensions import ParamSpec, TypeAlias

    from .event_class import Event
    from .event_registry import Handler, Registry

    E = TypeVar("E", bound=Event)
    P = ParamSpec("P")
    _List: TypeAlias = List["Delivery"]
else:
    _List = list

__all__ = [
    "Delivery",
    "Queue",
    "emit_event",
    "emit_now",
    "emit_queued",
    "raise_failures",
    "run_queue",
]

# How often an event may follow from itself, and how deep emissions may stand in one another: as many
# times as a dispatch lets handlers fire one another.
_ROUNDS = 100

# What is left to bound: an event that follows from itself twice each time, chains through ever new
# objects, and both at once.
_REPEATS = 10_000
_CHAIN = 1_000
_LONGEST = 100_000


class Queue(_List):
    """Deliveries that wait, in order.

    Attributes:
        repeats: how many of them follow from the same event.
    """

    repeats = 0


class Delivery:
    """One event on its way to its handlers.

    Attributes:
        event: the event.
        source: the :class:`~charms_reactive.events.BoundEvent` that it was emitted from, or ``None``.
        cause: the delivery that was the current one when this event was emitted, or ``None``.
        depth: how many immediate emissions this one stands in.
        chain: how many deliveries led to this one.
        rounds: how many of the deliveries that led to this one were of the same event.
        queue: what waits for this one, or for the one that it has waited for itself.
    """

    __slots__ = ("cause", "chain", "depth", "event", "queue", "rounds", "source")

    def __init__(self, event: Event, cause: Optional[Delivery], source: Any = None) -> None:
        self.event = event
        self.source = source
        self.cause = cause
        self.depth = 0
        self.chain: int = 0 if cause is None else cause.chain + 1
        self.rounds = 0
        self.queue: Optional[Queue] = None

    def __str__(self) -> str:
        if self.source is not None:
            return str(self.source)
        origin = self.event.origin
        name = type(self.event).__name__
        if origin is None:
            return name
        return "%s of %s" % (name, origin if isinstance(origin, str) else getattr(origin, "__name__", "..."))

    def is_like(self, other: Delivery) -> bool:
        """Whether both are of the same event: of the same class, from the same place."""
        return (
            type(self.event) is type(other.event)
            and self.source == other.source
            and same(self.event.origin, other.event.origin)
        )

    def before(self) -> Optional[Delivery]:
        """The nearest of the deliveries that led to this one that is like it."""
        cause = self.cause
        while cause is not None and not cause.is_like(self):
            cause = cause.cause
        return cause

    def cycle(self, reason: str) -> EventCycleError:
        """The error that names how this one came about, from the last one that was like it."""
        first, steps = self.before(), [str(self)]
        cause = self.cause
        while cause is not None and len(steps) < 20:
            steps.append(str(cause))
            if cause is first:
                break
            cause = cause.cause
        return EventCycleError(steps[::-1], reason)


if TYPE_CHECKING:

    def emit_event(
        event_class: Callable[P, E], /, origin: Any = None, *args: P.args, **attrs: P.kwargs
    ) -> E: ...
else:

    def emit_event(event_class: Type[E], /, origin: Any = None, **attrs: Any) -> E:
        """Make an event and run all its handlers.

        Args:
            event_class: the class of the event; of the events of records also ``PostRecordUpdate[Setting]``,
                which names the origin.
            origin: where the event comes from: any object. Handlers that were registered with an origin
                hear the event if theirs is this one, or equal to it; others hear it in any case.
            attrs: the event's attributes.

        Returns:
            The event, as its handlers have left it.

        Raises:
            EventAttributeError: the class has no attribute of that name; it is a :class:`TypeError`.
            EventUseError: ``event_class`` is no event class.
            EventCycleError: handlers keep causing the same events.
            EventHandlerError: a handler has raised, outside of hooks in strict mode; a hook fails at its end.
        """
        registry = event_registry.in_use
        plan = registry.plans.get(event_class)
        if plan is None:
            origin = origin_of(event_class, origin)
            event_class = class_of(event_class)
            plan = registry.plan(event_class)
        event = event_class(**attrs)
        if origin is not None:
            set_attribute(event, "origin", origin)
        handlers = plan.heard_by(origin) if plan.origins else plan.everywhere
        if handlers or event_class._sets is not None or is_watched(registry):
            emit_now(registry, Delivery(event, registry.current), handlers)
        return event


def is_watched(registry: Registry) -> bool:
    """Whether somebody is to be told of an emission that nobody hears."""
    notes = trace.notes
    return bool(registry.watchers or trace.traced or (notes is not None and notes.whole))


def watch(registry: Registry, delivery: Delivery, handlers: Tuple[Handler, ...]) -> Tuple[Handler, ...]:
    """Tell those who watch; returns what to call in place of the handlers."""
    notes = trace.notes
    if notes is not None and not is_watched(registry):
        notes.event(type(delivery.event).__name__)
        return handlers
    from . import watching  # few do

    return watching.watch(registry, delivery, handlers)


def emit_now(registry: Registry, delivery: Delivery, handlers: Tuple[Handler, ...]) -> None:
    """Deliver an event inside the current one, then all that has come to wait for it.

    Raises:
        EventCycleError: emissions stand in one another too deep.
    """
    cause = delivery.cause
    if cause is not None:
        delivery.depth = cause.depth + 1
        if delivery.depth > _ROUNDS:
            raise delivery.cycle("events are emitted inside one another, %d deep" % _ROUNDS)
    _deliver(registry, delivery, handlers)
    if delivery.queue is not None:
        run_queue(registry, delivery.queue, delivery.depth)
    if registry.failures:
        raise_failures(registry)


def raise_failures(registry: Registry) -> None:
    """Once the outermost emission is through, fail it if a handler has failed and that is wanted.

    Within a hook it is the hook that fails, when it ends.

    Raises:
        EventHandlerError: one has.
    """
    if registry.current is not None:
        return
    failures, registry.failures = registry.failures, []
    if failures:
        raise EventHandlerError([words for _, words in failures]) from failures[0][0]


def emit_queued(current: Delivery, delivery: Delivery) -> None:
    """Put an event behind the one that is being handled.

    Raises:
        EventCycleError: it has followed from itself too often.
    """
    if current.queue is None:
        current.queue = Queue()
    queue = current.queue
    before = delivery.before()
    if before is not None:
        delivery.rounds = before.rounds + 1
        queue.repeats += 1
        if delivery.rounds >= _ROUNDS or queue.repeats >= _REPEATS:
            reason = "an event follows from itself again and again, stopped after %d times" % queue.repeats
            raise delivery.cycle(reason)
    if delivery.chain >= _CHAIN or len(queue) >= _LONGEST:
        raise delivery.cycle("events follow from one another without end, stopped after %d" % len(queue))
    queue.append(delivery)


def run_queue(registry: Registry, queue: Queue, depth: int) -> None:
    """Deliver what waits, in order, and what comes to wait meanwhile."""
    for delivery in queue:
        delivery.queue = queue
        delivery.depth = depth
        event = delivery.event
        source = delivery.source
        if source is None:
            handlers = registry.plan(type(event)).heard_by(event.origin)
        else:
            handlers = source.handlers(registry)
        _deliver(registry, delivery, handlers)


def _deliver(registry: Registry, delivery: Delivery, handlers: Tuple[Handler, ...]) -> None:
    """Run the handlers of one event."""
    event = delivery.event
    here = registry._here  # of this thread; as `registry.current` has it, without the way there
    outer = getattr(here, "current", None)
    here.current = delivery
    try:
        source = delivery.source
        flag = event._sets if source is None else source._source.sets and source.flag
        if trace.told:
            handlers = watch(registry, delivery, handlers)
        if flag is not None:
            # Before the handlers: they see it set, and one that clears it has the last word.
            flags.set_flag(flag)
        if juju_log._waiting:
            juju_log.hand_over()
        for handler in handlers:
            try:
                result = handler(event)
                if type(result) in _UNRUN:
                    raise EventUseError(_UNRUN_RESULT % name_of(handler))
            except EventCycleError:
                raise
            except RecursionError as error:
                # Only the outermost emission has room to go on; here each handler would fail alike.
                if delivery.depth:
                    raise
                _report(registry, error, delivery, handler)
            except Exception as error:  # noqa: BLE001 -- one handler's failure is not the others'
                _report(registry, error, delivery, handler)
    finally:
        here.current = outer


_UNRUN_RESULT = "%s returns a coroutine or generator, of which nothing has run"


def _report(registry: Registry, error: Exception, delivery: Delivery, handler: Handler) -> None:
    """Log an exception of a handler, and report it to whoever wants to know."""
    handler = (
        getattr(handler, "handler", handler) if registry.watchers or trace.notes or trace.traced else handler
    )
    count(registry, error, log(lambda: "event handler %s failed on %s" % (name_of(handler), delivery), error))
    if registry.reporter is not None:
        try:
            registry.reporter(error, delivery.event, handler)
        except Exception as failure:  # noqa: BLE001 -- reporting must not do what it reports
            log(lambda: "the error reporter %s failed" % name_of(registry.reporter), failure)
