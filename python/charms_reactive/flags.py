"""Flags: set or not, kept in the unit state, coupled by triggers.

Changes take effect at once. They are kept when the hook succeeds and undone when it fails.
"""

from __future__ import annotations

import json
from types import CodeType

from . import trace
from ._alias import on_demand
from ._engine.choice import CALL, SET
from ._errors import FlagValueError, kind_of
from ._juju import environment, juju_log
from ._juju.environment import hook_name, hookenv
from ._unit_state import unit_state
from ._unit_state.fresh_rows import OMITTED
from .trace import NullTracer, tracer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Set, Tuple

    from ._unit_state.fresh_rows import Change

__all__ = [
    "set_flag",
    "clear_flag",
    "toggle_flag",
    "register_trigger",
    "is_flag_set",
    "all_flags_set",
    "any_flags_set",
    "get_flags",
    "get_unset_flags",
    "set_state",
    "remove_state",
    "toggle_state",
    "is_state",
    "all_states",
    "get_states",
    "any_states",
]

_unit = unit_state.unit

# Trigger callbacks; the engine knows them by their place in this list.
_callbacks: List[Callable[[], Any]] = []

# The same the other way round, for those that can be hashed.
_numbers: Dict[Any, int] = {}

# How many actions of each edge of a flag were registered, and how many of them its scratch row has; the
# edges whose rows are behind. Up to a number it never is.
_saved: Dict[Tuple[str, bool], Tuple[int, int]] = {}
_unsaved: Set[Tuple[str, bool]] = set()
_ALWAYS_SAVED = 16

# How many changes are at one of their callbacks.
_calling = 0

#: Is told of changes; the events module puts it here when somebody wants to hear of them.
listener: Any = None


class State(str):
    """A flag's name that tools can tell from other strings.

    .. deprecated:: 0.5.0
       Any string is a flag.
    """


class StateList:
    """Base of a class that lists the :class:`State` names which a relation or layer may set.

    .. deprecated:: 0.5.0
       Any string is a flag.
    """


# -- changing -----------------------------------------------------------------------------------
def set_flag(flag: str, value: Any = OMITTED) -> None:
    """Set a flag, and do what triggers make of it before returning.

    Setting a flag that is set already is no change and fires no trigger.

    Args:
        flag: name of the flag.
        value: anything that JSON can hold, kept with the flag (legacy; relations of the old kind
            keep their conversations there). A value that is given replaces the stored one; without
            it a stored value stays.

    Raises:
        FlagNameError: the flag is not a string.
        FlagValueError: the value cannot be written as JSON.
        TriggerCycleError: triggers form a cycle.
        UnitStateError: the unit state cannot be written.
    """
    if value is not OMITTED and _unit.stand_in is None:
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise FlagValueError(flag, error) from None
    if not _change(flag, True, value) and value is not OMITTED:
        _unit.begin()
        _unit.write_flag(flag, True, value)


def clear_flag(flag: str) -> None:
    """Clear a flag, and do what triggers make of it before returning.

    Handlers that are queued and no longer match leave the queue once the running one returns.
    Clearing a flag that is not set is no change.

    Args:
        flag: name of the flag.

    Raises:
        FlagNameError: the flag is not a string.
        TriggerCycleError: triggers form a cycle.
        UnitStateError: the unit state cannot be written.
    """
    _change(flag, False)


def toggle_flag(flag: str, should_set: Any) -> None:
    """Set the flag if ``should_set`` is true in Python's sense, else clear it.

    Args:
        flag: name of the flag.
        should_set: any object; charms pass configuration values as they are.

    Raises:
        FlagNameError: the flag is not a string.
        TriggerCycleError: triggers form a cycle.
        UnitStateError: the unit state cannot be written.
    """
    if should_set:
        set_flag(flag)
    else:
        clear_flag(flag)


def _change(flag: str, on: bool, value: Any = OMITTED) -> bool:
    """Change a flag with all that follows from it; ``False`` if it was so already."""
    global _calling
    if _unit.fresh().is_set(flag) == on and not _unit.is_lent_by_another():
        if _unit.stand_in is not None:
            _unit.write_flag(flag, on, value)  # whose store it is may count on being told
        return False
    engine = _unit.begin()
    depth, calling = engine.waiting(), _calling
    try:
        # An exception may come from outside at any point: of a signal's handler, or for want of memory. Until
        # the rows have followed, nobody may take the engine's word.
        agreed = _unit.distrust()
        effects = engine.change(flag, on)
        if effects is None:  # another process was quicker, or it is so by a hook that may be undone
            _unit.trust(agreed)
            _unit.keep_flag(flag)
            return False
        waiting = _carry_out([(flag, on)], effects, agreed, value)
        while waiting:
            juju_log.hand_over()
            _call(effects[-1][2])
            engine = _unit.begin()
            agreed = _unit.distrust()
            effects = engine.resume()
            waiting = _carry_out([], effects, agreed)
    except BaseException:
        _calling = calling
        while engine.waiting() > depth:
            engine.unwind()
        if listener is not None and not _calling:
            listener.tell()  # of what was changed until then
        raise
    if listener is not None and not _calling:
        listener.tell()
    return True


def _call(number: int) -> None:
    """Call the callback of a trigger; what it changes belongs to the change that it is called for."""
    global _calling
    calling = _calling
    try:
        _calling = calling + 1
        _callbacks[number]()
    finally:
        _calling = calling


def _carry_out(
    changes: List[Change], effects: List[Tuple[int, str, int]], agreed: bool, value: Any = OMITTED
) -> bool:
    """Write the rows of what the engine has changed, then tell listener and tracer.

    Args:
        changes: the change that the effects follow from, if it has no row yet.
        effects: what the engine says.
        agreed: whether engine and rows agreed before.
        value: what is kept with that flag.

    Returns:
        Whether the last effect is a callback, which is due now.
    """
    waiting = False
    cause = changes[0][0] if changes else None
    for kind, flag, _ in effects:
        if kind == CALL:
            waiting = True
        else:
            changes.append((flag, kind == SET))
    # What has caused the others comes last: should the rest be missing, doing it again does all of it.
    for flag, on in reversed(dict(changes).items()):
        _unit.write_flag(flag, on, value if flag == cause else OMITTED)
    _unit.trust(agreed)
    if _unit.record_changes:
        for change in changes:
            _unit.note_change(change)
    if listener is not None:
        listener.note(changes)
    if trace.notes is not None:
        trace.notes.changed(changes, cause is None)
    traced = tracer()
    if type(traced) is not NullTracer:
        for flag, on in changes:
            if on:
                traced.set_flag(flag)
            else:
                traced.clear_flag(flag)
        juju_log.hand_over()  # the code that made the change goes on now, and may log as well
    return waiting


# -- triggers -----------------------------------------------------------------------------------
def register_trigger(
    when: Optional[str] = None,
    when_not: Optional[str] = None,
    set_flag: Optional[str] = None,
    clear_flag: Optional[str] = None,
    callback: Optional[Callable[[], Any]] = None,
) -> None:
    """Couple flags: when one changes, set or clear another, or call something, at the same moment.

    Triggers last for one hook; register them at the top level of a module of handlers.

    Args:
        when: act when this flag is set.
        when_not: act when this flag is cleared. Exactly one of the two must be given.
        set_flag: flag to set.
        clear_flag: flag to clear.
        callback: called without arguments. At least one of the three actions must be given. All of
            an edge's set actions run first, then its clear actions, then its callbacks.

    Raises:
        ValueError: not exactly one of when and when_not, or no action.
        FlagNameError: a flag is not a string.
        StrictModeError: the callback is a coroutine or generator function, of which a call runs nothing,
            and strict mode is on; without it that is a warning.
    """
    if not when and not when_not:
        raise ValueError("register_trigger needs one of when and when_not")
    if when and when_not:
        raise ValueError("register_trigger takes only one of when and when_not, not both")
    if not set_flag and not clear_flag and not callback:
        raise ValueError("register_trigger needs at least one of set_flag, clear_flag and callback")
    if callback is not None and not callable(callback):
        raise ValueError("the callback of a trigger must be callable, and not %s" % kind_of(callback))
    flag = when or when_not
    assert flag is not None
    if callback is not None:
        _examine_callback(flag, callback)
    number = None if callback is None else _number_of(callback)
    _unit.engine.add_trigger(flag, bool(when), set_flag or None, clear_flag or None, number)
    if set_flag or clear_flag:
        _save_trigger(flag, bool(when))


def _examine_callback(flag: str, callback: Callable[[], Any]) -> None:
    """Say that a callback would never run, if that is so."""
    code = getattr(callback, "__code__", None)
    if type(code) is CodeType and not code.co_flags & _NEVER_RUNS and not callback.__dict__:
        return  # nearly all are such functions
    from ._dispatch.callables import leaves_unrun, say_unrun

    if leaves_unrun(callback):
        say_unrun("the callback of a trigger for %s" % flag, callback)


# Of `co_flags`: calling such a function makes a coroutine or a generator, and runs nothing of its body.
_NEVER_RUNS = 0x20 | 0x80 | 0x200


def _number_of(callback: Callable[[], Any]) -> int:
    # By equality, because a bound method is a new object each time it is named.
    try:
        number = _numbers.setdefault(callback, len(_callbacks))
        if number < len(_callbacks) and _callbacks[number] == callback:
            return number
        _numbers[callback] = len(_callbacks)
    except TypeError:  # not hashable
        for number, known in enumerate(_callbacks):
            if known == callback:
                return number
    _callbacks.append(callback)
    return len(_callbacks) - 1


def _save_trigger(flag: str, on: bool) -> None:
    """Keep a trigger's actions in its scratch row too, where commands of child processes find them.

    Writing the row for each of very many actions would take a time that grows with the square of their
    number. So it may fall behind within a handler, by a third, and is brought up to date at its end.
    """
    edge = flag, on
    registered, saved = _saved.get(edge, (0, 0))
    registered += 1
    if registered > _ALWAYS_SAVED and registered < 1.5 * saved:
        _saved[edge] = registered, saved
        _unsaved.add(edge)
    else:
        _write_trigger(edge, registered)


def _write_trigger(edge: Tuple[str, bool], registered: int) -> None:
    sets, clears, _ = _unit.engine.trigger(*edge)
    _unit.set(_trigger_key(*edge), {"set_flag": sets, "clear_flag": clears})
    _saved[edge] = registered, registered
    _unsaved.discard(edge)


def after_step() -> None:
    """Bring the scratch rows of all triggers up to date, when a handler is done.

    Raises:
        UnitStateError: it was done in a fork of the process that runs the hook.
    """
    if _unit.forked:
        _unit.refuse_fork()
    for edge in list(_unsaved):
        _write_trigger(edge, _saved[edge][0])


def _trigger_key(flag: str, on: bool) -> str:
    return (unit_state.SET_TRIGGERS if on else unit_state.CLEAR_TRIGGERS) + flag


def trigger_rows() -> Dict[str, object]:
    """The scratch rows of all triggers that set or clear something."""
    return {
        _trigger_key(flag, on): {"set_flag": sets, "clear_flag": clears}
        for flag, on, sets, clears in _unit.engine.triggers()
    }


def load_triggers() -> None:
    """Take in the triggers that another process of this hook has registered."""
    engine = _unit.engine
    for prefix, on in ((unit_state.SET_TRIGGERS, True), (unit_state.CLEAR_TRIGGERS, False)):
        for flag, actions in _unit.getrange(prefix).items():
            for name in actions.get("set_flag", []):
                engine.add_trigger(flag, on, name)
            for name in actions.get("clear_flag", []):
                engine.add_trigger(flag, on, None, name)


def run_callbacks(changes: List[Change]) -> None:
    """Call the trigger callbacks for changes that a child process made, and tell of the changes."""
    engine = _unit.engine
    if trace.notes is not None:
        trace.notes.changed_by_child(changes)
    if listener is not None:
        listener.note(changes)
    try:
        for flag, on in changes:
            for number in engine.trigger(flag, on)[2]:
                _call(number)
    finally:
        if listener is not None and not _calling:
            listener.tell()


# -- asking -------------------------------------------------------------------------------------
def is_flag_set(flag: str) -> bool:
    """Whether the flag is set.

    Raises:
        FlagNameError: the flag is not a string.
        UnitStateError: the unit state cannot be read.
    """
    answer: bool = _unit.fresh().is_set(flag)
    return answer


def all_flags_set(*desired_flags: str) -> bool:
    """Whether every one of the flags is set; true for none at all.

    Raises:
        FlagNameError: a flag is not a string.
        UnitStateError: the unit state cannot be read.
    """
    answer: bool = _unit.fresh().all_set(desired_flags)
    return answer


def any_flags_set(*desired_flags: str) -> bool:
    """Whether at least one of the flags is set; false for none at all.

    Raises:
        FlagNameError: a flag is not a string.
        UnitStateError: the unit state cannot be read.
    """
    answer: bool = _unit.fresh().any_set(desired_flags)
    return answer


def get_flags() -> List[str]:
    """The names of all flags that are set, sorted."""
    names: List[str] = _unit.fresh().flags()
    return names


def get_unset_flags(*desired_flags: str) -> List[str]:
    """Those of the given flags that are not set, each once, sorted."""
    engine = _unit.fresh()
    return sorted({flag for flag in desired_flags if not engine.is_set(flag)})


def _get_flag_value(flag: str, default: Any = None) -> Any:
    return _unit.value(flag, default)


# -- old names ----------------------------------------------------------------------------------
def set_state(state: str, value: Any = OMITTED) -> None:
    """Set a flag.

    .. deprecated:: 0.5.0
       The old name of :func:`set_flag`.
    """
    set_flag(state, value)


def remove_state(state: str) -> None:
    """Clear a flag.

    .. deprecated:: 0.5.0
       The old name of :func:`clear_flag`.
    """
    clear_flag(state)


def toggle_state(state: str, should_set: Any) -> None:
    """Set or clear a flag.

    .. deprecated:: 0.5.0
       The old name of :func:`toggle_flag`.
    """
    toggle_flag(state, should_set)


def is_state(state: str) -> bool:
    """Whether a flag is set.

    .. deprecated:: 0.5.0
       The old name of :func:`is_flag_set`.
    """
    return is_flag_set(state)


def all_states(*desired_states: str) -> bool:
    """Whether all flags are set.

    .. deprecated:: 0.5.0
       The old name of :func:`all_flags_set`.
    """
    return all_flags_set(*desired_states)


def any_states(*desired_states: str) -> bool:
    """Whether any of the flags is set.

    .. deprecated:: 0.5.0
       The old name of :func:`any_flags_set`.
    """
    return any_flags_set(*desired_states)


def get_states() -> Dict[str, Any]:
    """All flags that are set, each with its value.

    .. deprecated:: 0.5.0
       Use :func:`get_flags`.
    """
    return _unit.values()


def get_state(flag: str, default: Any = None) -> Any:
    """The value kept with a flag, or ``default`` if it is not set.

    .. deprecated:: 0.5.0
       Flags should have no values.
    """
    return _get_flag_value(flag, default)


# -- the framework's own ------------------------------------------------------------------------
def _manage_automatic_flags() -> None:
    """Keep ``upgrade.series.in-progress`` true to the series upgrade that Juju is guiding."""
    if hook_name() == "pre-series-upgrade":
        set_flag("upgrade.series.in-progress")
    elif hook_name() == "post-series-upgrade":
        clear_flag("upgrade.series.in-progress")


def _clear_triggers() -> None:
    """Forget all triggers, in the engine and in their scratch rows."""
    _unit.engine.clear_triggers()
    _callbacks.clear()
    _numbers.clear()
    _saved.clear()
    _unsaved.clear()
    _unit.drop_triggers()


environment.pass_through_cmdline(
    globals(),
    {
        "no_output": (
            "set_flag",
            "clear_flag",
            "toggle_flag",
            "register_trigger",
            "set_state",
            "remove_state",
        ),
        "test_command": (
            "is_flag_set",
            "all_flags_set",
            "any_flags_set",
            "is_state",
            "all_states",
            "any_states",
        ),
        "": ("get_flags", "get_unset_flags", "get_states"),
    },
)

hookenv.atstart(_manage_automatic_flags)
hookenv.atexit(_clear_triggers)

if not TYPE_CHECKING:
    __getattr__, __dir__ = on_demand(globals(), {}, old=True)
