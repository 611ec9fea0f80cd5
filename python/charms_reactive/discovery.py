"""Discovery: finds the files of handlers below the charm directory, and loads them in sorted order."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType

from ._errors import HandlerImportError, UnitStateError
from ._juju import environment, juju_log
from ._unit_state import unit_state
from ._unit_state.rows import DECLARED, storable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

__all__ = ["discover"]

_SEARCHED = ("reactive", os.path.join("hooks", "reactive"), os.path.join("hooks", "relations"))


def discover() -> None:
    """Load every handler of the charm.

    They are looked for in ``reactive``, ``hooks/reactive`` and ``hooks/relations`` below the charm
    directory and everything below those, in sorted order, which makes the order of handlers the same
    on every unit. Python files are imported as ``reactive.…`` and ``relations.…``; executable files
    without a suffix or with ``.sh`` that are scripts or binaries become external handlers, and the
    functions of bash scripts that declare them handlers of their own. The charm directory and its
    ``hooks`` stay on ``sys.path``, for modules that import one another later.

    Raises:
        CharmDirError: there is no charm directory.
        HandlerImportError: a Python file cannot be imported.
        HandlerDeclarationError: a bash script of handlers has a mistake in it.
    """
    charm_dir = environment.charm_dir()
    _append_path(charm_dir)
    _append_path(os.path.join(charm_dir, "hooks"))
    found = set()
    for searched in _SEARCHED:
        root = os.path.join(charm_dir, searched)
        for path in _files_below(root):
            found.add(storable(path))
            _register_handlers_from_file(root, path)
    for script in unit_state.unit.getrange(DECLARED):
        if storable(os.path.join(charm_dir, script)) not in found:
            unit_state.unit.unset(DECLARED + script)


def _files_below(root: str) -> Iterator[str]:
    for directory, subdirectories, names in os.walk(root):
        subdirectories[:] = sorted(name for name in subdirectories if name != "__pycache__")
        for name in sorted(names):
            yield os.path.join(directory, name)


def _append_path(directory: str) -> None:
    if directory not in sys.path:
        sys.path.append(directory)


def _register_handlers_from_file(root: str, filepath: str) -> None:
    if filepath.endswith(".py"):
        try:
            _load_module(root, filepath)
        except (HandlerImportError, UnitStateError):
            raise  # they name the file that is to blame
        except Exception as error:
            raise HandlerImportError(filepath, error) from error
    elif _is_external_handler(filepath):
        from ._shell import shell_scripts  # most charms have none

        shell_scripts.register(filepath)
    elif _has_lost_its_bit(filepath):
        # Archives and checkouts lose it, and then nothing else tells why these handlers never run.
        juju_log.log(
            "%s has handlers and is not executable, so none of them is registered; chmod +x makes it so"
            % os.path.relpath(filepath, environment.charm_dir()),
            juju_log.WARNING,
        )


def _load_module(root: str, filepath: str) -> ModuleType:
    """Import a file under the package that its root stands for: ``reactive`` or ``relations``."""
    module = os.path.relpath(filepath, root)[: -len(".py")].replace(os.sep, ".")
    if module == "__init__" or module.endswith(".__init__"):
        module = module[: -len(".__init__")]
    package = os.path.basename(root)
    return importlib.import_module(package + "." + module if module else package)


def _has_lost_its_bit(filepath: str) -> bool:
    """Whether a file is a script that ends as scripts of handlers do, and is not executable."""
    if os.path.splitext(filepath)[1] not in ("", ".sh") or os.access(filepath, os.X_OK):
        return False
    try:
        with open(filepath, "rb") as file:
            return file.read(2) == b"#!" and b"\nreactive_handler_main" in file.read()
    except OSError:  # a link to nowhere, or not for us to read
        return False


def _is_external_handler(filepath: str) -> bool:
    if not os.access(filepath, os.X_OK) or os.path.splitext(filepath)[1] not in ("", ".sh"):
        return False
    with open(filepath, "rb") as file:
        beginning = file.read(1024)
    if beginning.startswith(b"#!"):
        return True
    try:
        beginning.decode("utf-8")
    except UnicodeDecodeError:
        return True  # a binary
    return False
