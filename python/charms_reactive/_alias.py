"""Names of the package: its other name, and names that are there from when they are first asked for.

``charms.reactive`` and this package are one and the same, submodules included: charms and their tests import,
patch and reload either name; with two sets of module objects a patch of one would leave the other as it was.

Names that are there on demand are of two kinds. What only some charms use is imported by those that do. And
modules of 1.5.x had names because they imported what they used, such as ``charms.reactive.bus.subprocess``,
and test suites patch those; ``_old_names`` lists them, and no hook imports it.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

__all__ = ["install", "on_demand"]

_PACKAGE = __name__.rpartition(".")[0]
_OTHER_NAME = "charms.reactive"


class _AliasFinder:
    """Answers imports of ``charms.reactive.X`` with the module ``charms_reactive.X``.

    A finder and a loader by its methods; the base classes in ``importlib.abc`` cost a hook 7 ms.
    """

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        if not fullname.startswith(_OTHER_NAME + "."):
            return None
        return ModuleSpec(fullname, self)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(_PACKAGE + spec.name[len(_OTHER_NAME) :])
        if _OTHER_NAME not in sys.modules:
            install()  # the package for tests has given the name back
        # The import system is about to stamp the module with the other name.
        spec.loader_state = (module.__spec__, module.__loader__, module.__package__)
        return module

    def get_code(self, fullname: str) -> Any:
        """The code of a module, which ``python -m`` asks for."""
        name = _PACKAGE + fullname[len(_OTHER_NAME) :]
        loader: Any = importlib.import_module(name).__loader__
        return loader.get_code(name)

    def exec_module(self, module: ModuleType) -> None:
        spec: Any = module.__spec__
        module.__spec__, module.__loader__, module.__package__ = spec.loader_state


def install() -> None:
    """Make the other name stand for this package; the package must be in ``sys.modules``.

    A mock that somebody has put under the other name stays: who imports this package by its own name
    beside that does not mean to take it away.
    """
    package = sys.modules[_PACKAGE]
    there = sys.modules.get(_OTHER_NAME)
    if there is not None and (not issubclass(type(there), ModuleType) or there.__spec__ is None):
        return
    sys.modules[_OTHER_NAME] = package
    if not any(isinstance(finder, _AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AliasFinder())
    # `import charms.reactive` finds the module above and never sets the attribute by itself.
    import charms

    charms.reactive = package  # type: ignore[attr-defined]


def on_demand(
    namespace: Dict[str, Any], homes: Dict[str, str], old: Union[bool, Tuple[str, ...]] = ()
) -> Tuple[Callable[[str], object], Callable[[], List[str]]]:
    """A module's ``__getattr__`` and ``__dir__``, for names that only those pay for who ask for them.

    Args:
        namespace: the module's ``globals()``.
        homes: for each name the module that has it, as this package calls it; a module that is meant itself
            has its own name here.
        old: which names it had in 1.5.x by importing them; ``True`` for all that ``_old_names`` lists. What
            a test puts in the place of one then goes to where the code is today that uses it.
    """
    if old is True:
        sys.modules[namespace["__name__"]].__class__ = _Patchable

    def __getattr__(name: str) -> object:  # noqa: N807 -- it becomes the module's
        if name in homes:
            module = importlib.import_module("%s.%s" % (_PACKAGE, homes[name]))
            return module if homes[name] == name else getattr(module, name)
        if (old is True and not name.startswith("__")) or (old is not True and old and name in old):
            from ._old_names import NAMES

            place = NAMES[namespace["__name__"]].get(name)
            if place is not None:
                return _at(place)
        raise AttributeError("module %r has no attribute %r" % (namespace["__name__"], name))

    def __dir__() -> List[str]:  # noqa: N807
        return sorted({*namespace, *homes, *namespace.get("__all__", ())})

    return __getattr__, __dir__


def _at(place: str) -> Any:
    path, _, name = place.partition(":")
    module = importlib.import_module(path)
    return getattr(module, name) if name else module


# The names in ``_old_names.USED_IN``.
_REACHING = frozenset(
    (
        "_action_id",
        "_append_path",
        "_find_relation_factory",
        "_get_flag_value",
        "_load_module",
        "_relation_module",
        "_short_action_id",
        "clear_flag",
        "hookenv",
        "importlib",
        "set_flag",
        "subprocess",
        "tracer",
        "unitdata",
    )
)


def _namespace(place: str, name: str) -> Tuple[Dict[str, Any], str]:
    path, _, its_name = place.partition(":")
    return vars(_at(path)), its_name or name


class _Patchable(ModuleType):
    """A module of which other modules do what it did in 1.5.x."""

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        for place in self._reaches(name):
            names, its_name = _namespace(place, name)
            _replaced.setdefault((place, name), names[its_name])
            names[its_name] = value

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        for place in self._reaches(name):
            if (place, name) in _replaced:
                names, its_name = _namespace(place, name)
                names[its_name] = _replaced.pop((place, name))

    def _reaches(self, name: str) -> Tuple[str, ...]:
        if name not in _REACHING:  # the framework itself sets others, in each hook
            return ()
        from ._old_names import USED_IN

        return USED_IN[self.__name__].get(name, ())


# What stood in other places before somebody replaced it, by the place and the name.
_replaced: Dict[Tuple[str, str], Any] = {}
