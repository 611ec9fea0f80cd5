"""How the hooks of a simulated model run: what a unit is told before, and what the model hears after it."""

from __future__ import annotations

import contextlib
import copy
from typing import Any, Dict, List, Mapping, Optional, Tuple

from charms_reactive.testing._unit import consistency, translation
from charms_reactive.testing._unit.run import HookRun
from charms_reactive.testing.errors import CharmError
from charms_reactive.testing.hooks import Hook, after_juju_3

from . import model_storage
from .application import ModelRelation, ModelUnit, Step, shown
from .fault import Fault, hook_file, planted
from .roster import Roster, juju_side
from .uniter import LinkView, View


class Running(Roster):
    """A model whose units take their turns; its attributes are those of :class:`Model`."""

    steps: List[Step]
    # What each hook has changed for others, for telling why a model never settles.
    _changes: List[Tuple[str, ...]]

    def _ready(self, unit: ModelUnit) -> bool:
        if unit.lost:
            return False
        if unit._failed is not None:
            return unit._retry
        return unit._agent.copy().next(self._view(unit)) is not None

    def _next(self, unit: ModelUnit) -> Hook:
        if unit._failed is not None:
            return unit._failed.hook
        hook = unit._agent.next(self._view(unit), self._random.choice)
        assert hook is not None, "only units that have something to do take a turn"
        return hook

    def _ahead(self, unit: ModelUnit) -> Tuple[str, ...]:
        if unit.lost:
            return ()
        hooks = unit._agent.ahead(self._view(unit))
        if unit._failed is not None:
            if not unit._retry:
                return ()
            hooks = [unit._failed.hook, *hooks]
        return tuple(shown(hook) for hook in hooks if hook_file(unit.simulated.charm_dir, hook.name))

    def _view(self, unit: ModelUnit) -> View:
        application = unit.application
        modern = after_juju_3(self.juju_version)
        return View(
            dying=unit.dying,
            application_dying=application.dying,
            leader=unit.leader,
            leader_settings=None if modern else application._leader_settings_version,
            config=application._config_version,
            charm=application._charm_version,
            status=unit._status_due,
            storages=tuple(unit._storages),
            links=tuple(
                self._link_view(relation, unit)
                for relation in application.relations
                if not relation.implicit_for(application.name)
                if unit.name in relation.scope or (not unit._agent.installed and relation.alive)
                # One that another revision of the charm has brought waits for that.
                if relation.end_of(application.name).endpoint.name in unit.simulated.charm.endpoints
            ),
            secrets={
                secret: known["latest"]
                for secret, known in self._secrets.items()
                if known["consumers"].get(unit.name, {}).get("revision", known["latest"]) != known["latest"]
            },
            labels={
                secret: known["consumers"][unit.name]["label"]
                for secret, known in self._secrets.items()
                if unit.name in known["consumers"]
            },
        )

    def _link_view(self, relation: ModelRelation, unit: ModelUnit) -> LinkView:
        mine, other = relation.end_of(unit.application.name), relation.other(unit.application.name)
        members = {
            name: relation.versions[name]
            for name, there in relation.scope.items()
            if there and name != unit.name and name.partition("/")[0] == other.application
        }
        if relation.container:
            members = {name: version for name, version in members.items() if self._beside(name, unit)}
        return LinkView(
            relation.number,
            mine.endpoint.name,
            other.application,
            members,
            relation.versions[other.application],
            relation.alive,
            relation.peer,
        )

    def _note(self, unit: ModelUnit, hook: Hook) -> None:
        """A hook is done with, so the agent goes on from there."""
        unit._agent.done(hook, self._view(unit))
        about = hook.relation_event
        if hook.name == "install":
            self._enter(unit)
        elif about is not None and about[1] == "broken":
            self._leave(unit, str(hook.relation))
        if unit.dying and unit._agent.removed:
            self._drop_removed(unit)
        elif not unit.dying:
            self._enter(unit)

    def _run(self, unit: ModelUnit, hook: Hook) -> Step:
        if hook.name == "upgrade-charm":
            unit.simulated.refresh(unit.application.charm)
        self._tell(unit, hook)
        environment = dict(hook.environment)
        if hook.relation is not None:
            environment["JUJU_RELATION_ID"] = hook.relation
        if hook.unit is not None:
            environment["JUJU_REMOTE_UNIT"] = hook.unit
        environment.update(translation.variables(hook, unit.simulated.side.read()))
        if self.check:
            state = unit.simulated.dump()
            consistency.check(unit.application.charm, state, hook, unit.name, self.juju_version)
        fault = self._fault(unit, hook)
        with contextlib.ExitStack() as stack:
            if fault is not None:
                in_process = self.in_process
                stack.enter_context(planted(fault, unit.simulated.charm_dir, hook.name, in_process))
            run = unit.simulated.run(hook.name, **environment)
        if fault is not None and run.succeeded:
            raise CharmError(
                "%s of %s was to fail %s, and did not: it never came to that moment"
                % (hook.name, unit.name, fault.when)
            )
        step = Step(unit.name, hook, run)
        self.steps.append(step)
        unit.steps.append(step)
        unit._retry = False
        again = run.reboot == "now"
        unit._failed = None if run.succeeded or again else step
        self._hear(unit, shown(hook))
        if run.succeeded and not again:
            self._note(unit, hook)
        if run.reboot:
            # Nothing survives it, the hook that asked for it --now is run again, and start tells the charm.
            unit.simulated.end_processes()
            unit._agent.rebooted = True
            unit._agent.queued = hook if again else unit._agent.queued
        return step

    def _run_action(self, unit: ModelUnit, action: str, parameters: Optional[Mapping[str, Any]]) -> HookRun:
        if unit.lost or not unit._agent.installed:
            raise CharmError(
                "unit %s runs no action: it is %s" % (unit.name, "lost" if unit.lost else "not installed")
            )
        self._tell(unit, None)
        run = unit.simulated.run_action(action, parameters)
        self._hear(unit, "action %s" % action)
        return run

    def _fault(self, unit: ModelUnit, hook: Hook) -> Optional[Fault]:
        for fault in unit._faults:
            if fault.hook in (None, hook.name):
                unit._faults.remove(fault)
                return fault
        return None

    def _tell(self, unit: ModelUnit, hook: Optional[Hook]) -> None:
        """Bring the unit's Juju side up to date: what its hook tools are to answer."""
        application = unit.application
        event = (hook.relation_event or ("", ""))[1] if hook is not None else ""
        with juju_side(unit.simulated) as juju:
            juju["config"] = application.config
            juju["leader"] = unit.leader
            juju["leader-settings"] = application.leader_settings
            juju["status"]["application"] = {
                "status": application._status.status,
                "message": application._status.message,
            }
            juju["model"] = {**juju["model"], "name": self.name, "uuid": self.uuid}
            juju["goal"] = self._goal()
            juju["unit-statuses"] = {
                other.name: {"status": other.status.status, "message": other.status.message}
                for other in application.units
                if other is not unit
            }
            # The hook tools know who may read which.
            juju["secrets"] = copy.deepcopy(self._secrets)
            model_storage.tell(juju, unit, hook)
            for relation in application.relations:
                known = juju["relations"].get(relation.id_for(application.name))
                if known is None:
                    continue
                there = list(unit._agent.members.get(relation.number, {}))
                departing = []
                if hook is not None and hook.relation == relation.id_for(application.name) and hook.unit:
                    if event == "departed":
                        departing = [hook.unit]
                    elif hook.unit not in there:
                        there.append(hook.unit)
                other = relation.other(application.name).application
                about = None if hook is None or hook.relation != relation.id_for(application.name) else hook
                known["units"] = {
                    name: self._data(unit, relation, name, about) for name in there if name not in departing
                }
                known["departing"] = {name: dict(relation.data.get(name, {})) for name in departing}
                known["departed"] = {
                    name: dict(data)
                    for name, data in relation.data.items()
                    if name.partition("/")[0] == relation.other(application.name).application
                    if "/" in name and name not in (*there, *departing, unit.name)
                }
                known["remote-application"] = self._data(unit, relation, other, about)
                known["local-unit"] = dict(relation.data[unit.name])
                known["local-application"] = dict(relation.data[application.name])

    def _data(
        self, unit: ModelUnit, relation: ModelRelation, member: str, about: Optional[Hook]
    ) -> Dict[str, str]:
        """What a unit is shown of a member's data: the newest, or those of the member's own last hook.

        Juju's agent keeps what it has read until a hook is about that member; see runner/context/cache.go
        (e8cfbfdd) in its uniter. Read there, and not seen on a unit.
        """
        newest = dict(relation.data[member])
        if not self.cached_data:
            return newest
        told = about is not None and (about.unit or about.environment.get("JUJU_REMOTE_APP")) == member
        if told or (relation.number, member) not in unit._shown:
            unit._shown[relation.number, member] = newest
        return dict(unit._shown[relation.number, member])

    def _goal(self) -> Dict[str, str]:
        """What Juju is about to do with units that are not simply there."""
        return {
            unit.name: "dying" if unit.dying else "waiting"
            for unit in self.units
            if unit.dying or not unit._agent.started
        }

    def _hear(self, unit: ModelUnit, what: str) -> None:
        """Take what the hook has published to the model, where the others see it."""
        application = unit.application
        changes = []
        with juju_side(unit.simulated) as juju:
            for relation in application.relations:
                known = juju["relations"].get(relation.id_for(application.name))
                if known is None:
                    continue
                bags = [(unit.name, known["local-unit"])]
                if unit.leader:
                    bags.append((application.name, known["local-application"]))
                for whose, bag in bags:
                    keys = _different(relation.data[whose], bag)
                    if keys:
                        relation.data[whose] = dict(bag)
                        relation.versions[whose] += 1
                        if relation.peer and whose == application.name:
                            # Its own writing is no news to the leader.
                            unit._agent.applications[relation.number] = relation.versions[whose]
                        changes += ["%s in %s of %s" % (key, relation, whose) for key in keys]
            if unit.leader:
                settings = juju["leader-settings"]
                keys = _different(application._leader_settings, settings)
                if keys:
                    application._leader_settings = dict(settings)
                    application._leader_settings_version += 1
                    changes += ["%s in the leader settings of %s" % (key, application.name) for key in keys]
            if juju["secrets"] != self._secrets:
                changes += ["secret %s" % secret for secret in _different(self._secrets, juju["secrets"])]
                self._secrets = copy.deepcopy(juju["secrets"])
            requested, juju["storage-requested"] = juju["storage-requested"], {}
        for secret, known in self._secrets.items():
            tracked = known["consumers"].get(unit.name)
            if tracked is not None:
                unit._agent.secrets.setdefault(secret, tracked["revision"])
        for name, count in requested.items():
            for _ in range(count):
                self._attach_storage(unit, name)
        if unit.leader:
            application._status = unit.simulated.application_status
        self._changes.append((unit.name + " " + what, *changes))


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> List[str]:
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
