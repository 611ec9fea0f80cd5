"""The command ``charms.reactive lint``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import List, Sequence

from charms_reactive.tools._charm.command import Parser, run
from charms_reactive.tools._charm.declared import charm_root
from charms_reactive.tools._charm.reading import read

from .comments import Selection, chosen, from_pyproject, major
from .linting import lint
from .report import FORMATS, explained, listed
from .rules import RULES

__all__ = ["main"]

_CLEAN, _FOUND = 0, 1

_DESCRIPTION = """\
Look for mistakes in a reactive charm, a layer or an interface layer: flags that nothing sets, handlers that
can never run or never rest, names that are not declared, and what Python and Juju no longer have.
"""

_EPILOG = """\
rules are named by code (CR101), by the beginning of one (CR1), by name (flag-never-set), or all together
(all). In the code, "# reactive: ignore[CR101]" on a line, or "# reactive: ignore-file[CR101]", says not to
tell; pyproject.toml has [tool.charms-reactive.lint] with select, extend-select, ignore, notes, juju and
exclude.

exit status:
  0  nothing was found, or notes only
  1  something was found
  2  something could not be done as asked
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: what follows ``charms.reactive lint``.

    Returns:
        The exit status: 0 for nothing found, 1 for something, 2 if it could not do what was asked.
    """
    return run(_parser(), arguments, _lint)


def _lint(asked: argparse.Namespace) -> int:
    if asked.rules:
        sys.stdout.write(listed(sorted(RULES)))
        return _CLEAN
    if asked.explain is not None:
        sys.stdout.write("\n".join(explained(code) for code in chosen(Selection(select=[asked.explain]))[0]))
        return _CLEAN
    given = Selection(
        _names(asked.select),
        _names(asked.extend_select),
        _names(asked.ignore),
        True if asked.notes else None,
        None if asked.juju is None else major(asked.juju),
        _names(asked.exclude),
    )
    selection = given.over(from_pyproject(charm_root(asked.charm)))
    chosen(selection)  # before time is spent on reading
    reading = read(asked.charm, load=not asked.no_load, timeout=asked.timeout)
    done = lint(reading, selection)
    FORMATS[asked.format](done, sys.stdout, _colour(asked.color))
    return _FOUND if done.failed else _CLEAN


def _names(given: List[str]) -> List[str]:
    return [name for one in given for name in one.split(",") if name.strip()]


def _colour(asked: str) -> bool:
    if asked != "auto":
        return asked == "always"
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _parser() -> Parser:
    parser = Parser("lint", _DESCRIPTION, _EPILOG)
    add = parser.add_argument
    parser.add_no_load()
    add("--select", action="append", default=[], metavar="RULES", help="only these rules")
    add("--extend-select", action="append", default=[], metavar="RULES", help="these rules, too")
    add("--ignore", action="append", default=[], metavar="RULES", help="not these rules")
    add("--exclude", action="append", default=[], metavar="PATTERN", help="tell nothing of these files")
    add("--notes", action="store_true", help="tell notes, too")
    add("--juju", metavar="VERSION", help="which Juju the charm is for; 4 makes warnings of what it has not")
    add("--format", choices=sorted(FORMATS), default="text", help="how to tell it")
    add("--color", choices=["auto", "always", "never"], default="auto", help="when to use colours")
    parser.add_timeout()
    add("--explain", metavar="RULE", help="tell about a rule, and end")
    add("--rules", action="store_true", help="list the rules, and end")
    return parser
