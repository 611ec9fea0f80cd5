"""Functions of bash scripts as handlers: known to the framework without running the script."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from pathlib import Path
from typing import List

import pytest

from charms_reactive import set_flag
from charms_reactive.bus import Handler
from framework.support import BASH_HELPER, Framework

from .conftest import BashUnit

pytestmark = [pytest.mark.long, pytest.mark.once]

PREFIX = "reactive.shell."

FIVE = """\
@hook update-status
one() { echo one >>"$TOLD"; set_flag begun; }

@when begun
@when_not never
function two() { echo two >>"$TOLD"; clear_flag begun; set_flag "done"; }

@when_any never 'done'
function three { echo three >>"$TOLD"; clear_flag 'done'; }

@when never
four() { echo four >>"$TOLD"; }

@when_not_all never other
@when other
five() { echo five >>"$TOLD"; }
"""


def kept(unit: BashUnit) -> List[str]:
    return [key[len(PREFIX) :] for key in unit.rows(PREFIX)]


# -- handlers ---------------------------------------------------------------------------------------
def test_each_function_is_a_handler_with_file_line_and_name(framework: Framework) -> None:
    framework.write("reactive/a.py", "from charms.reactive import when\n@when('x')\ndef f(): pass\n")
    _real_script(
        framework,
        "reactive/foo.sh",
        "@when a\n# why\n@when_not b\nf() { :; }\n\n@hook start\nfunction g {\n:\n}\n",
    )
    _real_script(framework, "reactive/sub/bar", "@only_once\nh-h() { :; }\n")
    assert framework.discover() == [
        "reactive/a.py:2:f",
        "reactive/foo.sh:6:f",
        "reactive/foo.sh:9:g",
        "reactive/sub/bar:4:h-h",
    ]


def test_conditions_stand_in_the_engine(framework: Framework, monkeypatch: pytest.MonkeyPatch) -> None:
    conditions = [
        "@when a b",
        "@when_all a",
        "@when_any a x",
        "@when_not x y",
        "@when_none x",
        "@when_not_all a x",
    ]
    body = "\n".join("%s\nf%d() { :; }" % (condition, number) for number, condition in enumerate(conditions))
    _real_script(framework, "reactive/foo.sh", body)
    framework.discover()
    monkeypatch.setenv("PATH", "/nowhere")  # from here on nothing can be started
    engine = framework.state.fresh()
    assert [engine.is_ready(number) for number in range(6)] == [False, False, False, True, True, True]
    set_flag("a")
    set_flag("b")
    assert [engine.is_ready(number) for number in range(6)] == [True] * 6
    set_flag("x")
    assert [engine.is_ready(number) for number in range(6)] == [True, True, True, False, False, False]
    assert sorted(engine.dependents("b")) == [(0, True)]
    assert all(type(handler).test is Handler.test for handler in Handler.get_handlers())


def _real_script(framework: Framework, name: str, body: str) -> None:
    """A script for hooks that run in this process, with the helper beside it."""
    helper = framework.directory / "charms.reactive.sh"
    if not helper.exists():
        shutil.copy(str(BASH_HELPER), str(helper))
    text = "#!/bin/bash\nsource ./charms.reactive.sh\n%s\nreactive_handler_main\n" % body
    framework.write(name, "", executable=True).write_text(text)


def test_bash_is_started_once_for_each_invocation_and_for_nothing_else(unit: BashUnit) -> None:
    unit.script(FIVE)
    unit.succeed("install")
    assert unit.starts() == ["reactive/foo.sh --test"]  # to declare
    assert unit.told() == []
    unit.succeed()
    assert unit.told() == ["one", "two", "three"]
    assert unit.starts() == ["reactive/foo.sh --invoke " + name for name in ("one", "two", "three")]
    unit.succeed("start")
    assert unit.starts() == []


def test_log_and_tracer_name_the_functions(unit: BashUnit) -> None:
    unit.script(FIVE)
    unit.succeed("update-status", CHARMS_REACTIVE_LOG="trace")
    log = unit.log_text()
    assert unit.invoked() == ["reactive/foo.sh:5:one", "reactive/foo.sh:9:two", "reactive/foo.sh:12:three"]
    assert "tracer: ++   queue handler reactive/foo.sh:5:one" in log
    assert "tracer: ++   queue handler reactive/foo.sh:9:two" in log
    assert "tracer: ++   queue handler reactive/foo.sh:12:three" in log
    assert "reactive/foo.sh:15:four" not in log
    # To declare, and to invoke; the tracer starts nothing.
    assert len(unit.starts()) == 4


def test_order_is_that_of_the_script_among_the_files(unit: BashUnit) -> None:
    tell = '{ echo "${FUNCNAME[0]}" >>"$TOLD"; }'
    unit.script("@when_not x\nz() %s\n@when_not x\na() %s" % (tell, tell), name="reactive/b.sh")
    unit.script("if true; then\n@when_not x\nm() %s\nfi" % tell, name="reactive/c.sh")
    unit.script("@when_not x\nf() %s" % tell, name="reactive/d")
    for name in ("a", "bb", "e"):
        source = "import os\nfrom charms.reactive import *\n@when_not('x')\ndef %s():\n" % name
        unit.write(
            "reactive/%s.py" % name, source + "    open(os.environ['TOLD'], 'a').write('%s\\n')\n" % name
        )
    for _ in range(2):
        unit.succeed()
        assert unit.told() == ["a", "z", "a", "m", "f", "bb", "e"][:3] + ["bb", "m", "f", "e"]


def test_a_handler_that_no_longer_matches_is_not_started(unit: BashUnit) -> None:
    unit.script('@when a\nf() { echo f >>"$TOLD"; clear_flag a; }\n@when a\ng() { echo g >>"$TOLD"; }')
    unit.command("set_flag", "a")
    unit.succeed()
    assert unit.told() == ["f"]


# -- hooks ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ("install", ["plain", "braces"]),
        ("start", ["braces", "quoted"]),
        ("db-relation-joined", ["expanded"]),
        ("other-relation-joined", ["both"]),
        ("other-relation-changed", ["both"]),
        ("stop", []),
    ],
)
def test_hook_patterns_are_those_of_python(one_unit: BashUnit, hook: str, expected: List[str]) -> None:
    unit = one_unit
    unit.write(
        "metadata.yaml", "name: a\nrequires: {db: {interface: sql}}\nprovides: {other: {interface: web}}\n"
    )
    patterns = {
        "plain": "install",
        "braces": "in{stall,it} st{art,op-never}",
        "quoted": "'{start,leader-elected}'",
        "expanded": "'{requires:sql}-relation-joined'",
        "both": "'{provides:web}-relation-{joined,changed}'",
    }
    body = "\n".join(
        '@hook %s\n%s() { echo %s >>"$TOLD"; }' % (patterns[name], name, name) for name in patterns
    )
    unit.script(body)
    unit.succeed(hook)
    assert unit.told() == expected


def test_hook_handlers_run_before_those_of_flags_and_in_no_restricted_hook(one_unit: BashUnit) -> None:
    one_unit.script(
        '@when_not x\nflag() { echo flag >>"$TOLD"; }\n'
        '@hook start collect-metrics\nh() { echo hook >>"$TOLD"; }'
    )
    one_unit.succeed("start")
    assert one_unit.told() == ["hook", "flag"]
    one_unit.succeed("collect-metrics")
    assert one_unit.told() == []


# -- files, once ------------------------------------------------------------------------------------
def test_when_file_changed_is_heard_once_and_never_used_up_by_a_test(one_unit: BashUnit) -> None:
    one_unit.script(
        '@when_file_changed "my file"\nf() { echo "f $(cat "my file")" >>"$TOLD"; }\n'
        '@when go\n@when_file_changed "my file"\ng() { echo g >>"$TOLD"; }'
    )
    one_unit.write("my file", "1")
    one_unit.succeed(CHARMS_REACTIVE_LOG="trace")
    one_unit.succeed()
    assert one_unit.told() == ["f 1"]
    one_unit.command("set_flag", "go")
    one_unit.succeed()
    one_unit.succeed()
    assert one_unit.told() == ["g"]
    one_unit.write("my file", "2")
    one_unit.succeed()
    one_unit.succeed()
    assert one_unit.told() == ["f 2", "g"]


def test_a_change_of_a_file_is_not_used_up_by_a_function_that_fails(one_unit: BashUnit) -> None:
    one_unit.script('@when_file_changed data\nf() { echo f >>"$TOLD"; [[ ! -e fail ]] || exit 1; }')
    one_unit.write("data", "1")
    one_unit.write("fail", "")
    one_unit.fail()
    (one_unit.directory / "fail").unlink()
    one_unit.succeed()
    one_unit.succeed()
    assert one_unit.told() == ["f", "f"]


def test_only_once_survives_edits_and_counts_only_success(one_unit: BashUnit) -> None:
    body = '@only_once\nf() { echo f >>"$TOLD"; exit "${STATUS-0}"; }\n'
    body += '@only_once\n@when go\ng() { echo g >>"$TOLD"; }'
    one_unit.script(body)
    one_unit.fail(STATUS="1")
    one_unit.succeed()
    assert one_unit.told() == ["f", "f"]
    one_unit.script("# a line\n# and another\n" + body)
    one_unit.command("set_flag", "go")
    one_unit.succeed()
    one_unit.succeed()
    assert one_unit.told() == ["g"]


@pytest.mark.parametrize("line", [5, 40])
def test_marks_of_1_5_count(one_unit: BashUnit, line: int) -> None:
    path = one_unit.script('@only_once\nf() { echo f >>"$TOLD"; }')
    one_unit.command("mark_invoked", "%s:%d:f" % (path, line))
    one_unit.succeed()
    assert one_unit.told() == []


def test_only_once_above_a_function_that_has_run_already(one_unit: BashUnit) -> None:
    body = '@when_not x\nf() { echo f >>"$TOLD"; }'
    one_unit.script(body)
    one_unit.succeed()
    one_unit.script("@only_once\n" + body)
    one_unit.succeed()
    assert one_unit.told() == ["f"]


def test_marks_are_those_that_1_5_looks_for(one_unit: BashUnit) -> None:
    path = one_unit.script("@only_once\nf() { :; }")
    one_unit.succeed()
    assert "reactive.invoked.%s:5:f" % path in one_unit.rows("reactive.invoked.")


# -- what is kept -----------------------------------------------------------------------------------
def test_a_declaration_holds_until_the_file_changes(unit: BashUnit) -> None:
    path = unit.script('@when_not x\nf() { echo f >>"$TOLD"; }')
    for _ in range(3):
        unit.succeed()
    assert unit.starts() == ["reactive/foo.sh --test"] + ["reactive/foo.sh --invoke f"] * 3
    unit.told()
    before = path.stat()
    text = path.read_text()
    path.write_text(text.replace("@when_not x\nf", "@when_not y\ng"))
    os.utime(str(path), ns=(before.st_atime_ns, before.st_mtime_ns))  # same size, same time
    unit.succeed()
    assert unit.starts() == ["reactive/foo.sh --test", "reactive/foo.sh --invoke g"]


def test_a_declaration_holds_until_a_file_that_it_sources_changes(one_unit: BashUnit) -> None:
    unit = one_unit
    library = unit.write("lib/more.sh", '@when_not x\nshared() { echo shared >>"$TOLD"; }\n')
    unit.script('source "$CHARM_DIR/lib/more.sh"\n@when_not x\nown() { echo own >>"$TOLD"; }')
    unit.succeed()
    unit.succeed()
    assert unit.told() == ["shared", "own"] * 2
    assert unit.invoked()[:2] == ["lib/more.sh:2:shared", "reactive/foo.sh:6:own"]
    assert unit.starts().count("reactive/foo.sh --test") == 1
    library.write_text('@when_not x\nother() { echo other >>"$TOLD"; }\n')
    unit.succeed()
    assert unit.told() == ["other", "own"]


def test_a_new_version_of_the_helper_is_asked_anew(one_unit: BashUnit) -> None:
    helper = one_unit.bin / "charms.reactive.sh"
    text = helper.read_text()
    helper.unlink()
    helper.write_text(text)
    one_unit.script("@when_not x\nf() { :; }")
    one_unit.succeed()
    one_unit.succeed()
    assert one_unit.starts().count("reactive/foo.sh --test") == 1
    helper.write_text(text + "\n")
    one_unit.succeed()
    assert one_unit.starts().count("reactive/foo.sh --test") == 1


def test_what_another_version_of_the_framework_has_kept_is_asked_anew(one_unit: BashUnit) -> None:
    one_unit.script("@when_not x\nf() { :; }")
    one_unit.succeed()
    (row,) = one_unit.rows(PREFIX).values()
    state = sqlite3.connect(str(one_unit.directory / ".unit-state.db"))
    older = json.dumps({**row, "by": "1.6.0.dev0"})
    state.execute("UPDATE kv SET data = ? WHERE key = ?", (older, PREFIX + "reactive/foo.sh"))
    state.commit()
    state.close()
    one_unit.starts()
    one_unit.succeed()
    assert "reactive/foo.sh --test" in one_unit.starts()
    assert one_unit.rows(PREFIX) == {PREFIX + "reactive/foo.sh": row}


def test_declarations_of_scripts_that_are_gone_go_too(one_unit: BashUnit) -> None:
    path = one_unit.script("@when_not x\nf() { :; }")
    other = one_unit.script("@when_not x\ng() { :; }", name="reactive/bar.sh")
    one_unit.succeed()
    assert kept(one_unit) == ["reactive/bar.sh", "reactive/foo.sh"]
    path.unlink()
    one_unit.succeed()
    assert kept(one_unit) == ["reactive/bar.sh"]
    other.chmod(0o644)  # no longer a handler
    before = one_unit.invoked()
    one_unit.succeed()
    assert one_unit.invoked() == before


def test_a_charm_directory_may_move(one_unit: BashUnit, tmp_path: Path) -> None:
    one_unit.script('@when_not x\nf() { echo "$CHARM_DIR" >>"$TOLD"; }')
    one_unit.succeed()
    moved = tmp_path / "moved"
    one_unit.directory.rename(moved)
    one_unit.directory = moved
    one_unit.env.update(CHARM_DIR=str(moved), JUJU_CHARM_DIR=str(moved))
    one_unit.succeed()
    assert one_unit.told() == [str(tmp_path / "charm"), str(moved)]


UNSETTLED = {
    "a variable in a decorator": 'name=a\n@when_not "$name"\nf() { %s; }',
    "a command in a decorator": "@when_not $(cat name 2>/dev/null || echo x)\nf() { %s; }",
    "backquotes in a decorator": "@when_not `echo x`\nf() { %s; }",
    "a glob in a decorator": "@when_not x*\nf() { %s; }",
    "a decorator in a condition": "if [[ ! -e no ]]; then\n@when_not x\nfi\nf() { %s; }",
    "a decorator in a loop": "for name in x y; do\n    @when_not $name\ndone\nf() { %s; }",
    "a decorator in a case": 'case "$JUJU_HOOK_NAME" in\n*) @when_not x ;;\nesac\nf() { %s; }',
    "a decorator after an operator": "[[ -e no ]] || @when_not x\nf() { %s; }",
    "a decorator in a function": "decorate() {\n@when_not x\n}\ndecorate\n@when_not x\nf() { %s; }",
    "a source that is computed": 'file=none\n[[ ! -e $file ]] || source "$file"\n@when_not x\nf() { %s; }',
    "a condition on the line of a function": "h() { :; }; [[ -e no ]] || @when_not x\nf() { %s; }",
    "a command outside of functions": "ls >/dev/null\n@when_not x\nf() { %s; }",
}


@pytest.mark.parametrize("case", UNSETTLED)
def test_what_may_differ_is_declared_once_in_each_hook(one_unit: BashUnit, case: str) -> None:
    unit = one_unit
    body = (UNSETTLED[case] % 'echo f >>"$TOLD"') + '\n@when_not x\ng() { echo g >>"$TOLD"; }'
    if case == "a decorator in a function":
        # Which function stands below it, nobody can say before the function is called.
        body = body.replace("decorate\n@", "@")
    unit.script(body)
    for _ in range(2):
        unit.succeed()
        assert unit.told() == ["f", "g"]
        declared, *invoked = unit.starts()
        assert declared == "reactive/foo.sh --test"
        assert [line.split()[-1] for line in invoked] == ["f", "g"]
    assert kept(unit) == []
    assert unit.invoked()[0].startswith("reactive/foo.sh:")


@pytest.mark.parametrize(
    "text",
    [
        'if [[ -e enabled ]]; then\n@when_not x\nf() { echo f >>"$TOLD"; }\nfi\n',
        'h() { :; }; if [[ -e enabled ]]; then @when_not x\nf() { echo f >>"$TOLD"; }; fi',
        '@when_not y\nh() { :; }; [[ -e enabled ]] && { @when_not x; }\nf() { echo f >>"$TOLD"; }',
        '@when_not y\nh() {\n:\n}; [[ -e enabled ]] && { @when_not x; }\nf() { echo f >>"$TOLD"; }',
    ],
    ids=["a condition", "on the line of a function", "and a function below", "at the end of a function"],
)
def test_what_differs_is_seen(one_unit: BashUnit, text: str) -> None:
    one_unit.script(text)
    one_unit.succeed()
    one_unit.write("enabled", "")
    one_unit.succeed()
    assert one_unit.told() == ["f"]


def test_commands_outside_of_functions_see_the_flags_of_the_hook_and_may_change_them(unit: BashUnit) -> None:
    unit.write("config.yaml", "options: {}\n")
    unit.write(
        "reactive/app.py",
        "from charmhelpers.core import hookenv\nfrom charms.reactive import *\n"
        "hookenv.atstart(set_flag, 'at.start')\n@when('from.script')\ndef f(): set_flag('seen')\n",
    )
    unit.script(
        "if all_flags_set at.start; then set_flag from.script; fi\n"
        "@when at.start\ng() { clear_flag at.start; }"
    )
    unit.succeed()
    assert unit.committed_flags() == ["from.script", "seen"]


def test_a_script_that_is_asked_in_each_hook_declares_with_the_flags_of_that_hook(unit: BashUnit) -> None:
    """Before any of its functions runs, and whether one does; what it changes there is seen at once."""
    unit.write(
        "reactive/app.py",
        "from charmhelpers.core import hookenv\nfrom charms.reactive import *\n"
        "hookenv.atstart(set_flag, 'at.start')\n@when('from.script')\ndef f(): set_flag('seen')\n",
    )
    unit.script(
        'if all_flags_set at.start; then set_flag from.script; echo asked >>"$TOLD"; fi\n'
        "@when never\ng() { :; }"
    )
    unit.succeed()
    assert unit.told() == ["asked"]
    assert unit.committed_flags() == ["at.start", "from.script", "seen"]


def test_a_handler_that_watches_flags_beside_a_script_that_is_asked_in_each_hook(unit: BashUnit) -> None:
    """When the script has declared its functions, all handlers are put into the engine anew."""
    unit.write(
        "reactive/app.py",
        "import os\nfrom charms.reactive import *\nfrom charms.reactive.bus import Handler\n"
        "def f(): open(os.environ['TOLD'], 'a').write('f\\n')\n"
        "Handler.get(f).register_flags(['late'])\n"
        "Handler.get(f).add_predicate(lambda: True)\n"
        "def never(): set_flag('never')\n"
        "Handler.get(never).add_predicate(lambda: False)\n"
        "@when_not('late')\ndef g(): set_flag('late')\n"
        "@when('late')\n@when_not('later')\ndef h(): set_flag('later')\n",
    )
    unit.script("if true; then :; fi\n@when never\nh() { :; }")
    unit.succeed()
    assert unit.committed_flags() == ["late", "later"]
    # With the hook handlers, in the first iteration, and after the flag that it watches; not after the other.
    assert unit.told() == ["f", "f", "f"]


def test_what_a_script_prints_outside_of_functions_is_not_taken_for_anything(one_unit: BashUnit) -> None:
    one_unit.script('echo "f,g"\nprintf "end\\0"\n@when_not x\nf() { echo f >>"$TOLD"; }\necho more')
    done = one_unit.run()
    assert done.status == 0
    assert one_unit.told() == ["f"]
    assert "f,g\nend\0more\n" in done.stdout


# -- the plain protocol -----------------------------------------------------------------------------
PLAIN = """\
#!/bin/bash
# No helper here: it is asked and told.
case "$1" in
--test) charms.reactive when a && printf word ;;
--invoke) echo "invoked with $2" >>"$TOLD"; charms.reactive clear_flag a ;;
esac
"""


def test_plain_executables_are_asked_as_ever_and_never_by_the_tracer(unit: BashUnit) -> None:
    unit.plain(PLAIN)
    unit.write("reactive/zzz.py", "from charms.reactive import *\n@hook('start')\ndef f(): set_flag('a')\n")
    unit.succeed("start", CHARMS_REACTIVE_LOG="trace")
    assert unit.told() == ["invoked with word"]
    # In phase hooks; in phase other; after its own change of a flag there is nobody left to ask.
    # The Python handler's change adds no start, whatever the tracer tells.
    assert unit.starts() == ["reactive/plain.sh --test"] * 2 + ["reactive/plain.sh --invoke word"] + [
        "reactive/plain.sh --test"
    ]
    assert kept(unit) == []
    assert 'reactive/plain.sh "word"' in unit.invoked()


def test_a_plain_executable_may_use_the_functions_of_the_helper(one_unit: BashUnit) -> None:
    one_unit.plain(
        PLAIN.replace("# No helper", "source charms.reactive.sh # no handlers").replace(
            "charms.reactive clear", "clear"
        )
    )
    one_unit.command("set_flag", "a")
    one_unit.succeed()
    assert one_unit.told() == ["invoked with word"]
    assert one_unit.committed_flags() == []


def test_a_script_that_sources_the_helper_through_others_declares_when_it_is_asked(
    one_unit: BashUnit,
) -> None:
    unit = one_unit
    unit.write(
        "lib/handlers.bash",
        'source charms.reactive.sh\n@when_not x\nf() { echo f >>"$TOLD"; }\nreactive_handler_main\n',
    )
    unit.plain('#!/bin/bash\nhere=$(dirname "$0")\n. "$here/../lib/handlers.bash"\n')
    for _ in range(2):
        unit.succeed()
        assert unit.told() == ["f"]
        assert unit.starts() == ["reactive/plain.sh --test", "reactive/plain.sh --invoke f"]
    assert unit.invoked() == ["lib/handlers.bash:3:f"] * 2


def test_a_script_may_go_elsewhere_after_it_has_sourced_handlers(one_unit: BashUnit) -> None:
    one_unit.write("lib/shared.sh", '@when_not x\nf() { echo f >>"$TOLD"; }\n')
    one_unit.script('source lib/shared.sh\ncd /\n@when_not x\ng() { echo g >>"$TOLD"; }')
    for _ in range(2):
        one_unit.succeed()
        assert one_unit.told() == ["f", "g"]
    assert one_unit.invoked() == ["lib/shared.sh:2:f", "reactive/foo.sh:7:g"] * 2


def test_two_scripts_that_source_one_file_of_handlers_each_have_them(one_unit: BashUnit) -> None:
    one_unit.write("lib/shared.sh", '@when_not x\nf() { echo "${0##*/}" >>"$TOLD"; }\n')
    for name in ("a.sh", "b.sh"):
        one_unit.script("source lib/shared.sh", name="reactive/" + name)
    one_unit.succeed()
    assert one_unit.told() == ["a.sh", "b.sh"]


def test_code_of_its_own_before_the_handlers_and_after(one_unit: BashUnit) -> None:
    body = """\
log=$TOLD
tell() { echo "$*" >>"$log"; }
readonly VERSION=1.0

@when_not x
f() { tell "f $VERSION"; }
"""
    path = one_unit.script(body, head="# by layer-foo\nset -e")
    path.write_text(path.read_text() + 'tell "after $VERSION"\n')
    one_unit.succeed()
    assert one_unit.told() == ["f 1.0", "after 1.0"]
    assert kept(one_unit) == []  # TOLD may be missing in another hook


def test_a_file_that_is_not_executable_is_ignored(one_unit: BashUnit) -> None:
    one_unit.script('@when_not x\nf() { echo f >>"$TOLD"; }').chmod(0o644)
    one_unit.succeed()
    assert one_unit.told() == []


# -- mistakes ---------------------------------------------------------------------------------------
MISTAKES = {
    "a syntax error": (
        "",
        "@when a\nf() { :; }\nif true; then\n  fi fi\n",
        "reactive/foo.sh:7: ",
        "syntax error",
    ),
    "a function without its end": ("", "@when a\nf() {\n  :\n", "reactive/foo.sh:", "syntax error"),
    "a missing command under set -e": (
        "set -e",
        "no-such-command now\n@when a\nf() { :; }",
        "reactive/foo.sh:4: ",
        "`no-such-command now`",
    ),
    "a missing command in a file it sources": (
        "set -e",
        "source lib/x.sh\n@when a\nf() { :; }",
        "lib/x.sh:2: ",
        "`no-such-command`",
    ),
    "an unknown decorator": (
        "",
        "@when a\n@wenn b\nf() { :; }",
        "reactive/foo.sh:5: ",
        "there is no decorator @wenn",
    ),
    "an unknown decorator under set -e": (
        "set -e",
        "@wenn b\nf() { :; }\n@when a\ng() { :; }",
        "reactive/foo.sh:4: ",
        "there is no decorator @wenn",
    ),
    "a decorator without a function": (
        "",
        "f() { :; }\n\n@when a\n",
        "reactive/foo.sh:6: ",
        "no function below this decorator",
    ),
    "a decorator above a function in a string": (
        "",
        "@when a\nx='\nf() { :; }'\n",
        "reactive/foo.sh:4: ",
        "no function",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_in_a_script_is_an_error_that_names_file_and_line(one_unit: BashUnit, case: str) -> None:
    head, body, place, reason = MISTAKES[case]
    one_unit.write("lib/x.sh", "\nno-such-command\n")
    one_unit.script(body, head=head)
    one_unit.write("reactive/aaa.py", "from charms.reactive import set_flag\nset_flag('early')\n")
    last = one_unit.fail()
    assert place in last
    assert reason in last
    assert "HandlerDeclarationError" in last
    assert last[last.index("cannot tell") :] in one_unit.log_text()
    assert one_unit.rows() == {}


@pytest.mark.parametrize("body", ["[[ -e no ]] || exit 1", "exit 3", "false"])
def test_a_script_that_ends_before_it_has_declared_anything_says_no(one_unit: BashUnit, body: str) -> None:
    one_unit.script(body + '\n@when_not x\nf() { echo f >>"$TOLD"; }', head="set -e")
    one_unit.succeed()
    assert one_unit.told() == []
    # One that ends by accident would leave people wondering.
    warned = "reactive/foo.sh:4: `false` failed with exit status 1" in one_unit.log_text()
    assert warned == (body == "false")


@pytest.mark.parametrize("body", ["[[ -e no ]] || exit 0", "cat() { :; }\nexit"])
def test_a_script_that_ends_well_before_it_has_declared_anything_is_named(
    one_unit: BashUnit, body: str
) -> None:
    """To an external handler that is a yes, in each round until the dispatch has had enough of them."""
    one_unit.script(body + '\n@when_not x\nf() { echo f >>"$TOLD"; }')
    one_unit.succeed()
    assert one_unit.told() == []
    assert "reactive/foo.sh: it has handlers, and ended with exit status 0 before" in one_unit.log_text()


@pytest.mark.parametrize("head", ["", "set -e"])
def test_a_script_whose_helper_is_not_on_the_path_is_named(one_unit: BashUnit, head: str) -> None:
    """Under ``set -e`` it ends with 1, as one does that has nothing to run."""
    one_unit.script("@when_not x\nf() { :; }", head=head)
    one_unit.bin.joinpath("charms.reactive.sh").unlink()
    one_unit.succeed(PATH="%s:/usr/bin:/bin" % one_unit.bin)
    assert "reactive/foo.sh: there is no charms.reactive.sh on PATH" in one_unit.log_text()


MISSPELT = """\
#!/bin/bash
%s
source %s

@when_not x
f() { echo f >>"$TOLD"; }

reactive_handler_main
"""


@pytest.mark.parametrize("name", ["charm.reactive.sh", "charms.reactive", '"$CHARM_DIR/bin/reactive.sh"'])
@pytest.mark.parametrize("head", ["", "set -e", "set -eux", "if true; then :; fi"])
def test_a_script_that_sources_something_else_than_the_helper_is_named(
    one_unit: BashUnit, name: str, head: str
) -> None:
    one_unit.plain(MISSPELT % (head, name))
    one_unit.succeed()
    assert one_unit.told() == []
    lines = [line for level, text in one_unit.logged() if level == "WARNING" for line in text.splitlines()]
    (line,) = [line for line in lines if "counts as no" not in line]  # which some of them are told, too
    assert line.startswith(
        "reactive/plain.sh has handlers and does not source charms.reactive.sh, so none of them "
    )
    assert line.endswith("; reactive/plain.sh:3 sources " + name.strip('"'))
    assert "does not source charms.reactive.sh" in one_unit.fail(CHARMS_REACTIVE_STRICT="1")


@pytest.mark.parametrize(
    "head", ["exit 1", "[[ -e no ]] || exit 3", 'source "$CHARM_DIR/lib/all.sh"; exit 1']
)
def test_a_script_that_ends_before_it_sources_the_helper_is_no_news(one_unit: BashUnit, head: str) -> None:
    one_unit.write("lib/all.sh", "source charms.reactive.sh\n")
    text = MISSPELT % (head, "charms.reactive.sh")
    one_unit.plain(text.replace("source charms.reactive.sh\n", "") if "all.sh" in head else text)
    one_unit.succeed()
    assert [text for level, text in one_unit.logged() if level == "WARNING"] == []


@pytest.mark.parametrize("first", ["#!/bin/dash", "#! /bin/dash -e"])
def test_handlers_in_bash_for_another_shell_are_named(one_unit: BashUnit, first: str) -> None:
    one_unit.plain((MISSPELT % ("", "charms.reactive.sh")).replace("#!/bin/bash", first))
    one_unit.succeed()
    assert one_unit.told() == []
    assert "reactive/plain.sh has handlers in bash and begins with %s, so" % first.partition(" -")[0] in (
        one_unit.log_text()
    )


def test_line_ends_of_windows_are_named(one_unit: BashUnit) -> None:
    path = one_unit.plain("#!/bin/bash\nsource charms.reactive.sh\n")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    last = one_unit.fail()
    assert "reactive/plain.sh" in last
    assert "Unix line ends" in last


def test_a_script_whose_function_is_gone_when_it_is_invoked(one_unit: BashUnit) -> None:
    """It changes itself, or depends on something else, between two starts."""
    one_unit.script('if [[ "$1" == --test ]]; then\n@when_not x\nf() { :; }\nfi')
    assert "exit status 126" in one_unit.fail()


def test_background_processes_of_a_declaring_script_do_not_hold_up_the_hook(one_unit: BashUnit) -> None:
    one_unit.script('sleep 20 >/dev/null 2>&1 &\n@when_not x\nf() { echo f >>"$TOLD"; }')
    began = time.monotonic()
    one_unit.succeed()
    assert time.monotonic() - began < 15
