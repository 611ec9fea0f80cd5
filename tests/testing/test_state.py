"""States of a unit as values: never changed, compared, written and read."""

from __future__ import annotations

import contextlib
import copy
import os
import pickle
import sqlite3
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, Dict

import pytest

from charms_reactive.testing import CharmError, Relation, Secret, State, Status, Storage, differences
from charms_reactive.testing._unit import disk


def full() -> State:
    """A state with something of everything."""
    return State(
        config={"port": 8080},
        leader=False,
        flags={"app.installed": None, "db.connected": {"relation": "db", "conversations": ["global"]}},
        relations=[
            Relation("db", "mysql", {0: {"host": "10.0.0.1"}}, data={"version": "8"}, local={"user": "me"}),
            Relation("ring", "app", ["app/1"], number=7),
        ],
        leader_settings={"seed": "1"},
        storages=[Storage("data"), Storage("disk", 3, kind="block", location="/dev/sdb")],
        secrets=[
            Secret(
                {"password": "x"},
                owner="db",
                label="pw",
                access=[("app", "db:0")],
                consumers={"app/0": (1, "")},
            ),
            Secret(revisions={1: {"a": "b"}, 2: {"a": "c"}}, rotate="daily"),
        ],
        resources={"tarball": "/tmp/x.tgz"},
        stored={"reactive.invoked.x": True, "own": {"a": [1, None]}},
        files={"notes.txt": "Grüße", "blob": b"\xff\x00", "gone": None},
        tables=["CREATE TABLE own (a)"],
        unit_status=Status("active", "ready"),
        opened_ports=["80/tcp"],
        address="10.1.2.3",
    )


def test_a_state_is_written_and_read_without_loss() -> None:
    import json

    state = full()
    assert State.from_json(json.loads(state.dumps())) == state
    assert State.from_json(State().to_json()) == State()
    assert State().to_json() == {"format": 1}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "this is no state"),
        ({}, "it has no format"),
        ({"format": 2}, "in format 2, and this version of charms.reactive knows 1"),
        ({"format": 1, "flag": []}, "a state has no flag"),
        ({"format": 1, "relations": [{"endpont": "db"}]}, "endpont"),
        ({"format": 1, "config": [1]}, "config of a state is a mapping"),
        ({"format": 1, "config": 1}, "config of a state is a mapping"),
        ({"format": 1, "files": {"logo": {"base64": "not base64"}}}, "no state of a simulated unit: "),
        ({"format": 1, "files": {"logo": {"base64": 1}}}, "no state of a simulated unit: "),
        ({"format": 1, "files": {"logo": {}}}, "no state of a simulated unit: "),
        ({"format": 1, "files": {"logo": 1}}, "the content of a file is text, bytes or None, not 1"),
        ({"format": 1, "files": ["logo"]}, "no state of a simulated unit: "),
        ({"format": 1, "unit_status": "active"}, "no state of a simulated unit: "),
    ],
)
def test_what_is_no_state_is_refused_with_the_reason(document: Any, says: str) -> None:
    with pytest.raises(CharmError, match=says):
        State.from_json(document)


def test_nothing_in_a_state_can_be_changed() -> None:
    state = full()
    attempts = [
        lambda: setattr(state, "leader", True),
        lambda: state.config.__setitem__("port", 1),  # type: ignore[attr-defined]
        lambda: state.stored["own"].update(a=2),
        lambda: state.stored["own"]["a"].append(2),
        lambda: state.relations[0].units["mysql/0"].pop("host"),  # type: ignore[attr-defined]
        lambda: state.flags.add("x"),  # type: ignore[attr-defined]
    ]
    for attempt in attempts:
        with pytest.raises((TypeError, AttributeError, FrozenInstanceError)):
            attempt()
    assert state == full()


def test_a_state_does_not_change_with_what_it_was_made_of() -> None:
    config: Dict[str, Any] = {"list": [1]}
    state = State(config=config)
    config["list"].append(2)
    assert state.config == {"list": (1,)}


def test_states_can_be_copied_pickled_and_put_into_sets() -> None:
    state = full()
    assert copy.deepcopy(state) == state
    assert pickle.loads(pickle.dumps(state)) == state
    assert {state, full(), State()} == {State(), state}


def test_changes_make_another_state() -> None:
    state = full()
    assert state.with_flags("new").flags == state.flags | {"new"}
    assert state.with_flags("new").flag_values == state.flag_values
    assert not state.without_flags("db.connected").flag_values
    assert state.with_config(port=None, name="x").config == {"name": "x"}
    assert [one.id for one in state.without_relation("db").relations] == ["ring:7"]
    changed = state.with_relation(Relation("db", "mysql", number=state.relation("db").number))
    assert changed.relation("db").units == {}
    assert [one.id for one in changed.relations] == ["db:0", "ring:7"]


def test_relations_get_the_numbers_that_are_free() -> None:
    state = State(relations=[Relation("a"), Relation("b", number=0), Relation("c")])
    assert [one.id for one in state.relations] == ["a:1", "b:0", "c:2"]


def test_a_relation_is_found_by_id_endpoint_or_itself() -> None:
    state = State(relations=[Relation("db", "one"), Relation("db", "two"), Relation("web", "three")])
    assert state.relation("db:1").application == "two"
    assert state.relation("web").application == "three"
    assert state.relation(state.relations[0]).application == "one"
    assert state.relation(Relation("web")).application == "three"
    with pytest.raises(CharmError, match="there are several relations 'db'; there is db:0, db:1, web:2"):
        state.relation("db")
    with pytest.raises(CharmError, match="there is no relation 'mq'"):
        state.relation("mq")


def test_units_are_given_by_number_name_or_list() -> None:
    assert Relation("db", "mysql", {0: {}, 1: {"a": "b"}}).units == {"mysql/0": {}, "mysql/1": {"a": "b"}}
    assert Relation("db", units={"pg/3": {}}).application == "pg"
    assert Relation("db", units=[0]).units == {"remote/0": {}}


def test_relation_data_are_strings_and_an_empty_one_is_none() -> None:
    assert Relation("db", local={"a": "1", "b": ""}).local == {"a": "1"}
    with pytest.raises(CharmError, match="relation data are strings, which 'port': 5432 is not"):
        Relation("db", units={"pg/0": {"port": 5432}})  # type: ignore[dict-item]


def test_a_secret_has_content_or_revisions() -> None:
    assert Secret({"a": "b"}).revisions == {"1": {"a": "b"}}
    assert Secret(revisions={1: {"a": "b"}, 10: {"a": "c"}}).latest == 10
    assert Secret({"a": "b"}, label="x").id == Secret({"c": "d"}, label="x").id != Secret({"a": "b"}).id
    for nothing in ({}, {"content": {"a": "b"}, "revisions": {1: {"a": "b"}}}):
        with pytest.raises(CharmError, match="either content or revisions"):
            Secret(**nothing)  # type: ignore[arg-type]


def test_one_string_is_not_taken_for_many_flags() -> None:
    with pytest.raises(CharmError, match=r"for example \['ready'\]"):
        State(flags="ready")  # type: ignore[arg-type]


def test_differences_say_what_was_added_and_what_is_gone() -> None:
    before = full()
    after = before.with_flags("new").without_flags("app.installed").with_config(port=80)
    after = after.replace(unit_status=Status("blocked", "no"), stored={"own": {"a": [1]}}, opened_ports=[])
    relation = before.relation("db")
    after = after.with_relation(
        Relation("db", "mysql", {0: {"host": "10.0.0.2"}}, number=relation.number, local={"pw": "x"})
    )
    assert differences(before, before) == []
    assert differences(before, after) == [
        "- config port: 8080",
        "+ config port: 80",
        "- flag app.installed",
        "+ flag new",
        "- relation db:0 units mysql/0 host: '10.0.0.1'",
        "+ relation db:0 units mysql/0 host: '10.0.0.2'",
        "- relation db:0 data version: '8'",
        "+ relation db:0 local pw: 'x'",
        "- relation db:0 local user: 'me'",
        "- stored own a: [1, None]",
        "+ stored own a: [1]",
        "- stored reactive.invoked.x: True",
        "- unit status: active: ready",
        "+ unit status: blocked: no",
        "- opened port 80/tcp",
    ]


# -- the file of the unit state ------------------------------------------------------------------------
def test_a_unit_state_that_was_written_before_is_written_again(tmp_path: Path) -> None:
    """A suite runs many hooks in the same state; what the first of them wrote there is not in the next."""
    path, moved = tmp_path / ".unit-state.db", ("/here", "/there")
    table = ("CREATE TABLE own (x)", 'INSERT INTO "own" VALUES (1)')
    path.with_name(path.name + "-journal").write_text("left by a hook that was killed")
    states: Any = [
        (["a", "b"], {"b": {"x": 1}}, {"key": ["/here/file"]}, table),
        ([], {}, {}, ()),
        (["a", "b"], {}, {}, ()),
    ]
    for flags, values, stored, tables in states * 2:
        disk.write_rows(path, moved, flags, values, stored, tables)
        assert os.listdir(tmp_path) == [path.name]
        assert path.stat().st_mode & 0o777 == 0o600
        with contextlib.closing(sqlite3.connect(str(path))) as database:
            keys = [key for (key,) in database.execute("SELECT key FROM kv ORDER BY key")]
            assert keys == [*sorted(stored), *("reactive.states." + flag for flag in flags)]
            database.execute("INSERT INTO kv VALUES ('of the hook', '1')")
            database.commit()
            database.execute("DELETE FROM kv WHERE key = 'of the hook'")
            database.commit()
        rows = disk.Rows(path, (moved[1], moved[0]))
        assert (rows.flags, rows.values, rows.stored, rows.tables) == (flags, values, stored, tables)


def test_only_so_many_unit_states_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / ".unit-state.db"
    for number in range(disk._KEPT + 5):
        disk.write_rows(path, ("", ""), ["flag.%d" % number], {}, {})
    disk.write_rows(path, ("", ""), [], {}, {"long": "x" * disk._LONGEST_KEPT})
    assert len(disk._written) == disk._KEPT
    assert disk.Rows(path, ("", "")).stored == {"long": "x" * disk._LONGEST_KEPT}
