"""A new interpreter inside this one: as a hook finds it when its process begins, and no trace afterwards.

Inside :func:`fresh_interpreter` the framework, charmhelpers and the interpreter are as a process has them
that Juju has just started. Afterwards all of it is as it was, whatever happened inside: handlers that a
test module has registered are there, and nothing of the charm is.

What a new process has of the framework stands in one table, :data:`FRESH`, and what the package does when
it is imported in :data:`AT_START` and :data:`AT_EXIT`. A test compares all three with a real new process.

The framework is imported anew as far as the hook can tell: its first ``import charms.reactive`` chooses
the engine, registers the framework's callbacks behind those that the hook has registered before, and looks
for relation factories. The modules themselves are executed only once in the life of this process, and so
are those of charmhelpers. What the charm's own files are made of is kept compiled; see :class:`_CodeCache`.

It is the interpreter that is isolated, not the machine: files, processes, users and network are real.
What cannot be undone is told by :attr:`Interpreter.leftovers`: threads and file descriptors that the
hook leaves behind.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import gc
import importlib
import importlib.machinery
import json
import locale
import logging
import operator
import os
import pkgutil
import random
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import warnings
import weakref
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
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Union

from charmhelpers.core import hookenv, unitdata

import charms_reactive
from charms_reactive import _alias, _engine, _entry_points, _state, handlers, relations

__all__ = ["AT_EXIT", "AT_START", "FRESH", "Interpreter", "fresh_framework", "fresh_interpreter", "renew"]

_PACKAGE = "charms_reactive"
_NAMES = (_PACKAGE, "charms.reactive")
_OURS = __name__.rpartition(".")[0]

#: Every place in which the framework and charmhelpers keep state: module, name in it, and what makes the
#: value that it has in a new process. A module that is not loaded has no state.
FRESH: Tuple[Tuple[str, str, Callable[[], Any]], ...] = (
    ("charms_reactive.handlers", "Handler._HANDLERS", dict),
    ("charms_reactive.handlers", "Handler._CONSUMED_FLAGS", set),
    ("charms_reactive.handlers", "_numbered", list),
    ("charms_reactive.decorators", "_unserved", set),
    ("charms_reactive.endpoints", "Endpoint._endpoints", dict),
    ("charms_reactive.relations", "RelationFactory._factories", list),
    ("charms_reactive.relations", "RelationBase._cache", dict),
    ("charms_reactive.patterns.request_response", "BaseRequest._requests", dict),
    ("charms_reactive.flags", "_callbacks", list),
    ("charms_reactive._files", "_watches", list),
    ("charms_reactive._automatic", "_to_clear", list),
    ("charms_reactive._automatic", "_to_keep", dict),
    ("charms_reactive._juju", "_config", lambda: None),
    ("charms_reactive._juju", "_setting", lambda: None),
    ("charms_reactive._juju", "_waiting", list),
    ("charms_reactive._juju", "quiet", lambda: False),
    ("charms_reactive.trace", "_tracer", lambda: _FRAMEWORK["charms_reactive.trace"].NullTracer()),
    ("charms_reactive.trace", "_installed_by_charm", lambda: False),
    ("charms_reactive.trace", "_recorder", lambda: None),
    ("charms_reactive._record", "receiver", lambda: None),
    ("charms_reactive.bus", "_current", lambda: None),
    ("charms_reactive.bus", "_course", lambda: None),
    ("charms_reactive.bus", "_course_thread", lambda: 0),
    ("charms_reactive.bus", "listener", lambda: None),
    ("charms_reactive.flags", "listener", lambda: None),
    ("charms_reactive.flags", "_calling", lambda: 0),
    (
        "charms_reactive._event_registry",
        "in_use",
        lambda: _FRAMEWORK["charms_reactive._event_registry"].Registry(),
    ),
    ("charms_reactive.records", "_memory", lambda: _FRAMEWORK["charms_reactive.records"]._Memory()),
    ("charms_reactive.status", "_state", lambda: _FRAMEWORK["charms_reactive.status"]._State()),
    ("charmhelpers.core.hookenv", "cache", dict),
    ("charmhelpers.core.hookenv", "_cache_config", lambda: None),
    ("charmhelpers.core.hookenv", "_atstart", list),
    ("charmhelpers.core.hookenv", "_atexit", list),
    ("charmhelpers.core.unitdata", "_KV", lambda: None),
)

#: What importing the package registers with ``hookenv.atstart``, in order.
AT_START: Tuple[Tuple[str, str], ...] = (
    ("charms_reactive.trace", "_install_default"),
    ("charms_reactive.flags", "_manage_automatic_flags"),
    ("charms_reactive._automatic", "_before_handlers"),
    ("charms_reactive.relations", "RelationBase._startup"),
    ("charms_reactive.endpoints", "Endpoint._startup"),
)

#: What importing the package registers with ``hookenv.atexit``, in order.
AT_EXIT: Tuple[Tuple[str, str], ...] = (
    ("charms_reactive.flags", "_clear_triggers"),
    ("charms_reactive._automatic", "_after_handlers"),
)

# Modules of which a charm may replace functions, as tests and layers do; they get them back.
_PATCHED = (
    "atexit",
    "builtins",
    "getpass",
    "grp",
    "json",
    "logging",
    "os",
    "os.path",
    "platform",
    "pwd",
    "random",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "uuid",
    "warnings",
    "yaml",
)

_CONTAINERS = (list, dict, set)


# -- the framework ----------------------------------------------------------------------------------
def _all_of(package: ModuleType) -> Dict[str, ModuleType]:
    """All modules of the framework by name, loaded: a hook may import any of them."""
    names = [package.__name__]
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        last = found.name.rpartition(".")[2]
        if not found.name.startswith(_OURS) and last not in ("_native", "__main__", "cli"):
            names.append(found.name)
    # Public modules first, as a charm would: some of the others are parts of one, and complete only with it.
    names.sort(key=lambda name: name.rpartition(".")[2].startswith("_"))
    return {name: importlib.import_module(name) for name in names}


_FRAMEWORK: Dict[str, ModuleType] = _all_of(charms_reactive)
with contextlib.suppress(ImportError):  # it is told when a hook wants it
    _FRAMEWORK[_PACKAGE + "._native"] = importlib.import_module(_PACKAGE + "._native")
# What this process knew charmhelpers as when the framework was imported.
_CHARMHELPERS = {
    name: module
    for name, module in list(sys.modules.items())
    if name.partition(".")[0] == "charmhelpers" and type(module) is ModuleType
}


def _framework_now() -> Dict[str, ModuleType]:
    """The framework's modules, with those that were loaded since under its own name."""
    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGE + ".") and not name.startswith(_OURS) and type(module) is ModuleType:
            _FRAMEWORK.setdefault(name, module)
    return _FRAMEWORK


def _named(module: str, name: str) -> Any:
    """An attribute by its dotted name; of the module that the framework itself uses."""
    found: Any = _FRAMEWORK.get(module) or sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _module_of_engine(engine: Union[str, ModuleType, None]) -> Any:
    """The engine's module for ``native``, ``pure`` or what the environment says."""
    if isinstance(engine, ModuleType):
        return engine
    return _engine._choose(os.environ.get(_engine._VARIABLE, "") if engine is None else engine)


def renew(engine: Union[str, ModuleType, None] = None) -> None:
    """Make the framework and charmhelpers what they are in a new process; only inside one of the blocks.

    Args:
        engine: ``native``, ``pure`` or the engine's module; by default what ``CHARMS_REACTIVE_ENGINE``
            says, and without it the one that a new process would choose.

    Raises:
        EngineMismatchError: there is no such engine.
    """
    if unitdata._KV is not None:
        _close(unitdata._KV)
    _engine.core = _module_of_engine(engine)
    _renew_state()
    _import_effects()


def _renew_state() -> None:
    """Make everything in :data:`FRESH` new, and the unit's flags with it."""
    for module, name, new in FRESH:
        place: Any = _FRAMEWORK.get(module) or sys.modules.get(module)
        if place is None:
            continue
        *owner, last = name.split(".")
        for part in owner:
            place = getattr(place, part)
        value, old = new(), getattr(place, last, None)
        if type(value) in _CONTAINERS and type(old) is type(value):
            _refill(old, value)  # others may hold it by name
        else:
            setattr(place, last, value)
    unit: Any = _state.unit
    unit.__init__()  # what a test has replaced in it stays replaced


def _import_effects() -> None:
    """What executing the package for the first time does, apart from its engine and the factories."""
    handlers.LOG_OPTS["register"] = "register" in os.environ.get("REACTIVE_LOG_OPTS", "").split(",")
    for module, name in AT_START:
        hookenv.atstart(_named(module, name))
    for module, name in AT_EXIT:
        hookenv.atexit(_named(module, name))


def _close(kv: Any) -> None:
    """Close a unit state as the end of its process does: what was not committed is gone."""
    try:
        kv.close()
    except Exception:  # noqa: BLE001 -- it may be closed, or be something that a charm has made up
        with contextlib.suppress(Exception):
            kv.conn.close()


@contextlib.contextmanager
def fresh_framework(engine: Union[str, ModuleType, None] = None) -> Iterator[Callable[..., None]]:
    """The framework and charmhelpers as a new process has them; afterwards they are as they were.

    The interpreter is not touched: for tests of the framework itself, whose handlers are their own.

    Args:
        engine: see :func:`renew`.

    Yields:
        :func:`renew`, for a test that runs several hooks.
    """
    saved = _Memory(_framework_and_charmhelpers())
    of_test, unitdata._KV = unitdata._KV, None  # stays open
    try:
        renew(engine)
        yield renew
    finally:
        _close_unit_state(of_test)
        saved.restore()


def _framework_and_charmhelpers() -> List[ModuleType]:
    found = list(_framework_now().values())
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "charmhelpers" and type(module) is ModuleType:
            found.append(module)
    return found


# -- remembering ------------------------------------------------------------------------------------
def _refill(container: Any, content: Any) -> None:
    """Give a container other content, without making it another object."""
    if type(container) is list:
        container[:] = content
    else:
        container.clear()
        container.update(content)


class _Plan:
    """What of a module may change: its names, the containers among them, and its classes'."""

    def __init__(self, module: ModuleType) -> None:
        names = vars(module)
        self.containers = [name for name, value in names.items() if type(value) in _CONTAINERS]
        self.classes = [
            value
            for value in names.values()
            if isinstance(value, type) and value.__module__ == module.__name__
        ]
        self.of_classes = [
            (kind, name)
            for kind in self.classes
            for name, value in vars(kind).items()
            if type(value) in _CONTAINERS
        ]
        self.caches = [value for value in names.values() if hasattr(value, "cache_clear")]


_plans: Dict[int, Tuple[Any, _Plan]] = {}


def _plan(module: ModuleType) -> _Plan:
    known = _plans.get(id(module))
    if known is None or known[0]() is not module:
        known = _plans[id(module)] = (weakref.ref(module), _Plan(module))
    return known[1]


class _Memory:
    """Modules as they were: their names, and the content of their containers and classes."""

    def __init__(
        self,
        modules: Sequence[ModuleType],
        shallow: Sequence[ModuleType] = (),
        classes: Sequence[type] = (),
    ) -> None:
        self._names = [(module.__dict__, module.__dict__.copy()) for module in (*modules, *shallow)]
        self._containers: List[Tuple[Any, Any]] = []
        self._classes: List[Tuple[type, Dict[str, Any]]] = [(kind, dict(kind.__dict__)) for kind in classes]
        self._caches: List[Any] = []
        keep = self._containers.append
        for module in modules:
            plan = _plan(module)
            names = module.__dict__
            for name in plan.containers:
                value: Any = names.get(name)
                if type(value) in _CONTAINERS:
                    keep((value, value.copy()))
            for kind in plan.classes:
                self._classes.append((kind, dict(kind.__dict__)))
            for kind, name in plan.of_classes:
                value = kind.__dict__.get(name)
                if type(value) in _CONTAINERS:
                    keep((value, value.copy()))
            self._caches.extend(plan.caches)
        self._unit = dict(_state.unit.__dict__)

    def restore(self) -> None:
        """Make everything what it was."""
        for names, then in self._names:
            _put_back(names, then)
        for kind, then in self._classes:
            now = kind.__dict__
            if not _same(now, then):
                for name in [name for name in now if name not in then]:
                    delattr(kind, name)
                for name, value in then.items():
                    if now.get(name, _MISSING) is not value:
                        setattr(kind, name, value)
        for container, content in self._containers:
            _refill(container, content)
        for cache in self._caches:
            cache.cache_clear()
        _state.unit.__dict__.clear()
        _state.unit.__dict__.update(self._unit)


_MISSING = object()


def _same(names: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    """Whether the same names stand for the same objects, in the same order; for thousands of names a hook."""
    return (
        len(names) == len(then)
        and all(map(operator.is_, names.values(), then.values()))
        and list(names) == list(then)
    )


def _put_back(names: Dict[str, Any], then: Dict[str, Any]) -> None:
    """Make a namespace what it was."""
    if _same(names, then):
        return
    for name in [name for name in names if name not in then]:
        del names[name]
    for name, value in then.items():
        if names.get(name, _MISSING) is not value:
            names[name] = value


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

# layer:basic makes a virtual environment with this and starts the hook again in it. Here that is done.
_BOOTSTRAP = {
    "charms.layer.basic": ("bootstrap_charm_deps",),
    "charms.layer.caas_base": ("bootstrap_charm_deps",),
}


def _done_already(*arguments: Any, **more: Any) -> None:
    """In place of what prepares the charm's own Python environment."""


class _CharmLoader(SourceFileLoader):
    """Loads a module of the charm from its compiled code."""

    def get_code(self, fullname: str) -> CodeType:
        return code_cache.code(self.get_filename(fullname))

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        for name in _BOOTSTRAP.get(module.__name__, ()):
            if hasattr(module, name):
                setattr(module, name, _done_already)


_LOADERS: Tuple[Tuple[Any, List[str]], ...] = (
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (_CharmLoader, importlib.machinery.SOURCE_SUFFIXES),
    (SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES),
)


# -- modules ----------------------------------------------------------------------------------------
class _Imports:
    """Finder and loader of what is in memory: the framework, and charmhelpers once it was imported."""

    def __init__(self, engine: Union[str, ModuleType, None]) -> None:
        self._engine = engine

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        if fullname in _NAMES:
            return ModuleSpec(fullname, self, is_package=True)  # type: ignore[arg-type]
        if fullname.startswith("charmhelpers."):
            if fullname in _shared:
                return ModuleSpec(fullname, self)  # type: ignore[arg-type]
            spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
            if spec is not None and isinstance(spec.loader, SourceFileLoader):
                spec.loader = _Sharing(spec.loader)  # type: ignore[assignment]
            return spec
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if spec.name in _shared:
            module, memory = _shared[spec.name]
            memory.restore_names()
        elif spec.name == _PACKAGE:
            module = charms_reactive
            self._begin()
        else:
            module = importlib.import_module(_PACKAGE)
        # The import system is about to stamp the module with this spec.
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        spec: Any = module.__spec__
        module.__spec__ = spec.loader_state

    def _begin(self) -> None:
        """What executing the package for the first time does, apart from making its modules."""
        sys.modules.update(_FRAMEWORK)
        try:
            _engine.core = _module_of_engine(self._engine)
        except BaseException:
            for name in _FRAMEWORK:
                sys.modules.pop(name, None)
            raise
        _state.unit.engine = _engine.new_engine()
        _alias.install()
        _import_effects()
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
        _shared[module.__name__] = (module, _New(module))


class _New:
    """A module as it is right after its import."""

    def __init__(self, module: ModuleType) -> None:
        self._names = (module.__dict__, module.__dict__.copy())
        self._containers = [
            (value, value.copy()) for value in self._names[1].values() if type(value) in _CONTAINERS
        ]

    def restore_names(self) -> None:
        _put_back(*self._names)
        for container, content in self._containers:
            _refill(container, content)


# Modules of charmhelpers that a hook was the first to import.
_shared: Dict[str, Tuple[ModuleType, _New]] = {}

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
            if any(True for _ in _entry_points._mentioning(group)):
                return True
        if directory in _base_path():
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


def _base_path() -> List[str]:
    """What an interpreter has on ``sys.path`` before a script's directory and ``PYTHONPATH`` come to it."""
    if not _found_path:
        program = "import json, sys; sys.path.pop(0); print(json.dumps(sys.path))"
        command = [sys.executable, *subprocess._args_from_interpreter_flags(), "-c", program]  # type: ignore[attr-defined]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
        _found_path.extend(json.loads(answer))
    return _found_path


_LIBRARIES = tuple(
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
    return str(file).startswith(_LIBRARIES)


def _names_in(directory: str) -> Set[str]:
    """The names under which the content of a directory on ``sys.path`` can be imported."""
    try:
        return {name.partition(".")[0] for name in os.listdir(directory)} - {""}
    except OSError:
        return set()


# Modules that the hook shares with the test, whatever files of the charm are called like them.
_SHARED_NAMES = ("charmhelpers", _PACKAGE, "yaml")


# -- the interpreter --------------------------------------------------------------------------------
class _AtExit:
    """Functions that the hook wants to be called when its process ends."""

    def __init__(self) -> None:
        self._callbacks: List[Tuple[Callable[..., Any], Tuple[Any, ...], Dict[str, Any]]] = []
        self._register = atexit.register
        self._finalizers = set(weakref.finalize._registry)  # type: ignore[attr-defined]
        self._registered = weakref.finalize._registered_with_atexit  # type: ignore[attr-defined]

    def register(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        caller = sys._getframe(1)
        if caller.f_code.co_name == "<module>" and caller.f_code.co_filename.startswith(_LIBRARIES):
            # A library that stays loaded, in its import.
            self._register(function, *args, **kwargs)
        elif getattr(function, "__self__", None) is not weakref.finalize:
            self._callbacks.append((function, args, kwargs))
        return function

    def unregister(self, function: Callable[..., Any]) -> None:
        self._callbacks[:] = [entry for entry in self._callbacks if entry[0] != function]

    def run(self) -> None:
        """Call them, the last one first; what fails is told on stderr and stops none of the others."""
        while self._callbacks:
            function, args, kwargs = self._callbacks.pop()
            try:
                function(*args, **kwargs)
            except Exception:  # noqa: BLE001 -- as the interpreter does
                import traceback

                print("Exception ignored in atexit callback: %r" % (function,), file=sys.stderr)
                traceback.print_exc()
            except SystemExit:
                pass
        registry = weakref.finalize._registry  # type: ignore[attr-defined]
        for finalizer in [one for one in registry if one not in self._finalizers and one.atexit][::-1]:
            finalizer()

    def restore(self) -> None:
        weakref.finalize._registered_with_atexit = self._registered  # type: ignore[attr-defined]
        self._callbacks.clear()


class _Logging:
    """The handlers, levels and filters of all loggers."""

    def __init__(self) -> None:
        root = logging.root
        self._manager = root.manager
        self._disabled = root.manager.disable
        loggers = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
        self._loggers = [
            (one, one.level, list(one.handlers), list(one.filters), one.propagate, one.disabled)
            for one in [root, *loggers]
        ]
        self._handlers = list(logging._handlerList)  # type: ignore[attr-defined]
        self._names = dict(root.manager.loggerDict)
        root.handlers[:], root.filters[:] = [], []
        root.setLevel(logging.WARNING)

    def restore(self) -> None:
        known = set(map(id, self._handlers))
        for reference in list(logging._handlerList):  # type: ignore[attr-defined]
            handler = reference()
            if id(reference) not in known and handler is not None:
                with contextlib.suppress(Exception):
                    handler.flush()
                    handler.close()
        for name in [name for name in self._manager.loggerDict if name not in self._names]:
            logger = self._manager.loggerDict[name]
            if isinstance(logger, logging.Logger):
                logger.handlers[:], logger.filters[:] = [], []
                logger.disabled, logger.propagate = False, True
                logger.setLevel(logging.NOTSET)
        for logger, level, handlers_, filters, propagate, disabled in self._loggers:
            if logger.level != level:
                logger.setLevel(level)
            logger.handlers[:], logger.filters[:] = handlers_, filters
            logger.propagate, logger.disabled = propagate, disabled
        self._manager.disable = self._disabled
        self._manager._clear_cache()  # type: ignore[attr-defined]


def _fresh_warnings() -> None:
    """The filters of an interpreter without options."""
    warnings.resetwarnings()
    for category in (ResourceWarning, ImportWarning, PendingDeprecationWarning, DeprecationWarning):
        warnings.simplefilter("ignore", category)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
    warnings.showwarning = _show_warning


def _show_warning(
    message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Optional[str] = None
) -> None:
    (file or sys.stderr).write(warnings.formatwarning(message, category, filename, lineno, line))


def _switch_environment(variables: Mapping[str, str]) -> None:
    zone = os.environ.get("TZ")
    # By the encoded names and values: os.environ encodes each anew whenever it is asked.
    there: Any = os.environ._data  # type: ignore[attr-defined]
    wanted = {os.fsencode(key): os.fsencode(value) for key, value in variables.items()}
    for key in [key for key in there if key not in wanted]:
        os.unsetenv(key)
        del there[key]
    for key, value in wanted.items():
        if there.get(key) != value:
            os.putenv(key, value)
            there[key] = value
    if os.environ.get("TZ") != zone:
        import time

        time.tzset()


def _descriptors() -> Set[int]:
    """The open file descriptors of this process; none where they cannot be told."""
    found: Set[int] = set()
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return found
    for name in names:
        with contextlib.suppress(OSError):  # the one with which they were listed
            os.fstat(int(name))
            found.add(int(name))
    return found


def _describe(descriptor: int) -> str:
    try:
        return "file descriptor %d is open: %s" % (descriptor, os.readlink("/proc/self/fd/%d" % descriptor))
    except OSError:
        return ""


class Interpreter:
    """What :func:`fresh_interpreter` yields.

    Attributes:
        main: the new ``__main__``.
        leftovers: what could not be undone, a sentence each: threads that still run and file
            descriptors that are still open. Complete when the block has ended.
    """

    def __init__(self, main: ModuleType, at_exit: _AtExit) -> None:
        self.main = main
        self.leftovers: Tuple[str, ...] = ()
        self._at_exit = at_exit
        self._threads = set(threading.enumerate())

    def threads(self) -> List[threading.Thread]:
        """The threads that were started since, and still run."""
        return [one for one in threading.enumerate() if one not in self._threads and one.is_alive()]

    def _look(self, descriptors: Set[int]) -> None:
        """Tell what is left, when everything else is back."""
        found = ["thread %s still runs" % thread.name for thread in self.threads()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # a process that ends tells nobody either
            self.main = ModuleType("__main__")  # the hook's is not to be kept by this
            if _descriptors() - descriptors:
                gc.collect()  # most of it is held by cycles of what is gone
                found.extend(filter(None, map(_describe, sorted(_descriptors() - descriptors))))
        self.leftovers = tuple(found)

    def end(self) -> None:
        """Do what an interpreter does when its program has ended: wait for threads, call the callbacks."""
        me = threading.current_thread()
        for thread in self.threads():
            if not thread.daemon and thread is not me:
                thread.join()
        self._at_exit.run()


_running = threading.Lock()
_owner: List[int] = []


@contextlib.contextmanager
def fresh_interpreter(
    charm_dir: Union[str, os.PathLike[str]],
    environment: Mapping[str, str],
    *,
    argv: Sequence[str] = ("",),
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    engine: Union[str, ModuleType, None] = None,
) -> Iterator[Interpreter]:
    """The interpreter as a process of a hook has it; afterwards everything is as it was.

    Of what a test has loaded, the standard library and installed distributions stay loaded, so a charm
    that patches them patches the test's, for as long as the block. Every module of the charm, of the
    directories on ``PYTHONPATH``, and of the namespace ``charms`` is loaded anew and goes.

    One hook runs at a time: a thread that comes while another one is inside waits for it.

    Args:
        charm_dir: the charm's directory, which becomes the current one.
        environment: all environment variables of the hook. ``PYTHONPATH`` counts, as does
            ``CHARMS_REACTIVE_ENGINE``.
        argv: of the hook; its first word is the hook's file, whose directory comes first on ``sys.path``.
        stdin: in place of the standard stream, as are ``stdout`` and ``stderr``.
        engine: ``native`` or ``pure``; by default what the environment says.

    Raises:
        RuntimeError: this thread is in such a block already, or charmhelpers is a mock.
    """
    me = threading.get_ident()
    if _owner == [me]:
        raise RuntimeError("a hook that runs in this interpreter cannot run another one in it")
    for name in ("charmhelpers.core.hookenv", "charmhelpers.core.unitdata"):
        if name not in _CHARMHELPERS:
            raise RuntimeError(
                "%s was a mock when charms.reactive was imported; run the hook in a process of its own" % name
            )
    with _running:
        _owner[:] = [me]
        interpreter = None
        _base_path()  # the first time a process, which is none of the hook's
        descriptors = _descriptors()
        try:
            with contextlib.ExitStack() as stack:
                interpreter = _enter(stack, os.path.abspath(charm_dir), environment, argv, engine)
                for name, stream in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
                    if stream is not None:
                        setattr(sys, name, stream)
                        setattr(sys, "__%s__" % name, stream)
                yield interpreter
        finally:
            _owner.clear()
            if interpreter is not None:
                interpreter._look(descriptors)


def _enter(
    stack: contextlib.ExitStack,
    charm_dir: str,
    environment: Mapping[str, str],
    argv: Sequence[str],
    engine: Union[str, ModuleType, None],
) -> Interpreter:
    """Save and replace everything; the stack puts it back, the last first."""
    # -- saving. Modules come back first, so that the rest is done with functions that nobody has replaced.
    stack.callback(_saved_process())
    stack.callback(_switch_environment, dict(os.environ))
    path = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
    stack.callback(_restore_modules, dict(sys.modules))
    stack.callback(_Logging().restore)
    stack.enter_context(warnings.catch_warnings())
    at_exit = _AtExit()
    stack.callback(at_exit.restore)
    patched = [sys.modules[name] for name in _PATCHED if name in sys.modules]
    memory = _Memory(_framework_and_charmhelpers(), patched, (subprocess.Popen,))
    stack.callback(memory.restore)
    stack.callback(_close_unit_state, unitdata._KV)

    # -- replacing
    roots = tuple(os.path.join(root, "") for root in {charm_dir, os.path.realpath(charm_dir), *path})
    hidden = {"reactive", "relations", "lib"}
    for directory in [os.path.join(charm_dir, part) for part in _IMPORTED] + path:
        hidden |= _names_in(directory)
    _hide(hidden)
    _without_stand_ins()
    main = ModuleType("__main__")
    main.__builtins__ = builtins  # type: ignore[attr-defined]
    sys.modules["__main__"] = main
    sys.argv = list(argv)
    script = os.path.dirname(os.path.realpath(argv[0])) if argv[0] else ""
    sys.path = [script, *path, *_base_path()]
    sys.path_hooks = [_hook_for(roots), *sys.path_hooks]
    sys.path_importer_cache = {
        entry: finder
        for entry, finder in sys.path_importer_cache.items()
        if entry[:1] == "/" and not (entry + "/").startswith(roots)
    }
    others = [
        finder
        for finder in sys.meta_path
        if not isinstance(finder, _alias._AliasFinder) and not _is_of_pytest(finder)
    ]
    sys.meta_path = [_Imports(engine), *others]
    sys.dont_write_bytecode = True
    sys.excepthook = sys.__excepthook__
    sys.unraisablehook = sys.__unraisablehook__
    if hasattr(threading, "__excepthook__"):
        threading.excepthook = threading.__excepthook__
    module: Any = atexit
    module.register, module.unregister = at_exit.register, at_exit.unregister
    _fresh_warnings()
    if "tempfile" in sys.modules:
        module = sys.modules["tempfile"]
        module.tempdir = None  # TMPDIR may be another
    unitdata._KV = None  # the test's own stays open
    _renew_state()
    random.seed()
    _switch_environment(environment)
    os.chdir(charm_dir)
    # What a hook makes is garbage all at once; looking for it ten times on the way takes a tenth of the time.
    gc.set_threshold(50000, *gc.get_threshold()[1:])
    return Interpreter(main, at_exit)


# Directories of a charm from which its code is imported.
_IMPORTED = ("", "lib", "hooks", "reactive", "actions")


def _is_of_pytest(finder: Any) -> bool:
    """Whether a finder is there to rewrite the assertions of tests."""
    kind = finder if isinstance(finder, type) else type(finder)
    return kind.__module__.startswith("_pytest.")


def _hook_for(roots: Tuple[str, ...]) -> Callable[[str], FileFinder]:
    """An entry of ``sys.path_hooks`` for the directories of the charm."""

    def hook(path: str) -> FileFinder:
        absolute = os.path.abspath(path)
        if not os.path.join(absolute, "").startswith(roots) or not os.path.isdir(absolute):
            raise ImportError("not of the charm", path=path)
        return FileFinder(absolute, *_LOADERS)

    return hook


def _hide(names: Set[str]) -> None:
    """Take from ``sys.modules`` what a new process would load from elsewhere, or not at all."""
    loaded = sys.modules
    for name in list(loaded):
        top = name.partition(".")[0]
        of_charm = top in names and top not in _SHARED_NAMES and not _of_library(loaded[name])
        if top == "charms" or name in _FRAMEWORK or of_charm:
            del loaded[name]


def _without_stand_ins() -> None:
    """Have charmhelpers loaded as the framework knows it, where a test has put mocks in its place."""
    loaded = sys.modules
    there = [name for name in loaded if name.partition(".")[0] == "charmhelpers"]
    if any(type(loaded[name]) is not ModuleType or loaded[name].__spec__ is None for name in there):
        for name in there:
            del loaded[name]
        loaded.update(_CHARMHELPERS)


def _restore_modules(modules: Dict[str, ModuleType]) -> None:
    """Load what was loaded, and nothing of the charm; new modules of libraries may stay."""
    loaded = sys.modules
    for name in [name for name in loaded if name not in modules]:
        if name.startswith(_OURS):
            continue
        if name.partition(".")[0] in ("charms", "charmhelpers") or not _of_library(loaded[name]):
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


def _close_unit_state(of_test: Any) -> None:
    kv = unitdata._KV
    if kv is not None and kv is not of_test:
        _close(kv)


# Without the enumerations that the module signal makes of every number.
_signal: Any = importlib.import_module("_signal")
_SIGNALS = sorted(map(int, signal.valid_signals()))


def _saved_process() -> Callable[[], None]:
    """What belongs to the process and not to a module; to be called when it is to be as it is now."""
    try:
        directory: Optional[str] = os.getcwd()
    except OSError:
        directory = None  # somebody has removed it
    mask = os.umask(0o022)
    os.umask(mask)
    main = threading.current_thread() is threading.main_thread()
    signals = [(number, _signal.getsignal(number)) for number in _SIGNALS] if main else []
    numerals = locale.setlocale(locale.LC_ALL)
    chance = random.getstate()
    recursion = sys.getrecursionlimit()
    collecting, thresholds = gc.isenabled(), gc.get_threshold()
    connecting = socket.getdefaulttimeout()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    switching = sys.getswitchinterval()

    def restore() -> None:
        if directory is not None:
            with contextlib.suppress(OSError):
                os.chdir(directory)
        os.umask(mask)
        for number, handler in signals:
            if handler is not None and _signal.getsignal(number) != handler:
                _signal.signal(number, handler)
        if locale.setlocale(locale.LC_ALL) != numerals:
            locale.setlocale(locale.LC_ALL, numerals)
        random.setstate(chance)
        if sys.getrecursionlimit() != recursion:
            sys.setrecursionlimit(recursion)
        if gc.isenabled() != collecting:
            (gc.enable if collecting else gc.disable)()
        gc.set_threshold(*thresholds)
        socket.setdefaulttimeout(connecting)
        if signal.pthread_sigmask(signal.SIG_BLOCK, ()) != blocked:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        if sys.getswitchinterval() != switching:
            sys.setswitchinterval(switching)

    return restore
