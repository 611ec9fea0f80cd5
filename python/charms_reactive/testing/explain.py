"""Why a handler ran in a hook, or did not: read from the record that the framework made of it.

On a unit, the command of this name reads a record that a hook has written::

    CHARMS_REACTIVE_RECORD=hook.json ./hooks/config-changed
    charms.reactive explain hook.json configure
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Optional, Sequence, Set, Tuple, Union

# How a condition reads in a charm.
_DECORATORS = {"all": "when", "any": "when_any", "none": "when_not", "not_all": "when_not_all"}


# The parts of a hook, in order, and what happens in each.
_PARTS = {
    "start": "the interpreter, and what is imported before main()",
    "discovery": "the charm's handlers are imported, and layers prepare",
    "handlers": "the dispatch",
    "atexit": "layers clean up",
    "commit": "the unit state is written",
}


def _milliseconds(seconds: float) -> str:
    return "%.1f ms" % (seconds * 1000)


def matches(id: str, wanted: Union[str, Callable[..., Any]]) -> bool:
    """Whether a handler is the one that is meant.

    Args:
        id: of the handler: ``reactive/app.py:12:configure`` or ``…:configure:db``.
        wanted: that id, the same without its line, any end of it that begins after a colon or a slash
            (``configure``, ``configure:db``, ``app.py:configure``), or the function itself. Of functions
            that were made in a loop the name means any, and ``configure#2`` the second.
    """
    if callable(wanted):
        wanted = getattr(wanted, "__name__", str(wanted))
    parts = id.split(":")
    spellings = [parts]
    if len(parts) > 2 and "#" in parts[2]:  # one of several that were made of the same lines
        spellings.append([*parts[:2], parts[2].partition("#")[0], *parts[3:]])
    names = [parts[0]]
    for parts in spellings:
        without_line = [part for index, part in enumerate(parts) if index != 1 or not part.isdigit()]
        names += [":".join(parts), ":".join(without_line)]
        # The function's name alone means it for each of its endpoints.
        if len(parts) > 3:
            names += [":".join(parts[:3]), ":".join([parts[0], *parts[2:3]])]
    return any(
        name == wanted or name.endswith((":" + wanted, "/" + wanted)) for name in names if name and wanted
    )


class Handlers(Tuple[str, ...]):
    """The ids of the handlers that a hook invoked, in order.

    ``"configure" in run.handlers`` and ``run.handlers == ["install", "configure"]`` ask for handlers by
    anything that :func:`~charms_reactive.testing.explain.matches` them.
    """

    record: Optional[Record]

    def __new__(cls, ids: Iterable[str] = (), record: Optional[Record] = None) -> Handlers:
        found = super().__new__(cls, ids)
        found.record = record
        return found

    def __contains__(self, wanted: object) -> bool:
        if isinstance(wanted, str) or callable(wanted):
            return any(matches(id, wanted) for id in self)
        return False

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Handlers):
            return tuple(self) == tuple(other)
        if not isinstance(other, (list, tuple)) or len(other) != len(self):
            return False
        return all(matches(id, wanted) for id, wanted in zip(self, other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    @property
    def names(self) -> Tuple[str, ...]:
        """The names of the functions, in order; of an executable handler its file."""
        return tuple(_name(id) for id in self)


def _name(id: str) -> str:
    parts = id.split(":")
    return parts[2] if len(parts) > 2 and parts[1].isdigit() else id


@dataclass(frozen=True)
class Condition:
    """One condition over flags: its kind (``all``, ``any``, ``none`` or ``not_all``) and the flags."""

    kind: str
    flags: Tuple[str, ...]

    def __str__(self) -> str:
        return "@%s(%s)" % (_DECORATORS[self.kind], ", ".join(map(repr, self.flags)))

    def holds(self, flags: Set[str]) -> bool:
        """Whether it holds while exactly these flags are set."""
        if self.kind == "all":
            return flags.issuperset(self.flags)
        if self.kind == "any":
            return not flags.isdisjoint(self.flags)
        if self.kind == "none":
            return flags.isdisjoint(self.flags)
        return not flags.issuperset(self.flags)

    def missing(self, flags: Set[str]) -> str:
        """What keeps it from holding, in words."""
        unset = [flag for flag in self.flags if flag not in flags]
        there = [flag for flag in self.flags if flag in flags]
        if self.kind in ("all", "any"):
            return "%s %s not set" % (_and(unset), "is" if len(unset) == 1 else "are")
        return "%s %s set" % (_and(there), "is" if len(there) == 1 else "are")


def _and(names: List[str]) -> str:
    quoted = ["'%s'" % name for name in names]
    return quoted[0] if len(quoted) == 1 else "%s and %s" % (", ".join(quoted[:-1]), quoted[-1])


def _is_slip(one: str, other: str) -> bool:
    """Whether two names differ as they do by mistake: a letter too many, two exchanged, or other separators.

    Another letter or number in the same place is no mistake: ``db-1.ready`` and ``db-2.ready`` are two flags.
    """
    if one == other:
        return False
    one, other = ("".join("." if letter in "-_" else letter for letter in name) for name in (one, other))
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    at = next((at for at, letter in enumerate(shorter) if letter != longer[at]), len(shorter))
    if len(longer) == len(shorter) + 1:
        return longer[at].isalpha() and longer[at + 1 :] == shorter[at:]
    exchanged = longer[:at] + longer[at : at + 2][::-1] + longer[at + 2 :]
    return len(longer) == len(shorter) and longer[at : at + 2].isalpha() and exchanged == shorter


@dataclass(frozen=True)
class Declared:
    """One handler as it was registered.

    Attributes:
        id: of the handler.
        phases: in which it may match.
        conditions: over flags.
        predicates: what else must hold, in words.
        edges: that flags became set or cleared, of which it hears once: each a flag, and whether it is set.
        heard: those of them that it had heard of when the hook ended.
    """

    id: str
    phases: Tuple[str, ...]
    conditions: Tuple[Condition, ...]
    predicates: Tuple[str, ...]
    edges: Tuple[Tuple[str, bool], ...] = ()
    heard: Tuple[Tuple[str, bool], ...] = ()

    @property
    def decorators(self) -> str:
        """What stands above it, in one line."""
        edges = ["@when_%s(%r)" % ("set" if on else "cleared", flag) for flag, on in self.edges]
        return " ".join(edges + [str(one) for one in self.conditions] + list(self.predicates))

    def unheard(self, flags: Iterable[str]) -> bool:
        """Whether, while exactly these flags are set, it could hear of something; of no edges it need not."""
        there = set(flags)
        return not self.edges or any(
            (flag in there) == on and (flag, on) not in self.heard for flag, on in self.edges
        )


@dataclass(frozen=True)
class Emitted:
    """An event that a hook has emitted, heard or not.

    Attributes:
        event: name of its class.
        attributes: names of those of its attributes that had values.
        origin: in words: a flag or a hook by its name, a class by its own; ``None`` for none.
        handlers: for each handler that was called its id and what came of it: ``ok``, or the name of the
            exception.
    """

    event: str
    attributes: Tuple[str, ...]
    origin: Optional[str]
    handlers: Tuple[Tuple[str, str], ...]

    def __str__(self) -> str:
        of = "" if self.origin is None else " of %s" % self.origin
        heard = ["%s%s" % (id, "" if came == "ok" else " (%s)" % came) for id, came in self.handlers]
        return "%s%s was emitted, and heard by %s" % (self.event, of, ", ".join(heard) or "nobody")


class Record:
    """What one hook registered, changed and ran, in order; see ``charms_reactive._dispatch.recorder``."""

    def __init__(self, document: Dict[str, Any]) -> None:
        self._declared = document["handlers"]
        self.events: Tuple[Tuple[Any, ...], ...] = tuple(tuple(event) for event in document["events"])
        #: Where the time went, in seconds; empty in records of versions that did not note it.
        self.times: Dict[str, Any] = document.get("times", {})

    @property
    def handlers(self) -> Tuple[Declared, ...]:
        """Every handler that was registered, in order."""
        return tuple(
            Declared(
                one["id"],
                tuple(one["phases"]),
                tuple(Condition(kind, tuple(flags)) for kind, flags in one["conditions"]),
                tuple(one["predicates"]),
                tuple((flag, bool(on)) for flag, on in one.get("edges", ())),
                tuple((flag, bool(on)) for flag, on in one.get("heard", ())),
            )
            for one in self._declared
        )

    @classmethod
    def read(cls, path: Path) -> Optional[Record]:
        """The record in a file; ``None`` if the hook came to no end that could have written one."""
        try:
            return cls(json.loads(path.read_text(encoding="utf-8", errors="surrogateescape")))
        except FileNotFoundError:
            return None

    @property
    def invoked(self) -> Handlers:
        """The handlers that ran, in order."""
        return Handlers((event[1] for event in self.events if event[0] == "invoke"), self)

    @property
    def emitted(self) -> Tuple[Emitted, ...]:
        """The events that were emitted, in order."""
        return tuple(
            Emitted(
                event[1],
                tuple(event[2]["attributes"]),
                event[2]["origin"],
                tuple((id, came) for id, came in event[2]["handlers"]),
            )
            for event in self.events
            if event[0] == "event" and len(event) > 2
        )

    def find(self, wanted: Union[str, Callable[..., Any]]) -> Tuple[Declared, ...]:
        """The registered handlers that are meant, see :func:`~charms_reactive.testing.explain.matches`."""
        return tuple(one for one in self.handlers if matches(one.id, wanted))

    def explain(self, wanted: Union[str, Callable[..., Any]]) -> str:
        """Why a handler ran, or did not: a line or more for each handler that is meant."""
        found = self.find(wanted)
        if not found:
            name = getattr(wanted, "__name__", str(wanted))
            emitted = [str(one) for one in self.emitted if one.event == name]
            if emitted:
                return "\n".join(emitted)
            return self._unknown(getattr(wanted, "__name__", str(wanted)))
        return "\n".join(self._explain(one) for one in found)

    def as_json(self, one: Declared) -> Dict[str, Any]:
        """Why a registered handler ran, or did not, for programs."""
        runs = sum(event == ("invoke", one.id) for event in self.events)
        return {
            "handler": one.id,
            "ran": runs,
            "asks_for": one.decorators,
            "reason": None if runs else self._reason(one),
        }

    def explain_times(self) -> str:
        """Where the hook's time went, a line for each part of it and for each handler that ran."""
        if not self.times:
            return "the record has no times"
        parts = [(part, self.times.get(part, 0.0), text) for part, text in _PARTS.items()]
        lines = ["%9s  in all" % _milliseconds(sum(seconds for _, seconds, _ in parts))]
        for part, seconds, text in parts:
            lines.append("%9s  %s: %s" % (_milliseconds(seconds), part, text))
            if part == "handlers":
                by_handler = self.times.get("by handler", {})
                slowest = sorted(by_handler, key=by_handler.__getitem__, reverse=True)
                lines += ["%9s    %s" % (_milliseconds(by_handler[id]), id) for id in slowest]
        lines.append(
            "CPU: %s, and %s of processes it waited for, such as hook tools"
            % (
                _milliseconds(self.times.get("cpu", 0.0)),
                _milliseconds(self.times.get("processes", 0.0)),
            )
        )
        return "\n".join(lines)

    # -- inside -------------------------------------------------------------------------------
    def _unknown(self, wanted: str) -> str:
        lines = ["no handler %r is registered" % wanted]
        known = sorted({_name(one.id) for one in self.handlers})
        import difflib  # not for those who only ask what ran

        close = difflib.get_close_matches(wanted, known, 3)
        if close:
            lines[0] += "; did you mean %s?" % " or ".join(close)
        elif known:
            lines.append("registered are: %s" % ", ".join(known))
        else:
            lines.append("none is: nothing below reactive/ or hooks/relations/ has declared one")
        return "\n".join(lines)

    def _explain(self, one: Declared) -> str:
        runs = sum(event == ("invoke", one.id) for event in self.events)
        asked = ", which asks for %s" % one.decorators if one.decorators else ""
        if runs:
            times = "once" if runs == 1 else "%d times" % runs
            return "%s ran %s%s" % (one.id, times, asked)
        return "%s did not run%s: %s" % (one.id, asked, self._reason(one))

    def _reason(self, one: Declared) -> str:
        moments = self._moments()
        if not moments:
            return "the hook ended before its handlers were dispatched"
        if not one.phases:
            return (
                "it never does, because handlers of hooks and actions run before those of flags; ask for "
                "one of the two, or have @hook set a flag"
            )
        phases = [event[1] for event in self.events if event[0] == "phase"]
        if not set(phases) & set(one.phases):
            if phases == ["restricted"]:
                return "this hook is restricted, and runs only its @collect_metrics and @meter_status_changed"
            return "the hook ended before phase %r" % one.phases[0]
        never = [
            condition
            for condition in one.conditions
            if not any(condition.holds(set(flags)) for _, flags in moments)
        ]
        if never:
            return "; ".join(self._never(condition, moments[-1][1]) for condition in never)
        if not any(one.unheard(flags) for _, flags in moments):
            return "; ".join(self._nothing_new(edge, moments) for edge in one.edges)
        if not one.conditions and one.edges:
            return self._left_out(one, [what for what, flags in moments if one.unheard(flags)])
        if not one.conditions:
            return "%s did not hold" % (" and ".join(one.predicates) or "its predicates")
        together = [
            what
            for what, flags in moments
            if all(condition.holds(set(flags)) for condition in one.conditions) and one.unheard(flags)
        ]
        if not together:
            return "its conditions held one by one, but never all at once"
        return self._left_out(one, together)

    @staticmethod
    def _nothing_new(edge: Tuple[str, bool], moments: List[Tuple[str, FrozenSet[str]]]) -> str:
        """Why there was nothing to hear of an edge."""
        flag, on = edge
        if any((flag in flags) == on for _, flags in moments):
            return "it has heard of that already: '%s' is %s since then" % (flag, "set" if on else "clear")
        return "'%s' %s" % (flag, "was not set" if on else "was not cleared")

    def _never(self, condition: Condition, flags: FrozenSet[str]) -> str:
        text = condition.missing(set(flags))
        changed = {event[1] for event in self.events if event[0] in ("set", "clear")}
        if not changed.intersection(condition.flags):
            text += ", and nothing in this hook changed that"
        if condition.kind in ("all", "any"):
            for flag in condition.flags:
                meant = self._misspelt(flag, set(flags)) if flag not in flags else None
                if meant:
                    text += " (but %r is: is one of the two misspelt?)" % meant
        return text

    def _misspelt(self, flag: str, flags: Set[str]) -> Optional[str]:
        """A flag that was set and may be the one that is meant; ``None`` if there is none."""
        was_set = flags | {event[1] for event in self.events if event[0] == "set"}
        slips = sorted(other for other in was_set if _is_slip(flag, other))
        if slips:
            return slips[0]
        # A flag that somebody set and nobody waits for is what a slip of the pen looks like.
        known = {name for one in self.handlers for other in one.conditions for name in other.flags}
        import difflib

        close = difflib.get_close_matches(flag, sorted(was_set - known), 1, 0.8)
        return close[0] if close else None

    def _left_out(self, one: Declared, together: List[str]) -> str:
        """It would have matched at some moment; why it was not taken."""
        queued = False
        cause = ""
        for event in self.events:
            if event[0] in ("phase", "iteration"):
                queued = one.id in event[2]
            elif event[0] == "invoke":
                cause = event[1]
            elif event[0] == "clear" and queued and self._needs(one, event[1]):
                return "it was queued, and left the queue when %s cleared %r" % (cause, event[1])
        if queued:
            return "it was queued, and the hook ended before its turn%s" % (
                ", in %s" % cause if cause else ""
            )
        if one.predicates:
            return "its flags matched (%s), but %s did not hold" % (together[0], " and ".join(one.predicates))
        return "its conditions held only for a while (%s); they did not when an iteration began" % together[0]

    @staticmethod
    def _needs(one: Declared, flag: str) -> bool:
        needed = any(flag in other.flags for other in one.conditions if other.kind in ("all", "any"))
        return needed or (flag, True) in one.edges

    def _moments(self) -> List[Tuple[str, FrozenSet[str]]]:
        """The flags at each moment of the dispatch, with what had just happened."""
        moments: List[Tuple[str, FrozenSet[str]]] = []
        flags: FrozenSet[str] = frozenset()
        for event in self.events:
            if event[0] == "start":
                flags = frozenset(event[1])
                moments.append(("at the start", flags))
            elif event[0] in ("set", "clear") and moments:
                flags = flags | {event[1]} if event[0] == "set" else flags - {event[1]}
                moments.append(("after %r was %s" % (event[1], event[0].replace("clear", "cleared")), flags))
        return moments


# -- the command ------------------------------------------------------------------------------------
def main(arguments: Sequence[str]) -> int:
    """Run ``charms.reactive explain``.

    Args:
        arguments: what follows it.

    Returns:
        The exit status: 0, or 2 if there is no such record or no such handler in it.
    """
    import argparse  # the command's, which most have no use for

    parser = argparse.ArgumentParser(
        prog="charms.reactive explain",
        description="Why the handlers of one hook ran, or did not, or where its time went. Make the record "
        "by running the hook with CHARMS_REACTIVE_RECORD=FILE in its environment.",
    )
    parser.add_argument("record", metavar="FILE", type=Path, help="the record of the hook")
    parser.add_argument(
        "handlers",
        metavar="HANDLER",
        nargs="*",
        help="by name or id, or the class of an event; without any, all handlers that are registered",
    )
    parser.add_argument("--times", action="store_true", help="where the hook's time went")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print it")
    try:
        asked = parser.parse_args(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        record = Record(json.loads(asked.record.read_text(encoding="utf-8", errors="surrogateescape")))
    except FileNotFoundError:
        return _cannot(
            "there is no file %s: the record of a hook comes first, and then handlers; a hook that runs with "
            "CHARMS_REACTIVE_RECORD=FILE in its environment makes one" % asked.record
        )
    except OSError as error:
        return _cannot("%s: %s" % (asked.record, error.strerror))
    except (ValueError, KeyError, TypeError):
        return _cannot("%s is no record of a hook; CHARMS_REACTIVE_RECORD names the file" % asked.record)
    if asked.times:
        print(json.dumps(record.times, indent=1) if asked.format == "json" else record.explain_times())
        return 0
    events = {one.event for one in record.emitted}
    missing = [wanted for wanted in asked.handlers if not record.find(wanted) and wanted not in events]
    if missing:
        return _cannot(record.explain(missing[0]))
    for wanted in asked.handlers:
        if not record.find(wanted):
            print(record.explain(wanted))
    if asked.handlers:
        found = [one for wanted in asked.handlers for one in record.find(wanted)]
    else:  # what ran comes first, in that order
        ran = list(dict.fromkeys(record.invoked))
        found = sorted(record.handlers, key=lambda one: ran.index(one.id) if one.id in ran else len(ran))
    if asked.format == "json":
        print(json.dumps([record.as_json(one) for one in dict.fromkeys(found)], indent=1))
        return 0
    for one in dict.fromkeys(found):
        print(record._explain(one))
    return 0


def _cannot(reason: str) -> int:
    print("charms.reactive explain: %s" % reason, file=sys.stderr)
    return 2
