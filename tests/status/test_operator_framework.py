"""A charm of the operator framework uses our contexts with its own unit, on its own simulated Juju."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Dict

import pytest

import operator_framework

pytestmark = pytest.mark.once

SCENARIOS = [
    "theirs",
    "ours",
    "nothing",
    "exit_status",
    "crash",
    "on_error",
    "twice",
    "application",
    "refused",
    "any_unit",
]


@pytest.fixture(scope="module")
def played() -> Dict[str, Any]:
    """What came of each scenario of ``operated.py``."""
    done = subprocess.run(
        [operator_framework.python(), str(Path(__file__).with_name("operated.py")), *SCENARIOS],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results: Dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print("ops %s" % results["version"])
    return results


def test_its_own_status_classes(played: Dict[str, Any]) -> None:
    assert played["theirs"]["history"] == [
        "unknown: ",
        "maintenance: Doing something",
        "blocked: Failed to do something",
    ]
    assert played["theirs"]["told"] == ["ops.model"]


def test_our_status_classes_become_its_own(played: Dict[str, Any]) -> None:
    assert played["ours"]["history"] == [
        "unknown: ",
        "maintenance: Doing something",
        "waiting: For the database",
    ]
    assert played["ours"]["told"] == [True, True]


def test_the_exit_status(played: Dict[str, Any]) -> None:
    assert played["nothing"] == {
        "history": ["unknown: ", "active: Ready"],
        "application": "unknown: ",
        "told": [True],
    }
    assert played["exit_status"]["history"][-1] == "active: Serving"


def test_an_unchanged_status_is_not_set_again(played: Dict[str, Any]) -> None:
    assert played["unchanged"]["history"] == ["active: Ready"]
    assert played["twice"]["history"] == [
        "unknown: ",
        "maintenance: Doing something",
        "active: Ready",
        "maintenance: Doing something",
        "active: Ready",
    ]


def test_exceptions(played: Dict[str, Any]) -> None:
    assert played["crash"]["told"] == [True]
    assert played["on_error"]["history"][-2:] == [
        "maintenance: Doing something",
        "blocked: Failed to do something",
    ]
    assert played["on_error"]["told"] == [
        "ConnectionError",
        "blocked: Failed to do something (ConnectionError: refused)",
    ]


def test_its_application(played: Dict[str, Any]) -> None:
    assert played["application"]["application"] == "blocked: No quorum"
    assert played["application"]["history"][-1] == "waiting: For the others"
    assert played["not the leader"]["application"] == "unknown: "
    assert played["not the leader"]["history"][-1] == "waiting: For the others"


def test_what_a_charm_cannot_set_is_refused(played: Dict[str, Any]) -> None:
    told = played["refused"]["told"]
    assert len(told) == 2
    assert "a charm can set active, blocked, maintenance, waiting, and not unknown" in told[0]
    assert "its class" in told[1]


def test_another_unit_is_given_its_classes_once_they_are_used(played: Dict[str, Any]) -> None:
    assert played["any_unit"]["told"] == [True]
