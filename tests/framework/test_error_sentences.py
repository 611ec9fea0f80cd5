"""Errors that name the thing and what to do, where a bare exception of Python's would say neither."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from charms_reactive._engine import choice
from charms_reactive._juju import hook_tools
from charms_reactive.errors import EngineMismatchError

from .support import Finished, Unit

pytestmark = pytest.mark.long

IMPORTS = "from charms.reactive import *\nfrom charmhelpers.core import hookenv\n"
ENDPOINT = IMPORTS + "class Requires(Endpoint):\n    pass\n"


def last(done: Finished) -> str:
    return done.stderr.strip().splitlines()[-1]


# -- the charm's own files ------------------------------------------------------------------------
METADATA = {
    "- a\n": "a mapping with the name of the charm is needed here, and not a list",
    "": "a mapping with the name of the charm is needed here, and not nothing",
    "name: [a\n": "it is not YAML: while parsing a flow sequence in",
    "requires: [1]\n": "requires: a mapping of endpoints is needed here, and not a list",
    "provides: db\n": "provides: a mapping of endpoints is needed here, and not text",
    "peers: 3\n": "peers: a mapping of endpoints is needed here, and not a number",
    "requires: {db: 5}\n": "requires: endpoint db: a mapping such as {interface: NAME} is needed",
    "requires:\n  db:\n": "requires: endpoint db: a mapping such as {interface: NAME} is needed",
    "requires: {db: sql}\n": "requires: endpoint db: write its interface as {interface: sql}",
    "requires: {5: {interface: x}}\n": "requires: the name of an endpoint is text, and not a number: write",
}


@pytest.mark.parametrize("text", METADATA)
def test_metadata_that_are_not_what_they_should_be(unit: Unit, text: str) -> None:
    unit.write("metadata.yaml", text)
    done = unit.run()
    assert done.status == 1
    file = unit.directory / "metadata.yaml"
    assert last(done).startswith("charms_reactive.errors.CharmMetadataError: %s: %s" % (file, METADATA[text]))
    assert "Hook error: CharmMetadataError: " in unit.log_text()
    # What needs no metadata goes on.
    assert unit.command("set_flag", "a").status == 0
    assert unit.command("get_states").stdout == "{'a': None}"


@pytest.mark.parametrize(
    "text", ["requires: [1]\n", "requires: {db: sql}\n", "requires: {db: {scope: global}}\n"]
)
def test_metadata_that_a_pattern_of_hooks_asks_for(unit: Unit, text: str) -> None:
    unit.write("metadata.yaml", text)
    done = unit.command("any_hook", "{requires:sql}-relation-joined", env={"JUJU_HOOK_NAME": "start"})
    assert (done.status, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "metadata.yaml: requires: " in done.stderr
    unit.write("reactive/app.py", IMPORTS + "@hook('{requires:sql}-relation-joined')\ndef f(): pass\n")
    assert "CharmMetadataError: " in last(unit.run())


def test_metadata_that_cannot_be_read(unit: Unit) -> None:
    (unit.directory / "metadata.yaml").unlink()
    assert "metadata.yaml: it cannot be read: No such file or directory" in last(unit.run())
    (unit.directory / "metadata.yaml").write_bytes(b"\xff\xfe\x00")
    assert "metadata.yaml: it is not YAML: " in last(unit.run())


def test_an_interface_that_is_a_number_works_as_ever(unit: Unit) -> None:
    unit.write("metadata.yaml", "name: app\nrequires: {db: {interface: 7}}\n")
    assert unit.run().status == 0


@pytest.mark.parametrize(
    "text", ["options: [1]\n", "options: {port: 5}\n", "- 1\n", "options: {port: {default: [\n"]
)
def test_a_configuration_that_is_not_what_it_should_be(unit: Unit, text: str) -> None:
    unit.write("config.yaml", text)
    unit.write("reactive/app.py", IMPORTS + "@when('config.set.port')\ndef f(): pass\n")
    done = unit.run()
    assert done.status == 1
    assert "CharmMetadataError: %s: " % (unit.directory / "config.yaml") in last(done)


# -- names of files -------------------------------------------------------------------------------
CAFE = os.fsdecode(b"caf\xe9")
SCRIPT = "#!/bin/bash\nsource charms.reactive.sh\n@when_not cup\n@only_once\nfunction f() { set_flag cup; }\n"
ODD_FILES = {
    "%s.py": IMPORTS + "@when_not('cup')\n@only_once\ndef f():\n    set_flag('cup')\n",
    "%s.sh": SCRIPT + "reactive_handler_main\n",
    "%s.asked.sh": SCRIPT + "date >/dev/null\nreactive_handler_main\n",
    "%s": "#!/bin/sh\n[ $1 = --test ] && ! charms.reactive is_flag_set cup || charms.reactive set_flag cup\n",
}


@pytest.mark.parametrize("name", ODD_FILES)
def test_a_file_of_handlers_whose_name_is_not_utf_8(unit: Unit, name: str) -> None:
    """It may be called so, and what is remembered of it is remembered."""
    unit.write("reactive/" + name % CAFE, ODD_FILES[name], executable=not name.endswith("py"))
    done = unit.run()
    assert done.status == 0, done.stderr
    assert unit.committed_flags() == ["cup"]
    unit.command("clear_flag", "cup")
    assert unit.run().status == 0
    once = name != "%s"
    assert unit.committed_flags() == ([] if once else ["cup"])
    assert len(unit.rows("reactive.shell.")) == (name == "%s.sh")


def test_a_watched_file_whose_name_is_not_utf_8(unit: Unit) -> None:
    unit.write("reactive/app.py", IMPORTS + "@when_file_changed('%s')\ndef f(): pass\n" % "caf\\udce9.conf")
    unit.write("%s.conf" % CAFE, "1")
    assert unit.run().status == 0
    assert unit.run().status == 0
    assert unit.invoked() == ["reactive/app.py:3:f"]
    assert (
        unit.execute([str(unit.bin / "charms.reactive"), "when_file_changed", "%s.conf" % CAFE]).status == 1
    )


# -- hook tools -----------------------------------------------------------------------------------
TOOLS = {"relation-ids": '["db:1"]', "relation-list": '["m/0"]', "relation-get": '{"k": "v"}'}
ANSWERS = [
    ("relation-ids", '{"db:1": 1}', "a mapping in place of a list of names"),
    ("relation-ids", "[1]", "a list of other things in place of a list of names"),
    ("relation-ids", '"db:1"', "text in place of a list of names"),
    ("relation-ids", "5", "a number in place of a list of names"),
    ("relation-ids", "hunter2", "something that is not JSON"),
    ("relation-list", "[1]", "a list of other things in place of a list of names"),
    ("relation-list", "5", "a number in place of a list of names"),
    ("relation-list", "hunter2", "something that is not JSON"),
    ("relation-get", '["hunter2"]', "a list in place of a mapping"),
    ("relation-get", '"hunter2"', "text in place of a mapping"),
    ("relation-get", "5", "a number in place of a mapping"),
    ("config-get", '["hunter2"]', "a list in place of a mapping"),
    ("config-get", "hunter2", "something that is not JSON"),
]


@pytest.mark.parametrize(("tool", "answer", "told"), ANSWERS)
def test_a_hook_tool_that_answers_something_else(unit: Unit, tool: str, answer: str, told: str) -> None:
    """What it is, and not what it says: there may be a password in it."""
    unit.write("metadata.yaml", "name: app\nrequires: {db: {interface: sql}}\n")
    unit.write("config.yaml", "options: {reactive-log: {type: string}}\n")
    unit.write("hooks/relations/sql/requires.py", ENDPOINT)
    unit.write("reactive/app.py", IMPORTS + "@when('endpoint.db.joined')\ndef f(): pass\n")
    for name, usual in {**TOOLS, tool: answer}.items():
        unit.answer(name, usual)
    done = unit.run()
    assert done.status == 1
    assert last(done) == "charms_reactive.errors.HookToolError: hook tool %s: answered %s" % (tool, told)
    assert "hunter2" not in done.stderr + unit.log_text()


def test_a_config_get_that_answers_something_else_to_automatic_flags(unit: Unit) -> None:
    unit.write("config.yaml", "options: {port: {type: int}}\n")
    unit.write("reactive/app.py", IMPORTS + "@when('config.set.port')\ndef f(): pass\n")
    unit.answer("config-get", "[1]")
    done = unit.run()
    assert done.status == 1
    assert last(done).startswith("charms_reactive.errors.HookToolError: hook tool config-get: answered ")


# -- exceptions of the charm ----------------------------------------------------------------------
UNPRINTABLE = "class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError('no')\n\n\n"
PLACES = {
    "a handler": "@when_not('a')\ndef f():\n    set_flag('a')\n    raise Odd\n",
    "a module": "raise Odd\n",
    "atexit": "def f():\n    raise Odd\nhookenv.atexit(f)\n",
    "atstart": "def f():\n    raise Odd\nhookenv.atstart(f)\n",
    "the cause": (
        "@when_not('a')\ndef f():\n    try:\n        raise Odd\n"
        "    except Odd as odd:\n        raise ValueError('x') from odd\n"
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_exception_that_cannot_be_told(unit: Unit, place: str) -> None:
    unit.write("reactive/app.py", IMPORTS + UNPRINTABLE + PLACES[place])
    done = unit.run()
    assert done.status == 1
    [error] = [message for level, message in unit.logged() if level == "ERROR"]
    assert error.startswith("Hook error")
    assert "rolled back: no flag differs" in error or "rolled back: a is clear again" in error
    assert "reactive/app.py" in error
    if place != "the cause":
        assert "Odd: (its text cannot be told: __str__ raises RuntimeError)" in error


def test_a_function_with_a_parameter_too_many_is_told_what_to_do(unit: Unit) -> None:
    unit.write("reactive/app.py", IMPORTS + "@when_not('a')\ndef f(db):\n    pass\n")
    told = last(unit.run())
    assert (
        "handler reactive/app.py:3:f cannot be called: f() missing 1 required positional argument: 'db'; "
        in told
    )
    assert "take the parameter out, and call endpoint_from_flag() or endpoint_from_name()" in told


def test_a_module_of_an_interface_layer_without_a_class_is_told_what_to_do(unit: Unit) -> None:
    unit.write("metadata.yaml", "name: app\nrequires: {db: {interface: sql}}\n")
    unit.write("hooks/relations/sql/requires.py", "x = 1\n")
    assert unit.run().status == 0
    assert (
        "No RelationFactory found in relations.sql.requires: it is to have one class whose base is Endpoint"
        in (unit.log_text().splitlines())
    )


# -- relation data --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "hunter2",
            "it is text that is not JSON (the other side is to publish JSON, as to_publish does), not int",
        ),
        (
            "'hunter2'",
            "it is text that is not JSON (the other side is to publish JSON, as to_publish does), not int",
        ),
        ('"hunter2"', "it is a string, not int"),
        ("[1]", "it is a list, not int"),
        ("1.5", "it is a number, not int"),
    ],
)
def test_relation_data_that_are_no_json(unit: Unit, text: str, told: str) -> None:
    import json

    unit.write("metadata.yaml", "name: app\nrequires: {db: {interface: sql}}\n")
    unit.write("hooks/relations/sql/requires.py", ENDPOINT)
    unit.write(
        "reactive/app.py",
        IMPORTS + "import dataclasses\n@dataclasses.dataclass\nclass Model:\n    port: int\n\n\n"
        "@when('endpoint.db.joined')\ndef f():\n"
        "    endpoint_from_name('db').all_joined_units[0].received.load(Model)\n",
    )
    for name, usual in {**TOOLS, "relation-get": json.dumps({"port": text})}.items():
        unit.answer(name, usual)
    done = unit.run()
    assert last(done).endswith("RelationDataError: relation db:1, data of m/0, field port: " + told)
    assert "hunter2" not in done.stderr + unit.log_text()


# -- the engine -----------------------------------------------------------------------------------
def test_the_engine_in_a_second_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython's words where it refuses one; to reinstall would not help."""

    def refuse(name: str) -> object:
        raise ImportError("module %s does not support loading in subinterpreters" % name)

    monkeypatch.setattr(choice.importlib, "import_module", refuse)
    monkeypatch.setattr(choice, "NATIVE", True)  # in a pure wheel, too, as if it was none
    with pytest.raises(EngineMismatchError) as caught:
        choice._choose("native")
    assert "does not work in a subinterpreter; set CHARMS_REACTIVE_ENGINE=pure before" in str(caught.value)
    assert "reinstall" not in str(caught.value)


SECOND = """\
import charms_reactive
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
inside = '''
import sys
try:
    import charms_reactive
    print("the", charms_reactive.engine_name(), "engine")
except ImportError as error:
    print(error)
sys.stdout.flush()
'''
getattr(interpreters, "exec", getattr(interpreters, "run_string", None))(interpreters.create(), inside)
"""


def test_what_python_itself_says_of_a_second_interpreter(unit: Unit) -> None:
    done = unit.execute([sys.executable, "-c", SECOND])
    said = ["the %s engine" % unit.engine_name]
    if unit.engine_name == "native" and sys.version_info >= (3, 12):
        assert "does not work in a subinterpreter; set CHARMS_REACTIVE_ENGINE=pure" in done.stdout
    else:
        assert done.stdout.splitlines() == said, done.stderr


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], "a list"),
        (["secret"], "a list"),
        (["secret", 1], "a list of other things"),
        ({"a": 1}, "a mapping"),
        (True, "a boolean"),
        (1, "a number"),
        (None, "nothing"),
    ],
)
def test_what_a_hook_tool_has_answered_in_words(answer: Any, words: str) -> None:
    assert hook_tools._kind(answer) == words
