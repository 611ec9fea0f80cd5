"""``charms.reactive lint`` beside ``charmlint``, on charms that are made for it.

charmlint needs Python 3.12, and has an environment of the newest Python at hand. It looks at metadata and
options, and knows no flags.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Dict, List, Mapping, Sequence

from environments import ROOT, BenchmarkError, Environment, create, newest_python

__all__ = ["ABOUT", "GROWTH", "LOADED", "SECONDS", "UNLOADED", "growth", "times"]

#: What was asked for: at most so many times charmlint's, with and without loading the charm.
LOADED, UNLOADED = 2.0, 1.0
#: Seconds that a charm of 160 handlers and 15 interface layers may take.
SECONDS = 1.0
#: How many times as much a handler among 10,000 may cost as one among 1,000.
GROWTH = 1.25

ABOUT = (
    "Row 25: whole processes on a charm of handlers that each wait for a flag of one before them, with "
    "interface layers beside them; all rules, notes included. `charmlint` 0.3 has the same tree, and a "
    "CPython of its own, which is newer. Wall clock, median of 9, in turns. Loading the charm on the desk is "
    "a second process, beside the first. Growth: CPU of `--no-load` for each handler, median of 3."
)

_LAYER = """\
from charms.reactive import Endpoint, clear_flag, set_flag, toggle_flag, when


class Requires(Endpoint):
    def manage_flags(self):
        toggle_flag(self.expand_name("{endpoint_name}.available"), self.is_joined and self.host)

    @when("endpoint.{endpoint_name}.changed")
    def changed(self):
        clear_flag(self.expand_name("changed"))
        set_flag(self.expand_name("{endpoint_name}.seen"))

    @property
    def host(self):
        for relation in self.relations:
            for unit in relation.joined_units:
                if unit.received["host"]:
                    return unit.received["host"]
        return None
"""

_PER_FILE = 40


def make_charm(directory: Path, handlers: int, interfaces: int) -> Path:
    """A charm of so many handlers in files of 40, and so many interface layers."""
    files: Dict[str, List[str]] = {
        "metadata.yaml": ["name: linted", "requires:"],
        "config.yaml": ["options:", *("  option-%d: {type: string, default: x}" % n for n in range(20))],
    }
    for number in range(interfaces):
        files["metadata.yaml"].append("  it%d: {interface: layer%d}" % (number, number))
        files["hooks/relations/layer%d/requires.py" % number] = [_LAYER]
    for number in range(handlers):
        lines = files.setdefault(
            "reactive/part%d.py" % (number // _PER_FILE),
            ["from charmhelpers.core import hookenv", _IMPORTS],
        )
        before = number - 1 - number % 7
        waits = "work.%d" % before if before >= 0 else "config.changed"
        more = ', "config.set.option-%d"' % (number % 20) if number % 5 == 0 else ""
        lines += ["", "", "@when(%r%s)" % (waits, more), '@when_not("work.%d")' % number]
        lines += ["def handler_%d():" % number, '    hookenv.log("doing %d")' % number]
        lines += [
            "    for unit in hookenv.related_units():",
            '        if is_flag_set("work.%d") and unit:' % number,
        ]
        lines += ['            hookenv.status_set("active", unit)', '    set_flag("work.%d")' % number]
    for name, lines in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
    return directory


_IMPORTS = "from charms.reactive import is_flag_set, set_flag, when, when_not"


def _took(command: Sequence[str], variables: Mapping[str, str]) -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, env=dict(variables), capture_output=True, text=True)
    took = time.perf_counter() - begin
    if done.returncode not in (0, 1):
        raise BenchmarkError("%s failed:\n%s" % (" ".join(command), done.stdout + done.stderr))
    return took


def _lint(ours: Environment) -> List[str]:
    """The command as it is installed: the environment finds this tree by a path, and has no program."""
    return [ours.python, str(ROOT / "wheel-data/scripts/charms.reactive-python"), "lint", "--select", "all"]


def times(ours: Environment, handlers: int, interfaces: int, runs: int = 9) -> Dict[str, List[float]]:
    """Seconds that each takes: ``loaded``, ``unloaded`` and ``charmlint``."""
    charmlint = create("charmlint", ["charmlint==0.3"], base=newest_python())
    found: Dict[str, List[float]] = {"charmlint": [], "loaded": [], "unloaded": []}
    with tempfile.TemporaryDirectory() as directory:
        charm = str(make_charm(Path(directory), handlers, interfaces))
        lint = _lint(ours)
        commands = {
            "charmlint": [str(Path(charmlint.python).parent / "charmlint"), charm],
            "loaded": [*lint, charm],
            "unloaded": [*lint, "--no-load", charm],
        }
        environments = {"charmlint": charmlint, "loaded": ours, "unloaded": ours}
        for _ in range(runs):
            for name, command in commands.items():
                found[name].append(_took(command, environments[name].variables()))
    return found


def growth(ours: Environment, few: int = 1000, many: int = 10_000) -> Dict[int, float]:
    """CPU seconds of one handler, among few and among many."""
    found: Dict[int, float] = {}
    for handlers in (few, many):
        taken: List[float] = []
        with tempfile.TemporaryDirectory() as directory:
            charm = str(make_charm(Path(directory), handlers, 2))
            for _ in range(3):
                before = _children()
                _took([*_lint(ours), "--no-load", charm], ours.variables())
                taken.append(_children() - before)
        found[handlers] = median(taken) / handlers
    return found


def _children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system
