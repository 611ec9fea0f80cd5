"""Triggers: what follows from a change, in which order, and what becomes of a cycle."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import pytest

from charms_reactive.errors import EngineError, ReactiveError, TriggerCycleError

from .driving import given

SETS, CLEARS, CALLS = 0, 1, 2
Effects = Optional[List[Tuple[int, str, int]]]


def sets(*flags: str) -> List[Tuple[int, str, int]]:
    return [(SETS, flag, 0) for flag in flags]


def clears(*flags: str) -> List[Tuple[int, str, int]]:
    return [(CLEARS, flag, 0) for flag in flags]


def calls(callback: int) -> List[Tuple[int, str, int]]:
    return [(CALLS, "", callback)]


# -- which changes fire, and what they do ----------------------------------------------------------


def test_spec3_when_fires_on_off_to_on_only(engine: Any) -> None:
    engine.add_trigger("a", True, set_flag="b")
    assert engine.change("a", False) is None
    assert engine.change("a", True) == sets("b")
    engine.load(["a"])
    assert engine.change("a", True) is None
    assert engine.change("a", False) == []
    assert engine.flags() == []


def test_spec3_when_not_fires_on_on_to_off_only(engine: Any) -> None:
    given(engine, "c").add_trigger("a", False, clear_flag="c")
    assert engine.change("a", True) == []
    assert engine.change("a", False) == clears("c")
    assert engine.change("a", False) is None


def test_spec3_actions_are_done_before_the_change_returns(engine: Any) -> None:
    given(engine, "c").add_trigger("a", True, set_flag="b", clear_flag="c")
    engine.change("a", True)
    assert engine.flags() == ["a", "b"]


def test_spec3_actions_that_change_nothing_are_no_effects(engine: Any) -> None:
    given(engine, "b").add_trigger("a", True, set_flag="b", clear_flag="c")
    engine.add_trigger("b", True, set_flag="d")
    engine.add_trigger("c", False, set_flag="e")
    assert engine.change("a", True) == []
    assert engine.flags() == ["a", "b"]
    assert engine.pending() == ["b", "a"]


def test_spec3_set_actions_run_in_order_of_registration(engine: Any) -> None:
    for flag in "zyx":
        engine.add_trigger("a", True, set_flag=flag)
    assert engine.change("a", True) == sets("z", "y", "x")


def test_spec3_clear_actions_run_in_order_of_registration(engine: Any) -> None:
    given(engine, *"xyz")
    for flag in "zxy":
        engine.add_trigger("a", True, clear_flag=flag)
    assert engine.change("a", True) == clears("z", "x", "y")


def test_spec3_set_actions_run_before_clear_actions_before_callbacks(engine: Any) -> None:
    given(engine, "c1", "c2")
    engine.add_trigger("a", True, callback=7)
    engine.add_trigger("a", True, clear_flag="c1")
    engine.add_trigger("a", True, set_flag="s1")
    engine.add_trigger("a", True, set_flag="s2", clear_flag="c2", callback=3)
    assert engine.change("a", True) == sets("s1", "s2") + clears("c1", "c2") + calls(7)
    assert engine.resume() == calls(3)
    assert engine.resume() == []


def test_spec3_set_and_clear_of_the_same_flag(engine: Any) -> None:
    engine.add_trigger("a", True, set_flag="b", clear_flag="b")
    assert engine.change("a", True) == sets("b") + clears("b")


def test_spec3_registering_the_same_action_twice_is_one_action(engine: Any) -> None:
    for _ in range(2):
        engine.add_trigger("a", True, set_flag="b", callback=1)
        engine.add_trigger("a", True, set_flag="b", clear_flag="c", callback=1)
    assert engine.triggers() == [("a", True, ["b"], ["c"])]
    assert engine.change("a", True) == sets("b") + calls(1)
    assert engine.resume() == []


def test_spec3_each_nested_change_runs_its_own_triggers_first(engine: Any) -> None:
    given(engine, "z")
    engine.add_trigger("a", True, set_flag="b", clear_flag="z")
    engine.add_trigger("a", True, set_flag="c")
    engine.add_trigger("b", True, set_flag="b1")
    engine.add_trigger("b", True, set_flag="b2")
    engine.add_trigger("b1", True, set_flag="b11")
    engine.add_trigger("z", False, set_flag="z1")
    assert engine.change("a", True) == sets("b", "b1", "b11", "b2", "c") + clears("z") + sets("z1")
    assert engine.pending() == ["z", "a", "b", "b1", "b11", "b2", "c", "z1"]


def test_spec3_a_nested_change_may_make_a_later_action_needless(engine: Any) -> None:
    engine.add_trigger("a", True, set_flag="b")
    engine.add_trigger("a", True, set_flag="c")
    engine.add_trigger("b", True, set_flag="c")
    assert engine.change("a", True) == sets("b", "c")


def test_a_long_chain_is_no_recursion(engine: Any) -> None:
    length = 3000
    for number in range(length):
        engine.add_trigger("f%d" % number, True, set_flag="f%d" % (number + 1))
    effects = engine.change("f0", True)
    assert len(effects) == length
    assert effects[-1] == (SETS, "f%d" % length, 0)


def test_what_a_trigger_does_is_fixed_when_its_change_begins(engine: Any) -> None:
    engine.add_trigger("a", True, callback=1)
    engine.add_trigger("a", True, callback=2)
    assert engine.change("a", True) == calls(1)
    engine.add_trigger("a", True, set_flag="late", callback=3)
    engine.clear_triggers()
    assert engine.resume() == calls(2)
    assert engine.resume() == []
    assert engine.flags() == ["a"]


def test_a_trigger_registered_by_a_callback_is_there_for_later_changes(engine: Any) -> None:
    engine.add_trigger("a", True, callback=1)
    engine.add_trigger("a", True, callback=2)
    engine.change("a", True)
    engine.add_trigger("b", True, set_flag="c")
    assert engine.change("b", True) == sets("c")
    assert engine.resume() == calls(2)


# -- the table of triggers -------------------------------------------------------------------------


def test_triggers_are_told_in_the_order_in_which_their_edges_were_first_named(engine: Any) -> None:
    engine.add_trigger("z", True, callback=1)
    engine.add_trigger("b", False, set_flag="x")
    engine.add_trigger("nothing", True)
    engine.add_trigger("b", True, clear_flag="y")
    engine.add_trigger("only.called", True, callback=1)
    engine.add_trigger("z", True, set_flag="x", clear_flag="w")
    engine.add_trigger("b", False, set_flag="v")
    assert engine.triggers() == [
        ("z", True, ["x"], ["w"]),
        ("b", False, ["x", "v"], []),
        ("b", True, [], ["y"]),
    ]


def test_the_table_of_triggers_is_a_copy(engine: Any) -> None:
    engine.add_trigger("a", True, set_flag="b")
    engine.triggers()[0][2].append("c")
    assert engine.triggers() == [("a", True, ["b"], [])]


def test_trigger_tells_what_one_edge_does(engine: Any) -> None:
    given(engine, "a").add_trigger("a", True, set_flag="z", callback=4)
    engine.add_trigger("a", True, set_flag="y", clear_flag="x", callback=2)
    engine.add_trigger("a", False, callback=3)
    assert engine.trigger("a", True) == (["z", "y"], ["x"], [4, 2])
    assert engine.trigger("a", False) == ([], [], [3])
    assert engine.trigger("unknown", True) == ([], [], [])
    engine.trigger("a", True)[0].append("w")
    assert engine.trigger("a", True) == (["z", "y"], ["x"], [4, 2])
    engine.clear_triggers()
    assert engine.trigger("a", True) == ([], [], [])


def test_clear_triggers_forgets_them_all(engine: Any) -> None:
    engine.add_trigger("a", True, set_flag="b", callback=1)
    engine.add_trigger("c", False, set_flag="d")
    engine.clear_triggers()
    assert engine.triggers() == []
    assert engine.change("a", True) == []
    engine.add_trigger("c", False, set_flag="e")
    engine.add_trigger("a", True, set_flag="f")
    assert engine.triggers() == [("c", False, ["e"], []), ("a", True, ["f"], [])]


# -- callbacks -------------------------------------------------------------------------------------


def test_spec3_callbacks_run_one_at_a_time_after_the_other_actions(engine: Any) -> None:
    engine.add_trigger("a", True, callback=5)
    engine.add_trigger("a", True, callback=0)
    engine.add_trigger("a", True, set_flag="b")
    assert engine.change("a", True) == sets("b") + calls(5)
    assert engine.is_set("b")
    assert engine.resume() == calls(0)
    assert engine.resume() == []


def test_spec3_a_nested_callback_runs_before_the_next_action(engine: Any) -> None:
    engine.add_trigger("a", True, set_flag="b", callback=1)
    engine.add_trigger("a", True, set_flag="c")
    engine.add_trigger("b", True, callback=2)
    assert engine.change("a", True) == sets("b") + calls(2)
    assert not engine.is_set("c")
    assert engine.resume() == sets("c") + calls(1)
    assert engine.resume() == []


def test_spec3_changes_made_by_a_callback_run_their_triggers_first(engine: Any) -> None:
    engine.add_trigger("a", True, callback=1)
    engine.add_trigger("a", True, callback=2)
    engine.add_trigger("b", True, set_flag="c", callback=3)
    assert engine.change("a", True) == calls(1)
    assert engine.change("b", True) == sets("c") + calls(3)
    assert engine.resume() == []  # of b
    assert engine.resume() == calls(2)  # of a
    assert engine.resume() == []
    with pytest.raises(EngineError):
        engine.resume()


def test_an_action_is_judged_when_it_runs_not_when_its_change_began(engine: Any) -> None:
    engine.add_trigger("a", True, set_flag="b")
    engine.add_trigger("a", True, set_flag="c")
    engine.add_trigger("b", True, callback=1)
    engine.change("a", True)
    engine.change("c", True)
    assert engine.resume() == []


def test_resume_without_a_change_that_waits_is_an_error(engine: Any) -> None:
    with pytest.raises(EngineError) as caught:
        engine.resume()
    assert isinstance(caught.value, ReactiveError)
    assert isinstance(caught.value, RuntimeError)
    engine.add_trigger("a", True, set_flag="b")
    engine.change("a", True)
    with pytest.raises(EngineError):
        engine.resume()


def test_unwind_gives_up_the_innermost_change_that_waits(engine: Any) -> None:
    engine.add_trigger("a", True, callback=1)
    engine.add_trigger("a", True, callback=2)
    engine.add_trigger("b", True, callback=3)
    engine.add_trigger("b", True, callback=4)
    assert engine.waiting() == 0
    engine.change("a", True)
    engine.change("b", True)
    assert engine.waiting() == 2
    engine.unwind()
    assert engine.waiting() == 1
    assert engine.resume() == calls(2)
    engine.unwind()
    assert engine.waiting() == 0
    with pytest.raises(EngineError):
        engine.resume()


def test_unwind_keeps_what_was_changed(engine: Any) -> None:
    engine.add_trigger("a", True, set_flag="b", callback=1)
    engine.change("a", True)
    engine.unwind()
    assert engine.flags() == ["a", "b"]
    assert engine.pending() == ["a", "b"]


def test_after_unwind_the_change_may_be_made_again(engine: Any) -> None:
    engine.add_trigger("a", True, clear_flag="a", callback=1)
    assert engine.change("a", True) == clears("a") + calls(1)
    engine.unwind()
    assert engine.change("a", True) == clears("a") + calls(1)


def test_unwind_without_a_change_that_waits_is_harmless(engine: Any) -> None:
    engine.unwind()
    engine.change("a", True)
    engine.unwind()
    assert engine.flags() == ["a"]


# -- cycles ----------------------------------------------------------------------------------------


def test_spec3_a_chain_that_comes_back_names_the_cycle(engine: Any) -> None:
    given(engine, "c")
    engine.add_trigger("start", True, set_flag="a")
    engine.add_trigger("a", True, set_flag="b")
    engine.add_trigger("b", True, clear_flag="c")
    engine.add_trigger("c", False, clear_flag="a")
    engine.add_trigger("a", False, set_flag="a")
    with pytest.raises(TriggerCycleError) as caught:
        engine.change("start", True)
    # Not the change that led to it, only those that go round.
    assert caught.value.steps == (("a", True), ("b", True), ("c", False), ("a", False), ("a", True))
    assert "set a -> set b -> clear c -> clear a -> set a" in str(caught.value)


@pytest.mark.parametrize("on", [True, False])
def test_spec3_a_flag_that_undoes_itself_and_comes_back_is_a_cycle(engine: Any, on: bool) -> None:
    engine.load([] if on else ["a"])
    engine.add_trigger("a", True, clear_flag="a")
    engine.add_trigger("a", False, set_flag="a")
    with pytest.raises(TriggerCycleError) as caught:
        engine.change("a", on)
    assert caught.value.steps == (("a", on), ("a", not on), ("a", on))


def test_spec3_a_flag_that_undoes_itself_is_no_cycle(engine: Any) -> None:
    engine.add_trigger("a", True, clear_flag="a")
    assert engine.change("a", True) == clears("a")
    assert engine.flags() == []
    assert engine.pending() == ["a"]


def test_spec3_a_ring_whose_flags_are_set_already_is_no_cycle(engine: Any) -> None:
    engine.add_trigger("a", True, set_flag="b")
    engine.add_trigger("b", True, set_flag="a")
    assert engine.change("a", True) == sets("b")


def test_spec3_the_same_change_twice_one_after_the_other_is_no_cycle(engine: Any) -> None:
    engine.add_trigger("a", True, set_flag="b")
    engine.add_trigger("a", True, set_flag="c")
    engine.add_trigger("b", True, set_flag="x", clear_flag="x")
    engine.add_trigger("c", True, set_flag="x", clear_flag="x")
    engine.add_trigger("x", True, set_flag="y", clear_flag="y")
    round_of_x = sets("x", "y") + clears("y", "x")
    assert engine.change("a", True) == sets("b") + round_of_x + sets("c") + round_of_x


def test_nothing_remains_of_a_change_that_ends_in_a_cycle(engine: Any) -> None:
    given(engine, "old", "z")
    engine.start(False)
    engine.change("earlier", True)
    engine.add_trigger("a", True, set_flag="b", clear_flag="old")
    engine.add_trigger("old", False, set_flag="c")
    engine.add_trigger("c", True, clear_flag="a")
    engine.add_trigger("a", False, set_flag="a")
    with pytest.raises(TriggerCycleError):
        engine.change("a", True)
    assert engine.flags() == ["earlier", "old", "z"]
    assert engine.pending() == ["earlier"]
    with pytest.raises(EngineError):
        engine.resume()


def test_what_changed_before_keeps_its_place_after_a_cycle(engine: Any) -> None:
    given(engine, "b")
    engine.start(False)
    engine.change("b", False)
    engine.change("x", True)
    engine.add_trigger("a", True, set_flag="b")
    engine.add_trigger("b", True, clear_flag="a")
    engine.add_trigger("a", False, set_flag="a")
    with pytest.raises(TriggerCycleError):
        engine.change("a", True)
    assert engine.pending() == ["b", "x"]


def test_conditions_are_true_to_the_flags_after_a_cycle(engine: Any) -> None:
    given(engine, "old")
    for flag in ("a", "old"):
        engine.add_condition(engine.add_handler(), 0, [flag])
    engine.add_trigger("a", True, clear_flag="old")
    engine.add_trigger("old", False, clear_flag="a")
    engine.add_trigger("a", False, set_flag="a")
    with pytest.raises(TriggerCycleError):
        engine.change("a", True)
    assert [engine.is_ready(0), engine.is_ready(1)] == [False, True]


def test_a_cycle_after_a_callback_leaves_what_was_done_before_it(engine: Any) -> None:
    given(engine, "d")
    engine.add_trigger("a", True, set_flag="b")
    engine.add_trigger("a", True, set_flag="c", clear_flag="d")
    engine.add_trigger("b", True, callback=1)
    engine.add_trigger("d", False, clear_flag="a")
    engine.add_trigger("a", False, set_flag="a")
    assert engine.change("a", True) == sets("b") + calls(1)
    with pytest.raises(TriggerCycleError):
        engine.resume()
    assert engine.flags() == ["a", "b", "d"]
    with pytest.raises(EngineError):
        engine.resume()


def test_spec3_a_chain_that_comes_back_through_a_callback_is_a_cycle(engine: Any) -> None:
    engine.add_trigger("a", True, callback=1)
    engine.add_trigger("a", False, set_flag="a")
    engine.change("a", True)
    with pytest.raises(TriggerCycleError) as caught:
        engine.change("a", False)
    assert caught.value.steps == (("a", True), ("a", False), ("a", True))
    assert engine.flags() == ["a"]
    # Only the change of the callback is over; the one that called it still waits.
    assert engine.resume() == []


def test_spec3_a_callback_that_makes_its_own_change_again_is_a_cycle(engine: Any) -> None:
    engine.add_trigger("a", True, callback=1)
    assert engine.change("a", True) == calls(1)
    assert engine.change("a", False) == []
    with pytest.raises(TriggerCycleError) as caught:
        engine.change("a", True)
    assert caught.value.steps == (("a", True), ("a", True))
    assert engine.flags() == []
    assert engine.pending() == ["a"]
    assert engine.resume() == []


def test_after_a_cycle_the_same_change_ends_in_the_same_cycle(engine: Any) -> None:
    engine.add_trigger("a", True, clear_flag="a")
    engine.add_trigger("a", False, set_flag="a")
    for _ in range(3):
        with pytest.raises(TriggerCycleError) as caught:
            engine.change("a", True)
        assert len(caught.value.steps) == 3
    engine.clear_triggers()
    assert engine.change("a", True) == []
