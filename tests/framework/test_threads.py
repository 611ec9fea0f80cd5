"""What charms may do in threads of their own, such as a ``ThreadPoolExecutor`` for downloads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, List

import pytest
from charmhelpers.core import unitdata

from charms.reactive import clear_flag, get_flags, hook, is_flag_set, set_flag
from charms_reactive import events, status
from charms_reactive._juju import juju_log
from charms_reactive.errors import UnitStateError
from charms_reactive.events import Event, FlagSet, emit_event, handle_event
from charms_reactive.status import ActiveStatus, BlockedStatus, MaintenanceStatus, WaitingStatus

from .support import Framework


def in_thread(work: Callable[[], object]) -> Any:
    """Do something in a thread of its own; what it returns or raises."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


# -- events --------------------------------------------------------------------------------------
class Checked(Event):
    number: int


class Ready(Event):
    number: int


class Thing(events.Object):
    class On(events.ObjectEvents):
        ready = events.EventSource(Ready)

    on = On()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Any:
    from charms_reactive._events import event_registry

    fresh = event_registry.Registry()
    monkeypatch.setattr(event_registry, "in_use", fresh)
    return fresh


def test_emissions_that_overlap_in_threads_leave_nothing_behind(framework: Framework, registry: Any) -> None:
    """One begins first and ends first, so that each would put back the other's."""
    inside = [threading.Event(), threading.Event()]
    told: List[str] = []

    @handle_event(Checked)
    def slow(event: Checked) -> None:
        inside[event.number].set()
        inside[1].wait(10)
        if event.number == 1:
            first.join(10)
        told.append("checked %d in %s" % (event.number, registry.current))

    first = threading.Thread(target=lambda: emit_event(Checked, number=0))
    second = threading.Thread(target=lambda: emit_event(Checked, number=1))
    first.start()
    inside[0].wait(10)
    second.start()
    second.join(20)
    assert told == ["checked 0 in Checked", "checked 1 in Checked"]
    assert registry.current is None
    thing = Thing()
    heard: List[int] = []
    events.observe(thing.on.ready, lambda event: heard.append(event.number))
    thing.on.ready.emit(number=7)
    assert heard == [7]
    handle_event(FlagSet, "a")(lambda event: told.append(event.flag))
    set_flag("a")
    assert told[-1] == "a"


def test_many_threads_emit_many_events(framework: Framework, registry: Any) -> None:
    """Each thread has its own queue: what is emitted inside a handler comes after it, in the same thread."""
    thing = Thing()
    told: List[str] = []
    wrong: List[str] = []

    @handle_event(Checked)
    def outer(event: Checked) -> None:
        name = threading.current_thread().name
        thing.on.ready.emit(number=event.number)
        if any(entry == "%s %d" % (name, event.number) for entry in told):
            wrong.append("it did not wait: %s" % name)

    def inner(event: Ready) -> None:
        told.append("%s %d" % (threading.current_thread().name, event.number))

    events.observe(thing.on.ready, inner)

    def work(start: int) -> None:
        for number in range(start, start + 50):
            emit_event(Checked, number=number)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(0, 3200, 50)))
    assert wrong == []
    assert sorted(int(entry.split()[-1]) for entry in told) == list(range(3200))
    assert registry.current is None
    emit_event(Checked, number=-1)
    assert told[-1].endswith(" -1")


def test_an_exception_in_one_thread_is_that_threads(framework: Framework, registry: Any) -> None:
    @handle_event(Checked)
    def fails(event: Checked) -> None:
        if event.number % 2:
            raise RuntimeError("as asked")
        framework.told.append(event.number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: emit_event(Checked, number=number), range(200)))
    assert sorted(framework.told) == list(range(0, 200, 2))
    assert registry.current is None


# -- status --------------------------------------------------------------------------------------
@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """The statuses that were set."""
    from charms_reactive._juju import status_tools

    sent: List[str] = []

    def send(name: str, message: str, application: bool) -> None:
        sent.append("%s: %s" % (name, message))

    monkeypatch.setattr(status_tools, "send", send)
    monkeypatch.setattr(status_tools, "shown", lambda application: None)
    return sent


def test_what_a_worker_adds_counts_in_the_dispatch(framework: Framework, shown: List[str]) -> None:
    @hook("update-status")
    def checks() -> None:
        status.add(ActiveStatus("All is well"))
        in_thread(lambda: status.add(BlockedStatus("No disk")))
        status.add(ActiveStatus("Really"))

    framework.main()
    assert shown == ["blocked: No disk"]


def test_a_maintenance_is_shown_at_once_from_a_worker_too(framework: Framework, shown: List[str]) -> None:
    @hook("update-status")
    def checks() -> None:
        in_thread(lambda: status.add(MaintenanceStatus("Fetching")))
        framework.told.append(list(shown))

    assert framework.main() == [["maintenance: Fetching"]]
    assert shown == ["maintenance: Fetching", "active: Ready"]


def test_a_context_of_a_worker_speaks_to_the_dispatch(framework: Framework, shown: List[str]) -> None:
    def work() -> None:
        with status.context():
            status.add(WaitingStatus("for the peer"))

    @hook("update-status")
    def checks() -> None:
        in_thread(work)
        status.add(ActiveStatus("All is well"))

    framework.main()
    assert shown[-1] == "waiting: for the peer"


def test_a_worker_that_outlives_the_dispatch_sets_at_once(framework: Framework, shown: List[str]) -> None:
    go = threading.Event()
    workers: List[threading.Thread] = []

    def work() -> None:
        go.wait(10)
        status.add(BlockedStatus("late"))

    @hook("update-status")
    def checks() -> None:
        status.add(ActiveStatus("well"))
        workers.append(threading.Thread(target=work))
        workers[0].start()

    framework.main()
    go.set()
    workers[0].join(10)
    assert shown == ["active: well", "blocked: late"]


def test_many_workers_at_once(framework: Framework, shown: List[str]) -> None:
    @hook("update-status")
    def checks() -> None:
        with ThreadPoolExecutor(16) as pool:
            for number in range(400):
                added = WaitingStatus("w%d" % number) if number % 40 else BlockedStatus("b%d" % number)
                pool.submit(status.add, added)
        status.add(ActiveStatus("well"))

    framework.main()
    assert len(shown) == 1
    assert shown[0].startswith("blocked: b")


# -- flags and rows --------------------------------------------------------------------------------
CHANGES: List[Callable[[], object]] = [
    lambda: set_flag("x"),
    lambda: clear_flag("a"),
    lambda: set_flag("a", 1),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("committed", [False, True])
def test_flags_are_changed_in_the_thread_of_the_hook(
    framework: Framework, change: Callable[[], object], committed: bool
) -> None:
    set_flag("a")
    if committed:
        unitdata.kv().flush()
    with pytest.raises(UnitStateError, match="can only be used in that same thread") as caught:
        in_thread(change)
    assert "change flags where the hook runs" in str(caught.value)
    assert get_flags() == ["a"]
    set_flag("b")
    assert get_flags() == ["a", "b"]


def test_threads_that_ask_and_fail_to_write_beside_a_hook_that_writes(framework: Framework) -> None:
    stop = threading.Event()
    wrong: List[object] = []
    set_flag("first")  # as main() does for every hook, so that it is this thread that opens the unit state

    def work() -> None:
        while not stop.is_set():
            try:
                set_flag("of.a.thread")
                wrong.append("it was let")
            except UnitStateError:
                pass
            try:
                if is_flag_set("of.a.thread"):
                    wrong.append("it is set")
            except UnitStateError:
                pass

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for number in range(300):
        set_flag("f.%d" % (number % 10))
        if number % 3 == 0:
            clear_flag("f.%d" % (number % 7))
        assert not is_flag_set("of.a.thread")
    stop.set()
    for worker in workers:
        worker.join(10)
    assert wrong == []
    rows = unitdata.kv().getrange("reactive.states.", strip=True)
    assert get_flags() == sorted(rows)


# -- the log ---------------------------------------------------------------------------------------
def test_no_message_is_lost_or_told_twice(framework: Framework) -> None:
    def work(number: int) -> None:
        juju_log.log("message %d" % number)
        juju_log.hand_over()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(2000)))
    juju_log.hand_over()
    assert sorted(framework.lines()) == sorted("message %d" % number for number in range(2000))
