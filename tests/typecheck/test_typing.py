"""What mypy in strict mode finds in charms' code: the types, and each mistake that is marked as one.

The samples beside this file are what it checks, and nothing runs them. A line that is an error says so:
``type: ignore`` with the code. Were it no error, mypy would complain about the comment.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Set

import pytest

pytestmark = pytest.mark.once

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parents[1] / "python"


def public_modules() -> Set[str]:
    """The modules of the package that charms may import, as paths without a suffix."""
    package = PYTHON / "charms_reactive"
    paths = [path.relative_to(package).with_suffix("") for path in package.rglob("*.py")]
    return {
        path.as_posix()
        for path in paths
        if not any(part.startswith("_") and part != "__init__" for part in path.parts)
        # What is inside of it is reached through it.
        if path.parts[0] != "testing" or path.parts == ("testing", "__init__")
    }


def test_each_module_has_its_stub_under_the_other_name() -> None:
    stubs = PYTHON / "charms" / "reactive"
    found = {path.relative_to(stubs).with_suffix("").as_posix() for path in stubs.rglob("*.pyi")}
    assert found == public_modules()
    assert (stubs / "py.typed").exists()


def test_mypy_finds_the_types_and_the_errors(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    if importlib.util.find_spec("mypy") is None and pytestconfig.getoption("--pure-only"):
        pytest.skip("types are the same on every Python; mypy checks them where `make dev` was run")
    samples = sorted(HERE.glob("typed_*.py"))
    marked = {path.stem: path.read_text().count("# type: ignore[") for path in samples}
    assert marked == {"typed_alias": 4, "typed_events": 8, "typed_records_and_status": 14}
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), *map(str, samples)],
        cwd=str(HERE.parents[1]),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
