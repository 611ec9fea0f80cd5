"""Charms change, records stay: fields come and go, a bad row stays alone, a downgrade loses nothing."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest
from charmhelpers.core import unitdata

from charms_reactive._juju import juju_log
from charms_reactive._unit_state import unit_state
from charms_reactive.errors import RecordError, RecordFieldError
from charms_reactive.records import Record
from framework.support import Framework

PREFIX = "reactive.records.Site."


class Site(Record, key="host", name="Site"):
    host: str
    port: int = 80


class Newer(Record, key="host", name="Site", index="ports"):
    host: str
    ports: str
    owner: str = "nobody"
    note: Any = None

    @classmethod
    def migrate(cls, stored: Dict[str, Any]) -> Dict[str, Any]:
        if "port" in stored:
            stored["ports"] = "%d" % stored.pop("port")
        return stored


@pytest.fixture
def log(charm: Framework, monkeypatch: pytest.MonkeyPatch) -> List[Tuple[str, str]]:
    """What is said, as pairs of level and words."""
    said: List[Tuple[str, str]] = []
    monkeypatch.setattr(
        juju_log, "log", lambda message, level=juju_log.INFO, *_: said.append((str(level), message))
    )
    return said


def test_what_a_migration_changes_is_kept() -> None:
    Site.create(host="a", port=8080)
    assert Newer.get("a").ports == "8080"
    assert unit_state.unit.get(PREFIX + "a") == {"host": "a", "ports": "8080"}
    unit_state.unit.rollback()
    assert unit_state.unit.get(PREFIX + "a") is None


def test_all_are_migrated_once_and_found_by_an_index() -> None:
    for number in range(3):
        Site.create(host="h%d" % number, port=number)
    assert [site.host for site in Newer.filter(ports="1")] == ["h1"]
    assert all("ports" in row for row in unit_state.unit.getrange(PREFIX).values())
    before = unitdata.kv().conn.total_changes
    assert [site.host for site in Newer.filter(ports="2")] == ["h2"]
    assert len(Newer.all()) == 3
    assert unitdata.kv().conn.total_changes == before


def test_who_only_looks_outside_of_a_hook_migrates_for_itself() -> None:
    Site.create(host="a", port=8080)
    unit_state.unit.commit()
    assert (
        [site.ports for site in Newer.all()]
        == [site.ports for site in Newer.filter(ports="8080")]
        == ["8080"]
    )
    assert not unitdata.kv().conn.in_transaction
    assert unit_state.unit.get(PREFIX + "a") == {"host": "a", "port": 8080}


def test_a_migration_that_does_not_make_a_record_of_it_changes_nothing() -> None:
    class Wrong(Record, key="host", name="Site"):
        host: str
        ports: List[int]

        @classmethod
        def migrate(cls, stored: Dict[str, Any]) -> Dict[str, Any]:
            stored["ports"] = str(stored.pop("port"))
            return stored

    class Raises(Record, key="host", name="Site"):
        host: str

        @classmethod
        def migrate(cls, stored: Dict[str, Any]) -> Dict[str, Any]:
            raise KeyError(stored["host"])

    Site.create(host="a")
    with pytest.raises(RecordFieldError, match=r"Wrong: field ports: .*migrate"):
        Wrong.get("a")
    with pytest.raises(RecordError, match=r"Raises: migrate\(\) raised KeyError$") as caught:
        Raises.get("a")
    assert isinstance(caught.value.__cause__, KeyError)
    assert unit_state.unit.get(PREFIX + "a") == {"host": "a", "port": 80}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('{"host": "bad", "port": "http"}', "Site: field port: .*it takes int, and not str; migrate"),
        ('{"port": 1}', "Site: field host: it has no value and no default; it takes str; migrate"),
        ("[1]", "Site: the row of a record holds list"),
        ("{", "Site: the row of a record is not JSON"),
        ("", "Site: the row of a record is not JSON"),
    ],
)
def test_a_bad_row_does_not_take_the_others_away(log: List[Tuple[str, str]], row: str, words: str) -> None:
    Site.create(host="a")
    Site.create(host="z")
    unitdata.kv().conn.execute("INSERT INTO kv (key, data) VALUES (?, ?)", (PREFIX + "bad", row))
    for _ in range(2):
        assert [site.host for site in Site.all()] == ["a", "z"]
        assert [site.host for site in Site.filter(port=80)] == ["a", "z"]
        assert [site.host for site in Site.where().order_by("-host")] == ["z", "a"]
    told = [message for level, message in log if level == "ERROR"]
    assert len(told) == 1
    assert told[0].startswith("a record is left out, as it cannot be read: Site: ")
    assert "bad" not in told[0]
    with pytest.raises(RecordError, match=words) as caught:
        Site.get("bad")
    assert caught.value.key == "bad"
    assert Site.delete_by_key("bad")
    assert len(unit_state.unit.getrange(PREFIX)) == 2


def test_in_strict_mode_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    unit_state.unit.set(PREFIX + "bad", {"host": 1})
    monkeypatch.setenv("CHARMS_REACTIVE_STRICT", "1")
    with pytest.raises(RecordFieldError):
        Site.all()


def test_a_downgrade_loses_nothing_that_it_does_not_know() -> None:
    Newer.create(host="a", ports="1 2", owner="me", note=[1])
    unit_state.unit.set(PREFIX + "b", {"host": "b", "owner": "you", "note": None})
    for host in "ab":
        site = Site.get(host)
        site.port = 443
        site.save()
        site.port = 444
        site.save()
        assert Site.get(host).port == 444
    assert unit_state.unit.getrange(PREFIX) == {
        "a": {"host": "a", "ports": "1 2", "owner": "me", "note": [1], "port": 444},
        "b": {"host": "b", "owner": "you", "note": None, "port": 444},
    }


def test_rows_of_an_earlier_1_6_are_read_and_written_as_they_were() -> None:
    text = '{"host": "a", "port": 80}'
    unitdata.kv().conn.execute("INSERT INTO kv (key, data) VALUES (?, ?)", (PREFIX + "a", text))
    site = Site.get("a")
    site.port = 81
    site.save()
    ((data,),) = unitdata.kv().conn.execute("SELECT data FROM kv WHERE key = ?", (PREFIX + "a",))
    assert data == '{"host": "a", "port": 81}'
    odd = '{"port":80,   "host":"b"}'
    unitdata.kv().conn.execute("INSERT INTO kv (key, data) VALUES (?, ?)", (PREFIX + "b", odd))
    other = Site.get("b")
    other.save()
    other.port = 82
    other.save()
    assert (Site.get("b").port, other.port) == (82, 82)
