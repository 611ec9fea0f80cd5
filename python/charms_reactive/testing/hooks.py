"""The hooks that Juju runs: their names, what they are about, and what they find in their environment."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Dict, FrozenSet, List, Mapping, Optional, Tuple

from charms_reactive._juju.hook_names import (
    RELATION_EVENTS,
    STORAGE_EVENTS,
    UNIT_HOOKS,
    UNTIL_JUJU_3,
    WORKLOAD_EVENTS,
)
from charms_reactive.testing.hooktools.juju_side import numbers

from ._unit.charm import Charm
from ._unit.state import Frozen, Relation, Secret, State
from .errors import CharmError

#: Those that Juju has not always had, by what is in their names, with the version that has them first.
SINCE = {
    "pebble-check-": (3, 6),
    "pebble-custom-notice": (3, 4),
    "secret-changed": (3,),
    "secret-expired": (3,),
    "secret-remove": (3,),
    "secret-rotate": (3,),
}


@dataclass(frozen=True)
class Hook:
    """One hook, and what it is about.

    Args:
        name: of the hook, for example ``db-relation-changed``.
        relation: the id of the relation (``db:0``), or its endpoint if that has one relation only. Not
            needed if the hook's name tells.
        unit: the remote unit, by name; needed if the relation has several. The name of the remote
            application stands for a ``changed`` that is about the application's data.
        storage: the id of the storage (``data/0``).
        secret: the id or label of the secret.
        revision: of the secret, for ``secret-expired`` and ``secret-remove``.
        label: of the secret, as the unit knows it: by default what it has called it itself, or of a secret of
            its own that one's label.
        environment: more environment variables.
    """

    name: str
    relation: Optional[str] = None
    unit: Optional[str] = None
    storage: Optional[str] = None
    secret: Optional[str] = None
    revision: Optional[int] = None
    label: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "environment", Frozen(self.environment))

    @property
    def relation_event(self) -> Optional[Tuple[str, str]]:
        """Endpoint and event of a relation hook; ``None`` for any other."""
        endpoint, found, event = self.name.rpartition("-relation-")
        return (endpoint, event) if found and event in RELATION_EVENTS else None

    @property
    def storage_event(self) -> Optional[Tuple[str, str]]:
        """Storage name and event of a storage hook; ``None`` for any other."""
        name, found, event = self.name.rpartition("-storage-")
        return (name, event) if found and event in STORAGE_EVENTS else None

    @property
    def workload_event(self) -> Optional[Tuple[str, str]]:
        """Container and event of a workload hook; ``None`` for any other."""
        for event in WORKLOAD_EVENTS:
            if self.name.endswith("-" + event):
                return self.name[: -len(event) - 1], event
        return None


def after_juju_3(juju_version: str) -> bool:
    """Whether this Juju has left behind what :data:`UNTIL_JUJU_3` and leader settings stand for."""
    return int(juju_version.partition(".")[0]) >= 4


def known_hooks(charm: Charm, juju_version: str) -> FrozenSet[str]:
    """Every hook that Juju of this version may run for this charm."""
    names = set(_unit_hooks(juju_version))
    names.update("%s-relation-%s" % (name, event) for name in charm.endpoints for event in RELATION_EVENTS)
    storages = charm.metadata.get("storage") or {}
    names.update("%s-storage-%s" % (name, event) for name in storages for event in STORAGE_EVENTS)
    containers = charm.metadata.get("containers") or {}
    events = [event for event in WORKLOAD_EVENTS if _runs(event, juju_version)]
    names.update("%s-%s" % (name, event) for name in containers for event in events)
    return frozenset(names)


@functools.lru_cache(maxsize=None)
def _unit_hooks(juju_version: str) -> FrozenSet[str]:
    """The hooks that every charm may have."""
    return frozenset([name for name in UNIT_HOOKS if _runs(name, juju_version)])


def _runs(name: str, juju_version: str) -> bool:
    """Whether a version of Juju has a hook, or an event of a workload."""
    if name in UNTIL_JUJU_3:
        return not after_juju_3(juju_version)
    since = [version for part, version in SINCE.items() if name.startswith(part)]
    return not since or numbers(juju_version) >= since[0]


def complete(hook: Hook, charm: Charm, state: State, juju_version: str, unit: str = "") -> Hook:
    """The hook with what follows from its name and the state filled in.

    Args:
        hook: to be completed.
        charm: whose hook it is.
        state: of the unit.
        juju_version: for example ``3.6.0``.
        unit: the name of the unit, whose label for a secret is not its owner's.

    Raises:
        CharmError: there is no such hook, or it is not clear what it is about.
    """
    known = known_hooks(charm, juju_version)
    if hook.name not in known:
        raise CharmError(_unknown(hook.name, known, charm, juju_version))
    values: Dict[str, Optional[str]] = {}
    about = hook.relation_event
    if about is not None:
        endpoint, event = about
        if hook.relation is None and not any(one.endpoint == endpoint for one in state.relations):
            raise CharmError(
                "%s needs a relation, and nothing is related on %s: give the state one, such as "
                'relations=[Relation("%s", "other", [0])]' % (hook.name, endpoint, endpoint)
            )
        relation = state.relation(hook.relation or endpoint)
        if relation.endpoint != endpoint:
            raise CharmError("%s is no hook of relation %s" % (hook.name, relation.id))
        values["relation"] = relation.id
        about_a_unit = event in ("joined", "departed") or (event == "changed" and relation.units)
        if hook.unit is None and about_a_unit:
            values["unit"] = _only_unit(hook.name, relation, event)
        elif hook.unit == relation.application and event == "changed":
            values["unit"] = None
    storage = hook.storage_event
    if storage is not None:
        found = [one.id for one in state.storages if one.name == storage[0]]
        wanted = hook.storage or (found[0] if len(found) == 1 else "")
        if wanted not in found:
            raise CharmError(
                "%s needs one of the attached storages; attached are: %s" % (hook.name, _or_none(found))
            )
        values["storage"] = wanted
    if hook.name.startswith("secret-"):
        secret = _secret(hook, state)
        values["secret"] = secret.id
        values["label"] = hook.label or _label(secret, unit)
    if not values:
        return hook
    return Hook(
        hook.name,
        relation=values.get("relation") or hook.relation,
        unit=values.get("unit", hook.unit),
        storage=values.get("storage") or hook.storage,
        secret=values.get("secret") or hook.secret,
        revision=hook.revision,
        label=values.get("label") or hook.label,
        environment=hook.environment,
    )


def _only_unit(name: str, relation: Relation, event: str) -> str:
    there = list(relation.units) + (list(relation.departing) if event == "departed" else [])
    if len(there) != 1:
        raise CharmError("%s needs one of the relation's units: %s" % (name, _or_none(there)))
    return there[0]


def _secret(hook: Hook, state: State) -> Secret:
    """The secret that a secret hook is about."""
    wanted = hook.secret
    found = [one for one in state.secrets if wanted in (None, one.id, one.label, "secret:" + one.id)]
    if len(found) != 1:
        there = [one.label or one.id for one in state.secrets]
        raise CharmError("%s needs one of the unit's secrets: %s" % (hook.name, _or_none(there)))
    return found[0]


def _label(secret: Secret, unit: str) -> str:
    """The label by which a unit knows a secret: which it has given, else that of a secret of its own."""
    own = secret.owner is None or secret.owner in (unit, unit.partition("/")[0])
    given = secret.consumers[unit][1] if unit in secret.consumers else ""
    return given or (secret.label if own else "")


def _unknown(name: str, known: FrozenSet[str], charm: Charm, juju_version: str) -> str:
    event = (Hook(name).workload_event or ("", ""))[1] or (name if name in UNIT_HOOKS else "")
    if event and not _runs(event, juju_version):
        when = "any more" if name in UNTIL_JUJU_3 else "yet"
        return "Juju %s runs no hook %s %s" % (juju_version, name, when)
    about = Hook(name).relation_event
    if about is not None and about[0] not in charm.endpoints:
        return "the charm has no endpoint %r; it has %s" % (about[0], _or_none(sorted(charm.endpoints)))
    text = "Juju runs no hook %r for this charm" % name
    import difflib  # for those who have misspelt one

    close = difflib.get_close_matches(name, sorted(known), 3)
    if name in charm.actions:
        return text + "; it is an action: use run_action()"
    return text + ("; did you mean %s?" % " or ".join(close) if close else "")


def _or_none(names: List[str]) -> str:
    return ", ".join(names) or "none"
