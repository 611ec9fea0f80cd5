"""The ways in which suites are started: each sees what it would see without our plugin."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Sequence

import pytest

from charm_suite import Result

pytestmark = [pytest.mark.long, pytest.mark.once]

#: A suite of unittest's kind, as charms of OpenStack have them, with mocks in its package.
SUITE = {
    "unit_tests/__init__.py": """\
        import sys
        from unittest import mock

        sys.path.insert(0, ".")
        charmhelpers = mock.MagicMock()
        for name in ("", ".core", ".core.hookenv", ".core.unitdata", ".core.host", ".cli"):
            found = charmhelpers
            for part in name.split(".")[1:]:
                found = getattr(found, part)
            sys.modules["charmhelpers" + name] = found
        sys.modules["charms.layer"] = mock.MagicMock()
        """,
    "unit_tests/test_shop.py": """\
        import importlib
        import unittest
        from unittest import mock

        from charms import reactive

        from unit_tests import charmhelpers


        class TestHandlers(unittest.TestCase):
            def setUp(self):
                self.registered = {}
                for name in ("when", "when_not", "hook"):
                    patcher = mock.patch.object(reactive, name, side_effect=self.decorator(name))
                    patcher.start()
                    self.addCleanup(patcher.stop)
                self.shop = importlib.import_module("reactive.shop")
                self.registered.clear()
                importlib.reload(self.shop)

            def decorator(self, kind):
                def of(*flags):
                    def register(function):
                        self.registered.setdefault(function.__name__, []).append((kind, flags))
                        return function

                    return register

                return of

            def test_what_is_registered(self):
                self.assertEqual(self.registered["install"], [("when_not", ("shop.installed",))])
                self.assertEqual(self.registered["configure"], [("when", ("shop.installed", "db.ready"))])

            def test_install(self):
                self.shop.install()
                reactive.set_flag.assert_called_with("shop.installed")

            def test_configure(self):
                charmhelpers.core.hookenv.config.return_value = 8080
                self.shop.configure()
                charmhelpers.core.hookenv.open_port.assert_called_with(8080)


        def test_of_noses_kind():
            assert reactive.all_flags_set("whatever")
        """,
}


def run(suite: Any, *command: str) -> Result:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=suite.directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return Result(done.returncode, done.stdout)


@pytest.mark.parametrize(
    "options", [(), ("-p", "no:pytest_charms_reactive"), ("-n", "2"), ("--import-mode=importlib",)]
)
def test_pytest(suite: Any, options: Sequence[str]) -> None:
    suite.write(SUITE)
    result = suite.run(*options, "unit_tests")
    assert result.counts == {"passed": 4}, result


def test_unittest(suite: Any) -> None:
    suite.write(SUITE)
    result = run(suite, "-m", "unittest", "discover", "-t", ".", "unit_tests")
    assert (result.status, "Ran 3 tests" in result.output) == (0, True), result


def test_stestr(suite: Any) -> None:
    suite.write({**SUITE, ".stestr.conf": "[DEFAULT]\ntest_path=./unit_tests\ntop_dir=./\n"})
    result = run(suite, "-m", "stestr", "run", "--concurrency", "2")
    assert (result.status, "Passed: 3" in result.output) == (0, True), result
