"""A machine for a unit: this one, with what a unit writes outside its directory kept apart.

layer:basic writes to the home of root, to /usr/local and to /usr/bin, and installs packages of the system.
Here all of it goes into a directory that is thrown away, and what would install packages only notes it. It
takes Linux, root and overlay file systems; without them nothing is run at all.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence

__all__ = ["Machine", "MachineError"]

IN_MACHINE = Path(__file__).resolve().with_name("in_machine.sh")


class MachineError(Exception):
    """A command failed in the machine, or there can be none here; the message says what it printed."""


class Machine:
    """A machine with a Python of its own as python3 and pip3.

    Args:
        directory: where what is written in it is kept.
        python: a Python below the home of root or /usr, which the machine has as its own.
        release: the Ubuntu that it is by name, such as "22.04".
        below: the machine that it is made of.
    """

    def __init__(self, directory: Path, python: str, release: str, below: Optional[Machine] = None) -> None:
        self.directory = directory
        self.python = python
        self.release = release
        self._lowers: List[Path] = [below.directory, *below._lowers] if below else []
        directory.mkdir(parents=True, exist_ok=True)

    def environment(self, path: Sequence[str] = ()) -> Dict[str, str]:
        """The variables of a process of the system there; more directories may come first on PATH."""
        programs = [*path, str(Path(self.python).parent), "/usr/local/sbin", "/usr/local/bin"]
        return {
            "PATH": os.pathsep.join([*programs, "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_ROOT_USER_ACTION": "ignore",
        }

    def command(self, words: Sequence[str], network: bool = False) -> List[str]:
        """The command that runs another one in the machine."""
        lowers = ":".join(map(str, self._lowers))
        apart = ["unshare", "--mount"] + ([] if network else ["--net"])
        return [*apart, str(IN_MACHINE), str(self.directory), lowers, self.release, *words]

    def run(
        self,
        words: Sequence[str],
        cwd: Optional[Path] = None,
        environment: Optional[Mapping[str, str]] = None,
        network: bool = False,
    ) -> str:
        """What a command prints, without its errors.

        Raises:
            MachineError: it failed.
        """
        done = subprocess.run(
            self.command(words, network),
            cwd=str(cwd or self.directory),
            env=dict(self.environment() if environment is None else environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise MachineError("%s ended with %d:\n%s" % (" ".join(words), done.returncode, said))
        return done.stdout.decode(errors="replace")

    def packages(self) -> List[str]:
        """What was asked of the system's package managers, command by command."""
        noted = self.directory / "packages"
        return noted.read_text().splitlines() if noted.exists() else []
