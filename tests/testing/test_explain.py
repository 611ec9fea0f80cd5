"""Why a handler ran or did not, from the record of a hook."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from charms_reactive.testing.explain import Handlers, Record, matches

A = "reactive/app.py:10:first"
B = "reactive/app.py:20:second"


def record(
    conditions: List[Any], *events: Any, phases: Any = ("other",), predicates: Any = (), other: Any = ()
) -> Record:
    """A record of a hook in which ``second`` has these conditions, and ``first`` none."""
    handlers: List[Dict[str, Any]] = [
        {"id": A, "phases": ["other"], "conditions": list(other), "predicates": []},
        {"id": B, "phases": list(phases), "conditions": conditions, "predicates": list(predicates)},
    ]
    return Record({"handlers": handlers, "events": [list(event) for event in events]})


START: Any = (["start", ["x"]], ["phase", "hooks", []], ["phase", "other", [A]])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("second", True),
        (B, True),
        ("reactive/app.py:second", True),
        ("app.py:second", True),
        ("econd", False),
        ("first", False),
        ("20", False),
    ],
)
def test_a_handler_is_meant_by_its_id_or_its_name(wanted: str, found: bool) -> None:
    assert matches(B, wanted) == found


def test_a_handler_of_an_endpoint_is_meant_with_and_without_it() -> None:
    id = "hooks/relations/http/provides.py:5:changed:web"
    for wanted in ("changed", "changed:web", "provides.py:changed", id):
        assert matches(id, wanted), wanted
    assert not matches(id, "changed:db")


def test_handlers_compare_with_names() -> None:
    ran = Handlers([A, B])
    assert ran == ["first", "second"]
    assert ran == (A, "app.py:second")
    assert ran != ["second", "first"]
    assert ran != ["first"]
    assert "second" in ran
    assert "third" not in ran
    assert ran.names == ("first", "second")


REASONS: Dict[str, Any] = {
    "a flag that was never set": (
        record([["all", ["x", "y"]]], *START),
        "'y' is not set, and nothing in this hook changed that",
    ),
    "a flag that was set before the other went": (
        record(
            [["all", ["x", "y"]]],
            *START,
            ["invoke", A],
            ["clear", "x"],
            ["set", "y"],
        ),
        "'x' is not set",
    ),
    "none of several": (
        record([["any", ["p", "q"]]], *START),
        "'p' and 'q' are not set, and nothing in this hook changed that",
    ),
    "a flag in the way": (
        record([["none", ["x", "z"]]], *START),
        "'x' is set, and nothing in this hook changed that",
    ),
    "two that never held together": (
        record([["all", ["y"]], ["all", ["x"]]], *START, ["invoke", A], ["clear", "x"], ["set", "y"]),
        "its conditions held one by one, but never all at once",
    ),
    "dequeued": (
        record(
            [["all", ["x"]]],
            ["start", ["x"]],
            ["phase", "other", [A, B]],
            ["invoke", A],
            ["clear", "x"],
        ),
        "it was queued, and left the queue when %s cleared 'x'" % A,
    ),
    "a hook that failed before its turn": (
        record([["all", ["x"]]], ["start", ["x"]], ["phase", "other", [A, B]], ["invoke", A]),
        "it was queued, and the hook ended before its turn, in %s" % A,
    ),
    "the wrong hook": (
        record([], *START, phases=["hooks"], predicates=["@hook('install')"]),
        "@hook('install') did not hold",
    ),
    "a file that did not change": (
        record([["all", ["x"]]], *START, predicates=["@when_file_changed('/etc/x')"]),
        "its flags matched (at the start), but @when_file_changed('/etc/x') did not hold",
    ),
    "a restricted hook": (
        record([["all", ["x"]]], ["start", []], ["phase", "restricted", []]),
        "this hook is restricted, and runs only its @collect_metrics and @meter_status_changed",
    ),
    "flags that came and went": (
        record([["all", ["y"]]], *START, ["invoke", A], ["set", "y"], ["clear", "y"]),
        "its conditions held only for a while (after 'y' was set); they did not when an iteration began",
    ),
    "a hook that came to nothing": (
        record([["all", ["x"]]]),
        "the hook ended before its handlers were dispatched",
    ),
    "a slip of the pen": (
        record([["all", ["db.conected"]]], *START, ["invoke", A], ["set", "db.connected"]),
        (
            "'db.conected' is not set, and nothing in this hook changed that "
            "(but 'db.connected' is: is one of the two misspelt?)"
        ),
    ),
}


@pytest.mark.parametrize(("given", "reason"), REASONS.values(), ids=list(REASONS))
def test_why_a_handler_did_not_run(given: Record, reason: str) -> None:
    asked = given.handlers[1].decorators
    middle = ", which asks for %s" % asked if asked else ""
    assert given.explain("second") == "%s did not run%s: %s" % (B, middle, reason)


def test_how_often_a_handler_ran() -> None:
    events: Any = (*START, ["invoke", A], ["invoke", B], ["invoke", A])
    ran = record([["all", ["x"]]], *events)
    assert ran.explain("first") == "%s ran 2 times" % A
    assert ran.explain("second") == "%s ran once, which asks for @when('x')" % B
    assert ran.invoked == [A, B, A]


def test_a_handler_that_does_not_exist_is_told_from_one_that_did_not_run() -> None:
    given = record([], *START)
    assert given.explain("secnd") == "no handler 'secnd' is registered; did you mean second?"
    assert given.explain("zzz") == "no handler 'zzz' is registered\nregistered are: first, second"
    nobody = Record({"handlers": [], "events": []})
    assert "nothing below reactive/ or hooks/relations/ has declared one" in nobody.explain("zzz")
