"""Which of several relations a test means: the very object that it has given to the state."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from charms_reactive.testing import Charm, CharmError, Relation, State, Unit


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    files = {"hooks/db-relation-changed": '#!/bin/sh\njuju-log "$JUJU_RELATION_ID $JUJU_REMOTE_UNIT"\n'}
    metadata = {"name": "app", "requires": {"db": "sql"}, "peers": {"ring": "ring"}}
    return Unit(Charm.of(tmp_path / "app", metadata=metadata, files=files))


def said(on: Unit, state: State, relation: Relation, unit: Optional[int] = None) -> str:
    then = on.run("db-relation-changed", state, relation=relation, unit=unit)
    return then.log[0].message


def test_one_of_several_applications(unit: Unit) -> None:
    a, b = Relation("db", "mysql", [0]), Relation("db", "pg", [0])
    state = State(relations=[a, b])
    assert said(unit, state, a) == "db:0 mysql/0"
    assert said(unit, state, b) == "db:1 pg/0"
    assert said(unit, state, b, unit=0) == "db:1 pg/0"


def test_one_of_two_that_are_alike(unit: Unit) -> None:
    a, b = Relation("db", "pg", [0]), Relation("db", "pg", [0])
    assert a == b
    state = State(relations=[a, b])
    assert [said(unit, state, one) for one in (a, b)] == ["db:0 pg/0", "db:1 pg/0"]
    assert [state.relation(one).id for one in (a, b)] == ["db:0", "db:1"]
    assert state.without_relation(a).relations == (state.relations[1],)


def test_it_is_known_in_what_becomes_of_the_state(unit: Unit) -> None:
    a, b = Relation("db", "pg", [0]), Relation("db", "pg", [0])
    state = State(relations=[a, b]).with_flags("x").with_relation(Relation("ring", units=[1]))
    assert said(unit, state, b) == "db:1 pg/0"


def test_after_a_hook_it_is_the_one_with_its_application(unit: Unit) -> None:
    a, b = Relation("db", "mysql", [0]), Relation("db", "pg", {0: {"host": "h"}})
    then = unit.run("db-relation-changed", State(relations=[a, b]), relation=a)
    assert said(unit, then.state, b) == "db:1 pg/0"
    assert then.relation(b).units["pg/0"]["host"] == "h"
    changed = then.state.with_relation(Relation("db", "pg", {0: {"host": "other"}}, number=1))
    assert said(unit, changed, b) == "db:1 pg/0"


def test_one_that_is_like_another_of_its_application(unit: Unit) -> None:
    state = State(relations=[Relation("db", "pg", {0: {"x": "1"}}), Relation("db", "pg", {0: {"x": "2"}})])
    assert said(unit, state, Relation("db", "pg", {0: {"x": "2"}})) == "db:1 pg/0"


def test_a_peer_relation(unit: Unit) -> None:
    ring = Relation("ring", units=[1])
    assert State(relations=[Relation("db", "pg", [0]), ring]).relation(ring).id == "ring:1"


def test_the_same_object_twice_is_two_relations(unit: Unit) -> None:
    a = Relation("db", "pg", [0])
    with pytest.raises(CharmError, match="there are several relations 'db'; there is db:0, db:1"):
        said(unit, State(relations=[a, a]), a)


def test_one_that_the_state_does_not_have(unit: Unit) -> None:
    state = State(relations=[Relation("ring", units=[1])])
    with pytest.raises(CharmError, match="there is no relation 'db'; there is ring:0"):
        said(unit, state, Relation("db", "pg", [0]))
    with pytest.raises(CharmError, match="there is no relation 'db:7'"):
        said(unit, state, Relation("db", "pg", [0], number=7))
