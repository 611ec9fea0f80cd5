"""Automatic flags of the charm's configuration and of leadership (SPEC 12)."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest
from charmhelpers.core import hookenv

import charms_reactive
from charms_reactive._dispatch import automatic_flags
from charms_reactive.errors import HookToolError
from charms_reactive.flags import get_flags

OPTIONS = """
options:
  port: {type: int, default: 80}
  name: {type: string}
  mode: {type: string, default: fast}
  debug: {type: boolean, default: false}
  empty: {type: string, default: ""}
"""

DEFAULTS = {"port": 80, "name": None, "mode": "fast", "debug": False, "empty": ""}

# A handler that tells which flags it sees, in a charm that wants to know all about its configuration.
WATCHING = """
@when_not("never")
def look():
    tell([flag for flag in get_flags() if flag != "x"])

KNOWN = ["config.changed", "config.set.x", "config.default.x"]
"""


@pytest.fixture
def configured(charm: Any, juju: Any) -> Any:
    """A charm with options and without layers, all at their defaults."""
    charm.write("config.yaml", OPTIONS)
    juju.config.update(DEFAULTS)
    return charm


def changed(*options: str) -> List[str]:
    return (["config.changed"] if options else []) + ["config.changed.%s" % option for option in options]


def look(charm: Any, *arguments: Any, of: str = "config.changed") -> List[str]:
    """Run a hook; returns the flags that its handler has seen, of one kind."""
    (seen,) = charm.run(*(arguments or ("update-status",)))
    return [flag for flag in seen if flag == of or flag.startswith(of + ".")]


# -- config ---------------------------------------------------------------------------------------


def test_spec12_in_the_first_hook_every_option_has_changed(configured: Any) -> None:
    configured.handlers(WATCHING)
    everything = changed("debug", "empty", "mode", "name", "port")
    assert look(configured, "install") == everything
    assert look(configured, "config-changed") == []


def test_spec12_config_changed_compares_with_the_last_hook(configured: Any, juju: Any) -> None:
    configured.handlers(WATCHING)
    configured.run("install")
    juju.config.update(port=8080, name="me")
    assert look(configured, "config-changed") == changed("name", "port")
    assert look(configured, "config-changed") == []
    juju.config.update(name=None)
    assert look(configured, "update-status") == changed("name")


@pytest.mark.parametrize(
    ("value", "is_set"),
    [("text", True), (1, True), (True, True), (0.5, True), (None, False), (False, False), ("", False)],
)
def test_spec12_config_set_is_about_values_that_are_not_none_false_or_empty(
    configured: Any, juju: Any, value: object, is_set: bool
) -> None:
    configured.handlers(WATCHING)
    juju.config["name"] = value
    assert ("config.set.name" in look(configured, of="config.set")) is is_set


def test_spec12_config_default_is_about_values_equal_to_the_default(configured: Any, juju: Any) -> None:
    configured.handlers(WATCHING)
    juju.config.update(port=81, name="x", empty=None)
    assert look(configured, of="config.default") == ["config.default.debug", "config.default.mode"]


def test_spec12_config_flags_are_cleared_after_the_hook(configured: Any) -> None:
    configured.handlers(WATCHING)
    (seen,) = configured.run("install")
    assert len(seen) == 6 + 2 + 5
    assert configured.rows("reactive.states.") == {}


def test_clearing_them_fires_no_trigger_and_setting_them_does(configured: Any) -> None:
    configured.handlers(
        """
        register_trigger(when="config.changed.port", set_flag="port-changed")
        register_trigger(when_not="config.set.port", set_flag="port-gone")
        """
    )
    configured.run("install")
    assert configured.flags == ["port-changed"]


def test_spec12_flags_are_there_before_hook_handlers_and_layers_start(configured: Any) -> None:
    configured.metadata(requires={"db": "mysql"})
    configured.interface(
        "mysql",
        "requires",
        """
        class Db(Endpoint):
            def manage_flags(self):
                tell(is_flag_set("config.set.port"))
        """,
    )
    configured.handlers(
        """
        from charmhelpers.core import hookenv
        hookenv.atstart(lambda: tell(is_flag_set("config.set.port")))
        @hook("install")
        def install(): tell(is_flag_set("config.set.port"))
        """
    )
    assert configured.run("install") == [True, True, True]


def test_a_failed_hook_changes_nothing_and_the_next_one_hears_of_it_again(configured: Any, juju: Any) -> None:
    configured.handlers(WATCHING)
    configured.run("install")
    juju.config["port"] = 1
    failing = configured.handlers("@when('config.changed.port')\ndef fail(): raise ValueError('no')\n", "bad")
    before = configured.rows()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            configured.run("config-changed")
        assert configured.rows() == before
    failing.unlink()
    assert look(configured, "config-changed") == changed("port")


def test_a_change_that_a_failed_hook_has_flushed_is_heard_again(configured: Any, juju: Any) -> None:
    configured.handlers(WATCHING)
    configured.run("install")
    juju.config["port"] = 1
    failing = configured.handlers(
        """
        from charmhelpers.core import unitdata
        @when("config.changed.port")
        def fail():
            unitdata.kv().flush()
            raise ValueError("no")
        """,
        "bad",
    )
    with pytest.raises(ValueError, match="no"):
        configured.run("config-changed")
    failing.unlink()
    assert look(configured, "config-changed") == changed("port")
    assert look(configured, "update-status") == []


def test_the_first_hook_after_layer_basic_compares_with_what_it_kept(configured: Any, juju: Any) -> None:
    configured.handlers(WATCHING)
    configured.write(".juju-persistent-config", json.dumps(dict(DEFAULTS, port=79, gone=1)))
    assert look(configured, "upgrade-charm") == changed("port")
    assert look(configured, "config-changed") == []


def test_what_a_charm_adds_to_its_config_is_no_option(configured: Any, juju: Any) -> None:
    configured.write(".juju-persistent-config", json.dumps(dict(DEFAULTS, mine="x")))
    configured.handlers(WATCHING)
    (seen,) = configured.run("config-changed")
    assert [flag for flag in seen if flag.endswith(".mine")] == []


def test_later_hooks_do_not_look_at_charmhelpers_persistent_config(configured: Any, juju: Any) -> None:
    configured.handlers(WATCHING)
    configured.run("install")
    juju.config["port"] = 1
    configured.write(".juju-persistent-config", json.dumps(juju.config))
    assert look(configured, "config-changed") == changed("port")


# -- who asks -------------------------------------------------------------------------------------

USES = {
    "decorator": "@when('config.changed')\ndef f(): pass\n",
    "decorator of one option": "@when_not('config.set.some-option')\ndef f(): pass\n",
    "trigger": "register_trigger(when='config.default.port', set_flag='y')\n",
    "question": "@when_not('x')\ndef f(): is_flag_set('config.set.port')\n",
    "f-string": "@when_not('x')\ndef f(option='port'): is_flag_set(f'config.changed.{option}')\n",
    "put together": "@when_not('x')\ndef f(kind='set'): is_flag_set('config.' + kind + '.port')\n",
}


@pytest.mark.parametrize("use", sorted(USES))
def test_who_wants_to_know_costs_one_config_get(configured: Any, juju: Any, use: str) -> None:
    configured.handlers(
        USES[use] + "\n@when_not('x')\ndef own():\n"
        "    from charmhelpers.core import hookenv\n    tell(hookenv.config()['port'])\n"
    )
    assert configured.run("update-status")[-1] == 80
    assert juju.count("config-get") == 1, "shared with the charm's own question"
    assert juju.count("is-leader") == juju.count("leader-get") == 0


NO_USES = {
    "nothing": "@when_not('x')\ndef f(): pass\n",
    "flags of other names": "@when_not('config.rendered', 'leadership', 'config')\ndef f(): pass\n",
    "methods": "cfg = object\n@when_not('x')\ndef f():\n    f.config = 1\n    tell('config.yaml')\n"
    "    if 0: config.changed('x'), config.set('a', 'b'), self.leadership.set(1)\n",
    "words": "'''See config.changed and leadership.set.x, they are of use.'''\n",
}


@pytest.mark.parametrize("use", sorted(NO_USES))
def test_a_charm_that_uses_none_costs_no_process(configured: Any, juju: Any, use: str) -> None:
    configured.handlers(NO_USES[use])
    configured.write("README.md", "Set `'config.changed'` and \"leadership.is_leader\".")
    configured.write("reactive/notes.txt", "'leadership.is_leader'")
    configured.run("update-status")
    assert set(juju.count()) <= {"juju-log"}
    assert configured.rows() == {}


def test_a_bash_handler_may_ask_without_quotes(configured: Any, juju: Any) -> None:
    configured.write("reactive/handler.sh", "#!/bin/sh\ncharms.reactive is_flag_set config.set.port\n")
    configured.write("lib/helpers.sh", "charms.reactive is_flag_set leadership.is_leader\n")
    configured.run("update-status")
    assert (juju.count("config-get"), juju.count("is-leader"), juju.count("leader-get")) == (1, 1, 0)


@pytest.mark.parametrize(
    "place", ["reactive/deep/er/x.py", "hooks/relations/a/x.py", "lib/charms/x.py", "actions/do", "bin/x.sh"]
)
def test_code_of_the_charm_is_in_these_places(configured: Any, juju: Any, place: str) -> None:
    configured.write(place, "# 'leadership.is_leader'\n")
    configured.run("update-status")
    assert juju.count("is-leader") == 1


def test_only_wanted_kinds_have_flags(configured: Any) -> None:
    configured.handlers("@when('config.set.port')\ndef f(): tell(get_flags())\n")
    assert configured.run("install") == [["config.set.mode", "config.set.port"]]


def test_a_charm_without_options_asks_nothing(charm: Any, juju: Any) -> None:
    charm.handlers("@when('config.changed')\ndef f(): pass\n")
    charm.run("install")
    for text in ("", "options:\n", "options: {}\n"):
        charm.write("config.yaml", text)
        charm.run("update-status")
    assert juju.count("config-get") == 0


def test_restricted_hooks_ask_nothing(configured: Any, juju: Any) -> None:
    configured.handlers(WATCHING + "@when('leadership.is_leader', 'leadership.set.x')\ndef f(): pass\n")
    configured.run("collect-metrics")
    assert set(juju.count()) <= {"juju-log"}


def test_a_config_get_that_fails_is_an_error_that_names_it(configured: Any, juju: Any) -> None:
    configured.handlers(WATCHING)
    juju.missing.append("config-get")
    with pytest.raises(HookToolError, match="config-get"):
        configured.run("install")
    assert configured.rows() == {}


# -- layers ---------------------------------------------------------------------------------------


@pytest.fixture
def no_mark_of_the_leadership_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(charms_reactive, "_leadership_registered", raising=False)


def test_what_layer_basic_manages_is_left_to_it(
    configured: Any, juju: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured.handlers(WATCHING)

    def init_config_states() -> None:
        hookenv.config()
        charms_reactive.set_flag("config.changed.mine")
        charms_reactive.set_flag("config.set.mine")

    def clear_config_states() -> None:
        charms_reactive.clear_flag("config.changed.mine")

    for run_by_the_hook in (False, True):
        configured.enter("config-changed")
        # As the layer's hook does it, before the framework is imported.
        if run_by_the_hook:
            init_config_states()
        else:
            hookenv._atstart.insert(0, (init_config_states, (), {}))
        hookenv._atexit.insert(0, (clear_config_states, (), {}))
        configured.told.clear()
        charms_reactive.main()
        assert configured.told == [["config.changed.mine", "config.set.mine"]]
        assert configured.flags == ["config.set.mine"], "what the layer leaves stays"
        assert juju.count("config-get") == 1
        assert configured.rows("reactive.automatic") == {}


@pytest.mark.parametrize("layer", ["basic", "caas_base"])
def test_a_layer_that_could_manage_them_is_enough(
    configured: Any, juju: Any, monkeypatch: pytest.MonkeyPatch, layer: str
) -> None:
    import sys
    from types import ModuleType

    module: Any = ModuleType("charms.layer." + layer)
    module.init_config_states = lambda: None
    monkeypatch.setitem(sys.modules, module.__name__, module)
    configured.handlers(WATCHING)
    assert configured.run("install") == [[]]
    assert juju.count("config-get") == 0


SETTING: Dict[str, str] = {
    "reactive/own.py": "from charms.reactive import set_flag\ndef f(): set_flag('config.changed')\n",
    "lib/charms/layer/basic.py": "def f(opt):\n    set_state('config.changed.{}'.format(opt))\n",
    "lib/x.py": "t = 'x'\ndef f(toggle_state): toggle_state(\n        f\"config.set.{t}\", True)\n",
    "reactive/own.sh": "charms.reactive set_flag config.changed\n",
    "reactive/trigger.py": "from charms.reactive import register_trigger\n"
    "register_trigger(when='x', set_flag='config.changed')\n",
}


@pytest.mark.parametrize("place", sorted(SETTING))
def test_flags_that_the_charm_sets_itself_are_its_own(configured: Any, juju: Any, place: str) -> None:
    configured.handlers(WATCHING + "@when('leadership.is_leader')\ndef f(): pass\n")
    configured.write(place, SETTING[place])
    assert configured.run("install") == [["leadership.is_leader"]]
    assert juju.count("config-get") == 0


def test_clearing_a_flag_is_not_setting_it(configured: Any) -> None:
    configured.handlers(WATCHING + "def f(): clear_flag('config.changed')\n")
    assert look(configured, "install") != []


def test_compat_3_9_what_layer_leadership_manages_is_left_to_it(
    charm: Any, juju: Any, no_mark_of_the_leadership_layer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    charm.handlers("@when('leadership.is_leader')\ndef f(): tell('leader')\n")
    monkeypatch.setattr(charms_reactive, "_leadership_registered", True, raising=False)
    assert charm.run("update-status") == []
    monkeypatch.delattr(charms_reactive, "_leadership_registered")
    charm.write("reactive/leadership.py", "def f(toggle_state): toggle_state('leadership.is_leader', True)\n")
    assert charm.run("update-status") == []
    assert juju.count("is-leader") == juju.count("leader-get") == 0


# -- leadership -----------------------------------------------------------------------------------

LEADING = """
@when("leadership.is_leader")
def lead(): tell("leader")
"""

SETTINGS = """
@when_not("never")
def look():
    tell(get_flags())

@when_any("leadership.changed", "leadership.set.a")
def f(): pass
"""


def test_spec12_is_leader_follows_juju_and_stays_between_hooks(charm: Any, juju: Any) -> None:
    charm.handlers(LEADING)
    assert charm.run("install") == ["leader"]
    assert (juju.count("is-leader"), juju.count("leader-get")) == (1, 0)
    assert charm.flags == ["leadership.is_leader"]
    juju.leader = False
    assert charm.run("update-status") == []
    assert charm.flags == []


def test_spec12_leadership_settings(charm: Any, juju: Any) -> None:
    charm.handlers(SETTINGS)
    assert charm.run("install") == [[]]
    juju.leader_settings.update(a="1", b="")
    assert charm.run("leader-settings-changed") == [
        ["leadership.changed", "leadership.changed.a", "leadership.changed.b"]
        + ["leadership.set.a", "leadership.set.b"]
    ]
    assert charm.flags == ["leadership.set.a", "leadership.set.b"], "the changed ones are cleared after it"
    juju.leader_settings.update(a="2")
    del juju.leader_settings["b"]
    assert charm.run("leader-settings-changed") == [
        ["leadership.changed", "leadership.changed.a", "leadership.changed.b", "leadership.set.a"]
    ]
    assert charm.run("update-status") == [["leadership.set.a"]]
    assert (juju.count("is-leader"), juju.count("leader-get")) == (0, 1)


def test_the_first_hook_after_layer_leadership_compares_with_what_it_kept(charm: Any, juju: Any) -> None:
    from charmhelpers.core import unitdata

    unitdata.kv().update({"a": "1", "b": "1", "gone": None}, prefix="leadership.settings.")
    unitdata.kv().flush()
    charm.handlers(SETTINGS)
    juju.leader_settings.update(a="1", b="2")
    assert charm.run("upgrade-charm") == [
        ["leadership.changed", "leadership.changed.b", "leadership.set.a", "leadership.set.b"]
    ]


def test_a_failed_hook_leaves_leadership_as_it_was(charm: Any, juju: Any) -> None:
    charm.handlers(SETTINGS)
    charm.run("install")
    before = charm.rows()
    juju.leader_settings.update(a="1")
    charm.handlers("@when('leadership.changed.a')\ndef f(): raise ValueError('no')\n", "bad")
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            charm.run("leader-settings-changed")
        assert charm.rows() == before


def test_nobody_wants_them_any_more(charm: Any, juju: Any) -> None:
    charm.handlers(LEADING + SETTINGS)
    juju.leader_settings.update(a="1")
    charm.run("install")
    assert charm.flags == ["leadership.is_leader", "leadership.set.a"]
    charm.handlers("")
    charm.run("upgrade-charm")
    assert charm.flags == []
    assert set(juju.count()) <= {"juju-log"}


def fails(words: List[str], _: bytes) -> object:
    from fakes import _Refused

    raise _Refused("not supported")


@pytest.mark.parametrize("how", ["missing", "failing", "no JSON", "no settings"])
def test_a_juju_without_leader_get_costs_one_line_in_the_log(charm: Any, juju: Any, how: str) -> None:
    charm.handlers(LEADING + SETTINGS)
    juju.leader_settings.update(a="1")
    charm.run("install")
    if how == "missing":
        juju.missing.append("leader-get")
    else:
        answers = {"failing": fails, "no JSON": lambda *_: b"oops", "no settings": lambda *_: "oops"}
        juju._tools["leader-get"] = answers[how]
    juju.log.clear()
    told = charm.run("upgrade-charm")
    assert told == ["leader", ["leadership.is_leader", "leadership.set.a"]]
    (line,) = charm.lines("WARNING")
    assert line.startswith("Juju does not answer leader-get (")
    assert line.endswith("leadership.changed and leadership.set stay as they are")


@pytest.mark.parametrize("how", ["missing", "failing"])
def test_a_unit_that_cannot_tell_is_not_the_leader(charm: Any, juju: Any, how: str) -> None:
    charm.handlers(LEADING)
    charm.run("install")
    if how == "missing":
        juju.missing.append("is-leader")
    else:
        juju._tools["is-leader"] = fails
    juju.log.clear()
    assert charm.run("update-status") == []
    (line,) = charm.lines("WARNING")
    assert line.startswith("Juju does not answer is-leader (")


# -- and the rest ---------------------------------------------------------------------------------


def test_spec12_upgrade_series_in_progress(charm: Any) -> None:
    charm.run("pre-series-upgrade")
    assert charm.flags == ["upgrade.series.in-progress"]
    charm.run("update-status")
    assert charm.flags == ["upgrade.series.in-progress"]
    charm.run("post-series-upgrade")
    assert charm.flags == []


def test_an_action_that_runs_the_callbacks_by_itself_sees_the_flags(configured: Any) -> None:
    configured.handlers(WATCHING)
    configured.enter("", JUJU_ACTION_NAME="do")
    hookenv._run_atstart()
    assert charms_reactive.is_flag_set("config.set.port")
    hookenv._run_atexit()
    assert not charms_reactive.is_flag_set("config.set.port")


def test_no_charm_directory_no_flags(charm: Any, juju: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHARM_DIR")
    monkeypatch.delenv("JUJU_CHARM_DIR")
    monkeypatch.setenv("UNIT_STATE_DB", ":memory:")
    automatic_flags._before_handlers()
    assert get_flags() == []


def test_code_that_cannot_be_read_is_passed_over(configured: Any, juju: Any) -> None:
    import os

    (configured.directory / "lib").mkdir()
    os.mkfifo(str(configured.directory / "lib" / "fifo"))
    (configured.directory / "lib" / "loop").symlink_to(configured.directory)
    (configured.directory / "lib" / "dangling.py").symlink_to("nowhere")
    configured.write("lib/x.py", "'leadership.is_leader'\n")
    configured.run("update-status")
    assert juju.count("is-leader") == 1
