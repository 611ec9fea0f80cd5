"""What the desk does in the place of layer:basic's bootstrap.

A built charm begins every hook with ``charms.layer.basic.bootstrap_charm_deps()``. On a unit that installs
packages with apt, makes a virtual environment of the wheelhouse, writes into root's home and into
``/usr/local/sbin``, and starts the hook again. None of this may happen on a developer's machine. What it does
besides, a charm needs: its own ``bin`` on ``PATH``, ``layer.options`` as a function, and all libraries of its
layers imported, so that ``layer.NAME`` is there. This is done here in its stead.

An action asks for the same with ``activate_venv()``, and for ``/usr/local/sbin/charm-env`` in its first line,
which the bootstrap would have copied there from the charm's ``bin``.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any, List, Optional, Union

__all__ = ["MODULE", "charm_env", "command", "replace_in", "replace_in_module"]

#: The module whose functions are replaced.
MODULE = "charms.layer.basic"

_FILE = Path("lib", "charms", "layer", "basic.py")

# In the unit's copy of the charm, so that every process of a hook has it; behind everything else, so that
# lines keep their numbers. Any Python 3 may come to read it.
_TEXT = """

# From here on it is not the charm's: charms.reactive added this to the copy of a simulated unit, so that no
# hook installs anything on a developer's machine. What is left of the bootstrap needs no root.
def bootstrap_charm_deps(*_, **__):
    import os
    own = os.environ.get("JUJU_CHARM_DIR") or os.environ.get("CHARM_DIR") or os.getcwd()
    os.environ["PATH"] = os.environ.get("PATH", os.defpath) + os.pathsep + os.path.join(own, "bin")
    activate_venv()


def activate_venv(*_, **__):
    from charms import layer
    for name in ("patch_options_interface", "import_layer_libs"):
        if hasattr(layer, name):
            getattr(layer, name)()
"""
_CODE = compile(_TEXT, "<added by charms.reactive>", "exec", dont_inherit=True)


def replace_in(charm: Path) -> None:
    """Replace the bootstrap in a copy of a charm, if it has one.

    Args:
        charm: the directory of the copy. Nothing that a link in it leads to is changed.
    """
    if not (charm / _FILE).is_file():
        return
    place = charm
    for part in _FILE.parts[:-1]:
        place /= part
        if place.is_symlink():
            target = place.resolve()
            place.unlink()
            shutil.copytree(target, place, symlinks=True)
    file = charm / _FILE
    content, mode = file.read_bytes(), file.stat().st_mode
    file.unlink()  # it may be a link
    file.write_bytes(content + _TEXT.encode())
    file.chmod(mode & 0o7777)


def replace_in_module(module: ModuleType) -> None:
    """The same in the module, where a hook runs in this interpreter and in no copy of the charm."""
    namespace: Any = module.__dict__
    exec(_CODE, namespace)


_CHARM_ENV = re.compile(rb"#!\s*(?:/usr/bin/env\s+|\S*/)charm-env(?:\s+(?P<program>\S+))?\s*$")


def charm_env(file: Union[str, os.PathLike[str]]) -> Optional[str]:
    """The program with which ``charm-env`` is to run a file; ``None`` if its first line does not say so."""
    try:
        with open(file, "rb") as opened:
            found = _CHARM_ENV.match(opened.readline(1024))
    except OSError:
        return None
    return found and (found["program"] or b"python3").decode("utf-8", "replace")


def command(file: Union[str, os.PathLike[str]], charm: Union[str, os.PathLike[str]]) -> List[str]:
    """The command line that runs a hook or action as a process.

    That of the file alone, unless it asks for the ``charm-env`` that only a bootstrap installs: then the
    charm's own is taken.
    """
    own = os.path.join(charm, "bin", "charm-env")
    program = charm_env(file)
    if program is None or not os.access(own, os.X_OK) or not os.access(file, os.X_OK):
        return [str(file)]
    return [own, program, str(file)]
