"""What contextual-status and the operator framework's collect-status make of the same statuses, as JSON.

Not a test itself: ``test_comparison.py`` runs it in an environment with both.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Callable, ClassVar, Dict, List, Tuple

import charms.contextual_status as contextual
import ops
from ops import testing

KINDS = {
    "active": ops.ActiveStatus,
    "blocked": ops.BlockedStatus,
    "maintenance": ops.MaintenanceStatus,
    "waiting": ops.WaitingStatus,
}


class Charm(ops.CharmBase):
    """Adds in its hook, or when it is asked, what each case is about."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.update_status, self.run)
        if type(self).collects:
            framework.observe(self.on.collect_unit_status, self.collect)
            framework.observe(self.on.collect_app_status, self.collect_for_application)

    collects = False
    statuses: ClassVar[List[ops.StatusBase]] = []
    body: ClassVar[Callable[[Any], None]] = staticmethod(lambda charm: None)

    def run(self, event: ops.EventBase) -> None:
        type(self).body(self)

    def collect(self, event: Any) -> None:
        for one in self.statuses:
            event.add_status(one)

    def collect_for_application(self, event: Any) -> None:
        event.add_status(ops.WaitingStatus("of the application"))


def shown(collects: bool, statuses: List[Tuple[str, str]], body: Callable[[Any], None]) -> Dict[str, str]:
    """What the unit and its application show after the hook, which may have failed."""
    Charm.collects, Charm.statuses = collects, [KINDS[name](message) for name, message in statuses]
    Charm.body = staticmethod(body)
    context = testing.Context(Charm, meta={"name": "app"})
    before = testing.State(leader=True, unit_status=testing.UnknownStatus())
    try:
        after = context.run(context.on.update_status(), before)
    except testing.errors.UncaughtCharmError:
        # Whatever it had set until then, Juju keeps.
        history = context.unit_status_history
        last = history[-1] if len(history) > 1 else None
        return {"unit": "failed; " + ("%s: %s" % (last.name, last.message) if last else "nothing was set")}
    return {
        "unit": "%s: %s" % (after.unit_status.name, after.unit_status.message),
        "application": "%s: %s" % (after.app_status.name, after.app_status.message),
    }


def of_contextual(statuses: List[Tuple[str, str]], crash: bool = False) -> str:
    def body(charm: Any) -> None:
        try:
            with contextual.context(charm.unit):
                for name, message in statuses:
                    contextual.add(KINDS[name](message))
                if crash:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass  # a hook that fails has set what it has set; the simulator does not show it

    return shown(False, [], body)["unit"]


def of_ops(statuses: List[Tuple[str, str]], crash: bool = False) -> str:
    def body(charm: Any) -> None:
        if crash:
            raise ZeroDivisionError

    return shown(True, statuses, body)["unit"]


def outside(charm: Any) -> None:
    contextual.add(ops.BlockedStatus("outside"))


def directly(charm: Any) -> None:
    charm.unit.status = ops.BlockedStatus("outside")


def main() -> None:
    cases: Dict[str, List[List[str]]] = json.loads(sys.argv[1])
    ways: Dict[str, Callable[..., str]] = {"contextual-status": of_contextual, "ops": of_ops}
    told: Dict[str, Any] = {
        library: {case: way([(one[0], one[1]) for one in statuses]) for case, statuses in cases.items()}
        for library, way in ways.items()
    }
    for library, way in ways.items():
        told[library]["crash"] = way([("active", "All is well")], crash=True)
    told["contextual-status"]["outside"] = shown(False, [], outside)["unit"]
    told["ops"]["outside"] = shown(False, [], directly)["unit"]
    told["ops"]["application"] = shown(True, [("active", "")], lambda charm: None)["application"]
    told["contextual-status"]["application"] = sorted(contextual.Context.__annotations__)
    told["version"] = ops.__version__
    print(json.dumps(told))


main()
