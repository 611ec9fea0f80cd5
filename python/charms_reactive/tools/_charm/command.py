"""What the commands that read a charm share: how they are asked, and how they say that they could not."""

from __future__ import annotations

import argparse
import sys
from typing import Callable, NoReturn, Sequence, Tuple, Type

from charms_reactive.errors import ReactiveError

__all__ = ["COULD_NOT", "Parser", "run"]

#: The exit status of a command that could not do what was asked.
COULD_NOT = 2


class Parser(argparse.ArgumentParser):
    """The arguments of a command, with those that each of them takes.

    Args:
        name: the subcommand.
        description: what it does.
        epilog: what there is to know of it beyond its options.
        seconds: how long loading may take, if nothing is said.
        what: what else may take that long, in words.
    """

    def __init__(
        self, name: str, description: str, epilog: str, seconds: float = 30.0, what: str = "loading"
    ) -> None:
        super().__init__(
            prog="charms.reactive " + name,
            description=description,
            epilog=epilog,
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
                prog, max_help_position=32, width=104
            ),
        )
        self._seconds = seconds
        self._what = what
        directory = "its directory; by default the current one"
        self.add_argument("charm", nargs="?", default=".", metavar="CHARM", help=directory)

    def add_no_load(self) -> None:
        """Add the option for a reading that runs nothing of the charm."""
        self.add_argument(
            "--no-load", action="store_true", help="read its syntax alone, and run nothing of it"
        )

    def add_timeout(self) -> None:
        """Add the option for how long it may take."""
        told = "how long %s may take (%d)" % (self._what, self._seconds)
        self.add_argument("--timeout", type=float, default=self._seconds, metavar="SECONDS", help=told)

    def error(self, message: str) -> NoReturn:
        self.exit(COULD_NOT, "%s: %s\n(--help tells how it is used)\n" % (self.prog, message))


def run(
    parser: Parser,
    arguments: Sequence[str],
    work: Callable[[argparse.Namespace], int],
    errors: Tuple[Type[Exception], ...] = (ReactiveError,),
) -> int:
    """Do what a command is for, or say in a sentence why not; the exit status."""
    try:
        asked = parser.parse_args(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    try:
        return work(asked)
    except errors as error:
        print("%s: %s" % (parser.prog, error), file=sys.stderr)
        return COULD_NOT
