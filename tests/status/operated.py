"""A charm of the operator framework that uses our status; run there, it prints what came of it as JSON.

Not a test itself: ``test_operator_framework.py`` runs it in an environment with the real framework.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Callable, Dict, List, Optional

import ops
from ops import testing

from charms_reactive import status

told: List[Any] = []


class Charm(ops.CharmBase):
    """Does in its hooks what each scenario is about."""

    scenario: Optional[Callable[[Charm], None]] = None

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.update_status, self.run)

    def run(self, event: ops.EventBase) -> None:
        type(self).scenario(self)


def theirs(charm: Charm) -> None:
    with status.context(charm.unit):
        status.add(ops.MaintenanceStatus("Doing something"))
        told.append(type(charm.unit.status).__module__)
        status.add(ops.WaitingStatus("For the database"))
        status.add(ops.BlockedStatus("Failed to do something"))


def ours(charm: Charm) -> None:
    with status.context(charm.unit):
        status.add(status.MaintenanceStatus("Doing something"))
        told.append(isinstance(charm.unit.status, ops.MaintenanceStatus))
        status.add(status.WaitingStatus("For the database"))
    told.append(charm.unit.status == ops.WaitingStatus("For the database"))


def nothing(charm: Charm) -> None:
    with status.context(charm.unit):
        pass
    told.append(charm.unit.status == ops.ActiveStatus("Ready"))


def exit_status(charm: Charm) -> None:
    with status.context(charm.unit, exit_status=ops.ActiveStatus("Serving")):
        pass


def crash(charm: Charm) -> None:
    try:
        with status.context(charm.unit):
            status.add(ops.ActiveStatus("All is well"))
            raise ValueError
    except ValueError:
        told.append(charm.unit.status == ops.BlockedStatus("unexpected error: ValueError"))


def on_error(charm: Charm) -> None:
    @status.on_error(ops.BlockedStatus("Failed to do something"))
    def do_something() -> None:
        status.add(ops.MaintenanceStatus("Doing something"))
        raise ConnectionError("refused")

    try:
        with status.context(charm.unit):
            do_something()
    except status.ReconcilerError as error:
        told.append(type(error.__cause__).__name__)
        told.append(str(error))


def twice(charm: Charm) -> None:
    for _ in range(2):
        with status.context(charm.unit):
            status.add(ops.MaintenanceStatus("Doing something"))
            status.add(status.MaintenanceStatus("Doing something"))


def application(charm: Charm) -> None:
    with status.context(charm.unit), status.application(charm.app, leader=charm.unit.is_leader):
        status.add(status.BlockedStatus("No quorum"), app=True)
        status.add(ops.WaitingStatus("For the others"))


def refused(charm: Charm) -> None:
    for one in (ops.UnknownStatus(), ops.BlockedStatus):
        try:
            status.add(one)
        except status.StatusError as error:
            told.append(str(error))


def any_unit(charm: Charm) -> None:
    class Unit:
        status = None

    unit = Unit()
    with status.context(unit):
        status.add(ops.MaintenanceStatus("Doing something"))
    told.append(unit.status == ops.ActiveStatus("Ready"))


def play(scenario: Callable[[Charm], None], leader: bool = True, before: Any = None) -> Dict[str, Any]:
    """Run the charm's update-status hook; what its unit and application show, and what it told."""
    told.clear()
    Charm.scenario = scenario
    context = testing.Context(Charm, meta={"name": "app"})
    unit_status = before or testing.UnknownStatus()
    state = context.run(context.on.update_status(), testing.State(leader=leader, unit_status=unit_status))
    return {
        "history": [str(one.name) + ": " + one.message for one in context.unit_status_history]
        + ["%s: %s" % (state.unit_status.name, state.unit_status.message)],
        "application": "%s: %s" % (state.app_status.name, state.app_status.message),
        "told": list(told),
    }


def main() -> None:
    results = {name: play(globals()[name]) for name in sys.argv[1:]}
    results["not the leader"] = play(application, leader=False)
    results["unchanged"] = play(nothing, before=testing.ActiveStatus("Ready"))
    results["version"] = ops.__version__
    print(json.dumps(results))


main()
