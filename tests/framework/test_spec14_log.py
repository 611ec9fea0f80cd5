"""Log and tracing: what is told, at which level, in how many processes, and in which order."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, List, Tuple

import pytest

import charms_reactive
from charms_reactive import clear_flag, hook, set_flag, trace, when, when_not
from charms_reactive._juju import hook_tools, juju_log
from charms_reactive.bus import Handler
from charms_reactive.errors import HookToolError

from .support import Framework, Unit

CHARM = """\
from charms.reactive import clear_flag, hook, set_flag, when, when_not
from charmhelpers.core import hookenv

@hook("update-status")
def first():
    hookenv.log("charm: first begins")
    set_flag("a")
    hookenv.log("charm: first ends")

@when("a")
def second():
    hookenv.log("charm: second", "WARNING")
    clear_flag("a")

@when("a")
def third():
    pass
"""


def _messages(unit: Unit) -> List[Tuple[str, str]]:
    return unit.logged()


# -- levels of telling ---------------------------------------------------------------------------------


def test_spec14_info_is_the_default_and_in_order_with_the_charms_own_lines(unit: Unit) -> None:
    unit.write("reactive/app.py", CHARM)
    assert unit.run().status == 0
    assert _messages(unit) == [
        ("INFO", "Reactive main running for hook update-status"),
        ("INFO", "Invoking reactive handler: reactive/app.py:4:first"),
        ("INFO", "charm: first begins"),
        ("INFO", "charm: first ends"),
        ("INFO", "Invoking reactive handler: reactive/app.py:10:second"),
        ("WARNING", "charm: second"),
    ]


def test_spec14_what_is_said_of_discovery_comes_before_what_atstart_says(unit: Unit) -> None:
    unit.write(
        "reactive/app.py",
        """
        import subprocess

        from charmhelpers.core import hookenv

        hookenv.atstart(subprocess.check_call, ["juju-log", "at the start"])
        """,
    )
    unit.write("reactive/last.sh", "#!/bin/bash\nsource charms.reactive.sh\nreactive_handler_main\n").chmod(
        0o644
    )
    assert unit.run().status == 0
    text = unit.log_text()
    places = [text.index(words) for words in ("Reactive main running", "last.sh", "at the start")]
    assert places == sorted(places), text


@pytest.mark.parametrize("count", [0, 1, 30])
def test_spec14_spec20_log_one_process_per_hand_over(unit: Unit, count: int) -> None:
    handlers = "".join("@when_not('x')\ndef f%d(): set_flag('f%d')\n" % (n, n) for n in range(count))
    unit.write("reactive/app.py", "from charms.reactive import *\n" + handlers)
    assert unit.run().status == 0
    assert len(unit.logged()) <= count + 2


def test_spec14_trace_tells_the_life_of_the_queue(unit: Unit) -> None:
    unit.write("reactive/app.py", CHARM)
    unit.command("set_flag", "there")
    assert unit.run(env={"CHARMS_REACTIVE_LOG": "trace"}).status == 0
    told = [line for level, text in _messages(unit) if level == "DEBUG" for line in text.splitlines()]
    assert told == [
        "tracer>",
        "tracer: starting handler dispatch, 1 flags set",
        "tracer: set flag there",
        "tracer>",
        "tracer: hooks phase, 1 handlers queued",
        "tracer: ++   queue handler reactive/app.py:4:first",
        "tracer>",
        "tracer: set flag a",
        "tracer: ++   queue handler reactive/app.py:10:second",
        "tracer: ++   queue handler reactive/app.py:15:third",
        "tracer>",
        "tracer: main dispatch loop, 2 handlers queued",
        "tracer: ++   queue handler reactive/app.py:10:second",
        "tracer: ++   queue handler reactive/app.py:15:third",
        "tracer>",
        "tracer: cleared flag a",
        "tracer: -- dequeue handler reactive/app.py:10:second",
        "tracer: -- dequeue handler reactive/app.py:15:third",
        "tracer: iteration 1, 0 handlers queued",
    ]


def test_spec14_trace_is_in_order_with_the_charms_own_lines(unit: Unit) -> None:
    unit.write("reactive/app.py", CHARM)
    assert unit.run(env={"CHARMS_REACTIVE_LOG": "trace"}).status == 0
    text = unit.log_text()
    places = [
        text.index(words)
        for words in (
            "Invoking reactive handler: reactive/app.py:4:first",
            "charm: first begins",
            "tracer: set flag a",
            "charm: first ends",
            "main dispatch loop",
            "Invoking reactive handler: reactive/app.py:10:second",
            "charm: second",
            "tracer: cleared flag a",
        )
    ]
    assert places == sorted(places)


def test_spec14_off_tells_nothing_but_warnings_and_errors(unit: Unit) -> None:
    unit.write("reactive/app.py", CHARM + "@when_not('x')\ndef fails(): raise RuntimeError('told')\n")
    assert unit.run(env={"CHARMS_REACTIVE_LOG": "off"}).status != 0
    levels = [level for level, text in _messages(unit) if not text.startswith("charm:")]
    assert levels == ["ERROR"]
    assert "RuntimeError: told" in _messages(unit)[-1][1]


CONFIG = "options:\n  reactive-log: {type: string, default: info, description: how much}\n"


@pytest.mark.parametrize(
    ("answer", "tells", "traces"),
    [
        ('{"reactive-log": "trace"}', True, True),
        ('{"reactive-log": " TRACE "}', True, True),
        ('{"reactive-log": "info"}', True, False),
        ('{"reactive-log": "off"}', False, False),
        ('{"reactive-log": false}', False, False),
        ('{"reactive-log": ""}', True, False),
        ('{"reactive-log": null}', True, False),
        ("{}", True, False),
    ],
)
def test_spec14_the_charm_option(one_unit: Unit, answer: str, tells: bool, traces: bool) -> None:
    one_unit.write("config.yaml", CONFIG)
    one_unit.write("reactive/app.py", CHARM)
    one_unit.answer("config-get", answer)
    assert one_unit.run().status == 0
    assert ("Invoking reactive handler" in one_unit.log_text()) == tells
    assert ("tracer:" in one_unit.log_text()) == traces


def test_spec14_the_variable_goes_before_the_option(one_unit: Unit) -> None:
    one_unit.write("config.yaml", CONFIG)
    one_unit.write("reactive/app.py", CHARM)
    one_unit.answer("config-get", '{"reactive-log": "trace"}')
    assert one_unit.run(env={"CHARMS_REACTIVE_LOG": "off"}).status == 0
    assert "Invoking" not in one_unit.log_text()


def test_spec14_what_the_charm_has_asked_juju_is_not_asked_again(one_unit: Unit) -> None:
    one_unit.write("config.yaml", CONFIG)
    one_unit.write("reactive/app.py", CHARM)
    one_unit.answer("config-get", '{"reactive-log": "off"}')
    one_unit.hook_file(
        "hooks/update-status",
        "from charmhelpers.core import hookenv\nhookenv.config()\nfrom charms.reactive import main\nmain()\n",
    )
    assert one_unit.run().status == 0
    assert "Invoking" not in one_unit.log_text()
    assert [call.split()[0] for call in one_unit.calls()] == ["config-get"]


def test_spec14_an_option_that_the_charm_has_not_is_not_asked_for(one_unit: Unit) -> None:
    one_unit.write("reactive/app.py", CHARM)
    one_unit.write("config.yaml", "options: {port: {type: int, default: 80}}\n")
    assert one_unit.run().status == 0
    assert one_unit.calls() == []


def test_spec14_a_setting_that_makes_no_sense_is_a_warning(one_unit: Unit) -> None:
    one_unit.write("reactive/app.py", CHARM)
    assert one_unit.run(env={"CHARMS_REACTIVE_LOG": "verbose"}).status == 0
    warnings = [text for level, text in one_unit.logged() if level == "WARNING" and "charm:" not in text]
    assert len(warnings) == 1
    assert "'verbose'" in warnings[0]
    assert "Invoking reactive handler" in one_unit.log_text()


# -- nothing is lost -----------------------------------------------------------------------------------


def test_spec14_nothing_is_lost_when_a_handler_raises(unit: Unit) -> None:
    unit.write(
        "reactive/app.py",
        "from charms.reactive import *\n@when_not('x')\n"
        "def f():\n    set_flag('a')\n    raise RuntimeError\n",
    )
    assert unit.run(env={"CHARMS_REACTIVE_LOG": "trace"}).status != 0
    text = unit.log_text()
    assert text.index("Invoking reactive handler") < text.index("set flag a") < text.index("Hook error")


def test_spec14_levels_of_one_hand_over_are_one_call_each(
    framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: List[Tuple[str, str]] = []
    # What somebody has put in the place of hookenv.log gets each line at once.
    monkeypatch.setattr(juju_log, "is_own", lambda name: True)
    monkeypatch.setattr(juju_log, "_write_log", lambda text, level: written.append((level, text)))
    for number in range(3):
        juju_log.log("info %d" % number)
        juju_log.log("warning %d" % number, juju_log.WARNING)
    juju_log.hand_over()
    juju_log.hand_over()
    assert written == [
        ("INFO", "info 0\ninfo 1\ninfo 2"),
        ("WARNING", "warning 0\nwarning 1\nwarning 2"),
    ]


LONG = {
    "one long line": "x" * 400_000,
    "many lines": "\n".join("line %d" % n for n in range(40_000)),
    "multibyte": "\u00e9\U0001f600" * 60_000,
    "just too long": "y" * 120_001,
    "empty lines": "\n" * 200_000 + "end",
}


@pytest.mark.parametrize("kind", LONG)
def test_spec14_long_messages_are_split_below_the_kernels_limit(
    framework: Framework, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    juju_log.log(LONG[kind])
    juju_log.hand_over()
    pieces = [text for _, text in framework.logged]
    assert len(pieces) > 1
    assert max(len(piece.encode()) for piece in pieces) < 128 * 1024
    assert "".join(pieces).replace("\n", "") == LONG[kind].replace("\n", "")


def test_spec14_long_and_odd_messages_reach_juju_log(one_unit: Unit) -> None:
    one_unit.write(
        "reactive/app.py",
        "from charms.reactive import *\n@when_not('x')\ndef f():\n"
        "    raise RuntimeError('begin ' + 'x' * 300000 + ' \\u00e9\\U0001f600 \\0 \\udce9 end')\n",
    )
    assert one_unit.run().status != 0
    text = "".join(text for level, text in one_unit.logged() if level == "ERROR")
    assert re.search(
        r"RuntimeError: begin x{300000} \u00e9\U0001f600 \\0 \\udce9 end", text.replace("\n", "")
    )


# -- a juju-log that does not do its duty ----------------------------------------------------------------


def test_spec14_juju_log_missing(one_unit: Unit) -> None:
    (one_unit.bin / "juju-log").unlink()
    one_unit.write("reactive/app.py", "from charms.reactive import *\nset_flag('a')\n")
    done = one_unit.run()
    assert done.status == 0
    assert "juju-log: INFO: Reactive main running for hook update-status" in done.stderr
    assert one_unit.committed_flags() == ["a"]


def test_spec14_juju_log_failing(one_unit: Unit) -> None:
    one_unit.tool("juju-log", "#!/bin/sh\nexit 1\n")
    one_unit.write("reactive/app.py", "from charms.reactive import *\nset_flag('a')\n")
    done = one_unit.run()
    assert done.status == 0
    assert "Reactive main running for hook update-status" in done.stderr
    assert "juju-log failed with exit status 1" in done.stderr
    assert one_unit.committed_flags() == ["a"]


def test_spec14_juju_log_hanging(one_unit: Unit) -> None:
    one_unit.tool("juju-log", "#!/bin/sh\nexec sleep 60\n")
    one_unit.write("reactive/app.py", "from charms.reactive import *\nset_flag('a')\n")
    done = one_unit.run(env={"CHARMS_REACTIVE_TOOL_TIMEOUT": "0.2"})
    assert done.status != 0
    assert "hook tool juju-log: no answer after 0.2 s" in done.stderr
    assert "INFO: Reactive main running for hook update-status" in done.stderr
    assert one_unit.rows() == {}


def test_spec14_juju_log_that_cannot_be_run(one_unit: Unit) -> None:
    one_unit.tool("juju-log", "rubbish")
    done = one_unit.run()
    assert done.status != 0
    assert "hook tool juju-log: cannot be run" in done.stderr


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/bin/sh\nexit 3\n", "failed with exit status 3"),
        ("#!/bin/sh\necho rubbish\n", "not JSON"),
        ("#!/bin/sh\necho '[]'\n", "in place of a mapping"),
        ("#!/bin/sh\nexec sleep 60\n", "no answer after 0.2 s"),
    ],
)
def test_spec14_spec20_errors_a_failing_config_get_names_itself(
    one_unit: Unit, script: str, words: str
) -> None:
    one_unit.write("config.yaml", CONFIG)
    one_unit.tool("config-get", script)
    one_unit.write("reactive/app.py", "from charms.reactive import *\nset_flag('a')\n")
    done = one_unit.run(env={"CHARMS_REACTIVE_TOOL_TIMEOUT": "0.2"})
    assert done.status != 0
    assert "hook tool config-get" in done.stderr
    assert words in done.stderr
    assert one_unit.rows() == {}


def test_spec14_a_wrong_timeout_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARMS_REACTIVE_TOOL_TIMEOUT", "soon")
    assert hook_tools.tool_timeout() == 300.0


# -- tracers ---------------------------------------------------------------------------------------


class Recorder(trace.NullTracer):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.notes: List[Tuple[Any, ...]] = []

    def start_dispatch(self) -> None:
        self.notes.append(("dispatch",))

    def start_dispatch_phase(self, phase: str, handlers: List[Any]) -> None:
        self.notes.append(("phase", phase, [handler.id() for handler in handlers]))

    def start_dispatch_iteration(self, iteration: int, handlers: List[Any]) -> None:
        self.notes.append(("iteration", iteration, [handler.id() for handler in handlers]))

    def set_flag(self, flag: str) -> None:
        self.notes.append(("set", flag))

    def clear_flag(self, flag: str) -> None:
        self.notes.append(("clear", flag))


def test_spec14_a_tracer_is_told_everything(framework: Framework) -> None:
    recorder = Recorder()
    trace.install_tracer(recorder)
    assert trace.tracer() is recorder

    @hook("update-status")
    def in_hook() -> None:
        set_flag("a")
        set_flag("a")

    @when("a")
    def on_a() -> None:
        clear_flag("a")
        clear_flag("a")

    ids = [handler.id() for handler in Handler.get_handlers()]
    framework.dispatch()
    assert recorder.notes == [
        ("dispatch",),
        ("phase", "hooks", [ids[0]]),
        ("set", "a"),
        ("phase", "other", [ids[1]]),
        ("iteration", 0, [ids[1]]),
        ("clear", "a"),
        ("iteration", 1, []),
    ]


@pytest.mark.parametrize("setting", ["off", "info", "trace"])
@pytest.mark.parametrize("where", ["at import", "in an atstart callback"])
def test_spec14_a_tracer_that_a_charm_installs_is_obeyed(
    framework: Framework, monkeypatch: pytest.MonkeyPatch, setting: str, where: str
) -> None:
    monkeypatch.setenv("CHARMS_REACTIVE_LOG", setting)
    install = "install_tracer(Mine())"
    framework.write(
        "reactive/app.py",
        "from charms.reactive import *\nfrom charms.reactive.trace import *\n"
        "from charmhelpers.core import hookenv\n"
        "told = []\nclass Mine(NullTracer):\n    def set_flag(self, flag): told.append(flag)\n"
        + (install if where == "at import" else "hookenv.atstart(lambda: %s)" % install)
        + "\n@hook('update-status')\ndef f(): set_flag('x')\n"
        "hookenv.atexit(lambda: set_flag('after'))\n",
    )
    framework.main()
    assert "x" in sys.modules["reactive.app"].told
    assert not any("tracer" in line for line in framework.lines())
    # The next hook begins without it.
    assert type(trace.tracer()) is trace.NullTracer


def test_compat_3_8_log_tracer_at_atstart(unit: Unit) -> None:
    unit.write(
        "reactive/app.py",
        "from charmhelpers.core import hookenv\nfrom charms.reactive import trace\n"
        "hookenv.atstart(trace.install_tracer, trace.LogTracer())\n" + CHARM,
    )
    assert unit.run().status == 0
    assert "tracer: set flag a" in unit.log_text()


def test_spec14_spec20_tracer_evaluates_no_predicate_and_spawns_nothing(framework: Framework) -> None:
    asked: List[str] = []
    framework.write("reactive/script", "#!/bin/sh\necho $1 >>told\nexit 1\n", executable=True)
    framework.discover()

    def watched() -> None:
        raise AssertionError

    when("never", "a")(watched)
    Handler.get(watched).add_predicate(lambda: bool(asked.append("asked")))  # type: ignore[func-returns-value]

    def run() -> Tuple[int, int]:
        framework.told.clear()
        if os.path.exists("told"):
            os.unlink("told")
        framework.dispatch()
        with open("told") as told:
            return len(asked), len(told.read().split())

    @hook("update-status")
    def changes() -> None:
        for _ in range(20):
            set_flag("a")
            clear_flag("a")

    untraced = run()
    trace.install_tracer(trace.LogTracer())
    assert run() == untraced
    assert any("set flag a" in line for line in framework.lines("DEBUG"))


def test_spec14_log_tracer_changes_outside_a_dispatch(framework: Framework) -> None:
    trace.install_tracer(trace.LogTracer())
    when("a")(lambda: None)
    when_not("a")(lambda: None)
    set_flag("a")
    assert framework.lines("DEBUG")[1] == "tracer: set flag a"


def test_spec14_handler_that_logs_by_logging_of_its_own(framework: Framework) -> None:
    """A charm may put its own function in place of hookenv.log; it is used."""
    set_flag("a")
    when("a")(lambda: framework.told.append(len(framework.logged)))
    assert framework.dispatch() == [1]


def test_spec14_reactive_log_opts_register(one_unit: Unit) -> None:
    one_unit.write("reactive/app.py", CHARM)
    assert one_unit.run(env={"REACTIVE_LOG_OPTS": "register"}).status == 0
    assert "Registering reactive handler for reactive/app.py:4:first" in one_unit.log_text()
    assert ("DEBUG", "Registering") in [(level, text[:11]) for level, text in one_unit.logged()]


def test_hook_tool_error_names_the_tool() -> None:
    error = HookToolError("juju-log", "why")
    assert error.tool == "juju-log"
    assert isinstance(error, charms_reactive.ReactiveError)
