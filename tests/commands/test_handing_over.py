"""What the quick commands leave to the framework, and how the native program finds it."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import List

import pytest

from charms_reactive import __version__

from .support import Program, Unit


def test_other_formats_and_commands_are_the_frameworks(unit: Unit) -> None:
    unit.set("a")
    assert unit.run("--format", "yaml", "get_flags").out == "- a\n"
    assert unit.run("get_states").out == "{'a': None}"
    assert (
        unit.run(
            "any_hook", "{requires:sql}-relation-joined", env={"JUJU_HOOK_NAME": "db-relation-joined"}
        ).status
        == 0
    )
    assert unit.run("--version").out == "charms.reactive %s\n" % __version__


@pytest.mark.parametrize(
    "words", [["is_flag_set"], ["set_flag", "a", "b"], ["no_such"], ["-j", "-y", "get_flags"]]
)
def test_wrong_usage(unit: Unit, words: List[str]) -> None:
    done = unit.run(*words)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("usage: charms.reactive")
    assert unit.flags() == []


def test_a_flag_that_is_no_text_is_refused(unit: Unit) -> None:
    done = unit.run("set_flag", b"caf\xe9")
    assert done.status == 2
    assert "a flag must be a string" in done.err
    assert unit.rows() == {}


def test_text_that_is_not_ascii_is_printed_as_the_terminal_wants_it(unit: Unit) -> None:
    unit.set("caf\u00e9")
    assert unit.run("get_flags").out == "caf\u00e9"


def test_a_link_to_the_program_is_the_program(unit: Unit, tmp_path: Path) -> None:
    """As the basic layer puts them into /usr/local/sbin."""
    link = tmp_path / "sbin" / "charms.reactive"
    link.parent.mkdir()
    link.symlink_to(unit.path)
    second = tmp_path / "second"
    second.symlink_to(link)
    unit.path = second
    assert unit.run("set_flag", "a").status == 0
    assert unit.run("get_states").out == "{'a': None}"


@pytest.mark.parametrize("engine", ["", "pure", "native"])
def test_the_engine_that_is_asked_for(unit: Unit, engine: str, pytestconfig: pytest.Config) -> None:
    if engine == "native" and pytestconfig.getoption("--pure-only"):
        done = unit.run("is_flag_set", "a", env={"CHARMS_REACTIVE_ENGINE": "native"})
        assert done.status != 0
        return
    env = {"CHARMS_REACTIVE_ENGINE": engine}
    assert unit.run("set_flag", "a", env=env) == (0, "", "")
    assert unit.run("is_flag_set", "a", env=env) == (0, "", "")


def test_an_engine_that_is_none(unit: Unit) -> None:
    done = unit.run("is_flag_set", "a", env={"CHARMS_REACTIVE_ENGINE": "fast"})
    assert done.status not in (0, 2) or "must be native or pure" in done.err
    assert "must be native or pure, not 'fast'" in done.err


class TestNative:
    """The program of Rust beside the command in Python."""

    @pytest.fixture
    def unit(self, tmp_path: Path, pytestconfig: pytest.Config) -> Unit:
        if pytestconfig.getoption("--pure-only"):
            pytest.skip("there is no native program where there is no Rust")
        return Unit(tmp_path / "charm", Program("native"))

    @pytest.fixture
    def place(self, unit: Unit, tmp_path: Path) -> Path:
        """Where a copy of the program looks for the command in Python."""
        place = tmp_path / "bin"
        place.mkdir()
        unit.path = place / "charms.reactive"
        shutil.copy(str(unit.program.path), str(unit.path))
        return place / "charms.reactive-python"

    def test_pure_is_handed_over_at_once(self, unit: Unit, place: Path) -> None:
        place.write_text('#!/bin/sh\necho "python: $@"\n')
        place.chmod(0o755)
        assert (
            unit.run("set_flag", "a b", env={"CHARMS_REACTIVE_ENGINE": "pure"}).out
            == "python: set_flag a b\n"
        )
        assert unit.flags() == []
        assert unit.run("set_flag", "a b", env={"CHARMS_REACTIVE_ENGINE": "native"}).out == ""
        assert unit.flags() == ["a b"]

    def test_without_the_one_in_python(self, unit: Unit, place: Path) -> None:
        done = unit.run("get_states")
        assert (done.status, done.out) == (2, "")
        assert str(place) in done.err
        assert "reinstall charms.reactive" in done.err

    def test_with_one_whose_interpreter_is_gone(self, unit: Unit, place: Path) -> None:
        place.write_text("#!/no/such/python\n")
        place.chmod(0o755)
        done = unit.run("get_states")
        assert (done.status, done.err.count("\n")) == (2, 1)
        assert "the interpreter in its first line is missing" in done.err

    def test_with_one_that_may_not_be_run(self, unit: Unit, place: Path) -> None:
        place.write_text("")
        place.chmod(0o644)
        done = unit.run("get_states")
        assert done.status == 2
        assert "Permission denied" in done.err

    def test_broken_pipes_are_as_python_has_them(self, unit: Unit, place: Path) -> None:
        """The runtime of Rust ignores a signal that children of Python programs do not expect ignored."""
        place.write_text("#!/bin/sh\ngrep SigIgn /proc/self/status\n")
        place.chmod(0o755)
        mask = int(unit.run("get_states").out.split()[1], 16)
        assert not mask & 1 << signal.SIGPIPE - 1
