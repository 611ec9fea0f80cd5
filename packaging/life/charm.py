"""Charms of layer:basic, built by charm-tools from the layers, and the machines that their units run on."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import venv
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from .machine import Machine, MachineError

__all__ = ["Builder", "layers_at_hand"]

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "benches" / "layered" / "layer"

#: The Ubuntu of each Python, its setuptools and its virtualenv, which brings the pip that builds sdists.
#: Between and beyond them, Pythons have those of _OTHER.
UBUNTU = {
    "3.8": ("20.04", "45.2.0", "20.0.17"),
    "3.10": ("22.04", "59.6.0", "20.13.0"),
    "3.12": ("24.04", "68.1.2", "20.25.0"),
}
_OTHER = ("26.04", "78.1.0", "20.29.3")

#: What the layer is built of: the names of directories below those that charm-tools is told of.
_LAYERS = ("basic", "options", "status")
_INTERFACES = ("http",)


def layers_at_hand() -> Optional[Dict[str, str]]:
    """The variables by which charm-tools finds the layers on this machine; ``None`` if they are not here."""
    found = {}
    for variable, names in (("CHARM_LAYERS_DIR", _LAYERS), ("CHARM_INTERFACES_DIR", _INTERFACES)):
        directory = os.environ.get(variable, "")
        if not directory or not all(Path(directory, name).is_dir() for name in names):
            return None
        found[variable] = directory
    return found


class Builder:
    """Makes charms and machines, each once, below a directory.

    Args:
        directory: where everything is kept.
        layers: the variables of :func:`layers_at_hand`.
    """

    def __init__(self, directory: Path, layers: Dict[str, str]) -> None:
        self.directory = directory
        self._layers = layers

    def machine(self, python: str, minor: str) -> Machine:
        """A machine as a unit finds it: a Python with setuptools, virtualenv and YAML, as Ubuntu has them."""
        release, setuptools, virtualenv = UBUNTU.get(minor, _OTHER)
        machine = Machine(self.directory / ("machine-" + minor), python, release)
        done = machine.directory / "done"
        if not done.exists():
            shutil.rmtree(str(machine.directory))
            machine.directory.mkdir()
            environment = {**_pip_settings(), **machine.environment()}
            del environment["PIP_CONFIG_FILE"]  # the network is reached as the caller reaches it
            words = [python, "-m", "pip", "install", "--quiet", "--upgrade"]
            words += ["setuptools==" + setuptools, "virtualenv==" + virtualenv, "pyyaml", "wheel"]
            machine.run(words, environment=environment, network=True)
            done.touch()
        return machine

    def charm(self, python: str, minor: str, requirements: Sequence[str], sdists: bool = False) -> Path:
        """A charm that ``charm-build`` has made of the layers on this Python.

        Args:
            requirements: what its own wheelhouse.txt says, beside that of layer:basic.
            sdists: whether its wheelhouse is of sdists, as charm-tools makes it if nothing is said.
        """
        name = "-".join([minor, "sdists" if sdists else "wheels", *requirements]).replace("/", "_")
        target = self.directory / "charms" / name
        built = target / "layered"
        done, source = target / "done", _digest(SOURCE)
        if not done.exists() or done.read_text() != source:
            shutil.rmtree(str(target), ignore_errors=True)
            shutil.copytree(str(SOURCE), str(target / "source"))
            Path(target, "source", "wheelhouse.txt").write_text("".join(r + "\n" for r in requirements))
            environment = {
                **{name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"},
                **self._layers,
                "PATH": os.pathsep.join([*self._programs(python), "/usr/bin", "/bin"]),
                "HOME": str(target / "home"),
                "NO_CYTHON_COMPILE": "true",
            }
            words = [str(self._charm_tools() / "charm-build"), "--force", "--build-dir", str(target)]
            words += [] if sdists else ["--binary-wheels"]
            Path(target, "home").mkdir()
            _run([*words, str(target / "source")], environment)
            if not list(built.glob("wheelhouse/*")):
                raise MachineError("charm-build has made no wheelhouse in %s" % built)
            done.write_text(source)
        return built

    def _charm_tools(self) -> Path:
        programs = self.directory / "charm-tools" / "bin"
        if not (programs / "done").exists():
            venv.create(str(programs.parent), with_pip=True, clear=True, symlinks=True)
            # It imports pkg_resources, and pins nothing.
            words = [str(programs / "python"), "-m", "pip", "install", "--quiet", "charm-tools"]
            _run([*words, "setuptools<81", "wheel"], dict(os.environ))
            (programs / "done").touch()
        return programs

    def _programs(self, python: str) -> List[str]:
        """Where charm-tools finds itself and a virtualenv, which prefers the Python that it is of."""
        programs = self.directory / ("tools-" + Path(python).resolve().name) / "bin"
        if not (programs / "done").exists():
            _run([python, "-m", "venv", "--clear", str(programs.parent)], dict(os.environ))
            # The last that puts wheel into an environment, which builds of old sdists need.
            words = [str(programs / "python"), "-m", "pip", "install", "--quiet", "virtualenv<20.30"]
            _run(words, dict(os.environ))
            (programs / "done").touch()
        return [str(programs), str(self._charm_tools())]


def _digest(directory: Path) -> str:
    """What stands for all that is in a directory."""
    found = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            found.update(path.relative_to(directory).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def _pip_settings() -> Dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_")}


def _run(words: Sequence[str], environment: Dict[str, str]) -> None:
    done = subprocess.run(
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        said = done.stdout.decode(errors="replace")
        raise MachineError("%s ended with %d:\n%s" % (" ".join(words), done.returncode, said[-3000:]))
