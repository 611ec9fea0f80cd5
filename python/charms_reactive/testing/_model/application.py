"""The applications of a simulated model, their units and their relations."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Optional, Protocol, Tuple, Union

from charms_reactive.testing._unit.charm import Charm, EndpointSpec, listed
from charms_reactive.testing._unit.run import HookRun
from charms_reactive.testing._unit.simulated_unit import SimulatedUnit
from charms_reactive.testing._unit.state import Status
from charms_reactive.testing.errors import CharmError
from charms_reactive.testing.hooks import Hook

from .fault import Fault
from .uniter import Agent, by_number

#: The endpoint that every application offers to subordinates, declared or not.
JUJU_INFO = EndpointSpec("juju-info", "provides", "juju-info")


@dataclass(frozen=True)
class End:
    """One side of a relation: an application and its endpoint."""

    application: str
    endpoint: EndpointSpec

    def __str__(self) -> str:
        return "%s:%s" % (self.application, self.endpoint.name)

    @property
    def implicit(self) -> bool:
        """Whether every application has this endpoint, be it declared or not."""
        return self.endpoint == JUJU_INFO


@dataclass
class ModelRelation:
    """A relation between two applications, or among the units of one.

    Attributes:
        number: in the model; never used again.
        ends: the two sides, the one that requires first; only one among peers.
        data: of each unit and application, as the last hook that succeeded has left them.
        alive: whether it is not being removed.
    """

    number: int
    ends: Tuple[End, ...]
    data: Dict[str, Dict[str, str]] = field(default_factory=dict)
    alive: bool = True
    versions: Dict[str, int] = field(default_factory=dict)
    # The units that are in it, and whether the others still see them there.
    scope: Dict[str, bool] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join(str(end) for end in self.ends)

    @property
    def peer(self) -> bool:
        """Whether it is among the units of one application."""
        return len(self.ends) == 1

    @property
    def container(self) -> bool:
        """Whether it joins only units that share a machine, a subordinate and its principal."""
        return any(end.endpoint.subordinate for end in self.ends)

    def end_of(self, application: str) -> End:
        """The side of an application."""
        return next(end for end in self.ends if end.application == application)

    def other(self, application: str) -> End:
        """The side on which an application's counterpart is; among peers its own."""
        return next((end for end in self.ends if end.application != application), self.ends[0])

    def implicit_for(self, application: str) -> bool:
        """Whether an application is in it without having declared so, and runs no hooks for it."""
        return not self.peer and self.end_of(application).endpoint is JUJU_INFO

    def id_for(self, application: str) -> str:
        """What the hook tools of an application's units call it, for example ``db:0``."""
        return "%s:%d" % (self.end_of(application).endpoint.name, self.number)


@dataclass(frozen=True)
class Step:
    """One hook that ran in the model.

    Attributes:
        unit: the name of the unit.
        hook: what ran, with the relation and the remote unit it was about.
        run: what it did.
    """

    unit: str
    hook: Hook
    run: HookRun

    @property
    def name(self) -> str:
        """The name of the hook."""
        return self.hook.name

    def __str__(self) -> str:
        text = "%s %s" % (self.unit, shown(self.hook))
        return text if self.run.succeeded else "%s FAILED: %s" % (text, self.run.error)


def shown(hook: Hook) -> str:
    """A hook and what it is about, for people."""
    about = [part for part in (hook.unit, hook.storage, hook.secret) if part]
    if hook.relation is not None and hook.unit is None:
        about = [hook.environment.get("JUJU_REMOTE_APP", hook.relation)]
    return "%s (%s)" % (hook.name, ", ".join(about)) if about else hook.name


class Surroundings(Protocol):
    """What applications and units ask of the model that they are in; a
    :class:`~charms_reactive.testing.Model` does it.
    """

    @property
    def units(self) -> Tuple[ModelUnit, ...]: ...

    @property
    def relations(self) -> Tuple[ModelRelation, ...]: ...

    def unit(self, name: Union[str, ModelUnit]) -> ModelUnit: ...

    def resolve(self, unit: Union[str, ModelUnit], *, retry: bool = True) -> None: ...

    def remove_application(self, application: Union[str, Application]) -> None: ...

    def _add_unit(self, application: Application, principal: Optional[ModelUnit]) -> ModelUnit: ...

    def _remove_unit(self, unit: ModelUnit, force: bool) -> None: ...

    def _lose(self, unit: ModelUnit) -> None: ...

    def _ahead(self, unit: ModelUnit) -> Tuple[str, ...]: ...

    def _refresh(self, application: Application, charm: Charm) -> None: ...

    def _run_action(
        self, unit: ModelUnit, action: str, parameters: Optional[Mapping[str, Any]]
    ) -> HookRun: ...

    def _attach_storage(self, unit: ModelUnit, name: str) -> str: ...

    def _detach_storage(self, application: Application, storage: str) -> None: ...


class ModelUnit:
    """A unit of an application in a :class:`~charms_reactive.testing.Model`.

    Attributes:
        name: for example ``db/0``.
        application: whose unit it is.
        principal: the unit beside which this subordinate lives; ``None`` for any other unit.
        simulated: the unit's :class:`~charms_reactive.testing.SimulatedUnit`, with its directory and its log.
        steps: the hooks that it has run.
        dying: whether it is being removed.
        lost: whether its machine is gone; see :meth:`lose`.
    """

    def __init__(
        self, application: Application, name: str, simulated: SimulatedUnit, principal: Optional[ModelUnit]
    ) -> None:
        self.application = application
        self.name = name
        self.simulated = simulated
        self.principal = principal
        self.steps: List[Step] = []
        self.dying = False
        self.lost = False
        self._agent = Agent(name)
        self._faults: List[Fault] = []
        self._failed: Optional[Step] = None
        self._retry = False
        self._storages: List[str] = []
        self._status_due = 0
        # What it was shown last of the data of a member, by relation and member.
        self._shown: Dict[Tuple[int, str], Dict[str, str]] = {}

    def __repr__(self) -> str:
        return "<unit %s: %s>" % (self.name, self.status)

    @property
    def leader(self) -> bool:
        """Whether it leads its application."""
        return self.application.leader is self

    @property
    def flags(self) -> FrozenSet[str]:
        """The flags that are set in its unit state."""
        return self.simulated.flags

    @property
    def status(self) -> Status:
        """As ``juju status`` shows it: ``error`` while a failed hook waits to be resolved."""
        if self.lost:
            return Status("unknown", "agent lost, see 'juju show-status-log %s'" % self.name)
        if self._failed is not None:
            return Status("error", 'hook failed: "%s"' % self._failed.name)
        return self.simulated.status

    @property
    def failed(self) -> Optional[Step]:
        """The hook that failed and waits to be resolved."""
        return self._failed

    @property
    def subordinates(self) -> Tuple[ModelUnit, ...]:
        """The subordinate units beside it."""
        return tuple(unit for unit in self.application.model.units if unit.principal is self)

    def relation_data(
        self, relation: Union[str, ModelRelation], whose: Optional[str] = None
    ) -> Dict[str, str]:
        """The data that a member of a relation has published in it.

        Args:
            relation: an endpoint of the unit's application if it has one relation, the id of one of several
                (``db:3``), or the relation itself.
            whose: name of a unit or application in the relation; by default this unit.

        Raises:
            CharmError: there is no such relation, or it has no such member.
        """
        found = self.application.relation(relation)
        member = whose or self.name
        if member not in found.data:
            raise CharmError("%r is not in relation %s: %s are" % (member, found, listed(found.data)))
        return dict(found.data[member])

    def run_action(self, action: str, parameters: Optional[Mapping[str, Any]] = None) -> HookRun:
        """Run an action now, between two hooks; the next :meth:`.Model.settle` passes on what it publishes.

        Raises:
            CharmError: the charm has no such action, or the unit is not installed or lost.
        """
        return self.application.model._run_action(self, action, parameters)

    def fail_next(
        self, hook: Optional[str] = None, when: str = "before", message: str = "made to fail"
    ) -> None:
        """Make the next run of a hook fail.

        Args:
            hook: its name; ``None`` for whichever hook comes next.
            when: ``before`` the charm is called, ``after`` its handlers have run and before the framework
                commits, or ``killed`` at that moment.
            message: of the failure.

        Raises:
            CharmError: there is no such moment.
        """
        self._faults.append(Fault(hook, when, message))

    def resolve(self, retry: bool = True) -> None:
        """See :meth:`Model.resolve <charms_reactive.testing.Model.resolve>`."""
        self.application.model.resolve(self, retry=retry)

    def lose(self) -> None:
        """Lose the unit's machine: its processes die at once, its hooks run no more.

        To the others it is still there, as in Juju, until it is removed with ``force=True``. Only leadership
        goes to another unit, when the lease has ended.
        """
        self.application.model._lose(self)

    def remove(self, force: bool = False) -> None:
        """See :meth:`Application.remove_unit`."""
        self.application.remove_unit(self, force=force)

    @property
    def pending(self) -> Tuple[str, ...]:
        """The hooks that are to run as far as can be told now, in order."""
        return self.application.model._ahead(self)


class Application:
    """An application in a :class:`~charms_reactive.testing.Model`.

    Attributes:
        model: in which it is.
        name: of the application.
        charm: which its units run.
        units: in the order of their numbers.
        dying: whether it is being removed.
    """

    def __init__(self, model: Surroundings, name: str, charm: Charm, resources: Mapping[str, str]) -> None:
        self.model = model
        self.name = name
        self.charm = charm
        self.resources = dict(resources)
        self.units: List[ModelUnit] = []
        self.dying = False
        self._options: Dict[str, Any] = {}
        self._config_version = 1
        self._charm_version = 1
        self._leader: Optional[str] = None
        self._leader_settings: Dict[str, str] = {}
        self._leader_settings_version = 1
        self._units_made = 0
        self._storage_counts: Dict[str, int] = {}
        self._status = Status("unknown")

    def __repr__(self) -> str:
        return "<application %s: %s>" % (self.name, ", ".join(unit.name for unit in self.units) or "no units")

    def __getitem__(self, number: int) -> ModelUnit:
        """The unit of this number: ``db[0]`` is ``db/0``."""
        return self.model.unit("%s/%d" % (self.name, number))

    def __iter__(self) -> Iterator[ModelUnit]:
        """The units, in the order of their numbers, as in :attr:`units`."""
        return iter(tuple(self.units))

    @property
    def subordinate(self) -> bool:
        """Whether its units live beside those of other applications."""
        return bool(self.charm.metadata.get("subordinate"))

    @property
    def leader(self) -> Optional[ModelUnit]:
        """The unit that leads; ``None`` if there is no unit that could."""
        return next((unit for unit in self.units if unit.name == self._leader), None)

    @property
    def leader_settings(self) -> Dict[str, str]:
        """What the leader has set by ``leader-set``."""
        return dict(self._leader_settings)

    @property
    def status(self) -> Status:
        """What the leader has set for the application; else, as Juju has it, the worst status of a unit."""
        if self._status.status != "unknown":
            return self._status
        return min((unit.status for unit in self.units), key=_severity, default=Status("unknown"))

    @property
    def config(self) -> Dict[str, Any]:
        """All options with their values; ``None`` where there is neither a value nor a default."""
        return {
            option: self._options.get(option, self.charm.default(option)) for option in self.charm.options
        }

    def configure(self, **options: Any) -> None:
        """Set options, as ``juju config`` does; ``None`` puts an option back to its default.

        Raises:
            CharmError: there is no such option, or the value is not of its type.
        """
        for option, value in options.items():
            if option not in self.charm.options or value is not None:
                self.charm.checked(option, value)
        before = self.config
        for option, value in options.items():
            if value is None:
                self._options.pop(option, None)
            else:
                self._options[option] = value
        if self.config != before:
            self._config_version += 1

    def add_unit(self, count: int = 1) -> ModelUnit:
        """Add units; the last of them.

        Raises:
            CharmError: the application is a subordinate, which has a unit for each principal, or is going.
        """
        if self.subordinate:
            raise CharmError(
                "%s is a subordinate: it gets a unit beside each unit it is related to" % self.name
            )
        if count < 1:
            raise CharmError("%d units cannot be added" % count)
        for _ in range(count):
            unit = self.model._add_unit(self, None)
        return unit

    def remove_unit(self, unit: Union[str, int, ModelUnit], force: bool = False) -> None:
        """Remove a unit: its hooks depart it from its relations, stop and remove it.

        Args:
            unit: which one, by name or number.
            force: whether it goes at once and without any hook of its own, as a lost machine has to.

        Raises:
            CharmError: the application has no such unit, or it is a subordinate.
        """
        self.model._remove_unit(self._unit(unit), force)

    def remove(self) -> None:
        """See :meth:`Model.remove_application <charms_reactive.testing.Model.remove_application>`."""
        self.model.remove_application(self)

    def refresh(self, charm: Union[str, os.PathLike[str], Charm]) -> None:
        """Give the units another revision of the charm, as ``juju refresh`` does.

        Raises:
            CharmError: it is another charm, or has no longer an endpoint that is related.
        """
        self.model._refresh(self, charm if isinstance(charm, Charm) else Charm(charm))

    def relation(self, which: Union[str, ModelRelation]) -> ModelRelation:
        """One of its relations: by endpoint, by id as its units know it, or itself.

        Raises:
            CharmError: there is none, or there are several.
        """
        mine = self.relations
        found = [
            one
            for one in mine
            if one is which or which in (one.id_for(self.name), one.end_of(self.name).endpoint.name)
        ]
        if len(found) != 1:
            there = listed(one.id_for(self.name) for one in mine)
            what = "several relations" if found else "no relation"
            raise CharmError("%s has %s %s; it has %s" % (self.name, what, which, there))
        return found[0]

    @property
    def relations(self) -> Tuple[ModelRelation, ...]:
        """Its relations, in the order in which they were made."""
        return tuple(
            one for one in self.model.relations if any(end.application == self.name for end in one.ends)
        )

    def attach_storage(self, unit: Union[str, int, ModelUnit], name: str) -> str:
        """Attach one more storage instance to a unit; its id.

        Raises:
            CharmError: the charm has no such storage, or not as many of it.
        """
        return self.model._attach_storage(self._unit(unit), name)

    def detach_storage(self, storage: str) -> None:
        """Detach a storage instance from its unit.

        Raises:
            CharmError: there is none of this id, or the charm cannot do without it.
        """
        self.model._detach_storage(self, storage)

    def _unit(self, unit: Union[str, int, ModelUnit]) -> ModelUnit:
        name = "%s/%d" % (self.name, unit) if isinstance(unit, int) else str(getattr(unit, "name", unit))
        for known in self.units:
            if known.name == name:
                return known
        raise CharmError(
            "%s has no unit %s; it has %s" % (self.name, name, listed(u.name for u in self.units))
        )


# Juju shows the first of these that any unit has.
_WORST_FIRST = ("error", "blocked", "maintenance", "waiting", "active", "unknown")


def _severity(status: Status) -> int:
    return _WORST_FIRST.index(status.status) if status.status in _WORST_FIRST else len(_WORST_FIRST)


def sorted_units(units: List[ModelUnit]) -> List[ModelUnit]:
    """Units in the order of their names and numbers."""
    return sorted(units, key=lambda unit: by_number(unit.name))


def charm_of(charm: Union[str, os.PathLike[str], Charm]) -> Charm:
    """A charm that was given as its directory or as such."""
    return charm if isinstance(charm, Charm) else Charm(Path(charm))
