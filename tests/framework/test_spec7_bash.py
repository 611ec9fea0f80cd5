"""Handlers in bash: charms.reactive.sh and what scripts of charms do with it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from typing import List, Mapping, Optional, Tuple

import pytest

from bash.definitions import DEFINITIONS

from .support import BASH_HELPER, Finished, Unit

pytestmark = pytest.mark.long

HEAD = "#!/bin/bash\nsource charms.reactive.sh\n"
TAIL = "\nreactive_handler_main\n"


def _handlers(unit: Unit, body: str, head: str = HEAD, tail: str = TAIL, name: str = "script.sh") -> str:
    """Write a script of handlers; returns its path."""
    path = unit.directory / "reactive" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(head + body + tail, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def _test(unit: Unit, path: str, env: Optional[Mapping[str, str]] = None) -> List[str]:
    """The names that ``--test`` prints; none if it says no."""
    done = unit.execute([path, "--test"], env)
    assert done.status == (0 if done.stdout else 1), done
    return done.stdout.strip().split(",") if done.stdout else []


def _invoke(unit: Unit, path: str, names: str, env: Optional[Mapping[str, str]] = None) -> Finished:
    return unit.execute([path, "--invoke", names], env)


# -- decorators ------------------------------------------------------------------------------------

DECORATORS: List[Tuple[str, bool]] = [
    ("@when a", True),
    ("@when a b", True),
    ("@when a x", False),
    ("@when_all a b", True),
    ("@when_all x", False),
    ("@when_any x b", True),
    ("@when_any x y", False),
    ("@when_not x y", True),
    ("@when_not a x", False),
    ("@when_none x y", True),
    ("@when_none a", False),
    ("@when_not_all a x", True),
    ("@when_not_all a b", False),
    ("@when_file_changed metadata.yaml", True),
    ("@when_file_changed no-such-file", False),
    ("@hook start", True),
    ("@hook in{stall,it} st{art,op}", True),
    ("@hook 'in{stall,it}' 'st{art,op}'", True),
    ("@hook install", False),
    ("@only_once", True),
    ("@when a\n@when_not x", True),
    ("@when a\n@when_not b", False),
    ("@when x\n@when a", False),
    ("@only_once\n@when x", False),
    ("@when_any x a\n@when_not_all a x\n@hook start", True),
]


def test_spec7_bash_every_decorator_and_stacks_of_them(one_unit: Unit) -> None:
    one_unit.command("set_flag", "a")
    one_unit.command("set_flag", "b")
    body = "\n".join(
        "%s\nfunction f%d() {\n  :\n}\n" % (decorators, number)
        for number, (decorators, _) in enumerate(DECORATORS)
    )
    names = _test(one_unit, _handlers(one_unit, body), {"JUJU_HOOK_NAME": "start"})
    assert names == ["f%d" % number for number, (_, matches) in enumerate(DECORATORS) if matches]


def test_spec7_bash_every_way_to_define_a_function(one_unit: Unit) -> None:
    for number, (definition, name) in enumerate(DEFINITIONS.items()):
        body = "@when_not x\n%s\n  builtin echo called\n}\n" % definition
        path = _handlers(one_unit, body, name="script%d.sh" % number)
        done = _invoke(one_unit, path, name)
        assert (done.status, done.stdout) == (0, "called\n"), definition
    assert _test(one_unit, path) == [name]


def test_spec7_bash_a_function_on_one_line_and_in_a_subshell(one_unit: Unit) -> None:
    path = _handlers(one_unit, "@when_not x\nf() { echo one; }\n@when_not x\ng() ( echo two )\n")
    assert _test(one_unit, path) == ["f", "g"]
    assert _invoke(one_unit, path, "f,g").stdout == "one\ntwo\n"


def test_spec7_bash_decorators_over_several_lines(one_unit: Unit) -> None:
    body = "@when_not \\\n  x \\\n  y\n\n@when_not z  # why\n\nfunction f() {\n  :\n}\n"
    path = _handlers(one_unit, body)
    assert _test(one_unit, path) == ["f"]
    one_unit.command("set_flag", "y")
    assert _test(one_unit, path) == []


@pytest.mark.parametrize(
    "flag",
    [
        "with space",
        "it's",
        'say "x"',
        "$HOME",
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
        "",
    ],
)
def test_spec7_bash_odd_flags_arrive_whole(one_unit: Unit, flag: str) -> None:
    quoted = shlex.quote(flag)
    body = "@when_not %s x\n@when_not_all %s x\nf() { set_flag -- %s; }\n" % (quoted, quoted, quoted)
    body += "@when %s\ng() { :; }\n" % quoted
    path = _handlers(one_unit, body)
    assert _test(one_unit, path) == ["f"]
    assert _invoke(one_unit, path, "f").status == 0
    assert one_unit.committed_flags() == [flag]
    assert _test(one_unit, path) == ["g"]


def test_spec7_bash_a_decorator_above_nothing_is_an_error(one_unit: Unit) -> None:
    path = _handlers(one_unit, "f() { :; }\n@when a\n")
    done = one_unit.execute([path, "--test"])
    assert done.status == 126
    assert "%s:4: no function below this decorator" % path in done.stderr


def test_spec7_bash_a_script_without_handlers_says_no(one_unit: Unit) -> None:
    path = _handlers(one_unit, "f() { :; }\n")
    assert _test(one_unit, path) == []


def test_spec7_bash_handlers_in_a_file_that_the_script_sources(one_unit: Unit) -> None:
    one_unit.write("lib/more.sh", "@when_not x\nfrom_lib() { echo lib; }\n")
    path = _handlers(one_unit, 'source "$CHARM_DIR/lib/more.sh"\n@when_not x\nf() { echo own; }\n')
    assert _test(one_unit, path) == ["from_lib", "f"]
    assert _invoke(one_unit, path, "from_lib,f").stdout == "lib\nown\n"


# -- options of the script ---------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["-e", "-u", "-ue", "-euo pipefail", "-f", "-eux", "-o noclobber", "+e"])
@pytest.mark.parametrize("where", ["before", "after"])
def test_spec7_bash_options_of_the_script_work_and_stay(one_unit: Unit, options: str, where: str) -> None:
    head = "#!/bin/bash\n%s\nsource charms.reactive.sh\n%s\n" % (
        ("set " + options, ":") if where == "before" else (":", "set " + options)
    )
    body = 'before=$-\n@when_not x "y z"\nf() { [[ $- == "$before" ]] && echo "same"; }\n'
    path = _handlers(one_unit, body, head=head, tail=TAIL + '[[ $- == "$before" ]] && echo and after\n')
    assert _test(one_unit, path) == ["f"]
    done = _invoke(one_unit, path, "f")
    assert (done.status, done.stdout) == (0, "same\nand after\n")


def test_spec7_bash_set_x_shows_the_script_and_nothing_of_the_helper(one_unit: Unit) -> None:
    body = "set -x\n@when_not x\nf() {\n  echo traced\n}\n"
    path = _handlers(one_unit, body, tail=TAIL + "echo end\n")
    done = _invoke(one_unit, path, "f")
    shown = [line for line in done.stderr.splitlines() if line.startswith("+")]
    assert shown == ["+ @when_not x", "+ reactive_handler_main", "+ f", "+ echo traced", "+ echo end"]


def test_spec7_bash_trace_of_the_helper_itself(one_unit: Unit) -> None:
    path = _handlers(one_unit, "@when_not x\nf() { :; }\n")
    silent = one_unit.execute([path, "--test"])
    traced = one_unit.execute([path, "--test"], {"CHARMS_REACTIVE_TRACE": "true"})
    assert "charms.reactive test" not in silent.stderr
    assert "charms.reactive test" in traced.stderr
    assert silent.stdout == traced.stdout == "f\n"


@pytest.mark.parametrize(("options", "status", "out"), [("-e", 1, ""), ("+e", 0, "went on\n")])
def test_spec7_bash_set_e_in_a_handler(one_unit: Unit, options: str, status: int, out: str) -> None:
    body = "set %s\n@when_not x\nf() {\n  false\n  echo went on\n}\n" % options
    done = _invoke(one_unit, _handlers(one_unit, body), "f")
    assert (done.status, done.stdout) == (status, out)
    assert (one_unit.rows("reactive.invoked.") != {}) == (status == 0)


@pytest.mark.parametrize("name", ["tail", "read", "test", "echo", "sort", "name", "file", "line", "status"])
def test_spec7_bash_names_that_the_helper_might_use_too(one_unit: Unit, name: str) -> None:
    body = "%s=kept\nIFS=:\n@when_not x\n%s() { printf '%%s\\n' \"$%s\"; }\n" % (name, name, name)
    body += "@when_not y\nf() { :; }\n"
    path = _handlers(one_unit, body)
    assert _test(one_unit, path) == [name, "f"]
    assert _invoke(one_unit, path, name).stdout == "kept\n"


def test_spec7_bash_paths(one_unit: Unit) -> None:
    one_unit.write("bin/charm-tool", "#!/bin/sh\necho charm-tool\n", executable=True)
    one_unit.write("lib/charmlib.py", "print('charmlib')\n")
    body = "@when_not x\nf() { charm-tool; %s -c 'import charmlib'; }\n" % shlex.quote(sys.executable)
    assert _invoke(one_unit, _handlers(one_unit, body), "f").stdout == "charm-tool\ncharmlib\n"


# -- functions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "flags"),
    [
        ("set_flag new", ["a", "new"]),
        ("set_state new", ["a", "new"]),
        ("clear_flag a", []),
        ("remove_state a", []),
        ("charms.reactive set_state new", ["a", "new"]),
        ("all_flags_set a && set_flag yes", ["a", "yes"]),
        ("all_flags_set a x || set_flag no", ["a", "no"]),
        ("any_flags_set x a && set_flag yes", ["a", "yes"]),
        ("any_flags_set x y || set_flag no", ["a", "no"]),
        ("all_states a && set_flag yes", ["a", "yes"]),
        ("any_states x || set_flag no", ["a", "no"]),
        ("if all_flags_set x; then :; else set_flag no; fi", ["a", "no"]),
    ],
)
def test_spec7_bash_functions_for_flags(one_unit: Unit, call: str, flags: List[str]) -> None:
    one_unit.command("set_flag", "a")
    path = _handlers(one_unit, "@when a\nf() {\n  %s\n}\n" % call)
    assert _invoke(one_unit, path, "f").status == 0
    assert one_unit.committed_flags() == flags


@pytest.mark.parametrize(
    "call",
    [
        "relation_call --relation_name db dsn 'it'\\''s a' '$x'",
        "relation_call --flag db.ready dsn 'it'\\''s a' '$x'",
        "relation_call --state db.ready dsn \"it's a\" '$x'",
        'state_relation_call db.ready dsn "it\'s a" \\$x',
    ],
)
def test_spec7_spec20_bash_relation_call_on_an_endpoint(one_unit: Unit, call: str) -> None:
    one_unit.write("metadata.yaml", "name: app\nrequires: {db: {interface: sql}}\n")
    one_unit.write(
        "hooks/relations/sql/requires.py",
        "from charms.reactive import Endpoint\n\n\nclass Db(Endpoint):\n"
        "    def dsn(self, *arguments):\n        return '/'.join((self.endpoint_name,) + arguments)\n",
    )
    one_unit.command("set_flag", "db.ready")
    path = _handlers(one_unit, 'set -e\n@when db.ready\nf() {\n  dsn=$(%s)\n  echo "[$dsn]"\n}\n' % call)
    done = _invoke(one_unit, path, "f")
    assert (done.status, done.stdout) == (0, "[db/it's a/$x]\n")


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ("db app/1", "relation-get -r db:7 - app/1"),
        ("db app/1 host", "relation-get -r db:7 host app/1"),
        ("db app/1 host --format=json", "relation-get -r db:7 --format=json host app/1"),
        ("db app/1 --format=json", "relation-get -r db:7 --format=json - app/1"),
    ],
)
def test_spec7_bash_name_relation_get(one_unit: Unit, arguments: str, asked: str) -> None:
    one_unit.answer("relation-ids", '["db:7"]')
    one_unit.answer("relation-list", '["app/1"]')
    one_unit.answer("relation-get", "the answer")
    path = _handlers(one_unit, "@when_not x\nf() { name_relation_get %s; }\n" % arguments)
    assert _invoke(one_unit, path, "f").stdout == "the answer\n"
    assert one_unit.calls()[-1] == asked


def test_spec7_bash_invoking_a_handler_that_is_not_there(one_unit: Unit) -> None:
    done = _invoke(one_unit, _handlers(one_unit, "@when a\nf() { :; }\n"), "f,g")
    assert done.status == 126
    assert "no handler is called g" in done.stderr


def test_spec7_bash_conditions_that_cannot_be_tested(one_unit: Unit) -> None:
    one_unit.tool("charms.reactive", "#!/bin/sh\necho broken >&2\nexit 2\n")
    done = one_unit.execute([_handlers(one_unit, "@when a\nf() { :; }\n"), "--test"])
    assert done.status == 126
    assert "conditions could not be tested" in done.stderr


# -- in hooks --------------------------------------------------------------------------------------


def test_spec7_bash_handlers_in_hooks_react_as_those_in_python(unit: Unit) -> None:
    _handlers(
        unit,
        """
@hook install
function installs() { echo installs >>told; set_flag installed; }

@when installed
@when_not configured
configures-it () { echo configures >>told; set_flag configured; }

@when configured
@only_once
function once
{
    echo once >>told
}

@when configured
later() { echo later >>told; }
""",
    )
    unit.write(
        "reactive/app.py",
        "from charms.reactive import *\n@when('configured')\n@when_not('seen')\ndef f(): set_flag('seen')\n",
    )
    assert unit.run("install").status == 0
    told = (unit.directory / "told").read_text().split()
    assert told == ["installs", "configures", "once", "later"]
    assert unit.committed_flags() == ["configured", "installed", "seen"]
    assert [id for id in unit.invoked() if ".sh" in id] == [
        "reactive/script.sh:5:installs",
        "reactive/script.sh:9:configures-it",
        "reactive/script.sh:13:once",
        "reactive/script.sh:19:later",
    ]
    assert unit.run("update-status").status == 0
    assert (unit.directory / "told").read_text().split() == told + ["later"]


def test_spec20_only_once_in_bash_survives_added_lines(one_unit: Unit) -> None:
    body = "@only_once\nf() { echo f >>told; }\n@only_once\ng() { echo g >>told; }\n"
    _handlers(one_unit, body)
    assert one_unit.run().status == 0
    _handlers(one_unit, "# a line\n# and another\n" + body)
    assert one_unit.run().status == 0
    assert (one_unit.directory / "told").read_text() == "f\ng\n"


def test_spec20_only_once_in_bash_old_marks_count(one_unit: Unit) -> None:
    path = _handlers(one_unit, "@only_once\nf() { echo f >>told; }\n")
    # As 1.5.x left it, when the function was on another line.
    one_unit.command("mark_invoked", path + ":40:f")
    assert one_unit.run().status == 0
    assert not (one_unit.directory / "told").exists()


def test_spec20_when_file_changed_in_bash_each_handler_hears_each_change_once(one_unit: Unit) -> None:
    one_unit.write("watched", "1")
    _handlers(
        one_unit,
        "@when_file_changed watched\nf() { echo f >>told; }\n"
        "@when go\n@when_file_changed watched\ng() { echo g >>told; }\n",
    )
    one_unit.write(
        "reactive/app.py",
        "from charms.reactive import *\n@when_file_changed('watched')\n"
        "def h(): open('told', 'a').write('h\\n')\n",
    )
    told = one_unit.directory / "told"
    assert one_unit.run().status == 0
    assert sorted(told.read_text().split()) == ["f", "h"]
    assert one_unit.run().status == 0
    assert sorted(told.read_text().split()) == ["f", "h"]
    one_unit.command("set_flag", "go")
    assert one_unit.run().status == 0
    # The change that it could not be told about while @when kept it away is not lost.
    assert sorted(told.read_text().split()) == ["f", "g", "h"]
    one_unit.write("watched", "2")
    assert one_unit.run().status == 0
    assert sorted(told.read_text().split()) == ["f", "f", "g", "g", "h", "h"]


# -- the file itself ---------------------------------------------------------------------------------


def test_spec7_bash_run_by_hand_prints_help(one_unit: Unit) -> None:
    done = one_unit.execute(["bash", str(BASH_HELPER)], {"CHARM_DIR": ""})
    assert done.status == 0
    assert done.stderr == ""
    for number, (decorators, _) in enumerate(DECORATORS):
        for decorator in decorators.splitlines():
            assert decorator.split()[0] in done.stdout, number
    functions = "set_flag clear_flag all_flags_set any_flags_set relation_call name_relation_get"
    for word in ["reactive_handler_main"] + functions.split(" "):
        assert word in done.stdout, word


def test_spec7_bash_without_a_charm_directory_under_set_u(one_unit: Unit) -> None:
    env = {"CHARM_DIR": None, "JUJU_CHARM_DIR": None, "PYTHONPATH": None}
    done = one_unit.execute(["bash", "-euc", "source charms.reactive.sh; echo fine"], env)
    assert (done.status, done.stdout, done.stderr) == (0, "fine\n", "")


def test_the_helper_is_executable_and_free_of_shellcheck_findings() -> None:
    assert BASH_HELPER.stat().st_mode & 0o111 == 0o111
    shellcheck = shutil.which("shellcheck", path="%s/bin:%s" % (sys.prefix, "/usr/local/bin:/usr/bin:/bin"))
    if shellcheck is None:
        # `make lint` has its own; here the parser of bash has to do.
        subprocess.run(["bash", "-n", str(BASH_HELPER)], check=True)
        return
    done = subprocess.run([shellcheck, str(BASH_HELPER)], stdout=subprocess.PIPE, check=False)
    assert done.stdout.decode() == ""


def test_spec3_a_trigger_from_before_main_fires_for_a_script(unit: Unit) -> None:
    """A hook file may import modules that register some; the script's commands are processes of their own."""
    unit.hook_file(
        "hooks/start",
        "from charms.reactive import main, register_trigger\n"
        "register_trigger(when='by.script', set_flag='by.trigger')\nmain()\n",
    )
    unit.write(
        "reactive/a.sh",
        "#!/bin/bash\nsource charms.reactive.sh\n@when_not by.script\n"
        "work() { charms.reactive set_flag by.script; }\nreactive_handler_main\n",
        executable=True,
    )
    done = unit.run("start")
    assert done.status == 0, done.stderr
    assert unit.command("is_flag_set", "by.trigger").status == 0
