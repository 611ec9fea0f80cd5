"""The relations of a simulated unit: units that come, change and go, and relations that break."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from charms_reactive.testing import CharmError, SimulatedUnit

# Each relation hook of the probe charm runs what the environment says.
EVENTS = ("created", "joined", "changed", "departed", "broken")
SHOW = (
    'echo "$JUJU_HOOK_NAME $JUJU_RELATION $JUJU_RELATION_ID [$JUJU_REMOTE_UNIT] $JUJU_REMOTE_APP'
    ' [$JUJU_DEPARTING_UNIT]"; '
)


@pytest.fixture
def related(charm: Path, tmp_path: Path) -> SimulatedUnit:
    """A unit with hooks for its relations, and one relation: db:0, to pg/0 and pg/1."""
    for endpoint in ("db", "ring"):
        for event in EVENTS:
            hook = charm / "hooks" / ("%s-relation-%s" % (endpoint, event))
            hook.write_text('#!/bin/bash\neval "$COMMAND"\n')
            hook.chmod(0o755)
    unit = SimulatedUnit(charm, tmp_path / "unit")
    unit.add_relation(
        "db", "pg", {"pg/0": {"host": "h0"}, "pg/1": {"host": "h1"}}, application_data={"schema": "s"}
    )
    return unit


def printed(unit: SimulatedUnit, command: str, relation: str, event: str, *remote: str) -> str:
    run = unit.run_relation(relation, event, *remote, COMMAND=command)
    assert run.succeeded, run.stderr
    return run.stdout


@pytest.mark.parametrize(
    ("event", "remote", "shown"),
    [
        ("created", (), "db-relation-created db db:0 [] pg []\n"),
        ("joined", ("pg/1",), "db-relation-joined db db:0 [pg/1] pg []\n"),
        ("changed", ("pg/1",), "db-relation-changed db db:0 [pg/1] pg []\n"),
        ("changed", (), "db-relation-changed db db:0 [] pg []\n"),
        ("departed", ("pg/1",), "db-relation-departed db db:0 [pg/1] pg [pg/1]\n"),
    ],
)
def test_a_relation_hook_knows_what_it_is_about(
    related: SimulatedUnit, event: str, remote: Any, shown: str
) -> None:
    assert printed(related, SHOW, "db:0", event, *remote) == shown


def test_a_unit_that_departs_is_not_listed_but_its_data_can_be_read(related: SimulatedUnit) -> None:
    shown = printed(related, "relation-list; relation-get host pg/1", "db:0", "departed", "pg/1")
    assert shown == "pg/0\nh1\n"
    assert related.related_units("db:0") == ("pg/0",)
    # As long as the relation lasts, and of nobody else.
    assert related.run("probe", COMMAND="relation-get -r db:0 host pg/1").stdout == "h1\n"
    run = related.run("probe", COMMAND="relation-get -r db:0 host pg/7")
    assert run.stderr == (
        'ERROR cannot read settings for unit "pg/7" in relation "db:0": unit "pg/7": settings not found\n'
    )
    related.add_unit("db:0", "pg/1", {"host": "again"})
    assert related.run("probe", COMMAND="relation-get -r db:0 host pg/1").stdout == "again\n"


def test_a_departed_hook_that_failed_can_be_run_again(related: SimulatedUnit) -> None:
    failed = related.run_relation("db:0", "departed", "pg/1", COMMAND="exit 1")
    assert not failed.succeeded
    assert printed(related, "relation-get host", "db:0", "departed", "pg/1") == "h1\n"
    with pytest.raises(CharmError, match="pg/1 is not in db:0: pg/0 are"):
        related.run_relation("db:0", "departed", "pg/1")


def test_a_broken_relation_is_gone_after_its_hook(related: SimulatedUnit) -> None:
    with pytest.raises(CharmError, match="db:0 still has units: pg/0, pg/1"):
        related.run_relation("db:0", "broken")
    for unit in ("pg/0", "pg/1"):
        printed(related, "true", "db:0", "departed", unit)
    assert not related.run_relation("db:0", "broken", COMMAND="exit 1").succeeded
    assert related.relations == ("db:0",)
    assert printed(related, "relation-ids db; relation-list; " + SHOW, "db:0", "broken") == (
        "db-relation-broken db db:0 [] pg []\n"
    )
    assert related.relations == ()
    assert related.run("probe", COMMAND="relation-ids db").stdout == ""


def test_an_id_is_never_used_again(related: SimulatedUnit) -> None:
    for unit in ("pg/0", "pg/1"):
        printed(related, "true", "db:0", "departed", unit)
    printed(related, "true", "db:0", "broken")
    assert related.add_relation("db", "maria") == "db:1"
    assert related.relations == ("db:1",)


def test_a_unit_enters_and_changes_its_data(related: SimulatedUnit) -> None:
    related.add_unit("db:0", "pg/2", {"host": "h2", "note": "x"})
    assert related.related_units("db:0") == ("pg/0", "pg/1", "pg/2")
    related.set_relation_data("db:0", "pg/2", {"host": "new", "note": None, "more": "m"})
    related.set_relation_data("db:0", "pg", {"schema": "", "colour": "red"})
    command = "relation-get --format=json - pg/2; relation-get --format=json --app - pg"
    assert printed(related, command, "db:0", "changed", "pg/2") == (
        '{"host":"new","more":"m"}\n{"colour":"red"}\n'
    )


def test_peers_share_the_data_of_their_own_application(related: SimulatedUnit) -> None:
    ring = related.add_relation("ring", "probe", {"probe/1": {}})
    assert related.run("probe", COMMAND="relation-set -r %s --app a=1" % ring).succeeded
    related.leader = False
    related.set_relation_data(ring, "probe", {"b": "2"})
    shown = printed(related, "relation-get --app --format=json - probe", ring, "changed", "probe/1")
    assert shown == '{"a":"1","b":"2"}\n'
    assert not related.run("probe", COMMAND="relation-set -r %s --app a=3" % ring).succeeded


def test_another_unit_can_lead_and_change_the_settings(related: SimulatedUnit) -> None:
    related.set_leader_settings(motto="ours", old="x")
    related.set_leader_settings(old=None)
    assert related.leader_settings == {"motto": "ours"}
    assert related.run("probe", COMMAND="leader-get motto").stdout == "ours\n"


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda unit: unit.add_unit("db:9", "pg/2"), "no relation 'db:9'; there is db:0"),
        (lambda unit: unit.add_unit("db:0", "other/0"), "other/0 cannot be in db:0, which is with pg"),
        (lambda unit: unit.add_unit("db:0", "pg/0"), "pg/0 is in db:0 already"),
        (lambda unit: unit.set_relation_data("db:0", "pg/9", {}), "'pg/9' is not on the other side of db:0"),
        (lambda unit: unit.set_relation_data("db:0", "probe/0", {}), "'probe/0' is not on the other side"),
        (lambda unit: unit.run_relation("db:0", "joined", "pg/9"), "pg/9 is not in db:0: pg/0, pg/1 are"),
        (lambda unit: unit.run_relation("db:9", "joined"), "no relation 'db:9'"),
        (lambda unit: unit.related_units("db:9"), "no relation 'db:9'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    related: SimulatedUnit, act: Callable[[SimulatedUnit], object], message: str
) -> None:
    with pytest.raises(CharmError, match=message):
        act(related)
