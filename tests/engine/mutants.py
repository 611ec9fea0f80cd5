"""Engines with one rule wrong each, to show that the random programs would find such an engine.

They are made from the model, whose rules are methods that can be replaced one by one; where the
real engines keep their rules is their own affair.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Sequence, Type

from . import model
from .model import CALL, CLEAR, HOOKS, NOT_ALL, OTHER, SET, Effect, Handler, Model, Step


class ClearingWhatIsNotSetTestsAgain(Model):
    def change(self, flag: str, on: bool) -> Optional[List[Effect]]:
        effects = super().change(flag, on)
        if effects is None and not on:
            self._cleared = True
        return effects


class SettingTestsAgain(Model):
    def _apply(self, flag: str, on: bool) -> None:
        super()._apply(flag, on)
        self._cleared = True


class NeverTestsAgain(Model):
    def _test_again(self) -> Iterator[Step]:
        return iter(())


class TestsAgainWithoutAsking(Model):
    def _test_again(self) -> Iterator[Step]:
        self._queue = [id for id in self._queue if self._matches(self._handlers[id])]
        return iter(())


class TestsAgainConditionsAlone(Model):
    _again = False

    def _matches(self, handler: Handler) -> bool:
        if self._again:
            return all(self._holds(kind, flags) for kind, flags in handler.conditions)
        return super()._matches(handler)

    def _test_again(self) -> Iterator[Step]:
        self._again = True
        try:
            yield from super()._test_again()
        finally:
            self._again = False


class QueueIsNotFixed(Model):
    def _apply(self, flag: str, on: bool) -> None:
        super()._apply(flag, on)
        if self._steps is not None and self._asked is None:
            for id, handler in enumerate(self._handlers):
                if id not in self._queue and flag in handler.watched and self._matches(handler):
                    self._queue.append(id)


class QueueIsBackwards(Model):
    def _test_all(self) -> Iterator[Step]:
        for id in reversed(range(len(self._handlers))):
            yield from self._test(id)


class PredicatesAddNobody(Model):
    def _test_all(self) -> Iterator[Step]:
        matching = [id for id, handler in enumerate(self._handlers) if self._matches(handler)]
        for id in matching:
            if id < len(self._handlers):
                yield from self._test(id)


class HearsNothing(Model):
    def _invoking(self, id: int) -> None:
        pass


class HearsOnlyOneOfSeveral(Model):
    def _invoking(self, id: int) -> None:
        for edge in self._handlers[id].edges:
            if self._is_due(id, edge):
                self._heard.add((id, edge))
                return


class HearsWhatHasNotHappened(Model):
    def _invoking(self, id: int) -> None:
        self._heard.update((id, edge) for edge in self._handlers[id].edges)


class EverybodyHears(Model):
    def _invoking(self, id: int) -> None:
        for edge in self._handlers[id].edges:
            if self._is_due(id, edge):
                self._heard.update((other, edge) for other in range(len(self._handlers)))


class HearsWhenItIsQueued(Model):
    def _test(self, id: int) -> Iterator[Step]:
        known = len(self._queue)
        yield from super()._test(id)
        if len(self._queue) > known:
            super()._invoking(id)

    def _invoking(self, id: int) -> None:
        pass


class HearsOnceAndForAll(Model):
    def _change_back(self, flag: str, on: bool) -> None:
        pass


class EdgesAreLevels(Model):
    def _is_due(self, id: int, edge: model.Change) -> bool:
        return self._happened(edge)


class EdgesOutliveTheirFlag(Model):
    def _happened(self, edge: model.Change) -> bool:
        return True


class AllEdgesMustBeDue(Model):
    def _calls(self, id: int) -> bool:
        return all(self._is_due(id, edge) for edge in self._handlers[id].edges)


class EdgesAreIgnored(Model):
    def _calls(self, id: int) -> bool:
        return True


class CyclesLeaveEdgesUnheard(Model):
    def _take_back(self, before: Any) -> None:
        heard = self._heard
        super()._take_back(before)
        self._heard = heard


class EdgesMatchInAnyPhase(Model):
    def add_edge(self, handler: int, flag: str, on: bool) -> None:
        phases = self._handler(handler).phases
        super().add_edge(handler, flag, on)
        self._handlers[handler].phases = phases


class EdgesWatchNothing(Model):
    def add_edge(self, handler: int, flag: str, on: bool) -> None:
        watched = list(self._handler(handler).watched)
        super().add_edge(handler, flag, on)
        self._handlers[handler].watched = watched


class HearsWhatIsNotSo(Model):
    def hear(self, handler: int, flag: str, on: bool) -> None:
        edges = self._handler(handler).edges
        if (self._name(flag), on) in edges:
            self._heard.add((handler, (self._name(flag), on)))


class QuietIsLoud(Model):
    def _is_silent(self, handler: Handler) -> bool:
        return False


class QuietSilencesEdges(Model):
    def _is_silent(self, handler: Handler) -> bool:
        return self._quiet


class QuietIsForEver(Model):
    def start(self, restricted: bool, quiet: bool = False) -> None:
        super().start(restricted, quiet or self._quiet)


class ForgetsNothingThatWasHeard(Model):
    def forget_heard(self) -> None:
        pass


class IterationsAreNotGated(Model):
    def _is_gated(self, handler: Handler) -> bool:
        return False


class FirstIterationIsGated(Model):
    def _is_gated(self, handler: Handler) -> bool:
        return self._phase == OTHER and handler.watched != []


class WatchingNothingIsGated(Model):
    def _is_gated(self, handler: Handler) -> bool:
        return self._phase == OTHER and self._iteration > 0


class ChangesPileUp(Model):
    def _end_iteration(self) -> None:
        self._changed = self._changed + [flag for flag in self._pending if flag not in self._changed]
        self._pending = []


class RemembersEarlierChanges(Model):
    def _forget_changes(self) -> None:
        self._changed = []


class ConditionsHoldInAnyPhase(Model):
    def _confine_to_other(self, handler: Handler) -> None:
        pass


class ConditionsAllowPhaseOther(Model):
    def _confine_to_other(self, handler: Handler) -> None:
        handler.phases = [OTHER]


class RestrictedGoesOn(Model):
    def _end_iteration(self) -> None:
        super()._end_iteration()
        if self._phase == model.RESTRICTED:
            self._phase = HOOKS


class NotAllOfNothingHolds(Model):
    def _holds(self, kind: int, flags: List[str]) -> bool:
        return (kind == NOT_ALL and not flags) or super()._holds(kind, flags)


class AnyOfNothingHolds(Model):
    def _holds(self, kind: int, flags: List[str]) -> bool:
        return (kind == model.ANY and not flags) or super()._holds(kind, flags)


class NoneMeansNotAll(Model):
    def _holds(self, kind: int, flags: List[str]) -> bool:
        return super()._holds(NOT_ALL if kind == model.NONE and flags else kind, flags)


class StopsOneIterationEarly(Model):
    max_iterations = 99


class StopsOneIterationLate(Model):
    max_iterations = 101


class ClearActionsFirst(Model):
    def _actions(self, flag: str, on: bool) -> List[Effect]:
        return sorted(super()._actions(flag, on), key=lambda action: (CLEAR, SET, CALL).index(action[0]))


class CallbacksBeforeClearActions(Model):
    def _actions(self, flag: str, on: bool) -> List[Effect]:
        return sorted(super()._actions(flag, on), key=lambda action: (SET, CALL, CLEAR).index(action[0]))


class ActionsAsRegistered(Model):
    def _actions(self, flag: str, on: bool) -> List[Effect]:
        return [action for edge, action in self._registered if edge == (flag, on) and action]


class SameActionTwiceIsTwoActions(Model):
    def _register(self, edge: model.Change, action: Optional[Effect]) -> None:
        if action is None:
            super()._register(edge, action)
        else:
            self._registered.append((edge, action))


class TriggersBreadthFirst(Model):
    def _make(self, flag: str, on: bool) -> Iterator[Effect]:
        made = [(flag, on)]
        self._apply(flag, on)
        for change in made:
            for action, target, callback in self._actions(*change):
                if action == CALL:
                    yield (CALL, "", callback)
                elif (target in self._set) != (action == SET) and len(made) < 20:
                    made.append((target, action == SET))
                    self._apply(target, action == SET)
                    yield (action, target, 0)


class TriggersGrowWhileTheyRun(Model):
    def _make(self, flag: str, on: bool) -> Iterator[Effect]:
        self._making.append((flag, on))
        self._apply(flag, on)
        done: List[Effect] = []
        while len(done) < len(self._actions(flag, on)):
            effect = self._actions(flag, on)[len(done)]
            done.append(effect)
            if effect[0] == CALL:
                yield effect
            elif (effect[1] in self._set) != (effect[0] == SET):
                if (effect[1], effect[0] == SET) in self._making:
                    return
                yield effect
                yield from self._make(effect[1], effect[0] == SET)
        self._making.pop()


class CyclesLeaveWhatTheyDid(Model):
    def _take_back(self, before: object) -> None:
        pass


class UnwindingForgetsNothing(Model):
    def unwind(self) -> None:
        if self._waiting:
            self._waiting.pop()


class LoadFiresTriggers(Model):
    def load(self, flags: Sequence[str]) -> List[model.Change]:
        differing = super().load(flags)
        for flag, on in differing:
            for action, target, _ in self._actions(flag, on):
                if action != CALL and (target in self._set) != (action == SET):
                    self._apply(target, action == SET)
        return differing


class LoadChangesNothing(Model):
    def load(self, flags: Sequence[str]) -> List[model.Change]:
        pending = list(self._pending)
        differing = super().load(flags)
        self._pending = pending
        return differing


class TouchIsForgotten(Model):
    def touch(self, flag: str) -> None:
        self._name(flag)


class SortsAsUtf16(Model):
    def flags(self) -> List[str]:
        return sorted(self._set, key=lambda flag: flag.encode("utf-16-be"))


class AbortKeepsTheQuestion(Model):
    def abort(self) -> None:
        asked = self._asked
        super().abort()
        self._asked = asked


MUTANTS: Dict[str, Type[Model]] = {
    name: thing
    for name, thing in list(globals().items())
    if isinstance(thing, type) and issubclass(thing, Model) and thing is not Model
}
