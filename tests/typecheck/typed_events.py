"""A charm's code that uses events, as a type checker sees it."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Tuple

from typing_extensions import assert_type

from charms_reactive import Endpoint, events
from charms_reactive.events import (
    BoundEvent,
    Event,
    EventSource,
    FlagSet,
    HandlerFailed,
    Object,
    ObjectEvents,
    PostRecordUpdate,
    RecordDiff,
    observe,
)


class MyEvent(Event):
    message: str
    count: int = 0


class Setting:
    key: str


emitted = events.emit_event(MyEvent, origin="here", message="a")
assert_type(emitted, MyEvent)
assert_type(emitted.message, str)
wrong = emitted.mesage  # type: ignore[attr-defined]
emitted.message = 3  # type: ignore[assignment]
events.emit_event(int)  # type: ignore[type-var]
events.emit_event(MyEvent, mesage="a")  # type: ignore[call-arg]
events.emit_event(MyEvent, origin="here", message=3)  # type: ignore[arg-type]
MyEvent(mesage="a")  # type: ignore[call-arg]


@events.handle_event(MyEvent)
def handle(event: MyEvent) -> str:
    return event.message


assert_type(handle(emitted), str)
handled: Callable[[MyEvent], str] = handle
handle("no event")  # type: ignore[arg-type]


@events.handle_event(PostRecordUpdate, origin=Setting)
def updated(event: PostRecordUpdate[Setting]) -> None:
    assert_type(event.record, Setting)
    assert_type(event.record.key, str)
    assert_type(event.diff, RecordDiff)
    assert_type(event.diff.redacted(), Dict[str, Tuple[Any, Any]])
    _ = event.record.kee  # type: ignore[attr-defined]


update = events.emit_event(PostRecordUpdate[Setting], record=Setting(), diff=RecordDiff())
assert_type(update, PostRecordUpdate[Setting])


class MyEvents(ObjectEvents):
    ready = EventSource(MyEvent)


class Thing(Object):
    on = MyEvents()


class MyEndpoint(Endpoint):
    on = MyEvents()

    def changed(self) -> None:
        assert_type(self.on.ready.emit(message="a"), MyEvent)
        self.on.reddy.emit()  # type: ignore[attr-defined]


thing, endpoint = Thing(), MyEndpoint("db")
ready: BoundEvent[MyEvent] = thing.on.ready
assert_type(thing.on.ready.emit(message="a"), MyEvent)
assert_type(endpoint.on.ready.emit(message="a").message, str)
wrong = thing.on.reddy  # type: ignore[attr-defined]
thing.on.ready.emit("a")  # type: ignore[call-arg]
thing.on.ready.emit(mesage="a")  # type: ignore[call-arg]
thing.on.ready.emit(message="a", count="three")  # type: ignore[arg-type]


@observe(thing.on.ready)
def observed(event: MyEvent) -> int:
    return event.count


assert_type(observed(emitted), int)
observe(thing.on.ready, lambda event: None)
observe(thing, observed)  # type: ignore[call-overload]


class WithFlag(Event, sets="db.ready"):
    pass


assert_type(events.emit_event(WithFlag), WithFlag)


class Asked(Event):
    """Handlers give the answer: it has a default, so that whoever asks need not give one."""

    question: str
    answer: Optional[str] = None


assert_type(events.emit_event(Asked, question="why?").answer, Optional[str])


class WithConstructor(Event):
    """Its own constructor says what it takes."""

    total: int

    def __init__(self, *numbers: int) -> None:
        super().__init__()
        self.total = sum(numbers)


assert_type(WithConstructor(1, 2).total, int)
WithConstructor(total=3)  # type: ignore[call-arg]


@events.handle_event(FlagSet, origin="db.ready")
def flag_set(event: FlagSet) -> None:
    assert_type(event.flag, str)


@events.handle_event(HandlerFailed)
def failed(event: HandlerFailed) -> None:
    assert_type(event.error, BaseException)


def report(error: Exception, event: Event, handler: Callable[..., object]) -> None: ...


before: Optional[Callable[..., object]] = events.set_error_reporter(report)
