"""Many packages of tests in one process, each with its own mocks; then units on the desk, in the same one."""

from __future__ import annotations

from typing import Any

import pytest
from test_charmhelpers_is_a_mock import put

pytestmark = [pytest.mark.long]

UNITS = """\
    import sys

    from charms_reactive.testing import State

    names = ("charms", "charmhelpers", "charms_reactive")
    def modules():
        return {name: module for name, module in sys.modules.items() if name.split(".")[0] in names}

    def test_a_unit(juju_unit):
        before, finders = modules(), list(sys.meta_path)
        given = State(flags=["shop.installed", "db.ready"], config={"port": 8080})
        then = juju_unit().run("update-status", given)
        assert then.handlers == ["configure"]
        assert then.state.opened_ports == {"8080/tcp"}
        after = modules()
        assert {name: module for name, module in after.items() if name in before} == before
        assert set(after) == set(before)
        assert sys.meta_path == finders
    """
MOCKED = """\
    from unittest import mock

    from charms import reactive

    def test_the_flags_are_mocks():
        assert isinstance(reactive.set_flag, mock.MagicMock)
        reactive.set_flag("x")
        reactive.set_flag.assert_called_with("x")
    """
#: By itself: nobody has imported anything of the framework, and the fixture leaves it so.
UNITS_ALONE = """\
    import sys

    def modules():
        return {
            name: module
            for name, module in sys.modules.items()
            if name.split(".")[0] in ("charms", "charmhelpers", "charms_reactive")
            and not (name + ".").startswith("charms_reactive.testing.")
        }

    before, finders, hooks = modules(), list(sys.meta_path), list(sys.path_hooks)

    def test_before():
        assert (modules(), sys.meta_path, sys.path_hooks) == (before, finders, hooks)

    def test_a_unit(juju_unit):
        assert juju_unit().run("install").flags == {"shop.installed"}

    def test_after():
        assert (modules(), sys.meta_path, sys.path_hooks) == (before, finders, hooks)
    """


@pytest.mark.parametrize("order", [("units", "mocked"), ("mocked", "units")])
def test_packages_and_units(suite: Any, engine_name: str, order: Any) -> None:
    packages = {
        "units": {"__init__.py": "", "test_units.py": UNITS},
        "mocked": {"__init__.py": put("one"), "test_mocked.py": MOCKED, "test_units.py": UNITS},
    }
    suite.write(
        {
            "tests/%d_%s/%s" % (number, name, file): text
            for number, name in enumerate(order)
            for file, text in packages[name].items()
        }
    )
    suite.write({"pytest.ini": "[pytest]\naddopts = --import-mode=importlib\n"})
    result = suite.run(*("tests/%d_%s" % one for one in enumerate(order)), CHARMS_REACTIVE_ENGINE=engine_name)
    assert result.counts == {"passed": 3}, result


def test_the_plugin_alone(suite: Any, engine_name: str) -> None:
    suite.write({"tests/test_units.py": UNITS_ALONE})
    result = suite.run(CHARMS_REACTIVE_ENGINE=engine_name)
    assert result.counts == {"passed": 3}, result


@pytest.mark.once
def test_beside_mocks_that_somebody_else_has_put_there(suite: Any) -> None:
    suite.write(
        {
            "tests/conftest.py": put("each"),
            "tests/test_units.py": UNITS_ALONE,
            "tests/test_mocked.py": MOCKED,
        }
    )
    result = suite.run()
    assert result.counts == {"passed": 4}, result
