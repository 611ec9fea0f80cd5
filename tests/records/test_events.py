"""The events in the life of a record: who hears them, what they say, and what handlers may do."""

from __future__ import annotations

import copy
import logging
from typing import Any, List

import pytest

from charms_reactive import events
from charms_reactive.errors import RecordError
from charms_reactive.events import (
    PostRecordCreate,
    PostRecordDelete,
    PostRecordUpdate,
    PreRecordCreate,
    PreRecordDelete,
    PreRecordUpdate,
    handle_event,
)
from charms_reactive.records import Record, RecordExistsError, RecordFieldError
from framework.support import Framework


class Setting(Record, key="key"):
    key: str
    value: str = ""
    sensitive: bool = False


class Special(Setting):
    pass


@pytest.fixture
def told() -> List[Any]:
    """What each event said: its class, the record's value, and the diff."""
    said: List[Any] = []

    def tell(event: Any) -> None:
        said.append((type(event).__name__, event.record.value, getattr(event, "diff", None)))

    for kind in (
        PreRecordCreate,
        PostRecordCreate,
        PreRecordUpdate,
        PostRecordUpdate,
        PreRecordDelete,
        PostRecordDelete,
    ):
        handle_event(kind, origin=Setting)(tell)
    return said


@pytest.fixture
def errors() -> List[BaseException]:
    """What handlers have raised."""
    raised: List[BaseException] = []
    events.set_error_reporter(lambda error, *_: raised.append(error))
    return raised


def test_each_change_is_told_before_and_after(told: List[Any]) -> None:
    setting = Setting.create(key="a", value="x")
    setting.value = "y"
    setting.save()
    setting.save()
    setting.delete()
    assert told == [
        ("PreRecordCreate", "x", None),
        ("PostRecordCreate", "x", None),
        ("PreRecordUpdate", "y", {"value": ("x", "y")}),
        ("PostRecordUpdate", "y", {"value": ("x", "y")}),
        ("PreRecordDelete", "y", None),
        ("PostRecordDelete", "y", None),
    ]


def test_when_which_event_finds_what_stored() -> None:
    seen: List[Any] = []

    def look(event: Any) -> None:
        found = Setting.get("a", None)
        seen.append((type(event).__name__, found.value if found else None))

    for name in ("Create", "Update", "Delete"):
        for when in ("Pre", "Post"):
            handle_event(getattr(events, "%sRecord%s" % (when, name)), origin=Setting)(look)
    setting = Setting.create(key="a", value="x")
    setting.value = "y"
    setting.save()
    setting.delete()
    assert seen == [
        ("PreRecordCreate", None),
        ("PostRecordCreate", "x"),
        ("PreRecordUpdate", "x"),
        ("PostRecordUpdate", "y"),
        ("PreRecordDelete", "y"),
        ("PostRecordDelete", None),
    ]


def test_the_origin_is_the_class_itself_and_no_class_that_it_comes_from(told: List[Any]) -> None:
    Special.create(key="a")
    assert told == []


def test_the_example_of_the_events_api(charm: Framework) -> None:
    class Logger:
        lines: List[Any] = []  # noqa: RUF012

        def info(self, message: str, **values: Any) -> None:
            self.lines.append((message, values))

    logger = Logger()

    @events.handle_event(events.PostRecordUpdate, origin=Setting)
    def handle_setting_change(event: events.PostRecordUpdate[Setting]) -> None:
        setting = event.record
        diff = event.diff
        if "value" not in diff:
            return
        old_value, new_value = diff["value"]
        if setting.sensitive:
            old_value, new_value = "[REDACTED]", "[REDACTED]"
        logger.info("A setting was changed.", setting=setting.key, old_value=old_value, new_value=new_value)

    colour = Setting.create(key="colour", value="red")
    password = Setting.create(key="password", value="s3cret", sensitive=True)
    colour.value = "blue"
    password.value = "better"
    for setting in (colour, password):
        setting.save()
    colour.sensitive = True
    colour.save()
    assert logger.lines == [
        ("A setting was changed.", {"setting": "colour", "old_value": "red", "new_value": "blue"}),
        (
            "A setting was changed.",
            {"setting": "password", "old_value": "[REDACTED]", "new_value": "[REDACTED]"},
        ),
    ]
    assert logging.root.handlers is not None


def test_a_pre_handler_changes_the_record_and_the_post_event_shows_it(told: List[Any]) -> None:
    @handle_event(PreRecordCreate[Setting], origin=Setting)
    @handle_event(PreRecordUpdate, origin=Setting)
    def trim(event: Any) -> None:
        event.record.value = event.record.value.strip()
        event.record.sensitive = "password" in event.record.key

    setting = Setting.create(key="password", value=" x ")
    assert Setting.get("password") == Setting(key="password", value="x", sensitive=True)
    told.clear()
    setting.value = " y "
    setting.sensitive = False
    setting.save()
    assert told == [
        ("PreRecordUpdate", " y ", {"value": ("x", " y "), "sensitive": (True, False)}),
        ("PostRecordUpdate", "y", {"value": ("x", "y")}),
    ]
    assert Setting.get("password") == setting


def test_a_pre_handler_that_undoes_the_change_leaves_nothing_to_tell(told: List[Any]) -> None:
    setting = Setting.create(key="a", value="x")
    told.clear()

    @handle_event(PreRecordUpdate, origin=Setting)
    def undo(event: PreRecordUpdate[Setting]) -> None:
        event.record.value = event.diff["value"][0]

    setting.value = "y"
    setting.save()
    assert [name for name, _, _ in told] == ["PreRecordUpdate"]
    assert Setting.get("a").value == "x"


def test_a_handler_that_raises_stops_neither_the_others_nor_the_change(
    told: List[Any], errors: List[BaseException]
) -> None:
    @handle_event(PreRecordCreate, origin=Setting)
    def refuse(event: PreRecordCreate[Setting]) -> None:
        raise ValueError("not on my watch")

    Setting.create(key="a", value="x")
    assert [str(error) for error in errors] == ["not on my watch"]
    assert Setting.get("a").value == "x"
    assert told[-1][0] == "PostRecordCreate"


class Port(Record, key="name"):
    name: str
    number: int

    def validate(self) -> None:
        if not 0 < self.number < 65536:
            raise ValueError("there is no port %d" % self.number)


def test_a_class_refuses_what_it_does_not_want() -> None:
    with pytest.raises(ValueError, match="there is no port 70000"):
        Port.create(name="http", number=70000)
    assert Port.all() == []
    port = Port.create(name="http", number=80)
    port.number = 0
    with pytest.raises(ValueError, match="there is no port 0"):
        port.save()
    assert Port.get("http").number == 80


@pytest.mark.parametrize("kind", [PreRecordCreate, PreRecordUpdate])
def test_its_check_comes_after_what_pre_handlers_have_changed(told: List[Any], kind: Any) -> None:
    port = Port.create(name="http", number=80)

    @handle_event(kind, origin=Port)
    def spoil(event: Any) -> None:
        event.record.number = 70000

    changed = Port(name="https", number=443) if kind is PreRecordCreate else port
    changed.number += 1
    with pytest.raises(ValueError, match="there is no port 70000"):
        changed.save()
    assert [one.number for one in Port.all()] == [80]


def test_a_pre_handler_may_mend_what_the_check_would_refuse() -> None:
    @handle_event(PreRecordCreate, origin=Port)
    def mend(event: PreRecordCreate[Port]) -> None:
        event.record.number %= 65536

    assert Port.create(name="http", number=65536 + 80).number == Port.get("http").number == 80


def test_a_diff_is_shown_without_its_values() -> None:
    class Account(Record, key="name", sensitive="password"):
        name: str
        password: str
        quota: int = 1

    diffs: List[Any] = []
    handle_event(PostRecordUpdate[Account])(lambda event: diffs.append(event.diff))
    account = Account.create(name="a", password="old")
    account.password, account.quota = "new", 2
    account.save()
    (diff,) = diffs
    assert diff == {"password": ("old", "new"), "quota": (1, 2)}
    assert repr(diff) == str(diff) == "<RecordDiff, password: str to str, quota: int to int>"
    assert diff.redacted() == {"password": ("[REDACTED]", "[REDACTED]"), "quota": (1, 2)}
    assert account.redacted() == {"name": "a", "password": "[REDACTED]", "quota": 2}
    assert copy.copy(diff).redacted() == diff.redacted()


def test_a_pre_handler_that_saves_the_same_record_is_told_to_leave_it(errors: List[BaseException]) -> None:
    @handle_event(PreRecordUpdate, origin=Setting)
    @handle_event(PreRecordDelete, origin=Setting)
    def meddle(event: Any) -> None:
        event.record.value = "meddled"
        event.record.save()

    setting = Setting.create(key="a", value="x")
    setting.value = "y"
    setting.save()
    assert Setting.get("a").value == "meddled"
    assert [type(error) for error in errors] == [RecordError]
    assert "about to be saved or deleted already" in str(errors[0])


def test_a_post_handler_may_save_again(told: List[Any]) -> None:
    @handle_event(PostRecordCreate, origin=Setting)
    def complete(event: PostRecordCreate[Setting]) -> None:
        event.record.value = "completed"
        event.record.save()

    setting = Setting.create(key="a", value="x")
    assert Setting.get("a").value == setting.value == "completed"
    assert told[-1] == ("PostRecordUpdate", "completed", {"value": ("x", "completed")})


def test_a_pre_handler_that_takes_the_key_away(errors: List[BaseException]) -> None:
    @handle_event(PreRecordCreate, origin=Setting)
    def quicker(event: PreRecordCreate[Setting]) -> None:
        if event.record.value != "quicker":
            Setting.create(key=event.record.key, value="quicker")

    with pytest.raises(RecordExistsError):
        Setting.create(key="a", value="x")
    assert Setting.get("a").value == "quicker"
    assert errors == []


def test_what_a_pre_handler_puts_into_a_field_is_checked(errors: List[BaseException]) -> None:
    @handle_event(PreRecordCreate, origin=Setting)
    def spoil(event: PreRecordCreate[Setting]) -> None:
        event.record.value = 3  # type: ignore[assignment]

    Setting.create(key="a", value="x")
    assert Setting.get("a").value == "x"
    assert [type(error) for error in errors] == [RecordFieldError]


def test_the_diff_of_an_event_is_a_copy() -> None:
    class Node(Record):
        tags: List[str] = []  # noqa: RUF012

    kept: List[Any] = []

    @handle_event(PostRecordUpdate, origin=Node)
    def keep(event: PostRecordUpdate[Node]) -> None:
        kept.append(event.diff)

    node = Node.create()
    node.tags.append("a")
    node.save()
    node.tags.append("b")
    node.save()
    assert kept == [{"tags": ([], ["a"])}, {"tags": (["a"], ["a", "b"])}]
