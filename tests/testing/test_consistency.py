"""States that Juju could not bring a unit into, and hooks that it would not run, are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

from charms_reactive.testing import (
    Charm,
    CharmError,
    Hook,
    InconsistentStateError,
    Relation,
    Secret,
    State,
    Status,
    Storage,
    check,
)
from charms_reactive.testing.hooks import complete, known_hooks

METADATA = {
    "name": "app",
    "requires": {"db": {"interface": "mysql"}, "log": {"interface": "syslog", "scope": "container"}},
    "provides": {"web": "http"},
    "peers": {"ring": {"interface": "ring"}},
    "storage": {"data": {"type": "filesystem"}},
    "resources": {"tarball": {"type": "file", "filename": "x.tgz"}},
    "containers": {"workload": {}},
}


@pytest.fixture
def charm(tmp_path: Path) -> Charm:
    return Charm.of(
        tmp_path / "charm",
        metadata=METADATA,
        config={"port": 80, "name": {"type": "string"}},
        actions={"backup": {}},
    )


def problems(charm: Charm, state: State, hook: Any = None, juju_version: str = "3.6.0") -> List[str]:
    """What is wrong, a sentence each."""
    try:
        if isinstance(hook, str):
            hook = Hook(hook)
        if hook is not None:
            hook = complete(hook, charm, state, juju_version)
        check(charm, state, hook, "app/0", juju_version)
    except InconsistentStateError as error:
        return list(error.problems)
    except CharmError as error:
        return [str(error)]
    return []


DB = Relation("db", "mysql", {0: {}})

POSSIBLE: Dict[str, Any] = {
    "a new unit": (State(), "install"),
    "an option that is set": (State(config={"port": 1, "name": "x"}), "config-changed"),
    "a remote unit's data": (State(relations=[DB]), "db-relation-changed"),
    "a remote application's data": (
        State(relations=[Relation("db", "mysql", data={"a": "b"})]),
        "db-relation-changed",
    ),
    "two relations of one endpoint": (
        State(relations=[DB, Relation("db", "pg", {0: {}})]),
        Hook("db-relation-joined", "db:1"),
    ),
    "a unit that is leaving": (
        State(relations=[Relation("db", "mysql", departing={"mysql/1": {}})]),
        "db-relation-departed",
    ),
    "a relation that is empty": (State(relations=[Relation("db", "mysql")]), "db-relation-broken"),
    "peers": (State(relations=[Relation("ring", "app", [1, 2])]), Hook("ring-relation-joined", unit="app/1")),
    "storage": (State(storages=[Storage("data")]), "data-storage-attached"),
    "a container": (State(), "workload-pebble-ready"),
    "a secret of another application": (
        State(secrets=[Secret({"a": "b"}, owner="mysql", access=[("app", "db:0")])]),
        "secret-changed",
    ),
    "a secret of its own": (State(secrets=[Secret({"a": "b"}, owner="app")]), "secret-rotate"),
    "a follower": (State(leader=False, leader_settings={"a": "b"}), "leader-settings-changed"),
}


@pytest.mark.parametrize(("state", "hook"), POSSIBLE.values(), ids=list(POSSIBLE))
def test_what_juju_can_do_is_accepted(charm: Charm, state: State, hook: Any) -> None:
    assert problems(charm, state, hook) == []


IMPOSSIBLE: Dict[str, Any] = {
    "an option that is not declared": (
        State(config={"prot": 1}),
        "install",
        "the charm has no option 'prot'; it has name, port",
    ),
    "an option of another type": (
        State(config={"port": "80"}),
        "install",
        "option 'port' is of type int, which '80' is not",
    ),
    "a relation that is not declared": (
        State(relations=[Relation("cache", "redis")]),
        "install",
        "relation cache:0: metadata.yaml has no endpoint 'cache', only db, log, ring, web",
    ),
    "peers of another application": (
        State(relations=[Relation("ring", "other", [1])]),
        "install",
        "relation ring:0 is among peers, so with app itself and not with other",
    ),
    "two peer relations": (
        State(relations=[Relation("ring", "app"), Relation("ring", "app")]),
        "install",
        "endpoint ring is a peer relation, of which there is one, not 2",
    ),
    "the unit as its own peer": (
        State(relations=[Relation("ring", "app", [0])]),
        "install",
        "relation ring:0: app/0 is the unit itself, and not on the other side",
    ),
    "a unit of a third application": (
        State(relations=[Relation("db", "mysql", {"pg/0": {}})]),
        "install",
        "relation db:0: 'pg/0' is no unit of mysql",
    ),
    "one number twice": (
        State(relations=[Relation("db", "a", number=1), Relation("web", "b", number=1)]),
        "install",
        "relation web:1: its number is that of another relation",
    ),
    "a hook of a relation without units": (
        State(relations=[Relation("db", "mysql")]),
        "db-relation-changed",
        "db-relation-changed runs for a unit or for the application's data, and db:0 has neither",
    ),
    "joined without a unit": (
        State(relations=[Relation("db", "mysql")]),
        "db-relation-joined",
        "db-relation-joined needs one of the relation's units: none",
    ),
    "joined by a unit that is not there": (
        State(relations=[DB]),
        Hook("db-relation-joined", unit="mysql/7"),
        "mysql/7 is not in db:0: mysql/0",
    ),
    "several units to choose from": (
        State(relations=[Relation("db", "mysql", [0, 1])]),
        "db-relation-changed",
        "db-relation-changed needs one of the relation's units: mysql/0, mysql/1",
    ),
    "a relation that is not there": (
        State(),
        "db-relation-broken",
        (
            "db-relation-broken needs a relation, and nothing is related on db: give the state one, such as "
            'relations=[Relation("db", "other", [0])]'
        ),
    ),
    "broken with units left": (
        State(relations=[DB]),
        "db-relation-broken",
        "db-relation-broken runs when all units have departed, and db:0 still has mysql/0",
    ),
    "a hook that nobody knows": (
        State(),
        "config-change",
        "Juju runs no hook 'config-change' for this charm; did you mean config-changed?",
    ),
    "an endpoint that nobody knows": (
        State(),
        "cache-relation-joined",
        "the charm has no endpoint 'cache'; it has db, log, ring, web",
    ),
    "an action as a hook": (
        State(),
        "backup",
        "Juju runs no hook 'backup' for this charm; it is an action: use run_action()",
    ),
    "leader-elected on a follower": (
        State(leader=False),
        "leader-elected",
        "leader-elected runs on the leader, which this unit is not",
    ),
    "leader-settings-changed on the leader": (
        State(),
        "leader-settings-changed",
        "leader-settings-changed runs on every unit but the leader, which this unit is",
    ),
    "metrics that are not declared": (
        State(),
        "collect-metrics",
        "collect-metrics runs for charms with a metrics.yaml, which this one has not",
    ),
    "a storage that is not declared": (
        State(storages=[Storage("cache")]),
        "install",
        "storage cache/0: metadata.yaml has no storage 'cache', only data",
    ),
    "a storage of another kind": (
        State(storages=[Storage("data", kind="block")]),
        "install",
        "storage data/0 is declared as a filesystem, not a block",
    ),
    "a storage hook without storage": (
        State(),
        "data-storage-attached",
        "data-storage-attached needs one of the attached storages; attached are: none",
    ),
    "a secret hook without a secret": (
        State(),
        "secret-rotate",
        "secret-rotate needs one of the unit's secrets: none",
    ),
    "a change of the unit's own secret": (
        State(secrets=[Secret({"a": "b"}, owner="app/0")]),
        "secret-changed",
        "secret-changed runs on units that read a secret, not on its owner",
    ),
    "rotation of a secret of others": (
        State(secrets=[Secret({"a": "b"}, owner="app")], leader=False),
        "secret-rotate",
        "secret-rotate runs on the secret's owner, or on the leader of the application that owns it",
    ),
    "expiry without a revision": (
        State(secrets=[Secret({"a": "b"}, owner="app")]),
        "secret-expired",
        "secret-expired is about one revision of the secret; name it",
    ),
    "a resource that is not declared": (
        State(resources={"image": "/x"}),
        "install",
        "resource image: metadata.yaml declares only tarball",
    ),
    "a port that is none": (
        State(opened_ports=["http"]),
        "install",
        "opened port 'http': ports are written as 80/tcp, 8000-8100/udp or icmp",
    ),
    "a status that is none": (
        State(unit_status=Status("ok")),
        "install",
        "unit status 'ok': Juju has active, blocked, error, maintenance, terminated, unknown, waiting",
    ),
    "a value of a flag that is not set": (
        State(flag_values={"x": 1}),
        "install",
        "flag 'x' has a value and is not set",
    ),
    "a flag among the stored rows": (
        State(stored={"reactive.states.x": None}),
        "install",
        "stored row 'reactive.states.x': flags are given as flags",
    ),
}


@pytest.mark.parametrize(("state", "hook", "says"), IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_what_juju_cannot_do_is_refused(charm: Charm, state: State, hook: Any, says: str) -> None:
    assert problems(charm, state, hook) == [says]


def test_everything_that_is_wrong_is_said_at_once(charm: Charm) -> None:
    state = State(config={"a": 1}, relations=[Relation("b")], leader=False)
    with pytest.raises(InconsistentStateError) as caught:
        check(charm, state, Hook("leader-elected"), "app/0", "3.6.0")
    assert len(caught.value.problems) == 3
    assert str(caught.value).startswith(
        "leader-elected cannot run in this state:\n- the charm has no option 'a'"
    )


def test_juju_4_has_fewer_hooks_and_no_leader_settings(charm: Charm) -> None:
    assert problems(charm, State(), "pre-series-upgrade", "4.0.0") == [
        "Juju 4.0.0 runs no hook pre-series-upgrade any more"
    ]
    assert problems(charm, State(leader_settings={"a": "b"}), "install", "4.0.0") == [
        "Juju 4.0.0 has no leader settings; use the application data of a peer relation"
    ]
    assert known_hooks(charm, "4.0.0") < known_hooks(charm, "3.6.0")


def test_a_changed_hook_without_a_unit_is_about_the_only_one_or_the_application(charm: Charm) -> None:
    one = State(relations=[Relation("db", "mysql", {0: {}}, data={"a": "b"})])
    assert complete(Hook("db-relation-changed"), charm, one, "3.6").unit == "mysql/0"
    about_all = complete(Hook("db-relation-changed", unit="mysql"), charm, one, "3.6")
    assert about_all.unit is None
