"""Contexts: what is shown at once, what is kept, and which status a context ends with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Callable, Iterator, List

import pytest

from charms_reactive import status
from charms_reactive._juju import juju_log
from charms_reactive.errors import ReactiveError, StatusError
from charms_reactive.status import (
    ActiveStatus,
    BlockedStatus,
    MaintenanceStatus,
    ReconcilerError,
    Status,
    WaitingStatus,
)

from .conftest import Held, Juju

READY = ActiveStatus("Ready")


@pytest.mark.parametrize(
    ("added", "shown"),
    [
        ([], READY),
        ([BlockedStatus("b")], BlockedStatus("b")),
        ([WaitingStatus("w")], WaitingStatus("w")),
        ([WaitingStatus("w"), BlockedStatus("b")], BlockedStatus("b")),
        ([BlockedStatus("first"), BlockedStatus("second")], BlockedStatus("first")),
        ([WaitingStatus("first"), WaitingStatus("second")], WaitingStatus("first")),
        ([ActiveStatus("12 nodes")], ActiveStatus("12 nodes")),
        ([ActiveStatus("11 nodes"), ActiveStatus("12 nodes")], ActiveStatus("12 nodes")),
        ([ActiveStatus("12 nodes"), WaitingStatus("w")], WaitingStatus("w")),
    ],
)
def test_the_earliest_blocked_then_the_earliest_waiting_then_the_exit_status(
    held: Held, added: List[Status], shown: Status
) -> None:
    with status.context(held):
        for one in added:
            status.add(one)
        assert held.history == []
    assert held.history == [shown]


def test_maintenance_is_shown_at_once(held: Held) -> None:
    with status.context(held):
        status.add(MaintenanceStatus("Configuring"))
        assert held.history == [MaintenanceStatus("Configuring")]
        status.add(BlockedStatus("The password is needed"))
        assert held.history == [MaintenanceStatus("Configuring")]
        status.add(MaintenanceStatus("Going on"))
    assert held.history == [
        MaintenanceStatus("Configuring"),
        MaintenanceStatus("Going on"),
        BlockedStatus("The password is needed"),
    ]


def test_the_exit_status_can_be_chosen_and_an_active_that_is_added_replaces_it(held: Held) -> None:
    with status.context(held, exit_status=ActiveStatus("Serving")):
        pass
    with status.context(held, ActiveStatus("Serving")):
        status.add(ActiveStatus("Serving 3 sites"))
    with status.context(held, WaitingStatus("Nothing to do yet")):
        pass
    assert held.history == [
        ActiveStatus("Serving"),
        ActiveStatus("Serving 3 sites"),
        WaitingStatus("Nothing to do yet"),
    ]


def test_an_unchanged_status_is_not_set_again(held: Held) -> None:
    for _ in range(3):
        with status.context(held):
            pass
    with status.context(held):
        status.add(MaintenanceStatus("Working"))
        status.add(MaintenanceStatus("Working"))
    assert held.history == [READY, MaintenanceStatus("Working"), READY]


def test_any_object_with_a_status_will_do() -> None:
    unit = SimpleNamespace()
    with status.context(unit):
        status.add(WaitingStatus("For the database"))
    assert unit.status == WaitingStatus("For the database")

    class WriteOnly:
        status = property(None, lambda self, value: said.append(value))

    said: List[Any] = []
    with status.context(WriteOnly()):
        pass
    assert said == [READY]


# -- exceptions ----------------------------------------------------------------------------------------


def test_an_unexpected_exception_never_ends_in_active(held: Held) -> None:
    def crash() -> None:
        status.add(ActiveStatus("All is well"))
        raise ZeroDivisionError("with a password in it")

    with pytest.raises(ZeroDivisionError), status.context(held, exit_status=ActiveStatus("Serving")):
        crash()
    assert held.history == [BlockedStatus("unexpected error: ZeroDivisionError")]


def test_after_an_exception_the_status_that_was_kept_is_shown(held: Held) -> None:
    def crash() -> None:
        status.add(WaitingStatus("For the database"))
        status.add(MaintenanceStatus("Connecting"))
        raise KeyError("host")

    with pytest.raises(KeyError), status.context(held):
        crash()
    assert held.history == [MaintenanceStatus("Connecting"), WaitingStatus("For the database")]


@pytest.mark.parametrize(("code", "shown"), [(None, "active"), (0, "active"), (1, "blocked")])
def test_sys_exit_is_a_failure_unless_it_says_that_all_is_well(held: Held, code: Any, shown: str) -> None:
    with pytest.raises(SystemExit), status.context(held):
        raise SystemExit(code)
    assert held.status.name == shown


def test_on_error_adds_a_status_and_raises_from_the_cause(held: Held) -> None:
    @status.on_error(BlockedStatus("Failed to do something"))
    def do_something(value: int) -> float:
        status.add(MaintenanceStatus("Doing something"))
        return 1 / value

    with status.context(held):
        assert do_something(2) == 0.5
    assert held.status == READY
    with pytest.raises(ReconcilerError) as caught, status.context(held):
        do_something(0)
    assert held.history[-2:] == [
        MaintenanceStatus("Doing something"),
        BlockedStatus("Failed to do something"),
    ]
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert isinstance(caught.value, ReactiveError)
    assert caught.value.status == BlockedStatus("Failed to do something")
    assert str(caught.value) == "blocked: Failed to do something (ZeroDivisionError: division by zero)"
    assert do_something.__name__ == "do_something"


def test_on_error_as_a_context_manager_and_for_some_exceptions_only(held: Held) -> None:
    guard = status.on_error(WaitingStatus("No answer"), ConnectionError, TimeoutError)
    with pytest.raises(ReconcilerError), status.context(held), guard:
        raise ConnectionRefusedError
    assert held.status == WaitingStatus("No answer")
    with pytest.raises(KeyError), status.context(held), guard:
        raise KeyError("host")
    assert held.status == BlockedStatus("unexpected error: KeyError")


def test_on_error_means_exceptions_and_not_the_end_of_the_process(held: Held) -> None:
    with pytest.raises(SystemExit), status.context(held), status.on_error(BlockedStatus("Failed")):
        raise SystemExit(0)
    assert held.status == READY


@pytest.mark.parametrize(
    ("inner", "outer", "meant", "shown"),
    [
        (WaitingStatus("inner"), BlockedStatus("outer"), (), BlockedStatus("outer")),
        (WaitingStatus("inner"), BlockedStatus("outer"), (LookupError,), WaitingStatus("inner")),
        (WaitingStatus("inner"), BlockedStatus("outer"), (ReconcilerError,), BlockedStatus("outer")),
        (WaitingStatus("inner"), BlockedStatus("outer"), (OSError,), WaitingStatus("inner")),
        (BlockedStatus("inner"), BlockedStatus("outer"), (), BlockedStatus("inner")),
        (BlockedStatus("inner"), WaitingStatus("outer"), (), BlockedStatus("inner")),
        (WaitingStatus("inner"), WaitingStatus("outer"), (), WaitingStatus("inner")),
    ],
)
def test_a_reconciler_error_keeps_its_status_and_is_given_those_from_further_out(
    held: Held, inner: Any, outer: Any, meant: Any, shown: Any
) -> None:
    """The error goes through as it is: the first Blocked, else the first Waiting is shown."""

    @status.on_error(inner)
    def fail() -> None:
        raise KeyError("host")

    @status.on_error(outer, *meant)
    @status.on_error(MaintenanceStatus("none of its business"), OSError)
    def run() -> None:
        fail()

    with pytest.raises(ReconcilerError) as caught, status.context(held):
        run()
    assert held.status == shown
    assert caught.value.status == inner
    assert isinstance(caught.value.__cause__, KeyError)


def test_what_was_added_and_is_not_shown_is_logged_once(
    held: Held, juju: Juju, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: List[Any] = []
    monkeypatch.setattr(juju_log, "log", lambda message, level="INFO": said.append((level, message)))
    with status.context(held):
        status.add(WaitingStatus("For the database"))
        with status.context(held):
            status.add(BlockedStatus("No password"))
            status.add(BlockedStatus("No host"))
            status.add(BlockedStatus("No host"))
        status.add(ActiveStatus("Fine"))
    assert said == [
        ("DEBUG", "status: blocked: No password is shown; not shown: blocked: No host"),
        (
            "DEBUG",
            "status: blocked: No password is shown; not shown: waiting: For the database, active: Fine",
        ),
    ]
    with status.context(held):
        status.add(BlockedStatus("No password"))
    assert len(said) == 2


def test_one_on_error_may_be_used_many_times_and_nested(held: Held) -> None:
    guard = status.on_error(BlockedStatus("Failed"), ValueError)

    @guard
    def again(depth: int) -> int:
        with guard:
            return again(depth - 1) + 1 if depth else 0

    with status.context(held):
        assert again(5) == 5
    assert held.status == READY


def test_on_error_guards_a_generator_while_it_runs(held: Held) -> None:
    @status.on_error(BlockedStatus("Failed"))
    def numbers() -> Iterator[int]:
        yield 1
        raise ValueError

    with pytest.raises(ReconcilerError), status.context(held):
        list(numbers())
    assert held.status == BlockedStatus("Failed")

    async def endless() -> Any:
        yield 1

    with pytest.raises(StatusError, match="inside"):
        status.on_error(BlockedStatus("Failed"))(endless)


# -- contexts in contexts ------------------------------------------------------------------------------


def test_a_context_within_another_shows_its_status_and_the_outer_one_does_not_lose_it(held: Held) -> None:
    with status.context(held):
        with status.context(held):
            status.add(BlockedStatus("inner"))
        assert held.status == BlockedStatus("inner")
        status.add(BlockedStatus("outer"))
    assert held.history == [BlockedStatus("inner")]


def test_what_was_said_first_counts_also_when_the_outer_context_said_it(held: Held) -> None:
    with status.context(held):
        status.add(WaitingStatus("outer"))
        with status.context(held, exit_status=ActiveStatus("inner part is well")):
            pass
        assert held.status == ActiveStatus("inner part is well")
    assert held.status == WaitingStatus("outer")


def test_having_nothing_to_say_is_not_handed_on(held: Held) -> None:
    with status.context(held):
        status.add(ActiveStatus("12 nodes"))
        with status.context(held):
            pass
    assert held.status == ActiveStatus("12 nodes")


def test_an_exception_that_leaves_the_inner_context_counts_in_the_outer_one(held: Held) -> None:
    with status.context(held), pytest.raises(ValueError, match="x"), status.context(held):
        raise ValueError("x")
    assert held.history == [BlockedStatus("unexpected error: ValueError")]


def test_contexts_of_two_units_are_two_things(held: Held) -> None:
    other = Held()
    with status.context(held), status.context(other):
        status.add(BlockedStatus("of the other"))
    assert (held.status, other.status) == (READY, BlockedStatus("of the other"))


def test_the_status_of_an_application_beside_the_units(held: Held) -> None:
    application = Held()
    with status.context(held), status.application(application, leader=True):
        status.add(BlockedStatus("2 of 3 units"), app=True)
        status.add(WaitingStatus("For the leader"))
    assert held.history == [WaitingStatus("For the leader")]
    assert application.history == [BlockedStatus("2 of 3 units")]


def test_only_the_leader_sets_the_applications_status(held: Held, juju: Juju) -> None:
    with status.application(held, leader=lambda: False):
        status.add(BlockedStatus("2 of 3 units"), app=True)
    assert held.history == []
    juju.lead(False)
    with status.application(held):
        pass
    assert held.history == []
    juju.lead(True)
    guard = status.on_error(BlockedStatus("Failed"), app=True)
    with pytest.raises(ReconcilerError), status.application(held), guard:
        raise ValueError("x")
    assert held.history == [BlockedStatus("Failed")]


# -- mistakes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("blocked", "it is not a status"),
        (None, "it is not a status"),
        (BlockedStatus, r"not its class; give it a message: BlockedStatus\('...'\)"),
        (
            SimpleNamespace(name="unknown", message=""),
            "a charm can set active, blocked, maintenance, waiting",
        ),
        (SimpleNamespace(name="blocked", message=None), "it is not a status"),
    ],
)
def test_what_is_not_a_status_is_refused_where_it_is_given(held: Held, given: Any, words: str) -> None:
    uses: List[Callable[[Any], object]] = [status.add, status.on_error]
    if given is not None:  # which stands for the default
        uses.append(lambda exit_status: status.context(held, exit_status))
    for use in uses:
        with pytest.raises(StatusError, match=words) as caught:
            use(given)
        assert isinstance(caught.value, TypeError)
        assert caught.value.given is given


def test_other_mistakes(held: Held) -> None:
    with pytest.raises(StatusError, match="string"):
        BlockedStatus(3)  # type: ignore[arg-type]
    with pytest.raises(StatusError, match="subclasses"):
        Status("x")
    with pytest.raises(StatusError, match="classes of exceptions"):
        status.on_error(BlockedStatus("x"), "ValueError")  # type: ignore[arg-type]
    context = status.context(held)
    with context, pytest.raises(StatusError, match="open already"):
        context.__enter__()


def test_statuses_are_values() -> None:
    assert BlockedStatus("x") == BlockedStatus("x")
    assert BlockedStatus("x") != BlockedStatus("y")
    assert BlockedStatus("x") != WaitingStatus("x")
    assert len({BlockedStatus("x"), BlockedStatus("x"), WaitingStatus("x")}) == 2
    assert repr(BlockedStatus("x")) == "BlockedStatus('x')"
    assert ActiveStatus() == ActiveStatus("")
    with pytest.raises(AttributeError):
        BlockedStatus("x").message = "y"  # type: ignore[misc]
