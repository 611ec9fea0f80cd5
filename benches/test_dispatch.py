"""Dispatch, timed by pytest-benchmark: rows 1 to 3 of the table."""

from __future__ import annotations

from typing import Any

import pytest

from workloads import Chain, install_tracer, prepare


def _benchmark_chain(benchmark: Any, chain: Any, rounds: int) -> None:
    benchmark.pedantic(chain.run, setup=chain.reset, rounds=rounds, warmup_rounds=1)
    chain.check()


@pytest.mark.parametrize("tracer", ["none", "default"])
def test_dispatch(benchmark: Any, tracer: str) -> None:
    """A chain of 10 among 1,000 idle handlers, with 1,000 flags set."""
    reactive = prepare(1000)
    install_tracer(reactive, tracer)
    _benchmark_chain(benchmark, Chain(reactive, idle=1000, flags=1000, length=10), rounds=200)


@pytest.mark.parametrize("idle", [100, 100_000])
def test_growth(benchmark: Any, idle: int) -> None:
    """A chain of 50 among few and among many idle handlers."""
    reactive = prepare(1000)
    install_tracer(reactive, "none")
    _benchmark_chain(benchmark, Chain(reactive, idle, flags=1000, length=50), rounds=100)
