"""What Juju's unit agent does next: which hook follows from what it has done and from what the model is now.

An :class:`Agent` remembers what its unit has been told. :meth:`Agent.next` compares that with a :class:`View`
of the model, so there is no queue of events: configuration that changes twice between two hooks is one
``config-changed``, data that change five times one ``relation-changed`` with the newest, and a unit that came
and went between two hooks was never there. The order is that of the agent of Juju 3 (its *uniter*).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from charms_reactive.testing.hooks import Hook


@dataclass(frozen=True)
class LinkView:
    """One relation as one unit's agent sees it.

    Attributes:
        number: of the relation, which is unique in the model.
        endpoint: the charm's own name of it.
        application: on the other side; among peers the unit's own.
        members: the remote units that are in it, with the version of the data of each.
        application_version: of the remote application's data; 0 as long as nobody has set any.
        alive: whether it is not being removed.
        peer: whether it is a peer relation.
    """

    number: int
    endpoint: str
    application: str
    members: Mapping[str, int] = field(default_factory=dict)
    application_version: int = 0
    alive: bool = True
    peer: bool = False

    @property
    def id(self) -> str:
        """As hook tools call it, for example ``db:0``."""
        return "%s:%d" % (self.endpoint, self.number)


@dataclass(frozen=True)
class View:
    """The model as one unit's agent sees it. Versions are numbers that grow with each change.

    Attributes:
        dying: whether the unit is being removed.
        application_dying: whether its application is.
        leader: whether it leads.
        leader_settings: their version; ``None`` where Juju has none any more.
        config: version of the configuration.
        charm: version of the charm.
        status: how often the time for ``update-status`` has come.
        storages: ids of the storage that is to be attached, in order.
        links: the relations of its application.
        secrets: the newest revision of each secret that the unit reads, where it has not seen that one yet.
    """

    dying: bool = False
    application_dying: bool = False
    leader: bool = False
    leader_settings: Optional[int] = 1
    config: int = 1
    charm: int = 1
    status: int = 0
    storages: Tuple[str, ...] = ()
    links: Tuple[LinkView, ...] = ()
    secrets: Mapping[str, int] = field(default_factory=dict)


#: Takes one of several things that Juju does in no particular order.
Choose = Callable[[Sequence[Hook]], Hook]


def first(hooks: Sequence[Hook]) -> Hook:
    """The first of several."""
    return hooks[0]


@dataclass
class Agent:
    """What a unit's agent has done so far.

    Args:
        name: of the unit.

    Attributes:
        installed: whether ``install`` has run; likewise ``started``, ``stopped`` and ``removed``.
        leader: whether ``leader-elected`` was the last it heard of leadership.
        members: of each relation, the units that have joined, with the version of their data last seen.
    """

    name: str
    installed: bool = False
    started: bool = False
    stopped: bool = False
    removed: bool = False
    leader: bool = False
    leader_settings: int = 0
    config: int = 0
    charm: int = 1
    status: int = 0
    storages: Set[str] = field(default_factory=set)
    created: Set[int] = field(default_factory=set)
    members: Dict[int, Dict[str, int]] = field(default_factory=dict)
    changed_pending: Dict[int, str] = field(default_factory=dict)
    applications: Dict[int, int] = field(default_factory=dict)
    secrets: Dict[str, int] = field(default_factory=dict)

    def copy(self) -> Agent:
        """An agent that has done the same, for looking ahead."""
        twin = Agent(**vars(self))
        for name in ("storages", "created", "changed_pending", "applications", "secrets"):
            setattr(twin, name, getattr(self, name).copy())
        twin.members = {number: dict(members) for number, members in self.members.items()}
        return twin

    def next(self, view: View, choose: Choose = first) -> Optional[Hook]:
        """The hook that is to run now; ``None`` if there is nothing left to do.

        Args:
            view: the model as it is.
            choose: among hooks of different relations, whose order Juju leaves open.
        """
        if self.removed or (view.dying and not self.installed):
            return None
        if view.dying:
            return self._storage(view) or self._relation(view, choose) or self._end()
        return (
            (self._storage(view) if not self.installed else None)
            or self._life(view, choose)
            or self._storage(view)
            or self._relation(view, choose)
            or self._secret(view)
            or (Hook("update-status") if self.status != view.status else None)
        )

    def ahead(self, view: View, limit: int = 200) -> List[Hook]:
        """All hooks that would run one after the other if nothing else changed."""
        twin = self.copy()
        found: List[Hook] = []
        hook = twin.next(view)
        while hook is not None and len(found) < limit:
            found.append(hook)
            twin.done(hook, view)
            hook = twin.next(view)
        return found

    def done(self, hook: Hook, view: View) -> None:
        """Take note that a hook has run, or was skipped."""
        relation, storage = hook.relation_event, hook.storage_event
        if relation is not None:
            link = next(link for link in view.links if link.id == hook.relation)
            self._done_relation(link, relation[1], hook.unit)
        elif storage is not None and hook.storage is not None:
            (self.storages.add if storage[1] == "attached" else self.storages.discard)(hook.storage)
        elif hook.name == "install":
            # A charm that is new to the unit is no upgrade.
            self.installed, self.charm = True, view.charm
        elif hook.name == "upgrade-charm":
            # Juju lets config-changed follow it, whether the configuration changed or not.
            self.charm, self.config = view.charm, 0
        elif hook.name == "leader-elected":
            self.leader = True
        elif hook.name == "leader-settings-changed":
            self.leader_settings = view.leader_settings or 0
        elif hook.name == "secret-changed" and hook.secret is not None:
            self.secrets[hook.secret] = view.secrets.get(hook.secret, 0)
        elif hook.name in _ENDS:
            setattr(self, _ENDS[hook.name], True)
        elif hook.name == "config-changed":
            self.config = view.config
        elif hook.name == "update-status":
            self.status = view.status

    # -- inside -------------------------------------------------------------------------------
    def _life(self, view: View, choose: Choose) -> Optional[Hook]:
        if not self.installed:
            return Hook("install")
        if self.charm != view.charm:
            return Hook("upgrade-charm")
        new = [link for link in view.links if link.alive and link.number not in self.created]
        if new:
            return choose([_about(link, "created") for link in new])
        if view.leader and not self.leader:
            return Hook("leader-elected")
        settings = view.leader_settings
        if not view.leader and settings is not None and self.leader_settings != settings:
            return Hook("leader-settings-changed")
        if self.config != view.config:
            return Hook("config-changed")
        return None if self.started else Hook("start")

    def _end(self) -> Optional[Hook]:
        if self.started and not self.stopped:
            return Hook("stop")
        return Hook("remove")

    def _storage(self, view: View) -> Optional[Hook]:
        wanted = () if view.dying else view.storages
        for storage in sorted(self.storages - set(wanted)):
            return Hook("%s-storage-detaching" % storage.partition("/")[0], storage=storage)
        for storage in wanted:
            if storage not in self.storages:
                return Hook("%s-storage-attached" % storage.partition("/")[0], storage=storage)
        return None

    def _secret(self, view: View) -> Optional[Hook]:
        for secret, revision in sorted(view.secrets.items()):
            if self.secrets.get(secret, revision) != revision:
                return Hook("secret-changed", secret=secret)
        return None

    def _relation(self, view: View, choose: Choose) -> Optional[Hook]:
        found = []
        for link in view.links:
            # Until relation-created there is nothing to depart from and nothing to break.
            hook = self._of(link, view) if link.number in self.created else None
            if hook is not None:
                found.append(hook)
        return choose(found) if found else None

    def _of(self, link: LinkView, view: View) -> Optional[Hook]:
        known = self.members.get(link.number, {})
        pending = self.changed_pending.get(link.number)
        if pending is not None:
            return _about(link, "changed", pending)
        broken = view.dying or not link.alive
        there: Mapping[str, int] = {} if broken else link.members
        for unit in _in_order(known):
            if unit not in there:
                leaving = view.dying or view.application_dying
                return _about(link, "departed", unit, departing=self.name if leaving else unit)
        if broken:
            # Peers cannot be without each other: that relation is never broken.
            return None if link.peer else _about(link, "broken")
        if link.application_version != self.applications.get(link.number, 0):
            return _about(link, "changed")
        for unit in _in_order(there):
            if unit not in known:
                return _about(link, "joined", unit)
        for unit in _in_order(there):
            if known[unit] != there[unit]:
                return _about(link, "changed", unit)
        return None

    def _done_relation(self, link: LinkView, event: str, unit: Optional[str]) -> None:
        known = self.members.setdefault(link.number, {})
        if event == "created":
            self.created.add(link.number)
        elif event == "broken":
            self.forget(link.number)
        elif unit is None:
            self.applications[link.number] = link.application_version
        elif event == "joined":
            known[unit] = link.members.get(unit, 0)
            self.changed_pending[link.number] = unit
        elif event == "changed":
            if self.changed_pending.get(link.number) == unit:
                del self.changed_pending[link.number]
            known[unit] = link.members.get(unit, known.get(unit, 0))
        elif event == "departed":
            known.pop(unit, None)

    def deposed(self) -> None:
        """Lead no longer; Juju runs no hook for that."""
        self.leader = False

    def forget(self, number: int) -> None:
        """Let go of a relation that there is no more."""
        self.created.discard(number)
        for table in (self.members, self.changed_pending, self.applications):
            table.pop(number, None)


_ENDS = {"start": "started", "stop": "stopped", "remove": "removed"}


def _about(link: LinkView, event: str, unit: Optional[str] = None, departing: str = "") -> Hook:
    environment = {"JUJU_REMOTE_APP": link.application}
    if departing:
        environment["JUJU_DEPARTING_UNIT"] = departing
    return Hook("%s-relation-%s" % (link.endpoint, event), link.id, unit, environment=environment)


def by_number(unit: str) -> Tuple[str, int]:
    """Orders units as people do: ``db/10`` after ``db/9``."""
    application, _, number = unit.partition("/")
    return application, int(number) if number.isdigit() else 0


def _in_order(units: Mapping[str, int]) -> List[str]:
    return sorted(units, key=by_number)
