"""Beside the helpers that charms use today, in one run of pytest and in either order: each sees its own.

``charms.unit_test`` is the real one, which the test extra installs.
"""

from __future__ import annotations

from typing import Any, Dict

import pytest

pytestmark = [pytest.mark.long, pytest.mark.once]

#: Whole hooks on a unit.
WHOLE = """\
    from charms_reactive.testing import State, Unit


    def test_install(juju_unit):
        then = juju_unit().run("install")
        assert then.succeeded
        assert then.handlers == ["install"]
        assert then.flags == {"shop.installed"}


    def test_configure(juju_unit):
        given = State(flags=["shop.installed", "db.ready"], config={"port": 8080})
        then = juju_unit().run("update-status", given)
        assert then.handlers == ["configure"]
        assert then.state.opened_ports == {"8080/tcp"}
    """

#: A handler with mocks, as the README of charms.unit_test has it.
UNIT_TEST = """\
    import sys
    from unittest.mock import MagicMock, patch

    from charms.unit_test import flags, patch_reactive

    reactive = patch_reactive()

    import importlib.util

    spec = importlib.util.spec_from_file_location("handlers_under_test", "reactive/shop.py")
    shop = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shop)


    def test_the_framework_is_a_mock():
        import charms.reactive

        assert charms.reactive is reactive is sys.modules["charms.reactive"]
        assert isinstance(charms.reactive, MagicMock)
        assert isinstance(sys.modules["charmhelpers"], MagicMock)


    def test_install():
        flags.clear()
        charms_reactive_set_flag = reactive.set_flag
        shop.set_flag = charms_reactive_set_flag
        shop.install()
        assert flags == {"shop.installed"}
        reactive.set_flag.assert_called_with("shop.installed")


    def test_what_is_patched_by_its_name():
        with patch("charms.reactive.is_flag_set", return_value="patched"):
            from charms.reactive import is_flag_set

            assert is_flag_set("x") == "patched"
        assert not reactive.is_flag_set("x")
    """

#: Mocks in sys.modules, as many charms' tests/unit/__init__.py have it.
MOCKS = """\
    import importlib.util
    import sys
    from unittest.mock import MagicMock

    def identity(*flags):
        return lambda function: function

    mocks = {
        name: MagicMock(name=name)
        for name in (
            "charms.reactive",
            "charms.reactive.flags",
            "charmhelpers",
            "charmhelpers.core",
            "charmhelpers.core.hookenv",
        )
    }
    sys.modules.update(mocks)
    mocks["charmhelpers.core"].hookenv = mocks["charmhelpers.core.hookenv"]
    mocks["charms.reactive"].when = mocks["charms.reactive"].when_not = identity
    mocks["charms.reactive"].hook = identity

    spec = importlib.util.spec_from_file_location("mocked_handlers", "reactive/shop.py")
    shop = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shop)


    def test_the_mocks_are_there():
        import charmhelpers.core.hookenv
        import charms.reactive.flags

        for name, mock in mocks.items():
            assert sys.modules[name] is mock, name


    def test_configure():
        mocks["charmhelpers.core.hookenv"].config.return_value = 8080
        shop.configure()
        mocks["charmhelpers.core.hookenv"].open_port.assert_called_with(8080)


    def test_install():
        shop.install()
        mocks["charms.reactive"].set_flag.assert_called_with("shop.installed")
    """

#: Modules that were made up instead of mocked.
MADE_UP = """\
    import sys
    import types

    reactive = types.ModuleType("charms.reactive")
    reactive.set_flag = lambda flag: "made up"
    sys.modules["charms.reactive"] = reactive


    def test_what_is_made_up():
        from charms.reactive import set_flag

        assert set_flag("x") == "made up"
    """

#: Decorators that are recorded while the module is loaded anew, as charms_openstack.test_utils does it.
REGISTERED = """\
    import importlib
    import sys
    from unittest import mock

    import pytest


    @pytest.fixture
    def registered(monkeypatch):
        import charms.reactive

        monkeypatch.syspath_prepend(".")
        found = {}
        patches = []
        for name in ("when", "when_not", "when_any", "when_all", "hook", "not_unless", "only_once"):
            def decorator(*flags, _name=name, **more):
                def register(function):
                    found.setdefault(function.__name__, []).append((_name, flags))
                    return function
                return register

            patches.append(mock.patch("charms.reactive." + name, decorator))
        for patch in patches:
            patch.start()
        module = importlib.import_module("reactive.shop")
        found.clear()
        importlib.reload(module)
        yield found
        for patch in patches:
            patch.stop()
        importlib.reload(module)


    def test_what_is_registered(registered):
        assert registered == {
            "install": [("when_not", ("shop.installed",))],
            "configure": [("when", ("shop.installed", "db.ready"))],
            "check_port": [("hook", ("config-changed",))],
        }


    def test_afterwards_the_framework_is_itself():
        import charms.reactive
        from charms_reactive import decorators

        assert charms.reactive.when is decorators.when
    """

HELPERS = {"unit_test": UNIT_TEST, "mocks": MOCKS, "made_up": MADE_UP, "registered": REGISTERED}


def modules(*names: str) -> Dict[str, str]:
    """Test modules that are collected, and so imported, in this order."""
    texts = {"whole": WHOLE, **HELPERS}
    return {"tests/test_%d_%s.py" % (number, name): texts[name] for number, name in enumerate(names)}


@pytest.mark.parametrize("helper", HELPERS)
@pytest.mark.parametrize("whole_first", [True, False], ids=["units-first", "helper-first"])
def test_a_helper_and_whole_hooks_in_one_run(suite: Any, helper: str, whole_first: bool) -> None:
    order = ("whole", helper) if whole_first else (helper, "whole")
    suite.write(modules(*order))
    number = HELPERS[helper].count("\n    def test_")
    result = suite.run("--juju-units", "both")
    assert result.counts == {"passed": number + 4}, result


@pytest.mark.parametrize("helper", HELPERS)
def test_the_helper_alone_is_as_it_is_without_the_plugin(suite: Any, helper: str) -> None:
    suite.write(modules(helper))
    number = HELPERS[helper].count("\n    def test_")
    assert suite.run().counts == {"passed": number}
    assert suite.run("-p", "no:pytest_charms_reactive").counts == {"passed": number}


def test_turn_and_turn_about(suite: Any) -> None:
    # Tests of one kind before and after those of the other.
    suite.write(modules("whole", "mocks", "whole"))
    assert suite.run().counts == {"passed": 2 + 3 + 2}


def test_mocks_in_conftest_are_there_before_any_test(suite: Any) -> None:
    # This is where charms.unit_test wants to be called.
    suite.write(
        {
            "tests/conftest.py": "from charms.unit_test import patch_reactive\n\npatch_reactive()\n",
            **modules("whole", "unit_test"),
        }
    )
    result = suite.run("--juju-units", "both")
    assert result.counts == {"passed": 4 + 3}, result


def test_a_hook_leaves_the_mocks_as_they_were(suite: Any) -> None:
    suite.write(
        {
            "tests/test_kept.py": """\
                import sys
                from unittest.mock import MagicMock

                names = "charms", "charms.reactive", "charms.layer", "charmhelpers", "charmhelpers.core"
                sys.modules.update({name: MagicMock(name=name) for name in names})
                before = {name: module for name, module in sys.modules.items() if name.startswith("charm")}
                finders = list(sys.meta_path)

                def test_run(juju_unit):
                    for _ in range(2):
                        assert juju_unit().run("install").flags == {"shop.installed"}

                def test_kept():
                    now = {name: module for name, module in sys.modules.items() if name.startswith("charm")}
                    for name, module in before.items():
                        assert now[name] is module
                    assert {name.partition(".")[0] for name in set(now) - set(before)} <= {"charms_reactive"}
                    assert sys.meta_path == finders
                """
        }
    )
    assert suite.run().counts == {"passed": 2}


def test_unit_test_beside_an_installed_charmhelpers(suite: Any) -> None:
    """It replaces what is not on disk; what the manual adds makes hookenv a mock as well."""
    suite.write(
        {
            "tests/conftest.py": """\
                from charms.unit_test import patch_module, patch_reactive

                patch_reactive()
                patch_module("charmhelpers.core.hookenv")
                """,
            "tests/test_shop.py": """\
                from unittest import mock

                from charmhelpers.core import hookenv


                def test_config():
                    assert isinstance(hookenv, mock.MagicMock)
                    hookenv.config.return_value = 8080
                    assert hookenv.config("port") == 8080
                """,
        }
    )
    assert suite.run().counts == {"passed": 1}
