"""Relation data: reading, publishing what differs, and the lists and mappings it is seen through."""

from __future__ import annotations

import copy
import json
from typing import Any, Dict, List

import pytest
import yaml
from charmhelpers.core import hookenv
from fakes import Juju

from charms_reactive import endpoint_from_name
from charms_reactive._juju import relation_data
from charms_reactive._unit_state import unit_state
from charms_reactive.endpoints import CachedKeyList, JSONUnitDataView, KeyList, UnitDataView
from charms_reactive.errors import HookToolError, ReactiveError, RelationDataError, RelationToolError


@pytest.fixture
def relation(charm: Any, juju: Juju) -> Any:
    """A relation with a unit and data on both sides, in a hook that has begun."""
    charm.metadata(requires={"db": "mysql"})
    charm.interface("mysql", "requires", "class Requires(Endpoint):\n    pass\n")
    known = juju.relate("db:1", "mysql", {"mysql/0": {"json": '{"a": 1}', "raw": "{x"}}, {"v": "8"})
    known.local_unit["name"] = '"app"'
    charm.start("db-relation-changed", "db:1", "mysql/0")
    return endpoint_from_name("db").relations["db:1"]


def published(juju: Juju) -> List[Any]:
    return juju.calls_of("relation-set")


# -- reading --------------------------------------------------------------------------------------
def test_received_data_is_decoded(relation: Any) -> None:
    received = relation.units[0].received
    assert received["json"] == {"a": 1}
    assert received["raw"] == "{x"
    assert received["missing"] is None
    assert received.get("missing") is None
    assert received.get("missing", 5) == 5
    assert received.get("json") == {"a": 1}
    assert dict(received) == {"json": {"a": 1}, "raw": "{x"}
    assert sorted(received.items()) == [("json", {"a": 1}), ("raw", "{x")]
    assert "json" in received
    assert "missing" not in received
    assert len(received) == 2
    assert not received.writeable
    assert not received.modified


def test_raw_data_is_text(relation: Any) -> None:
    raw = relation.units[0].received_raw
    assert raw is relation.units[0].received.raw_data
    assert dict(raw) == {"json": '{"a": 1}', "raw": "{x"}
    assert raw["missing"] is None
    assert raw.get("missing", "d") == "d"


@pytest.mark.parametrize("view", ["received", "received_raw"])
def test_received_data_cannot_be_changed(relation: Any, view: str) -> None:
    for data in (getattr(relation.units[0], view), getattr(relation.joined_units, view)):
        before = dict(data)
        for change in (
            lambda data=data: data.__setitem__("json", "x"),
            lambda data=data: data.__delitem__("json"),
            lambda data=data: data.pop("json"),
            lambda data=data: data.clear(),
            lambda data=data: data.update(json="x"),
            lambda data=data: data.setdefault("new", "x"),
            lambda data=data: data.__ior__({"json": "x"}),
        ):
            with pytest.raises(ValueError, match=r"db:1, data of mysql/0, field (json|raw|new): .*changed"):
                change()
        assert dict(data) == before
        assert data.setdefault("json", "x") == before["json"]


@pytest.mark.parametrize("view", ["to_publish", "to_publish_raw"])
def test_data_to_publish_is_updated_where_it_is(relation: Any, view: str) -> None:
    data = published = getattr(relation, view)
    before = dict(data)
    data |= {"a": "1", "b": "2"}
    assert data is published
    assert dict(getattr(relation, view)) == {**before, "a": "1", "b": "2"}


def test_received_data_is_not_what_charmhelpers_works_with(relation: Any) -> None:
    received = relation.units[0].received
    hookenv.relation_for_unit("mysql/0", "db:1")
    hookenv.relation_get(unit="mysql/0", rid="db:1")["__unit__"] = "mysql/0"
    assert sorted(received) == ["json", "raw"]


def test_data_of_the_application(relation: Any, juju: Juju) -> None:
    assert relation.received_app["v"] == 8
    assert relation.received_app_raw["v"] == "8"
    with pytest.raises(ValueError, match="db:1, data of mysql, field v"):
        relation.received_app["v"] = 9


@pytest.mark.parametrize("leader", [True, False])
def test_data_of_an_application_without_units_is_never_our_own(
    relation: Any, juju: Juju, charm: Any, leader: bool
) -> None:
    juju.leader = leader
    juju.relations["db:1"].units.clear()
    juju.relations["db:1"].local_application["secret"] = "1"
    charm.start("update-status")
    assert dict(endpoint_from_name("db").relations["db:1"].received_app) == {"v": 8}


def test_data_of_an_application_that_nobody_may_read_any_more_is_empty(
    relation: Any, juju: Juju, charm: Any
) -> None:
    juju.relations["db:1"].units.clear()
    charm.start("update-status", JUJU_RELATION_ID="db:1", JUJU_REMOTE_APP="elsewhere")
    assert dict(endpoint_from_name("db").relations["db:1"].received_app) == {}


def test_data_of_a_unit_that_juju_refuses(relation: Any, juju: Juju) -> None:
    with pytest.raises(RelationToolError, match=r"relation-get, relation db:1: the data of x/0 .*status 1"):
        relation_data.read("db:1", "x/0")
    assert relation_data.read("db:99", "x/0") == {}  # which is how a gone relation has always read


# -- publishing -----------------------------------------------------------------------------------
def test_what_differs_is_published_in_one_process(relation: Any, charm: Any, juju: Juju) -> None:
    relation.to_publish["b"] = {"z": 1, "a": [1, 2]}
    relation.to_publish["name"] = "app"  # which it is
    relation.to_publish_raw["port"] = 80
    relation.to_publish_raw["text"] = "x"
    assert relation.to_publish["b"] == {"a": [1, 2], "z": 1}
    assert relation.to_publish.modified
    assert published(juju) == []
    charm.finish()
    assert juju.relations["db:1"].local_unit == {
        "ingress-address": "10.0.0.1",
        "name": '"app"',
        "b": '{"a": [1, 2], "z": 1}',
        "port": "80",
        "text": "x",
    }
    assert published(juju) == [("-r", "db:1", "--file", "-")]
    assert juju.count("relation-get") == 2  # the remote unit's data and our own


def test_nothing_is_published_that_did_not_change(relation: Any, charm: Any, juju: Juju) -> None:
    relation.to_publish["name"] = "app"
    relation.to_publish["new"] = 1
    del relation.to_publish["new"]
    relation.to_publish["none"] = None
    relation.to_publish_raw["empty"] = ""
    assert not relation.to_publish.modified
    charm.finish()
    assert published(juju) == []


def test_what_is_only_read_is_not_published(relation: Any, charm: Any, juju: Juju) -> None:
    assert relation.to_publish["name"] == "app"
    charm.finish()
    assert published(juju) == []


@pytest.mark.parametrize("view", ["to_publish", "to_publish_raw"])
@pytest.mark.parametrize("how", ["del", "pop", "none", "clear"])
def test_a_key_is_taken_away(relation: Any, charm: Any, juju: Juju, view: str, how: str) -> None:
    data = getattr(relation, view)
    if how == "del":
        del data["name"]
    elif how == "pop":
        assert data.pop("name") in ("app", '"app"')
    elif how == "none":
        data["name"] = None
    else:
        data.clear()
    assert data["name"] is None
    assert "name" not in data
    charm.finish()
    assert "name" not in juju.relations["db:1"].local_unit


def test_a_key_that_is_not_there_cannot_be_taken_away(relation: Any) -> None:
    for data in (relation.to_publish, relation.to_publish_raw):
        with pytest.raises(KeyError):
            del data["missing"]
        with pytest.raises(KeyError):
            data.pop("missing")
        assert data.pop("missing", 3) == 3
        assert not data.modified


def test_what_the_charm_itself_sets_meanwhile_stays(relation: Any, charm: Any, juju: Juju) -> None:
    relation.to_publish["a"] = 1
    hookenv.relation_set("db:1", {"name": '"other"', "mine": "1"})
    charm.finish()
    local = juju.relations["db:1"].local_unit
    assert (local["name"], local["mine"], local["a"]) == ('"other"', "1", "1")


def test_an_update_of_the_stored_value_leaves_a_stale_one_alone(relation: Any) -> None:
    value = relation.to_publish.setdefault("list", [1])
    value.append(2)
    assert relation.to_publish["list"] == [1]


def test_publishing_twice_publishes_once(relation: Any, charm: Any, juju: Juju) -> None:
    relation.to_publish["a"] = 1
    relation._flush_data()
    assert juju.relations["db:1"].local_unit["a"] == "1"
    assert hookenv.relation_get("a", unit="app/0", rid="db:1") == "1"
    relation._flush_data()
    charm.finish()
    assert len(published(juju)) == 1
    assert not relation.to_publish.modified


def test_a_value_that_json_cannot_hold(relation: Any) -> None:
    with pytest.raises(TypeError):
        relation.to_publish["a"] = object()
    assert not relation.to_publish.modified


def test_the_leader_publishes_for_its_application(relation: Any, charm: Any, juju: Juju) -> None:
    relation.to_publish_app["version"] = [1]
    relation.to_publish_app_raw["raw"] = "x"
    relation.to_publish["unit"] = 1
    charm.finish()
    assert juju.relations["db:1"].local_application == {"version": "[1]", "raw": "x"}
    assert juju.relations["db:1"].local_unit["unit"] == "1"
    assert published(juju) == [("-r", "db:1", "--file", "-"), ("--app", "-r", "db:1", "--file", "-")]


def test_only_the_leader_may_read_what_its_application_publishes(relation: Any, juju: Juju) -> None:
    juju.leader = False
    with pytest.raises(RelationToolError, match=r"db:1: the data of app .*only the leader") as caught:
        relation.to_publish_app["x"] = 1
    assert isinstance(caught.value, (HookToolError, ReactiveError))
    assert (caught.value.returncode, caught.value.tool, caught.value.relation) == (1, "relation-get", "db:1")


def test_only_the_leader_may_publish_for_its_application(relation: Any, charm: Any, juju: Juju) -> None:
    relation.to_publish_app["x"] = 1
    juju.leader = False  # it lost that in mid-hook
    with pytest.raises(RelationToolError, match=r"relation-set, relation db:1: .*only the leader"):
        charm.finish()


def test_relation_set_that_is_not_there(relation: Any, charm: Any, juju: Juju) -> None:
    relation.to_publish["x"] = 1
    juju.missing.append("relation-set")
    with pytest.raises(HookToolError, match="relation-set: cannot be run"):
        charm.finish()


def test_a_relation_set_of_the_charms_own_is_used(
    relation: Any, charm: Any, juju: Juju, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: List[Any] = []
    monkeypatch.setattr(hookenv, "relation_set", lambda *args, **kwargs: calls.append((args, kwargs)))
    relation.to_publish["x"] = 1
    relation.to_publish["name"] = None
    relation.to_publish_app["y"] = 2
    charm.finish()
    assert calls == [(("db:1", {"x": "1", "name": None}), {}), (("db:1", {"y": "2"}), {"app": True})]
    assert published(juju) == []


NASTY: Dict[str, str] = {
    "quote'\"\\": "'\"\\ : # - ? {a} %TAG !x &y *z",
    "white": " \t\r\n lead and trail \n\n",
    "control": "".join(map(chr, range(1, 0xA0))),
    "breaks": "\x85\u2028\u2029\ufeff\ufffe\uffff",
    "astral": "\U0001f600",
    "null": "null",
    "tilde": "~",
    "yes": "yes",
    "number": "0x10",
    "key: colon": "1",
    "? mark": "1",
    "k" * 5000: "1",
    "large": "x\n" * 600000,
}


def test_text_of_any_content_arrives_as_it_is(relation: Any, charm: Any, juju: Juju) -> None:
    relation.to_publish_raw.update(NASTY)
    charm.finish()
    local = juju.relations["db:1"].local_unit
    assert {key: local[key] for key in NASTY} == NASTY


def test_what_is_published_is_yaml_without_raw_specials() -> None:
    text = "".join(relation_data._as_yaml("db:1", "app/0", key, value) for key, value in NASTY.items())
    assert yaml.safe_load(text) == NASTY
    assert not set(text) & set("\x7f\x85\u2028\u2029\ufeff\r\t")
    # Parsers refuse surrogates, so a character beyond 16 bits has to stand as it is.
    assert "\U0001f600" in text


def test_half_a_character_cannot_be_published(relation: Any, charm: Any, juju: Juju) -> None:
    relation.to_publish["json"] = "\ud800"
    relation.to_publish_raw["raw"] = "\ud800"
    with pytest.raises(RelationDataError, match="db:1, data of app/0, field 'raw': it is no text") as caught:
        charm.finish()
    assert (caught.value.relation, caught.value.unit) == ("db:1", "app/0")


# -- the views ------------------------------------------------------------------------------------
def test_views_stand_on_their_own() -> None:
    raw = UnitDataView({"a": "1"}, writeable=True)
    raw["b"] = "2"
    assert (raw.modified, raw.writeable, raw.data) == (True, True, {"a": "1", "b": "2"})
    view = JSONUnitDataView({"b": "{}"}, True)
    view["a"] = {"y": 1, "x": 2}
    assert view.raw_data["a"] == '{"x": 2, "y": 1}'
    assert view.data is view.raw_data
    assert view.setdefault("a", 3) == {"x": 2, "y": 1}
    assert view.setdefault("c", 3) == 3
    assert view.get("d", 4) == 4
    assert (UnitDataView(None).get("x"), len(JSONUnitDataView(None))) == (None, 0)


def test_a_copy_of_a_view_is_a_mapping() -> None:
    for view in (UnitDataView({"a": "1"}), JSONUnitDataView({"a": "1"})):
        for duplicate in (view.copy(), copy.copy(view)):
            duplicate["a"] = "new"
            assert type(duplicate) is dict
        assert view["a"] in ("1", 1)


def test_merged_data_of_units(charm: Any, juju: Juju) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface("mysql", "requires", "class Requires(Endpoint):\n    pass\n")
    juju.relate("db:1", "m", {"m/1": {"k0": "1-1", "k1": "x"}, "m/0": {"k0": "1-0"}})
    juju.relate("db:0", "m", {"m/1": {"k0": "0-1", "k2": '["y"]'}})
    charm.start("update-status")
    endpoint = endpoint_from_name("db")
    units = endpoint.all_joined_units
    assert (units.received["k0"], units.received["k1"], units.received["k2"]) == ("0-1", "x", ["y"])
    assert units.received["missing"] is None
    assert units.received_raw["k2"] == '["y"]'
    assert endpoint.relations["db:1"].joined_units.received["k0"] == "1-0"
    assert units["m/1"] is endpoint.relations["db:0"].units["m/1"]


# -- the lists ------------------------------------------------------------------------------------
class Item:
    def __init__(self, name: str) -> None:
        self.name = name

    def _serialize(self) -> str:
        return self.name


def test_key_lists_are_lists_and_mappings() -> None:
    items = [Item("a"), Item("b"), Item("a")]
    known = KeyList(iter(items), "name")
    assert known["a"] is known[0] is items[0]
    assert known[-1] is items[2]
    assert known[1:] == items[1:]
    assert known.keys() == ["a", "b", "a"]
    assert known.values() == items
    assert dict(known.items()) == {"a": items[2], "b": items[1]}
    assert "a" in known
    assert items[1] in known
    assert "c" not in known
    with pytest.raises(KeyError):
        known["c"]
    assert known.pop("a") is items[0]
    assert known.pop() is items[2]
    del known["b"]
    assert known == []
    with pytest.raises(IndexError):
        known[0]


def test_cached_key_lists_are_written_at_each_change(charm: Any) -> None:
    def stored() -> Any:
        return unit_state.unit.get("k.list")

    known = CachedKeyList.load("k.list", Item, "name")
    assert known == []
    known.append(Item("a"))
    assert stored() == ["a"]
    known.extend([Item("b"), Item("c")])
    known += [Item("d")]
    known.insert(0, Item("z"))
    assert stored() == ["z", "a", "b", "c", "d"]
    assert CachedKeyList.load("k.list", Item, "name").keys() == ["z", "a", "b", "c", "d"]
    assert known.pop("z").name == "z"
    assert known.pop().name == "d"
    known["b"] = Item("B")
    known.remove(known["a"])
    del known["c"]
    assert stored() == ["B"]
    known.clear()
    assert stored() is None
    assert isinstance(CachedKeyList("k.list", [], key_attr="name"), KeyList)


def test_a_cached_key_list_is_rolled_back_with_the_hook(charm: Any) -> None:
    CachedKeyList.load("k.list", Item, "name").append(Item("a"))
    unit_state.unit.commit()
    CachedKeyList.load("k.list", Item, "name").clear()
    unit_state.unit.rollback()
    assert CachedKeyList.load("k.list", Item, "name").keys() == ["a"]
    assert json.loads(charm.rows("k.")["list"]) == ["a"]
