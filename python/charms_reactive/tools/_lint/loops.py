"""Handlers that fire one another, and triggers that do, found without running any."""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from charms_reactive.tools._charm.knowledge import Reading
from charms_reactive.tools._charm.model import FlagUse, Function, Handler, Trigger
from charms_reactive.tools._charm.names import HOLE, overlap

__all__ = ["ping_pongs", "trigger_cycles"]

# Flags whose values are known; the others are not in it.
_State = Dict[str, bool]
_Ring = List[Tuple[Handler, str]]

_LONGEST = 12
_MOST_STEPS = 400


# -- handlers ---------------------------------------------------------------------------------------
def ping_pongs(reading: Reading) -> Iterator[_Ring]:
    """Each ring of handlers that fire one another, once, as the handlers with what they change."""
    effects = _Effects(reading)
    able = [one for one in reading.handlers if _is_able(one) and effects.certain(one)]
    order = {handler: number for number, handler in enumerate(reading.handlers)}
    waiting: Dict[str, List[Handler]] = {}
    for handler in able:
        for flag in handler.flags:
            waiting.setdefault(flag, []).append(handler)
    told: Set[FrozenSet[str]] = set()
    for handler in able:
        ring = _Search(effects, waiting).ring_from(handler)
        if ring:
            members = frozenset(one.id for one, _ in ring)
            if members not in told:
                told.add(members)
                first = min(range(len(ring)), key=lambda number: order[ring[number][0]])
                yield ring[first:] + ring[:first]


def _is_able(handler: Handler) -> bool:
    """Whether flags alone decide when the handler runs."""
    return bool(handler.conditions) and not (handler.predicates or handler.hooks or handler.actions)


class _Effects:
    """What the bodies of handlers do to flags."""

    def __init__(self, reading: Reading) -> None:
        self._changed_by = _changes_by_name(reading)
        self._triggers: Dict[Tuple[str, bool], List[Tuple[str, bool]]] = {}
        for trigger in reading.triggers:
            started = (trigger.when, True) if trigger.when is not None else (trigger.when_not, False)
            for flag, on in ((trigger.set_flag, True), (trigger.clear_flag, False)):
                if started[0] is not None and flag is not None:
                    self._triggers.setdefault((started[0], started[1]), []).append((flag, on))

    def certain(self, handler: Handler) -> List[FlagUse]:
        """The changes that are made whenever it runs, in order."""
        function = handler.function
        if function is None or function.node is None:
            return []
        found = [
            use
            for use in function.uses
            if use.certain and use.how in ("set", "clear") and HOLE not in use.name and "{" not in use.name
        ]
        return sorted(found, key=lambda use: (use.place.line, use.place.column))

    def run(self, handler: Handler, state: _State) -> Tuple[_State, Set[str]]:
        """The state after a handler has run in one, and the flags that have changed for certain."""
        assert handler.function is not None
        after = dict(state)
        for name in self._uncertain(handler.function):
            for flag in [one for one in after if overlap(name, one)]:
                del after[flag]
        changed: Set[str] = set()
        for use in self.certain(handler):
            self._change(use.name, use.how == "set", after, changed, 0)
        return after, changed

    def _change(self, flag: str, on: bool, state: _State, changed: Set[str], depth: int) -> None:
        if state.get(flag) is on:
            return
        state[flag] = on
        changed.add(flag)
        if depth < 20:
            for other, value in self._triggers.get((flag, on), ()):
                self._change(other, value, state, changed, depth + 1)

    def _uncertain(self, function: Function) -> List[str]:
        found = [
            use.name
            for use in function.uses
            if use.how in ("set", "clear", "toggle")
            and (not use.certain or use.how == "toggle" or HOLE in use.name)
        ]
        for site in function.calls:
            if site.of in ("local", "method"):
                found += self._changed_by.get(site.name, ())
        return found


def _changes_by_name(reading: Reading) -> Dict[str, List[str]]:
    """The flags that functions of each name change, with those of the functions that they call."""
    own: Dict[str, Set[str]] = {}
    calls: Dict[str, Set[str]] = {}
    for file in reading.files:
        for function in file.functions:
            changed = {use.name for use in function.uses if use.how in ("set", "clear", "toggle")}
            own.setdefault(function.name, set()).update(changed)
            calls.setdefault(function.name, set()).update(
                site.name for site in function.calls if site.of in ("local", "method")
            )
    for _ in range(4):  # calls of calls
        grown = False
        for name, called in calls.items():
            for other in called:
                more = own.get(other, set()) - own[name]
                if more:
                    own[name] |= more
                    grown = True
        if not grown:
            break
    return {name: sorted(changed) for name, changed in own.items() if changed}


class _Search:
    """Follows who runs next, from one handler on."""

    def __init__(self, effects: _Effects, waiting: Dict[str, List[Handler]]) -> None:
        self._effects = effects
        self._waiting = waiting
        self._steps = 0

    def ring_from(self, handler: Handler) -> Optional[_Ring]:
        state: _State = {}
        for condition in handler.conditions:
            if condition.kind == "all":
                state.update(dict.fromkeys(condition.flags, True))
            elif condition.kind == "none":
                state.update(dict.fromkeys(condition.flags, False))
            elif len(condition.flags) == 1:
                state[condition.flags[0]] = condition.kind == "any"
        return self._follow(handler, state, [])

    def _follow(
        self, handler: Handler, state: _State, way: List[Tuple[Handler, FrozenSet[Tuple[str, bool]], str]]
    ) -> Optional[_Ring]:
        before = frozenset(state.items())
        for number, (other, seen, _) in enumerate(way):
            if other is handler and seen == before:
                return [(one, change) for one, _, change in way[number:]]
        self._steps += 1
        if len(way) >= _LONGEST or self._steps > _MOST_STEPS:
            return None
        after, changed = self._effects.run(handler, state)
        step = (handler, before, _in_words(self._effects.certain(handler), changed))
        following = dict.fromkeys(one for flag in sorted(changed) for one in self._waiting.get(flag, ()))
        for following_one in following:
            if _holds(following_one, after):
                ring = self._follow(following_one, after, [*way, step])
                if ring:
                    return ring
        return None


def _in_words(uses: Sequence[FlagUse], changed: Iterable[str]) -> str:
    there = set(changed)
    done = ["%ss %r" % (use.how, use.name) for use in uses if use.name in there]
    return " and ".join(dict.fromkeys(done)) or "changes %s" % ", ".join(sorted(there))


def _holds(handler: Handler, state: _State) -> bool:
    """Whether all conditions are known to hold."""
    for condition in handler.conditions:
        values = [state.get(flag) for flag in condition.flags]
        if not {
            "all": all(value is True for value in values),
            "any": any(value is True for value in values),
            "none": all(value is False for value in values),
            "not_all": any(value is False for value in values),
        }[condition.kind]:
            return False
    return True


# -- triggers ---------------------------------------------------------------------------------------
_Change = Tuple[str, bool]


def trigger_cycles(triggers: Iterable[Trigger]) -> Iterator[List[Tuple[Trigger, _Change]]]:
    """Each cycle of triggers, once: the triggers, each with the change that starts it.

    A cycle changes each of its flags to and fro; else it ends where a flag has its value already.
    """
    edges: Dict[_Change, List[Tuple[Trigger, _Change]]] = {}
    for trigger in triggers:
        start = (trigger.when, True) if trigger.when is not None else (trigger.when_not, False)
        for flag, on in ((trigger.set_flag, True), (trigger.clear_flag, False)):
            if start[0] is not None and flag is not None and HOLE not in flag + str(start[0]):
                edges.setdefault((start[0], start[1]), []).append((trigger, (flag, on)))
    told: Set[FrozenSet[_Change]] = set()
    for first in edges:
        for ring in _rings(first, edges):
            changes = frozenset(change for _, change in ring)
            flags = {flag for flag, _ in changes}
            if changes not in told and all({(flag, True), (flag, False)} <= changes for flag in flags):
                told.add(changes)
                yield ring


def _rings(
    first: _Change, edges: Dict[_Change, List[Tuple[Trigger, _Change]]]
) -> Iterator[List[Tuple[Trigger, _Change]]]:
    stack: List[Tuple[_Change, List[Tuple[Trigger, _Change]]]] = [(first, [])]
    steps = 0
    while stack and steps < _MOST_STEPS:
        steps += 1
        here, way = stack.pop()
        for trigger, following in edges.get(here, ()):
            if following == first:
                yield [*way, (trigger, here)]
            elif following not in [change for _, change in way] and len(way) < _LONGEST:
                stack.append((following, [*way, (trigger, here)]))
