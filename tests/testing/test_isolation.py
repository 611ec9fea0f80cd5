"""A new interpreter inside this one: what a hook finds is what a process finds, and nothing stays."""

from __future__ import annotations

import atexit
import gc
import json
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List

import pytest
from charmhelpers.core import hookenv, unitdata
from inprocess import Probe

import charms_reactive
from charms_reactive import flags, handlers
from charms_reactive._unit_state import unit_state
from charms_reactive.testing._running import framework_state
from charms_reactive.testing._running.framework_state import fresh_framework
from charms_reactive.testing._running.isolation import fresh_interpreter


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    return Probe(tmp_path / "charm")


@pytest.fixture
def of_test() -> Iterator[Any]:
    """A handler that this test module has registered, as charms' unit tests do at their top."""
    with fresh_framework():

        @charms_reactive.when("of.test")
        def handler() -> None:
            """Never invoked."""

        yield handler


# -- the table and a real new process -----------------------------------------------------------------
INVENTORY = """
import json, sys
import charms.reactive
from charms_reactive.testing._running import framework_state
from charmhelpers.core import hookenv

def names(entries):
    return [[f.__module__, f.__qualname__] for f, _, _ in entries]

state = {}
for module, name, new in framework_state.FRESH:
    found = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    state[module + ":" + name] = repr(found) == repr(new()) or type(found) is type(new())
print(json.dumps([names(hookenv._atstart), names(hookenv._atexit), state]))
"""


def in_process(program: str, **environment: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_the_tables_say_what_importing_the_package_does() -> None:
    at_start, at_exit, state = in_process(INVENTORY)
    assert [tuple(entry) for entry in at_start] == list(framework_state.AT_START)
    assert [tuple(entry) for entry in at_exit] == list(framework_state.AT_EXIT)
    assert len(state) == len(framework_state.FRESH)
    assert all(state.values()), [name for name, new in state.items() if not new]


# What a hook changes at the top of the framework's and charmhelpers' modules and classes, by name.
CHANGES = """
import json, os, sys
import charms.reactive, charms.reactive.patterns.request_response
from charms_reactive.testing._running import framework_state

def inventory():
    found = {}
    for name, module in list(sys.modules.items()):
        if not name.startswith(("charms_reactive", "charmhelpers")) or ".testing" in name:
            continue
        for key, value in list(vars(module).items()):
            if key.startswith("__"):
                continue
            if type(value) in (dict, list, set, bool, int, str, tuple, type(None)):
                found[name + ":" + key] = repr(value)
            elif isinstance(value, type) and value.__module__ == name:
                for part, inner in list(vars(value).items()):
                    if type(inner) in (dict, list, set):
                        found[name + ":" + key + "." + part] = repr(inner)
            elif type(value).__module__.startswith("charms_reactive"):
                found[name + ":" + key] = repr(id(value))
    return found

before = inventory()
try:
    charms.reactive.main()
except ZeroDivisionError:
    pass
after = inventory()
print(json.dumps(sorted(key for key in after if key in before and after[key] != before[key])))
"""

BUSY = """
    from charms_reactive.trace import LogTracer, install_tracer
    install_tracer(LogTracer())
    register_trigger(when="a", callback=lambda: None)

    @when("a")
    @when_file_changed("metadata.yaml")
    def on_a():
        pass

    @hook("probe")
    def probe():
        set_flag("a")
        hookenv.config("port")
        1 / 0
"""


def test_everything_that_a_hook_changes_is_in_the_table(probe: Probe) -> None:
    """Also for modules to come: whoever adds state at the top of one has to say so in the table."""
    assert "ZeroDivisionError" in probe.handlers(BUSY).stderr
    tools = probe.write("tools/config-get", "#!/bin/sh\necho '{\"port\": 80}'\n", executable=True).parent
    for tool in ("juju-log", "is-leader", "relation-ids"):
        probe.write("tools/" + tool, "#!/bin/sh\necho '[]'\n", executable=True)
    environment = {**probe.environment, "JUJU_HOOK_NAME": "probe"}
    environment["PATH"] = "%s%s%s" % (tools, os.pathsep, environment["PATH"])
    changed = in_process(CHANGES, **environment)
    assert "charms_reactive.handlers:Handler._HANDLERS" in changed
    assert "charms_reactive.flags:_callbacks" in changed
    known = {"%s:%s" % (module, name) for module, name, _ in framework_state.FRESH}
    assert not set(changed) - known


# -- the framework -----------------------------------------------------------------------------------
def test_handlers_of_the_test_survive_and_those_of_the_charm_do_not(probe: Probe, of_test: Any) -> None:
    known = dict(handlers.Handler._HANDLERS)
    ran = probe.handlers("""
        @when_not("done")
        def handler():
            set_flag("done")
    """)
    assert ran.exit_status == 0, ran.stderr
    assert "reactive/probe.py:4:handler" in probe.logged
    assert dict(handlers.Handler._HANDLERS) == known
    assert [handler._action for handler in known.values()] == [of_test]


def test_a_hook_sees_no_handler_flag_or_trigger_of_the_test(probe: Probe) -> None:
    with fresh_framework():
        unitdata._KV = unitdata.Storage(":memory:")
        called: List[str] = []
        charms_reactive.register_trigger(when="a", callback=lambda: called.append("test"))
        charms_reactive.set_flag("of.test")

        @charms_reactive.when_not("never")
        def handler() -> None:
            called.append("handler")

        ran = probe.handlers("""
            @when_none("of.test")
            def free():
                set_flag("a")
                print(get_flags())
        """)
        assert ran.stdout == "['a']\n"
        assert called == []
        assert charms_reactive.get_flags() == ["of.test"]
        charms_reactive.set_flag("a")
        assert called == ["test"]


def test_the_unit_state_of_the_test_stays_open_and_that_of_the_hook_is_closed(probe: Probe) -> None:
    with fresh_framework():
        unitdata._KV = mine = unitdata.Storage(":memory:")
        mine.set("key", "mine")
        probe.handlers("unitdata.kv().set('key', 'hook')")
        assert unitdata.kv() is mine
        assert mine.get("key") == "mine"


def test_what_a_hook_does_not_commit_is_gone(probe: Probe) -> None:
    probe.python("from charmhelpers.core import unitdata\nunitdata.kv().set('key', 1)")
    ran = probe.python("from charmhelpers.core import unitdata\nprint(unitdata.kv().get('key'))")
    assert ran.stdout == "None\n"


def test_caches_of_charmhelpers_are_new_for_each_hook(probe: Probe) -> None:
    hookenv.cache["of"] = "test"
    try:
        first = probe.python(
            "from charmhelpers.core import hookenv\nprint(hookenv.cache, hookenv.config('port'))"
        )
        probe.side.juju["config"]["port"] = 81
        second = probe.python("from charmhelpers.core import hookenv\nprint(hookenv.config('port'))")
        assert (first.stdout, second.stdout) == ("{} 80\n", "81\n")
        assert hookenv.cache == {"of": "test"}
    finally:
        hookenv.cache.clear()
    assert hookenv._cache_config is None


def test_callbacks_come_in_the_order_of_the_imports(probe: Probe) -> None:
    """Those of the framework are registered when it is imported, not before."""
    ran = probe.python("""
        from charmhelpers.core import hookenv
        hookenv.atstart(print)
        import charms.reactive
        hookenv.atstart(repr)
        print([entry[0].__name__ for entry in hookenv._atstart])
    """)
    names = [name.rpartition(".")[2] for _, name in framework_state.AT_START]
    assert ran.stdout == "%s\n" % ["print", *names, "repr"]


def test_what_a_charm_hangs_on_the_framework_is_gone(probe: Probe) -> None:
    text = """
        from charms import reactive
        from charms.reactive import flags, bus
        from charmhelpers.core import hookenv
        print(hasattr(reactive, "_leadership_registered"), flags.set_flag("x"))
        reactive._leadership_registered = True
        flags.set_flag = bus.dispatch = hookenv.log = lambda *args, **kwargs: "patched"
        bus.Handler.invoke = lambda self: None
        hookenv.Config.save = None
        flags.State.extra = 1
    """
    assert probe.python(text).stdout == "False None\n"
    assert probe.python(text).stdout == "False None\n"
    assert not hasattr(charms_reactive, "_leadership_registered")
    assert not hasattr(flags.State, "extra")
    assert hookenv.log.__module__ == hookenv.__name__
    assert hookenv.Config.save is not None
    assert handlers.Handler.invoke.__module__ == "charms_reactive.handlers"


@pytest.mark.parametrize("name", ["native", "pure"])
def test_the_engine_is_chosen_for_each_hook(probe: Probe, name: str, pytestconfig: pytest.Config) -> None:
    if name == "native" and pytestconfig.getoption("--pure-only"):
        name = "pure"
    before = charms_reactive.engine_name()
    program = "from charms.reactive import engine_name\nprint(engine_name())"
    assert probe.python(program, environment={"CHARMS_REACTIVE_ENGINE": name}).stdout == name + "\n"
    assert probe.python(program, engine=name).stdout == name + "\n"
    assert charms_reactive.engine_name() == before


def test_an_engine_that_is_not_there_is_the_hook_s_error(probe: Probe) -> None:
    ran = probe.python("import charms.reactive", environment={"CHARMS_REACTIVE_ENGINE": "steam"})
    assert ran.exit_status == 1
    assert "must be native or pure, not 'steam'" in ran.stderr


class _Bent:
    """Equal to everything, as ``unittest.mock.ANY``."""

    kept = 1

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


def _rename(module: Any) -> None:
    module.new = module.__dict__.pop("number")


def _add(module: Any) -> None:
    module.new, module.kind.new = 1, 2
    module.listed.append(3)


def _remove(module: Any) -> None:
    del module.number, module.kind.method


def _replace(module: Any) -> None:
    module.number, module.listed, module.kind.method = _Bent(), [], _Bent()


def _equal(module: Any) -> None:
    module.flag, module.words, module.kind.one = 1, tuple("a"), 1.0


def _move(module: Any) -> None:
    module.number = module.__dict__.pop("number")
    module.flag = None


@pytest.mark.parametrize("change", [_rename, _add, _remove, _replace, _equal, _move])
@pytest.mark.parametrize("shallow", [False, True])
def test_a_module_is_put_back_whatever_was_done_to_its_names(
    change: Callable[[Any], None], shallow: bool
) -> None:
    module: Any = ModuleType("of_test")
    exec(
        "number, flag, words, listed = 5000, True, ('a',), [1]\n"
        "class kind:\n    one = True\n    def method(self): pass\n",
        module.__dict__,
    )
    module.kind.__module__ = "of_test"
    beside = ModuleType("beside")
    names, of_kind, listed = dict(vars(module)), dict(vars(module.kind)), module.listed
    memory = framework_state.Memory(
        [beside, *([] if shallow else [module])],
        [module] if shallow else [],
        [module.kind] if shallow else [],
    )
    change(module)
    beside.__dict__["also"] = 1
    memory.restore()
    assert {name: id(value) for name, value in vars(module).items()} == {n: id(v) for n, v in names.items()}
    assert {n: id(v) for n, v in vars(module.kind).items()} == {n: id(v) for n, v in of_kind.items()}
    assert module.listed is listed
    assert listed == ([1, 3] if shallow and change is _add else [1])
    assert not hasattr(beside, "also")


def test_a_thread_that_binds_names_meanwhile_mixes_nothing_up() -> None:
    """The thread has its turns wherever one can be: after each call that Python makes."""
    modules = [ModuleType("m%d" % number) for number in range(20)]
    for module in modules:
        module.__dict__.update({"a%d" % number: object() for number in range(20)})
    names = [dict(vars(module)) for module in modules]
    first, turns = modules[0].__dict__, iter(range(100000))

    def meanwhile(*_: object) -> None:
        if next(turns) % 3:
            first["of the thread"] = 1
        else:
            first.pop("of the thread", None)

    sys.setprofile(meanwhile)
    try:
        memory = framework_state.Memory(modules)
        modules[7].__dict__["a3"] = None
        memory.restore()
    finally:
        sys.setprofile(None)
    first.pop("of the thread", None)
    assert [list(vars(module).items()) for module in modules] == [list(one.items()) for one in names]


def test_the_built_in_functions_are_never_gone(probe: Probe) -> None:
    """Every module has their dictionary; a signal handler, or another thread, may want one at any moment."""
    built_in = vars(sys.modules["builtins"])
    shortest = [len(built_in)]

    def look(*_: object) -> None:
        shortest[0] = min(shortest[0], len(built_in))

    sys.setprofile(look)  # hears of each call in C, and so between any two of them
    try:
        assert probe.handlers("print(len(get_flags()))").stdout == "0\n"
    finally:
        sys.setprofile(None)
    assert shortest[0] >= len(built_in)


# -- modules -----------------------------------------------------------------------------------------
def test_modules_of_the_charm_are_new_for_each_hook_and_go(probe: Probe) -> None:
    probe.write("lib/charms/layer/__init__.py", "")
    probe.write("lib/charms/layer/mine.py", "seen = []\n")
    probe.write("lib/helper.py", "seen = []\n")
    text = """
        import sys
        sys.path.append("lib")
        import helper, charms.layer.mine
        helper.seen.append(1), charms.layer.mine.seen.append(1)
        print(helper.seen, charms.layer.mine.seen)
    """
    path = list(sys.path)
    modules = dict(sys.modules)
    assert probe.python(text).stdout == "[1] [1]\n"
    assert probe.python(text).stdout == "[1] [1]\n"
    assert sys.path == path
    assert {name: module for name, module in sys.modules.items() if name in modules} == modules
    assert not [name for name in sys.modules if name.startswith(("helper", "charms.layer"))]


def test_the_test_s_own_modules_of_the_same_names_are_put_aside(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine: Dict[str, ModuleType] = {}
    for name in ("reactive", "relations", "lib", "helper", "charms.layer", "charms.reactive"):
        mine[name] = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, mine[name])
    probe.write("lib/helper.py", "name = 'the charm'\n")
    probe.write("reactive/__init__.py", "")
    ran = probe.handlers("""
        import sys
        sys.path.append("lib")
        import helper
        print(helper.name, __name__, sys.modules["reactive"].__file__)
    """)
    assert ran.stdout == "the charm reactive.probe %s\n" % (probe.directory / "reactive/__init__.py")
    assert {name: sys.modules[name] for name in mine} == mine


def test_a_mock_of_the_framework_in_sys_modules_is_there_again(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As charms.unit_test and many charms' conftest files put it there."""
    from unittest import mock

    mocked = mock.MagicMock()
    for name in ("charms_reactive", "charms.reactive", "charms.reactive.flags"):
        monkeypatch.setitem(sys.modules, name, mocked)
    ran = probe.handlers("set_flag('real')\nprint(get_flags())")
    assert ran.stdout == "['real']\n"
    assert sys.modules["charms.reactive"] is mocked
    assert not mocked.mock_calls


def test_pythonpath_counts_and_the_test_s_path_does_not(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe.write("elsewhere/there.py", "")
    monkeypatch.syspath_prepend(str(probe.directory / "elsewhere"))
    text = """
        try:
            import there
            print("found")
        except ImportError:
            print("not found")
    """
    assert probe.python(text).stdout == "not found\n"
    added = {"PYTHONPATH": str(probe.directory / "elsewhere")}
    assert probe.python(text, environment=added).stdout == "found\n"
    assert "there" not in sys.modules


def test_a_file_that_changed_is_compiled_anew_and_no_pycache_is_written(probe: Probe) -> None:
    for value in ("1", "22", "333"):
        probe.write("hooks/value.py", "value = %s\n" % value)
        assert probe.python("import value\nprint(value.value)").stdout == value + "\n"
    assert not list(probe.directory.rglob("__pycache__"))


def test_units_of_one_charm_share_compiled_code_and_have_their_own_file_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        probe = Probe(tmp_path / name)
        ran = probe.handlers("@when_not('a')\ndef f():\n    print(f.__code__.co_filename)\n")
        assert ran.stdout == "%s\n" % (probe.directory / "reactive/probe.py")


def test_modules_of_charmhelpers_are_new_for_each_hook(probe: Probe) -> None:
    sys.modules.pop("charmhelpers.core.strutils", None)
    text = """
        from charmhelpers.core import strutils
        print(hasattr(strutils, "mine"), "mine" in strutils.TRUTHY_STRINGS)
        strutils.mine = 1
        strutils.TRUTHY_STRINGS.add("mine")
    """
    assert [probe.python(text).stdout for _ in range(3)] == ["False False\n"] * 3


def test_each_hook_has_the_light_start(probe: Probe) -> None:
    """Its finder is put in place by an import, of which a hook must not find that another one has done it."""
    before = [name for name in sys.modules if name.startswith("charms_reactive_start")]
    program = """
        import sys
        import charms
        print([type(it).__module__ for it in sys.meta_path].count("charms_reactive_start"))
    """
    for _ in range(3):
        assert probe.python(program, environment={"JUJU_CONTEXT_ID": "of-test"}).stdout == "1\n"
    assert [name for name in sys.modules if name.startswith("charms_reactive_start")] == before


def test_a_library_s_submodule_that_a_hook_was_the_first_to_import_is_there_in_the_next(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package, name in ((logging, "handlers"), (json, "tool")):
        monkeypatch.delitem(sys.modules, "%s.%s" % (package.__name__, name), raising=False)
        monkeypatch.delattr(package, name, raising=False)
    text = """
        import json.tool, logging.handlers
        print(logging.handlers.SysLogHandler.__name__, json.tool.main.__name__)
    """
    assert [probe.python(text).stdout for _ in range(3)] == ["SysLogHandler main\n"] * 3


# -- the interpreter ---------------------------------------------------------------------------------
def _filters() -> Any:
    return list(warnings.filters)


def _logger() -> Any:
    root = logging.getLogger()
    return list(root.handlers), root.level, logging.getLogger("charm").handlers, logging.root.manager.disable


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


LOOKS: Dict[str, Callable[[], Any]] = {
    "argv": lambda: sys.argv,
    "cwd": os.getcwd,
    "environment": lambda: dict(os.environ),
    "excepthook": lambda: sys.excepthook,
    "gc": gc.isenabled,
    "importer cache": lambda: set(sys.path_importer_cache),
    "locale": lambda: locale.setlocale(locale.LC_ALL),
    "logging": _logger,
    "meta_path": lambda: list(sys.meta_path),
    "modules of os": lambda: (os.path.exists, os.environ, os._exit, os.write),
    "path": lambda: list(sys.path),
    "path_hooks": lambda: list(sys.path_hooks),
    "random": random.getstate,
    "recursion": sys.getrecursionlimit,
    "signal mask": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()),
    "signals": lambda: [
        signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGUSR1)
    ],
    "streams": lambda: (sys.stdin, sys.stdout, sys.stderr, sys.__stdout__),
    "switching": sys.getswitchinterval,
    "subprocess": lambda: dict(vars(subprocess.Popen)) and (subprocess.call, subprocess.Popen.__init__),
    "time": lambda: (time.sleep, time.localtime(0)),
    "umask": _umask,
    "warnings": _filters,
}

UPSET = """
    import builtins, gc, locale, logging, os, random, signal, subprocess, sys, time, warnings
    sys.argv.append("more")
    os.chdir("/")
    os.environ["MORE"] = "1"
    del os.environ["JUJU_UNIT_NAME"]
    sys.excepthook = print
    gc.disable()
    for name in ("C.UTF-8", "C", "POSIX"):
        locale.setlocale(locale.LC_ALL, name)
    logging.basicConfig(level=1, filename="log")
    logging.getLogger("charm").addHandler(logging.StreamHandler())
    logging.disable(logging.CRITICAL)
    sys.meta_path.insert(0, object)
    os.path.exists = os.environ = None
    sys.path.insert(0, "/nowhere")
    sys.path_hooks.insert(0, print)
    random.seed(1)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    sys.setswitchinterval(1.0)
    sys.setrecursionlimit(sys.getrecursionlimit() + 7)
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)
    sys.stdout = sys.stderr = sys.__stdout__ = None
    subprocess.call = None
    subprocess.Popen.__init__ = None
    time.sleep = None
    os.umask(0o077)
    warnings.simplefilter("error")
    builtins.print = None
    sys.meta_path.pop(0)
"""


@pytest.mark.parametrize("what", LOOKS)
def test_the_interpreter_is_what_it_was(probe: Probe, what: str) -> None:
    probe.python("pass")  # for the importers of libraries that are found for the first time
    before = LOOKS[what]()
    here = print
    ran = probe.python(UPSET)
    assert ran.traceback == ""
    assert LOOKS[what]() == before
    assert print is here


def test_a_hook_that_fails_leaves_as_little_behind(probe: Probe) -> None:
    before = {what: look() for what, look in LOOKS.items()}
    assert probe.python(UPSET + "\n    raise RuntimeError").exit_status == 1
    assert {what: look() for what, look in LOOKS.items()} == before


def test_a_hook_begins_as_a_process_does(probe: Probe) -> None:
    text = """
        import json, logging, os, random, sys, warnings
        old = os.umask(0); os.umask(old)
        print(json.dumps([
            sys.argv, sys.path[0], os.getcwd(), sys.stdin.read(), __name__, __file__, sys.excepthook.__name__,
            [repr(h) for h in logging.getLogger().handlers], logging.getLogger().level, old,
            [f[0] + f[2].__name__ for f in warnings.filters],
            sorted(n for n in sys.modules if n.partition(".")[0] in ("charms_reactive", "charms", "reactive")
                   and ".testing" not in n and "._history" not in n and ".tools" not in n),
            sys.modules["__main__"].__dict__ is globals(),
            sorted(k for k in globals() if not k.startswith("__")),
            {k: v for k, v in os.environ.items() if k not in ("PATH", "LC_CTYPE")},
        ]))
    """
    inside = probe.python(text)
    variables = {"JUJU_HOOK_NAME": "probe", "JUJU_DISPATCH_PATH": "hooks/probe", **probe.environment}
    outside = subprocess.run(
        [str(probe.directory / "hooks/probe")],
        cwd=str(probe.directory),
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    assert inside.exit_status == 0, inside.stderr
    assert json.loads(inside.stdout) == json.loads(outside.stdout)


def test_random_numbers_differ_from_hook_to_hook(probe: Probe) -> None:
    random.seed(7)
    seen = {probe.python("import random\nprint(random.random())").stdout for _ in range(3)}
    assert len(seen) == 3
    assert random.random() == random.Random(7).random()


def test_warnings_are_told_and_not_raised(probe: Probe) -> None:
    ran = probe.python("import warnings\nwarnings.warn('beware')\nwarnings.warn('old', DeprecationWarning)")
    assert ran.exit_status == 0
    assert "UserWarning: beware" in ran.stderr
    assert "DeprecationWarning: old" in ran.stderr  # of __main__, as ever


def test_the_charm_s_log_goes_where_it_goes_in_a_process(
    probe: Probe, caplog: pytest.LogCaptureFixture
) -> None:
    ran = probe.python("import logging\nlogging.getLogger('charm').warning('beware')")
    assert ran.stderr == "beware\n"
    assert not caplog.records


# -- the end of the hook -----------------------------------------------------------------------------
def test_what_is_registered_with_atexit_runs_at_the_end_of_the_hook(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: List[Any] = []
    monkeypatch.setattr(atexit, "register", registered.append)
    ran = probe.python("""
        import atexit, tempfile
        from atexit import register
        register(print, "first")
        atexit.register(print, "second", sep="")
        forgotten = atexit.register(lambda: print("forgotten"))
        atexit.unregister(forgotten)
        atexit.register(lambda: 1 / 0)
        directory = tempfile.TemporaryDirectory()
        print(directory.name)
    """)
    lines = ran.stdout.splitlines()
    assert lines[1:] == ["second", "first"]
    assert not Path(lines[0]).exists()
    assert "ZeroDivisionError" in ran.stderr
    assert ran.exit_status == 0
    assert registered == []


def test_finalizers_of_the_test_are_left_alone(probe: Probe) -> None:
    class Thing:
        pass

    thing, called = Thing(), []
    finalizer = weakref.finalize(thing, called.append, 1)
    ran = probe.python("""
        import weakref
        class Thing: pass
        thing = Thing()
        weakref.finalize(thing, print, "finalized")
    """)
    assert ran.stdout == "finalized\n"
    assert finalizer.alive
    assert called == []


def test_threads_are_waited_for_and_daemons_reported(probe: Probe) -> None:
    ran = probe.python("""
        import threading, time
        threading.Thread(target=lambda: (time.sleep(0.05), print("joined"))).start()
    """)
    assert (ran.stdout, ran.leftovers) == ("joined\n", ())
    ran = probe.python("""
        import threading, time
        threading.Thread(target=time.sleep, args=(0.5,), daemon=True, name="idler").start()
    """)
    assert ran.leftovers == ("thread idler still runs",)
    for thread in threading.enumerate():
        if thread.name == "idler":
            thread.join()


def test_open_files_are_closed_and_descriptors_reported(probe: Probe) -> None:
    ran = probe.python("import sys\nfile = open(__file__)\nsys.kept = file")
    assert ran.leftovers == ()
    ran = probe.python("import os\nprint(os.open(__file__, os.O_RDONLY))")
    descriptor = int(ran.stdout)
    os.close(descriptor)
    assert ran.leftovers == (
        "file descriptor %d is open: %s" % (descriptor, probe.directory / "hooks/probe"),
    )


def test_one_hook_at_a_time(probe: Probe) -> None:
    with fresh_interpreter(probe.directory, probe.environment):
        again = fresh_interpreter(probe.directory, probe.environment)
        with pytest.raises(RuntimeError, match="cannot run another one"):
            again.__enter__()
        other = threading.Thread(target=probe.python, args=("open('ran', 'w').close()",))
        other.start()
        time.sleep(0.05)
        assert not (probe.directory / "ran").exists()
    other.join()
    assert (probe.directory / "ran").exists()


def test_the_framework_alone_for_tests_of_the_framework(of_test: Any) -> None:
    with fresh_framework("pure") as renew:
        assert charms_reactive.engine_name() == "pure"
        assert list(handlers.Handler.get_handlers()) == []
        charms_reactive.when("x")(lambda: None)
        renew("pure")
        assert list(handlers.Handler.get_handlers()) == []
        assert hookenv._atstart[0][0].__name__ == "_install_default"
    assert [handler._action for handler in handlers.Handler.get_handlers()] == [of_test]
    assert (
        len(handlers.Handler._HANDLERS) == len(handlers._numbered) == unit_state.unit.engine.handler_count()
    )
