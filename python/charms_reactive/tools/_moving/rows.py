"""The rows of docs/moving-from-1.5.md, each with what finds out whether it concerns a charm, or why nothing
can.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from charms_reactive.tools._charm.knowledge import Reading
from charms_reactive.tools._charm.model import Place

__all__ = ["ROWS", "Concern", "Row", "add", "no_check"]

#: A place of the charm, and what is there.
Concern = Tuple[Place, str]
Check = Callable[[Reading], Iterator[Concern]]


@dataclass(frozen=True)
class Row:
    """A row, or a smaller point, of the page.

    Attributes:
        area: as the first column has it, without backquotes; of a smaller point, its first words.
        now: what is different, for people who know 1.5.
        to_do: what there is to do; empty for nothing.
        check: what finds the places that are concerned.
        reason: why there is no check.
    """

    area: str
    now: str
    to_do: str = ""
    check: Optional[Check] = field(default=None, compare=False)
    reason: str = ""


#: By area, in the order of the page.
ROWS: Dict[str, Row] = {}


def add(area: str, now: str, to_do: str = "") -> Callable[[Check], Check]:
    """Add a row that a function decides."""

    def made(check: Check) -> Check:
        assert area not in ROWS, area
        ROWS[area] = Row(area, now, to_do, check)
        return check

    return made


def no_check(area: str, reason: str) -> None:
    """Add a row that concerns no charm's code, and say why not."""
    assert area not in ROWS, area
    ROWS[area] = Row(area, "", reason=reason)


def concerns(reading: Reading) -> List[Tuple[Row, List[Concern]]]:
    """The rows that concern a charm, each with the places."""
    found: List[Tuple[Row, List[Concern]]] = []
    for row in ROWS.values():
        places = list(dict.fromkeys(row.check(reading))) if row.check is not None else []
        if places:
            found.append((row, sorted(places, key=lambda one: (one[0].file, one[0].line, one[1]))))
    return found
