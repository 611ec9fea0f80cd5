"""The command ``charms.reactive check-1.5``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

from charms_reactive.tools._charm.child_process import taken
from charms_reactive.tools._charm.command import Parser, run
from charms_reactive.tools._charm.knowledge import Reading
from charms_reactive.tools._charm.reading import read
from charms_reactive.tools._lint import ageing
from charms_reactive.tools._lint.report import sentence
from charms_reactive.tools._lint.rules import RULES, Finding, Settings, find

from . import checks  # noqa: F401 -- it fills in the rows
from .rows import ROWS, Concern, Row, concerns

__all__ = ["main"]

_NOTHING, _SOMETHING = 0, 1

#: The hooks that the desk runs, in the order of a unit's first day.
HOOKS = ("install", "config-changed", "start", "update-status")

_DESCRIPTION = """\
Tell what moving from charms.reactive 1.5 to 1.6 changes for this charm, with the places in its code, and what
is in its way to Ubuntu 26.04 and Juju 4.
"""

_EPILOG = """\
What can be decided from the code is; then the desk runs the charm's first hooks, and tells what they warn of.
docs/moving-from-1.5.md has all rows.

exit status:
  0  nothing of the move concerns the charm
  1  something does
  2  something could not be done as asked
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: what follows ``charms.reactive check-1.5``.

    Returns: The exit status: 0 if nothing of the move concerns the charm, 1 if something does, 2 if it
        could not do what was asked.
    """
    return run(_parser(), arguments, _check)


def _check(asked: argparse.Namespace) -> int:
    reading = read(asked.charm, load=not asked.no_load, timeout=asked.timeout)
    found = concerns(reading)
    told = None if asked.no_load or not reading.handlers else ask_the_desk(reading, asked.timeout)
    ready = find(reading, Settings(juju=4), _readiness())
    if asked.format == "json":
        json.dump(_document(reading, found, told, ready), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        sys.stdout.write("\n".join(_text(reading, found, told, ready)) + "\n")
    return _SOMETHING if found or (told and told["warnings"]) else _NOTHING


def _readiness() -> List[str]:
    return [ageing.removed.code, *(code for code in sorted(RULES) if code.startswith("CR8"))]


def ask_the_desk(reading: Reading, timeout: float) -> Dict[str, Any]:
    """Run the charm's first hooks on the desk: which ran, what ended that, and what was warned of."""
    child = taken("hooks")
    try:
        child.ask(str(reading.root), HOOKS)
        answer, why = child.answer(timeout)
    finally:
        child.end()
    return {"ran": [], "failed": None, "error": why, "warnings": []} if answer is None else dict(answer)


# -- telling ----------------------------------------------------------------------------------------
def _path(reading: Reading, file: str) -> str:
    path = os.path.normpath(os.path.join(reading.root, file))
    shown = os.path.relpath(path)
    return path if shown.startswith("..") else shown


def _text(
    reading: Reading,
    found: Sequence[Tuple[Row, List[Concern]]],
    told: Optional[Dict[str, Any]],
    ready: Sequence[Finding],
) -> List[str]:
    lines = ["%s: from charms.reactive 1.5 to 1.6" % reading.declared.name]
    for row, places in found:
        lines += ["", "%s: %s" % (row.area, row.now)]
        lines += [
            "  %s%s: %s" % (_path(reading, place.file), ":%d" % place.line if place.line else "", what)
            for place, what in places
        ]
        lines.append("  to do: %s" % row.to_do if row.to_do else "  nothing to do")
    lines += ["", _rest(found), *_of_desk(told), ""]
    lines += _of_readiness(reading, ready)
    lines += [
        "%s: read by its syntax alone: %s" % (_path(reading, file), why)
        for file, why in sorted(reading.not_loaded.items())
    ]
    return lines


def _rest(found: Sequence[Tuple[Row, List[Concern]]]) -> str:
    decided = sum(1 for row in ROWS.values() if row.check is not None)
    if not found:
        return "Nothing of this concerns you: %d rows were looked for, and none is in the code." % decided
    return "Nothing else of %d rows concerns this charm." % decided


def _of_desk(told: Optional[Dict[str, Any]]) -> List[str]:
    if told is None:
        return ["The desk was not asked."]
    ran = ", ".join(told["ran"]) or "no hook"
    lines = [
        "On the desk %s ran; %s." % (ran, "it warned of:" if told["warnings"] else "nothing was warned of")
    ]
    lines += ["  %s" % one for one in told["warnings"]]
    if told.get("left_out"):
        lines.append("  left out, because the desk starts no process here: %s" % ", ".join(told["left_out"]))
    if told["error"]:
        stopped = told["failed"] or "it"
        lines.append("  %s could not be run there: %s" % (stopped, told["error"]))
    return lines


def _of_readiness(reading: Reading, ready: Sequence[Finding]) -> List[str]:
    if not ready:
        return ["Ready for 26.04 and Juju 4, as far as the code can tell."]
    return [
        "Not ready for 26.04 and Juju 4:",
        *(
            "  %s:%d: %s: %s" % (_path(reading, one.place.file), one.place.line, one.code, sentence(one))
            for one in ready
        ),
    ]


def _document(
    reading: Reading,
    found: Sequence[Tuple[Row, List[Concern]]],
    told: Optional[Dict[str, Any]],
    ready: Sequence[Finding],
) -> Dict[str, Any]:
    return {
        "charm": reading.declared.name,
        "rows": [
            {
                "area": row.area,
                "now": row.now,
                "to_do": row.to_do or None,
                "places": [
                    {"file": _path(reading, place.file), "line": place.line, "what": what}
                    for place, what in places
                ],
            }
            for row, places in found
        ],
        "desk": told,
        "ready": [
            {
                "code": one.code,
                "file": _path(reading, one.place.file),
                "line": one.place.line,
                "message": sentence(one),
            }
            for one in ready
        ],
        "read_by_syntax": {_path(reading, file): why for file, why in reading.not_loaded.items()},
    }


def _parser() -> Parser:
    parser = Parser("check-1.5", _DESCRIPTION, _EPILOG, 60.0, "loading, or the hooks,")
    add = parser.add_argument
    parser.add_no_load()
    add("--format", choices=["json", "text"], default="text", help="how to tell it")
    parser.add_timeout()
    return parser
