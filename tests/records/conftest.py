"""The unit state as a hook has it, on each engine, and what the events of records told."""

from __future__ import annotations

from typing import Any

import pytest

from charms_reactive import records
from charms_reactive._events import event_registry
from framework.conftest import engine_name, framework, unit
from framework.support import Framework

__all__ = ["engine_name", "framework", "unit"]


@pytest.fixture(autouse=True)
def charm(framework: Framework, monkeypatch: pytest.MonkeyPatch) -> Framework:
    """A charm in its hook, with no event handlers and no records that others have made."""
    fresh: Any = event_registry.Registry()
    monkeypatch.setattr(event_registry, "in_use", fresh)
    monkeypatch.setattr(records, "_memory", records._Memory())
    return framework
