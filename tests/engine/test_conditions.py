"""Conditions of handlers: when one holds, and what a handler is known to depend on."""

from __future__ import annotations

from typing import Any, Callable, List

import pytest

from .driving import ALL, ANY, NONE, NOT_ALL, OTHER, Bus, given


@pytest.mark.parametrize(
    ("kind", "flags", "holds_with"),
    [
        (ALL, [], ["", "a", "b", "ab"]),
        (ALL, ["a"], ["a", "ab"]),
        (ALL, ["a", "b"], ["ab"]),
        (ANY, [], []),
        (ANY, ["a"], ["a", "ab"]),
        (ANY, ["a", "b"], ["a", "b", "ab"]),
        (NONE, [], ["", "a", "b", "ab"]),
        (NONE, ["a"], ["", "b"]),
        (NONE, ["a", "b"], [""]),
        (NOT_ALL, [], []),
        (NOT_ALL, ["a"], ["", "b"]),
        (NOT_ALL, ["a", "b"], ["", "a", "b"]),
        # A flag that is named twice is one flag.
        (ALL, ["a", "a"], ["a", "ab"]),
        (ANY, ["a", "a"], ["a", "ab"]),
        (NONE, ["a", "a"], ["", "b"]),
        (NOT_ALL, ["a", "a"], ["", "b"]),
        (NOT_ALL, ["a", "b", "a"], ["", "a", "b"]),
    ],
)
@pytest.mark.parametrize("flags_set", ["", "a", "b", "ab"])
def test_spec4_when_a_condition_holds(
    engine_module: Any, kind: int, flags: List[str], holds_with: List[str], flags_set: str
) -> None:
    known_before = given(engine_module.Engine(), *flags_set)
    known_before.add_condition(known_before.add_handler(), kind, flags)
    changed_later = engine_module.Engine()
    changed_later.add_condition(changed_later.add_handler(), kind, flags)
    given(changed_later, *"ab")
    given(changed_later, *flags_set)
    for engine in (known_before, changed_later):
        assert engine.is_ready(0) is (flags_set in holds_with)


def test_spec4_several_conditions_all_have_to_hold(engine: Any) -> None:
    bus = Bus(engine)
    handler = bus.handler((ALL, ["a"]), (NONE, ["b"]), (ANY, ["c", "d"]))
    readiness = []
    for flags in ("", "a", "ac", "abc", "ad", "acd", "c"):
        given(engine, *flags)
        readiness.append(engine.is_ready(handler))
    assert readiness == [False, False, True, False, True, True, False]


def test_the_same_condition_twice_is_no_harm(engine: Any) -> None:
    bus = Bus(engine)
    handler = bus.handler((ALL, ["a"]), (ALL, ["a"]))
    bus.set("a")
    assert engine.is_ready(handler)
    bus.clear("a")
    assert not engine.is_ready(handler)
    assert engine.dependents("a") == [(handler, False)]


def test_conditions_that_exclude_each_other_never_hold(engine: Any) -> None:
    bus = Bus(engine)
    handler = bus.handler((ALL, ["a"]), (NONE, ["a"]))
    assert not engine.is_ready(handler)
    bus.set("a")
    assert not engine.is_ready(handler)


def test_a_handler_without_conditions_is_ready(engine: Any) -> None:
    assert engine.is_ready(engine.add_handler()) is True


def test_is_ready_knows_no_phase_iteration_or_predicate(engine: Any) -> None:
    bus = Bus(engine)
    assert engine.is_ready(bus.handler(phases=0, watch=["x"], asks=lambda: False))


def test_handlers_are_numbered_from_0(engine: Any) -> None:
    assert engine.handler_count() == 0
    assert [engine.add_handler() for _ in range(3)] == [0, 1, 2]
    assert engine.handler_count() == 3


def test_clear_handlers_forgets_everything_about_them(engine: Any) -> None:
    bus = Bus(engine)
    bus.handler((ALL, ["a"]))
    bus.handler(watch=["a"])
    engine.clear_handlers()
    assert engine.handler_count() == 0
    assert engine.dependents("a") == []
    assert engine.add_handler() == 0
    assert engine.is_ready(0)
    assert engine.dependents("a") == []
    bus.set("a")
    assert engine.is_ready(0)


def test_clear_handlers_leaves_flags_and_triggers(engine: Any) -> None:
    given(engine, "a").add_trigger("a", False, set_flag="b")
    engine.clear_handlers()
    assert engine.change("a", False) == [(0, "b", 0)]


# -- what a handler depends on ---------------------------------------------------------------------


def test_dependents_are_those_that_watch_the_flag_by_id_with_readiness(engine: Any) -> None:
    bus = Bus(engine)
    bus.handler((ALL, ["a"]))
    bus.handler((ALL, ["b"]))
    bus.handler((NONE, ["b", "a"]))
    bus.handler(watch=["a"])
    bus.handler()
    assert engine.dependents("a") == [(0, False), (2, True), (3, True)]
    bus.set("a")
    assert engine.dependents("a") == [(0, True), (2, False), (3, True)]
    assert engine.dependents("b") == [(1, False), (2, False)]
    assert engine.dependents("nobody") == []


def test_dependents_are_sorted_whatever_the_order_of_watching(engine: Any) -> None:
    for _ in range(3):
        engine.add_handler()
    for handler in (2, 0, 1, 2):
        engine.watch(handler, ["a", "a"])
    assert engine.dependents("a") == [(0, True), (1, True), (2, True)]


def test_watched_changed_is_about_the_previous_iteration(engine: Any) -> None:
    bus = Bus(engine)
    told = []

    def observe() -> None:
        told.append([engine.watched_changed(handler) for handler in (0, 1, 2)])

    bus.handler((ALL, ["a"]), body=lambda: (observe(), bus.set("b")))
    bus.handler((ALL, ["b"]), body=lambda: (observe(), bus.set("c")))
    bus.handler((ALL, ["c"]), body=observe)
    bus.set("a")
    bus.dispatch()
    assert told == [[False, False, False], [False, True, False], [False, False, True]]


def test_watched_changed_of_a_handler_that_watches_nothing(engine: Any) -> None:
    assert engine.watched_changed(engine.add_handler()) is False


def test_a_condition_watches_its_flags_and_confines_to_phase_other(engine: Any) -> None:
    bus = Bus(engine)
    plain = bus.handler()
    engine.add_condition(plain, ALL, [])
    assert engine.dependents("a") == []
    engine.add_condition(plain, NONE, ["a"])
    assert engine.dependents("a") == [(plain, True)]
    assert bus.dispatch() == ["hooks", "queue []", "iteration 0", "queue [0]", "invoke 0", *_END]
    assert bus.dispatch(restricted=True) == ["restricted", "queue []", "done"]


_END = ["iteration 1", "queue []", "done"]


# -- errors ----------------------------------------------------------------------------------------

_TAKES_A_HANDLER = {
    "add_condition": lambda engine, handler: engine.add_condition(handler, ALL, ["a"]),
    "watch": lambda engine, handler: engine.watch(handler, ["a"]),
    "confine": lambda engine, handler: engine.confine(handler, OTHER),
    "set_opaque": lambda engine, handler: engine.set_opaque(handler),
    "is_ready": lambda engine, handler: engine.is_ready(handler),
    "watched_changed": lambda engine, handler: engine.watched_changed(handler),
}


@pytest.mark.parametrize("call", _TAKES_A_HANDLER.values(), ids=_TAKES_A_HANDLER)
@pytest.mark.parametrize("handler", [2, 99, -1, -2, 2**31, 2**32, 2**64, -(2**64)])
def test_an_unknown_handler_is_an_index_error(
    engine: Any, call: Callable[[Any, int], object], handler: int
) -> None:
    engine.add_handler()
    engine.add_handler()
    with pytest.raises(IndexError, match=str(handler)):
        call(engine, handler)
    assert engine.dependents("a") == []


@pytest.mark.parametrize("kind", [4, 5, -1, 255, 256, 2**40])
def test_an_unknown_kind_of_condition_is_a_value_error(engine: Any, kind: int) -> None:
    engine.add_handler()
    with pytest.raises(ValueError, match=str(kind)):
        engine.add_condition(0, kind, ["a"])
    assert engine.is_ready(0)
    assert engine.dependents("a") == []
