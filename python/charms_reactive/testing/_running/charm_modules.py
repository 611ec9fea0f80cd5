"""Where a hook's modules come from when it runs in this interpreter.

The framework's modules and those of charmhelpers are executed once in the life of this process and made
new for each hook; a charm's own are loaded anew each time, from code that is kept compiled; those of the
standard library and of installed distributions stay loaded.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import json
import os
import subprocess
import sys
import sysconfig
from collections import OrderedDict
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from types import CodeType, ModuleType
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union

import charms_reactive
from charms_reactive import _alias, _relations, relations
from charms_reactive._engine import choice
from charms_reactive._unit_state import unit_state
from charms_reactive.testing._own_copy import is_stand_in

from . import bootstrap
from .framework_state import (
    CHARMHELPERS,
    FRAMEWORK,
    OURS,
    PACKAGE,
    containers_of,
    import_effects,
    module_of_engine,
    put_back,
    refill,
)

_NAMES = (PACKAGE, "charms.reactive")
_START = "charms_reactive_start"


# -- compiled code ----------------------------------------------------------------------------------
class _CodeCache:
    """The compiled files of charms, in memory: no ``__pycache__`` is written into a charm.

    Found by path, time of modification and size, as Python's own cache is; and by content, because each
    unit has its own copy of the charm.
    """

    _MOST = 1000

    def __init__(self) -> None:
        self._by_file: OrderedDict[Tuple[str, int, int], CodeType] = OrderedDict()
        self._by_content: OrderedDict[bytes, CodeType] = OrderedDict()

    def code(self, path: str, file: Optional[str] = None) -> CodeType:
        """The code of a file.

        Args:
            path: of the file.
            file: what its code is to take as its own name; by default the path.

        Raises:
            OSError: the file cannot be read.
            SyntaxError, ValueError: it is not Python.
        """
        name = path if file is None else file
        found = os.stat(path)
        key = (name, found.st_mtime_ns, found.st_size)
        code = self._by_file.get(key)
        if code is None:
            with open(path, "rb") as opened:
                source = opened.read()
            code = self._by_content.get(source)
            if code is None:
                code = compile(source, name, "exec", dont_inherit=True)
                _keep(self._by_content, source, code, self._MOST)
            if code.co_filename != name:
                code = _renamed(code, name)
            _keep(self._by_file, key, code, self._MOST)
        return code


def _keep(cache: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    cache[key] = value
    while len(cache) > most:
        cache.popitem(last=False)


def _renamed(code: CodeType, file: str) -> CodeType:
    """The same code, of another file."""
    constants = tuple(_renamed(one, file) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.replace(co_filename=file, co_consts=constants)


code_cache = _CodeCache()


class _CharmLoader(SourceFileLoader):
    """Loads a module of the charm from its compiled code."""

    def get_code(self, fullname: str) -> CodeType:
        return code_cache.code(self.get_filename(fullname))

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if module.__name__ == bootstrap.MODULE:
            bootstrap.replace_in_module(module)


_LOADERS: Tuple[Tuple[Any, List[str]], ...] = (
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (_CharmLoader, importlib.machinery.SOURCE_SUFFIXES),
    (SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES),
)


# -- modules ----------------------------------------------------------------------------------------
class Imports:
    """Finder and loader of what is in memory: the framework, and charmhelpers once it was imported."""

    def __init__(self, engine: Union[str, ModuleType, None]) -> None:
        self._engine = engine

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        if fullname in _NAMES:
            return ModuleSpec(fullname, self, is_package=True)  # type: ignore[arg-type]
        if fullname == _START or fullname.startswith("charmhelpers."):
            if fullname in _shared:
                return ModuleSpec(fullname, self)  # type: ignore[arg-type]
            spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
            if spec is not None and isinstance(spec.loader, SourceFileLoader):
                spec.loader = _Sharing(spec.loader)  # type: ignore[assignment]
            return spec
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if spec.name in _shared:
            module = _shared[spec.name].module
            _shared[spec.name].restore_names()
        elif spec.name == PACKAGE:
            module = charms_reactive
            self._begin()
        else:
            module = importlib.import_module(PACKAGE)
        # The import system is about to stamp the module with this spec.
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        spec: Any = module.__spec__
        module.__spec__ = spec.loader_state
        if module.__name__ == _START:
            vars(module)["install"]()  # as its import does

    def _begin(self) -> None:
        """What executing the package for the first time does, apart from making its modules."""
        sys.modules.update(FRAMEWORK)
        try:
            choice.core = module_of_engine(self._engine)
        except BaseException:
            for name in FRAMEWORK:
                sys.modules.pop(name, None)
            raise
        unit_state.unit.engine = choice.new_engine()
        _alias.install()
        import_effects()
        if _any_factories():
            relations.RelationFactory.discover()


class _Sharing:
    """Loads a module of charmhelpers for this process, and remembers it as new."""

    def __init__(self, loader: SourceFileLoader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec: Any = module.__spec__
        spec.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        _shared[module.__name__] = _New(module)


class _New:
    """A module as it is right after its import."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self._names = vars(module).copy()
        kept = [self._names[name] for name in containers_of(self._names)]
        self._containers = [(container, container.copy()) for container in kept]

    def restore_names(self) -> None:
        put_back(self.module, self._names)
        for container, content in self._containers:
            refill(container, content)


# Modules of charmhelpers that a hook was the first to import.
_shared: Dict[str, _New] = {}

# Directories of which it is known that no distribution there offers a factory, and when they were changed.
_without_factories: Dict[str, int] = {}


def _any_factories() -> bool:
    """Whether a distribution on the path may offer a relation factory; the framework looks more closely."""
    group = "charms.reactive.relation_factory"
    for directory in dict.fromkeys(sys.path):
        try:
            changed = os.stat(directory or ".").st_mtime_ns
        except OSError:
            continue
        if _without_factories.get(directory) == changed:
            continue
        with _Replaced(sys, "path", [directory]):
            if any(True for _ in _relations._mentioning(group)):
                return True
        if directory in base_path():
            _without_factories[directory] = changed
    return False


class _Replaced:
    """An attribute with another value, for a moment."""

    def __init__(self, owner: Any, name: str, value: Any) -> None:
        self._owner, self._name, self._value = owner, name, value

    def __enter__(self) -> None:
        self._old = getattr(self._owner, self._name)
        setattr(self._owner, self._name, self._value)

    def __exit__(self, *error: object) -> None:
        setattr(self._owner, self._name, self._old)


_found_path: List[str] = []


def base_path() -> List[str]:
    """What an interpreter has on ``sys.path`` before a script's directory and ``PYTHONPATH`` come to it."""
    if not _found_path:
        program = "import json, sys; sys.path.pop(0); print(json.dumps(sys.path))"
        command = [sys.executable, *subprocess._args_from_interpreter_flags(), "-c", program]  # type: ignore[attr-defined]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
        _found_path.extend(json.loads(answer))
    return _found_path


LIBRARIES = tuple(
    {
        os.path.join(path, "")
        for name, path in sysconfig.get_paths().items()
        if name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)


def _of_library(module: Any) -> bool:
    """Whether a module is the interpreter's or an installed distribution's, and of no charm and no test."""
    file = getattr(module, "__file__", None)
    if file is None:
        return not hasattr(module, "__path__") and getattr(module, "__spec__", None) is not None
    return str(file).startswith(LIBRARIES)


def names_in(directory: str) -> Set[str]:
    """The names under which the content of a directory on ``sys.path`` can be imported."""
    try:
        return {name.partition(".")[0] for name in os.listdir(directory)} - {""}
    except OSError:
        return set()


# Modules that the hook shares with the test, whatever files of the charm are called like them.
_SHARED_NAMES = ("charmhelpers", PACKAGE, "yaml")
# What begins anew in each hook, and what goes with it, wherever it is installed.
_NEW = {"charms", _START}
_GO = _NEW | {"charmhelpers", PACKAGE}


def hook_for(roots: Tuple[str, ...]) -> Callable[[str], FileFinder]:
    """An entry of ``sys.path_hooks`` for the directories of the charm."""

    def hook(path: str) -> FileFinder:
        absolute = os.path.abspath(path)
        if not os.path.join(absolute, "").startswith(roots) or not os.path.isdir(absolute):
            raise ImportError("not of the charm", path=path)
        return FileFinder(absolute, *_LOADERS)

    return hook


def hide(names: Set[str]) -> None:
    """Take from ``sys.modules`` what a new process would load from elsewhere, or not at all."""
    loaded = sys.modules
    for name in FRAMEWORK:
        loaded.pop(name, None)
    names = names.difference(_SHARED_NAMES) | _NEW
    for name in [name for name in loaded if name.partition(".")[0] in names]:
        if name.partition(".")[0] in _NEW or not _of_library(loaded[name]):
            del loaded[name]


def without_stand_ins() -> None:
    """Have charmhelpers loaded as the framework knows it, whatever a test has put in its place."""
    loaded = sys.modules
    there = [name for name in loaded if name.partition(".")[0] == "charmhelpers"]
    if any(
        loaded[name] is not CHARMHELPERS.get(name, loaded[name]) or is_stand_in(loaded[name])
        for name in there
    ):
        for name in there:
            del loaded[name]
        loaded.update(CHARMHELPERS)


def restore_modules(modules: Dict[str, ModuleType]) -> None:
    """Load what was loaded, and nothing of the charm; new modules of libraries may stay."""
    loaded = sys.modules
    for name in [name for name in loaded if name not in modules]:
        if name.startswith(OURS):
            continue
        if name.partition(".")[0] in _GO or not _of_library(loaded[name]):
            del loaded[name]
            continue
        package, _, last = name.rpartition(".")
        # Its import made it an attribute of its package, and nothing imports it again: ``logging`` was put
        # back without ``handlers``, while ``logging.handlers`` stays loaded.
        if package in loaded and not hasattr(loaded[package], last):
            setattr(loaded[package], last, loaded[name])
    for name, module in modules.items():
        if loaded.get(name) is not module:
            loaded[name] = module
