"""What the hook tools of a simulated unit answer, refuse and remember."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

from charms_reactive.testing import HookRun, LogEntry, SimulatedUnit, Status, hooktools

pytestmark = pytest.mark.long

Sh = Callable[..., HookRun]


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("config-get port", "80\n"),
        ("config-get port --format=json", "80\n"),
        ("config-get --format yaml port", "80\n"),
        ("config-get debug", "True\n"),
        ("config-get debug --format json", "true\n"),
        ("config-get debug --format yaml", "true\n"),
        ("config-get note", ""),
        ("config-get note --format json", "null\n"),
        ("config-get no-such-option --format json", "null\n"),
        ("config-get", "debug: true\nport: 80\nratio: 0.5\n"),
        ("config-get --all --format=json", '{"debug":true,"note":null,"port":80,"ratio":0.5}\n'),
        ("config-get -a --format=json", '{"debug":true,"note":null,"port":80,"ratio":0.5}\n'),
        ("config-get --format=json", '{"debug":true,"port":80,"ratio":0.5}\n'),
        ("config-get port -o answer; cat answer", "80\n"),
        ("is-leader", "True\n"),
        ("is-leader --format=json", "true\n"),
        ("unit-get private-address", "127.0.0.1\n"),
        ("unit-get --format=json public-address", '"127.0.0.1"\n'),
        ("network-get db --primary-address", "127.0.0.1\n"),
        ("network-get db --ingress-address --format json", '"127.0.0.1"\n'),
        (
            "network-get db --ingress-address --egress-subnets --format json",
            '{"egress-subnets":["127.0.0.1/32"],"ingress-address":"127.0.0.1"}\n',
        ),
        ("relation-ids db", "db:0\n"),
        ("relation-ids db --format=json", '["db:0"]\n'),
        ("relation-ids ring --format=json", "[]\n"),
        ("relation-list -r db:0", "pg/0\npg/1\n"),
        ("relation-list -r db:0 --format=json", '["pg/0","pg/1"]\n'),
        ("relation-list -r 0 --app", "pg\n"),
        ("relation-get -r db:0 host pg/1", "h1\n"),
        ("relation-get -r db:0 - pg/1", "host: h1\n"),
        ("relation-get -r db:0 --format=json - pg/0", '{"host":"h0"}\n'),
        ("relation-get -r db:0 --format=json nothing pg/0", "null\n"),
        ("relation-get -r db:0 nothing pg/0", ""),
        ("relation-get -r db:0 --app --format=json - pg", '{"schema":"s"}\n'),
        ("relation-get -r db:0 --app schema pg/1", "s\n"),
        ("status-get", "waiting\n"),
        ("status-get --format=json", '{"status":"waiting"}\n'),
        (
            "status-get --include-data --format=json",
            '{"message":"installing agent","status":"waiting","status-data":{}}\n',
        ),
        ("status-get --application", "waiting\n"),
        ("storage-list --format=json", "[]\n"),
        ("leader-get --format=json", "{}\n"),
        ("leader-get --format=json missing", "null\n"),
        ("opened-ports --format=json", "[]\n"),
    ],
)
def test_answer(sh: Sh, command: str, printed: str) -> None:
    run = sh(command)
    assert (run.stdout, run.stderr, run.exit_status) == (printed, "", 0)


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("config-get --all port", 2, 'cannot use argument --all together with key "port"'),
        ("config-get port ratio", 2, 'unrecognized args: ["ratio"]'),
        ("config-get --bogus", 2, "option provided but not defined: --bogus"),
        ("config-get --format", 2, "option needs an argument: --format"),
        ("config-get --format=xml", 2, 'invalid value "xml" for option --format: unknown format "xml"'),
        ("juju-log", 2, "no message specified"),
        ("juju-log -oops", 2, "option provided but not defined: -o"),
        ("relation-get -r db:7 - pg/0", 2, 'invalid value "db:7" for option -r: relation not found'),
        ("relation-get -r db - pg/0", 2, 'invalid value "db" for option -r: invalid relation id'),
        ("relation-get", 2, "no relation id specified"),
        ("relation-get -r db:0", 2, "no unit or application specified"),
        ("relation-get -r db:0 - pg", 2, 'expected unit name, got application name "pg"'),
        (
            "relation-get -r db:0 - pg/9",
            1,
            'cannot read settings for unit "pg/9" in relation "db:0": unit "pg/9": settings not found',
        ),
        ("relation-list -r db:7", 2, 'invalid value "db:7" for option -r: relation not found'),
        ("relation-set -r db:7 a=b", 2, 'invalid value "db:7" for option -r: relation not found'),
        ("relation-set -r db:0 a", 2, 'expected "key=value", got "a"'),
        ("relation-ids", 2, "no endpoint name specified"),
        ("open-port 65536", 2, "port range bounds must be between 0 and 65535, got 65536-65536"),
        ("open-port 90-80", 2, "invalid port range 90-80/tcp"),
        ("open-port 80/sctp", 2, 'invalid protocol "sctp", expected "tcp", "udp", or "icmp"'),
        ("close-port", 2, "no port or range specified"),
        ("status-set", 2, "invalid args, require <status> [message]"),
        (
            "status-set error x",
            2,
            'invalid status "error", expected one of [maintenance blocked waiting active]',
        ),
        ("network-get nowhere", 1, 'no network config found for binding "nowhere"'),
        ("action-get", 1, "not running an action"),
        ("credential-get", 1, "cannot access cloud credentials: permission denied"),
        ("storage-get", 2, "no storage instance specified"),
        ("resource-get image", 1, "could not download resource: resource#image not found"),
        ("JUJU_CONTEXT_ID= config-get", 1, "JUJU_CONTEXT_ID not set"),
        ("JUJU_CONTEXT_ID=old config-get", 1, 'bad request: wrong context ID; got "old"'),
    ],
)
def test_refusal(sh: Sh, command: str, status: int, message: str) -> None:
    run = sh(command)
    assert (run.stdout, run.stderr, run.exit_status) == ("", "ERROR %s\n" % message, status)


@pytest.mark.parametrize(
    ("command", "entry"),
    [
        ("juju-log hello", LogEntry("INFO", "hello")),
        ("juju-log hello there", LogEntry("INFO", "hello there")),
        ("juju-log -l WARNING hello", LogEntry("WARNING", "hello")),
        ("juju-log hello --log-level=error", LogEntry("ERROR", "hello")),
        ("juju-log --debug hello", LogEntry("DEBUG", "hello")),
        ("juju-log -l nonsense hello", LogEntry("INFO", "hello")),
        ("juju-log -- -dash", LogEntry("INFO", "-dash")),
        (r"juju-log $'two\nlines \"quoted\" \u00e9'", LogEntry("INFO", 'two\nlines "quoted" é')),
    ],
)
def test_juju_log(sh: Sh, command: str, entry: LogEntry) -> None:
    run = sh(command)
    assert [(found.level, found.message) for found in run.log] == [(entry.level, entry.message)]


def test_help_names_every_option(sh: Sh) -> None:
    # charmhelpers looks for --file here before it uses it.
    printed = sh("relation-set --help").stdout
    assert printed.startswith("Usage: relation-set [options] key=value")
    for option in ("--app (= false)", "--file", "-r, --relation"):
        assert "\n%s\n" % option in printed + "\n"


def test_status_is_set_at_once_even_if_the_hook_fails(sh: Sh, unit: SimulatedUnit) -> None:
    run = sh("status-set blocked 'no database'; status-set --application active; status-get; exit 1")
    assert run.stdout == "blocked\n"
    assert unit.status == Status("blocked", "no database")
    assert unit.application_status == Status("active")
    assert run.status == Status("error", 'hook failed: "probe"')


def test_the_application_has_its_status_from_the_leader(sh: Sh, unit: SimulatedUnit) -> None:
    unit.leader = False
    for command in ("status-set --application active", "status-get --application"):
        run = sh(command)
        assert run.exit_status == 1
        assert run.stderr.endswith("this unit is not the leader\n")
    assert unit.application_status == Status("unknown")


def test_ports_open_when_the_hook_has_succeeded(sh: Sh, unit: SimulatedUnit) -> None:
    assert sh("open-port 80; open-port 9000-9010/udp; open-port icmp; exit 1").stdout == ""
    assert unit.ports == ()
    shown = sh("open-port 80; open-port 9000-9010/udp; open-port icmp; opened-ports").stdout
    assert shown == "icmp\n80/tcp\n9000-9010/udp\n"  # The hook sees what it has asked for.
    assert unit.ports == ("icmp", "80/tcp", "9000-9010/udp")
    assert sh("opened-ports").stdout == "icmp\n80/tcp\n9000-9010/udp\n"
    sh("close-port 80/TCP; open-port 81; exit 3")
    assert "80/tcp" in unit.ports
    assert "81/tcp" not in unit.ports
    sh("close-port 80/TCP")
    assert unit.ports == ("icmp", "9000-9010/udp")


def test_relation_data_is_seen_at_once_and_sent_on_success(sh: Sh, unit: SimulatedUnit) -> None:
    run = sh("relation-set -r db:0 user=me; relation-get -r db:0 user probe/0; exit 1")
    assert run.stdout == "me\n"
    assert "user" not in unit.relation_data("db:0")
    sh("relation-set -r db:0 user=me private-address=; relation-set -r db:0 --app shared=yes")
    assert unit.relation_data("db:0") == {
        "egress-subnets": "127.0.0.1/32",
        "ingress-address": "127.0.0.1",
        "user": "me",
    }
    assert unit.relation_data("db:0", "probe") == {"shared": "yes"}


def test_relation_set_reads_a_yaml_file_that_arguments_override(sh: Sh, unit: SimulatedUnit) -> None:
    sh("printf 'a: \"1\"\\nb: |\\n  two\\n  lines\\nuser: null\\n' > f; relation-set -r db:0 --file f a=2")
    data = unit.relation_data("db:0")
    assert (data["a"], data["b"]) == ("2", "two\nlines\n")
    assert "user" not in data


def test_a_relation_hook_has_its_relation_and_unit_as_defaults(sh: Sh) -> None:
    relation = {"JUJU_RELATION_ID": "db:0", "JUJU_REMOTE_UNIT": "pg/1"}
    command = "relation-ids; relation-list; relation-get host; relation-get --app schema; "
    run = sh(command + "echo $JUJU_RELATION $JUJU_REMOTE_APP", **relation)
    assert run.stdout == "db:0\npg/0\npg/1\nh1\ns\ndb pg\n"
    broken = sh('relation-get; echo "$JUJU_REMOTE_APP"', JUJU_RELATION_ID="db:0")
    assert broken.stdout == "schema: s\npg\n"


def test_only_the_leader_sets_for_the_application(sh: Sh, unit: SimulatedUnit) -> None:
    assert sh("leader-set a=1 b=2; leader-set a=; leader-get; leader-get b").stdout == 'b: "2"\n2\n'
    unit.leader = False
    run = sh("leader-set b=3")
    assert run.exit_status == 1
    assert run.stderr == "ERROR cannot write leadership settings: cannot write settings: not the leader\n"
    assert unit.leader_settings == {"b": "2"}
    assert sh("relation-set -r db:0 --app x=1").exit_status == 1
    assert sh("relation-get -r db:0 --app - probe").stderr == "ERROR permission denied\n"
    assert sh("is-leader --format=json").stdout == "false\n"


def test_goal_state_names_units_and_relations(sh: Sh) -> None:
    state = json.loads(sh("goal-state --format=json").stdout)
    assert state["units"] == {"probe/0": {"status": "waiting", "since": "2024-01-01 00:00:00Z"}}
    assert sorted(state["relations"]["db"]) == ["pg", "pg/0", "pg/1"]


def test_resource_get_prints_the_path_without_a_newline(charm: Path, tmp_path: Path) -> None:
    unit = SimulatedUnit(charm, tmp_path / "other", resources={"image": "/some/file"})
    assert unit.run("probe", COMMAND="resource-get image").stdout == "/some/file"


def test_application_version(sh: Sh, unit: SimulatedUnit) -> None:
    assert sh("application-version-set 1.2.3").succeeded
    assert unit.version == "1.2.3"


@pytest.mark.parametrize(
    ("command", "parameters", "printed"),
    [
        ("action-get size", {}, "small\n"),
        ("action-get size", {"size": "big"}, "big\n"),
        ("action-get tree.a.b --format=json", {"tree": {"a": {"b": [1]}}}, "[1]\n"),
        ("action-get tree.a.c --format=json", {"tree": {"a": {"b": 1}}}, "null\n"),
        ("action-get --format=json", {}, '{"size":"small"}\n'),
    ],
)
def test_action_get(unit: SimulatedUnit, command: str, parameters: dict[str, Any], printed: str) -> None:
    assert unit.run_action("probe", parameters, COMMAND=command).stdout == printed


def test_an_action_tells_results_progress_and_failure(unit: SimulatedUnit) -> None:
    command = "action-set out.size=10 out.name=x done=yes; action-log half way; action-fail 'too big'"
    run = unit.run_action("probe", COMMAND=command)
    assert run.action is not None
    assert run.action.results == {"out": {"size": "10", "name": "x"}, "done": "yes"}
    assert run.action.messages == ("half way",)
    assert (run.action.failure, run.exit_status, run.succeeded) == ("too big", 0, False)
    refused = unit.run_action("probe", COMMAND="action-set Bad=1")
    assert refused.exit_status == 2
    assert 'key "Bad" must start and end with lowercase alphanumeric' in refused.stderr


def test_every_process_is_recorded_with_its_outcome(sh: Sh) -> None:
    run = sh("is-leader >/dev/null; config-get --nope; juju-log 'a b'; true")
    assert [(call.tool, call.arguments, call.exit_status) for call in run.tools] == [
        ("is-leader", (), 0),
        ("config-get", ("--nope",), 2),
        ("juju-log", ("a b",), 0),
    ]


def test_many_processes_at_once_lose_nothing(sh: Sh, unit: SimulatedUnit) -> None:
    run = sh('for n in $(seq 1 20); do relation-set -r db:0 k$n=v$n & juju-log "line $n" & done; wait')
    assert run.succeeded
    data = unit.relation_data("db:0")
    assert {key: data.get(key) for key in ("k%d" % n for n in range(1, 21))} == {
        "k%d" % n: "v%d" % n for n in range(1, 21)
    }
    assert sorted(entry.message for entry in run.log) == sorted("line %d" % n for n in range(1, 21))
    assert len(run.tools) == 40


def test_a_process_that_outlives_its_hook_is_refused_and_not_counted(
    sh: Sh, unit: SimulatedUnit, tmp_path: Path
) -> None:
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    sh('(read line < "%s"; juju-log late 2> late; echo done >> late) > /dev/null 2>&1 &' % fifo)
    later = sh('echo go > "%s"; until grep -q done late; do sleep 0.02; done; cat late' % fifo)
    assert later.stdout.startswith("ERROR bad request: wrong context ID; got")
    assert later.tools == ()


def test_there_is_an_executable_for_every_tool(unit: SimulatedUnit) -> None:
    tools = unit.juju_dir / "bin"
    assert sorted(path.name for path in tools.iterdir()) == sorted(hooktools.TOOLS)
    assert all(os.stat(path).st_mode & stat.S_IXUSR for path in tools.iterdir())


def test_a_log_call_imports_nothing_that_is_slow(unit: SimulatedUnit) -> None:
    program = (
        "import os, sys; sys.path.insert(0, %r); sys.argv = ['juju-log', 'x'];"
        "from hooktools.program import main;"
        "os._exit = lambda status: print(status, [name for name in ('json', 're', 'typing', 'fcntl',"
        " 'charms_reactive', 'yaml') if name in sys.modules]); main()" % str(unit.juju_dir / "lib")
    )
    (unit.juju_dir / "context").write_text("here")
    done = subprocess.run(
        [sys.executable, "-SEs", "-c", program],
        env={"JUJU_CONTEXT_ID": "here"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "0 []\n"
