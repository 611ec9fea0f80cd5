"""Which handlers hear an event, and in which order (SPEC 15)."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict, List
from unittest import mock

import pytest

from charms.reactive import Endpoint, events
from charms_reactive._events import event_registry
from charms_reactive.errors import EventUseError


class Happened(events.Event):
    what: str = ""


class HappenedHere(Happened):
    pass


class Other(events.Event):
    pass


def told(heard: List[str], name: str) -> Callable[[events.Event], None]:
    return lambda event: heard.append(name)


def test_handlers_run_in_the_order_in_which_they_were_registered() -> None:
    heard: List[str] = []
    events.handle_event(HappenedHere)(told(heard, "derived, first"))
    events.handle_event(events.Event)(told(heard, "any, second"))
    events.handle_event(Happened, origin="here")(told(heard, "base with origin, third"))
    events.handle_event(Other)(told(heard, "another class"))
    events.handle_event(HappenedHere, origin="elsewhere")(told(heard, "another origin"))
    events.handle_event(Happened)(told(heard, "base, fourth"))
    events.emit_event(HappenedHere, origin="here")
    assert heard == ["derived, first", "any, second", "base with origin, third", "base, fourth"]
    heard.clear()
    events.emit_event(Happened)
    assert heard == ["any, second", "base, fourth"]


def test_a_class_with_two_bases_is_heard_once_by_each_handler() -> None:
    class Left(events.Event): ...

    class Right(events.Event): ...

    class Both(Left, Right): ...

    heard: List[str] = []
    for kind in Right, Left, Both, events.Event:
        events.handle_event(kind)(told(heard, kind.__name__))
    events.emit_event(Both)
    assert heard == ["Right", "Left", "Both", "Event"]


class Unhashable:
    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unhashable) and other.value == self.value

    __hash__ = None  # type: ignore[assignment]

    def method(self) -> None: ...


class Incomparable:
    def __eq__(self, other: object) -> bool:
        raise ValueError("the truth value is ambiguous")

    __hash__ = object.__hash__


class Moving:
    """Its hash is not what it was when it was registered."""

    place = 1

    def __hash__(self) -> int:
        return self.place


def function() -> None: ...


ONE = Unhashable(1)


@pytest.mark.parametrize(
    ("registered", "emitted"),
    [
        ("db.ready", "db." + "ready"),
        (function, function),
        (Unhashable, Unhashable),
        (ONE, Unhashable(1)),
        (ONE.method, ONE.method),
        ((1, "a"), (1, "a")),
        ([1], [1]),
        (float("nan"), None),
        (0, 0),
        ("", ""),
        (False, False),
    ],
)
def test_an_origin_is_heard_by_identity_and_by_equality(registered: Any, emitted: Any) -> None:
    heard: List[str] = []
    events.handle_event(Happened, origin=registered)(told(heard, "same"))
    events.handle_event(Happened, origin="something else")(told(heard, "else"))
    events.handle_event(Happened, origin=Unhashable(2))(told(heard, "else"))
    events.handle_event(Happened)(told(heard, "all"))
    event = events.emit_event(Happened, origin=registered if emitted is None else emitted)
    assert heard == ["same", "all"]
    assert event.origin is (registered if emitted is None else emitted)


@pytest.mark.parametrize("make", [Incomparable, Moving])
def test_an_origin_is_heard_by_identity_whatever_its_equality_says(make: Callable[[], Any]) -> None:
    one, other = make(), make()
    heard: List[str] = []
    events.handle_event(Happened, origin=one)(told(heard, "one"))
    events.handle_event(Happened, origin=other)(told(heard, "other"))
    if make is Moving:
        one.place = 2
    events.emit_event(Happened, origin=one)
    assert heard == ["one"]


def test_equal_origins_are_one_origin() -> None:
    heard: List[str] = []
    events.handle_event(Happened, origin=1)(told(heard, "int"))
    events.handle_event(Happened, origin=1.0)(told(heard, "float"))
    for origin in 1, 1.0, True:
        heard.clear()
        events.emit_event(Happened, origin=origin)
        assert heard == ["int", "float"]


def test_an_event_without_origin_is_not_for_those_who_want_one() -> None:
    heard: List[str] = []
    events.handle_event(Happened, origin="here")(told(heard, "here"))
    event = events.emit_event(Happened)
    assert heard == []
    assert event.origin is None


def test_the_decorator_returns_the_function_and_stacks() -> None:
    def handle(event: events.Event) -> str:
        heard.append(type(event).__name__)
        return "its result"

    heard: List[str] = []
    assert events.handle_event(Happened)(events.handle_event(Other)(handle)) is handle
    events.emit_event(Other)
    events.emit_event(Happened)
    assert heard == ["Other", "Happened"]
    assert handle(Other()) == "its result"


def test_an_event_comes_to_a_handler_once_however_it_is_registered() -> None:
    heard: List[Any] = []
    for kind in Happened, Happened, HappenedHere, events.Event:
        events.handle_event(kind)(heard.append)
    events.handle_event(Happened, origin="here")(heard.append)
    events.emit_event(HappenedHere, origin="here")
    assert len(heard) == 1


def test_methods_partials_and_other_callables_are_handlers() -> None:
    from functools import partial

    class Holder:
        def __init__(self) -> None:
            self.heard: List[Any] = []

        def method(self, event: events.Event) -> None:
            self.heard.append("method")

        def __call__(self, event: events.Event) -> None:
            self.heard.append("call")

    holder = Holder()
    for handler in holder.method, holder, partial(lambda word, event: holder.heard.append(word), "partial"):
        events.handle_event(Happened)(handler)
    events.emit_event(Happened)
    assert holder.heard == ["method", "call", "partial"]


@pytest.mark.parametrize("kind", ["coroutine", "generator", "asynchronous generator"])
def test_a_function_whose_body_would_never_run_is_refused(kind: str) -> None:
    async def coroutine(event: Any) -> None: ...

    def generator(event: Any) -> Any:
        yield event

    async def asynchronous(event: Any) -> Any:
        yield event

    class Holder:
        async def __call__(self, event: Any) -> None: ...

        async def method(self, event: Any) -> None: ...

    thing = Thing()
    handler = {"coroutine": coroutine, "generator": generator}.get(kind, asynchronous)
    for one in (handler, partial(handler), partial(partial(handler)), Holder(), Holder().method):
        for register in (events.handle_event(Happened), events.observe(thing.on.happened)):
            with pytest.raises(EventUseError, match=r"would never run: \w+ \(\S+test_handlers.py:\d+\) is a"):
                register(one)


class Things(events.ObjectEvents):
    happened = events.EventSource(Happened)


class Thing(events.Object):
    on = Things()


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(EventUseError, match="must be callable, and not of type str"):
        events.handle_event(Happened)("handle")  # type: ignore[type-var]


def _of_wrong_signature() -> Dict[str, Any]:
    class Holder:
        def of_event(self, event: Any) -> None: ...

        def of_none(self) -> None: ...

        def of_two(self, event: Any, more: Any) -> None: ...

        def __call__(self, event: Any, *, key: str) -> None: ...

    return {
        "it is called with the event, and takes no argument": [
            lambda: None,
            Holder().of_none,
            lambda *, a=1: 0,
        ],
        "it is called with the event, and wants more besides": [
            lambda event, more: None,
            Holder().of_two,
            partial(lambda a, event, more: None, 1),
            lambda event, *, more: None,
        ],
        "it is called with the event, and wants key besides": [Holder()],
        "it is a method of no object yet": [Holder.of_event, Holder.of_none, Holder.of_two],
    }


@pytest.mark.parametrize("reason", sorted(_of_wrong_signature()))
def test_what_the_event_alone_cannot_call_is_refused(reason: str) -> None:
    for handler in _of_wrong_signature()[reason]:
        with pytest.raises(
            EventUseError, match=r" \(\S+test_handlers.py:\d+\) cannot handle events: " + reason
        ):
            events.handle_event(Happened)(handler)
        with pytest.raises(EventUseError, match=reason):
            events.observe(Thing().on.happened, handler)


def test_a_method_of_an_endpoint_is_refused_where_it_is_decorated() -> None:
    with pytest.raises(
        EventUseError, match=r"on_happened \(\S+\) cannot handle events: it is a method of no object"
    ):

        class Database(Endpoint):
            @events.handle_event(Happened)
            def on_happened(self, event: Happened) -> None: ...


def test_signatures_that_the_event_fits_are_handlers() -> None:
    class Holder:
        @staticmethod
        @events.handle_event(Happened)
        def static(event: Any) -> None:
            heard.append("static")

        def many(self, *events: Any, **more: Any) -> None:
            heard.append("many")

    class Made:
        def __init__(self, event: Any) -> None:
            heard.append("made")

    heard: List[str] = []

    def default(event: Any, more: Any = None, *, key: Any = None) -> None:
        heard.append("default")

    handlers = [Holder().many, Made, default, partial(default, more=1), partial(default, key=1)]
    for handler in [*handlers, mock.MagicMock(side_effect=lambda event: heard.append("mock")), heard.append]:
        events.handle_event(Happened)(handler)
    event = events.emit_event(Happened)
    assert heard == ["static", "many", "made", "default", "default", "default", "mock", event]


def test_a_handler_that_is_registered_during_an_emission_hears_the_next_one() -> None:
    heard: List[str] = []

    @events.handle_event(Happened)
    def first(event: events.Event) -> None:
        heard.append("first")
        events.handle_event(Happened)(late)

    def late(event: events.Event) -> None:
        heard.append("late")

    events.emit_event(Happened)
    assert heard == ["first"]
    events.emit_event(Happened)
    assert heard == ["first", "first", "late"]


def test_a_handler_that_is_removed_during_an_emission_still_hears_it() -> None:
    heard: List[str] = []

    @events.handle_event(Happened)
    def first(event: events.Event) -> None:
        heard.append("first")
        events.unhandle_event(second, Happened)

    @events.handle_event(Happened)
    def second(event: events.Event) -> None:
        heard.append("second")

    events.emit_event(Happened)
    events.emit_event(Happened)
    assert heard == ["first", "second", "first"]


def test_only_what_was_registered_can_be_removed() -> None:
    heard: List[Any] = []
    events.handle_event(Happened, origin="here")(heard.append)
    assert not events.unhandle_event(heard.append, Happened)
    assert not events.unhandle_event(heard.append, Other, origin="here")
    assert events.unhandle_event(heard.append, Happened, origin="here")
    assert not events.unhandle_event(heard.append, Happened, origin="here")
    events.emit_event(Happened, origin="here")
    assert heard == []
    events.handle_event(Happened, origin="here")(heard.append)
    events.emit_event(Happened, origin="here")
    assert len(heard) == 1


def test_the_registry_can_be_replaced_and_put_back() -> None:
    heard: List[Any] = []
    events.handle_event(Happened)(heard.append)
    kept = event_registry.in_use
    event_registry.in_use = event_registry.Registry()
    events.emit_event(Happened)
    assert heard == []
    event_registry.in_use = kept
    events.emit_event(Happened)
    assert len(heard) == 1


def test_ten_thousand_handlers_with_origins_are_no_hindrance() -> None:
    # Quadratic work would take minutes here.
    heard: List[Any] = []
    for number in range(10_000):
        events.handle_event(Happened, origin="flag.%d" % number)(lambda event: heard.append(event.origin))
    for number in range(0, 10_000, 100):
        events.emit_event(Happened, origin="flag.%d" % number)
        events.emit_event(Happened, origin="none.%d" % number)
    assert heard == ["flag.%d" % number for number in range(0, 10_000, 100)]
