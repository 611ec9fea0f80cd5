"""A charm whose one hook is what a test says, run in this interpreter; for several test files."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, List, Optional

from charms_reactive.testing import hooktools
from charms_reactive.testing._running import inprocess

METADATA = "name: probe\nrequires:\n  db: {interface: pgsql}\n"
CONFIG = "options:\n  port: {type: int, default: 80}\n  motto: {type: string, default: näïve}\n"


class Probe:
    """A charm in a directory, and the Juju side of its unit in memory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.write("metadata.yaml", METADATA)
        self.write("config.yaml", CONFIG)
        juju = hooktools.new_juju("probe/0", config={"port": 80, "motto": "näïve"}, bindings=["db"])
        self.side: Any = hooktools.MemorySide(juju, "probe/0-1")
        self.environment: Dict[str, str] = {
            "CHARM_DIR": str(directory),
            "JUJU_CHARM_DIR": str(directory),
            "JUJU_CONTEXT_ID": "probe/0-1",
            "JUJU_UNIT_NAME": "probe/0",
            "JUJU_VERSION": "3.6.0",
            "LANG": "C.UTF-8",
            "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"],
        }

    def write(self, name: str, text: str, executable: bool = False) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        if executable:
            path.chmod(0o755)
        return path

    def python(self, text: str, **more: Any) -> inprocess.Executed:
        """Run a hook file of these lines."""
        self.write("hooks/probe", "#!/usr/bin/env python3\n" + textwrap.dedent(text), executable=True)
        return self.run("probe", **more)

    def handlers(self, text: str, **more: Any) -> inprocess.Executed:
        """Run the framework with a module of these lines, and the usual names imported."""
        imports = "from charms.reactive import *\nfrom charmhelpers.core import hookenv, unitdata\n"
        self.write("reactive/probe.py", imports + textwrap.dedent(text))
        return self.run("probe", **more)

    def run(self, hook: str, environment: Optional[Dict[str, str]] = None, **more: Any) -> inprocess.Executed:
        self.side.calls.clear()
        variables = {"JUJU_HOOK_NAME": hook, "JUJU_DISPATCH_PATH": "hooks/" + hook, **self.environment}
        variables.update(environment or {})
        return inprocess.execute(self.directory, "hooks/" + hook, variables, self.side, **more)

    @property
    def calls(self) -> List[List[str]]:
        """The hook tools that were called in the last hook, as command lines."""
        return [[call[2], *call[3]] for call in self.side.calls if len(call) == 4]

    @property
    def logged(self) -> str:
        """What was logged in the last hook."""
        return "\n".join(call[-1] for call in self.calls if call[0] == "juju-log")
