"""The interface ``database``: what leaders ask and answer is in the data of applications."""

from __future__ import annotations

import json
from typing import Any

from charms_reactive.testing import Relation, State

ASKING = """\
    from charmhelpers.core import hookenv
    from charms.reactive import endpoint_from_name, when

    @when("endpoint.db.joined")
    def ask():
        endpoint_from_name("db").ask("shop", ["uuid", "citext"])

    @when("db.ready")
    def connect():
        hookenv.status_set("active", endpoint_from_name("db").url())
    """

ANSWERING = """\
    from charms.reactive import endpoint_from_name, when

    @when("db.requested", "leadership.is_leader")
    def answer():
        for relation in endpoint_from_name("db").requests():
            endpoint_from_name("db").answer(relation, "10.0.0.9")
    """

ANSWER = {"connection": json.dumps({"database": "shop", "host": "10.0.0.9"})}


def test_the_leader_asks(layered: Any) -> None:
    given = State(relations=[Relation("db", "pg", [0])])
    then = layered("database", ASKING, requires="db").run("db-relation-joined", given)
    assert then.published_application == {"db:0": {"database": '"shop"', "extensions": '["citext", "uuid"]'}}
    assert "db.ready" not in then.flags


def test_others_do_not_ask(layered: Any) -> None:
    given = State(leader=False, relations=[Relation("db", "pg", [0])])
    then = layered("database", ASKING, requires="db").run("db-relation-joined", given)
    assert then.succeeded
    assert then.published_application == {}


def test_the_answer_is_in_the_data_of_the_other_application(layered: Any) -> None:
    given = State(relations=[Relation("db", "pg", {0: {"a": "b"}}, data=ANSWER)])
    then = layered("database", ASKING, requires="db").run("db-relation-changed", given, unit="pg")
    assert then.status.message == "postgresql://10.0.0.9/shop"
    assert then.published == {"db:0": {"seen": '["pg/0"]'}}


def test_the_answer_is_taken_back(layered: Any) -> None:
    unit = layered("database", ASKING, requires="db")
    ready = unit.run(
        "db-relation-changed", State(relations=[Relation("db", "pg", [0], data=ANSWER)]), unit="pg"
    )
    assert "db.ready" in ready.flags
    without = ready.state.with_relation(Relation("db", "pg", [0], number=0))
    then = unit.run("db-relation-changed", without, unit="pg")
    assert "db.ready" not in then.flags
    assert "connect" not in then.handlers


def test_the_leader_answers_once(layered: Any) -> None:
    unit = layered("database", ANSWERING, provides="db")
    asked = Relation("db", "shop", [0], data={"database": '"shop"'})
    then = unit.run("db-relation-changed", State(relations=[asked]), unit="shop")
    assert then.published_application == {"db:0": ANSWER}
    again = unit.run("update-status", then.state)
    assert "answer" not in again.handlers
    assert again.changes == ()


def test_others_leave_the_answer_to_the_leader(layered: Any) -> None:
    asked = Relation("db", "shop", [0], data={"database": '"shop"'})
    given = State(leader=False, relations=[asked])
    then = layered("database", ANSWERING, provides="db").run("db-relation-changed", given, unit="shop")
    assert then.succeeded
    assert "are not set" in then.why("answer")
    assert then.published_application == {}
