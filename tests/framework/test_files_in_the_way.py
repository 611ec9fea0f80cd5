"""What is at a path, but no file that can be read; and hook tools that are there, but cannot be run.

That something is missing is tested where it is looked for. Here it is there, and is a directory, stands below
a file, goes round in circles, or is no program.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from charms_reactive import discovery, external
from charms_reactive._dispatch import automatic_flags
from charms_reactive._juju import (
    environment,
    hook_tools,
    juju_log,
    relation_data,
    settings,
    status_tools,
)
from charms_reactive._juju.environment import hookenv
from charms_reactive._relations import _mentioning
from charms_reactive._shell import shell_scripts
from charms_reactive._unit_state import fresh_rows
from charms_reactive.errors import HookToolError
from charms_reactive.testing import Charm, CharmError, Unit, explain
from charms_reactive.testing._running import processes
from charms_reactive.testing._terminal import simulate

pytestmark = pytest.mark.once

TOOLS = ("status-set", "status-get", "juju-log", "relation-set", "relation-list", "config-get")


@pytest.fixture
def no_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit whose hook tools the kernel takes for no program."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).write_bytes(b"\x7fELF\xff not really")
        (tools / name).chmod(0o755)
    (tmp_path / "metadata.yaml").write_text("name: app\nrequires: {db: {interface: pg}}\n")
    for name, value in {"PATH": str(tools), "CHARM_DIR": str(tmp_path), "JUJU_UNIT_NAME": "app/0"}.items():
        monkeypatch.setenv(name, value)
    for name in ("JUJU_HOOK_NAME", "JUJU_RELATION_ID", "JUJU_REMOTE_UNIT", "JUJU_REMOTE_APP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(hookenv, "cache", {})
    monkeypatch.setattr(hookenv, "_cache_config", None)
    monkeypatch.setattr(juju_log, "_waiting", [])
    hookenv.cache.clear()


def logged() -> None:
    juju_log.log("a line")
    juju_log.hand_over()


CALLS: Dict[str, Callable[[], Any]] = {
    "status-set": lambda: status_tools.send("active", "ready"),
    "status-get": lambda: hook_tools.ask_json(["status-get"]),
    "juju-log": logged,
    "relation-set": lambda: relation_data.publish("db:0", {"a": "1"}),
    "config-get": settings.config,
}


@pytest.mark.usefixtures("no_programs")
@pytest.mark.parametrize("tool", sorted(CALLS))
def test_a_hook_tool_that_is_no_program(tool: str) -> None:
    with pytest.raises(HookToolError, match="^hook tool %s: .*Exec format error" % tool):
        CALLS[tool]()


@pytest.mark.usefixtures("no_programs")
def test_a_status_or_an_application_that_no_tool_can_tell_is_unknown() -> None:
    assert status_tools.shown() is None
    assert relation_data.remote_application("db:0") is None


# -- files ---------------------------------------------------------------------------------------
@pytest.fixture
def charm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHARM_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_declaration_of_options_that_is_a_directory(charm: Path) -> None:
    (charm / "config.yaml").mkdir()
    assert settings._charm_option("reactive-log") is None


def test_the_path_of_a_handler_is_short_however_its_file_was_found(
    charm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for found in (
        "reactive/x.py",
        "/reactive/x.py",
        "reactive//x.py",
        "./reactive/x.py",
        "//reactive/./y/../x.py",
    ):
        assert environment.relative_path("%s/%s" % (charm, found)) == "reactive/x.py"
    monkeypatch.chdir("/")  # it is relative to the charm, wherever a handler has gone
    assert environment.relative_path("%s/./reactive//x.py" % charm) == "reactive/x.py"
    assert environment.relative_path(str(charm.parent / "x.py")) == "../x.py"


def test_metadata_that_are_a_directory_are_left_to_hookenv(charm: Path) -> None:
    (charm / "metadata.yaml").mkdir()
    environment._read_metadata()


def test_code_that_is_no_directory_of_files(charm: Path) -> None:
    (charm / "reactive").write_text("")  # and no directory
    (charm / "lib").mkdir()
    (charm / "lib" / "round.py").symlink_to("round.py")
    (charm / "lib" / "real.py").write_text("x = 1\n")
    assert (True, b"x = 1\n") in list(automatic_flags._charm_code())
    assert automatic_flags._read(str(charm / "lib")) == b""
    assert automatic_flags._read(str(charm / "lib" / "round.py")) == b""


def test_entry_points_that_are_a_directory_and_paths_that_are_a_file(
    charm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (charm / "archive.zip").write_text("")
    (charm / "odd-1.dist-info" / "entry_points.txt").mkdir(parents=True)
    (charm / "good-1.dist-info").mkdir()
    (charm / "good-1.dist-info" / "entry_points.txt").write_text("[wanted]\n")
    monkeypatch.setattr(sys, "path", [str(charm / "archive.zip"), str(charm)])
    assert list(_mentioning("wanted")) == [str(charm / "good-1.dist-info")]


def test_what_stands_below_a_file_is_not_there(charm: Path) -> None:
    (charm / "file").write_text("")
    assert shell_scripts._fingerprint(str(charm / "file" / "x.sh")) is None
    assert fresh_rows._identity(str(charm / "file" / ".unit-state.db")) is None


def test_what_is_no_script(charm: Path) -> None:
    (charm / "round.sh").symlink_to("round.sh")
    (charm / "directory.sh").mkdir()
    os.chmod(str(charm / "directory.sh"), 0o644)
    assert discovery._why_no_script(str(charm / "round.sh")) is None
    assert not external._ends_in_carriage_return(str(charm / "directory.sh"))


# -- at the desk ---------------------------------------------------------------------------------
def test_a_hook_that_is_no_program(charm: Path) -> None:
    (charm / "hook").write_bytes(b"\x7fELF\xff not really")
    (charm / "hook").chmod(0o755)
    ended = processes.execute([str(charm / "hook")], charm, {}, charm, 10)
    assert ended.exit_status == 126
    assert "Exec format error" in (charm / "stderr").read_text()


def test_an_option_whose_value_is_to_be_read_from_a_directory(charm: Path) -> None:
    (charm / "metadata.yaml").write_text("name: app\n")
    (charm / "config.yaml").write_text("options: {motto: {type: string}}\n")
    with pytest.raises(CharmError, match=r"--config motto: .*Is a directory"):
        simulate._option(Charm(charm), "motto=@" + str(charm))


def test_a_record_that_is_a_directory(charm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain.main([str(charm)]) == 2
    assert "%s: Is a directory" % charm in capsys.readouterr().err


# What was called, by the handlers below.
called: List[str] = []


class Handlers:
    """An object that is called has no source."""

    def __call__(self) -> None:
        called.append("an object")


def without_text() -> Any:
    """A function that was made of a string has none either."""
    names: Dict[str, Any] = {"called": called}
    exec("def handlers():\n    called.append('without a text')\n", names)
    return names["handlers"]


def outdented() -> Any:
    """The text of an inner function is no Python if a string in it goes on at the margin."""

    def handlers() -> None:
        assert """
margin"""
        called.append("outdented")

    return handlers


@pytest.mark.parametrize(
    ("name", "handlers"),
    [
        ("outdented", outdented()),
        ("an object", Handlers()),
        ("without a text", without_text()),
        # Of a lambda there is the line that it stands in, which is no Python by itself.
        ("a part of a line", lambda: called.append("a part of a line")),
    ],
)
def test_handlers_that_cannot_be_written_into_a_file_are_called_in_this_interpreter(
    name: str, handlers: Callable[[], object], tmp_path: Path
) -> None:
    called.clear()
    then = Unit(Charm.of(tmp_path, handlers, metadata={"name": "app"})).run("install")
    assert then.succeeded, then.stderr
    assert called == [name]
