"""When an event runs that is emitted while another is handled, and where a cycle ends (SPEC 16)."""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Tuple

import pytest

from charms.reactive import events
from charms_reactive._events import event_registry
from charms_reactive.errors import EventCycleError, ReactiveError

Log = List[Tuple[str, str]]


class Numbered(events.Event):
    number: int = 0


class Called(events.Event):
    pass


class ThingEvents(events.ObjectEvents):
    one = events.EventSource(Numbered)
    two = events.EventSource(Numbered)
    three = events.EventSource(Numbered)


class Thing(events.Object):
    on = ThingEvents()

    def __init__(self, on_two: Optional[Callable[[], None]] = None) -> None:
        self.on_two = on_two


@pytest.fixture
def thing() -> Thing:
    return Thing()


@pytest.fixture
def heard() -> List[Any]:
    return []


def test_a_queued_emission_runs_when_the_handler_has_returned(thing: Thing, heard: List[Any]) -> None:
    @events.observe(thing.on.one)
    def on_one(event: Numbered) -> None:
        heard.append("one begins")
        queued = thing.on.two.emit(number=2)
        assert queued.number == 2
        heard.append("one ends")

    events.observe(thing.on.two, lambda event: heard.append("two"))
    thing.on.one.emit()
    assert heard == ["one begins", "one ends", "two"]


def test_a_callback_and_emit_event_run_at_once(thing: Thing, heard: List[Any]) -> None:
    thing.on_two = lambda: heard.append("callback")
    events.handle_event(Called)(lambda event: heard.append("emit_event"))

    @events.observe(thing.on.one)
    def on_one(event: Numbered) -> None:
        heard.append("one begins")
        assert thing.on_two is not None
        thing.on_two()
        events.emit_event(Called)
        heard.append("one ends")

    thing.on.one.emit()
    assert heard == ["one begins", "callback", "emit_event", "one ends"]


def test_all_handlers_of_an_event_come_before_the_events_that_they_emit(
    thing: Thing, heard: List[Any]
) -> None:
    # Whoever hears both of two events hears them in the order in which they were emitted.
    @events.observe(thing.on.one)
    def first(event: Numbered) -> None:
        heard.append("one, first")
        thing.on.two.emit()

    events.observe(thing.on.one, lambda event: heard.append("one, second"))
    events.observe(thing.on.two, lambda event: heard.append("two"))
    thing.on.one.emit()
    assert heard == ["one, first", "one, second", "two"]


def test_the_queue_is_in_the_order_of_emission(thing: Thing, heard: List[Any]) -> None:
    def on_one(event: Numbered) -> None:
        thing.on.two.emit(number=1)
        thing.on.two.emit(number=2)

    def on_two(event: Numbered) -> None:
        heard.append(("two", event.number))
        thing.on.three.emit(number=event.number)

    events.observe(thing.on.one, on_one)
    events.observe(thing.on.two, on_two)
    events.observe(thing.on.three, lambda event: heard.append(("three", event.number)))
    thing.on.one.emit()
    assert heard == [("two", 1), ("two", 2), ("three", 1), ("three", 2)]


def test_everything_has_run_when_the_outermost_emission_returns(thing: Thing, heard: List[Any]) -> None:
    events.observe(thing.on.one, lambda event: thing.on.two.emit() and None)
    events.observe(thing.on.two, lambda event: thing.on.three.emit() and None)
    events.observe(thing.on.three, lambda event: heard.append("three"))
    thing.on.one.emit()
    heard.append("returned")
    assert heard == ["three", "returned"]


def test_it_waits_for_any_event_that_is_being_handled(thing: Thing, heard: List[Any]) -> None:
    @events.handle_event(Called)
    def on_called(event: Called) -> None:
        thing.on.one.emit()
        heard.append("called ends")

    events.observe(thing.on.one, lambda event: heard.append("one"))
    events.emit_event(Called)
    heard.append("returned")
    assert heard == ["called ends", "one", "returned"]


def test_it_waits_for_the_innermost_emission_only(thing: Thing, heard: List[Any]) -> None:
    # Whoever calls emit_event() finds all of it done, also inside of a handler.
    @events.observe(thing.on.one)
    def on_one(event: Numbered) -> None:
        events.emit_event(Called)
        heard.append("one ends")

    events.handle_event(Called)(lambda event: thing.on.two.emit() and None)
    events.observe(thing.on.two, lambda event: heard.append("two"))
    thing.on.one.emit()
    assert heard == ["two", "one ends"]


def test_a_handler_registered_before_a_queued_event_runs_hears_it(thing: Thing, heard: List[Any]) -> None:
    @events.observe(thing.on.one)
    def on_one(event: Numbered) -> None:
        thing.on.two.emit()
        events.observe(thing.on.two, lambda event: heard.append("two"))

    thing.on.one.emit()
    assert heard == ["two"]


def test_an_exception_stops_neither_the_others_nor_the_queue(
    thing: Thing, heard: List[Any], log: Log
) -> None:
    @events.observe(thing.on.one)
    def failing(event: Numbered) -> None:
        thing.on.two.emit()
        raise ValueError("it broke")

    events.observe(thing.on.two, lambda event: 1 // 0)
    events.observe(thing.on.two, lambda event: heard.append("two"))
    thing.on.one.emit()
    assert heard == ["two"]
    assert ["it broke" in log[0][1], "ZeroDivisionError" in log[1][1]] == [True, True]


def test_a_queue_that_is_left_by_exit_is_gone(thing: Thing, heard: List[Any]) -> None:
    @events.observe(thing.on.one)
    def stop(event: Numbered) -> None:
        thing.on.two.emit()
        raise SystemExit(0)

    events.observe(thing.on.two, lambda event: heard.append("two"))
    with pytest.raises(SystemExit):
        thing.on.one.emit()
    assert heard == []
    thing.on.two.emit()
    assert heard == ["two"]


# -- cycles -------------------------------------------------------------------------------------
def test_a_cycle_is_bounded_and_named(thing: Thing, heard: List[Any], log: Log) -> None:
    events.observe(thing.on.one, lambda event: thing.on.two.emit() and None)
    events.observe(thing.on.two, lambda event: thing.on.three.emit() and None)
    events.observe(thing.on.three, lambda event: thing.on.one.emit() and heard.append(1))
    with pytest.raises(EventCycleError) as caught:
        thing.on.one.emit()
    assert caught.value.steps == ("Thing.on.one", "Thing.on.two", "Thing.on.three", "Thing.on.one")
    assert "Thing.on.one -> Thing.on.two -> Thing.on.three -> Thing.on.one" in str(caught.value)
    assert isinstance(caught.value, ReactiveError)
    assert len(heard) == 99
    assert log == []
    assert event_registry.in_use.current is None


def test_a_cycle_that_branches_is_bounded_as_well(thing: Thing, heard: List[Any]) -> None:
    @events.observe(thing.on.one)
    def on_one(event: Numbered) -> None:
        heard.append(1)
        thing.on.one.emit()
        thing.on.one.emit()

    with pytest.raises(EventCycleError, match=r"Thing\.on\.one -> Thing\.on\.one"):
        thing.on.one.emit()
    assert len(heard) < 20_000


def test_an_event_may_follow_from_itself_for_a_while(thing: Thing, heard: List[Any]) -> None:
    @events.observe(thing.on.one)
    def count(event: Numbered) -> None:
        heard.append(event.number)
        if event.number < 90:
            thing.on.one.emit(number=event.number + 1)

    thing.on.one.emit()
    assert heard == list(range(91))


def test_many_emissions_from_one_handler_are_no_cycle(thing: Thing, heard: List[Any]) -> None:
    @events.observe(thing.on.one)
    def burst(event: Numbered) -> None:
        for number in range(20_000):
            thing.on.two.emit(number=number)

    events.observe(thing.on.two, lambda event: heard.append(event.number))
    thing.on.one.emit()
    assert heard == list(range(20_000))


def test_events_of_ever_new_objects_end_too(heard: List[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(event: Numbered) -> None:
        heard.append(1)
        Thing().on.one.emit()

    events.handle_event(Numbered)(follow)
    with pytest.raises(EventCycleError, match="stopped"):
        Thing().on.one.emit()
    assert len(heard) <= 1000


def test_nested_emissions_are_bounded_and_named(heard: List[Any], log: Log) -> None:
    @events.handle_event(Called)
    def again(event: Called) -> None:
        heard.append(1)
        events.emit_event(Called)

    # With two of them, going on after each failure would take for ever.
    events.handle_event(Called)(lambda event: events.emit_event(Called) and None)
    with pytest.raises(EventCycleError) as caught:
        events.emit_event(Called)
    assert caught.value.steps == ("Called", "Called")
    assert len(heard) == 101
    assert log == []


def test_nested_emissions_of_ever_new_origins_end_too(log: Log) -> None:
    def deeper(event: Called) -> None:
        events.emit_event(Called, origin=object())

    events.handle_event(Called)(deeper)
    events.handle_event(Called)(lambda event: deeper(event))
    with pytest.raises(EventCycleError):
        events.emit_event(Called)


def test_a_stack_that_is_used_up_by_nested_handlers_ends_too(heard: List[Any], log: Log) -> None:
    def deep(steps: int) -> None:
        if steps:
            deep(steps - 1)
        else:
            events.emit_event(Called)

    # Two handlers again: each level that went on after a failure would double the work.
    for _ in range(2):
        events.handle_event(Called)(lambda event: heard.append(1) or deep(30))  # type: ignore[func-returns-value]
    events.emit_event(Called)
    assert len(heard) < 200
    assert "RecursionError" in log[0][1]
