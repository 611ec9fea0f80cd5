"""The programs in Go, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines import engine_names
from framework.conftest import engine_name
from framework.support import Unit

from .support import Go

__all__ = ["engine_name"]


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """The agent and the client in Go."""
    return Go(tmp_path_factory.mktemp("go"))


@pytest.fixture
def engine_count(pytestconfig: pytest.Config) -> int:
    """How many engines there are to share the rounds of a long test."""
    return len(engine_names(pytestconfig))


@pytest.fixture
def unit(engine_name: str, tmp_path: Path) -> Unit:
    """A unit whose hooks are processes, on each engine."""
    return Unit(tmp_path, engine_name)
