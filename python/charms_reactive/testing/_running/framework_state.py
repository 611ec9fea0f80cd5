"""The framework and charmhelpers as a new process has them; afterwards they are as they were.

What a new process has of the framework stands in one table, :data:`FRESH`, and what the package does when
it is imported in :data:`AT_START` and :data:`AT_EXIT`. A test compares all three with a real new process.
"""

from __future__ import annotations

import contextlib
import importlib
import operator
import os
import pkgutil
import sys
import weakref
from bisect import bisect_right
from itertools import accumulate, chain
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from charmhelpers.core import hookenv, unitdata

import charms_reactive
from charms_reactive import handlers
from charms_reactive._engine import choice
from charms_reactive._unit_state import unit_state
from charms_reactive.testing import _running

__all__ = ["AT_EXIT", "AT_START", "FRESH", "fresh_framework", "renew"]

PACKAGE = "charms_reactive"
_BELOW = PACKAGE + "."
#: What runs beside units and never in a hook: no hook sees it, nor is any of it put back after one.
OURS = (PACKAGE + ".testing", PACKAGE + "._history", PACKAGE + ".tools")

#: Every place in which the framework and charmhelpers keep state: module, name in it, and what makes the
#: value that it has in a new process. A module that is not loaded has no state.
FRESH: Tuple[Tuple[str, str, Callable[[], Any]], ...] = (
    ("charms_reactive.handlers", "Handler._HANDLERS", dict),
    ("charms_reactive.handlers", "Handler._CONSUMED_FLAGS", set),
    ("charms_reactive.handlers", "_numbered", list),
    ("charms_reactive.handlers", "undeclared", list),
    ("charms_reactive.handlers", "doubtful", list),
    ("charms_reactive.handlers", "named_hooks", dict),
    ("charms_reactive.handlers", "named_actions", dict),
    ("charms_reactive.handlers", "twins", list),
    ("charms_reactive.handlers", "_made", dict),
    ("charms_reactive.decorators", "_unserved", set),
    ("charms_reactive.endpoints", "Endpoint._endpoints", dict),
    ("charms_reactive.relations", "RelationFactory._factories", list),
    ("charms_reactive._relations.relation_base", "RelationBase._cache", dict),
    ("charms_reactive.patterns.request_response", "BaseRequest._requests", dict),
    ("charms_reactive.flags", "_callbacks", list),
    ("charms_reactive.flags", "_numbers", dict),
    ("charms_reactive.flags", "_saved", dict),
    ("charms_reactive.flags", "_unsaved", set),
    ("charms_reactive.handlers", "file_watches", list),
    ("charms_reactive.handlers", "hearing", list),
    ("charms_reactive._dispatch.automatic_flags", "_to_clear", list),
    ("charms_reactive._dispatch.automatic_flags", "_to_keep", dict),
    ("charms_reactive._juju.settings", "_config", lambda: None),
    ("charms_reactive._juju.settings", "_setting", lambda: None),
    ("charms_reactive._juju.juju_log", "_waiting", list),
    ("charms_reactive._juju.juju_log", "quiet", lambda: False),
    ("charms_reactive.trace", "_tracer", lambda: FRAMEWORK["charms_reactive.trace"].NullTracer()),
    ("charms_reactive.trace", "_installed_by_charm", lambda: False),
    ("charms_reactive.trace", "notes", lambda: None),
    ("charms_reactive.trace", "traced", lambda: False),
    ("charms_reactive.trace", "watched", lambda: 0),
    ("charms_reactive.trace", "told", lambda: False),
    ("charms_reactive._juju.calls", "notes", lambda: None),
    ("charms_reactive._dispatch.recorder", "receiver", lambda: None),
    ("charms_reactive.bus", "_current", lambda: None),
    ("charms_reactive.bus", "_course", lambda: None),
    ("charms_reactive.bus", "_course_thread", lambda: 0),
    ("charms_reactive.bus", "listener", lambda: None),
    ("charms_reactive.bus", "event_failures", lambda: None),
    ("charms_reactive.flags", "listener", lambda: None),
    ("charms_reactive.flags", "_calling", lambda: 0),
    (
        "charms_reactive._events.event_registry",
        "in_use",
        lambda: FRAMEWORK["charms_reactive._events.event_registry"].Registry(),
    ),
    ("charms_reactive.records", "_memory", lambda: FRAMEWORK["charms_reactive.records"]._Memory()),
    ("charms_reactive.status", "_state", lambda: FRAMEWORK["charms_reactive.status"]._State()),
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
    ("charms_reactive._dispatch.automatic_flags", "_before_handlers"),
    ("charms_reactive.relations", "_see_to_conversations"),
    ("charms_reactive.endpoints", "Endpoint._startup"),
)

#: What importing the package registers with ``hookenv.atexit``, in order.
AT_EXIT: Tuple[Tuple[str, str], ...] = (
    ("charms_reactive.flags", "_clear_triggers"),
    ("charms_reactive._dispatch.automatic_flags", "_after_handlers"),
)
CONTAINERS = (list, dict, set)


def _all_of(package: ModuleType) -> Dict[str, ModuleType]:
    """All modules of the framework by name, loaded: a hook may import any of them."""
    names = [package.__name__, *_below(package)]
    # Public modules first, as a charm would: some of the others are parts of one, and complete only with it.
    names.sort(key=lambda name: name.rpartition(".")[2].startswith("_"))
    return {name: importlib.import_module(name) for name in names}


def _below(package: ModuleType) -> Iterator[str]:
    """The names of the modules in a package, but for those that no hook imports."""
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        last = found.name.rpartition(".")[2]
        if found.name.startswith(OURS) or last in ("_native", "__main__", "cli"):
            continue
        yield found.name
        if found.ispkg:
            yield from _below(importlib.import_module(found.name))


FRAMEWORK: Dict[str, ModuleType] = (
    {PACKAGE: charms_reactive} if _running.only_what_is_loaded else _all_of(charms_reactive)
)
with contextlib.suppress(ImportError):  # it is told when a hook wants it
    FRAMEWORK[PACKAGE + "._engine._native"] = importlib.import_module(PACKAGE + "._engine._native")
# What this process knew charmhelpers as when the framework was imported.
CHARMHELPERS = {
    name: module
    for name, module in list(sys.modules.items())
    if name.partition(".")[0] == "charmhelpers" and type(module) is ModuleType
}


def _framework_now() -> Dict[str, ModuleType]:
    """The framework's modules, with those that were loaded since under its own name."""
    if sys.modules.get(PACKAGE) is charms_reactive:  # and not one that a suite with mocks works with
        for name in [name for name in list(sys.modules) if name.startswith(_BELOW)]:
            if name not in FRAMEWORK and not name.startswith(OURS):
                module = sys.modules[name]
                if isinstance(module, ModuleType):
                    FRAMEWORK[name] = module
    return FRAMEWORK


def _named(module: str, name: str) -> Any:
    """An attribute by its dotted name; of the module that the framework itself uses."""
    found: Any = FRAMEWORK.get(module) or sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found


def module_of_engine(engine: Union[str, ModuleType, None]) -> Any:
    """The engine's module for ``native``, ``pure`` or what the environment says."""
    if isinstance(engine, ModuleType):
        return engine
    return choice._choose(os.environ.get(choice._VARIABLE, "") if engine is None else engine)


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
    choice.core = module_of_engine(engine)
    renew_state()
    import_effects()


def renew_state() -> None:
    """Make everything in :data:`FRESH` new, and the unit's flags with it."""
    for module, name, new in FRESH:
        place: Any = FRAMEWORK.get(module) or sys.modules.get(module)
        if place is None:
            continue
        *owner, last = name.split(".")
        for part in owner:
            place = getattr(place, part)
        value, old = new(), getattr(place, last, None)
        if type(value) in CONTAINERS and type(old) is type(value):
            refill(old, value)  # others may hold it by name
        else:
            setattr(place, last, value)
    unit: Any = unit_state.unit
    unit.__init__()  # what a test has replaced in it stays replaced


def import_effects() -> None:
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
    saved = Memory(framework_and_charmhelpers())
    of_test, unitdata._KV = unitdata._KV, None  # stays open
    try:
        renew(engine)
        yield renew
    finally:
        close_unit_state(of_test)
        saved.restore()


def framework_and_charmhelpers() -> List[ModuleType]:
    found = list(_framework_now().values())
    for name in [name for name in list(sys.modules) if name.startswith("charmhelpers")]:
        module = sys.modules[name]
        if name.partition(".")[0] == "charmhelpers" and type(module) is ModuleType:
            found.append(module)
    return found


def refill(container: Any, content: Any) -> None:
    """Give a container other content, without making it another object."""
    if type(container) is list:
        container[:] = content
    else:
        container.clear()
        container.update(content)


def containers_of(names: Mapping[str, Any]) -> Iterator[str]:
    """Under which names a module has containers of its own.

    Every module's ``__builtins__`` is the one dictionary of the built-in functions: emptied and filled again,
    a signal handler or a thread that came between would find no ``list`` and no ``OSError``.
    """
    found = list(names.items())  # another thread may add to it
    return (name for name, value in found if type(value) in CONTAINERS and name != "__builtins__")


class _Plan:
    """What of a module may change: its names, the containers among them, and its classes'."""

    def __init__(self, module: ModuleType) -> None:
        names = vars(module)
        values = list(names.values())
        self.containers: List[Tuple[Mapping[str, Any], str]] = [
            (names, name) for name in containers_of(names)
        ]
        self.classes = [
            value for value in values if isinstance(value, type) and value.__module__ == module.__name__
        ]
        for kind in self.classes:
            self.containers.extend((vars(kind), name) for name in containers_of(vars(kind)))
        self.caches = [
            value
            for value in values
            # A module may import something to answer.
            if not isinstance(value, ModuleType) and hasattr(value, "cache_clear")
        ]


_plans: Dict[int, Tuple[Any, _Plan]] = {}


def _plan(module: ModuleType) -> _Plan:
    known = _plans.get(id(module))
    if known is None or known[0]() is not module:
        known = _plans[id(module)] = (weakref.ref(module), _Plan(module))
    return known[1]


class _Whole:
    """What of many modules may change, put together once: every hook asks for the same ones."""

    def __init__(self, modules: List[ModuleType], shallow: List[ModuleType], classes: List[type]) -> None:
        self.of = (modules, shallow, classes)
        plans = [_plan(module) for module in modules]
        kinds = [*classes, *chain.from_iterable(plan.classes for plan in plans)]
        #: A module, or a class and so a mapping that only its own attributes change.
        self.owners: List[Any] = [*modules, *shallow, *kinds]
        self.names: List[Any] = [vars(owner) for owner in self.owners]
        self.containers = list(chain.from_iterable(plan.containers for plan in plans))
        self.caches = list(chain.from_iterable(plan.caches for plan in plans))


_last: Optional[_Whole] = None


def _whole(modules: Sequence[ModuleType], shallow: Sequence[ModuleType], classes: Sequence[type]) -> _Whole:
    global _last
    of = (list(modules), list(shallow), list(classes))
    if _last is None or _last.of != of:  # modules and classes are equal to themselves only
        _last = _Whole(*of)
    return _last


class Memory:
    """Modules as they were: their names, and the content of their containers and classes.

    These are some 7,000 names for each hook, of which it changes a few. So they are compared as two long
    lists, which Python does in C.
    """

    def __init__(
        self,
        modules: Sequence[ModuleType],
        shallow: Sequence[ModuleType] = (),
        classes: Sequence[type] = (),
    ) -> None:
        self._whole = whole = _whole(modules, shallow, classes)
        self._look(whole.names)
        # If a thread comes between, a value may not be that of its name: each namespace is then copied by
        # itself, which takes twice as long.
        counted = {len(self._keys), len(self._values), *self._ends[-1:]}
        if len(counted) > 1 or list(chain.from_iterable(whole.names)) != self._keys:
            self._look([names.copy() for names in whole.names])
        self._containers: List[Tuple[Any, Any]] = []
        for names, name in whole.containers:
            value: Any = names.get(name)
            if type(value) in CONTAINERS:
                self._containers.append((value, value.copy()))
        self._unit = dict(unit_state.unit.__dict__)

    def _look(self, namespaces: Sequence[Mapping[str, Any]]) -> None:
        self._keys = list(chain.from_iterable(namespaces))
        self._values = list(chain.from_iterable(map(_VALUES, namespaces)))
        self._ends = list(accumulate(map(len, namespaces)))

    def restore(self) -> None:
        """Make everything what it was."""
        whole = self._whole
        if list(accumulate(map(len, whole.names))) != self._ends:
            self._lose_new_names()
        if list(chain.from_iterable(whole.names)) == self._keys:
            now = chain.from_iterable(map(_VALUES, whole.names))
            # A list, since no namespace may change while it is gone through.
            others = list(map(operator.is_not, now, self._values))
            index = -1
            for _ in range(others.count(True)):
                index = others.index(True, index + 1)
                at = bisect_right(self._ends, index)
                name, value = self._keys[index], self._values[index]
                # Looked at once more: a name that another thread has added meanwhile moves all that follow.
                if whole.names[at].get(name, _MISSING) is not value:
                    _put(whole.owners[at], name, value)
        else:
            for index, owner in enumerate(whole.owners):
                put_back(owner, self._then(index))
        for container, content in self._containers:
            refill(container, content)
        for cache in whole.caches:
            cache.cache_clear()
        unit_state.unit.__dict__.clear()
        unit_state.unit.__dict__.update(self._unit)

    def _then(self, index: int) -> Dict[str, Any]:
        """The names and values of the module or class of this index."""
        start = self._ends[index - 1] if index else 0
        return dict(zip(self._keys[start : self._ends[index]], self._values[start : self._ends[index]]))

    def _lose_new_names(self) -> None:
        """Make what has got or lost a name what it was: nearly always a module, by an import in the hook."""
        start = 0
        for index, end in enumerate(self._ends):
            if len(self._whole.names[index]) != end - start:
                put_back(self._whole.owners[index], self._then(index))
            start = end


_MISSING = object()
_VALUES = operator.methodcaller("values")  # of a dictionary as of a class's


def _put(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, type):
        setattr(owner, name, value)
    else:
        # Not as an attribute: a module may have a class that minds.
        vars(owner)[name] = value


def put_back(owner: Any, then: Dict[str, Any]) -> None:
    """Make the names of a module, or of a class, what they were; nearly always they are."""
    names = vars(owner)
    same = len(names) == len(then) and all(map(operator.is_, names.values(), then.values()))
    if same and list(names) == list(then):
        return
    for name in [name for name in list(names) if name not in then]:
        if isinstance(owner, type):
            delattr(owner, name)
        else:
            vars(owner).pop(name, None)
    for name, value in then.items():
        if names.get(name, _MISSING) is not value:
            _put(owner, name, value)


def close_unit_state(of_test: Any) -> None:
    kv = unitdata._KV
    if kv is not None and kv is not of_test:
        _close(kv)
