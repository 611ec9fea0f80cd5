"""The engines that tests run on."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import List

import pytest

ENGINES = {"native": "charms_reactive._engine._native", "pure": "charms_reactive._engine.pure"}


def name_of(engine_module: ModuleType) -> str:
    """What ``CHARMS_REACTIVE_ENGINE`` calls it."""
    return next(name for name, module in ENGINES.items() if module == engine_module.__name__)


def engine_names(config: pytest.Config) -> List[str]:
    return ["pure"] if config.getoption("--pure-only") else list(ENGINES)


def import_engine(name: str) -> ModuleType:
    """The engine's module. A native engine that does not import is a failure, never a skip."""
    try:
        return importlib.import_module(ENGINES[name])
    except ImportError as error:
        pytest.fail(
            "the %s engine cannot be imported: %s. Build it, or say --pure-only if it is not meant to be here"
            % (name, error),
            pytrace=False,
        )
