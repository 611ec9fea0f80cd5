"""The table of the README, from the last run: the rows that say most, and what misses its budget.

`make bench` writes it; `.venv/bin/python benches/readme.py` writes it again without measuring.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Optional

BENCHES = Path(__file__).resolve().parent
README = BENCHES.parent / "README.md"

# The rows by their names in results.json, each with what the README calls it.
ROWS = {
    "dispatch, 1,000 idle handlers, 1,000 flags set, chain of 10, no tracer": (
        "dispatch: 1,000 idle handlers, 1,000 flags set, a chain of 10"
    ),
    "one fired handler among 100,000 idle / among 100 (chain of 50)": (
        "one fired handler among 100,000 idle ones / among 100"
    ),
    "`is_flag_set` in a hook's open transaction / `name in some_set`": "`is_flag_set` / `name in some_set`",
    "`set_flag` of a new flag at 100,000 flags set / bare `unitdata.kv().set`": (
        "`set_flag` at 100,000 flags / bare `unitdata.kv().set`"
    ),
    "engine alone, chain of 100 among 10,000 rules: no Python on either side": (
        "the engine alone, a chain of 100 among 10,000 rules / CLIPS"
    ),
    "whole hook, CPU: update-status, plain": "a whole hook, CPU",
    "whole hook, CPU: update-status, layered": "the same, in a charm that layer:basic starts",
    "`juju-log` processes: config-changed, plain": "`juju-log` processes of a hook / handlers invoked + 2",
    "peak memory of a hook: update-status, plain": "peak memory of a hook",
    "`import charms.reactive`, wall": "`import charms.reactive`, with what it imports",
    "peer relation of 200 units with 20 keys each: framework CPU, first hook": (
        "a peer relation of 200 units, CPU"
    ),
    "`charms.reactive` is_flag_set / `python3 -c pass`": (
        "`charms.reactive is_flag_set` as a process / `python3 -c pass`"
    ),
    "hook with three bash scripts of five functions each, wall": "a hook with three scripts of bash handlers",
    "`emit_event` to 100 handlers / ops": "an event to 100 handlers / the operator framework",
    "simulated hooks of interface layers: in this interpreter / in processes": (
        "hooks in a test, in the test's interpreter / as processes"
    ),
}

_TABLE = re.compile(r"(?<=<!-- figures -->\n).*?(?=\n<!-- /figures -->)", re.DOTALL)


def updated(readme: str, results: Dict[str, Any]) -> str:
    """The README with the figures of these results.

    Raises:
        KeyError: a row of the README is not among the results.
        ValueError: the README has no place for figures.
    """
    if not _TABLE.search(readme):
        raise ValueError("README.md has no <!-- figures --> and <!-- /figures -->")
    return _TABLE.sub(lambda _: "\n".join(_lines(results)), readme)


def _lines(results: Dict[str, Any]) -> List[str]:
    rows = {row["what"]: row for row in results["rows"]}
    budgeted = [row for row in results["rows"] if row["passed"]]
    names = _full_names(results["rows"])
    missed = [name for name, row in zip(names, results["rows"]) if row["verdict"].startswith("MISS")]
    lines = ["", "| what | budget | native | pure | |", "|---|---|---|---|---|"]
    lines += [_line(name, rows[what]) for what, name in ROWS.items()]
    told = "%d of %d rows with a budget miss it" % (len(missed), len(budgeted))
    return [*lines, "", told + (": %s." % "; ".join(missed) if missed else "."), ""]


def _full_names(rows: List[Dict[str, Any]]) -> List[str]:
    """The names of the rows, with what "the same" means put in its place."""
    names: List[str] = []
    subject = ""
    for row in rows:
        what = str(row["what"])
        if not what.startswith("the same"):
            subject = what.partition(":")[0]
        names.append(what.replace("the same", subject))
    return names


def _line(name: str, row: Dict[str, Any]) -> str:
    ratios = [_ratio(row["ratios"].get(engine)) for engine in ("native", "pure")]
    return "| %s |" % " | ".join([name, row["budget"], *ratios, row["verdict"]])


def _ratio(value: Optional[float]) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else "%.2f" % value


def main() -> None:
    results = json.loads(BENCHES.joinpath("results.json").read_text(encoding="utf-8"))
    README.write_text(updated(README.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
