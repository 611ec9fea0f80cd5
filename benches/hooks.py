"""Whole hooks of the charms here: a unit of its own for each environment, and what a hook costs."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List

from environments import BENCHES, BenchmarkError, Environment

#: The hook tools that units have.
TOOLS = [
    "action-fail",
    "action-get",
    "action-log",
    "action-set",
    "add-metric",
    "application-version-set",
    "close-port",
    "config-get",
    "function-log",
    "goal-state",
    "is-leader",
    "juju-log",
    "juju-reboot",
    "juju-version",
    "leader-get",
    "leader-set",
    "network-get",
    "open-port",
    "opened-ports",
    "relation-get",
    "relation-ids",
    "relation-list",
    "relation-set",
    "resource-get",
    "state-delete",
    "state-get",
    "state-set",
    "status-get",
    "status-set",
    "storage-get",
    "storage-list",
    "unit-get",
]


class Cost:
    """What one hook cost, and what it did.

    Attributes:
        cpu: seconds of user and system time of the hook and the processes it waited for.
        wall: seconds from start to end.
        memory: bytes of memory of the largest of these processes, at its peak.
        calls: how often each hook tool was called.
        invoked: the ids of the handlers in the log, in order.
    """

    def __init__(self, spent: Dict[str, Any], calls: List[str], log: str) -> None:
        self.cpu: float = spent["cpu"]
        self.wall: float = spent["wall"]
        self.memory: float = float(spent["memory"])
        self.calls = Counter(calls)
        said = "Invoking reactive handler: "
        self.invoked = [line.split(said, 1)[1] for line in log.splitlines() if said in line]


class Unit:
    """A unit of a charm on a disk of its own, whose hooks run in one environment."""

    def __init__(self, environment: Environment, entry: str, root: Path, charm: str = "charm") -> None:
        self.environment = environment
        self._entry = entry
        self._root = root
        self._charm = root / "charm"
        self._configured = 1
        shutil.copytree(str(BENCHES / charm), str(self._charm), ignore=shutil.ignore_patterns("__pycache__"))
        (root / "tools").mkdir()
        for tool in TOOLS:
            (root / "tools" / tool).symlink_to(BENCHES / "tools" / "hook-tool")

    def settle(self) -> None:
        """The life of a unit up to the state in which it spends its years."""
        for hook in "install", "config-changed", "start", "update-status", "config-changed", "update-status":
            self.run(hook)

    def run(self, hook: str, **variables: str) -> Cost:
        """One hook, with these environment variables; ``config-changed`` finds another port each time.

        Raises:
            BenchmarkError: the hook failed; the message holds what it said.
        """
        if hook == "config-changed":
            self._configured = 3 - self._configured
        calls, log = self._root / "calls", self._root / "log"
        calls.write_text("")
        log.write_text("")
        printed = self.environment.run(
            ["-S", "-E", str(BENCHES / "spawn.py"), self.environment.python, "hooks/" + self._entry],
            cwd=self._charm,
            PATH=os.pathsep.join([str(self._root / "tools"), os.environ.get("PATH", os.defpath)]),
            CHARM_DIR=str(self._charm),
            JUJU_CHARM_DIR=str(self._charm),
            JUJU_UNIT_NAME="bench/0",
            JUJU_MODEL_NAME="bench",
            JUJU_CONTEXT_ID="bench/0-%s-1" % hook,
            JUJU_HOOK_NAME=hook,
            JUJU_VERSION="3.5.0",
            BENCH_CALLS=str(calls),
            BENCH_LOG=str(log),
            BENCH_CONFIG=str(BENCHES / "charm" / ("config-%d.json" % self._configured)),
            **variables,
        )
        spent = json.loads(printed)
        if spent["status"]:
            raise BenchmarkError(
                "%s: the hook %s failed:\n%s" % (self.environment.name, hook, log.read_text())
            )
        if spent["memory"] <= spent["own memory"]:
            raise BenchmarkError("the memory of hook %s cannot be told from its starter's" % hook)
        return Cost(spent, calls.read_text().split(), log.read_text())
