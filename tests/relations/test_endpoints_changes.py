"""How changes of relation data are found, remembered and cleaned up, whatever the other side sends."""

from __future__ import annotations

import hashlib
import json
from random import Random
from typing import Any, Dict, List

import pytest
from charmhelpers.core import unitdata
from fakes import Juju

from charms_reactive import clear_flag, endpoint_from_name
from charms_reactive._juju.relation_data import decode
from charms_reactive._relations.seen_data import _changed_hashes
from charms_reactive._unit_state import unit_state

PREFIX = "reactive.data_changed.endpoint.db."
SEEN = "reactive.endpoints.seen.db"


def md5(value: object) -> str:
    """The hash that charms.reactive has always stored."""
    return hashlib.md5(json.dumps(value, sort_keys=True).encode()).hexdigest()


@pytest.fixture
def db(charm: Any, juju: Juju) -> Any:
    charm.metadata(requires={"db": "mysql"})
    charm.interface("mysql", "requires", "class Requires(Endpoint):\n    pass\n")
    juju.relate("db:1", "mysql", {"mysql/0": {"host": "h0", "ports": '{"b": 1, "a": [2]}'}})
    return charm


def hashes(charm: Any) -> Dict[str, Any]:
    return {key: json.loads(data) for key, data in charm.rows(PREFIX).items()}


def changed(charm: Any, hook: str = "changed", relation: str = "db:1", unit: str = "mysql/0") -> List[str]:
    """Run a relation hook from where no ``changed`` flag is set; returns the keys that it found."""
    charm.enter("update-status")
    for flag in charm.flags:
        if flag.startswith("endpoint.db.changed"):
            clear_flag(flag)
    unit_state.unit.commit()
    charm.run("db-relation-" + hook, relation, unit or None)
    begin = "endpoint.db.changed"
    found = [flag[len(begin) :] for flag in charm.flags if flag.startswith(begin)]
    assert not found or found[0] == ""
    return [key[1:] for key in found[1:]]


def test_hashes_are_stored_as_ever(db: Any) -> None:
    db.run("db-relation-changed", "db:1", "mysql/0")
    assert hashes(db) == {"db:1.mysql/0.host": md5("h0"), "db:1.mysql/0.ports": md5({"a": [2], "b": 1})}


def test_hashes_of_an_earlier_version_are_taken_over(db: Any) -> None:
    for key, value in {"db:1.mysql/0.host": "h0", "db:1.mysql/0.ports": {"a": [2], "b": 1}}.items():
        unit_state.unit.set(PREFIX + key, md5(value))
    unit_state.unit.commit()
    db.run("db-relation-changed", "db:1", "mysql/0")
    assert db.flags == ["endpoint.db.joined"]


def test_a_key_that_changes_comes_or_goes_is_changed(db: Any, juju: Juju) -> None:
    data = juju.relations["db:1"].units["mysql/0"]
    assert changed(db) == ["host", "ports"]
    assert changed(db) == []
    data["host"] = "other"
    assert changed(db) == ["host"]
    data["ports"] = '{"a": [2],   "b": 1}'  # the same, written otherwise
    assert changed(db) == []
    data["user"] = "me"
    assert changed(db) == ["user"]
    del data["user"]
    assert changed(db) == ["user"]
    assert sorted(hashes(db)) == ["db:1.mysql/0.host", "db:1.mysql/0.ports"]
    assert changed(db) == []


def test_changes_are_told_apart_by_relation_unit_and_key(db: Any, juju: Juju) -> None:
    juju.relate("db:2", "mysql", {"mysql/0": {"host": "h0"}})
    assert "host" in changed(db)
    juju.relations["db:2"].units["mysql/0"]["host"] = "h2"
    assert changed(db) == ["host"]
    assert hashes(db)["db:1.mysql/0.host"] == md5("h0")
    assert hashes(db)["db:2.mysql/0.host"] == md5("h2")


@pytest.fixture
def accesses(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """What is read and written of the hashes and of what stands beside them, each with ``<`` or ``>``."""
    noted: List[str] = []
    unit = unit_state.unit

    def note(name: str, sign: str) -> None:
        method = getattr(unit, name)

        def noting(key: str, *rest: Any) -> Any:
            if key.startswith(("reactive.data_changed.", "reactive.endpoints.seen.")):
                noted.append(sign + key)
            return method(key, *rest)

        monkeypatch.setattr(unit, name, noting)

    for name, sign in {"get": "<", "getrange": "<", "set": ">", "unset": ">"}.items():
        note(name, sign)
    return noted


def test_no_hash_is_read_or_written_where_nothing_changed(db: Any, accesses: List[str]) -> None:
    db.run("db-relation-changed", "db:1", "mysql/0")
    assert accesses[:2] == ["<" + SEEN, "<" + PREFIX]
    accesses.clear()
    db.run("db-relation-changed", "db:1", "mysql/0")
    assert accesses == ["<" + SEEN]


def test_only_what_differs_is_read_and_written(db: Any, juju: Juju, accesses: List[str]) -> None:
    juju.relations["db:1"].units["mysql/1"] = {"host": "h1", "port": "1"}
    changed(db)
    accesses.clear()
    juju.relations["db:1"].units["mysql/1"]["host"] = "other"
    assert changed(db) == ["host"]
    place = PREFIX + "db:1.mysql/1."
    assert accesses == ["<" + SEEN, "<" + place, ">" + place + "host", ">" + SEEN]
    accesses.clear()
    assert changed(db) == []
    assert accesses == ["<" + SEEN]


def test_hashes_that_somebody_else_wrote_are_compared(db: Any) -> None:
    changed(db)
    unit_state.unit.set(PREFIX + "db:1.mysql/0.host", md5("what 1.5.x has seen meanwhile"))
    unit_state.unit.commit()
    assert changed(db) == ["host"]
    assert changed(db) == []


def test_hashes_that_a_charm_deleted_are_missed(db: Any) -> None:
    changed(db)
    unitdata.kv().unsetrange(prefix="reactive.data_changed.")
    unit_state.unit.commit()
    assert changed(db) == ["host", "ports"]
    assert hashes(db) == {"db:1.mysql/0.host": md5("h0"), "db:1.mysql/0.ports": md5({"a": [2], "b": 1})}


@pytest.mark.parametrize("noted", [None, [], "text", {}, {"hashes": "x", "data": {}}, {"hashes": 1}])
def test_what_is_noted_of_the_hashes_may_be_anything(db: Any, noted: object) -> None:
    changed(db)
    unit_state.unit.set(SEEN, noted)
    unit_state.unit.commit()
    assert changed(db) == []


def test_an_application_out_of_sight_is_forgotten_with_its_relation(db: Any, juju: Juju) -> None:
    juju.relations["db:1"].application_data["v"] = "1"
    changed(db, unit="")
    unit_state.unit.set(PREFIX + "db:1.mysql/0.host", md5("other"))  # so that all is compared anew
    unit_state.unit.commit()
    assert changed(db) == ["host"]
    assert changed(db, unit="") == []
    juju.relations["db:1"].application_data["v"] = "2"
    assert changed(db, unit="") == ["v"]
    changed(db, "departed")
    juju.relations["db:1"].units.clear()
    assert changed(db, "broken", unit="") == []
    assert hashes(db) == {}
    assert db.rows("reactive.endpoints.seen.") == {}


@pytest.mark.parametrize("seed", range(5))
def test_what_is_noted_changes_no_result(db: Any, juju: Juju, seed: int) -> None:
    # The same hooks, with all hashes read each time, must find and leave the same.
    random = Random(seed)
    changed(db)
    units = juju.relations["db:1"].units
    for _ in range(25):
        bag = units.setdefault("mysql/%d" % random.randrange(3), {})
        for _ in range(random.randrange(3)):
            key = random.choice("abc")
            bag.pop(key, None)
            if random.random() < 0.8:
                bag[key] = random.choice(["1", '"1"', "x", "y", '{"a":1}', "{"])
        if random.random() < 0.2:
            units.pop(random.choice(sorted(units)))
        if random.random() < 0.2 and hashes(db):
            unit_state.unit.set(PREFIX + random.choice(sorted(hashes(db))), md5(random.choice("xy")))
            unit_state.unit.commit()
        stored = hashes(db)
        now = {
            "db:1.%s.%s" % (unit, key): md5(decode(text))
            for unit, bag in units.items()
            for key, text in bag.items()
        }
        gone = {row for row in stored.keys() - now.keys() if row.split(".")[1] in units}
        differing = {row for row in now if now[row] != stored.get(row)}
        assert changed(db, unit="mysql/9") == sorted({row.split(".")[2] for row in differing | gone})
        assert hashes(db) == now


TEXTS = (
    ["", "h", '"h"', "1", '"1"', "1.0", "01", "-", "- 1", "tru", "true", '"true"', "null", '"null"', "NaN"]
    + ['{"a": 1}', '{"a":1}', ' {"a": 1}', '"{\\"a\\": 1}"', "[1, 2]", "[1,2]", "[1, 2", "\t[1, 2]"]
    + ["\xe9", '"\xe9"', '"\\u00e9"', '"\\u00E9"', "\ufeff1", "Infinity", "Inf", "it's", 'say "x"', "a\tb"]
)


def test_a_value_counts_and_not_how_it_is_written() -> None:
    # Comparing takes short cuts; whatever was there before, they must come to the same result.
    for before in TEXTS:
        stored = md5(decode(before))
        for text in TEXTS:
            digest = md5(decode(text))
            expected = [] if digest == stored else [("k", stored, digest)]
            found = _changed_hashes({"k": text}, "place.", {"place.k": stored})
            assert list(found) == expected, (before, text)


# -- cleaning up ----------------------------------------------------------------------------------
def test_hashes_of_a_departed_unit_go_and_tell_nothing(db: Any, juju: Juju) -> None:
    juju.relations["db:1"].units["mysql/1"] = {"host": "h1"}
    changed(db)
    assert "db:1.mysql/1.host" in hashes(db)
    assert changed(db, "departed", unit="mysql/1") == []
    assert sorted(hashes(db)) == ["db:1.mysql/0.host", "db:1.mysql/0.ports"]


def test_hashes_of_a_broken_relation_go(db: Any, juju: Juju) -> None:
    juju.relations["db:1"].application_data["v"] = "1"
    changed(db)
    changed(db, unit="")
    assert "db:1.mysql.v" in hashes(db)
    changed(db, "departed")
    juju.relations["db:1"].units.clear()
    assert changed(db, "broken", unit="") == []
    assert hashes(db) == {}


def test_hashes_that_an_earlier_version_left_behind_go(db: Any) -> None:
    unit_state.unit.set(PREFIX + "db:0.old/3.host", md5("x"))
    unit_state.unit.commit()
    changed(db)
    assert "db:0.old/3.host" not in hashes(db)


def test_a_charms_own_ids_beside_ours_stay(db: Any) -> None:
    own = ["ready", "other.thing", "db:1", "db:1.requests"]
    for key in own:
        unit_state.unit.set(PREFIX + key, md5("x"))
    unit_state.unit.set("reactive.data_changed.endpoint.db2.db2:1.mysql/0.host", md5("x"))
    unit_state.unit.commit()
    changed(db)
    assert set(own) <= set(hashes(db))
    assert "reactive.data_changed.endpoint.db2.db2:1.mysql/0.host" in db.rows("")


# -- data of applications -------------------------------------------------------------------------
def test_data_of_an_application_is_looked_at_when_juju_announces_it(db: Any, juju: Juju) -> None:
    juju.relations["db:1"].application_data["version"] = '"8"'
    assert "version" not in changed(db)
    asked = juju.count("relation-get")
    assert changed(db, unit="") == ["version"]
    assert juju.count("relation-get") == asked + 1
    assert hashes(db)["db:1.mysql.version"] == md5("8")
    assert changed(db, unit="") == []
    juju.relations["db:1"].application_data["version"] = '"9"'
    assert changed(db) == []  # a unit's hook
    assert changed(db, unit="") == ["version"]
    juju.relations["db:1"].application_data.clear()
    assert changed(db, unit="") == ["version"]
    assert "db:1.mysql.version" not in hashes(db)


def test_data_of_the_peers_application(charm: Any, juju: Juju) -> None:
    juju.leader = False
    charm.metadata(peers={"db": "ring"})
    charm.interface("ring", "peers", "class Peers(Endpoint):\n    pass\n")
    juju.relate("db:0", "app", {"app/1": {}}).local_application["token"] = '"t"'
    assert changed(charm, "changed", "db:0", "") == ["token"]
    assert endpoint_from_name("db").relations[0].received_app["token"] == "t"


# -- untrusted data -------------------------------------------------------------------------------
DEEP = "[" * 100000 + "]" * 100000
NASTY = {
    "__class__": "x",
    "{endpoint_name}": "{endpoint_name}",
    "{0.__class__}": "{0}",
    "%s%d%(x)s": "%s %n",
    "quote'\"`;--": "'; DROP TABLE kv; --",
    "dots.in.key": "1",
    " ": " ",
    "line\nbreak": "\n",
    "nul\x00byte": "\x00",
    "caf\xe9\u2028\U0001f600": "\U0001f600",
    "half\ud800": '"\\ud800"',
    "invalid": "{not json",
    "deep": DEEP,
    "number": "9" * 10000,
    "nan": "NaN",
    "large": '"%s"' % ("x" * 1000000),
    "python": "__import__('os').system('false')",
}


def test_keys_and_values_of_any_content_are_only_data(db: Any, juju: Juju) -> None:
    juju.relations["db:1"].units["mysql/0"] = dict(NASTY)
    juju.relations["db:1"].application_data = dict(NASTY)
    expected = sorted(key.replace("\ud800", "\\ud800") for key in NASTY)
    first = changed(db)
    assert sorted(first) == expected
    assert not [flag for flag in db.flags if not flag.startswith("endpoint.db.")]
    assert changed(db) == []
    assert sorted(changed(db, unit="")) == expected
    received = endpoint_from_name("db").all_joined_units.received
    assert received["deep"] == DEEP
    assert received["number"] == "9" * 10000 or received["number"] == int("9" * 10000)
    assert received["invalid"] == "{not json"
    assert received["__class__"] == "x"
    juju.relations["db:1"].units["mysql/0"] = {}
    assert sorted(changed(db)) == expected


def test_nesting_that_can_be_read_but_not_written_again(db: Any, juju: Juju) -> None:
    # Around the depth at which either json.loads or json.dumps gives up.
    for depth in range(900, 1001, 20):
        juju.relations["db:1"].units["mysql/0"]["deep%d" % depth] = "[" * depth + "]" * depth
    assert len(changed(db)) == 8
    assert changed(db) == []


def test_a_departed_units_nasty_data_is_kept_as_it_is(db: Any, juju: Juju) -> None:
    data = {key: value for key, value in NASTY.items() if "\ud800" not in key}
    juju.relations["db:1"].units["mysql/0"] = dict(data)
    changed(db)
    changed(db, "departed")
    db.start("update-status")
    assert dict(endpoint_from_name("db").all_departed_units["mysql/0"].received_raw) == data
