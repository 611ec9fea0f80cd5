"""Names of the package: its other name, and names that are there from when they are first asked for.

``charms.reactive`` and this package are one and the same, submodules included: charms and their tests import,
patch and reload either name; with two sets of module objects a patch of one would leave the other as it was.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

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
    """Make the other name stand for this package; the package must be in ``sys.modules``."""
    package = sys.modules[_PACKAGE]
    sys.modules[_OTHER_NAME] = package
    if not any(isinstance(finder, _AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AliasFinder())
    # `import charms.reactive` finds the module above and never sets the attribute by itself.
    import charms

    charms.reactive = package  # type: ignore[attr-defined]


def on_demand(
    namespace: Dict[str, Any], homes: Dict[str, str]
) -> Tuple[Callable[[str], object], Callable[[], List[str]]]:
    """A module's ``__getattr__`` and ``__dir__``, for names that only those pay for who ask for them.

    Args:
        namespace: the module's ``globals()``.
        homes: for each name the module that has it, as this package calls it; a module that is meant itself
            has its own name here.
    """

    def __getattr__(name: str) -> object:  # noqa: N807 -- it becomes the module's
        if name not in homes:
            raise AttributeError("module %r has no attribute %r" % (namespace["__name__"], name))
        module = importlib.import_module("%s.%s" % (_PACKAGE, homes[name]))
        return module if homes[name] == name else getattr(module, name)

    def __dir__() -> List[str]:  # noqa: N807
        return sorted({*namespace, *homes, *namespace.get("__all__", ())})

    return __getattr__, __dir__
