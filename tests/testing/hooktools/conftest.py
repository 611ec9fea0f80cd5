"""Holds facts of Juju against every way to ask the hook tools.

In memory; as executables; over the agent's socket, of an agent in Go and of the desk's own, with the client
that hooks use and with the program that handlers in bash use. Every row has to come out the same, byte for
byte.
"""

from __future__ import annotations

import copy
import json
import shlex
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
from facts import CONTEXT, Executables, InMemory, OverSocket, OverSocketByProgram, Row, a_juju, found

from agent.support import Go, GoAgent, tools_directory
from charms_reactive.testing import hooktools
from charms_reactive.testing._running.agent_server import AgentServer, Answers


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the executables."""
    home = tmp_path_factory.mktemp("hooktools") / "juju"
    hooktools.install(home, hooktools.new_juju())
    return home


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """The agent in Go."""
    return Go(tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="session")
def go_agent(go: Go, directory: Path) -> Iterator[GoAgent]:
    """An agent in Go in front of the directory's hook tools."""
    with GoAgent(go, context="", side=directory) as agent:
        yield agent
        OverSocket.close()


@pytest.fixture(scope="session")
def desk_agent(directory: Path) -> Iterator[Dict[str, str]]:
    """The desk's own agent; what a hook finds of it in its environment."""
    answers = Answers(hooktools.FileSide(directory), {})
    with AgentServer(answers, directory / "agent.socket") as agent:
        yield {
            "JUJU_AGENT_SOCKET_ADDRESS": agent.address,
            "JUJU_AGENT_SOCKET_NETWORK": "unix",
            "JUJU_CONTEXT_ID": CONTEXT,
        }
        OverSocket.close()


@pytest.fixture(scope="session")
def links(go: Go, tmp_path_factory: pytest.TempPathFactory) -> List[Path]:
    """The program under the name of every tool, and behind it Juju's own."""
    home = tmp_path_factory.mktemp("links")
    program = Path(sys.executable).with_name("charms.reactive")
    return [
        tools_directory(home / "hook-tools-3.6.0", program, *hooktools.TOOLS),
        tools_directory(home / "bin", go.jujuc, *hooktools.TOOLS),
    ]


#: In memory, as executables, and over sockets: who answers, and who asks.
WAYS = ["in memory", "executables", "agent in Go", "agent in Go, program", "agent of the desk"]


@pytest.fixture(params=WAYS)
def check(request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """Holds one row against one kind of side."""
    if "program" in request.param and request.config.getoption("--pure-only"):
        pytest.skip("there is no program without Rust")

    def run(row: Row) -> None:
        juju = a_juju(row.given)
        if request.param == "in memory":
            hold(row, InMemory(juju))
            return
        directory: Path = request.getfixturevalue("directory")
        if request.param == "executables":
            hold(row, Executables(directory, juju))
        elif request.param == "agent of the desk":
            environment = request.getfixturevalue("desk_agent")
            if not row.environ:
                hold(row, OverSocket(directory, juju, environment))
                return
            # An agent knows which hook it runs, whatever the hook's environment says.
            answers = Answers(hooktools.FileSide(directory), row.environ)
            with AgentServer(answers, directory / "other.socket") as agent:
                address = {"JUJU_AGENT_SOCKET_ADDRESS": agent.address}
                hold(row, OverSocket(directory, juju, {**environment, **address}))
        elif row.environ:
            go = request.getfixturevalue("go")
            with GoAgent(go, context="", side=directory, variables=row.environ) as agent:
                hold_by(row, juju, agent)
        else:
            hold_by(row, juju, request.getfixturevalue("go_agent"))

    def hold_by(row: Row, juju: Dict[str, Any], agent: GoAgent) -> None:
        directory: Path = request.getfixturevalue("directory")
        environment = {**agent.environment, "JUJU_CONTEXT_ID": CONTEXT}
        if "program" in request.param:
            links: List[Path] = request.getfixturevalue("links")
            hold(row, OverSocketByProgram(directory, juju, environment, links))
        else:
            hold(row, OverSocket(directory, juju, environment))

    def hold(row: Row, way: Any) -> None:
        for line in row.after:
            status, _, said = way.ask(line, "", row.environ)
            assert status == 0, said
        prepared = copy.deepcopy(way.side.read())
        error = "ERROR %s\n" % row.err if row.status else row.err
        assert way.ask(row.line, row.stdin, row.environ) == (row.status, row.out, error)
        after = way.side.read()
        if row.status:
            assert after == prepared, "it was refused, and changed something"
        assert {path: found(after, path) for path in row.at_once} == row.at_once
        for succeeded, expected in ((True, row.kept), (False, row.lost)):
            settled = json.loads(json.dumps(after))
            hooktools.settle(settled, succeeded)
            assert settled["pending"] == hooktools.new_juju()["pending"]
            assert {path: found(settled, path) for path in expected} == expected
        lines: List[Any] = [shlex.split(line) for line in [*row.after, row.line]]
        assert [line[2:] for line in way.side.calls if len(line) == 4] == [[a[0], a[1:]] for a in lines]
        assert [line[2] for line in way.side.calls if len(line) == 3] == [row.status] * bool(row.status)

    return run
