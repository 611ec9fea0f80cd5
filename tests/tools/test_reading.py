"""What is read of a charm: names of flags however they are made, handlers with their places, its files."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

import pytest

from charms_reactive.testing._unit.charm import Charm
from charms_reactive.testing._unit.scenario import Unit
from charms_reactive.tools._charm.knowledge import NoCharmError, Reading
from charms_reactive.tools._charm.names import NameIndex, in_common, nearest, overlap
from charms_reactive.tools._charm.reading import read

from .conftest import Write

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.once

# -- names --------------------------------------------------------------------------------------------
NAMES: Dict[str, Tuple[str, Set[str]]] = {
    "a literal": ('set_flag("a.b")', {"a.b"}),
    "%": ('set_flag("config.set.%s" % option)', {"config.set.*"}),
    "% with several": ('set_flag("%s.%s" % ("a", option))', {"a.*"}),
    "% with names": ('set_flag("%(one)s.x" % {"one": "a"})', {"a.x"}),
    "format": ('set_flag("a.{}.c".format("b"))', {"a.b.c"}),
    "format by number and name": ('set_flag("{0}.{x}".format("a", x=option))', {"a.*"}),
    "an f-string": ('set_flag(f"a.{option}.c")', {"a.*.c"}),
    "a sum": ('set_flag("a." + "b")', {"a.b"}),
    "a constant": ("set_flag(READY)", {"app.ready"}),
    "a constant of a class": ("set_flag(Flags.UP)", {"app.up"}),
    "a constant of a class made of a constant": ("set_flag(Flags.DOWN)", {"app.down"}),
    "one of two": ('set_flag("a" if option else "b")', {"a", "b"}),
    "a loop": ('for name in ["a", "b"]:\n        set_flag(name)', {"a", "b"}),
    "a loop over a constant": ("for name in ALL:\n        set_flag(name)", {"one", "two"}),
    "a loop over pairs": ('for name, _ in [("a", 1), ("b", 2)]:\n        set_flag(name)', {"a", "b"}),
    "a local name": ('name = "a.%s" % 1\n    set_flag(name)', {"a.1"}),
    "a name with two values": ('name = "a"\n    name = "b"\n    set_flag(name)', {"a", "b"}),
    "a function's value": ("set_flag(named(1))", {"made.1"}),
    "a dictionary": ('set_flag(TABLE["x"])', {"table.x"}),
    "a join": ('set_flag(".".join(["a", "b"]))', {"a.b"}),
    "replace": ('set_flag("a-b".replace("-", "_"))', {"a_b"}),
    "by keyword": ('set_flag(flag="a")', {"a"}),
    "a loop over the keys of a dictionary": ("for name in TABLE.keys():\n        set_flag(name)", {"x", "y"}),
    "a loop over what a dictionary is asked for": (
        "for name in TABLE.copy():\n        set_flag(name)",
        {"*"},
    ),
    "in a lambda with the name of a parameter": (
        'run(lambda flag: set_flag(flag), sorted("ab", key=lambda one: one))',
        {"*"},
    ),
    "unknown": ("set_flag(option)", {"*"}),
}

CODE = """\
from charms.reactive import set_flag, when

READY = "app.ready"
PREFIX = "app"
ALL = ["one", "two"]
TABLE = {"x": "table.x", "y": "table.y"}

class Flags:
    UP = "app.up"
    DOWN = PREFIX + ".down"

def named(number):
    return "made.%%d" %% number

@when("config.changed")
def handler(option=None):
    %s
"""


@pytest.mark.parametrize("kind", NAMES)
def test_the_name_of_a_flag(kind: str, charm: Write) -> None:
    code, wanted = NAMES[kind]
    reading = read(charm(CODE % code), load=False)
    assert {use.name for use in reading.uses if use.how == "set"} == wanted


def test_what_callers_give_a_function_is_a_name(charm: Write) -> None:
    root = charm(
        """\
        from charms.reactive import hook
        from helper import mark

        @hook("install")
        def install():
            mark("a.done")

        @hook("start")
        def start():
            mark(flag="b.done")
        """,
        lib__helper_py="""\
        from charms import reactive

        def mark(flag):
            reactive.set_flag(flag)
        """,
    )
    assert {use.name for use in read(root, load=False).uses if use.how == "set"} == {"a.done", "b.done"}


def test_a_constant_of_another_module_is_a_name(charm: Write) -> None:
    root = charm(
        """\
        from charms.reactive import hook, set_flag
        from names import READY
        import names

        @hook("install")
        def install():
            set_flag(READY)
            set_flag(names.OTHER)
            set_flag(names.EITHER)
            for one in names.MANY:
                set_flag(one)
            for other in names.FEW:
                set_flag("few.%s" % other)
        """,
        lib__names_py="""\
        READY = "x.ready"
        OTHER = "x.other"
        EITHER = "x.one"
        EITHER = "x.two"
        MANY = ["m.one"]
        FEW = ["one"]
        FEW = ["two"]
        """,
    )
    assert {use.name for use in read(root, load=False).uses if use.how == "set"} == {
        "x.ready",
        "x.other",
        "x.one",
        "x.two",
        "m.one",
        "few.*",  # which of two lists it is, the syntax does not say
    }


LAYER = """\
from charms.reactive import Endpoint, clear_flag, set_flag, toggle_flag, when


class Requires(Endpoint):
    flag = "{endpoint_name}.attribute"

    def manage_flags(self):
        toggle_flag(self.expand_name("{endpoint_name}.full"), True)
        toggle_flag(self.expand_name("short"), True)
        set_flag("{}.formatted".format(self.endpoint_name))
        set_flag(self.endpoint_name + ".sum")
        set_flag(f"{self.endpoint_name}.f")
        set_flag(self.expand_name(self.flag))

    @when("endpoint.{endpoint_name}.joined")
    def joined(self):
        clear_flag("%s.percent" % self.endpoint_name)
"""


def test_the_flags_of_an_interface_layer_are_those_of_each_endpoint(charm: Write) -> None:
    root = charm(
        metadata_yaml="name: app\nrequires: {db: {interface: sql}, replica: {interface: sql}}\n",
        hooks__relations__sql__requires_py=LAYER,
    )
    reading = read(root, load=False)
    names = {use.name for use in reading.uses if use.how in ("set", "toggle", "clear")}
    kinds = ("full", "formatted", "sum", "f", "attribute", "percent")
    assert names == {
        *("%s.%s" % (endpoint, kind) for endpoint in ("db", "replica") for kind in kinds),
        "endpoint.db.short",
        "endpoint.replica.short",
    }
    assert [handler.endpoint for handler in reading.handlers] == ["db", "replica"]
    assert {handler.flags[0] for handler in reading.handlers} == {
        "endpoint.db.joined",
        "endpoint.replica.joined",
    }


def test_an_interface_layer_is_read_by_itself(tmp_path: Path) -> None:
    (tmp_path / "interface.yaml").write_text("name: sql\n")
    (tmp_path / "requires.py").write_text(LAYER)
    reading = read(tmp_path)
    assert (reading.declared.kind, reading.declared.name) == ("interface", "sql")
    assert reading.handlers[0].flags == ["endpoint.{endpoint_name}.joined"]
    assert "{endpoint_name}.full" in {use.name for use in reading.uses}


def test_bash_is_read(charm: Write) -> None:
    root = charm()
    script = root / "reactive" / "app.sh"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/bash\nsource charms.reactive.sh\nNAME='app.named'\n\n"
        "@when 'a' \"b\"\n@when_not c\nfunction work() {\n"
        "    charms.reactive set_flag 'work.done'\n"
        "    if is_flag_set work.asked; then clear_flag $NAME; fi\n"
        '    charms.reactive set_flag "x.$(hostname)"\n}\n'
        "register_trigger --when t.when --set_flag t.set\nreactive_handler_main\n"
    )
    script.chmod(0o755)
    reading = read(root, load=False)
    (handler,) = reading.handlers
    assert [(one.kind, one.flags) for one in handler.conditions] == [("none", ("c",)), ("all", ("a", "b"))]
    assert {(use.how, use.name) for use in reading.uses if use.how != "condition"} == {
        ("set", "work.done"),
        ("read", "work.asked"),
        ("clear", "app.named"),
        ("set", "x.*"),
        ("trigger", "t.when"),
        ("triggered-set", "t.set"),
    }
    assert [(one.when, one.set_flag) for one in reading.triggers] == [("t.when", "t.set")]


def test_places_are_in_characters(charm: Write) -> None:
    reading = read(
        charm('from charms.reactive import when\n@when("ä.b", "näch.ste")\ndef f(): pass\n'), load=False
    )
    places = reading.handlers[0].conditions[0].places
    assert [(place.line, place.column, place.end) for place in places] == [(2, 7, 12), (2, 14, 24)]


# -- names and patterns ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.*", "a.b", True),
        ("a.*", "b.a", False),
        ("*.ready", "db.ready", True),
        ("*.ready", "db.read", False),
        ("a.*.c", "a.c", False),
        ("a.*.c", "a.b.c", True),
        ("a.*", "a.b.*", True),
        ("a.*", "b.*", False),
        ("*", "anything", True),
    ],
)
def test_patterns_overlap(one: str, other: str, wanted: bool) -> None:
    assert overlap(one, other) is wanted
    assert overlap(other, one) is wanted
    assert (other in NameIndex([one])) is wanted


@pytest.mark.parametrize(
    ("name", "known", "wanted"),
    [
        ("server_name", ["server-name", "server"], "server-name"),
        ("databse", ["database", "cache"], "database"),
        ("x", ["database"], None),
        ("port", [], None),
        ("abcdef", ["abcdeg", "abcdef"], "abcdeg"),
    ],
)
def test_the_nearest_name(name: str, known: List[str], wanted: Optional[str]) -> None:
    assert nearest(name, known) == wanted


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["a.b"], "a.b"),
        (["a.b", "a.b"], "a.b"),
        (["one.ready", "two.ready"], "*.ready"),
        (["a.one.x", "a.two.x"], "a.*.x"),
        (["a", "b"], "*"),
        (["aa", "a"], "a*"),
    ],
)
def test_what_names_have_in_common(names: List[str], wanted: str) -> None:
    assert in_common(names) == wanted
    assert all(overlap(wanted, name) for name in names)


# -- the two readings -------------------------------------------------------------------------------------
def _signature(reading: Reading) -> Set[Tuple[str, str, Tuple[str, ...], Tuple[str, ...], int]]:
    return {
        (
            handler.id,
            str(sorted((one.kind, one.flags) for one in handler.conditions)),
            tuple(name for name, _ in handler.hooks),
            tuple(name for name, _ in handler.actions),
            len(handler.predicates),
        )
        for handler in reading.handlers
        if not handler.shell
    }


@pytest.mark.parametrize("name", ["examples/hello-web"])
def test_the_syntax_says_what_the_framework_registers(name: str) -> None:
    loaded = read(ROOT / name)
    assert loaded.not_loaded == {}
    assert all(handler.exact for handler in loaded.handlers if not handler.shell)
    assert _signature(loaded) == _signature(read(ROOT / name, load=False))
    lines = {handler.place for handler in loaded.handlers}
    assert lines == {handler.place for handler in read(ROOT / name, load=False).handlers}


@pytest.mark.long
def test_handlers_of_a_loop_are_known_when_the_charm_is_loaded(charm: Write) -> None:
    root = charm(
        """\
        from charms.reactive import when

        def made(name):
            @when("%s.ready" % name)
            def handler():
                pass
            return handler

        one, two = [made(name) for name in ("one", "two")]
        """
    )
    reading = read(root)
    assert [handler.flags for handler in reading.handlers] == [["one.ready"], ["two.ready"]]
    assert {handler.place.line for handler in reading.handlers} == {5}
    assert [handler.conditions[0].places[0].line for handler in reading.handlers] == [4, 4]


@pytest.mark.long
def test_handlers_of_changes_are_the_same_in_both_readings(charm: Write) -> None:
    root = charm(
        """\
        from charms.reactive import once_per, unless_hook, when, when_changed, when_cleared, when_set

        @when_set("a.up", "b.up")
        @when_cleared("c.up")
        @when("d.up")
        def told():
            pass

        @when_changed(file="metadata.yaml")
        @unless_hook("update-status")
        @once_per("1")
        def seen():
            pass
        """
    )
    loaded, by_syntax = read(root), read(root, load=False)
    for reading in (loaded, by_syntax):
        told, seen = sorted(reading.handlers, key=lambda one: one.name == "seen")
        assert [(one.kind, set(one.flags)) for one in told.conditions if one.kind == "edge"] == [
            ("edge", {"a.up", "b.up", "c.up"})
        ]
        assert told.waits_for("all") == {"d.up"}
        assert {place.line for one in told.conditions for place in one.places} == {3, 4, 5}
        assert seen.predicates
    assert loaded.handlers[0].exact


@pytest.mark.long
def test_a_file_that_cannot_be_loaded_is_read_by_its_syntax(charm: Write) -> None:
    root = charm(
        'from charms.reactive import when\nfrom nowhere import x\n@when("a.b")\ndef f(): pass\n',
        reactive__other_py='from charms.reactive import when\n@when("c.d")\ndef g(): pass\n',
    )
    reading = read(root)
    assert reading.not_loaded == {"reactive/app.py": "ModuleNotFoundError: No module named 'nowhere'"}
    assert {(handler.name, handler.exact) for handler in reading.handlers} == {("f", False), ("g", True)}


@pytest.mark.long
def test_a_charm_that_never_ends_loading_is_given_up(charm: Write) -> None:
    root = charm('from charms.reactive import when\n@when("a")\ndef f(): pass\nwhile True: pass\n')
    reading = read(root, timeout=2)
    assert reading.not_loaded == {"reactive/app.py": "it had not been loaded after 2 s"}
    assert [handler.name for handler in reading.handlers] == ["f"]


@pytest.mark.long
def test_hook_tools_answer_while_a_charm_is_loaded(charm: Write) -> None:
    root = charm(
        """\
        from charmhelpers.core import hookenv
        from charms.reactive import when

        if hookenv.config("port") == 80:
            @when("port.is.80")
            def f(): pass
        """,
        config_yaml="options: {port: {type: int, default: 80}}\n",
    )
    reading = read(root)
    assert [handler.flags for handler in reading.handlers if handler.exact] == [["port.is.80"]]


def test_the_desk_takes_the_charm_that_is_read_here(charm: Write) -> None:
    """What is waited for here is what a hook records there."""
    root = charm('from charms.reactive import when\n@when("a", "b")\ndef f(): pass\n')
    record = Unit(Charm(root)).run("update-status").record
    assert record is not None
    assert record.handlers[0].conditions == [["all", ["a", "b"]]] or "a" in str(record.handlers[0])
    assert read(root, load=False).handlers[0].id == "reactive/app.py:2:f"


# -- trees ------------------------------------------------------------------------------------------------
def test_a_charm_below_src_is_found(charm: Write, tmp_path: Path) -> None:
    root = charm('from charms.reactive import when\n@when("a")\ndef f(): pass\n')
    project = tmp_path / "project"
    project.mkdir()
    (project / "metadata.yaml").write_text("name: app\n")
    root.rename(project / "src")
    assert read(project, load=False).root == project / "src"


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoCharmError, match="there is no directory"):
        read(tmp_path / "none")
    with pytest.raises(NoCharmError, match="holds no charm, layer or interface layer"):
        read(tmp_path)


def test_layers_that_are_missing_are_known(charm: Write) -> None:
    root = charm(
        'from charms.reactive import when\n@when("a")\ndef f(): pass\n',
        metadata_yaml="name: app\nrequires: {db: {interface: sql}}\n",
        layer_yaml="includes: ['layer:basic', 'layer:odd', 'interface:sql']\n",
    )
    reading = read(root, load=False)
    assert (reading.missing_layers, reading.missing_interfaces) == (["odd"], ["sql"])
    assert not reading.whole
    (root / ".build.manifest").write_text("{}")
    assert read(root, load=False).missing_layers == []


def test_which_files_have_handlers(charm: Write) -> None:
    """A module may be imported by one that is discovered; a script counts only where it is looked for."""
    script = "#!/bin/bash\n. charms.reactive.sh\n@when a.flag\nfunction f() { :; }\nreactive_handler_main\n"
    root = charm(
        lib__more_py="from charms.reactive import when\n@when('a')\ndef in_lib(): pass\n",
        bin__tool=script,
        reactive__told=script.replace("f()", "g()"),
        reactive__app_py="import more\n",
    )
    handlers = read(root, load=False).handlers
    assert sorted((handler.place.file, handler.name) for handler in handlers) == [
        ("lib/more.py", "in_lib"),
        ("reactive/told", "g"),
    ]


@pytest.mark.parametrize("name", ["metadata.yaml", "config.yaml"])
def test_a_declaration_that_is_not_utf_8_is_told(name: str, charm: Write) -> None:
    root = charm("from charms.reactive import when\n@when('a')\ndef f(): pass\n")
    (root / name).write_bytes(b"name: app # \xe9\n")
    errors = read(root, load=False).declared.errors
    assert [(place.file, text.partition(":")[0]) for place, text in errors] == [(name, "cannot be read")]
