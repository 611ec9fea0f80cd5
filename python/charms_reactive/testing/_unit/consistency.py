"""Checks that a state is one that Juju could bring a unit into, and that it would run a hook there.

A test that starts from an impossible state proves nothing about the charm, so such a state is refused with
all that is wrong with it.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, List, Optional

from charms_reactive.testing.errors import CharmError, InconsistentStateError
from charms_reactive.testing.hooks import Hook, after_juju_3
from charms_reactive.testing.hooktools.juju_side import numbers

from .charm import Charm, listed
from .state import Relation, State

_STATUSES = ("active", "blocked", "error", "maintenance", "terminated", "unknown", "waiting")
_PORT = re.compile(r"icmp|\d+(-\d+)?/(tcp|udp)")


def check(charm: Charm, state: State, hook: Optional[Hook], unit: str, juju_version: str) -> None:
    """Refuse a state that no unit of the charm can be in, or in which the hook is not run.

    Args:
        charm: whose unit it is.
        state: of the unit before the hook.
        hook: that is to run, completed; ``None`` for an action.
        unit: the name of the unit.
        juju_version: for example ``3.6.0``.

    Raises:
        InconsistentStateError: with everything that is wrong.
    """
    problems = [
        *_config(charm, state),
        *_relations(charm, state, unit),
        *_storage(charm, state),
        *_rest(charm, state, juju_version),
    ]
    if hook is not None:
        problems += _hook(charm, state, hook, unit)
    if problems:
        what = "%s cannot run in this state" % hook.name if hook else "Juju knows no such state"
        raise InconsistentStateError(what, problems)


def _config(charm: Charm, state: State) -> Iterator[str]:
    for option, value in state.config.items():
        try:
            charm.checked(option, value)
        except CharmError as error:
            yield str(error)


def _relations(charm: Charm, state: State, unit: str) -> Iterator[str]:
    application = unit.partition("/")[0]
    numbers: List[int] = []
    for relation in state.relations:
        if relation.endpoint not in charm.endpoints:
            yield "relation %s: metadata.yaml has no endpoint %r, only %s" % (
                relation.id,
                relation.endpoint,
                listed(charm.endpoints),
            )
            continue
        if relation.number in numbers:
            yield "relation %s: its number is that of another relation" % relation.id
        numbers.append(relation.number)
        yield from _members(relation, charm.endpoints[relation.endpoint].role, application, unit)
    for name, spec in charm.endpoints.items():
        there = [relation for relation in state.relations if relation.endpoint == name]
        if spec.role == "peers" and len(there) > 1:
            yield "endpoint %s is a peer relation, of which there is one, not %d" % (name, len(there))


def _members(relation: Relation, role: str, application: str, unit: str) -> Iterator[str]:
    if role == "peers" and relation.application != application:
        yield "relation %s is among peers, so with %s itself and not with %s" % (
            relation.id,
            application,
            relation.application,
        )
        return
    if role != "peers" and relation.application == application and relation.units:
        yield "relation %s: %s cannot be its own remote application on endpoint %s" % (
            relation.id,
            application,
            relation.endpoint,
        )
    for member in [*relation.units, *relation.departing, *relation.departed]:
        owner, slash, number = member.partition("/")
        if owner != relation.application or not slash or not number.isdigit():
            yield "relation %s: %r is no unit of %s" % (relation.id, member, relation.application)
        elif member == unit:
            yield "relation %s: %s is the unit itself, and not on the other side" % (relation.id, unit)
    both = set(relation.units) & set(relation.departing)
    if both:
        yield "relation %s: %s cannot be in it and departing" % (relation.id, listed(both))


def _storage(charm: Charm, state: State) -> Iterator[str]:
    declared: Any = charm.metadata.get("storage") or {}
    for storage in state.storages:
        if storage.name not in declared:
            yield "storage %s: metadata.yaml has no storage %r, only %s" % (
                storage.id,
                storage.name,
                listed(declared),
            )
        elif (declared[storage.name] or {}).get("type", storage.kind) != storage.kind:
            kind = declared[storage.name]["type"]
            yield "storage %s is declared as a %s, not a %s" % (storage.id, kind, storage.kind)
    ids = [storage.id for storage in state.storages]
    for repeated in sorted({id for id in ids if ids.count(id) > 1}):
        yield "storage %s is attached twice" % repeated


def _rest(charm: Charm, state: State, juju_version: str) -> Iterator[str]:
    if after_juju_3(juju_version) and state.leader_settings:
        yield "Juju %s has no leader settings; use the application data of a peer relation" % juju_version
    if state.secrets and numbers(juju_version) < (3,):
        yield "Juju %s has no secrets" % juju_version
    for name in state.resources:
        if name not in (charm.metadata.get("resources") or {}):
            yield "resource %s: metadata.yaml declares only %s" % (
                name,
                listed(charm.metadata.get("resources") or {}),
            )
    for port in state.opened_ports:
        if not _PORT.fullmatch(port):
            yield "opened port %r: ports are written as 80/tcp, 8000-8100/udp or icmp" % port
    for whose, status in (("unit", state.unit_status), ("application", state.application_status)):
        if status.status not in _STATUSES:
            yield "%s status %r: Juju has %s" % (whose, status.status, ", ".join(_STATUSES))
    flags: Any = state.flags
    for flag in flags:
        if not isinstance(flag, str) or not flag:
            yield "flag %r: a flag is a name" % (flag,)
    for flag in state.flag_values:
        if flag not in state.flags:
            yield "flag %r has a value and is not set" % flag
    for key in state.stored:
        if key.startswith("reactive.states."):
            yield "stored row %r: flags are given as flags" % key


def _hook(charm: Charm, state: State, hook: Hook, unit: str) -> Iterator[str]:
    if hook.name == "leader-elected" and not state.leader:
        yield "leader-elected runs on the leader, which this unit is not"
    if hook.name == "leader-settings-changed" and state.leader:
        yield "leader-settings-changed runs on every unit but the leader, which this unit is"
    if hook.name == "leader-deposed" and state.leader:
        yield "leader-deposed runs on a unit that leads no longer, and this unit leads"
    if hook.name == "collect-metrics" and not (charm.directory / "metrics.yaml").exists():
        yield "collect-metrics runs for charms with a metrics.yaml, which this one has not"
    if hook.name.startswith("secret-"):
        yield from _secret_hook(state, hook, unit)
    about = hook.relation_event
    if about is None:
        for name, value in (("relation", hook.relation), ("remote unit", hook.unit)):
            if value is not None:
                yield "%s is about no relation, so it has no %s %s" % (hook.name, name, value)
        return
    relation = state.relation(hook.relation or about[0])
    event = about[1]
    if event in ("created", "broken") and hook.unit is not None:
        yield "%s is about the relation as a whole, not about %s" % (hook.name, hook.unit)
    if event == "broken" and relation.units:
        yield "%s runs when all units have departed, and %s still has %s" % (
            hook.name,
            relation.id,
            listed(relation.units),
        )
    if event == "changed" and hook.unit is None and not relation.data and not relation.units:
        yield "%s runs for a unit or for the application's data, and %s has neither" % (
            hook.name,
            relation.id,
        )
    if hook.unit is not None and event in ("joined", "changed", "departed"):
        there = {*relation.units, *(relation.departing if event == "departed" else ())}
        if hook.unit not in there:
            yield "%s is not in %s: %s" % (hook.unit, relation.id, listed(there))


def _secret_hook(state: State, hook: Hook, unit: str) -> Iterator[str]:
    owners = [secret.owner for secret in state.secrets if secret.id == hook.secret]
    owned = unit in owners or (unit.partition("/")[0] in owners and state.leader)
    if hook.name == "secret-changed" and owned:
        yield "secret-changed runs on units that read a secret, not on its owner"
    if hook.name != "secret-changed" and not owned:
        yield "%s runs on the secret's owner, or on the leader of the application that owns it" % hook.name
    if hook.revision is None and hook.name in ("secret-expired", "secret-remove"):
        yield "%s is about one revision of the secret; name it" % hook.name
