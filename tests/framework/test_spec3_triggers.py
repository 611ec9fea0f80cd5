"""Triggers through the public API: what registers, what fires, in which order, and how long."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest

from charms_reactive import (
    clear_flag,
    get_flags,
    is_flag_set,
    register_trigger,
    set_flag,
    toggle_flag,
    when,
)
from charms_reactive.errors import FlagNameError, TriggerCycleError

from .support import Framework, Unit


def _nothing() -> None:
    pass


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "when and when_not"),
        ({"set_flag": "b"}, "when and when_not"),
        ({"when": "", "set_flag": "b"}, "when and when_not"),
        ({"when": "a", "when_not": "a", "set_flag": "b"}, "not both"),
        ({"when": "a"}, "at least one"),
        ({"when_not": "a"}, "at least one"),
        ({"when": "a", "set_flag": "", "clear_flag": None}, "at least one"),
        ({"when": "a", "callback": 3}, "callable"),
    ],
)
def test_spec3_register_trigger_refuses(framework: Framework, arguments: Dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        register_trigger(**arguments)
    assert framework.rows() == {}


@pytest.mark.parametrize("arguments", [{"when": 3, "set_flag": "b"}, {"when_not": "a", "clear_flag": b"b"}])
def test_spec3_flags_of_triggers_are_strings(framework: Framework, arguments: Dict[str, Any]) -> None:
    with pytest.raises(FlagNameError):
        register_trigger(**arguments)


def test_spec3_trigger_acts_before_the_changing_call_returns(framework: Framework) -> None:
    set_flag("c")
    register_trigger(when="a", set_flag="b", clear_flag="c")
    set_flag("a")
    assert get_flags() == ["a", "b"]


def test_spec3_when_not_acts_when_the_flag_is_cleared(framework: Framework) -> None:
    register_trigger(when_not="a", set_flag="b")
    set_flag("a")
    assert not is_flag_set("b")
    clear_flag("a")
    assert is_flag_set("b")


@pytest.mark.parametrize("change", [lambda: set_flag("on"), lambda: clear_flag("off")])
def test_spec3_only_a_real_change_fires(framework: Framework, change: Any) -> None:
    set_flag("on")
    register_trigger(when="on", callback=lambda: framework.told.append("set"))
    register_trigger(when_not="off", callback=lambda: framework.told.append("cleared"))
    change()
    toggle_flag("on", True)
    toggle_flag("off", False)
    assert framework.told == []


def test_spec3_the_same_action_twice_is_one_action(framework: Framework) -> None:
    for _ in range(3):
        register_trigger(when="a", set_flag="b", callback=_nothing)
    assert framework.state.engine.triggers() == [("a", True, ["b"], [])]
    assert framework.state.get("reactive.flag_set_triggers.a") == {"set_flag": ["b"], "clear_flag": []}


def test_spec3_a_bound_method_is_one_callback_however_often_it_is_named(framework: Framework) -> None:
    class Layer:
        def heard(self) -> None:
            framework.told.append(self)

    one, other = Layer(), Layer()
    for layer in (one, one, other):
        register_trigger(when="a", callback=layer.heard)
    set_flag("a")
    assert framework.told == [one, other]


def test_spec3_set_actions_then_clear_actions_then_callbacks(framework: Framework) -> None:
    seen: List[List[str]] = []
    set_flag("old.1")
    set_flag("old.2")
    register_trigger(when="a", callback=lambda: seen.append(get_flags()))
    register_trigger(when="a", clear_flag="old.2")
    register_trigger(when="a", set_flag="new.2")
    register_trigger(when="a", clear_flag="old.1")
    register_trigger(when="a", set_flag="new.1")
    for flag in ("new.1", "new.2"):
        register_trigger(when=flag, callback=lambda flag=flag: seen.append([flag] + get_flags()))
    for flag in ("old.1", "old.2"):
        register_trigger(when_not=flag, callback=lambda flag=flag: seen.append([flag] + get_flags()))
    set_flag("a")
    assert seen == [
        ["new.2", "a", "new.2", "old.1", "old.2"],
        ["new.1", "a", "new.1", "new.2", "old.1", "old.2"],
        ["old.2", "a", "new.1", "new.2", "old.1"],
        ["old.1", "a", "new.1", "new.2"],
        ["a", "new.1", "new.2"],
    ]


def test_spec3_nested_changes_run_their_own_triggers_first(framework: Framework) -> None:
    register_trigger(when="a", set_flag="b")
    register_trigger(when="a", set_flag="c")
    register_trigger(when="b", set_flag="b.b")
    for flag in ("a", "b", "b.b", "c"):
        register_trigger(when=flag, callback=lambda flag=flag: framework.told.append(flag))
    set_flag("a")
    assert framework.told == ["b.b", "b", "c", "a"]


def test_spec3_a_callback_may_change_flags(framework: Framework) -> None:
    def callback() -> None:
        clear_flag("a")
        set_flag("done")

    register_trigger(when="a", callback=callback)
    register_trigger(when_not="a", set_flag="undone")
    set_flag("a")
    assert get_flags() == ["done", "undone"]


def test_spec3_a_callback_may_register_triggers(framework: Framework) -> None:
    register_trigger(when="a", callback=lambda: register_trigger(when="b", set_flag="c"))
    register_trigger(when="a", callback=lambda: set_flag("b"))
    set_flag("a")
    assert get_flags() == ["a", "b", "c"]


def test_spec3_a_callback_that_raises_leaves_the_changes_and_later_triggers_work(
    framework: Framework,
) -> None:
    def fail() -> None:
        raise RuntimeError("broken callback")

    register_trigger(when="a", set_flag="b", callback=fail)
    with pytest.raises(RuntimeError, match="broken callback"):
        set_flag("a")
    assert get_flags() == ["a", "b"]
    clear_flag("a")
    register_trigger(when="x", set_flag="y")
    set_flag("x")
    assert get_flags() == ["b", "x", "y"]


def test_spec3_a_cycle_is_an_error_that_names_it_and_leaves_the_rows(framework: Framework) -> None:
    register_trigger(when="a", set_flag="b")
    register_trigger(when="b", clear_flag="a")
    register_trigger(when_not="a", set_flag="c")
    register_trigger(when="c", set_flag="a")
    set_flag("before")
    with pytest.raises(TriggerCycleError) as caught:
        set_flag("a")
    assert caught.value.steps == (("a", True), ("b", True), ("a", False), ("c", True), ("a", True))
    assert "set a -> set b -> clear a -> set c -> set a" in str(caught.value)
    assert get_flags() == ["before"]
    assert sorted(framework.state.getrange("reactive.states.")) == ["before"]


def test_spec3_a_cycle_through_callbacks_is_named_too(framework: Framework) -> None:
    register_trigger(when="a", callback=lambda: clear_flag("a"))
    register_trigger(when_not="a", callback=lambda: set_flag("a"))
    with pytest.raises(TriggerCycleError, match="set a -> clear a -> set a"):
        set_flag("a")


def test_spec3_a_chain_that_settles_is_no_cycle(framework: Framework) -> None:
    register_trigger(when="a", set_flag="b")
    register_trigger(when="b", set_flag="a")
    set_flag("a")
    assert get_flags() == ["a", "b"]


def test_spec3_what_triggers_change_counts_for_the_next_iteration(framework: Framework) -> None:
    register_trigger(when="a", set_flag="b")

    @when("start")
    def begin() -> None:
        set_flag("a")

    @when("b")
    def hears() -> None:
        framework.told.append("b")

    assert framework.dispatch("start") == ["b"]


CHARM_WITH_TRIGGER = """\
from charms.reactive import register_trigger, set_flag, hook, collect_metrics, is_flag_set

register_trigger(when="a", set_flag="b")

@hook("update-status")
def in_a_hook():
    set_flag("a")

@collect_metrics()
def in_a_restricted_hook():
    set_flag("a")
"""


@pytest.mark.parametrize("hook", ["update-status", "collect-metrics"])
def test_spec3_spec20_triggers_end_with_the_hook(unit: Unit, hook: str) -> None:
    unit.write("reactive/app.py", CHARM_WITH_TRIGGER)
    assert unit.run(hook).status == 0
    assert unit.rows() == {"reactive.states.a": None, "reactive.states.b": None}
    # Once the code that registered it is gone the trigger is gone, whatever the hook was.
    unit.write("reactive/app.py", "from charms.reactive import *\nclear_flag('b'); clear_flag('a')\n")
    assert unit.run("update-status").status == 0
    unit.write("reactive/app.py", "from charms.reactive import *\nset_flag('a')\n")
    assert unit.run("update-status").status == 0
    assert unit.committed_flags() == ["a"]


def test_spec3_triggers_left_by_an_older_version_are_dropped(unit: Unit) -> None:
    unit.hook_file(
        "hooks/install",
        "from charmhelpers.core import unitdata\nkv = unitdata.kv()\n"
        "kv.set('reactive.flag_triggers.a', {})\n"
        "kv.set('reactive.flag_set_triggers.a', {'set_flag': ['b'], 'clear_flag': []})\nkv.flush()\n",
    )
    assert unit.run("install").status == 0
    unit.write("reactive/app.py", "from charms.reactive import *\nset_flag('a')\n")
    assert unit.run("update-status").status == 0
    assert unit.rows() == {"reactive.states.a": None}


# -- very many ---------------------------------------------------------------------------------------
def _count_written(framework: Framework, action: Callable[[int], object], number: int) -> int:
    """How many bytes of rows are written while so many triggers are registered."""
    written = 0
    write = type(framework.state)._write

    def counting(state: Any, key: str, data: str) -> None:
        nonlocal written
        written += len(data)
        write(state, key, data)

    framework._patches.setattr(type(framework.state), "_write", counting)
    for index in range(number):
        action(index)
    framework._patches.setattr(type(framework.state), "_write", write)
    return written


def test_spec3_registering_is_linear_in_the_number_of_triggers_of_a_flag(framework: Framework) -> None:
    def one(index: int) -> None:
        register_trigger(when="a", set_flag="follows.%05d" % index)

    def other(index: int) -> None:
        register_trigger(when="b", set_flag="follows.%05d" % index)

    few = _count_written(framework, one, 1000)
    many = _count_written(framework, other, 10000)
    assert many < 25 * few  # ten times as many; as the square it would be a hundred times as much
    set_flag("b")
    assert len(get_flags()) == 10001


def test_spec3_callbacks_too(framework: Framework) -> None:
    compared = 0

    class Callback:
        def __init__(self, number: int) -> None:
            self.number = number

        def __call__(self) -> None:
            framework.told.append(self.number)

        def __hash__(self) -> int:
            return hash(self.number)

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return isinstance(other, Callback) and other.number == self.number

    for number in [*range(2000), *range(2000)]:
        register_trigger(when="a", callback=Callback(number))
    assert compared < 20000
    set_flag("a")
    assert framework.told == list(range(2000))


def test_spec3_a_callback_that_cannot_be_hashed(framework: Framework) -> None:
    class Callback(list):  # type: ignore[type-arg]
        def __call__(self) -> None:
            framework.told.append(len(self))

    register_trigger(when="a", callback=Callback([1]))
    register_trigger(when="a", callback=Callback([1]))
    register_trigger(when="a", callback=Callback([1, 2]))
    set_flag("a")
    assert framework.told == [1, 2]


def test_spec3_what_a_handler_has_registered_is_known_to_children_when_it_returns(unit: Unit) -> None:
    unit.write(
        "reactive/a.py",
        """
        from charms.reactive import hook, register_trigger

        @hook("start")
        def a():
            for number in range(1000):
                register_trigger(when="x", set_flag="y.%d" % number)
        """,
    )
    unit.write(
        "reactive/b.sh",
        "#!/bin/bash\nsource charms.reactive.sh\n@hook start\nf() { set_flag x; }\nreactive_handler_main\n",
        executable=True,
    )
    assert unit.run("start").status == 0
    assert len(unit.committed_flags()) == 1001
