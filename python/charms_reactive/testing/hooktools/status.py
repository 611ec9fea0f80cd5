"""``status-set``, ``status-get``, ``application-version-set``: what ``juju status`` shows, at once."""

from __future__ import annotations

from .command import RefusedError, Request, UsageError, quoted

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any, Dict

    from .side import Juju

STATUSES = ("maintenance", "blocked", "waiting", "active")


def status_set(request: Request) -> None:
    """The status of the unit, or of the application."""
    if not request.rest:
        raise UsageError("invalid args, require <status> [message]")
    status = request.first()
    message = request.first()
    if status not in STATUSES:
        raise UsageError("invalid status %s, expected one of [%s]" % (quoted(status), " ".join(STATUSES)))
    request.done()
    whole = request.flag("application")
    with request.change() as juju:
        if whole and not juju["leader"]:
            raise RefusedError("this unit is not the leader")
        juju["status"]["application" if whole else "unit"] = {"status": status, "message": message}


def status_get(request: Request) -> None:
    """The status of the unit, or of the application and the units that the leader sees."""
    request.done()
    if request.restricted:
        request.answer("unknown")
        return
    juju = request.read()
    whole = request.flag("application")
    if whole and not juju["leader"]:
        raise RefusedError("finding application status: this unit is not the leader")
    details = request.flag("include-data")

    def described(status: Dict[str, str]) -> Dict[str, Any]:
        if not details:
            return {"status": status["status"]}
        return {"status": status["status"], "message": status.get("message", ""), "status-data": {}}

    shown = application_status(juju) if whole else juju["status"]["unit"]
    if not details and request.option("format", "smart") == "smart":
        request.answer(shown["status"])
    elif whole:
        units = _of_units(juju)
        whole_answer = dict(described(shown), units={unit: described(units[unit]) for unit in units})
        request.answer({"application-status": whole_answer})
    else:
        request.answer(described(shown))


def _own(unit: str, other: str) -> bool:
    return unit.partition("/")[0] == other.partition("/")[0]


def _of_units(juju: Juju) -> Dict[str, Dict[str, str]]:
    """The statuses of the application's units, as far as this one is told of the others."""
    units = {unit: {"status": status} for unit, status in juju["goal"].items() if _own(juju["unit"], unit)}
    return {**units, **juju["unit-statuses"], juju["unit"]: juju["status"]["unit"]}


#: Juju shows the first of these that any unit has.
SEVERITY = ("error", "blocked", "maintenance", "waiting", "active", "terminated", "unknown")


def application_status(juju: Juju) -> Dict[str, str]:
    """The status of the application: what its leader has set, else the worst of a unit."""
    own: Dict[str, str] = juju["status"]["application"]
    if own["status"] != "unknown":
        return own
    units = _of_units(juju)
    worst = [units[unit] for unit in sorted(units) if units[unit]["status"] in SEVERITY]
    return min(worst, key=lambda status: SEVERITY.index(status["status"]), default=own)


def application_version_set(request: Request) -> None:
    """The version of the workload."""
    if not request.rest:
        raise UsageError("no version specified")
    version = request.first()
    request.done()
    with request.change() as juju:
        juju["version"] = version
