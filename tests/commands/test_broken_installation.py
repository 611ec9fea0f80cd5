"""A command that cannot be answered because of how it was installed says so: status 1 would mean no."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

import charms_reactive

from .support import BROKEN_FRAMEWORK, Finished, Program, Unit

pytestmark = pytest.mark.long

#: Commands that are answered by a status, some without the framework and some with it.
QUESTIONS = [
    ["is_flag_set", "a"],
    ["when", "a"],
    ["only_once", "x"],
    ["when_file_changed", "f"],
    ["get_states"],
]


def refused(done: Finished, *reasons: str) -> None:
    assert (done.status, done.out) == (2, ""), done
    for reason in reasons:
        assert reason in done.err
    assert "Traceback" not in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("words", [*QUESTIONS, ["set_flag", "a"], ["get_flags"]])
@pytest.mark.parametrize("engine", ["rust", " pure"])
def test_an_engine_that_there_is_not(unit: Unit, engine: str, words: List[str]) -> None:
    done = unit.run(*words, env={"CHARMS_REACTIVE_ENGINE": engine})
    refused(done, "CHARMS_REACTIVE_ENGINE must be native or pure, not %r" % engine)
    assert unit.flags() == []


@pytest.fixture
def copy(tmp_path: Path, unit: Unit) -> Path:
    """A copy of the package without its extension, which the commands of the unit find first."""
    root = tmp_path / "installed"
    source = Path(charms_reactive.__file__).parent
    ignored = shutil.ignore_patterns("_native*.so", "__pycache__", "testing")
    shutil.copytree(str(source), str(root / "charms_reactive"), ignore=ignored)
    unit.env["PYTHONPATH"] = str(root)
    return root / "charms_reactive"


def native_module(copy: Path) -> Path:
    """Where the extension of a copy belongs, without its suffix."""
    return copy / "_engine" / "_native"


def test_without_the_native_engine_that_is_asked_for(unit: Unit, copy: Path) -> None:
    unit.set("a")
    refused(unit.run("get_states", env={"CHARMS_REACTIVE_ENGINE": "native"}), "has no native engine")


@pytest.mark.skipif(sys.version_info < (3, 10), reason="no native engine is looked for there")
@pytest.mark.parametrize("words", [["get_states"], ["when_file_changed", "f"]])
def test_an_extension_of_another_version(unit: Unit, copy: Path, words: List[str]) -> None:
    native_module(copy).with_suffix(".py").write_text("__version__ = '0.9'\n")
    refused(unit.run(*words), "is of version 0.9", "reinstall the package")


@pytest.mark.skipif(sys.version_info < (3, 10), reason="no native engine is looked for there")
@pytest.mark.parametrize("words", [["get_states"], ["when_file_changed", "f"]])
def test_an_extension_that_is_damaged(unit: Unit, copy: Path, words: List[str]) -> None:
    native_module(copy).with_suffix(".abi3.so").write_bytes(b"\x7fELF, and no more")
    refused(unit.run(*words), "is broken", "reinstall the package")


@pytest.mark.parametrize(
    "words", [["get_states"], ["when_file_changed", "f"], ["--version"], ["simulate", "."]]
)
def test_without_charmhelpers(unit: Unit, tmp_path: Path, words: List[str]) -> None:
    broken = tmp_path / "broken" / "charmhelpers"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text(BROKEN_FRAMEWORK)
    done = unit.run(*words, env={"PYTHONPATH": str(broken.parent)})
    refused(done, "a quick command has no business with charmhelpers", "reinstall charms.reactive")


@pytest.mark.parametrize("words", QUESTIONS)
def test_without_the_package(tmp_path: Path, words: List[str]) -> None:
    """The script of an environment from which the package was taken."""
    script = Program("python").path
    command = [sys.executable, "-I", "-S", str(script), *words]
    done = subprocess.run(command, cwd=str(tmp_path), capture_output=True, text=True, check=False)
    refused(
        Finished(done.returncode, done.stdout, done.stderr), "charms_reactive", "reinstall charms.reactive"
    )


def test_a_file_of_the_package_that_is_damaged(unit: Unit, copy: Path) -> None:
    """This is nothing that anybody foresaw, so the traceback is told as well."""
    (copy / "cli.py").write_text("def main(:\n")
    done = unit.run("get_states")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("Traceback")
    assert "charms.reactive: SyntaxError: " in done.err.splitlines()[-1]


def test_nobody_who_reads_why(unit: Unit) -> None:
    """The reason must not come out as if it were the answer."""
    for words in ("get_states extra", "set_flag", "when_file_changed"):
        line = "'%s' %s 2>&-" % (unit.path, words)
        environment = {**unit.env, "CHARMS_REACTIVE_ENGINE": "rust"}
        done = subprocess.run(["bash", "-c", line], env=environment, stdout=subprocess.PIPE, check=False)
        assert (done.returncode, done.stdout) == (2, b"")
