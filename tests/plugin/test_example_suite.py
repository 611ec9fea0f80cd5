"""The example charm has a suite of its own, as its maintainer would have it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.once

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "hello-web"


def test_it_passes_at_both_speeds(suite: Any) -> None:
    shutil.rmtree(suite.directory)
    shutil.copytree(EXAMPLE, suite.directory)
    result = suite.run("--juju-units", "both")
    assert result.status == 0, result
    assert result.counts == {"passed": 14}


def test_it_notices_a_charm_that_does_something_else(suite: Any) -> None:
    shutil.rmtree(suite.directory)
    shutil.copytree(EXAMPLE, suite.directory)
    (suite.directory / "reactive" / "motd.sh").unlink()
    result = suite.run()
    assert result.counts["failed"] >= 3
    assert "handler 'motd.sh'" not in result.output
    assert "is not set" in result.output or "did not" in result.output or "KeyError" in result.output
