"""One hook from beginning to end: discover, dispatch, commit or roll back."""

from __future__ import annotations

import os
import sys

from charms_reactive import bus, flags, trace
from charms_reactive._errors import ReactiveError, in_words
from charms_reactive._juju import environment, hook_tools, juju_log, settings
from charms_reactive._juju.environment import hookenv
from charms_reactive._unit_state import unit_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Tuple

    from charms_reactive._unit_state.fresh_rows import Change

__all__ = ["main"]


def main(relation_name: Optional[str] = None) -> None:  # noqa: ARG001 -- some hooks pass it
    """Run the charm's handlers for the current hook or action.

    Finds the handlers, runs what was registered with ``hookenv.atstart``, dispatches, runs what was
    registered with ``hookenv.atexit`` in reverse order, and commits the unit state. In restricted
    hooks nothing of ``atstart`` and ``atexit`` runs. If anything raises, the unit state is rolled
    back, the log says what failed and what that undid, and the exception goes on, which makes the
    hook fail. ``SystemExit`` with 0 or nothing, from a handler or a callback, ends the dispatch as a
    success.

    Args:
        relation_name: not used; hooks of old charms pass it.

    Raises:
        CharmDirError: there is no charm directory.
        HandlerImportError: a file of handlers cannot be imported.
        UnitStateError: the unit state cannot be read or written.
        EventHandlerError: a handler of events has raised, in strict mode or in a test.
        Exception: whatever a handler or a callback raises.
    """
    hook_name = environment.hook_name()
    name = hook_name or environment.action_name() or ""
    # Juju of old did not set it, and commands of shell handlers need to know. In an action it is empty.
    if hook_name and not os.environ.get("JUJU_HOOK_NAME"):
        os.environ["JUJU_HOOK_NAME"] = hook_name
    outer = trace.notes
    notes, memory, recorder = _notes()
    course = bus.Course()
    bus.event_failures = []
    process = os.getpid()
    given = {variable: os.environ.get(variable) for variable in _OF_CHILDREN}
    try:
        _run(name, not hook_name, course, notes, memory)
    except BaseException as error:
        if os.getpid() != process:
            _leave_fork(error)
        course.end(error)
        _give_up(error, notes, memory, name, not hook_name)
        if bus.listener is not None:
            bus.listener.failed(name, error)
        bus.event_failures = None
        raise
    finally:
        hook_tools.end_hook()
        if notes is not None:
            notes.end(outer)
            if memory is not None:
                memory.end()
            if recorder is not None:
                recorder.write()
            if notes.traces_to:
                _send_trace(notes, name, not hook_name)
        for variable, value in given.items():
            if value is not None:
                os.environ[variable] = value
            else:
                os.environ.pop(variable, None)
    try:
        if bus.listener is not None:
            bus.listener.committed(name)
            bus.raise_event_failures()
    finally:
        bus.event_failures = None


def _run(name: str, is_action: bool, course: bus.Course, notes: Any, memory: Any) -> None:
    """Discover, dispatch and commit, or raise what has failed."""
    restricted = not is_action and name in environment.RESTRICTED_HOOKS
    course.may_be_quiet = not is_action and name == "update-status"
    process = os.getpid()
    _start(name, restricted, is_action, memory)
    try:
        with course:
            bus.discover()
            if bus.listener is not None:
                bus.listener.started(name)
            if not restricted:
                juju_log.hand_over()
                hookenv._run_atstart()
                bus.say_what_never_runs()
            bus.dispatch(restricted=restricted)
    except SystemExit as stop:
        if stop.code not in (None, 0) or os.getpid() != process:
            raise
    juju_log.hand_over()
    if notes is not None:
        notes.enter("atexit")
    if not restricted:
        try:
            hookenv._run_atexit()
        except SystemExit as stop:  # the callbacks after it are left out, as it asks
            if stop.code not in (None, 0) or os.getpid() != process:
                raise
    bus.raise_event_failures()
    flags._clear_triggers()
    juju_log.hand_over()
    if notes is not None:
        notes.enter("commit")
    if not restricted and settings.may_be_quiet() and settings.quiet_update_status():
        from . import quiet  # few charms ask for it

        quiet.keep_flags()
    unit_state.unit.commit()  # last, because whatever fails must undo everything


# What tells the processes that handlers start which hook they belong to. A shell handler's are told more.
_OF_CHILDREN = (unit_state.HOOK_VARIABLE, unit_state.LENT_VARIABLE)


def _leave_fork(error: BaseException) -> None:
    """End a process that a handler has forked, and that has come out of the handler.

    What the hook does in its end is the hook's alone. Not even the interpreter may end here as it does:
    closing a connection to SQLite would take the hook's transaction away from under it.
    """
    status: object = 1
    if isinstance(error, SystemExit):
        status = 0 if error.code is None else error.code
        if not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    else:
        import traceback  # a hook that succeeds has no use for it

        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass
    os._exit(status & 0xFF if isinstance(status, int) else 1)


def _notes() -> Tuple[Any, Any, Any]:
    """The notes of this hook, and the memory and the recorder that write them; ``None`` if unwanted."""
    path = os.environ.get("CHARMS_REACTIVE_RECORD")
    remembered = settings.may_have_history()
    if not path and not remembered and not settings.may_send_traces():
        return None, None, None
    from .notes import Notes

    recorder = memory = None
    timed = True
    if path:
        from . import recorder as recording  # for tests and for people

        timed = recording.receiver is None
    notes = Notes(bool(path), timed)
    if path:
        recorder = recording.Recorder(path, notes)
    if remembered:
        from .memory import Memory

        memory = Memory(notes)
    notes.listen()
    return notes, memory, recorder


def _send_trace(notes: Any, name: str, is_action: bool) -> None:
    """Send the hook to the collector that the setting names; the log says so where that cannot be."""
    from . import telemetry  # only for those who collect traces

    telemetry.send(notes, name, is_action, notes.traces_to)
    try:
        juju_log.hand_over()
    except ReactiveError:
        pass  # the log is gone, too


def _start(name: str, restricted: bool, is_action: bool, memory: Any) -> None:
    """Repair and announce: nothing of the charm has run yet, and nothing was read."""
    unit = unit_state.unit
    unit.start()
    os.environ[unit_state.HOOK_VARIABLE] = unit.hook or ""
    os.environ.pop(unit_state.LENT_VARIABLE, None)
    for key, value in flags.trigger_rows().items():
        unit.set(key, value)  # of modules that were imported before this function was called
    settings.start_hook()
    if memory is not None:
        memory.begin(name, is_action, *settings.history())
    if trace.notes is not None:
        trace.notes.traces_to = settings.traces_to()
    environment.tell_hookenv()
    if unit.recovered:
        undone = _in_words(unit.recovered)
        juju_log.log("The hook before this one was interrupted; rolled back: %s" % undone, juju_log.WARNING)
    juju_log.log("Reactive main running for %s %s" % ("action" if is_action else "hook", name))
    if restricted:
        juju_log.log("Restricted mode.")
    juju_log.hand_over()


def _give_up(error: BaseException, notes: Any, memory: Any, name: str, is_action: bool) -> None:
    """Roll back and say what happened. Whatever fails here must not hide the error itself."""
    told: List[str] = []
    undone = None
    try:
        undone = unit_state.unit.rollback()
        told.append("rolled back: %s" % _in_words(undone))
    except Exception as failure:  # noqa: BLE001 -- the error itself must come through
        told.append("the unit state could not be rolled back: %s" % failure)
    if isinstance(error, SystemExit):
        what = "a handler ended the hook with exit status %s" % error.code
        lines = ""
    else:
        what = in_words(error)
        import traceback  # a hook that succeeds has no use for it

        try:
            lines = "\n" + traceback.format_exc().rstrip()
        except Exception:  # noqa: BLE001 -- an exception that cannot even be shown
            lines = ""
    handler = bus.current_handler()
    where = " in handler %s" % handler.id() if handler is not None else ""
    juju_log.log("Hook error%s: %s; %s%s" % (where, what, "; ".join(told), lines), juju_log.ERROR)
    try:
        if notes is not None:
            notes.failed(error, undone)
            if memory is not None and not memory.begun:  # it has failed before anything else
                memory.begin(name, is_action, *settings.history())
            if memory is not None and memory.remembers:
                juju_log.log(_what_to_type(), juju_log.ERROR)
    except Exception:  # noqa: BLE001 -- nobody must miss the error for want of a note of it
        pass
    try:
        juju_log.hand_over()
    except ReactiveError:
        pass  # the log is gone; the exception still reaches stderr


def _what_to_type() -> str:
    """What somebody who reads the log on another machine types next."""
    major = os.environ.get("JUJU_VERSION", "").partition(".")[0]
    run = "run" if major in ("1", "2") else "exec"
    unit = os.environ.get("JUJU_UNIT_NAME") or "UNIT"
    return "To see what it did: juju %s --unit %s -- charms.reactive history -v -n 1" % (run, unit)


def _in_words(changes: List[Change]) -> str:
    """Flags that went back to what they were, for people."""
    if not changes:
        return "no flag differs from before the hook"
    return ", ".join("%s is %s again" % (flag, "set" if on else "clear") for flag, on in changes)
