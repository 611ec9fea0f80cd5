"""Conversations of legacy relations: who takes part, what is kept where, and what is published."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Dict, List

import pytest

from charms_reactive import relations
from charms_reactive.flags import get_state, is_flag_set, set_flag
from charms_reactive.relations import TOGGLE, Conversation, scopes

ROWS = "reactive.conversations."


def conversations(charm: Any) -> Dict[str, Any]:
    """The rows of all conversations, committed."""
    return {key: json.loads(data) for key, data in charm.rows(ROWS).items()}


def write(charm: Any, rows: Dict[str, Any]) -> None:
    """Put rows into the unit state before a hook, as another release has left them."""
    charm.leave()
    connection = sqlite3.connect(str(charm.directory / ".unit-state.db"))
    connection.execute("CREATE TABLE IF NOT EXISTS kv (key TEXT, data TEXT, PRIMARY KEY (key))")
    connection.executemany(
        "INSERT OR REPLACE INTO kv VALUES (?, ?)", [(key, json.dumps(value)) for key, value in rows.items()]
    )
    connection.commit()
    connection.close()


def legacy(charm: Any, scope: str) -> None:
    """Endpoint db, with a legacy interface that has this scope and joins in each of its hooks."""
    charm.metadata(requires={"db": "mysql", "cache": "redis"})
    charm.interface(
        "mysql",
        "requires",
        """
        class Client(RelationBase):
            scope = %r

            @hook("{requires:mysql}-relation-{joined,changed,departed}")
            def changed(self):
                tell([sorted(conversation.units) for conversation in self.conversations()])
        """
        % scope,
    )


# -- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "key", "row"),
    [
        (scopes.UNIT, "db:1.mysql/0", {"namespace": "db:1", "units": ["mysql/0"], "scope": "mysql/0"}),
        (scopes.SERVICE, "db:1.mysql", {"namespace": "db:1", "units": ["mysql/0"], "scope": "mysql"}),
        (scopes.GLOBAL, "db.global", {"namespace": "db", "units": ["mysql/0"], "scope": "global"}),
        ("rack 7", "db.rack 7", {"namespace": "db", "units": ["mysql/0"], "scope": "rack 7"}),
    ],
)
def test_compat_3_10_a_joined_conversation_has_this_row(
    charm: Any, juju: Any, scope: str, key: str, row: Dict[str, Any]
) -> None:
    legacy(charm, scope)
    juju.relate("db:1", "mysql", {"mysql/0": {}})
    assert charm.run("db-relation-joined", "db:1", "mysql/0") == [[["mysql/0"]]]
    assert charm.rows(ROWS) == {key: json.dumps(row)}


@pytest.mark.parametrize(
    ("scope", "groups"),
    [
        (
            scopes.UNIT,
            {"db:1.mysql/0": ["mysql/0"], "db:1.mysql/1": ["mysql/1"], "db:2.maria/0": ["maria/0"]},
        ),
        (scopes.SERVICE, {"db:1.mysql": ["mysql/0", "mysql/1"], "db:2.maria": ["maria/0"]}),
        (scopes.GLOBAL, {"db.global": ["maria/0", "mysql/0", "mysql/1"]}),
        ("shard", {"db.shard": ["maria/0", "mysql/0", "mysql/1"]}),
    ],
)
def test_scopes_group_units_into_conversations(
    charm: Any, juju: Any, scope: str, groups: Dict[str, List[str]]
) -> None:
    legacy(charm, scope)
    juju.relate("db:1", "mysql", {"mysql/0": {}, "mysql/1": {}})
    juju.relate("db:2", "maria", {"maria/0": {}})
    for relation, unit in (
        ("db:1", "mysql/1"),
        ("db:1", "mysql/0"),
        ("db:2", "maria/0"),
        ("db:1", "mysql/0"),
    ):
        charm.run("db-relation-changed", relation, unit)
    assert {key: row["units"] for key, row in conversations(charm).items()} == groups


def test_joining_again_writes_nothing(charm: Any, juju: Any) -> None:
    charm.enter("db-relation-changed", "db:1", "mysql/0")
    Conversation.join(scopes.UNIT)
    before = charm_state().total_changes
    assert Conversation.join(scopes.UNIT).units == {"mysql/0"}
    assert charm_state().total_changes == before


def charm_state() -> Any:
    from charmhelpers.core import unitdata

    return unitdata.kv().conn


@pytest.mark.parametrize("scope", [scopes.UNIT, scopes.SERVICE, scopes.GLOBAL, "rack"])
@pytest.mark.parametrize(
    "hook", [("update-status", None, None), ("cache-relation-changed", "cache:5", "redis/0")]
)
def test_spec20_looking_an_endpoint_up_outside_its_hook_writes_nothing(
    charm: Any, juju: Any, scope: str, hook: Any
) -> None:
    legacy(charm, scope)
    juju.relate("cache:5", "redis", {"redis/0": {}})
    charm.handlers("@when_not('never')\ndef look(): tell(len(endpoint_from_name('db').conversations()))\n")
    told = charm.run(*hook)
    assert told == [0 if scope in (scopes.UNIT, scopes.SERVICE) else 1]
    assert conversations(charm) == {}
    assert set(juju.count()) <= {"juju-log"}


def test_a_global_relation_can_be_used_outside_its_hooks(charm: Any, juju: Any) -> None:
    legacy(charm, scopes.GLOBAL)
    charm.handlers(
        """
        @when_not("never")
        def use():
            db = endpoint_from_name("db")
            db.set_remote("name", "app")
            tell(db.get_remote("host"))
            tell(db.get_local("kept"))
        """
    )
    write(charm, {ROWS + "db.global.local-data.kept": 7})
    assert charm.run("update-status") == [None, 7]
    relation = juju.relate("db:1", "mysql", {"mysql/0": {"host": "h"}})
    assert charm.run("db-relation-joined", "db:1", "mysql/0") == [[["mysql/0"]], "h", 7]
    relation.local_unit.clear()
    assert charm.run("update-status") == ["h", 7]
    assert relation.local_unit == {"name": "app"}


@pytest.mark.parametrize("scope", [scopes.UNIT, scopes.SERVICE, scopes.GLOBAL])
def test_a_broken_hook_has_no_remote_unit_to_join(charm: Any, juju: Any, scope: str) -> None:
    legacy(charm, scope)
    charm.run("db-relation-broken", "db:1")
    assert conversations(charm) == {}
    charm.enter("db-relation-broken", "db:1")
    Conversation.join(scope)
    charm.leave()
    assert conversations(charm) == {}


def test_a_broken_hook_has_a_conversation_with_nobody_through_which_flags_can_be_cleared(
    charm: Any, juju: Any
) -> None:
    # As released interfaces do: one handler for {departed,broken}, of which the second has no unit.
    charm.metadata(requires={"db": "mysql"})
    charm.interface(
        "mysql",
        "requires",
        """
        class MySQL(RelationBase):
            scope = scopes.UNIT

            @hook("{requires:mysql}-relation-joined")
            def joined(self):
                self.set_state("{relation_name}.available")

            @hook("{requires:mysql}-relation-{departed,broken}")
            def left(self):
                conversation = self.conversation()
                conversation.remove_state("{relation_name}.available")
                self.remove_state("{relation_name}.connected")
                tell(conversation.scope)
                tell(sorted(conversation.units))
                tell(conversation.get_remote("host"))
                tell(self.is_state("{relation_name}.available"))
        """,
    )
    relation = juju.relate("db:1", "mysql", {"mysql/0": {"host": "h"}})
    charm.run("db-relation-joined", "db:1", "mysql/0")
    relation.units.clear()
    assert charm.run("db-relation-broken", "db:1") == ["", [], None, False]
    assert list(conversations(charm)) == ["db:1.mysql/0"]


@pytest.mark.parametrize("departed", [True, False])
@pytest.mark.parametrize("application", ["mysql", ""])
def test_a_broken_hook_of_scope_service_speaks_with_the_application(
    charm: Any, juju: Any, application: str, departed: bool
) -> None:
    """Juju names it since 2.8. Its flags go then, whether or not its last unit has been seen to depart."""
    charm.metadata(requires={"db": "mysql"})
    charm.interface(
        "mysql",
        "requires",
        """
        class MySQL(RelationBase):
            scope = scopes.SERVICE

            @hook("{requires:mysql}-relation-joined")
            def joined(self):
                self.set_state("{relation_name}.available")

            @hook("{requires:mysql}-relation-broken")
            def broken(self):
                tell(self.conversation().scope)
                self.remove_state("{relation_name}.available")
                tell([conversation.scope for conversation in self.conversations()])
        """,
    )
    relation = juju.relate("db:1", "mysql", {"mysql/0": {"host": "h"}})
    charm.run("db-relation-joined", "db:1", "mysql/0")
    assert "db.available" in charm.flags
    relation.units.clear()
    if departed:
        charm.run("db-relation-departed", "db:1", "mysql/0")
    told = charm.run("db-relation-broken", "db:1", JUJU_REMOTE_APP=application)
    assert told == [application, [application]]
    assert ("db.available" in charm.flags) == (application == "")
    assert list(conversations(charm)) == ([] if departed else ["db:1.mysql"])


# -- departing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        (scopes.UNIT, {"db:1.mysql/1": ["mysql/1"]}),
        (scopes.SERVICE, {"db:1.mysql": ["mysql/1"]}),
        (scopes.GLOBAL, {"db.global": ["mysql/1"]}),
        ("rack", {"db.rack": ["mysql/1"]}),
    ],
)
def test_spec20_a_departed_unit_leaves_conversations_of_every_scope(
    charm: Any, juju: Any, scope: str, left: Dict[str, List[str]]
) -> None:
    legacy(charm, scope)
    relation = juju.relate("db:1", "mysql", {"mysql/0": {}, "mysql/1": {}})
    for unit in ("mysql/0", "mysql/1"):
        charm.run("db-relation-joined", "db:1", unit)
    del relation.units["mysql/0"]
    (told,) = charm.run("db-relation-departed", "db:1", "mysql/0")
    assert "mysql/0" in told[0], "it still takes part while the hook runs"
    assert {key: row["units"] for key, row in conversations(charm).items()} == left
    del relation.units["mysql/1"]
    charm.run("db-relation-departed", "db:1", "mysql/1")
    assert conversations(charm) == {}


def test_a_unit_of_another_relation_of_the_endpoint_stays_in_a_global_conversation(
    charm: Any, juju: Any
) -> None:
    legacy(charm, scopes.GLOBAL)
    first = juju.relate("db:1", "mysql", {"mysql/0": {}})
    second = juju.relate("db:2", "mysql", {"mysql/0": {}})
    third = juju.relate("db:3", "mysql", {"mysql/0": {}})
    for relation_id in ("db:1", "db:2", "db:3"):
        for kind in ("joined", "changed", "changed"):
            charm.run("db-relation-" + kind, relation_id, "mysql/0")
    for relation_id, relation, left in (("db:2", second, 1), ("db:1", first, 1), ("db:3", third, 0)):
        assert conversations(charm)["db.global"]["units"] == ["mysql/0"]
        relation.units.clear()
        charm.run("db-relation-departed", relation_id, "mysql/0")
        assert len(conversations(charm)) == left
        assert juju.count("relation-ids") == juju.count("relation-list") == 0
    assert charm.rows("reactive.") == {}


def test_a_departed_hook_of_an_endpoint_without_conversations_asks_and_writes_nothing(
    charm: Any, juju: Any
) -> None:
    charm.metadata(requires={"db": "mysql"})
    juju.relate("db:1", "mysql", {})
    charm.run("db-relation-departed", "db:1", "mysql/0")
    assert conversations(charm) == {}
    assert juju.count("relation-ids") == juju.count("relation-list") == 0


def test_local_data_and_foreign_rows_survive_the_departure(charm: Any, juju: Any) -> None:
    legacy(charm, scopes.UNIT)
    foreign = {"namespace": "db:1", "units": ["mysql/0"], "scope": "x", "more": 1}
    write(
        charm, {ROWS + "db:1.mysql/0.local-data.k": foreign, ROWS + "db:1.x": foreign, ROWS + "db:1.y": [1]}
    )
    juju.relate("db:1", "mysql", {})
    charm.run("db-relation-departed", "db:1", "mysql/0")
    assert conversations(charm) == {
        "db:1.mysql/0.local-data.k": foreign,
        "db:1.x": foreign,
        "db:1.y": [1],
    }


def test_a_charm_may_depart_by_itself(charm: Any, juju: Any) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface(
        "mysql",
        "requires",
        """
        class Client(RelationBase):
            @hook("{requires:mysql}-relation-{joined,departed}")
            def changed(self):
                self.conversation().depart()
                self.conversation().depart()
        """,
    )
    juju.relate("db:1", "mysql", {})
    charm.run("db-relation-departed", "db:1", "mysql/0")
    assert conversations(charm) == {}


def test_compat_3_14_the_departure_is_an_atexit_callback_of_an_atstart_callback(charm: Any) -> None:
    from charmhelpers.core import hookenv

    def names(callbacks: List[Any]) -> List[str]:
        return [callback.__name__ for callback, _, _ in callbacks]

    assert "_startup" in names(hookenv._atstart)
    charm.enter("db-relation-departed", "db:1", "mysql/0")
    assert "depart_conv" not in names(hookenv._atexit)
    relations.RelationBase._startup()
    assert names(hookenv._atexit)[-1] == "depart_conv"
    charm.enter("db-relation-changed", "db:1", "mysql/0")
    relations.RelationBase._startup()
    assert "depart_conv" not in names(hookenv._atexit)


def test_a_failed_departed_hook_leaves_the_unit_in_its_conversation(charm: Any, juju: Any) -> None:
    legacy(charm, scopes.GLOBAL)
    juju.relate("db:1", "mysql", {"mysql/0": {}})
    charm.run("db-relation-joined", "db:1", "mysql/0")
    charm.handlers("@when_not('never')\ndef fail(): raise ValueError('no')\n")
    with pytest.raises(ValueError, match="no"):
        charm.run("db-relation-departed", "db:1", "mysql/0")
    assert conversations(charm)["db.global"]["units"] == ["mysql/0"]


# -- flags ----------------------------------------------------------------------------------------


@pytest.fixture
def pair(charm: Any) -> List[Conversation]:
    """The conversations of two units of endpoint db."""
    return [Conversation("db:1", ["mysql/0"], "mysql/0"), Conversation("db:1", ["mysql/1"], "mysql/1")]


def test_a_flag_lists_its_conversations_and_ends_with_the_last(pair: List[Conversation]) -> None:
    one, other = pair
    one.set_state("{relation_name}.ready")
    assert get_state("db.ready") == {"relation": "db", "conversations": [one.key]}
    other.set_state("{relation_name}.ready")
    one.set_state("{relation_name}.ready")
    assert get_state("db.ready") == {"relation": "db", "conversations": [one.key, other.key]}
    one.remove_state("{relation_name}.ready")
    one.remove_state("{relation_name}.ready")
    assert get_state("db.ready") == {"relation": "db", "conversations": [other.key]}
    assert (one.is_state("db.ready"), other.is_state("db.ready")) == (False, True)
    other.remove_state("{relation_name}.ready")
    assert not is_flag_set("db.ready")


def test_toggle_state(pair: List[Conversation]) -> None:
    one, _ = pair
    answers = []
    for active in (TOGGLE, TOGGLE, "yes", 1, "", None):
        one.toggle_state("x", active)
        answers.append(one.is_state("x"))
    assert answers == [True, False, True, True, False, False]


def test_flag_methods_are_the_state_methods(pair: List[Conversation]) -> None:
    one, _ = pair
    one.set_flag("x")
    assert one.is_flag_set("x")
    one.toggle_flag("x")
    assert not one.is_flag_set("x")
    one.set_flag("x")
    one.remove_flag("x")
    assert not is_flag_set("x")


def test_flags_that_somebody_else_has_set(pair: List[Conversation]) -> None:
    one, _ = pair
    for value in (None, "text", 3, {"relation": "db"}, {"conversations": "no"}):
        set_flag("x", value)
        assert not one.is_state("x")
        one.remove_state("x")
        assert is_flag_set("x"), "no conversation has set it, so none takes it away"
        one.set_state("x")
        assert get_state("x") == {"relation": "db", "conversations": [one.key]}


def test_braces_in_flags_are_just_text(pair: List[Conversation]) -> None:
    one, _ = pair
    one.set_state("{relation_name}.{0.__class__}.{other}.%s")
    assert one.is_state("db.{0.__class__}.{other}.%s")


# -- data -----------------------------------------------------------------------------------------


@pytest.fixture
def joined(charm: Any, juju: Any) -> Any:
    """A Juju with two relations of endpoint db, in the hook of mysql/1."""
    juju.relate("db:1", "mysql", {"mysql/0": {"host": "", "port": "1"}, "mysql/1": {"host": "b"}})
    juju.relate("db:2", "maria", {"maria/0": {"host": "c", "only": "here"}})
    charm.enter("db-relation-changed", "db:1", "mysql/1")
    return juju


def test_get_remote_is_the_first_value_that_is_not_empty(joined: Any) -> None:
    everybody = Conversation("db", ["mysql/0", "mysql/1", "maria/0"], "global")
    assert [everybody.get_remote(key) for key in ("host", "port", "only", "none")] == ["b", "1", "here", None]
    assert everybody.get_remote("none", "default") == "default"
    assert Conversation("db", ["maria/0"], "global").get_remote("host") == "c"
    assert Conversation("db:1", ["maria/0"], "x").get_remote("host") is None


def test_several_keys_of_a_unit_cost_one_process(joined: Any) -> None:
    one = Conversation("db:1", ["mysql/1"], "mysql/1")
    for key in ("host", "port", "user", "password"):
        one.get_remote(key)
    assert joined.count("relation-get") == 1
    assert joined.count("relation-list") == 1


def test_get_remote_asks_a_departing_unit_too(
    charm: Any, joined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from charmhelpers.core import hookenv

    charm.enter("db-relation-departed", "db:1", "mysql/1")
    monkeypatch.setattr(hookenv, "related_units", lambda relation_id: ["mysql/0"])
    one = Conversation("db:1", ["mysql/0", "mysql/1"], "mysql")
    assert one.get_remote("host") == "b"
    assert hookenv.related_units("db:1") == ["mysql/0"]


def test_set_remote_publishes_on_each_relation_of_the_conversation(joined: Any) -> None:
    Conversation("db", [], "global").set_remote("a", 1, {"b": "2", "c": None}, d="é\n")
    for relation in joined.relations.values():
        assert relation.local_unit == {"ingress-address": "10.0.0.1", "a": "1", "b": "2", "d": "é\n"}
    Conversation("db:2", [], "maria").set_remote(data={"a": None})
    assert "a" in joined.relations["db:1"].local_unit
    assert "a" not in joined.relations["db:2"].local_unit


def test_set_remote_leaves_the_callers_mapping_alone_and_nothing_is_no_process(joined: Any) -> None:
    data = {"a": 1}
    one = Conversation("db:1", [], "x")
    one.set_remote("b", 2, data)
    one.set_local("b", 2, data)
    assert data == {"a": 1}
    joined.calls.clear()
    one.set_remote()
    one.set_remote(data={})
    one.set_local()
    assert joined.calls == []


def test_relations_of_a_scope_of_ones_own_go_over_all_relations_of_the_endpoint(joined: Any) -> None:
    assert Conversation("db", [], "rack").relation_ids == ["db:1", "db:2"]
    assert Conversation("db:2", [], "maria").relation_ids == ["db:2"]
    assert Conversation("db:2", [], "maria").relation_name == "db"


def test_compat_3_10_local_data_has_these_rows(charm: Any, juju: Any) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface(
        "mysql",
        "requires",
        """
        class Client(RelationBase):
            scope = scopes.GLOBAL

            @hook("{requires:mysql}-relation-joined")
            def changed(self):
                self.set_local("prefix", "p", {"list": [1, {"k": None}]}, hostname="h", nothing=None)
                tell([self.get_local(key, "default") for key in ("prefix", "list", "nothing", "absent")])
        """,
    )
    juju.relate("db:1", "mysql", {"mysql/0": {}})
    told = charm.run("db-relation-joined", "db:1", "mysql/0")
    assert told == [["p", [1, {"k": None}], None, "default"]]
    rows = charm.rows(ROWS + "db.global.local-data.")
    assert rows == {"hostname": '"h"', "list": '[1, {"k": null}]', "nothing": "null", "prefix": '"p"'}


def test_keys_and_values_of_any_content(joined: Any) -> None:
    one = Conversation("db:1", ["mysql/1"], "mysql/1")
    for text in ("{x}", "%s", "'\"", "__class__", "\U0001f600", "a.b/c:d", "x" * 100000):
        joined.relations["db:1"].units["mysql/1"][text] = text
        from charmhelpers.core import hookenv

        hookenv.cache.clear()
        assert one.get_remote(text) == text
        one.set_local(text, text)
        assert one.get_local(text) == text


# -- loading and migrating ------------------------------------------------------------------------


def test_serialize_and_deserialize_are_each_others_inverse(charm: Any) -> None:
    row = {"namespace": "db:1", "units": ["a/0", "b/1"], "scope": "s"}
    conversation = Conversation.deserialize(row)
    assert (conversation.key, conversation.units) == ("reactive.conversations.db:1.s", {"a/0", "b/1"})
    assert Conversation.serialize(conversation) == row


def test_load_leaves_out_what_is_over(charm: Any, juju: Any) -> None:
    charm.enter("db-relation-joined", "db:1", "mysql/0")
    key = Conversation.join(scopes.UNIT).key
    loaded = Conversation.load(["reactive.conversations.db:1.gone", key])
    assert [conversation.scope for conversation in loaded] == ["mysql/0"]


def test_conversations_of_the_oldest_format_are_migrated(charm: Any, juju: Any) -> None:
    charm.metadata(requires={"db": "mysql", "cache": "redis"})
    juju.relate("db:1", "mysql", {"mysql/0": {}, "mysql/1": {}})
    juju.relate("db:2", "mysql", {"mysql/1": {}, "mysql/2": {}})
    everybody = ["mysql/0", "mysql/1", "mysql/2", "mysql/9"]
    old, gone = ROWS + "db.mysql", ROWS + "db.mysql/9"
    write(
        charm,
        {
            old: {"relation_name": "db", "scope": "mysql", "units": everybody},
            gone: {"relation_name": "db", "scope": "mysql/9", "units": ["mysql/9"]},
            ROWS + "cache.global": {"relation_name": "cache", "scope": "global", "units": ["redis/0"]},
            ROWS + "db:1.new": {"namespace": "db:1", "scope": "new", "units": []},
            ROWS + "db.mysql.local-data.k": {"relation_name": 1, "scope": 2, "units": 3},
            ROWS + "db.odd": "text",
            "reactive.states.db.ready": {"relation": "db", "conversations": [old, ROWS + "x"]},
            "reactive.states.plain": None,
            "reactive.states.text": "conversations",
        },
    )
    charm.run("update-status")
    assert conversations(charm) == {
        "cache.global": {"namespace": "cache", "units": ["redis/0"], "scope": "global"},
        "db.mysql.local-data.k": {"relation_name": 1, "scope": 2, "units": 3},
        "db.odd": "text",
        "db:1.mysql": {"namespace": "db:1", "units": ["mysql/0", "mysql/1"], "scope": "mysql"},
        "db:1.new": {"namespace": "db:1", "scope": "new", "units": []},
        "db:2.mysql": {"namespace": "db:2", "units": ["mysql/1", "mysql/2"], "scope": "mysql"},
    }
    assert json.loads(charm.rows("reactive.states.")["db.ready"]) == {
        "relation": "db",
        "conversations": [ROWS + "x", ROWS + "db:1.mysql", ROWS + "db:2.mysql"],
    }
    charm.run("update-status")
    assert juju.count("relation-list") == 0, "the second hook has nothing to migrate"
