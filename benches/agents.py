"""Hook tools with an agent that listens: over its socket beside processes, from Python and from bash.

The agent and the hook tools are those of ``tests/agent``, in Go, with Go's own net/rpc.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

from commands import install
from environments import BENCHES, CACHE, ROOT, BenchmarkError, Environment

SOURCES = ROOT / "tests" / "agent"

#: Tools of a handler in bash, and times that each is called.
TOOLS_IN_BASH = 10

#: Budgets: times faster, or less.
CALL, HOOK, BASH = 50.0, 5.0, 3.0

ABOUT = (
    "Rows 21 to 24: an agent in Go (`tests/agent`, Go's own net/rpc), which answers from a table; the hook "
    "tools started as processes are a client in Go, statically linked, which does what Juju's jujuc does and "
    "is much smaller than that. A call: `check_output`, 1,000 over the socket and 100 processes, in turns. "
    "The hook with 100 hook tools is `benches/agent`, wall clock, median of 15 hooks, the versions taking "
    "turns; its processes are counted by an audit hook. Bash: ten hook tools in one script, CPU of the "
    "script without that of the same script with ten times `:`; median of 15."
)

_ANSWERS = {
    "config-get": '{"port":80}\n',
    "relation-get": '"value"\n',
    "relation-list": '["pg/0"]\n',
    "relation-ids": '["db:0"]\n',
    "opened-ports": '["80/tcp"]\n',
    "is-leader": "true\n",
    "unit-get": '"10.0.0.1"\n',
    "network-get": "bind-addresses: []\n",
    "status-get": '{"status": "unknown", "message": ""}\n',
}
_TOOLS = [*_ANSWERS, "juju-log", "status-set", "application-version-set", "relation-set"]

_CALLS = """
import json, os, subprocess, sys, time
import charms.reactive
from charms_reactive._juju import calls
command = ["config-get", "--all", "--format=json"]
expected = subprocess.check_output(command)
if calls.check_output(command) != expected or not calls.usable():
    sys.exit("the agent does not answer")
found = {"socket": [], "process": []}
for _ in range(10):
    for name, call, times in ("socket", calls.check_output, 100), ("process", subprocess.check_output, 10):
        began = time.perf_counter()
        for _ in range(times):
            call(command)
        found[name].append((time.perf_counter() - began) / times)
print(json.dumps(found))
"""

# Runs the hook with every process that it starts counted.
_COUNTED = """
import os, sys
started = []
events = "subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty"
sys.addaudithook(lambda event, details: started.append(event) if event in events else None)
from charms.reactive import main
main()
print("started: %d" % len(started))
"""


class Agent:
    """The agent in Go while hooks run, and what they find in their environment.

    Args:
        directory: where its socket and its tools are to be.
        answers: what a tool prints, in place of ``_ANSWERS``; nothing where it is not there.
    """

    def __init__(self, directory: Path, answers: Optional[Mapping[str, str]] = None) -> None:
        go = _built()
        self.tools = directory / "tools"
        self.tools.mkdir(parents=True)
        for tool in _TOOLS:
            (self.tools / tool).symlink_to(go / "jujuc")
        table = directory / "answers.json"
        table.write_text(json.dumps(_ANSWERS if answers is None else answers))
        self.calls = directory / "calls"
        address = str(directory / "agent.socket")
        self.variables = {
            "JUJU_AGENT_SOCKET_ADDRESS": address,
            "JUJU_AGENT_SOCKET_NETWORK": "unix",
            "JUJU_CONTEXT_ID": "bench/0-update-status-1",
            "JUJU_HOOK_NAME": "update-status",
            "JUJU_UNIT_NAME": "bench/0",
            "JUJU_MODEL_NAME": "bench",
            "JUJU_VERSION": "3.6.0",
            "PATH": "%s:/usr/bin:/bin" % self.tools,
        }
        self._process = subprocess.Popen(
            [str(go / "server"), "-address", address, "-answers", str(table), "-calls", str(self.calls)],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            raise BenchmarkError("the agent in Go does not start")

    def close(self) -> None:
        """End the agent."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _built() -> Path:
    """The programs in Go, built once; Go is installed where it is missing."""
    subprocess.run([str(ROOT / "packaging" / "golang.sh")], check=True, stdout=subprocess.DEVNULL)
    target = CACHE / "go"
    target.mkdir(parents=True, exist_ok=True)
    command = ["go", "build", "-o", str(target) + os.sep, "./server", "./jujuc"]
    subprocess.run(command, cwd=str(SOURCES), check=True, env={**os.environ, "GOFLAGS": "-buildvcs=false"})
    return target


@contextmanager
def _agent() -> Iterator[Agent]:
    directory = Path(tempfile.mkdtemp(prefix="reactive-bench-"))
    agent = Agent(directory)
    try:
        yield agent
    finally:
        agent.close()
        shutil.rmtree(str(directory))


def call_times(environment: Environment) -> Dict[str, List[float]]:
    """Seconds of a call of a hook tool from Python, over the socket and as a process."""
    with _agent() as agent:
        found: Dict[str, List[float]] = json.loads(environment.run(["-c", _CALLS], **agent.variables))
        return found


class _Hook:
    """A unit of the charm with a hundred hook tools, in one environment."""

    def __init__(self, environment: Environment, agent: Agent, directory: Path) -> None:
        self._environment = environment
        self._agent = agent
        self._charm = directory
        shutil.copytree(str(BENCHES / "agent"), str(directory))

    def _run(self, arguments: List[str]) -> str:
        self._agent.calls.write_text("")
        directory = {"CHARM_DIR": str(self._charm), "JUJU_CHARM_DIR": str(self._charm)}
        printed = self._environment.run(arguments, cwd=self._charm, **self._agent.variables, **directory)
        asked = len(self._agent.calls.read_text().splitlines())
        if asked < 100:
            raise BenchmarkError("%s: the hook has called %d hook tools" % (self._environment.name, asked))
        return printed

    def wall(self) -> float:
        """Seconds of one hook."""
        entry = ["-S", "-E", str(BENCHES / "spawn.py"), self._environment.python, "hooks/plain"]
        printed = self._run(entry)
        spent: Dict[str, Any] = json.loads(printed.splitlines()[-1])
        if spent["status"]:
            raise BenchmarkError("%s: the hook failed:\n%s" % (self._environment.name, printed))
        return float(spent["wall"])

    def processes(self) -> int:
        """How many processes one hook starts."""
        printed = self._run(["-c", _COUNTED])
        return int(printed.rpartition("started: ")[2])


def hook_times(
    ours: Mapping[str, Environment], old: Environment, runs: int
) -> Dict[str, Dict[str, List[float]]]:
    """Wall-clock seconds and processes of a hook with a hundred hook tools."""
    everybody = {**ours, old.name: old}
    with _agent() as agent:
        root = Path(tempfile.mkdtemp(prefix="reactive-bench-"))
        try:
            hooks = {name: _Hook(one, agent, root / name) for name, one in everybody.items()}
            times: Dict[str, List[float]] = {name: [] for name in hooks}
            for _ in range(runs + 1):
                for name, hook in hooks.items():
                    times[name].append(hook.wall())
            processes = {name: [float(hook.processes())] for name, hook in hooks.items()}
        finally:
            shutil.rmtree(str(root))
    return {"wall": {name: every[1:] for name, every in times.items()}, "processes": processes}


def bash_times(environment: Environment, runs: int) -> Dict[str, List[float]]:
    """CPU seconds of ten hook tools in a bash script: Go's client, our program, and none at all."""
    program = install(environment)["native"]
    called = "\n".join(
        ["config-get port", "relation-get -r db:0 - pg/0", "status-set active x", "is-leader", "juju-log x"]
        * (TOOLS_IN_BASH // 5)
    )
    with _agent() as agent:
        links = agent.tools.parent / "hook-tools-3.6.0"
        links.mkdir()
        for tool in _TOOLS:
            (links / tool).symlink_to(program)
        path = agent.variables["PATH"]
        cases = {
            "Go": (called, path),
            "program": (called, "%s:%s" % (links, path)),
            "none": ("\n".join([":"] * TOOLS_IN_BASH), path),
        }
        times: Dict[str, List[float]] = {name: [] for name in cases}
        for _ in range(runs + 1):
            for name, (script, search) in cases.items():
                variables = {**agent.variables, "PATH": search}
                # Ten times in one script: a tick of the processor's clock is long beside one tool.
                arguments = ["-S", "-E", str(BENCHES / "spawn.py"), "/bin/bash", "-c"]
                arguments.append("for turn in {1..10}; do\n%s\ndone >/dev/null" % script)
                spent = json.loads(environment.run(arguments, **variables))
                if spent["status"]:
                    raise BenchmarkError("a script of hook tools failed")
                times[name].append(spent["cpu"] / 10)
        asked = len(agent.calls.read_text().splitlines())
        if asked != 2 * 10 * TOOLS_IN_BASH * (runs + 1):
            raise BenchmarkError("the scripts have called %d hook tools" % asked)
    return {name: every[1:] for name, every in times.items()}


if __name__ == "__main__":
    sys.exit("see run.py: rows 21 to 24")
