"""A framework and a charmhelpers of the desk's own, where a test suite has put others in their place.

Unit tests of charms replace what they do not want, ``sys.modules["charmhelpers"] = MagicMock()`` and so
on, and then import ``charms.reactive``, which works with the mocks from there on. Hooks on the desk are run
with the real ones all the same. Both go together as long as each has modules of its own, and so the
desk's are loaded a second time, out of sight.

Nothing of the framework is imported here: the pytest plugin loads this file by its path, so that a suite that
never asks for a unit has nothing of the framework in its interpreter.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from types import FunctionType, ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List

__all__ = ["give_back", "is_needed", "load", "part", "stand_ins"]

_FRAMEWORK = "charms_reactive"
_OTHER_NAME = "charms.reactive"
_DESK = _FRAMEWORK + ".testing"
_CHARMHELPERS = "charmhelpers"

# What the framework is made of, and what suites replace.
_TREES = (_FRAMEWORK, "charms", _CHARMHELPERS)


def is_stand_in(module: object) -> bool:
    """Whether something in ``sys.modules`` is a mock or was made up, and not imported."""
    # A mock may claim to be of another class, but not by its type.
    return not issubclass(type(module), ModuleType) or getattr(module, "__spec__", None) is None


def stand_ins() -> List[str]:
    """The names of framework and charmhelpers for which something else is in ``sys.modules``, sorted."""
    return sorted(name for name, module in _loaded().items() if _matters(name) and is_stand_in(module))


def _matters(name: str) -> bool:
    """Whether the desk uses the module of this name; other layers' are a charm's own affair."""
    return not name.startswith("charms.") or (name + ".").startswith("charms.reactive.")


def _loaded() -> Dict[str, Any]:
    return {name: module for name, module in list(sys.modules.items()) if name.partition(".")[0] in _TREES}


def is_needed() -> bool:
    """Whether the framework that is loaded works with stand-ins, or one would be loaded that did."""
    if stand_ins():
        return True
    flags = sys.modules.get(_FRAMEWORK + ".flags")
    if flags is None:
        return False
    # The mocks may be gone again, and what was imported beside them is not.
    hookenv: Any = getattr(flags, "hookenv", None)
    return (
        hookenv is not sys.modules.get(_CHARMHELPERS + ".core.hookenv")
        or type(getattr(flags, "set_flag", None)) is not FunctionType
        or any(map(_is_mock, vars(hookenv).values()))
    )


def _is_mock(value: object) -> bool:
    return type(value).__module__.split(".")[0] in ("mock", "unittest")


def load() -> ModuleType:
    """The package ``charms_reactive.testing``, loaded once in an interpreter.

    Where the framework is loaded already and nothing is in its way, this is a part of it. Else it has a
    framework and a charmhelpers that nobody else finds, and takes the place of one whose import is under way.
    """
    found = sys.modules.get(_DESK)
    if found is not None and not is_stand_in(found) and not getattr(found.__spec__, "_initializing", False):
        return found
    if _FRAMEWORK in sys.modules and not is_needed():
        return importlib.import_module(_DESK)
    with _set_aside():
        desk = importlib.import_module(_DESK)
        ours = {name: module for name, module in sys.modules.items() if (name + ".").startswith(_DESK + ".")}
    sys.modules.update(ours)
    return desk


def give_back() -> None:
    """Let the next ``import charms.reactive`` look anew, with :func:`part`; it may well find the same.

    Called when the desk is loaded: in one run of tests, suites may put mocks in the place of charmhelpers
    after that, and import the framework to work with them.
    """
    for name in list(sys.modules):
        ours = sys.modules.get(_FRAMEWORK + name[len(_OTHER_NAME) :])
        if (name + ".").startswith(_OTHER_NAME + ".") and sys.modules[name] is ours:
            del sys.modules[name]
    charms = sys.modules.get("charms")
    if charms is not None and not is_stand_in(charms) and "__getattr__" not in vars(charms):
        vars(charms).pop("reactive", None)
        charms.__getattr__ = _of_charms  # type: ignore[method-assign]


def _of_charms(name: str) -> ModuleType:
    """The attribute ``reactive`` of the package ``charms``, for those who imported it before."""
    if name != "reactive":
        raise AttributeError("module 'charms' has no attribute %r" % name)
    return importlib.import_module(_OTHER_NAME)


def part() -> None:
    """Leave the framework to the desk, if it is not the one that a suite with mocks wants to import."""
    if is_needed():
        for name in _loaded():
            if (name + ".").startswith(_FRAMEWORK + ".") and not (name + ".").startswith(_DESK + "."):
                del sys.modules[name]


@contextlib.contextmanager
def _set_aside() -> Iterator[None]:
    """Let imports find what is installed; afterwards everything is loaded that was, and nothing else."""
    before = _loaded()
    finders = list(sys.meta_path)
    for name in before:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in _loaded():
            del sys.modules[name]
        sys.modules.update(before)
        sys.meta_path[:] = finders
