"""A framework as a new process has it, for every test, on each engine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Iterator

import pytest

from charms_reactive._juju.environment import hookenv
from charms_reactive.testing._running.framework_state import fresh_framework, renew
from engines import name_of

from .support import Framework, Unit

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
    return name_of(engine_module)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Around everything else: tests replace parts of the framework, and put them back before this does."""
    with fresh_framework():
        yield


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
    monkeypatch.chdir(it.directory)
    modules = set(sys.modules)
    environment = dict(os.environ)
    renew(engine_module)
    yield it
    for name in set(sys.modules) - modules:
        if name.partition(".")[0] in ("reactive", "relations", "lib"):
            del sys.modules[name]
    for name in set(os.environ) - set(environment):
        del os.environ[name]


@pytest.fixture
def unit(engine_name: str, tmp_path: Path) -> Unit:
    """A unit whose hooks are processes, on each engine."""
    return Unit(tmp_path, engine_name)


@pytest.fixture
def one_unit(pytestconfig: pytest.Config, tmp_path: Path) -> Unit:
    """A unit whose hooks are processes, on one engine only: what is tested depends on none."""
    return Unit(tmp_path, "pure")
