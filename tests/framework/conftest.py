"""A framework as a new process has it, for every test, on each engine."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Iterator

import pytest

from charms_reactive._juju.environment import hookenv
from charms_reactive.testing._running.framework_state import renew
from engines import name_of
from fresh import enter, forget_charm_modules, fresh

from .support import Framework, Unit

__all__ = ["engine_name", "framework", "fresh", "one_unit", "unit"]


@pytest.fixture
def engine_name(engine_module: ModuleType) -> str:
    """``native``, then ``pure``."""
    return name_of(engine_module)


@pytest.fixture
def framework(
    engine_module: ModuleType, engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Framework]:
    """The framework of this process beside a charm directory, as if nothing had run yet."""
    it = Framework(tmp_path / "charm", engine_name, monkeypatch)
    enter(it.directory, monkeypatch)
    monkeypatch.setenv("JUJU_UNIT_NAME", "app/0")
    monkeypatch.setattr(hookenv, "log", lambda message, level=None: it.logged.append((level, message)))
    monkeypatch.setattr(hookenv, "relation_ids", lambda reltype=None: [])
    environment = dict(os.environ)
    renew(engine_module)
    yield it
    forget_charm_modules()
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
