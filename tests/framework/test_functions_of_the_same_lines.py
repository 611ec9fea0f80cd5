"""Handlers that a factory or a loop makes: one each, and still one where a module is imported twice."""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any, List

import pytest

from charms_reactive import action, hook, not_unless, only_once, set_flag, when, when_file_changed, when_not
from charms_reactive.bus import Handler
from charms_reactive.testing.explain import Handlers

from .support import Framework, Unit


def ids() -> List[str]:
    """The ids of all handlers, without their file and line."""
    return [handler.id().split(":", 2)[2] for handler in Handler.get_handlers()]


def test_each_function_of_a_loop_is_a_handler_under_its_own_flags(framework: Framework) -> None:
    for name in "abc":

        @when(name)
        @when_not("never")
        def handler(name: str = name) -> None:
            framework.told.append(name)

    assert ids() == ["handler", "handler#2", "handler#3"]
    assert framework.dispatch("c") == ["c"]
    assert framework.dispatch("a") == ["a", "c"]
    assert [line for line in framework.lines("INFO") if line.endswith(":handler#3")]


def test_each_function_of_a_factory_is_a_handler(framework: Framework) -> None:
    def make(name: str) -> Any:
        @when("go")
        @not_unless("go")
        def ready() -> None:
            framework.told.append(name)

        return ready

    made = [make(name) for name in "abc"]
    assert framework.dispatch("go") == ["a", "b", "c"]
    made[1]()
    assert framework.told[3:] == ["b"]


def test_lambdas_methods_hooks_and_actions(framework: Framework, monkeypatch: pytest.MonkeyPatch) -> None:
    class Service:
        def __init__(self, name: str) -> None:
            self.name = name

        def start(self) -> None:
            framework.told.append("start " + self.name)

    for name in "ab":
        when(name)(lambda name=name: framework.told.append(name))
        hook("start")(Service(name).start)
    assert framework.dispatch("b", hook="start") == ["start a", "start b", "b"]

    for name in "xy":

        @action(name)
        def act(name: str = name) -> None:
            framework.told.append("action " + name)

    monkeypatch.setenv("JUJU_ACTION_NAME", "y")
    assert framework.dispatch() == ["action y", "b"]


def test_a_method_that_is_named_twice_is_one_handler(framework: Framework) -> None:
    class Service:
        def start(self) -> None:
            framework.told.append("start")

    service = Service()
    when("a")(service.start)
    when("b")(service.start)
    assert ids() == ["start"]
    assert framework.dispatch("a") == []
    assert framework.dispatch("b") == ["start"]


def test_only_once_and_files_are_for_each_its_own(framework: Framework) -> None:
    def register() -> None:
        for name in "ab":

            @only_once
            @when(name)
            def once(name: str = name) -> None:
                framework.told.append("once " + name)

            @when_file_changed("file")
            def changed(name: str = name) -> None:
                framework.told.append("changed " + name)

    register()
    framework.write("file", "1")
    assert framework.dispatch("a") == ["changed a", "changed b", "once a"]
    assert framework.dispatch("b") == ["once b"]
    Handler.clear()
    register()  # as in a new process
    framework.write("file", "22")
    assert framework.dispatch() == ["changed a", "changed b"]


def test_a_mark_of_1_5_is_the_first_ones(framework: Framework) -> None:
    """There, it was the only one that ran."""

    def register() -> None:
        for name in "ab":

            @only_once
            def once(name: str = name) -> None:
                framework.told.append(name)

    register()
    first = next(iter(Handler._HANDLERS))
    framework.state.set("reactive.invoked.%s" % first, True)
    assert framework.dispatch() == ["b"]


LOOP = """
    from charms.reactive import set_flag, when

    for name in ("a", "b"):
        @when(name)
        def handler(name=name):
            set_flag("ran." + name)
"""


@pytest.mark.parametrize(
    "again", ["import app", "import importlib, reactive.app; importlib.reload(reactive.app)"]
)
def test_a_module_that_is_imported_twice_counts_once(framework: Framework, again: str) -> None:
    framework.write("reactive/app.py", LOOP)
    framework.write(
        "reactive/other.py", "import os, sys; sys.path.append(os.path.dirname(__file__))\n" + again
    )
    assert framework.discover() == ["reactive/app.py:5:handler", "reactive/app.py:5:handler#2"]
    framework.dispatch("b")
    assert framework.state.value("ran.b", 0) is None
    assert framework.state.value("ran.a", 0) == 0
    sys.modules.pop("app", None)


def test_those_that_watch_the_same_file_are_one_too(framework: Framework) -> None:
    code = "from charms.reactive import when_file_changed\n\n@when_file_changed(%r)\ndef watch():\n    pass\n"
    framework.write("reactive/app.py", code % "one")
    framework.write("reactive/other.py", code % "two")
    framework.write(
        "reactive/zebra.py",
        "import importlib, reactive.app, reactive.other\n"
        "importlib.reload(reactive.app)\nimportlib.reload(reactive.other)\n",
    )
    assert framework.discover() == ["reactive/app.py:3:watch", "reactive/other.py:3:watch"]


def test_a_factory_that_is_called_again_with_the_same_makes_nothing_new(framework: Framework) -> None:
    """As where two modules ask a layer for its defaults; it ran once in 1.5.x, and so it does here."""

    def use_default(name: str) -> None:
        @only_once
        @hook("install")
        def once() -> None:
            framework.told.append("once " + name)

        @when_not(name + ".done")
        def default() -> None:
            framework.told.append(name)

    for name in ("a", "a", "b", "a"):
        use_default(name)
    assert framework.dispatch(hook="install") == ["once a", "once b", "a", "b"]
    assert ids() == ["once", "default", "once#3", "default#3"]


def test_what_differs_only_in_an_object_is_another_handler(framework: Framework) -> None:
    def collect(into: List[str]) -> None:
        @when("a")
        def handler() -> None:
            into.append("ran")

    first: List[str] = []
    second: List[str] = []
    for into in (first, second, first):
        collect(into)
    framework.dispatch("a")
    assert (first, second) == (["ran"], ["ran"])


def test_those_of_an_interface_layer_are_for_each_endpoint(framework: Framework) -> None:
    framework.write(
        "metadata.yaml", "name: app\nrequires: {one: {interface: ring}, two: {interface: ring}}\n"
    )
    framework.write(
        "hooks/relations/ring/requires.py",
        """
        from charms.reactive import set_flag, when

        for key in ("a", "b"):
            @when("endpoint.{endpoint_name}.changed." + key)
            def changed(key=key):
                set_flag("seen." + key)
        """,
    )
    begin = "hooks/relations/ring/requires.py:5:"
    names = ["changed:one", "changed:two", "changed#2:one", "changed#2:two"]
    assert framework.discover() == [begin + name for name in names]
    framework.dispatch("endpoint.two.changed.b")
    assert charms_flags(framework) == ["endpoint.two.changed.b", "seen.b"]


def charms_flags(framework: Framework) -> List[str]:
    return list(framework.state.fresh().flags())


def test_tests_find_them_by_name_and_by_number() -> None:
    run = Handlers(["reactive/app.py:5:handler", "reactive/app.py:5:handler#2", "r/p.py:7:other#2:db"])
    assert run == ["handler", "handler#2", "other:db"]
    assert run == ["handler", "handler", "other"]
    assert "handler#2" in run
    assert "other#2" in run
    assert "handler#3" not in run
    assert run.names == ("handler", "handler#2", "other#2")


def test_a_thousand_of_them_are_no_hindrance(framework: Framework) -> None:
    """Linear: ten times as many cost about ten times as much, and not a hundred times."""

    def seconds(count: int) -> float:
        Handler.clear()
        begin = time.perf_counter()
        for number in range(count):

            @when("a.%d" % number, "b")
            @when_not("c")
            def handler(number: int = number) -> None:
                framework.told.append(number)

        assert framework.dispatch("a.%d" % (count - 1), "b")[-1] == count - 1
        return time.perf_counter() - begin

    seconds(10)
    few = min(seconds(300) for _ in range(3))
    many = min(seconds(3000) for _ in range(3))
    assert len(list(Handler.get_handlers())) == 3000
    assert many < 60 * few


def test_a_hook_of_a_charm_that_has_them(unit: Unit) -> None:
    unit.write(
        "reactive/app.py",
        LOOP.replace("set_flag(", "assert name == 'b'; set_flag(") + "\n    set_flag('b')\n",
    )
    done = unit.run()
    assert done.status == 0, done.stderr
    assert unit.invoked() == ["reactive/app.py:5:handler#2"]
    assert unit.committed_flags() == ["b", "ran.b"]


def test_the_registry_that_somebody_replaces_begins_anew(framework: Framework, monkeypatch: Any) -> None:
    def register() -> None:
        @when("a")
        @when("b")
        def handler() -> None:
            framework.told.append("ran")

    register()
    monkeypatch.setattr(Handler, "_HANDLERS", {})
    register()
    assert ids() == ["handler"]
    set_flag("a")
    assert framework.dispatch("b") == ["ran"]


def test_reloading_a_module_is_no_second_handler(framework: Framework) -> None:
    framework.write("reactive/app.py", LOOP)
    framework.discover()
    importlib.reload(sys.modules["reactive.app"])
    framework.dispatch("a")
    assert ids() == ["handler", "handler#2"]
