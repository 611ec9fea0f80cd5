"""All or nothing within a hook, what waits for its commit, and records that depend on others."""

from __future__ import annotations

import json
from typing import Any, List, Optional

import pytest
from charmhelpers.core import unitdata

from charms_reactive import bus, clear_flag, events, is_flag_set, set_flag
from charms_reactive._unit_state import unit_state
from charms_reactive.errors import UnitStateError
from charms_reactive.records import (
    Record,
    RecordDefinitionError,
    RecordNotFoundError,
    RecordReferenceError,
    atomic,
    on_commit,
)
from framework.support import Framework, Unit


class Host(Record, key="name"):
    name: str
    size: int = 0


class Disk(Record, references={"host": Host}, cascade="host"):
    host: str
    size: int = 0


class Lease(Record, references={"host": Host, "before": "Lease"}):
    host: Optional[str] = None
    before: Optional[int] = None


class Partition(Record, references={"disk": Disk}, cascade="disk"):
    disk: int


# -- atomic --------------------------------------------------------------------------------------------


def test_nothing_of_a_block_is_kept_when_an_exception_comes_out() -> None:
    host = Host.create(name="a")
    set_flag("before")
    unitdata.kv().set("own", 1)
    with pytest.raises(ZeroDivisionError), atomic():  # noqa: PT012
        Host.create(name="b")
        host.size = 9
        host.save()
        set_flag("inside")
        clear_flag("before")
        unitdata.kv().set("own", 2)
        assert is_flag_set("inside")
        raise ZeroDivisionError
    assert [(one.name, one.size) for one in Host.all()] == [("a", 0)]
    assert (is_flag_set("before"), is_flag_set("inside")) == (True, False)
    assert unitdata.kv().get("own") == 1
    host.refresh()
    host.size = 9
    host.save()
    assert Host.get("a").size == 9


def test_what_a_block_kept_goes_with_the_hook_all_the_same() -> None:
    unit_state.unit.commit()
    with atomic():
        Host.create(name="a")
        set_flag("inside")
    assert Host.get("a")
    unit_state.unit.rollback()
    assert Host.all() == []
    assert not is_flag_set("inside")


def test_blocks_stand_in_one_another() -> None:
    with atomic():
        Host.create(name="a")
        for name, fails in (("b", True), ("c", False)):
            try:
                with atomic():
                    Host.create(name=name)
                    with atomic():
                        Host.create(name=name + name)
                    if fails:
                        raise ValueError
            except ValueError:
                pass
    assert [one.name for one in Host.all()] == ["a", "c", "cc"]


def test_a_block_can_be_used_again_and_flags_stay_fresh_beside_it() -> None:
    block = atomic()
    for number in range(3):
        try:
            with block:
                Host.create(name="x")
                set_flag("x%d" % number)
                assert is_flag_set("x%d" % number)
                raise ValueError
        except ValueError:
            pass
        assert not is_flag_set("x%d" % number)
        assert Host.all() == []
    reads: List[str] = []
    unitdata.kv().conn.set_trace_callback(reads.append)
    try:
        for _ in range(50):
            is_flag_set("x")
    finally:
        unitdata.kv().conn.set_trace_callback(None)
    assert reads == []  # not one of them has had the rows read anew


def test_numbers_are_undone_with_the_block() -> None:
    Host.create(name="a")
    with pytest.raises(ValueError, match="x"), atomic():  # noqa: PT012
        assert Disk.create(host="a").id == 1
        raise ValueError("x")
    assert [Disk.create(host="a").id for _ in range(2)] == [1, 2]
    assert json.loads(str(unit_state.unit.get("reactive.records.Disk"))) == 2


def test_who_commits_inside_of_a_block_is_told_that_there_is_no_going_back() -> None:
    with pytest.raises(UnitStateError, match=r"something inside of atomic\(\) has committed"), atomic():  # noqa: PT012
        Host.create(name="a")
        unitdata.kv().flush()
        Host.create(name="b")
        raise ValueError
    assert is_flag_set("x") is False


def test_a_hook_that_is_rolled_back_inside_takes_the_block_along() -> None:
    with pytest.raises(ValueError, match="x"), atomic():  # noqa: PT012
        Host.create(name="a")
        unit_state.unit.rollback()
        raise ValueError("x")
    assert Host.all() == []


# -- after the commit ----------------------------------------------------------------------------------

CHARM = """\
import os
from charmhelpers.core import hookenv
from charms.reactive import events, hook, records, set_flag

class Host(records.Record, key="name"):
    name: str

@events.handle_event(events.PostRecordCreate[Host], on_commit=True)
def tell(event):
    hookenv.log("kept: %s" % event.record.name)

@hook("install", "config-changed")
def install():
    Host.create(name=os.environ["JUJU_HOOK_NAME"])
    records.on_commit(lambda: hookenv.log("committed"))
    records.on_commit(lambda: 1 / 0)
    records.on_commit(late)
    try:
        with records.atomic():
            Host.create(name="undone")
            raise ValueError
    except ValueError:
        pass
    hookenv.log("handler over")
    if "FAIL" in os.environ:
        raise OSError

def late():
    set_flag("too.late")
    hookenv.log("last")
"""


def test_callbacks_run_once_the_hook_is_committed_and_not_at_all_if_it_fails(unit: Unit) -> None:
    unit.write("reactive/app.py", CHARM)
    assert unit.run("install").status == 0
    text = unit.log_text()
    order = [
        "handler over",
        "kept: install",
        "committed",
        "ZeroDivisionError",
        "last",
        "changed flags too late",
    ]
    assert [text.find(words) for words in order] == sorted(text.find(words) for words in order)
    assert all(words in text for words in order)
    assert "kept: undone" not in text
    assert unit.committed_flags() == []
    assert unit.run("config-changed", env={"FAIL": "1"}).status != 0
    assert "kept: config-changed" not in unit.log_text()
    assert list(unit.rows("reactive.records.")) == ["reactive.records.Host.install"]


def test_on_commit_takes_what_can_be_called() -> None:
    for bad in (3, lambda event: None):
        with pytest.raises(events_error(), match="without arguments"):
            on_commit(bad)  # type: ignore[arg-type]


def events_error() -> Any:
    from charms_reactive.errors import EventUseError

    return EventUseError


def test_a_handler_that_waits_for_the_commit_is_taken_back_as_it_was_given(charm: Framework) -> None:
    def tell(event: Any) -> None:
        raise AssertionError

    events.handle_event(events.PostRecordCreate[Host], on_commit=True)(tell)
    events.handle_event(events.PostRecordCreate[Host], on_commit=True)(tell)
    assert not events.unhandle_event(tell, events.PostRecordCreate[Host])
    assert events.unhandle_event(tell, events.PostRecordCreate[Host], on_commit=True)
    assert not events.unhandle_event(tell, events.PostRecordCreate[Host], on_commit=True)
    bus.listener = None


# -- references ----------------------------------------------------------------------------------------


def test_a_record_refers_to_one_that_is_there() -> None:
    with pytest.raises(
        RecordReferenceError, match="Disk: field host: there is no Host of the key that it holds"
    ):
        Disk.create(host="a")
    Host.create(name="a")
    disk = Disk.create(host="a")
    disk.host = "b"
    with pytest.raises(RecordReferenceError) as caught:
        disk.save()
    assert (caught.value.field, caught.value.key) == ("host", disk.id)
    assert Disk.get(disk.id).host == "a"
    Lease.create()  # None refers to nothing


def test_what_is_referred_to_cannot_be_deleted() -> None:
    host = Host.create(name="a")
    lease = Lease.create(host="a")
    Disk.create(host="a")
    refusal = "Lease: field host: 1 of its records refer to the Host that is to be deleted"
    with pytest.raises(RecordReferenceError, match=refusal):
        host.delete()
    assert (len(Host.all()), len(Disk.all())) == (1, 1)
    lease.host = None
    lease.save()
    host.delete()
    assert (Host.all(), Disk.all()) == ([], [])


def test_what_goes_along_goes_first_and_is_told() -> None:
    told: List[str] = []
    events.handle_event(events.PostRecordDelete)(lambda event: told.append(type(event.record).__name__))
    host = Host.create(name="a")
    for _ in range(2):
        Partition.create(disk=Disk.create(host="a").id)
    other = Host.create(name="b")
    Disk.create(host="b")
    host.delete()
    assert told == ["Partition", "Disk", "Partition", "Disk", "Host"]
    assert [disk.host for disk in Disk.all()] == ["b"]
    assert Host.where().delete() == 1
    with pytest.raises(RecordNotFoundError):
        other.save()


def test_a_record_may_refer_to_one_of_its_own_class() -> None:
    first = Lease.create()
    second = Lease.create(before=first.id)
    with pytest.raises(RecordReferenceError, match="Lease: field before: 1 of its records"):
        first.delete()
    second.delete()
    first.delete()
    with pytest.raises(RecordReferenceError, match="Lease: field before: there is no Lease of the key"):
        Lease.create(before=first.id)
    assert Lease.all() == []


def test_records_that_refer_to_one_another_in_a_circle_go_together() -> None:
    class Ring(Record, key="name", references={"next": "Ring"}, cascade="next"):
        name: str
        next: Optional[str] = None

    one = Ring.create(name="a")
    Ring.create(name="b", next="a")
    one.next = "b"
    one.save()
    one.delete()
    assert Ring.all() == []


def test_references_that_cannot_be() -> None:
    for words, problem in (
        ({"references": {"nowhere": Host}}, "references names nowhere"),
        ({"references": {"host": "Nowhere"}}, "the reference host is to name a class of records"),
        ({"cascade": "host"}, "cascade names host, which is none of its references"),
        ({"unique": "nowhere"}, "unique names nowhere"),
        ({"index": ["host", "nowhere"]}, "index names nowhere"),
        ({"index": "tags"}, "field tags cannot be indexed"),
    ):

        class Bad(Record, **words):  # type: ignore[arg-type]
            host: str
            tags: List[str] = []  # noqa: RUF012

        with pytest.raises(RecordDefinitionError, match=problem):
            Bad.all()
