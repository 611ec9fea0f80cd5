"""The unit's status, and its application's: said from anywhere, settled in one place.

Code that comes upon a condition adds a status for it and goes on; the context around it settles in
the end which one is shown. Each dispatch is such a context, and a charm can open its own::

    from charms_reactive import status
    from charms_reactive.status import BlockedStatus, MaintenanceStatus

    with status.context():
        status.add(MaintenanceStatus("Configuring"))
        if not password:
            status.add(BlockedStatus("The option password is needed"))

The status classes of the operator framework do as well as those of this module, and a context can be
opened for one of its units.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock
from contextvars import ContextVar

from . import bus
from ._errors import ReactiveError
from ._errors.rare import ReconcilerError, StatusError
from ._juju import juju_log, status_tools
from .handlers import Handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, Dict, List, Optional, Tuple, Type, TypeVar, Union

    from typing_extensions import Literal, Protocol

    class AnyStatus(Protocol):
        """One of the classes below, or of the operator framework's."""

        @property
        def name(self) -> Any: ...
        @property
        def message(self) -> Any: ...

    Leader = Union[bool, Callable[[], bool], None]
    F = TypeVar("F", bound=Callable[..., Any])

__all__ = [
    "ActiveStatus",
    "BlockedStatus",
    "Context",
    "MaintenanceStatus",
    "ReconcilerError",
    "Status",
    "WaitingStatus",
    "add",
    "application",
    "context",
    "on_error",
]


# -- statuses -----------------------------------------------------------------------------------
class Status:
    """A status and its message; use one of the four subclasses. Equal if class and message are.

    Args:
        message: what the people who run the unit should know, in a line.

    Raises:
        StatusError: the message is not a string.
    """

    #: As Juju calls it.
    name = ""
    __slots__ = ("_message",)

    def __init__(self, message: str = "") -> None:
        if not self.name:
            raise StatusError(type(self), "use one of its subclasses")
        if not isinstance(message, str):
            raise StatusError(message, "the message of a status must be a string")
        self._message = message

    @property
    def message(self) -> str:
        """The message."""
        return self._message

    def __eq__(self, other: object) -> bool:
        return self._message == other._message if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, self._message))

    def __repr__(self) -> str:
        return "%s(%r)" % (type(self).__name__, self._message)


class ActiveStatus(Status):
    """The unit does what it is there for."""

    __slots__ = ()
    name = "active"


class BlockedStatus(Status):
    """Somebody has to do something before the unit can go on."""

    __slots__ = ()
    name = "blocked"


class WaitingStatus(Status):
    """The unit will go on by itself, once something else is ready."""

    __slots__ = ()
    name = "waiting"


class MaintenanceStatus(Status):
    """The unit is at work at this moment."""

    __slots__ = ()
    name = "maintenance"


_CLASSES = {kind.name: kind for kind in (ActiveStatus, BlockedStatus, WaitingStatus, MaintenanceStatus)}


def _checked(status: AnyStatus) -> AnyStatus:
    """The status, if it is one.

    Raises:
        StatusError: it is not, or none that a charm can set.
    """
    name = getattr(status, "name", None)
    if isinstance(status, type):
        what = "a status is needed, not its class; give it a message: %s('...')" % status.__name__
        raise StatusError(status, what)
    if not isinstance(name, str) or not isinstance(getattr(status, "message", None), str):
        raise StatusError(status, "it is not a status, such as status.BlockedStatus('...')")
    if name not in _CLASSES:
        raise StatusError(status, "a charm can set %s, and not %s" % (", ".join(sorted(_CLASSES)), name))
    return status


def _facts(status: Any) -> Optional[Tuple[str, str]]:
    """Name and message, of anything that has them."""
    name, message = getattr(status, "name", None), getattr(status, "message", None)
    return (name, message) if isinstance(name, str) and isinstance(message, str) else None


def _in_words(status: AnyStatus) -> str:
    return "%s: %s" % (status.name, status.message) if status.message else str(status.name)


def _after(error: BaseException) -> BlockedStatus:
    """What is shown once an exception has come through that nobody foresaw.

    Without its message, which may hold what is not for everybody who may look at a status.
    """
    return BlockedStatus("unexpected error: %s" % type(error).__name__)


# -- the operator framework, if it is there -----------------------------------------------------
def _ops_status(name: str) -> Optional[Type[Any]]:
    """The operator framework's class for a status, if the charm has imported it."""
    return getattr(sys.modules.get("ops.model"), name.capitalize() + "Status", None)


def _is_ops_status(status: object) -> bool:
    base = getattr(sys.modules.get("ops.model"), "StatusBase", None)
    return base is not None and isinstance(status, base)


def _is_ops_holder(holder: object) -> bool:
    model = sys.modules.get("ops.model")
    return model is not None and isinstance(holder, (model.Unit, model.Application))


# -- where a status is shown --------------------------------------------------------------------
class _Juju:
    """The status that Juju shows, of the unit or the application."""

    holder: Any = None

    def __init__(self, application: bool = False, leader: Leader = None) -> None:
        self.application = application
        self._leader = leader

    def is_as(self, other: Any) -> bool:
        """Whether both are the same place."""
        return type(other) is type(self) and other.application == self.application

    def may_set(self, status: AnyStatus) -> bool:
        """Whether the status is this unit's to set; an application's is its leader's."""
        if not self.application or self._leads():
            return True
        juju_log.log(
            "left to the leader: application status %s %s" % (status.name, status.message), juju_log.DEBUG
        )
        return False

    def _leads(self) -> bool:
        if self._leader is None:
            return status_tools.is_leader()
        return bool(self._leader() if callable(self._leader) else self._leader)

    def set(self, status: AnyStatus, sure: bool = True) -> None:
        """Show a status, unless it is shown already.

        Args:
            status: what to show.
            sure: ask Juju whether what seems to be shown still is. Others may have set a status
                since; for what is only said on the way, a process is too much to find out.
        """
        if not self.may_set(status):
            return
        wanted = (status.name, status.message)
        sent = self.last_sent()
        if sent is None or sent == wanted:
            known = sent
            if sure and not status_tools.intercepted():
                known = status_tools.shown(self.application) or sent
            if known == wanted:
                self._note(wanted)
                return
        status_tools.send(status.name, status.message, self.application)
        self._note(wanted)
        course = bus.open_course()
        if course is not None:
            _in_dispatch(course)  # which will want to know how it ends

    def last_sent(self) -> Optional[Tuple[str, str]]:
        """What this module has sent last in the hook that Juju runs now, or found there."""
        hook, sent = _state.sent.get(self.application, (None, None))
        return sent if hook == os.environ.get("JUJU_CONTEXT_ID") else None

    def _note(self, sent: Tuple[str, str]) -> None:
        _state.sent[self.application] = (os.environ.get("JUJU_CONTEXT_ID"), sent)


class _Held(_Juju):
    """The status that an object holds, such as a unit of the operator framework."""

    def __init__(self, holder: Any, application: bool = False, leader: Leader = None) -> None:
        super().__init__(application, leader)
        self.holder = holder

    def is_as(self, other: Any) -> bool:
        return type(other) is type(self) and other.holder is self.holder

    def set(self, status: AnyStatus, sure: bool = True) -> None:
        if not self.may_set(status):
            return
        juju_log.hand_over()
        try:
            shown = self.holder.status  # The operator framework remembers it, once it has asked.
        except Exception:  # noqa: BLE001 -- whoever cannot tell is told
            shown = None
        if _facts(shown) == (status.name, status.message):
            return
        if _is_ops_holder(self.holder) and not _is_ops_status(status):
            kind = _ops_status(status.name)
            assert kind is not None
            status = kind(status.message)
        self.holder.status = status


# -- contexts -----------------------------------------------------------------------------------
class Context:
    """Gathers the statuses that are added while it is open, and shows one when it closes.

    Made by :func:`context` and :func:`application`, and used in a ``with`` statement.
    """

    def __init__(self, place: _Juju, exit_status: Optional[AnyStatus] = None) -> None:
        self._place = place
        self._exit = None if exit_status is None else _checked(exit_status)
        self._open = False
        self._outer: Optional[Context] = None
        self._forget_all()

    def _forget_all(self) -> None:
        # Blocked and Waiting, and what comes in place of the exit status; each with the handler of the
        # dispatch that has added it.
        self._kept: List[Tuple[AnyStatus, object]] = []
        self._ready: List[Tuple[AnyStatus, object]] = []
        self._any_of_ops = False
        self._any = False

    def __enter__(self) -> Context:
        if self._open:
            raise StatusError(self, "it is open already; each with statement needs a context of its own")
        self._forget_all()
        self._open = True
        self._outer = _state.innermost.get()
        _state.innermost.set(self)
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> Literal[False]:
        self._open = False
        # It may be another one, where a generator or a task goes on in somebody else's context.
        if _state.innermost.get() is self:
            _state.innermost.set(self._outer)
        result = self._result(error)
        if result is not None:
            self._tell_lost(result)
            outer = self._around()
            around = self._around_all() if outer is None else None
            if outer is not None:
                outer._keep(result)
            elif around is not None:
                around.take(result, self._place.application, show=False)
        try:
            self._place.set(result or self._default())
        except ReactiveError as failure:
            if error is None:
                raise
            juju_log.log("the status could not be set: %s" % failure, juju_log.WARNING)
        return False

    def _take(self, status: AnyStatus) -> None:
        """Add a status: show a Maintenance, keep what else there is."""
        if status.name == "maintenance":
            self._any = True
            self._any_of_ops = self._any_of_ops or _is_ops_status(status)
            self._place.set(status, sure=False)
        else:
            self._keep(status)

    def _keep(self, status: AnyStatus) -> None:
        """Keep a status until this context closes, or what one inside it has ended with."""
        self._any = True
        self._any_of_ops = self._any_of_ops or _is_ops_status(status)
        kept = self._kept if status.name in ("blocked", "waiting") else self._ready
        kept.append((status, bus.current_handler()))

    def _forget(self, handler: object) -> None:
        """Drop what a handler has added: it runs again, and will say how things are now."""
        self._kept = [item for item in self._kept if item[1] is not handler]
        self._ready = [item for item in self._ready if item[1] is not handler]

    def _worst(self) -> Optional[AnyStatus]:
        """The earliest Blocked, else the earliest Waiting."""
        for name in ("blocked", "waiting"):
            for status, _ in self._kept:
                if status.name == name:
                    return status
        return None

    def _result(self, error: Optional[BaseException]) -> Optional[AnyStatus]:
        """What this context has to say; ``None`` if only that there was nothing to say."""
        if error is not None and _is_failure(error):
            return self._worst() or _after(error)
        return self._worst() or (self._ready[-1][0] if self._ready else self._exit)

    def _tell_lost(self, shown: AnyStatus) -> None:
        """Log, once, what was added and is not shown, as another one goes before it."""
        lost = [
            "%s%s" % (_in_words(status), " of %s" % handler.id() if isinstance(handler, Handler) else "")
            for status, handler in [*self._kept, *self._ready]
            if _facts(status) != _facts(shown)
        ]
        if lost:
            words = "status: %s is shown; not shown: %s"
            juju_log.log(words % (_in_words(shown), ", ".join(dict.fromkeys(lost))), juju_log.DEBUG)

    def _default(self) -> AnyStatus:
        """The exit status where none was given."""
        kind: Any = ActiveStatus
        if self._any_of_ops:
            kind = _ops_status("active") or kind
        status: AnyStatus = kind("Ready")
        return status

    def _around(self) -> Optional[Context]:
        """The nearest open context for the same place."""
        outer = self._outer
        while outer is not None:
            if outer._open and outer._place.is_as(self._place):
                return outer
            outer = outer._outer
        return None

    def _around_all(self) -> Optional[_InDispatch]:
        """What is added in the dispatch that goes on, in whichever thread."""
        course = bus.open_course()
        if course is None or type(self._place) is not _Juju:
            return None
        return _in_dispatch(course)


def _is_failure(error: BaseException) -> bool:
    """Whether an exception is one; the ``SystemExit`` of a handler that is content is not."""
    return not (isinstance(error, SystemExit) and error.code in (None, 0))


class _InDispatch:
    """What was added in a dispatch outside all contexts: two contexts more, which the bus closes."""

    def __init__(self) -> None:
        self._contexts: Dict[bool, Context] = {}
        # Other threads add as well.
        self._lock = allocate_lock()
        self._settled = False

    def take(self, status: AnyStatus, application: bool, show: bool = True) -> bool:
        """Add a status of the unit, or of its application; ``False`` if all was settled already.

        Args:
            status: what to add.
            application: it is the application's.
            show: show a Maintenance at once, and no more; not where a context has ended with it.
        """
        with self._lock:
            if self._settled:
                return False
            if application not in self._contexts:
                self._contexts[application] = Context(_Juju(application))
            context = self._contexts[application]
            if status.name != "maintenance" or not show:
                context._keep(status)
                return True
        context._take(status)
        return True

    def invoking(self, handler: object) -> None:
        """A handler is about to run; if not for the first time, its last word is what counts."""
        with self._lock:
            for context in self._contexts.values():
                context._forget(handler)

    def over(self, error: Optional[BaseException]) -> None:
        """The dispatch has ended, or what came after it in the hook."""
        if error is not None and _is_failure(error):
            self._failed(error)
            return
        with self._lock:
            contexts = list(self._contexts.values())
            self._contexts.clear()
            self._settled = True
        for context in contexts:
            if not context._any:
                continue
            result = context._result(None)
            if result is not None:
                context._tell_lost(result)
                context._place.set(result)
            elif not self._others_spoke(context._place):
                context._place.set(context._default())

    def _others_spoke(self, place: _Juju) -> bool:
        """Whether the charm has set a status by other means since our last one, which then stands."""
        sent = place.last_sent()
        if sent is None or status_tools.intercepted():
            return False
        if place.application and not place.may_set(MaintenanceStatus()):
            return False
        return status_tools.shown(place.application) not in (None, sent)

    def _failed(self, error: BaseException) -> None:
        """Show what was said before the failure; and if that was that all is well, take it back."""
        for application in (False, True):
            place = _Juju(application)
            context = self._contexts.pop(application, None)
            status = context._worst() if context is not None else None
            sent = place.last_sent()
            if status is None and sent is not None and sent[0] == "active":
                status = _after(error)
            if status is not None:
                if context is not None:
                    context._tell_lost(status)
                try:
                    place.set(status, sure=False)
                except ReactiveError as failure:  # the error itself must come through
                    juju_log.log("the status could not be set: %s" % failure, juju_log.WARNING)


def _in_dispatch(course: bus.Course) -> _InDispatch:
    with _making:
        if course.statuses is None:
            course.statuses = _InDispatch()
        found: _InDispatch = course.statuses
    return found


# Two threads may be the first at once.
_making = allocate_lock()


class _State:
    """All that this module remembers."""

    def __init__(self) -> None:
        #: The innermost context of each thread and task.
        self.innermost: ContextVar[Optional[Context]] = ContextVar("charms_reactive.status", default=None)
        #: What was sent last, for the unit (``False``) and the application, and in which hook.
        self.sent: Dict[bool, Tuple[Optional[str], Tuple[str, str]]] = {}


_state = _State()


# -- what charms use ----------------------------------------------------------------------------
def context(unit: Any = None, exit_status: Optional[AnyStatus] = None) -> Context:
    """A context for the unit's status.

    What is added while it is open, by :func:`add` or :func:`on_error` in the same thread or task, is
    gathered. A Maintenance is shown at once. When the context closes, the earliest Blocked is shown,
    else the earliest Waiting, else the Active that was added last, else the exit status. If an
    exception comes through that ends the block, the exit status is not: then it is the earliest
    Blocked or Waiting, else a Blocked with the exception's class.

    A context inside another one for the same unit shows its status when it closes, and adds it to the
    one around it, unless it was only the default of having nothing to say.

    Args:
        unit: any object with a ``status`` that can be set, such as a unit of the operator framework,
            which is given the framework's own status objects. By default Juju's, by ``status-set``.
        exit_status: what to show if nothing else was added; by default Active, "Ready".

    Raises:
        StatusError: the exit status is none.
        HookToolError: (when it closes) ``status-set`` does not come back.
    """
    return Context(_Juju() if unit is None else _Held(unit), exit_status)


def application(
    app: Any = None,
    exit_status: Optional[AnyStatus] = None,
    *,
    leader: Leader = None,
) -> Context:
    """A context for the application's status: for what is added with ``app=True``.

    It works as :func:`context` does. Only the leader can set its application's status; on any other
    unit nothing is set, and nothing is wrong, since all units run the same code.

    Args:
        app: any object with a ``status`` that can be set, such as an application of the operator
            framework. By default Juju's, by ``status-set --application``.
        exit_status: what to show if nothing else was added; by default Active, "Ready".
        leader: whether this unit is the leader, or what tells when it is called. By default Juju is
            asked, by ``is-leader``.

    Raises:
        StatusError: the exit status is none.
        HookToolError: (when it closes) ``status-set`` or ``is-leader`` does not answer.
    """
    place = _Juju(True, leader) if app is None else _Held(app, True, leader)
    return Context(place, exit_status)


def add(status: AnyStatus, *, app: bool = False) -> None:
    """Add a status to the innermost open context of this thread or task.

    Outside all contexts it is added to the running dispatch, which is a context itself, also by other
    threads of the hook; outside a dispatch it is set at once.

    Args:
        status: a status of this module or of the operator framework.
        app: it is the application's status, and not the unit's.

    Raises:
        StatusError: it is not a status that a charm can set.
        HookToolError: ``status-set`` does not come back.
    """
    _checked(status)
    inner = _state.innermost.get()
    while inner is not None:
        if inner._open and inner._place.application == app:
            inner._take(status)
            return
        inner = inner._outer
    course = bus.open_course()
    if course is None or not _in_dispatch(course).take(status, app):
        _Juju(app).set(status, sure=status.name != "maintenance")


class on_error:  # noqa: N801 -- the name is that of a decorator
    """Add a status if an exception is raised, and raise :class:`.ReconcilerError` in its place.

    Decorates functions, also ``async`` ones and generators, or is used in a ``with`` statement::

        @status.on_error(BlockedStatus("The database does not answer"), ConnectionError)
        def connect(): ...

    A :class:`.ReconcilerError` that comes from further inside goes through as it is. The status is added
    to the one that was added there if that error is one of those meant, as it is where all are.

    Args:
        status: what to add.
        exceptions: classes of exceptions that are meant; by default every :class:`Exception`.
        app: it is the application's status, and not the unit's.

    Raises:
        StatusError: the status is none, or something else than an exception class is given.
        ReconcilerError: (when used) from one of the exceptions.
    """

    def __init__(self, status: AnyStatus, *exceptions: Type[BaseException], app: bool = False) -> None:
        self._status = _checked(status)
        given: Tuple[Any, ...] = exceptions
        for kind in given:
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise StatusError(kind, "on_error takes a status, and then classes of exceptions")
        self._exceptions = exceptions or (Exception,)
        self._app = app

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if isinstance(error, ReconcilerError):
            # One from further inside, which has added its own status and goes on as it is. It is an exception
            # like any other: who means all of them means it, too.
            if isinstance(error, self._exceptions):
                add(self._status, app=self._app)
        elif isinstance(error, self._exceptions):
            add(self._status, app=self._app)
            raise ReconcilerError(self._status, error) from error

    def __call__(self, function: F) -> F:
        from functools import wraps

        from ._dispatch.callables import leaves_unrun

        flags = leaves_unrun(function)
        wrapper: Any
        if flags & _COROUTINE:

            @wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

        elif flags & _ASYNC_GENERATOR:
            raise StatusError(function, "on_error cannot decorate it; use `with on_error(...):` inside")
        elif flags & _GENERATOR:

            @wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return (yield from function(*args, **kwargs))

        else:

            @wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return function(*args, **kwargs)

        return wrapper  # type: ignore[no-any-return]


# What the kinds of functions are marked with in `co_flags`.
_GENERATOR = 0x20
_COROUTINE = 0x80
_ASYNC_GENERATOR = 0x200
