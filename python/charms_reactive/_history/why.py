"""``charms.reactive why``: of a handler, why it ran or did not; of a flag, who has set and cleared it."""

from __future__ import annotations

import argparse
import difflib
import json
import time
from typing import Any, Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

from charms_reactive._commands import place as state_place
from charms_reactive._unit_state import unit_state
from charms_reactive.testing.explain import Declared, Record, matches

from . import past
from .past import HistoryError, Hook, Place
from .words import ago, plural

__all__ = ["main"]

# Flags that the framework sets when a hook begins and takes away when it ends, so that between hooks they are
# not there: what the last hook has found is what the next one will find, unless somebody changes it.
_OF_HOOKS = ("config.set.", "config.default.")

# So many changes of a flag are told, the last ones.
_MOST = 20


def parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    made = argparse.ArgumentParser(
        prog="charms.reactive why",
        description="Of a handler: why it ran in the last hook, or did not, how often it ran, and whether it "
        "would run now. Of a flag: whether it is set, who has set and cleared it, and who waits for it.",
    )
    made.add_argument("name", metavar="HANDLER|FLAG", help="a handler, by name or id, or a flag")
    made.add_argument(
        "--hook",
        type=int,
        metavar="N",
        help="of the hook with this number in `charms.reactive history`; by default of the last one",
    )
    made.add_argument("--format", choices=("text", "json"), default="text", help="how to print it")
    return made


def main(words: Sequence[str]) -> int:
    """Run the command; the exit status.

    Raises:
        HistoryError: the unit does not remember, or knows no such handler or flag.
    """
    asked = parser().parse_args(words)
    hooks = past.read(Place.here())
    if not hooks:
        raise HistoryError("no hook is remembered")
    answer = _Answer(hooks, _flags_now(), time.time())
    handlers, is_flag = answer.handlers(asked.name), answer.knows_flag(asked.name)
    if not handlers and not is_flag:
        raise HistoryError(answer.unknown(asked.name))
    found: Dict[str, Any] = {"handlers": [answer.of_handler(one, asked.hook) for one in handlers]}
    if is_flag:
        found["flag"] = answer.of_flag(asked.name)
    if asked.format == "json":
        print(json.dumps(found, indent=1))
        return 0
    for one in found["handlers"]:
        print("\n".join(_handler_in_words(one)))
    if is_flag:
        print("\n".join(_flag_in_words(found["flag"])))
    return 0


def _flags_now() -> FrozenSet[str]:
    """The flags that are set, as ``charms.reactive get_flags`` prints them."""
    with state_place.of_state(asks=True):
        return frozenset(unit_state.unit.fresh().flags())


class _Answer:
    """What the memory and the flags of this moment tell.

    Args:
        hooks: that are remembered, oldest first.
        flags: that are set.
        now: in seconds since 1970.
    """

    def __init__(self, hooks: List[Hook], flags: FrozenSet[str], now: float) -> None:
        self._hooks = hooks
        self._now = now
        self._declared = self._known_handlers()
        last = next((hook for hook in reversed(hooks) if hook.end == past.SUCCEEDED and hook.events), None)
        found: List[str] = []
        if last is not None:
            found = next((event[1] for event in last.events if event[0] == "start"), [])
        self._of_hooks = frozenset(flag for flag in found if flag.startswith(_OF_HOOKS)) - flags
        self._flags = flags

    def _known_handlers(self) -> Tuple[Declared, ...]:
        """The handlers of the last hook that has told of them."""
        record = next((hook.record for hook in reversed(self._hooks) if hook.handlers), None)
        if record is not None:
            return record.handlers
        table = next((hook.handlers for hook in reversed(self._hooks) if hook.handlers), None)
        return Record({"handlers": past.declared(table or []), "events": []}).handlers

    def handlers(self, name: str) -> List[Declared]:
        """The handlers that are meant."""
        return [one for one in self._declared if matches(one.id, name)]

    def knows_flag(self, name: str) -> bool:
        """Whether it is a flag that is set, has changed, or is waited for."""
        return (
            name in self._flags
            or name in self._of_hooks
            or any(flag == name for hook in self._hooks for flag, _, _ in hook.changes)
            or any(name in _flags_of(one) for one in self._declared)
        )

    def unknown(self, name: str) -> str:
        """The sentence for what is neither a handler nor a flag."""
        flags = {flag for hook in self._hooks for flag, _, _ in hook.changes} | self._flags
        flags = flags.union(*map(_flags_of, self._declared))
        names = {one.id.split(":")[2] for one in self._declared if one.id.count(":") > 1} | flags
        close = difflib.get_close_matches(name, sorted(names), 3)
        hint = "; did you mean %s?" % " or ".join(close) if close else ""
        if not self._declared and not hint:
            hint = ": no hook has told which handlers there are"
        return "no handler and no flag is called %r%s" % (name, hint)

    # -- of a handler -------------------------------------------------------------------------------
    def of_handler(self, one: Declared, number: Optional[int]) -> Dict[str, Any]:
        """All about a handler, and one hook."""
        hook = self._hook(number)
        ran = [each for each in self._hooks if any(id == one.id for id, _, _ in each.ran)]
        before = [each for each in ran if each.at < hook.at]
        return {
            "handler": one.id,
            "asks_for": one.decorators,
            "hook": self._about(hook),
            "told": self._why(one, hook),
            "ran_in": [self._about(each) for each in ran],
            "hooks": len(self._hooks),
            "ran_before": self._about(before[-1]) if before else None,
            "now": self._now_of(one),
        }

    def _hook(self, number: Optional[int]) -> Hook:
        if number is None:
            ended = [hook for hook in self._hooks if hook.end != past.RUNNING]
            return (ended or self._hooks)[-1]
        for hook in self._hooks:
            if hook.number == number:
                return hook
        raise HistoryError(
            "--hook %d: %s remembered, numbered from 1, the last one"
            % (number, "1 hook is" if len(self._hooks) == 1 else "%d hooks are" % len(self._hooks))
        )

    def _about(self, hook: Hook) -> Dict[str, Any]:
        return {"number": hook.number, "hook": hook.shown, "ago": ago(max(0.0, self._now - hook.at))}

    def _why(self, one: Declared, hook: Hook) -> str:
        """Why it ran or did not in that hook, or why that is not known."""
        if hook.end == past.RUNNING:
            return "the hook runs, and has not told yet%s" % (", in %s" % hook.inside if hook.inside else "")
        if not hook.told:
            where = "in %s" % hook.inside if hook.inside else "before any handler was invoked"
            if hook.inside and matches(hook.inside, one.id):
                return "it ran, and the hook ended in it without a word: it was killed"
            return "the hook ended without a word, %s, and no more is known of it" % where
        record = hook.record
        if record is None:
            return "the hook did more than is remembered of one, so that nothing is known of this"
        if not record.find(one.id):
            known = [other for other in record.handlers if matches(other.id, _without_line(one.id))]
            if not known:
                return "there was no such handler in that hook"
            one = known[0]
        told = record.explain(one.id).partition(": ")
        runs = sum(id == one.id for id, _, _ in hook.ran)
        if runs:
            failed = hook.error is not None and hook.error.get("handler") == one.id
            how = "once" if runs == 1 else "%d times" % runs
            cause = _cause(one, hook)
            return "it ran %s%s%s" % (how, cause, "; the hook failed in it" if failed else "")
        reason = told[2] or told[0]
        if hook.end == past.FAILED and "before its turn" in reason:
            return "it did not run: %s, which failed" % reason
        return "it did not run: %s" % reason

    def _now_of(self, one: Declared) -> Dict[str, Any]:
        """Whether it would run, if a hook came now."""
        flags = set(self._flags | self._of_hooks)
        missing = [condition for condition in one.conditions if not condition.holds(flags)]
        reasons = []
        for condition in missing:
            reasons.append(condition.missing(flags))
            for flag in condition.flags:
                changed = self._last_change(flag)
                if changed and (flag in flags) == (condition.kind in ("none", "not_all")):
                    reasons.append(changed)
        for flag, on in one.edges if not one.unheard(flags) else ():
            if (flag in flags) == on:
                reasons.append("it has heard of that already: '%s' is %s" % (flag, "set" if on else "clear"))
            else:
                reasons.append("'%s' is %s" % (flag, "not set" if on else "set"))
        return {
            "flags_match": not missing and one.unheard(flags),
            "because": reasons,
            "if": list(one.predicates),
            "never": not one.phases,
            "by_flags": bool(_flags_of(one)),
        }

    def _last_change(self, flag: str) -> str:
        """Who has changed it last, as far as that is remembered and stands."""
        for hook in reversed(self._hooks):
            if hook.end != past.SUCCEEDED:
                continue
            for name, on, who in reversed(hook.changes):
                if name == flag:
                    if on != (flag in self._flags):
                        return ""  # somebody has changed it since, outside of hooks
                    how = "set" if on else "cleared"
                    return "'%s' was %s by %s in hook %d, %s, %s" % (
                        flag, how, who, hook.number, hook.shown, ago(max(0.0, self._now - hook.at)),
                    )  # fmt: skip
        return ""

    # -- of a flag ----------------------------------------------------------------------------------
    def of_flag(self, flag: str) -> Dict[str, Any]:
        """All about a flag."""
        changes: List[Dict[str, Any]] = []
        before: Optional[bool] = None
        for hook in self._hooks:
            first, last = _presence(hook, flag)
            if before is not None and first is not None and first != before:
                changes.append({**self._about(hook), "set": first, "by": None, "kept": True})
            for name, on, who in hook.changes:
                if name == flag:
                    kept = hook.end == past.SUCCEEDED
                    changes.append({**self._about(hook), "set": on, "by": who, "kept": kept})
            before = last if last is not None else before
        is_set = flag in self._flags
        if before is not None and before != is_set and not flag.startswith(_OF_HOOKS):
            changes.append({"number": 0, "hook": None, "ago": None, "set": is_set, "by": None, "kept": True})
        return {
            "flag": flag,
            "set": is_set,
            "of_hooks": flag in self._of_hooks,
            "changes": changes,
            "hooks": len(self._hooks),
            "waiting": [
                {"handler": one.id, "asks_for": one.decorators}
                for one in self._declared
                if flag in _flags_of(one)
            ],
        }


def _flags_of(one: Declared) -> Set[str]:
    """The flags that a handler waits for or hears of."""
    flags = {flag for condition in one.conditions for flag in condition.flags}
    return flags | {flag for flag, _ in one.edges}


def _cause(one: Declared, hook: Hook) -> str:
    """What made it run the first time, in words, as far as it was a flag."""
    wanted = _flags_of(one)
    running, changes = "", ""
    queued = False
    for event in hook.events:
        if event[0] == "phase" and one.id in event[2]:
            return ", because its conditions held when the dispatch began" if wanted else ""
        if event[0] == "iteration":
            if one.id in event[2]:
                queued = True
                break
            changes = ""
        elif event[0] == "invoke":
            running = event[1]
        elif event[0] in ("set", "clear") and event[1] in wanted:
            how = {"trigger": "a trigger in ", "child": "a process of "}.get("".join(event[2:]), "")
            who = "another process" if event[2:] == ("outside",) else how + running
            changes = ", because %s %s '%s'" % (who, "set" if event[0] == "set" else "cleared", event[1])
    return changes if queued else ""


def _without_line(id: str) -> str:
    """The id of a handler as it is after an edit that has moved its line."""
    parts = id.split(":")
    return ":".join(part for index, part in enumerate(parts) if index != 1 or not part.isdigit())


def _presence(hook: Hook, flag: str) -> Tuple[Optional[bool], Optional[bool]]:
    """Whether a flag was set when a hook began, and when it had ended; ``None`` where that is not known."""
    start = next((event[1] for event in hook.events if event[0] == "start"), None)
    if start is None or (hook.told.get("partly") and flag not in start):
        return None, None
    first = now = flag in start
    for event in hook.events:
        if event[0] == "start":
            break
        if event[0] in ("set", "clear") and event[1] == flag:
            first = event[0] == "clear"  # it was the other way round
            break
    for event in hook.events[[event[0] for event in hook.events].index("start") :]:
        if event[0] in ("set", "clear") and event[1] == flag:
            now = event[0] == "set"
    return first, now if hook.end == past.SUCCEEDED else first


# -- in words ---------------------------------------------------------------------------------------
def _hook_in_words(about: Dict[str, Any]) -> str:
    return "hook %d, %s, %s" % (about["number"], about["hook"], about["ago"])


def _handler_in_words(told: Dict[str, Any]) -> List[str]:
    asks = " asks for %s" % told["asks_for"] if told["asks_for"] else " asks for nothing"
    lines = [told["handler"] + asks, "  %s: %s" % (_hook_in_words(told["hook"]), told["told"])]
    ran = told["ran_in"]
    often = "it ran in %d of %s" % (len(ran), plural(told["hooks"], "remembered hook"))
    if ran:
        often += ", last in %s" % _hook_in_words(ran[-1])
    return [*lines, "  %s" % often, "  now: %s" % _now_in_words(told["now"])]


def _now_in_words(now: Dict[str, Any]) -> str:
    also = " and ".join(now["if"])
    if now["never"]:
        return "it never runs, because handlers of hooks and actions run before those of flags"
    if not now["flags_match"]:
        return "it would not run: %s" % "; ".join(now["because"])
    if not now["by_flags"]:
        return "it runs in a hook in which %s holds" % also if also else "it would run in any hook"
    return "it would run in the next hook%s" % (", if %s holds" % also if also else "")


def _flag_in_words(told: Dict[str, Any]) -> List[str]:
    is_set = "is set" if told["set"] else "is not set"
    if told["of_hooks"]:
        is_set = "is set by the framework while a hook runs, and was in the last one"
    lines = ["flag %s %s" % (told["flag"], is_set)]
    for change in told["changes"][-_MOST:]:
        how = "set" if change["set"] else "cleared"
        if change["number"] == 0:
            lines.append("  since the last hook: %s, by no hook: a command, or who has written the row" % how)
        elif change["by"] is None:
            where = _hook_in_words(change)
            lines.append("  before %s: %s, by no hook: a command, or who has written the row" % (where, how))
        else:
            undone = "" if change["kept"] else "; undone, because the hook did not succeed"
            lines.append("  %s: %s by %s%s" % (_hook_in_words(change), how, change["by"], undone))
    if not told["changes"]:
        lines.append("  it has not changed in %s" % plural(told["hooks"], "remembered hook"))
    if told["waiting"]:
        lines += ["  %s asks for %s" % (one["handler"], one["asks_for"]) for one in told["waiting"]]
    else:
        lines.append("  no handler waits for it")
    return lines
