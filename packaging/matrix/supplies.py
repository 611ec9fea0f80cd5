"""What installations are made from: sdist and wheels of this tree, wheelhouses, old pips, old setuptools.

All of it is kept below ``.cache/install-matrix``. This is the one part that needs the network, and it goes
through pip with the settings that the caller has for it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Dict, List, Optional

from .room import ROOT, last_error
from .transcript import Failure, Transcript

WHEELHOUSE_TXT = Path(__file__).resolve().parent / "wheelhouse.txt"

#: The pips that layer:basic's pin (pip<22.1) and Ubuntu 20.04 and its kin lead to, beside the newest.
OLD_PIPS = ("20.3.4", "22.0.4")

#: Releases of setuptools of the years 2019 to 2023, to find the oldest that runs on a Python.
OLD_SETUPTOOLS = ("40.8.0", "45.3.0", "59.8.0", "62.1.0", "65.5.0", "66.1.0", "68.2.0")

CANNOT = "cannot be had: "


class Supplies:
    """All that is fetched or built, each when it is first asked for.

    Attributes:
        directory: where it is kept.
        dist: where the sdist and the wheels of this tree are.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.dist = directory / "dist"
        self._locks: Dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def build(self) -> None:
        """Build sdist and wheels of this tree, or take those of ``make wheels`` if they are of this tree."""
        shutil.rmtree(str(self.dist), ignore_errors=True)
        self.dist.mkdir(parents=True)
        packaging = str(ROOT / "packaging")
        script = "import sys; sys.path.insert(0, %r); import build_backend as b; " % packaging
        script += "b.build_sdist(%r); b.source_archive(%r); b.build_wheel(%r, {'build': 'pure'})" % (
            (str(self.dist),) * 3
        )
        command([sys.executable, "-c", script])
        released = ROOT / "dist" / self.sdist().name
        if released.exists() and released.read_bytes() == self.sdist().read_bytes():
            for wheel in ROOT.joinpath("dist").glob("charms_reactive-*-abi3-*.whl"):
                shutil.copy2(str(wheel), str(self.dist))
        if not self.native_wheel():
            tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
            words = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(self.dist)]
            command(
                [sys.executable, "-m", "pip", *words, str(ROOT)], CHARMS_REACTIVE_BUILD="rust", PATH=tools
            )

    def sdist(self) -> Path:
        [path] = self.dist.glob("charms_reactive-*.tar.gz")
        return path

    def source(self) -> Path:
        """The archive of the whole source, with its tests."""
        [path] = self.dist.glob("charms_reactive_source-*.tar.gz")
        return path

    def pure_wheel(self) -> Path:
        [path] = self.dist.glob("charms_reactive-*-py3-none-any.whl")
        return path

    def native_wheel(self) -> Optional[Path]:
        return next(iter(self.dist.glob("charms_reactive-*-abi3-*.whl")), None)

    def wheel(self, engine: str) -> Path:
        """The wheel with this engine.

        Raises:
            Failure: it was not built.
        """
        wheel = self.native_wheel() if engine == "native" else self.pure_wheel()
        if wheel is None:
            raise Failure("no native wheel was built")
        return wheel

    def tools(self, python: str, minor: str) -> str:
        """The interpreter of an environment with the newest pip that runs on this Python."""
        venv = self.directory / ("tools-" + minor)
        with self._once(venv.name):
            if not (venv / "done").exists():
                shutil.rmtree(str(venv), ignore_errors=True)
                command([python, "-m", "venv", str(venv)])
                command([str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--upgrade", "pip"])
                (venv / "done").touch()
        return str(venv / "bin/python")

    def newest_pip(self, python: str, minor: str) -> Path:
        """A wheel of the newest pip that runs on this Python."""
        return self._newest(python, minor, "pip")

    def newest_setuptools(self, python: str, minor: str) -> Path:
        return self._newest(python, minor, "setuptools")

    def release(self, python: str, minor: str, requirement: str) -> Path:
        """A wheel of a release of a pure Python tool, such as ``pip==20.3.4``."""
        directory = self.directory / "releases" / requirement
        with self._once(str(directory)):
            if not list(directory.glob("*.whl")):
                self._download(self.tools(python, minor), directory, requirement)
        return next(directory.glob("*.whl"))

    def wheelhouse(self, python: str, minor: str, transcript: Transcript, fresh: bool) -> Path:
        """A wheelhouse of sdists, as charm-tools makes it on this Python, with this tree's sdist in it.

        Args:
            transcript: what is told how it was made.
            fresh: make it even if there is one.
        """
        wanted = WHEELHOUSE_TXT.read_bytes() + ROOT.joinpath("pyproject.toml").read_bytes()
        stamp = hashlib.sha256(wanted).hexdigest()
        directory = self.directory / ("wheelhouse-" + minor)
        made = directory.with_suffix(directory.suffix + ".made")
        with self._once(directory.name):
            if fresh or not made.exists() or made.read_text() != stamp:
                shutil.rmtree(str(directory), ignore_errors=True)
                tools = self._wheelhouse_tools(python, minor)
                told = command([tools, "-m", "pip", "--version"])
                transcript.fields["pip"] = told.split()[1]
                words = [tools, "-m", "pip", "download", "--no-binary", ":all:"]
                words += ["-d", str(directory), "-r", str(WHEELHOUSE_TXT), str(self.sdist())]
                places = {str(directory): "wheelhouse", str(ROOT): "<source>", tools: "python"}
                places[str(self.dist)] = "dist"
                transcript.places.update(places)
                transcript.say("With the network, and with NO_CYTHON_COMPILE=true:")
                output = command(words, NO_CYTHON_COMPILE="true")
                transcript.command(" ".join(words), output, 0)
                made.write_text(stamp)
            ours = directory / self.sdist().name
            if not ours.exists() or ours.read_bytes() != self.sdist().read_bytes():
                shutil.copy2(str(self.sdist()), str(ours))
            names = sorted(path.name for path in directory.iterdir())
            transcript.command("ls wheelhouse", "\n".join(names), 0)
        return directory

    def binaries(self, python: str, minor: str) -> Path:
        """Wheels of the dependencies, as people have them who install from the package index."""
        directory = self.directory / ("binaries-" + minor)
        with self._once(directory.name):
            if not directory.exists():
                making = directory.with_suffix(directory.suffix + ".making")
                shutil.rmtree(str(making), ignore_errors=True)
                tools = self.tools(python, minor)
                command([tools, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(making)] + dependencies())
                making.rename(directory)
        return directory

    def _wheelhouse_tools(self, python: str, minor: str) -> str:
        """layer:basic's pip where it starts: newer ones cannot read the sdists of setuptools of its time."""
        venv = self.directory / ("wheelhouse-tools-" + minor)
        pip = self.release(python, minor, "pip==" + OLD_PIPS[-1])
        starts = subprocess.run(
            [python, str(pip / "pip"), "--version"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if starts.returncode:
            return self.tools(python, minor)
        shutil.rmtree(str(venv), ignore_errors=True)
        command([python, "-m", "venv", str(venv)])
        command([str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--no-index", str(pip)])
        return str(venv / "bin/python")

    def _newest(self, python: str, minor: str, project: str) -> Path:
        directory = self.directory / "releases" / ("newest-%s-%s" % (project, minor))
        with self._once(directory.name):
            if not list(directory.glob("*.whl")):
                self._download(self.tools(python, minor), directory, project)
        return next(directory.glob("*.whl"))

    def _download(self, tools: str, directory: Path, requirement: str) -> None:
        words = ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "-d", str(directory)]
        if "==" in requirement:  # Whether it runs here is for the installation to find out.
            words.append("--ignore-requires-python")
        command([tools, "-m", "pip", *words, requirement])

    def _once(self, what: str) -> threading.Lock:
        """The lock of one thing, so that two jobs do not both make it."""
        with self._lock:
            return self._locks.setdefault(what, threading.Lock())


def dependencies() -> List[str]:
    """What the distribution requires, as pyproject.toml has it."""
    sys.path.insert(0, str(ROOT / "packaging"))
    try:
        import build_backend

        return list(build_backend.Project().project["dependencies"])
    finally:
        sys.path.remove(str(ROOT / "packaging"))


def command(words: List[str], **variables: str) -> str:
    """Run a command with the caller's environment and network; what it printed.

    Wheels that the caller has in a directory of its own are left out: others do not have them.

    Raises:
        Failure: it failed.
    """
    environment = {**os.environ, **variables}
    environment.pop("PIP_FIND_LINKS", None)
    return output_of(words, environment)


def output_of(words: List[str], environment: Dict[str, str], shown: str = "") -> str:
    """Run a command in exactly this environment; what it printed.

    Args:
        words: the command.
        environment: all of its variables.
        shown: what a failure begins with, after the words that say that it is about the machine.

    Raises:
        Failure: it failed.
    """
    done = subprocess.run(
        words,
        cwd=str(ROOT),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    output = done.stdout.decode("utf-8", errors="replace")
    if done.returncode:
        raise Failure("%s%s%s" % (CANNOT, shown, last_error(output)))
    return output
