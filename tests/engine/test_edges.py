"""Edges: what handlers hear of flags that become set or cleared, once each time; and a quiet dispatch."""

from __future__ import annotations

from typing import Any, List

import pytest

from charms_reactive._engine import pure
from charms_reactive.errors import FlagNameError, TriggerCycleError

from .driving import ALL, HOOKS, NONE, Bus, given


def hearing(engine: Any, *edges: Any, conditions: Any = (), **more: Any) -> int:
    """A handler that hears of these edges, and the bus that drives it."""
    number = more.pop("bus").handler(*conditions, **more)
    for flag, on in edges:
        engine.add_edge(number, flag, on)
    assert isinstance(number, int)
    return number


def test_an_edge_is_heard_once_until_the_flag_changes_back(engine: Any) -> None:
    bus = Bus(engine)
    hearing(engine, ("a", True), bus=bus)
    for change, invoked in (("set", [0]), ("", []), ("clear", []), ("set", [0]), ("", [])):
        if change:
            getattr(bus, change)("a")
        assert bus.invoked() == invoked


def test_of_a_flag_that_is_cleared(engine: Any) -> None:
    bus = Bus(given(engine, "a"))
    hearing(engine, ("a", False), bus=bus)
    assert bus.invoked() == []
    bus.clear("a")
    assert bus.invoked() == [0]
    assert bus.invoked() == []


def test_one_of_several_is_enough_and_all_that_happened_are_heard(engine: Any) -> None:
    bus = Bus(given(engine, "a"))
    hearing(engine, ("a", True), ("b", True), ("c", False), bus=bus)
    assert engine.heard(0) == []
    assert bus.invoked() == [0]
    assert engine.heard(0) == [("a", True), ("c", False)]
    bus.set("b")
    bus.set("c")
    assert engine.heard(0) == [("a", True)]
    assert bus.invoked() == [0]
    assert engine.heard(0) == [("a", True), ("b", True)]


def test_conditions_must_hold_besides_and_the_edge_waits(engine: Any) -> None:
    bus = Bus(given(engine, "a"))
    hearing(engine, ("a", True), conditions=[(ALL, ["x"]), (NONE, ["y"])], bus=bus)
    bus.set("y")
    assert bus.invoked() == []
    bus.set("x")
    assert bus.invoked() == []
    bus.clear("y")
    assert engine.is_ready(0)
    assert bus.invoked() == [0]
    assert not engine.is_ready(0)


def test_what_the_handler_does_itself_is_news(engine: Any) -> None:
    bus = Bus(given(engine, "a"))
    left: List[int] = [2]

    def blink() -> None:
        if left[0]:
            left[0] -= 1
            bus.clear("a")
            bus.set("a")

    hearing(engine, ("a", True), bus=bus, body=blink)
    assert bus.invoked() == [0, 0, 0]


def test_one_that_leaves_the_queue_has_not_heard(engine: Any) -> None:
    bus = Bus(given(engine, "a", "x"))
    bus.handler((ALL, ["x"]), body=lambda: bus.clear("x"))
    hearing(engine, ("a", True), conditions=[(ALL, ["x"])], bus=bus)
    assert bus.invoked() == [0]
    assert engine.heard(1) == []


def test_what_was_heard_before_is_told_and_forgotten(engine: Any) -> None:
    bus = Bus(given(engine, "a"))
    hearing(engine, ("a", True), ("b", True), bus=bus)
    engine.hear(0, "a", True)
    engine.hear(0, "b", True)  # it is not set
    engine.hear(0, "a", False)  # no edge of the handler
    engine.hear(0, "nowhere", True)
    assert engine.heard(0) == [("a", True)]
    assert bus.invoked() == []
    engine.forget_heard()
    assert engine.heard(0) == []
    assert bus.invoked() == [0]


def test_the_same_edge_twice_is_one_and_it_is_confined_to_flags(engine: Any) -> None:
    bus = Bus(given(engine, "a"))
    hearing(engine, ("a", True), ("a", True), bus=bus)
    assert engine.dependents("a") == [(0, True)]
    assert bus.dispatch()[:2] == ["hooks", "queue []"]
    assert engine.heard(0) == [("a", True)]
    never = bus.handler(phases=HOOKS)
    engine.add_edge(never, "a", True)
    assert bus.invoked() == []


def test_loading_other_flags_is_a_change_and_touching_is_none(engine: Any) -> None:
    bus = Bus(given(engine, "a"))
    hearing(engine, ("a", True), bus=bus)
    bus.invoked()
    engine.touch("a")
    engine.load(["a", "b"])
    assert engine.heard(0) == [("a", True)]
    engine.load([])
    engine.load(["a"])
    assert engine.heard(0) == []


def test_an_interrupted_change_is_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine in Python, in whose middle a signal handler may raise; the other one is not left halfway."""
    engine = pure.Engine()
    bus = Bus(given(engine, "heard", "back"))
    hearing(engine, ("heard", True), bus=bus)
    hearing(engine, ("back", True), bus=bus)
    assert bus.invoked() == [0, 1]
    hearing(engine, ("new", True), bus=bus)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_move_edges", interrupted)
        for flag, on in ("back", False), ("new", True):
            with pytest.raises(KeyboardInterrupt):
                engine.change(flag, on)
    engine.load(["heard", "new"])  # as the rows say
    # It has heard of the first, not of what has happened since, and no longer of what is gone.
    assert [engine.heard(handler) for handler in range(3)] == [[("heard", True)], [], []]
    assert bus.invoked() == [2]
    engine.load(["back", "heard", "new"])
    assert bus.invoked() == [1]


def test_a_cycle_leaves_heard_what_was_heard(engine: Any) -> None:
    bus = Bus(given(engine, "a"))
    hearing(engine, ("a", True), bus=bus)
    bus.invoked()
    engine.add_trigger("a", False, "b")
    engine.add_trigger("b", True, "a")
    engine.add_trigger("a", True, None, "a")
    with pytest.raises(TriggerCycleError):
        engine.change("a", False)
    assert engine.is_set("a")
    assert engine.heard(0) == [("a", True)]
    assert bus.invoked() == []


def test_handlers_that_are_forgotten_hear_nothing(engine: Any) -> None:
    bus = Bus(given(engine, "a"))
    hearing(engine, ("a", True), bus=bus)
    engine.clear_handlers()
    engine.forget_heard()
    bus.clear("a")
    bus.set("a")
    assert bus.invoked() == []


@pytest.mark.parametrize("call", ["add_edge", "hear"])
def test_what_is_refused(engine: Any, call: str) -> None:
    with pytest.raises(IndexError):
        getattr(engine, call)(0, "a", True)
    engine.add_handler()
    with pytest.raises(FlagNameError):
        getattr(engine, call)(0, "\ud800", True)
    with pytest.raises(IndexError):
        engine.heard(1)


def test_a_quiet_dispatch_leaves_out_levels_that_have_not_changed(engine: Any) -> None:
    bus = Bus(given(engine, "a", "b"))
    bus.handler((ALL, ["a"]))
    bus.handler((ALL, ["b"]))
    bus.handler(phases=HOOKS, body=lambda: bus.set("c"))
    bus.handler((ALL, ["c"]))
    hearing(engine, ("a", True), bus=bus)
    engine.start(False, True)
    engine.touch("b")
    invoked = []
    while True:
        step, number = engine.next()
        if step == 3:
            invoked.append(number)
            if number == 2:
                bus.set("c")
        elif step in (4, 5):
            break
    assert invoked == [2, 1, 3, 4]
    assert bus.invoked() == [2, 0, 1, 3]
