"""Runs in place of a hook, on the desk: loads the charm's handlers file by file, and notes what is
registered.
"""

from __future__ import annotations

import importlib
import json
import os
from typing import Any, Dict, List

from charms_reactive import discovery
from charms_reactive._dispatch import recorder
from charms_reactive._juju import environment, settings
from charms_reactive._unit_state import unit_state
from charms_reactive.handlers import Handler, _place

__all__ = ["collect"]


def collect(path: str) -> None:
    """Load what :func:`charms_reactive.discovery.discover` would, and write what came of it to a file of
    JSON.
    """
    charm_dir = environment.charm_dir()
    unit_state.unit.start()
    settings.start_hook()
    environment.tell_hookenv()
    failures: Dict[str, str] = {}
    _be_ubuntu()
    _bootstrap(charm_dir)
    for directory in (charm_dir, os.path.join(charm_dir, "hooks")):
        discovery._append_path(directory)
    for searched in discovery._SEARCHED:
        root = os.path.join(charm_dir, searched)
        for file in discovery._files_below(root):
            if file.endswith(".py"):
                try:
                    discovery._load_module(root, file)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001 -- whatever a module does, the others are loaded
                    failures[os.path.relpath(file, charm_dir)] = _in_words(error)
    found = {
        "failures": failures,
        "handlers": [_described(handler, charm_dir) for handler in Handler.get_handlers()],
    }
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as out:
        out.write(json.dumps(found))  # json.dump() is written in Python


def _be_ubuntu() -> None:
    """Have charmhelpers take this machine for one of those that charms are made for.

    Much of it cannot be imported elsewhere. What it does to an Ubuntu machine, the fence keeps it from doing.
    """
    from charmhelpers import osplatform

    osplatform.get_platform = lambda: "ubuntu"


def _bootstrap(charm_dir: str) -> None:
    """What a charm of layer:basic does before its handlers are loaded, as far as that is anybody's business
    here.
    """
    if os.path.exists(os.path.join(charm_dir, "lib", "charms", "layer", "basic.py")):
        try:
            importlib.import_module("charms.layer.basic").bootstrap_charm_deps()
        except BaseException:  # noqa: BLE001 -- those that need it say so
            pass


def _in_words(error: BaseException) -> str:
    while error.__cause__ is not None and type(error).__name__ == "HandlerImportError":
        error = error.__cause__
    text = " ".join(str(error).split())
    return "%s: %s" % (type(error).__name__, text) if text else type(error).__name__


def _described(handler: Any, charm_dir: str) -> Dict[str, Any]:
    told = recorder._described(handler)
    file, line, name = _place(handler._action)
    hooks: List[str] = []
    actions: List[str] = []
    predicates: List[str] = []
    for predicate, words in zip(handler._predicates, told["predicates"]):
        function = getattr(predicate, "func", predicate)
        arguments = [str(one) for one in getattr(predicate, "args", ())]
        kind = getattr(function, "__name__", "")
        if kind in ("any_hook", "_is_hook"):
            hooks += arguments
        elif kind == "_is_action":
            actions += arguments
        else:
            predicates.append(words)
    prefix = os.path.join(charm_dir, "")
    relative = file[len(prefix) :] if file.startswith(prefix) else file
    return {
        "id": told["id"],
        "file": relative.replace(os.sep, "/"),
        "line": line,
        "name": name,
        "endpoint": _suffix(told["id"], line, name),
        "conditions": told["conditions"],
        "edges": [flag for flag, _ in told.get("edges", ())],
        "hooks": hooks,
        "actions": actions,
        "predicates": predicates,
    }


def _suffix(handler_id: str, line: int, name: str) -> str:
    """The endpoint that the end of an id names."""
    _, found, rest = handler_id.partition(":%d:%s" % (line, name))
    return rest.partition(":")[2] if found else ""
