"""Given a state, when a hook runs, then: the same at both speeds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from charms_reactive.testing import (
    Charm,
    CharmError,
    InconsistentStateError,
    Outcome,
    Relation,
    Secret,
    State,
    Status,
    Storage,
    Unit,
)

FILES = {
    "reactive/app.py": """\
        from charmhelpers.core import hookenv, unitdata
        from charms.reactive import *


        @hook("install")
        def install():
            set_flag("app.installed")
            unitdata.kv().set("mine", {"made": [1, 2]})
            with open("notes.txt", "w") as notes:
                notes.write("installed")


        @when("app.installed", "config.set.port", "config.changed.port")
        def configure():
            hookenv.open_port(hookenv.config("port"))
            hookenv.status_set("maintenance", "configuring")
            hookenv.status_set("active", "on %d" % hookenv.config("port"))
            set_flag("app.configured")


        @when("config.set.fail")
        def fail():
            hookenv.relation_set(hookenv.relation_ids("web")[0], port="0")
            set_flag("never.kept")
            raise RuntimeError("asked to fail")


        @action("backup")
        def backup():
            hookenv.action_set({"path": "/backup/" + hookenv.action_get("name")})


        @when("nobody.sets.this")
        def waits():
            pass
        """,
    "hooks/relations/http/provides.py": """\
        from charms.reactive import Endpoint, clear_flag, toggle_flag, when


        class Provides(Endpoint):
            @when("endpoint.{endpoint_name}.changed")
            def answer(self):
                for relation in self.relations:
                    relation.to_publish_raw["port"] = "8080"
                    relation.to_publish_raw["seen"] = str(len(relation.joined_units))
                clear_flag(self.expand_name("endpoint.{endpoint_name}.changed"))
        """,
}


@pytest.fixture(params=[True, False], ids=["in-process", "processes"])
def in_process(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def charm(tmp_path: Path) -> Charm:
    return Charm.of(
        tmp_path / "charm",
        metadata={"provides": {"web": "http"}},
        config={"port": {"type": "int"}, "fail": {"type": "boolean"}, "name": "x"},
        actions={"backup": {"params": {"name": {"type": "string", "default": "daily"}}}},
        files=FILES,
    )


@pytest.fixture
def unit(charm: Charm, in_process: bool) -> Unit:
    return Unit(charm, in_process=in_process)


INSTALLED = State(flags=["app.installed"], config={"port": 80})


def test_what_a_hook_did_is_in_the_state_that_it_leaves(unit: Unit) -> None:
    then = unit.run("install", State(config={"port": 80}))
    assert then.succeeded
    assert then.handlers == ["install", "configure"]
    assert then.state.flags == {"app.installed", "app.configured"}
    assert then.state.opened_ports == {"80/tcp"}
    assert then.state.unit_status == Status("active", "on 80")
    assert then.state.files["notes.txt"] == b"installed"
    assert then.state.stored["mine"] == {"made": (1, 2)}


def test_every_status_that_was_set_is_told_in_order(unit: Unit) -> None:
    then = unit.run("config-changed", INSTALLED)
    assert then.statuses == (Status("maintenance", "configuring"), Status("active", "on 80"))


def test_the_given_state_is_not_changed_and_nothing_stays_behind(unit: Unit) -> None:
    given = State()
    first = unit.run("install", given)
    assert given == State()
    assert unit.run("install", given).state == first.state
    empty = unit.run("update-status", State())
    assert empty.handlers == []
    assert set(empty.state.files) <= {".juju-persistent-config"}
    assert empty.state.flags == frozenset()


def test_a_unit_goes_on_from_the_state_that_a_hook_left(unit: Unit) -> None:
    installed, configured, quiet = unit.play("install", "config-changed", "update-status")
    assert installed.handlers == ["install"]
    assert configured.handlers == []
    assert quiet.changes == ()
    with_port = unit.run("config-changed", quiet.state.with_config(port=443))
    assert with_port.handlers == ["configure"]
    assert with_port.state.opened_ports == {"443/tcp"}
    # What is a change is told by what the hook before has seen, which is part of the state.
    assert unit.run("config-changed", with_port.state).handlers == []


def test_data_flow_through_an_interface_layer(unit: Unit) -> None:
    given = State(relations=[Relation("web", "proxy", {0: {"hello": "1"}, 1: {}})])
    then = unit.run("web-relation-changed", given, unit=0)
    assert then.published == {"web:0": {"port": "8080", "seen": "2"}}
    assert then.relation("web").local == {"port": "8080", "seen": "2"}
    gone = unit.run("web-relation-departed", then.state, unit=1)
    assert list(gone.relation("web").units) == ["proxy/0"]
    last = unit.run("web-relation-departed", gone.state)
    broken = unit.run("web-relation-broken", last.state)
    assert broken.state.relations == ()


def test_a_failed_hook_leaves_what_juju_and_the_framework_leave(unit: Unit) -> None:
    given = INSTALLED.replace(relations=[Relation("web", "proxy", [0])]).with_config(fail=True)
    then = unit.run("config-changed", given)
    assert not then.succeeded
    assert then.exit_status == 1
    assert then.error == "RuntimeError: asked to fail"
    assert then.status == Status("error", 'hook failed: "config-changed"')
    assert then.state.flags == given.flags
    assert then.published == {}
    assert then.state.opened_ports == frozenset()
    assert then.state.unit_status == Status("active", "on 80")  # Juju takes a status at once
    assert then.logged("asked to fail", "ERROR")


def test_the_exception_itself_is_there_in_process(charm: Charm) -> None:
    given = INSTALLED.replace(relations=[Relation("web", "proxy", [0])]).with_config(fail=True)
    then = Unit(charm).run("config-changed", given)
    assert isinstance(then.exception, RuntimeError)
    assert str(then.exception) == "asked to fail"


def test_a_thread_that_a_hook_leaves_behind_is_told(tmp_path: Path, in_process: bool) -> None:
    files = {
        "reactive/app.py": """\
            import threading
            from charms.reactive import *

            @hook("install")
            def install():
                beat = threading.Timer(0.5, list)
                beat.name, beat.daemon = "heartbeat", True
                beat.start()
            """
    }
    unit = Unit(Charm.of(tmp_path / "charm", files=files), in_process=in_process)
    # A process takes its daemons along; this interpreter cannot.
    assert unit.run("install").leftovers == (("thread heartbeat still runs",) if in_process else ())
    assert unit.run("update-status").leftovers == ()


def test_an_action(unit: Unit) -> None:
    then = unit.run_action("backup", INSTALLED, {"name": "weekly"})
    assert then.action is not None
    assert then.action.results == {"path": "/backup/weekly"}
    assert unit.run_action("backup").action == unit.run_action("backup", State(), {"name": "daily"}).action


def test_why_a_handler_did_not_run(unit: Unit) -> None:
    then = unit.run("update-status", INSTALLED)
    assert "waits" not in then.handlers
    assert "'nobody.sets.this' is not set, and nothing in this hook changed that" in then.why("waits")
    assert "@hook('install') did not hold" in then.why("install")
    assert "did you mean configure?" in then.why("confgure")


def test_both_speeds_agree(charm: Charm) -> None:
    given = INSTALLED.replace(relations=[Relation("web", "proxy", {0: {"a": "b"}})])
    for hook in ("install", "config-changed", "web-relation-joined", "web-relation-changed", "stop"):
        here, there = (Unit(charm, in_process=speed).run(hook, given) for speed in (True, False))
        assert here.state == there.state, hook
        assert here.handlers == there.handlers
        assert _log(here) == _log(there)
        assert [(call.tool, call.arguments) for call in here.tools] == [
            (call.tool, call.arguments) for call in there.tools
        ]


def _log(outcome: Outcome) -> Any:
    return [(entry.level, entry.message) for entry in outcome.log]


def test_handlers_can_be_declared_in_the_test(tmp_path: Path, in_process: bool) -> None:
    def handlers() -> None:
        from charms.reactive import set_flag, when, when_not

        @when("a")
        @when_not("b")
        def becomes_b() -> None:
            set_flag("b")

    unit = Unit(Charm.of(tmp_path / "charm", handlers), in_process=in_process)
    then = unit.run("update-status", State(flags=["a"]))
    assert then.handlers == ["becomes_b"]
    assert then.flags == {"a", "b"}


def test_declared_handlers_see_what_surrounds_them_only_in_this_process(
    tmp_path: Path, in_process: bool
) -> None:
    ran = []

    def handlers() -> None:
        from charms.reactive import hook

        @hook("install")
        def install() -> None:
            ran.append("install")

    then = Unit(Charm.of(tmp_path / "charm", handlers), in_process=in_process).run("install")
    if in_process:
        assert ran == ["install"]
    else:
        assert not then.succeeded
        assert "can only run in the test's own process" in (then.error or "")


def test_impossible_states_are_refused_unless_the_test_insists(charm: Charm) -> None:
    with pytest.raises(InconsistentStateError, match="the charm has no option 'prot'"):
        Unit(charm).run("install", State(config={"prot": 1}))
    given = State(leader=False)
    with pytest.raises(InconsistentStateError, match="leader-elected runs on the leader"):
        Unit(charm).run("leader-elected", given)
    assert Unit(charm, check=False).run("leader-elected", given).succeeded


@pytest.mark.parametrize("run", [Unit.run, Unit.run_action])
def test_what_is_no_state_is_refused(charm: Charm, run: Any) -> None:
    unit = Unit(charm)
    name = "install" if run is Unit.run else "backup"
    wrong: Any = {"config": {}}
    with pytest.raises(CharmError, match=r"is given a State\(\.\.\.\), and not \{'config': \{\}\}"):
        run(unit, name, wrong)
    wrong = unit.run("install")
    with pytest.raises(CharmError, match=r"the one that it left is its \.state"):
        run(unit, name, wrong)


def test_a_hook_that_does_not_exist_is_no_failed_hook(charm: Charm) -> None:
    with pytest.raises(CharmError, match="did you mean config-changed"):
        Unit(charm).run("config-change")
    with pytest.raises(CharmError, match="it is an action"):
        Unit(charm).run("backup")
    with pytest.raises(CharmError, match="no action 'restore'; it has backup"):
        Unit(charm).run_action("restore")


def test_juju_4_has_no_leader_settings(tmp_path: Path, in_process: bool) -> None:
    files = {
        "reactive/app.py": """\
            import shutil
            from charms.reactive import *

            @hook("install")
            def install():
                for tool in ("leader-get", "leader-set", "is-leader"):
                    toggle_flag(tool, shutil.which(tool))
            """
    }
    charm = Charm.of(tmp_path / "charm", files=files)
    new, old = (Unit(charm, in_process=in_process, juju_version=version) for version in ("4.0.0", "3.6.0"))
    if not in_process:  # in this process there are no executables to be found until one is needed
        assert new.run("install").flags == {"is-leader"}
        assert old.run("install").flags == {"is-leader", "leader-get", "leader-set"}
    shared = State(relations=[Relation("ring", "app", [1])])
    peers = Charm.of(tmp_path / "peers", metadata={"peers": {"ring": "ring"}})
    assert Unit(peers, in_process=in_process, juju_version="4.0.0").run("install", shared).succeeded


def test_the_charm_that_is_tested_is_never_written_to(charm: Charm, in_process: bool) -> None:
    before = _contents(charm.directory)
    Unit(charm, in_process=in_process).play("install", "config-changed", "stop")
    assert _contents(charm.directory) == before


def _contents(directory: Path) -> Dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_nothing_is_left_of_a_unit(charm: Charm) -> None:
    unit = Unit(charm)
    unit.run("install")
    directory = unit._unit.directory
    assert directory.exists()
    del unit
    assert not directory.exists()


def test_a_charms_own_tables_and_values_of_flags_come_back(tmp_path: Path, in_process: bool) -> None:
    files = {
        "reactive/app.py": """\
            from charmhelpers.core import unitdata
            from charms.reactive import *

            @hook("install")
            def install():
                unitdata.kv().conn.execute("CREATE TABLE IF NOT EXISTS own (name, size)")
                unitdata.kv().conn.execute("INSERT INTO own VALUES ('it''s', 3)")
                bus.set_state("legacy", {"relation": "db"})

            @hook("update-status")
            def count():
                rows = unitdata.kv().conn.execute("SELECT name, size FROM own").fetchall()
                set_flag("rows.%d" % len(rows))
                set_flag("value.%s" % bus.get_state("legacy")["relation"])
            """
    }
    unit = Unit(Charm.of(tmp_path / "charm", files=files), in_process=in_process)
    first = unit.run("install")
    assert first.state.flag_values == {"legacy": {"relation": "db"}}
    twice = unit.run("install", first.state)
    assert {"rows.2", "value.db"} <= unit.run("update-status", State.from_json(twice.state.to_json())).flags


def test_storages_secrets_and_resources(tmp_path: Path, in_process: bool) -> None:
    files = {
        "reactive/app.py": """\
            import json, subprocess
            from charms.reactive import *

            def ask(*words):
                return json.loads(subprocess.check_output([*words, "--format=json"]).decode())

            @hook("data-storage-attached")
            def attached():
                subprocess.check_call(["state-set", "at=" + ask("storage-get")["location"]])

            @hook("secret-changed")
            def read():
                secret = ask("secret-get", "--label", "theirs", "--refresh")
                set_flag("password.%s" % secret["password"])

            @hook("install")
            def own():
                subprocess.check_call(["secret-add", "--label", "ours", "token=1"])
                set_flag("resource.%s" % subprocess.check_output(["resource-get", "data"]).decode().strip())
            """
    }
    metadata = {"storage": {"data": {"type": "filesystem"}}, "resources": {"data": {"type": "file"}}}
    unit = Unit(Charm.of(tmp_path / "charm", metadata=metadata, files=files), in_process=in_process)

    attached = unit.run("data-storage-attached", State(storages=[Storage("data", location="/srv")]))
    assert attached.error is None
    assert attached.state.juju["state"] == {"at": "/srv"}
    assert attached.state.storages == (Storage("data", location="/srv"),)

    theirs = Secret(
        revisions={1: {"password": "old"}, 2: {"password": "new"}},
        owner="db",
        access=[("app", "")],
        consumers={"app/0": (1, "theirs")},
    )
    changed = unit.run("secret-changed", State(secrets=[theirs]))
    assert changed.error is None
    assert changed.flags == {"password.new"}
    assert changed.state.secrets[0].consumers == {"app/0": (2, "theirs")}

    installed = unit.run("install", State(resources={"data": "/some/file"}))
    assert installed.error is None
    assert installed.flags == {"resource./some/file"}
    (secret,) = installed.state.secrets
    assert (secret.label, secret.owner, secret.revisions) == ("ours", "app", {"1": {"token": "1"}})


def test_metrics_and_payloads_that_the_charm_declares(tmp_path: Path, in_process: bool) -> None:
    files = {
        "metrics.yaml": "metrics:\n  users: {type: gauge, description: Who is there.}\n",
        "reactive/app.py": """\
            import subprocess
            from charms.reactive import *

            @collect_metrics()
            def measure():
                subprocess.check_call(["add-metric", "users=3"])

            @hook("update-status")
            def register():
                subprocess.check_call(["payload-register", "docker", "cache", "1"])
            """,
    }
    metadata = {"payloads": {"cache": {"type": "docker"}}}
    unit = Unit(Charm.of(tmp_path / "charm", metadata=metadata, files=files), in_process=in_process)
    measured = unit.run("collect-metrics")
    assert measured.error is None
    (metric,) = measured.state.juju["metrics"]
    assert metric == {"key": "users", "labels": {}, "value": "3"}
    registered = unit.run("update-status")
    assert registered.error is None
    assert list(registered.state.juju["payloads"]) == ["cache/1"]


def test_what_the_juju_side_does_not_have_is_refused(charm: Charm) -> None:
    with pytest.raises(CharmError, match="the Juju side of a state has no leader, weather of its own"):
        Unit(charm).run("install", State(juju={"weather": "fine", "leader": False}))


def test_a_state_means_the_same_to_another_unit_of_the_name(tmp_path: Path, in_process: bool) -> None:
    files = {
        "reactive/app.py": """\
            from charmhelpers.core import hookenv
            from charms.reactive import *

            @when_file_changed(hookenv.charm_dir() + "/templates/page")
            def render():
                set_flag("rendered")
            """,
        "templates/page": "page",
    }
    charm = Charm.of(tmp_path / "charm", files=files)
    first = Unit(charm, in_process=in_process).run("install")
    assert first.handlers == ["render"]
    assert str(tmp_path) not in first.state.dumps()
    assert Unit(charm, in_process=in_process).run("update-status", first.state).handlers == []


@pytest.mark.parametrize("attempt", ["/etc/passwd", "../x"])
def test_files_of_a_state_are_in_the_charm_directory(charm: Charm, attempt: str) -> None:
    with pytest.raises(CharmError, match="is not in the charm directory"):
        Unit(charm).run("install", State(files={attempt: "x"}))


def test_files_that_a_hook_changed_or_deleted_are_as_they_were_for_the_next_state(tmp_path: Path) -> None:
    files: Dict[str, str] = {
        "reactive/app.py": """\
            import os
            from charms.reactive import *

            @hook("install")
            def install():
                open("templates/page", "a").write("more")
                os.unlink("templates/other")
                os.makedirs("made/by", exist_ok=True)
                open("made/by/hook", "w").write("it")
            """,
        "templates/page": "page",
        "templates/other": "other",
    }
    unit = Unit(Charm.of(tmp_path / "charm", files=files))
    then = unit.run("install")
    assert then.state.files == {"templates/page": b"pagemore", "templates/other": None, "made/by/hook": b"it"}
    look: Callable[[str], bool] = lambda name: os.path.exists(unit._unit.charm_dir / name)  # noqa: E731
    unit.run("update-status", State())
    assert (unit._unit.charm_dir / "templates/page").read_text() == "page"
    assert look("templates/other")
    assert not look("made/by/hook")
    unit.run("update-status", then.state)
    assert (unit._unit.charm_dir / "templates/page").read_text() == "pagemore"
    assert not look("templates/other")
    assert look("made/by/hook")


def test_the_version_of_juju_is_known_where_no_agent_is(tmp_path: Path, in_process: bool) -> None:
    files = {
        "reactive/app.py": """\
            from charmhelpers.core import hookenv
            from charms.reactive import *

            @hook("install")
            def install():
                set_flag("juju.%s" % hookenv.juju_version())
                set_flag("at.%s" % hookenv.network_get("web")["ingress-addresses"][0])
            """
    }
    charm = Charm.of(tmp_path / "charm", metadata={"provides": {"web": "http"}}, files=files)
    then = Unit(charm, in_process=in_process, juju_version="3.5.4").run("install", State(address="10.1.2.3"))
    assert then.error is None
    assert then.flags == {"juju.3.5.4", "at.10.1.2.3"}
