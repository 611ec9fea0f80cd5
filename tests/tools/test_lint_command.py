"""The command ``charms.reactive lint``: what it prints, what it may be told, and how it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from charms_reactive import cli
from charms_reactive.tools._lint.command import main
from charms_reactive.tools._lint.rules import RULES

from .conftest import Write

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.once

WRONG = """\
from charms.reactive import data_changed, set_flag, when, when_not

@when_not("app.installed")
def install():
    data_changed("x", 1)
    set_flag("app.installed")

@when("app.instaled")
@when_not("app.instaled")
def configure():
    pass
"""


@pytest.fixture
def wrong(charm: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = charm(WRONG)
    monkeypatch.chdir(root)
    return root


def lint(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    status = main(["--no-load", *words])
    told = capsys.readouterr()
    return status, told.out, told.err


TEXT = """\
reactive/app.py:8:7: CR101 flag-never-set: configure waits for the flag 'app.instaled', which nothing sets; did you mean app.installed?
8 | @when("app.instaled")
  |       ^^^^^^^^^^^^^^
reactive/app.py:9:11: CR101 flag-never-set: configure asks for the flag 'app.instaled', which nothing sets; did you mean app.installed?
9 | @when_not("app.instaled")
  |           ^^^^^^^^^^^^^^
reactive/app.py:9:11: CR104 contradiction: configure never runs: it asks for 'app.instaled' to be set and not to be set
9 | @when_not("app.instaled")
  |           ^^^^^^^^^^^^^^
app: 3 errors (2 handlers, 1 file; 1 note not shown: --notes)
"""  # noqa: E501


def test_text(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint(capsys) == (1, TEXT, "")


def test_colour_is_for_terminals(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = lint(capsys, "--color", "always")
    assert "\033[31;1mCR101 flag-never-set\033[0m" in out
    assert re.sub("\033\\[[\\d;]*m", "", out) == TEXT
    assert lint(capsys, "--color", "never")[1] == TEXT


def test_nothing_found_is_one_line(charm: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = charm("from charms.reactive import hook\n@hook('install')\ndef install(): pass\n")
    assert lint(capsys, str(root)) == (0, "app: nothing found (1 handler, 1 file)\n", "")


def test_notes_are_told_when_they_are_asked_for(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = lint(capsys, "--notes")
    assert "CR603 data-changed" in out
    assert out.endswith("app: 3 errors, 1 note (2 handlers, 1 file)\n")
    status, out, _ = lint(capsys, "--notes", "--ignore", "CR1")
    assert (status, "1 note" in out) == (0, True)
    # Whoever names a rule wants it to count.
    status, out, _ = lint(capsys, "--select", "data-changed")
    assert (status, "1 warning" in out) == (1, True)


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (["--select", "CR104"], ["CR104"]),
        (["--select", "contradiction,CR6"], ["CR104", "CR603"]),
        (["--ignore", "CR101"], ["CR104"]),
        (["--ignore", "flag-never-set", "--extend-select", "CR6"], ["CR104", "CR603"]),
        (["--select", "all", "--ignore", "CR1"], ["CR603"]),
        (["--exclude", "reactive/*"], []),
    ],
)
def test_rules_are_chosen(
    wrong: Path, capsys: pytest.CaptureFixture[str], words: List[str], codes: List[str]
) -> None:
    _, out, _ = lint(capsys, "--format", "json", *words)
    assert sorted({one["code"] for one in json.loads(out)["findings"]}) == codes


def test_pyproject_is_heeded_and_options_go_before_it(
    wrong: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = wrong / "pyproject.toml"
    table.write_text('[tool.charms-reactive.lint]\nignore = ["CR101"]\nnotes = true\njuju = "4"\n')
    _, out, _ = lint(capsys, "--format", "json")
    assert [one["code"] for one in json.loads(out)["findings"]] == ["CR603", "CR104"]
    table.write_text('[tool.charms-reactive.lint]\nselect = ["CR104"]\n')
    assert "1 error (" in lint(capsys)[1]
    assert "2 errors (" in lint(capsys, "--select", "CR101")[1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[tool.charms-reactive.lint\n", "is not TOML"),
        ("[tool.charms-reactive.lint]\nselects = []\n", "has no key 'selects'"),
        ("[tool.charms-reactive.lint]\nselect = 'CR1'\n", "select is a list of texts"),
        ("[tool.charms-reactive.lint]\nselect = ['CR9999']\n", "there is no rule 'CR9999'"),
        ("[tool.charms-reactive.lint]\njuju = 'noble'\n", "a version of Juju"),
        ("[tool.charms-reactive.lint]\nnotes = 1\n", "notes is true or false"),
    ],
)
def test_a_table_that_makes_no_sense(
    wrong: Path, capsys: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    (wrong / "pyproject.toml").write_text(text)
    status, out, err = lint(capsys)
    assert (status, out) == (2, "")
    assert reason in err
    assert "Traceback" not in err


COMMENTS = {
    "# reactive: ignore[CR104]": ["CR101"],
    "# reactive: ignore[contradiction, flag-never-set]": [],
    "# reactive: ignore": [],
    "# noqa: CR104": ["CR101"],
    "# noqa: F401, CR104": ["CR101"],
    "# noqa": ["CR101", "CR104"],
    "# reactive: ignore[CR999]": ["CR101", "CR104"],
}


@pytest.mark.parametrize("comment", COMMENTS)
def test_a_comment_says_not_to_tell(charm: Write, capsys: pytest.CaptureFixture[str], comment: str) -> None:
    root = charm(WRONG.replace('@when_not("app.instaled")', '@when_not("app.instaled")  ' + comment))
    _, out, _ = lint(capsys, str(root), "--format", "json")
    told = [one["code"] for one in json.loads(out)["findings"] if one["line"] == 9]
    assert told == COMMENTS[comment]


def test_a_comment_for_a_whole_file(charm: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = charm("# reactive: ignore-file[CR101]\n" + WRONG)
    _, out, _ = lint(capsys, str(root))
    assert "CR101" not in out
    assert "2 ignored by comments" in out


def test_a_pyproject_that_is_not_utf_8(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = wrong / "pyproject.toml"
    path.write_bytes(b"[project] # \xe9\n")  # it is somebody else's
    assert lint(capsys, "--select", "CR101")[0] == 1
    path.write_bytes(b"[tool.charms-reactive.lint] # \xe9\n")
    status, _, err = lint(capsys)
    assert status == 2
    assert "pyproject.toml is not UTF-8, as TOML has to be" in err


def test_github(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = lint(capsys, "--format", "github", "--select", "CR101")
    assert status == 1
    assert out.splitlines()[0] == (
        "::error file=reactive/app.py,line=8,col=7,endColumn=21,title=CR101 flag-never-set::configure waits "
        "for the flag 'app.instaled', which nothing sets; did you mean app.installed?"
    )


def test_sarif_is_what_its_standard_asks_for(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The parts of SARIF 2.1.0 that are needed, by its chapters: 3.13, 3.19, 3.27, 3.30."""
    _, out, _ = lint(capsys, "--format", "sarif", "--notes")
    document = json.loads(out)
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} == {"CR101", "CR104", "CR603"}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert list(result["message"]) == ["text"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert 1 <= region["startColumn"] < region["endColumn"]
    assert run["results"][1]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "reactive/app.py"},
        "region": {"startLine": 8, "startColumn": 7, "endColumn": 21},
    }


def test_json(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = lint(capsys, "--format", "json", "--select", "CR104")
    document = json.loads(out)
    assert document["findings"] == [
        {
            "code": "CR104",
            "name": "contradiction",
            "level": "error",
            "file": "reactive/app.py",
            "line": 9,
            "column": 11,
            "end_column": 25,
            "message": "configure never runs: it asks for 'app.instaled' to be set and not to be set",
            "meant": None,
            "advice": None,
        }
    ]
    assert {key: document[key] for key in ("charm", "kind", "handlers", "files", "not_shown", "ignored")} == {
        "charm": "app",
        "kind": "charm",
        "handlers": 2,
        "files": 1,
        "not_shown": 0,
        "ignored": 0,
    }


@pytest.mark.parametrize("code", sorted(RULES))
def test_every_rule_explains_itself(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    rule = RULES[code]
    for word in (code, rule.name):
        status, out, _ = lint(capsys, "--explain", word)
        assert (status, out.startswith("%s %s (%s)\n" % (code, rule.name, rule.level))) == (0, True)
    assert len(rule.text) > 60
    assert len(rule.summary) < 90


def test_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = lint(capsys, "--rules")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == sorted(RULES)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nowhere"], "there is no directory nowhere"),
        (["--select", "flag-never-sat"], "there is no rule 'flag-never-sat'; did you mean flag-never-set?"),
        (["--juju", "noble"], "a version of Juju is given as 3.6 or 4, and not as 'noble'"),
        (["--format", "xml"], "invalid choice: 'xml'"),
        (["--oops"], "unrecognized arguments: --oops"),
        (["--explain", "zzz"], "there is no rule 'zzz'; --rules lists them"),
    ],
)
def test_what_cannot_be_done_is_said(
    wrong: Path, capsys: pytest.CaptureFixture[str], words: List[str], reason: str
) -> None:
    status, out, err = lint(capsys, *words)
    assert (status, out) == (2, "")
    assert err.startswith("charms.reactive lint: ")
    assert reason in err


def test_juju_4_makes_warnings_of_notes(charm: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = charm('from charms.reactive import hook\n@hook("pre-series-upgrade")\ndef f(): pass\n')
    assert lint(capsys, str(root))[0] == 0
    status, out, _ = lint(capsys, str(root), "--juju", "4.0")
    assert (status, "CR805 juju4-hook: Juju 4 runs no hook" in out) == (1, True)


@pytest.mark.long
def test_the_command_is_one_of_the_command_line(wrong: Path) -> None:
    command = [sys.executable, "-m", "charms_reactive.cli", "lint"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, TEXT, "")
    assert cli._AT_THE_DESK["lint"] == main.__module__[len("charms_reactive.") :]


# -- charms that are in order ---------------------------------------------------------------------------
OURS = sorted(path.parent for path in ROOT.glob("tests/charms/*/metadata.yaml"))
LAYERS = sorted(path for path in ROOT.glob("tests/interfaces/layers/*") if path.is_dir())

#: What is found in charms that are there to be odd, and why it stays.
EXPLAINED: Dict[str, List[str]] = {}


@pytest.mark.parametrize("root", [*OURS, ROOT / "examples/hello-web"], ids=lambda path: path.name)
def test_charms_of_ours_have_nothing_wrong(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = lint(capsys, str(root), "--format", "json")
    found = ["%(code)s %(line)d" % one for one in json.loads(out)["findings"]]
    assert found == EXPLAINED.get(root.name, [])
    assert status == bool(found)


def test_there_are_as_many_as_the_suite_plays() -> None:
    assert len(OURS) >= 12


@pytest.mark.parametrize("root", LAYERS, ids=lambda path: path.name)
def test_interface_layers_of_ours_have_nothing_wrong(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / root.name
    copy.mkdir()
    (copy / "interface.yaml").write_text("name: %s\n" % root.name)
    for path in root.glob("*.py"):
        (copy / path.name).write_text(path.read_text())
    assert lint(capsys, str(copy))[0] == 0
