"""Hooks whose agent has a socket: no processes for hook tools, in Python, in bash and in what these start."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from charms_reactive._juju import calls, tool_links
from charms_reactive.testing import HookRun, SimulatedUnit, Status

pytestmark = pytest.mark.long

METADATA = "name: app\nrequires: {db: {interface: pgsql}}\n"
CONFIG = "options: {port: {type: int, default: 80}, reactive-tools: {type: string, default: auto}}\n"

#: Counts every process that the hook starts, in whatever way: an audit hook cannot be got round.
DISPATCH = (
    """\
#!%s
import os, sys
started = []
sys.addaudithook(
    lambda event, details: started.append(str(details)) if event in (
        "subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty"
    ) else None
)
try:
    from charms.reactive import main
    main()
finally:
    with open(os.environ["CHARM_DIR"] + "/started", "w") as file:
        file.write("\\n".join(started))
"""
    % sys.executable
)

PYTHON = """
from charmhelpers.core import hookenv
from charms.reactive import hook, set_flag, when


@hook("config-changed")
def everything():
    hookenv.log("one")
    hookenv.log("two", hookenv.WARNING)
    port = hookenv.config("port")
    for relation in hookenv.relation_ids("db"):
        for unit in hookenv.related_units(relation):
            hookenv.log(str(hookenv.relation_get(rid=relation, unit=unit)))
        hookenv.relation_set(relation, {"port": port})
    hookenv.open_port(port)
    hookenv.status_set("active", "on %d" % port)
    hookenv.application_version_set("1.0")
    if hookenv.is_leader():
        hookenv.leader_set(key="value")
    set_flag("configured")


@when("configured")
def and_so_on():
    hookenv.status_set("active", "done")
"""

BASH = (
    """\
#!/bin/bash
source charms.reactive.sh

@hook config-changed
function by_bash() {
    command -v config-get >"$CHARM_DIR/found"
    juju-log "port $(config-get port)"
    status-set active "$(%s "$CHARM_DIR/child.py")"
    echo "key: from stdin" | relation-set -r db:0 --file -
    relation-get -r db:7 - 2>"$CHARM_DIR/refused" || echo $? >>"$CHARM_DIR/refused"
    charms.reactive set_flag by.bash
}

reactive_handler_main
"""
    % sys.executable
)


CHILD = """
import subprocess
print(subprocess.check_output(["is-leader"]).decode().strip())
"""


def make(tmp_path: Path, files: Dict[str, str], **options: Any) -> SimulatedUnit:
    charm = tmp_path / "made"
    for name, text in {
        "metadata.yaml": METADATA,
        "config.yaml": CONFIG,
        "dispatch": DISPATCH,
        "child.py": CHILD,
        **files,
    }.items():
        path = charm / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if text.startswith("#!"):
            path.chmod(0o755)
    unit = SimulatedUnit(charm, tmp_path / "unit", environment={"CHARMS_REACTIVE_LOG": "info"}, **options)
    unit.add_relation("db", "pg", {"pg/0": {"host": "h"}})
    return unit


def started(unit: SimulatedUnit) -> List[str]:
    return (unit.charm_dir / "started").read_text().splitlines()


def effects(unit: SimulatedUnit, run: HookRun) -> Dict[str, Any]:
    return {
        "flags": unit.flags,
        "status": unit.status,
        "ports": unit.ports,
        "version": unit.version,
        "leader": unit.leader_settings,
        "data": unit.relation_data("db:0"),
        "calls": [(call.tool, call.arguments) for call in run.tools if not _names_a_file(call.arguments)],
        "log": [(entry.level, entry.message) for entry in run.log],
        "stderr": run.stderr,
    }


def _names_a_file(arguments: Any) -> bool:
    return any(str(word).startswith("/tmp") for word in arguments)


@pytest.mark.parametrize("version", ["2.9.50", "3.6.0"])
def test_a_hook_in_python_starts_no_process(tmp_path: Path, version: str) -> None:
    unit = make(tmp_path, {"reactive/app.py": PYTHON}, juju_version=version)
    run = unit.run("config-changed")
    assert run.succeeded, run.stderr
    assert started(unit) == []
    assert len(run.tools) > 12
    assert (unit.status, unit.ports, unit.version) == (Status("active", "done"), ("80/tcp",), "1.0")


def test_with_processes_it_does_the_same(tmp_path: Path) -> None:
    seen = []
    for tools in ("agent", "process"):
        unit = make(tmp_path / tools, {"reactive/app.py": PYTHON})
        run = unit.run("config-changed", CHARMS_REACTIVE_TOOLS=tools)
        assert run.succeeded, run.stderr
        assert (started(unit) == []) == (tools == "agent")
        seen.append(effects(unit, run))
    by_agent, by_processes = seen
    log, lines = (sorted("\n".join(m for _, m in one.pop("log")).splitlines()) for one in seen)
    assert log == lines
    calls_of = [[call for call in one.pop("calls") if call[0] != "juju-log"] for one in seen]
    assert calls_of[0] == calls_of[1]
    assert by_agent == by_processes


def test_the_option(tmp_path: Path) -> None:
    unit = make(tmp_path, {"reactive/app.py": PYTHON})
    unit.set_config(**{"reactive-tools": "process"})
    assert unit.run("config-changed").succeeded
    assert "config-get" not in str(started(unit)[:1])  # which says so itself, through the socket
    assert len(started(unit)) > 10


def test_nobody_listens(tmp_path: Path) -> None:
    unit = make(tmp_path, {"reactive/app.py": PYTHON})
    run = unit.run("config-changed", JUJU_AGENT_SOCKET_ADDRESS="/nowhere/agent.socket")
    assert run.succeeded, run.stderr
    told = [entry for entry in run.log if "started as processes" in entry.message]
    assert [(entry.level, entry.message) for entry in told] == [
        (
            "DEBUG",
            "Hook tools are started as processes: /nowhere/agent.socket: No such file or directory",
        )
    ]


WRAPPER = """\
#!/bin/bash
case "$*" in
    port) echo wrapped ;;
    *) echo '{}' ;;
esac
"""


# -- bash ------------------------------------------------------------------------------------------------
@pytest.fixture
def no_links() -> Any:
    """No directory of links from before; those that are made go, too."""
    home = Path(sys.executable).parent.parent / "libexec" / "charms.reactive"
    shutil.rmtree(str(home), ignore_errors=True)
    return home


@pytest.mark.once
def test_bash_and_its_children(tmp_path: Path, no_links: Path, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--pure-only"):
        pytest.skip("there is no program without Rust")
    seen = []
    for tools in ("agent", "process"):
        unit = make(tmp_path / tools, {"reactive/app.sh": BASH})
        run = unit.run("config-changed", CHARMS_REACTIVE_TOOLS=tools)
        assert run.succeeded, run.stderr
        found = (unit.charm_dir / "found").read_text().strip()
        assert (found == str(no_links / "hook-tools-3.6.0" / "config-get")) == (tools == "agent")
        refused = (unit.charm_dir / "refused").read_text()
        seen.append({**effects(unit, run), "refused": refused})
    assert seen[0] == seen[1]
    assert seen[0]["data"]["key"] == "from stdin"
    assert seen[0]["status"].message == "True"
    assert seen[0]["refused"].endswith("\n2\n")
    # Tools that Juju has no more are not there.
    unit = make(tmp_path / "four", {"reactive/app.sh": BASH}, juju_version="4.0.0")
    assert unit.run("config-changed").succeeded
    assert "leader-get" in os.listdir(no_links / "hook-tools-3.6.0")
    assert "leader-get" not in os.listdir(no_links / "hook-tools-4.0.0")


@pytest.mark.once
def test_a_wrapper_goes_before_the_program(
    tmp_path: Path, no_links: Path, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--pure-only"):
        pytest.skip("there is no program without Rust")
    unit = make(tmp_path, {"reactive/app.sh": BASH, "bin/config-get": WRAPPER})
    search = [unit.charm_dir / "bin", unit.juju_dir / "bin", Path(sys.executable).parent, "/usr/bin", "/bin"]
    run = unit.run("config-changed", PATH=":".join(map(str, search)))
    assert run.succeeded, run.stderr
    assert (unit.charm_dir / "found").read_text().startswith(str(no_links))
    assert "port wrapped" in [entry.message for entry in run.log]


def test_links_that_somebody_else_could_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not ours alone is made anew, or not used."""
    program = tmp_path / "env" / "bin" / "charms.reactive"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tmp_path / "jujuc").write_text("")
    (tmp_path / "jujuc").chmod(0o755)
    for name in ("juju-log", "config-get", "juju-run"):
        (tools / name).symlink_to(tmp_path / "jujuc")
    (tools / "mine").write_text("")
    path = "%s:%s" % (tools, program.parent)
    monkeypatch.setattr(calls, "usable", lambda: True)
    monkeypatch.setattr(tool_links, "_known", {})
    monkeypatch.setenv("JUJU_VERSION", "3.6.0")
    directory = tmp_path / "env" / "libexec" / "charms.reactive" / "hook-tools-3.6.0"
    assert tool_links.search_path(path) == "%s:%s" % (directory, path)
    assert sorted(os.listdir(directory)) == ["config-get", "juju-log"]
    for damage in ("writable", "program", "file"):
        monkeypatch.setattr(tool_links, "_known", {})
        if damage == "writable":
            directory.chmod(0o777)
        elif damage == "program":
            (directory / "juju-log").unlink()
            (directory / "juju-log").symlink_to("/bin/true")
        else:
            shutil.rmtree(str(directory))
            directory.write_text("")
            assert tool_links.search_path(path) == path
            continue
        assert tool_links.search_path(path) == "%s:%s" % (directory, path)
        assert os.path.realpath(str(directory / "juju-log")) == str(program)
        assert not directory.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    # The program in Python is no faster than Juju's own.
    monkeypatch.setattr(tool_links, "_known", {})
    directory.unlink()
    program.write_text("#!/usr/bin/python3\n")
    assert tool_links.search_path(path) == path
    assert sorted(os.listdir(directory.parent)) == []


def test_no_socket_no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUJU_AGENT_SOCKET_ADDRESS", raising=False)
    assert tool_links.search_path("/usr/bin") == "/usr/bin"


def test_the_rows_are_the_same(tmp_path: Path) -> None:
    """What is in the unit state does not depend on how tools are asked."""
    rows = []
    for tools in ("agent", "process"):
        unit = make(tmp_path / tools, {"reactive/app.py": PYTHON})
        assert unit.run("config-changed", CHARMS_REACTIVE_TOOLS=tools).succeeded
        with sqlite3.connect(str(unit.state_file)) as connection:
            rows.append(dict(connection.execute("SELECT key, data FROM kv")))
        connection.close()
    assert rows[0].keys() == rows[1].keys()


#: What a hook imports in addition where its agent has a socket.
OF_THE_SOCKET = {
    "_socket",
    "charms_reactive._juju.agent",
    "charms_reactive._juju.calls",
    "charms_reactive._juju.gob",
}

SAY = """
import os, sys
with open(os.environ["CHARM_DIR"] + "/loaded", "w") as file:
    file.write("\\n".join(sys.modules))
"""


def test_what_a_hook_imports_for_it(tmp_path: Path) -> None:
    """Three modules of ours and one that Python is shipped with; least of all `socket`."""
    loaded = []
    for tools in ("auto", "without"):
        unit = make(tmp_path / tools, {"reactive/app.py": PYTHON})
        (unit.charm_dir / "dispatch").write_text(
            "#!%s\n%sfrom charms.reactive import main\nmain()\n%s"
            % (
                sys.executable,
                "" if tools == "auto" else "import os\ndel os.environ['JUJU_AGENT_SOCKET_ADDRESS']\n",
                SAY,
            )
        )
        run = unit.run("config-changed")
        assert run.succeeded, run.stderr
        loaded.append(set((unit.charm_dir / "loaded").read_text().split("\n")))
    with_socket, without = loaded
    ours = {name for name in with_socket - without if not name.startswith("charms.reactive.")}
    assert ours == OF_THE_SOCKET
    assert not OF_THE_SOCKET & without
    assert "socket" not in with_socket
