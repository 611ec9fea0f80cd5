"""What a failed assertion says: the reason first, and nothing that nobody asked for."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytestmark = pytest.mark.once

TEST = """\
from charms_reactive.testing import State, Status

def test_it(juju_unit):
    unit = juju_unit()
    then = unit.run("install")
    %s
"""


def said(suite: Any, assertion: str) -> str:
    suite.write({"tests/test_it.py": TEST % assertion})
    result = suite.run()
    assert result.counts == {"failed": 1}, result
    return str(result.said)


def test_why_a_handler_did_not_run(suite: Any) -> None:
    assert said(suite, 'assert "configure" in then.handlers').splitlines() == [
        "AssertionError: assert handler 'configure' ran, but",
        "reactive/shop.py:10:configure did not: 'db.ready' is not set",
        "it asks for @when('shop.installed', 'db.ready')",
        "ran: install",
    ]


def test_a_handler_that_does_not_exist(suite: Any) -> None:
    text = said(suite, 'assert "configre" in then.handlers')
    assert "no handler 'configre' is registered; did you mean configure?" in text


def test_a_handler_that_should_not_have_run(suite: Any) -> None:
    assert said(suite, 'assert "install" not in then.handlers').splitlines() == [
        "AssertionError: assert handler 'install' did not run, but",
        "reactive/shop.py:5:install did: it asks for @when_not('shop.installed')",
        "ran: install",
    ]


def test_a_list_of_handlers(suite: Any) -> None:
    text = said(suite, 'assert then.handlers == ["configure"]')
    assert text.splitlines()[:3] == [
        "AssertionError: assert handlers configure ran, but",
        "reactive/shop.py:10:configure did not: 'db.ready' is not set",
        "it asks for @when('shop.installed', 'db.ready')",
    ]
    assert "reactive/shop.py:5:install did: it asks for @when_not('shop.installed')" in text
    assert "ran: install" in text
    assert "or not as often" in said(suite, 'assert then.handlers == ["install", "install"]')


def test_states_that_differ(suite: Any) -> None:
    text = said(suite, 'assert then.state.replace(stored={}, files={}) == State(config={"port": 81})')
    assert text.splitlines() == [
        "assert the states are equal, but (- only right, + only left):",
        "- config port: 81",
        "+ flag shop.installed",
        "- unit status: waiting: installing agent",
        "+ unit status: maintenance: installing charm software",
    ]


def test_a_hook_that_failed(suite: Any) -> None:
    suite.write(
        {
            "tests/test_it.py": """\
                from charms_reactive.testing import State

                def test_it(juju_unit):
                    unit = juju_unit()
                    installed = unit.run("install").state
                    then = unit.run("config-changed", installed.with_config(port=70000))
                    assert then.succeeded
                """
        }
    )
    result = suite.run("--juju-units", "both")
    assert result.counts == {"failed": 2}
    assert result.output.count("<Outcome 'config-changed' failed: ValueError: port 70000 is none>") == 2
    # What all hooks of the test did, and what the one that failed has logged.
    assert "- Juju hooks -" in result.output
    assert "install: ran install\n" in result.output
    assert "config-changed FAILED: ValueError: port 70000 is none\n" in result.output
    assert result.output.count("    ERROR ValueError: port 70000 is none") == 2
    assert "in check_port" in result.output


TALKING = """\
    import subprocess
    from charmhelpers.core import hookenv
    from charms.reactive import hook, when

    @hook("install", "config-changed", "start")
    def talk():
        hookenv.log("the paper is low", "WARNING")
        hookenv.log("nothing much")
        subprocess.call(["relation-get", "-r", "db:77", "-", "mysql/0"])
        if hookenv.hook_name() == "start":
            raise RuntimeError("out of paper")
    """


@pytest.mark.parametrize("speed", ["in-process", "processes"])
def test_what_hooks_and_hook_tools_said(suite: Any, speed: str) -> None:
    """Of hooks that succeeded warnings and errors, and what they say in each of them once."""
    suite.write(
        {
            "reactive/shop.py": TALKING,
            "tests/test_it.py": """\
                def test_it(juju_unit):
                    unit = juju_unit()
                    assert all(then.succeeded for then in unit.play("install", "config-changed", "start"))
                """,
        }
    )
    refused = 'stderr ERROR invalid value "db:77" for option -r: relation not found'
    _, _, report = suite.run("--juju-units", speed).output.partition("- Juju hooks -")
    install, _, rest = report.partition("config-changed: ran talk")
    changed, _, start = rest.partition("start FAILED: RuntimeError: out of paper")
    missing = "    ERROR Unable to find implementation for relation: requires of mysql"
    said_once = [line for line in install.splitlines() if line.startswith(missing)]
    assert len(said_once) == 1
    told = ["install: ran talk", *said_once, "    WARNING the paper is low", "    " + refused]
    assert install.splitlines()[1:] == told
    assert changed.strip() == ""
    for line in ("    WARNING the paper is low", "    INFO nothing much", "    " + refused):
        assert start.splitlines().count(line) == 1
    assert (
        start.count("RuntimeError: out of paper") == 2
    )  # in the log: the error, and the end of its traceback


def test_a_status_that_differs(suite: Any) -> None:
    suite.write({"reactive/shop.py": STATUS})
    assert said(suite, 'assert then.status == Status("active", "on port 80")').splitlines() == [
        "AssertionError: assert the status is 'active: on port 80', but it is",
        "'blocked: no database'",
    ]


STATUS = """\
    from charmhelpers.core import hookenv
    from charms.reactive import when_not

    @when_not("db.ready")
    def wait():
        hookenv.status_set("blocked", "no database")
    """


@pytest.mark.parametrize("speed", ["in-process", "processes"])
def test_what_the_hooks_of_a_model_did(suite: Any, speed: str) -> None:
    suite.write(
        {
            "tests/test_it.py": """\
                def test_it(juju_model):
                    juju_model.deploy(".", config={"port": 70000}, units=2)
                    assert not juju_model.settle().errors
                """
        }
    )
    result = suite.run("--juju-units", speed)
    assert result.counts == {"failed": 1}, result
    assert "- Juju model -" in result.output
    assert "shop/0 install: ran install\n" in result.output
    for unit in ("shop/0", "shop/1"):
        assert "%s config-changed FAILED: ValueError: port 70000 is none\n" % unit in result.output
    assert result.output.count("    ERROR ValueError: port 70000 is none") == 2


def test_tests_that_succeed_say_nothing(suite: Any) -> None:
    suite.write({"tests/test_it.py": TEST % "assert then.succeeded"})
    assert "Juju hooks" not in suite.run().output


def test_other_comparisons_are_left_alone(suite: Any) -> None:
    assert said(suite, "assert then.flags == {'x'}").startswith("AssertionError: assert frozenset(")
    assert "'x' in" in said(suite, "assert 'x' in then.flags")


def test_a_charm_that_goes_round_in_circles_does_not_fill_the_screen(suite: Any) -> None:
    suite.write(
        {
            "reactive/shop.py": """\
                from charms.reactive import clear_flag, set_flag, when, when_not

                @when("round")
                def there():
                    clear_flag("round")

                @when_not("round")
                def back():
                    set_flag("round")
                """
        }
    )
    text = said(suite, 'assert "missing" in then.handlers')
    assert re.search(r"ran: .*, …, .* \(\d+ in all\)$", text)
    assert max(map(len, text.splitlines())) < 250
