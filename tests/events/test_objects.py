"""Events on objects, as the operator framework has custom events (SPEC 16)."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any, Callable, List

import pytest

from charms.reactive import Endpoint, events, set_flag
from charms.reactive.events import Event, EventSource, Object, ObjectEvents, observe
from charms_reactive.errors import EventUseError
from framework.support import Framework


class DatabaseReadyEvent(Event):
    """Event representing that the database is ready."""

    host: str
    port: int = 3306


class DatabaseRequirerEvents(ObjectEvents):
    """Container for Database Requirer events."""

    ready = EventSource(DatabaseReadyEvent)
    gone = EventSource(DatabaseReadyEvent)


class DatabaseRequirer(Object):
    on = DatabaseRequirerEvents()

    def __init__(self, charm: Any = None) -> None:
        self.charm = charm

    def data_changed(self, **data: Any) -> None:
        if "host" in data:  # check remote end has sent valid data
            self.on.ready.emit(**data)


class MyCharm:
    def __init__(self) -> None:
        self.hosts: List[str] = []
        self.db_requirer = DatabaseRequirer(self)
        observe(self.db_requirer.on.ready, self._on_db_ready)

    def _on_db_ready(self, event: DatabaseReadyEvent) -> None:
        self.hosts.append("%s:%d" % (event.host, event.port))


def test_a_charm_observes_the_event_of_a_wrapper() -> None:
    charm = MyCharm()
    charm.db_requirer.data_changed(nothing="useful")
    charm.db_requirer.data_changed(host="10.0.0.7")
    assert charm.hosts == ["10.0.0.7:3306"]


def test_objects_of_one_class_do_not_hear_each_other() -> None:
    one, other = MyCharm(), MyCharm()
    one.db_requirer.on.ready.emit(host="a")
    assert (one.hosts, other.hosts) == (["a:3306"], [])


def test_events_of_one_class_on_one_object_are_apart() -> None:
    charm = MyCharm()
    charm.db_requirer.on.gone.emit(host="a")
    assert charm.hosts == []


def test_emit_takes_keywords_as_the_constructor_does_and_returns_the_event() -> None:
    requirer = DatabaseRequirer()
    event = requirer.on.ready.emit(host="a")
    assert (type(event), event.host, event.origin) == (DatabaseReadyEvent, "a", requirer)
    with pytest.raises(TypeError, match="DatabaseReadyEvent has no attribute 'hots'"):
        requirer.on.ready.emit(hots="a")


def test_observe_is_a_decorator_as_well_and_returns_the_function() -> None:
    requirer = DatabaseRequirer()
    heard: List[str] = []

    @observe(requirer.on.ready)
    def handle(event: DatabaseReadyEvent) -> None:
        heard.append(event.host)

    assert observe(requirer.on.gone, handle) is handle
    requirer.on.ready.emit(host="a")
    requirer.on.gone.emit(host="b")
    assert heard == ["a", "b"]


def test_observers_hear_in_order_and_once_and_see_what_the_others_changed() -> None:
    requirer = DatabaseRequirer()
    heard: List[Any] = []

    def first(event: DatabaseReadyEvent) -> None:
        heard.append(("first", event.host))
        event.host = "changed"

    def second(event: DatabaseReadyEvent) -> None:
        heard.append(("second", event.host))

    for handler in first, second, first:
        observe(requirer.on.ready, handler)
    assert requirer.on.ready.emit(host="a").host == "changed"
    assert heard == [("first", "a"), ("second", "changed")]


def test_handlers_of_the_class_hear_every_object_in_one_order_with_the_observers() -> None:
    one, other = DatabaseRequirer(), DatabaseRequirer()
    heard: List[Any] = []

    def told(name: str) -> Callable[[Event], None]:
        return lambda event: heard.append(name)

    events.handle_event(DatabaseReadyEvent)(told("any object"))
    observe(one.on.ready, told("observer"))
    events.handle_event(Event, origin=one)(told("this object"))
    events.handle_event(DatabaseReadyEvent, origin=other)(told("the other object"))
    one.on.ready.emit(host="a")
    assert heard == ["any object", "observer", "this object"]
    heard.clear()
    other.on.ready.emit(host="a")
    assert heard == ["any object", "the other object"]
    heard.clear()
    observe(one.on.ready, told("late"))
    one.on.ready.emit(host="a")
    assert heard == ["any object", "observer", "this object", "late"]


def test_observers_come_and_go_without_disturbing_an_emission() -> None:
    requirer = DatabaseRequirer()
    heard: List[str] = []

    @observe(requirer.on.ready)
    def first(event: Event) -> None:
        heard.append("first")
        observe(requirer.on.ready, third)
        assert events.unobserve(requirer.on.ready, second)

    @observe(requirer.on.ready)
    def second(event: Event) -> None:
        heard.append("second")

    def third(event: Event) -> None:
        heard.append("third")

    requirer.on.ready.emit()
    assert heard == ["first", "second"]
    assert not events.unobserve(requirer.on.ready, second)
    assert not events.unobserve(DatabaseRequirer().on.ready, second)
    requirer.on.gone.emit()
    assert heard == ["first", "second"]


def test_the_container_tells_its_events() -> None:
    requirer = DatabaseRequirer()
    assert list(requirer.on.events()) == ["ready", "gone"]
    assert requirer.on.events()["gone"] == requirer.on.gone == requirer.on["gone"]
    assert requirer.on.ready != requirer.on.gone
    assert requirer.on.ready != DatabaseRequirer().on.ready
    assert {requirer.on.ready: 1}[requirer.on.ready] == 1
    assert "ready, gone" in repr(requirer.on)
    assert requirer.on.ready.name == "ready"
    assert requirer.on.ready.event_class is DatabaseReadyEvent
    assert requirer.on.ready.object is requirer
    with pytest.raises(KeyError, match="has no event 'reddy'; it has: ready, gone"):
        requirer.on["reddy"]
    with pytest.raises(AttributeError, match="reddy"):
        requirer.on.reddy  # type: ignore[attr-defined]  # noqa: B018


def test_containers_inherit_and_override() -> None:
    class Narrower(DatabaseReadyEvent): ...

    class More(DatabaseRequirerEvents):
        ready = EventSource(Narrower)
        lost = EventSource(Event)
        gone = None  # type: ignore[assignment]

    class MoreRequirer(DatabaseRequirer):
        on = More()

    assert list(MoreRequirer().on.events()) == ["ready", "lost"]
    assert type(MoreRequirer().on.ready.emit()) is Narrower
    assert list(DatabaseRequirer().on.events()) == ["ready", "gone"]
    assert list(Object().on.events()) == []


def test_an_event_whose_name_is_known_only_at_run_time() -> None:
    class Events(ObjectEvents):
        ready = EventSource(Event)

    class Thing(Object):
        on = Events()

    Events.define_event("db_ready", DatabaseReadyEvent)
    thing = Thing()
    heard: List[Any] = []
    observe(thing.on["db_ready"], heard.append)
    assert thing.on["db_ready"].emit(host="a") in heard
    for name, message in (("ready", "has 'ready' already"), ("a b", "has to be an identifier")):
        with pytest.raises(EventUseError, match=message):
            Events.define_event(name, DatabaseReadyEvent)
    with pytest.raises(EventUseError, match="an event class is needed"):
        Events.define_event("other", int)  # type: ignore[arg-type]


def test_sources_are_declared_where_they_work() -> None:
    with pytest.raises(EventUseError, match="an event class is needed"):
        EventSource(int)  # type: ignore[type-var]
    shared = EventSource(Event)
    # Python before 3.12 wraps what goes wrong here in a RuntimeError.
    with pytest.raises((EventUseError, RuntimeError)) as caught:
        type("Twice", (ObjectEvents,), {"one": shared, "other": shared})
    assert "cannot be both 'one' and 'other'" in str(caught.value.__cause__ or caught.value)
    with pytest.raises((EventUseError, RuntimeError)) as caught:
        type("Thing", (Object,), {"ready": EventSource(Event)})
    assert "belongs into a subclass of ObjectEvents" in str(caught.value.__cause__ or caught.value)


def test_the_event_of_a_class_is_of_no_object() -> None:
    with pytest.raises(EventUseError, match="event 'ready' of a class cannot be emitted"):
        DatabaseRequirer.on.ready.emit()
    with pytest.raises(EventUseError, match="event 'ready' of a class cannot be observed"):
        observe(DatabaseRequirer.on.ready, lambda event: None)
    with pytest.raises(EventUseError, match=r"takes the event of an object, such as database\.on\.ready"):
        observe(DatabaseReadyEvent, lambda event: None)  # type: ignore[call-overload]


class Listener:
    def handle(self, event: Event) -> None: ...


def test_observers_live_as_long_as_the_object_they_observe() -> None:
    requirer = DatabaseRequirer()
    listener = Listener()
    observe(requirer.on.ready, listener.handle)
    requirer.on.ready.emit(host="a")
    gone, source = weakref.ref(listener), weakref.ref(requirer)
    del listener
    gc.collect()
    assert gone() is not None  # what was registered is called, whoever else still knows of it
    del requirer
    assert source() is None  # at once: observing makes no cycle
    assert gone() is None


def test_a_copy_of_an_object_has_no_observers() -> None:
    requirer = DatabaseRequirer()
    heard: List[Any] = []
    observe(requirer.on.ready, heard.append)
    for other in copy.copy(requirer), copy.deepcopy(requirer), pickle.loads(pickle.dumps(requirer)):
        other.on.ready.emit(host="a")
        assert heard == []
        observe(other.on.ready, heard.append)
        other.on.ready.emit(host="a")
        requirer.on.gone.emit(host="a")
        assert len(heard) == 1
        heard.clear()
    requirer.on.ready.emit(host="a")
    assert len(heard) == 1


def test_an_object_needs_room_for_observers() -> None:
    class Slotted:
        __slots__ = ()
        on = DatabaseRequirerEvents()

    slotted = Slotted()
    assert slotted.on.ready.emit(host="a").host == "a"
    with pytest.raises(EventUseError, match=r"no room for observers; derive it from events\.Object"):
        observe(slotted.on.ready, lambda event: None)


# -- endpoints ----------------------------------------------------------------------------------
def test_an_endpoint_is_an_object_and_its_class_is_an_ordinary_one() -> None:
    assert issubclass(Endpoint, Object)
    assert type(Endpoint) is type

    class ForeignMeta(type): ...

    class WithForeignMeta(Endpoint, metaclass=ForeignMeta):
        on = DatabaseRequirerEvents()

    assert list(WithForeignMeta("db", []).on.events()) == ["ready", "gone"]


def test_on_is_the_only_new_public_name_of_an_endpoint() -> None:
    # What an interface layer calls a property of its own must not be hidden by one of ours.
    known = [
        "all_departed_units",
        "all_joined_units",
        "all_units",
        "discover",
        "endpoint_name",
        "expand_name",
        "from_flag",
        "from_name",
        "get_factory",
        "is_joined",
        "joined",
        "load",
        "manage_flags",
        "register_triggers",
        "relations",
    ]
    assert [name for name in dir(Endpoint) if not name.startswith("_")] == sorted([*known, "on"])


def test_an_interface_layer_offers_an_event(framework: Framework) -> None:
    class MyEvents(ObjectEvents):
        ready = EventSource(DatabaseReadyEvent, sets="endpoint.{endpoint_name}.ready")

    class MyEndpoint(Endpoint):
        on = MyEvents()

        def manage_flags(self) -> None:
            self.on.ready.emit(host="of " + self.endpoint_name)

    heard: List[str] = []
    events.handle_event(DatabaseReadyEvent, origin="db")(lambda event: heard.append(event.host))
    database, other = MyEndpoint("db", []), MyEndpoint("other", [])
    observe(other.on.ready, lambda event: heard.append("observed"))
    for endpoint in database, other:
        endpoint.manage_flags()
    assert heard == ["of db", "observed"]
    from charms.reactive import get_flags

    assert get_flags() == ["endpoint.db.ready", "endpoint.other.ready"]


def test_the_name_of_an_endpoint_is_known_to_endpoints_only(framework: Framework) -> None:
    class MyEvents(ObjectEvents):
        ready = EventSource(Event, sets="endpoint.{endpoint_name}.ready")

    class Thing(Object):
        on = MyEvents()

    with pytest.raises(EventUseError, match=r"Thing\.on\.ready sets the flag endpoint\.\{endpoint_name\}"):
        Thing().on.ready.emit()
    set_flag("still works")
