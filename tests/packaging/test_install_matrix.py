"""What `make install-matrix` writes down, and when it fails; the installations themselves are its own run."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module of packaging/, and forgets all of them afterwards."""
    monkeypatch.syspath_prepend(str(PACKAGING))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name == "install_matrix" or name.split(".")[0] == "matrix":
            del sys.modules[name]


@pytest.fixture
def transcript(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("matrix.transcript")


@pytest.fixture
def matrix(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("install_matrix")


def row(**fields: str) -> Dict[str, str]:
    given = {
        "name": "a-row",
        "date": "2026-01-31",
        "way": "A wheelhouse",
        "Python": "3.8.18",
        "pip": "22.0.4",
    }
    rest = {"setuptools": "56.0.0", "os-release": "-", "engine": "pure", "result": "ok", "seconds": "7"}
    return {**given, **rest, **fields}


# What a transcript keeps


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Looking in indexes: https://user:word@host.example/simple", "Looking in indexes: <address>"),
        ("Looking in links: file:///srv/wheels/", "Looking in links: <address>"),
        ("Created wheel: size=1234 sha256=0123456789abcdef", "Created wheel: size=<bytes> sha256=<digest>"),
        ("Stored in directory: /tmp/pip-ephem-wheel-cache-ab_1/wheels", "Stored in directory: <temporary>"),
        ("install   12 ms  one, two", "install   <time>  one, two"),
        ("3 passed in 1.25s", "3 passed in <time>"),
        ("10%\r50%\r100% done", "100% done"),
        ("\x1b[32mgreen\x1b[0m", "green"),
        ("a\n  Building wheel for x: still running...\nb", "a\nb"),
        ("   ━━━━━━━━ 1.2/1.2 MB\nb", "b"),
        ("a\n  Preparing metadata (pyproject.toml): started\nb", "a\nb"),
        ("Traceback:\n  File x\n    code\n", "Traceback:\n  File x\n    code\n"),
        ("charms.reactive-1.6.0, 2 flags, Python 3.8", "charms.reactive-1.6.0, 2 flags, Python 3.8"),
    ],
)
def test_only_what_the_next_run_has_too_is_kept(transcript: ModuleType, said: str, kept: str) -> None:
    assert transcript.clean(said, {}) == kept


def test_the_longest_path_is_replaced_first(transcript: ModuleType) -> None:
    places = {"/srv/room": "<room>", "/srv/room/venv": "<venv>", "/srv": "<cache>"}
    said = "/srv/room/venv/bin/pip /srv/room/charm /srv/dist"
    assert transcript.clean(said, places) == "<venv>/bin/pip <room>/charm <cache>/dist"


def test_a_transcript_is_read_back_as_it_was_written(transcript: ModuleType, tmp_path: Path) -> None:
    written = transcript.Transcript("a-row", "A wheelhouse", "3.8.18")
    written.fields["pip"] = "22.0.4"
    written.places[str(tmp_path)] = "<room>"
    written.say("Without network:")
    written.command("ls %s" % tmp_path, "one\ntwo", 0)
    written.command("false", "", 1)
    written.end(transcript.OK)
    written.write(tmp_path)
    fields = transcript.read_fields(tmp_path / "a-row.txt")
    assert {**fields, "date": "", "seconds": ""} == row(setuptools="-", engine="-", date="", seconds="")
    body = (tmp_path / "a-row.txt").read_text().split("\n\n", 1)[1]
    assert body == "# Without network:\n$ ls <room>\none\ntwo\n$ false\n[exit status 1]\n"


def test_a_file_that_is_no_transcript_is_named(transcript: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("name: a-row\nresult: ok\n")
    with pytest.raises(ValueError, match=r"notes\.txt is no transcript: it has no date, way, "):
        transcript.read_fields(tmp_path / "notes.txt")


# The table


def test_the_table_is_ordered_by_way_python_and_pip(transcript: ModuleType) -> None:
    rows = [
        row(way="C wheel", Python="3.8.18"),
        row(Python="3.10.13", pip="22.0.4"),
        row(Python="3.9.18", pip="22.0.4"),
        row(Python="3.9.18", pip="9.0"),
    ]
    lines = transcript.table(rows).splitlines()
    assert lines[0] == "| way | Python | pip | setuptools | os-release | engine | result | seconds |"
    cells = [[cell.strip() for cell in line.split("|")[1:4]] for line in lines[2:]]
    assert cells == [
        ["A wheelhouse", "3.9.18", "9.0"],
        ["A wheelhouse", "3.9.18", "22.0.4"],
        ["A wheelhouse", "3.10.13", "22.0.4"],
        ["C wheel", "3.8.18", "22.0.4"],
    ]


# What fails


def test_a_failed_row_fails_the_run_and_is_named(
    matrix: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert matrix.verdict([row(), row(name="other")]) == 0
    assert matrix.verdict([row(), row(name="other", result="FAILED: no hook ran")]) == 1
    assert capsys.readouterr().err == "failed: other\n"


def test_an_old_pip_may_be_missing_on_a_new_python_but_not_on_all(transcript: ModuleType) -> None:
    dead = row(name="new", Python="3.13.0", result="pip does not start: no distutils")
    assert transcript.failed([row(), dead]) == []
    assert transcript.failed([row(pip="20.3.4"), dead]) == ["pip 22.0.4, which starts on no Python"]
    assert transcript.failed([row(result="FAILED: no"), dead]) == [
        "a-row",
        "pip 22.0.4, which starts on no Python",
    ]


def test_an_installation_that_fails_becomes_a_row(
    load: Callable[[str], ModuleType], transcript: ModuleType, tmp_path: Path
) -> None:
    ways = load("matrix.ways")

    def install(room: Any) -> str:
        room.run("sh", "-c", "echo 'ERROR: No matching distribution'; exit 3")
        return "ok"

    python = ways.Python(sys.executable, "%d.%d.%d" % sys.version_info[:3])
    result = ways.Row("a-row", "A wheelhouse", python, install).run(tmp_path / "rooms", tmp_path)
    assert (
        result.fields["result"] == "FAILED: `sh -c echo 'ERROR: No matching distribution'; exit 3` "
        "ended with 3: ERROR: No matching distribution"
    )
    assert transcript.failed([transcript.read_fields(tmp_path / "a-row.txt")]) == ["a-row"]
    assert "[exit status 3]" in (tmp_path / "a-row.txt").read_text()
    assert not (tmp_path / "rooms/a-row").exists()


def test_a_command_has_to_say_what_is_expected(
    load: Callable[[str], ModuleType], transcript: ModuleType, tmp_path: Path
) -> None:
    room = load("matrix.room").Room(transcript.Transcript("a", "b", "3.8"), tmp_path / "room")
    assert room.run("echo", "the pure engine", contains=["pure"]) == "the pure engine\n"
    with pytest.raises(transcript.Failure, match="`echo the pure engine` does not say 'native'"):
        room.run("echo", "the pure engine", contains=["native"])


def test_commands_see_no_variable_of_the_caller(
    load: Callable[[str], ModuleType],
    transcript: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/srv/wheels")
    monkeypatch.setenv("PYTHONPATH", "/srv/lib")
    room = load("matrix.room").Room(transcript.Transcript("a", "b", "3.8"), tmp_path / "room")
    seen = dict(line.partition("=")[::2] for line in room.run("env").splitlines())
    assert not {"PIP_FIND_LINKS", "PYTHONPATH"} & set(seen)
    assert seen["HOME"] == str(tmp_path / "room")


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ("charms.reactive 1.6.0 requires charmhelpers, which is not installed.", True),
        ("charms_reactive 1.6.0 has requirement PyYAML>=5.1, but you have pyyaml 5.0.", True),
        ("virtualenv 21.5.1 has requirement filelock<4,>=3.24.2; but you have filelock 4.1.1.", False),
        ("No broken requirements found.", False),
    ],
)
def test_packages_of_the_system_may_be_at_odds_among_themselves(
    load: Callable[[str], ModuleType], line: str, ours: bool
) -> None:
    checks = load("matrix.checks")
    assert checks.concerns(line, checks.OURS) is ours


def test_no_row_is_no_success(matrix: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    options = matrix.parse(["--only", "no such row"])
    with pytest.raises(matrix.Failure, match="no installation has 'no such row' in its name"):
        matrix.run([[]], options, Path("."))


def test_a_system_that_nobody_has_is_named(load: Callable[[str], ModuleType]) -> None:
    systems = load("matrix.systems")
    failure = load("matrix.transcript").Failure
    with pytest.raises(failure, match=r"no such system: plan9; name it as in ubuntu:focal"):
        list(systems.rows(None, ["plan9"], []))


# The plan


def test_the_plan_has_every_python_every_pip_and_both_engines(matrix: ModuleType) -> None:
    pythons = [matrix.Python("/p38", "3.8.18"), matrix.Python("/p312", "3.12.1")]
    wheelhouses, rows = matrix.plan(None, pythons, quick=False)
    assert [row.name for row in wheelhouses] == ["wheelhouse-made-3.8", "wheelhouse-made-3.12"]
    assert sorted(row.name for row in rows) == sorted(
        [
            *("wheelhouse-%s-pip%s" % (v, p) for v in ("3.8", "3.12") for p in ("20.3", "22.0", "newest")),
            *("layer-basic-3.8", "layer-basic-3.12"),
            *("wheel-pure-3.8", "wheel-native-3.12", "wheel-pure-3.12"),
            *("build-pure-with-cargo", "build-auto-without-cargo", "build-auto-with-cargo"),
            "build-rust-without-cargo",
        ]
    )


def test_the_quick_plan_has_the_ends(matrix: ModuleType) -> None:
    pythons = [matrix.Python("/p", version) for version in ("3.8.18", "3.9.18", "3.12.1", "3.13.0")]
    steps = matrix.plan(None, pythons, quick=True)
    assert {row.python.version for rows in steps for row in rows} == {"3.8.18", "3.13.0"}
    names: List[str] = [row.name for row in steps[1]]
    assert {"wheelhouse-3.8-pip20.3", "wheelhouse-3.8-pip22.0", "wheelhouse-3.13-pipnewest"} <= set(names)
    assert {"layer-basic-3.8", "wheel-pure-3.8", "wheel-native-3.13"} <= set(names)


def test_without_python_there_is_no_plan(matrix: ModuleType) -> None:
    with pytest.raises(matrix.Failure, match=r"there is no CPython from 3\.8 on here"):
        matrix.plan(None, [], quick=False)


def test_this_python_is_found(matrix: ModuleType) -> None:
    assert "%d.%d" % sys.version_info[:2] in [python.minor for python in matrix.pythons()]


# What is in the repository


def test_the_page_is_made_of_the_transcripts_beside_it(matrix: ModuleType) -> None:
    assert (PACKAGING / "INSTALL-MATRIX.md").read_text(encoding="utf-8") == matrix.page(
        PACKAGING / "transcripts"
    )


def test_no_recorded_installation_failed(transcript: ModuleType) -> None:
    rows = [transcript.read_fields(path) for path in (PACKAGING / "transcripts").glob("*.txt")]
    assert len(rows) >= 30
    assert transcript.failed(rows) == []


def test_transcripts_name_no_machine(transcript: ModuleType) -> None:
    for path in (PACKAGING / "transcripts").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        found = [word for word in ("/root/", "/home/", "/tmp/", "://") if word in text]
        assert not found, "%s has %s" % (path.name, found)


# The charm that is installed


PIP = """\
#!/bin/sh
case "$3" in
    freeze) printf '%s\\n' pip==20.3.4 setuptools==56.0.0 ;;
    *) echo "$@" >>../asked ;;
esac
"""


def test_the_bootstrap_takes_tools_first_and_everything_else_by_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a pip that notes what it is asked, and no environment made."""
    charm = tmp_path / "charm"
    shutil.copytree(str(PACKAGING / "matrix/charm"), str(charm))
    house = charm / "wheelhouse"
    house.mkdir()
    for name in (
        "pip-22.0.4.tar.gz",
        "setuptools-45.3.0.zip",
        "charms_reactive-1.6.0.tar.gz",
        "flit_core-3.12.0.tar.gz",
    ):
        (house / name).touch()
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(PIP)
    python.chmod(0o755)
    script = "import sys; sys.path.append('lib'); import bootstrap; bootstrap.install(%r)" % str(python)
    subprocess.run([sys.executable, "-c", script], cwd=str(charm), check=True, stdout=subprocess.DEVNULL)
    asked = (tmp_path / "asked").read_text().splitlines()
    first = "-m pip install -U --no-index -f wheelhouse pip"
    rest = "-m pip install -U --force-reinstall --no-index --no-cache-dir -f wheelhouse"
    assert asked == [first, rest + " charms-reactive==1.6.0 flit-core==3.12.0"]


def test_the_manual_names_what_the_wheelhouses_are_made_of() -> None:
    chapter = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")
    shown = chapter.partition("`wheelhouse-of-your-own.txt`\n\n```text\n")[2].partition("```")[0]
    tried = (ROOT / "packaging" / "matrix" / "wheelhouse.txt").read_text(encoding="utf-8")

    def requirements(text: str) -> List[str]:
        return [line for line in text.splitlines() if line and not line.startswith("#")]

    assert requirements(shown) == ["charms.reactive>=1.6,<2", *requirements(tried)]
