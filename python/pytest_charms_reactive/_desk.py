"""Loads the simulated unit for the first test that asks for it, and leaves ``sys.modules`` as it was.

A test suite may have put mocks of charmhelpers or of the framework there, or may be about to do so; what it
finds there is to be what it would find without this plugin.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any, List

_FRAMEWORK = "charms_reactive"


def load() -> ModuleType:
    """The package ``charms_reactive.testing``.

    Raises:
        ImportError: the framework or charmhelpers is not installed, or does not work.
    """
    found = sys.modules.get(_FRAMEWORK + ".testing")
    if type(found) is ModuleType:
        return found
    desk: ModuleType = _own_copy().load()
    return desk


def told_stand_ins() -> List[str]:
    """What stands in the place of charmhelpers or the framework, a line for each module."""
    return [
        "%s is a %s.%s" % (name, type(module).__module__, type(module).__qualname__)
        for name in _own_copy().stand_ins()
        for module in [sys.modules[name]]
    ]


def _own_copy() -> Any:
    """The module of that name, by its file: by its name, the framework would be imported first."""
    package = PathFinder.find_spec(_FRAMEWORK)
    if package is None or not package.submodule_search_locations:
        raise ImportError("charms.reactive is not installed for %s" % sys.executable, name=_FRAMEWORK)
    path = os.path.join(next(iter(package.submodule_search_locations)), "testing", "_own_copy.py")
    if not os.path.exists(path):  # the sdist, which units install, has something else in that place
        testing = importlib.import_module(_FRAMEWORK + ".testing")
        raise ImportError(getattr(testing, "WHERE", "%s is missing" % path))
    spec = importlib.util.spec_from_file_location(_FRAMEWORK + ".testing._own_copy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
