"""What goes wrong with custom events elsewhere, and does not here.

Each of these was seen on ops 3.x: attributes that vanish, observers that do not see each other's changes,
one exception that skips the rest, distinct events taken for one, observers that are forgotten, handlers
that run in the middle of another.
"""

from __future__ import annotations

import gc
import threading
from typing import Any, List, Tuple

from charms.reactive import events
from charms.reactive.events import Event, EventSource, Object, ObjectEvents, observe
from framework.support import Framework


class Changed(Event):
    key: str
    config: Any


class Events(ObjectEvents):
    changed = EventSource(Changed)
    done = EventSource(Event)


class Thing(Object):
    on = Events()


def test_an_attribute_that_is_set_in_the_constructor_reaches_the_handlers() -> None:
    # There: missing in the handler unless snapshot() returns it.
    class Constructed(Event):
        def __init__(self, **attrs: Any) -> None:
            super().__init__(**attrs)
            self.extra = "not annotated, not snapshot"

    class ConstructedEvents(ObjectEvents):
        made = EventSource(Constructed)

    class Maker(Object):
        on = ConstructedEvents()

    seen: List[str] = []
    maker = Maker()
    observe(maker.on.made, lambda event: seen.append(event.extra))
    maker.on.made.emit()
    events.handle_event(Constructed)(lambda event: seen.append(event.extra))
    events.emit_event(Constructed)
    assert seen == ["not annotated, not snapshot"] * 2


def test_attributes_may_be_anything() -> None:
    # There: simple types only, which are pickled.
    seen: List[Any] = []
    thing, lock = Thing(), threading.Lock()
    observe(thing.on.changed, lambda event: seen.append(event.config))
    thing.on.changed.emit(key="a", config=lock)
    assert seen == [lock]


def test_a_handler_sees_what_the_one_before_it_changed() -> None:
    # There: each observer gets a fresh object.
    thing = Thing()
    seen: List[str] = []
    observe(thing.on.changed, lambda event: setattr(event, "key", event.key + ", changed"))
    observe(thing.on.changed, lambda event: seen.append(event.key))
    assert thing.on.changed.emit(key="a").key == "a, changed"
    assert seen == ["a, changed"]


def test_one_exception_does_not_skip_the_other_observers_nor_undo_anything(
    framework: Framework, log: List[Tuple[str, str]]
) -> None:
    # There: the first exception ends the dispatch, and all of it is rolled back.
    from charms.reactive import hook, set_flag

    thing = Thing()
    observe(thing.on.done, lambda event: 1 // 0)
    observe(thing.on.done, lambda event: set_flag("the.other.ran"))

    @hook("install")
    def install() -> None:
        thing.on.done.emit()
        set_flag("installed")

    framework.main("install")
    assert framework.committed_flags() == ["installed", "the.other.ran"]
    assert any("ZeroDivisionError" in message for level, message in log if level == "ERROR")


def test_distinct_events_are_never_taken_for_one() -> None:
    # There: a notice that looked like a pending one was dropped, for keyed objects the wrong ones.
    thing = Thing()
    seen: List[str] = []

    @observe(thing.on.done)
    def burst(event: Event) -> None:
        for key in "unit[0]", "unit[1]", "unit[0]":
            thing.on.changed.emit(key=key, config=None)

    observe(thing.on.changed, lambda event: seen.append(event.key))
    thing.on.done.emit()
    assert seen == ["unit[0]", "unit[1]", "unit[0]"]


def test_an_observer_that_nobody_else_holds_is_called() -> None:
    # There: it is gone, with a warning at the most.
    class Listener:
        def __init__(self, seen: List[str]) -> None:
            self.seen = seen

        def handle(self, event: Event) -> None:
            self.seen.append("called")

    seen: List[str] = []
    thing = Thing()
    observe(thing.on.done, Listener(seen).handle)
    gc.collect()
    thing.on.done.emit()
    assert seen == ["called"]


def test_a_handler_is_not_interrupted_by_what_it_emits() -> None:
    # There: the nested event runs in the middle, and sees what is half done.
    thing = Thing()
    seen: List[str] = []
    state = {"host": "old", "port": 1}

    @observe(thing.on.changed)
    def update(event: Changed) -> None:
        state["host"] = "new"
        thing.on.done.emit()
        state["port"] = 2

    observe(thing.on.done, lambda event: seen.append("%(host)s:%(port)s" % state))
    thing.on.changed.emit(key="a", config=None)
    assert seen == ["new:2"]


def test_any_callable_observes_and_nothing_is_looked_up_by_name() -> None:
    # There: methods of framework objects only, found again by their name.
    thing = Thing()
    seen: List[str] = []
    handlers = [lambda event, n=number: seen.append(n) for number in range(3)]
    for handler in handlers:
        observe(thing.on.done, handler)
    thing.on.done.emit()
    assert seen == [0, 1, 2]
