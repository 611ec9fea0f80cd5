"""A small bus: what the tests of the dispatch drive an engine with, and write down what it does."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from .model import (
    ALL,
    ANY,
    BEGIN,
    CALL,
    DONE,
    HOOKS,
    INVOKE,
    LIMIT,
    NONE,
    NOT_ALL,
    OTHER,
    QUEUED,
    RESTRICTED,
    TEST,
)

Condition = Tuple[int, Sequence[str]]

__all__ = ["ALL", "ANY", "HOOKS", "NONE", "NOT_ALL", "OTHER", "RESTRICTED", "TEST", "Bus", "given"]


def given(engine: Any, *flags: str) -> Any:
    """The engine with exactly these flags set, no trigger asked."""
    engine.load(flags)
    return engine


class Bus:
    """Handlers are functions here, and a dispatch tells its steps in words."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self._bodies: Dict[int, Callable[[], object]] = {}
        self._predicates: Dict[int, Callable[[], bool]] = {}

    def handler(
        self,
        *conditions: Condition,
        body: Optional[Callable[[], object]] = None,
        asks: Optional[Callable[[], bool]] = None,
        phases: Optional[int] = None,
        watch: Optional[Sequence[str]] = None,
    ) -> int:
        """Add a handler with a body and, if it is opaque, a predicate."""
        number: int = self.engine.add_handler()
        for kind, flags in conditions:
            self.engine.add_condition(number, kind, flags)
        if phases is not None:
            self.engine.confine(number, phases)
        if watch is not None:
            self.engine.watch(number, watch)
        if asks is not None:
            self.engine.set_opaque(number)
            self._predicates[number] = asks
        self._bodies[number] = body or (lambda: None)
        return number

    def set(self, flag: str) -> None:
        self._change(flag, True)

    def clear(self, flag: str) -> None:
        self._change(flag, False)

    def _change(self, flag: str, on: bool) -> None:
        effects = self.engine.change(flag, on)
        assert not effects or effects[-1][0] != CALL, "these tests have no callbacks"

    def dispatch(self, restricted: bool = False) -> List[str]:
        """Run a dispatch to its end: its phases and iterations, tests, queues and invocations."""
        self.engine.start(restricted)
        told: List[str] = []
        while True:
            step, number = self.engine.next()
            if step == BEGIN:
                told.append(self._where(number))
            elif step == TEST:
                told.append("test %d" % number)
                self.engine.answer(self._predicates[number]())
            elif step == QUEUED:
                queue = self.engine.queue()
                assert len(queue) == number
                told.append("queue %s" % queue)
            elif step == INVOKE:
                told.append("invoke %d" % number)
                self._bodies[number]()
            else:
                assert step in (DONE, LIMIT)
                told.append("done" if step == DONE else "limit %s" % self.engine.queue())
                assert number == len(self.engine.queue())
                return told

    def invoked(self, restricted: bool = False) -> List[int]:
        """Run a dispatch and tell only which handlers it invoked, in order."""
        return [int(step.split()[1]) for step in self.dispatch(restricted) if step.startswith("invoke")]

    def _where(self, phase: int) -> str:
        assert self.engine.phase() == phase
        if phase == OTHER:
            return "iteration %d" % self.engine.iteration()
        return {HOOKS: "hooks", RESTRICTED: "restricted"}[phase]
