"""Hooks that fail, by themselves or on purpose: what stops, what goes on, and how it is resolved."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from charms_reactive.testing import Charm, CharmError, Model, NeverSettlesError

pytestmark = [pytest.mark.long, pytest.mark.once]


def counting() -> None:
    """A reactive charm that counts, and publishes what it has counted."""
    from charmhelpers.core import hookenv, unitdata

    from charms.reactive import hook, set_flag

    @hook("update-status")
    def count() -> None:
        number = unitdata.kv().get("count", 0) + 1
        unitdata.kv().set("count", number)
        set_flag("counted.%d" % number)
        for relation in hookenv.relation_ids("ring"):
            hookenv.relation_set(relation, count=str(number))
        hookenv.leader_set(count=str(number))


@pytest.fixture(params=[True, False], ids=["in process", "in processes"])
def counted(new_model: Callable[..., Model], tmp_path: Path, request: pytest.FixtureRequest) -> Model:
    """A settled model of that charm."""
    metadata: Dict[str, Any] = {"name": "counter", "peers": {"ring": {"interface": "ring"}}}
    model = new_model(in_process=request.param)
    model.deploy(Charm.of(tmp_path / "counter", counting, metadata=metadata))
    assert not model.settle().errors
    model.update_status()
    assert model.settle().hooks == (("counter/0", "update-status"),)
    assert "counted.1" in model.unit("counter/0").flags
    return model


def test_a_step_says_why_a_handler_ran_or_did_not(counted: Model) -> None:
    counted.update_status()
    [step] = counted.settle()
    assert ":count ran once, which asks for @hook('update-status')" in step.run.why("count")
    counted.applications["counter"].add_unit()
    assert ":count did not run" in counted.settle()[0].run.why("count")


@pytest.mark.parametrize(
    ("when", "exit_status", "handlers"), [("before", 1, 0), ("after", 1, 1), ("killed", (-9, 137), 1)]
)
def test_a_hook_that_is_made_to_fail(counted: Model, when: str, exit_status: Any, handlers: int) -> None:
    unit = counted.unit("counter/0")
    unit.fail_next("update-status", when=when, message="no luck")
    counted.update_status()
    [step] = counted.settle()
    assert step.run.exit_status == exit_status or step.run.exit_status in exit_status
    assert len([line for line in step.run.log if "Invoking reactive handler" in line.message]) == handlers
    if when != "killed":
        assert step.run.error == "RuntimeError: no luck"
    # Whatever the handlers did is as if it had not been, but for what Juju does at once.
    assert "counted.2" not in unit.flags
    assert unit.relation_data("ring")["count"] == "1"
    assert counted.applications["counter"].leader_settings == {"count": "2" if handlers else "1"}
    assert str(unit.status) == 'error: hook failed: "update-status"'
    counted.resolve(unit)
    assert counted.settle().hooks == (("counter/0", "update-status"),)
    assert "counted.2" in unit.flags
    assert "counted.3" not in unit.flags
    assert unit.relation_data("ring")["count"] == "2"


def test_the_queue_of_a_unit_in_error_stops_and_others_go_on(model: Model) -> None:
    model.unit("web/0").fail_next("config-changed")
    model.applications["web"].configure(colour="red")
    model.update_status()
    settled = model.settle()
    assert settled.of("web/0") == ("config-changed",)
    assert settled.of("web/1") == ("config-changed", "update-status")
    assert [(unit, step.name) for unit, step in settled.errors.items()] == [("web/0", "config-changed")]
    assert "in error: web/0, since config-changed: RuntimeError: made to fail" in str(settled)
    assert "web/0 config-changed FAILED: RuntimeError: made to fail" in str(settled)
    assert model.pending == {}
    again = model.settle()
    assert not again
    assert list(again.errors) == ["web/0"]
    model.resolve("web/0")
    assert model.pending["web/0"][0] == "config-changed"
    assert model.settle().of("web/0") == ("config-changed", "update-status")


def test_a_hook_that_is_not_run_again_counts_as_done(model: Model) -> None:
    model.unit("web/0").fail_next("config-changed")
    model.applications["web"].configure(colour="red")
    model.settle()
    model.resolve("web/0", retry=False)
    assert not model.settle()
    assert not model.errors


def test_a_hook_may_fail_again(model: Model) -> None:
    unit = model.unit("web/0")
    for _ in range(2):
        unit.fail_next("update-status")
    model.update_status(unit)
    assert len(model.settle().failed) == 1
    unit.resolve()
    assert len(model.settle().failed) == 1
    unit.resolve()
    assert model.settle().hooks == (("web/0", "update-status"),)


def test_whichever_hook_comes_next(model: Model) -> None:
    model.unit("db/1").fail_next()
    model.applications["db"].add_unit()
    errors = model.settle().errors
    assert [(unit, step.name) for unit, step in errors.items()] == [("db/1", "ring-relation-joined")]


def test_a_unit_in_error_is_removed_when_it_is_resolved_or_by_force(model: Model) -> None:
    for name in ("web/0", "web/1"):
        model.unit(name).fail_next("update-status")
    model.update_status("web/0", "web/1")
    model.settle()
    model.unit("web/0").remove()
    model.unit("web/1").remove(force=True)
    assert "web/0" not in [step.unit for step in model.settle()]
    assert [unit.name for unit in model.applications["web"].units] == ["web/0"]
    model.resolve("web/0", retry=False)
    assert model.settle().of("web/0")[-2:] == ("stop", "remove")
    assert model.applications["web"].units == []


def test_a_hook_that_the_charm_does_not_have_cannot_fail(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    model = new_model()
    small = model.deploy(
        Charm.of(tmp_path / "small", metadata={"name": "small"}, files={"hooks/start": "#!/bin/sh\nexit 3\n"})
    )
    assert list(model.settle().errors) == ["small/0"]
    small[0].fail_next("start", when="after")
    model.resolve("small/0")
    assert list(model.settle().errors) == ["small/0"]


# -- never settling -------------------------------------------------------------------------------
PING = """\
    #!/bin/bash
    case $JUJU_HOOK_NAME in
    *-relation-changed) relation-set "ball=$(( $(relation-get ball) + 1 ))";;
    esac
    """


def test_a_model_that_never_settles_says_what_keeps_coming(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    model = new_model(check=False)
    for name, role in (("ping", "provides"), ("pong", "requires")):
        metadata: Dict[str, Any] = {"name": name, role: {"table": {"interface": "ball"}}}
        model.deploy(Charm.of(tmp_path / name, metadata=metadata, files={"dispatch": PING}))
    model.relate("ping", "pong")
    with pytest.raises(NeverSettlesError) as never:
        model.settle(limit=40)
    text = str(never.value)
    assert text.startswith("the model has not settled after 40 hooks\nhooks that keep coming")
    assert "x ping/0 table-relation-changed (pong/0)" in text
    assert "x ball in pong:table ping:table of pong/0" in text
    assert len(never.value.settled) == 40


def test_flags_that_keep_changing_are_named(new_model: Callable[..., Model], tmp_path: Path) -> None:
    model = new_model()
    metadata: Dict[str, Any] = {"name": "restless", "peers": {"ring": {"interface": "ring"}}}
    model.deploy(Charm.of(tmp_path / "restless", restless, metadata=metadata), units=2)
    with pytest.raises(
        NeverSettlesError, match=r"flags that keep changing(.*\n)+ .* x app.turned of restless/1"
    ):
        model.settle(limit=60)


def restless() -> None:
    """A reactive charm that cannot make up its mind."""
    from charmhelpers.core import hookenv

    from charms.reactive import hook, is_flag_set, toggle_flag

    @hook("ring-relation-changed")
    def turn() -> None:
        toggle_flag("app.turned", not is_flag_set("app.turned"))
        hookenv.relation_set(turned=str(is_flag_set("app.turned")))


def test_the_limit_is_no_failure_of_a_model_that_has_just_settled(model: Model) -> None:
    model.update_status()
    assert len(model.settle(limit=4)) == 4
    model.update_status()
    with pytest.raises(NeverSettlesError, match="has not settled after 3 hooks"):
        model.settle(limit=3)
    assert len(model.settle()) == 1


def test_a_fault_that_never_came_is_an_error(new_model: Callable[..., Model], tmp_path: Path) -> None:
    leaving = {"dispatch": "#!/usr/bin/env python3\nimport os\nos._exit(0)\n"}
    model = new_model()
    unit = model.deploy(Charm.of(tmp_path / "leaving", metadata={"name": "leaving"}, files=leaving))[0]
    unit.fail_next("install", when="after")
    with pytest.raises(CharmError, match="install of leaving/0 was to fail after, and did not"):
        model.settle()
