"""A framework as a new process has it, for every test, on each engine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Iterator

import pytest
from charmhelpers.core import unitdata

from charms_reactive import _files, _juju, _state, bus, flags, trace
from charms_reactive._juju import hookenv
from charms_reactive.bus import Handler
from charms_reactive.endpoints import Endpoint
from charms_reactive.relations import RelationFactory

from .support import Framework, Unit

# What the package registers when it is imported; hookenv forgets it whenever it has run.
_ATSTART = list(hookenv._atstart)
_ATEXIT = list(hookenv._atexit)

_VARIABLES = (
    "UNIT_STATE_DB",
    "JUJU_HOOK_NAME",
    "JUJU_DISPATCH_PATH",
    "JUJU_ACTION_NAME",
    "JUJU_FUNCTION_NAME",
    "JUJU_RELATION",
    "JUJU_RELATION_ID",
    "JUJU_REMOTE_UNIT",
    "CHARMS_REACTIVE_LOG",
    "CHARMS_REACTIVE_STRICT",
    "CHARMS_REACTIVE_TOOL_TIMEOUT",
)


@pytest.fixture
def engine_name(engine_module: ModuleType) -> str:
    """``native``, then ``pure``."""
    return engine_module.__name__.rpartition("_")[2]


@pytest.fixture
def framework(
    engine_module: ModuleType, engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Framework]:
    """The framework of this process beside a charm directory, as if nothing had run yet."""
    it = Framework(tmp_path / "charm", engine_name, monkeypatch)
    for variable in _VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CHARM_DIR", str(it.directory))
    monkeypatch.setenv("JUJU_CHARM_DIR", str(it.directory))
    monkeypatch.setenv("JUJU_UNIT_NAME", "app/0")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["hook"])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(hookenv, "log", lambda message, level=None: it.logged.append((level, message)))
    monkeypatch.setattr(hookenv, "relation_ids", lambda reltype=None: [])
    monkeypatch.setattr(RelationFactory, "_factories", [])
    monkeypatch.chdir(it.directory)
    modules = set(sys.modules)
    environment = dict(os.environ)
    _forget(engine_module)
    yield it
    if unitdata._KV is not None:
        unitdata._KV.close()
    _forget(engine_module)
    for name in set(sys.modules) - modules:
        if name.partition(".")[0] in ("reactive", "relations", "lib"):
            del sys.modules[name]
    for name in set(os.environ) - set(environment):
        del os.environ[name]


def _forget(engine_module: ModuleType) -> None:
    unitdata._KV = None
    unit: Any = _state.unit
    unit.__init__()
    unit.engine = engine_module.Engine()
    hookenv.cache.clear()
    hookenv._atstart[:] = _ATSTART
    hookenv._atexit[:] = _ATEXIT
    Handler.clear()
    Handler._CONSUMED_FLAGS.clear()
    Endpoint._endpoints.clear()
    flags._callbacks.clear()
    _files.forget()
    _juju._waiting.clear()
    _juju.quiet = False
    _juju._config = None
    trace._install_quietly(trace.NullTracer())
    bus._current = None


@pytest.fixture
def unit(engine_name: str, tmp_path: Path) -> Unit:
    """A unit whose hooks are processes, on each engine."""
    return Unit(tmp_path, engine_name)


@pytest.fixture
def one_unit(pytestconfig: pytest.Config, tmp_path: Path) -> Unit:
    """A unit whose hooks are processes, on one engine only: what is tested depends on none."""
    return Unit(tmp_path, "pure")
