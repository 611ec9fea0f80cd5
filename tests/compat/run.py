#!/usr/bin/env python3
"""Compare with charms.reactive 1.5.3: the same charms, the same hooks, and what is seen after each.

Usage: run.py [-v] [CHARM ...]

Every charm of tests/charms is taken through its scenario twice, once with the framework of this source
tree and once with 1.5.3, in an environment of its own under .cache/. After every hook the unit state
(and so the flags with their values), the relation data, statuses, ports, leadership settings, the
handlers that ran and what they have told are compared, and the hook-tool processes are counted.

A difference is explained if it is one of the additional rows of ROWS below, or if the charm's scenario
announces it under ``differs``, by an area of SPEC 20 of the project's contract. An announced difference
that does not show is an error as well. More processes of any hook tool than 1.5.3 spawns are never
explained, save where the scenario says what they are for. The exit status is 0 if nothing is left.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "charms"), str(ROOT / "benches")]

import scenario  # noqa: E402
from scenario import Observation  # noqa: E402

import environments  # noqa: E402

#: The areas by whose name a difference can be explained.
AREAS = (
    "automatic flags",
    "app data",
    "bash",
    "conversations",
    "errors",
    "flag values",
    "only_once",
    "order",
    "publishing",
    "queue",
    "relation data",
    "requests",
    "restricted hooks",
    "rollback",
    "when_file_changed",
)

#: What 1.5.3 leaves of its scratch rows, which mean nothing after the hook.
SCRATCH = "scratch rows"

#: Rows that only one side has: which side, pattern, area.
ROWS = (
    ("here", "reactive.automatic.*", "automatic flags"),
    ("here", "reactive.conversations_joined.*", "conversations"),
    ("here", "reactive.endpoints.seen.*", "relation data"),
    ("here", "reactive.files_seen.*", "when_file_changed"),
    ("here", "reactive.invoked.*", "only_once"),
    ("here", "reactive.shell.*", "bash"),
    ("1.5.3", "reactive.dispatch.*", SCRATCH),
    ("1.5.3", "reactive.state_watch", SCRATCH),
)


class Difference:
    """Something that is not the same after a hook.

    Attributes:
        label: of the hook.
        what: the thing, for example ``flag endpoint.db.joined``.
        here: what it is with our framework; ``None`` if it is not there.
        there: what it is with 1.5.3.
        area: the area of the contract that explains it; ``None`` if nothing does.
    """

    def __init__(self, label: str, what: str, here: Any, there: Any) -> None:
        self.label = label
        self.what = what
        self.here = here
        self.there = there
        self.area: Optional[str] = None

    def __str__(self) -> str:
        return "%s: %s: here %s, 1.5.3 %s" % (self.label, self.what, _short(self.here), _short(self.there))


def _short(value: Any) -> str:
    return "has none" if value is None else repr(value)


class Result:
    """What came of one charm.

    Attributes:
        charm: its name.
        hooks: how many there were.
        compared: how many things were compared.
        differences: all that differs; of hook-tool processes, where there are more than with 1.5.3.
        tools_here: processes of each tool, over all hooks.
        tools_there: the same with 1.5.3.
        problems: what is wrong with the scenario itself.
    """

    def __init__(self, charm: str) -> None:
        self.charm = charm
        self.hooks = 0
        self.compared = 0
        self.differences: List[Difference] = []
        self.tools_here: Counter[str] = Counter()
        self.tools_there: Counter[str] = Counter()
        self.problems: List[str] = []

    @property
    def explained(self) -> List[Difference]:
        return [difference for difference in self.differences if difference.area]

    @property
    def unexplained(self) -> List[Difference]:
        return [difference for difference in self.differences if not difference.area]

    @property
    def good(self) -> bool:
        """Whether nothing is left to explain."""
        return not self.unexplained and not self.problems


def facts(seen: Observation) -> Dict[str, Any]:
    """All that is compared after a hook, by name."""
    found: Dict[str, Any] = {"told order": list(seen.told), "handler order": list(seen.handlers)}
    found.update({"told " + line: times for line, times in Counter(seen.told).items()})
    found.update({"handler " + line: times for line, times in Counter(seen.handlers).items()})
    prefix = "reactive.states."
    for key, value in seen.rows.items():
        name = "flag " + key[len(prefix) :] if key.startswith(prefix) else "row " + key
        found[name] = value if value is not None or not name.startswith("flag ") else "set"
    for (relation, whose), bag in seen.data.items():
        found.update({"data %s %s %s" % (relation, whose, key): value for key, value in bag.items()})
    found.update({"%s status" % who: status for who, status in seen.status.items()})
    found.update(seen.other)
    return found


def differing(here: Observation, there: Observation) -> Tuple[List[Difference], int]:
    """What differs after a hook, and how many things were compared."""
    ours, theirs = facts(here), facts(there)
    for kind, here_list, there_list in (
        ("told", here.told, there.told),
        ("handler", here.handlers, there.handlers),
    ):
        if sorted(here_list) != sorted(there_list):
            # Each line is a difference of its own; of the order those count that both have.
            common = Counter(here_list) & Counter(there_list)
            ours[kind + " order"] = [line for line in here_list if line in common]
            theirs[kind + " order"] = [line for line in there_list if line in common]
    names = sorted({*ours, *theirs})
    found = [
        Difference(here.label, name, ours.get(name), theirs.get(name))
        for name in names
        if ours.get(name) != theirs.get(name)
    ]
    found += [
        Difference(here.label, "tool %s" % tool, number, there.tools.get(tool, 0))
        for tool, number in sorted(here.tools.items())
        if number > there.tools.get(tool, 0)
    ]
    return found, len(names)


def area_of_row(difference: Difference, here: Observation) -> Optional[str]:
    """The area of a row that only one of the two keeps, as is known for all charms."""
    kind, _, key = difference.what.partition(" ")
    if kind != "row":
        return None
    side = "here" if difference.there is None else "1.5.3" if difference.here is None else "both"
    for where, pattern, area in ROWS:
        if side == where and fnmatch.fnmatchcase(key, pattern):
            return area
    hashes = "reactive.data_changed.endpoint."
    if key.startswith(hashes):
        _, relation, owner, *_ = key[len(hashes) :].split(".")
        if side == "here" and "/" not in owner:
            return "relation data"  # of an application, where 1.5.3 does not look
        if side == "1.5.3" and owner not in here.members.get(relation, ()):
            return "relation data"  # of a unit that is gone
    return None


def announced(scenario_: Mapping[str, Any]) -> Iterator[Tuple[str, List[str], List[str], str]]:
    """Area, hooks, patterns of things and reason of each announcement in a scenario."""
    for entry in scenario_.get("differs", ()):
        yield entry["area"], entry.get("at", ["*"]), entry["what"], entry["because"]


def explain(result: Result, scenario_: Mapping[str, Any], labels: List[str]) -> None:
    """Give each announced difference its area, and note announcements that are of no use."""
    for area, at, patterns, because in announced(scenario_):
        if area not in AREAS or not because:
            result.problems.append("announced for no area of the contract, or without a reason: %s" % area)
        for hook in at:
            if not fnmatch.filter(labels, hook):
                result.problems.append("announced for a hook that there is not: %s" % hook)
        for pattern in patterns:
            met = [
                difference
                for difference in result.differences
                if fnmatch.fnmatchcase(difference.what, pattern)
                and any(fnmatch.fnmatchcase(difference.label, hook) for hook in at)
            ]
            if not met:
                result.problems.append("announced, and does not differ: %s (%s)" % (pattern, area))
            for difference in met:
                difference.area = difference.area or area


def compare(charm: Path, reference: str, directory: Path) -> Result:
    """Take one charm through its scenario with both frameworks."""
    result = Result(charm.name)
    labels = []
    ours = scenario.play(charm, directory / "here", environment={"CHARMS_REACTIVE_LOG": "info"})
    theirs = scenario.play(charm, directory / "1.5.3", python=reference)
    try:
        for here, there in zip(ours, theirs):
            labels.append(here.label)
            result.hooks += 1
            found, compared = differing(here, there)
            result.compared += compared
            for difference in found:
                difference.area = area_of_row(difference, here)
            result.differences += found
            result.tools_here.update(here.tools)
            result.tools_there.update(there.tools)
    except scenario.ScenarioError as error:
        result.problems.append(str(error))
        return result
    explain(result, scenario.load(charm), labels)
    return result


def report(results: List[Result], verbose: bool) -> None:
    """Print the table, what is explained and what is not."""
    print(
        "%-20s %5s %9s %9s %11s   %s"
        % ("charm", "hooks", "compared", "explained", "unexplained", "hook-tool processes")
    )
    total_here: Counter[str] = Counter()
    total_there: Counter[str] = Counter()
    for result in results:
        total_here.update(result.tools_here)
        total_there.update(result.tools_there)
        print(
            "%-20s %5d %9d %9d %11d   %s"
            % (
                result.charm,
                result.hooks,
                result.compared,
                len(result.explained),
                len(result.unexplained),
                _processes(result.tools_here, result.tools_there),
            )
        )
    print("\nhook-tool processes of all charms, here and with 1.5.3")
    for tool in sorted(
        total_there | total_here, key=lambda tool: (total_here[tool] - total_there[tool], tool)
    ):
        print(
            "  %-24s %5d %5d  %+d"
            % (tool, total_here[tool], total_there[tool], total_here[tool] - total_there[tool])
        )
    areas = Counter(difference.area for result in results for difference in result.explained)
    print("\nexplained differences, by area of SPEC 20 (and 12, for the automatic flags)")
    for area, number in sorted(areas.items()):
        charms = sorted(
            {result.charm for result in results for each in result.explained if each.area == area}
        )
        print("  %-20s %4d  in %s" % (area, number, ", ".join(charms)))
    if verbose:
        for result in results:
            for difference in result.explained:
                if difference.area == SCRATCH:
                    continue
                print("  %s: [%s] %s" % (result.charm, difference.area, difference))
    for result in results:
        for difference in result.unexplained:
            print("\nUNEXPLAINED  %s: %s" % (result.charm, difference))
        for problem in result.problems:
            print("\nPROBLEM  %s: %s" % (result.charm, problem))


def _processes(here: Mapping[str, int], there: Mapping[str, int]) -> str:
    ours, theirs = sum(here.values()), sum(there.values())
    return "%4d of %4d (%d%% saved)" % (ours, theirs, round(100 * (theirs - ours) / theirs) if theirs else 0)


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("charms", nargs="*", metavar="CHARM", help="names in tests/charms (default: all)")
    parser.add_argument("-v", "--verbose", action="store_true", help="list each explained difference")
    given = parser.parse_args(arguments)
    known = {charm.name: charm for charm in scenario.charms()}
    unknown = set(given.charms) - set(known)
    if unknown:
        parser.error("no charm %s; there is %s" % (", ".join(sorted(unknown)), ", ".join(known)))
    charms = [charm for name, charm in known.items() if name in (given.charms or known)]
    began = time.monotonic()
    try:
        reference = environments.create_old().python
    except environments.BenchmarkError as error:
        print("charms.reactive 1.5.3 cannot be installed: %s" % error, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="compat-") as directory:
        units = Path(directory)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            done = pool.map(lambda charm: compare(charm, reference, units / charm.name), charms)
            results = list(done)
    report(results, given.verbose)
    good = all(result.good for result in results)
    hooks = sum(result.hooks for result in results)
    print(
        "\n%s: %d hooks of %d charms in %.0f s"
        % ("the same" if good else "DIFFERENT", hooks, len(charms), time.monotonic() - began)
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
