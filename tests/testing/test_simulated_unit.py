"""A simulated unit: how it is made, what its hooks find, and what is told of them."""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from charms_reactive.testing import Charm, CharmError, HookRun, SimulatedUnit, Status

Sh = Callable[..., HookRun]


def test_the_charm_is_copied_and_the_source_left_alone(charm: Path, unit: SimulatedUnit) -> None:
    before = sorted(path.name for path in charm.rglob("*"))
    unit.run("probe", COMMAND="touch made-by-hook")
    assert (unit.charm_dir / "made-by-hook").exists()
    assert (unit.charm_dir / "revision").read_text() == "0\n"
    assert sorted(path.name for path in charm.rglob("*")) == before


def test_a_directory_in_use_is_refused(charm: Path, unit: SimulatedUnit) -> None:
    with pytest.raises(FileExistsError, match="is not empty"):
        SimulatedUnit(charm, unit.directory)


def test_what_is_no_charm_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CharmError, match="it has no metadata"):
        SimulatedUnit(tmp_path, tmp_path / "unit")


def test_yaml_that_cannot_be_read_is_named(charm: Path, tmp_path: Path) -> None:
    (charm / "config.yaml").write_text("options: [")
    with pytest.raises(CharmError, match="is not YAML"):
        SimulatedUnit(charm, tmp_path / "unit")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("config.yaml", "port: {type: int}", "config.yaml: config has port, and no 'options' above them"),
        (
            "config.yaml",
            "options: [port]",
            r"config.yaml: options: a mapping is needed here, and not \['port'\]",
        ),
        (
            "config.yaml",
            "options: {port: 80}",
            "config.yaml: option 'port': a mapping is needed here, and not 80",
        ),
        (
            "config.yaml",
            "options: {port: {type: int, default: x}}",
            "is of type int, which its default 'x' is not",
        ),
        ("config.yaml", "options: {port: {type: int, default: '['}}", "is of type int, which its default"),
        (
            "config.yaml",
            "options: {name: {type: string, default: 1}}",
            "type string, which its default 1 is not",
        ),
        (
            "config.yaml",
            "options: {port: {type: integer}}",
            "has the type 'integer', which Juju does not know",
        ),
        (
            "actions.yaml",
            "backup: now",
            "actions.yaml: action 'backup': a mapping is needed here, and not 'now'",
        ),
        ("metadata.yaml", "{name: app, requires: [db]}", "metadata.yaml: requires: a mapping is needed here"),
        ("charmcraft.yaml", "config: {port: {}}", "charmcraft.yaml: config has port, and no 'options' above"),
    ],
)
def test_declarations_that_juju_would_refuse_are_refused(
    tmp_path: Path, file: str, text: str, message: str
) -> None:
    (tmp_path / "metadata.yaml").write_text("name: app")
    (tmp_path / file).write_text(text)
    with pytest.raises(CharmError, match=message):
        Charm(tmp_path)


@pytest.mark.parametrize("text", ["", "options: {}", "options: {port: {type: int}, debug: {type: boolean}}"])
def test_declarations_may_be_short(tmp_path: Path, text: str) -> None:
    (tmp_path / "metadata.yaml").write_text("{name: app, requires: }")
    (tmp_path / "config.yaml").write_text(text)
    assert all(Charm(tmp_path).default(option) is None for option in Charm(tmp_path).options)


def test_defaults_that_juju_reads_as_their_type_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "metadata.yaml").write_text("name: app")
    (tmp_path / "config.yaml").write_text(
        "options: {port: {type: int, default: '80'}, tls: {type: boolean, default: 'true'}}"
    )
    assert Charm(tmp_path).default("port") == "80"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prot": 1}, "no option 'prot'; it has debug, note, port, ratio"),
        ({"port": "80"}, "'port' is of type int, which '80' is not"),
        ({"port": True}, "'port' is of type int"),
        ({"port": 0.5}, "'port' is of type int"),
        ({"debug": 1}, "'debug' is of type boolean"),
        ({"note": 1}, "'note' is of type string"),
        ({"ratio": "x"}, "'ratio' is of type float"),
    ],
)
def test_an_option_that_juju_would_refuse_is_refused(
    unit: SimulatedUnit, options: dict[str, Any], message: str
) -> None:
    before = unit.config
    with pytest.raises(CharmError, match=message):
        unit.set_config(**options)
    assert unit.config == before


def test_none_puts_an_option_back_to_its_default(unit: SimulatedUnit) -> None:
    unit.set_config(port=90, note="x")
    assert unit.config == {"debug": True, "note": "x", "port": 90, "ratio": 0.5}
    unit.set_config(port=None, note=None)
    assert unit.config == {"debug": True, "note": None, "port": 80, "ratio": 0.5}


def test_a_hook_finds_the_environment_that_juju_gives(sh: Sh, unit: SimulatedUnit) -> None:
    program = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)]))"
    cwd, found = json.loads(sh("python3 -c '%s'" % program, EXTRA="yes").stdout)
    assert cwd == str(unit.charm_dir)
    for name, value in {
        "CHARM_DIR": str(unit.charm_dir),
        "EXTRA": "yes",
        "JUJU_CHARM_DIR": str(unit.charm_dir),
        "JUJU_DISPATCH_PATH": "hooks/probe",
        "JUJU_HOOK_NAME": "probe",
        "JUJU_MODEL_NAME": "simulated",
        "JUJU_MODEL_UUID": unit.model_uuid,
        "JUJU_UNIT_NAME": "probe/0",
        "LANG": "C.UTF-8",
    }.items():
        assert found[name] == value
    assert {"JUJU_AVAILABILITY_ZONE", "JUJU_CONTEXT_ID", "JUJU_VERSION"} <= set(found)
    first, second = found["PATH"].split(os.pathsep)[:2]
    assert first == str(unit.juju_dir / "bin")
    assert second == os.path.dirname(sys.executable)


def test_a_hook_does_not_inherit_this_process_environment(sh: Sh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "x")
    monkeypatch.setenv("CHARMS_REACTIVE_LOG", "trace")
    assert sh('echo "$SOME_SECRET $CHARMS_REACTIVE_LOG"').stdout == " trace\n"


def test_dispatch_is_run_for_hooks_and_actions_alike(charm: Path, tmp_path: Path) -> None:
    dispatch = charm / "dispatch"
    dispatch.write_text('#!/bin/sh\necho "$JUJU_DISPATCH_PATH,$JUJU_HOOK_NAME,$JUJU_ACTION_NAME"\n')
    dispatch.chmod(0o755)
    unit = SimulatedUnit(charm, tmp_path / "unit")
    assert unit.run("start").stdout == "hooks/start,start,\n"
    # Juju leaves the hook name of an action empty.
    assert unit.run_action("probe").stdout == "actions/probe,,probe\n"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda unit: unit.run("start"), "neither dispatch nor hooks/start"),
        (lambda unit: unit.run("x", JUJU_RELATION_ID="db:9"), "no relation 'db:9'"),
        (lambda unit: unit.run_action("nope"), "no action 'nope'; it has probe"),
        (lambda unit: unit.run_action("probe", {"sise": 1}), "no parameter 'sise'; it has size, tree"),
        (lambda unit: unit.add_relation("bd", "pg"), "no endpoint 'bd'; it has db, ring"),
        (lambda unit: unit.relation_data("db:9"), "no relation 'db:9'; there is db:0"),
        (lambda unit: unit.relation_data("db:0", "x/0"), "'x/0' is not in relation db:0"),
    ],
)
def test_what_does_not_exist_is_named(
    unit: SimulatedUnit, ask: Callable[[SimulatedUnit], object], message: str
) -> None:
    with pytest.raises(CharmError, match=message):
        ask(unit)


def test_a_hook_that_cannot_be_executed_fails(unit: SimulatedUnit) -> None:
    (unit.charm_dir / "hooks" / "probe").chmod(0o644)
    run = unit.run("probe")
    assert run.exit_status == 126
    assert run.error is not None
    assert "cannot run" in run.error


def test_a_hook_that_hangs_is_killed_with_its_children(charm: Path, tmp_path: Path) -> None:
    unit = SimulatedUnit(charm, tmp_path / "unit", timeout=0.5)
    run = unit.run("probe", COMMAND="sleep 60 & sleep 60")
    assert run.timed_out
    assert run.exit_status == -9
    assert run.duration < 30
    assert (run.error or "").startswith("killed after")
    deadline = time.monotonic() + 10
    while unit.processes() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert unit.processes() == ()


def test_a_daemon_outlives_its_hook_and_can_be_ended(sh: Sh, unit: SimulatedUnit) -> None:
    run = sh("setsid sleep 60 &")  # Keeps stdout open, which must not make the hook wait for it.
    assert run.duration < 30
    deadline = time.monotonic() + 10
    while len(unit.processes()) != 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    there = unit.processes()
    assert len(there) == 1
    assert unit.end_processes() == there
    assert unit.processes() == ()


def test_flags_are_read_from_the_unit_state(sh: Sh, unit: SimulatedUnit) -> None:
    assert unit.flags == frozenset()
    with sqlite3.connect(str(unit.state_file)) as state:
        state.execute("CREATE TABLE kv (key TEXT PRIMARY KEY, data TEXT)")
        state.executemany(
            "INSERT INTO kv VALUES (?, 'null')",
            [("reactive.states.a",), ("reactive.states.b c",), ("reactive.data_changed.x",), ("other",)],
        )
    state.close()
    change = (
        "import sqlite3; c = sqlite3.connect('.unit-state.db');"
        'c.execute(\'UPDATE kv SET key = "reactive.states.z" WHERE key = "reactive.states.a"\'); c.commit()'
    )
    (unit.charm_dir / "change.py").write_text(change)
    run = sh("python3 change.py")
    assert run.succeeded, run.stderr
    assert run.flags_before == {"a", "b c"}
    assert run.flags_after == {"b c", "z"}
    assert (run.flags_set, run.flags_cleared) == (("z",), ("a",))


def test_handlers_are_found_in_gathered_log_lines(sh: Sh) -> None:
    run = sh(
        "juju-log $'Invoking reactive handler: reactive/a.py:3:one\\nsomething\\n"
        "Invoking reactive handler: reactive/a.py:9:two:db';"
        "juju-log -l DEBUG 'Invoking reactive handler: no'"
    )
    assert run.handlers == ("reactive/a.py:3:one", "reactive/a.py:9:two:db")


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("true", None),
        ("exit 4", "exit status 4"),
        ("echo oh no >&2; exit 1", "oh no"),
        ("juju-log -l ERROR 'first, the reason'; exit 1", "first, the reason"),
        ("python3 -c 'raise KeyError(1)'", "KeyError: 1"),
        (
            "juju-log -l ERROR $'No:\\nTraceback (most recent call last):\\n  f\\nE: why\\n\\nmore'; exit 1",
            "E: why",
        ),
    ],
)
def test_error_is_the_one_line_that_says_why(sh: Sh, command: str, error: str | None) -> None:
    assert sh(command).error == error


def test_a_run_is_told_in_numbers_and_cannot_be_changed(sh: Sh) -> None:
    run = sh("echo out; echo err >&2; python3 -c 'sum(range(10**6))'")
    assert (run.stdout, run.stderr) == ("out\n", "err\n")
    assert run.duration > 0
    assert run.cpu > 0
    assert run.max_rss > 1000
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.exit_status = 1  # type: ignore[misc]


def test_the_log_file_has_what_the_hook_said(sh: Sh, unit: SimulatedUnit) -> None:
    sh("juju-log -l WARNING careful; echo out; echo err >&2")
    lines = [line.split(" ", 2)[2] for line in unit.log_file.read_text().splitlines()]
    assert lines == [
        "WARNING unit.probe/0.juju-log careful",
        "DEBUG unit.probe/0.probe out",
        "WARNING unit.probe/0.probe err",
    ]


def test_the_status_of_a_good_hook_is_the_charm_s(sh: Sh) -> None:
    assert sh("status-set active ready").status == Status("active", "ready")
    assert str(sh("true").status) == "active: ready"


def test_an_interpreter_path_that_no_kernel_takes_still_runs_the_tools(
    charm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    awkward = tmp_path / "with blank"
    awkward.mkdir()
    (awkward / "python3").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(awkward / "python3"))
    unit = SimulatedUnit(charm, tmp_path / "unit")
    assert unit.run("probe", COMMAND="config-get port").stdout == "80\n"


def test_a_unit_gets_another_revision_of_its_charm(tmp_path: Path) -> None:
    old = Charm.of(
        tmp_path / "old",
        metadata={"requires": {"db": "mysql"}},
        config={"port": 80, "name": "x", "gone": 1},
        files={"reactive/app.py": "", "templates/old": "old", "templates/both": "1"},
    )
    new = Charm.of(
        tmp_path / "new",
        metadata={"requires": {"db": "mysql"}, "provides": {"web": "http"}},
        config={"port": 8080, "name": "y", "more": True},
        files={
            "reactive/app.py": """\
                from charms.reactive import hook, set_flag

                @hook("upgrade-charm")
                def upgraded():
                    set_flag("upgraded")
                """,
            "templates/both": "2",
        },
    )
    unit = SimulatedUnit(old, tmp_path / "unit", config={"name": "chosen"}, in_process=True)
    assert unit.run("install").succeeded
    (unit.charm_dir / "made-by-a-hook").write_text("kept")
    unit.refresh(new)
    assert unit.config == {"port": 8080, "name": "chosen", "more": True}
    assert unit.run("upgrade-charm").flags_set == ("upgraded",)
    assert unit.add_relation("web", "proxy") == "web:0"
    assert not (unit.charm_dir / "templates/old").exists()
    assert (unit.charm_dir / "templates/both").read_text() == "2"
    assert unit.dump().files["made-by-a-hook"] == b"kept"
    assert "templates/both" not in unit.dump().files
    other = Charm.of(tmp_path / "other", metadata={"name": "other"})
    with pytest.raises(CharmError, match="a unit of app cannot become one of other"):
        unit.refresh(other)


def test_a_reboot_is_told_of_the_hook_that_asked_for_it(tmp_path: Path) -> None:
    files = {
        "reactive/app.py": """\
            import subprocess
            from charms.reactive import hook, set_flag

            @hook("install")
            def install():
                subprocess.check_call(["juju-reboot"])

            @hook("start")
            def start():
                subprocess.call(["juju-reboot", "--now"])
                set_flag("never.reached")
            """
    }
    for in_process in (True, False):
        unit = SimulatedUnit(
            Charm.of(tmp_path / "charm", files=files),
            tmp_path / ("unit-%s" % in_process),
            in_process=in_process,
        )
        assert unit.run("install").reboot == "later"
        assert unit.run("config-changed").reboot == ""
        now = unit.run("start")
        assert (now.reboot, now.succeeded, now.flags_set) == ("now", False, ())
