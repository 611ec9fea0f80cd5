"""The package itself: its two names, what importing it loads, and the names that charms rely on."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import List
from unittest import mock

import pytest

import charms.reactive
import charms_reactive
from charms_reactive.bus import Handler

from .support import PACKAGES, Framework, Unit

MODULES = [
    "",
    ".bus",
    ".cli",
    ".decorators",
    ".discovery",
    ".endpoints",
    ".errors",
    ".external",
    ".flags",
    ".handlers",
    ".helpers",
    ".patterns",
    ".relations",
    ".trace",
    "._dispatch.main",
    "._juju.juju_log",
    "._unit_state.unit_state",
]


def _run(unit: Unit, source: str, *arguments: str) -> str:
    done = unit.execute([sys.executable] + list(arguments) + ["-c", source])
    assert done.status == 0, done.stderr
    return done.stdout


# -- two names, one package ------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_one_module_under_both_names(module: str) -> None:
    one = importlib.import_module("charms_reactive" + module)
    other = importlib.import_module("charms.reactive" + module)
    assert one is other
    assert one.__name__ == "charms_reactive" + module
    assert one.__spec__ is not None
    assert one.__spec__.name == "charms_reactive" + module
    is_package = hasattr(one, "__path__")
    assert one.__package__ == (one.__name__ if is_package else one.__name__.rpartition(".")[0])


def test_in_a_new_process_either_name_may_come_first(one_unit: Unit) -> None:
    source = """
import importlib, subprocess, sys
for module in %r:
    for first, second in (("charms_reactive", "charms.reactive"), ("charms.reactive", "charms_reactive")):
        check = (
            "import importlib, sys\\n"
            "a = importlib.import_module(%%r)\\nb = importlib.import_module(%%r)\\n"
            "assert a is b, (a, b)\\n"
            "import charms.reactive, charms_reactive\\n"
            "assert charms.reactive is charms_reactive\\n"
            "assert sys.modules['charms.reactive'] is charms_reactive\\n"
        ) %% (first + module, second + module)
        subprocess.run([sys.executable, "-c", check], check=True)
""" % (MODULES,)
    _run(one_unit, source)


@pytest.mark.parametrize(
    "statement",
    [
        "import charms.reactive as r",
        "from charms import reactive as r",
        "import charms.reactive; r = charms.reactive",
        "import charms.reactive.bus; r = charms.reactive",
        "from charms.reactive import bus; import charms.reactive as r",
        "import charms.reactive.relations as relations; import charms.reactive as r",
        "from charms.reactive.helpers import data_changed; import charms.reactive as r",
    ],
)
def test_compat_1_import_forms_of_charms(one_unit: Unit, statement: str) -> None:
    names = ["bus", "flags", "helpers", "relations", "endpoints", "decorators", "trace", "patterns"]
    _run(one_unit, statement + "\nfor name in %r: assert getattr(r, name)\nr.bus.Handler.get" % (names,))


@pytest.mark.parametrize("name", ["charms.reactive", "charms_reactive"])
@pytest.mark.parametrize("attribute", ["set_flag", "when", "bus.set_state", "relations.endpoint_from_name"])
def test_compat_3_16_a_patch_of_either_name_patches_both(name: str, attribute: str) -> None:
    other = "charms_reactive" if name == "charms.reactive" else "charms.reactive"
    path, _, leaf = (other + "." + attribute).rpartition(".")
    with mock.patch(name + "." + attribute) as fake:
        assert getattr(importlib.import_module(path), leaf) is fake
    assert getattr(importlib.import_module(path), leaf) is not fake


@pytest.mark.parametrize("module", [".helpers", ".decorators", ".trace", ".cli"])
@pytest.mark.parametrize("name", ["charms.reactive", "charms_reactive"])
def test_compat_3_16_reload(one_unit: Unit, name: str, module: str) -> None:
    _run(
        one_unit,
        "import importlib\nm = importlib.import_module(%r)\nassert importlib.reload(m) is m\n"
        "assert importlib.import_module(%r) is m" % (name + module, "charms_reactive" + module),
    )


def test_compat_3_17_importing_again_after_a_failed_import(one_unit: Unit) -> None:
    source = """
import sys
sys.modules["charmhelpers.core.hookenv"] = None
try:
    import charms.reactive
except ImportError:
    pass
else:
    raise AssertionError
del sys.modules["charmhelpers.core.hookenv"]
import charms.reactive
charms.reactive.set_flag
"""
    _run(one_unit, source)


def test_compat_3_21_other_distributions_live_beside_us(one_unit: Unit) -> None:
    """charms.layer, charms.apt and the like, each from a directory of its own."""
    begin = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    one_unit.write("one/charms/__init__.py", begin)
    one_unit.write("one/charms/layer/__init__.py", "X = 1\n")
    one_unit.write("two/charms/__init__.py", begin)
    one_unit.write("two/charms/apt.py", "import charms.reactive\nX = charms.reactive.set_flag\n")
    for paths in (["one", "two", str(PACKAGES)], [str(PACKAGES), "one", "two"]):
        one_unit.env["PYTHONPATH"] = ":".join(paths)
        _run(
            one_unit,
            "import charms.layer, charms.apt, charms.reactive.flags\nassert charms.layer.X == 1\n"
            "assert charms.apt.X is charms.reactive.flags.set_flag",
        )


def test_compat_3_9_layers_hang_their_guards_on_the_package() -> None:
    assert not hasattr(charms.reactive, "_leadership_registered")
    charms.reactive._leadership_registered = True  # type: ignore[attr-defined]
    try:
        assert charms_reactive._leadership_registered  # type: ignore[attr-defined]
    finally:
        del charms.reactive._leadership_registered  # type: ignore[attr-defined]


# -- what importing loads --------------------------------------------------------------------------------

BLOCKED = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("setuptools", "distutils", "pkg_resources", "_distutils_hack"):
            raise ImportError("blocked: " + name)

for name in list(sys.modules):
    if name.partition(".")[0] in ("setuptools", "distutils", "pkg_resources", "_distutils_hack"):
        del sys.modules[name]
sys.meta_path.insert(0, Block())
"""


def test_spec20_install_imports_without_setuptools_and_distutils(one_unit: Unit) -> None:
    _run(one_unit, BLOCKED + "".join("import charms.reactive%s\n" % module for module in MODULES))


def test_spec20_install_a_hook_without_setuptools(unit: Unit) -> None:
    unit.hook_file("hooks/start", BLOCKED + "from charms.reactive import main\nmain()\n")
    unit.write("reactive/app.py", "from charms.reactive import *\nset_flag('a')\n")
    done = unit.run("start")
    assert done.status == 0, done.stderr
    assert unit.committed_flags() == ["a"]


def test_spec20_install_charmhelpers_host_is_never_imported(unit: Unit) -> None:
    """It refuses every distribution but Ubuntu and CentOS."""
    unit.hook_file(
        "hooks/start",
        "import sys\nfrom charms.reactive import main\nimport charms.reactive.cli\nmain()\n"
        "loaded = [n for n in ('charmhelpers.core.host', 'charmhelpers.osplatform', 'setuptools',"
        " 'pkg_resources', 'distutils') if n in sys.modules]\nassert not loaded, loaded\n",
    )
    unit.write(
        "reactive/app.py",
        "from charms.reactive import *\n@when_file_changed('metadata.yaml')\ndef f(): data_changed('x', 1)\n",
    )
    done = unit.run("start")
    assert done.status == 0, done.stderr


def test_spec20_install_the_real_distutils_is_found_afterwards(one_unit: Unit) -> None:
    """The stand-in for charmhelpers must not be what others get."""
    _run(
        one_unit,
        "import charms.reactive, sys\n"
        "assert 'distutils' not in sys.modules or sys.modules['distutils'].__file__\n"
        "from charmhelpers.core import hookenv\n"
        "assert hookenv.has_juju_version",
    )


def test_importing_runs_no_process_and_opens_no_state(one_unit: Unit) -> None:
    _run(one_unit, "import charms.reactive, charms.reactive.cli")
    assert one_unit.calls() == []
    assert one_unit.logged() == []
    assert not (one_unit.directory / ".unit-state.db").exists()


# -- names -------------------------------------------------------------------------------------------

NAMES = {
    "charms.reactive": (
        "set_flag clear_flag toggle_flag register_trigger is_flag_set all_flags_set any_flags_set get_flags "
        "get_unset_flags set_state remove_state toggle_state is_state all_states get_states any_states "
        "when when_all when_any when_not when_none when_not_all not_unless when_file_changed collect_metrics "
        "meter_status_changed only_once hook action data_changed is_data_changed any_file_changed "
        "endpoint_from_name endpoint_from_flag relation_from_flag relation_from_state Endpoint main "
        "engine_name ReactiveError"
    ),
    "charms.reactive.bus": (
        "Handler ExternalHandler FlagWatch BrokenHandlerException discover dispatch LOG_OPTS _action_id "
        "_short_action_id _append_path _load_module _is_external_handler _register_handlers_from_file "
        "State StateList set_state remove_state get_state get_states"
    ),
    "charms.reactive.flags": "State StateList get_state get_states set_state _get_flag_value",
    "charms.reactive.helpers": (
        "any_hook was_invoked mark_invoked is_state toggle_state all_states any_states _hook "
        "_restricted_hook _when_all _when_any _when_none _when_not_all"
    ),
    "charms.reactive.trace": "NullTracer LogTracer install_tracer tracer",
    "charms.reactive.decorators": "when hook only_once not_unless",
    "charms.reactive.relations": (
        "RelationFactory relation_factory endpoint_from_name endpoint_from_flag relation_from_name "
        "relation_from_flag relation_from_state"
    ),
}


@pytest.mark.parametrize("module", NAMES)
def test_compat_1_names_of_older_versions_are_there(module: str) -> None:
    there = importlib.import_module(module)
    missing = [name for name in NAMES[module].split() if not hasattr(there, name)]
    assert missing == []


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        ("register_trigger", ["when", "when_not", "set_flag", "clear_flag", "callback"]),
        ("set_flag", ["flag", "value"]),
        ("toggle_flag", ["flag", "should_set"]),
        ("data_changed", ["data_id", "data", "hash_type"]),
        ("any_file_changed", ["filenames", "hash_type"]),
        ("main", ["relation_name"]),
    ],
)
def test_compat_1_parameters_keep_their_names_and_order(function: str, parameters: List[str]) -> None:
    assert list(inspect.signature(getattr(charms_reactive, function)).parameters) == parameters


def test_compat_2_the_constructor_of_an_endpoint_keeps_its_names() -> None:
    parameters = list(inspect.signature(charms_reactive.Endpoint.__init__).parameters)
    assert parameters == ["self", "endpoint_name", "relation_ids"]


def test_star_import_gives_no_module_and_no_surprise() -> None:
    namespace: dict = {}  # type: ignore[type-arg]
    exec("from charms.reactive.flags import *", namespace)
    assert not [name for name, thing in namespace.items() if isinstance(thing, ModuleType)]


# What `from charms.reactive import *` gives in 1.5.3, but for modules that it happens to have imported.
STAR = """
    BaseRequest BaseResponse Endpoint Field RelationBase RequesterEndpoint ResponderEndpoint all_flags_set
    all_states any_file_changed any_flags_set any_states bus clear_flag collect_metrics data_changed
    decorators endpoint_from_flag endpoint_from_name endpoints flags get_flags get_states get_unset_flags
    helpers hook is_data_changed is_flag_set is_state main meter_status_changed not_unless only_once patterns
    register_trigger relation_from_flag relation_from_state relations remove_state scopes set_flag set_state
    toggle_flag toggle_state trace when when_all when_any when_file_changed when_none when_not when_not_all
"""


def test_star_import_of_the_package_gives_what_1_5_3_gave_and_what_is_new(one_unit: Unit) -> None:
    program = "names = {}\nexec('from charms.reactive import *', names)\n"
    program += "print(*sorted(set(names) - {'__builtins__'}))"
    new = {"ReactiveError", "action", "engine_name", "once_per", "unless_hook"}
    new |= {"when_changed", "when_cleared", "when_set"}
    assert set(_run(one_unit, program).split()) == set(STAR.split()) | new


LATE = {
    "": "BaseRequest Field RelationBase scopes patterns",
    ".bus": "BrokenHandlerException ExternalHandler FlagWatch",
    ".endpoints": "JSONUnitDataView UnitDataView",
    ".errors": "EventUseError RelationDataError ExternalHandlerError",
    ".relations": "ALL AutoAccessors Conversation RelationBase TOGGLE scopes",
}


@pytest.mark.parametrize("module", LATE)
def test_names_that_are_imported_when_they_are_asked_for_are_like_others(module: str) -> None:
    there = importlib.import_module("charms.reactive" + module)
    for name in LATE[module].split():
        real = getattr(there, name)
        assert name in dir(there)
        with mock.patch("charms.reactive%s.%s" % (module, name)) as fake:
            assert getattr(there, name) is fake
        assert getattr(there, name) is real
    for missing in ("nothing", "__wrapped__"):
        with pytest.raises(
            AttributeError, match="module '%s' has no attribute '%s'" % (there.__name__, missing)
        ):
            getattr(there, missing)


def test_engine_name_follows_the_variable(unit: Unit) -> None:
    out = _run(unit, "import charms.reactive\nprint(charms.reactive.engine_name())")
    assert out == unit.engine_name + "\n"


def test_handlers_can_be_cleared_and_registered_anew(framework: Framework) -> None:
    charms_reactive.when("a")(lambda: framework.told.append("old"))
    framework.dispatch("a")
    Handler.clear()
    assert list(Handler.get_handlers()) == []
    charms_reactive.when("a")(lambda: framework.told.append("new"))
    assert framework.dispatch() == ["new"]


@pytest.mark.parametrize("engine", ["rust", "Native"])
def test_an_unknown_engine_is_an_error_that_says_so(one_unit: Unit, engine: str) -> None:
    one_unit.env["CHARMS_REACTIVE_ENGINE"] = engine
    done = one_unit.execute([sys.executable, "-c", "import charms.reactive"])
    assert done.status != 0
    assert "CHARMS_REACTIVE_ENGINE must be native or pure, not '%s'" % engine in done.stderr


# What charms and their tests reach of 1.5.3 though its documents do not tell of it, by the survey of them.
REACHED = """
    bus.Handler.get bus.Handler.get_handlers bus.Handler.add_predicate bus._action_id bus._append_path
    bus._load_module bus._short_action_id bus.discover bus.dispatch bus.get_state bus.get_states
    bus.remove_state bus.set_state endpoints.CombinedUnitsView endpoints.Endpoint._startup
    flags._get_flag_value
    relations.AutoAccessors relations.RelationBase.auto_accessors relations.RelationBase.conversation
    relations.RelationBase._startup relations.RelationFactory.get_factory relations._find_relation_factory
    relations._relation_module trace.LogTracer trace.NullTracer trace.install_tracer
"""


@pytest.mark.parametrize("name", REACHED.split())
def test_compat_3_a_name_that_charms_reach_is_at_its_old_place(name: str) -> None:
    module, _, rest = name.partition(".")
    found: object = importlib.import_module("charms.reactive." + module)
    for part in rest.split("."):
        found = getattr(found, part)
    with mock.patch("charms.reactive." + name) as fake:
        held: object = importlib.import_module("charms_reactive." + module)
        for part in rest.split("."):
            held = getattr(held, part)
        assert held is fake


def test_compat_3_members_of_endpoints_that_charms_reach(framework: Framework) -> None:
    endpoint = importlib.import_module("charms.reactive").Endpoint("db", [])
    assert endpoint._endpoint_name == "db"
    assert list(endpoint._relations) == []
    with mock.patch.object(endpoint, "_relations", ["one"]):
        assert list(endpoint.relations) == ["one"]


def test_no_module_of_ours_is_private_beside_the_public_ones() -> None:
    """Each stands in the folder of its floor; nothing answers under a name that a module once had."""
    package = Path(importlib.import_module("charms_reactive").__file__ or "").parent
    private = {path.stem for path in package.glob("_*.py")} - {"__init__"}
    assert private == {"_alias", "_old_names", "_version"}
    for gone in ("_state", "_main", "_pure", "_record", "_shell.ShellHandler"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("charms.reactive." + gone)


def test_every_old_name_is_where_it_was_and_leads_to_something() -> None:
    from charms_reactive import _old_names

    tried = 0
    for module, names in _old_names.NAMES.items():
        for name, home in names.items():
            if home.startswith("charmhelpers."):
                continue  # some of it asks which system this is, and does not know each
            assert getattr(importlib.import_module(module), name) is not None, (module, name)
            tried += 1
    # What a patch of it reaches is code that uses it; and there has to be such a name to patch.
    for module, names in _old_names.USED_IN.items():
        for name in names:
            assert hasattr(importlib.import_module(module), name), (module, name)
            tried += 1
    assert tried > 70
