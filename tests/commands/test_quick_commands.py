"""Commands that need only the rows of the unit state, on both programs, with no framework to be had."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any, Dict, List, Tuple

import pytest

from .support import LentBy, Unit

pytestmark = pytest.mark.long

ASKING: List[Tuple[List[str], int]] = [
    (["is_flag_set", "a"], 0),
    (["is_flag_set", "x"], 1),
    (["is_flag_set", 'it\'s \u00e9 "x"\n'], 0),
    (["is_flag_set", ""], 1),
    (["is_state", "a"], 0),
    (["all_flags_set", "a", "b"], 0),
    (["all_flags_set", "a", "x"], 1),
    (["all_flags_set"], 0),
    (["all_states", "a"], 0),
    (["any_flags_set", "x", "b"], 0),
    (["any_flags_set", "x"], 1),
    (["any_flags_set"], 1),
    (["any_states", "x"], 1),
    (["when", "a", "b"], 0),
    (["when_all", "a", "x"], 1),
    (["when_any", "x", "b"], 0),
    (["when_not", "x"], 0),
    (["when_none", "a"], 1),
    (["when_not_all", "a", "x"], 0),
    (["when_not_all", "a", "b"], 1),
    (["only_once", "new"], 0),
    (["only_once", "done"], 1),
    (["only_once", "reactive/x.sh:99:moved"], 1),
    (["only_once", "reactive/x.sh:99:other"], 0),
    (["any_hook", "update-{status,x}"], 0),
    (["any_hook", "install", "x-{y,z}"], 1),
    (["hook", "update-status"], 0),
    (["hook", "install"], 1),
    (["-j", "is_flag_set", "a"], 0),
    (["--format", "json", "is_flag_set", "x"], 1),
    (["--format=raw", "is_flag_set", "x"], 1),
]


@pytest.fixture
def alone(unit: Unit) -> Unit:
    """A unit with flags and marks, on which nothing but the quick commands can run."""
    unit.set("a", "b", 'it\'s \u00e9 "x"\n')
    unit.write({"reactive.invoked.done": True, "reactive.invoked.reactive/x.sh:12:moved": True})
    unit.without_framework()
    return unit


@pytest.mark.parametrize(
    ("words", "status"),
    ASKING,
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None,
)
def test_questions_are_answered_by_the_status_alone(alone: Unit, words: List[str], status: int) -> None:
    before = alone.rows()
    assert alone.run(*words) == (status, "", "")
    assert alone.rows() == before


@pytest.mark.parametrize(("phase", "answers"), [("hooks", [0, 1]), ("other", [1, 0]), ("restricted", [1, 1])])
def test_in_a_dispatch_hooks_and_flags_have_their_phases(alone: Unit, phase: str, answers: List[int]) -> None:
    alone.write({"reactive.dispatch.phase": phase})
    assert [alone.run("hook", "update-status").status, alone.run("when", "a").status] == answers


CHANGING: List[Tuple[List[str], Dict[str, Any]]] = [
    (["set_flag", "x"], {"reactive.states.x": None}),
    (["set_flag", ""], {"reactive.states.": None}),
    (["set_flag", "new\nline '\" \u00e9"], {"reactive.states.new\nline '\" \u00e9": None}),
    (["set_state", "x", "--value", "it's"], {"reactive.states.x": "it's"}),
    (["set_flag", "--value=", "x"], {"reactive.states.x": ""}),
    (["set_flag", "a", "--value", "new"], {"reactive.states.a": "new"}),
    (["toggle_flag", "x", "True"], {"reactive.states.x": None}),
    (["toggle_flag", "x", " FALSE "], {}),
    (["mark_invoked", "one"], {"reactive.invoked.one": True}),
    (
        ["mark_invoked", "f.sh:1:a", "two"],
        {
            "reactive.invoked.f.sh:1:a": True,
            "reactive.invoked.f.sh::a": True,
            "reactive.invoked.two": True,
        },
    ),
    (
        ["register_trigger", "--when", "x", "--set_flag", "y", "--clear_flag", "z"],
        {"reactive.flag_set_triggers.x": {"set_flag": ["y"], "clear_flag": ["z"]}},
    ),
    (
        ["register_trigger", "--when_not=x", "--clear_flag=z"],
        {"reactive.flag_clear_triggers.x": {"set_flag": [], "clear_flag": ["z"]}},
    ),
]


@pytest.mark.parametrize(
    ("words", "rows"), CHANGING, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_changes_are_rows(alone: Unit, words: List[str], rows: Dict[str, Any]) -> None:
    before = alone.rows()
    assert alone.run(*words) == (0, "", "")
    assert alone.rows() == {**before, **rows}


@pytest.mark.parametrize("words", [["clear_flag", "a"], ["remove_state", "a"], ["toggle_flag", "a", "off"]])
def test_clearing(alone: Unit, words: List[str]) -> None:
    assert alone.run(*words) == (0, "", "")
    assert "a" not in alone.flags()


def test_a_value_stays_unless_one_is_given(alone: Unit) -> None:
    alone.run("set_flag", "v", "--value", "1")
    alone.run("set_flag", "v")
    assert alone.rows()["reactive.states.v"] == "1"
    alone.run("set_flag", "v", "--value", "2")
    assert alone.rows()["reactive.states.v"] == "2"


def test_lists_are_sorted_and_printed_raw_or_as_json(unit: Unit) -> None:
    unit.set("b", "a", 'odd, "flag"\\', "A")
    unit.without_framework()
    assert unit.run("get_flags") == (0, 'A\na\nb\nodd, "flag"\\', "")
    assert unit.run("get_unset_flags", "z", "a", "c", "z") == (0, "c\nz", "")
    done = unit.run("--json", "get_flags")
    assert done.out == json.dumps(["A", "a", "b", 'odd, "flag"\\'])


# -- triggers ------------------------------------------------------------------------------------

COUPLED = {
    "reactive.flag_set_triggers.x": {"set_flag": ["y", "b"], "clear_flag": ["a"]},
    "reactive.flag_set_triggers.y": {"set_flag": ["z"], "clear_flag": []},
    "reactive.flag_clear_triggers.a": {"set_flag": ["a.gone"], "clear_flag": ["z"]},
}


def test_triggers_run_depth_first(alone: Unit) -> None:
    alone.write(COUPLED)
    assert alone.run("set_flag", "x") == (0, "", "")
    assert alone.flags() == ["a.gone", "b", 'it\'s \u00e9 "x"\n', "x", "y"]


def test_setting_what_is_set_fires_nothing(alone: Unit) -> None:
    alone.write({"reactive.flag_set_triggers.a": {"set_flag": ["y"], "clear_flag": []}})
    alone.run("set_flag", "a", "--value", "v")
    assert "y" not in alone.flags()


def test_a_cycle_is_an_error_and_changes_nothing(unit: Unit) -> None:
    unit.write(
        {
            "reactive.flag_set_triggers.x": {"set_flag": [], "clear_flag": ["x"]},
            "reactive.flag_clear_triggers.x": {"set_flag": ["x"], "clear_flag": []},
        }
    )
    before = unit.rows()
    done = unit.run("set_flag", "x")
    assert (done.status, done.out) == (2, "")
    assert "triggers form a cycle: set x -> clear x -> set x" in done.err
    assert unit.rows() == before


def test_the_dispatch_that_waits_is_told_what_changed(alone: Unit) -> None:
    alone.write(COUPLED)
    alone.write(
        {
            "reactive.dispatch.undo": {},
            "reactive.dispatch.undo.armed": LentBy.name,
            "reactive.state_watch": {"iteration": 1, "changes": ["q"], "pending": ["p"], "hook": "1 x"},
            "reactive.dispatch.changes": ["+p"],
        }
    )
    hook = LentBy(alone)
    inside = {"CHARMS_REACTIVE_HOOK": hook.name, "CHARMS_REACTIVE_LENT": "1"}
    assert alone.run("set_flag", "x", env=inside) == (0, "", "")
    rows = alone.rows()
    hook.die()
    assert "reactive.dispatch.kept" not in rows
    assert rows["reactive.state_watch"] == {
        "iteration": 1,
        "changes": ["q"],
        "pending": ["p", "x", "y", "z", "a", "a.gone", "z"],
        "hook": "1 x",
    }
    assert rows["reactive.dispatch.changes"] == ["+p", "+x", "+y", "+z", "-a", "+a.gone", "-z"]
    assert rows["reactive.dispatch.removed_state"] is True


OUTSIDE: List[Tuple[str, Dict[str, Any]]] = [
    ("set_flag x", {"x": "null", "y": "null", "z": None, "a": None, "a.gone": "null"}),
    ("set_flag set.by.it", {"set.by.it": "null"}),
    ("clear_flag cleared.by.it", {"cleared.by.it": None}),
    ("set_flag x --value v", {"x": '"v"', "y": "null", "z": None, "a": None, "a.gone": "null"}),
    ("set_flag set.by.it --value v", {"set.by.it": '"v"'}),
]


@pytest.mark.parametrize(("words", "kept"), OUTSIDE)
@pytest.mark.parametrize("of", [{}, {"CHARMS_REACTIVE_HOOK": "1 another hook"}], ids=["no hook", "another"])
def test_what_is_written_beside_a_hook_is_to_stay(
    alone: Unit, words: str, kept: Dict[str, Any], of: Dict[str, str]
) -> None:
    alone.write(COUPLED)
    alone.set("set.by.it")
    alone.write({"reactive.dispatch.undo": {}, "reactive.dispatch.undo.armed": LentBy.name})
    hook = LentBy(alone)
    assert alone.run(*words.split(), env=of) == (0, "", "")
    rows = alone.rows()
    hook.die()
    assert rows["reactive.dispatch.kept"] == {"reactive.states." + flag: kept[flag] for flag in kept}
    noted = rows.get("reactive.dispatch.changes", [])
    assert bool(noted) == ("by.it" not in words)  # no change, so nothing to tell


def test_what_was_marked_beside_a_hook_is_to_stay(alone: Unit) -> None:
    alone.write({"reactive.dispatch.undo": {}, "reactive.dispatch.undo.armed": LentBy.name})
    hook = LentBy(alone)
    assert alone.run("mark_invoked", "f.sh:1:f") == (0, "", "")
    kept = alone.rows()["reactive.dispatch.kept"]
    hook.die()
    assert kept == {"reactive.invoked.f.sh:1:f": "true", "reactive.invoked.f.sh::f": "true"}


# -- handlers of shell scripts -------------------------------------------------------------------

SPECS: List[Tuple[str, bool]] = [
    ("f id", True),
    ("f id when a", True),
    ("f id when 'a x'", False),
    ("f id when_all 'a b' when_not x", True),
    ("f id when a when_not b", False),
    ("f id when_any 'x b'", True),
    ("f id when_none 'x y'", True),
    ("f id when_not_all 'a b'", False),
    ("f id when \"'it'\\''s \u00e9 \\\"x\\\"\n'\"", True),
    ("f id only_once ''", True),
    ("f done only_once ''", False),
    ("f reactive/x.sh:40:moved only_once ''", False),
    ("f id hook update-status", True),
    ("f id hook 'install start'", False),
]


@pytest.mark.parametrize(("spec", "passes"), SPECS)
def test_test_prints_the_names_that_match(alone: Unit, spec: str, passes: bool) -> None:
    assert alone.run("test", "g id2 when a", spec, "h id3") == (0, "g,f,h" if passes else "g,h", "")


@pytest.mark.parametrize(("iteration", "changes", "out"), [(0, [], "f"), (1, ["x"], ""), (1, ["b"], "f")])
def test_after_iteration_0_a_flag_must_have_changed(
    alone: Unit, iteration: int, changes: List[str], out: str
) -> None:
    watch = {"iteration": iteration, "changes": changes, "pending": []}
    alone.write({"reactive.state_watch": watch, "reactive.dispatch.phase": "other"})
    assert alone.run("test", "f id when 'a b'") == (0, out, "")


# -- what costs --------------------------------------------------------------------------------


def test_the_command_in_python_imports_next_to_nothing(unit: Unit) -> None:
    """The test of the budget that does not depend on the machine."""
    unit.set("a")
    unit.write(COUPLED)
    script = unit.path.with_name("charms.reactive-python")
    imported = {}
    for name, words in {"bare": ["-c", "pass"], "command": [str(script), "set_flag", "x"]}.items():
        done = Unit.run(_python(unit), "-X", "importtime", *words)
        assert done.status == 0
        imported[name] = {line.rpartition("|")[2].strip() for line in done.err.splitlines()[1:]}
    assert "x" in unit.flags()
    extra = imported["command"] - imported["bare"]
    assert "_sqlite3" in extra
    assert "charms_reactive._engine.pure" in extra
    heavy = {"argparse", "charmhelpers", "datetime", "enum", "inspect", "json", "re", "sqlite3", "subprocess"}
    heavy |= {
        "typing",
        "yaml",
        "shlex",
        "charms_reactive.flags",
        "charms_reactive._unit_state.unit_state",
        "logging",
    }
    assert not extra & heavy


def _python(unit: Unit) -> Unit:
    unit.path = type(unit.path)(sys.executable)
    return unit


@pytest.mark.parametrize("value", ["plain", "it's \u00e9", "\U0001f600 \x7f", 'a "b" \\c\t'])
def test_a_row_is_the_same_text_whoever_has_written_it(unit: Unit, value: str) -> None:
    """What others keep of it is compared as text."""
    assert unit.run("set_flag", "a", "--value", value).status == 0
    with contextlib.closing(unit.connect()) as connection:
        (written,) = connection.execute("SELECT data FROM kv WHERE key = 'reactive.states.a'").fetchone()
    assert written == json.dumps(value)
