"""An action is no hook, whatever it is called (SPEC 13): no handler of a hook runs in it."""

from __future__ import annotations

import os
from typing import Any, Dict, List

import pytest
from charmhelpers.core import hookenv

from charms.reactive import get_flags, helpers, hook
from charms_reactive import action, collect_metrics, meter_status_changed
from charms_reactive._juju import environment
from charms_reactive.testing import Unit as DeskUnit

from .support import Framework, Unit

#: Every hook that Juju knows: of units, of relations, of storage and of workloads.
HOOKS = [
    *("install", "start", "config-changed", "upgrade-charm", "stop", "remove", "update-status"),
    *(
        "leader-elected",
        "leader-settings-changed",
        "leader-deposed",
        "collect-metrics",
        "meter-status-changed",
    ),
    *("pre-series-upgrade", "post-series-upgrade", "pre-base-upgrade", "post-base-upgrade"),
    *("secret-changed", "secret-expired", "secret-remove", "secret-rotate"),
    *("db-relation-created", "db-relation-joined", "db-relation-changed", "db-relation-departed"),
    *("db-relation-broken", "data-storage-attached", "data-storage-detaching"),
    *(
        "web-pebble-ready",
        "web-pebble-custom-notice",
        "web-pebble-check-failed",
        "web-pebble-check-recovered",
    ),
]

PYTHON = """
import os
from charms.reactive import *
from charmhelpers.core import hookenv

NAME = {name!r}

def tell(word):
    with open("told", "a") as file:
        file.write(word + "\\n")

@hook(NAME)
def of_hook(): tell("hook")

@hook("{{{name},other}}")
def of_pattern(): tell("pattern")

@action(NAME)
def of_action():
    tell("action %r %r" % (hookenv.hook_name(), os.environ.get("JUJU_HOOK_NAME")))
    tell("any_hook %s" % helpers.any_hook(NAME))

@collect_metrics()
def metrics(): tell("metrics")

@meter_status_changed()
def meter(): tell("meter")

@when_not("never")
def flags(): tell("flags")
"""

BASH = """\
#!/bin/bash
set -e
source charms.reactive.sh

@hook {name}
function of_hook() {{ echo "bash hook" >>told; }}

@when_not never
function flags() {{
    charms.reactive any_hook {name} && echo "bash any_hook" >>told
    charms.reactive hook {name} && echo "bash hook command" >>told
    echo "bash flags [$JUJU_HOOK_NAME]" >>told
}}

reactive_handler_main
"""

TOLD = ["action '' ''", "any_hook False", "bash flags []", "flags"]


def told(unit: Unit) -> List[str]:
    path = unit.directory / "told"
    return sorted(path.read_text().splitlines()) if path.exists() else []


def run(unit: Unit, name: str, env: Dict[str, str], entry: str) -> List[str]:
    unit.write("metadata.yaml", "name: app\nrequires: {db: {interface: sql}}\n")
    unit.write("reactive/app.py", PYTHON.format(name=name))
    unit.write("reactive/app.sh", BASH.format(name=name), executable=True)
    unit.hook_file(entry)
    done = unit.run("", entry, {"JUJU_HOOK_NAME": "", **env})
    assert done.status == 0, done.stderr
    return told(unit)


@pytest.mark.parametrize("name", HOOKS)
def test_no_handler_of_a_hook_runs_in_an_action_of_its_name(unit: Unit, name: str) -> None:
    env = {"JUJU_ACTION_NAME": name, "JUJU_DISPATCH_PATH": "actions/%s" % name}
    assert run(unit, name, env, "dispatch") == TOLD
    assert "Reactive main running for action %s" % name in unit.log_text()
    assert "Restricted mode." not in unit.log_text()
    assert unit.committed_flags() == []


@pytest.mark.parametrize(
    ("env", "entry"),
    [
        ({"JUJU_ACTION_NAME": "stop"}, "actions/stop"),
        ({"JUJU_FUNCTION_NAME": "stop"}, "actions/stop"),
        ({"JUJU_DISPATCH_PATH": "actions/stop"}, "dispatch"),
        ({}, "actions/stop"),
    ],
    ids=["by its name", "by the old name", "by the path", "by the file alone"],
)
def test_however_the_action_is_known(unit: Unit, env: Dict[str, str], entry: str) -> None:
    found = run(unit, "stop", env, entry)
    if entry != "dispatch" and not env:
        # Commands know nothing of the file that Juju started: they ask the framework, which does not either.
        assert "hook" not in found
        assert "pattern" not in found
        return
    assert found == TOLD


@pytest.mark.parametrize("name", HOOKS)
def test_handlers_of_the_hook_still_run_in_the_hook(framework: Framework, name: str) -> None:
    hook(name)(lambda: framework.told.append("hook"))
    action(name)(lambda: framework.told.append("action"))
    collect_metrics()(lambda: framework.told.append("metrics"))
    meter_status_changed()(lambda: framework.told.append("meter"))
    expected = {"collect-metrics": ["metrics"], "meter-status-changed": ["meter"]}.get(name, ["hook"])
    assert framework.main(name) == expected


def in_action(framework: Framework, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("JUJU_HOOK_NAME", "")
    monkeypatch.setenv("JUJU_ACTION_NAME", name)


def test_an_action_named_like_a_series_upgrade_sets_no_flag(
    framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    import charms_reactive

    in_action(framework, monkeypatch, "pre-series-upgrade")
    charms_reactive.main()
    assert get_flags() == []


def test_an_action_named_like_a_relation_hook_moves_no_unit(
    framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_action(framework, monkeypatch, "db-relation-departed")
    assert environment.hook_name() == ""
    assert not helpers.any_hook("db-relation-departed", "", "{requires:sql}-relation-departed")


def test_a_hook_name_that_a_test_has_put_there_is_obeyed(
    framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    framework.hook("start")
    monkeypatch.setattr(hookenv, "hook_name", lambda: "config-changed")
    assert environment.hook_name() == "config-changed"
    assert helpers.any_hook("config-changed")
    monkeypatch.setenv("JUJU_ACTION_NAME", "stop")
    assert helpers.any_hook("config-changed")


def test_the_environment_stays_that_of_juju(framework: Framework, monkeypatch: pytest.MonkeyPatch) -> None:
    import charms_reactive

    seen: List[Any] = []
    in_action(framework, monkeypatch, "stop")
    action("stop")(lambda: seen.append((os.environ["JUJU_HOOK_NAME"], hookenv.hook_name())))
    charms_reactive.main()
    assert seen == [("", "")]
    assert os.environ["JUJU_HOOK_NAME"] == ""
    assert not [name for name in os.environ if name.startswith("CHARMS_REACTIVE_HOOK")]


@pytest.mark.parametrize("name", ["stop", "start", "collect-metrics", "upgrade-charm"])
def test_the_desk_runs_actions_as_juju_does(tmp_path: Any, name: str) -> None:
    charm = tmp_path / "charm"
    (charm / "reactive").mkdir(parents=True)
    (charm / "metadata.yaml").write_text("name: app\n")
    (charm / "actions.yaml").write_text("%s: {}\n" % name)
    (charm / "reactive" / "app.py").write_text(PYTHON.format(name=name))
    outcome = DeskUnit(str(charm)).run_action(name)
    assert outcome.succeeded
    assert outcome.handlers == ["of_action", "flags"]
    assert outcome.state.files["told"].decode().splitlines()[:2] == TOLD[:2]
