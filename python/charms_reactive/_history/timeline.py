"""``charms.reactive history``: the last hooks of the unit, one line each, the newest last."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from typing import Any, Dict, Iterable, List, Optional, Sequence, Set

from charms_reactive.testing.explain import matches

from . import past
from .past import Hook, Place
from .words import ago, duration, plural, since

__all__ = ["main"]

# How often a file is looked at that somebody follows, in seconds.
_PAUSE = 0.5

#: The parts of a hook's time, and what is said of each.
_PARTS = {
    "start": "start and imports before main()",
    "discovery": "import of the handlers",
    "handlers": "handlers",
    "atexit": "clean-up of layers",
    "commit": "commit",
}


def parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    made = argparse.ArgumentParser(
        prog="charms.reactive history",
        description="The last hooks of the unit, as it remembers them: one line each, the newest last. The "
        "number in front is what the option --hook of `charms.reactive why` takes.",
    )
    made.add_argument(
        "-v", "--verbose", action="store_true", help="what ran in each hook, and what it changed"
    )
    made.add_argument("-n", "--last", type=int, metavar="N", help="only so many")
    made.add_argument("--handler", metavar="NAME", help="only hooks in which this handler ran")
    made.add_argument("--flag", metavar="FLAG", help="only hooks in which this flag has changed")
    made.add_argument("--since", metavar="WHEN", help="only hooks since then: 30min, 2h, 1d, 03:10, a date")
    made.add_argument("--failed", action="store_true", help="only hooks that failed or were killed")
    made.add_argument("--follow", action="store_true", help="go on, and show each hook when it has ended")
    made.add_argument("--format", choices=("text", "json"), default="text", help="how to print it")
    return made


def main(words: Sequence[str]) -> int:
    """Run the command; the exit status.

    Raises:
        HistoryError: the unit has no memory, or an option makes no sense.
    """
    asked = parser().parse_args(words)
    place = Place.here()
    earliest = since(asked.since, time.time()) if asked.since else None
    if asked.follow:
        return _follow(place, asked, earliest)
    hooks = _chosen(past.read(place), asked, earliest)
    if asked.format == "json":
        print(json.dumps([as_json(hook) for hook in hooks], indent=1))
        return 0
    if not hooks:
        print("no such hook is remembered")
    now = time.time()
    for line in shown(hooks, asked, now):
        print(line)
    return 0


def _chosen(hooks: Iterable[Hook], asked: argparse.Namespace, earliest: Optional[float]) -> List[Hook]:
    found = []
    for hook in hooks:
        if earliest is not None and hook.at < earliest:
            continue
        if asked.failed and hook.end not in (past.FAILED, past.KILLED):
            continue
        if asked.handler and not any(matches(id, asked.handler) for id in _handlers(hook)):
            continue
        if asked.flag and not any(flag == asked.flag for flag, _, _ in hook.changes):
            continue
        found.append(hook)
    return found[-asked.last :] if asked.last else found


def _handlers(hook: Hook) -> List[str]:
    """The ids of the handlers that ran, as far as that is known."""
    return [id for id, _, _ in hook.ran] or ([hook.inside] if hook.inside else [])


def _follow(place: Place, asked: argparse.Namespace, earliest: Optional[float]) -> int:
    """Show what is there, and then each hook that ends, until somebody interrupts it."""
    told: Set[Any] = set()
    try:
        while True:
            try:
                hooks = _chosen(past.read(place), asked, earliest)
            except past.HistoryError:
                hooks = []  # the first hook may yet come
            new = [hook for hook in hooks if (hook.at, hook.name) not in told and hook.end != past.RUNNING]
            told.update((hook.at, hook.name) for hook in new)
            if asked.format == "json":
                for hook in new:
                    print(json.dumps(as_json(hook)), flush=True)
            else:
                for line in shown(new, asked, time.time(), absolute=True):
                    print(line, flush=True)
            time.sleep(_PAUSE)
    except KeyboardInterrupt:
        return 0


# -- text -------------------------------------------------------------------------------------------
def shown(hooks: Sequence[Hook], asked: argparse.Namespace, now: float, absolute: bool = False) -> List[str]:
    """The lines of the timeline.

    Args:
        hooks: to show.
        asked: the options.
        now: in seconds since 1970.
        absolute: tell the time of day, and no numbers, which change with each hook.
    """
    rows = []
    for hook in hooks:
        when = (
            time.strftime("%H:%M:%S", time.localtime(hook.at)) if absolute else ago(max(0.0, now - hook.at))
        )
        number = "" if absolute else "%d" % hook.number
        rows.append((number, when, _named(hook), duration(hook.took), _summary(hook)))
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    lines = []
    for hook, (number, when, name, took, summary) in zip(hooks, rows):
        cells = [when.rjust(widths[1]), name.ljust(widths[2]), took.rjust(widths[3]), summary]
        if not absolute:
            cells.insert(0, number.rjust(widths[0]))
        lines.append("  ".join(cells).rstrip())
        if asked.verbose:
            lines += ["    " + line for line in details(hook)]
        else:
            lines += ["    " + line for line in _about_asked(hook, asked)]
    return lines


def _named(hook: Hook) -> str:
    """The hook's name, and what it was about."""
    about = hook.about
    whom = about.get("unit") or about.get("application") or about.get("storage") or about.get("secret")
    return "%s (%s)" % (hook.shown, whom) if whom else hook.shown


def _summary(hook: Hook) -> str:
    if hook.end == past.RUNNING:
        return "runs%s" % (", in %s" % hook.inside if hook.inside else "")
    if hook.end == past.KILLED:
        return "KILLED%s; what it had changed is undone" % (" in %s" % hook.inside if hook.inside else "")
    if hook.end == past.UNKNOWN:
        return "has not told how it ended%s" % (", was in %s" % hook.inside if hook.inside else "")
    if hook.error is not None:
        handler = hook.error.get("handler")
        return "FAILED%s: %s" % (" in %s" % handler if handler else "", hook.error.get("type"))
    parts = [plural(len(hook.ran), "handler"), plural(len(hook.changes), "flag change")]
    status = hook.told.get("status")
    if status:
        parts.append(": ".join(part for part in status if part))
    return ", ".join(parts)


def _about_asked(hook: Hook, asked: argparse.Namespace) -> List[str]:
    """What the hook did with the flag that was asked for."""
    if not asked.flag:
        return []
    return [_change(*change) for change in hook.changes if change[0] == asked.flag]


def _change(flag: str, on: bool, who: str) -> str:
    return "%s %s, by %s" % ("set" if on else "cleared", flag, who)


def details(hook: Hook) -> List[str]:
    """What ran in a hook, what that changed, how it ended and where its time went."""
    lines = _told(hook)
    tools = Counter(name for name, _, _ in hook.tools)
    if tools:
        spent = sum(took for _, _, took in hook.tools)
        lines.append(
            "hook tools, %s: %s" % (duration(spent), ", ".join(_times(*item) for item in tools.items()))
        )
    if hook.error is not None:
        lines += _error(hook.error)
    spent = hook.told.get("spent", {})
    if spent:
        parts = ["%s %s" % (duration(spent[part]), text) for part, text in _PARTS.items() if part in spent]
        lines.append("time: %s" % ", ".join(parts))
    if hook.cut:
        lines.append("it did more than is remembered of one hook")
    return lines


def _times(name: str, number: int) -> str:
    return name if number == 1 else "%s x%d" % (name, number)


def _told(hook: Hook) -> List[str]:
    """The handlers in order, each with its time, and what changed meanwhile."""
    lines: List[str] = []
    took = iter(hook.ran)
    for event in hook.events:
        if event[0] == "invoke":
            found = next(took, None)
            lines.append("%s%s" % (event[1], "  %s" % duration(found[2]) if found else ""))
        elif event[0] in ("set", "clear"):
            how = {"trigger": " (by a trigger)", "child": " (by a process of it)"}
            told = how.get(event[2], " (by another process)") if len(event) > 2 else ""
            lines.append("  %s %s%s" % ("set" if event[0] == "set" else "cleared", event[1], told))
        elif event[0] == "event":
            lines.append("  event %s" % event[1])
        elif event[0] == "start" and lines:
            lines.insert(0, "before its handlers")
    return lines


def _error(error: Any) -> List[str]:
    what = str(error.get("type"))
    if error.get("text"):
        what += ": " + error["text"]
    where = "".join(
        text % error[key] for key, text in (("handler", " in %s"), ("where", ", at %s")) if error.get(key)
    )
    lines = ["failed%s: %s" % (where, what)]
    undone = error.get("undone")
    if undone is None:
        lines.append("the unit state could not be rolled back")
    elif undone:
        flags = ["%s is %s again" % (flag, "set" if on else "clear") for flag, on in undone]
        lines.append("rolled back: %s" % ", ".join(flags))
    else:
        lines.append("rolled back: no flag differs from before the hook")
    return lines


# -- JSON -------------------------------------------------------------------------------------------
def as_json(hook: Hook) -> Dict[str, Any]:
    """A hook for programs; the chapter on the unit's memory lists the keys."""
    return {
        "number": hook.number,
        "hook": hook.name,
        "action": hook.is_action,
        "at": hook.at,
        "about": dict(hook.about),
        "unit": hook.unit,
        "version": hook.version,
        "engine": hook.engine,
        "end": hook.end,
        "in": hook.inside or None,
        "took": hook.took,
        "spent": hook.told.get("spent", {}),
        "handlers": [{"id": id, "at": at, "took": took} for id, at, took in hook.ran],
        "changes": [{"flag": flag, "set": on, "by": who} for flag, on, who in hook.changes],
        "events": [event[1] for event in hook.events if event[0] == "event"],
        "tools": [{"name": name, "at": at, "took": took} for name, at, took in hook.tools],
        "status": hook.told.get("status"),
        "error": hook.error,
        "cut": hook.cut,
    }
