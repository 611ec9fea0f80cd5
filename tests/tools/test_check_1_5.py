"""``charms.reactive check-1.5``: each row of the page, for the charms that it concerns and for no others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Set, Tuple

import pytest

from charms_reactive.tools._charm.reading import read
from charms_reactive.tools._moving import checks, command, rows
from charms_reactive.tools._moving.command import main

from .conftest import Write

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "moving-from-1.5.md"
HERE = Path(__file__).resolve().parent

pytestmark = pytest.mark.once


# -- the page -----------------------------------------------------------------------------------------
def plain(text: str) -> str:
    """Text of the page without its marks, and with links as their words."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("`", "").replace("*", "").strip()


def table() -> Dict[str, str]:
    """The areas of the table, each with what there is to do."""
    text = PAGE.read_text(encoding="utf-8")
    part = text[text.index("## What behaves differently") : text.index("Smaller things that may be noticed")]
    found = re.findall(r"^\| (.*?) \| .* \| ?(.*?) ?\|$", part, re.MULTILINE)
    return {plain(area): plain(to_do) for area, to_do in found if area != "area"}


def smaller() -> List[str]:
    text = PAGE.read_text(encoding="utf-8")
    part = text[text.index("Smaller things that may be noticed") : text.index("## Strict mode")]
    return [plain(" ".join(one.split())) for one in re.split(r"^- ", part, flags=re.MULTILINE)[1:]]


def test_every_row_of_the_page_has_a_check_or_a_reason() -> None:
    areas = list(table())
    assert len(areas) > 30
    assert [area for area in areas if area not in rows.ROWS] == []
    points = smaller()
    assert len(points) > 15
    untold = [one for one in points if not any(one.startswith(area) for area in rows.ROWS)]
    assert untold == []
    # And nothing is looked for that the page does not tell of.
    known = {*areas, "Tests of a charm, with mocks"}
    for area in rows.ROWS:
        assert area in known or any(one.startswith(area) for one in points), area


def test_what_there_is_to_do_is_what_the_page_says() -> None:
    for area, to_do in table().items():
        row = rows.ROWS[area]
        if row.check is not None:
            assert row.to_do == to_do, area


@pytest.mark.parametrize("area", sorted(rows.ROWS))
def test_a_row_without_a_check_says_why(area: str) -> None:
    row = rows.ROWS[area]
    assert (row.check is None) == bool(row.reason)
    assert bool(row.now) == (row.check is not None)


def test_the_names_whose_patches_are_lost_are_those_of_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    part = text[text.index("| patched | now |") : text.index("Better than any patch")]
    assert set(re.findall(r"`(charms\.reactive\.\w+\.\w+)`", part)) == set(checks.PATCHED)


# -- the checks ---------------------------------------------------------------------------------------
class Case(NamedTuple):
    name: str
    files: Dict[str, Tuple[str, int]]
    wanted: Set[Tuple[str, str, int]]


_MARK = re.compile(r"[ \t]*#= ([^#]+?)(?=\s*#=|\s*$)")


def _case(text: str) -> Case:
    name, _, rest = text.partition("\n")
    files: Dict[str, Tuple[str, int]] = {"metadata.yaml": ("name: app\n", 0o644)}
    wanted: Set[Tuple[str, str, int]] = set()
    for part in re.split(r"^--- ", rest, flags=re.MULTILINE)[1:]:
        head, _, content = part.partition("\n")
        path, _, mode = _MARK.sub("", head).partition(" ")
        wanted.update((area, path, 0) for area in _MARK.findall(head))
        lines = content.rstrip("\n").split("\n")
        for number, line in enumerate(lines, 1):
            wanted.update((area, path, number) for area in _MARK.findall(line))
        plain_lines = [_MARK.sub("", line) for line in lines]
        files[path] = (
            "\n".join(plain_lines) + "\n",
            int(mode, 8) if mode else 0o755 if lines[0].startswith("#!") else 0o644,
        )
    return Case(name, files, wanted)


CASES = [
    _case(part)
    for part in re.split(r"^===== ", (HERE / "moving.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)[
        1:
    ]
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_concerns_a_charm_is_told_with_its_place(case: Case, tmp_path: Path) -> None:
    assert case.wanted
    for path, (content, mode) in case.files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        file.chmod(mode)
    found = rows.concerns(read(tmp_path, load=False))
    told = {(row.area, place.file, place.line) for row, places in found for place, _ in places}
    assert told == case.wanted


def test_every_check_has_a_charm_that_it_concerns() -> None:
    told = {area for case in CASES for area, _, _ in case.wanted}
    decided = {row.area for row in rows.ROWS.values() if row.check is not None}
    # A name that is not UTF-8 cannot be written down in a text; it has a test of its own.
    assert decided - told == {"A file of handlers whose name is not UTF-8"}


def test_a_file_whose_name_is_not_utf_8(charm: Write) -> None:
    root = charm('from charms.reactive import hook\n@hook("install")\ndef f(): pass\n')
    (root / "reactive" / "n\udce4me.py").write_text("")
    (found,) = rows.concerns(read(root, load=False))
    assert found[0].area == "A file of handlers whose name is not UTF-8"


# -- the command ----------------------------------------------------------------------------------------
def check(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    status = main(list(words))
    told = capsys.readouterr()
    return status, told.out, told.err


_DECIDED = sum(row.check is not None for row in rows.ROWS.values())

NOTHING = f"""\
app: from charms.reactive 1.5 to 1.6

Nothing of this concerns you: {_DECIDED} rows were looked for, and none is in the code.
On the desk install, config-changed, start, update-status ran; nothing was warned of.

Ready for 26.04 and Juju 4, as far as the code can tell.
"""


@pytest.mark.long
def test_nothing_of_this_concerns_you(charm: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = charm(
        """\
        from charms.reactive import set_flag, when_not
        @when_not("app.installed")
        def install():
            set_flag("app.installed")
        """
    )
    assert check(capsys, str(root)) == (0, NOTHING, "")


@pytest.mark.long
def test_the_desk_is_asked_for_what_the_code_does_not_tell(
    charm: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the loop is one depends on what a function returns, which only a run can tell."""
    root = charm(
        """\
        from charms.reactive import clear_flag, set_flag, when, when_not

        def ready():
            return True

        @when_not("app.up")
        def up():
            if ready():
                set_flag("app.up")

        @when("app.up")
        def down():
            if ready():
                clear_flag("app.up")
        """
    )
    monkeypatch.chdir(root)
    status, out, _ = check(capsys)
    assert status == 1
    assert "Nothing of this concerns you" in out
    assert "On the desk install, config-changed, start, update-status ran; it warned of:" in out
    assert "reactive/app.py:6:up; flags that kept changing: app.up" in out


@pytest.mark.long
def test_what_the_desk_cannot_run_is_said(charm: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = charm(
        """\
        import subprocess
        from charms.reactive import hook, set_flag

        @hook("install")
        def install():
            set_flag("a")

        @hook("start")
        def start():
            subprocess.check_call(["apt-get", "install", "x"])
        """,
        reactive__one="#!/bin/bash\nexit 0\n",
    )
    _, out, _ = check(capsys, str(root))
    assert "On the desk install, config-changed ran; nothing was warned of." in out
    assert "  left out, because the desk starts no process here: reactive/one\n" in out
    assert "  start could not be run there: PermissionError: a charm that is being read starts nothing" in out


def test_what_is_told_as_json(charm: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = charm(
        "from charms.reactive import only_once\nimport imp\n@only_once\ndef f(): pass\nprint(imp)\n",
        wheelhouse__txt="x",
    )
    (root / "wheelhouse.txt").write_text("charms.reactive==1.5.3\n")
    status, out, _ = check(capsys, "--no-load", "--format", "json", str(root))
    document = json.loads(out)
    assert status == 1
    assert [row["area"] for row in document["rows"]] == ["install", "@only_once"]
    assert document["rows"][1]["places"][0]["line"] == 3
    assert [one["code"] for one in document["ready"]] == ["CR701"]
    assert document["desk"] is None


def test_what_is_in_the_way_to_juju_4(charm: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = charm(
        'from charmhelpers.core import hookenv\nfrom charms.reactive import hook\n@hook("install")\n'
        "def f():\n    hookenv.leader_set(x=1)\n"
    )
    _, out, _ = check(capsys, "--no-load", str(root))
    assert "Not ready for 26.04 and Juju 4:\n" in out
    assert "reactive/app.py:5: CR801: leader_set fails on Juju 4" in out


@pytest.mark.parametrize(
    ("words", "reason"),
    [(["nowhere"], "there is no directory nowhere"), (["--oops"], "unrecognized arguments: --oops")],
)
def test_what_cannot_be_done_is_said(
    words: List[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = check(capsys, *words)
    assert (status, out, reason in err) == (2, "", True)
    assert command.HOOKS[0] == "install"


def test_tests_that_cannot_be_read_are_passed_over(charm: Write) -> None:
    root = charm("from charms.reactive import when\n", tests__test_a_py="import mock\n")
    (root / "tests" / "test_gone.py").symlink_to(root / "gone.py")
    (root / "tests" / "test_old.py").write_bytes(b"# \xe9\nmock.patch('charms.reactive.bus.dispatch')\n")
    (root / "tests" / "test_b.py").write_text("\nmock.patch('charms.reactive.%s')\n" % "decorators._hook")
    places = [place for place, _ in checks.patched(read(root, load=False))]
    assert [(place.file, place.line) for place in places] == [("tests/test_b.py", 2)]


def test_a_charm_of_which_the_desk_has_no_answer(charm: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = charm("from charms.reactive import when_not\n@when_not('a')\ndef f(): pass\n")
    reading = read(root, load=False)
    told = command.ask_the_desk(reading, 0)
    assert told == {"ran": [], "failed": None, "error": "it had not been loaded after 0 s", "warnings": []}
    assert main([str(root), "--timeout", "0"]) == 0
    assert "it had not been loaded after 0 s" in capsys.readouterr().out
