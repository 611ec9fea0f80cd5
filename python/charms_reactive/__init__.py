"""charms.reactive: handlers of Juju charms that react to combinations of flags.

``charms.reactive`` and ``charms_reactive`` are one package under two names, submodules included.
"""

from __future__ import annotations

# ruff: noqa: E402, I001 -- the order of these imports is part of what the package promises

from . import _alias

# First: everything below may be asked for as charms.reactive while it is being imported.
_alias.install()

from ._engine import engine_name as engine_name
from ._version import __version__ as __version__

# Flags come before relations: factories that other distributions register are loaded while the
# relations module is imported, and use them.
from .flags import *  # noqa: F403
from .relations import *  # noqa: F403
from .endpoints import *  # noqa: F403
from .patterns.request_response import *  # noqa: F403
from .decorators import *  # noqa: F403
from .helpers import *  # noqa: F403

from . import bus as bus
from . import decorators as decorators
from . import endpoints as endpoints
from . import errors as errors
from . import flags as flags
from . import handlers as handlers
from . import helpers as helpers
from . import patterns as patterns
from . import relations as relations
from . import trace as trace
from ._main import main as main
from .errors import ReactiveError as ReactiveError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from . import events as events
    from . import records as records
    from . import status as status

# Modules that only charms which use them pay for.
_ON_DEMAND = ("events", "records", "status")


def __getattr__(name: str) -> ModuleType:
    if name in _ON_DEMAND:
        import importlib

        return importlib.import_module("%s.%s" % (__name__, name))
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
