"""A hook with three bash scripts of five functions each: how long it takes, and its processes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from commands import install
from environments import ROOT, BenchmarkError, Environment
from hooks import Cost, Unit

#: Functions that run in each hook.
INVOKED = 9


class Measured(NamedTuple):
    """What the hooks of one framework cost; ``None`` where processes cannot be counted."""

    costs: List[Cost]
    processes: Optional[int]


class ShellUnit:
    """A unit whose hooks find the commands of one framework."""

    def __init__(self, environment: Environment, root: Path, program: Path, helper: Path) -> None:
        self._charm = {entry: root / entry / "charm" for entry in ("plain", "counted")}
        self._units: Dict[str, Unit] = {}
        for entry in self._charm:
            (root / entry).mkdir(parents=True)
            self._units[entry] = Unit(environment, entry, root / entry, "shell")
            (root / entry / "tools" / "charms.reactive").symlink_to(program)
            (root / entry / "tools" / "charms.reactive.sh").symlink_to(helper)
        self._name = environment.name
        self._costs: List[Cost] = []

    def hook(self) -> None:
        """One ``update-status``."""
        cost = self._units["plain"].run("update-status")
        self._costs.append(cost)
        names = [name for handler in cost.invoked for name in _functions(handler)]
        if len(names) != INVOKED:
            raise BenchmarkError("%s invoked %s" % (self._name, ", ".join(cost.invoked)))

    def measured(self) -> Measured:
        """All hooks but the first, which finds everything new."""
        return Measured(self._costs[1:], self._count())

    def _count(self) -> Optional[int]:
        """The processes of a second hook; ``None`` if the system gives no namespace to count them in."""
        try:
            for _ in range(2):
                self._units["counted"].run("update-status")
        except BenchmarkError:
            return None
        return int((self._charm["counted"] / "processes").read_text())


def _functions(handler: str) -> List[str]:
    """The functions that an id of 1.5.3 or of ours names."""
    _, quote, said = handler.partition('"')
    # 1.5.3 shows what --test printed as Python writes bytes.
    return said.split(",") if quote else [handler]


def shell_hooks(
    ours: Dict[str, Environment], old: Environment, runs: int, old_runs: int
) -> Dict[str, Measured]:
    """What the hooks of each framework cost; they take turns."""
    programs = install(ours["pure"])
    helper = ROOT / "wheel-data" / "scripts" / "charms.reactive.sh"
    scripts = Path(old.python).parent
    root = Path(tempfile.mkdtemp(prefix="reactive-bench-"))
    try:
        units = {
            name: ShellUnit(ours[name], root / name, program, helper) for name, program in programs.items()
        }
        units[old.name] = ShellUnit(
            old, root / old.name, scripts / "charms.reactive", scripts / "charms.reactive.sh"
        )
        for turn in range(runs + 1):
            for name, unit in units.items():
                if name != old.name or turn <= old_runs:
                    unit.hook()
        return {name: unit.measured() for name, unit in units.items()}
    finally:
        shutil.rmtree(str(root))
