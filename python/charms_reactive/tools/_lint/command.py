"""The command ``charms.reactive lint``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import List, NoReturn, Sequence

from charms_reactive.errors import ReactiveError
from charms_reactive.tools._charm.declared import charm_root
from charms_reactive.tools._charm.reading import read

from .comments import Selection, chosen, from_pyproject, major
from .linting import lint
from .report import FORMATS, explained, listed
from .rules import RULES

__all__ = ["main"]

_CLEAN, _FOUND, _COULD_NOT = 0, 1, 2

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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(_COULD_NOT, "charms.reactive lint: %s\n(--help tells how it is used)\n" % message)


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: what follows ``charms.reactive lint``.

    Returns:
        The exit status: 0 for nothing found, 1 for something, 2 if it could not do what was asked.
    """
    try:
        asked = _parse(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        return _lint(asked)
    except ReactiveError as error:
        print("charms.reactive lint: %s" % error, file=sys.stderr)
        return _COULD_NOT


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


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(
        prog="charms.reactive lint",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
            prog, max_help_position=32, width=104
        ),
    )
    add = parser.add_argument
    add("charm", nargs="?", default=".", metavar="CHARM", help="its directory; by default the current one")
    add("--no-load", action="store_true", help="read its syntax alone, and run nothing of it")
    add("--select", action="append", default=[], metavar="RULES", help="only these rules")
    add("--extend-select", action="append", default=[], metavar="RULES", help="these rules, too")
    add("--ignore", action="append", default=[], metavar="RULES", help="not these rules")
    add("--exclude", action="append", default=[], metavar="PATTERN", help="tell nothing of these files")
    add("--notes", action="store_true", help="tell notes, too")
    add("--juju", metavar="VERSION", help="which Juju the charm is for; 4 makes warnings of what it has not")
    add("--format", choices=sorted(FORMATS), default="text", help="how to tell it")
    add("--color", choices=["auto", "always", "never"], default="auto", help="when to use colours")
    add("--timeout", type=float, default=30.0, metavar="SECONDS", help="how long loading may take (30)")
    add("--explain", metavar="RULE", help="tell about a rule, and end")
    add("--rules", action="store_true", help="list the rules, and end")
    return parser.parse_args(list(arguments))
