"""The two programs, and units on which they run."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sysconfig
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Union

import pytest

PROGRAMS = {"native": "charms.reactive", "python": "charms.reactive-python"}

#: The tables that charmhelpers makes.
SCHEMA = """
CREATE TABLE kv (key TEXT, data TEXT, PRIMARY KEY (key));
CREATE TABLE kv_revisions (key TEXT, revision INTEGER, data TEXT, PRIMARY KEY (key, revision));
CREATE TABLE hooks (version INTEGER PRIMARY KEY AUTOINCREMENT, hook TEXT, date TEXT);
"""

BROKEN_FRAMEWORK = 'raise ImportError("a quick command has no business with charmhelpers")\n'


class Finished(NamedTuple):
    """What a process left behind."""

    status: int
    out: str
    err: str


class Program:
    """One of the programs, as it is installed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = Path(sysconfig.get_path("scripts")) / PROGRAMS[name]
        if not self.path.exists():
            pytest.fail("there is no %s; run `make dev`" % self.path, pytrace=False)
        is_native = self.path.read_bytes()[:4] == b"\x7fELF"
        if is_native != (name == "native"):
            pytest.fail(
                "%s is not the %s program. Build it, or say --pure-only if it is not meant to be here"
                % (self.path, name),
                pytrace=False,
            )


class LentBy:
    """A hook that goes on, as the hook file tells it, and has lent its state if the rows say so.

    Args:
        unit: of which it is a hook.
        before: the lines of the file before it: hooks that are lost.
    """

    name = "4194302 boot 1 pid:[1] abc"

    def __init__(self, unit: Unit, *before: str) -> None:
        self.path = Path(str(unit.file) + "-hook")
        self._file = self.path.open("w", encoding="utf-8")
        self._file.write("".join(line + "\n" for line in (*before, self.name)))
        self._file.flush()
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def die(self) -> None:
        """As the kernel does for it."""
        self._file.close()

    def succeed(self) -> None:
        self.path.unlink()
        self._file.close()


class Unit:
    """A charm directory with a state file, and the environment of its hooks.

    Attributes:
        env: the environment of the commands.
        path: the program's file.
    """

    def __init__(self, directory: Path, program: Program) -> None:
        self.directory = directory
        self.program = program
        self.path = program.path
        directory.mkdir(parents=True)
        (directory / "metadata.yaml").write_text("name: app\nrequires: {db: {interface: sql}}\n")
        self.file = directory / ".unit-state.db"
        connection = sqlite3.connect(str(self.file))
        connection.executescript(SCHEMA)
        connection.close()
        self.env: Dict[str, str] = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "CHARM_DIR": str(directory),
            "JUJU_CHARM_DIR": str(directory),
            "JUJU_UNIT_NAME": "app/0",
            "JUJU_HOOK_NAME": "update-status",
        }

    def without_framework(self) -> None:
        """Let a command that needs the framework fail, and the native one that needs Python, too."""
        poisoned = self.directory.parent / "poisoned"
        (poisoned / "charmhelpers").mkdir(parents=True)
        (poisoned / "charmhelpers/__init__.py").write_text(BROKEN_FRAMEWORK)
        self.env["PYTHONPATH"] = str(poisoned)
        if self.program.name == "native":
            self.path = self.directory.parent / "alone"
            shutil.copy(str(self.program.path), str(self.path))

    def run(
        self, *words: Union[str, bytes], env: Optional[Mapping[str, str]] = None, timeout: float = 60
    ) -> Finished:
        """Run a command."""
        command: List[Union[str, bytes]] = [str(self.path), *words]
        done = subprocess.run(
            command,
            cwd=str(self.directory),
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Begin a command and do not wait for it."""
        command = [str(self.path), *words]
        return subprocess.Popen(
            command, cwd=str(self.directory), env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(str(self.file), timeout=60, isolation_level=None)

    def write(self, rows: Mapping[str, Any]) -> None:
        """Write rows of the unit state; a value that is ``None`` in Python is ``null``."""
        connection = self.connect()
        connection.execute("BEGIN IMMEDIATE")
        for key, value in rows.items():
            connection.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", (key, json.dumps(value)))
        connection.execute("COMMIT")
        connection.close()

    def set(self, *flags: str) -> None:
        self.write({"reactive.states." + flag: None for flag in flags})

    def rows(self) -> Dict[str, Any]:
        """All rows of the unit state."""
        connection = self.connect()
        rows = connection.execute("SELECT key, data FROM kv").fetchall()
        connection.close()
        return {key: json.loads(data) for key, data in rows}

    def flags(self) -> List[str]:
        begin = "reactive.states."
        return sorted(key[len(begin) :] for key in self.rows() if key.startswith(begin))
