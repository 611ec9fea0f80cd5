"""What all tests share: which engines they run on, how many of their cases, and how many random programs."""

from __future__ import annotations

import os
import zlib
from collections import defaultdict
from types import ModuleType
from typing import Any, Dict, List, Tuple

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
        "--all-cases",
        action="store_true",
        help="run all cases of tests marked `long` on every engine, not on the first one alone",
    )
    group.addoption(
        "--further",
        action="store_true",
        help="for one more interpreter, when all was tested on another: one case of every test that is "
        "marked `long`, none of those marked `once`, and the second engine only in tests/engine",
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


def pytest_report_header(config: pytest.Config) -> List[str]:
    seeds = " and ".join(str(seed) for seed in config.stash[_SEEDS])
    engines = engine_names(config)
    header = [
        "engines: %s; random programs: %d, seed %s"
        % (", ".join(engines), config.getoption("--programs"), seeds)
    ]
    if config.getoption("--further"):
        header.append(
            "a further interpreter: one case of each long test, none for which one interpreter will do"
            + (", %s only in tests/engine" % engines[1] if len(engines) > 1 else "")
        )
    elif not config.getoption("--all-cases") and len(engines) > 1:
        header.append("long tests: all cases on %s, one each on %s (--all-cases)" % tuple(engines))
    return header


def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    """Leave out cases that have nothing to tell about one more engine, or one more interpreter.

    Long tests start processes, and are about files and signals and shells. All their cases run on the
    first engine; on any other one stands for all, as it does on a further interpreter.
    """
    further = config.getoption("--further")
    if config.getoption("--all-cases") and not further:
        return
    first = engine_names(config)[0]
    cases: Dict[Tuple[str, str], List[pytest.Item]] = defaultdict(list)
    left_out = []
    for item in items:
        parameters = (
            item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        )
        engine = parameters.get("engine_module", first)
        of_engine = "tests/engine/" in item.nodeid
        if further and (item.get_closest_marker("once") or (engine != first and not of_engine)):
            left_out.append(item)
        elif item.get_closest_marker("long") and (further or engine != first):
            cases[item.nodeid.partition("[")[0], engine].append(item)
    for (name, _), of_test in cases.items():
        # Not the first of each: tables tend to begin with what is plain.
        chosen = of_test[zlib.crc32(name.encode()) % len(of_test)]
        left_out += [item for item in of_test if item is not chosen]
    if left_out:
        gone = set(map(id, left_out))
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if id(item) not in gone]


_SEEDS = pytest.StashKey[List[int]]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that asks for an engine once on each."""
    if "engine_module" in metafunc.fixturenames:
        metafunc.parametrize("engine_module", engine_names(metafunc.config), indirect=True)


@pytest.fixture
def engine_module(request: pytest.FixtureRequest) -> ModuleType:
    """The module of one engine: ``charms_reactive._engine._native`` or ``….pure``."""
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
