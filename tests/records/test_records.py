"""Records: made, found, changed and deleted, and what is refused."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Union

import pytest
from charmhelpers.core import unitdata

from charms_reactive._unit_state import unit_state
from charms_reactive.errors import ReactiveError
from charms_reactive.records import (
    Record,
    RecordAmbiguousError,
    RecordDefinitionError,
    RecordError,
    RecordExistsError,
    RecordFieldError,
    RecordNotFoundError,
)
from framework.support import Framework


class Setting(Record, key="key"):
    key: str
    value: Optional[str] = None
    sensitive: bool = False


class Node(Record):
    address: str
    weight: float = 1
    tags: List[str] = []  # noqa: RUF012 -- each record gets a list of its own
    ports: Dict[str, List[int]] = {}  # noqa: RUF012
    note: Union[int, str, None] = None
    anything: Any = None


def rows(prefix: str = "reactive.records.") -> Dict[str, Any]:
    return {key: json.loads(data) for key, data in _raw(prefix).items()}


def _raw(prefix: str) -> Dict[str, str]:
    query = "SELECT key, data FROM kv WHERE substr(key, 1, ?) = ?"
    return dict(unitdata.kv().conn.execute(query, (len(prefix), prefix)))


# -- the life of a record ------------------------------------------------------------------------------


def test_a_record_is_a_row_of_the_unit_state() -> None:
    Setting.create(key="colour", value="red")
    assert rows() == {
        "reactive.records.Setting.colour": {"key": "colour", "value": "red", "sensitive": False}
    }
    setting = Setting.get("colour")
    setting.value = "blue"
    assert Setting.get("colour").value == "red"
    setting.save()
    assert Setting.get("colour").value == "blue"
    setting.delete()
    assert rows() == {}


def test_records_without_a_key_field_are_numbered_and_no_number_comes_twice() -> None:
    first, second = Node.create(address="10.0.0.1"), Node.create(address="10.0.0.2")
    assert (first.id, second.id) == (1, 2)
    second.delete()
    assert Node.create(address="10.0.0.3").id == 3
    assert [node.address for node in Node.all()] == ["10.0.0.1", "10.0.0.3"]


def test_more_than_nine_come_in_the_order_of_their_making() -> None:
    for number in range(12):
        Node.create(address=str(number))
    assert [node.id for node in Node.all()] == list(range(1, 13))


def test_a_record_that_is_constructed_is_kept_once_it_is_saved() -> None:
    node = Node(address="10.0.0.1")
    assert node.id is None
    assert Node.all() == []
    node.save()
    assert (node.id, Node.all()) == (1, [node])


def test_finding() -> None:
    for key, value, sensitive in (("b", "1", True), ("a", "1", False), ("c", "2", True)):
        Setting.create(key=key, value=value, sensitive=sensitive)
    assert [setting.key for setting in Setting.all()] == ["a", "b", "c"]
    assert [setting.key for setting in Setting.filter(sensitive=True)] == ["b", "c"]
    assert [setting.key for setting in Setting.filter(sensitive=True, value="1")] == ["b"]
    assert [setting.key for setting in Setting.filter(key="a")] == ["a"]
    assert Setting.filter(key="a", value="2") == []
    assert Setting.filter() == Setting.all()
    assert Setting.get("a") == Setting.get(key="a") == Setting.get(value="1", sensitive=False)
    assert Node.get(id=Node.create(address="x").id).address == "x"


def test_getting_what_is_not_there() -> None:
    with pytest.raises(RecordNotFoundError, match="Setting: there is no record of this key") as caught:
        Setting.get("nowhere")
    assert isinstance(caught.value, LookupError)
    assert isinstance(caught.value, ReactiveError)
    assert (caught.value.record, caught.value.key) == ("Setting", "nowhere")
    assert Setting.get("nowhere", None) is None
    with pytest.raises(RecordNotFoundError, match="there is no record with this value, sensitive") as sought:
        Setting.get(value="x", sensitive=True)
    assert sought.value.key == {"value": "x", "sensitive": True}
    Setting.create(key="a", value="x")
    Setting.create(key="b", value="x")
    with pytest.raises(RecordAmbiguousError, match="2 records have this value"):
        Setting.get(value="x")
    for bad in ({}, {"key": "a"}):
        with pytest.raises(RecordError, match=r"get\(\)"):
            Setting.get(*(["a"] if bad else []), **bad)


def test_a_key_is_unique_and_stays_what_it_is() -> None:
    setting = Setting.create(key="a", value="first")
    with pytest.raises(RecordExistsError, match="there is a record of this key already") as caught:
        Setting.create(key="a", value="second")
    assert caught.value.key == "a"
    assert isinstance(caught.value, ValueError)
    with pytest.raises(RecordFieldError, match="it is the key"):
        setting.key = "b"
    setting.key = "a"
    assert Setting.get("a").value == "first"


def test_equality_and_repr() -> None:
    setting = Setting.create(key="a", value="x")
    assert setting == Setting.get("a")
    setting.value = "y"
    assert setting != Setting.get("a")
    assert setting != "a"
    assert Setting(key="b") == Setting(key="b")
    assert repr(setting) == "<Setting, key: str, value: str, sensitive: bool>"
    assert repr(Node(address="x")).startswith("<Node, id: NoneType, address: str, weight: int, tags: list, ")


def test_what_is_inside_a_list_or_dict_is_noticed_by_save() -> None:
    node = Node.create(address="x", tags=["a"], ports={"http": [80]})
    node.tags.append("b")
    node.ports["http"].append(8080)
    node.save()
    again = Node.get(node.id)
    assert (again.tags, again.ports) == (["a", "b"], {"http": [80, 8080]})
    again.tags.clear()
    assert Node.get(node.id).tags == ["a", "b"]
    assert Node(address="y").tags == []


def test_a_list_that_was_given_belongs_to_the_giver() -> None:
    tags = ["a"]
    node = Node.create(address="x", tags=tags)
    tags.append("b")
    assert Node.get(node.id).tags == ["a"]


def test_saving_what_is_unchanged_writes_nothing() -> None:
    setting = Setting.create(key="a")
    before = unitdata.kv().conn.total_changes
    setting.save()
    Setting.get("a").save()
    assert unitdata.kv().conn.total_changes == before


# -- other objects, other writers ----------------------------------------------------------------------


def test_save_writes_what_this_object_has_changed_and_takes_over_the_rest() -> None:
    Setting.create(key="a", value="old")
    one, other = Setting.get("a"), Setting.get("a")
    one.sensitive = True
    one.save()
    other.value = "new"
    other.save()
    assert Setting.get("a") == other == Setting(key="a", value="new", sensitive=True)
    one.refresh()
    assert one == other


def test_the_last_of_two_that_change_the_same_field_wins() -> None:
    Setting.create(key="a", value="old")
    one, other = Setting.get("a"), Setting.get("a")
    one.value, other.value = "one", "other"
    one.save()
    other.save()
    assert Setting.get("a").value == "other"


def test_another_writer_of_the_row_is_seen() -> None:
    setting = Setting.create(key="a", value="old")
    unitdata.kv().set("reactive.records.Setting.a", {"key": "a", "value": "raw", "sensitive": False})
    assert Setting.get("a").value == "raw"
    setting.sensitive = True
    setting.save()
    assert Setting.get("a") == Setting(key="a", value="raw", sensitive=True)


def test_a_record_that_was_deleted_cannot_be_saved_or_deleted() -> None:
    setting = Setting.create(key="a")
    other = Setting.get("a")
    setting.delete()
    for gone in (setting, other):
        gone.value = "x"
        for use in (gone.save, gone.delete, gone.refresh):
            with pytest.raises(RecordNotFoundError, match="it was deleted"):
                use()
    assert Setting.all() == []
    assert setting.key == "a"
    Setting.create(key="a")
    with pytest.raises(RecordNotFoundError):
        setting.save()


def test_what_was_never_saved_cannot_be_deleted() -> None:
    with pytest.raises(RecordNotFoundError, match="never saved"):
        Setting(key="a").delete()


def test_after_a_rollback_the_rows_are_the_truth(charm: Framework) -> None:
    old = Setting.create(key="old", value="before")
    unit_state.unit.commit()
    new = Setting.create(key="new")
    old.value = "after"
    old.save()
    unit_state.unit.rollback()
    assert Setting.all() == [Setting(key="old", value="before")]
    with pytest.raises(RecordNotFoundError, match="rolled back"):
        new.save()
    old.save()
    assert old.value == "before"
    old.value = "after"
    old.save()
    assert Setting.get("old").value == "after"


# -- what is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("address", 1, "it takes str, and not int$"),
        ("address", None, "it takes str, and not NoneType$"),
        ("weight", "1", "it takes float"),
        ("weight", True, "it takes float"),
        ("weight", float("nan"), "not a number that JSON does not have"),
        ("weight", float("inf"), "not a number that JSON does not have"),
        ("tags", ("a",), "would come back as a list"),
        ("tags", ["a", 1], "it takes list of str, and not list of int, str$"),
        ("ports", {"http": ["80"]}, "it takes dict of str to list of int, and not dict of str to list$"),
        ("ports", {80: [80]}, "it takes dict of str to list of int, and not dict of int to list$"),
        ("note", 1.5, "it takes int or str or None"),
        ("anything", object(), "it takes anything that JSON can hold"),
        ("anything", {"a": {1, 2}}, "it takes anything that JSON can hold"),
        ("anything", {1: "a"}, "it takes anything that JSON can hold"),
        ("anything", b"a", "and not bytes$"),
        ("anything", Node, "and not class Node$"),
    ],
)
def test_a_value_that_its_field_does_not_take_is_refused_at_once(field: str, value: Any, words: str) -> None:
    node = Node(address="x")
    with pytest.raises(RecordFieldError, match=words) as caught:
        setattr(node, field, value)
    error = caught.value
    assert isinstance(error, TypeError)
    assert (error.record, error.field) == ("Node", field)
    assert error.value is value
    assert error.expected is not None
    assert str(error).startswith("Node: field %s: " % field)
    with pytest.raises(RecordFieldError, match=words):
        Node.create(**{"address": "x", field: value})
    assert rows() == {}


def test_a_list_that_contains_itself_is_refused() -> None:
    endless: List[Any] = []
    endless.append(endless)
    with pytest.raises(RecordFieldError, match="JSON"):
        Node(address="x", anything=endless)


def test_what_is_put_into_a_list_is_checked_when_the_record_is_saved() -> None:
    node = Node.create(address="x")
    node.tags.append(1)  # type: ignore[arg-type]
    with pytest.raises(RecordFieldError, match="it takes list of str"):
        node.save()
    assert Node.get(node.id).tags == []


def test_fields_that_are_missing_or_unknown() -> None:
    with pytest.raises(RecordFieldError, match="field address: it has no value and no default; it takes str"):
        Node.create()
    with pytest.raises(RecordFieldError, match="no such field; it has key, value, sensitive") as caught:
        Setting.create(key="a", valeu="x")
    assert caught.value.field == "valeu"
    with pytest.raises(RecordFieldError, match="no such field"):
        Setting(key="a").valeu = "x"  # type: ignore[attr-defined]
    with pytest.raises(RecordFieldError, match="no such field"):
        Setting.filter(valeu="x")
    with pytest.raises(RecordFieldError, match="it takes bool"):
        Setting.filter(sensitive="yes")
    with pytest.raises(RecordFieldError, match="it takes str"):
        Setting.get(3)
    with pytest.raises(RecordFieldError, match="it takes int"):
        Node.get("3")


@pytest.mark.parametrize("key", ["", "a.b", "ä 'quoted' %", "x" * 1000, "a\nb", "a\0b"])
def test_any_text_can_be_a_key(key: str) -> None:
    Setting.create(key=key, value="x")
    assert [setting.key for setting in Setting.all()] == [key]
    assert Setting.get(key).value == "x"


def test_half_a_character_cannot_be_a_key() -> None:
    with pytest.raises(RecordFieldError, match="no text has"):
        Setting.create(key="\ud800")


def test_the_base_class_has_no_records() -> None:
    with pytest.raises(RecordDefinitionError, match="subclass"):
        Record.all()
    with pytest.raises(RecordDefinitionError, match="subclass"):
        Record()
