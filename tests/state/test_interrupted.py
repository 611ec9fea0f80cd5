"""Whatever interrupts a change of a flag, the engine believes the rows afterwards (SPEC 2).

The handler of a signal raises at a random instant, or anything else does in the middle. The long run:
``CHARMS_REACTIVE_INTERRUPTS=10000 pytest tests/state/test_interrupted.py``.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections import Counter
from typing import Any, Callable, Iterator, List

import pytest
from charmhelpers.core import unitdata

from charms.reactive import clear_flag, get_flags, is_flag_set, register_trigger, set_flag, when
from charms_reactive import flags
from charms_reactive.errors import TriggerCycleError, UnitStateError
from framework.support import Framework

INTERRUPTS = int(os.environ.get("CHARMS_REACTIVE_INTERRUPTS", "600"))

ROW = "reactive.states."


class Interrupted(Exception):
    """Comes from outside, at any instant."""


def rows(kv: Any) -> List[str]:
    """The flags that are set, as the rows have them."""
    found = kv.conn.execute("SELECT key FROM kv WHERE key >= ? AND key < ?", (ROW, "reactive.states/"))
    return sorted(key[len(ROW) :] for (key,) in found)


@pytest.fixture
def alarm() -> Iterator[Callable[[float], None]]:
    """Let a signal come after a time, whose handler raises; 0 takes it back."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds) and None
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def chain() -> None:
    """Triggers of all kinds, some of them in one another."""
    register_trigger(when="a", set_flag="a.1")
    register_trigger(when="a.1", set_flag="a.2")
    register_trigger(when="a.2", clear_flag="b")
    register_trigger(when_not="a", clear_flag="a.1")
    register_trigger(when_not="a.1", clear_flag="a.2")
    register_trigger(when="b", callback=lambda: set_flag("b.called"))
    register_trigger(when_not="b", callback=lambda: clear_flag("b.called"))


def change(number: int) -> None:
    name = "abcdef"[number % 6]
    if number // 6 % 2:
        clear_flag(name)
    else:
        set_flag(name, number)


def test_at_any_instant(
    framework: Framework, kv: Any, alarm: Callable[[float], None], seeds: List[int], engine_count: int
) -> None:
    handled: List[str] = []
    when("a", "b")(lambda: handled.append("ab"))
    when("a.2")(lambda: handled.append("a2"))
    chance = random.Random(seeds[-1])
    chain()
    seen: Counter[str] = Counter()
    number = 0
    wanted = INTERRUPTS // engine_count
    while seen["interrupted"] < wanted:
        if number % 200 == 0:
            kv.flush()
        begin = number
        try:
            alarm(0.00002 + 0.0005 * chance.random())
            while True:
                change(number)
                number += 1
        except Interrupted:
            seen["interrupted"] += 1
        except UnitStateError as error:
            # It came while SQLite asked the authorizer, which is a function in Python: then that says no.
            if "not authorized" not in str(error):
                raise
            seen["interrupted"] += 1
        alarm(0)
        story = "seed %d, change %d (from %d)" % (seeds[-1], number, begin)
        found = rows(kv)
        assert get_flags() == found, story
        assert [is_flag_set(name) for name in found] == [True] * len(found), story
        assert framework.state.engine.waiting() == 0, story
        assert flags._calling == 0, story
        # Doing it again does it.
        change(number)
        assert ("abcdef"[number % 6] in rows(kv)) == (not number // 6 % 2) or "ab"[number % 6 % 2] == "b", (
            story
        )
        assert get_flags() == rows(kv), story
    _compare_with_a_new_engine(framework)
    framework.state.forget()
    assert get_flags() == rows(kv)


def _compare_with_a_new_engine(framework: Framework) -> None:
    """The counts behind the flags are right as well: handlers match as where only the rows are known."""
    engine = framework.state.fresh()
    known = {name: engine.dependents(name) for name in ("a", "b", "a.2")}
    names = engine.flags()
    engine.load([])
    assert [ready for _, ready in engine.dependents("a")] == [False]
    engine.load(names)
    assert {name: engine.dependents(name) for name in known} == known
    for name, number in (("a", 0), ("a.2", 0)):
        wanted = {"a", "b"} <= set(names) if name == "a" else "a.2" in names
        assert engine.dependents(name)[number][1] == wanted


# -- at each line ------------------------------------------------------------------------------------
def interrupt_at(line: int, call: Callable[[], object]) -> bool:
    """Call it, and raise at the Nth line of the framework that it comes to; whether it came so far."""
    left = line

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal left
        if "charms_reactive" not in frame.f_code.co_filename:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                sys.settrace(None)
                raise Interrupted
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except Interrupted:
        return True
    finally:
        sys.settrace(before)
    return left <= 0


@pytest.mark.parametrize("on", [True, False])
def test_at_each_line(framework: Framework, kv: Any, on: bool) -> None:
    """What began the change is written last: doing it again does all that follows from it."""
    chain()
    for line in range(1, 2000):
        for name in ("a", "a.1", "a.2", "b.called"):
            clear_flag(name)
        set_flag("b")
        if not on:
            set_flag("a")
        call = (lambda: set_flag("a", 1)) if on else (lambda: clear_flag("a"))
        came = interrupt_at(line, call)
        assert get_flags() == rows(kv), line
        call()
        assert get_flags() == rows(kv), line
        if on:
            # A callback that was interrupted is as one that has raised, and is not called again.
            assert set(get_flags()) - {"b.called"} == {"a", "a.1", "a.2"}, line
        else:
            assert not {"a", "a.1", "a.2"} & set(get_flags()), line
        assert framework.state.engine.waiting() == 0, line
        assert flags._calling == 0, line
        if not came:
            break
    else:
        raise AssertionError("it never came to its end")
    assert line > 40


@pytest.mark.parametrize("error", [MemoryError, RecursionError, KeyboardInterrupt, Interrupted])
@pytest.mark.parametrize("where", ["write_flag", "trust"])
def test_an_error_while_the_rows_are_written(
    framework: Framework, kv: Any, monkeypatch: pytest.MonkeyPatch, error: Any, where: str
) -> None:
    chain()

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(type(framework.state), where, fails)
    with pytest.raises(error):
        set_flag("a")
    monkeypatch.undo()
    framework._patches = monkeypatch
    assert get_flags() == rows(kv)
    set_flag("a")
    assert get_flags() == ["a", "a.1", "a.2"] == rows(kv)


def test_a_recursion_that_goes_too_deep_in_any_frame(framework: Framework, kv: Any) -> None:
    chain()

    def deep(left: int) -> None:
        if left:
            deep(left - 1)
        else:
            set_flag("a")

    failed = 0
    for left in range(sys.getrecursionlimit()):
        clear_flag("a")
        try:
            deep(left)
        except RecursionError:
            failed += 1
            if failed > 60:
                break
        assert get_flags() == rows(kv)
    assert failed > 10
    set_flag("a")
    assert get_flags() == ["a", "a.1", "a.2"] == rows(kv)


def test_a_value_belongs_to_the_flag_that_was_given_it(framework: Framework, kv: Any) -> None:
    register_trigger(when="a", set_flag="b")
    register_trigger(when="c", clear_flag="c")
    set_flag("a", {"of": "a"})
    assert kv.get(ROW + "a") == {"of": "a"}
    assert kv.get(ROW + "b", "none") is None
    set_flag("c", 1)
    assert get_flags() == ["a", "b"] == rows(kv)


def test_a_cycle_leaves_engine_and_rows_at_one(framework: Framework, kv: Any) -> None:
    register_trigger(when="x", clear_flag="x")
    register_trigger(when_not="x", set_flag="x")
    with pytest.raises(TriggerCycleError):
        set_flag("x")
    assert get_flags() == [] == rows(kv)
    assert unitdata.kv() is kv


# -- savepoints --------------------------------------------------------------------------------------
@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_what_rolls_back_to_a_savepoint_is_seen_each_time(framework: Framework, kv: Any, rounds: int) -> None:
    for number in range(rounds):
        set_flag("kept.%d" % number)
        kv.conn.execute("SAVEPOINT here")
        set_flag("lost")
        assert is_flag_set("lost")
        kv.conn.execute("ROLLBACK TO here")
        assert not is_flag_set("lost"), number
        kv.conn.execute("RELEASE here")
        clear_flag("kept.%d" % number)
        kv.conn.execute("SAVEPOINT here")
        set_flag("lost")
        kv.conn.execute("ROLLBACK TO here")
        set_flag("again")  # a change before anybody has asked
        assert get_flags() == ["again"] == rows(kv)
        clear_flag("again")
        kv.conn.execute("RELEASE here")
        kv.flush()
        assert get_flags() == [] == rows(kv)


def test_also_if_the_savepoint_was_used_before_the_first_flag(framework: Framework) -> None:
    kv = unitdata.kv()
    for _ in range(2):
        kv.conn.execute("SAVEPOINT here")
        kv.set(ROW + "raw", None)
        kv.conn.execute("ROLLBACK TO here")
        kv.conn.execute("RELEASE here")
    for _ in range(3):
        set_flag("a")
        kv.flush()
        clear_flag("a")
        kv.conn.execute("SAVEPOINT here")
        set_flag("lost")
        kv.conn.execute("ROLLBACK TO here")
        assert not is_flag_set("lost")
        kv.conn.execute("RELEASE here")
