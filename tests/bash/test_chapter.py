"""The manual's chapter about bash: every block of it is a file of a charm, or is run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from documents import ROOT, blocks, reading
from framework.support import BASH_HELPER

pytestmark = pytest.mark.once

# Scripts that fail on purpose are there for the blocks between them and the next one.
FAILING = ("site/reactive/fragile.sh", "site/reactive/mistaken.sh")


def test_every_block_of_the_chapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine_name: str
) -> None:
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "charms.reactive.sh").symlink_to(BASH_HELPER)
    program = Path(sys.executable).with_name("charms.reactive")
    (commands / "charms.reactive").symlink_to(program)
    monkeypatch.setenv("PATH", "%s:%s:/usr/bin:/bin" % (commands, Path(sys.executable).parent))
    with reading("docs/bash.md") as page:
        page.walk(tmp_path, monkeypatch, brief=FAILING)
        assert len(page.of("python")) >= 8


def test_every_script_of_the_chapter_is_clean_and_executable_by_its_first_line() -> None:
    scripts = [block.text for block in blocks(ROOT / "docs/bash.md") if block.language == "bash"]
    assert len(scripts) >= 6
    assert all(text.startswith("#!/bin/bash\n") for text in scripts)
    assert all(text.endswith("\nreactive_handler_main\n") for text in scripts)
