"""What a field can hold beside what JSON has: enumerations, times, bytes, literals, dataclasses, models."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import sys
from typing import Any, Dict, List, Literal, Optional, Union

import pydantic
import pytest

from charms_reactive import events
from charms_reactive._unit_state import unit_state
from charms_reactive.records import Record, RecordDefinitionError, RecordFieldError, Sensitive


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Address:
    host: str
    port: int = 80
    seen: Optional[dt.datetime] = None


class Disk(pydantic.BaseModel):
    size: int
    labels: List[str] = []


NOON = dt.datetime(2026, 11, 29, 12, 0, 0, 5, tzinfo=dt.timezone.utc)


class Thing(Record, key="name", index=["colour", "day", "data"]):
    name: str
    colour: Colour = Colour.RED
    level: Level = Level.LOW
    made: Optional[dt.datetime] = None
    day: Optional[dt.date] = None
    data: bytes = b""
    mode: Literal["rw", "ro"] = "rw"
    address: Optional[Address] = None
    addresses: List[Address] = []  # noqa: RUF012 -- each record has its own
    disks: Dict[str, Disk] = {}  # noqa: RUF012
    when: Union[dt.date, int] = 0


VALUES: Dict[str, Any] = {
    "colour": Colour.BLUE,
    "level": Level.HIGH,
    "made": NOON,
    "day": dt.date(2026, 11, 29),
    "data": b"\x00\xff",
    "mode": "ro",
    "address": Address("a", 1, NOON),
    "addresses": [Address("a"), Address("b", 2)],
    "disks": {"sda": Disk(size=1, labels=["x"])},
    "when": dt.date(2026, 1, 2),
}


def test_what_was_kept_comes_back_as_it_was() -> None:
    made = Thing.create(name="a", **VALUES)
    found = Thing.get("a")
    assert {name: getattr(found, name) for name in VALUES} == VALUES
    assert {name: type(getattr(found, name)) for name in VALUES} == {n: type(v) for n, v in VALUES.items()}
    assert found == made == Thing.all()[0]


def test_how_it_is_stored() -> None:
    Thing.create(name="a", **VALUES)
    assert unit_state.unit.get("reactive.records.Thing.a") == {
        "name": "a",
        "colour": "blue",
        "level": 2,
        "made": "2026-11-29T12:00:00.000005+00:00",
        "day": "2026-11-29",
        "data": "AP8=",
        "mode": "ro",
        "address": {"host": "a", "port": 1, "seen": "2026-11-29T12:00:00.000005+00:00"},
        "addresses": [{"host": "a", "port": 80, "seen": None}, {"host": "b", "port": 2, "seen": None}],
        "disks": {"sda": {"size": 1, "labels": ["x"]}},
        "when": "2026-01-02",
    }


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_change_is_saved_and_told_as_values(name: str) -> None:
    told: List[Any] = []
    events.handle_event(events.PostRecordUpdate[Thing])(lambda event: told.append(event.diff))
    thing = Thing.create(name="a")
    before = getattr(Thing.get("a"), name)
    setattr(thing, name, VALUES[name])
    thing.save()
    thing.save()
    assert told == [{name: (before, VALUES[name])}]
    assert getattr(Thing.get("a"), name) == VALUES[name]


def test_what_is_inside_of_it_is_noticed_and_shared_with_nobody() -> None:
    address = Address("a")
    thing = Thing.create(name="a", address=address)
    address.port = 8080
    assert Thing.get("a").address == Address("a", 80)
    thing.save()
    assert Thing.get("a").address == Address("a", 8080)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("colour", "red", "it takes Colour, and not str"),
        ("made", "2026-11-29", "it takes datetime or None, and not str"),
        ("day", NOON, "it takes date or None, and not datetime"),
        ("data", "x", "it takes bytes, and not str"),
        ("mode", "x", "it takes 'rw' or 'ro', and not str"),
        ("address", {"host": "a"}, "it takes Address or None, and not dict of str to str"),
        ("addresses", [1], "it takes list of Address, and not list of int"),
        ("disks", {"a": 1}, "it takes dict of str to Disk"),
    ],
)
def test_what_is_no_such_value_is_refused(name: str, value: Any, words: str) -> None:
    with pytest.raises(RecordFieldError, match=words):
        Thing.create(name="a", **{name: value})
    with pytest.raises(RecordFieldError, match=words):
        setattr(Thing(name="a"), name, value)


def test_a_dataclass_that_holds_the_wrong_thing_is_found_when_it_is_saved() -> None:
    thing = Thing.create(name="a", address=Address("a"))
    assert thing.address is not None
    thing.address.port = "http"  # type: ignore[assignment]
    with pytest.raises(RecordFieldError, match="it takes Address or None"):
        thing.save()


@pytest.mark.parametrize(
    ("name", "stored"),
    [("colour", "green"), ("made", "noon"), ("data", "!"), ("address", {"port": 1}), ("disks", {"a": {}})],
)
def test_a_row_that_holds_none_is_told_of_by_name(name: str, stored: Any) -> None:
    Thing.create(name="a", **VALUES)
    row = unit_state.unit.get("reactive.records.Thing.a")
    unit_state.unit.set("reactive.records.Thing.a", dict(row, **{name: stored}))
    with pytest.raises(RecordFieldError, match="Thing: field %s: .*migrate" % name) as caught:
        Thing.get("a")
    assert caught.value.key == "a"
    assert json.dumps(stored)[1:-1] not in str(caught.value) or stored == "!"


def test_they_are_found_by_value_with_the_index_and_without() -> None:
    Thing.create(name="a", **VALUES)
    Thing.create(name="b")
    for name, value in VALUES.items():
        assert [one.name for one in Thing.filter(**{name: value})] == ["a"], name
    assert [one.name for one in Thing.filter(made__gt=NOON - dt.timedelta(1))] == ["a"]
    assert [one.name for one in Thing.filter(day__lt=dt.date(2027, 1, 1))] == ["a"]


def test_what_cannot_be_compared_in_sqlite_cannot_be_indexed() -> None:
    class Bad(Record, index="made"):
        made: dt.datetime

    with pytest.raises(RecordDefinitionError, match="field made cannot be indexed"):
        Bad.all()


def test_a_class_that_contains_itself_and_an_enum_of_objects_are_refused() -> None:
    @dataclasses.dataclass
    class Tree:
        left: Optional[Tree] = None

    class Odd(enum.Enum):
        ONE = object()

    for kind in (Tree, Odd):
        body = {"__annotations__": {"it": kind}, "__module__": __name__}
        made: Any = type("Bad", (Record,), body)
        with pytest.raises(RecordDefinitionError, match="field it cannot be kept"):
            made.all()


def test_names_for_type_checkers_only() -> None:
    source = """
from __future__ import annotations
from charms.reactive.records import Record
TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import date, datetime
    from typing import Literal, Optional
    from charms.reactive.records import Sensitive
class Site(Record, key="host"):
    host: str
    made: Optional[datetime] = None
    day: date | None = None
    mode: Literal["a", 1, None] = "a"
    password: Sensitive[str] = ""
    raw: bytes | None = None
"""
    names: Dict[str, Any] = {"__name__": "site_charm"}
    exec(compile(source, "site.py", "exec"), names)
    site = names["Site"].create(host="a", made=NOON, mode=1, password="s3cret")
    assert names["Site"].get("a").made == NOON
    assert site.redacted()["password"] == "[REDACTED]"
    with pytest.raises(RecordFieldError, match="it takes 'a' or 1 or None"):
        site.mode = True


# -- sensitive -----------------------------------------------------------------------------------------


class Account(Record, key="name"):
    name: str
    password: Sensitive[str]
    tokens: List[Sensitive[str]] = []  # noqa: RUF012
    pin: Optional[Sensitive[int]] = None


def test_nothing_that_is_shown_has_a_sensitive_value(monkeypatch: pytest.MonkeyPatch) -> None:
    diffs: List[Any] = []
    events.handle_event(events.PostRecordUpdate[Account])(lambda event: diffs.append(event.diff))
    account = Account.create(name="a", password="s3cret", tokens=["t0ken"], pin=4711)
    account.password, account.tokens, account.pin = "b3tter", ["t1ken"], 4712
    account.save()
    with pytest.raises(RecordFieldError) as caught:
        account.password = 4713  # type: ignore[assignment]
    (diff,) = diffs
    shown = [repr(account), repr(diff), str(diff.redacted()), str(account.redacted()), str(caught.value)]
    shown += [repr(caught.value.value)]
    for secret in ("s3cret", "b3tter", "t0ken", "t1ken", "4711", "4712", "4713"):
        assert secret not in " ".join(shown)
    assert account.redacted() == {
        "name": "a",
        "password": "[REDACTED]",
        "tokens": "[REDACTED]",
        "pin": "[REDACTED]",
    }
    assert diff["password"] == ("s3cret", "b3tter")  # who needs it has it


def test_which_fields_are_sensitive_is_kept_for_who_shows_rows() -> None:
    Account.create(name="a", password="x")
    assert unit_state.unit.get("reactive.records_hidden.Account") == ["password", "pin", "tokens"]
    unit_state.unit.rollback()
    assert unit_state.unit.get("reactive.records_hidden.Account") is None
    Account.create(name="a", password="x")
    assert unit_state.unit.get("reactive.records_hidden.Account") == ["password", "pin", "tokens"]


@pytest.mark.skipif(sys.version_info < (3, 10), reason="the syntax is evaluated here, which is new in 3.10")
def test_sensitive_in_annotations_that_are_evaluated() -> None:
    hidden: Any = Sensitive
    for annotation in (hidden[str] | None, None | hidden[str], Optional[hidden[str]], hidden[Optional[str]]):
        body = {"__annotations__": {"it": annotation}, "__module__": __name__}
        made: Any = type("Made", (Record,), body)
        assert made.create(it="x").redacted() == {"it": "[REDACTED]"}
        assert made.create(it=None).it is None
