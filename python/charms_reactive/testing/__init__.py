"""Run a charm's hooks on this machine, without Juju: for tests, examples and measurements.

:class:`SimulatedUnit` is a unit whose Juju is a directory. Its hooks are real processes, which find
real executables under the names of the hook tools on their ``PATH``, so a charm notices no difference
and nothing in it needs to be replaced for a test::

    unit = SimulatedUnit("path/to/charm", tmp_path / "unit")
    unit.set_config(greeting="Hello")
    run = unit.run("config-changed")
    assert run.succeeded
    assert "hello.page-ready" in run.flags_after

Only the standard library and PyYAML are used, and none of the framework: the simulation is beside
what it tests, not part of it.
"""

from .unit import (
    ActionOutcome,
    CharmError,
    HookRun,
    LogEntry,
    SimulatedUnit,
    Status,
    ToolCall,
    end_processes,
    processes,
)

__all__ = [
    "ActionOutcome",
    "CharmError",
    "HookRun",
    "LogEntry",
    "SimulatedUnit",
    "Status",
    "ToolCall",
    "end_processes",
    "processes",
]
