"""What has to hold after every installation, in whatever way it was made."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from .room import Room, can_unshare
from .supplies import OLD_SETUPTOOLS, Supplies
from .transcript import Failure

CHARM = Path(__file__).resolve().parent / "charm"

#: Systems by what their os-release says of them, and one without such a file.
SYSTEMS = {
    "debian-12": ("debian", "12", "bookworm"),
    "ubuntu-20.04": ("ubuntu", "20.04", "focal"),
    "ubuntu-22.04": ("ubuntu", "22.04", "jammy"),
    "ubuntu-24.04": ("ubuntu", "24.04", "noble"),
}

#: What stands in for Juju in a hook; it has nothing to say.
HOOK_TOOLS = (
    "config-get",
    "goal-state",
    "is-leader",
    "juju-log",
    "relation-ids",
    "relation-list",
    "status-set",
)
HOOK_TOOL = """\
#!/bin/sh
case "${0##*/}" in
    config-get) echo "{}" ;;
    juju-log) echo "juju-log $*" ;;
    relation-*) echo "[]" ;;
esac
"""

IMPORT = 'import charms.reactive as r; print("engine:", r.engine_name())'

MODES = 'ls -l "$(command -v charms.reactive)" "$(command -v charms.reactive.sh)" | cut -c -10'

RUNS = 'import setuptools, pkg_resources; print("it runs")'

#: The flags that the handlers of the charm set, the one in Python and the one in bash.
FLAGS = ("tiny.installed", "tiny.shell")


#: The distribution and what it requires, with what that requires, as pip spells the names.
OURS = ("charms-reactive", "charmhelpers", "jinja2", "markupsafe", "netaddr", "pbr", "pyyaml")


def check_installation(
    room: Room, engine: str, system_packages: bool = False, from_sdist: bool = False
) -> None:
    """The distribution is there, whole, and runs a hook.

    Args:
        engine: the one that has to be in use, "native" or "pure".
        from_sdist: whether it was made of the sdist, which has no simulated unit.
        system_packages: whether packages of the system are there too, which may want what it lacks.

    Raises:
        Failure: something is not so; the message says what.
    """
    fields = room.transcript.fields
    if system_packages:
        said = room.pip("check", status=None)
        broken = [line for line in said.splitlines() if concerns(line, OURS)]
        if broken:
            raise Failure("pip check: " + broken[0])
    else:
        room.pip("check", contains=["No broken requirements found."])
    room.run(room.python, "-W", "error", "-c", IMPORT, contains=["engine: " + engine])
    fields["engine"] = engine
    room.run("charms.reactive", "--version", contains=["charms.reactive 1."])
    room.run("sh", "-c", MODES, contains=["-rwxr-xr-x\n-rwxr-xr-x\n"])
    for command in ("charms.reactive", "charms.reactive.sh"):
        if shutil.which(command, path=str(room.venv / "bin")) is None:
            raise Failure("%s is not on PATH, or has no run bit" % command)
    run_hook(room, from_sdist)


def concerns(line: str, names: Sequence[str]) -> bool:
    """Whether a line of ``pip check`` is about one of these, as what requires or as what is required."""
    words = re.findall(r"[A-Za-z][\w.-]*\w", line)
    return any(re.sub(r"[-_.]+", "-", word).lower() in names for word in words)


def run_hook(room: Room, from_sdist: bool, os_release: Optional[Path] = None) -> None:
    """A hook of a charm with handlers in Python and in bash: on the simulated unit, or as a unit runs it."""
    charm = room.directory / "charm"
    if not charm.exists():
        shutil.copytree(str(CHARM), str(charm))
    if not from_sdist:
        room.run("charms.reactive", "simulate", "charm", "install", os_release=os_release, contains=FLAGS)
        return
    state = charm / ".unit-state.db"
    if state.exists():
        state.unlink()
    hook = hook_variables(charm, room.directory / "stand-ins")
    hook["PATH"] = os.pathsep.join([hook["PATH"], str(room.venv / "bin"), room.environment["PATH"]])
    room.run(room.python, "hooks/install", inside=charm, variables=hook, os_release=os_release)
    output = room.run("charms.reactive", "get_flags", inside=charm, variables={"JUJU_CHARM_DIR": str(charm)})
    if output.split() != sorted(FLAGS):
        raise Failure("after the hook, the flags are %r" % output)


def hook_variables(charm: Path, tools: Path) -> Dict[str, str]:
    """The environment of an install hook; PATH leads to stand-ins for Juju's tools, which are put there."""
    if not tools.exists():
        tools.mkdir()
        stand_in = tools / "hook-tool"
        stand_in.write_text(HOOK_TOOL)
        stand_in.chmod(0o755)
        for name in HOOK_TOOLS:
            (tools / name).symlink_to(stand_in)
    return {
        "JUJU_CHARM_DIR": str(charm),
        "CHARM_DIR": str(charm),
        "JUJU_UNIT_NAME": "tiny/0",
        "JUJU_MODEL_NAME": "matrix",
        "JUJU_CONTEXT_ID": "tiny/0-install-1",
        "JUJU_VERSION": "3.6.0",
        "JUJU_HOOK_NAME": "install",
        "PATH": str(tools),
    }


def check_os_releases(room: Room, from_sdist: bool = False) -> None:
    """The same import and the same hook on systems of other names."""
    if not can_unshare("-m"):
        room.transcript.fields["os-release"] = "this machine's (only root can try others)"
        return
    files = [_os_release(room, name) for name in SYSTEMS]
    for file in files + [Path("none")]:
        room.run(room.python, "-W", "error", "-c", IMPORT, os_release=file, contains=["engine: "])
        run_hook(room, from_sdist, file)
    room.transcript.fields["os-release"] = ", ".join([file.name for file in files] + ["none"])


def _os_release(room: Room, name: str) -> Path:
    system, version, codename = SYSTEMS[name]
    file = room.directory / name
    lines = ["ID=%s" % system, 'VERSION_ID="%s"' % version, "VERSION_CODENAME=%s" % codename]
    lines += ['NAME="%s"' % system.title(), 'PRETTY_NAME="%s %s"' % (system.title(), version)]
    file.write_text("\n".join(lines) + "\n")
    return file


def check_setuptools(room: Room, supplies: Supplies, python: str, minor: str) -> None:
    """The import goes on without setuptools, with the oldest that runs here, and with the newest."""
    tried: List[str] = [room.versions()["setuptools"]]
    room.pip("uninstall", "--yes", "setuptools")
    room.run(room.python, "-c", "import setuptools", status=1, contains=["No module named 'setuptools'"])
    room.run(room.python, "-W", "error", "-c", IMPORT)
    tried.append("none")
    oldest = _install_oldest(room, supplies, python, minor)
    room.run(room.python, "-c", IMPORT)
    newest = supplies.newest_setuptools(python, minor)
    _install(room, newest)
    room.run(room.python, "-W", "error", "-c", IMPORT)
    tried += [oldest, newest.name.split("-")[1]]
    room.transcript.fields["setuptools"] = "%s; then %s" % (tried[0], ", ".join(tried[1:]))


def _install_oldest(room: Room, supplies: Supplies, python: str, minor: str) -> str:
    for version in OLD_SETUPTOOLS:
        _install(room, supplies.release(python, minor, "setuptools==" + version))
        output = room.run(room.python, "-c", RUNS, status=None)
        # The last line: a traceback shows the program, with these words in it.
        if output.splitlines()[-1:] == ["it runs"]:
            return version
    raise Failure("no setuptools up to %s runs on this Python" % OLD_SETUPTOOLS[-1])


def _install(room: Room, wheel: Path) -> None:
    room.transcript.places[str(wheel.parent)] = "<wheels>"
    options = ["--quiet", "--no-index", "--no-deps", "--force-reinstall", "--ignore-requires-python"]
    room.pip("install", *options, str(wheel))
