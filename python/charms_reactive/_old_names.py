"""Names that modules of 1.5.x had because they imported what they used, and that test suites patch.

Imported when one of them is asked for or replaced, which no hook does.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Tuple

__all__ = ["NAMES", "USED_IN"]

_HOOKENV = "charms_reactive._juju.environment:hookenv"
_UNITDATA = "charms_reactive._unit_state.fresh_rows:unitdata"
_CMDLINE = "charmhelpers.cli:cmdline"


def _same(*modules: str) -> Dict[str, str]:
    return {module: module for module in modules}


def _of(module: str, *names: str) -> Dict[str, str]:
    return {name: "%s:%s" % (module, name) for name in names}


#: By module: each name that it has no more by itself, and where it comes from, ``module`` or ``module:name``.
NAMES: Dict[str, Dict[str, str]] = {
    "charms_reactive": {**_same("os", "traceback"), "hookenv": _HOOKENV, "unitdata": _UNITDATA},
    "charms_reactive.bus": {
        **_same("errno", "importlib", "os", "subprocess", "sys"),
        **_of("itertools", "chain"),
        **_of("functools", "partial"),
        **_of("charms_reactive.trace", "tracer"),
        "_log_opts": "charms_reactive.handlers:_LOG_OPTS",
        "hookenv": _HOOKENV,
        "unitdata": _UNITDATA,
    },
    "charms_reactive.decorators": {
        **_of("pathlib", "Path"),
        **_of("inspect", "getfile", "isclass", "signature"),
        **_of("charms_reactive.flags", "get_flags"),
        **_of(
            "charms_reactive.helpers",
            "_hook",
            "_restricted_hook",
            "_when_all",
            "_when_any",
            "_when_none",
            "_when_not_all",
            "any_file_changed",
            "mark_invoked",
            "was_invoked",
        ),
    },
    "charms_reactive.endpoints": {
        **_same("json"),
        **_of("collections", "UserDict"),
        **_of("charms_reactive.helpers", "data_changed"),
        "unitdata": _UNITDATA,
    },
    "charms_reactive.flags": {
        **_of("charms_reactive.external", "FlagWatch"),
        "cmdline": _CMDLINE,
        "unitdata": _UNITDATA,
    },
    "charms_reactive.helpers": {
        **_same("hashlib"),
        "cmdline": _CMDLINE,
        "host": "charmhelpers.core.host",
        "unitdata": _UNITDATA,
    },
    "charms_reactive.relations": {
        **_same("importlib", "os", "sys"),
        **_of("charms_reactive.discovery", "_append_path"),
        **_of("inspect", "isclass"),
        **_of("charms_reactive.flags", "clear_flag", "get_flags", "set_flag"),
        "cmdline": _CMDLINE,
        "unitdata": _UNITDATA,
    },
    "charms_reactive.trace": _same("charms"),
    "charms_reactive.patterns.request_response": {
        **_same("sys", "weakref"),
        **_of("uuid", "uuid4"),
    },
}

# hookenv is asked by these for everybody, and the unit state by those.
_OF_HOOKENV = ("charms_reactive._juju.environment", "charms_reactive._juju.juju_log")
_OF_UNITDATA = (
    "charms_reactive._unit_state.fresh_rows",
    "charms_reactive._unit_state.unit_state",
    "charms_reactive.external",
)
_FACTORIES = "charms_reactive._relations"
_OF_RELATIONS = ("charms_reactive._relations.conversations", "charms_reactive._relations.relation_base")

#: By module and name: where the code is today that uses it, ``module``, or ``module:name`` by another name.
USED_IN: Dict[str, Dict[str, Tuple[str, ...]]] = {
    "charms_reactive.bus": {
        "_action_id": ("charms_reactive.handlers",),
        "_append_path": ("charms_reactive.discovery",),
        "_load_module": ("charms_reactive.discovery",),
        "_short_action_id": ("charms_reactive.handlers",),
        "hookenv": _OF_HOOKENV,
        "importlib": ("charms_reactive.discovery",),
        "subprocess": ("charms_reactive.external",),
        "tracer": ("charms_reactive.flags",),
        "unitdata": _OF_UNITDATA,
    },
    "charms_reactive.decorators": {
        "_action_id": ("charms_reactive.handlers",),
        "_short_action_id": ("charms_reactive.handlers",),
        "hookenv": _OF_HOOKENV,
    },
    "charms_reactive.endpoints": {"hookenv": _OF_HOOKENV, "unitdata": _OF_UNITDATA},
    "charms_reactive.flags": {"hookenv": _OF_HOOKENV, "unitdata": _OF_UNITDATA},
    "charms_reactive.helpers": {"hookenv": _OF_HOOKENV, "unitdata": _OF_UNITDATA},
    "charms_reactive.relations": {
        "_find_relation_factory": (
            _FACTORIES + ":find_relation_factory",
            "charms_reactive._relations.relation_base:find_relation_factory",
        ),
        "_get_flag_value": _OF_RELATIONS,
        "_relation_module": (
            _FACTORIES + ":relation_module",
            "charms_reactive._relations.relation_base:relation_module",
        ),
        "clear_flag": ("charms_reactive._relations.conversations",),
        "hookenv": (*_OF_HOOKENV, *_OF_RELATIONS, _FACTORIES),
        "importlib": (_FACTORIES,),
        "set_flag": ("charms_reactive._relations.conversations",),
        "unitdata": _OF_UNITDATA,
    },
    "charms_reactive.trace": {"hookenv": _OF_HOOKENV},
    "charms_reactive.patterns.request_response": {},
}
