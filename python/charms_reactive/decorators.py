"""Decorators: they make handlers of functions, and return the functions as they were."""

from __future__ import annotations

import os
from functools import partial, wraps

from . import _juju, _once
from ._engine import ALL, ANY, HOOKS, NONE, NOT_ALL, RESTRICTED
from ._files import FileWatch
from ._juju import hookenv
from .endpoints import Endpoint
from .errors import StrictModeError
from .flags import is_flag_set
from .handlers import Handler, _action_id, _place, _short_action_id, unwrap
from .helpers import any_hook
from .relations import endpoint_from_flag, endpoint_from_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, Tuple, TypeVar, overload

    from ._files import Filename

    Action = TypeVar("Action", bound=Callable[..., Any])
    Decorator = Callable[[Action], Action]

__all__ = [
    "when",
    "when_all",
    "when_any",
    "when_not",
    "when_none",
    "when_not_all",
    "not_unless",
    "when_file_changed",
    "collect_metrics",
    "meter_status_changed",
    "only_once",
    "hook",
    "action",
]


_VARIADIC = 0x04 | 0x08  # inspect.CO_VARARGS | CO_VARKEYWORDS, without importing inspect


# -- flags --------------------------------------------------------------------------------------
def when(*desired_flags: str) -> Decorator[Action]:
    """Invoke the function when all of the flags are set; the same as :func:`when_all`."""
    return when_all(*desired_flags)


def when_all(*desired_flags: str) -> Decorator[Action]:
    """Invoke the function when all of the flags are set.

    It runs in every hook in which they are, and again in a hook whenever one of its flags changes.
    In a module of an interface layer ``{endpoint_name}`` stands for each endpoint of its role and
    interface. A function with parameters gets the relation objects of its flags (legacy).
    """
    return partial(_when, ALL, desired_flags)


def when_any(*desired_flags: str) -> Decorator[Action]:
    """Invoke the function when at least one of the flags is set. Never passes arguments."""
    return partial(_when, ANY, desired_flags)


def when_not(*desired_flags: str) -> Decorator[Action]:
    """Invoke the function when none of the flags is set; the same as :func:`when_none`."""
    return when_none(*desired_flags)


def when_none(*desired_flags: str) -> Decorator[Action]:
    """Invoke the function when none of the flags is set. Never passes arguments."""
    return partial(_when, NONE, desired_flags)


def when_not_all(*desired_flags: str) -> Decorator[Action]:
    """Invoke the function when at least one of the flags is not set. Never passes arguments."""
    return partial(_when, NOT_ALL, desired_flags)


def _when(kind: int, desired_flags: Tuple[str, ...], action: Action) -> Action:
    endpoint_names = _get_endpoint_names(action)
    if not endpoint_names and any("{endpoint_name}" in flag for flag in desired_flags):
        # An interface layer whose other role is the one in use: nothing to react to.
        return action
    for endpoint_name in endpoint_names or [None]:
        handler = Handler.get(action, endpoint_name)
        flags = _expand_endpoint_name(endpoint_name, desired_flags)
        handler.add_condition(kind, flags)
        if _is_endpoint_method(action):
            if not handler.has_args:  # one self, however many decorators
                handler.add_args(map(endpoint_from_name, [endpoint_name]))
        elif kind == ALL and _takes_arguments(action):
            handler.add_args(_relations_of(flags))
    return action


def _relations_of(flags: Iterable[str]) -> Iterator[Any]:
    for flag in flags:
        relation = endpoint_from_flag(flag)
        if relation:
            yield relation


def _get_endpoint_names(action: Callable[..., Any]) -> List[Optional[str]]:
    """The endpoints that a function in a module of an interface layer serves."""
    directory, file = os.path.split(_place(action)[0])
    role, _ = os.path.splitext(file)
    if role not in ("requires", "provides", "peers"):
        return []
    return list(hookenv.role_and_interface_to_relations(role, os.path.basename(directory)) or [])


def _expand_endpoint_name(endpoint_name: Optional[str], flags: Sequence[str]) -> Tuple[str, ...]:
    if endpoint_name is None:
        return tuple(flags)
    # Plain replacement: other braces in a flag are nobody's business here.
    return tuple(flag.replace("{endpoint_name}", endpoint_name) for flag in flags)


def _parameters(action: Callable[..., Any]) -> Tuple[Tuple[str, ...], bool]:
    """The names of a function's named parameters, and whether it takes others too."""
    code = getattr(unwrap(action), "__code__", None)
    if code is None:
        return (), False
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if getattr(action, "__self__", None) is not None:  # a bound method: self is taken care of
        names = names[1:]
    return names, bool(code.co_flags & _VARIADIC)


def _takes_arguments(action: Callable[..., Any]) -> bool:
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
def hook(*hook_patterns: str) -> Decorator[Action]:
    """Invoke the function when the current hook matches one of the patterns.

    See :func:`~charms_reactive.helpers.any_hook` for the patterns. Cannot be combined with flags,
    which are looked at only when all hook handlers have run. Prefer flags.
    """

    def register(action: Action) -> Action:
        handler = Handler.get(action)
        handler.confine(HOOKS)
        handler.add_predicate(partial(any_hook, *hook_patterns))
        if _takes_arguments(action):
            handler.add_args(_relation_of_hook())
        return action

    return register


def _relation_of_hook() -> Iterator[Any]:
    relation = endpoint_from_name(hookenv.relation_type())
    if relation:
        yield relation


def action(*names: str) -> Decorator[Action]:
    """Invoke the function when one of these actions is run.

    It runs among the hook handlers; flags that it sets are reacted to in the same dispatch. The
    action's script calls ``charms.reactive.main()``, as a hook's does.

    Args:
        names: the actions' names, as in ``actions.yaml``.
    """

    def register(function: Action) -> Action:
        handler = Handler.get(function)
        handler.confine(HOOKS)
        handler.add_predicate(lambda: _juju.action_name() in names)
        return function

    return register


def collect_metrics() -> Decorator[Action]:
    """Invoke the function in the ``collect-metrics`` hook, which runs nothing else."""
    return partial(_restricted, "collect-metrics")


def meter_status_changed() -> Decorator[Action]:
    """Invoke the function in the ``meter-status-changed`` hook, which runs nothing else."""
    return partial(_restricted, "meter-status-changed")


def _restricted(hook_name: str, action: Action) -> Action:
    handler = Handler.get(action)
    handler.confine(RESTRICTED)
    handler.add_predicate(lambda: _juju.hook_name() == hook_name)
    return action


# -- files, once, guards ------------------------------------------------------------------------
def when_file_changed(*filenames: Filename, hash_type: str = "md5") -> Decorator[Action]:
    """Invoke the function when one of the files has changed since it was last invoked.

    Each handler hears each change once, whatever other handlers of the same file do.

    Args:
        filenames: names, paths or functions that return one.
        hash_type: any algorithm of ``hashlib``.
    """

    def register(action: Action) -> Action:
        handler = Handler.get(action)
        watch = FileWatch(_stable_id(action), filenames, hash_type)
        handler.add_predicate(watch.changed)
        handler.add_pre_callback(watch.consume)
        return action

    return register


def _stable_id(action: Callable[..., Any]) -> str:
    """A name for a function that stays the same when lines are added above it."""
    inner = unwrap(action)
    return "%s.%s" % (getattr(inner, "__module__", "?"), getattr(inner, "__qualname__", repr(inner)))


if TYPE_CHECKING:

    @overload
    def only_once(action: Action) -> Action: ...
    @overload
    def only_once(action: None = None) -> Decorator[Action]: ...


def only_once(action: Any = None) -> Any:
    """Invoke the function once in the life of the unit.

    Remembered by module and qualified name, so that editing the file does not run it again.

    .. deprecated:: 0.5.0
       A flag of your own with :func:`when_not` says what was done, and can be cleared.
    """
    if action is None:
        return only_once
    handler = Handler.get(action)
    handler.add_predicate(lambda: not _done_before(action))
    handler.add_post_callback(lambda: _once.remember(_action_id(action), _stable_id(action)))
    return action


def _done_before(action: Callable[..., Any]) -> bool:
    path, line, name = _place(action)
    others = set(Handler._HANDLERS) - {_action_id(action)}
    return _once.done_before(_stable_id(action), path, line, name, others)


def not_unless(*desired_flags: str) -> Decorator[Action]:
    """Warn when the function is called while one of the flags is not set.

    A guard and a piece of documentation: unlike :func:`when` it makes no handler of the function,
    and it lets the call go on. In strict mode the call is an error.
    """

    def guard(action: Action) -> Action:
        name = _short_action_id(action)

        @wraps(action)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            missing = [flag for flag in dict.fromkeys(desired_flags) if not is_flag_set(flag)]
            if missing:
                plural = "s" if len(missing) > 1 else ""
                message = "%s called before flag%s: %s" % (name, plural, ", ".join(missing))
                if _juju.strict():
                    raise StrictModeError(message)
                _juju.log(message, _juju.WARNING)
                _juju.hand_over()
            return action(*args, **kwargs)

        # Decorators above this one must name the function and not this wrapper.
        guarded._action_id = _action_id(action)  # type: ignore[attr-defined]
        guarded._short_action_id = name  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return guard
