"""Two engines, one truth: on random programs both do, step by step, what the naive model does.

A recorded run of many programs: ``pytest tests/engine/test_property.py -k two_engines --programs 100000``.
A failure prints the program, made as small as it goes, and how to run it again.
"""

from __future__ import annotations

import collections
import itertools
from types import ModuleType
from typing import Any, Counter, Dict, List, Type

import pytest

from . import model
from .lockstep import report, run
from .model import Model
from .mutants import MUTANTS, NeverTestsAgain, NotAllOfNothingHolds
from .programs import (
    Call,
    Change,
    Dispatch,
    Handler,
    Op,
    Program,
    Raise,
    Trigger,
    Try,
    flags_of,
    random_program,
    shrink,
)

# How many programs it may take to notice an engine with one rule wrong. Most take a few dozen.
ENOUGH = 2000


@pytest.fixture
def makers(engine_modules: Dict[str, ModuleType]) -> Dict[str, Any]:
    """All engines under test, and the model."""
    return {**{name: module.Engine for name, module in engine_modules.items()}, "model": Model}


def test_two_engines_one_truth(
    makers: Dict[str, Any],
    seeds: List[int],
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
    record_property: Any,
) -> None:
    wanted = pytestconfig.getoption("--programs")
    seen: Counter[str] = collections.Counter()
    for position in range(wanted):
        seed, number = seeds[position % len(seeds)], position // len(seeds)
        program = random_program(seed, number)
        if run(program, makers, seen) is not None:
            again = "--seed %d --programs %d" % (seed, number + 1)
            pytest.fail(
                "program %d of seed %d shows a difference; run it again with %s. Made small:\n\n%s"
                % (number, seed, again, report(program, makers)),
                pytrace=False,
            )
    record = "%d programs agreed in %d calls on %s; seed %s" % (
        seen["programs"],
        seen["calls"],
        ", ".join(makers),
        " and ".join(map(str, seeds)),
    )
    record_property("agreement", record)
    with capsys.disabled():
        print("\n" + record)
    assert seen["programs"] == wanted


def test_random_programs_come_across_everything_that_can_happen() -> None:
    seen: Counter[str] = collections.Counter()
    for number in range(ENOUGH):
        assert run(random_program(0, number), {"model": Model}, seen) is None
    rare = {what: seen[what] for what in _EVENTS if seen[what] < 3}
    assert not rare, "in %d programs there were too few of these: %s" % (ENOUGH, rare)


_EVENTS = (
    "DONE",
    "LIMIT",
    "asked again",
    "left the queue",
    "callback",
    "callback in a callback",
    "callback raised",
    "caught",
    "dispatch crashed",
    "TriggerCycleError",
    "FlagNameError",
    "EngineError",
    "IndexError",
    "out of patience",
)


@pytest.mark.once
@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
def test_an_engine_with_one_rule_wrong_is_found(mutant: Type[Model]) -> None:
    makers = {"model": Model, "mutant": mutant}
    assert any(run(random_program(0, number), makers) is not None for number in range(ENOUGH))


@pytest.mark.parametrize(
    ("mutant", "lines"),
    [
        # Two handlers, the flag that one needs and the other clears, and how it comes to be set.
        (NeverTestsAgain, 6),
        # One condition over nothing is all there is to it.
        (NotAllOfNothingHolds, 1),
    ],
)
def test_a_difference_is_shrunk_to_a_few_lines(mutant: Type[Model], lines: int) -> None:
    makers = {"model": Model, "mutant": mutant}

    def differs(candidate: Program) -> bool:
        return run(candidate, makers) is not None

    found = (program for program in (random_program(0, n) for n in range(ENOUGH)) if differs(program))
    for program in itertools.islice(found, 5):
        small = shrink(program, differs)
        assert differs(small)
        assert len(str(small).splitlines()) <= lines, small


def test_a_report_has_the_small_program_and_what_each_engine_told() -> None:
    program = Program(
        (
            Handler(((model.ALL, ("x",)),), (Change("y", True), Change("x", False))),
            Handler(((model.ANY, ("x", "y")),), (Call("touch", ("y",)),)),
            Handler(((model.ALL, ("x",)),), (Raise(),)),
            Change("x", True),
            Dispatch(),
        )
    )
    text = report(program, {"right": Model, "wrong": NeverTestsAgain})
    small, _, rest = text.partition("\n\n")
    assert small.splitlines() == [
        "handler 0 when_all(): clear a",
        "handler 1 when_all(a): pass",
        "set a",
        "dispatch",
    ]
    assert "first difference, in what is told by next():" in rest
    assert "  right  BEGIN 2\n  wrong  INVOKE 1" in rest
    assert rest.endswith(str(program))


def test_the_same_seed_gives_the_same_program() -> None:
    assert random_program(7, 11) == random_program(7, 11)
    assert random_program(7, 11) != random_program(8, 11)
    assert random_program(7, 11) != random_program(7, 12)


def test_a_program_prints_as_a_script() -> None:
    lines: List[Op] = [
        Trigger("a", True, sets="b", calls=0),
        Trigger("b", False, clears="\u00e9"),
        Handler(((model.ALL, ("a", "b")), (model.NOT_ALL, ())), (Change("a", False), Try((Raise(),)))),
        Handler(phases=model.HOOKS, watched=("",), answers=(True, False), asking=(Change("c", True),)),
        Call("load", (("a", "b"),)),
        Handler(),
        Dispatch(),
        Dispatch(restricted=True),
    ]
    program = Program(tuple(lines), ((Change("b", True),), ()))
    assert str(program).splitlines() == [
        "callback c0: set b",
        "trigger: on set a -> set b, call c0",
        "trigger: on clear b -> clear \u00e9",
        "handler 0 when_all(a, b) when_not_all(): clear a; try {raise}",
        "handler 1 watch('') in(hooks) asked(yes, no) which does {set c}: pass",
        "load([a, b])",
        "handler: pass",
        "dispatch",
        "dispatch restricted",
    ]
    assert flags_of(program) == ["", "a", "b", "c", "\u00e9"]
