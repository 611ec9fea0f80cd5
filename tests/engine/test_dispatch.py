"""The dispatch: phases, iterations, the queue and when it is tested again."""

from __future__ import annotations

from typing import Any, Callable, List

import pytest

from charms_reactive.errors import EngineError, ReactiveError

from .driving import ALL, ANY, HOOKS, NONE, NOT_ALL, OTHER, RESTRICTED, TEST, Bus, given

NO_HOOKS = ["hooks", "queue []"]


@pytest.fixture
def bus(engine: Any) -> Bus:
    return Bus(engine)


# -- phases ----------------------------------------------------------------------------------------


def test_spec5_1_an_empty_dispatch_has_phase_hooks_and_one_empty_iteration(bus: Bus) -> None:
    assert bus.dispatch() == ["hooks", "queue []", "iteration 0", "queue []", "done"]


def test_spec5_1_a_restricted_dispatch_is_the_whole_dispatch(bus: Bus) -> None:
    bus.handler(phases=HOOKS)
    bus.handler((NONE, ["x"]))
    bus.handler(phases=RESTRICTED)
    assert bus.dispatch(restricted=True) == ["restricted", "queue [2]", "invoke 2", "done"]


def test_spec5_1_hook_handlers_match_in_phase_hooks_and_nothing_else_does(bus: Bus) -> None:
    bus.handler(phases=RESTRICTED)
    bus.handler(phases=HOOKS)
    bus.handler((ALL, []))
    bus.handler(phases=HOOKS)
    assert bus.dispatch()[:4] == ["hooks", "queue [1, 3]", "invoke 1", "invoke 3"]


def test_spec5_1_a_handler_without_flag_and_phase_matches_in_any_phase(bus: Bus) -> None:
    marks = {"done": False}

    def once() -> None:
        marks["done"] = True

    bus.handler(body=once, asks=lambda: not marks["done"])
    hooks = ["hooks", "test 0", "queue [0]", "invoke 0", "iteration 0", "test 0", "queue []", "done"]
    assert bus.dispatch() == hooks
    marks["done"] = False
    assert bus.dispatch(restricted=True) == ["restricted", "test 0", "queue [0]", "invoke 0", "done"]


@pytest.mark.parametrize(
    ("masks", "phases"),
    [
        ([HOOKS], "hooks"),
        ([OTHER], "other"),
        ([RESTRICTED], "restricted"),
        ([HOOKS | RESTRICTED], "hooks restricted"),
        ([HOOKS | OTHER | RESTRICTED], "hooks other restricted"),
        ([255], "hooks other restricted"),
        ([HOOKS | OTHER, OTHER | RESTRICTED], "other"),
        ([HOOKS, RESTRICTED], ""),
        ([0], ""),
        ([0, HOOKS], ""),
    ],
)
def test_confine_narrows_what_confined_the_handler_before(bus: Bus, masks: List[int], phases: str) -> None:
    handler = bus.handler(watch=["never"])
    for mask in masks:
        bus.engine.confine(handler, mask)
    found = []
    if handler in bus.invoked(restricted=True):
        found.append("restricted")
    normal = bus.dispatch()
    if "invoke 0" in normal[: normal.index("iteration 0")]:
        found.append("hooks")
    if "invoke 0" in normal[normal.index("iteration 0") :]:
        found.append("other")
    assert sorted(found) == sorted(phases.split())


def test_spec5_1_a_flag_condition_and_a_hook_exclude_each_other(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), phases=HOOKS)
    bus.set("a")
    assert bus.invoked() == []
    assert bus.invoked(restricted=True) == []


def test_phase_and_iteration_are_told_while_a_dispatch_runs(bus: Bus) -> None:
    engine, told = bus.engine, []

    def tell() -> None:
        told.append((engine.phase(), engine.iteration()))

    bus.handler(body=tell, phases=HOOKS)
    bus.handler((ALL, ["a"]), body=lambda: (tell(), bus.set("b")))
    bus.handler((ALL, ["b"]), body=tell)
    bus.set("a")
    assert engine.phase() == 0
    bus.dispatch()
    assert told == [(HOOKS, 0), (OTHER, 0), (OTHER, 1)]
    assert engine.phase() == 0
    engine.start(False)
    assert (engine.phase(), engine.iteration()) == (HOOKS, 0)
    engine.abort()
    engine.start(True)
    assert engine.phase() == RESTRICTED


# -- iterations ------------------------------------------------------------------------------------


def test_spec5_2_in_iteration_0_every_handler_whose_conditions_hold_matches(bus: Bus) -> None:
    bus.handler((ALL, ["a"]))
    bus.handler((ALL, ["x"]))
    bus.handler((NONE, ["x"]))
    bus.handler((ANY, ["x", "a"]))
    bus.handler((NOT_ALL, ["x", "a"]))
    given(bus.engine, "a")
    expected = [0, 2, 3, 4]
    assert bus.invoked() == expected
    # And again in the next hook, though nothing changed.
    assert bus.invoked() == expected


def test_spec5_2_later_iterations_need_a_change_of_a_flag_of_the_handler(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: bus.set("b"))
    bus.handler((ALL, ["b"]), body=lambda: bus.set("c"))
    bus.handler((ALL, ["a", "c"]))
    bus.handler((NONE, ["x"]))
    bus.set("a")
    assert bus.dispatch() == [
        *NO_HOOKS,
        *["iteration 0", "queue [0, 3]", "invoke 0", "invoke 3"],
        *["iteration 1", "queue [1]", "invoke 1"],
        *["iteration 2", "queue [2]", "invoke 2"],
        *["iteration 3", "queue []", "done"],
    ]


def test_spec5_2_a_flag_that_changed_and_changed_back_did_change(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: (bus.set("b"), bus.clear("b")))
    bus.handler((NONE, ["b"]))
    bus.set("a")
    assert bus.invoked() == [0, 1, 1]


def test_spec5_2_setting_what_is_set_is_no_change(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: (bus.set("a"), bus.clear("x")))
    bus.handler((NONE, ["x"]))
    bus.set("a")
    assert bus.invoked() == [0, 1]


def test_spec5_2_changes_by_triggers_count(bus: Bus) -> None:
    bus.engine.add_trigger("a", False, set_flag="b")
    bus.handler((ALL, ["a"]), body=lambda: bus.clear("a"))
    bus.handler((ALL, ["b"]))
    bus.set("a")
    assert bus.invoked() == [0, 1]


def test_spec5_2_changes_by_hook_handlers_count_in_iteration_0(bus: Bus) -> None:
    changed: List[List[str]] = []
    bus.handler(phases=HOOKS, body=lambda: bus.set("a"))
    bus.handler((ALL, ["a"]), body=lambda: changed.append(bus.engine.changed()))
    assert bus.dispatch() == [
        *["hooks", "queue [0]", "invoke 0"],
        *["iteration 0", "queue [1]", "invoke 1"],
        *["iteration 1", "queue []", "done"],
    ]
    assert changed == [["a"]]


def test_spec5_2_only_changes_of_the_previous_iteration_count(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: bus.set("b"))
    bus.handler((ALL, ["b"]), body=lambda: bus.set("c"))
    # Its flags changed in iteration 0; that its condition holds comes only in iteration 1.
    bus.handler((ANY, ["a", "b"]), (ALL, ["d"]))
    bus.handler((ALL, ["c"]), body=lambda: bus.engine.load(["a", "b", "c"]))
    bus.set("a")
    assert bus.invoked() == [0, 1, 3]


def test_spec5_2_touch_counts_as_a_change(bus: Bus) -> None:
    rounds: List[int] = []

    def again() -> None:
        rounds.append(1)
        if len(rounds) < 3:
            bus.engine.touch("a")

    bus.handler((ALL, ["a"]), body=again)
    bus.set("a")
    assert bus.invoked() == [0, 0, 0]


def test_spec5_2_what_load_changed_counts_as_a_change(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: bus.engine.load(["a", "b"]))
    bus.handler((ALL, ["b"]))
    bus.set("a")
    assert bus.invoked() == [0, 1]


def test_watching_gates_iterations_after_the_first(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: bus.set("b"))
    bus.handler(phases=OTHER, watch=["b"])
    bus.handler(phases=OTHER, watch=["c"])
    bus.set("a")
    assert bus.invoked() == [0, 1, 2, 1]


def test_a_handler_that_watches_nothing_matches_in_every_iteration(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: bus.set("b"))
    bus.handler((ALL, ["b"]))
    left = [3]

    def asked() -> bool:
        left[0] -= 1
        return left[0] >= 0

    bus.handler(phases=OTHER, asks=asked, watch=[])
    bus.set("a")
    assert bus.invoked() == [0, 2, 1, 2, 2]


def test_changed_and_pending_move_on_with_each_iteration(bus: Bus) -> None:
    engine, told = bus.engine, []

    def tell() -> None:
        told.append((engine.changed(), engine.pending()))

    bus.handler((ALL, ["a"]), body=lambda: (bus.set("c"), bus.set("b"), tell()))
    bus.handler((ALL, ["b"]), body=lambda: (bus.clear("c"), tell()))
    bus.set("a")
    bus.dispatch()
    assert told == [([], ["c", "b"]), (["c", "b"], ["c"])]


def test_start_forgets_what_changed_before(bus: Bus) -> None:
    bus.set("a")
    assert bus.engine.pending() == ["a"]
    bus.engine.start(False)
    assert bus.engine.pending() == bus.engine.changed() == []


# -- the queue -------------------------------------------------------------------------------------


def test_spec5_3_a_flag_set_by_a_handler_adds_nobody_to_the_queue(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: bus.set("b"))
    bus.handler((ALL, ["b"]))
    bus.set("a")
    assert bus.dispatch()[2:] == [
        *["iteration 0", "queue [0]", "invoke 0"],
        *["iteration 1", "queue [1]", "invoke 1"],
        *["iteration 2", "queue []", "done"],
    ]


def test_spec5_3_a_flag_set_by_a_handler_removes_nobody_from_the_queue(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: bus.set("b"))
    bus.handler((NONE, ["b"]))
    bus.set("a")
    assert bus.invoked() == [0, 1]


def test_spec5_3_clearing_a_set_flag_tests_the_rest_of_the_queue_again(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: bus.clear("b"))
    bus.handler((ALL, ["b"]))
    bus.handler((ALL, ["a"]))
    given(bus.engine, "a", "b")
    assert bus.invoked() == [0, 2]


def test_spec5_3_the_test_is_of_all_that_changed_not_of_the_cleared_flag_alone(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: (bus.set("x"), bus.clear("b")))
    bus.handler((NONE, ["x"]))
    given(bus.engine, "a", "b")
    assert bus.invoked() == [0]


@pytest.mark.parametrize(
    "clear",
    [
        lambda bus: (bus.clear("b"), bus.set("b")),
        lambda bus: bus.engine.load(["a", "x"]),
        lambda bus: bus.set("t"),
    ],
    ids=["and set again", "by load", "by a trigger"],
)
def test_spec5_3_each_way_of_clearing_tests_again(bus: Bus, clear: Callable[[Bus], object]) -> None:
    answers = [True, False]
    bus.engine.add_trigger("t", True, clear_flag="b")
    bus.handler((ALL, ["a"]), body=lambda: clear(bus))
    bus.handler((ALL, ["a"]), asks=lambda: answers.pop(0))
    given(bus.engine, "a", "b")
    told = bus.dispatch()
    assert told[2:7] == ["iteration 0", "test 1", "queue [0, 1]", "invoke 0", "test 1"]
    assert "invoke 1" not in told


def test_spec20_queue_clearing_a_flag_that_was_not_set_tests_nothing_again(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: (bus.set("x"), bus.clear("never")))
    bus.handler((NONE, ["x"]))
    bus.set("a")
    assert bus.invoked() == [0, 1]


def test_spec5_3_those_that_left_the_queue_do_not_come_back_in_this_iteration(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: bus.clear("b"))
    bus.handler((ALL, ["a"]), body=lambda: (bus.set("b"), bus.clear("c")))
    bus.handler((ALL, ["b"]))
    given(bus.engine, "a", "b", "c")
    assert bus.dispatch()[2:8] == [
        *["iteration 0", "queue [0, 1, 2]", "invoke 0", "invoke 1"],
        *["iteration 1", "queue [2]"],
    ]


def test_spec5_3_testing_again_asks_opaque_handlers_again_and_keeps_the_order(bus: Bus) -> None:
    asked: List[int] = []

    def asks(number: int, *answers: bool) -> Callable[[], bool]:
        left = list(answers)

        def ask() -> bool:
            asked.append(number)
            return left.pop(0)

        return ask

    bus.handler((ALL, ["a"]), body=lambda: bus.clear("x"))
    bus.handler((ALL, ["a"]), asks=asks(1, True, True))
    bus.handler((ALL, ["a"]), asks=asks(2, True, False))
    bus.handler((ALL, ["a"]), asks=asks(3, False))
    bus.handler((ALL, ["a"]))
    given(bus.engine, "a", "x")
    told = bus.dispatch()
    assert asked == [1, 2, 3, 1, 2]
    assert told[2:12] == [
        *["iteration 0", "test 1", "test 2", "test 3", "queue [0, 1, 2, 4]"],
        *["invoke 0", "test 1", "test 2", "invoke 1", "invoke 4"],
    ]


def test_spec5_3_only_clearing_by_a_handler_tests_again(bus: Bus) -> None:
    asked: List[int] = []

    def ask() -> bool:
        asked.append(1)
        bus.clear("x")
        return True

    bus.handler((ALL, ["a"]), asks=ask)
    bus.handler((ALL, ["a"]))
    given(bus.engine, "a", "x")
    assert bus.invoked() == [0, 1]
    assert asked == [1]


def test_spec5_3_a_handler_that_was_confined_while_queued_leaves_when_tested_again(bus: Bus) -> None:
    bus.handler(phases=HOOKS, body=lambda: (bus.engine.confine(1, RESTRICTED), bus.clear("x")))
    bus.handler(phases=HOOKS)
    bus.handler(phases=HOOKS)
    given(bus.engine, "x")
    assert bus.dispatch()[:4] == ["hooks", "queue [0, 1, 2]", "invoke 0", "invoke 2"]


def test_spec5_3_a_handler_that_got_a_condition_while_queued_leaves_when_tested_again(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: (bus.engine.add_condition(1, ALL, ["b"]), bus.clear("x")))
    bus.handler((ALL, ["a"]))
    given(bus.engine, "a", "x")
    assert bus.invoked() == [0]


def test_spec5_3_a_handler_added_by_a_handler_waits_for_the_next_iteration(bus: Bus) -> None:
    def add() -> None:
        if bus.engine.handler_count() == 1:
            bus.handler((NONE, ["b"]))
            bus.engine.touch("b")

    bus.handler((ALL, ["a"]), body=add)
    bus.set("a")
    assert bus.dispatch()[2:] == [
        *["iteration 0", "queue [0]", "invoke 0"],
        *["iteration 1", "queue [1]", "invoke 1"],
        *["iteration 2", "queue []", "done"],
    ]


def test_a_cycle_of_triggers_that_was_taken_back_does_not_test_again(bus: Bus) -> None:
    bus.engine.add_trigger("t", True, clear_flag="x")
    bus.engine.add_trigger("x", False, clear_flag="t")
    bus.engine.add_trigger("t", False, set_flag="t")

    def fail() -> None:
        with pytest.raises(ReactiveError):
            bus.set("t")
        bus.set("y")

    bus.handler((ALL, ["a"]), body=fail)
    bus.handler((NONE, ["y"]))
    given(bus.engine, "a", "x")
    assert bus.invoked() == [0, 1]


def test_spec5_5_the_order_is_that_of_registration(bus: Bus) -> None:
    for flags in ("ba", "b", "abc", "a", "c", "ca"):
        bus.handler((ALL, list(flags)))
    given(bus.engine, "c", "a", "b")
    assert bus.invoked() == [0, 1, 2, 3, 4, 5]


def test_spec5_5_the_order_is_that_of_registration_in_later_iterations(bus: Bus) -> None:
    bus.handler((ALL, ["go"]), body=lambda: [bus.set(flag) for flag in "edcba"])
    for flag in "cebda":
        bus.handler((ALL, [flag]))
    bus.set("go")
    assert bus.invoked() == [0, 1, 2, 3, 4, 5]


def test_queue_has_those_still_to_be_invoked(bus: Bus) -> None:
    seen: List[List[int]] = []
    for _ in range(3):
        bus.handler((ALL, ["a"]), body=lambda: seen.append(bus.engine.queue()))
    bus.set("a")
    assert bus.engine.queue() == []
    bus.dispatch()
    assert seen == [[1, 2], [2], []]
    assert bus.engine.queue() == []


# -- predicates that the engine cannot see ---------------------------------------------------------


def test_an_opaque_handler_is_asked_about_only_if_all_else_matches(bus: Bus) -> None:
    def never() -> bool:
        raise AssertionError("was asked")

    bus.handler((ALL, ["x"]), asks=never)
    bus.handler((NONE, ["a"]), asks=never)
    bus.handler(phases=RESTRICTED, asks=never)
    bus.handler((ALL, ["a"]))
    bus.set("a")
    assert bus.invoked() == [3]


def test_an_opaque_handler_is_gated_like_any_other(bus: Bus) -> None:
    asked: List[int] = []
    bus.handler((ALL, ["a"]), body=lambda: bus.set("b"))
    bus.handler((ALL, ["a"]), asks=lambda: bool(asked.append(bus.engine.iteration())) or True)
    bus.handler((ALL, ["b"]))
    bus.set("a")
    assert bus.invoked() == [0, 1, 2]
    assert asked == [0]


def test_flags_set_by_a_predicate_are_seen_by_handlers_behind_it_only(bus: Bus) -> None:
    def sets_b() -> bool:
        bus.set("b")
        return False

    bus.handler((ALL, ["b"]))
    bus.handler((NONE, ["b"]))
    bus.handler((ALL, ["a"]), asks=sets_b)
    bus.handler((ALL, ["b"]))
    bus.handler((NONE, ["b"]))
    bus.set("a")
    told = bus.dispatch()
    assert told[2:7] == ["iteration 0", "test 2", "queue [1, 3]", "invoke 1", "invoke 3"]
    # Its change counts as one of iteration 0: so the first handler comes in iteration 1.
    assert told[7:9] == ["iteration 1", "queue [0, 3]"]


def test_a_handler_added_by_a_predicate_is_tested_in_the_same_iteration(bus: Bus) -> None:
    def adds() -> bool:
        if bus.engine.handler_count() == 1:
            bus.handler((ALL, ["a"]))
        return False

    bus.handler((ALL, ["a"]), asks=adds)
    bus.set("a")
    assert bus.dispatch()[2:] == [
        *["iteration 0", "test 0", "queue [1]", "invoke 1"],
        *["iteration 1", "queue []", "done"],
    ]


def test_a_handler_may_become_opaque_later(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: bus.engine.set_opaque(1))
    bus.handler((ALL, ["a"]))
    bus.set("a")
    assert bus.dispatch()[2:6] == ["iteration 0", "queue [0, 1]", "invoke 0", "invoke 1"]
    bus._predicates[1] = lambda: False
    assert bus.dispatch()[2:6] == ["iteration 0", "test 1", "queue [0]", "invoke 0"]


# -- the end ---------------------------------------------------------------------------------------


def test_spec5_4_the_dispatch_ends_at_the_first_iteration_with_an_empty_queue(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: bus.set("unheard"))
    bus.set("a")
    assert bus.dispatch() == [
        *NO_HOOKS,
        *["iteration 0", "queue [0]", "invoke 0"],
        *["iteration 1", "queue []", "done"],
    ]


def test_spec5_4_a_ping_pong_stops_after_100_iterations_and_names_who_still_matches(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: (bus.clear("a"), bus.set("b")))
    bus.handler((ALL, ["b"]), body=lambda: (bus.clear("b"), bus.set("a")))
    bus.handler((ALL, ["b"]))
    bus.set("a")
    told = bus.dispatch()
    # Iterations 0 to 99 are carried out; the one after them is only tested.
    assert [step for step in told if step.startswith("iteration")] == ["iteration %d" % n for n in range(101)]
    assert sum(step == "invoke 0" for step in told) == sum(step == "invoke 1" for step in told) == 50
    assert told[-2:] == ["iteration 100", "limit [0]"]
    assert bus.engine.changed() == ["b", "a"]
    assert bus.engine.phase() == 0


def test_spec5_4_what_settles_in_the_last_iteration_is_done(bus: Bus, engine_module: Any) -> None:
    rounds: List[int] = []

    def again() -> None:
        rounds.append(1)
        if len(rounds) < engine_module.MAX_ITERATIONS:
            bus.engine.touch("a")

    bus.handler((ALL, ["a"]), body=again)
    bus.set("a")
    told = bus.dispatch()
    assert len(rounds) == engine_module.MAX_ITERATIONS == 100
    assert told[-2:] == ["iteration 100", "done"]


def test_after_the_limit_another_dispatch_may_start(bus: Bus) -> None:
    bus.handler((ALL, []))
    assert bus.dispatch()[-1] == "limit [0]"
    with pytest.raises(EngineError):
        bus.engine.next()
    bus.engine.start(False)
    assert bus.engine.queue() == []
    assert bus.engine.iteration() == 0


def test_clear_handlers_leaves_a_running_dispatch_nothing_to_invoke(bus: Bus) -> None:
    bus.handler((ALL, ["a"]), body=lambda: (bus.engine.clear_handlers(), bus.clear("a")))
    bus.handler((ALL, ["a"]))
    bus.set("a")
    assert bus.dispatch()[2:] == [
        "iteration 0",
        "queue [0, 1]",
        "invoke 0",
        "iteration 1",
        "queue []",
        "done",
    ]


def test_an_answer_about_a_forgotten_handler_is_not_taken_for_one_of_a_new_handler(bus: Bus) -> None:
    engine = bus.engine

    def replaced() -> bool:
        engine.clear_handlers()
        engine.add_condition(engine.add_handler(), ALL, ["not set"])
        return True

    bus.handler((ALL, ["a"]), asks=replaced)
    bus.set("a")
    assert bus.invoked() == []


# -- out of order ----------------------------------------------------------------------------------


def test_start_while_a_dispatch_runs_is_an_error(engine: Any) -> None:
    engine.start(False)
    for restricted in (False, True):
        with pytest.raises(EngineError) as caught:
            engine.start(restricted)
        assert isinstance(caught.value, ReactiveError)
        assert isinstance(caught.value, RuntimeError)
    assert engine.next() == (0, HOOKS)


def test_next_without_a_dispatch_is_an_error(bus: Bus) -> None:
    with pytest.raises(EngineError):
        bus.engine.next()
    bus.dispatch()
    with pytest.raises(EngineError):
        bus.engine.next()


def test_next_before_the_answer_is_an_error_and_the_answer_still_counts(engine: Any) -> None:
    engine.confine(engine.add_handler(), HOOKS)
    engine.set_opaque(0)
    engine.start(False)
    assert engine.next() == (0, HOOKS)
    assert engine.next() == (1, 0)
    with pytest.raises(EngineError):
        engine.next()
    assert engine.answer(True) is None
    assert engine.next() == (2, 1)
    assert engine.next() == (3, 0)


def test_an_answer_to_no_question_is_an_error(engine: Any) -> None:
    engine.set_opaque(engine.add_handler())
    with pytest.raises(EngineError):
        engine.answer(True)
    engine.start(False)
    engine.next()
    with pytest.raises(EngineError):
        engine.answer(True)
    engine.next()
    engine.answer(False)
    with pytest.raises(EngineError):
        engine.answer(False)


@pytest.mark.parametrize("steps", range(8))
def test_abort_ends_a_dispatch_wherever_it_is(bus: Bus, steps: int) -> None:
    engine = bus.engine
    bus.handler((ALL, ["a"]), asks=lambda: True)
    bus.handler((ALL, ["a"]))
    bus.set("a")
    whole = bus.dispatch()
    engine.start(False)
    for number in range(steps):
        step, _ = engine.next()
        # The last question is left without an answer.
        if step == TEST and number < steps - 1:
            engine.answer(True)
    assert engine.phase() != 0
    engine.abort()
    assert engine.phase() == 0
    assert engine.queue() == []
    with pytest.raises(EngineError):
        engine.next()
    with pytest.raises(EngineError):
        engine.answer(True)
    assert bus.dispatch() == whole


def test_abort_is_harmless_when_no_dispatch_runs(bus: Bus) -> None:
    bus.engine.abort()
    bus.handler((ALL, ["a"]))
    bus.set("a")
    bus.engine.abort()
    assert bus.engine.flags() == bus.engine.pending() == ["a"]
    assert bus.invoked() == [0]


def test_spec5_6_after_a_handler_raised_the_flags_before_can_be_loaded(bus: Bus) -> None:
    engine = bus.engine

    def fails() -> None:
        bus.set("b")
        bus.clear("a")
        raise RuntimeError

    bus.handler((ALL, ["a"]), body=fails)
    bus.handler((ALL, ["b"]))
    bus.set("a")
    before = engine.flags()
    with pytest.raises(RuntimeError):
        bus.dispatch()
    engine.abort()
    assert engine.load(before) == [("b", False), ("a", True)]
    assert engine.flags() == before
    assert [engine.is_ready(0), engine.is_ready(1)] == [True, False]


def test_the_driver_may_change_anything_between_two_steps(bus: Bus) -> None:
    engine = bus.engine
    engine.start(False)
    assert engine.next() == (0, HOOKS)
    bus.handler((ALL, ["a"]))
    assert engine.next() == (2, 0)
    bus.set("a")
    assert engine.next() == (0, OTHER)
    bus.handler((ALL, ["a"]))
    bus.clear("a")
    bus.handler((NONE, ["a"]))
    assert engine.next() == (2, 1)
    bus.set("a")
    assert engine.next() == (3, 2)
