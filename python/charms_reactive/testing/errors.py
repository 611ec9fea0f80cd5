"""What can be wrong with what a test asks of a simulated unit."""

from __future__ import annotations

from typing import Sequence, Tuple


class CharmError(Exception):
    """The charm cannot do what was asked of the unit: no such hook, option, action or endpoint."""


class InconsistentStateError(CharmError):
    """Juju could not bring a unit into this state, or not run this hook in it.

    Attributes:
        problems: what is wrong, a sentence each.
    """

    def __init__(self, what: str, problems: Sequence[str]) -> None:
        self.problems: Tuple[str, ...] = tuple(problems)
        super().__init__("%s:\n%s" % (what, "\n".join("- %s" % problem for problem in problems)))
