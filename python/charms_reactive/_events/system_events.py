"""The events of the framework's own life, and how they come about at no cost while nobody listens.

``flags`` and ``bus`` have a place for a listener each, which is empty until the first handler for such
an event is registered.
"""

from __future__ import annotations

from charms_reactive import bus, flags
from charms_reactive._dispatch.callables import wanted_arguments
from charms_reactive._errors.rare import EventUseError
from charms_reactive._juju import juju_log
from charms_reactive._unit_state import unit_state

from . import event_registry
from .event_class import Event, set_attribute
from .event_delivery import (
    Delivery,
    Queue,
    emit_event,
    emit_queued,
    raise_failures,
    run_queue,
)
from .event_failures import name_of, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Type

    from charms_reactive._unit_state.fresh_rows import Change
    from charms_reactive.handlers import Handler

__all__ = [
    "AfterCommit",
    "SystemEvent",
    "HookStarted",
    "FlagSet",
    "FlagCleared",
    "HandlerInvoked",
    "HandlerFailed",
    "HookCommitted",
    "HookFailed",
    "listen",
    "on_commit",
]


class SystemEvent(Event):
    """Base of the events of the framework's own life; a handler of it hears them all."""


class HookStarted(SystemEvent):
    """A hook has started: the charm's modules are imported, and nothing else of it has run.

    Origin: the hook's name.

    Attributes:
        hook: name of the hook or action.
    """

    hook: str


class FlagSet(SystemEvent):
    """A flag was set that was not set before. Origin: the flag.

    Attributes:
        flag: its name.
    """

    flag: str


class FlagCleared(SystemEvent):
    """A flag was cleared that was set. Origin: the flag.

    Attributes:
        flag: its name.
    """

    flag: str


class HandlerInvoked(SystemEvent):
    """A handler of flags, hooks or actions was invoked and is done.

    Origin: its function; of an external handler, or a function of bash, the path of its file.

    Attributes:
        handler: the handler's id, as the log has it.
        seconds: how long it took.
    """

    handler: str
    seconds: float


class HandlerFailed(SystemEvent):
    """A handler of flags, hooks or actions has raised, which ends the hook; nothing is rolled back yet.

    Origin: as for :class:`HandlerInvoked`.

    Attributes:
        handler: the handler's id.
        seconds: how long it took.
        error: the exception.
    """

    handler: str
    seconds: float
    error: BaseException


class HookCommitted(SystemEvent):
    """A hook has succeeded, and its changes are on disk. Origin: the hook's name.

    What handlers change now is not kept.

    Attributes:
        hook: name of the hook or action.
    """

    hook: str


class HookFailed(SystemEvent):
    """A hook has failed, and its changes are rolled back. Origin: the hook's name.

    What handlers change now is not kept.

    Attributes:
        hook: name of the hook or action.
        error: the exception.
    """

    hook: str
    error: BaseException


_OF_FLAGS = (FlagSet, FlagCleared)
_OF_HOOKS = (HookStarted, HandlerInvoked, HandlerFailed, HookCommitted, HookFailed)


def listen(event_class: Type[Event]) -> None:
    """See to it that handlers of this class hear what happens, if it is a system event or a base of one."""
    if any(issubclass(kind, event_class) for kind in _OF_FLAGS):
        flags.listener = FlagListener
    if any(issubclass(kind, event_class) for kind in _OF_HOOKS):
        bus.listener = HookListener


class FlagListener:
    """Is told by ``flags`` of every change, in order, and when the chain of triggers has ended."""

    @staticmethod
    def note(changes: List[Change]) -> None:
        """Keep the changes that somebody wants to hear of."""
        registry = event_registry.in_use
        for flag, on in changes:
            kind: Any = FlagSet if on else FlagCleared
            if registry.plan(kind).heard_by(flag):
                event = kind(flag=flag)
                set_attribute(event, "origin", flag)
                registry.noted.append(Delivery(event, registry.current))

    @staticmethod
    def tell() -> None:
        """Emit what was kept: at once, or behind the event that is being handled."""
        registry = event_registry.in_use
        noted, registry.noted = registry.noted, []
        current = registry.current
        if current is None:
            run_queue(registry, Queue(noted), 0)
            raise_failures(registry)
        else:
            for delivery in noted:
                emit_queued(current, delivery)


class HookListener:
    """Is told by ``bus`` and ``_main`` what becomes of the hook."""

    @staticmethod
    def started(hook: str) -> None:
        """The charm's modules are imported."""
        _emit(HookStarted, hook, hook=hook)

    @staticmethod
    def invoke(handler: Handler) -> None:
        """Invoke a handler, and tell of it."""
        from time import perf_counter

        origin = getattr(handler, "filepath", handler._action)
        begin = perf_counter()
        try:
            handler.invoke()
        except BaseException as error:
            if unit_state.unit.forked:
                raise  # it is not this process that runs the hook
            seconds = perf_counter() - begin
            if isinstance(error, SystemExit) and error.code in (None, 0):
                _emit(HandlerInvoked, origin, handler=handler.id(), seconds=seconds)
            else:
                _emit(HandlerFailed, origin, handler=handler.id(), seconds=seconds, error=error)
            raise
        _emit(HandlerInvoked, origin, handler=handler.id(), seconds=perf_counter() - begin)

    @staticmethod
    def committed(hook: str) -> None:
        """The unit state is on disk."""
        try:
            _emit(HookCommitted, hook, hook=hook)
            _call_after_commit()
        except SystemExit as stop:
            if stop.code not in (None, 0):
                raise
        finally:
            _discard("HookCommitted")

    @staticmethod
    def failed(hook: str, error: BaseException) -> None:
        """The unit state is rolled back. Whatever goes wrong here must not hide the error itself."""
        registry = event_registry.in_use
        registry.noted.clear()  # the changes are undone by now
        registry.after_commit.clear()
        try:
            _emit(HookFailed, hook, hook=hook, error=error)
            _discard("HookFailed")
        except BaseException as failure:  # noqa: BLE001 -- SystemExit(0) would make it a success
            juju_log.log("a handler of HookFailed raised %r, which does not count" % failure, juju_log.ERROR)
            try:
                unit_state.unit.rollback()
                juju_log.hand_over()
            except Exception:  # noqa: BLE001 -- log or unit state are gone; the error still reaches stderr
                pass


def on_commit(callback: Callable[[], object]) -> None:
    """Call something once the hook is committed, and not at all if it fails.

    Callbacks run in the order in which they were given, after the handlers of ``HookCommitted``. As
    there, what they change is not kept, and an exception is logged and stops neither the others nor the hook.

    Args:
        callback: is called without arguments.

    Raises:
        EventUseError: it cannot be called so.
    """
    given: Any = callback
    if not callable(given) or wanted_arguments(given, given=0):
        raise EventUseError("on_commit() takes what can be called without arguments")
    _call_later(given, given)


def _call_later(callback: Callable[[], object], named: Any) -> None:
    listen(HookCommitted)
    event_registry.in_use.after_commit.append((callback, named))


class AfterCommit:
    """A handler of events that is called once the hook is committed, with the event as it is by then.

    Two of the same handler are equal, as handlers are.
    """

    def __init__(self, handler: Any) -> None:
        self.__wrapped__ = handler

    def __call__(self, event: Event) -> None:
        handler = self.__wrapped__
        _call_later(lambda: handler(event), handler)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AfterCommit) and bool(self.__wrapped__ == other.__wrapped__)

    def __hash__(self) -> int:
        return hash((AfterCommit, self.__wrapped__))


def _call_after_commit() -> None:
    """Call what waits for the commit, and what comes to wait meanwhile."""
    waiting = event_registry.in_use.after_commit
    while waiting:
        callback, named = waiting.pop(0)
        try:
            callback()
        except Exception as error:  # noqa: BLE001 -- one callback's failure is not the others'
            report("%s, called after the commit, failed" % name_of(named), error)


def _emit(event_class: Type[Event], origin: Any, **attrs: Any) -> None:
    emit_event(event_class, origin, **attrs)


def _discard(event: str) -> None:
    """Undo what handlers have changed too late: it would be kept by whoever commits next, or not at all."""
    lost = unit_state.unit.rollback()
    if lost:
        names = ", ".join(flag for flag, _ in lost)
        juju_log.log(
            "handlers of %s changed flags too late to be kept: %s" % (event, names), juju_log.WARNING
        )
        juju_log.hand_over()
