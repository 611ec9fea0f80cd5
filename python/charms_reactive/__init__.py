"""charms.reactive: handlers of Juju charms that react to combinations of flags.

``charms.reactive`` and ``charms_reactive`` are one package under two names, submodules included.
"""

from __future__ import annotations

# ruff: noqa: E402, F405, I001 -- the order of these imports is part of what the package promises

from . import _alias

# First: everything below may be asked for as charms.reactive while it is being imported.
_alias.install()

from ._engine.choice import engine_name as engine_name
from ._version import __version__ as __version__

# Flags come before relations: factories that other distributions register are loaded while the
# relations module is imported, and use them.
from .flags import *  # noqa: F403
from .relations import endpoint_from_flag as endpoint_from_flag
from .relations import endpoint_from_name as endpoint_from_name
from .relations import relation_from_flag as relation_from_flag
from .relations import relation_from_state as relation_from_state
from .endpoints import *  # noqa: F403
from .decorators import *  # noqa: F403
from .helpers import *  # noqa: F403

from . import bus as bus
from . import decorators as decorators
from . import endpoints as endpoints
from . import flags as flags
from . import handlers as handlers
from . import helpers as helpers
from . import relations as relations
from . import trace as trace
from ._dispatch.main import main as main
from ._errors import ReactiveError as ReactiveError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import errors as errors
    from . import events as events
    from . import patterns as patterns
    from . import records as records
    from . import secrets as secrets
    from . import status as status
    from .patterns.request_response import BaseRequest as BaseRequest
    from .patterns.request_response import BaseResponse as BaseResponse
    from .patterns.request_response import Field as Field
    from .patterns.request_response import RequesterEndpoint as RequesterEndpoint
    from .patterns.request_response import ResponderEndpoint as ResponderEndpoint
    from .relations import RelationBase as RelationBase
    from .relations import scopes as scopes

# What `from charms.reactive import *` gives: what it gave in 1.5.x, and what is new without being a module.
__all__ = [
    "BaseRequest",
    "BaseResponse",
    "Endpoint",
    "Field",
    "ReactiveError",
    "RelationBase",
    "RequesterEndpoint",
    "ResponderEndpoint",
    "action",
    "all_flags_set",
    "all_states",
    "any_file_changed",
    "any_flags_set",
    "any_states",
    "bus",
    "clear_flag",
    "collect_metrics",
    "data_changed",
    "decorators",
    "endpoint_from_flag",
    "endpoint_from_name",
    "endpoints",
    "engine_name",
    "flags",
    "get_flags",
    "get_states",
    "get_unset_flags",
    "helpers",
    "hook",
    "is_data_changed",
    "is_flag_set",
    "is_state",
    "main",
    "meter_status_changed",
    "not_unless",
    "once_per",
    "only_once",
    "patterns",
    "register_trigger",
    "relation_from_flag",
    "relation_from_state",
    "relations",
    "remove_state",
    "scopes",
    "set_flag",
    "set_state",
    "toggle_flag",
    "toggle_state",
    "trace",
    "unless_hook",
    "when",
    "when_all",
    "when_any",
    "when_changed",
    "when_cleared",
    "when_file_changed",
    "when_none",
    "when_not",
    "when_not_all",
    "when_set",
]

# What only charms which use it pay for, and where it is.
_HOMES = {
    "BaseRequest": "patterns.request_response",
    "BaseResponse": "patterns.request_response",
    "Field": "patterns.request_response",
    "RelationBase": "_relations.relation_base",
    "RequesterEndpoint": "patterns.request_response",
    "ResponderEndpoint": "patterns.request_response",
    "errors": "errors",
    "events": "events",
    "patterns": "patterns",
    "records": "records",
    "scopes": "_relations.conversations",
    "secrets": "secrets",
    "status": "status",
    "testing": "testing",
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = _alias.on_demand(globals(), _HOMES, old=("hookenv", "os", "traceback", "unitdata"))
