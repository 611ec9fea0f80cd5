"""What it costs a hook to leave what it did in the unit's memory: beside hooks that do not, and by itself."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Dict, List

from environments import Environment
from hooks import Unit

ABOUT = (
    "Row 26: update-status of the charm in `benches/charm`, with 50 hooks remembered and with "
    "`CHARMS_REACTIVE_HISTORY=0`, taking turns; the least CPU of 41 runs each. What a hook does for it: the "
    "import of its two modules, and all that they do in a hook of ten handlers that change a flag each, in "
    "fresh processes that find a memory of 20 hooks; median of 41."
)

# In a process of its own, after what a hook imports in any case.
_ALONE = """
import os, sys, time
os.environ.update(CHARM_DIR=sys.argv[1], JUJU_CONTEXT_ID="bench", JUJU_HOOK_NAME="x")
import charms.reactive
from charms_reactive import flags, handlers
from charms_reactive._dispatch import main
from charms_reactive._unit_state import unit_state

for number in range(10):
    exec("def handler_%d(): pass" % number)
    charms.reactive.when("flag.%d" % number)(globals()["handler_%d" % number])
unit_state.unit.start()
known = list(handlers.Handler.get_handlers())
began, used = time.perf_counter(), time.process_time()
from charms_reactive._dispatch import memory, notes
noted = notes.Notes(False, True)
writer = memory.Memory(noted)
noted.listen()
writer.begin("x", False, 50, False)
noted.dispatch()
for handler in known:
    noted.invoke(handler)
    noted.changed([("flag", True)], False)
noted.end(None)
writer.end()
took, cpu = time.perf_counter() - began, time.process_time() - used
with open(os.path.join(sys.argv[1], ".unit-state.db-history")) as file:
    assert file.read().count('"end":') > 0
print([took, cpu])
"""


def costs(environment: Environment, runs: int) -> Dict[str, List[float]]:
    """Seconds: CPU of hooks ``with`` and ``without`` it, and of what it takes ``alone``."""
    root = Path(tempfile.mkdtemp(prefix="reactive-bench-"))
    try:
        found: Dict[str, List[float]] = {"with": [], "without": [], "alone": [], "alone, CPU": []}
        unit = Unit(environment, "plain", root)
        unit.settle()
        for _ in range(runs):
            found["with"].append(unit.run("update-status").cpu)
            found["without"].append(unit.run("update-status", CHARMS_REACTIVE_HISTORY="0").cpu)
        charm = root / "alone"
        charm.mkdir()
        (charm / "metadata.yaml").write_text("name: bench\n")
        for turn in range(runs + 21):
            took, cpu = json.loads(environment.run(["-c", _ALONE, str(charm)]))
            if turn > 20:
                found["alone"].append(took)
                found["alone, CPU"].append(cpu)
        return found
    finally:
        shutil.rmtree(root)
