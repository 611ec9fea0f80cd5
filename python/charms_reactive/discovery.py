"""Discovery: finds the files of handlers below the charm directory, and loads them in sorted order."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType

from ._errors import HandlerImportError, UnitStateError
from ._juju import environment, settings
from ._unit_state import unit_state
from ._unit_state.rows import DECLARED, storable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Optional, Tuple

__all__ = ["discover"]

_SEARCHED = ("reactive", os.path.join("hooks", "reactive"), os.path.join("hooks", "relations"))


def discover() -> None:
    """Load every handler of the charm.

    They are looked for in ``reactive``, ``hooks/reactive`` and ``hooks/relations`` below the charm
    directory and everything below those, in sorted order, which makes the order of handlers the same
    on every unit. Python files are imported as ``reactive.…`` and ``relations.…``; executable files
    without a suffix or with ``.sh`` that are scripts or binaries become external handlers, and the
    functions of bash scripts that declare them handlers of their own. What editors and file systems leave
    behind (``.#app.py``, ``._app.py``, hidden directories) is passed over. The charm directory and its
    ``hooks`` stay on ``sys.path``, for modules that import one another later.

    Raises:
        CharmDirError: there is no charm directory.
        HandlerImportError: a Python file cannot be imported, or ends the process.
        SystemExit: a Python file asks for that, as a success.
        StrictModeError: one asks for that, or a file of bash handlers cannot be one, and strict mode is on.
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
        subdirectories[:] = sorted(
            name for name in subdirectories if not name.startswith(("__pycache__", "."))
        )
        for name in sorted(names):
            if not _is_left_behind(name):
                yield os.path.join(directory, name)


def _is_left_behind(name: str) -> bool:
    """Whether a file is the lock of an editor, the shadow of another file system, or hidden Python.

    A hidden file of Python has no name that could be imported; that of the file beside it would be.
    """
    return name[:1] == "." and (name.startswith(("._", ".#")) or name.endswith(".py"))


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
        except SystemExit as stop:
            if stop.code not in (None, 0):
                raise HandlerImportError(filepath, stop) from stop
            _say_ended(filepath, stop)
            raise
    elif _is_external_handler(filepath):
        from ._shell import shell_scripts  # most charms have none

        shell_scripts.register(filepath)
    else:
        reason = _why_no_script(filepath)
        if reason:
            # Nothing else tells why its handlers never run.
            shown = environment.relative_path(filepath)
            settings.warn("%s has handlers and %s, so none of them is registered; %s" % (shown, *reason))


def _say_ended(filepath: str, stop: SystemExit) -> None:
    """Say that a module has ended the hook before anything could run, which 1.5.x takes for a success."""
    last = stop.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = "" if last is None else " at %s:%d" % (last.tb_frame.f_code.co_filename, last.tb_lineno)
    settings.warn(
        "%s ends the hook while it is imported, by sys.exit()%s: no handler of the charm runs; if this is no "
        "module of handlers, take it out of the charm" % (environment.relative_path(filepath), where)
    )


def _load_module(root: str, filepath: str) -> ModuleType:
    """Import a file under the package that its root stands for: ``reactive`` or ``relations``."""
    module = os.path.relpath(filepath, root)[: -len(".py")].replace(os.sep, ".")
    if module == "__init__" or module.endswith(".__init__"):
        module = module[: -len(".__init__")]
    package = os.path.basename(root)
    return importlib.import_module(package + "." + module if module else package)


_SUFFIXES = ("", ".sh")


def _why_no_script(filepath: str) -> Optional[Tuple[str, str]]:
    """What keeps a script that ends as scripts of handlers do from being one, and what to do about it."""
    suffix = os.path.splitext(filepath)[1]
    executable = os.access(filepath, os.X_OK)
    if suffix not in _SUFFIXES and not executable:
        return None
    try:
        with open(filepath, "rb") as file:
            beginning = file.read(2)
            if (beginning != b"#!" and not executable) or b"\nreactive_handler_main" not in file.read():
                return None
    except OSError:  # a link to nowhere, or not for us to read
        return None
    if beginning != b"#!":
        return "does not begin with #!", "#!/bin/bash as its first line makes it so"
    if suffix not in _SUFFIXES:
        return "is called *%s" % suffix, "a name that ends in .sh makes it so"
    return "is not executable", "chmod +x makes it so"  # archives and checkouts lose it


def _is_external_handler(filepath: str) -> bool:
    if not os.access(filepath, os.X_OK) or os.path.splitext(filepath)[1] not in _SUFFIXES:
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
