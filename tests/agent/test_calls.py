"""Calls of hook tools with the interface of ``subprocess``: as processes give them, and without processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any, Callable, Dict, Iterator, List, Tuple
from unittest import mock

import pytest
from charmhelpers.core import hookenv

from charms_reactive._juju import calls, hook_tools, juju_log
from charms_reactive.errors import HookToolError
from charms_reactive.testing import hooktools

from .support import CONTEXT, Go, GoAgent, tools_directory

pytestmark = [pytest.mark.long, pytest.mark.once]

TOOLS = ("config-get", "juju-log", "relation-get", "relation-set", "state-set", "status-set", "is-leader")


class Unit:
    """This process as a hook, beside an agent in Go.

    Attributes:
        agent: the agent.
        side: what it answers from.
        tools: the directory of the executables, which are Go's client.
        started: the commands that were started as processes.
    """

    def __init__(
        self, agent: GoAgent, side: hooktools.FileSide, tools: Path, started: List[List[str]]
    ) -> None:
        self.agent = agent
        self.side = side
        self.tools = tools
        self.started = started


@pytest.fixture
def unit(go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Unit]:
    juju = hooktools.new_juju(
        "app/0", {"name": "app", "requires": {"db": {"interface": "pgsql"}}}, config={"port": 80}
    )
    juju["relations"]["db:0"] = hooktools.new_relation(juju, "pg", {"pg/0": {"host": "h0"}})
    side = hooktools.install(tmp_path / "juju", juju)
    side.context = CONTEXT
    tools = tools_directory(tmp_path / "tools", go.jujuc, *TOOLS)
    started: List[List[str]] = []
    with GoAgent(go, side=tmp_path / "juju") as agent:
        for name, value in agent.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PATH", "%s:/usr/bin:/bin" % tools)
        monkeypatch.delenv("CHARMS_REACTIVE_TOOLS", raising=False)
        monkeypatch.setenv("JUJU_UNIT_NAME", "app/0")
        monkeypatch.setattr(juju_log, "_waiting", [])
        monkeypatch.setattr(hookenv, "subprocess", subprocess)
        monkeypatch.setattr(hookenv, "cache", {})
        _watch(monkeypatch, started)
        calls.start_hook()
        yield Unit(agent, side, tools, started)
        calls.disconnect()
        calls.remarks()


def _watch(monkeypatch: pytest.MonkeyPatch, started: List[List[str]]) -> None:
    """Note every process that is started, below what a charm or a test can replace."""
    real = subprocess.Popen._execute_child  # type: ignore[attr-defined]

    def execute(self: Any, args: Any, *others: Any) -> Any:
        if os.path.basename(args[0]) in TOOLS or args[0] == "sh":
            started.append(list(args))
        return real(self, args, *others)

    monkeypatch.setattr(subprocess.Popen, "_execute_child", execute)


def outcome(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    try:
        found = function(*arguments, **options)
    except subprocess.CalledProcessError as error:
        return type(error), error.returncode, error.cmd, error.output, error.stderr
    except OSError as error:
        return type(error), error.errno
    if isinstance(found, subprocess.CompletedProcess):
        return found.args, found.returncode, found.stdout, found.stderr
    return found


LINES: List[Tuple[List[str], Dict[str, Any]]] = [
    (["config-get", "port", "--format=json"], {}),
    (["config-get", "--nonsense"], {}),
    (["relation-get", "-r", "db:7"], {}),
    (["relation-set", "-r", "db:0", "a=b"], {}),
    (["status-set", "nonsense"], {}),
    (["is-leader", "--format=json"], {"stderr": STDOUT}),
    (["relation-get", "-r", "db:7"], {"stderr": STDOUT}),
    (["relation-get", "-r", "db:7"], {"stderr": DEVNULL}),
    (["relation-get", "-r", "db:7"], {"stderr": PIPE}),
    (["config-get"], {"stdin": DEVNULL, "timeout": 30}),
    (["state-set", "--file", "-"], {"stdin": DEVNULL}),
    (["relation-set", "--help"], {"universal_newlines": True}),
    (["relation-get", "-r", "db:7"], {"universal_newlines": True, "stderr": STDOUT}),
    (["relation-get", "-r", "db:7"], {"universal_newlines": False, "stderr": PIPE}),
]
TOLD = "Hook tools are started as processes: %s"
FUNCTIONS = ["run", "call", "check_call", "check_output"]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("command", "options"), LINES)
def test_as_processes_give_it(
    unit: Unit, capfd: pytest.CaptureFixture[str], name: str, command: List[str], options: Dict[str, Any]
) -> None:
    expected = outcome(getattr(subprocess, name), command, **options), capfd.readouterr()
    assert len(unit.started) == 1
    assert (outcome(getattr(calls, name), command, **options), capfd.readouterr()) == expected
    # Text is for charmhelpers, which never asks for it with run().
    assert len(unit.started) == 1 + (name == "run" and "universal_newlines" in options)


@pytest.mark.parametrize(
    "options",
    [
        {"stdout": PIPE},
        {"stdout": PIPE, "stderr": PIPE, "check": True},
        {"stdout": DEVNULL, "stderr": STDOUT},
        {"input": b"k: v", "timeout": 20},
        {"input": b"k: v", "check": True, "stdout": PIPE, "stderr": STDOUT},
        {"input": b"- no mapping", "check": True, "stdout": PIPE, "stderr": PIPE},
    ],
)
def test_run_as_processes_give_it(
    unit: Unit, capfd: pytest.CaptureFixture[str], options: Dict[str, Any]
) -> None:
    command = ["state-set", "--file", "-"] if "input" in options else ["relation-get", "-r", "db:9"]
    expected = outcome(subprocess.run, command, **options), capfd.readouterr()
    assert (outcome(calls.run, command, **options), capfd.readouterr()) == expected
    assert len(unit.started) == 1


@pytest.mark.parametrize("parts", [[b"k: v\n"], [b"k: ", b"v\n"]])
def test_a_tool_that_reads_gets_all_of_this_process_s_stdin(unit: Unit, parts: List[bytes]) -> None:
    kept = os.dup(0)
    there, here = os.pipe()

    def write() -> None:
        for part in parts:
            os.write(here, part)
            time.sleep(0.1)
        os.close(here)

    thread = threading.Thread(target=write)
    try:
        os.dup2(there, 0)
        thread.start()
        assert calls.call(["state-set", "--file", "-"]) == 0
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(there)
        thread.join()
    assert unit.side.read()["pending"]["state"] == {"k": "v"}
    assert unit.started == []


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("run", [["config-get", "port"]], {"stdout": PIPE, "text": True}),
        ("run", [["config-get", "port"]], {"stdout": PIPE, "env": "the same"}),
        ("run", [["config-get", "port"]], {"stdout": PIPE, "cwd": "/"}),
        ("check_output", ["config-get port"], {"shell": True}),
        ("check_output", [["sh", "-c", "config-get port"]], {}),
        ("check_output", [("config-get", b"port")], {}),
        ("check_output", [["config-get", "port"], -1], {}),
        ("check_output", [["config-get", "a\0b"]], {}),
        ("check_output", [["no-such-tool"]], {}),
        ("call", [[]], {}),
    ],
)
def test_what_is_left_to_subprocess(unit: Unit, name: str, arguments: Any, options: Dict[str, Any]) -> None:
    if "env" in options:
        options = {**options, "env": dict(os.environ)}

    def try_it(module: Any) -> Any:
        try:
            return outcome(getattr(module, name), *arguments, **options)
        except (ValueError, IndexError) as error:
            return type(error), str(error)

    assert try_it(calls) == try_it(subprocess)
    assert hook_tools.remarks() == []
    assert len(unit.started) in (0, 2)


def test_one_connection_serves_all(unit: Unit) -> None:
    for _ in range(50):
        assert calls.check_output(["config-get", "port"]) == b"80\n"
    agent = calls._agent
    calls.check_output(["is-leader"])
    assert calls._agent is agent
    assert unit.started == []


# -- charmhelpers ------------------------------------------------------------
def test_hookenv_starts_no_process(unit: Unit) -> None:
    calls.take_over()
    assert hookenv.subprocess is not subprocess
    assert hookenv.relation_get(rid="db:0", unit="pg/0") == {"host": "h0"}
    assert hookenv.is_leader() is True
    hookenv.log("a line", hookenv.DEBUG)
    hookenv.status_set("active", "ready")
    hookenv.relation_set("db:0", {"key": "v\n"})
    assert unit.started == []
    juju = unit.side.read()
    assert juju["status"]["unit"]["message"] == "ready"
    assert juju["pending"]["relations"]["db:0"]["unit"] == {"key": "v\n"}
    assert hookenv.relation_get(rid="db:7", unit="pg/0") is None
    with pytest.raises(subprocess.CalledProcessError) as caught:
        hookenv.relation_set("db:7", {"a": "b"})
    assert (caught.value.returncode, caught.value.cmd[0]) == (2, "relation-set")


def test_the_stand_in_is_subprocess_in_all_else(unit: Unit) -> None:
    calls.take_over()
    there = hookenv.subprocess
    assert there.Popen is subprocess.Popen
    assert there.CalledProcessError is subprocess.CalledProcessError
    assert set(dir(subprocess)) <= set(dir(there))
    assert there.getoutput("echo x") == "x"


def test_it_stays_out_where_this_is_no_hook(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hookenv, "subprocess", subprocess)
    monkeypatch.delenv("JUJU_CONTEXT_ID")
    calls.take_over()
    assert hookenv.subprocess is subprocess


# -- tests that replace things ------------------------------------------------------------
@pytest.mark.parametrize(
    "target",
    [
        "subprocess.check_output",
        "charmhelpers.core.hookenv.subprocess.check_output",
        "charmhelpers.core.hookenv.subprocess",
    ],
)
def test_what_a_test_replaces_is_called(unit: Unit, target: str) -> None:
    calls.take_over()
    with mock.patch(target) as replaced:
        function = replaced.check_output if target.endswith("subprocess") else replaced
        function.return_value = b"true"
        assert hookenv.is_leader() is True
        function.assert_called_once_with(["is-leader", "--format=json"])
    hookenv.cache.clear()
    assert hookenv.is_leader() is True
    assert unit.started == []
    assert [call[2] for call in unit.side.calls if len(call) == 4] == ["is-leader"]


def test_a_class_in_place_of_popen(unit: Unit) -> None:
    with mock.patch("subprocess.Popen") as popen:
        popen.return_value.__enter__.return_value.communicate.return_value = (b"mocked", None)
        popen.return_value.__enter__.return_value.poll.return_value = 0
        assert calls.check_output(["config-get"]) == b"mocked"
    assert unit.side.calls == []


# -- layer:status ------------------------------------------------------------
LAYER = """
import subprocess
from functools import wraps
from charmhelpers.core import hookenv

_orig_call = subprocess.call
seen = []

@wraps(_orig_call)
def _patched_call(cmd, *args, **kwargs):
    if cmd[0] != "status-set":
        return _orig_call(cmd, *args, **kwargs)
    seen.append(cmd)
    return 0

def finalize():
    hookenv.log("status-set: active", hookenv.INFO)
    return _orig_call(["status-set", "active", "in the end"])
"""


def test_layer_status_hears_of_each_status_and_of_nothing_else(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer: Dict[str, Any] = {"__name__": "charms.layer.status"}
    exec(LAYER, layer)
    monkeypatch.setattr(subprocess, "call", layer["_patched_call"])
    calls.take_over()
    hookenv.status_set("blocked", "not yet")
    hookenv.log("a line")
    assert layer["seen"] == [["status-set", "blocked", "not yet"]]
    assert layer["finalize"]() == 0
    assert unit.started == []
    assert unit.side.read()["status"]["unit"]["message"] == "in the end"


def test_what_layer_status_hands_on_goes_where_its_caller_wants_it(
    unit: Unit, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    layer: Dict[str, Any] = {"__name__": "charms.layer.status"}
    exec(LAYER, layer)
    monkeypatch.setattr(subprocess, "call", layer["_patched_call"])
    calls.take_over()
    assert calls.call(["config-get", "port"], stdout=subprocess.DEVNULL) == 0
    # Now it has what goes to the agent in the place of subprocess's own.
    assert layer["_patched_call"](["config-get", "port"], stdout=subprocess.DEVNULL) == 0
    assert capfd.readouterr().out == ""
    assert layer["_patched_call"](["config-get", "port"]) == 0
    assert capfd.readouterr().out == "80\n"
    assert layer["_patched_call"](["config-get", "--no"], stderr=subprocess.DEVNULL) == 2
    assert capfd.readouterr() == ("", "")
    assert unit.started == []


def test_another_layer_that_replaces_call_hears_of_everything(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: List[Any] = []

    def replacement(command: Any, **_: Any) -> int:
        heard.append(command)
        return 0

    monkeypatch.setattr(subprocess, "call", replacement)
    calls.take_over()
    hookenv.log("a line")
    assert heard == [["juju-log", "a line"]]
    assert unit.side.calls == []


# -- PATH ------------------------------------------------------------------------------------------------
def wrapper(directory: Path, text: str = "echo wrapped") -> Path:
    directory.mkdir()
    (directory / "config-get").write_text("#!/bin/sh\n%s\n" % text)
    (directory / "config-get").chmod(0o755)
    return directory


def test_a_wrapper_that_is_first_on_the_path(
    unit: Unit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "%s:%s" % (wrapper(tmp_path / "first"), os.environ["PATH"]))
    assert calls.check_output(["config-get", "port"]) == b"wrapped\n"
    assert calls.check_output(["is-leader"]) == b"True\n"  # of which there is none
    assert calls.check_output(["config-get", "port"]) == b"wrapped\n"
    assert [command[0] for command in unit.started] == ["config-get", "config-get"]
    assert hook_tools.remarks() == [
        ("DEBUG", TOLD % "something else than Juju's own config-get is first on PATH")
    ]


def test_a_wrapper_that_is_not_first_or_cannot_be_run(
    unit: Unit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = wrapper(tmp_path / "last")
    first = wrapper(tmp_path / "first")
    (first / "config-get").chmod(0o644)
    links = tools_directory(tmp_path / "links", unit.tools / "config-get", "config-get")
    (tmp_path / "directory" / "config-get").mkdir(parents=True)
    path = ":".join(map(str, [tmp_path / "directory", first, links, unit.tools, last]))
    monkeypatch.setenv("PATH", path)
    assert calls.check_output(["config-get", "port"]) == b"80\n"
    assert unit.started == []


# -- the setting ------------------------------------------------------------
def test_process(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARMS_REACTIVE_TOOLS", "process")
    assert calls.check_output(["config-get", "port"]) == b"80\n"
    assert len(unit.started) == 1
    assert not hook_tools.agent_usable()
    monkeypatch.delenv("CHARMS_REACTIVE_TOOLS")
    calls.choose("Process")
    assert calls.check_output(["config-get", "port"]) == b"80\n"
    assert len(unit.started) == 2
    monkeypatch.setenv("CHARMS_REACTIVE_TOOLS", "auto")  # goes before the option
    assert calls.check_output(["config-get", "port"]) == b"80\n"
    assert len(unit.started) == 2
    assert hook_tools.remarks() == []


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"JUJU_AGENT_SOCKET_ADDRESS": "/nowhere"}, "/nowhere: .*No such file"),
        ({"JUJU_AGENT_SOCKET_NETWORK": "tcp"}, "listens on tcp"),
        ({"JUJU_AGENT_SOCKET_ADDRESS": ""}, "is not set"),
        ({"PATH": "wrapped"}, "first on PATH"),
    ],
)
def test_agent(
    unit: Unit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: Dict[str, str], reason: str
) -> None:
    if "PATH" in variables:
        variables = {"PATH": "%s:%s" % (wrapper(tmp_path / "first"), os.environ["PATH"])}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CHARMS_REACTIVE_TOOLS", "agent")
    with pytest.raises(HookToolError, match=reason + ".*only the agent is to be asked"):
        calls.check_output(["config-get", "port"])
    assert unit.started == []
    monkeypatch.setenv("CHARMS_REACTIVE_TOOLS", "auto")
    calls.call(["config-get", "port"])
    assert [command[0] for command in unit.started] == ["config-get"]


def test_agent_where_the_agent_is_of_old(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUJU_AGENT_SOCKET_ADDRESS")
    monkeypatch.setenv("CHARMS_REACTIVE_TOOLS", "agent")
    hook_tools.start_hook()
    try:
        with pytest.raises(HookToolError, match="JUJU_AGENT_SOCKET_ADDRESS is not set"):
            hook_tools.ask_json(["config-get", "--all", "--format=json"])
    finally:
        monkeypatch.delenv("CHARMS_REACTIVE_TOOLS")
        hook_tools.start_hook()


@pytest.mark.parametrize("where", ["environment", "option"])
def test_a_word_that_nobody_knows(unit: Unit, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    if where == "environment":
        monkeypatch.setenv("CHARMS_REACTIVE_TOOLS", "sockets")
    calls.start_hook()
    if where == "option":
        calls.choose("sockets")
    (level, message), *more = hook_tools.remarks()
    assert (level, more) == ("WARNING", [])
    assert message.endswith("must be auto, process or agent, not 'sockets'; using auto")
    assert calls.check_output(["config-get", "port"]) == b"80\n"
    assert unit.started == []


# -- agents that go away ------------------------------------------------------------
def test_no_agent_is_told_once(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUJU_AGENT_SOCKET_ADDRESS", "/nowhere/agent.socket")
    for _ in range(3):
        assert calls.call(["config-get", "port"], stderr=DEVNULL) == 1  # the process cannot ask it either
    assert len(unit.started) == 3
    assert hook_tools.remarks() == [("DEBUG", TOLD % "/nowhere/agent.socket: No such file or directory")]


def test_an_agent_that_dies_between_calls(unit: Unit) -> None:
    assert calls.check_output(["config-get", "port"]) == b"80\n"
    unit.agent.kill()
    with pytest.raises(subprocess.CalledProcessError):
        calls.check_output(["config-get", "port"], stderr=DEVNULL)
    assert [command[0] for command in unit.started] == ["config-get"]  # which says so itself


def test_an_agent_that_dies_in_a_call(go: Go, unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    with GoAgent(go, "-die-at", "2", "-die-done", answers={}) as there:
        monkeypatch.setenv("JUJU_AGENT_SOCKET_ADDRESS", there.address)
        assert calls.call(["config-get"]) == 0
        with pytest.raises(HookToolError, match="went away before it had answered; it may have been run"):
            calls.call(["relation-set", "a=b"])
        assert there.calls() == [["config-get"], ["relation-set", "a=b"]]
        assert calls.call(["is-leader"], stderr=DEVNULL) == 1
        assert [command[0] for command in unit.started] == ["is-leader"]


def test_a_timeout_is_kept(go: Go, unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    with GoAgent(go, "-slow", "500ms", answers={}) as there:
        monkeypatch.setenv("JUJU_AGENT_SOCKET_ADDRESS", there.address)
        for name in FUNCTIONS:
            calls.start_hook()
            calls.disconnect()
            began = time.monotonic()
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                getattr(calls, name)(["config-get"], timeout=0.2)
            assert 0.2 <= time.monotonic() - began < 5
            assert (caught.value.cmd, caught.value.timeout) == (["config-get"], 0.2)
        assert unit.started == []


def test_a_timeout_is_kept_by_processes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is asked over the socket, whatever the reason."""
    monkeypatch.setenv("CHARMS_REACTIVE_TOOLS", "process")
    for name in FUNCTIONS:
        began = time.monotonic()
        with pytest.raises(subprocess.TimeoutExpired):
            getattr(calls, name)(["sleep", "60"], timeout=0.1)
        assert time.monotonic() - began < 30


# -- processes and threads ------------------------------------------------------------
def test_a_child_has_a_connection_of_its_own(unit: Unit) -> None:
    assert calls.check_output(["config-get", "port"]) == b"80\n"
    descriptor = calls._agent._connection.fileno()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            closed = b"closed " if calls._agent is None else b"held "
            os.write(writing, closed + calls.check_output(["is-leader"]))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"closed True\n"
    os.waitpid(child, 0)
    assert calls.check_output(["config-get", "port"]) == b"80\n"
    assert calls._agent._connection.fileno() == descriptor
    listed = subprocess.run(
        [sys.executable, "-c", "import os; print(os.listdir('/proc/self/fd'))"],
        stdout=PIPE,
        close_fds=False,
        check=True,
    )
    assert "'%d'" % descriptor not in listed.stdout.decode()


def test_threads_get_their_own_answers(unit: Unit) -> None:
    answers: Dict[int, List[bytes]] = {}

    def ask(number: int) -> None:
        word = ["config-get", "is-leader"][number % 2]
        answers[number] = [calls.check_output([word]) for _ in range(10)]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, found in answers.items():
        assert set(found) == {[b"port: 80\n", b"True\n"][number % 2]}
    assert len(answers) == 4


def test_another_context_is_another_connection(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    assert calls.check_output(["config-get", "port"]) == b"80\n"
    monkeypatch.setenv("JUJU_CONTEXT_ID", "app/0-other-2")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        calls.check_output(["config-get", "port"], stderr=STDOUT)
    assert caught.value.output == b'ERROR bad request: wrong context ID; got "app/0-other-2"\n'
    assert unit.started == []


# -- the log ------------------------------------------------------------------------------------------
def test_lines_are_logged_in_order(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    def logged() -> List[List[str]]:
        return [call[3] for call in unit.side.calls if len(call) == 4 and call[2] == "juju-log"]

    lines = [("INFO", "a"), ("INFO", "b"), ("WARNING", "c"), ("INFO", "d")]
    for level, line in lines:
        juju_log.log(line, level)
    juju_log.hand_over()
    assert logged() == [["-l", "INFO", "a\nb"], ["-l", "WARNING", "c"], ["-l", "INFO", "d"]]
    assert unit.started == []
    unit.side.calls = []
    monkeypatch.setenv("CHARMS_REACTIVE_TOOLS", "process")
    for level, line in lines:
        juju_log.log(line, level)
    juju_log.hand_over()
    assert logged() == [["-l", "INFO", "a\nb\nd"], ["-l", "WARNING", "c"]]
    assert len(unit.started) == 2
