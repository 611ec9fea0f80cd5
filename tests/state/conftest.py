"""The unit state as a hook has it: of this process, or of hooks that are processes of their own."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Iterator

import pytest
from charmhelpers.core import unitdata

from engines import engine_names
from framework.conftest import engine_name, framework
from framework.support import Framework, Unit

__all__ = ["engine_name", "framework"]


@pytest.fixture
def kv(framework: Framework) -> Any:
    """The charm's own ``Storage``."""
    return unitdata.kv()


@pytest.fixture
def other(framework: Framework, kv: Any) -> Iterator[sqlite3.Connection]:
    """Another process's connection to the unit state; it commits whatever it writes."""
    connection = sqlite3.connect(str(framework.directory / ".unit-state.db"), isolation_level=None)
    yield connection
    connection.close()


@pytest.fixture
def engine_count(pytestconfig: pytest.Config) -> int:
    """How many engines there are to share the rounds of a long test."""
    return len(engine_names(pytestconfig))


@pytest.fixture
def unit(engine_name: str, tmp_path: Path) -> Unit:
    """A unit whose hooks are processes, on each engine."""
    return Unit(tmp_path, engine_name)
