"""Hooks of a charm of the base layer, from the system's Python on, on the Pythons of Ubuntu 22.04 and 24.04.

Where the layers are at hand (``CHARM_LAYERS_DIR``, ``CHARM_INTERFACES_DIR``), charm-tools build the charm of
them and its own bootstrap makes its environment. Elsewhere files of ours in `layered/stand_in` take their
place, in environments with the same distributions; where both can be had, their costs are set side by side.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

from agents import Agent
from environments import BENCHES, CACHE, ROOT, BenchmarkError, allow_platform, create
from hooks import TOOLS, Cost

sys.path.append(str(ROOT / "packaging"))

from install_matrix import pythons
from life.charm import UBUNTU, Builder, layers_at_hand
from life.machine import Machine, MachineError
from life.unit import Unit
from matrix.supplies import Supplies
from matrix.transcript import Failure
from matrix.ways import Python

HOOK_FILE = ROOT / "examples" / "light-hooks" / "hooks" / "hook.template"

VERSIONS = ("native", "pure", "1.5.3")
MINORS = ("3.10", "3.12")

#: The setuptools in the charm's environment: layer:basic's pin, and the last that has what 1.5.3 imports.
_SETUPTOOLS = {"3.10": "setuptools<62.2.0", "3.12": "setuptools<81"}

#: What an agent answers: as the hook tools in `tools/` do.
ANSWERS = {
    "config-get": '{"port": 80, "title": ""}\n',
    "relation-ids": "[]\n",
    "relation-list": "[]\n",
    "relation-get": "{}\n",
    "network-get": "{}\n",
    "leader-get": "{}\n",
    "goal-state": "{}\n",
    "opened-ports": "[]\n",
    "status-get": '{"status": "unknown", "message": ""}\n',
    "is-leader": "true\n",
    "unit-get": '"10.0.0.1"\n',
    "juju-version": "3.5.0\n",
}

_LIFE = ("install", "config-changed", "start", "update-status", "update-status")


def supplies() -> Supplies:
    """The wheels of this tree.

    Raises:
        BenchmarkError: they cannot be built.
    """
    made = Supplies(CACHE / "supplies")
    try:
        made.build()
    except Failure as failure:
        raise BenchmarkError(str(failure)) from failure
    return made


def pythons_at_hand() -> Dict[str, Python]:
    """Those of ``MINORS`` that are on this machine."""
    return {python.minor: python for python in pythons() if python.minor in MINORS}


class Layered:
    """One unit of that charm, with one version of charms.reactive.

    Args:
        version: one of ``VERSIONS``.
        root: where the unit is: its charm in unit/charm.
        command: what runs a command of the unit.
        path: the directories of the system's programs.
    """

    def __init__(
        self, version: str, root: Path, command: Callable[[Sequence[str]], List[str]], path: Sequence[str]
    ) -> None:
        self.version = version
        self.charm = root / "unit" / "charm"
        self._root = root
        self._command = command
        self._path = path
        tools = root / "bench-tools"
        tools.mkdir(parents=True)
        for tool in TOOLS:
            (tools / tool).symlink_to(BENCHES / "tools" / "hook-tool")
        (root / "config.json").write_text('{"port": 80, "title": ""}\n')

    def run(self, hook: str = "update-status", agent: Optional[Agent] = None) -> Cost:
        """One hook.

        Args:
            agent: who answers its hook tools over a socket; without it each is a process.

        Raises:
            BenchmarkError: it failed; the message holds what it said.
        """
        calls, log = self._root / "calls", self._root / "log"
        calls.write_text("")
        log.write_text("")
        if agent is not None:
            agent.calls.write_text("")
        tools = self._root / "bench-tools" if agent is None else agent.tools
        environment = {
            **({} if agent is None else agent.variables),
            "PATH": os.pathsep.join([str(tools), *self._path, "/usr/bin", "/bin"]),
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "CHARM_DIR": str(self.charm),
            "JUJU_CHARM_DIR": str(self.charm),
            "JUJU_UNIT_NAME": "layered/0",
            "JUJU_MODEL_NAME": "bench",
            "JUJU_CONTEXT_ID": "layered/0-%s-1" % hook,
            "JUJU_HOOK_NAME": hook,
            "JUJU_VERSION": "3.5.0",
            "LAYERED_SBIN": str(self._root / "sbin"),
            "BENCH_CALLS": str(calls),
            "BENCH_LOG": str(log),
            "BENCH_CONFIG": str(self._root / "config.json"),
            **({} if self.version == "1.5.3" else {"CHARMS_REACTIVE_ENGINE": self.version}),
        }
        spawn = [sys.executable, "-S", "-E", str(BENCHES / "spawn.py"), str(self.charm / "hooks" / hook)]
        done = subprocess.run(
            self._command(spawn),
            cwd=str(self.charm),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        spent = (
            json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"status": done.returncode}
        )
        if spent["status"]:
            said = done.stdout + done.stderr + log.read_text()
            raise BenchmarkError("%s: the hook %s failed:\n%s" % (self.version, hook, said))
        asked = (calls if agent is None else agent.calls).read_text().splitlines()
        if not asked:
            raise BenchmarkError("%s: the hook %s has asked no hook tool" % (self.version, hook))
        return Cost(spent, [line.split()[0] for line in asked], log.read_text())

    def take_hook_file(self, light: bool) -> None:
        """Have update-status start with our hook file, or with the charm's own."""
        source = HOOK_FILE if light else self.charm / "hooks" / "hook.template"
        target = self.charm / "hooks" / "update-status"
        shutil.copy(str(source), str(target))
        target.chmod(0o755)


def real_units(python: Python, root: Path, wheels: Supplies) -> Dict[str, Layered]:
    """Units of the charm that charm-tools have made of the layers, each with what its bootstrap has made.

    Raises:
        BenchmarkError: it cannot be built, or does not start.
    """
    layers = layers_at_hand()
    assert layers is not None
    builder = Builder(ROOT / ".cache" / "life", layers)
    requirements = ["charms.reactive==1.5.3", _SETUPTOOLS[python.minor]]
    found = {}
    try:
        charm = builder.charm(python.path, python.minor, requirements)
        below = builder.machine(python.path, python.minor)
        for version in VERSIONS:
            place = root / python.minor / version
            machine = Machine(place / "machine", python.path, below.release, below)
            unit = Unit(machine, place, charm)
            unit.deploy(charm, [] if version == "1.5.3" else [wheels.wheel(version)])
            unit.run("install")
            path = machine.environment()["PATH"].split(os.pathsep)
            found[version] = Layered(version, place, machine.command, path)
    except (MachineError, Failure) as error:
        raise BenchmarkError(str(error)) from error
    return _settled(found)


def stand_in_units(python: Python, root: Path) -> Dict[str, Layered]:
    """Units of our own files, in environments with the same distributions.

    Raises:
        BenchmarkError: an environment cannot be made.
    """
    system_setuptools = "setuptools==%s" % UBUNTU[python.minor][1]
    system = create("system-as-ubuntu", [system_setuptools, "PyYAML"], python.path)
    parts = ["charmhelpers>=0.20.24,<2", "PyYAML<7", _SETUPTOOLS[python.minor]]
    theirs = create("layered-1.5.3", ["charms.reactive==1.5.3", *parts], python.path)
    allow_platform(theirs)
    ours = create("layered-here", parts, python.path)
    site = ours.run(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    Path(site, "charms.reactive.pth").write_text("%s\n" % (ROOT / "python"))
    shutil.copy(str(ROOT / "python" / "charms_reactive_start.pth"), site)
    found = {}
    for version in VERSIONS:
        place = root / ("stand-in-" + python.minor) / version
        charm = place / "unit" / "charm"
        for part in ("layer", "stand_in"):
            _copy(BENCHES / "layered" / part, charm)
        for hook in _LIFE:
            shutil.copy(str(charm / "hooks" / "hook.template"), str(charm / "hooks" / hook))
        (charm / "wheelhouse").mkdir()
        (charm / "wheelhouse" / ".bootstrapped").touch()
        environment = Path((theirs if version == "1.5.3" else ours).python).parent.parent
        (charm.parent / ".venv").symlink_to(environment)
        (place / "sbin").mkdir()
        shutil.copy(str(charm / "bin" / "charm-env"), str(place / "sbin"))
        found[version] = Layered(version, place, list, [str(Path(system.python).parent)])
    return _settled(found)


def _settled(units: Dict[str, Layered]) -> Dict[str, Layered]:
    for unit in units.values():
        for hook in _LIFE:
            unit.run(hook)
    return units


def _copy(source: Path, target: Path) -> None:
    """Copy a directory into another."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            there = target / path.relative_to(source)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(path), str(there))
