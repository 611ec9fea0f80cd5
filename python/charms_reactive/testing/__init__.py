"""Run a charm without Juju: for tests, examples and measurements.

Three things, each built on the one before it:

:class:`SimulatedUnit`
    a unit in a directory, which goes on from hook to hook as a deployed one does.
:class:`Unit`
    runs single hooks in given states, as values: what a charm's unit tests want.
:class:`Model`
    several applications, related, whose hooks are queued and run until nothing is left to do.

Each runs hooks in this interpreter, in milliseconds, or in processes with real executables for the hook
tools; a charm notices no difference, and nothing in it needs to be replaced for a test::

    unit = Unit("path/to/charm")
    then = unit.run("config-changed", State(config={"greeting": "Hello"}))
    assert "render" in then.handlers
    assert then.state.unit_status == Status("active", "ready")

The simulation is beside what it tests, not part of it: only the standard library and PyYAML are used, of the
framework what runs hooks in this interpreter, and of charmhelpers how it stores the unit state.
"""

from . import _own_copy

if _own_copy.is_needed():
    # From here on each of these modules is found in the copy, and this one has been replaced by its own.
    _own_copy.load()

from ._model.model import Application, Model, ModelRelation, ModelUnit, NeverSettlesError, Settled, Step
from ._running.processes import end_processes, processes
from ._unit.charm import Charm, EndpointSpec
from ._unit.consistency import check
from ._unit.run import ActionOutcome, HookRun, LogEntry, ToolCall
from ._unit.scenario import Outcome, Unit
from ._unit.simulated_unit import JUJU_VERSION, SimulatedUnit
from ._unit.state import Relation, Secret, State, Status, Storage, differences
from .errors import CharmError, InconsistentStateError
from .explain import Emitted, Handlers, Record
from .hooks import Hook

__all__ = [
    "JUJU_VERSION",
    "ActionOutcome",
    "Application",
    "Charm",
    "CharmError",
    "EndpointSpec",
    "Emitted",
    "Handlers",
    "Hook",
    "HookRun",
    "InconsistentStateError",
    "LogEntry",
    "Model",
    "ModelRelation",
    "ModelUnit",
    "NeverSettlesError",
    "Outcome",
    "Record",
    "Relation",
    "Secret",
    "Settled",
    "SimulatedUnit",
    "State",
    "Status",
    "Step",
    "Storage",
    "ToolCall",
    "Unit",
    "check",
    "differences",
    "end_processes",
    "processes",
]

_own_copy.give_back()
