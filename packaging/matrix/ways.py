"""The installations, each of which is one row of the table and one transcript."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Callable, Iterator, NamedTuple, Optional, Sequence

from .checks import CHARM, check_installation, check_os_releases, check_setuptools, hook_variables
from .room import ROOT, Room, System
from .supplies import OLD_PIPS, Supplies
from .transcript import FAILED, OK, Failure, Transcript

# An installation is made in a room, and returns the result: "ok", or a fact that is not a failure.
Installation = Callable[[Room], str]


class Python(NamedTuple):
    """A CPython of this machine.

    Attributes:
        path: the interpreter.
        version: such as "3.8.18".
    """

    path: str
    version: str

    @property
    def minor(self) -> str:
        return ".".join(self.version.split(".")[:2])

    @property
    def has_native(self) -> bool:
        return tuple(map(int, self.version.split(".")[:2])) >= (3, 10)


class Row(NamedTuple):
    """One installation that is to be made."""

    name: str
    way: str
    python: Python
    install: Installation
    system: Optional[System] = None

    def run(self, rooms: Path, transcripts: Path) -> Transcript:
        """Make it, and write its transcript."""
        transcript = Transcript(self.name, self.way, self.python.version)
        room = Room(transcript, rooms / self.name, self.system)
        try:
            result = self.install(room)
        except Failure as failure:
            result = FAILED + str(failure)
        transcript.end(result)
        transcript.write(transcripts)
        shutil.rmtree(str(room.directory), ignore_errors=True)
        return transcript


def wheelhouse_rows(supplies: Supplies, python: Python, fresh: bool) -> Iterator[Row]:
    """The wheelhouse itself."""

    def make(room: Room) -> str:
        supplies.wheelhouse(python.path, python.minor, room.transcript, fresh)
        return OK

    yield Row("wheelhouse-made-%s" % python.minor, "0 make the wheelhouse", python, make)


def sdist_rows(supplies: Supplies, python: Python, pips: Sequence[str], quick: bool = False) -> Iterator[Row]:
    """Way A: the sdists of a wheelhouse, with an old or the newest pip.

    Args:
        pips: versions of pip, or "newest".
        quick: whether other systems and other setuptools are left to the rows of wheels.
    """
    for pip in pips:

        def install(room: Room, pip: str = pip) -> str:
            old = pip in OLD_PIPS
            if old:
                wheel = supplies.release(python.path, python.minor, "pip==" + pip)
            else:
                wheel = supplies.newest_pip(python.path, python.minor)
            room.transcript.fields["pip"] = wheel.name.split("-")[1]
            room.describe()
            room.make_venv(python.path)
            room.transcript.places[str(wheel.parent)] = "<wheels>"
            if old:
                output = room.run(room.python, str(wheel / "pip"), "--version", status=None)
                if "pip %s" % pip not in output:
                    return "pip does not start: %s" % output.strip().splitlines()[-1]
            room.pip("install", "--quiet", "--no-index", "--force-reinstall", str(wheel))
            room.transcript.fields.update(room.versions())
            _no_rust(room)
            wheelhouse = put_wheelhouse(supplies, python, room.directory)
            # charmhelpers has a setup.py that fetches pbr by itself if it is not there, past the wheelhouse.
            options = ["--no-index", "--no-cache-dir", "-f", wheelhouse]
            # Without wheel, pip builds each setuptools of the wheelhouse with itself, which is refused.
            for what in ("wheel", "pbr", "charms.reactive"):
                room.pip("install", *options, what)
            check_installation(room, "pure", from_sdist=True)
            if not quick:
                check_os_releases(room, from_sdist=True)
                check_setuptools(room, supplies, python.path, python.minor)
            return OK

        label = "pip" + (pip if pip == "newest" else pip.rsplit(".", 1)[0])
        yield Row("wheelhouse-%s-%s" % (python.minor, label), "A wheelhouse", python, install)


def bootstrap_rows(supplies: Supplies, python: Python, quick: bool = False) -> Iterator[Row]:
    """Way B: the hook of a charm installs the wheelhouse by the steps of layer:basic, and goes on."""

    def install(room: Room) -> str:
        room.describe()
        room.transcript.places[str(Path(python.path).resolve().parents[1])] = "<prefix>"
        _no_rust(room)
        unit = room.directory / "unit"
        charm = unit / "charm"
        shutil.copytree(str(CHARM), str(charm))
        put_wheelhouse(supplies, python, charm)
        bootstrap(room, python.path, charm)
        room.transcript.fields.update(room.versions())
        check_installation(room, "pure", system_packages=True, from_sdist=True)
        if not quick:
            check_os_releases(room, from_sdist=True)
        return OK

    yield Row("layer-basic-%s" % python.minor, "B layer:basic", python, install)


def bootstrap(room: Room, python: str, charm: Path, system_packages: bool = True) -> None:
    """Run the hook of a charm that has its wheelhouse in it, then another one in the environment it made.

    Args:
        system_packages: whether the environment it makes sees the packages of the system, too.

    Raises:
        Failure: a hook failed, or the flags are not what its handlers set.
    """
    # The hook is started as Juju starts it, with stand-ins for its tools; python3 is the one to be tried.
    tools = room.directory / "tools"
    hook = hook_variables(charm, tools)
    (tools / "python3").symlink_to(python)
    hook["PATH"] = os.pathsep.join([str(tools), "/usr/bin", "/bin", "/usr/sbin", "/sbin"])
    room.use_venv(charm.parent / ".venv")
    if not system_packages:
        hook["TINY_SYSTEM_PACKAGES"] = "no"
    room.transcript.say("The hook as Juju starts it, with stand-ins for the hook tools:")
    log = "installed on the pure engine, in %s" % room.venv
    room.run("hooks/install", inside=charm, variables=hook, contains=[log])
    output = room.run("charms.reactive", "get_flags", inside=charm, variables={"JUJU_CHARM_DIR": str(charm)})
    if output.split() != ["tiny.installed", "tiny.shell"]:
        raise Failure("after the hook, the flags are %r" % output)
    room.transcript.say("The next hook finds all installed:")
    room.run("hooks/install", inside=charm, variables=hook)


def wheel_rows(supplies: Supplies, python: Python) -> Iterator[Row]:
    """Way C: a wheel, with wheels of its dependencies, as ``pip install charms.reactive`` has it."""
    for engine in engines(python):

        def install(room: Room, engine: str = engine) -> str:
            wheel = supplies.wheel(engine)
            room.describe()
            room.make_venv(python.path)
            room.transcript.fields.update(room.versions())
            binaries = supplies.binaries(python.path, python.minor)
            room.transcript.places.update({str(binaries): "<wheels>", str(supplies.dist): "dist"})
            room.pip("install", "--no-index", "-f", str(binaries), str(wheel))
            check_installation(room, engine)
            check_os_releases(room)
            check_setuptools(room, supplies, python.path, python.minor)
            return OK

        yield Row("wheel-%s-%s" % (engine, python.minor), "C wheel", python, install)


def engines(python: Python) -> Sequence[str]:
    """Those that a Python can have."""
    return ("native", "pure") if python.has_native else ("pure",)


def build_rows(supplies: Supplies, python: Python) -> Iterator[Row]:
    """Way D: who builds, by ``CHARMS_REACTIVE_BUILD``, where there is no network."""
    cases = (
        ("pure", True, 0, ""),
        ("auto", False, 0, "building the pure Python package: this archive has no sources in Rust"),
        ("auto", True, 0, "building the pure Python package: this archive has no sources in Rust"),
        ("rust", False, 1, "cannot build the native engine: this archive has no sources in Rust"),
    )
    for build, cargo, status, said in cases:

        def install(
            room: Room, build: str = build, cargo: bool = cargo, status: int = status, said: str = said
        ) -> str:
            room.describe()
            room.make_venv(python.path)
            room.transcript.fields.update(room.versions())
            _rust(room) if cargo else _no_rust(room)
            words = [
                "install",
                "-v",
                "--no-index",
                "--no-deps",
                "--no-build-isolation",
                str(supplies.sdist()),
            ]
            room.transcript.places[str(supplies.dist)] = "dist"
            output = room.pip(*words, status=status, variables={"CHARMS_REACTIVE_BUILD": build})
            if said not in output:
                raise Failure("the build does not say: " + said)
            if status:
                return OK + ": the build stops and says why"
            binaries = supplies.binaries(python.path, python.minor)
            room.transcript.places[str(binaries)] = "<wheels>"
            room.pip("install", "--quiet", "--no-index", "-f", str(binaries), "charms.reactive")
            check_installation(room, "pure", from_sdist=True)
            return OK

        where = "with" if cargo else "without"
        way = "D CHARMS_REACTIVE_BUILD=%s, %s cargo" % (build, where)
        yield Row("build-%s-%s-cargo" % (build, where), way, python, install)


def put_wheelhouse(supplies: Supplies, python: Python, where: Path) -> str:
    """Put the wheelhouse into a directory; its name there."""
    scratch = Transcript("", "", "")
    shutil.copytree(
        str(supplies.wheelhouse(python.path, python.minor, scratch, fresh=False)), str(where / "wheelhouse")
    )
    return "wheelhouse"


def _no_rust(room: Room) -> None:
    """Show that no tool of Rust is at hand."""
    room.run("sh", "-c", "command -v cargo rustc maturin || echo no Rust", contains=["no Rust"])


def _rust(room: Room) -> None:
    """Put cargo and maturin on PATH, without any crate at hand."""
    tools = room.directory / "rust"
    tools.mkdir()
    for name in ("cargo", "rustc", "maturin"):
        beside = shutil.which(name, path=str(Path(sys.executable).parent))
        found = beside or shutil.which(name)
        if found is None:
            raise Failure("this row needs %s on PATH, to see what happens with it" % name)
        (tools / name).symlink_to(found)
    room.environment["PATH"] += os.pathsep + str(tools)
    room.environment["CARGO_HOME"] = str(room.directory / "cargo")
    room.environment["RUSTUP_HOME"] = os.environ.get("RUSTUP_HOME", os.path.expanduser("~/.rustup"))
    room.transcript.places[room.environment["RUSTUP_HOME"]] = "<rustup>"
    room.run("cargo", "--version")
    room.run("maturin", "--version")


__all__ = [
    "ROOT",
    "Python",
    "Row",
    "bootstrap",
    "bootstrap_rows",
    "build_rows",
    "engines",
    "put_wheelhouse",
    "sdist_rows",
    "wheel_rows",
    "wheelhouse_rows",
]
