"""Drives several engines through one program, call by call, and stops where they first differ."""

from __future__ import annotations

import collections
from typing import Any, Callable, Counter, Dict, List, Mapping, NamedTuple, Optional, Tuple

from charms_reactive.errors import ReactiveError

from .model import BEGIN, CALL, DONE, INVOKE, LIMIT, QUEUED, TEST
from .programs import (
    Call,
    Change,
    Dispatch,
    Handler,
    Op,
    Program,
    Raise,
    Script,
    Trigger,
    Try,
    flags_of,
    shrink,
)

# A way to make an engine, by the name under which it appears in a report.
Makers = Mapping[str, Callable[[], Any]]

_STEPS = {BEGIN: "BEGIN", TEST: "TEST", QUEUED: "QUEUED", INVOKE: "INVOKE", DONE: "DONE", LIMIT: "LIMIT"}
# Callbacks may change flags that have callbacks, and so on; from this depth on they do nothing.
_DEEPEST = 30
# Where the queue stands in what _state() tells.
_QUEUE = 2
# The table of triggers is long; it is compared after those calls that may concern it, and now and then.
_AFTER_THESE_TRIGGERS_ARE_COMPARED = ("add_trigger", "clear_triggers", "start")
# How many of the last calls a report shows.
_TRAIL = 15


class Failure(NamedTuple):
    """An exception of an engine, as far as engines have to agree on it."""

    kind: str
    facts: Tuple[str, ...]

    def __str__(self) -> str:
        return "raises " + ": ".join((self.kind, *self.facts))


class Difference(NamedTuple):
    """The first call on which the engines did not agree."""

    call: str
    what: str
    told: Dict[str, str]
    trail: List[str]
    calls: int

    def __str__(self) -> str:
        width = max(map(len, self.told))
        return "\n".join(
            ["agreed so far (%d calls, the last %d of them):" % (self.calls - 1, len(self.trail))]
            + ["  " + call for call in self.trail]
            + ["first difference, in %s %s:" % (self.what, self.call)]
            + ["  %-*s  %s" % (width, name, told) for name, told in self.told.items()]
        )


class _Crash(Exception):
    """User code of the program raised, or let an error of the engine pass."""


class _Differ(Exception):
    def __init__(self, difference: Difference) -> None:
        super().__init__(difference)
        self.difference = difference


class _OutOfPatience(Exception):
    """The program took as many calls as it may."""


def run(program: Program, makers: Makers, seen: Optional[Counter[str]] = None) -> Optional[Difference]:
    """Carry out a program on a new engine of each kind; ``None`` if they agreed on everything.

    ``seen`` counts what the program came across.
    """
    driver = _Driver(program, makers)
    try:
        driver.run()
    except _Differ as differ:
        return differ.difference
    except _OutOfPatience:
        driver.seen["out of patience"] += 1
    if seen is not None:
        seen.update(driver.seen)
        seen["programs"] += 1
        seen["calls"] += driver.calls
    return None


def report(program: Program, makers: Makers) -> str:
    """What to show of a program on which the engines differ: made small, with where they differ."""
    small = shrink(program, lambda candidate: run(candidate, makers) is not None)
    difference = run(small, makers)
    return "%s\n\n%s\n\nbefore it was made small, the program was:\n\n%s" % (small, difference, program)


class _Driver:
    """Does what a bus does, and after each call asks the engines everything that can be asked."""

    def __init__(self, program: Program, makers: Makers) -> None:
        self._program = program
        self._names = list(makers)
        self._engines = [make() for make in makers.values()]
        self._flags = flags_of(program)
        # By the handler's id: what it does, and how often it was asked about.
        self._handlers: List[Handler] = []
        self._asked: List[int] = []
        self._depth = 0
        self._queue: Any = []
        self._trail: List[Tuple[str, Tuple[object, ...], object]] = []
        self.calls = 0
        self.seen: Counter[str] = collections.Counter()

    def run(self) -> None:
        for line in self._program.lines:
            try:
                self._carry_out(line)
            except _Crash:
                pass

    # -- the program -------------------------------------------------------------------------------
    def _script(self, script: Script) -> None:
        for op in script:
            self._carry_out(op)

    def _carry_out(self, op: Op) -> None:
        if isinstance(op, Change):
            self._change(op)
        elif isinstance(op, Handler):
            self._add_handler(op)
        elif isinstance(op, Trigger):
            self._call("add_trigger", op.flag, op.on, op.sets, op.clears, op.calls)
        elif isinstance(op, Call):
            self._call(op.method, *op.args)
            if op.method == "clear_handlers":
                self._handlers, self._asked = [], []
        elif isinstance(op, Dispatch):
            self._dispatch(op)
        elif isinstance(op, Try):
            try:
                self._script(op.script)
            except _Crash:
                self.seen["caught"] += 1
        elif isinstance(op, Raise):
            raise _Crash

    def _change(self, op: Change) -> None:
        effects = self._call("change", op.flag, op.on)
        while effects and effects[-1][0] == CALL:
            try:
                self._callback(effects[-1][2])
            except _Crash:
                self.seen["callback raised"] += 1
                self._call("unwind")
                raise
            effects = self._call("resume")

    def _callback(self, number: int) -> None:
        if self._depth == _DEEPEST:
            return
        self._depth += 1
        self.seen["callback in a callback" if self._depth > 1 else "callback"] += 1
        try:
            self._script(self._program.callbacks[number])
        finally:
            self._depth -= 1

    def _add_handler(self, handler: Handler) -> None:
        number = self._call("add_handler")
        self._handlers.append(handler)
        self._asked.append(0)
        if handler.phases:
            self._call("confine", number, handler.phases)
        for kind, flags in handler.conditions:
            self._call("add_condition", number, kind, flags)
        for flag, on in handler.edges:
            self._call("add_edge", number, flag, on)
        if handler.watched:
            self._call("watch", number, handler.watched)
        if handler.answers:
            self._call("set_opaque", number)

    def _dispatch(self, op: Dispatch) -> None:
        before = self._call("flags")
        try:
            self._call("start", op.restricted, op.quiet)
            self._follow_steps()
        except _Crash:
            self.seen["dispatch crashed"] += 1
            self._call("abort")
            self._call("load", before)

    def _follow_steps(self) -> None:
        previous = None
        while True:
            queued = self._queue
            step, number = self._call("next")
            if previous == INVOKE:
                self._note_retest(queued, step)
            previous = step
            if step == TEST:
                self._call("answer", self._ask(number))
            elif step == INVOKE:
                if self._handlers[number].edges:
                    self.seen["heard"] += 1
                self._script(self._handlers[number].body)
            elif step in (DONE, LIMIT):
                self.seen[_STEPS[step]] += 1
                return

    def _ask(self, number: int) -> bool:
        handler, asked = self._handlers[number], self._asked[number]
        self._asked[number] += 1
        self._script(handler.asking)
        # A handler that was made opaque later on has no answers of its own.
        return handler.answers[asked % len(handler.answers)] if handler.answers else True

    def _note_retest(self, queued: List[int], step: int) -> None:
        if step == TEST:
            self.seen["asked again"] += 1
        elif len(self._queue) < len(queued) - (step == INVOKE):
            self.seen["left the queue"] += 1

    # -- the engines -------------------------------------------------------------------------------
    def _call(self, method: str, *args: object) -> Any:
        """Call every engine and compare what they say and what they are then like."""
        self.calls += 1
        if self.calls > self._program.patience:
            raise _OutOfPatience
        told = [_outcome(engine, method, args) for engine in self._engines]
        outcome = told[0]
        if any(other != outcome for other in told):
            self._differ(method, args, "what is told by", told)
        states = [_state(engine, self._flags) for engine in self._engines]
        state = states[0]
        if any(other != state for other in states):
            self._differ_in_state(method, args, states)
        self._queue = state[_QUEUE]
        if method in _AFTER_THESE_TRIGGERS_ARE_COMPARED:
            tables = [_outcome(engine, "triggers", ()) for engine in self._engines]
            if any(table != tables[0] for table in tables):
                self._differ(method, args, "what triggers() tells after", tables)
            for flag in self._flags:
                edges = [_edges(engine, flag) for engine in self._engines]
                if any(edge != edges[0] for edge in edges):
                    self._differ(method, args, "what trigger() tells of %s after" % flag, edges)
        self._trail.append((method, args, outcome))
        if type(outcome) is Failure:
            self.seen[outcome.kind] += 1
            raise _Crash
        return outcome

    def _differ_in_state(self, method: str, args: Tuple[object, ...], states: List[List[object]]) -> None:
        for number, query in enumerate(_queries(self._flags)):
            told = [state[number] if number < len(state) else state[-1] for state in states]
            if any(other != told[0] for other in told):
                self._differ(method, args, "what %s tells after" % query, told)

    def _differ(self, method: str, args: Tuple[object, ...], what: str, told: List[Any]) -> None:
        trail = [
            "%s  =  %s" % (Call(call, given), _readable(call, of))
            for call, given, of in self._trail[-_TRAIL:]
        ]
        by_name = {name: _readable(method, one) for name, one in zip(self._names, told)}
        raise _Differ(Difference(str(Call(method, args)), what, by_name, trail, self.calls))


def _outcome(engine: Any, method: str, args: Tuple[object, ...]) -> Any:
    try:
        return getattr(engine, method)(*args)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # A panic of the native engine is no Exception.
        return _failure(error)


def _edges(engine: Any, flag: str) -> List[Any]:
    return [_outcome(engine, "trigger", (flag, on)) for on in (True, False)]


def _failure(error: BaseException) -> Failure:
    """Errors with facts have to agree in their words, the others only in their kind."""
    facts = isinstance(error, ReactiveError) and vars(error)
    return Failure(type(error).__name__, (str(error),) if facts else ())


def _state(engine: Any, flags: List[str]) -> List[object]:
    """Everything that an engine can be asked without changing it, in the order of :func:`_queries`."""
    try:
        ids = range(engine.handler_count())
        return [
            engine.flags(),
            engine.pending(),
            engine.queue(),
            engine.changed(),
            engine.phase(),
            engine.iteration(),
            engine.flag_count(),
            engine.waiting(),
            engine.all_set(flags[:2]),
            engine.any_set(flags[:2]),
            len(ids),
            [engine.is_ready(id) for id in ids],
            [engine.watched_changed(id) for id in ids],
            [engine.heard(id) for id in ids],
            [engine.is_set(flag) for flag in flags],
            [engine.dependents(flag) for flag in flags],
        ]
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return [_failure(error)]


def _queries(flags: List[str]) -> List[str]:
    two = ", ".join(flags[:2])
    return [
        "flags()",
        "pending()",
        "queue()",
        "changed()",
        "phase()",
        "iteration()",
        "flag_count()",
        "waiting()",
        "all_set([%s])" % two,
        "any_set([%s])" % two,
        "handler_count()",
        "is_ready() of each handler",
        "watched_changed() of each handler",
        "heard() of each handler",
        "is_set() of %s" % ", ".join(flags),
        "dependents() of %s" % ", ".join(flags),
    ]


def _readable(method: str, told: Any) -> str:
    if method == "next" and isinstance(told, tuple) and not isinstance(told, Failure):
        return "%s %s" % (_STEPS.get(told[0], told[0]), told[1])
    return str(told)
