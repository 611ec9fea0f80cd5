"""``charms.reactive snapshot`` and ``replay``: the unit as a state without secrets, and a hook run again."""

from __future__ import annotations

import json
import shlex
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from charms_reactive._history.redaction import Redaction
from charms_reactive.records import Record
from charms_reactive.testing import Relation, Secret, SimulatedUnit, State, Status, Storage, Unit
from framework.support import Framework

pytestmark = pytest.mark.long

SECRET = "hunter2-correct-horse"

CHARM = {
    "metadata.yaml": "name: app\nrequires:\n  db: {interface: sql}\npeers:\n  ring: {interface: ring}\n"
    "storage:\n  data: {type: filesystem}\n",
    "config.yaml": "options:\n  port: {type: int, default: 80}\n"
    "  admin-password: {type: string, default: ''}\n  motto: {type: string, default: ''}\n",
    "reactive/app.py": """
from charmhelpers.core import hookenv, unitdata
from charms.reactive import clear_flag, hook, set_flag, when, when_not

@when_not("app.configured")
def configure():
    unitdata.kv().set("app.token", hookenv.config("admin-password"))
    if hookenv.config("port") > 65535:
        raise ValueError("there is no port %d" % hookenv.config("port"))
    set_flag("app.configured")

@hook("update-status")
def look():
    clear_flag("app.looked")
    set_flag("app.seen")
""",
}

GIVEN = State(
    config={"port": 8080, "admin-password": SECRET, "motto": "a plain text"},
    leader=True,
    flags={"app.installed": None, "db.connected": {"conversation": ["db:0"]}},
    relations=[
        Relation(
            "db",
            "sql",
            {"sql/0": {"host": "10.0.0.7", "password": SECRET}, "sql/1": {"host": "10.0.0.8"}},
            data={"version": "15", "api-key": SECRET},
            local={"database": "app"},
            local_application={"shared": "yes"},
            number=0,
        ),
        Relation("ring", "app", {"app/1": {"ready": "yes"}}, number=1),
    ],
    leader_settings={"password": SECRET, "count": "3"},
    storages=[Storage("data", 2)],
    secrets=[
        Secret(
            {"user": "u", "password": SECRET},
            owner="app",
            label="mine",
            description="of the database",
            rotate="daily",
        )
    ],
    stored={"app.url": "https://me:%s@example.com/x" % SECRET, "app.number": 7, "own": {"token": SECRET}},
    unit_status=Status("active", "ready"),
    application_status=Status("active", "all ready"),
    opened_ports=["8080/tcp"],
    address="10.0.0.1",
)


@pytest.fixture
def charm(tmp_path: Path) -> Path:
    for path, text in CHARM.items():
        (tmp_path / "app" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "app" / path).write_text(text)
    return tmp_path / "app"


@pytest.fixture
def unit(charm: Path, tmp_path: Path) -> SimulatedUnit:
    """A unit in a state that has something of everything, whose hooks are processes with an agent."""
    made = SimulatedUnit(charm, tmp_path / "unit", environment={"CHARMS_REACTIVE_HISTORY": "50"})
    made.load(GIVEN)
    return made


def typed(unit: SimulatedUnit, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a hook context, as ``juju exec`` does."""
    place = unit.charm_dir / "dispatch"
    had = place.read_text() if place.exists() else None
    place.write_text('#!/bin/sh\ncd "$CHARM_DIR"\ncharms.reactive %s\n' % " ".join(map(shlex.quote, words)))
    place.chmod(0o755)
    done = unit.run("update-status")
    if had is None:
        place.unlink()
    else:
        place.write_text(had)
    return subprocess.CompletedProcess(words, done.exit_status, done.stdout, done.stderr)


def offline(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command where there is no Juju."""
    command = [str(Path(sys.executable).parent / "charms.reactive"), *words]
    env = {"CHARM_DIR": str(directory), "PATH": "/usr/bin:/bin", "HOME": str(directory)}
    return subprocess.run(command, cwd=str(directory), env=env, capture_output=True, text=True, check=False)


def taken(done: subprocess.CompletedProcess[str]) -> Dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: Dict[str, Any] = json.loads(done.stdout)
    return found


def test_without_a_memory_the_environment_says_which_unit_it_is(tmp_path: Path) -> None:
    """Paths of the charm stand for the same in each unit of the name, as the desk has it."""
    database = sqlite3.connect(str(tmp_path / ".unit-state.db"))
    database.execute("CREATE TABLE kv (key text, data text, primary key (key))")
    database.execute("INSERT INTO kv VALUES (?, ?)", ("a", json.dumps(str(tmp_path / "file"))))
    database.commit()
    database.close()
    (tmp_path / "metadata.yaml").write_text("name: app\n")
    command = [str(Path(sys.executable).parent / "charms.reactive"), "snapshot"]
    env = {"CHARM_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    for unit, path in ("app/7", "/var/lib/juju/agents/unit-app-7/charm"), (None, str(tmp_path)):
        named = {**env, "JUJU_UNIT_NAME": unit} if unit else env
        done = subprocess.run(
            command, cwd=str(tmp_path), env=named, capture_output=True, text=True, check=False
        )
        assert taken(done)["stored"] == {"a": path + "/file"}


def test_in_a_hook_context_there_is_everything(unit: SimulatedUnit) -> None:
    given = unit.dump()
    found = State.from_json(taken(typed(unit, "snapshot", "--full")))
    for name in ("config", "leader", "flags", "flag_values", "relations", "leader_settings", "storages"):
        assert getattr(found, name) == getattr(given, name), name
    for name in ("unit_status", "application_status", "opened_ports", "address"):
        assert getattr(found, name) == getattr(given, name), name
    assert dict(found.stored) == dict(given.stored)
    (secret,) = found.secrets
    assert (secret.id, secret.label, secret.owner) == (given.secrets[0].id, "mine", "app")
    assert (secret.description, secret.rotate) == ("of the database", "daily")
    assert SECRET not in repr(secret)  # what is in it is not even read


def test_what_looks_secret_is_replaced_unless_all_is_asked_for(unit: SimulatedUnit) -> None:
    done = typed(unit, "snapshot")
    assert SECRET not in done.stdout
    assert SECRET not in done.stderr
    found = State.from_json(taken(done))
    assert found.config["motto"] == "a plain text"
    assert found.config["port"] == 8080
    word = found.config["admin-password"]
    assert word.startswith("redacted-")
    db = found.relation("db")
    assert db.units["sql/0"]["password"] == word  # equal values are equal words
    assert db.units["sql/0"]["host"] == "10.0.0.7"
    assert found.stored["app.number"] == 7
    assert "values look secret and are replaced; --full leaves them in: " in done.stderr
    assert SECRET in typed(unit, "snapshot", "--full").stdout


def test_a_file_is_its_owners_alone(unit: SimulatedUnit, tmp_path: Path) -> None:
    file = tmp_path / "snapshot.json"
    file.write_text("")
    file.chmod(0o644)
    assert offline(unit.charm_dir, "snapshot", "-o", str(file), "--full").returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["format"] == 1
    (tmp_path / "link").symlink_to(file)
    refused = offline(unit.charm_dir, "snapshot", "-o", str(tmp_path / "link"))
    assert refused.returncode == 2
    assert "cannot be written" in refused.stderr


def test_a_copied_directory_tells_flags_and_rows_and_says_what_it_does_not(
    unit: SimulatedUnit, tmp_path: Path
) -> None:
    shutil.copytree(unit.charm_dir, tmp_path / "copy")
    done = offline(tmp_path / "copy", "snapshot")
    found = State.from_json(taken(done))
    assert found.flags == {"app.installed", "db.connected"}
    assert found.stored["app.number"] == 7
    assert found.relations == ()
    assert "this is no hook context, in which Juju tells more" in done.stderr


def test_with_the_setting_full_a_copy_tells_what_juju_told(charm: Path, tmp_path: Path) -> None:
    unit = SimulatedUnit(charm, tmp_path / "unit", environment={"CHARMS_REACTIVE_HISTORY": "full"})
    unit.load(GIVEN)
    assert unit.run("update-status").succeeded
    done = offline(unit.charm_dir, "snapshot", "--full")
    found = State.from_json(taken(done))
    assert found.relations == unit.dump().relations
    assert found.flags == {"app.installed", "app.seen", "app.configured", "db.connected"}
    assert "what Juju tells is as hook 1, update-status, began" in done.stderr
    before = State.from_json(taken(offline(unit.charm_dir, "snapshot", "--full", "--hook", "1")))
    assert before.flags == {"app.installed", "db.connected"}
    refused = offline(unit.charm_dir, "snapshot", "--hook", "2")
    assert refused.returncode == 2
    assert "no such hook is remembered" in refused.stderr


def test_full_is_no_default_and_says_how_to_have_it(unit: SimulatedUnit) -> None:
    assert unit.run("update-status").succeeded
    assert SECRET not in (unit.charm_dir / ".unit-state.db-history").read_text()
    refused = offline(unit.charm_dir, "snapshot", "--hook", "1")
    assert refused.returncode == 2
    assert "the state in which it began was not written down" in refused.stderr
    assert "reactive-history" in refused.stderr


def test_simulate_goes_on_from_it(unit: SimulatedUnit, charm: Path, tmp_path: Path) -> None:
    file = tmp_path / "snapshot.json"
    file.write_text(typed(unit, "snapshot").stdout)
    done = offline(charm, "simulate", str(charm), "update-status", "--state", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "configure" in done.stdout
    given = State.from_json(json.loads(file.read_text()))
    assert Unit(charm).run("db-relation-changed", given, unit="sql/0").succeeded


# -- a test of the last hook -----------------------------------------------------------------------------
@pytest.mark.parametrize("setting", ["50", "full"])
@pytest.mark.parametrize("port", [8080, 80800])
def test_a_test_runs_the_last_hook_again(charm: Path, tmp_path: Path, setting: str, port: int) -> None:
    unit = SimulatedUnit(charm, tmp_path / "unit", environment={"CHARMS_REACTIVE_HISTORY": setting})
    unit.load(GIVEN.replace(config={**GIVEN.config, "port": port}))
    assert unit.run("config-changed").succeeded == (port == 8080)
    if setting == "full":
        done = offline(unit.charm_dir, "snapshot", "--test")
    else:
        done = typed(unit, "snapshot", "--test")
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout
    assert "reactive/app.py:5:configure" in done.stdout
    (charm / "tests").mkdir()
    (charm / "tests" / "test_again.py").write_text(done.stdout)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(charm),
        "tests",
    ]
    ran = subprocess.run(command, cwd=str(charm), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
    other = CHARM["reactive/app.py"].replace("65535", "90000" if port > 65535 else "1")
    (charm / "reactive" / "app.py").write_text(other)
    ran = subprocess.run(command, cwd=str(charm), capture_output=True, text=True, check=False)
    assert ran.returncode == 1, "the charm does something else, and the test does not see it"


# -- replay ----------------------------------------------------------------------------------------------
@pytest.fixture
def failed(charm: Path, tmp_path: Path) -> Path:
    """A copy of a unit whose last hook failed, with what its hooks were given."""
    unit = SimulatedUnit(charm, tmp_path / "unit", environment={"CHARMS_REACTIVE_HISTORY": "full"})
    unit.load(GIVEN)
    assert unit.run("install").succeeded
    unit.set_config(port=80800)
    unit.load(unit.dump().without_flags("app.configured"))
    assert not unit.run("config-changed").succeeded
    shutil.copytree(unit.charm_dir, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize("how", [[], ["--processes"]])
def test_a_failed_hook_fails_again_in_the_same_way(failed: Path, how: List[str]) -> None:
    done = offline(failed, "replay", str(failed), *how)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == "config-changed: FAILED"
    assert "  ran reactive/app.py:5:configure" in done.stdout
    assert done.stdout.splitlines()[-1] == "as on the unit: the same handlers, flags and error"
    done = offline(failed, "replay", str(failed), "install", *how)
    assert done.stdout.splitlines()[0] == "install: succeeded"
    assert done.returncode == 0


def test_a_charm_that_is_mended_does_something_else(failed: Path) -> None:
    app = failed / "reactive" / "app.py"
    app.write_text(app.read_text().replace("65535", "90000"))
    done = offline(failed, "replay", str(failed), "1")
    assert done.returncode == 1
    assert "otherwise than on the unit:" in done.stdout
    assert "  flag: only here set app.configured" in done.stdout
    assert "  error: there ValueError, here none" in done.stdout


def test_a_snapshot_is_replayed_with_a_hook(unit: SimulatedUnit, charm: Path, tmp_path: Path) -> None:
    file = tmp_path / "snapshot.json"
    file.write_text(typed(unit, "snapshot").stdout)
    done = offline(charm, "replay", str(file), "db-relation-changed:sql/1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  ran reactive/app.py:5:configure" in done.stdout
    assert "  + flag app.configured" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.json", "install"], "nowhere.json: No such file or directory"),
        (["config.yaml", "install"], "config.yaml: "),
        (["snapshot.json"], "which hook? snapshot.json holds a state"),
        (["snapshot.json", "instal"], "instal"),
        ([".", "9"], "no hook has left anything there"),
    ],
)
def test_what_cannot_be_replayed(charm: Path, words: List[str], told: str) -> None:
    (charm / "snapshot.json").write_text('{"format": 1}')
    done = offline(charm, "replay", *words)
    assert done.returncode == 2
    assert done.stderr.startswith("charms.reactive replay: ")
    assert told in done.stderr


# -- what looks secret -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "a"),
        ("db-password", "a"),
        ("mysql_root_passwd", "a"),
        ("SECRET", "a"),
        ("api_key", "a"),
        ("api-keys", "a"),
        ("key", "a"),
        ("ssl_private_key", "a"),
        ("auth.token", "a"),
        ("rabbit-credentials", "a"),
        ("url", "mysql://app:x@10.0.0.1/db"),
        ("note", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"),
        ("header", "Bearer abcdefgh12345"),
        ("id", "AKIAIOSFODNN7EXAMPLE"),
        ("anything", "d41d8cd98f00b204e9800998ecf8427e"),
        ("anything", "dGhpcyBpcyBhIHNlY3JldCB0MGtlbiE5"),
    ],
)
def test_what_is_replaced(name: str, value: str) -> None:
    redaction = Redaction()
    found = redaction.state({"format": 1, "config": {name: value, "port": 80}})
    assert found["config"] == {name: "redacted-1", "port": 80}
    assert redaction.replaced == ["config %s" % name]


def test_what_records_hide_is_replaced_whatever_it_looks_like(framework: Framework) -> None:
    class Door(Record, key="name", sensitive=["code", "spare"]):
        name: str
        code: int
        spare: List[str]
        colour: str = "red"

    Door.create(name="front", code=1234, spare=["under the mat", ""])
    framework.state.commit()
    rows = framework.rows("reactive.records")
    redaction = Redaction()
    found = redaction.state({"format": 1, "stored": rows})["stored"]
    assert found["reactive.records.Door.front"] == {
        "name": "front",
        "code": 0,
        "spare": ["redacted-1", ""],
        "colour": "red",
    }
    assert redaction.replaced == [
        "stored reactive.records.Door.front code",
        "stored reactive.records.Door.front spare",
    ]
    assert {row: found[row] for row in found if "hidden" in row} == {
        "reactive.records_hidden.Door": ["code", "spare"]
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 80),
        ("name", "app"),
        ("keyboard", "us"),
        ("monkey", "a"),
        ("author", "Ann"),
        ("path", "/var/lib/juju/agents/unit-app-0/charm/hooks"),
        ("url", "https://example.com/a/rather/long/path/of/a/page.html"),
        ("hostname", "juju-0f1e2d-0.lxd"),
        ("ingress-address", "10.0.0.1"),
        ("password-set", True),
        ("description", "a sentence of many words, and not one of them is a secret"),
        ("empty-password", ""),
    ],
)
def test_what_is_left(name: str, value: Any) -> None:
    redaction = Redaction()
    assert redaction.state({"format": 1, "config": {name: value}})["config"] == {name: value}
    assert redaction.replaced == []


def test_digests_of_the_framework_stay(unit: SimulatedUnit) -> None:
    rows = {"reactive.data_changed.password": "d41d8cd98f00b204e9800998ecf8427e"}
    assert Redaction().state({"format": 1, "stored": rows})["stored"] == rows
