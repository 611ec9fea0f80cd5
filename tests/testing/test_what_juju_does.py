"""What Juju does by itself around the hooks of a unit, at both speeds.

Statuses, results of actions and queued hooks were read in juju/juju's internal/worker/uniter
(operation/runhook.go 10a68261, runner/runner.go 27dafee5, runner/context/context.go 43dad489), and not seen
on a unit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest

from charms_reactive.testing import (
    Charm,
    CharmError,
    Model,
    Relation,
    SimulatedUnit,
    State,
    Status,
    Storage,
    Unit,
)

METADATA: Dict[str, Any] = {
    "name": "app",
    "requires": {"db": {"interface": "sql"}},
    "storage": {"data": {"type": "filesystem"}, "raw": {"type": "block"}},
    "containers": {"web": {}},
}
FILES = {"dispatch": '#!/bin/sh\neval "$COMMAND"\n', "actions/probe": "#!/bin/sh\n"}
ACTIONS = {
    "probe": {
        "params": {
            "size": {"type": "integer", "minimum": 1, "maximum": 9},
            "name": {"type": "string", "maxLength": 5},
            "kind": {"enum": ["hot", "cold"]},
            "deep": {"type": "object"},
            "list": {"type": "array"},
            "rate": {"type": "number"},
            "on": {"type": "boolean", "default": False},
        }
    }
}


@pytest.fixture(params=[True, False], ids=["in process", "processes"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Unit:
    """A unit whose hooks run the command in ``COMMAND``."""
    charm = Charm.of(tmp_path / "app", metadata=METADATA, files=FILES, actions=ACTIONS)
    return Unit(charm, in_process=request.param)


def run(one: Unit, hook: str, command: str, state: Any = None, **about: Any) -> Any:
    return one.run(hook, state, environment={"COMMAND": command}, **about)


# -- statuses ---------------------------------------------------------------------------------------
def test_statuses_that_juju_sets(unit: Unit) -> None:
    seen = "status-get --include-data --format=json"
    installed = run(unit, "install", seen)
    assert '"message":"installing charm software"' in installed.stdout
    assert installed.status == Status("maintenance", "installing charm software")
    assert installed.statuses == ()  # Those are what the charm has set.
    configured = run(unit, "config-changed", "true", installed.state)
    assert configured.changes == ()
    started = run(unit, "start", seen, configured.state)
    assert "installing charm software" in started.stdout
    assert started.status == Status("unknown")
    stopped = run(unit, "stop", seen, started.state)
    assert '"message":"stopping charm software","status":"maintenance"' in stopped.stdout
    assert stopped.status == Status("maintenance")
    removed = run(unit, "remove", seen, stopped.state)
    assert "cleaning up prior to charm deletion" in removed.stdout
    assert removed.status == Status("terminated")


def test_a_status_of_the_charm_stays(unit: Unit) -> None:
    early = State(unit_status=Status("blocked", "no disk"))
    assert run(unit, "install", "true", early).status == early.unit_status
    installed = run(unit, "install", "status-set waiting 'for peers'")
    assert run(unit, "start", "true", installed.state).status == Status("waiting", "for peers")
    assert run(unit, "start", "status-set active").status == Status("active")


def test_a_hook_that_fails_leaves_the_status_it_began_with(unit: Unit) -> None:
    failed = run(unit, "start", "exit 1")
    assert failed.state.unit_status == Status("waiting", "installing agent")
    assert run(unit, "stop", "exit 1").state.unit_status == Status("maintenance", "stopping charm software")


def test_the_application_has_the_worst_status_of_its_units(unit: Unit) -> None:
    others = {"unit-statuses": {"app/1": {"status": "blocked", "message": "no disk"}}}
    command = "status-get --application; status-get --application --include-data --format=json"
    then = run(unit, "update-status", command, State(unit_status=Status("active", "up"), juju=others))
    first, whole = then.stdout.splitlines()
    assert first == "blocked"
    assert whole.startswith('{"application-status":{"message":"no disk","status":"blocked","status-data":{},')
    assert '"app/0":{"message":"up","status":"active","status-data":{}}' in whole


# -- what departed ----------------------------------------------------------------------------------
def test_data_of_departed_units_can_be_read_as_long_as_the_relation_lasts(unit: Unit) -> None:
    given = State(relations=[Relation("db", "pg", {0: {"host": "h0"}, 1: {"host": "h1"}})])
    departed = run(unit, "db-relation-departed", "relation-get host", given, unit=1)
    assert departed.stdout == "h1\n"
    (relation,) = departed.state.relations
    assert set(relation.units) == {"pg/0"}
    assert (relation.departing, relation.departed) == ({}, {"pg/1": {"host": "h1"}})
    later = run(
        unit, "update-status", "relation-get -r db:0 host pg/1; relation-list -r db:0", departed.state
    )
    assert later.stdout == "h1\npg/0\n"
    assert State.from_json(later.state.to_json()) == later.state
    assert "pg/1" not in run(unit, "update-status", "goal-state", departed.state).stdout


# -- addresses --------------------------------------------------------------------------------------
@pytest.mark.parametrize("in_process", [True, False], ids=["in process", "processes"])
@pytest.mark.parametrize("version", ["3.6.0", "4.0.0"])
def test_remote_units_have_addresses_where_a_test_asks_for_them(
    tmp_path: Path, in_process: bool, version: str
) -> None:
    charm = Charm.of(tmp_path / "app", metadata=METADATA, files=FILES)
    given = State(relations=[Relation("db", "pg", {0: {}, 1: {"ingress-address": "10.0.0.9", "a": "b"}})])
    asked = "for unit in pg/0 pg/1; do relation-get -r db:0 --format=json - $unit; done"
    plain = Unit(charm, in_process=in_process, juju_version=version)
    assert run(plain, "update-status", asked, given).stdout.splitlines()[0] == "{}"
    unit = Unit(charm, in_process=in_process, juju_version=version, addresses=True)
    then = run(unit, "update-status", asked, given)
    first, second = map(json.loads, then.stdout.splitlines())
    keys = {"egress-subnets", "ingress-address"} | ({"private-address"} if version < "4" else set())
    assert set(first) == keys
    assert first["egress-subnets"] == first["ingress-address"] + "/32"
    assert (second["ingress-address"], second["a"], set(second)) == ("10.0.0.9", "b", keys | {"a"})
    # The state is the one that the test has given.
    assert then.state == given
    assert then.changes == ()


# -- variables --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        (
            "data-storage-attached",
            "JUJU_STORAGE_ID=data/0 JUJU_STORAGE_KIND=filesystem JUJU_STORAGE_LOCATION=/srv",
        ),
        (
            "raw-storage-detaching",
            "JUJU_STORAGE_ID=raw/1 JUJU_STORAGE_KIND=block JUJU_STORAGE_LOCATION=/dev/sdb",
        ),
        (
            "web-pebble-custom-notice",
            (
                "JUJU_NOTICE_ID=1 JUJU_NOTICE_KEY=example.com/notice JUJU_NOTICE_TYPE=custom"
                " JUJU_WORKLOAD_NAME=web"
            ),
        ),
        ("web-pebble-check-failed", "JUJU_PEBBLE_CHECK_NAME=check JUJU_WORKLOAD_NAME=web"),
        ("web-pebble-check-recovered", "JUJU_PEBBLE_CHECK_NAME=check JUJU_WORKLOAD_NAME=web"),
        ("web-pebble-ready", "JUJU_WORKLOAD_NAME=web"),
        ("pre-series-upgrade", "JUJU_TARGET_BASE=ubuntu@24.04 JUJU_TARGET_SERIES=noble"),
        ("post-series-upgrade", "JUJU_TARGET_BASE=ubuntu@24.04 JUJU_TARGET_SERIES=noble"),
    ],
)
def test_variables_of_single_hooks(unit: Unit, hook: str, expected: str) -> None:
    storages = [Storage("data", 0, "/srv"), Storage("raw", 1, "/dev/sdb", "block")]
    names = "JUJU_STORAGE|JUJU_NOTICE|JUJU_PEBBLE|JUJU_WORKLOAD|JUJU_TARGET"
    then = run(unit, hook, "env | grep -E '^(%s)' | sort" % names, State(storages=storages))
    assert then.stdout.split() == expected.split()


def test_a_test_says_what_a_notice_is_about(unit: Unit) -> None:
    given = {"COMMAND": 'echo "$JUJU_NOTICE_KEY"', "JUJU_NOTICE_KEY": "example.com/backup"}
    assert unit.run("web-pebble-custom-notice", environment=given).stdout == "example.com/backup\n"


def test_series_upgrades_of_juju_2_know_no_base(tmp_path: Path) -> None:
    charm = Charm.of(tmp_path / "app", metadata=METADATA, files=FILES)
    old = Unit(charm, juju_version="2.9.52")
    assert run(old, "pre-series-upgrade", "env | grep ^JUJU_TARGET").stdout == "JUJU_TARGET_SERIES=noble\n"


# -- actions ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("command", "status", "message", "results"),
    [
        ("action-set a=1; echo out", "completed", "", {"a": "1", "return-code": 0, "stdout": "out\n"}),
        ("action-fail 'no disk'", "failed", "no disk", {"return-code": 0}),
        (
            "action-fail 'no disk'; echo bad >&2; exit 3",
            "failed",
            "exit status 3",
            {"return-code": 3, "stderr": "bad\n"},
        ),
    ],
)
def test_results_that_juju_adds(
    unit: Unit, command: str, status: str, message: str, results: Dict[str, Any]
) -> None:
    then = unit.run_action("probe", environment={"COMMAND": command})
    assert then.action is not None
    assert (then.action.status, then.action.message) == (status, message)
    assert then.action.all_results == results
    # What the charm has set is told by itself, as it always was.
    assert then.action.results == {name: results[name] for name in results if name == "a"}


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"size": "3"}, "'size' of action 'probe' must be of type integer, not '3'"),
        ({"size": True}, "'size' of action 'probe' must be of type integer, not True"),
        ({"size": 10}, "'size' of action 'probe' has the maximum 9, and is 10"),
        ({"size": 0}, "'size' of action 'probe' has the minimum 1, and is 0"),
        ({"name": 3}, "'name' of action 'probe' must be of type string, not 3"),
        ({"name": "too long"}, "'name' of action 'probe' is to have 0 to 5 letters, and has 8"),
        ({"kind": "warm"}, "'kind' of action 'probe' must be one of 'hot', 'cold', not 'warm'"),
        ({"deep": []}, r"'deep' of action 'probe' must be of type object, not \[\]"),
        ({"list": {}}, "'list' of action 'probe' must be of type array, not {}"),
        ({"on": 1}, "'on' of action 'probe' must be of type boolean, not 1"),
        ({"rate": "fast"}, "'rate' of action 'probe' must be of type number, not 'fast'"),
    ],
)
def test_parameters_are_checked(tmp_path: Path, parameters: Dict[str, Any], problem: str) -> None:
    charm = Charm.of(tmp_path / "app", metadata=METADATA, files=FILES, actions=ACTIONS)
    with pytest.raises(CharmError, match=problem):
        Unit(charm).run_action("probe", parameters=parameters)


def test_parameters_that_are_right(unit: Unit) -> None:
    given = {"size": 3, "name": "a", "kind": "hot", "deep": {"a": 1}, "list": [1], "rate": 0.5, "on": True}
    then = unit.run_action("probe", parameters=given, environment={"COMMAND": "action-get size"})
    assert then.stdout == "3\n"
    assert unit.run_action("probe", parameters={"size": 3.0, "rate": 2}).succeeded


# -- in a model -------------------------------------------------------------------------------------
def _two(tmp_path: Path, **more: Any) -> Tuple[Model, Callable[[], List[str]]]:
    """A model in which a unit reads the data of two others, and what it was shown in each hook."""
    script = (
        '#!/bin/sh\ncase "$JUJU_HOOK_NAME" in *-relation-changed) for unit in $(relation-list); do\n'
        'juju-log "$JUJU_REMOTE_UNIT sees $unit: $(relation-get n "$unit")"; done;; esac\n'
    )
    writer = (
        "#!/bin/sh\n[ -e n ] || echo 0 > n\n"
        "case $JUJU_HOOK_NAME in *-created|update-status) echo $(( $(cat n) + 1 )) > n\n"
        'relation-set -r "$(relation-ids out)" n="$(cat n)";; esac\n'
    )
    model = Model(tmp_path / "model", **more)
    reader = {"name": "reader", "requires": {"in": {"interface": "n"}}}
    owner = {"name": "writer", "provides": {"out": {"interface": "n"}}}
    model.deploy(Charm.of(tmp_path / "reader", metadata=reader, files={"dispatch": script}))
    model.deploy(Charm.of(tmp_path / "writer", metadata=owner, files={"dispatch": writer}), units=2)
    model.relate("reader", "writer")
    model.settle()

    def seen() -> List[str]:
        step = [one for one in model.unit("reader/0").steps if one.name == "in-relation-changed"][-1]
        return [entry.message for entry in step.run.log]

    return model, seen


@pytest.mark.parametrize("cached", [False, True])
def test_a_unit_is_shown_the_newest_data_or_those_of_the_last_hook(tmp_path: Path, cached: bool) -> None:
    model, seen = _two(tmp_path, cached_data=cached)
    with model:
        model.update_status()
        model.step("writer/0")
        model.step("writer/1")
        step = model.step("reader/0")
        assert step is not None
        assert str(step) == "reader/0 in-relation-changed (writer/0)"
        # That of writer/1 is new as well, and its own hook is still to come.
        other = "1" if cached else "2"
        assert seen() == ["writer/0 sees writer/0: 2", "writer/0 sees writer/1: %s" % other]
        model.settle()
        assert seen() == ["writer/1 sees writer/0: 2", "writer/1 sees writer/1: 2"]


def test_units_hear_of_the_statuses_of_others(tmp_path: Path) -> None:
    script = '#!/bin/sh\nstatus-set blocked "$JUJU_UNIT_NAME"\n'
    asks = "#!/bin/sh\nstatus-get --application > seen\nstatus-set active\n"
    charm = Charm.of(
        tmp_path / "app", metadata={"name": "app"}, files={"hooks/start": script, "hooks/update-status": asks}
    )
    with Model(tmp_path / "model") as model:
        app = model.deploy(charm, units=2)
        model.settle()
        assert str(app.status).startswith("blocked")
        model.update_status("app/0")
        model.settle()
        assert (app[0].simulated.charm_dir / "seen").read_text() == "blocked\n"


def test_a_unit_alone_is_told_what_a_model_tells(tmp_path: Path) -> None:
    """The side of a single unit has all keys that a model fills."""
    charm = Charm.of(tmp_path / "app", metadata=METADATA, files=FILES)
    unit = SimulatedUnit(charm, tmp_path / "unit")
    assert unit.run("update-status", COMMAND="status-get --application").stdout == "waiting\n"
