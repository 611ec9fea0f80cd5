"""What is in a simulated model, as text for people and as JSON for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Sequence

from .application import sorted_units

if TYPE_CHECKING:
    from .application import ModelUnit
    from .roster import Roster


def as_text(model: Roster) -> str:
    """Tables in the manner of ``juju status --relations``."""
    head: List[Sequence[Any]] = [
        ("Model", "Juju", "Seed", "Hooks"),
        (model.name, model.juju_version, model.seed, len(model.steps)),
    ]
    applications: List[Sequence[Any]] = [("App", "Version", "Status", "Scale", "Charm", "Message")]
    units: List[Sequence[Any]] = [("Unit", "Workload", "Agent", "Ports", "Message")]
    for name in sorted(model.applications):
        application = model.applications[name]
        status = application.status
        leader = application.leader
        version = leader.simulated.version if leader is not None else ""
        scale = len(application.units)
        applications.append((name, version, status.status, scale, application.charm.name, status.message))
        units += [_unit(unit) for unit in sorted_units(application.units)]
    tables = [head, applications]
    if len(units) > 1:
        tables.append(units)
    relations: List[Sequence[Any]] = [("Relation provider", "Requirer", "Interface", "Type", "Message")]
    for relation in model.relations:
        kind = "peer" if relation.peer else "subordinate" if relation.container else "regular"
        message = "" if relation.alive else "removing"
        relations.append(
            (relation.ends[-1], relation.ends[0], relation.ends[0].endpoint.interface, kind, message)
        )
    if len(relations) > 1:
        tables.append(relations)
    return "\n\n".join(_table(rows) for rows in tables)


def _unit(unit: ModelUnit) -> Sequence[Any]:
    status = unit.status
    agent = "lost" if unit.lost else "failed" if unit.failed else "executing" if unit.pending else "idle"
    name = unit.name + ("*" if unit.leader else "")
    if unit.principal is not None:
        name = "  " + name
    return (name, status.status, agent, ",".join(unit.simulated.ports), status.message)


def _table(rows: Sequence[Sequence[Any]]) -> str:
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in texts
    )


def as_json(model: Roster) -> Dict[str, Any]:
    """The same and more, by name."""
    applications = {}
    for name, application in sorted(model.applications.items()):
        applications[name] = {
            "charm": application.charm.name,
            "config": application.config,
            "leader": application.leader.name if application.leader is not None else None,
            "leader-settings": application.leader_settings,
            "removing": application.dying,
            "status": {"status": application.status.status, "message": application.status.message},
            "units": {unit.name: _unit_as_json(unit) for unit in sorted_units(application.units)},
        }
    return {
        "model": model.name,
        "uuid": model.uuid,
        "juju-version": model.juju_version,
        "seed": model.seed,
        "applications": applications,
        "relations": [
            {
                "number": relation.number,
                "endpoints": [str(end) for end in relation.ends],
                "interface": relation.ends[0].endpoint.interface,
                "removing": not relation.alive,
                "data": {
                    whose: dict(bag)
                    for whose, bag in sorted(relation.data.items())
                    if "/" not in whose or whose in relation.scope
                },
            }
            for relation in model.relations
        ],
        "hooks": [[step.unit, step.name, step.run.exit_status] for step in model.steps],
    }


def _unit_as_json(unit: ModelUnit) -> Dict[str, Any]:
    failed = unit.failed
    return {
        "status": {"status": unit.status.status, "message": unit.status.message},
        "leader": unit.leader,
        "lost": unit.lost,
        "removing": unit.dying,
        "principal": unit.principal.name if unit.principal is not None else None,
        "flags": sorted(unit.flags),
        "ports": list(unit.simulated.ports),
        "failed": None if failed is None else {"hook": failed.name, "error": failed.run.error},
        "pending": list(unit.pending),
    }
