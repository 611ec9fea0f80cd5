"""Flags: names that are set or not, and nothing else."""

from __future__ import annotations

from typing import Any, Callable, List

import pytest

from charms_reactive.errors import EngineError, FlagNameError, ReactiveError

from .driving import ALL, given

# -- asking ----------------------------------------------------------------------------------------


def test_spec2_no_flag_is_set_at_first(engine: Any) -> None:
    assert engine.flags() == []
    assert engine.flag_count() == 0
    assert engine.is_set("a") is False


def test_spec2_a_flag_is_set_or_not(engine: Any) -> None:
    engine.change("a", True)
    assert engine.is_set("a") is True
    assert engine.is_set("b") is False
    engine.change("a", False)
    assert engine.is_set("a") is False


def test_spec2_flags_are_sorted_by_code_point(engine: Any) -> None:
    # In UTF-16 the last one would come before the one before it.
    names = ["", "\0", "A", "Z", "a", "a.b", "ab", "e\u0301", "\u00e9", "\uffee", "\U0001f600"]
    given(engine, *reversed(names))
    assert engine.flags() == names
    assert engine.flag_count() == len(names)


def test_spec2_names_that_only_look_alike_are_different_flags(engine: Any) -> None:
    engine.change("\u00e9", True)
    assert not engine.is_set("e\u0301")


def test_asking_for_an_unknown_flag_leaves_no_trace(engine: Any) -> None:
    engine.is_set("x")
    engine.all_set(["x"])
    engine.any_set(["x"])
    engine.dependents("x")
    engine.trigger("x", True)
    assert engine.flags() == engine.pending() == []


@pytest.mark.parametrize(
    ("asked", "all_set", "any_set"),
    [
        ([], True, False),
        (["a"], True, True),
        (["a", "b"], True, True),
        (["a", "x"], False, True),
        (["x", "b"], False, True),
        (["x"], False, False),
        (["x", "y"], False, False),
        (["a", "a"], True, True),
        (("a", "b"), True, True),
    ],
)
def test_all_set_and_any_set(engine: Any, asked: List[str], all_set: bool, any_set: bool) -> None:
    given(engine, "a", "b", "c")
    assert engine.all_set(asked) is all_set
    assert engine.any_set(asked) is any_set


def test_spec2_anything_that_is_a_str_subclass_works_as_a_flag(engine: Any) -> None:
    class State(str):
        def __str__(self) -> str:
            return "something else"

        def __repr__(self) -> str:
            return "State"

    assert engine.change(State("a"), True) == []
    assert engine.is_set("a")
    assert engine.is_set(State("a"))
    assert engine.all_set([State("a")])
    engine.add_trigger("b", True, set_flag=State("c"))
    told = [*engine.flags(), *engine.pending(), engine.triggers()[0][2][0], engine.change("b", True)[0][1]]
    assert told == ["a", "a", "c", "c"]
    assert {type(name) for name in told} == {str}


# -- changing --------------------------------------------------------------------------------------


def test_change_tells_none_if_the_flag_was_so_already(engine: Any) -> None:
    assert engine.change("a", False) is None
    assert engine.change("a", True) == []
    assert engine.change("a", True) is None
    assert engine.change("a", False) == []
    assert engine.change("a", False) is None


def test_only_real_changes_are_pending_in_order_of_the_first(engine: Any) -> None:
    engine.change("b", True)
    engine.change("a", True)
    engine.change("b", False)
    engine.change("a", True)
    engine.change("c", False)
    assert engine.pending() == ["b", "a"]
    assert engine.changed() == []


def test_touch_counts_a_flag_as_changed_without_changing_it(engine: Any) -> None:
    assert engine.touch("a") is None
    engine.touch("a")
    assert engine.pending() == ["a"]
    assert not engine.is_set("a")
    assert engine.flags() == []


# -- loading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "loaded", "told"),
    [
        ("", "", []),
        ("ab", "ab", []),
        ("ab", "ba", []),
        ("", "ba", [("a", True), ("b", True)]),
        ("ba", "", [("a", False), ("b", False)]),
        ("bdac", "caef", [("b", False), ("d", False), ("e", True), ("f", True)]),
        ("", "aa", [("a", True)]),
    ],
)
def test_load_makes_exactly_these_flags_set_and_tells_what_differed(
    engine: Any, before: str, loaded: str, told: List[Any]
) -> None:
    given(engine, *before)
    assert engine.load(list(loaded)) == told
    assert engine.flags() == sorted(set(loaded))


def test_load_sorts_what_it_tells_by_code_point(engine: Any) -> None:
    assert engine.load(["\U0001f600", "\uffee", "a"]) == [("a", True), ("\uffee", True), ("\U0001f600", True)]


def test_what_load_changed_counts_as_changed(engine: Any) -> None:
    given(engine, "a", "b")
    engine.start(False)
    engine.load(["b", "c"])
    assert engine.pending() == ["a", "c"]


def test_load_fires_no_trigger(engine: Any) -> None:
    engine.add_trigger("a", True, set_flag="x")
    engine.add_trigger("a", False, set_flag="y", callback=1)
    assert engine.load(["a"]) == [("a", True)]
    assert engine.load([]) == [("a", False)]
    assert engine.flags() == []
    with pytest.raises(EngineError):
        engine.resume()


# -- what is no flag -------------------------------------------------------------------------------

_TAKES_A_FLAG = {
    "is_set": lambda engine, flag: engine.is_set(flag),
    "all_set": lambda engine, flag: engine.all_set(["a", flag]),
    "all_set, although one is missing": lambda engine, flag: engine.all_set(["missing", flag]),
    "any_set": lambda engine, flag: engine.any_set(["missing", flag]),
    "any_set, although one is set": lambda engine, flag: engine.any_set(["a", flag]),
    "load": lambda engine, flag: engine.load(["b", flag]),
    "change on": lambda engine, flag: engine.change(flag, True),
    "change off": lambda engine, flag: engine.change(flag, False),
    "touch": lambda engine, flag: engine.touch(flag),
    "add_trigger": lambda engine, flag: engine.add_trigger(flag, True, set_flag="b"),
    "add_trigger that sets": lambda engine, flag: engine.add_trigger(
        "c", True, set_flag=flag, clear_flag="b"
    ),
    "add_trigger that clears": lambda engine, flag: engine.add_trigger(
        "c", True, set_flag="b", clear_flag=flag
    ),
    "trigger": lambda engine, flag: engine.trigger(flag, True),
    "add_condition": lambda engine, flag: engine.add_condition(0, ALL, ["b", flag]),
    "watch": lambda engine, flag: engine.watch(0, ["b", flag]),
    "dependents": lambda engine, flag: engine.dependents(flag),
}
_NO_FLAGS = {
    "5": 5,
    "None": None,
    "bytes": b"x",
    "list": ["x"],
    "object": object(),
    "lone surrogate": "\ud800",
    "lone surrogate within": "a\udfffb",
}
# None there says that nothing is to be set or cleared.
_NONE_IS_NOTHING = {"add_trigger that sets", "add_trigger that clears"}


@pytest.mark.parametrize("call", _TAKES_A_FLAG)
@pytest.mark.parametrize("flag", _NO_FLAGS)
def test_spec20_errors_what_is_no_flag_is_named_and_changes_nothing(
    engine: Any, call: str, flag: str
) -> None:
    if flag == "None" and call in _NONE_IS_NOTHING:
        return
    given(engine, "a")
    engine.add_handler()
    engine.start(False)
    wrong = _NO_FLAGS[flag]
    with pytest.raises(FlagNameError) as caught:
        _TAKES_A_FLAG[call](engine, wrong)
    assert caught.value.flag is wrong or caught.value.flag == wrong
    # Of a name that cannot be one the text, of anything else what it is: it may be what nobody is to read.
    shown = ascii(wrong) if isinstance(wrong, str) else type(wrong).__name__
    assert str(caught.value).startswith("a flag must be a string, not " + shown)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ReactiveError)
    assert engine.flags() == ["a"]
    assert engine.pending() == []
    assert engine.triggers() == []
    assert engine.dependents("b") == []
    assert engine.is_ready(0)


@pytest.mark.parametrize(
    "ask", [lambda e, f: e.is_set(f), lambda e, f: e.change(f, True)], ids=["is_set", "change"]
)
@pytest.mark.parametrize(
    ("flag", "reason"), [(5, "int"), (None, "NoneType"), (b"x", "bytes"), ("\ud800", "UTF-8")]
)
def test_spec20_errors_the_reason_is_told(
    engine: Any, ask: Callable[[Any, Any], Any], flag: Any, reason: str
) -> None:
    with pytest.raises(FlagNameError, match=reason):
        ask(engine, flag)
