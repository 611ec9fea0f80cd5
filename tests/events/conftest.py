"""Events as a new process has them, for every test, and the framework beside them."""

from __future__ import annotations

from typing import Iterator, List, Tuple

import pytest

from charms_reactive import bus, flags
from charms_reactive._events import event_registry
from charms_reactive._juju.environment import hookenv
from framework.conftest import engine_name, framework, one_unit, unit  # noqa: F401 -- fixtures


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[event_registry.Registry]:
    """A registry without handlers, and nobody listening to flags and hooks."""
    registry = event_registry.Registry()
    monkeypatch.setattr(event_registry, "in_use", registry)
    monkeypatch.setattr(flags, "listener", None)
    monkeypatch.setattr(bus, "listener", None)
    yield registry
    assert registry.current is None
    assert registry.noted == []


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> List[Tuple[str, str]]:
    """What reaches Juju's log, each a pair of level and message."""
    logged: List[Tuple[str, str]] = []
    monkeypatch.setattr(hookenv, "log", lambda message, level=None: logged.append((level, message)))
    return logged
