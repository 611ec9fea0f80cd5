"""Juju runs collect-metrics beside other hooks: what becomes of it where one of them takes long."""

from __future__ import annotations

import subprocess
import time

import pytest

from .support import Unit

pytestmark = pytest.mark.long

HANDLERS = """\
import time
from charms.reactive import *

@hook("start")
def long():
    set_flag("x")
    open("holding", "w").close()
    while not __import__("os").path.exists("go on"):
        time.sleep(0.05)

@collect_metrics()
def measure():
    print("measured")
"""


def test_it_waits_five_seconds_and_leaves_the_other_hook_alone(one_unit: Unit) -> None:
    one_unit.write("reactive/app.py", HANDLERS)
    one_unit.hook_file("hooks/start")
    environment = {**one_unit.env, "JUJU_HOOK_NAME": "start"}
    with subprocess.Popen(
        [str(one_unit.directory / "hooks/start")], cwd=str(one_unit.directory), env=environment
    ) as other:
        deadline = time.monotonic() + 30
        while not (one_unit.directory / "holding").exists():
            assert time.monotonic() < deadline
            assert other.poll() is None
            time.sleep(0.05)
        began = time.monotonic()
        done = one_unit.run("collect-metrics")
        waited = time.monotonic() - began
        (one_unit.directory / "go on").write_text("")
        assert other.wait(30) == 0
    assert done.status == 1
    assert "UnitStateLockedError: cannot write the unit state" in done.stderr
    assert waited > 4.5
    assert one_unit.committed_flags() == ["x"]
    assert one_unit.run("collect-metrics").stdout == "measured\n"
