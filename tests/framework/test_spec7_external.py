"""External handlers: the protocol, and what passes between them and the dispatch."""

from __future__ import annotations

import os
import signal
from typing import Any, List

import pytest

from charms_reactive import clear_flag, get_flags, hook, is_flag_set, register_trigger, set_flag, when
from charms_reactive.bus import ExternalHandler
from charms_reactive.errors import ExternalHandlerError, ReactiveError
from charms_reactive.external import BrokenHandlerException

from .support import Framework, Unit

pytestmark = pytest.mark.long

# A handler that notes its calls; what it changes is set with variables.
SCRIPT = """\
#!/bin/sh
echo "$@" >>%(told)s
case "$1" in
--test)
    %(test)s
    ;;
--invoke)
    %(invoke)s
    ;;
esac
"""


def _script(charm: Any, test: str, invoke: str = "", name: str = "reactive/script") -> Any:
    told = charm.directory / "told"
    return charm.write(name, SCRIPT % {"told": told, "test": test, "invoke": invoke}, executable=True)


def _told(charm: Any) -> List[str]:
    path = charm.directory / "told"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize(
    ("status", "invoked"), [(0, True), (1, False), (2, False), (125, False), (126, False), (255, False)]
)
def test_spec7_exit_status_of_the_test_says_whether_to_invoke(
    framework: Framework, status: int, invoked: bool
) -> None:
    _script(framework, "[ $# = 1 ] && exit %d" % status)
    framework.discover()
    framework.dispatch()
    assert any(line.startswith("--invoke") for line in _told(framework)) == invoked
    warned = any("ended with status %d" % status in line for line in framework.lines("WARNING"))
    assert warned == (status > 125)


def test_spec5_spec20_loops_a_test_that_never_says_no_is_named(framework: Framework) -> None:
    _script(framework, "exit 0")
    framework.discover()
    framework.dispatch()
    (warning,) = [message for level, message in framework.logged if level == "WARNING"]
    assert "100 iterations" in warning
    assert "a test that does not look at flags and never says no" in warning
    assert "no: reactive/script" in warning
    assert "kept firing one another" not in warning


def test_spec7_a_test_killed_by_a_signal_is_a_no_with_a_warning(framework: Framework) -> None:
    _script(framework, "kill -9 $$")
    framework.discover()
    framework.dispatch()
    assert set(_told(framework)) == {"--test"}
    assert any("reactive/script" in line and "-9" in line for line in framework.lines("WARNING"))


@pytest.mark.parametrize("output", ["", "one", "one,two", "a b  c", 'it\'s "$x" \\n', "\u00e9\U0001f600"])
def test_spec7_output_of_the_test_goes_to_the_invocation(framework: Framework, output: str) -> None:
    file = framework.directory / "argument"
    (framework.directory / "says").write_text(output, encoding="utf-8")
    _script(framework, "[ -e argument ] && exit 1; cat says", 'printf %%s "$2" >%s; [ $# = 2 ]' % file)
    framework.discover()
    framework.dispatch()
    assert file.read_text(encoding="utf-8") == output


def test_spec7_the_id_is_the_file_and_what_its_test_said(framework: Framework) -> None:
    _script(framework, "[ -e gone ] && exit 1; echo one,two", "touch gone")
    (id,) = framework.discover()
    assert id == 'reactive/script ""'
    framework.dispatch()
    assert 'Invoking reactive handler: reactive/script "one,two"' in framework.lines("INFO")


def test_spec7_children_see_the_flags_as_they_are_and_change_them(unit: Unit) -> None:
    unit.write(
        "reactive/app.py",
        "from charms.reactive import *\n@hook('update-status')\ndef f(): set_flag('a')\n"
        "@when('from.child')\ndef g(): set_flag('seen')\n",
    )
    _script(
        unit,
        "charms.reactive when a",
        "charms.reactive set_flag from.child; charms.reactive clear_flag a",
    )
    assert unit.run().status == 0
    assert unit.committed_flags() == ["from.child", "seen"]
    assert unit.invoked()[1:] == ['reactive/script ""', "reactive/app.py:4:g"]


def test_spec7_a_childs_changes_count_in_this_iteration(framework: Framework) -> None:
    """What a child writes is picked up by the iteration after the one it ran in."""
    _script(framework, "[ ! -e gone ]", "touch gone")
    framework.discover()

    def child_sets() -> None:
        set_flag("b")

    (handler,) = [ExternalHandler.register(str(framework.directory / "reactive" / "script"))]
    handler.add_post_callback(child_sets)
    when("b")(lambda: framework.told.append("b"))
    assert framework.dispatch() == ["b"]


CHANGES = {
    "clears": "charms.reactive clear_flag b",
    "sets": "charms.reactive set_flag c",
    "nothing": ":",
}


@pytest.mark.parametrize(("change", "left"), [("clears", []), ("sets", ["queued"]), ("nothing", ["queued"])])
def test_spec7_the_queue_is_tested_again_if_a_child_cleared_a_flag(
    unit: Unit, change: str, left: List[str]
) -> None:
    unit.write(
        "reactive/zzz.py",
        "from charms.reactive import *\n@when('b')\ndef queued(): pass\n"
        "@hook('install')\ndef i(): set_flag('b')\n",
    )
    _script(unit, "[ ! -e gone ]", "touch gone; " + CHANGES[change], name="reactive/aaa")
    (unit.directory / "gone").touch()
    assert unit.run("install").status == 0
    (unit.directory / "gone").unlink()
    before = len(unit.invoked())
    assert unit.run("update-status").status == 0
    assert [id.rpartition(":")[2] for id in unit.invoked()[before + 1 :]] == left


TRIGGERS = """\
from charms.reactive import *

register_trigger(when="a", set_flag="by.set")
register_trigger(when="a", clear_flag="gone")
register_trigger(when_not="z", set_flag="by.clear")

def callback():
    open("told", "a").write("callback a=%s by.set=%s\\n" % (is_flag_set("a"), is_flag_set("by.set")))
    set_flag("by.callback")

register_trigger(when="a", callback=callback)
register_trigger(when="by.set", callback=lambda: set_flag("by.nested"))

@hook("update-status")
def f():
    set_flag("gone")
    set_flag("z")
"""


def test_spec7_spec20_bash_triggers_of_the_charm_act_for_changes_of_children(unit: Unit) -> None:
    unit.write("reactive/aaa.py", TRIGGERS)
    _script(
        unit,
        "[ ! -e gone ]",
        "touch gone; charms.reactive set_flag a; charms.reactive clear_flag z\n"
        "charms.reactive is_flag_set by.set; echo by.set $? >>told\n"
        "charms.reactive is_flag_set gone; echo gone $? >>told\n"
        "charms.reactive is_flag_set by.clear; echo by.clear $? >>told\n"
        "charms.reactive is_flag_set by.callback; echo by.callback $? >>told\n",
    )
    assert unit.run().status == 0
    assert unit.committed_flags() == ["a", "by.callback", "by.clear", "by.nested", "by.set"]
    told = [line for line in _told(unit) if not line.startswith("--")]
    # Set and clear actions are there for the child; callbacks live in the charm and run when it returns.
    assert told == ["by.set 0", "gone 1", "by.clear 0", "by.callback 1", "callback a=True by.set=True"]


def test_spec7_a_trigger_registered_by_a_child_lasts_to_the_end_of_the_hook(unit: Unit) -> None:
    unit.write(
        "reactive/zzz.py",
        "from charms.reactive import *\n@when_not('never')\ndef f(): set_flag('a')\n",
    )
    _script(
        unit,
        "[ ! -e gone ]",
        "touch gone; charms.reactive register_trigger --when a --set_flag b",
        name="reactive/aaa",
    )
    assert unit.run().status == 0
    assert unit.rows() == {"reactive.states.a": None, "reactive.states.b": None}
    unit.write(
        "reactive/zzz.py",
        "from charms.reactive import *\n@hook('start')\n"
        "def f(): clear_flag('b'); clear_flag('a'); set_flag('a')\n",
    )
    assert unit.run("start").status == 0
    assert unit.committed_flags() == ["a"]


@pytest.mark.parametrize(
    ("invoke", "how"),
    [("exit 3", "failed with exit status 3"), ("kill -TERM $$", "ended by signal %d" % signal.SIGTERM)],
)
def test_spec7_spec20_rollback_a_child_that_fails_fails_the_hook(unit: Unit, invoke: str, how: str) -> None:
    unit.write(
        "reactive/aaa.py",
        "from charms.reactive import *\n"
        "@hook('install')\ndef i(): set_flag('old')\n"
        "@hook('start')\ndef f(): set_flag('new'); clear_flag('old')\n",
    )
    assert unit.run("install").status == 0
    before = unit.rows()
    _script(unit, "true", "charms.reactive set_flag child; echo words of its own >&2; " + invoke)
    done = unit.run("start")
    assert done.status != 0
    assert unit.rows() == before
    assert "words of its own" in done.stderr
    assert "reactive/script" in done.stderr.splitlines()[-1]
    assert how in done.stderr.splitlines()[-1]
    first_line = next(message for level, message in unit.logged() if level == "ERROR").splitlines()[0]
    assert how in first_line
    assert "old is set again" in first_line


def test_spec7_the_error_of_a_failing_child(framework: Framework) -> None:
    _script(framework, "echo sub", "exit 7")
    framework.discover()
    with pytest.raises(ExternalHandlerError) as caught:
        framework.dispatch()
    assert caught.value.returncode == 7
    assert caught.value.handler == 'reactive/script "sub"'
    assert isinstance(caught.value, ReactiveError)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"#!/no/such/interpreter\n", "No such file"),
        (b"\x7fELF\xff not really", "Exec format error"),
        (b"\xff\xfe\x00binary rubbish", "Exec format error"),
    ],
)
def test_spec7_a_file_that_cannot_be_executed_after_all(
    framework: Framework, content: bytes, words: str
) -> None:
    path = framework.write("reactive/script", "", executable=True)
    path.write_bytes(content)
    framework.discover()
    with pytest.raises(BrokenHandlerException) as caught:
        framework.dispatch()
    assert caught.value.path == str(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "#! line" in str(caught.value)


def test_spec7_a_file_that_loses_its_x_bit_between_test_and_invocation(framework: Framework) -> None:
    if os.geteuid() == 0:
        content = "rm -f reactive/script"
    else:
        content = "chmod -x reactive/script"
    path = _script(framework, content)
    framework.discover()
    with pytest.raises(BrokenHandlerException, match=str(path)):
        framework.dispatch()


def test_spec7_output_that_no_command_line_can_carry(framework: Framework) -> None:
    _script(framework, r"printf 'a\0b'")
    framework.discover()
    with pytest.raises(BrokenHandlerException, match="script"):
        framework.dispatch()


def test_spec7_a_broken_handler_leaves_the_state_as_it_was(unit: Unit) -> None:
    unit.write("reactive/aaa.py", "from charms.reactive import *\n@hook('start')\ndef f(): set_flag('new')\n")
    unit.write("reactive/broken", "#!/no/such/interpreter\n", executable=True)
    done = unit.run("start")
    assert done.status != 0
    assert unit.rows() == {}
    assert "reactive/broken" in done.stderr.splitlines()[-1]


def test_spec7_a_callback_may_change_what_a_child_changed(framework: Framework) -> None:
    register_trigger(when="a", callback=lambda: clear_flag("a"))

    @hook("update-status")
    def sets() -> None:
        set_flag("a")
        framework.told.append(is_flag_set("a"))

    assert framework.dispatch() == [False]
    assert get_flags() == []


def test_spec7_external_handlers_run_in_every_phase_and_hook(unit: Unit) -> None:
    _script(unit, "charms.reactive any_hook collect-metrics", "charms.reactive set_flag ran")
    assert unit.run("collect-metrics").status == 0
    assert unit.committed_flags() == ["ran"]
    assert len(unit.invoked()) == 1
