"""What a hook finds in its environment: what Juju gives it, no more and no less, at both speeds.

The names are those of ``HookVars`` in Juju's internal/worker/uniter/runner/context/context.go (43dad489 for
Juju 3, 06bd0f8f for Juju 4) and of internal/worker/uniter/runner/context/env.go (2ba9927e). Read, and not
seen on a unit.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Set

import pytest
from coverage import CoverageData

from charms_reactive.testing import Charm, CharmError, InconsistentStateError, Relation, Secret, State, Unit
from charms_reactive.testing.hooks import known_hooks

IN_EVERY_HOOK = {
    "APT_LISTCHANGES_FRONTEND",
    "CHARM_DIR",
    "CLOUD_API_VERSION",
    "DEBIAN_FRONTEND",
    "JUJU_AGENT_SOCKET_ADDRESS",
    "JUJU_AGENT_SOCKET_NETWORK",
    "JUJU_API_ADDRESSES",
    "JUJU_AVAILABILITY_ZONE",
    "JUJU_CHARM_DIR",
    "JUJU_CHARM_FTP_PROXY",
    "JUJU_CHARM_HTTPS_PROXY",
    "JUJU_CHARM_HTTP_PROXY",
    "JUJU_CHARM_NO_PROXY",
    "JUJU_CONTEXT_ID",
    "JUJU_DISPATCH_PATH",
    "JUJU_HOOK_NAME",
    "JUJU_MACHINE_ID",
    "JUJU_MODEL_NAME",
    "JUJU_MODEL_UUID",
    "JUJU_PRINCIPAL_UNIT",
    "JUJU_UNIT_NAME",
    "JUJU_VERSION",
    "LANG",
    "PATH",
    "TERM",
}
UNTIL_JUJU_3 = {"JUJU_METER_INFO", "JUJU_METER_STATUS", "JUJU_SLA"}
OF_A_RELATION = {"JUJU_RELATION", "JUJU_RELATION_ID", "JUJU_REMOTE_APP", "JUJU_REMOTE_UNIT"}

FILES = {
    "metadata.yaml": (
        "name: app\nrequires:\n  db: {interface: sql}\nstorage:\n  data: {type: filesystem}\n"
        "containers:\n  web: {}\n"
    ),
    "config.yaml": "options: {}\n",
    "actions.yaml": "probe: {}\n",
    "dispatch": "#!/bin/sh\nexec /usr/bin/env -0 > environment\n",
    "actions/probe": "#!/bin/sh\n",
}


@pytest.fixture
def charm(tmp_path: Path) -> Charm:
    """A charm that notes the environment of its hooks."""
    for name, text in FILES.items():
        path = tmp_path / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return Charm(tmp_path / "app")


@pytest.fixture(params=[True, False], ids=["in process", "processes"])
def in_process(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def noted(content: Any) -> Dict[str, str]:
    """The environment in a file, without the framework's own variables and what a shell adds."""
    pairs = [line.decode().partition("=") for line in content.split(b"\0") if line]
    own = ("CHARMS_REACTIVE_", "PWD", "OLDPWD", "SHLVL", "_", "COV")
    return {name: value for name, _, value in pairs if not name.startswith(own)}


@pytest.mark.parametrize("version", ["2.9.52", "3.1.10", "3.6.0", "4.0.0"])
def test_a_hook_has_the_variables_of_juju_and_no_others(
    charm: Charm, in_process: bool, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "TMPDIR", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH", "SECRET_OF_THE_DESK", "USER"):
        monkeypatch.setenv(name, "/nowhere")
    expected: Set[str] = IN_EVERY_HOOK | (set() if version.startswith("4") else UNTIL_JUJU_3)
    unit = Unit(charm, in_process=in_process, juju_version=version)
    given = State(relations=[Relation("db", "pg", [0])])

    then = unit.run("install", given)
    assert set(noted(then.state.files["environment"])) == expected
    then = unit.run("db-relation-joined", given)
    assert set(noted(then.state.files["environment"])) == expected | OF_A_RELATION
    then = unit.run("db-relation-departed", given)
    assert set(noted(then.state.files["environment"])) == expected | OF_A_RELATION | {"JUJU_DEPARTING_UNIT"}
    then = unit.run_action("probe", given)
    of_an_action = {"JUJU_ACTION_NAME", "JUJU_ACTION_TAG", "JUJU_ACTION_UUID"}
    assert set(noted(then.state.files["environment"])) == expected | of_an_action


def test_a_charm_that_asks_for_home_fails_as_on_a_unit(tmp_path: Path, in_process: bool) -> None:
    def handlers() -> None:
        import os

        from charms.reactive import hook

        @hook("install")
        def install() -> None:
            os.listdir(os.environ["HOME"])

    unit = Unit(Charm.of(tmp_path / "app", handlers), in_process=in_process)
    assert unit.run("install").error == "KeyError: 'HOME'"


def test_a_test_brings_variables_back(charm: Charm, in_process: bool) -> None:
    unit = Unit(charm, in_process=in_process, environment={"HOME": "/root", "TZ": "UTC"})
    found = noted(unit.run("install", environment={"TMPDIR": "/tmp"}).state.files["environment"])
    assert (found["HOME"], found["TZ"], found["TMPDIR"]) == ("/root", "UTC", "/tmp")
    assert "TMPDIR" not in noted(unit.run("install").state.files["environment"])


def test_what_follows_a_test_into_processes_is_handed_on(
    charm: Charm, in_process: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONBREAKPOINT", "pdb.set_trace")
    monkeypatch.setenv("COVERAGE_PROCESS_START", "/nowhere/coveragerc")
    content: Any = Unit(charm, in_process=in_process).run("install").state.files["environment"]
    assert b"PYTHONBREAKPOINT=pdb.set_trace\0" in content
    assert b"COVERAGE_PROCESS_START=/nowhere/coveragerc\0" in content


def test_coverage_sees_the_handlers_at_both_speeds(tmp_path: Path, in_process: bool) -> None:
    def handlers() -> None:
        from charms.reactive import hook

        @hook("install")
        def install() -> None:
            print("a line that was run")

    charm = Charm.of(tmp_path / "app", handlers)
    rc = tmp_path / "coveragerc"
    rc.write_text("[run]\nparallel = true\ndata_file = %s\n" % (tmp_path / "data"))
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\nfrom charms_reactive.testing import Unit\n"
        "print(Unit(sys.argv[1], in_process=sys.argv[2] == 'True', environment=%r).run('install').error)\n"
        % ({} if in_process else {"PYTHONPATH": str(tmp_path / "site")})
    )
    (tmp_path / "site").mkdir()
    # What coverage's own .pth file does, which an environment without it lacks.
    (tmp_path / "site" / "sitecustomize.py").write_text("import coverage\ncoverage.process_startup()\n")
    environment = {**os.environ, "COVERAGE_PROCESS_START": str(rc)}
    command = [sys.executable, "-m", "coverage", "run", "--rcfile", str(rc), str(script)]
    done = subprocess.run(
        [*command, str(charm.directory), str(in_process)],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.stdout == "None\n"
    seen = set()
    for data in tmp_path.glob("data.*"):
        found = CoverageData(basename=str(data))
        found.read()
        seen |= {Path(file).name for file in found.measured_files()}
    (handler,) = charm.directory.joinpath("reactive").glob("*.py")
    assert handler.name in seen


# -- secrets ----------------------------------------------------------------------------------------
ID = "9m4e2mr0ui3e8a215n40"


@pytest.mark.parametrize(
    ("hook", "secret", "label"),
    [
        # internal/worker/uniter/secrets/resolver.go 169551b1, runner/context/contextfactory.go 15114c42.
        ("secret-changed", Secret({"k": "v"}, "pg", "theirs", ID, consumers={"app/0": (1, "mine")}), "mine"),
        ("secret-changed", Secret({"k": "v"}, "pg", "theirs", ID, consumers={"app/0": (1, "")}), ""),
        ("secret-changed", Secret({"k": "v"}, "pg", "theirs", ID, consumers={"app/1": (1, "other")}), ""),
        ("secret-changed", Secret({"k": "v"}, "", "of a user", ID), ""),
        ("secret-rotate", Secret({"k": "v"}, "app", "ours", ID), "ours"),
        ("secret-rotate", Secret({"k": "v"}, None, "ours", ID), "ours"),
        ("secret-rotate", Secret({"k": "v"}, "app/0", "own", ID), "own"),
        ("secret-remove", Secret({"k": "v"}, "app", "ours", ID), "ours"),
    ],
)
def test_the_label_of_a_secret_is_the_one_that_the_unit_knows(
    charm: Charm, in_process: bool, hook: str, secret: Secret, label: str
) -> None:
    revision = 1 if hook == "secret-remove" else None
    then = Unit(charm, in_process=in_process).run(hook, State(secrets=[secret]), revision=revision)
    found = noted(then.state.files["environment"])
    assert (found["JUJU_SECRET_ID"], found["JUJU_SECRET_LABEL"]) == ("secret:" + ID, label)
    assert found.get("JUJU_SECRET_REVISION") == (None if revision is None else "1")


# -- versions ---------------------------------------------------------------------------------------
def test_versions_have_their_own_hooks(charm: Charm) -> None:
    old, new = known_hooks(charm, "2.9.52"), known_hooks(charm, "3.6.0")
    assert {"secret-changed", "secret-rotate", "secret-expired", "secret-remove"} & old == set()
    assert {"secret-changed", "secret-rotate", "secret-expired", "secret-remove"} < new
    assert "web-pebble-ready" in old
    assert {"web-pebble-custom-notice", "web-pebble-check-failed"} & old == set()
    assert "web-pebble-custom-notice" in known_hooks(charm, "3.5.0")
    assert "web-pebble-check-failed" not in known_hooks(charm, "3.5.0")


def test_juju_2_has_no_secrets(charm: Charm) -> None:
    unit = Unit(charm, juju_version="2.9.52")
    with pytest.raises(CharmError, match=r"^Juju 2\.9\.52 runs no hook secret-changed yet$"):
        unit.run("secret-changed", State(secrets=[Secret({"k": "v"})]))
    with pytest.raises(CharmError, match=r"^Juju 2\.9\.52 runs no hook web-pebble-check-failed yet$"):
        unit.run("web-pebble-check-failed")
    with pytest.raises(InconsistentStateError, match=r"Juju 2\.9\.52 has no secrets"):
        unit.run("install", State(secrets=[Secret({"k": "v"})]))
