"""A unit on which the two programs run that are called ``charms.reactive``."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from .support import PROGRAMS, Program, Unit


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that asks for a program once with each."""
    if "program" in metafunc.fixturenames:
        metafunc.parametrize("program", _names(metafunc.config), indirect=True)


def _names(config: pytest.Config) -> List[str]:
    return ["python"] if config.getoption("--pure-only") else list(PROGRAMS)


@pytest.fixture
def program(request: pytest.FixtureRequest) -> Program:
    """The native program, then the one in Python, as they are installed."""
    return Program(request.param)


@pytest.fixture
def programs(pytestconfig: pytest.Config) -> List[Program]:
    """All programs under test, for tests that compare them."""
    return [Program(name) for name in _names(pytestconfig)]


@pytest.fixture
def unit(tmp_path: Path, program: Program) -> Unit:
    """A unit with a state file, for one program."""
    return Unit(tmp_path / "charm", program)
