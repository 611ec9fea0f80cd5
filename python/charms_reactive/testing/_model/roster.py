"""What there is in a simulated model, and how applications, units and relations come and go."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from pathlib import Path
from typing import Any, ContextManager, Dict, List, Optional, Tuple, Union

from charms_reactive.testing._unit import translation
from charms_reactive.testing._unit.charm import Charm, listed
from charms_reactive.testing._unit.simulated_unit import SimulatedUnit
from charms_reactive.testing.errors import CharmError

from . import model_storage
from .application import JUJU_INFO, Application, End, ModelRelation, ModelUnit, Step, sorted_units


class Roster:
    """The inventory of a model; :class:`~charms_reactive.testing.Model` documents the attributes."""

    applications: Dict[str, Application]
    cached_data: bool
    check: bool
    directory: Path
    engine: Optional[str]
    in_process: bool
    juju_version: str
    left_running: Dict[str, Tuple[int, ...]]
    name: str
    seed: int
    steps: List[Step]
    uuid: str
    _address: str
    _environment: Dict[str, str]
    _gone: List[ModelUnit]
    _python: Any
    _random: random.Random
    _relations: List[ModelRelation]
    _relations_made: int
    _secrets: Dict[str, Any]
    _storages_made: int
    _timeout: float

    @property
    def units(self) -> Tuple[ModelUnit, ...]:
        """All units, by application and number."""
        return tuple(sorted_units([unit for one in self.applications.values() for unit in one.units]))

    @property
    def relations(self) -> Tuple[ModelRelation, ...]:
        """All relations, in the order in which they were made."""
        return tuple(self._relations)

    def unit(self, name: Union[str, ModelUnit]) -> ModelUnit:
        """The unit of this name; ``db/leader`` is the one that leads.

        Raises:
            CharmError: there is none.
        """
        if isinstance(name, ModelUnit):
            return name
        application, _, number = name.partition("/")
        if number == "leader":
            leader = self._application(application).leader
            if leader is None:
                raise CharmError("%s has no leader" % application)
            return leader
        for unit in self.units:
            if unit.name == name:
                return unit
        raise CharmError(
            "there is no unit %s; there is %s" % (name, listed(unit.name for unit in self.units))
        )

    # -- applications and their endpoints -----------------------------------------------------
    def _application(self, name: str) -> Application:
        if name not in self.applications:
            raise CharmError("there is no application %r; there is %s" % (name, listed(self.applications)))
        return self.applications[name]

    def _ends(self, one: Union[str, Application]) -> List[End]:
        """The endpoints that are meant, but for peers."""
        text = one.name if isinstance(one, Application) else one
        name, colon, endpoint = text.partition(":")
        application = self._application(name)
        specs = application.charm.endpoints
        # Every application offers this to subordinates, declared or not; it runs no hooks of its own.
        implicit = {JUJU_INFO.name: JUJU_INFO, **specs}
        if colon and endpoint not in implicit:
            raise CharmError("%s has no endpoint %r; it has %s" % (name, endpoint, listed(specs)))
        if colon and implicit[endpoint].role == "peers":
            raise CharmError("%s is an endpoint for peers, which Juju relates by itself" % text)
        wanted = [implicit[endpoint]] if colon else list(implicit.values())
        return [End(name, spec) for spec in wanted if spec.role != "peers"]

    def _why_unrelated(self, one: Union[str, Application], other: Union[str, Application]) -> str:
        def described(ends: List[End]) -> str:
            return (
                ", ".join("%s (%s %s)" % (end, end.endpoint.role, end.endpoint.interface) for end in ends)
                or "nothing"
            )

        mine, theirs = self._ends(one), self._ends(other)
        mine, theirs = ([end for end in ends if end.endpoint is not JUJU_INFO] for ends in (mine, theirs))
        if len(mine) == len(theirs) == 1:
            first, second = mine[0].endpoint, theirs[0].endpoint
            if first.interface != second.interface:
                return "%s has the interface %r and %s has %r" % (
                    mine[0],
                    first.interface,
                    theirs[0],
                    second.interface,
                )
            return "%s and %s both are in %r; one has to require what the other provides" % (
                mine[0],
                theirs[0],
                first.role,
            )
        return "no endpoints go together: there is %s, and there is %s" % (described(mine), described(theirs))

    def _may_be_contained(self, one: End, other: End) -> bool:
        """Whether two ends go together as to their scope: ``container`` needs a subordinate."""
        ends = (one, other)
        container = any(end.endpoint.subordinate for end in ends)
        return not container or any(self.applications[end.application].subordinate for end in ends)

    def _between(
        self, one: Union[str, Application], other: Optional[Union[str, Application]]
    ) -> ModelRelation:
        if other is None:
            raise CharmError("a relation is between two applications: name both")
        names = [given.name if isinstance(given, Application) else given for given in (one, other)]
        for name in names:
            self._application(name.partition(":")[0])

        def fits(end: End, name: str) -> bool:
            return name in (end.application, str(end))

        found = [
            relation
            for relation in self._relations
            if any(
                fits(relation.ends[0], first) and fits(relation.ends[-1], second)
                for first, second in (names, names[::-1])
            )
        ]
        if len(found) != 1:
            what = "several relations" if found else "no relation"
            there = "; ".join(str(relation) for relation in self._relations) or "none"
            raise CharmError("there is %s between %s and %s; there is: %s" % (what, *names, there))
        return found[0]

    def _relate_peers(self, application: Application) -> None:
        related = {end.endpoint.name for one in application.relations for end in one.ends}
        for spec in application.charm.endpoints.values():
            if spec.role == "peers" and spec.name not in related:
                self._new_relation((End(application.name, spec),))

    def _new_relation(self, ends: Tuple[End, ...]) -> ModelRelation:
        relation = ModelRelation(self._relations_made, ends)
        self._relations_made += 1  # Juju never uses a number again.
        for end in ends:
            relation.data[end.application] = {}
            relation.versions[end.application] = 0
        self._relations.append(relation)
        return relation

    def _end_relation(self, relation: ModelRelation) -> None:
        relation.alive = False
        for name in list(relation.scope):
            if relation.implicit_for(name.partition("/")[0]):
                del relation.scope[name]
        if relation.container:
            for end in relation.ends:
                other = relation.other(end.application).application
                for unit in list(self.applications[end.application].units):
                    if unit.principal is not None and unit.principal.application.name == other:
                        self._remove_if_alone(unit, relation)
        self._drop_left(relation)

    def _remove_if_alone(self, unit: ModelUnit, without: ModelRelation) -> None:
        """Remove a subordinate unit that has no relation to its principal left."""
        for relation in unit.application.relations:
            other = relation.other(unit.application.name).application
            beside = unit.principal is not None and unit.principal.application.name == other
            if relation is not without and relation.alive and relation.container and beside:
                return
        self._remove_unit(unit, force=False)

    def _add_unit(self, application: Application, principal: Optional[ModelUnit]) -> ModelUnit:
        if application.dying:
            raise CharmError("%s is being removed" % application.name)
        name = "%s/%d" % (application.name, application._units_made)
        application._units_made += 1
        environment = dict(self._environment)
        if principal is not None:
            environment["JUJU_PRINCIPAL_UNIT"] = principal.name
        simulated = self._simulated(application, name, environment)
        unit = ModelUnit(application, name, simulated, principal)
        unit._agent.charm = application._charm_version
        application.units.append(unit)
        for storage, count in application._storage_counts.items():
            unit._storages += [self._new_storage(storage) for _ in range(count)]
        if application.leader is None:
            application._leader = unit.name
        return unit

    def _simulated(self, application: Application, name: str, environment: Dict[str, str]) -> SimulatedUnit:
        simulated = SimulatedUnit(
            application.charm,
            self.directory / name.replace("/", "-"),
            name=name,
            leader=False,
            environment=environment,
            python=self._python,
            model=self.name,
            address=self._address,
            resources=application.resources,
            timeout=self._timeout,
            in_process=self.in_process,
            juju_version=self.juju_version,
            engine=self.engine,
        )
        simulated.model_uuid = self.uuid
        return simulated

    def _remove_unit(self, unit: ModelUnit, force: bool) -> None:
        unit.dying = True
        for relation in unit.application.relations:
            if unit.name in relation.scope:
                relation.scope[unit.name] = False  # From now on the others see that it has left.
                if relation.implicit_for(unit.application.name):
                    del relation.scope[unit.name]
        for subordinate in unit.subordinates:
            self._remove_unit(subordinate, force)
        if force or (not unit._agent.installed and unit._failed is None):
            self._drop(unit)

    def _drop(self, unit: ModelUnit) -> None:
        """The unit is gone, and its machine with everything that ran there."""
        application = unit.application
        application.units.remove(unit)
        self._gone.append(unit)
        left = unit.simulated.end_processes()
        if left:
            self.left_running[unit.name] = left
        for relation in application.relations:
            relation.scope.pop(unit.name, None)
            self._drop_left(relation)
        if application._leader == unit.name:
            self._elect(application, without=None)
        if unit.principal is not None and unit.principal._agent.removed:
            self._drop_removed(unit.principal)
        self._drop_if_empty(application)

    def _drop_removed(self, unit: ModelUnit) -> None:
        """Juju keeps a principal until its subordinates are gone."""
        if not unit.subordinates and unit in unit.application.units:
            self._drop(unit)

    def _drop_left(self, relation: ModelRelation) -> None:
        """A relation that is being removed is gone when all its units have left it."""
        if not relation.alive and not relation.scope and relation in self._relations:
            self._relations.remove(relation)
            self._revoke(relation)
            for end in relation.ends:
                if end.application in self.applications:
                    self._drop_if_empty(self.applications[end.application])

    def _revoke(self, relation: ModelRelation) -> None:
        """What was granted for a relation ends with it."""
        for secret in self._secrets.values():
            owner = secret["owner"].partition("/")[0]
            if any(end.application == owner for end in relation.ends):
                identity = relation.id_for(owner)
                secret["access"] = [one for one in secret["access"] if one["relation"] != identity]

    def _drop_if_empty(self, application: Application) -> None:
        if (
            not application.dying
            or application.units
            or self.applications.get(application.name) is not application
        ):
            return
        if any(not relation.peer for relation in application.relations):
            return
        self._relations = [one for one in self._relations if one not in application.relations]
        del self.applications[application.name]
        for secret in [name for name, one in self._secrets.items() if one["owner"] == application.name]:
            del self._secrets[secret]

    def _elect(self, application: Application, without: Optional[str]) -> None:
        """Another unit leads; the rest hears of it through the leader settings, as long as Juju has these."""
        able = [unit for unit in application.units if not unit.lost and unit.name != without]
        able = [unit for unit in able if not unit.dying] or able
        application._leader = self._random.choice(able).name if able else None
        application._leader_settings_version += 1
        for unit in application.units:
            if not unit.leader:
                unit._agent.deposed()

    def _lose(self, unit: ModelUnit) -> None:
        unit.lost = True
        for number in unit.simulated.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        unit.simulated.end_processes()  # Waits until they are gone.
        for subordinate in unit.subordinates:
            self._lose(subordinate)
        if unit.leader:
            self._elect(unit.application, without=unit.name)

    def _refresh(self, application: Application, charm: Charm) -> None:
        if charm.name != application.charm.name:
            raise CharmError(
                "%s runs the charm %s, not %s" % (application.name, application.charm.name, charm.name)
            )
        for relation in application.relations:
            spec = relation.end_of(application.name).endpoint
            if charm.endpoints.get(spec.name) != spec:
                raise CharmError("the new charm would break relation %s" % relation)
        application._options = {
            option: value for option, value in application._options.items() if option in charm.options
        }
        application.charm = charm
        application._charm_version += 1
        self._relate_peers(application)

    def _new_storage(self, name: str) -> str:
        """The id of one more instance; Juju counts those of a model."""
        number = self._storages_made
        self._storages_made += 1
        return "%s/%d" % (name, number)

    def _attach_storage(self, unit: ModelUnit, name: str) -> str:
        there = sum(storage.partition("/")[0] == name for storage in unit._storages)
        model_storage.check_count(unit.application.charm, name, there + 1)
        unit._storages.append(self._new_storage(name))
        return unit._storages[-1]

    def _detach_storage(self, application: Application, storage: str) -> None:
        name = storage.partition("/")[0]
        for unit in application.units:
            if storage in unit._storages:
                there = sum(one.partition("/")[0] == name for one in unit._storages)
                model_storage.check_count(application.charm, name, there - 1)
                unit._storages.remove(storage)
                return
        known = listed(one for unit in application.units for one in unit._storages)
        raise CharmError("%s has no storage %s; it has %s" % (application.name, storage, known))

    # -- who is in a relation -----------------------------------------------------------------
    def _beside(self, name: str, unit: ModelUnit) -> bool:
        """Whether a unit is on the same machine as another."""
        other = self.unit(name)
        return (other.principal or other) is (unit.principal or unit)

    def _enter(self, unit: ModelUnit) -> None:
        """Once installed, a unit enters all relations of its application; the others see it there."""
        if not unit._agent.installed or unit.dying or unit.lost:
            return
        for relation in unit.application.relations:
            if unit.name in relation.scope or not relation.alive:
                continue
            other = relation.other(unit.application.name)
            if relation.container:
                if unit.principal is not None:
                    if not relation.peer and unit.principal.application.name != other.application:
                        continue
                elif self.applications[other.application].subordinate:
                    self._beside_principal(self.applications[other.application], unit)
            relation.versions[unit.name] = 1
            relation.scope[unit.name] = True
            if relation.implicit_for(unit.application.name):
                with juju_side(unit.simulated) as juju:
                    relation.data[unit.name] = translation.own_settings(juju)
                continue
            with juju_side(unit.simulated) as juju:
                juju["relations-made"] = relation.number  # One sequence of numbers for the whole model.
            identity = unit.simulated.add_relation(
                relation.end_of(unit.application.name).endpoint.name, other.application
            )
            relation.data[unit.name] = unit.simulated.relation_data(identity)

    def _beside_principal(self, application: Application, principal: ModelUnit) -> None:
        if not any(unit.principal is principal for unit in application.units):
            self._add_unit(application, principal)

    def _leave(self, unit: ModelUnit, identity: str) -> None:
        for relation in unit.application.relations:
            if relation.id_for(unit.application.name) == identity:
                relation.scope.pop(unit.name, None)
                with juju_side(unit.simulated) as juju:
                    juju["relations"].pop(identity, None)
                self._drop_left(relation)


def juju_side(unit: SimulatedUnit) -> ContextManager[Dict[str, Any]]:
    """What a unit's hook tools answer from, for a change."""
    return unit._change()
