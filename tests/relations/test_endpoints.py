"""Endpoints at the start of a hook: instances, flags, departing units, and what that costs in processes."""

from __future__ import annotations

import json
from typing import Any, List

import pytest
import yaml
from charmhelpers.core import hookenv
from fakes import Juju

import charms_reactive
from charms_reactive import clear_flag, endpoint_from_flag, endpoint_from_name, is_flag_set, set_flag
from charms_reactive.endpoints import CombinedUnitsView, Endpoint, Relation
from charms_reactive.errors import CharmMetadataError

PLAIN = "class Requires(Endpoint):\n    pass\n"


@pytest.fixture
def db(charm: Any, juju: Juju) -> Any:
    """A charm that requires a database, related to two units of one and one of another."""
    charm.metadata(requires={"db": "mysql"})
    charm.interface("mysql", "requires", PLAIN)
    juju.relate("db:1", "mysql", {"mysql/0": {"host": "h0"}, "mysql/1": {"host": "h1"}})
    juju.relate("db:2", "maria", {"maria/0": {"host": "h2"}})
    return charm


# -- instances ------------------------------------------------------------------------------------
def test_an_instance_is_made_for_each_endpoint_in_sorted_order(charm: Any, juju: Juju) -> None:
    charm.metadata(requires={"zebra": "mysql", "ape": "mysql"}, provides={"mouse": "http"})
    text = """
        class It(Endpoint):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                tell("init " + self.endpoint_name)
            def register_triggers(self):
                tell("triggers " + self.endpoint_name)
            def manage_flags(self):
                tell("flags " + self.endpoint_name)
    """
    charm.interface("mysql", "requires", text)
    charm.interface("http", "provides", text)
    assert charm.run("update-status") == [
        "%s %s" % (what, name) for name in ("ape", "mouse", "zebra") for what in ("init", "triggers", "flags")
    ]


def test_an_endpoint_knows_its_relations_and_units(db: Any) -> None:
    db.start("update-status")
    endpoint = endpoint_from_name("db")
    assert endpoint.endpoint_name == endpoint._endpoint_name == "db"
    assert endpoint.relations.keys() == ["db:1", "db:2"]
    relation = endpoint.relations["db:1"]
    assert relation is endpoint.relations[0]
    assert relation.endpoint is endpoint
    assert (relation.relation_id, relation.endpoint_name) == ("db:1", "db")
    assert relation.application_name == "mysql"
    assert relation.units is relation.joined_units
    assert relation.units["mysql/1"].received["host"] == "h1"
    assert relation.units["mysql/1"].relation is relation
    assert relation.units[0].application_name == "mysql"
    assert endpoint.is_joined
    assert endpoint.joined
    assert endpoint.all_units is endpoint.all_joined_units
    assert endpoint.all_joined_units.keys() == ["mysql/0", "mysql/1", "maria/0"]


def test_relation_ids_without_the_endpoints_name_get_it(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hookenv, "relation_ids", lambda name=None: ["1"])
    db.start("update-status")
    assert endpoint_from_name("db").relations.keys() == ["db:1"]


def test_an_endpoint_is_found_by_a_flag_that_is_set(db: Any) -> None:
    db.start("update-status")
    endpoint = endpoint_from_name("db")
    assert endpoint_from_flag("endpoint.db.joined") is endpoint
    assert endpoint_from_flag("endpoint.db.other") is None
    set_flag("db.ready")
    assert Endpoint.from_flag("db.ready") is endpoint
    set_flag("plain")
    assert Endpoint.from_flag("plain") is None


def test_the_constructor_is_api(charm: Any) -> None:
    class Mine(Endpoint):
        def __init__(self, endpoint_name: str, relation_ids: Any = None) -> None:
            super().__init__(endpoint_name, relation_ids)

    endpoint = Mine("db", relation_ids=["db:1"])
    assert endpoint._relations.keys() == ["db:1"]
    assert Mine("db").relations == []
    assert not Mine("db").is_joined


def test_a_foreign_metaclass_is_no_conflict(charm: Any) -> None:
    class Accessors(type):
        pass

    class Mine(Endpoint, metaclass=Accessors):
        pass

    assert type(Endpoint) is type
    assert Mine("db").endpoint_name == "db"


def test_no_property_hides_one_of_an_interface_layer() -> None:
    properties = {name for name in dir(Endpoint) if isinstance(getattr(Endpoint, name), property)}
    assert properties == {
        "all_departed_units",
        "all_joined_units",
        "all_units",
        "endpoint_name",
        "is_joined",
        "joined",
        "relations",
    }


def test_flag_names_are_expanded(charm: Any) -> None:
    endpoint = Endpoint("db")
    assert endpoint.expand_name("ready") == "endpoint.db.ready"
    assert endpoint.expand_name("{endpoint_name}.ready") == "db.ready"
    assert endpoint.expand_name("endpoint.{endpoint_name}.a.{b}") == "endpoint.db.a.{b}"


def test_a_charm_may_start_endpoints_on_its_own(db: Any) -> None:
    # As an action does that never calls main().
    db.enter("", JUJU_ACTION_NAME="backup")
    Endpoint._startup()
    assert endpoint_from_name("db").is_joined
    first = endpoint_from_name("db")
    Endpoint._startup()
    assert endpoint_from_name("db") is not first


def test_two_instances_of_a_relation_read_what_either_is_to_publish(db: Any, juju: Juju) -> None:
    db.start("update-status")
    endpoint_from_name("db").relations[0].to_publish["a"] = 1
    Endpoint._startup()
    assert endpoint_from_name("db").relations[0].to_publish["a"] == 1
    db.finish()
    assert juju.relations["db:1"].local_unit["a"] == "1"
    assert juju.count("relation-set") == 1


# -- flags ----------------------------------------------------------------------------------------
def test_joined_follows_whether_there_are_units(db: Any, juju: Juju) -> None:
    db.run("db-relation-joined", "db:1", "mysql/0")
    assert is_flag_set("endpoint.db.joined")
    juju.relations.clear()
    db.run("update-status")
    assert not is_flag_set("endpoint.db.joined")


def test_a_relation_without_units_is_not_joined(charm: Any, juju: Juju) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface("mysql", "requires", PLAIN)
    juju.relate("db:1", "mysql")
    charm.run("db-relation-created", "db:1")
    assert charm.flags == []
    assert endpoint_from_name("db").relations.keys() == ["db:1"]


def test_triggers_are_registered_before_the_flags_change(charm: Any, juju: Juju) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface(
        "mysql",
        "requires",
        """
        class Requires(Endpoint):
            def register_triggers(self):
                register_trigger(when=self.expand_name("joined"), set_flag="seen.joined")
                register_trigger(when=self.expand_name("changed.host"), set_flag="seen.host")
        """,
    )
    juju.relate("db:1", "mysql", {"mysql/0": {"host": "h"}})
    charm.run("db-relation-joined", "db:1", "mysql/0")
    assert {"seen.joined", "seen.host"} <= set(charm.flags)


def test_manage_flags_is_called_in_own_hooks_and_until_joined(charm: Any, juju: Juju) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface(
        "mysql",
        "requires",
        """
        class Requires(Endpoint):
            def manage_flags(self):
                tell(sorted(f for f in get_flags() if f.startswith("endpoint.db.")))
        """,
    )
    assert charm.run("update-status") == [[]]
    juju.relate("db:1", "mysql", {"mysql/0": {"host": "h"}})
    flags = ["endpoint.db.changed", "endpoint.db.changed.host", "endpoint.db.joined"]
    assert charm.run("db-relation-joined", "db:1", "mysql/0") == [flags]
    assert charm.run("update-status") == []
    assert charm.run("other-relation-changed") == []
    assert charm.run("db-relation-changed", "db:1", "mysql/0") == [flags]


# -- departing ------------------------------------------------------------------------------------
def test_a_departing_unit_is_among_the_departed_with_its_data(db: Any, juju: Juju) -> None:
    db.run("db-relation-joined", "db:1", "mysql/0")
    del juju.relations["db:1"].units["mysql/0"]
    juju.relations["db:1"].units["mysql/0"] = {"host": "last"}  # readable to the end
    db.start("db-relation-departed", "db:1", "mysql/0")
    endpoint = endpoint_from_name("db")
    assert is_flag_set("endpoint.db.departed")
    assert is_flag_set("endpoint.db.joined")
    assert endpoint.all_departed_units.keys() == ["mysql/0"]
    assert endpoint.all_joined_units.keys() == ["mysql/1", "maria/0"]
    assert endpoint.relations["db:1"].joined_units.keys() == ["mysql/1"]
    db.finish()
    stored = json.loads(db.rows()["endpoints.departed.db"])
    assert stored == [{"relation": "db:1", "unit_name": "mysql/0", "data": {"host": "last"}}]

    del juju.relations["db:1"].units["mysql/0"]
    db.start("update-status")
    unit = endpoint_from_name("db").all_departed_units["mysql/0"]
    assert unit.received["host"] == "last"
    assert unit.relation is endpoint_from_name("db").relations["db:1"]
    assert not is_flag_set("endpoint.db.departed")
    endpoint_from_name("db").all_departed_units.clear()
    db.finish()
    assert "endpoints.departed.db" not in db.rows()


def test_a_relation_whose_last_unit_departs_is_gone_from_the_relations(db: Any, juju: Juju) -> None:
    db.run("db-relation-joined", "db:2", "maria/0")
    db.start("db-relation-departed", "db:2", "maria/0")
    endpoint = endpoint_from_name("db")
    assert endpoint.relations.keys() == ["db:1"]
    assert endpoint.all_departed_units["maria/0"].relation.relation_id == "db:2"
    db.finish()
    del juju.relations["db:2"]
    db.start("update-status")
    unit = endpoint_from_name("db").all_departed_units["maria/0"]
    assert unit.relation.relation_id == "db:2"
    assert unit.received["host"] == "h2"


def test_departed_stays_set_as_long_as_nobody_is_joined(charm: Any, juju: Juju) -> None:
    charm.metadata(requires={"db": "mysql"})
    charm.interface("mysql", "requires", PLAIN)
    juju.relate("db:1", "mysql", {"mysql/0": {}})
    charm.run("db-relation-joined", "db:1", "mysql/0")
    charm.run("db-relation-departed", "db:1", "mysql/0")
    assert charm.flags == ["endpoint.db.departed"]
    juju.relations.clear()
    charm.run("update-status")
    assert charm.flags == ["endpoint.db.departed"]
    juju.relate("db:2", "mysql", {"mysql/1": {}})
    charm.run("db-relation-joined", "db:2", "mysql/1")
    assert charm.flags == ["endpoint.db.joined"]


def test_the_departed_hook_of_a_relation_that_juju_no_longer_lists(db: Any, juju: Juju) -> None:
    db.run("db-relation-joined", "db:1", "mysql/0")
    relation = juju.relations["db:2"]
    db.enter("db-relation-departed", "db:2", "maria/0")
    hookenv.cache.clear()
    juju._tools["relation-ids"] = lambda words, _: ["db:1"]
    charms_reactive.main()
    assert relation is juju.relations["db:2"]
    assert endpoint_from_name("db").all_departed_units.keys() == ["maria/0"]


# -- applications ---------------------------------------------------------------------------------
def test_the_application_of_a_relation_without_units(db: Any, juju: Juju) -> None:
    juju.relations["db:1"].units.clear()
    db.start("update-status")
    assert endpoint_from_name("db").relations["db:1"].application_name == "mysql"
    assert juju.calls_of("relation-list")[-1] == ("--app", "-r", "db:1", "--format=json")

    db.start("db-relation-created", "db:1")
    assert endpoint_from_name("db").relations["db:1"].application_name == "mysql"
    assert not [call for call in juju.calls_of("relation-list") if "--app" in call]


def test_the_application_of_a_lonely_peer_is_our_own(charm: Any, juju: Juju) -> None:
    charm.metadata(peers={"ring": "ring"})
    charm.interface("ring", "peers", PLAIN)
    juju.relate("ring:0", "app")
    charm.start("update-status")
    assert endpoint_from_name("ring").relations[0].application_name == "app"


def test_an_old_juju_does_not_tell_the_application(db: Any, juju: Juju) -> None:
    juju.relations["db:1"].units.clear()
    juju.relations["db:1"].application = ""
    db.start("update-status")
    relation = endpoint_from_name("db").relations["db:1"]
    assert relation.application_name is None
    assert dict(relation.received_app) == {}
    assert relation.application_name is None
    assert len([call for call in juju.calls_of("relation-list") if "--app" in call]) == 1


def test_a_broken_relation_that_nobody_serves_has_no_endpoint(charm: Any) -> None:
    assert Relation._deserialize("gone:7").endpoint is None


# -- processes ------------------------------------------------------------------------------------
def test_each_hook_asks_juju_only_what_it_needs(db: Any, juju: Juju) -> None:
    def asked() -> Any:
        counted = juju.count()
        counted.pop("juju-log")
        return counted

    db.run("db-relation-joined", "db:1", "mysql/0")
    assert asked() == {"relation-ids": 1, "relation-list": 2, "relation-get": 3}
    db.run("db-relation-changed", "db:1", "mysql/0")
    assert asked() == {"relation-ids": 1, "relation-list": 2, "relation-get": 3}
    db.run("update-status")
    assert asked() == {"relation-ids": 1, "relation-list": 2}


def test_data_is_read_where_joined_was_not_set_before(db: Any, juju: Juju) -> None:
    db.run("upgrade-charm")
    assert juju.count("relation-get") == 3
    assert "endpoint.db.changed.host" in db.flags


def test_handlers_of_an_interface_layer_get_their_endpoint(db: Any) -> None:
    db.interface(
        "mysql",
        "requires",
        """
        class Requires(Endpoint):
            @when("endpoint.{endpoint_name}.changed")
            def changed(self):
                tell(sorted(unit.received["host"] for unit in self.all_joined_units))
                clear_flag(self.expand_name("changed"))
        """,
    )
    assert db.run("db-relation-changed", "db:1", "mysql/0") == [["h0", "h1", "h2"]]
    assert "endpoint.db.changed" not in db.flags


def test_units_are_in_order_of_relation_and_name() -> None:
    class Unit:
        def __init__(self, relation_id: str, unit_name: str) -> None:
            self.relation = Relation(relation_id)
            self.unit_name = unit_name

    units = [Unit("db:2", "a/0"), Unit("db:1", "b/1"), Unit("db:1", "a/0")]
    view = CombinedUnitsView(unit for unit in units)  # type: ignore[misc]
    order: List[Any] = [(unit.relation.relation_id, unit.unit_name) for unit in view]
    assert order == [("db:1", "a/0"), ("db:1", "b/1"), ("db:2", "a/0")]
    assert view["a/0"] is units[2]


def test_clearing_a_changed_flag_lasts_until_the_next_change(db: Any, juju: Juju) -> None:
    db.run("db-relation-changed", "db:1", "mysql/0")
    db.start("update-status")
    clear_flag("endpoint.db.changed")
    clear_flag("endpoint.db.changed.host")
    db.finish()
    db.run("db-relation-changed", "db:1", "mysql/0")
    assert db.flags == ["endpoint.db.joined"]
    juju.relations["db:2"].units["maria/0"]["host"] = "other"
    db.run("db-relation-changed", "db:2", "maria/0")
    assert db.flags == ["endpoint.db.changed", "endpoint.db.changed.host", "endpoint.db.joined"]


# -- the charm's metadata --------------------------------------------------------------------------
def test_metadata_is_read_ahead_of_hookenv(charm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    charm.metadata(requires={"db": "mysql"})
    expected = {"name": "app", "requires": {"db": {"interface": "mysql"}}}
    with monkeypatch.context() as patches:
        patches.setattr(yaml, "safe_load", None)  # which hookenv would use
        charm.run("update-status")
        assert hookenv.metadata() == expected
    hookenv.cache.clear()
    assert hookenv.metadata() == expected


def test_metadata_that_cannot_be_read_is_left_to_hookenv(charm: Any) -> None:
    """Its failure is explained, and stays the cause."""
    charm.write("metadata.yaml", "name: [")
    with pytest.raises(CharmMetadataError, match=r"metadata\.yaml: it is not YAML: ") as caught:
        charm.run("update-status")
    assert isinstance(caught.value.__cause__, yaml.YAMLError)


def test_in_an_action_an_endpoint_is_there_before_main(db: Any, juju: Juju) -> None:
    db.enter("", JUJU_ACTION_NAME="backup", JUJU_CONTEXT_ID="app/0-backup-1")
    endpoint = endpoint_from_name("db")
    assert endpoint.all_joined_units.keys() == ["mysql/0", "mysql/1", "maria/0"]
    assert endpoint_from_name("db") is endpoint
    set_flag("db.ready")
    assert endpoint_from_flag("db.ready") is endpoint
    assert endpoint_from_name("nothing") is None


def test_what_it_publishes_before_main_is_published_by_main(db: Any, juju: Juju) -> None:
    db.enter("", JUJU_ACTION_NAME="backup", JUJU_CONTEXT_ID="app/0-backup-1")
    endpoint = endpoint_from_name("db")
    endpoint.relations["db:1"].to_publish_raw["dump"] = "now"
    charms_reactive.main()
    assert endpoint_from_name("db") is endpoint
    assert juju.relations["db:1"].local_unit["dump"] == "now"


def test_without_hook_tools_none_is_made(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a unit test or a cron job nobody would answer."""
    monkeypatch.delenv("JUJU_CONTEXT_ID", raising=False)
    db.enter("")
    assert endpoint_from_name("db") is None
