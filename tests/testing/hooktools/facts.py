"""The Juju side that facts are held against, and the ways to ask its hook tools."""

from __future__ import annotations

import copy
import json
import os
import shlex
import subprocess
from base64 import b64decode, b64encode
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar, Dict, Mapping, Optional, Sequence, Tuple

from rows import IDS

from charms_reactive._juju.agent import Agent
from charms_reactive.testing import hooktools

CONTEXT = "app/0-hook-1"

METADATA = {
    "name": "app",
    "requires": {"db": {"interface": "pgsql"}},
    "provides": {"web": {"interface": "http"}},
    "peers": {"ring": {"interface": "ring"}},
    "extra-bindings": {"public": None},
    "payloads": {"monitor": {"type": "docker"}},
    "resources": {"image": {"type": "file"}, "absent": {"type": "file"}},
    "storage": {
        "data": {"type": "filesystem", "multiple": {"range": "0-2"}},
        "logs": {"type": "filesystem", "multiple": {"range": "1+"}},
        "cache": {"type": "block"},
    },
}

OURS, MINE, THEIRS, HIDDEN = (IDS[name] for name in ("$OURS", "$MINE", "$THEIRS", "$HIDDEN"))


def a_juju(given: Mapping[str, Any], juju_version: str = "3.6.0") -> Dict[str, Any]:
    """The Juju side of app/0, related to pg by db:0 and to app/1 by ring:1; with changes."""
    juju = hooktools.new_juju(
        "app/0",
        METADATA,
        juju_version=juju_version,
        address="10.0.0.5",
        config={"port": 80, "ratio": 0.5, "whole": 2.0, "debug": True, "note": None, "name": "<a&b>"},
        resources={"image": "/resources/image"},
        storages={
            "data/3": {"kind": "filesystem", "location": "/srv/data"},
            "cache/4": {"kind": "block", "location": "/dev/sdb"},
        },
        relations_made=2,
        metrics_declared=["users"],
    )
    juju["relations"]["db:0"] = hooktools.new_relation(
        juju, "pg", {"pg/1": {"host": "h1"}, "pg/0": {"host": "h0", "port": "5432"}}, {"schema": "s"}
    )
    juju["relations"]["ring:1"] = hooktools.new_relation(juju, "app", {"app/1": {"id": "1"}})
    juju["relations"]["ring:1"]["local-application"] = {"token": "t"}
    juju["secrets"] = {
        OURS: hooktools.new_secret("app", {"password": "p1"}, label="admin"),
        MINE: hooktools.new_secret("app/0", {"key": "k1"}),
        THEIRS: hooktools.new_secret(
            "pg",
            {},
            latest=2,
            revisions={"1": {"user": "u1"}, "2": {"user": "u2"}},
            access=[{"target": "app", "relation": "db:0"}],
        ),
        HIDDEN: hooktools.new_secret("", {"token": "x"}),
    }
    for path, value in given.items():
        *keys, last = path.split(".")
        place = juju
        for key in keys:
            place = place[key]
        place[last] = copy.deepcopy(value)
    return juju


def found(juju: Mapping[str, Any], path: str) -> Any:
    """What is at a path of keys joined with ``.``; ``None`` if there is nothing."""
    value: Any = juju
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


Asked = Tuple[int, str, str]


class InMemory:
    """Asks by ``call``, without a process."""

    def __init__(self, juju: Dict[str, Any]) -> None:
        self.side = hooktools.MemorySide(juju, CONTEXT)

    def ask(self, line: str, stdin: str, environ: Mapping[str, str]) -> Asked:
        tool, *words = shlex.split(line)
        status, stdout, stderr = hooktools.call(
            self.side, tool, words, {"JUJU_CONTEXT_ID": CONTEXT, **environ}, stdin.encode
        )
        return status, stdout.decode(), stderr.decode()


class Executables:
    """Asks the real executables, each a process."""

    def __init__(self, directory: Path, juju: Dict[str, Any]) -> None:
        self.side = hooktools.FileSide(directory)
        self.side.write(juju)
        self.side.context = CONTEXT
        self.side.calls = []

    def ask(self, line: str, stdin: str, environ: Mapping[str, str]) -> Asked:
        tool, *words = shlex.split(line)
        done = subprocess.run(
            [os.path.join(self.side.directory, "bin", tool), *words],
            env={"JUJU_CONTEXT_ID": CONTEXT, **environ},
            input=stdin.encode(),
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()


class OverSocket:
    """Asks an agent over its socket, as the framework does in a hook; all over one connection."""

    _agent: ClassVar[Optional[Agent]] = None

    def __init__(self, directory: Path, juju: Dict[str, Any], environment: Mapping[str, str]) -> None:
        self.side = hooktools.FileSide(directory)
        self.side.write(juju)
        self.side.context = CONTEXT
        self.side.calls = []
        self.environment = environment

    def ask(self, line: str, stdin: str, environ: Mapping[str, str]) -> Asked:
        agent = OverSocket._agent
        if agent is None or environ or not agent.usable(self.environment):
            self.close()
            agent = OverSocket._agent = Agent(self.environment)
        status, stdout, stderr = agent.ask(shlex.split(line), stdin.encode)
        return status, stdout.decode(), stderr.decode()

    @staticmethod
    def close() -> None:
        """Close the connection that rows have shared."""
        agent, OverSocket._agent = OverSocket._agent, None
        if agent is not None:
            agent.close()


class OverSocketByGo:
    """Asks an agent over its socket with a client that is Go's own ``net/rpc``; all by one process.

    Attributes:
        read: how many calls asked for stdin, by tool.
        asked: how many calls there were, by tool.
    """

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.read: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()

    def at(self, directory: Path, juju: Dict[str, Any], address: str) -> OverSocketByGo:
        """The same client, for a Juju side and the address of its agent."""
        self.side = hooktools.FileSide(directory)
        self.side.write(juju)
        self.side.context = CONTEXT
        self.side.calls = []
        self._address = address
        return self

    def ask(self, line: str, stdin: str, _: Mapping[str, str]) -> Asked:
        tool, *words = shlex.split(line)
        call = {
            "Address": self._address,
            "Context": CONTEXT,
            "Dir": "/",
            "Tool": tool,
            "Args": [_in_base64(word) for word in words],
            "Stdin": _in_base64(stdin),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(call).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        self.asked[tool] += 1
        self.read[tool] += answer["Read"]
        out, err = (b64decode(answer[name] or "").decode() for name in ("Stdout", "Stderr"))
        return answer["Code"], out, err

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(10) == 0
        self._process.stdout.close()


def _in_base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


class OverSocketByProgram(OverSocket):
    """Asks an agent over its socket with the program that handlers in bash find under the tools' names."""

    def __init__(
        self, directory: Path, juju: Dict[str, Any], environment: Mapping[str, str], links: Sequence[Path]
    ) -> None:
        super().__init__(directory, juju, environment)
        self._path = os.pathsep.join(map(str, links))

    def ask(self, line: str, stdin: str, environ: Mapping[str, str]) -> Asked:
        tool, *words = shlex.split(line)
        done = subprocess.run(
            [tool, *words],
            executable=os.path.join(self._path.split(os.pathsep)[0], tool),
            env={**self.environment, "PATH": self._path},
            input=stdin.encode(),
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()
