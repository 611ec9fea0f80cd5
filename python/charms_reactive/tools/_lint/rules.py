"""What a rule is and what it finds. The rules themselves register here, each module those of one subject."""

from __future__ import annotations

from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from charms_reactive.tools._charm.knowledge import Reading
from charms_reactive.tools._charm.model import Place

__all__ = ["ERROR", "NOTE", "RULES", "WARNING", "Finding", "Rule", "Settings", "rule"]

ERROR, WARNING, NOTE = "error", "warning", "note"


class Finding(NamedTuple):
    """One thing that a rule has found.

    Attributes:
        code: of the rule.
        place: where.
        message: what is wrong, in one line.
        meant: the name that was probably meant; empty if nothing comes near.
        advice: what to do, in one line.
    """

    code: str
    place: Place
    message: str
    meant: str = ""
    advice: str = ""
    level: str = WARNING


class Settings(NamedTuple):
    """What the rules are told besides the charm.

    Attributes:
        juju: the major version of Juju that the charm is for.
    """

    juju: int = 3


Check = Callable[[Reading, Settings], Iterator[Finding]]


class Rule(NamedTuple):
    """A rule.

    Attributes:
        code: such as ``CR101``.
        name: such as ``flag-never-set``.
        level: ``error`` (something does not work), ``warning`` or ``note`` (told only when asked for).
        summary: of one line.
        text: what it finds, why that matters, and what to write.
        check: what finds it.
    """

    code: str
    name: str
    level: str
    summary: str
    text: str
    check: Optional[Check] = None

    def at(self, place: Place, message: str, meant: Optional[str] = None, advice: str = "") -> Finding:
        return Finding(self.code, place, message, meant or "", advice, self.level)


#: By code.
RULES: Dict[str, Rule] = {}


def rule(code: str, name: str, level: str, summary: str) -> Callable[[Check], Rule]:
    """Make a rule of a generator function, whose docstring is the rule's text."""

    def make(check: Check) -> Rule:
        made = Rule(code, name, level, summary, _text(check.__doc__ or ""), check)
        assert code not in RULES, code
        RULES[code] = made
        return made

    return make


def _text(documentation: str) -> str:
    lines = documentation.strip().splitlines()
    return "\n".join([lines[0], *(line[4:] for line in lines[1:])]) if lines else ""


def find(reading: Reading, settings: Settings, codes: List[str]) -> List[Finding]:
    """What the rules of these codes find, in the order of files and lines."""
    found: List[Finding] = []
    for code in codes:
        check = RULES[code].check
        assert check is not None
        found += check(reading, settings)
    return sorted(dict.fromkeys(found), key=_order)


def _order(finding: Finding) -> Tuple[str, int, int, str, str]:
    place = finding.place
    return place.file, place.line, place.column, finding.code, finding.message
