"""The examples of the contextual-status library, with our import, and what goes wrong with it today."""

from __future__ import annotations

import threading
from typing import List

import pytest

import charms.reactive.status as status
from charms.reactive.status import ActiveStatus, BlockedStatus, MaintenanceStatus, WaitingStatus

from .conftest import Held, Juju

some_failure_condition: List[bool] = []


def do_work() -> None:
    status.add(MaintenanceStatus("Doing something"))
    if some_failure_condition:
        status.add(BlockedStatus("Failed to do something"))


def test_the_examples_of_the_library(held: Held) -> None:
    with status.context(held):
        do_work()
    assert held.history == [MaintenanceStatus("Doing something"), ActiveStatus("Ready")]
    some_failure_condition.append(True)
    try:
        with status.context(held):
            do_work()
    finally:
        some_failure_condition.clear()
    assert held.history[2:] == [MaintenanceStatus("Doing something"), BlockedStatus("Failed to do something")]

    @status.on_error(BlockedStatus("Failed to do something"))
    def do_something() -> None:
        status.add(MaintenanceStatus("Doing something"))
        raise OSError

    with pytest.raises(status.ReconcilerError), status.context(held):
        do_something()
    assert held.history[4:] == held.history[2:4]


def test_today_a_crash_leaves_the_unit_active(held: Held) -> None:
    with pytest.raises(ZeroDivisionError), status.context(held, exit_status=ActiveStatus("Ready")):
        raise ZeroDivisionError
    assert "active" not in [shown.name for shown in held.history]


def test_today_an_active_with_a_message_is_overwritten(held: Held) -> None:
    with status.context(held, exit_status=ActiveStatus("Ready")):
        status.add(ActiveStatus("3 of 3 nodes"))
    assert held.history == [ActiveStatus("3 of 3 nodes")]


def test_today_a_status_outside_all_contexts_is_dropped(juju: Juju) -> None:
    status.add(BlockedStatus("The password is needed"))
    assert juju.status == "blocked: The password is needed"


def test_today_the_contexts_of_threads_are_mixed_up(held: Held) -> None:
    other = Held()
    opened, added = threading.Event(), threading.Event()

    def work() -> None:
        with status.context(other):
            opened.set()
            added.wait(10)

    thread = threading.Thread(target=work)
    with status.context(held):
        thread.start()
        opened.wait(10)
        status.add(WaitingStatus("of the first thread"))
        added.set()
        thread.join()
    assert held.history == [WaitingStatus("of the first thread")]
    assert other.history == [ActiveStatus("Ready")]


def test_today_there_is_only_the_units_status(juju: Juju) -> None:
    with status.context(), status.application():
        status.add(BlockedStatus("2 of 3 units"), app=True)
    assert juju.status == "active: Ready"
    assert juju.application_status == "blocked: 2 of 3 units"
