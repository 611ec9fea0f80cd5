"""Handlers that run on change: each hears each change once, and has heard it once it is kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from charmhelpers.core import unitdata

from charms_reactive import (
    clear_flag,
    once_per,
    set_flag,
    unless_hook,
    when,
    when_changed,
    when_cleared,
    when_not,
    when_set,
)
from charms_reactive._juju.environment import hookenv
from charms_reactive._unit_state import unit_state
from charms_reactive.bus import Handler
from charms_reactive.errors import FlagNameError, HandlerUseError
from charms_reactive.records import atomic

from .support import Framework


def rows(framework: Framework, prefix: str = "reactive.heard.") -> Dict[str, Any]:
    return unit_state.unit.getrange(prefix)


# -- flags ---------------------------------------------------------------------------------------------


def test_a_handler_hears_once_each_time_that_a_flag_is_set(framework: Framework) -> None:
    @when_set("db.ready")
    def configure() -> None:
        framework.told.append("configure")

    assert framework.dispatch() == []
    assert framework.dispatch("db.ready") == ["configure"]
    assert framework.dispatch() == []
    clear_flag("db.ready")
    assert framework.dispatch() == []
    assert framework.dispatch("db.ready") == ["configure"]
    clear_flag("db.ready")
    set_flag("db.ready")
    assert framework.dispatch() == ["configure"]


def test_and_once_each_time_that_one_is_cleared(framework: Framework) -> None:
    @when_cleared("db.ready")
    def stop() -> None:
        framework.told.append("stop")

    assert framework.dispatch() == []  # it was never set
    assert framework.dispatch("db.ready") == []
    clear_flag("db.ready")
    assert framework.dispatch() == ["stop"]
    assert framework.dispatch() == []
    set_flag("db.ready")
    clear_flag("db.ready")
    assert framework.dispatch() == ["stop"]


def test_a_flag_that_was_set_before_the_handler_was_there(framework: Framework) -> None:
    set_flag("old")

    @when_set("old")
    def new() -> None:
        framework.told.append("new")

    @when_cleared("older")
    def never() -> None:
        framework.told.append("never")

    assert framework.dispatch() == ["new"]
    assert framework.dispatch() == []


def test_several_edges_and_several_handlers(framework: Framework) -> None:
    @when_set("a", "b")
    @when_cleared("c")
    def any_of_them() -> None:
        framework.told.append("any")

    @when_set("a")
    def other() -> None:
        framework.told.append("other")

    assert framework.dispatch("a", "b") == ["any", "other"]
    clear_flag("b")
    assert framework.dispatch() == []
    assert framework.dispatch("b", "c") == ["any"]
    clear_flag("c")
    assert framework.dispatch() == ["any"]


def test_other_conditions_must_hold_and_the_change_waits_for_them(framework: Framework) -> None:
    @when_set("config.changed")
    @when("installed")
    @when_not("paused")
    def configure() -> None:
        framework.told.append("configure")

    @when("installing")
    def install() -> None:
        framework.told.append("install")
        clear_flag("installing")
        set_flag("installed")

    assert framework.dispatch("config.changed", "paused") == []
    assert framework.dispatch("installing") == ["install"]
    clear_flag("paused")
    assert framework.dispatch() == ["configure"]
    assert framework.dispatch() == []


def test_a_change_that_is_over_before_anybody_heard_is_not_heard(framework: Framework) -> None:
    @when_set("a")
    @when("b")
    def late() -> None:
        framework.told.append("late")

    assert framework.dispatch("a") == []
    clear_flag("a")
    assert framework.dispatch("b") == []


def test_a_handler_that_makes_the_change_itself_runs_again(framework: Framework) -> None:
    @when_set("again")
    def again() -> None:
        framework.told.append("again")
        if len(framework.told) < 3:
            clear_flag("again")
            set_flag("again")

    assert framework.dispatch("again") == ["again"] * 3


def test_one_that_leaves_the_queue_has_heard_nothing(framework: Framework) -> None:
    @when("a")
    def first() -> None:
        framework.told.append("first")
        clear_flag("b")

    @when_set("a")
    @when("b")
    def second() -> None:
        framework.told.append("second")

    assert framework.dispatch("a", "b") == ["first"]
    clear_flag("c")
    Handler._HANDLERS.pop(next(key for key in Handler._HANDLERS if key.endswith("first")))
    assert framework.dispatch("b") == ["second"]


@pytest.mark.parametrize("decorator", [when_set, when_cleared])
def test_what_is_refused(framework: Framework, decorator: Any) -> None:
    with pytest.raises(FlagNameError):
        decorator(["a"])
    with pytest.raises(HandlerUseError, match="names no flag"):
        decorator()(lambda: None)


def test_what_is_heard_is_kept_by_flag(framework: Framework) -> None:
    @when_set("a", name="mine")
    def one() -> None:
        pass

    @when_set("a")
    def two() -> None:
        pass

    framework.dispatch("a")
    assert rows(framework) == {"set.a": ["mine", "framework.test_edges.%s.<locals>.two" % _test()]}
    clear_flag("a")
    assert rows(framework) == {}


def _test() -> str:
    return "test_what_is_heard_is_kept_by_flag"


def test_a_flag_that_other_code_changes_in_the_rows(framework: Framework) -> None:
    @when_set("a")
    def heard() -> None:
        framework.told.append("heard")

    assert framework.dispatch("a") == ["heard"]
    unitdata.kv().unset("reactive.states.a")
    assert framework.dispatch() == []
    unitdata.kv().set("reactive.states.a", None)
    assert framework.dispatch() == ["heard"]


def test_a_block_that_is_undone_is_no_change(framework: Framework) -> None:
    @when_set("a")
    def heard() -> None:
        framework.told.append("heard")

    @when("go")
    def meddle() -> None:
        clear_flag("go")
        try:
            with atomic():
                clear_flag("a")
                raise ValueError
        except ValueError:
            pass
        set_flag("more")

    assert framework.dispatch("a") == ["heard"]
    assert framework.dispatch("go") == []
    assert framework.dispatch() == []


def test_a_handler_that_is_no_longer_registered_does_no_harm(framework: Framework) -> None:
    @when_set("a")
    def gone() -> None:
        raise AssertionError

    Handler._HANDLERS.clear()
    assert framework.dispatch("a") == []


# -- kept and undone with the hook ---------------------------------------------------------------------

APP = """\
import os
from charms.reactive import hook, once_per, set_flag, when, when_changed, when_set
from charmhelpers.core import hookenv

def tell(words):
    hookenv.log("ran " + words)
    if os.environ.get("FAILING") == words:
        raise OSError(words)
    if os.environ.get("KILLED") == words:
        os.kill(os.getpid(), 9)
    if os.environ.get("FLUSHES") == words:
        from charmhelpers.core import unitdata
        unitdata.kv().flush()
        raise OSError(words)

@hook("config-changed")
def ready():
    set_flag("db.ready")

@when_set("db.ready")
def first():
    tell("first")

@when_set("db.ready")
def second():
    tell("second")

@when_changed(data=lambda: 1, file="app.conf")
def third():
    tell("third")

@once_per("1")
def fourth():
    tell("fourth")

@when("db.ready")
def last():
    tell("last")
"""


def ran(unit: Any, hook: str, ends: int = 0, **env: Any) -> List[str]:
    before = len(unit.logged())
    done = unit.run(hook, env=env)
    assert (done.status != 0) == bool(ends), done.stderr
    return [message[4:] for _, message in unit.logged()[before:] if message.startswith("ran ")]


def test_a_hook_that_fails_or_is_killed_has_heard_nothing(unit: Any) -> None:
    unit.write("reactive/app.py", APP)
    everything = ["third", "fourth", "first", "second", "last"]  # what names no flag may run among the hooks
    for how in ("FAILING", "KILLED"):
        for number, where in enumerate(everything):
            seen = ran(unit, "config-changed", 1, **{how: where})
            assert seen == everything[: number + 1]
    assert ran(unit, "config-changed") == everything
    assert ran(unit, "config-changed") == ["last"]
    unit.write("app.conf", "x")
    assert ran(unit, "update-status", 1, FAILING="last") == ["third", "last"]
    assert ran(unit, "update-status") == ["third", "last"]
    assert ran(unit, "update-status") == ["last"]


def test_who_commits_in_the_middle_of_a_handler_has_heard_nothing_of_its_own(unit: Any) -> None:
    unit.write("reactive/app.py", APP)
    assert ran(unit, "config-changed", 1, FLUSHES="second") == ["third", "fourth", "first", "second"]
    assert ran(unit, "config-changed") == ["second", "last"]


def test_what_was_heard_outlives_edits_of_the_charm(unit: Any) -> None:
    unit.write("reactive/app.py", APP)
    ran(unit, "config-changed")
    unit.write("reactive/app.py", "# a line\n# and another one\n" + APP)
    assert ran(unit, "upgrade-charm") == ["last"]


@pytest.mark.parametrize("program", ["charms.reactive", "charms.reactive-python"])
def test_commands_end_what_was_heard(unit: Any, program: str) -> None:
    unit.write("reactive/app.py", APP)
    ran(unit, "config-changed")
    assert list(unit.rows("reactive.heard.")) == ["reactive.heard.set.db.ready"]
    command = str(Path(sys.executable).parent / program)
    for words in (["clear_flag", "db.ready"], ["set_flag", "db.ready"]):
        assert unit.execute([command, *words]).status == 0
    assert unit.rows("reactive.heard.") == {}
    assert ran(unit, "update-status") == ["first", "second", "last"]


# -- values, files, keys -------------------------------------------------------------------------------


@pytest.fixture
def config(framework: Framework, monkeypatch: pytest.MonkeyPatch) -> Dict[str, Any]:
    """The charm's configuration."""
    options: Dict[str, Any] = {"port": 80, "title": "x", "none": None}
    monkeypatch.setattr(
        hookenv, "config", lambda scope=None: options if scope is None else options.get(scope)
    )
    return options


def test_options(framework: Framework, config: Dict[str, Any]) -> None:
    @when_changed(config=["port", "none"])
    def one() -> None:
        framework.told.append("one")

    @when_changed(config="port")
    @when("ready")
    def two() -> None:
        framework.told.append("two")

    assert framework.dispatch() == ["one"]  # it is new, and there is a port
    config["title"] = "y"
    assert framework.dispatch() == []
    assert framework.dispatch("ready") == ["two"]
    config["port"] = 8080
    assert framework.dispatch() == ["one", "two"]
    config["none"] = ""
    assert framework.dispatch() == ["one"]
    assert framework.dispatch() == []


def test_values_of_a_function(framework: Framework) -> None:
    seen: List[Any] = [None]

    @when_changed(data=lambda: seen[0])
    def changed() -> None:
        framework.told.append(seen[0])

    assert framework.dispatch() == []
    for value in ({"a": [1, 2]}, "x", None):
        seen[0] = value
        assert framework.dispatch() == [value]
        assert framework.dispatch() == []
    seen[0] = {1, 2}
    with pytest.raises(
        HandlerUseError, match=r"what .*<lambda>\(\) returns is to be something that JSON can hold"
    ):
        framework.dispatch()


def test_files_are_heard_of_by_each_handler(framework: Framework, tmp_path: Path) -> None:
    path = tmp_path / "app.conf"

    @when_changed(file=str(path))
    def one() -> None:
        framework.told.append("one")

    @when_changed(file=[path, lambda: "other.conf"])
    def two() -> None:
        framework.told.append("two")

    assert framework.dispatch() == []
    for text in ("a", "b"):
        path.write_text(text)
        assert framework.dispatch() == ["one", "two"]
        assert framework.dispatch() == []
    path.unlink()
    assert framework.dispatch() == ["one", "two"]


def test_once_per_key(framework: Framework) -> None:
    key: List[Any] = ["1"]

    @once_per(lambda: key[0])
    def upgrade() -> None:
        framework.told.append(key[0])

    for now, told in (("1", ["1"]), ("1", []), ("2", ["2"]), ("1", []), (None, []), (3, [3]), ("2", [])):
        key[0] = now
        assert framework.dispatch() == told


def test_a_name_outlives_the_function(framework: Framework) -> None:
    def versions(decorate: Any) -> None:
        for _ in range(2):
            Handler.clear()

            def made() -> None:
                framework.told.append("ran")

            made.__qualname__ = made.__name__ = "renamed_%d" % len(framework.told)
            decorate(made)
            framework.dispatch("a")

    for number, decorate in enumerate(
        (when_set("a", name="s"), once_per("k", name="o"), when_changed(data=lambda: 1, name="c"))
    ):
        versions(decorate)
        assert framework.told == ["ran"] * (number + 1)


def test_not_in_these_hooks(framework: Framework) -> None:
    @unless_hook("update-status", "{requires:x}-relation-joined")
    @when("a")
    def restart() -> None:
        framework.told.append("restart")

    assert framework.dispatch("a", hook="update-status") == []
    assert framework.dispatch(hook="config-changed") == ["restart"]


@pytest.mark.parametrize(
    ("decorator", "words"),
    [(when_changed, "option, data or file"), (unless_hook, "hook")],
)
def test_a_decorator_that_names_nothing_is_refused(framework: Framework, decorator: Any, words: str) -> None:
    with pytest.raises(HandlerUseError, match="names no %s" % words):
        decorator()(lambda: None)


# -- a quiet update-status -----------------------------------------------------------------------------

QUIET = """\
from charms.reactive import clear_flag, hook, set_flag, when, when_file_changed, when_not, when_set
from charmhelpers.core import hookenv

def tell(words):
    hookenv.log("ran " + words)

@hook("update-status")
def check():
    tell("hook")

@when("started")
def level():
    tell("level")

@when_not("stopped")
def negative():
    tell("negative")

@when("touched")
def touched():
    tell("touched")
    clear_flag("touched")
    set_flag("follows")

@when("follows")
def follows():
    tell("follows")

@when_set("edge")
def edge():
    tell("edge")

@when_file_changed("some.conf")
def file():
    tell("file")

@hook("config-changed")
def start():
    set_flag("started")
    set_flag("edge")
"""


def test_quiet(unit: Any) -> None:
    unit.write("reactive/app.py", QUIET)
    unit.write("config.yaml", "options:\n  reactive-update-status: {type: string, default: quiet}\n")
    unit.answer("config-get", '{"reactive-update-status": "quiet"}')
    assert ran(unit, "update-status") == ["hook", "negative"]  # nothing is known of a hook before it
    assert ran(unit, "config-changed") == ["level", "negative", "edge"]
    assert ran(unit, "update-status") == ["hook"]
    assert unit.command("set_flag", "touched").status == 0
    assert ran(unit, "update-status") == ["hook", "touched", "follows"]
    assert ran(unit, "update-status") == ["hook"]
    unit.write("some.conf", "x")
    assert ran(unit, "update-status") == ["hook", "file"]
    assert unit.command("clear_flag", "edge").status == 0
    assert unit.command("set_flag", "edge").status == 0
    assert ran(unit, "update-status") == ["hook", "edge"]
    full = {"CHARMS_REACTIVE_UPDATE_STATUS": "full"}
    assert ran(unit, "update-status", **full) == ["hook", "level", "negative", "follows"]
    assert ran(unit, "config-changed") == ["level", "negative", "follows"]


def test_a_setting_that_makes_no_sense(unit: Any) -> None:
    unit.write("reactive/app.py", QUIET)
    assert ran(unit, "update-status", CHARMS_REACTIVE_UPDATE_STATUS="silent") == ["hook", "negative"]
    assert "CHARMS_REACTIVE_UPDATE_STATUS must be quiet or full, not 'silent'; using full" in unit.log_text()
    assert unit.rows("reactive.quiet") == {}
