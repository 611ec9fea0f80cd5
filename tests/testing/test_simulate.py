"""``charms.reactive simulate``: hooks of a charm from the command line."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest

from charms_reactive.testing import Charm, State, processes
from charms_reactive.testing._terminal import simulate

FILES = {
    "reactive/app.py": """\
        import subprocess
        import time

        from charmhelpers.core import hookenv
        from charms.reactive import *


        @hook("install")
        def install():
            set_flag("app.installed")
            with open("notes.txt", "a") as notes:
                notes.write("installed\\n")


        @when_file_changed(hookenv.charm_dir() + "/template")
        def template_changed():
            set_flag("app.template")


        @when("app.installed", "config.set.port", "config.changed.port")
        def open_port():
            hookenv.open_port(hookenv.config("port"))
            hookenv.status_set("active", "on %d" % hookenv.config("port"))


        @when("config.set.broken")
        def fail():
            hookenv.status_set("maintenance", "about to fail")
            set_flag("never.kept")
            raise RuntimeError("asked to fail")


        @when("config.set.slow")
        def slow():
            time.sleep(60)


        @when("config.set.daemon")
        def daemon():
            subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


        @when("endpoint.db.joined")
        def use_database():
            unit = hookenv.remote_unit() or hookenv.related_units(hookenv.relation_ids("db")[0])[0]
            relation = hookenv.relation_ids("db")[0]
            host = hookenv.relation_get("host", unit, relation)
            if host:
                hookenv.relation_set(relation, seen=host)


        @when("leadership.is_leader")
        def lead():
            set_flag("app.leads")


        @action("backup")
        def backup():
            hookenv.action_set({key: repr(value) for key, value in hookenv.action_get().items()})
            if hookenv.action_get("name") == "bad":
                hookenv.action_fail("no such backup")
        """,
    "hooks/relations/mysql/requires.py": """\
        from charms.reactive import Endpoint


        class Requires(Endpoint):
            pass
        """,
    "template": "a template\n",
}


@pytest.fixture
def charm(tmp_path: Path) -> Path:
    return Charm.of(
        tmp_path / "charm",
        metadata={
            "name": "app",
            "requires": {"db": "mysql"},
            "peers": {"ring": "ring"},
            "storage": {"data": {"type": "filesystem"}},
        },
        config={
            "port": {"type": "int"},
            "ratio": 0.5,
            "name": "x",
            "broken": {"type": "boolean"},
            "slow": {"type": "boolean"},
            "daemon": {"type": "boolean"},
        },
        actions={
            "backup": {
                "params": {
                    "name": {"type": "string", "default": "daily"},
                    "size": {"type": "integer"},
                    "tree": {"type": "object"},
                }
            }
        },
        files=FILES,
    ).directory


@pytest.fixture
def run(charm: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Tuple[int, str, str]]:
    """Runs the command on that charm: exit status, stdout, stderr."""

    def run(*arguments: object) -> Tuple[int, str, str]:
        status = simulate.main([str(charm), *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def document(run: Callable[..., Tuple[int, str, str]]) -> Callable[..., Any]:
    """Runs the command with ``--json`` and returns what it prints."""
    return lambda *arguments: json.loads(run(*arguments, "--json")[1])


def test_an_error_of_the_framework_has_no_traceback_of_the_charm(charm: Path, run: Any) -> None:
    (charm / "reactive" / "bad.py").write_text(
        "from charms.reactive import when_not\n\n\n@when_not('never')\ndef bad(argument):\n    pass\n"
    )
    status, out, _ = run("start")
    assert status == 1
    assert "handler reactive/bad.py:4:bad cannot be called" in out
    assert "Traceback" not in out


def test_a_line_for_each_hook(run: Any) -> None:
    status, out, err = run("install", "config-changed", "--config", "port=8080")
    assert (status, err) == (0, "")
    first, *lines = re.sub(r" +[\d.]+ m?s ", " TIME ", out).splitlines()
    assert first.startswith("app/0, Juju 3.6.0, in this process, ")
    assert lines[0] == "✓ install TIME  install, template_changed, open_port, lead +app.installed +app.leads"
    assert lines[1].split() == ["+app.template", *[word for word in lines[1].split()[1:] if word[0] == "+"]]
    assert "    + opened port 8080/tcp" in lines
    assert "    + unit status: active: on 8080" in lines
    assert "✓ config-changed TIME  lead" in lines
    assert re.fullmatch(r"active: on 8080; 8080/tcp; \d flags set", lines[-1])
    assert "\033" not in out


@pytest.mark.parametrize("speed", [[], ["--processes"]], ids=["in-process", "processes"])
def test_machines_get_one_document_and_nothing_else(document: Any, speed: List[str]) -> None:
    found = document("install", "config-changed", "--config", "port=80", *speed)
    assert found["succeeded"]
    assert found["error"] is None
    assert found["in_process"] == (not speed)
    assert (found["charm"], found["unit"], found["juju"]) == ("app", "app/0", "3.6.0")
    install, changed = found["hooks"]
    assert (install["name"], install["kind"], install["exit_status"]) == ("install", "hook", 0)
    assert install["handlers"][0].endswith(":install")
    assert "app.installed" in install["flags_set"]
    assert install["status"] == {"status": "active", "message": "on 80"}
    assert [id.rpartition(":")[2] for id in changed["handlers"]] == ["lead"]
    assert State.from_json(found["state"]).opened_ports == {"80/tcp"}


def test_a_failed_hook_ends_the_run_and_is_told_with_its_traceback(run: Any, charm: Path) -> None:
    status, out, _ = run("install", "config-changed", "start", "--config", "broken=yes")
    assert status == 1
    assert "✗ install" in out
    assert "    RuntimeError: asked to fail\n" in out
    assert '      File "%s/reactive/app.py", line ' % charm in out
    assert "charms_reactive/" not in out  # the way to the charm's own code is no news
    assert out.splitlines()[-1] == "install failed; 2 after it were not run"


def test_the_state_file_has_what_juju_keeps_of_a_failed_hook(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "unit.json"
    assert run("install", "--state", file)[0] == 0
    before = State.from_json(json.loads(file.read_text()))
    assert run("config-changed", "--config", "broken=yes", "--state", file)[0] == 1
    after = State.from_json(json.loads(file.read_text()))
    assert after.flags == before.flags
    assert after.unit_status.message == "about to fail"  # Juju takes a status at once
    assert after.config == {"broken": True}
    assert run("config-changed", "--config", "broken=no", "--state", file)[0] == 0


def test_a_unit_goes_on_from_its_file(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "the unit's state is in unit.json" in run("install", "--state", "unit.json")[1]
    kept = State.from_json(json.loads(Path("unit.json").read_text()))
    assert kept.files["notes.txt"] == b"installed\n"
    assert "app.installed" in kept.flags
    _, out, _ = run("config-changed", "--config", "port=81", "--state", "unit.json")
    assert "open_port" in out
    # Where the charm lived in the run before is not where it lives now, and nothing has changed for that.
    assert "template_changed" not in out
    assert os.listdir(tmp_path).count("unit.json") == 1
    assert not list(tmp_path.glob("*.new"))
    processes_too = run("update-status", "--state", "unit.json", "--processes")
    assert processes_too[0] == 0
    assert "template_changed" not in processes_too[1]


def test_actions_with_typed_parameters(document: Any, run: Any) -> None:
    found = document("action:backup", "name=5", "size=3", "tree.a.b=x")
    (action,) = found["hooks"]
    assert (action["name"], action["kind"]) == ("backup", "action")
    assert action["results"] == {"name": "'5'", "size": "3", "tree": "{'a': {'b': 'x'}}"}
    status, out, _ = run("action:backup", "name=bad", "update-status")
    assert status == 1
    assert "    no such backup\n" in out
    assert "action:backup failed; 1 after it was not run" in out


def test_options_are_of_the_type_that_the_charm_declares(document: Any, tmp_path: Path) -> None:
    (tmp_path / "name").write_text("from a file\n")
    arguments = ["port=1", "ratio=2", "broken=False", "name=@%s" % (tmp_path / "name")]
    found = document("update-status", *[word for one in arguments for word in ("--config", one)])
    assert found["state"]["config"] == {
        "port": 1,
        "ratio": 2.0,
        "broken": False,
        "name": "from a file\n",
    }


def test_relations_and_their_data(document: Any) -> None:
    data = ["--data", "mysql/0", "host=h0", "--data", "db", "port=3306", "--app-data", "mysql", "v=8"]
    found = document("db-relation-changed:mysql/0", "--relate", "db=mysql:2", *data)
    (hook,) = found["hooks"]
    assert hook["about"] == "mysql/0"
    assert hook["published"] == {"db:0": {"seen": "h0"}}
    (relation,) = State.from_json(found["state"]).relations
    assert relation.units == {"mysql/0": {"host": "h0", "port": "3306"}, "mysql/1": {"port": "3306"}}
    assert relation.data == {"v": "8"}


def test_a_relation_through_its_life(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "unit.json"
    relate = ["--relate", "db=mysql", "--state", file]
    steps = ["install", "db-relation-created", "db-relation-joined", "db-relation-changed"]
    assert run(*steps, *relate, "--data", "mysql/0", "host=h")[0] == 0
    assert run("db-relation-departed", "db-relation-broken", "--state", file)[0] == 0
    assert State.from_json(json.loads(file.read_text())).relations == ()


def test_relating_again_changes_the_number_of_units_and_keeps_their_data(
    document: Any, tmp_path: Path
) -> None:
    file = tmp_path / "unit.json"
    document("install", "--relate", "db=mysql", "--data", "mysql/0", "host=h", "--state", file)
    found = document("update-status", "--relate", "db=mysql:2", "--state", file)
    (relation,) = State.from_json(found["state"]).relations
    assert relation.units == {"mysql/0": {"host": "h"}, "mysql/1": {}}


def test_peers_are_the_other_units(document: Any) -> None:
    found = document("ring-relation-joined:2", "--relate", "ring=:2", "--unit", "app/1")
    (relation,) = State.from_json(found["state"]).relations
    assert list(relation.units) == ["app/0", "app/2"]


def test_leader_flags_storage_and_resources(document: Any, run: Any, tmp_path: Path) -> None:
    found = document("update-status", "--no-leader", "--flag", "a", "--flag", "b", "--no-flag", "b")
    assert found["state"]["leader"] is False
    assert "lead" not in str(found["hooks"][0]["handlers"])
    assert "a" in found["state"]["flags"]
    assert "b" not in found["state"]["flags"]
    stored = document("data-storage-attached:0", "--storage", "data")
    assert stored["hooks"][0]["succeeded"]
    assert stored["hooks"][0]["about"] == "0"


def test_why_a_handler_ran_or_did_not(run: Any, document: Any) -> None:
    _, out, _ = run("update-status", "--explain", "open_port", "--explain", "opn_port")
    out = " ".join(out.split())  # it is broken into lines that fit
    asked = "@when('app.installed', 'config.set.port', 'config.changed.port')"
    assert ":open_port did not run, which asks for %s: 'app.installed'" % asked in out
    assert "no handler 'opn_port' is registered; did you mean open_port?" in out
    found = document("install", "--explain", "install")
    assert " ran once" in found["hooks"][0]["explanations"]["install"]


def test_the_log_is_shown_to_those_who_ask(run: Any) -> None:
    assert "Invoking reactive handler" not in run("install")[1]
    _, out, _ = run("install", "-v")
    assert "    INFO     Invoking reactive handler: reactive/app.py:" in out
    assert "+ files notes.txt: 10 bytes" in out


def test_warnings_and_errors_are_shown_to_everybody(charm: Path, run: Any) -> None:
    (charm / "reactive" / "more.py").write_text(
        "from charmhelpers.core import hookenv\n"
        "from charms.reactive import *\n"
        "from charms.reactive import events\n\n\n"
        "class Rung(events.Event):\n    pass\n\n\n"
        "@events.handle_event(Rung)\ndef deaf(event):\n    raise ValueError('pardon')\n\n\n"
        "@hook('start')\ndef ring():\n"
        "    hookenv.log('nothing much')\n"
        "    hookenv.log('the paper is low', 'WARNING')\n"
        "    events.emit_event(Rung)\n"
    )
    status, out, _ = run("start")
    assert status == 1  # of a simulated unit's hook, which a failing handler of events fails
    assert "    WARNING  the paper is low\n" in out
    assert "    ERROR    event handler reactive/more.py:10:deaf failed on Rung: ValueError: pardon\n" in out
    assert 'ERROR      File "%s/reactive/more.py", line 12, in deaf' % charm in out
    assert "_event" not in out  # no frames of the framework
    assert "nothing much" not in out


@pytest.mark.parametrize("speed", [[], ["--processes"]], ids=["in process", "in processes"])
def test_a_failure_is_told_once_with_what_led_to_it(charm: Path, run: Any, speed: List[str]) -> None:
    (charm / "hooks" / "relations" / "mysql" / "requires.py").unlink()
    assert "ERROR" not in run("start", *speed)[1]  # an endpoint may do without a layer
    status, out, _ = run("start", "--config", "broken=true", "--relate", "db", *speed)
    assert status == 1
    assert out.count("ERROR    Unable to find implementation for relation: requires of mysql") == 1
    assert out.count("RuntimeError: asked to fail") == 1
    assert "Hook error" not in out


@pytest.mark.parametrize(
    ("there", "wanted"),
    [("require.py", "mysql"), ("require.py", "mysq"), ("requires.py", "mysqll"), ("reqiures.py", "mysql")],
)
def test_a_layer_that_is_there_under_another_name_is_told_of_once(
    charm: Path, run: Any, there: str, wanted: str
) -> None:
    layer = charm / "hooks" / "relations" / "mysql"
    (layer / "requires.py").rename(layer / there)
    metadata = charm / "metadata.yaml"
    metadata.write_text(metadata.read_text().replace("mysql", wanted))
    status, out, _ = run("install", "start", "update-status")
    assert status == 0
    told = (
        "requires of %s (there is no hooks/relations/%s/requires.py); there is hooks/relations/mysql/%s: is "
    )
    assert (
        out.count("ERROR    Unable to find implementation for relation: " + told % (wanted, wanted, there))
        == 1
    )


def test_an_endpoint_that_is_related_needs_its_layer(charm: Path, run: Any) -> None:
    (charm / "hooks" / "relations" / "mysql" / "requires.py").unlink()
    status, out, _ = run("start", "update-status", "--relate", "db")
    assert status == 0
    assert out.count("ERROR    Unable to find implementation for relation: requires of mysql") == 1
    assert "misspelt" not in out


@pytest.mark.parametrize("speed", [[], ["--processes"]], ids=["in process", "in processes"])
def test_what_a_hook_that_succeeded_wrote_to_stderr_is_shown(charm: Path, run: Any, speed: List[str]) -> None:
    script = charm / "reactive" / "copy.sh"
    script.write_text(
        "#!/bin/bash\nsource charms.reactive.sh\n\n"
        "@hook start\nfunction copy() {\n    echo quiet\n    cp no/such/file .\n"
        "    relation-get -r db:77 - mysql/0\n    seq 1 30 >&2\n    true\n}\n\nreactive_handler_main\n"
    )
    script.chmod(0o755)
    status, out, _ = run("start", *speed)
    assert status == 0
    lines = [line.strip() for line in out.splitlines()]
    assert [line for line in lines if line.startswith("stderr")] == [
        "stderr   (12 lines before these)",
        *("stderr   %d" % number for number in range(11, 31)),
    ]
    script.write_text(script.read_text().replace("seq 1 30 >&2", ""))
    told = [line.strip() for line in run("start", *speed)[1].splitlines() if "stderr" in line]
    assert len(told) == 2
    assert "no/such/file" in told[0]
    assert told[1] == 'stderr   ERROR invalid value "db:77" for option -r: relation not found'


@pytest.mark.parametrize("speed", [[], ["--processes"]], ids=["in process", "in processes"])
def test_what_a_failed_bash_handler_wrote_stands_above_its_error(
    charm: Path, run: Any, speed: List[str]
) -> None:
    script = charm / "reactive" / "copy.sh"
    script.write_text(
        "#!/bin/bash\nset -e\nsource charms.reactive.sh\n\n"
        "@hook start\nfunction copy() {\n    echo 'no room left' >&2\n    false\n}\n\nreactive_handler_main\n"
    )
    script.chmod(0o755)
    status, out, _ = run("start", *speed)
    assert status == 1
    lines = [line.strip() for line in out.splitlines()]
    at = lines.index("stderr   no room left")
    assert "reactive/copy.sh:6:copy failed with exit status 1" in lines[at + 1]
    assert "Traceback" not in out


def test_an_action_that_nobody_has_seen_to_is_told(charm: Path, run: Any) -> None:
    assert "no handler with @action" not in run("action:backup")[1]
    app = charm / "reactive" / "app.py"
    app.write_text(app.read_text().replace('@action("backup")', '@action("bakcup")'))
    status, out, _ = run("action:backup")
    assert status == 0
    assert "    no handler with @action('backup') ran\n" in out


def test_another_juju_has_other_hooks(run: Any) -> None:
    status, _, err = run("leader-settings-changed", "--juju", "4.0")
    assert status == 2
    assert "Juju 4.0 runs no hook 'leader-settings-changed'" in err
    assert run("update-status", "--juju", "4.0", "--engine", "pure")[1].startswith(
        "app/0, Juju 4.0, in this process, pure engine\n"
    )


WRONG: Dict[str, Tuple[List[str], str]] = {
    "a slip in a hook": (["instal"], "runs no hook 'instal' for this charm; did you mean install?"),
    "a slip in an endpoint": (["bd-relation-joined"], "the charm has no endpoint 'bd'; it has db, ring"),
    "an action for a hook": (["backup"], "backup is an action: write action:backup"),
    "a slip in an action": (["action:bakcup"], "the charm has no action 'bakcup'; did you mean backup?"),
    "no such parameter": (["action:backup", "nam=x"], "action 'backup' has no parameter 'nam'"),
    "a parameter's type": (["action:backup", "size=big"], "'size' of action backup is of type integer"),
    "a lonely parameter": (["install", "port=80"], "an option of the charm is set by --config port=80"),
    "a slip in an option": (["install", "--config", "prot=80"], "no option 'prot'; did you mean port?"),
    "an option's type": (["install", "--config", "port=high"], "'port' is of type int, which 'high' is not"),
    "an option without value": (["install", "--config", "port"], "NAME=VALUE, not as 'port'"),
    "a slip in a relation": (["install", "--relate", "bd=mysql"], "has no endpoint 'bd'; it has db, ring"),
    "no number of units": (["install", "--relate", "db=mysql:x"], "'x' is no number of units"),
    "an unrelated endpoint": (["db-relation-joined"], "nothing is related on db; relate it with --relate db"),
    "data of nobody": (["install", "--data", "mysql/0", "a=b"], "relate it with --relate first"),
    "data of another": (
        ["install", "--relate", "db=mysql", "--data", "mysql/7", "a=b"],
        "related to no such unit; did you mean mysql/0?",
    ),
    "which unit": (
        ["db-relation-joined", "--relate", "db=mysql:2"],
        "there are mysql/0, mysql/1; write db-relation-joined:mysql/0",
    ),
    "which relation": (
        ["db-relation-joined", "--relate", "db=mysql", "--relate", "db=pg"],
        "mysql (db:0), pg (db:1); write db-relation-joined:mysql",
    ),
    "an impossible hook": (["leader-elected", "--no-leader"], "leader-elected runs on the leader"),
    "an unknown option of the command": (["install", "--cofnig", "a=b"], "unrecognized arguments: --cofnig"),
    "no hook": ([], "the following arguments are required: HOOK"),
    "no version": (["install", "--juju", "new"], "a version is given as 3.6 or 4.0.1"),
    "no unit name": (["install", "--unit", "app"], "a unit is named APPLICATION/NUMBER"),
    "no storage": (["install", "--storage", "date"], "metadata.yaml has no storage 'date'"),
    "no resource": (["install", "--resource", "x=/nowhere"], "there is no file /nowhere"),
}


@pytest.mark.parametrize(
    ("arguments", "message"), WRONG.values(), ids=[name.replace(" ", "-") for name in WRONG]
)
def test_what_cannot_be_done_is_said_in_a_sentence(run: Any, arguments: List[str], message: str) -> None:
    status, out, err = run(*arguments)
    assert status == 2
    assert message in err
    assert err.startswith("charms.reactive simulate: ")
    assert "Traceback" not in err
    assert "✓" not in out


def test_a_directory_that_is_no_charm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate.main([str(tmp_path), "install"]) == 2
    assert "is not a charm: it has no metadata.yaml with a name" in capsys.readouterr().err
    assert simulate.main([str(tmp_path / "nowhere"), "install"]) == 2
    assert "there is no directory" in capsys.readouterr().err


def test_a_built_charm_without_that_hook(charm: Path, run: Any) -> None:
    hook = charm / "hooks" / "install"
    hook.write_text("#!/bin/sh\nstatus-set active built\n")
    hook.chmod(0o755)
    assert "+ unit status: active: built" in run("install")[1]
    status, _, err = run("install", "start")
    assert status == 2
    assert "has neither dispatch nor hooks/start, so Juju would run nothing" in err


@pytest.mark.parametrize("text", ["no json", "{}", '{"format": 99}', '{"format": 1, "flgas": []}'])
def test_a_state_file_that_holds_something_else(run: Any, tmp_path: Path, text: str) -> None:
    file = tmp_path / "unit.json"
    file.write_text(text)
    status, _, err = run("install", "--state", file)
    assert status == 2
    assert str(file) in err
    assert file.read_text() == text  # nothing is lost


def test_a_state_file_where_there_is_no_directory(run: Any, tmp_path: Path) -> None:
    status, _, err = run("install", "--state", tmp_path / "no" / "unit.json")
    assert status == 2
    assert "there is no directory" in err


def test_machines_are_told_what_could_not_be_done(run: Any) -> None:
    status, out, err = run("install", "db-relation-joined", "--json")
    assert status == 2
    found = json.loads(out)
    assert [hook["name"] for hook in found["hooks"]] == ["install"]
    assert not found["succeeded"]
    assert "nothing is related on db" in found["error"]
    assert "nothing is related on db" in err


def test_what_hooks_left_running_is_ended(run: Any) -> None:
    before = _sleepers()
    _, out, _ = run("install", "--config", "daemon=yes")
    assert out.splitlines()[-1] == "1 process that hooks left running was ended"
    assert _sleepers() <= before


def _sleepers() -> set[str]:
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cmdline").read_bytes() == b"sleep\x001000\x00":
                found.add(entry.name)
    return found


COMMAND = [sys.executable, "-m", "charms_reactive.cli", "simulate"]


def test_the_command_from_any_directory(charm: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "charm", "install", "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    assert json.loads(done.stdout)["succeeded"]
    assert "charms.reactive simulate CHARM HOOK" in _output([*COMMAND, "--help"])
    assert "simulate CHARM HOOK" in _output([*COMMAND[:-1], "--help"])


def _output(command: List[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_other_subcommands_import_nothing_of_it(tmp_path: Path) -> None:
    program = (
        "import sys; from charms_reactive import cli; cli.main(['is_flag_set', 'x']);"
        "assert not [name for name in sys.modules if name.startswith('charms_reactive.testing')]"
    )
    environment = {**os.environ, "UNIT_STATE_DB": str(tmp_path / "db"), "CHARM_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, env=environment, timeout=60)


@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_sees_each_hook_while_it_works(charm: Path, no_color: str) -> None:
    code = (charm / "reactive" / "app.py").read_text()
    (charm / "reactive" / "app.py").write_text(code.replace("time.sleep(60)", "time.sleep(0.5)"))
    text = _on_terminal(
        [*COMMAND, str(charm), "install", "--processes", "--config", "slow=yes"], {"NO_COLOR": no_color}
    )
    assert re.search(r"\r\033\[K… install +\d+ ms", text)
    assert re.search(r"\r\033\[K… install +[\d.]+ m?s  slow", text)  # which handler it is in
    assert re.search(r"\r\033\[K.*✓.* .*install", text)
    assert ("\033[32m" in text) == (not no_color)


def _on_terminal(command: List[str], environment: Dict[str, str]) -> str:
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", **environment},
    )
    os.close(terminal)
    said = b""
    with contextlib.suppress(OSError):  # how a terminal says that the other side is gone
        while True:
            ready, _, _ = select.select([controller], [], [], 120)
            if not ready:
                break
            said += os.read(controller, 4096)
    os.close(controller)
    assert process.wait(timeout=60) == 0, said
    return said.decode()


def _as_from_a_terminal() -> None:
    """Signals as a command has them that somebody has typed; where SIGINT is ignored (``nohup make test &``),
    a child would ignore it too.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("speed", [[], ["--processes"]], ids=["in-process", "processes"])
def test_an_interrupt_leaves_nothing_behind(
    charm: Path, tmp_path: Path, number: int, speed: List[str]
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    process = subprocess.Popen(
        [*COMMAND, str(charm), "install", "--config", "slow=yes", "--config", "daemon=yes", *speed],
        env={**os.environ, "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_as_from_a_terminal,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        units = list(place.glob("charms.reactive-*/unit"))
        if units and (units[0] / "charm" / "notes.txt").exists():
            break
        time.sleep(0.05)
    else:
        process.kill()
        raise AssertionError(process.communicate())
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert "charms.reactive simulate: interrupted" in err
    assert process.returncode == 128 + number
    assert not list(place.glob("charms.reactive-*"))
    assert processes(units[0]) == ()


def test_whoever_calls_the_command_keeps_its_own_signals(charm: Path) -> None:
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    assert simulate.main([str(charm), "install"]) == 0
    assert [signal.getsignal(number) for number in numbers] == before


def test_the_command_in_a_thread_which_is_told_of_no_signals(charm: Path) -> None:
    with ThreadPoolExecutor() as pool:
        assert pool.submit(simulate.main, [str(charm), "install", "--processes"]).result() == 0


def test_a_reader_that_has_seen_enough(charm: Path) -> None:
    head = shutil.which("head")
    assert head is not None
    command = " ".join(COMMAND) + " %s install update-status | head -1" % charm
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("app/0, ")
    assert "Traceback" not in done.stderr
