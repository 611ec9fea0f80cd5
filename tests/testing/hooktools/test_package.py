"""The hook tools as a package: versions of Juju, both kinds of side, processes at once, and charmhelpers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NoReturn, Type

import pytest
from charmhelpers.core import hookenv
from facts import CONTEXT, METADATA, Executables, InMemory, a_juju
from rows import in_hook

from charms_reactive.testing import hooktools

pytestmark = pytest.mark.long

# ruff: noqa: SIM905
OF_JUJU_3 = """
    action-fail action-get action-log action-set add-metric application-version-set close-port config-get
    credential-get goal-state is-leader juju-log juju-reboot k8s-raw-get k8s-raw-set k8s-spec-get k8s-spec-set
    leader-get leader-set network-get open-port opened-ports payload-register payload-status-set
    payload-unregister pod-spec-get pod-spec-set relation-get relation-ids relation-list relation-model-get
    relation-set resource-get secret-add secret-get secret-grant secret-ids secret-info-get secret-remove
    secret-revoke secret-set state-delete state-get state-set status-get status-set storage-add storage-get
    storage-list unit-get
""".split()
GONE = """
    add-metric k8s-raw-get k8s-raw-set k8s-spec-get k8s-spec-set leader-get leader-set payload-register
    payload-status-set payload-unregister pod-spec-get pod-spec-set
""".split()


def refused(tool: str, *words: str, **given: Any) -> str:
    """What a tool that is asked in memory says on stderr."""
    side = hooktools.MemorySide(hooktools.new_juju(**given))
    return hooktools.call(side, tool, words, {"JUJU_CONTEXT_ID": "x"})[2].decode()


# -- versions of Juju -------------------------------------------------------------------------------
def test_juju_3_has_these_tools() -> None:
    assert hooktools.tools_of("3.6.0") == tuple(OF_JUJU_3)
    assert sorted(hooktools.TOOLS) == OF_JUJU_3


def test_juju_4_has_no_leader_settings_payloads_metrics_and_pod_specs() -> None:
    for version in ("4.0", "4.0.1", "4.0-beta7"):
        assert sorted(set(OF_JUJU_3) - set(hooktools.tools_of(version))) == GONE


def test_juju_2_has_no_secrets_and_tells_no_models_of_relations() -> None:
    new = [tool for tool in OF_JUJU_3 if tool.startswith("secret-") or tool == "relation-model-get"]
    assert len(new) == 9
    for version in ("2.9.52", "2.9", "2.8.1"):
        assert sorted(set(OF_JUJU_3) - set(hooktools.tools_of(version))) == new
    for version in ("3.0", "3.1.10", "3.6.0"):
        assert hooktools.tools_of(version) == tuple(OF_JUJU_3)


@pytest.mark.parametrize(("version", "tool"), [("2.9.52", "secret-add"), ("4.0.0", "leader-get")])
def test_a_tool_of_another_version_is_refused_by_whoever_answers(version: str, tool: str) -> None:
    said = refused(tool, "key=value", juju_version=version)
    assert said == "ERROR bad request: unknown command: %s\n" % tool


def test_a_tool_that_does_not_exist_is_not_on_the_path(tmp_path: Path) -> None:
    hooktools.install(tmp_path, hooktools.new_juju(juju_version="4.0.0"))
    assert sorted(os.listdir(tmp_path / "bin")) == list(hooktools.tools_of("4.0.0"))
    assert all(os.access(tmp_path / "bin" / tool, os.X_OK) for tool in hooktools.tools_of("4.0.0"))


def test_every_tool_describes_itself() -> None:
    for tool in OF_JUJU_3:
        side = hooktools.MemorySide(hooktools.new_juju())
        status, shown, _ = hooktools.call(side, tool, ["--help"], {"JUJU_CONTEXT_ID": "x"})
        assert (status, shown.decode().startswith("Usage: %s " % tool)) == (0, True)
        assert hooktools.describe(tool) == shown.decode()


def test_juju_4_puts_no_private_address_into_relations() -> None:
    for version, there in (("3.6.0", True), ("4.0.0", False)):
        juju = hooktools.new_juju(juju_version=version)
        assert ("private-address" in hooktools.new_relation(juju, "pg")["local-unit"]) is there


# -- the Juju side ----------------------------------------------------------------------------------
def test_what_follows_from_metadata() -> None:
    juju = hooktools.new_juju("app/3", METADATA, resources={"image": "/there"})
    assert juju["unit"] == "app/3"
    assert juju["bindings"] == ["db", "public", "ring", "web"]
    assert juju["endpoints"] == {"db": "requires", "web": "provides", "ring": "peers"}
    assert juju["payload-classes"] == {"monitor": "docker"}
    assert juju["resources"] == {"image": "/there", "absent": None}
    assert juju["storage-specs"] == {
        "data": {"minimum": 0, "maximum": 2},
        "logs": {"minimum": 1, "maximum": None},
        "cache": {"minimum": 1, "maximum": 1},
    }


def test_a_key_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match="the Juju side of a unit has no 'leadr'; it has action, address"):
        hooktools.new_juju(leadr=True)
    with pytest.raises(TypeError, match="a secret has no 'lable'; it has access"):
        hooktools.new_secret("app", {}, lable="x")


def test_a_side_survives_json() -> None:
    juju = a_juju({})
    assert json.loads(json.dumps(juju)) == juju


def test_a_change_that_fails_is_not_kept(tmp_path: Path) -> None:
    side = hooktools.install(tmp_path, hooktools.new_juju())
    with pytest.raises(ZeroDivisionError), side.change() as juju:
        juju["version"] = str(1 / 0)
    with side.change() as juju:  # The lock was released.
        juju["version"] = "2"
    assert side.read()["version"] == "2"


# -- who may ask ------------------------------------------------------------------------------------
def test_only_the_hook_that_runs_is_answered(tmp_path: Path) -> None:
    sides: List[Any] = [hooktools.MemorySide(hooktools.new_juju(), "now")]
    sides.append(hooktools.install(tmp_path, hooktools.new_juju()))
    sides[1].context = "now"
    for side in sides:
        for environ, said in (
            ({}, "ERROR JUJU_CONTEXT_ID not set\n"),
            ({"JUJU_CONTEXT_ID": "old"}, 'ERROR bad request: wrong context ID; got "old"\n'),
        ):
            assert hooktools.call(side, "is-leader", [], environ) == (1, b"", said.encode())
        assert side.calls == []
        assert hooktools.call(side, "is-leader", [], {"JUJU_CONTEXT_ID": "now"}) == (0, b"True\n", b"")
        side.context = ""
        assert hooktools.call(side, "is-leader", [], {"JUJU_CONTEXT_ID": "now"})[0] == 1
        assert [line[2:] for line in side.calls] == [["is-leader", []]]


def test_an_unknown_tool_is_refused() -> None:
    assert refused("config-set", "a=1") == "ERROR bad request: unknown command: config-set\n"


def test_calls_touch_nothing_of_the_process(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = (os.getcwd(), dict(os.environ), sys.stdout, sys.stdin, list(sys.argv))
    side = hooktools.MemorySide(a_juju({}), "x")
    environ = {"JUJU_CONTEXT_ID": "x"}
    assert hooktools.call(side, "config-get", ["port", "-o", "answer"], environ, directory=str(tmp_path)) == (
        0,
        b"",
        b"",
    )
    assert (tmp_path / "answer").read_text() == "80\n"
    (tmp_path / "given.yaml").write_text("a: 1\n")
    words = ["-r", "db:0", "--file", "given.yaml"]
    assert hooktools.call(side, "relation-set", words, environ, directory=str(tmp_path))[0] == 0
    assert side.juju["pending"]["relations"] == {"db:0": {"unit": {"a": "1"}}}
    assert (os.getcwd(), dict(os.environ), sys.stdout, sys.stdin, list(sys.argv)) == before
    assert capfd.readouterr() == ("", "")


def test_threads_are_answered_each_for_itself() -> None:
    wrong: List[Any] = []

    def ask(number: int) -> None:
        side = hooktools.MemorySide(a_juju({"config": {"n": number}}), "x")
        for _ in range(200):
            answer = hooktools.call(side, "config-get", ["n"], {"JUJU_CONTEXT_ID": "x"})
            wrong.extend([answer] if answer != (0, b"%d\n" % number, b"") else [])

    threads = [threading.Thread(target=ask, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_bytes_that_are_no_text_come_back_as_they_were(directory: Path) -> None:
    side = hooktools.FileSide(directory)
    side.write(a_juju({}))
    side.context = CONTEXT
    tool = os.fsencode(directory / "bin" / "relation-set")
    environ = {"JUJU_CONTEXT_ID": CONTEXT, "LC_ALL": "C.UTF-8"}
    subprocess.run([tool, b"-r", b"db:0", b"key=\xff\xc3\xa4"], env=environ, check=True)
    read = [str(directory / "bin" / "relation-get"), "-r", "db:0", "key", "app/0"]
    assert subprocess.run(read, env=environ, check=True, stdout=subprocess.PIPE).stdout == b"\xff\xc3\xa4\n"


# -- processes --------------------------------------------------------------------------------------
def test_processes_at_once_lose_nothing(directory: Path) -> None:
    side = hooktools.FileSide(directory)
    side.write(a_juju({}))
    side.context, side.calls = CONTEXT, []
    environ = {"JUJU_CONTEXT_ID": CONTEXT}
    tool = str(directory / "bin" / "relation-set")
    running = [
        subprocess.Popen([tool, "-r", "db:0", "k%d=v%d" % (number, number)], env=environ)
        for number in range(20)
    ]
    assert [process.wait() for process in running] == [0] * 20
    settings = side.read()["pending"]["relations"]["db:0"]["unit"]
    assert settings == {"k%d" % number: "v%d" % number for number in range(20)}
    assert len(side.calls) == 20


def test_juju_log_imports_next_to_nothing(directory: Path) -> None:
    program = (
        "import os, sys; sys.path.insert(0, %r); sys.argv = ['juju-log', 'x'];"
        "from hooktools.program import main;"
        "os._exit = lambda status: print(status, sorted(n for n in sys.modules if n in ('json', 're',"
        " 'typing', 'fcntl', 'yaml', 'importlib') or n.startswith('hooktools')));"
        "main()" % str(directory / "lib")
    )
    hooktools.FileSide(directory).context = CONTEXT
    done = subprocess.run(
        [sys.executable, "-SEs", "-c", program],
        env={"JUJU_CONTEXT_ID": CONTEXT},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    loaded = ["hooktools"] + ["hooktools." + name for name in ("command", "log", "program", "side")]
    assert done.stdout == "0 %s\n" % loaded


def test_a_tool_whose_answer_nobody_wants_to_read(directory: Path) -> None:
    """As in `config-get a | true`: a pipe that is closed is no reason for a traceback, but for no success."""
    side = hooktools.FileSide(directory)
    side.write(a_juju({"config": {"long": "x" * 200_000}}))
    side.context = CONTEXT
    environ = {"JUJU_CONTEXT_ID": CONTEXT, "PATH": "%s:%s" % (directory / "bin", os.environ["PATH"])}
    script = "config-get long | true; echo ${PIPESTATUS[0]}"
    done = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_a_tool_that_is_given_no_standard_input_finds_it_empty() -> None:
    side = hooktools.MemorySide(a_juju({}))
    before = side.read()["relations"]["db:0"]["local-unit"]
    words = ["-r", "db:0", "--file", "-"]
    assert hooktools.call(side, "relation-set", words, {"JUJU_CONTEXT_ID": CONTEXT}) == (0, b"", b"")
    assert side.read()["relations"]["db:0"]["local-unit"] == before


def test_bytes_that_are_no_text_are_as_long_as_they_are(directory: Path) -> None:
    side = hooktools.MemorySide(a_juju({}))
    words = [os.fsdecode(b"key=\xff\xfe")]
    assert hooktools.call(side, "state-set", words, {"JUJU_CONTEXT_ID": CONTEXT}) == (0, b"", b"")
    assert side.read()["pending"]["state"] == {"key": os.fsdecode(b"\xff\xfe")}


@pytest.mark.parametrize("level", ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_each_level_of_the_log_is_kept(level: str) -> None:
    assert hooktools.log_entry(["-l", level, "a", "line"]) == (level, "a line")
    assert hooktools.log_entry(["-l", "LOUD", "a line"]) == ("INFO", "a line")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_side_that_cannot_be_read_is_held_by_nobody(
    directory: Path, monkeypatch: pytest.MonkeyPatch, error: Type[BaseException]
) -> None:
    side = hooktools.FileSide(directory)
    side.write(a_juju({}))

    def fail() -> NoReturn:
        raise error

    monkeypatch.setattr(side, "read", fail)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(error), side.change():
        raise AssertionError("it is entered")
    assert os.listdir("/proc/self/fd") == before
    monkeypatch.undo()
    with side.change() as juju:
        juju["leader"] = False
    assert side.read()["leader"] is False


def test_the_unit_is_app_0_where_nothing_else_is_said() -> None:
    juju = hooktools.new_juju()
    assert juju["unit"] == "app/0"
    side = hooktools.MemorySide(juju)
    status, said, _ = hooktools.call(side, "status-set", ["active"], {"JUJU_CONTEXT_ID": "x"})
    assert (status, said) == (0, b"")


def test_reboot_now_ends_the_hook(directory: Path) -> None:
    side = hooktools.FileSide(directory)
    side.write(a_juju({}))
    side.context = CONTEXT
    environ = {"JUJU_CONTEXT_ID": CONTEXT, "PATH": "%s:%s" % (directory / "bin", os.environ["PATH"])}
    # The tool runs in a child of the hook, and it is the hook that dies.
    script = "relation-set -r db:0 a=1; bash -c 'juju-reboot --now; true'; echo survived"
    done = subprocess.run(["bash", "-c", script], env=environ, stdout=subprocess.PIPE, check=False)
    assert (done.returncode, done.stdout) == (-9, b"")
    assert side.read()["reboot"] == "now"
    side.write(a_juju({}))
    later = subprocess.run(
        ["bash", "-c", "juju-reboot; echo survived"], env=environ, stdout=subprocess.PIPE, check=True
    )
    assert (later.stdout, side.read()["reboot"]) == (b"survived\n", "later")


def test_reboot_now_kills_nobody_who_is_not_the_hook(directory: Path) -> None:
    side = hooktools.FileSide(directory)
    side.write(a_juju({}))
    side.context = CONTEXT
    # Its parent is this test, which was not started as the hook.
    tool = str(directory / "bin" / "juju-reboot")
    assert subprocess.run([tool, "--now"], env={"JUJU_CONTEXT_ID": CONTEXT}, check=False).returncode == 0
    assert side.read()["reboot"] == "now"


def test_answers_in_memory_take_microseconds() -> None:
    side = hooktools.MemorySide(a_juju({}), "x")
    environ = {"JUJU_CONTEXT_ID": "x"}
    words = ["--format=json", "-r", "db:0", "-", "pg/0"]
    best = 1.0
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(200):
            hooktools.call(side, "relation-get", words, environ)
        best = min(best, (time.perf_counter() - started) / 200)
    print("relation-get in memory: %.1f us" % (best * 1e6))
    started = time.perf_counter()
    subprocess.run([sys.executable, "-SEsc", ""], check=True)
    assert best * 50 < time.perf_counter() - started, "a process would hardly be slower"


# -- charmhelpers -----------------------------------------------------------------------------------
class Shim(types.SimpleNamespace):
    """What hookenv needs of ``subprocess``, answered in memory."""

    def __init__(self, way: InMemory, environ: Mapping[str, str]) -> None:
        super().__init__(
            CalledProcessError=subprocess.CalledProcessError, PIPE=subprocess.PIPE, STDOUT=subprocess.STDOUT
        )
        self.way, self.environ = way, environ

    def _ask(self, arguments: List[str], stderr_to: Any = None) -> bytes:
        tool, *words = arguments
        status, stdout, stderr = hooktools.call(self.way.side, tool, words, self.environ)
        if stderr_to == self.STDOUT:
            stdout += stderr
        if status:
            raise subprocess.CalledProcessError(status, arguments, stdout, stderr)
        return stdout

    def check_output(self, arguments: List[str], **_: Any) -> Any:
        answer = self._ask(arguments, _.get("stderr"))
        return answer.decode() if _.get("universal_newlines") else answer

    def check_call(self, arguments: List[str], **_: Any) -> int:
        self._ask(arguments)
        return 0

    def call(self, arguments: List[str], **_: Any) -> int:
        try:
            return self.check_call(arguments)
        except subprocess.CalledProcessError as error:
            return error.returncode


@pytest.fixture(params=["in memory", "executables"])
def side(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, directory: Path, tmp_path: Path
) -> Iterator[Any]:
    """A side that charmhelpers asks, in db-relation-changed for pg/0."""
    environ: Dict[str, str] = {
        "CHARM_DIR": str(tmp_path),
        "JUJU_CHARM_DIR": str(tmp_path),
        "JUJU_CONTEXT_ID": CONTEXT,
        "JUJU_HOOK_NAME": "db-relation-changed",
        "JUJU_MODEL_NAME": "m",
        "JUJU_RELATION": "db",
        "JUJU_RELATION_ID": "db:0",
        "JUJU_REMOTE_UNIT": "pg/0",
        "JUJU_UNIT_NAME": "app/0",
        "JUJU_VERSION": "3.6.0",
        "PATH": "%s:%s" % (directory / "bin", os.environ["PATH"]),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    juju = a_juju(in_hook("db-relation-changed", "db:0", "pg/0", "pg"))
    way: Any
    if request.param == "in memory":
        way = InMemory(juju)
        monkeypatch.setattr(hookenv, "subprocess", Shim(way, environ))
    else:
        way = Executables(directory, juju)
    # It looks for the agent's own program to know the version, and there is no agent.
    monkeypatch.setattr(hookenv, "juju_version", lambda: "3.6.0")
    monkeypatch.setattr(hookenv, "_cache_config", None)
    monkeypatch.setattr(hookenv, "_atexit", [])
    hookenv.cache.clear()
    yield way.side
    hookenv.cache.clear()


def test_charmhelpers_reads(side: Any) -> None:
    assert hookenv.config("port") == 80
    assert dict(hookenv.config())["note"] is None
    assert hookenv.is_leader() is True
    assert hookenv.relation_ids("db") == ["db:0"]
    assert hookenv.related_units() == ["pg/0", "pg/1"]
    assert hookenv.relation_get() == {"host": "h0", "port": "5432"}
    assert hookenv.relation_get("host", "pg/1", "db:0") == "h1"
    assert hookenv.relation_get("nonesuch") is None
    assert hookenv.relation_get("schema", app="pg", rid="db:0") == "s"
    assert hookenv.relations_of_type("db")[0]["__unit__"] == "pg/0"
    assert hookenv.unit_private_ip() == "10.0.0.5"
    assert hookenv.network_get_primary_address("db") == "10.0.0.5"
    network = hookenv.network_get("db", "db:0")
    assert network["bind-addresses"][0]["addresses"][0]["value"] == "10.0.0.5"
    with pytest.raises(hookenv.NoNetworkBinding):
        hookenv.network_get_primary_address("nowhere")
    assert hookenv.status_get() == ("waiting", "installing agent")
    assert hookenv.storage_list("data") == ["data/3"]
    assert hookenv.storage_get("location", "data/3") == "/srv/data"
    assert hookenv.resource_get("image") == "/resources/image"
    assert hookenv.resource_get("absent") is False
    assert hookenv.goal_state()["relations"]["db"]["pg/1"]["status"] == "active"
    assert hookenv.opened_ports() == []


def test_charmhelpers_writes(side: Any) -> None:
    hookenv.relation_set(relation_id="db:0", relation_settings={"a": "x" * 300, "b": None}, c="y")
    assert hookenv.relation_get("a", "app/0") == "x" * 300
    hookenv.leader_set(token="t")
    assert hookenv.leader_get("token") == "t"
    hookenv.status_set("active", "fine")
    assert hookenv.status_get() == ("active", "fine")
    hookenv.application_version_set("1.2")
    hookenv.open_port(80)
    hookenv.open_ports(90, 99, "UDP")
    assert hookenv.opened_ports() == ["80/tcp", "90-99/udp"]
    hookenv.payload_register("docker", "monitor", "x1")
    hookenv.payload_status_set("monitor", "x1", "stopping")
    hookenv.log("hello", hookenv.WARNING)
    with side.change() as juju:
        hooktools.settle(juju, True)
    juju = side.read()
    assert juju["relations"]["db:0"]["local-unit"]["c"] == "y"
    assert juju["ports"] == ["80/tcp", "90-99/udp"]
    assert (juju["version"], juju["leader-settings"]) == ("1.2", {"token": "t"})
    assert juju["payloads"]["monitor/x1"]["status"] == "stopping"
    logged = [hooktools.log_entry(line[3]) for line in side.calls if line[2] == "juju-log"]
    assert logged == [("WARNING", "hello")]
    with pytest.raises(ValueError, match="'nonsense' is not a valid workload state"):
        hookenv.status_set("nonsense", "")


def test_charmhelpers_acts(side: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with side.change() as juju:
        juju["action"] = {"parameters": {"size": "big"}, "results": {}, "failure": None, "messages": []}
    monkeypatch.setenv("JUJU_ACTION_NAME", "backup")
    assert hookenv.action_get("size") == "big"
    hookenv.action_set({"out.size": "10"})
    hookenv.action_fail("no")
    action = side.read()["action"]
    assert (action["results"], action["failure"]) == ({"out": {"size": "10"}}, "no")
