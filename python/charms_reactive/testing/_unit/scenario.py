"""One hook, given a state: run it, and look at what came out.

::

    unit = Unit("path/to/charm")
    given = State(config={"port": 8080}, flags=["app.installed"])
    then = unit.run("config-changed", given)
    assert "configure" in then.handlers
    assert then.state.opened_ports == {"8080/tcp"}

A :class:`Unit` keeps nothing from one run to the next: what a hook may depend on is in the state it is
given, and what it did is in the state it leaves.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Tuple, Union

from charms_reactive.testing import hooks
from charms_reactive.testing.errors import CharmError
from charms_reactive.testing.hooks import Hook

from . import consistency
from .charm import Charm
from .run import HookRun
from .simulated_unit import JUJU_VERSION, SimulatedUnit
from .state import Relation, State, differences


@dataclass(frozen=True, repr=False)
class Outcome(HookRun):
    """What a hook or action did, and the states before and after it.

    Attributes:
        given: the state in which it ran.
        state: the state that it left; as it was given, but for the log, where the hook failed.
    """

    given: State = field(default_factory=State)
    state: State = field(default_factory=State)

    @property
    def flags(self) -> FrozenSet[str]:
        """The flags that are set afterwards."""
        return self.state.flags

    @property
    def changes(self) -> Tuple[str, ...]:
        """What the hook changed, a line each; see :func:`charms_reactive.testing.differences`."""
        return tuple(differences(self.given, self.state))

    @property
    def published(self) -> Dict[str, Dict[str, Optional[str]]]:
        """The relation data that this unit has changed, by relation; ``None`` for a key that is gone."""
        return self._published("local")

    @property
    def published_application(self) -> Dict[str, Dict[str, Optional[str]]]:
        """The same of the application's data, which the leader publishes."""
        return self._published("local_application")

    def relation(self, which: Union[str, Relation]) -> Relation:
        """A relation afterwards; see :meth:`State.relation`."""
        return self.state.relation(which)

    def _published(self, attribute: str) -> Dict[str, Dict[str, Optional[str]]]:
        found: Dict[str, Dict[str, Optional[str]]] = {}
        before = {relation.id: getattr(relation, attribute) for relation in self.given.relations}
        for relation in self.state.relations:
            old, new = before.get(relation.id, {}), getattr(relation, attribute)
            changed = {key: new.get(key) for key in sorted({*old, *new}) if old.get(key) != new.get(key)}
            if changed:
                found[relation.id] = changed
        return found


class Unit:
    """A unit of a charm, to run single hooks and actions of.

    Args:
        charm: its directory, or a :class:`Charm`.
        name: of the unit; by default the charm's name with ``/0``.
        in_process: whether hooks run in this interpreter, in milliseconds, with hook tools answered without
            a process; or as Juju runs them, in processes with real executables on ``PATH``.
        juju_version: whose shape the hook tools have; ``4.0`` has no leader settings, for example.
        engine: ``native`` or ``pure``; by default the one that the framework has chosen.
        environment: more environment variables for every hook.
        model: name of the model.
        timeout: seconds that a hook may take.
        directory: where the unit's files are; by default a temporary one.
        check: whether states that Juju could not be in are refused.
        addresses: whether remote units have in their data what Juju puts there (``ingress-address``,
            ``egress-subnets`` and, until Juju 3, ``private-address``), where the state says nothing else.

    Raises:
        CharmError: the directory holds no charm.
    """

    def __init__(
        self,
        charm: Union[str, os.PathLike[str], Charm],
        *,
        name: Optional[str] = None,
        in_process: bool = True,
        juju_version: str = JUJU_VERSION,
        engine: Optional[str] = None,
        environment: Optional[Mapping[str, str]] = None,
        model: str = "simulated",
        timeout: float = 120.0,
        directory: Optional[Union[str, os.PathLike[str]]] = None,
        check: bool = True,
        addresses: bool = False,
    ) -> None:
        self.charm = charm if isinstance(charm, Charm) else Charm(charm)
        self.in_process = in_process
        self._check = check
        if directory is None:
            directory = tempfile.mkdtemp(prefix="charms.reactive-", dir=_quick_directory())
            self._finalizer = weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
        self._unit = SimulatedUnit(
            self.charm,
            Path(directory) / "unit",
            name=name,
            in_process=in_process,
            juju_version=juju_version,
            engine=engine,
            environment=environment,
            model=model,
            timeout=timeout,
            addresses=addresses,
        )
        self.name = self._unit.name
        self.juju_version = juju_version

    def __repr__(self) -> str:
        speed = "in this process" if self.in_process else "in processes"
        return "Unit(%r, %r, %s)" % (str(self.charm.directory), self.name, speed)

    def run(
        self,
        hook: Union[str, Hook],
        state: Optional[State] = None,
        *,
        relation: Optional[Union[str, Relation]] = None,
        unit: Optional[Union[str, int]] = None,
        storage: Optional[str] = None,
        secret: Optional[str] = None,
        revision: Optional[int] = None,
        environment: Optional[Mapping[str, str]] = None,
    ) -> Outcome:
        """Run one hook in a state.

        A hook that fails is an outcome like any other; only what Juju would not do is an error.

        Args:
            hook: its name, for example ``db-relation-changed``.
            state: of the unit before it; by default that of a new unit.
            relation: which one, if the endpoint has several: its id, or the object that the state was given.
            unit: which remote unit, if the relation has several; its name or number. The name of the remote
                application stands for a change of the application's data.
            storage: which one (``data/0``), if several of the name are attached.
            secret: the id or label of the secret that a secret hook is about.
            revision: of that secret.
            environment: more environment variables.

        Raises:
            InconsistentStateError: Juju could not bring a unit into this state.
            CharmError: there is no such hook, relation or remote unit, or the state is none.
        """
        state = _checked(state)
        given = self._unit.normal(state)
        if not isinstance(hook, Hook):
            # Not the normal one: it must know the very objects that it was made of.
            wanted = None if relation is None else state.relation(relation).id
            if isinstance(unit, int):
                about = given.relation(wanted or hook.rpartition("-relation-")[0])
                unit = "%s/%d" % (about.application, unit)
            hook = Hook(hook, wanted, unit, storage, secret, revision, environment=environment or {})
        hook = hooks.complete(hook, self.charm, given, self.juju_version, self.name)
        if self._check:
            consistency.check(self.charm, given, hook, self.name, self.juju_version)
        self._unit.load_normal(given)
        return self._outcome(given, self._unit.run_hook(hook))

    def run_action(
        self,
        action: str,
        state: Optional[State] = None,
        parameters: Optional[Mapping[str, Any]] = None,
        *,
        environment: Optional[Mapping[str, str]] = None,
    ) -> Outcome:
        """Run an action in a state; the defaults of its parameters are added.

        Raises:
            InconsistentStateError: Juju could not bring a unit into this state.
            CharmError: the charm has no such action, or the action no such parameter.
        """
        given = self._unit.normal(_checked(state))
        if self._check:
            consistency.check(self.charm, given, None, self.name, self.juju_version)
        self._unit.load(given)
        return self._outcome(given, self._unit.run_action(action, parameters, **(environment or {})))

    def play(self, *names: str, state: Optional[State] = None) -> List[Outcome]:
        """Run hooks one after the other, each in the state that the one before it left."""
        outcomes: List[Outcome] = []
        for name in names:
            outcomes.append(self.run(name, outcomes[-1].state if outcomes else state))
        return outcomes

    def _outcome(self, given: State, run: HookRun) -> Outcome:
        values = {spec.name: getattr(run, spec.name) for spec in fields(HookRun)}
        return Outcome(**values, given=given, state=self._unit.dump(self._unit.rows))


def _checked(state: Optional[State]) -> State:
    if isinstance(state, HookRun):
        raise CharmError("a hook is given a state, and not an outcome: the one that it left is its .state")
    if state is not None and not isinstance(state, State):
        raise CharmError("a hook is given a State(...), and not %r" % (state,))
    return State() if state is None else state


def _quick_directory() -> Optional[str]:
    """Where files live in memory, if there is such a place: a unit's files need to survive nothing."""
    quick = "/dev/shm"
    return quick if os.path.isdir(quick) and os.access(quick, os.W_OK | os.X_OK) else None
