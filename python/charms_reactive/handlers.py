"""Handlers: a function of the charm, the conditions under which it is invoked, and its arguments."""

from __future__ import annotations

import os
from functools import partial
from itertools import chain
from types import AsyncGeneratorType, CodeType, CoroutineType, GeneratorType, MethodType

from ._engine.choice import ALL, ANY, HOOKS, NONE, NOT_ALL, OTHER, RESTRICTED
from ._errors import HandlerArgumentError
from ._juju import environment, juju_log
from ._unit_state import unit_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, ClassVar, Dict, Iterable, List, Optional, Set, Tuple

__all__ = [
    "Handler",
    "handler_by_number",
    "register_handler",
    "replace_handler",
    "synchronise",
    "undeclared",
]

_LOG_OPTS = os.environ.get("REACTIVE_LOG_OPTS", "").split(",")
LOG_OPTS = {"register": "register" in _LOG_OPTS}

#: The phases by the names that the unit state and tracers use.
PHASE_NAMES = {HOOKS: "hooks", OTHER: "other", RESTRICTED: "restricted"}
_PHASES = {name: phase for phase, name in PHASE_NAMES.items()}


_Function = type(lambda: None)


# Calling such a function makes a coroutine or a generator, and runs nothing of its body.
_NEVER_RUNS = 0x20 | 0x80 | 0x200
_UNRUN = (GeneratorType, CoroutineType, AsyncGeneratorType)


def is_bare(action: Callable[..., Any]) -> bool:
    """Whether an action is a function with nothing around it and nothing hung on it, as nearly all are."""
    return type(action) is _Function and not action.__dict__


def unwrap(action: Callable[..., Any]) -> Any:
    """The function that a chain of well-behaved wrappers stands for."""
    seen = 0
    inner: Any = action
    while hasattr(inner, "__wrapped__") and seen < 100:
        inner = inner.__wrapped__
        seen += 1
    return inner if hasattr(inner, "__code__") else action


def _place(action: Callable[..., Any]) -> Tuple[str, int, str]:
    """Where a function is defined: file, line and name."""
    inner: Any = action if is_bare(action) else unwrap(action)
    code = getattr(inner, "__code__", None)
    if type(code) is not CodeType:  # a callable object, or a mock: its class is where it comes from
        kind = type(inner)
        return str(getattr(kind, "__module__", "?")), 0, kind.__qualname__
    return code.co_filename, code.co_firstlineno, code.co_name


def _join(parts: Iterable[object], suffix: Optional[str]) -> str:
    return ":".join(map(str, parts)) + ("" if suffix is None else ":%s" % suffix)


def _action_id(action: Callable[..., Any], suffix: Optional[str] = None) -> str:
    """The key of a function: absolute file, line and name, with the endpoint's name behind it."""
    if is_bare(action):  # each of a handler's decorators asks
        code = action.__code__
        key = "%s:%d:%s" % (code.co_filename, code.co_firstlineno, code.co_name)
        return key if suffix is None else key + ":" + suffix
    if hasattr(action, "_action_id"):
        return _join([action._action_id], suffix)
    path, line, name = _place(action)
    # A callable object has no line, and only its identity tells it from others of its class.
    return _join((path, line or id(action), name), suffix)


def _short_action_id(action: Callable[..., Any], suffix: Optional[str] = None) -> str:
    """The same with the file relative to the charm directory, for people."""
    if hasattr(action, "_short_action_id"):
        return _join([action._short_action_id], suffix)
    path, line, name = _place(action)
    return _join((environment.relative_path(path), line, name), suffix)


# Functions that were made of the same lines, by a factory or in a loop: for each code object in each module,
# by the function's identity, its number among them, and the function itself, so that it keeps its identity. A
# module that is imported twice has other code objects or other globals, and its functions count anew.
_made: Dict[Tuple[int, int], Dict[Any, Tuple[int, Any]]] = {}

#: The handlers of such functions but the first ones, as long as it is not known how they differ from those.
twins: List[Handler] = []


def function_of(action: Any) -> Tuple[Any, Any]:
    """The function that an action stands for, and what tells it from others of the same lines."""
    inner = action if is_bare(action) else unwrap(action)
    if type(inner) is MethodType:
        return inner.__func__, (id(inner.__func__), id(inner.__self__))
    return inner, id(inner)


def _number_of(action: Any, first: Any) -> int:
    """How many functions were made of the same lines before this one.

    Args:
        action: an action whose lines have a handler already.
        first: that handler's action.
    """
    function, identity = function_of(action)
    known, first_identity = function_of(first)
    if identity == first_identity or type(function) is not _Function or type(known) is not _Function:
        return 0
    place = id(function.__code__), id(function.__globals__)
    made = _made.setdefault(place, {})
    if place == (id(known.__code__), id(known.__globals__)) and made.get(first_identity, (1,))[0]:
        made.clear()  # it is the first one, or the first since somebody has replaced the registry
        made[first_identity] = 0, first
    number, _ = made.setdefault(identity, (len(made), action))
    return number


def _action_key(action: Any, suffix: Optional[str] = None, number: int = 0) -> str:
    """The key of a function among all that were made of the same lines."""
    if not number:
        return _action_id(action, suffix)
    return _join(["%s#%d" % (_action_id(action), number + 1)], suffix)


class Handler:
    """A function that the dispatch may invoke, with everything its decorators said of it.

    Decorators make handlers through :meth:`get`; charms rarely need this class.
    """

    # By key, in order of registration, which is the order of invocation.
    _HANDLERS: ClassVar[Dict[str, Handler]] = {}
    _CONSUMED_FLAGS: ClassVar[Set[str]] = set()

    @classmethod
    def get(cls, action: Callable[..., Any], suffix: Optional[str] = None) -> Handler:
        """The handler of a function, registered now if it is not yet.

        Args:
            action: the function.
            suffix: name of the endpoint that this handler serves, where one function serves several.
        """
        key = _action_id(action, suffix)
        handler = Handler._HANDLERS.get(key)
        number = 0
        if handler is not None and handler._action is not action:
            number = _number_of(action, handler._action)
            if number:
                key = _action_key(action, suffix, number)
                handler = Handler._HANDLERS.get(key)
        if handler is None:
            handler = cls(action, suffix, number)
            if LOG_OPTS["register"]:
                juju_log.log("Registering reactive handler for %s" % handler.id(), juju_log.DEBUG)
            register_handler(key, handler)
            if number:
                twins.append(handler)
            _examine(handler)
        return handler

    @classmethod
    def get_handlers(cls) -> Iterable[Handler]:
        """All handlers, in order of registration."""
        return Handler._HANDLERS.values()

    @classmethod
    def clear(cls) -> None:
        """Forget all handlers."""
        Handler._HANDLERS = {}
        _numbered.clear()
        file_watches.clear()
        hearing.clear()
        doubtful.clear()
        named_hooks.clear()
        named_actions.clear()
        twins.clear()
        _made.clear()
        unit_state.unit.engine.clear_handlers()

    def __init__(self, action: Callable[..., Any], suffix: Optional[str] = None, number: int = 0) -> None:
        self._action = action
        self._action_id = _short_action_id(action, suffix)
        if number:  # among functions that were made of the same lines
            self._action_id = _join(["%s#%d" % (_short_action_id(action), number + 1)], suffix)
        # What all handlers of this one function have in common.
        self._function_key = _action_key(action, None, number)
        self._args: List[Iterable[Any]] = []
        self._args_evaled: Optional[List[Any]] = None
        self._conditions: List[Tuple[int, Tuple[str, ...]]] = []
        self._edges: List[Tuple[str, bool]] = []
        #: The name under which is kept what it has heard.
        self.heard_as = ""
        self._predicates: List[Callable[[], Any]] = []
        self._pre_callbacks: List[Callable[[], Any]] = []
        self._post_callbacks: List[Callable[[], Any]] = []
        self._flags: Set[str] = set()
        self._phases = HOOKS | OTHER | RESTRICTED
        # The engine's number for this handler, once it is registered.
        self._number: Optional[int] = None

    def id(self) -> str:
        """File relative to the charm directory, line, name and endpoint, joined by colons."""
        return self._action_id

    # -- what decorators say -------------------------------------------------------------------
    def add_condition(self, kind: int, flags: Iterable[str]) -> None:
        """Require a condition over flags; the engine evaluates it."""
        names = tuple(flags)
        self._conditions.append((kind, names))
        self._flags.update(names)
        Handler._CONSUMED_FLAGS.update(names)
        self._phases &= OTHER
        if self._number is not None:
            unit_state.unit.engine.add_condition(self._number, kind, names)

    def add_edge(self, flag: str, on: bool) -> None:
        """Let the handler hear, once each time, that a flag becomes set (``on``) or cleared.

        Of several edges one is reason enough to invoke it. What it has heard is kept by who calls this.
        """
        if (flag, on) not in self._edges:
            self._edges.append((flag, on))
        self._flags.add(flag)
        Handler._CONSUMED_FLAGS.add(flag)
        self._phases &= OTHER
        if self._number is not None:
            unit_state.unit.engine.add_edge(self._number, flag, on)

    def add_predicate(self, predicate: Callable[[], Any]) -> None:
        """Require that a function returns something true whenever the handler is tested."""
        if LOG_OPTS["register"]:
            shown: object = predicate
            if isinstance(predicate, partial):
                shown = "partial(%s, %s, %s)" % (predicate.func, predicate.args, predicate.keywords)
            juju_log.log("  Adding predicate for %s: %s" % (self.id(), shown), juju_log.DEBUG)
        self._predicates.append(predicate)
        if self._number is not None:
            unit_state.unit.engine.set_opaque(self._number)

    def confine(self, phases: int) -> None:
        """Let the handler match only in these phases."""
        self._phases &= phases
        if self._number is not None:
            unit_state.unit.engine.confine(self._number, phases)

    def register_flags(self, flags: Iterable[str]) -> None:
        """Name flags whose change is a reason to invoke the handler again within a dispatch."""
        names = tuple(flags)
        self._flags.update(names)
        Handler._CONSUMED_FLAGS.update(names)
        if self._number is not None:
            unit_state.unit.engine.watch(self._number, names)

    def add_args(self, args: Iterable[Any]) -> None:
        """Add arguments for the function, after those added before.

        Args:
            args: any iterable; it is evaluated when the handler is invoked for the first time.
        """
        self._args.append(args)

    @property
    def has_args(self) -> bool:
        """Whether :meth:`add_args` was called."""
        return len(self._args) > 0

    def add_pre_callback(self, callback: Callable[[], Any]) -> None:
        """Call something right before each invocation."""
        self._pre_callbacks.append(callback)

    def add_post_callback(self, callback: Callable[[], Any]) -> None:
        """Call something after each invocation that did not raise."""
        self._post_callbacks.append(callback)

    # -- what the dispatch does ----------------------------------------------------------------
    def test(self) -> bool:
        """Whether the handler matches now, in the phase and iteration of the running dispatch."""
        engine = unit_state.unit.fresh()
        phase = engine.phase() or _PHASES.get(unit_state.unit.get(unit_state.PHASE), 0)
        if phase and not self._phases & phase:
            return False
        settled = engine.phase() == OTHER and engine.iteration() > 0
        if settled and self._flags and self._flags.isdisjoint(engine.changed()):
            return False
        if self._edges and not (self._number is not None and engine.is_ready(self._number)):
            return False
        return all(_holds(engine, kind, flags) for kind, flags in self._conditions) and self.ask()

    def ask(self) -> bool:
        """Whether all predicates that the engine cannot see hold."""
        return all(predicate() for predicate in self._predicates)

    def invoke(self) -> None:
        """Invoke the function with its arguments."""
        for callback in self._pre_callbacks:
            callback()
        args = self._get_args()
        try:
            result = self._action(*args)
        except TypeError as error:
            # Only a call that never got into the function is about its arguments.
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                raise HandlerArgumentError(self.id(), error) from error
            raise
        if type(result) in _UNRUN:
            from ._dispatch import callables

            callables.say_unrun_result(self.id(), self._action, result)
        for callback in self._post_callbacks:
            callback()

    def _get_args(self) -> List[Any]:
        if self._args_evaled is None:
            self._args_evaled = list(chain.from_iterable(self._args))
        return self._args_evaled


def _holds(engine: Any, kind: int, flags: Tuple[str, ...]) -> bool:
    if kind == ALL:
        return bool(engine.all_set(flags))
    if kind == ANY:
        return bool(engine.any_set(flags))
    if kind == NONE:
        return not engine.any_set(flags)
    assert kind == NOT_ALL
    return not engine.all_set(flags)


# -- registration -------------------------------------------------------------------------------
# The handlers by the engine's numbers.
_numbered: List[Handler] = []

#: What each handler has seen of the files it waits for:
#: :class:`~charms_reactive._dispatch.watched_files.FileWatch` objects.
file_watches: List[Any] = []

#: Handlers that hear of edges.
hearing: List[Handler] = []

#: Handlers that stand for a script until it has declared its functions, when the next dispatch begins.
undeclared: List[Handler] = []


#: Handlers whose functions want arguments, until it is known whether their decorators give some.
doubtful: List[Handler] = []

#: The hooks and actions that decorators have named, each with a handler that waits for it.
named_hooks: Dict[str, Handler] = {}
named_actions: Dict[str, Handler] = {}


def _examine(handler: Handler) -> None:
    """Look whether a new handler can run at all."""
    action = handler._action
    if is_bare(action):
        code = action.__code__
        flags = code.co_flags & _NEVER_RUNS
        if code.co_argcount or code.co_kwonlyargcount:
            doubtful.append(handler)
    else:
        from ._dispatch import callables  # few charms have such handlers

        flags = callables.leaves_unrun(action)
    if flags:
        from ._dispatch import callables

        callables.say_unrun("handler %s" % handler.id(), action)


def handler_by_number(number: int) -> Handler:
    """The handler that the engine knows under this number."""
    return _numbered[number]


def register_handler(key: str, handler: Handler) -> None:
    """Register a handler behind all others, under a key of its own."""
    Handler._HANDLERS[key] = handler
    _number(handler)


def replace_handler(handler: Handler, others: Iterable[Tuple[str, Handler]]) -> None:
    """Put other handlers in the place of a registered one; not while a dispatch runs.

    Args:
        handler: the one that goes.
        others: each with its key; one whose key is known is left out.
    """
    registered = list(Handler._HANDLERS.items())
    Handler._HANDLERS.clear()
    for key, known in registered:
        if known is not handler:
            Handler._HANDLERS[key] = known
            continue
        for new_key, new in others:
            Handler._HANDLERS.setdefault(new_key, new)
    _renumber()


def _number(handler: Handler) -> None:
    engine = unit_state.unit.engine
    number = handler._number = engine.add_handler()
    _numbered.append(handler)
    for kind, flags in handler._conditions:
        engine.add_condition(number, kind, flags)
    for flag, on in handler._edges:
        engine.add_edge(number, flag, on)
    if handler._flags:
        engine.watch(number, sorted(handler._flags))
    engine.confine(number, handler._phases)
    if handler._predicates or type(handler).test is not Handler.test:
        engine.set_opaque(number)


def synchronise() -> Any:
    """The engine, with exactly the registered handlers in it, in order."""
    engine = unit_state.unit.engine
    if len(_numbered) != len(Handler._HANDLERS) or engine.handler_count() != len(_numbered):
        _renumber()  # somebody (a test, mostly) has replaced the registry or the engine
    return engine


def _renumber() -> None:
    unit_state.unit.engine.clear_handlers()
    _numbered.clear()
    for handler in Handler._HANDLERS.values():
        _number(handler)
