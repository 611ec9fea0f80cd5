"""A third engine, for comparison: slow, small, and as close to the words of the contract as it can be.

It keeps plain lists and sets and works everything out anew each time it is asked. There is no
counter and no index here, and what the real engines keep in state machines is ordinary recursion
and loops in generators, so that it is unlikely to share a mistake with either of them.

Each rule is a method of its own: the tests also make engines that have one rule wrong, to see that
a difference would be found.
"""

from __future__ import annotations

from typing import Generator, Iterator, List, Optional, Sequence, Set, Tuple

from charms_reactive.errors import EngineError, FlagNameError, TriggerCycleError

ALL, ANY, NONE, NOT_ALL = 0, 1, 2, 3
HOOKS, OTHER, RESTRICTED = 1, 2, 4
SET, CLEAR, CALL = 0, 1, 2
BEGIN, TEST, QUEUED, INVOKE, DONE, LIMIT = 0, 1, 2, 3, 4, 5

Change = Tuple[str, bool]
Effect = Tuple[int, str, int]
Step = Tuple[int, int]


class Handler:
    """What a handler asks for."""

    def __init__(self) -> None:
        self.phases = [HOOKS, OTHER, RESTRICTED]
        self.conditions: List[Tuple[int, List[str]]] = []
        self.watched: List[str] = []
        self.edges: List[Change] = []
        self.opaque = False


class Model:
    """The engine's interface, see ``_native.pyi``."""

    max_iterations = 100

    def __init__(self) -> None:
        self._set: Set[str] = set()
        # Registrations as they came. An action of None only names the edge.
        self._registered: List[Tuple[Change, Optional[Effect]]] = []
        # Changes that are being made, outermost first, and those of them that wait for a callback:
        # each with the number of changes that were being made when it began.
        self._making: List[Change] = []
        self._waiting: List[Tuple[Iterator[Effect], int]] = []
        self._handlers: List[Handler] = []
        # Edges that were heard: of which handler, and which one. Each ends when its flag changes back.
        self._heard: Set[Tuple[int, Change]] = set()
        self._quiet = False
        self._steps: Optional[Generator[Step, None, None]] = None
        self._phase = 0
        self._iteration = 0
        self._changed: List[str] = []
        self._pending: List[str] = []
        self._queue: List[int] = []
        self._untested: List[int] = []
        self._asked: Optional[int] = None
        self._asked_is_gone = False
        self._cleared = False

    # -- flags ---------------------------------------------------------------------------------
    def is_set(self, flag: str) -> bool:
        return self._name(flag) in self._set

    def all_set(self, flags: Sequence[str]) -> bool:
        names = [self._name(flag) for flag in flags]
        return all(name in self._set for name in names)

    def any_set(self, flags: Sequence[str]) -> bool:
        names = [self._name(flag) for flag in flags]
        return any(name in self._set for name in names)

    def flags(self) -> List[str]:
        return sorted(self._set)

    def flag_count(self) -> int:
        return len(self._set)

    def load(self, flags: Sequence[str]) -> List[Change]:
        wanted = {self._name(flag) for flag in flags}
        differing = [(flag, False) for flag in sorted(self._set) if flag not in wanted]
        differing += [(flag, True) for flag in sorted(wanted) if flag not in self._set]
        for flag, on in differing:
            self._apply(flag, on)
        return differing

    def change(self, flag: str, on: bool) -> Optional[List[Effect]]:
        name = self._name(flag)
        if (name in self._set) == on:
            return None
        self._waiting.append((self._make(name, on), len(self._making)))
        return self._go_on()

    def resume(self) -> List[Effect]:
        if not self._waiting:
            raise EngineError("nothing waits")
        return self._go_on()

    def waiting(self) -> int:
        return len(self._waiting)

    def unwind(self) -> None:
        if self._waiting:
            _, outer = self._waiting.pop()
            del self._making[outer:]

    def touch(self, flag: str) -> None:
        self._note(self._name(flag))

    def _go_on(self) -> List[Effect]:
        before = set(self._set), list(self._pending), self._cleared, set(self._heard)
        effects: List[Effect] = []
        try:
            for effect in self._waiting[-1][0]:
                effects.append(effect)
                if effect[0] == CALL:
                    return effects
        except TriggerCycleError:
            self._take_back(before)
            self.unwind()
            raise
        self.unwind()
        return effects

    def _take_back(self, before: Tuple[Set[str], List[str], bool, Set[Tuple[int, Change]]]) -> None:
        """A chain that was a cycle leaves nothing of what it did."""
        self._set, self._pending, self._cleared, self._heard = before

    def _make(self, flag: str, on: bool) -> Iterator[Effect]:
        """Make a change, and everything that follows from it."""
        if (flag, on) in self._making:
            cycle = self._making[self._making.index((flag, on)) :]
            raise TriggerCycleError([*cycle, (flag, on)])
        self._making.append((flag, on))
        self._apply(flag, on)
        for action, target, callback in self._actions(flag, on):
            if action == CALL:
                yield (CALL, "", callback)
            elif (target in self._set) != (action == SET):
                yield (action, target, 0)
                yield from self._make(target, action == SET)
        self._making.pop()

    def _actions(self, flag: str, on: bool) -> List[Effect]:
        """What follows from a change: set actions, clear actions, callbacks, each as registered."""
        mine = [action for edge, action in self._registered if edge == (flag, on) and action]
        return [action for kind in (SET, CLEAR, CALL) for action in mine if action[0] == kind]

    def _apply(self, flag: str, on: bool) -> None:
        if on:
            self._set.add(flag)
        else:
            self._set.remove(flag)
            self._cleared = True
        self._change_back(flag, on)
        self._note(flag)

    def _change_back(self, flag: str, on: bool) -> None:
        """What was heard is over when its flag changes back."""
        self._heard = {(id, edge) for id, edge in self._heard if edge != (flag, not on)}

    def _note(self, flag: str) -> None:
        if flag not in self._pending:
            self._pending.append(flag)

    def _name(self, flag: object) -> str:
        if not isinstance(flag, str):
            raise FlagNameError(flag)
        try:
            return flag.encode("utf-8").decode("utf-8")
        except UnicodeEncodeError as error:
            raise FlagNameError(flag, "it cannot be encoded as UTF-8 (%s)" % error.reason) from None

    # -- triggers ------------------------------------------------------------------------------
    def add_trigger(
        self,
        flag: str,
        on: bool,
        set_flag: Optional[str] = None,
        clear_flag: Optional[str] = None,
        callback: Optional[int] = None,
    ) -> None:
        edge = (self._name(flag), on)
        actions: List[Optional[Effect]] = [None]
        if set_flag is not None:
            actions.append((SET, self._name(set_flag), 0))
        if clear_flag is not None:
            actions.append((CLEAR, self._name(clear_flag), 0))
        if callback is not None:
            actions.append((CALL, "", callback))
        for action in actions:
            self._register(edge, action)

    def _register(self, edge: Change, action: Optional[Effect]) -> None:
        if (edge, action) not in self._registered:
            self._registered.append((edge, action))

    def triggers(self) -> List[Tuple[str, bool, List[str], List[str]]]:
        edges = [edge for edge, action in self._registered if action is None]
        rows = [(flag, on, *self.trigger(flag, on)[:2]) for flag, on in edges]
        return [row for row in rows if row[2] or row[3]]

    def trigger(self, flag: str, on: bool) -> Tuple[List[str], List[str], List[int]]:
        actions = self._actions(self._name(flag), on)
        return (
            [target for action, target, _ in actions if action == SET],
            [target for action, target, _ in actions if action == CLEAR],
            [callback for action, _, callback in actions if action == CALL],
        )

    def clear_triggers(self) -> None:
        self._registered = []

    # -- handlers ------------------------------------------------------------------------------
    def add_handler(self) -> int:
        self._handlers.append(Handler())
        return len(self._handlers) - 1

    def handler_count(self) -> int:
        return len(self._handlers)

    def clear_handlers(self) -> None:
        self._handlers = []
        self._heard = set()
        self._queue = []
        self._untested = []
        self._asked_is_gone = True

    def add_condition(self, handler: int, kind: int, flags: Sequence[str]) -> None:
        known = self._handler(handler)
        if kind not in (ALL, ANY, NONE, NOT_ALL):
            raise ValueError(kind)
        names = [self._name(flag) for flag in flags]
        known.conditions.append((kind, names))
        known.watched += names
        self._confine_to_other(known)

    def _confine_to_other(self, handler: Handler) -> None:
        """A condition over flags is asked for in phase OTHER only."""
        handler.phases = [phase for phase in handler.phases if phase == OTHER]

    def watch(self, handler: int, flags: Sequence[str]) -> None:
        self._handler(handler).watched += [self._name(flag) for flag in flags]

    def add_edge(self, handler: int, flag: str, on: bool) -> None:
        known = self._handler(handler)
        edge = (self._name(flag), on)
        if edge not in known.edges:
            known.edges.append(edge)
            known.watched.append(edge[0])
            self._confine_to_other(known)

    def hear(self, handler: int, flag: str, on: bool) -> None:
        edges = self._handler(handler).edges
        edge = (self._name(flag), on)
        if edge in edges and self._happened(edge):
            self._heard.add((handler, edge))

    def heard(self, handler: int) -> List[Change]:
        return [edge for edge in self._handler(handler).edges if (handler, edge) in self._heard]

    def forget_heard(self) -> None:
        self._heard = set()

    def _happened(self, edge: Change) -> bool:
        flag, on = edge
        return (flag in self._set) == on

    def _is_due(self, id: int, edge: Change) -> bool:
        return self._happened(edge) and (id, edge) not in self._heard

    def _calls(self, id: int) -> bool:
        """Whether something happened that the handler has not heard of; nothing has to if it has no edges."""
        edges = self._handlers[id].edges
        return edges == [] or any(self._is_due(id, edge) for edge in edges)

    def _invoking(self, id: int) -> None:
        """A handler that is invoked hears of all that happened."""
        for edge in self._handlers[id].edges:
            if self._is_due(id, edge):
                self._heard.add((id, edge))

    def confine(self, handler: int, phases: int) -> None:
        known = self._handler(handler)
        known.phases = [phase for phase in known.phases if phase & phases]

    def set_opaque(self, handler: int) -> None:
        self._handler(handler).opaque = True

    def is_ready(self, handler: int) -> bool:
        conditions = self._handler(handler).conditions
        return all(self._holds(kind, flags) for kind, flags in conditions) and self._calls(handler)

    def watched_changed(self, handler: int) -> bool:
        return any(flag in self._changed for flag in self._handler(handler).watched)

    def dependents(self, flag: str) -> List[Tuple[int, bool]]:
        name = self._name(flag)
        return [(id, self.is_ready(id)) for id, known in enumerate(self._handlers) if name in known.watched]

    def _holds(self, kind: int, flags: List[str]) -> bool:
        those_set = [flag for flag in flags if flag in self._set]
        if kind == ALL:
            return len(those_set) == len(flags)
        if kind == ANY:
            return len(those_set) > 0
        if kind == NONE:
            return len(those_set) == 0
        return len(those_set) != len(flags)

    def _handler(self, id: int) -> Handler:
        if id < 0:
            raise IndexError(id)
        return self._handlers[id]

    # -- dispatch ------------------------------------------------------------------------------
    def start(self, restricted: bool, quiet: bool = False) -> None:
        if self._steps is not None:
            raise EngineError("runs already")
        self._quiet = quiet
        self._forget_changes()
        self._phase = RESTRICTED if restricted else HOOKS
        self._iteration = 0
        self._queue = []
        self._steps = self._dispatch()

    def _forget_changes(self) -> None:
        """A dispatch knows nothing of what changed before it."""
        self._changed = []
        self._pending = []

    def next(self) -> Step:
        if self._steps is None:
            raise EngineError("none runs")
        if self._asked is not None:
            raise EngineError("no answer yet")
        step = next(self._steps)
        if step[0] in (DONE, LIMIT):
            self._steps = None
            self._phase = 0
        return step

    def answer(self, matched: bool) -> None:
        if self._asked is None:
            raise EngineError("nothing was asked")
        if matched and not self._asked_is_gone:
            self._queue.append(self._asked)
        self._asked = None

    def abort(self) -> None:
        self._steps = None
        self._phase = 0
        self._asked = None
        self._queue = []

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

    def _dispatch(self) -> Generator[Step, None, None]:
        """The steps of one dispatch, phase by phase and iteration by iteration."""
        while True:
            self._queue = []
            yield BEGIN, self._phase
            yield from self._test_all()
            if self._phase == OTHER and self._iteration == self.max_iterations:
                yield (LIMIT, len(self._queue)) if self._queue else (DONE, 0)
            yield QUEUED, len(self._queue)
            if self._phase == OTHER and not self._queue:
                yield DONE, 0
            yield from self._invoke_queue()
            self._end_iteration()
            if self._phase == RESTRICTED:
                yield DONE, 0
            if self._phase == HOOKS:
                self._phase = OTHER
            else:
                self._iteration += 1

    def _test_all(self) -> Iterator[Step]:
        """Test every handler in order of registration, also those that a predicate adds meanwhile."""
        id = 0
        while id < len(self._handlers):
            yield from self._test(id)
            id += 1

    def _test(self, id: int) -> Iterator[Step]:
        """Put a handler into the queue if it matches now; of an opaque one, answer() has the last word."""
        if not (self._matches(self._handlers[id]) and self._calls(id)):
            return
        if self._handlers[id].opaque:
            self._asked = id
            self._asked_is_gone = False
            yield TEST, id
        else:
            self._queue.append(id)

    def _matches(self, handler: Handler) -> bool:
        return (
            self._phase in handler.phases
            and all(self._holds(kind, flags) for kind, flags in handler.conditions)
            and (not self._is_gated(handler) or any(flag in self._changed for flag in handler.watched))
        )

    def _is_gated(self, handler: Handler) -> bool:
        """After iteration 0, only a change of a watched flag lets a handler match, if it watches any.

        Of a quiet dispatch that is so from the beginning, but for handlers that wait for an edge.
        """
        settled = self._iteration > 0 or self._is_silent(handler)
        return self._phase == OTHER and settled and handler.watched != []

    def _is_silent(self, handler: Handler) -> bool:
        return self._quiet and handler.edges == []

    def _invoke_queue(self) -> Iterator[Step]:
        self._cleared = False
        while self._queue:
            id = self._queue.pop(0)
            self._invoking(id)
            yield INVOKE, id
            if self._cleared:
                yield from self._test_again()
                self._cleared = False

    def _test_again(self) -> Iterator[Step]:
        """A flag was cleared: those still in the queue have to match now to stay in it."""
        self._untested, self._queue = self._queue, []
        while self._untested:
            yield from self._test(self._untested.pop(0))

    def _end_iteration(self) -> None:
        self._changed = self._pending
        self._pending = []
