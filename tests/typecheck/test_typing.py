"""What type checkers find in charms' code: mypy, and pyright in the form that PyPI has of it.

Nothing runs the samples beside this file. A line that is an error says so: ``type: ignore`` with mypy's code.
Were it no error, either checker would complain about the comment. The manual's Python is checked as a charm's
author has it checked: without annotations of its own, and with what charmhelpers has, which is none.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List, Set

import pytest

import documents

from . import manual

pytestmark = pytest.mark.once

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parents[1] / "python"
SAMPLES = sorted(HERE.glob("typed_*.py"))

#: What the manual does wrong on purpose, to show that it is an error: the page, and what is said of it.
MEANT = {
    "docs/flags.md": "set_flag(8080)",
    "docs/records.md": 'colour.sensitive = "yes"',
    "docs/testing.md": '@when_not("endpoint.{endpoint_name}.joined")',
}


def public_modules() -> Set[str]:
    """The modules of the package that charms may import, as paths without a suffix."""
    package = PYTHON / "charms_reactive"
    paths = [path.relative_to(package).with_suffix("") for path in package.rglob("*.py")]
    return {
        path.as_posix()
        for path in paths
        if not any(part.startswith("_") and part != "__init__" for part in path.parts)
        # What is inside of it is reached through it.
        if path.parts[0] != "testing" or path.parts == ("testing", "__init__")
        # Commands are made of it, and no charm.
        if path.parts[0] != "tools"
    }


def test_each_module_has_its_file_under_the_other_name() -> None:
    place = PYTHON / "charms" / "reactive"
    found = {path.relative_to(place).with_suffix("").as_posix() for path in place.rglob("*.py")}
    assert found == public_modules()
    assert (place / "py.typed").exists()
    # Which is the one that is imported; a type checker has to see all that is behind it.
    assert (place / "__init__.pyi").exists()


# -- the checkers --------------------------------------------------------------------------------
@pytest.fixture
def installed(pytestconfig: pytest.Config) -> None:
    """Type checkers are where `make dev` was run; a test for one more interpreter does without."""
    there = [importlib.util.find_spec(name) for name in ("mypy", "basedpyright")]
    if None in there and pytestconfig.getoption("--pure-only"):
        pytest.skip("types are the same on every Python; they are checked where `make dev` was run")


#: Checks all files below a directory, and returns the errors as FILE:LINE: MESSAGE.
Checker = Callable[..., List[str]]


def mypy(place: Path, *options: str) -> List[str]:
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(place.parent / "mypy"), "--config-file="]
    command += ["--no-error-summary", "--hide-error-context", "--namespace-packages", *options, "."]
    done = subprocess.run(command, cwd=str(place), capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if ": note: " not in line]
    assert bool(lines) == bool(done.returncode), done.stdout + done.stderr
    return [re.sub(r": error: ", ": ", line) for line in lines]


def pyright(place: Path, **settings: object) -> List[str]:
    config = {
        "include": ["."],
        "typeCheckingMode": "standard",
        "useLibraryCodeForTypes": False,  # charmhelpers has no types, and what pyright guesses is no use
        "reportMissingModuleSource": "error",
        **settings,
    }
    (place / "pyrightconfig.json").write_text(json.dumps(config))
    command = [
        sys.executable,
        "-m",
        "basedpyright",
        "--pythonpath",
        sys.executable,
        "--outputjson",
        "-p",
        ".",
    ]
    done = subprocess.run(command, cwd=str(place), capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == sum(1 for _ in place.rglob("*.py")), done.stdout
    return [
        "%s:%d: %s"
        % (
            Path(one["file"]).relative_to(place.resolve()),
            one["range"]["start"]["line"] + 1,
            one["message"].splitlines()[0],
        )
        for one in found["generalDiagnostics"]
        if one["severity"] in ("error", "warning")
    ]


# -- charms' code --------------------------------------------------------------------------------
@pytest.fixture
def samples(tmp_path: Path) -> Path:
    place = tmp_path / "samples"
    place.mkdir()
    for path in SAMPLES:
        shutil.copy(str(path), str(place))
    return place


def test_each_sample_has_mistakes_in_it() -> None:
    marked = {path.stem: path.read_text().count("# type: ignore[") for path in SAMPLES}
    assert marked == {
        "typed_alias": 4,
        "typed_events": 15,
        "typed_records_and_status": 18,
        "typed_testing": 9,
    }


@pytest.mark.usefixtures("installed")
def test_mypy_finds_the_types_and_the_errors(samples: Path) -> None:
    assert mypy(samples, "--strict") == []


@pytest.mark.usefixtures("installed")
def test_pyright_finds_the_types_and_the_errors(samples: Path) -> None:
    assert pyright(samples, reportUnnecessaryTypeIgnoreComment="error") == []


# -- the manual ----------------------------------------------------------------------------------
@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """The Python of the manual, a directory for each page."""
    place = tmp_path / "pages"
    place.mkdir()
    written = manual.write(place)
    assert len(set(written.values())) >= 16
    return place


def meant(errors: List[str]) -> List[str]:
    """The errors that are not made on purpose; each of those has to be among them."""
    pages = {manual.place(name): name for name in documents.pages()}
    left = dict(MEANT)
    others = []
    for error in errors:
        file, line, _ = error.split(":", 2)
        page = pages[Path(file).parts[0]]
        shown = (documents.ROOT / page).read_text(encoding="utf-8").splitlines()[int(line) - 1]
        if page in MEANT and MEANT[page] in shown:
            left.pop(page, None)
        else:
            others.append("%s:%s: %s" % (page, line, error))
    assert left == {}, "no longer found"
    return others


@pytest.mark.usefixtures("installed")
def test_mypy_accepts_the_manual(pages: Path) -> None:
    options = ["--check-untyped-defs", "--explicit-package-bases", "--ignore-missing-imports"]
    # What mypy wants of the types of an author's own empty lists says nothing of ours.
    options += ["--disable-error-code=var-annotated", "--disable-error-code=has-type"]
    assert meant(mypy(pages, *options)) == []


@pytest.mark.usefixtures("installed")
def test_pyright_accepts_the_manual(pages: Path) -> None:
    assert meant(pyright(pages)) == []


def test_each_line_of_the_manual_is_where_it_was(tmp_path: Path) -> None:
    found: Dict[str, int] = {}
    for file, page in manual.write(tmp_path).items():
        shown = (documents.ROOT / page).read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip() and number > 1:
                assert line == shown[number - 1].rstrip(), "%s:%d" % (file, number)
                found[page] = found.get(page, 0) + 1
    assert found["docs/testing.md"] > 100
    assert found["README.md"] > 15
