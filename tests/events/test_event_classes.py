"""How an event class is made, and what its constructor takes (SPEC 15)."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import typing
from collections import defaultdict
from typing import Any, ClassVar, Dict, Generic, List, TypeVar
from typing import ClassVar as OfTheClass

import pytest

from charms.reactive import events
from charms_reactive.errors import EventAttributeError, EventUseError, ReactiveError

if typing.TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]

T = TypeVar("T")


def test_annotations_of_base_classes_count_and_defaults_hold() -> None:
    class Base(events.Event):
        host: str
        port: int = 80

    class Derived(Base):
        tls: bool = False

    event = Derived(host="a", tls=True)
    assert (event.host, event.port, event.tls) == ("a", 80, True)
    assert Derived(host="a", port=443).port == 443


def test_annotations_that_cannot_be_resolved_are_names_all_the_same() -> None:
    class Odd(events.Event):
        one: Missing
        two: "List[Missing]"  # noqa: UP037
        three: NoSuchName[int]  # type: ignore[name-defined]  # noqa: F821

    event = Odd(one=1, two=[2], three=3)
    assert (event.one, event.two, event.three) == (1, [2], 3)


def test_annotations_that_are_no_strings_do_as_well() -> None:
    # In a module of its own, without the import from __future__ that this one has.
    source = """
from typing import ClassVar, List
from charms.reactive import events
class Plain(events.Event):
    hosts: List[str]
    later: "Later"
    limit: ClassVar[int] = 3
    bare: ClassVar = 4
print(Plain(hosts=["a"], later=1))
for name in "limit", "bare":
    try:
        Plain(**{name: 5})
    except TypeError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True, check=True)
    refused = (
        "Plain has no attribute %r: its attributes are hosts, later; annotate it in the class to make it one"
    )
    assert done.stdout.splitlines() == [
        "<Plain, hosts: list, later: int>",
        *(refused % name for name in ("limit", "bare")),
    ]


def test_class_variables_that_only_type_checkers_know_of_are_none_either() -> None:
    source = """
from __future__ import annotations
import sys
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar
from charms.reactive import events
class Limited(events.Event):
    limit: ClassVar[int] = 3
    name: str
assert "typing" not in sys.modules
try:
    Limited(limit=4)
except TypeError as error:
    print(error.known)
"""
    done = subprocess.run([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "('name',)\n"


@pytest.mark.parametrize("name", ["one", "two", "three", "four"])
def test_class_variables_are_no_attributes(name: str) -> None:
    class Limited(events.Event):
        one: ClassVar[int] = 1
        two: typing.ClassVar[int] = 2
        three: OfTheClass[int] = 3
        four: "ClassVar" = 4  # noqa: UP037
        five: int = 5

    with pytest.raises(TypeError, match="its attributes are five"):
        Limited(**{name: 0})


def test_what_is_not_annotated_is_no_attribute() -> None:
    class Event(events.Event):
        message: str
        other = 1

        def method(self) -> None: ...

    for name in "other", "method", "origin", "anything":
        with pytest.raises(EventAttributeError) as caught:
            Event(**{name: 1})
        assert (caught.value.event, caught.value.attribute, caught.value.known) == (
            Event.__qualname__,
            name,
            ("message",),
        )
        assert isinstance(caught.value, ReactiveError)
        assert isinstance(caught.value, TypeError)


def test_attributes_may_have_any_name() -> None:
    class Event(events.Event):
        self: int
        event_class: int
        attrs: int
        name: int

    event = events.emit_event(Event, self=1, event_class=2, attrs=3, name=4)
    assert (event.event_class, event.attrs, event.name) == (2, 3, 4)


def test_a_missing_value_is_named_when_it_is_asked_for() -> None:
    class Event(events.Event):
        message: str

    event = Event()
    with pytest.raises(AttributeError, match="has no value for 'message': it was not given"):
        event.message  # noqa: B018
    with pytest.raises(AttributeError, match="has no attribute 'mesage'"):
        event.mesage  # noqa: B018
    assert not hasattr(event, "message")
    event.message = "now"
    assert event.message == "now"


def test_defaults_that_can_change_are_not_shared_by_events() -> None:
    class Event(events.Event):
        errors: List[str] = []  # noqa: RUF012
        by_name: Dict[str, int] = {}  # noqa: RUF012

    first, second = Event(), Event(by_name={"a": 1})
    first.errors.append("only mine")
    first.by_name["b"] = 2
    assert (second.errors, second.by_name) == ([], {"a": 1})
    assert (Event().errors, Event().by_name) == ([], {})


def test_the_constructor_may_be_overridden() -> None:
    class Event(events.Event):
        words: List[str]
        count: int

        def __init__(self, **attrs: Any) -> None:
            super().__init__(**attrs)
            self.count = len(self.words)

    assert events.emit_event(Event, words=["a", "b"]).count == 2


def test_slots_properties_and_other_bases_are_possible() -> None:
    class Mixin:
        extra = "yes"

    class Event(Mixin, events.Event):
        __slots__ = ("seen",)
        message: str

        @property
        def shout(self) -> str:
            return self.message.upper()

    event = Event(message="a")
    assert (event.shout, event.extra) == ("A", "yes")


def test_generic_classes_of_the_charms_own() -> None:
    class Changed(events.Event, Generic[T]):
        old: T
        new: T

    heard: List[Any] = []
    events.handle_event(Changed[int])(heard.append)
    event: Changed[int] = events.emit_event(Changed[int], old=1, new=2)
    assert (event.old, event.new) == (1, 2)
    assert heard == [event]


class Kept(events.Event):
    message: str


def test_events_can_be_copied_pickled_and_shown() -> None:
    event = Kept(message="a")
    for other in copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event)):
        assert type(other) is Kept
        assert other.message == "a"
    assert repr(event) == "<Kept, message: str>"


@pytest.mark.parametrize("what", [int, "Event", None, Kept(message="a"), List[int]])
def test_only_event_classes_are_emitted_and_handled(what: Any) -> None:
    with pytest.raises(EventUseError, match="an event class is needed"):
        events.emit_event(what)
    with pytest.raises(EventUseError, match="an event class is needed"):
        events.handle_event(what)


def test_a_decorator_without_its_class_says_so() -> None:
    with pytest.raises(EventUseError, match="an event class is needed, a subclass of"):

        @events.handle_event  # type: ignore[arg-type]
        def handle(event: Any) -> None: ...


def test_no_event_shares_a_default_with_another_however_deep_it_is() -> None:
    class Deep(events.Event):
        nested: Any = {"a": [{"b": {1}}], "c": ([], "text")}  # noqa: RUF012
        kept: Any = defaultdict(list, {"x": [1]})  # noqa: RUF012
        pair: Any = ([],)
        plain: Any = (1, "a")

    first, second = Deep(), Deep()
    first.nested["a"][0]["b"].add(2)
    first.nested["c"][0].append("more")
    first.kept["x"].append(2)
    first.kept["y"].append(3)
    first.pair[0].append(4)
    for other in (second, Deep()):
        assert other.nested == {"a": [{"b": {1}}], "c": ([], "text")}
        assert other.kept == {"x": [1]}
        assert other.pair == ([],)
    assert first.kept == {"x": [1, 2], "y": [3]}
    assert type(second.kept) is defaultdict
    assert first.plain is Deep.plain
