"""Decorators: they make handlers of functions, and return the functions as they were."""

from __future__ import annotations

import os
from functools import partial, wraps
from types import CodeType

from ._alias import on_demand
from ._engine.choice import ALL, ANY, HOOKS, NONE, NOT_ALL, RESTRICTED
from ._errors import FlagNameError, StrictModeError, kind_of
from ._juju import environment, juju_log, settings
from ._juju.environment import hookenv
from .endpoints import Endpoint
from .flags import is_flag_set
from .handlers import (
    Handler,
    _action_id,
    _place,
    _short_action_id,
    is_bare,
    named_actions,
    named_hooks,
    unwrap,
)
from .helpers import any_hook
from .relations import endpoint_from_flag, endpoint_from_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any,
        Callable,
        Iterable,
        Iterator,
        List,
        Optional,
        Sequence,
        Set,
        Tuple,
        TypeVar,
        Union,
        overload,
    )

    from ._dispatch.changes import Key
    from ._dispatch.watched_files import Filename

    Action = TypeVar("Action", bound=Callable[..., Any])

__all__ = [
    "when",
    "when_all",
    "when_any",
    "when_not",
    "when_none",
    "when_not_all",
    "not_unless",
    "when_set",
    "when_cleared",
    "when_changed",
    "once_per",
    "unless_hook",
    "when_file_changed",
    "collect_metrics",
    "meter_status_changed",
    "only_once",
    "hook",
    "action",
]


_VARIADIC = 0x04 | 0x08  # inspect.CO_VARARGS | CO_VARKEYWORDS, without importing inspect


# -- flags --------------------------------------------------------------------------------------
def when(*desired_flags: str) -> Callable[[Action], Action]:
    """Invoke the function when all of the flags are set; the same as :func:`when_all`."""
    return when_all(*desired_flags)


def when_all(*desired_flags: str) -> Callable[[Action], Action]:
    """Invoke the function when all of the flags are set.

    It runs in every hook in which they are, and again in a hook whenever one of its flags changes.
    In a module of an interface layer ``{endpoint_name}`` stands for each endpoint of its role and
    interface. A function with parameters gets the relation objects of its flags (legacy).

    Args:
        desired_flags: the flags' names.

    Raises:
        FlagNameError: a flag is not a string; so do the decorators below.
    """
    return _flag_decorator(ALL, desired_flags)


def when_any(*desired_flags: str) -> Callable[[Action], Action]:
    """Invoke the function when at least one of the flags is set. Never passes arguments."""
    return _flag_decorator(ANY, desired_flags)


def when_not(*desired_flags: str) -> Callable[[Action], Action]:
    """Invoke the function when none of the flags is set; the same as :func:`when_none`."""
    return when_none(*desired_flags)


def when_none(*desired_flags: str) -> Callable[[Action], Action]:
    """Invoke the function when none of the flags is set. Never passes arguments."""
    return _flag_decorator(NONE, desired_flags)


def when_not_all(*desired_flags: str) -> Callable[[Action], Action]:
    """Invoke the function when at least one of the flags is not set. Never passes arguments."""
    return _flag_decorator(NOT_ALL, desired_flags)


def _flag_decorator(kind: int, desired_flags: Tuple[str, ...]) -> Callable[[Action], Action]:
    return partial(_when if desired_flags else _when_nothing, kind, _checked(desired_flags))


_NAMES = {ALL: "when", ANY: "when_any", NONE: "when_not", NOT_ALL: "when_not_all"}


def _when_nothing(kind: int, desired_flags: Tuple[str, ...], action: Action) -> Action:
    outcome = "lets it run whatever is set" if kind in (ALL, NONE) else "never lets it run"
    _say_without(_NAMES[kind], action, "flag", outcome)
    return _when(kind, desired_flags, action)


def _say_without(decorator: str, action: Callable[..., Any], what: str, outcome: str) -> None:
    """Say that a decorator was given nothing, as ``@when()`` or ``@when(*[])``."""
    settings.warn(
        "@%s of handler %s names no %s, which %s: name one, or take it away"
        % (decorator, _short_action_id(action), what, outcome)
    )


def _checked(flags: Tuple[Any, ...]) -> Tuple[str, ...]:
    for flag in flags:
        # A list, or the function itself below a bare decorator.
        if not isinstance(flag, str) and not environment.is_mock(flag):
            raise FlagNameError(flag)
    return tuple(flag if isinstance(flag, str) else str(flag) for flag in flags)


def _when(kind: int, desired_flags: Tuple[str, ...], action: Action) -> Action:
    if _is_plain(action) and not _unserved and not any("{" in flag for flag in desired_flags):
        Handler.get(action).add_condition(kind, desired_flags)
        return action
    for endpoint_name, handler in _handlers(action, desired_flags):
        flags = _expand_endpoint_name(endpoint_name, desired_flags)
        handler.add_condition(kind, flags)
        if kind == ALL and _takes_arguments(action) and not _is_endpoint_method(action):
            handler.add_args(_relations_of(flags))
    return action


def _is_plain(action: Callable[..., Any]) -> bool:
    """Whether an action is a function without arguments and outside of interface layers: nearly all are."""
    return is_bare(action) and not _takes_arguments(action) and not _is_of_interface(action)


# Functions of interface layers for a role or interface that the charm has no endpoint of.
_unserved: Set[str] = set()


def _handlers(
    action: Callable[..., Any], desired_flags: Sequence[str] = ()
) -> List[Tuple[Optional[str], Handler]]:
    """A function's handlers: one, or in a module of an interface layer one for each endpoint.

    There is none where the function is about an endpoint and the charm has no such one, whichever
    of its decorators said so. A method of an endpoint gets its endpoint, once.
    """
    names = _get_endpoint_names(action)
    method = _takes_arguments(action) and _is_endpoint_method(action)
    if not names:
        if (method and _is_of_interface(action)) or any("{endpoint_name}" in flag for flag in desired_flags):
            if not _is_of_interface(action) and _action_id(action) not in _unserved:
                settings.warn(
                    "handler %s can never run: {endpoint_name} stands for the endpoints of an interface "
                    "layer, in its requires.py, provides.py or peers.py; here name the endpoint"
                    % _short_action_id(action)
                )
            _unserved.add(_action_id(action))
            Handler._HANDLERS.pop(_action_id(action), None)
        if _unserved and _action_id(action) in _unserved:
            return []
    handlers = [(name, Handler.get(action, name)) for name in names or [None]]
    for name, handler in handlers:
        if method and not handler.has_args:
            handler.add_args(map(endpoint_from_name, [name]))
    return handlers


def _relations_of(flags: Iterable[str]) -> Iterator[Any]:
    for flag in flags:
        relation = endpoint_from_flag(flag)
        if relation:
            yield relation


# The modules of interface layers in which a role's handlers stand.
_INTERFACE_FILES = ("requires.py", "provides.py", "peers.py")


def _get_endpoint_names(action: Callable[..., Any]) -> List[Optional[str]]:
    """The endpoints that a function in a module of an interface layer serves."""
    directory, _, file = _place(action)[0].rpartition(os.sep)
    if file not in _INTERFACE_FILES:
        return []
    role, _ = os.path.splitext(file)
    asked = environment.asked(hookenv.role_and_interface_to_relations, role, os.path.basename(directory))
    return list(asked or [])


def _is_of_interface(action: Callable[..., Any]) -> bool:
    return _place(action)[0].rpartition(os.sep)[2] in _INTERFACE_FILES


def _expand_endpoint_name(endpoint_name: Optional[str], flags: Sequence[str]) -> Tuple[str, ...]:
    if endpoint_name is None:
        return tuple(flags)
    # Plain replacement: other braces in a flag are nobody's business here.
    return tuple(flag.replace("{endpoint_name}", endpoint_name) for flag in flags)


def _parameters(action: Callable[..., Any]) -> Tuple[Tuple[str, ...], bool]:
    """The names of a function's named parameters, and whether it takes others too."""
    code = getattr(unwrap(action), "__code__", None)
    if type(code) is not CodeType:
        return (), False
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if getattr(action, "__self__", None) is not None:  # a bound method: self is taken care of
        names = names[1:]
    return names, bool(code.co_flags & _VARIADIC)


def _takes_arguments(action: Callable[..., Any]) -> bool:
    code = getattr(action, "__code__", None)
    if type(code) is CodeType and not (
        code.co_argcount or code.co_kwonlyargcount or code.co_flags & _VARIADIC
    ):
        return False  # nearly every handler
    names, more = _parameters(action)
    return bool(names) or more


def _is_endpoint_method(action: Callable[..., Any]) -> bool:
    """Whether a function will be a method of an endpoint.

    When the decorator runs the class does not exist yet; but a method takes ``self`` and nothing
    else, and its module has imported ``Endpoint`` or a class made of it.
    """
    if _parameters(action) != (("self",), False):
        return False
    namespace = getattr(unwrap(action), "__globals__", {})
    return any(isinstance(thing, type) and issubclass(thing, Endpoint) for thing in list(namespace.values()))


# -- hooks and actions --------------------------------------------------------------------------
def hook(*hook_patterns: str) -> Callable[[Action], Action]:
    """Invoke the function when the current hook matches one of the patterns.

    See :func:`~charms.reactive.helpers.any_hook` for the patterns. Cannot be combined with flags,
    which are looked at only when all hook handlers have run. Prefer flags.

    Raises:
        TypeError: a pattern is not a string.
    """
    hook_patterns = _checked_names("hook", hook_patterns)

    def register(action: Action) -> Action:
        handler = Handler.get(action)
        if not hook_patterns:
            _say_without("hook", action, "hook", "never lets it run")
        for pattern in hook_patterns:
            named_hooks.setdefault(pattern, handler)
        handler.confine(HOOKS)
        handler.add_predicate(partial(any_hook, *hook_patterns))
        if _takes_arguments(action) and not (_is_endpoint_method(action) and handler.has_args):
            handler.add_args(_relation_of_hook())
        return action

    return register


def _checked_names(decorator: str, names: Tuple[Any, ...]) -> Tuple[str, ...]:
    for name in names:
        # A list, or the function itself below a bare decorator.
        if not isinstance(name, str) and not environment.is_mock(name):
            message = "@%s takes names, as in @%s('a', 'b'), and not %s"
            raise TypeError(message % (decorator, decorator, kind_of(name)))
    return tuple(name if isinstance(name, str) else str(name) for name in names)


def _relation_of_hook() -> Iterator[Any]:
    relation = endpoint_from_name(hookenv.relation_type())
    if relation:
        yield relation


def action(*names: str) -> Callable[[Action], Action]:
    """Invoke the function when one of these actions is run.

    It runs among the hook handlers; flags that it sets are reacted to in the same dispatch. The
    action's script calls ``charms.reactive.main()``, as a hook's does.

    Args:
        names: the actions' names, as in ``actions.yaml``.

    Raises:
        TypeError: a name is not a string.
        HandlerUseError: there is no name, or the function can never run: a coroutine or generator
            function, or one that wants arguments. It is a :class:`TypeError`.
    """
    names = _checked_names("action", names)

    def register(function: Action) -> Action:
        _check_own("action", names, function)
        handler = Handler.get(function)
        handler.confine(HOOKS)
        handler.add_predicate(partial(_is_action, *names))
        for name in names:
            named_actions.setdefault(name, handler)
        return function

    return register


def _check_own(decorator: str, names: Sequence[str], function: Callable[..., Any]) -> None:
    """Refuse what can never run, where 1.5.x had no such decorator."""
    from ._dispatch.callables import leaves_unrun, say_unrun, wanted_arguments

    wants = wanted_arguments(function)
    what = "@%s handler %s" % (decorator, _short_action_id(function))
    if leaves_unrun(function):
        say_unrun(what, function, ours=True)
    if wants or not names:
        from ._errors.rare import HandlerUseError  # few ever see it

        reason = "wants %s, and is called with nothing" % wants if wants else "names no %s" % decorator
        raise HandlerUseError("%s can never run: it %s" % (what, reason))


def _is_action(*names: str) -> bool:
    return environment.action_name() in names


def collect_metrics() -> Callable[[Action], Action]:
    """Invoke the function in the ``collect-metrics`` hook, which runs nothing else."""
    return partial(_restricted, "collect-metrics")


def meter_status_changed() -> Callable[[Action], Action]:
    """Invoke the function in the ``meter-status-changed`` hook, which runs nothing else."""
    return partial(_restricted, "meter-status-changed")


def _restricted(hook_name: str, action: Action) -> Action:
    handler = Handler.get(action)
    handler.confine(RESTRICTED)
    handler.add_predicate(partial(_is_hook, hook_name))
    return action


def _is_hook(hook_name: str) -> bool:
    return environment.hook_name() == hook_name


# -- files, once, guards ------------------------------------------------------------------------
def when_file_changed(*filenames: Filename, hash_type: str = "md5") -> Callable[[Action], Action]:
    """Invoke the function when one of the files has changed since it was last invoked.

    Each handler hears each change once, whatever other handlers of the same file do.

    Args:
        filenames: names, paths or functions that return one, relative to the charm directory, in which
            hooks run.
        hash_type: any algorithm of ``hashlib``.

    Raises:
        ValueError: (when it is tested) ``hashlib`` does not have the algorithm.
    """
    from ._dispatch.watched_files import FileWatch  # most charms wait for none

    def register(action: Action) -> Action:
        if not filenames:
            _say_without("when_file_changed", action, "file", "never lets it run")
        for endpoint_name, handler in _handlers(action):
            watch = FileWatch(_stable_id(handler, endpoint_name), filenames, hash_type)
            handler.add_predicate(watch.changed)
            handler.add_pre_callback(watch.consume)
        return action

    return register


# -- changes --------------------------------------------------------------------------------------
def when_set(*flags: str, name: Optional[str] = None) -> Callable[[Action], Action]:
    """Invoke the function once each time that one of the flags becomes set.

    The handler hears of it in the hook in which the flag is set or, if its other conditions do not hold
    then, in a later one, as long as the flag is set. It has heard of it when it has returned and the hook was
    kept: a handler or a hook that fails, or is killed, hears of it again. A flag that was set before the
    charm had the handler is heard of, too.

    Of several edges of one function, those of :func:`when_cleared` included, one is enough; the conditions of
    other decorators must hold besides.

    Args:
        flags: the flags' names.
        name: under which is kept what was heard; by default module and name of the function. Give one and
            the function may be renamed or moved.

    Raises:
        FlagNameError: a flag is not a string.
        HandlerUseError: no flag is named.
    """
    return _edges("when_set", flags, True, name)


def when_cleared(*flags: str, name: Optional[str] = None) -> Callable[[Action], Action]:
    """Invoke the function once each time that one of the flags becomes cleared.

    Otherwise as :func:`when_set`. A flag that was clear when the charm came to have the handler was not
    cleared.
    """
    return _edges("when_cleared", flags, False, name)


def _edges(
    decorator: str, desired_flags: Tuple[str, ...], on: bool, name: Optional[str]
) -> Callable[[Action], Action]:
    from ._dispatch import edges  # most charms wait for none

    flags = _checked(desired_flags)

    def register(action: Action) -> Action:
        _check_names(decorator, action, flags, "flag")
        for endpoint_name, handler in _handlers(action, flags):
            for flag in _expand_endpoint_name(endpoint_name, flags):
                edges.hear(handler, flag, on, _stable_id(handler, endpoint_name, name))
        return action

    return register


def _check_names(decorator: str, action: Callable[..., Any], names: Sequence[Any], what: str) -> None:
    """Refuse a decorator that was given nothing, where 1.5.x had no such decorator."""
    if not names:
        from ._errors.rare import HandlerUseError  # few ever see it

        message = "@%s of handler %s names no %s" % (decorator, _short_action_id(action), what)
        raise HandlerUseError(message)


def when_changed(
    *,
    config: Union[str, Sequence[str]] = (),
    data: Union[Callable[[], Any], Sequence[Callable[[], Any]]] = (),
    file: Union[Filename, Sequence[Filename]] = (),
    name: Optional[str] = None,
) -> Callable[[Action], Action]:
    """Invoke the function when something is not as it was when the function ran last.

    What it was is kept when the function has returned and the hook is kept, for each handler by itself: none
    takes a change away from another, and none is lost. What has never been there has not changed; a handler
    that is new runs for what is there.

    Args:
        config: an option of the charm, or several.
        data: a function that returns something that JSON can hold, or several. It is called whenever the
            handler is tested.
        file: a file, or several, as for :func:`when_file_changed`.
        name: as for :func:`when_set`.

    Raises:
        HandlerUseError: nothing is named; (when it is tested) a function returns what JSON cannot hold.
    """
    options = [config] if isinstance(config, str) else list(config)
    functions: List[Any] = [data] if callable(data) else list(data)
    given: Any = file
    files = [given] if isinstance(given, (str, os.PathLike)) or callable(given) else list(given)

    def register(action: Action) -> Action:
        from ._dispatch.changes import ChangeWatch  # most charms wait for none

        _check_names("when_changed", action, [*options, *functions, *files], "option, data or file")
        for endpoint_name, handler in _handlers(action):
            _watch(handler, ChangeWatch(_stable_id(handler, endpoint_name, name), options, functions, files))
        return action

    return register


def once_per(key: Key, *, name: Optional[str] = None) -> Callable[[Action], Action]:
    """Invoke the function once for each key in the life of the unit.

    That it has run for a key is kept when it has returned and the hook was kept.

    Args:
        key: a string or number, such as a version; with another one in a later revision of the charm the
            function runs once more. Or a function that returns it, called whenever the handler is tested; for
            ``None`` the handler does not run.
        name: as for :func:`when_set`.
    """

    def register(action: Action) -> Action:
        from ._dispatch.changes import OncePer  # most charms have none

        for endpoint_name, handler in _handlers(action):
            _watch(handler, OncePer(_stable_id(handler, endpoint_name, name), key))
        return action

    return register


def _watch(handler: Handler, watch: Any) -> None:
    handler.add_predicate(watch.is_new)
    handler.add_pre_callback(watch.take)
    handler.add_post_callback(watch.remember)


def unless_hook(*hook_patterns: str) -> Callable[[Action], Action]:
    """Do not invoke the function in hooks that match one of the patterns, ``update-status`` above all.

    See :func:`~charms.reactive.helpers.any_hook` for the patterns. Other conditions must hold besides.

    Raises:
        TypeError: a pattern is not a string.
        HandlerUseError: there is none.
    """
    hook_patterns = _checked_names("unless_hook", hook_patterns)

    def register(action: Action) -> Action:
        from ._dispatch.changes import not_in_hook  # most charms have none

        _check_names("unless_hook", action, hook_patterns, "hook")
        for _, handler in _handlers(action):
            handler.add_predicate(partial(not_in_hook, *hook_patterns))
        return action

    return register


def _stable_id(handler: Handler, endpoint_name: Optional[str], name: Optional[str] = None) -> str:
    """A name for a handler that stays the same when lines are added above its function."""
    if name is not None:
        return name + (":%s" % endpoint_name if endpoint_name is not None else "")
    name = _qualified_name(handler._action)
    # Of several functions with one name the first keeps it, and the others are counted.
    namesakes = _functions(lambda other: _qualified_name(other) == name)
    position = namesakes.index(handler._function_key)
    return (
        name
        + ("#%d" % (position + 1) if position else "")
        + (":%s" % endpoint_name if endpoint_name is not None else "")
    )


def _qualified_name(action: Callable[..., Any]) -> str:
    inner = unwrap(action)
    named = inner if hasattr(inner, "__qualname__") else type(inner)
    return "%s.%s" % (named.__module__, named.__qualname__)


def _functions(matches: Callable[[Callable[..., Any]], bool]) -> List[str]:
    """The keys of the matching functions among those that are handlers, each once, in order."""
    found = [one._function_key for one in Handler.get_handlers() if matches(one._action)]
    return list(dict.fromkeys(found))


if TYPE_CHECKING:

    @overload
    def only_once(action: Action) -> Action: ...
    @overload
    def only_once(action: None = None) -> Callable[[Action], Action]: ...


def only_once(action: Any = None) -> Any:
    """Invoke the function once in the life of the unit.

    Remembered by module and qualified name, so that editing the file does not run it again.

    .. deprecated:: 0.5.0
       A flag of your own with :func:`when_not` says what was done, and can be cleared.
    """
    if action is None:
        return only_once
    from ._dispatch import done_once

    for endpoint_name, handler in _handlers(action):
        stable_id = _stable_id(handler, endpoint_name)
        handler.add_predicate(partial(_not_done_before, handler, stable_id))
        key = handler._function_key + ("" if endpoint_name is None else ":%s" % endpoint_name)
        handler.add_post_callback(partial(done_once.remember, key, stable_id))
    return action


def _not_done_before(handler: Handler, stable_id: str) -> bool:
    from ._dispatch import done_once

    path, line, name = _place(handler._action)
    # A mark that 1.5.x left on another line may be that of any function of this name in the file.
    namesakes = _functions(lambda other: _place(other)[::2] == (path, name))
    # Of functions that were made of the same lines it is the first one's, which alone ran.
    name += handler._function_key[len(_action_id(handler._action)) :]
    return not done_once.done_before(stable_id, path, line, name, any_line=len(namesakes) < 2)


def not_unless(*desired_flags: str) -> Callable[[Action], Action]:
    """Warn when the function is called while one of the flags is not set.

    A guard and a piece of documentation: unlike :func:`when` it makes no handler of the function,
    and it lets the call go on. In strict mode the call is an error.

    Raises:
        FlagNameError: a flag is not a string.
        StrictModeError: (when the function is called) a flag is not set, and strict mode is on.
    """
    desired_flags = _checked(desired_flags)

    def guard(action: Action) -> Action:
        name = _short_action_id(action)
        if not desired_flags:
            settings.warn("@not_unless of %s names no flag, and so guards against nothing" % name)

        @wraps(action)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            missing = [flag for flag in dict.fromkeys(desired_flags) if not is_flag_set(flag)]
            if missing:
                plural = "s" if len(missing) > 1 else ""
                message = "%s called before flag%s: %s" % (name, plural, ", ".join(missing))
                if settings.strict():
                    raise StrictModeError(message)
                juju_log.log(message, juju_log.WARNING)
                juju_log.hand_over()
            return action(*args, **kwargs)

        # Decorators above this one must name the function and not this wrapper.
        guarded._action_id = _action_id(action)  # type: ignore[attr-defined]
        guarded._short_action_id = name  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return guard


if not TYPE_CHECKING:
    __getattr__, __dir__ = on_demand(globals(), {}, old=True)
