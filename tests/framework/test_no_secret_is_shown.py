"""Whatever an error of ours, a repr or the log can print: no value that was stored or given stands in it.

A value is planted wherever a charm may have one, every error that there is gets provoked, and everything that
is printed of it is searched.
"""

from __future__ import annotations

import copy
import inspect
import sqlite3
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from charmhelpers.core import unitdata

import charms_reactive
from charms_reactive import errors, events, flags, status
from charms_reactive._engine import choice
from charms_reactive._juju import relation_data
from charms_reactive._relations import typed_data
from charms_reactive._relations.data_views import JSONUnitDataView
from charms_reactive.helpers import any_hook
from charms_reactive.records import Record

from .support import Framework, Unit

SECRET = "pl4nted"


def printed(error: BaseException) -> str:
    """All that is printed of an exception by whoever reports it, with those that it comes from."""
    shown = [str(error), repr(error), repr(error.args)]
    shown += traceback.format_exception(type(error), error, error.__traceback__)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(shown) + ("\n" + printed(cause) if cause is not None else "")


class Account(Record, key="name", sensitive="password"):
    name: str
    password: str = ""
    quota: int = 1
    more: Any = None


class Numbered(Record):
    text: str


class Lease(Record, references={"account": Account}):
    account: str


class Happened(events.Event):
    password: str = ""
    more: Any = None


class Source(events.ObjectEvents):
    happened = events.EventSource(Happened)


class Thing(events.Object):
    on = Source()

    def __repr__(self) -> str:
        return SECRET


def stored(row: str, value: Any) -> None:
    charms_reactive._unit_state.unit_state.unit.set("reactive.records." + row, value)


def twice() -> None:
    for name in "ab":
        Account.create(name=name, password=SECRET, more=[SECRET])


def deleted() -> Account:
    account = Account.create(name=SECRET)
    account.delete()
    return account


def in_a_pre_handler(save: str) -> None:
    raised: List[BaseException] = []
    events.set_error_reporter(lambda error, *_: raised.append(error))
    events.handle_event(events.PreRecordCreate[Account])(lambda event: getattr(event.record, save)())
    Account.create(name=SECRET, password=SECRET)
    raise raised[0]


def on_error(error: BaseException) -> None:
    with status.on_error(status.BlockedStatus("it broke")):
        raise error


def failing_handler(framework: Framework) -> None:
    framework.strict()

    @events.handle_event(Happened)
    def failing(event: Happened) -> None:
        raise ValueError("it broke")

    events.emit_event(Happened, password=SECRET, more=Thing())


def endless(event: Happened) -> None:
    events.emit_event(Happened, password=SECRET)


def cycle() -> None:
    events.handle_event(Happened)(endless)
    endless(Happened(password=SECRET))


def typed(value: Any, fields: Dict[str, Any]) -> Any:
    import dataclasses

    model = dataclasses.make_dataclass("Model", list(fields.items()))
    return JSONUnitDataView({"password": value}), model


def load(value: str, kind: Any) -> None:
    view, model = typed(value, {"password": kind})
    typed_data.load(view, model)


def store(value: Any, kind: Any) -> None:
    view, model = typed("", {"password": kind})
    view = JSONUnitDataView({}, writeable=True)
    typed_data.store(view, model(value))


def tool_fails(framework: Framework, name: str, status: int = 1) -> None:
    framework.write(
        "bin/" + name, "#!/bin/sh\ncat >/dev/null\necho %s >&2\nexit %d\n" % (SECRET, status), True
    )


def answered(framework: Framework, answer: str) -> None:
    framework.write("bin/config-get", "#!/bin/sh\necho '%s'\n" % answer, True)
    framework.write("config.yaml", "options:\n  reactive-strict: {type: boolean}\n")
    charms_reactive._juju.settings.strict()


def external(framework: Framework) -> None:
    framework.write("reactive/thing", '#!/bin/sh\n[ "$1" = --test ]\n', True)
    framework.main()


def locked(framework: Framework) -> None:
    flags.set_flag("a", SECRET)
    framework.state.commit()
    other = sqlite3.connect(str(framework.directory / ".unit-state.db"))
    other.execute("BEGIN EXCLUSIVE")
    unitdata.kv().conn.execute("PRAGMA busy_timeout = 10")
    try:
        flags.set_flag("b", SECRET)
    finally:
        other.close()


def damaged(framework: Framework) -> None:
    flags.set_flag("before")
    framework.state.commit()  # so that the connection is charmhelpers' own, which the fixture closes
    (framework.directory / ".unit-state.db").write_text("%s is no database" % SECRET)
    flags.set_flag("a", SECRET)


def triggers() -> None:
    flags.register_trigger(when="a", set_flag="b")
    flags.register_trigger(when="b", clear_flag="a")
    flags.register_trigger(when_not="a", clear_flag="b")
    flags.register_trigger(when_not="b", set_flag="a")
    flags.set_flag("a", SECRET)


def handlers(framework: Framework, code: str) -> None:
    framework.write(
        "reactive/app.py", "from charms.reactive import *\nfrom charms.reactive import action\n" + code
    )
    framework.main()


def bash(framework: Framework) -> None:
    text = "#!/bin/bash\nPASSWORD=%s\nsource charms.reactive.sh\n@when x\nreactive_handler_main\n"
    framework.write("reactive/app.sh", text % SECRET, True)
    framework.main()


def circular() -> Any:
    made: List[Any] = [SECRET]
    made.append(made)
    return made


# For each error that there is, how it comes about.
def odd_metadata(framework: Framework, text: str) -> None:
    framework.directory.joinpath("metadata.yaml").write_text(text)
    any_hook("{requires:sql}-relation-joined")


PROVOKED: Dict[str, List[Callable[[Framework], Any]]] = {
    "EngineError": [lambda f: f.state.engine.answer(True)],
    "EngineMismatchError": [lambda f: choice._choose("ruby")],
    "CharmMetadataError": [
        lambda f: odd_metadata(f, "requires: [%s]\n" % SECRET),
        lambda f: odd_metadata(f, "requires: {db: {interface: [%s]}\n" % SECRET),
    ],
    "TriggerCycleError": [lambda f: triggers()],
    "FlagNameError": [
        lambda f: flags.set_flag([SECRET]),  # type: ignore[arg-type]
        lambda f: flags.is_flag_set({"password": SECRET}),  # type: ignore[arg-type]
        lambda f: charms_reactive.when((SECRET,)),  # type: ignore[arg-type]
        lambda f: charms_reactive.when(Thing()),  # type: ignore[arg-type]
    ],
    "FlagValueError": [
        lambda f: flags.set_flag("a", {"password": SECRET, "thing": Thing()}),
        lambda f: flags.set_flag("a", {(SECRET,): SECRET}),
        lambda f: flags.set_flag("a", circular()),
    ],
    "UnitStateError": [damaged],
    "UnitStateLockedError": [locked],
    "CharmDirError": [
        lambda f: (f._patches.delenv("CHARM_DIR"), f._patches.delenv("JUJU_CHARM_DIR"), f.discover())
    ],
    "HandlerImportError": [
        lambda f: handlers(f, "import os, sys\npassword = os.environ['CHARM_PASSWORD']\nsys.exit(3)\n")
    ],
    "HandlerDeclarationError": [bash],
    "HandlerArgumentError": [lambda f: handlers(f, "@hook('update-status')\ndef handler(db):\n    pass\n")],
    "HandlerUseError": [
        lambda f: charms_reactive.action("a")(lambda password: SECRET),
        lambda f: charms_reactive.action()(lambda: SECRET),
    ],
    "ExternalHandlerError": [external],
    "HookToolError": [
        lambda f: answered(f, "password: %s" % SECRET),
        lambda f: answered(f, '["%s"]' % SECRET),
        lambda f: answered(f, '"%s"' % SECRET),
    ],
    "RelationDataError": [
        lambda f: load('"%s"' % SECRET, int),
        lambda f: load('["%s"]' % SECRET, List[int]),
        lambda f: load('{"a": "%s"}' % SECRET, Dict[str, int]),
        lambda f: store(SECRET, int),
        lambda f: store(Thing(), Any),
        lambda f: store({(1, SECRET): 1}, Any),
        lambda f: relation_data._as_yaml("db:0", "app/0", "password", SECRET + "\ud800"),
        lambda f: JSONUnitDataView({"a": SECRET}).__setitem__("a", SECRET),
    ],
    "RelationMethodError": [lambda f: charms_reactive.relations.relation_call("steal", flag="x")],
    "RelationToolError": [
        lambda f: (tool_fails(f, "relation-set", 2), relation_data.publish("db:0", {"password": SECRET})),
        lambda f: (tool_fails(f, "relation-get", 1), relation_data.read("db:0", "db/0")),
    ],
    "StrictModeError": [lambda f: (f.strict(), charms_reactive.when()(lambda: SECRET))],
    "EventAttributeError": [lambda f: events.emit_event(Happened, pasword=SECRET)],
    "EventHandlerError": [failing_handler],
    "EventUseError": [
        lambda f: events.handle_event(SECRET),  # type: ignore[arg-type]
        lambda f: events.emit_event(Happened(password=SECRET)),  # type: ignore[arg-type]
        lambda f: events.handle_event(Happened)(SECRET),  # type: ignore[type-var]
        lambda f: events.EventSource(Happened, sets=[SECRET]),  # type: ignore[arg-type]
        lambda f: events.observe(SECRET),  # type: ignore[call-overload]
        lambda f: Source.define_event([SECRET], Happened),  # type: ignore[arg-type]
        lambda f: events.handle_event(events.PostRecordUpdate[SECRET]),  # type: ignore[name-defined]
        lambda f: events.handle_event(Happened)(lambda: SECRET),
        lambda f: type("Sets", (events.Event,), {}, sets=[SECRET]),
    ],
    "EventCycleError": [lambda f: cycle()],
    "StatusError": [
        lambda f: status.add(SECRET),  # type: ignore[arg-type]
        lambda f: status.add([SECRET]),  # type: ignore[arg-type]
        lambda f: status.on_error(status.BlockedStatus("a"), SECRET),  # type: ignore[arg-type]
        lambda f: status.BlockedStatus({"password": SECRET}),  # type: ignore[arg-type]
    ],
    "ReconcilerError": [lambda f: on_error(ValueError("it broke"))],
    "RecordError": [
        lambda f: (stored("Numbered.1", [SECRET]), Numbered.get(1)),
        lambda f: (stored("Numbered." + SECRET, {"text": SECRET}), Numbered.all()),
        lambda f: in_a_pre_handler("save"),
        lambda f: Account.get(SECRET, name=SECRET),  # type: ignore[call-overload]
    ],
    "RecordDefinitionError": [
        lambda f: type("Made", (Record,), {"__annotations__": {"password": set}, "password": SECRET})(),
        lambda f: type("Made", (Record,), {}, sensitive="password")(),
    ],
    "RecordFieldError": [
        lambda f: Account(name="a", password=[SECRET]),  # type: ignore[arg-type]
        lambda f: Account(name="a", password=None),  # type: ignore[arg-type]
        lambda f: Account(name=[SECRET]),  # type: ignore[arg-type]
        lambda f: Account(name="a", quota=SECRET),  # type: ignore[arg-type]
        lambda f: Account(name="a", quota={SECRET: SECRET}),  # type: ignore[arg-type]
        lambda f: Account(name="a", more={"a": {SECRET}}),
        lambda f: Account(name="a", more=circular()),
        lambda f: Account(name=SECRET + "\ud800"),
        lambda f: Account(name="a", pasword=SECRET),  # type: ignore[call-arg]
        lambda f: Account.get([SECRET]),  # type: ignore[call-overload]
        lambda f: Account.filter(quota=SECRET),
        lambda f: Numbered.get(SECRET),
        lambda f: setattr(Account.create(name=SECRET), "name", SECRET + "2"),
        lambda f: (
            stored("Account." + SECRET, {"name": SECRET, "quota": SECRET}),
            Account.all(),  # which leaves it out, and says so in the log
            Account.get(SECRET),
        ),
        lambda f: type("Made", (Record,), {"__annotations__": {"password": bytes}, "password": SECRET})(),
        lambda f: type("Made", (Record,), {"__annotations__": {"quota": int}, "quota": SECRET})(),
    ],
    "RecordNotFoundError": [
        lambda f: Account.get(SECRET),
        lambda f: Account.get(name=SECRET),
        lambda f: Account.get(password=SECRET, quota=2),
        lambda f: deleted().save(),
        lambda f: deleted().refresh(),
        lambda f: Account(name=SECRET, password=SECRET).delete(),
    ],
    "RecordExistsError": [lambda f: [Account.create(name=SECRET, password=SECRET) for _ in range(2)]],
    "RecordReferenceError": [
        lambda f: Lease.create(account=SECRET),
        lambda f: (
            Account.create(name=SECRET),
            Lease.create(account=SECRET),
            Account.get(SECRET).delete(),
        ),
    ],
    "RecordAmbiguousError": [
        lambda f: (twice(), Account.get(password=SECRET)),
        lambda f: (twice(), Account.get(more=[SECRET])),
    ],
}
CASES: List[Tuple[str, int]] = [
    (name, number) for name, ways in PROVOKED.items() for number in range(len(ways))
]


@pytest.fixture
def provoking(framework: Framework, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Framework]:
    """A charm with hook tools of its own, and a value planted where it may be read."""
    monkeypatch.setenv(
        "PATH",
        "%s:%s:/usr/bin:/bin"
        % (framework.directory / "bin", Path(__file__).parents[2] / "wheel-data/scripts"),
    )
    monkeypatch.setenv("CHARM_PASSWORD", SECRET)
    monkeypatch.setattr("charms_reactive._juju.environment.hookenv.application_name", lambda: "app")
    monkeypatch.setattr("charms_reactive._juju.environment.hookenv.local_unit", lambda: "app/0")
    (framework.directory / "secret").write_text(SECRET)
    yield framework
    events.set_error_reporter(None)


def test_every_error_is_provoked() -> None:
    assert sorted(PROVOKED) == sorted(set(errors.__all__) - {"ReactiveError"})


@pytest.mark.parametrize(("name", "number"), CASES, ids=["%s-%d" % case for case in CASES])
def test_no_error_shows_a_value(
    provoking: Framework, capfd: pytest.CaptureFixture[str], name: str, number: int
) -> None:
    if name == "RelationMethodError":
        provoking._patches.setattr("charms_reactive.relations.endpoint_from_flag", lambda flag: Thing())
    with pytest.raises(getattr(errors, name)) as caught:
        PROVOKED[name][number](provoking)
    provoking.hand_over()
    shown = printed(caught.value)
    assert SECRET not in without_sources(shown)
    assert SECRET not in without_sources("\n".join(message for _, message in provoking.logged))
    assert caught.value.__class__.__module__ == "charms_reactive.errors"


def without_sources(text: str) -> str:
    """Without the lines of this file that a traceback quotes, none of which has the value itself in it."""
    for line in inspect.getsource(inspect.getmodule(printed)).splitlines():  # type: ignore[arg-type]
        assert SECRET not in line or line.startswith("SECRET = ")
    return text


def test_no_repr_shows_a_value(framework: Framework) -> None:
    account = Account.create(name=SECRET, password=SECRET, more={"a": [SECRET]})
    event = events.emit_event(Happened, origin=account, password=SECRET, more=[SECRET])
    diffs: List[Any] = []
    events.handle_event(events.PostRecordUpdate[Account])(lambda event: diffs.append((event, event.diff)))
    account.password = SECRET + "2"
    account.save()
    shown = [account, event, copy.copy(event), Thing().on, Thing().on.happened, *diffs[0]]
    assert SECRET not in repr(shown) + "".join(map(str, shown))
    assert SECRET not in repr(account.redacted()["password"]) + repr(diffs[0][1].redacted())


HOOK = """
from charms.reactive import events, hook
from charms.reactive.records import Record

class Account(Record, key="name"):
    name: str
    password: str = ""

@events.handle_event(events.PostRecordCreate[Account])
def listen(event):
    raise RuntimeError("%%s %%r" %% (event, event.record))

@hook("install")
def install():
    with open("secret") as file:
        secret = file.read()
    Account.create(name=secret, password=secret)
    %s

"""


@pytest.mark.parametrize(
    "statement",
    [
        "Account.create(name=secret)",
        "Account.get(password=secret + '!')",
        "Account.get(secret).password = [secret]",
        "raise LookupError(repr(Account.all()))",
    ],
)
def test_no_hook_logs_a_value(unit: Unit, statement: str) -> None:
    unit.write("secret", SECRET)
    unit.write("reactive/app.py", HOOK % statement)
    done = unit.run("install")
    assert done.status == 1
    assert (
        ":listen failed on PostRecordCreate of Account: RuntimeError: <PostRecordCreate, re"
        in unit.log_text()
    )
    assert SECRET not in done.stdout + done.stderr + unit.log_text()


def test_no_leader_setting_is_logged(unit: Unit) -> None:
    unit.answer("leader-get", '["%s"]' % SECRET)
    unit.answer("is-leader", '"%s"' % SECRET)
    unit.write(
        "reactive/app.py", "from charms.reactive import when\n@when('leadership.set.a')\ndef f():\n    pass\n"
    )
    done = unit.run()
    assert done.status == 0, done.stderr
    assert "Juju does not answer leader-get" in unit.log_text()
    assert SECRET not in done.stderr + unit.log_text()
