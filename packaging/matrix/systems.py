"""The installations on other systems, each in a minimal root that debootstrap makes.

This takes root, minutes, and the archives of Debian and Ubuntu, from where debootstrap has them by itself.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import ssl
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

from .checks import CHARM, check_installation
from .room import ROOT, Room, System
from .supplies import CANNOT, Supplies, command, output_of
from .transcript import OK, Failure
from .ways import Python, Row, bootstrap, engines, put_wheelhouse

SYSTEMS = ROOT / ".cache" / "systems"

#: What layer:basic installs with apt before it makes the environment.
PACKAGES = (
    *("python3-pip", "python3-setuptools", "python3-yaml", "python3-dev", "python3-wheel"),
    *("build-essential", "virtualenv", "python3-venv"),
)

#: The programs that the test suite runs.
TEST_PACKAGES = ("git", "make", "procps", "postgresql", "util-linux")

#: Where nothing can be built beside the packages of the system: pip 20.3 takes Debian's importlib-metadata
#: for the one that setuptools has of its own.
ALONE = ("debian:bullseye",)

WHO = "import sys; print('.'.join(map(str, sys.version_info[:3])))"


def rows(supplies: Supplies, names: Sequence[str], pythons: Sequence[Python]) -> Iterator[Row]:
    """The rows of these systems, such as "ubuntu:focal".

    Args:
        pythons: those of this machine, which the wheelhouses are made with.
    """
    for name in names:
        distribution, _, release = name.partition(":")
        if distribution not in ("debian", "ubuntu") or not re.match(r"[a-z]+$", release):
            raise Failure("no such system: %s; name it as in ubuntu:focal or debian:sid" % name)
        yield from _rows_of(supplies, name, pythons)


def _rows_of(supplies: Supplies, name: str, pythons: Sequence[Python]) -> Iterator[Row]:
    try:
        system = make(name)
    except Failure as failure:
        label = "system-%s" % name.replace(":", "-")
        yield Row(label, "B layer:basic", Python("", "-"), functools.partial(_cannot, reason=str(failure)))
        return
    python = Python("/usr/bin/python3", system_version(system))
    label = "%s-%s" % (name.replace(":", "-"), python.minor)
    maker = next((host for host in pythons if host.minor == python.minor), pythons[-1])

    system_packages = name not in ALONE

    def layer_basic(room: Room) -> str:
        _enter(room, system)
        unit = room.directory / "unit"
        charm = unit / "charm"
        shutil.copytree(str(CHARM), str(charm))
        put_wheelhouse(supplies, maker, charm)
        bootstrap(room, python.path, charm, system_packages)
        room.transcript.fields.update(room.versions())
        check_installation(room, "pure", system_packages, from_sdist=True)
        return OK

    way = "B layer:basic" + ("" if system_packages else ", no system packages")
    yield Row("layer-basic-%s" % label, way, python, layer_basic, system)
    for engine in engines(python):
        install = functools.partial(_wheel, supplies=supplies, system=system, python=python, engine=engine)
        yield Row("wheel-%s-%s" % (engine, label), "C wheel", python, install, system)
    if tuple(map(int, python.minor.split("."))) >= (3, 14):
        for engine in engines(python):
            suite = functools.partial(_suite, supplies=supplies, system=system, python=python, engine=engine)
            yield Row("tests-%s-%s" % (engine, label), "E test suite", python, suite, system)


def _cannot(room: Room, reason: str) -> str:
    room.transcript.say(reason)
    raise Failure(reason)


def _enter(room: Room, system: System) -> None:
    room.describe()
    room.transcript.say("and in a system of its own: %s" % system.title)
    room.transcript.fields["os-release"] = system.title


def _wheel(room: Room, supplies: Supplies, system: System, python: Python, engine: str) -> str:
    """A wheel, in an environment of the system's Python, with dependencies from the package index."""
    _enter(room, system)
    wheel = supplies.wheel(engine)
    _install_with_network(room, python, str(wheel))
    check_installation(room, engine)
    return OK


def _install_with_network(room: Room, python: Python, *what: str) -> None:
    """Make the virtual environment, and install with what the package index has."""
    room.make_venv(python.path)
    room.transcript.fields.update(room.versions())
    room.transcript.say("With the network:")
    room.networked = True
    room.pip("install", *what, hidden=_index_settings(room))
    room.networked = False


def _index_settings(room: Room) -> Dict[str, str]:
    """What this machine needs to reach the package index, it may be through a proxy of its own."""
    names = ("PIP_INDEX_URL", "http_proxy", "https_proxy", "no_proxy")
    settings = {name: os.environ[name] for name in names if name in os.environ}
    trusted = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if trusted and Path(trusted).exists():
        certificates = room.directory / "certificates"
        shutil.copy(trusted, str(certificates))
        for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            settings[name] = str(certificates)
    return settings


def _suite(room: Room, supplies: Supplies, system: System, python: Python, engine: str) -> str:
    """The test suite, on the installed wheel."""
    _enter(room, system)
    wheel = supplies.wheel(engine)
    _in_system(system, "apt-get", "install", "--yes", "--no-install-recommends", *TEST_PACKAGES)
    _install_with_network(room, python, "%s[test]" % wheel, "mypy>=1.18,<3", "types-PyYAML>=6")
    tree = room.directory / "tree"
    tree.mkdir()
    command(["tar", "-xzf", str(supplies.source()), "-C", str(tree), "--strip-components=1"])
    options = ["--pure-only"] if engine == "pure" else []
    script = "import charms_reactive; print(charms_reactive.__file__)"
    room.run(room.python, "-c", script, inside=tree, contains=[str(room.venv)])  # Not that of the tree.
    room.transcript.say("With the network, as some tests install charms.reactive 1.5.3:")
    room.networked = True
    output = room.run(
        *(room.python, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", *options),
        inside=tree,
        status=None,
        hidden=_index_settings(room),
    )
    summary = output.strip().splitlines()[-1].strip("= ")
    if "failed" in summary or "error" in summary or "passed" not in summary:
        raise Failure(summary)
    room.transcript.fields["engine"] = engine
    return OK + ": " + re.sub(r" in .*", "", summary)


def make(name: str) -> System:
    """The root of this system, made now if it is not there yet.

    Raises:
        Failure: it cannot be had; the message says why.
    """
    distribution, _, release = name.partition(":")
    root = SYSTEMS / release
    done = root.with_suffix(".done")
    if not done.exists():
        if os.geteuid() != 0 or not shutil.which("debootstrap"):
            raise Failure(CANNOT + "this needs root, and debootstrap")
        shutil.rmtree(str(root), ignore_errors=True)
        root.mkdir(parents=True)
        components = "main,universe" if distribution == "ubuntu" else "main"
        words = ["debootstrap", "--variant=minbase", "--components=" + components]
        words.append("--include=ca-certificates,python3")
        if not Path("/usr/share/keyrings/%s-archive-keyring.gpg" % distribution).exists():
            words.append("--no-check-gpg")  # Debian has no package with Ubuntu's keys; it is for a test.
        words += [release, str(root)]
        scripts = Path("/usr/share/debootstrap/scripts")
        if distribution == "ubuntu" and not (scripts / release).exists():
            words += ["", str(scripts / "gutsy")]  # That of all Ubuntus since, with their usual mirror.
        command(words)
        system = System(root, title_of(root))
        # A mirror may be older than its files are meant to be used.
        _in_system(system, "apt-get", "-o", "Acquire::Check-Valid-Until=false", "update")
        _in_system(system, "apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES)
        done.touch()
    return System(root, title_of(root))


def title_of(root: Path) -> str:
    """The system's name for itself."""
    text = root.joinpath("etc/os-release").read_text(encoding="utf-8")
    found = re.search(r'^PRETTY_NAME="(.*)"$', text, re.M)
    return found.group(1) if found else "a system without a name"


def system_version(system: System) -> str:
    """The version of its python3."""
    return _in_system(system, "python3", "-c", WHO).strip().splitlines()[-1]


def _in_system(system: System, *words: str) -> str:
    """Run a command in the system with the network; its output."""
    prefix = system.prefix(system.root.parent, system.root.parent)
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND": "noninteractive",
        "LANG": "C.UTF-8",
    }
    return output_of(["unshare", "-m", *prefix, *words], environment, "`%s`: " % " ".join(words[:3]))


__all__: List[str] = ["make", "rows"]
