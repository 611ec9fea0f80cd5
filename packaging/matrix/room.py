"""Where an installation happens: a directory, variables, and commands that have no network."""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence

from .transcript import Failure, Transcript, clean

ROOT = Path(__file__).resolve().parents[2]

#: A proxy that is not there, for machines where the network cannot be cut off.
NOBODY = "http://127.0.0.1:9"


@functools.lru_cache(maxsize=None)
def can_unshare(flags: str) -> bool:
    """Whether commands can be started in namespaces of their own, such as ``-n`` without network."""
    if not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", flags, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0


class System(NamedTuple):
    """Another system that commands can run in.

    Attributes:
        root: its root directory.
        title: its name for itself, from its os-release.
    """

    root: Path
    title: str

    def prefix(self, shared: Path, directory: Path) -> List[str]:
        """What runs a command in a directory of it, in a mount namespace of its own."""
        script = str(ROOT / "packaging/matrix/in_system.sh")
        return [script, str(self.root), str(shared), str(directory)]


class Room:
    """One installation: where it is, what its commands see, and the transcript of them.

    Attributes:
        transcript: what is written down.
        directory: the installation's own; the home directory of its commands too.
        venv: its virtual environment, once there is one.
        environment: the variables of its commands. None of the caller's is among them.
        system: the one its commands run in; None for this machine's.
        networked: whether commands reach the network; only for what prepares an installation.
    """

    def __init__(self, transcript: Transcript, directory: Path, system: Optional[System] = None) -> None:
        self.transcript = transcript
        self.directory = directory
        self.system = system
        if directory.exists():
            shutil.rmtree(str(directory))
        directory.mkdir(parents=True)
        self.venv = directory / "venv"
        self.networked = False
        self.environment = {
            "PATH": os.pathsep.join([str(self.venv / "bin"), "/usr/bin", "/bin", "/usr/sbin", "/sbin"]),
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "PIP_PROGRESS_BAR": "off",
            # Cython compiles itself for minutes otherwise; PyYAML builds with it either way.
            "NO_CYTHON_COMPILE": "true",
        }
        if not can_unshare("-n"):
            self.environment.update(http_proxy=NOBODY, https_proxy=NOBODY)
        transcript.places.update({str(directory): "<room>", str(self.venv): "<venv>", str(ROOT): "<source>"})

    def describe(self) -> None:
        """Say at the top of the transcript under which conditions the commands run."""
        how = "in a network namespace without any network (unshare -n)"
        if not can_unshare("-n"):
            how = "with a proxy that is not there, as the network cannot be cut off here"
        self.transcript.say("All commands run %s, with these variables alone:" % how)
        for name, value in sorted(self.environment.items()):
            self.transcript.say("    %s=%s" % (name, value))

    def run(
        self,
        *words: str,
        status: Optional[int] = 0,
        contains: Sequence[str] = (),
        inside: Optional[Path] = None,
        os_release: Optional[Path] = None,
        variables: Optional[Mapping[str, str]] = None,
        hidden: Optional[Mapping[str, str]] = None,
    ) -> str:
        """Run a command, write it down, and return what it printed, standard error too.

        Args:
            status: how it has to end; None for any.
            contains: what has to be in its output.
            inside: the directory it runs in, else that of the installation.
            os_release: a file that it sees as ``/etc/os-release``; the name ``none`` for no such file.
            variables: more variables, which are shown.
            hidden: more variables, which are not, as they are this machine's.

        Raises:
            Failure: it ended otherwise, or printed something else.
        """
        where = inside or self.directory
        prefix = self._prefix(where)
        variables = variables or {}
        shown = ["%s=%s" % item for item in variables.items()]
        if os_release is not None:
            name = "none" if os_release.name == "none" else str(os_release)
            prefix = ["unshare", "-m", *prefix, str(ROOT / "packaging/matrix/with_os_release.sh"), name]
            shown += ["with_os_release.sh", os_release.name]
        shown += [shlex.quote(word) for word in words]
        done = subprocess.run(
            prefix + list(words),
            cwd=str(where),
            env={**self.environment, **variables, **(hidden or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output = done.stdout.decode("utf-8", errors="replace")
        self.transcript.command(" ".join(shown), output, done.returncode)
        if status is not None and done.returncode != status:
            raise Failure(
                "`%s` ended with %d: %s"
                % (self.short(words), done.returncode, last_error(clean(output, self.transcript.places)))
            )
        for text in contains:
            if text not in output:
                raise Failure("`%s` does not say %r" % (self.short(words), text))
        return output

    def short(self, words: Sequence[str]) -> str:
        """The beginning of a command, for a message."""
        return clean(" ".join(words[:4]), self.transcript.places)

    def _prefix(self, where: Path) -> List[str]:
        """What runs a command in this directory without network, and in the other system if there is one."""
        namespaces = [] if self.networked or not can_unshare("-n") else ["-n"]
        if self.system:
            shared = self.directory.parent.parent
            return ["unshare", "-m", *namespaces, *self.system.prefix(shared, where)]
        return ["unshare", *namespaces] if namespaces else []

    @property
    def python(self) -> str:
        return str(self.venv / "bin" / "python")

    def pip(
        self,
        *words: str,
        status: Optional[int] = 0,
        contains: Sequence[str] = (),
        variables: Optional[Mapping[str, str]] = None,
        hidden: Optional[Mapping[str, str]] = None,
    ) -> str:
        """Run the virtual environment's pip, as ``run`` does."""
        command = [self.python, "-m", "pip", *words]
        return self.run(*command, status=status, contains=contains, variables=variables, hidden=hidden)

    def use_venv(self, venv: Path) -> None:
        """Take another directory for the virtual environment."""
        self.environment["PATH"] = self.environment["PATH"].replace(str(self.venv), str(venv))
        self.venv = venv
        self.transcript.places[str(venv)] = "<venv>"

    def make_venv(self, python: str, *options: str) -> None:
        """Make the virtual environment, with the pip that this Python comes with."""
        minor = ".".join(self.transcript.fields["Python"].split(".")[:2])
        self.transcript.places[python] = "<python%s>" % minor
        base = str(Path(python).resolve().parents[1])
        if base != "/usr":
            self.transcript.places[base] = "<prefix>"
        self.run(python, "-m", "venv", *options, str(self.venv))

    def versions(self) -> Dict[str, str]:
        """The versions of pip and setuptools in the virtual environment; "none" for what is not there."""
        found = {}
        for name in ("pip", "setuptools"):
            script = "import %s; print(%s.__version__)" % (name, name)
            done = subprocess.run(
                self._prefix(self.directory) + [self.python, "-c", script],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self.environment,
                check=False,
            )
            found[name] = done.stdout.decode().strip() or "none"
        return found


def last_error(output: str) -> str:
    """The line of a failed command's output that says most, for a table."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for pattern in (r"(ERROR|error): ", r"\w*Error\b", ""):
        for line in reversed(lines):
            if re.match(pattern, line):
                return line[:160]
    return "nothing was said"
