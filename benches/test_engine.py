"""The engine alone, timed by pytest-benchmark: row 6 of the table."""

from __future__ import annotations

from typing import Any

import pytest

from workloads import ClipsChain, EngineChain, engine_module

_SIZE = {"rules": 10_000, "flags": 1000, "length": 100}


@pytest.mark.parametrize("which", ["native", "pure"])
def test_engine(benchmark: Any, which: str) -> None:
    """A chain of 100 among 10,000 rules, driven from Python."""
    chain = EngineChain(engine_module(which), **_SIZE)
    benchmark.pedantic(chain.run, setup=chain.reset, rounds=200, warmup_rounds=1)
    chain.check()


@pytest.mark.parametrize("python", [True, False], ids=["handlers in Python", "handlers in CLIPS"])
def test_clips(benchmark: Any, python: bool) -> None:
    """The same on CLIPS."""
    chain = ClipsChain(python, **_SIZE)
    benchmark.pedantic(chain.run, setup=chain.reset, rounds=50, warmup_rounds=1)
    chain.check()
