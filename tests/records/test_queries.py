"""Records that are looked for: comparisons, predicates, order, limits, indexes, what SQLite must not say."""

from __future__ import annotations

from typing import Any, List, Optional

import pytest
from charmhelpers.core import unitdata

from charms_reactive._unit_state import unit_state
from charms_reactive.records import (
    Record,
    RecordAmbiguousError,
    RecordError,
    RecordExistsError,
    RecordFieldError,
)


class Host(Record, key="name", index=["zone", "weight"], unique="address"):
    name: str
    zone: str = "a"
    weight: float = 0
    address: Optional[str] = None
    tags: List[str] = []  # noqa: RUF012 -- each record has its own


class Plain(Record, key="name"):
    name: str
    zone: str = "a"
    weight: float = 0
    tags: List[str] = []  # noqa: RUF012


@pytest.fixture(params=[Host, Plain], ids=["indexed", "not indexed"])
def hosts(request: pytest.FixtureRequest) -> Any:
    """Five records, of a class with indexes and of one without: both find the same."""
    kind: Any = request.param
    for number, zone in enumerate("abcab"):
        kind.create(name="h%d" % number, zone=zone, weight=number, tags=["t%d" % (number % 2)])
    return kind


def names(found: Any) -> List[str]:
    return [one.name for one in found]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({}, "01234"),
        ({"zone": "a"}, "03"),
        ({"zone": "a", "weight": 3}, "3"),
        ({"zone__eq": "b"}, "14"),
        ({"zone__ne": "a"}, "124"),
        ({"weight__lt": 2}, "01"),
        ({"weight__le": 2}, "012"),
        ({"weight__gt": 2.5}, "34"),
        ({"weight__ge": 2, "weight__lt": 4}, "23"),
        ({"zone__in": ["b", "c"]}, "124"),
        ({"zone__in": ()}, ""),
        ({"zone__startswith": "c"}, "2"),
        ({"tags__contains": "t1"}, "13"),
        ({"name__contains": "4"}, "4"),
        ({"name__gt": "h2"}, "34"),
        ({"name": "h2", "zone": "c"}, "2"),
        ({"name": "h2", "zone": "a"}, ""),
        ({"name__in": ["h0", "nowhere"]}, "0"),
        ({"zone": "nowhere"}, ""),
        ({"tags": ["t1"]}, "13"),
    ],
)
def test_conditions(hosts: Any, conditions: Any, found: str) -> None:
    wanted = ["h" + number for number in found]
    assert names(hosts.filter(**conditions)) == wanted
    query = hosts.where(**conditions)
    assert names(query) == wanted
    assert (query.count(), query.exists()) == (len(wanted), bool(wanted))
    first = query.first()
    assert (first.name if first else None) == (wanted[0] if wanted else None)


def test_a_predicate_sees_the_record(hosts: Any) -> None:
    assert names(hosts.filter(lambda host: host.weight * 2 > 4)) == ["h3", "h4"]
    assert names(hosts.where(lambda host: host.zone == "a", weight__lt=1)) == ["h0"]
    assert names(hosts.where(zone="a").where(lambda host: host.weight > 0)) == ["h3"]
    with pytest.raises(
        RecordError, match="a condition is a function of a record, or FIELD=VALUE, and not str"
    ):
        hosts.filter("zone")


def test_order_and_limit(hosts: Any) -> None:
    assert names(hosts.where().order_by("zone", "-weight")) == ["h3", "h0", "h4", "h1", "h2"]
    assert names(hosts.where().order_by("-name").limit(2)) == ["h4", "h3"]
    assert names(hosts.where().order_by("-name").limit(2, 3)) == ["h1", "h0"]
    assert names(hosts.where(zone="a").limit(1)) == ["h0"]
    assert hosts.where().limit(3).count() == 3
    assert hosts.where().limit(0).first() is None
    with pytest.raises(RecordFieldError, match="no such field"):
        hosts.where().order_by("size")


def test_what_has_no_value_comes_first_and_is_neither_less_nor_more() -> None:
    Host.create(name="a", address="10.0.0.2")
    Host.create(name="b")
    Host.create(name="c", address="10.0.0.1")
    assert names(Host.where().order_by("address")) == ["b", "c", "a"]
    assert names(Host.filter(address__lt="10.0.0.2")) == ["c"]
    assert names(Host.filter(address=None)) == ["b"]
    assert names(Host.filter(address__ne=None)) == ["a", "c"]


def test_a_query_looks_anew_each_time(hosts: Any) -> None:
    query = hosts.where(zone="a")
    assert query.count() == 2
    hosts.create(name="h9")
    assert names(query) == ["h0", "h3", "h9"]


def test_update_and_delete_what_was_found(hosts: Any) -> None:
    assert hosts.where(zone="a").update(zone="z", weight=9) == 2
    assert [(one.name, one.weight) for one in hosts.filter(zone="z")] == [("h0", 9), ("h3", 9)]
    assert hosts.where(zone__in=["b", "z"]).delete() == 4
    assert names(hosts.all()) == ["h2"]


def test_if_one_cannot_be_changed_none_is() -> None:
    class Port(Record, key="number"):
        number: int
        use: str = ""

        def validate(self) -> None:
            if self.number == 2 and self.use:
                raise ValueError("taken")

    Port.create_many([{"number": 1}, Port(number=2), {"number": 3}])
    with pytest.raises(ValueError, match="taken"):
        Port.where().update(use="web")
    assert [port.use for port in Port.all()] == ["", "", ""]
    with pytest.raises(RecordExistsError):
        Port.create_many([{"number": 4}, {"number": 1}])
    assert [port.number for port in Port.all()] == [1, 2, 3]


def test_conditions_that_cannot_be(hosts: Any) -> None:
    for bad in ({"size": 1}, {"zone__like": "a"}, {"size__gt": 1}):
        with pytest.raises(
            RecordFieldError, match=r"no such field; it has name, zone, .*__startswith may follow"
        ):
            hosts.filter(**bad)
    for bad in ({"zone": 1}, {"zone__gt": 1}, {"zone__in": ["a", 1]}):
        with pytest.raises(RecordFieldError, match="field zone: it takes str, and not int"):
            hosts.filter(**bad)


def test_get_or_create() -> None:
    made, new = Host.get_or_create(name="a", defaults={"zone": "z"})
    assert (made.zone, new) == ("z", True)
    assert Host.get_or_create(name="a", defaults={"zone": "y"}) == (made, False)
    Host.create(name="b", zone="z")
    with pytest.raises(RecordAmbiguousError):
        Host.get_or_create(zone="z")


def test_delete_by_key() -> None:
    Host.create(name="a")
    assert Host.delete_by_key("a")
    assert not Host.delete_by_key("a")
    unit_state.unit.set("reactive.records.Host.b", {"name": 3})
    assert Host.delete_by_key("b")
    assert unit_state.unit.getrange("reactive.records.Host.") == {}
    with pytest.raises(RecordFieldError):
        Host.delete_by_key(1)


# -- unique --------------------------------------------------------------------------------------------


def test_a_unique_value_is_given_once() -> None:
    one = Host.create(name="a", address="10.0.0.1")
    with pytest.raises(RecordExistsError, match="with this address, which is unique") as caught:
        Host.create(name="b", address="10.0.0.1")
    assert (caught.value.field, caught.value.key) == ("address", "b")
    assert "10.0.0.1" not in str(caught.value)
    other = Host.create(name="b", address="10.0.0.2")
    other.address = "10.0.0.1"
    with pytest.raises(RecordExistsError):
        other.save()
    assert Host.get("b").address == "10.0.0.2"
    one.weight = 2
    one.save()
    for name in "cd":
        Host.create(name=name)  # None is no value
    one.delete()
    other.save()
    assert Host.get(address="10.0.0.1").name == "b"


# -- indexes -------------------------------------------------------------------------------------------


def indexes() -> List[str]:
    rows = unitdata.kv().conn.execute(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'r%'"
    )
    return sorted(name for (name,) in rows)


def test_an_index_is_made_when_it_is_first_asked_and_undone_with_the_hook() -> None:
    Host.create(name="a")
    unit_state.unit.commit()
    unit_state.unit.begin()
    assert indexes() == []
    assert names(Host.filter(zone="a")) == ["a"]
    made = ["reactive.records.Host." + name for name in ("address", "weight", "zone")]
    assert indexes() == made
    unit_state.unit.rollback()
    assert indexes() == []
    Host.create(name="b", zone="b")
    assert names(Host.filter(zone="a")) == ["a"]
    assert indexes() == made
    assert names(Host.filter(zone="b")) == ["b"]


def test_who_only_looks_outside_of_a_hook_writes_nothing() -> None:
    Host.create(name="a")
    unit_state.unit.commit()
    before = unitdata.kv().conn.total_changes
    assert names(Host.filter(zone="a")) == ["a"]
    assert (indexes(), unitdata.kv().conn.total_changes) == ([], before)
    assert not unitdata.kv().conn.in_transaction


def test_an_index_is_used_and_dropped_when_the_class_has_it_no_more() -> None:
    class First(Record, key="name", name="Thing", index="zone"):
        name: str
        zone: str

    class Second(Record, key="name", name="Thing", index="size"):
        name: str
        zone: str
        size: int = 0

    First.create(name="a", zone="z")
    assert First.filter(zone="z")
    told = unitdata.kv().conn.execute(
        'EXPLAIN QUERY PLAN SELECT key FROM kv INDEXED BY "reactive.records.Thing.zone" WHERE '
        "key >= 'reactive.records.Thing.' AND key < 'reactive.records.Thing/' "
        "AND json_extract(data, '$.zone') = 'z'"
    )
    assert "reactive.records.Thing.zone" in str([tuple(row) for row in told])
    assert names(Second.filter(size=0)) == ["a"]  # which is older than the field
    assert indexes() == ["reactive.records.Thing.size"]


@pytest.mark.parametrize("value", ["a\0b", "ä", "", "'", "\\", "\ud800", "1", "null", "x" * 5000])
def test_text_that_sqlite_may_read_in_another_way_is_found(value: str) -> None:
    Host.create(name="a", zone=value)
    Host.create(name="b", zone="a")
    assert names(Host.filter(zone=value)) == ["a"]
    assert names(Host.filter(zone__in=[value, "nowhere"])) == ["a"]


@pytest.mark.parametrize("value", [2**70, -(2**63), 1.5, 0, 2**53 + 1])
def test_so_is_a_number(value: float) -> None:
    Host.create(name="a", weight=value)
    Host.create(name="b", weight=7)
    assert names(Host.filter(weight=value)) == ["a"]
    assert names(Host.filter(weight__ge=max(value, 7))) == (["b"] if value < 7 else ["a"])


def test_true_is_not_one_for_a_field_that_may_be_both() -> None:
    class Flag(Record, key="name", index="value"):
        name: str
        value: bool | str = False

    Flag.create(name="a", value=True)
    Flag.create(name="b", value="1")
    assert [flag.name for flag in Flag.filter(value=True)] == ["a"]
    assert [flag.name for flag in Flag.filter(value="1")] == ["b"]


@pytest.mark.parametrize("break_it", ["no JSON", "no functions"])
def test_without_json_in_sqlite_it_takes_longer_and_finds_the_same(
    break_it: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Host.create(name="a", weight=1)
    Host.create(name="b", weight=2)
    if break_it == "no JSON":
        raw = "INSERT INTO kv (key, data) VALUES ('reactive.records.Host.c', 'no json')"
        unitdata.kv().conn.execute(raw)
    else:
        from charms_reactive._records import queries

        monkeypatch.setattr(queries, "_stored_value", lambda name: "no_such_function(data, '%s')" % name)
    assert names(Host.filter(weight=2)) == ["b"]
    assert names(Host.filter(weight=2)) == ["b"]
    assert indexes() == []


def test_the_row_factory_of_a_charm_changes_nothing() -> None:
    conn = unitdata.kv().conn
    conn.row_factory = lambda cursor, row: {"odd": row}
    try:
        Host.create(name="a", zone="z")
        assert names(Host.filter(zone="z")) == names(Host.all()) == ["a"]
        assert Host.get("a").zone == "z"
    finally:
        conn.row_factory = None


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # charmhelpers' own
def test_within_hook_data_records_have_a_history_as_all_rows_have() -> None:
    kv = unitdata.kv()
    with kv.hook_scope("install"):
        one = Host.create(name="a")
        one.zone = "b"
        one.save()
        assert names(Host.filter(zone="b")) == ["a"]
        kept = kv.gethistory("reactive.records.Host.a")
    assert len(kept) == 1
