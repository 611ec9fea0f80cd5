"""What becomes of an exception in a handler: it is logged and reported, and stops nobody else (SPEC 15)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from charms.reactive import events, flags
from charms_reactive._events import event_registry
from charms_reactive.errors import EventHandlerError, StrictModeError
from framework.support import Framework, Unit

Log = List[Tuple[str, str]]


class Happened(events.Event):
    secret: str = ""


class Source(events.ObjectEvents):
    happened = events.EventSource(Happened)


class Thing(events.Object):
    on = Source()


def failing(event: Happened) -> None:
    raise ValueError("it broke")


def test_the_others_still_run_and_the_emitter_goes_on(log: Log) -> None:
    heard: List[Any] = []
    events.handle_event(Happened)(failing)
    events.handle_event(Happened)(heard.append)
    events.handle_event(Happened)(lambda event: 1 // 0)
    event = events.emit_event(Happened)
    assert heard == [event]
    assert [level for level, _ in log] == ["ERROR", "ERROR"]


def test_the_log_names_handler_and_event_and_has_the_traceback(log: Log) -> None:
    events.handle_event(Happened, origin="here")(failing)
    events.emit_event(Happened, origin="here", secret="hunter2")
    ((_, message),) = log
    first, *others = message.splitlines()
    place = "%d:failing" % failing.__code__.co_firstlineno
    assert first.startswith("event handler ")
    assert first.endswith("test_exceptions.py:%s failed on Happened of here: ValueError: it broke" % place)
    assert others[0] == "Traceback (most recent call last):"
    assert 'raise ValueError("it broke")' in message
    assert others[-1] == "ValueError: it broke"
    # Who reads the log needs the code of the charm, not ours; and what the event carries is not for it.
    assert "_event_delivery" not in message
    assert "hunter2" not in message


def test_the_same_for_events_on_objects(log: Log) -> None:
    heard: List[Any] = []
    thing = Thing()
    events.observe(thing.on.happened, failing)
    events.observe(thing.on.happened, heard.append)
    assert thing.on.happened.emit() in heard
    ((_, message),) = log
    assert "failed on Thing.on.happened: ValueError: it broke" in message


def test_one_hook_is_told_of_each(log: Log) -> None:
    told: List[Any] = []
    events.handle_event(Happened)(failing)
    assert events.set_error_reporter(lambda *reported: told.append(reported)) is None
    event = events.emit_event(Happened)
    ((error, of, handler),) = told
    assert str(error) == "it broke"
    assert error.__traceback__ is not None
    assert of is event
    assert handler is failing
    assert len(log) == 1


def test_the_hook_can_be_put_back(log: Log) -> None:
    told: List[str] = []
    events.handle_event(Happened)(failing)
    outer = events.set_error_reporter(lambda *_: told.append("outer"))
    before = events.set_error_reporter(lambda *_: told.append("inner"))
    events.emit_event(Happened)
    events.set_error_reporter(before)
    events.emit_event(Happened)
    events.set_error_reporter(outer)
    events.emit_event(Happened)
    assert told == ["inner", "outer"]


def test_a_reporter_that_fails_is_logged_and_stops_nobody(log: Log) -> None:
    heard: List[Any] = []

    def reporter(error: Exception, event: events.Event, handler: object) -> None:
        raise KeyError("no connection")

    events.set_error_reporter(reporter)
    events.handle_event(Happened)(failing)
    events.handle_event(Happened)(heard.append)
    events.emit_event(Happened)
    assert len(heard) == 1
    assert "it broke" in log[0][1]
    assert "the error reporter" in log[1][1]
    assert "no connection" in log[1][1]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_ends_a_process_goes_through(kind: type, log: Log) -> None:
    heard: List[Any] = []

    @events.handle_event(Happened)
    def stop(event: Happened) -> None:
        raise kind

    events.handle_event(Happened)(heard.append)
    with pytest.raises(kind):
        events.emit_event(Happened)
    assert heard == []
    assert log == []
    # Nothing of it is left behind.
    events.unhandle_event(stop, Happened)
    events.emit_event(Happened)
    assert len(heard) == 1


def test_what_a_handler_cannot_be_called_with_is_its_own_failure(log: Log) -> None:
    """Where registering it could not tell, because it is wrapped."""

    def wrapper(*args: Any) -> Any:
        return (lambda: None)(*args)

    events.handle_event(Happened)(wrapper)
    events.emit_event(Happened)
    assert "takes 0 positional arguments but 1 was given" in log[0][1]


def test_what_returns_a_coroutine_is_a_failure_too(log: Log) -> None:
    async def body(event: events.Event) -> None:
        raise AssertionError

    def handler(event: events.Event) -> Any:
        made = body(event)
        made.close()
        return made

    events.handle_event(Happened)(handler)
    events.emit_event(Happened)
    assert ":handler returns a coroutine or generator, of which nothing has run" in log[0][1]


class Unspeakable(Exception):
    """Whoever tries to say what it is fails as well."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Nameless:
    """It raises another error than the one that is expected where an attribute is missing."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no " + name)


def test_what_cannot_be_told_in_words_stops_nobody_either(log: Log) -> None:
    heard: List[Any] = []

    def speechless(event: Happened) -> None:
        raise Unspeakable

    events.handle_event(Happened)(speechless)
    events.handle_event(Happened)(failing)
    events.handle_event(Happened)(heard.append)
    events.emit_event(Happened)
    events.emit_event(Happened, origin=Nameless())
    assert len(heard) == 2
    assert [level for level, _ in log] == ["ERROR"] * 4
    assert "an event handler failed: Unspeakable\n" in log[0][1]
    assert all("in speechless" in message for _, message in log[::2])
    assert all("ValueError: it broke" in message for _, message in log[1::2])


def test_a_log_that_fails_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from charms_reactive._juju.environment import hookenv

    def broken(message: str, level: object = None) -> None:
        raise OSError("no log today")

    monkeypatch.setattr(hookenv, "log", broken)
    heard: List[Any] = []
    events.handle_event(Happened)(failing)
    events.handle_event(Happened)(heard.append)
    events.emit_event(Happened)
    assert len(heard) == 1
    said = capsys.readouterr().err
    assert "ValueError: it broke" in said
    assert "no log today" in said


def test_outside_a_hook_and_without_juju_it_is_told_on_stderr(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from charms.reactive import events\n"
        "class Happened(events.Event): ...\n"
        "@events.handle_event(Happened)\n"
        "def failing(event): raise ValueError('it broke')\n"
        "@events.handle_event(Happened)\n"
        "def second(event): print('still runs')\n"
        "events.emit_event(Happened)\n"
    )
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert done.stdout == "still runs\n"
    assert "program.py:3:failing failed on Happened: ValueError: it broke" in done.stderr
    assert "Traceback (most recent call last)" in done.stderr


def test_endless_recursion_in_a_handler_is_its_own_failure(log: Log) -> None:
    def endless(event: object) -> None:
        endless(event)

    heard: List[Any] = []
    events.handle_event(Happened)(endless)
    events.handle_event(Happened)(heard.append)
    events.emit_event(Happened)
    assert len(heard) == 1
    assert "RecursionError" in log[0][1]


def test_a_hook_succeeds_although_an_event_handler_failed_in_it(unit: Unit) -> None:
    unit.write("reactive/app.py", APP)
    done = unit.run("install")
    assert done.status == 0, done.stderr
    assert unit.committed_flags() == ["after", "before", "changed-by-handler"]
    errors = [message for level, message in unit.logged() if level == "ERROR"]
    assert len(errors) == 1
    assert "event handler reactive/app.py:6:failing failed on Happened: ValueError: it broke" in errors[0]
    # Not out of order with what the charm itself logs.
    messages = [message.splitlines()[0] for _, message in unit.logged()]
    assert messages.index("still here") > messages.index(errors[0].splitlines()[0])


def test_a_hook_that_fails_takes_back_what_event_handlers_did(unit: Unit) -> None:
    unit.write("reactive/app.py", APP)
    done = unit.run("install", env={"FAIL": "1"})
    assert done.status == 1
    assert unit.committed_flags() == []
    errors = [message for level, message in unit.logged() if level == "ERROR"]
    assert "event handler reactive/app.py:6:failing failed" in errors[0]
    assert "Hook error in handler reactive/app.py" in errors[1]
    assert "the hook itself" in errors[1]
    assert "changed-by-handler is clear again" in errors[1]


APP = """\
import os
from charmhelpers.core.hookenv import log
from charms.reactive import events, hook, set_flag
class Happened(events.Event): ...

@events.handle_event(Happened)
def failing(event):
    set_flag("changed-by-handler")
    raise ValueError("it broke")

@events.handle_event(Happened)
def second(event):
    log("still here")

@hook("install")
def install():
    set_flag("before")
    events.emit_event(Happened)
    set_flag("after")
    if os.environ.get("FAIL"):
        raise RuntimeError("the hook itself")
"""


def test_exit_status_0_from_an_event_handler_ends_the_hook_as_a_success(framework: Framework) -> None:
    from charms.reactive import hook, is_flag_set

    @events.handle_event(Happened)
    def stop(event: Happened) -> None:
        flags.set_flag("stopped")
        raise SystemExit(0)

    @hook("install")
    def install() -> None:
        events.emit_event(Happened)
        flags.set_flag("never")

    framework.main("install")
    assert is_flag_set("stopped")
    assert not is_flag_set("never")


# -- where an exception of a handler is not only to be logged -----------------------------------------------
def fail_twice() -> List[str]:
    """Register two handlers that raise, and one after them that runs."""
    ran: List[str] = []

    @events.handle_event(Happened)
    def first(event: Happened) -> None:
        raise ValueError("one")

    @events.handle_event(Happened)
    def second(event: Happened) -> None:
        raise KeyError("two")

    @events.handle_event(Happened)
    def third(event: Happened) -> None:
        ran.append("third")

    return ran


@pytest.mark.parametrize(
    ("variables", "fails"),
    [
        ({}, False),
        ({"CHARMS_REACTIVE_STRICT": "1"}, True),
        ({"CHARMS_REACTIVE_EVENT_ERRORS": "fail"}, True),
        ({"CHARMS_REACTIVE_EVENT_ERRORS": "log", "CHARMS_REACTIVE_STRICT": "1"}, False),
    ],
)
def test_in_strict_mode_the_emission_fails_once_all_have_run(
    log: Log, monkeypatch: pytest.MonkeyPatch, variables: Dict[str, str], fails: bool
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ran = fail_twice()
    if not fails:
        events.emit_event(Happened)
    else:
        with pytest.raises(EventHandlerError) as caught:
            events.emit_event(Happened)
        assert len(caught.value.failures) == 2
        assert ":first failed on Happened: ValueError: one (and 1 more); the log has" in str(caught.value)
        assert isinstance(caught.value.__cause__, ValueError)
        assert isinstance(caught.value, StrictModeError)
    assert ran == ["third"]
    assert len(log) == 2
    # Nothing of it is left for the next one.
    for handler in list(event_registry.in_use.entries[Happened]):
        events.unhandle_event(handler[2], Happened)
    events.emit_event(Happened)


def test_in_strict_mode_it_is_the_outermost_emission_that_fails(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Outer(events.Event): ...

    monkeypatch.setenv("CHARMS_REACTIVE_STRICT", "1")
    fail_twice()
    went_on = []

    @events.handle_event(Outer)
    def emit(event: Outer) -> None:
        events.emit_event(Happened)
        went_on.append(True)

    with pytest.raises(EventHandlerError):
        events.emit_event(Outer)
    assert went_on == [True]


def test_in_strict_mode_events_on_objects_and_of_flags_fail_too(
    framework: Framework, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Things(events.ObjectEvents):
        ready = events.EventSource(Happened)

    class Thing(events.Object):
        on = Things()

    framework.strict()
    thing = Thing()
    fail_twice()
    with pytest.raises(EventHandlerError, match=r"failed on Thing\.on\.ready"):
        thing.on.ready.emit()

    @events.handle_event(events.FlagSet)
    def noted(event: events.FlagSet) -> None:
        raise ValueError("three")

    with pytest.raises(EventHandlerError, match="failed on FlagSet of a"):
        flags.set_flag("a")
    assert flags.is_flag_set("a")


@pytest.mark.parametrize("name", ["CHARMS_REACTIVE_STRICT", "reactive-strict"])
def test_in_strict_mode_the_hook_fails_when_it_ends(unit: Unit, name: str) -> None:
    unit.write("reactive/app.py", APP)
    unit.write("config.yaml", "options:\n  reactive-strict: {type: boolean}\n")
    unit.answer("config-get", '{"reactive-strict": true}' if name == "reactive-strict" else "{}")
    done = unit.run("install", env={"CHARMS_REACTIVE_STRICT": "1"} if name != "reactive-strict" else {})
    assert done.status == 1
    assert unit.committed_flags() == []
    assert unit.invoked() == [HANDLER]
    errors = [message for level, message in unit.logged() if level == "ERROR"]
    assert (
        "EventHandlerError: event handler reactive/app.py:6:failing failed on Happened: ValueError: it"
        in errors[1]
    )
    assert "after is clear again" in errors[1]


HANDLER = "reactive/app.py:15:install"


@pytest.mark.parametrize("event", ["HookStarted", "HandlerInvoked", "FlagSet", "HookCommitted"])
def test_handlers_of_the_frameworks_own_events_are_not_overlooked_either(unit: Unit, event: str) -> None:
    unit.write("reactive/app.py", OF_SYSTEM % event)
    assert unit.run("install").status == 0
    done = unit.run("install", env={"CHARMS_REACTIVE_EVENT_ERRORS": "fail"})
    assert done.status == 1
    assert "event handler reactive/app.py:3:failing failed on %s of " % event in done.stderr


OF_SYSTEM = """\
from charms.reactive import events, hook, set_flag, clear_flag

@events.handle_event(events.%s)
def failing(event):
    raise ValueError("it broke")

@hook("install")
def install():
    clear_flag("a")
    set_flag("a")
"""


def test_a_simulated_hook_fails(juju_unit: Any) -> None:
    def handlers() -> None:
        from charms.reactive import events, hook

        class Happened(events.Event): ...

        @events.handle_event(Happened)
        def failing(event: Happened) -> None:
            raise ValueError("it broke")

        @hook("install")
        def install() -> None:
            events.emit_event(Happened)

    strict = juju_unit(handlers=handlers).run("install")
    assert not strict.succeeded
    assert re.search(
        r"EventHandlerError: event handler \S+:failing failed on Happened: ValueError: it broke",
        strict.stderr,
    )
    lenient = juju_unit(handlers=handlers, environment={"CHARMS_REACTIVE_EVENT_ERRORS": "log"})
    assert lenient.run("install").succeeded
