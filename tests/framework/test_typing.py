"""What type checkers find under the name ``charms.reactive``: the same as under the other one."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parents[1] / "python"


def public_modules() -> set[str]:
    """The modules of the package that charms may import, as paths without a suffix."""
    package = PYTHON / "charms_reactive"
    paths = [path.relative_to(package).with_suffix("") for path in package.rglob("*.py")]
    return {
        path.as_posix()
        for path in paths
        if path.name == "__init__" or not path.name.startswith("_")
        # What is inside of it is reached through it.
        if path.parts[0] != "testing" or path.parts == ("testing", "__init__")
    }


def test_each_module_has_its_stub() -> None:
    stubs = PYTHON / "charms" / "reactive"
    found = {path.relative_to(stubs).with_suffix("").as_posix() for path in stubs.rglob("*.pyi")}
    assert found == public_modules()
    assert (stubs / "py.typed").exists()


def test_mypy_finds_the_types_and_the_errors(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    # Errors that are expected are marked there, and a mark without its error is an error itself.
    if importlib.util.find_spec("mypy") is None and pytestconfig.getoption("--pure-only"):
        pytest.skip("types are the same on every Python; mypy checks them where `make dev` was run")
    sample = HERE / "typed.py"
    assert sample.read_text().count("# type: ignore[") == 4
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(sample)],
        cwd=str(HERE.parents[1]),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
