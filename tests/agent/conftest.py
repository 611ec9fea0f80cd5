"""The programs in Go, built once."""

from __future__ import annotations

import pytest

from .support import Go


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """The agent and the client in Go."""
    return Go(tmp_path_factory.mktemp("go"))
