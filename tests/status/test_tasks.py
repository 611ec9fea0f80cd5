"""Contexts belong to a thread or a task: what one adds never reaches the context of another."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any, Iterator, List

import pytest

from charms_reactive import status
from charms_reactive.status import ActiveStatus, BlockedStatus, ReconcilerError, WaitingStatus

from .conftest import Held, Juju

READY = ActiveStatus("Ready")


def _in_thread(function: Any) -> None:
    errors: List[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not errors, errors


def test_a_thread_has_contexts_of_its_own(held: Held, juju: Juju) -> None:
    other = Held()

    def work() -> None:
        with status.context(other):
            status.add(BlockedStatus("in the thread"))
        status.add(WaitingStatus("in the thread, outside all contexts"))

    with status.context(held):
        _in_thread(work)
    assert held.history == [READY]
    assert other.history == [BlockedStatus("in the thread")]
    assert juju.status == "waiting: in the thread, outside all contexts"


def test_a_thread_that_is_given_the_context_adds_to_it(held: Held) -> None:
    with status.context(held):
        copy = contextvars.copy_context()
        _in_thread(lambda: copy.run(status.add, BlockedStatus("in the thread")))
    assert held.history == [BlockedStatus("in the thread")]


def test_many_threads_at_once() -> None:
    units = [Held() for _ in range(8)]
    barrier = threading.Barrier(len(units))

    def work(number: int) -> None:
        with status.context(units[number]):
            barrier.wait()
            for turn in range(50):
                status.add(BlockedStatus("%d, %d" % (number, turn)))
            barrier.wait()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(units))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [unit.history for unit in units] == [[BlockedStatus("%d, 0" % n)] for n in range(len(units))]


def test_tasks_that_take_turns(held: Held) -> None:
    units = [Held() for _ in range(3)]

    async def work(unit: Held, number: int) -> None:
        with status.context(unit):
            await asyncio.sleep(0)
            status.add(WaitingStatus(str(number)))
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(work(unit, number) for number, unit in enumerate(units)))

    with status.context(held):
        asyncio.run(all_of_them())
    assert [unit.history for unit in units] == [[WaitingStatus(str(number))] for number in range(3)]
    assert held.history == [READY]


def test_a_task_adds_to_the_context_that_it_was_started_in(held: Held, juju: Juju) -> None:
    async def helper() -> None:
        await asyncio.sleep(0)
        status.add(BlockedStatus("from a task"))

    async def late(done: asyncio.Event) -> None:
        await done.wait()
        status.add(WaitingStatus("too late for it"))

    async def work() -> None:
        done = asyncio.Event()
        with status.context(held):
            task = asyncio.ensure_future(late(done))
            await asyncio.gather(helper(), helper())
        done.set()
        await task

    asyncio.run(work())
    assert held.history == [BlockedStatus("from a task")]
    assert juju.status == "waiting: too late for it"


def test_on_error_waits_for_what_a_coroutine_raises(held: Held) -> None:
    @status.on_error(BlockedStatus("Failed"), ValueError)
    async def work(value: int) -> int:
        await asyncio.sleep(0)
        if value:
            raise ValueError
        return value

    async def both() -> None:
        assert await work(0) == 0
        with status.context(held):
            await work(1)

    with pytest.raises(ReconcilerError):
        asyncio.run(both())
    assert held.history == [BlockedStatus("Failed")]


def test_a_context_that_is_closed_somewhere_else_leaves_nothing_behind(held: Held) -> None:
    """Generators that are fixtures or dependencies are often begun in one task and ended in another."""

    def fixture() -> Iterator[None]:
        with status.context(held):
            yield

    generator = fixture()
    contextvars.copy_context().run(next, generator)
    status_before = status._state.innermost.get()
    with pytest.raises(StopIteration):
        next(generator)
    assert held.history == [READY]
    assert status._state.innermost.get() is status_before is None
