"""What a failed assertion says: the reason first, and no more than is needed."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Set

from charms_reactive.testing import (
    Handlers,
    HookRun,
    Outcome,
    Record,
    State,
    Status,
    Step,
    differences,
)
from charms_reactive.testing._terminal.words import alarms, last_words

_MOST_HOOKS = 12
_MOST_STEPS = 24
_MOST_LINES = 40
_MOST_NAMES = 10


# -- comparisons ------------------------------------------------------------------------------------
def comparison(op: str, left: Any, right: Any) -> Optional[List[str]]:
    """The lines for a comparison that did not hold; ``None`` if there is nothing better to say than usual."""
    if op == "==" and isinstance(left, State) and isinstance(right, State):
        return ["the states are equal, but (- only right, + only left):", *differences(right, left)]
    if op == "==" and isinstance(left, Status) and isinstance(right, Status):
        return ["the status is %r, but it is" % str(right), repr(str(left))]
    if op == "in" and isinstance(right, Handlers):
        return ["%s ran, but" % _quoted(left), *_why_not(right.record, left), _ran(right)]
    if op == "not in" and isinstance(right, Handlers):
        ids = [id for id in right if left in Handlers([id])]
        return ["%s did not run, but" % _quoted(left), *_why(right.record, ids), _ran(right)]
    if op == "==" and isinstance(left, Handlers):
        return _handlers_differ(left, right)
    if op == "==" and isinstance(right, Handlers):
        return _handlers_differ(right, left)
    return None


def _handlers_differ(ran: Handlers, wanted: Any) -> Optional[List[str]]:
    if not isinstance(wanted, (list, tuple)):
        return None
    missing = [one for one in wanted if one not in ran]
    surplus = [id for id in ran if not any(one in Handlers([id]) for one in wanted)]
    lines = ["handlers %s ran, but" % (", ".join(map(_name, wanted)) or "none")]
    for one in missing:
        lines += _why_not(ran.record, one)
    lines += _why(ran.record, list(dict.fromkeys(surplus)))
    if not missing and not surplus:
        lines.append("in another order, or not as often")
    return [*lines, _ran(ran)]


def _ran(handlers: Handlers) -> str:
    return "ran: %s" % (_listed(handlers.names) or "none")


def _listed(names: Sequence[str]) -> str:
    """The names; of very many, as a charm that goes round in circles has them, some."""
    if len(names) <= 2 * _MOST_NAMES:
        return ", ".join(names)
    shown = [*names[:_MOST_NAMES], "…", *names[-_MOST_NAMES:]]
    return "%s (%d in all)" % (", ".join(shown), len(names))


def _name(handler: Any) -> str:
    return str(getattr(handler, "__name__", handler))


def _quoted(handler: Any) -> str:
    return "handler %r" % _name(handler)


def _why_not(record: Optional[Record], wanted: Any) -> List[str]:
    """Why a handler did not run: the reason, then what it asks for."""
    if record is None:
        return ["the hook ended before the framework could tell why"]
    found = record.find(wanted)
    if not found:
        return record.explain(wanted).splitlines()
    lines: List[str] = []
    for one in found:
        told = record.explain(one.id)
        before = "%s did not run" % one.id
        if one.decorators:
            before += ", which asks for %s" % one.decorators
        if told.startswith(before + ": "):
            lines.append("%s did not: %s" % (one.id, told[len(before) + 2 :]))
            if one.decorators:
                lines.append("  it asks for %s" % one.decorators)
        elif len(found) == 1:
            lines += told.splitlines()  # an endpoint's handler that ran where another was meant
    return lines


def _why(record: Optional[Record], ids: Sequence[str]) -> List[str]:
    """What the handlers that ran ask for."""
    lines = []
    for id in ids:
        asked = "".join(
            one.decorators for one in (record.handlers if record is not None else ()) if one.id == id
        )
        lines.append("%s did%s" % (id, ": it asks for %s" % asked if asked else ""))
    return lines


# -- the hooks of a test ----------------------------------------------------------------------------
def hooks(outcomes: Sequence[Outcome]) -> str:
    """What the hooks of a test did, a line each, and what they said that nobody should miss."""
    lines: List[str] = []
    left_out = len(outcomes) - _MOST_HOOKS
    if left_out > 0:
        lines.append("(%d before these)" % left_out)
    said = _Said()
    for outcome in outcomes[-_MOST_HOOKS:]:
        what = ("action %s" if outcome.action is not None else "%s") % outcome.name
        if outcome.succeeded:
            lines.append("%s: ran %s" % (what, _listed(outcome.handlers.names) or "no handler"))
        else:
            lines.append("%s FAILED: %s" % (what, outcome.error))
        lines += said.by(outcome)
    return "\n".join(lines)


def steps(ran: Sequence[Step]) -> str:
    """What the hooks of a model did, a line each, and what they said that nobody should miss."""
    lines: List[str] = []
    left_out = len(ran) - _MOST_STEPS
    if left_out > 0:
        lines.append("(%d before these)" % left_out)
    said = _Said()
    for step in ran[-_MOST_STEPS:]:
        if step.run.succeeded:
            lines.append("%s: ran %s" % (step, _listed(step.run.handlers.names) or "no handler"))
        else:
            lines.append(str(step))
        lines += said.by(step.run)
    return "\n".join(lines)


class _Said:
    """What hooks said, one after the other."""

    def __init__(self) -> None:
        # Of hooks that succeeded: many say the same in each.
        self._before: Set[str] = set()

    def by(self, outcome: HookRun) -> List[str]:
        """The lines to tell of a hook: all of one that failed, of any other its warnings and errors."""
        if outcome.succeeded:
            told = ["%s %s" % alarm for alarm in alarms(outcome)]
            told += ["stderr %s" % line for line in last_words(outcome)]
            lines = [line for line in dict.fromkeys(told) if line not in self._before]
            self._before.update(lines)
        else:
            lines = _all_of(outcome)
        if len(lines) > _MOST_LINES:
            lines = ["(%d lines before these)" % (len(lines) - _MOST_LINES), *lines[-_MOST_LINES:]]
        return ["    " + line for line in lines]


def _all_of(outcome: HookRun) -> List[str]:
    """The log of a hook that failed, and its stderr: what commands and hook tools had to say."""
    lines = ["%s %s" % (entry.level, line) for entry in outcome.log for line in entry.message.splitlines()]
    # What a hook said last is next to what ended it. The framework logs the traceback that is on stderr, too.
    logged = any("Traceback" in line for line in lines)
    words = last_words(outcome) if logged else outcome.stderr.splitlines()
    told = ["stderr %s" % line for line in words]
    return told + lines if logged else lines + told
