"""How fast hooks run in this interpreter, beside processes and in a second; see benches/simulation.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.once

PROGRAM = Path(__file__).resolve().parents[2] / "benches" / "simulation.py"


@pytest.fixture(scope="module")
def simulation() -> Any:
    spec = importlib.util.spec_from_file_location("simulation", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The budgets are those of the benchmark. A test runs where others run, too, and only notices what has become
# several times slower.
PART = 1 / 3


def test_hooks_run_many_times_faster_than_in_processes(simulation: Any) -> None:
    times = simulation.both_speeds(turns=2)  # which compares what they did, too
    assert sum(times["processes"]) / sum(times["in-process"]) >= simulation.FASTER * PART


def test_many_hooks_of_50_handlers_run_in_a_second(simulation: Any) -> None:
    _, of_processor_time = simulation.hooks_per_second(hooks=100)
    assert of_processor_time >= simulation.HOOKS * PART
