"""The events of the framework's own life (SPEC 15)."""

from __future__ import annotations

from typing import Any, List

import pytest

from charms.reactive import bus, clear_flag, events, flags, get_flags, hook, set_flag, when
from charms_reactive._events import event_registry
from framework.support import Framework, Unit

Told = List[Any]


@pytest.fixture
def told() -> Told:
    """All system events in short, in order."""
    heard: Told = []

    @events.handle_event(events.SystemEvent)
    def note(event: events.SystemEvent) -> None:
        heard.append((type(event).__name__, event.origin))

    return heard


def test_a_hook_from_start_to_commit(framework: Framework, told: Told) -> None:
    @hook("install")
    def install() -> None:
        set_flag("a")

    @when("a")
    def use() -> None:
        clear_flag("a")

    framework.main("install")
    assert told == [
        ("HookStarted", "install"),
        ("FlagSet", "a"),
        ("HandlerInvoked", install),
        ("FlagCleared", "a"),
        ("HandlerInvoked", use),
        ("HookCommitted", "install"),
    ]


def test_what_they_carry(framework: Framework) -> None:
    heard: List[Any] = []
    events.handle_event(events.SystemEvent)(heard.append)

    @hook("install")
    def install() -> None: ...

    framework.main("install")
    started, invoked, committed = heard
    assert started.hook == committed.hook == "install"
    assert invoked.handler.endswith(":install")
    assert 0 <= invoked.seconds < 10


def test_the_hook_has_started_when_the_charm_is_imported_and_nothing_else_has_run(
    framework: Framework,
) -> None:
    framework.write(
        "reactive/app.py",
        """
        from charms.reactive import events, hook, set_flag
        from charmhelpers.core import hookenv
        order = []
        hookenv.atstart(order.append, "atstart")
        @events.handle_event(events.HookStarted)
        def started(event): order.append("HookStarted")
        @hook("install")
        def install():
            order.append("install")
            set_flag(" ".join(order))
        """,
    )
    framework.main("install")
    assert get_flags() == ["HookStarted atstart install"]


def test_a_hook_that_fails(framework: Framework, told: Told) -> None:
    errors: List[Any] = []
    at_failure: List[Any] = []
    events.handle_event(events.HandlerFailed)(lambda event: errors.append(event.error))
    events.handle_event(events.HookFailed)(lambda event: errors.append(event.error))
    events.handle_event(events.HandlerFailed)(lambda event: at_failure.append(get_flags()))
    events.handle_event(events.HookFailed)(lambda event: at_failure.append(get_flags()))

    @hook("install")
    def install() -> None:
        set_flag("a")
        raise ValueError("it broke")

    with pytest.raises(ValueError, match="it broke") as caught:
        framework.main("install")
    assert told == [
        ("HookStarted", "install"),
        ("FlagSet", "a"),
        ("HandlerFailed", install),
        ("HookFailed", "install"),
    ]
    assert errors == [caught.value, caught.value]
    assert at_failure == [["a"], []]  # rolled back in between


def test_exit_status_0_is_a_success_and_1_is_not(framework: Framework, told: Told) -> None:
    @hook("install", "start")
    def leave() -> None:
        raise SystemExit(0 if framework.told == [] else 1)

    framework.main("install")
    assert [name for name, _ in told] == ["HookStarted", "HandlerInvoked", "HookCommitted"]
    told.clear()
    framework.told.append("fail now")
    with pytest.raises(SystemExit):
        framework.main("start")
    assert [name for name, _ in told] == ["HookStarted", "HandlerFailed", "HookFailed"]


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
def test_no_handler_turns_a_hook_that_failed_into_a_success(framework: Framework, kind: type) -> None:
    @events.handle_event(events.HookFailed)
    def fail_too(event: events.HookFailed) -> None:
        raise kind(0)

    @hook("install")
    def install() -> None:
        raise RuntimeError("the hook itself")

    with pytest.raises(RuntimeError, match="the hook itself"):
        framework.main("install")


@pytest.mark.parametrize("kind", [events.HookCommitted, events.HookFailed])
def test_what_is_changed_too_late_is_not_kept_and_named(framework: Framework, kind: Any) -> None:
    @events.handle_event(kind)
    def too_late(event: Any) -> None:
        set_flag("too-late")

    @hook("install")
    def install() -> None:
        set_flag("in-time")
        if kind is events.HookFailed:
            raise ValueError

    try:
        framework.main("install")
    except ValueError:
        pass
    assert get_flags() == (["in-time"] if kind is events.HookCommitted else [])
    (warning,) = framework.lines("WARNING")
    assert warning == "handlers of %s changed flags too late to be kept: too-late" % kind.__name__


def test_a_handler_that_raises_when_the_hook_is_committed_changes_nothing(framework: Framework) -> None:
    @events.handle_event(events.HookCommitted)
    def failing(event: events.HookCommitted) -> None:
        raise ValueError("it broke")

    @hook("install")
    def install() -> None:
        set_flag("a")

    framework.main("install")
    assert framework.committed_flags() == ["a"]
    assert any("it broke" in line for line in framework.lines("ERROR"))


def test_an_external_handler_has_its_file_as_origin(unit: Unit) -> None:
    unit.write(
        "reactive/told.py",
        """
        from charmhelpers.core.hookenv import log
        from charms.reactive import events
        @events.handle_event(events.HandlerInvoked)
        def told(event): log("heard %s %s" % (type(event).__name__, event.origin.rpartition("/")[2]))
        """,
    )
    script = "#!/bin/sh\n[ $1 = --invoke ] || [ $JUJU_HOOK_NAME = install ]\n"
    unit.write("reactive/shell.sh", script, executable=True)
    assert unit.run("install").status == 0
    assert "heard HandlerInvoked shell.sh" in unit.log_text()


def test_a_function_of_bash_has_its_file_as_origin(unit: Unit) -> None:
    unit.write(
        "reactive/told.py",
        """
        from charmhelpers.core.hookenv import charm_dir, log
        from charms.reactive import events
        @events.handle_event(events.HandlerInvoked, origin=charm_dir() + "/reactive/website.sh")
        def told(event): log("heard %s" % event.handler)
        """,
    )
    script = """\
        #!/bin/bash
        source charms.reactive.sh
        @hook 'install'
        function unpack() { :; }
        reactive_handler_main
        """
    unit.write("reactive/website.sh", script, executable=True)
    assert unit.run("install").status == 0
    assert "heard reactive/website.sh:4:unpack" in unit.log_text()


def test_events_in_a_restricted_hook(framework: Framework, told: Told) -> None:
    framework.main("collect-metrics")
    assert told == [("HookStarted", "collect-metrics"), ("HookCommitted", "collect-metrics")]


@pytest.mark.parametrize(
    ("kind", "flags_listened", "hooks_listened"),
    [
        (events.PostRecordUpdate, False, False),
        (events.FlagSet, True, False),
        (events.FlagCleared, True, False),
        (events.HookStarted, False, True),
        (events.HandlerInvoked, False, True),
        (events.SystemEvent, True, True),
        (events.Event, True, True),
    ],
)
def test_nothing_listens_until_somebody_wants_to_hear(
    kind: Any, flags_listened: bool, hooks_listened: bool
) -> None:
    assert (flags.listener, bus.listener) == (None, None)
    events.handle_event(kind)(lambda event: None)
    assert (flags.listener is not None, bus.listener is not None) == (flags_listened, hooks_listened)


def test_a_registry_put_in_place_of_another_hears_nothing_of_its_handlers(framework: Framework) -> None:
    heard: List[Any] = []
    events.handle_event(events.FlagSet)(heard.append)
    kept = event_registry.in_use
    event_registry.in_use = event_registry.Registry()
    set_flag("a")
    assert heard == []
    event_registry.in_use = kept
    set_flag("b")
    assert [event.flag for event in heard] == ["b"]


def test_a_hook_does_not_import_events_unless_it_uses_them(one_unit: Unit) -> None:
    one_unit.write(
        "reactive/app.py",
        """
        import sys
        from charms.reactive import hook, set_flag
        @hook("install")
        def install():
            set_flag("a")
            ours = [name for name in sys.modules if name.startswith("charms_reactive")]
            print(sorted(name for name in ours if "event" in name))
        """,
    )
    needed = ["charms_reactive._events"]  # endpoints are objects
    assert one_unit.run("install").stdout == "%s\n" % needed


def test_the_import_of_events_brings_no_module_that_is_not_ours(one_unit: Unit) -> None:
    one_unit.write(
        "reactive/app.py",
        """
        import sys
        before = set(sys.modules)
        import charms.reactive
        assert charms.reactive.events is sys.modules["charms_reactive.events"]
        print([name for name in sys.modules if name not in before and not name.startswith("charms")])
        """,
    )
    assert one_unit.run("install").stdout == "[]\n"
