"""Each dispatch is a context: it speaks if something was added in it, and not as if nothing had failed."""

from __future__ import annotations

from typing import Any, List

import pytest
from charmhelpers.core import unitdata

from charms_reactive import is_flag_set, set_flag, status, when_any, when_not
from charms_reactive._juju.environment import hookenv
from charms_reactive.events import Event, emit_event, handle_event, set_error_reporter
from charms_reactive.status import (
    ActiveStatus,
    BlockedStatus,
    MaintenanceStatus,
    ReconcilerError,
    WaitingStatus,
)
from framework.support import Framework

from .conftest import Juju


@pytest.fixture
def juju(framework: Framework, juju: Juju) -> Juju:
    """After the framework, whose fixture puts its own log in place."""
    return juju


def _sets(juju: Juju) -> List[str]:
    return [call for call in juju.calls if call.startswith("status-set")]


def test_a_dispatch_in_which_nothing_is_added_says_nothing(framework: Framework, juju: Juju) -> None:
    when_not("x")(lambda: None)
    framework.main()
    assert juju.calls == []


def test_the_status_is_settled_when_the_handlers_are_done(framework: Framework, juju: Juju) -> None:
    @when_not("x")
    def first() -> None:
        status.add(WaitingStatus("For the database"))
        assert juju.calls == []

    @when_not("x")
    def second() -> None:
        status.add(MaintenanceStatus("Working"))
        status.add(BlockedStatus("The password is needed"))

    hookenv.atexit(lambda: framework.told.append(juju.status))
    assert framework.main() == ["blocked: The password is needed"]
    assert juju.calls == ["status-set maintenance Working", "status-set blocked The password is needed"]


def test_dispatch_alone_is_a_context_too(framework: Framework, juju: Juju) -> None:
    when_not("x")(lambda: status.add(MaintenanceStatus("Working")))
    framework.dispatch()
    assert juju.status == "active: Ready"


def test_an_active_that_was_added_is_what_it_ends_with(framework: Framework, juju: Juju) -> None:
    when_not("x")(lambda: status.add(ActiveStatus("http://10.0.0.1/")))
    framework.main()
    assert juju.status == "active: http://10.0.0.1/"
    juju.hook("update-status", "2")
    when_not("x")(lambda: status.add(ActiveStatus("http://10.0.0.1/")))
    juju.calls.clear()
    framework.main()
    assert _sets(juju) == []


def test_what_atstart_callbacks_add_counts(framework: Framework, juju: Juju) -> None:
    hookenv.atstart(lambda: status.add(BlockedStatus("Of an endpoint")))
    when_not("x")(lambda: status.add(MaintenanceStatus("Working")))
    framework.main()
    assert juju.status == "blocked: Of an endpoint"


def test_a_status_that_the_charm_sets_by_other_means_is_not_replaced_by_the_default(
    framework: Framework, juju: Juju
) -> None:
    @when_not("x")
    def work() -> None:
        status.add(MaintenanceStatus("Working"))
        hookenv.status_set("active", "http://10.0.0.1/")

    framework.main()
    assert juju.status == "active: http://10.0.0.1/"


def test_a_handler_that_runs_again_has_the_last_word_on_what_it_said_before(
    framework: Framework, juju: Juju
) -> None:
    @when_any("a", "b")
    def look() -> None:
        framework.told.append("look")
        with status.context():
            if not is_flag_set("b"):
                status.add(BlockedStatus("b is missing"))

    @when_not("b")
    def provide() -> None:
        status.add(WaitingStatus("For c"))
        set_flag("b")

    set_flag("a")
    assert framework.main() == ["look", "look"]
    assert _sets(juju) == [
        "status-set blocked b is missing",
        "status-set active Ready",
        "status-set waiting For c",
    ]


def test_contexts_in_handlers_count_in_the_dispatch(framework: Framework, juju: Juju) -> None:
    @when_not("x")
    def first() -> None:
        with status.context():
            status.add(BlockedStatus("The password is needed"))
        assert juju.status == "blocked: The password is needed"

    @when_not("x")
    def second() -> None:
        with status.context():
            pass
        assert juju.status == "active: Ready"

    framework.main()
    assert juju.status == "blocked: The password is needed"


def test_the_exit_status_of_a_context_in_a_handler_is_what_the_dispatch_ends_with(
    framework: Framework, juju: Juju
) -> None:
    @when_not("x")
    def stop() -> None:
        status.add(MaintenanceStatus("Stopping"))
        with status.context(exit_status=MaintenanceStatus("Stopped")):
            pass

    framework.main()
    assert _sets(juju) == ["status-set maintenance Stopping", "status-set maintenance Stopped"]


def test_the_application_in_a_dispatch(framework: Framework, juju: Juju) -> None:
    when_not("x")(lambda: status.add(BlockedStatus("No quorum"), app=True))
    framework.main()
    assert juju.application_status == "blocked: No quorum"
    assert "status-set" not in " ".join(call for call in juju.calls if "--application" not in call)


# -- failures ------------------------------------------------------------------------------------------


def test_a_dispatch_that_fails_never_ends_in_active(framework: Framework, juju: Juju) -> None:
    @when_not("x")
    def fail() -> None:
        status.add(MaintenanceStatus("Working"))
        status.add(ActiveStatus("All is well"))
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        framework.main()
    assert juju.status == "maintenance: Working"


def test_a_dispatch_that_fails_shows_what_was_blocked(framework: Framework, juju: Juju) -> None:
    @when_not("x")
    @status.on_error(BlockedStatus("The database does not answer"), ConnectionError)
    def connect() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ReconcilerError):
        framework.main()
    assert juju.status == "blocked: The database does not answer"


def test_an_active_that_was_set_before_a_failure_is_taken_back(framework: Framework, juju: Juju) -> None:
    @when_not("x")
    def first() -> None:
        with status.context():
            pass
        assert juju.status == "active: Ready"

    @when_not("x")
    def second() -> None:
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        framework.main()
    assert juju.status == "blocked: unexpected error: ValueError"


@pytest.mark.parametrize("where", ["atexit", "commit"])
def test_a_hook_that_fails_after_its_handlers_does_not_stay_active(
    framework: Framework, juju: Juju, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    when_not("x")(lambda: status.add(ActiveStatus("All is well")))

    def fail() -> None:
        assert juju.status == "active: All is well"
        raise OSError("no space left")

    if where == "atexit":
        hookenv.atexit(fail)
    else:
        unitdata.kv()
        monkeypatch.setattr(framework.state, "commit", fail)
    with pytest.raises(OSError, match="no space left"):
        framework.main()
    assert juju.status == "blocked: unexpected error: OSError"


def test_a_status_from_an_earlier_hook_is_left_alone_by_a_failure(framework: Framework, juju: Juju) -> None:
    juju.set_otherwise("active: Ready")

    @when_not("x")
    def fail() -> None:
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        framework.main()
    assert juju.calls == []


def test_sys_exit_ends_the_dispatch_as_a_success(framework: Framework, juju: Juju) -> None:
    @when_not("x")
    def stop() -> None:
        status.add(WaitingStatus("For the database"))
        raise SystemExit

    framework.main()
    assert juju.status == "waiting: For the database"


def test_a_status_set_that_fails_does_not_hide_the_error(
    framework: Framework, juju: Juju, monkeypatch: pytest.MonkeyPatch
) -> None:
    juju.tool("status-set", "exec sleep 60\n")
    monkeypatch.setenv("CHARMS_REACTIVE_TOOL_TIMEOUT", "0.2")

    @when_not("x")
    def fail() -> None:
        status.add(BlockedStatus("The password is needed"))
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        framework.main()
    assert "the status could not be set" in " ".join(juju.lines("WARNING"))


def test_nor_does_one_at_the_end_of_a_context(
    framework: Framework, juju: Juju, monkeypatch: pytest.MonkeyPatch
) -> None:
    juju.tool("status-set", "exec sleep 60\n")
    monkeypatch.setenv("CHARMS_REACTIVE_TOOL_TIMEOUT", "0.2")

    def fail() -> None:
        with status.context():
            status.add(BlockedStatus("The password is needed"))
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    framework.hand_over()
    assert "the status could not be set" in " ".join(juju.lines("WARNING"))


def test_an_event_handler_that_raises_in_a_hook_that_succeeds(framework: Framework, juju: Juju) -> None:
    class Rendered(Event):
        page: str

    reported: List[Any] = []
    before = set_error_reporter(lambda *what: reported.append(what[0]))

    @handle_event(Rendered)
    def check(event: Rendered) -> None:
        with status.on_error(BlockedStatus("The page is empty"), ValueError):
            raise ValueError(event.page)

    @when_not("x")
    def render() -> None:
        status.add(MaintenanceStatus("Rendering"))
        emit_event(Rendered, page="")
        set_flag("x")

    try:
        framework.main()
    finally:
        set_error_reporter(before)
    assert [type(error) for error in reported] == [ReconcilerError]
    assert juju.status == "blocked: The page is empty"
    assert framework.committed_flags() == ["x"]
