"""Handling for a while, once, in an order, or not at all; who handles what; emissions seen from outside."""

from __future__ import annotations

import subprocess
from typing import Any, List

import pytest

import operator_framework
from charms_reactive import events, when
from charms_reactive._events import event_registry
from charms_reactive.errors import EventAttributeError, EventUseError
from charms_reactive.events import Event, EventSource, Object, ObjectEvents, emit_event, handle_event, observe
from charms_reactive.records import Record
from framework.support import Framework


class Ready(Event):
    port: int = 80
    host: str


class Special(Ready):
    pass


class ThingEvents(ObjectEvents):
    ready = EventSource(Ready)


class Thing(Object):
    on = ThingEvents()


def hear(told: List[Any], name: str, **how: Any) -> Any:
    def handler(event: Ready) -> None:
        told.append(name)

    handler.__qualname__ = name
    return handle_event(Ready, **how)(handler)


# -- attributes ----------------------------------------------------------------------------------------


def test_a_wrong_attribute_that_is_set_fails() -> None:
    event = emit_event(Ready, host="a")
    event.port = 8080
    event._own = 1  # type: ignore[attr-defined]
    event.origin = "x"
    assert (event.port, event.origin) == (8080, "x")
    with pytest.raises(
        EventAttributeError, match="Ready has no attribute 'prot': its attributes are host, port"
    ):
        event.prot = 1  # type: ignore[attr-defined]
    with pytest.raises(EventAttributeError):
        Special(host="a").hots = "b"  # type: ignore[attr-defined]


def test_a_class_may_still_do_so_in_its_constructor() -> None:
    class Made(Event):
        size: int

        def __init__(self) -> None:
            super().__init__()
            self.size = 3
            self.extra = 4

    made = emit_event(Made)
    assert (made.size, made.extra) == (3, 4)
    with pytest.raises(EventAttributeError):
        made.other = 5  # type: ignore[attr-defined]


OPS = """
import ops, ops.testing

told = []

class Inner(ops.EventBase): pass
class Outer(ops.EventBase): pass

class Events(ops.CharmEvents):
    inner = ops.EventSource(Inner)
    outer = ops.EventSource(Outer)

class Charm(ops.CharmBase):
    on = Events()
    def __init__(self, *args):
        super().__init__(*args)
        self.framework.observe(self.on.outer, self._outer)
        self.framework.observe(self.on.inner, self._inner)
    def _outer(self, _):
        self.on.inner.emit()
        told.append("outer returns")
    def _inner(self, _):
        told.append("inner")

harness = ops.testing.Harness(Charm, meta="name: a")
harness.begin()
harness.charm.on.outer.emit()
print(told)
"""


@pytest.mark.once
@pytest.mark.filterwarnings("ignore")
def test_ops_runs_an_event_inside_the_one_that_emits_it_and_here_it_waits() -> None:
    done = subprocess.run(
        [operator_framework.python(), "-c", OPS], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "['inner', 'outer returns']", done.stderr
    told: List[str] = []
    thing = Thing()

    class Outer(Event):
        pass

    @handle_event(Outer)
    def outer(event: Outer) -> None:
        thing.on.ready.emit(host="a")
        told.append("outer returns")

    observe(thing.on.ready, lambda event: told.append("inner"))
    emit_event(Outer)
    assert told == ["outer returns", "inner"]


def test_in_a_handler_of_flags_it_waits_for_nothing(framework: Framework) -> None:
    thing = Thing()
    observe(thing.on.ready, lambda event: framework.told.append("inner"))

    @when("x")
    def outer() -> None:
        thing.on.ready.emit(host="a")
        framework.told.append("outer returns")

    assert framework.dispatch("x") == ["inner", "outer returns"]


# -- for a while, once, not at all ---------------------------------------------------------------------


def test_for_a_while() -> None:
    told: List[Any] = []

    def handler(event: Ready) -> None:
        told.append(event.host)

    with events.handle(Ready, handler), events.handle(Ready, handler):
        emit_event(Ready, host="a")
    emit_event(Ready, host="b")
    assert told == ["a"]
    handle_event(Ready)(handler)
    with events.handle(Ready, handler):
        pass
    emit_event(Ready, host="c")
    assert told == ["a", "c"]


def test_once() -> None:
    told: List[Any] = []
    hear(told, "once", once=True)
    hear(told, "origins", once=True, origins=["a", "b"])
    for origin in (None, "b", "a", "b"):
        emit_event(Ready, origin, host="x")
    assert told == ["once", "origins"]


def test_several_origins() -> None:
    told: List[Any] = []
    hear(told, "x", origins=["a", "b"])
    for origin in ("a", "b", "c", None):
        emit_event(Ready, origin, host="x")
    assert told == ["x", "x"]


def test_origins_that_are_subclasses_by_choice() -> None:
    class Base(Record, key="name"):
        name: str

    class Derived(Base):
        pass

    told: List[Any] = []

    @handle_event(events.PostRecordCreate[Base], subclasses=True)
    def any_of_them(event: events.PostRecordCreate[Base]) -> None:
        told.append(type(event.record).__name__)

    @handle_event(events.PostRecordCreate[Base])
    def itself(event: events.PostRecordCreate[Base]) -> None:
        told.append("itself")

    Base.create(name="a")
    Derived.create(name="a")
    assert told == ["Base", "itself", "Derived"]


def test_muted() -> None:
    told: List[Any] = []
    thing = Thing()
    hear(told, "class")
    observe(thing.on.ready, lambda event: told.append("object"))
    with events.mute(Ready), events.mute(Ready):
        assert emit_event(Special, host="a").host == "a"
        thing.on.ready.emit(host="a")
    assert told == []
    thing.on.ready.emit(host="a")
    assert told == ["class", "object"]


# -- order ---------------------------------------------------------------------------------------------


def test_before_and_after() -> None:
    told: List[Any] = []
    a = hear(told, "a")
    hear(told, "b", before=a)
    hear(told, "c", group="log")
    hear(told, "d", after="log")
    hear(told, "e", before=["log", a])
    emit_event(Ready, host="x")
    assert told == ["b", "e", "a", "c", "d"]
    told.clear()
    thing = Thing()
    observe(thing.on.ready, lambda event: told.append("o"))
    thing.on.ready.emit(host="x")
    assert told == ["b", "e", "a", "c", "d", "o"]


def test_an_order_without_a_beginning_is_named_where_it_is_asked_for() -> None:
    told: List[Any] = []
    a = hear(told, "a")
    hear(told, "b", group="late", after=a)
    with pytest.raises(EventUseError, match=r"each to be called before the other: .*handler") as caught:
        hear(told, "c", after="late", before=a)
    assert "test_listening.py" in str(caught.value)
    emit_event(Ready, host="x")
    assert told == ["a", "b"]


# -- who ------------------------------------------------------------------------------------------------


def test_who_handles_what() -> None:
    told: List[Any] = []
    a = hear(told, "a")
    b = hear(told, "b", origin="x", before=a)

    @handle_event(Event)
    def everything(event: Event) -> None:
        pass

    found = events.handlers(Special)
    assert [(one.handler, one.event_class, one.origin) for one in found] == [
        (b, Ready, "x"),
        (a, Ready, None),
        (everything, Event, None),
    ]
    assert "test_listening.py" in found[0].where
    assert [one.handler for one in events.handlers(Ready, "y")] == [a, everything]
    assert events.handlers(Ready) != events.handlers(events.FlagSet)


# -- seen from outside ---------------------------------------------------------------------------------


def test_emissions_are_captured_heard_or_not() -> None:
    told: List[Any] = []
    with events.capture_events() as everything, events.capture_events(Ready) as seen:
        emit_event(Special, "x", host="nobody")
        a = hear(told, "a")

        @handle_event(Ready)
        def fails(event: Ready) -> None:
            event.port = 1
            raise ValueError("no")

        emit_event(Ready, host="a")
        Thing().on.ready.emit(host="b")
        emit_event(events.FlagSet, flag="x")
    emit_event(Ready, host="later")
    assert [(type(one.event).__name__, one.origin) for one in seen[:2]] == [("Special", "x"), ("Ready", None)]
    assert (len(seen), len(everything)) == (3, 4)
    assert seen[0].handlers == []
    assert [(handler, type(error)) for handler, error in seen[1].handlers] == [
        (a, type(None)),
        (fails, ValueError),
    ]
    assert [str(error) for error in seen[1].errors] == ["no"]
    assert seen[1].event.port == 1  # type: ignore[attr-defined]
    assert repr(seen[1]).startswith("<emission of <Ready, ")


def test_a_listener_is_told_of_each_handler_and_its_time(log: Any) -> None:
    told: List[Any] = []

    class Spans(events.EventListener):
        def emitted(self, event: Event, handlers: Any) -> None:
            told.append(("emitted", len(handlers)))

        def before(self, event: Event, handler: Any) -> None:
            told.append("before")

        def after(self, event: Event, handler: Any, seconds: float) -> None:
            told.append(("after", seconds >= 0))

        def error(self, event: Event, handler: Any, seconds: float, error: BaseException) -> None:
            told.append(("error", str(error)))

    class Broken(events.EventListener):
        def before(self, event: Event, handler: Any) -> None:
            raise OSError("a listener")

    hear([], "a")

    @handle_event(Ready)
    def fails(event: Ready) -> None:
        raise ValueError("no")

    reported: List[Any] = []
    events.set_error_reporter(lambda error, event, handler: reported.append(handler))
    with events.instrument(Broken()):
        spans = events.instrument(Spans())
        emit_event(Ready, host="x")
        spans.stop()
    emit_event(Ready, host="x")
    assert told == [("emitted", 2), "before", ("after", True), "before", ("error", "no")]
    assert reported == [fails, fails]
    lines = [message.splitlines()[0] for level, message in log if level == "ERROR"]
    assert sum("a listener of events, " in line for line in lines) == 2
    assert event_registry.in_use.watchers == ()


def test_the_fixture(captured_events: List[Any]) -> None:
    emit_event(Ready, host="a")
    assert [type(one.event) for one in captured_events] == [Ready]


CHARM = {
    "reactive/app.py": """\
from charms.reactive import events, hook

class Ready(events.Event):
    port: int
    secret: str = ""

@events.handle_event(Ready)
def hears(event):
    pass

@hook("install")
def install():
    events.emit_event(Ready, "db", port=1, secret="s3cret")
    events.emit_event(events.Event)
"""
}


@pytest.mark.parametrize("in_process", [True, False])
def test_the_desk_tells_of_every_emission(juju_unit: Any, in_process: bool) -> None:
    unit = juju_unit(files=CHARM, in_process=in_process)
    then = unit.run("install")
    seen = [(one.event, one.attributes, one.origin) for one in then.events]
    assert seen == [("Ready", ("port", "secret"), "db"), ("Event", (), None)]
    ((heard, came),) = then.events[0].handlers
    assert (heard.endswith(":hears"), came) == (True, "ok")
    assert then.why("Ready").startswith("Ready of db was emitted, and heard by reactive/app.py:")
    assert "s3cret" not in str(then.record.events)


def test_trace_has_a_line_for_each_emission(juju_unit: Any) -> None:
    unit = juju_unit(files=CHARM, environment={"CHARMS_REACTIVE_LOG": "trace"})
    lines = [entry.message for entry in unit.run("install").log]
    text = "\n".join(lines)
    assert "tracer: event Ready of db -> reactive/app.py:" in text
    assert "tracer: event Event -> nobody" in text
