"""The command ``charms.reactive graph``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Callable, Dict, Sequence

from charms_reactive.errors import ReactiveError
from charms_reactive.tools._charm.command import Parser, run
from charms_reactive.tools._charm.reading import read
from charms_reactive.tools._lint.comments import Selection, from_pyproject
from charms_reactive.tools._lint.linting import lint

from .graph import Graph, graph_of
from .page import as_html
from .picture import as_svg
from .words import as_dot, as_json, as_mermaid

__all__ = ["main"]

_DONE = 0

_DESCRIPTION = """\
Draw a charm: its handlers and flags, who sets and who waits for what, triggers and relations. Cycles, and
what the linter has found, are marked.
"""

_EPILOG = """\
--around takes the name of a handler, a flag or an endpoint. A picture (svg) is laid out by graphviz where
that is installed, else by grandalf, which pip install 'charms.reactive[graph]' brings along; the other
formats need neither.

exit status: 0 if it is done, 2 if it could not be done as asked
"""

_FORMATS: Dict[str, Callable[[Graph], str]] = {
    "dot": as_dot,
    "html": as_html,
    "json": as_json,
    "mermaid": as_mermaid,
    "svg": as_svg,
}


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: what follows ``charms.reactive graph``.

    Returns:
        The exit status: 0, or 2 if it could not do what was asked.
    """
    return run(_parser(), arguments, _draw, (ReactiveError, OSError))


def _draw(asked: argparse.Namespace) -> int:
    reading = read(asked.charm, load=not asked.no_load, timeout=asked.timeout)
    findings = lint(reading, from_pyproject(reading.root).over(Selection())).findings
    graph = graph_of(reading, findings)
    if asked.around is not None:
        graph = graph.around(asked.around, asked.depth)
    chosen = asked.format or _by_name(asked.output)
    drawn = _FORMATS[chosen](graph)
    if asked.output is None:
        sys.stdout.write(drawn)
        return _DONE
    with open(asked.output, "w", encoding="utf-8") as file:
        file.write(drawn)
    cycles = sum(edge.cycle for edge in graph.edges)
    print(
        "%s: %d nodes, %d edges%s"
        % (
            asked.output,
            len(graph.nodes),
            len(graph.edges),
            ", %d of them in cycles" % cycles if cycles else "",
        )
    )
    return _DONE


def _by_name(output: str) -> str:
    """The format that the name of a file asks for."""
    suffix = os.path.splitext(output or "")[1][1:]
    return {"mmd": "mermaid", "gv": "dot", "htm": "html"}.get(suffix, suffix if suffix in _FORMATS else "svg")


def _parser() -> Parser:
    parser = Parser("graph", _DESCRIPTION, _EPILOG)
    add = parser.add_argument
    add(
        "--format",
        choices=sorted(_FORMATS),
        help="how to draw it; by default as the name of the file says, or svg",
    )
    add("-o", "--output", metavar="FILE", help="where to write it; by default to standard output")
    add("--around", metavar="NAME", help="only what is near a handler, a flag or an endpoint")
    add("--depth", type=int, default=2, metavar="N", help="how many steps are near (2)")
    parser.add_no_load()
    parser.add_timeout()
    return parser
