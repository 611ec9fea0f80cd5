"""Who handles which event: registrations, and for each class of event the handlers that hear it."""

from __future__ import annotations

from _thread import _local
from itertools import count

from charms_reactive import trace
from charms_reactive._dispatch.callables import (
    leaves_unrun,
    place_of,
    takes,
    unrun_in_words,
    wanted_arguments,
)
from charms_reactive._errors.rare import EventUseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple, Type

    from typing_extensions import TypeAlias

    from .event_class import Event

    Handler: TypeAlias = Callable[[Any], object]
    #: When it was registered, the origin it wants to hear (``None``: all), and what to call.
    Entry: TypeAlias = Tuple[int, Any, Handler]
    #: Is told of exceptions in handlers: the exception, the event, the handler.
    Reporter: TypeAlias = Callable[[Exception, Event, Handler], object]

__all__ = ["Plan", "Registry", "check_handler", "heard", "numbers", "once"]

#: Numbers registrations, so that those with classes and those on objects have one order.
numbers = count()


def check_handler(handler: Any) -> None:
    """Refuse what can never handle an event.

    Raises:
        EventUseError: it is not callable, a coroutine or generator function, or not to be called with the
            event alone.
    """
    if not callable(handler):
        raise EventUseError(
            "a handler of events must be callable, and not of type %s" % type(handler).__name__
        )
    if leaves_unrun(handler):
        raise EventUseError("this handler of events would never run: %s" % unrun_in_words(handler))
    wants = wanted_arguments(handler, given=1)
    if _is_method(handler):
        reason = (
            "it is a method of no object yet; give observe() or handle_event() the method of an object, as "
            "in handle_event(Ready)(thing.method), or handle the event in a function"
        )
    elif wants:
        reason = "it is called with the event, and wants %s besides" % wants
    elif not takes(handler, 1):
        reason = "it is called with the event, and takes no argument"
    else:
        return
    raise EventUseError("%s cannot handle events: %s" % (place_of(handler), reason))


def _is_method(handler: Any) -> bool:
    """Whether a function stands in a class and takes ``self``, and so is no function of its own."""
    code = getattr(handler, "__code__", None)
    if type(handler) is not type(_is_method) or code is None or code.co_varnames[:1] != ("self",):
        return False
    return bool(code.co_argcount) and handler.__qualname__.rpartition(".")[0][-8:] not in ("", "<locals>")


def once(entries: List[Entry]) -> Tuple[Handler, ...]:
    """The handlers of these entries in order, each once, however often it is registered."""
    handlers: List[Handler] = []
    seen = set()
    for _, _, handler in sorted(entries, key=_number):
        try:
            known = handler in seen
            seen.add(handler)
        except TypeError:  # not hashable
            known = handler in handlers
        if not known:
            handlers.append(handler)
    return tuple(handlers)


def _number(entry: Entry) -> int:
    return entry[0]


def same(one: Any, other: Any) -> bool:
    """Whether two origins are the same: identical, or equal as far as they can be compared."""
    if one is other:
        return True
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 -- what cannot be compared is not equal
        return False


class Plan:
    """Who hears the events of one class. It is made anew, never changed, when that changes.

    Attributes:
        entries: all registrations for the class and its base classes, in order.
        everywhere: the handlers that want no particular origin.
        muted: nobody is to hear them now.
        origins: whether there are others.
    """

    __slots__ = (
        "_by_identity",
        "_by_value",
        "_groups",
        "_heard",
        "_order",
        "_unhashable",
        "entries",
        "everywhere",
        "muted",
        "origins",
    )

    def __init__(
        self,
        entries: List[Entry],
        order: Sequence[Tuple[Any, Any]] = (),
        groups: Sequence[Tuple[Any, str]] = (),
        muted: bool = False,
    ) -> None:
        self._order = order
        self._groups = groups
        self.muted = muted
        self.entries = entries
        self.everywhere = self.arranged(once([entry for entry in entries if entry[1] is None]))
        self._by_value: Dict[Any, Any] = {}
        self._by_identity: Dict[int, Any] = {}
        self._unhashable = False
        # The handlers per origin, for the origins that somebody has registered with.
        self._heard: Dict[int, Tuple[Handler, ...]] = {}
        for _, origin, _ in entries:
            if origin is not None:
                try:
                    first = self._by_value.setdefault(origin, origin)
                except TypeError:
                    self._unhashable = True
                else:
                    self._by_identity[id(origin)] = first
        self.origins = self._unhashable or bool(self._by_value)

    def arranged(self, handlers: Tuple[Handler, ...]) -> Tuple[Handler, ...]:
        """Handlers in the order that they ask for, if any does."""
        if not self._order or len(handlers) < 2:
            return handlers
        from .event_order import arrange  # few do

        return arrange(handlers, self._order, self._groups)

    def heard_by(self, origin: Any) -> Tuple[Handler, ...]:
        """The handlers of an event with this origin, in order."""
        if origin is None or not self.origins:
            return self.everywhere
        if self._unhashable:
            return self.arranged(once(self.matching(origin)))
        try:
            known = self._by_value.get(origin)
        except TypeError:
            return self.arranged(once(self.matching(origin)))
        if known is None:
            # What has changed its hash since is still the same object.
            known = self._by_identity.get(id(origin))
            if known is None:
                return self.everywhere
        heard = self._heard.get(id(known))
        if heard is None:
            heard = self._heard[id(known)] = self.arranged(once(self.matching(known)))
        return heard

    def matching(self, origin: Any) -> List[Entry]:
        """The entries that an event with this origin is for."""
        return [entry for entry in self.entries if entry[1] is None or same(entry[1], origin)]


class Registry:
    """All that is known of events in this process: one object, so that it can be replaced as a whole.

    Attributes:
        plans: by class of event, as far as they were asked for.
        current: the delivery whose handlers are running in this thread, or ``None``.
        noted: deliveries of flag changes that wait, in this thread, for their chain of triggers to end.
        failures: exceptions of handlers, outside of hooks and where that is wanted, for the outermost
            emission of this thread to raise.
        savepoints: the blocks of ``records.atomic`` that are open, by the names of their savepoints.
        watchers: are told of each emission; see ``watching``.
        muted: classes whose events nobody hears now.
        order: pairs of handlers or names of groups, of which the first is called before the second.
        groups: handlers with the names of their groups.
        token: another object after each change of who hears what.
        after_commit: what is to be called once the hook is committed, and what to call it in the log.
        reporter: what :func:`~charms_reactive.events.set_error_reporter` was given.
    """

    def __init__(self) -> None:
        self.entries: Dict[Type[Event], List[Entry]] = {}
        self._known: Set[Any] = set()
        self.plans: Dict[Type[Event], Plan] = {}
        # Each thread has its own: nothing of one thread's emission is left for another.
        self._here: Any = _local()
        self.watchers: Tuple[Any, ...] = ()
        self.muted: List[Type[Event]] = []
        self.order: List[Tuple[Any, Any]] = []
        self.groups: List[Tuple[Any, str]] = []
        self.token = object()
        self.savepoints: List[str] = []
        self.after_commit: List[Tuple[Callable[[], object], Any]] = []
        self.reporter: Optional[Reporter] = None

    @property
    def current(self) -> Any:
        return getattr(self._here, "current", None)

    @current.setter
    def current(self, delivery: Any) -> None:
        self._here.current = delivery

    @property
    def noted(self) -> List[Any]:
        try:
            noted: List[Any] = self._here.noted
        except AttributeError:
            noted = self._here.noted = []
        return noted

    @noted.setter
    def noted(self, deliveries: List[Any]) -> None:
        self._here.noted = deliveries

    @property
    def failures(self) -> List[Tuple[BaseException, str]]:
        try:
            failures: List[Tuple[BaseException, str]] = self._here.failures
        except AttributeError:
            failures = self._here.failures = []
        return failures

    @failures.setter
    def failures(self, failures: List[Tuple[BaseException, str]]) -> None:
        self._here.failures = failures

    def add(self, event_class: Type[Event], origin: Any, handler: Handler) -> bool:
        """Register a handler; a second time is the same as once. Returns whether it was new."""
        entries = self.entries.setdefault(event_class, [])
        try:
            if (event_class, origin, handler) in self._known:
                return False
            self._known.add((event_class, origin, handler))
        except TypeError:  # not hashable
            if any(known == handler and same(wanted, origin) for _, wanted, known in entries):
                return False
        entries.append((next(numbers), origin, handler))
        self.changed()
        return True

    def remove(self, event_class: Type[Event], origin: Any, handler: Handler) -> bool:
        """Take a registration away; ``False`` if there is none."""
        entries = self.entries.get(event_class, [])
        left = [entry for entry in entries if not (entry[2] == handler and same(entry[1], origin))]
        if len(left) == len(entries):
            return False
        self.entries[event_class] = left
        try:
            self._known.discard((event_class, origin, handler))
        except TypeError:
            pass
        self.changed()
        return True

    def changed(self) -> None:
        """Forget who hears what."""
        self.plans.clear()
        self.token = object()

    def plan(self, event_class: Type[Event]) -> Plan:
        """Who hears the events of this class; made now if it was not asked for since it last changed."""
        plan = self.plans.get(event_class)
        if plan is None:
            found = [entry for base in event_class.__mro__ for entry in self.entries.get(base, ())]
            found.sort(key=_number)
            muted = any(issubclass(event_class, one) for one in self.muted)
            plan = Plan([] if muted else found, self.order, self.groups, muted)
            self.plans[event_class] = plan
        return plan


def heard(event_class: Type[Event], origin: Any) -> bool:
    """Whether anybody would notice that an event of this class and origin is emitted."""
    registry = in_use
    plan = registry.plans.get(event_class) or registry.plan(event_class)
    handlers = plan.heard_by(origin) if plan.origins else plan.everywhere
    notes = trace.notes
    watched = registry.watchers or trace.traced or (notes is not None and notes.whole)
    return bool(handlers or watched) or event_class._sets is not None


#: Everything that is known of events. Test harnesses put a new one here, and the old one back.
in_use = Registry()
