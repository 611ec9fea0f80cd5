"""What a call of something of the charm would do: whether it runs, and which arguments it wants.

Said where that is registered. A charm of 1.5.x may have had such a thing for years, so there it is a warning.
"""

from __future__ import annotations

from functools import partial
from types import CodeType, GeneratorType, MethodType

from charms_reactive._juju import environment, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Set, Tuple

__all__ = [
    "leaves_unrun",
    "place_of",
    "say_unrun",
    "say_unrun_result",
    "takes",
    "unrun_in_words",
    "wanted_arguments",
]

# Of `co_flags`, as inspect has them, whose import would cost more than all that is used of it.
_VARARGS = 0x04
_GENERATOR = 0x20
_NEVER_RUNS = _GENERATOR | 0x80 | 0x200  # and coroutines, and asynchronous generators

_Function = type(lambda: None)


def _called(action: Any) -> Any:
    """What a call of something calls in the end: a function, or whatever it is where that cannot be told."""
    inner = action
    for _ in range(100):
        kind = type(inner)
        if kind is partial:
            inner = inner.func
        elif kind is MethodType or kind is staticmethod:
            inner = inner.__func__
        elif kind is _Function and "_short_action_id" in inner.__dict__ and "__wrapped__" in inner.__dict__:
            inner = inner.__wrapped__  # our own guard, which hands on what it is returned
        else:
            break
    if type(inner) is _Function or isinstance(inner, type):
        return inner
    return _call_of(inner)


def _call_of(thing: Any) -> Any:
    """The function that runs when an object is called, if its class has one."""
    return getattr(type(thing), "__call__", None)  # noqa: B004 -- it is looked into, not at


def leaves_unrun(action: Any) -> int:
    """Whether calling something only makes a coroutine or a generator: those flags of its code, else 0.

    Looked for is what a call really does: a wrapper may well run the coroutine function that it wraps.
    Nothing that an odd object does here (tests pass mocks) may raise.
    """
    code = getattr(_called(action), "__code__", None)
    return code.co_flags & _NEVER_RUNS if type(code) is CodeType else 0


def place_of(action: Any) -> str:
    """Name, file and line of the function that something stands for, below all that is wrapped around it."""
    inner = action
    for _ in range(100):
        inner = _called(inner)
        wrapped = getattr(inner, "__wrapped__", None)
        if wrapped is None:
            break
        inner = wrapped
    code = getattr(inner, "__code__", None)
    if type(code) is not CodeType:
        return type(inner).__qualname__
    return "%s (%s:%d)" % (code.co_name, environment.relative_path(code.co_filename), code.co_firstlineno)


def wanted_arguments(action: Any, given: int = 0) -> str:
    """The parameters of a function that have to be given and are not, for people; empty if there is none.

    As far as that can be told: of what is not made of plain functions it cannot.

    Args:
        action: anything that is called.
        given: how many arguments it is called with, by position.
    """
    return ", ".join(_fit(action, given)[0])


def takes(action: Any, given: int) -> bool:
    """Whether something takes that many arguments by position, as far as that can be told."""
    return _fit(action, given)[1]


def _fit(action: Any, given: int) -> Tuple[List[str], bool]:
    """The names of parameters that are missing, and whether there is room for those that are given."""
    inner = action
    named: Set[str] = set()
    for _ in range(100):
        kind = type(inner)
        if kind is partial:
            given += len(inner.args)
            named.update(inner.keywords)
            inner = inner.func
        elif kind is MethodType:
            given += 1
            inner = inner.__func__
        elif kind is staticmethod:
            inner = inner.__func__
        else:
            break
    if type(inner) is not _Function and not isinstance(inner, type):
        given += 1
        inner = _call_of(inner)
    code = getattr(inner, "__code__", None)
    if type(inner) is not _Function or type(code) is not CodeType:
        return [], True
    positional = code.co_varnames[: code.co_argcount - len(inner.__defaults__ or ())]
    by_name = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    missing = [name for name in positional[given:] if name not in named]
    missing += [name for name in by_name if name not in named and name not in (inner.__kwdefaults__ or ())]
    return missing, given <= code.co_argcount or bool(code.co_flags & _VARARGS)


def say_unrun(what: str, action: Any, ours: bool = False) -> None:
    """Say that something would be called and never run: a warning, or an error.

    Args:
        what: what it is registered as.
        action: what :func:`leaves_unrun` has found to leave everything unrun.
        ours: it is an error in any case, because 1.5.x had no such name.

    Raises:
        HandlerUseError: it is ours.
        StrictModeError: strict mode is on.
    """
    message = "%s never runs: %s" % (what, unrun_in_words(action))
    if ours:
        from charms_reactive._errors.rare import HandlerUseError

        raise HandlerUseError(message)
    settings.warn(message)


def unrun_in_words(action: Any) -> str:
    """Why a call of this runs nothing, and what to do."""
    sentence = _GENERATOR_FUNCTION if leaves_unrun(action) & _GENERATOR else _COROUTINE_FUNCTION
    return sentence % place_of(action)


_COROUTINE_FUNCTION = (
    "%s is a coroutine function, of which a call runs nothing; make it a plain function, which may use "
    "asyncio.run()"
)
_GENERATOR_FUNCTION = (
    "%s is a generator function, of which a call runs nothing; take its yield away, or loop over it in a "
    "plain function"
)


def say_unrun_result(handler: str, action: Any, result: Any) -> None:
    """Say that a handler of this id has returned a coroutine or generator, unless registering it has told.

    Raises:
        StrictModeError: strict mode is on.
    """
    if not leaves_unrun(action):
        kind = "generator" if isinstance(result, GeneratorType) else "coroutine"
        message = (
            "handler %s returns a %s, of which nothing has run; run it there, with a loop or asyncio.run()"
        )
        settings.warn(message % (handler, kind))
