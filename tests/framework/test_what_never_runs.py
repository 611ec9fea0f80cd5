"""What could never run, or never match, is said where it is registered: handler, thing and nearest name."""

from __future__ import annotations

import re
from functools import partial, wraps
from typing import Any, Callable, Dict, List
from unittest import mock

import pytest

from charms_reactive import (
    action,
    hook,
    not_unless,
    register_trigger,
    set_flag,
    status,
    when,
    when_all,
    when_any,
    when_file_changed,
    when_none,
    when_not,
    when_not_all,
)
from charms_reactive._dispatch.expected import HOOKS, OF_ENDPOINTS
from charms_reactive._juju.hook_names import RELATION_EVENTS, UNIT_HOOKS
from charms_reactive.bus import Handler
from charms_reactive.errors import HandlerImportError, HandlerUseError, StrictModeError
from charms_reactive.status import BlockedStatus

from .support import Framework, Unit


class Config(Dict[str, Any]):
    """What ``hookenv.config()`` returns, with nothing in it that has changed."""

    def changed(self, option: str) -> bool:
        return False


@pytest.fixture(autouse=True)
def juju(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one hook tool that hooks below ask."""
    monkeypatch.setattr("charmhelpers.core.hookenv.config", lambda scope=None: Config())


def warnings(framework: Framework) -> List[str]:
    """What was said at WARNING since it was asked last."""
    framework.hand_over()
    found = framework.lines("WARNING")
    framework.logged.clear()
    return found


# -- functions of which nothing runs ---------------------------------------------------------------------
def _unrun() -> Dict[str, Callable[..., Any]]:
    async def coroutine() -> None:
        raise AssertionError

    def generator() -> Any:
        raise AssertionError
        yield

    async def asynchronous_generator() -> Any:
        raise AssertionError
        yield

    class Awaited:
        async def __call__(self) -> None:
            raise AssertionError

        async def method(self) -> None:
            raise AssertionError

    @wraps(coroutine)
    async def wrapper() -> None:
        await coroutine()

    return {
        "coroutine": coroutine,
        "generator": generator,
        "asynchronous generator": asynchronous_generator,
        "partial": partial(coroutine),
        "partial of a partial": partial(partial(generator)),
        "object": Awaited(),
        "bound method": Awaited().method,
        "wrapper": wrapper,
        "guarded": not_unless("a")(coroutine),
        "with a status": status.on_error(BlockedStatus("no"))(coroutine),
        "with a status, generator": status.on_error(BlockedStatus("no"))(generator),
        "with a status, partial": status.on_error(BlockedStatus("no"))(partial(coroutine)),
        "with a status, object": status.on_error(BlockedStatus("no"))(Awaited()),
    }


KINDS = sorted(_unrun())
#: Which function is named, where it is another than ``coroutine``.
FUNCTIONS = {
    "generator": "generator",
    "partial of a partial": "generator",
    "with a status, generator": "generator",
    "asynchronous generator": "asynchronous_generator",
    "object": "__call__",
    "with a status, object": "__call__",
    "bound method": "method",
}
DECORATORS = {
    "when": when("a"),
    "when_all": when_all("a"),
    "when_any": when_any("a"),
    "when_not": when_not("a"),
    "when_none": when_none("a"),
    "when_not_all": when_not_all("a"),
    "when_file_changed": when_file_changed("a"),
    "hook": hook("install"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_handlers_of_which_a_call_runs_nothing(framework: Framework, kind: str) -> None:
    action = _unrun()[kind]
    assert when("a")(action) is action  # it is registered, as in 1.5.x
    (line,) = warnings(framework)
    (handler,) = Handler.get_handlers()
    name = FUNCTIONS.get(kind, "coroutine")
    path = re.escape("test_what_never_runs.py")
    assert re.match(
        r"handler %s never runs: %s \(\S*%s:\d+\) is a " % (re.escape(handler.id()), name, path), line
    )
    assert ("generator function" in line) == (name == "generator")


@pytest.mark.parametrize("decorator", DECORATORS)
def test_whichever_decorator_registers_them(framework: Framework, decorator: str) -> None:
    async def handler() -> None:
        raise AssertionError

    DECORATORS[decorator](handler)
    (line,) = warnings(framework)
    assert " never runs: handler (" in line
    assert " is a coroutine function, of which a call runs nothing" in line


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_errors_in_strict_mode(framework: Framework, kind: str) -> None:
    framework.strict()
    with pytest.raises(StrictModeError, match="of which a call runs nothing"):
        when("a")(_unrun()[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_and_always_where_the_decorator_is_ours(framework: Framework, kind: str) -> None:
    with pytest.raises(HandlerUseError, match="of which a call runs nothing"):
        action("backup")(_unrun()[kind])
    assert not list(Handler.get_handlers())


@pytest.mark.parametrize("kind", KINDS)
def test_callbacks_of_triggers(framework: Framework, kind: str) -> None:
    register_trigger(when="a", callback=_unrun()[kind])
    (line,) = warnings(framework)
    assert line.startswith("the callback of a trigger for a never runs: ")
    framework.strict()
    with pytest.raises(StrictModeError):
        register_trigger(when="a", callback=_unrun()[kind])


def test_what_only_a_call_shows_is_said_then(framework: Framework) -> None:
    async def body() -> None:
        raise AssertionError

    @when("a")
    def handler() -> Any:
        made = body()
        made.close()
        return made

    @when("a")
    def another() -> Any:
        return (n for n in ())

    assert warnings(framework) == []
    framework.dispatch("a")
    first, second = warnings(framework)
    assert ":handler returns a coroutine, of which nothing has run" in first
    assert ":another returns a generator, of which nothing has run" in second
    framework.strict()
    with pytest.raises(StrictModeError):
        framework.dispatch()


def test_a_wrapper_that_runs_what_it_wraps_is_no_news(framework: Framework) -> None:
    def run(coroutine: Any) -> Any:
        @wraps(coroutine)
        def wrapper() -> None:
            made = coroutine()
            with pytest.raises(StopIteration):
                made.send(None)

        return wrapper

    @when("a")
    @run
    async def handler() -> None:
        framework.told.append("ran")

    assert framework.dispatch("a") == ["ran"]
    assert warnings(framework) == []


@pytest.mark.parametrize("make", [mock.MagicMock, mock.AsyncMock, mock.Mock, mock.NonCallableMock, object])
@pytest.mark.parametrize("strict", [False, True])
def test_odd_objects_are_taken_as_before(framework: Framework, make: Any, strict: bool) -> None:
    if strict:
        framework.strict()
    odd = make()
    for decorator in (when("a"), when_not("a"), hook("install")):
        assert decorator(odd) is odd
    assert warnings(framework) == []


def test_a_mock_in_the_place_of_hookenv_is_no_hindrance(framework: Framework, monkeypatch: Any) -> None:
    for name in ("charm_dir", "metadata", "config"):
        monkeypatch.setattr("charmhelpers.core.hookenv." + name, mock.MagicMock())

    @when("endpoint.db.joined", "config.set.port", "endpoint.{x}")
    async def handler(a: Any, *, b: Any) -> None:
        raise AssertionError


# -- decorators that are given nothing -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("decorator", "words"),
    [
        (when(), "@when of handler X names no flag, which lets it run whatever is set"),
        (when_all(), "@when of handler X names no flag, which lets it run whatever is set"),
        (when_any(), "@when_any of handler X names no flag, which never lets it run"),
        (when_not(), "@when_not of handler X names no flag, which lets it run whatever is set"),
        (when_not_all(), "@when_not_all of handler X names no flag, which never lets it run"),
        (hook(), "@hook of handler X names no hook, which never lets it run"),
        (when_file_changed(), "@when_file_changed of handler X names no file, which never lets it run"),
        (not_unless(), "@not_unless of X names no flag, and so guards against nothing"),
    ],
)
def test_decorators_without_their_names(framework: Framework, decorator: Any, words: str) -> None:
    def handler() -> None:
        pass

    decorator(handler)
    (line,) = warnings(framework)
    assert re.sub(r"\S+test_what_never_runs\.py:\d+:handler", "X", line).startswith(words)
    framework.strict()
    with pytest.raises(StrictModeError):
        decorator(handler)


def test_action_without_a_name_is_an_error(framework: Framework) -> None:
    with pytest.raises(
        HandlerUseError, match=r"^@action handler \S+:handler can never run: it names no action"
    ):

        @action()
        def handler() -> None:
            pass


# -- signatures ------------------------------------------------------------------------------------------
APP = "reactive/app.py"
IMPORTS = "from charms.reactive import *\nfrom charms.reactive import action\n"


def told(framework: Framework, code: str, hook: str = "update-status", **files: str) -> List[str]:
    """The warnings of a hook of a charm with these handlers."""
    for name, text in files.items():
        framework.write(name.replace("__", "/") + (".yaml" if "__" not in name else ".py"), text)
    framework.write(APP, IMPORTS + code)
    framework.main(hook)
    return warnings(framework)


@pytest.mark.parametrize(
    ("decorators", "signature", "wants"),
    [
        ("@when_not('b')", "db", "db"),
        ("@when_any('c')", "db, other", "db, other"),
        ("@when('c')", "db", ""),  # by a relation, if one comes to have the flag
        ("@when('c')", "db, *, port", "port"),
        ("@when_not('b')", "*, port", "port"),
        ("@when_not('b')", "db=None, *more, port=1, **others", ""),
        ("@when_not('b')\n@when('b')", "db", ""),
        ("@when('b')\n@when_not('b')", "db", ""),
        ("@hook('stop')", "db", ""),
    ],
)
def test_functions_that_nothing_can_call(
    framework: Framework, decorators: str, signature: str, wants: str
) -> None:
    code = "set_flag('b')\n%s\ndef handler(%s):\n    pass\n" % (decorators, signature)
    line = (
        "handler reactive/app.py:4:handler cannot be called: it wants %s, which none of its decorators gives"
    )
    assert told(framework, code) == ([line % wants] if wants else [])


def test_functions_that_nothing_can_call_in_strict_mode(framework: Framework) -> None:
    framework.strict()
    with pytest.raises(StrictModeError, match="cannot be called: it wants db"):
        told(framework, "set_flag('b')\n@when_not('b')\ndef handler(db):\n    pass\n")


def test_an_action_that_nothing_can_call_is_an_error(framework: Framework) -> None:
    with pytest.raises(
        HandlerImportError, match=r"app\.py:4:backup can never run: it wants target, and is called with"
    ):
        told(framework, "\n@action('backup')\ndef backup(target):\n    pass\n")


# -- what the charm does not declare ---------------------------------------------------------------------
CONFIG = "options:\n  server-name:\n    type: string\n  port: {type: int}\n"
METADATA = "name: app\nrequires:\n  database: {interface: mysql}\nprovides:\n  web: {interface: http}\n"
HANDLER = "handler reactive/app.py:3:handler "
NO_OPTION = "never runs: it waits for the flag config.%s, and config.yaml has no option %s"
NO_ENDPOINT = "never runs: it waits for the flag endpoint.%s, and metadata.yaml has no endpoint %s"
NO_LAYER = (
    "can never run: {endpoint_name} stands for the endpoints of an interface layer, in its requires.py, "
    "provides.py or peers.py; here name the endpoint"
)
NO_HOOK = "never runs: Juju has no hook %s for this charm"
NEAREST = "; the nearest is "
DATABASE = "database-relation-joined"


def handler_of(decorator: str) -> str:
    return "%s\ndef handler():\n    pass\n" % decorator


@pytest.mark.parametrize(
    ("decorator", "words"),
    [
        (
            "@when('config.set.server_name')",
            [NO_OPTION % ("set.server_name", "server_name") + NEAREST + "server-name"],
        ),
        ("@when('config.changed.host')", [NO_OPTION % ("changed.host", "host")]),
        (
            "@when_any('config.default.prt', 'config.set.host')",
            [NO_OPTION % ("default.prt", "prt") + NEAREST + "port", NO_OPTION % ("set.host", "host")],
        ),
        (
            "@when_not('config.set.prt')",
            ["asks for the flag config.set.prt, and config.yaml has no option prt" + NEAREST + "port"],
        ),
        ("@when_not('config.set.host')", []),  # a layer may well ask whether there is such an option
        ("@when_any('config.set.host', 'config.set.port')", []),
        ("@when_set('config.set.host')", [NO_OPTION % ("set.host", "host")]),
        ("@when_set('config.set.host', 'config.set.port')", []),
        ("@when_set('config.set.host')\n@when_cleared('plain')", []),
        ("@when('config.set.port', 'config.changed', 'config.rendered', 'config.set')", []),
        (
            "@when('endpoint.databse.joined')",
            [NO_ENDPOINT % ("databse.joined", "databse") + NEAREST + "database"],
        ),
        ("@when('endpoint.cache.changed')", [NO_ENDPOINT % ("cache.changed", "cache")]),
        ("@when('endpoint.database.anything', 'endpoint.web.x', 'endpoint')", []),
        ("@when_not('endpoint.cache.joined')", []),
        (
            "@when('endpoint.{endpoint}.up')",
            [
                "never runs: it waits for the flag endpoint.{endpoint}.up, and nobody fills in {endpoint}"
                + NEAREST
                + "{endpoint_name}, in a module of an interface layer"
            ],
        ),
        (
            "@when('{endpoint_name}.ready')",
            [NO_LAYER],
        ),
        ("@hook('config_changed')", [NO_HOOK % "config_changed" + NEAREST + "config-changed"]),
        (
            "@hook('databse-relation-joined')",
            [NO_HOOK % "databse-relation-joined" + NEAREST + DATABASE],
        ),
        ("@hook('database-relation-joined', 'start', 'data-storage-attached', 'nightly')", []),
        ("@hook('{requires:mysql}-relation-{joined, broken}')", []),
        ("@hook('nrpe-relation-joined', 'juju-info-relation-joined', 'data-relation-broken')", []),
        ("@hook('database-relation-join')", [NO_HOOK % "database-relation-join" + NEAREST + DATABASE]),
        ("@hook('{requires:mysql}-relation-joined', '{databse}-relation-changed')", []),
        ("@when('plain', 'db.available')", []),
        ("@action('backup')", []),
        ("@action('restart-all')", []),
        (
            "@action('back-up')",
            ["never runs: it is for the action back-up, which is not in actions.yaml" + NEAREST + "backup"],
        ),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_what_the_charm_does_not_declare(
    framework: Framework, decorator: str, words: List[str], strict: bool
) -> None:
    framework.write("config.yaml", CONFIG)
    framework.write("metadata.yaml", METADATA)
    framework.write("actions.yaml", "backup: {}\n'restart-all':\n  description: x\n")
    if strict:
        framework.strict()
    if not strict or not words:
        assert told(framework, handler_of(decorator)) == [HANDLER + one for one in words]
        return
    with pytest.raises((StrictModeError, HandlerImportError)) as caught:
        told(framework, handler_of(decorator))
    assert HANDLER + words[0] in str(caught.value)


@pytest.mark.parametrize(
    "setter",
    [
        "set_flag('config.set.host')",
        "register_trigger(when='a', set_flag='config.set.host')",
        "def other():\n    set_flag('config.set.host')",
        "def other():\n    toggle_flag(\n        'config.set.host', True)",
        "def other(name):\n    set_flag('config.set.' + name)",
        "def other(name):\n    set_flag('config.set.{}'.format(name))",
        "def other(name):\n    set_flag(f'config.{name}')",
        "def other(name):\n    set_state('config.set.%s' % name)",
    ],
)
def test_flags_that_the_charm_sets_itself_are_no_news(framework: Framework, setter: str) -> None:
    code = "%s\n@when('config.set.host')\ndef handler():\n    pass\n" % setter
    assert told(framework, code, config=CONFIG) == []


def test_flags_that_a_layer_sets_in_bash_are_no_news(framework: Framework) -> None:
    framework.write("bin/layer", "#!/bin/sh\ncharms.reactive set_flag endpoint.cache.up\n", executable=True)
    assert told(framework, handler_of("@when('endpoint.cache.up')"), metadata=METADATA) == []


def test_flags_that_are_set_are_no_news(framework: Framework) -> None:
    set_flag("endpoint.cache.up")
    assert told(framework, handler_of("@when('endpoint.cache.up')"), metadata=METADATA) == []


def test_a_charm_without_the_files_declares_nothing(framework: Framework) -> None:
    code = "@when('config.set.a')\ndef one(): pass\n@when('endpoint.b.c')\ndef two(): pass\n"
    first, second = told(framework, code)
    assert first.endswith("config.yaml has no option a")
    assert second.endswith("metadata.yaml has no endpoint b")


@pytest.mark.parametrize("damage", ["options: [", "3\n", "\0"])
def test_a_damaged_file_is_for_others_to_tell(framework: Framework, damage: str) -> None:
    framework.write("actions.yaml", damage)
    assert told(framework, handler_of("@action('backup')")) == []


@pytest.mark.parametrize(
    "spelling", ["  'port':\n    type: int", '  "port" :\n    type: int', "  {port: {type: int}}"]
)
def test_options_are_found_however_they_are_written(framework: Framework, spelling: str) -> None:
    config = "options:\n%s\n" % spelling
    assert told(framework, handler_of("@when('config.set.port')"), config=config) == []


def test_handlers_in_bash_are_looked_at_too(unit: Unit) -> None:
    unit.write("config.yaml", CONFIG)
    for name, more in (("known", ""), ("asked", "if [ -e x ]; then :; fi\n")):
        text = "#!/bin/bash\nsource charms.reactive.sh\n%s@when config.set.prt\nfunction f() { true; }\n"
        unit.write("reactive/%s.sh" % name, (text % more) + "reactive_handler_main\n", executable=True)
    done = unit.run()
    assert done.status == 0, done.stderr + unit.log_text()
    lines = [line for level, text in unit.logged() if level == "WARNING" for line in text.splitlines()]
    said = "f " + NO_OPTION % ("set.prt", "prt") + NEAREST + "port"
    assert sorted(lines) == ["handler reactive/asked.sh:5:" + said, "handler reactive/known.sh:4:" + said]


def test_it_is_said_once_in_a_hook_and_nothing_in_restricted_ones(framework: Framework) -> None:
    assert told(framework, handler_of("@when('config.set.a')"), hook="collect-metrics") == []
    framework.main()
    assert len(warnings(framework)) == 1


def test_a_hook_and_what_looks_at_charms_know_the_same_hooks() -> None:
    """Each has its own list, so that no hook imports another module for it."""
    assert frozenset(UNIT_HOOKS) == HOOKS
    assert tuple("-relation-" + event for event in RELATION_EVENTS) == OF_ENDPOINTS
