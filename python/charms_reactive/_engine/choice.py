"""Chooses the engine: the native one where it is built, else the one in Python.

``CHARMS_REACTIVE_ENGINE=native`` insists on the first, ``CHARMS_REACTIVE_ENGINE=pure`` on the
second. An extension that is there but broken, or left over from another version, is an error and
never a reason to go on with the other engine: a charm must not change its engine unnoticed. A pure wheel has
no extension, and whatever lies in its place is none of it.
"""

from __future__ import annotations

import importlib
import os
import sys

from charms_reactive._errors import EngineMismatchError
from charms_reactive._version import NATIVE, __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._native import Engine as Engine

__all__ = ["core", "engine_name", "new_engine"]

_VARIABLE = "CHARMS_REACTIVE_ENGINE"

_NONE = (
    "%s=native, but this installation of charms.reactive has no native engine; install a "
    "platform wheel or unset the variable"
)

# The stable ABI that the extension is built for begins here; older interpreters cannot load it.
_NATIVE_FROM = (3, 10)


def _choose(wanted: str) -> Any:
    """The module of the engine that ``wanted`` ("native", "pure" or "") stands for."""
    if wanted not in ("", "native", "pure"):
        raise EngineMismatchError("%s must be native or pure, not %r" % (_VARIABLE, wanted))
    if wanted == "pure" or (not wanted and (sys.version_info < _NATIVE_FROM or not NATIVE)):
        from . import pure

        return pure
    if not NATIVE:
        raise EngineMismatchError(_NONE % _VARIABLE)
    try:
        _native = importlib.import_module(__package__ + "._native")
    except ModuleNotFoundError as error:
        if error.name != __package__ + "._native":
            raise EngineMismatchError("the native engine is broken: %s" % error) from error
        if wanted:
            raise EngineMismatchError(_NONE % _VARIABLE) from error
        from . import pure

        return pure
    except ImportError as error:
        if "interpreter" in str(error):  # PyO3's word for a second one in the same process
            raise EngineMismatchError(
                "the native engine of charms.reactive does not work in a subinterpreter; "
                "set %s=pure before the package is imported there (%s)" % (_VARIABLE, error)
            ) from error
        raise EngineMismatchError(
            "the native engine of charms.reactive is broken: %s; reinstall the package, or set "
            "%s=pure to go on without it" % (error, _VARIABLE)
        ) from error
    found = getattr(_native, "__version__", "unknown")
    if found != __version__:
        raise EngineMismatchError(
            "the native engine at %s is of version %s and charms.reactive is %s; reinstall the "
            "package, or set %s=pure to go on without it" % (_native.__file__, found, __version__, _VARIABLE)
        )
    return _native


#: The module of the engine in use.
core: Any = _choose(os.environ.get(_VARIABLE, ""))

# The engine's constants, for everybody above it; `_native.pyi` says what they mean.
ALL: int = core.ALL
ANY: int = core.ANY
NONE: int = core.NONE
NOT_ALL: int = core.NOT_ALL
HOOKS: int = core.HOOKS
OTHER: int = core.OTHER
RESTRICTED: int = core.RESTRICTED
SET: int = core.SET
CLEAR: int = core.CLEAR
CALL: int = core.CALL
BEGIN: int = core.BEGIN
TEST: int = core.TEST
QUEUED: int = core.QUEUED
INVOKE: int = core.INVOKE
DONE: int = core.DONE
LIMIT: int = core.LIMIT
MAX_ITERATIONS: int = core.MAX_ITERATIONS


def new_engine() -> Engine:
    """A new engine of the kind in use."""
    engine: Engine = core.Engine()
    return engine


def engine_name() -> str:
    """Which engine is in use: ``"native"`` or ``"pure"``.

    ``CHARMS_REACTIVE_ENGINE`` insists on one; otherwise it is the native one where it is installed.
    """
    return "pure" if core.__name__.endswith(".pure") else "native"
