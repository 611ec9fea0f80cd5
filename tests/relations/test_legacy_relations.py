"""Legacy relations: RelationBase, what handlers get of it, and where its modules are found."""

from __future__ import annotations

from typing import Any, List

import pytest

import charms_reactive
from charms_reactive import relations
from charms_reactive.errors import HandlerImportError
from charms_reactive.flags import StateList
from charms_reactive.relations import (
    AutoAccessors,
    Conversation,
    RelationBase,
    RelationFactory,
    endpoint_from_flag,
    endpoint_from_name,
    relation_call,
    relation_factory,
    scopes,
)


@pytest.fixture(autouse=True)
def no_classes_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RelationBase, "_cache", {})


def test_the_names_of_1_5_3() -> None:
    names = (
        "ALL TOGGLE AutoAccessors Conversation RelationBase RelationFactory endpoint_from_flag "
        "endpoint_from_name relation_call relation_factory relation_from_flag relation_from_name "
        "relation_from_state scopes StateList hookenv _find_relation_factory _relation_module"
    )
    assert [name for name in names.split() if not hasattr(relations, name)] == []
    exported = (
        "RelationBase endpoint_from_flag endpoint_from_name relation_from_flag relation_from_state scopes"
    )
    assert [name for name in exported.split() if not hasattr(charms_reactive, name)] == []
    assert relations.ALL is not relations.TOGGLE
    assert (scopes.GLOBAL, scopes.SERVICE, scopes.UNIT) == ("global", "service", "unit")


# -- RelationBase ---------------------------------------------------------------------------------


def test_auto_accessors_read_the_remote_data(charm: Any, juju: Any) -> None:
    class Client(RelationBase):
        scope = scopes.GLOBAL
        auto_accessors = ["host", "private-address"]  # noqa: RUF012 -- as interface layers write it

    juju.relate("db:1", "mysql", {"mysql/0": {"host": "h", "private-address": "10.0.0.9"}})
    charm.enter("db-relation-changed", "db:1", "mysql/0")
    client = Client("db")
    assert (client.host(), client.private_address()) == ("h", "10.0.0.9")
    assert Client.private_address.__name__ == "private_address"
    assert "private-address" in (Client.private_address.__doc__ or "")
    assert type(Client) is AutoAccessors
    assert Client.auto_accessors == ["host", "private-address"]
    assert RelationBase.auto_accessors + ["x"] == ["x"]


def test_states_may_be_listed(charm: Any) -> None:
    class Client(RelationBase):
        class states(StateList):  # noqa: N801
            ready = relations.StateList and charms_reactive.flags.State("{relation_name}.ready")

    assert issubclass(RelationBase.states, StateList)
    client = Client("db", [Conversation("db:1", ["a/0"], "a/0")])
    client.set_state(client.states.ready, scope="a/0")
    assert charms_reactive.is_flag_set("db.ready")


def test_a_relation_speaks_for_the_conversation_of_the_hook(charm: Any, juju: Any) -> None:
    charm.enter("db-relation-changed", "db:1", "mysql/0")
    assert RelationBase("db").conversation().scope == "mysql/0"

    class PerApplication(RelationBase):
        scope = scopes.SERVICE

    class Alone(RelationBase):
        scope = "rack"

    assert PerApplication("db").conversation().scope == "mysql"
    assert Alone("db").conversation().scope == "rack"
    assert RelationBase("db").relation_name == "db"


def test_a_conversation_that_is_not_there_is_a_value_error(charm: Any, juju: Any) -> None:
    outside = RelationBase("db")
    with pytest.raises(ValueError, match="db has a conversation for each remote unit"):
        outside.conversation()
    with pytest.raises(ValueError, match="no conversation of scope 'mysql/3'"):
        outside.get_remote("host", scope="mysql/3")
    charm.enter("cache-relation-changed", "cache:2", "redis/0")
    with pytest.raises(ValueError, match="no conversation of scope 'redis/0'"):
        RelationBase("db").conversation()


def test_conversations_is_a_list_of_ones_own() -> None:
    given = [Conversation("db:1", [], "a"), Conversation("db:1", [], "b")]
    relation = RelationBase("db", given)
    relation.conversations().clear()
    assert relation.conversations() == given
    assert relation.conversation("b") is given[1]


def test_methods_go_to_the_conversation_of_their_scope(charm: Any, juju: Any) -> None:
    juju.relate("db:1", "mysql", {"mysql/0": {"k": "0"}, "mysql/1": {"k": "1"}})
    charm.enter("db-relation-changed", "db:1", "mysql/0")
    units = [Conversation("db:1", ["mysql/%d" % number], "mysql/%d" % number) for number in (0, 1)]
    relation = RelationBase("db", units)
    assert (relation.get_remote("k"), relation.get_remote("k", scope="mysql/1")) == ("0", "1")
    assert relation.get_remote("none", "default") == "default"
    relation.set_local("a", 1, scope="mysql/1", b=2)
    assert relation.get_local("a", "default") == "default"
    assert [relation.get_local(key, scope="mysql/1") for key in ("a", "b")] == [1, 2]
    relation.set_remote("x", "y", data={"z": 3}, scope="mysql/1")
    assert juju.relations["db:1"].local_unit["x"] == "y"
    assert juju.relations["db:1"].local_unit["z"] == "3"
    for set_one, remove, toggle, is_one in (
        (relation.set_state, relation.remove_state, relation.toggle_state, relation.is_state),
        (relation.set_flag, relation.remove_flag, relation.toggle_flag, relation.is_flag_set),
    ):
        set_one("{relation_name}.f", scope="mysql/1")
        assert (is_one("{relation_name}.f"), is_one("db.f", "mysql/1")) == (False, True)
        toggle("db.f", scope="mysql/1")
        assert not charms_reactive.is_flag_set("db.f")
        toggle("db.f", True, "mysql/0")
        remove("db.f")
        assert not charms_reactive.is_flag_set("db.f")


# -- looking up -----------------------------------------------------------------------------------

CLIENT = """
class Client(RelationBase):
    scope = scopes.%s
    auto_accessors = ["host"]

    @hook("{%s:%s}-relation-{joined,changed}")
    def changed(self):
        self.set_state("{relation_name}.connected")
        if self.host():
            self.set_state("{relation_name}.available")

    @hook("{%s:%s}-relation-departed")
    def departed(self):
        self.remove_state("{relation_name}.available")
"""


def client(interface: str, scope: str = "GLOBAL", role: str = "requires") -> str:
    return CLIENT % (scope, role, interface, role, interface)


def test_handlers_get_the_relations_of_their_flags(charm: Any, juju: Any) -> None:
    charm.metadata(requires={"db": "mysql", "cache": "redis"}, provides={"web": "http"})
    charm.interface("mysql", "requires", client("mysql"))
    charm.interface("redis", "requires", client("redis", "UNIT"))
    charm.interface("http", "provides", client("http", "SERVICE", "provides"))
    charm.handlers(
        """
        def told(*relations):
            tell([(relation.relation_name, sorted(c.scope for c in relation.conversations()))
                  for relation in relations])

        @when("web.available")
        @when_not("never")
        @when_any("cache.available", "db.available")
        @when("db.available", "plain", "cache.available")
        def handler(db, cache, web):
            told(db, cache, web)

        @when_any("db.available")
        def none(): told()

        @hook("db-relation-changed", "cache-relation-changed")
        def of_hook(relation): told(relation)
        """
    )
    juju.relate("db:1", "mysql", {"mysql/0": {"host": "h"}})
    juju.relate("cache:2", "redis", {"redis/0": {"host": "a"}, "redis/1": {"host": "b"}})
    juju.relate("web:3", "squid", {"squid/0": {"host": "s"}})
    charm.run("cache-relation-changed", "cache:2", "redis/0")
    assert charm.run("cache-relation-changed", "cache:2", "redis/1") == [[("cache", ["redis/1"])]]
    charm.run("web-relation-joined", "web:3", "squid/0")
    charms_reactive.set_flag("plain")
    charms_reactive._unit_state.unit_state.unit.commit()
    assert charm.run("db-relation-changed", "db:1", "mysql/0") == [
        [("db", ["global"])],
        [("db", ["global"]), ("cache", ["redis/0", "redis/1"]), ("web", ["squid"])],
        [],
    ]
    # As ever in later hooks, with what the flags remember.
    assert charm.run("update-status") == [
        [("db", ["global"]), ("cache", ["redis/0", "redis/1"]), ("web", ["squid"])],
        [],
    ]


def test_from_name_and_from_flag(charm: Any, juju: Any) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface("mysql", "requires", client("mysql", "UNIT"))
    juju.relate("db:1", "mysql", {"mysql/0": {"host": "a"}, "mysql/1": {"host": "b"}})
    charm.run("db-relation-changed", "db:1", "mysql/0")
    charm.run("db-relation-changed", "db:1", "mysql/1")
    charm.enter("update-status")
    by_flag = endpoint_from_flag("db.available")
    assert [one.get_remote("host") for one in by_flag.conversations()] == ["a", "b"]
    assert endpoint_from_name("db").conversations() == []
    for find in (RelationBase.from_flag, RelationBase.from_state, relations.relation_from_state):
        assert type(find("db.available")).__name__ == "Client"
    assert type(RelationBase.from_name("db")) is type(by_flag)
    assert relations.relation_from_name("db").relation_name == "db"
    assert relations.relation_from_flag("db.available").relation_name == "db"
    for nothing in (endpoint_from_name(None), RelationBase.from_name(None), RelationBase.from_name("other")):
        assert nothing is None
    charms_reactive.set_flag("db.odd", "text")
    assert RelationBase.from_flag("db.odd") is None
    assert endpoint_from_flag("db.odd") is None
    assert endpoint_from_flag("plain") is None
    assert endpoint_from_flag("plain.with.dots") is None


def test_spec20_an_omitted_value_leaves_the_relation_of_a_flag(charm: Any, juju: Any) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface("mysql", "requires", client("mysql"))
    charm.handlers(
        """
        @hook("db-relation-changed")
        def again(): set_flag("db.available")

        @when("db.available")
        def ready(db): tell(db.host())
        """
    )
    juju.relate("db:1", "mysql", {"mysql/0": {"host": "h"}})
    assert charm.run("db-relation-changed", "db:1", "mysql/0") == ["h"]


def test_a_handler_of_the_departed_hook_still_reads_the_departing_unit(charm: Any, juju: Any) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface("mysql", "requires", client("mysql", "UNIT"))
    charm.handlers("@hook('db-relation-departed')\ndef gone(db): tell(db.get_remote('host'))\n")
    relation = juju.relate("db:1", "mysql", {"mysql/0": {"host": "h"}})
    charm.run("db-relation-changed", "db:1", "mysql/0")
    assert charm.run("db-relation-departed", "db:1", "mysql/0") == ["h"]
    assert "db.available" not in charm.flags
    assert "db.connected" in charm.flags
    relation.units.clear()
    charm.enter("update-status")
    assert endpoint_from_flag("db.connected").conversations() == []


# -- modules --------------------------------------------------------------------------------------


def test_modules_are_looked_up_in_reactive_then_in_hooks(charm: Any) -> None:
    charm.metadata(requires={"db": "mysql", "log": "sys-log"})
    old = charm.interface("mysql", "requires", "class Old(RelationBase): pass\n")
    charm.interface("sys-log", "requires", "class Log(RelationBase): pass\n")
    assert relation_factory("db").__name__ == "Old"
    assert relation_factory("log").__name__ == "Log", "a hyphen is no obstacle"
    assert relation_factory("log").__module__ == "relations.sys-log.requires"
    charm.enter("update-status")
    new = charm.write("reactive/relations/mysql/requires.py", old.read_text().replace("Old", "New"))
    assert new.exists()
    found = relation_factory("db")
    assert (found.__name__, found.__module__) == ("New", "reactive.relations.mysql.requires")


def test_more_than_one_candidate_is_an_error_that_names_them(charm: Any) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface(
        "mysql",
        "requires",
        """
        from charms.reactive import Endpoint, RelationBase
        class Base(RelationBase): pass
        class One(Base): pass
        class Two(Endpoint): pass
        """,
    )
    with pytest.raises(RuntimeError, match=r"relations\.mysql\.requires: One, Two"):
        relation_factory("db")


def test_base_classes_are_no_candidates(charm: Any) -> None:
    charm.metadata(requires={"db": "mysql", "empty": "none"})
    charm.interface(
        "mysql",
        "requires",
        """
        from charms.reactive import *
        from charms.reactive.relations import RelationFactory
        class Base(RelationBase): pass
        class One(Base): pass
        """,
    )
    charm.interface("none", "requires", "from charms.reactive.relations import RelationFactory\n")
    assert relation_factory("db").__name__ == "One"
    assert RelationBase.from_name("db").__class__.__name__ == "One"
    assert relation_factory("empty") is None
    assert RelationBase.from_name("empty") is None


def test_what_is_not_there_is_none_with_a_line_in_the_log(charm: Any, juju: Any) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.handlers(
        "@when_not('x')\ndef look(): tell([endpoint_from_name('db'), endpoint_from_name('other')])\n"
    )
    assert charm.run("update-status") == [[None, None]]
    errors = charm.lines("ERROR")
    missing = "requires of mysql (there is no hooks/relations/mysql/requires.py)"
    assert "Unable to find implementation for relation: %s" % missing in errors
    assert "Unable to determine role and interface for relation other" in errors


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("import nowhere_to_be_found\n", "nowhere_to_be_found"),
        ("from charms.reactive import nothing_like_it\n", "nothing_like_it"),
        ("import relations.mysql.lost\n", "relations.mysql.lost"),
        ("from .lost import x\n", "lost"),
        ("1 / 0\n", "division"),
    ],
)
def test_an_import_error_inside_an_interface_module_is_not_swallowed(
    charm: Any, body: str, error: str
) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface("mysql", "requires", body)
    with pytest.raises((ImportError, ZeroDivisionError), match=error):
        relation_factory("db")
    with pytest.raises(HandlerImportError, match=r"relations/mysql/requires\.py"):
        charm.run("update-status")


# -- relation_call --------------------------------------------------------------------------------


def test_relation_call(charm: Any, juju: Any) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface("mysql", "requires", client("mysql", "UNIT"))
    juju.relate("db:1", "mysql", {"mysql/0": {"host": "h"}})
    charm.run("db-relation-changed", "db:1", "mysql/0")
    charm.enter("db-relation-changed", "db:1", "mysql/0")
    assert relation_call("get_remote", "db", None, None, "host") == "h"
    assert relation_call("host", flag="db.available") == "h"
    assert relation_call("conversations", state="db.available") == ["mysql/0"]
    with pytest.raises(ValueError, match="'other'"):
        relation_call("host", "other")
    with pytest.raises(ValueError, match="relation_name or flag"):
        relation_call("host")


def test_factories_must_say_what_they_make() -> None:
    class Nothing(RelationFactory):
        pass

    calls: List[Any] = [Nothing.from_name, Nothing.from_flag]
    for call in calls:
        with pytest.raises(NotImplementedError, match="Nothing"):
            call("db")
