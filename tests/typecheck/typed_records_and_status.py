"""A charm's code that keeps records and adds statuses, as a type checker sees it."""

from __future__ import annotations

from typing import List, Optional

from typing_extensions import assert_type

from charms_reactive import records, status
from charms_reactive.events import PostRecordUpdate, handle_event
from charms_reactive.records import Query, Record, Sensitive, atomic


class Setting(Record, key="key"):
    key: str
    value: Optional[str] = None
    sensitive: bool = False
    password: Sensitive[str] = ""


class Special(Setting):
    tags: List[str] = []  # noqa: RUF012 -- each record has its own


assert_type(Setting.get("a"), Setting)
assert_type(Setting.get("a", None), Optional[Setting])
assert_type(Setting.get(key="a"), Setting)
assert_type(Setting.create(key="a"), Setting)
assert_type(Special.all(), List[Special])
assert_type(Special.filter(sensitive=True), List[Special])

setting = Setting(key="a", value="x")
assert_type(setting.sensitive, bool)
setting.save()
Setting(key=1)  # type: ignore[arg-type]
Setting(valeu="x")  # type: ignore[call-arg]
Setting()  # type: ignore[call-arg]
Setting.create(key="b", valeu="x")  # type: ignore[call-arg]
setting.value = 3  # type: ignore[assignment]
_ = setting.valeu  # type: ignore[attr-defined]
_ = Setting.get("a", None).value  # type: ignore[union-attr]
Setting.get(1.5)  # type: ignore[call-overload]


assert_type(setting.password, str)
assert_type(Setting.where(value="x").order_by("-key").limit(3), Query[Setting])
assert_type(Setting.where().first(), Optional[Setting])
assert_type([one.sensitive for one in Setting.where()], List[bool])
assert_type(Setting.filter(lambda one: one.sensitive and one.key > "a"), List[Setting])
Setting.filter(lambda one: one.valeu)  # type: ignore[attr-defined]
Setting.filter(lambda one: one.key > 3)  # type: ignore[operator]
Setting.where().update(value="x")
Setting.create(key="a", password=3)  # type: ignore[arg-type]
assert_type(Setting.create_many([Setting(key="a"), {"key": "b"}]), List[Setting])
with atomic():
    assert_type(Setting.get_or_create(key="a")[1], bool)


@handle_event(PostRecordUpdate, origin=Setting)
def changed(event: PostRecordUpdate[Setting]) -> None:
    assert_type(event.record, Setting)
    _ = event.record.valeu  # type: ignore[attr-defined]
    _ = event.dif  # type: ignore[attr-defined]


with status.context() as opened:
    assert_type(opened, status.Context)
    status.add(status.BlockedStatus("x"))
    status.add("x")  # type: ignore[arg-type]
    status.add(status.BlockedStatus("x"), app="x")  # type: ignore[arg-type]


@status.on_error(status.BlockedStatus("x"), ValueError)
def work(number: int) -> str:
    return str(number)


assert_type(work(1), str)
work("x")  # type: ignore[arg-type]
status.on_error(status.BlockedStatus("x"), "ValueError")  # type: ignore[arg-type]
status.BlockedStatus(3)  # type: ignore[arg-type]
records.Record.get("a")
