"""``charms.reactive.secrets``: Juju's secrets from a charm's handlers, by the agent and by the tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from charms_reactive import secrets
from charms_reactive.testing import Charm, Relation, Secret, State, Unit

ID = "9m4e2mr0ui3e8a215n40"
DB = Relation("db", "pg", [0])


def handlers() -> None:
    import json
    import os

    from charms.reactive import hook, secrets

    @hook("update-status")
    def run() -> None:
        found = eval(os.environ["ASKED"], {"secrets": secrets, "ID": "secret:9m4e2mr0ui3e8a215n40"})
        with open("found", "w") as file:
            json.dump(found.decode("latin-1") if isinstance(found, bytes) else found, file)


@pytest.fixture(params=[True, False], ids=["in process", "processes"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Unit:
    metadata = {"requires": {"db": {"interface": "sql"}}}
    return Unit(Charm.of(tmp_path / "app", handlers, metadata=metadata), in_process=request.param)


def ask(unit: Unit, what: str, *given: Secret, leader: bool = True) -> Any:
    state = State(secrets=given, relations=[DB], leader=leader)
    return unit.run("update-status", state, environment={"ASKED": what})


def found(outcome: Any) -> Any:
    import json

    assert outcome.error is None
    return json.loads(outcome.state.files["found"])


THEIRS = Secret(
    revisions={1: {"user": "u1"}, 2: {"user": "u2"}},
    owner="pg",
    id=ID,
    access=[("app", "db:0")],
    consumers={"app/0": (1, "mine")},
)
OURS = Secret({"password": "p", "binary": "\udcff\udcfe"}, label="ours", id=ID)


def test_reading(unit: Unit) -> None:
    assert found(ask(unit, "secrets.get(ID)", THEIRS)) == {"user": "u1"}
    assert found(ask(unit, "secrets.get(label='mine')", THEIRS)) == {"user": "u1"}
    peeked = ask(unit, "secrets.get(ID, peek=True)", THEIRS)
    assert (found(peeked), peeked.state.secrets[0].consumers["app/0"]) == ({"user": "u2"}, (1, "mine"))
    fresh = ask(unit, "secrets.get(ID[7:], refresh=True, label='new')", THEIRS)
    assert (found(fresh), fresh.state.secrets[0].consumers["app/0"]) == ({"user": "u2"}, (2, "new"))


def test_bytes(unit: Unit) -> None:
    assert found(ask(unit, "secrets.get_bytes(ID, 'binary')", OURS)) == "\xff\xfe"
    added = ask(unit, "secrets.add({'key': bytes([0, 255]), 'text': 'x='})")
    assert added.state.secrets[0].revisions["1"] == {"key": "\0\udcff", "text": "x="}


def test_making_and_changing(unit: Unit) -> None:
    then = ask(unit, "secrets.add({'key': 'v'}, label='l', description='d', rotate='daily', owner='unit')")
    (made,) = then.state.secrets
    assert found(then) == "secret:" + made.id
    assert (made.owner, made.label, made.description, made.rotate) == ("app/0", "l", "d", "daily")
    then = ask(unit, "secrets.update(ID, {'password': 'q'}, label='other')", OURS)
    assert (then.state.secrets[0].latest, then.state.secrets[0].label) == (2, "other")
    then = ask(unit, "secrets.update(ID, expire='2030-01-01T00:00:00Z')", OURS)
    assert (then.state.secrets[0].latest, then.state.secrets[0].expires) == (1, "2030-01-01T00:00:00Z")
    assert ask(unit, "secrets.remove(ID)", OURS).state.secrets == ()
    assert set(
        ask(unit, "secrets.remove(ID, 1)", Secret(revisions={1: {"k": "1"}, 2: {"k": "2"}}, id=ID))
        .state.secrets[0]
        .revisions
    ) == {"2"}


def test_granting(unit: Unit) -> None:
    assert ask(unit, "secrets.grant(ID, 'db:0')", OURS).state.secrets[0].access == (("pg", "db:0"),)
    assert ask(unit, "secrets.grant(ID, 'db:0', 'pg/0')", OURS).state.secrets[0].access == (("pg/0", "db:0"),)
    granted = Secret({"k": "v"}, id=ID, access=[("pg", "db:0")])
    assert ask(unit, "secrets.revoke(ID, 'db:0')", granted).state.secrets[0].access == ()


def test_what_is_known(unit: Unit) -> None:
    assert found(ask(unit, "secrets.ids()", OURS)) == [ID]
    assert found(ask(unit, "secrets.ids()")) == []
    expected = {"id": ID, "revision": 1, "label": "ours", "owner": "application", "rotation": "never"}
    assert found(ask(unit, "secrets.info(label='ours')", OURS)) == expected
    assert found(ask(unit, "secrets.info(ID)", OURS)) == expected


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("secrets.get('short')", 'hook tool secret-get: secret URI "short" not valid'),
        ("secrets.get(label='nope')", 'hook tool secret-get: consumer label "nope" not found'),
        ("secrets.info(label='nope')", 'hook tool secret-info-get: secret "nope" not found'),
        (
            "secrets.add({'key': 'v'}, rotate='often')",
            'hook tool secret-add: rotate policy "often" not valid',
        ),
        ("secrets.get()", "a secret is named by its id or its label"),
        ("secrets.add({'key': ''})", "the value of 'key' is empty, which Juju does not take"),
    ],
)
def test_what_is_wrong_is_told(unit: Unit, what: str, error: str) -> None:
    assert error in str(ask(unit, what).error)


def test_who_does_not_lead_manages_nothing_of_the_application(unit: Unit) -> None:
    assert "this unit is not the leader" in str(ask(unit, "secrets.add({'key': 'v'})", leader=False).error)
    assert found(ask(unit, "secrets.ids()", OURS, leader=False)) == []


def test_no_secret_is_in_an_error(unit: Unit) -> None:
    then = ask(unit, "secrets.add({'Key': 'hunter2'})")
    assert 'key "Key" not valid' in str(then.error)
    shown = then.stderr + "".join(entry.message for entry in then.log)
    assert "hunter2" not in shown.replace("secrets.add({'Key': 'hunter2'})", "")


def test_juju_2_has_none(tmp_path: Path) -> None:
    unit = Unit(Charm.of(tmp_path / "app", handlers), juju_version="2.9.52")
    then = unit.run("update-status", environment={"ASKED": "secrets.ids()"})
    assert str(then.error).endswith("hook tool secret-ids: cannot be run: No such file or directory")


def test_the_names_are_all_there() -> None:
    assert sorted(secrets.__all__) == sorted(
        ["add", "get", "get_bytes", "grant", "ids", "info", "remove", "revoke", "update"]
    )
