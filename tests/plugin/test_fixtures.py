"""The fixtures and options of the plugin."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.once

FIRST = {
    "tests/test_shop.py": """\
        from charms_reactive.testing import State

        def test_install(juju_unit):
            then = juju_unit().run("install")
            assert then.handlers == ["install"]
            assert then.flags == {"shop.installed"}

        def test_port(juju_unit):
            given = State(flags=["shop.installed", "db.ready"], config={"port": 8080})
            assert juju_unit().run("update-status", given).state.opened_ports == {"8080/tcp"}
        """
}


def test_a_unit_of_the_charm_whose_tests_these_are(suite: Any) -> None:
    suite.write(FIRST)
    assert suite.run().counts == {"passed": 2}


def test_the_charm_is_found_above_the_tests(suite: Any) -> None:
    # A repository of several charms has its pytest.ini at the top.
    suite.write(FIRST)
    (suite.directory / "pytest.ini").unlink()
    (suite.directory.parent / "pytest.ini").write_text("[pytest]\n")
    assert suite.run("-c", "../pytest.ini", "--rootdir", "..", "tests").counts == {"passed": 2}


def test_the_charm_is_named_in_the_ini_file(suite: Any) -> None:
    suite.write(FIRST)
    built = suite.directory / "build" / "shop"
    built.mkdir(parents=True)
    for name in ("metadata.yaml", "config.yaml", "reactive"):
        (suite.directory / name).rename(built / name)
    result = suite.run()
    assert result.counts in ({"error": 2}, {"errors": 2}, {"failed": 2}), result
    assert "name its directory as juju_charm in pytest's ini file" in result.output
    suite.write({"pytest.ini": "[pytest]\ntestpaths = tests\njuju_charm = build/shop\n"})
    assert suite.run().counts == {"passed": 2}


def test_a_charm_that_a_test_makes(suite: Any) -> None:
    suite.write(
        {
            "tests/test_made.py": """\
                import pytest
                from charms_reactive.testing import State

                def handlers():
                    from charms.reactive import set_flag, when

                    @when("config.set.name")
                    def name_it():
                        set_flag("named")

                def test_handlers(juju_unit):
                    unit = juju_unit(handlers=handlers, config={"name": "x"})
                    assert "named" in unit.run("update-status").flags
                    other = juju_unit(handlers=handlers, config={"name": {"type": "string"}})
                    assert other.run("update-status").handlers == []

                def test_options(juju_unit):
                    unit = juju_unit(handlers=handlers, name="made/7", juju_version="4.0.1", engine="pure")
                    assert (unit.name, unit.juju_version) == ("made/7", "4.0.1")

                def test_both(juju_unit):
                    with pytest.raises(TypeError, match="not both"):
                        juju_unit("somewhere", handlers=handlers)
                """
        }
    )
    assert suite.run("--juju-units", "both").counts == {"passed": 6}


def test_each_test_at_both_speeds(suite: Any) -> None:
    suite.write(FIRST)
    result = suite.run("-v", "--juju-units", "both")
    assert result.counts == {"passed": 4}
    for name in ("test_install", "test_port"):
        for speed in ("in-process", "processes"):
            assert "%s[%s] PASSED" % (name, speed) in result.output


def test_one_speed_leaves_the_names_of_tests_alone(suite: Any) -> None:
    suite.write(FIRST)
    for arguments in ([], ["--juju-units", "processes"]):
        assert "::test_install PASSED" in suite.run("-v", *arguments).output


def test_the_speed_is_the_one_that_was_asked_for(suite: Any) -> None:
    suite.write(
        {
            "tests/test_speed.py": """\
                import os

                def handlers():
                    import os
                    from charms.reactive import hook, set_flag

                    @hook("install")
                    def install():
                        set_flag("process.%d" % os.getpid())

                def test_speed(juju_unit, juju_in_process):
                    here = {"process.%d" % os.getpid()}
                    unit = juju_unit(handlers=handlers)
                    assert unit.in_process == juju_in_process
                    assert (unit.run("install").flags == here) == juju_in_process
                    assert juju_unit(handlers=handlers, in_process=False).run("install").flags != here
                """,
        }
    )
    assert suite.run("--juju-units", "both").counts == {"passed": 2}
    suite.write({"pytest.ini": "[pytest]\njuju_units = both\n"})
    assert suite.run().counts == {"passed": 2}
    assert suite.run("--juju-units", "processes").counts == {"passed": 1}


def test_a_slip_in_the_ini_file(suite: Any) -> None:
    suite.write({**FIRST, "pytest.ini": "[pytest]\njuju_units = fast\n"})
    result = suite.run()
    assert result.status != 0
    assert "juju_units must be one of in-process, processes, both, not 'fast'" in result.output


def test_nothing_that_a_hook_started_outlives_its_test(suite: Any) -> None:
    suite.write(
        {
            "tests/test_daemon.py": """\
                from pathlib import Path

                def handlers():
                    import subprocess
                    from charms.reactive import hook

                    @hook("start")
                    def start():
                        daemon = subprocess.Popen(["sleep", "1000"])
                        with open("pid", "w") as file:
                            file.write(str(daemon.pid))

                pids = []

                def test_start(juju_unit):
                    then = juju_unit(handlers=handlers).run("start")
                    pids.append(then.state.files["pid"].decode())
                    assert Path("/proc", pids[0], "cmdline").read_bytes().startswith(b"sleep")

                def test_afterwards():
                    stat = Path("/proc", pids[-1], "stat")
                    assert not stat.exists() or stat.read_text().split()[2] == "Z"
                """
        }
    )
    assert suite.run("--juju-units", "processes").counts == {"passed": 2}
    assert suite.run().counts == {"passed": 2}


def test_loading_the_plugin_imports_nothing_of_the_framework(suite: Any) -> None:
    suite.write(
        {
            "tests/test_nothing.py": """\
                import sys

                def test_nothing():
                    assert "pytest_charms_reactive" in sys.modules
                    loaded = [name.partition(".")[0] for name in sys.modules]
                    assert not {"charms", "charms_reactive", "charmhelpers", "yaml"} & set(loaded)
                    assert 1 == 2
                """
        }
    )
    result = suite.run()
    assert result.said == "assert 1 == 2"


def test_tests_that_use_no_unit_are_run_once(suite: Any) -> None:
    suite.write({"tests/test_plain.py": "def test_plain(tmp_path):\n    pass\n"})
    assert suite.run("--juju-units", "both").counts == {"passed": 1}


def test_the_options_are_in_the_help(suite: Any) -> None:
    output = suite.run("--help").output
    for option in ("--juju-units", "--juju-seed", "juju_charm (string)", "juju_units (string)"):
        assert option in output


@pytest.mark.skipif(importlib.util.find_spec("xdist") is None, reason="pytest-xdist is not installed")
def test_workers_of_xdist(suite: Any) -> None:
    suite.write(FIRST)
    assert suite.run("-n", "2", "--juju-units", "both").counts == {"passed": 4}


def test_the_package_alone_imports_nothing() -> None:
    program = (
        "import sys, pytest_charms_reactive;"
        "loaded = {name.partition('.')[0] for name in sys.modules};"
        "assert not loaded & {'charms', 'charms_reactive', 'charmhelpers'}"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
