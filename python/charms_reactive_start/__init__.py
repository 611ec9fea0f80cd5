"""Spares a hook the import of setuptools, which layer:basic and charmhelpers ask for to compare two versions.

``charms.layer.basic`` imports ``LooseVersion``, ``Requirement`` and ``parse_version``, ``hookenv`` the first
of them: 130 ms and 500 modules in a hook that may be over in as much. They need them at install and upgrade,
not in other hooks. In a hook these modules, and no others, find what stands in ``_stand_ins`` when they
import one of these names; and layer:status and charmhelpers find ``_frames`` when they import ``inspect``.
``sys.modules`` is left as it is: whoever else imports any of this finds the real thing, and where that is
loaded already, or replaced by somebody, these modules get it too.

A package of its own, since it has to be there before anything of the framework is: ``charms/__init__.py``
imports it, and ``charms_reactive_start.pth`` where another distribution has put its own file there. It needs
nothing of the framework, and works beside older versions of it.

Outside hooks nothing happens, nor with ``CHARMS_REACTIVE_LIGHT_START=0``.
"""

from __future__ import annotations

import builtins
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Dict, Mapping, Optional, Sequence

__all__ = ["install"]

_VERSIONS: Dict[str, Optional[Sequence[str]]] = {
    "distutils.version": ("LooseVersion",),
    "pkg_resources": ("Requirement", "parse_version"),
}

#: The modules that find something else when they import, and what: by the module in whose place, the names
#: that may be asked of it in ``from ... import``; ``None`` for what answers for all of them.
LIGHT: Dict[str, Dict[str, Optional[Sequence[str]]]] = {
    "charmhelpers": {"inspect": None},
    "charmhelpers.core.hookenv": _VERSIONS,
    "charmhelpers.core.host": _VERSIONS,
    "charms.layer.basic": _VERSIONS,
    "charms.layer.status": {"inspect": None},
}


def install() -> None:
    """Put the finder in place, if this is a hook and nobody has said no."""
    if "JUJU_CONTEXT_ID" not in os.environ or os.environ.get("CHARMS_REACTIVE_LIGHT_START") == "0":
        return
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _import(
    name: str,
    globals: Optional[Mapping[str, Any]] = None,  # noqa: A002 -- the names of builtins.__import__
    locals: Optional[Mapping[str, Any]] = None,  # noqa: A002
    fromlist: Optional[Sequence[str]] = (),
    level: int = 0,
) -> Any:
    """The import statement of the modules above."""
    light = LIGHT.get((globals or {}).get("__name__", ""), {})
    if name in light and not level and not _is_loaded(name):
        names = light[name]
        if names is None:
            from . import _frames

            return _frames
        if fromlist and all(item in names for item in fromlist):
            from . import _stand_ins

            return _stand_ins
    return builtins.__import__(name, globals, locals, fromlist or (), level)


def _is_loaded(name: str) -> bool:
    """Whether the real module is there already, or something that somebody has put in its place."""
    return name in sys.modules or name.partition(".")[0] in sys.modules


class _Finder:
    """Finds the modules above where they are, and has them executed with an import statement of their own.

    A finder by its method; the base class in ``importlib.abc`` costs a hook 7 ms.
    """

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        if fullname not in LIGHT:
            return None
        spec = self._find(fullname, path, target)
        # Only a loader of one module in a file. Those of archives are shared, and others, such as that of
        # pytest, do what they do.
        if spec is not None and type(spec.loader) is type(__spec__.loader):
            _execute_light(spec.loader)
        return spec

    def _find(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType]
    ) -> Optional[ModuleSpec]:
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    return spec
        return None


def _execute_light(loader: Any) -> None:
    """Let a loader execute its module with our import statement."""
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        del loader.exec_module
        namespace: Dict[str, Any] = module.__dict__
        # As the manual of exec() has it: the builtins of the code are those found here.
        namespace["__builtins__"] = dict(vars(builtins), __import__=_import)
        execute(module)
        if module.__name__ == "charms.layer.basic":
            _ask_no_programs(namespace)
        # What is imported lives as long as the process. Without this the end of the process, and each full
        # collection before it, looks at all of it again: 8 ms.
        gc.freeze()

    loader.exec_module = exec_module


#: What layer:basic compares in every hook, to install the second as the first if it is newer.
_CHARM_ENV = ("/usr/local/sbin/charm-env", "bin/charm-env")


def _ask_no_programs(basic: Dict[str, Any]) -> None:
    """Let layer:basic ask for versions of charm-env only if there are two that differ: each costs a shell."""
    function: Any = basic.get("install_or_update_charm_env")
    known = getattr(getattr(function, "__code__", None), "co_consts", ())
    if not all(path in known for path in _CHARM_ENV):
        return  # None of those that layer:basic has had.

    def install_or_update_charm_env() -> Any:
        if not _same_program(*_CHARM_ENV):
            return function()
        return None

    install_or_update_charm_env.__wrapped__ = function  # type: ignore[attr-defined]
    basic["install_or_update_charm_env"] = install_or_update_charm_env


def _same_program(one: str, other: str) -> bool:
    """Whether both are there, can be run, and are alike byte for byte."""
    try:
        if os.stat(one).st_size != os.stat(other).st_size:
            return False
        if not (os.access(one, os.X_OK) and os.access(other, os.X_OK)):
            return False
        with open(one, "rb") as first, open(other, "rb") as second:
            return first.read() == second.read()
    except OSError:
        return False


install()
