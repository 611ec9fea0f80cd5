"""Play a charm's ``scenario.yaml``: what happens to the unit, and what is seen after every hook.

A scenario is a mapping: ``about``, ``unit`` (arguments of ``SimulatedUnit``), ``differs`` (for the
comparison with 1.5.3, see tests/compat) and ``steps``, each of which is a mapping of one or more of

=================  ================================================================================
``relate``         ``{endpoint, application, units, data}``: a new relation
``add``            ``{relation, unit, data}``: a remote unit enters a relation
``set``            ``{relation, of, data}``: a remote unit's or application's data change
``config``         options
``leader``         whether the unit leads
``leader-settings``  settings that another unit, or an action, has changed
``write``          files of the charm and their content; ``null`` removes one
``joined`` …       ``RELATION UNIT`` or ``RELATION``: run a relation hook, so named
``hook``           run another hook
``action``         run an action
``fails``          beside a hook: it has to fail
=================  ================================================================================

After each hook an :class:`Observation` is made: all that another unit, another hook or a user can see.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

import yaml

from charms_reactive.testing import HookRun, SimulatedUnit

CHARMS = Path(__file__).resolve().parent
RELATION_EVENTS = ("created", "joined", "changed", "departed", "broken")

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ScenarioError(Exception):
    """The scenario makes no sense, or a hook of it ended in a way that it does not say."""


@dataclass(frozen=True)
class Observation:
    """What is seen after a hook.

    Attributes:
        label: number and name of the hook, and its unit; unique in the scenario.
        told: what the charm has told in this hook, as JSON.
        handlers: the handlers that were invoked, in order.
        rows: the unit state.
        data: what this unit and its application have published, by relation and publisher.
        status: of the unit and of the application.
        other: open ports, version and leadership settings.
        tools: how many processes of each hook tool the hook has spawned.
        members: the remote units of each relation.
    """

    label: str
    told: Tuple[str, ...]
    handlers: Tuple[str, ...]
    rows: Mapping[str, Any]
    data: Mapping[Tuple[str, str], Mapping[str, str]]
    status: Mapping[str, str]
    other: Mapping[str, Any]
    tools: Mapping[str, int]
    members: Mapping[str, Tuple[str, ...]]

    @property
    def flags(self) -> Dict[str, Any]:
        """The flags that are set, with their values."""
        prefix = "reactive.states."
        return {key[len(prefix) :]: value for key, value in self.rows.items() if key.startswith(prefix)}


def charms() -> List[Path]:
    """The directories of all charms here, by name."""
    return sorted(path.parent for path in CHARMS.glob("*/scenario.yaml"))


def load(charm: Path) -> Dict[str, Any]:
    """A charm's scenario."""
    loaded: Dict[str, Any] = yaml.safe_load((charm / "scenario.yaml").read_text(encoding="utf-8"))
    return loaded


def play(
    charm: Path,
    directory: Path,
    python: Optional[str] = None,
    environment: Optional[Mapping[str, str]] = None,
    in_process: bool = False,
) -> Iterator[Observation]:
    """Take a charm through its scenario.

    Args:
        charm: directory of the charm.
        directory: for the unit; must be empty.
        python: interpreter of the environment with the framework; by default the one that runs now.
        environment: more environment variables for the hooks.
        in_process: run the hooks in this interpreter.

    Raises:
        ScenarioError: a hook failed that should not, or did not that should.
    """
    scenario = load(charm)
    unit = SimulatedUnit(
        charm,
        directory,
        python=python,
        environment={"PYTHONPATH": str(CHARMS / "common"), **(environment or {})},
        in_process=in_process,
        **scenario.get("unit", {}),
    )
    names = _Names(unit)
    number = 0
    for step in scenario["steps"]:
        for action, argument in step.items():
            if action == "fails":
                continue
            (unit.charm_dir / "told").write_text("")
            run = _act(unit, action, argument)
            if run is not None:
                number += 1
                label = "%d %s" % (number, " ".join([run.name, *str(argument).split(" ")[1:]]))
                if run.succeeded == bool(step.get("fails")):
                    said = "\n".join([entry.message for entry in run.log if entry.level == "ERROR"])
                    raise ScenarioError(
                        "%s: %s: exit status %d\n%s\n%s"
                        % (charm.name, label, run.exit_status, said, run.stderr)
                    )
                yield _observe(unit, run, label, names)


def _act(unit: SimulatedUnit, action: str, argument: Any) -> Optional[HookRun]:
    """One entry of a step; what ran, if it was a hook or action."""
    if action in RELATION_EVENTS:
        return unit.run_relation(argument.split(" ")[0], action, *argument.split(" ")[1:])
    if action == "hook":
        return unit.run(argument)
    if action == "action":
        return unit.run_action(argument)
    if action == "relate":
        unit.add_relation(
            argument["endpoint"], argument["application"], argument.get("units"), argument.get("data")
        )
    elif action == "add":
        unit.add_unit(argument["relation"], argument["unit"], argument.get("data"))
    elif action == "set":
        unit.set_relation_data(argument["relation"], argument["of"], argument["data"])
    elif action == "config":
        unit.set_config(**argument)
    elif action == "leader":
        unit.leader = argument
    elif action == "leader-settings":
        unit.set_leader_settings(**argument)
    elif action == "write":
        for name, text in argument.items():
            path = unit.charm_dir / name
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")
    else:
        raise ScenarioError("no step is called %r" % action)
    return None


class _Names:
    """Makes what two units of one scenario see the same: directories, and ids made at random."""

    def __init__(self, unit: SimulatedUnit) -> None:
        self._directory = str(unit.charm_dir)
        self._ids: Dict[str, str] = {}

    def __call__(self, text: str) -> str:
        def numbered(found: re.Match[str]) -> str:
            return self._ids.setdefault(found.group(), "<random id %d>" % (len(self._ids) + 1))

        return _UUID.sub(numbered, text.replace(self._directory, "$CHARM_DIR"))


def _observe(unit: SimulatedUnit, run: HookRun, label: str, names: _Names) -> Observation:
    told = unit.charm_dir / "told"
    data = {}
    members = {}
    for relation in unit.relations:
        for whose in (unit.name, unit.application):
            bag = unit.relation_data(relation, whose)
            data[relation, whose] = {names(key): names(bag[key]) for key in sorted(bag)}
        members[relation] = unit.related_units(relation)
    return Observation(
        label=label,
        told=tuple(names(told.read_text(encoding="utf-8")).splitlines()),
        handlers=run.handlers,
        rows=_rows(unit.state_file, names),
        data=data,
        status={"unit": str(run.status), "application": str(unit.application_status)},
        other={"ports": unit.ports, "version": unit.version, "leader settings": unit.leader_settings},
        tools=dict(Counter(call.tool for call in run.tools)),
        members=members,
    )


def _rows(state: Path, names: _Names) -> Dict[str, Any]:
    """The rows of the unit state, decoded."""
    if not state.exists():
        return {}
    with contextlib.closing(sqlite3.connect(str(state))) as database:
        found = database.execute("SELECT key, data FROM kv ORDER BY key").fetchall()
    return {names(key): json.loads(names(data)) for key, data in found}


def summary(seen: Observation) -> Dict[str, Any]:
    """What the tests expect of a hook: enough to see that the charm did what it should."""
    ours = ("egress-subnets", "ingress-address", "private-address")
    published: Dict[str, Dict[str, str]] = {}
    for (relation, whose), bag in seen.data.items():
        said = {key: value for key, value in bag.items() if key not in ours}
        if said:
            published["%s %s" % (relation, whose)] = said
    return {
        "hook": seen.label,
        "told": list(seen.told),
        "flags": sorted(seen.flags),
        "published": published,
        "status": seen.status["unit"],
    }
