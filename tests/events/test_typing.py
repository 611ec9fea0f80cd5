"""What mypy in strict mode finds in code that uses events."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def test_mypy_finds_the_types_and_the_errors(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    # Errors that are expected are marked there, and a mark without its error is an error itself.
    if importlib.util.find_spec("mypy") is None and pytestconfig.getoption("--pure-only"):
        pytest.skip("types are the same on every Python; mypy checks them where `make dev` was run")
    sample = HERE / "typed.py"
    assert sample.read_text().count("# type: ignore[") == 8
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(sample)],
        cwd=str(HERE.parents[1]),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
