"""The interface ``ring``: units of one application among themselves."""

from __future__ import annotations

from typing import Any

from charms_reactive.testing import Relation, State

HANDLERS = """\
    from charms.reactive import clear_flag, when

    @when("ring.changed")
    def reconfigure():
        clear_flag("ring.changed")
    """


def test_a_unit_alone(layered: Any) -> None:
    given = State(relations=[Relation("ring")])
    then = layered("ring", HANDLERS, peers="ring").run("ring-relation-created", given)
    assert then.flags == {"ring.alone"}


def test_a_unit_tells_the_others_who_is_there(layered: Any) -> None:
    given = State(relations=[Relation("ring", units=[1, 2])], flags=["ring.alone"])
    then = layered("ring", HANDLERS, peers="ring").run("ring-relation-joined", given, unit=2)
    assert then.published == {"ring:0": {"members": '["app/1", "app/2"]'}}
    assert "reconfigure" in then.handlers
    assert not {"ring.alone", "ring.agreed"} & then.flags


def test_all_agree(layered: Any) -> None:
    told = {"members": '["app/0"]'}
    given = State(relations=[Relation("ring", units={1: told, 2: told})])
    unit = layered("ring", HANDLERS, peers="ring")
    then = unit.run("ring-relation-changed", given, unit=1)
    assert "ring.agreed" in then.flags
    quiet = unit.run("update-status", then.state)
    assert "reconfigure" not in quiet.handlers
    assert quiet.published == {}


def test_the_last_of_the_others_leaves(layered: Any) -> None:
    unit = layered("ring", HANDLERS, peers="ring")
    joined = unit.run("ring-relation-joined", State(relations=[Relation("ring", units=[1])]))
    then = unit.run("ring-relation-departed", joined.state)
    assert "ring.alone" in then.flags
