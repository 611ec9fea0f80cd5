"""What a hook imports, module by module: each costs every hook of every charm.

A module of ours that comes to the lists below takes a hook about 0.1 ms, one of the standard library up to
10 ms. So they are listed here, beyond what the interpreter and charmhelpers' hookenv and unitdata have
loaded; whoever adds one has to say so, and why it cannot wait until somebody needs it.
"""

from __future__ import annotations

import sys
from typing import Dict, Set

import pytest

from engines import ENGINES
from state.charm import write_rows

from .support import REPOSITORY, Unit

#: Of ours, what every hook imports, beside its engine.
ALWAYS = """
    charms charms.reactive charms_reactive charms_reactive._alias charms_reactive._version
    charms_reactive._dispatch charms_reactive._dispatch.automatic_flags charms_reactive._dispatch.expected
    charms_reactive._dispatch.main charms_reactive._dispatch.memory charms_reactive._dispatch.notes
    charms_reactive._engine charms_reactive._engine.choice
    charms_reactive._errors
    charms_reactive._events
    charms_reactive._juju charms_reactive._juju.environment charms_reactive._juju.hook_tools
    charms_reactive._juju.juju_log charms_reactive._juju.settings
    charms_reactive._relations
    charms_reactive._unit_state charms_reactive._unit_state.fresh_rows charms_reactive._unit_state.hook_file
    charms_reactive._unit_state.processes charms_reactive._unit_state.rows
    charms_reactive._unit_state.unit_state
    charms_reactive.bus charms_reactive.decorators charms_reactive.discovery charms_reactive.endpoints
    charms_reactive.flags charms_reactive.handlers charms_reactive.helpers
    charms_reactive.relations charms_reactive.trace
    charms_reactive_start charms_reactive_start._frames
"""

REQUESTS = "charms_reactive.patterns charms_reactive.patterns.request_response"
OLD_RELATIONS = "charms_reactive._relations.conversations charms_reactive._relations.relation_base"
RARE = "charms_reactive._errors.rare "
DATA = RARE + "charms_reactive._relations.data_views charms_reactive._juju.relation_data"
BASH = """
    charms_reactive._dispatch.done_once charms_reactive._dispatch.watched_files charms_reactive._errors.rare
    charms_reactive._shell charms_reactive._shell.shell_scripts charms_reactive.external
"""
COMMAND = """
    charms_reactive._commands charms_reactive._commands.light_json charms_reactive._commands.quick
    charms_reactive._unit_state charms_reactive._unit_state.rows
"""
ENGINE = """
    charms_reactive._engine charms_reactive._engine.pure charms_reactive._errors
    charms_reactive._version
"""
EVENTS = """
    charms_reactive._dispatch.callables charms_reactive._errors.rare charms_reactive._events.event_class
    charms_reactive._events.event_delivery charms_reactive._events.event_registry
    charms_reactive._events.event_failures charms_reactive._events.object_events
    charms_reactive._events.record_events charms_reactive._events.system_events charms_reactive.events
"""
RECORDS = (
    EVENTS
    + """
    charms_reactive._records charms_reactive._records.field_kinds charms_reactive._records.record_fields
    charms_reactive._records.record_model charms_reactive._records.savepoints
    charms_reactive._unit_state.texts charms_reactive.records
"""
)
STATUS = RARE + "charms_reactive._juju.status_tools charms_reactive.status"

#: Never, by any of these hooks, whatever charmhelpers may do.
HEAVY = """
    argparse asyncio ctypes distutils email hashlib http importlib.abc importlib.metadata
    importlib.resources logging multiprocessing pathlib pkg_resources pkgutil setuptools socket ssl
    traceback typing unittest urllib uuid xml zipfile
    charmhelpers.core.host charmhelpers.osplatform
"""

_ADVICE = (
    "{what} imports something else than is listed in tests/framework/test_what_a_hook_imports.py.\n"
    "  not listed: {more}\n"
    "  no longer imported: {fewer}\n"
    "A hook did without what is not listed. Import it in the function that needs it, or in a module that "
    "only those charms import which use it. If there is no way around it, list it, and say in the commit "
    "what it costs (python -X importtime). Take off the list what is no longer imported."
)


def modules(text: str) -> Set[str]:
    return set(text.split())


def lists(*texts: str) -> str:
    return " ".join(texts)


#: The start of a process as charmhelpers has it, without the one import that our framework spares it.
CHARMHELPERS = """
import sys, types
sys.modules["distutils"] = types.ModuleType("distutils")
sys.modules["distutils.version"] = version = types.ModuleType("distutils.version")
version.LooseVersion = str
from charmhelpers.core import hookenv, unitdata
for name in ("distutils", "distutils.version"):
    del sys.modules[name]
"""

#: How a process says what it has loaded, without importing anything for it.
SAY = '\nimport os, sys\nwith open(os.environ["TOOLS_SAID"] + "/loaded", "w") as file:\n'
SAY += '    file.write("\\n".join(sys.modules))\n'

HOOK = "from charms.reactive import main\nmain()\n" + SAY


def loaded(unit: Unit) -> Set[str]:
    return set((unit.said / "loaded").read_text().split("\n"))


@pytest.fixture
def before(unit: Unit) -> Set[str]:
    """What is loaded before anything of ours is, on this interpreter with this charmhelpers."""
    done = unit.execute([sys.executable, "-c", CHARMHELPERS + SAY], {"PYTHONPATH": None})
    assert done.status == 0, done.stderr
    return loaded(unit)


def check(unit: Unit, what: str, before: Set[str], ours: str, library: str = "") -> None:
    """Compare what a process has loaded with what it is to load.

    Of the standard library modules that are part of the interpreter do not count, for they cost nothing,
    nor do those with an underscore, which come and go with the version of Python and with others.
    """
    ours += " " + ENGINES[unit.engine_name]
    compare(what, loaded(unit), before, ours, library)
    never = modules(HEAVY) & loaded(unit) - modules(library)
    assert not never, "%s: a hook has no use for %s" % (what, ", ".join(sorted(never)))


#: Small ones that ours need, and that some interpreters and environments have loaded by themselves.
_OF_SOME = ("fcntl", "importlib", "importlib.machinery")


def compare(what: str, found: Set[str], before: Set[str], ours: str, library: str = "") -> None:
    counted = {
        name
        for name in found - before
        if name.partition(".")[0] not in ("reactive", "relations")  # of the charm
        and not name.startswith("charms.reactive.")  # another name of what is there
        and name not in sys.builtin_module_names
        and name not in _OF_SOME
        and (name.startswith("charms") or not any(part.startswith("_") for part in name.split(".")))
    }
    # What is loaded where a hook begins is so by a .pth, in an environment that has the wheel.
    wanted = (modules(ours) | modules(library)) - before - set(_OF_SOME)
    more, fewer = sorted(counted - wanted), sorted(wanted - counted)
    assert (more, fewer) == ([], []), _ADVICE.format(
        what=what, more=" ".join(more) or "none", fewer=" ".join(fewer) or "none"
    )


def run(unit: Unit, hook: str = "update-status", **env: str) -> None:
    if not (unit.directory / "hooks" / hook).exists():
        unit.hook_file("hooks/" + hook, HOOK)
    done = unit.run(hook, env=env)
    assert done.status == 0, done.stderr + unit.log_text()


# -- hooks -----------------------------------------------------------------------------------------------
def test_a_plain_hook(unit: Unit, before: Set[str]) -> None:
    unit.write(
        "reactive/app.py",
        """
        from charms.reactive import clear_flag, hook, is_flag_set, register_trigger, set_flag, when, when_not
        from charms.reactive.flags import get_flags

        register_trigger(when="a", set_flag="b")

        @hook("update-status")
        def every():
            set_flag("a")

        @when("b")
        @when_not("c")
        def once():
            set_flag("c")
            clear_flag("b")
            assert "a" in get_flags()
        """,
    )
    for _ in range(2):  # the unit state is new, and then it is not
        run(unit)
        check(unit, "a plain hook", before, ALWAYS)


def test_a_hook_of_a_charm_without_handlers(unit: Unit, before: Set[str]) -> None:
    run(unit)
    check(unit, "a charm without handlers", before, ALWAYS)


def test_an_import_of_everything_by_its_star(unit: Unit, before: Set[str]) -> None:
    unit.write("reactive/app.py", "from charms.reactive import *\n")
    run(unit)
    check(unit, "a star", before, lists(ALWAYS, REQUESTS, OLD_RELATIONS))


PROVIDES = """
    from charms.reactive import Endpoint, clear_flag, when

    class Provides(Endpoint):
        @when("endpoint.{endpoint_name}.changed")
        def changed(self):
            clear_flag(self.expand_name("changed"))
"""


@pytest.fixture
def related(unit: Unit) -> Unit:
    """A unit with one relation, to one unit."""
    unit.write("metadata.yaml", "name: app\nprovides:\n  db: {interface: mysql}\n")
    unit.answer("relation-ids", '["db:0"]')
    unit.answer("relation-list", '["mysql/0"]')
    unit.answer("relation-get", '{"host": "10.0.0.7"}')
    unit.answer("relation-set", "")
    return unit


REMOTE = {"JUJU_RELATION": "db", "JUJU_RELATION_ID": "db:0", "JUJU_REMOTE_UNIT": "mysql/0"}


def test_a_charm_with_an_endpoint(related: Unit, before: Set[str]) -> None:
    related.write("hooks/relations/mysql/provides.py", PROVIDES)
    seen = RARE + "charms_reactive._juju.relation_data charms_reactive._relations.seen_data"
    run(related, "db-relation-changed", **REMOTE)
    check(related, "a hook that looks for changed data", before, ALWAYS + seen)
    run(related)
    check(related, "a hook that looks at no data", before, ALWAYS)


def test_a_charm_that_reads_and_publishes_relation_data(related: Unit, before: Set[str]) -> None:
    related.write("hooks/relations/mysql/provides.py", PROVIDES)
    related.write(
        "reactive/app.py",
        """
        from charms.reactive import endpoint_from_flag, when

        @when("endpoint.db.joined")
        def joined():
            relation = endpoint_from_flag("endpoint.db.joined").relations[0]
            relation.to_publish["host"] = relation.joined_units[0].received["host"]
        """,
    )
    run(related, "db-relation-joined", **REMOTE)
    run(related)
    check(related, "a hook that reads relation data", before, lists(ALWAYS, DATA))


def test_a_charm_with_a_relation_of_the_old_kind(related: Unit, before: Set[str]) -> None:
    related.write(
        "hooks/relations/mysql/provides.py",
        """
        from charms.reactive import RelationBase, hook, scopes

        class Provides(RelationBase):
            scope = scopes.UNIT

            @hook("{provides:mysql}-relation-joined")
            def joined(self):
                self.conversation().set_state("{relation_name}.there")
        """,
    )
    for hook, env in (("db-relation-joined", REMOTE), ("update-status", {})):
        run(related, hook, **env)
        check(related, hook, before, lists(ALWAYS, OLD_RELATIONS))


def test_a_charm_with_requests(related: Unit, before: Set[str]) -> None:
    related.write(
        "hooks/relations/mysql/provides.py",
        """
        from charms.reactive import BaseRequest, BaseResponse, RequesterEndpoint

        class Request(BaseRequest):
            RESPONSE_CLASS = BaseResponse

        class Provides(RequesterEndpoint):
            REQUEST_CLASS = Request
        """,
    )
    run(related, "db-relation-joined", **REMOTE)
    run(related)
    check(related, "requests", before, lists(ALWAYS, REQUESTS, DATA))


SCRIPT = """\
#!/bin/bash
source charms.reactive.sh

@when_not 'never'
function configure() {
    true
}

reactive_handler_main
"""


def test_a_charm_with_handlers_in_bash(unit: Unit, before: Set[str]) -> None:
    unit.write("reactive/app.sh", SCRIPT, executable=True)
    run(unit)
    assert unit.invoked() == ["reactive/app.sh:5:configure"]
    check(
        unit, "a script that is new", before, lists(ALWAYS, BASH, "charms_reactive._shell.declaring"), "fcntl"
    )
    run(unit)
    check(unit, "a script that is known", before, lists(ALWAYS, BASH))


def test_a_charm_with_handlers_in_another_language(unit: Unit, before: Set[str]) -> None:
    unit.write("reactive/app", '#!/bin/sh\n[ "$1" = --test ] && exit 1\n', executable=True)
    run(unit)
    check(unit, "an executable", before, lists(ALWAYS, BASH, "charms_reactive._shell.declaring"))


@pytest.mark.parametrize(
    ("code", "ours", "library"),
    [
        (
            "@when_file_changed('metadata.yaml')\ndef f(): pass\n",
            "charms_reactive._dispatch.watched_files",
            "hashlib",
        ),
        ("@only_once\ndef f(): pass\n", "charms_reactive._dispatch.done_once", ""),
        ("@hook('update-status')\ndef f(): data_changed('x', 1)\n", "", "hashlib"),
    ],
    ids=["when_file_changed", "only_once", "data_changed"],
)
def test_a_charm_that_looks_for_changes(
    unit: Unit, before: Set[str], code: str, ours: str, library: str
) -> None:
    names = "data_changed, hook, only_once, when_file_changed"
    unit.write("reactive/app.py", "from charms.reactive import %s\n%s" % (names, code))
    run(unit)
    check(unit, code, before, lists(ALWAYS, ours), library)


FEATURES: Dict[str, str] = {
    "events": """
        from charms.reactive import hook
        from charms.reactive.events import Event, emit_event, handle_event

        class Rendered(Event):
            path: str

        @handle_event(Rendered)
        def rendered(event):
            assert event.path == "a"

        @hook("update-status")
        def render():
            emit_event(Rendered, path="a")
        """,
    "records": """
        from charms.reactive import hook
        from charms.reactive.records import Record

        class Setting(Record, key="key"):
            key: str
            value: str = ""

        @hook("update-status")
        def keep():
            Setting.create(key="a", value="b").delete()
        """,
    "status": """
        from charms.reactive import hook, status

        @hook("update-status")
        def tell():
            status.add(status.ActiveStatus("ready"))
        """,
}
OURS = {"events": EVENTS, "records": RECORDS, "status": STATUS}
LIBRARY = {"events": "", "records": "", "status": "contextvars"}


@pytest.mark.parametrize("feature", sorted(FEATURES))
def test_a_charm_that_uses_what_is_new(unit: Unit, before: Set[str], feature: str) -> None:
    unit.write("reactive/app.py", FEATURES[feature])
    run(unit)
    check(unit, feature, before, lists(ALWAYS, OURS[feature]), LIBRARY[feature])


# -- commands --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "ours", "library"),
    [
        ("is_flag_set a", COMMAND, "_sqlite3"),
        ("set_flag c", COMMAND, "_sqlite3"),
        ("clear_flag a", lists(COMMAND, ENGINE), "_sqlite3, collections"),
    ],
    ids=["question", "change", "change with a trigger"],
)
def test_a_command_in_python(one_unit: Unit, words: str, ours: str, library: str) -> None:
    """The script that bash handlers run; it does without the framework and charmhelpers."""
    one_unit.write("reactive/app.py", "from charms.reactive import *\nset_flag('a')\n")
    run(one_unit)
    if words == "clear_flag a":
        write_rows(one_unit.directory, {"reactive.flag_clear_triggers.a": '{"set_flag": ["b"]}'})
    script = REPOSITORY / "wheel-data" / "scripts" / "charms.reactive-python"

    def imported(*command: str) -> Set[str]:
        done = one_unit.execute([sys.executable, "-X", "importtime", *command])
        assert done.status == 0, done.stderr
        return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}

    found, before = imported(str(script), *words.split()), imported("-c", "import " + library)
    assert "_sqlite3" in found
    compare("charms.reactive " + words, found, before, ours)
