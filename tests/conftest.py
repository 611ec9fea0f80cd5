"""What all tests share: which engines they run on, and how many random programs they try."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any, Dict, List

import pytest

from engines import engine_names, import_engine

# What charms' maintainers get by installing the package.
pytest_plugins = ["pytest_charms_reactive"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("charms.reactive")
    group.addoption(
        "--pure-only",
        action="store_true",
        help="test the Python engine alone, where there is no Rust; otherwise a missing native engine fails",
    )
    group.addoption(
        "--programs",
        type=int,
        default=2000,
        metavar="N",
        help="how many random programs the engines have to agree on (default: %(default)s)",
    )
    group.addoption(
        "--command-steps",
        type=int,
        default=300,
        metavar="N",
        help="how many random commands the programs and the framework must agree on (default: %(default)s)",
    )
    group.addoption(
        "--seed",
        type=int,
        default=None,
        metavar="S",
        help="take all random programs from this seed (default: half from seed 0, half from a fresh one)",
    )


def pytest_configure(config: pytest.Config) -> None:
    given = config.getoption("--seed")
    fresh = int.from_bytes(os.urandom(4), "big")
    config.stash[_SEEDS] = [given] if given is not None else [0, fresh]


def pytest_report_header(config: pytest.Config) -> str:
    seeds = " and ".join(str(seed) for seed in config.stash[_SEEDS])
    return "engines: %s; random programs: %d, seed %s" % (
        ", ".join(engine_names(config)),
        config.getoption("--programs"),
        seeds,
    )


_SEEDS = pytest.StashKey[List[int]]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that asks for an engine once on each."""
    if "engine_module" in metafunc.fixturenames:
        metafunc.parametrize("engine_module", engine_names(metafunc.config), indirect=True)


@pytest.fixture
def engine_module(request: pytest.FixtureRequest) -> ModuleType:
    """The module of one engine: ``charms_reactive._native``, then ``charms_reactive._pure``."""
    return import_engine(request.param)


@pytest.fixture
def engine(engine_module: ModuleType) -> Any:
    """A new engine, with no flags, triggers or handlers."""
    return engine_module.Engine()


@pytest.fixture
def engine_modules(pytestconfig: pytest.Config) -> Dict[str, ModuleType]:
    """The modules of all engines under test, by name, for tests that compare them."""
    return {name: import_engine(name) for name in engine_names(pytestconfig)}


@pytest.fixture
def seeds(pytestconfig: pytest.Config) -> List[int]:
    """The seeds of this run's random programs."""
    return pytestconfig.stash[_SEEDS]
