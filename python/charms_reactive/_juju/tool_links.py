"""The directory that has the program of ours under the names of Juju's hook tools, for handlers in bash.

The program (``crates/reactive-command``) asks the agent as Juju's own tools do, and starts in less time. A
wheel holds no links, so they are made when a handler in bash first needs them: beside the program, in
``libexec/charms.reactive`` of the environment in which it is installed, one directory for each version of
Juju, with the tools that this Juju has. Where nobody may write there, or the program is the one in Python,
there is none, and handlers in bash find Juju's own tools.
"""

from __future__ import annotations

import os
import stat

from . import calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple

__all__ = ["search_path"]

_PROGRAM = "charms.reactive"

#: How directories of links are called; the program knows them by that.
_DIRECTORY = "hook-tools-"

#: What every Juju has.
_SAMPLE = "juju-log"

# The directory for a PATH and a version of Juju, once it was looked for.
_known: Dict[Tuple[str, str], Optional[str]] = {}


def search_path(path: str) -> str:
    """The ``PATH`` for a handler in bash: with the links in front, if the agent can be asked."""
    if not calls.usable():
        return path
    key = path, os.environ.get("JUJU_VERSION", "")
    if key not in _known:
        try:
            _known[key] = _directory(*key)
        except OSError:
            _known[key] = None
    links = _known[key]
    return path if links is None else os.pathsep.join((links, path))


def _directory(path: str, version: str) -> Optional[str]:
    """The directory of links, made now if need be; ``None`` if there is no program for it."""
    program = _first("charms.reactive", path)
    if program is None:
        return None
    program = os.path.realpath(program)
    with open(program, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return None  # the script in Python, which takes longer to start than Juju's own tools
    home = os.path.join(os.path.dirname(os.path.dirname(program)), "libexec", _PROGRAM)
    directory = os.path.join(home, _DIRECTORY + (version.replace("/", "-") or "unknown"))
    if not _is_good(directory, program):
        tools = _tools(path)
        if not tools:
            return None
        _make(directory, program, tools)
        if not _is_good(directory, program):
            return None
    return directory


def _first(name: str, path: str) -> Optional[str]:
    for directory in path.split(os.pathsep):
        found = os.path.join(directory or ".", name)
        if os.access(found, os.X_OK) and not os.path.isdir(found):
            return found
    return None


def _tools(path: str) -> List[str]:
    """The hook tools of this Juju: what lies beside the first that is Juju's own."""
    sample = calls.jujus_own(_SAMPLE, path)
    if sample is None:
        return []
    directory = os.path.dirname(sample)
    return [
        name for name in sorted(os.listdir(directory)) if calls.is_jujus_own(os.path.join(directory, name))
    ]


def _is_good(directory: str, program: str) -> bool:
    """Whether the links lead to this program, and nobody else can have put anything else there."""
    try:
        found = os.lstat(directory)
        there, ours = os.stat(os.path.join(directory, _SAMPLE)), os.stat(program)
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid in (0, os.geteuid())
        and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        and (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
    )


def _make(directory: str, program: str, tools: List[str]) -> None:
    """Make the directory, all at once: hooks of other units may be doing the same."""
    import shutil
    import tempfile

    home = os.path.dirname(directory)
    os.makedirs(home, mode=0o755, exist_ok=True)
    target = os.path.relpath(program, directory)
    new = tempfile.mkdtemp(prefix=".new-", dir=home)
    try:
        for tool in tools:
            os.symlink(target, os.path.join(new, tool))
        os.chmod(new, 0o755)
        if os.path.islink(directory) or os.path.isdir(directory):
            old = tempfile.mkdtemp(prefix=".old-", dir=home)
            os.rename(directory, os.path.join(old, "links"))
            shutil.rmtree(old, ignore_errors=True)
        os.rename(new, directory)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)  # somebody else was quicker, or the disk is full
