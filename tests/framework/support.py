"""A charm to try the framework on: in this process, or with hooks that are processes of their own."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

import charms_reactive
from charms_reactive._juju import juju_log
from charms_reactive._unit_state import unit_state
from charms_reactive.bus import Handler, discover, dispatch

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = Path(charms_reactive.__file__).parent.parent
BASH_HELPER = REPOSITORY / "wheel-data" / "scripts" / "charms.reactive.sh"


class Charm:
    """A charm directory, with a state file, that tests fill."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.write("metadata.yaml", "name: app\n")

    def write(self, path: str, text: str, executable: bool = False) -> Path:
        """Write a file of the charm; common indentation is taken away."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        file.chmod(0o755 if executable else 0o644)
        return file

    def rows(self, prefix: str = "reactive.") -> Dict[str, Any]:
        """The committed rows of the unit state below a prefix."""
        path = self.directory / ".unit-state.db"
        if not path.exists():
            return {}
        connection = sqlite3.connect(str(path))
        try:
            rows = connection.execute("SELECT key, data FROM kv ORDER BY key").fetchall()
        finally:
            connection.close()
        return {key: json.loads(data) for key, data in rows if key.startswith(prefix)}

    def committed_flags(self) -> List[str]:
        return [key[len("reactive.states.") :] for key in self.rows("reactive.states.")]


class Framework(Charm):
    """The framework of this process, new for each test, beside a charm directory.

    Attributes:
        engine_name: ``native`` or ``pure``.
        logged: what reached Juju's log, each a pair of level and message.
        told: for tests: what their handlers and callbacks did, in order.
    """

    def __init__(self, directory: Path, engine_name: str, patches: Any) -> None:
        super().__init__(directory)
        self.engine_name = engine_name
        self.logged: List[Tuple[str, str]] = []
        self.told: List[Any] = []
        self._patches = patches

    def hook(self, name: str) -> None:
        """Say which hook this is."""
        self._patches.setenv("JUJU_HOOK_NAME", name)

    def strict(self) -> None:
        self._patches.setenv("CHARMS_REACTIVE_STRICT", "1")

    def dispatch(self, *flags: str, hook: str = "update-status", restricted: bool = False) -> List[Any]:
        """Set flags and dispatch; returns what the handlers told in it."""
        self.hook(hook)
        for flag in flags:
            charms_reactive.set_flag(flag)
        before = len(self.told)
        dispatch(restricted)
        return self.told[before:]

    def main(self, hook: str = "update-status") -> List[Any]:
        """Run a whole hook; returns what the handlers told in it."""
        self.hook(hook)
        before = len(self.told)
        charms_reactive.main()
        return self.told[before:]

    def discover(self) -> List[str]:
        """Discover; returns the ids of all handlers, in order."""
        discover()
        return [handler.id() for handler in Handler.get_handlers()]

    def hand_over(self) -> None:
        """Have logged what waits for that."""
        juju_log.hand_over()

    def lines(self, level: Optional[str] = None) -> List[str]:
        """Every line that was logged, at one level or at all."""
        return [
            line
            for logged_level, message in self.logged
            if level in (None, logged_level)
            for line in message.splitlines()
        ]

    @property
    def state(self) -> Any:
        return unit_state.unit


class Finished(NamedTuple):
    """What a process left behind."""

    status: int
    stdout: str
    stderr: str


JUJU_LOG = """\
#!/bin/sh
level=INFO
if [ "$1" = -l ]; then level=$2; shift 2; fi
printf '%s\\037%s\\036' "$level" "$1" >>"$TOOLS_SAID/juju-log"
"""

ANSWERING = """\
#!/bin/sh
echo {name} "$@" >>"$TOOLS_SAID/calls"
printf '%s\\n' {answer}
"""


class Unit(Charm):
    """A unit whose hooks are processes, with hook tools that are small shell scripts."""

    def __init__(self, directory: Path, engine_name: str) -> None:
        super().__init__(directory / "charm")
        self.engine_name = engine_name
        self.said = directory / "said"
        self.said.mkdir()
        self.bin = directory / "bin"
        self.bin.mkdir()
        self.tool("juju-log", JUJU_LOG)
        self.answer("config-get", "{}")
        for tool in ("relation-ids", "relation-list"):
            self.answer(tool, "[]")
        for tool in ("relation-get", "status-set", "relation-set", "application-version-set"):
            self.answer(tool, "{}")
        # What the wheel of this engine installs under that name.
        command = "charms.reactive" if engine_name == "native" else "charms.reactive-python"
        (self.bin / "charms.reactive").symlink_to(Path(sys.executable).parent / command)
        (self.bin / "charms.reactive.sh").symlink_to(BASH_HELPER)
        self.env: Dict[str, str] = {
            "PATH": "%s:/usr/local/bin:/usr/bin:/bin" % self.bin,
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "TOOLS_SAID": str(self.said),
            "CHARM_DIR": str(self.directory),
            "JUJU_CHARM_DIR": str(self.directory),
            "JUJU_UNIT_NAME": "app/0",
            "JUJU_CONTEXT_ID": "app/0-hook-1",
            "PYTHONPATH": str(PACKAGES),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CHARMS_REACTIVE_ENGINE": engine_name,
        }

    def tool(self, name: str, script: str) -> None:
        """Put a hook tool on the unit's PATH."""
        path = self.bin / name
        if path.is_symlink():
            path.unlink()  # and not what it points to
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)

    def answer(self, name: str, answer: str) -> None:
        """Let a hook tool note its call and print something."""
        self.tool(name, ANSWERING.format(name=name, answer=shlex.quote(answer)))

    def hook_file(self, path: str, source: str = "from charms.reactive import main\nmain()\n") -> None:
        self.write(path, "#!%s\n%s" % (sys.executable, source), executable=True)

    def run(
        self,
        hook: str = "update-status",
        entry: Optional[str] = None,
        env: Optional[Mapping[str, Optional[str]]] = None,
    ) -> Finished:
        """Run a hook as Juju does it; the default entry is ``hooks/NAME``, made if it is not there."""
        if entry is None:
            entry = "hooks/%s" % hook
            if not (self.directory / entry).exists():
                self.hook_file(entry)
        return self.execute([str(self.directory / entry)], {"JUJU_HOOK_NAME": hook, **(env or {})})

    def execute(self, command: List[str], env: Optional[Mapping[str, Optional[str]]] = None) -> Finished:
        """Run any command in the charm directory; a variable that is ``None`` is not there."""
        variables = {name: value for name, value in {**self.env, **(env or {})}.items() if value is not None}
        done = subprocess.run(
            command,
            cwd=str(self.directory),
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    def command(self, *arguments: str, env: Optional[Mapping[str, Optional[str]]] = None) -> Finished:
        """Run ``charms.reactive`` with arguments."""
        return self.execute([str(self.bin / "charms.reactive")] + list(arguments), env)

    def logged(self) -> List[Tuple[str, str]]:
        """The calls of ``juju-log``, each a pair of level and message."""
        path = self.said / "juju-log"
        if not path.exists():
            return []
        calls = path.read_bytes().decode().split("\x1e")[:-1]
        return [(call.split("\x1f")[0], call.split("\x1f")[1]) for call in calls]

    def log_text(self) -> str:
        return "\n".join(message for _, message in self.logged())

    def calls(self) -> List[str]:
        """The calls of all other hook tools, with their arguments."""
        path = self.said / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def invoked(self) -> List[str]:
        """The ids that the log says were invoked, in order."""
        begin = "Invoking reactive handler: "
        return [line[len(begin) :] for line in self.log_text().splitlines() if line.startswith(begin)]
