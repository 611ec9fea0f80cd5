"""Events that set flags, and changes of flags as events (SPEC 15)."""

from __future__ import annotations

from typing import Any, List

import pytest

from charms.reactive import (
    clear_flag,
    events,
    get_flags,
    is_flag_set,
    register_trigger,
    set_flag,
    toggle_flag,
    when,
)
from charms.reactive.events import FlagCleared, FlagSet
from charms_reactive.errors import EventCycleError, EventUseError, TriggerCycleError
from framework.support import Framework, Unit


class Ready(events.Event, sets="db.ready"):
    host: str = ""


class Told:
    """What was told of flags, in order: ``+flag`` and ``-flag``."""

    def __init__(self) -> None:
        self.changes: List[str] = []
        events.handle_event(FlagSet)(lambda event: self.changes.append("+" + event.flag))
        events.handle_event(FlagCleared)(lambda event: self.changes.append("-" + event.flag))


# -- an event sets a flag -----------------------------------------------------------------------
def test_an_event_sets_a_flag_although_nobody_handles_it(framework: Framework) -> None:
    events.emit_event(Ready)
    assert is_flag_set("db.ready")


def test_the_flag_is_set_before_the_handlers_run_and_they_may_clear_it(framework: Framework) -> None:
    seen: List[bool] = []

    @events.handle_event(Ready)
    def refuse(event: Ready) -> None:
        seen.append(is_flag_set("db.ready"))
        if event.host == "bad":
            clear_flag("db.ready")

    events.emit_event(Ready, host="bad")
    assert seen == [True]
    assert not is_flag_set("db.ready")
    events.emit_event(Ready, host="good")
    assert is_flag_set("db.ready")


def test_the_flag_is_a_keyword_or_an_attribute_of_the_class_and_is_inherited(framework: Framework) -> None:
    class ByAttribute(events.Event):
        sets = "by.attribute"

    class Inherited(Ready): ...

    class Another(Ready, sets="another"): ...

    class Silent(Ready, sets=""): ...

    class Payload(events.Event):
        sets: List[str]
        other: str = "x"

    flags = {}
    for kind in ByAttribute, Inherited, Another, Silent, Payload:
        events.emit_event(kind)
        flags[kind.__name__] = get_flags()
        for flag in get_flags():
            clear_flag(flag)
    assert flags == {
        "ByAttribute": ["by.attribute"],
        "Inherited": ["db.ready"],
        "Another": ["another"],
        "Silent": [],
        "Payload": [],
    }
    assert events.emit_event(Payload, sets=["a"]).sets == ["a"]


def test_a_source_may_name_the_flag(framework: Framework) -> None:
    class ThingEvents(events.ObjectEvents):
        ready = events.EventSource(Ready)
        other = events.EventSource(Ready, sets="other.ready")
        silent = events.EventSource(Ready, sets="")

    class Thing(events.Object):
        on = ThingEvents()

    thing = Thing()
    for name, flags in (
        ("silent", []),
        ("ready", ["db.ready"]),
        ("other", ["db.ready", "other.ready"]),
    ):
        thing.on[name].emit()
        assert get_flags() == flags


@pytest.mark.parametrize("flag", [3, ["a"], ("a", "b")])
def test_one_flag_is_named(flag: Any) -> None:
    with pytest.raises(EventUseError, match="sets names one flag"):
        type("Event", (events.Event,), {}, sets=flag)
    with pytest.raises(EventUseError, match="sets names one flag"):
        events.EventSource(events.Event, sets=flag)


def test_handlers_of_flags_see_the_flag_under_the_rules_of_the_dispatch(framework: Framework) -> None:
    # Set in iteration 0, it brings its handler into the queue of iteration 1, and no sooner.
    @when("start")
    def emit() -> None:
        events.emit_event(Ready)
        framework.told.append("emitted")

    @when("db.ready")
    def use() -> None:
        framework.told.append("used")

    @when("start")
    def last() -> None:
        framework.told.append("last of iteration 0")

    assert framework.dispatch("start") == ["emitted", "last of iteration 0", "used"]


# -- a change of a flag is an event -------------------------------------------------------------
def test_a_change_is_heard_with_the_flag_as_origin(framework: Framework) -> None:
    heard: List[Any] = []
    events.handle_event(FlagSet, origin="db.ready")(
        lambda event: heard.append(("+", event.flag, event.origin))
    )
    events.handle_event(FlagCleared, origin="db.ready")(
        lambda event: heard.append(("-", event.flag, event.origin))
    )
    set_flag("other")
    set_flag("db.ready")
    set_flag("db.ready")
    set_flag("db.ready", {"value": "replaced"})
    clear_flag("other")
    toggle_flag("db.ready", False)
    clear_flag("db.ready")
    assert heard == [("+", "db.ready", "db.ready"), ("-", "db.ready", "db.ready")]


def test_it_is_heard_before_the_changing_call_returns(framework: Framework) -> None:
    told = Told()
    set_flag("a")
    assert told.changes == ["+a"]


def test_an_event_that_sets_a_flag_comes_before_the_event_of_the_flag(framework: Framework) -> None:
    heard: List[str] = []
    events.handle_event(FlagSet, origin="db.ready")(lambda event: heard.append("flag"))
    events.handle_event(Ready)(lambda event: heard.append("event"))
    events.emit_event(Ready)
    heard.append("returned")
    assert heard == ["event", "flag", "returned"]


def test_triggers_come_first_and_their_changes_are_heard_in_order(framework: Framework) -> None:
    register_trigger(when="a", set_flag="b")
    register_trigger(when="b", clear_flag="c")
    register_trigger(when="a", callback=lambda: set_flag("d"))
    register_trigger(when="d", set_flag="e")
    set_flag("c")
    seen: List[List[str]] = []
    told = Told()
    events.handle_event(FlagSet, origin="a")(lambda event: seen.append(get_flags()))
    set_flag("a")
    assert told.changes == ["+a", "+b", "-c", "+d", "+e"]
    assert seen == [["a", "b", "d", "e"]]


def test_changes_of_one_handler_are_heard_by_the_next_in_order(framework: Framework) -> None:
    @events.handle_event(FlagSet, origin="a")
    def react(event: FlagSet) -> None:
        set_flag("b")
        clear_flag("a")
        assert told.changes == []  # all hear of a before anybody hears of b

    told = Told()
    set_flag("a")
    assert told.changes == ["+a", "+b", "-a"]


def test_changes_before_a_failure_of_a_trigger_are_heard_too(framework: Framework) -> None:
    def fail() -> None:
        set_flag("b")
        raise ValueError("it broke")

    register_trigger(when="a", callback=fail)
    told = Told()
    with pytest.raises(ValueError, match="it broke"):
        set_flag("a")
    assert told.changes == ["+a", "+b"]


def test_a_cycle_of_triggers_changes_nothing_that_could_be_heard(framework: Framework) -> None:
    register_trigger(when="x", clear_flag="x")
    register_trigger(when_not="x", set_flag="x")
    told = Told()
    with pytest.raises(TriggerCycleError):
        set_flag("x")
    assert told.changes == get_flags() == []


def test_handlers_that_change_flags_back_and_forth_are_stopped_and_named(framework: Framework) -> None:
    rounds: List[int] = []

    @events.handle_event(FlagSet, origin="ping")
    def clear(event: FlagSet) -> None:
        rounds.append(1)
        clear_flag("ping")

    @events.handle_event(FlagCleared, origin="ping")
    def set_again(event: FlagCleared) -> None:
        set_flag("ping")

    with pytest.raises(EventCycleError) as caught:
        set_flag("ping")
    assert caught.value.steps == ("FlagSet of ping", "FlagCleared of ping", "FlagSet of ping")
    assert len(rounds) == 100
    events.unhandle_event(clear, FlagSet, origin="ping")
    clear_flag("ping")  # everything works as before
    assert is_flag_set("ping")


def test_a_cycle_through_flags_and_objects_is_named_whole(framework: Framework) -> None:
    class ThingEvents(events.ObjectEvents):
        ready = events.EventSource(events.Event, sets="ready")

    class Thing(events.Object):
        on = ThingEvents()

    thing = Thing()
    events.observe(thing.on.ready, lambda event: clear_flag("ready"))
    events.handle_event(FlagCleared, origin="ready")(lambda event: thing.on.ready.emit() and None)
    with pytest.raises(EventCycleError) as caught:
        thing.on.ready.emit()
    assert set(caught.value.steps) == {"Thing.on.ready", "FlagCleared of ready"}


def test_what_a_bash_handler_changes_is_heard_once_and_in_order(unit: Unit) -> None:
    unit.write(
        "reactive/told.py",
        """
        from charmhelpers.core.hookenv import log
        from charms.reactive import events, register_trigger
        register_trigger(when="b", set_flag="by-trigger")
        register_trigger(when="b", callback=lambda: events.emit_event(Called))
        class Called(events.Event, sets="by-callback"): ...
        @events.handle_event(events.FlagSet)
        def told_set(event): log("heard +" + event.flag)
        @events.handle_event(events.FlagCleared)
        def told_cleared(event): log("heard -" + event.flag)
        """,
    )
    unit.write(
        "reactive/shell.sh",
        """\
        #!/bin/bash
        source charms.reactive.sh
        @hook install
        function install() {
            charms.reactive set_flag b
            charms.reactive set_flag a
            charms.reactive clear_flag a
        }
        reactive_handler_main
        """,
        executable=True,
    )
    done = unit.run("install")
    assert done.status == 0, done.stderr
    lines = [line for line in unit.log_text().splitlines() if line.startswith("heard ")]
    assert lines == ["heard +b", "heard +by-trigger", "heard +a", "heard -a", "heard +by-callback"]
    assert unit.committed_flags() == ["b", "by-callback", "by-trigger"]
