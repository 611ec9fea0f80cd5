"""The agent asked over its socket: old and new ones, and such as go away, by both clients of ours."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from charms_reactive._juju.agent import Agent, LostError, NoAnswerError, NotUsableError
from charms_reactive.testing import hooktools
from charms_reactive.testing._running.agent_server import AgentServer, Answers, agent_address

from .support import CONTEXT, Go, GoAgent, asked, tools_directory

pytestmark = [pytest.mark.long, pytest.mark.once]

ANSWERS = {"config-get": '{"port": 80}\n', "status-get": ""}


@pytest.fixture
def program(go: Go, tmp_path: Path, request: pytest.FixtureRequest) -> Dict[str, str]:
    """A PATH with the program under the name of hook tools, and behind it what counts its calls."""
    if request.config.getoption("--pure-only"):
        pytest.skip("there is no program without Rust")
    tools = ("config-get", "status-get", "relation-set", "juju-log")
    ours = Path(sys.executable).with_name("charms.reactive")
    links = tools_directory(tmp_path / "hook-tools-3.6.0", ours, *tools)
    (tmp_path / "jujuc").write_text('#!/bin/sh\necho "process ${0##*/} $*"\n')
    (tmp_path / "jujuc").chmod(0o755)
    behind = tools_directory(tmp_path / "tools", tmp_path / "jujuc", *tools)
    return {"PATH": "%s:%s:/usr/bin:/bin" % (links, behind)}


def ask_often(agent: Agent) -> None:
    for number in range(9):
        agent.ask(["config-get", str(number)])


def ask(environment: Dict[str, str], *words: str, **options: Any) -> Any:
    agent = Agent(environment)
    try:
        return agent.ask(list(words), **options)
    finally:
        agent.close()


# -- old and new --------------------------------------------------------------------------------
@pytest.mark.parametrize("options", [[], ["-tokenless"]], ids=["Juju 3", "Juju 4"])
@pytest.mark.parametrize("abstract", [False, True])
def test_every_kind_of_agent(go: Go, program: Dict[str, str], options: List[str], abstract: bool) -> None:
    address = "@/nowhere/unit-app-%d/agent.socket" % os.getpid() if abstract else None
    with GoAgent(go, *options, address=address, answers=ANSWERS) as there:
        agent = Agent(there.environment)
        for _ in range(200):
            assert agent.ask(["config-get", "--format=json"]) == (0, b'{"port": 80}\n', b"")
        agent.close()
        done = asked(["config-get", "-a"], {**there.environment, **program})
        assert (done.returncode, done.stdout, done.stderr) == (0, b'{"port": 80}\n', b"")
        assert there.calls() == [["config-get", "--format=json"]] * 200 + [["config-get", "-a"]]


def test_a_token(go: Go, program: Dict[str, str]) -> None:
    with GoAgent(go, "-token", "secret", answers=ANSWERS) as there:
        environment = {**there.environment, "JUJU_AGENT_TOKEN": "secret"}
        assert ask(environment, "config-get")[0] == 0
        assert asked(["config-get"], {**environment, **program}).stdout == b'{"port": 80}\n'
        with pytest.raises(NotUsableError, match="token does not match"):
            ask(there.environment, "config-get")
        assert asked(["config-get"], {**there.environment, **program}).stdout == b"process config-get \n"
        assert len(there.calls()) == 2


def test_a_context_that_has_ended(go: Go, program: Dict[str, str]) -> None:
    with GoAgent(go, answers=ANSWERS) as there:
        environment = {**there.environment, "JUJU_CONTEXT_ID": "app/0-other-2"}
        said = b'ERROR bad request: wrong context ID; got "app/0-other-2"\n'
        assert ask(environment, "config-get") == (1, b"", said)
        done = asked(["config-get"], {**environment, **program})
        assert (done.returncode, done.stdout, done.stderr) == (1, b"", said)


@pytest.mark.parametrize(
    ("version", "abstract"),
    [
        ("2.8.13", True),
        ("2.9.50", True),
        ("2.9.51", False),
        ("3.1.9", True),
        ("3.1.10", False),
        ("3.3.6", True),
    ]
    + [
        ("3.4.6", False),
        ("3.5.3", True),
        ("3.5.4", False),
        ("3.6.0", False),
        ("3.6-beta2", False),
        ("4.0.1", False),
    ],
)
def test_where_the_agent_of_a_version_listens(version: str, abstract: bool) -> None:
    assert agent_address(Path("/j"), version) == "@" * abstract + "/j/agent.socket"


# -- what there is no asking ----------------------------------------------------------------------
NOWHERE = {"JUJU_AGENT_SOCKET_NETWORK": "unix", "JUJU_CONTEXT_ID": CONTEXT}


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"JUJU_AGENT_SOCKET_ADDRESS": "/nowhere/agent.socket"}, "No such file"),
        ({"JUJU_AGENT_SOCKET_ADDRESS": "@/nowhere/agent.socket"}, "refused"),
        ({"JUJU_AGENT_SOCKET_ADDRESS": "/" + "long" * 50}, "too long"),
        ({"JUJU_AGENT_SOCKET_ADDRESS": ""}, "is not set"),
        (
            {"JUJU_AGENT_SOCKET_ADDRESS": "10.0.0.1:30000", "JUJU_AGENT_SOCKET_NETWORK": "tcp"},
            "listens on tcp",
        ),
        ({"JUJU_AGENT_SOCKET_ADDRESS": "/a", "JUJU_AGENT_SOCKET_NETWORK": ""}, "no network"),
    ],
)
def test_no_agent(program: Dict[str, str], variables: Dict[str, str], reason: str) -> None:
    environment = {**NOWHERE, **variables}
    with pytest.raises(NotUsableError, match=reason):
        Agent(environment)
    assert asked(["config-get", "x"], {**environment, **program}).stdout == b"process config-get x\n"


def test_somebody_else_listens(go: Go, program: Dict[str, str]) -> None:
    """Nothing is asked of whoever does not refuse a command without a name as an agent does."""
    with GoAgent(go, "-other", answers=ANSWERS) as there:
        with pytest.raises(NotUsableError, match=r"can't find service Jujuc\.Main"):
            Agent(there.environment)
        assert asked(["config-get"], {**there.environment, **program}).stdout == b"process config-get \n"
        assert there.calls() == []


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x01", b"\x80" * 100])
def test_somebody_who_says_something_else(program: Dict[str, str], tmp_path: Path, said: bytes) -> None:
    address = str(tmp_path / "socket")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(2)
    environment = {**NOWHERE, "JUJU_AGENT_SOCKET_ADDRESS": address}
    child = subprocess.Popen(["config-get"], env={**environment, **program}, stdout=subprocess.PIPE)

    def say() -> None:
        connection, _ = listener.accept()
        connection.sendall(said)
        connection.close()

    try:
        say()
        assert child.communicate(timeout=30)[0] == b"process config-get \n"
        thread = threading.Thread(target=say)
        thread.start()
        with pytest.raises(NotUsableError, match=address):
            Agent(environment)
        thread.join()
    finally:
        child.kill()
        listener.close()


def test_one_who_never_answers(go: Go) -> None:
    with GoAgent(go, "-deaf") as there:
        began = time.monotonic()
        with pytest.raises(NotUsableError, match="timed out"):
            Agent(there.environment, patience=0.3)
        assert 0.3 <= time.monotonic() - began < 5


# -- after something was asked ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "ran"),
    [(["-die-at", "3"], 2), (["-die-at", "3", "-die-done"], 3), (["-die-bytes", "480"], 3)],
    ids=["before it runs", "before it answers", "in the middle of the answer"],
)
def test_an_agent_that_dies(go: Go, options: List[str], ran: int) -> None:
    """What it was asked last may have been run, so nobody asks again."""
    with GoAgent(go, *options, answers={"config-get": "x" * 100}) as there:
        agent = Agent(there.environment)
        with pytest.raises(LostError, match=r"config-get: .*; it may have been run, and is not run again"):
            ask_often(agent)
        assert [call[1] for call in there.calls()] == [str(number) for number in range(ran)]
        assert not agent.usable(there.environment)
        with pytest.raises(NotUsableError):
            agent.ask(["config-get"])


@pytest.mark.parametrize("options", [["-die-at", "1"], ["-die-at", "1", "-die-done"], ["-die-bytes", "300"]])
def test_an_agent_that_dies_under_the_program(go: Go, program: Dict[str, str], options: List[str]) -> None:
    with GoAgent(go, *options, answers={"config-get": "x" * 100}) as there:
        done = asked(["config-get"], {**there.environment, **program})
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(b"ERROR config-get: the Juju agent was asked and gave no answer")
        assert done.stderr.endswith(b"it may have been run, and is not run again\n")


def test_an_agent_that_died_between_two_calls(go: Go) -> None:
    with GoAgent(go, answers=ANSWERS) as there:
        agent = Agent(there.environment)
        assert agent.ask(["config-get"])[0] == 0
        there.kill()
        with pytest.raises(NotUsableError, match="has closed the connection"):
            agent.ask(["config-get"])
        assert len(there.calls()) == 1
        agent.close()


def test_a_slow_answer(go: Go) -> None:
    with GoAgent(go, "-slow", "400ms", answers=ANSWERS) as there:
        agent = Agent(there.environment)
        assert agent.ask(["config-get"], timeout=20)[0] == 0
        began = time.monotonic()
        with pytest.raises(NoAnswerError):
            agent.ask(["config-get"], timeout=0.2)
        assert 0.2 <= time.monotonic() - began < 5
        # Its answer comes yet, and must not be taken for that of another call.
        assert not agent.usable(there.environment)


def test_an_exception_in_the_middle_of_a_call(go: Go) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with GoAgent(go, "-slow", "300ms", answers=ANSWERS) as there:
        agent = Agent(there.environment)
        kept = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                agent.ask(["config-get"])
        finally:
            signal.signal(signal.SIGALRM, kept)
        assert not agent.usable(there.environment)


# -- what goes to and fro -----------------------------------------------------------------------------
@pytest.fixture
def real(go: Go, tmp_path: Path) -> Any:
    """An agent in Go in front of the desk's hook tools, whose unit is related to another."""
    juju = hooktools.new_juju("app/0", {"name": "app", "requires": {"db": {"interface": "pgsql"}}})
    juju["relations"]["db:0"] = hooktools.new_relation(juju, "pg", {"pg/0": {"big": "x" * (30 << 20)}})
    side = hooktools.install(tmp_path / "juju", juju)
    side.context = CONTEXT
    with GoAgent(go, side=tmp_path / "juju") as agent:
        yield agent, side


def test_thirty_megabytes(real: Any, program: Dict[str, str]) -> None:
    there, _ = real
    status, out, _ = ask(there.environment, "relation-get", "-r", "db:0", "big", "pg/0")
    assert (status, out) == (0, b"x" * (30 << 20) + b"\n")
    done = asked(["juju-log", "x"], {**there.environment, **program})
    assert done.returncode == 0


def test_stdin_that_is_asked_for(real: Any, program: Dict[str, str]) -> None:
    there, side = real
    text = b'"key": "' + bytes("\u00e4\u2603", "utf-8") * 100000 + b'"\n'
    reads = []

    def stdin() -> bytes:
        reads.append(1)
        return text

    assert ask(there.environment, "relation-set", "-r", "db:0", "--file", "-", stdin=stdin) == (0, b"", b"")
    assert reads == [1]
    pending = side.read()["pending"]["relations"]["db:0"]
    assert "\u00e4\u2603" * 100000 in str(pending)
    done = asked(
        ["relation-set", "-r", "db:0", "--file", "-"], {**there.environment, **program}, input=b"b: \x00\xff"
    )
    assert (done.returncode, done.stdout) == (1, b"")
    done = asked(
        ["relation-set", "-r", "db:0", "--file", "-"], {**there.environment, **program}, input=b"b: c"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    # Each was tried without, and run once.
    assert [call[2] for call in side.calls if len(call) == 4] == ["relation-set"] * 3


def test_stdin_that_is_not_asked_for_is_left_alone(go: Go, program: Dict[str, str]) -> None:
    with GoAgent(go, answers=ANSWERS) as there:
        script = 'while read -r word; do config-get >/dev/null; echo "$word"; done'
        done = asked(["bash", "-c", script], {**there.environment, **program}, input=b"a\nb\nc\n")
        assert done.stdout == b"a\nb\nc\n"


def test_arguments_are_bytes(go: Go, program: Dict[str, str]) -> None:
    words = ["", "a b", "\u00e4", "\udcff", "--", "x" * 200000]
    with GoAgent(go, answers=ANSWERS) as there:
        agent = Agent(there.environment)
        assert agent.ask(["config-get", *words])[0] == 0
        agent.close()
        assert asked(["config-get", *words[:5]], {**there.environment, **program}).returncode == 0
        seen = there.calls()
    # Go's JSON has a replacement character for what is no UTF-8.
    expected = ["config-get", *(word.replace("\udcff", "\ufffd") for word in words)]
    assert seen == [expected, expected[:6]]


def test_a_pipe_that_nobody_reads(go: Go, program: Dict[str, str]) -> None:
    """As a program in Go: it ends of it, which a shell shows as 141."""
    script = "config-get | true; echo ${PIPESTATUS[0]}"
    for path in (
        program["PATH"],
        "%s:/usr/bin:/bin"
        % tools_directory(Path(program["PATH"].split(":")[0]).parent / "go", go.jujuc, "config-get"),
    ):
        with GoAgent(go, "-slow", "200ms", answers=ANSWERS) as there:
            assert asked(["bash", "-c", script], {**there.environment, "PATH": path}).stdout == b"141\n"


# -- the desk's own -------------------------------------------------------------------------------------
def test_the_client_in_go_understands_the_agent_of_the_desk(go: Go, tmp_path: Path) -> None:
    side = hooktools.install(
        tmp_path / "juju", hooktools.new_juju("app/0", {"name": "app"}, config={"port": 80})
    )
    side.context = CONTEXT
    tools = tools_directory(tmp_path / "tools", go.jujuc, "config-get", "state-set", "no-such-tool")
    with AgentServer(Answers(side, {}), tmp_path / "agent.socket") as agent:
        environment = {**NOWHERE, "JUJU_AGENT_SOCKET_ADDRESS": agent.address, "PATH": "%s:/bin" % tools}
        done = asked([str(tools / "config-get"), "port"], environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"80\n", b"")
        done = asked([str(tools / "state-set"), "--file", "-"], environment, input=b"a: b\n")
        assert (done.returncode, done.stderr) == (0, b"")
        assert side.read()["pending"]["state"] == {"a": "b"}
        done = asked([str(tools / "no-such-tool")], environment)
        assert (done.returncode, done.stderr) == (1, b"ERROR bad request: unknown command: no-such-tool\n")
        done = asked([str(tools / "config-get"), "--nonsense"], environment)
        assert done.returncode == 2


def test_a_directory_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    side = hooktools.MemorySide(hooktools.new_juju(), CONTEXT)
    with AgentServer(Answers(side, {}), tmp_path / ("long" * 30) / "agent.socket") as agent:
        assert len(agent.address) < 108
        environment = {**NOWHERE, "JUJU_AGENT_SOCKET_ADDRESS": agent.address}
        assert ask(environment, "is-leader") == (0, b"True\n", b"")
    assert not Path(agent.address).parent.exists()


def test_an_agent_that_is_closed_ends_its_connections(tmp_path: Path) -> None:
    side = hooktools.MemorySide(hooktools.new_juju(), CONTEXT)
    with AgentServer(Answers(side, {}), tmp_path / "agent.socket") as server:
        environment = {**NOWHERE, "JUJU_AGENT_SOCKET_ADDRESS": server.address}
        agent = Agent(environment)
        assert agent.ask(["is-leader"])[0] == 0
    with pytest.raises((NotUsableError, LostError)):
        agent.ask(["is-leader"])
    agent.close()
