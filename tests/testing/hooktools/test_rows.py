"""Every row of the folder ``rows``, by every way to ask the hook tools; see ``rows.py``.

In memory for every version of Juju; over the agent's socket, of an agent in Go and of the desk's own; and as
executables, each a process: one row in six, or with ``--all-cases`` all. Every row has to come out the same,
byte for byte.
"""

from __future__ import annotations

import copy
import json
import os
import shlex
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from facts import (
    CONTEXT,
    Executables,
    InMemory,
    OverSocket,
    OverSocketByGo,
    OverSocketByProgram,
    a_juju,
    found,
)
from rows import FOLDER, RELEASES, Row, load

from agent.support import Go, GoAgent
from charms_reactive.testing import hooktools
from charms_reactive.testing._running.agent_server import AgentServer, Answers

ROWS = load()
TOOLS = sorted(ROWS)

#: Of the rows of a tool, how many there are for one that is asked as a process.
ONE_IN = 6


def wrong(row: Row, way: Any) -> List[str]:
    """What does not come out as a row says; empty if all does."""
    for line in row.after:
        status, _, said = way.ask(line, "", row.environ)
        if status:
            return ["%s: %s" % (line, said)]
    prepared = copy.deepcopy(way.side.read())
    answer = way.ask(row.line, row.stdin, row.environ)
    problems = []
    if answer != (row.status, row.out, row.says):
        problems.append("%r, and not %r" % (answer, (row.status, row.out, row.says)))
    after = way.side.read()
    if row.status and after != prepared:
        problems.append("it was refused, and changed something")
    problems += _different("at once", after, row.at_once)
    for succeeded, expected in ((True, row.kept), (False, row.lost)):
        settled = json.loads(json.dumps(after))
        hooktools.settle(settled, succeeded)
        if settled["pending"] != hooktools.new_juju()["pending"]:
            problems.append("something is pending for ever")
        problems += _different("when it has succeeded" if succeeded else "when it failed", settled, expected)
    calls = [shlex.split(line) for line in [*row.after, row.line]]
    noted = [line[2:] for line in way.side.calls if len(line) == 4]
    if noted != [[words[0], words[1:]] for words in calls]:
        problems.append("noted as %r" % noted)
    if [line[2] for line in way.side.calls if len(line) == 3] != [row.status] * bool(row.status):
        problems.append("its exit status is not noted")
    return problems


def _different(when: str, juju: Any, expected: Any) -> List[str]:
    there = {path: found(juju, path) for path in expected}
    return [] if there == expected else ["%s there is %r, and not %r" % (when, there, expected)]


def check(asked: Iterator[Tuple[Row, str, Any]]) -> None:
    """Hold rows, each with a version and a way to ask, and tell of all that come out otherwise."""
    problems = [
        "%s (Juju %s, %s):\n    %s" % (row, version, row.source, problem)
        for row, version, way in asked
        for problem in wrong(row, way)
    ]
    assert not problems, "\n".join(problems)


def last_version(row: Row) -> str:
    """The newest version of Juju 3 for which a row holds, else the newest."""
    return max((name for name in row.versions if name < "4"), default=row.versions[-1])


# -- the rows themselves ----------------------------------------------------------------------------
def test_there_are_rows_for_every_tool_and_version() -> None:
    assert sorted(hooktools.TOOLS) == TOOLS
    assert sorted(path.stem for path in FOLDER.iterdir()) == TOOLS
    of_versions = Counter(name for rows in ROWS.values() for row in rows for name in row.versions)
    print(sum(map(len, ROWS.values())), dict(of_versions))
    for version, release in RELEASES.items():
        with_rows = {tool for tool in TOOLS for row in ROWS[tool] if version in row.versions}
        assert with_rows == set(hooktools.tools_of(release))


def test_no_row_is_there_twice() -> None:
    rows = [
        (str(row), row.stdin, json.dumps(row.given, sort_keys=True), str(row.environ), version)
        for tool in TOOLS
        for row in ROWS[tool]
        for version in row.versions
    ]
    assert [row for row, count in Counter(rows).items() if count > 1] == []


# -- by every way -----------------------------------------------------------------------------------
@pytest.mark.parametrize("tool", TOOLS)
def test_in_memory(tool: str) -> None:
    check(
        (row, version, InMemory(a_juju(row.given, RELEASES[version])))
        for row in ROWS[tool]
        for version in row.versions
    )


@pytest.mark.long
@pytest.mark.parametrize("tool", TOOLS)
def test_as_executables(tool: str, directory: Path, pytestconfig: pytest.Config) -> None:
    step = 1 if pytestconfig.getoption("--all-cases") else ONE_IN
    check(
        (row, version, Executables(directory, a_juju(row.given, RELEASES[version])))
        for row in ROWS[tool][::step]
        for version in [last_version(row)]
    )


@pytest.mark.long
@pytest.mark.parametrize("tool", TOOLS)
def test_over_the_socket_of_the_desk(tool: str, directory: Path, desk_agent: Dict[str, str]) -> None:
    def asked() -> Iterator[Tuple[Row, str, Any]]:
        for row in ROWS[tool]:
            version = last_version(row)
            juju = a_juju(row.given, RELEASES[version])
            if not row.environ:
                yield row, version, OverSocket(directory, juju, desk_agent)
                continue
            # An agent knows which hook it runs, whatever the hook's environment says.
            answers = Answers(hooktools.FileSide(directory), row.environ)
            with AgentServer(answers, directory / "other.socket") as agent:
                address = {"JUJU_AGENT_SOCKET_ADDRESS": agent.address}
                yield row, version, OverSocket(directory, juju, {**desk_agent, **address})

    check(asked())


@pytest.mark.long
@pytest.mark.parametrize("program", [False, True], ids=["client", "program"])
@pytest.mark.parametrize("tool", TOOLS)
def test_over_the_socket_of_an_agent_in_go(tool: str, program: bool, request: pytest.FixtureRequest) -> None:
    if program and request.config.getoption("--pure-only"):
        pytest.skip("there is no program without Rust")
    directory: Path = request.getfixturevalue("directory")

    def ask(row: Row, version: str, agent: GoAgent) -> Tuple[Row, str, Any]:
        environment = {**agent.environment, "JUJU_CONTEXT_ID": CONTEXT}
        juju = a_juju(row.given, RELEASES[version])
        if program:
            links = request.getfixturevalue("links")
            return row, version, OverSocketByProgram(directory, juju, environment, links)
        return row, version, OverSocket(directory, juju, environment)

    def asked() -> Iterator[Tuple[Row, str, Any]]:
        rows = ROWS[tool]
        if program and not request.config.getoption("--all-cases"):
            rows = rows[::ONE_IN]
        for row in rows:
            version = last_version(row)
            if not row.environ:
                yield ask(row, version, request.getfixturevalue("go_agent"))
                continue
            go = request.getfixturevalue("go")
            with GoAgent(go, context="", side=directory, variables=row.environ) as agent:
                yield ask(row, version, agent)

    check(asked())


# -- Go's own client --------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def asker(go: Go) -> Iterator[OverSocketByGo]:
    """A client that is Go's own ``net/rpc``; what it did is printed."""
    client = OverSocketByGo(go.asker)
    yield client
    client.close()
    print(
        "Go's client: %d calls of %d tools, %d of which asked for stdin (%s)"
        % (
            sum(client.asked.values()),
            len(client.asked),
            sum(client.read.values()),
            ", ".join(sorted(+client.read)),
        )
    )


@pytest.mark.long
@pytest.mark.parametrize("tool", TOOLS)
def test_by_a_client_in_go(
    tool: str, directory: Path, desk_agent: Dict[str, str], asker: OverSocketByGo
) -> None:
    """All rows, over the socket of the desk's agent."""

    def asked() -> Iterator[Tuple[Row, str, Any]]:
        for number, row in enumerate(ROWS[tool]):
            version = last_version(row)
            juju = a_juju(row.given, RELEASES[version])
            if not row.environ:
                yield row, version, asker.at(directory, juju, desk_agent["JUJU_AGENT_SOCKET_ADDRESS"])
                continue
            answers = Answers(hooktools.FileSide(directory), row.environ)
            with AgentServer(answers, directory / ("go-%s-%d.socket" % (tool, number))) as agent:
                yield row, version, asker.at(directory, juju, agent.address)

    check(asked())
    assert asker.asked[tool] >= len(ROWS[tool])


#: The tools that read what is piped in, and nothing of it before they ask.
READERS = {"k8s-raw-set", "k8s-spec-set", "pod-spec-set", "relation-set", "state-set"}


@pytest.mark.long
@pytest.mark.parametrize("tool", TOOLS)
def test_the_client_of_juju_shows_what_the_executable_shows(
    tool: str, directory: Path, desk_agent: Dict[str, str], links: List[Path]
) -> None:
    """One row of each tool: the two processes side by side, and what they leave of their stdin."""
    row = next((row for row in ROWS[tool] if row.stdin and not row.status), None)
    row = row or next(row for row in ROWS[tool] if not row.status and not row.after and not row.environ)
    version = last_version(row)
    outcomes = []
    for program, environment in (
        (directory / "bin" / tool, {"JUJU_CONTEXT_ID": CONTEXT}),
        (links[1] / tool, desk_agent),
    ):
        way = Executables(directory, a_juju(row.given, RELEASES[version]))
        script = '"$0" "$@"; echo "exit status $?"; echo "left: $(cat)"'
        done = subprocess.run(
            ["sh", "-c", script, str(program), *shlex.split(row.line)[1:]],
            env={**environment, "PATH": os.environ["PATH"]},
            cwd="/",
            input=row.stdin.encode() or b"nobody reads this",
            capture_output=True,
            check=True,
        )
        outcomes.append((done.stdout, done.stderr, way.side.read()["pending"], len(way.side.calls)))
    assert outcomes[0] == outcomes[1]
    assert (b"left: nobody reads this" in outcomes[0][0]) is not bool(row.stdin)
    assert bool(row.stdin) is (tool in READERS)
