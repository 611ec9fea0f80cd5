"""The dispatch: phases, iterations, the fixed queue, the retest, the limit, and how it ends."""

from __future__ import annotations

import random
import sys
from typing import Callable, List

import pytest
from charmhelpers.core import unitdata

from charms_reactive import (
    action,
    clear_flag,
    collect_metrics,
    get_flags,
    hook,
    meter_status_changed,
    only_once,
    register_trigger,
    set_flag,
    when,
    when_any,
    when_file_changed,
    when_not,
)
from charms_reactive.bus import Handler
from charms_reactive.errors import StrictModeError

from .support import Framework, Unit


def _tell(framework: Framework, word: str) -> Callable[[], None]:
    """A function of its own for each word."""

    def handler() -> None:
        framework.told.append(word)

    handler._action_id = handler._short_action_id = word  # type: ignore[attr-defined]
    return handler


# -- phases ----------------------------------------------------------------------------------------


def test_spec5_hook_and_action_handlers_run_before_flag_handlers(
    framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    when("a")(_tell(framework, "flag"))
    hook("update-status")(_tell(framework, "hook"))
    action("do")(_tell(framework, "action"))
    collect_metrics()(_tell(framework, "metrics"))
    assert framework.dispatch("a") == ["hook", "flag"]
    monkeypatch.setenv("JUJU_ACTION_NAME", "do")
    assert framework.dispatch("a") == ["action", "flag"]


@pytest.mark.parametrize("name", ["collect-metrics", "meter-status-changed"])
def test_spec5_a_restricted_hook_runs_its_own_handlers_only(framework: Framework, name: str) -> None:
    when("a")(_tell(framework, "flag"))
    when_not("b")(_tell(framework, "not"))
    hook(name)(_tell(framework, "hook"))
    collect_metrics()(_tell(framework, "collect-metrics"))
    meter_status_changed()(_tell(framework, "meter-status-changed"))
    assert framework.dispatch("a", hook=name, restricted=True) == [name]


def test_spec5_restricted_handlers_run_in_no_other_hook(framework: Framework) -> None:
    collect_metrics()(_tell(framework, "metrics"))
    meter_status_changed()(_tell(framework, "meter"))
    assert framework.dispatch() == []
    assert framework.dispatch(hook="collect-metrics") == []


@pytest.mark.parametrize("restricted", [False, True])
def test_spec5_handlers_without_flag_and_phase_match_in_any_phase(
    framework: Framework, restricted: bool
) -> None:
    framework.write("file", "")
    when_file_changed("file")(_tell(framework, "file"))
    only_once(_tell(framework, "once"))
    hook_name = "collect-metrics" if restricted else "update-status"
    hook(hook_name)(_tell(framework, "hook"))
    ran = framework.dispatch(hook=hook_name, restricted=restricted)
    assert ran == (["file", "once"] if restricted else ["file", "once", "hook"])


def test_spec5_the_phase_is_in_its_row(framework: Framework) -> None:
    """COMPAT 3.8 and 3.10: charms read it."""

    def phase() -> None:
        framework.told.append(unitdata.kv().get("reactive.dispatch.phase"))

    hook("update-status")(phase)

    @when("a")
    def other() -> None:
        phase()

    @collect_metrics()
    def metrics() -> None:
        phase()

    assert framework.dispatch("a") == ["hooks", "other"]
    assert framework.dispatch(hook="collect-metrics", restricted=True) == ["restricted"]


# -- iterations ------------------------------------------------------------------------------------


def test_spec5_every_hook_runs_all_that_match_again(framework: Framework) -> None:
    when("a")(_tell(framework, "a"))
    assert framework.dispatch("a") == ["a"]
    assert framework.dispatch() == ["a"]


def test_spec5_a_flag_that_is_set_is_reacted_to_in_the_next_iteration(framework: Framework) -> None:
    @when("a")
    def first() -> None:
        framework.told.append("first")
        set_flag("b")

    when("b")(_tell(framework, "b"))
    when("a")(_tell(framework, "last"))
    assert framework.dispatch("a") == ["first", "last", "b"]


def test_spec5_without_a_change_of_its_flags_a_handler_does_not_run_again(framework: Framework) -> None:
    @when("a")
    def sets_others() -> None:
        set_flag("x")

    when("a", "b")(_tell(framework, "a b"))
    when_not("gone")(_tell(framework, "not"))
    assert framework.dispatch("a", "b") == ["a b", "not"]


def test_spec5_a_change_to_a_flag_that_makes_no_difference_is_a_reason(framework: Framework) -> None:
    @when("go")
    def sets() -> None:
        set_flag("b")

    when_any("a", "b")(_tell(framework, "any"))
    assert framework.dispatch("a", "go") == ["any", "any"]


def test_spec5_a_flag_that_came_and_went_has_changed(framework: Framework) -> None:
    @when("go")
    def flickers() -> None:
        set_flag("b")
        clear_flag("b")

    when_not("b")(_tell(framework, "not b"))
    # In iteration 0 the retest after the clear keeps it; in iteration 1 its flag has changed.
    assert framework.dispatch("go") == ["not b", "not b"]


def test_spec5_changes_of_hook_handlers_are_of_the_iteration_before_the_first(framework: Framework) -> None:
    @hook("update-status")
    def changes() -> None:
        set_flag("a")

    when("a")(_tell(framework, "a"))
    assert framework.dispatch() == ["a"]


def test_spec5_the_queue_is_fixed_when_the_iteration_starts(framework: Framework) -> None:
    @when("a")
    def first() -> None:
        framework.told.append("first")
        set_flag("b")
        clear_flag("never.set")

    when("b")(_tell(framework, "b"))
    when_not("c")(_tell(framework, "not c"))
    assert framework.dispatch("a") == ["first", "not c", "b"]


# -- the retest ------------------------------------------------------------------------------------


def test_spec5_a_cleared_flag_takes_handlers_out_of_the_queue(framework: Framework) -> None:
    @when("a")
    def first() -> None:
        clear_flag("a")

    when("a")(_tell(framework, "a"))
    when("b")(_tell(framework, "b"))
    assert framework.dispatch("a", "b") == ["b"]


def test_spec5_a_set_flag_takes_nobody_out(framework: Framework) -> None:
    @when("a")
    def first() -> None:
        set_flag("b")

    when_not("b")(_tell(framework, "not b"))
    assert framework.dispatch("a") == ["not b"]


def test_spec5_a_clear_by_a_trigger_retests_too(framework: Framework) -> None:
    register_trigger(when="b", clear_flag="a")

    @when("a")
    def first() -> None:
        set_flag("b")

    when("a")(_tell(framework, "a"))
    assert framework.dispatch("a") == []


def _count_tests(framework: Framework) -> List[str]:
    asked: List[str] = []

    def watched() -> None:
        framework.told.append("watched")

    handler = Handler.get(watched)
    when("w")(watched)
    handler.add_predicate(lambda: bool(asked.append("asked") or True))  # type: ignore[func-returns-value]
    return asked


@pytest.mark.parametrize(("flag", "tests"), [("is.set", 2), ("is.not.set", 1)])
def test_spec20_queue_only_a_real_clear_retests(framework: Framework, flag: str, tests: int) -> None:
    @when("a")
    def first() -> None:
        clear_flag(flag)

    asked = _count_tests(framework)
    framework.dispatch("a", "w", "is.set")
    assert len(asked) == tests


def test_spec5_a_retest_asks_predicates_again(framework: Framework) -> None:
    answers = [True, False]

    @when("a")
    def first() -> None:
        clear_flag("x")

    function = _tell(framework, "queued")
    when("a")(function)
    Handler.get(function).add_predicate(lambda: answers.pop(0))
    assert framework.dispatch("a", "x") == []
    assert answers == []


# -- the limit -------------------------------------------------------------------------------------


def _ping_pong() -> None:
    @when("ping")
    def pings() -> None:
        clear_flag("ping")
        set_flag("pong")

    @when("pong")
    def pongs() -> None:
        clear_flag("pong")
        set_flag("ping")


def _warnings(framework: Framework) -> List[str]:
    return [message for level, message in framework.logged if level == "WARNING"]


def test_spec5_spec20_loops_a_ping_pong_stops_with_a_warning_that_names_it(framework: Framework) -> None:
    _ping_pong()
    when("quiet")(_tell(framework, "quiet"))
    framework.dispatch("ping", "quiet")
    (warning,) = _warnings(framework)
    assert "100 iterations" in warning
    assert ":pings" in warning
    assert "ping" in warning.partition("flags")[2]
    assert "pong" in warning.partition("flags")[2]
    assert "quiet" not in warning
    assert framework.told == ["quiet"]


def test_spec5_a_ping_pong_is_an_error_in_strict_mode(framework: Framework) -> None:
    framework.strict()
    _ping_pong()
    with pytest.raises(StrictModeError, match=r"100 iterations.*:pings"):
        framework.dispatch("ping")


@pytest.mark.parametrize(("length", "warned"), [(99, False), (100, False), (101, True)])
def test_spec5_a_chain_of_exactly_a_hundred_is_no_ping_pong(
    framework: Framework, length: int, warned: bool
) -> None:
    def link(number: int) -> None:
        function = _tell(framework, "link %d" % number)

        def handler() -> None:
            function()
            set_flag("link.%d" % (number + 1))

        handler._action_id = handler._short_action_id = "link %d" % number  # type: ignore[attr-defined]
        when("link.%d" % number)(handler)

    for number in range(length):
        link(number)
    assert len(framework.dispatch("link.0")) == min(length, 100)
    assert bool(_warnings(framework)) == warned


# -- order -----------------------------------------------------------------------------------------


def test_spec5_order_is_that_of_registration(framework: Framework) -> None:
    words = ["handler %d" % number for number in range(50)]
    random.Random(5).shuffle(words)
    for word in words:
        when("a")(_tell(framework, word))
    assert framework.dispatch("a") == words


# -- how it ends -----------------------------------------------------------------------------------

FAILING = """\
from charms.reactive import hook, set_flag, when, clear_flag

@hook("install")
def install():
    set_flag("installed")
    set_flag("kept")

@when("kept")
@when("go")
def fails():
    set_flag("lost")
    clear_flag("kept")
    raise RuntimeError("it broke: \\u00e9")

@hook("start")
def start():
    set_flag("go")
"""


def test_spec5_spec20_errors_an_exception_ends_the_hook_and_rolls_back(unit: Unit) -> None:
    unit.write("reactive/app.py", FAILING)
    assert unit.run("install").status == 0
    before = unit.rows()
    done = unit.run("start")
    assert done.status != 0
    assert unit.rows() == before
    assert "RuntimeError: it broke: \u00e9" in done.stderr
    (level, message) = unit.logged()[-1]
    assert level == "ERROR"
    assert "reactive/app.py:8:fails" in message.splitlines()[0]
    undone = message.splitlines()[0].partition("rolled back: ")[2]
    assert undone == "go is clear again, lost is clear again, kept is set again"
    assert 'raise RuntimeError("it broke' in message
    assert "Traceback (most recent call last)" in message


@pytest.mark.parametrize(("code", "status"), [("", 0), ("0", 0), ("None", 0), ("3", 3), ("'text'", 1)])
def test_spec5_sys_exit_in_a_handler(one_unit: Unit, code: str, status: int) -> None:
    one_unit.write(
        "reactive/app.py",
        """\
        import sys
        from charmhelpers.core import hookenv
        from charms.reactive import set_flag, when_not

        hookenv.atexit(lambda: set_flag("at.exit"))

        @when_not("never")
        def leaves():
            set_flag("left")
            sys.exit(%s)

        @when_not("never")
        def not_reached():
            set_flag("reached")
        """
        % code,
    )
    done = one_unit.run()
    assert done.status == status
    assert one_unit.committed_flags() == ([] if status else ["at.exit", "left"])
    assert ("exit status" in one_unit.log_text()) == bool(status)


def test_spec5_a_dispatch_after_one_that_failed_starts_anew(framework: Framework) -> None:
    @when("a")
    def fails() -> None:
        if len(framework.told) == 0:
            framework.told.append("failed")
            raise RuntimeError

    when("a")(_tell(framework, "after"))
    with pytest.raises(RuntimeError):
        framework.dispatch("a")
    assert framework.dispatch() == ["after"]


def test_spec5_keyboard_interrupt_rolls_back_too(framework: Framework) -> None:
    framework.write(
        "reactive/app.py",
        "from charms.reactive import *\n@when_not('x')\n"
        "def stop():\n    set_flag('x')\n    raise KeyboardInterrupt\n",
    )
    with pytest.raises(KeyboardInterrupt):
        framework.main()
    assert get_flags() == []
    assert "KeyboardInterrupt" in framework.lines("ERROR")[0]
    assert sys.modules["reactive.app"]


def test_spec5_handlers_registered_during_the_dispatch_join_the_next_iteration(framework: Framework) -> None:
    @when("a")
    def registers() -> None:
        when("b")(_tell(framework, "late"))
        set_flag("b")

    assert framework.dispatch("a") == ["late"]


def test_spec5_a_handler_that_changes_rows_itself(framework: Framework) -> None:
    """The rows are the truth: a handler that writes one has set the flag."""

    @when("a")
    def writes() -> None:
        unitdata.kv().set("reactive.states.b", None)

    when("b")(_tell(framework, "b"))
    assert framework.dispatch("a") == ["b"]
