"""Decorators: when a handler matches, what its id is, and what it is called with."""

from __future__ import annotations

import importlib
import sys
from functools import partial, wraps
from typing import Any, Callable, ClassVar, Dict, List, Sequence, Tuple

import pytest

import charms_reactive
from charms_reactive import (
    action,
    clear_flag,
    hook,
    not_unless,
    only_once,
    set_flag,
    when,
    when_all,
    when_any,
    when_file_changed,
    when_none,
    when_not,
    when_not_all,
)
from charms_reactive.bus import Handler, _action_id, _short_action_id
from charms_reactive.endpoints import Endpoint
from charms_reactive.errors import HandlerArgumentError, StrictModeError
from charms_reactive.helpers import any_hook

from .support import Framework

# -- flags -----------------------------------------------------------------------------------------

TRUTH: List[Tuple[Callable[..., Any], str, Sequence[bool]]] = [
    # With no flag, a, b, and both of them set.
    (when, "when", (False, False, False, True)),
    (when_all, "when_all", (False, False, False, True)),
    (when_any, "when_any", (False, True, True, True)),
    (when_not, "when_not", (True, False, False, False)),
    (when_none, "when_none", (True, False, False, False)),
    (when_not_all, "when_not_all", (True, True, True, False)),
]
SITUATIONS = ([], ["a"], ["b"], ["a", "b"])


@pytest.mark.parametrize("situation", range(4))
@pytest.mark.parametrize(("decorator", "name", "truth"), TRUTH, ids=[row[1] for row in TRUTH])
def test_spec4_flag_decorators(
    framework: Framework, decorator: Callable[..., Any], name: str, truth: Sequence[bool], situation: int
) -> None:
    @decorator("a", "b")
    def handler() -> None:
        framework.told.append("ran")

    assert framework.dispatch(*SITUATIONS[situation]) == ["ran"] * truth[situation]


@pytest.mark.parametrize(
    ("decorator", "matches"),
    [(when, True), (when_any, False), (when_not, True), (when_not_all, False)],
)
def test_spec4_decorators_without_flags(
    framework: Framework, decorator: Callable[..., Any], matches: bool
) -> None:
    """No flag can settle them, so those that match are stopped like any ping-pong, as 1.5.x does."""

    @decorator()
    def handler() -> None:
        framework.told.append("ran")

    assert framework.dispatch() == ["ran"] * 100 * matches
    framework.hand_over()
    stopped = [line for line in framework.lines("WARNING") if "still matching" in line and ":handler" in line]
    assert bool(stopped) == matches


@pytest.mark.parametrize("flags", [["a"], ["a", "b"], ["a", "c"], ["a", "b", "c"], ["b"]])
def test_spec4_stacked_decorators_are_an_and(framework: Framework, flags: List[str]) -> None:
    @when("a")
    @when_not("c")
    @when_any("b", "d")
    def handler() -> None:
        framework.told.append("ran")

    @when("a")
    @when("b")
    def twice() -> None:
        framework.told.append("twice")

    ran = framework.dispatch(*flags)
    assert ("ran" in ran) == (flags == ["a", "b"])
    assert ("twice" in ran) == ({"a", "b"} <= set(flags))
    assert len(Handler.get_handlers()) == 2


def test_spec4_a_flag_may_be_any_str_subclass_and_any_text(framework: Framework) -> None:
    class State(str):
        pass

    odd = "a b.'\"\\%s{x}${y}\n\u00e9\U0001f600"

    @when(State("a"), odd)
    def handler() -> None:
        framework.told.append("ran")

    assert framework.dispatch("a", odd) == ["ran"]


# -- identity --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "decorate",
    [when("x"), when_not("x"), when_file_changed("x"), hook("x"), action("x"), only_once, only_once()],
)
def test_spec4_a_decorator_returns_the_function(framework: Framework, decorate: Callable[..., Any]) -> None:
    def function() -> str:
        return "called"

    assert decorate(function) is function
    assert function() == "called"


def test_spec4_ids_are_path_line_and_name_relative_to_the_charm(framework: Framework) -> None:
    framework.write(
        "reactive/app.py",
        """\
        from charms.reactive import when, when_not


        @when("a")
        @when_not("b")
        def handler():
            pass
        """,
    )
    assert framework.discover() == ["reactive/app.py:4:handler"]
    handler = sys.modules["reactive.app"].handler
    assert _short_action_id(handler) == "reactive/app.py:4:handler"
    assert _action_id(handler) == "%s/reactive/app.py:4:handler" % framework.directory
    assert list(Handler._HANDLERS) == [_action_id(handler)]


def test_spec4_one_handler_per_function(framework: Framework) -> None:
    def function() -> None:
        framework.told.append("ran")

    when("a")(function)
    when("b")(function)
    assert Handler.get(function) is next(iter(Handler.get_handlers()))
    assert len(Handler.get_handlers()) == 1


def test_spec4_two_functions_under_one_wrapper_are_two_handlers(framework: Framework) -> None:
    def restart(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*args: Any) -> Any:
            framework.told.append("restart")
            return function(*args)

        return wrapped

    @when("a")
    @restart
    def one() -> None:
        framework.told.append("one")

    @when("b")
    @restart
    def two() -> None:
        framework.told.append("two")

    assert framework.dispatch("a") == ["restart", "one"]
    assert [handler.id().rpartition(":")[2] for handler in Handler.get_handlers()] == ["one", "two"]


def test_spec4_a_wrapper_around_no_parameters_gets_no_arguments(framework: Framework) -> None:
    def wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapped

    Factory.install("db")

    @when("db.ready")
    @wrapper
    def handler() -> None:
        framework.told.append("ran")

    set_flag("db.ready", {"relation": "db"})
    assert framework.dispatch() == ["ran"]


def test_spec4_not_unless_below_when_names_the_function(framework: Framework) -> None:
    @when("a")
    @not_unless("b")
    def handler() -> None:
        framework.told.append("ran")

    assert framework.dispatch("a") == ["ran"]
    (only,) = Handler.get_handlers()
    assert only.id().endswith(":handler")


def test_spec4_under_staticmethod_in_a_plain_class(framework: Framework) -> None:
    class Layer:
        @staticmethod
        @when("a")
        def handler() -> None:
            framework.told.append("ran")

    assert framework.dispatch("a") == ["ran"]
    Layer.handler()
    assert framework.told == ["ran", "ran"]


def test_spec4_a_bound_method_of_an_object(framework: Framework) -> None:
    class Layer:
        def handler(self) -> None:
            framework.told.append(self)

    layer = Layer()
    when("a")(layer.handler)
    assert framework.dispatch("a") == [layer]


def test_spec4_partials_and_callable_objects_are_handlers_each(framework: Framework) -> None:
    class Callee:
        def __init__(self, word: str) -> None:
            self.word = word

        def __call__(self) -> None:
            framework.told.append(self.word)

    for number in (1, 2):
        when("a")(Callee("object %d" % number))
        when("a")(partial(framework.told.append, "partial %d" % number))
        only_once(Callee("once %d" % number))
    told = framework.dispatch("a")
    assert sorted(told) == ["object 1", "object 2", "once 1", "once 2", "partial 1", "partial 2"]
    assert sorted(framework.dispatch()) == ["object 1", "object 2", "partial 1", "partial 2"]


@pytest.mark.parametrize(
    "decorator", [when, when_all, when_any, when_not, when_none, when_not_all, not_unless, hook, action]
)
@pytest.mark.parametrize("wrong", [["a", "b"], 3, lambda: None], ids=["list", "number", "bare"])
def test_spec4_decorators_take_strings(
    framework: Framework, decorator: Callable[..., Any], wrong: Any
) -> None:
    """A list in place of words, or a decorator without parentheses, would never match and never say why."""
    with pytest.raises(TypeError):
        decorator(wrong)


def test_spec4_a_lambda_is_a_handler(framework: Framework) -> None:
    when("a")(lambda: framework.told.append("ran"))
    assert framework.dispatch("a") == ["ran"]


def test_spec4_handlers_register_from_modules_outside_reactive(framework: Framework) -> None:
    framework.write("lib/charms_layer/__init__.py", "")
    framework.write(
        "reactive/app.py",
        "import sys\nsys.path.append('lib')\nimport lib.late\nfrom reactive.other import shared\n",
    )
    framework.write("reactive/other.py", "from charms.reactive import when\n@when('a')\ndef shared(): pass\n")
    framework.write("lib/late.py", "from charms.reactive import when\n@when('b')\ndef late(): pass\n")
    assert framework.discover() == ["lib/late.py:2:late", "reactive/other.py:2:shared"]


# -- arguments of legacy relations -------------------------------------------------------------------


class Factory:
    """A factory of relation objects as another distribution registers it."""

    made: ClassVar[List[str]] = []
    names: ClassVar[Sequence[str]] = ()

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return "<%s>" % self.name

    @classmethod
    def install(cls, *names: str) -> None:
        cls.made, cls.names = [], names
        charms_reactive.relations.RelationFactory._factories.append(cls)

    @classmethod
    def load(cls) -> None:
        pass

    @classmethod
    def from_name(cls, name: str) -> Any:
        return cls(name) if name in cls.names else None

    @classmethod
    def from_flag(cls, flag: str) -> Any:
        cls.made.append(flag)
        return cls.from_name(flag.partition(".")[0])


@pytest.fixture
def relations(framework: Framework) -> Framework:
    """Relations db, cache and web of the old kind, with flags that say so."""
    Factory.install("db", "cache", "web")
    for name in Factory.names:
        set_flag(name + ".ready", {"relation": name})
    set_flag("plain")
    return framework


def test_spec4_legacy_arguments_bottom_decorator_first_left_to_right(relations: Framework) -> None:
    @when("web.ready")
    @when_all("db.ready", "plain", "cache.ready")
    def handler(*args: Any) -> None:
        relations.told.append(repr(args))

    assert relations.dispatch() == ["(<db>, <cache>, <web>)"]


def test_spec4_legacy_arguments_are_evaluated_at_the_first_invocation(relations: Framework) -> None:
    @when("db.ready", "go")
    def handler(db: Any) -> None:
        relations.told.append(db)
        if len(relations.told) == 1:
            clear_flag("go")
            set_flag("again")

    @when("again")
    def again() -> None:
        set_flag("go")

    relations.dispatch()
    assert Factory.made == []
    first, second = relations.dispatch("go")
    assert Factory.made == ["db.ready"]
    assert first is second


@pytest.mark.parametrize(
    "decorator", [when_any, when_not, when_none, when_not_all, when_file_changed, only_once]
)
def test_spec4_other_decorators_pass_nothing(relations: Framework, decorator: Any) -> None:
    def handler(*args: Any) -> None:
        relations.told.append(args)

    if decorator is only_once:
        only_once(handler)
    elif decorator is when_file_changed:
        relations.write("db.ready", "")
        when_file_changed("db.ready")(handler)
    elif decorator is when_any:
        when_any("db.ready")(handler)
    else:
        clear_flag("db.ready")
        decorator("db.ready")(handler)
    assert set(relations.dispatch()) == {()}
    assert Factory.made == []


def test_spec4_a_function_without_parameters_gets_nothing(relations: Framework) -> None:
    @when("db.ready")
    def handler() -> None:
        relations.told.append("ran")

    assert relations.dispatch() == ["ran"]


def test_spec4_a_missing_argument_names_the_handler(relations: Framework) -> None:
    @when("plain")
    def handler(db: Any) -> None:
        raise AssertionError

    with pytest.raises(HandlerArgumentError, match=r":handler cannot be called.*'db'"):
        relations.dispatch()


def test_spec4_a_type_error_of_the_handler_stays_its_own(framework: Framework) -> None:
    @when("a")
    def handler() -> None:
        len(3)  # type: ignore[arg-type]

    with pytest.raises(TypeError) as caught:
        framework.dispatch("a")
    assert not isinstance(caught.value, HandlerArgumentError)


def test_spec4_hook_passes_the_relation_of_the_hook(
    relations: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    @hook("db-relation-joined")
    def with_relation(db: Any) -> None:
        relations.told.append(repr(db))

    @hook("db-relation-joined")
    def without() -> None:
        relations.told.append("without")

    monkeypatch.setenv("JUJU_RELATION", "db")
    assert relations.dispatch(hook="db-relation-joined") == ["<db>", "without"]


# -- interface layers --------------------------------------------------------------------------------

INTERFACE = """\
from charms.reactive import Endpoint, hook, not_unless, only_once, set_flag, when, when_file_changed, when_not

told = []


class Mysql(Endpoint):
    @when("endpoint.{endpoint_name}.go")
    @when_not("endpoint.{endpoint_name}.stop", "plain{brace}")
    @when("all")
    def method(self):
        told.append(("method", self.endpoint_name))

    @when("endpoint.{endpoint_name}.go")
    @only_once
    def once(self):
        told.append(("once", self.endpoint_name))

    @when_file_changed("watched")
    @when("endpoint.{endpoint_name}.go")
    def watches(self):
        told.append(("watches", self.endpoint_name))

    @when("endpoint.{endpoint_name}.go")
    @not_unless("all")
    def guarded(self):
        told.append(("guarded", self.endpoint_name))


@when("endpoint.{endpoint_name}.go")
def function():
    told.append("function")
"""


@pytest.fixture
def interface(framework: Framework) -> Framework:
    framework.write("hooks/relations/__init__.py", "")
    framework.write("hooks/relations/mysql/__init__.py", "")
    framework.write("hooks/relations/mysql/requires.py", INTERFACE)
    framework.write("hooks/relations/mysql/provides.py", INTERFACE)
    framework.write("watched", "")
    return framework


METADATA = "name: app\nrequires:\n  db: {interface: mysql}\n  more: {interface: mysql}\n  x: {interface: x}\n"


def _start(framework: Framework, *flags: str) -> Any:
    framework.discover()
    Endpoint._startup()
    framework.dispatch(*flags)
    return sys.modules["relations.mysql.requires"]


def test_spec4_endpoint_methods_run_per_endpoint_with_self_once(interface: Framework) -> None:
    interface.write("metadata.yaml", METADATA)
    module = _start(interface, "endpoint.db.go", "endpoint.more.go", "all")
    assert [told for told in module.told if told[0] == "method"] == [("method", "db"), ("method", "more")]
    assert module.told.count("function") == 2
    ids = [handler.id() for handler in Handler.get_handlers()]
    assert "hooks/relations/mysql/requires.py:7:method:db" in ids
    assert "hooks/relations/mysql/requires.py:7:method:more" in ids


def test_spec4_endpoint_name_expands_in_each_decorator_and_no_other_brace(interface: Framework) -> None:
    interface.write("metadata.yaml", METADATA)
    flags = ["endpoint.db.go", "endpoint.more.go", "all", "endpoint.db.stop"]
    module = _start(interface, *flags)
    assert [told for told in module.told if told[0] == "method"] == [("method", "more")]
    assert "plain{brace}" in Handler._CONSUMED_FLAGS
    del module.told[:]
    interface.dispatch("plain{brace}")
    assert [told for told in module.told if told[0] == "method"] == []


@pytest.mark.parametrize("name", ["once", "watches", "guarded"])
def test_spec4_every_decorator_keeps_the_endpoints_of_a_method_apart(interface: Framework, name: str) -> None:
    interface.write("metadata.yaml", METADATA)
    module = _start(interface, "endpoint.db.go", "all")
    assert [told for told in module.told if told[0] == name] == [(name, "db")]
    del module.told[:]
    interface.dispatch("endpoint.more.go")
    expected = [(name, "db"), (name, "more")] if name == "guarded" else [(name, "more")]
    assert [told for told in module.told if told[0] == name] == expected


@pytest.mark.parametrize("stated", ["name: app\n", "name: app\nprovides: {db: {interface: other}}\n"])
def test_spec4_no_endpoint_of_the_interface_no_handler(interface: Framework, stated: str) -> None:
    interface.write("metadata.yaml", stated)
    module = _start(interface, "all")
    assert module.told == []
    assert list(Handler.get_handlers()) == []


def test_spec4_only_the_role_in_use_has_handlers(interface: Framework) -> None:
    interface.write("metadata.yaml", "name: app\nprovides: {db: {interface: mysql}}\n")
    _start(interface, "all", "endpoint.db.go")
    assert sys.modules["relations.mysql.requires"].told == []
    assert ("method", "db") in sys.modules["relations.mysql.provides"].told


@pytest.mark.parametrize("order", ["braces on top", "braces below"])
def test_spec4_no_decorator_brings_an_unserved_function_back(framework: Framework, order: str) -> None:
    lines = ["@when('endpoint.{endpoint_name}.go')", "@when_not('done')"]
    if order == "braces below":
        lines.reverse()
    framework.write("hooks/relations/mysql/__init__.py", "")
    framework.write(
        "hooks/relations/mysql/peers.py",
        "\n".join(["from charms.reactive import when, when_not", "told = []"] + lines)
        + "\ndef function():\n    told.append('ran')\n",
    )
    assert framework.discover() == []
    framework.dispatch()
    assert sys.modules["relations.mysql.peers"].told == []


def test_spec4_a_foreign_metaclass_on_an_endpoint(framework: Framework) -> None:
    """COMPAT 3.3: interfaces of OpenStack have metaclasses of their own."""
    assert type(Endpoint) is type

    class Meta(type):
        pass

    class Keystone(Endpoint, metaclass=Meta):
        pass

    assert Keystone("identity", ["identity:1"]).endpoint_name == "identity"


def test_spec4_relative_imports_inside_an_interface(interface: Framework) -> None:
    interface.write("metadata.yaml", METADATA)
    interface.write("hooks/relations/mysql/common.py", "X = 1\n")
    interface.write("hooks/relations/mysql/requires.py", "from .common import X\n" + INTERFACE)
    module = _start(interface, "all", "endpoint.db.go")
    assert module.X == 1
    assert ("method", "db") in module.told


def test_spec4_hook_on_an_endpoint_method_gets_the_endpoint_once(
    interface: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    interface.write("metadata.yaml", METADATA)
    source = INTERFACE.replace(
        '@when("endpoint.{endpoint_name}.go")\n    @only_once', "@hook('db-{a,b}')\n    @hook('db-b')"
    )
    interface.write("hooks/relations/mysql/requires.py", source)
    interface.discover()
    Endpoint._startup()
    monkeypatch.setenv("JUJU_RELATION", "db")
    interface.dispatch(hook="db-b")
    assert sys.modules["relations.mysql.requires"].told == [("once", "db")]


# -- hooks and actions -------------------------------------------------------------------------------

HOOK_METADATA = """\
name: app
requires:
  db: {interface: mysql}
  other: {interface: mysql}
  etcd: {interface: etcd}
provides:
  web: {interface: http}
peers:
  ring: {interface: ring}
"""

PATTERNS: List[Tuple[str, Dict[str, bool]]] = [
    ("install", {"install": True, "upgrade-charm": False, "reinstall": False}),
    (
        "db-relation-{joined,changed}",
        {"db-relation-joined": True, "db-relation-changed": True, "db-relation-": False},
    ),
    ("{requires:mysql}-relation-joined", {"db-relation-joined": True, "other-relation-joined": True}),
    (
        "{requires:mysql}-relation-{joined,departed}",
        {"db-relation-departed": True, "other-relation-joined": True, "db-relation-changed": False},
    ),
    ("{provides:http}-relation-{broken}", {"web-relation-broken": True, "web-relation-{broken}": False}),
    ("{peers:ring}-relation-joined", {"ring-relation-joined": True}),
    ("{provides:mysql}-relation-joined", {"db-relation-joined": False, "-relation-joined": False}),
    ("{requires:nothing}-relation-joined", {"db-relation-joined": False}),
    ("{a,b}-{c,d}", {"a-c": True, "a-d": True, "b-c": True, "b-d": True, "a-b": False}),
    ("{a,a}", {"a": True}),
    ("{a,}-x", {"a-x": True, "-x": True}),
    # Malformed ones that live in released interface layers.
    (
        "{requires:etcd}-relation-{broken, departed}",
        {"etcd-relation-broken": True, "etcd-relation-departed": False},
    ),
    ("{requires:etcd}-relation-joined}", {"etcd-relation-joined": False}),
    ("{requires:etcd-relation-joined", {"etcd-relation-joined": False}),
    ("db-relation-{joined,changed", {"db-relation-joined": False}),
    ("db-relation-{}", {"db-relation-": False}),
    ("{requires}-relation-joined", {"db-relation-joined": False}),
    ("", {"install": False}),
]


@pytest.mark.parametrize(("pattern", "hooks"), PATTERNS, ids=[row[0] or "empty" for row in PATTERNS])
def test_spec4_hook_patterns(framework: Framework, pattern: str, hooks: Dict[str, bool]) -> None:
    framework.write("metadata.yaml", HOOK_METADATA)

    @hook("never-{x,y}", pattern)
    def handler() -> None:
        framework.told.append("ran")

    for name, matches in hooks.items():
        assert framework.dispatch(hook=name) == ["ran"] * matches, name
        assert any_hook(pattern) == matches, name


def test_spec4_hook_does_not_go_with_flags(framework: Framework) -> None:
    @hook("install")
    @when("a")
    def handler() -> None:
        framework.told.append("ran")

    assert framework.dispatch("a", hook="install") == []


@pytest.mark.parametrize("variable", ["JUJU_ACTION_NAME", "JUJU_FUNCTION_NAME"])
def test_spec4_action_decorator(framework: Framework, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    @action("backup", "dump")
    def backup() -> None:
        framework.told.append("backup")
        set_flag("backed-up")

    @action("restore")
    def restore() -> None:
        framework.told.append("restore")

    @when("backed-up")
    def reacts() -> None:
        framework.told.append("reacts")

    monkeypatch.setenv(variable, "dump")
    assert framework.dispatch(hook="") == ["backup", "reacts"]
    monkeypatch.delenv(variable)
    assert framework.dispatch(hook="dump") == ["reacts"]


# -- not_unless ------------------------------------------------------------------------------------


def test_spec4_not_unless_warns_and_names_the_missing_flags(framework: Framework) -> None:
    @not_unless("a", "b", "c", "b")
    def guarded(*args: Any, **kwargs: Any) -> Any:
        """Doc."""
        return args, kwargs

    set_flag("a")
    assert guarded(1, two=2) == ((1,), {"two": 2})
    ((level, message),) = framework.logged
    assert level == "WARNING"
    assert message.endswith(":guarded called before flags: b, c")
    assert guarded.__doc__ == "Doc."
    set_flag("b")
    guarded()
    assert framework.logged[1][1].endswith(":guarded called before flag: c")
    set_flag("c")
    guarded()
    assert len(framework.logged) == 2


def test_spec4_not_unless_makes_no_handler(framework: Framework) -> None:
    @not_unless("a")
    def guarded() -> None:
        raise AssertionError

    assert framework.dispatch("a") == []
    assert list(Handler.get_handlers()) == []


def test_spec4_spec20_not_unless_raises_in_strict_mode(framework: Framework) -> None:
    framework.strict()

    @not_unless("a")
    def guarded() -> None:
        framework.told.append("ran")

    with pytest.raises(StrictModeError, match=":guarded called before flag: a"):
        guarded()
    assert framework.told == []
    set_flag("a")
    guarded()


# -- what tests and charms do with it ----------------------------------------------------------------


def test_compat_3_15_decorated_functions_are_called_directly(framework: Framework) -> None:
    @when("never")
    def callee(value: str) -> str:
        return "got " + value

    @when("a")
    def caller() -> None:
        framework.told.append(callee("it"))

    assert framework.dispatch("a") == ["got it"]


def test_compat_3_16_patched_decorators_and_reload(
    interface: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interface tests put a fake decorator on the package and reload the module."""
    interface.write("metadata.yaml", METADATA)
    interface.discover()
    module = sys.modules["relations.mysql.requires"]
    seen: List[Tuple[str, ...]] = []

    def fake(*flags: str) -> Callable[..., Any]:
        seen.append(flags)
        return lambda function: function

    monkeypatch.setattr("charms.reactive.when", fake)
    importlib.reload(module)
    assert ("all",) in seen


def test_compat_3_8_handler_get_and_add_predicate_on_a_plain_function(framework: Framework) -> None:
    """postgresql runs a function in every hook by its own predicate, which reads the phase's row."""

    def everyhook() -> None:
        framework.told.append("ran")

    handler = Handler.get(everyhook)
    kv = charms_reactive._unit_state.unit_state.unitdata.kv
    handler.add_predicate(lambda: kv().get("reactive.dispatch.phase") == "hooks")
    assert framework.dispatch() == ["ran"]
