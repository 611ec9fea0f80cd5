"""Scripts as people write them: options, quoting, ways to define a function, versions of bash."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import List

import pytest

from framework.support import BASH_HELPER

from .conftest import BashUnit
from .definitions import DEFINITIONS

pytestmark = pytest.mark.long

TELL = '{ echo "${FUNCNAME[0]}" >>"$TOLD"; }'


# -- options ----------------------------------------------------------------------------------------
OPTIONS = ["-e", "-u", "-x", "-f", "-eux", "-euo pipefail", "-euxEo pipefail", "-o noclobber", "-a"]


@pytest.mark.parametrize("where", ["head", "options"])
@pytest.mark.parametrize("options", OPTIONS)
def test_options_of_the_script_hold_in_its_functions(one_unit: BashUnit, options: str, where: str) -> None:
    body = """\
before=$-
@when_not x "y z"
@when_any_or_not() { :; }
function f() {
    [[ $- == "$before" ]] || echo "options changed: $- $before" >>"$TOLD"
    set_flag "f" && all_flags_set f && echo f >>"$TOLD"
}
""".replace("@when_any_or_not() { :; }\n", "")
    one_unit.script(body, **{where: "set " + options})
    one_unit.succeed()
    one_unit.succeed()
    assert one_unit.told() == ["f", "f"]
    assert one_unit.committed_flags() == ["f"]


def test_set_e_ends_a_function_where_it_fails(one_unit: BashUnit) -> None:
    one_unit.script('@when_not x\nf() { echo 1 >>"$TOLD"; false; echo 2 >>"$TOLD"; }', head="set -e")
    assert "reactive/foo.sh:5:f" in one_unit.fail()
    assert one_unit.told() == ["1"]


def test_set_u_ends_a_function_where_a_variable_is_missing(one_unit: BashUnit) -> None:
    one_unit.script('@when_not x\nf() { echo "$missing" >>"$TOLD"; }', head="set -u")
    assert "failed with exit status" in one_unit.fail()


def test_pipefail_counts_in_a_function(one_unit: BashUnit) -> None:
    one_unit.script("@when_not x\nf() { false | true; }", head="set -eo pipefail")
    one_unit.fail()


def test_set_x_shows_the_script_and_nothing_of_the_helper(one_unit: BashUnit) -> None:
    path = one_unit.script("set -x\n@when_not x\nf() {\n  : traced\n}")
    path.write_text(path.read_text() + ": end\n")
    done = one_unit.run()
    shown = [line for line in done.stderr.splitlines() if line.startswith("+")]
    declared = ["+ @when_not x", "+ reactive_handler_main"]
    assert shown == declared + declared + ["+ f", "+ : traced", "+ : end"]


def test_the_helper_traces_itself_when_asked(one_unit: BashUnit) -> None:
    one_unit.script("@when_not x\nf() { :; }")
    assert "__reactive" not in one_unit.run().stderr
    assert "__reactive" in one_unit.run(env={"CHARMS_REACTIVE_TRACE": "true"}).stderr


def test_environment_of_functions(one_unit: BashUnit) -> None:
    one_unit.write("bin/charm-tool", '#!/bin/sh\necho charm-tool >>"$TOLD"\n', executable=True)
    words = '"$JUJU_HOOK_NAME ${PYTHONPATH##*:} ${CHARMS_REACTIVE_SHELL-none} $PWD"'
    body = '@when_not x\nf() { charm-tool; echo %s >>"$TOLD"; }' % words
    one_unit.script(body)
    one_unit.succeed("start")
    charm = one_unit.directory
    assert one_unit.told() == ["charm-tool", "start %s/lib none %s" % (charm, charm)]


def test_arguments_of_the_script_are_those_of_the_protocol(one_unit: BashUnit) -> None:
    one_unit.script('said="$*"\n@when_not x\nf() { echo "$said/$#" >>"$TOLD"; }')
    one_unit.succeed()
    assert one_unit.told() == ["--invoke f/0"]


# -- words ------------------------------------------------------------------------------------------
FLAGS = [
    "with space",
    "it's",
    'say "x"',
    "$HOME",
    "${x}",
    "back\\slash",
    "trailing\\",
    "*",
    "a;b|c&d",
    "`id`",
    "$(id)",
    "new\nline",
    "tab\there",
    "\u00e9\U0001f600",
    "#hash",
    "!bang",
    "-dash",
    "a,b",
    "",
]


@pytest.mark.parametrize("flag", FLAGS)
def test_odd_flags_arrive_whole(one_unit: BashUnit, flag: str) -> None:
    quoted = shlex.quote(flag)
    one_unit.script(
        "@when_not %s x\nf() { set_flag -- %s; }\n@when %s\ng() { echo g >>$TOLD; }"
        % (quoted, quoted, quoted)
    )
    for _ in range(2):
        one_unit.succeed()
        assert one_unit.told() == ["g"]
        assert one_unit.committed_flags() == [flag]


def test_globs_in_quotes_stay_what_they_are(one_unit: BashUnit) -> None:
    one_unit.write("a1", "")
    one_unit.script("@when_not 'a*' \"b?\" c[1]\nf() { set_flag 'a*'; }\n@when 'a*'\ng() %s" % TELL)
    one_unit.succeed()
    assert one_unit.told() == ["g"]


def test_a_flag_that_is_no_text_is_an_error_that_names_it(one_unit: BashUnit) -> None:
    path = one_unit.script("@when FLAG\nf() { :; }")
    path.write_bytes(path.read_bytes().replace(b"FLAG", b"'\xff'"))
    last = one_unit.fail()
    assert "reactive/foo.sh:4: @when is given b'\\xff', which is not UTF-8" in last


# -- functions --------------------------------------------------------------------------------------
@pytest.mark.parametrize("definition", DEFINITIONS)
def test_ways_to_define_a_function(one_unit: BashUnit, definition: str) -> None:
    name = DEFINITIONS[definition]
    one_unit.script('@when_not x\n%s\n  builtin echo "${FUNCNAME[0]}" >>"$TOLD"\n}\n' % definition)
    one_unit.succeed()
    assert one_unit.told() == [name]
    line = 5 + next(
        number
        for number, text in enumerate(definition.split("\n"))
        if re.match(r"\s*(function\s+)?%s\b" % re.escape(name), text)
    )
    assert one_unit.invoked() == ["reactive/foo.sh:%d:%s" % (line, name)]


def test_bodies_on_one_line_in_a_subshell_and_with_a_redirection(one_unit: BashUnit) -> None:
    one_unit.script(
        "@when_not x\nf() { echo f; } >>$TOLD\n@when_not x\ng() ( echo g >>$TOLD )\n"
        "@when_not x\nfunction h() if true; then echo h >>$TOLD; fi\n"
    )
    one_unit.succeed()
    assert one_unit.told() == ["f", "g", "h"]


def test_here_documents_that_look_like_functions_and_decorators(one_unit: BashUnit) -> None:
    body = """\
@when_not x
f() {
    cat >>"$TOLD" <<EOF
@when_not x
g() {
EOF
}

cat >/dev/null <<'EOF'
@when_not x
h() { echo h; }
EOF

@when_not x
# i() {
i() { echo i >>"$TOLD"; }
"""
    one_unit.script(body)
    one_unit.succeed()
    assert one_unit.told() == ["@when_not x", "g() {", "i"]
    assert one_unit.invoked() == ["reactive/foo.sh:5:f", "reactive/foo.sh:19:i"]


def test_several_decorators_and_several_flags(one_unit: BashUnit) -> None:
    body = (
        """\
@when a b \\
      c
@when_not x y   # why

# a comment between
@when_any c z
@when_not_all a z
function f() %s
"""
        % TELL
    )
    one_unit.script(body)
    for flag in ("a", "b", "c"):
        assert one_unit.told() == []
        one_unit.command("set_flag", flag)
        one_unit.succeed()
    assert one_unit.told() == ["f"]
    one_unit.command("set_flag", "y")
    one_unit.succeed()
    assert one_unit.told() == []


def test_two_functions_of_one_name_are_two_handlers(unit: BashUnit) -> None:
    """Each runs as it was written; bash alone keeps the last one."""
    body = """\
@when_not a
function f() {
    cat >>"$TOLD" <<EOF
first "$#"
EOF
}

@when_not b
@only_once
f() { echo second >>"$TOLD"; }

@when_not c
f() { echo third >>"$TOLD"; }
"""
    unit.script(body)
    unit.succeed()
    assert unit.told() == ['first "0"', "second", "third"]
    assert unit.invoked() == ["reactive/foo.sh:5:f", "reactive/foo.sh:13:f", "reactive/foo.sh:16:f"]
    unit.command("set_flag", "a")
    unit.succeed()
    assert unit.told() == ["third"]


def test_two_functions_of_one_name_that_run_once_each_do(one_unit: BashUnit) -> None:
    body = """\
@only_once
f() { echo first >>"$TOLD"; }

@only_once
@when go
f() { echo second >>"$TOLD"; }
"""
    one_unit.script(body)
    one_unit.succeed()
    one_unit.command("set_flag", "go")
    one_unit.succeed()
    one_unit.script("# a line\n" + body)
    one_unit.succeed()
    assert one_unit.told() == ["first", "second"]


def test_functions_share_nothing_but_the_script(unit: BashUnit) -> None:
    """Each is run by a bash of its own."""
    unit.script('x=0\n@when_not y\nf() { x=1; }\n@when_not y\ng() { echo "$x" >>"$TOLD"; }')
    unit.succeed()
    assert unit.told() == ["0"]


NAMES = ["tail", "read", "test", "echo", "printf", "name", "file", "line", "eval", "cat"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_the_helper_might_use_too(one_unit: BashUnit, name: str) -> None:
    body = '%s=kept\nIFS=:\n@when_not x\n%s() { builtin printf \'%%s\\n\' "$%s" >>"$TOLD"; }\n'
    one_unit.script(body % (name, name, name) + "@when_not x\nf() { :; }")
    one_unit.succeed()
    assert one_unit.told() == ["kept"]
    assert one_unit.invoked() == ["reactive/foo.sh:7:%s" % name, "reactive/foo.sh:9:f"]


def test_aliases_of_the_script_work(one_unit: BashUnit) -> None:
    """Those of 1.5.x were aliases themselves, so a script could always have its own."""
    one_unit.script("alias tell='echo >>\"$TOLD\"'\n@when_not x\nf() {\n  tell f\n}")
    one_unit.succeed()
    one_unit.succeed()
    assert one_unit.told() == ["f", "f"]


def test_a_file_that_the_script_sources_may_source_the_helper_too(one_unit: BashUnit) -> None:
    one_unit.write("lib/more.sh", "source charms.reactive.sh\n@when_not x\nmore() %s\n" % TELL)
    one_unit.script("@when_not x\nf() %s\nsource lib/more.sh\n@when_not x\ng() %s" % (TELL, TELL))
    one_unit.succeed()
    assert one_unit.told() == ["f", "more", "g"]


# -- versions ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("level", ["4.4", "5.0", "5.1", "5.2"])
def test_compatibility_levels(one_unit: BashUnit, level: str) -> None:
    """Not the older releases themselves, but what this bash can do of their behaviour."""
    one_unit.script("@when_not 'x y'\nf() { set_flag 'x y'; }\n@when 'x y'\ng-g() %s" % TELL, head="set -eu")
    one_unit.succeed(BASH_COMPAT=level)
    assert one_unit.told() == ["g-g"]


#: What bash has learned since 4.4, as its own NEWS of 5.0 to 5.3 has it.
LATER = [
    r"\bEPOCH(SECONDS|REALTIME)\b",  # 5.0
    r"\bBASH_ARGV0\b",
    r"\bassoc_expand_once\b",
    r"\blocalvar_(inherit|unset)\b",
    r"\b(local|declare) -[a-zA-Z]*I",
    r"\bwait -[a-z]*p",  # 5.1
    r"\bSRANDOM\b",
    r"\$\{[^}]*@[UuLKk]\}",  # 5.1, 5.2
    r"\bvarredir_close\b",  # 5.2
    r"\bpatsub_replacement\b",
    r"\bread -[a-z]*E",  # 5.3
    r"\$\{ ",
    r"\$\{\|",
]


def test_the_helper_uses_nothing_that_bash_4_4_has_not() -> None:
    text = BASH_HELPER.read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert [pattern for pattern in LATER if re.search(pattern, code)] == []


def test_quoting_is_the_same_where_an_ampersand_means_something(tmp_path: Path) -> None:
    """5.2 gives ``&`` in a replacement a meaning, as an option."""
    script = 'source charms.reactive.sh; __reactive_quote "it\'s & \'more\'"; printf %s "$__reactive_quoted"'
    answers: List[bytes] = []
    for option in ("-s", "-u"):
        command = "shopt %s patsub_replacement 2>/dev/null; %s" % (option, script)
        environment = {"PATH": "%s:/usr/bin:/bin" % BASH_HELPER.parent}
        answers.append(subprocess.check_output(["bash", "-c", command], env=environment))
    assert answers == [b"'it'\\''s & '\\''more'\\'''"] * 2
