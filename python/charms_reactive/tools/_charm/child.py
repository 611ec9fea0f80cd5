"""The program that runs in a process of its own: it loads a charm on the desk, or runs its hooks there."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List

from charms_reactive.errors import ReactiveError

from . import guard
from .declared import declared_in

__all__ = ["main"]

# Neither code nor small.
_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__",
    "*.pyc",
    ".git",
    ".tox",
    ".venv",
    "venv",
    "wheelhouse",
    "node_modules",
    ".unit-state.db*",
    "*.snap",
    "*.tgz",
)

_SECONDS = 60

# What stands in the place of the charm's own hooks: it looks at what they would register.
_DISPATCH = """\
#!/usr/bin/env python3
import sys

sys.path.append("lib")

from charms_reactive.tools._charm import collecting

collecting.collect(%r)
"""


def main() -> None:
    """Do what the command line says: ``DIRECTORY TASK``; the charm and further arguments come as a line of
    JSON by stdin, the answer is ``answer.json`` in the directory.
    """
    place, task = Path(sys.argv[1]), sys.argv[2]
    guard.limit(_SECONDS)
    desk = _desk(task)  # takes most of the time, in which whoever has started this reads the charm
    asked = sys.stdin.buffer.readline()
    if not asked:
        # Nobody has needed it; whoever has started it may have been killed, and removes nothing any more.
        shutil.rmtree(place, ignore_errors=True)
        os._exit(0)
    root, arguments = json.loads(asked)
    _close_stdin()
    copy = place / "charm"
    _copy(Path(root), copy)
    try:
        answer = _TASKS[task](desk, place, copy, arguments)
    except ReactiveError as error:
        sys.exit(str(error).replace(str(copy), root))
    (place / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # Python takes 10 ms to put everything away, and somebody is waiting


def _close_stdin() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _copy(root: Path, copy: Path) -> None:
    shutil.copytree(root, copy, symlinks=False, ignore=_LEFT_OUT, ignore_dangling_symlinks=True)
    declared = declared_in(copy)
    if "name" not in declared.metadata and not declared.errors:
        # A layer need not have one; a charm does.
        named = {"name": "layer", **declared.metadata}
        (copy / "metadata.yaml").write_text(json.dumps(named, default=str), encoding="utf-8")


def _load(desk: Any, place: Path, copy: Path, _: Any) -> Dict[str, Any]:
    collected = place / "collected.json"
    dispatch = copy / "dispatch"
    if dispatch.exists():
        dispatch.unlink()
    dispatch.write_text(_DISPATCH % str(collected))
    dispatch.chmod(0o755)
    outcome = _unit(desk, place, copy).run("update-status")
    if not collected.exists():
        raise SystemExit(outcome.error or "the desk could not run it")
    found: Dict[str, Any] = json.loads(collected.read_text(encoding="utf-8"))
    return found


def _only_a_unit() -> None:
    """Have the desk import what a unit needs, and not models of several: that is half of the time."""
    name = "charms_reactive.testing"
    if name not in sys.modules:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        bare = ModuleType(name)
        bare.__path__ = list(spec.submodule_search_locations or ())
        sys.modules[name] = bare


def _desk(task: str) -> Any:
    """The desk, imported: what makes a charm of a directory, and a unit of that."""
    _only_a_unit()
    from charms_reactive.testing import _running

    _running.only_what_is_loaded = task == "load"  # which is a single hook
    from charms_reactive.testing._running import charm_modules
    from charms_reactive.testing._unit.charm import Charm
    from charms_reactive.testing._unit.scenario import Unit

    # It was given to this process, which may not start one to ask for it.
    charm_modules._found_path.extend(sys.path)
    # What was imported until now stays; whoever looks for garbage need not go through it.
    gc.freeze()
    gc.enable()
    return Charm, Unit


def _unit(desk: Any, place: Path, copy: Path) -> Any:
    """A unit of the copy, when nothing else is in reach any more."""
    make_charm, make_unit = desk
    charm = make_charm(copy)
    guard.confine(str(place), guard.pythons_own())
    # Juju gives a hook the home of root.
    own = {"HOME": str(place / "home"), "TMPDIR": str(place / "tmp")}
    return make_unit(charm, directory=place / "desk", check=False, environment=own)


def _hooks(desk: Any, place: Path, copy: Path, names: Any) -> Dict[str, Any]:
    """Run hooks one after the other, until one fails; what ran, what ended that, and what was warned of."""
    left_out = _without_scripts(copy)
    unit = _unit(desk, place, copy)
    ran: List[str] = []
    warnings: Dict[str, None] = {}
    state, error = None, None
    for name in names:
        outcome = unit.run(name, state)
        state = outcome.state
        for entry in outcome.log:
            if entry.level == "WARNING":
                warnings.update(dict.fromkeys(entry.message.splitlines()))
        if not outcome.succeeded:
            error = (outcome.error or "").replace(str(place), "")
            break
        ran.append(name)
    return {
        "ran": ran,
        "failed": None if error is None else name,
        "error": error,
        "warnings": list(warnings),
        "left_out": left_out,
    }


def _without_scripts(copy: Path) -> List[str]:
    """Take the handlers that would be processes out of a copy of a charm."""
    found: List[str] = []
    for top in ("reactive", "hooks/reactive", "hooks/relations"):
        for path in sorted((copy / top).rglob("*")):
            if path.is_file() and path.suffix in ("", ".sh") and os.access(path, os.X_OK):
                path.unlink()
                found.append(path.relative_to(copy).as_posix())
    return found


_TASKS: Dict[str, Callable[[Any, Path, Path, Any], Dict[str, Any]]] = {"load": _load, "hooks": _hooks}
