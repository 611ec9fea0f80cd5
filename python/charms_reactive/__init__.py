"""charms.reactive: handlers of Juju charms that react to combinations of flags.

``charms.reactive`` and ``charms_reactive`` are one package under two names, submodules included.
"""

from __future__ import annotations

from . import _alias  # first: everything below may be asked for as charms.reactive

_alias.install()

from ._engine import engine_name
from ._version import __version__ as __version__

# Flags come before relations: factories that other distributions register are loaded while the
# relations module is imported, and use them.
from .flags import *  # noqa: F403
from . import errors, flags
from .relations import *  # noqa: F403
from .endpoints import *  # noqa: F403
from .decorators import *  # noqa: F403
from .helpers import *  # noqa: F403
from . import bus, decorators, endpoints, handlers, helpers, patterns, relations, trace
from ._main import main
from .errors import ReactiveError
from .flags import State, StateList, get_state

# Names of old that charms reach through the bus and the helpers.
bus.StateList = flags.StateList  # type: ignore[attr-defined]
bus.State = flags.State  # type: ignore[attr-defined]
bus.set_state = flags.set_flag  # type: ignore[attr-defined]
bus.remove_state = flags.clear_flag  # type: ignore[attr-defined]
bus.get_state = flags.get_state  # type: ignore[attr-defined]
bus.get_states = flags.get_states  # type: ignore[attr-defined]
helpers.is_state = flags.is_flag_set
helpers.toggle_state = flags.toggle_flag
helpers.all_states = flags.all_flags_set
helpers.any_states = flags.any_flags_set
