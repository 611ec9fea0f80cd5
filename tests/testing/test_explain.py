"""Why a handler ran or did not, from the record of a hook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from charms_reactive import cli
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
    "a hook and a flag": (
        record([["all", ["x"]]], *START, phases=[], predicates=["@hook('install')"]),
        (
            "it never does, because handlers of hooks and actions run before those of flags; ask for one of "
            "the two, or have @hook set a flag"
        ),
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
    "a slip of the pen, where another handler has the flag right": (
        record(
            [["all", ["x.writen"]]], ["start", ["x.written"]], *START[1:], other=[["none", ["x.written"]]]
        ),
        (
            "'x.writen' is not set, and nothing in this hook changed that "
            "(but 'x.written' is: is one of the two misspelt?)"
        ),
    ),
    "another flag of the same family": (
        record(
            [["all", ["db-2.ready"]]], ["start", ["db-1.ready"]], *START[1:], other=[["all", ["db-1.ready"]]]
        ),
        "'db-2.ready' is not set, and nothing in this hook changed that",
    ),
}


@pytest.mark.parametrize(("given", "reason"), REASONS.values(), ids=list(REASONS))
def test_why_a_handler_did_not_run(given: Record, reason: str) -> None:
    asked = given.handlers[1].decorators
    middle = ", which asks for %s" % asked if asked else ""
    assert given.explain("second") == "%s did not run%s: %s" % (B, middle, reason)


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("db.ready", "db.redy", True),
        ("db.ready", "db.readyy", True),
        ("db.ready", "db.raedy", True),
        ("db.is-ready", "db.is_ready", True),
        ("db.ready", "db.ready", False),
        ("db.ready", "kv.ready", False),
        ("db1.ready", "db.ready", False),
        ("db12.ready", "db21.ready", False),
        ("leadership.set.a", "leadership.set.b", False),
        ("x.set", "x.unset", False),
    ],
)
def test_what_a_slip_of_the_pen_is(one: str, other: str, slip: bool) -> None:
    for waited, was_set in ((one, other), (other, one)):
        given = record([["all", [waited]]], ["start", [was_set]], *START[1:], other=[["all", [was_set]]])
        assert ("misspelt" in given.explain("second")) == slip


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


# -- on the command line ----------------------------------------------------------------------------
HANDLERS = """\
from charms.reactive import hook, set_flag, when


@when("db.ready")
def wait():
    pass


@hook("start")
def work():
    set_flag("app.works")


@when("app.works")
def tell():
    pass
"""


def explain(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = os.path.join(os.path.dirname(sys.executable), "charms.reactive")
    return subprocess.run([program, "explain", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def hook(tmp_path: Path) -> Path:
    """The record that a hook has written, on a unit whose Juju takes the log and is asked nothing."""
    charm = tmp_path / "charm"
    (charm / "reactive").mkdir(parents=True)
    (charm / "metadata.yaml").write_text("name: app\n")
    (charm / "reactive" / "app.py").write_text(HANDLERS)
    file = tmp_path / "hook.json"
    told = {"CHARMS_REACTIVE_RECORD": str(file), "JUJU_CHARM_DIR": str(charm), "JUJU_HOOK_NAME": "start"}
    program = [sys.executable, "-c", "from charms.reactive import main; main()"]
    subprocess.run(program, cwd=charm, env={**os.environ, **told}, stderr=subprocess.DEVNULL, check=True)
    return file


def test_the_command_tells_of_the_handlers_that_are_named(hook: Path) -> None:
    done = explain(str(hook), "wait", "app.py:work")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        (
            "reactive/app.py:4:wait did not run, which asks for @when('db.ready'): "
            "'db.ready' is not set, and nothing in this hook changed that"
        ),
        "reactive/app.py:9:work ran once, which asks for @hook('start')",
    ]


def test_the_command_tells_of_all_handlers_those_that_ran_first(hook: Path) -> None:
    told = explain(str(hook)).stdout.splitlines()
    assert [line.split()[0].rpartition(":")[2] for line in told] == ["work", "tell", "wait"]


def test_what_the_command_cannot_do(hook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no-record").write_text("[]")
    (tmp_path / "no-json").write_text("no")
    for arguments, reason in (
        ((str(tmp_path / "missing"),), "missing: the record of a hook comes first, and then handlers"),
        ((str(tmp_path / "no-record"),), "no-record is no record of a hook"),
        ((str(tmp_path / "no-json"),), "no-json is no record of a hook"),
        ((str(hook), "wrk"), "no handler 'wrk' is registered; did you mean work?"),
        ((), "the following arguments are required: FILE"),
    ):
        assert cli.main(["explain", *arguments]) == 2
        told = capsys.readouterr()
        assert (reason in told.err, told.out) == (True, "")
    assert json.loads(hook.read_text())["handlers"]


def test_a_handler_of_edges() -> None:
    def of(heard: Any, *events: Any) -> str:
        found = record([["all", ["x"]]], *START, *events)
        found._declared[1].update(edges=[["e", True], ["f", False]], heard=heard)
        return found.explain("second").partition("'x'): ")[2]

    heard = "it has heard of that already: 'f' is clear since then"
    assert of([["f", False]]) == "'e' was not set; " + heard
    assert of([["e", True], ["f", False]], ["set", "e"]) == (
        "it has heard of that already: 'e' is set since then; " + heard
    )
    queued: Any = (["iteration", 1, [B]], ["invoke", A], ["clear", "e"])
    assert of([], ["set", "e"], *queued) == (
        "it was queued, and left the queue when reactive/app.py:10:first cleared 'e'"
    )
    told = record([], *START).find("second")[0]
    assert told.decorators == ""
