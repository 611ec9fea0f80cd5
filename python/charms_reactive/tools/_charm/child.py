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
    """Do what the command line says: ``DIRECTORY CHARM TASK [ARGUMENT…]``; the answer is ``answer.json`` in
    there.
    """
    directory, root, task, *arguments = sys.argv[1:]
    place = Path(directory)
    guard.limit(_SECONDS)
    copy = place / "charm"
    _copy(Path(root), copy)
    try:
        answer = _TASKS[task](place, copy, arguments)
    except ReactiveError as error:
        sys.exit(str(error).replace(str(copy), root))
    (place / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # Python takes 10 ms to put everything away, and somebody is waiting


def _copy(root: Path, copy: Path) -> None:
    shutil.copytree(root, copy, symlinks=False, ignore=_LEFT_OUT, ignore_dangling_symlinks=True)
    declared = declared_in(copy)
    if "name" not in declared.metadata and not declared.errors:
        # A layer need not have one; a charm does.
        named = {"name": "layer", **declared.metadata}
        (copy / "metadata.yaml").write_text(json.dumps(named, default=str), encoding="utf-8")


def _load(place: Path, copy: Path, _: Any) -> Dict[str, Any]:
    collected = place / "collected.json"
    dispatch = copy / "dispatch"
    if dispatch.exists():
        dispatch.unlink()
    dispatch.write_text(_DISPATCH % str(collected))
    dispatch.chmod(0o755)
    outcome = _unit(place, copy, hooks=1).run("update-status")
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


def _unit(place: Path, copy: Path, hooks: int = 0) -> Any:
    """A unit of the copy, when nothing else is in reach any more; for one hook, or for any number of them."""
    _only_a_unit()
    from charms_reactive.testing import _running

    _running.only_what_is_loaded = hooks == 1
    from charms_reactive.testing._running import charm_modules
    from charms_reactive.testing._unit.charm import Charm
    from charms_reactive.testing._unit.scenario import Unit

    # It was given to this process, which may not start one to ask for it.
    charm_modules._found_path.extend(sys.path)
    charm = Charm(copy)
    # What was imported until now stays; whoever looks for garbage need not go through it.
    gc.freeze()
    gc.enable()
    guard.confine(str(place), guard.pythons_own())
    # Juju gives a hook the home of root.
    own = {"HOME": str(place / "home"), "TMPDIR": str(place / "tmp")}
    return Unit(charm, directory=place / "desk", check=False, environment=own)


def _hooks(place: Path, copy: Path, names: Any) -> Dict[str, Any]:
    """Run hooks one after the other, until one fails; what ran, what ended that, and what was warned of."""
    left_out = _without_scripts(copy)
    unit = _unit(place, copy)
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


_TASKS: Dict[str, Callable[[Path, Path, Any], Dict[str, Any]]] = {"load": _load, "hooks": _hooks}
