"""The manual: its code runs, and its sessions print what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import documents

DOCS = Path(__file__).resolve().parent.parent / "docs"

# Installing the package does as much.
PLUGIN = {"PYTEST_ADDOPTS": "-p pytest_charms_reactive -p no:cacheprovider"}


def test_testing(tmp_path: Path) -> None:
    blocks = documents.blocks(DOCS / "testing.md")
    written = documents.write_files(blocks, tmp_path)
    # The reader has the tests of a section from when they are shown on; the sessions count on that.
    tests = tmp_path / "tests" / "test_guestbook.py"
    whole, first = (
        tests.read_text(),
        next(block for block in blocks if block.file == "tests/test_guestbook.py"),
    )
    (tmp_path / "pytest.ini").unlink()
    later = ("test_layer", "test_together")
    for name in later:
        (tmp_path / "tests" / (name + ".py")).rename(tmp_path / (name + ".later"))
    tests.write_text(first.text)
    for block in blocks:
        if block.language == "console":
            for command, output in block.commands:
                if "both" in command:
                    tests.write_text(whole)
                done = documents.run(command, tmp_path, **PLUGIN)
                place = "testing.md:%d: %s" % (block.line, command)
                assert documents.same(output, done.stdout), "%s printed\n%s" % (place, done.stdout)
    for name in later:
        (tmp_path / (name + ".later")).rename(tmp_path / "tests" / (name + ".py"))
    documents.write_files([block for block in blocks if block.file == "pytest.ini"], tmp_path)
    done = documents.run("pytest -q", tmp_path, **PLUGIN)
    assert done.returncode == 0, done.stdout
    assert len(written) == 11


def test_the_workflow_for_ci_is_one(tmp_path: Path) -> None:
    (block,) = [
        one for one in documents.blocks(DOCS / "testing.md") if (one.file or "").startswith(".github")
    ]
    workflow = yaml.safe_load(block.text)
    assert workflow["jobs"]["test"]["steps"][-1] == {"run": "pytest --juju-units both"}


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a\n...\nz\n", "a\nb\nc\nz\n"),
        ("✓ install 20 ms  x", "✓ install              1.2 s  x"),
        ("3 passed in 0.10s", "3 passed in 12.34s"),
    ],
)
def test_what_a_session_shows(shown: str, printed: str) -> None:
    assert documents.same(shown, printed)
    assert not documents.same(shown + "\nmore", printed)
    assert not documents.same(shown, printed + "more")
