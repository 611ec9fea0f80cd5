"""Between states, which tests speak, and the Juju side, which the hook tools ask."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple
from zlib import crc32

from charms_reactive.testing import hooktools
from charms_reactive.testing.errors import CharmError
from charms_reactive.testing.hooks import Hook
from charms_reactive.testing.hooktools.juju_side import numbers

from .charm import Charm, listed
from .disk import Rows
from .run import ToolCall
from .state import Relation, Secret, State, Status, Storage, thawed

# What a state has attributes for, or what follows from the charm; any other key goes into State.juju.
_KNOWN = frozenset(
    (
        "action",
        "address",
        "bindings",
        "config",
        "hook",
        "juju-version",
        "leader",
        "leader-settings",
        "pending",
        "ports",
        "relations",
        "relations-made",
        "resources",
        "secrets",
        "secrets-made",
        "status",
        "storages",
        "unit",
        "version",
    )
)


def own_settings(juju: Mapping[str, Any]) -> Dict[str, str]:
    """What Juju puts into the unit's data in each relation."""
    settings: Dict[str, str] = hooktools.new_relation(dict(juju), "")["local-unit"]
    return settings


# -- from a state -----------------------------------------------------------------------------------
def normal(state: State, charm: Charm, unit: str) -> State:
    """The state with what is usual filled in: peers are of the unit's own application."""
    own = unit.partition("/")[0]
    relations = []
    for relation in state.relations:
        spec = charm.endpoints.get(relation.endpoint)
        if spec is not None and spec.role == "peers" and relation.application == "remote":
            relation = dataclasses.replace(
                relation,
                application=own,
                units=_renamed(relation.units, own),
                departing=_renamed(relation.departing, own),
                departed=_renamed(relation.departed, own),
            )
        relations.append(relation)
    config = {
        option: value
        for option, value in state.config.items()
        if option not in charm.options or value != charm.default(option)
    }
    secrets = [
        dataclasses.replace(secret, content={}, owner=own) if secret.owner is None else secret
        for secret in state.secrets
    ]
    return state.replace(relations=relations, config=config, secrets=secrets)


def _renamed(units: Mapping[str, Mapping[str, str]], application: str) -> Dict[str, Mapping[str, str]]:
    """Units of an application that was not named yet."""
    named = {}
    for unit, data in units.items():
        owner, _, number = unit.partition("/")
        named["%s/%s" % (application, number) if owner == "remote" else unit] = data
    return named


def remote_settings(unit: str, juju_version: str) -> Dict[str, str]:
    """What Juju puts into the data of a remote unit; each has an address of its own."""
    seed = crc32(unit.encode("utf-8"))
    address = "10.%d.%d.%d" % (seed >> 16 & 0xFF, seed >> 8 & 0xFF, 1 + seed % 254)
    return own_settings({"address": address, "juju-version": juju_version})


def _addressed(relation: Dict[str, Any], juju_version: str, there: bool) -> None:
    """Give each remote unit what Juju puts into its data where nothing else is, or take it away."""
    for key in ("units", "departing", "departed"):
        for unit, data in relation.get(key, {}).items():
            own = remote_settings(unit, juju_version)
            kept = {name: value for name, value in data.items() if there or own.get(name) != value}
            relation[key][unit] = {**own, **kept} if there else kept


def juju_of(
    state: State, charm: Charm, unit: str, juju_version: str, addresses: bool = False
) -> Dict[str, Any]:
    """The Juju side of a unit in a state that is normal.

    Args:
        state: of the unit.
        charm: which it runs.
        unit: its name.
        juju_version: for example ``3.6.0``.
        addresses: whether remote units have in their data what Juju puts there, and the state does not say.
    """
    config = {option: spec.get("default") for option, spec in charm.options.items()}
    config.update(thawed(state.config))
    juju = hooktools.new_juju(
        unit,
        charm.metadata,
        address=state.address,
        config=config,
        juju_version=juju_version,
        leader=state.leader,
        leader_settings=dict(state.leader_settings),
        metrics_declared=charm.metrics,
        ports=sorted(state.opened_ports),
        relations_made=max([relation.number for relation in state.relations] or [-1]) + 1,
        resources=dict(state.resources),
        secrets={secret.id: _secret_of(secret) for secret in state.secrets},
        secrets_made=len(state.secrets),
        storages={one.id: {"kind": one.kind, "location": one.location} for one in state.storages},
        status={
            "application": dataclasses.asdict(state.application_status),
            "unit": dataclasses.asdict(state.unit_status),
        },
        version=state.workload_version,
    )
    unknown = set(state.juju) - (set(juju) - _KNOWN)
    if unknown:
        raise CharmError("the Juju side of a state has no %s of its own" % listed(unknown))
    juju.update(thawed(state.juju))
    own = own_settings(juju)
    juju["relations"] = {relation.id: _relation_of(relation, own) for relation in state.relations}
    for known in juju["relations"].values() if addresses else ():
        _addressed(known, juju_version, there=True)
    return juju


def _relation_of(relation: Relation, own: Mapping[str, str]) -> Dict[str, Any]:
    return {
        "application": relation.application,
        "departed": thawed(relation.departed),
        "departing": thawed(relation.departing),
        "units": thawed(relation.units),
        "remote-application": dict(relation.data),
        "local-unit": {**own, **relation.local},
        "local-application": dict(relation.local_application),
    }


def _secret_of(secret: Secret) -> Dict[str, Any]:
    consumers = {name: {"revision": at, "label": label} for name, (at, label) in secret.consumers.items()}
    access = [{"target": target, "relation": relation} for target, relation in secret.access]
    assert secret.owner is not None
    return hooktools.new_secret(
        secret.owner,
        {},
        label=secret.label,
        description=secret.description,
        rotate=secret.rotate,
        rotates=secret.rotates,
        expires=secret.expires,
        revisions=thawed(secret.revisions),
        latest=secret.latest,
        access=access,
        consumers=consumers,
    )


def refresh(juju: Dict[str, Any], old: Charm, new: Charm) -> None:
    """Let what follows from the charm follow from another revision of it."""
    fresh = hooktools.new_juju(juju["unit"], new.metadata, metrics_declared=new.metrics)
    for key in ("bindings", "endpoints", "metrics-declared", "payload-classes", "storage-specs"):
        juju[key] = fresh[key]
    juju["resources"] = {name: juju["resources"].get(name) for name in fresh["resources"]}
    config = {}
    for option in new.options:
        value = juju["config"].get(option)
        chosen = option in old.options and value != old.default(option)
        config[option] = value if chosen else new.default(option)
    juju["config"] = config


# -- to a state -------------------------------------------------------------------------------------
def state_of(
    juju: Mapping[str, Any],
    rows: Rows,
    files: Mapping[str, Optional[bytes]],
    charm: Charm,
    addresses: bool = False,
) -> State:
    """The state that a unit is in; without the addresses that :func:`juju_of` has added."""
    if addresses:
        juju = copy.deepcopy(dict(juju))
        for known in juju["relations"].values():
            _addressed(known, juju["juju-version"], there=False)
    own = own_settings(juju)
    fresh = hooktools.new_juju(
        juju["unit"], charm.metadata, juju_version=juju["juju-version"], metrics_declared=charm.metrics
    )
    more = {key: value for key, value in juju.items() if key not in _KNOWN and value != fresh.get(key)}
    config = {option: value for option, value in juju["config"].items() if value != charm.default(option)}
    return State(
        config=config,
        leader=juju["leader"],
        flags=frozenset(rows.flags),
        flag_values=rows.values,
        relations=tuple(_relation_in(id, relation, own) for id, relation in juju["relations"].items()),
        leader_settings=juju["leader-settings"],
        storages=tuple(_storage_in(id, storage) for id, storage in juju["storages"].items()),
        secrets=tuple(_secret_in(id, secret) for id, secret in juju["secrets"].items()),
        resources={name: path for name, path in juju["resources"].items() if path is not None},
        stored=rows.stored,
        files=files,
        tables=rows.tables,
        unit_status=Status(**juju["status"]["unit"]),
        application_status=Status(**juju["status"]["application"]),
        workload_version=juju["version"],
        opened_ports=frozenset(juju["ports"]),
        address=juju["address"],
        juju=more,
    )


def _relation_in(id: str, relation: Mapping[str, Any], own: Mapping[str, str]) -> Relation:
    endpoint, _, number = id.rpartition(":")
    local = relation["local-unit"]
    return Relation(
        endpoint,
        relation["application"],
        relation["units"],
        data=relation["remote-application"],
        local={key: value for key, value in local.items() if own.get(key) != value},
        local_application=relation["local-application"],
        number=int(number),
        departing=relation["departing"],
        departed=relation.get("departed", {}),
    )


def _storage_in(id: str, storage: Mapping[str, Any]) -> Storage:
    name, _, index = id.rpartition("/")
    return Storage(name, int(index), storage["location"], storage["kind"])


def _secret_in(id: str, secret: Mapping[str, Any]) -> Secret:
    return Secret(
        owner=secret["owner"],
        label=secret["label"],
        id=id,
        revisions=secret["revisions"],
        description=secret["description"],
        rotate=secret["rotate"],
        rotates=secret["rotates"],
        expires=secret["expires"],
        access=tuple((one["target"], one["relation"]) for one in secret["access"]),
        consumers={unit: (one["revision"], one["label"]) for unit, one in secret["consumers"].items()},
    )


# -- around a hook ----------------------------------------------------------------------------------
#: The statuses that Juju itself sets for a unit; see operation/runhook.go of its uniter.
_INSTALLING = {"status": "maintenance", "message": "installing charm software"}
_OF_JUJU = ({"status": "waiting", "message": "installing agent"}, _INSTALLING)
_BEFORE = {
    "stop": {"status": "maintenance", "message": "stopping charm software"},
    "remove": {"status": "maintenance", "message": "cleaning up prior to charm deletion"},
}
_AFTER = {
    "stop": {"status": "maintenance", "message": ""},
    "remove": {"status": "terminated", "message": ""},
}


def begin(juju: Dict[str, Any], hook: str) -> None:
    """Set the status that Juju sets before a hook."""
    if hook == "install" and juju["status"]["unit"] in _OF_JUJU:
        juju["status"]["unit"] = dict(_INSTALLING)
    elif hook in _BEFORE:
        juju["status"]["unit"] = dict(_BEFORE[hook])


def end(juju: Dict[str, Any], hook: str) -> None:
    """Set the status that Juju sets after a hook that has succeeded."""
    if hook == "start" and juju["status"]["unit"] in _OF_JUJU:
        # The charm has never set one.
        juju["status"]["unit"] = {"status": "unknown", "message": ""}
    elif hook in _AFTER:
        juju["status"]["unit"] = dict(_AFTER[hook])


def enter(juju: Dict[str, Any], environment: Mapping[str, str], parameters: Any) -> None:
    """Let a hook begin on the Juju side, or an action if there are parameters."""
    juju["hook"] = {
        **juju["hook"],
        "relation-id": environment.get("JUJU_RELATION_ID", ""),
        "remote-application": environment.get("JUJU_REMOTE_APP", ""),
        "remote-unit": environment.get("JUJU_REMOTE_UNIT", ""),
    }
    if parameters is not None:
        juju["action"] = {"failure": None, "messages": [], "parameters": dict(parameters), "results": {}}


def variables(hook: Hook, juju: Mapping[str, Any]) -> Dict[str, str]:
    """What a hook that is about no relation finds in its environment; a test may say otherwise."""
    found: Dict[str, str] = {}
    if hook.storage is not None:
        storage = juju["storages"].get(hook.storage, {"kind": "", "location": ""})
        found["JUJU_STORAGE_ID"] = hook.storage
        found["JUJU_STORAGE_KIND"] = storage["kind"]
        found["JUJU_STORAGE_LOCATION"] = storage["location"]
    if hook.secret is not None:
        found["JUJU_SECRET_ID"] = "secret:" + hook.secret
        found["JUJU_SECRET_LABEL"] = hook.label
    if hook.revision is not None:
        found["JUJU_SECRET_REVISION"] = str(hook.revision)
    if hook.workload_event is not None:
        found["JUJU_WORKLOAD_NAME"], event = hook.workload_event
        if event == "pebble-custom-notice":
            found.update(JUJU_NOTICE_ID="1", JUJU_NOTICE_TYPE="custom", JUJU_NOTICE_KEY="example.com/notice")
        elif event.startswith("pebble-check-"):
            found["JUJU_PEBBLE_CHECK_NAME"] = "check"
    if hook.name in ("pre-series-upgrade", "post-series-upgrade"):
        found["JUJU_TARGET_SERIES"] = "noble"
        if numbers(juju["juju-version"]) >= (3,):
            found["JUJU_TARGET_BASE"] = "ubuntu@24.04"
    return found


def statuses(tools: Iterable[ToolCall]) -> Tuple[Status, ...]:
    """The statuses that a hook set for its unit, in order."""
    found = []
    for call in tools:
        if call.tool == "status-set" and not call.exit_status:
            words = [word for word in call.arguments if not word.startswith("--")]
            if not any(word.startswith("--application") for word in call.arguments):
                found.append(Status(*words[:2]))
    return tuple(found)
