"""Engines with one rule wrong each, to show that the random programs would find such an engine.

They are made from the model, whose rules are methods that can be replaced one by one; where the
real engines keep their rules is their own affair.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Sequence, Type

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
