"""Beside a layer that intercepts ``status-set``, as layer:status does: the layer keeps the last word.

The stand-in does what layer:status is known for: it replaces ``subprocess.call``, takes exactly the
three words ``status-set NAME MESSAGE``, passes a maintenance on at once, gathers the rest, and sets the
worst of it in ``hookenv.atexit``, if the hook gets there.
"""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from charms_reactive.testing import HookRun, SimulatedUnit

pytestmark = pytest.mark.long

LAYER = """\
import functools
import subprocess
from charmhelpers.core import hookenv

call = subprocess.call
gathered = {"blocked": [], "waiting": [], "active": []}

def take(name, message):
    if name == "maintenance":
        call(["status-set", name, message])
    else:
        gathered[name].append(message)

@functools.wraps(call)
def intercept(command, *arguments, **named):
    if not isinstance(command, list) or command[0] != "status-set":
        return call(command, *arguments, **named)
    _, name, message = command
    take(name, message)
    return 0

def settle():
    for name, messages in gathered.items():
        if messages:
            call(["status-set", name, messages[-1]])
            return

subprocess.call = intercept
hookenv.atexit(settle)
"""

DISPATCH = """\
#!/usr/bin/env python3
import sys
sys.path.append("lib")
{first}
from charms.reactive import main
main()
"""

HANDLERS = """\
{first}
import os
from charms.reactive import status, when_not
from charms.reactive.status import *
{last}

@when_not("x")
def ours():
    exec(os.environ.get("OURS", ""))

@when_not("x")
def theirs():
    exec(os.environ.get("THEIRS", ""))
"""


@pytest.fixture(params=["layer first", "ours first"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> SimulatedUnit:
    """A unit of a charm with that layer, which intercepts before or after our module is imported.

    On one engine only: what is tested depends on none.
    """
    charm = tmp_path / "source"
    layer_first = request.param == "layer first"
    files = {
        "metadata.yaml": "name: app\n",
        "lib/layer_status.py": LAYER,
        "dispatch": DISPATCH.format(first="import layer_status" if layer_first else ""),
        "reactive/app.py": HANDLERS.format(first="", last="" if layer_first else "import layer_status"),
    }
    for name, text in files.items():
        path = charm / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (charm / "dispatch").chmod(0o755)
    return SimulatedUnit(charm, tmp_path / "unit", environment={"CHARMS_REACTIVE_ENGINE": "pure"})


def statuses(run: HookRun) -> List[str]:
    return [" ".join(call.arguments) for call in run.tools if call.tool == "status-set"]


def test_our_statuses_reach_the_layer_which_sets_them_at_the_end(unit: SimulatedUnit) -> None:
    run = unit.run(
        "update-status",
        OURS="status.add(MaintenanceStatus('Working')); status.add(WaitingStatus('For the database'))",
    )
    assert run.succeeded, run.stderr
    assert statuses(run) == ["maintenance Working", "waiting For the database"]


@pytest.mark.parametrize(
    ("ours", "theirs", "shown"),
    [
        ("WaitingStatus('ours')", "blocked', 'theirs", "blocked: theirs"),
        ("BlockedStatus('ours')", "waiting', 'theirs", "blocked: ours"),
        ("ActiveStatus('ours')", "waiting', 'theirs", "waiting: theirs"),
    ],
)
def test_the_layer_weighs_ours_against_those_of_others(
    unit: SimulatedUnit, ours: str, theirs: str, shown: str
) -> None:
    run = unit.run(
        "update-status",
        OURS="status.add(%s)" % ours,
        THEIRS="from charmhelpers.core import hookenv; hookenv.status_set('%s')" % theirs,
    )
    assert run.succeeded, run.stderr
    assert str(run.status) == shown
    assert len(statuses(run)) == 1


def test_a_context_and_the_application(unit: SimulatedUnit) -> None:
    run = unit.run(
        "update-status",
        OURS="with status.context(), status.application():\n"
        "    status.add(BlockedStatus('The password is needed'))\n"
        "    status.add(WaitingStatus('For units'), app=True)",
    )
    assert run.succeeded, run.stderr
    assert str(unit.application_status) == "waiting: For units"
    assert str(unit.status) == "blocked: The password is needed"
    assert statuses(run) == ["--application waiting For units", "blocked The password is needed"]


def test_after_a_crash_the_layer_sets_nothing_and_nothing_is_active(unit: SimulatedUnit) -> None:
    run = unit.run("update-status", OURS="status.add(ActiveStatus('All is well')); 1 / 0")
    assert not run.succeeded
    assert run.status.status == "error"
    assert statuses(run) == []
    assert unit.status.status != "active"
