"""Installs the charm's wheelhouse into an environment beside the charm, by the steps of layer:basic.

What layer:basic does at the first hook of a unit, and what matters for an installation, is done here in
the same order and with the same options of pip: the environment with system site packages, easy_install's
settings, the tools first and only if newer, the rest with ``--force-reinstall``, the new interpreter.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Dict, List, Tuple

VENV = Path("../.venv")
WHEELHOUSE = Path("wheelhouse")
DONE = WHEELHOUSE / ".bootstrapped"

# Old ones of these cannot install the rest; newer ones of the system are not replaced. wheel is among them
# for systems where virtualenv does not bring it.
TOOLS = ("pip", "setuptools", "setuptools-scm", "wheel")


def bootstrap() -> None:
    """Make the environment if there is a wheelhouse and none was made; go on in it."""
    if not WHEELHOUSE.is_dir():
        return
    python = os.path.abspath(str(VENV / "bin" / "python"))
    if not DONE.exists():
        make_environment()
        settings = Path.home() / ".pydistutils.cfg"
        # setup.py of old packages fetches what it needs by itself: it is not to look at the network for it.
        settings.write_text(
            "[easy_install]\nfind_links = file://%s/\nno_index=True\nindex_url=\n" % WHEELHOUSE.absolute()
        )
        install(python)
        settings.unlink()
        DONE.touch()
    if os.path.dirname(python) != os.path.dirname(sys.executable):
        os.environ["PATH"] = os.path.dirname(python) + os.pathsep + os.environ["PATH"]
        os.execve(python, [python] + sys.argv, os.environ)


def make_environment() -> None:
    """With the program virtualenv where the system has it, as on Ubuntu, else with Python's own module.

    TINY_SYSTEM_PACKAGES=no stands for layer:basic's option ``include_system_packages: false``.
    """
    system = os.environ.get("TINY_SYSTEM_PACKAGES") != "no"
    if any(os.access(os.path.join(path, "virtualenv"), os.X_OK) for path in os.get_exec_path()):
        options = ["-ppython3", "--never-download"] + ["--system-site-packages"] * system
        subprocess.run(["virtualenv", *options, str(VENV)], check=True)
    else:
        venv.create(str(VENV), system_site_packages=system, with_pip=True)


def install(python: str) -> None:
    pip = [python, "-m", "pip"]
    there = wheelhouse()
    frozen = subprocess.run(pip + ["freeze", "--all"], stdout=subprocess.PIPE, check=True).stdout.decode()
    installed = dict(re.findall(r"^([\w.-]+)==(\S+)$", frozen, re.M))
    for tool in TOOLS:
        if tool in there and numbers(there[tool]) > numbers(installed.get(tool, "0")):
            run(pip + ["install", "-U", "--no-index", "-f", "wheelhouse", tool])
    rest = ["%s==%s" % item for item in sorted(there.items()) if item[0] not in TOOLS]
    options = ["-U", "--force-reinstall", "--no-index", "--no-cache-dir", "-f", "wheelhouse"]
    run(pip + ["install"] + options + rest)


def wheelhouse() -> Dict[str, str]:
    """The version of each sdist in the wheelhouse."""
    found = {}
    for path in WHEELHOUSE.iterdir():
        stem = re.sub(r"(\.tar\.gz|\.zip)$", "", path.name)
        name, _, version = stem.rpartition("-")
        if name:
            found[name.replace("_", "-").lower()] = version
    return found


def numbers(version: str) -> Tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def run(command: List[str]) -> None:
    print("+ " + " ".join(command[1:]), flush=True)
    subprocess.run(command, check=True)
