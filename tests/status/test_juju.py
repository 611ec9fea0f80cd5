"""Juju's unit and application: which processes are started, and what becomes of the ones that fail."""

from __future__ import annotations

import time

import pytest

from charms_reactive import status
from charms_reactive._juju.environment import hookenv
from charms_reactive.errors import HookToolError
from charms_reactive.status import ActiveStatus, BlockedStatus, MaintenanceStatus, WaitingStatus

from .conftest import Juju


def test_the_default_is_the_unit_of_juju(juju: Juju) -> None:
    with status.context():
        status.add(MaintenanceStatus("Configuring"))
        assert juju.status == "maintenance: Configuring"
        status.add(BlockedStatus("The option password is needed"))
        assert juju.status == "maintenance: Configuring"
    assert juju.status == "blocked: The option password is needed"


def test_outside_all_contexts_a_status_is_set_at_once(juju: Juju) -> None:
    for one in (BlockedStatus("b"), WaitingStatus("w"), MaintenanceStatus("m"), ActiveStatus("a")):
        status.add(one)
        assert juju.status == "%s: %s" % (one.name, one.message)


def test_a_context_that_changes_the_status_is_two_processes(juju: Juju) -> None:
    with status.context():
        status.add(MaintenanceStatus("Configuring"))
        status.add(WaitingStatus("For the database"))
    assert juju.calls == ["status-set maintenance Configuring", "status-set waiting For the database"]


def test_an_unchanged_status_is_not_sent_again_and_asking_is_the_only_process(juju: Juju) -> None:
    juju.set_otherwise("active: Ready")
    with status.context():
        pass
    assert juju.calls == ["status-get --include-data --format=json"]
    juju.hook("update-status", "2")
    juju.set_otherwise("blocked: by an earlier hook")
    with status.context():
        pass
    assert juju.calls == ["status-get --include-data --format=json", "status-set active Ready"]


def test_maintenance_that_is_said_again_costs_nothing(juju: Juju) -> None:
    for _ in range(50):
        status.add(MaintenanceStatus("Joining nodes"))
    assert juju.calls == ["status-set maintenance Joining nodes"]


def test_a_status_that_others_have_set_since_is_not_taken_for_ours(juju: Juju) -> None:
    with status.context():
        pass
    hookenv.status_set("blocked", "by a layer that knows nothing of contexts")
    with status.context():
        pass
    assert juju.status == "active: Ready"


def test_what_was_sent_in_another_hook_proves_nothing(juju: Juju) -> None:
    status.add(MaintenanceStatus("Working"))
    juju.hook("config-changed", "2")
    juju.set_otherwise("active: meanwhile")
    status.add(MaintenanceStatus("Working"))
    assert juju.status == "maintenance: Working"


def test_the_application_of_the_leader(juju: Juju) -> None:
    with status.application():
        status.add(BlockedStatus("No quorum"), app=True)
        status.add(WaitingStatus("For the others"))  # is of the unit, and outside its contexts
        assert juju.status == "waiting: For the others"
    assert juju.application_status == "blocked: No quorum"
    juju.calls.clear()
    with status.application():
        status.add(BlockedStatus("No quorum"), app=True)
    assert not [call for call in juju.calls if call.startswith("status-set")]
    status.add(ActiveStatus("Quorum"), app=True)
    assert juju.application_status == "active: Quorum"
    assert juju.status == "waiting: For the others"


def test_an_application_status_is_left_to_the_leader(juju: Juju) -> None:
    juju.lead(False)
    with status.application():
        status.add(BlockedStatus("No quorum"), app=True)
    status.add(ActiveStatus("Quorum"), app=True)
    assert juju.calls == ["is-leader --format=json", "is-leader --format=json"]
    assert "\n".join(juju.lines("DEBUG")).splitlines() == [
        "left to the leader: application status blocked No quorum",
        "left to the leader: application status active Quorum",
    ]


@pytest.mark.parametrize("message", ["-1 nodes left", "--application", "a 'quoted' $word; x", "größer", ""])
def test_any_message_arrives_as_it_is(juju: Juju, message: str) -> None:
    status.add(BlockedStatus(message))
    assert juju.status == ("blocked: %s" % message).strip()
    status.add(BlockedStatus(message), app=True)
    assert juju.application_status == ("blocked: %s" % message).strip()


@pytest.mark.parametrize("hook", ["collect-metrics", "meter-status-changed"])
def test_in_a_restricted_hook_juju_sets_no_status(juju: Juju, hook: str) -> None:
    juju.hook(hook, "1")
    with status.context():
        status.add(BlockedStatus("no metrics"))
    assert juju.calls == []
    assert juju.lines("WARNING") == ["Juju sets no status in a restricted hook; not set: blocked: no metrics"]


# -- tools that fail -----------------------------------------------------------------------------------


def test_a_status_that_juju_does_not_take_is_in_the_log(juju: Juju, monkeypatch: pytest.MonkeyPatch) -> None:
    juju.tool("status-set", "exit 1\n")
    status.add(BlockedStatus("No quorum"))
    assert juju.lines("WARNING") == ["status-set failed with exit status 1; it was to set blocked: No quorum"]
    monkeypatch.setenv("CHARMS_REACTIVE_STRICT", "1")
    with pytest.raises(HookToolError, match="failed with exit status 1"):
        status.add(WaitingStatus("For the others"))


def test_without_juju_the_status_is_in_the_log(juju: Juju) -> None:
    for name in ("status-set", "status-get"):
        (juju.directory / name).unlink()
    status.add(BlockedStatus("No quorum"))
    assert juju.lines("INFO") == ["there is no status-set; the status is blocked: No quorum"]


def test_a_status_set_that_hangs_is_given_up(juju: Juju, monkeypatch: pytest.MonkeyPatch) -> None:
    juju.tool("status-set", "exec sleep 60\n")
    monkeypatch.setenv("CHARMS_REACTIVE_TOOL_TIMEOUT", "0.2")
    begun = time.monotonic()
    with pytest.raises(HookToolError, match=r"status-set: no answer after 0\.2 s"):
        status.add(MaintenanceStatus("Working"))
    with pytest.raises(ValueError, match="the charm's own"), status.context():
        raise ValueError("the charm's own error is what comes through")
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("answer", ["exit 1\n", "echo nonsense\n", "echo '{}'\n", "echo '{\"status\": 3}'\n"])
def test_a_status_get_that_does_not_tell_makes_us_send(juju: Juju, answer: str) -> None:
    juju.tool("status-get", answer)
    with status.context():
        pass
    assert juju.status == "active: Ready"


def test_without_is_leader_there_is_no_telling(juju: Juju) -> None:
    (juju.directory / "is-leader").unlink()
    with pytest.raises(HookToolError, match="is-leader"):
        status.add(ActiveStatus("Quorum"), app=True)
    juju.tool("is-leader", "exit 1\n")
    with pytest.raises(HookToolError, match="is-leader"):
        status.add(ActiveStatus("Quorum"), app=True)


# -- what charms' unit tests replace -------------------------------------------------------------------


def test_a_status_set_that_a_test_has_put_in_place_is_called(
    juju: Juju, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []
    monkeypatch.setattr(hookenv, "status_set", lambda *arguments, **named: called.append((arguments, named)))
    with status.context():
        status.add(MaintenanceStatus("Working"))
        status.add(MaintenanceStatus("Working"))
    status.add(BlockedStatus("No quorum"), app=True)
    assert called == [
        (("maintenance", "Working"), {}),
        (("active", "Ready"), {}),
        (("blocked", "No quorum"), {"application": True}),
    ]
    assert juju.calls == ["is-leader --format=json"]
