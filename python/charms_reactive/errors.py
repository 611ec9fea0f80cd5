"""The errors of charms.reactive: one family, each with its facts as attributes."""

from __future__ import annotations

from ._alias import on_demand
from ._errors import CharmDirError as CharmDirError
from ._errors import EngineError as EngineError
from ._errors import EngineMismatchError as EngineMismatchError
from ._errors import FlagNameError as FlagNameError
from ._errors import FlagValueError as FlagValueError
from ._errors import HandlerArgumentError as HandlerArgumentError
from ._errors import HandlerImportError as HandlerImportError
from ._errors import HookToolError as HookToolError
from ._errors import ReactiveError as ReactiveError
from ._errors import StrictModeError as StrictModeError
from ._errors import TriggerCycleError as TriggerCycleError
from ._errors import UnitStateError as UnitStateError
from ._errors import UnitStateLockedError as UnitStateLockedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._errors.rare import CharmMetadataError as CharmMetadataError
    from ._errors.rare import EventAttributeError as EventAttributeError
    from ._errors.rare import EventCycleError as EventCycleError
    from ._errors.rare import EventHandlerError as EventHandlerError
    from ._errors.rare import EventUseError as EventUseError
    from ._errors.rare import ExternalHandlerError as ExternalHandlerError
    from ._errors.rare import HandlerDeclarationError as HandlerDeclarationError
    from ._errors.rare import HandlerUseError as HandlerUseError
    from ._errors.rare import ReconcilerError as ReconcilerError
    from ._errors.rare import RecordAmbiguousError as RecordAmbiguousError
    from ._errors.rare import RecordDefinitionError as RecordDefinitionError
    from ._errors.rare import RecordError as RecordError
    from ._errors.rare import RecordExistsError as RecordExistsError
    from ._errors.rare import RecordFieldError as RecordFieldError
    from ._errors.rare import RecordNotFoundError as RecordNotFoundError
    from ._errors.rare import RecordReferenceError as RecordReferenceError
    from ._errors.rare import RelationDataError as RelationDataError
    from ._errors.rare import RelationMethodError as RelationMethodError
    from ._errors.rare import RelationToolError as RelationToolError
    from ._errors.rare import StatusError as StatusError

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
    "CharmMetadataError",
    "HandlerImportError",
    "HandlerDeclarationError",
    "HandlerArgumentError",
    "HandlerUseError",
    "ExternalHandlerError",
    "HookToolError",
    "RelationDataError",
    "RelationMethodError",
    "RelationToolError",
    "StrictModeError",
    "EventAttributeError",
    "EventHandlerError",
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
    "RecordReferenceError",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = on_demand(globals(), dict.fromkeys(__all__, "_errors.rare"))
