"""main(): a whole hook, from the ways in which Juju enters it to what it leaves behind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import List

import pytest
from charmhelpers.core import hookenv

import charms_reactive

from .support import Framework, Unit

TELLS = """\
import os
from charms.reactive import action, hook, is_flag_set, set_flag, when_not
from charmhelpers.core import hookenv

def tell(*words):
    with open(os.path.join(os.environ["CHARM_DIR"], "told"), "a") as file:
        file.write(" ".join(map(str, words)) + "\\n")

@hook("config-changed")
def hook_handler():
    tell("hook", hookenv.hook_name(), os.environ["JUJU_HOOK_NAME"])

@action("backup")
def action_handler():
    tell("action")
    set_flag("backed-up")

@when_not("never")
def flag_handler():
    tell("flag")
"""


def _told(unit: Unit) -> List[str]:
    path = unit.directory / "told"
    return path.read_text().splitlines() if path.exists() else []


# -- how a hook is entered -----------------------------------------------------------------------------

ENTRIES = {
    "hooks/NAME and its variable": ("hooks/config-changed", {"JUJU_HOOK_NAME": "config-changed"}),
    "hooks/NAME of an old Juju": ("hooks/config-changed", {"JUJU_HOOK_NAME": None}),
    "hooks/NAME, variable empty": ("hooks/config-changed", {"JUJU_HOOK_NAME": ""}),
    "dispatch": (
        "dispatch",
        {"JUJU_HOOK_NAME": "config-changed", "JUJU_DISPATCH_PATH": "hooks/config-changed"},
    ),
    "dispatch, path only": (
        "dispatch",
        {"JUJU_HOOK_NAME": None, "JUJU_DISPATCH_PATH": "hooks/config-changed"},
    ),
}


@pytest.mark.parametrize("way", ENTRIES)
def test_spec13_every_entry_knows_its_hook_and_exports_it(unit: Unit, way: str) -> None:
    entry, env = ENTRIES[way]
    unit.write("reactive/app.py", TELLS)
    unit.hook_file(entry)
    done = unit.run("config-changed", entry, env)
    assert done.status == 0, done.stderr
    assert _told(unit) == ["hook config-changed config-changed", "flag"]
    assert unit.logged()[0] == ("INFO", "Reactive main running for hook config-changed")


def test_spec13_children_learn_the_hook_from_an_old_juju(unit: Unit) -> None:
    unit.write(
        "reactive/script",
        "#!/bin/sh\n[ $1 = --test ] && exec charms.reactive hook config-changed\n"
        "echo child $JUJU_HOOK_NAME >told\n",
        executable=True,
    )
    assert unit.run("config-changed", env={"JUJU_HOOK_NAME": None}).status == 0
    assert _told(unit) == ["child config-changed"]


ACTIONS = {
    "an action file": ("actions/backup", {"JUJU_ACTION_NAME": "backup"}),
    "a function file": ("actions/backup", {"JUJU_FUNCTION_NAME": "backup"}),
    "dispatch": ("dispatch", {"JUJU_DISPATCH_PATH": "actions/backup", "JUJU_ACTION_NAME": "backup"}),
    "dispatch, path only": ("dispatch", {"JUJU_DISPATCH_PATH": "actions/backup"}),
}


@pytest.mark.parametrize("way", ACTIONS)
def test_spec13_actions(unit: Unit, way: str) -> None:
    entry, env = ACTIONS[way]
    unit.write("reactive/app.py", TELLS)
    unit.hook_file(entry)
    done = unit.run("", entry, {"JUJU_HOOK_NAME": "", **env})
    assert done.status == 0, done.stderr
    assert _told(unit) == ["action", "flag"]
    assert unit.committed_flags() == ["backed-up"]


def test_spec13_main_takes_a_relation_name_as_it_always_did(framework: Framework) -> None:
    framework.hook("start")
    charms_reactive.main("db")
    charms_reactive.main(relation_name="db")


# -- order -----------------------------------------------------------------------------------------

ORDER = """\
from charms.reactive import *
from charmhelpers.core import hookenv, unitdata
import reactive

def tell(word):
    with open("told", "a") as file:
        file.write(word + "\\n")
    set_flag("told." + word)

tell("discover")
hookenv.atstart(tell, "atstart one")
hookenv.atstart(tell, "atstart two")
hookenv.atexit(tell, "atexit one")
hookenv.atexit(tell, "atexit two")

@hook("update-status")
def handler():
    tell("hook")

@when_not("never")
def flag():
    tell("flag")

@collect_metrics()
def metrics():
    tell("metrics")
"""


def test_spec13_order_of_a_hook(unit: Unit) -> None:
    unit.write("reactive/app.py", ORDER)
    assert unit.run().status == 0
    assert _told(unit) == [
        "discover",
        "atstart one",
        "atstart two",
        "hook",
        "flag",
        "atexit two",
        "atexit one",
    ]
    assert len(unit.committed_flags()) == 7


def test_spec13_restricted_hooks_have_neither_atstart_nor_atexit(unit: Unit) -> None:
    unit.write("reactive/app.py", ORDER)
    assert unit.run("collect-metrics").status == 0
    assert _told(unit) == ["discover", "metrics"]
    assert unit.committed_flags() == ["told.discover", "told.metrics"]
    assert "Restricted mode." in unit.log_text()
    assert unit.calls() == []


def test_spec13_nothing_of_the_end_happens_after_a_failure(unit: Unit) -> None:
    unit.write("reactive/app.py", ORDER.replace('tell("flag")', 'raise RuntimeError("flag")'))
    assert unit.run().status != 0
    assert _told(unit) == ["discover", "atstart one", "atstart two", "hook"]
    assert unit.rows() == {}


@pytest.mark.parametrize("where", ["atstart", "atexit"])
def test_spec13_spec20_errors_a_failing_callback_fails_the_hook(unit: Unit, where: str) -> None:
    unit.write("reactive/app.py", ORDER + "def fails(): raise RuntimeError('in the callback')\n")
    with (unit.directory / "reactive" / "app.py").open("a") as file:
        file.write("hookenv.%s(fails)\n" % where)
    done = unit.run()
    assert done.status != 0
    assert unit.rows() == {}
    (message,) = [message for level, message in unit.logged() if level == "ERROR"]
    assert "in the callback" in message.splitlines()[0]
    assert "fails" in message
    # The failure of a callback is nobody else's.
    assert "in handler" not in message.splitlines()[0]


@pytest.mark.parametrize(("code", "status"), [("0", 0), ("None", 0), ("", 0), ("4", 4)])
def test_spec13_compat_3_8_system_exit_from_an_atstart_callback(unit: Unit, code: str, status: int) -> None:
    """layer-apt and postgresql leave a hook early: no handler runs, the end of the hook does."""
    unit.write(
        "reactive/app.py",
        ORDER + "def leave(): raise SystemExit(%s)\nhookenv.atstart(leave)\n"
        "hookenv.atstart(tell, 'never told')\n" % code,
    )
    assert unit.run().status == status
    told = ["discover", "atstart one", "atstart two"]
    assert _told(unit) == told + ([] if status else ["atexit two", "atexit one"])
    assert len(unit.committed_flags()) == (0 if status else 5)


@pytest.mark.parametrize(("code", "status"), [("0", 0), ("None", 0), ("4", 4)])
def test_spec13_system_exit_from_an_atexit_callback(unit: Unit, code: str, status: int) -> None:
    """It ends the callbacks; with 0 the hook has succeeded, and what it did is kept."""
    unit.write(
        "reactive/app.py",
        ORDER + "def leave(): raise SystemExit(%s)\nhookenv.atexit(leave)\n"
        "hookenv.atexit(tell, 'atexit three')\n" % code,
    )
    assert unit.run().status == status
    assert _told(unit)[-1] == "atexit three"
    assert bool(unit.committed_flags()) == (not status)


def test_spec13_compat_3_14_what_is_registered_before_the_import_runs_first_and_last(unit: Unit) -> None:
    """basic.init_config_states and clear_config_states of every built charm's hook template."""
    # There charmhelpers comes first, and needs what Python 3.12 has no more; units have setuptools for it.
    unit.write("site/distutils/__init__.py", "")
    unit.write("site/distutils/version.py", "LooseVersion = str\n")
    if sys.version_info >= (3, 12):
        unit.env["PYTHONPATH"] += ":%s" % (unit.directory / "site")
    unit.hook_file(
        "hooks/start",
        "from charmhelpers.core import hookenv\n"
        "def init():\n    from charms.reactive import set_flag\n    set_flag('config.set.x')\n"
        "def clear():\n    from charms.reactive import clear_flag\n    clear_flag('config.set.x')\n"
        "    open('told', 'a').write('clear\\n')\n"
        "hookenv.atstart(init)\nhookenv.atexit(clear)\n"
        "from charms.reactive import main\nmain()\n",
    )
    unit.write(
        "reactive/app.py",
        "from charmhelpers.core import hookenv\nfrom charms.reactive import *\n"
        "@when('config.set.x')\ndef seen(): open('told', 'a').write('handler\\n')\n"
        "hookenv.atexit(lambda: open('told', 'a').write('layer\\n'))\n",
    )
    assert unit.run("start").status == 0
    assert _told(unit) == ["handler", "layer", "clear"]
    assert unit.committed_flags() == []


# -- flags before main, and actions that do it by hand -------------------------------------------------


def test_spec13_compat_3_6_flags_set_at_import_and_before_main(unit: Unit) -> None:
    unit.hook_file(
        "hooks/start",
        "from charms.reactive import main, set_flag, register_trigger\nset_flag('before')\n"
        "register_trigger(when='at.import', set_flag='by.trigger')\nmain()\n",
    )
    unit.write(
        "reactive/app.py",
        "from charms.reactive import *\nset_flag('at.import')\n"
        "@when('before', 'at.import', 'by.trigger')\ndef seen(): set_flag('seen')\n",
    )
    assert unit.run("start").status == 0
    assert unit.committed_flags() == ["at.import", "before", "by.trigger", "seen"]


BY_HAND = """\
import sys
sys.path.append("lib")
import charms.reactive as reactive
from charms.reactive import bus
from charmhelpers.core import hookenv, unitdata
from charmhelpers.core.unitdata import kv

%s
"""


@pytest.mark.parametrize(
    "steps",
    [
        "bus.discover(); hookenv._run_atstart(); GO; unitdata.kv().flush(); reactive.main()",
        "bus.discover(); GO; reactive.main()",
        "GO; unitdata._KV.flush(); reactive.main()",
        "bus.discover(); bus.discover(); hookenv._run_atstart(); GO; reactive.main(); hookenv._run_atexit()",
        "bus.discover(); hookenv._run_atstart(); GO; bus.dispatch(); hookenv._run_atexit(); kv().flush()",
        "from reactive.app import ran; GO; reactive.main()",
    ],
)
def test_spec13_compat_3_7_actions_that_start_the_framework_by_hand(unit: Unit, steps: str) -> None:
    by_hand = BY_HAND % steps.replace("; ", "\n").replace("GO", "reactive.set_flag('go')")
    unit.hook_file("actions/do", by_hand)
    unit.write(
        "reactive/app.py",
        "from charms.reactive import *\nregister_trigger(when='go', set_flag='by.trigger')\n"
        "@when('go')\n@when_not('ran')\n"
        "def ran():\n    open('told', 'a').write('ran\\n')\n    set_flag('ran')\n",
    )
    env = {"JUJU_HOOK_NAME": "", "JUJU_ACTION_NAME": "do", "PYTHONPATH": unit.env["PYTHONPATH"]}
    if "from reactive" in steps:
        env["PYTHONPATH"] += ":%s" % unit.directory
    done = unit.run("", "actions/do", env)
    assert done.status == 0, done.stderr
    assert _told(unit) == ["ran"]
    flags = unit.committed_flags()
    assert {"go", "ran"} <= set(flags)
    if "discover" in steps.partition("GO")[0]:
        assert "by.trigger" in flags


def test_spec13_an_action_without_main_keeps_what_it_flushes(unit: Unit) -> None:
    unit.hook_file("actions/do", BY_HAND % "reactive.set_flag('x')\nunitdata.kv().flush()")
    assert unit.run("", "actions/do", {"JUJU_HOOK_NAME": ""}).status == 0
    assert unit.committed_flags() == ["x"]


def test_spec13_compat_3_1_endpoints_start_by_hand(unit: Unit) -> None:
    unit.write("metadata.yaml", "name: app\nrequires: {db: {interface: sql}}\n")
    unit.write(
        "hooks/relations/sql/requires.py",
        "from charms.reactive import Endpoint\nclass Db(Endpoint):\n    name_of = 'db'\n",
    )
    unit.hook_file(
        "actions/do",
        BY_HAND % "reactive.Endpoint._startup()\nprint(reactive.endpoint_from_name('db').endpoint_name)",
    )
    done = unit.run("", "actions/do", {"JUJU_HOOK_NAME": ""})
    assert (done.status, done.stdout) == (0, "db\n"), done.stderr


def test_spec13_two_hooks_in_one_process(framework: Framework) -> None:
    framework.write("reactive/app.py", TELLS)
    registered = list(hookenv._atstart)
    framework.main("config-changed")
    hookenv._atstart[:] = registered
    framework.main("start")
    told = Path("told").read_text().splitlines()
    assert told == ["hook config-changed config-changed", "flag", "flag"]
    assert sys.modules["reactive.app"]


def test_spec13_automatic_flag_of_a_series_upgrade(unit: Unit) -> None:
    assert unit.run("pre-series-upgrade").status == 0
    assert unit.committed_flags() == ["upgrade.series.in-progress"]
    assert unit.run("update-status").status == 0
    assert unit.committed_flags() == ["upgrade.series.in-progress"]
    assert unit.run("post-series-upgrade").status == 0
    assert unit.committed_flags() == []


def test_spec13_no_scratch_row_survives_a_hook(unit: Unit) -> None:
    unit.write("reactive/app.py", "from charms.reactive import *\nregister_trigger(when='a', set_flag='b')\n")
    unit.write(
        "reactive/script",
        "#!/bin/sh\n[ $1 = --test ] && exec test ! -e gone\ntouch gone\ncharms.reactive set_flag a\n",
        executable=True,
    )
    assert unit.run().status == 0
    assert unit.rows() == {"reactive.states.a": None, "reactive.states.b": None}
