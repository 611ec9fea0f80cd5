"""The command line: every subcommand, every format, and what the exit status says."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

import pytest
import yaml
from charmhelpers.core import unitdata

from charms_reactive import clear_flag, get_flags, set_flag
from charms_reactive.cli import _parser as subcommands
from charms_reactive.cli import main as command
from charms_reactive.helpers import mark_invoked, was_invoked

from .support import Framework, Unit

pytestmark = pytest.mark.long


@pytest.fixture
def flagged(framework: Framework) -> Framework:
    for flag in ("a", "b"):
        set_flag(flag)
    set_flag("v", {"x": [1]})
    unitdata.kv().flush()
    return framework


TESTS: List[Tuple[str, int]] = [
    ("is_flag_set a", 0),
    ("is_flag_set x", 1),
    ("is_state a", 0),
    ("is_state x", 1),
    ("all_flags_set a b", 0),
    ("all_flags_set a x", 1),
    ("all_flags_set", 0),
    ("all_states a b", 0),
    ("all_states a x", 1),
    ("any_flags_set a x", 0),
    ("any_flags_set x", 1),
    ("any_flags_set", 1),
    ("any_states a x", 0),
    ("any_states x y", 1),
    ("when a b", 0),
    ("when a x", 1),
    ("when_all a b", 0),
    ("when_all a x", 1),
    ("when_any x b", 0),
    ("when_any x y", 1),
    ("when_not x y", 0),
    ("when_not a x", 1),
    ("when_none x y", 0),
    ("when_none a x", 1),
    ("when_not_all a x", 0),
    ("when_not_all a b", 1),
    ("any_hook update-status", 0),
    ("any_hook install x-{y,z}", 1),
    ("hook update-{status,x}", 0),
    ("hook install", 1),
    ("only_once new", 0),
    ("only_once done", 1),
    ("when_file_changed there", 0),
    ("when_file_changed not-there", 1),
]


def test_spec3_a_trigger_of_the_command_sets_and_clears(flagged: Framework) -> None:
    assert command(["register_trigger", "--when", "x", "--set_flag", "y", "--clear_flag", "a"]) == 0
    set_flag("x")
    assert get_flags() == ["b", "v", "x", "y"]


@pytest.mark.parametrize(("line", "status"), TESTS)
@pytest.mark.parametrize("options", [[], ["-j"], ["--format", "yaml"]])
def test_spec7_test_commands_answer_by_status_and_print_nothing(
    flagged: Framework, capsys: pytest.CaptureFixture[str], line: str, status: int, options: List[str]
) -> None:
    flagged.hook("update-status")
    flagged.write("there", "x")
    mark_invoked("done")
    assert command(options + line.split()) == status
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("phase", "answers"), [("hooks", [0, 1]), ("other", [1, 0]), ("restricted", [1, 1])])
def test_spec7_in_a_dispatch_hook_and_flags_have_their_phases(
    flagged: Framework, phase: str, answers: List[int]
) -> None:
    flagged.hook("start")
    unitdata.kv().set("reactive.dispatch.phase", phase)
    assert [command(["hook", "start"]), command(["when", "a"])] == answers


CHANGES: List[Tuple[str, Sequence[str]]] = [
    ("set_flag x", ["a", "b", "v", "x"]),
    ("set_state x", ["a", "b", "v", "x"]),
    ("set_flag a", ["a", "b", "v"]),
    ("clear_flag a", ["b", "v"]),
    ("remove_state a", ["b", "v"]),
    ("clear_flag x", ["a", "b", "v"]),
    ("toggle_flag x True", ["a", "b", "v", "x"]),
    ("toggle_flag x anything", ["a", "b", "v", "x"]),
    ("toggle_flag a False", ["b", "v"]),
    ("toggle_flag a 0", ["b", "v"]),
    ("toggle_flag a no", ["b", "v"]),
    ("register_trigger --when x --set_flag y", ["a", "b", "v"]),
    ("mark_invoked one two", ["a", "b", "v"]),
]


@pytest.mark.parametrize(("line", "flags"), CHANGES)
def test_spec7_changing_commands_print_nothing(
    flagged: Framework, capsys: pytest.CaptureFixture[str], line: str, flags: List[str]
) -> None:
    assert command(line.split()) == 0
    assert capsys.readouterr() == ("", "")
    assert get_flags() == flags
    assert flagged.committed_flags() == flags


def test_spec7_set_flag_with_and_without_a_value(flagged: Framework) -> None:
    assert command(["set_flag", "v"]) == 0
    assert flagged.rows()["reactive.states.v"] == {"x": [1]}
    assert command(["set_state", "v", "--value", "new"]) == 0
    assert flagged.rows()["reactive.states.v"] == "new"


@pytest.mark.parametrize("flag", ["with space", "it's", 'q"', "$x", "back\\slash", "\u00e9", "a.{b}", "*"])
def test_spec7_odd_flags_arrive_whole(flagged: Framework, flag: str) -> None:
    assert command(["set_flag", flag]) == 0
    assert command(["is_flag_set", flag]) == 0


def test_spec7_mark_invoked(flagged: Framework) -> None:
    command(["mark_invoked", "one", "two"])
    assert was_invoked("one")
    assert was_invoked("two")
    assert not was_invoked("three")


# -- printing --------------------------------------------------------------------------------------

FORMATS: List[List[str]] = [
    ["-r"],
    ["--raw"],
    ["--format", "raw"],
    [],
    ["-j"],
    ["--json"],
    ["--format", "json"],
    ["-y"],
    ["--yaml"],
    ["--format=yaml"],
    ["-p"],
    ["--py"],
    ["--format", "py"],
    ["-c"],
    ["--csv"],
    ["--format", "csv"],
    ["-t"],
    ["--tab"],
    ["--format", "tab"],
]


def _read(kind: str, text: str) -> Any:
    if kind == "raw":
        return text.split("\n")
    if kind == "json":
        return json.loads(text)
    if kind == "yaml":
        return yaml.safe_load(text)
    if kind == "py":
        return eval(text)
    dialect = "excel" if kind == "csv" else "excel-tab"
    return [row[0] for row in csv.reader(io.StringIO(text), dialect)]


@pytest.mark.parametrize("options", FORMATS, ids=" ".join)
def test_spec7_formats_of_a_list(
    flagged: Framework, capsys: pytest.CaptureFixture[str], options: List[str]
) -> None:
    names = {"r": "raw", "j": "json", "y": "yaml", "p": "py", "c": "csv", "t": "tab", "": "raw"}
    kind = names["".join(options).replace("--format", "").strip("-= ")[:1]]
    set_flag('odd, "flag"')
    assert command(options + ["get_flags"]) == 0
    assert _read(kind, capsys.readouterr().out) == ["a", "b", 'odd, "flag"', "v"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("raw", "{'a': None, 'b': None, 'v': {'x': [1]}}"),
        ("json", '{"a": null, "b": null, "v": {"x": [1]}}'),
        ("py", "{'a': None, 'b': None, 'v': {'x': [1]}}\n"),
        ("yaml", "a: null\nb: null\nv:\n  x:\n  - 1\n"),
        ("tab", "a\t\r\nb\t\r\nv\t{'x': [1]}\r\n"),
    ],
)
def test_spec7_formats_of_a_mapping(
    flagged: Framework, capsys: pytest.CaptureFixture[str], kind: str, text: str
) -> None:
    command(["--format", kind, "get_states"])
    assert capsys.readouterr().out == text


def test_spec7_get_unset_flags(flagged: Framework, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["get_unset_flags", "z", "a", "c", "z"]) == 0
    assert capsys.readouterr().out == "c\nz"


# -- questions that cannot be answered ---------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "no_such_command",
        "is_flag_set",
        "is_flag_set a b",
        "set_flag",
        "only_once",
        "-j -y get_flags",
        "--format xml get_flags",
        "relation_call",
        "--no-such-option get_flags",
    ],
)
def test_spec7_wrong_usage_is_status_2(
    flagged: Framework, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        command(line.split())
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: charms.reactive")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["test", "f id no_such_test 'a'"], "no_such_test"),
        (["test", "f"], "NAME ID"),
        (["test", "f id when"], "NAME ID"),
        (["test", "f id when 'unbalanced"], "cannot read the handler"),
        (["register_trigger"], "when and when_not"),
        (["register_trigger", "--when", "a"], "at least one"),
        (["relation_call", "method"], "relation_name or flag"),
        (["relation_call", "--relation_name", "nope", "method"], "'nope'"),
        (["relation_call", "--flag", "nope.ready", "method"], "'nope.ready'"),
        (["relation_call", "--state", "nope.ready", "method"], "'nope.ready'"),
        (["relation_id", "nope", "x/0"], "nope"),
        (["render_template", "no-such", "target"], "no-such"),
        (["when_file_changed", "/"], "directory"),
    ],
)
def test_spec7_a_question_without_an_answer_is_status_2(
    flagged: Framework, capsys: pytest.CaptureFixture[str], arguments: List[str], words: str
) -> None:
    assert command(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err


def test_spec7_no_subcommand_is_status_2_and_help(
    flagged: Framework, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command([]) == 2
    assert "simulate CHARM HOOK" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("set_flg", "did you mean set_flag"),
        ("simulat", "did you mean simulate?"),
        ("explian", "did you mean explain?"),
        ("wxyz", "--help lists them"),
    ],
)
def test_spec7_a_slip_in_a_subcommand_is_status_2_and_told_in_a_sentence(
    flagged: Framework, capsys: pytest.CaptureFixture[str], word: str, hint: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        command([word, "x"])
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("charms.reactive: there is no subcommand %r; %s" % (word, hint))


def test_spec7_what_a_failing_command_logged_is_not_lost(flagged: Framework) -> None:
    assert command(["relation_call", "--relation_name", "nope", "method"]) == 2
    assert any("nope" in line for line in flagged.lines("ERROR"))


# -- test ------------------------------------------------------------------------------------------

SPECS: List[Tuple[str, bool]] = [
    ("f id", True),
    ("f id when a", True),
    ("f id when 'a b'", True),
    ("f id when 'a x'", False),
    ("f id when_all 'a b' when_not x", True),
    ("f id when a when_not b", False),
    ("f id when_any 'x b'", True),
    ("f id when_none 'x y'", True),
    ("f id when_not_all 'a b'", False),
    ("f id when '\"with space\"'", False),
    ("f id only_once ''", True),
    ("f done only_once ''", False),
    ("f id when_file_changed there", True),
    ("f id when_file_changed 'not-there'", False),
    ("f id hook start", True),
    ("f id hook install", False),
]


@pytest.mark.parametrize(("spec", "passes"), SPECS)
def test_spec7_test_prints_the_names_that_pass(
    flagged: Framework, capsys: pytest.CaptureFixture[str], spec: str, passes: bool
) -> None:
    flagged.hook("start")
    flagged.write("there", "x")
    mark_invoked("done")
    assert command(["test", "g id2 when a", spec, "h id3"]) == 0
    assert capsys.readouterr().out == ("g,f,h" if passes else "g,h")


def test_spec7_test_with_nobody_passing_prints_nothing(
    flagged: Framework, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["test", "f id when x"]) == 0
    assert command(["test"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("iteration", "passes"), [(0, "f"), (1, "")])
def test_spec7_test_in_a_later_iteration_needs_a_change(
    flagged: Framework, capsys: pytest.CaptureFixture[str], iteration: int, passes: str
) -> None:
    """The form of the row is 1.5.x's, so that either version's helper understands the other's dispatch."""
    watch: Dict[str, Any] = {"iteration": iteration, "changes": ["other"], "pending": []}
    unitdata.kv().set("reactive.state_watch", watch)
    unitdata.kv().set("reactive.dispatch.phase", "other")
    command(["test", "f id when a"])
    assert capsys.readouterr().out == passes
    unitdata.kv().set("reactive.state_watch", {**watch, "changes": ["a"]})
    command(["test", "f id when a"])
    assert capsys.readouterr().out == "f"


# -- relation_call -----------------------------------------------------------------------------------

INTERFACE = """\
from charms.reactive import Endpoint


class Db(Endpoint):
    plain = "an attribute"

    def dsn(self, *arguments):
        return "/".join((self.endpoint_name,) + arguments)

    def hosts(self):
        return ["a", "b"]

    def nothing(self):
        return None

    def fails(self):
        raise KeyError("in the interface")
"""


@pytest.fixture
def with_endpoint(flagged: Framework) -> Framework:
    flagged.write("metadata.yaml", "name: app\nrequires: {db: {interface: sql}}\n")
    flagged.write("hooks/relations/sql/__init__.py", "")
    flagged.write("hooks/relations/sql/requires.py", INTERFACE)
    set_flag("endpoint.db.joined")
    set_flag("db.ready")
    return flagged


@pytest.mark.parametrize(
    "by",
    [
        ["--relation_name", "db"],
        ["--flag", "endpoint.db.joined"],
        ["--flag", "db.ready"],
        ["--state", "endpoint.db.joined"],
    ],
)
@pytest.mark.parametrize(
    ("call", "out"),
    [
        (["dsn"], "db"),
        (["dsn", "it's a", "b $c"], "db/it's a/b $c"),
        (["hosts"], "a\nb"),
        (["plain"], "an attribute"),
    ],
)
def test_spec7_spec20_bash_relation_call_on_an_endpoint(
    with_endpoint: Framework, capsys: pytest.CaptureFixture[str], by: List[str], call: List[str], out: str
) -> None:
    assert command(["relation_call"] + by + call) == 0
    assert capsys.readouterr().out == out


def test_spec7_relation_call_formats(with_endpoint: Framework, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["-j", "relation_call", "--relation_name", "db", "hosts"]) == 0
    assert capsys.readouterr().out == '["a", "b"]'


@pytest.mark.parametrize(
    ("method", "words"), [("no_such", "Db has no method 'no_such'"), ("fails", "in the interface")]
)
def test_spec7_relation_call_that_fails_is_status_2(
    with_endpoint: Framework, capsys: pytest.CaptureFixture[str], method: str, words: str
) -> None:
    assert command(["relation_call", "--flag", "db.ready", method]) == 2
    assert words in capsys.readouterr().err


def test_spec7_relation_call_on_a_cleared_flag(
    with_endpoint: Framework, capsys: pytest.CaptureFixture[str]
) -> None:
    clear_flag("db.ready")
    assert command(["relation_call", "--flag", "db.ready", "dsn"]) == 2


def test_spec7_relation_call_on_an_additional_factory(
    flagged: Framework, capsys: pytest.CaptureFixture[str]
) -> None:
    from charms_reactive.relations import RelationFactory

    class Factory:
        @classmethod
        def from_name(cls, name: str) -> Optional[Factory]:
            return cls() if name == "db" else None

        @classmethod
        def from_flag(cls, flag: str) -> Factory:
            return cls()

        def add(self, one: str, two: str) -> int:
            return int(one) + int(two)

    RelationFactory._factories.append(Factory)
    assert command(["relation_call", "--relation_name", "db", "add", "1", "2"]) == 0
    assert capsys.readouterr().out == "3"


# -- render_template ---------------------------------------------------------------------------------


def test_spec7_render_template_from_the_environment(
    flagged: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    flagged.write("templates/page.j2", "hello {{ WHO }}: {{ JUJU_UNIT_NAME }} \u00e9\n")
    monkeypatch.setenv("WHO", "you")
    target = flagged.directory / "made" / "here" / "page"
    for _ in range(2):
        assert command(["render_template", "page.j2", str(target)]) == 0
        assert target.read_text(encoding="utf-8") == "hello you: app/0 \u00e9"
        assert target.stat().st_mode & 0o777 == 0o444
    assert list(target.parent.iterdir()) == [target]


def test_spec7_render_template_writes_utf_8_in_any_locale(one_unit: Unit) -> None:
    one_unit.write("templates/page.j2", "\u00e9 {{ WHO }}")
    env = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "WHO": "you"}
    done = one_unit.command("render_template", "page.j2", str(one_unit.directory / "page"), env=env)
    assert done.status == 0, done.stderr
    assert (one_unit.directory / "page").read_bytes() == "\u00e9 you".encode()


def test_spec7_render_template_that_fails_leaves_the_target(
    flagged: Framework, capsys: pytest.CaptureFixture[str]
) -> None:
    flagged.write("templates/page.j2", "{{ broken")
    target = flagged.write("page", "old")
    assert command(["render_template", "page.j2", str(target)]) == 2
    assert "page.j2" in capsys.readouterr().err
    assert target.read_text() == "old"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("first\n{{ JUJU_UNIT_NAME + 1 }}", "template page.j2:2: TypeError: "),
        ("{{ NOBODY.name }}", "template page.j2:1: 'NOBODY' is undefined"),
        ("{{ 1 / 0 }}", "template page.j2:1: ZeroDivisionError: "),
    ],
)
def test_spec7_render_template_names_the_line_that_failed(
    flagged: Framework, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    flagged.write("templates/page.j2", text)
    target = flagged.write("page", "old")
    assert command(["render_template", "page.j2", str(target)]) == 2
    assert said in capsys.readouterr().err
    assert target.read_text() == "old"


# -- as a process ------------------------------------------------------------------------------------


def test_spec7_the_command_as_a_process(unit: Unit) -> None:
    assert unit.command("set_flag", "a").status == 0
    assert unit.command("is_flag_set", "a").status == 0
    assert unit.command("is_flag_set", "b").status == 1
    done = unit.command("--format", "json", "get_flags")
    assert (done.status, done.stdout, done.stderr) == (0, '["a"]', "")
    assert unit.calls() == []


def test_spec7_interactively_without_a_hook(one_unit: Unit) -> None:
    """`juju run -- charms.reactive get_flags` has no hook and no context."""
    one_unit.command("set_flag", "a")
    env = dict.fromkeys(("JUJU_UNIT_NAME", "JUJU_CONTEXT_ID", "JUJU_CHARM_DIR"))
    done = one_unit.command("get_flags", env=env)
    assert (done.status, done.stdout) == (0, "a")


COMMANDS = [
    "all_flags_set",
    "all_states",
    "any_flags_set",
    "any_hook",
    "any_states",
    "check-1.5",
    "clear_flag",
    "explain",
    "get_flags",
    "get_states",
    "get_unset_flags",
    "graph",
    "history",
    "hook",
    "invoking",
    "is_flag_set",
    "is_state",
    "lint",
    "mark_invoked",
    "only_once",
    "register_trigger",
    "relation_call",
    "relation_id",
    "remove_state",
    "render_template",
    "replay",
    "set_flag",
    "set_state",
    "simulate",
    "snapshot",
    "test",
    "toggle_flag",
    "when",
    "when_all",
    "when_any",
    "when_file_changed",
    "when_none",
    "when_not",
    "when_not_all",
    "why",
]


def test_spec7_help_and_version(one_unit: Unit) -> None:
    done = one_unit.command("--help")
    assert done.status == 0
    listed = re.findall(r"^  (?=\w)(\S+)", done.stdout, re.M)
    # What people want comes first, what bash and old charms call comes last.
    assert listed[:6] == ["simulate", "explain", "replay", "lint", "graph", "check-1.5"]
    assert listed.index("register_trigger") < listed.index("any_hook") < listed.index("hook")
    assert listed.index("mark_invoked") < listed.index("set_state")
    assert sorted(listed) == sorted(subcommands()[1])
    assert sorted(listed) == COMMANDS
    titles = re.findall(r"^(\S.*):$", done.stdout, re.M)
    assert titles[:3] == ["what a charm does", "what a charm is", "what the unit has done"]
    assert titles[-2:] in (["old names", "options"], ["old names", "optional arguments"])  # on CPython 3.9
    assert one_unit.command("--version").stdout.startswith("charms.reactive 1.6")
    assert one_unit.command("get_unset_flags", "--help").status == 0


def test_spec7_a_reader_that_stops_early_is_no_error(one_unit: Unit) -> None:
    one_unit.hook_file(
        "fill",
        "from charms.reactive import set_flag\nfrom charmhelpers.core import unitdata\n"
        "for n in range(9000): set_flag('flag.number.%05d' % n)\nunitdata.kv().flush()\n",
    )
    assert one_unit.execute([str(one_unit.directory / "fill")]).status == 0
    done = one_unit.execute(["bash", "-c", "set -o pipefail; charms.reactive get_flags | head -1"])
    assert (done.status, done.stdout, done.stderr) == (0, "flag.number.00000\n", "")


def test_spec7_the_module_runs_as_a_program(one_unit: Unit) -> None:
    for module in ("charms_reactive.cli", "charms.reactive.cli"):
        done = one_unit.execute([sys.executable, "-m", module, "is_flag_set", "x"])
        assert (done.status, done.stderr) == (1, "")


def test_the_commands_are_functions_as_they_are_in_1_5(framework: Framework) -> None:
    """Under their names in ``charms.reactive.cli``, with answers in place of exit statuses."""
    from charms.reactive import cli

    framework.hook("install")
    for flag in ("a", "b"):
        set_flag(flag)
    asked: List[Tuple[Any, Sequence[str], bool]] = [
        (cli.hook, ["start", "install"], True),
        (cli.hook, ["start"], False),
        (cli.when, ["a", "b"], True),
        (cli.when_all, ["a", "x"], False),
        (cli.when_any, ["a", "x"], True),
        (cli.when_not, ["x"], True),
        (cli.when_none, ["a", "x"], False),
        (cli.when_not_all, ["a", "x"], True),
        (cli.only_once, ["r/a.sh:3:f"], True),
        (cli.when_file_changed, ["metadata.yaml"], True),
        (cli.when_file_changed, ["metadata.yaml"], False),
    ]
    for function, arguments, answer in asked:
        assert function(*arguments) is answer, function
    assert cli.mark_invoked("r/a.sh:3:f", "other") is None
    assert (cli.only_once("r/a.sh:3:f"), cli.only_once("other")) == (False, False)
    assert cli.test("f r/a.sh:3:f when a", "g r/a.sh:9:g when x", "h r/a.sh:12:h when_any 'a x'") == "f,h"
    with pytest.raises(cli.CommandError, match="there is no test"):
        cli.test("f id unless a")
    framework.write("templates/t", "{{ JUJU_UNIT_NAME }}")
    cli.render_template("t", str(framework.directory / "out" / "t"))
    assert (framework.directory / "out" / "t").read_text() == "app/0"
