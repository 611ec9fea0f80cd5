"""Measure the budgets of charms.reactive against 1.5.3 on this machine, and print the table.

    .venv/bin/python benches/run.py           all rows; writes RESULTS.md and results.json
    .venv/bin/python benches/run.py 1 4 7     only these rows; writes nothing

Every budget is a ratio of two figures of the same run, so that it means the same on every machine.
Each figure is the median of its runs, each workload has a process of its own, and what is compared
takes turns where noise matters. A budget that is missed is printed as MISS and fails nothing: a
benchmark is not a test.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import agents
import layered_charm
import linting
import readme
import remembering
from commands import BARE, latencies
from emitting import without_events
from environments import (
    BENCHES,
    BenchmarkError,
    Environment,
    build_engine_driver,
    create,
    create_old,
    create_ours,
    newest_python,
    run_engine_driver,
)
from hooks import Cost, Unit
from keeping import STEPS
from peers import KEYS, UNITS, Peer
from shell import INVOKED, shell_hooks
from simulation import ABOUT as ABOUT_SIMULATION
from simulation import rows as simulation_rows

ENGINES = "native", "pure"

# How the figures came about, printed below the table.
_ABOUT_ASKING = (
    "Row 4: both statements stand in the same kind of `timeit` loop and take turns; the loop's own cost "
    "is removed from neither."
)
_ABOUT_SETTING = (
    "Row 5, %s: rows written in an open transaction; the commit after each 200 is in neither figure. Nor "
    "is the first flag call after a write that is not ours: it reads all 100,000 flags anew, in "
    "%s."
)
_ABOUT_CLIPS = (
    "Row 6: in the first line our engine is driven from Rust (`benches/engine`) and CLIPS's rules assert "
    "the next fact themselves; in the second ours is driven from a loop in Python and a rule of CLIPS "
    "calls a Python function that asserts the fact, which is what a handler is; the third sets our loop "
    "in Python against CLIPS's in C."
)
_ABOUT_IMPORTS = (
    "Row 7: the import statement alone, by `perf_counter` and by user and system time, in fresh processes "
    "that take turns; median of 21. charmhelpers is imported with a stand-in for `distutils.version`."
)
_ABOUT_HOOKS = (
    "Rows 8 to 10: the charm in `benches/charm` after install, two config-changed, start and "
    "update-status. A plain hook imports charms.reactive first; a layered one imports charmhelpers first, "
    "as layer:basic does. CPU and memory are those of the hook and the processes it waited for, hook "
    "tools included; the same shell script answers for every hook tool. Median of 15 hooks, the versions "
    "taking turns."
)
_ABOUT_PEERS = (
    "Row 11: the charm in `benches/peers`, in which one handler clears the flag, after the other units have "
    "published three addresses and values as JSON with sorted keys. A first hook finds all of it new, a "
    "later one finds one value of one unit changed. Framework: the CPU of `main()` in a process of its own, "
    "imports before it not included, with a function that answers at once in place of every hook tool, "
    "charmhelpers' work and the commit included; median of 5 first and 15 later hooks, the versions taking "
    "turns. Whole: the process and its real hook tools, imports included; median of 5. What is left of a "
    "later hook is what both versions share: charmhelpers reads and decodes what 200 tools say, and the "
    "commit."
)

_ABOUT_EVENTS = (
    "Row 14: handlers that count and do nothing else, an event with one attribute. ops keeps a notice and a "
    "snapshot of each event in SQLite, in a file in a temporary directory, as it does on a unit. Each has a "
    "process of its own, and they take turns; the least of its runs."
)
_ABOUT_FLAGS = (
    "Row 15: CPU time of 100,000 changes of flags in an open transaction, with a copy of the package from "
    "which the lines for events are removed, in processes that take turns; the least of each one's runs."
)


_ABOUT_RECORDS = (
    "Row 27: records of four fields with a key, one after the other in an open transaction; CPU time for "
    "each, of `list` for each of those listed. Plain is a dict, `json` and one statement of `sqlite3`, which "
    "looks at nothing before it writes. Row 28: 100 of 10,000 records, and the index there already. "
    "Each has a process of its own, and they take turns; the least of its runs. peewee %s."
)
_ABOUT_COMMANDS = (
    "Row 12: whole processes, started in turns on a unit with 100 flags set; median of 100, of 1.5.3 of 20. "
    "`set_flag` sets a flag that is not set, in a transaction that is on the disk when the process ends; "
    "with triggers it sets two flags more and clears one. `test` is what a script of five functions asks. "
    "Native is the program of Rust, pure the script of Python; both run the same interpreter's "
    "`python3 -c pass` as their measure."
)


_ABOUT_SHELL = (
    "Row 13: the charm in `benches/shell`; %d of its functions run, with five commands for each script. "
    "CPU and processes are those of the hook and of all that it starts, hook tools included; processes are "
    "counted in a hook of its own. Median of 15 hooks, of 1.5.3 of 3, the versions taking turns, after one "
    "in which the scripts declare their functions." % INVOKED
)


_ABOUT_LAYERED = (
    "Row 18: update-status of a charm of layer:basic, layer:options, layer:status and one interface, from "
    "the system's Python on: CPU of the hook and the processes it waited for; median of %d, the versions "
    "taking turns. The same shell script answers for every hook tool, each a process that costs next to "
    "nothing; with the agent's socket the unit has the agent and the hook tools of rows 21 to 24, in Go, and "
    "1.5.3 starts those tools as processes. The agent's own CPU is not counted. 1.5.3 starts with the "
    "charm's own hook file in every row; the other hook file is `examples/light-hooks`."
)


class Row:
    """One line of the table: what was measured, what was asked for, and what came out.

    Attributes:
        number: the row's number, for the command line; rows of one number are measured together.
        what: what was measured.
        budget: what was asked for, in words.
        measured: the figure of each engine, in words.
        other: what it was compared with, in words.
        ratios: the ratio of each engine.
        passed: whether each engine that has a budget keeps it.
        data: the figures, for results.json.
    """

    def __init__(self, number: int, what: str, budget: str, other: str) -> None:
        self.number = number
        self.what = what
        self.budget = budget
        self.other = other
        self.measured: Dict[str, str] = {}
        self.ratios: Dict[str, float] = {}
        self.passed: Dict[str, bool] = {}
        self.data: Dict[str, Any] = {}

    def add(
        self,
        engine: str,
        measured: str,
        ratio: float,
        *,
        least: Optional[float] = None,
        most: Optional[float] = None,
    ) -> None:
        """Note what one engine did; without a limit there is no budget for it."""
        self.measured[engine] = measured
        self.ratios[engine] = ratio
        if least is not None:
            self.passed[engine] = ratio >= least
        if most is not None:
            self.passed[engine] = ratio <= most

    def verdict(self) -> str:
        missed = [engine for engine, passed in self.passed.items() if not passed]
        if not self.passed:
            return "no budget"
        if not missed:
            return "pass"
        return "MISS" if len(missed) == len(self.passed) else "MISS (%s)" % ", ".join(missed)

    def cells(self) -> List[str]:
        return [
            str(self.number),
            self.what,
            self.budget,
            *(self.measured.get(engine, "") for engine in ENGINES),
            self.other,
            *(_ratio(self.ratios.get(engine)) for engine in ENGINES),
            self.verdict(),
        ]

    def as_json(self) -> Dict[str, Any]:
        return dict(self.__dict__, data=_summary(self.data), verdict=self.verdict())


class Bench:
    """The environments of one run, and what rows of different numbers share."""

    def __init__(self) -> None:
        self.old = create_old()
        self.ours = create_ours()
        self.clips = Environment("clips", sys.executable)
        self.notes: List[str] = []
        self._hooks: Optional[Dict[Tuple[str, str], Dict[str, List[Cost]]]] = None

    # -- rows 1 and 2 ----------------------------------------------------------------------
    def dispatch(self) -> List[Row]:
        """A dispatch without a tracer."""
        what = "dispatch, 1,000 idle handlers, 1,000 flags set, chain of 10, no tracer"
        row = self._dispatch(1, "none", what)
        row.budget = "native >= 2,000 x faster, pure >= 200 x"
        return [self._judge(row, {"native": 2000, "pure": 200})]

    def dispatch_traced(self) -> List[Row]:
        """A dispatch with each one's default tracer."""
        row = self._dispatch(2, "default", "the same with each one's default tracer")
        row.budget = "native >= 10,000 x faster"
        return [self._judge(row, {"native": 10000})]

    def _dispatch(self, number: int, tracer: str, what: str) -> Row:
        workload = {"idle": 1000, "flags": 1000, "length": 10, "tracer": tracer}
        old = self.old.measure("dispatch", rounds=5, **workload)["dispatch"]
        row = Row(number, what, "", "1.5.3: " + _seconds(median(old)))
        row.data["1.5.3"] = old
        for engine, ours in self.ours.items():
            row.data[engine] = ours.measure("dispatch", rounds=200, **workload)["dispatch"]
        return row

    def _judge(self, row: Row, budgets: Dict[str, float]) -> Row:
        for engine in ENGINES:
            took = median(row.data[engine])
            row.add(engine, _seconds(took), median(row.data["1.5.3"]) / took, least=budgets.get(engine))
        return row

    # -- row 3 -----------------------------------------------------------------------------
    def growth(self) -> List[Row]:
        """The cost of a fired handler as idle ones come to stand beside it."""
        length, few, many = 50, 100, 100_000
        row = Row(3, "one fired handler among 100,000 idle / among 100 (chain of 50)", "<= 2", "")
        for engine, ours in self.ours.items():
            times: Dict[int, List[float]] = {few: [], many: []}
            for _ in range(2):
                for idle in few, many:
                    took = ours.measure(
                        "dispatch", idle=idle, flags=1000, length=length, rounds=60, tracer="none"
                    )
                    times[idle] += took["dispatch"]
            small, large = median(times[few]) / length, median(times[many]) / length
            row.add(engine, "%s / %s" % (_seconds(large), _seconds(small)), large / small, most=2)
            row.data[engine] = {str(idle): taken for idle, taken in times.items()}
        row.other = "itself"
        return [row]

    # -- row 4 -----------------------------------------------------------------------------
    def is_flag_set(self) -> List[Row]:
        """Asking for a flag, in a transaction and outside one."""
        inside = Row(4, "`is_flag_set` in a hook's open transaction / `name in some_set`", "<= 20", "")
        outside = Row(4, "the same outside a transaction", "none", "")
        old = self.old.measure("is_flag_set", flags=1000, number=20, repeat=5)
        for engine, ours in self.ours.items():
            times = ours.measure("is_flag_set", flags=1000, number=20_000, repeat=15)
            member = median(times["in set"])
            for row, where in (inside, "inside"), (outside, "outside"):
                asked = median(times[where])
                limit = 20.0 if row is inside else None
                row.add(engine, _seconds(asked), asked / member, most=limit)
                row.other += "set, %s: %s; " % (engine, _seconds(member))
                row.data[engine] = {where: times[where], "in set": times["in set"]}
                row.data["1.5.3"] = old[where]
        for row, where in (inside, "inside"), (outside, "outside"):
            row.other += "1.5.3: " + _seconds(median(old[where]))
        self.notes.append(_ABOUT_ASKING)
        return [inside, outside]

    # -- row 5 -----------------------------------------------------------------------------
    def set_flag(self) -> List[Row]:
        """Setting a new flag where very many are set."""
        row = Row(5, "`set_flag` of a new flag at 100,000 flags set / bare `unitdata.kv().set`", "<= 2", "")
        old = self.old.measure("set_flag", flags=100_000, number=3, repeat=2)
        row.data["1.5.3"] = old
        for engine, ours in self.ours.items():
            times = ours.measure("set_flag", flags=100_000, number=200, repeat=25)
            took, bare = median(times["set_flag"]), median(times["kv.set"])
            row.add(engine, _seconds(took), took / bare, most=2)
            row.other += "kv.set, %s: %s; " % (engine, _seconds(bare))
            row.data[engine] = times
            self.notes.append(_ABOUT_SETTING % (engine, _seconds(median(times["noticing"]))))
        row.other += "1.5.3: " + _seconds(median(old["set_flag"]))
        return [row]

    # -- row 6 -----------------------------------------------------------------------------
    def engine(self) -> List[Row]:
        """The engine by itself against CLIPS."""
        size = {"rules": 10_000, "flags": 1000, "length": 100}
        driver = build_engine_driver()
        rust: List[float] = []
        ours: Dict[str, List[float]] = {engine: [] for engine in ENGINES}
        clips: Dict[bool, List[float]] = {True: [], False: []}
        for _ in range(3):
            for python, times in clips.items():
                times += self.clips.measure("clips", python=python, rounds=50, **size)["chain"]
            for engine in ENGINES:
                ours[engine] += self.ours[engine].measure("engine", which=engine, rounds=100, **size)["chain"]
            rust += run_engine_driver(driver, rounds=100, **size)
        budget = "native >= 10 x faster"
        what = "engine alone, chain of 100 among 10,000 rules: "
        inside = Row(6, what + "no Python on either side", budget, "CLIPS: " + _seconds(median(clips[False])))
        took = median(rust)
        inside.add("native", _seconds(took), median(clips[False]) / took, least=10)
        inside.data = {"CLIPS": clips[False], "native": rust}
        rows = [inside]
        for python, what in (
            (True, "the same, Python on both sides"),
            (False, "the same, Python only on ours"),
        ):
            reference = median(clips[python])
            row = Row(6, what, budget, "CLIPS: " + _seconds(reference))
            for engine in ENGINES:
                took = median(ours[engine])
                row.add(engine, _seconds(took), reference / took, least=10.0 if engine == "native" else None)
            row.data = {"CLIPS": clips[python], **ours}
            rows.append(row)
        self.notes.append(_ABOUT_CLIPS)
        return rows

    # -- row 7 -----------------------------------------------------------------------------
    def imports(self) -> List[Row]:
        """The import of the framework."""
        self.notes.append(_ABOUT_IMPORTS)
        return self._imports(7, self.old, self.ours)

    def newest_imports(self) -> List[Row]:
        """The import of the framework on the newest Python at hand."""
        base = newest_python()
        if base is None:
            self.notes.append("Row 17: there is no newer Python here than the one of the other rows.")
            return []
        ours = create_ours(base)
        version = ours["pure"].versions()["python"]
        self.notes.append("Row 17: as row 7, on CPython %s." % version)
        return self._imports(17, create_old(base), ours, ", CPython %s" % version)

    # -- row 18 ----------------------------------------------------------------------------
    def layered(self) -> List[Row]:
        """A hook of a charm of layer:basic, from the system's Python on."""
        rows: List[Row] = []
        rounds = 15
        self.notes.append(_ABOUT_LAYERED % rounds)
        found = layered_charm.pythons_at_hand()
        for minor in layered_charm.MINORS:
            if minor not in found:
                self.notes.append("Row 18: there is no CPython %s here." % minor)
        real = layered_charm.layers_at_hand() is not None
        supplies = layered_charm.supplies() if real else None
        root = Path(tempfile.mkdtemp(prefix="reactive-bench-"))
        agent = agents.Agent(root / "agent", layered_charm.ANSWERS)
        try:
            for minor, python in found.items():
                units = layered_charm.stand_in_units(python, root)
                stand_in = units
                if supplies is not None:
                    units = layered_charm.real_units(python, root, supplies)
                costs: Dict[Tuple[str, bool, bool], List[Cost]] = {}
                checks: Dict[str, List[Cost]] = {}
                for _ in range(rounds):
                    for light, socket in itertools.product((False, True), repeat=2):
                        for name, unit in units.items():
                            if name == "1.5.3" and light:
                                continue
                            unit.take_hook_file(light)
                            cost = unit.run(agent=agent if socket else None)
                            costs.setdefault((name, light, socket), []).append(cost)
                    if supplies is not None:
                        for name, unit in stand_in.items():
                            checks.setdefault(name, []).append(unit.run())
                rows += self._layered_rows(minor, costs)
                self.notes.append(self._what_it_was_measured_with(minor, costs, checks))
        finally:
            agent.close()
            shutil.rmtree(root)
        return rows

    def _layered_rows(self, minor: str, costs: Dict[Tuple[str, bool, bool], List[Cost]]) -> List[Row]:
        rows = []
        for light, socket, what, least in (
            (False, False, "update-status that layer:basic starts, CPU, CPython %s", 1.5),
            (False, True, "the same with the agent's socket, CPython %s", 1.8),
            (True, False, "the same with the other hook file, CPython %s", None),
            (True, True, "the same with the other hook file and the agent's socket, CPython %s", 4),
        ):
            row = Row(18, what % minor, ">= %g x less" % least if least else "none", "")
            old = costs["1.5.3", False, socket]
            row.other = "1.5.3: " + _seconds(median(cost.cpu for cost in old))
            for engine in ENGINES:
                took = median(cost.cpu for cost in costs[engine, light, socket])
                row.add(engine, _seconds(took), median(cost.cpu for cost in old) / took, least=least)
                row.data[engine] = [cost.cpu for cost in costs[engine, light, socket]]
            row.data["1.5.3"] = [cost.cpu for cost in old]
            rows.append(row)
        return rows

    def _what_it_was_measured_with(
        self, minor: str, costs: Dict[Tuple[str, bool, bool], List[Cost]], checks: Dict[str, List[Cost]]
    ) -> str:
        """A note: of what the charm was made, and what the stand-in for the layers costs beside them."""
        if not checks:
            return "Row 18, CPython %s: the layers are not here; files of ours stand in for them." % minor
        shares = [
            "%.2f (%s)"
            % (
                median(cost.cpu for cost in every) / median(cost.cpu for cost in costs[name, False, False]),
                name,
            )
            for name, every in checks.items()
        ]
        return (
            "Row 18, CPython %s: charm-build has made the charm of the layers. Our files in their place "
            "cost, of that: %s." % (minor, ", ".join(shares))
        )

    def _imports(
        self, number: int, old: Environment, here: Dict[str, Environment], where: str = ""
    ) -> List[Row]:
        ours = "import charms.reactive"
        bare = "from charmhelpers.core import hookenv, unitdata"
        cases: Dict[str, Tuple[Environment, str, str]] = {
            "1.5.3": (old, "", ours),
            "charmhelpers": (here["pure"], _CHEAP_VERSION, bare),
            "native": (here["native"], "", ours),
            "pure": (here["pure"], "", ours),
        }
        wall: Dict[str, List[float]] = {name: [] for name in cases}
        cpu: Dict[str, List[float]] = {name: [] for name in cases}
        for turn in range(22):
            for name, (environment, before, statement) in cases.items():
                printed = environment.run(["-c", _TIMED_IMPORT % (before, statement)])
                if turn:  # the first one compiles
                    took = json.loads(printed)
                    wall[name].append(took[0])
                    cpu[name].append(took[1])
        rows = []
        for times, how in (wall, "wall"), (cpu, "CPU"):
            beside = "`import charms.reactive` / charmhelpers' hookenv and unitdata, "
            row = Row(number, beside + how + where, "<= 1.2", "")
            # Bounded by charmhelpers itself, which both import.
            faster = Row(number, "`import charms.reactive`, " + how + where, "none", "")
            for engine in ENGINES:
                took = median(times[engine])
                row.add(engine, _seconds(took), took / median(times["charmhelpers"]), most=1.2)
                faster.add(engine, _seconds(took), median(times["1.5.3"]) / took)
            row.other = "charmhelpers: " + _seconds(median(times["charmhelpers"]))
            faster.other = "1.5.3: " + _seconds(median(times["1.5.3"]))
            row.data = faster.data = dict(times)
            rows += [row, faster]
        return rows

    # -- rows 8, 9 and 10 ------------------------------------------------------------------
    def hooks(self) -> Dict[Tuple[str, str], Dict[str, List[Cost]]]:
        """What hooks of the charm cost: by how the hook starts and its name, then by version."""
        if self._hooks is not None:
            return self._hooks
        self._hooks = {}
        root = Path(tempfile.mkdtemp(prefix="reactive-bench-"))
        try:
            for entry in "plain", "layered":
                units = {}
                for environment in (*self.ours.values(), self.old):
                    place = root / entry / environment.name
                    place.mkdir(parents=True)
                    units[environment.name] = Unit(environment, entry, place)
                    units[environment.name].settle()
                for hook in "update-status", "config-changed":
                    costs: Dict[str, List[Cost]] = {name: [] for name in units}
                    for _ in range(15):
                        for name, unit in units.items():
                            costs[name].append(unit.run(hook))
                    self._hooks[entry, hook] = costs
                    self._compare_handlers(entry, hook, costs)
        finally:
            shutil.rmtree(root)
        self.notes.append(_ABOUT_HOOKS)
        return self._hooks

    def _compare_handlers(self, entry: str, hook: str, costs: Dict[str, List[Cost]]) -> None:
        invoked = {name: [cost.invoked for cost in every] for name, every in costs.items()}
        for engine in ENGINES:
            if invoked[engine] != invoked[self.old.name]:
                self.notes.append(
                    "NOT THE SAME WORK: %s hook %s invoked %s on %s, and %s on 1.5.3."
                    % (entry, hook, invoked[engine][-1], engine, invoked[self.old.name][-1])
                )

    def hook_cpu(self) -> List[Row]:
        """The CPU time of whole hooks."""
        rows = []
        for (entry, hook), costs in self.hooks().items():
            row = Row(8, "whole hook, CPU: %s, %s" % (hook, entry), ">= 2.5 x less", "")
            old = median(cost.cpu for cost in costs[self.old.name])
            row.other = "1.5.3: " + _seconds(old)
            for engine in ENGINES:
                took = median(cost.cpu for cost in costs[engine])
                row.add(engine, _seconds(took), old / took, least=2.5)
            row.data = {
                name: {"cpu": [cost.cpu for cost in every], "wall": [cost.wall for cost in every]}
                for name, every in costs.items()
            }
            rows.append(row)
        return rows

    def hook_tools(self) -> List[Row]:
        """The hook tools that hooks start."""
        rows = []
        for (entry, hook), costs in self.hooks().items():
            old = costs[self.old.name][-1]
            where = "%s, %s" % (hook, entry)
            row = Row(
                9,
                "hook-tool processes: " + where,
                "no more of any tool",
                "1.5.3: %d" % sum(old.calls.values()),
            )
            logs = Row(9, "`juju-log` processes: " + where, "<= handlers invoked + 2", "")
            tools: Dict[str, List[str]] = {}
            logs.other = "%d handlers; 1.5.3: %d" % (len(old.invoked), old.calls["juju-log"])
            for engine in ENGINES:
                cost = costs[engine][-1]
                total = sum(cost.calls.values())
                row.add(engine, str(total), total / sum(old.calls.values()))
                row.passed[engine] = all(count <= old.calls[tool] for tool, count in cost.calls.items())
                allowed = len(cost.invoked) + 2
                logs.add(engine, str(cost.calls["juju-log"]), cost.calls["juju-log"] / allowed, most=1)
                tools.setdefault(_tools(cost, old), []).append(engine)
            row.data = {name: dict(every[-1].calls) for name, every in costs.items()}
            logs.data = {name: every[-1].invoked for name, every in costs.items()}
            for calls, engines in tools.items():
                self.notes.append("Row 9, %s, %s: %s." % (where, " and ".join(engines), calls))
            rows += [row, logs]
        return rows

    def hook_memory(self) -> List[Row]:
        """The peak memory of hooks."""
        rows = []
        for (entry, hook), costs in self.hooks().items():
            old = median(cost.memory for cost in costs[self.old.name])
            row = Row(
                10, "peak memory of a hook: %s, %s" % (hook, entry), "<= 1", "1.5.3: " + _megabytes(old)
            )
            for engine in ENGINES:
                took = median(cost.memory for cost in costs[engine])
                row.add(engine, _megabytes(took), took / old, most=1)
            row.data = {name: [cost.memory for cost in every] for name, every in costs.items()}
            rows.append(row)
        return rows

    # -- row 11 ----------------------------------------------------------------------------
    def peers(self) -> List[Row]:
        """A large peer relation."""
        names = [environment.name for environment in (*self.ours.values(), self.old)]
        first: Dict[str, List[float]] = {name: [] for name in names}
        later: Dict[str, List[float]] = {name: [] for name in names}
        whole: Dict[str, List[Cost]] = {name: [] for name in names}
        root = Path(tempfile.mkdtemp(prefix="reactive-bench-"))
        try:
            peers = [Peer(each, root / each.name) for each in (*self.ours.values(), self.old)]
            for turn in range(5):
                for peer in peers:
                    if turn:
                        peer.forget()
                    first[peer.environment.name].append(peer.framework())
            for _ in range(15):
                for peer in peers:
                    peer.turn()
                    later[peer.environment.name].append(peer.framework())
            for turn in range(6):
                for peer in peers:
                    peer.turn()
                    cost = peer.whole()
                    if turn:  # what is measured is a later hook
                        whole[peer.environment.name].append(cost)
        finally:
            shutil.rmtree(root)
        self.notes.append(_ABOUT_PEERS)
        where = "peer relation of %d units with %d keys each: " % (UNITS, KEYS)
        cpu = {name: [cost.cpu for cost in costs] for name, costs in whole.items()}
        wall = {name: [cost.wall for cost in costs] for name, costs in whole.items()}
        rows = []
        for what, times, least in (
            (where + "framework CPU, first hook", first, 5.0),
            (where + "framework CPU, later hook", later, 5.0),
            (where + "whole later hook, CPU", cpu, None),
            (where + "whole later hook, wall", wall, None),
        ):
            row = Row(11, what, ">= 5 x less" if least else "none", "1.5.3: ")
            old = median(times[self.old.name])
            row.other += _seconds(old)
            for engine in ENGINES:
                took = median(times[engine])
                row.add(engine, _seconds(took), old / took, least=least)
            row.data = dict(times)
            rows.append(row)
        old_calls = whole[self.old.name][-1].calls
        calls = Row(11, where + "hook-tool processes", "no more of any tool", "")
        calls.other = "1.5.3: %d" % sum(old_calls.values())
        for engine in ENGINES:
            ours = whole[engine][-1].calls
            calls.add(engine, str(sum(ours.values())), sum(ours.values()) / sum(old_calls.values()))
            calls.passed[engine] = all(count <= old_calls[tool] for tool, count in ours.items())
        calls.data = {name: dict(costs[-1].calls) for name, costs in whole.items()}
        return [*rows, calls]

    # -- row 12 ----------------------------------------------------------------------------
    def commands(self) -> List[Row]:
        """The commands that shell handlers run."""
        rows = []
        for what, times in latencies(self.ours, self.old, runs=100).items():
            row = Row(12, "`charms.reactive` %s / `%s`" % (what, BARE), "native <= 0.5, pure <= 2", "")
            bare, old = median(times[BARE]), median(times["1.5.3"])
            for engine, limit in (("native", 0.5), ("pure", 2.0)):
                took = median(times[engine])
                row.add(engine, _seconds(took), took / bare, most=limit)
            row.other = "%s: %s; 1.5.3: %s (%s and %s times as long)" % (
                BARE,
                _seconds(bare),
                _seconds(old),
                _ratio(old / median(times["native"])),
                _ratio(old / median(times["pure"])),
            )
            row.data = dict(times)
            rows.append(row)
        self.notes.append(_ABOUT_COMMANDS)
        return rows

    # -- row 13 ----------------------------------------------------------------------------
    def shell(self) -> List[Row]:
        """A hook with handlers in bash."""
        found = shell_hooks(self.ours, self.old, runs=15, old_runs=3)
        where = "hook with three bash scripts of five functions each, "
        rows = []
        for what, least in (("wall", 10.0), ("cpu", None)):
            row = Row(13, where + what, ">= 10 x less, target 30" if least else "", "")
            row.data = {name: [getattr(cost, what) for cost in each.costs] for name, each in found.items()}
            then = median(row.data[self.old.name])
            row.other = "1.5.3: " + _seconds(then)
            for engine in ENGINES:
                took = median(row.data[engine])
                row.add(engine, _seconds(took), then / took, least=least)
            rows.append(row)
        counts = {name: each.processes for name, each in found.items() if each.processes is not None}
        if len(counts) == len(found):
            row = Row(13, where + "processes", "", "1.5.3: %d" % counts[self.old.name])
            for engine in ENGINES:
                row.add(engine, str(counts[engine]), counts[self.old.name] / counts[engine])
            row.data = dict(counts)
            rows.append(row)
        self.notes.append(_ABOUT_SHELL)
        return rows

    # -- row 14 ----------------------------------------------------------------------------
    def events(self) -> List[Row]:
        """Emitting events, beside ops, blinker and psygnal."""
        others = {
            "ops": create("ops", ["ops>=3,<4"]),
            "blinker": create("blinker", ["blinker>=1.9,<2"]),
            "psygnal": create("psygnal", ["psygnal>=0.11,<1"]),
        }
        versions = [others[name].versions(name)[name] for name in others]
        self.notes.append(_ABOUT_EVENTS + " ops %s, blinker %s, psygnal %s." % tuple(versions))
        rows = []
        # How often: for us and blinker, then for ops.
        for handlers, rounds, slow in (1, 20_000, 500), (100, 2_000, 5), (10_000, 20, 1):
            times: Dict[str, List[float]] = {}
            for turn in range(3):
                taken = others["blinker"].measure("emit_blinker", handlers=handlers, rounds=rounds, repeat=5)
                times.setdefault("blinker", []).extend(taken["send"])
                taken = others["psygnal"].measure("emit_psygnal", handlers=handlers, rounds=rounds, repeat=5)
                times.setdefault("psygnal", []).extend(taken["emit"])
                if handlers < 10_000 or not turn:  # it takes a minute
                    taken = others["ops"].measure("emit_ops", handlers=handlers, rounds=slow, repeat=1)
                    times.setdefault("ops", []).extend(taken["emit"])
                for engine, ours in self.ours.items():
                    taken = ours.measure("emit_ours", handlers=handlers, rounds=rounds, repeat=5)
                    for how in taken:
                        times.setdefault("%s, %s" % (engine, how), []).extend(taken[how])
            for how, what in ("emit_event", "`emit_event`"), ("object", "`object.on.event.emit`"):
                shown = "%s to %s handlers / " % (what, f"{handlers:,}")
                beside_ops = Row(14, shown + "ops", ">= 100 x faster" if handlers == 100 else "none", "")
                beside_blinker = Row(14, shown + "blinker", "<= 2", "")
                beside_psygnal = Row(14, shown + "psygnal", "none", "")
                for row, other in (
                    (beside_ops, "ops"),
                    (beside_blinker, "blinker"),
                    (beside_psygnal, "psygnal"),
                ):
                    row.other = "%s: %s" % (other, _seconds(min(times[other])))
                    row.data = times
                for engine in ENGINES:
                    took = min(times["%s, %s" % (engine, how)])
                    least = 100.0 if handlers == 100 else None
                    beside_ops.add(engine, _seconds(took), min(times["ops"]) / took, least=least)
                    beside_blinker.add(engine, _seconds(took), took / min(times["blinker"]), most=2)
                    beside_psygnal.add(engine, _seconds(took), took / min(times["psygnal"]))
                rows += [beside_ops, beside_blinker, beside_psygnal]
        return rows

    # -- rows 27 and 28 ----------------------------------------------------------------------
    def records(self) -> List[Row]:
        """Records, beside plain rows and peewee."""
        peewee = create("peewee", ["peewee>=3,<5"])
        self.notes.append(_ABOUT_RECORDS % peewee.versions("peewee")["peewee"])
        rows = []
        plain_python = self.ours["native"]  # without an engine in it, and with the same interpreter
        for records in 10_000, 100_000:
            times: Dict[str, Dict[str, List[float]]] = {}
            for _ in range(3 if records == 10_000 else 1):
                runs = [
                    ("plain", plain_python, "keep_plain"),
                    *((e, self.ours[e], "keep_ours") for e in ENGINES),
                ]
                if records == 10_000:
                    runs.append(("peewee", peewee, "keep_peewee"))
                for name, environment, workload in runs:
                    taken = environment.measure(workload, records=records, repeat=3)
                    for step, each in taken.items():
                        times.setdefault(name, {}).setdefault(step, []).extend(each)
            for step in STEPS:
                what = "records: `%s`, %s of them / plain sqlite3 and json" % (step, f"{records:,}")
                plain = min(times["plain"][step])
                row = Row(27, what, "<= 2", "plain: %s" % _seconds(plain))
                if "peewee" in times:
                    row.other += "; peewee: %s" % _seconds(min(times["peewee"][step]))
                for engine in ENGINES:
                    took = min(times[engine][step])
                    row.add(engine, _seconds(took), took / plain, most=2)
                row.data = {name: taken[step] for name, taken in times.items()}
                rows.append(row)
        return rows

    def record_filters(self) -> List[Row]:
        """Finding records by a field, beside peewee."""
        peewee = create("peewee", ["peewee>=3,<5"])
        times: Dict[str, Dict[str, List[float]]] = {}
        for _ in range(3):
            arguments = {"records": 10_000, "groups": 100, "repeat": 10}
            for name, environment in {"peewee": peewee, **self.ours}.items():
                workload = "filter_peewee" if name == "peewee" else "filter_ours"
                for how, each in environment.measure(workload, **arguments).items():
                    times.setdefault(name, {}).setdefault(how, []).extend(each)
        rows = []
        for how, most in ("indexed", 2.0), ("plain", None):
            what = "records: `filter`, 100 of 10,000, %s / peewee" % (
                "by an index" if most else "without an index"
            )
            theirs = min(times["peewee"][how])
            row = Row(28, what, "<= 2" if most else "none", "peewee: %s" % _seconds(theirs))
            for engine in ENGINES:
                took = min(times[engine][how])
                row.add(engine, _seconds(took), took / theirs, most=most)
            row.data = {name: taken[how] for name, taken in times.items()}
            rows.append(row)
        return rows

    # -- row 15 ----------------------------------------------------------------------------
    def unheard(self) -> List[Row]:
        """What events cost flags when nobody listens."""
        what = "100,000 flag changes nobody listens to / without the code for events"
        row = Row(15, what, "<= 1.02", "")
        root = Path(tempfile.mkdtemp(prefix="reactive-bench-"))
        try:
            without_events(str(BENCHES.parent / "python"), str(root / "python"))
            places = {"with": str(BENCHES.parent / "python"), "without": str(root / "python")}
            for engine, ours in self.ours.items():
                times: Dict[str, List[float]] = {name: [] for name in places}
                for turn in range(8):
                    for name in sorted(places, reverse=bool(turn % 2)):
                        taken = ours.measure("flag_changes", path=places[name], changes=100_000, repeat=2)
                        times[name] += taken["changes"]
                row.add(
                    engine,
                    _seconds(min(times["with"])),
                    min(times["with"]) / min(times["without"]),
                    most=1.02,
                )
                row.other += "%s: %s; " % (engine, _seconds(min(times["without"])))
                row.data[engine] = times
                medians = median(times["with"]) / median(times["without"])
                self.notes.append("Row 15, %s: the ratio of the medians is %.3f." % (engine, medians))
        finally:
            shutil.rmtree(root)
        row.other = row.other.rstrip("; ")
        self.notes.append(_ABOUT_FLAGS)
        return [row]

    # -- row 16 ----------------------------------------------------------------------------
    def simulation(self) -> List[Row]:
        """Hooks of simulated units."""
        self.notes.append("Row 16: " + ABOUT_SIMULATION)
        return simulation_rows(Row, 16, ENGINES)

    # -- rows 21 to 24 ---------------------------------------------------------------------
    def tool_calls(self) -> List[Row]:
        """A call of a hook tool over the agent's socket."""
        row = Row(21, "a hook-tool call from Python: process / agent's socket", ">= 50 x faster", "process: ")
        for engine, ours in self.ours.items():
            times = agents.call_times(ours)
            took, process = median(times["socket"]), median(times["process"])
            row.add(engine, _seconds(took), process / took, least=agents.CALL)
            row.other += "%s, %s; " % (_seconds(process), engine)
            row.data[engine] = times
        row.other = row.other.rstrip("; ")
        self.notes.append(agents.ABOUT)
        return [row]

    def many_tools(self) -> List[Row]:
        """A hook with a hundred hook tools, and the processes that it starts."""
        found = agents.hook_times(self.ours, self.old, runs=15)
        then = median(found["wall"][self.old.name])
        row = Row(22, "hook with 100 hook-tool calls, wall", ">= 5 x less", "1.5.3: " + _seconds(then))
        processes = Row(23, "the same, processes that it starts", "0", "")
        processes.other = "1.5.3: %d" % found["processes"][self.old.name][0]
        for engine in ENGINES:
            took = median(found["wall"][engine])
            row.add(engine, _seconds(took), then / took, least=agents.HOOK)
            count = found["processes"][engine][0]
            processes.add(engine, "%d" % count, count, most=0)
        row.data, processes.data = dict(found["wall"]), dict(found["processes"])
        return [row, processes]

    def tools_in_bash(self) -> List[Row]:
        """Ten hook tools in a handler in bash."""
        times = agents.bash_times(self.ours["native"], runs=15)
        none, go, program = (median(times[name]) for name in ("none", "Go", "program"))
        row = Row(24, "ten hook tools in bash, CPU of the tools", ">= 3 x less", "Go: " + _seconds(go - none))
        row.add("native", _seconds(program - none), (go - none) / (program - none), least=agents.BASH)
        row.data = dict(times)
        return [row]

    # -- row 25 ----------------------------------------------------------------------------
    def linting(self) -> List[Row]:
        """Linting a charm, beside charmlint."""
        loaded = Row(25, "lint, 30 handlers, all rules / charmlint, wall", "<= 2", "")
        unloaded = Row(25, "the same without loading the charm / charmlint", "<= 1", "")
        large = Row(25, "lint, 160 handlers and 15 interface layers / 1 s, wall", "<= 1", "1 s")
        grown = Row(25, "lint, CPU of a handler among 10,000 / among 1,000", "<= 1.25", "itself")
        for engine, ours in self.ours.items():
            small = linting.times(ours, 30, 2)
            reference = median(small["charmlint"])
            for row, name, most in (
                (loaded, "loaded", linting.LOADED),
                (unloaded, "unloaded", linting.UNLOADED),
            ):
                took = median(small[name])
                row.add(engine, _seconds(took), took / reference, most=most)
                row.other += "charmlint, %s: %s; " % (engine, _seconds(reference))
                row.data[engine] = small
            many = linting.times(ours, 160, 15, runs=5)
            took = median(many["loaded"])
            large.add(engine, _seconds(took), took / linting.SECONDS, most=1)
            each = linting.growth(ours)
            few, most_of_all = each[1000], each[10_000]
            shown = "%s / %s" % (_seconds(most_of_all), _seconds(few))
            grown.add(engine, shown, most_of_all / few, most=linting.GROWTH)
            large.data[engine], grown.data[engine] = many, {"few": [few], "many": [most_of_all]}
        for row in (loaded, unloaded):
            row.other = row.other.rstrip("; ")
        self.notes.append(linting.ABOUT)
        return [loaded, unloaded, large, grown]

    # -- row 26 ----------------------------------------------------------------------------
    def remembering(self) -> List[Row]:
        """What it costs a hook to leave what it did."""
        found = {engine: remembering.costs(ours, runs=41) for engine, ours in self.ours.items()}
        whole = Row(26, "plain hook with the unit's memory / without it, CPU", "none", "")
        share = Row(26, "what a hook does for the unit's memory / a plain hook, CPU", "<= 0.02", "")
        alone = Row(26, "what a hook does for the unit's memory / 1 ms, wall", "<= 1", "1 ms")
        for engine, cost in found.items():
            with_it, without = min(cost["with"]), min(cost["without"])
            whole.add(engine, _seconds(with_it), with_it / without)
            cpu, took = median(cost["alone, CPU"]), median(cost["alone"])
            share.add(engine, _seconds(cpu), cpu / median(cost["without"]), most=0.02)
            alone.add(engine, _seconds(took), took / 0.001, most=1)
            for row in (whole, share, alone):
                row.data[engine] = cost
            for row, what in (whole, without), (share, median(cost["without"])):
                row.other += "; %s: %s" % (engine, _seconds(what))
        for row in (whole, share):
            row.other = row.other.lstrip("; ")
        self.notes.append(remembering.ABOUT)
        return [whole, share, alone]

    # -- what it ran on --------------------------------------------------------------------
    def machine(self) -> Dict[str, Any]:
        """When and on what this was measured."""
        names = "charmhelpers", "PyYAML", "setuptools"
        packaged = self.ours["native"].run(
            ["-c", "import charms_reactive; print(charms_reactive.__version__)"]
        )
        return {
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "cpu": _cpu_model(),
            "cores": os.cpu_count(),
            "system": "%s %s" % (platform.system(), platform.release()),
            "charms.reactive": packaged.strip(),
            "with": self.ours["native"].versions(*names),
            "1.5.3": self.old.versions("charms.reactive", *names),
            "clipspy": self.clips.versions("clipspy")["clipspy"],
            "command": "make bench",
        }


# A LooseVersion that is enough for the import, put where hookenv looks for it.
_CHEAP_VERSION = """
import types
sys.modules["distutils"] = types.ModuleType("distutils")
sys.modules["distutils.version"] = version = types.ModuleType("distutils.version")
version.LooseVersion = str
"""

_TIMED_IMPORT = """
import sys, time
%s
wall, cpu = time.perf_counter(), time.process_time()
%s
print([time.perf_counter() - wall, time.process_time() - cpu])
"""

MEASUREMENTS: Dict[int, Callable[[Bench], List[Row]]] = {
    1: Bench.dispatch,
    2: Bench.dispatch_traced,
    3: Bench.growth,
    4: Bench.is_flag_set,
    5: Bench.set_flag,
    6: Bench.engine,
    7: Bench.imports,
    8: Bench.hook_cpu,
    9: Bench.hook_tools,
    10: Bench.hook_memory,
    11: Bench.peers,
    12: Bench.commands,
    13: Bench.shell,
    14: Bench.events,
    15: Bench.unheard,
    16: Bench.simulation,
    17: Bench.newest_imports,
    18: Bench.layered,
    21: Bench.tool_calls,
    22: Bench.many_tools,
    24: Bench.tools_in_bash,
    25: Bench.linting,
    26: Bench.remembering,
    27: Bench.records,
    28: Bench.record_filters,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rows", nargs="*", type=int, help="the numbers of the rows to measure; default: all")
    chosen = parser.parse_args().rows or sorted(MEASUREMENTS)
    unknown = set(chosen) - set(MEASUREMENTS)
    if unknown:
        parser.error("there is no row %s" % ", ".join(map(str, sorted(unknown))))
    begin = time.monotonic()
    try:
        bench = Bench()
        rows: List[Row] = []
        for number in chosen:
            title = (MEASUREMENTS[number].__doc__ or "").rstrip(".")
            print(
                "%4.0f s  row %d: %s" % (time.monotonic() - begin, number, title), file=sys.stderr, flush=True
            )
            rows += MEASUREMENTS[number](bench)
        machine = bench.machine()
    except BenchmarkError as error:
        print("error: %s" % error, file=sys.stderr)
        return 1
    machine["seconds"] = round(time.monotonic() - begin)
    print(table(rows))
    print("\n".join(["", *bench.notes]))
    if chosen == sorted(MEASUREMENTS):
        BENCHES.joinpath("RESULTS.md").write_text(report(machine, rows, bench.notes))
        results = {"machine": machine, "rows": [row.as_json() for row in rows], "notes": bench.notes}
        BENCHES.joinpath("results.json").write_text(json.dumps(results, indent=1) + "\n")
        readme.main()
    return 0


def table(rows: Sequence[Row]) -> str:
    """The rows as a table, for people and for Markdown."""
    head = ["#", "what", "budget", "native", "pure", "compared with", "ratio native", "ratio pure", "verdict"]
    lines = [head, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| %s |" % " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) for line in lines
    )


def report(machine: Dict[str, Any], rows: Sequence[Row], notes: Sequence[str]) -> str:
    """RESULTS.md."""
    versions = [
        "charms.reactive %s: %s" % (machine["charms.reactive"], _versions(machine["with"])),
        "charms.reactive 1.5.3: %s" % _versions(machine["1.5.3"]),
        "clipspy %s" % machine["clipspy"],
    ]
    return "\n".join(
        [
            "# Budgets, as measured",
            "",
            "Written by `%s`, %s, in %d s. See `README.md` beside this for how."
            % (machine["command"], machine["date"], machine["seconds"]),
            "",
            "Machine: %(cpu)s, %(cores)s cores, %(system)s." % machine,
            "",
            *("- " + version for version in versions),
            "",
            *readme.missed([row.as_json() for row in rows]),
            "",
            table(rows),
            "",
            *("- " + note for note in notes),
            "",
        ]
    )


def _versions(found: Dict[str, Optional[str]]) -> str:
    return ", ".join("%s %s" % (name, version or "absent") for name, version in found.items())


def _summary(data: Any) -> Any:
    """The same with each list of figures replaced by what they come to."""
    if isinstance(data, dict):
        return {name: _summary(values) for name, values in data.items()}
    if isinstance(data, list) and data and isinstance(data[0], float):
        return {"median": median(data), "least": min(data), "most": max(data), "runs": len(data)}
    return data


def _tools(cost: Cost, old: Cost) -> str:
    tools = sorted(set(cost.calls) | set(old.calls))
    return ", ".join("`%s` %d (1.5.3: %d)" % (tool, cost.calls[tool], old.calls[tool]) for tool in tools)


def _seconds(value: float) -> str:
    for unit, scale in ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6):
        if value >= scale:
            return "%.3g %s" % (value / scale, unit)
    return "%.3g ns" % (value / 1e-9)


def _megabytes(value: float) -> str:
    return "%.1f MB" % (value / 1e6)


def _ratio(value: Optional[float]) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else "%.2f" % value


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
