"""The base of all errors, and those that any hook may raise: of the engine, the unit state, Juju, handlers.

They are public as names of :mod:`charms_reactive.errors`; those of rarer features are in ``rare``. They
stand below every floor and import nothing of ours.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Sequence, Tuple

# Where tracebacks say that they are.
_PUBLIC = "charms_reactive.errors"


def kind_of(value: object) -> str:
    """What something is, for messages; never what it holds, which may be a password, for they are logged."""
    return "class %s" % value.__name__ if isinstance(value, type) else type(value).__name__


class ReactiveError(Exception):
    """Base of every error that charms.reactive itself raises."""

    __module__ = _PUBLIC


class EngineError(ReactiveError, RuntimeError):
    """The engine was driven out of order, for example told the answer to a test it did not ask."""

    __module__ = _PUBLIC


class EngineMismatchError(ReactiveError, ImportError):
    """The native engine is missing, broken, or was built from another version of charms.reactive."""

    __module__ = _PUBLIC


class TriggerCycleError(ReactiveError, RuntimeError):
    """A chain of triggers came back to a change that was still being made.

    Attributes:
        steps: the changes of the cycle in the order they were made, each a pair of the flag and
            whether it was set (``True``) or cleared (``False``). The last one is the first one again.
    """

    __module__ = _PUBLIC

    def __init__(self, steps: Sequence[Tuple[str, bool]]) -> None:
        self.steps = tuple((str(flag), bool(on)) for flag, on in steps)
        chain = " -> ".join("%s %s" % ("set" if on else "clear", flag) for flag, on in self.steps)
        super().__init__(
            "triggers form a cycle: %s; change one of these register_trigger() calls so that the "
            "chain ends" % chain
        )


class FlagNameError(ReactiveError, TypeError):
    """A flag is not a text string that the unit state can hold.

    Attributes:
        flag: the object that was given in place of a flag name.
    """

    __module__ = _PUBLIC

    def __init__(self, flag: object, reason: str = "") -> None:
        self.flag = flag
        # A name is no secret; in its place anything may be given.
        shown = ascii(flag) if isinstance(flag, str) else kind_of(flag)
        super().__init__("a flag must be a string, not %s%s" % (shown, ": " + reason if reason else ""))


class FlagValueError(ReactiveError, TypeError):
    """The value given with a flag cannot be kept in the unit state, which holds JSON.

    Attributes:
        flag: the flag's name.
    """

    __module__ = _PUBLIC

    def __init__(self, flag: str, reason: object) -> None:
        self.flag = flag
        super().__init__("the value of flag %r cannot be stored as JSON: %s" % (flag, reason))


class UnitStateError(ReactiveError):
    """The unit's state file could not be opened, read or written.

    Attributes:
        path: the file, or ``None`` where it is not known.
        doing: what was being done, in words.
    """

    __module__ = _PUBLIC

    def __init__(self, path: Optional[str], doing: str, reason: object, advice: str = "") -> None:
        self.path = path
        self.doing = doing
        message = "cannot %s the unit state %s: %s" % (doing, path or "(no file)", reason)
        if advice:
            message += "; " + advice
        super().__init__(message)


class UnitStateLockedError(UnitStateError):
    """Another process holds the unit's state file."""

    __module__ = _PUBLIC


class CharmDirError(ReactiveError):
    """The charm directory is not known or does not exist.

    Attributes:
        path: the directory that was looked for, or ``None`` where none is configured.
    """

    __module__ = _PUBLIC

    def __init__(self, path: Optional[str]) -> None:
        self.path = path
        if path is None:
            message = "the charm directory is not known: set JUJU_CHARM_DIR or CHARM_DIR"
        else:
            message = "the charm directory %s does not exist; check JUJU_CHARM_DIR and CHARM_DIR" % path
        super().__init__(message)


def in_words(error: BaseException) -> str:
    """The type and the text of an exception, whatever its ``__str__`` does."""
    try:
        text = str(error)
    except Exception as failure:  # noqa: BLE001 -- it must not hide the exception itself
        text = "(its text cannot be told: __str__ raises %s)" % type(failure).__name__
    return "%s: %s" % (type(error).__name__, text)


class HandlerImportError(ReactiveError, ImportError):
    """A file of handlers could not be imported.

    The original exception is the ``__cause__``.

    Attributes:
        path: the file that failed, as ``discover()`` found it.
    """

    __module__ = _PUBLIC

    def __init__(self, path: str, reason: BaseException) -> None:
        what = in_words(reason)
        if isinstance(reason, SystemExit):
            what = "it ends the process, by sys.exit(%r)" % (reason.code,)
        super().__init__("cannot import handlers from %s: %s" % (path, what), path=path)


class HandlerArgumentError(ReactiveError, TypeError):
    """A handler asks for arguments that its decorators do not give.

    Attributes:
        handler: the handler's id.
    """

    __module__ = _PUBLIC

    def __init__(self, handler: str, reason: object) -> None:
        self.handler = handler
        super().__init__(
            "handler %s cannot be called: %s; a function gets one argument for each flag of a legacy "
            "relation (RelationBase) in its @when, and none for any other flag: take the parameter out, and "
            "call endpoint_from_flag() or endpoint_from_name() in the function" % (handler, reason)
        )


class HookToolError(ReactiveError):
    """A hook tool did not answer, or answered with something that makes no sense.

    Attributes:
        tool: the tool's name, for example ``juju-log``.
    """

    __module__ = _PUBLIC

    def __init__(self, tool: str, reason: object) -> None:
        self.tool = tool
        super().__init__("hook tool %s: %s" % (tool, reason))


class StrictModeError(ReactiveError):
    """Something that is only a warning by default, with ``CHARMS_REACTIVE_STRICT=1`` in force."""

    __module__ = _PUBLIC
