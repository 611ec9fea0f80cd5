"""Agents to ask: one in Go, with Go's own ``net/rpc``, built for these tests, and the desk's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Type

SOURCES = Path(__file__).resolve().parent
INSTALL = SOURCES.parents[1] / "packaging" / "golang.sh"
CONTEXT = "app/0-hook-1"


class Go:
    """The programs in Go: an agent, and the client that is every hook tool.

    Attributes:
        server: the agent's program.
        jujuc: the client's.
        vectors: the program that shows what Go's encoder makes.
        asker: the client that asks many times.
    """

    def __init__(self, directory: Path) -> None:
        if shutil.which("go") is None:
            subprocess.run([str(INSTALL)], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(
            ["go", "build", "-o", str(directory) + os.sep, "./server", "./jujuc", "./vectors", "./asker"],
            cwd=str(SOURCES),
            check=True,
            env={**os.environ, "GOFLAGS": "-buildvcs=false", "GO111MODULE": "on"},
        )
        self.server = directory / "server"
        self.jujuc = directory / "jujuc"
        self.vectors = directory / "vectors"
        self.asker = directory / "asker"


class GoAgent:
    """An agent in Go, as a context manager.

    Args:
        go: the programs.
        *options: of the agent; see ``server/main.go``.
        context: the id of the hook.
        address: where it listens; by default on a file.
        side: the directory of a ``FileSide``, for real answers.
        answers: what each tool prints.
        variables: of the hook, for real answers.
    """

    def __init__(
        self,
        go: Go,
        *options: str,
        context: str = CONTEXT,
        address: Optional[str] = None,
        side: Optional[Path] = None,
        answers: Optional[Mapping[str, str]] = None,
        variables: Mapping[str, str] = {},
    ) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="agent-"))
        self.address = address or str(self._directory / "agent.socket")
        self.calls_file = self._directory / "calls"
        self._command = [str(go.server), "-address", self.address, "-context", context]
        self._command += ["-calls", str(self.calls_file), *options]
        if answers is not None:
            file = self._directory / "answers"
            file.write_text(json.dumps(dict(answers)))
            self._command += ["-answers", str(file)]
        if side is not None:
            self._command += [sys.executable, str(SOURCES / "worker.py"), str(side)]
            self._command += ["%s=%s" % variable for variable in variables.items()]
        #: What a hook finds in its environment.
        self.environment: Dict[str, str] = {
            "JUJU_AGENT_SOCKET_ADDRESS": self.address,
            "JUJU_AGENT_SOCKET_NETWORK": "unix",
            "JUJU_CONTEXT_ID": context,
        }

    def __enter__(self) -> GoAgent:
        # A group of its own, so that the worker ends with the agent.
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, start_new_session=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.kill()
        shutil.rmtree(str(self._directory))

    def kill(self) -> None:
        """End the agent, in whatever it does."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def calls(self) -> List[List[str]]:
        """The commands that were run, each with its arguments."""
        if not self.calls_file.exists():
            return []
        return [json.loads(line) for line in self.calls_file.read_text().splitlines()]


def tools_directory(directory: Path, program: Path, *tools: str) -> Path:
    """A directory of hook tools that are links to a program, as Juju makes it."""
    directory.mkdir(parents=True, exist_ok=True)
    for tool in tools:
        (directory / tool).symlink_to(program)
    return directory


def asked(
    words: List[str], environment: Mapping[str, str], **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """A command, to its end."""
    return subprocess.run(
        words, env=dict(environment), capture_output=True, check=False, timeout=60, **options
    )
