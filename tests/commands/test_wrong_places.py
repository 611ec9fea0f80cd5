"""Commands where there is no unit state: a question makes none, and what is no charm's is no answer."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Dict, List, Optional

import pytest

from .support import SCHEMA, Finished, Program

pytestmark = pytest.mark.long

#: Every question, with its answer where no flag is set.
QUESTIONS = [
    ("is_flag_set a", 1, ""),
    ("is_state a", 1, ""),
    ("all_flags_set a", 1, ""),
    ("all_states a", 1, ""),
    ("any_flags_set a b", 1, ""),
    ("any_states a", 1, ""),
    ("get_flags", 0, ""),
    ("-j get_flags", 0, "[]"),
    ("--format yaml get_flags", 0, "[]\n"),
    ("get_states", 0, "{}"),
    ("get_unset_flags b a", 0, "a\nb"),
    ("when a", 1, ""),
    ("when_all a", 1, ""),
    ("when_any a", 1, ""),
    ("when_not a", 0, ""),
    ("when_none a", 0, ""),
    ("when_not_all a", 0, ""),
    ("hook install", 1, ""),
    ("any_hook update-status", 0, ""),
    ("only_once x", 0, ""),
]

CHANGES = [
    "set_flag a",
    "set_state a",
    "clear_flag a",
    "remove_state a",
    "toggle_flag a 1",
    "register_trigger --when a --set_flag b",
    "mark_invoked x",
    "invoking",
    "when_file_changed f",
    "test",
]


class Place:
    """A directory, and one of the programs that runs in it."""

    def __init__(self, directory: Path, program: Program) -> None:
        directory.mkdir()
        self.directory = directory
        self.path = program.path
        self.env: Dict[str, str] = {"PATH": os.environ["PATH"], "JUJU_HOOK_NAME": "update-status"}

    def run(self, line: str, cwd: Optional[Path] = None, **env: str) -> Finished:
        command = [str(self.path), *line.split()]
        directory = str(cwd or self.directory)
        environment = {**self.env, **env}
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def files(self) -> List[str]:
        return sorted(os.listdir(str(self.directory)))


@pytest.fixture
def place(tmp_path: Path, program: Program) -> Place:
    """A directory that is no charm's."""
    return Place(tmp_path / "place", program)


@pytest.fixture
def charm(place: Place) -> Place:
    """The directory of a charm that has no unit state yet."""
    (place.directory / "metadata.yaml").write_text("name: app\n")
    return place


def refused(done: Finished, *reasons: str) -> None:
    assert (done.status, done.out) == (2, ""), done
    assert done.err.count("\n") == 1
    for reason in reasons:
        assert reason in done.err


@pytest.mark.parametrize(("line", "status", "out"), QUESTIONS)
def test_a_charm_without_a_unit_state_answers_and_gets_none(
    charm: Place, line: str, status: int, out: str
) -> None:
    assert charm.run(line) == (status, out, "")
    assert charm.run(line, cwd=charm.directory.parent, CHARM_DIR=str(charm.directory)) == (status, out, "")
    assert charm.files() == ["metadata.yaml"]


OTHERS = ["relation_call --flag a method", "relation_id db x/0", "render_template a b"]


@pytest.mark.parametrize("line", [*(line for line, _, _ in QUESTIONS), *OTHERS])
def test_a_question_in_a_wrong_directory_is_none(place: Place, line: str) -> None:
    refused(place.run(line), "there is no such file", str(place.directory), "set CHARM_DIR")
    assert place.files() == []


@pytest.mark.parametrize("line", CHANGES)
def test_a_change_in_a_wrong_directory_is_none(place: Place, line: str) -> None:
    for variables in ({}, {"JUJU_CHARM_DIR": "/var/lib/juju/agents/unit-app-0/charm"}):
        refused(place.run(line, **variables), "there is no such file", str(place.directory), "set CHARM_DIR")
        assert place.files() == []


@pytest.mark.parametrize("line", ["is_flag_set a", "get_states"])
def test_a_wrong_directory_that_was_named(place: Place, line: str) -> None:
    """One above the charm's, say."""
    (place.directory / "charm").mkdir()
    (place.directory / "charm/metadata.yaml").write_text("name: app\n")
    done = place.run(line, cwd=place.directory / "charm", CHARM_DIR=str(place.directory))
    refused(done, "there is no such file", "%s is not the directory of a charm" % place.directory)
    assert place.files() == ["charm"]


def test_what_was_named_is_made_by_a_change(place: Place) -> None:
    """As ever: a test of a charm's scripts may have a directory with nothing in it."""
    assert place.run("set_flag a", CHARM_DIR=str(place.directory)) == (0, "", "")
    assert place.run("get_flags", CHARM_DIR=str(place.directory)) == (0, "a", "")
    elsewhere = str(place.directory / "state")
    assert place.run("set_flag b", UNIT_STATE_DB=elsewhere) == (0, "", "")
    assert place.run("get_flags", UNIT_STATE_DB=elsewhere) == (0, "b", "")


def test_a_state_elsewhere_that_is_not_there(charm: Place) -> None:
    elsewhere = str(charm.directory / "state")
    assert charm.run("get_flags", UNIT_STATE_DB=elsewhere) == (0, "", "")
    assert charm.run("get_flags", UNIT_STATE_DB=":memory:") == (0, "", "")
    done = charm.run("get_flags", cwd=charm.directory.parent, UNIT_STATE_DB=elsewhere)
    refused(done, "cannot read the unit state " + elsewhere, "there is no such file")
    assert charm.files() == ["metadata.yaml"]


def test_a_link_that_leads_nowhere(charm: Place) -> None:
    target = charm.directory.parent / "target"
    (charm.directory / ".unit-state.db").symlink_to(target)
    assert charm.run("is_flag_set a") == (1, "", "")
    assert not target.exists()


def test_a_charm_of_charmcraft(place: Place) -> None:
    (place.directory / "charmcraft.yaml").write_text("name: app\n")
    assert place.run("is_flag_set a") == (1, "", "")


@pytest.mark.parametrize("line", ["is_flag_set a", "get_states", "when_not a"])
def test_an_empty_file_stays_empty(charm: Place, line: str) -> None:
    file = charm.directory / ".unit-state.db"
    file.write_bytes(b"")
    assert charm.run(line).err == ""
    assert file.read_bytes() == b""


@pytest.mark.parametrize("line", ["is_flag_set a", "get_states"])
def test_another_kind_of_database(charm: Place, line: str) -> None:
    file = charm.directory / "other.db"
    connection = sqlite3.connect(str(file))
    for table in ("people", "places", "dates", "zones"):
        connection.execute("CREATE TABLE %s (name TEXT)" % table)
    connection.close()
    before = file.read_bytes()
    told = "it has no table kv, but dates, people, places; set UNIT_STATE_DB"  # three will do
    refused(charm.run(line, UNIT_STATE_DB=str(file)), told, "set UNIT_STATE_DB")
    assert file.read_bytes() == before


def test_a_template_needs_no_unit_state(charm: Place) -> None:
    (charm.directory / "templates").mkdir()
    (charm.directory / "templates/page").write_text("{{ WORD }}")
    done = charm.run("render_template page out", CHARM_DIR=str(charm.directory), WORD="hi")
    assert done == (0, "", "")
    assert (charm.directory / "out").read_text() == "hi"
    assert ".unit-state.db" not in charm.files()


def test_a_directory_that_is_gone(place: Place) -> None:
    line = "cd '%s' && rmdir '%s' && '%s' get_flags" % (place.directory, place.directory, place.path)
    done = subprocess.run(["bash", "-c", line], env=place.env, capture_output=True, text=True, check=False)
    refused(Finished(done.returncode, done.stdout, done.stderr), "there is no such file", "set CHARM_DIR")


def test_a_unit_state_needs_no_charm(place: Place) -> None:
    connection = sqlite3.connect(str(place.directory / ".unit-state.db"))
    connection.executescript(SCHEMA)
    connection.close()
    assert place.run("set_flag a") == (0, "", "")
    assert place.run("get_flags") == (0, "a", "")
