"""A thousand hooks in one interpreter leave nothing behind."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Dict, List

import pytest
from charmhelpers.core import hookenv
from inprocess import Probe

from charms_reactive import handlers
from charms_reactive._unit_state import unit_state
from charms_reactive.endpoints import Endpoint

pytestmark = pytest.mark.once

HANDLERS = """
    import collections
    import mine

    class Kept:
        def __init__(self):
            self.me = self
            self.text = "x" * 10000

    kept = [Kept() for _ in range(10)]
    mine.seen.append(kept)

    @hook("probe")
    def probe():
        hookenv.config("port")
        set_flag("a" if not is_flag_set("a") else "b")
        print("output" * 100)

    @when("a")
    @when_file_changed("metadata.yaml")
    def on_a():
        hookenv.log("a")

    @when_any("a", "b")
    def fail():
        if hookenv.config("port") % 10 == 3:
            raise RuntimeError(kept)
"""

RUNS = 1000
WARM = 100


def _counted() -> Dict[str, Any]:
    return {
        "handlers": len(handlers.Handler._HANDLERS),
        "numbered": len(handlers._numbered),
        "callbacks": (len(hookenv._atstart), len(hookenv._atexit)),
        "endpoints": len(Endpoint._endpoints),
        "modules": sorted(sys.modules),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": [thread.name for thread in threading.enumerate()],
        "path": list(sys.path),
        "children": Path("/proc/self/task/%d/children" % os.getpid()).read_text(),
    }


def _resident() -> int:
    """KiB of memory that this process has in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def measure(directory: Path) -> Dict[str, Any]:
    """Run the hooks, and look at this process after some of them and after all."""
    probe = Probe(directory / "charm")
    probe.write("lib/mine.py", "seen = []\n")

    def run(number: int) -> int:
        probe.side.juju["config"]["port"] = number
        return probe.run("probe").exit_status

    statuses: List[int] = [probe.handlers(HANDLERS).exit_status]
    engine = unit_state.unit.engine
    counts, objects, memory = {}, {}, {}
    for number in range(1, RUNS + 1):
        statuses.append(run(number))
        if number in (WARM, RUNS):
            gc.collect()
            counts[number], objects[number], memory[number] = _counted(), len(gc.get_objects()), _resident()
    return {
        "failed": statuses.count(1),
        "succeeded": statuses.count(0),
        "counts": [counts[WARM], counts[RUNS]],
        "objects": [objects[WARM], objects[RUNS]],
        "resident KiB": [memory[WARM], memory[RUNS]],
        "of the charm": [name for name in sys.modules if name.partition(".")[0] in ("mine", "reactive")],
        "same engine": unit_state.unit.engine is engine,
    }


def test_a_thousand_hooks_leak_nothing(tmp_path: Path, record_property: Any) -> None:
    """In a process of its own, whose memory is not that of all tests before."""
    command = [sys.executable, __file__, str(tmp_path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout.decode())
    assert found["failed"] == RUNS // 10
    assert found["succeeded"] == RUNS + 1 - RUNS // 10
    then, now = found["counts"]
    assert now == then
    assert found["of the charm"] == []
    assert found["same engine"]
    # A thousandth of what is held for each hook while it runs would show.
    then, now = found["objects"]
    assert now - then < (RUNS - WARM) // 10
    then, now = found["resident KiB"]
    assert now - then < 4096
    record_property("resident KiB after %d and %d runs" % (WARM, RUNS), found["resident KiB"])
    print("\nresident KiB", found["resident KiB"], "objects", found["objects"])


def test_units_of_many_tests_leave_no_compiled_code_without_bound(tmp_path: Path) -> None:
    from charms_reactive.testing._running.charm_modules import code_cache

    probe = Probe(tmp_path / "charm")
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(code_cache, "_MOST", 5)
        for number in range(20):
            probe.python("number = %d" % number)
        assert len(code_cache._by_file) <= 5
        assert len(code_cache._by_content) <= 5


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1])), default=str))
