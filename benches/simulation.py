"""How fast hooks are simulated: in this interpreter beside processes, and hooks in a second.

    .venv/bin/python benches/simulation.py     prints both figures

The two rows of the table that run.py prints. tests/interfaces/test_speed.py notices what is far too slow.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from charms_reactive.testing import Charm, Relation, State, Unit

LAYERS = Path(__file__).resolve().parent.parent / "tests" / "interfaces" / "layers"

#: Budgets: times faster than in processes, and hooks in a second. The first was 30 while a hook in processes
#: took 181 ms, most of it Python in hook tools; these are a program now, and the same hooks take 77 ms.
FASTER, HOOKS = 12.0, 200.0

ABOUT = (
    "hooks through the interface layers of `tests/interfaces`, first in this interpreter, then in "
    "processes; sums of the medians of each hook's wall-clock time. Hooks per second: `config-changed` of a "
    "charm with 50 handlers of which 10 run, its state given and read back each time, in one thread."
)

#: A hook for each side of each layer: layer, role, hook, state.
CASES: Tuple[Tuple[str, str, str, State], ...] = (
    ("website", "provides", "it-relation-joined", State(relations=[Relation("it", "proxy", [0])])),
    (
        "website",
        "requires",
        "it-relation-changed",
        State(relations=[Relation("it", "shop", {0: {"hostname": "h", "port": "80"}})]),
    ),
    ("database", "requires", "it-relation-joined", State(relations=[Relation("it", "pg", [0])])),
    (
        "database",
        "provides",
        "it-relation-changed",
        State(relations=[Relation("it", "shop", {0: {"a": "b"}}, data={"database": '"shop"'})]),
    ),
    ("ring", "peers", "it-relation-joined", State(relations=[Relation("it", "app", {"app/1": {}})])),
    (
        "memcache",
        "requires",
        "it-relation-changed",
        State(relations=[Relation("it", "memcached", {0: {"host": "h", "port": "11211"}})]),
    ),
)


@contextmanager
def _directory() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="reactive-simulation-"))
    try:
        yield place
    finally:
        shutil.rmtree(place)


def both_speeds(engine: Optional[str] = None, turns: int = 3) -> Dict[str, List[float]]:
    """Seconds of each case in this interpreter and in processes; what they did is compared.

    Raises:
        AssertionError: the speeds disagree about what a hook did.
    """
    found: Dict[str, List[float]] = {"in-process": [], "processes": []}
    with _directory() as place:
        for number, (layer, role, hook, state) in enumerate(CASES):
            files = {
                "hooks/relations/%s/%s" % (layer, path.name): path.read_text()
                for path in (LAYERS / layer).glob("*.py")
            }
            charm = Charm.of(place / str(number), metadata={role: {"it": layer}}, files=files)
            here, there = (Unit(charm, in_process=speed, engine=engine) for speed in (True, False))
            here.run(hook, state)  # compiles the charm's files, as the processes' cache of them does
            # One speed after the other, as suites are run.
            took = {
                "in-process": [here.run(hook, state) for _ in range(turns * 5)],
                "processes": [there.run(hook, state) for _ in range(turns)],
            }
            one, *others = [
                (run.exit_status, run.handlers, run.state) for runs in took.values() for run in runs
            ]
            if any(other != one for other in others):
                raise AssertionError("%s of %s: the two speeds differ" % (hook, layer))
            for speed, runs in took.items():
                found[speed].append(median(run.duration for run in runs))
    return found


def _fifty_handlers() -> str:
    lines = ["from charms.reactive import *", ""]
    for number in range(50):
        flags = '"work.%d"' % number if number < 10 else '"idle.%d", "idle.%d.too"' % (number, number)
        lines += ["", "@when(%s)" % flags, "def handler_%d():" % number]
        lines += ['    toggle_flag("done.%d", not is_flag_set("done.%d"))' % (number, number), ""]
    return "\n".join(lines)


def hooks_per_second(engine: Optional[str] = None, hooks: int = 300) -> Tuple[float, float]:
    """How many hooks of a charm with 50 handlers run in a second by the clock, and of processor time."""
    with _directory() as place:
        charm = Charm.of(place / "charm", config={"port": 80}, files={"reactive/app.py": _fifty_handlers()})
        unit = Unit(charm, engine=engine)
        state = State(flags=["work.%d" % number for number in range(10)])
        for _ in range(5):
            outcome = unit.run("config-changed", state)
        if len(outcome.handlers) != 10 or outcome.record is None or len(outcome.record.handlers) != 50:
            raise AssertionError("the charm is not what is measured: %r" % outcome)
        started = time.perf_counter(), time.process_time()
        for _ in range(hooks):
            state = unit.run("config-changed", state).state
        wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    return hooks / wall, hooks / cpu


def rows(make_row: Any, number: int, engines: Sequence[str]) -> List[Any]:
    """The rows for the table.

    Args:
        make_row: the class of a row.
        number: of both rows.
        engines: to measure.
    """
    what = "simulated hooks of interface layers: in this interpreter / in processes"
    faster = make_row(number, what, ">= %.0f x faster" % FASTER, "")
    what = "simulated hooks of a charm with 50 handlers, beside 200 in a second"
    rate = make_row(number, what, ">= 1", "200 in a second")
    for engine in engines:
        times = both_speeds(engine)
        here, there = sum(times["in-process"]), sum(times["processes"])
        faster.add(engine, "%.1f ms a hook" % (here / len(CASES) * 1000), there / here, least=FASTER)
        faster.other += "%s, processes: %.0f ms; " % (engine, there / len(CASES) * 1000)
        faster.data[engine] = times
        hooks, _ = hooks_per_second(engine)
        rate.add(engine, "%.0f in a second" % hooks, hooks / HOOKS, least=1)
        rate.data[engine] = {"hooks per second": [hooks]}
    return [faster, rate]


def main() -> int:
    for engine in sys.argv[1:] or ["native", "pure"]:
        times = both_speeds(engine)
        here, there = sum(times["in-process"]), sum(times["processes"])
        wall, cpu = hooks_per_second(engine)
        print(
            "%s: %.1f ms a hook in this interpreter, %.0f ms in processes: %.0f x; "
            "%.0f hooks of 50 handlers in a second, %.0f in a second of processor time"
            % (engine, here / len(CASES) * 1000, there / len(CASES) * 1000, there / here, wall, cpu)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
