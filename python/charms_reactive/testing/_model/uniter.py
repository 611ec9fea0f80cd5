"""What Juju's unit agent does next: which hook follows from what it has done and from what the model is now.

An :class:`Agent` remembers what its unit has been told. :meth:`Agent.next` compares that with a :class:`View`
of the model, so there is no queue of events: configuration that changes twice between two hooks is one
``config-changed``, data that change five times one ``relation-changed`` with the newest, and a unit that came
and went between two hooks was never there.

The order is :data:`TABLE`: the first of its rows that has a hook to run is what the agent does. It was read
in juju/juju, internal/worker/uniter: ``resolver.go`` (2365bb25), and those of relations (12baae6d), storage
(285cce7f), secrets (169551b1) and leadership (2365bb25) beside it; what follows at once upon another hook,
in ``operation/runhook.go`` (10a68261).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

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
        labels: what the unit calls these secrets.
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
    labels: Mapping[str, str] = field(default_factory=dict)


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
        queued: a hook that follows at once, whatever else there is to do.
        rebooted: whether the machine has rebooted since the last ``start``.
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
    queued: Optional[Hook] = None
    rebooted: bool = False

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
            choose: among hooks of different relations, storages or secrets, whose order Juju leaves open.
        """
        at = At(self, view)
        for row in TABLE:
            found = row.hooks(at) if row.when(at) else ()
            if found:
                one = len(found) == 1 and not row.open
                return found[0] if one else choose([hook for hook in found if hook is not None])
        return None

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
        self.queued = None
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
            self.charm, self.queued = view.charm, Hook("config-changed")
        elif hook.name == "leader-elected":
            self.leader = True
        elif hook.name == "leader-settings-changed":
            self.leader_settings = view.leader_settings or 0
        elif hook.name == "secret-changed" and hook.secret is not None:
            self.secrets[hook.secret] = view.secrets.get(hook.secret, 0)
        elif hook.name in _ENDS:
            setattr(self, _ENDS[hook.name], True)
            self.rebooted = False
        elif hook.name == "config-changed":
            self.config = view.config
            if not self.started:
                self.queued = Hook("start")
        elif hook.name == "update-status":
            self.status = view.status

    # -- inside -------------------------------------------------------------------------------
    def _new_relations(self, view: View) -> List[Hook]:
        new = [link for link in view.links if link.alive and link.number not in self.created]
        return [_about(link, "created") for link in new]

    def _storage(self, view: View) -> List[Hook]:
        wanted = () if view.dying else view.storages
        gone = [(storage, "detaching") for storage in sorted(self.storages - set(wanted))]
        new = [(storage, "attached") for storage in wanted if storage not in self.storages]
        return [
            Hook("%s-storage-%s" % (storage.partition("/")[0], event), storage=storage)
            for storage, event in gone + new
        ]

    def _secrets(self, view: View) -> List[Hook]:
        return [
            Hook("secret-changed", secret=secret, label=view.labels.get(secret, ""))
            for secret, revision in sorted(view.secrets.items())
            if self.secrets.get(secret, revision) != revision
        ]

    def _relations(self, view: View) -> List[Hook]:
        # Until relation-created there is nothing to depart from and nothing to break.
        found = [self._of(link, view) for link in view.links if link.number in self.created]
        return [hook for hook in found if hook is not None]

    def _of(self, link: LinkView, view: View) -> Optional[Hook]:
        known = self.members.get(link.number, {})
        pending = self.changed_pending.get(link.number)
        if pending is not None:
            return _about(link, "changed", pending)
        broken = view.dying or not link.alive
        there: Mapping[str, int] = {} if broken else link.members
        for unit in sorted(known):
            if unit not in there:
                leaving = view.dying or view.application_dying
                return _about(link, "departed", unit, departing=self.name if leaving else unit)
        if broken:
            # Peers cannot be without each other: that relation is never broken.
            return None if link.peer else _about(link, "broken")
        if link.application_version != self.applications.get(link.number, 0):
            return _about(link, "changed")
        for unit in sorted(there):
            if unit not in known:
                return _about(link, "joined", unit)
        for unit in sorted(there):
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


class At(NamedTuple):
    """Where an agent is: what it has done, and what the model is; Juju's local and remote state."""

    local: Agent
    remote: View

    @property
    def idle(self) -> bool:
        """Whether nothing follows at once."""
        return self.local.queued is None

    @property
    def lives(self) -> bool:
        """Whether the unit is installed, is not being removed, and the agent is idle."""
        return self.local.installed and not self.remote.dying and self.idle


class Row(NamedTuple):
    """One row of the table.

    Attributes:
        name: of what Juju resolves there.
        when: whether the row is looked at.
        hooks: those of which one is to run; none if the row has nothing to do.
        open: whether a single one is drawn like several; that of relations always was.
    """

    name: str
    when: Callable[[At], bool]
    hooks: Callable[[At], Sequence[Optional[Hook]]]
    open: bool = False


def _has_new_settings(at: At) -> bool:
    version = at.remote.leader_settings
    return at.lives and not at.remote.leader and version is not None and at.local.leader_settings != version


def _only(name: str) -> Callable[[At], Sequence[Optional[Hook]]]:
    return lambda _: [Hook(name)]


#: From the local state and the remote state to the next operation: that of the first row that has one.
#: ``None`` is that there is nothing left to do.
TABLE: Tuple[Row, ...] = (
    Row(
        "gone", lambda at: at.local.removed or (at.remote.dying and not at.local.installed), lambda _: [None]
    ),
    Row("reboot", lambda at: at.local.rebooted and at.local.started and at.idle, _only("start")),
    Row("new relations", lambda at: at.lives, lambda at: at.local._new_relations(at.remote), open=True),
    Row("leader", lambda at: at.lives and at.remote.leader and not at.local.leader, _only("leader-elected")),
    Row("leader settings", _has_new_settings, _only("leader-settings-changed")),
    Row("secrets", lambda at: at.lives, lambda at: at.local._secrets(at.remote)),
    # Before install as well, which waits for what it may need.
    Row("storage", lambda at: at.idle, lambda at: at.local._storage(at.remote)),
    Row("queued", lambda at: not at.idle, lambda at: [at.local.queued]),
    Row("dying: relations", lambda at: at.remote.dying, lambda at: at.local._relations(at.remote), open=True),
    Row(
        "dying: stop", lambda at: at.remote.dying and at.local.started and not at.local.stopped, _only("stop")
    ),
    Row("dying: remove", lambda at: at.remote.dying, _only("remove")),
    Row("install", lambda at: not at.local.installed and not at.local.started, _only("install")),
    Row("charm", lambda at: at.local.charm != at.remote.charm, _only("upgrade-charm")),
    Row("configuration", lambda at: at.local.config != at.remote.config, _only("config-changed")),
    Row("relations", lambda _: True, lambda at: at.local._relations(at.remote), open=True),
    Row("status", lambda at: at.local.status != at.remote.status, _only("update-status")),
)


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
