"""Beside stand-ins: suites that put mocks of ``charms.reactive`` or ``charmhelpers`` into ``sys.modules``.

Such a suite and one that runs whole charms may be parts of one pytest run, in either order. The first import
of the framework is then made with the mocks set aside, and they come back, as they were, as soon as it is
done: what a suite has replaced stays replaced for it.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Dict, Iterator, Optional, Sequence

_FRAMEWORK = "charms_reactive"

# What is loaded by the framework, and replaced by those who do without it.
_TREES = ("charms", "charmhelpers")


def _modules() -> Dict[str, Any]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in _TREES}


def _is_stand_in(module: Any) -> bool:
    return type(module) is not ModuleType or module.__spec__ is None


def any_stand_ins() -> bool:
    """Whether somebody has replaced the framework or charmhelpers."""
    return any(map(_is_stand_in, _modules().values()))


@contextlib.contextmanager
def set_aside() -> Iterator[None]:
    """Let imports find what is installed; afterwards everything is loaded that was, and nothing else."""
    before = _modules()
    finders = list(sys.meta_path)
    for name in before:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in _modules():
            del sys.modules[name]
        sys.modules.update(before)
        for name, module in before.items():
            # An import makes a module an attribute of its package, which it has to be again.
            parent, _, last = name.rpartition(".")
            if parent in before and not _is_stand_in(before[parent]):
                setattr(before[parent], last, module)
        sys.meta_path[:] = finders


class Finder:
    """First in ``sys.meta_path``: imports the framework beside stand-ins, and has no say without them."""

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        if fullname != _FRAMEWORK or not any_stand_ins():
            return None
        with set_aside():
            importlib.import_module(_FRAMEWORK + ".testing")
        # Were it there already, the import system would not ask for ours but load it once more.
        self._loaded = sys.modules.pop(_FRAMEWORK)
        return ModuleSpec(fullname, self)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        # The import system is about to stamp the module with this spec.
        spec.loader_state = self._loaded.__spec__
        return self._loaded

    def exec_module(self, module: ModuleType) -> None:
        spec: Any = module.__spec__
        module.__spec__ = spec.loader_state
