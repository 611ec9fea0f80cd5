"""The errors of charms.reactive: one family, each with its facts as attributes."""

from __future__ import annotations

from ._engine_errors import EngineError as EngineError
from ._engine_errors import EngineMismatchError as EngineMismatchError
from ._engine_errors import FlagNameError as FlagNameError
from ._engine_errors import ReactiveError as ReactiveError
from ._engine_errors import TriggerCycleError as TriggerCycleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ._rare_errors import EventAttributeError as EventAttributeError
    from ._rare_errors import EventCycleError as EventCycleError
    from ._rare_errors import EventUseError as EventUseError
    from ._rare_errors import ExternalHandlerError as ExternalHandlerError
    from ._rare_errors import HandlerDeclarationError as HandlerDeclarationError
    from ._rare_errors import ReconcilerError as ReconcilerError
    from ._rare_errors import RecordAmbiguousError as RecordAmbiguousError
    from ._rare_errors import RecordDefinitionError as RecordDefinitionError
    from ._rare_errors import RecordError as RecordError
    from ._rare_errors import RecordExistsError as RecordExistsError
    from ._rare_errors import RecordFieldError as RecordFieldError
    from ._rare_errors import RecordNotFoundError as RecordNotFoundError
    from ._rare_errors import RelationDataError as RelationDataError
    from ._rare_errors import RelationMethodError as RelationMethodError
    from ._rare_errors import RelationToolError as RelationToolError
    from ._rare_errors import StatusError as StatusError

__all__ = [
    "ReactiveError",
    "EngineError",
    "EngineMismatchError",
    "TriggerCycleError",
    "FlagNameError",
    "FlagValueError",
    "UnitStateError",
    "UnitStateLockedError",
    "CharmDirError",
    "HandlerImportError",
    "HandlerDeclarationError",
    "HandlerArgumentError",
    "ExternalHandlerError",
    "HookToolError",
    "RelationDataError",
    "RelationMethodError",
    "RelationToolError",
    "StrictModeError",
    "EventAttributeError",
    "EventUseError",
    "EventCycleError",
    "StatusError",
    "ReconcilerError",
    "RecordError",
    "RecordDefinitionError",
    "RecordFieldError",
    "RecordNotFoundError",
    "RecordExistsError",
    "RecordAmbiguousError",
]


class FlagValueError(ReactiveError, TypeError):
    """The value given with a flag cannot be kept in the unit state, which holds JSON.

    Attributes:
        flag: the flag's name.
    """

    def __init__(self, flag: str, reason: object) -> None:
        self.flag = flag
        super().__init__("the value of flag %r cannot be stored as JSON: %s" % (flag, reason))


class UnitStateError(ReactiveError):
    """The unit's state file could not be opened, read or written.

    Attributes:
        path: the file, or ``None`` where it is not known.
        doing: what was being done, in words.
    """

    def __init__(self, path: Optional[str], doing: str, reason: object, advice: str = "") -> None:
        self.path = path
        self.doing = doing
        message = "cannot %s the unit state %s: %s" % (doing, path or "(no file)", reason)
        if advice:
            message += "; " + advice
        super().__init__(message)


class UnitStateLockedError(UnitStateError):
    """Another process holds the unit's state file."""


class CharmDirError(ReactiveError):
    """The charm directory is not known or does not exist.

    Attributes:
        path: the directory that was looked for, or ``None`` where none is configured.
    """

    def __init__(self, path: Optional[str]) -> None:
        self.path = path
        if path is None:
            message = "the charm directory is not known: set JUJU_CHARM_DIR or CHARM_DIR"
        else:
            message = "the charm directory %s does not exist; check JUJU_CHARM_DIR and CHARM_DIR" % path
        super().__init__(message)


class HandlerImportError(ReactiveError, ImportError):
    """A file of handlers could not be imported.

    The original exception is the ``__cause__``.

    Attributes:
        path: the file that failed, as ``discover()`` found it.
    """

    def __init__(self, path: str, reason: BaseException) -> None:
        super().__init__(
            "cannot import handlers from %s: %s: %s" % (path, type(reason).__name__, reason), path=path
        )


class HandlerArgumentError(ReactiveError, TypeError):
    """A handler asks for arguments that its decorators do not give.

    Attributes:
        handler: the handler's id.
    """

    def __init__(self, handler: str, reason: object) -> None:
        self.handler = handler
        super().__init__("handler %s cannot be called: %s" % (handler, reason))


class HookToolError(ReactiveError):
    """A hook tool did not answer, or answered with something that makes no sense.

    Attributes:
        tool: the tool's name, for example ``juju-log``.
    """

    def __init__(self, tool: str, reason: object) -> None:
        self.tool = tool
        super().__init__("hook tool %s: %s" % (tool, reason))


class StrictModeError(ReactiveError):
    """Something that is only a warning by default, with ``CHARMS_REACTIVE_STRICT=1`` in force."""


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in __all__:
            from . import _rare_errors

            return getattr(_rare_errors, name)
        raise AttributeError("module %r has no attribute %r" % (__name__, name))

    def __dir__() -> list:
        return sorted({*globals(), *__all__})
