"""The executables of a simulated unit's hook tools: one program under the name of every tool."""

from __future__ import annotations

import os
import py_compile
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Union

import yaml

from .command import tools_of
from .side import FileSide

if TYPE_CHECKING:
    from .side import Juju


def install(directory: Union[str, os.PathLike[str]], juju: Juju) -> FileSide:
    """Make a directory the Juju side of a unit, with the executables that use it.

    Args:
        directory: made if need be. It gets ``bin`` with an executable for every tool of the side's Juju
            version, ``lib`` with this package, and what a :class:`FileSide` keeps.
        juju: what the side holds, as ``new_juju`` makes it.
    """
    home = Path(directory)
    lib, tools = home / "lib", home / "bin"
    package = lib / "hooktools"
    package.mkdir(parents=True)
    tools.mkdir()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        if module.name != Path(__file__).name:
            shutil.copyfile(module, package / module.name)
            # Compiled now, so that no hook pays for it and processes that start together do not all do it.
            py_compile.compile(str(package / module.name), doraise=True)
    (lib / "yaml-path").write_text(str(Path(yaml.__file__).resolve().parent.parent), encoding="utf-8")
    # Links to a program of this name are how Juju's own hook tools are told from others.
    launcher = lib / "jujuc"
    interpreter = os.path.abspath(sys.executable)
    # -S, -E and -s leave out site-packages and the environment's say: half of the start-up time.
    first = "#!%s -SEs\n" % interpreter
    if len(first) > 127 or len(first.split()) != 2:
        # The kernel takes neither a long path nor one with a blank; a shell does.
        first = "#!/bin/sh\n''''exec '%s' -SEs \"$0\" \"$@\" #'''\n" % interpreter
    launcher.write_text(first + "from hooktools.program import main\n\nmain()\n", encoding="utf-8")
    launcher.chmod(0o755)
    for name in tools_of(juju["juju-version"]):
        (tools / name).symlink_to(Path("..", "lib", "jujuc"))
    side = FileSide(home)
    side.write(juju)
    side.context = ""
    return side
