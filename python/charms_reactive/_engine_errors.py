"""The errors that the engine raises, and the base of them all.

They are public as names of :mod:`charms_reactive.errors`. They stand here because the commands that
shell handlers run use the engine and have no time to import ``subprocess``, which others need.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence, Tuple

# Where tracebacks say that they are.
_PUBLIC = __package__ + ".errors"


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
        detail = reason or "it is %s" % type(flag).__name__
        super().__init__("a flag must be a string, not %r: %s" % (flag, detail))
