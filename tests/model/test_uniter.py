"""Which hook Juju runs next, rule by rule: what the agent has done, what the model is, what follows."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from charms_reactive.testing._model.uniter import Agent, LinkView, View
from charms_reactive.testing.hooks import Hook

DB = LinkView(0, "db", "pg", {"pg/0": 1})
RING = LinkView(1, "ring", "app", {"app/1": 1}, peer=True)
STARTED: Dict[str, Any] = {"installed": True, "started": True, "config": 1, "leader_settings": 1}
JOINED: Dict[str, Any] = {**STARTED, "created": {0}, "members": {0: {"pg/0": 1}}}
AMONG: Dict[str, Any] = {**STARTED, "created": {1}, "members": {1: {"app/1": 1}}}


def text(hook: Hook) -> str:
    """A hook as the tables below write it."""
    about = [hook.unit or "", hook.storage or hook.secret or ""]
    departing = hook.environment.get("JUJU_DEPARTING_UNIT", "")
    return " ".join(part for part in [hook.name, *about, departing and "(%s goes)" % departing] if part)


Q = LinkView(0, "q", "pg", {"pg/0": 1})
RULES = {
    # Juju's internal/worker/uniter/resolver.go 2365bb25: what the table asks before charm and configuration.
    "relations, storage and then the charm": (
        {**STARTED, "created": set()},
        View(charm=2, config=2, storages=("data/0",), links=(Q,)),
        (
            "q-relation-created, data-storage-attached data/0, upgrade-charm, config-changed,"
            " q-relation-joined pg/0, q-relation-changed pg/0"
        ),
    ),
    "secrets before storage, leadership before secrets": (
        {**STARTED, "secrets": {"s": 1}},
        View(leader=True, config=2, storages=("data/0",), secrets={"s": 2}),
        "leader-elected, secret-changed s, data-storage-attached data/0, config-changed",
    ),
    # internal/worker/uniter/operation/runhook.go 10a68261: what is queued comes before anything else.
    "start follows config-changed at once, also when the unit is going": (
        {"installed": True, "config": 1, "queued": Hook("start")},
        View(dying=True, storages=("data/0",)),
        "start, stop, remove",
    ),
    "config-changed follows upgrade-charm at once": (
        {**STARTED, "charm": 2, "queued": Hook("config-changed")},
        View(charm=2, leader=True, storages=("data/0",)),
        "config-changed, leader-elected, data-storage-attached data/0",
    ),
    "after a reboot, start comes first": (
        {**STARTED, "rebooted": True},
        View(config=2, leader=True),
        "start, leader-elected, config-changed",
    ),
    "after a reboot of a unit that has not started, it starts as ever": (
        {"installed": True, "rebooted": True, "leader_settings": 1},
        View(config=2),
        "config-changed, start",
    ),
    "a new unit that leads": ({}, View(leader=True), "install, leader-elected, config-changed, start"),
    "a new unit that does not": ({}, View(), "install, leader-settings-changed, config-changed, start"),
    "Juju 4 has no leader settings": ({}, View(leader_settings=None), "install, config-changed, start"),
    "storage is attached before install": (
        {},
        View(leader=True, storages=("disk/0", "disk/1")),
        (
            "disk-storage-attached disk/0, disk-storage-attached disk/1, install, leader-elected,"
            " config-changed, start"
        ),
    ),
    "relations that are there are created after install, joined after start": (
        {},
        View(leader=True, links=(DB,)),
        (
            "install, db-relation-created, leader-elected, config-changed, start,"
            " db-relation-joined pg/0, db-relation-changed pg/0"
        ),
    ),
    "a joined unit has always changed, before anything else in the relation": (
        {**STARTED, "created": {0}, "members": {0: {"pg/0": 1}}, "changed_pending": {0: "pg/0"}},
        View(links=(LinkView(0, "db", "pg", {"pg/1": 1}),)),
        (
            "db-relation-changed pg/0, db-relation-departed pg/0 (pg/0 goes), db-relation-joined pg/1,"
            " db-relation-changed pg/1"
        ),
    ),
    "units join in the order of their names as text": (
        {**STARTED, "created": {0}},
        View(links=(LinkView(0, "db", "pg", {"pg/10": 1, "pg/9": 1}),)),
        (
            "db-relation-joined pg/10, db-relation-changed pg/10, db-relation-joined pg/9,"
            " db-relation-changed pg/9"
        ),
    ),
    "data that changed often are one changed": (
        JOINED,
        View(links=(LinkView(0, "db", "pg", {"pg/0": 7}),)),
        "db-relation-changed pg/0",
    ),
    "an application's data come before its units": (
        {**STARTED, "created": {0}},
        View(links=(LinkView(0, "db", "pg", {"pg/0": 1}, application_version=2),)),
        "db-relation-changed, db-relation-joined pg/0, db-relation-changed pg/0",
    ),
    "an application without data is no news": (JOINED, View(links=(DB,)), ""),
    "a unit that has left departs": (
        JOINED,
        View(links=(LinkView(0, "db", "pg"),)),
        "db-relation-departed pg/0 (pg/0 goes)",
    ),
    "a unit that came and went between two hooks was never there": (
        {**STARTED, "created": {0}},
        View(links=(LinkView(0, "db", "pg"),)),
        "",
    ),
    "a relation that is removed is departed, then broken": (
        JOINED,
        View(links=(LinkView(0, "db", "pg", {"pg/0": 1}, alive=False),)),
        "db-relation-departed pg/0 (pg/0 goes), db-relation-broken",
    ),
    "a relation that was removed before it was created was never there": (
        STARTED,
        View(links=(LinkView(0, "db", "pg", {"pg/0": 1}, alive=False),)),
        "",
    ),
    "a unit that goes departs from all, stops and is removed": (
        JOINED,
        View(dying=True, links=(DB,)),
        "db-relation-departed pg/0 (app/0 goes), db-relation-broken, stop, remove",
    ),
    "storage is detached before that": (
        {**JOINED, "storages": {"disk/0"}},
        View(dying=True, links=(DB,), storages=("disk/0",)),
        (
            "disk-storage-detaching disk/0, db-relation-departed pg/0 (app/0 goes), db-relation-broken, stop,"
            " remove"
        ),
    ),
    "peers depart and are never broken": (
        AMONG,
        View(dying=True, links=(RING,)),
        "ring-relation-departed app/1 (app/0 goes), stop, remove",
    ),
    "with its application the unit itself is the one that goes": (
        JOINED,
        View(application_dying=True, links=(LinkView(0, "db", "pg", {"pg/0": 1}, alive=False),)),
        "db-relation-departed pg/0 (app/0 goes), db-relation-broken",
    ),
    "a unit that goes before it was installed runs nothing": ({}, View(dying=True), ""),
    "a unit that goes before it was started is not stopped": (
        {"installed": True, "config": 1},
        View(dying=True),
        "remove",
    ),
    "configuration that changed often is one config-changed": (STARTED, View(config=5), "config-changed"),
    "another revision of the charm": (STARTED, View(charm=2), "upgrade-charm, config-changed"),
    "a new leader": (STARTED, View(leader=True, leader_settings=3), "leader-elected"),
    "leader settings that changed": (STARTED, View(leader_settings=3), "leader-settings-changed"),
    "the leader does not hear of its own settings": (
        {**STARTED, "leader": True},
        View(leader=True, leader_settings=3),
        "",
    ),
    "update-status comes last": (
        JOINED,
        View(status=2, links=(LinkView(0, "db", "pg", {"pg/0": 2}),)),
        "db-relation-changed pg/0, update-status",
    ),
    "storage that comes later": (STARTED, View(storages=("disk/3",)), "disk-storage-attached disk/3"),
    "storage that goes": ({**STARTED, "storages": {"disk/3"}}, View(), "disk-storage-detaching disk/3"),
    "a secret with a new revision": (
        {**STARTED, "secrets": {"s": 1}},
        View(secrets={"s": 2}),
        "secret-changed s",
    ),
}


@pytest.mark.parametrize(("done", "view", "hooks"), list(RULES.values()), ids=list(RULES))
def test_rule(done: Dict[str, Any], view: View, hooks: str) -> None:
    agent = Agent("app/0", **done)
    assert ", ".join(text(hook) for hook in agent.ahead(view)) == hooks


def test_nothing_is_kept_of_a_relation_that_is_gone() -> None:
    agent = Agent("app/0", created={0, 1}, members={0: {}, 1: {}}, changed_pending={0: "x", 1: "y"})
    agent.applications = {0: 1, 1: 1}
    agent.forget(0)
    assert (agent.created, agent.members, agent.changed_pending) == ({1}, {1: {}}, {1: "y"})
    assert agent.applications == {1: 1}


def test_looking_ahead_changes_nothing() -> None:
    agent = Agent("app/0", **JOINED)
    before = agent.copy()
    agent.ahead(View(dying=True, links=(DB,)))
    assert agent == before


def test_the_order_of_relations_is_left_open() -> None:
    links = (DB, LinkView(2, "cache", "redis", {"redis/0": 1}))
    agent = Agent("app/0", **{**STARTED, "created": {0, 2}})
    seen: List[List[str]] = []

    def last(hooks: Any) -> Hook:
        seen.append([hook.name for hook in hooks])
        return hooks[-1]

    hook = agent.next(View(links=links), last)
    assert seen == [["db-relation-joined", "cache-relation-joined"]]
    assert hook is not None
    assert hook.name == "cache-relation-joined"
