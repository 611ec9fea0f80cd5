"""Agents and directories of hook tools for the tests of what the tools answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Dict, Iterator, List

import pytest
from facts import CONTEXT, OverSocket

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
