"""`make dev` and `make run` on machines that lack something: one line says what."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
needs_310 = pytest.mark.skipif(sys.version_info < (3, 10), reason="below CPython 3.10 Rust is not looked for")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """As much of a source tree as set-up looks at before it installs anything."""
    copy = tmp_path / "tree"
    (copy / "packaging").mkdir(parents=True)
    for name in ("Makefile", "Cargo.toml", "packaging/develop.py"):
        shutil.copy(str(ROOT / name), str(copy / name))
    return copy


def develop(tree: Path, target: str, commands: Dict[str, str], **environment: str) -> List[str]:
    """Run set-up with these shell scripts as the only commands on PATH; the lines of its complaint."""
    bin_directory = tree / "bin"
    bin_directory.mkdir()
    for name, body in commands.items():
        (bin_directory / name).write_text("#!/bin/sh\n" + body)
        (bin_directory / name).chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(tree / "packaging/develop.py"), target],
        capture_output=True,
        env={"PATH": str(bin_directory), **environment},
        check=False,
    )
    assert done.returncode == 1
    return done.stderr.decode().splitlines()


@needs_310
def test_no_cargo(tree: Path) -> None:
    [line] = develop(tree, "dev", {})
    assert re.match(r"error: cargo is missing: the native engine needs Rust >= \d+\.\d+", line)


@needs_310
def test_an_old_rust(tree: Path) -> None:
    [line] = develop(tree, "dev", {"cargo": "", "rustc": "echo 'rustc 1.63.0 (4b91a6ea7 2022-08-08)'"})
    assert re.match(r"error: rustc 1\.63\.0 .* is too old: the native engine needs Rust >= ", line)


@needs_310
def test_a_rust_that_does_not_run(tree: Path) -> None:
    [line] = develop(tree, "dev", {"cargo": "", "rustc": "echo no toolchain; exit 1"})
    assert line == "error: rustc does not run: no toolchain"


@pytest.mark.skipif(sys.version_info >= (3, 10), reason="this Python is new enough")
def test_an_old_python(tree: Path) -> None:
    [line] = develop(tree, "dev", {})
    assert line.startswith("error: the native engine needs CPython >= 3.10 and this is cpython 3.")


def test_no_ensurepip(tree: Path) -> None:
    (tree / "missing").mkdir()
    (tree / "missing/ensurepip.py").write_text("raise ImportError")
    [line] = develop(tree, "run", {}, PYTHONPATH=str(tree / "missing"))
    assert line.startswith("error: this Python cannot make virtual environments: install python3.")
    assert not (tree / ".venv").exists()


@pytest.fixture
def steps(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., List[str]]:
    """Prepares `.venv` for a target, on a machine with Rust; what would have been run, by who builds.

    A step leaves what the real one would, so that the next `make` finds it.
    """
    spec = importlib.util.spec_from_file_location("develop_under_test", tree / "packaging/develop.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    extension = tree / "python/charms_reactive/_engine/_native.abi3.so"
    extension.parent.mkdir(parents=True)
    ran: List[str] = []

    def step(what: str, command: List[str], show: bool = False, **environment: str) -> None:
        ran.append(environment["CHARMS_REACTIVE_BUILD"])
        module.COMMAND.parent.mkdir(parents=True, exist_ok=True)
        module.COMMAND.write_text("")
        if environment["CHARMS_REACTIVE_BUILD"] == "rust":
            extension.write_text("")
        elif extension.exists():  # as an editable installation does
            extension.unlink()

    monkeypatch.setattr(module, "_step", step)
    monkeypatch.setattr(module, "make_venv", lambda: module.VENV.mkdir(exist_ok=True))
    monkeypatch.setattr(module, "rust_problem", lambda: "")

    def prepared(*extras: str) -> List[str]:
        ran.clear()
        module.prepare(set(extras))
        return list(ran)

    return prepared


def test_the_manual_takes_no_engine(steps: Callable[..., List[str]]) -> None:
    assert steps("docs") == ["pure"]
    assert steps("docs") == []


def test_the_manual_leaves_the_engine_that_is_there(steps: Callable[..., List[str]], tree: Path) -> None:
    assert steps("dev") == ["pure", "rust"]
    assert steps("docs") == ["pure", "rust"]
    assert steps("docs") == steps("dev") == []
    (tree / "Cargo.toml").write_text("changed")
    assert steps("docs") == []
    assert steps("dev") == ["rust"]


@pytest.mark.parametrize("target", ["dev", "run", "bench", "docs"])
def test_no_python(tree: Path, target: str) -> None:
    done = subprocess.run(
        ["make", target, "PYTHON=python-of-yore"],
        cwd=str(tree),
        capture_output=True,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    assert done.returncode == 2
    [line] = [line for line in done.stderr.decode().splitlines() if not line.startswith("make: ")]
    assert line == "error: python-of-yore is missing or older than 3.8; name another with PYTHON=python3.12"


def test_help_names_every_target(tree: Path) -> None:
    shown = subprocess.run(
        ["make"], cwd=str(tree), stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]}, check=True
    )
    named = re.findall(r"^  ([\w-]+) ", shown.stdout.decode(), re.M)
    [phony] = re.findall(r"^\.PHONY: (.+)$", (tree / "Makefile").read_text(), re.M)
    assert named == phony.split()
