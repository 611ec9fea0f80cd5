"""A unit of a charm of the base layer, with stand-ins for setuptools in its environment."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Dict, Optional

import charmhelpers
import yaml

from .support import PACKAGES, REPOSITORY, Finished, Unit

CHARM = REPOSITORY / "benches" / "layered"

#: What the environment has of setuptools, by the path of each file. The real ones take 100 ms or more, and
#: differ from one Python to the next. 84 is one of those that have no pkg_resources any more.
_COMMON = {
    "setuptools/__init__.py": "",
    "distutils/__init__.py": "import setuptools\n",
    "distutils/version.py": """\
class LooseVersion:
    real = True

    def __init__(self, vstring=None):
        self.vstring = vstring
        self.version = [int(part) for part in vstring.split(".")]

    def __ge__(self, other):
        return self.version >= other.version
""",
}
_RESOURCES = """\
import setuptools

class Requirement:
    real = True

    def __init__(self, line):
        self.project_name, _, version = line.partition("==")
        self.specs = [("==", version)]

    @staticmethod
    def parse(line):
        return Requirement(line)

def parse_version(text):
    return [int(part) for part in text.strip().split(".")]
"""
SETUPTOOLS: Dict[str, Dict[str, str]] = {
    "62": {**_COMMON, "pkg_resources/__init__.py": _RESOURCES},
    "84": _COMMON,
}


class LayeredUnit(Unit):
    """The unit beside the environment that its bootstrap has made."""

    def __init__(self, directory: Path, engine_name: str) -> None:
        super().__init__(directory, engine_name)
        for part in ("layer", "stand_in"):
            copy(CHARM / part, self.directory)
        for hook in ("update-status", "config-changed", "upgrade-charm"):
            shutil.copy(str(self.directory / "hooks" / "hook.template"), str(self.directory / "hooks" / hook))
        sbin = directory / "sbin"
        sbin.mkdir()
        shutil.copy(str(self.directory / "bin" / "charm-env"), str(sbin))
        self.environment = directory / ".venv"
        self._make_environment()
        self.env["LAYERED_SBIN"] = str(sbin)
        self.answer("config-get", '{"port": 80, "title": ""}')
        self.use_setuptools("62")

    def _make_environment(self) -> None:
        """What is needed of a virtual environment: an interpreter of this name, and where the real one is."""
        programs = self.environment / "bin"
        programs.mkdir(parents=True)
        base = Path(getattr(sys, "_base_executable", sys.executable))
        (programs / "python").symlink_to(base)
        settings = "home = %s\ninclude-system-site-packages = false\n" % base.parent
        (self.environment / "pyvenv.cfg").write_text(settings)

    def use_setuptools(self, version: Optional[str]) -> None:
        """Put this one there, a key of ``SETUPTOOLS``, or none."""
        directory = self.environment / "setuptools"
        shutil.rmtree(str(directory), ignore_errors=True)
        for path, text in SETUPTOOLS.get(version or "", {}).items():
            file = directory / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.env["PYTHONPATH"] = ":".join([str(directory), str(self._ours()), str(self._libraries())])

    def _ours(self) -> Path:
        """A directory with our packages, and with no setuptools beside them."""
        if not any((PACKAGES / name).exists() for name in ("setuptools", "pkg_resources")):
            return PACKAGES
        directory = self.environment / "ours"
        if not directory.is_dir():
            directory.mkdir()
            for name in ("charms", "charms_reactive", "charms_reactive_start"):
                (directory / name).symlink_to(PACKAGES / name)
        return directory

    def _libraries(self) -> Path:
        """A directory with what the framework requires, and with nothing else of this environment."""
        directory = self.environment / "libraries"
        if not directory.is_dir():
            directory.mkdir()
            for module in (charmhelpers, yaml):
                package = Path(str(module.__file__)).parent
                (directory / package.name).symlink_to(package)
        return directory

    def install_pth(self) -> None:
        """Put the file there that an installed wheel has beside its packages."""
        version = "python%d.%d" % sys.version_info[:2]
        site = self.environment / "lib" / version / "site-packages"
        site.mkdir(parents=True)
        shutil.copy(str(PACKAGES / "charms_reactive_start.pth"), str(site))

    @property
    def python(self) -> str:
        return str(self.environment / "bin" / "python")

    def run_layered(self, hook: str = "update-status", **variables: str) -> Finished:
        """What goes on in the environment once the base layer has come to it."""
        return self.execute([self.python, "hooks/" + hook], {"JUJU_HOOK_NAME": hook, **variables})


def copy(source: Path, target: Path) -> None:
    """Copy a directory into another that is there."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            there = target / path.relative_to(source)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(path), str(there))
