"""What hello-web does, hook by hook: ``pytest examples/hello-web``; see docs/testing.md."""

from __future__ import annotations

import urllib.request
from typing import Any, Callable

import pytest

from charms_reactive.testing import State, Status, Unit

PAGE = "web/index.html"


def test_the_page_is_rendered_before_the_unit_is_started(juju_unit: Callable[..., Unit]) -> None:
    then = juju_unit().run("install")
    assert then.handlers.names[-1] == "idle"
    assert then.flags == {"hello.installed", "hello.motd-ready", "hello.page-ready"}
    assert b"Hello from hello-web/0" in then.state.files[PAGE]
    assert then.status == Status("waiting", "the page is ready, the unit not started")


def test_the_page_says_what_the_configuration_says(juju_unit: Callable[..., Unit]) -> None:
    given = State(config={"greeting": "<Good> morning from $application", "motd": "5 < 6"})
    page = juju_unit().run("install", given).state.files[PAGE].decode()
    assert "<h1>&lt;Good&gt; morning from hello-web</h1>" in page
    assert "<blockquote>5 &lt; 6</blockquote>" in page


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"greeting": "to $planet"}, "greeting: there is no $planet, only $application, $model, $unit"),
        ({"port": 70000}, "port 70000: choose one from 0 (any free port) to 65535"),
    ],
)
def test_a_mistake_in_the_configuration_fails_the_hook_and_the_next_one_repairs(
    juju_unit: Callable[..., Unit], options: dict[str, Any], error: str
) -> None:
    unit = juju_unit()
    installed = unit.run("install").state
    failed = unit.run("config-changed", installed.with_config(**options))
    assert failed.error.endswith(error)
    assert failed.flags == installed.flags
    repaired = unit.run("config-changed", failed.state.with_config(greeting="All is well", port=0))
    assert b"<h1>All is well</h1>" in repaired.state.files[PAGE]


def test_the_page_is_served_from_start_to_stop(juju_unit: Callable[..., Unit]) -> None:
    unit = juju_unit()
    _, started = unit.play("install", "start")
    assert started.status.status == "active"
    assert "Hello from hello-web/0" in fetched(started.status.message)
    quiet = unit.run("update-status", started.state)
    assert quiet.changes == ()
    stopped = unit.run("stop", quiet.state)
    assert stopped.state.opened_ports == frozenset()
    assert "hello.listening" not in stopped.flags


def fetched(address: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=10) as answer:
        page: str = answer.read().decode()
    return page


def test_the_action_puts_a_notice_on_the_page(juju_unit: Callable[..., Unit]) -> None:
    unit = juju_unit()
    then = unit.run_action("notice", unit.run("install").state, {"text": "Back at <noon>"})
    assert then.action.results == {"notice": "Back at <noon>"}
    assert b"<p>Back at &lt;noon&gt;</p>" in then.state.files[PAGE]


def test_the_action_fails_where_there_is_no_page(juju_unit: Callable[..., Unit]) -> None:
    then = juju_unit().run_action("notice", parameters={"text": "x"})
    assert then.action.failure == "there is no page yet"
