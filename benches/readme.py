"""The table of the README and that of the chapter on what a hook costs, from the last run.

The README's has five rows in the words of somebody who maintains a charm.

`make bench` writes it; `.venv/bin/python benches/readme.py` writes it again without measuring. All rows, and
which of them miss their budget, are in RESULTS.md.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

BENCHES = Path(__file__).resolve().parent
README = BENCHES.parent / "README.md"

# The rows by their names in results.json, each with what the README calls it.
ROWS = {
    "update-status that layer:basic starts, CPU, CPython 3.12": (
        "CPU time of a hook with little to do, in a charm that layer:basic starts, on Python 3.12"
    ),
    "the same with the other hook file and the agent's socket, CPython 3.12": (
        "the same, with our hook file, and hook tools that are asked over the agent's socket"
    ),
    "dispatch, 1,000 idle handlers, 1,000 flags set, chain of 10, no tracer": (
        "finding and running 10 handlers, one after the other, among 1,000 that do not match"
    ),
    "hook with three bash scripts of five functions each, wall": (
        "a hook with three scripts of handlers in bash, from start to end"
    ),
    "peer relation of 200 units with 20 keys each: framework CPU, first hook": (
        "looking at a peer relation of 200 units in which all is new"
    ),
}

PAGE = BENCHES.parent / "docs" / "what-a-hook-costs.md"

_LAYERED = re.compile(r"(?<=<!-- layered -->\n).*?(?=\n<!-- /layered -->)", re.DOTALL)

_TABLE = re.compile(r"(?<=<!-- figures -->\n).*?(?=\n<!-- /figures -->)", re.DOTALL)


def updated(readme: str, results: Dict[str, Any]) -> str:
    """The README with the figures of these results; as it is if CPython 3.12, of which two are, is not here.

    Raises:
        KeyError: a row of the README is not among the results.
        ValueError: the README has no place for figures.
    """
    if not _TABLE.search(readme):
        raise ValueError("README.md has no <!-- figures --> and <!-- /figures -->")
    missing = ROWS.keys() - {row["what"] for row in results["rows"]}
    if missing and all(what.endswith("CPython 3.12") for what in missing):
        return readme
    return _TABLE.sub(lambda _: "\n".join(_lines(results)), readme)


def _lines(results: Dict[str, Any]) -> List[str]:
    rows = {row["what"]: row for row in results["rows"]}
    head = ["", "| | 1.5.3 | 1.6, native engine | 1.6, in Python alone |", "|---|---|---|---|"]
    return [*head, *(_line(name, rows[what]) for what, name in ROWS.items()), ""]


def _line(name: str, row: Dict[str, Any]) -> str:
    (old,) = re.findall(r"\b1\.5\.3: ([\d.]+ \w+)", row["other"])
    ours = ["%s (%s)" % (row["measured"][one], _factor(row["ratios"][one])) for one in ("native", "pure")]
    return "| %s |" % " | ".join([name, old, *ours])


def _factor(value: float) -> str:
    """How many times less it is than with 1.5.3, in two or three digits."""
    rounded = float("%.2g" % value)
    return f"÷ {rounded:,.0f}" if rounded >= 10 else "÷ %.1f" % rounded


def missed(rows: Sequence[Dict[str, Any]]) -> List[str]:
    """The lines that say how many rows miss their budget, and which; ``rows`` as in results.json."""
    names: List[str] = []
    subject = ""
    for row in rows:
        what = str(row["what"])
        if not what.startswith("the same"):
            subject = what.partition(": ")[0].partition(", CPU")[0]
        if row["verdict"].startswith("MISS"):
            names.append("- " + what.replace("the same", subject))
    told = "%d of %d rows that have a budget miss it" % (len(names), sum(bool(row["passed"]) for row in rows))
    if not names:
        return [told + "."]
    return [told + ". `README.md` says why those do that miss it on a quiet machine too:", "", *names]


def layered(page: str, results: Dict[str, Any]) -> str:
    """The chapter on what a hook costs with the figures of row 18; as it is if that was not measured.

    Raises:
        ValueError: the chapter has no place for figures.
    """
    if not _LAYERED.search(page):
        raise ValueError("%s has no <!-- layered --> and <!-- /layered -->" % PAGE)
    measured: Dict[str, Dict[Tuple[bool, bool], Dict[str, Any]]] = {}
    for row in results["rows"]:
        if row["number"] == 18:
            what, _, python = str(row["what"]).rpartition("CPython ")
            way = "other hook file" in what, "socket" in what
            measured.setdefault(python, {})[way] = row
    lines = [
        "| CPython | hook tools | 1.5.3 | the wheel alone | with the other hook file |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for python, rows in measured.items():
        for socket, tools in (False, "a shell script, each a process"), (True, "the agent's, and its socket"):
            ways = [rows[light, socket] for light in (False, True)]
            old = ways[0]["other"].partition(": ")[2]
            cells = [
                "%s, %.2f times less" % (row["measured"]["native"], row["ratios"]["native"]) for row in ways
            ]
            lines.append("| %s |" % " | ".join([python, tools, old, *cells]))
    return _LAYERED.sub(lambda _: "\n".join(lines), page) if measured else page


def main() -> None:
    results = json.loads(BENCHES.joinpath("results.json").read_text(encoding="utf-8"))
    PAGE.write_text(layered(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    README.write_text(updated(README.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
