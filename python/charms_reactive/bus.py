"""The bus: finds the charm's handlers and dispatches them until nothing more matches."""

from __future__ import annotations

from _thread import get_ident

from . import flags, handlers, trace
from ._alias import on_demand
from ._engine.choice import BEGIN, HOOKS, INVOKE, LIMIT, MAX_ITERATIONS, OTHER, QUEUED, RESTRICTED, TEST
from ._errors import StrictModeError
from ._juju import juju_log, settings
from ._unit_state import unit_state
from .discovery import (
    _append_path,
    _is_external_handler,
    _load_module,
    _register_handlers_from_file,
    discover,
)
from .handlers import (
    LOG_OPTS,
    PHASE_NAMES,
    Handler,
    _action_id,
    _short_action_id,
    handler_by_number,
    synchronise,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Tuple

    from .external import BrokenHandlerException as BrokenHandlerException
    from .external import ExternalHandler as ExternalHandler
    from .external import FlagWatch as FlagWatch

__all__ = [
    "BrokenHandlerException",
    "ExternalHandler",
    "FlagWatch",
    "Handler",
    "discover",
    "dispatch",
]

# Not used here, but reached through this module by charms and their tests.
_KEPT = (
    LOG_OPTS,
    _action_id,
    _append_path,
    _is_external_handler,
    _load_module,
    _register_handlers_from_file,
    _short_action_id,
)

# Flags by their old names, which charms reach through this module.
State = flags.State
StateList = flags.StateList
set_state = flags.set_flag
remove_state = flags.clear_flag
get_state = flags.get_state
get_states = flags.get_states

#: Is told what becomes of the hook; the events module puts it here when somebody wants to hear of it.
listener: Any = None

#: Exceptions of event handlers in the hook that is running, each with what failed in words, which in strict
#: mode and in tests fail the hook when it ends; ``None`` where no hook runs.
event_failures: Optional[List[Tuple[BaseException, str]]] = None

# The handler that is being tested or invoked, for whoever has to explain an exception.
_current: Optional[Handler] = None

# The course that is open, and the thread that it goes on in.
_course: Optional[Course] = None
_course_thread = 0


class Course:
    """The time in which a dispatch goes on; in a whole hook from its start, so that ``atstart`` counts.

    Attributes:
        statuses: what was said of the unit's status; the ``status`` module puts it here, which a hook
            imports only if the charm uses it.
        may_be_quiet: the hook is one that may leave out handlers of flags that have not changed.
    """

    def __init__(self) -> None:
        self.statuses: Any = None
        self.may_be_quiet = False
        self._outermost = False

    def __enter__(self) -> Course:
        global _course, _course_thread
        if current_course() is None:
            self._outermost = True
            _course, _course_thread = self, get_ident()
        return self

    def __exit__(self, kind: object, error: Optional[BaseException], traceback: object) -> None:
        global _course
        if self._outermost:
            try:
                self.end(error)
            finally:
                _course = None

    def end(self, error: Optional[BaseException]) -> None:
        """Settle what depends on how the dispatch, or what came after it in the hook, has ended."""
        if self.statuses is not None and not unit_state.unit.forked:
            self.statuses.over(error)


def current_course() -> Optional[Course]:
    """The course of the dispatch that goes on in this thread."""
    return _course if _course is not None and get_ident() == _course_thread else None


def open_course() -> Optional[Course]:
    """The course of the dispatch that goes on in this process, in whichever thread."""
    return _course


def current_handler() -> Optional[Handler]:
    """The handler in which the dispatch is, or was when it raised; ``None`` between dispatches."""
    return _current


def raise_event_failures() -> None:
    """Fail the hook in which handlers of events have failed, if that is wanted.

    Raises:
        EventHandlerError: they have.
    """
    global event_failures
    failures, event_failures = event_failures, []
    if failures:
        from ._errors.rare import EventHandlerError

        raise EventHandlerError([words for _, words in failures]) from failures[0][0]


def dispatch(restricted: bool = False) -> None:
    """Test and invoke the registered handlers in iterations, until nothing more matches.

    First the handlers of the hook or action run (phase *hooks*), then those whose flags match
    (phase *other*): in iteration 0 all that match, in each further one those that match and have a
    flag that changed in the one before. The queue of an iteration is fixed when it begins: a flag
    that is set adds nobody to it. A flag that is cleared has the rest of it tested again, so that
    no handler runs whose flags are gone.

    Args:
        restricted: run only the handlers of this restricted hook (``meter-status-changed`` or
            ``collect-metrics``).

    Raises:
        StrictModeError: handlers still match after 100 iterations, and strict mode is on.
        HandlerDeclarationError: a bash script of handlers has a mistake in it.
        Exception: whatever a handler raises; the dispatch ends there.
    """
    with Course():
        _dispatch(restricted)


def say_what_never_runs(new: Optional[List[Handler]] = None) -> None:
    """Say which handlers wait for what cannot come, and which can never be called.

    Args:
        new: the handlers to look at, of those that wait for flags; by default all.

    Raises:
        StrictModeError: there is such a handler, and strict mode is on.
    """
    from ._dispatch import expected  # who only imports the package has no use for it

    doubts = expected.doubts(new)
    if doubts is not None:
        from ._dispatch import undeclared

        undeclared.look_into(*doubts)


def _begin(restricted: bool) -> Any:
    """The engine, with all handlers in it that are to take part in this dispatch."""
    if handlers.undeclared:
        from ._shell import shell_scripts  # most charms have no handlers in bash

        known = set(map(id, Handler.get_handlers()))
        shell_scripts.declare_waiting(RESTRICTED if restricted else HOOKS)
        if not restricted:
            say_what_never_runs([one for one in Handler.get_handlers() if id(one) not in known])
    if handlers.twins:
        from ._dispatch import twins  # few charms make handlers of the same lines

        twins.merge()
    engine = synchronise()
    unit_state.unit.fresh()
    for watch in handlers.file_watches:  # none may hide a change from another
        watch.take_baseline()
    if handlers.hearing:
        from ._dispatch import edges  # few charms have such handlers

        edges.recall()
    return engine


def _dispatch(restricted: bool) -> None:
    global _current
    unit = unit_state.unit
    engine = _begin(restricted)
    tracer = trace.tracer()
    traced = type(tracer) is not trace.NullTracer
    notes = trace.notes
    _tell_start(tracer if traced else None, notes)
    if _course is None or not _course.may_be_quiet or not _start_quietly(engine):
        engine.start(restricted)
    phase = 0
    try:
        while True:
            # Whatever the last step let run may have written rows behind our back.
            unit.fresh()
            if unit.forked or flags._unsaved:
                flags.after_step()
            step, number = engine.next()
            if step == INVOKE:
                _current = handler = handler_by_number(number)
                if _course is not None and _course.statuses is not None:
                    _course.statuses.invoking(handler)
                juju_log.log("Invoking reactive handler: %s" % handler.id())
                juju_log.hand_over()
                if notes is not None:
                    notes.invoke(handler)
                if listener is None:
                    handler.invoke()
                else:
                    listener.invoke(handler)
            elif step == TEST:
                _current = handler = handler_by_number(number)
                engine.answer(_ask(handler))
            elif step == BEGIN:
                if number != phase:
                    phase = number
                    unit.set(unit_state.PHASE, PHASE_NAMES[phase])
            elif step == QUEUED:
                if traced or notes is not None:
                    _tell_queue(tracer if traced else None, notes, phase, engine.iteration())
            else:
                break
    except BaseException:
        engine.abort()
        raise
    _current = None
    if step == LIMIT:
        _report_limit(engine)


def _start_quietly(engine: Any) -> bool:
    """Begin a quiet dispatch, if the charm wants update-status to be one and it is known what has changed."""
    if not (settings.may_be_quiet() and settings.quiet_update_status()):
        return False
    from ._dispatch import quiet  # few charms ask for it

    changed = quiet.changed_flags()
    if changed is None:
        return False
    engine.start(False, True)
    for flag in changed:
        engine.touch(flag)
    return True


def _ask(handler: Handler) -> bool:
    """Ask what the engine cannot answer; it has seen to the flags already."""
    juju_log.hand_over()
    if type(handler).test is Handler.test:
        return handler.ask()
    return handler.test()


def _tell_start(tracer: Any, notes: Any) -> None:
    if notes is not None:
        notes.dispatch()
    if tracer is not None:
        tracer.start_dispatch()


def _tell_queue(tracer: Any, notes: Any, phase: int, iteration: int) -> None:
    queued = [handler_by_number(number) for number in unit_state.unit.engine.queue()]
    begins = phase != OTHER or iteration == 0
    if notes is not None:
        notes.queued(PHASE_NAMES[phase], iteration, queued, begins)
    if tracer is None:
        return
    if begins:
        tracer.start_dispatch_phase(PHASE_NAMES[phase], queued)
    if phase == OTHER:
        tracer.start_dispatch_iteration(iteration, queued)


def _report_limit(engine: Any) -> None:
    """Name the handlers and flags of a ping-pong that was stopped."""
    matching = ", ".join(handler_by_number(number).id() for number in engine.queue())
    changed = ", ".join(engine.changed())
    if changed:
        message = (
            "stopped after %d iterations, in which handlers kept firing one another; still matching: %s; "
            "flags that kept changing: %s" % (MAX_ITERATIONS, matching, changed)
        )
    else:  # an external handler, or one whose class has a test of its own
        message = (
            "stopped after %d iterations, at the end of which no flag changed any more; still matching, by a "
            "test that does not look at flags and never says no: %s" % (MAX_ITERATIONS, matching)
        )
    if settings.strict():
        raise StrictModeError(message)
    juju_log.log(message, juju_log.WARNING)


if not TYPE_CHECKING:  # the classes of external handlers, which most charms have none of
    __getattr__, __dir__ = on_demand(globals(), dict.fromkeys(__all__, "external"), old=True)
