"""The engine in Python: the reference that the Rust engine is held to.

The interface and its meaning are written down in ``_native.pyi``; both engines read alike on
purpose, so that a change to one is easily made to the other. This one also serves wherever no
native wheel does.
"""

from __future__ import annotations

from collections import deque

from charms_reactive._errors import EngineError, FlagNameError, TriggerCycleError
from charms_reactive._version import __version__ as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Deque, Dict, Iterable, List, Optional, Sequence, Set, Tuple

    Effect = Tuple[int, str, int]

ALL = 0
ANY = 1
NONE = 2
NOT_ALL = 3

HOOKS = 1
OTHER = 2
RESTRICTED = 4
_EVERY_PHASE = HOOKS | OTHER | RESTRICTED

SET = 0
CLEAR = 1
CALL = 2

BEGIN = 0
TEST = 1
QUEUED = 2
INVOKE = 3
DONE = 4
LIMIT = 5

MAX_ITERATIONS = 100

# Where a dispatch stands between two calls of next().
_IDLE = 0
_BEGINNING = 1
_TESTING = 2
_QUEUE_FIXED = 3
_INVOKING = 4
_RETESTING = 5


def _check(flag: object) -> str:
    """The flag as a plain ``str``; anything that no unit state could hold is refused."""
    if not isinstance(flag, str):
        raise FlagNameError(flag)
    try:
        flag.encode("utf-8")
    except UnicodeEncodeError as error:
        raise FlagNameError(flag, "it cannot be encoded as UTF-8 (%s)" % error.reason) from None
    return str.__str__(flag)


class _Condition:
    """One condition of one handler, with the count of its flags that are set."""

    __slots__ = ("handler", "kind", "set_count", "total")

    def __init__(self, handler: _Handler, kind: int, total: int, set_count: int) -> None:
        self.handler = handler
        self.kind = kind
        self.total = total
        self.set_count = set_count

    def holds(self) -> bool:
        if self.kind == ALL:
            return self.set_count == self.total
        if self.kind == ANY:
            return self.set_count > 0
        if self.kind == NONE:
            return self.set_count == 0
        return self.set_count < self.total


class _Edge:
    """That a flag becomes set, or cleared, as one handler hears of it."""

    __slots__ = ("flag", "handler", "heard", "on")

    def __init__(self, handler: _Handler, flag: str, on: bool) -> None:
        self.handler = handler
        self.flag = flag
        self.on = on
        # Only ever while the flag is so.
        self.heard = False


class _Handler:
    """What the engine knows of a handler: where it may match, and how far it is from matching."""

    __slots__ = ("conditions", "due", "edges", "failing", "id", "opaque", "phases", "watched")

    def __init__(self, id: int) -> None:
        self.id = id
        self.phases = _EVERY_PHASE
        self.failing = 0
        self.opaque = False
        self.watched: Set[str] = set()
        self.conditions: List[_Condition] = []
        self.edges: List[_Edge] = []
        # How many of the edges have happened and are not heard. That there is none counts as failing.
        self.due = 0


class _Trigger:
    """The actions of one edge of one flag, each list in order of registration."""

    __slots__ = ("callbacks", "clears", "sets")

    def __init__(self) -> None:
        # Used as ordered sets.
        self.sets: Dict[str, None] = {}
        self.clears: Dict[str, None] = {}
        self.callbacks: Dict[int, None] = {}


class _Frame:
    """A change that is being made: its actions, fixed when it began, and how far they have come."""

    __slots__ = ("actions", "change", "position")

    def __init__(self, change: Tuple[str, bool], trigger: _Trigger) -> None:
        self.change = change
        self.actions: List[Effect] = (
            [(SET, flag, 0) for flag in trigger.sets]
            + [(CLEAR, flag, 0) for flag in trigger.clears]
            + [(CALL, "", callback) for callback in trigger.callbacks]
        )
        self.position = 0


class Engine:
    """See ``_native.pyi``."""

    def __init__(self) -> None:
        # A change of flags has begun and not ended: an exception from outside, of a signal's handler or for
        # want of memory, may have left counts behind it that are not those of the flags.
        self._torn = False
        # Flags, and the index from each to what depends on it.
        self._set: Set[str] = set()
        self._conditions: Dict[str, List[_Condition]] = {}
        self._watchers: Dict[str, List[int]] = {}
        self._edges: Dict[str, List[_Edge]] = {}
        # Edges that were heard, and whose flags the running call has changed since.
        self._unheard: List[_Edge] = []
        # Handlers. `_ready` and `_unwatching` are ids, so that nothing ever walks all handlers.
        self._handlers: List[_Handler] = []
        self._ready: Set[int] = set()
        self._unwatching: Set[int] = set()
        self._hearing: Set[int] = set()  # those with edges
        # Triggers, and the changes that are being made, also as a set; `_bases` has the depth of
        # each change().
        self._triggers: Dict[Tuple[str, bool], _Trigger] = {}
        self._frames: List[_Frame] = []
        self._bases: List[int] = []
        self._open: Set[Tuple[str, bool]] = set()
        # Dispatch. The two dicts are used as ordered sets.
        self._stage = _IDLE
        self._phase = 0
        self._iteration = 0
        self._quiet = False
        self._changed: Dict[str, None] = {}
        self._pending: Dict[str, None] = {}
        self._removed = False
        self._queue: Deque[int] = deque()
        self._candidates: List[int] = []  # still to be tested, last one first
        self._last_tested = -1
        self._asked: Optional[int] = None
        self._asked_is_gone = False  # it was forgotten while it was asked
        # Counts changes in which handlers may match; tells whether the candidates are current.
        self._revision = 0
        self._seen = 0

    # -- flags ---------------------------------------------------------------------------------
    def is_set(self, flag: str) -> bool:
        if type(flag) is str and flag in self._set:
            return True
        return _check(flag) in self._set

    def all_set(self, flags: Sequence[str]) -> bool:
        names = [_check(flag) for flag in flags]
        return self._set.issuperset(names)

    def any_set(self, flags: Sequence[str]) -> bool:
        names = [_check(flag) for flag in flags]
        return not self._set.isdisjoint(names)

    def flags(self) -> List[str]:
        return sorted(self._set)

    def flag_count(self) -> int:
        return len(self._set)

    def load(self, flags: Sequence[str]) -> List[Tuple[str, bool]]:
        wanted = {_check(flag) for flag in flags}
        if self._torn:
            self._count_anew()
        cleared = sorted(self._set - wanted)
        added = sorted(wanted - self._set)
        self._torn = True
        for flag in cleared:
            self._toggle(flag, False)
        for flag in added:
            self._toggle(flag, True)
        self._torn = False
        return [(flag, False) for flag in cleared] + [(flag, True) for flag in added]

    def change(self, flag: str, on: bool) -> Optional[List[Effect]]:
        name = _check(flag)
        if (name in self._set) == on:
            return None
        self._refuse_cycle(name, on)
        removed, pending = self._removed, len(self._pending)
        if self._unheard:
            self._unheard.clear()
        self._torn = True
        self._bases.append(len(self._frames))
        try:
            self._enter(name, on)
            effects = self._propagate([(SET if on else CLEAR, name, 0)], removed, pending)[1:]
        except TriggerCycleError:
            self._end_change()
            self._torn = False
            raise
        self._torn = False
        return effects

    def resume(self) -> List[Effect]:
        if not self._bases:
            raise EngineError("no change is waiting for a callback")
        if self._unheard:
            self._unheard.clear()
        self._torn = True
        try:
            effects = self._propagate([], self._removed, len(self._pending))
        except TriggerCycleError:
            self._end_change()
            self._torn = False
            raise
        self._torn = False
        return effects

    def waiting(self) -> int:
        return len(self._bases)

    def unwind(self) -> None:
        if self._bases:
            self._end_change()

    def touch(self, flag: str) -> None:
        self._pending[_check(flag)] = None

    def _end_change(self) -> None:
        del self._frames[self._bases[-1] :]
        self._open = {frame.change for frame in self._frames}
        self._bases.pop()

    def _enter(self, flag: str, on: bool) -> None:
        """Make one change and, if it has a trigger, begin its actions."""
        self._toggle(flag, on)
        trigger = self._triggers.get((flag, on))
        if trigger is not None:
            self._frames.append(_Frame((flag, on), trigger))
            self._open.add((flag, on))

    def _leave(self) -> None:
        self._open.remove(self._frames.pop().change)

    def _propagate(self, effects: List[Effect], removed: bool, pending: int) -> List[Effect]:
        """Run actions until a callback is due or the innermost change is over.

        ``effects`` has what this call did so far; ``removed`` and ``pending`` are what to go back
        to if the chain turns out to be a cycle.
        """
        base = self._bases[-1]
        while len(self._frames) > base:
            frame = self._frames[-1]
            if frame.position == len(frame.actions):
                self._leave()
                continue
            action, flag, callback = frame.actions[frame.position]
            frame.position += 1
            if action == CALL:
                effects.append((CALL, "", callback))
                return effects
            on = action == SET
            if (flag in self._set) == on:
                continue
            try:
                self._refuse_cycle(flag, on)
            except TriggerCycleError:
                self._revert(effects, removed, pending)
                raise
            effects.append((action, flag, 0))
            self._enter(flag, on)
        self._bases.pop()
        return effects

    def _refuse_cycle(self, flag: str, on: bool) -> None:
        """Raise if this change is still being made, further out."""
        change = (flag, on)
        if change in self._open:
            changes = [frame.change for frame in self._frames]
            raise TriggerCycleError(changes[changes.index(change) :] + [change])

    def _revert(self, effects: List[Effect], removed: bool, pending: int) -> None:
        for action, flag, _ in reversed(effects):
            self._toggle(flag, action != SET)
        for edge in dict.fromkeys(self._unheard):
            if not edge.heard:
                self._hear(edge)
        for flag in list(self._pending)[pending:]:
            del self._pending[flag]
        self._removed = removed

    def _toggle(self, flag: str, on: bool) -> None:
        """Change one flag and whatever depends on it."""
        if on:
            self._set.add(flag)
            step = 1
        else:
            self._set.remove(flag)
            self._removed = True
            step = -1
        self._pending[flag] = None
        for condition in self._conditions.get(flag, ()):
            held = condition.holds()
            condition.set_count += step
            if condition.holds() != held:
                self._count_failing(condition.handler, 1 if held else -1)
        if self._edges:
            self._move_edges(flag, on)

    def _move_edges(self, flag: str, on: bool) -> None:
        for edge in self._edges.get(flag, ()):
            if edge.on == on:
                self._count_due(edge.handler, 1)
            elif edge.heard:
                edge.heard = False
                self._unheard.append(edge)
            else:
                self._count_due(edge.handler, -1)

    def _count_anew(self) -> None:
        """Make all counts those of the flags that are set."""
        for handler in self._handlers:
            for condition in handler.conditions:
                condition.set_count = 0
        for flag in self._set:
            for condition in self._conditions.get(flag, ()):
                condition.set_count += 1
        for handler in self._handlers:
            handler.failing = sum(not condition.holds() for condition in handler.conditions)
            handler.due = 0
            for edge in handler.edges:
                happened = (edge.flag in self._set) == edge.on
                edge.heard = edge.heard and happened
                handler.due += happened and not edge.heard
            handler.failing += bool(handler.edges) and not handler.due
        self._ready = {handler.id for handler in self._handlers if handler.failing == 0}
        self._revision += 1

    def _count_failing(self, handler: _Handler, more: int) -> None:
        handler.failing += more
        if handler.failing == 0:
            self._ready.add(handler.id)
        else:
            self._ready.discard(handler.id)
        self._revision += 1

    def _count_due(self, handler: _Handler, more: int) -> None:
        were = handler.due
        handler.due += more
        if (were > 0) != (handler.due > 0):
            self._count_failing(handler, 1 if were else -1)

    # -- triggers ------------------------------------------------------------------------------
    def add_trigger(
        self,
        flag: str,
        on: bool,
        set_flag: Optional[str] = None,
        clear_flag: Optional[str] = None,
        callback: Optional[int] = None,
    ) -> None:
        edge = (_check(flag), on)
        sets = None if set_flag is None else _check(set_flag)
        clears = None if clear_flag is None else _check(clear_flag)
        trigger = self._triggers.setdefault(edge, _Trigger())
        if sets is not None:
            trigger.sets[sets] = None
        if clears is not None:
            trigger.clears[clears] = None
        if callback is not None:
            trigger.callbacks[callback] = None

    def triggers(self) -> List[Tuple[str, bool, List[str], List[str]]]:
        return [
            (flag, on, list(trigger.sets), list(trigger.clears))
            for (flag, on), trigger in self._triggers.items()
            if trigger.sets or trigger.clears
        ]

    def trigger(self, flag: str, on: bool) -> Tuple[List[str], List[str], List[int]]:
        known = self._triggers.get((_check(flag), on)) or _Trigger()
        return list(known.sets), list(known.clears), list(known.callbacks)

    def clear_triggers(self) -> None:
        self._triggers.clear()

    # -- handlers ------------------------------------------------------------------------------
    def add_handler(self) -> int:
        handler = _Handler(len(self._handlers))
        self._handlers.append(handler)
        self._ready.add(handler.id)
        self._unwatching.add(handler.id)
        self._revision += 1
        return handler.id

    def handler_count(self) -> int:
        return len(self._handlers)

    def clear_handlers(self) -> None:
        self._handlers.clear()
        self._ready.clear()
        self._unwatching.clear()
        self._hearing.clear()
        self._conditions.clear()
        self._edges.clear()
        self._unheard.clear()
        self._watchers.clear()
        self._queue.clear()
        self._candidates = []
        self._asked_is_gone = self._asked is not None
        self._revision += 1

    def add_condition(self, handler: int, kind: int, flags: Sequence[str]) -> None:
        known = self._handler(handler)
        if kind not in (ALL, ANY, NONE, NOT_ALL):
            raise ValueError("no such kind of condition: %r" % (kind,))
        names = list(dict.fromkeys(_check(flag) for flag in flags))
        condition = _Condition(known, kind, len(names), sum(name in self._set for name in names))
        for name in names:
            self._conditions.setdefault(name, []).append(condition)
        known.conditions.append(condition)
        known.phases &= OTHER
        self._watch(known, names)
        if not condition.holds():
            self._count_failing(known, 1)

    def watch(self, handler: int, flags: Sequence[str]) -> None:
        self._watch(self._handler(handler), [_check(flag) for flag in flags])

    def _watch(self, handler: _Handler, names: Iterable[str]) -> None:
        for name in names:
            if name not in handler.watched:
                handler.watched.add(name)
                self._watchers.setdefault(name, []).append(handler.id)
        if handler.watched:
            self._unwatching.discard(handler.id)
        self._revision += 1

    def add_edge(self, handler: int, flag: str, on: bool) -> None:
        known = self._handler(handler)
        name = _check(flag)
        if any(edge.flag == name and edge.on == on for edge in known.edges):
            return
        edge = _Edge(known, name, on)
        if not known.edges:
            self._hearing.add(known.id)
            known.phases &= OTHER
            self._count_failing(known, 1)
        known.edges.append(edge)
        self._edges.setdefault(name, []).append(edge)
        self._watch(known, [name])
        if (name in self._set) == on:
            self._count_due(known, 1)

    def hear(self, handler: int, flag: str, on: bool) -> None:
        known = self._handler(handler)
        name = _check(flag)
        for edge in known.edges:
            if edge.flag == name and edge.on == on:
                self._hear(edge)

    def _hear(self, edge: _Edge) -> None:
        if (edge.flag in self._set) == edge.on and not edge.heard:
            edge.heard = True
            self._count_due(edge.handler, -1)

    def heard(self, handler: int) -> List[Tuple[str, bool]]:
        return [(edge.flag, edge.on) for edge in self._handler(handler).edges if edge.heard]

    def forget_heard(self) -> None:
        for edges in self._edges.values():
            for edge in edges:
                if edge.heard:
                    edge.heard = False
                    self._count_due(edge.handler, 1)

    def confine(self, handler: int, phases: int) -> None:
        self._handler(handler).phases &= phases
        self._revision += 1

    def set_opaque(self, handler: int) -> None:
        self._handler(handler).opaque = True

    def is_ready(self, handler: int) -> bool:
        return self._handler(handler).failing == 0

    def watched_changed(self, handler: int) -> bool:
        return not self._handler(handler).watched.isdisjoint(self._changed)

    def dependents(self, flag: str) -> List[Tuple[int, bool]]:
        return [(id, id in self._ready) for id in sorted(self._watchers.get(_check(flag), ()))]

    def _handler(self, id: int) -> _Handler:
        if not 0 <= id < len(self._handlers):
            raise IndexError("no such handler: %r" % (id,))
        return self._handlers[id]

    # -- dispatch ------------------------------------------------------------------------------
    def start(self, restricted: bool, quiet: bool = False) -> None:
        if self._stage != _IDLE:
            raise EngineError("a dispatch is running already")
        self._quiet = quiet
        self._phase = RESTRICTED if restricted else HOOKS
        self._iteration = 0
        self._changed = {}
        self._pending = {}
        self._queue.clear()
        self._stage = _BEGINNING

    def next(self) -> Tuple[int, int]:
        if self._stage == _IDLE:
            raise EngineError("no dispatch is running")
        if self._asked is not None:
            raise EngineError("handler %d was asked about and has no answer yet" % self._asked)
        if self._stage == _BEGINNING:
            self._queue.clear()
            self._candidates = self._matching(0)
            self._seen = self._revision
            self._last_tested = -1
            self._stage = _TESTING
            return BEGIN, self._phase
        if self._stage == _TESTING:
            opaque = self._test_candidates()
            if opaque is not None:
                return TEST, opaque
            if self._iteration == MAX_ITERATIONS:
                return self._finish(LIMIT if self._queue else DONE)
            self._stage = _QUEUE_FIXED
            return QUEUED, len(self._queue)
        if self._stage == _QUEUE_FIXED:
            if self._phase == OTHER and not self._queue:
                return self._finish(DONE)
            self._removed = False
            self._stage = _INVOKING
        elif self._stage == _INVOKING and self._removed:
            # The handler that has just returned cleared a flag: the rest of the queue must match anew.
            self._candidates = list(reversed(self._queue))
            self._queue.clear()
            self._stage = _RETESTING
        if self._stage == _RETESTING:
            opaque = self._test_candidates()
            if opaque is not None:
                return TEST, opaque
            self._removed = False
            self._stage = _INVOKING
        if self._queue:
            id = self._queue.popleft()
            if self._hearing:
                for edge in self._handlers[id].edges:
                    self._hear(edge)
            return INVOKE, id
        return self._end_iteration()

    def _end_iteration(self) -> Tuple[int, int]:
        self._changed = self._pending
        self._pending = {}
        if self._phase == RESTRICTED:
            return self._finish(DONE)
        if self._phase == HOOKS:
            self._phase = OTHER
        else:
            self._iteration += 1
        self._stage = _BEGINNING
        return self.next()

    def _finish(self, step: int) -> Tuple[int, int]:
        self._stage = _IDLE
        self._phase = 0
        return step, len(self._queue)

    def _test_candidates(self) -> Optional[int]:
        """Move candidates that match to the queue; stop at one that has to be asked about."""
        while True:
            if self._stage == _TESTING and self._seen != self._revision:
                # A predicate changed flags: handlers it has not come to yet may match now.
                self._candidates = self._matching(self._last_tested + 1)
                self._seen = self._revision
            if not self._candidates:
                return None
            handler = self._handlers[self._candidates.pop()]
            self._last_tested = handler.id
            # Candidates that were found in this iteration match; queued ones may not any more.
            if self._stage == _RETESTING and not self._still_matches(handler):
                continue
            if handler.opaque:
                self._asked = handler.id
                return handler.id
            self._queue.append(handler.id)

    def _still_matches(self, handler: _Handler) -> bool:
        settled = self._phase == OTHER and (self._iteration > 0 or (self._quiet and not handler.edges))
        return (
            handler.failing == 0
            and bool(handler.phases & self._phase)
            and (not settled or not handler.watched or not handler.watched.isdisjoint(self._changed))
        )

    def _matching(self, first: int) -> List[int]:
        """The handlers from id ``first`` on that may match now, last one first."""
        if self._phase == OTHER and (self._iteration > 0 or self._quiet):
            ids = set(self._unwatching)
            if self._iteration == 0:
                ids |= self._hearing
            for flag in self._changed:
                ids.update(self._watchers.get(flag, ()))
            ids &= self._ready
        else:
            ids = self._ready
        phase, handlers = self._phase, self._handlers
        found = [id for id in ids if id >= first and handlers[id].phases & phase]
        found.sort(reverse=True)
        return found

    def answer(self, matched: bool) -> None:
        if self._asked is None:
            raise EngineError("no handler was asked about")
        if matched and not self._asked_is_gone:
            self._queue.append(self._asked)
        self._asked = None
        self._asked_is_gone = False

    def abort(self) -> None:
        self._stage = _IDLE
        self._phase = 0
        self._asked = None
        self._asked_is_gone = False
        self._queue.clear()

    def queue(self) -> List[int]:
        return list(self._queue)

    def phase(self) -> int:
        return self._phase

    def iteration(self) -> int:
        return self._iteration

    def changed(self) -> List[str]:
        return list(self._changed)

    def pending(self) -> List[str]:
        return list(self._pending)
