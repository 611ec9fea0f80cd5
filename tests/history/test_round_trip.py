"""Each hook of many charms: written down with what it was given, and run again from that, to the same end.

The unit runs with the setting ``full``. After each hook the state that it has written down is given to
another unit of the same charm, which runs the hook again. Compared are the handlers in order, each change of
a flag, the error, and what the hook has written: flags, rows, published data, status. What differs is listed
in :data:`EXPLAINED`, and an entry there that does not differ fails, too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Set, Tuple

import pytest

from charms_reactive._history import past
from charms_reactive._history.past import Hook, Place
from charms_reactive.testing import Relation, SimulatedUnit, State, Storage, Unit
from charms_reactive.testing._terminal import replay
from charms_reactive.testing._unit.charm import Charm
from charms_reactive.testing._unit.disk import deployed
from charms_reactive.testing._unit.state import thawed

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "charms"))

import scenario  # noqa: E402 -- it stands beside the charms

pytestmark = pytest.mark.long

#: What differs when a hook runs again, and why: the charm, and a part of what is found.
EXPLAINED: Dict[Tuple[str, str], str] = {
    ("automatic", "status: "): "in restricted hooks Juju does not tell the unit its status",
    ("requester", "<random id "): "a request is made with a new id",
    (
        "shell",
        "row reactive.shell.",
    ): "what a script declares is kept with the times and numbers of its files",
}


class Wrote(NamedTuple):
    """What a hook has left behind."""

    flags: Mapping[str, Any]
    rows: Mapping[str, Any]
    data: Mapping[str, Mapping[str, str]]
    status: str


def differences(there: Wrote, here: State, unit: str) -> List[str]:
    """What a hook has written otherwise when it ran again."""
    found = []
    if set(there.flags) != here.flags:
        found.append("flags: %s" % sorted(set(there.flags) ^ here.flags))
    theirs, ours = (_without_place(rows, unit) for rows in (there.rows, here.stored))
    found += ["row %s" % key for key in sorted({*ours, *theirs}) if theirs.get(key) != ours.get(key)]
    for relation in here.relations:
        said, says = (
            {key: value for key, value in bag.items() if key not in _OF_JUJU}
            for bag in (there.data.get(relation.id, {}), relation.local)
        )
        if said != says:
            found.append("data of %s: %s and %s" % (relation.id, said, says))
    if there.status != str(here.unit_status):
        found.append("status: %s and %s" % (there.status, here.unit_status))
    return found


def _without_place(rows: Mapping[str, Any], unit: str) -> Dict[str, str]:
    """Rows as text, wherever the charm directory is."""
    text = json.dumps({key: json.dumps(thawed(value), sort_keys=True) for key, value in rows.items()})
    found: Dict[str, str] = json.loads(text.replace(deployed(unit), "$CHARM_DIR"))
    return found


_OF_JUJU = ("egress-subnets", "ingress-address", "private-address")


def again(hook: Hook, charm_dir: Path) -> replay.Replayed:
    """Run a hook once more from what it has written down."""
    assert hook.given.get("state"), "%s was given nothing" % hook.name
    environment = {
        "PYTHONPATH": str(scenario.CHARMS / "common"),
        "CHARMS_REACTIVE_HISTORY": "0",
    }
    return replay.again(hook, hook.given["state"], Charm(charm_dir), environment=environment)


class Differences:
    """What was found of one charm.

    Args:
        charm: its name.
    """

    def __init__(self, charm: str) -> None:
        self._parts = {part for (of, part) in EXPLAINED if of == charm}
        self._seen: Set[str] = set()

    def check(self, hook: str, found: Sequence[str]) -> None:
        """Each has an explanation."""
        for one in found:
            parts = {part for part in self._parts if part in one}
            assert parts, "%s: %s" % (hook, one)
            self._seen |= parts

    def end(self) -> None:
        """And each explanation was needed."""
        assert self._seen == self._parts


@pytest.mark.parametrize("charm", scenario.charms(), ids=[charm.name for charm in scenario.charms()])
def test_charms_that_are_compared_with_1_5(
    charm: Path, engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARMS_REACTIVE_ENGINE", engine_name)
    hooks, differences_of = 0, Differences(charm.name)
    environment = {"CHARMS_REACTIVE_HISTORY": "full"}
    for seen in scenario.play(charm, tmp_path, environment=environment, in_process=True):
        hooks += 1
        hook = past.read(Place.of(tmp_path / "charm"))[-1]
        assert hook.name in seen.label
        done = again(hook, tmp_path / "charm")
        prefix = "reactive.states."
        rows = {key: value for key, value in seen.rows.items() if not key.startswith(prefix)}
        data = {relation: bag for (relation, whose), bag in seen.data.items() if whose == hook.unit}
        there = Wrote(seen.flags, rows, data, seen.status["unit"])
        found = list(done.differences)
        if done.outcome.succeeded:  # of one that failed nothing is left
            found += differences(there, done.outcome.state, hook.unit)
        differences_of.check(seen.label, found)
    assert hooks >= 4
    differences_of.end()


# -- five more -------------------------------------------------------------------------------------------
HEAD = """
from charmhelpers.core import hookenv
from charms.reactive import *
from charms.reactive import action
"""

CHARMS: Dict[str, Dict[str, str]] = {
    "failing": {
        "metadata.yaml": "name: app\n",
        "config.yaml": "options:\n  port: {type: int, default: 80}\n",
        "reactive/app.py": HEAD
        + """
register_trigger(when="config.changed.port", clear_flag="app.configured")

@when_not("app.configured")
def configure():
    set_flag("app.seen")
    if hookenv.config("port") > 65535:
        raise ValueError("there is no port %d" % hookenv.config("port"))
    hookenv.open_port(hookenv.config("port"))
    set_flag("app.configured")

@hook("update-status")
def ends():
    raise SystemExit(3)
""",
    },
    "events and records": {
        "metadata.yaml": "name: app\n",
        "reactive/app.py": HEAD
        + """
from charms.reactive.events import Event, emit_event, handle_event
from charms.reactive.records import Record

class Account(Record, key="name"):
    name: str
    used: int = 0

class Used(Event):
    name: str

@handle_event(Used)
def count(event):
    account = Account.get(event.name)
    account.used += 1
    account.save()
    toggle_flag("app.often", account.used > 1)

@hook("install")
def make():
    Account.create(name="a")

@when_not("never")
def use():
    if Account.all():
        emit_event(Used, name="a")
""",
    },
    "peers and leaders": {
        "metadata.yaml": "name: app\npeers:\n  ring: {interface: ring}\n",
        "reactive/app.py": HEAD
        + """
@when("leadership.is_leader")
@when_not("app.led")
def lead():
    hookenv.leader_set(motto="ours")
    set_flag("app.led")

@hook("ring-relation-{joined,changed}")
def meet():
    for unit in hookenv.related_units():
        toggle_flag("met.%s" % unit.replace("/", "-"), hookenv.relation_get("ready", unit) == "yes")
    hookenv.relation_set(seen=str(len(hookenv.related_units())))

@hook("ring-relation-departed")
def part():
    clear_flag("met.%s" % hookenv.remote_unit().replace("/", "-"))
""",
    },
    "storage, secrets and actions": {
        "metadata.yaml": "name: app\nstorage:\n  data: {type: filesystem}\n",
        "actions.yaml": "backup: {params: {to: {type: string, default: there}}}\n",
        "reactive/app.py": HEAD
        + """
import subprocess

@hook("data-storage-attached")
def attached():
    set_flag("data.at.%s" % hookenv.storage_get("location").strip("/").replace("/", "."))

@hook("start")
def secret():
    subprocess.run(["secret-add", "password=x1234567890", "--label", "mine"], check=True, stdout=-3)
    set_flag("app.secret")

@action("backup")
def backup():
    set_flag("backed.up.%s" % hookenv.action_get("to"))
""",
    },
    "files, and what is done once": {
        "metadata.yaml": "name: app\n",
        "app.conf": "one\n",
        "reactive/app.py": HEAD
        + """
@when_file_changed("app.conf")
def render():
    set_flag("app.rendered")

@only_once
def once():
    set_flag("app.once")

@hook("update-status")
def data():
    toggle_flag("app.new", data_changed("key", hookenv.config()))
    clear_flag("app.rendered")
""",
    },
}


def lives(name: str, unit: SimulatedUnit) -> Iterator[Any]:
    """Each hook of a charm's life, run."""
    yield unit.run("install")
    if name == "failing":
        unit.set_config(port=80800)
        for hook in ("config-changed", "config-changed", "update-status"):
            yield unit.run(hook)
        unit.set_config(port=8080)
        yield unit.run("config-changed")
    elif name == "peers and leaders":
        ring = unit.add_relation("ring", "app", {"app/1": {"ready": "yes"}})
        yield unit.run_relation(ring, "joined", "app/1")
        unit.set_relation_data(ring, "app/1", {"ready": "no"})
        yield unit.run_relation(ring, "changed", "app/1")
        unit.leader = False
        yield unit.run("update-status")
        yield unit.run_relation(ring, "departed", "app/1")
    elif name == "storage, secrets and actions":
        unit.load(unit.dump().replace(storages=[Storage("data")]))
        yield unit.run("data-storage-attached", JUJU_STORAGE_ID="data/0")
        yield unit.run("start")
        yield unit.run_action("backup")
        yield unit.run_action("backup", {"to": "elsewhere"})
        yield unit.run("update-status")
    else:
        for hook in ("start", "update-status", "update-status"):
            yield unit.run(hook)


@pytest.mark.parametrize("name", list(CHARMS))
def test_five_more(name: str, engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARMS_REACTIVE_ENGINE", engine_name)
    for path, text in CHARMS[name].items():
        (tmp_path / "app" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "app" / path).write_text(text)
    unit = SimulatedUnit(
        tmp_path / "app",
        tmp_path / "unit",
        environment={"CHARMS_REACTIVE_HISTORY": "full"},
        in_process=True,
    )
    ends = []
    for run in lives(name, unit):
        hook = past.read(Place.of(unit.charm_dir))[-1]
        assert hook.name == run.name
        done = again(hook, unit.charm_dir)
        found = list(done.differences)
        if done.outcome.succeeded:
            after = unit.dump()
            data = {relation.id: relation.local for relation in after.relations}
            there = Wrote(dict.fromkeys(after.flags), after.stored, data, str(run.status))
            found += differences(there, done.outcome.state, unit.name)
        assert found == []
        ends.append(hook.end)
    assert len(ends) >= 4
    if name == "failing":
        assert ends == ["succeeded", "failed", "failed", "failed", "succeeded"]


def test_a_unit_in_another_process_writes_the_same(tmp_path: Path) -> None:
    """What a hook is given over an agent's socket is what it is given here."""
    (tmp_path / "app" / "reactive").mkdir(parents=True)
    (tmp_path / "app" / "metadata.yaml").write_text("name: app\nrequires:\n  db: {interface: sql}\n")
    (tmp_path / "app" / "reactive" / "app.py").write_text("")
    relation = Relation("db", "sql", {0: {"host": "h"}}, data={"a": "b"}, local={"c": "d"})
    stored = {"file": "/var/lib/juju/agents/unit-app-0/charm/file"}  # wherever the charm is
    given = State(relations=[relation], stored=stored)
    states = []
    for in_process in (True, False):
        unit = Unit(tmp_path / "app", in_process=in_process, environment={"CHARMS_REACTIVE_HISTORY": "full"})
        assert unit.run("db-relation-changed", given).succeeded
        states.append(past.read(Place.of(unit._unit.charm_dir))[-1].given["state"])
    assert states[0] == states[1]
    assert State.from_json(states[0]).relations == given.relations
    assert State.from_json(states[0]).stored["file"] == stored["file"]
